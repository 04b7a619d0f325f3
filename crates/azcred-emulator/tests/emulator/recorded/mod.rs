//! Facts from recorded conversations with Azure, held against the emulator: `interop/recorded`.
//!
//! One file here belongs to one file of facts: it makes the situation of each line, and sends its
//! request.

mod arm;
mod ci;
mod entra;
mod grants;
mod graph;
mod graph_writing;
mod machines;
mod ml;
mod sas;

use crate::common::Reply;
use azcred_recorded::{Answer, Difference};
use serde_json::Value;

/// Compares each line of a file of facts with the emulator. `differences` is `None` for a line that
/// is not held yet. The number of these may only be lowered.
async fn hold(
    facts: &str,
    not_held: usize,
    mut differences: impl AsyncFnMut(&Value) -> Option<Vec<Difference>>,
) {
    let (mut wrong, mut left) = (Vec::new(), 0);
    for (n, line) in facts.lines().enumerate() {
        let line: Value = serde_json::from_str(line).unwrap();
        if line["superseded"] == true {
            continue;
        }
        match differences(&line).await {
            None => left += 1,
            Some(found) => {
                wrong.extend(found.iter().map(|what| format!("line {}: {what}", n + 1)));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(left, not_held, "lines that are not held");
}

/// Has an answer of the emulator compared.
fn compare(
    got: &Reply,
    differences: impl FnOnce(&Answer<'_>) -> Vec<Difference>,
) -> Vec<Difference> {
    let header = |name: &str| got.headers.get(name)?.to_str().ok();
    differences(&Answer {
        status: got.status,
        header: &header,
        body: &got.body,
    })
}
