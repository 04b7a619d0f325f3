//! Azure CLI's token without Azure CLI: from its files, what `az account get-access-token` would
//! give at this moment.
//!
//! The same account, the same token of MSAL's cache while it has one that is good, else one for the
//! refresh token or the secret that az would use. Nothing is ever written: az finds its files as it
//! left them, and a refresh token stays good after its use. Wherever az would look at something
//! that is not understood here, it is asked itself.

use super::{
    NAME,
    files::{BROKER_ON_MAC, ENCRYPT, Folder, Limit, NotHere, Settings},
    profile::{self, Account, SignedIn},
    service_principal,
    token_cache::{Cached, TokenCache, Whose},
};
use crate::{
    cache::{self, Identity},
    cloud::Cloud,
    entra::{Grant, TokenEndpoint},
    facts::{Error, Fix, Result},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;
use tokio::time::Instant;

/// Azure CLI's own client id.
const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// More refresh tokens of one person are not tried.
const MOST_REFRESH_TOKENS: usize = 4;
const CACHE: &str = "msal_token_cache.json";
/// 'Can handle a claims challenge', which az says of itself: such tokens live for a day and can be
/// revoked at once.
const CAPABILITIES: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) scopes: Vec<&'a str>,
    pub(super) tenant: Option<&'a TenantId>,
    pub(super) subscription: Option<&'a str>,
}

/// What the files hold.
#[derive(Debug)]
pub(super) enum Found {
    /// The token.
    Token(AccessToken),
    /// What a token can be had for.
    Redeemable(Redeemable),
    /// For certain nobody is signed in.
    Nobody,
}

/// What a token can be had for at the identity provider.
#[derive(Debug)]
pub(super) struct Redeemable {
    tenant: TenantId,
    client_id: ClientId,
    proof: Proof,
    /// A token that should be replaced, and is good meanwhile.
    meanwhile: Option<AccessToken>,
}

#[derive(Debug)]
enum Proof {
    Secret(SecretString),
    /// In the order in which they are tried.
    RefreshTokens {
        home_account_id: String,
        tokens: Vec<SecretString>,
    },
}

/// Why the cache is not even there to be looked at.
pub(super) fn is_encrypted(folder: &Folder<'_>) -> bool {
    folder.has("msal_token_cache.bin") && !folder.has(CACHE)
}

/// Looks into the files. Reads them without giving way.
pub(super) fn look(
    system: &dyn System,
    cloud: &Cloud,
    asked: &Asked<'_>,
) -> Result<Found, NotHere> {
    let folder =
        Folder::of(system).ok_or_else(|| NotHere::because("Azure CLI's folder does not exist"))?;
    folder.check()?;
    let settings = Settings::read(&folder, "config")?;
    let is_windows = system.os() == "windows";
    if settings.is_set(system, &ENCRYPT, is_windows)? {
        return Err(NotHere::because("Azure CLI's token cache is encrypted"));
    }
    let found = profile::find(
        system,
        &folder,
        &settings,
        cloud,
        asked.tenant,
        asked.subscription,
    )?;
    let signed_in = match found {
        profile::Found::SignedIn(signed_in) => signed_in,
        profile::Found::Nobody => return Ok(Found::Nobody),
    };
    let bytes = folder
        .read(CACHE, Limit::TOKENS)?
        .ok_or_else(|| NotHere::because("msal_token_cache.json does not exist"))?;
    let cache = TokenCache::parse(&bytes)?;
    match &signed_in.account {
        Account::User(name) => {
            // Tokens of such a session are kept apart, under a key that depends on it.
            if system.var("COPILOT_AGENT_SESSION_ID").is_some() {
                return Err(NotHere::because("COPILOT_AGENT_SESSION_ID is set"));
            }
            let person = cache.person(&signed_in.environment, name)?;
            let whose = Whose {
                client_id: AZURE_CLI,
                environment: &signed_in.environment,
                home_account_id: Some(&person.home_account_id),
            };
            let meanwhile = match cached(system, cloud, &cache, whose, &signed_in, asked)? {
                Ok(token) => return Ok(Found::Token(token)),
                Err(meanwhile) => meanwhile,
            };
            let has_broker = person.is_brokers
                || is_windows
                || system.os() == "macos" && settings.is_set(system, &BROKER_ON_MAC, false)?;
            if has_broker {
                return Err(NotHere::because(
                    "only the system's broker can renew the token",
                ));
            }
            let tokens: Vec<SecretString> = cache
                .refresh(whose)
                .into_iter()
                .take(MOST_REFRESH_TOKENS)
                .map(SecretString::from)
                .collect();
            if tokens.is_empty() {
                return Err(NotHere::because(
                    "the token cache has no refresh token of the account",
                ));
            }
            let proof = Proof::RefreshTokens {
                home_account_id: person.home_account_id,
                tokens,
            };
            redeemable(cloud, signed_in, AZURE_CLI, proof, meanwhile)
        }
        Account::ServicePrincipal(client_id) => {
            // Read first: without it az has no token to give, a cached one neither.
            let secret = service_principal::secret(&folder, client_id, signed_in.tenant.as_str())?;
            let whose = Whose {
                client_id,
                environment: &signed_in.environment,
                home_account_id: None,
            };
            let meanwhile = match cached(system, cloud, &cache, whose, &signed_in, asked)? {
                Ok(token) => return Ok(Found::Token(token)),
                Err(meanwhile) => meanwhile,
            };
            let client_id = client_id.clone();
            redeemable(
                cloud,
                signed_in,
                &client_id,
                Proof::Secret(secret),
                meanwhile,
            )
        }
    }
}

