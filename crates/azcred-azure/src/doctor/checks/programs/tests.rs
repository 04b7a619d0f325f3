use super::*;
use crate::doctor::report::Status;
use azcred::system::{Fixture, Program as Runs};
use serde_json::json;

const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";

fn person(name: &str, tenant: &str) -> Principal {
    let claims =
        json!({"upn": name, "oid": name, "tid": tenant, "scp": "user_impersonation", "sub": "s"});
    Principal::from_claims(claims.as_object().unwrap())
}

fn application(id: &str) -> Principal {
    let claims = json!({"appid": id, "oid": "o", "sub": "o", "idtyp": "app", "tid": TENANT});
    Principal::from_claims(claims.as_object().unwrap())
}

fn row(program: Program, acts: Acts, is_used: bool) -> Row {
    Row {
        variables: Vec::new(),
        program,
        acts,
        is_used,
    }
}

fn other() -> Acts {
    compared(
        &person("ada@contoso.com", TENANT),
        &person("grace@contoso.com", TENANT),
        "Azure CLI",
    )
}

#[test]
fn the_same_account_in_another_tenant_is_another_identity() {
    let ada = person("ada@contoso.com", TENANT);
    assert_eq!(compared(&ada, &ada, "az"), Acts::Same("az".to_owned()));
    let Acts::Other { who, .. } = compared(&ada, &person("ada@contoso.com", "t-2"), "az") else {
        panic!("it is the same account, and another tenant")
    };
    assert_eq!(who, "ada@contoso.com in the tenant t-2");
}

#[test]
fn a_program_that_is_used_and_acts_as_another_is_a_warning_and_one_that_is_not_used_is_told() {
    let ada = person("ada@contoso.com", TENANT);
    let rows = |is_used| {
        [
            row(Program::Kedro, other(), is_used),
            row(
                Program::MlClient,
                Acts::Same("AZURE_CLIENT_SECRET".to_owned()),
                true,
            ),
            row(Program::HiMl, Acts::Asks, true),
        ]
    };
    let warned = tell(&ada, &rows(true));
    assert_eq!(warned.status, Status::Warning);
    assert_eq!(
        warned.reason,
        "kedro acts as grace@contoso.com, and not as ada@contoso.com"
    );
    let start = Fix::StartProgram {
        command: "kedro azureml run".to_owned(),
    };
    assert_eq!(warned.fixes, [start]);
    let told = tell(&ada, &rows(false));
    assert_eq!(told.status, Status::Ok);
    assert_eq!(
        told.detail,
        "MLClient acts as this account; kedro acts as grace@contoso.com"
    );
    let evidence: Vec<_> = told
        .evidence
        .iter()
        .map(|one| (one.name, &*one.value))
        .collect();
    assert_eq!(
        evidence,
        [
            (
                "kedro",
                "grace@contoso.com, another account, from Azure CLI"
            ),
            ("MLClient", "ada@contoso.com, from AZURE_CLIENT_SECRET"),
            ("hi-ml", "no sign-in of its own: it would ask a person"),
        ]
    );
}

#[test]
fn programs_without_a_sign_in_of_their_own_give_no_alarm() {
    let ada = person("ada@contoso.com", TENANT);
    let verdict = tell(&ada, &[row(Program::Kedro, Acts::Nothing(None), true)]);
    assert_eq!(verdict.status, Status::Ok);
    assert_eq!(
        verdict.detail,
        "no other program has a sign-in of its own here"
    );
}

#[test]
fn terraform_reads_its_own_variables_before_azure_cli() {
    let own = application("a-1");
    let az = Acts::Same("Azure CLI".to_owned());
    let with = |variables: &[(&str, &str)]| {
        let set = variables.iter();
        let machine = set.fold(Fixture::new(), |machine, (name, value)| {
            machine.with_var(name, value)
        });
        terraform::acts(&machine, &own, &az)
    };
    let (id, tenant) = (("ARM_CLIENT_ID", "a-1"), ("ARM_TENANT_ID", TENANT));
    assert_eq!(with(&[]), az);
    // Without a proof, the id is not used.
    assert_eq!(with(&[id, tenant]), az);
    assert_eq!(
        with(&[id, tenant, ("ARM_CLIENT_SECRET", "x")]),
        Acts::Same("ARM_CLIENT_SECRET".to_owned())
    );
    assert_eq!(
        with(&[id, tenant, ("ARM_USE_OIDC", "true")]),
        Acts::Same("ARM_USE_OIDC".to_owned())
    );
    let another = with(&[("ARM_CLIENT_ID", "a-2"), tenant, ("ARM_CLIENT_SECRET", "x")]);
    assert!(matches!(another, Acts::Other { ref who, .. } if who == "service principal a-2"));
    assert!(matches!(
        with(&[("ARM_USE_MSI", "true")]),
        Acts::Other { .. }
    ));
    assert_eq!(with(&[("ARM_USE_CLI", "false")]), Acts::Nothing(None));
}

#[test]
fn a_program_is_used_if_the_active_python_has_its_package() {
    let python = Runs::prints(0, "", "");
    let machine = Fixture::new()
        .with_program("python3", &python)
        .with_file("/usr/lib/python3.12", "")
        .with_file(
            "/usr/lib/python3.12/site-packages/azure/ai/ml/__init__.py",
            "",
        );
    let here = Here::look(&machine);
    assert!(
        uses(&here, Program::MlClient)
            && !uses(&here, Program::Kedro)
            && !uses(&here, Program::HiMl)
    );
    assert_eq!(python.runs(), 0);
    let himl = Here::look(&Fixture::new().with_var("HIML_TENANT_ID", TENANT));
    assert!(uses(&himl, Program::HiMl) && !uses(&himl, Program::MlClient));
}

fn uses(here: &Here, program: Program) -> bool {
    here.uses(program, false)
}

#[test]
fn a_tool_with_another_account_counts_only_where_variables_say_which_is_meant() {
    let here = Here::look(&Fixture::new().with_var("AZURE_CONFIG_DIR", "/az"));
    assert!(here.uses(Program::AzureCli, true) && !here.uses(Program::AzureCli, false));
    assert!(!here.uses(Program::Terraform, true));
    let other_tenant = compared(
        &person("ada@contoso.com", TENANT),
        &person("ada@fabrikam.com", "t-2"),
        "Azure CLI",
    );
    assert!(other().is_in_tenant() && !other_tenant.is_in_tenant());
}

#[test]
fn a_tool_without_an_account_on_disk_is_not_started() {
    let bare = Here::look(&Fixture::new().with_var("HOME", "/home/ada"));
    assert_eq!(
        bare.without,
        [
            Source::AzureCli,
            Source::AzurePowerShell,
            Source::AzureDeveloperCli
        ]
    );
    let signed_in = Fixture::new()
        .with_var("HOME", "/home/ada")
        .with_var("AZURE_CONFIG_DIR", "/az")
        .with_file("/az/azureProfile.json", "{}")
        .with_file("/home/ada/.azd/auth.json", "{}");
    assert_eq!(Here::look(&signed_in).without, [Source::AzurePowerShell]);
}
