//! The credential in a file of the user's, which only the user can read.

use super::{
    Delivered, Expected, NewCredential, NewProof, ProofKind, Purpose, account::Store, git, lines,
};
use crate::{
    commands::user_file::{Draft, DraftMode, Unread, UserFile},
    failure::{Failure, Kind},
    shell,
    sign_in::Place,
};
use azcred::{account::SecretStore, shown_path};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The largest file that is read.
const LIMIT: u64 = 1 << 20;

/// A file that can take the credential.
#[derive(Debug)]
pub(in crate::commands) struct Written {
    /// As the user wrote it.
    shown: PathBuf,
    /// The whole path, without links in its folder.
    path: PathBuf,
    purpose: Purpose,
    /// The profile that gets the account, for a certificate.
    account: Option<Store>,
}

/// A file that is there already.
struct Old {
    text: Zeroizing<String>,
    file: UserFile,
}

impl Written {
    /// Checks that the file can be written, and that nothing in it would be lost.
    pub(super) async fn check(
        path: &Path,
        purpose: Purpose,
        expected: &Expected<'_>,
        place: &Place,
    ) -> Result<Self, Failure> {
        let whole = place.folder.join(path);
        let (Some(folder), Some(name)) = (whole.parent(), whole.file_name()) else {
            return Err(failure(path, "it is a folder".to_owned()).fix("name a file in it"));
        };
        let folder = std::fs::canonicalize(folder).map_err(|error| {
            failure(path, format!("its folder can't be used: {error}"))
                .fix("name a file in a folder that exists")
        })?;
        let account = match expected.proof {
            ProofKind::Certificate => {
                Some(Store::profile_of(SecretStore::Keyring, expected, place).await?)
            }
            _ => None,
        };
        let this = Self {
            shown: path.to_owned(),
            path: folder.join(name),
            purpose,
            account,
        };
        git::check_ignored(&folder, &this.path, place).await?;
        let old = this.read()?;
        this.check_content(old.as_ref(), expected)?;
        // The folder can be written to if a draft can be made in it.
        Draft::write(&this.path, b"", DraftMode::Private(None))
            .map_err(|error| this.unwritable(&error))?;
        Ok(this)
    }

    /// Writes the credential, as a whole or not at all.
    pub(super) async fn deliver(
        &self,
        new: &NewCredential,
        place: &Place,
    ) -> Result<Delivered, Failure> {
        let old = self.read()?;
        let content = match (&new.proof, &old) {
            (NewProof::Certificate(pem), _) => Zeroizing::new(pem.expose_secret().to_owned()),
            (_, Some(old)) if self.has_lines() => {
                let names = self.purpose.names(new.proof.kind());
                let around = self.around(&old.text, &new.name, &names)?;
                around.with(&self.purpose.text(new)?)
            }
            _ => self.purpose.text(new)?,
        };
        if old.as_ref().is_none_or(|old| *old.text != *content) {
            if old.is_some() && !self.has_lines() {
                let expected = Expected {
                    name: &new.name,
                    client_id: Some(&new.client_id),
                    proof: new.proof.kind(),
                };
                self.check_content(old.as_ref(), &expected)?;
            }
            self.write(&content, old.as_ref())?;
        }
        let shown = shown_path(&self.shown);
        let delivered = match &self.account {
            Some(account) => account.with_certificate(new, &self.path).await?,
            None => Delivered {
                names: self.purpose.names(new.proof.kind()),
                command: self.has_lines().then(|| self.sourced(place)),
                ..Delivered::new("file")
            },
        };
        Ok(Delivered {
            path: Some(shown),
            ..delivered
        })
    }

