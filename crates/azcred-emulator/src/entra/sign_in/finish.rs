//! The end of a sign-in: a code for the program, an approval of a device, or an error.

use crate::{
    directory::Directory,
    entra::{
        exchange::Exchange,
        form::Form,
        refusal::Refusal,
        sign_in::{
            pages, redirect_uri,
            step::Ready,
            transaction::{Purpose, Transaction},
        },
        user::client_info,
    },
    entra_state::{Approval, AuthorizationCode},
    signing::Jws,
    world::World,
};
use axum::response::Response;
use uuid::Uuid;

/// Sends the program its code, or approves the device.
pub(super) fn grant(
    world: &World,
    exchange: &Exchange,
    transaction: &Transaction,
    ready: &Ready<'_>,
) -> Response {
    let session = &ready.session;
    let now = exchange.now.unix_timestamp();
    let request = match &transaction.purpose {
        Purpose::Code(request) => request,
        Purpose::Device { user_code, .. } => {
            let approval = Approval {
                account: session.account.id,
                session: session.id,
                proofs: session.proofs,
                proved_millis: ready.proved_millis,
            };
            return match world.entra.devices.approve(user_code, approval, now) {
                Ok(()) => pages::device_done(exchange, &session.application.name),
                Err(_) => pages::device_gone(exchange),
            };
        }
    };
    let code = world.entra.codes.issue(AuthorizationCode {
        account: session.account.id,
        tenant: session.tenant.id,
        of_any: ready.of_any,
        client: session.application.app_id,
        redirect_uri: request.back.uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        scope: ready.requested.text.clone(),
        resource: ready.requested.resource.clone(),
        session: session.id,
        proofs: session.proofs,
        proved_millis: ready.proved_millis,
        issued: now,
    });
    let Some(code) = code else {
        return pages::refused(exchange, &Refusal::unavailable(), None);
    };
    let mut parameters = vec![("code", code)];
    if request.client_info {
        parameters.push(("client_info", client_info(session.account)));
    }
    parameters.push(("session_state", session.id.to_string()));
    request.back.answer(exchange, parameters)
}

/// Sends the program the refusal.
pub(super) fn give_up(
    world: &World,
    directory: &Directory,
    exchange: &Exchange,
    transaction: &Transaction,
    refusal: &Refusal,
) -> Response {
    match &transaction.purpose {
        Purpose::Code(request) => request.back.refuse(exchange, refusal),
        Purpose::Device { user_code, .. } => {
            let now = exchange.now.unix_timestamp();
            let declined = world.entra.devices.decline(user_code, now);
            let application = directory.applications.get(&transaction.client);
            match (declined, application) {
                (Ok(()), Some(application)) => pages::device_declined(exchange, &application.name),
                _ => pages::device_gone(exchange),
            }
        }
    }
}

/// The URL after a sign-out, if the program sent one and has registered it.
pub(super) fn after_logout(directory: &Directory, form: &Form) -> Option<String> {
    let to = form.get("post_logout_redirect_uri")?;
    // An expired token is accepted too: it only names the program, and the URL is checked.
    let hinted = form.get("id_token_hint").and_then(|token| {
        let audience = Jws::parse(token).ok()?.claim_str("aud")?.to_owned();
        Uuid::try_parse(&audience).ok()
    });
    let named = || {
        form.get("client_id")
            .and_then(|id| Uuid::try_parse(id).ok())
    };
    let application = directory.applications.get(&hinted.or_else(named)?)?;
    if !redirect_uri::is_registered(application, to) {
        return None;
    }
    let mut url = url::Url::parse(to).ok()?;
    if let Some(state) = form.get("state") {
        url.query_pairs_mut().append_pair("state", state);
    }
    Some(url.to_string())
}
