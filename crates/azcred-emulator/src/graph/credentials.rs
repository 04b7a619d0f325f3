//! Credentials in Graph's form.

use crate::{
    directory::{Certificate, FederatedCredential, Secret},
    graph::{
        kind::Kind,
        objects::{CREATED, Object, object},
    },
};
use serde_json::{Value, json};
use time::{
    OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339, macros::format_description,
};
use x509_parser::parse_x509_certificate;

pub(super) fn federated_credential(credential: &FederatedCredential) -> Object {
    let known = json!({
        "audiences": credential.audiences,
        "description": credential.description,
        "issuer": credential.issuer,
        "name": credential.name,
        "subject": credential.subject,
    });
    object(Kind::FederatedCredential, credential.id, known)
}

/// A secret without its text.
pub(super) fn password_credential(secret: &Secret) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": secret.name,
        "endDateTime": exact(secret.expires),
        "hint": secret.hint(),
        "keyId": secret.id,
        "secretText": null,
        "startDateTime": secret.starts.map_or_else(|| CREATED.to_owned(), exact),
    })
}

pub(super) fn key_credential(certificate: &Certificate) -> Value {
    let parsed = parse_x509_certificate(&certificate.der).ok();
    let parsed = parsed.as_ref().map(|(_, parsed)| parsed);
    let subject = || parsed.map(|parsed| parsed.subject().to_string());
    let validity = parsed.map(|parsed| parsed.validity());
    let ends = || validity.map(|validity| validity.not_after.to_datetime());
    let starts = || validity.map(|validity| validity.not_before.to_datetime());
    let thumbprint = certificate.thumbprint_sha1();
    let thumbprint: String = thumbprint.iter().map(|b| format!("{b:02X}")).collect();
    json!({
        "customKeyIdentifier": thumbprint,
        "displayName": certificate.name.clone().or_else(subject),
        "endDateTime": certificate.expires.or_else(ends).map(exact),
        "key": null,
        "keyId": certificate.id,
        "startDateTime": certificate.starts.or_else(starts).map(exact),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// A time in whole seconds.
pub(super) fn seconds(time: OffsetDateTime) -> String {
    let whole = time.replace_nanosecond(0).unwrap_or(time);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// A time with the seven decimals that it has in Azure, if it is not in whole seconds.
pub(super) fn exact(time: OffsetDateTime) -> String {
    if time.nanosecond() == 0 {
        return seconds(time.to_offset(UtcOffset::UTC));
    }
    let form =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
    time.to_offset(UtcOffset::UTC)
        .format(form)
        .unwrap_or_default()
}
