//! `azcred account`: the accounts that are signed in on this machine, and the current one.

use crate::{
    candidates,
    choice::InProfile,
    failure::{Failure, Kind},
    given,
    output::{
        Output,
        style::{DIM, GOOD, WARN, paint, with_code},
        table, time,
        wrap::Stream,
    },
    sign_in::Place,
    suggested::Suggested,
};
use azcred::{
    ClientOptions, ErrorKind, Fix, Profile, SignIn,
    account::{Account, AccountKind, Accounts},
};
use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

/// How long to wait for the cloud's own description, if the environment names the authority as
/// well.
const CLOUD: Duration = Duration::from_secs(3);

/// List the accounts that are signed in, or choose the one to use
///
/// `azcred login` adds an account. Several can be signed in at once; tokens are for the current
/// one. A profile is a separate set of accounts with its own current account.
#[derive(Args)]
#[command(
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "\
Examples:
  azcred account list
  azcred account use ada@contoso.com"
)]
pub(crate) struct AccountArguments {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Subcommand)]
enum AccountCommand {
    List(ListAccounts),
    Use(UseAccount),
}

/// List the accounts that are signed in
///
/// `*` marks the current account of each profile. The list also says which accounts need a new
/// sign-in.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred account list
  azcred account list --profile default --output json \\
    | jq -r '.accounts[] | select(.isCurrent) | .username'")]
#[command(mut_arg("profile", |profile| profile.help(
    "List only the accounts of this profile [env: AZCRED_PROFILE] [default: all profiles]"
)))]
struct ListAccounts {
    #[command(flatten)]
    in_profile: InProfile,
}

/// Choose the account that tokens are for
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred account use ada@contoso.com

  # the beginning is enough, if it fits one account only
  azcred account use ada")]
struct UseAccount {
    /// A name or id that `azcred account list` shows, or its beginning
    #[arg(value_name = "ACCOUNT", value_parser = given::text, add = ArgValueCandidates::new(candidates::accounts))]
    who: String,

    #[command(flatten)]
    in_profile: InProfile,
}

/// The output of `azcred account list --output json`.
#[derive(Serialize)]
struct AccountsDocument<'a> {
    accounts: &'a [Account],
}

impl AccountArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            AccountCommand::List(list) => list.run(output).await,
            AccountCommand::Use(who) => who.run(output).await,
        }
    }
}

impl ListAccounts {
    async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let options = options(&self.in_profile, output).await?;
        let accounts = Accounts::new(&options)?;
        let accounts = match self.in_profile.is_named(&**options.system()) {
            true => accounts.list().await?,
            false => accounts.list_all().await?,
        };
        if output.is_json() {
            output.json(&AccountsDocument {
                accounts: &accounts,
            });
            return Ok(0);
        }
        if accounts.is_empty() {
            let suggested = Suggested::in_profile(options.profile(), &**options.system());
            output.line(with_code(&format!(
                "No account is signed in{}. To sign in, run `{}`.",
                to_profile(&options),
                suggested.command("login")
            )));
            show_other_profiles(&options, output).await?;
            return Ok(0);
        }
        let authority = options.cloud()?.authority().as_str().to_owned();
        let digits = digits(&accounts);
        let rows: Vec<[String; 8]> = accounts
            .iter()
            .map(|account| row(account, digits, &authority))
            .collect();
        let head = [
            "  account",
            "id",
            "kind",
            "tenant",
            "profile",
            "authority",
            "signed in",
            "",
        ];
        for line in table::columns(head, &rows, Stream::Stdout.columns()) {
            output.line(line);
        }
        for account in &accounts {
            if let Some(why) = &account.trouble {
                output.remark(&format!(
                    "{} has to sign in again: {}. Run `{}`",
                    account.who(),
                    why,
                    again(account, &options)
                ));
            }
        }
        Ok(0)
    }
}

impl UseAccount {
    async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let options = options(&self.in_profile, output).await?;
        let accounts = Accounts::new(&options)?;
        let meant = find(&accounts, &self.who, &options).await?;
        let account = accounts.use_account(&meant.id).await?;
        if output.is_json() {
            output.json(&account);
        } else {
            output.line(format!("{} {}", paint(GOOD, "✓"), is_current(&account)));
        }
        Ok(0)
    }
}

/// Options for the cloud of this folder, with the chosen profile.
pub(super) async fn options(
    in_profile: &InProfile,
    output: &Output,
) -> Result<ClientOptions, Failure> {
    let place = Place::here()?;
    let options = place.options(in_profile.profile(&*place.system)?)?;
    let asked = output.waiting(
        "Looking up the cloud",
        options.clone().with_discovered_cloud(),
    );
    if options.system().var("AZURE_AUTHORITY_HOST").is_none() {
        return Ok(asked.await?);
    }
    // Accounts of this machine can be listed without the network, if the environment names the
    // authority.
    match timeout(CLOUD, asked).await {
        Ok(Ok(options)) => Ok(options),
        Ok(Err(error)) if error.kind() == ErrorKind::Invalid => Err(error.into()),
        failed => {
            tracing::debug!(?failed, "the cloud's own description can't be had");
            Ok(options)
        }
    }
}

