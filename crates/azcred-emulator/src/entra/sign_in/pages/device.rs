//! The pages of a sign-in by device code: the field for the code, and the result.

use crate::entra::{
    exchange::Exchange,
    sign_in::pages::frame::{Page, buttons, esc, form, notice},
};
use axum::response::Response;
use http::StatusCode;

const PLACE: &str = "Sign in to a device";

/// 'Enter code'.
pub(in crate::entra::sign_in) fn code(
    exchange: &Exchange,
    ctx: &str,
    filled_in: Option<&str>,
    wrong: Option<u32>,
) -> Response {
    let content = form(
        ctx,
        format!(
            r#"<label for="otc">The code that your program or device shows</label>
<input id="otc" name="otc" class="code" type="text" autocapitalize="characters" spellcheck="false" required maxlength="32" autofocus value="{}" aria-describedby="notice whose">
{}
<p class="aside" id="whose">Do not enter a code that another person sent you: it would sign them in as you.</p>
{}"#,
            esc(filled_in.unwrap_or_default()),
            notice(wrong),
            buttons(&[("code", "Next")]),
        ),
    );
    Page {
        place: PLACE,
        title: "Enter code",
        content,
    }
    .respond(exchange, StatusCode::OK, None)
}

/// The device is signed in.
pub(in crate::entra::sign_in) fn device_done(exchange: &Exchange, program: &str) -> Response {
    end(
        exchange,
        "You are signed in",
        &format!(
            r#"<p class="good">You have signed in to <b>{}</b> on your device. You can close this window.</p>"#,
            esc(program)
        ),
    )
}

/// The user declined.
pub(in crate::entra::sign_in) fn device_declined(exchange: &Exchange, program: &str) -> Response {
    end(
        exchange,
        "You did not sign in",
        &format!(
            "<p><b>{}</b> was not signed in. If you did not start this sign-in, another person sent you their code.</p>",
            esc(program)
        ),
    )
}

/// The code has expired or was used.
pub(in crate::entra::sign_in) fn device_gone(exchange: &Exchange) -> Response {
    end(
        exchange,
        "The code is no longer valid",
        r#"<p>It has expired or was already used. Start again on your device. <small>AADSTS70020</small></p>"#,
    )
}

fn end(exchange: &Exchange, title: &str, content: &str) -> Response {
    Page {
        place: PLACE,
        title,
        content: content.to_owned(),
    }
    .respond(exchange, StatusCode::OK, None)
}
