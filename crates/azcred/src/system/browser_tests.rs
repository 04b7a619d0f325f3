//! Tests of whether a browser opens on each kind of machine.

use super::*;
use crate::system::{Fixture, Program};

const ADDRESS_OF_ENTRA: &str = "https://login.microsoftonline.com/x?a=1&b=%20'$(id)";

fn with(machine: Fixture, programs: &[&str]) -> Fixture {
    programs.iter().fold(machine, |machine, name| {
        machine.with_program(name, &Program::prints(0, "", ""))
    })
}

fn desktop() -> Fixture {
    Fixture::new().with_var("DISPLAY", ":0")
}

fn wsl() -> Fixture {
    Fixture::new().with_var("WSL_DISTRO_NAME", "Debian")
}

/// The command with which a machine opens an address.
fn opened(machine: &Fixture) -> Vec<String> {
    open(machine, &Url::parse(ADDRESS_OF_ENTRA).unwrap()).unwrap();
    machine.started().pop().unwrap()
}

const SENT: &str = "https://login.microsoftonline.com/x?a=1&b=%20%27$(id)";

#[test]
fn a_desktop_opens_the_users_browser_or_else_any() {
    let machine = with(desktop(), &["firefox", "xdg-open", "chromium"]);
    assert_eq!(opened(&machine), ["/usr/bin/xdg-open", SENT]);
    let machine = with(
        Fixture::new().with_var("WAYLAND_DISPLAY", "wayland-0"),
        &["chromium", "gio"],
    );
    assert_eq!(opened(&machine), ["/usr/bin/gio", "open", SENT]);
}

#[test]
fn the_variable_browser_comes_first_with_its_arguments() {
    let machine = |browser: &str| {
        with(Fixture::new(), &["firefox", "w3m", "xdg-open"])
            .with_var("BROWSER", browser)
            .with_var("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
            .with_file("/vscode/my bin/browser.sh", "")
    };
    assert_eq!(opened(&machine("firefox")), ["/usr/bin/firefox", SENT]);
    assert_eq!(
        opened(&machine("/usr/bin/firefox")),
        ["/usr/bin/firefox", SENT]
    );
    assert_eq!(
        opened(&machine("w3m:nothing:firefox --new-window '%s' &")),
        ["/usr/bin/firefox", "--new-window", SENT],
        "what draws in the terminal and what isn't there are passed over"
    );
    let found = find(&machine("/vscode/my bin/browser.sh")).unwrap();
    assert_eq!(
        found,
        Opener::new("/vscode/my bin/browser.sh".into(), &["%s"])
    );
    for none in [
        "./firefox",
        "bin/firefox",
        "../firefox",
        "",
        ":",
        "w3m -dump %s",
        "none",
    ] {
        let why = find(&machine(none)).unwrap_err();
        assert!(why.contains("BROWSER") || none.is_empty(), "{none}: {why}");
    }
}

#[test]
fn windows_opens_an_address_also_from_wsl() {
    let machine = with(Fixture::new().with_os("windows"), &["rundll32"]);
    assert_eq!(
        opened(&machine),
        ["/usr/bin/rundll32", "url.dll,FileProtocolHandler", SENT]
    );
    let machine = with(wsl(), &["wslview", "rundll32.exe"]);
    assert_eq!(opened(&machine), ["/usr/bin/wslview", SENT]);
    let machine = with(wsl(), &["rundll32.exe"]);
    assert_eq!(
        opened(&machine),
        ["/usr/bin/rundll32.exe", "url.dll,FileProtocolHandler", SENT]
    );
    let machine = with(wsl(), &["powershell.exe"]);
    assert_eq!(
        opened(&machine)[1..],
        [
            "-NoProfile",
            "-NonInteractive",
            "-Command",
            &format!("Start-Process '{SENT}'")
        ]
    );
    let found = find(&wsl().with_file("/mnt/c/Windows/System32/rundll32.exe", "")).unwrap();
    assert_eq!(
        found.program,
        Path::new("/mnt/c/Windows/System32/rundll32.exe")
    );
    // Without Windows programs, a display on Linux is used.
    let machine = with(wsl().with_var("DISPLAY", ":0"), &["xdg-open"]);
    assert_eq!(opened(&machine), ["/usr/bin/xdg-open", SENT]);
}

#[test]
fn macos_opens_an_address() {
    let machine = with(Fixture::new().with_os("macos"), &["open"]);
    assert_eq!(opened(&machine), ["/usr/bin/open", SENT]);
}

#[test]
fn a_machine_without_a_browser_says_why() {
    for (machine, says) in [
        (Fixture::new(), "no display"),
        (with(Fixture::new(), &["xdg-open", "firefox"]), "no display"),
        (desktop(), "PATH has no program"),
        (with(desktop(), &["w3m", "lynx"]), "PATH has no program"),
        (Fixture::new().with_file("/.dockerenv", ""), "a container"),
        (
            Fixture::new().with_file("/run/.containerenv", ""),
            "a container",
        ),
        (
            with(desktop(), &["xdg-open"]).with_var("SSH_TTY", "/dev/pts/0"),
            "over SSH",
        ),
        (
            Fixture::new()
                .with_os("macos")
                .with_var("SSH_CONNECTION", "x"),
            "over SSH",
        ),
        (Fixture::new().with_os("windows"), "rundll32.exe"),
        (
            Fixture::new().with_var("BROWSER", "lynx"),
            "names no program",
        ),
    ] {
        let why = find(&machine).unwrap_err();
        assert!(why.contains(says), "{why} / {says}");
        let error = open(&machine, &Url::parse(ADDRESS_OF_ENTRA).unwrap()).unwrap_err();
        assert!(error.is_unavailable(), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("device code"),
            "{error}"
        );
        assert!(machine.started().is_empty());
    }
}

#[test]
fn only_https_and_plain_http_on_loopback_are_opened() {
    let machine = with(desktop(), &["xdg-open"]);
    for address in [
        "file:///etc/passwd",
        "http://contoso.com/",
        "javascript:alert(1)",
        "ms-settings:x",
        "http://localhost.evil.example/",
    ] {
        let error = open(&machine, &Url::parse(address).unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{address}");
    }
    assert!(machine.started().is_empty());
    for address in [
        "http://localhost:5/x",
        "http://127.0.0.1:5/",
        "https://contoso.com/",
    ] {
        open(&machine, &Url::parse(address).unwrap()).unwrap();
    }
    assert_eq!(machine.started().len(), 3);
}

#[test]
fn a_program_that_can_not_be_started_is_named() {
    let machine = Fixture::new()
        .with_var("BROWSER", "/opt/firefox")
        .with_file("/opt/firefox", "");
    let error = open(&machine, &Url::parse(ADDRESS_OF_ENTRA).unwrap()).unwrap_err();
    assert!(
        error.is_unavailable() && error.why().contains("firefox"),
        "{error}"
    );
}
