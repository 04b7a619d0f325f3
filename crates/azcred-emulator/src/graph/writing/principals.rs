//! Service principals: created for an application, changed, deleted.

use super::{Writing, body::Body, keys::NewKey, rights::APPLICATIONS};
use crate::{
    directory::{Audience, ServicePrincipal, ServicePrincipalKind},
    graph::{
        access::denied,
        kind::Kind,
        objects::Object,
        response::{Answer, GraphError},
        target::Relation,
    },
    replication::View,
};
use uuid::Uuid;

const KIND: Kind = Kind::ServicePrincipal;

impl Writing<'_> {
    /// `POST /servicePrincipals` with an `appId`.
    pub(super) fn create_principal(&mut self) -> Result<Answer, GraphError> {
        let tenant = self.caller.tenant;
        let mut body = Body::read(self.call, KIND)?;
        let text = body.require("appId")?;
        let app_id = Uuid::try_parse(&text).map_err(|_| GraphError::invalid_guid(&text))?;
        let app = self.directory.applications.get(&app_id);
        let is_here =
            |app: &Audience, home: Uuid| home == tenant || *app == Audience::MultipleTenants;
        let app = app.filter(|app| {
            is_here(&app.audience, app.home_tenant)
                && !self.replication.misses(View::Graph, app.object_id)
        });
        let app = app.ok_or_else(|| {
            GraphError::rejected(format!(
                "The appId '{app_id}' of the service principal does not reference a valid application object."
            ))
        })?;
        self.authorize(&APPLICATIONS, &app.owners)?;
        let taken = self.directory.service_principal_of(tenant, app_id);
        if taken.is_some() {
            return Err(GraphError::conflict(format!(
                "The service principal cannot be created, updated, or restored because the service principal name \
                 {app_id} is already in use."
            )));
        }
        let id = Uuid::new_v4();
        let mut principal = ServicePrincipal {
            created: Some(self.now),
            ..ServicePrincipal::new(id, tenant, app_id, &app.name)
        };
        if !self.caller.is_app || !self.caller.has(&["Application.ReadWrite.All"]) {
            principal.owners.insert(self.caller.object_id);
        }
        let owners = body.bound("owners")?;
        let owners = self.all_referenced(KIND, Relation::Owners, &owners)?;
        principal.owners.extend(owners);
        // The name is the application's.
        body.take::<String>("displayName")?;
        self.write_principal(&mut principal, body)?;
        self.directory.service_principals.insert(id, principal);
        let principal = &self.directory.service_principals[&id];
        let object = self.objects().service_principal(principal);
        Ok(self.created(object, "ServicePrincipal"))
    }

    /// `PATCH /servicePrincipals/{id}`.
    pub(super) fn update_principal(&mut self, object: &Object) -> Result<Answer, GraphError> {
        let mut principal = self.owned_principal(object.id)?;
        let mut body = Body::read(self.call, KIND)?;
        if body.take::<String>("appId")?.is_some() {
            return Err(GraphError::read_only("appId"));
        }
        if let Some(name) = body.take::<String>("displayName")? {
            principal.name = name;
        }
        self.write_principal(&mut principal, body)?;
        self.directory
            .service_principals
            .insert(object.id, principal);
        Ok(Answer::empty())
    }

    /// `DELETE /servicePrincipals/{id}`.
    pub(super) fn delete_principal(&mut self, object: &Object) -> Result<Answer, GraphError> {
        self.owned_principal(object.id)?;
        self.directory.delete_principal(object.id, self.now);
        Ok(Answer::empty())
    }

    /// A service principal that the caller may change. A managed identity's belongs to its
    /// resource, and those of Microsoft's own applications to Microsoft.
    pub(super) fn owned_principal(&self, id: Uuid) -> Result<ServicePrincipal, GraphError> {
        let found = self.directory.service_principals.get(&id);
        let found = found.filter(|sp| sp.kind == ServicePrincipalKind::Application);
        let found = found.ok_or_else(denied)?;
        self.authorize(&APPLICATIONS, &found.owners)?;
        Ok(found.clone())
    }

    fn write_principal(
        &self,
        principal: &mut ServicePrincipal,
        mut body: Body,
    ) -> Result<(), GraphError> {
        if let Some(enabled) = body.take("accountEnabled")? {
            principal.enabled = enabled;
        }
        if let Some(keys) = body.take::<Vec<NewKey>>("keyCredentials")? {
            principal.certificates = self.keys(keys, &principal.certificates)?;
        }
        let before = self.objects().service_principal(principal).properties;
        principal.properties.extend(body.over(self.call, &before)?);
        Ok(())
    }
}
