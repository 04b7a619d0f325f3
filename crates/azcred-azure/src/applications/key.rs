//! Client secrets and certificates of an application.

use super::{Application, was_there};
use crate::{
    error::Result,
    graph::Graph,
    service::{Call, Verb, json},
};
use azcred::{SecretString, Untrusted};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer};
use serde_json::json as value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// A client secret or a certificate, without what is secret about it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Key {
    /// The key id.
    #[serde(rename = "keyId")]
    pub id: Uuid,
    /// What the portal shows as its description.
    #[serde(rename = "displayName", default)]
    pub name: Option<Untrusted>,
    /// From when it can be used.
    #[serde(
        rename = "startDateTime",
        default,
        with = "time::serde::rfc3339::option"
    )]
    pub starts_on: Option<OffsetDateTime>,
    /// Until when it can be used.
    #[serde(rename = "endDateTime", default, with = "time::serde::rfc3339::option")]
    pub ends_on: Option<OffsetDateTime>,
    /// The first three characters of a secret.
    #[serde(default)]
    pub hint: Option<Untrusted>,
    /// The SHA-1 thumbprint of a certificate, or what its maker wrote there.
    #[serde(rename = "customKeyIdentifier", default)]
    pub thumbprint: Option<Untrusted>,
}

/// A client secret to add.
#[derive(Clone, Copy, Debug)]
pub struct NewSecret<'a> {
    /// The key id, chosen before: a secret whose response was lost can be removed by it.
    pub id: Uuid,
    /// What the portal shows as its description.
    pub name: &'a str,
    /// Until when it can be used.
    pub ends_on: OffsetDateTime,
}

/// A client secret that was added. Azure shows its text once.
#[derive(Clone, Debug)]
pub struct Secret {
    /// The key.
    pub key: Key,
    /// The secret.
    pub text: SecretString,
}

/// A certificate to add.
#[derive(Clone, Copy, Debug)]
pub struct NewCertificate<'a> {
    /// The key id, chosen before.
    pub id: Uuid,
    /// What the portal shows as its description.
    pub name: &'a str,
    /// The certificate.
    pub der: &'a [u8],
    /// From when it can be used; not before the certificate's own start.
    pub starts_on: OffsetDateTime,
    /// Until when it can be used; not after the certificate's own end.
    pub ends_on: OffsetDateTime,
}

/// How an application's certificates change.
#[derive(Clone, Copy, Debug)]
pub enum CertificateChange<'a> {
    /// One more.
    Add(NewCertificate<'a>),
    /// One less.
    Remove(Uuid),
}

#[derive(Deserialize)]
struct Added {
    #[serde(flatten)]
    key: Key,
    #[serde(rename = "secretText", deserialize_with = "hide")]
    text: SecretString,
}

fn hide<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

fn rfc3339(time: OffsetDateTime) -> Option<String> {
    // Graph keeps seven decimals at most.
    let time = time.replace_nanosecond(0).unwrap_or(time);
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
}

impl Graph {
    /// Adds a client secret to an application, by its object id. The request is not repeated:
    /// without a response, remove the secret by its key id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::NotFound`](crate::ErrorKind::NotFound)
    /// also just after the application was created, as the directory is replicated.
    pub async fn add_secret(&self, application: Uuid, new: &NewSecret<'_>) -> Result<Secret> {
        let call = Call {
            what: "could not add a secret to the application",
            path: &format!("/v1.0/applications/{application}/addPassword"),
            query: &[],
            verb: Verb::Create(json(&value!({ "passwordCredential": {
                "keyId": new.id,
                "displayName": new.name,
                "endDateTime": rfc3339(new.ends_on),
            }}))),
        };
        let added: Added = self.0.send(&call).await?.value;
        Ok(Secret {
            key: added.key,
            text: added.text,
        })
    }

    /// Removes a client secret from an application. Returns whether the application was there.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind); [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if
    /// the application has no such secret.
    pub async fn remove_secret(&self, application: Uuid, key: Uuid) -> Result<bool> {
        let call = Call {
            what: "could not remove the application's secret",
            path: &format!("/v1.0/applications/{application}/removePassword"),
            query: &[],
            verb: Verb::Post(json(&value!({ "keyId": key }))),
        };
        was_there(self.0.perform(&call).await)
    }

    /// Adds a certificate to an application, or removes one. Graph takes the whole list, so the
    /// application must have been read just before.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn change_certificates(
        &self,
        application: &Application,
        change: CertificateChange<'_>,
    ) -> Result<()> {
        let removed = match change {
            CertificateChange::Remove(id) => Some(id),
            CertificateChange::Add(_) => None,
        };
        // Of a certificate that is there already, the key id is enough.
        let mut list: Vec<_> = (application.certificates.iter())
            .filter(|key| Some(key.id) != removed)
            .map(|key| {
                value!({
                    "keyId": key.id,
                    "displayName": key.name.as_ref().map(Untrusted::raw),
                    "customKeyIdentifier": key.thumbprint.as_ref().map(Untrusted::raw),
                    "startDateTime": key.starts_on.and_then(rfc3339),
                    "endDateTime": key.ends_on.and_then(rfc3339),
                    "type": "AsymmetricX509Cert",
                    "usage": "Verify",
                })
            })
            .collect();
        if let CertificateChange::Add(new) = change {
            list.push(value!({
                "keyId": new.id,
                "displayName": new.name,
                "startDateTime": rfc3339(new.starts_on),
                "endDateTime": rfc3339(new.ends_on),
                "key": STANDARD.encode(new.der),
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            }));
        }
        let call = Call {
            what: "could not change the application's certificates",
            path: &format!("/v1.0/applications/{}", application.id),
            query: &[],
            verb: Verb::Patch(json(&value!({ "keyCredentials": list }))),
        };
        self.0.perform(&call).await.map(drop)
    }
}
