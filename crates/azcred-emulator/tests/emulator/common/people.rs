//! Two tenants with users, and their sign-ins.

use super::{Lab, Reply};

pub(crate) const CONTOSO: &str = "c0a70500-0000-4000-8000-000000000001";
pub(crate) const FABRIKAM: &str = "c0a70500-0000-4000-8000-000000000002";
pub(crate) const ADA: &str = "e0000001-0000-4000-8000-000000000001";
pub(crate) const ADA_IN_FABRIKAM: &str = "e0000001-0000-4000-8000-00000000000f";
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
pub(crate) const POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";
pub(crate) const DESKTOP: &str = "a0000001-0000-4000-8000-00000000000a";
pub(crate) const CONSENTED: &str = "a0000001-0000-4000-8000-00000000000b";
pub(crate) const CONFIDENTIAL: &str = "a0000001-0000-4000-8000-00000000000c";
pub(crate) const ARM: &str = "https://management.core.windows.net/";
/// The scope that Azure CLI requests.
pub(crate) const SCOPE: &str =
    "https://management.core.windows.net//.default openid profile offline_access";

/// Two tenants: Ada is a member of Contoso and a guest in Fabrikam. Grace is only in Contoso.
pub(crate) const SEED: &str = r#"
[[tenants]]
id = "c0a70500-0000-4000-8000-000000000001"
name = "Contoso"
domains = ["contoso.com"]

[[tenants]]
id = "c0a70500-0000-4000-8000-000000000002"
name = "Fabrikam"
domains = ["fabrikam.com"]

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000a"
name = "unconsented"
public_client = true

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000b"
name = "consented"
public_client = true
consented = true

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000c"
name = "confidential"
consented = true
secrets = [{ name = "s", value = "its secret" }]

[[applications]]
tenant = "contoso.com"
app_id = "a0000001-0000-4000-8000-00000000000d"
name = "an API"
identifier_uris = ["api://contoso"]
access_token_version = 2
service_principal = { id = "d0000001-0000-4000-8000-00000000000d" }

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000001"
user_principal_name = "ada@contoso.com"
name = "Ada Lovelace"
password = "analytical"

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000002"
user_principal_name = "grace@contoso.com"
name = "Grace Hopper"
password = "nanosecond"

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000003"
user_principal_name = "disabled@contoso.com"
name = "Disabled"
password = "x"
enabled = false

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000004"
user_principal_name = "locked@contoso.com"
name = "Locked"
password = "x"
locked = true

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000005"
user_principal_name = "expired@contoso.com"
name = "Expired"
password = "x"
password_expired = true

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000006"
user_principal_name = "mfa@contoso.com"
name = "Second Factor"
password = "x"

[[users]]
tenant = "fabrikam.com"
id = "e0000001-0000-4000-8000-00000000000f"
user_principal_name = "ada_contoso.com#EXT#@fabrikam.com"
name = "Ada Lovelace"
guest_of = "ada@contoso.com"

[[groups]]
tenant = "contoso.com"
id = "f0000001-0000-4000-8000-000000000001"
name = "engineers"
members = ["ada@contoso.com"]

[[conditional_access]]
tenant = "contoso.com"
name = "A second factor"
users = ["mfa@contoso.com"]
require = "mfa"

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000001"
tenant = "contoso.com"
name = "Contoso ML"

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000002"
tenant = "fabrikam.com"
name = "Fabrikam ML"

[[role_assignments]]
principal = "ada@contoso.com"
role = "Owner"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"

[[role_assignments]]
principal = "e0000001-0000-4000-8000-00000000000f"
role = "Reader"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000002"
"#;

pub(crate) async fn lab() -> Lab {
    Lab::seeded(SEED).await
}

/// Requests tokens from a tenant's v2.0 endpoint with Azure CLI's parameters. The given ones
/// replace them; empty ones are left out.
pub(crate) async fn request_token(lab: &Lab, tenant: &str, parameters: &[(&str, &str)]) -> Reply {
    let mut form = vec![
        ("client_id", AZURE_CLI),
        ("scope", SCOPE),
        ("client_info", "1"),
    ];
    form.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
    form.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
    lab.post(&format!("/{tenant}/oauth2/v2.0/token"), &form)
        .await
}

pub(crate) async fn sign_in(lab: &Lab, tenant: &str, name: &str, password: &str) -> Reply {
    let form = [
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
    ];
    request_token(lab, tenant, &form).await
}

pub(crate) async fn refresh(lab: &Lab, tenant: &str, token: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
    form.extend(more);
    request_token(lab, tenant, &form).await
}

pub(crate) fn text<'a>(answer: &'a Reply, name: &str) -> &'a str {
    let value = answer.body[name].as_str();
    value.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}
