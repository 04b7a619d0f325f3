//! `azcred exec`: what its program gets, and how it starts and ends.

use crate::{
    azure::Azure,
    home::Home,
    login::code,
    person::BrowserUser,
    run::{AZCRED, Run, Running, Said, assert_seen, azcred, end},
    serve::request,
    terminal::Terminal,
};
use azcred_emulator::{Persona, Way};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::Command,
};

/// `azcred exec` with these arguments, as a service principal.
fn exec(azure: &Azure, arguments: &[&str]) -> Run {
    let run = azcred(&["exec"]).args(arguments);
    let path = std::env::var("PATH").expect("a PATH");
    run.envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .env("PATH", &path)
}

/// The output of a shell's script in `azcred exec`.
fn script(azure: &Azure, script: &str) -> Said {
    exec(azure, &["--", "sh", "-c", script]).said()
}

/// The first line that a running program writes.
fn first_line(child: &mut Running) -> String {
    let mut line = String::new();
    // Byte by byte: `end` reads the rest.
    let stdout = child.stdout.as_mut().expect("a pipe");
    BufReader::with_capacity(1, stdout)
        .read_line(&mut line)
        .expect("text");
    line.trim_end().to_owned()
}

/// Whether the endpoint at an address such as `http://127.0.0.1:1234/path` can be reached.
fn is_open(address: &str) -> bool {
    let authority = address.strip_prefix("http://").expect("an address");
    let authority = authority.split('/').next().unwrap_or_default();
    TcpStream::connect(authority).is_ok()
}

fn kill(pid: &str) {
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    let _ = kill_process(pid.expect("a process id"), Signal::KILL);
}

#[test]
fn a_program_has_the_sessions_identity_and_no_other() {
    let azure = Azure::shared();
    let inside = [AZCRED, "whoami", "--only", "managed-identity", "-o", "json"];
    let said = exec(&azure, &["--"]).args(&inside).said();
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    let set = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let client = set.iter().find(|(name, _)| name == "AZURE_CLIENT_ID");
    let client = &client.expect("it is set").1;
    assert_eq!(said.json()["applicationId"], client.as_str(), "{said}");
    let variables = script(&azure, "env").stdout;
    let has = |name: &str| {
        variables
            .lines()
            .any(|line| line.starts_with(&format!("{name}=")))
    };
    for name in ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "MSI_ENDPOINT"] {
        assert!(!has(name), "{name}");
    }
    for name in [
        "AZURE_TENANT_ID",
        "HTTPS_PROXY",
        "AZUREML_ARM_WORKSPACE_NAME",
        "IDENTITY_HEADER",
    ] {
        assert!(has(name), "{name}");
    }
    let kept = exec(&azure, &["--keep-env", "--msi", "--", "env"])
        .said()
        .stdout;
    for name in [
        "AZURE_CLIENT_SECRET=",
        "MSI_ENDPOINT=",
        "MSI_SECRET=",
        "IDENTITY_ENDPOINT=",
    ] {
        assert!(kept.contains(name), "{name}");
    }
}

#[test]
fn azcred_in_a_program_is_the_same_account_whatever_its_files_choose() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let inside = |settings: &str, command: &str| {
        fs::write(folder.path().join("azcred.toml"), settings).expect("written");
        // `azcred exec` itself does not read this file.
        let script = format!("cd '{}' && {command}", folder.path().display());
        exec(&azure, &["--", "sh", "-c", &script]).said()
    };
    let account = exec(&azure, &["--", AZCRED, "whoami", "-o", "json"]).said();
    let account = account.json()["objectId"].clone();
    for settings in [
        "[chain]\npreset = \"hi-ml\"",
        "[chain]\nonly = [\"azcred\", \"azure-cli\"]",
        "[chain]\nexclude = [\"managed-identity\"]",
        "[expect]\nsources = [\"azure-cli\", \"environment\"]",
    ] {
        let said = inside(settings, &format!("{AZCRED} whoami -o json"));
        assert_eq!(said.code, 0, "{settings}: {said}");
        assert_eq!(said.json()["objectId"], account, "{settings}");
        let token = inside(settings, "az account get-access-token -o none");
        assert_eq!(token.code, 0, "{settings}: {token}");
    }
    let other = inside("", &format!("{AZCRED} token --only azure-cli"));
    assert_eq!((other.code, other.stdout.as_str()), (1, ""), "{other}");
    assert_seen!("exec-another-account-inside", other);
    let wrong = "[expect]\nprincipal = \"ada@contoso.com\"";
    let said = inside(wrong, &format!("{AZCRED} token"));
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert!(said.stderr.contains("wrong account"), "{said}");
}

