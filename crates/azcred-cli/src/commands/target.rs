//! The resource of a token: the options of every command that gets one.

use crate::candidates;
use azcred::{Scope, TenantId};
use clap::Args;
use clap_complete::ArgValueCandidates;
use std::error::Error;

/// The resource of a token.
#[derive(Args)]
pub(super) struct Target {
    /// What the token is for, such as https://ml.azure.com/.default [default: Azure Resource
    /// Manager]
    #[arg(long, value_name = "SCOPE", value_parser = scope)]
    scope: Option<Scope>,

    /// What the token is for, without /.default, such as https://ml.azure.com
    #[arg(long, value_name = "RESOURCE", value_parser = resource, conflicts_with = "scope")]
    resource: Option<Scope>,

    /// Request the token in this tenant (id or domain) [default: the account's own tenant]
    #[arg(long, value_name = "TENANT", value_parser = TenantId::new, add = ArgValueCandidates::new(candidates::tenants))]
    pub(super) tenant: Option<TenantId>,
}

impl Target {
    /// The scope, from either option.
    pub(super) fn scope(&self) -> Option<Scope> {
        self.scope.clone().or_else(|| self.resource.clone())
    }
}

fn scope(text: &str) -> azcred::Result<Scope> {
    Scope::new(text)
}

pub(super) fn resource(text: &str) -> Result<Scope, Box<dyn Error + Send + Sync>> {
    if text.is_empty() {
        return Err("it is empty; a resource looks like https://storage.azure.com".into());
    }
    Ok(Scope::from_resource(text)?)
}
