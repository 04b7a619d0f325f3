//! Is the token from the tenant that was asked for?

use super::sign_in::Identity;
use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        report::{Subject, Verdict},
    },
    error::{Error, ErrorKind, Result},
    resource_manager::api_version,
    text::{clean, is_guid},
};
use azcred::{
    TenantId,
    http::{HttpRequest, Url},
};
use serde::Deserialize;

/// The names of the tenants that the identity is known in, by id. Names are for show: where the
/// request fails, ids are shown alone.
pub(super) struct TenantNames(Vec<NamedTenant>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedTenant {
    tenant_id: String,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    default_domain: Option<String>,
}

impl Finding for TenantNames {
    async fn find(case: &Case<'_>) -> Self {
        let Some(identity) = case.identity().await else {
            return Self(Vec::new());
        };
        let what = "List the tenants";
        let list = identity
            .manager
            .list(what, "/tenants", api_version::RESOURCES);
        let tenants = case.within(what, list).await;
        Self(tenants.map(|tenants| tenants.value).unwrap_or_default())
    }
}

impl TenantNames {
    fn name(&self, id: &str) -> Option<String> {
        let tenant = self
            .0
            .iter()
            .find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(id))?;
        let name = tenant
            .display_name
            .as_ref()
            .or(tenant.default_domain.as_ref())?;
        Some(clean(name, 80)).filter(|name| !name.is_empty())
    }
}

pub(super) struct TenantCheck;

pub(super) enum Outcome {
    /// The token does not say which tenant it is from.
    Unknown,
    /// The token's tenant.
    Known {
        id: String,
        name: Option<String>,
        asked: Asked,
    },
}

/// Which tenant the source's settings ask for.
pub(super) enum Asked {
    /// None.
    None,
    /// The token's.
    Same,
    /// Another one.
    Other(String),
    /// Which one that is could not be found out.
    Unclear(Error),
}

impl Check for TenantCheck {
    type Outcome = Outcome;

    fn title(&self) -> &'static str {
        "tenant"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Outcome> {
        let identity = case.identity().await?;
        let id = identity
            .principal
            .as_ref()
            .ok()
            .and_then(|principal| principal.tenant_id.clone());
        let Some(id) = id else {
            return Some(Outcome::Unknown);
        };
        let (names, asked) = tokio::join!(case.find::<TenantNames>(), asked(case, &identity, &id));
        Some(Outcome::Known {
            name: names.name(&id),
            id,
            asked,
        })
    }

    fn tell(&self, outcome: Outcome, _: &Case<'_>) -> Verdict {
        let (id, name, asked) = match outcome {
            Outcome::Known { id, name, asked } => (id, name, asked),
            Outcome::Unknown => {
                return Verdict::warning("", "the token does not say which tenant it is from")
                    .fix("nothing, if the identity provider is not Entra ID");
            }
        };
        let detail = match name {
            Some(name) => format!("{name} ({id})"),
            None => id.clone(),
        };
        match asked {
            Asked::None | Asked::Same => Verdict::ok(detail),
            Asked::Other(other) => Verdict::failed(
                Subject::Other,
                detail,
                format!("the settings of the sign-in ask for the tenant {other}"),
            )
            .fix("set the tenant and the application that belong together: AZURE_TENANT_ID and AZURE_CLIENT_ID, or HIML_TENANT_ID and HIML_SERVICE_PRINCIPAL_ID"),
            Asked::Unclear(error) => Verdict::warning(
                detail,
                format!("could not compare it with the tenant that was asked for: {}", error.why()),
            )
            .fix(error.fix().cloned().unwrap_or_default()),
        }
    }
}

async fn asked(case: &Case<'_>, identity: &Identity, actual: &str) -> Asked {
    let Some(tenant) = &identity.signed_in.tenant else {
        return Asked::None;
    };
    if tenant.is_shared() {
        return Asked::None;
    }
    let id = match case
        .within("Look up the tenant", id_of(identity, tenant))
        .await
    {
        Ok(id) => id,
        Err(error) => return Asked::Unclear(error),
    };
    if id.eq_ignore_ascii_case(actual) {
        Asked::Same
    } else {
        Asked::Other(id)
    }
}

/// The id of a tenant. A domain's is looked up as every client does it (OpenID Connect Discovery
/// 1.0 section 4: the issuer holds it).
async fn id_of(identity: &Identity, tenant: &TenantId) -> Result<String> {
    if is_guid(tenant.as_str()) {
        return Ok(tenant.as_str().to_ascii_lowercase());
    }
    let what = format!("Look up the tenant {tenant}");
    let unknown = || {
        Error::new(
            ErrorKind::Unexpected,
            what.clone(),
            "the identity provider does not say which tenant that is",
        )
        .with_fix("set the tenant by its id, which is a GUID")
    };
    let url = Url::parse(&format!(
        "{}/{tenant}/v2.0/.well-known/openid-configuration",
        identity.manager.cloud().authority()
    ))
    .map_err(|_| unknown())?;
    let options = &identity.signed_in.options;
    let response = options
        .http()
        .send(&what, &HttpRequest::get(url), options.deadline())
        .await
        .map_err(|error| Error::transport(&error))?;
    let document: serde_json::Value =
        serde_json::from_slice(&response.body).map_err(|_| unknown())?;
    let issuer = document
        .get("issuer")
        .and_then(serde_json::Value::as_str)
        .ok_or_else(unknown)?;
    let id = issuer
        .split('/')
        .find(|part| is_guid(part))
        .ok_or_else(unknown)?;
    Ok(id.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };

    #[test]
    fn each_outcome_has_its_words() {
        let doctor = doctor();
        let tell = |outcome| TenantCheck.tell(outcome, &case(&doctor));
        let known = |name: Option<&str>, asked| {
            let name = name.map(str::to_owned);
            let id = "t-1".to_owned();
            tell(Outcome::Known { id, name, asked })
        };
        assert_eq!(tell(Outcome::Unknown).status, Status::Warning);
        assert_eq!(known(Some("Contoso"), Asked::None).detail, "Contoso (t-1)");
        let same = known(None, Asked::Same);
        assert_eq!((same.status, same.detail.as_str()), (Status::Ok, "t-1"));
        let other = known(Some("Contoso"), Asked::Other("t-2".to_owned()));
        assert_eq!(
            (other.status, other.subject),
            (Status::Failed, Some(Subject::Other))
        );
        assert!(other.reason.contains("t-2"), "{}", other.reason);
        let unclear = Error::new(ErrorKind::Unreachable, "Look up", "there was no response");
        let unclear = known(None, Asked::Unclear(unclear));
        assert_eq!(unclear.status, Status::Warning);
        assert!(unclear.reason.contains("there was no response"));
    }

    #[test]
    fn a_tenant_without_a_name_is_shown_by_its_domain() {
        let named = |display_name: Option<&str>| {
            TenantNames(vec![NamedTenant {
                tenant_id: "T-1".to_owned(),
                display_name: display_name.map(str::to_owned),
                default_domain: Some("contoso.com".to_owned()),
            }])
        };
        let name = |names: TenantNames, id| names.name(id);
        assert_eq!(
            name(named(Some("Contoso")), "t-1").as_deref(),
            Some("Contoso")
        );
        assert_eq!(name(named(None), "t-1").as_deref(), Some("contoso.com"));
        assert_eq!(name(named(None), "t-2"), None);
    }
}
