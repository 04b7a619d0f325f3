//! Azure CLI's token without running it: reads from its files what `az account get-access-token`
//! would return now.
//!
//! It uses the same account, and returns the same token from MSAL's cache if that is valid.
//! Otherwise it requests one with the refresh token or the secret that az would use. It never
//! writes: az's files stay as they are, and a refresh token stays valid after its use. If anything
//! in the files is unknown, az is run instead.

use super::{
    NAME,
    files::{BROKER_ON_MAC, CliSettings, ENCRYPT, Folder, Limit, NotHere},
    profile::{self, CliAccount, CliSignIn},
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
/// The most refresh tokens of a person that are tried.
const MOST_REFRESH_TOKENS: usize = 4;
const CACHE: &str = "msal_token_cache.json";
/// The client capability 'can handle a claims challenge', which az sends. Such tokens live for a
/// day and can be revoked at once.
const CAPABILITIES: &str = r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#;

/// What is requested.
pub(super) struct CliRequest<'a> {
    pub(super) scopes: Vec<&'a str>,
    pub(super) tenant: Option<&'a TenantId>,
    pub(super) subscription: Option<&'a str>,
}

/// The result of reading the files.
#[derive(Debug)]
pub(super) enum FilesLookup {
    /// The token.
    Token(AccessToken),
    /// What a token can be requested with.
    Redeemable(Redeemable),
    /// Certainly no account is signed in.
    SignedOut,
}

/// What a token can be requested with at the identity provider.
#[derive(Debug)]
pub(super) struct Redeemable {
    tenant: TenantId,
    client_id: ClientId,
    proof: CliProof,
    /// A token that is due for refresh, but still valid.
    meanwhile: Option<AccessToken>,
}

#[derive(Debug)]
enum CliProof {
    Secret(SecretString),
    /// Refresh tokens in the order in which they are tried.
    RefreshTokens {
        home_account_id: String,
        tokens: Vec<SecretString>,
    },
}

/// Whether the cache is encrypted, so that it can't be read.
pub(super) fn is_encrypted(folder: &Folder<'_>) -> bool {
    folder.has("msal_token_cache.bin") && !folder.has(CACHE)
}

/// Reads the files. It blocks.
pub(super) fn look(
    system: &dyn System,
    cloud: &Cloud,
    asked: &CliRequest<'_>,
) -> Result<FilesLookup, NotHere> {
    let folder =
        Folder::of(system).ok_or_else(|| NotHere::because("Azure CLI's folder does not exist"))?;
    folder.check()?;
    let settings = CliSettings::read(&folder, "config")?;
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
        profile::ProfileLookup::SignedIn(signed_in) => signed_in,
        profile::ProfileLookup::SignedOut => return Ok(FilesLookup::SignedOut),
    };
    let bytes = folder
        .read(CACHE, Limit::TOKENS)?
        .ok_or_else(|| NotHere::because("msal_token_cache.json does not exist"))?;
    let cache = TokenCache::parse(&bytes)?;
    match &signed_in.account {
        CliAccount::User(name) => {
            // Tokens of such a session are stored separately, under a key that depends on the
            // session.
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
                Ok(token) => return Ok(FilesLookup::Token(token)),
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
            let proof = CliProof::RefreshTokens {
                home_account_id: person.home_account_id,
                tokens,
            };
            redeemable(cloud, signed_in, AZURE_CLI, proof, meanwhile)
        }
        CliAccount::ServicePrincipal(client_id) => {
            // The secret is read first: without it, az returns no token, not even a cached one.
            let secret = service_principal::secret(&folder, client_id, signed_in.tenant.as_str())?;
            let whose = Whose {
                client_id,
                environment: &signed_in.environment,
                home_account_id: None,
            };
            let meanwhile = match cached(system, cloud, &cache, whose, &signed_in, asked)? {
                Ok(token) => return Ok(FilesLookup::Token(token)),
                Err(meanwhile) => meanwhile,
            };
            let client_id = client_id.clone();
            redeemable(
                cloud,
                signed_in,
                &client_id,
                CliProof::Secret(secret),
                meanwhile,
            )
        }
    }
}

