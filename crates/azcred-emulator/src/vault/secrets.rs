//! The operations on secrets.
//!
//! Forms of bodies: 'Azure Key Vault REST API reference', and recorded responses.

use super::{call::Call, error::VaultError, operation::Operation};
use crate::{
    directory::SecretText,
    resources::KeyVault,
    secrets::{Secret, Vault, Version},
    world::World,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most entries of a page ('Get Secrets', `maxresults`).
const PAGE: usize = 25;

/// The largest value, in bytes ('About Azure Key Vault secrets').
const MAX_VALUE: usize = 25 * 1024;

const DAY: i64 = 24 * 60 * 60;

/// The body of a request that sets or changes a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    value: Option<String>,
    content_type: Option<String>,
    #[serde(default)]
    attributes: Option<GivenAttributes>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
struct GivenAttributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

/// What the vault's settings say of every secret.
struct Terms {
    level: String,
    days: i64,
}

impl Terms {
    fn of(vault: KeyVault<'_>) -> Self {
        let days = vault.retention_days();
        let kind = match days {
            90 => "Recoverable",
            _ => "CustomizedRecoverable",
        };
        let purge = match vault.allows_purge() {
            true => "+Purgeable",
            false => "",
        };
        Self {
            level: format!("{kind}{purge}"),
            days,
        }
    }
}

/// Carries out an operation. `None`: the response has no body.
///
/// # Errors
/// Key Vault's.
pub(super) fn perform(
    world: &World,
    call: &Call,
    operation: &Operation,
) -> Result<Option<Value>, VaultError> {
    let (terms, allows_purge) = {
        let resources = world.resources();
        let vault = resources.key_vault(&call.vault);
        let vault = vault.ok_or_else(|| VaultError::no_vault(&call.vault))?;
        (Terms::of(vault), vault.allows_purge())
    };
    let now = world.clock.unix();
    let secrets = world.secrets();
    let view = View {
        call,
        terms: &terms,
    };
    match operation {
        Operation::List => {
            let all = secrets.read(&call.vault, |vault| view.list(vault, false))?;
            view.page(all)
        }
        Operation::ListDeleted => {
            let all = secrets.read(&call.vault, |vault| view.list(vault, true))?;
            view.page(all)
        }
        Operation::ListVersions(name) => {
            let all = secrets.read(&call.vault, |vault| view.versions(vault, name))?;
            view.page(all)
        }
        Operation::Get(name, version) => secrets.read(&call.vault, |vault| {
            let (secret, found) = find(vault, name, version.as_deref())?;
            if !found.enabled {
                return Err(VaultError::forbidden(
                    "SecretDisabled",
                    "Operation get is not allowed on a disabled secret.",
                ));
            }
            Ok(Some(view.bundle(secret, found)))
        })?,
        Operation::Set(name) => {
            let given: Given = call.json()?;
            let version = new_version(given, now)?;
            secrets.edit(&call.vault, |vault| {
                let secret = vault.entry(name.to_lowercase()).or_insert_with(|| Secret {
                    name: name.clone(),
                    versions: Vec::new(),
                    deleted: None,
                });
                if secret.deleted.is_some() {
                    return Err(VaultError::conflict(
                        "ObjectIsDeletedButRecoverable",
                        format!(
                            "Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; \
                             in this state, the secret can only be recovered or purged."
                        ),
                    ));
                }
                let set = view.bundle(secret, &version);
                secret.versions.push(version);
                Ok(Some(set))
            })
        }
        Operation::Update(name, version) => {
            let given: Given = call.json()?;
            secrets.edit(&call.vault, |vault| {
                let (_, found) = find(vault, name, version.as_deref())?;
                let id = found.id.clone();
                let secret = vault.get_mut(&name.to_lowercase());
                let secret = secret.ok_or_else(|| VaultError::secret_not_found(name))?;
                let mut updated = None;
                for version in secret.versions.iter_mut().filter(|one| one.id == id) {
                    change(version, &given, now);
                    updated = Some(version.clone());
                }
                Ok(updated.map(|version| view.item(secret, &version, true)))
            })
        }
        Operation::Delete(name) => secrets.edit(&call.vault, |vault| {
            find(vault, name, None)?;
            let secret = vault.get_mut(&name.to_lowercase());
            let secret = secret.ok_or_else(|| VaultError::secret_not_found(name))?;
            secret.deleted = Some(now);
            Ok(view.deleted(secret, true))
        }),
        Operation::GetDeleted(name) => {
            secrets.read(&call.vault, |vault| match deleted(vault, name) {
                Some(secret) => Ok(view.deleted(secret, true)),
                None => Err(VaultError::deleted_secret_not_found(name)),
            })?
        }
        Operation::Recover(name) => secrets.edit(&call.vault, |vault| {
            let found = vault.get_mut(&name.to_lowercase());
            let secret = found.filter(|secret| secret.deleted.is_some());
            let secret = secret.ok_or_else(|| VaultError::deleted_secret_not_found(name))?;
            secret.deleted = None;
            let latest = secret.latest();
            Ok(latest.map(|latest| view.item(secret, latest, true)))
        }),
        Operation::Purge(_) if !allows_purge => Err(VaultError::forbidden(
            "PurgeProtectionEnabled",
            "Operation \"purge\" is not allowed because purge protection is enabled for this vault.",
        )),
        Operation::Purge(name) => secrets.edit(&call.vault, |vault| {
            if deleted(vault, name).is_none() {
                return Err(VaultError::deleted_secret_not_found(name));
            }
            vault.remove(&name.to_lowercase());
            Ok(None)
        }),
    }
}

fn find<'a>(
    vault: &'a Vault,
    name: &str,
    version: Option<&str>,
) -> Result<(&'a Secret, &'a Version), VaultError> {
    let secret = vault.get(&name.to_lowercase());
    let secret = secret.filter(|secret| secret.deleted.is_none());
    let secret = secret.ok_or_else(|| VaultError::secret_not_found(name))?;
    let found = match version {
        None => secret.latest(),
        Some(id) => secret.versions.iter().find(|one| one.id == id),
    };
    let found = found.ok_or_else(|| {
        VaultError::secret_not_found(&format!("{name}/{}", version.unwrap_or_default()))
    })?;
    Ok((secret, found))
}

