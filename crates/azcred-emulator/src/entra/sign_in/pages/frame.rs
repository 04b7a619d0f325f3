//! The frame of every page: header, footer, security headers, and parts that several pages use.

use crate::{
    directory::Directory,
    entra::{
        exchange::Exchange,
        sign_in::{browser::Browser, transaction::Transaction},
    },
    text::is_unseen,
};
use aws_lc_rs::digest;
use axum::{body::Body, response::Response};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header};
use std::fmt::{self, Write as _};
use url::Url;

pub(super) const STYLE: &str = include_str!("style.css");

/// The notice on every page that the page comes from the emulator.
pub(super) const STAND_IN: &str = r#"<aside class="stand-in"><strong>azcred emulator</strong> <span>This page comes from your own machine, not from Microsoft. Do not enter a real password.</span></aside>"#;

/// The data for a page of a sign-in.
pub(in crate::entra::sign_in) struct View<'a> {
    pub(in crate::entra::sign_in) exchange: &'a Exchange,
    pub(in crate::entra::sign_in) directory: &'a Directory,
    pub(in crate::entra::sign_in) browser: &'a Browser,
    pub(in crate::entra::sign_in) transaction: &'a Transaction,
    /// The encrypted transaction, which the page carries.
    pub(in crate::entra::sign_in) ctx: &'a str,
}

impl View<'_> {
    /// The name of the tenant or the program, above the title.
    pub(super) fn place(&self) -> String {
        let tenant = self.directory.tenant(&self.transaction.segment);
        tenant.map_or_else(
            || "Work or school account".to_owned(),
            |tenant| tenant.name.clone(),
        )
    }

    /// The program's name.
    pub(super) fn program(&self) -> &str {
        let application = self.directory.applications.get(&self.transaction.client);
        application.map_or("an application", |application| &application.name)
    }

    /// The URL to which the form's response may redirect at the end.
    pub(super) fn leads_to(&self) -> Option<Url> {
        Url::parse(&self.transaction.request()?.back.uri).ok()
    }

    pub(super) fn respond(&self, page: &Page<'_>) -> Response {
        page.respond(self.exchange, StatusCode::OK, self.leads_to().as_ref())
    }

    /// The form of a page: fields, then buttons.
    pub(super) fn form(&self, content: impl fmt::Display) -> String {
        form(self.ctx, content)
    }
}

/// A page without its frame. Texts are escaped; `content` is HTML.
pub(super) struct Page<'a> {
    /// The text above the title.
    pub(super) place: &'a str,
    pub(super) title: &'a str,
    pub(super) content: String,
}

impl Page<'_> {
    pub(super) fn respond(
        &self,
        exchange: &Exchange,
        status: StatusCode,
        leads_to: Option<&Url>,
    ) -> Response {
        let body = format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} · azcred emulator</title>
<style>{STYLE}</style>
</head>
<body>
{STAND_IN}
<main>
<p class="place">{place}</p>
<h1>{title}</h1>
{content}
</main>
<footer>Correlation ID {correlation} · {time}</footer>
</body>
</html>
"#,
            title = esc(self.title),
            place = esc(self.place),
            content = self.content,
            correlation = exchange.correlation_id,
            time = esc(&exchange.timestamp()),
        );
        respond(exchange, status, body, leads_to, None)
    }
}

/// Sends HTML with a policy that permits only what the page needs.
pub(super) fn respond(
    exchange: &Exchange,
    status: StatusCode,
    body: String,
    leads_to: Option<&Url>,
    script: Option<&str>,
) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    exchange.add_headers(&mut response, 0);
    // Browsers apply `form-action` also to redirects after a form.
    let mut policy = vec![
        "default-src 'none'".to_owned(),
        "base-uri 'none'".to_owned(),
        "frame-ancestors 'none'".to_owned(),
        format!("style-src '{}'", source_hash(STYLE)),
        match leads_to.and_then(source_of) {
            Some(source) => format!("form-action 'self' {source}"),
            None => "form-action 'self'".to_owned(),
        },
    ];
    if let Some(script) = script {
        policy.push(format!("script-src '{}'", source_hash(script)));
    }
    guard(&mut response, &policy);
    response
}

