//! `azcred emulator exec --isolate`: a program in a network of its own.

use crate::{
    run::{AZCRED, Run, Said, assert_seen, azcred, end},
    terminal::Terminal,
};
use std::{fs, net::TcpListener, process::Command, sync::OnceLock};

/// `azcred emulator exec` in both kinds of network, or only in the usual one where the system
/// permits no other: then the refusal is checked instead.
pub(crate) fn networks() -> &'static [&'static [&'static str]] {
    static PERMITTED: OnceLock<bool> = OnceLock::new();
    let is_permitted = *PERMITTED.get_or_init(|| {
        let said = isolated("no-account", "true");
        if said.code != 0 {
            assert!(
                said.stderr.contains("`--isolate` does not work here"),
                "{said}"
            );
            assert!(said.stderr.contains("fix "), "{said}");
            eprintln!("skipped: this system permits a program no network of its own: {said}");
        }
        said.code == 0
    });
    let all: &[&[&str]] = &[&[], &["--isolate"]];
    if is_permitted { all } else { &all[..1] }
}

/// A script in a network of its own.
fn isolated(persona: &str, script: &str) -> Said {
    let exec = [
        "emulator",
        "exec",
        "--isolate",
        "--as",
        persona,
        "--",
        "bash",
        "-c",
        script,
    ];
    azcred(&exec).env("AZ", AZCRED).said()
}

fn is_permitted() -> bool {
    networks().len() == 2
}

#[test]
fn a_program_in_a_network_of_its_own_reaches_nothing_else() {
    if !is_permitted() {
        return;
    }
    let outside = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = outside.local_addr().expect("it has one").port();
    // Neither variables nor proxies matter to these.
    let script = format!(
        "for at in 1.1.1.1/443 2606:4700:4700::1111/443 127.0.0.1/{here}; do \
           (exec 3<>/dev/tcp/$at) && echo \"reached $at\"; \
         done; \
         getent hosts pypi.org example.com && echo resolved; \
         grep -c : /proc/net/dev; grep -v '^[^:]*lo:' /proc/net/dev | grep -c :; true"
    );
    let said = isolated("vm", &script);
    // Only the loopback interface.
    assert_eq!((said.code, said.stdout.as_str()), (0, "1\n0\n"), "{said}");
    assert!(said.stderr.contains("Network is unreachable"), "{said}");
    assert!(said.stderr.contains("Connection refused"), "{said}");
    outside.set_nonblocking(true).expect("a flag");
    let reached = outside.accept().map(|_| ());
    assert!(reached.is_err(), "the server outside has a connection");
    // The same script without `--isolate` reaches it.
    let script = format!("(exec 3<>/dev/tcp/127.0.0.1/{here}) && echo reached");
    let exec = [
        "emulator", "exec", "--as", "vm", "--", "bash", "-c", &script,
    ];
    assert_eq!(azcred(&exec).said().stdout, "reached\n");
}

#[test]
fn programs_that_read_no_variable_of_the_emulator_reach_it_by_azures_names_and_addresses() {
    if !is_permitted() {
        return;
    }
    // Without the variables of proxies and metadata services, 169.254.169.254 is built in.
    let bare = "env -u HTTPS_PROXY -u https_proxy -u HTTP_PROXY -u http_proxy -u AZCRED_IMDS \
                -u AZURE_POD_IDENTITY_AUTHORITY_HOST \"$AZ\"";
    let said = isolated(
        "vm",
        &format!("{bare} whoami --only managed-identity -o json"),
    );
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(said.json()["used"]["address"], "169.254.169.254", "{said}");
    // Names, by the system's resolver; also one that a list of names can't have.
    let said = isolated(
        "service-principal",
        &format!("{bare} doctor; getent ahosts northeurope.login.microsoft.com"),
    );
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("127.0.0.1"), "{said}");
    // Where the persona has no identity, the metadata service says so.
    let said = isolated(
        "no-account",
        &format!("{bare} token --only managed-identity"),
    );
    assert_eq!(said.code, 3, "{said}");
    // Ports too.
    let exec = [
        "emulator",
        "exec",
        "--isolate",
        "--by",
        "ports",
        "--",
        AZCRED,
        "whoami",
    ];
    let said = azcred(&exec).said();
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn fixed_ports_of_hosts_of_managed_identities_are_there() {
    if !is_permitted() {
        return;
    }
    for (persona, port) in [
        ("arc", 40342),
        ("cloud-shell", 50342),
        ("azureml-compute", 46808),
    ] {
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo reached");
        assert_eq!(isolated(persona, &script).stdout, "reached\n", "{persona}");
        let other = isolated("no-account", &script);
        assert_eq!(other.stdout, "", "{other}");
    }
}

