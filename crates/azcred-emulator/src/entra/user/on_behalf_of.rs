//! A service acts for its caller: the grant `urn:ietf:params:oauth:grant-type:jwt-bearer` with
//! `requested_token_use=on_behalf_of` ('OAuth 2.0 On-Behalf-Of flow').
//!
//! The service sends the user's access token that is for it, and gets one for another resource.

use crate::{
    directory::{Application, Directory},
    entra::{
        account::{account, check_enabled, member},
        assertion::{malformed, us_date_time},
        authority::Authority,
        client::no_secret,
        refusal::Refusal,
        session::Session,
        user::{token_request::UserTokenRequest, token_response, token_reuse::TokenReuse},
    },
    entra_state::Proofs,
    signing::Jws,
    text::{clip, iso},
    tokens::{self, BearerError, Claims, SigningKey, verify_token},
    world::World,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

/// Handles the grant.
///
/// # Errors
/// 7000218 for a public client; 900144 and 70003 without `requested_token_use=on_behalf_of`; 50027,
/// 50013, 50107, 500131, 500133 for an assertion that is malformed, of another service, for another
/// application, or out of its time; 7000114 for one of an application; 50034, 50057, 50020, 50173
/// if the account has changed since; and the errors of client, scope, consent and policies.
pub(in super::super) fn grant(request: &UserTokenRequest<'_>) -> Result<Value, Refusal> {
    // A tenant's endpoint knows the client. Without a tenant, the assertion names it.
    if let Authority::Tenant(tenant) = request.authority {
        check_confidential(request.client(tenant)?)?;
    }
    match request.form.required("requested_token_use")? {
        "on_behalf_of" => {}
        other => return Err(Refusal::unsupported_grant(other)),
    }
    let assertion = request.form.required("assertion")?;
    let directory = request.directory;
    let client = named(directory, &request.credentials.client_id);
    let claims = verify(request, assertion, client)?;
    let tenant = match request.authority {
        Authority::Tenant(tenant) => tenant,
        Authority::Any(_) => directory.tenants.get(&claims.tenant).ok_or_else(|| {
            Refusal::invalid_request(90002, "The assertion's tenant was not found.")
        })?,
    };
    let application = request.client(tenant)?;
    check_confidential(application)?;
    if claims.is_app {
        return Err(Refusal::new(
            7_000_114,
            "unauthorized_client",
            StatusCode::BAD_REQUEST,
            format!(
                "Application '{}' is not allowed to make application on-behalf-of calls.",
                application.app_id
            ),
        ));
    }
    let user = account(directory, claims.object_id)?;
    let home = match user.guest_of {
        Some(home) => account(directory, home)?,
        None => user,
    };
    let requested = request.requested(None)?;
    check_enabled(&[home, user])?;
    let issued = claims.all.get("uti").and_then(|id| id.as_str());
    let issued = issued.and_then(tokens::issued_at).unwrap_or_default();
    for account in [home, user] {
        if let Some(valid_from) = account.sessions_valid_from
            && tokens::is_revoked(account, issued)
        {
            return Err(Refusal::revoked(
                issued / 1_000_000,
                valid_from.unix_timestamp(),
            ));
        }
    }
    let user = member(directory, home, tenant, application, 50020)?;
    check_enabled(&[user])?;
    let known = claims.all.get("aio").and_then(|aio| aio.as_str());
    let known = known.and_then(|aio| TokenReuse::open(aio, directory));
    let reuse = known.unwrap_or_else(|| TokenReuse {
        session: Uuid::new_v4(),
        proofs: Proofs::by_password(issued / 1_000_000),
        by_device_code: false,
    });
    let session = Session {
        account: home,
        tenant,
        user,
        application,
        id: reuse.session,
        proofs: reuse.proofs,
        nonce: None,
        by_device_code: reuse.by_device_code,
    };
    let resource = request.permitted(&session, &requested)?;
    token_response::body(request, &session, &requested, &resource)
}

/// Only a client with a credential can be the middle of a chain.
fn check_confidential(application: &Application) -> Result<(), Refusal> {
    match application.public_client {
        false => Ok(()),
        true => Err(no_secret()),
    }
}

fn named<'a>(directory: &'a Directory, client_id: &str) -> Option<&'a Application> {
    let id = Uuid::try_parse(client_id).ok()?;
    directory.applications.get(&id)
}

