//! Are the variables of a service principal complete, and is each what it should be?

use super::{
    sign_in::{PLACES, SignIn},
    subscription_tenant::WorkspaceTenant,
};
use crate::{
    doctor::{
        case::Case,
        check::Check,
        checks::CheckId,
        report::{Area, Verdict},
        shell::Shell,
    },
    error::Error,
};
use azcred::{
    ErrorKind, Fix,
    chain::{Attempt, Source},
    session::{MissingVariable, OddValue, Oddity, VariableFault, variable_faults},
    shown_value,
    system::{SharedSystem, System},
    tidied,
};

/// 'Invalid client secret provided'.
const WRONG_SECRET: u32 = 7_000_215;
/// 'Application was not found in the directory'.
const NO_APPLICATION: u32 = 700_016;
/// No such tenant, and a malformed one.
const NO_TENANT: [u32; 2] = [90_002, 900_023];

pub(super) struct VariablesCheck;

pub(super) enum VariablesOutcome {
    /// A variable can't be read at all.
    Unusable(Error),
    /// No variable of a service principal is set, or those that are belong to something else.
    NotSet,
    /// The groups of variables that are complete: `AZURE_*`, `HIML_*`.
    Complete(Vec<&'static str>),
    /// There is a fault, and it is why the sign-in failed if there is an error.
    Faulty {
        fault: VariableFault,
        /// The other faults.
        others: Vec<VariableFault>,
        sign_in: Option<Error>,
        /// The tenant of the workspace, if the fault is about the tenant.
        tenant: Option<String>,
        system: SharedSystem,
    },
}

impl Check for VariablesCheck {
    type Outcome = VariablesOutcome;

    fn area(&self) -> Area {
        Area::SignIn
    }

    fn title(&self) -> &'static str {
        "variables"
    }

    fn needs(&self) -> &'static [CheckId] {
        &[]
    }

    async fn examine(&self, case: &Case<'_>) -> Option<VariablesOutcome> {
        let system = match case.system() {
            Ok(system) => system,
            Err(error) => return Some(VariablesOutcome::Unusable(Error::token(error))),
        };
        let sign_in = case.find::<SignIn>().await;
        let mut faults = variable_faults(&*system);
        let error = sign_in.0.as_ref().err();
        let cause = faults
            .iter()
            .position(|fault| error.is_some_and(|error| explains(fault, error, &*system)));
        let report = sign_in.chain();
        let chosen = report.as_deref().and_then(|report| report.chosen());
        let worth_it = |fault: &VariableFault| matters(fault, chosen);
        let first = cause.or_else(|| faults.iter().position(worth_it));
        Some(match first {
            Some(first) => {
                let fault = faults.remove(first);
                faults.retain(worth_it);
                let tenant = match is_about_tenant(&fault) {
                    true => case.find::<WorkspaceTenant>().await.0.clone(),
                    false => None,
                };
                VariablesOutcome::Faulty {
                    fault,
                    others: faults,
                    sign_in: cause.and(error.cloned()),
                    tenant,
                    system,
                }
            }
            None => match complete(&*system) {
                complete if complete.is_empty() => VariablesOutcome::NotSet,
                complete => VariablesOutcome::Complete(complete),
            },
        })
    }

    fn tell(&self, outcome: VariablesOutcome, _: &Case<'_>) -> Verdict {
        match outcome {
            VariablesOutcome::Unusable(error) => Verdict::error("", &error),
            VariablesOutcome::NotSet => Verdict::does_not_apply(
                "no secret or certificate of a service principal is in a variable",
            ),
            VariablesOutcome::Complete(groups) => {
                Verdict::ok(format!("{} {} complete", list(&groups), are(&groups)))
            }
            VariablesOutcome::Faulty {
                fault,
                others,
                sign_in,
                tenant,
                system,
            } => {
                let verdict = match &sign_in {
                    Some(error) => Verdict::error("", error),
                    None => Verdict::warning("", ""),
                };
                let tenant = tenant.as_deref();
                let verdict = tell_fault(&fault, verdict, sign_in.is_none(), tenant, &*system);
                let verdict = match tenant {
                    Some(tenant) => verdict.evidence(WORKSPACES_TENANT, tenant),
                    None => verdict,
                };
                others.iter().fold(verdict, |verdict, other| {
                    verdict.evidence("also", reason(other, &*system))
                })
            }
        }
    }
}

