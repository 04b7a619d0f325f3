//! `azcred login`: signs in once, for every program of this user's that asks azcred.

mod notes;
mod reach;
mod seen;
mod summary;
mod tell;
mod ways;

use super::target::tenant;
use crate::{
    choice::{InProfile, explained},
    failure::{Failure, Kind},
    output::Output,
    prompt::TerminalPrompt,
    sign_in::{Person, Place},
    suggested::Suggested,
};
use azcred::{
    ClientId, ManagedIdentityId, Scope, TenantId, TokenRequest,
    account::AccountKind,
    system::{System, Unattended, unattended},
};
use azcred_azure::Principal;
use clap::Args;
use seen::Seen;
use std::{path::PathBuf, sync::Arc};

/// Sign in, once for every program that asks azcred
///
/// Opens a browser to sign you in; where none can be opened, as over SSH or in a container, it
/// shows a code to be entered in a browser elsewhere. What is kept of the sign-in is encrypted and
/// outlives the terminal, so that nobody asks again until your organization wants to see you. An
/// application or a managed identity can be signed in too.
///
/// Then shows who that is, and the subscriptions and workspaces that can be seen.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred login
  azcred login --device-code
  azcred login --tenant contoso.com --profile work
  azcred login --service-principal --client-id ID --tenant TENANT               asks for the secret
  azcred login --service-principal --client-id ID --tenant TENANT < SECRET-FILE
  azcred login --identity                           the identity of this machine in Azure

No secret is ever on the command line. Without a terminal, and in a CI job, no person is asked.")]
pub(crate) struct Login {
    /// Sign in in this tenant, by id or domain name [default: the person's own]
    #[arg(long, value_name = "TENANT", value_parser = tenant)]
    tenant: Option<TenantId>,

    #[command(flatten)]
    in_profile: InProfile,

    /// Show plain lines: no large letters, no QR code, nothing that is drawn again
    #[arg(long)]
    plain: bool,

    #[command(flatten)]
    person: PersonOptions,

    #[command(flatten)]
    application: ApplicationOptions,

    #[command(flatten)]
    identity: IdentityOptions,
}

#[derive(Args)]
#[command(next_help_heading = "A person")]
struct PersonOptions {
    /// In a browser on this computer, and in no other way
    #[arg(long, group = "way")]
    browser: bool,

    /// With a code that is entered in a browser on any computer or phone
    #[arg(long, group = "way")]
    device_code: bool,

    /// Who is to sign in, so that the page need not ask
    #[arg(long, value_name = "NAME", conflicts_with_all = ["device_code", "service_principal", "certificate", "federated_token", "identity"])]
    login_hint: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "An application")]
struct ApplicationOptions {
    /// As an application; its secret is asked for, or read from standard input
    #[arg(long, group = "way", requires_all = ["client_id", "tenant"])]
    service_principal: bool,

    /// The application, by client id; with --identity the managed identity. A person signs in to
    /// this one in place of Azure CLI's
    #[arg(long, value_name = "ID", value_parser = client_id)]
    client_id: Option<ClientId>,

    /// It proves itself by this certificate with its key (PEM or PFX), which stays where it is
    #[arg(
        long,
        value_name = "FILE",
        requires_all = ["client_id", "tenant"],
        conflicts_with_all = ["browser", "device_code", "identity", "federated_token"]
    )]
    certificate: Option<PathBuf>,

    /// It proves itself by the token that somebody else keeps in this file: a cluster, a CI system
    #[arg(long, value_name = "FILE", requires_all = ["client_id", "tenant"], conflicts_with_all = ["browser", "device_code", "identity"])]
    federated_token: Option<PathBuf>,
}

#[derive(Args)]
#[command(next_help_heading = "A managed identity")]
struct IdentityOptions {
    /// As the identity that Azure keeps for this machine; --client-id, --object-id or --resource-id
    /// names one of several
    #[arg(long, group = "way", conflicts_with = "tenant")]
    identity: bool,

