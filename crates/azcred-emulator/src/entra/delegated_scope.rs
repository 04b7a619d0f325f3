//! The scope of a user's token: a resource, its permissions, and OpenID Connect's own scopes.
//!
//! 'Scopes and permissions in the Microsoft identity platform'.

use crate::{
    directory::{Application, GRAPH},
    entra::{refusal::Refusal, resource::TokenResource},
    text::clip,
};
use http::StatusCode;
use uuid::Uuid;

/// OpenID Connect's scopes. In Graph's tokens, they are among the permissions.
const OPENID: &[&str] = &["email", "openid", "profile"];

/// Whether a scope is OpenID Connect's, and of no resource.
pub(super) fn is_openid(scope: &str) -> bool {
    OPENID.contains(&scope) || scope == "offline_access"
}

/// A request's `scope`, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestedScope {
    /// The resource's name as the client wrote it.
    pub(super) resource: String,
    /// The requested permissions, without `.default`.
    named: Vec<String>,
    is_default: bool,
    /// The client requests an `id_token`.
    pub(super) openid: bool,
    /// The `id_token` may have the email address.
    pub(super) email: bool,
    /// The client requests a refresh token.
    pub(super) offline: bool,
    /// The whole text, which the refresh token stores.
    pub(super) text: String,
}

impl RequestedScope {
    /// The scope of a request to the v2.0 endpoint.
    ///
    /// # Errors
    /// 70011 if it is malformed or combines `.default` with other permissions, 28000 for several
    /// resources.
    pub(super) fn of_v2(text: &str) -> Result<Self, Refusal> {
        let scopes: Vec<&str> = text.split_ascii_whitespace().collect();
        // RFC 6749 section 3.3: printable ASCII without quotation mark and backslash.
        let is_token = |scope: &&str| {
            scope
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
        };
        if scopes.is_empty() || !scopes.iter().all(is_token) {
            return Err(invalid(text));
        }
        let has = |name| scopes.contains(&name);
        let mut requested = Self {
            resource: String::new(),
            named: Vec::new(),
            is_default: false,
            openid: has("openid"),
            email: has("email"),
            offline: has("offline_access"),
            text: scopes.join(" "),
        };
        for scope in scopes {
            if is_openid(scope) {
                continue;
            }
            let (resource, permission) = match scope.rsplit_once('/') {
                Some((resource, permission)) if !resource.is_empty() && !permission.is_empty() => {
                    (resource.to_owned(), permission)
                }
                Some(_) => return Err(invalid(scope)),
                // A permission without a resource is one of Graph's.
                None => (GRAPH.to_string(), scope),
            };
            if requested.resource.is_empty() {
                requested.resource = resource;
            } else if requested.resource != resource {
                return Err(refuse(
                    28000,
                    format!(
                        "Provided value for the input parameter scope is not valid because it contains more than \
                         one resource. Scope {} is not valid.",
                        clip(text)
                    ),
                ));
            }
            match permission {
                ".default" => requested.is_default = true,
                named => requested.named.push(named.to_owned()),
            }
        }
        if requested.resource.is_empty() {
            requested.resource = GRAPH.to_string();
        }
        if requested.is_default && !requested.named.is_empty() {
            return Err(refuse(
                70011,
                format!(
                    "The provided value for the input parameter 'scope' is not valid. One or more scopes in '{}' are \
                     not compatible with each other: .default scope can't be combined with resource-specific scopes.",
                    clip(text)
                ),
            ));
        }
        Ok(requested)
    }

    /// The scope of a request to the v1.0 endpoint. It names a resource and means all its
    /// permissions.
    pub(super) fn of_v1(resource: &str, scope: Option<&str>) -> Result<Self, Refusal> {
        let has = |name| scope.is_some_and(|s| s.split_ascii_whitespace().any(|s| s == name));
        Ok(Self {
            resource: resource.to_owned(),
            named: Vec::new(),
            is_default: false,
            openid: has("openid"),
            email: has("email"),
            offline: true,
            text: format!("{resource}/.default openid offline_access"),
        })
    }

    /// Checks that the resource has the requested permissions.
    ///
    /// # Errors
    /// 650053 for a permission that the resource does not have.
    pub(super) fn check_permissions(
        &self,
        application: &Application,
        resource: &TokenResource,
    ) -> Result<(), Refusal> {
        let is_known = |name: &str| {
            let mut known = resource.permissions.iter();
            known.any(|known| known.eq_ignore_ascii_case(name))
                || (resource.has_more_permissions && is_permission(name, resource.app_id))
        };
        let strange = |name: &&String| !is_known(name);
        match self.named.iter().find(strange) {
            None => Ok(()),
            Some(name) => Err(Refusal::new(
                650_053,
                "invalid_client",
                StatusCode::BAD_REQUEST,
                format!(
                    "The application '{}' asked for scope '{}' that doesn't exist on the resource '{}'. Contact the \
                     app vendor.",
                    application.name,
                    clip(name),
                    resource.app_id
                ),
            )),
        }
    }

    /// The requested permissions, without `.default`.
    pub(super) fn permissions(&self) -> &[String] {
        &self.named
    }

