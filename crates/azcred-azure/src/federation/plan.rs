//! What has to be done so that an application trusts a token, before anything is sent.

use super::{CredentialName, FederatedTrust, differences};
use crate::{
    applications::{FederatedCredential, MOST_FEDERATED_CREDENTIALS},
    error::{Error, ErrorKind, Result},
};
use azcred::Untrusted;

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan<'a> {
    /// Nothing: this one matches.
    Nothing(&'a FederatedCredential),
    /// Make one with this name.
    Make(CredentialName),
    /// Change this one, which has the name, or has the issuer and the subject with another
    /// audience. An application can't have two with the same issuer and subject.
    Change(&'a FederatedCredential),
}

/// What has to be done so that an application with these federated credentials trusts `wanted`.
/// Without a name, a free one is chosen.
///
/// # Errors
/// [`ErrorKind::Invalid`] if there are 20 already and none can be changed.
pub fn plan<'a>(
    registered: &'a [FederatedCredential],
    wanted: &FederatedTrust,
    name: Option<&CredentialName>,
) -> Result<Plan<'a>> {
    let mut all = registered.iter();
    if let Some(one) = all.find(|one| differences(one, wanted).is_empty()) {
        return Ok(Plan::Nothing(one));
    }
    let mut all = registered.iter();
    let has_pair = |one: &&FederatedCredential| {
        let subject = one.subject.as_ref().map(Untrusted::raw);
        one.issuer.raw() == wanted.issuer() && subject == Some(wanted.subject())
    };
    if let Some(one) = all.find(has_pair) {
        return Ok(Plan::Change(one));
    }
    let named = |name: &str| {
        registered
            .iter()
            .find(|one| one.name.raw().eq_ignore_ascii_case(name))
    };
    if let Some(one) = name.and_then(|name| named(name.as_str())) {
        return Ok(Plan::Change(one));
    }
    if registered.len() >= MOST_FEDERATED_CREDENTIALS {
        return Err(Error::new(
            ErrorKind::Invalid,
            "could not add a federated credential",
            format!("the application has {} already, and Entra ID permits {MOST_FEDERATED_CREDENTIALS}", registered.len()),
        )
        .with_fix("remove one that is not used: the portal has them under 'Certificates & secrets', 'Federated credentials'; or make another application"));
    }
    let name = match name {
        Some(name) => name.clone(),
        None => free(&wanted.suggested_name(), |name| named(name).is_none()),
    };
    Ok(Plan::Make(name))
}

/// The name, or the name with the first number that makes it free.
fn free(name: &CredentialName, is_free: impl Fn(&str) -> bool) -> CredentialName {
    if is_free(name.as_str()) {
        return name.clone();
    }
    let numbered = (2..=MOST_FEDERATED_CREDENTIALS + 1).map(|number| {
        let room = super::NAME_LENGTHS.end() - 3;
        let beginning: String = name.as_str().chars().take(room).collect();
        CredentialName(format!("{beginning}-{number}"))
    });
    numbered
        .into_iter()
        .find(|name| is_free(name.as_str()))
        .unwrap_or_else(|| name.clone())
}
