//! Whose commands these are: the session that azcred opens here.

use super::accounts::own_folder;
use crate::{
    choice::Choice,
    failure::Failure,
    runtime::{self, RENEWAL},
    sign_in::{Person, Place, SignIn},
};
use azcred::{
    AccessToken, Credential, Principal, Scope, Session, TenantId, TokenRequest, Used, account,
    chain::Source, system::System,
};

/// A session, with a token that shows whose it is.
pub(super) struct Identity {
    place: Place,
    pub(super) session: Session,
    pub(super) token: AccessToken,
    pub(super) source: Source,
    pub(super) used: Used,
    pub(super) principal: Option<Principal>,
}

impl Identity {
    /// Opens the session of this folder; in the program of `azcred exec`, that program's identity,
    /// which is a managed one. Asks no person: Azure CLI doesn't either.
    pub(super) async fn open(scopes: &[Scope], tenant: Option<TenantId>) -> Result<Self, Failure> {
        let place = Place::here()?;
        let first = scopes.first().cloned();
        let (choice, tenant) = match own_folder(&*place.system) {
            // It has tokens of its own tenant only, and Azure CLI has a sentence for any other.
            Some(_) => (Choice::only(Source::ManagedIdentity), None),
            None => (Choice::default(), tenant),
        };
        let sign_in = SignIn::new(&place, &choice, first, tenant, Person::NotAsked).await?;
        let (mut token, chosen) = sign_in.token().await?;
        if scopes.len() > 1 {
            let request = scopes[1..].iter().cloned();
            let request = request.fold(sign_in.session.request(), TokenRequest::and_scope);
            token = sign_in.session.get_token(&request).await?;
        }
        Ok(Self {
            place,
            session: sign_in.session,
            principal: Principal::from_token(&token).ok(),
            token,
            source: chosen.source,
            used: chosen.used,
        })
    }

    pub(super) fn system(&self) -> &dyn System {
        &*self.place.system
    }

    /// The tenant of the token.
    pub(super) fn tenant(&self) -> Option<&str> {
        self.principal.as_ref()?.tenant_id.as_deref()
    }

    /// The identity in a few words: its name or id, and the source.
    pub(super) fn describe(&self) -> String {
        match &self.principal {
            Some(principal) => format!("{}, by {}", principal.describe(), self.source),
            None => format!("the account of {}", self.source),
        }
    }
}

/// Runs a command that sends requests.
pub(super) fn wait<T>(command: impl Future<Output = T>) -> Result<T, Failure> {
    Ok(runtime::finish(runtime::client()?, async {
        let done = command.await;
        account::settled(RENEWAL).await;
        done
    }))
}