/// The name of the evidence that a tenant is right.
pub(super) const WORKSPACES_TENANT: &str = "tenant of the workspace's subscription";

/// Whether a fault is about the variable with the tenant.
fn is_about_tenant(fault: &VariableFault) -> bool {
    match fault {
        VariableFault::HalfSet { missing, .. } => missing
            .iter()
            .any(|one| one.instead.is_none() && one.name.ends_with("TENANT_ID")),
        VariableFault::Odd(odd) => {
            odd.name.ends_with("TENANT_ID") && odd.oddity != Oddity::Surrounded
        }
        _ => false,
    }
}

/// The groups of variables that are complete.
fn complete(system: &dyn System) -> Vec<&'static str> {
    use azcred::EnvironmentKind::{AzureCertificate, AzureSecret, Himl};
    let is_set = |name: &&str| system.var_os(name).is_some();
    let has = |set: azcred::EnvironmentKind| set.variables().iter().all(is_set);
    let groups = [
        ("AZURE_*", has(AzureSecret) || has(AzureCertificate)),
        ("HIML_*", has(Himl)),
    ];
    let complete = groups.into_iter().filter(|(_, is_complete)| *is_complete);
    complete.map(|(group, _)| group).collect()
}

/// Whether a fault is why the sign-in failed.
fn explains(fault: &VariableFault, error: &Error, system: &dyn System) -> bool {
    let Some(error) = error.token_error() else {
        return false;
    };
    let report = error.report();
    let cause = report.and_then(|report| report.decisive().or_else(|| report.cause()));
    match fault {
        // No source has anything, and this one was begun.
        VariableFault::HalfSet { present, missing } => {
            let has_proof = present.iter().any(|name| is_proof(name));
            let may_be_meant = missing.iter().any(|one| one.instead.is_some());
            // Where a job or a pod has an identity of its own, the ids belong to that.
            let mut places = PLACES.iter().filter(|place| system.var(place.0).is_some());
            let is_begun =
                has_proof || may_be_meant || present.len() >= 2 && places.next().is_none();
            cause.is_none() && error.is_unavailable() && is_begun
        }
        VariableFault::Odd(odd) => cause
            .filter(|attempt| attempt.source == Source::Environment)
            .and_then(|attempt| attempt.error.as_ref())
            .is_some_and(|error| match error.kind() {
                // What is only around a value is removed before it is judged.
                ErrorKind::Invalid => !odd.is_secret && odd.oddity != Oddity::Surrounded,
                ErrorKind::Refused => is_about(odd, error.code()),
                _ => false,
            }),
        _ => false,
    }
}

/// Whether a rejection is about a value. What is around an id is not sent.
fn is_about(odd: &OddValue, code: Option<u32>) -> bool {
    let Some(code) = code else { return false };
    match (odd.is_secret, odd.oddity) {
        (true, _) => code == WRONG_SECRET,
        (false, Oddity::Surrounded) => false,
        (false, _) if odd.name.ends_with("TENANT_ID") => NO_TENANT.contains(&code),
        (false, _) => code == NO_APPLICATION,
    }
}

fn is_proof(name: &str) -> bool {
    name.contains("SECRET") || name.contains("PASSWORD") || name.contains("CERTIFICATE")
}

