//! `azcred serve` and `azcred serve env`.

use crate::{
    azure::Azure,
    run::{Run, Running, Said, assert_seen, azcred, end},
};
use azcred_emulator::{Persona, Way};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{IpAddr, TcpStream, UdpSocket},
    path::Path,
    process::Command,
    sync::Arc,
    time::Duration,
};

/// `azcred serve` of a service principal, as a process.
struct Serving {
    child: Option<Running>,
    /// Its output until it was ready.
    ready: String,
    azure: Arc<Azure>,
    home: tempfile::TempDir,
}

impl Serving {
    fn new(arguments: &[&str]) -> Self {
        Self::made(|azure, home| command(azure, home, &["serve"]).args(arguments))
    }

    /// In a shell, with limits of its own.
    fn limited(limits: &str) -> Self {
        let script = format!("{limits}; exec '{}' serve", crate::run::AZCRED);
        Self::made(|azure, home| {
            let mut shell = Command::new("sh");
            shell.args(["-c", &script]);
            at_home(Run::bare(shell), azure, home).env("AZCRED_KEYRING", "never")
        })
    }

    fn made(run: impl FnOnce(&Azure, &Path) -> Run) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let azure = Azure::shared();
        let (child, ready) = start(run(&azure, home.path()));
        Self {
            child: Some(child),
            ready,
            azure,
            home,
        }
    }

    /// Another command of the same user.
    fn run(&self, arguments: &[&str]) -> Run {
        command(&self.azure, self.home.path(), arguments)
    }

    /// The variables of `serve env`.
    fn variables(&self) -> serde_json::Value {
        let said = self.run(&["serve", "env", "-o", "json"]).said();
        assert_eq!(said.code, 0, "{said}");
        said.json()["set"].clone()
    }

    fn stop(&mut self, signal: Signal) -> Said {
        let child = self.child.take().expect("it runs");
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        end(child)
    }
}

fn command(azure: &Azure, home: &Path, arguments: &[&str]) -> Run {
    at_home(azcred(arguments), azure, home)
}

fn at_home(run: Run, azure: &Azure, home: &Path) -> Run {
    let home = home.to_str().expect("text");
    let environment = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let run = run.envs(&environment).env("AZCRED_HOME", home);
    run.directory("/")
}

/// Starts it, and reads its output until it is ready.
fn start(run: Run) -> (Running, String) {
    let mut child = run.start();
    let mut ready = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe"));
    while !ready.contains("eval ") && !ready.ends_with("\n}\n") {
        if lines.read_line(&mut ready).expect("text") == 0 {
            break;
        }
    }
    (child, ready)
}

