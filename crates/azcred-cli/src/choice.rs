//! The identity: the options of every command that signs in with the chain.

use crate::{candidates, given};
use azcred::{
    ClientOptions, Profile,
    chain::{Expect, Preset, Source},
    session::{PROFILE_VARIABLE, SessionBuilder},
    system::System,
};
use clap::{
    Args, ValueEnum,
    builder::{EnumValueParser, PossibleValue, TypedValueParser},
};
use clap_complete::ArgValueCandidates;
use std::{sync::LazyLock, time::Duration};

/// The profile whose accounts are used.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct InProfile {
    /// Use the accounts of this profile, a separate set of azcred's accounts [env: AZCRED_PROFILE]
    /// [default: default]
    #[arg(long, value_name = "PROFILE", value_parser = Profile::new, add = ArgValueCandidates::new(candidates::profiles))]
    profile: Option<Profile>,
}

impl InProfile {
    /// Whether the option or the variable names a profile.
    pub(crate) fn is_named(&self, system: &dyn System) -> bool {
        self.profile.is_some() || system.var(PROFILE_VARIABLE).is_some()
    }

    /// The profile of the option, else of the variable, else the default one.
    ///
    /// # Errors
    /// As [`Profile::from_system`].
    pub(crate) fn profile(&self, system: &dyn System) -> azcred::Result<Profile> {
        match &self.profile {
            Some(profile) => Ok(profile.clone()),
            None => Profile::from_system(system),
        }
    }
}

/// The allowed sources, their order, and the expected identity.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Which account to use")]
pub(crate) struct Choice {
    /// Find the account as another tool does: azure (DefaultAzureCredential), kedro or hi-ml [env:
    /// AZCRED_PRESET] [default: azcred]
    #[arg(long, value_name = "PRESET", value_parser = preset(), ignore_case = true, hide_possible_values = true)]
    preset: Option<Preset>,

    /// Try only these sources, separated by commas. `azcred chain --list` shows their names
    #[arg(long, value_name = "SOURCES", value_parser = source(), ignore_case = true, value_delimiter = ',', hide_possible_values = true)]
    only: Vec<Source>,

    /// Do not try these sources
    #[arg(long, value_name = "SOURCES", value_parser = source(), ignore_case = true, value_delimiter = ',', hide_possible_values = true)]
    exclude: Vec<Source>,

    /// Fail if the token is for another tenant than this one (its id)
    #[arg(long, value_name = "ID", value_parser = expected_tenant)]
    expect_tenant: Option<String>,

    /// Fail if the token is for another account than this one (its sign-in name, object id or
    /// client id)
    #[arg(long, value_name = "WHO", value_parser = expected_principal)]
    expect_principal: Option<String>,

    /// Fail if the token comes from a source other than these
    #[arg(long, value_name = "SOURCES", value_parser = source(), ignore_case = true, value_delimiter = ',', hide_possible_values = true)]
    expect_source: Vec<Source>,

    /// Let az, azd and pwsh run for this many seconds each, at most 90 [default: 10]
    #[arg(long, value_name = "SECONDS", value_parser = given::number(1..=ClientOptions::LONGEST_PROCESS_TIMEOUT.as_secs()))]
    process_timeout: Option<u64>,

    #[command(flatten)]
    in_profile: InProfile,
}

impl Choice {
    /// This source alone, whatever preset is set.
    pub(crate) fn only(source: Source) -> Self {
        Self {
            preset: Some(Preset::Azcred),
            only: vec![source],
            ..Self::default()
        }
    }

    /// The profile whose accounts are used.
    ///
    /// # Errors
    /// As [`InProfile::profile`].
    pub(crate) fn profile(&self, system: &dyn System) -> azcred::Result<Profile> {
        self.in_profile.profile(system)
    }

    /// Sets the options in a session.
    ///
    /// # Errors
    /// None that the command line's own checks have not reported before.
    pub(crate) fn apply(&self, mut session: SessionBuilder) -> azcred::Result<SessionBuilder> {
        if let Some(preset) = self.preset {
            session = session.preset(preset);
        }
        if let Some(profile) = &self.in_profile.profile {
            session = session.profile(profile.clone());
        }
        if !self.only.is_empty() {
            session = session.only(self.only.iter().copied());
        }
        session = session.exclude(self.exclude.iter().copied());
        if let Some(seconds) = self.process_timeout {
            session = session.process_timeout(Duration::from_secs(seconds));
        }
        if let Some(tenant) = &self.expect_tenant {
            session = session.expect(Expect::new("--expect-tenant").tenant(tenant)?);
        }
        if let Some(principal) = &self.expect_principal {
            session = session.expect(Expect::new("--expect-principal").principal(principal)?);
        }
        if !self.expect_source.is_empty() {
            let sources = self.expect_source.iter().copied();
            session = session.expect(Expect::new("--expect-source").sources(sources));
        }
        Ok(session)
    }
}

/// A preset as an option takes it. clap reads the names where a run needs them: a list for each
/// command's option would be made in every run.
#[derive(Clone)]
struct NamedPreset(Preset);

static PRESETS: LazyLock<[NamedPreset; Preset::ALL.len()]> =
    LazyLock::new(|| Preset::ALL.map(NamedPreset));

impl ValueEnum for NamedPreset {
    fn value_variants<'a>() -> &'a [Self] {
        &*PRESETS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.id()).help(described(self.0)))
    }
}

fn preset() -> impl TypedValueParser<Value = Preset> {
    EnumValueParser::<NamedPreset>::new().map(|named| named.0)
}

/// A preset in a few words.
pub(crate) fn described(preset: Preset) -> &'static str {
    match preset {
        Preset::Azcred => {
            "tries the sources in order, and stops at the first one that is set up, even if it fails"
        }
        Preset::Azure => "the order of DefaultAzureCredential in azure-identity",
        Preset::Kedro => {
            "the order of kedro-azureml-pipeline, then the sign-in of `azcred login`, then the browser"
        }
        Preset::HiMl => {
            "the order of get_credential in hi-ml-azure: HIML_*, Azure CLI, the sign-in of `azcred login`, then a code or the browser"
        }
        _ => "",
    }
}

/// A source as an option takes it, by either of its names. Completions offer only azcred's names.
#[derive(Clone)]
struct NamedSource(Source);

static SOURCES: LazyLock<[NamedSource; Source::ALL.len()]> =
    LazyLock::new(|| Source::ALL.map(NamedSource));

impl ValueEnum for NamedSource {
    fn value_variants<'a>() -> &'a [Self] {
        &*SOURCES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let name = PossibleValue::new(self.0.id());
        Some(
            name.alias(self.0.credential_name())
                .aliases(self.0.aliases()),
        )
    }
}

fn source() -> impl TypedValueParser<Value = Source> {
    EnumValueParser::<NamedSource>::new().map(|named| named.0)
}

fn expected_tenant(text: &str) -> azcred::Result<String> {
    Expect::default().tenant(text).map(|_| text.to_owned())
}

fn expected_principal(text: &str) -> azcred::Result<String> {
    Expect::default().principal(text).map(|_| text.to_owned())
}
