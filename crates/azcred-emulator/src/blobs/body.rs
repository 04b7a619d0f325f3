//! Bodies: received to disk, read into memory, dropped, and streamed from disk.

use super::{call::Call, error::BlobError, range::ByteRange};
use crate::storage::{Blob, Content, Segment, StorageError, Sums, Upload};
use axum::body::{Body, Bytes, HttpBody as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::stream;
use http::StatusCode;
use std::{collections::VecDeque, future::poll_fn, io, pin::Pin, sync::Arc, time::Duration};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};

/// The longest pause inside a request's body.
const PAUSE: Duration = Duration::from_secs(60);
/// How much is written, and read, at once.
const CHUNK: usize = 256 * 1024;
/// The largest document in a request: a list of 50,000 blocks.
const DOCUMENT: usize = 8 * 1024 * 1024;
/// How much is read of a body that nothing needs.
const MOST_DRAINED: usize = 256 * 1024 * 1024;

/// Writes a request's body to disk, and compares its checksums with those in the headers.
pub(super) async fn receive(
    call: &Call,
    mut upload: Upload,
    body: &mut Body,
    most: u64,
) -> Result<(Segment, Sums), BlobError> {
    let too_large = || {
        BlobError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestBodyTooLarge",
            "The request body is too large and exceeds the maximum permissible limit.",
        )
        .detail("MaxLimit", most.to_string())
    };
    let announced = match call.header("content-length") {
        Some(length) => length
            .parse::<u64>()
            .map_err(|_| BlobError::invalid_header("Content-Length", length))?,
        None => {
            return Err(BlobError::new(
                StatusCode::LENGTH_REQUIRED,
                "MissingContentLengthHeader",
                "Content-Length HTTP header was not specified.",
            ));
        }
    };
    if announced > most {
        return Err(too_large());
    }
    if call.header("x-ms-structured-body").is_some() {
        let what = format!("{} with x-ms-structured-body", call.path);
        return Err(BlobError::not_served(call.method.as_str(), &what));
    }
    let mut waiting: Vec<u8> = Vec::new();
    while let Some(chunk) = next(body).await? {
        waiting.extend_from_slice(&chunk);
        if waiting.len() >= CHUNK {
            upload = write(upload, std::mem::take(&mut waiting)).await?;
        }
    }
    let upload = write(upload, waiting).await?;
    let (segment, sums) = blocking(move || upload.finish_now()).await?;
    if segment.size != announced {
        return Err(BlobError::bad(
            "IncompleteBody",
            "The request body ended early.",
        ));
    }
    check_sums(call, &sums)?;
    Ok((segment, sums))
}

async fn write(mut upload: Upload, bytes: Vec<u8>) -> Result<Upload, BlobError> {
    blocking(move || upload.write_now(&bytes).map(|()| upload)).await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
    Ok(done.map_err(StorageError::from)?)
}

/// The next piece of a request's body.
async fn next(body: &mut Body) -> Result<Option<Bytes>, BlobError> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx));
    match tokio::time::timeout(PAUSE, frame).await {
        Ok(None) => Ok(None),
        // Trailers are no content.
        Ok(Some(Ok(frame))) => Ok(Some(frame.into_data().unwrap_or_default())),
        // The client has gone.
        Ok(Some(Err(_))) => Err(BlobError::bad(
            "IncompleteBody",
            "The request body ended early.",
        )),
        Err(_) => Err(BlobError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "OperationTimedOut",
            "Operation could not be completed within the specified time.",
        )),
    }
}

