//! Tests the evaluation with cases of Microsoft's pages, and against a second, slower one.

use super::*;
use proptest::{prelude::*, sample::select};

const SUBSCRIPTION: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001";
const MANAGEMENT_GROUP: &str = "/providers/Microsoft.Management/managementGroups/all";
const OTHER_GROUP: &str = "/providers/Microsoft.Management/managementGroups/other";

fn id(number: u8) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

/// The zero GUID is 'all principals'.
const ME: u8 = 1;
const MY_GROUP: u8 = 2;
const GROUP_ABOVE: u8 = 3;
const OTHER: u8 = 9;

fn me() -> Who {
    Who {
        id: id(ME),
        groups: [id(MY_GROUP), id(GROUP_ABOVE)].into(),
    }
}

fn resource(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg/providers/M.A/things/{name}")
}

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn actions(actions: &[&str], not_actions: &[&str]) -> Permission {
    Permission {
        actions: list(actions),
        not_actions: list(not_actions),
        ..Permission::default()
    }
}

fn role(number: u8, permissions: Vec<Permission>) -> RoleDefinition {
    RoleDefinition {
        id: id(number),
        name: format!("role {number}").into(),
        description: "".into(),
        is_custom: true,
        permissions,
        assignable_scopes: Vec::new(),
    }
}

fn assigned(role: u8, principal: u8, scope: &str) -> RoleAssignment {
    RoleAssignment {
        id: format!("{scope}/{role}-{principal}").into(),
        scope: scope.into(),
        role_id: id(role),
        principal_id: id(principal),
        principal_type: "User".into(),
        condition: None,
        description: None,
    }
}

fn deny(scope: &str, permission: Permission, principals: &[u8], excluded: &[u8]) -> DenyAssignment {
    DenyAssignment {
        id: "deny".into(),
        name: "no".into(),
        scope: scope.into(),
        is_for_scope_only: false,
        permissions: vec![permission],
        principals: principals.iter().map(|&n| id(n)).collect(),
        excluded: excluded.iter().map(|&n| id(n)).collect(),
    }
}

fn at(scope: &str) -> At<'_> {
    At {
        scope,
        management_groups: vec![MANAGEMENT_GROUP],
    }
}

fn decide(
    assignments: &[RoleAssignment],
    roles: &[RoleDefinition],
    denies: &[DenyAssignment],
    action: Action<'_>,
    scope: &str,
) -> Verdict {
    RoleAccess::new(assignments, roles, denies, &me(), &at(scope))
        .decide(action)
        .verdict
}

const READ: Action<'_> = Action::Control("M.A/things/read");
const WRITE: Action<'_> = Action::Control("M.A/things/write");

#[test]
fn an_assignment_counts_at_its_scope_and_below() {
    let roles = [role(1, vec![actions(&["*"], &[])])];
    let thing = resource("t");
    for (scope, verdict) in [
        ("/", Verdict::Allowed),
        (MANAGEMENT_GROUP, Verdict::Allowed),
        (OTHER_GROUP, Verdict::Missing),
        (SUBSCRIPTION, Verdict::Allowed),
        (&SUBSCRIPTION.to_uppercase(), Verdict::Allowed),
        (&thing, Verdict::Allowed),
        (&resource("t2"), Verdict::Missing),
        (&format!("{thing}/parts/p"), Verdict::Missing),
    ] {
        let assignments = [assigned(1, ME, scope)];
        assert_eq!(
            decide(&assignments, &roles, &[], READ, &thing),
            verdict,
            "{scope}"
        );
    }
}

#[test]
fn the_management_groups_of_a_list_at_a_scope_are_above_it() {
    let assignments = [
        assigned(1, OTHER, MANAGEMENT_GROUP),
        assigned(1, ME, MANAGEMENT_GROUP),
    ];
    let roles = [role(1, vec![actions(&["*/read"], &[])])];
    let at = At::listed(SUBSCRIPTION, &assignments);
    let access = RoleAccess::new(&assignments, &roles, &[], &me(), &at);
    let decision = access.decide(READ);
    assert_eq!(decision.verdict, Verdict::Allowed);
    assert_eq!(decision.grant.unwrap().assignment, &assignments[1]);
}

