//! The assertions that Entra ID receives: signed with the key of the named certificate, within its
//! validity.

use super::{ClientCertificate, NamedFile, pfx};
use crate::{facts::ErrorKind, pem, tenant::ClientId};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const AUDIENCE: &str =
    "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token";
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

fn folder() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "tests",
        "fixtures",
        "certificates",
    ]
    .iter()
    .collect()
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

fn certificate(name: &str) -> ClientCertificate {
    ClientCertificate::from_bytes(&fixture(name), Some(&SecretString::from("correct-horse")))
        .unwrap()
}

/// The DER of a PEM certificate.
fn der(name: &str) -> Vec<u8> {
    let text = String::from_utf8(fixture(name)).unwrap();
    STANDARD
        .decode(
            text.lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>(),
        )
        .unwrap()
}

struct Assertion {
    header: Value,
    claims: Value,
    signed: String,
    signature: Vec<u8>,
}

fn sign(certificate: &ClientCertificate, now: SystemTime, send_chain: bool) -> Assertion {
    let token = certificate
        .sign_assertion(AUDIENCE, &ClientId::new(CLIENT).unwrap(), now, send_chain)
        .unwrap();
    let token = token.expose_secret();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    Assertion {
        header: json(header),
        claims: json(claims),
        signed: signed.into(),
        signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
    }
}

/// Whether the assertion was signed with the key of the certificate in `der`.
fn verifies(assertion: &Assertion, der: &[u8]) -> bool {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
    UnparsedPublicKey::new(
        &RSA_PSS_2048_8192_SHA256,
        parsed.public_key().subject_public_key.as_ref(),
    )
    .verify(assertion.signed.as_bytes(), &assertion.signature)
    .is_ok()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[test]
fn an_assertion_has_the_form_of_microsofts_page() {
    let assertion = sign(&certificate("key-first.pem"), at(1_800_000_000), false);
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&assertion.header), ["alg", "typ", "x5t#S256"]);
    assert_eq!(assertion.header["alg"], "PS256");
    assert_eq!(assertion.header["typ"], "JWT");
    // `openssl x509 -in certificate-only.pem -outform DER | openssl sha256 -binary | basenc
    // --base64url`
    assert_eq!(
        assertion.header["x5t#S256"],
        "U_WCJWYLtIN6sIVI-GM9bFWHrQFmqogEQWC3LvBemss"
    );
    assert_eq!(
        names(&assertion.claims)
            .into_iter()
            .collect::<BTreeSet<_>>(),
        ["aud", "exp", "iat", "iss", "jti", "nbf", "sub"]
            .map(String::from)
            .into()
    );
    assert_eq!(assertion.claims["aud"], AUDIENCE);
    assert_eq!(assertion.claims["iss"], CLIENT);
    assert_eq!(assertion.claims["sub"], CLIENT);
    assert_eq!(assertion.claims["nbf"], 1_800_000_000_u64);
    assert_eq!(assertion.claims["iat"], 1_800_000_000_u64);
    assert_eq!(assertion.claims["exp"], 1_800_000_600_u64);
    assert!(uuid::Uuid::try_parse(assertion.claims["jti"].as_str().unwrap()).is_ok());
}

#[test]
fn an_assertion_verifies_with_its_certificate_and_no_other() {
    for (name, own) in [
        ("key-first.pem", "certificate-only.pem"),
        ("pfx-modern.pfx", "certificate-only.pem"),
        ("pfx-chain.pfx", "leaf-certificate.pem"),
    ] {
        let assertion = sign(&certificate(name), at(1_800_000_000), false);
        for other in [
            "certificate-only.pem",
            "leaf-certificate.pem",
            "root-certificate.pem",
        ] {
            assert_eq!(
                verifies(&assertion, &der(other)),
                other == own,
                "{name} with {other}"
            );
        }
    }
}

