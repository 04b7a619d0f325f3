//! The files of one container: records and pieces of content.

use super::{
    StorageError,
    blob::{Blob, Stored},
    container::Container,
    content::{NEW, Upload},
};
use aws_lc_rs::digest;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// What a change does.
#[derive(Debug)]
pub(crate) enum Edit<T> {
    /// Nothing.
    Keep,
    /// Stores this in place of what was there.
    Put(T),
    /// Deletes what was there.
    Remove,
}

const CONTAINER: &str = "container.json";

/// The folder of one container, with its blobs in memory.
pub(super) struct Folder {
    path: PathBuf,
    pub(super) container: Container,
    /// By name: Rust orders text by its bytes, which for UTF-8 is Azure's order.
    pub(super) blobs: BTreeMap<String, Blob>,
}

impl Folder {
    /// Makes a container's folder.
    pub(super) fn make(path: PathBuf, container: Container) -> io::Result<Self> {
        make_private(&path.join("records"))?;
        make_private(&path.join("content"))?;
        let new = Self {
            path,
            container,
            blobs: BTreeMap::new(),
        };
        write_json(&new.path, CONTAINER, &new.container)?;
        Ok(new)
    }

    /// Reads a container's folder. `None`: it has no container, because it was half made or half
    /// deleted. Pieces that no record names are deleted.
    pub(super) fn load(path: PathBuf) -> io::Result<Option<Self>> {
        let Some(container) = read_json(&path.join(CONTAINER))? else {
            fs::remove_dir_all(&path)?;
            return Ok(None);
        };
        let (records, content) = (path.join("records"), path.join("content"));
        let mut blobs = BTreeMap::new();
        for entry in fs::read_dir(&records)? {
            let file = entry?.path();
            if is_new(&file) {
                fs::remove_file(&file)?;
            } else if let Some(stored) = read_json::<Stored>(&file)? {
                let blob = stored.blob(&content);
                blobs.insert(blob.name.clone(), blob);
            }
        }
        let named: HashSet<&Path> = blobs
            .values()
            .flat_map(Blob::all_segments)
            .map(|segment| segment.content.path())
            .collect();
        for entry in fs::read_dir(&content)? {
            let file = entry?.path();
            if !named.contains(file.as_path()) {
                fs::remove_file(&file)?;
            }
        }
        Ok(Some(Self {
            path,
            container,
            blobs,
        }))
    }

    /// Stores the container's properties.
    pub(super) fn put_container(&mut self, container: Container) -> io::Result<()> {
        write_json(&self.path, CONTAINER, &container)?;
        self.container = container;
        Ok(())
    }

    /// Deletes the container with its blobs.
    pub(super) fn remove(self) -> io::Result<()> {
        // Without this file it is not a container, whatever is left.
        fs::remove_file(self.path.join(CONTAINER))?;
        fs::remove_dir_all(&self.path)
    }

    /// Begins a piece of content.
    pub(super) fn upload(&self) -> io::Result<Upload> {
        Upload::begin(&self.path.join("content"))
    }

    /// Carries out a change of a blob.
    pub(super) fn edit(&mut self, name: &str, edit: Edit<Blob>) -> Result<(), StorageError> {
        let record = format!("{}.json", file_name(name));
        let old = match edit {
            Edit::Keep => return Ok(()),
            Edit::Remove => {
                fs::remove_file(self.path.join("records").join(record))?;
                self.blobs.remove(name)
            }
            Edit::Put(blob) => {
                write_json(&self.path.join("records"), &record, &Stored::of(&blob))?;
                self.blobs.insert(name.to_owned(), blob)
            }
        };
        let doomed = old.iter().flat_map(Blob::all_segments);
        doomed.for_each(|segment| segment.content.keep(false));
        let kept = self.blobs.get(name).into_iter();
        kept.flat_map(Blob::all_segments)
            .for_each(|segment| segment.content.keep(true));
        Ok(())
    }
}

/// A blob's name as a file's name: names can be longer than a file's, and differ in case only.
fn file_name(name: &str) -> String {
    let hash = digest::digest(&digest::SHA256, name.as_bytes());
    let bytes = hash.as_ref().iter();
    bytes.fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes a file (mode 0600) by renaming a new one: a process that is killed leaves the old content
/// or the new one.
pub(super) fn write_json(folder: &Path, name: &str, value: &impl Serialize) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec(value)?)?;
    file.persist(folder.join(name)).map_err(|e| e.error)?;
    Ok(())
}

/// Reads a file, if it exists.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let damaged = |error: serde_json::Error| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is damaged at line {}", path.display(), error.line()),
        )
    };
    serde_json::from_slice(&text).map(Some).map_err(damaged)
}

fn is_new(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(NEW))
}

/// Makes a folder that only this user can read, with those above it.
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}
