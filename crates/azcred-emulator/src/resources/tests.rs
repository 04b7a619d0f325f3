//! The RBAC rules, in small examples.

use super::*;
use crate::directory::{Directory, Group, Tenant};
use time::OffsetDateTime;
use uuid::{Uuid, uuid};

const SUBSCRIPTION: Uuid = uuid!("11111111-1111-1111-1111-111111111111");
const ALICE: Uuid = Uuid::from_u128(0xa11ce);
const BOB: Uuid = Uuid::from_u128(0xb0b);
const TEAM: Uuid = Uuid::from_u128(0x7ea);
const READ: Action<'_> = Action::Control("Microsoft.MachineLearningServices/workspaces/read");
const WRITE: Action<'_> = Action::Control("Microsoft.MachineLearningServices/workspaces/write");

fn scope(text: &str) -> Scope {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

fn workspace() -> Scope {
    scope(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/{WORKSPACE_TYPE}/ws"
    ))
}

/// A subscription under the management group `child`, itself under `parent`.
fn world() -> Resources {
    let mut world = Resources::default();
    for (name, parent) in [("parent", None), ("child", Some("parent"))] {
        world.put_management_group(ManagementGroup {
            name: name.into(),
            display_name: name.into(),
            parent: parent.map(str::to_owned),
            updated: None,
        });
    }
    world.put_subscription(Subscription {
        id: SUBSCRIPTION,
        tenant: Uuid::nil(),
        name: "s".into(),
        state: SubscriptionState::Enabled,
        management_group: Some("Child".into()),
        managed_by_tenants: Vec::new(),
        tags: BTreeMap::new(),
    });
    world
}

fn assign(world: &mut Resources, principal: Uuid, role: &str, at: &Scope) {
    let role = world.role_named(role).expect("a known role").id;
    world
        .assign(RoleAssignment {
            id: Uuid::new_v4(),
            scope: at.clone(),
            role,
            principal,
            principal_type: PrincipalType::User,
            description: None,
            created_by: None,
            created_on: OffsetDateTime::UNIX_EPOCH,
            condition: None,
            condition_version: None,
            updated: None,
        })
        .expect("assigned");
}

fn deny(actions: &[&str], at: &Scope, principals: &[Uuid]) -> DenyAssignment {
    DenyAssignment {
        id: Uuid::new_v4(),
        name: "locked".into(),
        description: String::new(),
        scope: at.clone(),
        do_not_apply_to_child_scopes: false,
        permissions: vec![Permission {
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
            ..Permission::default()
        }],
        principals: principals.to_vec(),
        exclude_principals: Vec::new(),
        created: None,
        updated: None,
    }
}

fn may(world: &Resources, who: &Principals, action: Action<'_>, at: &Scope) -> bool {
    world.decide(who, action, at).is_allowed()
}

#[test]
fn a_role_applies_at_its_scope_and_below_only() {
    let alice = Principals::alone(ALICE);
    let group = scope(&format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"));
    let sibling = scope(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg2/providers/{WORKSPACE_TYPE}/ws"
    ));
    for at in [
        scope("/"),
        scope("/providers/Microsoft.Management/managementGroups/PARENT"),
        scope("/providers/Microsoft.Management/managementGroups/child"),
        scope(&format!("/SUBSCRIPTIONS/{SUBSCRIPTION}")),
        group.clone(),
        workspace(),
    ] {
        let mut world = world();
        assign(&mut world, ALICE, "Reader", &at);
        assert!(may(&world, &alice, READ, &workspace()), "not below {at}");
        assert!(!may(&world, &alice, WRITE, &workspace()));
        assert_eq!(
            may(&world, &alice, READ, &sibling),
            at.contains(&sibling) || at.management_group_name().is_some(),
            "beside {at}"
        );
        assert!(!may(&world, &Principals::alone(BOB), READ, &workspace()));
    }
    let mut world = world();
    assign(
        &mut world,
        ALICE,
        "Reader",
        &scope("/providers/Microsoft.Management/managementGroups/stranger"),
    );
    assert!(!may(&world, &alice, READ, &workspace()));
}

#[test]
fn one_roles_not_actions_do_not_limit_another_role() {
    let alice = Principals::alone(ALICE);
    let mut world = world();
    assign(&mut world, ALICE, "AzureML Data Scientist", &workspace());
    assert!(may(&world, &alice, READ, &workspace()));
    assert!(!may(&world, &alice, WRITE, &workspace()));
    assign(&mut world, ALICE, "Contributor", &workspace());
    assert!(may(&world, &alice, WRITE, &workspace()));
}

