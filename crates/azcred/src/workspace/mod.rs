//! Azure Machine Learning workspaces: valid names, and where they are found.

mod locate;

pub use locate::{Labels, Located, Named, Source, locate};

use crate::{
    facts::{Fix, Result},
    sieve::{Misplaced, invalid, is_guid, tidied, tidied_id},
};
use serde::Serialize;
use std::fmt;

/// A workspace, by subscription, resource group and name. Valid by construction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceRef {
    subscription: String,
    resource_group: String,
    name: String,
}

const TYPE: &str = "Microsoft.MachineLearningServices/workspaces";

impl WorkspaceRef {
    /// Builds a workspace from its parts.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if a part is not a valid name; the error names the part.
    pub fn new(subscription: &str, resource_group: &str, name: &str) -> Result<Self> {
        Ok(Self {
            subscription: subscription_id(subscription)?,
            resource_group: group_name(resource_group)?,
            name: workspace_name(name)?,
        })
    }

    /// Parses the id that the portal and `az resource list` show, in any case:
    /// `/subscriptions/…/resourceGroups/…/providers/Microsoft.MachineLearningServices/workspaces/…`.
    /// What follows the workspace (a job, a compute) is ignored.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the text is not such an id.
    pub fn from_resource_id(id: &str) -> Result<Self> {
        let mut segments = tidied(id).trim_start_matches('/').split('/');
        let mut labelled = |label: &str| {
            segments
                .next()
                .is_some_and(|segment| segment.eq_ignore_ascii_case(label))
                .then(|| segments.next())
                .flatten()
        };
        let (provider, kind) = TYPE.split_once('/').unwrap_or_default();
        let subscription = labelled("subscriptions");
        let group = labelled("resourceGroups");
        let right_provider =
            labelled("providers").is_some_and(|name| name.eq_ignore_ascii_case(provider));
        let name = labelled(kind);
        match (subscription, group, name) {
            (Some(subscription), Some(group), Some(name)) if right_provider => {
                Self::new(subscription, group, name)
            }
            _ => Err(
                invalid("the workspace's id", id, "it is not the id of a workspace").with_fix(
                    Fix::from(format!(
                        "give /subscriptions/ID/resourceGroups/GROUP/providers/{TYPE}/NAME"
                    ))
                    .or(Fix::CheckWorkspaceName { seen: Vec::new() }),
                ),
            ),
        }
    }

    /// The subscription's GUID.
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The resource group's name.
    pub fn resource_group(&self) -> &str {
        &self.resource_group
    }

    /// The workspace's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The resource id, at which roles are assigned.
    pub fn resource_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/{TYPE}/{}",
            self.subscription, self.resource_group, self.name
        )
    }
}

impl fmt::Display for WorkspaceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "'{}' in the resource group '{}' of the subscription {}",
            self.name, self.resource_group, self.subscription
        )
    }
}

/// Parses a subscription's id: a GUID.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] if the text is not a GUID.
pub fn subscription_id(text: &str) -> Result<String> {
    let id = tidied_id(text);
    if is_guid(id) {
        return Ok(id.to_ascii_lowercase());
    }
    Err(invalid(
        "the subscription",
        text,
        "a subscription's id is a GUID, not its name",
    )
    .with_fix(Fix::CheckSubscription))
}

/// Validates a resource group's name. From Microsoft's page 'Naming rules and restrictions for
/// Azure resources', Microsoft.Resources: 1 to 90 letters, digits, `_ - . ( )`, no full stop at the
/// end.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] if it is not a valid name.
pub fn group_name(text: &str) -> Result<String> {
    let name = tidied(text);
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '(' | ')');
    if (1..=90).contains(&name.chars().count())
        && name.chars().all(allowed)
        && !name.ends_with('.')
        && Misplaced::of(name).is_none()
    {
        return Ok(name.to_owned());
    }
    Err(invalid(
        "the resource group",
        text,
        "a resource group's name has 1 to 90 letters, digits, '_', '-', '.', '(' and ')', and no full stop at its end",
    )
    .with_fix(Fix::CheckResourceGroup { subscription: None }))
}

