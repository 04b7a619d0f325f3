//! What may the identity do in the workspace, and with what belongs to it?

use super::{
    contact::az,
    rights::{Rights, name_of, of_workspace, rights},
    storage::{AccountSeen, BlobReach, DefaultDatastore},
    vault::{VaultReach, VaultSeen},
};
use crate::{
    access::{Access, Capability, Realm},
    data_plane::Reach,
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        report::{Area, Subject, Verdict},
    },
    error::{Error, Result},
    role::{self, BuiltInRole},
    role_scope::describe,
};

/// The action that gives a caller the key of a datastore's account.
const LIST_SECRETS: &str =
    "Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action";

/// The check of one capability.
pub(super) struct PermissionCheck(pub(super) Capability);

pub(super) enum PermissionOutcome {
    /// The identity may do it.
    Allowed,
    /// The workspace does not have what it is about.
    NoResource(Realm),
    /// Roles lack actions.
    Missing {
        access: Access,
        /// The resource at which a role would be assigned.
        scope: String,
        /// Whether the identity may assign it itself.
        may_assign: bool,
    },
    /// A deny assignment forbids an action.
    Denied {
        action: String,
        name: String,
        id: String,
        scope: String,
    },
    /// The vault's access policies decide, and none permits it.
    NoPolicy { vault: String },
    /// Roles allow it, and the service rejects it all the same.
    NotYet { scope: String, code: String },
    /// The identity's permissions could not be read.
    Failed(Error),
    /// The permissions could not be read, and an earlier check reports that.
    NotRead,
}

impl Check for PermissionCheck {
    type Outcome = PermissionOutcome;

    fn area(&self) -> Area {
        Area::Permissions
    }

    fn title(&self) -> &'static str {
        self.0.title()
    }

    fn needs(&self) -> &'static [CheckId] {
        const WORKSPACE: &[CheckId] = &[CheckId::SignIn, CheckId::Workspace];
        match self.0.realm() {
            Realm::Workspace => WORKSPACE,
            Realm::Storage => &[CheckId::SignIn, CheckId::Workspace, CheckId::Storage],
            Realm::Registry => &[CheckId::SignIn, CheckId::Workspace, CheckId::Registry],
            Realm::Vault => &[CheckId::SignIn, CheckId::Workspace, CheckId::Vault],
        }
    }

    async fn examine(&self, case: &Case<'_>) -> Option<PermissionOutcome> {
        case.workspace()?;
        case.identity().await?;
        let judged = match self.0 {
            Capability::SubmitJobs => submit(case).await,
            Capability::UploadFiles => upload(case).await,
            Capability::ReadSecrets => secrets(case).await,
            capability => at_realm(case, capability, capability.realm()).await,
        };
        Some(match judged {
            Ok(outcome) => outcome,
            // One request serves all capabilities of the workspace, and the same cause may fail
            // those of other resources, so only the first check reports the failure.
            Err(_)
                if self.0 != Capability::ALL[0]
                    && rights(case, Realm::Workspace).await.is_err() =>
            {
                PermissionOutcome::NotRead
            }
            Err(error) => PermissionOutcome::Failed(error),
        })
    }

    fn tell(&self, outcome: PermissionOutcome, case: &Case<'_>) -> Verdict {
        let problem = match outcome {
            PermissionOutcome::Allowed => return Verdict::ok("allowed"),
            PermissionOutcome::NoResource(realm) => {
                return Verdict::does_not_apply(match realm {
                    Realm::Registry => "the workspace has no container registry yet",
                    Realm::Vault => "the workspace names no key vault",
                    Realm::Storage | Realm::Workspace => "the workspace names no storage account",
                });
            }
            PermissionOutcome::Failed(error) => return Verdict::error("", &error),
            PermissionOutcome::NotRead => {
                return Verdict::skipped("the identity's permissions could not be read");
            }
            problem => problem,
        };
        if !case.doctor.required.contains(&self.0) {
            return Verdict::does_not_apply(not_needed(self.0));
        }
        let mut verdict = failed(self.0, problem, case);
        if self.0 == Capability::UploadFiles && verdict.code.is_none() {
            verdict.code = Some("AuthorizationPermissionMismatch".to_owned());
        }
        verdict
    }
}

/// What is missing, and why jobs run without it.
fn not_needed(capability: Capability) -> &'static str {
    match capability {
        Capability::PullImages => {
            "not allowed, and not needed to run jobs: the identity of the compute pulls images"
        }
        Capability::ReadSecrets => {
            "not allowed, and not needed to run jobs: the workspace's own identity reads secrets"
        }
        _ => "not allowed, and not needed to run jobs",
    }
}

