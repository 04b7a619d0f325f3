//! What Azure has and the emulator does not: one code and one message, in every service's own form.

use crate::text::clip;
use http::StatusCode;

/// The status. No SDK of Azure sends the request again after it.
pub(crate) const STATUS: StatusCode = StatusCode::NOT_IMPLEMENTED;

/// The code, which no service of Azure has.
pub(crate) const CODE: &str = "NotServedByEmulator";

/// What the admin port says to a path that this version does not have.
pub(crate) const UNKNOWN_PATH: &str = "unknown path";

/// The message. `what` is the path, or what of it is not served.
pub(crate) fn message(method: &str, what: &str) -> String {
    format!(
        "This emulator does not serve '{} {}'; Azure may. Nothing was changed.",
        clip(method),
        clip(what)
    )
}
