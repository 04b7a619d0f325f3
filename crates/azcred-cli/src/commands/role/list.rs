//! `azcred role list`.

use super::{
    people::{Meant, Names, Person, meant, without_names},
    place::{ScopeWords, Where},
};
use crate::{
    failure::Failure,
    given,
    output::{Output, table, wrap::Stream},
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::{Assigned, RoleAssignment, RoleDefinition, RoleScope, is_at};
use clap::Args;
use serde::Serialize;
use uuid::Uuid;

/// List who has which role
///
/// Lists the role assignments that count at the scope: those made there, and those that it inherits
/// from the resource group, the subscription and the management groups above. With --principal, it
/// lists one principal's roles, with those that it has through groups.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred role list
  azcred role list --principal me
  azcred role list --principal ada@contoso.com --scope /subscriptions/ID
  azcred role list -o json | jq -r '.assignments[].principal.id'")]
pub(super) struct ListRoles {
    /// Only this principal: me, an object id, a client id, a sign-in name or a name
    #[arg(long, value_name = "WHO", value_parser = given::text)]
    principal: Option<String>,

    #[command(flatten)]
    at: Where,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct RolesDocument<'a> {
    /// The scope.
    scope: &'a str,
    /// The principal of `--principal`; `null` without.
    principal: Option<&'a Person>,
    assignments: Vec<AssignmentEntry<'a>>,
}

/// A role assignment in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssignmentEntry<'a> {
    /// The resource id.
    id: &'a Untrusted,
    /// The role's name; `null` if the role can't be read.
    role: Option<&'a Untrusted>,
    role_id: Uuid,
    /// Who has it: a user, a service principal, or a group.
    principal: Person,
    /// Where it was made.
    scope: &'a Untrusted,
    /// Whether it was made above the scope.
    is_inherited: bool,
    condition: Option<&'a Untrusted>,
    description: Option<&'a Untrusted>,
}

impl<'a> AssignmentEntry<'a> {
    pub(super) fn new(
        one: &'a RoleAssignment,
        role: Option<&'a RoleDefinition>,
        principal: Person,
        scope: &RoleScope,
    ) -> Self {
        Self {
            id: &one.id,
            role: role.map(|role| &role.name),
            role_id: one.role_id,
            principal,
            scope: &one.scope,
            is_inherited: !is_at(one, scope),
            condition: one.condition.as_ref(),
            description: one.description.as_ref(),
        }
    }
}

struct Listed {
    meant: Option<Meant>,
    assignments: Vec<RoleAssignment>,
    roles: Vec<RoleDefinition>,
    names: Names,
    words: ScopeWords,
}

impl ListRoles {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = self.at.scope(&place)?;
        let looked = async {
            let reader = self.at.identity.reader(&place, output).await?;
            let meant = match &self.principal {
                Some(text) => Some(meant(&reader, text).await?),
                None => None,
            };
            let which = match &meant {
                Some(meant) => Assigned::To(meant.person.id),
                None => Assigned::ToAnyone,
            };
            let (assignments, roles, words) = tokio::join!(
                reader.manager.role_assignments(&scope, which),
                reader.manager.role_definitions(&scope),
                ScopeWords::of(&reader.manager, &scope)
            );
            let assignments = assignments?.value;
            Ok::<_, Failure>(Listed {
                names: Names::of(&reader, &assignments).await,
                meant,
                assignments,
                roles: roles?.value,
                words,
            })
        };
        let mut listed = output
            .waiting("Listing the role assignments", looked)
            .await?;
        listed.sort(&scope);
        if output.is_json() {
            output.json(&listed.document(&scope));
            return Ok(0);
        }
        for line in listed.lines(&scope, Stream::Stdout.columns()) {
            output.line(line);
        }
        let trouble = listed
            .meant
            .as_ref()
            .and_then(|meant| meant.trouble.as_ref());
        if let Some(error) = listed.names.trouble.as_ref().or(trouble) {
            output.remark(&without_names(error));
        }
        Ok(0)
    }
}

impl Listed {
    fn role(&self, id: Uuid) -> Option<&RoleDefinition> {
        self.roles.iter().find(|role| role.id == id)
    }

    /// Those of the scope itself first, then by role and name.
    fn sort(&mut self, scope: &RoleScope) {
        let mut assignments = std::mem::take(&mut self.assignments);
        assignments.sort_by_cached_key(|one| {
            let name = self.role(one.role_id).map(|role| role.name.to_string());
            let person = self.names.person(one.principal_id);
            let depth = usize::MAX - one.scope.raw().len();
            (
                !is_at(one, scope),
                depth,
                name,
                person.name,
                one.principal_id,
            )
        });
        self.assignments = assignments;
    }

    fn document<'a>(&'a self, scope: &'a RoleScope) -> RolesDocument<'a> {
        let entry = |one: &'a RoleAssignment| {
            let person = self.names.person(one.principal_id);
            AssignmentEntry::new(one, self.role(one.role_id), person, scope)
        };
        RolesDocument {
            scope: scope.as_str(),
            principal: self.meant.as_ref().map(|meant| &meant.person),
            assignments: self.assignments.iter().map(entry).collect(),
        }
    }

    fn lines(&self, scope: &RoleScope, width: usize) -> Vec<String> {
        let of = match &self.meant {
            Some(meant) if meant.is_self => "You have".to_owned(),
            Some(meant) => {
                let who = meant.person.described();
                let mut who = who.chars();
                let first = who.next().map(|first| first.to_uppercase().to_string());
                format!("{}{} has", first.unwrap_or_default(), who.as_str())
            }
            None => "There is".to_owned(),
        };
        if self.assignments.is_empty() {
            let what = match self.meant {
                Some(_) => "no role",
                None => "no role assignment",
            };
            return vec![format!(
                "{of} {what} at {}.",
                self.words.describe(scope.as_str())
            )];
        }
        let rows: Vec<[String; 4]> = self
            .assignments
            .iter()
            .map(|one| {
                let role = self.role(one.role_id);
                let role =
                    role.map_or_else(|| one.role_id.to_string(), |role| role.name.to_string());
                let person = self.names.person(one.principal_id);
                let own = self.meant.as_ref().map(|meant| meant.person.id);
                let who = match own {
                    Some(own) if own == one.principal_id => String::new(),
                    Some(_) => format!("through {}", person.described()),
                    None => person.with_id(),
                };
                let from = match is_at(one, scope) {
                    true => String::new(),
                    false => format!("inherited from {}", self.words.describe(one.scope.raw())),
                };
                let condition = match one.condition {
                    Some(_) => "under a condition".to_owned(),
                    None => String::new(),
                };
                [role, who, from, condition]
            })
            .collect();
        let mut lines = vec![
            format!("Roles at {}:", self.words.describe(scope.as_str())),
            String::new(),
        ];
        lines.extend(table::columns(["Role", "who", "from", "but"], &rows, width));
        lines
    }
}
