//! A trust store for Java, which can't read certificates in PEM.
//!
//! The form is JKS, version 2: it is Java's oldest, and every Java reads it. Its source is the
//! comment at the class `sun.security.provider.JavaKeyStore`.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use rustls_pki_types::CertificateDer;

const MAGIC: u32 = 0xfeed_feed;
const VERSION: u32 = 2;
/// The kind of an entry that is a certificate and has no key.
const TRUSTED: u32 = 2;
/// What is hashed between the password and the content.
const SALT: &str = "Mighty Aphrodite";

/// The password of the store, which has nothing secret: that of Java's own trust store.
pub(crate) const PASSWORD: &str = "changeit";

/// A trust store with these certificates. `made` is the time of their entries, in milliseconds
/// since 1970.
pub(crate) fn jks<'a>(
    certificates: impl ExactSizeIterator<Item = &'a CertificateDer<'a>>,
    made: u64,
) -> Vec<u8> {
    let mut store = Vec::new();
    let number = |store: &mut Vec<u8>, number: u32| store.extend(number.to_be_bytes());
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    number(&mut store, MAGIC);
    number(&mut store, VERSION);
    number(&mut store, length(certificates.len()));
    for (at, certificate) in certificates.enumerate() {
        number(&mut store, TRUSTED);
        text(&mut store, &format!("azcred-emulator-{at}"));
        store.extend(made.to_be_bytes());
        text(&mut store, "X.509");
        number(&mut store, length(certificate.len()));
        store.extend_from_slice(certificate);
    }
    let mut checksum = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for unit in PASSWORD.encode_utf16() {
        checksum.update(&unit.to_be_bytes());
    }
    checksum.update(SALT.as_bytes());
    checksum.update(&store);
    store.extend_from_slice(checksum.finish().as_ref());
    store
}

/// A short text in ASCII, with its length.
fn text(store: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    store.extend(length.to_be_bytes());
    store.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_has_the_form_that_java_reads() {
        let certificate = CertificateDer::from(vec![1, 2, 3]);
        let store = jks([&certificate].into_iter(), 0x0102_0304);
        let (content, checksum) = store.split_at(store.len() - 20);
        let expected: &[&[u8]] = &[
            b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01",
            b"\0\0\0\x02\0\x11azcred-emulator-0\0\0\0\0\x01\x02\x03\x04",
            b"\0\x05X.509\0\0\0\x03\x01\x02\x03",
        ];
        assert_eq!(content, expected.concat());
        assert_eq!(checksum.len(), 20);
    }
}
