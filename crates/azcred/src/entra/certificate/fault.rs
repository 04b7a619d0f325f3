//! What is wrong with a certificate file, and its fix.
//!
//! No fault has a byte of the file or of its password.

use crate::{
    ber::Malformed,
    facts::{Error, ErrorKind, Fix},
    pem::Trouble,
    sieve::shown_path,
    tenant::ClientId,
};
use std::{borrow::Cow, io, path::Path};

/// A certificate file, for errors.
pub(crate) struct NamedFile<'a> {
    pub(crate) path: &'a Path,
    /// The variable that names the file, if there is one.
    pub(crate) variable: Option<&'static str>,
    /// The application.
    pub(crate) client_id: &'a ClientId,
}

/// Why a certificate file can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Empty,
    TooLarge,
    /// What the file is instead.
    Other(&'static str),
    CertificateAlone,
    KeyAlone,
    /// OpenSSL's option for its form.
    Pkcs7(&'static str),
    Unrecognised,
    /// The line of the PEM file, counted from 1, and what is wrong there.
    Pem(usize, &'static str),
    Damaged(&'static str),
    NoCertificate,
    NoKey,
    OpenSshKey,
    KeyMismatch(usize),
    KeyType(&'static str),
    KeyTooSmall(usize),
    /// The key's length in bits.
    KeyLength(usize),
    KeyExponent,
    BadKey,
    /// The certificate's position in the file, counted from 1.
    BadCertificate(usize),
    PasswordNeeded,
    PasswordWrong(PasswordHint),
    TooCostly,
    Encryption(&'static str),
}

/// Why the password may be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordHint {
    None,
    /// What is odd about it.
    Odd(Cow<'static, str>),
    NotNeeded,
}

impl From<Trouble> for Fault {
    fn from(Trouble(line, why): Trouble) -> Self {
        Self::Pem(line, why)
    }
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Damaged("its structure breaks off or is not that of a certificate file")
    }
}

const VARIABLE: &str = "AZURE_CLIENT_CERTIFICATE_PASSWORD";
/// The variable that names the file.
const PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";

impl Fault {
    /// The error for a file, or for bytes without a file.
    pub(super) fn into_error(self, of: Option<&NamedFile<'_>>) -> Error {
        let what = match of {
            Some(of) => Cow::Owned(named(of.path, of.variable)),
            None => Cow::Borrowed("could not read the client certificate"),
        };
        let file = of.map_or("FILE".to_owned(), |of| quoted(&shown_path(of.path)));
        let client_id = of.map(|of| of.client_id);
        let variable = match of {
            Some(of) => of.variable,
            None => Some(PATH),
        };
        let fix = self.fix(&file, client_id, variable);
        let error = Error::new(ErrorKind::Invalid, what, self.why()).with_fix(fix);
        match self {
            Self::PasswordNeeded => error.for_want_of_password(),
            _ => error,
        }
    }

    fn why(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Empty => "the file is empty",
            Self::TooLarge => "the file is larger than 1 MiB, too large for a certificate",
            Self::Other(kind) => return format!("the file is {kind}, not a certificate").into(),
            Self::CertificateAlone => "the file is one certificate in DER, without its private key",
            Self::KeyAlone => "the file is one private key in DER, without its certificate",
            Self::Pkcs7(_) => {
                "the file is a PKCS#7 bundle (.p7b), which never contains a private key"
            }
            Self::Unrecognised => "the file is neither PEM nor PFX (PKCS#12)",
            Self::Pem(line, trouble) => {
                return format!("the PEM section that begins on line {line} {trouble}").into();
            }
            Self::Damaged(how) => return format!("the file is damaged: {how}").into(),
            Self::NoCertificate => "the file contains a private key but no certificate",
            Self::NoKey => "the file contains a certificate but no private key",
            Self::OpenSshKey => "the private key is in OpenSSH's own format",
            Self::KeyMismatch(1) => {
                "the private key does not belong to the certificate in the file"
            }
            Self::KeyMismatch(n) => {
                return format!(
                    "the private key does not belong to any of the {n} certificates in the file"
                )
                .into();
            }
            Self::KeyType(kind) => {
                return format!(
                    "the private key is {kind}; Microsoft Entra ID accepts only RSA keys"
                )
                .into();
            }
            Self::KeyTooSmall(bits) => {
                return format!("the RSA key has {bits} bits; Microsoft Entra ID needs at least 2048 (AADSTS50032)").into();
            }
            Self::KeyLength(bits) => {
                return format!(
                    "the RSA key has {bits} bits; azcred supports 2048, 3072 and 4096 bits"
                )
                .into();
            }
            Self::KeyExponent => {
                "the public exponent of the RSA key is less than 65537, the least that azcred supports"
            }
            Self::BadKey => "the private key in the file is damaged",
            Self::BadCertificate(n) => {
                return format!("certificate {n} in the file is not an X.509 certificate").into();
            }
            Self::PasswordNeeded => "the private key is encrypted, and no password was given",
            Self::PasswordWrong(PasswordHint::None) => {
                "the password is wrong, or the file is damaged"
            }
            Self::PasswordWrong(PasswordHint::Odd(oddity)) => {
                return format!("the password is wrong: {oddity}").into();
            }
            Self::PasswordWrong(PasswordHint::NotNeeded) => {
                "a password was given, but the file has none"
            }
            Self::TooCostly => {
                "opening the file needs more than 10 million rounds of key derivation or 256 MiB, which is over azcred's limit"
            }
            Self::Encryption(name) => {
                return format!("the file is encrypted with {name}, which azcred does not support")
                    .into();
            }
        })
    }

    fn fix(&self, file: &str, client_id: Option<&ClientId>, variable: Option<&'static str>) -> Fix {
        let make = || new_certificate(client_id, variable);
        let new = |lost: &str| make().when(format!("{lost} lost"));
        match self {
            Self::PasswordNeeded => Fix::set([VARIABLE]).or(format!("write the key without a password: `openssl pkey -in {file} -out key.pem`")),
            Self::PasswordWrong(PasswordHint::None) => format!("correct {VARIABLE}; try it with `openssl pkcs12 -in {file} -noout` (PFX) or `openssl pkey -in {file} -noout` (PEM)").into(),
            Self::PasswordWrong(PasswordHint::Odd(_)) => format!("set {VARIABLE} to the password alone").into(),
            Self::PasswordWrong(PasswordHint::NotNeeded) => Fix::UnsetVariable(VARIABLE.into()),
            Self::NoCertificate => Fix::from(format!("add the certificate to the file: `cat CERTIFICATE.pem >> {file}`")).or(new("it is")),
            Self::KeyAlone => Fix::from(format!("join it with its certificate: `(openssl pkey -inform DER -in {file}; cat CERTIFICATE.pem) > both.pem`")).or(new("the certificate is")),
            Self::CertificateAlone => Fix::from(format!("join it with its private key: `(openssl x509 -inform DER -in {file}; cat KEY.pem) > both.pem`")).or(new("the key is")),
            Self::Pkcs7(form) => Fix::from("export the certificate again with its private key, as a PFX file (.pfx)").or(format!("join it with its private key: `(openssl pkcs7{form} -print_certs -in {file}; cat KEY.pem) > both.pem`")).or(new("the key is")),
            Self::NoKey => Fix::from(format!("add the certificate's private key to the file: `cat KEY.pem >> {file}`")).or(new("the key is")),
            Self::KeyMismatch(_) => Fix::from(format!("compare `openssl pkey -in {file} -pubout` with `openssl x509 -in {file} -pubkey -noout`, and put the two that agree into one file")).or(new("the right key is")),
            Self::OpenSshKey => "convert a copy of it with `ssh-keygen -p -m PKCS8 -f KEY`".into(),
            Self::KeyType(_) | Self::KeyTooSmall(_) | Self::KeyLength(_) | Self::KeyExponent => make(),
            Self::Encryption(_) | Self::TooCostly => format!("encrypt it again: `openssl pkcs12 -in {file} -nodes -legacy | openssl pkcs12 -export -out new.pfx` for a PFX, `openssl pkcs8 -topk8 -in {file} -out key.pem` for a PEM key").into(),
            Self::Other("a web page (HTML)") => "download it again; open the address in a browser to see the page".into(),
            Self::Other("JSON") => format!("write the certificate alone into a file: `jq -r .value {file} > certificate.pem`, if it is from `az keyvault secret show`").into(),
            Self::Other("a key of PuTTY") => "export the key with PuTTYgen (Conversions, Export OpenSSH key), and add the certificate".into(),
            Self::Other(_) => "give the PEM or PFX file with this application's certificate and its private key".into(),
            Self::TooLarge => "give the PEM or PFX file of this application's certificate".into(),
            Self::Empty | Self::Unrecognised | Self::Pem(..) | Self::Damaged(_) | Self::BadKey | Self::BadCertificate(_) => Fix::from("copy the file again from where it was made").or(new("that is")),
        }
    }
}

/// The fix that replaces a certificate which can't be used.
pub(super) fn new_certificate(client_id: Option<&ClientId>, variable: Option<&'static str>) -> Fix {
    Fix::NewCertificate {
        client_id: client_id.map(ToString::to_string),
        variable,
    }
}

fn named(path: &Path, variable: Option<&str>) -> String {
    let from = variable.map_or(String::new(), |variable| format!(" (from {variable})"));
    format!(
        "could not read the client certificate {}{from}",
        shown_path(path)
    )
}

/// Quoted, so that a shell reads one word.
fn quoted(path: &str) -> String {
    match path.contains([' ', '\'', '"', '$', '`', '\\']) {
        true => format!("'{}'", path.replace('\'', r"'\''")),
        false => path.to_owned(),
    }
}

/// The error for a file that can't be read.
pub(crate) fn unreadable(path: &Path, variable: Option<&str>, error: &io::Error) -> Error {
    let fix = match variable {
        Some(variable) => format!("set {variable} to a PEM or PFX file that this user may read"),
        None => "let this user read the file, or sign in again with another file".to_owned(),
    };
    Error::new(ErrorKind::Invalid, named(path, variable), error.to_string()).with_fix(fix)
}
