//! An emulator from start to stop.

use crate::{
    azure_cli_folder,
    ci::{AzurePipelinesInfo, GithubActionsInfo},
    clock::machine_now,
    directory::{Application, Directory, KeptDirectory, SecretText},
    faults::{Faults, InvalidFault},
    homes::{PERSONAS_FOLDER, settle_left, short_hash},
    identity_hosts::{CertificateError, Hosts, HostsInfo},
    info::{self, FederatedInfo, IdentityInfo, Info, TenantInfo, UserInfo, WorkspaceInfo},
    jobs::{Job, JobFiles, Jobs},
    ports::Ports,
    projected_token::{self, Workload},
    request_log::RequestLog,
    resources::{Resources, Scope, WORKSPACE_TYPE},
    seed::{GeneratedSecrets, Seed, SeedError, pem},
    serve::{Admin, Bound, Context, Listeners},
    service::{Service, Urls},
    state::StateDir,
    state_error::StateError,
    trust_store,
    world::World,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};
use tokio::{sync::watch, task::JoinSet};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The trust store for Java, in the state folder.
const JAVA_TRUST_STORE: &str = "java-trust-store.jks";

/// Settings with which an emulator starts.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder for keys, secrets and what was created. `None`: a temporary folder, which is
    /// deleted when the emulator stops.
    pub state_dir: Option<PathBuf>,
    /// What exists at the start: tenants, users, applications, resources.
    pub seed: Seed,
    /// The ports.
    pub ports: Ports,
    /// Lifetime of access tokens in seconds. It takes precedence over the seed's.
    pub access_token_lifetime: Option<u32>,
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state folder.
    #[error("the state folder can't be used: {0}")]
    State(#[from] StateError),
    /// The seed.
    #[error("the seed can't be used: {0}")]
    Seed(#[from] SeedError),
    /// A fault in the seed.
    #[error("the seed can't be used: {0}")]
    Fault(#[from] InvalidFault),
    /// A port.
    #[error(
        "port {port} on 127.0.0.1 is not available for {service}: {source}; choose another port, or 0 for a free one"
    )]
    Port {
        /// The service for which the port was wanted.
        service: &'static str,
        /// The requested port.
        port: u16,
        /// The cause.
        source: std::io::Error,
    },
    /// The hosts of managed identities.
    #[error(transparent)]
    Hosts(#[from] CertificateError),
    /// A container that a datastore of the seed names.
    #[error("a container of the seed's datastores can't be made: {0}")]
    Container(String),
    /// The system returned no random bytes for the admin token.
    #[error("the system returned no random bytes")]
    Randomness,
}

/// What was created while an emulator ran. It is kept for the next start with the same seed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Created {
    pub(crate) resources: Resources,
    /// An earlier version did not keep it.
    #[serde(default)]
    pub(crate) directory: Option<KeptDirectory>,
}

/// The files of the jobs that were submitted with one seed.
struct JobFolder {
    state: Arc<StateDir>,
    folder: String,
}

impl JobFolder {
    fn read(&self) -> Result<Vec<Job>, StateError> {
        let consequence = "; the job in it is then lost";
        self.state.read_json_files(&self.folder, consequence)
    }
}

impl JobFiles for JobFolder {
    fn write(&self, name: &str, job: Option<&Job>) -> Result<(), StateError> {
        let name = format!("{}/{name}", self.folder);
        let Some(job) = job else {
            self.state.remove(&name);
            return Ok(());
        };
        self.state.folder(&self.folder)?;
        self.state.write_json(&name, job)
    }
}

/// A running emulator. It stops when it is dropped; [`Emulator::shutdown`] also waits for its
/// tasks.
pub struct Emulator {
    info: Info,
    world: Arc<World>,
    context: Context,
    shutdown: watch::Sender<bool>,
    tasks: JoinSet<()>,
    state: Arc<StateDir>,
    hosts: Arc<Hosts>,
}

