//! `azcred doctor --fix`: does what is safe, after a question.

use crate::{
    failure::{Failure, Kind},
    output::{
        Output, Stream,
        style::{STRONG, paint, with_code},
        wrap::wrap,
    },
    process::Program,
    prompt::line,
};
use azcred::{Fix, GrantRole, PrincipalKind, SignIn, SignInWay, printable_path};
use azcred_azure::{Report, Status};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Something that can be done for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// A command of azcred, by its arguments.
    Command(Vec<String>),
    /// A file or folder that other users can open.
    Permissions { path: PathBuf, mode: u32 },
}

/// The first remedy for the report's problems that was not tried yet. Failures come first: a
/// warning may follow from one.
pub(super) fn next(report: &Report, tried: &[Remedy]) -> Option<Remedy> {
    let with = |status| {
        let checks = report.checks.iter();
        checks.filter(move |check| check.status == status)
    };
    let checks = with(Status::Failed).chain(with(Status::Warning));
    let mut remedies = checks.flat_map(|check| check.fixes.iter().flat_map(remedies));
    remedies.find(|remedy| !tried.contains(remedy))
}

/// What can be done of a fix, in order.
fn remedies(fix: &Fix) -> Vec<Remedy> {
    match fix {
        Fix::SignIn(to) => sign_in(to).into_iter().collect(),
        Fix::ChooseWorkspace {
            seen,
            instead_of: None,
        }
        | Fix::CheckWorkspaceName { seen } => match &seen[..] {
            [one] => vec![command(["workspace", "use", &one.name])],
            _ => vec![command(["workspace", "use"])],
        },
        Fix::GrantRole(grant) => assign(grant).into_iter().collect(),
        Fix::ChangePermissions { path, mode } => vec![Remedy::Permissions {
            path: path.clone(),
            mode: *mode,
        }],
        Fix::If(_, fix) => remedies(fix),
        // The first alternative that can be done.
        Fix::AnyOf(fixes) => {
            let mut each = fixes.iter().map(remedies);
            each.find(|some| !some.is_empty()).unwrap_or_default()
        }
        Fix::AllOf(fixes) => fixes.iter().flat_map(remedies).collect(),
        _ => Vec::new(),
    }
}

fn command<const N: usize>(arguments: [&str; N]) -> Remedy {
    Remedy::Command(arguments.map(str::to_owned).to_vec())
}

/// A person's sign-in. A service principal's needs its secret, which is not at hand.
fn sign_in(to: &SignIn) -> Option<Remedy> {
    let mut arguments = vec!["login".to_owned()];
    for (option, value) in [
        ("--tenant", &to.tenant),
        ("--client-id", &to.client_id),
        ("--login-hint", &to.login_hint),
        ("--profile", &to.profile),
    ] {
        // One argument: a value that begins with a hyphen is no option.
        let value = value.as_ref().map(|value| format!("{option}={value}"));
        arguments.extend(value);
    }
    arguments.extend(match to.way {
        SignInWay::Browser => Some("--browser".to_owned()),
        SignInWay::DeviceCode => Some("--device-code".to_owned()),
        SignInWay::ServicePrincipal => return None,
        _ => None,
    });
    Some(Remedy::Command(arguments))
}

/// An assignment whose every part is known. Whether the user may make it, Azure decides.
fn assign(grant: &GrantRole) -> Option<Remedy> {
    let kind = match grant.kind {
        PrincipalKind::User => "user",
        PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity => "service-principal",
        _ => return None,
    };
    let (object_id, scope) = (grant.object_id.as_ref()?, grant.scope.as_ref()?);
    Some(Remedy::Command(vec![
        "role".to_owned(),
        "assign".to_owned(),
        format!("--to={object_id}"),
        format!("--type={kind}"),
        format!("--scope={scope}"),
        "--".to_owned(),
        grant.role.clone().into_owned(),
    ]))
}

impl Remedy {
    /// What it does, for the question.
    fn words(&self) -> String {
        match self {
            Self::Command(arguments) => {
                let quoted = arguments.iter().map(|one| match one.contains(' ') {
                    true => format!("\"{one}\""),
                    false => one.clone(),
                });
                let line = quoted.collect::<Vec<_>>().join(" ");
                format!("`azcred {line}`")
            }
            Self::Permissions { path, mode } => {
                format!("`chmod {mode:o} {}`", printable_path(path))
            }
        }
    }

