//! The account that is signed in to azcred on this machine, without asking the person.

use super::{
    Availability, ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential,
    certificate_file::CertificateFile,
    redeem::{AZURE_CLI, Silent, with_kept},
    source::{Kept, TokenSource, credential},
};
use crate::{
    account::{Account, Record, Store, StoredProof, secret_of},
    entra::TokenEndpoint,
    facts::{Error, ErrorKind, Fix, Result, SignIn, SignInWay, Used, UsedKind},
    managed_identity_id::ManagedIdentityId,
    options::ClientOptions,
    request::TokenRequest,
    system::{NoKeyring, System},
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::SecretString;
use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::time::Instant;

/// Signs in as the current account of a profile.
/// [`DeviceCodeCredential::sign_in`](crate::DeviceCodeCredential::sign_in), the same method of
/// [`InteractiveBrowserCredential`](crate::InteractiveBrowserCredential), or
/// [`crate::account::Accounts`] sets that account.
///
/// It never asks a person. If the provider requires the person, it returns an error that says so.
/// The account is the one that is current at the first token. If another becomes current later, a
/// running program keeps its account.
pub struct AzcredCredential(Kept<AzcredAccount>);

credential!(AzcredCredential);

#[derive(Clone)]
struct AzcredAccount {
    store: Store,
    options: ClientOptions,
    tenant: Option<TenantId>,
    /// The account's name, after the first token.
    who: Arc<OnceLock<String>>,
    /// The source for an account that is not a person, with the sign-in for which it was made.
    delegate: Arc<Mutex<Option<Delegate>>>,
}

/// A source, and the sign-in for which it was made.
type Delegate = (String, Arc<dyn TokenSource>);

const NAME: &str = "AzcredCredential";

impl AzcredCredential {
    /// A credential for the current account of the options' profile. Reads nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the cloud is unknown.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let signed_in = AzcredAccount {
            store: Store::new(&options)?,
            options,
            tenant: None,
            who: Arc::default(),
            delegate: Arc::default(),
        };
        Ok(Self(Kept::new(Arc::new(signed_in), system)))
    }

    /// Requests tokens in this tenant instead of the account's own. It is for people, who may be in
    /// several tenants.
    #[must_use]
    pub fn with_tenant(self, tenant: TenantId) -> Self {
        Self(self.0.changed(|signed_in| {
            signed_in.tenant = Some(tenant);
            signed_in.who = Arc::default();
            signed_in.delegate = Arc::default();
        }))
    }
}

impl AzcredAccount {
    /// The account to use.
    fn record(&self, store: &Store) -> Result<Record> {
        let found = match self.who.get() {
            None => store.current()?,
            Some(id) => {
                return store.read(id)?.ok_or_else(|| {
                    Error::new(
                        ErrorKind::Refused,
                        format!("{NAME} could not find its account"),
                        "that account has been signed out",
                    )
                    .with_fix(SignIn {
                        again: true,
                        ..SignIn::default()
                    })
                });
            }
        };
        if let Some(record) = found {
            return Ok(record);
        }
        if let Some(error) = store.out_of_reach() {
            return Err(error);
        }
        let others = store.of_profile()?;
        let profile = store.profile();
        let what = format!("{NAME} could not find an account in the profile '{profile}'");
        if others.is_empty() {
            let sign_in = SignIn {
                profile: named(profile),
                ..SignIn::default()
            };
            let profile = match profile {
                "default" => String::new(),
                other => format!(" in the profile '{other}'"),
            };
            // In a chain's table, this text has no context.
            let why = format!("no account is signed in to azcred{profile}");
            return Err(Error::new(ErrorKind::Unavailable, what, why)
                .with_fix(sign_in)
                .absent());
        }
        let names: Vec<String> = others
            .iter()
            .map(|(record, _)| Account::of(record, false).who())
            .collect();
        Err(Error::new(
            ErrorKind::Unavailable,
            what,
            format!("none of these is the current account: {}", names.join(", ")),
        )
        .with_fix(Fix::ChooseAccount))
    }

