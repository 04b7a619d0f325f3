use super::*;
use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A temporary folder; dropping it removes it.
struct TempFolder(PathBuf);

impl TempFolder {
    fn new() -> Self {
        // The path of a socket is limited to some hundred characters.
        let folder = std::env::temp_dir().join(format!("azk-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    fn service(&self) -> SecretService {
        SecretService::at(Address::Path(self.0.join("bus")), PATIENCE)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running program; dropping it ends it.
struct StartedProgram(Child);

impl Drop for StartedProgram {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A bus with GNOME Keyring, unlocked by a password or locked; `None` if they are not installed.
fn gnome_keyring(
    folder: &TempFolder,
    password: Option<&str>,
) -> Option<(StartedProgram, StartedProgram)> {
    let is_there = |name: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|path| path.join(name).exists())
    };
    if !is_there("dbus-daemon") || !is_there("gnome-keyring-daemon") {
        eprintln!("SKIPPED: dbus-daemon or gnome-keyring-daemon is not installed");
        return None;
    }
    let config = folder.0.join("bus.conf");
    let socket = folder.0.join("bus");
    // The bus starts no services itself, so that only the keyring started here responds.
    let text = format!(
        "<busconfig><type>session</type><listen>unix:path={}</listen><policy context='default'>\
         <allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/><allow own='*'/></policy></busconfig>",
        socket.display()
    );
    fs::write(&config, text).unwrap();
    let mut bus = Command::new("dbus-daemon")
        .arg(format!("--config-file={}", config.display()))
        .args(["--nofork", "--nopidfile", "--print-address"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The bus prints its address when it listens.
    let mut listens = [0; 1];
    bus.stdout.take().unwrap().read_exact(&mut listens).unwrap();
    let bus = StartedProgram(bus);
    let mut keyring = Command::new("gnome-keyring-daemon");
    keyring.args(["--foreground", "--components=secrets"]);
    if password.is_some() {
        keyring.arg("--unlock");
    }
    let mut keyring = keyring
        .env_clear()
        .env("HOME", &folder.0)
        .env("XDG_RUNTIME_DIR", &folder.0)
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", socket.display()),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = keyring.stdin.take().unwrap();
    input
        .write_all(password.unwrap_or_default().as_bytes())
        .unwrap();
    drop(input);
    let keyring = StartedProgram(keyring);
    while matches!(
        folder.service().get("azcred", "is it there"),
        Err(NoKeyring::Absent(_))
    ) {
        thread::yield_now();
    }
    Some((keyring, bus))
}

#[test]
fn gnome_keyring_stores_a_secret_and_when_locked_reports_it_without_a_prompt() {
    let folder = TempFolder::new();
    let Some(unlocked) = gnome_keyring(&folder, Some("password")) else {
        return;
    };
    let service = folder.service();
    assert_eq!(service.get("azcred", "a"), Ok(None));
    service.set("azcred", "a", b"one").unwrap();
    service.set("azcred", "b", b"other").unwrap();
    service.set("azcred", "a", b"two").unwrap();
    let get = |name: &str| {
        service
            .get("azcred", name)
            .map(|secret| secret.map(|secret| secret.to_vec()))
    };
    assert_eq!(get("a"), Ok(Some(b"two".to_vec())));
    assert_eq!(get("b"), Ok(Some(b"other".to_vec())));
    service.remove("azcred", "b").unwrap();
    service.remove("azcred", "b").unwrap();
    assert_eq!(get("b"), Ok(None));
    drop(unlocked);
    let _locked = gnome_keyring(&folder, None).unwrap();
    assert_eq!(get("a"), Err(NoKeyring::Locked));
    assert_eq!(service.set("azcred", "c", b"new"), Err(NoKeyring::Locked));
    assert_eq!(service.remove("azcred", "a"), Err(NoKeyring::Locked));
}

/// A bus that reads a little and then sends this.
fn bus_that_says(folder: &TempFolder, said: &'static [u8]) -> thread::JoinHandle<()> {
    let listener = UnixListener::bind(folder.0.join("bus")).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut some = [0; 64];
        let _ = stream.read(&mut some);
        let _ = stream.write_all(said);
    })
}

#[test]
fn a_socket_that_is_not_a_bus_fails_at_once() {
    for said in [
        b"".as_slice(),
        b"REJECTED EXTERNAL\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"OK 00\r\nB\x02\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0",
        b"OK 00\r\nl\x02\0\x01\xff\xff\xff\xff\0\0\0\x01\0\0\0\0",
        b"OK 00\r\nl\x02\0\x01\0\0\0\0\x01\0\0\0\xff\xff\xff\x7f",
        b"OK 00\r\nl\x02\0\x01\0\0\0\0\x01\0\0\0\x08\0\0\0\x05\x01z\0\x01\0\0\0",
        &[b'x'; 2000],
    ] {
        let folder = TempFolder::new();
        let bus = bus_that_says(&folder, said);
        let answer = folder.service().get("azcred", "a");
        assert!(
            matches!(answer, Err(NoKeyring::Failed(_))),
            "{said:?}: {answer:?}"
        );
        bus.join().unwrap();
    }
}

#[test]
fn a_bus_that_never_responds_is_waited_for_until_the_limit() {
    let folder = TempFolder::new();
    let listener = UnixListener::bind(folder.0.join("bus")).unwrap();
    let service = SecretService::at(
        Address::Path(folder.0.join("bus")),
        Duration::from_millis(20),
    );
    let answer = service.get("azcred", "a");
    assert_eq!(
        answer,
        Err(NoKeyring::Failed("it did not answer in time".to_owned()))
    );
    drop(listener);
}

#[test]
fn without_a_bus_there_is_no_keyring() {
    let folder = TempFolder::new();
    let answer = folder.service().get("azcred", "a");
    assert!(matches!(answer, Err(NoKeyring::Absent(_))), "{answer:?}");
}

#[test]
fn a_bus_without_a_keyring_has_no_keyring() {
    let folder = TempFolder::new();
    let Some((keyring, _bus)) = gnome_keyring(&folder, Some("password")) else {
        return;
    };
    drop(keyring);
    let mut answer = folder.service().get("azcred", "a");
    // The bus removes the service when it notices that its process ended.
    while matches!(&answer, Ok(_) | Err(NoKeyring::Failed(_))) {
        answer = folder.service().get("azcred", "a");
    }
    assert!(matches!(answer, Err(NoKeyring::Absent(_))), "{answer:?}");
    assert!(matches!(
        folder.service().set("azcred", "a", b"x"),
        Err(NoKeyring::Absent(_))
    ));
}

#[test]
fn a_call_that_hangs_is_abandoned_in_time() {
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let answer = super::super::in_time(Duration::from_millis(10), move || {
        let _ = held.recv();
        Ok(())
    });
    assert!(matches!(answer, Err(NoKeyring::Failed(_))));
    drop(hold);
    let panicked =
        super::super::in_time(PATIENCE, || -> Result<(), NoKeyring> { panic!("as meant") });
    assert!(matches!(panicked, Err(NoKeyring::Failed(why)) if why.contains("panicked")));
}
