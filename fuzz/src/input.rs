//! From a fuzzer's bytes to what a target reads. The forms are text, so that a corpus can be read.

use crate::oracle::{SECRET, dresses, has_piece_of_secret};
use azcred::fuzz::CannedResponse;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// The line between the parts of an input.
const BETWEEN: &[u8] = b"%%\n";

/// The parts of an input, between lines of `%%`.
pub(crate) fn parts(data: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut start = 0;
    for line in lines(data) {
        if &data[line.clone()] == BETWEEN {
            parts.push(&data[start..line.start]);
            start = line.end;
        }
    }
    parts.push(&data[start..]);
    parts
}

/// The first line without its end, and the rest.
pub(crate) fn head(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (data, b""),
    }
}

fn lines(data: &[u8]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &data[start..];
        let length = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if rest.is_empty() => return None,
            None => rest.len(),
        };
        let line = start..start + length;
        start = line.end;
        Some(line)
    })
}

/// Text, as far as the bytes are UTF-8.
pub(crate) fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

/// A response: its status, headers, an empty line, and the body.
pub(crate) fn response(part: &[u8]) -> CannedResponse {
    let (status, mut rest) = head(part);
    let mut headers = Vec::new();
    loop {
        let (line, after) = head(rest);
        rest = after;
        if line.is_empty() {
            break;
        }
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let value = line[colon + 1..].trim_ascii().to_vec();
            headers.push((text(&line[..colon]), value));
        }
    }
    CannedResponse {
        status: text(status).trim().parse().unwrap_or(200),
        headers,
        body: rest.to_vec(),
    }
}

/// Responses between lines of `%%`.
pub(crate) fn responses(data: &[u8]) -> Vec<CannedResponse> {
    parts(data).into_iter().take(8).map(response).collect()
}

/// The input with [`SECRET`] in it, as if the other side repeated what it was sent. The last three
/// bytes say where and in which form. `None` if a piece of the secret is there already.
pub(crate) fn planted(data: &[u8]) -> Option<Vec<u8>> {
    planted_within(data, data.len())
}

/// As [`planted`], in the first bytes only: what follows them is from a party that was not sent the
/// secret.
pub(crate) fn planted_within(data: &[u8], length: usize) -> Option<Vec<u8>> {
    if has_piece_of_secret(data) {
        return None;
    }
    let (data, [form, high, low]) = data.split_last_chunk()?;
    let forms = dresses(SECRET);
    let form = &forms[usize::from(*form) % forms.len()];
    let length = length.min(data.len());
    let at = usize::from(u16::from_be_bytes([*high, *low])) % (length + 1);
    Some([&data[..at], form.as_bytes(), &data[at..]].concat())
}

/// The input with a text in it. The last two bytes say where.
pub(crate) fn with_text(data: &[u8], text: &str) -> Option<Vec<u8>> {
    if has_piece_of_secret(data) {
        return None;
    }
    let (data, place) = data.split_last_chunk()?;
    let at = usize::from(u16::from_be_bytes(*place)) % (data.len() + 1);
    Some([&data[..at], text.as_bytes(), &data[at..]].concat())
}

/// The input with JSON web tokens for claims: `@{…}@` becomes a token with these claims.
pub(crate) fn with_tokens(data: &[u8]) -> Vec<u8> {
    let find = |data: &[u8], mark: &[u8]| data.windows(2).position(|pair| pair == mark);
    let mut whole = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some(start) = find(rest, b"@{") {
        let Some(end) = find(&rest[start..], b"}@") else {
            break;
        };
        let claims = &rest[start + 1..=start + end];
        whole.extend_from_slice(&rest[..start]);
        whole.extend_from_slice(b"h.");
        whole.extend_from_slice(URL_SAFE_NO_PAD.encode(claims).as_bytes());
        whole.extend_from_slice(b".s");
        rest = &rest[start + end + 2..];
    }
    whole.extend_from_slice(rest);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_split_at_its_lines() {
        assert_eq!(
            parts(b"a\nb\n%%\n\n%%\nc"),
            [b"a\nb\n".as_slice(), b"\n", b"c"]
        );
        assert_eq!(parts(b""), [b"".as_slice()]);
    }

    #[test]
    fn a_response_has_a_status_headers_and_a_body() {
        let read = response(b"401\nContent-Type: text/html\n\n<p>\n");
        assert_eq!(read.status, 401);
        assert_eq!(
            read.headers,
            [("Content-Type".to_owned(), b"text/html".to_vec())]
        );
        assert_eq!(read.body, b"<p>\n");
        assert_eq!(response(b"").status, 200);
    }

    #[test]
    fn claims_become_a_token() {
        let read = with_tokens(b"a@{\"a\":1}@b@{");
        assert_eq!(text(&read), "ah.eyJhIjoxfQ.sb@{");
    }

    #[test]
    fn the_secret_is_planted_once_where_the_last_bytes_say() {
        let planted = |data: &[u8]| super::planted(data).map(|data| text(&data));
        assert_eq!(planted(b"ab\0\0\x01"), Some(format!("a{SECRET}b")));
        assert_eq!(planted(SECRET.as_bytes()), None);
        assert_eq!(planted(b"ab"), None);
    }
}
