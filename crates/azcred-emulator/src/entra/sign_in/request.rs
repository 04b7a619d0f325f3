//! An authorization request: the parameters of the authorize endpoint, with the checks that need no
//! user.
//!
//! 'Microsoft identity platform and OAuth 2.0 authorization code flow', 'OpenID Connect on the
//! Microsoft identity platform'; RFC 6749 section 4.1.1, RFC 7636 section 4.3.

use crate::{
    directory::{Application, Audience, Directory},
    entra::{
        authority::Authority,
        claims_request::ClaimsRequest,
        client,
        delegated_scope::RequestedScope,
        form::Form,
        pkce,
        refusal::Refusal,
        sign_in::{
            redirect_uri,
            return_address::{Mode, ReturnAddress},
        },
        version::Version,
    },
    entra_state::Challenge,
    text::clip,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A valid request, for which pages can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AuthorizationRequest {
    /// The redirect URI and the response mode.
    pub(super) back: ReturnAddress,
    pub(super) version: Version,
    /// The resource, at the v1.0 endpoint.
    pub(super) resource: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) challenge: Option<Challenge>,
    pub(super) login_hint: Option<String>,
    pub(super) domain_hint: Option<String>,
    /// An earlier session, by its `sid`.
    pub(super) sid: Option<Uuid>,
    pub(super) prompt: Prompt,
    /// The greatest age of the sign-in, in seconds.
    pub(super) max_age: Option<i64>,
    pub(super) claims: Option<String>,
    /// The response must have `client_info`.
    pub(super) client_info: bool,
}

/// `prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Prompt {
    /// The pages that are needed.
    Auto,
    /// No page: the sign-in succeeds without the user, or fails.
    None,
    /// The password, even if an account is signed in.
    Login,
    /// The choice of an account, even if an account is signed in.
    SelectAccount,
    /// The consent, even if the user has consented before.
    Consent,
}

/// How a failed request is reported.
#[derive(Debug)]
pub(super) enum Failure {
    /// On a page: the redirect URI can't be trusted.
    Page(Refusal),
    /// To the program, at its redirect URI.
    Answer(Box<(ReturnAddress, Refusal)>),
}

/// The longest accepted hint, nonce, state or similar parameter.
const MAX_TEXT: usize = 2048;
/// The largest accepted total of all parameters, in bytes: 'AADSTS90015: QueryStringTooLong'.
pub(super) const MAX_PARAMETERS: usize = 16 * 1024;

impl AuthorizationRequest {
    /// Parses the parameters of a request. `segment` names the tenant or the kind of tenants. The
    /// request comes with its client id.
    pub(super) fn read(
        directory: &Directory,
        segment: &str,
        version: Version,
        parameters: &[u8],
    ) -> Result<(Uuid, Self), Failure> {
        let page = Failure::Page;
        if parameters.len() > MAX_PARAMETERS {
            return Err(page(Refusal::new(
                90015,
                "invalid_request",
                StatusCode::URI_TOO_LONG,
                "Requested query string is too long.",
            )));
        }
        let authority = Authority::resolve(directory, segment).map_err(page)?;
        let form = Form::read(parameters).map_err(page)?;
        let application = application(directory, authority, &form).map_err(page)?;
        let uri = redirect_uri::choose(application, form.get("redirect_uri")).map_err(page)?;
        let mut back = ReturnAddress {
            uri,
            mode: Mode::Query,
            state: form.get("state").map(str::to_owned),
        };
        // From here on, errors go to the program.
        match Self::rest(&form, &mut back, version) {
            Ok(request) => Ok((application.app_id, request)),
            Err(refusal) => Err(Failure::Answer(Box::new((back, refusal)))),
        }
    }

    fn rest(form: &Form, back: &mut ReturnAddress, version: Version) -> Result<Self, Refusal> {
        if let Some(mode) = form.get("response_mode") {
            back.mode = Mode::read(mode).ok_or_else(|| {
                Refusal::invalid_request(
                    70007,
                    format!(
                        "'{}' is not a supported value of 'response_mode' when requesting a token.",
                        clip(mode)
                    ),
                )
            })?;
        }
        check_response_type(form.required("response_type")?)?;
        let text = |name: &str| match form.get(name) {
            Some(text) if text.len() > MAX_TEXT => Err(unsupported(name)),
            text => Ok(text.map(str::to_owned)),
        };
        let request = Self {
            back: back.clone(),
            version,
            resource: text("resource")?,
            scope: form.get("scope").map(str::to_owned),
            nonce: text("nonce")?,
            challenge: pkce::read(
                form.get("code_challenge"),
                form.get("code_challenge_method"),
            )?,
            login_hint: text("login_hint")?,
            domain_hint: text("domain_hint")?,
            sid: form.get("sid").and_then(|sid| Uuid::try_parse(sid).ok()),
            prompt: Prompt::read(form.get("prompt"))?,
            max_age: match form.get("max_age") {
                Some(seconds) => Some(seconds.parse().map_err(|_| unsupported("max_age"))?),
                None => None,
            },
            claims: form.get("claims").map(str::to_owned),
            client_info: form.get("client_info") == Some("1"),
        };
        // Both are parsed again later. Here, a malformed one is rejected before the user sees a
        // page.
        request.requested()?;
        ClaimsRequest::read(request.claims.as_deref())?;
        Ok(request)
    }

