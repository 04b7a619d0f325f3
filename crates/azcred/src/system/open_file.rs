//! A file that was opened before it is judged.

use super::FileFacts;
use std::{
    fmt, fs,
    io::{self, Read},
    path::PathBuf,
};

/// What is at a path, opened: if another file is put at the path, this stays the same file.
pub struct OpenFile {
    /// What the open file is. What is not a regular file is not opened; this is what it is.
    pub facts: FileFacts,
    /// What the folder of the file is. The file was opened in this very folder.
    pub folder: FileFacts,
    /// Whether the folder's path is a link to the folder.
    pub folder_is_linked: bool,
    pub(super) content: Option<Content>,
}

/// Where the content of a file is.
pub(super) enum Content {
    File(fs::File),
    #[cfg(any(test, feature = "test-util"))]
    Made(Vec<u8>),
}

impl OpenFile {
    /// The whole content, of at most `limit` bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::FileTooLarge`] over the limit; [`io::ErrorKind::InvalidInput`] if it is not
    /// a regular file; otherwise as [`std::fs::read`].
    pub fn read(self, limit: u64) -> io::Result<Vec<u8>> {
        match self.content {
            Some(Content::File(file)) => read_all(file, limit),
            #[cfg(any(test, feature = "test-util"))]
            Some(Content::Made(_)) if self.facts.len > limit => {
                Err(io::ErrorKind::FileTooLarge.into())
            }
            #[cfg(any(test, feature = "test-util"))]
            Some(Content::Made(bytes)) if bytes.len() as u64 > limit => {
                Err(io::ErrorKind::FileTooLarge.into())
            }
            #[cfg(any(test, feature = "test-util"))]
            Some(Content::Made(bytes)) => Ok(bytes),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }
}

/// The content of an open file, of at most `limit` bytes.
pub(super) fn read_all(file: fs::File, limit: u64) -> io::Result<Vec<u8>> {
    let most = limit.saturating_add(1);
    // One allocation, as a rule: a vector that grows leaves copies of its content in memory.
    let length = file.metadata()?.len().saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(most)).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

impl fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenFile")
            .field("facts", &self.facts)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// A file or folder that must not be used for secrets: the inner error of an [`io::Error`].
#[derive(Debug)]
pub(crate) struct Unsuitable {
    pub(crate) path: PathBuf,
    pub(crate) facts: FileFacts,
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is not a private file or folder of this user")
    }
}

impl std::error::Error for Unsuitable {}

/// The administrator would make something in another user's folder: the inner error of an
/// [`io::Error`].
#[derive(Debug)]
pub(crate) struct Foreign {
    /// The other user's folder.
    pub(crate) folder: PathBuf,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the folder belongs to another user")
    }
}

impl std::error::Error for Foreign {}
