//! A step is a named task that passes or fails. This file runs a list of steps.

use anyhow::{Result, bail};
use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, builder::PossibleValuesParser,
};
use std::{
    fmt::Write as _,
    marker::PhantomData,
    time::{Duration, Instant},
};

/// One step of a verb.
pub(crate) struct Step {
    /// Its name for `--only` and `--skip`.
    pub(crate) name: &'static str,
    /// What it checks, shown before it runs.
    pub(crate) about: &'static str,
    /// The task. An error means that the step failed.
    pub(crate) run: fn() -> Result<Passed>,
}

/// How a step passed.
pub(crate) enum Passed {
    /// Everything was checked.
    Whole,
    /// It passed, but not everything could be checked. The summary repeats what and why.
    Except(String),
}

/// A verb that is a list of steps, in the order in which they run.
pub(crate) trait Steps {
    /// The verb's steps.
    fn steps() -> Vec<Step>;
}

/// The steps to run: the arguments that all such verbs have.
pub(crate) struct Selection<V> {
    only: Vec<String>,
    skip: Vec<String>,
    verb: PhantomData<V>,
}

impl<V: Steps> Selection<V> {
    /// Runs the chosen steps, all of them even after a failure. At the end it shows how long each
    /// took. An error if one failed.
    pub(crate) fn run(&self) -> Result<()> {
        let chosen: Vec<Step> = V::steps()
            .into_iter()
            .filter(|step| self.takes(step))
            .collect();
        if chosen.is_empty() {
            bail!("--only and --skip together leave no step to run");
        }
        let mut results = Vec::with_capacity(chosen.len());
        for step in chosen {
            println!("\n=== {}: {}", step.name, step.about);
            let started = Instant::now();
            let outcome = (step.run)();
            if let Err(error) = &outcome {
                println!("=== {} failed: {error:#}", step.name);
            }
            results.push(Finished {
                name: step.name,
                outcome,
                took: started.elapsed(),
            });
        }
        println!("\n{}", summary(&results));
        let failed: Vec<&str> = results
            .iter()
            .filter(|done| done.outcome.is_err())
            .map(|done| done.name)
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!(
            "failed: {0}. To repeat: cargo xtask test --only {1}",
            failed.join(", "),
            failed[0]
        )
    }

    fn takes(&self, step: &Step) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == step.name);
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// clap's derive can't get possible values from a type parameter, so this is written by hand.
impl<V: Steps> Args for Selection<V> {
    fn augment_args(command: Command) -> Command {
        let names = || PossibleValuesParser::new(V::steps().into_iter().map(|step| step.name));
        let list = |id: &'static str, help: &'static str| {
            Arg::new(id)
                .long(id)
                .value_name("STEP")
                .value_delimiter(',')
                .action(ArgAction::Append)
                .value_parser(names())
                .help(help)
        };
        command
            .arg(list("only", "Run these steps and no others"))
            .arg(list("skip", "Run all steps but these"))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<V: Steps> FromArgMatches for Selection<V> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let list = |id| {
            matches
                .get_many::<String>(id)
                .into_iter()
                .flatten()
                .cloned()
                .collect()
        };
        Ok(Self {
            only: list("only"),
            skip: list("skip"),
            verb: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A completed step.
struct Finished {
    name: &'static str,
    outcome: Result<Passed>,
    took: Duration,
}

/// The summary: one line for each step, then what was not checked.
fn summary(results: &[Finished]) -> String {
    let mut table = String::from("step        result  seconds\n");
    let mut notes = String::new();
    for Finished {
        name,
        outcome,
        took,
    } in results
    {
        let result = match outcome {
            Ok(Passed::Whole) => "ok",
            Ok(Passed::Except(what)) => {
                let _ = write!(notes, "\nNOT CHECKED in {name}: {what}");
                "ok, *"
            }
            Err(error) => {
                let _ = write!(notes, "\nFAILED {name}: {error:#}");
                "FAILED"
            }
        };
        let _ = writeln!(table, "{name:<11} {result:<7} {:7.1}", took.as_secs_f64());
    }
    let all: Duration = results.iter().map(|done| done.took).sum();
    let _ = write!(table, "{:<11} {:<7} {:7.1}", "all", "", all.as_secs_f64());
    table + &notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    struct TestVerb;

    fn passes() -> Result<Passed> {
        Ok(Passed::Whole)
    }

    fn passes_in_part() -> Result<Passed> {
        Ok(Passed::Except("the moon".into()))
    }

    fn fails() -> Result<Passed> {
        Err(anyhow!("it rained").context("no picnic"))
    }

    impl Steps for TestVerb {
        fn steps() -> Vec<Step> {
            vec![
                Step {
                    name: "first",
                    about: "",
                    run: fails,
                },
                Step {
                    name: "second",
                    about: "",
                    run: passes,
                },
                Step {
                    name: "third",
                    about: "",
                    run: passes_in_part,
                },
            ]
        }
    }

    fn selection(arguments: &[&str]) -> Result<Selection<TestVerb>, clap::Error> {
        let command =
            Selection::<TestVerb>::augment_args(Command::new("verb").no_binary_name(true));
        Selection::from_arg_matches(&command.try_get_matches_from(arguments)?)
    }

    #[test]
    fn one_failed_step_fails_the_verb() {
        let error = selection(&[]).unwrap().run().unwrap_err();
        assert!(error.to_string().starts_with("failed: first."), "{error}");
    }

    #[test]
    fn steps_that_were_not_chosen_do_not_run() {
        selection(&["--only", "second,third"])
            .unwrap()
            .run()
            .unwrap();
        selection(&["--skip", "first"]).unwrap().run().unwrap();
    }

    #[test]
    fn selecting_no_step_is_an_error() {
        assert!(
            selection(&["--only", "second", "--skip", "second"])
                .unwrap()
                .run()
                .is_err()
        );
    }

    #[test]
    fn an_unknown_step_is_a_usage_error() {
        let error = selection(&["--only", "fourth"]).err().unwrap();
        assert_eq!(error.kind(), clap::error::ErrorKind::InvalidValue);
    }

    #[test]
    fn the_summary_repeats_what_failed_and_what_was_not_checked() {
        let results = TestVerb::steps()
            .into_iter()
            .map(|step| Finished {
                name: step.name,
                outcome: (step.run)(),
                took: Duration::from_millis(1_500),
            })
            .collect::<Vec<_>>();
        assert_eq!(
            summary(&results),
            "step        result  seconds\n\
             first       FAILED      1.5\n\
             second      ok          1.5\n\
             third       ok, *       1.5\n\
             all                     4.5\n\
             FAILED first: no picnic: it rained\n\
             NOT CHECKED in third: the moon"
        );
    }
}
