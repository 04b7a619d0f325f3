//! azcred.
fn main() {}
