//! A response, before it has what every response of Blob Storage has.

use axum::{body::Body, response::Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use hyper::ext::ReasonPhrase;

/// The mark with which Blob Storage's XML begins.
const BOM: &str = "\u{feff}";

/// A response.
#[derive(Debug)]
pub(super) struct Answer(pub(super) Response);

impl Answer {
    /// A response without a body.
    pub(super) fn new(status: StatusCode) -> Self {
        Self::body(status, Body::empty())
    }

    pub(super) fn body(status: StatusCode, body: Body) -> Self {
        let mut response = Response::new(body);
        *response.status_mut() = status;
        Self(response)
    }

    /// A response with this XML, to which the declaration is added.
    pub(super) fn xml(status: StatusCode, text: &str) -> Self {
        let text = format!("{BOM}<?xml version=\"1.0\" encoding=\"utf-8\"?>{text}");
        Self::body(status, Body::from(text)).with("content-type", "application/xml")
    }

    /// Sets a header. A value that no header can have is left out.
    pub(super) fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        let name = HeaderName::try_from(name);
        let value = HeaderValue::from_str(value.as_ref());
        if let (Ok(name), Ok(value)) = (name, value) {
            self.0.headers_mut().insert(name, value);
        }
        self
    }

    /// Sets a header, if there is a value.
    pub(super) fn with_some(self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets the status line's text, which is an error's message ("Blob Batch" has examples).
    /// Clients show it where a response has no body.
    pub(super) fn because(mut self, message: &str) -> Self {
        if let Ok(reason) = ReasonPhrase::try_from(message.as_bytes()) {
            self.0.extensions_mut().insert(reason);
        }
        self
    }

    /// Without its body, for HEAD. Its length stays.
    pub(super) fn headless(mut self) -> Self {
        let is_error = !self.0.status().is_success();
        if is_error {
            self.0.headers_mut().remove(header::CONTENT_TYPE);
        }
        *self.0.body_mut() = Body::empty();
        self
    }
}
