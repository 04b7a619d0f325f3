use super::*;
use crate::{
    chain::{Expect, Source, Verdict},
    facts::Refusal,
    scope::Scope,
    system::{Fixture, System},
};
use AfterFailure::{AskPerson, End, GoOn};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::Mutex;

/// A source that does what the test says, and records when it was started and dropped.
#[derive(Debug)]
struct Told {
    look: Look,
    after: Duration,
    says: Says,
    log: Log,
    place: Source,
}

#[derive(Clone, Copy, Debug)]
enum Look {
    Ready,
    Possible,
    Doubtful,
    Absent,
}

#[derive(Clone, Copy, Debug)]
enum Says {
    Token,
    Nothing,
    No,
    Nonsense,
    Unusable,
    NotAWord,
}

type Log = Arc<Mutex<Vec<String>>>;

fn error(kind: ErrorKind) -> Error {
    let error = Error::new(kind, "Asked", "because").with_fix("do this");
    if kind == ErrorKind::Refused {
        return error.with_refusal(Refusal {
            code: Some(7_000_222),
            ..Refusal::default()
        });
    }
    error
}

/// Records the end of a source's future.
struct Ends(Log, Source);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(format!("{} ended", self.1));
    }
}

impl TokenSource for Told {
    fn name(&self) -> &'static str {
        "Told"
    }
    fn look(&self, _: &dyn System) -> Availability {
        let using = "a fixture".into();
        match self.look {
            Look::Ready => Availability::Ready { using },
            Look::Possible => Availability::Possible { using },
            Look::Doubtful => Availability::Doubtful {
                using: "no sign of it".into(),
            },
            Look::Absent => Availability::Unavailable(error(ErrorKind::Unavailable)),
        }
    }
    fn fetch(self: Arc<Self>, _: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            self.log
                .lock()
                .unwrap()
                .push(format!("{} asked", self.place));
            let _ends = Ends(self.log.clone(), self.place);
            tokio::time::sleep(self.after).await;
            match self.says {
                Says::Token => Ok(token(&format!(
                    r#"{{"oid":"{}","tid":"{TENANT}"}}"#,
                    self.place
                ))),
                Says::Nothing => Err(error(ErrorKind::Unavailable)),
                Says::No => Err(error(ErrorKind::Refused)),
                Says::Nonsense => Err(error(ErrorKind::Unexpected)),
                Says::Unusable => Err(error(ErrorKind::Invalid)),
                Says::NotAWord => std::future::pending().await,
            }
        }
        .boxed()
    }
}

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

fn token(claims: &str) -> AccessToken {
    AccessToken::new(
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims)),
        std::time::SystemTime::now(),
        Duration::from_secs(3600),
        None,
    )
}

const ONE: Source = Source::Environment;
const TWO: Source = Source::ManagedIdentity;
const THREE: Source = Source::AzureCli;
const PERSON: Source = Source::InteractiveBrowser;
const PERSON_TOO: Source = Source::DeviceCode;

type TestLine = (Source, AfterFailure, Look, u64, Says);

struct Run {
    answer: Result<RunResult>,
    report: Report,
    log: Vec<String>,
    took: Duration,
}

impl Run {
    fn winner(&self) -> Option<Source> {
        self.answer.as_ref().ok().map(|answer| answer.winner.source)
    }
    fn verdicts(&self) -> Vec<Verdict> {
        self.report
            .attempts
            .iter()
            .map(|attempt| attempt.verdict)
            .collect()
    }
    fn was_asked(&self, source: Source) -> bool {
        self.log.contains(&format!("{source} asked"))
    }
}

/// Runs through these sources. The clock moves when all tasks wait.
fn go(lines: &[TestLine], expect: Option<Expect>) -> Run {
    go_as(lines, expect, false)
}

/// The same in an unattended chain.
fn go_unattended(lines: &[TestLine]) -> Run {
    go_as(lines, None, true)
}