/// A cached token that is valid, or one that is due for refresh.
fn cached(
    system: &dyn System,
    cloud: &Cloud,
    cache: &TokenCache<'_>,
    whose: Whose<'_>,
    signed_in: &CliSignIn,
    asked: &CliRequest<'_>,
) -> Result<Result<AccessToken, Option<AccessToken>>, NotHere> {
    let now = system.now();
    let tenant = signed_in.tenant.as_str();
    let mut found = cache.access(whose, tenant, &asked.scopes, now)?;
    if found.as_ref().is_none_or(|cached| cached.is_due)
        && let Some(other_name) = resource_manager_by_its_other_name(cloud, &asked.scopes)
        && let Some(other) = cache.access(whose, tenant, &[&other_name], now)?
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

/// Resource Manager has two names and accepts tokens for both. Azure CLI uses the older name for
/// itself, so every `az login` caches a token for that name. Using that token saves every new
/// process a request.
fn resource_manager_by_its_other_name(cloud: &Cloud, scopes: &[&str]) -> Option<String> {
    let [scope] = scopes else { return None };
    let resource = scope.strip_suffix("/.default")?.trim_end_matches('/');
    let is_its_name = |cloud: &Cloud| resource == cloud.resource_manager_audience();
    let known = Cloud::KNOWN.into_iter().find(is_its_name)?;
    let older = known.older_resource_manager_audience();
    is_its_name(cloud).then(|| format!("{older}/.default"))
}

fn redeemable(
    cloud: &Cloud,
    signed_in: CliSignIn,
    client_id: &str,
    proof: CliProof,
    meanwhile: Option<AccessToken>,
) -> Result<FilesLookup, NotHere> {
    // Azure CLI's secrets are sent only to the host that Azure CLI uses.
    if cloud.authority().host() != signed_in.environment {
        return Err(NotHere::because("Azure CLI uses another authority"));
    }
    let client_id = ClientId::new(client_id)
        .map_err(|_| NotHere::because("the application's id is not valid"))?;
    Ok(FilesLookup::Redeemable(Redeemable {
        tenant: signed_in.tenant,
        client_id,
        proof,
        meanwhile,
    }))
}

impl Redeemable {
    /// Requests a token from the identity provider, within `deadline`.
    pub(super) async fn redeem(
        self,
        options: &ClientOptions,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let endpoint =
            TokenEndpoint::new(self.tenant.clone(), self.client_id.clone(), options.clone())?;
        // The endpoint is already the one of the request's tenant.
        let request = scopes_only(request);
        // Signing out removes the refresh token or secret, and with this key also the tokens that
        // were cached for it.
        let proof = match &self.proof {
            CliProof::Secret(secret) => Some(secret),
            CliProof::RefreshTokens { tokens, .. } => tokens.first(),
        };
        let whose = match &self.proof {
            CliProof::Secret(_) => format!("the application {}", self.client_id),
            CliProof::RefreshTokens { .. } => {
                "the account that is signed in to Azure CLI".to_owned()
            }
        };
        let identity = Identity::at(&endpoint, NAME, whose, &request)?;
        let identity = proof.map(|proof| identity.and(proof.expose_secret()));
        let fetch = |left| self.request_token(&endpoint, &request, left);
        cache::through(options, identity, &request, deadline, fetch).await
    }

    async fn request_token(
        self,
        endpoint: &TokenEndpoint,
        request: &TokenRequest,
        deadline: Duration,
    ) -> Result<AccessToken> {
        let started = Instant::now();
        let tenant = self.tenant;
        let request = as_az_sends(request.clone(), &**endpoint.options().system());
        let grants: Vec<Grant> = match self.proof {
            CliProof::Secret(secret) => vec![Grant::Secret(secret)],
            CliProof::RefreshTokens {
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
            match endpoint.request_token(NAME, grant, &request, left).await {
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

/// A request with the same scopes only.
fn scopes_only(request: &TokenRequest) -> TokenRequest {
    let (first, others) = request
        .scopes()
        .split_first()
        .unwrap_or_else(|| unreachable!("a request has a scope"));
    others
        .iter()
        .cloned()
        .fold(TokenRequest::new(first.clone()), TokenRequest::and_scope)
}

/// The request as az sends it.
fn as_az_sends(request: TokenRequest, system: &dyn System) -> TokenRequest {
    if system.var("AZURE_IDENTITY_DISABLE_CP1").is_some() {
        return request;
    }
    request.with_claims(CAPABILITIES)
}

impl std::fmt::Debug for CliRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CliRequest")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// Collects the secrets that `SecretString`'s `Debug` hides.
#[cfg(test)]
pub(super) fn exposed(found: &FilesLookup) -> Option<Vec<String>> {
    match found {
        FilesLookup::Redeemable(Redeemable { proof, .. }) => Some(match proof {
            CliProof::Secret(secret) => vec![secret.expose_secret().to_owned()],
            CliProof::RefreshTokens { tokens, .. } => tokens
                .iter()
                .map(|token| token.expose_secret().to_owned())
                .collect(),
        }),
        FilesLookup::Token(token) => Some(vec![token.secret().to_owned()]),
        FilesLookup::SignedOut => None,
    }
}

#[cfg(test)]
#[path = "direct_tests.rs"]
mod tests;
