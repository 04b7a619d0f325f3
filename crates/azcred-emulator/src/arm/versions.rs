//! Checks the api-version of a request.

use super::{
    error::ArmError,
    providers::{RESOURCES, provider},
    route::Target,
};
use http::Method;
use time::OffsetDateTime;

/// Checks that the target's type exists in a version.
///
/// # Errors
/// `InvalidApiVersionParameter` for ARM's own paths; that it is not served, or
/// `InvalidResourceNamespace` or `NoRegisteredProviderFound`, for those of a provider.
pub(super) fn check(
    method: &Method,
    target: &Target,
    version: &str,
    now: OffsetDateTime,
) -> Result<(), ArmError> {
    if let Target::Unserved { what, .. } = target {
        return Err(ArmError::not_served(method, what));
    }
    let Some(resource_type) = target.provider_type() else {
        return if RESOURCES.takes(version, now) {
            Ok(())
        } else {
            Err(ArmError::bad_request(
                "InvalidApiVersionParameter",
                format!(
                    "The api-version '{version}' is invalid. The supported versions are '{}'.",
                    RESOURCES.newest_first()
                ),
            ))
        };
    };
    let (namespace, kind) = resource_type
        .split_once('/')
        .unwrap_or((&resource_type, ""));
    let provider = provider(method, namespace, &resource_type)?;
    let mut types = provider.types.split_ascii_whitespace();
    // Azure has more types than this table, so one that is not in it may be one of Azure's.
    if !types.any(|known| known.eq_ignore_ascii_case(kind)) {
        return Err(ArmError::not_served(method, &resource_type));
    }
    if !provider.takes(version, now) {
        return Err(ArmError::bad_request(
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location '{}' and API version '{version}' for type \
                 '{kind}'. The supported api-versions are '{}'. The supported locations are '{}'.",
                if provider.regional { "westeurope" } else { "" },
                provider.newest_first(),
                provider.locations().join(", ")
            ),
        ));
    }
    Ok(())
}
