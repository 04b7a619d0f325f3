//! The pages that the browser shows at the end. They load nothing from elsewhere, and forbid the
//! browser everything else.

use crate::{entra::IdClaims, facts::Error, untrusted::printable};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use ring::digest;
use std::sync::LazyLock;

const CSS: &str = include_str!("page.css");
/// Removes the code from the tab's address and from what 'reload' would request.
const SCRIPT: &str = include_str!("page.js");
const SIGNED_IN: &str = include_str!("signed_in.html");
const ENDED: &str = include_str!("ended.html");
/// Longer texts of an error are cut, so that the page is readable.
const LONGEST: usize = 1000;

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    status: StatusCode,
    html: String,
}

impl Page {
    /// The person signed in.
    pub(super) fn signed_in(claims: &IdClaims) -> Self {
        let who = claims.shown();
        let name = claims.name.as_deref().filter(|name| *name != who);
        let parts = [
            ("Name", name.unwrap_or_default()),
            ("Tenant", claims.tenant.as_deref().unwrap_or_default()),
        ];
        let html = SIGNED_IN
            .replace("{{who}}", &escaped(who))
            .replace("{{parts}}", &list(&parts));
        Self::new(StatusCode::OK, &html)
    }

    /// The sign-in failed: the cause and the fix, in the program's words.
    pub(super) fn failed(error: &Error) -> Self {
        let why = sentence(error.why());
        let fix = error
            .fix()
            .map(|fix| sentence(&fix.to_string()))
            .unwrap_or_default();
        let said = error.refusal().map(ToString::to_string).unwrap_or_default();
        Self::ended(
            StatusCode::OK,
            "bad",
            "You are not signed in",
            &[("Why", &why), ("What to do", &fix), ("For support", &said)],
        )
    }

    /// The request is not the provider's response.
    pub(super) fn turned_away(status: StatusCode, what: &str) -> Self {
        let what = format!("This was {what}. A sign-in that is under way continues.");
        Self::ended(
            status,
            "note",
            "This page does not finish a sign-in",
            &[
                ("Why", &what),
                (
                    "What to do",
                    "Continue in the tab that the program opened. If there is no such tab, start the sign-in again.",
                ),
            ],
        )
    }

    /// The provider's response was used already.
    pub(super) fn used() -> Self {
        Self::ended(
            StatusCode::CONFLICT,
            "note",
            "This sign-in was already used",
            &[
                (
                    "Why",
                    "The browser sent the same answer twice. Only the first one counts.",
                ),
                (
                    "What to do",
                    "See in the program whether you are signed in. If not, start the sign-in again there.",
                ),
            ],
        )
    }

    /// The program no longer waits.
    pub(super) fn too_late() -> Self {
        Self::ended(
            StatusCode::GONE,
            "note",
            "The program stopped waiting",
            &[
                (
                    "Why",
                    "The program has ended, or the time for the sign-in is over.",
                ),
                ("What to do", "Start the sign-in again in the program."),
            ],
        )
    }

    /// A page in the style of an error (`bad`) or of a note (`note`).
    fn ended(status: StatusCode, look: &str, title: &str, parts: &[(&str, &str)]) -> Self {
        let html = ENDED
            .replace("{{look}}", look)
            .replace("{{title}}", &escaped(title))
            .replace("{{parts}}", &list(parts));
        Self::new(status, &html)
    }

    fn new(status: StatusCode, html: &str) -> Self {
        Self {
            status,
            html: html.replace("{{css}}", CSS).replace("{{script}}", SCRIPT),
        }
    }

    /// The page as a response. Its headers let the browser only display it, and not store it.
    pub(super) fn into_response(self) -> Response<String> {
        let mut response = Response::new(self.html);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (
                HeaderName::from_static("cross-origin-opener-policy"),
                "same-origin",
            ),
            (
                HeaderName::from_static("cross-origin-resource-policy"),
                "same-origin",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::from_str(&POLICY) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        }
        response
    }
}

/// Allows only azcred's style and script, by their hashes (Content Security Policy Level 3).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(CSS),
        hash(SCRIPT)
    )
});

