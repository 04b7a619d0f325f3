//! A program on the user's machine, without the user's and the machine's own sign-ins.

use super::{Persona, Way, java};
use crate::{
    homes::{AZCRED, AZD, AZURE_CLI, Homes, UserFolder, private, record, users_folder},
    info::Info,
};
use azcred_guest::{class_of, known, value_of};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt, io,
    path::{Path, PathBuf},
    process::Command,
};

/// How long a program's folders are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// Until [`Isolated::end`]: one program.
    Program,
    /// Its end is not known: a shell that sets the variables.
    Shell,
}

/// What a program inherits from the user who starts it.
#[derive(Clone, Debug)]
pub struct Inherited {
    /// The user's variables.
    pub variables: BTreeMap<OsString, OsString>,
    /// Whether `HOME` stays. Tools that know only `HOME` then find the user's own sign-ins.
    pub keeps_home: bool,
    /// How long the program's folders are used.
    pub lifetime: Lifetime,
}

impl Inherited {
    /// This process's variables, for one program.
    pub fn here() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            keeps_home: false,
            lifetime: Lifetime::Program,
        }
    }

    fn variable(&self, name: &str) -> Option<&OsStr> {
        value_of(&self.variables, name, cfg!(windows))
    }

    fn folder(&self, variable: &'static str) -> Option<PathBuf> {
        let path = PathBuf::from(self.variable(variable)?);
        path.is_absolute().then(|| users_folder(variable, path))
    }

    /// The user's home folder. Without `HOME`, programs use the system's entry for the user.
    fn home(&self) -> Option<PathBuf> {
        self.folder("HOME").or_else(std::env::home_dir)
    }
}

/// The variables of a program that uses the emulator, and finds no sign-in of the user or the
/// machine. They include secrets: `Debug` shows names only.
pub struct Isolated {
    /// Variables to set.
    pub set: BTreeMap<String, String>,
    /// Variables to remove: those of the user that carry an identity or lead past the emulator, and
    /// the well-known ones, whether the user has them or not.
    pub unset: BTreeSet<String>,
    homes: Option<Homes>,
}

/// The folder of programs' data on Windows: its variable, and the name of the persona's folder.
const LOCAL_DATA: &str = "LOCALAPPDATA";

/// The service of Azure Arc's agent. MSAL uses the agent if this file exists (MSAL for Python 1.39,
/// `_get_arc_endpoint`).
fn arc_agent(inherited: &Inherited) -> Option<PathBuf> {
    if !cfg!(windows) {
        return Some("/opt/azcmagent/bin/himds".into());
    }
    let programs = inherited.variable("ProgramFiles")?;
    Some(Path::new(programs).join(r"AzureConnectedMachineAgent\himds.exe"))
}

impl Info {
    /// The variables of a program that a user starts, and the folders that they name.
    ///
    /// The program finds the emulator and the persona's identity, and neither the user's sign-ins
    /// nor the machine's. Variables of other identities and routes are removed. Each tool has a
    /// folder of the persona's own, which other personas and other emulators don't share. The
    /// session's keyring is out of reach. An address that has no identity replaces the machine's
    /// metadata service and Azure Arc's agent.
    ///
    /// # Errors
    /// When a folder can't be created in the state folder.
    pub fn isolated(
        &self,
        persona: Persona,
        way: Way,
        inherited: &Inherited,
    ) -> io::Result<Isolated> {
        let folder = self
            .personas_dir()
            .join(format!("{}-{}", persona.name(), way.name()));
        private(&folder)?;
        let own: BTreeMap<String, String> =
            self.environment(persona, way).set.into_iter().collect();
        let azure_cli = own
            .get("AZURE_CONFIG_DIR")
            .map_or_else(|| folder.join(AZURE_CLI), PathBuf::from);
        let has_agent = arc_agent(inherited).is_some_and(|file| file.exists());
        let mut set = without_host(&self.proxy_url, &own, has_agent);
        set.extend(folders(&folder, &azure_cli));
        set.extend(extensions(inherited));
        if cfg!(windows)
            && let Some(user) = inherited.folder(LOCAL_DATA)
        {
            record(LOCAL_DATA, &folder, &user)?;
        }
        let homes = match cfg!(unix) && !inherited.keeps_home {
            true => Some(homes(&folder, &azure_cli, inherited, &mut set)?),
            false => None,
        };
        let mut set: BTreeMap<String, String> = set
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        set.extend(own);
        let users = inherited.variable(java::VARIABLE).and_then(OsStr::to_str);
        let options = java::options(users, &set, &self.java_trust_store);
        set.insert(java::VARIABLE.to_owned(), options);
        let unset = known(|_| true)
            .map(str::to_owned)
            .chain(inherited.removed())
            .filter(|name| !set.contains_key(name))
            .collect();
        Ok(Isolated { set, unset, homes })
    }
}

/// Addresses that have no identity, in place of the machine's metadata service and Azure Arc's
/// agent: the emulator's proxy.
fn without_host(
    proxy: &str,
    own: &BTreeMap<String, String>,
    has_agent: bool,
) -> BTreeMap<&'static str, String> {
    let nowhere = || proxy.to_owned();
    let direct = || "localhost,127.0.0.1,::1".to_owned();
    let imds = own.get("AZURE_POD_IDENTITY_AUTHORITY_HOST");
    // Some programs have 169.254.169.254 built in, but use a proxy for it.
    let metadata = imds.cloned().unwrap_or_else(nowhere);
    let mut set = BTreeMap::from([
        ("HTTP_PROXY", metadata.clone()),
        ("http_proxy", metadata),
        ("NO_PROXY", direct()),
        ("no_proxy", direct()),
        // Node.js uses proxies only then.
        ("NODE_USE_ENV_PROXY", "1".to_owned()),
    ]);
    if imds.is_none() {
        set.insert("AZURE_POD_IDENTITY_AUTHORITY_HOST", nowhere());
        set.insert("AZCRED_IMDS", "never".to_owned());
    }
    // The libraries look for these two before they look for the agent.
    let has_host = own.contains_key("IDENTITY_ENDPOINT") || own.contains_key("MSI_ENDPOINT");
    if has_agent && !has_host {
        let endpoint = format!("{proxy}/metadata/identity/oauth2/token");
        set.insert("IDENTITY_ENDPOINT", endpoint);
        set.insert("IMDS_ENDPOINT", nowhere());
    }
    set
}