/// Compares checksums with those in a request's headers.
pub(super) fn check_sums(call: &Call, sums: &Sums) -> Result<(), BlobError> {
    if let Some(given) = call.header("content-md5") {
        let decoded = STANDARD.decode(given).ok();
        let Some(decoded) = decoded.filter(|sum| sum.len() == 16) else {
            return Err(BlobError::bad(
                "InvalidMd5",
                "The MD5 value specified in the request is invalid. MD5 value must be 128 bits and base64 encoded.",
            ));
        };
        if decoded != sums.md5 {
            return Err(BlobError::bad(
                "Md5Mismatch",
                "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
            )
            .detail("UserSpecifiedMd5", given)
            .detail("ServerCalculatedMd5", sums.md5_text()));
        }
    }
    match call.header("x-ms-content-crc64") {
        Some(given) if given != sums.crc64_text() => Err(BlobError::bad(
            "Crc64Mismatch",
            "The CRC64 value specified in the request did not match with the CRC64 value calculated by the server.",
        )
        .detail("UserSpecifiedCrc64", given)
        .detail("ServerCalculatedCrc64", sums.crc64_text())),
        _ => Ok(()),
    }
}

/// Reads a document.
pub(super) async fn document(body: &mut Body) -> Result<Vec<u8>, BlobError> {
    let mut all = Vec::new();
    while let Some(chunk) = next(body).await? {
        all.extend_from_slice(&chunk);
        if all.len() > DOCUMENT {
            return Err(BlobError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestBodyTooLarge",
                "The request body is too large and exceeds the maximum permissible limit.",
            ));
        }
    }
    Ok(all)
}

/// Reads what is left of a body.
pub(super) async fn drain(body: &mut Body) {
    let mut read = 0;
    while let Ok(Some(chunk)) = next(body).await {
        read += chunk.len();
        if read > MOST_DRAINED {
            return;
        }
    }
}

/// A part of a blob's content, which is read from disk while it is sent.
pub(super) fn send(blob: &Blob, range: ByteRange) -> Body {
    let parts = parts(blob, range);
    let reading = stream::try_unfold((parts, None), |(mut parts, open)| async move {
        let (mut file, left) = match open {
            Some(open) => open,
            None => match parts.pop_front() {
                None => return Ok(None),
                Some(part) => part.open().await?,
            },
        };
        let wanted = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let mut buffer = vec![0; wanted];
        let read = file.file.read(&mut buffer).await?;
        if read == 0 {
            // Less than the record says.
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        buffer.truncate(read);
        let left = left - read as u64;
        let open = (left > 0).then_some((file, left));
        Ok(Some((Bytes::from(buffer), (parts, open))))
    });
    Body::from_stream(reading)
}

/// A part of a piece of content.
struct Part {
    content: Arc<Content>,
    first: u64,
    length: u64,
}

/// An open piece: its file stays while it is read.
struct Open {
    file: File,
    #[expect(dead_code, reason = "held for its file")]
    content: Arc<Content>,
}

impl Part {
    async fn open(self) -> io::Result<(Open, u64)> {
        let mut file = File::open(self.content.path()).await?;
        file.seek(io::SeekFrom::Start(self.first)).await?;
        let open = Open {
            file,
            content: self.content,
        };
        Ok((open, self.length))
    }
}

/// The parts of a blob's pieces that are in a range. None is empty.
fn parts(blob: &Blob, range: ByteRange) -> VecDeque<Part> {
    let mut parts = VecDeque::new();
    let (mut skip, mut left) = (range.first, range.length);
    for segment in &blob.segments {
        if skip >= segment.size {
            skip -= segment.size;
            continue;
        }
        let length = (segment.size - skip).min(left);
        if length == 0 {
            break;
        }
        parts.push_back(Part {
            content: segment.content.clone(),
            first: skip,
            length,
        });
        (skip, left) = (0, left - length);
    }
    parts
}

/// A part of a blob's content, in memory.
pub(super) async fn read(blob: &Blob, range: ByteRange) -> Result<Bytes, BlobError> {
    let most = usize::try_from(range.length).unwrap_or(usize::MAX);
    let read = axum::body::to_bytes(send(blob, range), most).await;
    read.map_err(|error| StorageError::Io(io::Error::other(error)).into())
}
