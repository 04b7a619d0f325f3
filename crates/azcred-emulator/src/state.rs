//! The state folder: private, written atomically, used by one emulator at a time.

use crate::{
    ca::Ca,
    homes::{PERSONAS_FOLDER, settle_left},
    seed::{GeneratedSecrets, pem},
    shared_keys,
    signing::{KeyError, Keys, SigningKey},
    state_error::StateError,
};
use azcred_guest::{FolderKind, Locked, PrivateFolder, own_file};
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// The largest file that is read. A larger one is damaged.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The file that a running emulator locks.
const LOCK: &str = "emulator.lock";
/// The authority's certificate.
const AUTHORITY: &str = "ca.pem";
/// Temporary folders.
const TEMPORARY: FolderKind = FolderKind {
    prefix: "azcred-emulator-",
    lock: LOCK,
};

/// A state folder. This emulator holds its lock until the value is dropped.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
    held: Held,
}

/// What keeps other emulators out.
#[derive(Debug)]
enum Held {
    /// The lock of a folder that stays. It ends when the process ends, even after a crash.
    Lock(#[expect(dead_code, reason = "held for its lock")] Locked),
    /// A folder that is deleted when the emulator stops.
    Folder(PrivateFolder),
}

impl StateDir {
    /// Opens a folder, and creates it (mode 0700) if it does not exist.
    pub(crate) fn open(path: &Path) -> Result<Self, StateError> {
        make_private_dir(path)?;
        // Paths in this folder become variables of programs that run in other folders.
        let path = fs::canonicalize(path).map_err(io_error(path, "the folder can't be found"))?;
        // Variables and `emulator.json` are text.
        if path.to_str().is_none() {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "choose another folder");
            return Err(StateError::Io {
                path,
                what: "the folder's path is not UTF-8",
                source,
            });
        }
        let lock = lock(&path)?;
        Ok(Self {
            path,
            held: Held::Lock(lock),
        })
    }

    /// Creates a folder that is deleted when the emulator stops.
    pub(crate) fn ephemeral() -> Result<Self, StateError> {
        let folder = PrivateFolder::create(TEMPORARY).map_err(|error| StateError::Io {
            path: error.path,
            what: error.what,
            source: error.source,
        })?;
        folder.remove_left(|left| {
            // What a program created beside the links in its home folder is the user's.
            for personas in fs::read_dir(left.join(PERSONAS_FOLDER))
                .into_iter()
                .flatten()
            {
                personas.iter().for_each(|one| settle_left(&one.path()));
            }
        });
        Ok(Self {
            path: folder.path().to_owned(),
            held: Held::Folder(folder),
        })
    }

