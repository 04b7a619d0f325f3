//! A token that was issued to a managed identity host.

/// A token and its lifetime. Times are Unix seconds.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    /// The resource as it was requested.
    pub(crate) resource: String,
    pub(crate) not_before: i64,
    pub(crate) expires_on: i64,
    /// Seconds until `expires_on`.
    pub(crate) expires_in: i64,
}
