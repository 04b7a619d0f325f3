//! Reads PEM files: sections of base64 between dashes (RFC 7468), and OpenSSL's older encrypted
//! keys (RFC 1421).

use super::{
    Contents,
    fault::Fault,
    key::PrivateKey,
    pbe::{Budget, Cipher, Password, traditional_key},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Whether the file has a PEM section. azure-identity tells PEM from PFX in the same way.
pub(super) fn is_pem(data: &[u8]) -> bool {
    find(data, b"-----BEGIN")
}

/// One section: the lines between its `BEGIN` and its `END`.
struct Section<'a> {
    line: usize,
    label: &'a [u8],
    /// The value of the `DEK-Info` header: the cipher and, in hexadecimal, its initialization
    /// vector.
    encryption: Option<&'a [u8]>,
    der: Zeroizing<Vec<u8>>,
}

/// Reads all certificates and private keys of the file, in its order.
pub(super) fn read(
    data: &[u8],
    password: Option<Password<'_>>,
    budget: &mut Budget,
) -> Result<Contents, Fault> {
    if data.split(|b| *b == b'\n').count() < 4 && find(data, b"\\n") {
        return Err(Fault::EscapedLineBreaks);
    }
    let mut contents = Contents::default();
    for section in sections(data)? {
        match section.label {
            b"CERTIFICATE" | b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE" => {
                contents.certificates.push(section.der.to_vec());
            }
            b"PRIVATE KEY" => contents.add_key(|| PrivateKey::from_pkcs8(&section.der)),
            b"ENCRYPTED PRIVATE KEY" => contents.add_key(|| {
                let password = password.ok_or(Fault::PasswordNeeded)?;
                PrivateKey::from_encrypted_pkcs8(&section.der, password, budget)
            }),
            b"RSA PRIVATE KEY" => contents.add_key(|| match section.encryption {
                None => PrivateKey::from_pkcs1(&section.der),
                Some(info) => {
                    let password = password.ok_or(Fault::PasswordNeeded)?;
                    let plain = decrypt_traditional(info, &section.der, password)?;
                    PrivateKey::from_decrypted(&plain, password, PrivateKey::from_pkcs1)
                }
            }),
            b"EC PRIVATE KEY" => {
                contents.add_key(|| Err(Fault::KeyType("an elliptic curve (ECDSA) key")));
            }
            b"DSA PRIVATE KEY" => contents.add_key(|| Err(Fault::KeyType("a DSA key"))),
            b"OPENSSH PRIVATE KEY" => contents.add_key(|| Err(Fault::OpenSshKey)),
            b"PKCS7" if contents.is_empty() => return Err(Fault::Pkcs7),
            // Parameters, requests and revocation lists, which OpenSSL leaves in files, are
            // ignored.
            _ => {}
        }
    }
    Ok(contents)
}

/// The sections of the file. Text outside of sections is a comment (RFC 7468 section 2).
fn sections(data: &[u8]) -> Result<Vec<Section<'_>>, Fault> {
    let mut sections = Vec::new();
    let mut lines = data
        .split(|b| *b == b'\n' || *b == b'\r')
        .map(<[u8]>::trim_ascii)
        .enumerate();
    // Editors count a carriage return with a line feed as one line break.
    let number = |at: usize| lines_before(data, at);
    while let Some((at, line)) = lines.next() {
        let Some(label) = boundary(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line), BEGIN)
        else {
            continue;
        };
        let fault = |trouble| Fault::Pem(number(at), trouble);
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        let mut encryption = None;
        loop {
            let (_, line) = lines
                .next()
                .ok_or_else(|| fault("has no end: its last lines are missing"))?;
            if let Some(end) = boundary(line, END) {
                if end != label {
                    return Err(fault("ends as something else than it began"));
                }
                break;
            }
            if boundary(line, BEGIN).is_some() {
                return Err(fault("has no end: another begins inside it"));
            }
            match line.iter().position(|b| *b == b':') {
                Some(colon) if text.is_empty() => {
                    if line[..colon].eq_ignore_ascii_case(b"DEK-Info") {
                        encryption = Some(line[colon + 1..].trim_ascii());
                    }
                }
                _ => text.extend(line.iter().filter(|b| !b.is_ascii_whitespace())),
            }
        }
        let der = STANDARD
            .decode(&text[..])
            .map(Zeroizing::new)
            .map_err(|_| fault("is not base64 throughout"))?;
        sections.push(Section {
            line: number(at),
            label,
            encryption,
            der,
        });
    }
    if sections.is_empty() {
        return Err(Fault::Damaged(
            "it has a PEM header that is not alone on its line",
        ));
    }
    if let Some(empty) = sections.iter().find(|section| section.der.is_empty()) {
        return Err(Fault::Pem(empty.line, "is empty"));
    }
    Ok(sections)
}

