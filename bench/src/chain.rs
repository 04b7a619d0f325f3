//! The chain's own cost: when its first source returns a token, and when all sources are
//! unavailable.

use crate::{CLIENT, TENANT, authority::Authority, median};
use anyhow::{Result, ensure};
use azcred::{
    ClientId, ClientOptions, ClientSecretCredential, Cloud, Credential, Scope, TenantId,
    TokenRequest,
    chain::Chain,
    system::{Fixture, Program, SharedSystem, System},
};
use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};
use tokio::sync::Barrier;

const ROUNDS: usize = 201;
const CALLERS: usize = 10_000;
/// The target for a run of the chain, in milliseconds.
const TARGET: f64 = 2.0;

pub(crate) async fn run() -> Result<()> {
    let authority = Authority::start(3600).await?;
    let at = azcred::Authority::new(&format!("http://{}", authority.address))?;
    let request = TokenRequest::new(Scope::ARM);
    // All share one HTTP client, which the first one connects: the chain is measured, not the
    // handshake.
    let options =
        ClientOptions::new(service_principal().shared()).with_cloud(Cloud::with_authority(at));
    let (mut alone, mut chained) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let credential = ClientSecretCredential::new(
            TenantId::new(TENANT)?,
            ClientId::new(CLIENT)?,
            "secret",
            options.clone(),
        )?;
        let started = Instant::now();
        credential.get_token(&request).await?;
        alone.push(started.elapsed().as_secs_f64() * 1e3);
        let chain = Chain::new(options.clone());
        let started = Instant::now();
        chain.get_token(&request).await?;
        chained.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let (alone, chained) = (median(alone), median(chained));
    println!("\nthe chain by itself, {ROUNDS} new chains");
    println!(
        "  its first source answers   {:8.3} ms more than that source alone ({chained:.3} and {alone:.3}; target {TARGET} ms)",
        chained - alone
    );
    let absent = absent(&request).await?;
    println!(
        "  every source is absent     {absent:8.3} ms, on this machine with no variable but PATH (target {TARGET} ms)"
    );
    at_once(options, &authority, request).await
}

fn service_principal() -> Fixture {
    Fixture::new()
        .with_var("AZURE_TENANT_ID", TENANT)
        .with_var("AZURE_CLIENT_ID", CLIENT)
        .with_var("AZURE_CLIENT_SECRET", "secret")
}

/// The median time until a chain reports that all sources are unavailable, with the real disk and
/// the real processor. That the metadata service does not answer is already known, as it is after
/// the first request of each boot.
async fn absent(request: &TokenRequest) -> Result<f64> {
    let home = std::env::temp_dir().join(format!("azcred-bench-{}", std::process::id()));
    let bare = bare::Bare { home: home.clone() };
    let silence = serde_json::json!({
        "boot": bare.boot(),
        "at": SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs(),
    });
    let folder = home.join(".cache/azcred");
    std::fs::create_dir_all(&folder)?;
    let remembered = folder.join("imds");
    bare.write(&remembered, silence.to_string().as_bytes())?;
    let median = absent_there(bare, request).await;
    std::fs::remove_dir_all(home)?;
    median
}

async fn absent_there(bare: bare::Bare, request: &TokenRequest) -> Result<f64> {
    let system: SharedSystem = Arc::new(bare);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let chain = Chain::new(ClientOptions::new(system.clone()));
        let started = Instant::now();
        let answer = chain.get_token(request).await;
        times.push(started.elapsed().as_secs_f64() * 1e3);
        ensure!(
            answer.is_err_and(|error| error.is_unavailable()),
            "a source has a sign-in on this machine"
        );
    }
    Ok(median(times))
}

/// Ten thousand callers of a new chain.
async fn at_once(
    options: ClientOptions,
    authority: &Authority,
    request: TokenRequest,
) -> Result<()> {
    let before = authority.requests();
    let took = callers(Chain::new(options), &request).await?;
    println!(
        "\n{CALLERS} first calls at once on one chain\n  a service principal   {took:8.1} ms, {} request",
        authority.requests() - before
    );
    let az = Program::answers(|_| {
        let token = "a".repeat(1500);
        let ends = "4102444800";
        (
            0,
            format!(r#"{{"accessToken":"{token}","expires_on":{ends},"tokenType":"Bearer"}}"#),
        )
    });
    let laptop = Fixture::new()
        .with_var("AZCRED_IMDS", "never")
        .with_program("az", &az);
    let took = callers(Chain::new(ClientOptions::new(laptop.shared())), &request).await?;
    println!(
        "  Azure CLI             {took:8.1} ms, {} process",
        az.runs()
    );
    Ok(())
}

async fn callers(chain: Chain, request: &TokenRequest) -> Result<f64> {
    let (chain, start) = (Arc::new(chain), Arc::new(Barrier::new(CALLERS + 1)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (chain, start, request) = (chain.clone(), start.clone(), request.clone());
            tokio::spawn(async move {
                start.wait().await;
                chain.get_token(&request).await.map(drop)
            })
        })
        .collect();
    start.wait().await;
    let started = Instant::now();
    for caller in callers {
        caller.await??;
    }
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// This machine with no variable except PATH.
mod bare {
    use azcred::system::{
        Command, FileFacts, Finished, Hypervisor, OpenFile, RealSystem, System, Unfinished,
    };
    use futures_util::future::BoxFuture;
    use std::{
        io,
        path::{Path, PathBuf},
        time::SystemTime,
    };

    #[derive(Debug)]
    pub(super) struct Bare {
        pub(super) home: PathBuf,
    }

    impl azcred::system::Sealed for Bare {}

    impl System for Bare {
        fn var(&self, name: &str) -> Option<String> {
            (name == "HOME").then(|| self.home.display().to_string())
        }
        fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
            RealSystem.read(path, limit)
        }
        fn open(&self, path: &Path) -> io::Result<OpenFile> {
            RealSystem.open(path)
        }
        fn make_folder(&self, folder: &Path, own: &Path) -> io::Result<()> {
            RealSystem.make_folder(folder, own)
        }
        fn look(&self, path: &Path) -> io::Result<FileFacts> {
            RealSystem.look(path)
        }
        fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
            RealSystem.write(path, content)
        }
        fn find_program(&self, name: &str) -> Option<PathBuf> {
            RealSystem.find_program(name)
        }
        fn run(&self, command: Command) -> BoxFuture<'static, Result<Finished, Unfinished>> {
            RealSystem.run(command)
        }
        fn hypervisor(&self) -> Hypervisor {
            RealSystem.hypervisor()
        }
        fn os(&self) -> &'static str {
            RealSystem.os()
        }
        fn boot(&self) -> Option<String> {
            RealSystem.boot()
        }
        fn now(&self) -> SystemTime {
            RealSystem.now()
        }
        fn coarse_now(&self) -> SystemTime {
            RealSystem.coarse_now()
        }
    }
}
