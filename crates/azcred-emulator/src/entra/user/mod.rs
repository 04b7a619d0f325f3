//! People who sign in: by password, and from then on by refresh tokens.

mod answer;
mod ask;
mod authorization_code;
mod claims;
mod device_code;
mod host;
mod password;
mod realm;
mod refresh;
mod sealed;

pub(super) use ask::Ask;
pub(super) use authorization_code::grant as by_authorization_code;
pub(super) use claims::client_info;
pub(super) use device_code::grant as by_device_code;
pub(super) use password::{check_password, count_attempt, grant as by_password};
pub(super) use realm::user_realm;
pub(super) use refresh::grant as by_refresh_token;

pub(crate) use answer::signed_in;
pub(crate) use host::issue_for_user;
