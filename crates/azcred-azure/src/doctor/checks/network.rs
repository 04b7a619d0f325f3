//! Does this machine reach any address of Azure? If it reaches none, one cause explains all of
//! them: the network, the proxy, the root certificates.

use super::cloud_addresses::{
    GraphReach, Reach, ResourceManagerReach, SignInServiceReach, resource_manager,
};
use crate::doctor::{
    case::Case,
    check::Check,
    checks::CheckId,
    opened::Opened,
    reach::Unreached,
    report::{Area, Verdict},
};
use azcred::{
    ErrorKind,
    http::{ProxyInUse, Url},
};
use futures_util::{FutureExt, StreamExt, stream::FuturesUnordered};

/// The variable with the address of the cloud's description.
const CLOUD: &str = "ARM_CLOUD_METADATA_URL";

pub(super) struct NetworkCheck;

pub(super) enum NetworkOutcome {
    /// Some address responds: directly, or through this proxy.
    Works(Option<ProxyInUse>),
    /// None of these responds.
    NothingReached(Vec<Unreached>),
    /// The description of the cloud can't be read, so that no address is known.
    NoCloud(Box<Unreached>),
    /// A setting of the sign-in can't be used, so that no address is known.
    NotOpened,
}

impl Check for NetworkCheck {
    type Outcome = NetworkOutcome;

    fn area(&self) -> Area {
        Area::Machine
    }

    fn title(&self) -> &'static str {
        "network"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<NetworkOutcome> {
        let opened = case.find::<Opened>().await;
        let session = match &opened.session {
            Ok(session) => session,
            Err(error) => {
                let (Some(http), Some(system)) = (opened.http(), opened.system()) else {
                    return Some(NetworkOutcome::NotOpened);
                };
                let is_of_network =
                    error.kind() == ErrorKind::Unreachable || http.check().await.is_err();
                let url = system.var(CLOUD).and_then(|url| Url::parse(&url).ok());
                return Some(match url.filter(|_| is_of_network) {
                    Some(url) => {
                        let unreached = Unreached::of(error.clone(), &url, system).await;
                        NetworkOutcome::NoCloud(Box::new(unreached))
                    }
                    None => NetworkOutcome::NotOpened,
                });
            }
        };
        // The checks of the addresses find these out.
        let mut all: FuturesUnordered<_> = [
            case.done::<SignInServiceReach>()
                .map(|found| (0, found.0.clone()))
                .boxed(),
            case.done::<ResourceManagerReach>()
                .map(|found| (1, found.0.clone()))
                .boxed(),
            case.done::<GraphReach>()
                .map(|found| (2, found.0.clone()))
                .boxed(),
        ]
        .into_iter()
        .collect();
        let mut unreached = Vec::new();
        let mut is_reached = false;
        while let Some((place, found)) = all.next().await {
            match found {
                Reach::Reached(_) => {
                    is_reached = true;
                    break;
                }
                Reach::Unreached(one) | Reach::Spare(one) => unreached.push((place, *one)),
                Reach::NotNeeded | Reach::Unknown => {}
            }
        }
        if !is_reached && unreached.len() > 1 {
            // In the order of the addresses, not in that of their answers.
            unreached.sort_by_key(|(place, _)| *place);
            let unreached = unreached.into_iter().map(|(_, one)| one);
            return Some(NetworkOutcome::NothingReached(unreached.collect()));
        }
        let address = resource_manager(&session.options().cloud().ok()?)?;
        let proxy = session.options().http().proxy_of(&address.url).await;
        Some(NetworkOutcome::Works(proxy.ok().flatten()))
    }

    fn tell(&self, outcome: NetworkOutcome, _: &Case<'_>) -> Verdict {
        match outcome {
            NetworkOutcome::Works(None) => Verdict::ok("no proxy"),
            NetworkOutcome::Works(Some(proxy)) => {
                Verdict::ok(format!("through the proxy of {}", proxy.variable))
                    .evidence("proxy", proxy.address)
            }
            NetworkOutcome::NothingReached(all) => nothing_reached(&all),
            NetworkOutcome::NoCloud(unreached) => unreached.tell(),
            NetworkOutcome::NotOpened => {
                Verdict::skipped("the settings of the sign-in can't be used")
            }
        }
    }
}

/// One cause for several addresses: that of the first one.
fn nothing_reached(all: &[Unreached]) -> Verdict {
    let Some(first) = all.first() else {
        return Verdict::ok("");
    };
    let detail = format!("{} addresses of Azure not reached", all.len());
    let verdict = Verdict::failed(first.error.kind().into(), detail, first.reason());
    let verdict = first.explain(verdict);
    all.iter().fold(verdict, |verdict, one| {
        verdict.evidence("not reached", one.host.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        reach::tests::unreached,
        report::{Status, Subject},
    };

    fn tell(outcome: NetworkOutcome) -> Verdict {
        let doctor = doctor();
        NetworkCheck.tell(outcome, &case(&doctor))
    }

    #[test]
    fn one_cause_for_all_addresses_is_that_of_the_first_and_all_are_named() {
        let why = "the proxy http://proxy.example (HTTPS_PROXY) refused the connection";
        let verdict = tell(NetworkOutcome::NothingReached(vec![
            unreached(why),
            unreached("another"),
        ]));
        assert_eq!(
            (verdict.status, verdict.subject),
            (Status::Failed, Some(Subject::Unreachable))
        );
        assert_eq!(verdict.reason, why);
        assert_eq!(verdict.detail, "2 addresses of Azure not reached");
        assert_eq!(verdict.evidence.len(), 2);
    }

    #[test]
    fn each_other_outcome_has_its_words() {
        assert_eq!(tell(NetworkOutcome::Works(None)), Verdict::ok("no proxy"));
        let gone = Box::new(unreached("it refused the connection"));
        assert_eq!(tell(NetworkOutcome::NoCloud(gone)).status, Status::Failed);
        assert_eq!(tell(NetworkOutcome::NotOpened).status, Status::Skipped);
    }
}
