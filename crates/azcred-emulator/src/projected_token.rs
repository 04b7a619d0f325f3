//! The token that a Kubernetes cluster projects into a pod: a file, which is replaced before the
//! token expires.
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

/// The first part of a pod's subject.
const SUBJECT: &str = "system:serviceaccount:";
/// Lifetime of a token in seconds.
const LIFETIME: i64 = 3600;
/// Age in seconds at which a token is replaced.
const REPLACED_AFTER: i64 = LIFETIME / 5 * 4;
/// Time between two checks of the token's age.
const PAUSE: Duration = Duration::from_secs(30);
/// The file's name in the state folder. The token is useful only while the emulator runs.
pub(crate) const FILE: &str = "projected-token";

/// A workload in a cluster, and the file with its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadInfo {
    /// The client id of the application that trusts its tokens.
    pub client_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// The path for `AZURE_FEDERATED_TOKEN_FILE`. The token in the file changes.
    pub token_file: PathBuf,
}

/// The workload of a seed: the first application that trusts a pod's tokens, if the emulator signs
/// for the issuer.
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
    /// Finds the workload in a tenant.
    pub(crate) fn find(directory: &Directory, tenant: Uuid) -> Option<Self> {
        let mut here = directory.clients().filter(|app| app.home_tenant == tenant);
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

    /// What a program in the pod needs.
    pub(crate) fn info(&self, state: &StateDir) -> WorkloadInfo {
        WorkloadInfo {
            client_id: self.client_id,
            tenant_id: self.tenant_id,
            token_file: state.file(FILE),
        }
    }

    /// Writes a new token (mode 0600).
    ///
    /// # Errors
    /// When the file can't be written, or the token can't be signed.
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

    /// Writes new tokens as long as the future is polled. After an error, it tries again.
    pub(crate) async fn keep_fresh(mut self, world: Arc<World>, state: Arc<StateDir>) {
        loop {
            tokio::time::sleep(PAUSE).await;
            // The clock counts, not the number of pauses: pauses don't elapse while a laptop
            // sleeps, and tests shift the clock.
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
