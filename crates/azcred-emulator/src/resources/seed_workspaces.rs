//! What the workspaces of a seed contain: computes and datastores.

use super::{
    Resources, SeedProblem, compute,
    resource::Resource,
    seed::{ResourcesSeed, problem, put},
    workspace::WORKSPACE_TYPE,
};
use time::OffsetDateTime;

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
        for (at, entry) in self.computes.iter().enumerate() {
            let given = entry.get_ref();
            let field = format!("computes[{at}]");
            let workspace = compute::workspace(all.iter(), &given.workspace)
                .map_err(|message| problem(entry, format!("{field}.workspace"), message))?;
            let resource = given
                .resource(&workspace, now)
                .map_err(|error| problem(entry, field.clone(), error.to_string()))?;
            put(made, resource).map_err(|message| problem(entry, field, message))?;
        }
        for (at, entry) in self.datastores.iter().enumerate() {
            let given = entry.get_ref();
            let field = format!("datastores[{at}]");
            let workspace = compute::workspace(all.iter(), &given.workspace)
                .map_err(|message| problem(entry, format!("{field}.workspace"), message))?;
            let resource = given
                .resource(&workspace, now)
                .map_err(|error| problem(entry, field.clone(), error.to_string()))?;
            put(made, resource).map_err(|message| problem(entry, field, message))?;
        }
        Ok(())
    }
}
