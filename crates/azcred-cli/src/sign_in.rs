//! Signing in, as every command does it: with what the environment holds, at the cloud that it names.

use crate::failure::Failure;
use azcred::{
    AccessToken, ClientOptions, Credential, EnvironmentCredential, EnvironmentOrder, Scope,
    TenantId, TokenRequest, system::SharedSystem,
};
use azcred_azure::cloud_metadata;

/// Who signs in, and for what.
pub(crate) struct SignIn {
    /// The credential.
    pub(crate) credential: EnvironmentCredential,
    /// What the token is for.
    pub(crate) scope: Scope,
    tenant: Option<TenantId>,
}

impl SignIn {
    /// Reads the environment. Asks nobody but whoever describes the cloud, where `ARM_CLOUD_METADATA_URL` names one.
    ///
    /// `scope` is Azure Resource Manager's where none is given; `tenant` is the environment's.
    pub(crate) async fn new(
        system: SharedSystem,
        scope: Option<Scope>,
        tenant: Option<TenantId>,
    ) -> Result<Self, Failure> {
        let mut options = ClientOptions::new(system);
        if let Some(tenant) = &tenant {
            // Whoever typed it meant it.
            options = options.with_allowed_tenants([tenant.clone()]);
        }
        // Where both the scope and the authority are given, a cloud's description adds nothing.
        if scope.is_none() || options.system().var("AZURE_AUTHORITY_HOST").is_none() {
            options = cloud_metadata::apply(options).await?;
        }
        let cloud = options.cloud()?;
        let scope = match scope {
            Some(scope) => scope,
            None => Scope::from_resource(cloud.resource_manager_audience())?,
        };
        let credential = EnvironmentCredential::new(EnvironmentOrder::default(), options)?;
        tracing::info!(authority = %cloud.authority(), "signing in with {}", credential.using());
        Ok(Self {
            credential,
            scope,
            tenant,
        })
    }

    /// A token.
    pub(crate) async fn token(&self) -> Result<AccessToken, Failure> {
        let mut request = TokenRequest::new(self.scope.clone());
        if let Some(tenant) = &self.tenant {
            request = request.with_tenant(tenant.clone());
        }
        Ok(self.credential.get_token(&request).await?)
    }
}

/// Signs in: who did, and the token.
pub(crate) async fn sign_in(
    system: SharedSystem,
    scope: Option<Scope>,
    tenant: Option<TenantId>,
) -> Result<(SignIn, AccessToken), Failure> {
    let sign_in = SignIn::new(system, scope, tenant).await?;
    let token = sign_in.token().await?;
    Ok((sign_in, token))
}
