//! `cargo xtask fuzz`: the targets of `fuzz/` under libFuzzer, each for a limited time.
//!
//! cargo-fuzz builds them on stable Rust: the code is safe Rust, so no sanitizer is needed, and
//! panics are what the targets fail by. Built with debug assertions, they also find overflows.

use crate::command::{cargo, on_path, root, run, target, wait};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::{
    collections::BTreeSet,
    env, fmt,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    thread,
    time::Duration,
};

/// Arguments of the verb.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How long each target runs, in seconds
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Run these targets and no others
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    only: Vec<String>,
    /// How many targets run at the same time; by default, one for each core
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// A target may need this long to load its corpus and to end.
const GRACE: Duration = Duration::from_secs(300);
/// An input that takes longer hangs, in seconds.
const SLOWEST: u32 = 20;
/// The most memory of one target, in MiB.
const MEMORY: u32 = 2048;
/// The longest input in bytes; the test `replay` allows no longer one.
const LONGEST: u32 = 16 << 10;

/// The result of a target.
struct Ran {
    target: String,
    /// What libFuzzer's last lines say; `None` if it ended before.
    runs: Option<u64>,
    per_second: Option<u64>,
    coverage: Option<u64>,
    new_inputs: usize,
    /// The inputs that made it fail.
    failures: Vec<PathBuf>,
}

/// The verb.
pub(crate) fn run_verb(arguments: &Arguments) -> Result<()> {
    let targets = chosen(arguments)?;
    ensure!(
        on_path("cargo-fuzz").is_some(),
        "cargo-fuzz is not installed. Install it with `cargo install cargo-fuzz --locked`"
    );
    build()?;
    let binaries = folder().join(host()?).join("release");
    let jobs = match arguments.jobs {
        Some(jobs) => jobs.max(1),
        None => thread::available_parallelism().map_or(1, usize::from),
    };
    let waves = targets.len().div_ceil(jobs);
    println!(
        "{} targets, {} s each, {jobs} at a time: about {} minutes",
        targets.len(),
        arguments.seconds,
        (waves * arguments.seconds as usize).div_ceil(60)
    );
    let all = targets.len();
    let queue = Mutex::new(targets.into_iter());
    let done = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        loop {
            let next = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some(target) = next else {
                return Ok(());
            };
            let ran = fuzz(&binaries, &target, arguments.seconds)?;
            let mut done = done.lock().expect("no thread panics");
            done.push(ran);
            let ran = &done[done.len() - 1];
            println!("[{}/{all}] {ran}", done.len());
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| match thread.join() {
                Ok(ended) => ended,
                Err(_) => bail!("a thread panicked"),
            })
    })?;
    let mut done = done.into_inner().expect("no thread panics");
    done.sort_by(|one, other| one.target.cmp(&other.target));
    println!("\n{HEADING}");
    for ran in &done {
        println!("{ran}");
    }
    failures(&done)
}

/// The targets to run: those that have a corpus.
fn chosen(arguments: &Arguments) -> Result<Vec<String>> {
    let all = names(&root().join("fuzz/corpus"))?;
    if let Some(unknown) = arguments.only.iter().find(|name| !all.contains(*name)) {
        let all: Vec<String> = all.into_iter().collect();
        bail!("there is no target '{unknown}', only {}", all.join(", "));
    }
    let wanted = |name: &String| arguments.only.is_empty() || arguments.only.contains(name);
    Ok(all.into_iter().filter(wanted).collect())
}

/// Builds the binaries of all targets: one build takes less time than one for each.
fn build() -> Result<()> {
    let mut command = cargo(&["fuzz", "build", "--sanitizer", "none"]);
    command
        .args([
            "--fuzz-dir",
            "fuzz",
            "--features",
            "libfuzzer",
            "--target-dir",
        ])
        .arg(folder())
        // Optimising each binary as one program takes minutes for each.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_STRIP", "none");
    run(command.args(["--codegen-units", "16"]))
}

/// Where the binaries, new inputs, failures and logs are.
fn folder() -> PathBuf {
    target().join("fuzz")
}

/// The system that rustc builds for.
fn host() -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

