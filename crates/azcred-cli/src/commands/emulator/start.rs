//! `azcred emulator start`: a local Azure that runs until Ctrl-C.

use super::{begin, end, state::State};
use crate::{
    candidates,
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{DIM, GOOD, STRONG, paint},
        table,
    },
};
use azcred_emulator::{Info, Options, Ports, Seed};
use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Start a local Azure and keep it running until Ctrl-C
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred emulator start
  azcred emulator start --state ./azure --seed contoso.toml
  azcred emulator start --port proxy=3128 --port login=8443")]
pub(super) struct Start {
    #[command(flatten)]
    state: State,

    /// A TOML file with the tenants, accounts and resources in it [default: the company Contoso]
    #[arg(long, value_name = "FILE", value_parser = given::path())]
    seed: Option<PathBuf>,

    /// Choose a service's port: login, arm, graph, ml, blob, proxy, admin, or a source of managed
    /// identities such as imds [default: free ports]
    #[arg(long = "port", value_name = "SERVICE=PORT", value_parser = port, add = ArgValueCandidates::new(candidates::ports))]
    ports: Vec<(String, u16)>,

    /// How long access tokens are valid [default: 3600 to 5400, as in Entra ID]
    #[arg(long, value_name = "SECONDS", value_parser = given::number(1..=86_400_u32))]
    token_lifetime: Option<u32>,
}

fn port(text: &str) -> Result<(String, u16), String> {
    let (service, port) = text
        .split_once('=')
        .ok_or("expected SERVICE=PORT, such as proxy=3128")?;
    if Ports::default().named(service).is_none() {
        let names: Vec<_> = Ports::names().collect();
        return Err(format!(
            "unknown service; the services are {}",
            names.join(", ")
        ));
    }
    let port = port
        .parse()
        .map_err(|_| "a port is a number from 0 to 65535; 0 means a free port")?;
    Ok((service.to_owned(), port))
}

/// The output of `--output json` when the emulator is ready. Secrets are in `emulator.json` in the
/// state folder, and in `emulator env`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StartDocument<'a> {
    /// The process id.
    pid: u32,
    /// The state folder.
    state_dir: &'a Path,
    /// Entra ID, for `AZURE_AUTHORITY_HOST`.
    login_url: &'a str,
    /// Azure Resource Manager.
    arm_url: &'a str,
    /// Microsoft Graph.
    graph_url: &'a str,
    /// The proxy for Azure's real names, for `HTTPS_PROXY`.
    proxy_url: &'a str,
    /// The admin port.
    admin_url: &'a str,
    /// The system's root certificates and the emulator's, for `SSL_CERT_FILE`.
    ca_bundle: &'a Path,
    /// The tenant's id.
    tenant_id: String,
    /// The tenant's domain.
    tenant_domain: &'a str,
    /// The workspace's subscription, if there is a workspace.
    subscription_id: Option<String>,
    /// The workspace's resource group.
    resource_group: Option<&'a str>,
    /// The workspace.
    workspace: Option<&'a str>,
}

impl Start {
    pub(super) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let interrupted = interruption()?;
        let mut ports = Ports::default();
        for (service, given) in &self.ports {
            if let Some(port) = ports.named(service) {
                *port = *given;
            }
        }
        let starting = begin(Options {
            state_dir: Some(self.state.folder_to_make()?),
            seed: self.seed.clone().map_or(Seed::Default, Seed::File),
            ports,
            access_token_lifetime: self.token_lifetime,
        });
        let emulator = output.waiting("Starting the emulator", starting).await?;
        let info = emulator.info();
        if output.is_json() {
            output.json(&document(info));
        } else {
            for line in ready(info, &self.state.again(), "Ctrl-C stops it.") {
                output.line(line);
            }
        }
        // Without these URLs the emulator is useless. A closed pipe is not an error here.
        let told = output.finish();
        if told.is_ok() {
            tokio::select! {
                () = interrupted => {}
                () = emulator.is_to_stop() => {}
            }
        }
        end(emulator).await;
        told?;
        output.note(paint(DIM, "Stopped."));
        Ok(0)
    }
}

pub(super) fn document(info: &Info) -> StartDocument<'_> {
    let workspace = info.workspace.as_ref();
    StartDocument {
        pid: info.pid,
        state_dir: &info.state_dir,
        login_url: &info.login_url,
        arm_url: &info.arm_url,
        graph_url: &info.graph_url,
        proxy_url: &info.proxy_url,
        admin_url: &info.admin_url,
        ca_bundle: &info.ca_bundle,
        tenant_id: info.tenant.id.to_string(),
        tenant_domain: &info.tenant.domain,
        subscription_id: workspace.map(|workspace| workspace.subscription_id.to_string()),
        resource_group: workspace.map(|workspace| workspace.resource_group.as_str()),
        workspace: workspace.map(|workspace| workspace.name.as_str()),
    }
}

/// The URLs of the emulator, how to use it, and how to stop it.
pub(super) fn ready(info: &Info, state: &str, stop: &str) -> Vec<String> {
    let mut rows = vec![
        (
            "Tenant",
            format!("{} ({})", info.tenant.name, info.tenant.domain),
        ),
        ("Sign-in", info.login_url.clone()),
        ("Resource Manager", info.arm_url.clone()),
        ("Graph", info.graph_url.clone()),
        (
            "Proxy",
            format!("{}, for Azure's own host names", info.proxy_url),
        ),
    ];
    if let Some(workspace) = &info.workspace {
        let place = format!("{} in {}", workspace.name, workspace.resource_group);
        rows.push(("Workspace", place));
    }
    rows.push(("State", info.state_dir.display().to_string()));
    let mut lines = vec![format!(
        "{} {}",
        paint(GOOD, "✓"),
        paint(STRONG, "The emulator is running, on this machine only.")
    )];
    lines.extend(table::pairs(&rows).iter().map(|row| format!("  {row}")));
    lines.push(String::new());
    lines.push("From another terminal:".to_owned());
    let commands = [
        (
            format!("azcred emulator exec{state} -- azcred doctor"),
            "run a program against it",
        ),
        (
            format!("eval \"$(azcred emulator env{state})\""),
            "set the variables in a shell",
        ),
    ];
    lines.extend(table::commands(&commands));
    lines.push(stop.to_owned());
    lines
}

/// Resolves when a signal tells this process to end. It listens from this call on, even before it
/// is polled.
#[cfg(unix)]
pub(super) fn interruption() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|error| no_signals(&error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    })
}

#[cfg(windows)]
pub(super) fn interruption() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
    let mut interrupt = ctrl_c().map_err(|error| no_signals(&error))?;
    let mut brk = ctrl_break().map_err(|error| no_signals(&error))?;
    let mut close = ctrl_close().map_err(|error| no_signals(&error))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = brk.recv() => {}
            _ = close.recv() => {}
        }
    })
}

fn no_signals(error: &std::io::Error) -> Failure {
    Failure::new(
        Kind::Failed,
        "could not start the emulator",
        format!("the system does not deliver signals to this process: {error}"),
    )
}
