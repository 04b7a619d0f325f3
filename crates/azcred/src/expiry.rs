//! When a token ends, in every form in which hosts of managed identities, token endpoints and
//! developer tools write it.
//!
//! - Seconds, as a number or as text: `3599`, `"3599"`, `4102444800.0`.
//! - A date as in RFC 3339 and ISO 8601: `2026-11-21T20:00:00.1234567+01:00`,
//!   `2026-11-21 20:00:00.000000`.
//! - A date as .NET writes it for American readers, as App Service did: `9/14/2017 00:00:00 PM
//!   +00:00`, `06/20/2019 02:57:58 +00:00`.
//!
//! Whatever the form, the token itself knows better, if it can be read: see [`claim`].

use crate::facts::Claims;
use serde_json::Value;
use time::{
    Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset,
    format_description::well_known::Iso8601,
};

/// Seconds in a number or a text. `None` for other values, such as an empty text.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    match value {
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        Value::Number(number) => number.as_i64().or_else(|| Some(number.as_f64()? as i64)),
        Value::String(text) => seconds_in(text),
        _ => None,
    }
}

/// Seconds in a text.
pub(crate) fn seconds_in(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    is_fraction.then(|| whole.parse().ok()).flatten()
}

/// A moment, in seconds since 1970: seconds or a date.
pub(crate) fn moment(value: &Value) -> Option<i64> {
    seconds(value).or_else(|| Some(date(value.as_str()?)?.unix_timestamp()))
}

/// When the token says that it ends (its claim `exp`), in seconds since 1970. `None` if it is not a
/// JSON web token.
pub(crate) fn claim(token: &str) -> Option<i64> {
    let seconds = Claims::of(token)?.expires()?;
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    let seconds = seconds as i64;
    Some(seconds)
}

/// A date with a time. Without an offset, it is in UTC: tools that write local time run with `TZ`
/// set to UTC.
pub(crate) fn date(text: &str) -> Option<OffsetDateTime> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let date = as_usual(text)
        .or_else(|| OffsetDateTime::parse(text, &Iso8601::DEFAULT).ok())
        .or_else(|| {
            Some(
                PrimitiveDateTime::parse(text, &Iso8601::DEFAULT)
                    .ok()?
                    .assume_utc(),
            )
        });
    date.filter(|date| date.year() >= EARLIEST)
}

/// The forms that the module names.
fn as_usual(text: &str) -> Option<OffsetDateTime> {
    let (day, rest) = text.split_once(['T', 't', ' '])?;
    let day = if day.contains('/') {
        // Month, day, year.
        let [month, day, year] = numbers(day, '/')?;
        (year, month, day)
    } else {
        let [year, month, day] = numbers(day, '-')?;
        (year, month, day)
    };
    let (year, month, day) = day;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date =
        Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && !":.,".contains(c))
        .unwrap_or(rest.len());
    let (clock, rest) = rest.split_at(end);
    let (half, rest) = half_of_day(rest.trim_start());
    let time = time_of(clock, half)?;
    let offset = offset(rest.trim())?;
    Some(PrimitiveDateTime::new(date, time).assume_offset(offset))
}

/// An earlier year is a default of a tool, such as 1 of .NET and Go, or has two digits only.
const EARLIEST: i32 = 1000;
/// A longer text is not a date.
const LONGEST: usize = 64;

/// Exactly three numbers.
fn numbers(text: &str, between: char) -> Option<[u32; 3]> {
    let mut parts = text.split(between).map(number);
    let all = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(all)
}

fn number(text: &str) -> Option<u32> {
    let is_number = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

#[derive(Clone, Copy)]
enum Half {
    Morning,
    Afternoon,
}

/// `AM` or `PM` at the start, and what follows.
fn half_of_day(text: &str) -> (Option<Half>, &str) {
    let half = match text.get(..2) {
        Some(two) if two.eq_ignore_ascii_case("AM") => Half::Morning,
        Some(two) if two.eq_ignore_ascii_case("PM") => Half::Afternoon,
        _ => return (None, text),
    };
    (Some(half), &text[2..])
}

/// `20:00`, `20:00:00`, `20:00:00.0000000`. App Service also wrote `00:00:00 PM`, which is noon in
/// Go's and .NET's reading.
fn time_of(clock: &str, half: Option<Half>) -> Option<Time> {
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = clock.split(':').map(number);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        Some(second) => second?,
        None => 0,
    };
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        Some(Half::Morning) if hour == 12 => 0,
        Some(Half::Afternoon) if hour < 12 => hour + 12,
        _ => hour,
    };
    // A leap second is the end of its minute.
    let second = if second == 60 { 59 } else { second };
    Time::from_hms(
        u8::try_from(hour).ok()?,
        u8::try_from(minute).ok()?,
        u8::try_from(second).ok()?,
    )
    .ok()
}

