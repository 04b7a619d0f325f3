//! Tokens of a user, for hosts that act for the user.

use crate::{
    entra::{Issued, issue_for_user},
    identity_hosts::host::{EntraRefusal, Host},
};
use http::HeaderMap;
use uuid::Uuid;

/// The program as which a host requests tokens from Entra ID.
pub(super) struct Actor {
    pub(super) client_id: Uuid,
    pub(super) name: &'static str,
}

impl Host {
    /// A token of the host's user.
    pub(super) fn user_token(
        &self,
        headers: &HeaderMap,
        actor: &Actor,
        resource: &str,
    ) -> Result<Issued, Box<EntraRefusal>> {
        let exchange = self.exchange(headers);
        let program = (actor.client_id, actor.name);
        issue_for_user(&self.world, self.hosts.user, program, resource, &exchange)
            .map_err(|refusal| Box::new(EntraRefusal { refusal, exchange }))
    }
}