/// Runs one target.
fn fuzz(binaries: &Path, name: &str, seconds: u32) -> Result<Ran> {
    let made = |place: &str| -> Result<PathBuf> {
        let folder = folder().join(place);
        fs::create_dir_all(&folder).with_context(|| format!("making {folder:?}"))?;
        Ok(folder)
    };
    let (new, failed, logs) = (
        made(&format!("new/{name}"))?,
        made(&format!("failed/{name}"))?,
        made("logs")?,
    );
    let (had, had_failed) = (names(&new)?.len(), names(&failed)?);
    let log = logs.join(format!("{name}.txt"));
    let mut command = Command::new(binaries.join(format!("{name}{}", env::consts::EXE_SUFFIX)));
    // libFuzzer writes new inputs to the first folder.
    command.arg(&new).arg(root().join("fuzz/corpus").join(name));
    let dictionary = root().join(format!("fuzz/dictionaries/{name}.dict"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SLOWEST}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-artifact_prefix={}/", failed.display()))
        .arg("-print_final_stats=1")
        .stdout(File::create(logs.join(format!("{name}.out")))?)
        .stderr(File::create(&log).with_context(|| format!("making {log:?}"))?);
    let status = wait(&mut command, Duration::from_secs(seconds.into()) + GRACE)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let failures = names(&failed)?
        .difference(&had_failed)
        .map(|file| failed.join(file))
        .collect::<Vec<_>>();
    ensure!(
        status.success() || !failures.is_empty(),
        "the target {name} ended with {status}, without an input that failed: see {}",
        log.display()
    );
    let stat = |name: &str| number_after(&text, &format!("stat::{name}:"));
    Ok(Ran {
        target: name.to_owned(),
        runs: stat("number_of_executed_units"),
        per_second: stat("average_exec_per_sec"),
        coverage: number_after(&text, " cov:"),
        new_inputs: names(&new)?.len().saturating_sub(had),
        failures,
    })
}

/// The number after the last place with this label.
fn number_after(text: &str, label: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(label)?;
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// The names in a folder.
fn names(folder: &Path) -> Result<BTreeSet<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {folder:?}"))?;
    let name = |entry: std::io::Result<fs::DirEntry>| {
        Ok(entry?.file_name().to_string_lossy().into_owned())
    };
    entries.map(name).collect()
}

const HEADING: &str = "target                  runs   runs/s   coverage  new inputs  failures";

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |number: Option<u64>| number.map_or("-".to_owned(), |it| it.to_string());
        write!(
            f,
            "{:<17} {:>10} {:>8} {:>10} {:>11} {:>9}",
            self.target,
            shown(self.runs),
            shown(self.per_second),
            shown(self.coverage),
            self.new_inputs,
            self.failures.len()
        )
    }
}

/// An error that says what to do with each input that failed.
fn failures(done: &[Ran]) -> Result<()> {
    let mut said = String::new();
    for ran in done {
        for failure in &ran.failures {
            let (failure, name) = (failure.display(), &ran.target);
            said.push_str(&format!(
                "\n{name}: {failure}\n  repeat: cp {failure} fuzz/corpus/{name}/WHAT-IT-IS && cargo test -p azcred-fuzz --test replay"
            ));
        }
    }
    ensure!(
        said.is_empty(),
        "inputs failed; each becomes part of the corpus:{said}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#2 INITED cov: 12 ft: 13\n#9 NEW    cov: 34 ft: 13 corp: 3/9b\n\
                       stat::number_of_executed_units: 1234\nstat::average_exec_per_sec:     56\n";

    #[test]
    fn the_last_figures_of_a_log_are_read() {
        assert_eq!(number_after(LOG, " cov:"), Some(34));
        assert_eq!(
            number_after(LOG, "stat::number_of_executed_units:"),
            Some(1234)
        );
        assert_eq!(number_after(LOG, "stat::average_exec_per_sec:"), Some(56));
        assert_eq!(number_after(LOG, "stat::none:"), None);
    }

    #[test]
    fn a_failure_says_how_it_is_repeated_and_kept() {
        let ran = Ran {
            target: "tools".into(),
            runs: None,
            per_second: None,
            coverage: Some(7),
            new_inputs: 0,
            failures: vec!["target/fuzz/failed/tools/crash-1".into()],
        };
        assert_eq!(ran.to_string().len(), HEADING.len());
        let said = failures(&[ran]).unwrap_err().to_string();
        assert!(
            said.contains("cp target/fuzz/failed/tools/crash-1 fuzz/corpus/tools/"),
            "{said}"
        );
        assert!(failures(&[]).is_ok());
    }

    #[test]
    fn an_unknown_target_is_an_error_that_names_the_known_ones() {
        let arguments = |only: &str| Arguments {
            seconds: 1,
            only: vec![only.to_owned()],
            jobs: None,
        };
        assert_eq!(chosen(&arguments("tools")).unwrap(), ["tools"]);
        let said = chosen(&arguments("tulips")).unwrap_err().to_string();
        assert!(
            said.contains("'tulips'") && said.contains("tools"),
            "{said}"
        );
    }
}
