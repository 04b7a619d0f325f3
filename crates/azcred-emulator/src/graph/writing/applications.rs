//! Applications: created, changed, deleted.

use super::{
    Writing,
    body::Body,
    keys::NewKey,
    passwords::NewPassword,
    rights::{APPLICATIONS, NEW_APPLICATIONS},
};
use crate::{
    directory::{Application, Audience},
    graph::{
        credentials::exact,
        kind::Kind,
        objects::{Object, REDIRECT_PLACES},
        response::{Answer, GraphError},
        target::Relation,
    },
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

const KIND: Kind = Kind::Application;

impl Writing<'_> {
    /// `POST /applications`.
    pub(super) fn create_application(&mut self) -> Result<Answer, GraphError> {
        let tenant = self.caller.tenant;
        let policy = self.directory.tenants.get(&tenant);
        let by_policy = policy.is_some_and(|tenant| tenant.users_may_create_applications);
        self.authorize_new(&NEW_APPLICATIONS, by_policy)?;
        let mut body = Body::read(self.call, KIND)?;
        let name = body.require("displayName")?;
        let passwords: Vec<NewPassword> = body.take("passwordCredentials")?.unwrap_or_default();
        let mut app = Application {
            scopes: Vec::new(),
            created: Some(self.now),
            ..Application::new(Uuid::new_v4(), tenant, name)
        };
        if !self.caller.is_app || !self.caller.has(&["Application.ReadWrite.All"]) {
            app.owners.insert(self.caller.object_id);
        }
        let owners = body.bound("owners")?;
        let owners = self.all_referenced(KIND, Relation::Owners, &owners)?;
        app.owners.extend(owners);
        self.write(&mut app, body)?;
        let mut secrets = Vec::new();
        for password in passwords {
            let secret = password.secret(self.now, &app.secrets)?;
            secrets.push(secret.text.clone());
            self.replication.created(secret.id);
            app.secrets.push(secret);
        }
        let app_id = app.app_id;
        self.directory.applications.insert(app_id, app);
        let app = &self.directory.applications[&app_id];
        let mut object = self.objects().application(app);
        // The only answer with fractions of a second.
        object.properties["createdDateTime"] = exact(self.now).into();
        for (n, secret) in secrets.iter().enumerate() {
            object.properties["passwordCredentials"][n]["secretText"] = secret.expose().into();
        }
        Ok(self.created(object, "Application"))
    }

    /// `PATCH /applications/{id}`.
    pub(super) fn update_application(&mut self, object: &Object) -> Result<Answer, GraphError> {
        let mut app = self.owned_application(object.id)?;
        let mut body = Body::read(self.call, KIND)?;
        let name = body.take::<String>("displayName")?;
        if let Some(kept) = body.take::<Vec<Value>>("passwordCredentials")? {
            keep_secrets(&mut app, &kept)?;
        }
        self.write(&mut app, body)?;
        if let Some(name) = name {
            // Its principal at home has the same name.
            let principals = self.directory.service_principals.values_mut();
            principals
                .filter(|sp| sp.tenant == app.home_tenant && sp.app_id == app.app_id)
                .for_each(|sp| sp.name.clone_from(&name));
            app.name = name;
        }
        self.directory.applications.insert(app.app_id, app);
        Ok(Answer::empty())
    }

    /// `DELETE /applications/{id}`: with its principal in its own tenant.
    pub(super) fn delete_application(&mut self, object: &Object) -> Result<Answer, GraphError> {
        let app = self.owned_application(object.id)?;
        self.directory.delete_application(app.app_id, self.now);
        Ok(Answer::empty())
    }

    /// An application of the caller's tenant that it may change.
    pub(super) fn owned_application(&self, id: Uuid) -> Result<Application, GraphError> {
        let app = self.directory.application_with(id);
        let app = app.ok_or_else(|| GraphError::not_found(&id.to_string()))?;
        self.authorize(&APPLICATIONS, &app.owners)?;
        Ok(app.clone())
    }

    /// Writes the properties of a body: those that mean something here, and the rest as they are.
    fn write(&self, app: &mut Application, mut body: Body) -> Result<(), GraphError> {
        let before = self.objects().application(app).properties;
        if let Some(keys) = body.take::<Vec<NewKey>>("keyCredentials")? {
            app.certificates = self.keys(keys, &app.certificates)?;
        }
        if let Some(audience) = body.take::<String>("signInAudience")? {
            app.audience = match audience.as_str() {
                "AzureADMyOrg" => Audience::SingleTenant,
                "AzureADMultipleOrgs" => Audience::MultipleTenants,
                // Personal accounts do not exist here.
                "AzureADandPersonalMicrosoftAccount" | "PersonalMicrosoftAccount" => {
                    let option = format!("signInAudience={audience}");
                    return Err(GraphError::option_not_served(self.call, &option));
                }
                _ => return Err(GraphError::invalid_value(KIND, "signInAudience")),
            };
        }
        if let Some(uris) = body.take::<Vec<String>>("identifierUris")? {
            self.check_uris(app, &uris)?;
            app.identifier_uris = uris;
        }
        if let Some(is_public) = body.take::<bool>("isFallbackPublicClient")? {
            app.public_client = is_public;
        }
        let written = body.over(self.call, &before)?;
        if let Some(name) = written.get("uniqueName") {
            self.check_unique_name(app, name)?;
        }
        if let Some(api) = written.get("api") {
            app.access_token_version = match &api["requestedAccessTokenVersion"] {
                Value::Null => 1,
                version if *version == 1 => 1,
                version if *version == 2 => 2,
                _ => {
                    return Err(GraphError::invalid_value(
                        KIND,
                        "requestedAccessTokenVersion",
                    ));
                }
            };
            let scopes = api["oauth2PermissionScopes"].as_array();
            let values = scopes
                .into_iter()
                .flatten()
                .filter_map(|scope| scope["value"].as_str());
            app.scopes = values.map(str::to_owned).collect();
        }
        // Which place a redirect URI has is known from now on.
        for place in REDIRECT_PLACES {
            let kept = before.get(*place).cloned().unwrap_or_default();
            app.properties.insert((*place).to_owned(), kept);
        }
        app.properties.extend(written);
        let redirects: BTreeSet<&str> = REDIRECT_PLACES
            .iter()
            .filter_map(|place| app.properties[*place]["redirectUris"].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        app.redirect_uris = redirects.into_iter().map(str::to_owned).collect();
        Ok(())
    }

    fn check_uris(&self, app: &Application, uris: &[String]) -> Result<(), GraphError> {
        let mut others = self.directory.applications.values();
        let is_taken = others.any(|other| {
            let mut taken = other.identifier_uris.iter();
            other.app_id != app.app_id && taken.any(|uri| uris.contains(uri))
        });
        if is_taken {
            return Err(GraphError::rejected(
                "Another object with the same value for property identifierUris already exists.",
            ));
        }
        Ok(())
    }

    fn check_unique_name(&self, app: &Application, name: &Value) -> Result<(), GraphError> {
        let now = app.properties.get("uniqueName").unwrap_or(&Value::Null);
        let mut others = self.directory.applications.values();
        let is_taken = others.any(|other| other.properties.get("uniqueName") == Some(name));
        if name == now || name.is_null() {
            return Ok(());
        }
        // It can be set once.
        if !now.is_null() {
            return Err(GraphError::invalid_value(KIND, "uniqueName"));
        }
        if is_taken {
            return Err(GraphError::rejected(
                "Another object with the same value for property uniqueName already exists.",
            ));
        }
        Ok(())
    }
}

/// A list of secrets can only lose some: a new one has a text that the service makes.
fn keep_secrets(app: &mut Application, kept: &[Value]) -> Result<(), GraphError> {
    let is_kept = |id: Uuid| kept.iter().any(|one| one["keyId"] == json!(id));
    let known = app.secrets.iter().filter(|secret| is_kept(secret.id));
    if known.count() < kept.len() {
        return Err(GraphError::rejected(
            "New password credentials must be generated with service actions.",
        ));
    }
    app.secrets.retain(|secret| is_kept(secret.id));
    Ok(())
}
