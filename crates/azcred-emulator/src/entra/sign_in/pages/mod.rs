//! The pages: HTML that needs no script and says that it comes from an emulator. No text on a page
//! can run as code.

mod account;
mod consent;
mod device;
mod end;
mod frame;

pub(super) use device::{code, device_declined, device_done, device_gone};
pub(super) use end::{form_post, native_client, refused, signed_out};
pub(super) use frame::{View, guard};