#[test]
fn roles_of_groups_count_and_roles_of_others_do_not() {
    let roles = [role(1, vec![actions(&["*"], &[])])];
    for (principal, verdict) in [
        (ME, Verdict::Allowed),
        (MY_GROUP, Verdict::Allowed),
        (GROUP_ABOVE, Verdict::Allowed),
        (OTHER, Verdict::Missing),
    ] {
        let assignments = [assigned(1, principal, "/")];
        assert_eq!(
            decide(&assignments, &roles, &[], READ, SUBSCRIPTION),
            verdict
        );
    }
}

#[test]
fn what_one_role_leaves_out_another_grants() {
    let narrow = role(1, vec![actions(&["*"], &["M.A/*/write"])]);
    let writer = role(2, vec![actions(&["M.A/things/write"], &[])]);
    let roles = [narrow, writer];
    let one = [assigned(1, ME, "/")];
    let both = [assigned(1, ME, "/"), assigned(2, ME, "/")];
    assert_eq!(
        decide(&one, &roles, &[], WRITE, SUBSCRIPTION),
        Verdict::Missing
    );
    assert_eq!(
        decide(&both, &roles, &[], WRITE, SUBSCRIPTION),
        Verdict::Allowed
    );
}

#[test]
fn an_owner_has_no_data_action() {
    let roles = [role(1, vec![actions(&["*"], &[])])];
    let assignments = [assigned(1, ME, "/")];
    let data = Action::Data("M.A/things/read");
    assert_eq!(
        decide(&assignments, &roles, &[], data, SUBSCRIPTION),
        Verdict::Missing
    );
    let blob =
        Action::named("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read");
    assert!(matches!(blob, Action::Data(_)), "{blob:?}");
}

#[test]
fn a_deny_assignment_forbids_what_roles_grant_but_not_to_those_that_it_excludes() {
    let roles = [role(1, vec![actions(&["*"], &[])])];
    let assignments = [assigned(1, ME, "/")];
    let writes = || actions(&["*"], &["*/read"]);
    for (deny, verdict) in [
        (deny(SUBSCRIPTION, writes(), &[0], &[]), Verdict::Denied),
        (deny(SUBSCRIPTION, writes(), &[ME], &[]), Verdict::Denied),
        (
            deny(SUBSCRIPTION, writes(), &[GROUP_ABOVE], &[]),
            Verdict::Denied,
        ),
        (deny(MANAGEMENT_GROUP, writes(), &[0], &[]), Verdict::Denied),
        (deny(OTHER_GROUP, writes(), &[0], &[]), Verdict::Allowed),
        (
            deny(SUBSCRIPTION, writes(), &[OTHER], &[]),
            Verdict::Allowed,
        ),
        (deny(SUBSCRIPTION, writes(), &[0], &[ME]), Verdict::Allowed),
        (
            deny(SUBSCRIPTION, writes(), &[0], &[MY_GROUP]),
            Verdict::Allowed,
        ),
        (
            deny(SUBSCRIPTION, writes(), &[0], &[OTHER]),
            Verdict::Denied,
        ),
    ] {
        let thing = resource("t");
        let denies = [deny];
        assert_eq!(
            decide(&assignments, &roles, &denies, WRITE, &thing),
            verdict,
            "{denies:?}"
        );
        assert_eq!(
            decide(&assignments, &roles, &denies, READ, &thing),
            Verdict::Allowed
        );
    }
}

#[test]
fn a_deny_assignment_that_is_not_for_children_counts_at_its_scope_only() {
    let roles = [role(1, vec![actions(&["*"], &[])])];
    let assignments = [assigned(1, ME, "/")];
    let mut one = deny(SUBSCRIPTION, actions(&["*"], &[]), &[0], &[]);
    one.is_for_scope_only = true;
    let denies = [one];
    assert_eq!(
        decide(&assignments, &roles, &denies, READ, SUBSCRIPTION),
        Verdict::Denied
    );
    assert_eq!(
        decide(&assignments, &roles, &denies, READ, &resource("t")),
        Verdict::Allowed
    );
}

