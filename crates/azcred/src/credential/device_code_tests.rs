//! Tests of waiting for a person, with a clock that the test moves.

use super::*;
use crate::facts::Refusal;
use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

/// A provider's response to one request.
#[derive(Clone, Copy)]
enum ProviderResponse {
    Word(&'static str),
    Code(&'static str, u32),
    NoAnswer,
    Nothing,
    Tokens,
}

fn tokens() -> PersonTokens {
    let hour = Duration::from_secs(3600);
    PersonTokens {
        access: AccessToken::new("the-token", SystemTime::now(), hour, None),
        refresh: None,
        id_token: None,
        home_account_id: None,
        family: None,
    }
}

fn refused(error: &str, code: Option<u32>) -> Error {
    Error::new(ErrorKind::Refused, "asked", "refused").with_refusal(Refusal {
        status: 400,
        error: error.into(),
        code,
        ..Refusal::default()
    })
}

/// Waits for at most `patience` seconds with a code that lives for 900 and an interval of 5.
/// Returns the result, and the seconds at which requests were sent.
async fn waited(says: &[ProviderResponse], patience: u64) -> (Result<PersonTokens>, Vec<u64>) {
    let device = Device {
        code: "device-code".to_owned().into(),
        shown: crate::DeviceCode {
            user_code: "ABCD".into(),
            verification_uri: url::Url::parse("https://microsoft.com/devicelogin").unwrap(),
            verification_uri_complete: None,
            expires_on: SystemTime::now(),
        },
        lasts: Duration::from_secs(900),
        interval: Duration::from_secs(5),
    };
    let began = Instant::now();
    let asked = Mutex::new(Vec::new());
    let mut says = says.iter().copied();
    let answer = wait(&device, began + Duration::from_secs(patience), |_| {
        asked.lock().unwrap().push(began.elapsed().as_secs());
        let says = says
            .next()
            .unwrap_or(ProviderResponse::Word("authorization_pending"));
        async move {
            match says {
                ProviderResponse::Word(error) => Err(refused(error, None)),
                ProviderResponse::Code(error, code) => Err(refused(error, Some(code))),
                ProviderResponse::NoAnswer => std::future::pending().await,
                ProviderResponse::Nothing => {
                    Err(Error::new(ErrorKind::Unreachable, "asked", "no answer"))
                }
                ProviderResponse::Tokens => Ok(tokens()),
            }
        }
    })
    .await;
    (answer, asked.into_inner().unwrap())
}

const PENDING: ProviderResponse = ProviderResponse::Word("authorization_pending");

#[tokio::test(start_paused = true)]
async fn requests_follow_the_providers_interval_until_the_person_is_done() {
    let (answer, asked) = waited(&[PENDING, PENDING, ProviderResponse::Tokens], 900).await;
    assert_eq!(answer.unwrap().access.secret(), "the-token");
    assert_eq!(asked, [5, 10, 15]);
}

#[tokio::test(start_paused = true)]
async fn slow_down_adds_five_seconds_permanently() {
    let slow = ProviderResponse::Word("slow_down");
    let (answer, asked) = waited(
        &[slow, PENDING, slow, PENDING, ProviderResponse::Tokens],
        900,
    )
    .await;
    assert!(answer.is_ok());
    assert_eq!(asked, [5, 15, 25, 40, 55]);
}

#[tokio::test(start_paused = true)]
async fn requests_slow_down_while_the_network_fails_and_then_return_to_the_interval() {
    let says = [
        ProviderResponse::Nothing,
        ProviderResponse::Nothing,
        ProviderResponse::Nothing,
        ProviderResponse::Nothing,
        ProviderResponse::Nothing,
        PENDING,
        ProviderResponse::Tokens,
    ];
    let (answer, asked) = waited(&says, 900).await;
    assert!(answer.is_ok());
    assert_eq!(asked, [5, 15, 35, 75, 135, 195, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_person_who_declined_is_reported_as_such() {
    for says in [
        ProviderResponse::Word("authorization_declined"),
        ProviderResponse::Word("access_denied"),
    ] {
        let (answer, asked) = waited(&[PENDING, says], 900).await;
        let error = answer.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.why().contains("declined"), "{error}");
        assert!(error.refusal().is_some());
        assert_eq!(asked, [5, 10]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_code_does_not_mean_that_the_person_declined() {
    for says in [
        ProviderResponse::Word("expired_token"),
        ProviderResponse::Word("code_expired"),
        ProviderResponse::Code("invalid_grant", 70_020),
    ] {
        let (answer, _) = waited(&[says], 900).await;
        let error = answer.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("run it again"),
            "{error}"
        );
    }
    // The code ended without a response that says so.
    let (answer, asked) = waited(&[], 100_000).await;
    assert_eq!(answer.err().unwrap().kind(), ErrorKind::Unavailable);
    assert_eq!(asked.last(), Some(&895));
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_with_the_callers_time() {
    let (answer, asked) = waited(&[], 12).await;
    let error = answer.err().unwrap();
    assert!(error.why().contains("within 12 s"), "{error}");
    assert_eq!(asked, [5, 10]);
    let began = Instant::now();
    let (answer, _) = waited(&[ProviderResponse::NoAnswer], 12).await;
    assert!(answer.is_err());
    assert_eq!(began.elapsed().as_secs(), 12);
}

#[tokio::test(start_paused = true)]
async fn any_other_rejection_ends_the_wait_unchanged() {
    for (error, code) in [
        ("invalid_client", 7_000_218),
        ("bad_verification_code", 70_018),
        ("invalid_grant", 53_003),
    ] {
        let (answer, asked) = waited(&[ProviderResponse::Code(error, code)], 900).await;
        let error = answer.err().unwrap();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Refused, Some(code))
        );
        assert_eq!(asked, [5]);
    }
}
