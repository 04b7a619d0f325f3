//! What a trouble is made of: the emulator as it was, and the changes so far.

use super::{Change, FOLDER, TroubleError};
use crate::{
    damage::{Damage, Part, Place},
    environment::{Persona, Way},
    homes::private,
    info::{IdentityInfo, Info},
    resources::Scope,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// A trouble that is being made.
pub(super) struct Scene<'a> {
    pub(super) info: &'a Info,
    pub(super) persona: Persona,
    way: Way,
    /// For the trouble's files.
    folder: PathBuf,
    pub(super) change: Change,
    pub(super) damage: Vec<Damage>,
}

/// The names of the variables of a service principal.
pub(super) struct Names {
    pub(super) tenant: &'static str,
    pub(super) client: &'static str,
    pub(super) secret: &'static str,
}

/// Those of Azure SDKs.
pub(super) const AZURE: Names = Names {
    tenant: "AZURE_TENANT_ID",
    client: "AZURE_CLIENT_ID",
    secret: "AZURE_CLIENT_SECRET",
};

/// Those of hi-ml.
pub(super) const HIML: Names = Names {
    tenant: "HIML_TENANT_ID",
    client: "HIML_SERVICE_PRINCIPAL_ID",
    secret: "HIML_SERVICE_PRINCIPAL_PASSWORD",
};

impl<'a> Scene<'a> {
    pub(super) fn new(info: &'a Info, trouble: &str, persona: Persona, way: Way) -> Self {
        Self {
            info,
            persona,
            way,
            folder: info.state_dir.join(FOLDER).join(trouble),
            change: Change::default(),
            damage: Vec::new(),
        }
    }

