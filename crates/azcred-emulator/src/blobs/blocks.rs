//! Blocks: Put Block, Put Block List, Get Block List and Append Block.

use super::{
    access::Access,
    answer::Answer,
    body,
    call::Call,
    conditions::Conditions,
    error::BlobError,
    headers, tagged,
    writing::{Draft, check},
    xml::{element, leaves},
};
use crate::{
    storage::{Blob, Edit, Kind, Segment, StorageError, Sums},
    world::World,
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use std::fmt::Write as _;

/// The largest block ("Put Block", 2019-12-12 and later), and the most of a blob.
const MOST: u64 = 4000 * 1024 * 1024;
const MOST_BLOCKS: usize = 50_000;
/// The largest appended block, and most uncommitted blocks.
const MOST_APPENDED: u64 = 100 * 1024 * 1024;
const MOST_UNCOMMITTED: usize = 100_000;

/// Stores a block, which belongs to the blob when a list names it.
pub(super) async fn put(
    world: &World,
    call: &Call,
    access: &Access,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let id = call.query("blockid");
    let length = STANDARD.decode(id).map_or(0, |decoded| decoded.len());
    if !(1..=64).contains(&length) {
        return Err(BlobError::invalid_query(
            "blockid",
            id,
            "Not a valid base64 string.",
        ));
    }
    let storage = world.storage();
    check_kind(
        storage
            .blob(&call.account, &call.container, &call.blob)
            .ok()
            .as_ref(),
        Kind::Block,
    )?;
    let upload = storage.upload(&call.account, &call.container)?;
    let (mut segment, sums) = body::receive(call, upload, body, MOST).await?;
    if segment.size == 0 {
        return Err(BlobError::invalid_header("Content-Length", "0"));
    }
    segment.id = id.to_owned();
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, stamp| {
        check_kind(old, Kind::Block)?;
        check(
            access,
            &Conditions::default(),
            old.filter(|old| old.is_committed),
        )?;
        let fresh = || Blob::new(&call.blob, Kind::Block, stamp);
        let mut blob = old.cloned().unwrap_or_else(fresh);
        let is_of_other_length = |other: &Segment| other.id.len() != id.len();
        if blob.uncommitted.iter().any(is_of_other_length) {
            return Err(invalid_block());
        }
        if blob.uncommitted.len() >= MOST_UNCOMMITTED {
            return Err(BlobError::new(
                StatusCode::CONFLICT,
                "BlockCountExceedsLimit",
                "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.",
            ));
        }
        blob.uncommitted.retain(|other| other.id != id);
        blob.uncommitted.push(segment);
        Ok((
            Edit::Put(blob),
            received(Answer::new(StatusCode::CREATED), call, &sums),
        ))
    })
}

fn check_kind(blob: Option<&Blob>, kind: Kind) -> Result<(), BlobError> {
    match blob {
        Some(blob) if blob.kind != kind => Err(BlobError::wrong_blob_type()),
        _ => Ok(()),
    }
}

fn invalid_block() -> BlobError {
    BlobError::bad(
        "InvalidBlobOrBlock",
        "The specified blob or block content is invalid.",
    )
}

/// The checksums of what was received: the MD5 sum if the client sent one.
fn received(answer: Answer, call: &Call, sums: &Sums) -> Answer {
    let md5 = call.header("content-md5");
    let answer = match md5 {
        Some(md5) => answer.with("content-md5", md5),
        None => answer.with("x-ms-content-crc64", sums.crc64_text()),
    };
    answer.with("x-ms-request-server-encrypted", "true")
}

/// Where a block of a list is from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Committed,
    Uncommitted,
    /// The uncommitted one, else the committed one.
    Latest,
}

/// The blocks of a request's list.
fn parse(document: &[u8]) -> Result<Vec<(From, String)>, BlobError> {
    let mut blocks = Vec::new();
    for (path, id) in leaves(document)? {
        let from = match path.as_str() {
            "BlockList/Committed" => From::Committed,
            "BlockList/Uncommitted" => From::Uncommitted,
            "BlockList/Latest" => From::Latest,
            "BlockList" if id.trim().is_empty() => continue,
            _ => return Err(BlobError::invalid_xml()),
        };
        blocks.push((from, id.trim().to_owned()));
    }
    match blocks.len() > MOST_BLOCKS {
        true => Err(BlobError::bad(
            "BlockListTooLong",
            "The block list may not contain more than 50,000 blocks.",
        )),
        false => Ok(blocks),
    }
}