#[test]
fn the_exit_code_is_the_programs_or_says_why_there_is_none() {
    let azure = Azure::shared();
    for (program, code) in [
        ("exit 0", 0),
        ("exit 42", 42),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("exec <&- >&- 2>&-; exit 5", 5),
        ("(exit 3) & wait $!; exit $?", 3),
    ] {
        let said = script(&azure, program);
        assert_eq!((said.code, said.stderr.as_str()), (code, ""), "{program}");
    }
    let missing = exec(&azure, &["--", "/nonexistent/program"]).said();
    assert_eq!(missing.code, 127, "{missing}");
    assert_seen!("exec-no-program", missing);
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text");
    fs::write(&text, "no program").expect("written");
    let text = text.to_str().expect("text").to_owned();
    let put = |name: &str, content: &str, mode: u32| {
        let file = folder.path().join(name);
        azcred_scripts::write(&file, content, mode).expect("its own file");
        file.to_str().expect("text").to_owned()
    };
    let bare = put("bare", "print()\n", 0o755);
    let orphan = put("orphan", "#!/no/such/python3 -u\n", 0o755);
    for (program, code, why) in [
        (text.as_str(), 126, "the file is not executable"),
        ("/", 126, "it is a folder"),
        (&bare, 126, "name the program that reads it"),
        (
            &orphan,
            127,
            "its first line names /no/such/python3, which is not there",
        ),
    ] {
        let said = exec(&azure, &["--", program]).said();
        assert_eq!(said.code, code, "{said}");
        let text = said.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(why), "{said}");
    }
}

/// The account has tokens of its own tenant only.
#[test]
fn a_program_can_not_choose_another_tenant() {
    let azure = Azure::shared();
    let other = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let own = azure.info().tenant.id.to_string();
    for line in ["token", "whoami", "exec"] {
        let at = |tenant: &str| {
            let inside = ["--", AZCRED, line, "--tenant", tenant];
            let program: &[&str] = if line == "exec" { &["--", "true"] } else { &[] };
            exec(&azure, &inside).args(program).said()
        };
        let said = at(other);
        assert_ne!(said.code, 0, "{line}: {said}");
        assert!(
            said.stderr.contains("tokens of its own tenant only"),
            "{line}: {said}"
        );
        assert_eq!(at(&own).code, 0, "{line}");
    }
    let refused = exec(&azure, &["--", AZCRED, "token", "--tenant", other]);
    assert_seen!("exec-another-tenant", refused.said());
    let az = |tenant: &str| {
        let line = format!("az account get-access-token --tenant {tenant} --query tenant -o tsv");
        script(&azure, &line)
    };
    assert_eq!(az(&own).stdout.trim(), own);
    let said = az(other);
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    let sentence = format!(
        "ERROR: For managed identity account, getting access token for non-current tenants is not supported. \
         The specified tenant must be the current tenant {own}\n"
    );
    assert_eq!(said.stderr, sentence);
    // Without Azure CLI too, another sign-in is no advice here.
    let login = exec(&azure, &["--", "sh", "-c", "az login"]).env("PATH", "/usr/bin:/bin");
    let login = login.said();
    assert!(
        login.stderr.contains("azcred chooses the identity"),
        "{login}"
    );
}

#[test]
fn a_failure_is_azcreds_own_and_the_program_does_not_start() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let started = folder.path().join("started");
    let touch = ["--", "/usr/bin/touch", started.to_str().expect("text")];
    let no_account = azcred(&["exec", "--no-input"])
        .args(&touch)
        .envs(&azure.environment(Persona::NoAccount, Way::RealNames))
        .said();
    assert_eq!(no_account.code, 125, "{no_account}");
    assert_seen!("exec-no-account", no_account);
    let wrong = exec(
        &azure,
        &["--expect-tenant", "11111111-2222-3333-4444-555555555555"],
    )
    .args(&touch)
    .said();
    assert_eq!(wrong.code, 125, "{wrong}");
    assert_seen!("exec-wrong-account", wrong);
    let audit = exec(&azure, &["--audit", "/nonexistent/audit"])
        .args(&touch)
        .said();
    assert_eq!(audit.code, 125, "{audit}");
    assert_seen!("exec-no-audit", audit);
    for usage in [&["--frob"][..], &[], &["--allow", "", "--", "true"]] {
        let said = exec(&azure, usage).said();
        assert_eq!(said.code, 125, "{said}");
    }
    assert_eq!(azcred(&["-o", "json", "exec"]).said().code, 125);
    assert!(!started.exists());
}

