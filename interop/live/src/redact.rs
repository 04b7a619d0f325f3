//! What may be written: the shape of an answer, and texts that are known to name no one.
//!
//! A text is written as it is only if a recorded fact has the same text in the same place, or if it
//! is a code or a type. Every other text becomes what it is: `<guid>`, `<date>`, `<text>`. In the
//! message of an error, which is worth reading, everything is replaced that can name something:
//! what is quoted, ids, addresses, numbers, and what is known of this tenant.

use azcred::workspace::WorkspaceRef;
use azcred_recorded::{Difference, is_text};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// Members whose texts are codes, types, or this project's own words.
const CODES: &[&str] = &[
    "@odata.type",
    "chosen",
    "code",
    "credential",
    "error",
    "kind",
    "preset",
    "proof",
    "source",
    "status",
    "suberror",
    "type",
    "verdict",
];
/// Members whose texts are messages.
const MESSAGES: &[&str] = &["error_description", "message"];
/// Members whose members have names that someone chose.
const NAMED: &[&str] = &["tags", "userAssignedIdentities", "hiddenTags"];

/// What is known of a tenant, and replaces it.
pub(crate) struct Redaction {
    /// Each text in lower case, the longest first.
    known: Vec<(String, &'static str)>,
}

impl Redaction {
    /// `whoami` is the answer of `azcred whoami`.
    pub(crate) fn new(workspace: &WorkspaceRef, whoami: &Value) -> Self {
        let mut known = vec![
            (workspace.subscription().to_owned(), "<sub>"),
            (workspace.resource_group().to_owned(), "<rg>"),
            (workspace.name().to_owned(), "<workspace>"),
        ];
        for (name, instead) in [
            ("applicationId", "<application>"),
            ("name", "<name>"),
            ("objectId", "<user>"),
            ("tenantId", "<tenant>"),
            ("tenantName", "<tenant>"),
            ("userName", "<upn>"),
        ] {
            let text = whoami[name].as_str().filter(|text| !text.is_empty());
            known.extend(text.map(|text| (text.to_owned(), instead)));
        }
        for (text, _) in &mut known {
            *text = text.to_lowercase();
        }
        known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        Self { known }
    }

    /// A value that may be written. `recorded` is the value of a fact in the same place.
    pub(crate) fn value(&self, value: &Value, recorded: Option<&Value>) -> Value {
        self.member("", value, recorded)
    }

