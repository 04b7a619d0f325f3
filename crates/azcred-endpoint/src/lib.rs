#![doc = include_str!("../README.md")]

mod allow;
mod audit;
mod desk;
mod door;
mod endpoint;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod listen;
mod options;
mod peer;
mod rate;
mod reason;
mod rejections;
mod response;
mod secret;
mod server;
mod tls;

pub use crate::{
    allow::Allow,
    audit::{Audit, Client, Event, LogAudit, Verdict},
    endpoint::{Bound, Endpoint},
    options::{Options, Protocol},
    peer::Process,
    reason::Reason,
    rejections::More,
    tls::Tls,
};
