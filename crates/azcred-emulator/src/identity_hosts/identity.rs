//! Which managed identity a request to a host chooses.

use crate::{
    resources::{ManagedIdentity, Scope},
    service::Service,
};
use uuid::Uuid;

/// How a request chooses an identity. A malformed GUID matches no identity.
#[derive(Clone, Debug, Default)]
pub(crate) struct IdentityChoice<'a> {
    /// By client id.
    pub(crate) client_id: Option<&'a str>,
    /// By object id.
    pub(crate) object_id: Option<&'a str>,
    /// By the resource id of the user-assigned identity.
    pub(crate) resource_id: Option<&'a str>,
}

impl IdentityChoice<'_> {
    fn is_open(&self) -> bool {
        self.client_id.is_none() && self.object_id.is_none() && self.resource_id.is_none()
    }

    fn means(&self, identity: &ManagedIdentity) -> bool {
        let is = |given: Option<&str>, id: Uuid| {
            given.is_none_or(|given| Uuid::try_parse(given).is_ok_and(|given| given == id))
        };
        is(self.client_id, identity.client_id)
            && is(self.object_id, identity.object_id)
            && self.resource_id.is_none_or(|given| {
                given
                    .parse::<Scope>()
                    .is_ok_and(|given| given.key() == identity.resource_id.key())
            })
    }
}

/// Why a host has no identity for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoIdentity {
    /// The host has no identity, or not the requested one.
    NotFound,
    /// The host has several user-assigned identities and no system-assigned one, and the request
    /// chooses none.
    Several,
}

/// The identity that a request chooses. Without a choice, it is the host's system-assigned
/// identity, else the only user-assigned one ('How to use managed identities on an Azure VM to
/// acquire an access token').
pub(crate) fn find<'a>(
    identities: &'a [ManagedIdentity],
    host: Service,
    choice: &IdentityChoice<'_>,
) -> Result<&'a ManagedIdentity, NoIdentity> {
    let mut assigned = identities
        .iter()
        .filter(|identity| identity.hosts.contains(&host));
    if !choice.is_open() {
        return assigned
            .find(|identity| choice.means(identity))
            .ok_or(NoIdentity::NotFound);
    }
    let all: Vec<_> = assigned.collect();
    if let Some(own) = all.iter().find(|identity| !identity.is_user_assigned()) {
        return Ok(own);
    }
    match all.as_slice() {
        [] => Err(NoIdentity::NotFound),
        [only] => Ok(only),
        _ => Err(NoIdentity::Several),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(number: u128, resource: &str) -> ManagedIdentity {
        let group =
            "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers";
        ManagedIdentity {
            object_id: Uuid::from_u128(number),
            client_id: Uuid::from_u128(number + 100),
            resource_id: format!("{group}/{resource}").parse().unwrap(),
            hosts: vec![Service::Imds],
        }
    }

    fn user_assigned(number: u128) -> ManagedIdentity {
        identity(
            number,
            &format!("Microsoft.ManagedIdentity/userAssignedIdentities/id-{number}"),
        )
    }

    fn machine(number: u128) -> ManagedIdentity {
        identity(number, "Microsoft.Compute/virtualMachines/vm")
    }

    fn found(all: &[ManagedIdentity], choice: &IdentityChoice<'_>) -> Result<u128, NoIdentity> {
        find(all, Service::Imds, choice).map(|identity| identity.object_id.as_u128())
    }

    #[test]
    fn without_a_choice_it_is_the_system_assigned_or_the_only_identity() {
        let open = IdentityChoice::default();
        assert_eq!(found(&[], &open), Err(NoIdentity::NotFound));
        assert_eq!(found(&[user_assigned(1)], &open), Ok(1));
        let two = [user_assigned(1), user_assigned(2)];
        assert_eq!(found(&two, &open), Err(NoIdentity::Several));
        let three = [user_assigned(1), user_assigned(2), machine(3)];
        assert_eq!(found(&three, &open), Ok(3));
        assert!(find(&three, Service::Arc, &open).is_err());
    }

    #[test]
    fn an_identity_is_chosen_by_its_three_ids_in_any_case() {
        let all = [user_assigned(1), user_assigned(2), machine(3)];
        let client = Uuid::from_u128(102).to_string().to_uppercase();
        let object = Uuid::from_u128(2).to_string();
        let resource = all[1].resource_id.to_string().to_uppercase();
        let by = |client_id, object_id, resource_id| {
            let choice = IdentityChoice {
                client_id,
                object_id,
                resource_id,
            };
            found(&all, &choice)
        };
        assert_eq!(by(Some(&client), None, None), Ok(2));
        assert_eq!(by(None, Some(&object), None), Ok(2));
        assert_eq!(by(None, None, Some(&resource)), Ok(2));
        assert_eq!(by(Some(&client), Some(&object), Some(&resource)), Ok(2));
        let missing = Err(NoIdentity::NotFound);
        assert_eq!(by(Some(&object), None, None), missing);
        assert_eq!(by(Some(""), None, None), missing);
        assert_eq!(by(None, None, Some("id-2")), missing);
        let other = Uuid::from_u128(1).to_string();
        assert_eq!(by(Some(&client), Some(&other), None), missing);
    }
}
