//! What the workspaces of a seed contain: computes and datastores.

use super::{
    Resources, SeedProblem, compute,
    resource::Resource,
    scope::InvalidScope,
    seed::{ResourcesSeed, problem, put},
    workspace::WORKSPACE_TYPE,
};
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