/// The claims of an access token that this service issued for the client.
fn verify(
    request: &UserTokenRequest<'_>,
    assertion: &str,
    client: Option<&Application>,
) -> Result<Claims, Refusal> {
    let jws = Jws::parse(assertion).map_err(malformed)?;
    // The client's names, in the spelling of the token.
    let audience = jws.claim_str("aud").unwrap_or_default();
    let is_for_client = client.is_some_and(|client| {
        let is_it = |app: &Application| app.app_id == client.app_id;
        request
            .directory
            .application_named(audience)
            .is_some_and(is_it)
    });
    let accepted: Vec<String> = is_for_client
        .then(|| audience.to_owned())
        .into_iter()
        .collect();
    let now = request.exchange.now;
    verify_token(request.world, request.directory, assertion, &accepted).map_err(|why| match why {
        BearerError::Malformed(why) => malformed(why),
        BearerError::Missing | BearerError::NotBearer => malformed("the token is missing"),
        BearerError::UnknownKey(kid) => invalid_signature("The key was not found.", &kid, None),
        BearerError::BadSignature => {
            let kid = jws.header_str("kid").unwrap_or_default();
            invalid_signature(
                "The provided signature value did not match the expected signature value.",
                kid,
                found_key(request.world, kid),
            )
        }
        BearerError::UnknownIssuer(_) | BearerError::UnknownTenant(_) => Refusal::invalid_request(
            50107,
            format!(
                "Requested federation realm object '{}' does not exist.",
                clip(jws.claim_str("iss").unwrap_or_default())
            ),
        ),
        BearerError::WrongAudience { got } => wrong_audience(&got, client),
        BearerError::NotYetValid { .. } | BearerError::Expired { .. } => Refusal::invalid_grant(
            500_133,
            format!(
                "Assertion is not within its valid time range. Ensure that the access token is not expired before \
                 using it for user assertion, or request a new token. Current time: {}, expiry time of assertion {}.",
                iso(now.unix_timestamp()),
                iso(jws.claim_time("exp").unwrap_or_default())
            ),
        ),
    })
}

fn wrong_audience(got: &str, client: Option<&Application>) -> Refusal {
    let (id, name, expected) = client.map_or_else(Default::default, |app| {
        let id = app.app_id.to_string();
        let expected = app.identifier_uris.first().unwrap_or(&id).clone();
        (id, app.name.as_str(), expected)
    });
    Refusal::invalid_grant(
        500_131,
        format!(
            "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion \
             was '{}' and the expected audience is '{expected}' or one of the Application Uris of this application \
             with App ID '{id}'({name}). The downstream client must request a token for the expected audience (the \
             application that made the OBO request) and this application should use that token as the assertion.",
            clip(got)
        ),
    )
}

fn invalid_signature(reason: &str, kid: &str, found: Option<String>) -> Refusal {
    let thumbprint: String = match URL_SAFE_NO_PAD.decode(kid) {
        Ok(bytes) => bytes.iter().take(32).map(|b| format!("{b:02X}")).collect(),
        Err(_) => clip(kid),
    };
    let found = found
        .map(|span| format!(", Found key '{span}'"))
        .unwrap_or_default();
    Refusal::invalid_grant(
        50013,
        format!(
            "Assertion failed signature validation. [Reason - {reason}, Thumbprint of key used by client: \
             '{thumbprint}'{found}]."
        ),
    )
}

/// `Start=…, End=…` of the key with this id.
fn found_key(world: &World, kid: &str) -> Option<String> {
    let key: &SigningKey = world.keys.entra_by_kid(kid)?;
    let (_, certificate) = x509_parser::parse_x509_certificate(key.certificate()).ok()?;
    let validity = certificate.validity();
    Some(format!(
        "Start={}, End={}",
        us_date_time(validity.not_before.timestamp()),
        us_date_time(validity.not_after.timestamp())
    ))
}
