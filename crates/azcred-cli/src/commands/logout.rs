//! `azcred logout`: forgets a sign-in, and all tokens that came of it.

use super::account::{is_current, options, shown, tell_others, to_profile};
use crate::{
    choice::InProfile,
    failure::Failure,
    output::{
        Output,
        style::{DIM, GOOD, paint, with_code},
    },
    suggested::Suggested,
};
use azcred::{
    ClientOptions, Profile,
    account::{Account, Accounts},
};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;

/// Sign out: forget a sign-in and all tokens that came of it
///
/// The current account, unless somebody is named. What is kept of the sign-in is removed from this machine, a secret from the
/// keyring too. Tokens that a program has already been given stay good until they end, and a browser stays signed in.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred logout
  azcred logout ada@contoso.com
  azcred logout --all")]
#[command(mut_arg("profile", |profile| profile.help(
    "Sign out of this profile [env: AZCRED_PROFILE] [default: default; with --all: all profiles]"
)))]
pub(crate) struct Logout {
    /// Sign-in name, object id, client id or account id, or the beginning of one [default: the current account]
    #[arg(value_name = "WHO", conflicts_with = "all")]
    who: Option<String>,

    /// Everybody: of all profiles, unless one is named
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    in_profile: InProfile,
}

/// What `--output json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    /// Who was signed out.
    signed_out: &'a [Account],
    /// Who is the current account after that; `null` where nobody is, and with `--all`.
    now_current: Option<&'a Account>,
}

impl Logout {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let options = options(&self.in_profile, output).await?;
        let suggested = Suggested::in_profile(options.profile(), &**options.system());
        let (mut gone, mut now_current) = (Vec::new(), None);
        if self.all {
            let profiles = match self.in_profile.is_named(&**options.system()) {
                true => BTreeSet::from([options.profile().name().to_owned()]),
                false => profiles(&options).await?,
            };
            for profile in profiles {
                let accounts =
                    Accounts::new(&options.clone().with_profile(Profile::new(&profile)?))?;
                for account in accounts.list().await? {
                    gone.push(accounts.remove(&account.id).await?.account);
                }
            }
        } else {
            let accounts = Accounts::new(&options)?;
            let meant = match &self.who {
                Some(who) => Some(accounts.find(who).await?),
                None => accounts.current().await?,
            };
            if let Some(account) = meant {
                gone.push(accounts.remove(&account.id).await?.account);
                // The only one that is left became it; where somebody else signed out, it is who it was.
                now_current = accounts.current().await?;
            }
        }
        if output.is_json() {
            output.json(&Document {
                signed_out: &gone,
                now_current: now_current.as_ref(),
            });
            return Ok(0);
        }
        for account in &gone {
            output.line(format!(
                "{} Signed out {}",
                paint(GOOD, "✓"),
                shown(&account.who())
            ));
        }
        if gone.is_empty() {
            if self.all || Accounts::new(&options)?.list().await?.is_empty() {
                output.line(format!("Nobody was signed in{}.", to_profile(&options)));
                tell_others(&options, output).await?;
            } else {
                output.line(with_code(&format!(
                    "Nobody is the current account: `{}` shows who has signed in, `{}` signs one out.",
                    suggested.command("account list"),
                    suggested.command("logout WHO")
                )));
            }
        }
        if let Some(account) = now_current {
            output.line(format!("  {}", is_current(&account)));
        } else if !self.all && !gone.is_empty() {
            let left = Accounts::new(&options)?.list().await?;
            if !left.is_empty() {
                output.line(with_code(&format!(
                    "  Nobody is the current account now: `{}` chooses among those that are left",
                    suggested.command("account use WHO")
                )));
            }
        }
        let elsewhere = self.all.then(|| elsewhere(&options));
        if let Some(elsewhere) = elsewhere {
            for authority in elsewhere.await? {
                output.line(paint(DIM, format!("  Sign-ins at {} are left: set AZURE_AUTHORITY_HOST to that and run this again", shown(&authority))));
            }
        }
        Ok(0)
    }
}

/// The profiles that somebody has signed in to here.
async fn profiles(options: &ClientOptions) -> Result<BTreeSet<String>, Failure> {
    let all = Accounts::new(options)?.list_all().await?;
    Ok(all.into_iter().map(|account| account.profile).collect())
}

/// Where else somebody has signed in.
async fn elsewhere(options: &ClientOptions) -> Result<BTreeSet<String>, Failure> {
    let here = options.cloud()?.authority().as_str().to_owned();
    let all = Accounts::new(options)?.list_all().await?;
    let others = all.into_iter().map(|account| account.authority);
    Ok(others
        .filter(|authority| !authority.eq_ignore_ascii_case(&here))
        .collect())
}
