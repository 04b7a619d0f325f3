//! `azcred emulator`.

use crate::run::{AZCRED, Running, azcred};
#[cfg(unix)]
use crate::run::{Run, Said, assert_seen, end};
#[cfg(unix)]
use std::process::Command;
use std::{
    io::{BufRead, BufReader},
    path::Path,
};

/// `azcred emulator start` as a process, which is stopped properly even if a test fails.
struct Started {
    child: Option<Running>,
    folder: tempfile::TempDir,
    /// Its output until it was ready.
    ready: String,
}

fn private_folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn state_of(folder: &Path) -> String {
    folder.join("state").to_str().expect("text").to_owned()
}

impl Started {
    fn new(arguments: &[&str]) -> Self {
        let folder = private_folder();
        let mut child = azcred(&["emulator", "start", "--state", &state_of(folder.path())])
            .args(arguments)
            .start();
        let mut ready = String::new();
        let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe"));
        // The last line that it prints, or the end of the pipe.
        while !ready.contains("Ctrl-C stops it.") && !ready.ends_with("\n}\n") {
            if lines.read_line(&mut ready).expect("text") == 0 {
                break;
            }
        }
        Self {
            child: Some(child),
            folder,
            ready,
        }
    }

    fn state(&self) -> String {
        state_of(self.folder.path())
    }

    #[cfg(unix)]
    fn stop(&mut self, signal: rustix::process::Signal) -> Said {
        let child = self.child.take().expect("it runs");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, signal).expect("it runs");
        end(child)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
#[cfg(unix)]
fn start_reports_when_it_is_ready_and_ends_cleanly_on_both_signals() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let mut started = Started::new(&[]);
        let published = Path::new(&started.state()).join("emulator.json");
        assert!(
            published.exists(),
            "what it serves is written before it says so"
        );
        let shown = started
            .ready
            .replace(started.folder.path().to_str().expect("text"), "[FOLDER]");
        let said = started.stop(signal);
        assert_eq!(said.code, 0, "{said}");
        assert!(said.stderr.contains("Stopped."), "{said}");
        assert!(!published.exists(), "it takes back what it published");
        assert_seen!("emulator-start", shown);
    }
}

#[test]
fn start_as_json_has_all_urls_and_no_secret() {
    let started = Started::new(&["--output", "json"]);
    let document: serde_json::Value = serde_json::from_str(&started.ready).expect("JSON");
    let published =
        std::fs::read_to_string(Path::new(&started.state()).join("emulator.json")).expect("text");
    let published: serde_json::Value = serde_json::from_str(&published).expect("JSON");
    assert_eq!(document["armUrl"], published["arm_url"]);
    assert_eq!(document["pid"], published["pid"]);
    for identity in published["identities"].as_array().expect("identities") {
        if let Some(secret) = identity["secret"].as_str() {
            assert!(!started.ready.contains(secret));
        }
    }
    assert!(
        !started
            .ready
            .contains(published["admin_token"].as_str().expect("a token"))
    );
}

/// A command of the emulator, for a running one.
fn of(started: &Started, line: &str) -> Run {
    let state = started.state();
    let arguments = ["emulator", "--state", &state];
    let mut words: Vec<&str> = line.split_whitespace().collect();
    words.splice(1..1, arguments[1..].iter().copied());
    azcred(&arguments[..1]).args(&words)
}

