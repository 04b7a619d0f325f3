//! Workload identity federation: what an assertion must contain, and how to register it in Entra
//! ID.

use super::variables;
use crate::{
    audience::FederatedAudience,
    facts::{self, Error, ErrorKind, Fix, Refusal, Result, SubjectForm, TrustToken, is_web_token},
    options::ClientOptions,
    redact::redact,
    tenant::ClientId,
    untrusted::printable,
};
use std::{borrow::Cow, fmt};

/// The longest issuer, subject or audience in Entra ID ('federatedIdentityCredential resource
/// type').
const VALUE_LIMIT: usize = 600;

/// Sets the audience. No settings file can: the token is valid for everyone with that audience, and
/// a project's file comes with a checkout.
pub(crate) const AUDIENCE: &str = "AZCRED_FEDERATED_AUDIENCE";

/// The audience of assertions: the program's, or else the variable's, or else the cloud's.
#[derive(Debug)]
pub(crate) struct Audience {
    pub(crate) text: Cow<'static, str>,
    origin: Origin,
    requester: Requester,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Program,
    Variable,
    Cloud,
}

/// Which side chooses the audience of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requester {
    /// azcred, in its request.
    Azcred,
    /// The service that issues the token.
    Service,
    /// Another program, such as the one that writes the token's file.
    Other,
}

impl Audience {
    /// The audience for credentials with these options.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the variable is not an audience or the cloud is unknown.
    pub(crate) fn of(options: &ClientOptions, requester: Requester) -> Result<Self> {
        let system = options.system();
        let is_heeded = requester != Requester::Service;
        let (text, origin) = if let Some(given) = options.federated_audience()
            && is_heeded
        {
            (given.as_str().to_owned().into(), Origin::Program)
        } else if is_heeded && system.var(AUDIENCE).is_some() {
            let given = variables::read(&**system, AUDIENCE, FederatedAudience::new)?;
            (given.as_str().to_owned().into(), Origin::Variable)
        } else {
            (options.cloud()?.federated_audience().into(), Origin::Cloud)
        };
        Ok(Self {
            text,
            origin,
            requester,
        })
    }

    /// The variable that chose the audience of requests.
    pub(crate) fn variable(&self) -> Option<&'static str> {
        (self.origin == Origin::Variable).then_some(AUDIENCE)
    }

    /// What gives the next token another audience, if `claims` have the wrong one.
    fn fix(&self, code: Option<u32>, claims: &FederatedClaims) -> Option<String> {
        match (self.requester, self.origin) {
            (Requester::Azcred, _) if !matches!(code, Some(700_023 | 700_212)) => None,
            (Requester::Azcred, Origin::Cloud) => Some(format!(
                "if the federated credential has another audience, set {AUDIENCE} to it"
            )),
            (Requester::Azcred, Origin::Variable) => Some(format!(
                "set {AUDIENCE} to the audience of the federated credential, or unset it"
            )),
            (Requester::Azcred, Origin::Program) => Some(
                "give `with_federated_audience` the audience of the federated credential"
                    .to_owned(),
            ),
            (Requester::Service, _) => None,
            (Requester::Other, _) => (!claims.audiences.iter().any(|one| *one == self.text))
                .then(|| format!("request the token for the audience {}", self.text)),
        }
    }
}

/// The claims that Entra ID compares with a federated credential. They are not verified.
pub(crate) struct FederatedClaims {
    issuer: String,
    subject: String,
    pub(crate) audiences: Vec<String>,
}

impl FederatedClaims {
    /// The claims of an assertion; `None` if it is not a JSON web token with an issuer and a
    /// subject.
    pub(crate) fn of(assertion: &str) -> Option<Self> {
        if !is_web_token(assertion) {
            return None;
        }
        let claims = facts::Claims::of(assertion)?;
        Some(Self {
            issuer: claims.issuer()?.to_owned(),
            subject: claims.subject()?.to_owned(),
            audiences: claims.audiences().into_iter().map(str::to_owned).collect(),
        })
    }

    /// The issuer and the subject.
    pub(crate) fn of_whom(&self) -> [&str; 2] {
        [&self.issuer, &self.subject]
    }

