//! Troubles of the sign-in: variables, secrets, certificates, assertions, policies.

use super::{
    TroubleError,
    scene::{AZURE, HIML, Scene},
};
use crate::{
    damage::Damage,
    directory::{EXCHANGE_AUDIENCE, Requirement},
    environment::Persona,
    seed::pem,
    signing,
};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject as _};
use serde_json::json;
use std::{fs, io};
use uuid::{Uuid, uuid};

type Made = Result<(), TroubleError>;

/// A tenant of another company, which the trouble adds.
pub(super) const OTHER_TENANT: Uuid = uuid!("fab71ca0-0000-4000-8000-000000000001");
/// Its subscription.
pub(super) const OTHER_SUBSCRIPTION: Uuid = uuid!("5ec0ffee-0009-4000-8000-000000000001");
/// An id that no application has: that of the demo with one digit changed.
const UNKNOWN_APPLICATION: &str = "a0000001-0000-4000-8000-0000000000e1";
/// An id that no tenant has.
const UNKNOWN_TENANT: &str = "c0a70500-0000-4000-8000-0000000000e1";

pub(super) fn no_account(scene: &mut Scene<'_>) -> Made {
    for names in [&AZURE, &HIML] {
        for name in [names.tenant, names.client, names.secret] {
            scene.unset(name);
        }
    }
    Ok(())
}

pub(super) fn half_set(scene: &mut Scene<'_>) -> Made {
    scene.sign_in()?;
    scene.unset(scene.names().secret);
    Ok(())
}

pub(super) fn tenant_not_set(scene: &mut Scene<'_>) -> Made {
    scene.sign_in()?;
    scene.unset(scene.names().tenant);
    Ok(())
}

/// Changes the value of one of the persona's variables.
fn altered(scene: &mut Scene<'_>, name: &str, alter: impl Fn(&str) -> String) -> Made {
    scene.sign_in()?;
    let value = scene.change.set.get(name).cloned().unwrap_or_default();
    scene.set(name, alter(&value));
    Ok(())
}

pub(super) fn secret_in_quotes(scene: &mut Scene<'_>) -> Made {
    altered(scene, scene.names().secret, |value| format!("\"{value}\""))
}

pub(super) fn secret_with_line_end(scene: &mut Scene<'_>) -> Made {
    altered(scene, scene.names().secret, |value| format!("{value}\r\n"))
}

pub(super) fn client_id_with_spaces(scene: &mut Scene<'_>) -> Made {
    altered(scene, scene.names().client, |value| format!(" {value} "))
}

pub(super) fn client_id_with_unseen_character(scene: &mut Scene<'_>) -> Made {
    // A zero-width space, as web pages have them.
    altered(scene, scene.names().client, |value| {
        format!("{value}\u{200b}")
    })
}

pub(super) fn placeholder_left(scene: &mut Scene<'_>) -> Made {
    altered(scene, scene.names().tenant, |_| {
        "<your-tenant-id>".to_owned()
    })
}

pub(super) fn wrong_secret(scene: &mut Scene<'_>) -> Made {
    // As long as a real one, and as random: the value before the last rotation.
    altered(scene, scene.names().secret, |value| {
        let mut old: Vec<char> = value.chars().collect();
        old.reverse();
        old.into_iter().collect()
    })
}

pub(super) fn secret_id_for_value(scene: &mut Scene<'_>) -> Made {
    let id = scene.service_principal()?.secret_id;
    let id = id.ok_or(TroubleError::Missing("secret with an id"))?;
    altered(scene, scene.names().secret, |_| id.to_string())
}

pub(super) fn expired_secret(scene: &mut Scene<'_>) -> Made {
    let client_id = scene.application()?.client_id;
    scene.damage(Damage::SecretsExpired { client_id });
    Ok(())
}

pub(super) fn unknown_application(scene: &mut Scene<'_>) -> Made {
    altered(scene, scene.names().client, |_| {
        UNKNOWN_APPLICATION.to_owned()
    })
}

pub(super) fn unknown_tenant(scene: &mut Scene<'_>) -> Made {
    altered(scene, scene.names().tenant, |_| UNKNOWN_TENANT.to_owned())
}

pub(super) fn wrong_tenant(scene: &mut Scene<'_>) -> Made {
    scene.damage(Damage::OtherTenant {
        tenant: OTHER_TENANT,
        subscription: OTHER_SUBSCRIPTION,
    });
    altered(scene, scene.names().tenant, |_| OTHER_TENANT.to_string())
}

pub(super) fn disabled_application(scene: &mut Scene<'_>) -> Made {
    let principal = scene.principal()?;
    scene.damage(Damage::PrincipalDisabled { principal });
    Ok(())
}

pub(super) fn no_service_principal(scene: &mut Scene<'_>) -> Made {
    let principal = scene.principal()?;
    scene.damage(Damage::PrincipalDeleted { principal });
    Ok(())
}

pub(super) fn conditional_access_block(scene: &mut Scene<'_>) -> Made {
    let principal = scene.principal()?;
    scene.damage(match scene.persona {
        Persona::Laptop => Damage::Policy {
            user: principal,
            requirement: Requirement::Block,
        },
        _ => Damage::PrincipalBlocked { principal },
    });
    Ok(())
}

