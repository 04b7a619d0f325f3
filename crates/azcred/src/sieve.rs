//! What people set: values in quotes, with white space or unseen characters around them, and values
//! that belong elsewhere.
//!
//! Every variable, option and setting passes through here. [`tidied`] takes away what surrounds a
//! value by accident. A value that is not valid then is an error by [`invalid`], which says what is
//! odd about the value and shows it, unless it may be a secret. A secret itself is never changed;
//! [`oddity_of_secret`] says what is odd about it after it was rejected.

use crate::{
    facts::{Error, ErrorKind, WEB_TOKEN_LIMIT},
    untrusted::is_unseen,
};
use std::{
    borrow::Cow,
    ffi::OsStr,
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// Quotes as people and word processors write them around a value.
const QUOTES: [(char, char); 9] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('\u{201c}', '\u{201d}'),
    ('\u{201d}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{2019}', '\u{2019}'),
    ('\u{ab}', '\u{bb}'),
];

fn is_edge(c: char) -> bool {
    c.is_whitespace() || is_unseen(c)
}

/// A value without what surrounds it by accident: white space, line ends, unseen characters such as
/// a byte order mark, and quotes around the whole.
pub fn tidied(value: &str) -> &str {
    let mut value = value;
    loop {
        value = value.trim_matches(is_edge);
        match unquoted(value) {
            Some(inside) => value = inside,
            None => return value,
        }
    }
}

/// The value in a pair of quotes; `None` if it is in none, or if the quotes are not one pair.
fn unquoted(value: &str) -> Option<&str> {
    QUOTES.into_iter().find_map(|(open, close)| {
        let inside = value.strip_prefix(open)?.strip_suffix(close)?;
        (!inside.contains([open, close])).then_some(inside)
    })
}

/// An id without what surrounds it by accident, such as the braces of a GUID in Windows' registry.
pub(crate) fn tidied_id(value: &str) -> &str {
    let value = tidied(value);
    let inside = value
        .strip_prefix('{')
        .and_then(|value| value.strip_suffix('}'))
        .map(tidied);
    inside.filter(|id| is_guid(id)).unwrap_or(value)
}

/// Whether a text is a GUID with its hyphens.
pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// A path as people write it: with `~` for the home folder, which a shell leaves alone in quotes,
/// or as a `file://` address.
pub fn tidied_path(value: &str, home: Option<&Path>) -> PathBuf {
    let value = tidied(value);
    let is_address = value
        .get(..7)
        .is_some_and(|start| start.eq_ignore_ascii_case("file://"));
    if is_address
        && let Ok(url) = url::Url::parse(value)
        && let Ok(path) = url.to_file_path()
    {
        return path;
    }
    if let Some(rest) = value.strip_prefix('~')
        && (rest.is_empty() || rest.starts_with(['/', '\\']))
        && let Some(home) = home
    {
        return home.join(rest.trim_start_matches(['/', '\\']));
    }
    value.into()
}

/// A secret that was put where something else belongs. Every one is recognised by its form alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misplaced {
    /// A JSON web token, or a part of one.
    WebToken,
    /// The text of a PEM file with a private key.
    PrivateKey,
    /// The text of another PEM file.
    Pem,
    /// The content of a certificate's file as base64.
    Base64File,
    /// A client secret as Entra ID makes them.
    ClientSecret,
    /// A text of many characters, as programs make them.
    Random,
    /// The address of a service with a user name or a password.
    AddressWithPassword,
}