#[test]
fn keys_of_3072_and_4096_bits_and_one_restricted_to_pss_sign_too() {
    for name in ["rsa-3072.pem", "rsa-4096.pem", "rsa-pss.pem"] {
        let certificate = certificate(name);
        assert!(
            verifies(
                &sign(&certificate, at(1_800_000_000), false),
                certificate.leaf()
            ),
            "{name}"
        );
    }
}

#[test]
fn a_chain_is_sent_leaf_first_each_certified_by_the_next() {
    for name in ["chain-scrambled.pem", "pfx-chain.pfx"] {
        let assertion = sign(&certificate(name), at(1_800_000_000), true);
        let expected: Vec<Value> = [
            "leaf-certificate.pem",
            "intermediate-certificate.pem",
            "root-certificate.pem",
        ]
        .iter()
        .map(|name| STANDARD.encode(der(name)).into())
        .collect();
        assert_eq!(assertion.header["x5c"], Value::from(expected), "{name}");
    }
}

#[test]
fn of_two_authorities_with_one_name_the_one_that_certified_is_sent() {
    let (other, right) = ("same-name-root-certificate.pem", "root-certificate.pem");
    let parts = [
        "leaf-key.pem",
        "leaf-certificate.pem",
        "intermediate-certificate.pem",
    ];
    for roots in [[other, right], [right, other]] {
        let file: Vec<u8> = parts.into_iter().chain(roots).flat_map(fixture).collect();
        let certificate = ClientCertificate::from_bytes(&file, None).unwrap();
        let assertion = sign(&certificate, at(1_800_000_000), true);
        assert_eq!(assertion.header["x5c"].as_array().unwrap().len(), 3);
        assert_eq!(assertion.header["x5c"][2], STANDARD.encode(der(right)));
    }
}

#[test]
fn two_assertions_are_never_the_same() {
    let certificate = certificate("key-first.pem");
    let jti = || sign(&certificate, at(1_800_000_000), false).claims["jti"].clone();
    assert_ne!(jti(), jti());
}

#[test]
fn a_clock_before_1970_is_an_error_and_no_panic() {
    let client = ClientId::new(CLIENT).unwrap();
    let error = certificate("key-first.pem")
        .sign_assertion(
            AUDIENCE,
            &client,
            UNIX_EPOCH - Duration::from_secs(1),
            false,
        )
        .unwrap_err();
    assert!(error.why().contains("before 1970"), "{error}");
}

