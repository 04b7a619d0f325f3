//! A seed's Conditional Access policies, and how they become [`Policy`]s.

use crate::{
    directory::{ClientApp, Directory, Policy, Requirement, resource_id},
    seed::{
        lookup::find_member,
        problem::{Problem, problem},
    },
};
use aws_lc_rs::digest;
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::Spanned;
use uuid::Uuid;

/// A policy in the seed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicySeed {
    /// By default derived from tenant and name.
    id: Option<Uuid>,
    name: String,
    /// By id or domain. Optional if there is only one tenant.
    pub(super) tenant: Option<String>,
    /// Sign-in names of users, names of groups, or object ids. By default all users.
    users: Option<Vec<String>>,
    #[serde(default)]
    exclude_users: Vec<String>,
    /// Names of resources, or client ids. By default all resources.
    resources: Option<Vec<String>>,
    client_apps: Option<Vec<ClientAppSeed>>,
    #[serde(default)]
    device_code_only: bool,
    require: Option<RequireSeed>,
    sign_in_frequency: Option<u32>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ClientAppSeed {
    Browser,
    Desktop,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RequireSeed {
    Block,
    CompliantDevice,
    ManagedDevice,
    Mfa,
}

/// Adds the policy to a tenant. `at` is its position in the table.
pub(super) fn add(
    directory: &mut Directory,
    at: usize,
    entry: &Spanned<PolicySeed>,
    tenant: Uuid,
) -> Result<(), Problem> {
    let given = entry.get_ref();
    let field = |name: &str| format!("conditional_access[{at}].{name}");
    if given.require.is_none() && given.sign_in_frequency.is_none() {
        let message =
            "set 'mfa', 'compliant_device', 'managed_device' or 'block', or set sign_in_frequency";
        return Err(problem(entry, field("require"), message));
    }
    let principals = |name: &str, all: &[String]| -> Result<BTreeSet<Uuid>, Problem> {
        let known = |given: &String| {
            find_member(directory, given)
                .filter(|id| directory.users.contains_key(id) || directory.groups.contains_key(id))
        };
        all.iter()
            .enumerate()
            .map(|(n, given)| {
                known(given).ok_or_else(|| {
                    let message = format!("no user or group '{given}' in this seed");
                    problem(entry, field(&format!("{name}[{n}]")), message)
                })
            })
            .collect()
    };
    let users = given.users.as_deref();
    let resources = given.resources.as_deref().map(|all| {
        all.iter()
            .enumerate()
            .map(|(n, given)| {
                resource_id(directory, given).ok_or_else(|| {
                    let message = format!(
                        "'{given}' is neither a Microsoft resource nor an application in this seed"
                    );
                    problem(entry, field(&format!("resources[{n}]")), message)
                })
            })
            .collect()
    });
    let policy = Policy {
        id: given.id.unwrap_or_else(|| id_of(tenant, &given.name)),
        tenant,
        name: given.name.clone(),
        users: users.map(|all| principals("users", all)).transpose()?,
        exclude_users: principals("exclude_users", &given.exclude_users)?,
        resources: resources.transpose()?,
        client_apps: given.client_apps.as_ref().map(|all| {
            let kind = |app: &ClientAppSeed| match app {
                ClientAppSeed::Browser => ClientApp::Browser,
                ClientAppSeed::Desktop => ClientApp::Desktop,
            };
            all.iter().map(kind).collect()
        }),
        device_code_only: given.device_code_only,
        requirement: given.require.map(|require| match require {
            RequireSeed::Block => Requirement::Block,
            RequireSeed::CompliantDevice => Requirement::CompliantDevice,
            RequireSeed::ManagedDevice => Requirement::ManagedDevice,
            RequireSeed::Mfa => Requirement::Mfa,
        }),
        sign_in_frequency: given.sign_in_frequency,
    };
    let id = policy.id;
    if directory.policies.insert(id, policy).is_some() {
        let message = format!("another policy already has this id or name: '{id}'");
        return Err(problem(entry, field("name"), message));
    }
    Ok(())
}

/// An id that is the same after every start.
fn id_of(tenant: Uuid, name: &str) -> Uuid {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(tenant.as_bytes());
    context.update(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
