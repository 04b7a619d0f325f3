//! `azcred login`: signs in once, for every program of this user that uses azcred.

mod notes;
mod reach;
mod seen;
mod summary;
mod tell;
mod ways;

use crate::{
    candidates,
    choice::InProfile,
    failure::{Failure, Kind},
    given,
    output::Output,
    prompt::TerminalPrompt,
    sign_in::{Person, Place},
    suggested::Suggested,
};
use azcred::{
    ClientId, EnvironmentKind, Fix, ManagedIdentityId, Scope, TenantId, TokenRequest,
    account::{AccountKind, Accounts, SecretStore},
    system::{System, Unattended, unattended},
};
use azcred_azure::Principal;
use clap::Args;
use clap_complete::ArgValueCandidates;
use seen::Seen;
use std::{path::PathBuf, sync::Arc};

/// Sign in once, for every program that uses azcred
///
/// Opens a browser. If no browser can be opened (over SSH, in a container), it shows a code to
/// enter in a browser on any other computer or phone. Then it shows your subscriptions and
/// workspaces.
///
/// You do not need it after `az login`: azcred uses that sign-in too. An account of `azcred login`
/// comes before that of `az login`.
///
/// The sign-in is stored encrypted on this machine. You sign in again only when your organization
/// requires it. The options below also sign in an application (a service principal) or a managed
/// identity.
#[derive(Args)]
#[command(mut_arg("profile", |profile| profile.help(
    "Store the account in this profile, a separate set of accounts [env: AZCRED_PROFILE] [default: default]"
)))]
#[command(after_help = "\
Examples:
  azcred login
  azcred login --device-code
  azcred login --tenant contoso.com

  # store the account apart from the others, for `azcred token --profile work`
  azcred login --profile work

  # an application: asks for its secret, or reads it from a file
  azcred login --service-principal --client-id ID --tenant TENANT
  azcred login --service-principal --client-id ID --tenant TENANT < secret.txt

  azcred login --certificate cert.pem --client-id ID --tenant TENANT

  # the identity of this virtual machine or compute
  azcred login --identity

There is no option for a secret, because other users can see command lines.
A person can sign in only at a terminal. In a CI job, run no login: `azcred
token` uses the job's identity in GitHub Actions and Azure Pipelines, or the
variables AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.")]
pub(crate) struct Login {
    /// Sign in to this tenant (id or domain) [default: your account's own tenant]
    #[arg(long, value_name = "TENANT", value_parser = TenantId::new, add = ArgValueCandidates::new(candidates::tenants))]
    tenant: Option<TenantId>,

    #[command(flatten)]
    in_profile: InProfile,

    /// Print plain lines: no large letters, QR code or animation
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
#[command(next_help_heading = "To sign in a person")]
struct PersonOptions {
    /// Use the browser of this computer. Fail if it can't be opened
    #[arg(long, group = "way")]
    browser: bool,

    /// Show a code to enter in a browser on any computer or phone, even if a browser can be opened
    /// here
    #[arg(long, group = "way")]
    device_code: bool,

    /// Fill in this name on the sign-in page, such as ada@contoso.com
    #[arg(long, value_name = "NAME", value_parser = given::text, conflicts_with_all = ["device_code", "service_principal", "certificate", "federated_token", "identity"])]
    login_hint: Option<String>,
}

#[derive(Args)]
#[command(next_help_heading = "To sign in an application (a service principal)")]
struct ApplicationOptions {
    /// Sign in with a secret: typed at a terminal, or read from standard input. Needs --client-id
    /// and --tenant
    #[arg(long, group = "way", requires_all = ["client_id", "tenant"])]
    service_principal: bool,

    /// The client id of the application or of the managed identity (with --identity). A person
    /// needs none; with one, they sign in through this app registration of your organization
    #[arg(long, value_name = "ID", value_parser = ClientId::new)]
    client_id: Option<ClientId>,

    /// Sign in with a certificate: a PEM or PFX file that contains the private key too. azcred
    /// reads the file again later, so keep it. Needs --client-id and --tenant
    #[arg(
        long,
        value_name = "FILE",
        value_parser = given::path(),
        requires_all = ["client_id", "tenant"],
        conflicts_with_all = ["browser", "device_code", "identity", "federated_token"]
    )]
    certificate: Option<PathBuf>,

    /// Sign in with a token that a Kubernetes cluster or a CI system writes into this file. Needs
    /// --client-id and --tenant
    #[arg(long, value_name = "FILE", value_parser = given::path(), requires_all = ["client_id", "tenant"], conflicts_with_all = ["browser", "device_code", "identity"])]
    federated_token: Option<PathBuf>,

    /// Where to store the secret, or the password of the certificate. Without a keyring, only a
    /// file can store it: encrypted, but with its key in a file beside it [default: keyring]
    #[arg(long, value_name = "PLACE", requires = "client_id", conflicts_with_all = ["browser", "device_code", "identity", "federated_token"])]
    store: Option<StoreOption>,
}

