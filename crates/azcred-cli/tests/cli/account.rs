//! `azcred login` of applications and machines, `azcred account`, `azcred logout`, profiles.

use crate::{
    azure::Azure,
    home::Home,
    person::BrowserUser,
    run::{Run, Said, assert_seen, end},
    terminal::{Terminal, settled},
};
use azcred_emulator::{Persona, Way};

const FIRST: &str = "a0000001-0000-4000-8000-000000000001";
const CERTIFIED: &str = "a0000001-0000-4000-8000-000000000002";
const ADA: &str = "ada@contoso.com";

/// A variable of a persona.
fn value(azure: &Azure, persona: Persona, name: &str) -> String {
    let set = azure.environment(persona, Way::Ports);
    let found = set.into_iter().find(|(variable, _)| variable == name);
    found.expect("it is set").1
}

fn application<'a>(client_id: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec!["login", "--client-id", client_id, "--tenant", "contoso.com"];
    line.extend(more);
    line
}

/// Signs in with the seed's certificate.
#[track_caller]
fn by_certificate(azure: &Azure, home: &Home, more: &[&str]) -> Said {
    let file = value(azure, Persona::Certificate, "AZURE_CLIENT_CERTIFICATE_PATH");
    let client_id = value(azure, Persona::Certificate, "AZURE_CLIENT_ID");
    // The option `--service-principal` is not needed.
    let line = application(&client_id, &["--certificate", &file]);
    let said = home.run(&line).args(more).said();
    assert_eq!(said.code, 0, "{said}");
    said
}

/// Signs a person in with a device code.
#[track_caller]
fn by_code(azure: &Azure, run: Run, name: &str) -> Said {
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(run.args(&["--device-code", "--plain"]));
    let shown = terminal.until("Ctrl-C ends it");
    let (_, code) = shown
        .split_once("enter the code ")
        .or_else(|| shown.split_once("code\r\n"))
        .expect("a code");
    BrowserUser::new(azure, name).enters(&code[..9]);
    let mut said = end(child);
    said.stderr = settled(&terminal.rest());
    assert_eq!(said.code, 0, "{said}");
    said
}

/// The output of `azcred whoami`.
fn who(home: &Home, more: &[&str]) -> serde_json::Value {
    let said = home.run(&["whoami", "-o", "json"]).args(more).said();
    assert_eq!(said.code, 0, "{said}");
    said.json()
}

#[test]
fn an_application_signs_in_with_its_certificate_file() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    assert_seen!("login-certificate", by_certificate(&azure, &home, &[]));
    let who = who(&home, &[]);
    assert_eq!(who["applicationId"], CERTIFIED);
    assert_eq!(who["source"], "azcred");
}

#[test]
fn the_password_of_a_certificate_is_requested_if_it_has_one() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../azcred/tests/fixtures/certificates/pkcs8-aes256-sha256.pem"
    );
    let line = application(CERTIFIED, &["--certificate", file, "--store", "file"]);
    let said = home.run(&line).input("not the password\n").said();
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("password is wrong"), "{said}");
    // The file can be opened, but the certificate is not registered.
    let said = home.run(&line).input("correct-horse\n").said();
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("AADSTS700027"), "{said}");
    assert!(!said.stderr.contains("correct-horse"), "{said}");
}

#[test]
fn an_application_signs_in_with_the_token_in_a_file() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let file = value(&azure, Persona::Aks, "AZURE_FEDERATED_TOKEN_FILE");
    let client_id = value(&azure, Persona::Aks, "AZURE_CLIENT_ID");
    let tenant = value(&azure, Persona::Aks, "AZURE_TENANT_ID");
    let said = home
        .run(&[
            "login",
            "--federated-token",
            &file,
            "--client-id",
            &client_id,
            "--tenant",
            &tenant,
        ])
        .said();
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(who(&home, &[])["applicationId"], *client_id);
}

#[test]
fn a_wrong_secret_is_rejected_and_nothing_is_stored() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let line = application(FIRST, &["--service-principal", "--store", "file"]);
    let said = home.run(&line).input("wrong-s3cret\n").said();
    assert_eq!(said.code, 4, "{said}");
    assert!(said.stderr.contains("AADSTS7000215"), "{said}");
    assert!(!said.to_string().contains("wrong-s3cret"), "{said}");
    let none = home.run(&["account", "list"]).said();
    assert_seen!("account-list-nobody", none);
}

