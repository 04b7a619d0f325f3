//! A tenant with one workspace, in which applications are and do what a test says.

use crate::{
    azure::Azure,
    run::{Run, azcred},
    subscription::seeded,
};

pub(crate) const SUBSCRIPTION: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001";
pub(crate) const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws-team";

const BASE: &str = r#"
[[tenants]]
id = "c0a70500-0000-4000-8000-000000000001"
name = "Contoso"
domains = ["contoso.onmicrosoft.com"]

[[resource_groups]]
subscription = "5ec0ffee-0001-4000-8000-000000000001"
name = "rg"
location = "westeurope"

[[workspaces]]
subscription = "5ec0ffee-0001-4000-8000-000000000001"
resource_group = "rg"
name = "ws-team"
location = "westeurope"
workspace_id = "5ec0ffee-0001-4000-8000-100000000001"

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000001"
name = "Contoso ML"
tenant = "contoso.onmicrosoft.com"
"#;

/// The tenant, with what else a seed has. Its first lines belong to the subscription.
pub(crate) fn team(more: &[&str]) -> Azure {
    seeded(format!("{BASE}{}", more.concat()))
}

/// An application of a seed, whose ids end in `number`, with a secret and with permissions of
/// Graph. Lines that follow belong to it.
pub(crate) fn application(number: u8, name: &str, permissions: &[&str]) -> String {
    format!(
        r#"
[[applications]]
app_id = "a0000001-0000-4000-8000-{number:012}"
object_id = "b0000001-0000-4000-8000-{number:012}"
name = "{name}"
service_principal = {{ id = "d0000001-0000-4000-8000-{number:012}", graph_permissions = {permissions:?} }}
secrets = [{{ name = "one" }}]
"#
    )
}

/// A role assignment of a seed.
pub(crate) fn assigned(role: &str, principal: &str, scope: &str) -> String {
    format!(
        "\n[[role_assignments]]\nprincipal = \"{principal}\"\nrole = \"{role}\"\nscope = \"{scope}\"\n"
    )
}

/// azcred as an application, at the workspace.
pub(crate) fn at_workspace(azure: &Azure, who: &str, arguments: &[&str]) -> Run {
    let mut variables = azure.application(who);
    variables.retain(|(name, _)| !name.starts_with("AZUREML_"));
    for (name, value) in [
        (
            "AZUREML_ARM_SUBSCRIPTION",
            "5ec0ffee-0001-4000-8000-000000000001",
        ),
        ("AZUREML_ARM_RESOURCEGROUP", "rg"),
        ("AZUREML_ARM_WORKSPACE_NAME", "ws-team"),
    ] {
        variables.push((name.to_owned(), value.to_owned()));
    }
    azcred(arguments).envs(&variables)
}
