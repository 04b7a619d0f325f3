//! Who this machine is to Azure, by the library: what `azcred whoami --output json` says of it.
//!
//! `cargo run --package azcred --example session`
//!
//! Prints `objectId`, `applicationId` and `tenantId` of the token. Where there is no token, prints
//! `kind`, `code` and `message` of the error, and ends with code 1.

use azcred::{AccessToken, Error, Result, Session};
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
    let claims = token.unverified_claims().unwrap_or_default();
    let claim = |name: &str| claims.get(name).cloned();
    json!({
        "objectId": claim("oid"),
        "applicationId": claim("appid").or_else(|| claim("azp")),
        "tenantId": claim("tid"),
    })
}

fn failure(error: &Error) -> Value {
    json!({
        "kind": format!("{:?}", error.kind()),
        "code": error.code().map(|code| format!("AADSTS{code}")),
        "message": error.to_string(),
    })
}
