//! Reads the certificates and the key of a PEM file, and OpenSSL's older encrypted keys (RFC 1421).

use super::{
    Contents,
    fault::Fault,
    key::PrivateKey,
    pbe::{Budget, Cipher, Password, traditional_key},
};
use crate::{ber::pkcs7_certificates, decode, pem::sections};
use zeroize::Zeroizing;

/// Reads all certificates and private keys of the file, in its order.
pub(super) fn read(
    data: &[u8],
    password: Option<Password<'_>>,
    budget: &mut Budget,
) -> Result<Contents, Fault> {
    let text = decode::ascii(data);
    let sections = sections(&text)?;
    if sections.is_empty() {
        return Err(Fault::Damaged("its PEM header is not whole"));
    }
    let mut contents = Contents::default();
    for section in &sections {
        match section.label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                contents.certificates.push(section.der.to_vec());
            }
            "PRIVATE KEY" => contents.add_key(|| PrivateKey::from_pkcs8(&section.der)),
            "ENCRYPTED PRIVATE KEY" => contents.add_key(|| {
                let password = password.ok_or(Fault::PasswordNeeded)?;
                PrivateKey::from_encrypted_pkcs8(&section.der, password, budget)
            }),
            "RSA PRIVATE KEY" => contents.add_key(|| match &section.encryption {
                None => PrivateKey::from_pkcs1(&section.der),
                Some(info) => {
                    let password = password.ok_or(Fault::PasswordNeeded)?;
                    let plain = decrypt_traditional(info, &section.der, password)?;
                    PrivateKey::from_decrypted(&plain, password, PrivateKey::from_pkcs1)
                }
            }),
            "EC PRIVATE KEY" => {
                contents.add_key(|| Err(Fault::KeyType("an elliptic curve (ECDSA) key")));
            }
            "DSA PRIVATE KEY" => contents.add_key(|| Err(Fault::KeyType("a DSA key"))),
            "OPENSSH PRIVATE KEY" => contents.add_key(|| Err(Fault::OpenSshKey)),
            "PKCS7" | "CMS" => {
                let found = pkcs7_certificates(&section.der).ok_or(Fault::Damaged(
                    "its PKCS#7 section is not a bundle of certificates",
                ))?;
                contents.has_pkcs7 = true;
                contents
                    .certificates
                    .extend(found.into_iter().map(<[u8]>::to_vec));
            }
            // Parameters, requests and revocation lists, which OpenSSL leaves in files, are
            // ignored.
            _ => {}
        }
    }
    if contents.has_pkcs7 && contents.keys_seen == 0 {
        return Err(Fault::Pkcs7(""));
    }
    Ok(contents)
}

/// Decrypts a key with the headers `Proc-Type: 4,ENCRYPTED` and `DEK-Info: CIPHER,IV`. `openssl rsa
/// -traditional` and OpenSSL before 1.0 write this form.
fn decrypt_traditional(
    info: &str,
    data: &[u8],
    password: Password<'_>,
) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let unsound = || {
        Fault::Damaged(
            "the DEK-Info header of its key is not a cipher and an initialization vector",
        )
    };
    let (cipher, iv) = info.split_once(',').ok_or_else(unsound)?;
    let cipher = match cipher {
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "DES-CBC" => Cipher::Des,
        _ => {
            return Err(Fault::Encryption(
                "a cipher other than AES-CBC, DES-EDE3-CBC and DES-CBC",
            ));
        }
    };
    let iv = hexadecimal(iv.trim().as_bytes())
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
