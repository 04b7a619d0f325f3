//! The entrances: a port for each service, a proxy for Azure's real names, and the admin port.

mod admin;
mod connection;
mod context;
mod cut;
mod fault;
mod gate;
mod listen;
mod proxy;
mod server_name;
mod socket;

pub(crate) use admin::Admin;
pub(crate) use context::Context;
pub(crate) use listen::{Bound, Listeners};
