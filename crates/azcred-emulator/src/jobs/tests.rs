use super::*;
use serde_json::{Map, json};
use time::{Duration, macros::datetime};
use uuid::Uuid;

const NOW: OffsetDateTime = datetime!(2026-11-30 12:00 UTC);

fn workspace(name: &str) -> Scope {
    format!(
        "/subscriptions/{}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/{name}",
        Uuid::nil()
    )
    .parse()
    .expect("an id")
}

fn job(name: &str, kind: JobKind) -> Job {
    let sender = Sender {
        name: "ada@contoso.com".into(),
        kind: "User".into(),
        object_id: Uuid::nil(),
        tenant: Uuid::nil(),
    };
    let mut job = Job::new(workspace("ws"), name, kind, sender, NOW);
    job.experiment = "train".into();
    job
}

fn step(name: &str, after: &[&str]) -> Step {
    Step {
        name: name.into(),
        after: after.iter().map(|&name| name.to_owned()).collect(),
        body: Map::new(),
    }
}

fn rule(name: &str, outcome: Outcome) -> JobRule {
    JobRule {
        name: Some(name.into()),
        outcome,
        ..JobRule::default()
    }
}

fn after(seconds: f64) -> OffsetDateTime {
    NOW + Duration::seconds_f64(seconds)
}

fn state(jobs: &Jobs, name: &str, seconds: f64) -> &'static str {
    let job = jobs.get(&workspace("ws"), name).expect("a job");
    job.state(after(seconds)).as_str()
}

/// The states of the steps and of the pipeline, by the clock.
fn states(jobs: &Jobs, name: &str, seconds: f64) -> Vec<&'static str> {
    let job = jobs.get(&workspace("ws"), name).expect("a job");
    let steps = jobs.children(&job).into_iter().chain([job]);
    steps
        .map(|job| job.state(after(seconds)).as_str())
        .collect()
}

#[test]
fn a_command_goes_through_its_states_by_the_clock_and_ends_in_a_second_or_two() {
    let jobs = Jobs::default();
    jobs.submit(job("one", JobKind::Command), vec![]).unwrap();
    let seen: Vec<_> = [-5.0, 0.0, 0.15, 0.25, 0.5, 1.05, 1.2, 900.0]
        .into_iter()
        .map(|seconds| state(&jobs, "ONE", seconds))
        .collect();
    assert_eq!(
        seen,
        [
            "Starting",
            "Starting",
            "Preparing",
            "Queued",
            "Running",
            "Finalizing",
            "Completed",
            "Completed"
        ]
    );
    assert_eq!(
        jobs.submit(job("One", JobKind::Run), vec![]),
        Err(JobExists)
    );
}

#[test]
fn the_first_rule_that_matches_decides_how_a_job_ends() {
    let jobs = Jobs::default();
    jobs.add_rule(JobRule {
        seconds: Some(60.0),
        ..JobRule::default()
    });
    jobs.add_rule(JobRule {
        message: Some("no disk".into()),
        ..rule("bad", Outcome::Fail)
    });
    jobs.add_rule(rule("stuck", Outcome::Hang));
    jobs.add_rule(rule("gone", Outcome::Cancel));
    for name in ["good", "bad", "stuck", "gone"] {
        jobs.submit(job(name, JobKind::Command), vec![]).unwrap();
    }
    let at = |seconds| ["good", "bad", "stuck", "gone"].map(|name| state(&jobs, name, seconds));
    assert_eq!(at(2.0), ["Running", "Failed", "Running", "Canceled"]);
    assert_eq!(at(1e6), ["Completed", "Failed", "Running", "Canceled"]);
    let bad = jobs.get(&workspace("ws"), "bad").unwrap();
    assert_eq!(bad.error(after(0.5)), None);
    assert_eq!(bad.error(after(2.0)), Some("no disk"));
}

