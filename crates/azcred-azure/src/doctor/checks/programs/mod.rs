//! Would other programs on this machine act as the same identity?
//!
//! Each program's own order of sources is tried without a person, as its preset has it. azcred's
//! own sign-ins are left out, since only a program that azcred starts can use them.

mod here;
mod terraform;

use super::sign_in::Identity;
use crate::doctor::{
    case::Case,
    check::Check,
    report::{Area, Status, Verdict},
};
use azcred::{
    Availability, Credential, Fix, ManagedIdentityCredential, ManagedIdentityId, Principal,
    PrincipalKind, TokenRequest, UsedKind,
    chain::{Chain, Preset, Report, Source, Verdict as Outcome},
    session::EXEC_VARIABLE,
};
use here::Here;
use std::sync::Arc;

/// A program, and what it would act as.
pub(super) struct Row {
    program: Program,
    acts: Acts,
    /// Whether the program is used on this machine.
    is_used: bool,
    /// The variables that are set and that only this program reads.
    variables: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Kedro,
    HiMl,
    MlClient,
    AzureCli,
    Terraform,
}

/// What a program would act as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acts {
    /// The same identity, from this source.
    Same(String),
    /// Another identity, from this source.
    Other {
        who: String,
        from: String,
        /// Whether it is in the same tenant, as far as is known.
        is_near: bool,
    },
    /// It would ask a person to sign in.
    Asks,
    /// It has nothing to sign in with, or what it has does not work.
    Nothing(Option<String>),
}

impl Acts {
    /// Whether it is another account of the same tenant, so that the two are easily confused.
    fn is_in_tenant(&self) -> bool {
        matches!(self, Self::Other { is_near: true, .. })
    }
}

impl Program {
    /// As the report shows it.
    fn name(self) -> &'static str {
        match self {
            Self::Kedro => "kedro",
            Self::HiMl => "hi-ml",
            Self::MlClient => "MLClient",
            Self::AzureCli => "az",
            Self::Terraform => "Terraform",
        }
    }

    /// The variables of an account that only this program and azcred read.
    fn own_variables(self) -> &'static [&'static str] {
        match self {
            Self::HiMl => &[
                "HIML_TENANT_ID",
                "HIML_SERVICE_PRINCIPAL_ID",
                "HIML_SERVICE_PRINCIPAL_PASSWORD",
            ],
            Self::Terraform => &["ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET"],
            Self::Kedro | Self::MlClient | Self::AzureCli => &[],
        }
    }

    /// A command that starts it.
    fn command(self) -> &'static str {
        match self {
            Self::Kedro => "kedro azureml run",
            Self::HiMl | Self::MlClient => "python train.py",
            Self::AzureCli => "az account show",
            Self::Terraform => "terraform plan",
        }
    }
}

pub(super) struct ProgramsCheck;

pub(super) enum ProgramsOutcome {
    /// azcred started this program, so that every program below it has the same account.
    InProgram,
    /// The token does not say whose it is.
    Unknown,
    /// What each program would act as, and the account of this run with its source.
    Compared(Box<Principal>, Option<Source>, Vec<Row>),
}

impl Check for ProgramsCheck {
    type Outcome = ProgramsOutcome;

    fn area(&self) -> Area {
        Area::Programs
    }

