//! The resource of a token: Microsoft's own, or a registered application.

use crate::{
    directory::{ARM, Directory, GRAPH, ML, Tenant, first_party_resource},
    entra::{delegated_scope::is_openid, refusal::Refusal},
    service::Service,
    text::clip,
    tokens::accepted_audiences,
    world::World,
};
use http::StatusCode;
use uuid::Uuid;

/// The permissions that Microsoft's own clients have for Graph, as their tokens show.
const GRAPH_PERMISSIONS: &[&str] = &[
    "AuditLog.Read.All",
    "Directory.AccessAsUser.All",
    "Group.ReadWrite.All",
    "User.Read",
    "User.ReadWrite.All",
];

/// The resource of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenResource {
    /// The client id.
    pub(super) app_id: Uuid,
    /// The token's `aud`.
    pub(super) audience: String,
    /// The version of access tokens that the resource expects: 1 or 2.
    pub(super) version: u8,
    /// Its delegated permissions.
    pub(super) permissions: Vec<String>,
    /// Whether it has more of them than the emulator knows: each name in their form counts as one.
    pub(super) has_more_permissions: bool,
    /// Whether the resource takes part in continuous access evaluation.
    pub(super) is_evaluated_continuously: bool,
}

/// Finds the resource with this name in a tenant.
pub(super) fn find(
    world: &World,
    directory: &Directory,
    tenant: &Tenant,
    name: &str,
) -> Result<TokenResource, Refusal> {
    let as_requested = |app_id| TokenResource {
        app_id,
        audience: name.to_owned(),
        version: 1,
        permissions: match app_id {
            GRAPH => owned(GRAPH_PERMISSIONS),
            _ => owned(&["user_impersonation"]),
        },
        has_more_permissions: app_id != ARM,
        is_evaluated_continuously: app_id == ARM || app_id == GRAPH,
    };
    // v2.0 tokens have the client id as `aud`, v1.0 tokens the requested name.
    let of_v2 = |app_id: Uuid| TokenResource {
        audience: app_id.to_string(),
        version: 2,
        ..as_requested(app_id)
    };
    if let Some(known) = first_party_resource(name) {
        return Ok(match known.token_version {
            2 => of_v2(known.app_id),
            _ => as_requested(known.app_id),
        });
    }
    // The emulator's own URLs of services.
    for (service, app_id) in [
        (Service::Arm, ARM),
        (Service::Graph, GRAPH),
        (Service::Ml, ML),
    ] {
        let known = accepted_audiences(world, service);
        if known
            .iter()
            .any(|audience| audience.eq_ignore_ascii_case(name))
        {
            return Ok(as_requested(app_id));
        }
    }
    // A registered application is a resource in each tenant that has its service principal.
    let application = directory.application_named(name).filter(|app| {
        directory
            .service_principal_of(tenant.id, app.app_id)
            .is_some()
    });
    let application = application.ok_or_else(|| unknown(tenant, name))?;
    let found = match application.access_token_version {
        2 => of_v2(application.app_id),
        _ => as_requested(application.app_id),
    };
    Ok(TokenResource {
        permissions: application.scopes.clone(),
        has_more_permissions: false,
        ..found
    })
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn unknown(tenant: &Tenant, name: &str) -> Refusal {
    Refusal::new(
        500_011,
        "invalid_resource",
        StatusCode::BAD_REQUEST,
        format!(
            "The resource principal named {} was not found in the tenant named {}. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You might have sent your authentication request to the wrong tenant.",
            clip(name),
            tenant.name
        ),
    )
}

/// The resource name in the `scope` of a v2.0 client credentials request.
///
/// # Errors
/// AADSTS70011 for a malformed scope, 28000 for several resources, 1002012 for anything other than
/// `RESOURCE/.default`.
pub(super) fn of_scope(scope: &str) -> Result<String, Refusal> {
    let invalid = |code, message: String| {
        Refusal::new(code, "invalid_scope", StatusCode::BAD_REQUEST, message)
    };
    let scopes: Vec<&str> = scope.split_ascii_whitespace().collect();
    // RFC 6749 section 3.3: printable ASCII without space, quotation mark and backslash.
    let is_token = |s: &str| {
        s.bytes()
            .all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\')
    };
    if scopes.is_empty() || !scopes.iter().all(|s| is_token(s)) {
        return Err(invalid(
            70011,
            format!(
                "The provided request must include a 'scope' input parameter. The provided value for the input \
                 parameter 'scope' is not valid. The scope {} is not valid.",
                clip(scope)
            ),
        ));
    }
    let not_default = || {
        invalid(
            1_002_012,
            format!(
                "The provided value for scope {} is not valid. Client credential flows must have a scope \
                 value with /.default suffixed to the resource identifier (application ID URI).",
                clip(&scopes.join(" "))
            ),
        )
    };
    let mut resources: Vec<&str> = Vec::new();
    // Without a person, the scopes of OpenID Connect mean nothing. MSAL for Go sends them.
    let named = scopes.iter().filter(|scope| !is_openid(scope));
    for scope in named {
        match scope
            .strip_suffix("/.default")
            .filter(|resource| !resource.is_empty())
        {
            Some(resource) if resources.contains(&resource) => {}
            Some(resource) => resources.push(resource),
            None => return Err(not_default()),
        }
    }
    let Some(resource) = resources.first() else {
        return Err(not_default());
    };
    if resources.len() > 1 {
        return Err(invalid(
            28000,
            format!(
                "Provided value for the input parameter scope is not valid because it contains more than one \
                 resource. Scope {} is not valid.",
                clip(scope)
            ),
        ));
    }
    Ok((*resource).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_resource_with_a_default_suffix() {
        assert_eq!(of_scope("https://a.b/.default").unwrap(), "https://a.b");
        assert_eq!(of_scope("https://a.b//.default").unwrap(), "https://a.b/");
        let code = |scope| of_scope(scope).unwrap_err().code;
        let of_go = "https://a.b/.default openid offline_access profile";
        assert_eq!(of_scope(of_go).unwrap(), "https://a.b");
        assert_eq!(code("openid offline_access profile"), 1_002_012);
        assert_eq!(code("https://a.b/user_impersonation"), 1_002_012);
        assert_eq!(code("https://a.b"), 1_002_012);
        assert_eq!(code("/.default"), 1_002_012);
        assert_eq!(code("https://a.b/.default https://c.d/.default"), 28000);
        assert_eq!(code("https://a.b\\/.default"), 70011);
        assert_eq!(code("   "), 70011);
    }
}