#[test]
#[cfg(unix)]
fn a_running_emulator_shows_its_people_and_requests_until_it_is_stopped() {
    let mut started = Started::new(&[]);
    let users = of(&started, "users --output json").said().json();
    let ada = &users["users"][0];
    assert_eq!(ada["userPrincipalName"], "ada@contoso.com");
    let published = Path::new(&started.state()).join("emulator.json");
    let published = std::fs::read_to_string(published).expect("text");
    assert!(published.contains(ada["password"].as_str().expect("a password")));
    let shown = of(&started, "users").said().to_string();
    let mut settings = crate::run::settings();
    settings.add_filter(
        "(?m)^(  password   *|[^ ]+@contoso.com  +)[^ ]{40}",
        "$1[PASSWORD]",
    );
    settings.bind(|| insta::assert_snapshot!("emulator-users", shown));

    let status = of(&started, "status").said();
    assert_eq!(status.code, 0, "{status}");
    assert!(
        status.stdout.contains("azcred emulator stop --state"),
        "{status}"
    );
    let pid = &of(&started, "status --output json").said().json()["pid"];
    assert_eq!(
        *pid,
        u64::from(started.child.as_ref().expect("it runs").id())
    );

    let follow = || {
        let mut follow = of(&started, "requests --follow --output json").start();
        let lines = BufReader::new(follow.stdout.take().expect("a pipe"));
        (follow, lines)
    };
    let (follower, mut lines) = follow();
    let said = of(&started, &format!("exec -- {AZCRED} token")).said();
    assert_eq!(said.code, 0, "{said}");
    let mut line = String::new();
    lines.read_line(&mut line).expect("text");
    let followed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        (
            &followed["number"],
            &followed["service"],
            &followed["status"]
        ),
        (&1.into(), &"login".into(), &200.into()),
    );
    let all = of(&started, "requests --output json").said().json();
    assert_eq!(all[0], followed);
    let table = of(&started, "requests").said();
    let first = table.stdout.lines().nth(1).expect("a line");
    assert!(first.contains("  200     login            POST"), "{table}");

    let stopped = of(&started, "stop").said();
    assert_eq!(stopped.code, 0, "{stopped}");
    let ended = end(started.child.take().expect("it ran"));
    assert_eq!(ended.code, 0, "{ended}");
    assert_eq!(end(follower).code, 0);
    for line in ["users", "status", "requests", "stop"] {
        let said = of(&started, line).said();
        assert_ne!(said.code, 0, "{said}");
        assert!(said.stderr.contains("no emulator is running"), "{said}");
    }
}

#[test]
fn a_second_emulator_with_the_same_folder_is_rejected() {
    let started = Started::new(&[]);
    let second = azcred(&["emulator", "start", "--state", &started.state()]).said();
    assert_eq!((second.code, second.stdout.as_str()), (1, ""), "{second}");
    assert!(second.stderr.contains("already"), "{second}");
}

#[test]
fn an_invalid_seed_is_rejected_with_its_line() {
    let folder = private_folder();
    let seed = folder.path().join("seed.toml");
    std::fs::write(&seed, "# nothing\n[[tenants]]\nid = 7\n").expect("written");
    let said = azcred(&["emulator", "start", "--state", &state_of(folder.path())])
        .args(&["--seed", seed.to_str().expect("text")])
        .said();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("seed.toml:3"), "{said}");
}

#[test]
fn ports_are_checked_before_anything_starts() {
    for wrong in ["proxy", "nothing=1", "proxy=99999"] {
        let said = azcred(&["emulator", "start", "--port", wrong]).said();
        assert_eq!(said.code, 2, "{wrong}: {said}");
    }
}

#[test]
fn env_prints_the_syntax_of_each_shell() {
    let started = Started::new(&[]);
    for shell in ["sh", "fish", "powershell", "json"] {
        let said = azcred(&[
            "emulator",
            "env",
            "--state",
            &started.state(),
            "--shell",
            shell,
        ])
        .env(
            "HOME",
            &started.folder.path().join("home").display().to_string(),
        )
        .said();
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
        let folder = started.folder.path().to_str().expect("text");
        let shown = said.to_string().replace(folder, "[FOLDER]");
        let mut settings = crate::run::settings();
        settings.add_filter("personas/[^/]+/", "personas/[KEYS]/");
        settings.add_filter("/shell-[0-9a-f]{8}/", "/shell-[USER]/");
        settings.add_filter(r"(proxyPort=)\d+", "$1[PORT]");
        settings.add_filter(
            r#"(AZURE_CLIENT_SECRET"?(=| |: | = )['"])[^'"]+"#,
            "$1[SECRET]",
        );
        settings.bind(|| insta::assert_snapshot!(format!("emulator-env-{shell}"), shown));
    }
    let json = azcred(&[
        "emulator",
        "env",
        "--state",
        &started.state(),
        "--output",
        "json",
    ])
    .args(&["--as", "sp", "--by", "ports"])
    .said()
    .json();
    assert!(json["set"]["AZURE_AUTHORITY_HOST"].is_string(), "{json}");
    assert!(
        json["unset"]
            .as_array()
            .expect("names")
            .contains(&"HTTPS_PROXY".into()),
        "{json}"
    );
}