/// A good token from the cache, or one that is good until there is another.
fn cached(
    system: &dyn System,
    cloud: &Cloud,
    cache: &TokenCache<'_>,
    whose: Whose<'_>,
    signed_in: &SignedIn,
    asked: &Asked<'_>,
) -> Result<Result<AccessToken, Option<AccessToken>>, NotHere> {
    let now = system.now();
    let tenant = signed_in.tenant.as_str();
    let mut found = cache.access(whose, tenant, &asked.scopes, now)?;
    if found.as_ref().is_none_or(|cached| cached.is_due)
        && let Some(other_name) = resource_manager_by_its_other_name(cloud, &asked.scopes)
        && let Some(other) = cache.access(whose, tenant, &[other_name], now)?
        && !other.is_due
    {
        found = Some(other);
    }
    let Some(Cached {
        secret,
        lifetime,
        refresh_in,
        is_due,
    }) = found
    else {
        return Ok(Err(None));
    };
    let refresh_in = if is_due {
        Some(Duration::ZERO)
    } else {
        refresh_in
    };
    let token = AccessToken::new(secret.to_owned(), now, lifetime, refresh_in);
    Ok(if is_due { Err(Some(token)) } else { Ok(token) })
}

/// Resource Manager is one resource of two names, and takes tokens for either. Azure CLI asks for
/// its own by the older one (the `activeDirectoryResourceId` of `az cloud show`), so that this is
/// the one it has after every `az login`: taking it spares every new process a request.
fn resource_manager_by_its_other_name(cloud: &Cloud, scopes: &[&str]) -> Option<&'static str> {
    let [scope] = scopes else { return None };
    let resource = scope.strip_suffix("/.default")?.trim_end_matches('/');
    if resource != cloud.resource_manager_audience() {
        return None;
    }
    match resource {
        "https://management.azure.com" => Some("https://management.core.windows.net//.default"),
        "https://management.usgovcloudapi.net" => {
            Some("https://management.core.usgovcloudapi.net//.default")
        }
        "https://management.chinacloudapi.cn" => {
            Some("https://management.core.chinacloudapi.cn//.default")
        }
        _ => None,
    }
}

fn redeemable(
    cloud: &Cloud,
    signed_in: SignedIn,
    client_id: &str,
    proof: Proof,
    meanwhile: Option<AccessToken>,
) -> Result<Found, NotHere> {
    // Azure CLI's secrets go where Azure CLI sends them.
    if cloud.authority().host() != signed_in.environment {
        return Err(NotHere::because("Azure CLI uses another authority"));
    }
    let client_id = ClientId::new(client_id)
        .map_err(|_| NotHere::because("the application's id is not valid"))?;
    Ok(Found::Redeemable(Redeemable {
        tenant: signed_in.tenant,
        client_id,
        proof,
        meanwhile,
    }))
}

