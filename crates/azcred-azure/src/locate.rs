//! Finds the workspace for a command line: its flags come before what [`azcred::workspace`] finds.

use crate::error::{Error, ErrorKind, Result};
use azcred::{
    Fix, printable_path,
    system::System,
    workspace::{self, Labels, Named},
};
use std::path::Path;

pub use azcred::workspace::{Located, Source};

/// The flags that were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--subscription`
    pub subscription: Option<String>,
    /// `--resource-group`
    pub resource_group: Option<String>,
    /// `--workspace`: a name, or a whole resource id, which contains the other parts.
    pub workspace: Option<String>,
}

/// Finds the workspace. `directory` must be an absolute path. The search for a file begins there.
///
/// # Errors
/// [`ErrorKind::NotFound`] if nothing names a workspace; [`ErrorKind::Invalid`] if a name that was
/// found can't be used. The error names the file or the variable, and the field.
pub fn locate(system: &dyn System, directory: &Path, flags: &Flags) -> Result<Located> {
    let mut named = Named::default();
    named.subscription.clone_from(&flags.subscription);
    named.resource_group.clone_from(&flags.resource_group);
    named.workspace.clone_from(&flags.workspace);
    named.labels = Labels(["--subscription", "--resource-group", "--workspace"]);
    workspace::locate(system, directory, &named)
        .map_err(|error| Error::transport(&error))?
        .ok_or_else(|| nothing(directory))
}

fn nothing(directory: &Path) -> Error {
    Error::new(
        ErrorKind::NotFound,
        "could not find the workspace that is meant",
        format!(
            "no flag and no variable names one, and there is no .azureml/config.json or config.json in {} or above",
            printable_path(directory)
        ),
    )
    .with_fix(
        Fix::from("give --subscription, --resource-group and --workspace")
            .or(Fix::ChooseWorkspace),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::system::Fixture;

    #[test]
    fn missing_parts_are_named_by_their_flags() {
        let flags = Flags {
            workspace: Some("ws-1".into()),
            ..Flags::default()
        };
        let text = locate(&Fixture::new(), Path::new("/"), &flags)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("--subscription and --resource-group are not given"),
            "{text}"
        );
        let folder = Path::new("/code/x\u{1b}[31mred");
        let error = locate(&Fixture::new(), folder, &Flags::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.why().contains("/code/x [31mred"), "{error}");
        assert!(
            error
                .fix()
                .unwrap()
                .to_string()
                .contains("Download config file"),
            "{error}"
        );
    }
}
