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
    only(scene, "AzureML Metrics Writer (preview)")
}

pub(super) fn no_data_role(scene: &mut Scene<'_>) -> Made {
    remove(scene, Some("Storage Blob Data Contributor"))
}

/// Forbids these actions, or data actions, at a part of the workspace.
fn denied(scene: &mut Scene<'_>, part: Part, actions: &[&str], data_actions: &[&str]) -> Made {
    let owned = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    let principal = scene.principal()?;
    let at = scene.place(part)?;
    scene.damage(Damage::Denied {
        principal,
        at,
        actions: owned(actions),
        data_actions: owned(data_actions),
    });
    Ok(())
}

pub(super) fn jobs_denied(scene: &mut Scene<'_>) -> Made {
    let jobs = "Microsoft.MachineLearningServices/workspaces/jobs/*";
    denied(scene, Part::Whole, &[jobs], &[])
}

pub(super) fn computes_denied(scene: &mut Scene<'_>) -> Made {
    let computes = "Microsoft.MachineLearningServices/workspaces/computes/*";
    denied(scene, Part::Whole, &[computes], &[])
}

pub(super) fn data_reads_denied(scene: &mut Scene<'_>) -> Made {
    let data = "Microsoft.MachineLearningServices/workspaces/data/versions/read";
    denied(scene, Part::Whole, &[data], &[])
}

pub(super) fn data_writes_denied(scene: &mut Scene<'_>) -> Made {
    let data = "Microsoft.MachineLearningServices/workspaces/data/versions/write";
    denied(scene, Part::Whole, &[data], &[])
}

pub(super) fn blobs_denied(scene: &mut Scene<'_>) -> Made {
    let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*";
    denied(scene, Part::Storage, &[], &[blobs])
}

pub(super) fn secrets_denied(scene: &mut Scene<'_>) -> Made {
    let principal = scene.principal()?;
    let at = scene.place(Part::Vault)?;
    // Without a role, the deny assignment would not be the cause.
    let role = "Key Vault Secrets User".to_owned();
    scene.damage(Damage::RoleGiven {
        principal,
        role,
        at,
    });
    let secrets = "Microsoft.KeyVault/vaults/secrets/*";
    denied(scene, Part::Vault, &[], &[secrets])
}