impl Misplaced {
    /// Recognises a secret.
    pub fn of(value: &str) -> Option<Self> {
        // More than that is not looked at; what is longer is no path, id or address.
        let start = value.get(..WEB_TOKEN_LIMIT).unwrap_or(value);
        let text = start.trim_start_matches(|c| is_edge(c) || QUOTES.iter().any(|q| q.0 == c));
        let bare = text
            .strip_prefix("Bearer ")
            .or_else(|| text.strip_prefix("bearer "))
            .unwrap_or(text)
            .trim_start();
        if start.contains("-----BEGIN") {
            return Some(match start.contains("PRIVATE KEY-----") {
                true => Self::PrivateKey,
                false => Self::Pem,
            });
        }
        // '{"' as base64, and base64 of that.
        if (bare.starts_with("eyJ") && bare.len() >= 12)
            || (bare.starts_with("ZXlK") && is_base64(bare, 24))
        {
            return Some(Self::WebToken);
        }
        // DER, '-----BEGIN' (after a byte order mark), and UTF-16, as base64.
        let is_file = [
            "MII",
            "LS0tLS1CRUdJTi",
            "77u/LS0tLS",
            "//4tAC0A",
            "/v8ALQAt",
        ]
        .iter()
        .any(|start| bare.starts_with(start));
        if is_file && is_base64(bare, 24) {
            return Some(Self::Base64File);
        }
        if text.split(is_edge).any(is_client_secret) {
            return Some(Self::ClientSecret);
        }
        if has_user_info(text) {
            return Some(Self::AddressWithPassword);
        }
        (!is_path_like(text) && words(text).any(is_random)).then_some(Self::Random)
    }

    /// As [`Misplaced::of`], for the value of a path. A file may have a name that looks random.
    pub fn in_place_of(value: &OsStr, exists: impl FnOnce() -> bool) -> Option<Self> {
        let secret = Self::of(value.to_str()?)?;
        (secret != Self::Random || !exists()).then_some(secret)
    }

    /// The error of a variable that must be a path and has this secret instead.
    pub(crate) fn in_variable(self, variable: &'static str) -> Error {
        let what = format!("{variable} is not valid");
        let why = format!("it must be the path of a file, but it is {}", self.noun());
        let is_for = match self {
            Self::WebToken => variable.ends_with("TOKEN_FILE"),
            Self::PrivateKey | Self::Pem | Self::Base64File => {
                variable.contains("CERT") || variable.contains("CA_BUNDLE")
            }
            _ => false,
        };
        Error::new(ErrorKind::Invalid, what, why).with_fix(match (is_for, self) {
            (true, _) => format!(
                "write it to a file that only you can read, and set {variable} to the path of that file: \
                 `(umask 077; printenv {variable} > FILE) && export {variable}=FILE`"
            ),
            (false, Self::ClientSecret) => format!(
                "set {variable} to the path of a file, and AZURE_CLIENT_SECRET to the secret"
            ),
            (false, _) => format!("set {variable} to the path of a file, or unset it"),
        })
    }

    /// Why a command does not take this as the path of a file.
    pub fn in_argument(self) -> String {
        format!("it must be the path of a file, but it is {}", self.noun())
    }

    /// What it is, after 'it is' or 'it looks like'.
    pub fn noun(self) -> &'static str {
        match self {
            Self::WebToken => "a token",
            Self::PrivateKey => "the text of a private key",
            Self::Pem => "the text of a PEM file",
            Self::Base64File => "the content of a certificate file in base64",
            Self::ClientSecret => "a client secret",
            Self::Random => "a secret",
            Self::AddressWithPassword => "an address with a user name or a password",
        }
    }
}

/// Whether a text is at least this long, and base64 throughout.
fn is_base64(text: &str, least: usize) -> bool {
    let mut count = 0;
    text.bytes().filter(|b| !b.is_ascii_whitespace()).all(|b| {
        count += 1;
        b.is_ascii_alphanumeric() || b"+/=-_\\\"'".contains(&b)
    }) && count >= least
}

/// Entra ID's client secrets have 40 characters: three, then a digit and `Q~`, then the rest.
fn is_client_secret(word: &str) -> bool {
    let word = word.trim_matches(['"', '\'', '`']).as_bytes();
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"_~.-".contains(b);
    (30..=60).contains(&word.len())
        && word.iter().all(fits)
        && word[3].is_ascii_digit()
        && &word[4..6] == b"Q~"
}

