//! `azcred login` as a person sees it, at a terminal and without one.

use crate::{
    azure::Azure,
    home::Home,
    person::BrowserUser,
    run::{assert_seen, azcred, end},
    terminal::{Terminal, settled},
};

const ADA: &str = "ada@contoso.com";

/// The code as plain text, below the large letters.
#[track_caller]
pub(crate) fn code(shown: &str) -> String {
    let mut lines = shown.lines().map(str::trim);
    let is_code =
        |line: &&str| line.len() == 9 && line.bytes().all(|byte| byte.is_ascii_alphanumeric());
    lines.rfind(is_code).expect("a code").to_owned()
}

#[test]
fn without_a_browser_a_code_is_shown_and_the_sign_in_is_stored() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(home.run(&["login"]));
    let shown = terminal.until("Ctrl-C ends it");
    assert!(shown.contains("No browser can be opened here"), "{shown}");
    assert!(shown.contains("/common/oauth2/deviceauth"), "{shown}");
    BrowserUser::new(&azure, ADA).enters(&code(&shown));
    let said = end(child);
    assert_eq!(said.code, 0, "{said}\n{}", terminal.rest());
    assert_seen!("login", said);
    let who = home.run(&["whoami"]).said();
    assert_seen!("login-whoami", who);
}

#[test]
fn a_prompted_user_sees_the_identity_of_the_token() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    for output in ["text", "json"] {
        let token = [
            "token",
            "--only",
            "device-code",
            "--profile",
            output,
            "-o",
            output,
        ];
        let mut terminal = Terminal::new(80, 24);
        let child = terminal.start(home.run(&token));
        let shown = terminal.until("left; Ctrl-C ends it");
        BrowserUser::new(&azure, ADA).enters(&code(&shown));
        let said = end(child);
        let written = terminal.rest();
        assert_eq!(said.code, 0, "{said}\n{written}");
        assert!(
            written.ends_with(" Signed in as ada@contoso.com\r\n"),
            "{written:?}"
        );
        // From now on there is no prompt.
        let terminal = Terminal::new(80, 24);
        let said = end(terminal.start(home.run(&token)));
        let seen = settled(&terminal.rest());
        assert_eq!((said.code, seen.as_str()), (0, ""), "{said}");
    }
}

#[test]
fn the_wait_line_disappears_at_the_end() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(home.run(&["login", "--device-code", "-o", "json"]));
    let shown = terminal.until("left; Ctrl-C ends it");
    assert!(
        !shown.contains("No browser"),
        "a code was asked for: {shown}"
    );
    BrowserUser::new(&azure, ADA).enters(&code(&shown));
    let said = end(child);
    let written = terminal.rest();
    assert_eq!(said.code, 0, "{said}\n{written}");
    assert!(is_clean(&written), "{written:?}");
    let json = said.json();
    assert_eq!(json["account"]["username"], ADA, "{said}");
    assert_seen!("login-json", said);
}

/// Whether the redrawn line was cleared last.
fn is_clean(written: &str) -> bool {
    let (_, last) = written.rsplit_once("Ctrl-C ends it").expect("it was shown");
    last.contains("\r\u{1b}[2K") || last.contains("\u{1b}[2K\r")
}

#[test]
fn ctrl_c_ends_the_wait_cleans_the_terminal_and_stores_nothing() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let mut terminal = Terminal::new(80, 24);
    assert!(terminal.shows_control_keys());
    let child = terminal.start(home.run(&["login", "--device-code"]));
    terminal.until("Ctrl-C ends it");
    // It would be written after the redrawn line, and move the cursor off it.
    assert!(!terminal.shows_control_keys());
    interrupt(&child);
    let said = end(child);
    assert!(terminal.shows_control_keys());
    let written = terminal.rest();
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{said}");
    assert!(is_clean(&written), "{written:?}");
    let accounts = home.run(&["account", "list", "-o", "json"]).said();
    assert_eq!(accounts.json()["accounts"], serde_json::json!([]));
}

fn interrupt(child: &std::process::Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
}

#[test]
fn a_declined_sign_in_is_reported_and_stores_nothing() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let mut terminal = Terminal::new(80, 24);
    let child = terminal.start(home.run(&["login", "--device-code"]));
    let shown = terminal.until("Ctrl-C ends it");
    BrowserUser::new(&azure, ADA).declines(&code(&shown));
    let said = end(child);
    let written = terminal.rest();
    assert_eq!(said.code, 4, "{said}\n{written}");
    assert!(written.contains("the sign-in was cancelled"), "{written}");
    assert_eq!(home.run(&["whoami"]).said().code, 3);
}

