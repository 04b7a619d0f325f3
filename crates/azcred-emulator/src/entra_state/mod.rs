//! What Entra ID keeps in memory between requests.
//!
//! It keeps as little as it can: most of what a sign-in needs is sealed in what the client holds.

mod authorization_codes;
mod challenge;
mod device_codes;
mod lockout;
mod loops;
mod proofs;
mod spent;

pub(crate) use authorization_codes::{AuthorizationCode, AuthorizationCodes, NotRedeemed};
pub(crate) use challenge::Challenge;
pub(crate) use device_codes::{Approval, DeviceCodes, DeviceRequest, Polled};
pub(crate) use lockout::{Lockout, Verdict};
pub(crate) use proofs::Proofs;

use loops::Loops;
use spent::Spent;

/// The stores of one emulator's Entra ID.
#[derive(Debug, Default)]
pub(crate) struct EntraState {
    /// Clients that request the same token over and over.
    pub(crate) loops: Loops,
    /// Wrong passwords of each account.
    pub(crate) lockout: Lockout,
    /// Refresh tokens that were used, in tenants where each is good for one use.
    pub(crate) spent: Spent,
    /// Device codes that wait for a person.
    pub(crate) devices: DeviceCodes,
    /// Authorization codes that were issued.
    pub(crate) codes: AuthorizationCodes,
}