#[test]
fn without_a_keyring_no_secret_is_requested() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let terminal = Terminal::new(120, 24);
    let line = application(FIRST, &["--service-principal"]);
    let said = end(terminal.start(home.run(&line)));
    let written = terminal.rest();
    assert_eq!(said.code, 3, "{said}\n{written}");
    assert!(written.contains("AZCRED_KEYRING switches"), "{written}");
    assert!(written.contains("--store file"), "{written}");
    assert!(!written.contains("it is not shown"), "{written}");
}

#[test]
fn a_secret_is_stored_in_the_encrypted_file_if_that_is_chosen() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let secret = value(&azure, Persona::ServicePrincipal, "AZURE_CLIENT_SECRET");
    let line = application(FIRST, &["--service-principal", "--store", "file"]);
    let said = home.run(&line).input(&format!("{secret}\n")).said();
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(who(&home, &[])["applicationId"], FIRST);
    for entry in walk(home.path()) {
        let bytes = std::fs::read(&entry).expect("it can be read");
        let mut windows = bytes.windows(secret.len());
        assert!(!windows.any(|part| part == secret.as_bytes()), "{entry:?}");
    }
    let said = home.run(&["logout"]).said();
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_secret_is_not_stored_without_a_keyring() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let secret = value(&azure, Persona::ServicePrincipal, "AZURE_CLIENT_SECRET");
    let line = application(FIRST, &["--service-principal"]);
    let said = home.run(&line).input(&format!("{secret}\n")).said();
    assert_eq!(said.code, 3, "{said}");
    assert_seen!("login-no-keyring", said);
    for entry in walk(home.path()) {
        let bytes = std::fs::read(&entry).expect("it can be read");
        let mut windows = bytes.windows(secret.len());
        assert!(!windows.any(|part| part == secret.as_bytes()), "{entry:?}");
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => files.extend(walk(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn a_typed_secret_is_not_shown_and_ctrl_c_restores_the_terminal() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let line = application(FIRST, &["--service-principal", "--store", "file"]);
    let mut terminal = Terminal::new(120, 24);
    assert!(terminal.echoes());
    let child = terminal.start(home.run(&line));
    terminal.until("it is not shown): ");
    assert!(!terminal.echoes());
    terminal.types("typed-s3cret\n");
    let said = end(child);
    assert!(terminal.echoes());
    let written = terminal.rest();
    assert_eq!(said.code, 4, "{said}\n{written}");
    assert!(!written.contains("typed-s3cret"), "{written}");

    let mut terminal = Terminal::new(120, 24);
    let child = terminal.start(home.run(&line));
    terminal.until("it is not shown): ");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    assert_eq!(end(child).code, 130);
    assert!(terminal.echoes());
    let written = terminal.rest();
    assert!(written.ends_with("it is not shown): \r\n"), "{written:?}");
}

#[test]
fn there_is_no_prompt_for_a_secret_in_a_ci_job_or_if_it_would_not_be_seen() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let line = application(FIRST, &["--service-principal", "--store", "file"]);
    let terminal = Terminal::new(120, 24);
    let said = end(terminal.start(home.run(&line).env("CI", "1")));
    let written = terminal.rest();
    assert_eq!(said.code, 3, "{said}\n{written}");
    assert!(written.contains("CI is set"), "{written}");
    assert!(written.contains("< FILE"), "{written}");
    // Standard error goes to a file, standard input is the terminal.
    let terminal = Terminal::new(120, 24);
    let said = end(terminal.start_unseen(home.run(&line)));
    assert_eq!(said.code, 3, "{said}");
    assert!(
        said.stderr.contains("standard error is redirected"),
        "{said}"
    );
}

#[test]
fn the_identity_of_a_machine_can_be_signed_in() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let host = azure.environment(Persona::AppService, Way::Ports);
    let said = home
        .run(&["login", "--identity", "-o", "json"])
        .envs(&host)
        .said();
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(said.json()["account"]["kind"], "managed-identity");
    // On this host, the managed identity comes before the sign-in.
    assert_eq!(said.json()["instead"]["source"], "managed-identity");
}

