//! `azcred sp create`, `rotate` and `delete`, killed at every change: before Azure did it and after
//! it. A second run completes what the first one began, and nothing is left that nothing knows of.

use crate::{
    azure::Azure,
    run::{Run, azcred},
    sp::{contoso, made, sp},
};
use azcred_emulator::{Effect, Fault, Persona, Service, Way};
use std::{path::Path, thread, time::Duration};
use tempfile::TempDir;

/// Secrets go to an account in a folder of the test.
const STORE: [&str; 2] = ["--to", "encrypted-file"];
/// No command makes more changes.
const MOST: u32 = 20;

struct World {
    azure: Azure,
    home: TempDir,
    /// The service principals and role assignments of the seed.
    before: (usize, usize),
}

impl World {
    fn new() -> Self {
        let azure = contoso();
        let before = counts(&azure);
        Self {
            azure,
            home: tempfile::tempdir().expect("a folder"),
            before,
        }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let run = sp(&self.azure, "admin", arguments);
        run.env("AZCRED_HOME", text(self.home.path()))
    }

    /// Runs a command to its end.
    fn completes(&self, arguments: &[&str]) {
        let said = self.run(arguments).said();
        assert_eq!(said.code, 0, "{arguments:?}: {said}");
    }

    /// Starts a command, and kills it at a step. Returns whether it got that far.
    fn killed(&self, arguments: &[&str], step: &Step) -> bool {
        let faults = self.azure.emulator().faults();
        let log = self.azure.emulator().requests();
        log.clear();
        let fault = Fault::new(step.effect.clone()).on(step.service);
        let fault = fault.only_changes().after(step.after);
        faults.arm(fault).expect("it is valid");
        let mut running = self.run(arguments).start();
        let is_reached = loop {
            if log.all().iter().any(|one| one.fault.is_some()) {
                running.kill().expect("it runs");
                running.wait().expect("it ends");
                break true;
            }
            if running.try_wait().expect("it is there").is_some() {
                break false;
            }
            thread::sleep(Duration::from_millis(2));
        };
        faults.clear();
        is_reached
    }

    /// The account of the profile signs in.
    fn account_works(&self, step: &str) {
        let mut way = self.azure.environment(Persona::NoAccount, Way::RealNames);
        way.retain(|(name, _)| name != "AZCRED_HOME");
        let token = ["token", "--profile", "ci-train"];
        let said = azcred(&token)
            .envs(&way)
            .env("AZCRED_HOME", text(self.home.path()))
            // A stored token would not show that the secret works.
            .env("AZCRED_CACHE", "never")
            .said();
        assert_eq!(said.code, 0, "{step}: {said}");
    }

    /// One application with one secret and one tag, one principal, one role.
    fn is_complete(&self, step: &str) {
        assert_eq!(made(&self.azure), [("ci-train".to_owned(), 1, 1)], "{step}");
        let (principals, assignments) = self.before;
        assert_eq!(
            counts(&self.azure),
            (principals + 1, assignments + 1),
            "{step}"
        );
        self.account_works(step);
    }

    fn is_as_before(&self, step: &str) {
        assert_eq!(made(&self.azure), [], "{step}");
        assert_eq!(counts(&self.azure), self.before, "{step}");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("it is text")
}

fn counts(azure: &Azure) -> (usize, usize) {
    let world = azure.emulator().world();
    let principals = world.directory().service_principals.len();
    (principals, world.resources().role_assignments().count())
}

/// A request at which a command is killed.
#[derive(Debug)]
struct Step {
    service: Service,
    after: u32,
    /// Before Azure did it, or after.
    effect: Effect,
}

/// Runs `check` for each step of a command that is reached. Returns their number.
fn walk(mut killed: impl FnMut(&Step) -> bool, mut check: impl FnMut(&str)) -> usize {
    let mut reached = 0;
    for service in [Service::Graph, Service::Arm] {
        for after in 0..MOST {
            let mut is_reached = true;
            for effect in [Effect::Hang, Effect::Withheld] {
                let step = Step {
                    service,
                    after,
                    effect,
                };
                is_reached &= killed(&step);
                if is_reached {
                    reached += 1;
                    check(&format!("{step:?}"));
                }
            }
            if !is_reached {
                break;
            }
        }
    }
    reached
}

const CREATE: [&str; 5] = ["create", "ci-train", "--secret", STORE[0], STORE[1]];
const ROTATE: [&str; 4] = ["rotate", "ci-train", STORE[0], STORE[1]];
const FEDERATE: [&str; 5] = [
    "federate",
    "ci-train",
    "--issuer",
    "https://ci.example",
    "--subject",
];
const DELETE: [&str; 3] = ["delete", "ci-train", "--yes"];

#[test]
fn a_creation_that_was_killed_is_completed_by_a_second_run() {
    let world = World::new();
    let reached = walk(
        |step| world.killed(&CREATE, step),
        |step| {
            world.completes(&CREATE);
            world.is_complete(step);
            world.completes(&DELETE);
            world.is_as_before(step);
        },
    );
    // The application, the principal, the role, two marks, the secret: before and after.
    assert!(reached >= 12, "{reached}");
}

#[test]
fn a_creation_that_was_killed_can_be_undone() {
    let world = World::new();
    walk(
        |step| world.killed(&CREATE, step),
        |step| {
            if !made(&world.azure).is_empty() {
                world.completes(&DELETE);
            }
            world.is_as_before(step);
        },
    );
}

#[test]
fn a_federation_that_was_killed_is_completed_by_a_second_run() {
    let world = World::new();
    world.completes(&CREATE[..2]);
    let trusted = || {
        let directory = world.azure.emulator().world().directory();
        let mut all = directory.applications.values();
        let one = all.find(|one| one.name == "ci-train").expect("it is there");
        one.federated_credentials.len()
    };
    let reached = walk(
        |step| {
            // Another subject each time.
            let subject = format!("{:?}-{}", step.effect, step.after);
            world.killed(&[&FEDERATE[..], &[&subject]].concat(), step)
        },
        |step| {
            let subject = match step.contains("Hang") {
                true => "Hang-0",
                false => "Withheld-0",
            };
            let federate = [&FEDERATE[..], &[subject]].concat();
            world.completes(&federate);
            world.completes(&federate);
        },
    );
    // Two that were killed, and two whose command came to its end, each once.
    assert_eq!((reached, trusted()), (2, 4));
}

#[test]
fn a_rotation_that_was_killed_leaves_a_secret_that_works_and_a_second_run_completes_it() {
    let world = World::new();
    world.completes(&CREATE);
    let reached = walk(
        |step| world.killed(&ROTATE, step),
        |step| {
            world.account_works(step);
            world.completes(&ROTATE);
            world.is_complete(step);
        },
    );
    // Two marks, the new secret, the old one.
    assert!(reached >= 8, "{reached}");
}

#[test]
fn a_deletion_that_was_killed_is_completed_by_a_second_run() {
    let world = World::new();
    let reached = walk(
        |step| {
            world.completes(&CREATE);
            world.killed(&DELETE, step)
        },
        |step| {
            if !made(&world.azure).is_empty() {
                world.completes(&DELETE);
            }
            world.is_as_before(step);
        },
    );
    // The role, the principal, the application.
    assert!(reached >= 6, "{reached}");
}
