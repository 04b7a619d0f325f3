//! Doors for the fuzz targets in `fuzz/`: the network's side, and parsers that no public function
//! gives bytes of the caller's choice.

#[cfg(target_os = "linux")]
pub use crate::system::{bus_address, secret_service_of};
pub use crate::{
    credential::{redirected, welcome},
    http::{CannedResponse, proxy_answer, server_certificates, with_responses},
};

use crate::{
    facts::Result,
    options::ClientOptions,
    sieve::{shown, shown_path},
    vault::Shelf,
};
use std::path::Path;

/// Stores this content as an account of the default profile, and makes the account the current one.
///
/// # Errors
/// Those of the vault.
pub fn keep_account(options: &ClientOptions, id: &str, content: &[u8]) -> Result<()> {
    let (profile, cloud) = (options.profile().name(), options.cloud()?);
    let authority = cloud.authority().as_str();
    let current = serde_json::json!({
        "version": 1, "entry": "current", "profile": profile, "authority": authority, "id": id,
    });
    let parts = ["current", profile, authority].map(str::as_bytes);
    let current = current.to_string();
    options
        .vault()
        .write(Shelf::SignIns, &parts, current.as_bytes())?;
    let parts = ["account", profile, authority, id].map(str::as_bytes);
    options.vault().write(Shelf::SignIns, &parts, content)
}

/// Stores this content as a cached token.
///
/// # Errors
/// Those of the vault.
pub fn keep_token(options: &ClientOptions, content: &[u8]) -> Result<()> {
    options.vault().write(Shelf::Tokens, &[b"fuzz"], content)
}

/// What is stored as a cached token, if it opens.
///
/// # Errors
/// Those of the vault.
pub fn kept_token(options: &ClientOptions) -> Result<Option<Vec<u8>>> {
    let read = options.vault().read(Shelf::Tokens, &[b"fuzz"])?;
    Ok(read.map(|content| content.to_vec()))
}

/// The forms in which an error shows a value that may be a secret: as a path, and as anything else.
pub fn shown_values(text: &str) -> [String; 2] {
    [shown_path(Path::new(text)), shown(text)]
}
