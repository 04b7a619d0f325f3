//! `az version` and `az --version`.

use super::value::{Object, Value};

/// The version of Azure CLI whose commands, outputs and errors the stand-in has.
const AZURE_CLI: &str = "2.91.0";
const TELEMETRY: &str = "1.1.0";
const AZCRED: &str = env!("CARGO_PKG_VERSION");

/// Programs compare the first number. azcred's is where Azure CLI has its extensions' versions.
pub(super) fn value() -> Value {
    Object::of([
        ("azure-cli", Value::text(AZURE_CLI)),
        ("azure-cli-core", Value::text(AZURE_CLI)),
        ("azure-cli-telemetry", Value::text(TELEMETRY)),
        (
            "extensions",
            Object::of([("azcred", Value::text(AZCRED))]).into(),
        ),
    ])
    .into()
}

pub(super) fn text() -> String {
    format!(
        "{:<34}{AZURE_CLI}\n\n{:<34}{AZURE_CLI}\n\nExtensions:\n{:<34}{AZCRED}\n\n\
         This az is azcred's stand-in for Azure CLI. `az --help` lists its commands.\n",
        "azure-cli", "core", "azcred"
    )
}
