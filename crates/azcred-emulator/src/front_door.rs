//! Paths as Azure's front doors take them: words in any case, doubled slashes, slashes at the end.

use axum::{Router, body::Body, response::Response, routing::MethodRouter};
use http::{
    Request, Uri,
    uri::{InvalidUri, PathAndQuery},
};
use tower::util::ServiceExt as _;

/// The routes of a service, while they are added.
pub(crate) struct Routes<S> {
    router: Router<S>,
    paths: Vec<Template>,
}

/// A service behind its front door.
#[derive(Clone)]
pub(crate) struct FrontDoor {
    router: Router,
    /// Those with the most words come first, as in the router.
    paths: Vec<Template>,
}

/// A path with its parameters, such as `/{tenant}/oauth2/token`. The last one can be for all
/// segments that are left: `/metadata/instance/{*element}`.
#[derive(Clone, Debug)]
struct Template(Vec<String>);

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
        }
    }

    /// Adds a route, as [`Router::route`].
    pub(crate) fn route(mut self, path: &str, method: MethodRouter<S>) -> Self {
        self.router = self.router.route(path, method);
        self.paths.push(Template::new(path));
        self
    }

    /// Adds the routes of another part of the service.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.paths.extend(other.paths);
        self
    }

    /// Opens the front door. `finish` adds what all routes have: the fallback, limits, the state.
    pub(crate) fn open(self, finish: impl FnOnce(Router<S>) -> Router) -> FrontDoor {
        FrontDoor::new(finish(self.router), self.paths)
    }
}

impl FrontDoor {
    fn new(router: Router, mut paths: Vec<Template>) -> Self {
        paths.sort_by_key(|path| std::cmp::Reverse(path.words()));
        Self { router, paths }
    }

    /// Two parts of a service that have nothing in common.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.paths.extend(other.paths);
        Self::new(self.router.merge(other.router), self.paths)
    }

    /// Handles a request.
    pub(crate) async fn answer(&self, mut request: Request<Body>) -> Response {
        if let Some(path) = self.canonical(request.uri().path())
            && let Ok(uri) = with_path(request.uri(), &path)
        {
            *request.uri_mut() = uri;
        }
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// A path in the router's form, if one of its routes has it.
    fn canonical(&self, path: &str) -> Option<String> {
        let given: Vec<&str> = segments(path).collect();
        self.paths.iter().find_map(|known| known.of(&given))
    }

    /// The paths of all routes.
    pub(crate) fn paths(&self) -> impl Iterator<Item = String> {
        let text = |path: &Template| format!("/{}", path.0.join("/"));
        self.paths.iter().map(text)
    }
}

/// A router whose handler reads the path itself.
impl From<Router> for FrontDoor {
    fn from(router: Router) -> Self {
        Self::new(router, Vec::new())
    }
}

impl Template {
    fn new(path: &str) -> Self {
        Self(segments(path).map(str::to_owned).collect())
    }

    fn words(&self) -> usize {
        let is_word = |segment: &&String| parameter(segment).is_none();
        self.0.iter().filter(is_word).count()
    }

    /// The path with these segments, if they fit.
    fn of(&self, given: &[&str]) -> Option<String> {
        let takes_more = self.0.last().is_some_and(|last| last.starts_with("{*"));
        if given.len() != self.0.len() && !(takes_more && given.len() > self.0.len()) {
            return None;
        }
        let mut path = String::new();
        for (known, given) in self.0.iter().zip(given) {
            path.push('/');
            path.push_str(match parameter(known) {
                Some(_) => given,
                None if known.eq_ignore_ascii_case(given) => known,
                None => return None,
            });
        }
        for rest in given.iter().skip(self.0.len()) {
            path.push('/');
            path.push_str(rest);
        }
        Some(path)
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Splits a raw path into decoded segments. Repeated slashes count once: several SDKs append a
/// scope that begins with a slash. `None` when a decoded segment has a character that no segment
/// may have: a slash, a control character, or bytes that are not UTF-8.
pub(crate) fn decoded(raw: &str) -> Option<Vec<String>> {
    segments(raw).map(decode).collect()
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let harmless = !text
        .chars()
        .any(|c| c == '/' || c == '\\' || c.is_control())
        && text != "."
        && text != "..";
    harmless.then_some(text)
}

/// The name of a parameter.
fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// A request's target with another path.
fn with_path(uri: &Uri, path: &str) -> Result<Uri, InvalidUri> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse::<PathAndQuery>()?);
    // Only the path has changed, and that is valid.
    Ok(Uri::from_parts(parts).unwrap_or_else(|_| uri.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{extract::Path, routing::get};
    use http::StatusCode;

    fn door() -> FrontDoor {
        let one = |Path(tenant): Path<String>| async move { tenant };
        Routes::<()>::new()
            .route("/{tenant}/oauth2/token", get(one))
            .route("/common/oauth2/{page}", get(|| async { "a page" }))
            .route("/V1/Users", get(|uri: Uri| async move { uri.to_string() }))
            .route(
                "/V1/Files/{*path}",
                get(|Path(path): Path<String>| async { path }),
            )
            .open(|router| router)
    }

    async fn at(path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = door().answer(request).await;
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await;
        (status, String::from_utf8(body.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_path_is_found_in_any_form_and_parameters_stay_as_they_are() {
        for (path, expected) in [
            ("/Contoso.com/oauth2/token", "Contoso.com"),
            ("//Contoso.com//OAUTH2/Token/", "Contoso.com"),
            ("/a%2Fb/oauth2/token//", "a/b"),
            ("/Common/OAuth2/x", "a page"),
            ("/v1/FILES//A/b/", "A/b"),
            ("/v1/files/A", "A"),
            ("/v1//users/?$Select=Id&a=//", "/V1/Users?$Select=Id&a=//"),
        ] {
            let found = at(path).await;
            assert_eq!(found, (StatusCode::OK, expected.to_owned()), "{path}");
        }
    }

    #[tokio::test]
    async fn no_other_path_is_found() {
        for path in [
            "/",
            "//",
            "/oauth2/token",
            "/a/b/oauth2/token",
            "/v1",
            "/v1/users/x",
            "/v1/files",
        ] {
            assert_eq!(at(path).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
