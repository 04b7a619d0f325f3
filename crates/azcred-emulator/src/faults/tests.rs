//! Which faults are valid, and which requests they meet.

use super::*;

#[test]
fn a_fault_with_a_count_applies_that_many_times() {
    let faults = Faults::default();
    faults
        .arm(Fault::new(Effect::Reset).on(Service::Arm).times(2))
        .unwrap();
    assert_eq!(faults.take(Service::Login, "POST", "/", None), None);
    assert_eq!(
        faults.take(Service::Arm, "POST", "/", None),
        Some(Effect::Reset)
    );
    assert_eq!(
        faults.take(Service::Arm, "POST", "/", None),
        Some(Effect::Reset)
    );
    assert_eq!(faults.take(Service::Arm, "POST", "/", None), None);
    assert!(faults.all().is_empty());
}

#[test]
fn a_fault_for_one_client_does_not_affect_others() {
    let faults = Faults::default();
    faults
        .arm(Fault::new(Effect::Aadsts { code: 50196 }).client("ABC"))
        .unwrap();
    let code = Some(Effect::Aadsts { code: 50196 });
    assert_eq!(
        faults.take(Service::Login, "POST", "/t/oauth2/v2.0/token", Some("abc")),
        code
    );
    assert_eq!(
        faults.take(
            Service::Login,
            "POST",
            "/t/oauth2/v2.0/token",
            Some("other")
        ),
        None
    );
    assert_eq!(
        faults.take(Service::Login, "POST", "/t/oauth2/v2.0/token", None),
        None
    );
    assert_eq!(
        faults.take(Service::Arm, "POST", "/token", Some("abc")),
        None
    );
}

#[test]
fn invalid_faults_are_rejected() {
    let faults = Faults::default();
    let skew = Effect::ClockSkew { seconds: 1 };
    let replication = Effect::ReplicationDelay {
        reads: 1,
        milliseconds: 0,
    };
    for fault in [
        Fault::new(Effect::Status {
            status: 200,
            retry_after: None,
        }),
        Fault::new(Effect::Redirect {
            status: 200,
            location: "x".into(),
        }),
        Fault::new(Effect::Redirect {
            status: 302,
            location: "a\r\nb".into(),
        }),
        Fault::new(Effect::Latency {
            milliseconds: u64::MAX,
        }),
        Fault::new(skew.clone()).on(Service::Arm),
        Fault::new(skew).times(1),
        Fault::new(Effect::Aadsts { code: 1 }).on(Service::Arm),
        Fault::new(Effect::Reset).times(0),
        Fault::new(replication.clone()).on(Service::Imds),
        Fault::new(replication).times(1),
    ] {
        assert!(faults.arm(fault.clone()).is_err(), "{fault:?}");
    }
    assert!(faults.all().is_empty());
}

#[test]
fn a_fault_for_a_part_of_the_path_does_not_affect_other_paths() {
    let faults = Faults::default();
    let of_keys = Fault::new(Effect::Html).path("/keys").times(1);
    faults.arm(of_keys).unwrap();
    faults
        .arm(Fault::new(Effect::Aadsts { code: 50196 }))
        .unwrap();
    let take = |path| faults.take(Service::Login, "POST", path, None);
    // Only requests for a token are rejected with a code.
    assert_eq!(take("/t/KEYS"), None);
    assert_eq!(take("/t/oauth2/v2.0/authorize"), None);
    assert_eq!(take("/t/discovery/v2.0/keys"), Some(Effect::Html));
}

#[test]
fn the_number_of_faults_is_limited() {
    let faults = Faults::default();
    for _ in 0..MAX_FAULTS {
        faults.arm(Fault::new(Effect::Reset)).unwrap();
    }
    assert!(faults.arm(Fault::new(Effect::Reset)).is_err());
    faults.clear();
    assert!(faults.arm(Fault::new(Effect::Reset)).is_ok());
}

#[test]
fn a_skew_shifts_the_clock_until_it_is_removed() {
    let clock = Arc::new(Clock::default());
    let faults = Faults::new(clock.clone(), Arc::default());
    faults
        .arm(Fault::new(Effect::ClockSkew { seconds: -3600 }))
        .unwrap();
    assert_eq!(clock.skew(), -3600);
    assert_eq!(faults.take(Service::Login, "POST", "/", None), None);
    faults.clear();
    assert_eq!(clock.skew(), 0);
}

#[test]
fn a_fault_is_parsed_from_json() {
    let fault: Fault = serde_json::from_str(
        r#"{"service":"login","count":1,"effect":{"kind":"status","status":429,"retry_after":1}}"#,
    )
    .unwrap();
    assert_eq!(
        fault.effect,
        Effect::Status {
            status: 429,
            retry_after: Some(1)
        }
    );
    assert!(serde_json::from_str::<Fault>(r#"{"effect":{"kind":"reset"},"typo":1}"#).is_err());
}

#[test]
fn a_fault_can_apply_to_the_third_change() {
    let faults = Faults::default();
    let third = Fault::new(Effect::Hang).only_changes().after(2).times(1);
    faults.arm(third).unwrap();
    let take = |method| faults.take(Service::Graph, method, "/", None);
    assert_eq!(
        [take("POST"), take("GET"), take("PATCH")],
        [None, None, None]
    );
    assert_eq!([take("GET"), take("DELETE")], [None, Some(Effect::Hang)]);
    assert_eq!(take("POST"), None);
}
