//! The sign-in of every command: the session of a folder, with prompts at the terminal.

use crate::{
    choice::Choice,
    failure::{Failure, Kind},
    output::Output,
    prompt::TerminalPrompt,
};
use azcred::{
    AccessToken, ClientOptions, Profile, Scope, Session, TenantId, Untrusted, Used,
    chain::{Report, Source},
    session::SessionBuilder,
    system::{RealSystem, SharedSystem},
};
use azcred_azure::Principal;
use std::{path::PathBuf, sync::Arc};

/// Where a command runs: a machine, and the folder from which files are searched upward.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) system: SharedSystem,
    pub(crate) folder: PathBuf,
}

impl Place {
    /// This machine and the current folder.
    pub(crate) fn here() -> Result<Self, Failure> {
        // Without the folder, a file in it could expect another identity, and this would not be
        // known.
        let folder = std::env::current_dir().map_err(|error| {
            Failure::new(
                Kind::Failed,
                "could not read the current folder",
                error.to_string(),
            )
            .fix("change to a folder that exists")
        })?;
        Ok(Self {
            system: Arc::new(RealSystem),
            folder,
        })
    }

    /// A machine without files.
    #[cfg(feature = "emulator")]
    pub(crate) fn of(system: SharedSystem) -> Self {
        Self {
            system,
            folder: "/".into(),
        }
    }

    /// A session builder for this place, without wishes.
    pub(crate) fn session(&self) -> SessionBuilder {
        Session::builder().at(self.system.clone(), &self.folder)
    }

    /// The options of a session here, with a profile, before its cloud is known.
    pub(crate) fn options(&self, profile: Profile) -> azcred::Result<ClientOptions> {
        self.session()
            .profile(profile)
            .prompt(Arc::new(TerminalPrompt::default()))
            .options()
    }
}

/// Whether a person at the terminal is prompted if no other source has a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Person {
    /// Yes: the user waits for the token.
    Asked,
    /// No: `--no-input` is given.
    NotAsked,
    /// No: the command only shows the present state.
    LeftAlone,
}

impl Person {
    /// By the options of the command line.
    pub(crate) fn of(output: &Output) -> Self {
        match output.no_input() {
            true => Self::NotAsked,
            false => Self::Asked,
        }
    }
}

/// A session and its prompts.
pub(crate) struct SignIn {
    pub(crate) session: Session,
    prompt: Arc<TerminalPrompt>,
    /// The tenant that was chosen.
    tenant: Option<TenantId>,
}

/// The source of a token.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The source.
    pub(crate) source: Source,
    /// What the source used.
    pub(crate) used: Used,
}

impl SignIn {
    /// The name of the token's tenant, if this machine knows it.
    pub(crate) async fn tenant_name(&self, principal: Option<&Principal>) -> Option<Untrusted> {
        let id = principal?.tenant_id.as_deref()?;
        self.session.tenant_name(id).await
    }

    /// Opens the session that the command line, variables and files describe.
    ///
    /// By default, `scope` is Azure Resource Manager's, and `tenant` the source's own.
    pub(crate) async fn new(
        place: &Place,
        choice: &Choice,
        scope: Option<Scope>,
        tenant: Option<TenantId>,
        person: Person,
    ) -> azcred::Result<Self> {
        Self::answering(place, choice, scope, tenant, None, person).await
    }

    /// As [`Self::new`], for a claims challenge.
    pub(crate) async fn answering(
        place: &Place,
        choice: &Choice,
        scope: Option<Scope>,
        tenant: Option<TenantId>,
        claims: Option<String>,
        person: Person,
    ) -> azcred::Result<Self> {
        let prompt = Arc::new(TerminalPrompt::announcing());
        let mut session = choice.apply(place.session().prompt(prompt.clone()))?;
        if let Some(scope) = scope {
            session = session.scope(scope);
        }
        let wanted = tenant.clone();
        if let Some(tenant) = tenant {
            session = session.tenant(tenant);
        }
        if let Some(claims) = claims {
            session = session.claims(claims);
        }
        session = match person {
            Person::Asked => session,
            Person::NotAsked => session.unattended(),
            // A cached token does not show the present state.
            Person::LeftAlone => session.unattended().without_cached_tokens(),
        };
        Ok(Self {
            session: session.open().await?,
            prompt,
            tenant: wanted,
        })
    }