/// Whether an address has a user name or a password.
fn has_user_info(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        host.contains('@')
    })
}

/// Whether a text begins as a full or a relative path does, or ends as the name of a file does.
fn is_path_like(text: &str) -> bool {
    let bytes = text.as_bytes();
    [
        "/", "~/", "./", "../", "\\\\", "~\\", ".\\", "..\\", "file:",
    ]
    .iter()
    .any(|start| text.starts_with(start))
        || matches!(bytes, [drive, b':', b'\\' | b'/', ..] if drive.is_ascii_alphabetic())
        || text.rsplit_once('.').is_some_and(|(name, end)| {
            !name.is_empty()
                && (2..=6).contains(&end.len())
                && end
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'1' || b == b'2' || b == b'7')
        })
}

/// The pieces of a value between the characters that separate words in names, paths and addresses.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| is_edge(c) || "/\\.:-_@,;?&=%(){}[]<>\"'`|".contains(c))
}

/// Whether a word is as long and as mixed as programs make secrets, not names.
fn is_random(word: &str) -> bool {
    // Hashes and GUIDs without hyphens are names too.
    let is_hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    word.len() >= 32 && changes(word) >= 8 && !is_hex
}

/// How often a word changes between digits, small and capital letters, and other characters.
fn changes(word: &str) -> usize {
    let kind = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    word.as_bytes()
        .windows(2)
        .filter(|pair| kind(pair[0]) != kind(pair[1]))
        .count()
}

/// Whether a word may be a secret: long and not plainly a name, or of characters that names don't
/// have.
fn may_be_secret(word: &str, is_in_a_name: bool) -> bool {
    const LONGEST_NAME: usize = 15;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_calm = is_in_a_name && word.len() <= 63 && word.bytes().all(plain) && changes(word) <= 2;
    (word.len() > LONGEST_NAME && !is_calm)
        || (word.len() >= 8 && word.contains(['~', '+', '!', '#', '$', '^', '*']))
}

/// A value for an error, in quotes, with unseen characters made visible. If it may be a secret,
/// what it looks like, or how long it is.
pub fn shown(value: &str) -> String {
    const LONGEST: usize = 256;
    if let Some(secret) = Misplaced::of(value) {
        return format!("({}, not shown)", secret.noun());
    }
    // A query or a fragment may hold a secret.
    let (value, more) = match value.find("://").and_then(|_| value.find(['?', '#'])) {
        Some(end) => (&value[..end], "…"),
        None => (value, ""),
    };
    let count = value.chars().count();
    let is_in_a_name = value.contains(['.', '/', '-', '_', ' ']);
    if count > LONGEST
        || tidied(value).contains('\n')
        || words(value).any(|word| may_be_secret(word, is_in_a_name))
    {
        return format!("({count} characters, not shown)");
    }
    format!("'{}{more}'", visible(value))
}

/// A path from the user for messages. Of what may be a secret, it shows only what it looks like.
pub fn shown_path(path: &Path) -> String {
    const LONGEST: usize = 512;
    let text = path.to_string_lossy();
    // A relative path may have been made absolute before.
    let parts = path
        .components()
        .filter_map(|part| part.as_os_str().to_str());
    // The path of an address has lost one of its slashes then.
    let has_password = |part: &str| {
        let user = part.split_once('@').map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':'))
    };
    if text.split(['/', '\\']).any(has_password) {
        return format!("({}, not shown)", Misplaced::AddressWithPassword.noun());
    }
    let secret = Misplaced::of(&text).or_else(|| {
        parts
            .filter_map(Misplaced::of)
            .find(|secret| *secret != Misplaced::Random)
    });
    if let Some(secret) = secret {
        return format!("({}, not shown)", secret.noun());
    }
    let count = text.chars().count();
    if count > LONGEST || tidied(&text).contains('\n') {
        return format!("({count} characters, not shown)");
    }
    if !is_path_like(&text) && words(&text).any(|word| may_be_secret(word, true)) {
        return format!("({count} characters, not shown)");
    }
    let mut shown = visible(&text);
    for word in words(&text).filter(|word| is_random(word)) {
        shown = shown.replace(word, "…");
    }
    shown
}

