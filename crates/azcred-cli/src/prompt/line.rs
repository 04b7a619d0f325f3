//! Prompts for a line that may be visible.

use crate::{
    failure::{Failure, Kind},
    output::door,
};
use std::io::{self, BufRead};

/// Prompts for a line. Waits without a time limit.
///
/// Cancel-safe: a line that is typed later is not read.
pub(crate) async fn ask(question: &str) -> Result<String, Failure> {
    let _ = door::stderr().write(question);
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let count = io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>((count, line))
    });
    let failed = |why: String| Failure::new(Kind::Failed, "could not read what was typed", why);
    match read.await {
        Ok(Ok((0, _))) => {
            let _ = door::stderr().line("");
            Err(failed("the input ended".to_owned()))
        }
        Ok(Ok((_, line))) => Ok(line),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}
