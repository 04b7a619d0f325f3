//! A Python environment made from a lock file, under `target/`. It is made again when necessary.

use crate::command::{on_path, root, run, target};
use anyhow::{Context as _, Result, bail};
use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// pytest 9 and the current Azure SDKs require this version.
const OLDEST: (u32, u32) = (3, 10);

/// What to do without a usable Python.
const FIX: &str = "Install Python 3.10 or later with its venv module (Debian and Ubuntu: \
                    `apt-get install python3 python3-venv`; macOS: `brew install python`; Windows: \
                    `winget install Python.Python.3.13`), or name one in the variable PYTHON";

/// The programs of an environment.
pub(crate) struct Environment {
    programs: PathBuf,
}

impl Environment {
    /// The programs in `xtask/tools.txt`.
    pub(crate) fn of_tools() -> Result<Self> {
        Self::ready("tools", "xtask/tools.txt")
    }

    /// The environment `target/NAME/venv` with the packages of `lock` (a pip requirements file with
    /// hashes, relative to the root). It is made if it does not exist, if the lock file or the
    /// Python has changed, or if an earlier attempt was not finished.
    pub(crate) fn ready(name: &str, lock: &str) -> Result<Self> {
        Self::ready_in(&target().join(name), &root().join(lock), &Python::find()?)
    }

    fn ready_in(home: &Path, lock: &Path, python: &Python) -> Result<Self> {
        fs::create_dir_all(home).with_context(|| format!("can't make {}", home.display()))?;
        // Two processes must not build in the same folder. The lock ends with the file handle.
        let guard = File::create(home.join("lock"))?;
        guard
            .lock()
            .with_context(|| format!("can't lock {}", home.display()))?;

        let wanted =
            fs::read_to_string(lock).with_context(|| format!("can't read {}", lock.display()))?;
        let wanted = format!("{}\n{wanted}", python.version);
        let stamp = home.join("made-from");
        let folder = home.join("venv");
        let made = Self {
            programs: folder.join(if cfg!(windows) { "Scripts" } else { "bin" }),
        };
        // The stamp is written last: if it matches, the environment is complete.
        let same = fs::read_to_string(&stamp).is_ok_and(|found| found == wanted);
        if same && made.works() {
            return Ok(made);
        }
        println!(
            "making {} (once, until {} changes)",
            folder.display(),
            lock.display()
        );
        remove(&stamp)?;
        remove(&folder)?;
        python.make(&folder)?;
        made.install(python, lock)?;
        fs::write(&stamp, wanted).with_context(|| format!("can't write {}", stamp.display()))?;
        Ok(made)
    }

    /// The environment's own Python.
    pub(crate) fn python(&self) -> PathBuf {
        self.program("python")
    }

    /// `PATH` with its programs before the others.
    pub(crate) fn first_on_path(&self) -> Result<OsString> {
        let others = env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(self.programs.clone()).chain(env::split_paths(&others));
        env::join_paths(all).context("PATH can't be read")
    }

    /// A program of one of its packages.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.programs
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Whether its Python runs. It does not in a folder copied from elsewhere, or if the base
    /// Python was removed.
    fn works(&self) -> bool {
        output_of(Command::new(self.python()).args(["-c", ""])).is_ok()
    }

    fn install(&self, python: &Python, lock: &Path) -> Result<()> {
        let own = output_of(Command::new(self.python()).args(["-m", "pip", "--version"])).is_ok();
        let mut pip = if own {
            Command::new(self.python())
        } else {
            python.command()
        };
        pip.args(["-m", "pip"]);
        if !own {
            // pip 22.3 and later can install into another Python's environment.
            pip.arg("--python").arg(self.python());
        }
        // Only the packages of the lock file, not their dependencies: the lock file may leave out
        // what the tests don't need.
        pip.args([
            "install",
            "--no-deps",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
        ])
        .args([
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(lock);
        run(&mut pip).context("the packages could not be installed")
    }
}

/// An installed Python that is new enough.
struct Python {
    program: PathBuf,
    arguments: &'static [&'static str],
    /// `sys.version`: the patch release and the build.
    version: String,
}

impl Python {
    /// The Python in the variable `PYTHON`, otherwise the first usable one by its usual names.
    fn find() -> Result<Self> {
        if let Some(named) = env::var_os("PYTHON").filter(|named| !named.is_empty()) {
            return Self::check(PathBuf::from(named), &[]).context("the Python that PYTHON names");
        }
        let mut tried = Vec::new();
        let names: [(&str, &[&str]); 3] = [("python3", &[]), ("python", &[]), ("py", &["-3"])];
        for (name, arguments) in names {
            let Some(program) = on_path(name) else {
                continue;
            };
            match Self::check(program, arguments) {
                Ok(python) => return Ok(python),
                Err(error) => tried.push(format!("{error:#}")),
            }
        }
        if tried.is_empty() {
            tried.push("none of python3, python and py is on PATH".into());
        }
        bail!("no usable Python: {}. {FIX}", tried.join("; "))
    }

