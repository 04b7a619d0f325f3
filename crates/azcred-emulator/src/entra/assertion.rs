//! A client assertion: a JSON Web Token by which an application proves that it has the private key
//! of a certificate.
//!
//! Source: 'Microsoft identity platform application authentication certificate credentials'.

use crate::{
    directory::{Application, Certificate, Directory, Tenant},
    entra::refusal::Refusal,
    replication::View,
    service::{self, Service},
    signing::{Algorithm, Jws, PublicKey},
    text::{clip, iso},
    world::World,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use time::{OffsetDateTime, macros::format_description};
use uuid::Uuid;

/// Accepted difference between the clock of a client or issuer and Entra ID's, in seconds.
const TOLERANCE: i64 = 300;

/// The token endpoint that got an assertion. The assertion's `aud` must name it.
pub(super) struct Addressee<'a> {
    pub(super) world: &'a World,
    pub(super) directory: &'a Directory,
    pub(super) tenant: &'a Tenant,
    pub(super) now: OffsetDateTime,
}

/// The token is malformed: AADSTS50027.
pub(super) fn malformed(reason: &str) -> Refusal {
    Refusal::invalid_request(
        50027,
        format!("JWT token is invalid or malformed. [Reason - {reason}.]"),
    )
}

/// Checks an assertion that the application itself signed.
///
/// # Errors
/// 700021 for another application's, 700023 for another audience, 700024 outside its lifetime,
/// 700027 if no registered certificate matches the signature, 50027 if a claim is missing.
pub(super) fn check(
    jws: &Jws<'_>,
    application: &Application,
    to: &Addressee<'_>,
) -> Result<(), Refusal> {
    let id = |name| {
        jws.claim_str(name)
            .and_then(|text| Uuid::try_parse(text).ok())
    };
    if id("iss") != Some(application.app_id) || id("sub") != Some(application.app_id) {
        return Err(Refusal::invalid_client(
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation \
             at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
        ));
    }
    if jws.claim_str("jti").is_none_or(str::is_empty) {
        return Err(malformed("the claim 'jti' is missing"));
    }
    let audiences = jws.audiences();
    if !audiences.iter().any(|audience| to.is_meant_by(audience)) {
        return Err(Refusal::invalid_client(
            700_023,
            format!(
                "Client assertion audience claim does not match Realm issuer. Audience: '{}'. Review the \
                 documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
                clip(&audiences.join(" "))
            ),
        ));
    }
    check_time(jws, to.now)?;
    check_signature(jws, application, to)
}

/// AADSTS700024 unless `now` is between `nbf` and `exp`, with a tolerance of five minutes.
pub(super) fn check_time(jws: &Jws<'_>, now: OffsetDateTime) -> Result<(), Refusal> {
    let expires = jws
        .claim_time("exp")
        .ok_or_else(|| malformed("the claim 'exp' is missing"))?;
    // MSAL for Python sends no `nbf`. The message then has the beginning of Unix time.
    let starts = jws.claim_time("nbf");
    let unix = now.unix_timestamp();
    let early = starts.is_some_and(|starts| unix.saturating_add(TOLERANCE) < starts);
    let late = unix >= expires.saturating_add(TOLERANCE);
    if early || late || starts.is_some_and(|starts| expires <= starts) {
        return Err(Refusal::invalid_client(
            700_024,
            format!(
                "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, \
                 expiry time of assertion {}. Review the documentation at \
                 https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
                iso(unix),
                iso(starts.unwrap_or(0)),
                iso(expires)
            ),
        ));
    }
    Ok(())
}

fn check_signature(
    jws: &Jws<'_>,
    application: &Application,
    to: &Addressee<'_>,
) -> Result<(), Refusal> {
    let algorithm = jws.header_str("alg").and_then(Algorithm::from_name).ok_or_else(|| {
        Refusal::invalid_client(
            5_002_738,
            format!(
                "Invalid JWT token. '{}' is not a supported signature algorithm. Supported signing algorithms are: \
                 'RS256, PS256'",
                clip(jws.header_str("alg").unwrap_or_default())
            ),
        )
    })?;
    let named = CertificateId::of(jws)?;
    let wrong = |reason: String| invalid_signature(application, &reason, &named.shown());
    let mut all = to.directory.certificates_of(to.tenant.id, application);
    all.retain(|key| !to.world.replication.misses(View::SignIn, key.id));
    let certificate = all
        .iter()
        .find(|certificate| named.is(certificate))
        .ok_or_else(|| wrong("The key was not found.".into()))?;
    if let Some(sent) = jws.header.get("x5c") {
        // MSAL for Python keeps PEM's line breaks, and Entra ID accepts them.
        let leaf = sent
            .get(0)
            .and_then(|v| v.as_str())
            .map(|v| v.split_ascii_whitespace().collect::<String>())
            .and_then(|v| STANDARD.decode(v).ok());
        if leaf.as_deref() != Some(certificate.der.as_slice()) {
            return Err(wrong(
                "The key was not found in the 'x5c' of the header.".into(),
            ));
        }
    }
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate.der)
        .map_err(|_| wrong("The registered key is no certificate.".into()))?;
    // The key's own times, if it was added with some.
    let validity = parsed.validity();
    let own = |time: Option<OffsetDateTime>| time.map(OffsetDateTime::unix_timestamp);
    let starts = own(certificate.starts).unwrap_or(validity.not_before.timestamp());
    let ends = own(certificate.expires).unwrap_or(validity.not_after.timestamp());
    let span = format!(
        "Found key 'Start={}, End={}'",
        us_date_time(starts),
        us_date_time(ends)
    );
    if !(starts..=ends).contains(&to.now.unix_timestamp()) {
        return Err(wrong(format!("The key used is expired., {span}")));
    }
    let key = PublicKey::Spki(parsed.public_key().raw.to_vec());
    if !jws.is_signed_by(algorithm, &key) {
        return Err(wrong(format!(
            "The provided signature value did not match the expected signature value., {span}"
        )));
    }
    Ok(())
}

