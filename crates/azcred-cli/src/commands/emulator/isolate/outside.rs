//! The side of the emulator: sockets that lead to its ports, and the command that starts the
//! program in a new network.

use super::{
    INSIDE,
    plan::{Plan, Sockets},
    refusal,
};
use crate::failure::{Failure, Kind};
use azcred_emulator::{BuiltIn, Info, service::HOSTS};
use azcred_guest::{FolderError, FolderKind, PrivateFolder};
use rustix::{
    process::geteuid,
    thread::{CapabilitySet, capabilities},
};
use std::{
    ffi::OsString,
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpStream, UnixListener},
    process::Command,
    task::JoinSet,
};

const FOLDER: FolderKind = FolderKind {
    prefix: "azcred-isolated-",
    lock: "isolated.lock",
};

/// The files in which Linux distributions keep the root certificates that programs use unless told
/// otherwise: Debian, Fedora, openSUSE, Alpine.
const ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Sockets of services that find names outside: those of systemd-resolved and nscd.
const RESOLVERS: [&str; 3] = [
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/nscd/socket",
    "/var/run/nscd/socket",
];

/// How long the system may take to make a network.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an isolated program needs of this process, until it is dropped.
pub(crate) struct Outside {
    folder: PrivateFolder,
    start: Vec<OsString>,
    _sockets: JoinSet<()>,
}

impl Outside {
    /// Makes the way from the program to the emulator, also by the hosts that have routes. Fails if
    /// the system does not permit a program a network of its own.
    pub(crate) async fn open<'a>(
        info: &Info,
        routed: impl Iterator<Item = &'a str>,
        built_in: &[BuiltIn],
    ) -> Result<Self, Failure> {
        if info.ports.is_empty() {
            let why = "the running emulator was started by an earlier version of azcred";
            return Err(
                not_isolated(why).fix("stop it with `azcred emulator stop`, and run this again")
            );
        }
        let program = std::env::current_exe().map_err(|error| {
            not_isolated(format!("the file of azcred itself can't be found: {error}"))
        })?;
        let start = start();
        check(&start, &program).await?;
        let folder = PrivateFolder::create(FOLDER).map_err(|error| no_folder(&error))?;
        folder.remove_left(|_| {});
        let sockets = lead(info, folder.path())
            .and_then(|sockets| plan(info, routed, built_in, folder.path()).map(|()| sockets))
            .map_err(|source| {
                let (path, what) = (folder.path().to_owned(), "a file can't be written");
                no_folder(&FolderError { path, what, source })
            })?;
        let inside = [program.into(), "emulator".into(), INSIDE.into()];
        let at: OsString = folder.path().into();
        let start = start.into_iter().chain(inside).chain([at, "--".into()]);
        Ok(Self {
            start: start.collect(),
            folder,
            _sockets: sockets,
        })
    }

    /// The command line that runs a command inside.
    pub(crate) fn command(&self, command: &[OsString]) -> Vec<OsString> {
        [&self.start, command].concat()
    }

    /// The program has ended.
    pub(crate) fn end(&self) {
        // What can't be removed, the next one removes.
        let _ = self.folder.end();
    }
}

pub(super) fn not_isolated(why: impl Into<String>) -> Failure {
    let what = "could not give the program a network of its own";
    Failure::new(Kind::Failed, what, why.into()).titled("`--isolate` does not work here")
}

fn no_folder(error: &FolderError) -> Failure {
    let FolderError { path, what, source } = error;
    not_isolated(format!("{what} in {}: {source}", path.display()))
        .fix("set TMPDIR to a folder that you can write to")
}

/// The command of util-linux that starts a program in a new network. A user without the rights to
/// make one needs a user namespace too, in which the program keeps its user.
fn start() -> Vec<OsString> {
    let needed =
        CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN | CapabilitySet::NET_BIND_SERVICE;
    let may = capabilities(None).is_ok_and(|own| own.effective.contains(needed));
    let user = ["--user", "--map-current-user", "--keep-caps"];
    let user = if may && geteuid().is_root() {
        &[][..]
    } else {
        &user
    };
    let all = ["unshare"]
        .iter()
        .chain(user)
        .chain(&["--net", "--mount", "--"]);
    all.map(OsString::from).collect()
}

