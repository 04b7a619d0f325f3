//! Get Blob and Get Blob Properties.

use super::{
    access::Access,
    answer::Answer,
    body,
    call::Call,
    conditions::Conditions,
    error::BlobError,
    range::{ByteRange, Wanted},
    signature::http_date,
    tagged,
};
use crate::{
    storage::{Blob, Kind, Sums},
    world::World,
};
use http::{Method, StatusCode};

/// The largest range whose checksum is computed.
const MOST_CHECKED: u64 = 4 * 1024 * 1024;

/// A blob's content, or only its headers.
pub(super) async fn get(world: &World, call: &Call, access: &Access) -> Result<Answer, BlobError> {
    let storage = world.storage();
    let blob = storage.blob(&call.account, &call.container, &call.blob)?;
    Conditions::of(call)?.check_read(&blob.etag, blob.modified)?;
    let size = blob.size();
    let range = call.header("x-ms-range").or_else(|| call.header("range"));
    let is_head = call.method == Method::HEAD;
    let wanted = match is_head {
        true => Wanted::All,
        false => Wanted::of(range, size),
    };
    let md5 = blob.headers.content_md5.as_deref();
    let answer = match wanted {
        Wanted::Unsatisfiable => {
            return Err(BlobError::new(
                StatusCode::RANGE_NOT_SATISFIABLE,
                "InvalidRange",
                "The range specified is invalid for the current size of the resource.",
            )
            .header("content-range", format!("bytes */{size}")));
        }
        Wanted::All => {
            let all = ByteRange {
                first: 0,
                length: size,
            };
            described(&blob, StatusCode::OK)
                .with("content-length", size.to_string())
                .with_some("content-md5", md5)
                .sending(&blob, all, is_head)
        }
        Wanted::Part(part) => {
            let last = part.first + part.length - 1;
            let answer = described(&blob, StatusCode::PARTIAL_CONTENT)
                .with("content-length", part.length.to_string())
                .with(
                    "content-range",
                    format!("bytes {}-{last}/{size}", part.first),
                )
                .with_some("x-ms-blob-content-md5", md5);
            checked(call, &blob, part, answer).await?
        }
    };
    Ok(overridden(answer, access))
}

/// The part, with its checksum if the client wants it.
async fn checked(
    call: &Call,
    blob: &Blob,
    part: ByteRange,
    answer: Answer,
) -> Result<Answer, BlobError> {
    let wants = |name: &str| {
        call.header(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    };
    let (md5, crc64) = (
        wants("x-ms-range-get-content-md5"),
        wants("x-ms-range-get-content-crc64"),
    );
    if !md5 && !crc64 {
        return Ok(answer.sending(blob, part, false));
    }
    if part.length > MOST_CHECKED {
        return Err(BlobError::bad(
            "OutOfRangeInput",
            "One of the request inputs is out of range.",
        ));
    }
    let bytes = body::read(blob, part).await?;
    let sums = Sums::of(&bytes);
    let mut answer = answer;
    *answer.0.body_mut() = bytes.into();
    Ok(answer
        .with_some("content-md5", md5.then(|| sums.md5_text()))
        .with_some("x-ms-content-crc64", crc64.then(|| sums.crc64_text())))
}

impl Answer {
    fn sending(mut self, blob: &Blob, range: ByteRange, is_head: bool) -> Self {
        if !is_head {
            *self.0.body_mut() = body::send(blob, range);
        }
        self
    }
}

/// The headers that a blob's content, properties and metadata have.
pub(super) fn described(blob: &Blob, status: StatusCode) -> Answer {
    let headers = &blob.headers;
    let mut answer = tagged(status, &blob.etag, blob.modified)
        .with("accept-ranges", "bytes")
        .with_some("content-type", headers.content_type.as_ref())
        .with_some("content-encoding", headers.content_encoding.as_ref())
        .with_some("content-language", headers.content_language.as_ref())
        .with_some("content-disposition", headers.content_disposition.as_ref())
        .with_some("cache-control", headers.cache_control.as_ref())
        .with("x-ms-blob-type", blob.kind.name())
        .with("x-ms-creation-time", http_date(blob.created))
        .with("x-ms-lease-status", "unlocked")
        .with("x-ms-lease-state", "available")
        .with("x-ms-server-encrypted", "true");
    answer = match blob.kind {
        Kind::Block => answer
            .with("x-ms-access-tier", blob.tier.as_deref().unwrap_or("Hot"))
            .with_some(
                "x-ms-access-tier-inferred",
                blob.tier.is_none().then_some("true"),
            ),
        Kind::Append => answer.with(
            "x-ms-blob-committed-block-count",
            blob.segments.len().to_string(),
        ),
    };
    if let Some(copy) = &blob.copy {
        let size = blob.size();
        answer = answer
            .with("x-ms-copy-id", &copy.id)
            .with("x-ms-copy-source", &copy.source)
            .with("x-ms-copy-status", "success")
            .with("x-ms-copy-progress", format!("{size}/{size}"))
            .with("x-ms-copy-completion-time", http_date(copy.completed));
    }
    if !blob.tags.is_empty() {
        answer = answer.with("x-ms-tag-count", blob.tags.len().to_string());
    }
    for (name, value) in &blob.metadata {
        answer = answer.with(&format!("x-ms-meta-{name}"), value);
    }
    answer
}

/// The headers that a signature sets in place of the blob's.
fn overridden(mut answer: Answer, access: &Access) -> Answer {
    for (field, header) in [
        ("rscc", "cache-control"),
        ("rscd", "content-disposition"),
        ("rsce", "content-encoding"),
        ("rscl", "content-language"),
        ("rsct", "content-type"),
    ] {
        let value = access.sas.as_ref().map(|sas| sas.get(field));
        answer = answer.with_some(header, value.filter(|value| !value.is_empty()));
    }
    answer
}
