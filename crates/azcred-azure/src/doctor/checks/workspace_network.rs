//! Is the workspace in a private network, and this machine in it?

use super::{contact::INSIDE, workspace::WorkspaceSeen};
use crate::{
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        report::{Area, Subject, Verdict},
    },
    text::clean,
};
use azcred::http::Url;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use tokio::{net::lookup_host, time::timeout};

/// How long the name is looked up. A name server that knows it answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct WorkspaceNetworkCheck;

pub(super) enum NetworkOutcome {
    /// The workspace accepts requests from any network.
    Public,
    /// It does not, and its name leads to this private address.
    Inside(IpAddr),
    /// It does not, and its name leads nowhere, or to its public address.
    Outside {
        name: String,
        address: Option<IpAddr>,
    },
}

impl Check for WorkspaceNetworkCheck {
    type Outcome = NetworkOutcome;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "workspace network"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn, CheckId::Workspace]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<NetworkOutcome> {
        case.identity().await?;
        let seen = case.find::<WorkspaceSeen>().await;
        let properties = &seen.0.as_ref().ok()?.value.properties;
        let access = properties.public_network_access.as_deref();
        if !access.is_some_and(|access| access.eq_ignore_ascii_case("Disabled")) {
            return Some(NetworkOutcome::Public);
        }
        let own = properties.workspace_id.as_ref().map(|id| clean(id, 36));
        let region = properties.discovery_url.as_ref();
        let region = region.and_then(|url| Url::parse(url.raw()).ok());
        let name = match region.as_ref().and_then(Url::host_str) {
            Some(host) => private_name(&own.unwrap_or_default(), host),
            None => String::new(),
        };
        let found = timeout(PATIENCE, lookup_host((name.as_str(), 443))).await;
        let found = found.ok().and_then(Result::ok);
        let found: Vec<IpAddr> = found
            .into_iter()
            .flatten()
            .map(|found| found.ip())
            .collect();
        Some(match found.iter().find(|address| is_private(**address)) {
            Some(address) => NetworkOutcome::Inside(*address),
            None => NetworkOutcome::Outside {
                name,
                address: found.first().copied(),
            },
        })
    }

    fn tell(&self, outcome: NetworkOutcome, _: &Case<'_>) -> Verdict {
        const DISABLED: &str = "its public network access is disabled";
        match outcome {
            NetworkOutcome::Public => Verdict::ok("public"),
            NetworkOutcome::Inside(address) => Verdict::ok(format!(
                "private, reached through its private endpoint {address}"
            )),
            NetworkOutcome::Outside { name, address } => {
                let verdict = Verdict::failed(
                    Subject::Unreachable,
                    "private",
                    "the workspace accepts requests from its private network only, and this machine is outside of it",
                )
                .fix(INSIDE)
                .evidence("access", DISABLED);
                let found = match address {
                    Some(address) => format!("{name} leads to the public address {address}"),
                    None => format!("{name} leads to no address here"),
                };
                verdict.evidence("name", found)
            }
        }
    }
}

/// The name of a workspace that its private endpoint has an address for ('Configure a private
/// endpoint for an Azure Machine Learning workspace').
fn private_name(workspace_id: &str, region: &str) -> String {
    format!("{workspace_id}.workspace.{region}")
}

/// Whether an address is one of a private network: RFC 1918, RFC 6598, RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private() || (first == 100 && second & 0xc0 == 64)
        }
        IpAddr::V6(v6) => {
            v6.is_unique_local()
                || v6
                    .to_ipv4_mapped()
                    .is_some_and(|v4: Ipv4Addr| v4.is_private())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        report::Status,
    };

    fn tell(outcome: NetworkOutcome) -> Verdict {
        let doctor = doctor();
        WorkspaceNetworkCheck.tell(outcome, &case(&doctor))
    }

    #[test]
    fn an_address_of_a_private_network_is_known() {
        for (text, expected) in [
            ("10.1.2.3", true),
            ("172.16.0.4", true),
            ("192.168.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("20.61.1.1", false),
            ("127.0.0.1", false),
            ("fd00::1", true),
            ("::ffff:10.0.0.1", true),
            ("2603:1020::1", false),
        ] {
            assert_eq!(is_private(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn a_machine_outside_gets_the_cause_and_one_inside_the_address() {
        let name = private_name("w-1", "westeurope.api.azureml.ms");
        assert_eq!(name, "w-1.workspace.westeurope.api.azureml.ms");
        let address = None;
        let outside = tell(NetworkOutcome::Outside { name, address });
        assert_eq!(
            (outside.status, outside.subject),
            (Status::Failed, Some(Subject::Unreachable))
        );
        assert!(
            outside.reason.contains("private network only"),
            "{outside:?}"
        );
        assert!(
            outside.evidence[1]
                .value
                .ends_with("leads to no address here")
        );
        let inside = tell(NetworkOutcome::Inside("10.0.0.4".parse().unwrap()));
        assert_eq!(
            inside.detail,
            "private, reached through its private endpoint 10.0.0.4"
        );
        assert_eq!(tell(NetworkOutcome::Public).status, Status::Ok);
    }
}