fn invalid_signature(application: &Application, reason: &str, thumbprint: &str) -> Refusal {
    let app = application.app_id;
    Refusal::invalid_client(
        700_027,
        format!(
            "The certificate with identifier used to sign the client assertion is not registered on application. \
             [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}', Please visit the Azure Portal, \
             Graph Explorer or directly use MS Graph to see configured keys for app Id '{app}'. Review the \
             documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and \
             https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a \
             query request URL, such as 'https://graph.microsoft.com/beta/applications/{app}']."
        ),
    )
}

/// The certificate that an assertion's header names, in one of three ways.
enum CertificateId {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
}

impl CertificateId {
    fn of(jws: &Jws<'_>) -> Result<Self, Refusal> {
        if let Some(print) = jws.header_str("x5t#S256").and_then(unbase64) {
            return Ok(Self::Sha256(print));
        }
        if let Some(print) = jws.header_str("x5t").and_then(unbase64) {
            return Ok(Self::Sha1(print));
        }
        // `kid` may be the thumbprint in hexadecimal, as the portal shows it.
        if let Some(print) = jws.header_str("kid").and_then(unhex) {
            return Ok(Self::Sha1(print));
        }
        Err(malformed(
            "the header names no certificate: 'x5t#S256', 'x5t' and 'kid' are missing",
        ))
    }

    fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Sha1(print) => *print == certificate.thumbprint_sha1(),
            Self::Sha256(print) => *print == certificate.thumbprint_sha256(),
        }
    }

    fn shown(&self) -> String {
        let (Self::Sha1(bytes) | Self::Sha256(bytes)) = self;
        bytes.iter().take(32).map(|b| format!("{b:02X}")).collect()
    }
}

/// A thumbprint in base64url (RFC 7515 section 4.1.7), or in base64, as the Rust crate
/// `azure_identity` sends it.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text
        .trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_");
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 40 || !text.is_ascii() {
        return None;
    }
    (0..40)
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok())
        .collect()
}

impl Addressee<'_> {
    /// Whether an `aud` names this tenant's token endpoint: the v1.0 or v2.0 endpoint, or the
    /// issuer.
    fn is_meant_by(&self, audience: &str) -> bool {
        let Ok(url) = url::Url::parse(audience) else {
            return false;
        };
        let host = url.host_str().unwrap_or_default();
        let own = url::Url::parse(&self.world.urls().login);
        let is_login = matches!(service::by_host(host), Some((Service::Login, _)))
            || own.is_ok_and(|own| {
                own.port() == url.port() && ["localhost", "127.0.0.1", "[::1]"].contains(&host)
            });
        if url.scheme() != "https" || !is_login {
            return false;
        }
        let path = url.path().trim_matches('/');
        let (segment, rest) = path.split_once('/').unwrap_or((path, ""));
        self.directory
            .tenant(segment)
            .is_some_and(|tenant| tenant.id == self.tenant.id)
            && matches!(rest, "" | "v2.0" | "oauth2/token" | "oauth2/v2.0/token")
    }
}

/// `11/21/2026 20:09:49`, as the service writes the dates of a key.
pub(super) fn us_date_time(unix: i64) -> String {
    OffsetDateTime::from_unix_timestamp(unix)
        .ok()
        .and_then(|time| {
            time.format(format_description!(
                "[month]/[day]/[year] [hour]:[minute]:[second]"
            ))
            .ok()
        })
        .unwrap_or_else(|| unix.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_read_in_both_alphabets() {
        for text in ["-_8-", "+/8+"] {
            assert_eq!(unbase64(text), Some(vec![0xfb, 0xff, 0x3e]), "{text}");
        }
        for text in ["-_8", "-_8=", "+/8="] {
            assert_eq!(unbase64(text), Some(vec![0xfb, 0xff]), "{text}");
        }
        assert_eq!(unbase64("?"), None);
    }
}
