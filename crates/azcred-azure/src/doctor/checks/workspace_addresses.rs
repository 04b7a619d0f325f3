//! Does this machine reach Azure Machine Learning's services in the workspace's region? No request
//! has a token: what the identity may do there is another check's.

use super::workspace::WorkspaceSeen;
use crate::doctor::{
    case::Case,
    check::Check,
    checks::CheckId,
    reach::{Address, Unreached, fetch, reach},
    report::{Area, Verdict},
};
use azcred::ClientOptions;
use futures_util::future::join_all;
use serde::Deserialize;

/// What is known of the addresses of one kind.
pub(super) enum Addresses {
    /// The workspace has none, or names none that lead to it.
    None(&'static str),
    /// Each of these responds or does not.
    Told(Vec<Told>),
}

/// An address, and whether it responds.
pub(super) type Told = (Address, Result<(), Box<Unreached>>);

/// Reaches all addresses at once.
pub(super) async fn told(
    case: &Case<'_>,
    options: &ClientOptions,
    addresses: Vec<Address>,
) -> Vec<Told> {
    let all = addresses.into_iter().map(async |address| {
        let result = reach(case, options, &address).await;
        (address, result)
    });
    join_all(all).await
}

/// The words for addresses: the first one that does not respond, and all as evidence.
pub(super) fn tell(addresses: Addresses) -> Verdict {
    let told = match addresses {
        Addresses::None(reason) => return Verdict::does_not_apply(reason),
        Addresses::Told(told) => told,
    };
    let hosts: Vec<String> = told.iter().map(|(address, _)| address.host()).collect();
    let failed = told.iter().find_map(|(_, result)| result.as_ref().err());
    let mut verdict = match failed {
        None => Verdict::ok(hosts.join(", ")),
        Some(unreached) => unreached.tell(),
    };
    if told.len() > 1 {
        for (address, result) in &told {
            let name = match result {
                Ok(()) => "reached",
                Err(_) => "not reached",
            };
            verdict = verdict.evidence(name, format!("{}: {}", address.what, address.host()));
        }
    }
    verdict
}

/// The addresses of Azure Machine Learning's services, as the region lists them ('Configure inbound
/// and outbound network traffic').
#[derive(Default, Deserialize)]
struct Discovery {
    #[serde(default)]
    api: Option<String>,
    #[serde(default)]
    history: Option<String>,
}

pub(super) struct WorkspaceServicesCheck;

impl Check for WorkspaceServicesCheck {
    type Outcome = Addresses;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "Azure ML services"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::Workspace, CheckId::WorkspaceNetwork]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Addresses> {
        let identity = case.identity().await?;
        let seen = case.find::<WorkspaceSeen>().await;
        let workspace = &seen.0.as_ref().ok()?.value;
        let properties = &workspace.properties;
        let Some(discovery) = properties.discovery_url.as_deref() else {
            return Some(Addresses::None(
                "the workspace names no addresses of services",
            ));
        };
        let discovery = address("discovery", discovery)?;
        let tracking = properties.ml_flow_tracking_uri.as_deref();
        let tracking = tracking.map(|uri| uri.replacen("azureml://", "https://", 1));
        let tracking = tracking.and_then(|uri| address("MLflow", &uri));
        let options = identity.session.options();
        let mut servers = vec![discovery.url.origin()];
        // Services are mostly at one address.
        let mut is_new = |address: &Address| {
            let server = address.url.origin();
            let is_new = !servers.contains(&server);
            if is_new {
                servers.push(server);
            }
            is_new
        };
        let tracking = tracking.filter(&mut is_new).into_iter().collect();
        let (listed, tracking) = tokio::join!(
            fetch(case, options, &discovery),
            told(case, options, tracking)
        );
        let services = match &listed {
            Ok(Some(body)) => serde_json::from_slice::<Discovery>(body).unwrap_or_default(),
            _ => Discovery::default(),
        };
        let history = services
            .history
            .and_then(|url| address("run history", &url));
        let api = services.api.and_then(|url| address("the API", &url));
        let services = [history, api].into_iter().flatten().filter(&mut is_new);
        let services = told(case, options, services.collect()).await;
        let mut told = vec![(discovery, listed.map(|_| ()))];
        told.extend(tracking.into_iter().chain(services));
        Some(Addresses::Told(told))
    }

    fn tell(&self, outcome: Addresses, _: &Case<'_>) -> Verdict {
        tell(outcome)
    }
}

/// An address in a response; `None` if it is not one.
fn address(what: &'static str, url: &str) -> Option<Address> {
    Address::new(what, url).filter(|address| {
        let url = &address.url;
        matches!(url.scheme(), "https" | "http") && url.host_str().is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{reach::tests::unreached, report::Status};

    fn outcome(reached: &[bool]) -> Verdict {
        let address = |number: usize| {
            let url = format!("https://{number}.api.azureml.ms/");
            address("MLflow", &url).expect("it is an address")
        };
        let told = reached.iter().enumerate().map(|(number, reached)| {
            let result = match reached {
                true => Ok(()),
                false => Err(Box::new(unreached("it did not respond in time"))),
            };
            (address(number), result)
        });
        tell(Addresses::Told(told.collect()))
    }

    #[test]
    fn each_address_is_told_and_the_first_without_a_response_is_the_cause() {
        let all = outcome(&[true, true]);
        assert_eq!(all.status, Status::Ok);
        assert_eq!(all.detail, "0.api.azureml.ms, 1.api.azureml.ms");
        let one = outcome(&[true, false]);
        assert_eq!(one.status, Status::Failed);
        assert_eq!(one.reason, "it did not respond in time");
        let told: Vec<_> = one
            .evidence
            .iter()
            .map(|one| (one.name, &*one.value))
            .collect();
        assert_eq!(
            told,
            [
                ("reached", "MLflow: 0.api.azureml.ms"),
                ("not reached", "MLflow: 1.api.azureml.ms")
            ]
        );
        let none = tell(Addresses::None("the workspace names no storage account"));
        assert_eq!(none.status, Status::DoesNotApply);
    }
}
