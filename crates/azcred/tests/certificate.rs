//! Tests of certificate files: every format that other Azure clients read, and every way to get one
//! wrong.
#![cfg(feature = "certificates")]

use azcred::{ClientCertificate, Error, ErrorKind, SecretString};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::{fs, path::PathBuf};

const PASSWORD: &str = "correct-horse";
/// `openssl x509 -fingerprint` of `certificate-only.pem`, the certificate in most of the files.
const SHA1: &str = "F52159B6D23F9E4132065776ECDEB35D9EBA1F92";
const SHA256: &str = "53F58225660BB4837AB08548F8633D6C5587AD0166AA88044160B72EF05E9ACB";
/// The fingerprint of `leaf-certificate.pem`.
const LEAF_SHA1: &str = "C6F59EFD9FB754AC61A3CFA0F4929D298F6D8A4C";

fn fixture(name: &str) -> Vec<u8> {
    let path: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "tests/fixtures/certificates",
        name,
    ]
    .iter()
    .collect();
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read(name: &str, password: Option<&str>) -> Result<ClientCertificate, Error> {
    ClientCertificate::from_bytes(&fixture(name), password.map(SecretString::from).as_ref())
}

/// The error of a file, which must have a fix.
fn refuse(data: &[u8], password: Option<&str>) -> String {
    let error = ClientCertificate::from_bytes(data, password.map(SecretString::from).as_ref())
        .err()
        .unwrap_or_else(|| panic!("it was read: {} bytes", data.len()));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.fix().is_some(), "{error} says no fix");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains(PASSWORD) && !shown.contains("BEGIN"),
        "{shown}"
    );
    format!("{}; {}", error.why(), error.fix().unwrap())
}

fn refuse_file(name: &str, password: Option<&str>) -> String {
    refuse(&fixture(name), password)
}

#[track_caller]
fn assert_says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "'{text}' does not say '{word}'");
    }
}

