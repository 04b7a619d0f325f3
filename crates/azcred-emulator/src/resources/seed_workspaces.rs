//! What belongs to the workspaces of a seed: a key vault and a registry, computes and datastores.

use super::{
    KEY_VAULT_TYPE, REGISTRY_TYPE, Resources, SeedProblem, compute,
    resource::Resource,
    scope::{InvalidScope, Scope},
    seed::{ResourcesSeed, problem, put},
    workspace::WORKSPACE_TYPE,
};
use serde_json::Value;
use time::OffsetDateTime;
use toml::Spanned;

impl ResourcesSeed {
    /// What workspaces contain.
    pub(super) fn build_workspaces(
        &self,
        made: &mut Resources,
        now: OffsetDateTime,
    ) -> Result<(), SeedProblem> {
        let all = made.resources().filter(|one| one.is_a(WORKSPACE_TYPE));
        let all: Vec<Resource> = all.cloned().collect();
        for workspace in &all {
            made.open_workspace(&workspace.id);
            made.put_beside(workspace, "keyVault", KEY_VAULT_TYPE, now);
            made.put_beside(workspace, "containerRegistry", REGISTRY_TYPE, now);
        }
        add(
            made,
            "computes",
            &self.computes,
            |one| compute::workspace(all.iter(), &one.workspace),
            |one, workspace| one.resource(workspace, now),
        )?;
        add(
            made,
            "datastores",
            &self.datastores,
            |one| compute::workspace(all.iter(), &one.workspace),
            |one, workspace| one.resource(workspace, now),
        )
    }
}

impl Resources {
    /// Adds the resource that a property of a workspace names, unless the seed describes it.
    fn put_beside(
        &mut self,
        workspace: &Resource,
        property: &str,
        kind: &str,
        now: OffsetDateTime,
    ) {
        let named = workspace.properties.get(property).and_then(Value::as_str);
        let named = named.and_then(|id| id.parse::<Scope>().ok());
        let Some(named) = named.filter(|id| self.resource(id).is_none()) else {
            return;
        };
        let group = named.path_ancestry().into_iter().nth(1);
        // With the type's own spelling, which workspaces don't use.
        let tail = format!("providers/{kind}/{}", named.name());
        let Some(Ok(id)) = group.map(|group| group.child(&tail)) else {
            return;
        };
        let mut resource = Resource::new(id);
        resource.location.clone_from(&workspace.location);
        resource.system_data.clone_from(&workspace.system_data);
        self.complete(&mut resource, now);
        self.put_resource(resource);
    }
}

/// Adds what a table of the seed describes to the workspaces that it names.
fn add<T>(
    made: &mut Resources,
    table: &str,
    entries: &[Spanned<T>],
    workspace: impl Fn(&T) -> Result<Resource, String>,
    resource: impl Fn(&T, &Resource) -> Result<Resource, InvalidScope>,
) -> Result<(), SeedProblem> {
    for (at, entry) in entries.iter().enumerate() {
        let given = entry.get_ref();
        let field = format!("{table}[{at}]");
        let workspace = workspace(given)
            .map_err(|message| problem(entry, format!("{field}.workspace"), message))?;
        let resource = resource(given, &workspace)
            .map_err(|error| problem(entry, field.clone(), error.to_string()))?;
        put(made, resource).map_err(|message| problem(entry, field, message))?;
    }
    Ok(())
}
