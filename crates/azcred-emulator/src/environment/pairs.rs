//! Variables and their values.

/// Variables and their values.
pub(super) type Pairs = Vec<(&'static str, String)>;
