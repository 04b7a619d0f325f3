//! The client of a token request: its application and its credential.

use crate::{
    directory::{Application, Audience, Directory, SecretText, ServicePrincipal, Tenant},
    entra::{
        assertion::{self, Addressee, malformed},
        claims::Proof,
        federation,
        form::Form,
        refusal::Refusal,
    },
    replication::View,
    signing::Jws,
    text::clip,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use uuid::Uuid;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The credentials in a token request. `Debug` hides the secrets.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) client_id: String,
    pub(super) presented: Presented,
}

/// The credential that a client sent.
#[derive(Debug)]
pub(super) enum Presented {
    Nothing,
    Secret(SecretText),
    Assertion(SecretText),
}

impl Credentials {
    /// Reads the credentials from the body (`client_secret_post`, `private_key_jwt`) or from the
    /// header (`client_secret_basic`).
    pub(super) fn read(form: &Form, authorization: Option<&str>) -> Result<Self, Refusal> {
        if let Some(basic) = authorization.and_then(|value| value.strip_prefix("Basic ")) {
            let (client_id, secret) = decode_basic(basic).ok_or_else(|| {
                Refusal::invalid_request(
                    90023,
                    "The authentication service request is not valid: the Authorization header can't be read.",
                )
            })?;
            return Ok(Self {
                client_id,
                presented: Presented::Secret(secret),
            });
        }
        let client_id = form.required("client_id")?.to_owned();
        let presented = if let Some(assertion) = form.get("client_assertion") {
            match form.get("client_assertion_type") {
                Some(JWT_BEARER) => {}
                Some(_) => {
                    return Err(Refusal::invalid_request(
                        90023,
                        format!(
                            "The authentication service request is not valid: 'client_assertion_type' has to be '{JWT_BEARER}'."
                        ),
                    ));
                }
                None => return Err(Refusal::missing_parameter("client_assertion_type")),
            }
            Presented::Assertion(SecretText::new(assertion))
        } else if let Some(secret) = form.get("client_secret") {
            Presented::Secret(SecretText::new(secret))
        } else {
            Presented::Nothing
        };
        Ok(Self {
            client_id,
            presented,
        })
    }
}

/// RFC 6749 section 2.3.1: both parts are form-encoded, joined by a colon, then base64-encoded.
fn decode_basic(text: &str) -> Option<(String, SecretText)> {
    let decoded = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    // Each part is decoded as if it were one pair of a form, as RFC 6749 requires.
    let decode = |part: &str| {
        url::form_urlencoded::parse(part.replace('=', "%3D").replace('&', "%26").as_bytes())
            .next()
            .map(|(name, _)| name.into_owned())
            .unwrap_or_default()
    };
    Some((decode(id), SecretText::new(decode(secret))))
}

/// The application with this client id, if it can be used in the tenant.
pub(super) fn find<'a>(
    directory: &'a Directory,
    tenant: &Tenant,
    client_id: &str,
) -> Result<&'a Application, Refusal> {
    named(directory, client_id)
        .filter(|app| {
            app.home_tenant == tenant.id
                || app.audience == Audience::MultipleTenants
                || directory
                    .service_principal_of(tenant.id, app.app_id)
                    .is_some()
        })
        .ok_or_else(|| unknown(client_id, &tenant.name))
}

/// The application with this client id, for a request that names no tenant. `endpoint` is `common`,
/// `organizations` or `consumers`.
pub(super) fn find_anywhere<'a>(
    directory: &'a Directory,
    endpoint: &str,
    client_id: &str,
) -> Result<&'a Application, Refusal> {
    named(directory, client_id).ok_or_else(|| unknown(client_id, endpoint))
}

fn named<'a>(directory: &'a Directory, client_id: &str) -> Option<&'a Application> {
    let id = Uuid::try_parse(client_id).ok()?;
    directory.client(id)
}

pub(super) fn unknown(client_id: &str, place: &str) -> Refusal {
    Refusal::new(
        700_016,
        "unauthorized_client",
        StatusCode::BAD_REQUEST,
        format!(
            "Application with identifier '{}' was not found in the directory '{place}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant.",
            clip(client_id),
        ),
    )
}

