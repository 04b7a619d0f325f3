//! `addPassword`, `removePassword`.

use super::Writing;
use crate::{
    directory::{Secret, SecretText},
    graph::{
        credentials::password_credential,
        kind::Kind,
        objects::Object,
        response::{Answer, GraphError},
    },
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long a secret lives whose end the client does not say.
const LIFETIME: Duration = Duration::days(730);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AddPassword {
    password_credential: Option<NewPassword>,
}

/// A secret that a client wants.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NewPassword {
    display_name: Option<String>,
    key_id: Option<Uuid>,
    #[serde(with = "time::serde::rfc3339::option")]
    start_date_time: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    end_date_time: Option<OffsetDateTime>,
}

impl NewPassword {
    /// # Errors
    /// When another secret has its id, or it would end before it starts.
    pub(super) fn secret(
        self,
        now: OffsetDateTime,
        others: &[Secret],
    ) -> Result<Secret, GraphError> {
        let id = self.key_id.unwrap_or_else(Uuid::new_v4);
        if others.iter().any(|other| other.id == id) {
            return Err(GraphError::rejected(format!(
                "Update to existing credential with KeyId '{id}' is not allowed."
            )));
        }
        let starts = self.start_date_time.unwrap_or(now);
        let expires = self.end_date_time.unwrap_or(now + LIFETIME);
        if expires <= starts {
            return Err(GraphError::rejected(
                "Password credential end date is invalid.",
            ));
        }
        let text = SecretText::generate_for_client().map_err(|_| {
            GraphError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                "The system returned no random bytes.",
            )
        })?;
        Ok(Secret {
            id,
            name: self.display_name,
            text,
            starts: Some(starts),
            expires,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RemovePassword {
    key_id: Uuid,
}

impl Writing<'_> {
    /// `POST …/addPassword`. Only its answer has the secret's text.
    pub(super) fn add_password(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.authorize_client(object)?;
        let wanted: AddPassword = self.call.json()?;
        let now = self.now;
        let secrets = self.secrets_of(object)?;
        let wanted = wanted.password_credential.unwrap_or_default();
        let secret = wanted.secret(now, secrets)?;
        let mut body = password_credential(&secret);
        body["secretText"] = secret.text.expose().into();
        // A principal's secrets have no hint.
        if object.kind == Kind::ServicePrincipal {
            body["hint"] = Value::Null;
        }
        let context = self.call.context("microsoft.graph.passwordCredential");
        body["@odata.context"] = context.into();
        self.replication.created(secret.id);
        self.secrets_of(object)?.push(secret);
        Ok(Answer::of_action(self.call, body))
    }

    /// `POST …/removePassword`.
    pub(super) fn remove_password(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.authorize_client(object)?;
        let wanted: RemovePassword = self.call.json()?;
        let secrets = self.secrets_of(object)?;
        let before = secrets.len();
        secrets.retain(|secret| secret.id != wanted.key_id);
        if secrets.len() == before {
            return Err(GraphError::rejected(format!(
                "No password credential found with keyId '{}'.",
                wanted.key_id
            )));
        }
        Ok(Answer::empty())
    }

    /// # Errors
    /// When the caller may not change the application or the service principal.
    fn authorize_client(&self, object: &Object) -> Result<(), GraphError> {
        match object.kind {
            Kind::Application => self.owned_application(object.id).map(drop),
            _ => self.owned_principal(object.id).map(drop),
        }
    }

    fn secrets_of(&mut self, object: &Object) -> Result<&mut Vec<Secret>, GraphError> {
        let directory = &mut self.directory;
        let secrets = match object.kind {
            Kind::Application => {
                let app = directory.application_with_mut(object.id);
                app.map(|app| &mut app.secrets)
            }
            _ => {
                let principal = directory.service_principals.get_mut(&object.id);
                principal.map(|sp| &mut sp.secrets)
            }
        };
        secrets.ok_or_else(|| GraphError::not_found(&object.id.to_string()))
    }
}
