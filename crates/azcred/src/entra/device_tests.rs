//! Responses of a provider to the request for a device code.

use super::*;
use crate::http::HeaderMap;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

fn answer(body: &str) -> HttpResponse {
    HttpResponse {
        status: 200,
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec().into(),
        attempts: 1,
        clock_skew: None,
    }
}

/// Reads Entra ID's response with one changed member.
fn read_with(name: &str, value: Value) -> std::result::Result<Device, String> {
    let mut entra = json!({
        "device_code": "the-device-code",
        "user_code": "ABCD-1234",
        "verification_uri": "https://microsoft.com/devicelogin",
        "expires_in": 900,
        "interval": 5,
        "message": "To sign in, …",
    });
    entra[name] = value;
    read(&answer(&entra.to_string()), SystemTime::UNIX_EPOCH)
}

#[test]
fn a_code_is_read_with_its_address_and_its_times() {
    let device = read_with("interval", json!(7)).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(device.code.expose_secret(), "the-device-code");
    assert_eq!(device.shown.user_code, "ABCD-1234");
    assert_eq!(
        device.shown.verification_uri.as_str(),
        "https://microsoft.com/devicelogin"
    );
    assert_eq!(device.shown.verification_uri_complete, None);
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(900);
    assert_eq!(device.shown.expires_on, end);
    assert_eq!(
        (device.lasts.as_secs(), device.interval.as_secs()),
        (900, 7)
    );
}

#[test]
fn the_pause_is_five_seconds_by_default_and_never_zero() {
    let interval = |value| read_with("interval", value).map(|device| device.interval.as_secs());
    assert_eq!(interval(Value::Null), Ok(5));
    assert_eq!(interval(json!("10")), Ok(10));
    assert_eq!(interval(json!(0)), Ok(1));
    assert_eq!(interval(json!(u64::MAX)), Ok(LONGEST));
    let lasts = |value| read_with("expires_in", value).map(|device| device.lasts.as_secs());
    assert_eq!(lasts(json!(u64::MAX)), Ok(LONGEST));
}

#[test]
fn older_providers_say_verification_url() {
    let body = json!({
        "device_code": "d",
        "user_code": "AB",
        "verification_url": "https://id.example/device",
        "verification_uri_complete": "https://id.example/device?user_code=AB",
        "expires_in": "60",
    });
    let device = read(&answer(&body.to_string()), SystemTime::UNIX_EPOCH)
        .unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(
        device.shown.verification_uri.as_str(),
        "https://id.example/device"
    );
    assert!(device.shown.verification_uri_complete.is_some());
}

#[test]
fn an_address_that_others_can_read_or_that_hides_its_target_is_rejected() {
    for bad in [
        "http://microsoft.com/devicelogin",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://microsoft.com@evil.example/",
        "https://microsoft.com/\u{202e}nigol",
        "microsoft.com/devicelogin",
        "",
    ] {
        let why = read_with("verification_uri", json!(bad)).err().unwrap();
        assert!(why.contains("neither https nor on this machine"), "{why}");
        let device = read_with("verification_uri_complete", json!(bad));
        assert_eq!(
            device.map(|device| device.shown.verification_uri_complete),
            Ok(None),
            "{bad}"
        );
    }
    for good in ["http://127.0.0.1:8080/device", "http://localhost/device"] {
        assert!(read_with("verification_uri", json!(good)).is_ok(), "{good}");
    }
}

#[test]
fn a_response_without_a_code_is_described() {
    for (name, value, why) in [
        ("user_code", json!(""), "can't be typed"),
        ("user_code", json!("AB\u{1b}[2J"), "can't be typed"),
        ("user_code", json!("A".repeat(65)), "can't be typed"),
        (
            "device_code",
            json!("two words"),
            "neither a code nor an error",
        ),
        ("device_code", Value::Null, "neither a code nor an error"),
        ("expires_in", json!(0), "already expired"),
        ("expires_in", Value::Null, "already expired"),
    ] {
        let said = read_with(name, value.clone()).err().unwrap();
        assert!(said.contains(why), "{name} {value}: {said}");
    }
    for (body, why) in [
        ("<html>", "web page"),
        ("", "is empty"),
        ("{\"device_code\":", "incomplete"),
        ("[]", "not JSON"),
    ] {
        let said = read(&answer(body), SystemTime::UNIX_EPOCH).err().unwrap();
        assert!(said.contains(why), "{body}: {said}");
    }
}
