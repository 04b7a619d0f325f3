//! Signing in, as every command does it: with the chain that options, variables and files describe,
//! at the cloud that the environment names.

use crate::{
    choice::{Choice, PRESET_VARIABLE, PROFILE_VARIABLE},
    failure::{Failure, Kind},
    output::Output,
    prompt::TerminalPrompt,
};
use azcred::{
    AccessToken, ClientOptions, Credential, EnvironmentKind, ErrorKind, Profile, Scope, TenantId,
    TokenRequest,
    chain::{Chain, Report, Settings, Source},
    system::{RealSystem, SharedSystem},
};
use azcred_azure::Principal;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The variable that keeps tokens off the disk.
const CACHE_VARIABLE: &str = "AZCRED_CACHE";
/// The variable that names the folder for all that is kept.
const HOME_VARIABLE: &str = "AZCRED_HOME";

/// Where somebody signs in: a machine, and the folder from which `azcred.toml` is looked for
/// upward.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) system: SharedSystem,
    pub(crate) folder: PathBuf,
}

impl Place {
    /// This machine and the current folder.
    pub(crate) fn here() -> Result<Self, Failure> {
        // Without it nobody knows whether a file there expects somebody else.
        let folder = std::env::current_dir().map_err(|error| {
            Failure::new(
                Kind::Failed,
                "Look for the current folder",
                error.to_string(),
            )
            .fix("change into a folder that exists")
        })?;
        Ok(Self {
            system: Arc::new(RealSystem),
            folder,
        })
    }

    /// A machine on which no file says anything.
    #[cfg(feature = "emulator")]
    pub(crate) fn of(system: SharedSystem) -> Self {
        Self {
            system,
            folder: Path::new("/").to_owned(),
        }
    }

    /// How anybody signs in here, in a profile: spoken to at the terminal.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where a variable that says what is kept where can't be used: whoever
    /// set it does not want the usual.
    pub(crate) fn options(&self, profile: Profile) -> azcred::Result<ClientOptions> {
        let wrong = |variable: &str, why: &'static str, fix: &'static str| {
            azcred::Error::new(ErrorKind::Invalid, format!("Read {variable}"), why).with_fix(fix)
        };
        let wish = self.system.var(CACHE_VARIABLE);
        let never = match wish.as_deref().map(str::trim) {
            None => false,
            Some(wish) if wish.eq_ignore_ascii_case("never") => true,
            Some(_) => {
                return Err(wrong(
                    CACHE_VARIABLE,
                    "it is not 'never'",
                    "set it to never, which keeps no access token on the disk, or unset it",
                ));
            }
        };
        if let Some(home) = self.system.var(HOME_VARIABLE)
            && !Path::new(&home).is_absolute()
        {
            return Err(wrong(
                HOME_VARIABLE,
                "it is no full path, and would be another folder in every place",
                "give the folder's full path, or unset it",
            ));
        }
        let options = ClientOptions::new(self.system.clone())
            .with_profile(profile)
            .with_prompt(Arc::new(TerminalPrompt::default()))
            .with_disk_cache();
        Ok(match never {
            true => options.without_cached_tokens(),
            false => options,
        })
    }
}

/// Whether the person at the terminal is asked, where no other source has a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    /// They are: the token is what they wait for.
    Asked,
    /// They are not, by `--no-input`.
    NotAsked,
    /// They are not: what is to be found out is how things are.
    LeftAlone,
}

impl Person {
    /// As the command line says.
    pub(crate) fn of(output: &Output) -> Self {
        match output.no_input() {
            true => Self::NotAsked,
            false => Self::Asked,
        }
    }
}

/// Who signs in, and for what.
pub(crate) struct SignIn {
    /// The chain.
    pub(crate) chain: Arc<Chain>,
    /// What it was made with.
    pub(crate) options: ClientOptions,
    /// What the token is for.
    pub(crate) scope: Scope,
    /// What decides which identity it is, besides the command line.
    pub(crate) settings: Vec<Setting>,
    tenant: Option<TenantId>,
    claims: Option<String>,
    prompt: Arc<TerminalPrompt>,
}

/// Something that decides which identity it is. As JSON: `kind`, `name`, `value`.
#[derive(Debug, Serialize)]
pub(crate) struct Setting {
    /// What it is.
    pub(crate) kind: SettingKind,
    /// The variable, or the file's path.
    pub(crate) name: String,
    /// The variable's value, where it is one that it can have; `null` for a file.
    pub(crate) value: Option<String>,
}

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SettingKind {
    File,
    Variable,
}

/// Who answered.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The source.
    pub(crate) source: Source,
    /// What it used, in a few words.
    pub(crate) using: String,
}

impl SignIn {
    /// Reads options, variables and files. Asks nobody but whoever describes the cloud, where
    /// `ARM_CLOUD_METADATA_URL` names one.
    ///
    /// `scope` is Azure Resource Manager's where none is given; `tenant` is the source's own.
    pub(crate) async fn new(
        place: &Place,
        choice: &Choice,
        scope: Option<Scope>,
        tenant: Option<TenantId>,
        person: Person,
    ) -> azcred::Result<Self> {
        let prompt = Arc::new(TerminalPrompt::default());
        let options = place.options(choice.profile(&*place.system)?)?;
        let mut options = options.with_prompt(prompt.clone());
        if person == Person::LeftAlone {
            // An hour ago is not now.
            options = options.without_cached_tokens();
        }
        if let Some(tenant) = &tenant {
            // Whoever typed it meant it.
            options = options.with_allowed_tenants([tenant.clone()]);
        }
        let system = &*place.system;
        let settings = Settings::find(system, &place.folder)?;
        let preset = choice.preset(system, &settings)?;
        // Where both the scope and the authority are given, a cloud's description adds nothing.
        if scope.is_none() || system.var("AZURE_AUTHORITY_HOST").is_none() {
            options = in_cloud(options).await?;
        }
        let cloud = options.cloud()?;
        let scope = match scope {
            Some(scope) => scope,
            None => Scope::from_resource(cloud.resource_manager_audience())?,
        };
        let mut chain = choice.apply(Chain::builder(options.clone()))?;
        if let Some(preset) = preset {
            chain = chain.preset(preset);
        }
        if person != Person::Asked {
            chain = chain.unattended();
        }
        let heeds_variable = !choice.names_sources(&settings)
            && preset.unwrap_or_default().heeds_token_credentials();
        tracing::info!(authority = %cloud.authority(), preset = %preset.unwrap_or_default(), "signing in");
        Ok(Self {
            chain: Arc::new(chain.settings(&settings).build()),
            options,
            scope,
            settings: said_by(place, choice, &settings, heeds_variable),
            tenant,
            claims: None,
            prompt,
        })
    }

