//! Conditional Access: whether a session may get a token for a resource.
//!
//! Sources: 'Conditional Access: Grant' and '… Session'. All policies that apply must be satisfied,
//! and a blocking one wins. A refusal has `claims`, which the client sends back with its next,
//! interactive request.

use crate::{
    directory::{Directory, Policy, Requirement, Subject},
    entra::{
        claims_request::ClaimsRequest, refusal::Refusal, resource::TokenResource, session::Session,
    },
    text::iso,
};
use serde_json::json;
use uuid::Uuid;

/// Checks a session against the tenant's policies. `now` is in Unix seconds.
///
/// # Errors
/// 53003, 53000 and 530003 if no sign-in can help; 50076 if a second factor is required, 50078 if
/// the second factor is too old; 70043 and 50173 if the sign-in is too old.
pub(super) fn check(
    directory: &Directory,
    session: &Session<'_>,
    resource: &TokenResource,
    claims: &ClaimsRequest,
    now: i64,
) -> Result<(), Refusal> {
    let subject = Subject {
        user: session.user,
        application: session.application,
        resource: resource.app_id,
        by_device_code: session.by_device_code,
    };
    let mut applying: Vec<&Policy> = directory.policies_for(&subject).collect();
    // A challenge names policies that a service behind this one requires.
    let named = claims.policies.iter().filter_map(|id| {
        let policy = directory.policies.get(id)?;
        (policy.tenant == session.tenant.id).then_some(policy)
    });
    for policy in named {
        if !applying.iter().any(|other| other.id == policy.id) {
            applying.push(policy);
        }
    }
    for (requirement, code) in [
        (Requirement::Block, 53003),
        (Requirement::CompliantDevice, 53000),
        (Requirement::ManagedDevice, 530_003),
    ] {
        let wanting = of(&applying, requirement);
        if !wanting.is_empty() {
            return Err(Refusal {
                claims: Some(challenge(&wanting)),
                ..Refusal::by_code(code)
            });
        }
    }
    let wanting = of(&applying, Requirement::Mfa);
    if !session.proofs.mfa && !wanting.is_empty() {
        return Err(Refusal {
            message: format!(
                "Due to a configuration change made by your administrator, or because you moved to a new location, \
                 you must use multi-factor authentication to access '{}'.",
                resource.app_id
            ),
            claims: Some(challenge(&wanting)),
            ..Refusal::by_code(50076)
        });
    }
    if !session.proofs.mfa && !claims.contexts.is_empty() {
        let contexts = json!({"essential": true, "values": claims.contexts});
        return Err(Refusal {
            claims: Some(json!({"access_token": {"acrs": contexts}}).to_string()),
            ..Refusal::by_code(50076)
        });
    }
    check_age(&applying, session, claims, now)
}

/// Whether the sign-in is recent enough.
fn check_age(
    applying: &[&Policy],
    session: &Session<'_>,
    claims: &ClaimsRequest,
    now: i64,
) -> Result<(), Refusal> {
    let at = session.proofs.at;
    let aged = applying.iter().find_map(|policy| {
        let limit = policy.sign_in_frequency?;
        (now.saturating_sub(at) >= i64::from(limit)).then_some((policy, limit))
    });
    if let Some((policy, limit)) = aged {
        return Err(match policy.requirement {
            Some(Requirement::Mfa) => Refusal {
                claims: Some(challenge(&[policy.id])),
                ..Refusal::by_code(50078)
            },
            _ => Refusal {
                message: format!(
                    "The refresh token has expired or is invalid due to sign-in frequency checks by conditional \
                     access. The token was issued on {} and the maximum allowed lifetime for this request is {limit}.",
                    iso(at)
                ),
                suberror: Some("token_expired"),
                ..Refusal::by_code(70043)
            },
        });
    }
    if let Some(not_before) = claims.not_before.filter(|time| at < *time) {
        return Err(Refusal::revoked(at, not_before));
    }
    Ok(())
}

/// The ids of the policies with this requirement.
fn of(policies: &[&Policy], requirement: Requirement) -> Vec<Uuid> {
    let wanting = policies
        .iter()
        .filter(|policy| policy.requirement == Some(requirement));
    wanting.map(|policy| policy.id).collect()
}

/// The `claims` of a refusal, with the policies that were not satisfied.
fn challenge(policies: &[Uuid]) -> String {
    json!({"access_token": {"capolids": {"essential": true, "values": policies}}}).to_string()
}
