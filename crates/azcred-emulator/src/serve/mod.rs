//! The ways in: a port for each service, a proxy for the real names, and the port that steers the
//! emulator.

mod admin;
mod connection;
mod context;
mod cut;
mod fault;
mod gate;
mod listen;
mod proxy;
mod socket;

pub(crate) use admin::Admin;
pub(crate) use context::Context;
pub(crate) use listen::{Bound, Listeners};
