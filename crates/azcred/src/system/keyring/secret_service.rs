//! A client of the Secret Service (Secret Service API 0.2) for one secret with one name.
//!
//! Secrets are sent over the session bus unencrypted (`plain`): a process that can listen there
//! could request them too. A locked collection is not unlocked, because that asks the person.

use super::{
    Secret,
    dbus::{Address, ArgumentReader, Body, Bus, Call, CallResult, Reply, nonsense},
};
use crate::system::NoKeyring;
use std::time::Duration;
use zeroize::Zeroizing;

const NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
/// The path that means 'no object'.
const NONE: &str = "/";
/// The label that people see in their keyring.
const LABEL: &str = "azcred: the key of what it keeps on disk";

/// The service's bus, and the time limit.
pub(super) struct SecretService {
    address: Address,
    patience: Duration,
}

/// An open session of the service.
struct OpenSession {
    bus: Bus,
    path: String,
}

/// The paths of the items with a name.
struct ItemPaths {
    unlocked: Vec<String>,
    is_locked: bool,
}

impl SecretService {
    pub(super) fn at(address: Address, patience: Duration) -> Self {
        Self { address, patience }
    }

    pub(super) fn get(&self, service: &str, name: &str) -> Result<Option<Secret>, NoKeyring> {
        let (mut session, found) = self.search(service, name)?;
        let Some(item) = found.unlocked.first() else {
            return if found.is_locked {
                Err(NoKeyring::Locked)
            } else {
                Ok(None)
            };
        };
        let mut body = Body::default();
        body.text(&session.path);
        let reply = answered(session.bus.call(&Call {
            path: item,
            interface: ITEM,
            method: "GetSecret",
            signature: "o",
            body,
        })?)?;
        let secret = reply.arguments("(oayays)").and_then(|mut reader| {
            // Session, parameters of the encryption, secret, media type.
            reader.text()?;
            reader.bytes()?;
            reader.bytes()
        });
        let secret = secret.ok_or_else(nonsense)?;
        Ok(Some(Zeroizing::new(secret.to_vec())))
    }

    pub(super) fn set(&self, service: &str, name: &str, secret: &[u8]) -> Result<(), NoKeyring> {
        let mut alias = Body::default();
        alias.text("default");
        let (mut session, reply) = self.begin(Call {
            path: ROOT,
            interface: SERVICE,
            method: "ReadAlias",
            signature: "s",
            body: alias,
        })?;
        let reply = answered(reply)?;
        let collection = reply.arguments("o").and_then(|mut reader| reader.text());
        let collection = collection.ok_or_else(nonsense)?;
        if collection == NONE {
            // Making a collection asks for a password.
            return Err(NoKeyring::Absent(
                "it has no default collection yet".to_owned(),
            ));
        }
        let mut body = Body::default();
        body.array(8, |body| {
            body.align(8);
            body.text(&format!("{ITEM}.Label"));
            body.signature("s");
            body.text(LABEL);
            body.align(8);
            body.text(&format!("{ITEM}.Attributes"));
            body.signature("a{ss}");
            attributes(body, service, name);
        });
        body.align(8);
        body.text(&session.path);
        body.bytes(b"");
        body.bytes(secret);
        body.text("text/plain");
        // Replace an existing item.
        body.u32(1);
        let reply = answered(session.bus.call(&Call {
            path: collection,
            interface: COLLECTION,
            method: "CreateItem",
            signature: "a{sv}(oayays)b",
            body,
        })?)?;
        let mut reader = reply.arguments("oo").ok_or_else(nonsense)?;
        let _item = reader.text().ok_or_else(nonsense)?;
        unasked(reader)
    }

    pub(super) fn remove(&self, service: &str, name: &str) -> Result<(), NoKeyring> {
        let (mut session, found) = self.search(service, name)?;
        if found.is_locked {
            return Err(NoKeyring::Locked);
        }
        for item in &found.unlocked {
            let reply = answered(session.bus.call(&Call {
                path: item,
                interface: ITEM,
                method: "Delete",
                signature: "",
                body: Body::default(),
            })?)?;
            unasked(reply.arguments("o").ok_or_else(nonsense)?)?;
        }
        Ok(())
    }

    fn search(&self, service: &str, name: &str) -> Result<(OpenSession, ItemPaths), NoKeyring> {
        let mut body = Body::default();
        attributes(&mut body, service, name);
        let (session, reply) = self.begin(Call {
            path: ROOT,
            interface: SERVICE,
            method: "SearchItems",
            signature: "a{ss}",
            body,
        })?;
        let reply = answered(reply)?;
        let mut reader = reply.arguments("aoao").ok_or_else(nonsense)?;
        let (Some(unlocked), Some(locked)) = (reader.texts(), reader.texts()) else {
            return Err(nonsense());
        };
        let found = ItemPaths {
            unlocked: unlocked.into_iter().map(str::to_owned).collect(),
            is_locked: !locked.is_empty(),
        };
        Ok((session, found))
    }

    /// Opens a session and makes a first call with it.
    fn begin(&self, call: Call<'_>) -> Result<(OpenSession, CallResult), NoKeyring> {
        let mut body = Body::default();
        body.text("plain");
        body.signature("s");
        body.text("");
        let open = Call {
            path: ROOT,
            interface: SERVICE,
            method: "OpenSession",
            signature: "sv",
            body,
        };
        let (bus, answers) = Bus::connect(&self.address, NAME, self.patience, &[open, call])?;
        let mut answers = answers.into_iter();
        let (Some(opened), Some(answer)) = (answers.next(), answers.next()) else {
            return Err(nonsense());
        };
        let opened = answered(opened)?;
        let path = opened.arguments("vo").and_then(|mut reader| {
            // The output of the algorithm: with `plain`, an empty string.
            (reader.signature()? == "s").then_some(())?;
            reader.text()?;
            reader.text()
        });
        let path = path.ok_or_else(nonsense)?.to_owned();
        Ok((OpenSession { bus, path }, answer))
    }
}

fn attributes(body: &mut Body, service: &str, name: &str) {
    body.array(8, |body| {
        for (key, value) in [("service", service), ("username", name)] {
            body.align(8);
            body.text(key);
            body.text(value);
        }
    });
}

/// Fails if the service returned the path of a prompt.
fn unasked(mut reader: ArgumentReader<'_>) -> Result<(), NoKeyring> {
    match reader.text() {
        Some(NONE) => Ok(()),
        Some(_) => Err(NoKeyring::Locked),
        None => Err(nonsense()),
    }
}

fn answered(answer: CallResult) -> Result<Reply, NoKeyring> {
    answer.map_err(|name| match name.as_str() {
        "org.freedesktop.Secret.Error.IsLocked" => NoKeyring::Locked,
        "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner"
        | "org.freedesktop.DBus.Error.UnknownMethod"
        | "org.freedesktop.DBus.Error.UnknownObject" => {
            NoKeyring::Absent("no service answers on the session's bus".to_owned())
        }
        // The bus could not start the service.
        spawn if spawn.starts_with("org.freedesktop.DBus.Error.Spawn.") => {
            NoKeyring::Absent("it could not be started".to_owned())
        }
        other => NoKeyring::Failed(format!(
            "it returned {}",
            crate::untrusted::printable(other, 100)
        )),
    })
}

#[cfg(test)]
#[path = "secret_service_tests.rs"]
mod tests;
