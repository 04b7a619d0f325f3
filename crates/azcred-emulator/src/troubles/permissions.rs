//! Troubles of permissions: roles, data roles, deny assignments.

use super::{TroubleError, scene::Scene};
use crate::damage::{Damage, Part};

type Made = Result<(), TroubleError>;

fn remove(scene: &mut Scene<'_>, role: Option<&str>) -> Made {
    let principal = scene.principal()?;
    let role = role.map(str::to_owned);
    scene.damage(Damage::RolesRemoved { principal, role });
    Ok(())
}

fn only(scene: &mut Scene<'_>, role: &str) -> Made {
    remove(scene, None)?;
    let principal = scene.principal()?;
    let at = scene.place(Part::Whole)?;
    let role = role.to_owned();
    scene.damage(Damage::RoleGiven {
        principal,
        role,
        at,
    });
    Ok(())
}

pub(super) fn no_role(scene: &mut Scene<'_>) -> Made {
    remove(scene, None)
}

pub(super) fn reader_only(scene: &mut Scene<'_>) -> Made {
    only(scene, "Reader")
}

pub(super) fn metrics_only(scene: &mut Scene<'_>) -> Made {
    only(scene, "AzureML Metrics Writer")
}

pub(super) fn no_data_role(scene: &mut Scene<'_>) -> Made {
    remove(scene, Some("Storage Blob Data Contributor"))
}

fn denied(scene: &mut Scene<'_>, actions: &[&str]) -> Made {
    let principal = scene.principal()?;
    let scope = scene.workspace()?;
    let actions = actions.iter().map(|one| (*one).to_owned()).collect();
    scene.damage(Damage::Denied {
        principal,
        scope,
        actions,
    });
    Ok(())
}

pub(super) fn jobs_denied(scene: &mut Scene<'_>) -> Made {
    denied(
        scene,
        &["Microsoft.MachineLearningServices/workspaces/jobs/*"],
    )
}

pub(super) fn computes_denied(scene: &mut Scene<'_>) -> Made {
    denied(
        scene,
        &["Microsoft.MachineLearningServices/workspaces/computes/*"],
    )
}
