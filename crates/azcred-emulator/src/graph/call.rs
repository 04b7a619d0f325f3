//! One request, parsed once: version, path, query, headers and body.

use crate::{
    graph::response::GraphError,
    service::{Cloud, Entrance, Service},
    world::World,
};
use axum::body::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::de::DeserializeOwned;

/// Most segments of an accepted path.
const MAX_SEGMENTS: usize = 32;

/// A version of Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    /// The objects have v1.0's properties here.
    Beta,
}

impl Version {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }

    fn of(segment: &str) -> Option<Self> {
        [Self::V1, Self::Beta]
            .into_iter()
            .find(|version| version.name().eq_ignore_ascii_case(segment))
    }
}

/// A request, or a part of a batch.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) version: Version,
    /// The decoded segments after the version.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) entrance: Entrance,
    pub(super) body: Bytes,
}

impl Call {
    /// # Errors
    /// For a version that Graph does not have, and for a path that can't be decoded.
    pub(super) fn read(
        method: Method,
        uri: &Uri,
        headers: HeaderMap,
        entrance: Option<&Entrance>,
        body: Bytes,
    ) -> Result<Self, GraphError> {
        let mut path = segments(uri.path())?;
        let first = match path.is_empty() {
            true => String::new(),
            false => path.remove(0),
        };
        let version = Version::of(&first).ok_or_else(|| GraphError::invalid_version(&first))?;
        let query = uri.query().unwrap_or_default().as_bytes();
        Ok(Self {
            method,
            version,
            path,
            query: url::form_urlencoded::parse(query).into_owned().collect(),
            headers,
            entrance: entrance.cloned().unwrap_or(Entrance {
                service: Service::Graph,
                cloud: Cloud::Public,
                real_name: None,
            }),
            body,
        })
    }

    /// An option of the query. Its name is taken in any case, and without its `$`.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter();
        all.find(|(known, _)| {
            let known = known.strip_prefix('$').unwrap_or(known);
            known.eq_ignore_ascii_case(name)
        })
        .map(|(_, value)| value.as_str())
    }

    /// The names of the options that have a `$`, without it.
    pub(super) fn options(&self) -> impl Iterator<Item = &str> {
        self.query
            .iter()
            .filter_map(|(name, _)| name.strip_prefix('$'))
    }

    /// The client accepts an answer that is some seconds old, as advanced queries need it.
    pub(super) fn is_eventual(&self) -> bool {
        let level = self.headers.get("consistencylevel");
        level.is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual"))
    }

    /// The path and the query with another value of an option, by the client's way in.
    pub(super) fn url_with(&self, world: &World, option: &str, value: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &self.query {
            if !name.trim_start_matches('$').eq_ignore_ascii_case(option) {
                query.append_pair(name, value);
            }
        }
        let query = query.append_pair(&format!("${option}"), value).finish();
        // As Graph writes it.
        let query = query.replace("%24", "$");
        let base = world.urls().for_client(Service::Graph, &self.entrance);
        let path: Vec<String> = self
            .path
            .iter()
            .map(|segment| url::form_urlencoded::byte_serialize(segment.as_bytes()).collect())
            .collect();
        format!(
            "{base}/{}/{}?{query}",
            self.version.name(),
            path.join("/").replace('+', "%20")
        )
    }

    /// A context: what `$metadata` says of the answer.
    pub(super) fn context(&self, what: &str) -> String {
        let host = self.entrance.cloud.graph_host();
        format!("https://{host}/{}/$metadata#{what}", self.version.name())
    }

    /// The body, as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, GraphError> {
        serde_json::from_slice(&self.body).map_err(|_| GraphError::unreadable())
    }

    /// Whether the path is a batch's.
    pub(super) fn is_batch(&self) -> bool {
        let first = self.path.first();
        first.is_some_and(|first| first.eq_ignore_ascii_case("$batch"))
    }

    /// The path for an error that says what is not served.
    pub(super) fn path_text(&self) -> String {
        format!("/{}/{}", self.version.name(), self.path.join("/"))
    }
}

/// The decoded segments of a path, without the empty ones.
fn segments(path: &str) -> Result<Vec<String>, GraphError> {
    let all: Option<Vec<String>> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let bytes = percent_encoding::percent_decode_str(segment);
            bytes.decode_utf8().ok().map(std::borrow::Cow::into_owned)
        })
        .collect();
    all.filter(|all| all.len() <= MAX_SEGMENTS).ok_or_else(|| {
        GraphError::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "The path of the request is not valid.",
        )
    })
}
