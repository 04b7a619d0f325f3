//! Reads the output of developer tools: a token and its end, or Entra ID's error.

use crate::{expiry, facts::Refusal, system::Finished, tenant::TenantId, untrusted::printable};
use serde::{Deserialize, de::IgnoredAny};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// A longer word is a token or a key, and is removed from sentences.
const LONGEST_WORD: usize = 64;

/// When a token ends, as far as the tool says, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// The tool's seconds.
    pub(super) epoch: Option<i64>,
    /// The tool's date. It may be in local time.
    pub(super) date: Option<i64>,
}

impl Times {
    /// When `token` ends: by the tool's seconds, or else by the token's claim, or else by the
    /// tool's date.
    pub(super) fn resolve(self, token: &str) -> Option<SystemTime> {
        let seconds = self.epoch.or_else(|| expiry::claim(token)).or(self.date)?;
        let seconds = u64::try_from(seconds).unwrap_or_default();
        // Later than any token, and within a clock's range.
        let is_possible = seconds < 1 << 34;
        is_possible.then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }
}

/// Whether a text can be a token in a header (RFC 6750 section 2.1).
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An output as text: UTF-8, or UTF-16 with a mark as Windows' shells write it, without byte order
/// marks and without the codes that colour a terminal. `None` for other bytes.
pub(super) fn text(output: &[u8]) -> Option<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::with_capacity(output.len()));
    let units = match output {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes as _)),
        _ => None,
    };
    match units {
        Some((rest, unit)) => {
            let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
            for one in char::decode_utf16(units) {
                text.push(one.ok()?);
            }
        }
        None => text.push_str(std::str::from_utf8(output).ok()?),
    }
    if text.contains([ESCAPE, MARK]) {
        return Some(plain(&text));
    }
    Some(text)
}

const ESCAPE: char = '\u{1b}';
const MARK: char = '\u{feff}';

/// A text without escape sequences (ECMA-48 section 5.4: `ESC [ … m`; commands of terminals: `ESC ]
/// … BEL`) and byte order marks.
fn plain(text: &str) -> Zeroizing<String> {
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    let mut chars = text.chars();
    while let Some(one) = chars.next() {
        match one {
            MARK => {}
            ESCAPE => match chars.next() {
                Some('[') => {
                    chars.find(|c| ('@'..='~').contains(c));
                }
                // It ends with BEL, or with ESC and a backslash.
                Some(']') => {
                    let end = chars.find(|c| ['\u{7}', ESCAPE].contains(c));
                    let _backslash = end.filter(|end| *end == ESCAPE).and_then(|_| chars.next());
                }
                _ => {}
            },
            one => kept.push(one),
        }
    }
    kept
}

/// The one JSON object in a tool's output that `read` takes. Tools print warnings and news before
/// and after it, and log lines that are objects too.
///
/// # Errors
/// Describes the output if no object or several are taken.
pub(super) fn the_object<'a, T: Deserialize<'a>>(
    text: &'a str,
    is_taken: fn(&T) -> bool,
) -> Result<T, String> {
    let mut found = None;
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        rest = &rest[start..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
        let Some(Ok(_)) = values.next() else {
            rest = &rest[1..];
            continue;
        };
        let (object, after) = rest.split_at(values.byte_offset());
        rest = after;
        let Ok(one) = serde_json::from_str::<T>(object) else {
            continue;
        };
        if !is_taken(&one) {
            continue;
        }
        if found.replace(one).is_some() {
            return Err("several JSON objects with a token".to_owned());
        }
    }
    found.ok_or_else(|| shape(text.as_bytes()))
}

/// Describes an output without a token in a few words, and repeats none of it.
pub(super) fn shape(output: &[u8]) -> String {
    let body = output.trim_ascii_start();
    if body.is_empty() {
        "nothing".to_owned()
    } else if body.starts_with(b"<") {
        "a web page".to_owned()
    } else if body.starts_with(b"{")
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
    {
        "JSON without a token".to_owned()
    } else if body.starts_with(b"{") {
        "damaged JSON, or JSON with something after it".to_owned()
    } else {
        "something that is not JSON".to_owned()
    }
}

