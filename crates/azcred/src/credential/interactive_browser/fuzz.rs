//! A door for the fuzz targets: a sign-in to whose port come bytes of a target's choice.

use super::{Authorization, AuthorizationOptions, Door, NAME, Whom, loopback, pages::Page, wait};
use crate::{
    entra::{IdClaims, TokenEndpoint},
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    request::TokenRequest,
    scope::Scope,
    tenant::{ClientId, TenantId},
    untrusted::printable,
};
use secrecy::ExposeSecret;
use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::mpsc,
    time::Instant,
};

/// The port of the sign-in.
const PORT: u16 = 8400;
/// A longer request is rejected by its size alone.
const LONGEST: usize = 256 << 10;

/// What the browser gets for a request, and how the sign-in ends if that ends it. `{state}` in the
/// request is the sign-in's own state.
///
/// # Errors
/// None that depends on the request.
pub async fn redirected(
    options: ClientOptions,
    said: &[u8],
) -> Result<(Vec<u8>, Option<Result<String>>)> {
    let within = Duration::from_secs(60);
    let endpoint = TokenEndpoint::of_person(
        TenantId::new("organizations")?,
        ClientId::new("00000000-0000-4000-8000-000000000001")?,
        options,
    )?;
    let request = TokenRequest::new(Scope::ARM);
    let endpoints = endpoint.endpoints(&request, within).await?;
    let authorization = Authorization::new(
        &endpoints,
        endpoint.client_id().as_str(),
        &request,
        format!("http://localhost:{PORT}"),
        AuthorizationOptions::default(),
    )?;
    let state = authorization.state().expose_secret().as_bytes().to_vec();
    let door = Arc::new(Door::new(authorization, PORT));
    let (arrivals, mut arrived) = mpsc::channel(1);
    let (mut browser, port) = duplex(LONGEST);
    // Both directions fit into the buffer, so no side waits for the other.
    let said = with_state(said, &state);
    if said.len() <= LONGEST {
        let _ = browser.write_all(&said).await;
    }
    let _ = browser.shutdown().await;
    let talk = loopback::talk(
        port,
        door.clone(),
        arrivals,
        Arc::new(AtomicBool::new(false)),
    );
    let accept = |_| {
        Err(Error::new(
            ErrorKind::Refused,
            "could not accept the person",
            "it is a fuzz target",
        ))
    };
    let whom = Whom {
        login_hint: None,
        accept: &accept,
    };
    let end = Instant::now() + within;
    let outcome = tokio::select! {
        biased;
        outcome = wait(&door, &mut arrived, &endpoint, &request, whom, end) => Some(outcome),
        () = talk => None,
    };
    let mut page = Vec::new();
    let _ = browser.read_to_end(&mut page).await;
    let outcome = outcome.map(|outcome| outcome.map(|(token, _)| format!("{token:?}")));
    tracing::debug!(name = NAME, page = %printable(&String::from_utf8_lossy(&page), 80), "sent");
    Ok((page, outcome))
}

/// The page of a person who signed in, with this user name, full name and tenant.
pub fn welcome(texts: [&str; 3]) -> String {
    let [username, name, tenant] =
        texts.map(|text| Some(text.to_owned()).filter(|text| !text.is_empty()));
    let claims = IdClaims {
        username,
        name,
        tenant,
        ..IdClaims::default()
    };
    Page::signed_in(&claims).into_response().into_body()
}

fn with_state(said: &[u8], state: &[u8]) -> Vec<u8> {
    const PLACE: &[u8] = b"{state}";
    let mut whole = Vec::with_capacity(said.len() + state.len());
    let mut rest = said;
    while let Some(at) = rest.windows(PLACE.len()).position(|part| part == PLACE) {
        whole.extend_from_slice(&rest[..at]);
        whole.extend_from_slice(state);
        rest = &rest[at + PLACE.len()..];
    }
    whole.extend_from_slice(rest);
    whole
}