    /// Sets a variable.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.change.unset.remove(name);
        self.change.set.insert(name.to_owned(), value.into());
    }

    /// Removes a variable.
    pub(super) fn unset(&mut self, name: &str) {
        self.change.set.remove(name);
        self.change.unset.insert(name.to_owned());
    }

    /// Breaks something in Azure.
    pub(super) fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }

    /// Writes a file for the trouble (mode 0600), with folders (mode 0700), and returns its path.
    pub(super) fn file(
        &mut self,
        name: &str,
        content: impl AsRef<[u8]>,
    ) -> Result<PathBuf, TroubleError> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(&self.folder);
        private(&self.info.state_dir.join(FOLDER))?;
        private(&self.folder)?;
        private(folder)?;
        write(&path, content.as_ref())?;
        self.change.files.push(path.clone());
        Ok(path)
    }

    /// The program must run in the trouble's folder.
    pub(super) fn enter(&mut self) -> Result<(), TroubleError> {
        private(&self.info.state_dir.join(FOLDER))?;
        private(&self.folder)?;
        self.change.directory = Some(self.folder.clone());
        Ok(())
    }

    /// Copies the files of a folder to one of the trouble's.
    pub(super) fn copy(&mut self, from: &Path, to: &str) -> Result<PathBuf, TroubleError> {
        for entry in fs::read_dir(from)?.flatten() {
            if let (Ok(content), Some(name)) = (fs::read(entry.path()), entry.file_name().to_str())
            {
                self.file(&format!("{to}/{name}"), content)?;
            }
        }
        Ok(self.folder.join(to))
    }

    /// The names of the persona's variables.
    pub(super) fn names(&self) -> Names {
        match self.persona {
            Persona::Himl => HIML,
            _ => AZURE,
        }
    }

    /// Sets the three variables of a service principal.
    pub(super) fn sign_in_as(
        &mut self,
        names: &Names,
        identity: &IdentityInfo,
    ) -> Result<(), TroubleError> {
        let secret = identity.secret.as_deref();
        let secret = secret.ok_or(TroubleError::Missing("secret of a service principal"))?;
        self.set(names.tenant, identity.tenant_id.to_string());
        self.set(names.client, identity.client_id.to_string());
        self.set(names.secret, secret);
        Ok(())
    }

    /// Sets the persona's own three variables.
    pub(super) fn sign_in(&mut self) -> Result<(), TroubleError> {
        let identity = self.service_principal()?;
        self.sign_in_as(&self.names(), identity)
    }

    /// The service principal with a secret.
    pub(super) fn service_principal(&self) -> Result<&'a IdentityInfo, TroubleError> {
        let found = self.info.service_principal();
        let found = found.ok_or(TroubleError::Missing("service principal with a secret"))?;
        Ok(found.0)
    }

    /// Another service principal with a secret.
    pub(super) fn other(&self) -> Result<&'a IdentityInfo, TroubleError> {
        let own = self.service_principal()?.client_id;
        let is_usable = |one: &&IdentityInfo| {
            one.client_id != own
                && one.enabled
                && one.object_id.is_some()
                && !one.secret_expired
                && one.secret.is_some()
        };
        // The last that can sign in: others of the built-in seed have troubles of their own.
        let found = self.info.identities.iter().rfind(is_usable);
        found.ok_or(TroubleError::Missing(
            "second service principal with a secret",
        ))
    }

    /// The persona's application.
    pub(super) fn application(&self) -> Result<&'a IdentityInfo, TroubleError> {
        let info = self.info;
        let by_id = |id: Option<Uuid>| {
            let id = id?;
            info.identities.iter().find(|one| one.client_id == id)
        };
        let found = match self.persona {
            Persona::ServicePrincipal | Persona::Himl => Some(self.service_principal()?),
            Persona::Certificate => {
                let mut all = info.identities.iter();
                all.find(|one| one.certificate_path.is_some())
            }
            Persona::Github => by_id(info.github_actions.as_ref().map(|one| one.client_id)),
            Persona::AzurePipelines => {
                by_id(info.azure_pipelines.as_ref().map(|one| one.client_id))
            }
            Persona::Aks => by_id(info.workload.as_ref().map(|one| one.client_id)),
            _ => None,
        };
        found.ok_or(TroubleError::Missing("application for this account"))
    }

    /// The object id of the user who is signed in to Azure CLI.
    pub(super) fn user(&self) -> Result<Uuid, TroubleError> {
        let name = self.info.azure_cli.as_ref();
        let user = name.and_then(|one| self.info.user(&one.user_principal_name));
        let user = user.ok_or(TroubleError::Missing("user who is signed in to Azure CLI"))?;
        Ok(user.object_id)
    }

    /// The object id of the persona's principal.
    pub(super) fn principal(&self) -> Result<Uuid, TroubleError> {
        if self.persona == Persona::Laptop {
            return self.user();
        }
        let id = self.application()?.object_id;
        id.ok_or(TroubleError::Missing("service principal for this account"))
    }

    /// A folder of Azure CLI with a signed-in user.
    pub(super) fn azure_cli(&self) -> Result<&'a Path, TroubleError> {
        let found = self.info.azure_cli.as_ref();
        let found = found.ok_or(TroubleError::Missing("user who is signed in to Azure CLI"))?;
        Ok(match self.way {
            Way::RealNames => &found.names,
            Way::Ports => &found.ports,
        })
    }

    /// The workspace, or a part of it.
    pub(super) fn place(&self, part: Part) -> Result<Place, TroubleError> {
        let workspace = self.workspace()?;
        Ok(Place { workspace, part })
    }

    /// The id of the workspace.
    pub(super) fn workspace(&self) -> Result<Scope, TroubleError> {
        let found = self.info.workspace.as_ref();
        let found = found.ok_or(TroubleError::Missing("workspace"))?;
        let id = format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
            found.subscription_id, found.resource_group, found.name
        );
        id.parse().map_err(|_| TroubleError::Missing("workspace"))
    }

    /// The id of the workspace's subscription.
    pub(super) fn subscription(&self) -> Result<Uuid, TroubleError> {
        let found = self.info.workspace.as_ref();
        let found = found.ok_or(TroubleError::Missing("workspace"))?;
        Ok(found.subscription_id)
    }
}

/// Replaces a file by one that only this user can read.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