#[test]
fn one_of_several_accounts_is_current_and_another_can_be_chosen() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    by_certificate(&azure, &home, &[]);
    by_code(&azure, home.run(&["login"]), ADA);
    assert_eq!(
        who(&home, &[])["userName"],
        ADA,
        "the last one is the current one"
    );
    let list = home.run(&["account", "list"]).said();
    assert_eq!(list.code, 0, "{list}");
    let ids = home.run(&["account", "list", "-o", "json"]).said().json();
    let ids = ids["accounts"].as_array().expect("a list");
    let shown = ids.iter().fold(list.to_string(), |shown, account| {
        let id = account["id"].as_str().expect("an id");
        assert!(shown.contains(&format!("  {}  ", &id[..6])), "{list}");
        shown.replace(&id[..6], "[ID]")
    });
    assert_seen!("account-list", shown);
    let used = home.run(&["account", "use", "a0000001"]).said();
    assert_seen!("account-use", used);
    assert_eq!(who(&home, &[])["applicationId"], CERTIFIED);
    let nobody = home.run(&["account", "use", "grace"]).said();
    assert_eq!(nobody.code, 1, "{nobody}");
    assert!(nobody.stderr.contains(&format!("{ADA} (")), "{nobody}");
    let said = home.run(&["logout"]).said();
    assert_seen!("logout", said);
    assert_eq!(who(&home, &[])["userName"], ADA, "the only one left");
    assert_eq!(home.run(&["logout", ADA]).said().code, 0);
    assert_seen!("logout-nobody", home.run(&["logout"]).said());
    assert_eq!(home.run(&["whoami"]).said().code, 3);
}

#[test]
fn accounts_are_listed_without_the_network() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    by_certificate(&azure, &home, &[]);
    // This port never responds.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("its address");
    let cut_off = |arguments: &[&str]| {
        let run = home.run(arguments);
        run.env("ARM_CLOUD_METADATA_URL", &format!("http://{silent}/"))
            .said()
    };
    let said = cut_off(&["account", "list"]);
    assert!(said.stdout.contains(&CERTIFIED[..8]), "{said}");
    assert_eq!(cut_off(&["logout"]).code, 0);
    let said = home.run(&["account", "list"]).said();
    assert!(said.stdout.contains("No account is signed in"), "{said}");
}

#[cfg(unix)]
#[test]
fn tokens_that_stay_on_disk_are_reported_with_every_output_format() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let azure = Azure::shared();
    let home = Home::new(&azure);
    for output in ["text", "json"] {
        by_certificate(&azure, &home, &[]);
        assert_eq!(home.run(&["token"]).said().code, 0);
        let tokens = home.path().join("cache/azcred/tokens");
        let open_to = |mode| fs::set_permissions(&tokens, fs::Permissions::from_mode(mode));
        open_to(0o755).unwrap();
        let said = home.run(&["logout", "-o", output]).said();
        open_to(0o700).unwrap();
        assert_eq!(said.code, 0, "{said}");
        for word in ["still on disk", "chmod 700"] {
            assert!(said.stderr.contains(word), "{said}");
        }
    }
}

#[test]
fn the_current_account_stays_current_when_another_signs_out() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    for name in [ADA, "grace@contoso.com"] {
        by_code(&azure, home.run(&["login"]), name);
    }
    for output in ["text", "json"] {
        by_certificate(&azure, &home, &[]);
        assert_eq!(home.run(&["account", "use", "grace"]).said().code, 0);
        let said = home.run(&["logout", CERTIFIED, "-o", output]).said();
        assert_eq!(said.code, 0, "{said}");
        if output == "json" {
            assert_eq!(said.json()["nowCurrent"]["username"], "grace@contoso.com");
        } else {
            let told = "  grace@contoso.com is the current account\n";
            assert!(said.stdout.ends_with(told), "{said}");
        }
    }
    // Two accounts are left, so neither can be chosen.
    by_certificate(&azure, &home, &[]);
    let said = home.run(&["logout"]).said();
    assert!(said.stdout.contains("No account is current now"), "{said}");
}