/// Validates a workspace's name. From the same page, Microsoft.MachineLearningServices: 3 to 33
/// letters, digits, `-` and `_`; the first is a letter or a digit.
fn workspace_name(text: &str) -> Result<String> {
    let name = tidied(text);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (3..=33).contains(&name.len())
        && name.chars().all(allowed)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && Misplaced::of(name).is_none()
    {
        return Ok(name.to_owned());
    }
    Err(invalid(
        "the workspace",
        text,
        "a workspace's name has 3 to 33 letters, digits, '-' and '_', and begins with a letter or a digit",
    )
    .with_fix(Fix::CheckWorkspaceName { seen: Vec::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ErrorKind;

    const SUB: &str = "5EC0FFEE-0001-4000-8000-000000000001";

    #[test]
    fn a_workspace_is_read_from_its_id_in_any_case_and_from_ids_below_it() {
        let whole = format!(
            "/Subscriptions/{SUB}/resourcegroups/rg/Providers/microsoft.machinelearningservices/WORKSPACES/ws-1"
        );
        for id in [
            whole.clone(),
            format!("{whole}/jobs/j"),
            whole[1..].to_owned(),
        ] {
            let workspace = WorkspaceRef::from_resource_id(&id).unwrap();
            assert_eq!(
                workspace.resource_id(),
                "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws-1"
            );
        }
        for bad in [
            "",
            "/",
            "ws-1",
            &format!("/subscriptions/{SUB}/resourceGroups/rg"),
            &whole.replace("WORKSPACES", "registries"),
            &whole.replace("machinelearningservices", "compute"),
            &whole.replace("/Providers/", "/other/"),
        ] {
            assert_eq!(
                WorkspaceRef::from_resource_id(bad).unwrap_err().kind(),
                ErrorKind::Invalid,
                "{bad}"
            );
        }
    }

    #[test]
    fn invalid_names_are_rejected_and_the_wrong_part_is_named() {
        let why =
            |s: &str, g: &str, w: &str| WorkspaceRef::new(s, g, w).unwrap_err().what().to_owned();
        assert!(why("Contoso ML", "rg", "ws-1").contains("subscription"));
        assert!(why(SUB, "rg.", "ws-1").contains("resource group"));
        assert!(why(SUB, "a/../b", "ws-1").contains("resource group"));
        assert!(why(SUB, &"g".repeat(91), "ws-1").contains("resource group"));
        for bad in ["ws", "-ws1", "w s1", "ws?1", &"w".repeat(34)] {
            assert!(why(SUB, "rg", bad).contains("workspace"), "{bad}");
        }
        assert!(WorkspaceRef::new(SUB, "rg_(É).1", "1ws_").is_ok());
    }

    #[test]
    fn names_are_allowed_up_to_their_limits() {
        let is_allowed = |s: &str, g: &str, w: &str| WorkspaceRef::new(s, g, w).is_ok();
        for (length, allowed) in [(0, false), (1, true), (90, true), (91, false)] {
            assert_eq!(is_allowed(SUB, &"é".repeat(length), "ws-1"), allowed);
        }
        for (length, allowed) in [(2, false), (3, true), (33, true), (34, false)] {
            assert_eq!(is_allowed(SUB, "rg", &"w".repeat(length)), allowed);
        }
        assert!(!is_allowed(SUB, "rg", "_ws"));
        // Azure takes a GUID with its hyphens only.
        for id in [SUB.replace('-', ""), SUB[1..].to_owned()] {
            assert!(!is_allowed(&id, "rg", "ws-1"), "{id}");
        }
        assert_eq!(
            WorkspaceRef::new(&format!(" {SUB} "), " rg ", " ws-1 ")
                .unwrap()
                .subscription(),
            SUB.to_ascii_lowercase()
        );
    }

    #[test]
    fn the_fix_of_a_wrong_name_shows_those_that_there_are() {
        let fix = |s: &str, g: &str, w: &str| {
            let error = WorkspaceRef::new(s, g, w).unwrap_err();
            error.fix().cloned()
        };
        assert_eq!(fix("Contoso", "rg", "ws-1"), Some(Fix::CheckSubscription));
        assert_eq!(
            fix(SUB, "rg.", "ws-1"),
            Some(Fix::CheckResourceGroup { subscription: None })
        );
        assert_eq!(
            fix(SUB, "rg", "ws"),
            Some(Fix::CheckWorkspaceName { seen: Vec::new() })
        );
    }
}
