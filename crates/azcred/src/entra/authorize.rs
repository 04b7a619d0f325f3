//! The authorization request that a person's browser takes to the provider, and what it brings back
//! (RFC 6749 section 4.1).
//!
//! The answer comes in the query of an address, and not in a form that the browser posts: every
//! provider can do that (RFC 8252 section 7.3), and whoever waits for it need take no request but a
//! plain visit. What stays in the browser's history is a code that was used, and that was of no use
//! without the verifier, which never leaves this process but for the token endpoint (RFC 7636).

use super::{
    Endpoints, Grant, SignedIn, TokenEndpoint, pkce, scopes_of_person,
    token_answer::{self, Asked},
};
use crate::{
    facts::{Error, ErrorKind, Fix, Result},
    http::{HeaderMap, HttpResponse},
    redact::printable,
    request::TokenRequest,
};
use secrecy::{ExposeSecret, SecretString};
use std::{fmt, time::Duration};
use url::Url;
use zeroize::Zeroizing;

/// What a person is asked for besides.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes<'a> {
    /// The name to begin with.
    pub(crate) login_hint: Option<&'a str>,
    /// Whether they are asked again for what is known (`prompt`, OpenID Connect Core 1.0 section
    /// 3.1.2.1).
    pub(crate) prompt: Option<&'static str>,
}

/// One request, which one answer is taken for. `Debug` shows nothing of it.
pub(crate) struct Authorization {
    url: Url,
    redirect_uri: String,
    issuer: Option<String>,
    /// Whether the provider promised to say who it is in each answer.
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

/// What a browser brings back of a request of ours.
pub(crate) enum Redirected {
    /// The person signed in.
    Code(SecretString),
    /// The provider said no, in these words of its own.
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

/// A longer code is none.
const LONGEST_CODE: usize = 8192;

impl Authorization {
    /// A request for what `request` says, whose answer is to come to `redirect_uri`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the machine has no randomness to give.
    pub(crate) fn new(
        endpoints: &Endpoints,
        client_id: &str,
        request: &TokenRequest,
        redirect_uri: String,
        wishes: Wishes<'_>,
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
                // Entra ID's own: the account's home along with the tokens, and a number to search
                // its log by.
                query
                    .append_pair("client_info", "1")
                    .append_pair("client-request-id", &uuid::Uuid::new_v4().to_string());
            }
            // Where it is the provider's to say no, a refresh token takes a consent that is asked
            // for (OpenID Connect Core 1.0 section 11); Entra ID gives it to whom it was allowed
            // once.
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

    /// Where the browser is sent. Who can read it while the person signs in (other users can see a
    /// program's arguments) could answer in their place, with a sign-in of their own: that is why
    /// people are shown as whom they are signed in.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Reads the query that a browser came with.
    ///
    /// # Errors
    /// Why it is not the answer to this request, as half a sentence: it is to be turned away, and
    /// waited on.
    pub(crate) fn read(&self, query: &str) -> std::result::Result<Redirected, &'static str> {
        let [mut code, mut state, mut error, mut description, mut issuer] = [const { None }; 5];
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "code" => &mut code,
                "state" => &mut state,
                "error" => &mut error,
                "error_description" => &mut description,
                "iss" => &mut issuer,
                // RFC 6749 section 4.1.2: what is not known is ignored.
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
        // RFC 9207 section 2.4: another provider's answer, where one says whose it is, or had
        // promised to.
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

    /// Turns what the browser brought into tokens of the person, and says whose they are.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] where the provider said no; [`ErrorKind::Unexpected`] where it speaks
    /// of another sign-in; those of the token endpoint.
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
        let tokens = endpoint.ask_all(who, &grant, request, deadline).await?;
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
        // Entra ID's ids stand in the text alone here. What is read of it is what a token
        // endpoint's refusal has.
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
            &Asked {
                what: &what,
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

/// What a code can be: whatever can stand in a form, which Entra ID's are some kilobytes of.
fn is_code(code: &str) -> bool {
    (1..=LONGEST_CODE).contains(&code.len())
        && code.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Refusals that say no more than their name (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0
/// section 3.1.2.6).
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