/// Makes a blob of blocks. Its other blocks are dropped.
pub(super) async fn commit(
    world: &World,
    call: &Call,
    access: &Access,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let document = body::document(body).await?;
    let sums = Sums::of(&document);
    body::check_sums(call, &sums)?;
    let wanted = parse(&document)?;
    let conditions = Conditions::of(call)?;
    let mut new = Draft::of(call)?;
    new.headers
        .content_type
        .get_or_insert_with(|| headers::BYTES.to_owned());
    let storage = world.storage();
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, stamp| {
        check_kind(old, Kind::Block)?;
        check(access, &conditions, old.filter(|old| old.is_committed))?;
        let (committed, uncommitted) = old.map_or((&[][..], &[][..]), |old| {
            (old.segments.as_slice(), old.uncommitted.as_slice())
        });
        let index = |blocks: &'_ [Segment]| {
            let all = blocks.iter().filter(|block| !block.id.is_empty());
            all.map(|block| (block.id.clone(), block.clone()))
                .collect::<std::collections::HashMap<_, _>>()
        };
        let (committed, uncommitted) = (index(committed), index(uncommitted));
        let find = |(from, id): &(From, String)| {
            let found = match from {
                From::Committed => committed.get(id),
                From::Uncommitted => uncommitted.get(id),
                From::Latest => uncommitted.get(id).or_else(|| committed.get(id)),
            };
            found.cloned().ok_or_else(|| {
                BlobError::bad("InvalidBlockList", "The specified block list is invalid.")
            })
        };
        let mut blob = Blob::new(&call.blob, Kind::Block, stamp);
        blob.segments = wanted.iter().map(find).collect::<Result<_, _>>()?;
        let before = old.filter(|old| old.is_committed);
        blob.created = before.map_or(stamp.time, |old| old.created);
        (blob.is_committed, blob.is_of_blocks) = (true, true);
        new.apply(&mut blob);
        let answer = tagged(StatusCode::CREATED, &blob.etag, blob.modified);
        Ok((Edit::Put(blob), received(answer, call, &sums)))
    })
}

/// The blocks of a blob.
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let (committed, uncommitted) = match call.query("blocklisttype") {
        "" | "committed" => (true, false),
        "uncommitted" => (false, true),
        "all" => (true, true),
        other => {
            return Err(BlobError::invalid_query(
                "blocklisttype",
                other,
                "Not one of its values.",
            ));
        }
    };
    let storage = world.storage();
    storage.edit_blob(&call.account, &call.container, &call.blob, |blob, _| {
        let blob = blob.ok_or(StorageError::BlobNotFound)?;
        check_kind(Some(blob), Kind::Block)?;
        let mut text = "<BlockList>".to_owned();
        for (name, blocks, is_wanted) in [
            ("CommittedBlocks", &blob.segments, committed),
            ("UncommittedBlocks", &blob.uncommitted, uncommitted),
        ] {
            if !is_wanted {
                continue;
            }
            let blocks = blocks.iter().filter(|block| !block.id.is_empty());
            let blocks: String = blocks.map(block).collect();
            match blocks.as_str() {
                "" => {
                    let _ = write!(text, "<{name} />");
                }
                blocks => {
                    let _ = write!(text, "<{name}>{blocks}</{name}>");
                }
            }
        }
        text.push_str("</BlockList>");
        let mut answer = Answer::xml(StatusCode::OK, &text)
            .with("x-ms-blob-content-length", blob.size().to_string());
        if blob.is_committed {
            answer = answer
                .with("etag", format!("\"{}\"", blob.etag))
                .with("last-modified", super::signature::http_date(blob.modified));
        }
        Ok((Edit::Keep, answer))
    })
}

fn block(block: &Segment) -> String {
    let (name, size) = (element("Name", &block.id), block.size);
    format!("<Block>{name}<Size>{size}</Size></Block>")
}

/// Adds a block to an append blob.
pub(super) async fn append(
    world: &World,
    call: &Call,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let conditions = Conditions::of(call)?;
    let number = |name: &str| match call.header(name) {
        None => Ok(None),
        Some(text) => match text.parse::<u64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(BlobError::invalid_header(name, text)),
        },
    };
    let position = number("x-ms-blob-condition-appendpos")?;
    let most = number("x-ms-blob-condition-maxsize")?;
    let storage = world.storage();
    let current = storage.blob(&call.account, &call.container, &call.blob)?;
    check_kind(Some(&current), Kind::Append)?;
    let upload = storage.upload(&call.account, &call.container)?;
    let (segment, sums) = body::receive(call, upload, body, MOST_APPENDED).await?;
    storage.edit_blob(&call.account, &call.container, &call.blob, |old, stamp| {
        let old = old.ok_or(StorageError::BlobNotFound)?;
        check_kind(Some(old), Kind::Append)?;
        conditions.check_write(Some((&old.etag, old.modified)))?;
        let size = old.size();
        let precondition =
            |code, message| BlobError::new(StatusCode::PRECONDITION_FAILED, code, message);
        if position.is_some_and(|position| position != size) {
            return Err(precondition(
                "AppendPositionConditionNotMet",
                "The append position condition specified was not met.",
            ));
        }
        if most.is_some_and(|most| size + segment.size > most) {
            return Err(precondition(
                "MaxBlobSizeConditionNotMet",
                "The max blob size condition specified was not met.",
            ));
        }
        if old.segments.len() >= MOST_BLOCKS {
            return Err(BlobError::new(
                StatusCode::CONFLICT,
                "BlockCountExceedsLimit",
                "The committed block count cannot exceed the maximum limit of 50,000 blocks.",
            ));
        }
        let mut new = old.stamped(stamp);
        new.segments.push(segment);
        let answer = tagged(StatusCode::CREATED, &new.etag, new.modified)
            .with("x-ms-blob-append-offset", size.to_string())
            .with(
                "x-ms-blob-committed-block-count",
                new.segments.len().to_string(),
            );
        Ok((Edit::Put(new), received(answer, call, &sums)))
    })
}
