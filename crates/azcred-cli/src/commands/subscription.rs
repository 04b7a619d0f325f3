//! `azcred subscription`: the subscriptions that this identity can see.

use super::{
    az_default::az_default,
    reader::{As, Reader, named_tenant, tenant_name},
};
use crate::{
    failure::Failure,
    output::{
        Output,
        style::{DIM, paint},
        table,
        wrap::Stream,
    },
    sign_in::Place,
};
use azcred::Untrusted;
use azcred_azure::{Subscription, Tenant};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeSet;

/// List the subscriptions that you can see
#[derive(Args)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct SubscriptionArguments {
    #[command(subcommand)]
    command: SubscriptionCommand,
}

#[derive(Subcommand)]
enum SubscriptionCommand {
    List(ListSubscriptions),
}

/// List the subscriptions that you can see
///
/// Lists the subscriptions of one tenant in which your account has a role: name, id and state. It
/// also says which one is the default of Azure CLI.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred subscription list
  azcred subscription list --tenant contoso.com
  azcred subscription list -o json | jq -r '.subscriptions[].subscriptionId'")]
struct ListSubscriptions {
    #[command(flatten)]
    identity: As,
}

/// The output of `--output json`.
#[derive(Serialize)]
struct SubscriptionsDocument<'a> {
    subscriptions: Vec<SubscriptionEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionEntry<'a> {
    subscription_id: &'a str,
    display_name: &'a Untrusted,
    /// `Enabled`, `Warned`, `PastDue`, `Disabled` or `Deleted`.
    state: &'a Untrusted,
    tenant_id: Option<&'a Untrusted>,
    /// The tenant's name; `null` if it is not known.
    tenant_name: Option<&'a Untrusted>,
    /// Whether it is Azure CLI's default subscription.
    is_az_default: bool,
}

/// The subscriptions, and what is needed to show them.
struct VisibleSubscriptions {
    reader: Reader,
    subscriptions: Vec<Subscription>,
    tenants: Vec<Tenant>,
    az_default: Option<String>,
}

impl SubscriptionArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        match self.command {
            SubscriptionCommand::List(list) => list.run(output).await,
        }
    }
}

impl ListSubscriptions {
    async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let place = Place::here()?;
        let looked = async {
            let reader = self.identity.reader(&place, output).await?;
            let (subscriptions, tenants) = tokio::join!(reader.subscriptions(), reader.tenants());
            Ok::<_, Failure>(VisibleSubscriptions {
                subscriptions: subscriptions?,
                tenants,
                az_default: az_default(&*place.system),
                reader,
            })
        };
        let found = output.waiting("Listing the subscriptions", looked).await?;
        if output.is_json() {
            output.json(&found.document());
            return Ok(0);
        }
        for line in found.lines(Stream::Stdout.columns()) {
            output.line(line);
        }
        if found.subscriptions.is_empty() {
            output.remark(&found.reader.nothing_seen(&found.tenants));
        }
        Ok(0)
    }
}

impl VisibleSubscriptions {
    fn is_az_default(&self, subscription: &Subscription) -> bool {
        let id = &subscription.subscription_id;
        let default = self.az_default.as_deref();
        default.is_some_and(|default| default.eq_ignore_ascii_case(id))
    }

    fn document(&self) -> SubscriptionsDocument<'_> {
        let line = |subscription| self.line(subscription);
        SubscriptionsDocument {
            subscriptions: self.subscriptions.iter().map(line).collect(),
        }
    }

    fn line<'a>(&'a self, subscription: &'a Subscription) -> SubscriptionEntry<'a> {
        let tenant_id = subscription.tenant_id.as_ref();
        SubscriptionEntry {
            subscription_id: &subscription.subscription_id,
            display_name: &subscription.display_name,
            state: &subscription.state,
            tenant_id,
            tenant_name: tenant_id.and_then(|id| tenant_name(id, &self.tenants)),
            is_az_default: self.is_az_default(subscription),
        }
    }

    fn lines(&self, width: usize) -> Vec<String> {
        let mut ids: BTreeSet<&str> = self
            .subscriptions
            .iter()
            .filter_map(|subscription| subscription.tenant_id.as_deref())
            .collect();
        if self.subscriptions.is_empty() {
            let tenant = self
                .reader
                .tenant_id()
                .map(|id| format!(" in the tenant {}", named_tenant(id, &self.tenants)));
            return vec![format!(
                "You can see no subscription{}.",
                tenant.unwrap_or_default()
            )];
        }
        let are_several = ids.len() > 1;
        let rows: Vec<[String; 5]> = self
            .subscriptions
            .iter()
            .map(|subscription| {
                let tenant = match &subscription.tenant_id {
                    Some(id) if are_several => {
                        tenant_name(id, &self.tenants).unwrap_or(id).to_string()
                    }
                    _ => String::new(),
                };
                [
                    subscription.display_name.to_string(),
                    subscription.subscription_id.to_string(),
                    subscription.state.to_string(),
                    tenant,
                    match self.is_az_default(subscription) {
                        true => paint(DIM, "default of az"),
                        false => String::new(),
                    },
                ]
            })
            .collect();
        let head = ["Subscription", "id", "state", "tenant", ""];
        let mut lines = table::columns(head, &rows, width);
        lines.push(String::new());
        if ids.is_empty() {
            ids.extend(self.reader.tenant_id());
        }
        let tenants: Vec<(&str, String)> = ids
            .iter()
            .map(|id| ("Tenant", named_tenant(id, &self.tenants)))
            .collect();
        lines.extend(table::pairs(&tenants));
        lines
    }
}
