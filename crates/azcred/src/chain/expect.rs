//! The drift guard: the accounts that a chain may sign in as.

use super::{Setup, Source, preset};
use crate::{
    facts::{Error, ErrorKind, Fix, Principal, Result, SignIn},
    sieve::{Misplaced, oddity, shown, tidied_id},
    tenant::{NO_AD_FS, instead_of_ad_fs, is_ad_fs},
    token::AccessToken,
    untrusted::{is_unseen, printable},
};
use uuid::Uuid;

/// The expected account. Properties that are not set are not checked. If a token is another
/// account's, the chain fails and names both.
///
/// The claims of every new token are checked. That protects against accidents, such as a
/// colleague's service principal in the variables. It does not detect a forged token; only Azure
/// can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expect {
    tenant: Option<Uuid>,
    principal: Option<String>,
    sources: Option<Vec<Source>>,
    /// Where the expectation comes from, for the error.
    said_by: String,
}

impl Expect {
    /// Expects nothing yet. `said_by` names the origin of the expectation: a file's path, a flag.
    pub fn new(said_by: impl Into<String>) -> Self {
        Self {
            said_by: said_by.into(),
            ..Self::default()
        }
    }

    /// Where the expectation comes from.
    pub fn said_by(&self) -> &str {
        &self.said_by
    }

    /// Expects this tenant, by its GUID: a token does not name domains.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is not a GUID.
    pub fn tenant(mut self, tenant: &str) -> Result<Self> {
        if is_ad_fs(tidied_id(tenant)) {
            let what = format!("the expected tenant (from {}) is not valid", self.said_by);
            let why = format!("{} means AD FS; {NO_AD_FS}", shown(tenant));
            return Err(Error::new(ErrorKind::Invalid, what, why).with_fix(instead_of_ad_fs()));
        }
        let id = Uuid::parse_str(tidied_id(tenant)).map_err(|_| {
            Error::new(
                ErrorKind::Invalid,
                format!("the expected tenant (from {}) is not valid", self.said_by),
                match oddity(tenant) {
                    Some(oddity) => format!("{} is not the id of a tenant: {oddity}", shown(tenant)),
                    None => format!("{} is not the id of a tenant", shown(tenant)),
                },
            )
            .with_fix("give the tenant's GUID, which the Azure portal shows under Microsoft Entra ID, Overview")
        })?;
        self.tenant = Some(id);
        Ok(self)
    }

