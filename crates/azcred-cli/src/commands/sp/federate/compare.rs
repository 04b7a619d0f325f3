//! A token's values beside the federated credentials that are registered.

use super::{register::part, trustee::Trustee};
use crate::output::{
    Output,
    style::{DIM, STRONG, paint},
    table,
};
use azcred_azure::{Difference, FederatedCredential, FederatedTrust, differences, nearest};
use serde::Serialize;
use uuid::Uuid;

/// The output of `--check --output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ComparedDocument<'a> {
    name: &'a str,
    client_id: Uuid,
    /// Whether Entra ID accepts the token as the application.
    is_trusted: bool,
    presented: &'a FederatedTrust,
    registered: Vec<RegisteredEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegisteredEntry<'a> {
    name: &'a str,
    issuer: &'a str,
    /// `null` if an expression matches the subject.
    subject: Option<&'a str>,
    /// What the federated credential and the token do not have in common; empty if it matches.
    differences: Vec<Difference>,
}

/// Shows whether an application or a managed identity trusts a token, and if not, both sides.
/// Returns whether it does.
pub(super) fn compare(
    trustee: &Trustee<'_>,
    registered: &[FederatedCredential],
    presented: &FederatedTrust,
    output: &mut Output,
) -> bool {
    let near = nearest(registered, presented);
    let is_trusted = near
        .as_ref()
        .is_some_and(|(_, differences)| differences.is_empty());
    if output.is_json() {
        let entry = |one| registered_entry(one, presented);
        output.json(&ComparedDocument {
            name: trustee.name(),
            client_id: trustee.client_id(),
            is_trusted,
            presented,
            registered: registered.iter().map(entry).collect(),
        });
        return is_trusted;
    }
    let name = paint(STRONG, trustee.name());
    let Some((near, differences)) = near else {
        output.line(format!(
            "{name} trusts no token: it has no federated credential."
        ));
        return false;
    };
    if is_trusted {
        let by = &near.name;
        output.line(format!(
            "{name} trusts these tokens, by its federated credential {by}."
        ));
        return true;
    }
    output.line(format!("{name} does not trust these tokens."));
    output.line("");
    output.line(format!(
        "The nearest federated credential, {}, differs:",
        near.name
    ));
    for line in sides(&differences) {
        output.line(line);
    }
    let others: Vec<&str> = registered
        .iter()
        .filter(|one| one.name != near.name)
        .map(|one| one.subject.as_deref().unwrap_or(&one.name))
        .collect();
    if !others.is_empty() {
        output.line("");
        output.line(format!(
            "Other federated credentials: {}",
            others.join(", ")
        ));
    }
    false
}

fn registered_entry<'a>(
    one: &'a FederatedCredential,
    presented: &FederatedTrust,
) -> RegisteredEntry<'a> {
    RegisteredEntry {
        name: &one.name,
        issuer: &one.issuer,
        subject: one.subject.as_deref(),
        differences: differences(one, presented),
    }
}

/// Both sides of each part that differs, one below the other.
pub(in crate::commands) fn sides(differences: &[Difference]) -> Vec<String> {
    let mut lines = Vec::new();
    for difference in differences {
        let name = part(difference.part);
        let registered = format!("  registered {name}");
        let presented = format!("  presented {name}");
        lines.extend(table::pairs(&[
            (registered.as_str(), difference.registered.clone()),
            (presented.as_str(), paint(STRONG, &difference.presented)),
        ]));
        if let Some(reason) = &difference.reason {
            lines.push(paint(DIM, format!("  {reason}")));
        }
    }
    lines
}
