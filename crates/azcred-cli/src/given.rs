//! Values on the command line: tidied, and never a secret. Every user of the machine can see the
//! arguments of a command.

use azcred::{Misplaced, shown_value, tidied, tidied_path};
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::{
    env,
    ffi::{OsStr, OsString},
    fmt::Display,
    ops::RangeInclusive,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};
use uuid::Uuid;

/// A name or an id as an option takes it.
pub(crate) fn text(text: &str) -> Result<String, String> {
    let tidy = tidied(text);
    match Misplaced::of(tidy) {
        Some(Misplaced::Random) | None => Ok(tidy.to_owned()),
        Some(secret) => Err(format!("it is {}", secret.noun())),
    }
}

/// A GUID as an option takes it.
pub(crate) fn guid(given: &str) -> Result<Uuid, String> {
    let text = text(given)?;
    Uuid::try_parse(&text)
        .map_err(|_| "it is not an id such as 5ec0ffee-0001-4000-8000-000000000001".to_owned())
}

/// A whole number as an option takes it.
pub(crate) fn number<N>(range: RangeInclusive<N>) -> impl TypedValueParser<Value = N>
where
    N: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    OsStringValueParser::new().try_map(move |value| {
        let number = value.to_str().and_then(|text| tidied(text).parse().ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| format!("it is a number from {} to {}", range.start(), range.end()))
    })
}

/// A length of time as an option takes it: `90s`, `30m`, `2h`, `1d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    const WRONG: &str = "it is a number and a unit, such as 30m, 2h or 1d";
    let text = tidied(text);
    let unit = text.chars().next_back().ok_or(WRONG)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(WRONG.to_owned()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| WRONG)?;
    match u64::from(number) * seconds {
        1..=LONGEST => Ok(Duration::from_secs(u64::from(number) * seconds)),
        _ => Err("it is from 1s to 365d".to_owned()),
    }
}

/// The longest length of time in seconds: a year.
const LONGEST: u64 = 365 * 86_400;

/// The path of a file or a folder as an option takes it.
pub(crate) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().try_map(|value| {
        let Some(text) = value.to_str() else {
            return Ok(PathBuf::from(value));
        };
        let home = env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" });
        let path = tidied_path(text, home.map(PathBuf::from).as_deref());
        match Misplaced::in_place_of(&value, || path.exists()) {
            Some(secret) => Err(secret.in_argument()),
            None => Ok(path),
        }
    })
}

/// clap's error without the arguments that are or may be secrets, and whether there was one.
pub(crate) fn without_secrets(
    error: &str,
    arguments: impl IntoIterator<Item = OsString>,
) -> (String, bool) {
    let mut error = error.to_owned();
    let mut hidden = false;
    // The longest first: one may be a part of another.
    let mut values: Vec<String> = arguments.into_iter().flat_map(|one| values(&one)).collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for value in values {
        let shown = shown_value(&value);
        if !shown.starts_with('\'') && error.contains(&value) {
            hidden |= Misplaced::of(&value).is_some();
            error = error.replace(&format!("'{value}'"), &shown);
            error = error.replace(&value, &shown);
        }
    }
    (error, hidden)
}

/// The texts of an argument that an error could repeat.
fn values(argument: &OsStr) -> Vec<String> {
    let argument = argument.to_string_lossy();
    let is_option = |text: &str| {
        let name = text.trim_start_matches('-');
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    };
    let value = match argument.split_once('=') {
        // A PEM file begins with dashes too.
        _ if argument.starts_with("-----") => &*argument,
        Some((option, value)) if is_option(option) => value,
        // A short option with its value behind it.
        None if argument.starts_with('-') && !argument.starts_with("--") => {
            argument.get(2..).unwrap_or_default()
        }
        None if argument.starts_with("--") && is_option(&argument) => "",
        _ => &*argument,
    };
    let parts = value.split(',').map(str::to_owned);
    std::iter::once(value.to_owned())
        .chain(parts)
        .filter(|value| !value.is_empty())
        .collect()
}
