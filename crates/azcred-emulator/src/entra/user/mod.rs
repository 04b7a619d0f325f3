//! Users who sign in: with a password, a code or a browser, and later with refresh tokens.

mod authorization_code;
mod claims;
mod device_code;
mod host;
mod on_behalf_of;
mod password;
mod realm;
mod refresh;
mod sealed;
mod token_request;
mod token_response;
mod token_reuse;

pub(super) use authorization_code::grant as by_authorization_code;
pub(super) use claims::client_info;
pub(super) use device_code::grant as by_device_code;
pub(super) use on_behalf_of::grant as on_behalf_of;
pub(super) use password::{check_password, count_attempt, grant as by_password};
pub(super) use realm::user_realm;
pub(super) use refresh::grant as by_refresh_token;
pub(super) use token_request::UserTokenRequest;

pub(crate) use host::issue_for_user;
pub(crate) use token_response::signed_in;