#[test]
fn without_redrawing_there_are_lines_of_text() {
    let azure = Azure::shared();
    for (arguments, variable) in [
        (&["login", "--device-code", "--plain"][..], ("A", "")),
        (&["login", "--device-code"], ("NO_COLOR", "1")),
        (&["login", "--device-code"], ("LC_ALL", "C")),
    ] {
        let home = Home::new(&azure);
        let mut terminal = Terminal::new(80, 24);
        let child = terminal.start(home.run(arguments).env(variable.0, variable.1));
        let shown = terminal.until("Ctrl-C ends it");
        interrupt(&child);
        assert_eq!(end(child).code, 130);
        let written = terminal.rest();
        assert!(shown.contains("enter the code "), "{variable:?}: {shown}");
        let plain = |c: char| c.is_ascii() && (c == '\r' || c == '\n' || !c.is_control());
        assert!(
            settled(&written).chars().all(plain),
            "{variable:?}: {written:?}"
        );
        let is_animated = written.contains('\u{1b}');
        assert!(
            !(arguments.contains(&"--plain") && is_animated),
            "{written:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn in_tmux_the_code_is_copied_if_tmux_allows_it() {
    let azure = Azure::shared();
    for (option, is_copied) in [("on", true), ("external", false)] {
        let home = Home::new(&azure);
        let tmux = home.path().join("tmux");
        azcred_scripts::shell_script(tmux, &format!("echo {option}")).expect("written");
        let mut terminal = Terminal::new(80, 24);
        let run = home.run(&["login", "--device-code"]);
        let run = run.env("PATH", home.path().to_str().expect("text"));
        let child = terminal.start(run.env("TMUX", "/tmp/tmux-1000/default,1,0"));
        let shown = terminal.until("Ctrl-C ends it");
        let says_so = shown.contains("copied to the clipboard");
        BrowserUser::new(&azure, ADA)
            .declines(&code(&shown.replace("copied to the clipboard", "")));
        assert_eq!(end(child).code, 4);
        let written = terminal.rest();
        assert_eq!(
            (says_so, written.contains("]52;c;")),
            (is_copied, is_copied)
        );
        assert!(is_clean(&written), "{written:?}");
    }
}

#[test]
fn on_a_wide_terminal_there_is_a_qr_code() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    let mut terminal = Terminal::new(130, 40);
    let child = terminal.start(home.run(&["login", "--device-code"]));
    let shown = terminal.until("Ctrl-C ends it");
    interrupt(&child);
    assert_eq!(end(child).code, 130);
    assert!(shown.contains("scan it with your phone"), "{shown}");
    assert!(shown.contains("█▀▀▀▀▀█"), "{shown}");
}

#[test]
fn a_browser_sign_in_needs_no_code() {
    let azure = Azure::shared();
    let home = Home::new(&azure).without_workspace();
    let opened = home.path().join("opened");
    let browser = home.path().join("browser");
    // Written atomically, so that the test never reads a part of it.
    let script = format!(
        "printf %s \"$1\" > {0}.part && mv {0}.part {0}",
        opened.display()
    );
    azcred_scripts::shell_script(&browser, &script).expect("written");
    let mut terminal = Terminal::new(100, 30);
    let run = home
        .run(&["login", "--login-hint", ADA])
        .env("PATH", "/usr/bin:/bin")
        .env("BROWSER", browser.to_str().expect("text"));
    let child = terminal.start(run);
    let shown = terminal.until("Ctrl-C ends it");
    assert!(shown.contains("A browser has opened"), "{shown}");
    let began = std::time::Instant::now();
    let address = loop {
        match std::fs::read_to_string(&opened) {
            Ok(address) => break address,
            Err(_) if began.elapsed().as_secs() < 60 => std::thread::yield_now(),
            Err(error) => panic!("no browser was started: {error}\n{shown}"),
        }
    };
    assert!(address.contains("code_challenge_method=S256"), "{address}");
    assert!(shown.contains(&address), "it can be copied: {shown}");
    let page = BrowserUser::new(&azure, ADA).visits(&address);
    assert!(page.contains("You can close this"), "{page}");
    let said = end(child);
    assert_eq!(said.code, 0, "{said}\n{}", terminal.rest());
    assert!(said.stdout.contains("Signed in as Ada Lovelace"), "{said}");
}

#[test]
fn there_is_no_prompt_without_a_terminal_or_in_a_ci_job() {
    let azure = Azure::shared();
    let home = Home::new(&azure);
    assert_seen!("login-no-terminal", home.run(&["login"]).said());
    let terminal = Terminal::new(80, 24);
    let child = terminal.start(
        home.run(&["login", "--device-code"])
            .env("GITHUB_ACTIONS", "true"),
    );
    let said = end(child);
    let written = terminal.rest();
    assert_eq!(said.code, 3, "{said}\n{written}");
    assert!(written.contains("GITHUB_ACTIONS is set"), "{written}");
    assert!(!written.contains("enter the code"), "{written}");
}

#[test]
fn ways_that_exclude_each_other_are_wrong_usage() {
    for arguments in [
        &["--browser", "--device-code"][..],
        &["--identity", "--device-code"],
        &["--identity", "--tenant", "contoso.com"],
        &["--service-principal"],
        &[
            "--service-principal",
            "--client-id",
            "a0000001-0000-4000-8000-000000000001",
        ],
        &["--certificate", "file.pem"],
        &[
            "--certificate",
            "f",
            "--client-id",
            "a",
            "--tenant",
            "t",
            "--device-code",
        ],
        &["--federated-token", "file"],
        &["--object-id", "a0000001-0000-4000-8000-000000000001"],
        &[
            "--identity",
            "--client-id",
            "a0000001-0000-4000-8000-000000000001",
            "--resource-id",
            "x",
        ],
        &["--login-hint", "ada", "--device-code"],
        &["--client-secret", "s3cret"],
        &["--profile", "a/b"],
        &["--tenant", "a b"],
    ] {
        let said = azcred(&["login"]).args(arguments).said();
        assert_eq!(
            (said.code, said.stdout.as_str()),
            (2, ""),
            "{arguments:?}: {said}"
        );
    }
}
