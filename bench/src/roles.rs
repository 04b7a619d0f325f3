//! The evaluation of roles: a subscription with as many assignments as Azure allows.

use crate::median;
use anyhow::Result;
use azcred_azure::{
    Action, At, BuiltInRole, DenyAssignment, RoleAccess, RoleAssignment, RoleDefinition, Verdict,
    Who,
};
use serde_json::{from_value, json};
use std::{collections::HashSet, hint::black_box, time::Instant};

/// The limit of a subscription (Microsoft's page 'Azure subscription and service limits').
const ASSIGNMENTS: u32 = 4000;
const ROLES: u32 = 500;
const ACTIONS: u32 = 200;
const GROUPS: u32 = 20;
const ROUNDS: usize = 21;
const TARGET: f64 = 10.0;

const SUBSCRIPTION: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001";

fn id(kind: u8, number: u32) -> String {
    format!("{kind:08x}-0000-4000-8000-{number:012x}")
}

/// Milliseconds for all actions, with the selection of what counts.
pub(crate) fn run() -> Result<()> {
    let built_in = BuiltInRole::all();
    let roles = (0..ROLES)
        .map(|number| {
            // Azure's own roles, and roles of the tenant for one type of resource each.
            let own = format!("Microsoft.Provider{number}/things");
            let permission = match built_in.get(number as usize) {
                Some(role) if !role.actions.contains(&"*") => json!({
                    "actions": role.actions, "notActions": role.not_actions,
                    "dataActions": role.data_actions, "notDataActions": role.not_data_actions,
                }),
                _ => json!({
                    "actions": [
                        format!("{own}/*/read"), format!("{own}/write"), format!("{own}/*/action"),
                        "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*",
                        "Microsoft.Resources/deployments/*", "Microsoft.Support/*",
                    ],
                    "notActions": [format!("{own}/secrets/*")],
                }),
            };
            from_value(json!({
                "name": id(1, number),
                "properties": { "roleName": format!("role {number}"), "permissions": [permission] },
            }))
        })
        .collect::<Result<Vec<RoleDefinition>, _>>()?;
    let scope = format!("{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Provider1/things/t");
    let assignments = (0..ASSIGNMENTS)
        .map(|number| {
            let at = match number % 3 {
                0 => "/providers/Microsoft.Management/managementGroups/all".to_owned(),
                1 => SUBSCRIPTION.to_owned(),
                _ => scope.clone(),
            };
            from_value(json!({
                "id": format!("{at}/{number}"), "name": id(2, number),
                "properties": {
                    "scope": at, "principalId": id(3, number % GROUPS),
                    "roleDefinitionId": format!("/x/{}", id(1, number % ROLES)),
                },
            }))
        })
        .collect::<Result<Vec<RoleAssignment>, _>>()?;
    let deny: DenyAssignment = from_value(json!({
        "properties": {
            "denyAssignmentName": "no", "scope": SUBSCRIPTION,
            "principals": [{ "id": "00000000-0000-0000-0000-000000000000" }],
            "permissions": [{ "actions": ["*/delete"] }],
        },
    }))?;
    // The principal is in all groups: every assignment counts.
    let groups = (1..GROUPS).map(|number| id(3, number).parse());
    let who = Who {
        id: id(3, 0).parse()?,
        groups: groups.collect::<Result<HashSet<_>, _>>()?,
    };
    let actions: Vec<String> = (0..ACTIONS)
        .map(|number| match number % 4 {
            0 => format!("Microsoft.Provider{number}/things/parts/read"),
            1 => format!("Microsoft.Provider{number}/things/parts/delete"),
            2 => format!("Microsoft.MachineLearningServices/workspaces/jobs{number}/write"),
            _ => format!("Microsoft.Nothing/things{number}/write"),
        })
        .collect();
    let denials = [deny];
    let mut times = Vec::new();
    let mut allowed = 0;
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let at = At::listed(&scope, &assignments);
        let access = RoleAccess::new(&assignments, &roles, &denials, &who, &at);
        let decisions = actions
            .iter()
            .map(|name| access.decide(Action::Control(name)));
        allowed = black_box(
            decisions
                .filter(|one| one.verdict == Verdict::Allowed)
                .count(),
        );
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    anyhow::ensure!(
        allowed == 100,
        "{allowed} actions are allowed, and 100 should be"
    );
    println!("\n{ASSIGNMENTS} role assignments, {ROLES} roles, {ACTIONS} actions");
    println!(
        "  azcred                {:8.2} ms   (target {TARGET} ms)",
        median(times)
    );
    Ok(())
}