/// The folders of tools that have a variable for it, and a keyring that is not there.
fn folders(folder: &Path, azure_cli: &Path) -> BTreeMap<&'static str, String> {
    let own = |name: &str| folder.join(name).display().to_string();
    let mut set = BTreeMap::from([
        ("AZURE_CONFIG_DIR", azure_cli.display().to_string()),
        ("AZD_CONFIG_DIR", own(AZD)),
        // With Azure's real names, azcred can't tell a sign-in to the emulator from one to Azure.
        // It would send a real refresh token to the emulator, and the refusal would end the real
        // sign-in.
        ("AZCRED_HOME", own(AZCRED)),
        ("AZCRED_KEYRING", "never".to_owned()),
    ]);
    if cfg!(unix) {
        // Through the session's bus, programs reach its keyring and Microsoft's identity broker.
        // A connection to this file is refused at once.
        set.insert("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null".to_owned());
    }
    if cfg!(any(windows, target_vendor = "apple")) {
        // Azure CLI would sign in with the system's accounts, at Azure itself.
        set.insert("AZURE_CORE_ENABLE_BROKER_ON_WINDOWS", "false".to_owned());
        set.insert("AZURE_CORE_ENABLE_BROKER_ON_MAC", "false".to_owned());
    }
    if cfg!(windows) {
        // MSAL's shared cache for Python is below this folder.
        set.insert(LOCAL_DATA, own(LOCAL_DATA));
    }
    set
}

/// The user's extensions of Azure CLI: they are programs, not sign-ins.
fn extensions(inherited: &Inherited) -> Option<(&'static str, String)> {
    if inherited.variable("AZURE_EXTENSION_DIR").is_some() {
        return None;
    }
    let variable = inherited.folder("AZURE_CONFIG_DIR");
    let home = || {
        let windows = inherited.variable("USERPROFILE");
        let home = match cfg!(windows) {
            true => windows.map(PathBuf::from),
            false => inherited.home(),
        };
        home.map(|home| home.join(".azure"))
    };
    let folder = variable.or_else(home)?.join("cliextensions");
    let folder = folder.is_dir().then_some(folder)?;
    Some(("AZURE_EXTENSION_DIR", folder.to_str()?.to_owned()))
}

/// Folders of links to the user's, in the variables that name them.
fn homes(
    folder: &Path,
    azure_cli: &Path,
    inherited: &Inherited,
    set: &mut BTreeMap<&'static str, String>,
) -> io::Result<Homes> {
    let mut user: Vec<UserFolder> = Vec::new();
    user.extend(inherited.home().map(|home| ("HOME", home)));
    user.extend(
        inherited
            .folder("XDG_DATA_HOME")
            .map(|data| ("XDG_DATA_HOME", data)),
    );
    let homes = match inherited.lifetime {
        Lifetime::Program => Homes::for_program(folder)?,
        Lifetime::Shell => Homes::for_shell(folder, &user)?,
    };
    for one in &user {
        let filled = homes.fill(one, |name| match name {
            AZURE_CLI => azure_cli.to_owned(),
            name => folder.join(name),
        })?;
        set.insert(one.0, filled.display().to_string());
    }
    Ok(homes)
}

impl Inherited {
    /// The user's variables that go. A name that no shell could unset is left out: programs can't
    /// read it by a name that they know.
    fn removed(&self) -> impl Iterator<Item = String> {
        let names = self.variables.keys().filter_map(|name| name.to_str());
        names
            .filter(|name| class_of(name).is_some())
            .filter(|name| {
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                name.bytes().all(is_plain)
            })
            .map(str::to_owned)
    }
}

impl Isolated {
    /// Sets and removes a command's variables.
    pub fn apply_to(&self, command: &mut Command) {
        for name in &self.unset {
            command.env_remove(name);
        }
        command.envs(&self.set);
    }

    /// The program has ended: moves the files that it created beside the links in its home folder
    /// into the user's. Files that it changed through a link are there already.
    pub fn end(self) {
        if let Some(homes) = self.homes {
            homes.end();
        }
    }
}

impl fmt::Debug for Isolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolated")
            .field("set", &self.set.keys())
            .field("unset", &self.unset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_machine_with_azure_arcs_agent_its_address_has_no_identity() {
        let proxy = "http://127.0.0.1:1";
        let own = |names: &[&str]| -> BTreeMap<String, String> {
            let all = names
                .iter()
                .map(|name| ((*name).to_owned(), "x".to_owned()));
            all.collect()
        };
        for names in [
            &["AZURE_CONFIG_DIR"],
            &["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
        ] {
            let set = without_host(proxy, &own(names), true);
            assert_eq!(set["IMDS_ENDPOINT"], proxy);
            assert!(set["IDENTITY_ENDPOINT"].starts_with(proxy));
            let without = without_host(proxy, &own(names), false);
            assert!(!without.contains_key("IDENTITY_ENDPOINT"));
        }
        for host in ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"] {
            let set = without_host(proxy, &own(&[host]), true);
            assert!(!set.contains_key("IMDS_ENDPOINT"), "{host}");
        }
    }
}
