//! The chain's settings in files: a project's `azcred.toml`, and the user's own file.
//!
//! ```toml
//! [chain]
//! preset = "kedro"
//! exclude = ["azure-powershell"]
//!
//! [expect]
//! tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47"
//! principal = "ada@contoso.com"
//! sources = ["azure-cli", "github-actions"]
//! ```

use super::{Expect, Preset, Source};
use crate::{
    decode,
    facts::{Error, ErrorKind, Result},
    options::ClientOptions,
    system::{System, config_folder, read_if_seen},
    untrusted::{printable, printable_path},
};
use serde::Deserialize;
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The name of a project's file, which is searched from a folder upward. The user's file is
/// `config.toml` with the same content, in [`crate::system::config_folder`].
pub const SETTINGS_FILE: &str = "azcred.toml";

/// A larger file is not read, in bytes.
const LIMIT: u64 = 64 << 10;

/// The chain's settings in files. A project's file comes before the user's. The expectations of
/// both are checked.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Settings {
    /// The preset, if a file names one.
    pub preset: Option<Preset>,
    /// The only sources to try, if a file names them.
    pub only: Option<Vec<Source>>,
    /// The excluded sources.
    pub exclude: Vec<Source>,
    /// The limit of one run of a developer tool, if a file names one.
    pub process_timeout: Option<Duration>,
    /// The expectations.
    pub expect: Vec<Expect>,
    /// The files that were read, the project's first.
    pub files: Vec<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    chain: ChainTable,
    #[serde(default)]
    expect: ExpectTable,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainTable {
    preset: Option<String>,
    only: Option<Vec<String>>,
    #[serde(default)]
    exclude: Vec<String>,
    process_timeout: Option<u64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectTable {
    tenant: Option<String>,
    principal: Option<String>,
    sources: Option<Vec<String>>,
}

impl Settings {
    /// Reads the nearest `azcred.toml` from `folder` upward, and the user's file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if a file can't be read or has an unknown or invalid setting: a
    /// misspelt expectation would not be checked.
    pub fn find(system: &dyn System, folder: &Path) -> Result<Self> {
        let mut settings = Self::default();
        let project = folder
            .ancestors()
            .map(|folder| folder.join(SETTINGS_FILE))
            .find_map(|path| Some((content(system, &path)?, path)));
        let user = config_folder(system)
            .map(|folder| folder.join("config.toml"))
            .and_then(|path| Some((content(system, &path)?, path)));
        for (content, path) in [project, user].into_iter().flatten() {
            settings.add(content, path)?;
        }
        Ok(settings)
    }

    /// What remains of the settings where the account is chosen already: the expectations of the
    /// account itself, and what is no choice.
    pub(crate) fn without_choice(mut self) -> Self {
        self.preset = None;
        self.only = None;
        self.exclude.clear();
        self.expect = self.expect.into_iter().map(Expect::any_source).collect();
        self
    }

    fn add(&mut self, content: io::Result<Vec<u8>>, path: PathBuf) -> Result<()> {
        let invalid = |why: String| {
            Error::new(
                ErrorKind::Invalid,
                format!("could not read {}", printable_path(&path)),
                why,
            )
            .with_fix("correct the file; the reference of settings lists its keys")
        };
        let content = content.map_err(|error| invalid(error.to_string()))?;
        let text = decode::text(&content).map_err(|kind| invalid(format!("the file is {kind}")))?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            invalid(format!("line {line}: {}", printable(error.message(), 200)))
        })?;
        let sources = |names: Vec<String>| {
            names
                .iter()
                .map(|name| name.parse())
                .collect::<Result<Vec<Source>>>()
        };
        let named = |error: &Error| {
            invalid(format!("{}: {}", error.what(), error.why())).with_fix_of(error)
        };
        if let Some(preset) = file.chain.preset {
            let preset = preset.parse().map_err(|error| named(&error))?;
            self.preset.get_or_insert(preset);
        }
        if let Some(only) = file.chain.only {
            let only = sources(only).map_err(|error| named(&error))?;
            self.only.get_or_insert(only);
        }
        self.exclude
            .extend(sources(file.chain.exclude).map_err(|error| named(&error))?);
        if let Some(seconds) = file.chain.process_timeout {
            let longest = ClientOptions::LONGEST_PROCESS_TIMEOUT.as_secs();
            if !(1..=longest).contains(&seconds) {
                return Err(invalid(format!(
                    "chain.process_timeout is {seconds}, and must be 1 to {longest} seconds"
                )));
            }
            self.process_timeout
                .get_or_insert(Duration::from_secs(seconds));
        }
        let mut expect = Expect::new(printable_path(&path));
        if let Some(tenant) = &file.expect.tenant {
            expect = expect.tenant(tenant)?;
        }
        if let Some(principal) = &file.expect.principal {
            expect = expect.principal(principal)?;
        }
        if let Some(names) = file.expect.sources {
            expect = expect.sources(sources(names).map_err(|error| named(&error))?);
        }
        self.expect.push(expect);
        self.files.push(path);
        Ok(())
    }
}

/// A file's content, if it exists and this user may see that.
fn content(system: &dyn System, path: &Path) -> Option<io::Result<Vec<u8>>> {
    read_if_seen(system, path, LIMIT).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    #[test]
    fn the_limit_of_a_tool_is_read_from_the_nearest_file_within_bounds() {
        let found = |project: &str, user: &str| {
            let machine = Fixture::new()
                .with_var("HOME", "/home/ada")
                .with_file("/p/azcred.toml", project)
                .with_file("/home/ada/.config/azcred/config.toml", user);
            Settings::find(&machine, Path::new("/p"))
        };
        let limit = |seconds| format!("[chain]\nprocess_timeout = {seconds}\n");
        let of = |project: &str, user: &str| found(project, user).unwrap().process_timeout;
        assert_eq!(of("", ""), None);
        assert_eq!(
            of(&limit("60"), &limit("20")),
            Some(Duration::from_secs(60))
        );
        assert_eq!(of("", &limit("20")), Some(Duration::from_secs(20)));
        for bad in ["0", "91", "-1", "\"60\"", "1.5"] {
            let error = found(&limit(bad), "").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
            assert!(error.to_string().contains("/p/azcred.toml"), "{error}");
        }
    }
}