/// Whether a person should do something about a fault that did not keep the sign-in from working.
fn matters(fault: &VariableFault, chosen: Option<&Attempt>) -> bool {
    match fault {
        // Ids alone also belong to managed and workload identities.
        VariableFault::HalfSet { present, missing } => {
            let is_own = |name: &String| name.starts_with("AZ") || name.starts_with("HIML");
            present
                .iter()
                .any(|name| is_proof(name) || *name == HIML[0])
                || missing
                    .iter()
                    .filter(|one| is_proof(one.name) && !present.is_empty())
                    .any(|one| one.instead.as_ref().is_some_and(is_own))
        }
        VariableFault::Odd(odd) => {
            let used = chosen.and_then(|attempt| attempt.used.as_ref());
            let is_used = used.is_some_and(|used| used.variables.contains(&odd.name));
            // Entra ID accepted it, or azcred did not send what is around it. Others do.
            !is_used || !odd.is_secret && odd.oddity == Oddity::Surrounded
        }
        _ => false,
    }
}

/// The cause in one sentence.
fn reason(fault: &VariableFault, system: &dyn System) -> String {
    match fault {
        VariableFault::HalfSet { present, missing } => {
            let names: Vec<&str> = missing.iter().map(|one| one.name).collect();
            let instead: Vec<&str> = missing
                .iter()
                .filter_map(|one| one.instead.as_deref())
                .collect();
            let other = match (&instead[..], &present[..]) {
                ([], []) => String::new(),
                ([], present) => format!(", but {} {}", list(present), are(present)),
                (instead, _) => format!(
                    ", but {} {}, which no Azure SDK reads",
                    list(instead),
                    are(instead)
                ),
            };
            format!("{} {} not set{other}", list(&names), are(&names))
        }
        VariableFault::Odd(odd) => {
            let shown = match odd.is_secret {
                true => String::new(),
                false => match shown_value(&system.var(odd.name).unwrap_or_default()) {
                    hidden if hidden.starts_with('(') => format!(" {hidden}"),
                    shown => format!(" ({shown})"),
                },
            };
            let name = odd.name;
            let said = format!("{name}{shown}: {}", odd.why);
            match odd.oddity {
                Oddity::Surrounded if odd.is_secret => {
                    format!("{said}, and Entra ID gets it like that")
                }
                Oddity::Surrounded => format!("{said}, and other programs send it like that"),
                _ => said,
            }
        }
        _ => String::new(),
    }
}

/// Adds the cause and the fix to a verdict. `is_ignored`: the sign-in did not need the variables.
fn tell_fault(
    fault: &VariableFault,
    mut verdict: Verdict,
    is_ignored: bool,
    tenant: Option<&str>,
    system: &dyn System,
) -> Verdict {
    let shell = Shell::of(system.os());
    verdict.reason = reason(fault, system);
    match fault {
        VariableFault::HalfSet { present, missing } => {
            verdict.detail = "half set".to_owned();
            let verdict = verdict.only(complete_by(
                shell, present, missing, is_ignored, tenant, system,
            ));
            match present.is_empty() {
                true => verdict,
                false => verdict.evidence("set", list(present)),
            }
        }
        VariableFault::Odd(odd) => {
            verdict.detail = odd.name.to_owned();
            let own = verdict.fixes.first().cloned().unwrap_or_default();
            verdict.only(fix_of_value(shell, odd, own, tenant, system))
        }
        _ => verdict,
    }
}

/// The id and the secret of hi-ml's service principal.
const HIML: [&str; 2] = [
    "HIML_SERVICE_PRINCIPAL_ID",
    "HIML_SERVICE_PRINCIPAL_PASSWORD",
];

/// The variable from which a missing one can be set: the one that seems to be meant for it, or the
/// secret of the same application.
fn origin(missing: &MissingVariable, system: &dyn System) -> Option<String> {
    if let Some(instead) = &missing.instead {
        return Some(instead.clone());
    }
    let [id, password] = HIML;
    let is_same = missing.name == password
        && system.var(id).is_some()
        && system.var(id) == system.var("AZURE_CLIENT_ID");
    let secret = "AZURE_CLIENT_SECRET";
    (is_same && system.var_os(secret).is_some()).then(|| secret.to_owned())
}

