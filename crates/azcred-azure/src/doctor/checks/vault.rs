//! Can the workspace's key vault be reached, with a token for Azure Key Vault?

use super::{
    contact::{Contact, Matters, Words, az, left},
    rights::{name_of, of_workspace},
};
use crate::{
    access::{Capability, Realm},
    belongings::KeyVault,
    data_plane::{Kind, Reach, list_secrets},
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Area, Verdict},
    },
    error::Result,
};

/// The key vault, as Resource Manager returned it.
pub(super) struct VaultSeen(pub(super) Result<Option<KeyVault>>);

impl Finding for VaultSeen {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            match of_workspace(case, Realm::Vault).await? {
                Some(id) => identity.manager.key_vault(&id).await.map(Some),
                None => Ok(None),
            }
        };
        Self(case.within("could not read the key vault", look).await)
    }
}

/// What Key Vault returned; `None` if the vault's address is not known.
pub(super) struct VaultReach(pub(super) Result<Option<Reach>>);

impl Finding for VaultReach {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            let Some(id) = of_workspace(case, Realm::Vault).await? else {
                return Ok(None);
            };
            let seen = case.find::<VaultSeen>().await;
            let told = match &seen.0 {
                Ok(Some(vault)) => vault.vault_uri.as_deref(),
                _ => None,
            };
            let cloud = identity.manager.cloud();
            let Some(address) = Kind::Vault.address(cloud, name_of(&id), told) else {
                return Ok(None);
            };
            list_secrets(&identity.session, cloud, &address, left(case))
                .await
                .map(Some)
        };
        Self(case.within("could not reach the key vault", look).await)
    }
}

pub(super) struct VaultCheck;

impl Check for VaultCheck {
    /// The vault's id, what came of the request, and how much it matters; `None` if the workspace
    /// names none.
    type Outcome = Option<(String, Contact, Matters)>;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "key vault"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[
            CheckId::SignIn,
            CheckId::Workspace,
            CheckId::WorkspaceNetwork,
        ]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<Self::Outcome> {
        case.identity().await?;
        let Some(id) = of_workspace(case, Realm::Vault).await.ok()? else {
            return Some(None);
        };
        let (seen, reach, matters) = tokio::join!(
            case.find::<VaultSeen>(),
            case.find::<VaultReach>(),
            Matters::of(case, Capability::ReadSecrets)
        );
        let contact = Contact::of(seen.0.as_ref().err(), &reach.0);
        Some(Some((id, contact, matters)))
    }

    fn tell(&self, outcome: Self::Outcome, _: &Case<'_>) -> Verdict {
        let Some((id, contact, matters)) = outcome else {
            return Verdict::does_not_apply("the workspace names no key vault");
        };
        let recover = az(&id, "az keyvault recover --name", "");
        let words = Words {
            kind: "key vault",
            restore: vec![
                format!("recover it, as an owner: {recover}; Azure keeps a deleted vault for 7 to 90 days")
                    .into(),
            ],
            admit: "az keyvault network-rule add --name",
            container: None,
        };
        let is_gone = matches!(contact, Contact::Gone(_));
        let matters = contact.matters(matters);
        let verdict = contact.tell(&id, words);
        match is_gone {
            // The workspace itself needs it.
            true => verdict,
            false => matters.soften(verdict, "running jobs needs none of its secrets from here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        checks::contact::tests::{ID, answer},
        report::Status,
    };

    #[test]
    fn a_deleted_vault_is_recovered() {
        let doctor = doctor();
        let gone = Contact::Gone(Some(answer("", "")));
        let verdict = VaultCheck.tell(Some((ID.to_owned(), gone, Matters::No)), &case(&doctor));
        assert_eq!(
            verdict.reason,
            "the workspace's key vault 'thing' does not exist any more"
        );
        assert!(
            verdict.fixes[0]
                .to_string()
                .contains("`az keyvault recover --name thing ")
        );
        assert_eq!(
            VaultCheck.tell(None, &case(&doctor)).status,
            Status::DoesNotApply
        );
    }
}
