//! The files that a job leaves in its workspace's storage: its log.
//!
//! A job's log is a function of the clock, as its state is. Nothing runs that could write it, so
//! what shows a job writes the log first, if it has grown.

use crate::{
    jobs::{Job, JobKind},
    resources::{Resource, Resources, Scope},
    service::Entrance,
    storage::{Delegate, Sign, StorageError},
    text::visible,
    world::World,
};
use serde_json::Value;
use time::Duration;
use uuid::Uuid;

/// How long a client can read a log with its URL.
const READABLE: Duration = Duration::hours(8);

/// Where a workspace keeps the files of jobs.
pub(crate) struct ArtifactStore {
    pub(crate) account: String,
    pub(crate) container: String,
    /// The workspace's own identity.
    identity: Option<Delegate>,
    allows_keys: bool,
}

impl ArtifactStore {
    /// The store of a workspace. `None`: the workspace has no storage account.
    pub(crate) fn of(world: &World, workspace: &Scope) -> Option<Self> {
        let resources = world.resources();
        let owner = resources.resource(workspace)?;
        let datastore = workspace.child("datastores/workspaceartifactstore").ok()?;
        let datastore = resources.resource(&datastore)?;
        let text = |name: &str| Some(datastore.properties.get(name)?.as_str()?.to_owned());
        let account = text("accountName")?;
        let allows_keys = allows_keys(&resources, owner, &account);
        let identity = owner.identity.as_ref();
        Some(Self {
            container: text("containerName")?,
            identity: identity.and_then(|identity| {
                Some(Delegate {
                    object_id: identity.principal_id?,
                    tenant: identity.tenant_id?,
                })
            }),
            account,
            allows_keys,
        })
    }

    /// The URL of a blob of the container, for a client that came this way.
    pub(crate) fn url(&self, world: &World, entrance: &Entrance, blob: &str) -> String {
        let Self {
            account, container, ..
        } = self;
        let base = match &entrance.real_name {
            Some(_) => format!("https://{account}.blob.{}", entrance.cloud.storage_domain()),
            None => format!("{}/{account}", world.urls().blob),
        };
        let mut url = format!("{base}/{container}");
        for segment in blob.split('/') {
            url.push('/');
            let segment = url::form_urlencoded::byte_serialize(segment.as_bytes());
            url.push_str(&segment.collect::<String>().replace('+', "%20"));
        }
        url
    }

    /// A query with which a client can use the container for a while, signed by the account's key
    /// or else by the workspace's identity.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn sas(&self, world: &World, permissions: &str) -> Result<String, StorageError> {
        let now = world.clock.now();
        let sign = Sign {
            permissions,
            // Clocks differ.
            start: Some(now - Duration::minutes(10)),
            expiry: now + READABLE,
        };
        let storage = world.storage();
        match self.identity {
            Some(identity) if !self.allows_keys => {
                storage.delegated_container_sas(&self.account, &self.container, identity, &sign)
            }
            _ => storage.container_sas(&self.account, &self.container, &sign),
        }
    }
}

/// Whether the account may be used with its keys.
fn allows_keys(resources: &Resources, workspace: &Resource, account: &str) -> bool {
    let id = workspace
        .properties
        .get("storageAccount")
        .and_then(Value::as_str);
    let id = id.and_then(|id| id.parse::<Scope>().ok());
    let found = id.as_ref().and_then(|id| resources.resource(id));
    found
        .filter(|found| found.id.name().eq_ignore_ascii_case(account))
        .and_then(|found| found.properties.get("allowSharedKeyAccess"))
        .and_then(Value::as_bool)
        .unwrap_or(true)
}

/// The folder of a job's files.
pub(crate) fn folder(job: &str) -> String {
    format!("ExperimentRun/dcid.{job}")
}

/// The name of a job's log in its folder, where Azure Machine Learning has it for this kind.
pub(crate) fn log_name(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Pipeline => "logs/azureml/executionlogs.txt",
        JobKind::Command | JobKind::Step | JobKind::Run | JobKind::Recorded => {
            "user_logs/std_log.txt"
        }
    }
}

/// The log of a job until now. After the line that names its code are the files of it.
pub(crate) fn log(world: &World, job: &Job) -> String {
    let mut text = String::new();
    for line in job.log(world.clock.now()) {
        text.push_str(&line.text);
        text.push('\n');
        if let Some(code) = line.text.strip_prefix("code: ") {
            for file in code_files(world, job, code) {
                text.push_str(&format!("  {file}\n"));
            }
        }
    }
    text
}

