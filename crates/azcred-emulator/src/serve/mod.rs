//! The entrances: a port for each service, a proxy for Azure's real names, and the admin port.

mod admin;
mod admin_jobs;
mod connection;
mod context;
mod cut;
mod fault;
mod forward;
mod gate;
mod listen;
mod proxy;
mod routing;
mod server_name;
mod socket;
mod upstream;

pub(crate) use admin::Admin;
pub(crate) use context::Context;
pub(crate) use listen::{Bound, Listeners};
