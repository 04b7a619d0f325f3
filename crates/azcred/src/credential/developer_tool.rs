//! Runs a developer tool to get a token, and reports its errors without its secrets.
//!
//! A failing tool may print anything: a token, an HTML page, a stack trace with a secret. So errors
//! repeat only Entra ID's code and its sentence from the output, without what looks like a token.

use super::{
    tool_output::{self, Times},
    tool_phrases::{self, Phrase},
};
use crate::{
    entra::{RequestNames, SentProof, explain},
    facts::{Error, ErrorKind, Fix, Refusal, Result, Source, ToolFiles, Used, UsedKind},
    options::ClientOptions,
    request::TokenRequest,
    sieve::shown_path,
    system::{Command, Finished, System, Unfinished},
    tenant::TenantId,
    token::AccessToken,
};
use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, SystemTime},
};

/// The default limit of one run, as in azure-identity.
const DEADLINE: Duration = Duration::from_secs(10);

/// The properties of a tool.
#[derive(Debug)]
pub(super) struct About {
    pub(super) source: Source,
    /// The name of the tool's credential.
    pub(super) credential: &'static str,
    /// The tool's name.
    pub(super) title: &'static str,
    /// The tool's possible names on `PATH`, in order.
    pub(super) programs: &'static [&'static str],
    /// The address with the tool's installer.
    pub(super) install: &'static str,
    /// The command that signs in to the tool.
    pub(super) sign_in: &'static str,
    /// The command that signs in to a tenant, without the tenant.
    pub(super) sign_in_to: &'static str,
    /// A command that shows the tool's own error in a terminal, and no token.
    pub(super) try_it: &'static str,
    /// What the tool prints if no account is signed in.
    pub(super) signed_out: &'static [&'static str],
    /// Other messages of the tool, in order.
    pub(super) phrases: &'static [Phrase],
}

impl About {
    fn install(&self, again: bool, then: Option<&'static str>) -> Fix {
        Fix::InstallTool {
            tool: self.title.into(),
            from: self.install.into(),
            again,
            then: then.map(Into::into),
        }
    }

    fn read_error(&self) -> Fix {
        Fix::ReadToolError {
            command: self.try_it.into(),
        }
    }
}

/// A tool on a machine.
#[derive(Clone, Debug)]
pub(super) struct DeveloperTool {
    pub(super) about: &'static About,
    options: ClientOptions,
    tenant: Option<TenantId>,
    deadline: Option<Duration>,
    /// The program's path. If the program was not found, the next call looks again.
    found: OnceLock<PathBuf>,
}

impl DeveloperTool {
    pub(super) fn new(about: &'static About, options: ClientOptions) -> Self {
        Self {
            about,
            options,
            tenant: None,
            deadline: None,
            found: OnceLock::new(),
        }
    }

    pub(super) fn set_tenant(&mut self, tenant: TenantId) {
        self.tenant = Some(tenant);
    }

