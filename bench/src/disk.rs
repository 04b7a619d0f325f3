//! The cache on disk, as processes use it: many processes that need the same token, many that are
//! killed while they write, and a full folder.
//!
//! The processes run this program again. Each run has its own home folder, which is deleted
//! afterwards.

use crate::{CLIENT, TENANT, authority::Authority, median};
use anyhow::{Context, Result, bail, ensure};
use azcred::{
    ClientId, ClientOptions, ClientSecretCredential, Cloud, Credential, Scope, TenantId,
    TokenRequest,
};
use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant, SystemTime},
};

const ASKERS: usize = 64;
const KILLED: usize = 2000;
/// Processes that are killed at the same time.
const AT_ONCE: usize = 8;
/// Entries that the killed processes replace.
const ENTRIES: usize = 10;
const LOOKUPS: usize = 400;
const MANY: usize = 100_000;
/// How much longer a lookup among many entries may take: the cost of the file system's own tree.
const SAME: f64 = 1.5;

pub(crate) async fn run() -> Result<()> {
    println!("\nthe cache on disk");
    at_once().await?;
    killed().await?;
    lookups().await
}

/// Runs the part of a child process, if the arguments name one.
pub(crate) async fn role(arguments: &[String]) -> Result<bool> {
    let [role, authority] = arguments else {
        return Ok(false);
    };
    let requests = (0..ENTRIES).map(request).collect::<Result<Vec<_>>>()?;
    match role.as_str() {
        "ask" => {
            credential(authority)?.get_token(&requests[0]).await?;
        }
        "write" => {
            let credential = credential(authority)?;
            // The cache is not read for a challenge, but the new token is written.
            for round in 0_u64.. {
                for request in &requests {
                    let challenge = format!("{{\"n\":{round}}}");
                    let challenged = request.clone().with_claims(challenge);
                    credential.get_token(&challenged).await?;
                }
                if round == 0 {
                    println!("writing");
                }
            }
        }
        "read" => {
            for request in &requests {
                credential(authority)?.get_token(request).await?;
            }
        }
        "look" => {
            let mut times = Vec::new();
            for _ in 0..LOOKUPS {
                let credential = credential(authority)?;
                let started = Instant::now();
                credential.get_token(&requests[0]).await?;
                times.push(started.elapsed().as_secs_f64() * 1e6);
            }
            println!("{}", median(times));
        }
        other => bail!("unknown role '{other}'"),
    }
    Ok(true)
}

fn request(number: usize) -> Result<TokenRequest> {
    let scope = format!("https://r{number}.example/.default");
    Ok(TokenRequest::new(Scope::new(scope)?))
}

fn credential(authority: &str) -> Result<ClientSecretCredential> {
    let cloud = Cloud::with_authority(azcred::Authority::new(authority)?);
    let options = ClientOptions::default().with_cloud(cloud).with_disk_cache();
    Ok(ClientSecretCredential::new(
        TenantId::new(TENANT)?,
        ClientId::new(CLIENT)?,
        "secret",
        options,
    )?)
}

/// The home folder of one run. It is deleted with the value.
struct Home(PathBuf);