impl Emulator {
    /// Starts an emulator. Returns when every port accepts connections and `emulator.json` is
    /// written.
    ///
    /// Needs a Tokio runtime with I/O and time. The first start with a state folder creates RSA
    /// keys, which takes a moment.
    ///
    /// # Errors
    /// When the state folder or the seed can't be used, or a port is in use.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let state = Arc::new(match &options.state_dir {
            Some(path) => StateDir::open(path)?,
            None => StateDir::ephemeral()?,
        });
        let ca = Arc::new(state.ca()?);
        let keys = state.keys()?;
        let mut made = state.made()?;
        if options.state_dir.is_none() {
            made.share_keys();
        }
        let mut content = options.seed.build(&mut made, machine_now())?;
        if made.has_changed() {
            state.write_json("secrets.json", &made)?;
        }
        if let Some(lifetime) = options.access_token_lifetime {
            let tenants = content.directory.tenants.values_mut();
            tenants.for_each(|tenant| tenant.access_token_lifetime = Some(lifetime));
        }
        // Each seed has a separate file for what was created, so that another seed can't read or
        // change it.
        let created = format!("created-{}.json", content.digest);
        let kept: Option<Created> =
            state.read_json(&created, "; everything that was created is then lost")?;
        let mut directory = std::mem::take(&mut content.directory);
        let is_new = kept.is_none();
        let resources = match kept {
            None => content.resources.clone(),
            Some(kept) => {
                if let Some(kept) = kept.directory {
                    kept.restore(&mut directory);
                }
                kept.resources
            }
        };

        // A sign-in is good for one set of keys and one seed.
        let good_for = short_hash(&format!("{} {}", keys.entra.kid(), content.digest));
        let personas = format!("{PERSONAS_FOLDER}/{good_for}");
        let personas_dir = state.file(&personas);
        settle_left(&personas_dir);

        let identities = identities(&directory, content.tenant, &state, &made)?;
        let workload = Workload::find(&directory, content.tenant);
        let user = host_user(&directory, content.tenant);
        let person = azure_cli_folder::person(&directory, content.tenant).map(|user| user.id);
        let hosts = Arc::new(Hosts::new(content.managed_identities, user, state.path())?);
        let tenant = tenant_info(&directory, content.tenant);
        let workspace = workspace_info(&resources);
        let files = JobFolder {
            state: state.clone(),
            folder: format!("jobs-{}", content.digest),
        };
        let jobs = Jobs::restored(files.read()?, std::mem::take(&mut content.jobs));
        let world = Arc::new(World::new(directory, resources, keys).with_jobs(jobs));
        for fault in std::mem::take(&mut content.faults) {
            world.faults.arm(fault)?;
        }
        world
            .storage()
            .keep_in(state.file(&format!("storage-{}", content.digest)));
        if is_new {
            let made = world.make_containers(None);
            made.map_err(|error| Error::Container(error.to_string()))?;
        }
        let keeper = state.clone();
        world.keep_with(move |directory, resources, jobs| {
            let created_now = Created {
                resources: resources.clone(),
                directory: Some(KeptDirectory::of(directory)),
            };
            keeper.write_json(&created, &created_now)?;
            jobs.keep(&files)
        });

        let listeners = bind(options.ports).await?;
        let urls = Urls {
            login: listeners.url(Service::Login),
            arm: listeners.url(Service::Arm),
            graph: listeners.url(Service::Graph),
            ml: listeners.url(Service::Ml),
            blob: listeners.url(Service::Blob),
        };
        let (users, github_actions, azure_pipelines) = {
            let directory = world.directory();
            let resources = world.resources();
            (
                users_info(&directory, &resources),
                GithubActionsInfo::find(&directory, &listeners.url(Service::GithubActions)),
                AzurePipelinesInfo::find(&directory, &listeners.url(Service::AzurePipelines)),
            )
        };
        let admin_token = SecretText::generate().map_err(|_| Error::Randomness)?;
        let mut info = Info {
            version: Info::VERSION,
            pid: std::process::id(),
            started: machine_now().unix_timestamp(),
            state_dir: state.path().to_owned(),
            personas_dir: Some(personas_dir),
            login_url: urls.login.clone(),
            arm_url: urls.arm.clone(),
            graph_url: urls.graph.clone(),
            ml_url: urls.ml.clone(),
            blob_url: urls.blob.clone(),
            // The proxy has a numeric address, as some programs can't resolve `localhost` in a
            // proxy's URL.
            proxy_url: format!("http://127.0.0.1:{}", listeners.proxy.port()),
            admin_url: format!("http://127.0.0.1:{}", listeners.admin.port()),
            admin_token: admin_token.expose().to_owned(),
            ca_certificate: state.file("ca.pem"),
            ca_bundle: state.file("ca-bundle.pem"),
            java_trust_store: state.file(JAVA_TRUST_STORE),
            tenant,
            workspace,
            identities,
            users,
            azure_cli: None,
            github_actions,
            azure_pipelines,
            identity_hosts: Some(HostsInfo::new(&hosts, |service| listeners.url(service))),
            workload: workload.as_ref().map(|workload| workload.info(&state)),
            ports: listeners.ports().collect(),
        };
        world.set_urls(urls);
        world.set_passwords(state.file(info::FILE_NAME));
        if let Some(person) = person {
            info.azure_cli = azure_cli_folder::write(&world, &state, person)?;
        }
        state.publish("ca-bundle.pem", &bundle(ca.certificate()))?;
        let own = [ca.certificate()].into_iter();
        let trusted = trust_store::jks(own, 0);
        state.publish(JAVA_TRUST_STORE, &trusted)?;

        let (shutdown, receiver) = watch::channel(false);
        let shown = Arc::new(OnceLock::new());
        if let Ok(value) = serde_json::to_value(&info) {
            let _ = shown.set(value);
        }
        let context = Context::new(world.clone(), ca, hosts.clone(), receiver);
        let admin = Arc::new(Admin::new(context.clone(), admin_token, shown));
        let mut tasks = listeners.serve(&context, &admin);
        if let Some(mut workload) = workload {
            workload.write(&world, &state)?;
            tasks.spawn(workload.keep_fresh(world.clone(), state.clone()));
        }
        let text = serde_json::to_vec_pretty(&info)
            .map(Zeroizing::new)
            .map_err(|e| StateError::Make {
                what: "emulator.json",
                why: e.to_string(),
            })?;
        state.publish(info::FILE_NAME, &text)?;
        tracing::info!(
            login = info.login_url,
            arm = info.arm_url,
            proxy = info.proxy_url,
            "ready"
        );
        Ok(Self {
            info,
            world,
            context,
            shutdown,
            tasks,
            state,
            hosts,
        })
    }

    /// The URLs and identities of this emulator.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The faults. They can be added and removed at any time.
    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// The paths that a service answers, with parameters in braces: `/{tenant}/oauth2/token`.
    /// Azure Resource Manager and Graph have none here: they read their paths themselves.
    pub fn paths(&self, service: Service) -> impl Iterator<Item = String> {
        self.context.paths(service)
    }

    /// The log of requests.
    pub fn requests(&self) -> &RequestLog {
        &self.world.requests
    }

    /// The content, which can be read and changed: applications, secrets, roles. [`World::keep`]
    /// stores changes of resources in the state folder.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Waits until a client of the admin port wants the emulator to stop.
    pub async fn is_to_stop(&self) {
        self.world.stop.notified().await;
    }

    /// Stops: ends all connections and removes `emulator.json`. A state folder that was given
    /// stays.
    pub async fn shutdown(mut self) {
        self.stop();
        // An aborted task ends at its next wait, so this ends soon.
        while self.tasks.join_next().await.is_some() {}
    }

    fn stop(&mut self) {
        let _ = self.shutdown.send(true);
        self.tasks.abort_all();
        self.hosts.arc_keys.clear();
        self.state.remove(info::FILE_NAME);
        self.state.remove(projected_token::FILE);
        self.state.end();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

async fn bind(ports: Ports) -> Result<Listeners, Error> {
    async fn one(service: &'static str, port: u16) -> Result<Bound, Error> {
        Bound::new(port).await.map_err(|source| Error::Port {
            service,
            port,
            source,
        })
    }
    let mut services = BTreeMap::new();
    for service in Service::ALL {
        let bound = one(service.title(), ports.of(*service)).await?;
        services.insert(*service, bound);
    }
    Ok(Listeners {
        services,
        proxy: one("the proxy", ports.proxy).await?,
        admin: one("the admin port", ports.admin).await?,
    })
}

/// The system's root certificates and the emulator's own. If the system's can't be read, only the
/// emulator's own.
fn bundle(own: &[u8]) -> Vec<u8> {
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a system root was left out of the bundle");
    }
    let mut text = Vec::new();
    for der in system.certs.iter().map(AsRef::as_ref).chain([own]) {
        text.extend_from_slice(pem("CERTIFICATE", der).as_bytes());
    }
    text
}

