//! Values that are valid or don't exist: ids, scopes, names, addresses. What is valid is read again
//! as the same.

use crate::{input, oracle};
use azcred::{
    Authority, ClientId, Cloud, ManagedIdentityId, Profile, Scope, TenantId,
    account::AccountId,
    chain::{Expect, Preset, Source},
    workspace::{group_name, subscription_id},
};
use azcred_azure::WorkspaceRef;
use std::{fmt::Debug, str::FromStr};

/// One text for all of them.
pub(super) fn run(data: &[u8]) {
    let text = input::text(data);
    let text = text.as_str();
    again(TenantId::new(text), TenantId::as_str, TenantId::new);
    again(ClientId::new(text), ClientId::as_str, ClientId::new);
    again(Scope::new(text), Scope::as_str, |text| Scope::new(text));
    again(Profile::new(text), Profile::name, Profile::new);
    again(Authority::new(text), Authority::as_str, Authority::new);
    again(Preset::from_str(text), |one| one.id(), Preset::from_str);
    again(Source::from_str(text), |one| one.id(), Source::from_str);
    again(
        AccountId::from_str(text),
        AccountId::as_str,
        AccountId::from_str,
    );
    again(subscription_id(text), String::as_str, subscription_id);
    again(group_name(text), String::as_str, group_name);
    oracle::outcome(&Scope::from_resource(text));
    oracle::outcome(&ManagedIdentityId::object(text));
    oracle::outcome(&ManagedIdentityId::resource(text));
    oracle::outcome(&Cloud::openid_provider(text));
    oracle::outcome(&Expect::new("a file").tenant(text));
    oracle::outcome(&Expect::new("a file").principal(text));
    oracle::outcome(&Cloud::PUBLIC.with_resource_manager(text, text));
    let workspace = WorkspaceRef::from_resource_id(text);
    oracle::outcome(&workspace);
    if let Ok(workspace) = workspace {
        let again = WorkspaceRef::from_resource_id(&workspace.resource_id());
        assert_eq!(again.ok(), Some(workspace));
    }
    if let Ok(scope) = Scope::new(text) {
        oracle::shown(&scope.describe());
        assert!(!scope.as_str().contains(char::is_whitespace), "{scope:?}");
    }
    if let Ok(tenant) = TenantId::new(text) {
        // It becomes part of an address's path.
        assert!(
            !tenant.as_str().contains(['/', '?', '#', '\\', '%']),
            "{tenant:?}"
        );
    }
}

/// Checks a result. A value must be read as itself from its own text.
fn again<T: Debug + PartialEq>(
    first: azcred::Result<T>,
    text: impl Fn(&T) -> &str,
    read: impl Fn(&str) -> azcred::Result<T>,
) {
    oracle::outcome(&first);
    if let Ok(first) = first {
        oracle::is_printable(text(&first));
        assert_eq!(read(text(&first)).ok().as_ref(), Some(&first));
    }
}
