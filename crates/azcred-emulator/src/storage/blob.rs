//! A blob: its properties, and the pieces of its content in order.

use super::{Stamp, content::Content};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};
use time::OffsetDateTime;

/// The kind of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Block,
    Append,
}

impl Kind {
    /// The name in headers and lists.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Block => "BlockBlob",
            Self::Append => "AppendBlob",
        }
    }
}

/// The headers that a blob's content has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ContentHeaders {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    /// Of the whole content, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_md5: Option<String>,
}

/// A piece of a blob's content: a block, an appended block, or all of it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    /// The block's id as the client sent it; empty for other pieces.
    pub(crate) id: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) content: Arc<Content>,
}

/// A blob.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    pub(crate) headers: ContentHeaders,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The access tier that a client set.
    pub(crate) tier: Option<String>,
    /// The copy that made it.
    pub(crate) copy: Option<CopyState>,
    /// Whether there is content. If not, the blob has only uncommitted blocks.
    pub(crate) is_committed: bool,
    /// Whether the content came by a list of blocks.
    pub(crate) is_of_blocks: bool,
    /// The content.
    pub(crate) segments: Vec<Segment>,
    pub(crate) uncommitted: Vec<Segment>,
}

/// How a blob was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyState {
    pub(crate) id: String,
    pub(crate) source: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) completed: OffsetDateTime,
}

impl Blob {
    /// An empty blob that is not committed.
    pub(crate) fn new(name: &str, kind: Kind, stamp: &Stamp) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            etag: stamp.etag.clone(),
            created: stamp.time,
            modified: stamp.time,
            headers: ContentHeaders::default(),
            metadata: BTreeMap::new(),
            tags: BTreeMap::new(),
            tier: None,
            copy: None,
            is_committed: false,
            is_of_blocks: false,
            segments: Vec::new(),
            uncommitted: Vec::new(),
        }
    }

    /// This blob, changed now.
    pub(crate) fn stamped(&self, stamp: &Stamp) -> Self {
        Self {
            etag: stamp.etag.clone(),
            modified: stamp.time,
            ..self.clone()
        }
    }

    /// The content's length in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.segments.iter().map(|segment| segment.size).sum()
    }

    /// All of the content.
    pub(super) fn read_now(&self) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        for segment in &self.segments {
            all.extend(fs::read(segment.content.path())?);
        }
        Ok(all)
    }

    pub(super) fn all_segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter().chain(&self.uncommitted)
    }
}

/// A piece, as the record has it.
#[derive(Serialize, Deserialize)]
struct StoredSegment {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    id: String,
    size: u64,
    file: String,
}

/// A blob, as its record on disk has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    name: String,
    kind: Kind,
    etag: String,
    #[serde(with = "time::serde::rfc3339")]
    created: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    modified: OffsetDateTime,
    headers: ContentHeaders,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copy: Option<CopyState>,
    is_committed: bool,
    is_of_blocks: bool,
    segments: Vec<StoredSegment>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    uncommitted: Vec<StoredSegment>,
}

impl Stored {
    pub(super) fn of(blob: &Blob) -> Self {
        let stored = |segments: &[Segment]| {
            let all = segments.iter().map(|segment| StoredSegment {
                id: segment.id.clone(),
                size: segment.size,
                file: segment.content.file_name().to_owned(),
            });
            all.collect()
        };
        let blob = blob.clone();
        Self {
            segments: stored(&blob.segments),
            uncommitted: stored(&blob.uncommitted),
            name: blob.name,
            kind: blob.kind,
            etag: blob.etag,
            created: blob.created,
            modified: blob.modified,
            headers: blob.headers,
            metadata: blob.metadata,
            tags: blob.tags,
            tier: blob.tier,
            copy: blob.copy,
            is_committed: blob.is_committed,
            is_of_blocks: blob.is_of_blocks,
        }
    }

    /// The blob, whose pieces are in this folder.
    pub(super) fn blob(self, folder: &Path) -> Blob {
        let segments = |stored: Vec<StoredSegment>| {
            let all = stored.into_iter().map(|segment| Segment {
                id: segment.id,
                size: segment.size,
                content: Content::kept(folder.join(segment.file)),
            });
            all.collect()
        };
        Blob {
            segments: segments(self.segments),
            uncommitted: segments(self.uncommitted),
            name: self.name,
            kind: self.kind,
            etag: self.etag,
            created: self.created,
            modified: self.modified,
            headers: self.headers,
            metadata: self.metadata,
            tags: self.tags,
            tier: self.tier,
            copy: self.copy,
            is_committed: self.is_committed,
            is_of_blocks: self.is_of_blocks,
        }
    }
}
