//! Tests of a provider's configuration: what is read, and what is rejected.

use super::*;
use crate::hostile::{cases, spoilt};
use proptest::prelude::*;
use serde_json::{Value, json};

fn issuer(text: &str) -> Authority {
    Authority::new(text).unwrap()
}

fn configuration() -> Value {
    json!({
        "issuer": "https://id.example/realms/ml",
        "authorization_endpoint": "https://id.example/auth?tenant=1",
        "token_endpoint": "https://tokens.example/token",
        "device_authorization_endpoint": "https://id.example/device",
    })
}

#[test]
fn a_provider_says_where_its_endpoints_are() {
    let ours = issuer("https://id.example/realms/ml");
    let endpoints = read(&ours, configuration().to_string().as_bytes()).unwrap();
    assert_eq!(
        endpoints.authorization.as_str(),
        "https://id.example/auth?tenant=1"
    );
    assert_eq!(endpoints.token.as_str(), "https://tokens.example/token");
    assert_eq!(
        endpoints.device_authorization.unwrap().as_str(),
        "https://id.example/device"
    );
    // Some have a slash at the end, which stays in what tokens are compared with.
    let mut with_slash = configuration();
    with_slash["issuer"] = json!("https://id.example/realms/ml/");
    let endpoints = read(&ours, with_slash.to_string().as_bytes()).unwrap();
    assert_eq!(
        endpoints.issuer.as_deref(),
        Some("https://id.example/realms/ml/")
    );
}

#[test]
fn a_provider_with_another_issuer_or_plain_http_is_rejected() {
    let ours = issuer("https://id.example/realms/ml");
    for (name, value) in [
        ("issuer", "https://id.example/realms/mlx"),
        ("issuer", "https://evil.example/realms/ml"),
        ("token_endpoint", "http://id.example/token"),
        ("token_endpoint", "file:///etc/passwd"),
        ("token_endpoint", "https://u:p@id.example/token"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "https://id.example/#x"),
        ("device_authorization_endpoint", "http://10.0.0.1/device"),
    ] {
        let mut spoilt = configuration();
        spoilt[name] = json!(value);
        let why = read(&ours, spoilt.to_string().as_bytes()).unwrap_err();
        assert!(why.contains(name) || why.contains("names itself"), "{why}");
    }
    for none in ["", "[]", "{}", "<html>"] {
        assert!(read(&ours, none.as_bytes()).is_err(), "{none}");
    }
    let local = json!({"issuer": "http://localhost:1", "authorization_endpoint": "http://localhost:1/a",
        "token_endpoint": "http://127.0.0.1:2/t"});
    assert!(read(&issuer("http://localhost:1"), local.to_string().as_bytes()).is_ok());
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn nothing_of_a_configuration_is_shown_unfiltered(
        configuration in spoilt(configuration().to_string()),
    ) {
        let shown = |text: &str| !text.chars().any(char::is_control) && text.chars().count() < 400;
        match read(&issuer("https://id.example/realms/ml"), &configuration) {
            Ok(endpoints) => prop_assert_eq!(endpoints.token.scheme(), "https"),
            Err(why) => prop_assert!(shown(&why), "{}", why),
        }
    }
}
