//! The formats of `expires_on` in the responses of managed identity hosts.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

/// How `expires_on` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiresOnFormat {
    /// Unix seconds as a number: Azure Machine Learning.
    Number,
    /// Unix seconds as a string: most hosts.
    Text,
    /// `06/20/2019 02:57:58 +00:00`: App Service's old version on Linux.
    Date,
    /// `1/16/2020 12:0:12 AM +00:00`: App Service's old version on Windows.
    DateAmPm,
}

const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[month]/[day]/[year] [hour]:[minute]:[second] +00:00");
const DATE_AM_PM: &[BorrowedFormatItem<'_>] = format_description!(
    "[month padding:none]/[day padding:none]/[year] [hour repr:12 padding:none]:[minute padding:none]:[second padding:none] [period] +00:00"
);

impl ExpiresOnFormat {
    /// Writes Unix seconds.
    pub(crate) fn write(self, seconds: i64) -> Value {
        let date = |format| {
            OffsetDateTime::from_unix_timestamp(seconds)
                .ok()
                .and_then(|time| time.format(format).ok())
                .map_or(Value::Null, Value::from)
        };
        match self {
            Self::Number => seconds.into(),
            Self::Text => seconds.to_string().into(),
            Self::Date => date(DATE),
            Self::DateAmPm => date(DATE_AM_PM),
        }
    }

    /// Replaces `expires_on` in a response. `None` if the response has no such field.
    pub(crate) fn rewrite(self, body: &[u8]) -> Option<Vec<u8>> {
        let mut answer: Value = serde_json::from_slice(body).ok()?;
        let written = answer.get_mut("expires_on")?;
        *written = self.write(read(written)?);
        serde_json::to_vec(&answer).ok()
    }
}

/// The Unix seconds that a host of the emulator wrote.
fn read(written: &Value) -> Option<i64> {
    if let Some(seconds) = written.as_i64() {
        return Some(seconds);
    }
    let text = written.as_str()?;
    text.parse().ok().or_else(|| {
        let date = time::PrimitiveDateTime::parse(text, DATE).ok()?;
        Some(date.assume_utc().unix_timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_format_is_written_as_its_host_writes_it() {
        // 2020-01-16 00:00:12 UTC.
        let at = 1_579_132_812;
        assert_eq!(ExpiresOnFormat::Number.write(at), json!(at));
        assert_eq!(ExpiresOnFormat::Text.write(at), json!("1579132812"));
        assert_eq!(
            ExpiresOnFormat::Date.write(at),
            json!("01/16/2020 00:00:12 +00:00")
        );
        assert_eq!(
            ExpiresOnFormat::DateAmPm.write(at),
            json!("1/16/2020 12:0:12 AM +00:00")
        );
    }

    #[test]
    fn expires_on_is_rewritten_from_any_format() {
        let at = 1_579_132_812;
        for before in [
            ExpiresOnFormat::Number,
            ExpiresOnFormat::Text,
            ExpiresOnFormat::Date,
        ] {
            let body = json!({ "a": 1, "expires_on": before.write(at) }).to_string();
            let after = ExpiresOnFormat::DateAmPm.rewrite(body.as_bytes()).unwrap();
            let after: Value = serde_json::from_slice(&after).unwrap();
            assert_eq!(after["expires_on"], "1/16/2020 12:0:12 AM +00:00");
            assert_eq!(after["a"], 1);
        }
        assert!(ExpiresOnFormat::Date.rewrite(b"{\"error\":1}").is_none());
        assert!(ExpiresOnFormat::Date.rewrite(b"<html>").is_none());
    }
}
