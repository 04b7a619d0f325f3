//! Troubles of the machine: its clock, its network, its certificates.

use super::{TroubleError, scene::Scene};
use crate::{
    damage::Damage,
    faults::{Effect, Fault},
    proxy_faults::ProxyFault,
    service::Service,
};
use std::fs;

type Made = Result<(), TroubleError>;

/// A port on which nothing listens: only root could.
const CLOSED: &str = "http://127.0.0.1:1";

/// A name that no name service knows (RFC 6761 section 6.4).
const UNKNOWN_HOST: &str = "login.contoso.invalid";

fn fault(scene: &mut Scene<'_>, fault: Fault) -> Made {
    scene.damage(Damage::Fault(fault));
    Ok(())
}

fn hangs(scene: &mut Scene<'_>, service: Service) -> Made {
    fault(scene, Fault::new(Effect::Hang).on(service))
}

pub(super) fn clock_behind(scene: &mut Scene<'_>) -> Made {
    fault(scene, Fault::new(Effect::ClockSkew { seconds: 3600 }))
}

pub(super) fn clock_ahead(scene: &mut Scene<'_>) -> Made {
    fault(scene, Fault::new(Effect::ClockSkew { seconds: -3600 }))
}

pub(super) fn unknown_authority(scene: &mut Scene<'_>) -> Made {
    scene.set("AZURE_AUTHORITY_HOST", format!("https://{UNKNOWN_HOST}"));
    // Else the emulator's proxy would be asked for the name, and reject it.
    for name in ["NO_PROXY", "no_proxy"] {
        scene.set(name, format!("localhost,127.0.0.1,::1,{UNKNOWN_HOST}"));
    }
    Ok(())
}

pub(super) fn proxy_gone(scene: &mut Scene<'_>) -> Made {
    scene.set("HTTPS_PROXY", CLOSED);
    scene.set("https_proxy", CLOSED);
    Ok(())
}

fn proxy(scene: &mut Scene<'_>, fault: ProxyFault) -> Made {
    scene.damage(Damage::Proxy(fault));
    Ok(())
}

pub(super) fn proxy_password(scene: &mut Scene<'_>) -> Made {
    proxy(scene, ProxyFault::WantsPassword)
}

pub(super) fn proxy_silent(scene: &mut Scene<'_>) -> Made {
    proxy(scene, ProxyFault::Silent)
}

pub(super) fn proxy_forbids(scene: &mut Scene<'_>) -> Made {
    proxy(scene, ProxyFault::Forbids)
}

pub(super) fn proxy_swallows_metadata(scene: &mut Scene<'_>) -> Made {
    let proxy_url = scene.info.proxy_url.clone();
    scene.set("HTTP_PROXY", proxy_url.as_str());
    scene.set("http_proxy", proxy_url);
    for name in ["NO_PROXY", "no_proxy"] {
        scene.unset(name);
    }
    proxy(scene, ProxyFault::SwallowsMetadata)
}

/// The bundle without the emulator's authority, as a program sees it whose connections another
/// authority intercepts.
fn without_authority(scene: &mut Scene<'_>) -> Result<String, TroubleError> {
    let bundle = fs::read_to_string(&scene.info.ca_bundle)?;
    let own = fs::read_to_string(&scene.info.ca_certificate)?;
    let begin = "-----BEGIN CERTIFICATE-----";
    let content = |pem: &str| -> String { pem.split_whitespace().collect() };
    let own = content(own.split(begin).nth(1).unwrap_or_default());
    let others = bundle.split(begin).filter(|one| content(one) != own);
    let others: Vec<&str> = others.collect();
    let path = scene.file("roots.pem", others.join(begin))?;
    Ok(path.display().to_string())
}

pub(super) fn tls_intercepted(scene: &mut Scene<'_>) -> Made {
    let bundle = without_authority(scene)?;
    for name in [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
    ] {
        scene.set(name, bundle.as_str());
    }
    Ok(())
}

pub(super) fn bundle_incomplete(scene: &mut Scene<'_>) -> Made {
    let bundle = without_authority(scene)?;
    scene.set("SSL_CERT_FILE", bundle);
    Ok(())
}

pub(super) fn bundle_missing(scene: &mut Scene<'_>) -> Made {
    let path = scene.info.state_dir.join("no-such-bundle.pem");
    scene.set("SSL_CERT_FILE", path.display().to_string());
    Ok(())
}

pub(super) fn sign_in_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Login)
}

pub(super) fn resource_manager_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Arm)
}

pub(super) fn graph_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Graph)
}

pub(super) fn mlflow_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Ml)
}

pub(super) fn storage_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Blob)
}

pub(super) fn vault_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Vault)
}

pub(super) fn registry_hangs(scene: &mut Scene<'_>) -> Made {
    hangs(scene, Service::Registry)
}

pub(super) fn captive_portal(scene: &mut Scene<'_>) -> Made {
    fault(scene, Fault::new(Effect::Html).on(Service::Login))
}

pub(super) fn throttled(scene: &mut Scene<'_>) -> Made {
    let effect = Effect::Status {
        status: 429,
        retry_after: Some(300),
    };
    fault(scene, Fault::new(effect).on(Service::Arm))
}
