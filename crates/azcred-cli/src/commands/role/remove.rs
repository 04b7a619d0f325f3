//! `azcred role remove`.

use super::{
    list::AssignmentEntry,
    people::{Meant, Names, Person, meant, without_names},
    place::{ScopeWords, Where, role},
};
use crate::{
    failure::Failure,
    given,
    output::{
        Output,
        style::{STRONG, paint},
        table,
    },
    sign_in::Place,
};
use azcred_azure::{Assigned, ResourceManager, RoleAssignment, RoleDefinition, RoleScope, is_at};
use clap::Args;
use serde::Serialize;

/// Remove a role from a user, a group or a service principal
///
/// Removes the principal's own assignment of the role at this very scope. It does not change
/// assignments above the scope, and not those of groups; if one of them still grants the role,
/// azcred says so.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred role remove 'AzureML Data Scientist' --from ada@contoso.com
  azcred role remove Reader --from OBJECT_ID --scope /subscriptions/ID")]
pub(super) struct RemoveRole {
    /// The role's name or id
    #[arg(value_name = "ROLE", value_parser = given::text)]
    role: String,

    /// Who loses it: me, an object id, a client id, a sign-in name or a name
    #[arg(long, value_name = "WHO", value_parser = given::text)]
    from: String,

    #[command(flatten)]
    at: Where,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct RemovedDocument<'a> {
    role: &'a str,
    principal: &'a Person,
    scope: &'a str,
    /// The assignments that were removed; empty if there were none.
    removed: Vec<AssignmentEntry<'a>>,
    /// The assignments of the role that still count here.
    remaining: Vec<AssignmentEntry<'a>>,
}

struct Removed {
    role: RoleDefinition,
    meant: Meant,
    removed: Vec<RoleAssignment>,
    remaining: Vec<RoleAssignment>,
    names: Names,
    words: ScopeWords,
}

impl RemoveRole {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = self.at.scope(&place)?;
        let work = async {
            let reader = self.at.identity.reader(&place, output).await?;
            let manager = &reader.manager;
            let (found, meant) = tokio::join!(
                role(manager, &scope, &self.role),
                meant(&reader, &self.from)
            );
            let (role, meant) = (found?, meant?);
            let (removed, remaining) = remove(manager, &scope, &role, &meant).await?;
            Ok::<_, Failure>(Removed {
                names: Names::of(&reader, &remaining).await,
                words: ScopeWords::of(manager, &scope).await,
                role,
                meant,
                removed,
                remaining,
            })
        };
        let done = output.waiting("Removing the role", work).await?;
        if output.is_json() {
            output.json(&done.document(&scope));
            return Ok(0);
        }
        for line in done.lines(&scope) {
            output.line(line);
        }
        if let Some(error) = &done.meant.trouble {
            output.remark(&without_names(error));
        }
        if let Some(note) = done.note(&scope) {
            output.remark(&note);
        }
        Ok(0)
    }
}

/// Removes the principal's own assignments at the scope. Returns them, and those that still count.
async fn remove(
    manager: &ResourceManager,
    scope: &RoleScope,
    role: &RoleDefinition,
    meant: &Meant,
) -> Result<(Vec<RoleAssignment>, Vec<RoleAssignment>), Failure> {
    let id = meant.person.id;
    let all = manager.role_assignments(scope, Assigned::To(id)).await?;
    let of_role = all.value.into_iter().filter(|one| one.role_id == role.id);
    let (own, remaining): (Vec<_>, Vec<_>) =
        of_role.partition(|one| one.principal_id == id && is_at(one, scope));
    let mut removed = Vec::new();
    for one in own {
        if manager.remove_role_assignment(&one).await? {
            removed.push(one);
        }
    }
    Ok((removed, remaining))
}

impl Removed {
    fn document<'a>(&'a self, scope: &'a RoleScope) -> RemovedDocument<'a> {
        let entry = |one: &'a RoleAssignment| {
            let person = match self.meant.person.id == one.principal_id {
                true => self.meant.person.clone(),
                false => self.names.person(one.principal_id),
            };
            AssignmentEntry::new(one, Some(&self.role), person, scope)
        };
        RemovedDocument {
            role: &self.role.name,
            principal: &self.meant.person,
            scope: scope.as_str(),
            removed: self.removed.iter().map(entry).collect(),
            remaining: self.remaining.iter().map(entry).collect(),
        }
    }

    fn lines(&self, scope: &RoleScope) -> Vec<String> {
        let headline = match self.removed.is_empty() {
            false => "Removed the role:",
            true => "Nothing to do: the principal has no assignment of this role here.",
        };
        let rows = [
            ("Role", paint(STRONG, &self.role.name)),
            ("From", self.meant.person.with_id()),
            ("At", self.words.describe(scope.as_str())),
            ("Scope", scope.to_string()),
        ];
        let mut lines = vec![headline.to_owned(), String::new()];
        lines.extend(table::pairs(&rows));
        lines
    }

    /// What still grants the role here.
    fn note(&self, scope: &RoleScope) -> Option<String> {
        let one = self.remaining.first()?;
        let group = match one.principal_id == self.meant.person.id {
            true => String::new(),
            false => format!(
                " through {}",
                self.names.person(one.principal_id).described()
            ),
        };
        let from = match is_at(one, scope) {
            true => String::new(),
            false => format!(", inherited from {}", self.words.describe(one.scope.raw())),
        };
        Some(format!(
            "the principal still has {} here{group}{from}",
            self.role.name
        ))
    }
}