#[test]
#[cfg(unix)]
fn a_shell_that_sets_the_variables_uses_the_emulator() {
    let started = Started::new(&[]);
    for (arguments, expected) in [
        ("--as himl --by ports", "HIML_SERVICE_PRINCIPAL_PASSWORD"),
        ("--as sp --by names", "AZURE_CLIENT_SECRET"),
    ] {
        let script = format!(
            "eval \"$('{AZCRED}' emulator env --state '{}' {arguments})\" && '{AZCRED}' whoami",
            started.state()
        );
        let mut sh = Command::new("sh");
        sh.args(["-c", &script]);
        // Both variables would lead elsewhere, and must be unset.
        let said = Run::bare(sh)
            .env("AZURE_CLIENT_CERTIFICATE_PATH", "/elsewhere")
            .env("ALL_PROXY", "http://127.0.0.1:9")
            .said();
        assert_eq!(said.code, 0, "{said}");
        assert!(said.stdout.contains(expected), "{said}");
    }
}

#[test]
fn env_without_an_emulator_says_how_to_start_one() {
    let folder = private_folder();
    let said = azcred(&["emulator", "env", "--state", &state_of(folder.path())]).said();
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert!(
        said.stderr.contains("azcred emulator start --state"),
        "{said}"
    );
    let homeless = azcred(&["emulator", "env"]).said();
    assert_eq!(homeless.code, 1, "{homeless}");
    assert!(homeless.stderr.contains("--state"), "{homeless}");
}

#[test]
fn exec_uses_a_running_emulator() {
    let started = Started::new(&[]);
    let published =
        std::fs::read_to_string(Path::new(&started.state()).join("emulator.json")).expect("text");
    let published: serde_json::Value = serde_json::from_str(&published).expect("JSON");
    let said = azcred(&[
        "emulator",
        "exec",
        "--state",
        &started.state(),
        "--by",
        "ports",
    ])
    .args(&["--", AZCRED, "whoami", "-o", "json"])
    .said();
    assert_eq!(said.json()["audience"], published["arm_url"], "{said}");
}

#[test]
fn exec_starts_its_own_emulator_and_leaves_no_files() {
    let folder = private_folder();
    let temporary = folder.path().to_str().expect("text");
    let said = azcred(&["emulator", "exec", "--as", "himl", "--", AZCRED, "whoami"])
        // Another identity, which would come first, and another authority.
        .env("AZURE_TENANT_ID", "fabrikam.com")
        .env("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555")
        .env("AZURE_CLIENT_SECRET", "theirs")
        .env("AZURE_AUTHORITY_HOST", "https://login.example")
        .env("TMPDIR", temporary)
        .env("TEMP", temporary)
        .env("TMP", temporary)
        .said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    assert!(
        said.stdout.contains("HIML_SERVICE_PRINCIPAL_PASSWORD"),
        "{said}"
    );
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[cfg(unix)]
fn the_folder_of_a_killed_emulator_is_removed_by_the_next_one_and_no_other() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, home) = (private_folder(), private_folder());
    let exec = |script: &str| {
        azcred(&[
            "emulator",
            "exec",
            "--as",
            "no-account",
            "--",
            "sh",
            "-c",
            script,
        ])
        .env("TMPDIR", folder.path().to_str().expect("text"))
        .env("HOME", home.path().to_str().expect("text"))
        .said()
    };
    let left = || {
        let entries = std::fs::read_dir(folder.path()).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("text")
            })
            .collect();
        names.sort();
        names
    };
    exec("echo made > ~/made; kill -KILL $PPID");
    assert_eq!(left().len(), 1, "{:?}", left());
    let made = |name: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir(&path).expect("a folder");
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&path, private).expect("its mode");
        path
    };
    // Of a program that runs, of something else, one that others can open, and a link.
    let lock = std::fs::File::create(made("azcred-emulator-runs").join("emulator.lock"));
    let lock = lock.expect("a file");
    lock.try_lock().expect("a lock");
    made("azcred-emulator-other");
    let open = made("azcred-emulator-open");
    std::fs::write(open.join("emulator.lock"), "").expect("written");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).expect("its mode");
    std::fs::write(made("elsewhere").join("emulator.lock"), "").expect("written");
    std::os::unix::fs::symlink("elsewhere", folder.path().join("azcred-emulator-link"))
        .expect("a link");
    assert_eq!(exec("true").code, 0);
    let kept = ["link", "open", "other", "runs"].map(|name| format!("azcred-emulator-{name}"));
    assert_eq!(left(), [&kept[..], &["elsewhere".to_owned()]].concat());
    assert!(folder.path().join("elsewhere/emulator.lock").exists());
    // What its program had created in the home folder.
    let made = std::fs::read_to_string(home.path().join("made")).expect("text");
    assert_eq!(made, "made\n");
}

