//! Federated identity credentials: tokens of another issuer with which an application signs in.

use super::was_there;
use crate::{
    error::Result,
    graph::Graph,
    service::{Call, Verb, json},
};
use azcred::Untrusted;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most federated credentials of an application (Microsoft's page 'Important considerations and
/// restrictions for federated identity credentials').
pub const MOST_FEDERATED_CREDENTIALS: usize = 20;

/// A federated credential of an application.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct FederatedCredential {
    /// The id.
    pub id: Uuid,
    /// The name, which is unique in the application.
    #[serde(default)]
    pub name: Untrusted,
    /// The issuer of the tokens: the claim `iss`.
    #[serde(default)]
    pub issuer: Untrusted,
    /// The claim `sub` of the tokens. `None` if an expression matches it
    /// (`claimsMatchingExpression`).
    #[serde(default)]
    pub subject: Option<Untrusted>,
    /// The audience of the tokens: the claim `aud`. Graph has a list of one.
    #[serde(default)]
    pub audiences: Vec<Untrusted>,
    /// A note.
    #[serde(default)]
    pub description: Option<Untrusted>,
}

/// A federated credential to create.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct NewFederatedCredential<'a> {
    /// The name: letters, digits, `-` and `_`, at most 120. It can't be changed.
    pub name: &'a str,
    /// The issuer.
    pub issuer: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The audience, as a list of one: `api://AzureADTokenExchange` in the public cloud.
    pub audiences: [&'a str; 1],
    /// A note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
}

#[derive(Serialize)]
struct Change<'a> {
    issuer: &'a str,
    subject: &'a str,
    audiences: [&'a str; 1],
}

fn path(application: Uuid) -> String {
    format!("/v1.0/applications/{application}/federatedIdentityCredentials")
}

impl Graph {
    /// The federated credentials of an application, by its object id.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn federated_credentials(
        &self,
        application: Uuid,
    ) -> Result<Vec<FederatedCredential>> {
        let call = Call {
            what: "could not read the federated credentials",
            path: &path(application),
            query: &[],
            verb: Verb::Get,
        };
        Ok(self.0.list(&call).await?.value)
    }

    /// Creates a federated credential. Its name is unique, so the request can be repeated.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind), with status 409 if the name, or the issuer with the
    /// subject, exists.
    pub async fn create_federated_credential(
        &self,
        application: Uuid,
        new: &NewFederatedCredential<'_>,
    ) -> Result<FederatedCredential> {
        let call = Call {
            what: "could not create the federated credential",
            path: &path(application),
            query: &[],
            verb: Verb::Post(json(new)),
        };
        Ok(self.0.send(&call).await?.value)
    }

    /// Changes the issuer, the subject and the audience of a federated credential. Its name stays.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn change_federated_credential(
        &self,
        application: Uuid,
        id: Uuid,
        to: &NewFederatedCredential<'_>,
    ) -> Result<()> {
        let body = Change {
            issuer: to.issuer,
            subject: to.subject,
            audiences: to.audiences,
        };
        let call = Call {
            what: "could not change the federated credential",
            path: &format!("{}/{id}", path(application)),
            query: &[],
            verb: Verb::Patch(json(&body)),
        };
        self.0.perform(&call).await?;
        Ok(())
    }

    /// Removes a federated credential. Returns whether it was there.
    ///
    /// # Errors
    /// Any [`ErrorKind`](crate::ErrorKind).
    pub async fn delete_federated_credential(&self, application: Uuid, id: Uuid) -> Result<bool> {
        let call = Call {
            what: "could not remove the federated credential",
            path: &format!("{}/{id}", path(application)),
            query: &[],
            verb: Verb::Delete,
        };
        was_there(self.0.perform(&call).await)
    }
}
