//! The file with which MLClient and hi-ml find a workspace: `config.json`. It belongs to a project,
//! so it gets the usual mode. Another kind of file stays unchanged: models have a `config.json`
//! too.

use crate::{
    commands::user_file::{Draft, DraftMode, Unread, UserFile},
    failure::{Failure, Kind},
};
use azcred::{Fix, printable_path};
use azcred_azure::WorkspaceRef;
use serde_json::{Map, Value, json};
use std::{fs, io, path::Path};

/// The largest file that is read. A workspace's file has some hundred bytes.
const LIMIT: u64 = 1 << 20;

/// The fields that MLClient (`_get_workspace_info`) and azureml-core (`Workspace.from_config`)
/// read.
const FIELDS: [&str; 3] = ["subscription_id", "resource_group", "workspace_name"];
/// The fields of older tools. MLClient prefers them.
const OLDER: [&str; 2] = ["Scope", "Id"];

/// How the file was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    New,
    Changed,
    /// It named this workspace already.
    Unchanged,
}

/// Writes the workspace to the file, atomically. Other fields of the file are kept.
///
/// # Errors
/// When the file is of another kind, or the folder can't be written. The file is then unchanged.
pub(super) fn write(path: &Path, workspace: &WorkspaceRef) -> Result<Written, Failure> {
    let old = open(path, workspace)?;
    let mut fields = match &old {
        Some(old) => old.fields.clone(),
        None => Map::new(),
    };
    let values = [
        workspace.subscription(),
        workspace.resource_group(),
        workspace.name(),
    ];
    for older in OLDER {
        fields.remove(older);
    }
    for (field, value) in FIELDS.into_iter().zip(values) {
        fields.insert(field.to_owned(), json!(value));
    }
    if old.as_ref().is_some_and(|old| old.fields == fields) {
        return Ok(Written::Unchanged);
    }
    let mut text = serde_json::to_string_pretty(&fields).unwrap_or_default();
    text.push('\n');
    let mode = match &old {
        Some(old) => DraftMode::Like(&old.seen),
        None => DraftMode::Usual,
    };
    let draft = Draft::write(path, text.as_bytes(), mode);
    let draft = draft.map_err(|error| unwritable(path, &error))?;
    match old {
        None => match draft.become_new(path) {
            Ok(()) => Ok(Written::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(changed(path)),
            Err(error) => Err(unwritable(path, &error)),
        },
        Some(old) => {
            if !old.seen.is_still(path) {
                return Err(changed(path));
            }
            draft
                .replace(path)
                .map(|()| Written::Changed)
                .map_err(|error| unwritable(path, &error))
        }
    }
}

/// The content of a file that names a workspace, and the file as it was read.
struct Old {
    fields: Map<String, Value>,
    seen: UserFile,
}

/// Opens the file. `None` if it does not exist. An error if it does not name a workspace.
fn open(path: &Path, workspace: &WorkspaceRef) -> Result<Option<Old>, Failure> {
    let something_else = |why: &str| something_else(path, why, workspace);
    let (bytes, seen) = match UserFile::read(path, LIMIT) {
        Ok(read) => read,
        Err(Unread::Missing) => return Ok(None),
        Err(Unread::Link) => return Err(link(path)),
        Err(Unread::NotAFile) => return Err(something_else("it is not a file")),
        Err(Unread::TooLarge) => return Err(something_else("it is larger than 1 MiB")),
        Err(Unread::Failed(error)) => {
            return Err(something_else(&format!("it can't be read: {error}")));
        }
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let Ok(Value::Object(fields)) = serde_json::from_slice(bytes) else {
        return Err(something_else("it is not a JSON object"));
    };
    if !names_workspace(&fields) {
        return Err(something_else(
            "it has no `subscription_id`, `resource_group` and `workspace_name`",
        ));
    }
    Ok(Some(Old { fields, seen }))
}

fn names_workspace(fields: &Map<String, Value>) -> bool {
    let is_text = |name: &str| fields.get(name).is_some_and(Value::is_string);
    let scope = fields.get("Scope").and_then(Value::as_str);
    FIELDS.iter().all(|field| is_text(field))
        || scope.is_some_and(|scope| WorkspaceRef::from_resource_id(scope).is_ok())
}

fn failure(path: &Path, why: String) -> Failure {
    Failure::new(
        Kind::Failed,
        format!("could not write the workspace to {}", printable_path(path)),
        why,
    )
}

fn something_else(path: &Path, why: &str, workspace: &WorkspaceRef) -> Failure {
    let elsewhere = format!(
        "`azcred workspace use {} --file .azureml/config.json`",
        workspace.name()
    );
    failure(
        path,
        format!("the file was left as it is, because it belongs to another program: {why}"),
    )
    .fix(
        Fix::from(format!(
            "write the workspace to another file: {elsewhere} (MLClient reads that file; hi-ml does not)"
        ))
        .or("run the command in another folder"),
    )
}

fn link(path: &Path) -> Failure {
    let name = printable_path(path);
    let target = fs::canonicalize(path).map(|target| printable_path(&target));
    let why = format!("{name} is a link to another file. It was left as it is");
    match target {
        Ok(target) => failure(path, why).fix(format!(
            "to change the file that it leads to, add `--file {target}`"
        )),
        Err(_) => failure(path, why).fix("remove the link, which leads nowhere"),
    }
}

fn changed(path: &Path) -> Failure {
    failure(
        path,
        format!(
            "another program changed {} meanwhile. It was left as it is",
            printable_path(path)
        ),
    )
    .fix("run the command again")
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or_else(|| "this folder".to_owned(), printable_path);
    failure(path, format!("{folder} can't be written: {error}"))
        .fix("run it in a folder that you may write, or give another path with `--file`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tempfile::TempDir;

    const SUBSCRIPTION: &str = "5ec0ffee-0001-4000-8000-000000000001";

    fn workspace(name: &str) -> WorkspaceRef {
        WorkspaceRef::new(SUBSCRIPTION, "rg", name).unwrap()
    }

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        (folder, path)
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_new_file_has_the_three_names_and_leaves_no_other_file() {
        let (folder, path) = folder();
        assert_eq!(write(&path, &workspace("ws-1")).unwrap(), Written::New);
        let read: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            read,
            json!({"subscription_id": SUBSCRIPTION, "resource_group": "rg", "workspace_name": "ws-1"})
        );
        assert_eq!(names(&folder), ["config.json"]);
        assert_eq!(
            write(&path, &workspace("ws-1")).unwrap(),
            Written::Unchanged
        );
    }

    #[cfg(unix)]
    #[test]
    #[expect(clippy::print_stderr, reason = "it says why it was skipped")]
    fn what_root_writes_belongs_to_the_owner_of_the_project() {
        use std::os::unix::fs::{MetadataExt, chown};
        const ADA: u32 = 65_534;
        let (folder, path) = folder();
        if !rustix::process::geteuid().is_root()
            || chown(folder.path(), Some(ADA), Some(ADA)).is_err()
        {
            eprintln!("skipped: another user's folder, for want of privileges");
            return;
        }
        let owner = |path: &Path| fs::metadata(path).unwrap().uid();
        let deep = folder.path().join(".azureml/config.json");
        for path in [&path, &deep] {
            for name in ["ws-1", "ws-2"] {
                write(path, &workspace(name)).unwrap();
                assert_eq!(owner(path), ADA, "{path:?}");
            }
        }
        assert_eq!(owner(deep.parent().unwrap()), ADA);
    }

    #[test]
    fn a_file_that_names_a_workspace_keeps_its_other_fields_and_its_mode() {
        let (_folder, path) = folder();
        let scope = workspace("old").resource_id();
        for old in [
            json!({"subscription_id": "s", "resource_group": "g", "workspace_name": "w", "tenant": "t"}),
            json!({"Id": null, "Scope": scope, "tenant": "t"}),
        ] {
            fs::write(&path, format!("\u{feff}{old}")).unwrap();
            #[cfg(unix)]
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640))
                .unwrap();
            assert_eq!(write(&path, &workspace("ws-1")).unwrap(), Written::Changed);
            let read: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            assert_eq!(
                read,
                json!({"subscription_id": SUBSCRIPTION, "resource_group": "rg", "workspace_name": "ws-1", "tenant": "t"})
            );
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o777, 0o640);
            }
        }
    }

    #[test]
    fn a_file_of_another_kind_is_not_changed() {
        let (folder, path) = folder();
        for other in [
            r#"{"model_type": "bert", "hidden_size": 768}"#,
            r#"{"workspace_name": "w"}"#,
            r#"{"subscription_id": 1, "resource_group": "g", "workspace_name": "w"}"#,
            r#"["subscription_id"]"#,
            "{",
            "",
        ] {
            fs::write(&path, other).unwrap();
            let refused = write(&path, &workspace("ws-1")).unwrap_err();
            assert!(
                refused.why.contains("belongs to another program"),
                "{refused:?}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
            assert_eq!(names(&folder), ["config.json"]);
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(write(&path, &workspace("ws-1")).is_err());
        assert!(path.is_dir());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed_and_a_pipe_does_not_block() {
        let (folder, path) = folder();
        let other = folder.path().join("other.json");
        write(&other, &workspace("old")).unwrap();
        let before = fs::read(&other).unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let refused = write(&path, &workspace("ws-1")).unwrap_err();
        assert!(
            refused
                .fix
                .as_ref()
                .unwrap()
                .to_string()
                .contains("other.json"),
            "{refused:?}"
        );
        assert_eq!(fs::read(&other).unwrap(), before);
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let refused = write(&path, &workspace("ws-1")).unwrap_err();
        assert!(refused.why.contains("not a file"), "{refused:?}");
    }

    #[test]
    fn a_file_that_appears_or_changes_at_the_same_time_is_not_replaced() {
        let (_folder, path) = folder();
        let draft = Draft::write(&path, b"{}", DraftMode::Usual).unwrap();
        fs::write(&path, "theirs").unwrap();
        let error = draft.become_new(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
        fs::remove_file(&path).unwrap();
        write(&path, &workspace("old")).unwrap();
        let old = open(&path, &workspace("old")).unwrap().unwrap();
        assert!(old.seen.is_still(&path));
        fs::remove_file(&path).unwrap();
        fs::write(&path, "theirs").unwrap();
        assert!(!old.seen.is_still(&path));
    }
}
