//! Azure credentials.
