//! `azcred role assign`.

use super::{
    list::AssignmentEntry,
    people::{GivenKind, Person, meant, without_names},
    place::{Where, role},
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
use azcred_azure::{Error, Made, NewRoleAssignment, Patience, RoleDefinition, RoleScope};
use clap::Args;
use serde::Serialize;
use std::{cell::Cell, time::Duration};

/// Assign a role to a user, a group or a service principal
///
/// Makes one role assignment: it permits the principal to do what the role grants, at the scope and
/// below it. If the principal has the role there already, nothing is changed. `azcred role explain`
/// shows what a role grants.
///
/// You need a role that may assign roles, such as Owner, User Access Administrator or Role Based
/// Access Control Administrator.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred role assign 'AzureML Data Scientist' --to ada@contoso.com
  azcred role assign 'Storage Blob Data Reader' --to OBJECT_ID \\
    --scope STORAGE_ACCOUNT_ID

A new role takes some minutes to count.")]
pub(super) struct AssignRole {
    /// The role's name or id
    #[arg(value_name = "ROLE", value_parser = given::text)]
    role: String,

    /// Who gets it: me, an object id, a client id, a sign-in name or a name
    #[arg(long, value_name = "WHO", value_parser = given::text)]
    to: String,

    /// The kind of principal, if the directory can't be read: user, group or service-principal
    #[arg(long = "type", value_name = "KIND", hide_possible_values = true)]
    kind: Option<GivenKind>,

    /// Wait this long for a principal that was made a moment ago [default: 1m]
    #[arg(long, value_name = "TIME", value_parser = given::duration)]
    wait: Option<Duration>,

    #[command(flatten)]
    at: Where,
}

/// How long a new principal is waited for. Microsoft's page 'Troubleshoot Azure RBAC' says that its
/// replication takes some minutes at most; mostly it takes seconds.
const WAIT: Duration = Duration::from_secs(60);
/// Between two requests.
const PAUSE: Duration = Duration::from_secs(3);

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AssignedDocument<'a> {
    /// Whether the assignment is new. If not, nothing was changed.
    is_new: bool,
    role: RoleName<'a>,
    principal: &'a Person,
    scope: &'a str,
    /// The assignment; `null` if it was there and can't be read.
    assignment: Option<AssignmentEntry<'a>>,
}

#[derive(Serialize)]
struct RoleName<'a> {
    id: String,
    name: &'a str,
}

impl AssignRole {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = self.at.scope(&place)?;
        let spinner = output.spinner("Assigning the role");
        let is_told = Cell::new(false);
        let work = async {
            let reader = self.at.identity.reader(&place, output).await?;
            let (found, meant) = tokio::join!(
                role(&reader.manager, &scope, &self.role),
                meant(&reader, &self.to)
            );
            let (role, meant) = (found?, meant?);
            let given = self.kind.map(GivenKind::principal_type);
            let new = NewRoleAssignment {
                role: role.id,
                principal: meant.person.id,
                principal_type: given.or(meant.person.kind.as_deref()),
            };
            let patience = Patience {
                limit: self.wait.unwrap_or(WAIT),
                pause: PAUSE,
            };
            let waiting = || {
                spinner.say("Waiting until Azure knows the principal");
                if !is_told.replace(true) {
                    spinner.aside(|| {
                        output.note("Azure does not know the principal yet. A new one takes a moment; azcred tries again.");
                    });
                }
            };
            let made = reader
                .manager
                .assign_role(&scope, &new, patience, waiting)
                .await
                .map_err(not_assigned)?;
            Ok::<_, Failure>((role, meant, made))
        };
        let (role, meant, made) = spinner.during(work).await?;
        let assigned = Assigned {
            role: &role,
            person: &meant.person,
            scope: &scope,
            made: &made,
        };
        if output.is_json() {
            output.json(&assigned.document());
            return Ok(0);
        }
        for line in assigned.lines() {
            output.line(line);
        }
        if let Some(error) = &meant.trouble {
            output.remark(&without_names(error));
        }
        if let Some(note) = assigned.note() {
            output.remark(&note);
        }
        Ok(0)
    }
}

/// The failure, with this command's options in the fix.
fn not_assigned(error: Error) -> Failure {
    let is_unknown = error.code() == Some("PrincipalNotFound");
    let failure = Failure::from(error);
    match is_unknown {
        true => failure.fix(
            "check the object id. Azure accepts a service principal that is new with `--type service-principal`",
        ),
        false => failure,
    }
}

struct Assigned<'a> {
    role: &'a RoleDefinition,
    person: &'a Person,
    scope: &'a RoleScope,
    made: &'a Made,
}

impl<'a> Assigned<'a> {
    fn document(&self) -> AssignedDocument<'a> {
        let assignment = match self.made {
            Made::New(one) => Some(one),
            Made::Existed(one) => one.as_ref(),
        };
        AssignedDocument {
            is_new: matches!(self.made, Made::New(_)),
            role: RoleName {
                id: self.role.id.to_string(),
                name: &self.role.name,
            },
            principal: self.person,
            scope: self.scope.as_str(),
            assignment: assignment.map(|one| {
                AssignmentEntry::new(one, Some(self.role), self.person.clone(), self.scope)
            }),
        }
    }

    fn lines(&self) -> Vec<String> {
        let headline = match self.made {
            Made::New(_) => "Assigned the role:",
            Made::Existed(_) => "Nothing to do: the principal has this role here already.",
        };
        let mut lines = vec![headline.to_owned(), String::new()];
        let mut rows = vec![
            ("Role", paint(STRONG, &self.role.name)),
            ("To", self.person.with_id()),
            ("At", self.scope.describe()),
            ("Scope", self.scope.to_string()),
        ];
        if let Made::New(one) = self.made {
            let name = one.id.rsplit('/').next().unwrap_or_default();
            rows.push(("Assignment", name.to_owned()));
        }
        lines.extend(table::pairs(&rows));
        lines
    }

    fn note(&self) -> Option<String> {
        match self.made {
            Made::New(_) => Some("a new role takes some minutes to count".to_owned()),
            Made::Existed(Some(one)) => one.condition.as_ref().map(|_| {
                "the assignment that is there has a condition, which limits it; `azcred role list` shows it".to_owned()
            }),
            Made::Existed(None) => None,
        }
    }
}
