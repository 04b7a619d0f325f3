//! The authorization request that a person's browser takes to the provider, and its response (RFC
//! 6749 section 4.1).
//!
//! The response comes in a query, not in a form that the browser posts: every provider supports
//! that (RFC 8252 section 7.3), and the listener needs to accept GET requests only. The browser's
//! history then has a used code. The code is useless without the verifier, which is sent to the
//! token endpoint only (RFC 7636).

use super::{
    Endpoints, Grant, SentProof, SignedIn, TokenEndpoint, pkce, scopes_of_person,
    token_answer::{self, SentRequest},
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result},
    http::{HeaderMap, HttpResponse},
    request::TokenRequest,
    untrusted::printable,
};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, time::Duration};
use url::Url;
use zeroize::Zeroizing;

/// Optional parameters of an authorization request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AuthorizationOptions<'a> {
    /// The sign-in name to offer.
    pub(crate) login_hint: Option<&'a str>,
    /// What the provider asks the person again (`prompt`, OpenID Connect Core 1.0 section 3.1.2.1).
    pub(crate) prompt: Option<&'static str>,
}

/// One authorization request, which accepts one response. `Debug` shows nothing of it.
pub(crate) struct Authorization {
    url: Url,
    redirect_uri: String,
    issuer: Option<String>,
    /// Whether the provider announced that each response names it (RFC 9207).
    names_issuer: bool,
    state: SecretString,
    nonce: SecretString,
    verifier: SecretString,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization").finish_non_exhaustive()
    }
}

/// The response that a browser brings.
pub(crate) enum Redirected {
    /// The person signed in.
    Code(SecretString),
    /// The provider rejected the sign-in, with this error.
    Refused {
        /// RFC 6749 section 4.1.2.1.
        error: String,
        description: String,
    },
}

impl fmt::Debug for Redirected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code(_) => "Code",
            Self::Refused { .. } => "Refused",
        })
    }
}

/// A longer text is not a code.
const LONGEST_CODE: usize = 8192;