#[test]
fn a_running_job_is_canceled_failed_or_completed_at_once() {
    let jobs = Jobs::default();
    jobs.add_rule(JobRule {
        outcome: Outcome::Hang,
        ..JobRule::default()
    });
    for name in ["one", "two", "three", "early"] {
        jobs.submit(job(name, JobKind::Command), vec![]).unwrap();
    }
    let ws = workspace("ws");
    jobs.cancel(&ws, "one", after(5.0)).unwrap();
    jobs.end_as(&ws, "two", Outcome::Fail, after(5.0)).unwrap();
    jobs.end_as(&ws, "three", Outcome::Complete, after(5.0))
        .unwrap();
    // It still goes through what comes before.
    jobs.end_as(&ws, "early", Outcome::Complete, after(0.15))
        .unwrap();
    let at = |seconds| ["one", "two", "three", "early"].map(|name| state(&jobs, name, seconds));
    assert_eq!(at(4.9), ["Running", "Running", "Running", "Completed"]);
    assert_eq!(
        at(5.0),
        ["CancelRequested", "Finalizing", "Finalizing", "Completed"]
    );
    assert_eq!(at(5.2), ["Canceled", "Failed", "Completed", "Completed"]);
    assert_eq!(state(&jobs, "early", 0.5), "Running");
    // What has ended stays as it is.
    jobs.cancel(&ws, "two", after(6.0)).unwrap();
    assert_eq!(state(&jobs, "two", 60.0), "Failed");
    assert_eq!(jobs.cancel(&ws, "none", after(6.0)), None);
}

#[test]
fn a_step_begins_when_the_steps_before_it_have_completed() {
    let jobs = Jobs::default();
    let steps = vec![
        step("last", &["first"]),
        step("first", &[]),
        step("beside", &[]),
    ];
    jobs.submit(job("p", JobKind::Pipeline), steps).unwrap();
    assert_eq!(
        states(&jobs, "p", 0.0),
        ["NotStarted", "NotStarted", "NotStarted", "NotStarted"]
    );
    assert_eq!(
        states(&jobs, "p", 0.5),
        ["NotStarted", "Running", "Running", "Running"]
    );
    assert_eq!(
        states(&jobs, "p", 1.5),
        ["Running", "Completed", "Completed", "Running"]
    );
    assert_eq!(
        states(&jobs, "p", 2.3),
        ["Completed", "Completed", "Completed", "Completed"]
    );
    let names: Vec<_> = jobs
        .children(&jobs.get(&workspace("ws"), "p").unwrap())
        .into_iter()
        .map(|child| {
            (
                child.step.unwrap(),
                child.parent.unwrap(),
                child.name.parse::<Uuid>().is_ok(),
            )
        })
        .collect();
    assert_eq!(names[0], ("last".into(), "p".into(), true));
    // Lists show the pipeline only.
    assert_eq!(jobs.list(&workspace("WS")).len(), 1);
}

#[test]
fn a_pipeline_fails_with_a_step_and_the_later_steps_do_not_run() {
    let jobs = Jobs::default();
    jobs.add_rule(rule("first", Outcome::Fail));
    let steps = vec![step("first", &[]), step("last", &["first"])];
    jobs.submit(job("p", JobKind::Pipeline), steps).unwrap();
    assert_eq!(states(&jobs, "p", 3.0), ["Failed", "Canceled", "Failed"]);
}

#[test]
fn a_pipeline_waits_for_a_step_that_hangs_and_follows_what_becomes_of_it() {
    let jobs = Jobs::default();
    jobs.add_rule(rule("first", Outcome::Hang));
    let steps = || vec![step("first", &[]), step("last", &["first"])];
    let ws = workspace("ws");
    for (name, outcome, expected) in [
        (
            "a",
            Outcome::Complete,
            ["Completed", "Completed", "Completed"],
        ),
        ("b", Outcome::Fail, ["Failed", "Canceled", "Failed"]),
    ] {
        let made = jobs.submit(job(name, JobKind::Pipeline), steps()).unwrap();
        assert_eq!(
            states(&jobs, name, 500.0),
            ["Running", "NotStarted", "Running"]
        );
        jobs.end_as(&ws, &made.children[0], outcome, after(9.0))
            .unwrap();
        assert_eq!(states(&jobs, name, 9.0)[1..], ["NotStarted", "Running"]);
        assert_eq!(states(&jobs, name, 12.0), expected);
    }
    jobs.submit(job("c", JobKind::Pipeline), steps()).unwrap();
    jobs.cancel(&ws, "c", after(9.0)).unwrap();
    assert_eq!(
        states(&jobs, "c", 10.0),
        ["Canceled", "Canceled", "Canceled"]
    );
}

