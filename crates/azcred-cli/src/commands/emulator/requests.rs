//! `azcred emulator requests`: what programs requested from a running emulator.

use super::state::State;
use crate::{
    failure::{Failure, Kind},
    output::{
        Output,
        style::{BAD, DIM, STRONG, paint},
        width::pad,
    },
};
use azcred_emulator::{Info, Served};
use clap::Args;
use serde::Serialize;
use std::time::Duration;

/// How long a request for newer entries may wait at the emulator.
const WAIT: Duration = Duration::from_secs(5);

/// Show the requests that a running emulator has served
///
/// The last 4096, the oldest first: without bodies, queries and secrets.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator requests
  azcred emulator requests --follow
  azcred emulator requests --output json | jq '.[] | select(.error)'")]
pub(super) struct Requests {
    #[command(flatten)]
    state: State,

    /// Wait for more, until Ctrl-C or until the emulator stops. As JSON, each is a line
    #[arg(long, short)]
    follow: bool,
}

/// A request in the output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestDocument<'a> {
    number: u64,
    time: &'a str,
    service: &'a str,
    method: &'a str,
    host: &'a str,
    path: &'a str,
    status: Option<u16>,
    client_id: Option<&'a str>,
    fault: Option<&'a str>,
    error: Option<&'a str>,
}

impl Requests {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let info = self.state.running()?;
        let found = after(&info, 0, Duration::ZERO)?;
        if !self.follow {
            if output.is_json() {
                let all: Vec<_> = found.iter().map(document).collect();
                output.json(&all);
                return Ok(0);
            }
            output.line(head());
            for one in &found {
                output.line(line(one));
            }
            if found.is_empty() {
                output.note("No request until now.");
            }
            return Ok(0);
        }
        if !output.is_json() {
            output.line(head());
        }
        let mut last = show(&found, output)?.unwrap_or(0);
        // The emulator has stopped, or this process is interrupted.
        while let Ok(newer) = info.requests_after(last, WAIT) {
            last = show(&newer, output)?.unwrap_or(last);
        }
        Ok(0)
    }
}

/// Shows requests at once. Returns the number of the last one.
fn show(requests: &[Served], output: &mut Output) -> Result<Option<u64>, Failure> {
    for one in requests {
        match output.is_json() {
            true => {
                let text = serde_json::to_string(&document(one));
                output.line(text.unwrap_or_default());
            }
            false => output.line(line(one)),
        }
    }
    output.finish()?;
    Ok(requests.last().map(|one| one.number))
}

fn after(info: &Info, number: u64, wait: Duration) -> Result<Vec<Served>, Failure> {
    info.requests_after(number, wait).map_err(|error| {
        Failure::new(
            Kind::Failed,
            "could not read the emulator's requests",
            error.to_string(),
        )
    })
}

fn document(one: &Served) -> RequestDocument<'_> {
    RequestDocument {
        number: one.number,
        time: &one.time,
        service: &one.service,
        method: &one.method,
        host: &one.host,
        path: &one.path,
        status: one.status,
        client_id: one.client_id.as_deref(),
        fault: one.fault.as_deref(),
        error: one.error.as_deref(),
    }
}

const SERVICE: usize = 15;
const METHOD: usize = 7;

fn head() -> String {
    let line = format!(
        "time      status  {}  {}  host and path",
        pad("service", SERVICE),
        pad("method", METHOD)
    );
    paint(STRONG, line.trim_end())
}

/// One line: `20:09:49  200     login            POST     localhost:1/TENANT/oauth2/v2.0/token`.
fn line(one: &Served) -> String {
    let time = one.time.get(11..19).unwrap_or("--:--:--");
    let status = one
        .status
        .map_or("none".to_owned(), |status| status.to_string());
    let status = pad(&status, 6);
    let status = match one.status {
        Some(200..400) => status,
        _ => paint(BAD, status),
    };
    let more = [one.error.as_deref(), one.fault.as_deref()];
    let more: String = more
        .into_iter()
        .flatten()
        .map(|text| format!("  {text}"))
        .collect();
    format!(
        "{}  {status}  {}  {}  {}{}{}",
        paint(DIM, time),
        pad(&one.service, SERVICE),
        pad(&one.method, METHOD),
        one.host,
        one.path,
        paint(BAD, more)
    )
}
