//! One request, parsed once: the area, the workspace, what is asked of it, and the token.

use super::error::MlError;
use crate::{
    front_door,
    resources::Scope,
    service::{Cloud, Entrance, Service},
};
use axum::body::Bytes;
use http::{Method, header, request::Parts};
use serde::de::DeserializeOwned;

/// The largest accepted body: that of every service of the emulator.
pub(super) const MAX_BODY: usize = 4 * 1024 * 1024;

/// A request.
pub(super) struct Call {
    pub(super) method: Method,
    /// The path as it came.
    pub(super) path: String,
    /// The segments before the workspace, in lower case, such as `history` and `v1.0`. All segments
    /// of a path without one.
    pub(super) area: Vec<String>,
    /// The workspace that the path names.
    pub(super) workspace: Option<Scope>,
    /// The segments after the workspace.
    pub(super) rest: Vec<String>,
    query: Vec<(String, String)>,
    authorization: Option<String>,
    pub(super) entrance: Entrance,
    body: Bytes,
}

impl Call {
    /// Parses a request.
    ///
    /// # Errors
    /// When the path can't be decoded, or names no valid workspace.
    pub(super) fn read(parts: &Parts, body: Bytes) -> Result<Self, MlError> {
        let invalid =
            |what: &str| MlError::bad_request(format!("The request path is not valid: {what}."));
        let path = front_door::decoded(parts.uri.path())
            .ok_or_else(|| invalid("a segment can't be decoded"))?;
        let is = |at: usize, word: &str| {
            path.get(at)
                .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
        };
        let lower = |all: &[String]| all.iter().map(|one| one.to_ascii_lowercase()).collect();
        let workspace_at = (0..path.len()).find(|at| {
            is(*at, "subscriptions")
                && is(at + 2, "resourceGroups")
                && is(at + 4, "providers")
                && is(at + 5, "Microsoft.MachineLearningServices")
                && is(at + 6, "workspaces")
                && path.len() > at + 7
        });
        let (area, workspace, rest) = match workspace_at {
            Some(at) => {
                let id = format!("/{}", path[at..at + 8].join("/"));
                let id = id
                    .parse::<Scope>()
                    .map_err(|error| invalid(&error.to_string()))?;
                (lower(&path[..at]), Some(id), path[at + 8..].to_vec())
            }
            None => (lower(&path), None, Vec::new()),
        };
        Ok(Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            area,
            workspace,
            rest,
            query: url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect(),
            // A header that is not text is an invalid token, not a missing one.
            authorization: parts
                .headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap_or("Bearer ?").to_owned()),
            entrance: parts
                .extensions
                .get::<Entrance>()
                .cloned()
                .unwrap_or(Entrance {
                    service: Service::Ml,
                    cloud: Cloud::Public,
                    real_name: None,
                }),
            body,
        })
    }

    /// The `Authorization` header, which holds a token.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The value of a query parameter. Names are compared without regard to case.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The region in the host's name, such as `westeurope`. `None` by a port.
    pub(super) fn region(&self) -> Option<&str> {
        region(&self.entrance)
    }

    /// The body, parsed as `T`.
    ///
    /// # Errors
    /// When the body is not JSON of that type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, MlError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            MlError::bad_request(format!("The request's content could not be read: {error}."))
        })
    }
}

/// The region in the name of a host. `None` by a port, and for a host without one.
pub(super) fn region(entrance: &Entrance) -> Option<&str> {
    let (first, rest) = entrance.real_name.as_deref()?.split_once('.')?;
    (first != "ml" || rest.starts_with("api.")).then_some(first)
}