fn deleted<'a>(vault: &'a Vault, name: &str) -> Option<&'a Secret> {
    let secret = vault.get(&name.to_lowercase())?;
    secret.deleted.is_some().then_some(secret)
}

fn new_version(given: Given, now: i64) -> Result<Version, VaultError> {
    let value = given.value.ok_or_else(|| {
        VaultError::new(
            StatusCode::BAD_REQUEST,
            "BadParameter",
            "Property value is required and must not be null.",
        )
    })?;
    if value.len() > MAX_VALUE {
        return Err(VaultError::bad_parameter(format!(
            "Property value exceeds the maximum size of {MAX_VALUE} bytes."
        )));
    }
    let attributes = given.attributes.unwrap_or_default();
    Ok(Version {
        id: Uuid::new_v4().simple().to_string(),
        value: SecretText::new(value),
        content_type: given.content_type,
        enabled: attributes.enabled.unwrap_or(true),
        not_before: attributes.nbf,
        expires: attributes.exp,
        created: now,
        updated: now,
        tags: given.tags,
    })
}

/// Changes what a request gives, and nothing else. The value can't be changed.
fn change(version: &mut Version, given: &Given, now: i64) {
    if let Some(attributes) = &given.attributes {
        version.enabled = attributes.enabled.unwrap_or(version.enabled);
        version.not_before = attributes.nbf.or(version.not_before);
        version.expires = attributes.exp.or(version.expires);
    }
    if let Some(kind) = &given.content_type {
        version.content_type = Some(kind.clone());
    }
    if given.tags.is_some() {
        version.tags.clone_from(&given.tags);
    }
    version.updated = now;
}