#[test]
fn a_denial_is_known_though_no_role_grants_the_action() {
    let denies = [deny(SUBSCRIPTION, actions(&["*"], &[]), &[0], &[])];
    let who = me();
    let at = at(SUBSCRIPTION);
    let decision = RoleAccess::new(&[], &[], &denies, &who, &at).decide(READ);
    assert_eq!(decision.verdict, Verdict::Missing);
    assert_eq!(decision.denial, Some(&denies[0]));
}

#[test]
fn a_condition_makes_conditional_what_it_can_restrict() {
    const WRITE_ROLES: &str = "Microsoft.Authorization/roleAssignments/write";
    let delegating = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR (@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] \
                      ForAnyOfAnyValues:GuidEquals {f6c7c914-8db3-469d-8ca1-694a8f32e121}))";
    let roles = [role(1, vec![actions(&["*"], &[])])];
    let conditional = |condition: &str| {
        let mut one = assigned(1, ME, "/");
        one.condition = Some(condition.into());
        one
    };
    let verdict = |condition: &str, action: &str| {
        let assignments = [conditional(condition)];
        decide(
            &assignments,
            &roles,
            &[],
            Action::Control(action),
            SUBSCRIPTION,
        )
    };
    assert_eq!(verdict(delegating, WRITE_ROLES), Verdict::Conditional);
    assert_eq!(verdict(delegating, READ.name()), Verdict::Allowed);
    let spaced = "( ! ( ActionMatches{'M.A/*'}) AND NOT SubOperationMatches{'Blob.List'})";
    assert_eq!(verdict(spaced, READ.name()), Verdict::Conditional);
    // Forms that are not Microsoft's may restrict everything.
    for odd in [
        "true",
        "(ActionMatches{'M.B/*'} AND true)",
        "(!(ActionMatches{'M.B/*",
    ] {
        assert_eq!(verdict(odd, READ.name()), Verdict::Conditional, "{odd}");
    }
    let both = [conditional("true"), assigned(1, MY_GROUP, "/")];
    assert_eq!(
        decide(&both, &roles, &[], READ, SUBSCRIPTION),
        Verdict::Allowed
    );
    let denies = [deny("/", actions(&["*"], &[]), &[0], &[])];
    assert_eq!(
        decide(&both[..1], &roles, &denies, READ, SUBSCRIPTION),
        Verdict::Denied
    );
}

/// Any world of a few principals, scopes, roles and deny assignments.
fn world() -> impl Strategy<
    Value = (
        Vec<RoleAssignment>,
        Vec<RoleDefinition>,
        Vec<DenyAssignment>,
    ),
> {
    let patterns = || {
        let some = vec![
            "*",
            "*/read",
            "M.A/*",
            "M.A/things/*",
            "M.A/*/write",
            "M.A/things/read",
            "m.a/THINGS/write",
        ];
        prop::collection::vec(select(some).prop_map(str::to_owned), 0..3)
    };
    let permission = move || {
        (patterns(), patterns(), patterns(), patterns()).prop_map(|(a, b, c, d)| Permission {
            actions: a,
            not_actions: b,
            data_actions: c,
            not_data_actions: d,
        })
    };
    let scope = || {
        select(vec![
            "/".to_owned(),
            MANAGEMENT_GROUP.to_owned(),
            OTHER_GROUP.to_owned(),
            SUBSCRIPTION.to_owned(),
            SUBSCRIPTION.to_uppercase(),
            resource("t"),
            resource("t2"),
        ])
    };
    let principal = || select(vec![ME, MY_GROUP, GROUP_ABOVE, OTHER]);
    let denied = || prop::collection::vec(select(vec![0, ME, MY_GROUP, OTHER]), 0..3);
    let roles =
        prop::collection::vec(prop::collection::vec(permission(), 1..3), 4).prop_map(|all| {
            all.into_iter()
                .zip(1..)
                .map(|(permissions, n)| role(n, permissions))
                .collect()
        });
    let assignments = prop::collection::vec(
        (1u8..=5, principal(), scope()).prop_map(|(role, who, scope)| assigned(role, who, &scope)),
        0..6,
    );
    let denies = prop::collection::vec(
        (scope(), permission(), denied(), denied(), any::<bool>()).prop_map(
            |(scope, permission, principals, excluded, is_for_scope_only)| DenyAssignment {
                is_for_scope_only,
                ..deny(&scope, permission, &principals, &excluded)
            },
        ),
        0..3,
    );
    (assignments, roles, denies)
}

