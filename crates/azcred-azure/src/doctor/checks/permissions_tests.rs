//! Tests of the words for what an identity may do.

use super::*;
use crate::{
    doctor::{
        Doctor,
        case::tests::{case, doctor},
        report::Status,
    },
    error::ErrorKind,
};
use azcred::Fix;

const ACCOUNT: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st";

fn by(doctor: &Doctor, capability: Capability, outcome: PermissionOutcome) -> Verdict {
    PermissionCheck(capability).tell(outcome, &case(doctor))
}

/// With every capability required.
fn required(capability: Capability, outcome: PermissionOutcome) -> Verdict {
    let doctor = doctor().requiring(Capability::ALL);
    by(&doctor, capability, outcome)
}

fn lacks(capability: Capability, missing: &[&'static str], may_assign: bool) -> PermissionOutcome {
    PermissionOutcome::Missing {
        access: Access {
            capability,
            missing: missing.to_vec(),
        },
        scope: ACCOUNT.to_owned(),
        may_assign,
    }
}

fn grant(verdict: &Verdict) -> &azcred::GrantRole {
    match &verdict.fixes[..] {
        [Fix::GrantRole(grant)] => grant,
        fixes => panic!("{fixes:?}"),
    }
}

#[test]
fn every_missing_action_is_counted() {
    let computes = Capability::ManageComputes;
    let total = computes.actions().len();
    let reason = |count: usize| {
        required(
            computes,
            lacks(computes, &computes.actions()[..count], false),
        )
    };
    let begins = |count: usize| {
        format!("the identity's roles lack {count} of the {total} actions that this takes: ")
    };
    let [first, second, ..] = computes.actions() else {
        unreachable!()
    };
    assert_eq!(reason(1).reason, format!("{}{first}", begins(1)));
    assert_eq!(
        reason(2).reason,
        format!("{}{first} and {second}", begins(2))
    );
    assert_eq!(
        reason(4).reason,
        format!("{}{first}, {second} and 2 more", begins(4))
    );
    assert_eq!(grant(&reason(4)).role, "AzureML Compute Operator");
}

#[test]
fn what_jobs_need_fails_and_the_rest_does_not_apply() {
    let doctor = doctor();
    for capability in Capability::ALL {
        let missing = lacks(capability, capability.actions(), false);
        let verdict = by(&doctor, capability, missing);
        let is_needed = matches!(
            capability,
            Capability::SubmitJobs
                | Capability::ReadData
                | Capability::WriteData
                | Capability::UploadFiles
        );
        match is_needed {
            true => assert_eq!(
                (verdict.status, verdict.subject),
                (Status::Failed, Some(Subject::NotPermitted)),
                "{capability:?}"
            ),
            false => {
                assert_eq!(verdict.status, Status::DoesNotApply, "{capability:?}");
                assert!(
                    verdict.reason.contains("not needed to run jobs"),
                    "{verdict:?}"
                );
            }
        }
    }
}

#[test]
fn an_upload_names_what_is_missing_the_role_and_the_code_that_azure_would_answer() {
    let upload = Capability::UploadFiles;
    let verdict = required(upload, lacks(upload, upload.actions(), false));
    assert_eq!(
        verdict.reason,
        "no role lets the identity read, write or add blobs in the storage account st"
    );
    assert_eq!(
        verdict.code.as_deref(),
        Some("AuthorizationPermissionMismatch")
    );
    let role = grant(&verdict);
    assert_eq!(role.role, "Storage Blob Data Contributor");
    assert_eq!(
        (role.scope.as_deref(), role.by_self),
        (Some(ACCOUNT), false)
    );
    let itself = required(upload, lacks(upload, upload.actions(), true));
    assert!(grant(&itself).by_self);
    let key = required(upload, lacks(upload, &[LIST_SECRETS], false));
    assert!(key.reason.contains("get the key"), "{key:?}");
    assert_eq!(grant(&key).role, "AzureML Data Scientist");
}

#[test]
fn images_and_secrets_have_roles_of_their_own() {
    for (capability, role) in [
        (Capability::PullImages, "AcrPull"),
        (Capability::ReadSecrets, "Key Vault Secrets User"),
    ] {
        let verdict = required(capability, lacks(capability, capability.actions(), false));
        assert_eq!(grant(&verdict).role, role);
    }
}

#[test]
fn a_deny_assignment_is_named_with_its_id_and_no_role_is_a_fix() {
    let denied = PermissionOutcome::Denied {
        action: "x/y".to_owned(),
        name: "frozen".to_owned(),
        id: "/d".to_owned(),
        scope: "/s".to_owned(),
    };
    let verdict = required(Capability::SubmitJobs, denied);
    assert_eq!(verdict.reason, "the deny assignment 'frozen' forbids x/y");
    assert!(!matches!(verdict.fixes[0], Fix::GrantRole(_)));
    let evidence = verdict.evidence.iter().map(|one| one.value.as_str());
    assert_eq!(evidence.collect::<Vec<_>>(), ["/d", "/s"]);
}

#[test]
fn a_vault_with_policies_gets_a_policy_and_a_role_that_is_new_gets_time() {
    let vault = ACCOUNT.replace(
        "Microsoft.Storage/storageAccounts/st",
        "Microsoft.KeyVault/vaults/kv",
    );
    let verdict = required(
        Capability::ReadSecrets,
        PermissionOutcome::NoPolicy { vault },
    );
    let fix = verdict.fixes[0].to_string();
    assert!(fix.contains("`az keyvault set-policy --name kv "), "{fix}");
    let code = "AuthorizationPermissionMismatch".to_owned();
    let scope = ACCOUNT.to_owned();
    let verdict = required(
        Capability::UploadFiles,
        PermissionOutcome::NotYet { scope, code },
    );
    assert!(
        verdict.reason.contains("rejects it all the same"),
        "{verdict:?}"
    );
    assert!(
        verdict.fixes[0].to_string().starts_with("wait"),
        "{verdict:?}"
    );
}

#[test]
fn permissions_that_could_not_be_read_are_one_failure() {
    let error = Error::new(
        ErrorKind::Unreachable,
        "could not read them",
        "there was no response",
    );
    let first = required(Capability::SubmitJobs, PermissionOutcome::Failed(error));
    assert_eq!(first.subject, Some(Subject::Unreachable));
    let next = required(Capability::ReadData, PermissionOutcome::NotRead);
    assert_eq!(next.status, Status::Skipped);
    let none = required(
        Capability::PullImages,
        PermissionOutcome::NoResource(Realm::Registry),
    );
    assert_eq!(none.status, Status::DoesNotApply);
}
