//! Shared access signatures in requests: whether one allows a request.

use super::{
    access::{Access, CLIENT, Needs, admit, authorize},
    call::Call,
    error::BlobError,
    operation::Need,
};
use crate::{
    resources::Principals,
    storage::{AccountKeys, Problem, Sas, Scope},
    world::World,
};
use std::net::Ipv4Addr;
use time::OffsetDateTime;

/// Checks the signature in a request's query. `None` if it has no signature.
///
/// # Errors
/// Azure's, if it does not allow the request.
pub(super) fn check(world: &World, call: &Call, need: &Need) -> Result<Option<Access>, BlobError> {
    let pairs = call.query.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let Some(sas) = Sas::of(pairs) else {
        return Ok(None);
    };
    let sas = sas.map_err(|problem| refuse(call, problem))?;
    if let Scope::Account { services, .. } = &sas.scope
        && !services.contains('b')
    {
        return Err(BlobError::forbidden(
            "AuthorizationServiceMismatch",
            "This request is not authorized to perform this operation using this service.",
        )
        .in_front());
    }
    let keys = keys(world, call)?;
    sas.check(&call.account, &call.container, &call.blob, &keys, call.now)
        .map_err(|problem| refuse(call, problem))?;
    let needs = match sas.scope {
        Scope::Delegated(_) => Needs::NoKey,
        Scope::Account { .. } | Scope::Service => Needs::Key,
    };
    admit(world, call, needs)?;
    check_connection(&sas)?;
    match &sas.scope {
        Scope::Account { types, .. } if !types.contains(need.resource_type) => {
            return Err(BlobError::forbidden(
                "AuthorizationResourceTypeMismatch",
                "This request is not authorized to perform this operation using this resource type.",
            ));
        }
        Scope::Service | Scope::Delegated(_) if !need.is_for_service_sas => {
            return Err(BlobError::authorization_failure());
        }
        _ => {}
    }
    if !sas.permits(need.letters) {
        return Err(BlobError::permission_mismatch());
    }
    // With the permission to create, a blob can be made and not replaced.
    let mut is_only_new = need.letters == "cw" && !sas.permits("w");
    if let Scope::Delegated(key) = &sas.scope {
        let principal = key.delegate.object_id;
        let groups = world.directory().groups_of(principal);
        let who = Principals { principal, groups };
        is_only_new |= authorize(world, &world.resources(), &who, call, need)?;
    }
    Ok(Some(Access {
        is_only_new,
        sas: Some(sas),
        principal: None,
    }))
}

/// The keys of the request's account.
pub(super) fn keys(world: &World, call: &Call) -> Result<AccountKeys, BlobError> {
    super::access::account(&world.resources(), call)?;
    Ok(world.storage().keys(&call.account)?)
}

/// Checks the addresses and the protocol of a signature. The emulator speaks HTTPS.
fn check_connection(sas: &Sas) -> Result<(), BlobError> {
    if !is_in(sas.get("sip"), CLIENT) {
        return Err(BlobError::forbidden(
            "AuthorizationSourceIPMismatch",
            "This request is not authorized to perform this operation using this source IP 127.0.0.1.",
        )
        .detail("SourceIP", CLIENT));
    }
    match sas.get("spr") {
        "" | "https" | "https,http" | "http,https" => Ok(()),
        _ => Err(BlobError::forbidden(
            "AuthorizationProtocolMismatch",
            "This request is not authorized to perform this operation using this protocol.",
        )),
    }
}

/// Whether an address is this one or in this range: `1.2.3.4-1.2.3.9`. Nothing is every address.
fn is_in(range: &str, address: &str) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let parse = |text: &str| text.parse::<Ipv4Addr>().ok();
    match (parse(first), parse(last), parse(address)) {
        (Some(first), Some(last), Some(address)) => (first..=last).contains(&address),
        _ => range.is_empty(),
    }
}

fn refuse(call: &Call, problem: Problem) -> BlobError {
    let range = |start: String, expiry, what: &str, name: &str| {
        BlobError::not_authenticated(format!(
            "Signature not valid in the specified {what}: {name}Start [{start}] - {name}Expiry [{}] - Current [{}]",
            http_date(expiry),
            http_date(call.now)
        ))
    };
    match problem {
        Problem::Missing(field) => {
            BlobError::not_authenticated(format!("{field} is mandatory. Cannot be empty"))
        }
        Problem::Malformed("sr") => BlobError::not_authenticated("sr is invalid"),
        Problem::Malformed(field) => {
            BlobError::not_authenticated(format!("Signature fields not well formed: {field}"))
        }
        Problem::NotServed(field) => {
            let what = format!("{}?{field}", call.path);
            BlobError::not_served(call.method.as_str(), &what)
        }
        Problem::NotSigned(text) => BlobError::not_authenticated(format!(
            "Signature did not match. String to sign used was {text}"
        )),
        Problem::Time { start, expiry } => {
            let start = start.map(http_date).unwrap_or_default();
            range(start, expiry, "time frame", "")
        }
        Problem::KeyTime { start, expiry } => {
            range(http_date(start), expiry, "key time frame", "Key ")
        }
    }
}

/// A time as headers have it.
pub(super) fn http_date(time: OffsetDateTime) -> String {
    httpdate::fmt_http_date(time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_its_range() {
        for (range, expected) in [
            ("", true),
            ("127.0.0.1", true),
            ("127.0.0.0-127.0.0.255", true),
            ("127.0.0.2", false),
            ("10.0.0.0-10.255.255.255", false),
            ("x", false),
        ] {
            assert_eq!(is_in(range, CLIENT), expected, "{range}");
        }
    }
}
