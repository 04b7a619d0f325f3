//! The doctor's checks of the workspace: each trouble is named with its cause and its fix.

mod contoso;

use azcred_azure::{Capability, CheckId, Flags, Report, Status, Subject};
use azcred_emulator::Way;
use contoso::{
    CONTAINER, Contoso, DEMO, STORAGE, SUBSCRIPTION, TENANT, doctor, examine, failed, fix, said,
    warned, watch, workspace,
};
use serde_json::json;

const FABRIKAM: &str = "c0a70500-0000-4000-8000-000000000002";
const THEIRS: &str = "5ec0ffee-0009-4000-8000-000000000009";

/// The report of azcred-demo, who works in the workspace.
async fn examined(contoso: &Contoso) -> Report {
    examine(
        contoso.laptop("azcred-demo", Way::RealNames),
        &Flags::default(),
    )
    .await
}

/// The check that must be the only failure.
async fn only_failure(contoso: &Contoso, id: CheckId) -> azcred_azure::CheckReport {
    let report = examined(contoso).await;
    assert_eq!(failed(&report), [id], "{report:#?}");
    report.check(id).expect("it is in the report").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_belongs_to_the_workspace_is_reached() {
    let contoso = Contoso::start().await;
    contoso.assign(DEMO, "Reader", &format!("/subscriptions/{SUBSCRIPTION}"));
    let report = examined(&contoso).await;
    for (id, expected) in [
        (
            CheckId::Provider,
            "Microsoft.MachineLearningServices, registered",
        ),
        (CheckId::WorkspaceNetwork, "public"),
        (CheckId::Storage, "stcontosoml, reached"),
        (CheckId::Vault, "kv-contoso-ml, reached"),
        (CheckId::Registry, "crcontosoml, reached"),
        (CheckId::Computes, "ci-ada, cpu-cluster"),
    ] {
        assert_eq!(said(&report, id), format!("Ok: {expected} |  | "));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_ports_storage_is_reached_where_resource_manager_says_so_and_nowhere_else() {
    let contoso = Contoso::start().await;
    let machine = || contoso.laptop("azcred-demo", Way::Ports);
    let report = examine(machine(), &Flags::default()).await;
    assert_eq!(failed(&report), [], "{report:#?}");
    let storage = report.check(CheckId::Storage).unwrap();
    assert_eq!(storage.status, Status::DoesNotApply, "{storage:#?}");
    assert!(storage.reason.contains("not known in this cloud"));
    contoso.assign(DEMO, "Reader", STORAGE);
    let report = examine(machine(), &Flags::default()).await;
    assert!(said(&report, CheckId::Storage).starts_with("Ok: stcontosoml, reached"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_of_another_tenant_is_named_with_that_tenant_and_the_way_there() {
    let contoso = Contoso::start().await;
    let theirs = json!({"id": THEIRS, "tenant": FABRIKAM, "name": "Fabrikam ML"});
    let theirs = serde_json::from_value(theirs).expect("it is valid");
    contoso
        .emulator
        .world()
        .resources_mut()
        .put_subscription(theirs);
    let flags = Flags {
        subscription: Some(THEIRS.into()),
        ..Flags::default()
    };
    let report = examine(contoso.laptop("azcred-demo", Way::RealNames), &flags).await;
    assert_eq!(failed(&report), [CheckId::Subscription], "{report:#?}");
    let check = report.check(CheckId::Subscription).unwrap();
    assert_eq!(
        check.reason,
        format!(
            "the subscription belongs to the tenant {FABRIKAM}, and the token is from another one"
        )
    );
    assert_eq!(
        check.fixes[0].to_string(),
        format!("set AZURE_TENANT_ID={FABRIKAM}")
    );
    assert_eq!(check.evidence[0].value, format!("from the tenant {TENANT}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_azure_does_not_serve_is_named_with_its_state() {
    let contoso = Contoso::start().await;
    contoso.assign(DEMO, "Reader", &format!("/subscriptions/{SUBSCRIPTION}"));
    let set = |state: &str| {
        let mut resources = contoso.emulator.world().resources_mut();
        let id = SUBSCRIPTION.parse().unwrap();
        let mut own = resources.subscription(id).expect("it is there").clone();
        own.state = serde_json::from_value(json!(state)).expect("it is a state");
        resources.put_subscription(own);
    };
    set("Disabled");
    let check = only_failure(&contoso, CheckId::Subscription).await;
    assert_eq!(
        check.reason,
        "the subscription 'Contoso ML' is disabled, so Azure rejects all changes in it (state Disabled)"
    );
    assert!(fix(&check).contains(&format!(
        "`az account subscription enable --id {SUBSCRIPTION}`"
    )));
    set("PastDue");
    let report = examined(&contoso).await;
    assert_eq!(failed(&report), [], "{report:#?}");
    assert!(said(&report, CheckId::Subscription).starts_with("Warning"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_is_not_registered_is_registered_by_the_fix() {
    let contoso = Contoso::start().await;
    contoso.assign(DEMO, "Reader", &format!("/subscriptions/{SUBSCRIPTION}"));
    let register = |registers| {
        let mut resources = contoso.emulator.world().resources_mut();
        let id = SUBSCRIPTION.parse().unwrap();
        resources.register_provider(id, "Microsoft.MachineLearningServices", registers);
    };
    register(false);
    let check = only_failure(&contoso, CheckId::Provider).await;
    assert_eq!(
        check.reason,
        format!("the subscription {SUBSCRIPTION} is not registered for Azure Machine Learning")
    );
    assert_eq!(
        fix(&check),
        format!(
            "register it once: `az provider register --namespace Microsoft.MachineLearningServices --subscription {SUBSCRIPTION}`"
        )
    );
    register(true);
    assert!(examined(&contoso).await.healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_was_deleted_or_failed_is_named_with_its_state() {
    let contoso = Contoso::start().await;
    contoso.set(
        &workspace().resource_id(),
        "provisioningState",
        json!("SoftDeleted"),
    );
    let check = only_failure(&contoso, CheckId::Workspace).await;
    assert_eq!(
        check.reason,
        "the workspace 'ws-contoso-ml' was deleted (state SoftDeleted)"
    );
    assert!(fix(&check).contains("Recently deleted"));
    contoso.set(
        &workspace().resource_id(),
        "provisioningState",
        json!("Failed"),
    );
    let check = only_failure(&contoso, CheckId::Workspace).await;
    assert!(fix(&check).contains("`az ml workspace diagnose --name ws-contoso-ml "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_in_a_private_network_is_one_failure_from_outside() {
    let contoso = Contoso::start().await;
    contoso.set(
        &workspace().resource_id(),
        "publicNetworkAccess",
        json!("Disabled"),
    );
    let check = only_failure(&contoso, CheckId::WorkspaceNetwork).await;
    assert_eq!(check.subject, Some(Subject::Unreachable));
    assert_eq!(
        check.reason,
        "the workspace accepts requests from its private network only, and this machine is outside of it"
    );
    let name = &check.evidence[1].value;
    assert!(
        name.starts_with(
            "5ec0ffee-0002-4000-8000-000000000001.workspace.westeurope.api.azureml.ms"
        )
    );
    assert!(fix(&check).contains("VPN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_account_behind_a_firewall_is_one_failure() {
    let contoso = Contoso::start().await;
    contoso.set(STORAGE, "networkAcls", json!({"defaultAction": "Deny"}));
    let check = only_failure(&contoso, CheckId::Storage).await;
    assert_eq!(
        check.reason,
        "the firewall of the storage account 'stcontosoml' does not let this machine in"
    );
    assert_eq!(
        (check.subject, check.code.as_deref()),
        (Some(Subject::Unreachable), Some("AuthorizationFailure"))
    );
    assert!(check.correlation_id.is_some());
    let command = "`az storage account network-rule add --account-name stcontosoml --resource-group \"rg-contoso-ml\" ";
    assert!(fix(&check).contains(command), "{check:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_storage_account_and_a_deleted_container_differ() {
    let contoso = Contoso::start().await;
    contoso.set(
        &format!(
            "{}/datastores/workspaceblobstore",
            workspace().resource_id()
        ),
        "containerName",
        json!("gone"),
    );
    let check = only_failure(&contoso, CheckId::Storage).await;
    assert_eq!(
        check.reason,
        "the storage account 'stcontosoml' does not have the container 'gone' of the datastore 'workspaceblobstore'"
    );
    assert_eq!(check.code.as_deref(), Some("ContainerNotFound"));
    contoso.remove(STORAGE);
    let check = only_failure(&contoso, CheckId::Storage).await;
    assert_eq!(
        check.reason,
        "the workspace's storage account 'stcontosoml' does not exist any more"
    );
    let command =
        "`az storage account create --name stcontosoml --resource-group \"rg-contoso-ml\"";
    assert!(fix(&check).contains(command), "{check:#?}");
    assert!(fix(&check).contains("--location westeurope"), "{check:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datastore_with_a_key_that_the_account_does_not_accept_is_one_failure() {
    let contoso = Contoso::start().await;
    contoso.assign(DEMO, "Reader", STORAGE);
    contoso.set(
        &format!(
            "{}/datastores/workspaceblobstore",
            workspace().resource_id()
        ),
        "credentials",
        json!({"credentialsType": "AccountKey"}),
    );
    let check = only_failure(&contoso, CheckId::Storage).await;
    assert_eq!(
        check.reason,
        "the datastore 'workspaceblobstore' uses a key of the storage account 'stcontosoml', which accepts no keys"
    );
    assert_eq!(
        check.code.as_deref(),
        Some("KeyBasedAuthenticationNotPermitted")
    );
    assert!(fix(&check).contains("--system-datastores-auth-mode identity`"));
    assert_eq!(check.evidence[0].value, CONTAINER);
    contoso.set(STORAGE, "allowSharedKeyAccess", json!(true));
    assert!(examined(&contoso).await.healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_vault_and_a_registry_behind_a_firewall_name_the_address_that_they_saw() {
    let contoso = Contoso::start().await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ml/providers");
    let vault = format!("{group}/Microsoft.KeyVault/vaults/kv-contoso-ml");
    let registry = format!("{group}/Microsoft.ContainerRegistry/registries/crcontosoml");
    let closed = json!({"defaultAction": "Deny"});
    contoso.set(&vault, "networkAcls", closed.clone());
    contoso.set(&registry, "networkRuleSet", closed);

    // Jobs run without them.
    let report = examined(&contoso).await;
    assert_eq!(failed(&report), [], "{report:#?}");
    for id in [CheckId::Vault, CheckId::Registry] {
        assert_eq!(report.check(id).unwrap().status, Status::DoesNotApply);
    }
    contoso.assign(DEMO, "Key Vault Secrets User", &vault);
    contoso.assign(DEMO, "AcrPull", &registry);
    let report = examined(&contoso).await;
    assert_eq!(
        warned(&report),
        [CheckId::Vault, CheckId::Registry],
        "{report:#?}"
    );

    let required = [Capability::ReadSecrets, Capability::PullImages];
    let machine = contoso.laptop("azcred-demo", Way::RealNames);
    let report = watch(&doctor(&machine, &Flags::default()).requiring(required)).await;
    assert_eq!(
        failed(&report),
        [CheckId::Vault, CheckId::Registry],
        "{report:#?}"
    );
    let check = report.check(CheckId::Vault).unwrap();
    assert_eq!(check.code.as_deref(), Some("ForbiddenByFirewall"));
    assert_eq!(
        check.reason,
        "the firewall of the key vault 'kv-contoso-ml' does not let this machine in"
    );
    let command = format!(
        "`az keyvault network-rule add --name kv-contoso-ml --resource-group \"rg-contoso-ml\" --subscription {SUBSCRIPTION} --ip-address 127.0.0.1`"
    );
    assert!(fix(check).contains(&command), "{check:#?}");
    let check = report.check(CheckId::Registry).unwrap();
    assert_eq!(check.code.as_deref(), Some("DENIED"));
    let command = format!(
        "`az acr network-rule add --name crcontosoml --resource-group \"rg-contoso-ml\" --subscription {SUBSCRIPTION} --ip-address 127.0.0.1`"
    );
    assert!(fix(check).contains(&command), "{check:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_key_vault_and_a_deleted_registry_are_named() {
    let contoso = Contoso::start().await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-contoso-ml/providers");
    contoso.remove(&format!(
        "{group}/Microsoft.ContainerRegistry/registries/crcontosoml"
    ));
    let check = only_failure(&contoso, CheckId::Registry).await;
    assert_eq!(
        check.reason,
        "the workspace's registry 'crcontosoml' does not exist any more"
    );
    assert!(fix(&check).contains("`az acr create --name crcontosoml "));
    // A workspace whose first image was not built yet has none.
    contoso.set(&workspace().resource_id(), "containerRegistry", json!(null));
    let report = examined(&contoso).await;
    assert_eq!(failed(&report), [], "{report:#?}");
    assert_eq!(
        report.check(CheckId::Registry).unwrap().status,
        Status::DoesNotApply
    );
    contoso.remove(&format!("{group}/Microsoft.KeyVault/vaults/kv-contoso-ml"));
    let check = only_failure(&contoso, CheckId::Vault).await;
    assert_eq!(
        check.reason,
        "the workspace's key vault 'kv-contoso-ml' does not exist any more"
    );
    assert!(fix(&check).contains("`az keyvault recover --name kv-contoso-ml "));
}

#[tokio::test(flavor = "multi_thread")]
async fn computes_of_which_none_works_are_a_failure() {
    let contoso = Contoso::start().await;
    let compute = |name: &str| format!("{}/computes/{name}", workspace().resource_id());
    contoso.set(
        &compute("cpu-cluster"),
        "provisioningState",
        json!("Failed"),
    );
    assert!(examined(&contoso).await.healthy, "one works");
    contoso.set(&compute("ci-ada"), "provisioningState", json!("Failed"));
    let check = only_failure(&contoso, CheckId::Computes).await;
    assert!(check.reason.contains("ci-ada, cpu-cluster"), "{check:#?}");
}