/// Both streams as text, without the codes that colour a terminal. Python and Go print UTF-8; no
/// known phrase has other bytes.
pub(super) fn said(finished: &Finished) -> Zeroizing<String> {
    let mut said = Zeroizing::new(String::with_capacity(
        (finished.stdout.len() + finished.stderr.len()) * 3 + 1,
    ));
    for stream in [&finished.stderr, &finished.stdout] {
        for chunk in stream.utf8_chunks() {
            said.push_str(chunk.valid());
        }
        said.push('\n');
    }
    match said.contains(ESCAPE) {
        true => plain(&said),
        false => said,
    }
}

/// Entra ID's error in a tool's output.
pub(super) fn refusal(said: &str) -> Option<Refusal> {
    const MARK: &str = "AADSTS";
    let (place, code) = said.match_indices(MARK).find_map(|(place, _)| {
        let digits: String = said[place + MARK.len()..]
            .chars()
            .take(10)
            .take_while(char::is_ascii_digit)
            .collect();
        Some((place, digits.parse().ok()?))
    })?;
    let rest = &said[place..];
    let line = rest.lines().next().unwrap_or_default();
    // In azd's JSON, line breaks are escaped.
    let line = line.split("\\r").next().unwrap_or_default();
    let line = line.split("\\n").next().unwrap_or_default();
    let sentence = line.split(" Trace ID:").next().unwrap_or_default();
    let mut refusal = Refusal {
        code: Some(code),
        error: word_after(rest, "(error code: ", 40)
            .filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
            .unwrap_or_default(),
        description: printable(&without_tokens(sentence), 500),
        ..Refusal::default()
    };
    let guid = |label| word_after(rest, label, 36).filter(|id| uuid::Uuid::try_parse(id).is_ok());
    refusal.correlation_id = guid("Correlation ID: ");
    refusal.trace_id = guid("Trace ID: ");
    refusal.timestamp = rest
        .split_once("Timestamp: ")
        .map(|(_, at)| {
            at.chars()
                .take_while(|c| c.is_ascii_digit() || " -:Z".contains(*c))
        })
        .map(|at| at.take(24).collect::<String>().trim().to_owned())
        .filter(|at| expiry::date(at).is_some());
    Some(refusal)
}

/// The tenant in the command that a tool recommends.
pub(super) fn tenant(said: &str) -> Option<TenantId> {
    let (_, rest) = said.split_once("--tenant ")?;
    let word: String = rest
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
        .take(254)
        .collect();
    TenantId::new(&word).ok()
}

fn word_after(text: &str, label: &str, limit: usize) -> Option<String> {
    let (_, rest) = text.split_once(label)?;
    let word: String = rest
        .chars()
        .take(limit)
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    (!word.is_empty()).then_some(word)
}

