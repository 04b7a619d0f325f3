//! What a path names: Azure Resource Manager's paths, parsed.

use super::{error::ArmError, versions};
use crate::resources::Scope;
use uuid::Uuid;

/// What Resource Manager itself has below a subscription or a resource group, and this emulator
/// does not serve ("Resource Management" in the Azure REST API reference).
const UNSERVED: &[&str] = &[
    "checkPolicyCompliance",
    "checkZonePeers",
    "deployments",
    "exportTemplate",
    "locations",
    "moveResources",
    "operationresults",
    "operations",
    "resourceGroups",
    "resources",
    "tagNames",
    "validateMoveResources",
];

/// The target of a request. Keywords in a path are recognized in any case, as in Azure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// `/tenants`
    Tenants,
    /// `/subscriptions`
    Subscriptions,
    /// `/subscriptions/ID`
    Subscription(Uuid),
    /// `/subscriptions/ID/locations`
    Locations(Uuid),
    /// `/subscriptions/ID/tagNames`
    TagNames(Uuid),
    /// `/subscriptions/ID/operationresults/JOB`: a long operation of Resource Manager itself
    OperationResult(Uuid, String),
    /// `…/providers/Microsoft.Insights/eventtypes/management/values`: the activity log
    ActivityLog(Option<Uuid>),
    /// `/subscriptions/ID/resourceGroups`
    Groups(Uuid),
    /// `/subscriptions/ID/resourceGroups/NAME`
    Group(Scope),
    /// `/subscriptions/ID/resources` and `/subscriptions/ID/resourceGroups/NAME/resources`
    ResourcesIn(Scope),
    /// `/providers`, also of a subscription
    Providers(Option<Uuid>),
    /// `/providers/NAMESPACE`, also of a subscription
    Provider(Option<Uuid>, String),
    /// `/subscriptions/ID/providers/NAMESPACE/register`
    RegisterProvider(Uuid, String),
    /// `/providers/Microsoft.Management/managementGroups`
    ManagementGroups,
    /// `/providers/Microsoft.Management/managementGroups/NAME`
    ManagementGroup(Scope),
    /// `SCOPE/providers/NAMESPACE/TYPE` and `…/TYPE/NAME`, of a type that every scope can have
    Extension {
        /// The scope.
        scope: Scope,
        /// `Microsoft.Authorization/roleAssignments` and similar, as the client spelled it.
        resource_type: String,
        /// The name; `None` for all.
        name: Option<String>,
    },
    /// `PARENT/…/TYPE`: the resources of one type.
    Collection {
        /// The subscription, resource group or resource that contains them.
        parent: Scope,
        /// The full type.
        resource_type: String,
    },
    /// One resource.
    Item(Scope),
    /// `RESOURCE/ACTION`, by POST.
    ItemAction(Scope, String),
    /// A path of Azure's that the emulator does not serve.
    Unserved {
        /// Whose it is.
        subscription: Option<Uuid>,
        /// The path.
        what: String,
    },
}

impl Target {
    /// Parses a decoded path. `posting` tells an action of a resource from a collection.
    ///
    /// # Errors
    /// When the path names nothing that ARM can route.
    pub(super) fn parse(path: &[String], posting: bool) -> Result<Self, ArmError> {
        let is = |at: usize, word: &str| is(path, at, word);
        if let Some(found) = extension(path)? {
            return Ok(found);
        }
        if is(0, "subscriptions") && path.len() > 1 {
            let id = path[1]
                .parse()
                .map_err(|_| ArmError::invalid_subscription_id(&path[1]))?;
            return in_subscription(id, path, posting);
        }
        match path.len() {
            1 if is(0, "tenants") => Ok(Self::Tenants),
            1 if is(0, "subscriptions") => Ok(Self::Subscriptions),
            1 if is(0, "providers") => Ok(Self::Providers(None)),
            2 if is(0, "providers") => Ok(Self::Provider(None, path[1].clone())),
            _ if is_activity_log(path) => Ok(Self::ActivityLog(None)),
            3 | 4 if is(1, "Microsoft.Management") && is(2, "managementGroups") => {
                Ok(if path.len() == 3 {
                    Self::ManagementGroups
                } else {
                    Self::ManagementGroup(scope(path)?)
                })
            }
            _ if is(0, "providers") && versions::is_azures(path.get(1).map_or("", |name| name)) => {
                Ok(Self::Unserved {
                    subscription: None,
                    what: text(path),
                })
            }
            _ => Err(ArmError::missing_subscription()),
        }
    }

    /// The subscription of the target.
    pub(super) fn subscription(&self) -> Option<Uuid> {
        match self {
            Self::Tenants | Self::Subscriptions | Self::ManagementGroups => None,
            Self::Subscription(id)
            | Self::Locations(id)
            | Self::TagNames(id)
            | Self::OperationResult(id, _)
            | Self::Groups(id)
            | Self::RegisterProvider(id, _) => Some(*id),
            Self::Providers(id)
            | Self::Provider(id, _)
            | Self::ActivityLog(id)
            | Self::Unserved {
                subscription: id, ..
            } => *id,
            Self::Group(scope)
            | Self::ManagementGroup(scope)
            | Self::ResourcesIn(scope)
            | Self::Item(scope)
            | Self::ItemAction(scope, _)
            | Self::Extension { scope, .. }
            | Self::Collection { parent: scope, .. } => scope.subscription_id(),
        }
    }

