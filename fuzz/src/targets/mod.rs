//! The targets, one file for each family.

mod arm;
mod azure_cli;
mod certificates;
mod claims;
mod cloud_metadata;
mod dbus;
mod emulator;
mod endpoint;
mod environment;
mod identity_answers;
mod network;
mod redact;
mod redirects;
mod seeds;
mod settings;
mod sign_in;
mod token_answers;
mod token_services;
mod tools;
mod values;
mod vault;
mod workspace;

/// A target.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("arm", arm::run),
    ("azure_cli", azure_cli::run),
    ("certificates", certificates::run),
    ("claims", claims::run),
    ("cloud_metadata", cloud_metadata::run),
    ("dbus", dbus::run),
    ("emulator", emulator::run),
    ("endpoint", endpoint::run),
    ("environment", environment::run),
    ("identity_answers", identity_answers::run),
    ("network", network::run),
    ("redact", redact::run),
    ("redirects", redirects::run),
    ("seeds", seeds::run),
    ("settings", settings::run),
    ("sign_in", sign_in::run),
    ("token_answers", token_answers::run),
    ("token_services", token_services::run),
    ("tools", tools::run),
    ("values", values::run),
    ("vault", vault::run),
    ("workspace", workspace::run),
];