    /// Deletes an ephemeral folder now, even if tasks still use it.
    pub(crate) fn end(&self) {
        if let Held::Folder(folder) = &self.held
            && let Err(error) = folder.end()
        {
            tracing::warn!(%error, "a temporary folder could not be removed");
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A private folder in the state folder. It is created if it does not exist.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, StateError> {
        let path = self.path.join(name);
        make_private_dir(&path)?;
        Ok(path)
    }

    /// The certificate authority. It is created if it does not exist.
    pub(crate) fn ca(&self) -> Result<Ca, StateError> {
        const CONSEQUENCE: &str =
            "; programs that trust the old authority must then trust the new one";
        let (certificate, key) = (AUTHORITY, "ca-key.pem");
        let read = || {
            let certificate_text = self.read_text(certificate, CONSEQUENCE)?;
            let key_text = self.read_text(key, CONSEQUENCE)?;
            Ca::from_pem(&certificate_text, &key_text).map_err(|error| StateError::Damaged {
                path: self.file("ca.pem and ca-key.pem"),
                why: error.to_string(),
                consequence: CONSEQUENCE,
            })
        };
        if self.file(certificate).exists() || self.file(key).exists() {
            let found = read()?;
            if found.is_narrow() {
                return Ok(found);
            }
            tracing::warn!(
                "the authority in {} was made by an earlier version, and could also vouch for code and e-mail: \
                 it is replaced; where you have imported it, remove it and import the new one",
                self.file(certificate).display()
            );
        }
        let (made, made_key) = Ca::generate().map_err(|e| StateError::Make {
            what: "the certificate authority",
            why: e.to_string(),
        })?;
        self.write(key, made_key.as_bytes())?;
        self.write(certificate, made.as_bytes())?;
        read()
    }

    /// The signing keys. They are created if they don't exist.
    pub(crate) fn keys(&self) -> Result<Keys, StateError> {
        Ok(Keys {
            entra: self.key("entra-key.pem")?,
            issuer: self.key("issuer-key.pem")?,
        })
    }

    fn key(&self, name: &str) -> Result<SigningKey, StateError> {
        use rustls_pki_types::pem::PemObject as _;
        const CONSEQUENCE: &str = "; tokens signed with the old key become invalid";
        if !self.file(name).exists() {
            let (pkcs8, certificate) = self.new_key(name).map_err(|e| StateError::Make {
                what: "a signing key",
                why: e.to_string(),
            })?;
            let mut text = pem("PRIVATE KEY", &pkcs8);
            text.push_str(&pem("CERTIFICATE", &certificate));
            self.write(name, text.as_bytes())?;
        }
        let text = self.read_text(name, CONSEQUENCE)?;
        let damaged = |why: String| StateError::Damaged {
            path: self.file(name),
            why,
            consequence: CONSEQUENCE,
        };
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
            .map_err(|e| damaged(e.to_string()))?;
        let certificate = rustls_pki_types::CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|e| damaged(e.to_string()))?;
        SigningKey::from_der(key.secret_pkcs8_der(), &certificate)
            .map_err(|e| damaged(e.to_string()))
    }

    /// A new RSA key for a purpose.
    pub(crate) fn new_key(&self, purpose: &str) -> Result<shared_keys::Parts, KeyError> {
        match self.held {
            Held::Folder(_) => shared_keys::key_for(purpose),
            Held::Lock(_) => shared_keys::new_key(),
        }
    }

    /// Secrets and certificates that were created for the seed.
    pub(crate) fn made(&self) -> Result<GeneratedSecrets, StateError> {
        self.read_json(
            "secrets.json",
            "; all generated secrets of the seed then change",
        )
        .map(Option::unwrap_or_default)
    }

    /// Reads a JSON file. `None` if it does not exist.
    pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
        consequence: &'static str,
    ) -> Result<Option<T>, StateError> {
        if !self.file(name).exists() {
            return Ok(None);
        }
        let text = self.read_text(name, consequence)?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| StateError::Damaged {
                path: self.file(name),
                // Only the position of the error is reported, as the file may contain secrets.
                why: format!(
                    "it is not valid JSON, at line {} column {}",
                    e.line(),
                    e.column()
                ),
                consequence,
            })
    }

    /// Writes a JSON file.
    pub(crate) fn write_json<T: serde::Serialize>(
        &self,
        name: &str,
        value: &T,
    ) -> Result<(), StateError> {
        let text = serde_json::to_vec_pretty(value)
            .map(Zeroizing::new)
            .map_err(|e| StateError::Make {
                what: "a JSON text",
                why: e.to_string(),
            })?;
        self.write(name, &text)
    }

    /// Reads all JSON files of a folder. Without the folder, the list is empty.
    pub(crate) fn read_json_files<T: serde::de::DeserializeOwned>(
        &self,
        folder: &str,
        consequence: &'static str,
    ) -> Result<Vec<T>, StateError> {
        let path = self.file(folder);
        let entries = match fs::read_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io_error(&path, "the folder can't be read"))?,
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| name.ends_with(".json"))
            .collect();
        names.sort();
        let read = names
            .iter()
            .map(|name| self.read_json(&format!("{folder}/{name}"), consequence));
        Ok(read
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    fn read_text(
        &self,
        name: &str,
        consequence: &'static str,
    ) -> Result<Zeroizing<String>, StateError> {
        let path = self.file(name);
        let damaged = |why: &str| StateError::Damaged {
            path: path.clone(),
            why: why.to_owned(),
            consequence,
        };
        let mut bytes = Zeroizing::new(Vec::new());
        own_file::open(&path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => {
                    damaged("it is missing, but the file that belongs to it exists")
                }
                _ => StateError::Io {
                    path: path.clone(),
                    what: "the file can't be read",
                    source,
                },
            })?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(damaged("it is larger than 64 MiB"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged("it is not text"))?;
        Ok(Zeroizing::new(text.to_owned()))
    }

    /// Writes a file (mode 0600) atomically: readers see the old content or the new one. When this
    /// returns, the content is on the disk.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let path = self.file(name);
        write_atomically(&path, content, true).map_err(io_error(&path, "the file can't be written"))
    }

    /// Writes a file that every start creates again: like [`Self::write`], but without waiting for
    /// the disk.
    pub(crate) fn publish(&self, name: &str, content: &[u8]) -> Result<(), StateError> {
        let path = self.file(name);
        write_atomically(&path, content, false)
            .map_err(io_error(&path, "the file can't be written"))
    }

    /// Deletes a file, if it exists.
    pub(crate) fn remove(&self, name: &str) {
        let path = self.file(name);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "a file could not be removed");
        }
    }
}

