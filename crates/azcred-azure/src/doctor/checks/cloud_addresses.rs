//! Does this machine reach the sign-in service, Resource Manager and Microsoft Graph?

use super::{sign_in::SignIn, subscription::SubscriptionsSeen};
use crate::doctor::{
    case::{Case, Finding},
    check::Check,
    checks::CheckId,
    opened::Opened,
    reach::{Address, Unreached, grace, reach},
    report::{Area, Verdict},
};
use azcred::{Cloud, Session, chain::Source};

/// What is known of an address.
#[derive(Clone)]
pub(in crate::doctor) enum Reach {
    /// It responds.
    Reached(Address),
    /// It does not respond.
    Unreached(Box<Unreached>),
    /// It does not respond. The identity has a token without it.
    Spare(Box<Unreached>),
    /// The identity does not use it.
    NotNeeded,
    /// The session could not be opened, so the address is not known.
    Unknown,
}

/// The sign-in service.
pub(in crate::doctor) struct SignInServiceReach(pub(in crate::doctor) Reach);

/// Resource Manager.
pub(in crate::doctor) struct ResourceManagerReach(pub(in crate::doctor) Reach);

/// Microsoft Graph.
pub(in crate::doctor) struct GraphReach(pub(in crate::doctor) Reach);

/// The address of the sign-in service that needs no sign-in (OpenID Connect Discovery 1.0).
pub(in crate::doctor) fn sign_in_service(cloud: &Cloud) -> Option<Address> {
    let authority = cloud.authority().as_str();
    let version = match cloud.is_openid_provider() {
        true => "",
        false => "/common/v2.0",
    };
    let url = format!("{authority}{version}/.well-known/openid-configuration");
    Address::new("the sign-in service", &url)
}

/// The address of Resource Manager; without a token, it rejects the request.
pub(in crate::doctor) fn resource_manager(cloud: &Cloud) -> Option<Address> {
    let endpoint = cloud.resource_manager();
    let url = format!("{endpoint}/subscriptions?api-version=2022-12-01");
    Address::new("Resource Manager", &url)
}

fn graph(cloud: &Cloud) -> Option<Address> {
    // Without a token, Graph rejects the request.
    let url = format!("{}/v1.0/organization", cloud.graph());
    Address::new("Microsoft Graph", &url)
}

/// Whether a source gets its tokens from the machine's host and not from the sign-in service.
fn is_of_host(source: Source) -> bool {
    matches!(source, Source::ManagedIdentity | Source::AzureMlOnBehalfOf)
}

/// Whether an address responds.
async fn reached(case: &Case<'_>, session: &Session, address: Option<Address>) -> Reach {
    let Some(address) = address else {
        return Reach::Unknown;
    };
    match reach(case, session.options(), &address).await {
        Ok(()) => Reach::Reached(address),
        Err(unreached) => Reach::Unreached(unreached),
    }
}

/// The session and its cloud.
async fn opened(case: &Case<'_>) -> Option<(Session, Cloud)> {
    let opened = case.find::<Opened>().await;
    let session = opened.session.as_ref().ok()?.clone();
    let cloud = session.options().cloud().ok()?;
    Some((session, cloud))
}

impl Finding for SignInServiceReach {
    async fn find(case: &Case<'_>) -> Self {
        let Some((session, cloud)) = opened(case).await else {
            return Self(Reach::Unknown);
        };
        // The sign-in itself needs the service, unless the identity is the machine's.
        grace(case, case.done::<SignIn>()).await;
        let source = || {
            let sign_in = case.found::<SignIn>()?;
            Some(sign_in.0.as_ref().ok()?.source()?.0)
        };
        if source().is_some_and(is_of_host) {
            return Self(Reach::NotNeeded);
        }
        let found = reached(case, &session, sign_in_service(&cloud)).await;
        // An identity that signed in meanwhile may have a token of a cache.
        let is_signed_in = case.found::<SignIn>().is_some_and(|found| found.0.is_ok());
        Self(match found {
            Reach::Unreached(_) if source().is_some_and(is_of_host) => Reach::NotNeeded,
            Reach::Unreached(unreached) if is_signed_in => Reach::Spare(unreached),
            found => found,
        })
    }
}

impl Finding for ResourceManagerReach {
    async fn find(case: &Case<'_>) -> Self {
        let Some((session, cloud)) = opened(case).await else {
            return Self(Reach::Unknown);
        };
        // The first request with a token goes there.
        grace(case, async {
            if case.done::<SignIn>().await.0.is_ok() {
                case.done::<SubscriptionsSeen>().await;
            }
        })
        .await;
        Self(reached(case, &session, resource_manager(&cloud)).await)
    }
}

