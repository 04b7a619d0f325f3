//! The doctor in Contoso's tenant: each identity, each way in, each failure.

mod contoso;

use azcred::{TenantId, system::Fixture};
use azcred_azure::{Capability, CheckId, Doctor, Flags, Status, Subject, locate};
use azcred_emulator::{Effect, Fault, Persona, Service, Way};
use contoso::{
    Contoso, FOLDER, SUBSCRIPTION, TENANT, doctor, examine, fix, said, session, summary, watch,
    workspace,
};
use std::{path::Path, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn a_data_scientist_may_do_everything_but_manage_computes_by_ports_and_by_real_names() {
    let contoso = Contoso::start().await;
    for way in [Way::Ports, Way::RealNames] {
        let report = examine(contoso.laptop("azcred-demo", way), &Flags::default()).await;
        assert_eq!(summary(&report), "++++++++!", "{way:?}: {report:#?}");
        assert!(report.healthy && report.first_failure().is_none());
        assert_eq!(
            report.check(CheckId::SignIn).unwrap().detail,
            "service principal a0000001-0000-4000-8000-000000000001, from the environment variable AZURE_CLIENT_SECRET"
        );
        assert_eq!(
            report.check(CheckId::Tenant).unwrap().detail,
            format!("Contoso ({TENANT})")
        );
        assert!(said(&report, CheckId::Workspace).contains("westeurope"));
        let computes = said(&report, CheckId::ManageComputes);
        assert!(
            computes.contains("AzureML Compute Operator") && computes.contains("--scope"),
            "{computes}"
        );
        assert_eq!(report.workspace, Some(workspace().resource_id()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contributor_may_do_everything() {
    let contoso = Contoso::start().await;
    let report = examine(
        contoso.laptop("azcred-contributor", Way::Ports),
        &Flags::default(),
    )
    .await;
    assert_eq!(summary(&report), "+++++++++", "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_without_a_role_gets_one_failure_that_names_the_role() {
    let contoso = Contoso::start().await;
    let report = examine(
        contoso.laptop("azcred-noroles", Way::Ports),
        &Flags::default(),
    )
    .await;
    assert_eq!(summary(&report), "+++x-----", "{report:#?}");
    let check = report.first_failure().unwrap();
    assert_eq!(
        (check.subject, check.code.as_deref()),
        (Some(Subject::NotPermitted), Some("AuthorizationFailed"))
    );
    assert!(check.correlation_id.is_some());
    let object = "d0000001-0000-4000-8000-000000000006";
    assert_eq!(
        check.fixes[0].to_string(),
        format!(
            "ask an owner of the workspace to run `az role assignment create --assignee-object-id {object} --assignee-principal-type \
             ServicePrincipal --role \"AzureML Data Scientist\" --scope \"{}\"`",
            workspace().resource_id()
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_group_gets_the_missing_role_as_the_fix() {
    let contoso = Contoso::start().await;
    assign(
        &contoso,
        "d0000001-0000-4000-8000-000000000006",
        "Reader",
        &format!("/subscriptions/{SUBSCRIPTION}"),
    );
    let report = examine(
        contoso.laptop("azcred-noroles", Way::Ports),
        &Flags::default(),
    )
    .await;
    assert_eq!(summary(&report), "+++++x+x!", "{report:#?}");
    assert_eq!(
        report.first_failure().unwrap().subject,
        Some(Subject::NotPermitted)
    );
    assert!(said(&report, CheckId::SubmitJobs).contains("codes/versions/write"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_secret_is_the_one_failure_with_the_code_and_the_fix() {
    let contoso = Contoso::start().await;
    let report = examine(
        contoso.laptop("azcred-expired", Way::Ports),
        &Flags::default(),
    )
    .await;
    assert_eq!(summary(&report), "x--------", "{report:#?}");
    let check = report.first_failure().unwrap();
    assert_eq!(
        (check.subject, check.code.as_deref()),
        (Some(Subject::Refused), Some("AADSTS7000222"))
    );
    assert!(check.correlation_id.is_some() && fix(check).contains("az ad app credential reset"));
    assert!(report.principal.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_credential_the_variables_are_named() {
    let contoso = Contoso::start().await;
    let mut machine = Fixture::new();
    for (name, value) in contoso
        .emulator
        .info()
        .environment(Persona::NoAccount, Way::RealNames)
        .set
    {
        machine = machine.with_var(&name, &value);
    }
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(summary(&report), "x--------", "{report:#?}");
    let check = report.first_failure().unwrap();
    assert_eq!(check.subject, Some(Subject::NotSignedIn));
    assert!(
        fix(check).contains("AZURE_CLIENT_ID"),
        "{}",
        said(&report, CheckId::SignIn)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_workspace_group_and_subscription_are_each_named() {
    let contoso = Contoso::start().await;
    let elsewhere = "5ec0ffee-0009-4000-8000-000000000009";
    let with = |subscription: &str, group: &str, name: &str| Flags {
        subscription: Some(subscription.into()),
        resource_group: Some(group.into()),
        workspace: Some(name.into()),
    };
    for (flags, outcome, code, named) in [
        (
            with(SUBSCRIPTION, "rg-contoso-ml", "ws-gone"),
            "++++x----",
            "ResourceNotFound",
            "ws-gone",
        ),
        (
            with(elsewhere, "rg-contoso-ml", "ws-1"),
            "+++x-----",
            "SubscriptionNotFound",
            elsewhere,
        ),
    ] {
        let report = examine(contoso.laptop("azcred-contributor", Way::Ports), &flags).await;
        assert_eq!(summary(&report), outcome, "{report:#?}");
        let check = report.first_failure().unwrap();
        assert_eq!(check.code.as_deref(), Some(code));
        assert!(
            check.reason.contains(named) && fix(check).starts_with("check "),
            "{check:#?}"
        );
    }
    // An identity with rights in the subscription is told that the group is missing.
    assign(
        &contoso,
        "d0000001-0000-4000-8000-000000000009",
        "Reader",
        &format!("/subscriptions/{SUBSCRIPTION}"),
    );
    let flags = with(SUBSCRIPTION, "rg-gone", "ws-1");
    let report = examine(contoso.laptop("azcred-contributor", Way::Ports), &flags).await;
    let check = report.first_failure().unwrap();
    assert_eq!(
        check.code.as_deref(),
        Some("ResourceGroupNotFound"),
        "{report:#?}"
    );
    assert!(check.reason.contains("rg-gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_named_by_its_domain_is_the_same_tenant() {
    let contoso = Contoso::start().await;
    let machine = contoso
        .laptop("azcred-demo", Way::Ports)
        .with_var("AZURE_TENANT_ID", "contoso.onmicrosoft.com");
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(
        said(&report, CheckId::Tenant),
        format!("Ok: Contoso ({TENANT}) |  | ")
    );
}

/// The tenant of the program's own request is another one than that of the variables.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_from_another_tenant_than_that_of_the_variables_is_a_failure() {
    const OTHER: &str = "c0a70500-0000-4000-8000-00000000dead";
    let contoso = Contoso::start().await;
    let azure = contoso.laptop("azcred-demo", Way::Ports);
    let value = |name| azcred::system::System::var(&azure, name).unwrap();
    let himl = azure
        .clone()
        .with_var("AZURE_TENANT_ID", "")
        .with_var("HIML_TENANT_ID", OTHER)
        .with_var("HIML_SERVICE_PRINCIPAL_ID", &value("AZURE_CLIENT_ID"))
        .with_var(
            "HIML_SERVICE_PRINCIPAL_PASSWORD",
            &value("AZURE_CLIENT_SECRET"),
        );
    for machine in [azure.clone().with_var("AZURE_TENANT_ID", OTHER), himl] {
        let session = session(&machine).tenant(TenantId::new(TENANT).unwrap());
        let place = locate(&machine, Path::new(FOLDER), &Flags::default());
        let report = watch(&Doctor::new(session, place)).await;
        let check = report.check(CheckId::Tenant).unwrap();
        assert_eq!(check.status, Status::Failed, "{check:#?}");
        assert!(check.reason.contains(OTHER), "{check:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_an_hour_off_is_reported_with_its_direction() {
    let contoso = Contoso::start().await;
    contoso
        .emulator
        .faults()
        .arm(Fault::new(Effect::ClockSkew { seconds: 5400 }))
        .unwrap();
    let report = examine(contoso.laptop("azcred-demo", Way::Ports), &Flags::default()).await;
    let clock = said(&report, CheckId::Clock);
    assert!(
        clock.starts_with("Warning: 90 minutes behind")
            || clock.starts_with("Warning: 89 minutes behind"),
        "{clock}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_workspace_the_visible_subscriptions_and_the_way_to_name_one_are_shown() {
    let contoso = Contoso::start().await;
    let machine = contoso.laptop("azcred-demo", Way::Ports);
    let report = examine(without_workspace(machine), &Flags::default()).await;
    assert_eq!(summary(&report), "++++x----", "{report:#?}");
    assert!(said(&report, CheckId::Subscription).contains("Contoso ML"));
    assert!(said(&report, CheckId::Workspace).contains("config.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_manager_that_fails_hangs_or_sends_nonsense_is_one_failure_within_the_deadline()
{
    let contoso = Contoso::start().await;
    for (effect, words) in [
        (Effect::Html, "web page"),
        (Effect::TruncatedJson, "cut off"),
        (Effect::HugeBody, "MiB"),
        (
            Effect::Redirect {
                status: 302,
                location: "https://evil.example/".into(),
            },
            "evil.example",
        ),
        (
            Effect::Status {
                status: 503,
                retry_after: Some(600),
            },
            "600 s",
        ),
        (Effect::Hang, "time"),
    ] {
        let kind = effect.kind();
        let faults = contoso.emulator.faults();
        faults
            .arm(Fault::new(effect).on(Service::Arm).path("/subscriptions"))
            .unwrap();
        let machine = contoso.laptop("azcred-demo", Way::Ports);
        let patience = Duration::from_secs(if kind == "hang" { 2 } else { 30 });
        let doctor = doctor(&machine, &Flags::default()).with_deadline(patience);
        let report = watch(&doctor).await;
        assert_eq!(report.checks.len(), 9, "{kind}");
        let failures: Vec<_> = report
            .checks
            .iter()
            .filter(|check| check.status == Status::Failed)
            .collect();
        assert_eq!(failures.len(), 1, "{kind}: {report:#?}");
        let text = format!("{} {}", failures[0].reason, fix(failures[0]));
        assert!(text.contains(words), "{kind}: {text}");
        faults.clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_that_can_not_be_read_give_one_failure() {
    let contoso = Contoso::start().await;
    let fault = Fault::new(Effect::Html).on(Service::Arm);
    contoso
        .emulator
        .faults()
        .arm(fault.path("/permissions"))
        .unwrap();
    let report = examine(contoso.laptop("azcred-demo", Way::Ports), &Flags::default()).await;
    assert_eq!(summary(&report), "+++++x---", "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_required_capabilities_decide_whether_the_report_is_healthy() {
    let contoso = Contoso::start().await;
    let machine = contoso.laptop("azcred-demo", Way::Ports);
    let doctor = doctor(&machine, &Flags::default()).requiring([Capability::ManageComputes]);
    let report = watch(&doctor).await;
    assert_eq!(summary(&report), "++++++++x", "{report:#?}");
    assert!(!report.healthy);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_json_of_a_stable_form_without_the_secret() {
    let contoso = Contoso::start().await;
    let machine = contoso.laptop("azcred-demo", Way::Ports);
    let secret = azcred::system::System::var(&machine, "AZURE_CLIENT_SECRET").unwrap();
    let report = examine(machine, &Flags::default()).await;
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["healthy"], true);
    assert_eq!(json["principal"]["kind"], "servicePrincipal");
    assert_eq!(json["principal"]["proof"], "secret");
    let last = &json["checks"][8];
    assert_eq!(
        (&last["id"], &last["status"]),
        (&"manageComputes".into(), &"warning".into())
    );
    for field in [
        "title",
        "detail",
        "reason",
        "fix",
        "subject",
        "code",
        "correlationId",
        "milliseconds",
    ] {
        assert!(last.get(field).is_some(), "{field}");
    }
    assert!(!json.to_string().contains(&secret) && !format!("{report:?}").contains(&secret));
}

#[tokio::test]
async fn a_session_that_can_not_be_opened_is_reported_with_its_own_error() {
    let machine = Fixture::new().with_var("AZURE_AUTHORITY_HOST", "http://login.example");
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(summary(&report), "x--------");
    let check = &report.checks[0];
    assert!(check.reason.contains("AZURE_AUTHORITY_HOST"), "{check:#?}");
    assert_eq!(check.subject, Some(Subject::Other));
}

/// The machine without anything that names a workspace.
fn without_workspace(machine: Fixture) -> Fixture {
    let names = [
        "AZUREML_ARM_SUBSCRIPTION",
        "AZUREML_ARM_RESOURCEGROUP",
        "AZUREML_ARM_WORKSPACE_NAME",
    ];
    names
        .into_iter()
        .fold(machine, |machine, name| machine.with_var(name, ""))
}

/// Assigns a role to a principal, as an owner would.
fn assign(contoso: &Contoso, object: &str, role: &str, scope: &str) {
    let mut resources = contoso.emulator.world().resources_mut();
    let role = resources.role_named(role).expect("it is built in").id;
    let assignment = serde_json::json!({
        "id": role, "scope": scope, "role": role, "principal": object,
        "principal_type": "ServicePrincipal", "created_on": "2026-01-01T00:00:00Z",
    });
    let assignment = serde_json::from_value(assignment).expect("it is valid");
    resources.assign(assignment).expect("it is new");
}
