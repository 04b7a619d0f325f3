//! What decided the identity of a session.

use super::variables::{EXEC_VARIABLE, PRESET_VARIABLE, PROFILE_VARIABLE};
use crate::{
    chain::{Expect, Preset, Settings, Source},
    facts::{Error, ErrorKind, Result},
    profile::Profile,
    system::{System, is_in_program},
    untrusted::printable_path,
};
use serde::Serialize;

/// An option, a variable or a file that decided the identity. As JSON: `kind`, `name`, `value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// The kind of setting.
    pub kind: SettingKind,
    /// The option's or the variable's name, or the file's path.
    pub name: String,
    /// The value, if it is a valid one of the option or the variable; `null` for a file.
    pub value: Option<String>,
}

/// The kind of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SettingKind {
    /// An option of the program or the command line.
    Option,
    /// `azcred.toml` or `config.toml`.
    File,
    /// An environment variable.
    Variable,
}

/// The program's options that concern the identity.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    pub(super) preset: Option<Preset>,
    pub(super) profile: Option<Profile>,
    pub(super) only: Option<Vec<Source>>,
    pub(super) exclude: Vec<Source>,
    pub(super) expect: Vec<Expect>,
}

/// The source of the account that a program has if azcred started it.
pub(super) const OF_PROGRAM: Source = Source::ManagedIdentity;

impl Wishes {
    /// Fails if these leave out the one account that a program has if azcred started it.
    pub(super) fn check_in_program(&self) -> Result<()> {
        let only = self.only.as_ref();
        let is_left_out = only.is_some_and(|only| !only.contains(&OF_PROGRAM));
        if !is_left_out && !self.exclude.contains(&OF_PROGRAM) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Invalid,
            "could not use another account",
            format!(
                "this program was started with one account ({EXEC_VARIABLE} is set), and the choice of sources leaves out {OF_PROGRAM}, its source"
            ),
        )
        .with_fix("remove the choice of sources here; choose the account where the program is started"))
    }
}

/// The settings that decided: options, then files, then variables.
pub(super) fn by(
    system: &dyn System,
    wishes: &Wishes,
    files: &Settings,
    preset: Preset,
) -> Vec<Setting> {
    let is_in_program = is_in_program(system);
    // `only` comes before this variable.
    let heeds_token_credentials =
        wishes.only.is_none() && files.only.is_none() && preset.heeds_token_credentials();
    let files = files.files.iter().map(|path| Setting {
        kind: SettingKind::File,
        name: printable_path(path),
        value: None,
    });
    let variables = [
        (EXEC_VARIABLE, is_in_program),
        (PRESET_VARIABLE, wishes.preset.is_none() && !is_in_program),
        (PROFILE_VARIABLE, wishes.profile.is_none()),
        ("AZURE_TOKEN_CREDENTIALS", heeds_token_credentials),
        ("AZCRED_IMDS", true),
    ];
    let variables = variables.into_iter().filter(|(_, heeded)| *heeded);
    let variables = variables.filter_map(|(name, _)| {
        let value = system.var(name)?;
        Some(Setting {
            kind: SettingKind::Variable,
            name: name.to_owned(),
            // Another text may be a secret that was meant for another variable.
            value: Some(value.trim().to_owned()).filter(|value| is_word(value)),
        })
    });
    options(wishes)
        .into_iter()
        .chain(files)
        .chain(variables)
        .collect()
}

fn options(wishes: &Wishes) -> Vec<Setting> {
    let ids = |sources: &[Source]| {
        let ids: Vec<&str> = sources.iter().map(|source| source.id()).collect();
        (!ids.is_empty()).then(|| ids.join(","))
    };
    let options = [
        ("preset", wishes.preset.map(|preset| preset.to_string())),
        ("profile", wishes.profile.as_ref().map(Profile::to_string)),
        ("only", wishes.only.as_deref().and_then(ids)),
        ("exclude", ids(&wishes.exclude)),
    ];
    let expectations = wishes.expect.iter().map(|expect| Setting {
        kind: SettingKind::Option,
        name: expect.said_by().to_owned(),
        value: None,
    });
    let options = options.into_iter().filter_map(|(name, value)| {
        Some(Setting {
            kind: SettingKind::Option,
            name: name.to_owned(),
            value: Some(value?),
        })
    });
    options.chain(expectations).collect()
}

/// Whether a text is a valid value of one of these variables.
fn is_word(value: &str) -> bool {
    let words = ["dev", "prod", "always", "never"];
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
        || value.parse::<Source>().is_ok()
        || value.parse::<Preset>().is_ok()
}