/// How a response shows secrets.
struct View<'a> {
    call: &'a Call,
    terms: &'a Terms,
}

impl View<'_> {
    /// A version with its value.
    fn bundle(&self, secret: &Secret, version: &Version) -> Value {
        let mut item = self.item(secret, version, true);
        item["value"] = version.value.expose().into();
        item
    }

    /// A version without its value.
    fn item(&self, secret: &Secret, version: &Version, with_version: bool) -> Value {
        let mut id = format!("{}/secrets/{}", self.call.base, secret.name);
        if with_version {
            id = format!("{id}/{}", version.id);
        }
        let mut attributes = json!({
            "enabled": version.enabled,
            "created": version.created,
            "updated": version.updated,
            "recoveryLevel": self.terms.level,
            "recoverableDays": self.terms.days,
        });
        for (name, time) in [("nbf", version.not_before), ("exp", version.expires)] {
            if let Some(time) = time {
                attributes[name] = time.into();
            }
        }
        let mut item = json!({"id": id, "attributes": attributes});
        if let Some(tags) = &version.tags {
            item["tags"] = json!(tags);
        }
        if let Some(kind) = &version.content_type {
            item["contentType"] = kind.as_str().into();
        }
        item
    }

    /// A deleted secret. It can be recovered until the date of its purge.
    fn deleted(&self, secret: &Secret, with_version: bool) -> Option<Value> {
        let deleted = secret.deleted?;
        let mut item = self.item(secret, secret.latest()?, with_version);
        let base = &self.call.base;
        item["recoveryId"] = format!("{base}/deletedsecrets/{}", secret.name).into();
        item["deletedDate"] = deleted.into();
        item["scheduledPurgeDate"] = (deleted + self.terms.days * DAY).into();
        Some(item)
    }

    fn list(&self, vault: &Vault, is_deleted: bool) -> Vec<Value> {
        let chosen = vault
            .values()
            .filter(|secret| secret.deleted.is_some() == is_deleted);
        let items = chosen.filter_map(|secret| match is_deleted {
            true => self.deleted(secret, false),
            false => Some(self.item(secret, secret.latest()?, false)),
        });
        items.collect()
    }

    /// The versions of a secret. A secret that does not exist has none.
    fn versions(&self, vault: &Vault, name: &str) -> Vec<Value> {
        let secret = vault.get(&name.to_lowercase());
        let secret = secret.filter(|secret| secret.deleted.is_none());
        let versions = secret.map(|secret| {
            let versions = secret.versions.iter();
            versions.map(|version| self.item(secret, version, true))
        });
        versions.into_iter().flatten().collect()
    }

    /// One page of a list, with the address of the next one.
    fn page(&self, all: Vec<Value>) -> Result<Option<Value>, VaultError> {
        let size = match self.call.query("maxresults") {
            None => PAGE,
            Some(text) => match text.parse() {
                Ok(size @ 1..=PAGE) => size,
                _ => {
                    return Err(VaultError::bad_parameter(format!(
                        "invalid maxresults. It must be between 1 and {PAGE}."
                    )));
                }
            },
        };
        let from = self.call.query("$skiptoken").unwrap_or("0");
        let from = from.parse::<usize>();
        let from = from.map_err(|_| VaultError::bad_parameter("invalid $skiptoken"))?;
        let next = from.saturating_add(size);
        let link = (next < all.len()).then(|| {
            format!(
                "{}/{}?api-version={}&$skiptoken={next}&maxresults={size}",
                self.call.base,
                self.call.path.join("/"),
                self.call.version()
            )
        });
        let value: Vec<Value> = all.into_iter().skip(from).take(size).collect();
        Ok(Some(json!({"value": value, "nextLink": link})))
    }
}
