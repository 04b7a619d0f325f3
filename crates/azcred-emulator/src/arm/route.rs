//! What a path names: Azure Resource Manager's paths, parsed.

use super::error::ArmError;
use crate::resources::Scope;
use uuid::Uuid;

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
    /// `SCOPE/providers/Microsoft.Authorization/KIND` and `…/KIND/NAME`
    Authorization {
        /// The scope.
        scope: Scope,
        /// `roleAssignments` and similar, as the client spelled it.
        kind: String,
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
}

impl Target {
    /// Parses a decoded path. `posting` tells an action of a resource from a collection.
    ///
    /// # Errors
    /// When the path names nothing that ARM can route.
    pub(super) fn parse(path: &[String], posting: bool) -> Result<Self, ArmError> {
        let is = |at: usize, word: &str| {
            path.get(at)
                .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
        };
        if let Some(found) = authorization(path)? {
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
            _ => Err(ArmError::missing_subscription()),
        }
    }

    /// The subscription of the target.
    pub(super) fn subscription(&self) -> Option<Uuid> {
        match self {
            Self::Tenants | Self::Subscriptions => None,
            Self::Subscription(id)
            | Self::Locations(id)
            | Self::Groups(id)
            | Self::RegisterProvider(id, _) => Some(*id),
            Self::Providers(id) | Self::Provider(id, _) => *id,
            Self::Group(scope)
            | Self::ResourcesIn(scope)
            | Self::Item(scope)
            | Self::ItemAction(scope, _)
            | Self::Authorization { scope, .. }
            | Self::Collection { parent: scope, .. } => scope.subscription_id(),
        }
    }
}

/// `…/providers/Microsoft.Authorization/KIND[/NAME]`, which can follow any scope.
fn authorization(path: &[String]) -> Result<Option<Target>, ArmError> {
    for rest in [2, 3] {
        let Some(at) = path.len().checked_sub(rest + 1) else {
            continue;
        };
        if path[at].eq_ignore_ascii_case("providers")
            && path[at + 1].eq_ignore_ascii_case("Microsoft.Authorization")
        {
            return Ok(Some(Target::Authorization {
                scope: scope(&path[..at])?,
                kind: path[at + 2].clone(),
                name: path.get(at + 3).cloned(),
            }));
        }
    }
    Ok(None)
}

fn in_subscription(id: Uuid, path: &[String], posting: bool) -> Result<Target, ArmError> {
    let is = |at: usize, word: &str| {
        path.get(at)
            .is_some_and(|segment| segment.eq_ignore_ascii_case(word))
    };
    let found = match path.len() {
        2 => Target::Subscription(id),
        3 if is(2, "locations") => Target::Locations(id),
        3 if is(2, "resourceGroups") => Target::Groups(id),
        3 if is(2, "resources") => Target::ResourcesIn(Scope::subscription(id)),
        3 if is(2, "providers") => Target::Providers(Some(id)),
        4 if is(2, "resourceGroups") => Target::Group(scope(path)?),
        4 if is(2, "providers") => Target::Provider(Some(id), path[3].clone()),
        5 if is(2, "resourceGroups") && is(4, "resources") => {
            Target::ResourcesIn(scope(&path[..4])?)
        }
        5 if is(2, "providers") && is(4, "register") && posting => {
            Target::RegisterProvider(id, path[3].clone())
        }
        _ if is(2, "providers") => resource(path, 2, posting)?,
        _ if is(2, "resourceGroups") && is(4, "providers") => resource(path, 4, posting)?,
        _ => {
            let kind = if is(2, "resourceGroups") {
                &path[4]
            } else {
                &path[2]
            };
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

/// A path with a provider's part, which begins at index `providers`.
fn resource(path: &[String], providers: usize, posting: bool) -> Result<Target, ArmError> {
    let kinds = &path[providers + 2..];
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

/// Splits a raw path into decoded segments. Repeated slashes count once: several SDKs append a
/// scope that begins with a slash.
///
/// # Errors
/// When a decoded segment has a character that no segment may have: a slash, a control character,
/// or bytes that are not UTF-8.
pub(super) fn segments(raw: &str) -> Result<Vec<String>, ArmError> {
    raw.split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect::<Option<_>>()
        .ok_or_else(|| {
            ArmError::bad_request(
                "InvalidRequestUri",
                "The request path is not valid: a segment holds an encoded slash, a control character, or bytes that \
                 are not UTF-8.",
            )
        })
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let harmless = !text
        .chars()
        .any(|c| c == '/' || c == '\\' || c.is_control())
        && text != "."
        && text != "..";
    harmless.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

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
                Target::Authorization {
                    scope: scope_of(&workspace),
                    kind: "permissions".into(),
                    name: None,
                },
            ),
            (
                "/providers/Microsoft.Authorization/roleDefinitions/x".to_owned(),
                Target::Authorization {
                    scope: Scope::root(),
                    kind: "roleDefinitions".into(),
                    name: Some("x".into()),
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
            (
                "/providers/Microsoft.Authorization/x/y/z/w",
                "MissingSubscription",
            ),
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
