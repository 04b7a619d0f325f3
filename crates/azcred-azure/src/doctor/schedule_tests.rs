//! Tests of the order of checks, their dependencies, the deadline, and checks that misbehave. Time
//! is tokio's paused clock.

use super::*;
use std::{
    future::{Future, pending},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{sync::Barrier, time::sleep};

const SECOND: Duration = Duration::from_secs(1);

type Result = std::result::Result<&'static str, &'static str>;

fn job(
    id: char,
    needs: &'static [char],
    work: impl Future<Output = Result> + Send + 'static,
) -> Job<'static, char, Result> {
    Job {
        id,
        needs,
        work: Box::pin(work),
    }
}

async fn after(seconds: u32, result: Result) -> Result {
    sleep(SECOND * seconds).await;
    result
}

/// The reported steps, without their times.
async fn told(
    jobs: Vec<Job<'static, char, Result>>,
    deadline: Duration,
) -> Vec<(char, End<char, Result>)> {
    let mut ends = Vec::new();
    let mut waiting = None;
    let end = Instant::now() + deadline;
    run(jobs, end, Result::is_ok, |step| match step {
        Step::Waiting(id) => waiting = Some(id),
        Step::Ended(id, end, _) => {
            assert_eq!(waiting.take(), Some(id), "it is announced before it ends");
            ends.push((id, end));
        }
    })
    .await;
    ends
}

#[tokio::test(start_paused = true)]
async fn checks_are_reported_in_order_whichever_ends_first() {
    let began = Instant::now();
    let jobs = vec![
        job('a', &[], after(3, Ok("slow"))),
        job('b', &[], after(1, Ok("fast"))),
        job('c', &[], after(2, Ok("medium"))),
    ];
    assert_eq!(
        told(jobs, SECOND * 10).await,
        [
            ('a', End::Done(Ok("slow"))),
            ('b', End::Done(Ok("fast"))),
            ('c', End::Done(Ok("medium")))
        ]
    );
    assert_eq!(began.elapsed(), SECOND * 3, "they run side by side");
}

#[tokio::test(start_paused = true)]
async fn each_check_is_reported_as_soon_as_it_and_those_before_it_have_ended() {
    let began = Instant::now();
    let jobs = vec![
        job('a', &[], after(1, Ok(""))),
        job('b', &[], after(5, Ok(""))),
        job('c', &[], after(2, Ok(""))),
    ];
    let mut times = Vec::new();
    run(jobs, began + SECOND * 10, Result::is_ok, |step| {
        if let Step::Ended(_, _, took) = step {
            times.push((began.elapsed().as_secs(), took.as_secs()));
        }
    })
    .await;
    assert_eq!(times, [(1, 1), (5, 5), (5, 2)]);
}

#[tokio::test(start_paused = true)]
async fn all_checks_run_at_once() {
    // Each check waits until all three are running.
    let barrier = Arc::new(Barrier::new(3));
    let meets = |barrier: Arc<Barrier>| async move {
        barrier.wait().await;
        Ok("")
    };
    let jobs = vec![
        job('a', &[], meets(barrier.clone())),
        job('b', &['a'], meets(barrier.clone())),
        job('c', &['a', 'b'], meets(barrier)),
    ];
    let ends = told(jobs, SECOND).await;
    assert!(
        ends.iter().all(|(_, end)| *end == End::Done(Ok(""))),
        "{ends:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_needs_a_failed_one_is_skipped_with_the_first_cause() {
    let jobs = vec![
        job('a', &[], after(2, Err("broken"))),
        job('b', &['a'], after(1, Ok("unheard"))),
        job('c', &['b'], after(1, Ok("unheard"))),
        job('d', &[], after(1, Ok("apart"))),
    ];
    assert_eq!(
        told(jobs, SECOND * 10).await,
        [
            ('a', End::Done(Err("broken"))),
            ('b', End::Skipped('a')),
            ('c', End::Skipped('a')),
            ('d', End::Done(Ok("apart")))
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_skipped_check_is_not_waited_for() {
    let began = Instant::now();
    let jobs = vec![
        job('a', &[], after(1, Err("broken"))),
        job('b', &['a'], pending()),
    ];
    let ends = told(jobs, SECOND * 10).await;
    assert_eq!(ends[1], ('b', End::Skipped('a')));
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_ends_at_the_deadline_and_the_rest_is_reported() {
    let began = Instant::now();
    let jobs = vec![
        job('a', &[], after(1, Ok("in time"))),
        job('b', &[], pending()),
        job('c', &['b'], after(1, Ok("unheard"))),
        job('d', &[], after(2, Ok("in time"))),
        job('e', &[], after(20, Ok("too late"))),
    ];
    assert_eq!(
        told(jobs, SECOND * 10).await,
        [
            ('a', End::Done(Ok("in time"))),
            ('b', End::Late),
            ('c', End::Skipped('b')),
            ('d', End::Done(Ok("in time"))),
            ('e', End::Late)
        ]
    );
    assert_eq!(began.elapsed(), SECOND * 10, "one deadline for all");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_ready_at_the_deadline_counts() {
    let jobs = vec![
        job('a', &[], pending()),
        job('b', &[], async { Ok("at once") }),
    ];
    assert_eq!(
        told(jobs, Duration::ZERO).await,
        [('a', End::Late), ('b', End::Done(Ok("at once")))]
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_fails_and_the_checks_that_need_it_are_skipped() {
    let jobs = vec![
        job('a', &[], async { panic!("a bug") }),
        job('b', &['a'], after(1, Ok("unheard"))),
        job('c', &[], after(1, Ok("apart"))),
    ];
    assert_eq!(
        told(jobs, SECOND * 10).await,
        [
            ('a', End::Panicked),
            ('b', End::Skipped('a')),
            ('c', End::Done(Ok("apart")))
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_drops_every_check() {
    struct Alive(Arc<AtomicUsize>);
    impl Drop for Alive {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let alive = Arc::new(AtomicUsize::new(2));
    let hangs = |alive: Alive| async move {
        let _alive = alive;
        pending::<Result>().await
    };
    let jobs = vec![
        job('a', &[], hangs(Alive(alive.clone()))),
        job('b', &[], hangs(Alive(alive.clone()))),
    ];
    let gave_up = timeout_at(Instant::now() + SECOND, told(jobs, SECOND * 10)).await;
    assert!(gave_up.is_err());
    assert_eq!(alive.load(Ordering::SeqCst), 0);
}
