//! Runs other programs: shows the command, limits the time, checks the exit code.

use anyhow::{Context as _, Result, bail};
use std::{
    env,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Longest time for one program without a terminal. On two cores, the first build of everything
/// takes about ten minutes.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Where cargo builds, and where tools are installed.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().join("target"),
        |set| root().join(PathBuf::from(set)),
    )
}

/// The `cargo` that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Shows a command and runs it to its end, with output to the same place. An exit code other than
/// zero is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("$ {}", shown(command));
    let status = wait(command, LIMIT)?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs a command. After `limit`, ends it and its children.
pub(crate) fn wait(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    // On a terminal there is no limit: Ctrl-C reaches every process of the foreground group.
    // Elsewhere the command gets its own group, so that its children end with it.
    let attended = std::io::stdin().is_terminal();
    #[cfg(unix)]
    if !attended {
        std::os::unix::process::CommandExt::process_group(command, 0);
    }
    let child = command
        .spawn()
        .with_context(|| format!("`{}` did not start", shown(command)))?;
    if attended {
        let mut child = child;
        return Ok(child.wait()?);
    }
    bounded(child, limit).with_context(|| format!("`{}`", shown(command)))
}

fn bounded(mut child: Child, limit: Duration) -> Result<ExitStatus> {
    let id = child.id();
    let (ended, end) = mpsc::channel();
    thread::spawn(move || {
        // The receiver is gone only after the limit. Then the result is not needed.
        let _ = ended.send(child.wait());
    });
    if let Ok(status) = end.recv_timeout(limit) {
        return Ok(status?);
    }
    end_group(id);
    bail!(
        "ended after {} s: it did not finish by itself",
        limit.as_secs()
    )
}

#[cfg(unix)]
fn end_group(id: u32) {
    // The standard library can end a process but not a group. `kill` is in POSIX.
    let _ = Command::new("kill")
        .args(["-KILL", "--", &format!("-{id}")])
        .status();
}

#[cfg(windows)]
fn end_group(id: u32) {
    let _ = Command::new("taskkill")
        .args(["/F", "/T", "/PID", &id.to_string()])
        .status();
}

/// The command as a person would type it. It is for reading, not for a shell.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program
        .file_stem()
        .unwrap_or(program.as_os_str())
        .to_string_lossy();
    let mut words = vec![program.into_owned()];
    words.extend(command.get_args().map(|argument| {
        let argument = argument.to_string_lossy();
        if argument.contains(' ') {
            format!("\"{argument}\"")
        } else {
            argument.into_owned()
        }
    }));
    words.join(" ")
}

/// The first program with this name on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|p| p.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_an_error_that_names_it() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert!(error.to_string().contains("sh -c \"exit 3\""), "{error}");
        assert!(error.to_string().contains('3'), "{error}");
    }

    #[test]
    fn a_missing_command_is_an_error_that_names_it() {
        let error = run(&mut Command::new("/nowhere/at-all")).unwrap_err();
        assert!(error.to_string().contains("at-all"), "{error}");
    }

    #[test]
    fn a_command_past_its_limit_is_ended_with_its_children() {
        // The pipe closes only when the shell and the sleep have ended, as both hold it.
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 100 & wait"]).stdout(writer);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = command.spawn().unwrap();
        drop(command);
        let error = bounded(child, Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("did not finish"), "{error}");
        let (closed, close) = mpsc::channel();
        thread::spawn(move || {
            closed
                .send(std::io::Read::read_to_end(&mut reader, &mut Vec::new()))
                .unwrap();
        });
        close
            .recv_timeout(Duration::from_secs(30))
            .expect("the sleep goes on")
            .unwrap();
    }

    #[test]
    fn a_program_is_found_only_on_the_path() {
        assert!(on_path("sh").is_some());
        assert!(on_path("azcred-no-such-program").is_none());
    }
}