/// Writes a file (mode 0600) by renaming a new one.
fn write_atomically(path: &Path, content: &[u8], durably: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // `tempfile` creates the file with a random name, O_EXCL and mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)?;
    file.write_all(content)?;
    if durably {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

fn io_error(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { path, what, source }
}

/// Locks the folder, or returns the error that another emulator runs.
fn lock(folder: &Path) -> Result<Locked, StateError> {
    let path = folder.join(LOCK);
    let file = own_file::open_lock(&path).map_err(io_error(&path, "the lock can't be opened"))?;
    let locked = Locked::exclusive(file).map_err(io_error(&path, "the folder can't be locked"))?;
    locked.ok_or_else(|| StateError::Running {
        path: folder.to_owned(),
    })
}

/// Creates a folder (mode 0700). Missing folders above it, such as `~/.local`, get the usual mode.
/// An existing folder becomes private if it is empty or an
/// emulator's. Another folder keeps its mode and is rejected.
#[cfg(unix)]
fn make_private_dir(path: &Path) -> Result<(), StateError> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
    let make = |mode, path| {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(mode).create(path)
    };
    let around = path
        .parent()
        .filter(|around| !around.as_os_str().is_empty());
    around
        .map_or(Ok(()), |around| make(0o755, around))
        .and_then(|()| make(0o700, path))
        .map_err(io_error(path, "the folder can't be created"))?;
    let metadata = fs::metadata(path).map_err(io_error(path, "the folder's mode can't be read"))?;
    // Only root can open another user's private folder. A new file belongs to the user of this
    // process, so its owner shows whose folder it is.
    let ours = tempfile::tempfile_in(path)
        .and_then(|file| file.metadata())
        .map_err(io_error(path, "the folder can't be written"))?
        .uid();
    if metadata.uid() != ours {
        return Err(StateError::Foreign {
            path: path.to_owned(),
            owner: metadata.uid(),
        });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let is_empty = fs::read_dir(path)
        .map_err(io_error(path, "the folder can't be read"))?
        .next()
        .is_none();
    if !is_empty && !path.join(LOCK).exists() {
        return Err(StateError::Open {
            path: path.to_owned(),
            mode,
        });
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(io_error(path, "the folder's mode can't be set to 0700"))
}

/// On other systems, folders in the user's own folder are private already.
#[cfg(not(unix))]
fn make_private_dir(path: &Path) -> Result<(), StateError> {
    fs::create_dir_all(path).map_err(io_error(path, "the folder can't be created"))
}
