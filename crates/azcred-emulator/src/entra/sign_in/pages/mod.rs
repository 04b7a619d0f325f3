//! The pages: HTML that needs no script, says that it is an emulator's, and lets nothing of what it
//! shows act.

mod account;
mod consent;
mod device;
mod end;
mod frame;

pub(super) use device::{code, device_declined, device_done, device_gone};
pub(super) use end::{form_post, native_client, refused, signed_out};
pub(super) use frame::{View, guard};