fn question() -> impl Strategy<Value = (Action<'static>, String)> {
    let name = select(vec![
        "M.A/things/read",
        "M.A/things/write",
        "M.B/other/read",
    ]);
    let action = (name, any::<bool>()).prop_map(|(name, is_data)| match is_data {
        true => Action::Data(name),
        false => Action::Control(name),
    });
    (
        action,
        select(vec![
            SUBSCRIPTION.to_owned(),
            resource("t"),
            resource("t/parts/p"),
        ]),
    )
}

/// The rules once more, without a selection before: every assignment, every role, every list.
fn by_the_book(
    assignments: &[RoleAssignment],
    roles: &[RoleDefinition],
    denies: &[DenyAssignment],
    action: Action<'_>,
    scope: &str,
) -> Verdict {
    let mut scopes = vec!["/".to_owned(), MANAGEMENT_GROUP.to_lowercase()];
    let scope = scope.to_lowercase();
    scopes.extend(
        scope
            .match_indices('/')
            .skip(1)
            .map(|(at, _)| scope[..at].to_owned()),
    );
    scopes.push(scope.clone());
    let mine = [id(ME), id(MY_GROUP), id(GROUP_ABOVE)];
    let covers = |permission: &Permission| {
        let (with, without) = match action {
            Action::Control(_) => (&permission.actions, &permission.not_actions),
            Action::Data(_) => (&permission.data_actions, &permission.not_data_actions),
        };
        with.iter().any(|pattern| matches(pattern, action.name()))
            && without
                .iter()
                .all(|pattern| !matches(pattern, action.name()))
    };
    let is_granted = assignments.iter().any(|one| {
        mine.contains(&one.principal_id)
            && scopes.contains(&one.scope.raw().to_lowercase())
            && roles
                .iter()
                .any(|role| role.id == one.role_id && role.permissions.iter().any(covers))
    });
    let is_denied = denies.iter().any(|one| {
        let here = one.scope.raw().to_lowercase();
        let meant = |ids: &[Uuid]| ids.iter().any(|id| id.is_nil() || mine.contains(id));
        (if one.is_for_scope_only {
            here == scope
        } else {
            scopes.contains(&here)
        }) && meant(&one.principals)
            && !meant(&one.excluded)
            && one.permissions.iter().any(covers)
    });
    match (is_granted, is_denied) {
        (false, _) => Verdict::Missing,
        (true, true) => Verdict::Denied,
        (true, false) => Verdict::Allowed,
    }
}

proptest! {
    #[test]
    fn the_evaluation_agrees_with_the_rules_of_access_by_the_book(
        (assignments, roles, denies) in world(),
        (action, scope) in question(),
    ) {
        prop_assert_eq!(
            decide(&assignments, &roles, &denies, action, &scope),
            by_the_book(&assignments, &roles, &denies, action, &scope)
        );
    }

    #[test]
    fn one_more_assignment_takes_nothing_away_and_one_more_denial_grants_nothing(
        (assignments, roles, denies) in world(),
        (action, scope) in question(),
    ) {
        let is_allowed = |assignments: &[RoleAssignment], denies: &[DenyAssignment]| {
            decide(assignments, &roles, denies, action, &scope) == Verdict::Allowed
        };
        if let Some((_, fewer)) = assignments.split_last() {
            prop_assert!(!is_allowed(fewer, &denies) || is_allowed(&assignments, &denies));
        }
        if let Some((_, fewer)) = denies.split_last() {
            prop_assert!(is_allowed(&assignments, fewer) || !is_allowed(&assignments, &denies));
        }
    }

    #[test]
    fn no_condition_however_odd_makes_it_panic_or_grants_more(condition in ".{0,60}|[(!A-z{}'*) ]{0,40}(ActionMatches\\{'[^']{0,9}'?\\}?){0,3}") {
        let _ = restricts(&condition, READ);
    }
}
