//! What Entra ID's codes mean, and what fixes them.
//!
//! A fix depends on what was sent: 'make a new secret' is of no use to a program that sent a CI
//! system's token. So [`Remedy::For`] has one remedy for each [`SentProof`], and a remedy that is
//! for one of them is never shown for another.

mod table;
#[cfg(test)]
mod tests;

use crate::facts::{Fix, SignIn};
use std::borrow::Cow;
use table::MEANINGS;

/// What an error code means and what fixes the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meaning {
    /// The digits of the code: 7000215 for `AADSTS7000215`.
    pub code: u32,
    /// What the code means, with placeholders: `{client}`, `{tenant}` and `{scope}` are names of a
    /// request.
    pub means: &'static str,
    /// What fixes the error, before the names of a request are filled in.
    remedy: Remedy,
    /// Whether only Entra ID's own text has the values that the reader needs.
    is_quoted: bool,
    of_refresh_token: OfRefreshToken,
}

/// What a code says of the refresh token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfRefreshToken {
    /// Nothing: the error beside the code decides.
    NotSaid,
    /// It was revoked or has expired ('Microsoft Entra authentication and authorization error
    /// codes').
    Ended,
    /// The sign-in is older than a policy allows for this resource. Conditional Access then sends
    /// no claims, and Entra ID returns `token_expired` though the refresh token is valid for other
    /// resources.
    TooOld,
    /// The account is of another tenant and not a guest in this one.
    NotInTenant,
    /// The person can't change what is wrong: a policy, the account, the application, the request.
    NotByPerson,
}

/// What a request was sent with, as far as fixes differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SentProof {
    /// An application's secret.
    Secret,
    /// An assertion that the application signed with its certificate's key.
    Certificate,
    /// An assertion of another issuer: a CI system, a cluster.
    FederatedToken,
    /// What a person's sign-in returned, such as a refresh token.
    Person,
    /// The managed identity of a machine, whose host sends the request.
    ManagedIdentity,
    /// The account of another program, such as Azure CLI.
    Tool,
}

impl SentProof {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Secret,
        Self::Certificate,
        Self::FederatedToken,
        Self::Person,
        Self::ManagedIdentity,
        Self::Tool,
    ];

    /// The condition in a text that is for every proof.
    const fn condition(self) -> &'static str {
        match self {
            Self::Secret => "a secret was sent",
            Self::Certificate => "a certificate was used",
            Self::FederatedToken => "a federated token was sent",
            Self::Person => "a person signs in",
            Self::ManagedIdentity => "it is a managed identity",
            Self::Tool => "another program sent the request",
        }
    }
}

/// The names of a request, as far as they are known.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestNames<'a> {
    pub(crate) client_id: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
    pub(crate) scope: Option<&'a str>,
}

