//! `azcred role check`.

use super::{
    people::{Meant, Names, meant, own, without_names},
    place::{ScopeWords, Where},
    verdicts::{Checked, Found},
};
use crate::{
    commands::reader::Reader,
    failure::{Failure, Kind},
    given,
    output::{Output, wrap::Stream},
    sign_in::Place,
};
use azcred_azure::{
    Action, Assigned, At, DenyAssignment, Error, ErrorKind, Permissions, RoleAccess,
    RoleAssignment, RoleDefinition, RoleScope, Verdict, Who,
};
use clap::Args;
use std::collections::HashSet;

/// Check whether actions are allowed, and by which role
///
/// For each action, says whether it is allowed, through which role assignment, or what forbids it.
/// If actions are missing, names the smallest built-in role that grants them, and the command that
/// assigns it. Groups, inherited assignments and deny assignments count.
///
/// An action is an operation of Azure, such as
/// Microsoft.MachineLearningServices/workspaces/jobs/write.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred role check Microsoft.MachineLearningServices/workspaces/jobs/write
  azcred role check Microsoft.Storage/storageAccounts/listKeys/action \\
    --principal ada@contoso.com --scope STORAGE_ACCOUNT_ID

Exit codes:
  0  every action is allowed
  5  an action is not allowed, or only under a condition
Others are as in `azcred --help`.")]
pub(super) struct CheckRole {
    /// The actions
    #[arg(required = true, value_name = "ACTION", value_parser = action)]
    actions: Vec<String>,

    /// Whose roles: me, an object id, a client id, a sign-in name or a name [default: me]
    #[arg(long, value_name = "WHO", value_parser = given::text)]
    principal: Option<String>,

    /// The actions are on data [default: as azcred knows the action]
    #[arg(long)]
    data: bool,

    #[command(flatten)]
    at: Where,
}

/// What was read for a check.
struct Read {
    meant: Meant,
    known: Known,
    names: Names,
    words: ScopeWords,
    /// Why deny assignments or groups could not be read.
    notes: Vec<String>,
}

enum Known {
    /// The assignments, which say through which role something is allowed.
    Assignments {
        assignments: Vec<RoleAssignment>,
        roles: Vec<RoleDefinition>,
        deny_assignments: Vec<DenyAssignment>,
        who: Who,
    },
    /// Only what the roles of the signed-in identity grant together.
    Permissions(Permissions),
}

fn action(text: &str) -> Result<String, String> {
    let text = given::text(text)?;
    let parts: Vec<&str> = text.split('/').collect();
    let is_part = |part: &&str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'))
    };
    match parts.len() >= 2 && parts.iter().all(is_part) {
        true => Ok(text),
        false if text.contains('*') => Err(
            "an action is one operation, without *; `azcred role explain ROLE` shows what a role grants".to_owned(),
        ),
        false => Err(
            "an action looks like Microsoft.MachineLearningServices/workspaces/jobs/write".to_owned(),
        ),
    }
}

impl CheckRole {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let scope = self.at.scope(&place)?;
        let looked = async {
            let reader = self.at.identity.reader(&place, output).await?;
            Read::of(&reader, &scope, self.principal.as_deref()).await
        };
        let read = output.waiting("Checking the roles", looked).await?;
        let actions: Vec<Action<'_>> = self
            .actions
            .iter()
            .map(|name| match self.data {
                true => Action::Data(name),
                false => Action::named(name),
            })
            .collect();
        let decisions = read.decide(&actions, &scope);
        let checked = Checked {
            meant: &read.meant,
            names: &read.names,
            words: &read.words,
            scope: &scope,
            decisions,
        };
        if output.is_json() {
            output.json(&checked.document());
        } else {
            for line in checked.lines(Stream::Stdout.width()) {
                output.line(line);
            }
            for note in &read.notes {
                output.remark(note);
            }
        }
        match checked.is_allowed() {
            true => Ok(0),
            false => Ok(Kind::NotPermitted.exit_code()),
        }
    }
}