    fn check(program: PathBuf, arguments: &'static [&'static str]) -> Result<Self> {
        let question = "import sys; print(*sys.version_info[:2], sys.version.replace('\\n', ' '))";
        let answer = output_of(
            Command::new(&program)
                .args(arguments)
                .args(["-c", question]),
        )?;
        let answer = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        let mut words = answer.splitn(3, ' ');
        let number = |word: Option<&str>| word.and_then(|word| word.parse::<u32>().ok());
        let (Some(major), Some(minor), Some(version)) =
            (number(words.next()), number(words.next()), words.next())
        else {
            bail!(
                "{} does not say its version but `{answer}`",
                program.display()
            );
        };
        if (major, minor) < OLDEST {
            bail!(
                "{} is Python {major}.{minor}, older than 3.10",
                program.display()
            );
        }
        Ok(Self {
            version: format!("{} {version}", program.display()),
            program,
            arguments,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.arguments);
        command
    }

    /// Debian's Python has no `ensurepip` without python3-venv. Then the environment is made
    /// without pip, or by virtualenv if this Python has it.
    fn make(&self, folder: &Path) -> Result<()> {
        let ways: [(&[&str], Option<&str>); 3] = [
            (&["-m", "venv"], None),
            (&["-m", "venv", "--without-pip"], Some("pip")),
            (&["-m", "virtualenv", "--quiet"], None),
        ];
        let mut tried = Vec::new();
        for (way, needs) in ways {
            remove(folder)?;
            let done = needs
                .map_or(Ok(()), |module| {
                    output_of(self.command().args(["-m", module, "--version"])).map(drop)
                })
                .and_then(|()| output_of(self.command().args(way).arg(folder)).map(drop));
            match done {
                Ok(()) => return Ok(()),
                Err(error) => tried.push(format!("{error:#}")),
            }
        }
        bail!(
            "{} can't make an environment: {}. {FIX}",
            self.version,
            tried.join("; ")
        )
    }
}

/// Runs a command and returns its output. It is shown only if the command fails.
fn output_of(command: &mut Command) -> Result<Output> {
    let shown = crate::command::shown(command);
    let output = command
        .output()
        .with_context(|| format!("`{shown}` did not start"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    bail!(
        "`{shown}` ended with {}: {}",
        output.status,
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    )
}

/// Removes a file or a folder, if it exists.
fn remove(path: &Path) -> Result<()> {
    let gone = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match gone {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A home folder for an environment, a lock file, and a Python that makes environments quickly.
    /// Its `pip` fails if there is a file `no-network`.
    struct PythonFixture {
        folder: tempfile::TempDir,
        python: Python,
    }

    impl PythonFixture {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let gate = folder.path().join("no-network");
            let script = format!(
                "case \"$*\" in\n\
                 *sys.version_info*) echo 3 11 3.11.7 pretended;;\n\
                 '-m venv '*) mkdir -p \"$3/bin\" && cp \"$0\" \"$3/bin/python\";;\n\
                 '-m pip install '*) test ! -e '{}';;\n\
                 esac\n",
                gate.display()
            );
            let python = Python::check(program(folder.path(), &script), &[]).unwrap();
            fs::write(folder.path().join("lock.txt"), "six==1.17.0\n").unwrap();
            Self { folder, python }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn ready(&self) -> Result<Environment> {
            Environment::ready_in(&self.path("home"), &self.path("lock.txt"), &self.python)
        }

        /// Marks the environment, so that a new one can be recognized.
        fn mark(&self) {
            fs::write(self.path("home/venv/mark"), "").unwrap();
        }

        fn is_marked(&self) -> bool {
            self.path("home/venv/mark").exists()
        }
    }

    fn program(folder: &Path, script: &str) -> PathBuf {
        let path = folder.join("python3");
        azcred_scripts::shell_script(&path, script).unwrap();
        path
    }

    #[test]
    fn an_environment_is_made_once() {
        let scene = PythonFixture::new();
        scene.ready().unwrap();
        scene.mark();
        let again = scene.ready().unwrap();
        assert!(scene.is_marked());
        assert_eq!(again.python(), scene.path("home/venv/bin/python"));
    }

    #[test]
    fn a_changed_lock_file_makes_a_new_environment() {
        let scene = PythonFixture::new();
        scene.ready().unwrap();
        scene.mark();
        fs::write(scene.path("lock.txt"), "six==1.16.0\n").unwrap();
        scene.ready().unwrap();
        assert!(!scene.is_marked());
    }

    #[test]
    fn an_environment_whose_python_is_gone_is_made_again() {
        let scene = PythonFixture::new();
        scene.ready().unwrap();
        scene.mark();
        fs::remove_file(scene.path("home/venv/bin/python")).unwrap();
        scene.ready().unwrap();
        assert!(!scene.is_marked());
    }

    #[test]
    fn an_unfinished_environment_is_made_again() {
        let scene = PythonFixture::new();
        fs::write(scene.path("no-network"), "").unwrap();
        let error = format!("{:#}", scene.ready().err().unwrap());
        assert!(
            error.contains("the packages could not be installed"),
            "{error}"
        );
        scene.mark();
        fs::remove_file(scene.path("no-network")).unwrap();
        scene.ready().unwrap();
        assert!(!scene.is_marked());
    }

    /// A program that prints what this Python would print.
    fn pretend(folder: &Path, says: &str) -> PathBuf {
        program(folder, &format!("echo '{says}'\n"))
    }

    #[test]
    fn a_python_that_is_too_old_is_rejected_with_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let error = Python::check(pretend(folder.path(), "3 8 3.8.10"), &[])
            .err()
            .unwrap();
        assert!(
            error.to_string().contains("Python 3.8, older than 3.10"),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_is_not_python_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let error = Python::check(pretend(folder.path(), "hello"), &[])
            .err()
            .unwrap();
        assert!(error.to_string().contains("hello"), "{error}");
    }

    #[test]
    fn the_error_for_a_python_without_venv_says_what_to_install() {
        let folder = tempfile::tempdir().unwrap();
        let path = program(
            folder.path(),
            "echo 'ensurepip is not available' >&2\nexit 1\n",
        );
        let python = Python {
            program: path,
            arguments: &[],
            version: "a broken one".into(),
        };
        let error = python
            .make(&folder.path().join("venv"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("ensurepip is not available"), "{error}");
        assert!(
            error.contains("apt-get install python3 python3-venv"),
            "{error}"
        );
    }
}
