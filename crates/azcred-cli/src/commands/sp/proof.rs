//! Proves a new identity: signs in as it, in this process and with its secret in memory only, and
//! runs the doctor as it.

use super::replication::Patience;
use crate::{
    commands::doctor,
    failure::{Failure, Kind},
    output::Stream,
    sign_in::Place,
};
use azcred::{
    Session,
    chain::Source,
    session::SessionBuilder,
    system::{ApplicationProof, ApplicationSystem},
};
use azcred_azure::{
    Capability, CheckId, CheckReport, Doctor, Located, Permissions, Report, RoleDefinition, Status,
};
use std::{convert::Infallible, sync::Arc};
use uuid::Uuid;

/// Who signs in.
pub(super) struct Candidate<'a> {
    pub(super) tenant: &'a str,
    pub(super) client_id: Uuid,
    pub(super) proof: ApplicationProof,
}

/// What the identity must be able to do.
pub(super) struct Target<'a> {
    /// The workspace that the doctor examines; without one, the sign-in is the proof.
    pub(super) workspace: Option<&'a Located>,
    /// The roles that count there.
    pub(super) roles: Vec<&'a RoleDefinition>,
}

/// What was proved.
pub(super) enum Proof {
    /// The sign-in.
    SignIn,
    /// The sign-in and what the doctor found.
    Examined(Box<Report>),
}

/// The codes of Entra ID for an application, or a key of it, that is not known yet: the application
/// (700016), its secret (7000215), its certificate (700027), its service principal (7000229).
const EARLY: [u32; 4] = [700_016, 7_000_215, 700_027, 7_000_229];

/// Signs in and examines. Waits for what Azure does not know yet.
///
/// # Errors
/// If the sign-in fails. What the doctor finds is no error.
pub(super) async fn prove(
    place: &Place,
    candidate: Candidate<'_>,
    target: &Target<'_>,
    patience: Patience<'_>,
) -> Result<Proof, Failure> {
    let session = session(place, candidate);
    signed_in(&session, patience).await?;
    let Some(located) = target.workspace else {
        return Ok(Proof::SignIn);
    };
    let doctor = Doctor::new(session, Ok(located.clone())).requiring(wanted(&target.roles));
    let examine = async || Ok::<_, Infallible>(doctor.run(|_| {}).await);
    // What the doctor finds is shown, also if the roles are not seen at the limit.
    let Ok(report) = patience.until("the role", lacks_a_right, examine).await;
    Ok(Proof::Examined(Box::new(report)))
}

/// Whether the doctor found that a right is missing. Each of its requests may be answered by a part
/// of Azure that does not know the principal, or its role, yet.
fn lacks_a_right(examined: &Result<Report, Infallible>) -> bool {
    let report = examined.as_ref().ok();
    let kind = report.and_then(Report::first_failure).map(doctor::kind);
    matches!(kind, Some(Kind::NotPermitted | Kind::Refused))
}

fn session(place: &Place, candidate: Candidate<'_>) -> SessionBuilder {
    let machine = ApplicationSystem::new(
        place.system.clone(),
        candidate.tenant,
        candidate.client_id.to_string(),
        candidate.proof,
    );
    let root = if cfg!(windows) { r"C:\" } else { "/" };
    Session::builder()
        .at(Arc::new(machine), root)
        .only([Source::Environment])
        .unattended()
        .without_cached_tokens()
}

async fn signed_in(session: &SessionBuilder, patience: Patience<'_>) -> azcred::Result<()> {
    let sign_in = async || {
        let session = session.clone().open().await?;
        session.token().await.map(|_| ())
    };
    let is_early = |result: &azcred::Result<()>| {
        let code = result.as_ref().err().and_then(azcred::Error::code);
        code.is_some_and(|code| EARLY.contains(&code))
    };
    patience
        .until("the application's sign-in", is_early, sign_in)
        .await
}

/// What the roles allow of what people do in a workspace.
fn wanted(roles: &[&RoleDefinition]) -> Vec<Capability> {
    let all = roles.iter().flat_map(|role| role.permissions.clone());
    let permissions = Permissions(all.collect());
    Capability::ALL
        .into_iter()
        .filter(|capability| capability.judge(&permissions).is_allowed())
        .collect()
}

impl Proof {
    /// The checks for people, as the doctor shows them. Those of what the roles don't allow are
    /// left out.
    pub(super) fn lines(&self, name: &str, verbose: bool) -> Vec<String> {
        let mut lines = vec![format!("Signed in as {name}.")];
        if let Self::Examined(report) = self {
            lines[0] = format!("Signed in as {name}, and checked what it may do:");
            let width = Stream::Stdout.width();
            let shown = report
                .checks
                .iter()
                .filter(|check| is_shown(check, verbose));
            lines.extend(shown.flat_map(|check| doctor::lines(check, verbose, width)));
        }
        lines.insert(0, String::new());
        lines
    }

    /// The kind of the first failed check.
    pub(super) fn failed(&self) -> Option<Kind> {
        match self {
            Self::SignIn => None,
            Self::Examined(report) => report.first_failure().map(doctor::kind),
        }
    }

    /// The report, for JSON.
    pub(super) fn report(&self) -> Option<&Report> {
        match self {
            Self::SignIn => None,
            Self::Examined(report) => Some(report),
        }
    }
}

/// A warning is about what the identity was not made for. The sign-in is said already.
fn is_shown(check: &CheckReport, verbose: bool) -> bool {
    let is_said = check.id == CheckId::SignIn && check.status == Status::Ok;
    verbose || !(is_said || check.status == Status::Warning)
}
