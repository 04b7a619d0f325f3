//! A federated token: a token of another issuer, with which an application signs in ('Workload
//! identity federation').

use crate::{
    directory::{
        AZURE_DEVOPS, Application, Directory, EXCHANGE_APPLICATION, EXCHANGE_AUDIENCE,
        FederatedCredential, IssuerKeys, RsaJwk, ServicePrincipalKind,
    },
    entra::{
        assertion::{check_time, malformed},
        refusal::Refusal,
    },
    replication::View,
    signing::{Algorithm, Jws, PublicKey, SigningKey},
    text::clip,
    tokens::tenant_of_issuer,
    world::World,
};
use time::OffsetDateTime;
use uuid::Uuid;

const MORE: &str = "Check your federated identity credential Subject, Audience and Issuer against the presented \
                    assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

/// Checks another issuer's token against the application's federated credentials and the issuer's
/// keys.
///
/// # Errors
/// 70025 without federated credentials; 700211, 700212, 700213, 7002138 and 70021 if none matches;
/// 700226 for a token of Entra ID itself that is neither a managed identity's nor Azure DevOps';
/// 700024 outside its lifetime; 50166 if the issuer's keys
/// can't be fetched; 7000272 if the issuer does not publish the key; 700027 if the signature is
/// wrong.
pub(super) fn check(
    jws: &Jws<'_>,
    application: &Application,
    world: &World,
    directory: &Directory,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let issuer = jws
        .claim_str("iss")
        .ok_or_else(|| malformed("the claim 'iss' is missing"))?;
    let subject = jws
        .claim_str("sub")
        .ok_or_else(|| malformed("the claim 'sub' is missing"))?;
    let is_of_entra = tenant_of_issuer(issuer).is_some();
    if is_of_entra && !may_be_exchanged(jws, subject, directory) {
        return Err(Refusal::invalid_request(
            700_226,
            "Only MSI tokens may be used as Federated Identity Credentials for AAD issuer.",
        ));
    }
    let audiences: Vec<&str> = jws
        .audiences()
        .into_iter()
        .map(|audience| match audience {
            EXCHANGE_APPLICATION => EXCHANGE_AUDIENCE,
            other => other,
        })
        .collect();
    find(world, application, issuer, subject, &audiences)?;
    check_time(jws, now)?;
    check_signature(jws, issuer, world, directory)
}

/// Whether a token of Entra ID is for a managed identity or a service connection of Azure DevOps.
fn may_be_exchanged(jws: &Jws<'_>, subject: &str, directory: &Directory) -> bool {
    let is_connection = jws.claim_str("azp") == Some(AZURE_DEVOPS) && subject.starts_with("/eid1/");
    let is_identity = || {
        let id = Uuid::try_parse(jws.claim_str("oid")?).ok()?;
        let principal = directory.service_principals.get(&id)?;
        Some(principal.kind == ServicePrincipalKind::ManagedIdentity)
    };
    is_connection || is_identity() == Some(true)
}

/// The credential that matches a token exactly, or an error that names the part without a match.
fn find<'a>(
    world: &World,
    application: &'a Application,
    issuer: &str,
    subject: &str,
    audiences: &[&str],
) -> Result<&'a FederatedCredential, Refusal> {
    let all = application.federated_credentials.iter();
    let all: Vec<&FederatedCredential> = all
        .filter(|one| !world.replication.misses(View::SignIn, one.id))
        .collect();
    let refused = |code, part: &str, value: &str| {
        Refusal::invalid_client(
            code,
            format!(
                "No matching federated identity record found for presented assertion {part} '{}'. {MORE}",
                clip(value)
            ),
        )
    };
    if all.is_empty() {
        return Err(Refusal::invalid_client(
            70025,
            format!(
                "The client '{}'({}) has no configured federated identity credentials.",
                application.app_id, application.name
            ),
        ));
    }
    let of_issuer: Vec<_> = all.iter().copied().filter(|c| c.issuer == issuer).collect();
    if of_issuer.is_empty() {
        return Err(refused(700_211, "issuer", issuer));
    }
    let of_subject: Vec<_> = of_issuer.iter().filter(|c| c.subject == subject).collect();
    if of_subject.is_empty() {
        if of_issuer
            .iter()
            .any(|c| c.subject.eq_ignore_ascii_case(subject))
        {
            return Err(Refusal::invalid_client(
                7_002_138,
                format!(
                    "No matching federated identity record found for presented assertion subject '{}'. The subject \
                     matches without regard to case, but it is compared with regard to case. {MORE}",
                    clip(subject)
                ),
            ));
        }
        // Each part matches some credential, but no credential matches the pair.
        if all.iter().any(|c| c.subject == subject) {
            return Err(Refusal::invalid_client(
                70021,
                format!(
                    "No matching federated identity record found for presented assertion. Assertion Issuer: '{}'. \
                     Assertion Subject: '{}'. Assertion Audience: '{}'. \
                     https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
                    clip(issuer),
                    clip(subject),
                    clip(&audiences.join(" "))
                ),
            ));
        }
        return Err(refused(700_213, "subject", subject));
    }
    of_subject
        .into_iter()
        .find(|c| c.audiences.iter().any(|a| audiences.contains(&a.as_str())))
        .copied()
        .ok_or_else(|| refused(700_212, "audience", &audiences.join(" ")))
}

fn check_signature(
    jws: &Jws<'_>,
    issuer: &str,
    world: &World,
    directory: &Directory,
) -> Result<(), Refusal> {
    let kid = jws.header_str("kid").unwrap_or_default();
    let key = match directory.issuers.get(issuer).map(|issuer| &issuer.keys) {
        None if tenant_of_issuer(issuer).is_some() => {
            world.keys.entra_by_kid(kid).map(SigningKey::public_key)
        }
        None | Some(IssuerKeys::Unreachable) => {
            return Err(Refusal::invalid_request(
                50166,
                "Request to External OIDC endpoint failed.",
            ));
        }
        Some(IssuerKeys::Hosted) => {
            (world.keys.issuer.kid() == kid).then(|| world.keys.issuer.public_key())
        }
        Some(IssuerKeys::Published(keys)) => keys.iter().find(|key| key.kid == kid).map(public_key),
    };
    let key = key.ok_or_else(|| {
        Refusal::invalid_client(
            7_000_272,
            format!(
                "The certificate with identifier {} used to sign the federated credential could not be found in the \
                 metadata of identity provider {issuer}. Please validate that your Identity Provider's metadata \
                 exposes the key used to sign the incoming token.",
                clip(kid)
            ),
        )
    })?;
    // 'Important considerations and restrictions for federated identity credentials': only RS256.
    if jws.header_str("alg") != Some("RS256") || !jws.is_signed_by(Algorithm::Rs256, &key) {
        return Err(Refusal::invalid_client(
            700_027,
            format!(
                "Client assertion contains an invalid signature. [Reason - The provided signature value did not \
                 match the expected signature value., Thumbprint of key used by client: '{}']",
                clip(kid)
            ),
        ));
    }
    Ok(())
}

fn public_key(jwk: &RsaJwk) -> PublicKey {
    PublicKey::Components {
        n: jwk.n.clone(),
        e: jwk.e.clone(),
    }
}
