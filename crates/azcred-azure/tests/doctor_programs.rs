//! Whether other programs act as the same identity, on machines with one sign-in and with two.

mod contoso;

use azcred::{
    Session,
    system::{Fixture, Program, System},
};
use azcred_azure::{CheckId, CheckReport, Doctor, Flags, Status, locate};
use azcred_emulator::{PERSONAS, Persona, Way};
use contoso::{Contoso, FOLDER, fix, watch};
use std::path::Path;

async fn examine(machine: Fixture) -> CheckReport {
    let place = locate(&machine, Path::new(FOLDER), &Flags::default());
    let session = Session::builder().at(machine.shared(), FOLDER);
    let report = watch(&Doctor::new(session, place)).await;
    report.check(CheckId::Programs).unwrap().clone()
}

fn row<'a>(check: &'a CheckReport, program: &str) -> &'a str {
    let mut rows = check.evidence.iter();
    rows.find(|row| row.name == program)
        .map_or("", |row| &row.value)
}

/// A Python with these packages is the first on `PATH`.
fn with_packages(machine: Fixture, packages: &[&str]) -> Fixture {
    let machine = machine
        .with_program("python3", &Program::dies())
        .with_file("/usr/lib/python3.12", "");
    packages.iter().fold(machine, |machine, package| {
        machine.with_file(
            format!("/usr/lib/python3.12/site-packages/{package}/__init__.py"),
            "",
        )
    })
}

const ALL: [&str; 3] = ["kedro_azureml_pipeline", "health_azure", "azure/ai/ml"];

#[tokio::test(flavor = "multi_thread")]
async fn no_persona_with_one_sign_in_gives_an_alarm_with_every_program_installed() {
    let contoso = Contoso::start().await;
    for (name, persona) in PERSONAS {
        if matches!(persona, Persona::NoAccount | Persona::Arc) {
            continue;
        }
        let check = examine(with_packages(contoso.persona(*persona, Way::Ports), &ALL)).await;
        assert_eq!(check.status, Status::Ok, "{name}: {check:#?}");
    }
}

/// The rows of the page that compares the chains, for one sign-in each.
#[tokio::test(flavor = "multi_thread")]
async fn each_program_has_the_identity_that_it_would_have_by_itself() {
    let contoso = Contoso::start().await;
    let none = "no sign-in of its own";
    let asks = "no sign-in of its own: it would ask a person";
    for (persona, kedro, hi_ml, ml_client, az) in [
        (Persona::ServicePrincipal, "service", none, "service", none),
        (Persona::Himl, none, "service", none, none),
        (Persona::Laptop, "ada@", "ada@", "ada@", "ada@"),
        (Persona::Github, none, none, none, none),
        (Persona::Aks, "service", none, "service", none),
        // kedro leaves managed identity out where MSI_ENDPOINT is set.
        (
            Persona::AzureMlCompute,
            none,
            none,
            "managed identity",
            none,
        ),
        (
            Persona::Vm,
            "managed identity",
            none,
            "managed identity",
            none,
        ),
    ] {
        let check = examine(contoso.persona(persona, Way::Ports)).await;
        for (program, who) in [
            ("kedro", kedro),
            ("hi-ml", hi_ml),
            ("MLClient", ml_client),
            ("az", az),
            ("Terraform", az),
        ] {
            let row = row(&check, program);
            assert!(
                row.starts_with(who) || who == none && row == asks,
                "{persona:?} {program}: {row}"
            );
        }
    }
}

/// A service principal's variables, on a laptop on which Azure CLI is signed in as Ada.
fn both(contoso: &Contoso) -> Fixture {
    let laptop = contoso.persona(Persona::Laptop, Way::Ports);
    let application = contoso.persona(Persona::ServicePrincipal, Way::Ports);
    let names = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
    names.into_iter().fold(laptop, |machine, name| {
        machine.with_var(name, &application.var(name).unwrap())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_of_azure_cli_is_a_warning_where_variables_say_which_account_is_meant() {
    let contoso = Contoso::start().await;
    let warned = examine(both(&contoso)).await;
    assert_eq!(warned.status, Status::Warning, "{warned:#?}");
    assert_eq!(
        warned.detail,
        "kedro and MLClient act as this account; hi-ml acts as ada@contoso.com; az acts as ada@contoso.com; \
         Terraform acts as ada@contoso.com"
    );
    assert_eq!(
        warned.reason,
        "az acts as ada@contoso.com, and not as service principal a0000001-0000-4000-8000-000000000001"
    );
    assert!(fix(&warned).contains("az account show"), "{warned:#?}");
    let with_himl = examine(with_packages(both(&contoso), &["health_azure"])).await;
    assert!(
        with_himl
            .reason
            .starts_with("hi-ml acts as ada@contoso.com, az acts as "),
        "{with_himl:#?}"
    );
    assert!(
        fix(&with_himl).contains("python train.py"),
        "{with_himl:#?}"
    );
}

/// Terraform's own application, beside the account that is signed in to Azure CLI.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_sign_in_for_something_else_is_told_and_is_no_alarm() {
    let contoso = Contoso::start().await;
    let machine = contoso
        .persona(Persona::Laptop, Way::Ports)
        .with_var("ARM_TENANT_ID", contoso::TENANT)
        .with_var("ARM_CLIENT_ID", "a0000001-0000-4000-8000-000000000009")
        .with_var("ARM_CLIENT_SECRET", "x");
    let told = examine(with_packages(machine.clone(), &ALL)).await;
    assert_eq!(told.status, Status::Ok, "{told:#?}");
    assert!(
        row(&told, "Terraform").starts_with("service principal a0000001-"),
        "{told:#?}"
    );
    let meant = both(&contoso)
        .with_var("ARM_TENANT_ID", contoso::TENANT)
        .with_var("ARM_CLIENT_ID", "a0000001-0000-4000-8000-000000000009")
        .with_var("ARM_CLIENT_SECRET", "x");
    let warned = examine(meant).await;
    assert!(
        warned
            .reason
            .contains("Terraform acts as service principal a0000001-"),
        "{warned:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_azcred_started_has_one_account_for_all() {
    let contoso = Contoso::start().await;
    let machine = contoso.persona(Persona::AppService, Way::Ports);
    let endpoint = machine.var("IDENTITY_ENDPOINT").unwrap();
    let check = examine(machine.with_var("AZCRED_EXEC", &endpoint)).await;
    assert_eq!(check.status, Status::DoesNotApply, "{check:#?}");
}

/// Azure CLI's files tell, and a tool without an account is not started.
#[tokio::test(flavor = "multi_thread")]
async fn no_program_is_started() {
    let contoso = Contoso::start().await;
    for persona in [Persona::Laptop, Persona::ServicePrincipal] {
        let tool = Program::prints(0, "", "");
        let machine = ["az", "pwsh", "azd", "terraform", "python3", "kedro"]
            .into_iter()
            .fold(contoso.persona(persona, Way::Ports), |machine, name| {
                machine.with_program(name, &tool)
            });
        examine(machine.with_var("HOME", "/home/ada")).await;
        assert_eq!(tool.runs(), 0, "{persona:?}");
    }
}