    pub(super) fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = Some(deadline);
    }

    pub(super) fn options(&self) -> &ClientOptions {
        &self.options
    }

    pub(super) fn system(&self) -> &dyn System {
        &**self.options.system()
    }

    /// The limit of one run.
    pub(super) fn deadline(&self) -> Duration {
        self.deadline
            .or(self.options.process_timeout())
            .unwrap_or_else(|| self.options.deadline_or(DEADLINE))
            .min(self.options.deadline_with_process())
    }

    /// That its account is used, by this program if its files are not enough.
    pub(super) fn used(&self, program: Option<&Path>, files: Option<ToolFiles>) -> Used {
        UsedKind::Tool {
            tool: self.about.title,
            program: program.map(shown_path),
            files,
        }
        .into()
    }

    /// The program's path on this machine.
    pub(super) fn find(&self, system: &dyn System) -> Option<PathBuf> {
        if let Some(path) = self.found.get() {
            return Some(path.clone());
        }
        let path = self
            .about
            .programs
            .iter()
            .find_map(|name| system.find_program(name))?;
        Some(self.found.get_or_init(|| path).clone())
    }

    /// What did not work, for errors.
    pub(super) fn what(&self, request: &TokenRequest) -> String {
        format!(
            "{} could not get a token from {} for {}",
            self.about.credential,
            self.about.title,
            request.scopes()[0].describe()
        )
    }

    pub(super) fn not_installed(&self, what: impl Into<String>) -> Error {
        let program = self.about.programs[0];
        Error::new(
            ErrorKind::Unavailable,
            what.into(),
            format!(
                "{} is not installed: `{program}` is not on PATH",
                self.about.title
            ),
        )
        .with_fix(self.about.install(false, Some(self.about.sign_in)))
        .absent()
    }

    pub(super) fn signed_out(&self, what: impl Into<String>) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            what.into(),
            format!("no account is signed in to {}", self.about.title),
        )
        .with_fix(self.sign_in_fix(self.tenant.as_ref()))
    }

    /// The command that signs in, to the tenant if there is one.
    pub(super) fn sign_in(&self, tenant: Option<&TenantId>) -> String {
        tenant.map_or_else(
            || self.about.sign_in.to_owned(),
            |tenant| format!("{}{tenant}", self.about.sign_in_to),
        )
    }

    fn sign_in_fix(&self, tenant: Option<&TenantId>) -> Fix {
        Fix::SignInToTool {
            command: self.sign_in(tenant),
        }
    }

    /// The tenant that the request or the credential names.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the credential does not allow the request's tenant.
    pub(super) fn tenant_of<'a>(
        &'a self,
        request: &'a TokenRequest,
    ) -> Result<Option<&'a TenantId>> {
        let (Some(asked), own) = (request.tenant(), self.tenant.as_ref()) else {
            return Ok(self.tenant.as_ref());
        };
        let is_own = own.is_some_and(|own| own.as_str().eq_ignore_ascii_case(asked.as_str()));
        if is_own || self.options.allows_tenant(asked) {
            return Ok(Some(asked));
        }
        Err(Error::new(
            ErrorKind::Invalid,
            format!("could not get a token in the tenant {asked}"),
            format!(
                "{} is not allowed to use this tenant",
                self.about.credential
            ),
        )
        .with_fix(Fix::AllowTenant {
            tenant: asked.to_string(),
        }))
    }

    /// Checks scopes before they become arguments, on Windows a script's: only letters, digits and
    /// `_-.:/`, as in azure-identity.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for other characters.
    pub(super) fn check_scopes(&self, request: &TokenRequest) -> Result<()> {
        let is_safe = |scope: &str| {
            !scope.starts_with('-')
                && scope
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.:/".contains(&b))
        };
        if request.scopes().iter().all(|scope| is_safe(scope.as_str())) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Invalid,
            self.what(request),
            "its scope may only contain letters, digits, '_', '-', '.', ':' and '/'",
        )
        .with_fix("request a scope such as https://management.azure.com/.default"))
    }

    /// Runs the tool for at most `deadline`.
    ///
    /// # Errors
    /// If the program did not end by itself. [`DeveloperTool::failure`] explains its exit code.
    pub(super) async fn run(
        &self,
        what: &str,
        args: Vec<String>,
        vars: Vec<(&'static str, String)>,
        deadline: Duration,
    ) -> Result<Finished> {
        let program = self
            .find(self.system())
            .ok_or_else(|| self.not_installed(what))?;
        tracing::debug!(
            credential = self.about.credential,
            program = %program.display(),
            "running"
        );
        let shown = program.display().to_string();
        let command = Command {
            program,
            args,
            vars,
            deadline,
        };
        self.system()
            .run(command)
            .await
            .map_err(|unfinished| self.unfinished(what, &shown, deadline, unfinished))
    }

    fn unfinished(
        &self,
        what: &str,
        program: &str,
        deadline: Duration,
        unfinished: Unfinished,
    ) -> Error {
        let error = |kind, why: String| Error::new(kind, what.to_owned(), why);
        let try_it = self.about.read_error();
        match unfinished {
            Unfinished::NotStarted(cause) => error(
                ErrorKind::Unavailable,
                format!(
                    "{program} is installed but can't be started ({})",
                    cause.kind()
                ),
            )
            .with_fix(self.about.install(true, None))
            .with_cause(cause),
            Unfinished::TooLate => error(
                ErrorKind::Unreachable,
                format!(
                    "{program} did not finish within {} s and was stopped",
                    deadline.as_secs_f32()
                ),
            )
            .with_fix(
                Fix::RaiseProcessTimeout
                    .or(try_it)
                    .or(Fix::Exclude(self.about.source)),
            ),
            Unfinished::TooMuch => error(
                ErrorKind::Unexpected,
                format!("{program} printed too much and was stopped"),
            )
            .with_fix(try_it),
            Unfinished::Broken(cause) => error(
                ErrorKind::Unexpected,
                format!("the output of {program} could not be read"),
            )
            .with_fix(try_it)
            .with_cause(cause),
        }
    }

    /// Why a run that ended by itself returned no token; `None` if it succeeded.
    pub(super) fn failure(
        &self,
        what: &str,
        finished: &Finished,
        request: &TokenRequest,
    ) -> Option<Error> {
        let code = match finished.code {
            Some(0) => return None,
            code => code,
        };
        let about = self.about;
        let said = tool_output::said(finished);
        let error = |kind, why: String| Error::new(kind, what.to_owned(), why);
        let has = |phrase: &str| said.contains(phrase);
        let Some(code) = code else {
            return Some(
                error(
                    ErrorKind::Unexpected,
                    format!("{} was ended by a signal", about.title),
                )
                .with_fix(
                    about
                        .read_error()
                        .or("free memory, if the machine is short of it"),
                ),
            );
        };
        if let Some(refusal) = tool_output::refusal(&said) {
            return Some(self.refused(what, refusal, &said, request));
        }
        // Tools add the command that signs in to many messages, so it counts last.
        if let Some(phrase) = tool_phrases::find(about.phrases, &said) {
            return Some(error(phrase.kind, phrase.why.to_owned()).with_fix(phrase.fix));
        }
        if about.signed_out.iter().any(|phrase| has(phrase)) {
            return Some(self.signed_out(what));
        }
        // 127 is the exit code of shells, 9009 that of Windows' command processor.
        if matches!(code, 127 | 9009) || has("' is not recognized") {
            return Some(
                error(
                    ErrorKind::Unavailable,
                    format!(
                        "{} is there, but a program that it starts is missing (exit code {code})",
                        about.title
                    ),
                )
                .with_fix(about.install(true, None)),
            );
        }
        Some(
            error(
                ErrorKind::Unexpected,
                format!(
                    "{} failed with exit code {code} and an unknown message",
                    about.title
                ),
            )
            .with_fix(about.read_error()),
        )
    }

    /// Entra ID rejected the tool's request.
    fn refused(&self, what: &str, refusal: Refusal, said: &str, request: &TokenRequest) -> Error {
        let named = tool_output::tenant(said);
        let tenant = request.tenant().or(self.tenant.as_ref()).or(named.as_ref());
        let meaning = refusal.code.and_then(explain);
        let names = RequestNames {
            tenant: tenant.map(TenantId::as_str),
            scope: Some(request.scopes()[0].resource()),
            // Only the tool knows it.
            client_id: None,
        };
        let why = match meaning.and_then(|meaning| meaning.means_with(&names)) {
            Some(means) => means,
            None => format!("Entra ID rejected the request: {}", refusal.description),
        };
        // For a wrong secret and similar errors, signing in again with the right one is the fix.
        let fix = meaning
            .and_then(|meaning| meaning.fix_with(SentProof::Tool, &names))
            .unwrap_or_else(|| self.sign_in_fix(tenant));
        Error::new(ErrorKind::Refused, what.to_owned(), why)
            .with_fix(fix)
            .with_refusal(refusal)
    }

    /// The token in a run's output, or why the output can't be used.
    pub(super) fn token(
        &self,
        what: &str,
        now: SystemTime,
        read: Result<(&str, Times), String>,
    ) -> Result<AccessToken> {
        let unexpected = |why: String| {
            Error::new(ErrorKind::Unexpected, what.to_owned(), why)
                .with_fix(self.about.read_error())
        };
        let (token, times) = read.map_err(|shape| {
            unexpected(format!(
                "{} succeeded but printed {shape} instead of a token",
                self.about.title
            ))
        })?;
        let expires_on = times.resolve(token).ok_or_else(|| {
            unexpected(format!(
                "{} returned a token without an expiry time",
                self.about.title
            ))
        })?;
        let lifetime = expires_on
            .duration_since(now)
            .ok()
            .filter(|left| !left.is_zero())
            .ok_or_else(|| {
                unexpected(format!(
                    "{} returned a token that has expired",
                    self.about.title
                ))
                .with_fix(Fix::SetClock)
            })?;
        Ok(AccessToken::new(token.to_owned(), now, lifetime, None))
    }
}
