//! The orders that people know, as tables.

use super::{AfterFailure, Preset, Setup, Skipped, Source};
use crate::{
    credential::EnvironmentOrder,
    facts::{Error, ErrorKind, Result},
    redact::excerpt,
    system::System,
};
use std::{fmt, time::Duration};

use AfterFailure::{AskPerson, End, GoOn};

/// Chooses among the sources of `DefaultAzureCredential`.
const TOKEN_CREDENTIALS: &str = "AZURE_TOKEN_CREDENTIALS";

/// One line of a preset's table.
type Line = (Source, AfterFailure);

const AZCRED: &[Line] = &[
    (Source::Environment, End),
    (Source::WorkloadIdentity, End),
    (Source::GitHubActions, End),
    (Source::AzurePipelines, End),
    (Source::AzureMlOnBehalfOf, End),
    (Source::ManagedIdentity, End),
    (Source::Azcred, End),
    (Source::VisualStudioCode, End),
    (Source::AzureCli, End),
    (Source::AzurePowerShell, End),
    (Source::AzureDeveloperCli, End),
    (Source::InteractiveBrowser, End),
    (Source::DeviceCode, End),
];

/// azure-identity 1.27, `DefaultAzureCredential`: deployed credentials end it, developers' tools
/// are all tried.
const AZURE: &[Line] = &[
    (Source::Environment, End),
    (Source::WorkloadIdentity, End),
    (Source::ManagedIdentity, End),
    (Source::VisualStudioCode, GoOn),
    (Source::AzureCli, GoOn),
    (Source::AzurePowerShell, GoOn),
    (Source::AzureDeveloperCli, GoOn),
];

/// kedro-azureml-pipeline 0.1.0, `get_azureml_credentials`: the same, and whatever comes of it, the
/// browser. That a sign-in by the browser is kept, and not asked for again by each process, is
/// ours.
const KEDRO: &[Line] = &[
    (Source::Environment, AskPerson),
    (Source::WorkloadIdentity, AskPerson),
    (Source::ManagedIdentity, AskPerson),
    (Source::VisualStudioCode, GoOn),
    (Source::AzureCli, GoOn),
    (Source::AzurePowerShell, GoOn),
    (Source::AzureDeveloperCli, GoOn),
    (Source::Azcred, GoOn),
    (Source::InteractiveBrowser, End),
];

/// hi-ml-azure 0.5.4, `get_credential`, with the same addition.
const HI_ML: &[Line] = &[
    (Source::Environment, End),
    (Source::AzureCli, GoOn),
    (Source::Azcred, GoOn),
    (Source::DeviceCode, GoOn),
    (Source::InteractiveBrowser, End),
];

impl Preset {
    /// Its sources in order, each with what happens after its failure.
    pub fn table(self) -> &'static [(Source, AfterFailure)] {
        match self {
            Self::Azcred => AZCRED,
            Self::Azure => AZURE,
            Self::Kedro => KEDRO,
            Self::HiMl => HI_ML,
        }
    }

    /// How long a person may take, where they are asked; `None` where the way to sign in decides.
    pub(super) fn patience(self) -> Option<Duration> {
        // hi-ml-azure 0.5.4, `DeviceCodeCredential(timeout=60)` and its like.
        (self == Self::HiMl).then_some(Duration::from_secs(60))
    }

    /// Whether it has the source besides those of `DefaultAzureCredential`, among which
    /// `AZURE_TOKEN_CREDENTIALS` chooses. kedro-azureml-pipeline opens the browser when that has
    /// failed, whatever was chosen.
    fn adds(self, source: Source) -> bool {
        self == Self::Kedro && matches!(source, Source::Azcred | Source::InteractiveBrowser)
    }

    /// Which service principals of the environment it takes.
    pub fn environment(self) -> EnvironmentOrder {
        match self {
            Self::Azcred => EnvironmentOrder::AzureFirst,
            Self::Azure | Self::Kedro => EnvironmentOrder::AzureOnly,
            Self::HiMl => EnvironmentOrder::HimlOnly,
        }
    }

    /// Whether `AZURE_TOKEN_CREDENTIALS` chooses among its sources. hi-ml does not know it.
    pub fn heeds_token_credentials(self) -> bool {
        self != Self::HiMl
    }

    /// Why a source of its table is left out on this machine, where it is.
    pub(super) fn leaves_out(self, source: Source, system: &dyn System) -> Option<Skipped> {
        let variable = "MSI_ENDPOINT";
        // kedro-azureml-pipeline asks whether the variable is there, whatever is in it; an empty
        // one is none here.
        (self == Self::Kedro && source == Source::ManagedIdentity && system.var(variable).is_some())
            .then_some(Skipped::ByPreset { variable })
    }
}

