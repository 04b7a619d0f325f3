//! Requests to the admin port of a running emulator, from other processes.

use crate::{
    info::{Info, MAX_BYTES},
    jobs::{JobReport, JobRule, JobSummary, Outcome},
    not_served::UNKNOWN_PATH,
    request_log::Served,
    routes::{Opened, Route, Wanted},
};
use serde::de::DeserializeOwned;
use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// How long the admin port may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest accepted list, in bytes.
const LARGEST_LIST: u64 = 16 * 1024 * 1024;

/// A proxy of a running emulator with routes of its own. It ends with this value, or with this
/// process.
#[derive(Debug)]
pub struct Routed {
    /// The proxy's URL.
    pub proxy_url: String,
    _connection: TcpStream,
}

impl Info {
    /// Whether the emulator that wrote the file still runs. Sends a request to its admin port with
    /// the token, which only that emulator accepts. Blocks for at most a second.
    pub fn is_alive(&self) -> bool {
        self.request_pid().is_some_and(|pid| pid == self.pid)
    }

    fn request_pid(&self) -> Option<u32> {
        const PATIENCE: Duration = Duration::from_millis(500);
        let info: Self = self.asked("GET /info", MAX_BYTES, PATIENCE).ok()?;
        Some(info.pid)
    }

    /// The log of requests after this number, and at most 4096 of them. Blocks: if there are none,
    /// for at most as long as `wait`, and 20 seconds.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub fn requests_after(&self, number: u64, wait: Duration) -> io::Result<Vec<Served>> {
        let target = format!("GET /requests?after={number}&wait={}", wait.as_secs());
        self.asked(&target, LARGEST_LIST, wait + PATIENCE)
    }

    /// Tells the emulator to stop, and does not wait for it. Blocks for a moment.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub fn stop(&self) -> io::Result<()> {
        self.ask("POST /stop", MAX_BYTES, PATIENCE).map(|_| ())
    }

    /// Opens a proxy that sends the hosts of these routes to servers of the user's, and serves all
    /// that the emulator's own proxy serves. Blocks for a moment.
    ///
    /// The servers' certificates are verified with the system's authorities and these, in PEM.
    ///
    /// # Errors
    /// When the emulator does not answer. `InvalidInput` if it can't use the routes or the
    /// certificates, `Unsupported` if it is of an earlier version.
    pub fn open_routes(&self, routes: &[Route], authorities: Option<&str>) -> io::Result<Routed> {
        let wanted = Wanted {
            routes: routes.to_vec(),
            authorities: authorities.map(str::to_owned),
        };
        let body = serde_json::to_string(&wanted)?;
        let mut exchange = Exchange::begin(self, "POST /routes", &body, PATIENCE)?;
        let line = exchange.body(MAX_BYTES, |body| body.ends_with(b"\n"))?;
        let opened: Opened = serde_json::from_str(&line)?;
        Ok(Routed {
            proxy_url: opened.proxy_url,
            _connection: exchange.stream,
        })
    }

    /// All jobs, newest first, without the steps of pipelines. Blocks for a moment.
    ///
    /// # Errors
    /// When the emulator does not answer. `Unsupported` if it is of an earlier version.
    pub fn jobs(&self) -> io::Result<Vec<JobSummary>> {
        self.asked("GET /jobs", LARGEST_LIST, PATIENCE)
    }

    /// The newest job with this name, in any case, or a step of a pipeline. Blocks for a moment.
    ///
    /// # Errors
    /// When the emulator does not answer. `NotFound` if it has no such job, `Unsupported` if the
    /// emulator is of an earlier version.
    pub fn job(&self, name: &str) -> io::Result<JobReport> {
        let target = format!("GET {}", path_of(name));
        self.asked(&target, LARGEST_LIST, PATIENCE)
    }

    /// Ends a job in this way: at once, or never if it is to hang. A job that is to complete and
    /// has not begun to run takes its time. Blocks for a moment.
    ///
    /// # Errors
    /// As [`Info::job`], and `InvalidInput` if the job has ended.
    pub fn end_job(&self, name: &str, outcome: Outcome, message: Option<&str>) -> io::Result<()> {
        let body = serde_json::json!({"outcome": outcome, "message": message}).to_string();
        let target = format!("POST {}", path_of(name));
        Exchange::begin(self, &target, &body, PATIENCE)?.body(MAX_BYTES, |_| false)?;
        Ok(())
    }

    /// Adds a rule for jobs that are submitted from now on. Blocks for a moment.
    ///
    /// # Errors
    /// When the emulator does not answer. `Unsupported` if it is of an earlier version.
    pub fn add_job_rule(&self, rule: &JobRule) -> io::Result<()> {
        let body = serde_json::to_string(rule)?;
        Exchange::begin(self, "POST /jobs", &body, PATIENCE)?.body(MAX_BYTES, |_| false)?;
        Ok(())
    }

    fn asked<T: DeserializeOwned>(
        &self,
        target: &str,
        largest: u64,
        patience: Duration,
    ) -> io::Result<T> {
        let body = self.ask(target, largest, patience)?;
        serde_json::from_str(&body).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
    }

    /// Sends a request to the admin port, and returns the body of the response.
    fn ask(&self, target: &str, largest: u64, patience: Duration) -> io::Result<String> {
        Exchange::begin(self, target, "", patience)?.body(largest, |_| false)
    }
}

