//! The side of the program: the first process in the new network. It makes what exists there, and
//! runs the program.

use super::{
    names::Names,
    network::Network,
    outside::not_isolated,
    plan::{Plan, Sockets},
};
use crate::{failure::Failure, output::Output, process::Program};
use clap::Args;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, set_capabilities,
};
use std::{
    ffi::OsString,
    io,
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
    path::PathBuf,
    sync::Arc,
};
use tokio::{io::copy_bidirectional, net::UnixStream, task::JoinSet};

/// Run a program in the network that this process is in
///
/// `azcred emulator exec --isolate` starts this.
#[derive(Args)]
#[command(hide = true)]
pub(crate) struct Inside {
    /// The folder of the process outside
    folder: PathBuf,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<OsString>,
}

impl Inside {
    pub(crate) async fn run(self, output: &Output) -> Result<u8, Failure> {
        let _tasks = self.prepare()?;
        let program = Program {
            command: &self.command,
            environment: &|_| {},
        };
        Ok(program.run().await.unwrap_or_else(|not_run| {
            output.failure(&not_run.failure);
            not_run.exit_code
        }))
    }

    /// Makes the network. The program has no more rights than the user afterwards.
    fn prepare(&self) -> Result<JoinSet<()>, Failure> {
        let failed = |what: &str, error: &io::Error| not_isolated(format!("{what}: {error}"));
        let plan = Plan::read(&self.folder)
            .map_err(|error| failed("the plan of the network can't be read", &error))?;
        let sockets = Sockets::of(&self.folder)
            .map_err(|error| failed("the way to the emulator is not there", &error))?;
        interface(&plan).map_err(|error| failed("the loopback interface can't be used", &error))?;
        for (own, theirs) in &plan.files {
            rustix::mount::mount_bind(own, theirs).map_err(|error| {
                failed(
                    &format!("{} can't be replaced", theirs.display()),
                    &error.into(),
                )
            })?;
        }
        let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53))
            .and_then(not_blocking)
            .and_then(tokio::net::UdpSocket::from_std)
            .map_err(|error| failed("no name server can be started", &error))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(Names::new(plan.names).serve(names));
        let sockets = Arc::new(sockets);
        for (address, port) in plan.listen {
            let bound = TcpListener::bind(address);
            let listener = match bound {
                Ok(listener) => listener,
                // A system without IPv6.
                Err(_) if address.is_ipv6() => continue,
                Err(error) => {
                    return Err(failed(
                        &format!("no server can listen on {address}"),
                        &error,
                    ));
                }
            };
            let listener = listener
                .set_nonblocking(true)
                .and_then(|()| tokio::net::TcpListener::from_std(listener))
                .map_err(|error| failed("no server can be started", &error))?;
            tasks.spawn(accept(listener, sockets.clone(), port));
        }
        give_up_rights()
            .map_err(|error| failed("the program would have rights of an administrator", &error))?;
        Ok(tasks)
    }
}

fn not_blocking(socket: UdpSocket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true).map(|()| socket)
}

/// Brings the loopback interface up, with all addresses of the plan.
fn interface(plan: &Plan) -> io::Result<()> {
    let network = Network::open()?;
    network.bring_up()?;
    let mut added = Vec::new();
    for (address, _) in &plan.listen {
        if let IpAddr::V4(address) = address.ip()
            && !address.is_loopback()
            && !added.contains(&address)
        {
            network.add(address)?;
            added.push(address);
        }
    }
    Ok(())
}

/// Gives up the rights that the user has in this namespace only. Root's own stay.
fn give_up_rights() -> io::Result<()> {
    clear_ambient_capability_set()?;
    let own = capabilities(None)?;
    let sets = CapabilitySets {
        inheritable: CapabilitySet::empty(),
        ..own
    };
    set_capabilities(None, sets)?;
    Ok(())
}

/// Leads each connection to the emulator's port.
async fn accept(listener: tokio::net::TcpListener, sockets: Arc<Sockets>, port: u16) {
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = clients.join_next() => continue,
        };
        let Ok((mut client, _)) = accepted else {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let _ = client.set_nodelay(true);
        let sockets = sockets.clone();
        clients.spawn(async move {
            if let Ok(mut emulator) = UnixStream::connect(sockets.path(port)).await {
                let _ = copy_bidirectional(&mut client, &mut emulator).await;
            }
        });
    }
}
