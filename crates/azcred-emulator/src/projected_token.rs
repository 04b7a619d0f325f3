//! The token that a Kubernetes cluster projects into a pod: in a file, and replaced before it
//! expires.
//!
//! 'Microsoft Entra Workload ID on AKS'; times are the kubelet's ('Configure Service Accounts for
//! Pods', service account token volume projection).

use crate::{
    directory::{Directory, IssuerKeys},
    issuer::{self, MintError},
    state::StateDir,
    state_error::StateError,
    world::World,
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc, time::Duration};
use uuid::Uuid;

/// What the subject of a pod's token begins with.
const SUBJECT: &str = "system:serviceaccount:";
/// Seconds a token lives.
const LIFETIME: i64 = 3600;
/// Seconds after which it is replaced.
const REPLACED_AFTER: i64 = LIFETIME / 5 * 4;
/// How often its age is looked at.
const PAUSE: Duration = Duration::from_secs(30);
/// The file's name in the state folder. It is of use while the emulator runs.
pub(crate) const FILE: &str = "projected-token";

/// A workload in a cluster, and the file with its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadInfo {
    /// The client id of the application that takes its tokens.
    pub client_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// What `AZURE_FEDERATED_TOKEN_FILE` takes. The token in it changes.
    pub token_file: PathBuf,
}

/// The workload of a seed: the first application that takes a pod's tokens, of an issuer that the
/// emulator signs for.
pub(crate) struct Workload {
    client_id: Uuid,
    tenant_id: Uuid,
    issuer: String,
    subject: String,
    audience: String,
    /// When its token was written, in Unix seconds.
    written: i64,
}

impl Workload {
    /// Looks for it in a tenant.
    pub(crate) fn find(directory: &Directory, tenant: Uuid) -> Option<Self> {
        let mut here = directory
            .applications
            .values()
            .filter(|app| app.home_tenant == tenant);
        here.find_map(|app| {
            let principal = directory.service_principal_of(tenant, app.app_id)?;
            let credential = app.federated_credentials.iter().find(|credential| {
                let issuer = directory.issuers.get(&credential.issuer);
                credential.subject.starts_with(SUBJECT)
                    && issuer.is_some_and(|issuer| matches!(issuer.keys, IssuerKeys::Hosted))
            })?;
            principal.enabled.then(|| Self {
                client_id: app.app_id,
                tenant_id: tenant,
                issuer: credential.issuer.clone(),
                subject: credential.subject.clone(),
                audience: credential.audiences.first().cloned().unwrap_or_default(),
                written: 0,
            })
        })
    }

    /// What a program in the pod has to know.
    pub(crate) fn info(&self, state: &StateDir) -> WorkloadInfo {
        WorkloadInfo {
            client_id: self.client_id,
            tenant_id: self.tenant_id,
            token_file: state.file(FILE),
        }
    }

    /// Writes a fresh token (0600).
    ///
    /// # Errors
    /// When the file can't be written, or the token not be signed.
    pub(crate) fn write(&mut self, world: &World, state: &StateDir) -> Result<(), StateError> {
        let minted = issuer::mint(world, &self.issuer, &self.subject, &self.audience, LIFETIME);
        let token = minted.map_err(|error: MintError| StateError::Make {
            what: "the token of the workload",
            why: error.to_string(),
        })?;
        state.publish(FILE, token.as_bytes())?;
        self.written = world.clock.unix();
        Ok(())
    }

    /// Writes fresh tokens for as long as it is awaited. One that can't be written is tried again.
    pub(crate) async fn keep_fresh(mut self, world: Arc<World>, state: Arc<StateDir>) {
        loop {
            tokio::time::sleep(PAUSE).await;
            // By the clock, not by the pauses: they don't pass while a laptop sleeps, and the clock
            // can be moved.
            let age = world.clock.unix() - self.written;
            if (0..REPLACED_AFTER).contains(&age) {
                continue;
            }
            if let Err(error) = self.write(&world, &state) {
                tracing::warn!(%error, "the workload's token could not be replaced");
            }
        }
    }
}