impl Redeemable {
    /// Asks the identity provider, within `deadline`.
    pub(super) async fn redeem(
        self,
        options: &ClientOptions,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let endpoint =
            TokenEndpoint::new(self.tenant.clone(), self.client_id.clone(), options.clone())?;
        // The tenant of the request has been taken account of: the endpoint is that tenant's.
        let request = its_scopes(request);
        // Whoever signs out takes this along, and with it what was had for it.
        let proof = match &self.proof {
            Proof::Secret(secret) => Some(secret),
            Proof::RefreshTokens { tokens, .. } => tokens.first(),
        };
        let whose = match &self.proof {
            Proof::Secret(_) => format!("the application {}", self.client_id),
            Proof::RefreshTokens { .. } => "the account that is signed in to Azure CLI".to_owned(),
        };
        let identity = Identity::at(&endpoint, NAME, whose, &request)?;
        let identity = proof.map(|proof| identity.and(proof.expose_secret()));
        let ask = |left| self.ask(&endpoint, &request, left);
        cache::through(options, identity, &request, deadline, ask).await
    }

    async fn ask(
        self,
        endpoint: &TokenEndpoint,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let started = Instant::now();
        let tenant = self.tenant;
        let request = as_az_asks(request.clone(), &**endpoint.options().system());
        let grants: Vec<Grant> = match self.proof {
            Proof::Secret(secret) => vec![Grant::Secret(secret)],
            Proof::RefreshTokens {
                home_account_id,
                tokens,
            } => tokens
                .into_iter()
                .map(|token| Grant::Refresh {
                    token,
                    home_account_id: Some(home_account_id.clone()),
                })
                .collect(),
        };
        let mut last = None;
        for grant in grants {
            let left = deadline.saturating_sub(started.elapsed());
            match endpoint.ask(NAME, grant, &request, left).await {
                Ok(token) => return Ok(token),
                Err(error) if error.is_refused() => last = Some(error),
                Err(error) => {
                    last = Some(error);
                    break;
                }
            }
        }
        match (self.meanwhile, last) {
            (Some(token), Some(error)) => {
                tracing::debug!(%error, "the cached token could not be renewed; it is still valid");
                Ok(token)
            }
            (_, Some(error))
                if error.is_refused()
                    && error.fix().is_none_or(|fix| matches!(fix, Fix::SignIn(_))) =>
            {
                Err(error.with_fix(Fix::SignInToTool {
                    command: format!("az login --tenant {tenant}"),
                }))
            }
            (_, Some(error)) => Err(error),
            (_, None) => Err(Error::new(
                crate::ErrorKind::Invalid,
                "could not get a token as Azure CLI does",
                "no refresh token is stored",
            )),
        }
    }
}

/// A request for the same scopes, and nothing else.
fn its_scopes(request: &TokenRequest) -> TokenRequest {
    let (first, others) = request
        .scopes()
        .split_first()
        .unwrap_or_else(|| unreachable!("a request has a scope"));
    others
        .iter()
        .cloned()
        .fold(TokenRequest::new(first.clone()), TokenRequest::and_scope)
}

/// The request as az makes it.
fn as_az_asks(request: TokenRequest, system: &dyn System) -> TokenRequest {
    if system.var("AZURE_IDENTITY_DISABLE_CP1").is_some() {
        return request;
    }
    request.with_claims(CAPABILITIES)
}

impl std::fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// What is expected of [`SecretString`]'s `Debug`, on which the ones above rely.
#[cfg(test)]
pub(super) fn exposed(found: &Found) -> Option<Vec<String>> {
    match found {
        Found::Redeemable(Redeemable { proof, .. }) => Some(match proof {
            Proof::Secret(secret) => vec![secret.expose_secret().to_owned()],
            Proof::RefreshTokens { tokens, .. } => tokens
                .iter()
                .map(|token| token.expose_secret().to_owned())
                .collect(),
        }),
        Found::Token(token) => Some(vec![token.secret().to_owned()]),
        Found::Nobody => None,
    }
}

#[cfg(test)]
#[path = "direct_tests.rs"]
mod tests;