/// What fixes an error, without the names of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// See [`Fix::SignIn`]; for a person.
    SignIn,
    /// See [`Fix::NewSecret`]; for a secret.
    NewSecret,
    /// Check the secret first, then [`Fix::NewSecret`]; for a secret.
    CheckSecret,
    /// See [`Fix::UploadCertificate`]; for a certificate.
    UploadCertificate,
    /// See [`Fix::CompareFederation`]; for a federated token.
    CompareFederation,
    /// See [`Fix::FindTenant`].
    CheckTenant,
    /// See [`Fix::Retry`].
    Retry,
    /// A text that may have placeholders.
    Text(&'static str),
    /// A remedy for each of these proofs. Others get [`Remedy::otherwise`].
    For(&'static [(SentProof, Self)]),
}

impl Remedy {
    /// The only proof that it is for.
    const fn only_for(self) -> Option<SentProof> {
        match self {
            Self::SignIn => Some(SentProof::Person),
            Self::NewSecret | Self::CheckSecret => Some(SentProof::Secret),
            Self::UploadCertificate => Some(SentProof::Certificate),
            Self::CompareFederation => Some(SentProof::FederatedToken),
            _ => None,
        }
    }

    /// The remedy for a proof; `None` if only the other program can say what fixes it.
    fn for_proof(self, proof: SentProof) -> Option<Self> {
        match self {
            Self::For(list) => match list.iter().find(|(one, _)| *one == proof) {
                Some((_, remedy)) => Some(*remedy),
                None => Self::otherwise(proof),
            },
            one if one.only_for().is_none_or(|only| only == proof) => Some(one),
            _ => Self::otherwise(proof),
        }
    }

    /// The remedy for a proof that the code is not known to be about.
    const fn otherwise(proof: SentProof) -> Option<Self> {
        match proof {
            SentProof::Person => Some(Self::SignIn),
            SentProof::ManagedIdentity => Some(Self::Text(
                "check that the identity is still assigned to this host: `az identity list --query '[].{name:name, id:clientId}'`",
            )),
            SentProof::Tool => None,
            SentProof::Secret | SentProof::Certificate | SentProof::FederatedToken => {
                Some(Self::Text(
                    "search the sign-in log of the tenant {tenant} (service principal sign-ins) for the correlation id",
                ))
            }
        }
    }

    /// The fix; `None` if it needs a name that is not known.
    fn fix(self, names: &RequestNames<'_>) -> Option<Fix> {
        let client_id = || Some(names.client_id?.to_owned());
        Some(match self {
            Self::SignIn => SignIn::again(names.tenant?).into(),
            Self::NewSecret => Fix::NewSecret {
                client_id: client_id()?,
                variable: None,
            },
            Self::CheckSecret => Fix::from(CHECK_SECRET).or(Fix::NewSecret {
                client_id: client_id()?,
                variable: None,
            }),
            Self::UploadCertificate => Fix::UploadCertificate {
                client_id: client_id()?,
            },
            Self::CompareFederation => Fix::CompareFederation {
                client_id: client_id()?,
            },
            Self::CheckTenant => Fix::FindTenant.or(COMPARE_TENANT),
            Self::Retry => Fix::Retry { after: None },
            Self::Text(text) => filled(text, names)?.into(),
            Self::For(list) => {
                let mut fixes: Vec<(Fix, Vec<&'static str>)> = Vec::new();
                for (proof, remedy) in list {
                    let fix = remedy.fix(names)?;
                    match fixes.iter_mut().find(|(one, _)| *one == fix) {
                        Some((_, conditions)) => conditions.push(proof.condition()),
                        None => fixes.push((fix, vec![proof.condition()])),
                    }
                }
                match <[_; 1]>::try_from(fixes) {
                    Ok([(fix, _)]) => fix,
                    Err(fixes) => fixes.into_iter().fold(Fix::default(), |all, (fix, when)| {
                        all.or(fix.when(when.join(" or ")))
                    }),
                }
            }
        })
    }
}

impl Meaning {
    /// What the code means for a request by this application for this tenant and scope.
    pub fn means_for(&self, client_id: &str, tenant: &str, scope: &str) -> String {
        let names = RequestNames {
            client_id: Some(client_id),
            tenant: Some(tenant),
            scope: Some(scope),
        };
        self.means_with(&names).unwrap_or_default()
    }

    /// What the code means; `None` if that needs a name that is not known.
    pub(crate) fn means_with(&self, names: &RequestNames<'_>) -> Option<String> {
        filled(self.means, names).map(Cow::into_owned)
    }

    /// Whether the cause is complete only with Entra ID's own text, which names the values that it
    /// saw.
    pub(crate) const fn is_quoted(&self) -> bool {
        self.is_quoted
    }

    /// What the code says of the refresh token that was sent.
    pub(crate) const fn of_refresh_token(&self) -> OfRefreshToken {
        self.of_refresh_token
    }

    /// What fixes the error for a request by this application for this tenant and scope, if it is
    /// not known what was sent.
    pub fn fix_for(&self, client_id: &str, tenant: &str, scope: &str) -> Fix {
        let names = RequestNames {
            client_id: Some(client_id),
            tenant: Some(tenant),
            scope: Some(scope),
        };
        self.remedy.fix(&names).unwrap_or_default()
    }

    /// What fixes the error for a request that was sent with `proof`; `None` if that needs a name
    /// that is not known, or is the other program's to say.
    pub(crate) fn fix_with(&self, proof: SentProof, names: &RequestNames<'_>) -> Option<Fix> {
        self.remedy.for_proof(proof)?.fix(names)
    }
}

/// The text with the names of a request; `None` if one of them is not known.
fn filled(text: &'static str, names: &RequestNames<'_>) -> Option<Cow<'static, str>> {
    let mut filled = Cow::Borrowed(text);
    // What is true of a tenant needs no name for it.
    const ITS: &str = "the tenant {tenant}";
    if names.tenant.is_none() && text.contains(ITS) {
        filled = Cow::Owned(text.replace(ITS, "the account's tenant"));
    }
    for (place, name) in [
        ("{client}", names.client_id),
        ("{tenant}", names.tenant),
        ("{scope}", names.scope),
    ] {
        if filled.contains(place) {
            filled = Cow::Owned(filled.replace(place, name?));
        }
    }
    Some(filled)
}

/// The meaning of a code; `None` for codes that are not in the table.
pub fn explain(code: u32) -> Option<&'static Meaning> {
    MEANINGS
        .binary_search_by_key(&code, |meaning| meaning.code)
        .ok()
        .map(|place| &MEANINGS[place])
}

/// Beside [`Fix::FindTenant`].
const COMPARE_TENANT: &str = "ask for the tenant id where you got the client id";
/// The portal's columns are 'Value' and 'Secret ID'.
const CHECK_SECRET: &str = "check that the secret is its Value, not its Secret ID";