/// The names of a code's files, and how many more there are.
fn code_files(world: &World, job: &Job, code: &str) -> Vec<String> {
    let mut files = match code.parse::<Uuid>() {
        Ok(snapshot) => snapshot_files(world, &job.workspace, snapshot),
        Err(_) => version_files(world, code),
    };
    let more = files.len().saturating_sub(SHOWN);
    files.truncate(SHOWN);
    if more > 0 {
        files.push(format!("and {more} more"));
    }
    files
}

/// The names of the files of a snapshot.
fn snapshot_files(world: &World, workspace: &Scope, id: Uuid) -> Vec<String> {
    let read = || {
        let store = ArtifactStore::of(world, workspace)?;
        let storage = world.storage();
        let record = storage.read(&store.account, &store.container, &snapshot(id));
        serde_json::from_slice::<Value>(&record.ok()?).ok()
    };
    let record = read().unwrap_or_default();
    let nodes = record["FileRevisionList"]["FileNodes"].as_array();
    let nodes = nodes.map(Vec::as_slice).unwrap_or_default();
    let names = nodes.iter().filter_map(|node| node["FullName"].as_str());
    names.map(visible).collect()
}

/// The name of a snapshot's record.
fn snapshot(id: Uuid) -> String {
    format!("snapshots/{id}.json")
}

/// Stores what a client sent of a snapshot.
///
/// # Errors
/// When the state folder can't be used.
pub(crate) fn write_snapshot(
    world: &World,
    store: &ArtifactStore,
    id: Uuid,
    record: &Value,
) -> Result<(), StorageError> {
    let ArtifactStore {
        account, container, ..
    } = store;
    let storage = world.storage();
    storage.ensure_container(account, container)?;
    let text = record.to_string();
    storage.put(
        account,
        container,
        &snapshot(id),
        "application/json",
        text.as_bytes(),
    )
}

/// The names of the files of a code version.
fn version_files(world: &World, code: &str) -> Vec<String> {
    let uri = code.parse::<Scope>().ok().and_then(|id| {
        let resources = world.resources();
        let uri = resources.resource(&id)?.properties.get("codeUri")?;
        url::Url::parse(uri.as_str()?).ok()
    });
    let place = uri.as_ref().and_then(|uri| {
        let account = uri.host_str()?.split('.').next()?;
        let (container, folder) = uri.path().trim_matches('/').split_once('/')?;
        Some((account, container, format!("{folder}/")))
    });
    let Some((account, container, folder)) = place else {
        return Vec::new();
    };
    let found = world.storage().list(account, container, &folder);
    found
        .unwrap_or_default()
        .iter()
        .map(|name| visible(name.strip_prefix(&folder).unwrap_or(name)))
        .collect()
}

/// How many files of its code a log names.
const SHOWN: usize = 20;

