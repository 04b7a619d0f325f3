//! A laptop in a local Azure, with the identities and the workspace of the emulator's default seed.
#![allow(dead_code, reason = "each test file uses its own part")]

use azcred::{
    ClientOptions, Credential, EnvironmentCredential, EnvironmentOrder, Session, chain::Source,
    session::SessionBuilder, system::Fixture,
};
use azcred_azure::{
    CheckId, CheckReport, Doctor, Event, Flags, Report, Status, WorkspaceRef, locate,
};
use azcred_emulator::{Emulator, Options, Persona, Seed, Way};
use std::{fs, path::Path, sync::Arc, time::Duration};

pub(crate) const FOLDER: &str = "/home/ada/project";
pub(crate) const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
pub(crate) const SUBSCRIPTION: &str = "5ec0ffee-0001-4000-8000-000000000001";
pub(crate) const GROUP: &str = "rg-contoso-ml";
pub(crate) const WORKSPACE: &str = "ws-contoso-ml";

/// An emulator and the machines in it.
pub(crate) struct Contoso {
    pub(crate) emulator: Emulator,
}

impl Contoso {
    pub(crate) async fn start() -> Self {
        Self::start_with("").await
    }

    /// With this text at the end of the default seed.
    pub(crate) async fn start_with(more: &str) -> Self {
        let options = Options {
            seed: Seed::Text {
                name: "a test's".to_owned(),
                text: format!("{}\n{more}", Seed::default_text()),
            },
            ..Options::default()
        };
        let emulator = Emulator::start(options).await.expect("the emulator starts");
        Self { emulator }
    }

    /// A machine that signs in as this application with its secret.
    pub(crate) fn laptop(&self, application: &str, way: Way) -> Fixture {
        let info = self.emulator.info();
        let mut machine = Fixture::new().with_file(
            &info.ca_bundle,
            fs::read(&info.ca_bundle).expect("the bundle is there"),
        );
        for (name, value) in info.environment(Persona::NoAccount, way).set {
            machine = machine.with_var(&name, &value);
        }
        let identity = info.identity(application).expect("it is seeded");
        machine
            .with_var("AZURE_TENANT_ID", &identity.tenant_id.to_string())
            .with_var("AZURE_CLIENT_ID", &identity.client_id.to_string())
            .with_var(
                "AZURE_CLIENT_SECRET",
                identity.secret.as_deref().expect("it has a secret"),
            )
    }
}

pub(crate) fn workspace() -> WorkspaceRef {
    WorkspaceRef::new(SUBSCRIPTION, GROUP, WORKSPACE).expect("it is valid")
}

/// A machine's options and credential, as a program makes them.
pub(crate) async fn sign_in(
    machine: Fixture,
) -> (ClientOptions, azcred::Result<Arc<dyn Credential>>) {
    let options = ClientOptions::new(machine.shared()).with_deadline(Duration::from_secs(20));
    let options = options
        .with_discovered_cloud()
        .await
        .expect("the cloud describes itself");
    let credential = EnvironmentCredential::new(EnvironmentOrder::AzureFirst, options.clone())
        .map(|credential| Arc::new(credential) as Arc<dyn Credential>);
    (options, credential)
}

/// A doctor for the service principal in a machine's variables.
pub(crate) fn doctor(machine: &Fixture, flags: &Flags) -> Doctor {
    Doctor::new(session(machine), locate(machine, Path::new(FOLDER), flags))
}

/// The session of the service principal in a machine's variables.
pub(crate) fn session(machine: &Fixture) -> SessionBuilder {
    Session::builder()
        .at(machine.clone().shared(), FOLDER)
        .only([Source::Environment])
}

/// The doctor's report for a machine. Its events must agree with the report.
pub(crate) async fn examine(machine: Fixture, flags: &Flags) -> Report {
    watch(&doctor(&machine, flags)).await
}

pub(crate) async fn watch(doctor: &Doctor) -> Report {
    let mut told = Vec::new();
    let report = doctor
        .run(|event| {
            if let Event::Finished(check) = event {
                told.push(check.clone());
            }
        })
        .await;
    assert_eq!(told, report.checks, "what is told is what is reported");
    report
}

/// The checks' results in order, one letter each.
pub(crate) fn summary(report: &Report) -> String {
    report
        .checks
        .iter()
        .map(|check| match check.status {
            Status::Ok => '+',
            Status::Warning => '!',
            Status::Failed => 'x',
            Status::Skipped => '-',
        })
        .collect()
}

pub(crate) fn said(report: &Report, id: CheckId) -> String {
    let check = report.check(id).expect("the check is in the report");
    format!(
        "{:?}: {} | {} | {}",
        check.status,
        check.detail,
        check.reason,
        fix(check)
    )
}

/// The words of a check's fix.
pub(crate) fn fix(check: &CheckReport) -> String {
    let fixes: Vec<String> = check.fixes.iter().map(ToString::to_string).collect();
    fixes.join("; ")
}