impl Home {
    fn new() -> Result<Self> {
        let name = format!(
            "azcred-bench-disk-{}-{:?}",
            std::process::id(),
            Instant::now()
        );
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "");
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    fn start(&self, role: &str, authority: &Authority) -> Result<Child> {
        Ok(Command::new(std::env::current_exe()?)
            .args([role, &format!("http://{}", authority.address)])
            .env_clear()
            .env("HOME", &self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?)
    }

    /// Runs a process to its end. Returns its output.
    async fn run(&self, role: &str, authority: &Authority) -> Result<String> {
        finish(self.start(role, authority)?).await
    }

    fn tokens(&self) -> PathBuf {
        self.0.join(".cache/azcred/tokens/v1/file")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits until a writer reports its first write.
async fn has_begun(writer: &mut Child) -> Result<()> {
    let mut stdout = writer
        .stdout
        .take()
        .context("the process has no standard output")?;
    tokio::task::spawn_blocking(move || stdout.read_exact(&mut [0; 1])).await??;
    Ok(())
}

async fn finish(child: Child) -> Result<String> {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await??;
    ensure!(
        output.status.success(),
        "a process failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

async fn at_once() -> Result<()> {
    let (home, authority) = (Home::new()?, Authority::start(3600).await?);
    authority.slow_down(Duration::from_millis(300), 3600);
    let started = Instant::now();
    let askers: Vec<_> = (0..ASKERS)
        .map(|_| home.start("ask", &authority))
        .collect::<Result<_>>()?;
    for asker in askers {
        finish(asker).await?;
    }
    let requests = authority.requests();
    println!(
        "  {ASKERS} processes at once without a cached token, an authority that takes 300 ms: {:.0} ms, all have it, {requests} request \
         (target 1: {})",
        started.elapsed().as_secs_f64() * 1e3,
        verdict(requests == 1)
    );
    Ok(())
}

async fn killed() -> Result<()> {
    let (home, authority) = (Home::new()?, Authority::start(3600).await?);
    home.run("read", &authority).await?;
    let seeded = authority.unchallenged();
    ensure!(seeded == ENTRIES, "{seeded} entries were made");
    let done = AtomicBool::new(false);
    let killing = async {
        let mut at = 0_u64;
        for _ in 0..KILLED / AT_ONCE {
            let mut writers: Vec<_> = (0..AT_ONCE)
                .map(|_| home.start("write", &authority))
                .collect::<Result<_>>()?;
            for writer in &mut writers {
                has_begun(writer).await?;
            }
            // Times spread over several rounds of writing (Knuth's linear congruential generator).
            at = at
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            tokio::time::sleep(Duration::from_micros((at >> 33) % 10_000)).await;
            for writer in &mut writers {
                // SIGKILL, on Unix.
                writer.kill()?;
            }
            for writer in &mut writers {
                writer.wait()?;
            }
        }
        done.store(true, Ordering::SeqCst);
        anyhow::Ok(())
    };
    let reading = async {
        let mut readers = 0;
        while !done.load(Ordering::SeqCst) {
            home.run("read", &authority).await?;
            readers += 1;
        }
        anyhow::Ok(readers)
    };
    let ((), readers) = tokio::try_join!(killing, reading)?;
    home.run("read", &authority).await?;
    let lost = authority.unchallenged() - seeded;
    let written = authority.requests() - authority.unchallenged();
    let (left, after) = prune(&home, &authority).await?;
    println!(
        "  {KILLED} processes killed while they write ({written} writes), {readers} rounds of readers meanwhile: {lost} of \
         {ENTRIES} entries lost, no reader failed, {left} files half written, {after} after pruning (target 0 and 0: {})",
        verdict(lost == 0 && after == 0)
    );
    Ok(())
}

/// Makes half-written files two hours old, so that the cache prunes them. Returns how many there
/// were, and how many are left.
async fn prune(home: &Home, authority: &Authority) -> Result<(usize, usize)> {
    let folder = home.tokens();
    let half_written = || -> Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
        let paths = entries.into_iter().map(|entry| entry.path());
        Ok(paths
            .filter(|path| name(path).starts_with(".new-"))
            .collect())
    };
    let before = half_written()?;
    // Otherwise the test would show nothing.
    ensure!(
        !before.is_empty(),
        "no process was killed while a file was half written"
    );
    let earlier = SystemTime::now() - Duration::from_secs(2 * 3600);
    for path in &before {
        File::options()
            .write(true)
            .open(path)?
            .set_modified(earlier)?;
    }
    fs::write(folder.join("pruned"), "1")?;
    let mut writer = home.start("write", authority)?;
    let is_pruned = || fs::read(folder.join("pruned")).is_ok_and(|mark| mark != b"1");
    let started = Instant::now();
    while !(is_pruned() && half_written()?.len() < before.len().max(1))
        && started.elapsed() < Duration::from_secs(5)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    writer.kill()?;
    writer.wait()?;
    let after = half_written()?;
    let old = after.iter().filter(|path| before.contains(path)).count();
    Ok((before.len(), old))
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

async fn lookups() -> Result<()> {
    let (home, authority) = (Home::new()?, Authority::start(3600).await?);
    home.run("read", &authority).await?;
    let folder = home.tokens();
    let sealed = fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| name(path).len() == 64)
        .context("the cache has no entry")?;
    let sealed = fs::read(sealed)?;
    let look = async || -> Result<f64> { Ok(home.run("look", &authority).await?.trim().parse()?) };
    let few = look().await?;
    // Their content does not matter for a lookup of another entry.
    for number in ENTRIES..MANY {
        fs::write(folder.join(format!("{number:0>64}")), &sealed)?;
    }
    let many = look().await?;
    println!(
        "  a lookup of one token among {ENTRIES} and among {MANY}: {few:.0} and {many:.0} µs (target: the same, up to {SAME} times: {})",
        verdict(many < few * SAME)
    );
    Ok(())
}
