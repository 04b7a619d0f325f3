//! Does a proxy take the requests of other programs to the instance metadata service? Its address
//! exists on each machine of its own, so that a proxy can't reach this machine's.
//!
//! azcred never uses a proxy for it. Libraries of Python and Go do, unless `NO_PROXY` has the
//! address.

use crate::doctor::{
    case::Case,
    check::Check,
    checks::CheckId,
    opened::Opened,
    report::{Area, Verdict},
};
use azcred::{
    Evidence, Fix, Variable, azure_evidence,
    http::{ProxyInUse, Url},
    system::System,
};

/// The service on every machine in Azure.
const USUAL: &str = "http://169.254.169.254";
/// Names another address for it.
const MOVED: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";

pub(super) struct MetadataProxyCheck;

pub(super) enum MetadataProxyOutcome {
    /// This machine has no such service.
    NotInAzure,
    /// No proxy is used for it.
    Direct,
    /// Programs use this proxy for it.
    Taken {
        proxy: ProxyInUse,
        /// The service's host.
        host: String,
        /// The variables that list the exceptions, each with the address added.
        exceptions: Vec<(&'static str, String)>,
    },
}

impl Check for MetadataProxyCheck {
    type Outcome = MetadataProxyOutcome;

    fn area(&self) -> Area {
        Area::Machine
    }

    fn title(&self) -> &'static str {
        "metadata service"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<MetadataProxyOutcome> {
        let opened = case.find::<Opened>().await;
        let (Some(http), Some(system)) = (opened.http(), opened.system()) else {
            return Some(MetadataProxyOutcome::NotInAzure);
        };
        let address = match azure_evidence(&**system) {
            Evidence::AzureAssetTag => USUAL.to_owned(),
            Evidence::Address => system.var(MOVED).unwrap_or_default(),
            _ => return Some(MetadataProxyOutcome::NotInAzure),
        };
        // The sign-in says what is wrong with an address that is no URL.
        let Ok(url) = Url::parse(&address) else {
            return Some(MetadataProxyOutcome::NotInAzure);
        };
        let host = url.host_str().unwrap_or_default().to_owned();
        Some(match http.proxy_of_others(&url).await {
            Ok(Some(proxy)) => MetadataProxyOutcome::Taken {
                proxy,
                exceptions: exceptions(&**system, &host),
                host,
            },
            Ok(None) | Err(_) => MetadataProxyOutcome::Direct,
        })
    }

    fn tell(&self, outcome: MetadataProxyOutcome, _: &Case<'_>) -> Verdict {
        match outcome {
            MetadataProxyOutcome::NotInAzure => {
                Verdict::does_not_apply("this machine shows no sign of being in Azure")
            }
            MetadataProxyOutcome::Direct => Verdict::ok("no proxy for the metadata service"),
            MetadataProxyOutcome::Taken {
                proxy,
                host,
                exceptions,
            } => {
                let variables = exceptions
                    .into_iter()
                    .map(|(name, value)| Variable::new(name, value));
                Verdict::warning(
                    format!("{host} goes through a proxy"),
                    format!(
                        "other programs send their requests to {host} to the proxy {} ({}), \
                         which can't reach this machine's metadata service",
                        proxy.address, proxy.variable
                    ),
                )
                .fix(Fix::SetVariables(variables.collect()))
                .evidence("azcred", "never uses a proxy for this address")
            }
        }
    }
}

/// The variables with exceptions that are set, else `NO_PROXY`, with the address added. Some
/// programs read the name in lower case first, others the one in upper case.
fn exceptions(system: &dyn System, host: &str) -> Vec<(&'static str, String)> {
    let set = ["NO_PROXY", "no_proxy"].into_iter().filter_map(|name| {
        let value = system.var(name)?;
        // An entry with a password matches nothing, and must not be shown.
        let entries = value.split(',').filter(|entry| !entry.contains('@'));
        let entries = entries.map(str::trim).filter(|entry| !entry.is_empty());
        let all: Vec<&str> = entries.chain([host]).collect();
        Some((name, all.join(",")))
    });
    let set: Vec<_> = set.collect();
    match set.is_empty() {
        true => vec![("NO_PROXY", host.to_owned())],
        false => set,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::system::Fixture;

    #[test]
    fn the_address_is_added_to_each_variable_that_is_set() {
        for (set, expected) in [
            (&[][..], vec![("NO_PROXY", "169.254.169.254")]),
            (
                &[("NO_PROXY", "a, b,")],
                vec![("NO_PROXY", "a,b,169.254.169.254")],
            ),
            (
                &[("NO_PROXY", "a"), ("no_proxy", "user:hunter2@b,c")],
                vec![
                    ("NO_PROXY", "a,169.254.169.254"),
                    ("no_proxy", "c,169.254.169.254"),
                ],
            ),
        ] {
            let system = set.iter().fold(Fixture::new(), |system, (name, value)| {
                system.with_var(name, value)
            });
            let found = exceptions(&system, "169.254.169.254");
            let found: Vec<_> = found
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            assert_eq!(found, expected);
        }
    }
}