#[test]
fn a_program_in_a_network_of_its_own_has_the_same_user_and_no_new_rights() {
    if !is_permitted() {
        return;
    }
    let script = "id -u; id -g; grep CapAmb /proc/self/status";
    let inside = isolated("no-account", script);
    let mut bash = Command::new("bash");
    bash.args(["-c", script]);
    assert_eq!(inside.stdout, Run::bare(bash).said().stdout, "{inside}");
    let folder = tempfile::tempdir().expect("a folder");
    let temporary = folder.path().to_str().expect("text");
    let exec = [
        "emulator",
        "exec",
        "--isolate",
        "--as",
        "no-account",
        "--",
        "ls",
        temporary,
    ];
    let said = azcred(&exec).env("TMPDIR", temporary).said();
    assert!(said.stdout.contains("azcred-isolated-"), "{said}");
    let left: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// In a folder whose path is longer than a socket's may be.
#[test]
fn the_folder_for_temporary_files_can_have_a_long_path() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let long = folder.path().join("x".repeat(120));
    fs::create_dir(&long).expect("a folder");
    let exec = ["emulator", "exec", "--isolate", "--", AZCRED, "token"];
    let said = azcred(&exec)
        .env("TMPDIR", long.to_str().expect("text"))
        .said();
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn where_the_system_permits_no_network_the_refusal_names_it_and_the_program_does_not_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = folder.path().join("started");
    let exec = |path: &str| {
        let touch = format!("touch '{}'", started.display());
        azcred(&[
            "emulator",
            "exec",
            "--isolate",
            "--",
            "/bin/sh",
            "-c",
            &touch,
        ])
        .env("PATH", path)
        .said()
    };
    let missing = exec("/nonexistent");
    assert_eq!(missing.code, 1, "{missing}");
    assert_seen!("emulator-exec-isolate-no-unshare", missing);
    // What util-linux says on a kernel that forbids it.
    let unshare = folder.path().join("unshare");
    let script = "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1";
    azcred_scripts::shell_script(unshare, script).expect("written");
    let refused = exec(folder.path().to_str().expect("text"));
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.contains("`--isolate` does not work here"),
        "{refused}"
    );
    assert!(
        refused.stderr.contains("Operation not permitted"),
        "{refused}"
    );
    assert!(!started.exists());
}

/// A shell with job control, at a terminal of its own.
#[test]
fn ctrl_z_fg_and_ctrl_c_reach_a_program_in_a_network_of_its_own() {
    if !is_permitted() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, script) in [
        ("reads", "echo begun-1 >&2; read word; echo has-$word >&2"),
        (
            "ends",
            "trap 'echo ended-2 >&2; exit 9' INT; echo begun-2 >&2; read word",
        ),
    ] {
        fs::write(folder.path().join(name), script).expect("written");
    }
    let mut shell = Command::new("setsid");
    shell.args(["--ctty", "--wait", "bash", "--norc", "-i"]);
    let run = Run::bare(shell)
        .env("HOME", folder.path().to_str().expect("text"))
        .env(
            "EXEC",
            &format!("{AZCRED} emulator exec --isolate --as no-account --"),
        )
        .directory(folder.path());
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(run);
    terminal.types("$EXEC bash ./reads\n");
    terminal.until("begun-1");
    terminal.types("\u{1a}");
    terminal.until("[1]+  Stopped");
    terminal.types("fg\n");
    terminal.types("one\n");
    terminal.until("has-one");
    terminal.types("$EXEC bash ./ends\n");
    terminal.until("begun-2");
    terminal.types("\u{3}");
    terminal.until("ended-2");
    terminal.types("echo code-$? >&2\n");
    terminal.until("code-9");
    terminal.types("exit 0\n");
    assert_eq!(end(child).code, 0, "{}", terminal.rest());
}
