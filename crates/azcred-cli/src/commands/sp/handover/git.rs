//! Whether git keeps a file out of a repository.

use super::program::Program;
use crate::{
    failure::{Failure, Kind},
    sign_in::Place,
};
use azcred::{printable, shown_path};
use std::path::Path;

/// Checks that git would not add the file to a repository. `folder` is the file's, without links.
pub(super) async fn check_ignored(
    folder: &Path,
    file: &Path,
    place: &Place,
) -> Result<(), Failure> {
    let is_in_repository = folder.ancestors().any(|one| one.join(".git").exists());
    // With GIT_DIR, a repository may have its files anywhere.
    if !is_in_repository && place.system.var("GIT_DIR").is_none() {
        return Ok(());
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let elsewhere = "name a file outside of the repository with `--to`";
    let Some(git) = Program::find("git", folder, place) else {
        return Err(failure(
            file,
            "it is in a git repository, and git is not installed, so azcred can't see whether git ignores it".to_owned(),
        )
        .fix(elsewhere));
    };
    // `./` keeps a name that begins with a colon from being one of git's patterns.
    let ended = git
        .run(
            &["check-ignore", "--quiet", "--", &format!("./{name}")],
            b"",
        )
        .await;
    match ended.as_ref().map(|ended| ended.code) {
        Ok(Some(0)) => Ok(()),
        Ok(Some(1)) => Err(failure(
            file,
            "git does not ignore it, so the next commit could have the secret in it".to_owned(),
        )
        .fix(
            azcred::Fix::from(format!(
                "add it to .gitignore: `echo {} >> .gitignore`",
                crate::shell::word(&name)
            ))
            .or(elsewhere),
        )),
        _ => {
            let why = match ended {
                Ok(ended) => printable(ended.stderr.trim(), 300),
                Err(error) => error.to_string(),
            };
            Err(failure(
                file,
                format!("git does not say whether it ignores the file: {why}"),
            )
            .fix(elsewhere))
        }
    }
}

fn failure(file: &Path, why: String) -> Failure {
    Failure::new(
        Kind::Invalid,
        format!("could not use the file {} for a secret", shown_path(file)),
        why,
    )
}
