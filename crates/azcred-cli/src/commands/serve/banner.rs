//! What `azcred serve` prints when it is ready.

use super::{Serve, ServeDocument, usage};
use crate::{
    output::{
        Output,
        style::{GOOD, STRONG, paint},
        table, time,
    },
    shell::Shell,
};
use azcred::Scope;
#[cfg(unix)]
use azcred::printable_path;
use std::time::Duration;

impl Serve {
    /// What is served, and how to use it.
    pub(super) fn ready(
        &self,
        document: &ServeDocument,
        allowed: Option<&[Scope]>,
        lasts: Option<Duration>,
        output: &mut Output,
    ) {
        output.line(format!(
            "{} {}",
            paint(GOOD, "✓"),
            paint(STRONG, format!("Serving tokens of {}.", document.account))
        ));
        let mut rows = vec![("Address", self.place(document))];
        match allowed {
            None => rows.push(("Resources", "every resource".to_owned())),
            Some(scopes) => {
                for (place, scope) in different(scopes).enumerate() {
                    rows.push((["Resources", ""][place.min(1)], scope.describe()));
                }
            }
        }
        let seconds = lasts.and_then(|time| i64::try_from(time.as_secs()).ok());
        rows.push((
            "Ends",
            match seconds {
                Some(seconds) => format!("in {}, or with Ctrl-C", time::span(seconds)),
                None => "with Ctrl-C".to_owned(),
            },
        ));
        for row in table::pairs(&rows) {
            output.line(format!("  {row}"));
        }
        output.line("");
        output.line("From another terminal:");
        for line in table::commands(&[("eval \"$(azcred serve env)\"", "use it in a shell")]) {
            output.line(line);
        }
        if let Some(path) = self.socket() {
            output.line("");
            output.line("Azure SDKs can't open a socket. Forward a port to it, or use curl:");
            output.line(format!("  {}", usage::socat(&path)));
            output.line(format!("  {}", usage::curl(&path, Shell::Sh)));
        }
    }

    fn place(&self, document: &ServeDocument) -> String {
        #[cfg(unix)]
        if let Some(path) = &self.unix {
            return format!("{}, for your own programs only", printable_path(path));
        }
        let address = document.address.as_deref().unwrap_or_default();
        let tls = if self.tls_cert.is_some() {
            ", by HTTPS"
        } else {
            ""
        };
        match self.is_reachable() {
            true => format!("{address}{tls}"),
            false => format!("{address}, on this computer only{tls}"),
        }
    }
}

/// The resources without those that are another address of the same service: of the usual ones,
/// the last is Azure Resource Manager's older audience.
fn different(scopes: &[Scope]) -> impl Iterator<Item = &Scope> {
    let name = |scope: &Scope| {
        let text = scope.describe();
        text.split_once(" (").map(|(name, _)| name.to_owned())
    };
    let names: Vec<_> = scopes.iter().map(name).collect();
    let is_first = move |place: usize| match &names[place] {
        Some(_) => !names[..place].contains(&names[place]),
        None => true,
    };
    let scopes = scopes.iter().enumerate();
    scopes.filter_map(move |(place, scope)| is_first(place).then_some(scope))
}

#[cfg(test)]
mod tests {
    use super::{super::usual, *};
    use azcred::Cloud;

    #[test]
    fn a_service_with_two_addresses_is_shown_once() {
        let allowed = usual(&Cloud::PUBLIC);
        let shown: Vec<_> = different(&allowed).map(Scope::resource).collect();
        assert_eq!(allowed.len(), 5);
        assert_eq!(
            shown,
            [
                "https://management.azure.com",
                "https://ml.azure.com",
                "https://storage.azure.com",
                "https://vault.azure.net"
            ]
        );
        let own = ["api://a", "api://b"].map(|one| Scope::from_resource(one).expect("valid"));
        assert_eq!(different(&own).count(), 2);
    }
}
