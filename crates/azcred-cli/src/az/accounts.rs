//! The subscriptions of an identity, in the form of Azure CLI's file `azureProfile.json`.
//!
//! Whose file it is depends on the identity. For the account of Azure CLI, it is Azure CLI's own,
//! which is never written to. In the folder that `azcred exec` makes for a program, it is that
//! folder's. For every other identity, it is one in azcred's data folder.

use super::{
    Trouble,
    identity::Identity,
    listing::listed,
    output::Format,
    said,
    value::{Object, Value},
};
use crate::failure::{Failure, Kind};
use azcred::{
    chain::Source,
    shown_path,
    system::{System, data_folder, home, path},
};
use std::path::PathBuf;

/// The file that marks a folder of Azure CLI's as one that `azcred exec` made for its program.
pub(crate) const OWN_FOLDER: &str = "made-by-azcred-exec";

const FILE: &str = "azureProfile.json";
/// The largest file that is read. Real ones are smaller.
const LIMIT: u64 = 16 << 20;
const SUBSCRIPTIONS: &str = "subscriptions";

/// Where the subscriptions are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keeper {
    /// Azure CLI, in this file.
    AzureCli(PathBuf),
    /// azcred, in this file.
    Own(PathBuf),
    /// Nothing: there is no home folder.
    Nowhere,
}

/// The subscriptions of an identity.
pub(super) struct Accounts {
    /// The whole file.
    document: Object,
    pub(super) list: Vec<Object>,
    pub(super) cloud: String,
    pub(super) keeper: Keeper,
}

/// Azure CLI's folder.
pub(crate) fn folder(system: &dyn System) -> Option<PathBuf> {
    path(system, "AZURE_CONFIG_DIR").or_else(|| Some(home(system)?.join(".azure")))
}

/// Azure CLI's folder, if `azcred exec` made it for this program.
pub(super) fn own_folder(system: &dyn System) -> Option<PathBuf> {
    folder(system).filter(|folder| system.look(&folder.join(OWN_FOLDER)).is_ok())
}

impl Keeper {
    fn of(identity: &Identity) -> Self {
        let system = identity.system();
        if identity.source == Source::AzureCli {
            return folder(system)
                .map_or(Self::Nowhere, |folder| Self::AzureCli(folder.join(FILE)));
        }
        let own = own_folder(system).filter(|_| identity.source == Source::ManagedIdentity);
        if let Some(folder) = own {
            return Self::Own(folder.join(FILE));
        }
        let principal = identity.principal.as_ref();
        let ids =
            principal.and_then(|one| Some((one.tenant_id.as_ref()?, one.object_id.as_ref()?)));
        let name = ids.and_then(|(tenant, object)| {
            // They come from a token, and become a file's name.
            let is_id =
                |id: &str| id.len() == 36 && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
            (is_id(tenant) && is_id(object)).then(|| format!("{tenant}.{object}.json"))
        });
        match (name, data_folder(system)) {
            (Some(name), Some(folder)) => Self::Own(folder.join("az").join(name)),
            _ => Self::Nowhere,
        }
    }

    /// Azure CLI's name of the cloud in use: in a folder of Azure CLI's, the one that is set there
    /// (`az cloud set`).
    fn cloud(&self, identity: &Identity) -> Result<String, Failure> {
        let system = identity.system();
        let folder = match self {
            Self::AzureCli(path) => path.parent(),
            Self::Own(path) => path.parent().filter(|_| path.ends_with(FILE)),
            Self::Nowhere => None,
        };
        if let Some(folder) = folder {
            let settings = system.read(&folder.join("config"), LIMIT).ok();
            let set = settings.and_then(|text| cloud_in(&String::from_utf8_lossy(&text)));
            let named = system.var("AZURE_CLOUD_NAME").or(set);
            return Ok(named.unwrap_or_else(|| "AzureCloud".to_owned()));
        }
        Ok(identity.session.options().cloud()?.name().to_owned())
    }

    /// The file's content, if there is a file of the known form.
    fn read(&self, system: &dyn System) -> Option<Object> {
        let (Self::AzureCli(path) | Self::Own(path)) = self else {
            return None;
        };
        let bytes = system.read(path, LIMIT).ok()?;
        // Azure CLI writes a byte order mark.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        match serde_json::from_slice(bytes).ok()? {
            Value::Object(document) => Some(document),
            _ => None,
        }
    }
}