fn go_as(lines: &[TestLine], expect: Option<Expect>, unattended: bool) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let log = Log::default();
        let setup = Setup {
            preset: None,
            only: None,
            exclude: Vec::new(),
            expect: expect.into_iter().collect(),
            unattended,
            options: crate::ClientOptions::new(Fixture::new().shared()),
        };
        let runners = lines
            .iter()
            .map(|(source, after_failure, look, after, says)| {
                let place = Place {
                    source: *source,
                    after_failure: *after_failure,
                    excluded: None,
                    added: false,
                };
                let told = Told {
                    look: *look,
                    after: Duration::from_millis(*after),
                    says: *says,
                    log: log.clone(),
                    place: *source,
                };
                Runner::look(place, &setup, |_| Ok(Arc::new(told)))
            })
            .collect();
        let began = Instant::now();
        let request = TokenRequest::new(Scope::ARM);
        let end = began + Duration::from_secs(30);
        let (answer, report) = go_through(runners, &setup, &request, began, end).await;
        let log = log.lock().unwrap().clone();
        Run {
            answer,
            report,
            log,
            took: began.elapsed(),
        }
    })
}

#[test]
fn the_first_source_that_has_a_token_is_chosen_and_no_later_one_is_tried() {
    let run = go(
        &[
            (ONE, End, Look::Absent, 0, Says::Token),
            (TWO, End, Look::Ready, 5, Says::Token),
            (THREE, End, Look::Possible, 0, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(TWO));
    assert!(
        !run.was_asked(ONE) && !run.was_asked(THREE),
        "{:?}",
        run.log
    );
    assert_eq!(
        run.verdicts(),
        [Verdict::Unavailable, Verdict::Chosen, Verdict::NotNeeded]
    );
}

#[test]
fn a_slow_source_that_may_be_absent_lets_the_next_one_start_and_is_still_preferred() {
    let run = go(
        &[
            (TWO, End, Look::Possible, 900, Says::Token),
            (THREE, End, Look::Possible, 10, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(TWO), "the order decides, not the speed");
    assert!(run.was_asked(THREE));
    assert_eq!(run.took, Duration::from_millis(900));
    assert_eq!(run.report.attempts[1].started, Some(HEDGE));
    let absent = go(
        &[
            (TWO, End, Look::Possible, 900, Says::Nothing),
            (THREE, End, Look::Possible, 700, Says::Token),
        ],
        None,
    );
    assert_eq!(absent.winner(), Some(THREE));
    assert_eq!(
        absent.took,
        HEDGE + Duration::from_millis(700),
        "the second did not wait for the first to end"
    );
}

#[test]
fn a_source_that_could_not_be_chosen_is_not_started_early() {
    let slow = go(
        &[
            (ONE, End, Look::Ready, 5_000, Says::Token),
            (THREE, End, Look::Possible, 10, Says::Token),
        ],
        None,
    );
    assert_eq!(slow.winner(), Some(ONE));
    assert!(
        !slow.was_asked(THREE),
        "the first can only answer or end the chain"
    );
    let lenient = go(
        &[
            (ONE, GoOn, Look::Ready, 5_000, Says::No),
            (THREE, End, Look::Possible, 10, Says::Token),
        ],
        None,
    );
    assert_eq!(lenient.winner(), Some(THREE));
    assert_eq!(lenient.took, Duration::from_secs(5));
}

#[test]
fn a_source_that_fails_ends_the_chain_or_not_as_the_preset_says() {
    for (says, verdict) in [
        (Says::No, Verdict::Refused),
        (Says::Nonsense, Verdict::Failed),
    ] {
        let ends = go(
            &[
                (ONE, End, Look::Ready, 1, says),
                (THREE, End, Look::Possible, 1, Says::Token),
            ],
            None,
        );
        assert_eq!(ends.verdicts(), [verdict, Verdict::NotNeeded]);
        assert_eq!(ends.winner(), None);
        let goes_on = go(
            &[
                (ONE, GoOn, Look::Ready, 1, says),
                (THREE, End, Look::Possible, 1, Says::Token),
            ],
            None,
        );
        assert_eq!(goes_on.winner(), Some(THREE));
        assert_eq!(goes_on.verdicts(), [verdict, Verdict::Chosen]);
    }
    let refused = go(&[(ONE, End, Look::Ready, 1, Says::No)], None);
    let error = refused.answer.err().unwrap();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(7_000_222))
    );
}

#[test]
fn a_failure_counts_only_after_all_earlier_sources_have_failed() {
    let run = go(
        &[
            (TWO, End, Look::Possible, 900, Says::Token),
            (THREE, End, Look::Possible, 1, Says::No),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(TWO));
    assert_eq!(run.verdicts(), [Verdict::Chosen, Verdict::Refused]);
    assert!(run.report.attempts.iter().all(|one| one.used.is_some()));
}

#[test]
fn a_doubtful_source_is_tried_when_no_other_is_left() {
    let run = go(
        &[
            (TWO, End, Look::Doubtful, 1_000, Says::Token),
            (THREE, End, Look::Possible, 1, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(THREE));
    assert!(!run.was_asked(TWO));
    assert_eq!(run.report.attempts[0].reason(), "no sign of it");
    let last = go(
        &[
            (TWO, End, Look::Doubtful, 1_000, Says::Token),
            (THREE, End, Look::Possible, 1, Says::Nothing),
        ],
        None,
    );
    assert_eq!(last.winner(), Some(TWO));
    let refused = go(
        &[
            (TWO, End, Look::Doubtful, 1_000, Says::Token),
            (THREE, End, Look::Possible, 1, Says::No),
        ],
        None,
    );
    assert!(
        refused.answer.is_err() && !refused.was_asked(TWO),
        "a refusal ends it"
    );
}

#[test]
fn without_a_token_the_error_has_every_reason_and_the_first_failure_comes_first() {
    let run = go(
        &[
            (ONE, End, Look::Absent, 0, Says::Token),
            (THREE, End, Look::Possible, 1, Says::Nothing),
        ],
        None,
    );
    let error = run.answer.err().unwrap();
    assert!(error.is_unavailable());
    assert!(
        error.why().contains("environment: because") && error.why().contains("azure-cli: because"),
        "{error}"
    );
    assert!(
        error.fix().unwrap().to_string().contains("do this"),
        "{error}"
    );
    let failed = go(
        &[
            (ONE, GoOn, Look::Ready, 1, Says::No),
            (THREE, GoOn, Look::Possible, 1, Says::Nonsense),
        ],
        None,
    );
    assert_eq!(failed.answer.err().unwrap().kind(), ErrorKind::Refused);
}

#[test]
fn a_run_is_limited_and_running_sources_end_with_it() {
    let run = go(
        &[
            (TWO, End, Look::Possible, 0, Says::NotAWord),
            (THREE, End, Look::Possible, 0, Says::NotAWord),
        ],
        None,
    );
    let error = run.answer.as_ref().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(run.took, Duration::from_secs(30));
    assert_eq!(run.verdicts(), [Verdict::Failed, Verdict::Failed]);
    for source in [TWO, THREE] {
        assert!(
            run.log.contains(&format!("{source} ended")),
            "{:?}",
            run.log
        );
    }
}

#[test]
fn a_token_at_the_deadline_counts() {
    for _ in 0..20 {
        let run = go(&[(TWO, End, Look::Possible, 30_000, Says::Token)], None);
        assert_eq!(run.winner(), Some(TWO));
    }
}

#[test]
fn a_token_of_an_unexpected_identity_is_not_returned() {
    let lines = [(THREE, End, Look::Possible, 1, Says::Token)];
    let guard = || Expect::new("a test");
    let fine = [
        guard().tenant(TENANT).unwrap(),
        guard().principal("AZURE-cli").unwrap(),
        guard().sources([ONE, THREE]),
        guard(),
    ];
    for expect in fine {
        assert_eq!(
            go(&lines, Some(expect.clone())).winner(),
            Some(THREE),
            "{expect:?}"
        );
    }
    let drifted = [
        (
            guard()
                .tenant("00000000-0000-0000-0000-000000000001")
                .unwrap(),
            "belongs to the tenant 72f988bf",
        ),
        (
            guard().principal("ada@contoso.com").unwrap(),
            "belongs to azure-cli",
        ),
        (guard().sources([ONE]), "allows only environment"),
    ];
    for (expect, why) in drifted {
        let run = go(&lines, Some(expect));
        assert_eq!(run.verdicts(), [Verdict::WrongAccount]);
        let error = run.answer.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::WrongAccount);
        assert!(
            error.why().contains(why) && error.why().contains("a test"),
            "{error}"
        );
    }
    assert!(Expect::new("x").tenant("contoso.com").is_err());
    assert!(Expect::new("x").principal(" ").is_err());
}

#[test]
fn no_person_is_asked_while_another_source_may_have_a_token() {
    // The first source takes longer than the hedge. A later source that asks no person would have
    // started.
    let run = go(
        &[
            (ONE, GoOn, Look::Possible, 5_000, Says::Token),
            (PERSON, End, Look::Possible, 0, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(ONE));
    assert!(!run.was_asked(PERSON), "{:?}", run.log);
    let run = go(
        &[
            (ONE, GoOn, Look::Possible, 5_000, Says::Nothing),
            (PERSON, End, Look::Possible, 0, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(PERSON));
    assert_eq!(run.took, Duration::from_secs(5));
}

#[test]
fn a_doubtful_source_is_tried_before_a_person_is_asked() {
    let lines = |says| {
        [
            (TWO, End, Look::Doubtful, 1_000, says),
            (PERSON, End, Look::Possible, 0, Says::Token),
        ]
    };
    let run = go(&lines(Says::Token), None);
    assert_eq!(run.winner(), Some(TWO));
    assert!(!run.was_asked(PERSON), "{:?}", run.log);
    let run = go(&lines(Says::Nothing), None);
    assert_eq!(run.winner(), Some(PERSON));
}

#[test]
fn a_person_is_asked_in_one_way_at_a_time_and_has_more_time_than_programs() {
    let run = go(
        &[
            (PERSON, GoOn, Look::Possible, 200_000, Says::No),
            (PERSON_TOO, End, Look::Possible, 200_000, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(PERSON_TOO));
    assert_eq!(run.took, Duration::from_secs(400));
    let asked: Vec<&str> = run.log.iter().map(String::as_str).collect();
    let [first, first_ended, second, second_ended] = asked[..] else {
        panic!("{asked:?}");
    };
    assert!(first.starts_with("interactive-browser asked"), "{first}");
    assert!(
        first_ended.starts_with("interactive-browser ended"),
        "{first_ended}"
    );
    assert!(second.starts_with("device-code asked"), "{second}");
    assert!(
        second_ended.starts_with("device-code ended"),
        "{second_ended}"
    );
}

#[test]
fn a_rejected_person_ends_the_chain_and_is_not_asked_in_another_way() {
    let run = go(
        &[
            (PERSON, End, Look::Possible, 10, Says::No),
            (PERSON_TOO, End, Look::Possible, 10, Says::Token),
        ],
        None,
    );
    assert!(run.answer.is_err());
    assert!(!run.was_asked(PERSON_TOO), "{:?}", run.log);
}

#[test]
fn a_failure_after_which_a_person_is_asked_skips_the_sources_between() {
    let run = go(
        &[
            (ONE, AskPerson, Look::Ready, 10, Says::No),
            (TWO, AskPerson, Look::Doubtful, 0, Says::Token),
            (THREE, GoOn, Look::Possible, 0, Says::Token),
            (PERSON, End, Look::Possible, 10, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(PERSON));
    assert!(
        !run.was_asked(TWO) && !run.was_asked(THREE),
        "{:?}",
        run.log
    );
    // Without a person, the chain ends.
    let run = go(
        &[
            (ONE, AskPerson, Look::Ready, 10, Says::No),
            (THREE, GoOn, Look::Possible, 0, Says::Token),
            (PERSON, End, Look::Absent, 0, Says::Token),
        ],
        None,
    );
    assert_eq!(
        run.answer.as_ref().err().and_then(Error::code),
        Some(7_000_222)
    );
    assert!(!run.was_asked(THREE), "{:?}", run.log);
    // A source that is unavailable is skipped as always.
    let run = go(
        &[
            (ONE, AskPerson, Look::Absent, 10, Says::No),
            (THREE, GoOn, Look::Possible, 0, Says::Token),
            (PERSON, End, Look::Absent, 0, Says::Token),
        ],
        None,
    );
    assert_eq!(run.winner(), Some(THREE));
}

#[test]
fn an_unattended_run_ends_where_a_person_would_be_asked_and_reports_it() {
    for says in [Says::Nothing, Says::No] {
        let run = go_unattended(&[
            (ONE, GoOn, Look::Possible, 5_000, Says::Nothing),
            (TWO, End, Look::Doubtful, 1_000, Says::Nothing),
            (PERSON, GoOn, Look::Ready, 10, says),
            (PERSON_TOO, End, Look::Ready, 10, Says::Token),
        ]);
        let verdicts = [
            Verdict::Unavailable,
            Verdict::Unavailable,
            Verdict::WouldAsk,
            Verdict::NotNeeded,
        ];
        assert_eq!(run.verdicts(), verdicts);
        assert_eq!(run.report.attempts[2].reason(), "a fixture");
        assert!(!run.was_asked(PERSON_TOO), "{:?}", run.log);
        let error = run.answer.err().unwrap();
        assert!(error.is_unavailable());
        assert!(
            error.why().contains("without signing in a person"),
            "{error}"
        );
        assert!(error.why().contains("interactive-browser"), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("do this"),
            "{error}"
        );
    }
}

#[test]
fn an_unattended_run_uses_an_earlier_sign_in_and_reports_other_failures() {
    let line = |says| [(PERSON, End, Look::Ready, 10, says)];
    assert_eq!(go_unattended(&line(Says::Token)).winner(), Some(PERSON));
    let run = go_unattended(&line(Says::Nonsense));
    assert_eq!(run.verdicts(), [Verdict::Failed]);
    assert_eq!(run.answer.err().unwrap().kind(), ErrorKind::Unexpected);
    // Only sources that ask a person would ask.
    let run = go_unattended(&[
        (ONE, End, Look::Possible, 10, Says::No),
        (PERSON, End, Look::Ready, 10, Says::Nothing),
    ]);
    assert_eq!(run.verdicts(), [Verdict::Refused, Verdict::NotNeeded]);
}

#[test]
fn in_an_unattended_run_the_failure_before_the_person_is_the_error() {
    let run = go_unattended(&[
        (ONE, AskPerson, Look::Ready, 10, Says::No),
        (THREE, GoOn, Look::Possible, 10, Says::Token),
        (PERSON, End, Look::Ready, 10, Says::Nothing),
    ]);
    let verdicts = [Verdict::Refused, Verdict::NotNeeded, Verdict::WouldAsk];
    assert_eq!(run.verdicts(), verdicts);
    assert_eq!(run.answer.err().unwrap().code(), Some(7_000_222));
}

#[test]
fn invalid_variables_of_a_service_principal_end_the_chain() {
    let lines = |source| {
        [
            (source, AskPerson, Look::Ready, 10, Says::Unusable),
            (PERSON, End, Look::Ready, 10, Says::Token),
        ]
    };
    let run = go(&lines(ONE), None);
    assert_eq!(run.verdicts(), [Verdict::Failed, Verdict::NotNeeded]);
    assert_eq!(run.answer.err().unwrap().kind(), ErrorKind::Invalid);
    assert_eq!(go(&lines(TWO), None).winner(), Some(PERSON));
}
