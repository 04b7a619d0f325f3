//! A credential as variables, in the lines that python-dotenv, `source` in sh and
//! `docker run --env-file` read alike.

use super::{NewCredential, NewProof, Purpose};
use crate::failure::{Failure, Kind};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

/// What every Azure SDK reads (`EnvironmentCredential`): the tenant, the application, its secret.
pub(super) const AZURE: [&str; 3] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
/// What hi-ml reads (`get_service_principal`), in the same order.
pub(super) const HIML: [&str; 3] = [
    "HIML_TENANT_ID",
    "HIML_SERVICE_PRINCIPAL_ID",
    "HIML_SERVICE_PRINCIPAL_PASSWORD",
];

/// The line before azcred's own lines.
fn head(name: &str) -> String {
    format!("{HEAD}{}", name.replace(char::is_control, "?"))
}

const HEAD: &str = "# azcred: the service principal ";
/// The line after them.
const END: &str = "# azcred: end";

/// The lines of a credential.
pub(super) fn text(purpose: Purpose, new: &NewCredential) -> Result<Zeroizing<String>, Failure> {
    let NewProof::Secret(secret) = &new.proof else {
        return Err(Failure::new(
            Kind::Unexpected,
            "could not write the variables",
            "there is no secret",
        ));
    };
    let names = match purpose {
        Purpose::Himl => HIML,
        _ => AZURE,
    };
    let values = [
        new.tenant.as_str(),
        new.client_id.as_str(),
        secret.expose_secret(),
    ];
    let mut text = Zeroizing::new(String::with_capacity(1024));
    text.push_str(&head(&new.name));
    text.push('\n');
    if let Some(end) = new.expires_on {
        text.push_str(&format!("# The secret ends on {}.\n", end.date()));
    }
    for (name, value) in names.into_iter().zip(values) {
        if !is_plain(value) {
            return Err(Failure::new(
                Kind::Unexpected,
                "could not write the variables",
                format!(
                    "the value of {name} has a character that the readers of such files read differently"
                ),
            )
            .fix("rotate the secret"));
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
        text.push('\n');
    }
    text.push_str(END);
    text.push('\n');
    Ok(text)
}

/// Whether a value is the same for every reader without quotes, which Docker would take for a part
/// of the value. Secrets of Entra ID have letters, digits, `~`, `.`, `_` and `-`. A shell replaces
/// a `~` at the start.
fn is_plain(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "~._-".contains(c);
    !value.is_empty() && !value.starts_with('~') && value.chars().all(is_plain)
}

/// What a file has, beside azcred's own lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Around<'a> {
    before: &'a str,
    after: &'a str,
    /// Whether azcred's lines for this application are there.
    pub(super) has_own: bool,
}

/// Finds azcred's own lines for the application in a file.
///
/// # Errors
/// The number of the line, and the variable, if another line sets one of `names`; or `None` for a
/// block without an end, which azcred did not leave.
pub(super) fn around<'a>(
    file: &'a str,
    name: &str,
    names: &[&str],
) -> Result<Around<'a>, Option<(usize, String)>> {
    let head = head(name);
    let (mut start, mut end) = (None, None);
    let mut at = 0;
    let mut taken = None;
    for (number, line) in file.split_inclusive('\n').enumerate() {
        let next = at + line.len();
        let bare = line.trim_end_matches(['\n', '\r']);
        match (start, end) {
            (None, None) if bare == head => start = Some(at),
            (Some(_), None) if bare == END => end = Some(next),
            (Some(_), None) => {}
            _ => {
                if let Some(set) = variable(bare).filter(|set| names.contains(set)) {
                    taken.get_or_insert((number + 1, set.to_owned()));
                }
            }
        }
        at = next;
    }
    match (taken, start, end) {
        (Some(taken), ..) => Err(Some(taken)),
        (None, Some(start), Some(end)) => Ok(Around {
            before: &file[..start],
            after: &file[end..],
            has_own: true,
        }),
        (None, Some(_), None) => Err(None),
        (None, None, _) => Ok(Around {
            before: file,
            after: "",
            has_own: false,
        }),
    }
}

/// The variable that a line sets.
fn variable(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(is_letter)).then_some(name)
}

impl Around<'_> {
    /// The file with these lines in it. All other lines stay as they are.
    pub(super) fn with(&self, lines: &str) -> Zeroizing<String> {
        let room = self.before.len() + lines.len() + self.after.len() + 2;
        let mut file = Zeroizing::new(String::with_capacity(room));
        file.push_str(self.before);
        if !file.is_empty() && !file.ends_with('\n') {
            file.push('\n');
        }
        if !file.is_empty() && !self.has_own {
            file.push('\n');
        }
        file.push_str(lines);
        file.push_str(self.after);
        file
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
