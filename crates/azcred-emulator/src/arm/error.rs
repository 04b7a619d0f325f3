//! Azure Resource Manager's errors: codes, messages and JSON.
//!
//! The JSON is the "ErrorResponse" of the Azure REST API guidelines. Codes and messages come from
//! "Troubleshoot common Azure deployment errors", "Troubleshoot Azure RBAC" (Microsoft Learn) and
//! public logs.

use crate::{not_served, resources::Scope, tokens::Revoked};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, StatusCode, header::HeaderName};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArmError {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The code, which programs compare.
    pub(super) code: &'static str,
    /// The message, which people read.
    pub(super) message: String,
    /// The `WWW-Authenticate` header, which every 401 has.
    pub(super) challenge: Option<String>,
    /// The operation of the resource provider that refused. `None`: Resource Manager itself did.
    pub(super) operation: Option<String>,
    /// What a resource provider does in its own way.
    pub(super) own: Option<Box<OwnForm>>,
}

/// What a resource provider does in its own way in a refusal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OwnForm {
    /// Members of `error` beside the code and the message.
    pub(super) members: Map<String, Value>,
    /// Whether the response has no body.
    pub(super) is_empty: bool,
    /// Headers that only this refusal has.
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl ArmError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            challenge: None,
            operation: None,
            own: None,
        }
    }

    /// The error as one of a resource provider, unless Resource Manager itself finds it out: that a
    /// group or a resource on the path does not exist, or that this emulator does not serve it.
    pub(super) fn of_provider(mut self, operation: Option<String>) -> Self {
        let own = [
            "ResourceGroupNotFound",
            "ResourceNotFound",
            not_served::CODE,
        ];
        if !own.contains(&self.code) {
            self.operation = operation;
        }
        self
    }

    /// The JSON body.
    pub(super) fn body(&self) -> Option<Value> {
        let mut error = json!({"code": self.code, "message": self.message});
        if let Some(own) = &self.own {
            if own.is_empty {
                return None;
            }
            for (name, value) in &own.members {
                error[name] = value.clone();
            }
        }
        Some(json!({"error": error}))
    }

    pub(super) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// The path names nothing that ARM can route.
    pub(super) fn missing_subscription() -> Self {
        Self::not_found(
            "MissingSubscription",
            "The request did not have a subscription or a valid tenant level resource provider.",
        )
    }

    pub(super) fn invalid_subscription_id(id: &str) -> Self {
        Self::bad_request(
            "InvalidSubscriptionId",
            format!("The provided subscription identifier '{id}' is malformed or invalid."),
        )
    }

    pub(super) fn subscription_not_found(id: Uuid) -> Self {
        Self::not_found(
            "SubscriptionNotFound",
            format!("The subscription '{id}' could not be found."),
        )
    }

    pub(super) fn group_not_found(name: &str) -> Self {
        Self::not_found(
            "ResourceGroupNotFound",
            format!("Resource group '{name}' could not be found."),
        )
    }

    /// The subscription may not have resources of this provider.
    pub(super) fn not_registered(id: &Scope) -> Self {
        let kind = id.resource_type().unwrap_or_default();
        let namespace = kind.split('/').next().unwrap_or_default();
        Self::new(
            StatusCode::CONFLICT,
            "MissingSubscriptionRegistration",
            format!(
                "The subscription is not registered to use namespace '{namespace}'. See https://aka.ms/rps-not-found \
                 for how to register subscriptions."
            ),
        )
    }

    pub(super) fn resource_not_found(kind: &str, name: &str, group: &str) -> Self {
        Self::not_found(
            "ResourceNotFound",
            format!(
                "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please \
                 go to https://aka.ms/ARMResourceNotFoundFix"
            ),
        )
    }

    pub(super) fn parent_not_found(verb: &str, kind: &str, parent: &str) -> Self {
        Self::not_found(
            "ParentResourceNotFound",
            format!(
                "Failed to perform '{verb}' on resource(s) of type '{kind}', because the parent resource '{parent}' \
                 could not be found."
            ),
        )
    }

    /// A request that the emulator recognizes but does not serve. Azure may serve it.
    pub(super) fn not_served(method: &Method, what: &str) -> Self {
        let message = not_served::message(method.as_str(), what);
        Self::new(not_served::STATUS, not_served::CODE, message)
    }

    pub(super) fn invalid_content(detail: &str) -> Self {
        Self::bad_request(
            "InvalidRequestContent",
            format!("The request content was invalid and could not be deserialized: '{detail}'."),
        )
    }

    pub(super) fn authorization_failed(
        client: &str,
        object: Uuid,
        action: &str,
        scope: &str,
    ) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' does not have authorization to perform action \
                 '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please \
                 refresh your credentials."
            ),
        )
    }

    /// A role allows the action, but a deny assignment forbids it.
    pub(super) fn denied(
        client: &str,
        object: Uuid,
        action: &str,
        scope: &str,
        deny: &crate::resources::DenyAssignment,
    ) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "DenyAssignmentAuthorizationFailed",
            format!(
                "The client '{client}' with object id '{object}' has permission to perform action '{action}' on scope \
                 '{scope}'; however, the access is denied because of the deny assignment with name '{}' and Id '{}' \
                 at scope '{}'.",
                deny.name,
                deny.id.simple(),
                deny.scope
            ),
        )
    }

    fn unauthorized(
        code: &'static str,
        message: String,
        authority: &str,
        description: &str,
    ) -> Self {
        Self {
            challenge: Some(format!(
                "Bearer authorization_uri=\"{authority}\", error=\"invalid_token\", error_description=\"{description}\""
            )),
            ..Self::new(StatusCode::UNAUTHORIZED, code, message)
        }
    }

    pub(super) fn no_token(authority: &str) -> Self {
        Self::unauthorized(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.".into(),
            authority,
            "The authentication failed because of missing 'Authorization' header.",
        )
    }

    pub(super) fn wrong_scheme(authority: &str) -> Self {
        Self::unauthorized(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is provided in an invalid format."
                .into(),
            authority,
            "The authentication scheme of the 'Authorization' header is not supported.",
        )
    }

    pub(super) fn invalid_token(authority: &str) -> Self {
        Self::unauthorized(
            "InvalidAuthenticationToken",
            "The access token is invalid.".into(),
            authority,
            "Could not parse JWT payload or verify its signature.",
        )
    }

    pub(super) fn token_not_yet_valid(
        authority: &str,
        not_before: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Self {
        Self::unauthorized(
            "InvalidAuthenticationToken",
            format!(
                "The access token is not yet valid: its start time '{}' is later than current UTC time '{}'.",
                us_time(not_before),
                us_time(now)
            ),
            authority,
            "The access token is not yet valid.",
        )
    }

    pub(super) fn wrong_audience(authority: &str, got: &str, taken: &[&str]) -> Self {
        let taken: Vec<String> = taken.iter().map(|name| format!("'{name}'")).collect();
        Self::unauthorized(
            "InvalidAuthenticationTokenAudience",
            format!(
                "The access token has been obtained for wrong audience or resource '{got}'. It should exactly match \
                 with one of the allowed audiences {}.",
                taken.join(",")
            ),
            authority,
            "The access token has been obtained from wrong audience or resource.",
        )
    }

    pub(super) fn expired(authority: &str, expired: OffsetDateTime, now: OffsetDateTime) -> Self {
        Self::unauthorized(
            "ExpiredAuthenticationToken",
            format!(
                "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
                us_time(expired),
                us_time(now)
            ),
            authority,
            "The access token has expired.",
        )
    }

    /// The token is valid, but the user's sessions have been revoked since it was issued ('Claims
    /// challenges, claims requests and client capabilities').
    pub(super) fn revoked(authorize_url: &str, revoked: &Revoked) -> Self {
        Self::insufficient_claims(
            "InvalidAuthenticationToken",
            "The access token has been revoked: the user's session has ended since it was issued."
                .into(),
            authorize_url,
            &revoked.claims(),
        )
    }

    /// A user wants to change something and has not proved a second factor ('Planning for mandatory
    /// multifactor authentication for Azure').
    pub(super) fn mfa_required(authorize_url: &str, scope: &str) -> Self {
        let claims = json!({"access_token": {"acrs": {"essential": true, "values": ["p1"]}}});
        Self::insufficient_claims(
            "RequestDisallowedByPolicy",
            format!(
                "Resource '{scope}' was disallowed by policy. Reasons: 'MFA is required'. See error details for policy \
                 resource IDs."
            ),
            authorize_url,
            &STANDARD.encode(claims.to_string()),
        )
    }

    fn insufficient_claims(
        code: &'static str,
        message: String,
        authorize_url: &str,
        claims: &str,
    ) -> Self {
        Self {
            challenge: Some(format!(
                "Bearer realm=\"\", authorization_uri=\"{authorize_url}\", error=\"insufficient_claims\", \
                 claims=\"{claims}\""
            )),
            ..Self::new(StatusCode::UNAUTHORIZED, code, message)
        }
    }

    /// The token is of another tenant than the subscription. The message names both tenants, and
    /// the authority of the right one.
    pub(super) fn wrong_tenant(authority: &str, issuer: &str, right_issuer: &str) -> Self {
        Self::unauthorized(
            "InvalidAuthenticationTokenTenant",
            format!(
                "The access token is from the wrong issuer '{issuer}'. It must match the tenant '{right_issuer}' \
                 associated with this subscription. Please use the authority (URL) '{authority}' to get the token. \
                 Note, if the subscription is transferred to another tenant there is no impact to the services, but \
                 information about new tenant could take time to propagate (up to an hour). If you just transferred \
                 your subscription and see this error message, please try back later."
            ),
            authority,
            "The access token is from the wrong issuer. It must match the tenant associated with this subscription. \
             Please use correct authority to get the token.",
        )
    }
}

/// A time as ARM writes it in messages: `11/21/2026 8:06:00 PM`.
fn us_time(time: OffsetDateTime) -> String {
    let (hour, half) = match time.hour() {
        0 => (12, "AM"),
        hour @ 1..12 => (hour, "AM"),
        12 => (12, "PM"),
        hour => (hour - 12, "PM"),
    };
    format!(
        "{}/{}/{} {hour}:{:02}:{:02} {half}",
        u8::from(time.month()),
        time.day(),
        time.year(),
        time.minute(),
        time.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn times_in_messages_are_written_as_in_the_united_states() {
        for (time, text) in [
            (datetime!(2026-11-21 00:06:01 UTC), "11/21/2026 12:06:01 AM"),
            (datetime!(2026-01-02 11:59:00 UTC), "1/2/2026 11:59:00 AM"),
            (datetime!(2026-01-02 12:00:00 UTC), "1/2/2026 12:00:00 PM"),
            (datetime!(2026-01-02 20:00:09 UTC), "1/2/2026 8:00:09 PM"),
        ] {
            assert_eq!(us_time(time), text);
        }
    }
}