/// Writes a job's log, if it has grown. Returns whether there is one.
///
/// # Errors
/// When the state folder can't be used.
pub(crate) fn write_log(
    world: &World,
    store: &ArtifactStore,
    job: &Job,
) -> Result<bool, StorageError> {
    let text = log(world, job);
    if text.is_empty() {
        return Ok(false);
    }
    let storage = world.storage();
    let name = format!("{}/{}", folder(&job.name), log_name(job.kind));
    let ArtifactStore {
        account, container, ..
    } = store;
    storage.ensure_container(account, container)?;
    let is_there = storage
        .read(account, container, &name)
        .is_ok_and(|known| known == text.as_bytes());
    if !is_there {
        storage.put(account, container, &name, "text/plain", text.as_bytes())?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        directory::{Directory, Tenant},
        jobs::Sender,
        resources::ResourcesSeed,
        shared_keys,
        tokens::{Keys, SigningKey},
    };
    use serde_json::json;

    const TENANT: Uuid = Uuid::from_u128(1);
    const SEED: &str = "
[[subscriptions]]
id = '5ec0ffee-0001-4000-8000-000000000001'
tenant = 'a.com'
name = 'A'
[[resource_groups]]
subscription = '5ec0ffee-0001-4000-8000-000000000001'
name = 'rg'
location = 'westeurope'
[[workspaces]]
subscription = '5ec0ffee-0001-4000-8000-000000000001'
resource_group = 'rg'
name = 'ws'
location = 'westeurope'
workspace_id = '5ec0ffee-0002-4000-8000-000000000001'
storage_account = 'stone'
";

    fn world() -> World {
        let key = |purpose: &str| {
            let (pkcs8, certificate) = shared_keys::key_for(purpose).unwrap();
            SigningKey::from_der(&pkcs8, &certificate).unwrap()
        };
        let mut directory = Directory::default();
        directory
            .tenants
            .insert(TENANT, Tenant::new(TENANT, "A", "a.com"));
        let seed: ResourcesSeed = toml::from_str(SEED).unwrap();
        let now = time::OffsetDateTime::now_utc();
        let resources = seed.build(&directory, now);
        let resources = resources.unwrap_or_else(|problem| panic!("{problem}"));
        let keys = Keys {
            entra: key("entra"),
            issuer: key("issuer"),
        };
        World::new(directory, resources, keys)
    }

    fn workspace() -> Scope {
        let id = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers/\
                  Microsoft.MachineLearningServices/workspaces/ws";
        id.parse().unwrap()
    }

    fn submit(world: &World, code: &str) -> Job {
        let sender = Sender {
            name: "ada@a.com".into(),
            kind: "User".into(),
            object_id: TENANT,
            tenant: TENANT,
        };
        let now = world.clock.now();
        let mut job = Job::new(workspace(), "job", JobKind::Command, sender, now);
        let body = json!({"command": "python train.py", "codeId": code});
        job.body = body.as_object().unwrap().clone();
        world.jobs().submit(job, Vec::new()).unwrap()
    }

    #[test]
    fn a_log_is_written_when_there_is_one_and_again_only_when_it_has_grown() {
        let world = world();
        let store = ArtifactStore::of(&world, &workspace()).unwrap();
        assert_eq!(
            (store.account.as_str(), store.container.as_str()),
            ("stone", "azureml")
        );
        let job = submit(&world, "");
        assert!(!write_log(&world, &store, &job).unwrap());

        let name = "ExperimentRun/dcid.job/user_logs/std_log.txt";
        let tag = || world.storage().blob("stone", "azureml", name).unwrap().etag;
        let running = job
            .timeline
            .entered(crate::jobs::JobState::Running)
            .unwrap();
        let ahead = (running - world.clock.now()).whole_seconds() + 1;
        world.clock.set_skew(ahead);
        assert!(write_log(&world, &store, &job).unwrap());
        world.clock.set_skew(3600);
        assert!(write_log(&world, &store, &job).unwrap());
        let written = tag();
        assert!(write_log(&world, &store, &job).unwrap());
        assert_eq!(tag(), written);
        let text = world.storage().read("stone", "azureml", name).unwrap();
        let text = String::from_utf8(text).unwrap();
        for line in [
            "submitted by: ada@a.com",
            "command: python train.py",
            "The job is Completed.",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
    }

    #[test]
    fn a_log_names_the_files_of_the_code_and_not_all_of_very_many() {
        let world = world();
        let code = workspace().child("codes/c/versions/1").unwrap();
        let mut resource = Resource::new(code.clone());
        let uri = "https://stone.blob.core.windows.net:443/code/folder";
        resource.properties.insert("codeUri".into(), json!(uri));
        world.resources_mut().put_resource(resource);
        let storage = world.storage();
        storage.ensure_container("stone", "code").unwrap();
        for number in 0..30 {
            let name = format!("folder/src/{number:02}.py");
            storage
                .put("stone", "code", &name, "text/plain", b"pass")
                .unwrap();
        }
        storage
            .put("stone", "code", "folder-2/other.py", "text/plain", b"")
            .unwrap();
        let job = submit(&world, &code.to_string());
        world.clock.set_skew(3600);
        let text = log(&world, &job);
        let lines: Vec<&str> = text.lines().collect();
        let at = lines
            .iter()
            .position(|line| line.starts_with("code: "))
            .unwrap();
        assert_eq!(lines[at + 1], "  src/00.py");
        assert_eq!(lines[at + 20], "  src/19.py");
        assert_eq!(lines[at + 21], "  and 10 more");
        assert!(!text.contains("other.py"));
    }
}
