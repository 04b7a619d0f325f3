//! Reads bundles of root certificates, and folders of them: PEM, DER and PKCS#7, as people have
//! them.

use crate::{
    ber::{first_element, pkcs7_certificates},
    decode, pem,
    sieve::shown_path,
    system::System,
};
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use std::{collections::HashSet, ffi::OsStr, io, path::Path};

/// A larger file is not a bundle of root certificates, in bytes.
const LIMIT: u64 = 16 << 20;

/// The certificates of a file, and what of it was not understood.
#[derive(Debug, Default)]
pub(super) struct Bundle {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Each completes 'azcred can't use': 'the certificate on line 3 (it is damaged)'.
    pub(super) lost: Vec<String>,
}

impl Bundle {
    /// Reads the file at a path, or the files of a folder, as Python's requests does too.
    ///
    /// # Errors
    /// Why there is no root certificate.
    pub(super) fn at(system: &dyn System, path: &Path) -> Result<Self, String> {
        match system.read(path, LIMIT) {
            Ok(data) => {
                let mut bundle = Self::read(&data)?;
                for lost in &mut bundle.lost {
                    lost.push_str(&format!(" in {}", shown_path(path)));
                }
                Ok(bundle)
            }
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                let bundle = Self::in_folder(system, path).map_err(|error| error.to_string())?;
                match (&bundle.certificates[..], &bundle.lost[..]) {
                    ([], []) => Err("it is a folder with no certificate".to_owned()),
                    ([], [first, ..]) => Err(format!(
                        "it is a folder with no certificate that can be used: {first}"
                    )),
                    _ => Ok(bundle),
                }
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reads the files of a folder. There may be none with a certificate.
    ///
    /// # Errors
    /// If the folder can't be read.
    pub(super) fn in_folder(system: &dyn System, folder: &Path) -> io::Result<Self> {
        let mut names = system.list(folder)?;
        names.sort_unstable();
        let mut whole = Self::default();
        // `openssl rehash` makes links, so that each file is there more than once.
        let (mut files, mut found) = (HashSet::new(), HashSet::new());
        for path in names.into_iter().map(|name| folder.join(name)) {
            let data = match system.read(&path, LIMIT) {
                Ok(data) => data,
                Err(error) => {
                    // A folder, or a link to a file that was removed.
                    let is_no_file = matches!(
                        error.kind(),
                        io::ErrorKind::IsADirectory | io::ErrorKind::NotFound
                    );
                    if !is_no_file && is_certificates_name(&path) {
                        let lost = format!("{} ({error})", shown_path(&path));
                        whole.lost.push(lost);
                    }
                    continue;
                }
            };
            if !files.insert(data.clone()) {
                continue;
            }
            match Self::read(&data) {
                Ok(bundle) => {
                    let lost = bundle.lost.iter();
                    whole
                        .lost
                        .extend(lost.map(|lost| format!("{lost} in {}", shown_path(&path))));
                    let new = |der: &CertificateDer<'static>| found.insert(der.to_vec());
                    whole
                        .certificates
                        .extend(bundle.certificates.into_iter().filter(new));
                }
                // Other files may be there too: a list of revoked certificates, a README.
                Err(why) if is_certificates_name(&path) => {
                    whole.lost.push(format!("{} ({why})", shown_path(&path)));
                }
                Err(_) => {}
            }
        }
        Ok(whole)
    }

    /// Reads a file's content.
    ///
    /// # Errors
    /// Why it has no root certificate.
    pub(super) fn read(data: &[u8]) -> Result<Self, String> {
        let unwrapped = decode::unwrapped(data);
        let data = unwrapped.as_ref().map_or(data, |inside| inside.as_slice());
        let mut bundle = Self::default();
        if pem::is_pem(data) {
            let text = decode::ascii(data);
            for section in pem::each_section(&text) {
                let section = match section {
                    Ok(section) => section,
                    Err(pem::Trouble(line, why)) => {
                        let lost = format!("the certificate on line {line} (it {why})");
                        bundle.lost.push(lost);
                        continue;
                    }
                };
                let place = format!("the certificate on line {}", section.line);
                match section.label {
                    "CERTIFICATE"
                    | "X509 CERTIFICATE"
                    | "TRUSTED CERTIFICATE"
                    | "PKCS7"
                    | "CMS" => bundle.add_der(&section.der, &place),
                    // Keys, requests and revocation lists are not certificates.
                    _ => {}
                }
            }
        } else if data.trim_ascii().is_empty() {
            return Err("it is empty".to_owned());
        } else if data.starts_with(&[0x30]) {
            bundle.add_der(data, "its certificate");
        } else if let Some(kind) = decode::described(data) {
            return Err(format!(
                "it is {kind}, and must be a file of certificates (PEM)"
            ));
        }
        match (&bundle.certificates[..], &bundle.lost[..]) {
            ([], []) => Err("it contains no certificate".to_owned()),
            ([], [first, ..]) => Err(format!(
                "it contains no certificate that can be used: {first}"
            )),
            _ => Ok(bundle),
        }
    }

    /// Adds a certificate, or those of a PKCS#7 bundle.
    fn add_der(&mut self, der: &[u8], place: &str) {
        if let Some(certificates) = pkcs7_certificates(der) {
            for (at, der) in certificates.into_iter().enumerate() {
                self.add(der, &format!("certificate {} of its PKCS#7 bundle", at + 1));
            }
            return;
        }
        if is_pfx(der) {
            let why = "it is a PFX (PKCS#12); write its certificates with `openssl pkcs12 -cacerts -nokeys`";
            self.lost.push(format!("{place} ({why})"));
            return;
        }
        self.add(first_element(der), place);
    }

    fn add(&mut self, der: &[u8], place: &str) {
        let certificate = CertificateDer::from(der.to_vec());
        match RootCertStore::empty().add(certificate.clone()) {
            Ok(()) => self.certificates.push(certificate),
            Err(_) => self
                .lost
                .push(format!("{place} (it is damaged, or not a certificate)")),
        }
    }
}

/// Whether a file is called as certificates are: by an ending, or as `openssl rehash` calls it,
/// with eight hexadecimal digits and a number.
fn is_certificates_name(path: &Path) -> bool {
    const ENDINGS: [&str; 6] = ["pem", "crt", "cer", "der", "p7b", "p7c"];
    let Some(ending) = path.extension().and_then(OsStr::to_str) else {
        return false;
    };
    let stem = path.file_stem().unwrap_or_default().as_encoded_bytes();
    ENDINGS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(ending))
        || (stem.len() == 8
            && stem.iter().all(u8::is_ascii_hexdigit)
            && ending.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether DER begins as a PFX does: with version 3.
fn is_pfx(der: &[u8]) -> bool {
    use crate::ber::{BerReader, INTEGER};
    let version = BerReader::new(der)
        .sequence()
        .and_then(|mut inside| inside.expect(INTEGER)?.number());
    version == Ok(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    /// The DER of a new certificate.
    fn der(name: &str) -> Vec<u8> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut of = rcgen::CertificateParams::default();
        of.distinguished_name.push(rcgen::DnType::CommonName, name);
        of.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        of.self_signed(&key).unwrap().der().to_vec()
    }

    fn section(label: &str, der: &[u8]) -> String {
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            STANDARD.encode(der)
        )
    }

    /// DER: a tag, a length of three bytes, and the content.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x83], &length[1..], content].concat()
    }

    /// What `openssl crl2pkcs7 -nocrl` makes.
    fn pkcs7(certificates: &[u8]) -> Vec<u8> {
        const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
        const DATA: &[u8] = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
        let list = element(0xa0, certificates);
        let signed = element(
            0x30,
            &[&[2, 1, 1, 0x31, 0], DATA, &list, &[0x31, 0]].concat(),
        );
        element(0x30, &[SIGNED_DATA, &element(0xa0, &signed)].concat())
    }

    #[test]
    fn no_root_is_lost_in_any_form_in_which_people_have_a_bundle() {
        let (one, two) = (der("one"), der("two"));
        let settings = b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
        let trusted = [&two[..], settings].concat();
        let both = [&one[..], &two[..]].concat();
        let pem = section("CERTIFICATE", &one) + &section("CERTIFICATE", &two);
        let utf16: Vec<u8> = format!("\u{feff}{pem}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (form, file) in [
            ("PEM", pem.clone().into_bytes()),
            ("a byte order mark", format!("\u{feff}{pem}").into_bytes()),
            ("UTF-16", utf16),
            ("CRLF", pem.replace('\n', "\r\n").into_bytes()),
            ("one line", pem.replace('\n', "").into_bytes()),
            ("spaces", pem.replace('\n', " ").into_bytes()),
            ("\\n", pem.replace('\n', "\\n").into_bytes()),
            ("base64", STANDARD.encode(&pem).into_bytes()),
            (
                "comments",
                format!(
                    "# caf\u{e9}\n{}",
                    pem.replace("-----BEGIN", "subject=/CN=x\n-----BEGIN")
                )
                .into_bytes(),
            ),
            (
                "X509",
                (section("X509 CERTIFICATE", &one) + &section("CERTIFICATE", &two)).into_bytes(),
            ),
            (
                "TRUSTED",
                (section("CERTIFICATE", &one) + &section("TRUSTED CERTIFICATE", &trusted))
                    .into_bytes(),
            ),
            ("PKCS7", section("PKCS7", &pkcs7(&both)).into_bytes()),
            ("PKCS7 in DER", pkcs7(&both)),
            (
                "PKCS7 as base64",
                STANDARD.encode(pkcs7(&both)).into_bytes(),
            ),
            (
                "PKCS7 called CERTIFICATE",
                section("CERTIFICATE", &pkcs7(&both)).into_bytes(),
            ),
        ] {
            let bundle = Bundle::read(&file).unwrap_or_else(|error| panic!("{form}: {error}"));
            let found: Vec<&[u8]> = bundle.certificates.iter().map(AsRef::as_ref).collect();
            assert_eq!(found, [&one[..], &two[..]], "{form}");
            assert!(bundle.lost.is_empty(), "{form}: {:?}", bundle.lost);
        }
        let bundle = Bundle::read(&one).unwrap();
        assert_eq!(bundle.certificates.len(), 1);
    }

    #[test]
    fn what_of_a_folder_is_not_understood_is_said_with_its_file() {
        let system = Fixture::new()
            .with_file("/ca/0a1b2c3d.0", section("CERTIFICATE", &der("one")))
            .with_file(
                "/ca/1a1b2c3d.0",
                section("CERTIFICATE", b"\x30\x03\x02\x01\x05"),
            )
            .with_file("/ca/2a1b2c3d.r0", "a list of revoked certificates")
            .with_file("/ca/README", "read me")
            .with_file(
                "/ca/half.pem",
                section("CERTIFICATE", &der("two")) + "-----BEGIN CERTIFICATE-----\nMII",
            )
            .with_file("/ca/page.crt", "<html>")
            .with_file("/ca/whole.der", der("three"))
            .with_file("/ca/hidden/x", "")
            .with_hidden("/ca/hidden");
        let bundle = Bundle::in_folder(&system, Path::new("/ca")).unwrap();
        assert_eq!(bundle.certificates.len(), 3);
        assert_eq!(
            bundle.lost,
            [
                "/ca/1a1b2c3d.0 (it contains no certificate that can be used: the certificate on line 1 (it is damaged, or not a certificate))",
                "the certificate on line 4 (it has no end: its last lines are missing) in /ca/half.pem",
                "/ca/page.crt (it is a web page (HTML), and must be a file of certificates (PEM))",
            ]
        );
        let missing = Bundle::in_folder(&system, Path::new("/no/such/folder"));
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_root_behind_a_damaged_one_is_not_lost() {
        let good = section("CERTIFICATE", &der("one"));
        for (damaged, why) in [
            (
                "-----BEGIN CERTIFICATE-----\nM!I\n-----END CERTIFICATE-----\n",
                "is not base64",
            ),
            ("-----BEGIN CERTIFICATE-----\nMII\n", "has no end"),
            (
                "-----BEGIN CERTIFICATE-----\nMII\n-----END KEY-----\n",
                "ends as something else",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
                "is empty",
            ),
            ("-----BEGIN CERT\n", "has a header"),
        ] {
            for file in [format!("{damaged}{good}"), format!("{good}{damaged}{good}")] {
                let bundle = Bundle::read(file.as_bytes()).unwrap();
                assert_eq!(
                    bundle.certificates.len(),
                    file.matches(&good[..80]).count(),
                    "{why}"
                );
                let [lost] = &bundle.lost[..] else {
                    panic!("{why}: {:?}", bundle.lost);
                };
                assert!(lost.contains(why), "{lost}");
            }
        }
    }

    #[test]
    fn what_of_a_bundle_is_not_understood_is_said_with_its_line() {
        let good = section("CERTIFICATE", &der("one"));
        let bundle = Bundle::read(
            format!("{good}{}", section("CERTIFICATE", b"\x30\x03\x02\x01\x05")).as_bytes(),
        )
        .unwrap();
        assert_eq!(bundle.certificates.len(), 1);
        assert_eq!(
            bundle.lost,
            ["the certificate on line 4 (it is damaged, or not a certificate)"]
        );
        for (file, why) in [
            (&b""[..], "empty"),
            (b"\xef\xbb\xbf\n", "no certificate"),
            (b"some text", "no certificate"),
            (b"<html>", "web page"),
            (b"PK\x03\x04", "ZIP"),
            (b"\x30\x03\x02\x01\x03", "PFX"),
            (b"-----BEGIN CERTIFICATE-----\nMII", "line 1 (it has no end"),
            (
                b"-----BEGIN CERTIFICATE-----\nM!I\n-----END CERTIFICATE-----",
                "line 1 (it is not base64",
            ),
            (
                b"-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PRIVATE KEY-----",
                "no certificate",
            ),
        ] {
            let error = Bundle::read(file).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
