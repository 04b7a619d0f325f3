//! Pasted errors and logs of any program.

use crate::{
    input,
    oracle::{self, SECRET},
};
use azcred_azure::{Problem, explain, explain_code, nearest_codes};

/// Any text, as a text and as a code; and between secrets, as a log has them.
pub(super) fn run(data: &[u8]) {
    let text = input::text(data);
    explain(&text).iter().for_each(check);
    let code: String = text.chars().take(200).collect();
    explain_code(&code).iter().for_each(check);
    for code in nearest_codes(&code) {
        oracle::is_printable(&code);
    }
    let planted = format!("client_secret={SECRET} {text}\nAuthorization: Bearer {SECRET}");
    explain(&planted).iter().for_each(check);
}

fn check(problem: &Problem) {
    let id = problem.correlation_id.as_deref().unwrap_or_default();
    let time = problem.timestamp.as_deref().unwrap_or_default();
    let quote = problem.quote.as_deref().unwrap_or_default();
    for text in [&*problem.code, &problem.meaning, id, time, quote] {
        oracle::shown(&text);
    }
    oracle::shown(&problem.fix);
    for (_, value) in &problem.values {
        oracle::shown(value);
    }
}