/// Where a secret is kept.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum StoreOption {
    Keyring,
    File,
}

impl From<StoreOption> for SecretStore {
    fn from(option: StoreOption) -> Self {
        match option {
            StoreOption::Keyring => Self::Keyring,
            StoreOption::File => Self::File,
        }
    }
}

#[derive(Args)]
#[command(next_help_heading = "To sign in as a managed identity")]
struct IdentityOptions {
    /// Sign in as the managed identity of this machine. If it has several, choose one by
    /// --client-id, --object-id or --resource-id
    #[arg(long, group = "way", conflicts_with = "tenant")]
    identity: bool,

    /// The managed identity's object id
    #[arg(long, value_name = "ID", requires = "identity", conflicts_with_all = ["client_id", "resource_id"], value_parser = ManagedIdentityId::object)]
    object_id: Option<ManagedIdentityId>,

    /// The managed identity's resource id
    #[arg(long, value_name = "ID", requires = "identity", conflicts_with = "client_id", value_parser = ManagedIdentityId::resource)]
    resource_id: Option<ManagedIdentityId>,
}

impl Login {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let profile = self.in_profile.profile(&*place.system)?;
        let mut options = place.options(profile.clone())?;
        if self.plain {
            output.without_animation();
            options = options.with_prompt(Arc::new(TerminalPrompt::plain()));
        }
        let options = output
            .waiting("Looking up the cloud", options.with_discovered_cloud())
            .await?;
        let scope = Scope::from_resource(options.cloud()?.resource_manager_audience())?;
        // The token comes first: a sign-in that fails is not stored.
        let (token, mut account) =
            ways::sign_in(&self, &options, &TokenRequest::new(scope), output).await?;
        let principal = Principal::from_token(&token).ok();
        let suggested = Suggested::in_profile(&profile, &*place.system);
        let seen = output
            .waiting(
                "Looking what you can see",
                Seen::look(&place, &options, &suggested, token),
            )
            .await;
        let tenants = seen.tenants.iter();
        let names = tenants
            .filter_map(|tenant| Some((tenant.tenant_id.to_string(), tenant.name()?.to_string())));
        // Names are only for display. Without them, ids are shown.
        let accounts = Accounts::new(&options)?;
        match accounts.name_tenants(&account.id, names).await {
            Ok(named) => account = named,
            Err(error) => tracing::debug!(%error, "the tenants' names are not stored"),
        }
        let told = summary::Summary {
            account: &account,
            principal: principal.as_ref(),
            seen: &seen,
            suggested: &suggested,
            // The application that a person named in place of the usual one.
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

/// Checks that a person can be prompted, and that prompts are allowed.
fn attended(system: &dyn System, person: Person) -> Result<(), Failure> {
    let unattended = unattended(system);
    let (headline, why) = match (person, unattended) {
        (Person::Asked, None) => return Ok(()),
        (Person::Asked, Some(Unattended::CiJob(variable))) => (
            "a person can't sign in to a CI job",
            format!("this is a CI job ({variable} is set)"),
        ),
        (Person::Asked, Some(why)) => (
            "this sign-in needs a terminal",
            format!("{why}, so a person would not see the code or the link"),
        ),
        _ => (
            "a person can't sign in with --no-input",
            "a person signs in with a browser or a code".to_owned(),
        ),
    };
    let fix = match (person, unattended) {
        (_, Some(Unattended::CiJob(_))) => Fix::from(
            "run no login in the job: `azcred token` uses the job's own identity in GitHub Actions and Azure Pipelines",
        )
        .or(Fix::set(EnvironmentKind::AzureSecret.variables())),
        (Person::Asked, _) => Fix::from(
            "run the same command by hand in a terminal (in a container, start it with `docker run -it`; over SSH, connect with `ssh -t`)",
        ),
        _ => "run the same command without --no-input".into(),
    };
    let fix = match unattended {
        Some(Unattended::CiJob(_)) => fix,
        _ => fix
            .or("in a script, sign in a service principal: `azcred login --service-principal --client-id CLIENT_ID --tenant TENANT_ID < SECRET_FILE`")
            .or("in a Kubernetes pod, sign in with the pod's token: `azcred login --federated-token TOKEN_FILE --client-id CLIENT_ID --tenant TENANT_ID`")
            .or("on a machine in Azure, sign in with its managed identity: `azcred login --identity`"),
    };
    Err(Failure::new(Kind::NotSignedIn, "", why)
        .titled(headline)
        .fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;
    use azcred::system::Fixture;

    #[test]
    fn a_person_is_prompted_at_a_terminal_but_not_in_a_ci_job() {
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
