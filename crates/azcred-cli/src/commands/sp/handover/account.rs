//! The credential as an account of azcred's, in a profile of the application's name.

use super::{Delivered, Expected, NewCredential, NewProof};
use crate::{
    failure::{Failure, Kind},
    sign_in::Place,
};
use azcred::{
    ClientId, Profile,
    account::{Accounts, SecretStore},
};
use std::path::Path;

/// The profile that gets the account, and where its secret is stored.
#[derive(Debug)]
pub(in crate::commands) struct Store {
    accounts: Accounts,
    profile: Profile,
    place: SecretStore,
}

impl Store {
    /// Checks that the secret can be stored.
    pub(super) async fn check(
        store: SecretStore,
        expected: &Expected<'_>,
        place: &Place,
    ) -> Result<Self, Failure> {
        let this = Self::profile_of(store, expected, place).await?;
        // The error names the application, which may not exist yet.
        let unknown = ClientId::new("00000000-0000-0000-0000-000000000000")?;
        let client_id = expected.client_id.unwrap_or(&unknown);
        let stores = this.accounts.check_stores_secret(client_id).await;
        stores.map_err(|error| {
            let failure = Failure::from(error);
            Failure {
                kind: match failure.kind {
                    // It is about the new identity, and not about the one that is signed in.
                    Kind::NotSignedIn => Kind::Failed,
                    other => other,
                },
                what: format!("could not store a secret of {}", expected.name),
                ..failure
            }
            .fix(
                azcred::Fix::from("store it in azcred's encrypted file, whose key is in a file beside it: `--to encrypted-file`")
                    .or("write it into a file of yours: `--to FILE`")
                    .or("make no secret: let a CI system's tokens sign it in"),
            )
        })?;
        Ok(this)
    }

    /// Checks that the profile is free for the application.
    pub(super) async fn profile_of(
        store: SecretStore,
        expected: &Expected<'_>,
        place: &Place,
    ) -> Result<Self, Failure> {
        let profile = profile(expected.name)?;
        let options = place.options(profile.clone())?;
        let options = options.with_discovered_cloud().await?;
        let accounts = Accounts::new(&options)?.with_secret_store(store);
        let own = expected.client_id.map(ClientId::as_str);
        let other = accounts.list().await?.into_iter().find(|account| {
            let id = account.client_id.as_ref().map(azcred::Untrusted::raw);
            match (id, own) {
                (Some(id), Some(own)) => !id.eq_ignore_ascii_case(own),
                _ => true,
            }
        });
        match other {
            Some(other) => Err(taken(
                &profile,
                format!("it has the account {} already", other.who()),
            )
            .fix(
                azcred::Fix::from(format!(
                    "sign that account out: `azcred logout --profile {profile}`"
                ))
                .or("choose another place: `--to FILE`"),
            )),
            None => Ok(Self {
                accounts,
                profile,
                place: store,
            }),
        }
    }

    /// Stores the account.
    pub(super) async fn deliver(&self, new: &NewCredential) -> Result<Delivered, Failure> {
        let NewProof::Secret(secret) = &new.proof else {
            return Ok(Delivered::new("nowhere"));
        };
        let (tenant, client_id) = (new.tenant.clone(), new.client_id.clone());
        self.accounts
            .add_client_secret(tenant, client_id, secret.clone())
            .await?;
        Ok(self.delivered(match self.place {
            SecretStore::File => "encrypted-file",
            _ => "keyring",
        }))
    }

    /// Stores the account whose certificate is in a file.
    pub(super) async fn with_certificate(
        &self,
        new: &NewCredential,
        path: &Path,
    ) -> Result<Delivered, Failure> {
        let (tenant, client_id) = (new.tenant.clone(), new.client_id.clone());
        self.accounts
            .add_certificate(tenant, client_id, path, None)
            .await?;
        Ok(self.delivered("file"))
    }

    fn delivered(&self, to: &'static str) -> Delivered {
        Delivered {
            profile: Some(self.profile.to_string()),
            command: Some(format!("azcred exec --profile {} -- COMMAND", self.profile)),
            ..Delivered::new(to)
        }
    }
}

/// The profile for an application: its name, with `-` for what a profile's name can't have.
fn profile(name: &str) -> Result<Profile, Failure> {
    let fit = |c: char| match c.is_ascii_alphanumeric() || "-_.".contains(c) {
        true => c,
        false => '-',
    };
    let name: String = name.trim().chars().map(fit).take(64).collect();
    let profile = Profile::new(&name)?;
    if profile == Profile::default() {
        return Err(taken(
            &profile,
            "every command without --profile would use the application".to_owned(),
        )
        .fix("give the application another name, or choose another place with `--to FILE`"));
    }
    Ok(profile)
}

fn taken(profile: &Profile, why: String) -> Failure {
    Failure::new(
        Kind::Invalid,
        format!("could not use the profile {profile} for the application"),
        why,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_has_the_applications_name_but_never_the_default_one() {
        for (name, expected) in [
            ("training", "training"),
            ("Contoso ML: training", "contoso-ml--training"),
            ("münchen", "m-nchen"),
        ] {
            assert_eq!(profile(name).unwrap().name(), expected);
        }
        assert!(profile("Default").is_err());
        assert!(profile(" ").is_err());
    }
}