    fn member(&self, name: &str, value: &Value, recorded: Option<&Value>) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(_) if recorded == Some(value) || name == "error_codes" => value.clone(),
            Value::Number(_) => "number".into(),
            Value::String(text) => self.text(name, text, recorded).into(),
            Value::Array(items) => {
                let recorded = recorded
                    .and_then(Value::as_array)
                    .and_then(|all| all.first());
                let mut written = Vec::new();
                for item in items {
                    let item = self.member(name, item, recorded);
                    if !written.contains(&item) {
                        written.push(item);
                    }
                }
                written.into()
            }
            Value::Object(members) => {
                let all = members.iter().map(|(of, value)| {
                    let recorded = recorded.and_then(|recorded| recorded.get(of));
                    let may_be_written = recorded.is_some() || !NAMED.contains(&name);
                    let written = match may_be_written && is_member_name(of) {
                        true => of.clone(),
                        false => "<name>".to_owned(),
                    };
                    (written, self.member(of, value, recorded))
                });
                Value::Object(all.collect::<Map<_, _>>())
            }
        }
    }

    fn text(&self, name: &str, text: &str, recorded: Option<&Value>) -> String {
        match recorded {
            Some(Value::String(recorded)) if is_text(recorded, text) => return recorded.clone(),
            _ => {}
        }
        let is_code = text.len() <= 80
            && text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .all(|word| word.len() < 32)
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "#._-/".contains(c));
        // The id of a check: Azure's ids have digits and slashes.
        let is_check = name == "id" && text.chars().all(|c| c.is_ascii_alphabetic());
        let is_word = is_check || (CODES.contains(&name) && is_code);
        if text.is_empty() || (is_word && !self.has_known(text)) {
            text.to_owned()
        } else if MESSAGES.contains(&name) {
            self.message(text)
        } else if Uuid::try_parse(text).is_ok() {
            "<guid>".to_owned()
        } else if OffsetDateTime::parse(text, &Rfc3339).is_ok() {
            "<date>".to_owned()
        } else {
            "<text>".to_owned()
        }
    }

    fn has_known(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.known.iter().any(|(known, _)| text.contains(known))
    }

    /// A message without what names something.
    fn message(&self, text: &str) -> String {
        let text = self.without_known(&without_quoted(text));
        let mut written = String::new();
        let mut word = String::new();
        for c in text.chars().chain(['\n']) {
            if c.is_alphanumeric() || "-._@+<>".contains(c) {
                word.push(c);
                continue;
            }
            written.push_str(&instead_of(&word));
            word.clear();
            written.push(c);
        }
        written.pop();
        written
    }

    /// Names are found in any case.
    fn without_known(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (known, instead) in &self.known {
            let mut from = 0;
            while let Some(at) = find_in_any_case(&text[from..], known) {
                let at = from + at.start..from + at.end;
                from = at.start + instead.len();
                text.replace_range(at, instead);
            }
        }
        text
    }

    /// A difference that may be printed.
    pub(crate) fn difference(&self, found: &Difference) -> String {
        let mut of_named = false;
        let segments = found.at.split('/').map(|segment| {
            let is_chosen = std::mem::replace(&mut of_named, NAMED.contains(&segment));
            match is_chosen || !is_member_name(segment) {
                true => "<name>",
                false => segment,
            }
        });
        let at = segments.collect::<Vec<_>>().join("/");
        let name = found
            .at
            .rsplit('/')
            .find(|part| part.parse::<usize>().is_err());
        let ours = found.ours.as_ref().map(|ours| match ours {
            Value::Number(_) if at == "status" => ours.clone(),
            _ => self.member(name.unwrap_or_default(), ours, None),
        });
        let ours = ours.map_or_else(|| "absent".to_owned(), |ours| ours.to_string());
        format!("{at}: {} is {ours}", found.real)
    }
}

/// Whether the name of a member can be one of Azure's: a word, or an annotation of one.
fn is_member_name(name: &str) -> bool {
    name.len() <= 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "@._-".contains(c))
        && Uuid::try_parse(name).is_err()
}

fn without_quoted(text: &str) -> String {
    let mut written = String::new();
    let mut end = None;
    let mut before = ' ';
    for c in text.chars() {
        match end {
            Some(quote) if c == quote => end = None,
            Some(_) => continue,
            // Not the apostrophe of a word.
            None if c == '"' || (c == '\'' && !before.is_alphanumeric()) => {
                end = Some(c);
                written.push(c);
                written.push_str("<text>");
                before = c;
                continue;
            }
            None => {}
        }
        written.push(c);
        before = c;
    }
    written
}

fn instead_of(word: &str) -> String {
    let inner = word.trim_matches(['.', '-', '_']);
    let instead = if inner.contains('<') {
        return word.to_owned();
    } else if inner.contains('@') {
        "<upn>"
    } else if Uuid::try_parse(inner).is_ok() {
        "<guid>"
    } else if inner.len() >= 4 && inner.bytes().all(|b| b.is_ascii_digit()) {
        "<number>"
    } else if (inner.contains('.') && !inner.starts_with("Microsoft."))
        || inner.contains(['-', '_']) && inner.bytes().any(|b| b.is_ascii_digit())
        || inner.len() > 30
    {
        "<text>"
    } else {
        return word.to_owned();
    };
    word.replacen(inner, instead, 1)
}

