//! What a path names: Azure Resource Manager's paths, parsed.

use super::{error::ArmError, management_groups, providers};
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
    /// With whether it is registered, or no longer.
    RegisterProvider(Uuid, String, bool),
    /// `/providers/Microsoft.Management/managementGroups`
    ManagementGroups,
    /// `/providers/Microsoft.Management/managementGroups/NAME`
    ManagementGroup(Scope),
    /// `/providers/Microsoft.Management/managementGroups/NAME/subscriptions/ID`
    SubscriptionOf(Scope, Uuid),
    /// `/providers/Microsoft.Management/operationResults/create/managementGroups/NAME`, the result of
    /// its creation, and `…/create/asyncOperation/status/managementGroups/NAME`, its state
    CreatedGroup {
        /// The management group.
        id: Scope,
        /// Whether the state is asked for.
        is_status: bool,
    },
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
            _ if is(0, "providers") && is(1, "Microsoft.Management") => management_group(path),
            _ => {
                let is_azures = |name: &String| providers::is_azures(name);
                let of_provider = is(0, "providers") && path.get(1).is_some_and(is_azures);
                // Several requests in one.
                let is_batch = is(0, "batch") && path.len() == 1;
                if of_provider || is_batch {
                    return Ok(Self::Unserved {
                        subscription: None,
                        what: text(path),
                    });
                }
                Err(ArmError::missing_subscription())
            }
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
            | Self::RegisterProvider(id, ..) => Some(*id),
            Self::Providers(id)
            | Self::Provider(id, _)
            | Self::ActivityLog(id)
            | Self::Unserved {
                subscription: id, ..
            } => *id,
            Self::Group(scope)
            | Self::ManagementGroup(scope)
            | Self::SubscriptionOf(scope, _)
            | Self::CreatedGroup { id: scope, .. }
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
            Self::ManagementGroups
            | Self::ManagementGroup(_)
            | Self::SubscriptionOf(..)
            | Self::CreatedGroup { .. } => Some(management_groups::TYPE.into()),
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

/// A path of management groups.
fn management_group(path: &[String]) -> Result<Target, ArmError> {
    let rest: Vec<String> = path[2..]
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let named = |name: &str| {
        Scope::management_group(name)
            .map_err(|error| ArmError::bad_request("InvalidResourceId", error.to_string()))
    };
    let last = path.last().map_or("", |name| name);
    Ok(match rest.as_slice() {
        ["managementgroups"] => Target::ManagementGroups,
        ["managementgroups", _] => Target::ManagementGroup(named(last)?),
        ["managementgroups", _, "subscriptions", id] => {
            let id = id
                .parse()
                .map_err(|_| ArmError::invalid_subscription_id(last))?;
            Target::SubscriptionOf(named(&path[3])?, id)
        }
        ["operationresults", "create", "managementgroups", _] => Target::CreatedGroup {
            id: named(last)?,
            is_status: false,
        },
        [
            "operationresults",
            "create",
            "asyncoperation",
            "status",
            "managementgroups",
            _,
        ] => Target::CreatedGroup {
            id: named(last)?,
            is_status: true,
        },
        _ => Target::Unserved {
            subscription: None,
            what: text(path),
        },
    })
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
            Target::RegisterProvider(id, path[3].clone(), true)
        }
        5 if is(2, "providers") && is(4, "unregister") && posting => {
            Target::RegisterProvider(id, path[3].clone(), false)
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
