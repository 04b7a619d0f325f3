//! The next step of a sign-in: a page, or the end.
//!
//! No earlier page is trusted. Each time, everything is checked again: the account, its proofs,
//! policies and consent. So no page can be skipped, and no posted form replaces a proof.

use crate::{
    directory::{Directory, Tenant, User},
    entra::{
        account,
        authority::Authority,
        claims_request::ClaimsRequest,
        client, conditional_access,
        consent::check_consent,
        delegated_scope::RequestedScope,
        refusal::Refusal,
        resource::{self, TokenResource},
        session::Session,
        sign_in::{
            browser::{Browser, SignedIn},
            request::Prompt,
            transaction::{AccountChoice, Purpose, Transaction},
        },
    },
    world::World,
};
use http::StatusCode;

/// The next step.
pub(super) enum Step<'a> {
    /// Page: enter a user code.
    Code,
    /// Page: choose one of several accounts.
    Account,
    /// Page: enter a sign-in name.
    Name,
    /// Page: enter the password.
    Password(&'a User),
    /// Page: enter the number of the authenticator app.
    SecondFactor(&'a User),
    /// Page: consent to the permissions.
    Consent(Box<Ready<'a>>),
    /// Page: an administrator must consent, AADSTS90094.
    AdminConsent(Box<Ready<'a>>),
    /// Page: confirm that the program on the other device is the right one.
    Confirm(Box<Ready<'a>>),
    /// The end: the program gets its code.
    Done(Box<Ready<'a>>),
    /// Page: the refusal.
    Page(Refusal),
    /// The end: the program gets the refusal.
    Answer(Refusal),
}

/// A complete sign-in.
pub(super) struct Ready<'a> {
    pub(super) session: Session<'a>,
    pub(super) requested: RequestedScope,
    pub(super) resource: TokenResource,
    /// When the last factor was proved, in Unix milliseconds.
    pub(super) proved_millis: i64,
    /// The request did not name the tenant.
    pub(super) of_any: bool,
}

/// The next step for a browser in a transaction. `now` is in Unix seconds.
pub(super) fn next<'a>(
    world: &World,
    directory: &'a Directory,
    browser: &Browser,
    transaction: &Transaction,
    now: i64,
) -> Step<'a> {
    if let Purpose::Device { user_code, .. } = &transaction.purpose
        && user_code.is_empty()
    {
        return Step::Code;
    }
    let question = NextStep {
        world,
        directory,
        browser,
        transaction,
        now,
    };
    let prompt = transaction.request().map(|request| request.prompt);
    let step = question.answer().unwrap_or_else(|step| step);
    match (prompt, step) {
        // With `prompt=none`, no page may be shown.
        (Some(Prompt::None), Step::Page(refusal)) => Step::Answer(interaction_required(refusal)),
        (None, Step::Answer(refusal)) => Step::Page(refusal),
        (_, step) => step,
    }
}

/// The accounts that a page lists: those that can sign in to the requested tenant.
pub(super) fn offered<'a>(
    directory: &'a Directory,
    transaction: &Transaction,
) -> impl Iterator<Item = &'a User> {
    let authority = Authority::resolve(directory, &transaction.segment).ok();
    let hint = transaction
        .request()
        .and_then(|request| request.domain_hint.as_deref())
        .and_then(|domain| directory.tenant(domain))
        .map(|tenant| tenant.id);
    directory.users.values().filter(move |user| {
        user.guest_of.is_none()
            && authority.is_some_and(|authority| may_enter(directory, authority, user))
            && hint.is_none_or(|tenant| user.tenant == tenant)
    })
}

/// Whether an account is a member or a guest of the segment's tenant.
fn may_enter(directory: &Directory, authority: Authority<'_>, account: &User) -> bool {
    match authority {
        Authority::Tenant(tenant) => directory.account_in(account, tenant.id).is_some(),
        // The emulator has no personal accounts.
        Authority::Any(name) => name != "consumers",
    }
}

