//! Troubles of programs: other programs act as another identity, or can't sign in.

use super::{
    TroubleError,
    scene::{AZURE, HIML, Names, Scene},
};

type Made = Result<(), TroubleError>;

/// Those of Terraform's provider for Azure.
const TERRAFORM: Names = Names {
    tenant: "ARM_TENANT_ID",
    client: "ARM_CLIENT_ID",
    secret: "ARM_CLIENT_SECRET",
};

pub(super) fn az_other_account(scene: &mut Scene<'_>) -> Made {
    let folder = scene.azure_cli()?.display().to_string();
    scene.set("AZURE_CONFIG_DIR", folder);
    let own = scene.service_principal()?;
    scene.sign_in_as(&AZURE, own)
}

pub(super) fn terraform_other_account(scene: &mut Scene<'_>) -> Made {
    let own = scene.service_principal()?;
    scene.sign_in_as(&AZURE, own)?;
    let other = scene.other()?;
    scene.sign_in_as(&TERRAFORM, other)
}

/// Lets Azure CLI use a copy of its folder, in which one file has another content.
fn az_damaged(scene: &mut Scene<'_>, file: &str, content: &str) -> Made {
    let from = scene.azure_cli()?;
    let folder = scene.copy(from, "azure")?;
    scene.file(&format!("azure/{file}"), content)?;
    scene.set("AZURE_CONFIG_DIR", folder.display().to_string());
    Ok(())
}

pub(super) fn az_profile_damaged(scene: &mut Scene<'_>) -> Made {
    // As after a full disk.
    az_damaged(scene, "azureProfile.json", "{\"subscriptions\": [{\"id\"")
}

pub(super) fn az_cache_damaged(scene: &mut Scene<'_>) -> Made {
    az_damaged(scene, "msal_token_cache.json", "{\"AccessToken\": {")
}

pub(super) fn himl_half_set(scene: &mut Scene<'_>) -> Made {
    let own = scene.service_principal()?;
    scene.sign_in_as(&AZURE, own)?;
    scene.sign_in_as(&HIML, own)?;
    scene.unset(HIML.secret);
    Ok(())
}

pub(super) fn user_variables(scene: &mut Scene<'_>) -> Made {
    let own = scene.service_principal()?;
    scene.sign_in_as(&AZURE, own)?;
    scene.unset(AZURE.secret);
    let user = scene.info.users.iter().find(|user| user.password.is_some());
    let user = user.ok_or(TroubleError::Missing("user with a password"))?;
    scene.set("AZURE_USERNAME", user.user_principal_name.as_str());
    scene.set(
        "AZURE_PASSWORD",
        user.password.as_deref().unwrap_or_default(),
    );
    Ok(())
}

pub(super) fn empty_msi_endpoint(scene: &mut Scene<'_>) -> Made {
    scene.set("MSI_ENDPOINT", "");
    Ok(())
}