/// A confidential client sent no credential: AADSTS7000218.
pub(super) fn no_secret() -> Refusal {
    Refusal::invalid_client(
        7_000_218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
}

/// Checks the credential that a client sent for an application.
pub(super) fn prove(
    presented: &Presented,
    application: &Application,
    to: &Addressee<'_>,
) -> Result<Proof, Refusal> {
    if application.public_client && !matches!(presented, Presented::Nothing) {
        return Err(Refusal::invalid_client(
            700_025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        ));
    }
    match presented {
        Presented::Nothing => Err(Refusal::invalid_client(
            7_000_216,
            "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
        )),
        Presented::Secret(secret) => check_secret(secret, application, to).map(|()| Proof::Secret),
        Presented::Assertion(token) => {
            check_assertion(token, application, to).map(|()| Proof::Assertion)
        }
    }
}

fn check_secret(
    presented: &SecretText,
    application: &Application,
    to: &Addressee<'_>,
) -> Result<(), Refusal> {
    let app = application.app_id;
    // All secrets are compared, so that the time does not show which one matches.
    let (mut valid, mut expired) = (false, false);
    let mut all = to.directory.secrets_of(to.tenant.id, application);
    all.retain(|secret| !to.world.replication.misses(View::SignIn, secret.id));
    for secret in &all {
        let is_it = secret.text.matches(presented.expose());
        if secret.starts.is_some_and(|starts| starts > to.now) {
            continue;
        }
        if secret.expires > to.now {
            valid |= is_it;
        } else {
            expired |= is_it;
        }
    }
    let all_expired = !all.is_empty() && all.iter().all(|secret| secret.expires <= to.now);
    if valid {
        Ok(())
    } else if expired || all_expired {
        Err(Refusal::invalid_client(
            7_000_222,
            format!(
                "The provided client secret keys for app '{app}' are expired. Visit the Azure portal to create new \
                 keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for \
                 added security: https://aka.ms/certCreds."
            ),
        ))
    } else {
        Err(Refusal::invalid_client(
            7_000_215,
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                 value, not the client secret ID, for a secret added to app '{app}'."
            ),
        ))
    }
}

fn check_assertion(
    token: &SecretText,
    application: &Application,
    to: &Addressee<'_>,
) -> Result<(), Refusal> {
    let jws = Jws::parse(token.expose()).map_err(malformed)?;
    // If the issuer is a client id, the application signed the assertion itself. If the issuer is a
    // URL, another issuer did.
    let is_own = jws
        .claim_str("iss")
        .is_none_or(|issuer| Uuid::try_parse(issuer).is_ok());
    if is_own {
        assertion::check(&jws, application, to)
    } else {
        federation::check(&jws, application, to.world, to.directory, to.now)
    }
}

/// The service principal to which the token is issued.
///
/// # Errors
/// 7000229 if the tenant has no service principal for the application, 7000112 if it is disabled,
/// 53003 if Conditional Access blocks it.
pub(super) fn principal<'a>(
    directory: &'a Directory,
    tenant: &Tenant,
    application: &Application,
) -> Result<&'a ServicePrincipal, Refusal> {
    let app = application.app_id;
    let found = directory.service_principal_of(tenant.id, app);
    let principal = found.ok_or_else(|| no_principal(app, tenant))?;
    if !principal.enabled {
        return Err(Refusal::new(
            7_000_112,
            "unauthorized_client",
            StatusCode::BAD_REQUEST,
            format!("Application '{app}'({}) is disabled.", application.name),
        ));
    }
    if principal.blocked_by_conditional_access {
        return Err(Refusal::by_code(53003));
    }
    Ok(principal)
}

/// The tenant has no service principal for an application: AADSTS7000229.
pub(super) fn no_principal(app: Uuid, tenant: &Tenant) -> Refusal {
    Refusal::invalid_client(
        7_000_229,
        format!(
            "The client application {app} is missing service principal in the tenant {}. See instructions here: \
             https://go.microsoft.com/fwlink/?linkid=2225119",
            tenant.id
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_header_is_decoded_like_a_form() {
        let text = STANDARD.encode("a%20b:s%3Ae+c=t&1:x");
        let (id, secret) = decode_basic(&text).unwrap();
        assert_eq!(id, "a b");
        assert_eq!(secret.expose(), "s:e c=t&1:x");
        assert!(decode_basic("not base64!").is_none());
        assert!(decode_basic(&STANDARD.encode("no colon")).is_none());
    }
}