/// The response to a request with these variables.
pub(crate) fn request(variables: &serde_json::Value, resource: &str) -> std::io::Result<String> {
    let text = |name: &str| variables[name].as_str().expect(name).to_owned();
    let address = text("IDENTITY_ENDPOINT");
    let host = address.split('/').nth(2).expect("a host");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(
        stream,
        "GET /msi/token?api-version=2019-08-01&resource={resource} HTTP/1.1\r\nHost: {host}\r\n\
         X-IDENTITY-HEADER: {}\r\nConnection: close\r\n\r\n",
        text("IDENTITY_HEADER")
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn a_program_in_another_terminal_gets_tokens_until_ctrl_c() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = folder.path().join("audit");
    let mut serving = Serving::new(&["--audit", audit.to_str().expect("text")]);
    assert_seen!("serve", serving.ready);
    let variables = serving.variables();
    let answer = request(&variables, "https://ml.azure.com").expect("it runs");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let other = request(&variables, "https://graph.microsoft.com").expect("it runs");
    assert!(other.starts_with("HTTP/1.1 403 "), "{other}");
    let whoami = serving.run(&["whoami", "-o", "json"]);
    let whoami = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"]
        .iter()
        .fold(whoami, |run, name| {
            run.env(name, variables[*name].as_str().expect("text"))
        });
    let whoami = whoami.env("AZURE_CLIENT_SECRET", "").said();
    assert_eq!(whoami.json()["source"], "managed-identity", "{whoami}");

    let said = serving.stop(Signal::INT);
    assert_eq!(said.code, 130, "{said}");
    let lines: Vec<_> = said.stderr.lines().collect();
    assert!(lines[0].contains(" token client=127.0.0.1:"), "{said}");
    assert!(lines[0].contains("resource=https://ml.azure.com"), "{said}");
    assert!(lines[1].contains(" rejected (403) "), "{said}");
    let written = std::fs::read_to_string(&audit).expect("it was written");
    assert!(written.lines().count() > 2, "{written}");
    assert!(said.stderr.starts_with(&written), "{said}\n{written}");
    for secret in [&variables["IDENTITY_HEADER"], &serde_json::json!("eyJ")] {
        assert!(
            !said.to_string().contains(secret.as_str().expect("text")),
            "{said}"
        );
        assert!(!serving.ready.contains(secret.as_str().expect("text")));
    }
    assert!(request(&variables, "https://ml.azure.com").is_err());
    let folder = serving.home.path().join("data/endpoints");
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
}

#[test]
fn the_variables_and_the_way_back_work_in_a_shell() {
    let serving = Serving::new(&["--msi", "--allow", "all"]);
    let script = r#"
        eval "$("$AZCRED" serve env --shell sh)"
        printf '%s\n' "${AZURE_CLIENT_SECRET-gone}" "${IDENTITY_ENDPOINT%%:*}" "$MSI_ENDPOINT"
        eval "$("$AZCRED" serve env --undo --shell ksh)"
        printf '%s\n' "$AZURE_CLIENT_SECRET" "${IDENTITY_ENDPOINT-gone}" "${MSI_SECRET-gone}"
        env | grep AZCRED_SERVE || true"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script]);
    let environment = serving
        .azure
        .environment(Persona::ServicePrincipal, Way::Ports);
    let said = Run::bare(shell)
        .envs(&environment)
        .env("AZURE_CLIENT_SECRET", "it's\n\"mine\"")
        .env("AZCRED", crate::run::AZCRED)
        .env("AZCRED_HOME", serving.home.path().to_str().expect("text"))
        .said();
    assert_eq!(said.code, 0, "{said}");
    let address = serving.variables()["MSI_ENDPOINT"]
        .as_str()
        .expect("text")
        .to_owned();
    let expected = format!("gone\nhttp\n{address}\nit's\n\"mine\"\ngone\ngone\n");
    assert_eq!(said.stdout, expected);
}

#[test]
fn the_lines_for_containers_are_comments_in_every_shell_and_have_no_secret() {
    let serving = Serving::new(&[]);
    let secret = serving.variables()["IDENTITY_HEADER"]
        .as_str()
        .expect("text")
        .to_owned();
    for shell in ["sh", "fish", "powershell"] {
        let said = serving.run(&["serve", "env", "--shell", shell]).said();
        let (comments, lines): (Vec<_>, Vec<_>) =
            said.stdout.lines().partition(|line| line.starts_with('#'));
        assert!(lines.iter().any(|line| line.contains(&secret)), "{said}");
        let comments = comments.join("\n");
        assert!(!comments.contains(&secret), "{said}");
        for words in [
            "serve env --undo",
            "docker run --network host",
            "network_mode: host",
        ] {
            assert!(comments.contains(words), "{words}: {said}");
        }
    }
    let json = serving.run(&["serve", "env", "-o", "json"]).said().json();
    for name in ["undo", "docker", "compose", "pod"] {
        let text = json[name].as_str().expect(name);
        assert!(!text.is_empty() && !text.contains(&secret), "{text}");
    }
}

#[test]
fn an_endpoint_with_an_end_ends_by_itself() {
    let mut serving = Serving::new(&["--for", "1s", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&serving.ready).expect("JSON");
    assert!(
        document["endsOn"]
            .as_str()
            .is_some_and(|end| end.ends_with('Z')),
        "{document}"
    );
    assert_eq!(document["resources"][1], "https://ml.azure.com");
    let said = end(serving.child.take().expect("it runs"));
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn without_an_endpoint_or_with_several_the_fix_is_a_command() {
    let mut serving = Serving::new(&[]);
    let (second, _) = start(serving.run(&["serve"]));
    let several = serving.run(&["serve", "env"]).said();
    assert_eq!(several.code, 2, "{several}");
    let fix = several
        .stderr
        .split("azcred serve env --port ")
        .nth(1)
        .expect("a fix");
    let port = fix.split('`').next().expect("a port");
    let one = serving
        .run(&["serve", "env", "--shell", "sh", "--port", port])
        .said();
    assert!(
        one.stdout
            .contains(&format!("http://127.0.0.1:{port}/msi/token'")),
        "{one}"
    );

    let taken = serving.run(&["serve", "--port", port]).said();
    assert_eq!(taken.code, 2, "{taken}");
    for words in [
        format!("an `azcred serve` of yours has the port {port} "),
        format!("azcred serve env --port {port}"),
    ] {
        assert!(taken.stderr.contains(&words), "{taken}");
    }
    let wrong = serving.run(&["serve", "env", "--port", "1"]).said();
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.stderr.contains("on the port 1\n"), "{wrong}");
    assert!(wrong.stderr.contains("2 of yours run: port "), "{wrong}");
    assert!(wrong.stderr.contains(&format!("port {port}")), "{wrong}");

    // One that is killed leaves its files, which don't count.
    serving.stop(Signal::KILL);
    drop(second);
    let none = serving.run(&["serve", "env"]).said();
    assert_seen!("serve-env-none", none);
    let folder = serving.home.path().join("data/endpoints");
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
}

#[test]
fn more_idle_clients_than_files_keep_none_out_and_the_limit_is_raised() {
    let id = |serving: &Serving| serving.child.as_ref().expect("it runs").id();
    let limit = |serving: &Serving| {
        let process = id(serving);
        let limits = std::fs::read_to_string(format!("/proc/{process}/limits"));
        let limits = limits.unwrap_or_default();
        let files = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        files.map(|line| line.split_whitespace().nth(3).expect("a limit").to_owned())
    };
    let raised = Serving::limited("ulimit -Sn 90; ulimit -Hn 150");
    if let Some(limit) = limit(&raised) {
        assert_eq!(limit, "150");
    }
    let mut serving = Serving::limited("ulimit -n 90");
    let variables = serving.variables();
    let host = variables["IDENTITY_ENDPOINT"].as_str().expect("text");
    let host = host.split('/').nth(2).expect("a host");
    let mut idle = Vec::new();
    for _ in 0..200 {
        let mut client = TcpStream::connect(host).expect("it listens");
        client.write_all(b"GET ").expect("sent");
        idle.push(client);
    }
    // The session needs files too: this token is not in its cache.
    let answer = request(&variables, "https://storage.azure.com").expect("it runs");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    if let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", id(&serving))) {
        assert!(open.count() < 60);
    }
    let said = serving.stop(Signal::TERM);
    assert!(said.stderr.contains(" token "), "{said}");
}

#[test]
fn in_a_github_job_the_secret_is_masked_and_the_endpoint_has_an_end() {
    let home = tempfile::tempdir().expect("a folder");
    let azure = Azure::shared();
    let github =
        |arguments: &[&str]| command(&azure, home.path(), arguments).env("GITHUB_ACTIONS", "true");
    let (child, ready) = start(github(&["serve", "-o", "json"]));
    let document: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    assert!(document["endsOn"].is_string(), "{document}");
    let env = github(&["serve", "env", "-o", "json"]).said();
    let secret = env.json()["set"]["IDENTITY_HEADER"]
        .as_str()
        .expect("text")
        .to_owned();
    let mask = format!("::add-mask::{secret}\n");
    assert!(env.stderr.contains(&mask), "{env}");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
    let said = end(child);
    assert!(said.stderr.starts_with(&mask), "{said}");
}

#[test]
fn what_can_not_be_served_is_refused_before_a_person_is_asked() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("no.pem");
    std::fs::write(&file, "no PEM").expect("written");
    let file = file.to_str().expect("text");
    let azure = Azure::shared();
    let no_account = azure.environment(Persona::NoAccount, Way::Ports);
    let home = folder.path().to_str().expect("text");
    for (arguments, home, said) in [
        (&["--listen", "0.0.0.0:80"][..], home, "every network"),
        (
            &["--listen", "192.0.2.1:80"],
            home,
            "192.0.2.1 is not an address",
        ),
        (&["--port", &port], home, "another program has the port"),
        (
            &["--tls-cert", "/x", "--tls-key", "/x"],
            home,
            "/x can't be read",
        ),
        (
            &["--tls-cert", file, "--tls-key", file],
            home,
            "no certificate",
        ),
        (&["--audit", "/"], home, "--audit"),
        (&["--unix", file], home, "there is a file"),
        (&["--unix", "/nonexistent/s"], home, "can't be made"),
        (&[], file, "set AZCRED_HOME"),
        // There is a place, and no account.
        (&[], home, "azcred login"),
    ] {
        let run = azcred(&["serve"]).args(arguments).envs(&no_account);
        let run = run.env("AZCRED_HOME", home).directory("/").said();
        assert_ne!(run.code, 0, "{arguments:?} {run}");
        assert!(run.stderr.contains(said), "{arguments:?} {run}");
        let is_asked = run.stderr.contains("azcred login");
        assert_eq!(is_asked, said == "azcred login", "{arguments:?} {run}");
    }
}