    fn write(&self, content: &str, old: Option<&Old>) -> Result<(), Failure> {
        let mode = DraftMode::Private(old.map(|old| &old.file));
        let draft = Draft::write(&self.path, content.as_bytes(), mode);
        let draft = draft.map_err(|error| self.unwritable(&error))?;
        let moved = match old {
            None => draft.become_new(&self.path),
            Some(old) if old.file.is_still(&self.path) => draft.replace(&self.path),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        };
        moved.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => self
                .failure("another program changed it meanwhile. It was left as it is".to_owned())
                .fix("run the command again"),
            _ => self.unwritable(&error),
        })
    }

    /// Whether the file has variables, beside which it may have other lines.
    fn has_lines(&self) -> bool {
        !matches!(self.purpose, Purpose::Json | Purpose::AzurePipelines)
    }

    fn read(&self) -> Result<Option<Old>, Failure> {
        let why = match UserFile::read(&self.path, LIMIT) {
            Ok((bytes, file)) => match std::str::from_utf8(&bytes) {
                Ok(text) => {
                    let text = Zeroizing::new(text.to_owned());
                    return Ok(Some(Old { text, file }));
                }
                Err(_) => "it has other content, which is not text".to_owned(),
            },
            Err(Unread::Missing) => return Ok(None),
            Err(Unread::Link) => "it is a link to another file".to_owned(),
            Err(Unread::NotAFile) => "it is not a file".to_owned(),
            Err(Unread::TooLarge) => "it has other content, of more than 1 MiB".to_owned(),
            Err(Unread::Failed(error)) => format!("it can't be read: {error}"),
        };
        Err(self.failure(why).fix(ANOTHER))
    }

    /// Checks that what the file has is not lost.
    fn check_content(&self, old: Option<&Old>, expected: &Expected<'_>) -> Result<(), Failure> {
        let Some(old) = old else {
            return Ok(());
        };
        let is_own = match expected.proof {
            ProofKind::Certificate => false,
            _ if self.has_lines() => {
                let names = self.purpose.names(expected.proof);
                self.around(&old.text, expected.name, &names)?;
                true
            }
            _ => is_own_document(&old.text, expected),
        };
        match is_own || old.text.trim().is_empty() {
            true => Ok(()),
            false => Err(self
                .failure("it has other content, which would be lost".to_owned())
                .fix(ANOTHER)),
        }
    }

    fn around<'a>(
        &self,
        text: &'a str,
        name: &str,
        names: &[&str],
    ) -> Result<lines::Around<'a>, Failure> {
        lines::around(text, name, names).map_err(|taken| match taken {
            Some((line, variable)) => self
                .failure(format!("its line {line} sets {variable} already"))
                .fix(azcred::Fix::from("remove that line").or(ANOTHER)),
            None => self
                .failure("azcred's lines in it have no end".to_owned())
                .fix(azcred::Fix::from("remove them").or(ANOTHER)),
        })
    }

    /// The command by which a shell reads the variables.
    fn sourced(&self, place: &Place) -> String {
        let shown = match self.path.strip_prefix(&place.folder) {
            Ok(inside) => Path::new(".").join(inside),
            Err(_) => self.path.clone(),
        };
        let file = shell::word(&shown.to_string_lossy());
        format!("set -a; . {file}; set +a")
    }

    fn failure(&self, why: String) -> Failure {
        failure(&self.shown, why)
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        self.failure(format!("its folder can't be written: {error}"))
            .fix("name a file in a folder that you may write")
    }
}

const ANOTHER: &str = "name another file with `--to`";

/// Whether a document is the application's, as azcred or Azure CLI wrote it.
fn is_own_document(text: &str, expected: &Expected<'_>) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else {
        return false;
    };
    let text = |pointer: &str| {
        let document = Value::Object(fields.clone());
        document
            .pointer(pointer)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let name = text("/displayName").or_else(|| text("/name"));
    let id = text("/appId").or_else(|| text("/authorization/parameters/serviceprincipalid"));
    match (id, expected.client_id) {
        (Some(id), Some(own)) => id.eq_ignore_ascii_case(own.as_str()),
        (Some(_), None) => name.as_deref() == Some(expected.name),
        _ => false,
    }
}

fn failure(path: &Path, why: String) -> Failure {
    let what = format!("could not use the file {} for a secret", shown_path(path));
    Failure::new(Kind::Invalid, what, why)
}
