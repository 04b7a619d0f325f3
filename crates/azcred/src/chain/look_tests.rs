//! Tests the cost of checking sources: some variables and small files, and no waiting.

use super::*;
use crate::system::{
    Command, FileFacts, Finished, Fixture, Hypervisor, OpenFile, Program, RealSystem, SharedSystem,
    Unfinished,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

/// A machine that counts accesses to its disk and runs no programs.
#[derive(Debug)]
struct Counting(SharedSystem, AtomicUsize);

impl Counting {
    fn count(&self) -> &dyn System {
        self.1.fetch_add(1, Ordering::Relaxed);
        &*self.0
    }
}

impl crate::system::Sealed for Counting {}

impl System for Counting {
    fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.count().read(path, limit)
    }
    fn open(&self, path: &Path) -> io::Result<OpenFile> {
        self.count().open(path)
    }
    fn look(&self, path: &Path) -> io::Result<FileFacts> {
        self.count().look(path)
    }
    fn write(&self, path: &Path, _: &[u8]) -> io::Result<()> {
        panic!("{} was written to", path.display())
    }
    fn find_program(&self, name: &str) -> Option<PathBuf> {
        self.count().find_program(name)
    }
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
        panic!("{} was run", command.program.display())
    }
    fn hypervisor(&self) -> Hypervisor {
        self.0.hypervisor()
    }
    fn user(&self) -> Option<u32> {
        self.0.user()
    }
    fn os(&self) -> &'static str {
        self.0.os()
    }
    fn boot(&self) -> Option<String> {
        self.0.boot()
    }
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

/// A machine with everything that makes sources read more.
fn full() -> Fixture {
    let variables = [
        ("HOME", "/home/ada"),
        ("AZURE_TENANT_ID", "contoso.com"),
        ("AZURE_CLIENT_ID", "app"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "/cert.pem"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/token"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://token.example/"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
        ("SYSTEM_OIDCREQUESTURI", "https://devops.example/"),
        ("SYSTEM_ACCESSTOKEN", "t"),
        ("AZURESUBSCRIPTION_CLIENT_ID", "app"),
        ("AZURESUBSCRIPTION_TENANT_ID", "contoso.com"),
        (
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
            "c0a70500-0000-4000-8000-000000000001",
        ),
        ("OBO_ENDPOINT", "https://obo.example/"),
    ];
    let tool = Program::dies();
    let machine = variables
        .into_iter()
        .fold(Fixture::new(), |machine, (name, value)| {
            machine.with_var(name, value)
        });
    ["az", "pwsh", "azd"]
        .into_iter()
        .fold(machine, |machine, name| machine.with_program(name, &tool))
        .with_file("/home/ada/.azure/azureProfile.json", "{}")
        .with_file("/home/ada/.azure/msal_token_cache.json", "{}")
        .with_file("/home/ada/.cache/azcred/imds", "{}")
}

/// Checks every source, in a thread without a runtime: anything that waits or sends a request would
/// fail.
fn look(system: &SharedSystem) -> Vec<Availability> {
    let builder = Chain::builder(ClientOptions::new(system.clone()));
    Source::ALL
        .into_iter()
        .map(|source| match source.make(&builder.0, false) {
            Ok(token_source) => token_source.look(&**system),
            Err(error) => Availability::Unavailable(error),
        })
        .collect()
}

#[test]
fn a_check_sends_nothing_runs_nothing_and_reads_some_files() {
    let bare = Fixture::new().with_var("HOME", "/home/ada");
    for (machine, present) in [(bare, 0), (full(), 8)] {
        let system = Arc::new(Counting(machine.shared(), AtomicUsize::new(0)));
        let found = look(&(system.clone() as SharedSystem));
        let possible = found
            .iter()
            .filter(|found| {
                matches!(
                    found,
                    Availability::Ready { .. } | Availability::Possible { .. }
                )
            })
            .count();
        assert_eq!(possible, present, "{found:?}");
        let touched = system.1.load(Ordering::Relaxed);
        assert!(touched <= 24, "{touched} looks at files");
    }
}

#[test]
fn a_check_of_this_machine_runs_nothing_either() {
    let system: SharedSystem = Arc::new(Counting(Arc::new(RealSystem), AtomicUsize::new(0)));
    assert_eq!(look(&system).len(), Source::ALL.len());
}
