//! Paths, as they are parsed.

use crate::{
    arm::{error::ArmError, route::Target, segments::segments},
    resources::Scope,
};
use uuid::Uuid;

const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";

fn parse(path: &str) -> Result<Target, ArmError> {
    Target::parse(&segments(path)?, false)
}

fn scope_of(text: &str) -> Scope {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_kind_of_path_is_recognized() {
    let id: Uuid = SUBSCRIPTION.parse().expect("a GUID");
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/rg");
    let workspace = format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/ws");
    for (path, expected) in [
        ("/tenants".to_owned(), Target::Tenants),
        ("/Subscriptions/".to_owned(), Target::Subscriptions),
        (
            format!("//subscriptions/{SUBSCRIPTION}"),
            Target::Subscription(id),
        ),
        (
            format!("/subscriptions/{SUBSCRIPTION}/resourcegroups"),
            Target::Groups(id),
        ),
        (group.clone(), Target::Group(scope_of(&group))),
        (
            format!("{group}/resources"),
            Target::ResourcesIn(scope_of(&group)),
        ),
        (workspace.clone(), Target::Item(scope_of(&workspace))),
        (
            format!("{workspace}/computes"),
            Target::Collection {
                parent: scope_of(&workspace),
                resource_type: "Microsoft.MachineLearningServices/workspaces/computes".into(),
            },
        ),
        (
            format!("/subscriptions/{SUBSCRIPTION}/providers/A.B/c"),
            Target::Collection {
                parent: Scope::subscription(id),
                resource_type: "A.B/c".into(),
            },
        ),
        (
            format!("{workspace}/providers/microsoft.authorization/permissions"),
            Target::Extension {
                scope: scope_of(&workspace),
                resource_type: "microsoft.authorization/permissions".into(),
                name: None,
            },
        ),
        (
            "/providers/Microsoft.Authorization/roleDefinitions/x".to_owned(),
            Target::Extension {
                scope: Scope::root(),
                resource_type: "Microsoft.Authorization/roleDefinitions".into(),
                name: Some("x".into()),
            },
        ),
        (
            format!("{group}/providers/Microsoft.Resources/deployments"),
            Target::Extension {
                scope: scope_of(&group),
                resource_type: "Microsoft.Resources/deployments".into(),
                name: None,
            },
        ),
        (
            format!(
                "/subscriptions/{SUBSCRIPTION}/providers/microsoft.insights/EventTypes/management/values"
            ),
            Target::ActivityLog(Some(id)),
        ),
        (
            "/providers/Microsoft.Management/managementGroups".to_owned(),
            Target::ManagementGroups,
        ),
        (
            format!("{group}/exportTemplate"),
            Target::Unserved {
                subscription: Some(id),
                what: format!("{group}/exportTemplate"),
            },
        ),
        (
            "/providers/Microsoft.Capacity/reservationOrders".to_owned(),
            Target::Unserved {
                subscription: None,
                what: "/providers/Microsoft.Capacity/reservationOrders".into(),
            },
        ),
    ] {
        assert_eq!(parse(&path), Ok(expected), "{path}");
    }
    assert_eq!(
        Target::parse(
            &segments(&format!("{workspace}/listKeys")).expect("segments"),
            true
        ),
        Ok(Target::ItemAction(scope_of(&workspace), "listKeys".into()))
    );
}

#[test]
fn hostile_paths_are_rejected_and_never_panic() {
    for (path, code) in [
        ("/", "MissingSubscription"),
        ("/nothing/here", "MissingSubscription"),
        ("/subscriptions/1", "InvalidSubscriptionId"),
        ("/subscriptions/..%2f..", "InvalidRequestUri"),
        ("/subscriptions/%", "InvalidRequestUri"),
        ("/subscriptions/%f", "InvalidRequestUri"),
        ("/subscriptions/%ff", "InvalidRequestUri"),
        ("/subscriptions/%00", "InvalidRequestUri"),
        ("/subscriptions/%2e%2e/x", "InvalidRequestUri"),
        ("/subscriptions/a%5Cb", "InvalidRequestUri"),
        (
            "/providers/Microsoft.Authorization",
            "MissingSubscription-not",
        ),
        ("/providers/Microsoft.Nothing/x/y", "MissingSubscription"),
        (
            "/subscriptions/11111111-1111-1111-1111-111111111111/nonsense",
            "InvalidResourceType",
        ),
        (
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/nonsense/x",
            "InvalidResourceType",
        ),
        (
            "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/r%25g",
            "InvalidResourceId",
        ),
    ] {
        match parse(path) {
            Err(error) => assert_eq!(error.code, code, "{path}"),
            Ok(target) => assert_eq!(
                code, "MissingSubscription-not",
                "{path} was taken for {target:?}"
            ),
        }
    }
}
