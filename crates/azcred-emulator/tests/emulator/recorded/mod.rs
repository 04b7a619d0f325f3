//! Facts from recorded conversations with Azure, held against the emulator: `interop/recorded`.
//!
//! Each line is one answer of the real service. What a client can branch on is compared: status,
//! error, codes, the message's template, keys, what is absent, and headers that SDKs read. One file
//! here belongs to one file of facts: it makes the situation of each line, and sends its request.

mod arm;
mod entra;

use crate::common::Reply;
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// Compares each line of a file of facts with the emulator. `differences` is `None` for a line that
/// is not held yet. The number of these may only be lowered.
async fn hold(
    facts: &str,
    not_held: usize,
    mut differences: impl AsyncFnMut(&Value) -> Option<Vec<String>>,
) {
    let (mut wrong, mut left) = (Vec::new(), 0);
    for (n, line) in facts.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["superseded"] == true {
            continue;
        }
        match differences(&line).await {
            None => left += 1,
            Some(found) => {
                wrong.extend(found.iter().map(|what| format!("line {}: {what}", n + 1)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(left, not_held, "lines that are not held");
}

/// What differs between a line and an answer: status, headers, and the whole body.
fn differences(line: &Value, got: &Reply) -> Vec<String> {
    let mut all = Vec::new();
    if line["status"] != got.status {
        all.push(format!(
            "status: {} is {}: {}",
            line["status"], got.status, got.body
        ));
    }
    all.extend(header_differences(line, got));
    shape("", &line["response"], Some(&got.body), &mut all);
    all
}

/// What differs in the headers that a line names. `null` is a header that is not there, and
/// `<NAME>` the value of our header of that name.
fn header_differences(line: &Value, got: &Reply) -> Vec<String> {
    let headers = line["headers"].as_object().into_iter().flatten();
    headers
        .filter_map(|(name, real)| {
            let ours = header(got, name);
            let is_same = match real.as_str() {
                None => ours.is_none(),
                Some(template) => {
                    let template =
                        got.headers
                            .iter()
                            .fold(template.to_owned(), |text, (name, value)| {
                                text.replace(
                                    &format!("<{name}>"),
                                    value.to_str().unwrap_or_default(),
                                )
                            });
                    ours.is_some_and(|ours| is_text(&template, ours))
                }
            };
            (!is_same).then(|| format!("{name}: {real} is {ours:?}"))
        })
        .collect()
}

fn header<'a>(got: &'a Reply, name: &str) -> Option<&'a str> {
    got.headers.get(name)?.to_str().ok()
}

/// What differs between a recorded value and ours, member by member.
///
/// - An object has the same members, except with a member `…`: then it may have more.
/// - Each item of a list is like one of the recorded ones. A recorded `[]` stays empty.
/// - A text can be a template: see [`is_text`]. `absent` is a member that is not there, `number` is
///   any number, and `<list>` any list. `<… or null>` and `<… or absent>` say what else may be.
fn shape(at: &str, real: &Value, ours: Option<&Value>, all: &mut Vec<String>) {
    let mut differs = || {
        let ours = ours.map_or_else(|| "absent".to_owned(), Value::to_string);
        all.push(format!("{at}: {real} is {ours}"));
    };
    match (real, ours) {
        (Value::String(real), None) if real == "absent" || real.ends_with(" or absent>") => {}
        // An empty body.
        (Value::String(real), Some(Value::Null)) if real.is_empty() => {}
        (Value::String(real), Some(Value::Number(_))) if real == "number" => {}
        (Value::String(real), Some(Value::Null)) if real.ends_with(" or null>") => {}
        (Value::String(real), Some(Value::Array(_))) if real == "<list>" => {}
        (Value::String(real), Some(Value::String(ours))) if is_text(real, ours) => {}
        (Value::Object(real), Some(Value::Object(ours))) => {
            for (name, real) in real.iter().filter(|(name, _)| *name != "…") {
                shape(&format!("{at}/{name}"), real, ours.get(name), all);
            }
            let more = ours.iter().filter(|(name, _)| !real.contains_key(*name));
            if !real.contains_key("…") {
                all.extend(more.map(|(name, ours)| format!("{at}/{name}: absent is {ours}")));
            }
        }
        (Value::Array(real), Some(Value::Array(ours))) if real.is_empty() == ours.is_empty() => {
            for (n, ours) in ours.iter().enumerate() {
                let closest = real.iter().map(|real| {
                    let mut found = Vec::new();
                    shape(&format!("{at}/{n}"), real, Some(ours), &mut found);
                    found
                });
                all.extend(closest.min_by_key(Vec::len).into_iter().flatten());
            }
        }
        (real, Some(ours)) if real == ours => {}
        _ => differs(),
    }
}

/// Whether a text is what a template says. `<guid>` and `<date>` as a whole text, or with more
/// words in them, are a GUID and a time with at most seven decimals. Other ones: see [`fits`].
fn is_text(template: &str, text: &str) -> bool {
    let whole = template
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'))
        .filter(|rest| !rest.contains('<'));
    let kind = whole.map(|rest| rest.split([':', ',', ' ']).next().unwrap_or_default());
    match kind {
        _ if text.is_empty() && template.ends_with(" or empty>") => true,
        Some("guid") => text.len() == 36 && text.parse::<Uuid>().is_ok(),
        Some("date") => {
            let decimals = text.split_once('.').map_or("", |(_, rest)| rest);
            OffsetDateTime::parse(text, &Rfc3339).is_ok()
                && decimals.bytes().filter(u8::is_ascii_digit).count() <= 7
        }
        Some("number") => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => fits(template, text),
    }
}

/// Whether a text is what a template says: each `<…>` and `…` stands for any text.
fn fits(template: &str, text: &str) -> bool {
    let mut fixed = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find(['<', '…']) {
        let (before, from) = rest.split_at(at);
        fixed.push(before);
        let end = if from.starts_with('<') { '>' } else { '…' };
        let Some((_, after)) = from.split_once(end) else {
            break;
        };
        rest = after;
    }
    fixed.push(rest);
    let last = fixed.len() - 1;
    let mut text = text;
    for (n, part) in fixed.iter().enumerate() {
        let at = match n {
            0 => text.starts_with(part).then_some(0),
            _ if n == last => text.ends_with(part).then(|| text.len() - part.len()),
            _ => text.find(part),
        };
        match at {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    fixed.len() > 1 || text.is_empty()
}

#[test]
fn what_stands_for_any_text_is_told_from_what_does_not() {
    for (template, text, is) in [
        ("a <x> b", "a anything b", true),
        ("a <x> b", "a anything c", false),
        ("a … c", "a b c", true),
        ("a", "a", true),
        ("a", "ab", false),
        ("<x>", "", true),
        ("a '<x>'('<y>') b", "a '1'('2') b", true),
    ] {
        assert_eq!(fits(template, text), is, "{template:?} {text:?}");
    }
}

#[test]
fn each_difference_of_a_body_is_found() {
    use serde_json::json;
    let real = json!({
        "a": "<guid>", "b": null, "c": "<name or null>", "d": "absent", "e": "number",
        "f": [{"g": "<date>"}, {"g": 1}], "h": [], "i": {"j": true, "…": "more"},
    });
    let ours = json!({
        "a": "c0a70500-0000-4000-8000-000000000001", "b": null, "c": null, "e": 7,
        "f": [{"g": "2026-01-01T00:00:00.1234567Z"}, {"g": 1}, {"g": 1}], "h": [],
        "i": {"j": true, "k": 1},
    });
    let of = |ours: &Value| {
        let mut all = Vec::new();
        shape("", &real, Some(ours), &mut all);
        all
    };
    assert_eq!(of(&ours), Vec::<String>::new());
    for (at, value) in [
        ("/a", json!("c0a70500")),
        ("/b", json!("x")),
        ("/c", json!(1)),
        ("/d", json!(null)),
        ("/e", json!("7")),
        ("/f", json!([])),
        ("/f", json!([{"g": "2026-01-01T00:00:00.12345678Z"}])),
        ("/h", json!([1])),
        ("/i", json!({"k": 1})),
        ("/z", json!(1)),
    ] {
        let mut changed = ours.clone();
        changed[&at[1..]] = value;
        let found = of(&changed);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(at), "{found:?}");
    }
}
