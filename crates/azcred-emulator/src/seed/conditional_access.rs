//! A seed's Conditional Access policies: what can be written, and how it becomes [`Policy`]s.

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

/// A policy as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicySeed {
    /// Made of tenant and name where it is left out.
    id: Option<Uuid>,
    name: String,
    /// By id or domain; the only tenant may be left out.
    pub(super) tenant: Option<String>,
    /// Sign-in names of users, names of groups, or object ids; all users where it is left out.
    users: Option<Vec<String>>,
    #[serde(default)]
    exclude_users: Vec<String>,
    /// Names of resources, or client ids; all of them where it is left out.
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

/// Adds the policy at this place of its table to a tenant.
pub(super) fn add(
    directory: &mut Directory,
    at: usize,
    entry: &Spanned<PolicySeed>,
    tenant: Uuid,
) -> Result<(), Problem> {
    let said = entry.get_ref();
    let field = |name: &str| format!("conditional_access[{at}].{name}");
    if said.require.is_none() && said.sign_in_frequency.is_none() {
        let message =
            "set 'mfa', 'compliant_device', 'managed_device' or 'block', or set sign_in_frequency";
        return Err(problem(entry, field("require"), message));
    }
    let principals = |name: &str, all: &[String]| -> Result<BTreeSet<Uuid>, Problem> {
        let known = |said: &String| {
            find_member(directory, said)
                .filter(|id| directory.users.contains_key(id) || directory.groups.contains_key(id))
        };
        all.iter()
            .enumerate()
            .map(|(n, said)| {
                known(said).ok_or_else(|| {
                    let message = format!("no user or group '{said}' in this seed");
                    problem(entry, field(&format!("{name}[{n}]")), message)
                })
            })
            .collect()
    };
    let users = said.users.as_deref();
    let resources = said.resources.as_deref().map(|all| {
        all.iter()
            .enumerate()
            .map(|(n, said)| {
                resource_id(directory, said).ok_or_else(|| {
                    let message = format!(
                        "'{said}' is neither a Microsoft resource nor an application in this seed"
                    );
                    problem(entry, field(&format!("resources[{n}]")), message)
                })
            })
            .collect()
    });
    let policy = Policy {
        id: said.id.unwrap_or_else(|| id_of(tenant, &said.name)),
        tenant,
        name: said.name.clone(),
        users: users.map(|all| principals("users", all)).transpose()?,
        exclude_users: principals("exclude_users", &said.exclude_users)?,
        resources: resources.transpose()?,
        client_apps: said.client_apps.as_ref().map(|all| {
            let kind = |app: &ClientAppSeed| match app {
                ClientAppSeed::Browser => ClientApp::Browser,
                ClientAppSeed::Desktop => ClientApp::Desktop,
            };
            all.iter().map(kind).collect()
        }),
        device_code_only: said.device_code_only,
        requirement: said.require.map(|require| match require {
            RequireSeed::Block => Requirement::Block,
            RequireSeed::CompliantDevice => Requirement::CompliantDevice,
            RequireSeed::ManagedDevice => Requirement::ManagedDevice,
            RequireSeed::Mfa => Requirement::Mfa,
        }),
        sign_in_frequency: said.sign_in_frequency,
    };
    let id = policy.id;
    if directory.policies.insert(id, policy).is_some() {
        let message = format!("another policy already has this id or name: '{id}'");
        return Err(problem(entry, field("name"), message));
    }
    Ok(())
}

/// An id that is the same at every start.
fn id_of(tenant: Uuid, name: &str) -> Uuid {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(tenant.as_bytes());
    context.update(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&context.finish().as_ref()[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