impl Read {
    async fn of(
        reader: &Reader,
        scope: &RoleScope,
        principal: Option<&str>,
    ) -> Result<Self, Failure> {
        let meant = match principal {
            Some(text) => meant(reader, text).await?,
            None => Meant {
                person: own(reader)?,
                is_self: true,
                trouble: None,
            },
        };
        let id = meant.person.id;
        let manager = &reader.manager;
        let (assignments, roles, deny_assignments, groups, words) = tokio::join!(
            manager.role_assignments(scope, Assigned::To(id)),
            manager.role_definitions(scope),
            manager.deny_assignments(scope),
            reader.graph.groups_of(id),
            ScopeWords::of(manager, scope)
        );
        let mut notes: Vec<String> = meant.trouble.iter().map(without_names).collect();
        let (assignments, roles) = match (assignments, roles) {
            (Ok(assignments), Ok(roles)) => (assignments.value, roles.value),
            (Err(error), _) | (_, Err(error))
                if meant.is_self && error.kind() == ErrorKind::NotPermitted =>
            {
                let permissions = manager.permissions(scope.as_str()).await?.value;
                notes.push(
                    "this identity may not read role assignments here, so azcred can't say which one allows an action, and does not see deny assignments"
                        .to_owned(),
                );
                return Ok(Self {
                    names: Names::of(reader, &[]).await,
                    meant,
                    known: Known::Permissions(permissions),
                    words,
                    notes,
                });
            }
            (Err(error), _) | (_, Err(error)) => return Err(error.into()),
        };
        let deny_assignments = match deny_assignments {
            Ok(deny_assignments) => deny_assignments.value,
            Err(error) if error.kind() == ErrorKind::NotPermitted => {
                notes.push(
                    "this identity may not read deny assignments here, so they are not checked"
                        .to_owned(),
                );
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        // Azure lists the assignments of the principal and of its groups.
        let mut all: HashSet<_> = assignments.iter().map(|one| one.principal_id).collect();
        all.remove(&id);
        match groups {
            Ok(groups) => all.extend(groups),
            Err(error) if !deny_assignments.is_empty() => notes.push(excluded_unknown(&error)),
            Err(_) => {}
        }
        Ok(Self {
            names: Names::of(reader, &assignments).await,
            meant,
            known: Known::Assignments {
                assignments,
                roles,
                deny_assignments,
                who: Who { id, groups: all },
            },
            words,
            notes,
        })
    }

    fn decide<'a>(
        &'a self,
        actions: &[Action<'a>],
        scope: &'a RoleScope,
    ) -> Vec<(Action<'a>, Found<'a>)> {
        let decide: Box<dyn Fn(Action<'a>) -> Found<'a> + 'a> = match &self.known {
            Known::Assignments {
                assignments,
                roles,
                deny_assignments,
                who,
            } => {
                let at = At::listed(scope.as_str(), assignments);
                let access = RoleAccess::new(assignments, roles, deny_assignments, who, &at);
                Box::new(move |action| access.decide(action).into())
            }
            Known::Permissions(permissions) => Box::new(|action| {
                let is_allowed = match action {
                    Action::Control(name) => permissions.allow(name),
                    Action::Data(name) => permissions.allow_data(name),
                };
                Found {
                    verdict: match is_allowed {
                        true => Verdict::Allowed,
                        false => Verdict::Missing,
                    },
                    grant: None,
                    denial: None,
                }
            }),
        };
        actions
            .iter()
            .map(|action| (*action, decide(*action)))
            .collect()
    }
}

fn excluded_unknown(error: &Error) -> String {
    format!(
        "the groups of the principal could not be read, so a deny assignment that excludes one of them counts here all the same: {}",
        error.why()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_one_operation() {
        assert!(action("Microsoft.MachineLearningServices/workspaces/jobs/write").is_ok());
        for wrong in ["*", "Microsoft.X/*/read", "read", "", "a//b", "a b/c"] {
            assert!(action(wrong).is_err(), "{wrong}");
        }
        assert!(action("*/read").unwrap_err().contains("without *"));
    }
}
