//! The headers that a request gives a blob's content.

use super::call::Call;
use crate::storage::ContentHeaders;

/// Those of the headers `x-ms-blob-…`.
pub(super) fn of(call: &Call) -> ContentHeaders {
    let text = |name: &str| {
        let value = call.header(&format!("x-ms-blob-{name}"));
        value.filter(|value| !value.is_empty()).map(str::to_owned)
    };
    ContentHeaders {
        content_type: text("content-type"),
        content_encoding: text("content-encoding"),
        content_language: text("content-language"),
        content_disposition: text("content-disposition"),
        cache_control: text("cache-control"),
        content_md5: text("content-md5"),
    }
}

/// The type of content that no request says.
pub(super) const BYTES: &str = "application/octet-stream";

/// Takes what is missing from the request's own headers, as Put Blob does.
pub(super) fn fill_from_request(headers: &mut ContentHeaders, call: &Call) {
    for (value, name) in [
        (&mut headers.content_type, "content-type"),
        (&mut headers.content_encoding, "content-encoding"),
        (&mut headers.content_language, "content-language"),
        (&mut headers.cache_control, "cache-control"),
    ] {
        if value.is_none() {
            *value = call.header(name).map(str::to_owned);
        }
    }
    headers.content_type.get_or_insert_with(|| BYTES.to_owned());
}
