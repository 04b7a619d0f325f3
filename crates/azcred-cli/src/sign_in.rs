//! Signing in, as every command does it: with what the environment holds, at the cloud that it names.

use crate::failure::Failure;
use azcred::{
    AccessToken, ClientOptions, Cloud, Credential, EnvironmentCredential, EnvironmentOrder, Scope,
    TenantId, TokenRequest, system::SharedSystem,
};

/// Who signs in, and where.
pub(crate) struct SignIn {
    /// The credential.
    pub(crate) credential: EnvironmentCredential,
    /// The cloud.
    pub(crate) cloud: Cloud,
    /// What both share.
    pub(crate) options: ClientOptions,
    tenant: Option<TenantId>,
}

impl SignIn {
    /// Reads the environment. Asks nobody yet.
    pub(crate) fn new(system: SharedSystem, tenant: Option<TenantId>) -> Result<Self, Failure> {
        let mut options = ClientOptions::new(system);
        if let Some(tenant) = &tenant {
            // Whoever typed it meant it.
            options = options.with_allowed_tenants([tenant.clone()]);
        }
        let cloud = options.cloud()?;
        let credential = EnvironmentCredential::new(EnvironmentOrder::default(), options.clone())?;
        tracing::info!(authority = %cloud.authority(), "signing in with {}", credential.using());
        Ok(Self {
            credential,
            cloud,
            options,
            tenant,
        })
    }

    /// A token for `scope`; for Azure Resource Manager where none is given.
    pub(crate) async fn token(
        &self,
        scope: Option<Scope>,
    ) -> Result<(Scope, AccessToken), Failure> {
        let scope = match scope {
            Some(scope) => scope,
            None => Scope::from_resource(self.cloud.resource_manager_audience())?,
        };
        let mut request = TokenRequest::new(scope.clone());
        if let Some(tenant) = &self.tenant {
            request = request.with_tenant(tenant.clone());
        }
        let token = self.credential.get_token(&request).await?;
        Ok((scope, token))
    }
}