    fn title(&self) -> &'static str {
        "other programs"
    }

    async fn examine(&self, case: &Case<'_>) -> Option<ProgramsOutcome> {
        let identity = case.identity().await?;
        let system = identity.session.options().system().clone();
        let exec = system.var(EXEC_VARIABLE);
        if exec.is_some() && exec == system.var("IDENTITY_ENDPOINT") {
            return Some(ProgramsOutcome::InProgram);
        }
        let Ok(own) = identity.principal.clone() else {
            return Some(ProgramsOutcome::Unknown);
        };
        let machine = system.clone();
        let looked = tokio::task::spawn_blocking(move || Here::look(&*machine)).await;
        let mut here = looked.ok()?;
        let options = identity.session.options().clone();
        let host = ManagedIdentityCredential::new(ManagedIdentityId::SYSTEM, options);
        if host.is_ok_and(|host| matches!(host.prepare(), Availability::Doubtful { .. })) {
            here.without.push(Source::ManagedIdentity);
        }
        let of = |preset, only: Option<Source>| acts(case, &identity, &own, &here, preset, only);
        let (kedro, hi_ml, ml_client, az) = tokio::join!(
            of(Preset::Kedro, None),
            of(Preset::HiMl, None),
            of(Preset::Azure, None),
            of(Preset::Azure, Some(Source::AzureCli)),
        );
        let terraform = terraform::acts(&*system, &own, &az);
        let rows = [
            (Program::Kedro, kedro),
            (Program::HiMl, hi_ml),
            (Program::MlClient, ml_client),
            (Program::AzureCli, az),
            (Program::Terraform, terraform),
        ];
        let is_by_variables = identity.is_by_variables();
        let rows = rows.map(|(program, acts)| Row {
            program,
            is_used: here.uses(program, is_by_variables && acts.is_in_tenant()),
            variables: {
                let own = program.own_variables().iter().copied();
                own.filter(|name| system.var(name).is_some()).collect()
            },
            acts,
        });
        let source = identity.source().map(|(source, _)| source);
        Some(ProgramsOutcome::Compared(
            Box::new(own),
            source,
            rows.into(),
        ))
    }

    fn tell(&self, outcome: ProgramsOutcome, _: &Case<'_>) -> Verdict {
        match outcome {
            ProgramsOutcome::InProgram => Verdict::does_not_apply(
                "this program was started with one account, which all programs below it have",
            ),
            ProgramsOutcome::Unknown => {
                Verdict::does_not_apply("the token does not say whose it is")
            }
            ProgramsOutcome::Compared(own, source, rows) => {
                let verdict = tell(&own, &rows);
                match source.filter(|_| verdict.status == Status::Warning) {
                    Some(source) => verdict.evidence("in CI and on computes", elsewhere(source)),
                    None => verdict,
                }
            }
        }
    }
}

/// Which identity would win in another place.
fn elsewhere(source: Source) -> &'static str {
    match source {
        Source::Environment => {
            "the same variables win where they are set, before the place's own identity"
        }
        source if source.is_developer() || source.asks_person() => {
            "variables win where they are set, else the place's own identity: this sign-in stays here"
        }
        _ => "variables win where they are set, else each place's own identity",
    }
}

/// What a program with this order of sources would act as.
async fn acts(
    case: &Case<'_>,
    identity: &Identity,
    own: &Principal,
    here: &Here,
    preset: Preset,
    only: Option<Source>,
) -> Acts {
    if only.is_some_and(|only| here.without.contains(&only)) {
        return Acts::Nothing(None);
    }
    let left_out = here
        .without
        .iter()
        .copied()
        .filter(|one| Some(*one) != only);
    let chain = Chain::builder(identity.session.options().clone())
        .preset(preset)
        .exclude(left_out.chain([Source::Azcred]))
        .unattended();
    let chain = match only {
        Some(only) => chain.only([only]),
        None => chain,
    }
    .build();
    let request = TokenRequest::new(identity.session.scope().clone());
    let run = async { Ok(chain.explain(&request).await) };
    let Ok((token, report)) = case.within("could not compare other programs", run).await else {
        return Acts::Nothing(Some("it had no token in time".to_owned()));
    };
    match token.as_ref().map(Principal::from_token) {
        Ok(Ok(principal)) => compared(own, &principal, &from(&report)),
        Ok(Err(_)) => Acts::Nothing(Some("its token does not say whose it is".to_owned())),
        Err(error) => {
            let asks = |one: &azcred::chain::Attempt| one.verdict == Outcome::WouldAsk;
            match report.attempts.iter().any(asks) {
                true => Acts::Asks,
                false if error.is_unavailable() => Acts::Nothing(None),
                false => Acts::Nothing(Some(error.why().to_owned())),
            }
        }
    }
}