/// A text with its unseen characters as their code points, such as `<U+200B>`.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseen(c) || (c.is_whitespace() && c != ' ') {
            // Writing to a string can't fail.
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// What is odd about a value that is not valid, as a reason: 'it contains U+200B …'. `None` if
/// nothing is, so that the reason is its form.
pub(crate) fn oddity(value: &str) -> Option<Cow<'static, str>> {
    let value = tidied(value);
    if let Some(secret) = Misplaced::of(value) {
        return Some(format!("it looks like {}", secret.noun()).into());
    }
    if let Some(c) = value.chars().find(|c| is_unseen(*c)) {
        return Some(unseen_inside(c).into());
    }
    if is_placeholder(value) {
        return Some("it is a placeholder that nothing has replaced".into());
    }
    if value.contains([
        '"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}',
    ]) {
        return Some("it contains a quote".into());
    }
    None
}

fn unseen_inside(c: char) -> String {
    match c {
        '\n' | '\r' => "it has several lines".to_owned(),
        c => format!(
            "it contains the character U+{:04X}, which can't be seen",
            u32::from(c)
        ),
    }
}

/// Whether a value is one that a shell, a template or a CI system was to replace: `$(NAME)`,
/// `${NAME}`, `${{ secrets.NAME }}`, `%NAME%`, `<name>`, `{name}`.
fn is_placeholder(value: &str) -> bool {
    let between = |open: &str, close: &str| {
        value
            .strip_prefix(open)
            .and_then(|value| value.strip_suffix(close))
            .is_some_and(|inside| !inside.is_empty() && !inside.contains(['\n', '\r']))
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    between("$(", ")")
        || between("${", "}")
        || between("<", ">")
        || between("{", "}")
        || between("%", "%")
        || value.strip_prefix("$env:").is_some_and(is_name)
        || value.strip_prefix('$').is_some_and(is_name)
}

/// The error for a value that is not valid: `what` it was to be ('the tenant'), and the form that
/// is expected. The value is shown, unless it may be a secret.
pub(crate) fn invalid(what: &str, value: &str, expected: impl Into<Cow<'static, str>>) -> Error {
    let why = match oddity(value) {
        Some(oddity) => format!("{oddity}; {}", expected.into()).into(),
        None => expected.into(),
    };
    let what = format!("{what} {} is not valid", shown(value));
    Error::new(ErrorKind::Invalid, what, why)
}

/// As [`shown`], in brackets.
pub(crate) fn in_brackets(value: &str) -> String {
    let shown = shown(value);
    match shown.starts_with('(') {
        true => shown,
        false => format!("({shown})"),
    }
}

/// The error of a variable's value. It shows the value, unless it is or may be a secret.
pub(crate) fn in_variable(name: &str, value: &str, error: &Error) -> Error {
    let shown = match is_secret(name) {
        true => String::new(),
        false => format!(" {}", in_brackets(value)),
    };
    let what = format!("{name}{shown} is not valid");
    let error = Error::new(error.kind(), what, error.why().to_owned()).with_fix_of(error);
    match Misplaced::of(value) {
        Some(Misplaced::ClientSecret) if name.ends_with("_ID") => error.with_fix(format!(
            "set {name} to the id; a secret belongs in AZURE_CLIENT_SECRET"
        )),
        _ => error,
    }
}

/// The variables that hold a secret. The value of every other one is not a secret.
pub(crate) const SECRETS: [&str; 7] = [
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "HIML_SERVICE_PRINCIPAL_PASSWORD",
    "IDENTITY_HEADER",
    "MSI_SECRET",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "SYSTEM_ACCESSTOKEN",
];

/// Whether a variable holds a secret, which is neither changed nor shown.
pub(crate) fn is_secret(variable: &str) -> bool {
    SECRETS.contains(&variable)
}

/// What is odd about a client secret, as a reason that it may have been rejected. It shows nothing
/// of the secret.
pub(crate) fn oddity_of_secret(secret: &str) -> Option<Cow<'static, str>> {
    if let Some(oddity) = edge_of_secret(secret) {
        return Some(oddity);
    }
    if is_guid(secret) {
        return Some("it is a GUID, as the id of a secret is, not its value".into());
    }
    match Misplaced::of(secret) {
        Some(Misplaced::WebToken) => Some("it is a token, not a client secret".into()),
        Some(Misplaced::PrivateKey | Misplaced::Pem | Misplaced::Base64File) => {
            Some("it is the content of a certificate file, not a client secret".into())
        }
        _ => None,
    }
}