#[test]
fn a_pem_file_without_a_password_is_read_whatever_its_order_and_key_format() {
    for name in ["certificate-first.pem", "key-first.pem", "pkcs1.pem"] {
        let certificate = read(name, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(certificate.thumbprint_sha1(), SHA1, "{name}");
        assert_eq!(certificate.thumbprint_sha256(), SHA256, "{name}");
        assert_eq!(
            certificate.subject(),
            "CN=azcred test, not a real key",
            "{name}"
        );
        assert_eq!(certificate.chain_len(), 1, "{name}");
        assert!(certificate.not_before() < certificate.not_after(), "{name}");
        assert_eq!(certificate.not_after().year(), 2126, "{name}");
    }
}

#[test]
fn windows_line_breaks_a_byte_order_mark_and_comments_do_not_matter_in_pem() {
    let text = String::from_utf8(fixture("key-first.pem")).unwrap();
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let commented = format!(
        "Bag Attributes\r\n  friendlyName: x\n{}",
        text.replace("-----BEGIN C", "subject=CN = x\n\n-----BEGIN C")
    );
    for data in [windows, commented] {
        let certificate = ClientCertificate::from_bytes(data.as_bytes(), None).unwrap();
        assert_eq!(certificate.thumbprint_sha1(), SHA1);
    }
}

#[test]
fn an_encrypted_key_in_pem_is_read_in_every_scheme_that_openssl_writes() {
    for name in [
        "pkcs8-aes256-sha256.pem",
        "pkcs8-aes128-sha1.pem",
        "pkcs8-aes192-sha512.pem",
        "pkcs8-3des-sha256.pem",
        "pkcs8-scrypt.pem",
        "pkcs8-pbes1-sha1-3des.pem",
        "pkcs8-pbes1-md5-des.pem",
        "pkcs8-pbes1-sha1-rc2-40.pem",
        "traditional-aes128.pem",
        "traditional-aes192.pem",
        "traditional-aes256.pem",
        "traditional-des3.pem",
        "traditional-des.pem",
    ] {
        let certificate =
            read(name, Some(PASSWORD)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(certificate.thumbprint_sha1(), SHA1, "{name}");
        assert_says(
            &refuse_file(name, None),
            &["no password was given", "AZURE_CLIENT_CERTIFICATE_PASSWORD"],
        );
        assert_says(
            &refuse_file(name, Some("wrong")),
            &["the password is wrong", "AZURE_CLIENT_CERTIFICATE_PASSWORD"],
        );
        let needs_password = |given| read(name, given).unwrap_err().needs_password();
        assert!(
            needs_password(None) && !needs_password(Some("wrong")),
            "{name}"
        );
    }
}

#[test]
fn a_pfx_is_read_in_modern_and_legacy_encryption() {
    for name in [
        "pfx-modern.pfx",
        "pfx-legacy-rc2.pfx",
        "pfx-legacy-3des.pfx",
        "pfx-legacy-rc2-128.pfx",
        "pfx-sha512-mac.pfx",
        "pfx-pbmac1.pfx",
        "pfx-indefinite-lengths.pfx",
        "pfx-no-encryption.pfx",
        "pfx-no-mac.pfx",
    ] {
        let certificate =
            read(name, Some(PASSWORD)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(certificate.thumbprint_sha1(), SHA1, "{name}");
        assert_eq!(certificate.chain_len(), 1, "{name}");
        assert_says(
            &refuse_file(name, None),
            &["no password was given", "AZURE_CLIENT_CERTIFICATE_PASSWORD"],
        );
        assert_says(
            &refuse_file(name, Some("wrong")),
            &["the password is wrong", "AZURE_CLIENT_CERTIFICATE_PASSWORD"],
        );
        let needs_password = |given| read(name, given).unwrap_err().needs_password();
        assert!(
            needs_password(None) && !needs_password(Some("wrong")),
            "{name}"
        );
    }
}

#[test]
fn a_pfx_without_a_password_is_read_in_both_encodings() {
    for name in [
        "pfx-empty-password.pfx",
        "pfx-null-password.pfx",
        "pfx-no-encryption-no-mac.pfx",
    ] {
        for password in [None, Some("")] {
            let certificate =
                read(name, password).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(certificate.thumbprint_sha1(), SHA1, "{name}");
        }
    }
    for name in ["pfx-empty-password.pfx", "pfx-null-password.pfx"] {
        assert_says(
            &refuse_file(name, Some("wrong")),
            &[
                "the file has none",
                "unset AZURE_CLIENT_CERTIFICATE_PASSWORD",
            ],
        );
    }
}

#[test]
fn a_password_beyond_ascii_and_beyond_16_bits_opens_a_pfx() {
    assert_eq!(
        read("pfx-unicode-password.pfx", Some("pässwörd-🔑"))
            .unwrap()
            .thumbprint_sha1(),
        SHA1
    );
}

#[test]
fn what_is_odd_about_a_wrong_password_is_said() {
    for name in ["pfx-modern.pfx", "pkcs8-aes256-sha256.pem"] {
        assert_says(
            &refuse_file(name, Some("correct-horse\n")),
            &["it ends with a line end", "to the password alone"],
        );
    }
}

#[test]
fn the_leaf_is_found_by_its_key_and_the_chain_ordered_by_issuer() {
    for (name, password) in [
        ("chain-scrambled.pem", None),
        ("pfx-chain.pfx", Some(PASSWORD)),
    ] {
        let certificate = read(name, password).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(certificate.thumbprint_sha1(), LEAF_SHA1, "{name}");
        assert_eq!(certificate.subject(), "CN=azcred test leaf", "{name}");
        assert_eq!(certificate.chain_len(), 3, "{name}");
    }
}

#[test]
fn a_file_that_lacks_its_other_half_says_which_half() {
    assert_says(
        &refuse_file("certificate-only.pem", None),
        &["no private key", "cat KEY.pem >>"],
    );
    assert_says(
        &refuse_file("key-only.pem", None),
        &["no certificate", "cat CERTIFICATE.pem >>"],
    );
    assert_says(
        &refuse_file("pfx-no-key.pfx", Some(PASSWORD)),
        &["no private key"],
    );
    assert_says(
        &refuse_file("pfx-no-certificate.pfx", Some(PASSWORD)),
        &["no certificate"],
    );
    assert_says(
        &refuse_file("certificate.der", None),
        &["one certificate in DER", "private key"],
    );
    assert_says(&refuse_file("key.der", None), &["one private key in DER"]);
    assert_says(
        &refuse_file("certificates.p7b", None),
        &["PKCS#7", "never contains a private key", "openssl pkcs7"],
    );
}

/// A file's content in UTF-16, with a byte order mark.
fn utf16(text: &str) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// DER: a tag, a length of three bytes, and the content.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x83], &length[1..], content].concat()
}

/// A file in every form in which people have it. None of them is ambiguous.
fn dressed(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let wrapped = |text: &str| {
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(76)
            .map(|line| str::from_utf8(line).unwrap())
            .collect();
        lines.join("\r\n")
    };
    let mut forms = vec![
        ("base64", encode(file).into_bytes()),
        ("base64 in lines", wrapped(&encode(file)).into_bytes()),
        (
            "base64 in quotes",
            format!("\"{}\"\n", encode(file)).into_bytes(),
        ),
        (
            "base64 of base64",
            encode(encode(file).as_bytes()).into_bytes(),
        ),
        ("base64 in UTF-16", utf16(&encode(file))),
        (
            "base64 with a mark",
            format!("\u{feff}{}", encode(file)).into_bytes(),
        ),
    ];
    if let Ok(text) = str::from_utf8(file) {
        let joined = |between: &str| text.lines().collect::<Vec<_>>().join(between).into_bytes();
        forms.extend([
            ("UTF-16", utf16(text)),
            ("base64 of UTF-16", encode(&utf16(text)).into_bytes()),
            ("a byte order mark", format!("\u{feff}{text}").into_bytes()),
            ("CRLF", joined("\r\n")),
            ("CR", joined("\r")),
            ("spaces for line ends", joined(" ")),
            ("\\n for line ends", joined("\\n")),
            ("\\r\\n for line ends", joined("\\r\\n")),
            ("\\\\n for line ends", joined("\\\\n")),
            ("no line ends", joined("")),
            ("indented", joined("\n    ")),
            ("quotes", format!("\"{text}\"").into_bytes()),
            ("a JSON string", format!("{text:?}").into_bytes()),
            ("no line end last", text.trim_end().as_bytes().to_vec()),
        ]);
    }
    let own = |(form, data): (&str, Vec<u8>)| (form.to_owned(), data);
    forms.into_iter().map(own).collect()
}

#[test]
fn a_file_is_read_in_every_form_in_which_people_have_it() {
    for (name, password) in [
        ("key-first.pem", None),
        ("pkcs1.pem", None),
        ("pkcs8-aes256-sha256.pem", Some(PASSWORD)),
        ("pfx-modern.pfx", Some(PASSWORD)),
        ("pfx-indefinite-lengths.pfx", Some(PASSWORD)),
    ] {
        for (form, data) in dressed(&fixture(name)) {
            let certificate =
                ClientCertificate::from_bytes(&data, password.map(SecretString::from).as_ref())
                    .unwrap_or_else(|error| panic!("{name} as {form}: {error}"));
            assert_eq!(certificate.thumbprint_sha1(), SHA1, "{name} as {form}");
        }
    }
    // An encrypted key of OpenSSL's own form has headers, which need a space or a line break.
    for (form, data) in dressed(&fixture("traditional-aes256.pem")) {
        if form != "no line ends" {
            let certificate = ClientCertificate::from_bytes(&data, Some(&PASSWORD.into()))
                .unwrap_or_else(|error| panic!("{form}: {error}"));
            assert_eq!(certificate.thumbprint_sha1(), SHA1, "{form}");
        }
    }
}

#[test]
fn the_certificates_of_a_pkcs7_section_and_a_trusted_certificate_go_with_a_key() {
    let key = String::from_utf8(fixture("key-only.pem")).unwrap();
    let certificate = String::from_utf8(fixture("certificate-only.pem")).unwrap();
    let base64: String = certificate
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let der = STANDARD.decode(base64).unwrap();
    let section = |label: &str, der: &[u8]| {
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            STANDARD.encode(der)
        )
    };
    const SIGNED_DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    const DATA: &[u8] = b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    let list = element(0xa0, &der);
    let signed = element(
        0x30,
        &[&[2, 1, 1, 0x31, 0], DATA, &list, &[0x31, 0]].concat(),
    );
    let pkcs7 = element(0x30, &[SIGNED_DATA, &element(0xa0, &signed)].concat());
    // OpenSSL's `x509 -trustout` writes its settings behind the certificate.
    let trusted = [
        &der[..],
        b"\x30\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01",
    ]
    .concat();
    for bundle in [
        section("PKCS7", &pkcs7),
        section("CMS", &pkcs7),
        section("TRUSTED CERTIFICATE", &trusted),
        section("X509 CERTIFICATE", &der),
    ] {
        let file = format!("{key}{bundle}");
        let read = ClientCertificate::from_bytes(file.as_bytes(), None)
            .unwrap_or_else(|error| panic!("{error}: {bundle}"));
        assert_eq!(read.thumbprint_sha1(), SHA1, "{bundle}");
    }
    assert_says(
        &refuse(&pkcs7, None),
        &["PKCS#7", "never contains a private key", "-inform DER"],
    );
    assert_says(
        &refuse(STANDARD.encode(&pkcs7).as_bytes(), None),
        &["PKCS#7", "never contains a private key"],
    );
}

#[test]
fn a_key_of_another_certificate_is_refused_with_the_commands_that_compare_them() {
    assert_says(
        &refuse_file("mismatched.pem", None),
        &[
            "does not belong to the certificate",
            "openssl pkey",
            "-pubout",
        ],
    );
    let mut two = fixture("mismatched.pem");
    two.extend(fixture("root-certificate.pem"));
    assert_says(&refuse(&two, None), &["any of the 2 certificates"]);
}

#[test]
fn a_key_that_entra_id_does_not_accept_is_rejected_with_its_kind() {
    for name in [
        "ec-p256.pem",
        "ec-p256-sec1.pem",
        "ec-p521.pem",
        "pfx-ec.pfx",
    ] {
        assert_says(
            &refuse_file(name, Some(PASSWORD)),
            &["elliptic curve", "only RSA", "--create-cert"],
        );
    }
    assert_says(&refuse_file("ed25519.pem", None), &["Ed25519", "only RSA"]);
    assert_says(
        &refuse_file("rsa-1024.pem", None),
        &["1024 bits", "AADSTS50032", "--create-cert"],
    );
    assert_says(
        &refuse_file("openssh.pem", None),
        &["OpenSSH", "ssh-keygen -p -m PKCS8"],
    );
    assert!(read("rsa-3072.pem", None).is_ok());
    assert!(read("rsa-4096.pem", None).is_ok());
    assert!(read("rsa-pss.pem", None).is_ok());
}

#[test]
fn an_rsa_key_that_azcred_can_not_sign_with_is_rejected_with_the_supported_ones() {
    for (name, bits) in [("rsa-2560.pem", "2560 bits"), ("rsa-8192.pem", "8192 bits")] {
        assert_says(
            &refuse_file(name, None),
            &[bits, "2048, 3072 and 4096 bits", "--create-cert"],
        );
    }
    assert_says(
        &refuse_file("rsa-exponent-3.pem", None),
        &["exponent", "65537", "--create-cert"],
    );
}

#[test]
fn a_file_that_is_something_else_is_called_by_its_name() {
    assert_says(&refuse(b"", None), &["empty"]);
    assert_says(&refuse(b" \n\t\n", None), &["empty"]);
    assert_says(
        &refuse(b"\n<!DOCTYPE html><html>sign in</html>", None),
        &["web page"],
    );
    assert_says(
        &refuse(b"not a certificate at all", None),
        &["neither PEM nor PFX"],
    );
    assert_says(
        &refuse(&[0x30, 0x03, 0x0c, 0x01, 0x41], None),
        &["neither PEM nor PFX"],
    );
    assert_says(
        &refuse(&vec![b'x'; (1 << 20) + 1], None),
        &["larger than 1 MiB"],
    );
    for (file, says) in [
        (&b"PK\x03\x04zip"[..], &["ZIP archive"][..]),
        (b"%PDF-1.7", &["PDF"]),
        (b"\xfe\xed\xfe\xed\0", &["Java key store"]),
        (b"{\"value\": \"MII\"}", &["JSON", "jq -r .value"]),
        (b"ssh-rsa AAAAB3", &["public key of OpenSSH"]),
        (b"PuTTY-User-Key-File-3: ssh-rsa", &["PuTTY"]),
    ] {
        assert_says(&refuse(file, None), says);
    }
    let as_base64 = read("pfx-as-base64-text.pfx", Some(PASSWORD)).unwrap();
    assert_eq!(as_base64.thumbprint_sha1(), SHA1);
}

#[test]
fn a_truncated_or_changed_file_is_damaged_and_not_a_wrong_password() {
    let pem = fixture("key-first.pem");
    assert_says(&refuse(&pem[..500], None), &["on line 1 has no end"]);
    let spoilt = String::from_utf8(pem).unwrap().replacen("MII", "M!I", 1);
    assert_says(
        &refuse(spoilt.as_bytes(), None),
        &["on line 1 is not base64"],
    );
    let pfx = fixture("pfx-modern.pfx");
    assert_says(&refuse(&pfx[..pfx.len() / 2], Some(PASSWORD)), &["damaged"]);
    let no_certificate = String::from_utf8(fixture("key-first.pem")).unwrap();
    let (key, _) = no_certificate.split_once("-----BEGIN CERTIFICATE").unwrap();
    let nonsense =
        format!("{key}-----BEGIN CERTIFICATE-----\nAAECAwQ=\n-----END CERTIFICATE-----\n");
    assert_says(
        &refuse(nonsense.as_bytes(), None),
        &["certificate 1", "not an X.509 certificate"],
    );
}

#[test]
fn a_file_that_needs_endless_work_is_rejected_before_the_work() {
    for name in [
        "pkcs8-pbkdf2-twenty-million.pem",
        "pkcs8-scrypt-huge.pem",
        "pkcs8-scrypt-half-a-gigabyte.pem",
        "pfx-mac-two-billion.pfx",
    ] {
        assert_says(
            &refuse_file(name, Some(PASSWORD)),
            &[
                "10 million rounds of key derivation or 256 MiB",
                "over azcred's limit",
            ],
        );
    }
}

#[test]
fn an_unsupported_encryption_is_named() {
    assert_says(
        &refuse_file("pkcs8-pbes1-sha1-rc4-128.pem", Some(PASSWORD)),
        &["RC4", "openssl pkcs8 -topk8"],
    );
}

#[test]
fn debug_shows_the_certificate_and_never_the_key() {
    let shown = format!("{:?}", read("key-first.pem", None).unwrap());
    assert_says(
        &shown,
        &["CN=azcred test", SHA1, "not_after", "chain_len: 1"],
    );
    assert!(!shown.contains("key:") && shown.len() < 300, "{shown}");
}
