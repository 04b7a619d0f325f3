//! The doctor's checks of permissions: what they predict is what the emulator then decides.

mod contoso;

use azcred::{
    Credential, Fix, Scope, TokenRequest,
    http::{HttpRequest, parse_url},
};
use azcred_azure::{Capability, CheckId, Flags, Report, Status, Subject};
use azcred_emulator::Way;
use contoso::{
    CONTAINER, Contoso, DEMO, STORAGE, SUBSCRIPTION, doctor, examine, failed, fix, said, session,
    watch, workspace,
};
use serde_json::json;
use std::time::Duration;

const CONTRIBUTOR: &str = "d0000001-0000-4000-8000-000000000009";

async fn examined(contoso: &Contoso, application: &str) -> Report {
    examine(
        contoso.laptop(application, Way::RealNames),
        &Flags::default(),
    )
    .await
}

/// Uploads a blob to the default datastore as an application; the status, and Azure's code.
async fn upload(contoso: &Contoso, application: &str) -> (u16, Option<String>) {
    let session = session(&contoso.laptop(application, Way::RealNames));
    let session = session.open().await.expect("it opens");
    let token = session.get_token(&TokenRequest::new(Scope::STORAGE)).await;
    let url = format!("https://stcontosoml.blob.core.windows.net/{CONTAINER}/of-{application}");
    let request = HttpRequest::put_json(parse_url("a test", &url).unwrap(), "{}".to_owned())
        .with_text("x-ms-blob-type", "BlockBlob")
        .with_text("x-ms-version", "2021-12-02")
        .with_bearer(&token.expect("it signs in"))
        .expect("it is a token");
    let limit = Duration::from_secs(20);
    let response = session
        .options()
        .http()
        .send("a test", &request, limit)
        .await;
    let response = response.expect("the emulator answers");
    let code = response.header("x-ms-error-code").map(str::to_owned);
    (response.status, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_without_a_data_role_is_predicted_and_permitted_after_the_fix() {
    let contoso = Contoso::start().await;
    let report = examined(&contoso, "azcred-contributor").await;
    assert_eq!(failed(&report), [CheckId::UploadFiles], "{report:#?}");
    let check = report.check(CheckId::UploadFiles).unwrap();
    assert_eq!(
        check.reason,
        "no role lets the identity read, write or add blobs in the storage account stcontosoml"
    );
    assert_eq!(
        (check.subject, check.code.as_deref()),
        (
            Some(Subject::NotPermitted),
            Some("AuthorizationPermissionMismatch")
        )
    );
    assert_eq!(
        fix(check),
        format!(
            "ask an owner of the storage account to run `az role assignment create --assignee-object-id {CONTRIBUTOR} \
             --assignee-principal-type ServicePrincipal --role \"Storage Blob Data Contributor\" --scope \"{STORAGE}\"`"
        )
    );
    let refused = (403, Some("AuthorizationPermissionMismatch".to_owned()));
    assert_eq!(upload(&contoso, "azcred-contributor").await, refused);

    // The values of the fix, as its reader pastes them.
    let Fix::GrantRole(grant) = &check.fixes[0] else {
        panic!("{check:#?}");
    };
    let (object, scope) = (grant.object_id.as_deref(), grant.scope.as_deref());
    contoso.assign(object.unwrap(), &grant.role, scope.unwrap());
    let report = examined(&contoso, "azcred-contributor").await;
    assert_eq!(failed(&report), [], "{report:#?}");
    assert_eq!(said(&report, CheckId::UploadFiles), "Ok: allowed |  | ");
    assert_eq!(upload(&contoso, "azcred-contributor").await, (201, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_at_the_container_is_enough_and_a_reader_lacks_what_writes() {
    let contoso = Contoso::start().await;
    let container = format!("{STORAGE}/blobServices/default/containers/{CONTAINER}");
    contoso.assign(CONTRIBUTOR, "Storage Blob Data Reader", &container);
    let report = examined(&contoso, "azcred-contributor").await;
    assert_eq!(
        report.check(CheckId::UploadFiles).unwrap().reason,
        "no role lets the identity write or add blobs in the storage account stcontosoml"
    );
    contoso.assign(CONTRIBUTOR, "Storage Blob Data Contributor", &container);
    let report = examined(&contoso, "azcred-contributor").await;
    assert_eq!(failed(&report), [], "{report:#?}");
    assert_eq!(upload(&contoso, "azcred-contributor").await, (201, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_may_assign_roles_is_told_to_do_so_itself() {
    let contoso = Contoso::start().await;
    contoso.assign(CONTRIBUTOR, "Owner", STORAGE);
    let report = examined(&contoso, "azcred-contributor").await;
    let check = report.check(CheckId::UploadFiles).unwrap();
    assert_eq!(check.status, Status::Failed, "an owner has no data actions");
    assert!(
        fix(check).starts_with("run `az role assignment create "),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_account_key_an_upload_needs_the_right_to_the_key_only() {
    let contoso = Contoso::start().await;
    contoso.set(STORAGE, "allowSharedKeyAccess", json!(true));
    contoso.set(
        &format!(
            "{}/datastores/workspaceblobstore",
            workspace().resource_id()
        ),
        "credentials",
        json!({"credentialsType": "AccountKey"}),
    );
    let report = examined(&contoso, "azcred-contributor").await;
    assert_eq!(failed(&report), [], "{report:#?}");
    // A reader does not get the key.
    contoso.unassign(DEMO, &workspace().resource_id());
    contoso.assign(DEMO, "Reader", &workspace().resource_id());
    let report = examined(&contoso, "azcred-demo").await;
    let check = report.check(CheckId::UploadFiles).unwrap();
    assert_eq!(
        check.reason,
        "no role lets the identity get the key of the workspace's storage account: Microsoft.MachineLearningServices/workspaces/datastores/listsecrets/action"
    );
    assert!(
        fix(check).contains("\"AzureML Data Scientist\""),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deny_assignment_is_named_and_no_role_is_offered() {
    let contoso = Contoso::start().await;
    contoso.assign(DEMO, "Reader", &format!("/subscriptions/{SUBSCRIPTION}"));
    let permissions = json!({
        "actions": [], "not_actions": [],
        "data_actions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"], "not_data_actions": [],
    });
    contoso.deny("frozen for the audit", STORAGE, &permissions);
    let report = examined(&contoso, "azcred-demo").await;
    assert_eq!(failed(&report), [CheckId::UploadFiles], "{report:#?}");
    let check = report.check(CheckId::UploadFiles).unwrap();
    assert_eq!(
        check.reason,
        "the deny assignment 'frozen for the audit' forbids Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
    );
    assert_eq!(
        check.code.as_deref(),
        Some("DenyAssignmentAuthorizationFailed")
    );
    assert!(!fix(check).contains("role assignment create"), "{check:#?}");
    assert!(
        check.evidence[0]
            .value
            .contains("de000001-0000-4000-8000-000000000001")
    );
    assert_eq!(check.evidence[1].value, STORAGE);
    assert_eq!(upload(&contoso, "azcred-demo").await.0, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_deny_assignments_sees_one_by_what_it_forbids() {
    let contoso = Contoso::start().await;
    let permissions = json!({
        "actions": ["Microsoft.MachineLearningServices/workspaces/jobs/*"], "not_actions": [],
        "data_actions": [], "not_data_actions": [],
    });
    contoso.deny("no jobs today", &workspace().resource_id(), &permissions);
    let report = examined(&contoso, "azcred-demo").await;
    assert_eq!(failed(&report), [CheckId::SubmitJobs], "{report:#?}");
    let check = report.check(CheckId::SubmitJobs).unwrap();
    assert_eq!(
        (check.subject, check.code.as_deref()),
        (
            Some(Subject::NotPermitted),
            Some("DenyAssignmentAuthorizationFailed")
        )
    );
    assert!(check.reason.contains("'no jobs today'"), "{check:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_azure_does_not_show_yet_is_told_by_the_answer() {
    let contoso = Contoso::start().await;
    let permissions = json!({
        "actions": [], "not_actions": [],
        "data_actions": ["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"], "not_data_actions": [],
    });
    // A data scientist may not read deny assignments.
    contoso.deny("unseen", STORAGE, &permissions);
    let report = examined(&contoso, "azcred-demo").await;
    assert_eq!(failed(&report), [CheckId::UploadFiles], "{report:#?}");
    let check = report.check(CheckId::UploadFiles).unwrap();
    assert!(
        check.reason.contains("rejects it all the same"),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn images_and_secrets_matter_if_they_are_required() {
    let contoso = Contoso::start().await;
    let report = examined(&contoso, "azcred-demo").await;
    for id in [CheckId::PullImages, CheckId::ReadSecrets] {
        let check = report.check(id).unwrap();
        assert_eq!(check.status, Status::DoesNotApply, "{check:#?}");
        assert!(
            check
                .reason
                .starts_with("not allowed, and not needed to run jobs: the ")
        );
    }
    let machine = contoso.laptop("azcred-demo", Way::RealNames);
    let required = [Capability::PullImages, Capability::ReadSecrets];
    let report = watch(&doctor(&machine, &Flags::default()).requiring(required)).await;
    assert_eq!(
        failed(&report),
        [CheckId::PullImages, CheckId::ReadSecrets],
        "{report:#?}"
    );
    for (id, role) in [
        (CheckId::PullImages, "AcrPull"),
        (CheckId::ReadSecrets, "Key Vault Secrets User"),
    ] {
        let check = report.check(id).unwrap();
        let Fix::GrantRole(grant) = &check.fixes[0] else {
            panic!("{check:#?}");
        };
        assert_eq!(grant.role, role);
        let scope = grant.scope.as_deref().unwrap();
        contoso.assign(DEMO, role, scope);
    }
    let report = watch(&doctor(&machine, &Flags::default()).requiring(required)).await;
    assert_eq!(failed(&report), [], "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_with_access_policies_gets_a_policy_and_not_a_role() {
    let contoso = Contoso::start().await;
    let vault = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ml/providers/Microsoft.KeyVault/vaults/kv-contoso-ml"
    );
    contoso.set(&vault, "enableRbacAuthorization", json!(false));
    let machine = contoso.laptop("azcred-demo", Way::RealNames);
    let required = [Capability::ReadSecrets];
    let report = watch(&doctor(&machine, &Flags::default()).requiring(required)).await;
    let check = report.check(CheckId::ReadSecrets).unwrap();
    assert_eq!(
        check.reason,
        "no access policy of the key vault 'kv-contoso-ml' lets the identity read secrets"
    );
    let command = format!(
        "`az keyvault set-policy --name kv-contoso-ml --resource-group \"rg-contoso-ml\" --subscription {SUBSCRIPTION} --object-id {DEMO} --secret-permissions get list`"
    );
    assert!(fix(check).contains(&command), "{check:#?}");
    let policy = json!([{"objectId": DEMO, "tenantId": contoso::TENANT, "permissions": {"secrets": ["get", "list"]}}]);
    contoso.set(&vault, "accessPolicies", policy);
    let report = watch(&doctor(&machine, &Flags::default()).requiring(required)).await;
    assert_eq!(failed(&report), [], "{report:#?}");
}