#[test]
fn profiles_are_apart() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    by_certificate(&azure, &home, &["--profile", "work"]);
    assert_eq!(home.run(&["whoami"]).said().code, 3);
    assert_eq!(who(&home, &["--profile", "work"])["profile"], "work");
    let by_variable = home.run(&["whoami"]).env("AZCRED_PROFILE", "Work").said();
    assert_seen!("whoami-profile", by_variable);
    by_certificate(&azure, &home, &[]);
    let count = |arguments: &[&str]| {
        let said = home
            .run(&["account", "list", "-o", "json"])
            .args(arguments)
            .said();
        said.json()["accounts"].as_array().expect("a list").len()
    };
    assert_eq!((count(&[]), count(&["--profile", "work"])), (2, 1));
    let gone = home.run(&["logout", "--all", "-o", "json"]).said();
    assert_eq!(
        gone.json()["signedOut"].as_array().expect("a list").len(),
        2,
        "{gone}"
    );
    assert_eq!(count(&[]), 0);
    let wrong = home.run(&["whoami"]).env("AZCRED_PROFILE", "a/b").said();
    assert_eq!(wrong.code, 1, "{wrong}");
    assert!(wrong.stderr.contains("AZCRED_PROFILE"), "{wrong}");
}

#[test]
fn what_the_list_shows_can_choose_an_account() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    by_certificate(&azure, &home, &[]);
    let host = azure.environment(Persona::AppService, Way::Ports);
    let said = home.run(&["login", "--identity"]).envs(&host).said();
    assert_eq!(said.code, 0, "{said}");
    let list = home.run(&["account", "list"]).said().stdout;
    let mut named = 0;
    for line in list.lines().skip(1) {
        let cells = line[2..].split("  ").map(str::trim);
        for cell in cells.filter(|cell| !cell.is_empty()).take(2) {
            let said = home.run(&["account", "use", cell]).said();
            assert_eq!(said.code, 0, "{cell}: {said}");
            named += 1;
        }
    }
    assert_eq!(named, 4, "{list}");
}

#[test]
fn an_empty_profile_is_named_with_the_profiles_that_have_accounts() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    by_certificate(&azure, &home, &["--profile", "work"]);
    for (command, said) in [
        (
            "account list",
            home.run(&["account", "list", "--profile", "wrok"]).said(),
        ),
        (
            "account list",
            home.run(&["account", "list"])
                .env("AZCRED_PROFILE", "wrok")
                .said(),
        ),
        ("logout", home.run(&["logout", "--profile", "wrok"]).said()),
    ] {
        assert_eq!(said.code, 0, "{said}");
        assert!(
            said.stdout.contains(" to the profile 'wrok'."),
            "{command}: {said}"
        );
        assert!(
            said.stdout
                .contains("Other profiles have accounts: 'work'."),
            "{said}"
        );
    }
    let said = home.run(&["logout"]).said();
    assert!(said.stdout.contains("'work'"), "{said}");
}

#[test]
fn login_shows_another_source_that_comes_first() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let file = value(
        &azure,
        Persona::Certificate,
        "AZURE_CLIENT_CERTIFICATE_PATH",
    );
    let line = application(CERTIFIED, &["--service-principal", "--certificate", &file]);
    let set = azure.environment(Persona::ServicePrincipal, Way::Ports);
    let said = home.run(&line).envs(&set).said();
    assert_eq!(said.code, 0, "{said}");
    assert_seen!("login-instead", said);
    std::fs::write(
        home.path().join("azcred.toml"),
        "[chain]\nonly = [\"azure-cli\"]\n",
    )
    .expect("written");
    let said = home.run(&line).said();
    assert!(said.stderr.contains("does not use this account"), "{said}");
}

