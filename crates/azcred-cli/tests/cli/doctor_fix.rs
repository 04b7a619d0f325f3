//! `azcred doctor --fix` at a terminal.

use crate::{
    azure::Azure,
    home::Home,
    run::{Run, end},
    terminal::Terminal,
};

/// A folder without a config.json, and an application that may submit jobs.
fn run(home: &Home, azure: &Azure) -> Run {
    let identity = azure.info().identity("azcred-demo");
    let identity = identity.expect("the seed has it");
    home.run(&["doctor", "--fix"])
        .env("AZURE_TENANT_ID", &identity.tenant_id.to_string())
        .env("AZURE_CLIENT_ID", &identity.client_id.to_string())
        .env(
            "AZURE_CLIENT_SECRET",
            identity.secret.as_deref().expect("it has a secret"),
        )
}

#[test]
fn a_missing_config_file_is_written_after_a_question_and_all_is_checked_again() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    let mut terminal = Terminal::new(80, 40);
    let child = terminal.start(run(&home, &azure));
    let asked = terminal.until("Do it? [y/N]");
    let command = "`azcred workspace use ws-contoso-ml`";
    assert!(asked.contains(command), "{asked}");
    assert!(!home.path().join("config.json").exists());
    terminal.types("y\n");
    let said = end(child);
    let shown = terminal.rest();
    assert!(shown.contains("Checked again"), "{said}\n{shown}");
    assert!(home.path().join("config.json").exists(), "{said}\n{shown}");
    let first = said.stdout.find("config.json").expect("the cause");
    assert!(
        first < said.stdout.rfind("✓ workspace").expect("the end"),
        "{said}"
    );
    assert_eq!(said.code, 0, "{said}\n{shown}");
}

#[test]
fn nothing_is_changed_if_the_answer_is_no() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    for answer in ["n\n", "\n", "what\n"] {
        let mut terminal = Terminal::new(80, 40);
        let child = terminal.start(run(&home, &azure));
        terminal.until("Do it? [y/N]");
        terminal.types(answer);
        let said = end(child);
        assert_eq!(said.code, 1, "{answer}: {said}");
        assert!(!home.path().join("config.json").exists(), "{said}");
        assert_eq!(said.stdout.matches("to fix.").count(), 1, "{said}");
    }
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_is_done() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    let said = run(&home, &azure).said();
    assert_eq!(said.code, 2, "{said}");
    assert!(said.stderr.contains("--fix"), "{said}");
    assert!(!home.path().join("config.json").exists(), "{said}");
}