    /// The type of a resource provider that the target is of. `None` for what Resource Manager
    /// itself serves.
    pub(super) fn provider_type(&self) -> Option<String> {
        match self {
            Self::Item(id) | Self::ItemAction(id, _) => id.resource_type(),
            Self::Collection { resource_type, .. } | Self::Extension { resource_type, .. } => {
                Some(resource_type.clone())
            }
            Self::ManagementGroups | Self::ManagementGroup(_) => {
                Some("Microsoft.Management/managementGroups".into())
            }
            Self::ActivityLog(_) => Some("Microsoft.Insights/eventtypes".into()),
            _ => None,
        }
    }
}

fn is(path: &[String], at: usize, word: &str) -> bool {
    path.get(at)
        .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
}

fn text(path: &[String]) -> String {
    format!("/{}", path.join("/"))
}

fn is_activity_log(path: &[String]) -> bool {
    let words = [
        "providers",
        "Microsoft.Insights",
        "eventtypes",
        "management",
        "values",
    ];
    let at = path.len().saturating_sub(words.len());
    words.iter().zip(at..).all(|(word, at)| is(path, at, word)) && [0, 2].contains(&at)
}

/// `…/providers/NAMESPACE/TYPE[/NAME]` of a namespace whose types can follow any scope.
fn extension(path: &[String]) -> Result<Option<Target>, ArmError> {
    for rest in [2, 3] {
        let Some(at) = path.len().checked_sub(rest + 1) else {
            continue;
        };
        let namespaces = ["Microsoft.Authorization", "Microsoft.Resources"];
        if is(path, at, "providers") && namespaces.iter().any(|name| is(path, at + 1, name)) {
            return Ok(Some(Target::Extension {
                scope: scope(&path[..at])?,
                resource_type: format!("{}/{}", path[at + 1], path[at + 2]),
                name: path.get(at + 3).cloned(),
            }));
        }
    }
    Ok(None)
}

fn in_subscription(id: Uuid, path: &[String], posting: bool) -> Result<Target, ArmError> {
    let is = |at: usize, word: &str| is(path, at, word);
    let found = match path.len() {
        2 => Target::Subscription(id),
        3 if is(2, "locations") => Target::Locations(id),
        3 if is(2, "resourceGroups") => Target::Groups(id),
        3 if is(2, "resources") => Target::ResourcesIn(Scope::subscription(id)),
        3 if is(2, "providers") => Target::Providers(Some(id)),
        3 if is(2, "tagNames") => Target::TagNames(id),
        4 if is(2, "operationresults") => Target::OperationResult(id, path[3].clone()),
        4 if is(2, "resourceGroups") => Target::Group(scope(path)?),
        4 if is(2, "providers") => Target::Provider(Some(id), path[3].clone()),
        5 if is(2, "resourceGroups") && is(4, "resources") => {
            Target::ResourcesIn(scope(&path[..4])?)
        }
        5 if is(2, "providers") && is(4, "register") && posting => {
            Target::RegisterProvider(id, path[3].clone())
        }
        _ if is_activity_log(path) => Target::ActivityLog(Some(id)),
        _ if is(2, "providers") => resource(path, 2, posting)?,
        _ if is(2, "resourceGroups") && is(4, "providers") => resource(path, 4, posting)?,
        _ => {
            let kind = if is(2, "resourceGroups") {
                &path[4]
            } else {
                &path[2]
            };
            if UNSERVED.iter().any(|word| word.eq_ignore_ascii_case(kind)) {
                return Ok(Target::Unserved {
                    subscription: Some(id),
                    what: text(path),
                });
            }
            return Err(ArmError::not_found(
                "InvalidResourceType",
                format!(
                    "The resource type '{kind}' could not be found in the namespace 'Microsoft.Resources'."
                ),
            ));
        }
    };
    Ok(found)
}

/// A path with a provider's part, which begins at index `first`. A resource's own part may follow,
/// such as `…/providers/Microsoft.Insights/diagnosticSettings`.
fn resource(path: &[String], first: usize, posting: bool) -> Result<Target, ArmError> {
    let mut providers = first;
    let mut at = first + 2;
    while at < path.len() {
        if is(path, at, "providers") {
            providers = at;
        }
        at += 2;
    }
    let kinds = path.get(providers + 2..).unwrap_or_default();
    if kinds.len().is_multiple_of(2) && !kinds.is_empty() {
        return Ok(Target::Item(scope(path)?));
    }
    let Some((last, before)) = path.split_last().filter(|_| !kinds.is_empty()) else {
        return Err(ArmError::missing_subscription());
    };
    if kinds.len() == 1 {
        return Ok(Target::Collection {
            parent: scope(&path[..providers])?,
            resource_type: format!("{}/{last}", path[providers + 1]),
        });
    }
    let parent = scope(before)?;
    if posting {
        return Ok(Target::ItemAction(parent, last.clone()));
    }
    Ok(Target::Collection {
        resource_type: format!("{}/{last}", parent.resource_type().unwrap_or_default()),
        parent,
    })
}

fn scope(path: &[String]) -> Result<Scope, ArmError> {
    format!("/{}", path.join("/"))
        .parse()
        .map_err(|error: crate::resources::InvalidScope| {
            ArmError::bad_request("InvalidResourceId", error.to_string())
        })
}

#[cfg(test)]
mod tests {
    use super::{super::segments::segments, *};

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
        let workspace =
            format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/ws");
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
}
