//! The names of the presets, and what happens after a failure.

use super::{Error, Result};
use crate::sieve::{invalid, tidied};
use serde::Serialize;
use std::{fmt, str::FromStr};

/// An order of sources with its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "&'static str")]
#[non_exhaustive]
pub enum Preset {
    /// Every source. The first source that is set up decides, even if it fails: no other identity
    /// replaces it.
    #[default]
    Azcred,
    /// azure-identity's `DefaultAzureCredential`.
    Azure,
    /// kedro-azureml-pipeline: as `Azure`, without managed identity if `MSI_ENDPOINT` is set, and
    /// with the browser at the end.
    Kedro,
    /// hi-ml: the service principal in `HIML_*`, or else Azure CLI, or else a person.
    HiMl,
}

/// What happens after a source that is set up fails: the provider rejected it, it could not be
/// reached, or its response was invalid. A source that is not set up is always skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterFailure {
    /// The chain ends with this failure.
    End,
    /// The chain tries the next source.
    GoOn,
    /// The chain continues with the sources that ask a person. If no person may be asked, it ends.
    AskPerson,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 4] = [Self::Azcred, Self::Azure, Self::Kedro, Self::HiMl];

    /// The name in flags and `azcred.toml`.
    pub fn id(self) -> &'static str {
        match self {
            Self::Azcred => "azcred",
            Self::Azure => "azure",
            Self::Kedro => "kedro",
            Self::HiMl => "hi-ml",
        }
    }
}

impl From<Preset> for &'static str {
    fn from(preset: Preset) -> Self {
        preset.id()
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let given = text;
        let text = tidied(given);
        Self::ALL
            .into_iter()
            .find(|preset| preset.id().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                invalid("the preset", given, "there is no preset with this name")
                    .with_fix("set it to azcred, azure, kedro or hi-ml")
            })
    }
}