/// The options of both kinds of network in which a program can run.
fn networks() -> &'static [&'static [&'static str]] {
    #[cfg(target_os = "linux")]
    return crate::isolate::networks();
    #[cfg(not(target_os = "linux"))]
    return &[&[]];
}

#[test]
fn exec_returns_the_exit_code_of_its_program() {
    for network in networks() {
        exit_codes(network);
    }
}

fn exit_codes(network: &[&str]) {
    let exec = |arguments: &[&str]| {
        azcred(&["emulator", "exec", "--as", "no-account"])
            .args(network)
            .args(&["--"])
            .args(arguments)
            .said()
    };
    assert_eq!(exec(&[AZCRED, "token"]).code, 3);
    assert_eq!(exec(&[AZCRED, "frob"]).code, 2);
    let missing = exec(&["/nonexistent/program"]);
    assert_eq!(missing.code, 127, "{missing}");
    assert!(missing.stderr.contains("no such program"), "{missing}");
    #[cfg(unix)]
    {
        assert_eq!(exec(&["sh", "-c", "exit 42"]).code, 42);
        assert_eq!(exec(&["sh", "-c", "kill -TERM $$"]).code, 143);
        assert_eq!(exec(&["sh", "-c", "kill -KILL $$"]).code, 137);
        let folder = private_folder();
        let text = folder.path().join("text");
        std::fs::write(&text, "no program").expect("written");
        let not_executable = exec(&[text.to_str().expect("text")]);
        assert_eq!(not_executable.code, 126, "{not_executable}");
    }
}

#[test]
#[cfg(unix)]
fn exec_passes_arguments_on_unchanged_without_a_shell() {
    for network in networks() {
        let said = azcred(&["emulator", "exec", "--as", "no-account"])
            .args(network)
            .args(&[
                "--",
                "sh",
                "-c",
                "printf '%s|' \"$@\"",
                "sh",
                "a b",
                "$HOME",
                "--output",
                "*",
            ])
            .said();
        assert_eq!(said.stdout, "a b|$HOME|--output|*|", "{said}");
    }
}

#[test]
#[cfg(unix)]
fn exec_passes_signals_on_and_waits_for_the_end() {
    for network in networks() {
        passes_signals_on(network);
    }
}

#[cfg(unix)]
fn passes_signals_on(network: &[&str]) {
    let folder = private_folder();
    let state = state_of(folder.path());
    // A program that ends properly on a signal: another emulator.
    let mut child = azcred(&["emulator", "exec"])
        .args(network)
        .args(&["--", AZCRED, "emulator", "start", "--state", &state])
        .start();
    let mut said = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().expect("a pipe"));
    while !said.contains("Ctrl-C stops it.") {
        assert_ne!(
            lines.read_line(&mut said).expect("text"),
            0,
            "it ended: {said}"
        );
    }
    let published = Path::new(&state).join("emulator.json");
    assert!(published.exists());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let rest = end(child);
    assert_eq!(rest.code, 0, "{rest}");
    assert!(
        rest.stderr.contains("Stopped.") && !published.exists(),
        "{rest}"
    );
}

#[test]
#[cfg(unix)]
fn exec_says_what_is_wrong_with_a_route_before_anything_starts() {
    let route = "a.blob.core.windows.net=http://127.0.0.1:1";
    let missing = "/nonexistent/ca.pem";
    let cases: &[(&[&str], &str)] = &[
        (
            &["--route", "blob=http://127.0.0.1:1"],
            "is not a host name",
        ),
        (
            &["--route", "management.azure.com=http://127.0.0.1:1"],
            "the emulator itself serves 'management.azure.com'",
        ),
        (
            &["--route", "api.openai.com=http://127.0.0.1:1"],
            "can vouch only for names below",
        ),
        (&["--route", route, "--route", route], "has two routes"),
        (&["--route", route, "--by", "ports"], "add --isolate"),
        (&["--route-ca", missing], "--route"),
        (&["--route", route, "--route-ca", missing], "can't be read"),
        (
            &["--route", route, "--route-ca", "/dev/null"],
            "certificate",
        ),
    ];
    let folder = private_folder();
    let started = folder.path().join("started");
    for (options, why) in cases {
        let said = azcred(&["emulator", "exec", "--as", "no-account"])
            .args(options)
            .args(&["--", "touch", started.to_str().expect("text")])
            .said();
        assert_eq!(said.code, 2, "{said}");
        let text = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(why), "{said}");
        assert!(!started.exists(), "{said}");
    }
}

