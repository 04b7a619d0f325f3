//! Doors for the fuzz targets in `fuzz/`: an emulator without ports, and parsers.

use crate::{
    ca::Ca,
    directory::SecretText,
    emulator::Created,
    identity_hosts::Hosts,
    issuer,
    seed::{GeneratedSecrets, Seed},
    serve::{Admin, Context},
    service::Urls,
    shared_keys,
    signing::{Keys, SigningKey},
    world::World,
};
use axum::body::{Body, to_bytes};
use http::{Request, Response, header};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::sync::watch;
use uuid::Uuid;

/// The largest response that is read.
const LARGEST: usize = 16 << 20;
/// The token of the admin service.
const ADMIN_TOKEN: &str = "fuzz";

/// An emulator without ports.
pub struct Local {
    /// Azure Arc's agent writes its keys here.
    _state: TempDir,
    context: Context,
    admin: Admin,
    certificate_key: Option<SigningKey>,
    /// The hosts wait for its end.
    _running: watch::Sender<bool>,
}

/// What takes long to make, and does not depend on the seed.
struct Made {
    ca: Arc<Ca>,
    secrets: Mutex<GeneratedSecrets>,
}

fn made() -> Result<&'static Made, String> {
    static MADE: OnceLock<Result<Made, String>> = OnceLock::new();
    let make = || {
        let (certificate, key) = Ca::generate().map_err(|error| error.to_string())?;
        let ca = Ca::from_pem(&certificate, &key).map_err(|error| error.to_string())?;
        let mut secrets = GeneratedSecrets::default();
        secrets.share_keys();
        Ok(Made {
            ca: Arc::new(ca),
            secrets: Mutex::new(secrets),
        })
    };
    MADE.get_or_init(make).as_ref().map_err(Clone::clone)
}

fn signing_key(purpose: &str) -> Result<SigningKey, String> {
    let (pkcs8, certificate) = shared_keys::key_for(purpose).map_err(|error| error.to_string())?;
    SigningKey::from_der(&pkcs8, &certificate).map_err(|error| error.to_string())
}

impl Local {
    /// An emulator with this content. `created` is the file of what was created in earlier runs.
    ///
    /// # Errors
    /// As an emulator that does not start says it.
    pub fn start(seed: &Seed, created: Option<&[u8]>) -> Result<Self, String> {
        let made = made()?;
        let mut content = {
            let mut secrets = made.secrets.lock().unwrap_or_else(PoisonError::into_inner);
            seed.build(&mut secrets, OffsetDateTime::now_utc())
                .map_err(|error| error.to_string())?
        };
        let resources = match created {
            None => content.resources,
            Some(created) => {
                let created: Created = serde_json::from_slice(created)
                    .map_err(|error| format!("line {} column {}", error.line(), error.column()))?;
                if let Some(kept) = created.directory {
                    kept.restore(&mut content.directory);
                }
                created.resources
            }
        };
        let user = content.directory.users.keys().next().copied();
        let state = tempfile::tempdir().map_err(|error| error.to_string())?;
        let hosts = Hosts::new(content.managed_identities, user, state.path())
            .map_err(|error| error.to_string())?;
        let keys = Keys {
            entra: signing_key("entra-key.pem")?,
            issuer: signing_key("issuer-key.pem")?,
        };
        let world = Arc::new(World::new(content.directory, resources, keys));
        for fault in content.faults {
            world.faults.arm(fault).map_err(|error| error.to_string())?;
        }
        world.faults.clear();
        let at = |port: u16| format!("https://localhost:{port}");
        world.set_urls(Urls {
            login: at(1),
            arm: at(2),
            graph: at(3),
            ml: at(4),
            blob: at(5),
        });
        let (running, shutdown) = watch::channel(false);
        let token = SecretText::new(ADMIN_TOKEN);
        let context = Context::new(world, made.ca.clone(), Arc::new(hosts), shutdown);
        let admin = Admin::new(context.clone(), token, Arc::new(OnceLock::new()));
        Ok(Self {
            _state: state,
            context,
            admin,
            certificate_key: certificate_key(made),
            _running: running,
        })
    }

    /// Sends a request to a service's port, or to Azure's real host. `None`: the connection was
    /// cut, or that service or host does not exist.
    pub async fn send(&self, to: &str, request: Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        if to == "admin" {
            return self.to_admin(request).await;
        }
        let response = self.context.handle(to, request.map(Body::from)).await?;
        whole(response).await
    }

    /// Faults are parsed, and do not stay: some of them take their time.
    async fn to_admin(&self, mut request: Request<Vec<u8>>) -> Option<Response<Vec<u8>>> {
        let token = http::HeaderValue::from_static("Bearer fuzz");
        request.headers_mut().insert(header::AUTHORIZATION, token);
        let response = self.admin.handle(request.map(Body::from)).await;
        self.context.world.faults.clear();
        whole(response).await
    }

    /// A token of the test issuers, with any claims.
    pub fn federated_token(&self, claims: &Map<String, Value>) -> Option<String> {
        issuer::sign(&self.context.world, claims).ok()
    }

    /// An assertion by an application's certificate, with any claims.
    pub fn assertion(&self, claims: &Map<String, Value>) -> Option<String> {
        self.certificate_key.as_ref()?.sign(claims).ok()
    }

    /// The secrets that a client may have sent or may get, and that no error may show.
    pub fn secrets(&self) -> Vec<(Uuid, String)> {
        let directory = self.context.world.directory();
        let of = |app: &crate::directory::Application| {
            let newest = app.secrets.iter().max_by_key(|secret| secret.expires)?;
            Some((app.app_id, newest.text.expose().to_owned()))
        };
        directory.applications.values().filter_map(of).collect()
    }
}

async fn whole(response: Response<Body>) -> Option<Response<Vec<u8>>> {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LARGEST).await.ok()?;
    Some(Response::from_parts(parts, body.to_vec()))
}

fn certificate_key(made: &Made) -> Option<SigningKey> {
    use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject as _};
    let secrets = made.secrets.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, _, pem) = secrets.certificates().next()?;
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok()?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    SigningKey::from_der(key.secret_pkcs8_der(), &certificate).ok()
}
