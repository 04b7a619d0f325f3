//! A sign-in for reading Azure Resource Manager: the options of the commands that list, and the
//! names that they show.

use super::whoami::with_name;
use crate::{
    candidates,
    choice::Choice,
    failure::Failure,
    output::Output,
    sign_in::{Person, Place, sign_in},
    suggested::Suggested,
};
use azcred::{ClientOptions, TenantId, Untrusted};
use azcred_azure::{Graph, Principal, ResourceManager, Subscription, Tenant};
use clap::Args;
use clap_complete::ArgValueCandidates;
use std::sync::Arc;

/// The identity that lists, and its tenant.
#[derive(Args)]
pub(super) struct As {
    /// Search in this tenant (id or domain) [default: the account's own tenant]
    #[arg(long, value_name = "TENANT", value_parser = TenantId::new, add = ArgValueCandidates::new(candidates::tenants))]
    tenant: Option<TenantId>,

    #[command(flatten)]
    choice: Choice,
}

/// A signed-in identity, with a client of Resource Manager.
pub(super) struct Reader {
    pub(super) manager: ResourceManager,
    /// The directory, for names. No request is sent before it is used.
    pub(super) graph: Graph,
    /// The identity in the token.
    pub(super) principal: Option<Principal>,
    pub(super) suggested: Suggested,
    /// The network and the cloud.
    pub(super) options: ClientOptions,
}

impl As {
    /// Signs in.
    pub(super) async fn reader(&self, place: &Place, output: &Output) -> Result<Reader, Failure> {
        let tenant = self.tenant.clone();
        let person = Person::of(output);
        let (sign_in, token, _) = sign_in(place, &self.choice, None, tenant, person).await?;
        sign_in.show_notes(&token, output);
        let options = sign_in.session.options();
        let suggested = Suggested::in_profile(options.profile(), &*place.system);
        let credential = Arc::new(sign_in.session.clone());
        let mut manager = ResourceManager::new(options, credential.clone())?;
        let mut graph = Graph::new(options, credential)?;
        if let Some(tenant) = &self.tenant {
            manager = manager.in_tenant(tenant.clone());
            graph = graph.in_tenant(tenant.clone());
        }
        Ok(Reader {
            manager,
            graph,
            principal: Principal::from_token(&token).ok(),
            suggested,
            options: options.clone(),
        })
    }
}

impl Reader {
    /// The identity's tenants. Names are only for display: on an error, ids are shown.
    pub(super) async fn tenants(&self) -> Vec<Tenant> {
        match self.manager.tenants().await {
            Ok(answer) => answer.value,
            Err(error) => {
                tracing::debug!(%error, "the tenants' names can't be had");
                Vec::new()
            }
        }
    }

    /// The subscriptions that the identity can see, by name.
    pub(super) async fn subscriptions(&self) -> Result<Vec<Subscription>, Failure> {
        let mut found = self.manager.subscriptions().await?.value;
        found.sort_by(|one, other| {
            let name = |subscription: &Subscription| {
                (
                    subscription.display_name.to_lowercase(),
                    subscription.subscription_id.clone(),
                )
            };
            name(one).cmp(&name(other))
        });
        Ok(found)
    }

    /// The tenant of the token.
    pub(super) fn tenant_id(&self) -> Option<&str> {
        self.principal.as_ref()?.tenant_id.as_deref()
    }

    /// What to do if the identity can see nothing: get a role, or use another tenant.
    pub(super) fn nothing_seen(&self, tenants: &[Tenant]) -> String {
        let who = self.principal.as_ref();
        let role = match who.and_then(|principal| principal.object_id.as_deref()) {
            Some(id) => format!("ask an owner for a role for the object id {id}"),
            None => "ask an owner for a role".to_owned(),
        };
        let others: Vec<String> = tenants
            .iter()
            .filter(|tenant| {
                self.tenant_id()
                    .is_none_or(|own| !own.eq_ignore_ascii_case(&tenant.tenant_id))
            })
            .take(5)
            .map(|tenant| {
                let command = self
                    .suggested
                    .command(&format!("subscription list --tenant {}", tenant.tenant_id));
                match tenant.name() {
                    Some(name) => format!("`{command}` ({name})"),
                    None => format!("`{command}`"),
                }
            })
            .collect();
        match others.is_empty() {
            true => role,
            false => format!("{role}, or look in another tenant: {}", others.join(", ")),
        }
    }
}

/// A tenant's id with its name, if it is known.
pub(super) fn named_tenant(id: &str, tenants: &[Tenant]) -> String {
    with_name(tenant_name(id, tenants).map(Untrusted::as_str), id)
}

/// The name of the tenant with this id, if it is known.
pub(super) fn tenant_name<'a>(id: &str, tenants: &'a [Tenant]) -> Option<&'a Untrusted> {
    let mut tenants = tenants.iter();
    let tenant = tenants.find(|tenant| tenant.tenant_id.eq_ignore_ascii_case(id));
    tenant.and_then(Tenant::name)
}
