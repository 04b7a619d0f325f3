//! The emulator's services end to end: requests through its routers, in a row.

use crate::{input, machine::answered, oracle};
use azcred_emulator::{Seed, fuzz::Local};
use http::{Request, Response};
use std::collections::BTreeMap;

/// The most requests of one input.
const MOST: usize = 12;

/// Steps between lines of `%%`. A step is a request (`POST login /path`, headers, an empty line, a
/// body), or `sign` or `mint` with claims. `{name}` is what an earlier response returned by that
/// name: a member of its JSON, a hidden field of its form, or a parameter of its `Location`.
/// `{signed}` and `{minted}` are the last tokens.
pub(super) fn run(data: &[u8]) {
    let local = Local::start(&Seed::Default, None).expect("the default seed");
    let mut known = BTreeMap::new();
    for (app_id, secret) in local.secrets() {
        let name = match app_id.to_string().as_str() {
            "a0000001-0000-4000-8000-000000000001" => "secret",
            // It may read the directory.
            "a0000001-0000-4000-8000-000000000009" => "contributor",
            _ => continue,
        };
        known.insert(name.to_owned(), secret);
    }
    answered(Vec::new(), async {
        for step in input::parts(data).into_iter().take(MOST) {
            run_step(&local, step, &mut known).await;
        }
    });
}

async fn run_step(local: &Local, step: &[u8], known: &mut BTreeMap<String, String>) {
    let step = filled(&input::text(step), known);
    let (head, rest) = step.split_once('\n').unwrap_or((&step, ""));
    if let "sign" | "mint" = head {
        let Ok(claims) = serde_json::from_str(rest) else {
            return;
        };
        let (name, token) = match head {
            "sign" => ("signed", local.assertion(&claims)),
            _ => ("minted", local.federated_token(&claims)),
        };
        known.extend(token.map(|token| (name.to_owned(), token)));
        return;
    }
    let mut words = head.split(' ');
    let (Some(method), Some(to), Some(path)) = (words.next(), words.next(), words.next()) else {
        return;
    };
    let (headers, body) = match rest.strip_prefix('\n') {
        Some(body) => ("", body),
        None => rest.split_once("\n\n").unwrap_or((rest, "")),
    };
    let mut request = Request::builder().method(method).uri(path);
    let mut has_host = false;
    for line in headers.lines() {
        if let Some((name, value)) = line.split_once(':') {
            has_host |= name.eq_ignore_ascii_case("host");
            request = request.header(name.trim(), value.trim());
        }
    }
    if !has_host {
        let host = if to.contains('.') { to } else { "localhost" };
        request = request.header("host", host);
    }
    // An editor ends a text with a line end, and a form has none.
    let body = body.strip_suffix('\n').unwrap_or(body);
    let Ok(request) = request.body(body.as_bytes().to_vec()) else {
        return;
    };
    if let Some(response) = local.send(to, request).await {
        check(&response);
        learn(&response, known);
    }
}

/// Checks a response, whatever was requested.
pub(super) fn check(response: &Response<Vec<u8>>) {
    assert_ne!(response.status(), 500, "{}", input::text(response.body()));
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        value.to_str().ok()
    };
    let kind = header("content-type").unwrap_or_default();
    if kind.starts_with("text/html") {
        oracle::has_no_markup(&input::text(response.body()));
        let policy = header("content-security-policy").unwrap_or_default();
        assert!(
            policy.contains("default-src 'none'"),
            "a page without a policy"
        );
    }
    if kind.starts_with("application/json") && !response.body().is_empty() {
        let read = serde_json::from_slice::<serde_json::Value>(response.body());
        assert!(read.is_ok(), "not JSON: {}", input::text(response.body()));
    }
}

/// The text with what is known in the place of names.
fn filled(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in known {
        let place = format!("{{{name}}}");
        if text.contains(&place) {
            text = text.replace(&place, value);
        }
    }
    text
}

fn learn(response: &Response<Vec<u8>>, known: &mut BTreeMap<String, String>) {
    let location = response.headers().get("location");
    let location = location.and_then(|value| value.to_str().ok());
    if let Some(url) = location.and_then(|text| url::Url::parse(text).ok()) {
        for (name, value) in url.query_pairs() {
            known.insert(name.into_owned(), encoded(&value));
        }
    }
    for cookie in response.headers().get_all("set-cookie") {
        if let Some((pair, _)) = cookie.to_str().ok().and_then(|text| text.split_once(';')) {
            known.insert("cookie".to_owned(), pair.to_owned());
        }
    }
    if let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(response.body()) {
        for (name, value) in members {
            if let serde_json::Value::String(value) = value {
                known.insert(name, encoded(&value));
            }
        }
    }
    let body = input::text(response.body());
    for field in body.split("<input type=\"hidden\" name=\"").skip(1) {
        let value = field.split_once("\" value=\"");
        if let Some((name, rest)) = value {
            let value = rest.split('"').next().unwrap_or_default();
            known.insert(name.to_owned(), encoded(value));
        }
    }
}

/// A value as a form or a query has it.
fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
