//! Troubles of the workspace: where it is looked for, its state, its network, its parts.

use super::{
    TroubleError,
    scene::Scene,
    sign_in::{OTHER_SUBSCRIPTION, OTHER_TENANT},
};
use crate::{
    damage::{Damage, Part},
    resources::SubscriptionState,
};
use serde_json::{Value, json};

type Made = Result<(), TroubleError>;

/// The variables with the workspace, which come before its file.
const VARIABLES: [&str; 3] = [
    "AZUREML_ARM_SUBSCRIPTION",
    "AZUREML_ARM_RESOURCEGROUP",
    "AZUREML_ARM_WORKSPACE_NAME",
];

/// Lets the program find the workspace in this file only.
fn config(scene: &mut Scene<'_>, text: Option<&str>) -> Made {
    for name in VARIABLES {
        scene.unset(name);
    }
    if let Some(text) = text {
        scene.file("config.json", text)?;
    }
    scene.enter()
}

/// A `config.json` as the studio offers it for download, with these members replaced.
fn downloaded(scene: &Scene<'_>, replaced: &Value) -> Result<String, TroubleError> {
    let workspace = scene.info.workspace.as_ref();
    let workspace = workspace.ok_or(TroubleError::Missing("workspace"))?;
    let mut all = json!({
        "subscription_id": workspace.subscription_id,
        "resource_group": workspace.resource_group,
        "workspace_name": workspace.name,
    });
    for (name, value) in replaced.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    Ok(format!("{all:#}\n"))
}

pub(super) fn config_missing(scene: &mut Scene<'_>) -> Made {
    config(scene, None)
}

pub(super) fn config_malformed(scene: &mut Scene<'_>) -> Made {
    // A comma too many, as after the last line was deleted by hand.
    let text = downloaded(scene, &json!({}))?;
    let text = text.trim_end().trim_end_matches('}').trim_end().to_owned() + ",\n}\n";
    config(scene, Some(&text))
}

pub(super) fn config_other_workspace(scene: &mut Scene<'_>) -> Made {
    let text = downloaded(scene, &json!({"workspace_name": "ws-contoso-old"}))?;
    config(scene, Some(&text))
}

pub(super) fn config_other_group(scene: &mut Scene<'_>) -> Made {
    let text = downloaded(scene, &json!({"resource_group": "rg-contoso-old"}))?;
    config(scene, Some(&text))
}

pub(super) fn config_other_tenant(scene: &mut Scene<'_>) -> Made {
    scene.damage(Damage::OtherTenant {
        tenant: OTHER_TENANT,
        subscription: OTHER_SUBSCRIPTION,
    });
    let text = downloaded(scene, &json!({"subscription_id": OTHER_SUBSCRIPTION}))?;
    config(scene, Some(&text))
}

pub(super) fn subscription_disabled(scene: &mut Scene<'_>) -> Made {
    let subscription = scene.subscription()?;
    scene.damage(Damage::SubscriptionState {
        subscription,
        state: SubscriptionState::Disabled,
    });
    Ok(())
}

pub(super) fn provider_not_registered(scene: &mut Scene<'_>) -> Made {
    let subscription = scene.subscription()?;
    scene.damage(Damage::ProviderUnregistered {
        subscription,
        namespace: "Microsoft.MachineLearningServices".to_owned(),
    });
    Ok(())
}

fn property(scene: &mut Scene<'_>, part: Part, name: &str, value: Value) -> Made {
    let of = scene.place(part)?;
    let name = name.to_owned();
    scene.damage(Damage::Property { of, name, value });
    Ok(())
}

pub(super) fn workspace_deleting(scene: &mut Scene<'_>) -> Made {
    property(scene, Part::Whole, "provisioningState", json!("Deleting"))
}

pub(super) fn workspace_failed(scene: &mut Scene<'_>) -> Made {
    property(scene, Part::Whole, "provisioningState", json!("Failed"))
}

pub(super) fn workspace_gone(scene: &mut Scene<'_>) -> Made {
    gone(scene, Part::Whole)
}

fn gone(scene: &mut Scene<'_>, part: Part) -> Made {
    let of = scene.place(part)?;
    scene.damage(Damage::ResourceDeleted { of });
    Ok(())
}

pub(super) fn storage_gone(scene: &mut Scene<'_>) -> Made {
    gone(scene, Part::Storage)
}

pub(super) fn vault_gone(scene: &mut Scene<'_>) -> Made {
    gone(scene, Part::Vault)
}

pub(super) fn registry_gone(scene: &mut Scene<'_>) -> Made {
    gone(scene, Part::Registry)
}

/// A firewall that lets in one address, which is for documentation (RFC 5737).
fn firewall(scene: &mut Scene<'_>, part: Part) -> Made {
    let rules = json!({
        "bypass": "AzureServices",
        "virtualNetworkRules": [],
        "ipRules": [{"value": "203.0.113.7", "action": "Allow"}],
        "defaultAction": "Deny",
    });
    property(scene, part, "networkAcls", rules)
}

pub(super) fn storage_firewall(scene: &mut Scene<'_>) -> Made {
    firewall(scene, Part::Storage)
}

pub(super) fn vault_firewall(scene: &mut Scene<'_>) -> Made {
    firewall(scene, Part::Vault)
}

fn private(scene: &mut Scene<'_>, part: Part) -> Made {
    property(scene, part, "publicNetworkAccess", json!("Disabled"))
}

pub(super) fn workspace_private(scene: &mut Scene<'_>) -> Made {
    private(scene, Part::Whole)
}

pub(super) fn storage_private(scene: &mut Scene<'_>) -> Made {
    private(scene, Part::Storage)
}

pub(super) fn vault_private(scene: &mut Scene<'_>) -> Made {
    private(scene, Part::Vault)
}

pub(super) fn registry_private(scene: &mut Scene<'_>) -> Made {
    private(scene, Part::Registry)
}
