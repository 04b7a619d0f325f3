//! The stand-in for Azure CLI beside others on `PATH`: azcred's own source `azure-cli`, Azure CLI
//! itself, another copy of azcred.

use crate::{
    azure::Azure,
    run::{AZCRED, Run, Said, assert_seen, az, azcred},
};
use azcred_emulator::{Persona, Way};
use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// Folders of `PATH`, in order, and a home folder.
struct Machine {
    folder: TempDir,
    path: Vec<PathBuf>,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            path: Vec::new(),
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a folder to `PATH`, in which `make` puts `az`.
    fn with(mut self, make: impl FnOnce(&Path)) -> Self {
        let folder = self.at(&format!("path-{}", self.path.len()));
        fs::create_dir(&folder).expect("a folder");
        make(&folder.join("az"));
        self.path.push(folder);
        self
    }

    /// The stand-in, by a link.
    fn link(self) -> Self {
        self.with(|az| symlink(AZCRED, az).expect("a link"))
    }

    /// Another azcred, which is another file.
    fn copy(self) -> Self {
        self.with(|az| {
            azcred_scripts::copy(AZCRED, az).expect("copied");
        })
    }

    /// An Azure CLI, as a script.
    fn azure_cli(self, script: &str) -> Self {
        self.with(|az| {
            azcred_scripts::shell_script(az, script).expect("written");
        })
    }

    fn run(&self, run: Run) -> Run {
        let path = env::join_paths(&self.path).expect("a path");
        run.env_os("PATH", path)
            .env_os("HOME", self.at("home"))
            .env_os("AZCRED_HOME", self.at("azcred"))
            .directory(self.folder.path())
    }

    fn azcred(&self, line: &str) -> Said {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        self.run(azcred(&arguments)).said()
    }

    fn az(&self, line: &str) -> Said {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        self.run(az(&arguments)).said()
    }
}

/// An Azure CLI that says with what it was called.
const SAYS: &str = "echo \"az $* AZCRED_AZ=$AZCRED_AZ\"; exit 7";
/// An Azure CLI with an account.
const SIGNED_IN: &str = r#"case "$*" in
"account get-access-token"*) echo '{"accessToken":"eyJhbGciOiJub25lIn0.eyJvaWQiOiJkMSIsImFwcGlkIjoiYTEiLCJhdWQiOiJodHRwczovL21hbmFnZW1lbnQuYXp1cmUuY29tIn0.c2lnbmF0dXJl","expires_on":4102444800,"tokenType":"Bearer"}';;
*) echo "az $* AZCRED_AZ=$AZCRED_AZ"; exit 7;;
esac"#;

#[test]
fn azcred_never_runs_itself_as_azure_cli() {
    // By the file's identity it is not even an Azure CLI.
    let said = Machine::new()
        .link()
        .link()
        .azcred("token --only azure-cli");
    assert!(said.stderr.contains("`az` is not on PATH"), "{said}");
    // Alone, several times, and as a copy that is another file.
    for machine in [
        Machine::new().link(),
        Machine::new().link().link(),
        Machine::new().copy(),
        Machine::new().copy().copy().link(),
    ] {
        let said = machine.azcred("token --only azure-cli");
        assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{said}");
        let said = machine.az("account get-access-token");
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
        assert!(
            said.stderr
                .starts_with("ERROR: Please run 'az login' to setup account.\n"),
            "{said}"
        );
    }
}

#[test]
fn azcred_takes_the_next_az_on_path() {
    for machine in [
        Machine::new().link().azure_cli(SIGNED_IN),
        Machine::new().copy().link().azure_cli(SIGNED_IN),
        Machine::new().azure_cli(SIGNED_IN).link(),
    ] {
        let direct = machine.azcred("token --only azure-cli");
        assert_eq!(direct.code, 0, "{direct}");
        let said = machine.az("account get-access-token --query accessToken -o tsv");
        assert_eq!((said.code, &said.stdout), (0, &direct.stdout), "{said}");
    }
}

#[test]
fn an_az_that_azcred_runs_is_azure_cli_or_an_error() {
    let alone = Machine::new().link();
    let marked = |machine: &Machine| {
        machine
            .run(az(&["account", "show"]).env("AZCRED_AZ", "1"))
            .said()
    };
    assert_seen!("az-marked-alone", marked(&alone));
    let said = marked(&Machine::new().link().azure_cli(SAYS));
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (7, "az account show AZCRED_AZ=2\n"),
        "{said}"
    );
    // Where no file can be told from another, the number of calls is the end.
    let machine = Machine::new().link().azure_cli(SAYS);
    let said = machine
        .run(az(&["account", "show"]).env("AZCRED_AZ", "8"))
        .said();
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert!(said.stderr.contains("calls itself"), "{said}");
    // Only what comes later on PATH: two copies would call each other.
    let said = marked(&Machine::new().azure_cli(SAYS).link());
    assert_eq!(said.code, 1, "{said}");
}

#[test]
fn another_command_goes_to_azure_cli_if_that_is_the_same_identity() {
    let machine = Machine::new().link().azure_cli(SIGNED_IN);
    let said = machine.az("storage blob list --account-name x");
    let seen = "az storage blob list --account-name x AZCRED_AZ=1\n";
    assert_eq!((said.code, said.stdout.as_str()), (7, seen), "{said}");
}