    async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        let end = Instant::now() + self.options.deadline();
        loop {
            let this = self.clone();
            let record = self
                .store
                .off_thread(end, move |store| this.record(store))
                .await?;
            let token = match &record.proof {
                StoredProof::Person(_) => self.of_person(&record, request, end).await?,
                _ => {
                    let source = self.delegate(&record, end).await?;
                    source.fetch(request.clone()).await?
                }
            };
            if *self.who.get_or_init(|| record.id.clone()) == record.id {
                return Ok(token);
            }
            // Another call got the first token, with the account that was current for it.
        }
    }

    async fn of_person(
        &self,
        record: &Record,
        request: &TokenRequest,
        end: Instant,
    ) -> Result<AccessToken> {
        let tenant = match &self.tenant {
            Some(tenant) => tenant.clone(),
            None => TenantId::new(&record.tenant)?,
        };
        let client_id = ClientId::new(record.client_id.as_deref().unwrap_or_default())?;
        let endpoint = TokenEndpoint::of_person(tenant, client_id, self.options.clone())?;
        let kept = record.clone();
        let (silent, _) = with_kept(NAME, &self.store, &endpoint, kept, request, end).await?;
        match silent {
            Silent::Token(token) => Ok(token),
            Silent::NotInTenant(error) => Err(error),
            Silent::AskPerson(error) => Err(self.has_to_sign_in(record, request, error)),
            Silent::Nobody => Err(Error::new(
                ErrorKind::Refused,
                format!("{NAME} could not renew the sign-in of {}", who(record)),
                "the identity provider returned no refresh token",
            )
            .with_fix(self.login(record))),
        }
    }

    /// The error if the provider requires the person.
    fn has_to_sign_in(&self, record: &Record, request: &TokenRequest, error: Error) -> Error {
        let wants_more = error.refusal().is_some_and(|refusal| {
            refusal.claims.is_some()
                || matches!(
                    refusal.code,
                    Some(50_072 | 50_074 | 50_076 | 50_079 | 50_158 | 65_001)
                )
        });
        let fix = if wants_more {
            Fix::AskPerson {
                scope: Some(request.scopes()[0].to_string()),
            }
        } else {
            self.login(record).into()
        };
        error.with_fix(fix)
    }

    fn login(&self, record: &Record) -> SignIn {
        let tenant = self
            .tenant
            .as_ref()
            .map_or(record.tenant.as_str(), TenantId::as_str);
        let client_id = record.client_id.clone();
        SignIn {
            client_id: client_id.filter(|id| !id.eq_ignore_ascii_case(AZURE_CLI)),
            profile: named(&record.profile),
            ..SignIn::again(tenant)
        }
    }

    /// The source for an account that is not a person. It is made once for each sign-in.
    async fn delegate(&self, record: &Record, end: Instant) -> Result<Arc<dyn TokenSource>> {
        if let Some((session, source)) = &*self.kept_delegate()
            && *session == record.session
        {
            return Ok(source.clone());
        }
        let session = record.session.clone();
        let options = self.options.clone().of_sign_in(&session);
        let record = record.clone();
        let tenant = self.tenant.clone();
        // Reading the keyring and a certificate's password takes time.
        let made = self
            .store
            .off_thread(end, move |store| make(store, &record, tenant, options));
        let source = made.await?;
        *self.kept_delegate() = Some((session, source.clone()));
        Ok(source)
    }

    fn kept_delegate(&self) -> MutexGuard<'_, Option<Delegate>> {
        self.delegate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn who(record: &Record) -> String {
    Account::of(record, false).who()
}

fn make(
    store: &Store,
    record: &Record,
    tenant: Option<TenantId>,
    options: ClientOptions,
) -> Result<Arc<dyn TokenSource>> {
    if let StoredProof::ManagedIdentity { named } = &record.proof {
        let id = match named {
            None => ManagedIdentityId::SYSTEM,
            Some((by, value)) => ManagedIdentityId::of_named(by, value)?,
        };
        return Ok(ManagedIdentityCredential::new(id, options)?.into_source());
    }
    let tenant = tenant.map_or_else(|| TenantId::new(&record.tenant), Ok)?;
    let client_id = ClientId::new(record.client_id.as_deref().unwrap_or_default())?;
    Ok(match &record.proof {
        StoredProof::ClientCertificate {
            path, has_password, ..
        } => {
            let password = match has_password {
                true => Some(secret(store, record)?),
                false => None,
            };
            let file = CertificateFile {
                path: Path::new(path),
                variable: None,
                password,
                send_chain: false,
            };
            file.source(NAME, tenant, client_id, options)?
        }
        StoredProof::FederatedToken { path } => {
            WorkloadIdentityCredential::new(tenant, client_id, path, options)?.into_source()
        }
        StoredProof::ClientSecret { .. }
        | StoredProof::Person(_)
        | StoredProof::ManagedIdentity { .. } => {
            let secret = secret(store, record)?;
            let credential = ClientSecretCredential::new(tenant, client_id, secret, options)?;
            credential.called(NAME).into_source()
        }
    })
}

/// The profile's name, if a command has to name it.
fn named(profile: &str) -> Option<String> {
    (profile != "default").then(|| profile.to_owned())
}

/// The variables of a service principal, for a machine without a keyring.
const VARIABLES: [&str; 3] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];

/// The stored secret of an account.
fn secret(store: &Store, record: &Record) -> Result<SecretString> {
    let what = format!(
        "{NAME} could not read the secret of {} from the keyring",
        who(record)
    );
    let trouble =
        |why: String, fix: Fix| Error::new(ErrorKind::Invalid, what.clone(), why).with_fix(fix);
    let again = || {
        Fix::SignIn(SignIn {
            again: true,
            ..SignIn::by(SignInWay::ServicePrincipal)
        })
    };
    let title = store
        .system()
        .keyring()
        .map_or("the keyring", |keyring| keyring.title());
    match secret_of(store, record)? {
        Ok(Some(secret)) => Ok(secret),
        Ok(None) => Err(trouble("it is no longer there".to_owned(), again())),
        Err(None) => Err(trouble(
            "this machine has no keyring".to_owned(),
            Fix::from("use the account where it signed in").or(Fix::set(VARIABLES)),
        )),
        Err(Some(NoKeyring::Locked)) => Err(trouble(
            format!("{title} is locked"),
            "unlock it, for example by signing in to the desktop".into(),
        )),
        Err(Some(NoKeyring::Absent(why))) => Err(trouble(
            format!("{title} is not available in this session ({why})"),
            Fix::from("use the account in the session where it signed in").or(Fix::set(VARIABLES)),
        )),
        Err(Some(NoKeyring::Failed(why))) => {
            Err(trouble(format!("{title} failed ({why})"), again()))
        }
    }
}

impl TokenSource for AzcredAccount {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, _: &dyn System) -> Availability {
        match self.record(&self.store) {
            Ok(record) => {
                let mut using = Used::new(UsedKind::SignIn {
                    account: who(&record),
                    profile: record.profile.clone(),
                });
                let tenant = self
                    .tenant
                    .as_ref()
                    .map_or(&*record.tenant, TenantId::as_str);
                using.tenant = Some(tenant.to_owned()).filter(|tenant| !tenant.is_empty());
                Availability::Ready { using }
            }
            Err(error) => Availability::Unavailable(error),
        }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move { self.token(&request).await }.boxed()
    }
}

impl fmt::Debug for AzcredAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("profile", &self.store.profile())
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}
