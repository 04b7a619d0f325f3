//! What a request wants, and the right that it needs.

use super::{call::Call, error::VaultError};
use http::Method;

/// An operation on a vault's secrets. Names are as they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    ListVersions(String),
    Get(String, Option<String>),
    Set(String),
    Update(String, Option<String>),
    Delete(String),
    ListDeleted,
    GetDeleted(String),
    Recover(String),
    Purge(String),
}

/// The right to an operation, in the words of roles and of access policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Right {
    /// The data action ('Azure permissions for Security', `Microsoft.KeyVault`).
    pub(super) action: &'static str,
    /// The permission on secrets.
    pub(super) permission: &'static str,
}

impl Operation {
    /// Recognizes a request.
    ///
    /// # Errors
    /// 400 for a name that no secret can have; 501 for what the emulator does not serve: keys,
    /// certificates, backups.
    pub(super) fn of(call: &Call) -> Result<Self, VaultError> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let Some((first, rest)) = path.split_first() else {
            return Err(not_served(call));
        };
        let method = &call.method;
        let found = match (first.to_ascii_lowercase().as_str(), rest) {
            ("secrets", []) if method == Method::GET => Self::List,
            ("secrets", ["restore"]) if method == Method::POST => return Err(not_served(call)),
            ("secrets", [name, versions])
                if method == Method::GET && versions.eq_ignore_ascii_case("versions") =>
            {
                Self::ListVersions(secret_name(name)?)
            }
            ("secrets", [name]) => match *method {
                Method::GET => Self::Get(secret_name(name)?, None),
                Method::PUT => Self::Set(secret_name(name)?),
                Method::PATCH => Self::Update(secret_name(name)?, None),
                Method::DELETE => Self::Delete(secret_name(name)?),
                _ => return Err(not_served(call)),
            },
            ("secrets", [name, version]) => match *method {
                Method::GET => Self::Get(secret_name(name)?, Some((*version).to_owned())),
                Method::PATCH => Self::Update(secret_name(name)?, Some((*version).to_owned())),
                _ => return Err(not_served(call)),
            },
            ("deletedsecrets", []) if method == Method::GET => Self::ListDeleted,
            ("deletedsecrets", [name]) if method == Method::GET => {
                Self::GetDeleted(secret_name(name)?)
            }
            ("deletedsecrets", [name]) if method == Method::DELETE => {
                Self::Purge(secret_name(name)?)
            }
            ("deletedsecrets", [name, verb])
                if method == Method::POST && verb.eq_ignore_ascii_case("recover") =>
            {
                Self::Recover(secret_name(name)?)
            }
            _ => return Err(not_served(call)),
        };
        Ok(found)
    }

    /// The right that it needs.
    pub(super) fn right(&self) -> Right {
        let (action, permission) = match self {
            Self::List | Self::ListVersions(_) | Self::ListDeleted => {
                ("readMetadata/action", "list")
            }
            Self::Get(..) => ("getSecret/action", "get"),
            Self::GetDeleted(_) => ("readMetadata/action", "get"),
            Self::Set(_) => ("setSecret/action", "set"),
            Self::Update(..) => ("update/action", "set"),
            Self::Delete(_) => ("delete", "delete"),
            Self::Recover(_) => ("recover/action", "recover"),
            Self::Purge(_) => ("purge/action", "purge"),
        };
        Right { action, permission }
    }

    /// The secret, if it is about one.
    pub(super) fn secret(&self) -> Option<&str> {
        match self {
            Self::List | Self::ListDeleted => None,
            Self::ListVersions(name)
            | Self::Get(name, _)
            | Self::Set(name)
            | Self::Update(name, _)
            | Self::Delete(name)
            | Self::GetDeleted(name)
            | Self::Recover(name)
            | Self::Purge(name) => Some(name),
        }
    }
}

fn not_served(call: &Call) -> VaultError {
    VaultError::not_served(&call.method, &format!("/{}", call.path.join("/")))
}

/// 'Azure Key Vault keys, secrets, and certificates overview', section 'Vault-name and
/// Object-name'.
fn secret_name(name: &str) -> Result<String, VaultError> {
    let is_valid = (1..=127).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    match is_valid {
        true => Ok(name.to_owned()),
        false => Err(VaultError::bad_parameter(format!(
            "The request URI contains an invalid name: {}",
            crate::text::clip(name)
        ))),
    }
}
