//! One request, parsed once: path, query, token header and body, each with a limit.

use super::{error::ArmError, segments::segments};
use crate::service::{Cloud, Entrance, Service};
use axum::body::Bytes;
use http::{Method, header, request::Parts};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Largest accepted request body, in bytes. It is Azure Resource Manager's own limit ("Azure
/// subscription and service limits").
pub(super) const MAX_BODY: usize = 4 * 1024 * 1024;

/// Most segments of an accepted path. Azure nests its resource types only a few levels deep.
const MAX_SEGMENTS: usize = 64;

/// A request.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Decoded segments of the path.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    /// The `Authorization` header. `Debug` hides it, as it holds a token.
    pub(super) authorization: Authorization,
    /// The caller's token for Azure Machine Learning, which some jobs need.
    pub(super) azureml_token: Authorization,
    pub(super) entrance: Entrance,
    body: Bytes,
}

/// A header that must not be printed.
pub(super) struct Authorization(pub(super) Option<String>);

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "Authorization(****)"
        } else {
            "none"
        })
    }
}

impl Call {
    /// Parses a request.
    ///
    /// # Errors
    /// When Azure would reject the path.
    pub(super) fn read(parts: &Parts, body: Bytes) -> Result<Self, ArmError> {
        let path = segments(parts.uri.path())?;
        if path.len() > MAX_SEGMENTS {
            return Err(ArmError::bad_request(
                "InvalidRequestUri",
                format!("The request path has more than {MAX_SEGMENTS} segments."),
            ));
        }
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
            .into_owned()
            .collect();
        let authorization = parts
            .headers
            .get(header::AUTHORIZATION)
            // A header that is not text is rejected as an invalid token, not as a missing one.
            .map(|value| value.to_str().unwrap_or("Bearer ?").to_owned());
        Ok(Self {
            method: parts.method.clone(),
            path,
            query,
            authorization: Authorization(authorization),
            azureml_token: Authorization(
                parts
                    .headers
                    .get("x-azureml-token")
                    .map(|value| format!("Bearer {}", value.to_str().unwrap_or("?"))),
            ),
            entrance: parts
                .extensions
                .get::<Entrance>()
                .cloned()
                .unwrap_or(Entrance {
                    service: Service::Arm,
                    cloud: Cloud::Public,
                    real_name: None,
                }),
            body,
        })
    }

    /// The decoded path, as error messages name it.
    pub(super) fn scope_text(&self) -> String {
        format!("/{}", self.path.join("/"))
    }

    /// The value of a query parameter. Names are compared without regard to case. An empty value
    /// counts as missing.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The path and query with one parameter replaced, for the link to the next page.
    pub(super) fn path_with(&self, name: &str, value: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self
            .query
            .iter()
            .filter(|(key, _)| !key.eq_ignore_ascii_case(name))
        {
            query.append_pair(key, value);
        }
        query.append_pair(name, value);
        let mut url = url::Url::parse("https://localhost/").expect("a constant");
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&self.path);
        }
        format!("{}?{}", url.path(), query.finish())
    }

    /// The query, as it is written in an address.
    pub(super) fn query_text(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        query.finish()
    }

    /// The body as text. Empty if it is not UTF-8.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// When the body is not a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, ArmError> {
        self.json()
    }

    /// The body, parsed as `T`.
    ///
    /// # Errors
    /// When the body is not JSON of that type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, ArmError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| ArmError::invalid_content(&error.to_string()))
    }
}
