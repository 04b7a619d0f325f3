//! Pieces of content: one file each, written once, deleted when no blob and no reader has it.

use super::{blob::Segment, crc64::Crc64};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::NamedTempFile;

/// The beginning of the names of files that are being written.
pub(super) const NEW: &str = ".new-";

/// A file with a piece of content. A blob's readers share it, so that a blob can be replaced while
/// it is read.
#[derive(Debug)]
pub(crate) struct Content {
    path: PathBuf,
    /// Whether a record on disk names it. If not, the last owner deletes it.
    is_kept: AtomicBool,
}

impl Content {
    /// A file that a record names.
    pub(super) fn kept(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            path,
            is_kept: AtomicBool::new(true),
        })
    }

    /// Sets whether a record names it.
    pub(super) fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name, for the record.
    pub(super) fn file_name(&self) -> &str {
        let name = self.path.file_name();
        name.and_then(|name| name.to_str()).unwrap_or_default()
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        if !*self.is_kept.get_mut()
            && let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!(%error, "a piece of content is left, until the next start");
        }
    }
}

/// The checksums of a piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    pub(crate) md5: [u8; 16],
    pub(crate) crc64: [u8; 8],
}

impl Sums {
    /// The checksums of bytes in memory.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut crc64 = Crc64::new();
        crc64.update(bytes);
        Self {
            md5: Md5::digest(bytes).into(),
            crc64: crc64.finish(),
        }
    }

    /// The MD5 sum as headers have it.
    pub(crate) fn md5_text(&self) -> String {
        STANDARD.encode(self.md5)
    }

    /// The CRC64 sum as headers have it.
    pub(crate) fn crc64_text(&self) -> String {
        STANDARD.encode(self.crc64)
    }
}

/// A piece that is being written. If it is dropped, its file is deleted.
pub(crate) struct Upload {
    file: NamedTempFile,
    folder: PathBuf,
    size: u64,
    md5: Md5,
    crc64: Crc64,
}

impl Upload {
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(NEW).tempfile_in(folder)?;
        Ok(Self {
            file,
            folder: folder.to_owned(),
            size: 0,
            md5: Md5::new(),
            crc64: Crc64::new(),
        })
    }

    /// Adds bytes.
    pub(crate) fn write_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        self.crc64.update(bytes);
        Ok(())
    }

    /// Ends the piece. Its file is deleted unless a blob is stored with it.
    pub(crate) fn finish_now(self) -> io::Result<(Segment, Sums)> {
        let path = self.folder.join(uuid::Uuid::new_v4().simple().to_string());
        self.file.persist(&path).map_err(|error| error.error)?;
        let content = Arc::new(Content {
            path,
            is_kept: AtomicBool::new(false),
        });
        let segment = Segment {
            id: String::new(),
            size: self.size,
            content,
        };
        let sums = Sums {
            md5: self.md5.finalize().into(),
            crc64: self.crc64.finish(),
        };
        Ok((segment, sums))
    }
}