/// `Z`, `UTC`, `+01:00`, `+0100`, `+01`, or nothing.
fn offset(text: &str) -> Option<UtcOffset> {
    if ["", "Z", "UTC", "GMT"]
        .iter()
        .any(|utc| text.eq_ignore_ascii_case(utc))
    {
        return Some(UtcOffset::UTC);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let (hours, minutes) = match digits.len() {
        2 if is_number => (digits.as_str(), "0"),
        4 if is_number => digits.split_at(2),
        _ => return None,
    };
    let (hours, minutes): (i8, i8) = (hours.parse().ok()?, minutes.parse().ok()?);
    UtcOffset::from_hms(sign * hours, sign * minutes, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Strategy, any};
    use serde_json::json;
    use time::macros::datetime;

    #[test]
    fn every_form_that_was_seen_is_read() {
        for (text, wanted) in [
            ("2026-11-21T20:00:00Z", datetime!(2026-11-21 20:00 UTC)),
            ("2026-11-21T20:00:00+00:00", datetime!(2026-11-21 20:00 UTC)),
            (
                "2026-11-21T20:00:00.1234567+02:00",
                datetime!(2026-11-21 18:00 UTC),
            ),
            ("2026-11-21t20:00:00.5-0530", datetime!(2026-11-22 1:30 UTC)),
            // Azure CLI, Azure Developer CLI.
            (
                "2026-11-21 20:00:00.000000",
                datetime!(2026-11-21 20:00 UTC),
            ),
            ("2026-11-21T20:00:00", datetime!(2026-11-21 20:00 UTC)),
            ("20261121T200000Z", datetime!(2026-11-21 20:00 UTC)),
            ("20261121T200000+0200", datetime!(2026-11-21 18:00 UTC)),
            ("20261121T200000", datetime!(2026-11-21 20:00 UTC)),
            // A leap second.
            (
                "2016-12-31 23:59:60+00:00",
                datetime!(2016-12-31 23:59:59 UTC),
            ),
            // App Service, the Azure ML compute.
            (
                "9/14/2017 00:00:00 PM +00:00",
                datetime!(2017-9-14 12:00 UTC),
            ),
            (
                "06/20/2019 02:57:58 +00:00",
                datetime!(2019-6-20 2:57:58 UTC),
            ),
            (
                "1/16/2020 12:0:12 AM +00:00",
                datetime!(2020-1-16 0:00:12 UTC),
            ),
            (
                "1/16/2020 1:0:12 PM -08:00",
                datetime!(2020-1-16 21:00:12 UTC),
            ),
        ] {
            let read = date(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.unix_timestamp(), wanted.unix_timestamp(), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_read_as_one() {
        for text in [
            "",
            "tomorrow",
            "21/11/2026 12:01:00 +00:00",
            "2026-11-21",
            "2026-11-21T25:00:00Z",
            "2026-11-21T20:00:00+99:00",
            "2026-11-21T20:00:00 CET",
            "2026-11-21T20:00:61Z",
            "11-21-26 20:00",
            "2026-11-21T20:00:00.Z",
            // The zero of .NET and Go.
            "0001-01-01T00:00:00Z",
            "00010101T000000",
            "1/2/26 20:00:00 +00:00",
            &format!("2026-11-21T20:00:00.{}Z", "0".repeat(LONGEST)),
        ] {
            assert_eq!(date(text), None, "{text}");
        }
        for value in [
            json!(""),
            json!([1]),
            json!(null),
            json!("1.2.3"),
            json!("5."),
        ] {
            assert_eq!(moment(&value), None, "{value}");
        }
        for (value, wanted) in [
            (json!(60), 60),
            (json!(60.5), 60),
            (json!(" 60 "), 60),
            (json!("60.0"), 60),
            (json!("1970-01-01T00:01:00Z"), 60),
        ] {
            assert_eq!(moment(&value), Some(wanted), "{value}");
        }
    }

    /// A moment of this century, with an offset and a form.
    fn written() -> impl Strategy<Value = (i64, String)> {
        let offset = (-14 * 60..=14 * 60_i32).prop_map(|minutes| minutes * 60);
        (0..4_102_444_800_i64, offset, 0..6_u8, any::<u32>()).prop_map(
            |(epoch, offset, form, fraction)| {
                let there = OffsetDateTime::from_unix_timestamp(epoch)
                    .unwrap()
                    .to_offset(UtcOffset::from_whole_seconds(offset).unwrap());
                let (year, month, day) = (there.year(), u8::from(there.month()), there.day());
                let (hour, minute, second) = there.to_hms();
                let sign = if offset < 0 { '-' } else { '+' };
                let (off_hours, off_minutes) = (offset.abs() / 3600, offset.abs() / 60 % 60);
                let fraction = fraction % 10_000_000;
                let (half, twelve) = match hour {
                    0 => ("AM", 12),
                    1..=11 => ("AM", hour),
                    12 => ("PM", 12),
                    _ => ("PM", hour - 12),
                };
                let text = match form {
                    0 => format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:07}{sign}{off_hours:02}:{off_minutes:02}"),
                    1 => format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} {sign}{off_hours:02}{off_minutes:02}"),
                    2 => format!("{month}/{day}/{year} {twelve}:{minute}:{second} {half} {sign}{off_hours:02}:{off_minutes:02}"),
                    3 => format!("{month:02}/{day:02}/{year} {hour:02}:{minute:02}:{second:02} {sign}{off_hours:02}:{off_minutes:02}"),
                    4 => epoch.to_string(),
                    _ => format!(" {epoch}.{fraction} "),
                };
                (epoch, text)
            },
        )
    }

    proptest::proptest! {
        #![proptest_config(crate::hostile::cases())]

        #[test]
        fn a_moment_is_the_same_in_every_form((epoch, text) in written()) {
            proptest::prop_assert_eq!(moment(&Value::String(text.clone())), Some(epoch), "{}", text);
        }

        #[test]
        fn no_text_causes_a_panic(text in "\\PC{0,70}") {
            let _ = (date(&text), moment(&Value::String(text)));
        }

        #[test]
        fn no_damaged_date_causes_a_panic(
            text in crate::hostile::spoilt("1/16/2026 12:0:12 AM +00:00 2026-11-21T20:00:00.1+02:00")
        ) {
            let _ = date(&String::from_utf8_lossy(&text));
        }
    }
}
