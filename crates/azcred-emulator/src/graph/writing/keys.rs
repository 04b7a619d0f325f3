//! `keyCredentials`: the list of an object's certificates, which is replaced as a whole.

use super::Writing;
use crate::{directory::Certificate, graph::response::GraphError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;
use x509_parser::parse_x509_certificate;

/// A certificate of the list that a client sends.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewKey {
    /// DER in base64, also with line breaks. Without it, the certificate with this id stays.
    key: Option<String>,
    key_id: Option<Uuid>,
    display_name: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    start_date_time: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    end_date_time: Option<OffsetDateTime>,
    #[serde(rename = "type")]
    kind: Option<String>,
    usage: Option<String>,
}

impl Writing<'_> {
    /// The certificates of a list.
    ///
    /// # Errors
    /// For a key that is not a certificate to verify signatures with, and for one without its
    /// content that the object does not have.
    pub(super) fn keys(
        &self,
        list: Vec<NewKey>,
        now: &[Certificate],
    ) -> Result<Vec<Certificate>, GraphError> {
        let all: Result<Vec<_>, _> = list.into_iter().map(|key| key.certificate(now)).collect();
        let all = all?;
        let is_new = |key: &&Certificate| now.iter().all(|known| known.id != key.id);
        let new = all.iter().filter(is_new);
        new.for_each(|key| self.replication.created(key.id));
        Ok(all)
    }
}

impl NewKey {
    fn certificate(self, now: &[Certificate]) -> Result<Certificate, GraphError> {
        let known = now.iter().find(|known| Some(known.id) == self.key_id);
        let Some(key) = self.key else {
            return known
                .cloned()
                .ok_or_else(|| invalid("Key credential key is missing."));
        };
        let is = |given: &Option<String>, expected: &str| {
            given.as_deref().is_some_and(|given| given == expected)
        };
        if !is(&self.kind, "AsymmetricX509Cert") || !is(&self.usage, "Verify") {
            return Err(invalid("Key credential type or usage is invalid."));
        }
        let text: String = key.split_ascii_whitespace().collect();
        let der = STANDARD.decode(text).ok();
        let der = der.filter(|der| parse_x509_certificate(der).is_ok());
        let der = der.ok_or_else(|| invalid("Key credential is not a valid certificate."))?;
        let certificate = Certificate {
            id: self.key_id.unwrap_or_else(Uuid::new_v4),
            name: self.display_name,
            starts: self.start_date_time,
            expires: self.end_date_time,
            ..Certificate::new(der)
        };
        let ends_first = certificate.starts.zip(certificate.expires);
        if ends_first.is_some_and(|(starts, expires)| expires <= starts) {
            return Err(GraphError::rejected("Key credential end date is invalid."));
        }
        Ok(certificate)
    }
}

fn invalid(message: &str) -> GraphError {
    GraphError::rejected(message)
}
