//! Warns about a role that permits more than jobs need, and about a scope that is more than a
//! workspace.

use azcred_azure::{Permissions, RoleDefinition, RoleScope};

const ASSIGN: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.MachineLearningServices/workspaces/delete";
/// The role that is enough.
const ENOUGH: &str = "AzureML Data Scientist at a workspace is enough to submit jobs";

/// What a person should know before the role is assigned.
pub(super) fn warnings(role: &RoleDefinition, scope: &RoleScope) -> Vec<String> {
    let permissions = Permissions(role.permissions.clone());
    let at = scope.describe();
    let name = &role.name;
    let mut warnings = Vec::new();
    if permissions.allow(ASSIGN) {
        warnings.push(format!(
            "{name} permits to assign roles: the service principal can give itself and others every role at {at}. {ENOUGH}"
        ));
    } else if permissions.allow(DELETE) {
        warnings.push(format!(
            "{name} permits to change and delete what is at {at}, workspaces too. {ENOUGH}"
        ));
    }
    if scope.provider().is_none() {
        warnings.push(format!(
            "the role counts for all that is in {at} now and later. {ENOUGH}"
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred_azure::BuiltInRole;

    #[test]
    fn roles_and_scopes_that_are_more_than_jobs_need_are_warned_about() {
        const GROUP: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg";
        let workspace =
            format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws");
        let told = |role: &str, scope: &str| {
            let role = BuiltInRole::named(role).and_then(RoleDefinition::built_in);
            warnings(&role.unwrap(), &RoleScope::new(scope).unwrap())
        };
        assert!(told("AzureML Data Scientist", &workspace).is_empty());
        assert!(told("Reader", &workspace).is_empty());
        assert!(told("Owner", &workspace)[0].contains("every role"));
        assert!(told("Contributor", &workspace)[0].contains("delete"));
        assert!(told("Reader", GROUP)[0].contains("the resource group rg"));
        assert_eq!(told("Contributor", "/").len(), 2);
    }
}
