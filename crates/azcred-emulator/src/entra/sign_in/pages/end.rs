//! The last pages of a sign-in: an error, a sign-out, or a form for the program.

use crate::entra::{
    exchange::Exchange,
    refusal::Refusal,
    sign_in::pages::frame::{Page, STAND_IN, STYLE, View, buttons, esc, respond},
};
use axum::response::Response;
use http::StatusCode;
use url::Url;

/// Submits the only form of a page.
const SUBMIT: &str = "document.forms[0].submit()";

/// The page with the error. A sign-in in progress can continue with another account.
pub(in crate::entra::sign_in) fn refused(
    exchange: &Exchange,
    refusal: &Refusal,
    view: Option<&View<'_>>,
) -> Response {
    let ways_on = view.map_or_else(String::new, |view| {
        view.form(buttons(&[
            ("list", "Sign in with another account"),
            ("cancel", "Cancel"),
        ]))
    });
    let content = format!(
        r#"<p class="notice" role="alert"><b>AADSTS{code}</b>: {message}</p>
<dl>
<dt>Error code</dt><dd>{code}</dd>
<dt>Request ID</dt><dd>{request}</dd>
<dt>Correlation ID</dt><dd>{correlation}</dd>
<dt>Timestamp</dt><dd>{time}</dd>
{program}</dl>
{ways_on}"#,
        code = refusal.code,
        message = esc(&refusal.message),
        request = exchange.trace_id,
        correlation = exchange.correlation_id,
        time = esc(&exchange.timestamp()),
        program = view.map_or_else(String::new, |view| format!(
            "<dt>App name</dt><dd>{}</dd><dt>App id</dt><dd>{}</dd>",
            esc(view.program()),
            view.transaction.client
        )),
    );
    let page = Page {
        place: "Sign in",
        title: "Sorry, but we’re having trouble signing you in",
        content,
    };
    let leads_to = view.and_then(View::leads_to);
    // The service sends browsers this status for every error. The page shows the code.
    page.respond(exchange, StatusCode::OK, leads_to.as_ref())
}

/// All accounts are signed out.
pub(in crate::entra::sign_in) fn signed_out(exchange: &Exchange) -> Response {
    Page {
        place: "Sign out",
        title: "You signed out of your account",
        content: "<p>It’s a good idea to close all browser windows.</p>".to_owned(),
    }
    .respond(exchange, StatusCode::OK, None)
}

/// The page for programs with an embedded browser, which read its URL.
pub(in crate::entra::sign_in) fn native_client(exchange: &Exchange) -> Response {
    Page {
        place: "Sign in",
        title: "Back to your program",
        content: "<p>Your program reads the result from the address of this page. You can close this window.</p>"
            .to_owned(),
    }
    .respond(exchange, StatusCode::OK, None)
}

/// Sends the result by a form that submits itself, or by a button if scripts are off.
pub(in crate::entra::sign_in) fn form_post(
    exchange: &Exchange,
    to: &Url,
    parameters: &[(&'static str, String)],
) -> Response {
    let fields: String = parameters
        .iter()
        .map(|(name, value)| {
            format!(
                r#"<input type="hidden" name="{}" value="{}">"#,
                esc(name),
                esc(value)
            )
        })
        .collect();
    let body = format!(
        r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Working… · azcred emulator</title><style>{STYLE}</style></head>
<body>
{STAND_IN}
<main>
<h1>Working…</h1>
<form method="post" action="{}">
{fields}
<noscript><p>This browser does not run scripts. Press Continue.</p><p class="buttons"><button type="submit" class="primary">Continue</button></p></noscript>
</form>
</main>
<script>{SUBMIT}</script>
</body>
</html>
"#,
        esc(to.as_str())
    );
    respond(exchange, StatusCode::OK, body, Some(to), Some(SUBMIT))
}
