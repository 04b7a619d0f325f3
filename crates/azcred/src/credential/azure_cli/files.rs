//! Reads Azure CLI's folder: its settings, and files that belong to the user. It never writes.

use crate::{
    decode,
    system::{self, FileFacts, FileKind, System, home, open_if_seen},
};
use std::{
    borrow::Cow,
    fmt, io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Why Azure CLI's files can't be used, so that az has to be run. The text has no words from the
/// files.
pub(super) struct NotHere {
    why: Cow<'static, str>,
    fact: Option<Fact>,
}

/// What the files show, and what az's own message does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// Azure CLI is set to a cloud of Azure, and azcred to another.
    OtherCloud {
        theirs: &'static str,
        their_authority: &'static str,
        ours: String,
    },
    /// The folder or a file belongs to another user, who has this user id.
    Foreign(u32),
}

impl NotHere {
    pub(super) fn because(why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            why: why.into(),
            fact: None,
        }
    }

    /// The same with a fact that explains more.
    pub(super) fn with_fact(self, fact: Fact) -> Self {
        Self {
            fact: Some(fact),
            ..self
        }
    }

    pub(super) fn fact(&self) -> Option<&Fact> {
        self.fact.as_ref()
    }
}

impl fmt::Display for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl fmt::Debug for NotHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NotHere({})", self.why)
    }
}

/// The most bytes that are read of a file.
#[derive(Clone, Copy)]
pub(super) struct Limit(u64);

impl Limit {
    /// Settings and service principals.
    pub(super) const SMALL: Self = Self(1 << 20);
    /// Subscriptions; some people have thousands.
    pub(super) const PROFILE: Self = Self(8 << 20);
    /// Tokens: some kilobytes for each tenant and resource.
    pub(super) const TOKENS: Self = Self(32 << 20);
}

/// Azure CLI's folder.
pub(super) struct Folder<'a> {
    system: &'a dyn System,
    path: PathBuf,
}

impl<'a> Folder<'a> {
    /// `AZURE_CONFIG_DIR`, or else `~/.azure`.
    pub(super) fn of(system: &'a dyn System) -> Option<Self> {
        let path = match system::path(system, "AZURE_CONFIG_DIR") {
            Some(path) => path,
            None => home(system)?.join(".azure"),
        };
        path.is_absolute().then_some(Self { system, path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.system.look(&self.path.join(name)).is_ok()
    }

    /// Fails if other users than the administrator can put files into the folder. Each file's
    /// folder is checked again when the file is open.
    pub(super) fn check(&self) -> Result<(), NotHere> {
        match self.system.look(&self.path) {
            Ok(facts) => self.check_facts(&facts),
            Err(_) => Ok(()),
        }
    }

    fn check_facts(&self, facts: &FileFacts) -> Result<(), NotHere> {
        let user = self.system.user();
        match facts.foreign(user) {
            Some(why) => Err(foreign(format!("Azure CLI's folder {why}"), facts, user)),
            None => Ok(()),
        }
    }

    /// The content of a file that belongs to this user and is not a link, in a folder into which no
    /// other user than the administrator can put files; `None` if there is no file.
    pub(super) fn read(
        &self,
        name: &'static str,
        limit: Limit,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, NotHere> {
        let path = self.path.join(name);
        let file = match open_if_seen(self.system, &path) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(_) => return Err(NotHere::because(format!("{name} can't be read"))),
        };
        self.check_facts(&file.folder)?;
        let why_not = match file.facts.kind {
            FileKind::Link => Some("is a link"),
            FileKind::Folder | FileKind::Other => Some("is not a regular file"),
            FileKind::File => file.facts.foreign(self.system.user()),
        };
        if let Some(why_not) = why_not {
            let user = self.system.user();
            return Err(foreign(format!("{name} {why_not}"), &file.facts, user));
        }
        match file.read(limit.0) {
            Ok(bytes) => Ok(Some(decode::utf8(Zeroizing::new(bytes)))),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(NotHere::because(format!("{name} is too large")))
            }
            Err(_) => Err(NotHere::because(format!("{name} can't be read"))),
        }
    }
}

/// Says of a file that can't be used whether it is another user's.
fn foreign(why: String, facts: &FileFacts, user: Option<u32>) -> NotHere {
    let not_here = NotHere::because(why);
    match (facts.owner, user) {
        (Some(owner), Some(user)) if owner != user && owner != 0 => {
            not_here.with_fact(Fact::Foreign(owner))
        }
        _ => not_here,
    }
}

/// A settings file as Python's configparser reads it, limited to what Azure CLI writes.
#[derive(Default)]
pub(super) struct CliSettings {
    /// Section, option in lower case, value.
    options: Vec<(String, String, String)>,
}

impl CliSettings {
    /// Reads Azure CLI's `config` or `clouds.config`.
    pub(super) fn read(folder: &Folder<'_>, name: &'static str) -> Result<Self, NotHere> {
        let Some(bytes) = folder.read(name, Limit::SMALL)? else {
            return Ok(Self::default());
        };
        std::str::from_utf8(&bytes)
            .ok()
            .and_then(Self::parse)
            .ok_or_else(|| NotHere::because(format!("{name} has an unknown format")))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut options = Vec::new();
        let mut section = None;
        for line in text.lines() {
            let trimmed = line.trim();
            // An indented line continues the value before it. The options that are read here have
            // one line.
            if trimmed.is_empty()
                || trimmed.starts_with(['#', ';'])
                || line.starts_with([' ', '\t'])
            {
                continue;
            }
            if let Some(name) = trimmed.strip_prefix('[') {
                let name = name.strip_suffix(']')?;
                // The options of this section apply to all sections.
                if name == "DEFAULT" {
                    return None;
                }
                section = Some(name.to_owned());
                continue;
            }
            let (option, value) = trimmed.split_once(['=', ':'])?;
            options.push((
                section.clone()?,
                option.trim().to_ascii_lowercase(),
                value.trim().to_owned(),
            ));
        }
        Some(Self { options })
    }