/// The words for what keeps the identity from a capability.
fn failed(capability: Capability, problem: PermissionOutcome, case: &Case<'_>) -> Verdict {
    let not_permitted =
        |reason: String| Verdict::failed(Subject::NotPermitted, "not allowed", reason);
    match problem {
        PermissionOutcome::Missing {
            access,
            scope,
            may_assign,
        } => {
            let role = least(&access.missing).unwrap_or("Owner");
            let grant = role::grant(case.principal().as_ref(), role, scope.as_str());
            let grant = match may_assign {
                true => grant.by_self(),
                false => grant,
            };
            not_permitted(missing(capability, &access, &scope)).fix(grant)
        }
        PermissionOutcome::Denied {
            action,
            name,
            id,
            scope,
        } => {
            let reason = format!("the deny assignment '{name}' forbids {action}");
            let mut verdict = not_permitted(reason)
                .fix("ask the owner of the managed application or deployment stack that made it; no role overrides a deny assignment")
                .evidence("id", id)
                .evidence("scope", scope);
            verdict.code = Some("DenyAssignmentAuthorizationFailed".to_owned());
            verdict
        }
        PermissionOutcome::NoPolicy { vault } => {
            let name = name_of(&vault).to_owned();
            let object = case.principal().and_then(|one| one.object_id);
            let object = object.filter(|id| crate::text::is_guid(id));
            let object = object.as_deref().unwrap_or("OBJECT_ID");
            let policy = az(
                &vault,
                "az keyvault set-policy --name",
                &format!(" --object-id {object} --secret-permissions get list"),
            );
            not_permitted(format!(
                "no access policy of the key vault '{name}' lets the identity read secrets"
            ))
            .fix(format!("ask an owner of the key vault to run {policy}"))
        }
        PermissionOutcome::NotYet { scope, code } => {
            let what = describe(&scope);
            let mut verdict = not_permitted(format!(
                "a role allows it, and {what} rejects it all the same: the role is new or has a condition, or a deny assignment forbids it"
            ))
            .fix("wait up to 10 minutes, and try again");
            verdict.code = Some(code);
            verdict
        }
        _ => Verdict::ok("allowed"),
    }
}

/// The name of the smallest role for what is missing.
fn least(missing: &[&str]) -> Option<&'static str> {
    Some(BuiltInRole::least(missing)?.name)
}

/// The number of missing actions, and the names of as many as fit.
fn missing(capability: Capability, access: &Access, scope: &str) -> String {
    const NAMED: usize = 2;
    if access.missing == [LIST_SECRETS] {
        return format!(
            "no role lets the identity get the key of the workspace's storage account: {LIST_SECRETS}"
        );
    }
    if capability == Capability::UploadFiles {
        let verbs: Vec<&str> = access.missing.iter().map(|action| verb(action)).collect();
        return format!(
            "no role lets the identity {} blobs in {}",
            list(&verbs),
            describe(scope)
        );
    }
    let total = capability.actions().len();
    let missing = access.missing.len();
    let named = &access.missing[..missing.min(NAMED)];
    let names = match missing > NAMED {
        true => format!("{} and {} more", named.join(", "), missing - NAMED),
        false => named.join(" and "),
    };
    format!("the identity's roles lack {missing} of the {total} actions that this takes: {names}")
}

/// What an action does, in a word: `read`.
fn verb(action: &str) -> &str {
    let action = action.trim_end_matches("/action");
    action.rsplit('/').next().unwrap_or_default()
}

/// `a`, `a or b`, `a, b or c`
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Judges a capability by the roles at a resource.
async fn at_realm(
    case: &Case<'_>,
    capability: Capability,
    realm: Realm,
) -> Result<PermissionOutcome> {
    let Some(rights) = rights(case, realm).await? else {
        return Ok(PermissionOutcome::NoResource(realm));
    };
    let access = capability.judge(&rights.permissions);
    Ok(judged(&rights, access, capability.actions()))
}