    /// Asks for it. `false` if the answer is no.
    pub(super) async fn is_wanted(&self, output: &Output) -> Result<bool, Failure> {
        let question = format!("This can be done now: {}", self.words());
        output.prompt("");
        for line in wrap(&question, Stream::Stderr.width()) {
            output.prompt(with_code(&line));
        }
        let typed = line::ask("Do it? [y/N] ").await?;
        Ok(matches!(typed.trim(), "y" | "Y" | "yes"))
    }

    /// Does it.
    ///
    /// # Errors
    /// If it could not be started. A command that fails has said why; its exit code is returned.
    pub(super) async fn run(&self, output: &Output) -> Result<u8, Failure> {
        match self {
            Self::Command(arguments) => {
                let program = std::env::current_exe().map_err(|error| {
                    Failure::new(
                        Kind::Failed,
                        "could not find azcred's own program",
                        error.to_string(),
                    )
                })?;
                let mut command: Vec<OsString> = vec![program.into()];
                command.extend(arguments.iter().map(OsString::from));
                let run = Program {
                    command: &command,
                    environment: &|_| {},
                };
                run.run().await.map_err(|not_run| not_run.failure)
            }
            Self::Permissions { path, mode } => {
                set_mode(path, *mode)?;
                let path = printable_path(path);
                output.prompt(format!("{path} has the mode {mode:o} now."));
                Ok(0)
            }
        }
    }
}

/// Sets the mode of a file or folder of this user's. What is open is judged, and not its path.
#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<(), Failure> {
    use rustix::fs::{Mode, OFlags, fchmod, fstat, open};
    let failed = |why: String| {
        Failure::new(
            Kind::Failed,
            format!("could not change the mode of {}", printable_path(path)),
            why,
        )
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty()).map_err(|error| failed(error.to_string()))?;
    let owner = fstat(&file).map_err(|error| failed(error.to_string()))?;
    if owner.st_uid != rustix::process::geteuid().as_raw() {
        return Err(failed("it belongs to another user".to_owned()));
    }
    fchmod(&file, Mode::from_raw_mode(mode)).map_err(|error| failed(error.to_string()))
}

/// Windows has no modes, and no fix that names one.
#[cfg(not(unix))]
fn set_mode(path: &Path, _: u32) -> Result<(), Failure> {
    Err(Failure::new(
        Kind::Failed,
        format!("could not change the mode of {}", printable_path(path)),
        "this system has no modes",
    ))
}

/// The line before a report after a remedy.
pub(super) fn again() -> String {
    paint(STRONG, "Checked again:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe_can_be_done_and_all_else_is_left_to_the_reader() {
        let login = |more: &[&str]| {
            let arguments = ["login"].iter().chain(more).map(|one| (*one).to_owned());
            vec![Remedy::Command(arguments.collect())]
        };
        let again = Fix::from(SignIn::again("contoso.com"));
        assert_eq!(remedies(&again), login(&["--tenant=contoso.com"]));
        let either = Fix::unset(["A"]).or(again.clone());
        assert_eq!(remedies(&either), login(&["--tenant=contoso.com"]));
        let both = Fix::choose_workspace().and(again);
        assert_eq!(remedies(&both).len(), 2);
        for fix in [
            SignIn::by(SignInWay::ServicePrincipal).into(),
            Fix::SetClock,
            Fix::from("do this"),
            GrantRole::new("Reader", None, Some("o".into()), PrincipalKind::User).into(),
        ] {
            assert_eq!(remedies(&fix), [], "{fix:?}");
        }
    }

    #[test]
    fn a_role_is_assigned_with_the_exact_scope_and_no_value_becomes_an_option() {
        let grant = GrantRole::new(
            "AzureML Data Scientist",
            Some("/subscriptions/s".into()),
            Some("--all".into()),
            PrincipalKind::User,
        );
        let Some(Remedy::Command(arguments)) = assign(&grant) else {
            panic!("{grant:?}");
        };
        assert_eq!(
            arguments,
            [
                "role",
                "assign",
                "--to=--all",
                "--type=user",
                "--scope=/subscriptions/s",
                "--",
                "AzureML Data Scientist"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_of_an_own_file_is_set_and_a_link_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "").expect("written");
        symlink(&file, &link).expect("a link");
        let mode = || {
            std::fs::metadata(&file)
                .expect("it is there")
                .permissions()
                .mode()
                & 0o777
        };
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).expect("set");
        assert!(set_mode(&link, 0o600).is_err());
        assert_eq!(mode(), 0o666);
        set_mode(&file, 0o600).expect("set");
        assert_eq!(mode(), 0o600);
        set_mode(folder.path(), 0o700).expect("a folder has a mode too");
    }
}