#[test]
fn what_can_not_run_is_refused_before_a_person_is_asked() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("text");
    fs::write(&text, "no program").expect("written");
    let text = text.to_str().expect("text");
    let no_account = azure.environment(Persona::NoAccount, Way::RealNames);
    let run = |arguments: &[&str]| azcred(&["exec"]).args(arguments).envs(&no_account);
    for (arguments, temporary, code, said) in [
        (
            &["--", "azcred-nonesuch"][..],
            "/tmp",
            127,
            "no such program",
        ),
        (&["--", text], "/tmp", 126, "not executable"),
        (&["--audit", "/", "--", "true"], "/tmp", 125, "--audit"),
        (&["--", "true"], "/nonexistent", 125, "set TMPDIR"),
        // There is the program, and no account.
        (&["--", "sh"], "/tmp", 125, "azcred login"),
        (&["--", "az"], "/tmp", 125, "azcred login"),
    ] {
        let run = run(arguments).env("TMPDIR", temporary);
        let run = run.env("PATH", "/usr/bin:/bin").said();
        assert_eq!(run.code, code, "{arguments:?} {run}");
        assert!(run.stderr.contains(said), "{arguments:?} {run}");
    }
}

#[test]
fn a_resource_off_the_list_gets_no_token() {
    let azure = Azure::shared();
    let token = |resource: &str| {
        let inside = [
            AZCRED,
            "token",
            "--only",
            "managed-identity",
            "--resource",
            resource,
        ];
        let allowed = [
            "--allow",
            "https://storage.azure.com,https://ml.azure.com",
            "--",
        ];
        exec(&azure, &allowed).args(&inside).said()
    };
    assert_eq!(token("https://ml.azure.com").code, 0);
    assert_eq!(token("https://storage.azure.com/").code, 0);
    let refused = token("https://management.azure.com");
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (4, ""),
        "{refused}"
    );
    assert_seen!("exec-off-the-list", refused);
    let typing_error = exec(&azure, &["--allow", "storage.azure.com", "--", "true"]).said();
    assert_eq!(typing_error.code, 125, "{typing_error}");
    assert!(
        typing_error.stderr.contains("https://storage.azure.com"),
        "{typing_error}"
    );
    assert_eq!(
        exec(&azure, &["--allow", "all", "--", "true"]).said().code,
        0
    );
}

#[test]
fn each_token_is_a_line_of_the_audit_without_the_token() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let audit = folder.path().join("audit");
    let path = audit.to_str().expect("text");
    let inside = [AZCRED, "token", "--only", "managed-identity"];
    for _ in 0..2 {
        let said = exec(&azure, &["--audit", path, "--"]).args(&inside).said();
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
        let written = fs::read_to_string(&audit).expect("it was written");
        assert!(!written.contains(said.stdout.trim()), "{written}");
    }
    let written = fs::read_to_string(&audit).expect("it was written");
    assert_eq!(written.lines().count(), 2, "{written}");
    assert!(written.contains("token"), "{written}");
    assert!(
        written.contains("resource=https://management.azure.com"),
        "{written}"
    );
    let mode = fs::metadata(&audit)
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_ci_jobs_statement_is_fetched_again_for_each_token() {
    // Such tokens are never kept: they end within the time that a request may take.
    let azure = Azure::own(azcred_emulator::Options {
        access_token_lifetime: Some(5),
        ..Default::default()
    });
    let job = azcred(&["exec", "--", "sh", "-c"])
        .args(&["echo $IDENTITY_ENDPOINT $IDENTITY_HEADER; exec sleep 300"])
        .envs(&azure.environment(Persona::Github, Way::RealNames))
        .env("PATH", "/usr/bin:/bin");
    let mut job = job.start();
    let line = first_line(&mut job);
    let (address, secret) = line.split_once(' ').expect("both");
    let variables = json!({"IDENTITY_ENDPOINT": address, "IDENTITY_HEADER": secret});
    let served = |service: &str| {
        let all = azure.emulator().requests().all();
        let of_service = all.iter().filter(|one| one.service == service);
        of_service.filter(|one| one.status == Some(200)).count()
    };
    for hours in 0..3 {
        // A statement lives ten minutes.
        let clock = &azure.emulator().world().clock;
        clock.set_skew(hours * 3600);
        let (statements, now) = (served("github_actions"), clock.unix());
        // The same moment, by a clock of some milliseconds, has the same token.
        let mut requests = 0;
        let answer = loop {
            let answer = request(&variables, "https://ml.azure.com").expect("it runs");
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            if served("github_actions") > statements {
                break answer;
            }
            requests += 1;
            assert!(requests < 1000, "the statement is not fetched");
        };
        assert_eq!(served("github_actions"), statements + 1, "{hours}");
        let token = answer.split('"').nth(3).expect("a token");
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a JWT"));
        let claims: Value = serde_json::from_slice(&claims.expect("base64")).expect("JSON");
        assert!(claims["exp"].as_i64() > Some(now), "{claims}");
    }
    kill_process(Pid::from_child(&job), Signal::TERM).expect("it runs");
    assert_eq!(end(job).code, 143);
}