    /// Answers a claims challenge.
    pub(crate) fn answering(mut self, claims: Option<String>) -> Self {
        self.claims = claims;
        self
    }

    /// What is asked for.
    pub(crate) fn request(&self) -> TokenRequest {
        let mut request = TokenRequest::new(self.scope.clone());
        if let Some(tenant) = &self.tenant {
            request = request.with_tenant(tenant.clone());
        }
        if let Some(claims) = &self.claims {
            request = request.with_claims(claims);
        }
        request
    }

    /// A token, and who gave it.
    pub(crate) async fn token(&self) -> azcred::Result<(AccessToken, Chosen)> {
        let token = self.chain.get_token(&self.request()).await?;
        let chosen = self.chain.report().as_deref().and_then(chosen);
        let chosen = chosen.ok_or_else(|| {
            azcred::Error::new(
                azcred::ErrorKind::Unexpected,
                "Looked who gave the token",
                "the chain does not say",
            )
        })?;
        tracing::info!(source = %chosen.source, "signed in with {}", chosen.using);
        Ok((token, chosen))
    }

    /// Tells people what they have to know besides the token: whose it is, where somebody was asked
    /// for it; and what kept it from the disk, though it is there all the same.
    pub(crate) fn tell_besides(&self, token: &AccessToken, output: &Output) {
        if let Ok(principal) = Principal::from_token(token) {
            let name = principal.user_name.clone();
            self.prompt
                .signed_in(&name.unwrap_or_else(|| principal.describe()));
        }
        // Where there is no home folder, nobody expects anything to be kept.
        let trouble = self.options.cache_trouble();
        if let Some(trouble) = trouble.filter(|trouble| !trouble.is_unavailable()) {
            output.caution(&trouble.to_string());
        }
    }
}

/// The source whose token is the answer.
pub(crate) fn chosen(report: &Report) -> Option<Chosen> {
    report.chosen().map(|attempt| Chosen {
        source: attempt.source,
        using: attempt.reason.clone(),
    })
}

impl Chosen {
    /// The tenant that the variables of a service principal ask for, where one of theirs answered.
    pub(crate) fn asked_tenant(&self, options: &ClientOptions) -> Option<TenantId> {
        if self.source != Source::Environment {
            return None;
        }
        let kinds = [
            EnvironmentKind::AzureSecret,
            EnvironmentKind::AzureCertificate,
            EnvironmentKind::Himl,
        ];
        // What it used begins with the variable of the proof.
        let [tenant, ..] = kinds
            .map(EnvironmentKind::variables)
            .into_iter()
            .find(|[.., proof]| self.using.split(' ').next() == Some(proof))?;
        TenantId::new(&options.system().var(tenant)?).ok()
    }
}

/// Options at the cloud that `ARM_CLOUD_METADATA_URL` describes, where it is set.
pub(crate) async fn in_cloud(options: ClientOptions) -> azcred::Result<ClientOptions> {
    options.with_discovered_cloud().await
}

/// What decides, besides the command line.
fn said_by(
    place: &Place,
    choice: &Choice,
    settings: &Settings,
    heeds_token_credentials: bool,
) -> Vec<Setting> {
    let files = settings.files.iter().map(|path| Setting {
        kind: SettingKind::File,
        name: azcred::printable_path(path),
        value: None,
    });
    let variables = [
        (PRESET_VARIABLE, choice.heeds_preset_variable()),
        (PROFILE_VARIABLE, choice.heeds_profile_variable()),
        ("AZURE_TOKEN_CREDENTIALS", heeds_token_credentials),
        ("AZCRED_IMDS", true),
    ];
    let variables = variables
        .into_iter()
        .filter(|(_, heeded)| *heeded)
        .filter_map(|(name, _)| {
            let value = place.system.var(name)?;
            Some(Setting {
                kind: SettingKind::Variable,
                name: name.to_owned(),
                // Whatever else is in it may have been meant for another variable.
                value: Some(value.trim().to_owned()).filter(|value| is_word(value)),
            })
        });
    files.chain(variables).collect()
}

/// Whether it is one of the words that these variables take.
fn is_word(value: &str) -> bool {
    let words = ["dev", "prod", "always", "never"];
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
        || value.parse::<Source>().is_ok()
        || value.parse::<azcred::chain::Preset>().is_ok()
}

/// Signs in: who did, the token, and by which source.
pub(crate) async fn sign_in(
    place: &Place,
    choice: &Choice,
    scope: Option<Scope>,
    tenant: Option<TenantId>,
    person: Person,
) -> Result<(SignIn, AccessToken, Chosen), Failure> {
    let sign_in = SignIn::new(place, choice, scope, tenant, person).await?;
    let (token, chosen) = sign_in.token().await?;
    Ok((sign_in, token, chosen))
}