/// What to do about the path of a file in a variable that holds a secret.
pub(crate) fn fix_of_path(variable: &str) -> String {
    format!("set it to what is in the file: `export {variable}=\"$(cat FILE)\"`")
}

/// What to do about a secret that is odd; `None` if it is not. `variable` names where it is set.
pub(crate) fn fix_of_secret(secret: &str, variable: Option<&str>) -> Option<String> {
    let oddity = oddity_of_secret(secret)?;
    let set = match variable {
        Some(variable) => format!("set {variable} to"),
        None => "give".to_owned(),
    };
    let says = |word| oddity.contains(word);
    Some(if says("GUID") {
        format!("{set} the secret's Value in the Azure portal, not its Secret ID")
    } else if says("path") {
        match variable {
            Some(variable) => fix_of_path(variable),
            None => "give what is in the file".to_owned(),
        }
    } else if says("token") {
        "set AZURE_FEDERATED_TOKEN_FILE to a file with the token, or give the application's secret"
            .to_owned()
    } else if says("certificate") {
        "set AZURE_CLIENT_CERTIFICATE_PATH to a file with this content, or give the application's secret"
            .to_owned()
    } else if says("placeholder") {
        format!("{set} the secret itself: nothing has replaced the name of a variable in it")
    } else {
        format!("{set} the secret alone, without anything around it")
    })
}

/// What is odd about any secret: what surrounds it, as if by accident, or that it only says where
/// the secret is. It shows nothing of the secret.
pub(crate) fn edge_of_secret(secret: &str) -> Option<Cow<'static, str>> {
    let first = secret.chars().next()?;
    let last = secret.chars().next_back()?;
    if let Some((_, close)) = QUOTES.into_iter().find(|(open, _)| *open == first) {
        return Some(match last == close {
            true => "it is in quotes".into(),
            false => "it begins with a quote".into(),
        });
    }
    if QUOTES.iter().any(|(_, close)| *close == last) {
        return Some("it ends with a quote".into());
    }
    for (edge, verb) in [(first, "begins"), (last, "ends")] {
        match edge {
            '\n' | '\r' => return Some(format!("it {verb} with a line end").into()),
            c if c.is_whitespace() && c.is_ascii() => {
                return Some(format!("it {verb} with a space").into());
            }
            c if is_edge(c) => {
                let code = u32::from(c);
                return Some(
                    format!("it {verb} with the character U+{code:04X}, which can't be seen")
                        .into(),
                );
            }
            _ => {}
        }
    }
    if let Some(c) = secret.chars().find(|c| is_unseen(*c)) {
        return Some(unseen_inside(c).into());
    }
    if is_placeholder(secret) {
        return Some("it is a placeholder that nothing has replaced".into());
    }
    if secret.starts_with(['/', '~']) && is_path_like(secret) {
        return Some(
            "it begins as the path of a file does, and it must be the secret itself".into(),
        );
    }
    None
}

#[cfg(test)]
#[path = "sieve_tests.rs"]
pub(crate) mod tests;
