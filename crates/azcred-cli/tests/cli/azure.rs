//! One emulator for all tests that run at the same time. It stops after the last of them.

use azcred_emulator::{Emulator, Info, Options, Persona, Way};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// An emulator and its runtime.
pub(crate) struct Azure {
    emulator: Option<Emulator>,
    runtime: tokio::runtime::Runtime,
}

static SHARED: Mutex<Weak<Azure>> = Mutex::new(Weak::new());

impl Azure {
    /// The shared emulator. A test that adds faults or makes changes needs [`Azure::own`].
    pub(crate) fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(azure) = shared.upgrade() {
            return azure;
        }
        let azure = Arc::new(Self::own(Options::default()));
        *shared = Arc::downgrade(&azure);
        azure
    }

    /// An emulator for one test.
    pub(crate) fn own(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let emulator = runtime
            .block_on(Emulator::start(options))
            .expect("an emulator");
        Self {
            emulator: Some(emulator),
            runtime,
        }
    }

    /// Runs a future in its runtime.
    #[cfg_attr(not(unix), expect(dead_code, reason = "its tests run on Unix only"))]
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The emulator, to move its clock and to see its requests.
    #[cfg_attr(not(unix), expect(dead_code, reason = "its tests run on Unix only"))]
    pub(crate) fn emulator(&self) -> &Emulator {
        self.emulator.as_ref().expect("it runs")
    }

    pub(crate) fn info(&self) -> &Info {
        self.emulator.as_ref().expect("it runs").info()
    }

    /// The variables of a persona. Each test has its own folder for azcred.
    pub(crate) fn environment(&self, persona: Persona, way: Way) -> Vec<(String, String)> {
        self.info().environment(persona, way).set
    }

    /// The variables of one of the seed's applications, by name.
    pub(crate) fn application(&self, name: &str) -> Vec<(String, String)> {
        let identity = self.info().identity(name).expect("the seed has it");
        let mut set = self.environment(Persona::NoAccount, Way::RealNames);
        for (variable, value) in [
            ("AZURE_TENANT_ID", identity.tenant_id.to_string()),
            ("AZURE_CLIENT_ID", identity.client_id.to_string()),
            (
                "AZURE_CLIENT_SECRET",
                identity.secret.clone().expect("it has a secret"),
            ),
        ] {
            set.push((variable.to_owned(), value));
        }
        set
    }
}

impl Drop for Azure {
    fn drop(&mut self) {
        if let Some(emulator) = self.emulator.take() {
            self.runtime.block_on(emulator.shutdown());
        }
    }
}