#[test]
fn the_programs_azure_cli_folder_is_its_own_and_ends_with_it() {
    let azure = Azure::shared();
    let temporary = tempfile::tempdir().expect("a folder");
    let path = temporary.path().to_str().expect("text");
    let run = |script: &str| {
        let run = exec(&azure, &["--", "sh", "-c", script]).env("TMPDIR", path);
        run.env("AZURE_CONFIG_DIR", "/users/own").said()
    };
    let left = || fs::read_dir(temporary.path()).expect("a folder").count();
    let said = run("ls -ld $AZURE_CONFIG_DIR; cat $AZURE_CONFIG_DIR/azureProfile.json");
    let (listed, profile) = said.stdout.split_once('\n').expect("lines");
    assert!(listed.starts_with("drwx------"), "{said}");
    let profile: serde_json::Value = serde_json::from_str(profile).expect("JSON");
    let account = &profile["subscriptions"][0];
    let workspace = azure.info().workspace.as_ref().expect("the seed has it");
    assert_eq!(
        account["id"],
        workspace.subscription_id.to_string(),
        "{said}"
    );
    assert_eq!(account["user"]["assignedIdentityInfo"], "MSI", "{said}");
    assert_eq!(left(), 0);
    // The next one removes what a killed one has left.
    run("kill -KILL $PPID");
    assert_eq!(left(), 1);
    assert_eq!(run("true").code, 0);
    assert_eq!(left(), 0);
}

#[test]
fn the_program_has_the_users_limit_of_open_files() {
    let azure = Azure::shared();
    let script = format!("ulimit -Sn 200; exec '{AZCRED}' exec -- sh -c 'ulimit -Sn'");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &script]);
    let run = Run::bare(shell).env("AZCRED_KEYRING", "never");
    let environment = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let said = run.envs(&environment).said();
    assert_eq!(said.stdout, "200\n", "{said}");
}

#[test]
fn what_a_program_leaves_running_gets_no_more_tokens() {
    let azure = Azure::shared();
    let said = script(
        &azure,
        "sleep 300 >/dev/null 2>&1 & echo $! $IDENTITY_ENDPOINT; exit 6",
    );
    let (pid, address) = said.stdout.trim().split_once(' ').expect("both");
    let is_open = is_open(address);
    kill(pid);
    assert_eq!((said.code, is_open), (6, false), "{said}");
}

#[test]
fn the_endpoint_ends_with_azcred_or_the_program_however_they_end() {
    let azure = Azure::shared();
    for (kills_azcred, kills_program) in [(true, false), (false, true), (true, true)] {
        let what = format!("azcred {kills_azcred}, program {kills_program}");
        let script = "echo $$ $IDENTITY_ENDPOINT; exec sleep 300";
        let mut child = exec(&azure, &["--", "sh", "-c", script]).start();
        let line = first_line(&mut child);
        let (pid, address) = line.split_once(' ').expect("both");
        assert!(is_open(address));
        if kills_azcred {
            child.kill().expect("it runs");
        }
        if kills_program {
            kill(pid);
        }
        let status = child.wait().expect("it has ended");
        assert_eq!(status.code(), (!kills_azcred).then_some(137), "{what}");
        let is_open = is_open(address);
        // Its work is not lost with azcred.
        let program = pid.parse().ok().and_then(Pid::from_raw).expect("an id");
        let runs = !kills_program && rustix::process::test_kill_process(program).is_ok();
        if !kills_program {
            kill(pid);
        }
        assert_eq!((is_open, runs), (false, !kills_program), "{what}");
    }
}

