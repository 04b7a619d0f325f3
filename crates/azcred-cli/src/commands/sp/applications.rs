//! Which applications a command lists: those that azcred made, or all that the user owns.

use crate::{
    commands::{reader::Reader, role::people},
    failure::Failure,
};
use azcred_azure::{Application, ObjectKind, PrincipalKind};
use clap::Args;
use std::collections::HashSet;

#[derive(Args)]
pub(super) struct Which {
    /// All applications that you own, also those that azcred did not make
    #[arg(long)]
    all: bool,
}

impl Which {
    pub(super) fn is_all(&self) -> bool {
        self.all
    }

    /// The applications, by name.
    pub(super) async fn read(&self, reader: &Reader) -> Result<Vec<Application>, Failure> {
        let mut found = reader.graph.marked_applications().await?;
        if self.all {
            let own = people::own(reader)?;
            let kind = reader.principal.as_ref().map(|principal| principal.kind);
            let kind = match kind {
                Some(PrincipalKind::User) => ObjectKind::User,
                _ => ObjectKind::ServicePrincipal,
            };
            found.extend(reader.graph.owned_applications(kind, own.id).await?);
        }
        let mut seen = HashSet::new();
        found.retain(|one| seen.insert(one.id));
        found.sort_by_cached_key(|one| (one.name.to_lowercase(), one.app_id));
        Ok(found)
    }
}
