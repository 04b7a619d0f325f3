//! `azcred logout`: removes a sign-in, and all tokens that came from it.

use super::account::{find, is_current, options, show_other_profiles, to_profile};
use crate::{
    candidates,
    choice::InProfile,
    failure::Failure,
    given,
    output::{
        Output,
        style::{DIM, GOOD, paint, with_code},
    },
    suggested::Suggested,
};
use azcred::{
    Fix,
    account::{Account, Accounts},
};
use clap::Args;
use clap_complete::ArgValueCandidates;
use serde::Serialize;
use std::collections::BTreeSet;

/// Sign out: remove an account and its tokens from this machine
///
/// Without ACCOUNT, signs out the current account. A token that a program already has stays valid
/// until it expires, for about an hour. The browser stays signed in, and so does Azure CLI.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred logout
  azcred logout ada@contoso.com
  azcred logout --all")]
#[command(mut_arg("profile", |profile| profile.help(
    "Look in this profile, a separate set of accounts [env: AZCRED_PROFILE] [default: default, or all profiles with --all]"
)))]
pub(crate) struct Logout {
    /// A name or id that `azcred account list` shows, or its beginning [default: the current
    /// account]
    #[arg(value_name = "ACCOUNT", value_parser = given::text, conflicts_with = "all", add = ArgValueCandidates::new(candidates::accounts))]
    who: Option<String>,

    /// Sign out all accounts of every cloud: of every profile, or of the one that --profile names
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    in_profile: InProfile,
}

/// The output of `--output json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogoutDocument<'a> {
    /// The accounts that were signed out.
    signed_out: &'a [Account],
    /// The current account after that; `null` without one, and with `--all`.
    now_current: Option<&'a Account>,
}

impl Logout {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let options = options(&self.in_profile, output).await?;
        let suggested = Suggested::in_profile(options.profile(), &**options.system());
        let (mut gone, mut now_current, mut left) = (Vec::new(), None, Vec::new());
        let accounts = Accounts::new(&options)?;
        if self.all {
            let is_named = self.in_profile.is_named(&**options.system());
            let profile = is_named.then(|| options.profile());
            let all = accounts.remove_all(profile).await;
            (gone, left) = (all.removed, all.left);
        } else {
            let meant = match &self.who {
                Some(who) => Some(find(&accounts, who, &options).await?),
                None => accounts.current().await?,
            };
            if let Some(account) = meant {
                gone.push(accounts.remove(&account.id).await?);
                // If one account is left, it is now the current one. If another account was signed
                // out, the current one stays.
                now_current = accounts.current().await?;
            }
        }
        for removed in &gone {
            if let Some(error) = &removed.tokens_left {
                let who = removed.account.who();
                output.caution(&format!(
                    "stored tokens of {who} are still on disk. {error}"
                ));
            }
        }
        for removed in &gone {
            if let Some(item) = &removed.old_keyring_item {
                let who = removed.account.who();
                output.caution(&format!(
                    "the secret of {who} is still in the keyring, where an older version of azcred stored it for all data folders. \
                     To remove it: {}",
                    removal(item)
                ));
            }
        }
        let authorities: BTreeSet<&str> = gone
            .iter()
            .map(|removed| removed.account.authority.as_str())
            .collect();
        let is_mixed = authorities.len() > 1;
        let gone: Vec<Account> = gone.into_iter().map(|removed| removed.account).collect();
        if output.is_json() {
            output.json(&LogoutDocument {
                signed_out: &gone,
                now_current: now_current.as_ref(),
            });
            return done(left);
        }
        for account in &gone {
            let at = match is_mixed {
                true => paint(DIM, format!("  {}", account.authority)),
                false => String::new(),
            };
            output.line(format!(
                "{} Signed out {}{at}",
                paint(GOOD, "✓"),
                account.who()
            ));
        }
        if gone.is_empty() && left.is_empty() {
            if self.all || Accounts::new(&options)?.list().await?.is_empty() {
                output.line(format!("No account was signed in{}.", to_profile(&options)));
                show_other_profiles(&options, output).await?;
            } else {
                output.line(with_code(&format!(
                    "No account is current. `{}` lists the accounts, `{}` signs one out.",
                    suggested.command("account list"),
                    suggested.command("logout WHO")
                )));
            }
        }
        if let Some(account) = now_current {
            output.line(format!("  {}", is_current(&account)));
        } else if !self.all && !gone.is_empty() {
            let others = Accounts::new(&options)?.list().await?;
            if !others.is_empty() {
                output.line(with_code(&format!(
                    "  No account is current now. To choose one, run `{}`",
                    suggested.command("account use WHO")
                )));
            }
        }
        done(left)
    }
}

