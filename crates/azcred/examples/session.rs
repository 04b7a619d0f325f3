//! The identity of this machine, found by the library: the same as `azcred whoami --output json`
//! shows.
//!
//! `cargo run --package azcred --example session`
//!
//! Prints `objectId`, `applicationId` and `tenantId` of the token. Without a token, prints `kind`,
//! `code` and `message` of the error, and exits with code 1.

use azcred::{AccessToken, Error, Principal, Result, Session};
use serde_json::{Value, json};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match token().await {
        Ok(token) => {
            println!("{}", principal(&token));
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{}", failure(&error));
            ExitCode::FAILURE
        }
    }
}

async fn token() -> Result<AccessToken> {
    let session = Session::open().await?;
    session.token().await
}

fn principal(token: &AccessToken) -> Value {
    let principal = Principal::from_token(token).ok();
    let principal = principal.as_ref();
    json!({
        "objectId": principal.map(|one| &one.object_id),
        "applicationId": principal.map(|one| &one.application_id),
        "tenantId": principal.map(|one| &one.tenant_id),
    })
}

fn failure(error: &Error) -> Value {
    json!({
        "kind": format!("{:?}", error.kind()),
        "code": error.code().map(|code| format!("AADSTS{code}")),
        "message": error.to_string(),
    })
}