    /// Whether a claim has a part of a secret.
    fn repeat(&self, secret: &str) -> bool {
        let claims = [&self.issuer, &self.subject].into_iter();
        claims
            .chain(&self.audiences)
            .any(|claim| redact(claim, &[secret]) != claim.as_str())
    }

    /// That the same job has another subject in the other form of its system, which a federated
    /// credential may have.
    fn other_form(&self) -> Option<String> {
        let form = SubjectForm::of(&self.subject);
        let pattern = form.other_form()?.pattern()?;
        Some(format!(
            "the subject has {form}, and a federated credential with {} ({pattern}) does not match it",
            form.other_form()?
        ))
    }

    /// The fix that registers such assertions for an application; `None` if that is not possible,
    /// or if a value has invisible characters.
    fn registration(&self, client_id: &ClientId, audience: &Audience) -> Option<Fix> {
        let fits = |value: &str| !value.is_empty() && printable(value, VALUE_LIMIT) == value;
        // A federated credential has one audience.
        let own = self.audiences.first()?;
        let all_fit = [&self.issuer, &self.subject, own]
            .into_iter()
            .all(|value| fits(value));
        all_fit.then(|| {
            let is_usual = audience.origin == Origin::Cloud && audience.text == *own;
            let values = [&*self.issuer, &*self.subject, &**own];
            Fix::TrustToken(Box::new(TrustToken::new(
                client_id.to_string(),
                values,
                is_usual,
            )))
        })
    }
}

impl fmt::Display for FederatedClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the token's issuer (iss) is '{}', its subject (sub) '{}', its audience (aud) '{}'",
            printable(&self.issuer, VALUE_LIMIT),
            printable(&self.subject, VALUE_LIMIT),
            printable(&self.audiences.join(" "), VALUE_LIMIT)
        )
    }
}

/// Adds the assertion's claims to a rejection of Entra ID's. If Entra ID has no federated
/// credential for the assertion, adds the command that registers it. Other errors are unchanged.
///
/// `secret` is what the issuer of the assertion was sent. If a claim repeats it, no claim is shown.
pub(crate) fn with_both_sides(
    error: Error,
    client_id: &ClientId,
    audience: &Audience,
    assertion: &str,
    secret: Option<&str>,
) -> Error {
    let knows_none = matches!(
        error.code(),
        Some(70_021 | 70_025 | 700_211..=700_213 | 7_002_138)
    );
    if error.kind() != ErrorKind::Refused {
        return error;
    }
    let Some(claims) = FederatedClaims::of(assertion) else {
        return error;
    };
    if secret.is_some_and(|secret| claims.repeat(secret)) {
        return without_secret(&error, secret.as_slice());
    }
    let mut why = format!("{}; {claims}", error.why());
    if knows_none && let Some(other) = claims.other_form() {
        why = format!("{why}; {other}");
    }
    let shown = Error::new(error.kind(), error.what().to_owned(), why);
    let shown = match error.refusal() {
        Some(refusal) => shown.with_refusal(refusal.clone()),
        None => shown,
    };
    let change = audience.fix(error.code(), &claims);
    if !knows_none {
        return match (change, audience.requester, error.fix()) {
            (Some(change), Requester::Azcred, Some(fix)) => {
                shown.with_fix(Fix::from(change).or(fix.clone()))
            }
            _ => shown.with_fix_of(&error),
        };
    }
    let registration = claims.registration(client_id, audience);
    let registration = registration.map(|fix| {
        Fix::If(
            "the application should trust this token".into(),
            Box::new(fix),
        )
    });
    // The rejection's own fix compares what is registered.
    let all = change
        .map(Fix::from)
        .into_iter()
        .chain(registration)
        .chain(error.fix().cloned());
    shown.with_fix(Fix::AllOf(all.collect()))
}

/// A rejection of an assertion that has a secret in its claims: Entra ID quotes those.
fn without_secret(error: &Error, secrets: &[&str]) -> Error {
    let clean = |text: &str| redact(text, secrets).into_owned();
    let shown = Error::new(error.kind(), error.what().to_owned(), clean(error.why()));
    let shown = match error.refusal() {
        Some(refusal) => shown.with_refusal(Refusal {
            description: clean(&refusal.description),
            ..refusal.clone()
        }),
        None => shown,
    };
    shown.with_fix_of(error)
}

#[cfg(test)]
#[path = "federation_tests.rs"]
mod tests;