#[test]
fn a_certificate_is_refused_after_its_last_moment_with_the_dates_and_the_fix() {
    let certificate = certificate("key-first.pem");
    let last = SystemTime::from(certificate.not_after());
    assert!(certificate.check_validity(last, None).is_ok());
    let error = certificate
        .check_validity(last + Duration::from_secs(1), None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let text = error.to_string();
    for part in [
        "CN=azcred test",
        &certificate.thumbprint_sha1(),
        "expired on 2126-10-28 20:19:47 UTC",
        "2126-10-28 20:19:48 UTC",
        "--create-cert",
    ] {
        assert!(text.contains(part), "'{text}' does not say '{part}'");
    }
}

#[test]
fn a_certificate_is_refused_before_its_first_moment_but_for_five_minutes_of_skew() {
    let certificate = certificate("key-first.pem");
    let first = SystemTime::from(certificate.not_before());
    assert!(certificate.check_validity(first, None).is_ok());
    assert!(
        certificate
            .check_validity(first - Duration::from_secs(300), None)
            .is_ok()
    );
    let error = certificate
        .check_validity(first - Duration::from_secs(301), None)
        .unwrap_err();
    assert!(
        error.why().contains("valid from 2026-11-21 20:19:47 UTC")
            && error.fix().unwrap().to_string().contains("clock"),
        "{error}"
    );
}

fn client_id() -> ClientId {
    ClientId::new("a0000001-0000-4000-8000-000000000003").unwrap()
}

#[test]
fn an_error_names_the_file_and_its_fix_can_be_pasted() {
    let read = |path: &str| {
        ClientCertificate::from_file(
            &fixture("pfx-modern.pfx"),
            Some(&"wrong".into()),
            Some(&NamedFile {
                path: Path::new(path),
                variable: Some("AZURE_CLIENT_CERTIFICATE_PATH"),
                client_id: &client_id(),
            }),
        )
        .unwrap_err()
    };
    assert_eq!(
        read("/tmp/a.pfx").what(),
        "could not read the client certificate /tmp/a.pfx (from AZURE_CLIENT_CERTIFICATE_PATH)"
    );
    assert!(
        read("/tmp/a.pfx")
            .fix()
            .unwrap()
            .to_string()
            .contains("openssl pkcs12 -in /tmp/a.pfx -noout")
    );
    assert!(
        read("/tmp/it's a.pfx")
            .fix()
            .unwrap()
            .to_string()
            .contains(r"-in '/tmp/it'\''s a.pfx' -noout")
    );
    assert!(!read("/tmp/\u{1b}[31ma").to_string().contains('\u{1b}'));
}

/// A small random generator with a fixed seed, so that failures are reproducible (Marsaglia's
/// xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Cuts, drops or overwrites some of `data`.
fn spoil(data: &mut Vec<u8>, dice: &mut Dice) {
    let len = data.len();
    match dice.below(5) {
        0 => data.truncate(dice.below(len)),
        1 => {
            let (from, to) = (dice.below(len), dice.below(len));
            data.drain(from.min(to)..from.max(to));
        }
        _ => {
            for _ in 0..=dice.below(3) {
                // The structure is at the beginning, so most of the damage goes there.
                let reach = if dice.below(2) == 0 { 160 } else { usize::MAX };
                let spot = dice.below(len.min(reach));
                data[spot] = [0, 0x80, 0xff, dice.below(256) as u8, data[spot] ^ 1][dice.below(5)];
            }
        }
    }
}

/// Damages the bytes inside the base64 of a PEM file. Damage to the base64 text itself would hardly
/// reach them.
fn spoil_inside(text: &str, dice: &mut Dice) -> Option<Vec<u8>> {
    let sections: Vec<_> = text
        .match_indices("-----\nMI")
        .map(|(at, dashes)| at + dashes.len() - 2)
        .collect();
    let from = *sections.get(dice.below(sections.len()))?;
    let to = from + text[from..].find("-----")?;
    let mut der = STANDARD.decode(text[from..to].replace('\n', "")).ok()?;
    spoil(&mut der, dice);
    Some(format!("{}{}\n{}", &text[..from], STANDARD.encode(der), &text[to..]).into_bytes())
}

#[test]
fn no_damaged_file_causes_a_panic() {
    const TRIES_A_FILE: usize = 100;
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut names: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    let (mut read, mut refused) = (0, 0);
    for name in names {
        let whole = fs::read(folder().join(&name)).unwrap();
        for _ in 0..TRIES_A_FILE {
            let text = str::from_utf8(&whole).ok().filter(|_| dice.below(4) > 0);
            let data = text
                .and_then(|text| spoil_inside(text, &mut dice))
                .unwrap_or_else(|| {
                    let mut data = whole.clone();
                    spoil(&mut data, &mut dice);
                    data
                });
            match ClientCertificate::from_bytes(&data, Some(&"correct-horse".into())) {
                Ok(certificate) => {
                    _ = format!("{certificate:?}");
                    read += 1;
                }
                Err(error) => {
                    assert!(!error.to_string().contains("correct-horse"));
                    refused += 1;
                }
            }
        }
    }
    // Otherwise the damage missed, or no parser got past the first byte.
    assert!(
        read > 100 && refused > 1000,
        "{read} read, {refused} refused"
    );
}

#[test]
fn the_content_decides_between_pem_and_pfx() {
    assert!(pem::is_pem(&fixture("pkcs1.pem")) && !pfx::is_pfx(&fixture("pkcs1.pem")));
    assert!(!pem::is_pem(&fixture("pfx-modern.pfx")) && pfx::is_pfx(&fixture("pfx-modern.pfx")));
    assert!(!pfx::is_pfx(&fixture("certificate.der")) && !pfx::is_pfx(&fixture("key.der")));
}