/// What completes a half-set group.
fn complete_by(
    shell: Shell,
    present: &[&'static str],
    missing: &[MissingVariable],
    is_ignored: bool,
    tenant: Option<&str>,
    system: &dyn System,
) -> Fix {
    let mut copies = Vec::new();
    let mut unknown = Vec::new();
    for one in missing {
        let is_tenant = one.name.ends_with("TENANT_ID");
        let known = tenant.filter(|_| is_tenant);
        let line = match origin(one, system) {
            Some(from) => Some(shell.copy(one.name, &from)),
            None => known.and_then(|tenant| shell.set(one.name, tenant)),
        };
        match line {
            Some(line) => copies.push(line),
            None => unknown.push(one.name),
        }
    }
    let set = match &unknown[..] {
        [] => Fix::default(),
        [one] => Fix::set([*one]).or(new_secret(one, system)),
        _ => Fix::set(unknown),
    };
    if !copies.is_empty() {
        return Fix::from(format!("run `{}`", copies.join("; "))).and(set);
    }
    if !is_ignored {
        return set;
    }
    // The ids of AZURE_* may be those of a managed identity.
    let is_own = |name: &&&str| is_proof(name) || name.starts_with("HIML_");
    let own: Vec<&str> = present.iter().filter(is_own).copied().collect();
    Fix::from(format!("run `{}`", shell.unset(&own))).or(set.when("the service principal is meant"))
}

/// What corrects a value. `own` is the fix of the sign-in's error.
fn fix_of_value(
    shell: Shell,
    odd: &OddValue,
    own: Fix,
    tenant: Option<&str>,
    system: &dyn System,
) -> Fix {
    let name = odd.name;
    let value = system.var_as_set(name).unwrap_or_default();
    let line = match (odd.oddity, odd.is_secret) {
        (Oddity::Surrounded, true) => shell.bare(name, &value),
        (Oddity::Surrounded, false) => shell.set(name, tidied(&value)),
        // It is known for the variable with the tenant only.
        _ => tenant.and_then(|tenant| shell.set(name, tenant)),
    };
    if let Some(line) = line {
        return Fix::from(format!("run `{line}`"));
    }
    let new_secret = new_secret(name, system);
    match (odd.oddity, odd.is_secret) {
        (Oddity::SecretId, _) => Fix::from(format!(
            "set {name} to the secret's Value in the Azure portal, not its Secret ID"
        ))
        .or(new_secret),
        (Oddity::Placeholder, true) => {
            Fix::from(format!("set {name} to the secret itself")).or(new_secret)
        }
        (Oddity::Placeholder, false) if name.ends_with("TENANT_ID") => {
            Fix::from(format!("set {name} to the id of the tenant")).and(Fix::FindTenant)
        }
        (Oddity::Placeholder, false) => Fix::from(format!(
            "set {name} to the application's client id, which the Azure portal shows under App registrations"
        )),
        _ if own.is_empty() => Fix::from(format!("set {name} again, or unset it")),
        _ => own,
    }
}

/// A new secret for a variable. Nothing if no secret belongs in it, or if its application is not
/// known.
fn new_secret(variable: &'static str, system: &dyn System) -> Fix {
    let client_id = match variable {
        "HIML_SERVICE_PRINCIPAL_PASSWORD" => system.var("HIML_SERVICE_PRINCIPAL_ID"),
        "AZURE_CLIENT_SECRET" => system.var("AZURE_CLIENT_ID"),
        _ => None,
    };
    let is_id = |id: &String| uuid::Uuid::try_parse(id).is_ok() && id.len() == 36;
    let client_id = client_id.filter(is_id);
    client_id.map_or(Fix::default(), |client_id| Fix::NewSecret {
        client_id,
        variable: Some(variable),
    })
}

/// 'A, B and C'.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn are(names: &[&str]) -> &'static str {
    match names {
        [_] => "is",
        _ => "are",
    }
}
