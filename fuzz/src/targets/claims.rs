//! The claims of access tokens: how they name an identity, and what an expectation says of it.

use crate::{
    input,
    machine::{answered_by, machine, options},
    oracle,
};
use azcred::{
    AccessToken, ClientId, Principal, Scope, TenantId, TokenRequest,
    chain::{Chain, Expect, Source},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::time::{Duration, SystemTime};

/// Claims as JSON, or a whole token.
pub(super) fn run(data: &[u8]) {
    let token = match data.first() {
        Some(b'{') => format!("h.{}.s", URL_SAFE_NO_PAD.encode(data)),
        _ => input::text(data),
    };
    let hour = Duration::from_secs(3600);
    let access = AccessToken::new(token.clone(), SystemTime::UNIX_EPOCH, hour, None);
    oracle::outcome(&access.unverified_claims());
    let principal = Principal::from_token(&access);
    oracle::outcome(&principal);
    if let Ok(principal) = &principal {
        oracle::shown(&principal.describe());
        for name in principal.called() {
            assert!(principal.is_called(name), "{name:?} is a name of its own");
        }
        let json = serde_json::to_string(principal).expect("a principal is JSON");
        oracle::keeps_secret(&json);
    }
    let _ = (TenantId::new(&token), ClientId::new(&token));
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        expect(&token);
    }
}

fn expect(token: &str) {
    let body = serde_json::json!({"token_type": "Bearer", "access_token": token});
    let response = format!("200\n\n{body}");
    let machine = machine()
        .with_var("AZURE_TENANT_ID", "contoso.com")
        .with_var("AZURE_CLIENT_ID", "a0000001-0000-4000-8000-000000000001")
        .with_var("AZURE_CLIENT_SECRET", oracle::SECRET);
    let expect = Expect::new("azcred.toml")
        .tenant("c0a70500-0000-4000-8000-000000000001")
        .and_then(|expect| expect.principal("ada@contoso.com"))
        .expect("an expectation");
    let chain = Chain::builder(options(machine))
        .only([Source::Environment])
        .expect(expect)
        .build();
    answered_by(response.as_bytes(), async {
        let (token, report) = chain.explain(&TokenRequest::new(Scope::ARM)).await;
        oracle::outcome(&token);
        oracle::report(&report);
    });
}
