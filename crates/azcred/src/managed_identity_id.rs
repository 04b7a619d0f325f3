//! Selects a managed identity: the resource's own, or one that is assigned to it.

use crate::{
    facts::{Result, Used, UsedKind},
    sieve::{Misplaced, invalid, tidied, tidied_id},
    tenant::ClientId,
    untrusted::is_unseen,
};
use std::fmt;
use uuid::Uuid;

/// Selects one of a resource's identities: its own, or one that is assigned to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ManagedIdentityId(IdKind);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum IdKind {
    System,
    Client(ClientId),
    Object(Uuid),
    Resource(String),
}

/// The longest resource id in bytes. Azure's own limit is lower.
const LONGEST_RESOURCE: usize = 2048;
/// The resource type of a user-assigned identity.
const USER_ASSIGNED: &str = "/providers/microsoft.managedidentity/userassignedidentities/";

impl ManagedIdentityId {
    /// The resource's own identity. If it has none and exactly one is assigned to it, Azure uses
    /// that one.
    pub const SYSTEM: Self = Self(IdKind::System);

    /// The user-assigned identity with this client id.
    pub fn client(id: ClientId) -> Self {
        Self(IdKind::Client(id))
    }

    /// The user-assigned identity with this object id (also called principal id), a GUID.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the text is not a GUID.
    pub fn object(id: &str) -> Result<Self> {
        Uuid::try_parse(tidied_id(id))
            .map(|id| Self(IdKind::Object(id)))
            .map_err(|_| {
                invalid("the object id", id, "an object id is a GUID").with_fix(
                    "find it with `az identity list --query '[].{name:name, id:principalId}'`",
                )
            })
    }

    /// The user-assigned identity with this resource id:
    /// `/subscriptions/…/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the text is not such an id.
    pub fn resource(id: &str) -> Result<Self> {
        let given = id;
        let id = tidied(given);
        let lower = id.to_ascii_lowercase();
        let name = lower
            .strip_prefix("/subscriptions/")
            .and_then(|rest| rest.split_once(USER_ASSIGNED));
        let is_name = |name: &str| !name.is_empty() && !name.contains('/');
        // Names of resource groups may have letters of any language.
        let fits = |c: char| !c.is_whitespace() && !is_unseen(c) && !"\"'`<>{}?#%\\".contains(c);
        let printable = id.chars().all(fits) && Misplaced::of(id).is_none();
        if printable && id.len() <= LONGEST_RESOURCE && name.is_some_and(|(_, name)| is_name(name))
        {
            return Ok(Self(IdKind::Resource(id.to_owned())));
        }
        Err(invalid(
            "the resource id",
            given,
            "the resource id of a user-assigned identity looks like /subscriptions/…/resourceGroups/…/providers/\
             Microsoft.ManagedIdentity/userAssignedIdentities/NAME",
        )
        .with_fix("find it with `az identity list --query '[].id'`"))
    }

    /// Whether this is the resource's own identity.
    pub fn is_system(&self) -> bool {
        self.0 == IdKind::System
    }

    /// The parameter that selects the identity, and its value; `None` for the resource's own.
    pub(crate) fn named(&self) -> Option<(String, String)> {
        self.parameter("resource_id")
            .map(|(by, value)| (by.to_owned(), value))
    }

    /// What a source with this identity uses, with tokens from `host`.
    pub(crate) fn used(&self, host: &'static str) -> Used {
        let (mut client_id, mut object_id, mut resource_id) = (None, None, None);
        match &self.0 {
            IdKind::System => {}
            IdKind::Client(id) => client_id = Some(id.to_string()),
            IdKind::Object(id) => object_id = Some(id.to_string()),
            IdKind::Resource(id) => resource_id = Some(id.clone()),
        }
        let mut used = Used::new(UsedKind::ManagedIdentity {
            host,
            address: None,
            object_id,
            resource_id,
            evidence: None,
        });
        used.client_id = client_id;
        used
    }

    /// The identity that [`Self::named`] describes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the parts describe no identity.
    pub(crate) fn of_named(by: &str, value: &str) -> Result<Self> {
        match by {
            "client_id" => Ok(Self::client(ClientId::new(value)?)),
            "object_id" => Self::object(value),
            _ => Self::resource(value),
        }
    }

    pub(crate) fn by_client(&self) -> Option<&str> {
        match &self.0 {
            IdKind::Client(id) => Some(id.as_str()),
            _ => None,
        }
    }

    /// The request's parameter. Hosts have different names for a resource id.
    pub(crate) fn parameter(&self, resource: &'static str) -> Option<(&'static str, String)> {
        match &self.0 {
            IdKind::System => None,
            IdKind::Client(id) => Some(("client_id", id.to_string())),
            IdKind::Object(id) => Some(("object_id", id.to_string())),
            IdKind::Resource(id) => Some((resource, id.clone())),
        }
    }
}

impl fmt::Display for ManagedIdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            IdKind::System => f.write_str("its own managed identity"),
            IdKind::Client(id) => write!(f, "the managed identity with the client id {id}"),
            IdKind::Object(id) => write!(f, "the managed identity with the object id {id}"),
            IdKind::Resource(id) => write!(f, "the managed identity {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ErrorKind;

    #[test]
    fn an_identity_is_a_guid_or_the_path_of_a_user_assigned_identity() {
        let good = "/subscriptions/s/resourceGroups/grüppe/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me";
        let id = ManagedIdentityId::resource(good).unwrap();
        assert_eq!(
            id.parameter("mi_res_id"),
            Some(("mi_res_id", good.to_owned()))
        );
        assert!(ManagedIdentityId::resource(&good.to_uppercase()).is_ok());
        for bad in [
            "",
            "me",
            &good[..good.len() - 2],
            &format!("{good}/federatedIdentityCredentials/x"),
            &good.replace("userAssignedIdentities", "other"),
            &format!("{good}\n/x"),
            &good[1..],
            &format!("{good}{}", "x".repeat(2048)),
        ] {
            let error = ManagedIdentityId::resource(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
        }
        assert!(ManagedIdentityId::object("72f988bf-86f1-41af-91ab-2d7cd011db47").is_ok());
        assert!(ManagedIdentityId::object("me").is_err());
    }
}