/// A request that was sent, and its response.
struct Exchange {
    stream: TcpStream,
    until: Instant,
}

impl Exchange {
    fn begin(info: &Info, target: &str, body: &str, patience: Duration) -> io::Result<Self> {
        let port = url::Url::parse(&info.admin_url)
            .ok()
            .and_then(|url| url.port());
        let port = port.ok_or_else(|| unknown("the address of the admin port has no port"))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, patience)?;
        let until = Instant::now() + patience;
        stream.set_write_timeout(Some(patience))?;
        // In this version, the end of the connection is the end of the body.
        let request = format!(
            "{target} HTTP/1.0\r\nHost: localhost:{port}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            info.admin_token,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        Ok(Self { stream, until })
    }

    /// The body of the response, to its end or until it is enough.
    fn body(&mut self, largest: u64, is_enough: fn(&[u8]) -> bool) -> io::Result<String> {
        // A socket's timeout starts again with each byte, and another program on the port may send
        // them slowly.
        let mut answer = Vec::new();
        let mut part = [0; 4096];
        let begin = |answer: &[u8]| {
            let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
            end.map(|end| end + 4)
        };
        loop {
            if begin(&answer).is_some_and(|begin| is_enough(&answer[begin..])) {
                break;
            }
            let left = self.until.checked_duration_since(Instant::now());
            let left = left.ok_or(ErrorKind::TimedOut)?;
            let shortest = Duration::from_millis(1);
            self.stream.set_read_timeout(Some(left.max(shortest)))?;
            match self.stream.read(&mut part)? {
                0 => break,
                count => answer.extend_from_slice(&part[..count]),
            }
            if answer.len() as u64 > largest {
                return Err(unknown("the response is too long"));
            }
        }
        let begin = begin(&answer).ok_or_else(|| unknown("the response has no end"))?;
        let body = answer.split_off(begin);
        let body = String::from_utf8(body).map_err(|_| unknown("the response is no text"))?;
        match status(&answer) {
            Some(200..=299) => Ok(body),
            Some(400 | 409 | 413) => Err(io::Error::new(ErrorKind::InvalidInput, why(body))),
            Some(404) => Err(match why(body) {
                why if why == UNKNOWN_PATH => ErrorKind::Unsupported.into(),
                why => io::Error::new(ErrorKind::NotFound, why),
            }),
            _ => Err(unknown("another program answered")),
        }
    }
}

/// The path of a job at the admin port.
fn path_of(job: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(job.as_bytes()).collect();
    format!("/jobs/{}", name.replace('+', "%20"))
}

/// The status in the head of a response.
fn status(head: &[u8]) -> Option<u16> {
    let head = std::str::from_utf8(head).ok()?;
    let rest = head.strip_prefix("HTTP/1.")?.get(2..5)?;
    rest.parse().ok()
}

/// The sentence in the body of a refusal.
fn why(body: String) -> String {
    let parsed = serde_json::from_str::<serde_json::Value>(&body).ok();
    let error = parsed.and_then(|body| body["error"].as_str().map(str::to_owned));
    error.unwrap_or(body)
}

fn unknown(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}
