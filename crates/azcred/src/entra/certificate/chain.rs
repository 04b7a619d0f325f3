//! Finds the certificate of a key and orders its chain: the leaf, its issuer, and so on to the
//! root.

use super::{fault::Fault, key::PrivateKey};
use x509_parser::{extensions::ParsedExtension, prelude::X509Certificate};

/// Real chains are shorter.
const LONGEST: usize = 10;

/// Finds a key and its certificate, and orders the chain from that leaf upward (RFC 7515 section
/// 4.1.6). The first such certificate is used, as in azure-identity. Certificates outside its chain
/// are left out.
pub(super) fn link(
    certificates: &[Vec<u8>],
    keys: Vec<PrivateKey>,
) -> Result<(PrivateKey, Vec<Vec<u8>>), Fault> {
    let parsed = certificates
        .iter()
        .enumerate()
        .map(|(at, der)| match x509_parser::parse_x509_certificate(der) {
            Ok((_, certificate)) => Ok(certificate),
            Err(_) => Err(Fault::BadCertificate(at + 1)),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let find_leaf = |key: &PrivateKey| {
        parsed.iter().position(|certificate| {
            certificate.public_key().subject_public_key.as_ref() == key.public_key()
        })
    };
    let (key, leaf) = keys
        .into_iter()
        .find_map(|key| find_leaf(&key).map(|leaf| (key, leaf)))
        .ok_or(Fault::KeyMismatch(certificates.len()))?;

    let mut chain = vec![leaf];
    while chain.len() < LONGEST {
        let last = &parsed[chain[chain.len() - 1]];
        if last.subject().as_raw() == last.issuer().as_raw() {
            break;
        }
        let issues = |at: &usize| {
            !chain.contains(at) && parsed[*at].subject().as_raw() == last.issuer().as_raw()
        };
        // Two authorities may have the same name, such as a renewed one and its predecessor. The
        // key's identifier distinguishes them.
        let named = || (0..parsed.len()).filter(issues);
        let Some(issuer) = named()
            .find(|at| key_ids_agree(last, &parsed[*at]))
            .or_else(|| named().next())
        else {
            break;
        };
        chain.push(issuer);
    }
    // A section may have more after the certificate (OpenSSL's trust settings).
    let chain = chain
        .into_iter()
        .map(|at| parsed[at].as_raw().to_vec())
        .collect();
    Ok((key, chain))
}

/// Whether `issuer`'s subject key identifier is the authority key identifier of `certificate`.
fn key_ids_agree(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let wanted =
        certificate
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    id.key_identifier.as_ref().map(|id| id.0)
                }
                _ => None,
            });
    let held =
        issuer
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
                _ => None,
            });
    wanted.is_some() && wanted == held
}
