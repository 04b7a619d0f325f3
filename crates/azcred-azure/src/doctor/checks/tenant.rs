//! Is the token from the tenant that was asked for?

use super::sign_in::Identity;
use crate::{
    doctor::{
        case::{Case, Finding},
        check::Check,
        report::{Subject, Verdict},
    },
    domain::tenant_of_domain,
    error::Error,
    lists::Tenant,
    text::is_guid,
};
use azcred::Untrusted;

/// The tenants of the identity, for their names. If the request fails, only ids are shown.
pub(super) struct TenantNames(Vec<Tenant>);

impl Finding for TenantNames {
    async fn find(case: &Case<'_>) -> Self {
        let Some(identity) = case.identity().await else {
            return Self(Vec::new());
        };
        let tenants = case
            .within("could not list the tenants", identity.manager.tenants())
            .await;
        Self(tenants.map(|tenants| tenants.value).unwrap_or_default())
    }
}

impl TenantNames {
    fn name(&self, id: &str) -> Option<Untrusted> {
        let mut tenants = self.0.iter();
        let tenant = tenants.find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(id))?;
        tenant.name().cloned()
    }
}

pub(super) struct TenantCheck;

pub(super) enum TenantOutcome {
    /// The token does not say which tenant it is from.
    Unknown,
    /// The token's tenant.
    Known {
        id: Untrusted,
        name: Option<Untrusted>,
        expected: Expected,
    },
}

/// The tenant that the source's settings name.
pub(super) enum Expected {
    /// The settings name no tenant.
    None,
    /// The token's tenant.
    Same,
    /// Another tenant.
    Other(String),
    /// The settings' tenant could not be resolved.
    Unclear(Error),
}

impl Check for TenantCheck {
    type Outcome = TenantOutcome;

    fn title(&self) -> &'static str {
        "tenant"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<TenantOutcome> {
        let identity = case.identity().await?;
        let id = identity
            .principal
            .as_ref()
            .ok()
            .and_then(|principal| principal.tenant_id.clone());
        let Some(id) = id else {
            return Some(TenantOutcome::Unknown);
        };
        let (names, expected) =
            tokio::join!(case.find::<TenantNames>(), expected(case, &identity, &id));
        Some(TenantOutcome::Known {
            name: names.name(&id),
            id,
            expected,
        })
    }

    fn tell(&self, outcome: TenantOutcome, _: &Case<'_>) -> Verdict {
        let (id, name, expected) = match outcome {
            TenantOutcome::Known { id, name, expected } => (id, name, expected),
            TenantOutcome::Unknown => {
                return Verdict::warning("", "the token does not say which tenant it is from")
                    .fix("nothing, if the identity provider is not Entra ID");
            }
        };
        let detail = match name {
            Some(name) => format!("{name} ({id})"),
            None => id.to_string(),
        };
        match expected {
            Expected::None | Expected::Same => Verdict::ok(detail),
            Expected::Other(other) => Verdict::failed(
                Subject::Other,
                detail,
                format!("the settings of the sign-in ask for the tenant {other}"),
            )
            .fix("set the tenant and the application that belong together: AZURE_TENANT_ID and AZURE_CLIENT_ID, or HIML_TENANT_ID and HIML_SERVICE_PRINCIPAL_ID"),
            Expected::Unclear(error) => Verdict::warning(
                detail,
                format!("could not compare it with the tenant that was asked for: {}", error.why()),
            )
            .fix(error.fix().cloned().unwrap_or_default()),
        }
    }
}

async fn expected(case: &Case<'_>, identity: &Identity, actual: &str) -> Expected {
    let tenant = identity.expected_tenant();
    let Some(tenant) = tenant.filter(|tenant| !tenant.is_shared()) else {
        return Expected::None;
    };
    let look = async {
        // A domain's id is requested as every client does it.
        if is_guid(tenant.as_str()) {
            return Ok(tenant.as_str().to_owned());
        }
        let options = identity.session.options();
        Ok(tenant_of_domain(options, &tenant).await?.tenant_id)
    };
    let id = match case.within("could not look up the tenant", look).await {
        Ok(id) => id,
        Err(error) => return Expected::Unclear(error),
    };
    if id.eq_ignore_ascii_case(actual) {
        Expected::Same
    } else {
        Expected::Other(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        doctor::{
            case::tests::{case, doctor},
            report::Status,
        },
        error::ErrorKind,
    };

    #[test]
    fn each_outcome_has_its_words() {
        let doctor = doctor();
        let tell = |outcome| TenantCheck.tell(outcome, &case(&doctor));
        let known = |name: Option<&str>, expected| {
            let name = name.map(Untrusted::from);
            let id = "t-1".to_owned();
            let id = id.into();
            tell(TenantOutcome::Known { id, name, expected })
        };
        assert_eq!(tell(TenantOutcome::Unknown).status, Status::Warning);
        assert_eq!(
            known(Some("Contoso"), Expected::None).detail,
            "Contoso (t-1)"
        );
        let same = known(None, Expected::Same);
        assert_eq!((same.status, same.detail.as_str()), (Status::Ok, "t-1"));
        let other = known(Some("Contoso"), Expected::Other("t-2".to_owned()));
        assert_eq!(
            (other.status, other.subject),
            (Status::Failed, Some(Subject::Other))
        );
        assert!(other.reason.contains("t-2"), "{}", other.reason);
        let unclear = Error::new(
            ErrorKind::Unreachable,
            "could not look up",
            "there was no response",
        );
        let unclear = known(None, Expected::Unclear(unclear));
        assert_eq!(unclear.status, Status::Warning);
        assert!(unclear.reason.contains("there was no response"));
    }

    #[test]
    fn a_tenant_without_a_name_is_shown_by_its_domain() {
        let named = |display_name: Option<&str>| {
            TenantNames(vec![Tenant {
                tenant_id: "T-1".into(),
                display_name: display_name.map(Untrusted::from),
                default_domain: Some("contoso.com".into()),
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
