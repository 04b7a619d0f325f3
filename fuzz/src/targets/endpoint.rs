//! What comes to the endpoint of `azcred exec` and `azcred serve`.

use crate::{
    input,
    machine::answered,
    oracle::{self, SECRET},
};
use azcred::{
    AccessToken, Availability, Credential, Error, ErrorKind, Result, Scope, TokenFuture,
    TokenRequest, Untrusted,
};
use azcred_endpoint::{Allow, Verdict, fuzz::served};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

/// The secret of the endpoint, for which an input has `{secret}`.
const OWN: &str = "5f0c2a7be19d4e8836a1f7c0d2b95e4471a8c3f6092e5bd7140fa6c8e3b2d957";
const HOST: &str = "127.0.0.1:8400";
/// The account of the tokens.
const CLAIMS: &str = r#"{"appid":"a0000001-0000-4000-8000-000000000001","oid":"b0000001-0000-4000-8000-000000000001","tid":"c0a70500-0000-4000-8000-000000000001","xms_mirid":"/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i","idtyp":"app"}"#;
/// The headers of the endpoint and of the HTTP library.
const HEADERS: [&str; 7] = [
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "retry-after",
    "x-content-type-options",
];

/// A connection: the bytes of requests, with `{secret}` for the endpoint's own secret. A part may
/// follow with the text of an error that the session has in place of tokens.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let sent = with_secret(parts[0]);
    let session = Session(parts.get(1).map(|text| input::text(text)));
    let allow = Allow::only([Scope::ARM, Scope::STORAGE]);
    let (written, events) = answered(
        Vec::new(),
        served(&sent, HOST, OWN, Arc::new(session), allow),
    );
    let mut tokens = 0;
    for event in &events {
        let line = event.to_string();
        oracle::shown(&line);
        assert!(!line.contains('\n'), "more than one line: {line}");
        assert!(!line.contains(OWN), "the line has the secret: {line}");
        if let Verdict::Token { .. } = event.verdict {
            tokens += 1;
            let resource = event.resource.as_ref().map(Untrusted::as_str);
            let is_allowed = resource.is_some_and(|resource| {
                let bare = resource.trim_end_matches('/').to_ascii_lowercase();
                ["https://management.azure.com", "https://storage.azure.com"].contains(&&*bare)
            });
            assert!(is_allowed, "a token for {resource:?}");
        }
    }
    assert!(
        tokens == 0 || contains(&sent, OWN),
        "a token without the secret"
    );
    let written = input::text(&written);
    assert_eq!(written.matches(SECRET).count(), tokens, "{written}");
    assert!(
        !written.contains(OWN),
        "a response has the secret: {written}"
    );
    // The response to HEAD has the length of a body that it does not have.
    if !contains(&sent, "HEAD") {
        responses(&written);
    }
}

fn with_secret(bytes: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b"{secret}";
    let mut sent = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        match rest.strip_prefix(MARK) {
            Some(after) => {
                sent.extend_from_slice(OWN.as_bytes());
                rest = after;
            }
            None => {
                sent.push(*first);
                rest = &rest[1..];
            }
        }
    }
    sent
}

fn contains(bytes: &[u8], text: &str) -> bool {
    let mut pieces = bytes.windows(text.len());
    pieces.any(|piece| piece == text.as_bytes())
}

/// Fails if the responses are other than the endpoint writes them.
fn responses(mut rest: &str) {
    while !rest.is_empty() {
        let (head, after) = rest.split_once("\r\n\r\n").expect("a whole head");
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default();
        assert!(status.starts_with("HTTP/1."), "{status}");
        let mut length = 0;
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a header");
            assert!(HEADERS.contains(&name), "a response has the header {name}");
            if name == "content-length" {
                length = value.parse().expect("a number");
            }
        }
        let body = after.get(..length).expect("a whole body");
        rest = &after[length..];
        if body.is_empty() {
            continue;
        }
        let body: Value = serde_json::from_str(body).expect("JSON");
        if let Some(message) = body["message"].as_str() {
            oracle::shown(&message);
        }
        assert_ne!(
            body["message"].is_string(),
            body["access_token"].is_string()
        );
    }
}

/// A session with a token, or with this error.
#[derive(Debug)]
struct Session(Option<String>);

impl Credential for Session {
    fn name(&self) -> &'static str {
        "Session"
    }

    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "a token".into(),
        }
    }

    fn get_token<'a>(&'a self, _: &'a TokenRequest) -> TokenFuture<'a> {
        TokenFuture::ready(self.token())
    }
}

impl Session {
    fn token(&self) -> Result<AccessToken> {
        if let Some(text) = &self.0 {
            return Err(Error::new(
                ErrorKind::Refused,
                "could not get a token",
                text.clone(),
            ));
        }
        let claims = URL_SAFE_NO_PAD.encode(CLAIMS);
        let token = format!("eyJhbGciOiJub25lIn0.{claims}.{SECRET}");
        let hour = Duration::from_secs(3600);
        Ok(AccessToken::new(token, SystemTime::UNIX_EPOCH, hour, None))
    }
}
