//! What exists: subscriptions, resource groups, resources and who may do what with them.

/// The resources of one emulator.
#[derive(Debug, Default)]
pub struct Resources {}