    /// `scp`: all permissions that the client has for the resource, even if it requested only some.
    pub(super) fn scp(&self, resource: &TokenResource) -> String {
        let mut all = self.granted(resource);
        if resource.app_id == GRAPH {
            all.extend(OPENID);
            all.sort_by_key(|name| name.to_ascii_lowercase());
        }
        all.join(" ")
    }

    fn granted<'a>(&'a self, resource: &'a TokenResource) -> Vec<&'a str> {
        let mut all: Vec<&str> = resource.permissions.iter().map(String::as_str).collect();
        for name in &self.named {
            if !all.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                all.push(name);
            }
        }
        all
    }

    /// `scope` of the response, as each endpoint writes it.
    pub(super) fn echo(&self, resource: &TokenResource, is_v1: bool) -> String {
        if is_v1 {
            return self.scp(resource);
        }
        // Graph's permissions that were requested without the resource come back without it.
        if self.resource == GRAPH.to_string() && !self.is_default {
            return self.scp(resource);
        }
        let mut all: Vec<String> = Vec::new();
        if resource.app_id == GRAPH {
            all.extend(OPENID.iter().map(|name| (*name).to_owned()));
        }
        let prefix = &self.resource;
        all.extend(
            self.granted(resource)
                .iter()
                .map(|name| format!("{prefix}/{name}")),
        );
        if self.is_default {
            all.push(format!("{prefix}/.default"));
        }
        all.join(" ")
    }
}

/// Whether a name has the form of a permission: words with dots between, for Graph at least two.
fn is_permission(name: &str, resource: Uuid) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    let is_long_enough = resource != GRAPH || name.contains('.');
    is_long_enough && name.split('.').all(is_word)
}

fn invalid(scope: &str) -> Refusal {
    refuse(
        70011,
        format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {} is not valid.",
            clip(scope)
        ),
    )
}

fn refuse(code: u32, message: String) -> Refusal {
    Refusal::new(code, "invalid_scope", StatusCode::BAD_REQUEST, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn resource(app_id: Uuid) -> TokenResource {
        TokenResource {
            app_id,
            audience: "x".into(),
            version: 1,
            permissions: match app_id {
                GRAPH => vec!["Group.ReadWrite.All".into(), "User.Read".into()],
                _ => vec!["user_impersonation".into()],
            },
            has_more_permissions: app_id == GRAPH,
            is_evaluated_continuously: false,
        }
    }

    #[test]
    fn a_scope_is_one_resource_with_permissions_and_openid_scopes() {
        let requested =
            RequestedScope::of_v2("https://a.b//.default offline_access openid profile").unwrap();
        assert_eq!(requested.resource, "https://a.b/");
        assert!(requested.offline && requested.openid && !requested.email);
        assert_eq!(
            requested.echo(&resource(Uuid::from_u128(1)), false),
            "https://a.b//user_impersonation https://a.b//.default"
        );
        let named = RequestedScope::of_v2("https://a.b/user_impersonation").unwrap();
        assert_eq!(named.resource, "https://a.b");
        assert!(!named.offline && !named.openid);
        let graph = RequestedScope::of_v2("User.Read openid").unwrap();
        assert_eq!(graph.resource, GRAPH.to_string());
        let echo = graph.echo(&resource(GRAPH), false);
        assert_eq!(echo, graph.scp(&resource(GRAPH)));
        assert!(
            echo.contains("email Group.ReadWrite.All openid profile "),
            "{echo}"
        );
        let code = |text| RequestedScope::of_v2(text).unwrap_err().code;
        assert_eq!(code("https://a.b/x https://c.d/x"), 28000);
        assert_eq!(code("https://a.b/x User.Read"), 28000);
        assert_eq!(code("https://a.b/.default https://a.b/x"), 70011);
        for malformed in ["", "/", "https://a.b/", "/x", "a\\b/x"] {
            assert_eq!(code(malformed), 70011, "{malformed}");
        }
    }

    #[test]
    fn a_permission_that_a_resource_does_not_have_is_rejected() {
        let app = Application::new(Uuid::nil(), Uuid::nil(), "an app");
        let arm = resource(Uuid::from_u128(1));
        let check_at = |resource: &TokenResource, scope| {
            RequestedScope::of_v2(scope)
                .unwrap()
                .check_permissions(&app, resource)
                .map_err(|r| r.code)
        };
        let check = |scope| check_at(&arm, scope);
        assert_eq!(check("https://a.b/User_Impersonation"), Ok(()));
        assert_eq!(check("https://a.b/everything"), Err(650_053));
        // Graph has hundreds, of which the emulator has no list.
        let graph = resource(GRAPH);
        let read = RequestedScope::of_v2("Mail.Read offline_access").unwrap();
        assert!(read.check_permissions(&app, &graph).is_ok());
        assert!(read.scp(&graph).contains(" Mail.Read "));
        for strange in ["everything", "Mail.", "Mail.Re:ad", ".Mail"] {
            assert_eq!(check_at(&graph, strange), Err(650_053), "{strange}");
        }
    }
}
