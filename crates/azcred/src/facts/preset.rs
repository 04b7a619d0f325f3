//! The names of the orders of sources, and of what happens after a failure.

use super::{Error, ErrorKind, Result};
use crate::redact::excerpt;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// An order of sources with its rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "&'static str")]
#[non_exhaustive]
pub enum Preset {
    /// Every source; whoever is there and fails ends the chain, so that nobody ever answers in
    /// somebody else's place.
    #[default]
    Azcred,
    /// azure-identity's `DefaultAzureCredential`.
    Azure,
    /// kedro-azureml-pipeline: the same, without managed identity where `MSI_ENDPOINT` is set, and
    /// with the browser at its end.
    Kedro,
    /// hi-ml: the service principal of `HIML_*`, else Azure CLI, else a person.
    HiMl,
}

/// What happens after a source that was there and failed: the provider refused it, it could not be
/// reached, it gave nonsense. One that is not there is always passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterFailure {
    /// The chain ends with that failure.
    End,
    /// The next source is asked.
    GoOn,
    /// Those that stand before the ones that a person is asked by are passed over; without a
    /// person, the chain ends.
    AskPerson,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 4] = [Self::Azcred, Self::Azure, Self::Kedro, Self::HiMl];

    /// What flags and `azcred.toml` call it.
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
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|preset| preset.id().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Invalid,
                    format!("Read the preset '{}'", excerpt(text)),
                    "there is none of this name",
                )
                .with_fix("name one of azcred, azure, kedro, hi-ml")
            })
    }
}