/// A deny assignment decides before roles do: a further role would not help.
fn judged(rights: &Rights, access: Access, actions: &[&'static str]) -> PermissionOutcome {
    if let Some((action, denial)) = rights.denial(actions.iter().copied()) {
        return PermissionOutcome::Denied {
            action: action.to_owned(),
            name: denial.name.to_string(),
            id: denial.id.to_string(),
            scope: denial.scope.to_string(),
        };
    }
    match access.is_allowed() {
        true => PermissionOutcome::Allowed,
        false => PermissionOutcome::Missing {
            access,
            scope: rights.scope.clone(),
            may_assign: rights.may_assign(),
        },
    }
}

/// Who may not read deny assignments sees one by what it forbids: jobs are listed, too.
async fn submit(case: &Case<'_>) -> Result<PermissionOutcome> {
    const CAPABILITY: Capability = Capability::SubmitJobs;
    let outcome = at_realm(case, CAPABILITY, CAPABILITY.realm()).await?;
    let rights = rights(case, CAPABILITY.realm()).await?;
    let may_be_denied = rights.is_some_and(|rights| !rights.sees_denials);
    let (PermissionOutcome::Allowed, true) = (&outcome, may_be_denied) else {
        return Ok(outcome);
    };
    let identity = case.identity_or_error().await?;
    let target = case.workspace_or_error()?;
    let listed = case.within("could not list a job", identity.manager.has_jobs(target));
    Ok(match listed.await {
        Err(error) if error.code() == Some("DenyAssignmentAuthorizationFailed") => {
            PermissionOutcome::Failed(error)
        }
        // Whatever else keeps it from the list is another check's.
        _ => outcome,
    })
}

/// Uploads need a role for the data, unless the workspace gives out a key of the account.
async fn upload(case: &Case<'_>) -> Result<PermissionOutcome> {
    const CAPABILITY: Capability = Capability::UploadFiles;
    let Some(id) = of_workspace(case, Realm::Storage).await? else {
        return Ok(PermissionOutcome::NoResource(Realm::Storage));
    };
    let (datastore, account) =
        tokio::join!(case.find::<DefaultDatastore>(), case.find::<AccountSeen>());
    let datastore = datastore.in_account(&id);
    if datastore.is_some_and(|one| one.properties.has_key()) && !account.accepts_no_key() {
        let Some(rights) = rights(case, Realm::Workspace).await? else {
            return Ok(PermissionOutcome::NoResource(Realm::Workspace));
        };
        let missing = match rights.permissions.allow(LIST_SECRETS) {
            true => Vec::new(),
            false => vec![LIST_SECRETS],
        };
        let access = Access {
            capability: CAPABILITY,
            missing,
        };
        return Ok(judged(&rights, access, &[LIST_SECRETS]));
    }
    let outcome = at_realm(case, CAPABILITY, Realm::Storage).await?;
    let reach = case.find::<BlobReach>().await;
    Ok(match (&outcome, &reach.0) {
        (PermissionOutcome::Allowed, Ok(Some(Reach::NoRight(answer)))) => {
            PermissionOutcome::NotYet {
                scope: id,
                code: answer.code.clone(),
            }
        }
        _ => outcome,
    })
}

/// A vault is opened by roles, or by its access policies.
async fn secrets(case: &Case<'_>) -> Result<PermissionOutcome> {
    let Some(id) = of_workspace(case, Realm::Vault).await? else {
        return Ok(PermissionOutcome::NoResource(Realm::Vault));
    };
    let (seen, reach) = tokio::join!(case.find::<VaultSeen>(), case.find::<VaultReach>());
    let by_policies = match (&seen.0, &reach.0) {
        (Ok(Some(vault)), _) => vault.enable_rbac_authorization != Some(true),
        // Key Vault names a role in its answer where roles decide.
        (_, Ok(Some(Reach::NoRight(answer)))) => {
            !answer.inner.is_empty() && answer.inner != "ForbiddenByRbac"
        }
        // It listed secrets: by a role, or by a policy, which can't be read.
        (_, Ok(Some(Reach::Yes))) => true,
        _ => false,
    };
    if !by_policies {
        return at_realm(case, Capability::ReadSecrets, Realm::Vault).await;
    }
    let object = case.principal().and_then(|one| one.object_id);
    let is_own = |id: &str| {
        object
            .as_ref()
            .is_some_and(|own| own.eq_ignore_ascii_case(id))
    };
    // The answer counts also for policies of the identity's groups.
    let is_permitted = matches!(&reach.0, Ok(Some(Reach::Yes)))
        || matches!(&seen.0, Ok(Some(vault)) if vault.permits_secrets(is_own));
    Ok(match is_permitted {
        true => PermissionOutcome::Allowed,
        false => PermissionOutcome::NoPolicy { vault: id },
    })
}

#[cfg(test)]
#[path = "permissions_tests.rs"]
mod tests;