impl Authorization {
    /// Builds the authorization request for `request`. The browser is redirected to `redirect_uri`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the system has no random numbers.
    pub(crate) fn new(
        endpoints: &Endpoints,
        client_id: &str,
        request: &TokenRequest,
        redirect_uri: String,
        wishes: AuthorizationOptions<'_>,
    ) -> Result<Self> {
        let (state, nonce) = (pkce::unguessable()?, pkce::unguessable()?);
        let verifier = pkce::unguessable()?;
        let mut url = endpoints.authorization.clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("client_id", client_id)
                .append_pair("response_type", "code")
                .append_pair("redirect_uri", &redirect_uri)
                .append_pair("scope", &scopes_of_person(request))
                .append_pair("state", state.expose_secret())
                .append_pair("nonce", nonce.expose_secret())
                .append_pair("code_challenge", &pkce::challenge(&verifier))
                .append_pair("code_challenge_method", "S256");
            if endpoints.issuer.is_none() {
                // Entra ID's parameters: the response then has the account's home, and the sign-in
                // log has this id.
                query
                    .append_pair("client_info", "1")
                    .append_pair("client-request-id", &uuid::Uuid::new_v4().to_string());
            }
            // Other providers return a refresh token only after consent, which `prompt` requests
            // (OpenID Connect Core 1.0 section 11). Entra ID remembers a consent.
            let is_asked = endpoints.issuer.is_some().then_some("consent");
            for (name, value) in [
                ("login_hint", wishes.login_hint),
                ("prompt", wishes.prompt.or(is_asked)),
            ] {
                if let Some(value) = value {
                    query.append_pair(name, value);
                }
            }
            if let Some(claims) = request.sent_claims() {
                query.append_pair("claims", &claims);
            }
        }
        Ok(Self {
            url,
            redirect_uri,
            issuer: endpoints.issuer.clone(),
            names_issuer: endpoints.names_issuer,
            state,
            nonce,
            verifier,
        })
    }

    /// The address for the browser. Other users can see a program's arguments, so another user
    /// could read the address during the sign-in and answer with their own account. That is why the
    /// person is shown the account that signed in.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The value that the provider sends back.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn state(&self) -> &SecretString {
        &self.state
    }

    /// Reads the query of the browser's request.
    ///
    /// # Errors
    /// Why the query is not the response to this request, as half a sentence. The caller rejects
    /// the query and continues to wait.
    pub(crate) fn read(&self, query: &str) -> std::result::Result<Redirected, &'static str> {
        let [mut code, mut state, mut error, mut description, mut issuer] = [const { None }; 5];
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "code" => &mut code,
                "state" => &mut state,
                "error" => &mut error,
                "error_description" => &mut description,
                "iss" => &mut issuer,
                // RFC 6749 section 4.1.2: unknown parameters are ignored.
                _ => continue,
            };
            if place.replace(Zeroizing::new(value.into_owned())).is_some() {
                return Err("an answer with a field twice");
            }
        }
        let Some(state) = state else {
            return Err("a visit that is not an answer to a sign-in");
        };
        if !pkce::is_same(&state, &self.state) {
            return Err("an answer to another sign-in");
        }
        // RFC 9207 section 2.4: the response must name this provider if it names one or if the
        // provider announced so. Otherwise it is another provider's.
        match (&issuer, &self.issuer) {
            (Some(said), Some(ours)) if **said != *ours => {
                return Err("an answer from another provider");
            }
            (None, _) if self.names_issuer => {
                return Err("an answer that does not name its provider");
            }
            _ => {}
        }
        match (code, error) {
            (Some(code), None) if is_code(&code) => {
                Ok(Redirected::Code(SecretString::from(code.as_str())))
            }
            (None, Some(error)) if !error.is_empty() => Ok(Redirected::Refused {
                error: error.to_string(),
                description: description.map(|text| text.to_string()).unwrap_or_default(),
            }),
            _ => Err("an answer that can't be read"),
        }
    }

    /// Redeems the browser's response for the person's tokens, and reads whose they are.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if the provider rejected the sign-in; [`ErrorKind::Unexpected`] if
    /// the tokens are of another sign-in; the errors of the token endpoint.
    pub(crate) async fn redeem(
        &self,
        who: &str,
        redirected: Redirected,
        endpoint: &TokenEndpoint,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<SignedIn> {
        let code = match redirected {
            Redirected::Code(code) => code,
            Redirected::Refused { error, description } => {
                return Err(self.refused(who, endpoint, request, &error, &description));
            }
        };
        let grant = Grant::AuthorizationCode {
            code,
            verifier: self.verifier.clone(),
            redirect_uri: self.redirect_uri.clone(),
        };
        let tokens = endpoint
            .request_tokens(who, &grant, request, deadline)
            .await?;
        endpoint
            .signed_in(who, tokens, Some(&self.nonce), request)
            .await
    }

    fn refused(
        &self,
        who: &str,
        endpoint: &TokenEndpoint,
        request: &TokenRequest,
        error: &str,
        description: &str,
    ) -> Error {
        let what = what(who, endpoint);
        let said = printable(description, 300);
        if matches!(error, "server_error" | "temporarily_unavailable") {
            return Error::new(
                ErrorKind::Unreachable,
                what,
                format!("the authority failed: {error}. {said}"),
            )
            .with_fix(Fix::Retry { after: None });
        }
        // Entra ID writes its ids into the text only. The result has the form of a token endpoint's
        // error.
        let after = |label: &str, upto: &[char]| {
            let rest = description.split_once(label)?.1.trim_start();
            rest.split(upto).next().map(str::to_owned)
        };
        let answer = serde_json::json!({
            "error": error,
            "error_description": description,
            "trace_id": after("Trace ID:", &[' ', '\r', '\n']),
            "correlation_id": after("Correlation ID:", &[' ', '\r', '\n']),
            "timestamp": after("Timestamp:", &['\r', '\n']),
        });
        let response = HttpResponse {
            status: 302,
            headers: HeaderMap::new(),
            body: answer.to_string().into_bytes().into(),
            attempts: 1,
            clock_skew: None,
        };
        let secrets = [&self.state, &self.nonce, &self.verifier].map(ExposeSecret::expose_secret);
        let tenant = request.tenant().unwrap_or(endpoint.tenant());
        let refused = token_answer::failure(
            &SentRequest {
                what: &what,
                proof: SentProof::Person,
                client_id: endpoint.client_id().as_str(),
                tenant: tenant.as_str(),
                scope: request.scopes()[0].resource(),
                secrets: &secrets,
                now: endpoint.options().system().now(),
            },
            &response,
        );
        if refused.code().is_none()
            && let Some((why, fix)) = meaning(error)
        {
            let refusal = refused.refusal().cloned().unwrap_or_default();
            let said = refusal.description.trim_end_matches('.');
            let why = match said {
                "" => why.to_owned(),
                said => format!("{why}; the authority returned: {said}"),
            };
            return Error::new(ErrorKind::Refused, what, why)
                .with_fix(fix)
                .with_refusal(refusal);
        }
        refused
    }
}

fn what(who: &str, endpoint: &TokenEndpoint) -> String {
    format!(
        "{who} could not sign in at {} in a browser",
        endpoint.authority().host()
    )
}

/// Whether a text can be a code: printable ASCII of up to some kilobytes, as Entra ID's are.
fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len())
        && code.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// What errors mean that explain nothing besides their name (RFC 6749 section 4.1.2.1, OpenID
/// Connect Core 1.0 section 3.1.2.6).
fn meaning(error: &str) -> Option<(&'static str, &'static str)> {
    Some(match error {
        "access_denied" => (
            "the sign-in was cancelled in the browser, or a permission was declined",
            "sign in again, and accept the permissions; if an administrator must accept them, ask one",
        ),
        "login_required" | "interaction_required" | "account_selection_required" => (
            "no account is signed in to the browser, and `prompt=none` shows no sign-in page",
            "sign in again without `prompt=none`",
        ),
        "consent_required" => (
            "the application has no consent yet, and `prompt=none` shows no page for it",
            "sign in again without `prompt=none`, and accept the permissions",
        ),
        _ => return None,
    })
}
