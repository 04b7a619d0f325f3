//! One request to Key Vault: which vault it is for, and what it says.

use super::error::VaultError;
use crate::{
    front_door,
    service::{Cloud, Entrance, Service, Urls},
    world::World,
};
use axum::body::Bytes;
use http::{Method, StatusCode, header, request::Parts};
use serde::de::DeserializeOwned;
use time::{Date, OffsetDateTime, macros::format_description};

/// The version before those with a number ('Azure Key Vault REST API versions').
const OLDEST: &str = "2016-10-01";
/// The first version with a date after them. Newer ones are accepted up to today.
const FIRST_DATED: &str = "2025-07-01";

/// A request.
pub(super) struct Call {
    pub(super) method: Method,
    /// The vault's name, as it came.
    pub(super) vault: String,
    /// The vault's address, without a slash at the end. The ids of secrets begin with it.
    pub(super) base: String,
    /// The segments of the path after the vault.
    pub(super) path: Vec<String>,
    query: Vec<(String, String)>,
    authorization: Option<String>,
    pub(super) entrance: Entrance,
    body: Bytes,
}

impl Call {
    /// Parses a request.
    ///
    /// # Errors
    /// When the path can't be decoded, or names no vault.
    pub(super) fn read(parts: &Parts, body: Bytes, urls: &Urls) -> Result<Self, VaultError> {
        let entrance = parts.extensions.get::<Entrance>().cloned();
        let entrance = entrance.unwrap_or(Entrance {
            service: Service::Vault,
            cloud: Cloud::Public,
            real_name: None,
        });
        let path = front_door::decoded(parts.uri.path());
        let mut path =
            path.ok_or_else(|| VaultError::bad_parameter("The request URI is not valid."))?;
        let (vault, base) = match &entrance.real_name {
            Some(host) => {
                let vault = host.split('.').next().unwrap_or_default();
                (vault.to_owned(), format!("https://{host}"))
            }
            None if path.is_empty() => return Err(VaultError::no_vault("")),
            None => {
                let vault = path.remove(0);
                let base = format!("{}/{}", urls.vault, vault.to_lowercase());
                (vault, base)
            }
        };
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self {
            method: parts.method.clone(),
            vault,
            base,
            path,
            query: query.into_owned().collect(),
            // A header that is not text is an invalid token, not a missing one.
            authorization: parts
                .headers
                .get(header::AUTHORIZATION)
                .map(|value| value.to_str().unwrap_or("Bearer ?").to_owned()),
            entrance,
            body,
        })
    }

    /// The `Authorization` header.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The value of a query parameter. Names are compared without regard to case.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter();
        let mut found = found.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The version of the API, which nextLinks repeat.
    pub(super) fn version(&self) -> &str {
        self.query("api-version").unwrap_or_default()
    }

    /// # Errors
    /// 400 for a missing or unknown version.
    pub(super) fn check_version(&self, now: OffsetDateTime) -> Result<(), VaultError> {
        let version = self.version();
        if version.is_empty() {
            return Err(VaultError::bad_parameter("api-version must be specified"));
        }
        let bare = version.strip_suffix("-preview").unwrap_or(version);
        let minor = bare
            .strip_prefix("7.")
            .and_then(|minor| minor.parse::<u8>().ok());
        let form = format_description!("[year]-[month]-[day]");
        let is_dated = Date::parse(bare, form).is_ok_and(|date| date <= now.date());
        if minor.is_some() || version == OLDEST || (is_dated && bare >= FIRST_DATED) {
            return Ok(());
        }
        Err(VaultError::bad_parameter(format!(
            "The specified version ({}) is not recognized. Consider using the latest supported version ({}).",
            crate::text::clip(version),
            FIRST_DATED
        )))
    }

    /// The region of the vault, if it exists.
    pub(super) fn region(&self, world: &World) -> Option<String> {
        world.resources().key_vault(&self.vault)?.0.location.clone()
    }

    /// The body, parsed as `T`.
    ///
    /// # Errors
    /// 400 when the body is not JSON of that type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, VaultError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let message = format!("The request body could not be read: {error}.");
            VaultError::new(StatusCode::BAD_REQUEST, "BadParameter", message)
        })
    }
}