    /// An option. The variable `AZURE_SECTION_OPTION` overrides it (knack's `CLIConfig`).
    pub(super) fn get(&self, system: &dyn System, option: &CliSetting) -> Option<String> {
        system
            .var(option.variable)
            .or_else(|| self.value(option.section, option.name).map(str::to_owned))
    }

    /// An option as a boolean, as knack reads it.
    pub(super) fn is_set(
        &self,
        system: &dyn System,
        option: &CliSetting,
        otherwise: bool,
    ) -> Result<bool, NotHere> {
        let Some(value) = self.get(system, option) else {
            return Ok(otherwise);
        };
        match value.to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" | "on" => Ok(true),
            "0" | "no" | "false" | "off" => Ok(false),
            _ => Err(NotHere::because(format!(
                "{}.{} is neither true nor false",
                option.section, option.name
            ))),
        }
    }

    /// Whether a section has an option with this prefix.
    pub(super) fn has(&self, section: &str, prefix: &str) -> bool {
        self.options
            .iter()
            .any(|(one, name, _)| one == section && name.starts_with(prefix))
    }

    /// The value of a section's option, if it exists.
    pub(super) fn value(&self, section: &str, option: &str) -> Option<&str> {
        self.options
            .iter()
            .rfind(|(one, name, _)| one == section && name == option)
            .map(|(_, _, value)| value.as_str())
    }
}

/// A setting of Azure CLI.
pub(super) struct CliSetting {
    section: &'static str,
    name: &'static str,
    variable: &'static str,
}

pub(super) const CLOUD: CliSetting = CliSetting {
    section: "cloud",
    name: "name",
    variable: "AZURE_CLOUD_NAME",
};
pub(super) const ENCRYPT: CliSetting = CliSetting {
    section: "core",
    name: "encrypt_token_cache",
    variable: "AZURE_CORE_ENCRYPT_TOKEN_CACHE",
};
pub(super) const INSTANCE_DISCOVERY: CliSetting = CliSetting {
    section: "core",
    name: "instance_discovery",
    variable: "AZURE_CORE_INSTANCE_DISCOVERY",
};
pub(super) const BROKER_ON_MAC: CliSetting = CliSetting {
    section: "core",
    name: "enable_broker_on_mac",
    variable: "AZURE_CORE_ENABLE_BROKER_ON_MAC",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[test]
    fn settings_are_read_as_configparser_reads_them() {
        let text = "# one\n[cloud]\nName = AzureUSGovernment\n\n[core]\nencrypt_token_cache: No\noutput=json\n  more\nname = another\n";
        let settings = CliSettings::parse(text).unwrap();
        let bare = Fixture::new();
        assert_eq!(
            settings.get(&bare, &CLOUD).as_deref(),
            Some("AzureUSGovernment")
        );
        assert!(!settings.is_set(&bare, &ENCRYPT, true).unwrap());
        assert!(settings.is_set(&bare, &BROKER_ON_MAC, true).unwrap());
        let with = Fixture::new().with_var("AZURE_CORE_ENCRYPT_TOKEN_CACHE", "maybe");
        assert!(settings.is_set(&with, &ENCRYPT, true).is_err());
        for bad in ["a = b", "[x\na = b", "[x]\nword", "[DEFAULT]\na = b"] {
            assert!(CliSettings::parse(bad).is_none(), "{bad}");
        }
    }
}
