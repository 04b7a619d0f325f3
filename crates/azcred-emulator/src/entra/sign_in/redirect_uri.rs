//! The redirect URIs that are registered for an application.
//!
//! 'Redirect URI (reply URL) restrictions and limitations': they are compared exactly and with
//! regard to case. The exceptions are scheme and host, which have no case, and the port of
//! `http://localhost` and `http://127.0.0.1` (RFC 8252 section 7.3). As in Azure, `[::1]` is not
//! supported.

use crate::{directory::Application, entra::refusal::Refusal, text::clip};
use http::StatusCode;
use url::Url;

/// Real URIs are shorter: the portal accepts 256 characters.
const MAX_BYTES: usize = 2048;

/// The redirect URI of a request: the requested one, or the first that is registered.
///
/// # Errors
/// 50011 if the requested URI is not registered, 500113 without a requested and a registered one.
pub(super) fn choose(
    application: &Application,
    requested: Option<&str>,
) -> Result<String, Refusal> {
    let Some(requested) = requested else {
        return application.redirect_uris.first().cloned().ok_or_else(|| {
            Refusal::invalid_request(
                500_113,
                "No reply address is registered for the application.",
            )
        });
    };
    if is_registered(application, requested) {
        return Ok(requested.to_owned());
    }
    Err(Refusal::new(
        50011,
        "invalid_request",
        StatusCode::BAD_REQUEST,
        format!(
            "The redirect URI '{}' specified in the request does not match the redirect URIs configured for the \
             application '{}'. Make sure the redirect URI sent in the request matches one added to your application \
             in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to \
             troubleshoot this error.",
            clip(requested),
            application.app_id
        ),
    ))
}

/// Whether this redirect URI is registered for the application.
pub(super) fn is_registered(application: &Application, requested: &str) -> bool {
    if requested.len() > MAX_BYTES || !requested.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    let Ok(requested) = Url::parse(requested) else {
        return false;
    };
    application
        .redirect_uris
        .iter()
        .filter_map(|registered| Url::parse(registered).ok())
        .any(|registered| is_same(&registered, &requested))
}

fn is_same(registered: &Url, requested: &Url) -> bool {
    // RFC 6749 section 3.1.2 forbids a fragment. A password must not be in a URL that people see.
    if requested.fragment().is_some()
        || !requested.username().is_empty()
        || requested.password().is_some()
    {
        return false;
    }
    registered.scheme() == requested.scheme()
        && registered.host_str() == requested.host_str()
        && (is_loopback(registered) || registered.port() == requested.port())
        && registered.path() == requested.path()
        && registered.query() == requested.query()
}

fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn allows(registered: &str, requested: &str) -> bool {
        let application = Application {
            redirect_uris: vec![registered.to_owned()],
            ..Application::new(Uuid::nil(), Uuid::nil(), "an app")
        };
        choose(&application, Some(requested)).is_ok()
    }

    #[test]
    fn a_redirect_uri_is_compared_exactly_except_the_port_of_localhost() {
        for (registered, requested) in [
            ("http://localhost", "http://localhost:8400"),
            ("http://localhost", "http://localhost:8400/"),
            ("http://localhost:1/cb", "http://LOCALHOST:2/cb"),
            ("http://127.0.0.1", "http://127.0.0.1:5000/"),
            ("https://a.b/cb?x=1", "https://a.b/cb?x=1"),
            ("msauth.app://auth", "msauth.app://auth"),
            ("urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob"),
        ] {
            assert!(allows(registered, requested), "{registered} {requested}");
        }
        for (registered, requested) in [
            ("http://localhost", "http://127.0.0.1:8400"),
            ("http://localhost", "http://[::1]:8400"),
            ("http://localhost", "https://localhost:8400"),
            ("http://localhost", "http://localhost:8400/cb"),
            ("http://localhost/cb", "http://localhost/CB"),
            ("http://localhost", "http://localhost.evil.com"),
            ("http://localhost", "http://localhost@evil.com"),
            ("http://localhost", "http://user@localhost/"),
            ("http://localhost", "http://localhost/#x"),
            ("http://localhost", "http://localhost/?x=1"),
            ("https://a.b/cb", "https://a.b:444/cb"),
            ("https://a.b/cb", "https://a.b/cb/../cb2"),
            ("https://a.b/cb", "https://a.b/cb\r\nx: y"),
            ("https://localhost/cb", "https://localhost:1/cb"),
            ("https://a.b/cb", "javascript:alert(1)"),
            ("https://a.b/cb", "/cb"),
        ] {
            assert!(!allows(registered, requested), "{registered} {requested}");
        }
    }

    #[test]
    fn without_a_redirect_uri_the_first_registered_one_is_used() {
        let mut application = Application::new(Uuid::nil(), Uuid::nil(), "an app");
        assert_eq!(choose(&application, None).unwrap_err().code, 500_113);
        application.redirect_uris = vec!["https://a.b/1".into(), "https://a.b/2".into()];
        assert_eq!(choose(&application, None).unwrap(), "https://a.b/1");
    }
}
