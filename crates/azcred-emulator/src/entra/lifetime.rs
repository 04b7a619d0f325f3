//! How long access tokens live where a tenant sets no lifetime.

use super::exchange::Exchange;

/// 60 to 90 minutes, 75 on average ('Configurable token lifetimes in the Microsoft identity
/// platform'). Entra ID's responses say a second less.
pub(super) fn usual_lifetime(exchange: &Exchange) -> u32 {
    let random = u32::from_be_bytes(
        exchange.trace_id.as_bytes()[..4]
            .try_into()
            .unwrap_or([0; 4]),
    );
    3599 + random % 1801
}

/// 20 to 28 hours for a resource that takes part in continuous access evaluation ('Continuous
/// access evaluation', section 'Token lifetime'). Here it is a day at least; Entra ID's responses
/// say a second less.
pub(super) fn long_lifetime(exchange: &Exchange) -> u32 {
    let random = u32::from(exchange.trace_id.as_bytes()[0]);
    24 * 3600 - 1 + random * 4 * 3600 / 255
}
