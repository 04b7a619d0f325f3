//! What the doctor finds out about the machine and its network: its clock, its proxies, the
//! certificates that it trusts, and which addresses respond.

mod contoso;

use azcred::{Session, chain::Source, system::Fixture};
use azcred_azure::{CheckId, Doctor, Flags, Report, Status, Subject, locate};
use azcred_emulator::{Effect, Fault, Persona, Service, Way};
use contoso::{Contoso, FOLDER, doctor, examine, failed, fix, said, warned, watch};
use std::{net::TcpListener, path::Path, time::Duration};

/// The application that may do what running jobs needs.
const DEMO: &str = "azcred-demo";
/// Azure's chassis asset tag (cloud-init, `sources/azure/identity.py`).
const TAG: (&str, &str) = (
    "/sys/class/dmi/id/chassis_asset_tag",
    "7783-7084-3265-9085-8269-3286-77\n",
);

fn status(report: &Report, id: CheckId) -> Status {
    report.check(id).expect("it is in the report").status
}

fn arm(contoso: &Contoso, service: Service, effect: Effect) {
    let faults = contoso.emulator.faults();
    faults
        .arm(Fault::new(effect).on(service))
        .expect("it is valid");
}

/// A report of a run with little time, in which something never responds.
async fn in_little_time(machine: &Fixture) -> Report {
    let doctor = doctor(machine, &Flags::default());
    watch(&doctor.with_deadline(Duration::from_secs(12))).await
}

/// A machine with the variables of a persona, and the files that they name.
fn with_persona(contoso: &Contoso, persona: Persona, way: Way) -> Fixture {
    let set = contoso.emulator.info().environment(persona, way).set;
    set.into_iter()
        .fold(Fixture::new(), |machine, (name, value)| {
            let machine = machine.with_var(&name, &value);
            match std::fs::read(&value) {
                Ok(file) => machine.with_file(&value, file),
                Err(_) => machine,
            }
        })
}

/// A machine whose proxy is this one, for both names of the variable.
fn with_proxy(machine: Fixture, proxy: &str) -> Fixture {
    machine
        .with_var("HTTPS_PROXY", proxy)
        .with_var("https_proxy", proxy)
}