/// Labels and their values. The first two matter most.
fn list(parts: &[(&str, &str)]) -> String {
    parts
        .iter()
        .enumerate()
        .filter(|(_, (_, text))| !text.is_empty())
        .map(|(place, (label, text))| {
            let text = with_ids(&with_code(&escaped(&printable(text, LONGEST))));
            let class = if place < 2 { "" } else { r#" class="small""# };
            format!("<dt>{label}</dt>\n<dd{class}>{text}</dd>\n")
        })
        .collect()
}

/// Escapes text for a page, with braces: they mark placeholders.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            '}' => escaped.push_str("&#125;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Shows text between backquotes as code.
fn with_code(escaped: &str) -> String {
    let parts: Vec<&str> = escaped.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped.to_owned();
    }
    parts
        .iter()
        .enumerate()
        .map(|(place, part)| match place % 2 {
            0 => (*part).to_owned(),
            _ => format!("<code>{part}</code>"),
        })
        .collect()
}

/// Keeps ids on one line, so that they can be copied.
fn with_ids(escaped: &str) -> String {
    let word = |word: &str| match word.trim_end_matches(',') {
        id if id.len() == 36 && uuid::Uuid::try_parse(id).is_ok() => {
            word.replace(id, &format!(r#"<span class="id">{id}</span>"#))
        }
        _ => word.to_owned(),
    };
    escaped.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Makes a sentence of an error's text, which has no capital and no full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.to_uppercase(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{ErrorKind, Refusal};

    fn policy_of(page: Page) -> (String, String) {
        let response = page.into_response();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .to_owned();
        (policy, response.into_body())
    }

    fn ada() -> IdClaims {
        IdClaims {
            subject: "s".into(),
            username: Some("ada@contoso.com".into()),
            name: Some("Ada Lovelace".into()),
            tenant: Some("7a0c1e50-0000-4000-8000-000000000001".into()),
            ..IdClaims::default()
        }
    }

    #[test]
    fn the_policy_allows_exactly_what_the_page_contains() {
        for page in [
            Page::signed_in(&ada()),
            Page::failed(&Error::new(ErrorKind::Refused, "a", "b")),
        ] {
            let (policy, html) = policy_of(page);
            for tag in ["style", "script"] {
                let (_, rest) = html.split_once(&format!("<{tag}>")).unwrap();
                let (content, rest) = rest.split_once(&format!("</{tag}>")).unwrap();
                let hash = STANDARD.encode(digest::digest(&digest::SHA256, content.as_bytes()));
                assert!(
                    policy.contains(&format!("{tag}-src 'sha256-{hash}'")),
                    "{tag}: {policy}"
                );
                assert!(!rest.contains(&format!("<{tag}")));
            }
            assert!(!html.contains("http") && !html.contains("style=") && !html.contains("{{"));
        }
    }

    #[test]
    fn a_name_is_shown_and_never_run() {
        let mut evil = ada();
        evil.username = Some("<script>alert(1)</script>{{script}}\"'&".into());
        let (_, html) = policy_of(Page::signed_in(&evil));
        assert!(html.contains(
            "You are signed in as &lt;script&gt;alert(1)&lt;/script&gt;&#123;&#123;script&#125;&#125;&quot;&#39;&amp;."
        ));
        let (_, html) = policy_of(Page::signed_in(&ada()));
        assert!(html.contains("You are signed in as ada@contoso.com."));
        assert!(html.contains("<dd>Ada Lovelace</dd>"));
        assert!(
            html.contains(
                r#"<dd><span class="id">7a0c1e50-0000-4000-8000-000000000001</span></dd>"#
            )
        );
    }

    #[test]
    fn a_failure_says_what_the_program_says() {
        let error = Error::new(ErrorKind::Refused, "signed in", "the <b>policy</b> said no")
            .with_fix("run `az login --tenant <x>` again")
            .with_refusal(Refusal {
                code: Some(53_003),
                correlation_id: Some("c0".into()),
                ..Refusal::default()
            });
        let (_, html) = policy_of(Page::failed(&error));
        for part in [
            "The &lt;b&gt;policy&lt;/b&gt; said no.",
            "Run <code>az login --tenant &lt;x&gt;</code> again.",
            "AADSTS53003, correlation id c0",
        ] {
            assert!(html.contains(part), "{part}");
        }
        let (_, html) = policy_of(Page::failed(&error.with_fix("one ` alone")));
        assert!(html.contains("One ` alone."));
    }
}
