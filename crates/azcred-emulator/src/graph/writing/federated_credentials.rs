//! Federated credentials of an application.

use super::{Writing, body::Body};
use crate::{
    directory::{Application, FederatedCredential},
    graph::{
        credentials::federated_credential,
        kind::Kind,
        response::{Answer, GraphError},
    },
    text::clip,
};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

const KIND: Kind = Kind::FederatedCredential;
/// Most credentials of an application ('Important considerations and restrictions for federated
/// identity credentials').
const MOST: usize = 20;

impl Writing<'_> {
    /// `POST …/federatedIdentityCredentials`.
    pub(super) fn create_federated_credential(
        &mut self,
        application: Uuid,
    ) -> Result<Answer, GraphError> {
        let app = self.owned_application(application)?;
        let mut body = Body::read(self.call, KIND)?;
        let (name, issuer) = (body.require("name")?, body.require("issuer")?);
        let mut new = FederatedCredential::new(name, issuer, body.require("subject")?, "");
        write(&mut new, body)?;
        check(&app, &new)?;
        if app.federated_credentials.len() >= MOST {
            return Err(invalid(format!(
                "The application has {MOST} federated identity credentials, which is the maximum."
            )));
        }
        let object = federated_credential(&new);
        let mut answer = object.properties;
        let set = format!("applications('{application}')/federatedIdentityCredentials/$entity");
        answer.insert("@odata.context".to_owned(), self.call.context(&set).into());
        let address = format!("federatedIdentityCredentials/{}", new.id);
        self.replication.created(new.id);
        self.directory.host_issuer(new.issuer.clone());
        if let Some(app) = self.directory.application_with_mut(application) {
            app.federated_credentials.push(new);
        }
        let tenant = self.caller.tenant;
        Ok(Answer::created(
            self.call,
            tenant,
            &address,
            Value::Object(answer),
        ))
    }

    /// `PATCH …/federatedIdentityCredentials/{id or name}`.
    pub(super) fn update_federated_credential(
        &mut self,
        application: Uuid,
        id_or_name: &str,
    ) -> Result<Answer, GraphError> {
        let app = self.owned_application(application)?;
        let old = find(&app, id_or_name)?;
        let mut new = old.clone();
        let mut body = Body::read(self.call, KIND)?;
        if body
            .take::<String>("name")?
            .is_some_and(|name| name != old.name)
        {
            return Err(GraphError::read_only("name"));
        }
        for (name, value) in [("issuer", &mut new.issuer), ("subject", &mut new.subject)] {
            if let Some(given) = body.take(name)? {
                *value = given;
            }
        }
        write(&mut new, body)?;
        check(&app, &new)?;
        self.directory.host_issuer(new.issuer.clone());
        if let Some(app) = self.directory.application_with_mut(application) {
            let mut all = app.federated_credentials.iter_mut();
            if let Some(slot) = all.find(|one| one.id == new.id) {
                *slot = new;
            }
        }
        Ok(Answer::empty())
    }

    /// `DELETE …/federatedIdentityCredentials/{id or name}`.
    pub(super) fn delete_federated_credential(
        &mut self,
        application: Uuid,
        id_or_name: &str,
    ) -> Result<Answer, GraphError> {
        let app = self.owned_application(application)?;
        let id = find(&app, id_or_name)?.id;
        if let Some(app) = self.directory.application_with_mut(application) {
            app.federated_credentials.retain(|one| one.id != id);
        }
        Ok(Answer::empty())
    }
}

fn find<'a>(app: &'a Application, id_or_name: &str) -> Result<&'a FederatedCredential, GraphError> {
    let mut all = app.federated_credentials.iter();
    all.find(|one| one.is_named(id_or_name))
        .ok_or_else(|| GraphError::not_found(id_or_name))
}

fn write(credential: &mut FederatedCredential, mut body: Body) -> Result<(), GraphError> {
    if let Some(audiences) = body.take::<Vec<String>>("audiences")? {
        credential.audiences = audiences;
    }
    if let Some(description) = body.take("description")? {
        credential.description = Some(description);
    }
    Ok(())
}

/// # Errors
/// Without exactly one audience, and when another credential has the name, or the issuer and the
/// subject.
fn check(app: &Application, new: &FederatedCredential) -> Result<(), GraphError> {
    match new.audiences.as_slice() {
        [one] if !one.is_empty() => {}
        _ => return Err(GraphError::invalid_value(KIND, "audiences")),
    }
    let others = || {
        app.federated_credentials
            .iter()
            .filter(|one| one.id != new.id)
    };
    if others().any(|other| other.name == new.name) {
        return Err(GraphError::conflict(format!(
            "FederatedIdentityCredential with name {} already exists.",
            clip(&new.name)
        )));
    }
    if others().any(|other| other.issuer == new.issuer && other.subject == new.subject) {
        let (issuer, subject) = (clip(&new.issuer), clip(&new.subject));
        return Err(invalid(format!(
            "The combination of issuer and subject must be unique for the application. Issuer {issuer} and Subject: \
             {subject} already exist. paramName: FederatedIdentityCredential.Subject, paramValue: {subject}, \
             objectType: Microsoft.Online.DirectoryServices.Application"
        )));
    }
    Ok(())
}

fn invalid(message: String) -> GraphError {
    let code = "InvalidFederatedIdentityCredentialValue";
    GraphError::new(StatusCode::BAD_REQUEST, code, message)
}
