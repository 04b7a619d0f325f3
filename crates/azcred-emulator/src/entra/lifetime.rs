//! Lifetime of access tokens in a tenant that sets none.

use super::exchange::Exchange;

/// 60 to 90 minutes, 75 on average ('Configurable token lifetimes in the Microsoft identity
/// platform'). Entra ID's responses show one second less.
pub(super) fn usual_lifetime(exchange: &Exchange) -> u32 {
    let random = u32::from_be_bytes(
        exchange.trace_id.as_bytes()[..4]
            .try_into()
            .unwrap_or([0; 4]),
    );
    3599 + random % 1801
}

/// 20 to 28 hours for a resource with continuous access evaluation ('Continuous access evaluation',
/// section 'Token lifetime'). In the emulator it is at least 24 hours. Entra ID's responses show
/// one second less.
pub(super) fn long_lifetime(exchange: &Exchange) -> u32 {
    let random = u32::from(exchange.trace_id.as_bytes()[0]);
    24 * 3600 - 1 + random * 4 * 3600 / 255
}