/// Fails if the system permits no new network.
async fn check(start: &[OsString], program: &Path) -> Result<(), Failure> {
    let Some((unshare, options)) = start.split_first() else {
        return Ok(());
    };
    let mut command = Command::new(unshare);
    command
        .args(options)
        .arg(program)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let done = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(
                not_isolated("there is no program `unshare`").fix("install the package util-linux")
            );
        }
        Ok(Err(error)) => return Err(not_isolated(format!("`unshare` can't be run: {error}"))),
        Err(_) => return Err(not_isolated("`unshare` did not end within 10 seconds")),
    };
    match done.status.success() {
        true => Ok(()),
        false => Err(refusal::explain(
            &String::from_utf8_lossy(&done.stderr),
            |file| fs::read_to_string(file).ok(),
        )),
    }
}

/// Listens on a socket for each port of the emulator.
fn lead(info: &Info, folder: &Path) -> io::Result<JoinSet<()>> {
    let sockets = Sockets::of(folder)?;
    let mut tasks = JoinSet::new();
    for port in &info.ports {
        let listener = UnixListener::bind(sockets.path(*port))?;
        tasks.spawn(accept(listener, *port));
    }
    Ok(tasks)
}

/// Connects each client to the emulator's port, which limits their number and their time.
async fn accept(listener: UnixListener, port: u16) {
    let mut clients = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = clients.join_next() => continue,
        };
        let Ok((mut client, _)) = accepted else {
            // No file descriptors are left: the next one may succeed.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        clients.spawn(async move {
            if let Ok(mut emulator) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                let _ = copy_bidirectional(&mut client, &mut emulator).await;
            }
        });
    }
}

/// Writes what exists inside, and the files that replace the machine's.
fn plan<'a>(
    info: &Info,
    routed: impl Iterator<Item = &'a str>,
    built_in: &[BuiltIn],
    folder: &Path,
) -> io::Result<()> {
    let proxy = url::Url::parse(&info.proxy_url).ok();
    let proxy = proxy.and_then(|url| url.port()).unwrap_or_default();
    let at = |address: IpAddr, port| SocketAddr::new(address, port);
    let (v4, v6) = (
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    );
    let own = info.ports.iter().flat_map(|port| {
        let both = [v4, v6].map(|address| at(address, *port));
        both.map(|address| (address, *port))
    });
    let listen = own
        .chain([(at(v4, 443), proxy)])
        .chain(built_in.iter().map(|one| (one.address, one.port)));

    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let (hosts, resolver) = (folder.join("hosts"), folder.join("resolv.conf"));
    fs::write(
        &hosts,
        format!("127.0.0.1 localhost {}\n::1 localhost\n", host.trim()),
    )?;
    fs::write(&resolver, "nameserver 127.0.0.1\n")?;
    let names = [(&hosts, "/etc/hosts"), (&resolver, "/etc/resolv.conf")];
    let roots = ROOTS.map(|file| (&info.ca_bundle, file));
    let nothing = PathBuf::from("/dev/null");
    let resolvers = RESOLVERS.map(|socket| (&nothing, socket));
    let mut files: Vec<(PathBuf, PathBuf)> = Vec::new();
    for (own, theirs) in names.into_iter().chain(roots).chain(resolvers) {
        // A mount does not follow a link, and some of these are links to each other.
        if let Ok(theirs) = fs::canonicalize(theirs)
            && files.iter().all(|(_, other)| *other != theirs)
        {
            files.push((own.clone(), theirs));
        }
    }
    let plan = Plan {
        names: HOSTS
            .iter()
            .map(|(name, ..)| *name)
            .chain(routed)
            .map(str::to_owned)
            .collect(),
        listen: listen.collect(),
        files,
    };
    plan.write(folder)
}