fn tenant_info(directory: &Directory, id: Uuid) -> TenantInfo {
    let tenant = directory.tenants.get(&id);
    TenantInfo {
        id,
        name: tenant.map(|t| t.name.clone()).unwrap_or_default(),
        domain: tenant
            .map(crate::directory::Tenant::default_domain)
            .unwrap_or_default(),
    }
}

fn users_info(directory: &Directory, resources: &Resources) -> Vec<UserInfo> {
    let users = directory.people();
    users
        .map(|user| UserInfo::new(directory, resources, user))
        .collect()
}

fn workspace_info(resources: &Resources) -> Option<WorkspaceInfo> {
    let root = Scope::root();
    resources
        .resources_in(&root)
        .find(|resource| resource.is_a(WORKSPACE_TYPE))
        .and_then(|found| {
            Some(WorkspaceInfo {
                subscription_id: found.id.subscription_id()?,
                resource_group: found.id.resource_group()?.to_owned(),
                name: found.id.name().to_owned(),
            })
        })
}

/// The user of Cloud Shell and of jobs: the tenant's first enabled user who is not a guest.
fn host_user(directory: &Directory, tenant: Uuid) -> Option<Uuid> {
    let mut people = directory.people();
    people
        .find(|user| user.tenant == tenant && user.enabled && user.guest_of.is_none())
        .map(|user| user.id)
}

