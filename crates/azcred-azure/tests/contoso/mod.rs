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

pub(crate) const STORAGE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.Storage/storageAccounts/stcontosoml";
/// The object id of azcred-demo's service principal.
pub(crate) const DEMO: &str = "d0000001-0000-4000-8000-000000000001";
/// The container of the workspace's default datastore.
pub(crate) const CONTAINER: &str = "azureml-blobstore-5ec0ffee-0002-4000-8000-000000000001";

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

    /// Sets a property of a resource.
    pub(crate) fn set(&self, id: &str, property: &str, value: serde_json::Value) {
        let mut resources = self.emulator.world().resources_mut();
        let id = id.parse().expect("it is an id");
        let resource = resources.resource_mut(&id).expect("it is there");
        resource.properties.insert(property.to_owned(), value);
    }

    /// Deletes a resource.
    pub(crate) fn remove(&self, id: &str) {
        let mut resources = self.emulator.world().resources_mut();
        let id = id.parse().expect("it is an id");
        resources.remove_resource(&id).expect("it was there");
    }

    /// Assigns a role to a service principal, as an owner would.
    pub(crate) fn assign(&self, object: &str, role: &str, scope: &str) {
        let mut resources = self.emulator.world().resources_mut();
        let role = resources.role_named(role).expect("it is built in").id;
        let assignment = serde_json::json!({
            "id": uuid::Uuid::new_v4(), "scope": scope, "role": role, "principal": object,
            "principal_type": "ServicePrincipal", "created_on": "2026-01-01T00:00:00Z",
        });
        let assignment = serde_json::from_value(assignment).expect("it is valid");
        resources.assign(assignment).expect("it is new");
    }

    /// Takes all roles at a scope from a principal.
    pub(crate) fn unassign(&self, object: &str, scope: &str) {
        let mut resources = self.emulator.world().resources_mut();
        let of = |one: &&azcred_emulator::resources::RoleAssignment| {
            one.principal.to_string() == object && one.scope.to_string() == scope
        };
        let found: Vec<_> = resources
            .role_assignments()
            .filter(of)
            .map(|one| one.id)
            .collect();
        let scope = scope.parse().expect("it is a scope");
        for id in found {
            resources.unassign(&scope, id).expect("it was there");
        }
    }

    /// Forbids actions to everyone at a scope.
    pub(crate) fn deny(&self, name: &str, scope: &str, permissions: &serde_json::Value) {
        let deny = serde_json::json!({
            "id": "de000001-0000-4000-8000-000000000001", "name": name, "scope": scope,
            "principals": ["00000000-0000-0000-0000-000000000000"], "permissions": [permissions],
        });
        let deny = serde_json::from_value(deny).expect("it is valid");
        self.emulator.world().resources_mut().deny(deny);
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

impl Contoso {
    /// A machine with a persona's variables, and with the files that they name.
    pub(crate) fn persona(&self, persona: Persona, way: Way) -> Fixture {
        let mut machine = Fixture::new();
        for (name, value) in self.emulator.info().environment(persona, way).set {
            machine = with_files(machine, Path::new(&value)).with_var(&name, &value);
        }
        machine
    }
}

/// The machine with a file of this disk, or with the files of a folder.
fn with_files(machine: Fixture, path: &Path) -> Fixture {
    if !path.is_absolute() {
        return machine;
    }
    if let Ok(content) = fs::read(path) {
        return machine.with_file(path, content);
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.fold(machine, |machine, entry| with_files(machine, &entry.path()))
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
    let doctor = Doctor::new(session(machine), locate(machine, Path::new(FOLDER), flags));
    match &flags.subscription {
        Some(id) => doctor.with_subscription(id),
        None => doctor,
    }
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
    told.sort_by_key(|check| check.id);
    assert_eq!(told, report.checks, "what is told is what is reported");
    report
}

/// The checks that failed.
pub(crate) fn failed(report: &Report) -> Vec<CheckId> {
    ended(report, Status::Failed)
}

/// The checks that passed with something to know.
pub(crate) fn warned(report: &Report) -> Vec<CheckId> {
    ended(report, Status::Warning)
}

fn ended(report: &Report, status: Status) -> Vec<CheckId> {
    let checks = report.checks.iter();
    let ended = checks.filter(|check| check.status == status);
    ended.map(|check| check.id).collect()
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