#[test]
fn a_wrong_time_or_resource_is_a_usage_error() {
    for arguments in [
        ["--for", "2"],
        ["--for", "0h"],
        ["--for", "h"],
        ["--for", "400d"],
        ["--for", "2é"],
        ["--allow", "a b"],
        ["--allow", "https://ml.azure.com/.default"],
        ["--port", "0"],
        ["--tls-cert", "a.pem"],
        ["--name", "a.example"],
        ["--listen", "127.0.0.1"],
    ] {
        let said = azcred(&["serve"]).args(&arguments).said();
        assert_eq!(said.code, 2, "{arguments:?} {said}");
    }
}

#[test]
fn a_unix_socket_gives_tokens_to_programs_of_this_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("azcred.sock");
    let path = path.to_str().expect("text");
    let mut serving = Serving::new(&["--unix", path, "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&serving.ready).expect("JSON");
    assert!(document["port"].is_null(), "{document}");
    let secret = serving.variables()["IDENTITY_HEADER"]
        .as_str()
        .expect("text")
        .to_owned();
    let env = serving.run(&["serve", "env", "--shell", "sh"]).said();
    assert!(
        env.stdout.contains("# Azure SDKs can't open a socket."),
        "{env}"
    );
    assert!(
        env.stdout.contains(&format!("UNIX-CONNECT:{path}\n")),
        "{env}"
    );
    let mut stream = std::os::unix::net::UnixStream::connect(path).expect("it listens");
    let request = format!(
        "GET /msi/token?api-version=2019-08-01&resource=https://ml.azure.com HTTP/1.1\r\nHost: localhost\r\n\
         X-IDENTITY-HEADER: {secret}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let said = serving.stop(Signal::TERM);
    assert!(said.stderr.contains("token client=unix"), "{said}");
    assert!(!Path::new(path).exists());
}

/// An address of this machine that others may reach; `None` if it has none. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback()).then_some(own)
}

#[test]
fn a_persons_tokens_are_within_others_reach_only_for_resources_that_are_named() {
    let Some(own) = own_address() else {
        eprintln!("skipped: this machine has no network");
        return;
    };
    let (azure, home) = (Azure::shared(), tempfile::tempdir().expect("a folder"));
    let serve = |persona, arguments: &[&str]| {
        let environment = azure.environment(persona, Way::Ports);
        let home = home.path().to_str().expect("text");
        let listen = format!("{own}:0");
        let serve = azcred(&["serve", "--for", "1s", "--listen", &listen]);
        let serve = serve.args(arguments).envs(&environment);
        serve.env("AZCRED_HOME", home).directory("/").said()
    };
    assert_seen!("serve-listen-person", serve(Persona::Laptop, &[]));
    for (persona, arguments) in [
        (Persona::Laptop, &["--allow", "https://ml.azure.com"][..]),
        (Persona::ServicePrincipal, &[]),
    ] {
        let said = serve(persona, arguments);
        assert_eq!(said.code, 0, "{said}");
        assert!(said.stderr.contains("can't see whose program"), "{said}");
    }
}