/// One source of a chain: whether it takes part, and what happens after its failure.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) source: Source,
    pub(super) after_failure: AfterFailure,
    /// Why it does not take part.
    pub(super) excluded: Option<Skipped>,
    /// Whether it stands beside those among which `AZURE_TOKEN_CREDENTIALS` has chosen.
    pub(super) added: bool,
}

/// Which sources take part: the preset's, less those that the caller, the environment or the preset
/// itself leaves out.
///
/// `only` of the caller's is stronger than `AZURE_TOKEN_CREDENTIALS`, as it was said for this one
/// chain. It may name sources that the preset does not have; they stand behind its own, in the
/// order of all.
pub(super) fn places(setup: &Setup) -> Result<Vec<Place>> {
    let system = &**setup.options.system();
    let table = setup.preset().table();
    let variable = match &setup.only {
        None if setup.preset().heeds_token_credentials() => token_credentials(system)?,
        _ => None,
    };
    let named = setup.only.iter().flatten().copied().chain(match variable {
        Some(Chosen::One(source)) => Some(source),
        _ => None,
    });
    let mut besides: Vec<Source> = named
        .filter(|source| !table.iter().any(|(listed, _)| listed == source))
        .collect();
    besides.sort_unstable();
    besides.dedup();
    let added = |source: Source| {
        variable.is_some_and(|chosen| setup.preset().adds(source) && !chosen.includes(source))
    };
    let excluded = |source: Source| {
        if setup
            .only
            .as_ref()
            .is_some_and(|only| !only.contains(&source))
        {
            Some(Skipped::NotRequested)
        } else if setup.exclude.contains(&source) {
            Some(Skipped::Excluded)
        } else if let Some(chosen) = variable
            && !chosen.includes(source)
            && !added(source)
        {
            Some(Skipped::ByVariable {
                name: TOKEN_CREDENTIALS,
                value: chosen.to_string(),
            })
        } else if setup.only.is_none() {
            setup.preset().leaves_out(source, system)
        } else {
            None
        }
    };
    let besides = besides.into_iter().map(|source| (source, End));
    let mut places: Vec<Place> = table
        .iter()
        .copied()
        .chain(besides)
        .map(|(source, after_failure)| Place {
            source,
            after_failure,
            excluded: excluded(source),
            added: added(source),
        })
        .collect();
    // Whoever named others besides did not mean to be asked first.
    places.sort_by_key(|place| place.source.asks_person());
    let mut chosen_from = places.iter().filter(|place| !place.added);
    if chosen_from.all(|place| place.excluded.is_some()) {
        return Err(Error::new(
            ErrorKind::Invalid,
            format!("could not build the chain '{}'", setup.preset()),
            "every source is excluded",
        )
        .with_fix(
            "exclude fewer sources: AZURE_TOKEN_CREDENTIALS, azcred.toml and the request all count",
        ));
    }
    Ok(places)
}

/// What `AZURE_TOKEN_CREDENTIALS` chooses (azure-identity: 'Customize DefaultAzureCredential by
/// environment variable').
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chosen {
    Developer,
    Deployed,
    One(Source),
}

impl Chosen {
    fn includes(self, source: Source) -> bool {
        match self {
            Self::Developer => source.is_developer(),
            Self::Deployed => !source.is_developer(),
            Self::One(one) => one == source,
        }
    }
}

impl fmt::Display for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Developer => "dev",
            Self::Deployed => "prod",
            Self::One(source) => source.credential_name(),
        })
    }
}

fn token_credentials(system: &dyn System) -> Result<Option<Chosen>> {
    let Some(value) = system.var(TOKEN_CREDENTIALS) else {
        return Ok(None);
    };
    let value = value.trim();
    let is = |name: &str| name.eq_ignore_ascii_case(value);
    if is("dev") {
        return Ok(Some(Chosen::Developer));
    }
    if is("prod") {
        return Ok(Some(Chosen::Deployed));
    }
    Source::ALL
        .into_iter()
        .find(|source| is(source.credential_name()))
        .map(|source| Some(Chosen::One(source)))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "could not read AZURE_TOKEN_CREDENTIALS",
                format!("'{}' does not name sources", excerpt(value)),
            )
            .with_fix(format!(
                "set it to dev, prod or one of {}; or unset it",
                Source::ALL.map(Source::credential_name).join(", ")
            ))
        })
}
