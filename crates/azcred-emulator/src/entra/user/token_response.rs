//! The token response for a user's client.

use crate::{
    clock::micros,
    directory::Directory,
    entra::{
        claims_request::ClaimsRequest,
        client::Presented,
        delegated_scope::RequestedScope,
        lifetime::{long_lifetime, usual_lifetime},
        refusal::Refusal,
        resource::{self, TokenResource},
        session::Session,
        user::{
            claims::{Facts, client_info},
            sealed::RefreshToken,
            token_request::UserTokenRequest,
        },
        version::Version,
    },
    service::Cloud,
    world::World,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The input for a token response.
struct Issue<'a> {
    facts: Facts<'a>,
    requested: &'a RequestedScope,
    resource: &'a TokenResource,
    lifetime: i64,
    version: Version,
    /// The client's `claims`.
    claims: ClaimsRequest,
    /// The client requested `client_info`.
    client_info: bool,
}

/// The body of a successful token response.
pub(in crate::entra) fn body(
    request: &UserTokenRequest<'_>,
    session: &Session<'_>,
    requested: &RequestedScope,
    resource: &TokenResource,
) -> Result<Value, Refusal> {
    let chosen = session.tenant.access_token_lifetime;
    let claims = request.claims()?;
    let usual = match resource.is_evaluated_continuously && !claims.capabilities.is_empty() {
        true => long_lifetime(request.exchange),
        false => usual_lifetime(request.exchange),
    };
    let issue = Issue {
        facts: Facts {
            session,
            directory: request.directory,
            cloud: request.exchange.cloud(),
            now: request.exchange.now,
            client_class: client_class(request),
        },
        requested,
        resource,
        lifetime: i64::from(chosen.unwrap_or(usual)),
        version: request.version,
        claims,
        client_info: request.form.get("client_info") == Some("1"),
    };
    issue.body(request.world).ok_or_else(Refusal::unavailable)
}

/// How the client proved its identity, as tokens write it.
fn client_class(request: &UserTokenRequest<'_>) -> &'static str {
    match request.credentials.presented {
        Presented::Nothing => "0",
        Presented::Secret(_) => "1",
        Presented::Assertion(_) => "2",
    }
}

/// The response to a client in which an account has just signed in with its password, for files
/// that hold such a response. `None` for an unknown resource, or if the system returns no random
/// bytes.
pub(crate) fn signed_in(
    world: &World,
    directory: &Directory,
    session: &Session<'_>,
    scope: &str,
) -> Option<Value> {
    let requested = RequestedScope::of_v2(scope).ok()?;
    let resource = resource::find(world, directory, session.tenant, &requested.resource).ok()?;
    let issue = Issue {
        facts: Facts {
            session,
            directory,
            cloud: Cloud::Public,
            now: world.clock.now(),
            client_class: "0",
        },
        requested: &requested,
        resource: &resource,
        lifetime: session.tenant.access_token_lifetime.unwrap_or(4499).into(),
        version: Version::V2,
        claims: ClaimsRequest {
            capabilities: vec!["CP1".to_owned()],
            ..ClaimsRequest::default()
        },
        client_info: true,
    };
    issue.body(world)
}

impl Issue<'_> {
    fn body(&self, world: &World) -> Option<Value> {
        let session = self.facts.session;
        let key = &world.keys.entra;
        let scp = self.requested.scp(self.resource);
        let claims = (self.facts).access_token(self.resource, &scp, self.lifetime, &self.claims);
        let is_v1 = self.version == Version::V1;
        let mut body = json!({
            "token_type": "Bearer",
            "scope": self.requested.echo(self.resource, is_v1),
            "access_token": key.sign(&claims).ok()?,
        });
        // The v1.0 endpoint writes numbers as strings.
        let number = |value: i64| match is_v1 {
            true => Value::from(value.to_string()),
            false => Value::from(value),
        };
        body["expires_in"] = number(self.lifetime);
        body["ext_expires_in"] = number(self.lifetime);
        if is_v1 {
            let now = self.facts.now.unix_timestamp();
            body["expires_on"] = number(now + self.lifetime);
            body["not_before"] = number(now - 300);
            body["resource"] = self.resource.audience.as_str().into();
        }
        if self.requested.offline {
            let token = RefreshToken {
                id: Uuid::new_v4(),
                account: session.account.id,
                client: session.application.app_id,
                family: session.application.family.clone(),
                tenant: session.tenant.id,
                session: session.id,
                proofs: session.proofs,
                by_device_code: session.by_device_code,
                issued: micros(self.facts.now),
                scope: self.requested.text.clone(),
            };
            body["refresh_token"] = token.seal(self.facts.directory)?.into();
            if let Some(family) = &session.application.family {
                body["foci"] = family.as_str().into();
            }
        }
        if self.requested.openid {
            let claims = self.facts.id_token(self.version, self.requested.email);
            body["id_token"] = match self.version {
                Version::V1 => unsigned(&claims),
                Version::V2 => key.sign(&claims).ok()?,
            }
            .into();
        }
        if self.client_info {
            body["client_info"] = client_info(session.account).into();
        }
        Some(body)
    }
}

/// The v1.0 endpoint does not sign an `id_token` that the client itself fetches over TLS.
fn unsigned(claims: &Map<String, Value>) -> String {
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    let header = json!({"typ": "JWT", "alg": "none"}).to_string();
    let payload = Value::Object(claims.clone()).to_string();
    format!("{}.{}.", encode(header), encode(payload))
}
