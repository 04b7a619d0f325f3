//! The presets as tables.

use super::{AfterFailure, Preset, Setup, Skipped, Source};
use crate::{
    credential::EnvironmentOrder,
    facts::{Error, ErrorKind, Fix, Result},
    sieve::shown,
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

/// azure-identity 1.27, `DefaultAzureCredential`: a failure of a deployed credential ends the
/// chain; all developer tools are tried.
const AZURE: &[Line] = &[
    (Source::Environment, End),
    (Source::WorkloadIdentity, End),
    (Source::ManagedIdentity, End),
    (Source::VisualStudioCode, GoOn),
    (Source::AzureCli, GoOn),
    (Source::AzurePowerShell, GoOn),
    (Source::AzureDeveloperCli, GoOn),
];

/// kedro-azureml-pipeline 0.1.0, `get_azureml_credentials`: the same, and after any failure the
/// browser. In azcred, the browser's sign-in is also stored, so that the next process does not ask
/// again.
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

/// hi-ml-azure 0.5.4, `get_credential`. The browser's sign-in is stored too.
const HI_ML: &[Line] = &[
    (Source::Environment, End),
    (Source::AzureCli, GoOn),
    (Source::Azcred, GoOn),
    (Source::DeviceCode, GoOn),
    (Source::InteractiveBrowser, End),
];

impl Preset {
    /// The sources in order, each with what happens after its failure.
    pub fn table(self) -> &'static [(Source, AfterFailure)] {
        match self {
            Self::Azcred => AZCRED,
            Self::Azure => AZURE,
            Self::Kedro => KEDRO,
            Self::HiMl => HI_ML,
        }
    }

    /// The limit for a person; `None` if the way to sign in decides.
    pub(super) fn patience(self) -> Option<Duration> {
        // hi-ml-azure 0.5.4, `DeviceCodeCredential(timeout=60)`; the others have the same limit.
        (self == Self::HiMl).then_some(Duration::from_secs(60))
    }

    /// Whether the source is not one of `DefaultAzureCredential`'s, among which
    /// `AZURE_TOKEN_CREDENTIALS` chooses. kedro-azureml-pipeline opens the browser when those have
    /// failed, whatever was chosen.
    fn adds(self, source: Source) -> bool {
        self == Self::Kedro && matches!(source, Source::Azcred | Source::InteractiveBrowser)
    }

    /// Which variables of a service principal are read.
    pub fn environment(self) -> EnvironmentOrder {
        match self {
            Self::Azcred => EnvironmentOrder::AzureFirst,
            Self::Azure | Self::Kedro => EnvironmentOrder::AzureOnly,
            Self::HiMl => EnvironmentOrder::HimlOnly,
        }
    }

    /// Whether `AZURE_TOKEN_CREDENTIALS` chooses among the sources. hi-ml does not read it.
    pub fn heeds_token_credentials(self) -> bool {
        self != Self::HiMl
    }

    /// Why a source of the table is left out on this machine; `None` if it is not.
    pub(super) fn leaves_out(self, source: Source, system: &dyn System) -> Option<Skipped> {
        let variable = "MSI_ENDPOINT";
        // kedro-azureml-pipeline checks whether the variable exists. An empty one counts as missing
        // here.
        (self == Self::Kedro && source == Source::ManagedIdentity && system.var(variable).is_some())
            .then_some(Skipped::ByPreset { variable })
    }
}

/// One source of a chain: whether it takes part, and what happens after its failure.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) source: Source,
    pub(super) after_failure: AfterFailure,
    /// Why the source does not take part.
    pub(super) excluded: Option<Skipped>,
    /// Whether the source is not one of those among which `AZURE_TOKEN_CREDENTIALS` chose.
    pub(super) added: bool,
}

/// The sources that take part: the preset's, without those that the caller, the variables or the
/// preset itself exclude.
///
/// The caller's `only` comes before `AZURE_TOKEN_CREDENTIALS`, because it is for this chain. It may
/// name sources that the preset does not have; they come last, in the order of all sources.
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
    // If other sources are named too, a person is asked last.
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
                "AZURE_TOKEN_CREDENTIALS is not valid",
                format!("{} does not name sources", shown(value)),
            )
            .with_fix(
                Fix::from(format!(
                    "set it to dev, prod or one of {}",
                    Source::ALL.map(Source::credential_name).join(", ")
                ))
                .or(Fix::UnsetVariable("AZURE_TOKEN_CREDENTIALS".into())),
            )
        })
}
