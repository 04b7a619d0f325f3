//! Can the workspace's container registry be reached, with the identity's token?

use super::{
    contact::{Contact, Matters, Words, az, left},
    rights::{name_of, of_workspace},
};
use crate::{
    access::{Capability, Realm},
    belongings::Registry,
    data_plane::{Kind, Reach, exchange},
    doctor::{
        case::{Case, Finding},
        check::Check,
        checks::CheckId,
        report::{Area, Verdict},
    },
    error::Result,
};
use azcred::Fix;

/// The registry, as Resource Manager returned it.
struct RegistrySeen(Result<Option<Registry>>);

impl Finding for RegistrySeen {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            match of_workspace(case, Realm::Registry).await? {
                Some(id) => identity.manager.registry(&id).await.map(Some),
                None => Ok(None),
            }
        };
        Self(
            case.within("could not read the container registry", look)
                .await,
        )
    }
}

/// What the registry returned; `None` if its address is not known.
struct RegistryReach(Result<Option<Reach>>);

impl Finding for RegistryReach {
    async fn find(case: &Case<'_>) -> Self {
        let look = async {
            let identity = case.identity_or_error().await?;
            let Some(id) = of_workspace(case, Realm::Registry).await? else {
                return Ok(None);
            };
            let seen = case.find::<RegistrySeen>().await;
            let told = match &seen.0 {
                Ok(Some(registry)) => registry.login_server.as_deref(),
                _ => None,
            };
            let told = told.map(|host| format!("https://{host}"));
            let cloud = identity.manager.cloud();
            let address = Kind::Registry.address(cloud, name_of(&id), told.as_deref());
            let tenant = identity.principal.as_ref().ok();
            let tenant = tenant.and_then(|principal| principal.tenant_id.as_ref());
            let (Some(address), Some(tenant)) = (address, tenant) else {
                return Ok(None);
            };
            exchange(&identity.session, cloud, &address, tenant.raw(), left(case))
                .await
                .map(Some)
        };
        Self(
            case.within("could not reach the container registry", look)
                .await,
        )
    }
}

pub(super) struct RegistryCheck;

impl Check for RegistryCheck {
    /// The registry's id, what came of the request, and how much it matters; `None` if the
    /// workspace names none.
    type Outcome = Option<(String, Contact, Matters)>;

    fn area(&self) -> Area {
        Area::Workspace
    }

    fn title(&self) -> &'static str {
        "registry"
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
        let Some(id) = of_workspace(case, Realm::Registry).await.ok()? else {
            return Some(None);
        };
        let (seen, reach, matters) = tokio::join!(
            case.find::<RegistrySeen>(),
            case.find::<RegistryReach>(),
            Matters::of(case, Capability::PullImages)
        );
        let contact = Contact::of(seen.0.as_ref().err(), &reach.0);
        Some(Some((id, contact, matters)))
    }

    fn tell(&self, outcome: Self::Outcome, case: &Case<'_>) -> Verdict {
        let Some((id, contact, matters)) = outcome else {
            return Verdict::does_not_apply(
                "the workspace has no container registry until its first image is built",
            );
        };
        let create = az(&id, "az acr create --name", " --sku Standard");
        let mut restore = vec![format!("make it again, as an owner, and empty: {create}").into()];
        restore.extend(case.workspace().map(|workspace| {
            Fix::from(format!(
                "or give the workspace another one: `az ml workspace update --name {} --resource-group \"{}\" --subscription {} \
                 --container-registry ID --update-dependent-resources`",
                workspace.name(),
                workspace.resource_group(),
                workspace.subscription()
            ))
        }));
        let words = Words {
            kind: "registry",
            restore,
            admit: "az acr network-rule add --name",
            container: None,
        };
        let is_gone = matches!(contact, Contact::Gone(_));
        let matters = contact.matters(matters);
        let verdict = contact.tell(&id, words);
        match is_gone {
            // The workspace itself needs it.
            true => verdict,
            false => matters.soften(verdict, "running jobs pulls no image from here"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{
        case::tests::{case, doctor},
        checks::contact::tests::ID,
        report::Status,
    };

    #[test]
    fn a_deleted_registry_is_made_again_and_a_new_workspace_has_none() {
        let doctor = doctor();
        let gone = Some((ID.to_owned(), Contact::Gone(None), Matters::No));
        let verdict = RegistryCheck.tell(gone, &case(&doctor));
        assert_eq!(
            verdict.reason,
            "the workspace's registry 'thing' does not exist any more"
        );
        assert!(
            verdict.fixes[0]
                .to_string()
                .contains("`az acr create --name thing ")
        );
        assert!(verdict.fixes[1].to_string().contains("--name ws-job "));
        assert_eq!(
            RegistryCheck.tell(None, &case(&doctor)).status,
            Status::DoesNotApply
        );
    }
}