/// How to remove an item from the keyring.
fn removal(item: &str) -> String {
    match std::env::consts::OS {
        "macos" => format!("`security delete-generic-password -s azcred -a {item}`"),
        "windows" => format!("remove {item} in the Credential Manager"),
        _ => format!("`secret-tool clear service azcred username {item}`"),
    }
}

/// What could not be signed out, and why.
type NotSignedOut = (String, azcred::Error);

/// The failure if some accounts are still signed in.
fn done(left: Vec<NotSignedOut>) -> Result<u8, Failure> {
    let mut left = left.into_iter();
    let Some((first, error)) = left.next() else {
        return Ok(0);
    };
    let mut failure = Failure::from(error);
    let others: Vec<NotSignedOut> = left.collect();
    if others.is_empty() {
        return Err(failure);
    }
    failure.what = "Signed all accounts out".to_owned();
    failure.why = format!(
        "{} could not be: {first} ({})",
        others.len() + 1,
        failure.why
    );
    for (who, error) in &others {
        failure.why = format!("{}, {who} ({})", failure.why, error.why());
        let fixes = [failure.fix.take().map(|fix| *fix), error.fix().cloned()];
        failure.fix = fixes.into_iter().flatten().reduce(Fix::and).map(Box::new);
    }
    Err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::{
        ClientId, ClientOptions, Profile, SecretString, TenantId,
        system::{Fixture, NoKeyring},
    };

    async fn add(machine: &Fixture, profile: &str, client_id: &str) {
        let options = ClientOptions::new(machine.clone().shared());
        let options = options.with_profile(Profile::new(profile).unwrap());
        let accounts = Accounts::new(&options).unwrap();
        let secret = SecretString::from("s");
        let (tenant, client_id) = (
            TenantId::new("contoso.com").unwrap(),
            ClientId::new(client_id).unwrap(),
        );
        accounts
            .add_client_secret(tenant, client_id, secret)
            .await
            .unwrap();
        accounts.add_managed_identity(None).await.unwrap();
    }

    #[tokio::test]
    async fn an_account_that_can_not_be_signed_out_does_not_stop_the_others() {
        let machine = Fixture::new().with_var("HOME", "/home/ada");
        // The key is in a file: the keyring has only the secrets.
        let options = ClientOptions::new(machine.clone().shared());
        let accounts = Accounts::new(&options).unwrap();
        accounts.add_managed_identity(None).await.unwrap();
        let machine = machine.with_keyring(None);
        add(&machine, "home", "a").await;
        add(&machine, "work", "b").await;
        let locked = machine.clone().with_keyring(Some(NoKeyring::Locked));
        let options = ClientOptions::new(locked.shared());
        let all = Accounts::new(&options).unwrap().remove_all(None).await;
        let gone = all.removed.iter().map(|removed| removed.account.who());
        assert_eq!(
            gone.collect::<Vec<_>>(),
            ["this machine's managed identity"; 3]
        );
        let failure = done(all.left).unwrap_err();
        for word in ["the application a", "the application b", "locked"] {
            assert!(failure.why.contains(word), "{failure:?}");
        }
        assert_eq!(
            failure.fix.as_deref(),
            Some(&"unlock the keyring and sign out again".into())
        );
        assert_eq!(failure.kind.exit_code(), 1);
        // When it is unlocked, the others are signed out too.
        let options = ClientOptions::new(machine.shared());
        let all = Accounts::new(&options).unwrap().remove_all(None).await;
        assert_eq!((all.removed.len(), all.left.len()), (2, 0));
        assert_eq!(done(all.left).unwrap(), 0);
    }
}