    /// Expects this principal: its object id, its application's client id, or a user's sign-in
    /// name. Case does not matter.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the text is empty.
    pub fn principal(mut self, principal: &str) -> Result<Self> {
        let principal = tidied_id(principal);
        let is_odd = principal.contains(is_unseen) || Misplaced::of(principal).is_some();
        if is_odd && let Some(oddity) = oddity(principal) {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "the expected principal {} (from {}) is not valid",
                    shown(principal),
                    self.said_by
                ),
                oddity,
            )
            .with_fix(
                "give an object id, a client id or an account's name, such as ada@contoso.com",
            ));
        }
        if principal.is_empty() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "the expected principal (from {}) is not valid",
                    self.said_by
                ),
                "it is empty",
            )
            .with_fix(
                "give an object id, a client id or an account's name, such as ada@contoso.com",
            ));
        }
        self.principal = Some(principal.to_owned());
        Ok(self)
    }

    /// Expects one of these sources.
    #[must_use]
    pub fn sources(mut self, sources: impl IntoIterator<Item = Source>) -> Self {
        self.sources = Some(sources.into_iter().collect());
        self
    }

    /// The same expectation of the account, from whatever source it is.
    pub(super) fn any_source(mut self) -> Self {
        self.sources = None;
        self
    }

    /// `azcred_first`: whether azcred's accounts come before this source.
    fn check(
        &self,
        source: Source,
        token: &AccessToken,
        azcred_first: &dyn Fn() -> bool,
    ) -> Result<()> {
        if let Some(sources) = &self.sources
            && !sources.contains(&source)
        {
            let allowed: Vec<&str> = sources.iter().map(|source| source.id()).collect();
            return Err(self.drift(
                source,
                &format!("allows only {}", allowed.join(", ")),
                Fix::ReadReport,
                None,
            ));
        }
        if self.tenant.is_none() && self.principal.is_none() {
            return Ok(());
        }
        let Ok(found) = Principal::from_token(token) else {
            return Err(self.drift(
                source,
                "expects an account, and the token does not name its own",
                Fix::Exclude(source),
                None,
            ));
        };
        if let Some(tenant) = self.tenant {
            let theirs = found.tenant_id.as_deref();
            if theirs.and_then(|id| Uuid::parse_str(id).ok()) != Some(tenant) {
                let tool = |login: &str| Fix::SignInToTool {
                    command: format!("{login} {tenant}"),
                };
                let fix = match source {
                    Source::AzureCli => tool("az login --tenant"),
                    Source::AzurePowerShell => tool("Connect-AzAccount -Tenant"),
                    Source::AzureDeveloperCli => tool("azd auth login --tenant-id"),
                    _ if source == Source::Azcred || source.asks_person() => {
                        SignIn::again(tenant.to_string()).into()
                    }
                    _ => Fix::Exclude(source),
                };
                return Err(self.drift(
                    source,
                    &format!(
                        "expects the tenant {tenant}, but the token from {source} belongs to the tenant {}",
                        theirs.map_or("(not named)".to_owned(), |id| printable(id, 64))
                    ),
                    fix,
                    Some("that is the right tenant".to_owned()),
                ));
            }
        }
        if let Some(principal) = &self.principal
            && !found.is_called(principal)
        {
            let who = found.called().next();
            let who = who.map_or("an account without a name".to_owned(), |name| {
                printable(name, 128)
            });
            // A sign-in name helps if a person's account is used, and not for an application.
            let is_person = principal.contains('@');
            let sign_in = || {
                Fix::SignIn(SignIn {
                    login_hint: Some(principal.clone()),
                    ..SignIn::default()
                })
            };
            let tool = |command: &str| {
                Fix::SignInToTool {
                    command: command.to_owned(),
                }
                .and(format!("sign in there as {principal}"))
            };
            let fix = match source {
                _ if !is_person => Fix::Exclude(source),
                _ if source == Source::Azcred || source.asks_person() => sign_in(),
                _ if source.is_developer() && azcred_first() => sign_in(),
                Source::AzureCli => tool("az login"),
                Source::AzurePowerShell => tool("Connect-AzAccount"),
                Source::AzureDeveloperCli => tool("azd auth login"),
                _ => Fix::Exclude(source),
            };
            return Err(self.drift(
                source,
                &format!("expects {principal}, but the token from {source} belongs to {who}"),
                fix,
                Some(format!("{who} is the right account")),
            ));
        }
        Ok(())
    }

    fn drift(&self, source: Source, why: &str, fix: Fix, right: Option<String>) -> Error {
        let change = Fix::from(format!("change what {} expects", self.said_by));
        let change = match right {
            Some(right) => change.when(right),
            None => change,
        };
        Error::new(
            ErrorKind::WrongAccount,
            format!("could not use the token from {source}"),
            match self.said_by.as_str() {
                "" => format!("this program {why}"),
                said_by => format!("{said_by} {why}"),
            },
        )
        .with_fix(fix.or(change))
    }
}

/// Checks all expectations of the token of `source`.
pub(super) fn check(setup: &Setup, source: Source, token: &AccessToken) -> Result<()> {
    // A new azcred account is used only if azcred comes before this source.
    let azcred_first = || {
        let places = preset::places(setup).unwrap_or_default();
        let mut order = places
            .iter()
            .filter(|place| place.excluded.is_none())
            .map(|place| place.source);
        order.find(|one| [source, Source::Azcred].contains(one)) == Some(Source::Azcred)
    };
    setup
        .expect
        .iter()
        .try_for_each(|expect| expect.check(source, token, &azcred_first))
}