#[test]
#[cfg(unix)]
fn programs_that_start_at_once_share_one_emulator() {
    let folder = private_folder();
    let state = state_of(folder.path());
    let all: Vec<Running> = (0..3)
        .map(|_| {
            azcred(&[
                "emulator", "exec", "--state", &state, "--", AZCRED, "whoami",
            ])
            .start()
        })
        .collect();
    for child in all {
        let said = end(child);
        assert_eq!(said.code, 0, "{said}");
    }
}

#[test]
#[cfg(unix)]
fn an_emulator_runs_until_its_last_program_has_ended() {
    let folder = private_folder();
    let state = state_of(folder.path());
    // Each program reports that it runs, and continues when its pipe is opened.
    let inside = |name: &str, then: &str| {
        let pipe = folder.path().join(name);
        let pipe = pipe.to_str().expect("text").to_owned();
        let made = Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        let script = format!("echo inside; cat '{pipe}'; {then}");
        let mut child = azcred(&[
            "emulator", "exec", "--state", &state, "--", "sh", "-c", &script,
        ])
        .start();
        let mut line = String::new();
        // Byte by byte: `end` reads the rest.
        let stdout = child.stdout.as_mut().expect("a pipe");
        BufReader::with_capacity(1, stdout)
            .read_line(&mut line)
            .expect("text");
        assert_eq!(line, "inside\n");
        (child, pipe)
    };
    let (mut owner, owners_pipe) = inside("owner", "exit 7");
    let (guest, guests_pipe) = inside("guest", &format!("exec '{AZCRED}' whoami"));
    std::fs::write(owners_pipe, "").expect("it goes on");
    let mut note = String::new();
    BufReader::with_capacity(1, owner.stderr.as_mut().expect("a pipe"))
        .read_line(&mut note)
        .expect("text");
    assert!(note.contains("stays until that has ended"), "{note}");
    std::fs::write(guests_pipe, "").expect("it goes on");
    let said = end(guest);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(end(owner).code, 7, "the program's own exit code");
}

#[test]
#[cfg(target_os = "linux")]
fn start_ends_if_its_output_can_not_be_written() {
    let folder = private_folder();
    let full = std::fs::File::create("/dev/full").expect("Linux has it");
    let child =
        azcred(&["emulator", "start", "--state", &state_of(folder.path())]).start_with(|command| {
            command.stdout(full).stderr(std::process::Stdio::piped());
        });
    let said = end(child);
    assert_eq!(said.code, 1, "{said}");
    assert!(
        said.stderr
            .contains("could not write the result to standard output"),
        "{said}"
    );
}

#[test]
fn a_seed_that_does_not_exist_is_named_with_the_way_to_write_one() {
    let folder = private_folder();
    let missing = folder.path().join("contoso.toml");
    let missing = missing.to_str().expect("text");
    let state = state_of(folder.path());
    let start = || azcred(&["emulator", "start", "--state", &state, "--seed", missing]);
    let said = start().said();
    assert_eq!(said.code, 1, "{said}");
    let words = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains(&format!("{missing} does not exist")),
        "{said}"
    );
    assert!(
        words.contains("`azcred emulator seed > contoso.toml`"),
        "{said}"
    );
    assert!(!words.contains("fix the seed file"), "{said}");
    // The sample can be used as it is.
    let sample = azcred(&["emulator", "seed"]).said();
    assert_eq!((sample.code, sample.stderr.as_str()), (0, ""), "{sample}");
    std::fs::write(missing, sample.stdout).expect("written");
    let started = Started::new(&["--seed", missing]);
    assert!(started.ready.contains("Contoso"), "{}", started.ready);
}