/// A port of this machine at which nothing listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// The certificate of an authority that signed nothing.
fn other_authority() -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut of = rcgen::CertificateParams::default();
    of.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    of.self_signed(&key).expect("it is valid").pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_healthy_machine_each_address_is_named_and_reached() {
    let contoso = Contoso::start().await;
    let report = examine(contoso.laptop(DEMO, Way::RealNames), &Flags::default()).await;
    let detail = |id| report.check(id).expect("it is there").detail.as_str();
    assert_eq!(detail(CheckId::Network), "through the proxy of https_proxy");
    assert_eq!(detail(CheckId::Clock), "matches Azure's clock");
    assert_eq!(detail(CheckId::SignInService), "login.microsoftonline.com");
    assert_eq!(detail(CheckId::ResourceManager), "management.azure.com");
    assert_eq!(detail(CheckId::Graph), "graph.microsoft.com");
    assert_eq!(
        detail(CheckId::WorkspaceServices),
        "westeurope.api.azureml.ms, westeurope.experiments.azureml.net"
    );
    let storage = detail(CheckId::StorageAddress);
    assert!(storage.ends_with(".blob.core.windows.net"), "{storage}");
    assert_eq!(
        status(&report, CheckId::MetadataProxy),
        Status::DoesNotApply
    );
    assert_eq!(failed(&report), [], "{report:#?}");

    let report = examine(contoso.laptop(DEMO, Way::Ports), &Flags::default()).await;
    assert_eq!(failed(&report), [], "{report:#?}");
    assert_eq!(said(&report, CheckId::Network), "Ok: no proxy |  | ");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_never_responds_is_named_and_all_others_are_told() {
    let contoso = Contoso::start().await;
    for (service, silent, host, told) in [
        (
            Service::Login,
            CheckId::SignInService,
            "login.microsoftonline.com",
            &[CheckId::ResourceManager, CheckId::Graph][..],
        ),
        (
            Service::Arm,
            CheckId::ResourceManager,
            "management.azure.com",
            &[CheckId::SignInService, CheckId::Graph, CheckId::SignIn],
        ),
        (
            Service::Ml,
            CheckId::WorkspaceServices,
            "westeurope.api.azureml.ms",
            &[
                CheckId::ResourceManager,
                CheckId::StorageAddress,
                CheckId::SubmitJobs,
            ],
        ),
        (
            Service::Blob,
            CheckId::StorageAddress,
            ".blob.core.windows.net",
            &[CheckId::WorkspaceServices, CheckId::SubmitJobs],
        ),
    ] {
        arm(&contoso, service, Effect::Hang);
        let report = in_little_time(&contoso.laptop(DEMO, Way::RealNames)).await;
        assert_eq!(
            report.first_failure().map(|check| check.id),
            Some(silent),
            "{service:?}: {report:#?}"
        );
        let check = report.check(silent).expect("it is there");
        assert_eq!(check.subject, Some(Subject::Unreachable));
        assert!(check.reason.contains(host), "{check:#?}");
        assert!(
            check.reason.contains("did not respond in time"),
            "{check:#?}"
        );
        for id in told {
            assert_eq!(
                status(&report, *id),
                Status::Ok,
                "{service:?}: {id:?}: {report:#?}"
            );
        }
        contoso.emulator.faults().clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_reset_is_the_one_failure() {
    let contoso = Contoso::start().await;
    for (service, broken) in [
        (Service::Login, CheckId::SignInService),
        (Service::Arm, CheckId::ResourceManager),
        (Service::Ml, CheckId::WorkspaceServices),
    ] {
        arm(&contoso, service, Effect::Reset);
        let report = examine(contoso.laptop(DEMO, Way::RealNames), &Flags::default()).await;
        assert_eq!(failed(&report), [broken], "{service:?}: {report:#?}");
        let check = report.first_failure().expect("it failed");
        assert!(check.reason.contains("closed the connection"), "{check:#?}");
        contoso.emulator.faults().clear();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_once_is_no_failure() {
    let contoso = Contoso::start().await;
    let once = Fault::new(Effect::Reset).on(Service::Graph).times(1);
    contoso.emulator.faults().arm(once).expect("it is valid");
    let report = examine(contoso.laptop(DEMO, Way::Ports), &Flags::default()).await;
    assert_eq!(status(&report, CheckId::Graph), Status::Ok, "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_jobs_do_not_need_is_a_warning() {
    let contoso = Contoso::start().await;
    arm(&contoso, Service::Graph, Effect::Reset);
    let report = examine(contoso.laptop(DEMO, Way::Ports), &Flags::default()).await;
    assert_eq!(failed(&report), [], "{report:#?}");
    assert!(warned(&report).contains(&CheckId::Graph), "{report:#?}");
    let check = report.check(CheckId::Graph).expect("it is there");
    assert!(
        check.reason.contains("jobs and data don't need it"),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_managed_identity_does_not_need_the_sign_in_service() {
    let contoso = Contoso::start().await;
    arm(&contoso, Service::Login, Effect::Hang);
    let machine = with_persona(&contoso, Persona::Vm, Way::Ports);
    let session = Session::builder()
        .at(machine.clone().shared(), FOLDER)
        .only([Source::ManagedIdentity]);
    let place = locate(&machine, Path::new(FOLDER), &Flags::default());
    let report = watch(&Doctor::new(session, place)).await;
    assert_eq!(status(&report, CheckId::SignIn), Status::Ok, "{report:#?}");
    assert_eq!(
        status(&report, CheckId::SignInService),
        Status::DoesNotApply,
        "{report:#?}"
    );
    assert_eq!(failed(&report), [], "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intercepting_proxy_is_named_with_the_file_that_trusts_it() {
    const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";
    const ADDED: &str = "/usr/local/share/ca-certificates/contoso.crt";
    let contoso = Contoso::start().await;
    let info = contoso.emulator.info();
    let authority = std::fs::read(&info.ca_certificate).expect("it is there");
    let bundle = std::fs::read(&info.ca_bundle).expect("it is there");
    // The usual roots, without the proxy's.
    let machine = contoso
        .laptop(DEMO, Way::RealNames)
        .with_var("SSL_CERT_FILE", "/roots.pem")
        .with_var("REQUESTS_CA_BUNDLE", "")
        .with_var("NODE_EXTRA_CA_CERTS", "")
        .with_var("CURL_CA_BUNDLE", "")
        .with_file("/roots.pem", other_authority());
    let report = examine(machine.clone(), &Flags::default()).await;
    assert_eq!(failed(&report), [CheckId::Network], "{report:#?}");
    let check = report.first_failure().expect("it failed");
    assert!(
        check.reason.starts_with("TLS interception by '"),
        "{check:#?}"
    );
    assert!(check.evidence.iter().any(|one| one.name == "certificate"));
    assert!(fix(check).contains("SSL_CERT_FILE"), "{check:#?}");

    // A whole bundle may replace the usual roots.
    let system = machine.clone().with_file(SYSTEM, bundle);
    let report = examine(system, &Flags::default()).await;
    let check = report.first_failure().expect("it failed");
    assert_eq!(fix(check), format!("set SSL_CERT_FILE={SYSTEM}"));

    let machine = machine.with_file(ADDED, authority);
    let report = examine(machine.clone(), &Flags::default()).await;
    let check = report.first_failure().expect("it failed");
    assert_eq!(
        fix(check),
        format!(
            "set NODE_EXTRA_CA_CERTS={ADDED}; for other programs too: `sudo update-ca-certificates`"
        )
    );
    let machine = machine.with_var("NODE_EXTRA_CA_CERTS", ADDED);
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(failed(&report), [], "{report:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn roots_that_can_not_be_read_are_the_cause() {
    let contoso = Contoso::start().await;
    for way in [Way::RealNames, Way::Ports] {
        let machine = contoso
            .laptop(DEMO, way)
            .with_var("SSL_CERT_FILE", "/missing.pem");
        let report = examine(machine, &Flags::default()).await;
        assert_eq!(failed(&report), [CheckId::Network], "{way:?}: {report:#?}");
        let check = report.first_failure().expect("it failed");
        assert!(
            check.reason.contains("SSL_CERT_FILE names (/missing.pem)"),
            "{check:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_or_is_not_understood_is_the_one_failure() {
    let contoso = Contoso::start().await;
    let refuses = format!("http://user:hunter2@127.0.0.1:{}", closed_port());
    for (proxy, says, subject) in [
        (
            refuses.as_str(),
            "refused the connection",
            Subject::Unreachable,
        ),
        ("socks://user:hunter2@127.0.0.1:9", "SOCKS", Subject::Other),
    ] {
        let machine = with_proxy(contoso.laptop(DEMO, Way::RealNames), proxy);
        let report = examine(machine, &Flags::default()).await;
        assert_eq!(failed(&report), [CheckId::Network], "{report:#?}");
        let check = report.first_failure().expect("it failed");
        assert_eq!(check.subject, Some(subject));
        for part in [says, "https_proxy", "127.0.0.1:"] {
            assert!(check.reason.contains(part), "{part}: {check:#?}");
        }
        assert!(!format!("{report:?}").contains("hunter2"), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_blocks_one_address_is_that_ones_failure() {
    let contoso = Contoso::start().await;
    // The emulator's proxy knows no such authority.
    let machine = contoso
        .laptop(DEMO, Way::RealNames)
        .with_var("AZURE_AUTHORITY_HOST", "https://login.blocked.example");
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(failed(&report), [CheckId::SignInService], "{report:#?}");
    let check = report.first_failure().expect("it failed");
    for part in ["login.blocked.example", "HTTP 403", "https_proxy"] {
        assert!(check.reason.contains(part), "{part}: {check:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_of_the_cloud_that_can_not_be_read_is_the_cause() {
    let contoso = Contoso::start().await;
    let gone = format!("https://localhost:{}/metadata/endpoints", closed_port());
    let machine = contoso
        .laptop(DEMO, Way::Ports)
        .with_var("ARM_CLOUD_METADATA_URL", &gone);
    let report = examine(machine, &Flags::default()).await;
    assert_eq!(failed(&report), [CheckId::Network], "{report:#?}");
    let check = report.first_failure().expect("it failed");
    assert!(
        check.reason.contains("ARM_CLOUD_METADATA_URL"),
        "{check:#?}"
    );
    assert!(
        fix(check).contains("unset ARM_CLOUD_METADATA_URL"),
        "{check:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_by_which_a_federated_token_has_ended_is_the_cause() {
    let contoso = Contoso::start().await;
    let machine = with_persona(&contoso, Persona::Aks, Way::Ports);
    let examine = async || {
        let session = Session::builder()
            .at(machine.clone().shared(), FOLDER)
            .only([Source::WorkloadIdentity]);
        let place = locate(&machine, Path::new(FOLDER), &Flags::default());
        watch(&Doctor::new(session, place)).await
    };
    let report = examine().await;
    assert_eq!(failed(&report), [], "{report:#?}");
    let skew = Effect::ClockSkew { seconds: 7200 };
    contoso
        .emulator
        .faults()
        .arm(Fault::new(skew))
        .expect("it is valid");
    let report = examine().await;
    assert_eq!(failed(&report), [CheckId::Clock], "{report:#?}");
    let check = report.first_failure().expect("it failed");
    assert!(
        check.reason.contains("2 hours behind Azure's"),
        "{check:#?}"
    );
    assert_eq!(status(&report, CheckId::SignIn), Status::Skipped);
    assert!(fix(check).contains("timedatectl"), "{check:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_for_the_metadata_service_is_a_warning_in_azure_only() {
    let contoso = Contoso::start().await;
    let proxied = contoso
        .laptop(DEMO, Way::Ports)
        .with_var("HTTP_PROXY", "http://proxy.example:3128")
        .with_var("no_proxy", "localhost, .contoso.com,");
    let report = examine(proxied.clone(), &Flags::default()).await;
    assert_eq!(
        status(&report, CheckId::MetadataProxy),
        Status::DoesNotApply
    );

    let in_azure = proxied.with_file(TAG.0, TAG.1);
    let report = examine(in_azure.clone(), &Flags::default()).await;
    assert_eq!(status(&report, CheckId::MetadataProxy), Status::Warning);
    let check = report.check(CheckId::MetadataProxy).expect("it is there");
    assert!(
        check
            .reason
            .contains("http://proxy.example:3128 (HTTP_PROXY)"),
        "{check:#?}"
    );
    assert_eq!(
        fix(check),
        "set no_proxy=localhost,.contoso.com,169.254.169.254"
    );
    let fixed = in_azure.with_var("no_proxy", "localhost,.contoso.com,169.254.169.254");
    let report = examine(fixed, &Flags::default()).await;
    assert_eq!(status(&report, CheckId::MetadataProxy), Status::Ok);
}