#[test]
fn a_pipeline_without_steps_or_with_steps_that_wait_for_each_other_is_no_trouble() {
    let jobs = Jobs::default();
    jobs.submit(job("empty", JobKind::Pipeline), vec![])
        .unwrap();
    assert_eq!(states(&jobs, "empty", 2.0), ["Completed"]);
    let steps = vec![
        step("a", &["b"]),
        step("b", &["a"]),
        step("c", &["unknown"]),
    ];
    jobs.submit(job("round", JobKind::Pipeline), steps).unwrap();
    assert_eq!(states(&jobs, "round", 99.0)[3], "Running");
}

#[test]
fn a_log_says_what_was_recorded_and_how_it_ended() {
    let jobs = Jobs::default();
    let mut one = job("one", JobKind::Command);
    let body = json!({"command": "python train.py\necho \u{1b}[2Jdone"});
    one.body = body.as_object().unwrap().clone();
    let one = jobs.submit(one, vec![]).unwrap();
    assert_eq!(one.log(after(0.2)), []);
    let text: Vec<_> = one
        .log(after(9.0))
        .into_iter()
        .map(|line| line.text)
        .collect();
    assert_eq!(
        text,
        [
            "The Azure emulator executes nothing. It recorded this job:",
            "name: one",
            "experiment: train",
            "submitted by: ada@contoso.com",
            "command: python train.py",
            "command: echo [2Jdone",
            "The job is Completed.",
        ]
    );
}

/// Files in memory.
#[derive(Default)]
struct Files(Mutex<BTreeMap<String, String>>, Mutex<usize>);

impl JobFiles for Files {
    fn write(&self, name: &str, job: Option<&Job>) -> Result<(), crate::state_error::StateError> {
        *self.1.lock().unwrap() += 1;
        let mut files = self.0.lock().unwrap();
        match job {
            Some(job) => files.insert(name.into(), serde_json::to_string(job).unwrap()),
            None => files.remove(name),
        };
        Ok(())
    }
}

#[test]
fn a_change_writes_only_the_job_that_changed_and_all_come_back() {
    let (jobs, files) = (Jobs::default(), Files::default());
    for number in 0..100 {
        let name = format!("job-{number}");
        jobs.submit(job(&name, JobKind::Command), vec![]).unwrap();
    }
    jobs.keep(&files).unwrap();
    assert_eq!(*files.1.lock().unwrap(), 100);
    let ws = workspace("ws");
    jobs.update(&ws, "job-7", |job| job.archived = true)
        .unwrap();
    assert!(jobs.remove(&ws, "job-8"));
    assert!(!jobs.remove(&ws, "job-8"));
    jobs.keep(&files).unwrap();
    jobs.keep(&files).unwrap();
    assert_eq!(*files.1.lock().unwrap(), 102);
    let kept = files.0.lock().unwrap();
    let kept = kept
        .values()
        .map(|text| serde_json::from_str(text).unwrap());
    let again = Jobs::restored(kept, vec![]);
    assert_eq!(again.list(&ws).len(), 99);
    assert_eq!(again.get(&ws, "job-7"), jobs.get(&ws, "job-7"));
}

#[test]
fn the_jobs_of_a_workspace_go_with_it() {
    let jobs = Jobs::default();
    let mut other = job("one", JobKind::Command);
    other.workspace = workspace("ws-2");
    jobs.submit(other, vec![]).unwrap();
    jobs.submit(job("p", JobKind::Pipeline), vec![step("a", &[])])
        .unwrap();
    jobs.remove_in(&workspace("ws"));
    assert_eq!(jobs.all().len(), 1);
    assert_eq!(jobs.read().jobs.len(), 1);
}

#[test]
fn a_rule_with_a_count_is_for_so_many_submissions_of_which_a_pipeline_is_one() {
    let jobs = Jobs::default();
    jobs.add_rule(JobRule {
        outcome: Outcome::Fail,
        count: Some(2),
        ..JobRule::default()
    });
    jobs.add_rule(JobRule {
        outcome: Outcome::Hang,
        count: Some(0),
        ..JobRule::default()
    });
    let steps = vec![step("a", &[]), step("b", &["a"])];
    jobs.submit(job("pipe", JobKind::Pipeline), steps).unwrap();
    assert_eq!(state(&jobs, "pipe", 100.0), "Failed");
    for (name, ends) in [("one", "Failed"), ("two", "Completed")] {
        jobs.submit(job(name, JobKind::Command), vec![]).unwrap();
        assert_eq!(state(&jobs, name, 100.0), ends, "{name}");
    }
}