#[test]
fn another_command_does_not_run_as_another_identity() {
    let azure = Azure::shared();
    let who = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let machine = Machine::new().link().azure_cli(SAYS);
    let as_who = |line: &str| {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        machine.run(az(&arguments).envs(&who)).said()
    };
    let said = as_who("storage blob list --account-key topsecret");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    let said = Said {
        stderr: said
            .stderr
            .replace(machine.folder.path().to_str().expect("text"), "/home/ada"),
        ..said
    };
    assert_seen!("az-another-identity", said);
    // These use no identity but the one that they name, or manage Azure CLI.
    for line in [
        "login --use-device-code",
        "logout",
        "config get",
        "storage -h",
    ] {
        assert_eq!(as_who(line).code, 7, "{line}");
    }
}

#[test]
fn without_azure_cli_another_command_has_a_clear_error() {
    let machine = Machine::new().link();
    assert_seen!("az-missing", machine.az("ml job create --file job.yml"));
    assert_seen!("az-missing-login", machine.az("login"));
}

#[test]
fn in_the_folder_of_exec_azure_cli_is_the_same_identity() {
    let machine = Machine::new().link().azure_cli(SAYS);
    fs::create_dir(machine.at("azure")).expect("a folder");
    fs::write(machine.at("azure/made-by-azcred-exec"), "").expect("written");
    let inside = |arguments: &[&str]| {
        let run = az(arguments).env_os("AZURE_CONFIG_DIR", machine.at("azure"));
        machine.run(run).said()
    };
    assert_eq!(inside(&["ml", "job", "list"]).code, 7);
    for other in [&["login"][..], &["login", "--identity", "--client-id", "x"]] {
        assert_eq!(inside(other).code, 1);
    }
    let said = inside(&["login", "--service-principal"]);
    assert_seen!("az-login-in-exec", said);
}

#[test]
fn the_link_is_made_once_and_replaces_nothing() {
    let machine = Machine::new().with(|_| ());
    let (folder, link) = (machine.path[0].clone(), machine.path[0].join("az"));
    let dir = folder.to_str().expect("text");
    let install = |more: &str| {
        let said = machine.azcred(&format!("install-az --dir {dir} {more}"));
        let hidden =
            |text: String| text.replace(machine.folder.path().to_str().expect("text"), "/home/ada");
        Said {
            stdout: hidden(said.stdout),
            stderr: hidden(said.stderr),
            ..said
        }
    };
    assert_seen!("install-az", install(""));
    assert!(machine.az("version").stdout.contains("azure-cli"));
    assert!(fs::read_link(&link).is_ok());
    assert_seen!("install-az-again", install(""));
    assert_eq!(install("-o json").json()["isFirstOnPath"], true);
    assert_seen!("install-az-undo", install("--undo"));
    assert!(fs::symlink_metadata(&link).is_err());
    assert_eq!(install("--undo").code, 0);
    // Also a link that leads nowhere belongs to another program.
    symlink("/nonexistent/az", &link).expect("a link");
    assert_seen!("install-az-taken", install(""));
    let said = install("--undo");
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("install-az-undo-taken", said);
    assert_eq!(
        fs::read_link(&link).expect("a link"),
        Path::new("/nonexistent/az")
    );
}

#[test]
fn a_folder_that_is_not_on_path_is_said_to_be() {
    let machine = Machine::new().with(|_| ());
    let said = machine.azcred("install-az");
    assert_eq!(said.code, 0, "{said}");
    let said = Said {
        stdout: said
            .stdout
            .replace(machine.folder.path().to_str().expect("text"), ""),
        stderr: said
            .stderr
            .replace(machine.folder.path().to_str().expect("text"), ""),
        ..said
    };
    assert_seen!("install-az-not-on-path", said);
    assert!(machine.at("home/.local/bin/az").exists());
    let machine = Machine::new().azure_cli(SAYS);
    let said = machine.azcred("install-az");
    assert!(said.stderr.contains("comes first on PATH"), "{said}");
}

#[test]
fn inside_exec_az_is_the_programs_account_whatever_else_is_set() {
    let azure = Azure::shared();
    let who = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    // Azure CLI and a setting would choose others.
    let machine = Machine::new().azure_cli(SIGNED_IN);
    let inside = |line: &str| {
        let script = format!("export AZCRED_PRESET=hi-ml; az {line}");
        let arguments = [
            "exec",
            "--only",
            "environment",
            "--",
            "/bin/sh",
            "-c",
            &script,
        ];
        machine.run(azcred(&arguments).envs(&who)).said()
    };
    let said = inside("account get-access-token --query accessToken -o tsv");
    assert_eq!(said.code, 0, "{said}");
    let direct = machine
        .run(azcred(&["token", "--only", "environment"]).envs(&who))
        .said();
    assert_eq!(said.stdout, direct.stdout);
    let listed = inside("login --identity --allow-no-subscriptions");
    assert_eq!(listed.code, 0, "{listed}");
    assert_eq!(
        listed.json()[0]["user"]["name"],
        "systemAssignedIdentity",
        "{listed}"
    );
    let said = inside(
        "account show --query user.name -o tsv; az account get-access-token --query subscription -o tsv",
    );
    let seen = "systemAssignedIdentity\n5ec0ffee-0001-4000-8000-000000000001\n";
    assert_eq!((said.code, said.stdout.as_str()), (0, seen), "{said}");
    let said = inside("ml job list");
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (7, "az ml job list AZCRED_AZ=1\n"),
        "{said}"
    );
    assert_eq!(inside("login").code, 1);
}
