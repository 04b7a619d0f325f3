//! Finds the tenant of a subscription that the identity's own tenant does not have.
//!
//! Resource Manager rejects a request without a token, and names the tenant of the subscription in
//! the challenge. Azure CLI's and Terraform's clients find a tenant in the same way.

use super::tenant::TenantNames;
use crate::{
    doctor::{
        case::{Case, Finding},
        opened::Opened,
    },
    error::{Error, Result},
    resource_manager::api_version,
    text::{between, is_guid},
    workspace::{WorkspaceRef, subscription_id},
};
use azcred::{
    ClientOptions, Fix, Principal, PrincipalKind, SignIn, Untrusted, Used, UsedKind,
    chain::Source,
    http::{HttpRequest, HttpResponse, parse_url},
};
use std::time::Duration;

/// A subscription's tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnTenant {
    pub(super) id: String,
    /// The name, if the identity is known in that tenant too.
    pub(super) name: Option<Untrusted>,
}

impl OwnTenant {
    /// `Contoso (c0a70500-…)`, or the id alone.
    pub(super) fn describe(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.id),
            None => self.id.clone(),
        }
    }
}

/// The tenant of the subscription, if it is another one than the token's.
pub(super) async fn other_tenant(case: &Case<'_>, subscription: &str) -> Option<OwnTenant> {
    let identity = case.identity().await?;
    let request = async {
        let id = subscription_id(subscription)?;
        tenant_of(identity.session.options(), &id).await
    };
    let (found, names) = tokio::join!(
        case.within("could not find the subscription's tenant", request),
        case.find::<TenantNames>()
    );
    let id = found.ok()??;
    let own = identity.principal.as_ref().ok()?.tenant_id.as_ref()?;
    if own.eq_ignore_ascii_case(&id) {
        return None;
    }
    let name = match names.name(&id) {
        Some(name) => Some(name),
        None => identity.session.tenant_name(&id).await,
    };
    Some(OwnTenant { id, name })
}

/// The tenant of the workspace's subscription, which needs no sign-in. It is requested only if the
/// tenant of the sign-in is in doubt.
pub(super) struct WorkspaceTenant(pub(super) Option<String>);

impl Finding for WorkspaceTenant {
    async fn find(case: &Case<'_>) -> Self {
        let opened = case.find::<Opened>().await;
        let (Some(options), Some(workspace)) = (opened.options(), case.workspace()) else {
            return Self(None);
        };
        let id = WorkspaceRef::subscription(workspace);
        let request = tenant_of(options, id);
        let found = case.within("could not find the workspace's tenant", request);
        // It is only a help. The reported error is another one.
        Self(found.await.ok().flatten())
    }
}

async fn tenant_of(options: &ClientOptions, id: &str) -> Result<Option<String>> {
    const WHAT: &str = "could not find the subscription's tenant";
    const LIMIT: Duration = Duration::from_secs(10);
    let cloud = options.cloud().map_err(Error::token)?;
    let base = cloud.resource_manager().trim_end_matches('/');
    let version = api_version::RESOURCES;
    let url = format!("{base}/subscriptions/{id}?api-version={version}");
    let url = parse_url(WHAT, &url).map_err(|error| Error::transport(&error))?;
    let response = options
        .http()
        .send(WHAT, &HttpRequest::get(url), LIMIT)
        .await;
    let response = response.map_err(|error| Error::transport(&error))?;
    Ok(challenged(&response))
}

/// The tenant in a challenge: `Bearer authorization_uri="https://login.windows.net/TENANT", …`.
fn challenged(response: &HttpResponse) -> Option<String> {
    in_challenge(response.header("www-authenticate")?)
}

fn in_challenge(challenge: &str) -> Option<String> {
    let authority = between(challenge, "authorization_uri=\"https://", "\"")?;
    let tenant = authority.split('/').find(|part| is_guid(part))?;
    Some(tenant.to_ascii_lowercase())
}

/// What lets the identity sign in to another tenant.
pub(super) fn sign_in(
    from: Option<(Source, &Used)>,
    principal: Option<&Principal>,
    tenant: &str,
) -> Fix {
    let is_himl = |used: &Used| matches!(&used.kind, UsedKind::ClientSecret { variable: Some(name) } if name.starts_with("HIML_"));
    match from {
        Some((Source::AzureCli, _)) => Fix::SignInToTool {
            command: format!("az login --tenant {tenant}"),
        },
        Some((Source::AzurePowerShell, _)) => Fix::SignInToTool {
            command: format!("Connect-AzAccount -Tenant {tenant}"),
        },
        Some((Source::AzureDeveloperCli, _)) => Fix::SignInToTool {
            command: format!("azd auth login --tenant-id {tenant}"),
        },
        Some((Source::Environment, used)) if is_himl(used) => Fix::set_to("HIML_TENANT_ID", tenant),
        Some((
            Source::Environment
            | Source::WorkloadIdentity
            | Source::GitHubActions
            | Source::AzurePipelines,
            _,
        )) => Fix::set_to("AZURE_TENANT_ID", tenant),
        // A managed identity is in one tenant only.
        _ if principal.is_some_and(|one| one.kind != PrincipalKind::User) => Fix::default(),
        _ => {
            let mut to = SignIn::default();
            to.tenant = Some(tenant.to_owned());
            to.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "c0a70500-0000-4000-8000-000000000002";

    #[test]
    fn the_tenant_is_in_the_challenge() {
        let challenge = format!(
            r#"Bearer authorization_uri="https://login.windows.net/{TENANT}", error="invalid_token""#
        );
        assert_eq!(in_challenge(&challenge).as_deref(), Some(TENANT));
        for other in [
            r#"Bearer authorization_uri="https://login.windows.net/common""#,
            r#"Bearer realm="x""#,
            "",
        ] {
            assert_eq!(in_challenge(other), None, "{other}");
        }
    }

    #[test]
    fn each_source_signs_in_to_another_tenant_in_its_own_way() {
        let used = |kind| Used::new(kind);
        let himl = used(UsedKind::ClientSecret {
            variable: Some("HIML_SERVICE_PRINCIPAL_PASSWORD"),
        });
        let azure = used(UsedKind::ClientSecret {
            variable: Some("AZURE_CLIENT_SECRET"),
        });
        let fix = |source, used: &Used| sign_in(Some((source, used)), None, TENANT);
        assert_eq!(
            fix(Source::Environment, &himl),
            Fix::set_to("HIML_TENANT_ID", TENANT)
        );
        assert_eq!(
            fix(Source::Environment, &azure),
            Fix::set_to("AZURE_TENANT_ID", TENANT)
        );
        assert_eq!(
            fix(Source::AzureCli, &azure).to_string(),
            format!("run `az login --tenant {TENANT}`")
        );
        let own = fix(Source::Azcred, &azure);
        assert!(
            matches!(&own, Fix::SignIn(to) if to.tenant.as_deref() == Some(TENANT)),
            "{own:?}"
        );
    }
}
