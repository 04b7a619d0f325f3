//! What Entra ID keeps in memory between requests.
//!
//! It is as little as possible: clients store most of what a sign-in needs, encrypted.

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
    /// Clients that request the same token again and again.
    pub(crate) loops: Loops,
    /// Wrong passwords of each account.
    pub(crate) lockout: Lockout,
    /// Used refresh tokens, in tenants where each has one use.
    pub(crate) spent: Spent,
    /// Device codes that wait for a user.
    pub(crate) devices: DeviceCodes,
    /// Issued authorization codes.
    pub(crate) codes: AuthorizationCodes,
}