pub(super) fn mfa_required(scene: &mut Scene<'_>) -> Made {
    let user = scene.user()?;
    scene.damage(Damage::Policy {
        user,
        requirement: Requirement::Mfa,
    });
    Ok(())
}

pub(super) fn revoked_sign_in(scene: &mut Scene<'_>) -> Made {
    let user = scene.user()?;
    scene.damage(Damage::SessionsRevoked { user });
    Ok(())
}

pub(super) fn disabled_account(scene: &mut Scene<'_>) -> Made {
    let user = scene.user()?;
    scene.damage(Damage::UserDisabled { user });
    Ok(())
}

pub(super) fn no_federated_credential(scene: &mut Scene<'_>) -> Made {
    let application = scene.application()?;
    let other = application.federated.first();
    let other = other.map_or("", |one| one.subject.as_str());
    let subject = match scene.persona {
        Persona::Github => "repo:contoso/models:ref:refs/heads/release".to_owned(),
        _ => format!("{other}-2"),
    };
    let client_id = application.client_id;
    scene.damage(Damage::SubjectChanged { client_id, subject });
    Ok(())
}

pub(super) fn expired_assertion(scene: &mut Scene<'_>) -> Made {
    let trusted = scene.application()?.federated.first();
    let trusted = trusted.ok_or(TroubleError::Missing("federated credential for a cluster"))?;
    // A day old: far outside the tolerance for clocks.
    let token = scene.info.minted(&json!({
        "issuer": trusted.issuer,
        "subject": trusted.subject,
        "audience": EXCHANGE_AUDIENCE,
        "lifetime": -86_400,
    }))?;
    let path = scene.file("token", token)?;
    scene.set("AZURE_FEDERATED_TOKEN_FILE", path.display().to_string());
    Ok(())
}

pub(super) fn assertion_file_missing(scene: &mut Scene<'_>) -> Made {
    let path = scene.info.state_dir.join("no-such-token");
    scene.set("AZURE_FEDERATED_TOKEN_FILE", path.display().to_string());
    Ok(())
}

const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";

/// The persona's certificate and its key, in PEM.
fn certificate(scene: &Scene<'_>) -> Result<String, TroubleError> {
    let path = scene.application()?.certificate_path.as_ref();
    let path = path.ok_or(TroubleError::Missing("certificate of an application"))?;
    Ok(fs::read_to_string(path)?)
}

pub(super) fn unregistered_certificate(scene: &mut Scene<'_>) -> Made {
    let client_id = scene.application()?.client_id;
    scene.damage(Damage::CertificatesRemoved { client_id });
    Ok(())
}

pub(super) fn expired_certificate_file(scene: &mut Scene<'_>) -> Made {
    certificate_ending_in(scene, -30)
}

pub(super) fn certificate_ends_soon(scene: &mut Scene<'_>) -> Made {
    certificate_ending_in(scene, 5)
}

/// Another certificate in the place of the application's, for the same key.
fn certificate_ending_in(scene: &mut Scene<'_>, days: i64) -> Made {
    let client_id = scene.application()?.client_id;
    let failed = |why: String| TroubleError::Io(io::Error::other(why));
    let key = PrivatePkcs8KeyDer::from_pem_slice(certificate(scene)?.as_bytes());
    let key = key.map_err(|error| failed(error.to_string()))?;
    let key = key.secret_pkcs8_der();
    let der = signing::ending_in(key, days).map_err(|error| failed(error.to_string()))?;
    let text = format!("{}{}", *pem("PRIVATE KEY", key), *pem("CERTIFICATE", &der));
    let path = scene.file("certificate.pem", text)?;
    scene.set(CERTIFICATE, path.display().to_string());
    // It is the only one, as of a person who has made one.
    scene.damage(Damage::CertificatesRemoved { client_id });
    scene.damage(Damage::CertificateAdded { client_id, der });
    Ok(())
}

pub(super) fn certificate_without_key(scene: &mut Scene<'_>) -> Made {
    let pem = certificate(scene)?;
    let begin = pem.find("-----BEGIN CERTIFICATE-----");
    let path = scene.file("certificate.pem", &pem[begin.unwrap_or_default()..])?;
    scene.set(CERTIFICATE, path.display().to_string());
    Ok(())
}

pub(super) fn certificate_missing(scene: &mut Scene<'_>) -> Made {
    let path = scene.info.state_dir.join("no-such-certificate.pem");
    scene.set(CERTIFICATE, path.display().to_string());
    Ok(())
}

pub(super) fn identity_not_assigned(scene: &mut Scene<'_>) -> Made {
    scene.set(AZURE.client, UNKNOWN_APPLICATION);
    Ok(())
}

pub(super) fn metadata_switched_off(scene: &mut Scene<'_>) -> Made {
    scene.set("AZCRED_IMDS", "never");
    Ok(())
}

pub(super) fn two_identities(scene: &mut Scene<'_>) -> Made {
    let own = scene.service_principal()?;
    scene.sign_in_as(&AZURE, own)?;
    let other = scene.other()?;
    scene.sign_in_as(&HIML, other)
}

pub(super) fn wrong_account(scene: &mut Scene<'_>) -> Made {
    let user = scene.user()?;
    let settings =
        format!("# Contoso's models are trained by people.\n[expect]\nprincipal = \"{user}\"\n");
    scene.file("azcred.toml", settings)?;
    let application = scene.service_principal()?;
    scene.sign_in_as(&AZURE, application)?;
    scene.enter()
}