/// The account with this name or id, or with this beginning of an id. If no account or several
/// match, the error lists the accounts.
pub(super) async fn find(
    accounts: &Accounts,
    who: &str,
    options: &ClientOptions,
) -> Result<Account, Failure> {
    let error = match accounts.find(who).await {
        Ok(account) => return Ok(account),
        Err(error) if error.kind() == ErrorKind::Invalid => error,
        Err(error) => return Err(error.into()),
    };
    let there = accounts.list().await.unwrap_or_default();
    let mut failure = Failure {
        kind: Kind::NotFound,
        ..error.into()
    };
    // Another profile or authority has the account, and the error names it.
    if !matches!(failure.fix.as_deref(), Some(Fix::NameAccount)) {
        return Err(failure);
    }
    if there.is_empty() {
        failure.why = format!(
            "no account has signed in with `azcred login`{}; accounts of other tools, such as Azure CLI, can't be chosen here",
            in_profile(options)
        );
        let mut sign_in = SignIn::default();
        sign_in.profile = Some(options.profile())
            .filter(|profile| **profile != Profile::default())
            .map(|profile| profile.name().to_owned());
        return Err(failure.fix(sign_in));
    }
    let names: Vec<String> = there
        .iter()
        .map(|account| format!("{} ({})", account.who(), short(account, ID_DIGITS)))
        .take(MOST_NAMES)
        .collect();
    failure.why = format!("{}; the accounts are: {}", failure.why, names.join(", "));
    Err(failure.fix(Fix::from("give one of these names or ids").or(SignIn::default())))
}

/// Digits of an account's id that are enough to choose the account.
const ID_DIGITS: usize = 8;
/// The error lists at most this many names.
const MOST_NAMES: usize = 8;

/// The message that this account is now the current one.
pub(super) fn is_current(account: &Account) -> String {
    let who = account.who();
    match account.profile == Profile::default().name() {
        true => format!("{who} is the current account"),
        false => format!(
            "{who} is the current account of the profile {}",
            account.profile
        ),
    }
}

/// The login command for a person whose sign-in has ended.
fn again(account: &Account, options: &ClientOptions) -> String {
    let profile = Profile::new(&account.profile).unwrap_or_default();
    let suggested = Suggested::in_profile(&profile, &**options.system());
    match account.tenant.as_deref() {
        Some(tenant) => suggested.login(tenant, None),
        None => suggested.command("login"),
    }
}

/// ` to the profile 'work'`. Empty for the default profile.
pub(super) fn to_profile(options: &ClientOptions) -> String {
    match options.profile() {
        default if *default == Profile::default() => String::new(),
        profile => format!(" to the profile '{profile}'"),
    }
}

/// ` in the profile 'work'`. Empty for the default profile.
fn in_profile(options: &ClientOptions) -> String {
    match options.profile() {
        default if *default == Profile::default() => String::new(),
        profile => format!(" in the profile '{profile}'"),
    }
}

/// If a profile has no accounts, shows the other profiles: the name may be misspelt.
pub(super) async fn show_other_profiles(
    options: &ClientOptions,
    output: &mut Output,
) -> Result<(), Failure> {
    let here = options.profile().name();
    let all = Accounts::new(options)?.list_all().await?.into_iter();
    let others: BTreeSet<String> = all
        .map(|account| account.profile)
        .filter(|profile| profile != here)
        .map(|profile| format!("'{profile}'"))
        .collect();
    if !others.is_empty() {
        let others: Vec<String> = others.into_iter().collect();
        output.line(paint(
            DIM,
            format!("Other profiles have accounts: {}.", others.join(", ")),
        ));
    }
    Ok(())
}

/// The number of an id's digits that tell the accounts apart.
fn digits(accounts: &[Account]) -> usize {
    const FEWEST: usize = 6;
    const ALL: usize = 16;
    let count = |digits| {
        let short = accounts.iter().map(|account| short(account, digits));
        short.collect::<BTreeSet<_>>().len()
    };
    // The same account has the same id in every profile.
    let all = count(ALL);
    (FEWEST..ALL)
        .find(|digits| count(*digits) == all)
        .unwrap_or(ALL)
}

fn short(account: &Account, digits: usize) -> &str {
    let id = account.id.as_str();
    id.get(..digits).unwrap_or(id)
}

fn row(account: &Account, digits: usize, authority: &str) -> [String; 8] {
    let is_elsewhere = !account.authority.eq_ignore_ascii_case(authority);
    let trouble = account.trouble.is_some();
    let mark = if account.is_current { '*' } else { ' ' };
    // The kind has its own column.
    let who = match (account.kind, &account.client_id) {
        (AccountKind::Person, _) => account.who(),
        (_, Some(id)) => id.to_string(),
        (AccountKind::ManagedIdentity, None) => "this machine".to_owned(),
        _ => account.who(),
    };
    [
        format!("{mark} {who}"),
        short(account, digits).to_owned(),
        kind(account.kind).to_owned(),
        account.tenant.as_deref().unwrap_or_default().to_owned(),
        account.profile.clone(),
        if is_elsewhere {
            account.authority.clone()
        } else {
            String::new()
        },
        paint(DIM, time::ago(account.signed_in_on)),
        if trouble {
            paint(WARN, "sign in again")
        } else {
            String::new()
        },
    ]
}

fn kind(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Person => "person",
        AccountKind::ClientSecret => "service principal, secret",
        AccountKind::ClientCertificate => "service principal, certificate",
        AccountKind::FederatedToken => "service principal, federated token",
        AccountKind::ManagedIdentity => "managed identity",
        _ => "",
    }
}