/// The member `name` of the section `[cloud]` of Azure CLI's settings.
fn cloud_in(settings: &str) -> Option<String> {
    let lines = settings.lines().map(str::trim);
    let section = lines.skip_while(|line| *line != "[cloud]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .find(|(name, _)| name.trim() == "name")
        .map(|(_, value)| value.trim().to_owned())
}

impl Accounts {
    /// The subscriptions that are known without a request; `None` if there are none.
    pub(super) fn known(identity: &Identity) -> Result<Option<Self>, Failure> {
        let keeper = Keeper::of(identity);
        let Some(mut document) = keeper.read(identity.system()) else {
            return Ok(None);
        };
        let list = match document.remove(SUBSCRIPTIONS) {
            Some(Value::List(list)) => list.into_iter().filter_map(|one| match one {
                Value::Object(one) if !one.text("id").is_empty() => Some(one),
                _ => None,
            }),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            document,
            list: list.collect(),
            cloud: keeper.cloud(identity)?,
            keeper,
        })
        .filter(|accounts| !accounts.list.is_empty()))
    }

    /// The subscriptions. Azure Resource Manager lists them if they are not known, or with
    /// `refresh`; they are known afterwards.
    pub(super) async fn load(identity: &Identity, refresh: bool) -> Result<Self, Trouble> {
        let known = Self::known(identity)?;
        let keeper = Keeper::of(identity);
        if let Keeper::AzureCli(_) = keeper {
            return known.ok_or_else(|| said("Please run 'az login' to setup account."));
        }
        let before = match (known, refresh) {
            (Some(known), false) => return Ok(known),
            (known, _) => known,
        };
        let chosen = before.as_ref().and_then(|before| before.chosen());
        let chosen = chosen.map(|one| one.text("id").to_owned());
        let cloud = keeper.cloud(identity)?;
        let list = listed(identity, &cloud, chosen).await?;
        let accounts = Self {
            document: before.map(|before| before.document).unwrap_or_default(),
            list,
            cloud,
            keeper,
        };
        // They can be listed again.
        if let Err(failure) = accounts.keep(identity.system()) {
            tracing::debug!(why = %failure.why, "the subscriptions can't be kept");
        }
        Ok(accounts)
    }

    fn here(&self) -> impl Iterator<Item = &Object> {
        let here = |one: &&Object| one.text("environmentName") == self.cloud;
        self.list.iter().filter(here)
    }

    fn chosen(&self) -> Option<&Object> {
        self.here().find(|one| one.is("isDefault"))
    }

    /// The subscription with this id or name, or the default one.
    ///
    /// # Errors
    /// In Azure CLI's words.
    pub(super) fn find(&self, subscription: Option<&str>) -> Result<&Object, Trouble> {
        let Some(asked) = subscription else {
            return self.chosen().ok_or_else(|| {
                said("No subscription found. Run 'az account set' to select a subscription.")
            });
        };
        match &self.matching(asked)[..] {
            [] => Err(said(format!(
                "Subscription '{asked}' not found. Check the spelling and casing and try again."
            ))),
            [one] => Ok(one),
            _ => Err(said(format!(
                "Multiple subscriptions with the name '{asked}' found. Specify the subscription ID."
            ))),
        }
    }

    fn matching(&self, asked: &str) -> Vec<&Object> {
        let asked = asked.to_lowercase();
        let is_it = |one: &&Object| {
            one.text("id").to_lowercase() == asked || one.text("name").to_lowercase() == asked
        };
        self.here().filter(is_it).collect()
    }

    /// Makes a subscription the default one.
    ///
    /// # Errors
    /// In Azure CLI's words.
    pub(super) fn choose(&mut self, subscription: &str) -> Result<(), Trouble> {
        let id = match &self.matching(subscription)[..] {
            [one] => one.text("id").to_owned(),
            found => {
                let wrong = match found {
                    [] => "doesn't exist",
                    _ => "has more than one match",
                };
                return Err(said(format!(
                    "The subscription of '{}' {wrong} in cloud '{}'.",
                    subscription.to_lowercase(),
                    self.cloud
                )));
            }
        };
        for one in &mut self.list {
            let is_it = one.text("id") == id;
            one.set("isDefault", Value::Bool(is_it));
        }
        Ok(())
    }

    /// Writes azcred's file.
    pub(super) fn keep(&self, system: &dyn System) -> Result<(), Failure> {
        let Keeper::Own(path) = &self.keeper else {
            return Err(Failure::new(
                Kind::Failed,
                "could not store the subscription",
                "there is no home folder",
            )
            .fix("set HOME to a folder of your own"));
        };
        let mut document = self.document.clone();
        let list = self.list.iter().cloned().map(Value::from).collect();
        document.set(SUBSCRIPTIONS, Value::List(list));
        let text = Format::Json.show(&document.into(), false);
        let written = path
            .parent()
            .map_or(Ok(()), |folder| {
                let own = data_folder(system).filter(|own| folder.starts_with(own));
                system.make_folder(folder, own.as_deref().unwrap_or(folder))
            })
            .and_then(|()| system.write(path, text.as_bytes()));
        written.map_err(|error| {
            Failure::new(
                Kind::Failed,
                "could not store the subscription",
                format!("{}: {error}", shown_path(path)),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cloud_is_the_one_of_its_own_section() {
        for (settings, cloud) in [
            (
                "[core]\nname = x\n[cloud]\nname = AzureChinaCloud\n",
                Some("AzureChinaCloud"),
            ),
            ("[cloud]\r\nname=A\r\n", Some("A")),
            ("[cloud]\n[core]\nname = x\n", None),
            ("", None),
        ] {
            assert_eq!(cloud_in(settings).as_deref(), cloud, "{settings}");
        }
    }
}
