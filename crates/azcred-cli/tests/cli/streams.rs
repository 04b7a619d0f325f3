//! The two streams, colours, and readers that close the pipe.

#[cfg(unix)]
use crate::run::end;
use crate::{azure::Azure, run::azcred};
use azcred_emulator::{Persona, Way};

#[test]
fn traces_go_to_standard_error_and_do_not_change_the_result() {
    let azure = Azure::shared();
    let environment = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    for level in ["-v", "-vv", "-vvv"] {
        let said = azcred(&["token", level]).envs(&environment).said();
        assert_eq!(said.stdout.lines().count(), 1, "{said}");
        assert!(
            said.stderr.contains("AZURE_CLIENT_SECRET"),
            "{level} says what is used: {said}"
        );
    }
    let by_variable = azcred(&["token"])
        .envs(&environment)
        .env("AZCRED_LOG", "debug")
        .said();
    assert!(
        by_variable.stderr.contains("asking for a token"),
        "{by_variable}"
    );
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let shown = |variables: &[(&str, &str)]| {
        let run = variables
            .iter()
            .fold(azcred(&["token"]), |run, (name, value)| {
                run.env(name, value)
            });
        run.said().stderr
    };
    assert!(!shown(&[]).contains('\u{1b}'), "no terminal, no colours");
    assert!(shown(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
    for off in [("NO_COLOR", "1"), ("CLICOLOR", "0")] {
        assert!(!shown(&[off]).contains('\u{1b}'), "{off:?}");
    }
    assert!(
        !shown(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).contains('\u{1b}'),
        "NO_COLOR wins"
    );
}

#[test]
fn json_is_never_coloured() {
    let said = azcred(&["token", "-o", "json"])
        .env("CLICOLOR_FORCE", "1")
        .said();
    assert_eq!(said.error()["error"]["kind"], "notSignedIn");
}

#[test]
#[cfg(unix)]
fn a_closed_pipe_is_not_a_failure() {
    let mut child = azcred(&["completions", "bash"]).start();
    drop(child.stdout.take());
    let said = end(child);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_result_that_could_not_be_written_is_a_failure() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let mut command = std::process::Command::new(crate::run::AZCRED);
    let output = command
        .args(["completions", "bash"])
        .stdout(full)
        .stderr(std::process::Stdio::piped())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.contains("standard output"), "{said}");
}
