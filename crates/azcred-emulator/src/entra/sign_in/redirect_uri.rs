//! Where an application may be answered: the addresses that are registered for it.
//!
//! 'Redirect URI (reply URL) restrictions and limitations': compared exactly, but for the port of
//! `http://localhost` and `http://127.0.0.1` (RFC 8252 section 7.3), and with regard to case, but
//! for scheme and host. `[::1]` is not supported there either.

use crate::{directory::Application, entra::refusal::Refusal, text::clip};
use http::StatusCode;
use url::Url;

/// No real address comes near this; the portal takes 256 characters.
const MAX_BYTES: usize = 2048;

/// The address to answer to: the one that was asked for, or the first that is registered.
///
/// # Errors
/// 50011 for one that is not registered, 500113 where none was asked for and none is registered.
pub(super) fn choose(application: &Application, asked: Option<&str>) -> Result<String, Refusal> {
    let Some(asked) = asked else {
        return application.redirect_uris.first().cloned().ok_or_else(|| {
            Refusal::invalid_request(
                500_113,
                "No reply address is registered for the application.",
            )
        });
    };
    if is_registered(application, asked) {
        return Ok(asked.to_owned());
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
            clip(asked),
            application.app_id
        ),
    ))
}

/// Whether an application may be answered at this address.
pub(super) fn is_registered(application: &Application, asked: &str) -> bool {
    if asked.len() > MAX_BYTES || !asked.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    let Ok(asked) = Url::parse(asked) else {
        return false;
    };
    application
        .redirect_uris
        .iter()
        .filter_map(|registered| Url::parse(registered).ok())
        .any(|registered| is_same(&registered, &asked))
}

fn is_same(registered: &Url, asked: &Url) -> bool {
    // RFC 6749 section 3.1.2; nor has a password a place in an address that is shown to people.
    if asked.fragment().is_some() || !asked.username().is_empty() || asked.password().is_some() {
        return false;
    }
    registered.scheme() == asked.scheme()
        && registered.host_str() == asked.host_str()
        && (is_loopback(registered) || registered.port() == asked.port())
        && registered.path() == asked.path()
        && registered.query() == asked.query()
}

fn is_loopback(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn allows(registered: &str, asked: &str) -> bool {
        let application = Application {
            redirect_uris: vec![registered.to_owned()],
            ..Application::new(Uuid::nil(), Uuid::nil(), "an app")
        };
        choose(&application, Some(asked)).is_ok()
    }

    #[test]
    fn an_address_is_compared_exactly_but_for_the_port_of_this_machine() {
        for (registered, asked) in [
            ("http://localhost", "http://localhost:8400"),
            ("http://localhost", "http://localhost:8400/"),
            ("http://localhost:1/cb", "http://LOCALHOST:2/cb"),
            ("http://127.0.0.1", "http://127.0.0.1:5000/"),
            ("https://a.b/cb?x=1", "https://a.b/cb?x=1"),
            ("msauth.app://auth", "msauth.app://auth"),
            ("urn:ietf:wg:oauth:2.0:oob", "urn:ietf:wg:oauth:2.0:oob"),
        ] {
            assert!(allows(registered, asked), "{registered} {asked}");
        }
        for (registered, asked) in [
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
            assert!(!allows(registered, asked), "{registered} {asked}");
        }
    }

    #[test]
    fn without_an_address_the_first_one_is_taken() {
        let mut application = Application::new(Uuid::nil(), Uuid::nil(), "an app");
        assert_eq!(choose(&application, None).unwrap_err().code, 500_113);
        application.redirect_uris = vec!["https://a.b/1".into(), "https://a.b/2".into()];
        assert_eq!(choose(&application, None).unwrap(), "https://a.b/1");
    }
}