fn find_in_any_case(text: &str, lower: &str) -> Option<std::ops::Range<usize>> {
    text.char_indices().find_map(|(at, _)| {
        let mut rest = text[at..].char_indices();
        let mut wanted = lower.chars();
        let mut next = wanted.next();
        while let Some(c) = next {
            let (_, ours) = rest.next()?;
            if !ours.to_lowercase().eq(c.to_lowercase()) {
                return None;
            }
            next = wanted.next();
        }
        let end = rest.next().map_or(text.len(), |(more, _)| at + more);
        Some(at..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redaction() -> Redaction {
        let id = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-Secret/providers/Microsoft.MachineLearningServices/workspaces/mlw-secret";
        let whoami = json!({"name": "Ada Lovelace", "userName": "ada@contoso.com", "tenantId": "c0a70500-0000-4000-8000-000000000001"});
        Redaction::new(&WorkspaceRef::from_resource_id(id).unwrap(), &whoami)
    }

    #[test]
    fn a_message_keeps_its_words_and_no_name() {
        for (message, written) in [
            (
                "Resource group 'rg-other' could not be found.",
                "Resource group '<text>' could not be found.",
            ),
            (
                "The group RG-SECRET of Ada Lovelace (ada@contoso.com) isn't there, see www.contoso.com: 123456.",
                "The group <rg> of <name> (<upn>) isn't there, see <text>: <number>.",
            ),
            (
                "The client 1b4e28ba-2fa1-4d2f-883f-0016d3cca427 lacks Microsoft.Resources/subscriptions/read",
                "The client <guid> lacks Microsoft.Resources/subscriptions/read",
            ),
            ("no end \"of a quotation", "no end \"<text>"),
            ("", ""),
        ] {
            assert_eq!(redaction().message(message), written);
        }
    }

    #[test]
    fn only_recorded_texts_codes_and_member_names_are_written() {
        let recorded =
            json!({"location": "<region>", "kept": "as recorded", "value": [{"name": "<name>"}]});
        let real = json!({
            "location": "westeurope",
            "kept": "as recorded",
            "id": "/subscriptions/5ec0ffee-0001-4000-8000-000000000001",
            "check": {"id": "signIn"},
            "value": [{"name": "one", "new": 7}, {"name": "two", "new": 8}],
            "tags": {"owner": "ada"},
            "identities": {"/subscriptions/x": {}},
            "error": {"code": "NotFound", "message": "'x' is not there"},
            "code": "mlw-secret",
            "when": "2026-01-01T00:00:00Z",
            "whose": "1b4e28ba-2fa1-4d2f-883f-0016d3cca427",
        });
        let written = redaction().value(&real, Some(&recorded));
        assert_eq!(
            written,
            json!({
                "location": "<region>",
                "kept": "as recorded",
                "id": "<text>",
                "check": {"id": "signIn"},
                "value": [{"name": "<name>", "new": "number"}],
                "tags": {"<name>": "<text>"},
                "identities": {"<name>": {}},
                "error": {"code": "NotFound", "message": "'<text>' is not there"},
                "code": "<text>",
                "when": "<date>",
                "whose": "<guid>",
            })
        );
    }

    #[test]
    fn a_difference_names_no_one() {
        let difference = |at: &str, ours: Value| Difference {
            at: at.to_owned(),
            real: "absent".into(),
            ours: Some(ours),
        };
        for (found, written) in [
            (
                difference("status", json!(404)),
                "status: \"absent\" is 404",
            ),
            (
                difference("/value/0/tags/owner", json!("ada")),
                "/value/0/tags/<name>: \"absent\" is \"<text>\"",
            ),
            (
                difference("/error/code", json!("NotFound")),
                "/error/code: \"absent\" is \"NotFound\"",
            ),
            (
                difference(
                    "x-ms-request-id",
                    json!("1b4e28ba-2fa1-4d2f-883f-0016d3cca427"),
                ),
                "x-ms-request-id: \"absent\" is \"<guid>\"",
            ),
        ] {
            assert_eq!(redaction().difference(&found), written);
        }
    }
}