/// `text` without what looks like a token: JWTs (`eyJ…`) and words that are too long for a
/// sentence.
pub(super) fn without_tokens(text: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || "-_.+/=~".contains(c);
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| !is_of_token(c)).unwrap_or(rest.len());
        if end == 0 {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        match word.find("eyJ") {
            Some(start) => {
                kept.push_str(&word[..start.min(LONGEST_WORD)]);
                kept.push('…');
            }
            None if word.len() > LONGEST_WORD => kept.push('…'),
            None => kept.push_str(word),
        }
        rest = after;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ClientOptions, Scope, TokenRequest,
        credential::{
            AzureCliCredential, AzureDeveloperCliCredential, AzurePowerShellCredential, Credential,
        },
        system::{Fixture, Program},
    };
    use proptest::strategy::Strategy;

    #[test]
    fn an_output_is_read_without_marks_and_without_the_codes_of_a_terminal() {
        let plain = "{\"accessToken\": \"ab\"}";
        let coloured = "\u{feff}{\u{1b}[94m\"accessToken\"\u{1b}[39;49;00m: \u{1b}]0;az\u{7}\"a\u{1b}]8;;x\u{1b}\\b\"}";
        let wide = |read: fn(u16) -> [u8; 2]| -> Vec<u8> {
            coloured.encode_utf16().flat_map(read).collect()
        };
        for output in [
            coloured.as_bytes().to_vec(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(
                text(&output).map(|text| text.to_string()).as_deref(),
                Some(plain)
            );
        }
        assert!(text(b"\xe9").is_none());
        let finished = Finished {
            code: Some(1),
            stdout: Zeroizing::new(Vec::new()),
            stderr: Zeroizing::new("\u{1b}[31mERROR: \u{1b}[1mAADSTS\u{1b}[0m70043".into()),
        };
        assert_eq!(refusal(&said(&finished)).unwrap().code, Some(70_043));
    }

    #[test]
    fn text_that_looks_like_a_token_is_removed_from_a_sentence() {
        let long = "0.AXoA".repeat(20);
        assert_eq!(
            without_tokens(&format!(
                "AADSTS1: 'eyJ0eXAi.x.y' and {long}, refresh_token=eyJhb"
            )),
            "AADSTS1: '…' and …, refresh_token=…"
        );
        assert_eq!(without_tokens("no, not at all: ök"), "no, not at all: ök");
    }

    #[test]
    fn a_rejection_is_found_in_other_output_with_its_ids() {
        let said = "WARNING: x\nERROR: AADSTS700082: The refresh token has expired due to inactivity. It was issued on \
                    2026. Trace ID: 3f2504e0-4f89-41d3-9a0c-0305e82c3301 Correlation ID: 7d444840-9dc0-11d1-b245-5ffdce74fad2 \
                    Timestamp: 2026-11-21 20:00:00Z\nRun the command below:\naz login --tenant \"contoso.com\" --scope \"x\"";
        let refusal = refusal(said).unwrap();
        assert_eq!(refusal.code, Some(700_082));
        assert_eq!(
            refusal.description,
            "AADSTS700082: The refresh token has expired due to inactivity. It was issued on 2026."
        );
        assert_eq!(
            refusal.correlation_id.as_deref(),
            Some("7d444840-9dc0-11d1-b245-5ffdce74fad2")
        );
        assert_eq!(refusal.timestamp.as_deref(), Some("2026-11-21 20:00:00Z"));
        assert_eq!(tenant(said).unwrap().as_str(), "contoso.com");
        // azd's JSON, and an id that is not one.
        let said =
            r"AADSTS70043: Too old.\r\nCorrelation ID: 7d444840-9dc0-11d1-b245-not-an-id-at\nmore";
        let refusal = super::refusal(said).unwrap();
        assert_eq!(refusal.description, "AADSTS70043: Too old.");
        assert_eq!(refusal.correlation_id, None);
        let said = r"AADSTS70043: Too old.\nmore";
        let refusal = super::refusal(said).unwrap();
        assert_eq!(refusal.description, "AADSTS70043: Too old.");
    }

    #[test]
    fn text_that_only_resembles_a_rejection_is_ignored() {
        for said in ["", "AADSTS", "AADSTSx", "see AADSTS codes"] {
            assert!(refusal(said).is_none(), "{said}");
        }
    }

    #[test]
    fn seconds_come_before_the_tokens_claim_and_that_before_a_date() {
        // {"exp":2000}
        let jwt = "h.eyJleHAiOjIwMDB9.s";
        let date = |text| expiry::date(text).map(time::OffsetDateTime::unix_timestamp);
        let utc = date("1970-01-01 00:50:00.000000");
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let times = |epoch| Times { epoch, date: utc };
        assert_eq!(times(Some(1000)).resolve(jwt), at(1000));
        assert_eq!(times(None).resolve(jwt), at(2000));
        assert_eq!(times(None).resolve("opaque"), at(3000));
        assert_eq!(Times::default().resolve("opaque"), None);
        assert_eq!(times(Some(i64::MAX)).resolve("opaque"), None);
        assert_eq!(date("1970-01-01T00:50:00Z"), utc);
    }

    /// The error for a tool with this output and exit code.
    fn printed(name: &str, code: i32, text: Vec<u8>) -> String {
        let program = Program::prints(code, text, "");
        let machine = Fixture::new().with_program(name, &program).shared();
        let options = ClientOptions::new(machine);
        let credential: Box<dyn Credential> = match name {
            "az" => Box::new(AzureCliCredential::new(options)),
            "azd" => Box::new(AzureDeveloperCliCredential::new(options)),
            _ => Box::new(AzurePowerShellCredential::new(options)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let request = TokenRequest::new(Scope::ARM);
        match runtime.block_on(credential.get_token(&request)) {
            Ok(token) => format!("{token:?}"),
            Err(error) => format!("{error} {error:?}"),
        }
    }

    /// What a tool could print around its object.
    const AROUND: [(&str, &str); 8] = [
        ("", ""),
        ("\u{feff}", "\r\n"),
        (
            "WARNING: You have 2 updates available. Consider updating your CLI {az upgrade}.\n",
            "",
        ),
        ("", "\nA new version is available: {\"a\": 1}\n"),
        ("{\"level\":\"warn\",\"msg\":\"accessToken\"}\n", "\n"),
        ("\u{1b}[33mnews\u{1b}[0m\n\u{1b}[1m", "\u{1b}[0m"),
        ("\u{1b}]0;az\u{7}", "\u{1b}]8;;x\u{1b}\\"),
        ("C:\\az {\n", "}"),
    ];

    #[test]
    fn the_one_object_with_a_token_counts_whatever_is_around_it() {
        const AZ: &str = r#"{"accessToken": "eyJ.token", "expires_on": "4102444800", "expiresOn": "2100-01-01 00:00:00.000000", "tokenType": "Bearer"}"#;
        const AZD: &str = r#"{"token": "eyJ.token", "expiresOn": "2100-01-01T01:00:00.5+01:00"}"#;
        for (before, after) in AROUND {
            for (name, object) in [("az", AZ), ("azd", AZD)] {
                let out = format!("{before}{object}{after}");
                let shown = printed(name, 0, out.clone().into_bytes());
                assert!(shown.contains("AccessToken"), "{out}: {shown}");
                assert!(shown.contains("2100-01-01 0:00:00"), "{out}: {shown}");
                let units = out.replace(MARK, "");
                let units = units.encode_utf16().flat_map(u16::to_le_bytes);
                let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(units).collect();
                let shown = printed(name, 0, wide);
                assert!(shown.contains("AccessToken"), "{out}: {shown}");
            }
            let out = format!("{before}\n{MARK}azcred%eyJ.token%4102444800\n{after}");
            let shown = printed("pwsh", 0, out.into_bytes());
            assert!(shown.contains("AccessToken"), "{before}: {shown}");
        }
    }

    #[test]
    fn none_or_two_objects_with_a_token_are_an_error_that_says_so() {
        for (out, why) in [
            (
                r#"{"accessToken":"a","expires_on":1} {"accessToken":"b","expires_on":1}"#,
                "several JSON objects with a token",
            ),
            (
                r#"{"accessToken":7,"expires_on":1}"#,
                "JSON without a token",
            ),
            (r#"[{"x":1}]"#, "something that is not JSON"),
            ("{\"accessToken\":\"a\"", "damaged JSON"),
            (
                r#"{"accessToken":"a","expires_on":4102444800,"tokenType":"pop"}"#,
                "JSON without a token",
            ),
        ] {
            let shown = printed("az", 0, out.into());
            assert!(shown.contains(why), "{out}: {shown}");
        }
    }

    proptest::proptest! {
        #![proptest_config(crate::hostile::cases())]

        #[test]
        fn no_damaged_output_causes_a_panic_or_shows_its_token(
            (name, text) in proptest::prop_oneof![
                crate::hostile::spoilt(
                    r#"{"accessToken": "eyJ.kX8Q~canary", "expiresOn": "2100-01-01 00:00:00.000000", "expires_on": 4102444800, "tokenType": "Bearer"}"#
                ).prop_map(|text| ("az", text)),
                crate::hostile::spoilt(r#"{"token":"eyJ.kX8Q~canary","expiresOn":"2100-01-01T00:00:00Z"}"#)
                    .prop_map(|text| ("azd", text)),
                crate::hostile::spoilt("hello\nazcred%eyJ.kX8Q~canary%4102444800\r\n").prop_map(|text| ("pwsh", text)),
            ],
            code in proptest::sample::select(vec![0, 1, 127]),
        ) {
            let shown = printed(name, code, text);
            proptest::prop_assert!(!shown.contains("kX8Q~"), "{shown}");
            proptest::prop_assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        }

        #[test]
        fn no_damaged_rejection_causes_a_panic(
            text in crate::hostile::spoilt(
                "ERROR: AADSTS70043: Too old. Trace ID: t Correlation ID: c Timestamp: 2026-11-21 20:00:00Z\naz login --tenant \"contoso.com\""
            ),
            name in proptest::sample::select(vec!["az", "azd", "pwsh"]),
        ) {
            let shown = printed(name, 1, text);
            proptest::prop_assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
        }
    }
}
