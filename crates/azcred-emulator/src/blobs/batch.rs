//! Blob Batch: up to 256 requests to delete blobs or to set their tiers, in one.

use super::{answer::Answer, body, call::Call, error::BlobError};
use crate::{service::Entrance, world::World};
use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, request::Parts};
use hyper::ext::ReasonPhrase;
use std::{fmt::Write as _, sync::Arc};
use uuid::Uuid;

/// Most requests of a batch ("Blob Batch", Microsoft Learn).
const MOST: usize = 256;

/// Answers each request of a batch as if it had come alone.
pub(super) async fn serve(
    world: &Arc<World>,
    call: &Call,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let kind = call.header("content-type").unwrap_or_default();
    let boundary =
        boundary_of(kind).ok_or_else(|| BlobError::invalid_header("Content-Type", kind))?;
    let document = body::document(body).await?;
    let document = String::from_utf8(document).map_err(|_| invalid())?;
    let requests = parse(&document, boundary)?;
    let own = format!("batchresponse_{}", Uuid::new_v4());
    let mut text = String::new();
    for request in requests {
        let parts = request.parts(call)?;
        let answered = one(world, &parts, &call.entrance).await;
        let status = answered.status();
        let (head, content) = answered.into_parts();
        let content = axum::body::to_bytes(content, 1 << 20)
            .await
            .unwrap_or_default();
        let message = head.extensions.get::<ReasonPhrase>();
        let usual = status.canonical_reason().unwrap_or_default().as_bytes();
        let reason = String::from_utf8_lossy(message.map_or(usual, ReasonPhrase::as_bytes));
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "--{own}\r\nContent-Type: application/http\r\nContent-ID: {}\r\n\r\nHTTP/1.1 {} {reason}\r\n",
            request.id,
            status.as_u16()
        );
        for (name, value) in &head.headers {
            let _ = write!(
                text,
                "{name}: {}\r\n",
                String::from_utf8_lossy(value.as_bytes())
            );
        }
        let _ = write!(text, "\r\n{}\r\n", String::from_utf8_lossy(&content));
    }
    let _ = write!(text, "--{own}--\r\n");
    Ok(Answer::body(StatusCode::ACCEPTED, Body::from(text))
        .with("content-type", format!("multipart/mixed; boundary={own}")))
}

async fn one(world: &Arc<World>, parts: &Parts, entrance: &Entrance) -> axum::response::Response {
    let mut none = Body::empty();
    Box::pin(super::answer(world, parts, entrance, &mut none)).await
}

fn invalid() -> BlobError {
    BlobError::bad("InvalidInput", "One of the request inputs is not valid.")
}

fn boundary_of(kind: &str) -> Option<&str> {
    let (kind, parameters) = kind.split_once(';')?;
    let is_mixed = kind.trim().eq_ignore_ascii_case("multipart/mixed");
    let boundary = parameters
        .trim()
        .strip_prefix("boundary=")?
        .trim_matches('"');
    (is_mixed && (1..=70).contains(&boundary.len())).then_some(boundary)
}

/// A request of a batch.
struct Part<'a> {
    id: &'a str,
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
}

/// The requests between the boundaries.
fn parse<'a>(document: &'a str, boundary: &str) -> Result<Vec<Part<'a>>, BlobError> {
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    for piece in document.split(delimiter.as_str()).skip(1) {
        if piece.starts_with("--") {
            break;
        }
        parts.push(Part::parse(piece).ok_or_else(invalid)?);
        if parts.len() > MOST {
            return Err(BlobError::bad(
                "ExceedsMaxBatchRequestCount",
                "The batch operation exceeds maximum number of allowed subrequests.",
            ));
        }
    }
    match parts.is_empty() {
        true => Err(invalid()),
        false => Ok(parts),
    }
}

impl<'a> Part<'a> {
    /// The headers of the part, a blank line, and a request without a body.
    fn parse(piece: &'a str) -> Option<Self> {
        let mut lines = piece.lines().skip_while(|line| line.trim().is_empty());
        let id = lines
            .by_ref()
            .take_while(|line| !line.trim().is_empty())
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-id"));
        // The part's headers end at the first blank line, which `find` may not have reached.
        let (_, request) = piece
            .trim_start()
            .split_once("\r\n\r\n")
            .or_else(|| piece.trim_start().split_once("\n\n"))?;
        let mut lines = request.lines();
        let mut words = lines.next()?.split_ascii_whitespace();
        let (method, target) = (words.next()?, words.next()?);
        let headers = lines
            .take_while(|line| !line.trim().is_empty())
            .map(|line| {
                line.split_once(':')
                    .map(|(name, value)| (name.trim(), value.trim()))
            })
            .collect::<Option<_>>()?;
        Some(Self {
            id: id.map_or("", |(_, id)| id.trim()),
            method,
            target,
            headers,
        })
    }

    /// The request, with the version of the batch.
    fn parts(&self, batch: &Call) -> Result<Parts, BlobError> {
        let uri: Uri = self.target.parse().map_err(|_| BlobError::invalid_uri())?;
        let (method, query) = (self.method, uri.query().unwrap_or_default());
        let is_allowed = method == "DELETE" || (method == "PUT" && query.contains("comp=tier"));
        if !is_allowed {
            return Err(invalid());
        }
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| invalid())?;
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(*name).map_err(|_| invalid())?;
            let value = HeaderValue::from_str(value).map_err(|_| invalid())?;
            request.headers_mut().append(name, value);
        }
        if let Some(version) = batch.headers.get("x-ms-version") {
            let headers = request.headers_mut();
            headers
                .entry("x-ms-version")
                .or_insert_with(|| version.clone());
        }
        Ok(request.into_parts().0)
    }
}
