//! The local endpoint: its tokens are cached, its clients keep their connections. The clients run
//! on the same processors, in another process.

use anyhow::{Context, Result, ensure};
use azcred::{AccessToken, Availability, Credential, Scope, TokenFuture, TokenRequest};
use azcred_endpoint::{Allow, Audit, Endpoint, Event, More, Options};
use secrecy::ExposeSecret;
use std::{
    env, fs,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::Command,
};

const ROLE: &str = "endpoint";
const CLIENTS: usize = 16;
const REQUESTS: usize = 2_000;
/// Clients that send a part of a request, nothing, or bytes that are not a request.
const BAD_CLIENTS: usize = 300;
const IDLE: usize = 10_000;

/// A token that is there, as long as Entra ID's.
#[derive(Debug)]
struct Cached(AccessToken);

impl Credential for Cached {
    fn name(&self) -> &'static str {
        "Cached"
    }
    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "a token".into(),
        }
    }
    fn get_token<'a>(&'a self, _: &'a TokenRequest) -> TokenFuture<'a> {
        TokenFuture::ready(Ok(self.0.clone()))
    }
}

struct Silent;

impl Audit for Silent {
    fn record(&self, event: &Event) {
        std::hint::black_box(event.to_string());
    }
    fn record_more(&self, more: &More) {
        std::hint::black_box(more.to_string());
    }
}

/// Runs the endpoint's process if the arguments say so.
pub(crate) async fn role(arguments: &[String]) -> Result<bool> {
    if arguments.first().is_none_or(|role| role != ROLE) {
        return Ok(false);
    }
    let hour = Duration::from_secs(3600);
    let token = AccessToken::new("x".repeat(1800), SystemTime::now(), hour, None);
    let options = Options::new(Allow::only([Scope::ARM])).with_rate(1_000_000);
    let options = options.with_audit(Arc::new(Silent));
    let endpoint = Endpoint::start(Arc::new(Cached(token)), options).await?;
    let address = endpoint.address().context("it has an address")?;
    println!("{address} {}", endpoint.variables()[1].1.expose_secret());
    // Until the other process ends.
    let mut input = Vec::new();
    tokio::io::stdin().read_to_end(&mut input).await?;
    Ok(true)
}

pub(crate) async fn run() -> Result<()> {
    let mut server = Command::new(env::current_exe()?)
        .arg(ROLE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let process = server.id().context("it runs")?;
    let mut line = String::new();
    let mut output = BufReader::new(server.stdout.take().context("a pipe")?);
    output.read_line(&mut line).await?;
    let (address, secret) = line.trim().split_once(' ').context("its address")?;
    let request = format!(
        "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com HTTP/1.1\r\n\
         Host: {address}\r\nX-IDENTITY-HEADER: {secret}\r\n\r\n"
    );

    println!("\nthe endpoint, {CLIENTS} kept connections");
    let (alone, p99) = load(address, &request).await?;
    println!(
        "  good clients alone    {alone:8.0} requests/s   p99 {p99:5.2} ms (targets 5,000, 5 ms)"
    );
    let mut bad = Vec::new();
    for number in 0..BAD_CLIENTS {
        let mut stream = TcpStream::connect(address).await?;
        let start = [
            "",
            "GET /msi/token HTTP/1.1\r\nHo",
            "\0\x01\x02 garbage\r\n\r\n",
        ][number % 3];
        stream.write_all(start.as_bytes()).await?;
        bad.push(stream);
    }
    let (beside, p99) = load(address, &request).await?;
    println!("  beside {BAD_CLIENTS} bad ones    {beside:8.0} requests/s   p99 {p99:5.2} ms");
    drop(bad);

    let mut idle = Vec::new();
    for _ in 0..IDLE {
        let Ok(mut stream) = TcpStream::connect(address).await else {
            println!("  {IDLE} idle connections NOT MEASURED: raise `ulimit -n`");
            return Ok(());
        };
        answered(&mut stream, &request).await?;
        idle.push(stream);
    }
    let memory = resident(process)?;
    println!("  {IDLE} idle           {memory:8.1} MiB (target 100)");
    Ok(())
}

/// Requests per second, and the time within which 99 of 100 are answered, in milliseconds.
async fn load(address: &str, request: &str) -> Result<(f64, f64)> {
    let started = Instant::now();
    let clients = (0..CLIENTS).map(|_| {
        let (address, request) = (address.to_owned(), request.to_owned());
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut times = Vec::with_capacity(REQUESTS);
            for _ in 0..REQUESTS {
                let sent = Instant::now();
                answered(&mut stream, &request).await?;
                times.push(sent.elapsed().as_secs_f64() * 1000.0);
            }
            Ok::<_, anyhow::Error>(times)
        })
    });
    let mut times = Vec::new();
    for client in clients.collect::<Vec<_>>() {
        times.extend(client.await??);
    }
    let took = started.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let rate = times.len() as f64 / took;
    Ok((rate, times[times.len() * 99 / 100]))
}

/// Sends a request, and reads the whole response.
async fn answered(stream: &mut TcpStream, request: &str) -> Result<()> {
    stream.write_all(request.as_bytes()).await?;
    let (mut buffer, mut read) = ([0; 4096], 0);
    while !buffer[..read].ends_with(b"}") {
        let more = stream.read(&mut buffer[read..]).await?;
        ensure!(more > 0, "the endpoint closed a connection");
        read += more;
    }
    ensure!(buffer.starts_with(b"HTTP/1.1 200 "), "no token");
    Ok(())
}

/// The memory of a process in MiB (`proc_pid_status(5)`, `VmRSS`).
fn resident(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .context("VmRSS")?
        .trim()
        .trim_end_matches(" kB")
        .parse()?;
    Ok(kib / 1024.0)
}
