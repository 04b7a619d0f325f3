//! `--allow`: the resources for which an endpoint returns tokens.

use azcred::Scope;
use azcred_endpoint::Allow;

/// A value of `--allow`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Everything,
    Resource(Scope),
}

/// Reads a value of `--allow`. A resource is an address or an application's id: what is neither is
/// a typing error, for which Entra ID would have other words.
pub(super) fn allowed(text: &str) -> Result<Allowed, String> {
    if text == "all" {
        return Ok(Allowed::Everything);
    }
    let is_id = text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if !text.contains("://") && !is_id {
        return Err(match text.contains('.') {
            true => format!("a resource is a whole address: https://{text}"),
            false => "a resource is an address such as https://storage.azure.com, or 'all'".into(),
        });
    }
    let scope = Scope::from_resource(text).map_err(|error| error.to_string())?;
    Ok(Allowed::Resource(scope))
}

/// The scope of the first token: one that is allowed.
pub(super) fn first(values: &[Allowed]) -> Option<Scope> {
    values.iter().find_map(|value| match value {
        Allowed::Everything => None,
        Allowed::Resource(scope) => Some(scope.clone()),
    })
}

/// The scopes; `None` for every resource.
pub(super) fn scopes(values: &[Allowed]) -> Option<Vec<Scope>> {
    let scopes = values.iter().map(|value| match value {
        Allowed::Everything => None,
        Allowed::Resource(scope) => Some(scope.clone()),
    });
    scopes.collect()
}

/// The endpoint's list; without values, everything.
pub(super) fn list(values: &[Allowed]) -> Allow {
    match scopes(values).filter(|scopes| !scopes.is_empty()) {
        Some(scopes) => Allow::only(scopes),
        None => Allow::everything(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_an_address_an_id_or_all() {
        assert_eq!(allowed("all"), Ok(Allowed::Everything));
        for resource in [
            "https://storage.azure.com",
            "api://a/b",
            "2ff814a6-3304-4ab8-85cb-cd0e6f879c1d",
        ] {
            assert!(
                matches!(allowed(resource), Ok(Allowed::Resource(_))),
                "{resource}"
            );
        }
        let whole = allowed("storage.azure.com").unwrap_err();
        assert!(whole.ends_with(" https://storage.azure.com"), "{whole}");
        assert!(allowed("storage").is_err());
    }

    #[test]
    fn one_all_is_everything() {
        let one = Allowed::Resource(Scope::ARM);
        assert!(list(&[]).is_everything());
        assert!(list(&[one.clone(), Allowed::Everything]).is_everything());
        assert!(!list(&[one]).is_everything());
    }
}
