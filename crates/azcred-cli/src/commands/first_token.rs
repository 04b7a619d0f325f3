//! The sign-in for programs that get their tokens from this process: `exec` and `serve`.

use crate::{
    choice::Choice,
    failure::Failure,
    output::Output,
    sign_in::{Person, Place, SignIn},
};
use azcred::{AccessToken, Cloud, Scope, Session, TenantId, chain::Source};

/// A session whose tokens programs will get. Opening it asks no person, so that everything else
/// that may fail is checked between [`Self::open`] and [`Self::request`].
pub(super) struct FirstToken<'a> {
    place: &'a Place,
    choice: &'a Choice,
    scope: Option<Scope>,
    tenant: Option<TenantId>,
    sign_in: SignIn,
}

impl<'a> FirstToken<'a> {
    /// Opens the session. `scope` is one that programs may have; the default is Azure Resource
    /// Manager's.
    pub(super) async fn open(
        place: &'a Place,
        choice: &'a Choice,
        scope: Option<Scope>,
        tenant: Option<TenantId>,
        output: &Output,
    ) -> azcred::Result<Self> {
        let person = Person::of(output);
        let sign_in = SignIn::new(place, choice, scope.clone(), tenant.clone(), person).await?;
        Ok(Self {
            place,
            choice,
            scope,
            tenant,
            sign_in,
        })
    }

    /// The cloud of the session.
    pub(super) fn cloud(&self) -> azcred::Result<Cloud> {
        self.sign_in.session.options().cloud()
    }

    /// Requests the first token here: an error is azcred's then, and not one of a program's SDK,
    /// and a person is asked while they look. Returns the session for the programs, and the token.
    pub(super) async fn request(self, output: &Output) -> Result<(Session, AccessToken), Failure> {
        Ok(output.waiting("Signing in", self.requested(output)).await?)
    }

    async fn requested(self, output: &Output) -> azcred::Result<(Session, AccessToken)> {
        let (token, chosen) = self.sign_in.token().await?;
        self.sign_in.show_notes(&token, output);
        let mut session = self.sign_in.session;
        // While programs run, no person is asked. What a person has signed in is stored now; where
        // that is not possible, this session has it.
        let by_person = [Source::InteractiveBrowser, Source::DeviceCode];
        if by_person.contains(&chosen.source) {
            let (place, choice) = (self.place, self.choice);
            let (scope, tenant) = (self.scope, self.tenant);
            let unattended = SignIn::new(place, choice, scope, tenant, Person::NotAsked).await?;
            if unattended.token().await.is_ok() {
                session = unattended.session;
            }
        }
        Ok((session, token))
    }
}
