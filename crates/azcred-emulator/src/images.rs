//! The images in the container registries: an index and content of each registry on disk.
//!
//! This code knows nothing of HTTP, tokens or rights. Which registries exist is a matter of
//! [`crate::resources`].
//!
//! ```text
//! registries-SEED/NAME/index.json      repositories: their tags, manifests and blobs
//! registries-SEED/NAME/blobs/HEX       a manifest or a blob, by its SHA-256
//! registries-SEED/NAME/uploads/ID      a blob that is being pushed
//! ```
//!
//! Content is complete before the index names it, and the index is renamed into its place. So a
//! process that is killed leaves the old index or the new one. Uploads end with the process.

use crate::storage::{make_private, read_json, write_json};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};
use uuid::Uuid;

/// A SHA-256 digest: `sha256:` and 64 hexadecimal digits in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Digest(String);

impl Digest {
    /// Reads a digest. `None` for another text, or another algorithm.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (hex.len() == 64 && hex.bytes().all(is_hex)).then(|| Self(text.to_owned()))
    }

    /// The digest of bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(bytes);
        Self::finish(context)
    }

    fn of_file(path: &Path) -> io::Result<Self> {
        let mut file = fs::File::open(path)?;
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(Self::finish(context)),
                read => context.update(&buffer[..read]),
            }
        }
    }

    fn finish(context: Context) -> Self {
        use fmt::Write as _;
        let mut text = String::from("sha256:");
        for byte in context.finish().as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    fn hex(&self) -> &str {
        self.0.trim_start_matches("sha256:")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The repositories of a registry, by name.
pub(crate) type Index = BTreeMap<String, Repository>;

/// A repository. Times are Unix seconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub(crate) tags: BTreeMap<String, Tag>,
    pub(crate) manifests: BTreeMap<Digest, Manifest>,
    /// The blobs that were pushed to it, or mounted.
    pub(crate) blobs: BTreeSet<Digest>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// A tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) digest: Digest,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// A manifest. Its text is in the content.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    /// The size of the layers, in bytes.
    pub(crate) image_size: u64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// The images of all registries of one emulator.
#[derive(Default)]
pub(crate) struct Images {
    folder: OnceLock<PathBuf>,
    /// Where a world without a state folder keeps its images.
    temporary: OnceLock<tempfile::TempDir>,
    /// By the registry's name in lower case. Read when a registry is first used.
    registries: Mutex<BTreeMap<String, Index>>,
    /// The repositories of the uploads of this process.
    uploads: Mutex<BTreeMap<Uuid, String>>,
}

impl Images {
    /// Sets the folder, once. It is created when a registry is first used.
    pub(crate) fn keep_in(&self, folder: PathBuf) {
        let _ = self.folder.set(folder);
    }

    /// Reads a registry's index.
    ///
    /// # Errors
    /// When its file can't be used.
    pub(crate) fn read<T>(&self, registry: &str, look: impl FnOnce(&Index) -> T) -> io::Result<T> {
        let mut all = lock(&self.registries);
        self.loaded(&mut all, registry).map(|index| look(index))
    }

    /// Changes a registry's index while no other request does. Nothing changes if `change` fails,
    /// or if the file can't be written.
    ///
    /// # Errors
    /// Those of `change`, and when the file can't be used.
    pub(crate) fn edit<T, E: From<io::Error>>(
        &self,
        registry: &str,
        change: impl FnOnce(&mut Index) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut all = lock(&self.registries);
        let old = self.loaded(&mut all, registry)?;
        let mut new = old.clone();
        let done = change(&mut new)?;
        write_json(&self.of(registry)?, INDEX, &new)?;
        *old = new;
        Ok(done)
    }

    /// The file with content. It need not exist.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn file(&self, registry: &str, digest: &Digest) -> io::Result<PathBuf> {
        Ok(self.of(registry)?.join(BLOBS).join(digest.hex()))
    }

    /// Stores content. The same content is stored once.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn store(&self, registry: &str, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        let folder = self.of(registry)?;
        let mut file = tempfile::NamedTempFile::new_in(folder.join(UPLOADS))?;
        file.write_all(bytes)?;
        let place = folder.join(BLOBS).join(digest.hex());
        file.persist(place).map_err(|error| error.error)?;
        Ok(digest)
    }

    /// Begins an upload to a repository.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn begin(&self, registry: &str, repository: &str) -> io::Result<Uuid> {
        let id = Uuid::new_v4();
        fs::File::create_new(self.upload(registry, id)?)?;
        lock(&self.uploads).insert(id, repository.to_owned());
        Ok(id)
    }

    /// The size of an upload. `None` if this repository has no such upload.
    ///
    /// # Errors
    /// When the state folder can't be used.
    pub(crate) fn uploaded(
        &self,
        registry: &str,
        repository: &str,
        id: Uuid,
    ) -> io::Result<Option<u64>> {
        let is_known = lock(&self.uploads).get(&id).map(String::as_str) == Some(repository);
        match is_known.then(|| fs::metadata(self.upload(registry, id)?)) {
            Some(Ok(found)) => Ok(Some(found.len())),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        }
    }

    /// Adds bytes to an upload.
    ///
    /// # Errors
    /// When the file can't be written.
    pub(crate) fn append(&self, registry: &str, id: Uuid, bytes: &[u8]) -> io::Result<()> {
        let file = self.upload(registry, id)?;
        let mut file = fs::OpenOptions::new().append(true).open(file)?;
        file.write_all(bytes)
    }

    /// Ends an upload. The content is stored if it has this digest; otherwise the upload goes on,
    /// and the result is false.
    ///
    /// # Errors
    /// When the files can't be used.
    pub(crate) fn finish(&self, registry: &str, id: Uuid, digest: &Digest) -> io::Result<bool> {
        let file = self.upload(registry, id)?;
        if Digest::of_file(&file)? != *digest {
            return Ok(false);
        }
        fs::rename(file, self.file(registry, digest)?)?;
        lock(&self.uploads).remove(&id);
        Ok(true)
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// When the file can't be deleted.
    pub(crate) fn cancel(&self, registry: &str, id: Uuid) -> io::Result<()> {
        lock(&self.uploads).remove(&id);
        fs::remove_file(self.upload(registry, id)?)
    }

    /// Deletes the images of a registry, with the registry.
    ///
    /// # Errors
    /// When the folder can't be deleted.
    pub(crate) fn remove_registry(&self, registry: &str) -> io::Result<()> {
        let folder = self.root()?.join(name(registry)?);
        lock(&self.registries).remove(&registry.to_lowercase());
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn upload(&self, registry: &str, id: Uuid) -> io::Result<PathBuf> {
        Ok(self.of(registry)?.join(UPLOADS).join(id.to_string()))
    }

    fn loaded<'a>(
        &self,
        all: &'a mut BTreeMap<String, Index>,
        registry: &str,
    ) -> io::Result<&'a mut Index> {
        let key = registry.to_lowercase();
        if !all.contains_key(&key) {
            let folder = self.of(registry)?;
            // Those of an earlier process.
            for left in fs::read_dir(folder.join(UPLOADS))? {
                fs::remove_file(left?.path())?;
            }
            let index = read_json(&folder.join(INDEX))?.unwrap_or_default();
            all.insert(key.clone(), index);
        }
        all.get_mut(&key).ok_or(io::ErrorKind::NotFound.into())
    }

    /// The folder of a registry, which is created.
    fn of(&self, registry: &str) -> io::Result<PathBuf> {
        let folder = self.root()?.join(name(registry)?);
        make_private(&folder.join(BLOBS))?;
        make_private(&folder.join(UPLOADS))?;
        Ok(folder)
    }

    fn root(&self) -> io::Result<PathBuf> {
        if let Some(folder) = self.folder.get() {
            return Ok(folder.clone());
        }
        if self.temporary.get().is_none() {
            // A second one, made at the same time, is deleted here.
            let _ = self.temporary.set(tempfile::tempdir()?);
        }
        let folder = self.temporary.get().ok_or(io::ErrorKind::NotFound)?;
        Ok(folder.path().to_owned())
    }
}

const INDEX: &str = "index.json";
const BLOBS: &str = "blobs";
const UPLOADS: &str = "uploads";

/// The name of a registry's folder.
fn name(registry: &str) -> io::Result<String> {
    let is_name = !registry.is_empty() && registry.chars().all(|c| c.is_ascii_alphanumeric());
    match is_name {
        true => Ok(registry.to_lowercase()),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