/// The label of a section's first or last line.
fn boundary<'a>(line: &'a [u8], kind: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(kind)?.strip_suffix(DASHES)
}

/// The line, counted from 1, on which piece `at` begins. Pieces end at each `\r` and each `\n`.
fn lines_before(data: &[u8], at: usize) -> usize {
    let breaks = data
        .iter()
        .enumerate()
        .filter(|(_, b)| matches!(b, b'\n' | b'\r'))
        .take(at);
    1 + breaks
        .filter(|(at, b)| **b == b'\n' || data.get(at + 1) != Some(&b'\n'))
        .count()
}

/// Decrypts a key with the headers `Proc-Type: 4,ENCRYPTED` and `DEK-Info: CIPHER,IV`. `openssl rsa
/// -traditional` and OpenSSL before 1.0 write this form.
fn decrypt_traditional(
    info: &[u8],
    data: &[u8],
    password: Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let unsound = || {
        Fault::Damaged(
            "the DEK-Info header of its key is not a cipher and an initialization vector",
        )
    };
    let comma = info.iter().position(|b| *b == b',').ok_or_else(unsound)?;
    let cipher = match &info[..comma] {
        b"AES-128-CBC" => Cipher::Aes128,
        b"AES-192-CBC" => Cipher::Aes192,
        b"AES-256-CBC" => Cipher::Aes256,
        b"DES-EDE3-CBC" => Cipher::TripleDes,
        b"DES-CBC" => Cipher::Des,
        _ => {
            return Err(Fault::Encryption(
                "a cipher other than AES-CBC, DES-EDE3-CBC and DES-CBC",
            ));
        }
    };
    let iv = hexadecimal(info[comma + 1..].trim_ascii())
        .filter(|iv| iv.len() == cipher.block_len())
        .ok_or_else(unsound)?;
    let key = traditional_key(password, &iv[..8], cipher.key_len());
    cipher.decrypt(&key, &iv, data, password)
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| Some((value(pair[0])? << 4 | value(pair[1])?) as u8))
        .collect()
}

fn find(data: &[u8], what: &[u8]) -> bool {
    data.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for (text, break_) in [("a\r\nb\r\n", "CRLF"), ("a\nb\n", "LF"), ("a\rb\r", "CR")] {
            let broken = format!("{text}-----BEGIN X-----{}", &text[1..2]);
            let Err(fault) = sections(broken.as_bytes()) else {
                panic!("{break_} was read")
            };
            assert_eq!(
                fault,
                Fault::Pem(3, "has no end: its last lines are missing"),
                "{break_}"
            );
        }
    }

    #[test]
    fn comments_between_sections_are_passed_over_and_headers_are_not_base64() {
        let text = b"Bag Attributes\n friendlyName: \xff\n-----BEGIN A-----\nDEK-Info: X,00\n\nAAEC\n-----END A-----\nend";
        let sections = sections(text)
            .map_err(|fault| format!("{fault:?}"))
            .unwrap();
        assert_eq!(sections.len(), 1);
        assert_eq!(sections[0].encryption, Some(&b"X,00"[..]));
        assert_eq!(sections[0].der[..], [0, 1, 2]);
    }
}