    /// The managed identity, by its object id
    #[arg(long, value_name = "ID", requires = "identity", conflicts_with_all = ["client_id", "resource_id"], value_parser = object_id)]
    object_id: Option<ManagedIdentityId>,

    /// The managed identity, by its resource id
    #[arg(long, value_name = "ID", requires = "identity", conflicts_with = "client_id", value_parser = resource_id)]
    resource_id: Option<ManagedIdentityId>,
}

impl Login {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let profile = self.in_profile.profile(&*place.system)?;
        let mut options = place.options(profile.clone())?;
        if self.plain {
            options = options.with_prompt(Arc::new(TerminalPrompt::plain()));
        }
        let options = output
            .waiting("Looking up the cloud", options.with_discovered_cloud())
            .await?;
        let scope = Scope::from_resource(options.cloud()?.resource_manager_audience())?;
        // A token first: what does not sign in is not kept.
        let (token, account) =
            ways::sign_in(&self, &options, &TokenRequest::new(scope), output).await?;
        let principal = Principal::from_token(&token).ok();
        let suggested = Suggested::in_profile(&profile, &*place.system);
        let seen = output
            .waiting(
                "Looking what you can see",
                Seen::look(&place, &options, &suggested, token),
            )
            .await;
        let told = summary::Summary {
            account: &account,
            principal: principal.as_ref(),
            seen: &seen,
            suggested: &suggested,
            // Another application than a person's usual one.
            client_id: self
                .application
                .client_id
                .as_ref()
                .filter(|_| account.kind == AccountKind::Person),
        };
        tell::tell(&told, output);
        Ok(0)
    }
}

/// Whether a person is there to be asked, and may be.
fn attended(system: &dyn System, person: Person) -> Result<(), Failure> {
    if person == Person::NotAsked {
        return Err(Failure::new(
            Kind::Unavailable,
            "Sign in a person",
            "--no-input is given, and a person signs in by a browser or a code",
        )
        .fix("run it without --no-input; or sign in an application with --service-principal, or this machine with --identity"));
    }
    let Some(why) = unattended(system) else {
        return Ok(());
    };
    let fix = match why {
        Unattended::CiJob(_) => {
            "let the job be itself: `azcred token` finds the identity of a GitHub Actions or Azure Pipelines job, and a service principal \
             in AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, without a login"
        }
        _ => {
            "run it in a terminal (`ssh -t`, `docker run -it`); or sign in an application with --service-principal or \
             --federated-token, or this machine with --identity"
        }
    };
    Err(Failure::new(Kind::Unavailable, "Sign in a person", why.to_string()).fix(fix))
}

fn client_id(text: &str) -> Result<ClientId, String> {
    ClientId::new(text).map_err(|error| explained(&error))
}

fn object_id(text: &str) -> Result<ManagedIdentityId, String> {
    ManagedIdentityId::object(text).map_err(|error| explained(&error))
}

fn resource_id(text: &str) -> Result<ManagedIdentityId, String> {
    ManagedIdentityId::resource(text).map_err(|error| explained(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;
    use azcred::system::Fixture;

    #[test]
    fn a_person_is_asked_at_a_terminal_and_in_no_ci_job() {
        let desk = || Fixture::new().with_terminal();
        assert!(attended(&desk(), Person::Asked).is_ok());
        assert!(attended(&desk(), Person::NotAsked).is_err());
        let refused = attended(&Fixture::new(), Person::Asked).unwrap_err();
        assert_eq!(refused.kind.exit_code(), 3);
        assert!(
            words::fix(refused.fix.as_ref().unwrap()).contains("--service-principal"),
            "{refused:?}"
        );
        for variable in ["CI", "GITHUB_ACTIONS", "TF_BUILD"] {
            let refused = attended(&desk().with_var(variable, "true"), Person::Asked).unwrap_err();
            assert!(refused.why.contains(variable), "{refused:?}");
        }
    }
}