/// Adds the security headers to a response.
pub(in crate::entra::sign_in) fn guard(response: &mut Response, policy: &[String]) {
    let headers = response.headers_mut();
    let policy = match policy {
        [] => "default-src 'none'; frame-ancestors 'none'".to_owned(),
        directives => directives.join("; "),
    };
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy.as_str()),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store, no-cache"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
}

/// `'sha256-…'` of Content Security Policy Level 3, for inline text.
pub(super) fn source_hash(text: &str) -> String {
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    format!("sha256-{}", STANDARD.encode(hash))
}

/// A URL as a source of Content Security Policy: its origin, or the scheme if the URL has no
/// origin.
fn source_of(url: &Url) -> Option<String> {
    let source = match url.origin() {
        origin if origin.is_tuple() => origin.ascii_serialization(),
        _ => format!("{}:", url.scheme()),
    };
    // A host may contain characters that would end the directive.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:/_[]+".contains(&b);
    source.bytes().all(is_plain).then_some(source)
}

/// A form with its transaction.
pub(super) fn form(ctx: &str, content: impl fmt::Display) -> String {
    format!(
        r#"<form method="post" action="/common/login" autocomplete="off">
<input type="hidden" name="ctx" value="{}">
{content}
</form>"#,
        esc(ctx)
    )
}

/// A button that submits. `kind` is a class: `primary`, `plain` or `choice`.
pub(super) fn button(does: &str, kind: &str, label: &str) -> String {
    format!(
        r#"<button type="submit" name="do" value="{}" class="{kind}">{}</button>"#,
        esc(does),
        esc(label)
    )
}

/// The buttons below a form. The return key presses the first one.
pub(super) fn buttons(all: &[(&str, &str)]) -> String {
    let mut html = String::from(r#"<p class="buttons">"#);
    for (at, (does, label)) in all.iter().enumerate() {
        let kind = if at == 0 { "primary" } else { "plain" };
        html.push_str(&button(does, kind, label));
    }
    html + "</p>"
}

/// What was wrong with the input, for a field with `aria-describedby="notice"`.
pub(super) fn notice(code: Option<u32>) -> String {
    let Some(code) = code else {
        return String::new();
    };
    let text = match code {
        50034 => "The emulator has no account with this name. Check the spelling.",
        50053 => "This account is locked after too many attempts. Wait a minute, then try again.",
        50055 => "The password has expired. The emulator can’t change it.",
        50057 => "This account is disabled.",
        50126 => "The password is wrong.",
        70018 => "This code is wrong or has expired. Check it, or start again on your device.",
        500_121 => "The number is wrong.",
        _ => "This did not work. Try again.",
    };
    format!(r#"<p class="notice" id="notice" role="alert">{text} <small>AADSTS{code}</small></p>"#)
}

/// A text with HTML's special characters escaped, for content and quoted attributes. Invisible
/// characters and those that change the text direction become `�`, so that no name can look like
/// another.
pub(super) fn esc(text: &str) -> Escaped<'_> {
    Escaped(text)
}

pub(super) struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if is_unseen(c) => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_not_contain_html_or_look_like_another() {
        let hostile = "\"><script>alert('1')</script>&amp;\u{202e}\u{200b}\n\u{61c}\u{e0041}";
        let escaped = esc(hostile).to_string();
        assert_eq!(
            escaped,
            "&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(esc("Ada Lovelace 愛").to_string(), "Ada Lovelace 愛");
    }

    #[test]
    fn a_content_security_policy_names_only_an_origin_or_a_scheme() {
        let source = |text| source_of(&Url::parse(text).unwrap());
        assert_eq!(
            source("http://localhost:8400/x?y").as_deref(),
            Some("http://localhost:8400")
        );
        assert_eq!(source("msauth.app://x").as_deref(), Some("msauth.app:"));
        assert_eq!(source("https://a;script-src/").as_deref(), None);
    }
}