struct NextStep<'a, 'b> {
    world: &'b World,
    directory: &'a Directory,
    browser: &'b Browser,
    transaction: &'b Transaction,
    now: i64,
}

impl<'a> NextStep<'a, '_> {
    /// Checks the account, its proofs, policies and consent. The first one that is missing is the
    /// error.
    fn answer(&self) -> Result<Step<'a>, Step<'a>> {
        let transaction = self.transaction;
        let authority =
            Authority::resolve(self.directory, &transaction.segment).map_err(Step::Page)?;
        let account = self.account(authority)?;
        let proved = self.proved(account)?;
        let tenant = match authority {
            Authority::Tenant(tenant) => tenant,
            Authority::Any(_) => self.tenant_of(account)?,
        };
        let application = client::find(self.directory, tenant, &transaction.client.to_string())
            .map_err(Step::Page)?;
        let user = account::member(self.directory, account, tenant, application, 50020)
            .map_err(Step::Page)?;
        account::check_enabled(&[account, user]).map_err(Step::Page)?;
        if let Some(principal) = self
            .directory
            .service_principal_of(tenant.id, application.app_id)
            && !principal.enabled
        {
            let refusal = client::principal(self.directory, tenant, application);
            return Err(Step::Page(
                refusal.err().unwrap_or_else(|| Refusal::by_code(7_000_112)),
            ));
        }
        let requested = transaction.requested().map_err(Step::Answer)?;
        let resource = resource::find(self.world, self.directory, tenant, &requested.resource)
            .map_err(Step::Answer)?;
        requested
            .check_permissions(application, &resource)
            .map_err(Step::Answer)?;
        let ready = Box::new(Ready {
            session: Session {
                account,
                tenant,
                user,
                application,
                id: proved.session,
                proofs: proved.proofs,
                nonce: None,
                by_device_code: transaction.request().is_none(),
            },
            requested,
            resource,
            proved_millis: proved.millis,
            of_any: matches!(authority, Authority::Any(_)),
        });
        self.allowed_by_policies(&ready)?;
        self.allowed_by_person(ready)
    }

    fn prompt(&self) -> Prompt {
        self.transaction
            .request()
            .map_or(Prompt::Auto, |request| request.prompt)
    }

    fn is_quiet(&self) -> bool {
        self.prompt() == Prompt::None
    }

    /// The account that signs in.
    fn account(&self, authority: Authority<'_>) -> Result<&'a User, Step<'a>> {
        let transaction = self.transaction;
        match transaction.choice {
            AccountChoice::Open => {}
            AccountChoice::List => return Err(Step::Account),
            AccountChoice::Name => return Err(Step::Name),
        }
        if let Some(id) = transaction.account {
            return self.directory.users.get(&id).ok_or(Step::Account);
        }
        if let Some(hinted) = self.hinted() {
            return hinted;
        }
        let here: Vec<&User> = self
            .browser
            .signed_in()
            .iter()
            .filter_map(|one| self.directory.users.get(&one.account))
            .filter(|account| may_enter(self.directory, authority, account))
            .collect();
        let may_choose = matches!(self.prompt(), Prompt::Auto | Prompt::None | Prompt::Consent);
        match here.as_slice() {
            [only] if may_choose => Ok(only),
            [] if self.is_quiet() => Err(Step::Answer(not_signed_in())),
            _ if self.is_quiet() => Err(Step::Answer(Refusal::by_code(16000))),
            _ => Err(Step::Account),
        }
    }

    /// The account that the program's hint names, if there is a hint.
    fn hinted(&self) -> Option<Result<&'a User, Step<'a>>> {
        let request = self.transaction.request()?;
        if request.prompt == Prompt::SelectAccount {
            return None;
        }
        let (found, otherwise) = match (request.sid, &request.login_hint) {
            (Some(sid), _) => {
                let mut sessions = self.browser.signed_in().iter();
                let session = sessions.find(|one| one.session == sid);
                let account = session.and_then(|one| self.directory.users.get(&one.account));
                (account, Step::Account)
            }
            (None, Some(name)) => (self.directory.account(name), Step::Name),
            (None, None) => return None,
        };
        Some(found.ok_or(match self.is_quiet() {
            true => Step::Answer(not_signed_in()),
            false => otherwise,
        }))
    }

    /// The account's proofs, if they are recent enough for the request.
    fn proved(&self, account: &'a User) -> Result<&SignedIn, Step<'a>> {
        let wanting = || match self.is_quiet() {
            true => Step::Answer(not_signed_in()),
            false => Step::Password(account),
        };
        let proved = self.browser.session_of(account.id).ok_or_else(wanting)?;
        if self.transaction.is_fresh {
            return Ok(proved);
        }
        let age = self.transaction.started.saturating_sub(proved.proofs.at);
        let limit = self
            .transaction
            .request()
            .and_then(|request| request.max_age);
        if self.prompt() == Prompt::Login || limit.is_some_and(|limit| age >= limit) {
            return Err(wanting());
        }
        Ok(proved)
    }

    fn tenant_of(&self, account: &User) -> Result<&'a Tenant, Step<'a>> {
        self.directory.tenants.get(&account.tenant).ok_or_else(|| {
            Step::Page(Refusal::invalid_request(
                90002,
                "The account's tenant was not found.",
            ))
        })
    }

    fn allowed_by_policies(&self, ready: &Ready<'a>) -> Result<(), Step<'a>> {
        let claims = ClaimsRequest::read(self.transaction.claims()).map_err(Step::Answer)?;
        let session = &ready.session;
        let checked =
            conditional_access::check(self.directory, session, &ready.resource, &claims, self.now);
        let Err(refusal) = checked else {
            return Ok(());
        };
        Err(match refusal.code {
            _ if self.is_quiet() => Step::Answer(interaction_required(refusal)),
            50076 | 50079 if !session.proofs.mfa => Step::SecondFactor(session.account),
            // A new sign-in can help, unless the user has just signed in.
            50078 | 50173 | 70043 if !self.transaction.is_fresh => Step::Password(session.account),
            _ => Step::Page(refusal),
        })
    }

    fn allowed_by_person(&self, ready: Box<Ready<'a>>) -> Result<Step<'a>, Step<'a>> {
        let application = ready.session.application;
        let consent = check_consent(self.directory, &ready.session, &ready.resource);
        let requires_consent_again =
            self.prompt() == Prompt::Consent && !self.transaction.consented;
        if let Err(refusal) = consent {
            if self.is_quiet() {
                return Err(Step::Answer(Refusal {
                    error: "consent_required",
                    ..refusal
                }));
            }
            if application.admin_consent_required {
                return Err(Step::AdminConsent(ready));
            }
            return Err(Step::Consent(ready));
        }
        if requires_consent_again {
            return Err(Step::Consent(ready));
        }
        let is_device = matches!(self.transaction.purpose, Purpose::Device { .. });
        if is_device && !self.transaction.confirmed {
            return Err(Step::Confirm(ready));
        }
        Ok(Step::Done(ready))
    }
}

/// No account is signed in, and no page may be shown: AADSTS50058.
fn not_signed_in() -> Refusal {
    Refusal::by_code(50058)
}

/// The refusal of a step that needs a page, if no page may be shown.
fn interaction_required(refusal: Refusal) -> Refusal {
    match refusal.error {
        "invalid_grant" => Refusal {
            error: "interaction_required",
            ..refusal
        },
        _ => refusal,
    }
}

/// AADSTS90094, which the program gets if the user returns without consent.
pub(super) fn needs_admin(ready: &Ready<'_>) -> Refusal {
    Refusal::new(
        90094,
        "access_denied",
        StatusCode::BAD_REQUEST,
        format!(
            "An administrator of {} has set a policy that prevents you from granting {} the permissions it is \
             requesting. Contact an administrator of {}, who can grant permissions to this app on your behalf.",
            ready.session.tenant.name, ready.session.application.name, ready.session.tenant.name
        ),
    )
}