impl Finding for GraphReach {
    async fn find(case: &Case<'_>) -> Self {
        let Some((session, cloud)) = opened(case).await else {
            return Self(Reach::Unknown);
        };
        Self(match reached(case, &session, graph(&cloud)).await {
            // Jobs and data don't need it.
            Reach::Unreached(unreached) => Reach::Spare(unreached),
            found => found,
        })
    }
}

/// The words for an address. `but` says what works without it.
fn tell(reach: Reach, but: &str) -> Verdict {
    match reach {
        Reach::Reached(address) => Verdict::ok(address.host()),
        Reach::Unreached(unreached) => unreached.tell(),
        Reach::Spare(unreached) => unreached.tell_warning(but),
        Reach::NotNeeded => {
            Verdict::does_not_apply("this identity gets its tokens from the machine's host")
        }
        Reach::Unknown => Verdict::skipped("the settings of the sign-in can't be used"),
    }
}

pub(super) struct SignInServiceCheck;

impl Check for SignInServiceCheck {
    type Outcome = Reach;

    fn area(&self) -> Area {
        Area::Machine
    }

    fn title(&self) -> &'static str {
        "sign-in service"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::Network]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Reach> {
        Some(case.find::<SignInServiceReach>().await.0.clone())
    }

    fn tell(&self, outcome: Reach, _: &Case<'_>) -> Verdict {
        tell(
            outcome,
            "the sign-in works without it only until the token ends",
        )
    }
}

pub(super) struct ResourceManagerCheck;

impl Check for ResourceManagerCheck {
    type Outcome = Reach;

    fn area(&self) -> Area {
        Area::Machine
    }

    fn title(&self) -> &'static str {
        "Resource Manager"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::Network]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Reach> {
        Some(case.find::<ResourceManagerReach>().await.0.clone())
    }

    fn tell(&self, outcome: Reach, _: &Case<'_>) -> Verdict {
        tell(outcome, "")
    }
}

pub(super) struct GraphCheck;

impl Check for GraphCheck {
    type Outcome = Reach;

    fn area(&self) -> Area {
        Area::Machine
    }

    fn title(&self) -> &'static str {
        "Microsoft Graph"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::Network]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Reach> {
        Some(case.find::<GraphReach>().await.0.clone())
    }

    fn tell(&self, outcome: Reach, _: &Case<'_>) -> Verdict {
        tell(
            outcome,
            "jobs and data don't need it, but creating applications does",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        reach::tests::unreached,
        report::Status,
    };

    #[test]
    fn each_outcome_has_its_words() {
        let doctor = doctor();
        let case = case(&doctor);
        let gone = || Box::new(unreached("it refused the connection"));
        let address = || resource_manager(&Cloud::PUBLIC).expect("it is an address");
        let reached = ResourceManagerCheck.tell(Reach::Reached(address()), &case);
        assert_eq!(reached, Verdict::ok("management.azure.com"));
        let failed = SignInServiceCheck.tell(Reach::Unreached(gone()), &case);
        assert_eq!(failed.status, Status::Failed);
        assert_eq!(failed.reason, "it refused the connection");
        let spare = SignInServiceCheck.tell(Reach::Spare(gone()), &case);
        assert_eq!(spare.status, Status::Warning);
        assert!(spare.reason.ends_with("until the token ends"), "{spare:?}");
        let graph = GraphCheck.tell(Reach::Spare(gone()), &case);
        assert!(graph.reason.contains("don't need it"), "{graph:?}");
        let of_host = SignInServiceCheck.tell(Reach::NotNeeded, &case);
        assert_eq!(of_host.status, Status::DoesNotApply);
        let unknown = GraphCheck.tell(Reach::Unknown, &case);
        assert_eq!(unknown.status, Status::Skipped);
    }

    #[test]
    fn the_sign_in_service_of_a_provider_has_no_tenant() {
        let url = |cloud: &Cloud| sign_in_service(cloud).expect("it is an address").url;
        assert_eq!(
            url(&Cloud::PUBLIC).as_str(),
            "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration"
        );
        let provider = Cloud::openid_provider("https://id.example/realms/ml").unwrap();
        assert_eq!(
            url(&provider).as_str(),
            "https://id.example/realms/ml/.well-known/openid-configuration"
        );
    }
}
