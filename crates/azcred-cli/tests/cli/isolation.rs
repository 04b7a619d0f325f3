//! `azcred emulator exec` on a user's machine: the user's and the machine's sign-ins are neither
//! used nor changed.

use crate::{
    run::{AZCRED, Run, Said, azcred, end},
    terminal::Terminal,
};
use std::{
    io::Write,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A user's machine: a home folder, the session's bus, and a state folder of the emulator.
struct Machine {
    folder: TempDir,
    bus: UnixListener,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "run"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        let bus = UnixListener::bind(folder.path().join("run/bus")).expect("a socket");
        bus.set_nonblocking(true).expect("a socket");
        Self { folder, bus }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: &str) -> PathBuf {
        let path = self.at(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let mut file = std::fs::File::create(&path).expect("a file");
        file.write_all(content.as_bytes()).expect("written");
        path
    }

    fn run(&self, program: Run) -> Run {
        let (home, run) = (self.at("home"), self.at("run"));
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        program
            .env("HOME", &text(&home))
            .env("XDG_RUNTIME_DIR", &text(&run))
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                &format!("unix:path={}", text(&run.join("bus"))),
            )
    }

    fn exec(&self, persona: &str, command: &[&str]) -> Said {
        let state = self.at("state");
        let state = state.to_str().expect("text");
        let run = azcred(&["emulator", "exec", "--state", state, "--as", persona, "--"]);
        self.run(run.args(command)).said()
    }

    /// Every file below the home folder.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut all = Vec::new();
        let mut folders = vec![self.at("home")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => all.push((path.clone(), std::fs::read(path).expect("a file"))),
                }
            }
        }
        all.sort();
        all
    }

    fn bus_was_used(&self) -> bool {
        self.bus.accept().is_ok()
    }
}

/// Azure CLI's files, in which someone is signed in.
fn signed_in_to_azure_cli(machine: &Machine) {
    machine.put(
        "home/.azure/azureProfile.json",
        r#"{"subscriptions":[{"id":"11111111-0000-4000-8000-000000000001","name":"Real","state":"Enabled",
            "user":{"name":"real@fabrikam.com","type":"user"},"isDefault":true,
            "tenantId":"22222222-0000-4000-8000-000000000001","environmentName":"AzureCloud"}]}"#,
    );
    machine.put("home/.azure/msal_token_cache.json", r#"{"AccessToken":{}}"#);
}

#[test]
fn a_program_without_an_account_does_not_find_the_users_azure_cli() {
    let machine = Machine::new();
    signed_in_to_azure_cli(&machine);
    let before = machine.files();
    let said = machine.exec("no-account", &[AZCRED, "whoami"]);
    assert_eq!(said.code, 3, "{said}");
    assert!(!said.to_string().contains("fabrikam"), "{said}");
    let folder = "test -z \"$(cat \"$AZURE_CONFIG_DIR/azureProfile.json\" ~/.azure/azureProfile.json 2>/dev/null)\"";
    let said = machine.exec("no-account", &["sh", "-c", folder]);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_shell_that_sets_the_variables_finds_no_sign_in_of_the_user_either() {
    let machine = Machine::new();
    signed_in_to_azure_cli(&machine);
    let before = machine.files();
    let script = "export HOME=\"$1\" ARM_CLIENT_SECRET=x AZURE_STORAGE_KEY=x servicePrincipalKey=x; \
        unset AZURE_CONFIG_DIR; eval \"$(\"$0\" emulator env --state \"$2\" --as no-account --shell sh)\" \
        && \"$0\" whoami; echo \"ended $?, left $ARM_CLIENT_SECRET$AZURE_STORAGE_KEY$servicePrincipalKey\"";
    let (home, state) = (machine.at("home"), machine.at("state"));
    let text = |path: &Path| path.to_str().expect("text").to_owned();
    let said = machine.exec(
        "service-principal",
        &["sh", "-c", script, AZCRED, &text(&home), &text(&state)],
    );
    assert_eq!(said.stdout, "ended 3, left \n", "{said}");
    assert_eq!(machine.files(), before);
}

/// What azcred stores for a program inside reaches neither the user's folders nor the keyring.
#[test]
fn a_stored_token_stays_in_the_emulator_with_its_persona() {
    let machine = Machine::new();
    let before = machine.files();
    let said = machine.exec("service-principal", &[AZCRED, "token"]);
    assert_eq!(said.code, 0, "{said}");
    let list = ["sh", "-c", "echo $AZCRED_HOME; ls $AZCRED_HOME 2>/dev/null"];
    let its = machine.exec("service-principal", &list);
    let others = machine.exec("laptop", &list);
    assert_eq!(
        its.stdout.lines().skip(1).collect::<Vec<_>>(),
        ["cache", "data"],
        "{its}"
    );
    assert_eq!(others.stdout.lines().count(), 1, "{others}");
    assert_ne!(its.stdout.lines().next(), others.stdout.lines().next());
    assert_eq!(machine.files(), before);
    assert!(!machine.bus_was_used());
}

/// The user's settings say how the user signs in, and not the persona.
#[test]
fn the_users_settings_are_not_a_programs() {
    let machine = Machine::new();
    for folder in [".config", "Library/Application Support"] {
        machine.put(
            &format!("home/{folder}/azcred/config.toml"),
            "[chain]\nexclude = ['environment']\n",
        );
    }
    let said = machine.exec("service-principal", &[AZCRED, "chain"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(!said.stdout.contains("config.toml"), "{said}");
}

/// Without the variable, a program could reach the metadata service of the machine.
#[test]
fn no_fix_leads_a_program_to_the_machines_own_identity() {
    let machine = Machine::new();
    for command in [
        &[AZCRED, "token", "--only", "managed-identity"][..],
        &[AZCRED, "login", "--identity"],
        &[AZCRED, "chain", "-v"],
    ] {
        let said = machine.exec("no-account", command);
        assert_ne!(said.code, 0, "{said}");
        assert!(!said.to_string().contains("unset"), "{said}");
    }
}

/// The bus is the way to the keyring. It ends each connection without a response.
#[test]
fn the_keyring_is_tried_before_a_secret_is_requested() {
    let machine = Machine::new();
    machine.bus.set_nonblocking(false).expect("a socket");
    let bus = machine.bus.try_clone().expect("a handle");
    let (sender, connected) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((connection, _)) = bus.accept() {
            let _ = sender.send(connection);
        }
    });
    let terminal = Terminal::new(120, 24);
    let login = azcred(&[
        "login",
        "--service-principal",
        "--client-id",
        "a0000001-0000-4000-8000-000000000001",
        "--tenant",
        "contoso.com",
    ]);
    let child = terminal.start(machine.run(login).env("AZCRED_KEYRING", ""));
    let patience = std::time::Duration::from_secs(60);
    let connection = connected
        .recv_timeout(patience)
        .expect("the keyring is tried first");
    // There is no keyring behind this bus, so the secret is not requested at all.
    drop(connection);
    let said = end(child);
    let written = terminal.rest();
    assert_eq!(said.code, 3, "{said}\n{written}");
    assert!(!written.contains("it is not shown"), "{written}");
    assert!(written.contains("--store file"), "{written}");
}

#[test]
fn a_programs_own_files_are_the_users() {
    let machine = Machine::new();
    machine.put("home/notes", "mine");
    let said = machine.exec(
        "no-account",
        &["sh", "-c", "echo made > ~/made; cat ~/notes"],
    );
    assert_eq!(said.stdout, "mine", "{said}");
    let made = std::fs::read_to_string(machine.at("home/made")).expect("the program's file");
    assert_eq!(made, "made\n");
}
