//! The response to the program that requested a code, at its redirect URI: in the query, in the
//! fragment, or in a form.
//!
//! RFC 6749 sections 4.1.2 and 4.1.2.1, 'OAuth 2.0 Multiple Response Type Encoding Practices',
//! 'OAuth 2.0 Form Post Response Mode'.

use crate::entra::{
    exchange::Exchange,
    refusal::Refusal,
    sign_in::{
        pages,
        return_address::{Mode, ReturnAddress},
    },
};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use url::{Url, form_urlencoded};

impl ReturnAddress {
    /// Sends the parameters to the program.
    pub(super) fn answer(
        &self,
        exchange: &Exchange,
        mut parameters: Vec<(&'static str, String)>,
    ) -> Response {
        if let Some(state) = &self.state {
            parameters.push(("state", state.clone()));
        }
        let Ok(mut url) = Url::parse(&self.uri) else {
            return pages::refused(exchange, &Refusal::unavailable(), None);
        };
        match self.mode {
            Mode::FormPost => return pages::form_post(exchange, &url, &parameters),
            Mode::Query => {
                url.query_pairs_mut().extend_pairs(&parameters);
            }
            Mode::Fragment => {
                let mut text = form_urlencoded::Serializer::new(String::new());
                url.set_fragment(Some(&text.extend_pairs(&parameters).finish()));
            }
        }
        redirect(exchange, url.as_str())
    }

    /// Sends the refusal to the program.
    pub(super) fn refuse(&self, exchange: &Exchange, refusal: &Refusal) -> Response {
        let mut parameters = vec![
            ("error", refusal.error.to_owned()),
            ("error_description", refusal.description(exchange)),
        ];
        if let Some(uri) = refusal.uri(exchange) {
            parameters.push(("error_uri", uri));
        }
        if let Some(suberror) = refusal.suberror {
            let name = match suberror {
                // The service's name for the field when the user declined.
                "cancel" => "error_subcode",
                _ => "suberror",
            };
            parameters.push((name, suberror.to_owned()));
        }
        if let Some(claims) = &refusal.claims {
            parameters.push(("claims", claims.clone()));
        }
        self.answer(exchange, parameters)
    }
}

/// Redirects a browser with 302, as the service does.
pub(super) fn redirect(exchange: &Exchange, to: &str) -> Response {
    let Ok(location) = HeaderValue::try_from(to) else {
        return pages::refused(exchange, &Refusal::unavailable(), None);
    };
    let mut response = StatusCode::FOUND.into_response();
    response.headers_mut().insert(header::LOCATION, location);
    exchange.add_headers(&mut response, 0);
    pages::guard(&mut response, &[]);
    response
}

/// The user declined: AADSTS65004.
pub(super) fn cancelled() -> Refusal {
    Refusal {
        suberror: Some("cancel"),
        ..Refusal::new(
            65004,
            "access_denied",
            StatusCode::BAD_REQUEST,
            "User declined to consent to access the app.",
        )
    }
}