    /// A token and its source.
    pub(crate) async fn token(&self) -> azcred::Result<(AccessToken, Chosen)> {
        let token = self.session.token().await?;
        let chosen = self.session.report().as_deref().and_then(chosen);
        let chosen = chosen.ok_or_else(|| {
            azcred::Error::new(
                azcred::ErrorKind::Unexpected,
                "could not read who the token is for",
                "the chain does not say",
            )
        })?;
        tracing::info!("{}", signed_in(&chosen));
        if let Some(wanted) = &self.tenant
            && chosen.source == Source::ManagedIdentity
        {
            check_tenant(wanted, &token)?;
        }
        Ok((token, chosen))
    }

    /// Shows notes for people: the identity after a prompt, and why a token could not be stored.
    pub(crate) fn show_notes(&self, token: &AccessToken, output: &Output) {
        if let Ok(principal) = Principal::from_token(token) {
            let name = principal.user_name.clone();
            self.prompt
                .signed_in(&name.unwrap_or_else(|| principal.describe().into()));
        }
        // Without a home folder, no user expects stored tokens.
        let trouble = self.session.options().cache_trouble();
        if let Some(trouble) = trouble.filter(|trouble| !trouble.is_unavailable()) {
            output.caution(&trouble.to_string());
        }
    }
}

/// Who signed in, for the log: the source, and what it used. Some of these are no means of signing
/// in, but say whose token it is, or why the source was doubted.
fn signed_in(chosen: &Chosen) -> String {
    format!("signed in by {}: {}", chosen.source, chosen.used)
}

/// The source whose token was returned.
pub(crate) fn chosen(report: &Report) -> Option<Chosen> {
    let attempt = report.chosen()?;
    Some(Chosen {
        source: attempt.source,
        used: attempt.used.clone()?,
    })
}

/// Signs in: returns the session, the token and its source.
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

/// Fails if a managed identity's token is of another tenant than the chosen one: such an identity
/// has tokens of its own tenant only, and its host passes over any other wish.
fn check_tenant(wanted: &TenantId, token: &AccessToken) -> azcred::Result<()> {
    let principal = Principal::from_token(token).ok();
    let own = principal.and_then(|principal| principal.tenant_id);
    let Some(own) = own.filter(|own| !own.eq_ignore_ascii_case(wanted.as_str())) else {
        return Ok(());
    };
    Err(azcred::Error::new(
        azcred::ErrorKind::WrongAccount,
        format!("could not get a token in the tenant {wanted}"),
        format!(
            "this account is a managed identity, which has tokens of its own tenant only: {own}"
        ),
    )
    .with_fix("leave the tenant out, or choose another account where the program is started"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::{Evidence, UsedKind};

    #[test]
    fn what_shows_where_the_machine_runs_is_no_means_of_signing_in() {
        for evidence in [
            Evidence::Address,
            Evidence::MacOs,
            Evidence::Wsl,
            Evidence::AzureAssetTag,
            Evidence::OtherAssetTag("EC2".to_owned()),
            Evidence::OwnHardware,
            Evidence::HyperVHost,
            Evidence::OtherHypervisor("KVM".to_owned()),
            Evidence::HyperV,
            Evidence::Nothing,
        ] {
            let used = Used::new(UsedKind::ManagedIdentity {
                host: "the metadata service",
                address: Some("http://169.254.169.254".to_owned()),
                object_id: None,
                resource_id: None,
                evidence: Some(evidence.clone()),
            });
            let chosen = Chosen {
                source: Source::ManagedIdentity,
                used,
            };
            let start = "signed in by managed-identity: its own managed identity, from the metadata service at http://169.254.169.254";
            let (link, told) = match evidence.is_azure() {
                Some(false) => (", though ", signed_in(&chosen)),
                _ => (": ", signed_in(&chosen)),
            };
            assert_eq!(told, format!("{start}{link}{evidence}"));
        }
    }
}
