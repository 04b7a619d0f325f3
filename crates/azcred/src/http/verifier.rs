//! Verifies a server's certificate, and keeps what a rejected one says of itself.
//!
//! The TLS library's errors do not name the issuer, and the reader of 'unknown issuer' has to know
//! which one it is.

use crate::untrusted::printable;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{fmt, sync::Arc};
use webpki::EndEntityCert;

/// A verifier whose errors have the certificates' own words.
#[derive(Debug)]
pub(super) struct Explaining(pub(super) Arc<dyn ServerCertVerifier>);

/// A certificate that was rejected, and what it says of itself. That is not verified.
#[derive(Debug)]
pub(super) struct Rejected {
    pub(super) reason: CertificateError,
    /// The issuer of the last certificate that was sent: the authority that is not trusted.
    pub(super) issuer: Option<String>,
    /// Whether the server's certificate names itself as its issuer.
    pub(super) is_self_signed: bool,
    /// The number of certificates besides the server's own.
    pub(super) more: usize,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the certificate was rejected")
    }
}

impl std::error::Error for Rejected {}

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| {
            let Error::InvalidCertificate(reason) = error else {
                return error;
            };
            let last = intermediates.last().unwrap_or(end_entity);
            let rejected = Rejected {
                reason,
                issuer: EndEntityCert::try_from(last)
                    .ok()
                    .and_then(|last| common_name(last.issuer())),
                is_self_signed: EndEntityCert::try_from(end_entity)
                    .is_ok_and(|own| own.issuer() == own.subject()),
                more: intermediates.len(),
            };
            Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(rejected))))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.0.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.0.root_hint_subjects()
    }
}

/// The common name of a distinguished name (RFC 5280 section 4.1.2.4), else its organisation.
/// `name` is DER without the outer tag and length.
fn common_name(name: &[u8]) -> Option<String> {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const OBJECT_ID: u8 = 6;
    /// 2.5.4.3 and 2.5.4.10 (RFC 5280, appendix A.1).
    const NAMES: [&[u8]; 2] = [&[0x55, 4, 3], &[0x55, 4, 10]];
    let mut found = [None, None];
    let mut name = name;
    while let Some((SET, set, rest)) = element(name) {
        name = rest;
        let Some((SEQUENCE, pair, _)) = element(set) else {
            continue;
        };
        let Some((OBJECT_ID, id, rest)) = element(pair) else {
            continue;
        };
        let Some((tag, value, _)) = element(rest) else {
            continue;
        };
        if let Some(place) = NAMES.iter().position(|known| *known == id) {
            found[place] = Some(text(tag, value));
        }
    }
    let [common, organisation] = found;
    let name = common.or(organisation)?;
    Some(printable(&name, 80)).filter(|name| !name.is_empty())
}

/// The tag, the content and what is behind the first element of DER with lengths below 64 KiB.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => {
            let high = usize::from(*rest.first()?);
            (high << 8 | usize::from(*rest.get(1)?), rest.get(2..)?)
        }
        _ => return None,
    };
    Some((tag, rest.get(..length)?, rest.get(length..)?))
}

/// The text of a string type. A `BMPString` has 16 bits a character, all others are near UTF-8.
fn text(tag: u8, value: &[u8]) -> String {
    const BMP_STRING: u8 = 0x1e;
    if tag == BMP_STRING {
        let units: Vec<u16> = value
            .chunks_exact(2)
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(value).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_common_name_or_its_organisation() {
        let attribute = |id: u8, tag: u8, value: &[u8]| {
            let value = [&[tag, value.len() as u8][..], value].concat();
            let pair = [&[6, 3, 0x55, 4, id][..], &value].concat();
            let pair = [&[0x30, pair.len() as u8][..], &pair].concat();
            [&[0x31, pair.len() as u8][..], &pair].concat()
        };
        let country = attribute(6, 0x13, b"DE");
        let organisation = attribute(10, 0x0c, "Contoso Größe".as_bytes());
        let common = attribute(3, 0x1e, &[0, b'C', 0, b'A', 0x26, 0x03]);
        let whole = [&country[..], &common, &organisation].concat();
        assert_eq!(common_name(&whole).as_deref(), Some("CA☃"));
        let without = [&country[..], &organisation].concat();
        assert_eq!(common_name(&without).as_deref(), Some("Contoso Größe"));
        assert_eq!(common_name(&country), None);
        let hostile = attribute(3, 0x0c, "a\u{1b}[2J\u{202e}b".as_bytes());
        let shown = common_name(&hostile).unwrap();
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        for cut in 0..whole.len() {
            // Nothing is read past the end.
            let _ = common_name(&whole[..cut]);
        }
    }
}