#[test]
fn an_owner_can_not_read_blobs_and_a_blob_reader_can_not_manage_the_account() {
    let account = scope(&format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/st"
    ));
    let blob = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let mut world = world();
    assign(&mut world, ALICE, "Owner", &account);
    assign(&mut world, BOB, "Storage Blob Data Reader", &account);
    let (alice, bob) = (Principals::alone(ALICE), Principals::alone(BOB));
    assert!(!may(&world, &alice, Action::Data(blob), &account));
    assert!(may(&world, &alice, Action::Control(blob), &account));
    assert!(may(&world, &bob, Action::Data(blob), &account));
    assert!(!may(
        &world,
        &bob,
        Action::Control("Microsoft.Storage/storageAccounts/read"),
        &account
    ));
}

#[test]
fn members_of_nested_groups_have_the_groups_roles() {
    let inner = Uuid::from_u128(0x111);
    let mut directory = Directory::default();
    directory
        .tenants
        .insert(Uuid::nil(), Tenant::new(Uuid::nil(), "t", "t.example"));
    for (id, members) in [(TEAM, vec![inner]), (inner, vec![ALICE])] {
        directory.groups.insert(
            id,
            Group {
                members: members.into_iter().collect(),
                ..Group::new(id, Uuid::nil(), id.to_string())
            },
        );
    }
    let who = |id| Principals {
        principal: id,
        groups: directory.groups_of(id),
    };
    let mut world = world();
    assign(&mut world, TEAM, "Reader", &workspace());
    assert!(may(&world, &who(ALICE), READ, &workspace()));
    assert!(!may(&world, &who(BOB), READ, &workspace()));
}

#[test]
fn a_deny_assignment_overrides_owner_but_not_for_excluded_principals() {
    let alice = Principals::alone(ALICE);
    let bob_in_team = Principals {
        principal: BOB,
        groups: [TEAM].into(),
    };
    let mut world = world();
    assign(&mut world, ALICE, "Owner", &scope("/"));
    assign(&mut world, BOB, "Owner", &scope("/"));
    let group = scope(&format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"));
    let mut locked = deny(&["*/write"], &group, &[EVERYONE]);
    locked.exclude_principals = vec![TEAM];
    world.deny(locked.clone());

    assert_eq!(
        world.decide(&alice, WRITE, &workspace()),
        Decision::Denied(&locked)
    );
    assert!(may(&world, &alice, READ, &workspace()));
    assert!(may(&world, &bob_in_team, WRITE, &workspace()));
    assert!(!may(&world, &Principals::alone(BOB), WRITE, &workspace()));
    // Without a role there is nothing to deny, and the message says so.
    assert_eq!(
        world.decide(&Principals::alone(TEAM), WRITE, &workspace()),
        Decision::NotAllowed
    );

    locked.do_not_apply_to_child_scopes = true;
    world.deny(locked.clone());
    assert!(may(&world, &alice, WRITE, &workspace()));
    assert_eq!(
        world.decide(&alice, WRITE, &group),
        Decision::Denied(&locked)
    );

    locked.do_not_apply_to_child_scopes = false;
    locked.permissions[0].not_actions = vec!["Microsoft.MachineLearningServices/*".into()];
    world.deny(locked);
    assert!(may(&world, &alice, WRITE, &workspace()));
    assert_eq!(world.deny_assignments().count(), 1);
}

#[test]
fn patterns_match_as_azures_do() {
    for (pattern, action, expected) in [
        ("*", "a/b/c", true),
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("*/read", "a.b/c/d/read", true),
        ("*/read", "read", false),
        ("a/*", "A/b/c", true),
        ("a/*", "a", false),
        ("a/*", "ab/c", false),
        ("ws/*/read", "ws/read", true),
        ("ws/*/read", "ws/x/read", true),
        ("ws/*/read", "ws/x/y/read", true),
        ("ws/*/read", "wsread", false),
        ("ws/*/*/read", "ws/read", true),
        ("ws/*read", "ws/read", true),
        ("ws/*/read", "ws/xread", false),
        ("computes/*/write", "computes/write", true),
        (
            "Microsoft.Authorization/*/Write",
            "microsoft.authorization/roleassignments/write",
            true,
        ),
        ("a/read", "a/readx", false),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "aXcYb", false),
    ] {
        assert_eq!(matches(pattern, action), expected, "{pattern} on {action}");
    }
    // A pattern with many stars is not slow.
    assert!(!matches(&"*a".repeat(500), &"a".repeat(499)));
}