/// The tenant's applications as `emulator.json` shows them. Writes the files of their certificates.
fn identities(
    directory: &Directory,
    tenant: Uuid,
    state: &StateDir,
    made: &GeneratedSecrets,
) -> Result<Vec<IdentityInfo>, StateError> {
    let now = machine_now();
    let mut all = Vec::new();
    let registered = |app: &&Application| directory.applications.contains_key(&app.app_id);
    for app in directory
        .clients()
        .filter(registered)
        .filter(|app| app.home_tenant == tenant)
    {
        let mut certificate_path = None;
        for (_, name, text) in made.certificates().filter(|(id, _, _)| *id == app.app_id) {
            let file = format!("certificate-{}-{}.pem", app.app_id, file_safe(name));
            state.publish(&file, text.as_bytes())?;
            certificate_path.get_or_insert(state.file(&file));
        }
        let principal = directory.service_principal_of(tenant, app.app_id);
        let secret = app.secrets.iter().max_by_key(|secret| secret.expires);
        all.push(IdentityInfo {
            name: app.name.clone(),
            client_id: app.app_id,
            tenant_id: tenant,
            object_id: principal.map(|sp| sp.id),
            secret: secret.map(|secret| secret.text.expose().to_owned()),
            secret_expired: secret.is_some_and(|secret| secret.expires <= now),
            certificate_path,
            federated: app
                .federated_credentials
                .iter()
                .map(|credential| FederatedInfo {
                    issuer: credential.issuer.clone(),
                    subject: credential.subject.clone(),
                    audience: credential.audiences.first().cloned().unwrap_or_default(),
                })
                .collect(),
            enabled: principal.is_some_and(|sp| sp.enabled),
        });
    }
    Ok(all)
}

/// A seed's name for a certificate, made safe for a file name.
fn file_safe(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(40)
        .collect()
}