#[test]
fn the_setting_that_excludes_the_sign_in_is_named_and_the_suggested_command_works() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let file = value(
        &azure,
        Persona::Certificate,
        "AZURE_CLIENT_CERTIFICATE_PATH",
    );
    let mut line = application(CERTIFIED, &["--service-principal", "--certificate", &file]);
    line.extend(["--profile", "work"]);
    let settings = home.path().join("azcred.toml");
    let expected = "[expect]\ntenant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\n";
    const ONLY: Option<&str> = Some("azcred token --only azcred --profile work");
    for (toml, variable, cause, command) in [
        (
            "[chain]\nexclude = [\"azcred\"]\n",
            ("A", "b"),
            "azcred.toml excludes the source azcred",
            None,
        ),
        (
            "[chain]\nonly = [\"azure-cli\"]\n",
            ("A", "b"),
            "azcred.toml allows only other sources",
            ONLY,
        ),
        (
            "[chain]\npreset = \"azure\"\n",
            ("A", "b"),
            "azcred.toml sets the preset azure",
            ONLY,
        ),
        (expected, ("A", "b"), "expects the tenant", None),
        ("[chan]\n", ("A", "b"), "unknown field `chan`", None),
        ("", ("AZCRED_PRESET", "bogus"), "AZCRED_PRESET (", None),
        (
            "",
            ("AZCRED_PRESET", "azure"),
            "AZCRED_PRESET sets the preset azure",
            ONLY,
        ),
        (
            "",
            ("AZURE_TOKEN_CREDENTIALS", "prod"),
            "AZURE_TOKEN_CREDENTIALS is 'prod'",
            ONLY,
        ),
        (
            "",
            ("AZURE_TOKEN_CREDENTIALS", "x"),
            "AZURE_TOKEN_CREDENTIALS is not valid",
            ONLY,
        ),
    ] {
        std::fs::write(&settings, toml).expect("written");
        let run = |arguments: &[&str]| home.run(arguments).env(variable.0, variable.1);
        let said = run(&line).said();
        assert!(said.stderr.contains(cause), "{cause}: {said}");
        assert!(!said.stderr.contains("visual-studio-code"), "{said}");
        match command {
            Some(command) => assert!(said.stderr.contains(&format!("`{command}`")), "{said}"),
            None => assert!(!said.stderr.contains("--only"), "{said}"),
        }
        let told = run(&line).args(&["-o", "json"]).said().json();
        assert_eq!(told["command"].as_str(), command, "{told}");
        assert_eq!(told["instead"]["source"], serde_json::Value::Null);
        if let Some(command) = command {
            let words: Vec<&str> = command.split(' ').skip(1).collect();
            assert_eq!(run(&words).said().code, 0, "{command}");
        }
    }
    // The sign-in is used, if the command names the profile.
    std::fs::remove_file(settings).expect("removed");
    let said = home.run(&line).said();
    assert!(
        said.stderr.contains("`azcred token --profile work`"),
        "{said}"
    );
    let meant = home.run(&line).env("AZCRED_PROFILE", "work");
    assert_eq!(meant.said().stderr, "");
}

#[test]
fn config_jsons_workspace_is_marked_or_reported_if_it_can_not_be_seen() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    let said = by_certificate(&azure, &home, &[]);
    assert!(
        said.stderr.contains("this folder has no config.json"),
        "{said}"
    );
    // The suggested command writes the file.
    let command = ["workspace", "use", "ws-contoso-ml"];
    let shown = format!("`azcred {}`", command.join(" "));
    assert!(said.stderr.contains(&shown), "{said}");
    let made = home.run(&command).said();
    assert_eq!(made.code, 0, "{made}");
    let json = std::fs::read_to_string(home.path().join("config.json")).expect("it is there");
    let said = by_certificate(&azure, &home, &[]);
    assert!(said.stdout.contains("← this folder's workspace"), "{said}");
    assert_eq!(said.stderr, "", "{said}");
    let other = json.replace("ws-contoso-ml", "ws-other");
    std::fs::write(home.path().join("config.json"), other).expect("written");
    let said = by_certificate(&azure, &home, &[]);
    assert!(said.stderr.contains("ws-other"), "{said}");
    assert!(said.stderr.contains("azcred doctor"), "{said}");
}

#[test]
fn an_invalid_config_json_is_not_reported_as_missing_nor_overwritten() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    for content in ["{bad", r#"{"subscription_id": "x"}"#] {
        std::fs::write(home.path().join("config.json"), content).expect("written");
        let said = by_certificate(&azure, &home, &[]);
        assert_eq!(said.stderr.matches("note:").count(), 1, "{said}");
        assert!(said.stderr.contains("/config.json: "), "{said}");
        assert!(!said.stderr.contains("workspace use"), "{said}");
    }
}

#[test]
fn an_account_without_subscriptions_gets_a_note_for_its_profile() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    let login = home.run(&["login", "--profile", "work"]);
    let said = by_code(&azure, login, "dorothy@contoso.com");
    assert!(
        said.stderr.contains("you can see no subscription"),
        "{said}"
    );
    assert!(said.stderr.contains("azcred login --tenant"), "{said}");
    assert!(
        said.stderr.contains("--tenant TENANT --profile work"),
        "{said}"
    );
}