    /// The requested scope.
    ///
    /// # Errors
    /// 901002 for a resource at the v2.0 endpoint, 900144 without a scope, 70011 and 28000 for a
    /// malformed one.
    pub(super) fn requested(&self) -> Result<RequestedScope, Refusal> {
        match (self.version, &self.resource) {
            (Version::V1, resource) => {
                let resource = resource.as_deref().unwrap_or(AZURE_AD_GRAPH);
                RequestedScope::of_v1(resource, self.scope.as_deref())
            }
            (Version::V2, Some(_)) => Err(Refusal::invalid_request(
                901_002,
                "The 'resource' request parameter is not supported.",
            )),
            (Version::V2, None) => match &self.scope {
                Some(scope) => RequestedScope::of_v2(scope),
                None => Err(Refusal::missing_parameter("scope")),
            },
        }
    }
}

/// The default resource of a v1.0 request.
const AZURE_AD_GRAPH: &str = "00000002-0000-0000-c000-000000000000";

impl Prompt {
    fn read(text: Option<&str>) -> Result<Self, Refusal> {
        Ok(match text {
            None => Self::Auto,
            Some("none") => Self::None,
            Some("login") => Self::Login,
            // A workforce tenant has no sign-up; the service shows its usual page.
            Some("select_account" | "create") => Self::SelectAccount,
            Some("consent") => Self::Consent,
            Some(_) => return Err(unsupported("prompt")),
        })
    }
}

/// The application of the request, if it may use the endpoint.
///
/// # Errors
/// 900144 without a client id, 700016 for an unknown one, 50194 for a single-tenant application at
/// the endpoint for all tenants.
fn application<'a>(
    directory: &'a Directory,
    authority: Authority<'_>,
    form: &Form,
) -> Result<&'a Application, Refusal> {
    let client_id = form.required("client_id")?;
    if let Authority::Tenant(tenant) = authority {
        return client::find(directory, tenant, client_id);
    }
    let application = Uuid::try_parse(client_id)
        .ok()
        .and_then(|id| directory.applications.get(&id))
        .ok_or_else(|| {
            Refusal::new(
                700_016,
                "unauthorized_client",
                StatusCode::BAD_REQUEST,
                format!(
                    "Application with identifier '{}' was not found in the directory. This can happen if the \
                     application has not been installed by the administrator of the tenant or consented to by any \
                     user in the tenant. You may have sent your authentication request to the wrong tenant.",
                    clip(client_id)
                ),
            )
        })?;
    match application.audience {
        Audience::MultipleTenants => Ok(application),
        Audience::SingleTenant => Err(Refusal::invalid_request(
            50194,
            format!(
                "Application '{}'({}) is not configured as a multi-tenant application. Usage of the /common endpoint \
                 is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or \
                 configure the application to be multi-tenant.",
                application.app_id, application.name
            ),
        )),
    }
}

/// Only codes are issued. To get tokens in a URL, an application must be configured for it in the
/// portal.
fn check_response_type(requested: &str) -> Result<(), Refusal> {
    let refuse = |code, message: String| {
        Err(Refusal::new(
            code,
            "unsupported_response_type",
            StatusCode::BAD_REQUEST,
            message,
        ))
    };
    let has = |name| requested.split(' ').any(|part| part == name);
    let known = |part: &str| ["code", "token", "id_token"].contains(&part);
    match requested {
        "code" => Ok(()),
        _ if !requested.split(' ').all(known) => refuse(
            70005,
            format!("The response_type '{}' is not supported.", clip(requested)),
        ),
        _ if has("token") => refuse(
            700_051,
            "response_type 'token' is not enabled for the application.".to_owned(),
        ),
        _ => refuse(
            700_054,
            "response_type 'id_token' is not enabled for the application.".to_owned(),
        ),
    }
}

fn unsupported(name: &str) -> Refusal {
    Refusal::invalid_request(
        90023,
        format!(
            "The authentication service request is not valid: the value of '{name}' is not supported."
        ),
    )
}
