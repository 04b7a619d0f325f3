//! Account SAS as a client signs it: 'Create an account SAS' (Microsoft Learn).

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

const VERSION: &str = "2021-08-06";

/// The query of a SAS with these permissions (`sp`), types of resources (`srt`) and services
/// (`ss`).
pub(super) fn account(
    account: &str,
    key: &str,
    permissions: &str,
    types: &str,
    services: &str,
    end: OffsetDateTime,
) -> String {
    let end = end.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
    let signed =
        format!("{account}\n{permissions}\n{services}\n{types}\n\n{end}\n\n\n{VERSION}\n\n");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &STANDARD.decode(key).unwrap());
    let signature = STANDARD.encode(hmac::sign(&key, signed.as_bytes()));
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("sv", VERSION),
            ("ss", services),
            ("srt", types),
            ("sp", permissions),
            ("se", &end),
            ("sig", &signature),
        ])
        .finish()
}
