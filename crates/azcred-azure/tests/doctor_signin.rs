//! The doctor's checks of the sign-in: each cause in the user's terms, and no alarm on a machine
//! that is well.

mod contoso;

use azcred::{
    Session,
    system::{Fixture, System},
};
use azcred_azure::{CheckId, Doctor, Flags, Report, Status, Subject, locate};
use azcred_emulator::{PERSONAS, Persona, WAYS, Way};
use contoso::{Contoso, FOLDER, TENANT, fix, said, watch};
use std::path::Path;

/// The report for a machine with the whole chain, as the command line has it.
async fn examine(machine: Fixture) -> Report {
    let place = locate(&machine, Path::new(FOLDER), &Flags::default());
    let session = Session::builder().at(machine.shared(), FOLDER);
    watch(&Doctor::new(session, place)).await
}

/// The checks of the sign-in that are neither ok nor without meaning here.
fn alarms(report: &Report) -> Vec<String> {
    let checks = report.checks.iter();
    checks
        .filter(|check| check.area == azcred_azure::Area::SignIn)
        .filter(|check| !matches!(check.status, Status::Ok | Status::DoesNotApply))
        .map(|check| said(report, check.id))
        .collect()
}

fn reason(report: &Report, id: CheckId) -> &str {
    &report.check(id).unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn no_persona_that_is_well_gives_an_alarm() {
    let contoso = Contoso::start().await;
    for (name, persona) in PERSONAS {
        // Arc's agent writes its keys where this machine, which is a value, has no disk.
        if matches!(persona, Persona::NoAccount | Persona::Arc) {
            continue;
        }
        for (_, way) in WAYS {
            let report = examine(contoso.persona(*persona, *way)).await;
            assert_eq!(alarms(&report), [""; 0], "{name} {way:?}");
            let sign_in = report.check(CheckId::SignIn).unwrap();
            assert_eq!(sign_in.status, Status::Ok, "{name}: {sign_in:#?}");
        }
    }
}

/// The variables are the cause, and the sign-in is not a second failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_value_with_something_around_it_is_the_cause_and_no_secret_is_shown() {
    let contoso = Contoso::start().await;
    let machine = contoso.laptop("azcred-demo", Way::Ports);
    let secret = machine.var("AZURE_CLIENT_SECRET").unwrap();
    for (dressed, cause) in [
        (
            format!("\"{secret}\""),
            "AZURE_CLIENT_SECRET: it is in quotes, and Entra ID gets it like that",
        ),
        (
            format!("{secret}\n"),
            "AZURE_CLIENT_SECRET: it ends with a line end, and Entra ID gets it like that",
        ),
        (
            "a0000001-0000-4000-8000-00000000000f".to_owned(),
            "AZURE_CLIENT_SECRET: it is a GUID, as the id of a secret is, not its value",
        ),
        (
            "${{ secrets.X }}".to_owned(),
            "AZURE_CLIENT_SECRET: it is a placeholder that nothing has replaced",
        ),
    ] {
        let report = examine(machine.clone().with_var("AZURE_CLIENT_SECRET", &dressed)).await;
        let check = report.first_failure().unwrap();
        assert_eq!(
            (check.id, check.reason.as_str()),
            (CheckId::Variables, cause)
        );
        assert_eq!(check.subject, Some(Subject::Refused));
        assert_eq!(check.code.as_deref(), Some("AADSTS7000215"));
        assert_eq!(
            report.check(CheckId::SignIn).unwrap().status,
            Status::Skipped
        );
        if dressed.contains(&secret) {
            let line = fix(check);
            assert!(
                line.starts_with("run `export AZURE_CLIENT_SECRET="),
                "{line}"
            );
        }
        assert!(!format!("{report:?}").contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_set_group_is_the_cause_only_where_no_account_is_signed_in() {
    let contoso = Contoso::start().await;
    let application = contoso.laptop("azcred-demo", Way::Ports);
    let secret = application.var("AZURE_CLIENT_SECRET").unwrap();
    let renamed = application
        .clone()
        .with_var("AZURE_CLIENT_SECRET", "")
        .with_var("AZURE_SECRET", &secret);
    let report = examine(renamed).await;
    let check = report.first_failure().unwrap();
    assert_eq!(check.id, CheckId::Variables, "{check:#?}");
    assert_eq!(
        check.reason,
        "AZURE_CLIENT_SECRET is not set, but AZURE_SECRET is, which no Azure SDK reads"
    );
    assert_eq!(
        fix(check),
        "run `export AZURE_CLIENT_SECRET=\"$AZURE_SECRET\"`"
    );
    assert_eq!(check.subject, Some(Subject::NotSignedIn));
    let report = examine(application.with_var("AZURE_CLIENT_ID", "")).await;
    assert_eq!(
        reason(&report, CheckId::Variables),
        "AZURE_CLIENT_ID is not set, but AZURE_TENANT_ID and AZURE_CLIENT_SECRET are"
    );

    let laptop = contoso.persona(Persona::Laptop, Way::Ports);
    let report = examine(laptop.clone().with_var("AZURE_CLIENT_SECRET", &secret)).await;
    let check = report.check(CheckId::Variables).unwrap();
    assert_eq!(check.status, Status::Warning, "{check:#?}");
    assert!(
        fix(check).starts_with("run `unset AZURE_CLIENT_SECRET`; or if "),
        "{check:#?}"
    );
    assert_eq!(report.check(CheckId::SignIn).unwrap().status, Status::Ok);
    // The ids alone are also those of a managed identity, and Terraform's variables are its own.
    let ids = laptop
        .with_var("AZURE_TENANT_ID", TENANT)
        .with_var("AZURE_CLIENT_ID", "a0000001-0000-4000-8000-000000000001")
        .with_var("ARM_CLIENT_SECRET", &secret);
    assert_eq!(alarms(&examine(ids).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_quotes_is_a_warning_as_other_programs_send_them() {
    let contoso = Contoso::start().await;
    let machine = contoso
        .laptop("azcred-demo", Way::Ports)
        .with_var("AZURE_TENANT_ID", &format!("'{TENANT}'"));
    let report = examine(machine).await;
    let check = report.check(CheckId::Variables).unwrap();
    assert_eq!(check.status, Status::Warning, "{check:#?}");
    assert_eq!(
        check.reason,
        format!(
            "AZURE_TENANT_ID ('{TENANT}'): it is in quotes, and other programs send it like that"
        )
    );
    assert_eq!(fix(check), format!("run `export AZURE_TENANT_ID={TENANT}`"));
    assert_eq!(report.check(CheckId::SignIn).unwrap().status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_names_what_was_rejected_and_its_value() {
    let contoso = Contoso::start().await;
    let laptop = |name| contoso.laptop(name, Way::Ports);
    let unknown = "a0000001-0000-4000-8000-0000000000ff";
    let elsewhere = "c0a70500-0000-4000-8000-0000000000ff";
    for (machine, cause) in [
        (
            laptop("azcred-expired"),
            "the client secret in AZURE_CLIENT_SECRET has expired".to_owned(),
        ),
        (
            laptop("azcred-demo").with_var("AZURE_CLIENT_SECRET", "abc8Q~wrong"),
            "the client secret in AZURE_CLIENT_SECRET is not a secret of the application \
             a0000001-0000-4000-8000-000000000001 (AZURE_CLIENT_ID)"
                .to_owned(),
        ),
        (
            laptop("azcred-demo").with_var("AZURE_CLIENT_ID", unknown),
            format!(
                "the tenant {TENANT} (AZURE_TENANT_ID) does not have the application {unknown} (AZURE_CLIENT_ID)"
            ),
        ),
        (
            laptop("azcred-demo").with_var("AZURE_TENANT_ID", elsewhere),
            format!("the tenant {elsewhere} (AZURE_TENANT_ID) does not exist"),
        ),
        (
            laptop("azcred-disabled"),
            "the application a0000001-0000-4000-8000-000000000004 (AZURE_CLIENT_ID) is disabled"
                .to_owned(),
        ),
        (
            laptop("azcred-blocked"),
            "a Conditional Access policy blocks the application a0000001-0000-4000-8000-000000000007 (AZURE_CLIENT_ID)"
                .to_owned(),
        ),
    ] {
        let report = examine(machine).await;
        let check = report.first_failure().unwrap();
        assert_eq!(
            (check.id, &check.reason),
            (CheckId::SignIn, &cause),
            "{check:#?}"
        );
        assert!(check.code.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ci_job_without_its_permission_is_told_what_is_missing() {
    let contoso = Contoso::start().await;
    let job = contoso
        .persona(Persona::Github, Way::Ports)
        .with_var("ACTIONS_ID_TOKEN_REQUEST_URL", "")
        .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "");
    let report = examine(job).await;
    let check = report.check(CheckId::SignIn).unwrap();
    assert!(
        check
            .reason
            .starts_with("this GitHub Actions job has no identity: "),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_account_for_a_folder_is_named_with_the_file_that_expects_another() {
    let contoso = Contoso::start().await;
    let machine = contoso.persona(Persona::Laptop, Way::Ports).with_file(
        Path::new(FOLDER).join("azcred.toml"),
        "[expect]\nprincipal = \"grace@contoso.com\"\n",
    );
    let report = examine(machine).await;
    let check = report.first_failure().unwrap();
    assert_eq!(check.id, CheckId::SignIn);
    for word in ["azcred.toml", "grace@contoso.com", "ada@contoso.com"] {
        assert!(check.reason.contains(word), "{check:#?}");
    }
}

/// An application that may read its own end, with a secret that ends in nine days and some hours.
fn ending() -> String {
    let end = time::OffsetDateTime::now_utc() + time::Duration::hours(9 * 24 + 12);
    let end = end
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    format!(
        r#"
[[applications]]
app_id = "a0000001-0000-4000-8000-0000000000e1"
object_id = "b0000001-0000-4000-8000-0000000000e1"
name = "ending"
service_principal = {{ id = "d0000001-0000-4000-8000-0000000000e1", graph_permissions = ["Application.Read.All"] }}
secrets = [{{ name = "soon", expires = "{end}" }}]
"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ends_soon_is_a_warning_for_who_may_read_it_and_nothing_for_others() {
    let contoso = Contoso::start_with(&ending()).await;
    let report = examine(contoso.laptop("ending", Way::Ports)).await;
    let check = report.check(CheckId::Expiry).unwrap();
    assert_eq!(check.status, Status::Warning, "{check:#?}");
    let cause = "the client secret in AZURE_CLIENT_SECRET ends in 9 days (";
    assert!(check.reason.starts_with(cause), "{check:#?}");
    assert!(
        fix(check).contains("a0000001-0000-4000-8000-0000000000e1"),
        "{check:#?}"
    );
    let hidden = examine(contoso.laptop("azcred-demo", Way::Ports)).await;
    assert_eq!(
        hidden.check(CheckId::Expiry).unwrap().status,
        Status::DoesNotApply
    );
    let readable = examine(contoso.laptop("azcred-contributor", Way::Ports)).await;
    assert_eq!(readable.check(CheckId::Expiry).unwrap().status, Status::Ok);
    let certificate = examine(contoso.persona(Persona::Certificate, Way::Ports)).await;
    let check = certificate.check(CheckId::Expiry).unwrap();
    assert_eq!(check.status, Status::Ok, "{check:#?}");
    assert!(
        check.detail.starts_with("the certificate ends on "),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hi_mls_variables_without_the_secret_are_completed_from_those_of_the_same_application() {
    let contoso = Contoso::start().await;
    let machine = contoso.laptop("azcred-demo", Way::Ports);
    let id = machine.var("AZURE_CLIENT_ID").unwrap();
    let machine = machine
        .with_var("HIML_TENANT_ID", TENANT)
        .with_var("HIML_SERVICE_PRINCIPAL_ID", &id);
    let report = examine(machine.clone()).await;
    let check = report.check(CheckId::Variables).unwrap();
    assert_eq!(check.status, Status::Warning, "{check:#?}");
    assert_eq!(
        check.reason,
        "HIML_SERVICE_PRINCIPAL_PASSWORD is not set, but HIML_TENANT_ID and HIML_SERVICE_PRINCIPAL_ID are"
    );
    assert_eq!(
        fix(check),
        "run `export HIML_SERVICE_PRINCIPAL_PASSWORD=\"$AZURE_CLIENT_SECRET\"`"
    );
    let another = machine.with_var("HIML_SERVICE_PRINCIPAL_ID", TENANT);
    let report = examine(another).await;
    let check = report.check(CheckId::Variables).unwrap();
    let line = "run `unset HIML_TENANT_ID HIML_SERVICE_PRINCIPAL_ID`; or if ";
    assert!(fix(check).starts_with(line), "{check:#?}");
}