#[test]
fn signals_are_passed_on_and_ignored_ones_stay_ignored() {
    let azure = Azure::shared();
    let traps = "trap 'exit 9' TERM; trap 'exit 8' USR1; trap 'exit 7' HUP; trap 'exit 6' INT; \
                 echo ready; while :; do sleep 0.05; done";
    for (signal, code) in [
        (Signal::TERM, 9),
        (Signal::USR1, 8),
        (Signal::HUP, 7),
        (Signal::INT, 6),
    ] {
        let mut child = exec(&azure, &["--", "sh", "-c", traps]).start();
        assert_eq!(first_line(&mut child), "ready");
        kill_process(Pid::from_child(&child), signal).expect("it runs");
        assert_eq!(end(child).code, code, "{signal:?}");
    }
    let script = format!(
        "trap '' HUP; exec '{AZCRED}' exec -- sh -c 'kill -HUP $PPID; kill -HUP $$; echo still here'"
    );
    let mut sh = Command::new("/bin/sh");
    sh.args(["-c", &script]);
    let nohup = Run::bare(sh)
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .said();
    assert_eq!(
        (nohup.code, nohup.stdout.as_str()),
        (0, "still here\n"),
        "{nohup}"
    );
}

#[test]
fn a_person_signs_in_before_the_program_starts_and_is_never_asked_later() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let token = format!("'{AZCRED}' token --only managed-identity --resource");
    let script = format!(
        "echo started; {token} https://storage.azure.com >/dev/null && echo token; \
         '{AZCRED}' logout --all >/dev/null; {token} https://ml.azure.com 2>/dev/null || echo none"
    );
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(home.run(&["exec", "--", "/bin/sh", "-c", &script]));
    let shown = terminal.until("left; Ctrl-C ends it");
    BrowserUser::new(&azure, "ada@contoso.com").enters(&code(&shown));
    let said = end(child);
    let written = terminal.rest();
    assert_eq!(said.stdout, "started\ntoken\nnone\n", "{said}\n{written}");
    assert_eq!(said.code, 0, "{said}\n{written}");
    assert_eq!(written.matches("deviceauth").count(), 1, "{written}");
    assert!(
        written.contains(" Signed in as ada@contoso.com\r\n"),
        "{written:?}"
    );
}

/// A shell with job control, at a terminal of its own.
#[test]
#[cfg(target_os = "linux")]
fn ctrl_z_and_fg_stop_and_continue_azcred_with_its_program() {
    let azure = Azure::shared();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, script) in [
        ("reads", "echo begun-1 >&2; read word; echo has-$word >&2"),
        ("stops", "kill -STOP $$; echo continued-2 >&2"),
        (
            "ignores",
            "trap '' TSTP; echo begun-3 >&2; read word; echo has-$word >&2",
        ),
    ] {
        fs::write(folder.path().join(name), script).expect("written");
    }
    let mut shell = Command::new("setsid");
    shell.args(["--ctty", "--wait", "bash", "--norc", "-i"]);
    let run = Run::bare(shell)
        .envs(&azure.environment(Persona::ServicePrincipal, Way::RealNames))
        .env("HOME", folder.path().to_str().expect("text"))
        .env("AZCRED_KEYRING", "never")
        .env("AZ", AZCRED)
        .directory(folder.path());
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(run);
    terminal.types("$AZ exec -- sh reads\n");
    terminal.until("begun-1");
    terminal.types("\u{1a}");
    terminal.until("[1]+  Stopped");
    terminal.types("fg\n");
    terminal.types("one\n");
    terminal.until("has-one");
    // A program that stops by itself, as a shell does in `suspend`.
    terminal.types("$AZ exec -- sh stops\n");
    terminal.until("Stopped                 $AZ exec -- sh stops");
    terminal.types("fg\n");
    terminal.until("continued-2");
    // A program that goes on after Ctrl-Z has its tokens.
    terminal.types("$AZ exec -- sh ignores\n");
    terminal.until("begun-3");
    terminal.types("\u{1a}three\n");
    terminal.until("has-three");
    terminal.types("exit 0\n");
    assert_eq!(end(child).code, 0, "{}", terminal.rest());
}
