//! A network of its own for a program, in which only the emulator exists: by the names and
//! addresses of Azure, on the loopback interface. The emulator stays outside. Linux only.
//!
//! Sockets in a private folder lead from one side to the other. No code here makes a namespace:
//! util-linux's `unshare` does.

mod inside;
mod names;
mod network;
mod outside;
mod plan;
mod refusal;

pub(super) use inside::Inside;
pub(super) use outside::Outside;

/// The command of the process inside.
const INSIDE: &str = "inside";