/// The rule in its simplest form: every `/*/` may become `/`, and the rest is a glob.
fn matches_by_definition(pattern: &str, action: &str) -> bool {
    fn glob(pattern: &[u8], action: &[u8]) -> bool {
        match pattern.split_first() {
            None => action.is_empty(),
            Some((b'*', rest)) => (0..=action.len()).any(|skip| glob(rest, &action[skip..])),
            Some((byte, rest)) => action.first() == Some(byte) && glob(rest, &action[1..]),
        }
    }
    glob(pattern.as_bytes(), action.as_bytes())
        || pattern.match_indices("/*/").any(|(at, _)| {
            matches_by_definition(&format!("{}{}", &pattern[..at], &pattern[at + 2..]), action)
        })
}

#[test]
fn the_matcher_agrees_with_the_rule_on_every_short_pattern_and_action() {
    fn words(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let upto = all.len();
            for at in from..upto {
                for letter in alphabet {
                    all.push(format!("{}{letter}", all[at]));
                }
            }
            from = upto;
        }
        all
    }
    let actions = words(&['a', '/'], 5);
    for pattern in words(&['a', '/', '*'], 6) {
        for action in &actions {
            assert_eq!(
                matches(&pattern, action),
                matches_by_definition(&pattern, action),
                "{pattern:?} on {action:?}"
            );
        }
    }
}

#[test]
fn a_data_scientist_may_do_what_microsofts_page_lists() {
    let mut world = world();
    assign(&mut world, ALICE, "AzureML Data Scientist", &workspace());
    let alice = Principals::alone(ALICE);
    for (tail, expected) in [
        ("workspaces/read", true),
        ("workspaces/write", false),
        ("workspaces/delete", false),
        ("workspaces/jobs/write", true),
        ("workspaces/data/versions/write", true),
        ("workspaces/data/versions/delete", true),
        ("workspaces/computes/read", true),
        ("workspaces/computes/write", false),
        ("workspaces/computes/delete", false),
        ("workspaces/computes/start/action", true),
        ("workspaces/computes/listKeys/action", false),
        ("workspaces/listKeys/action", false),
        ("workspaces/hubs/write", false),
        ("registries/read", false),
    ] {
        let action = format!("Microsoft.MachineLearningServices/{tail}");
        assert_eq!(
            may(&world, &alice, Action::Control(&action), &workspace()),
            expected,
            "{action}"
        );
    }
}

#[test]
fn a_cycle_of_management_groups_ends() {
    let mut world = world();
    world.put_management_group(ManagementGroup {
        name: "parent".into(),
        display_name: "ring".into(),
        parent: Some("child".into()),
        updated: None,
    });
    assert_eq!(world.ancestry(&workspace()).last(), Some(&Scope::root()));
}

#[test]
fn the_same_role_is_not_assigned_twice_and_an_assignment_keeps_its_principal() {
    let mut world = world();
    assign(&mut world, ALICE, "Reader", &workspace());
    let there = world.role_assignments().next().expect("one").clone();
    let twice = RoleAssignment {
        id: Uuid::new_v4(),
        ..there.clone()
    };
    assert_eq!(world.assign(twice), Err(AssignError::Exists(there.id)));
    let stolen = RoleAssignment {
        principal: BOB,
        ..there.clone()
    };
    assert_eq!(world.assign(stolen), Err(AssignError::UpdateNotPermitted));
    assert_eq!(world.assign(there.clone()), Ok(false));
    assert!(world.unassign(&workspace(), there.id).is_some());
    assert!(world.unassign(&workspace(), there.id).is_none());
}

#[test]
fn deleting_a_group_takes_its_resources_and_assignments_with_it() {
    let mut world = world();
    let group = ResourceGroup {
        subscription: SUBSCRIPTION,
        name: "rg".into(),
        location: "westeurope".into(),
        tags: BTreeMap::new(),
    };
    let id = group.id().expect("an id");
    assert_eq!(world.put_group(group), Ok(true));
    assert!(world.put_resource(Resource::new(workspace())));
    assign(&mut world, ALICE, "Reader", &workspace());
    assign(
        &mut world,
        ALICE,
        "Reader",
        &scope(&format!("/subscriptions/{SUBSCRIPTION}")),
    );
    assert!(world.remove_group(&id).is_some());
    assert!(world.resource(&workspace()).is_none());
    assert_eq!(world.role_assignments().count(), 1);
}

#[test]
fn stored_resources_are_read_back_unchanged() {
    let mut world = world();
    assign(&mut world, ALICE, "Reader", &workspace());
    world.put_resource(Resource::new(workspace()));
    world.deny(deny(&["*"], &workspace(), &[BOB]));
    let text = serde_json::to_string(&world).expect("written");
    assert_eq!(
        serde_json::from_str::<Resources>(&text).expect("read"),
        world
    );
}