/// What the chosen source used.
fn from(report: &Arc<Report>) -> String {
    let chosen = report.chosen();
    let used = chosen.and_then(|attempt| attempt.used.as_ref());
    used.map_or_else(String::new, |used| match &used.kind {
        UsedKind::Tool { tool, .. } => (*tool).to_owned(),
        _ => used.without_application(),
    })
}

fn compared(own: &Principal, other: &Principal, from: &str) -> Acts {
    let has_other_tenant = matches!(
        (&own.tenant_id, &other.tenant_id),
        (Some(own), Some(other)) if !own.eq_ignore_ascii_case(other)
    );
    let from = from.to_owned();
    match other.called().any(|name| own.is_called(name)) {
        true if !has_other_tenant => Acts::Same(from),
        _ if has_other_tenant => Acts::Other {
            who: format!(
                "{} in the tenant {}",
                who(other),
                other.tenant_id.as_deref().unwrap_or_default()
            ),
            from,
            is_near: false,
        },
        _ => Acts::Other {
            who: who(other),
            from,
            is_near: true,
        },
    }
}

/// The account in a few words, with the name that tells it from others.
fn who(principal: &Principal) -> String {
    match (&principal.user_name, principal.kind) {
        (Some(name), PrincipalKind::User) => name.to_string(),
        _ => principal.describe(),
    }
}

fn tell(own: &Principal, rows: &[Row]) -> Verdict {
    let names = |is_it: &dyn Fn(&Row) -> bool| {
        let rows = rows.iter().filter(|row| is_it(row));
        rows.map(|row| row.program.name()).collect::<Vec<_>>()
    };
    let same = names(&|row| matches!(row.acts, Acts::Same(_)));
    let others: Vec<&Row> = rows
        .iter()
        .filter(|row| matches!(row.acts, Acts::Other { .. }))
        .collect();
    let mut parts = Vec::new();
    if !same.is_empty() {
        let act = if same.len() == 1 { "acts" } else { "act" };
        parts.push(format!("{} {act} as this account", list(&same)));
    }
    parts.extend(others.iter().filter_map(|row| match &row.acts {
        Acts::Other { who, .. } => Some(format!("{} acts as {who}", row.program.name())),
        _ => None,
    }));
    if parts.is_empty() {
        parts.push("no other program has a sign-in of its own here".to_owned());
    }
    let detail = parts.join("; ");
    let wrong: Vec<&Row> = others.into_iter().filter(|row| row.is_used).collect();
    let verdict = match &wrong[..] {
        [] => Verdict::ok(detail),
        [first, ..] => {
            let wrong = wrong.iter().filter_map(|row| match &row.acts {
                Acts::Other { who, .. } => Some(format!("{} acts as {who}", row.program.name())),
                _ => None,
            });
            let wrong: Vec<String> = wrong.collect();
            let reason = format!("{}, and not as {}", wrong.join(", "), who(own));
            let start = Fix::StartProgram {
                command: first.program.command().to_owned(),
            };
            let unset = match &first.variables[..] {
                [] => Fix::default(),
                own => Fix::unset(own.iter().copied()).when("it must always act as this account"),
            };
            Verdict::warning(detail, reason).fix(start.or(unset))
        }
    };
    rows.iter().fold(verdict, |verdict, row| {
        verdict.evidence(row.program.name(), words(&row.acts, own))
    })
}

/// A row as evidence: the account, and from what.
fn words(acts: &Acts, own: &Principal) -> String {
    match acts {
        Acts::Same(from) if from.is_empty() => who(own),
        Acts::Same(from) => format!("{}, from {from}", who(own)),
        Acts::Other { who, from, .. } if from.is_empty() => format!("{who}, another account"),
        Acts::Other { who, from, .. } => format!("{who}, another account, from {from}"),
        Acts::Asks => "no sign-in of its own: it would ask a person".to_owned(),
        Acts::Nothing(None) => "no sign-in of its own".to_owned(),
        Acts::Nothing(Some(why)) => format!("its own sign-in does not work: {why}"),
    }
}

/// 'A, B and C'.
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
