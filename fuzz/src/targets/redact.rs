//! The cleaning of text: what takes secrets out of it, and what makes it printable.

use crate::{
    input,
    oracle::{self, SECRET},
};
use azcred::{fuzz::shown_values, printable, printable_path, redact};
use std::path::Path;

/// Any text, in which the secret is planted.
pub(super) fn run(data: &[u8]) {
    let text = input::text(data);
    for limit in [0, 1, 40, 4096] {
        let shown = printable(&text, limit);
        oracle::is_printable(&shown);
        // The mark of a cut is one more.
        assert!(shown.chars().count() <= limit + 1, "{shown:?}");
        assert_eq!(
            printable(&shown, limit + 1),
            shown,
            "it is printable already"
        );
    }
    oracle::is_printable(&printable_path(Path::new(&text)));
    for shown in shown_values(&text) {
        oracle::is_printable(&shown);
    }
    if let Some(planted) = input::planted(data) {
        let planted = input::text(&planted);
        oracle::keeps_secret(&redact(&planted, &[SECRET]));
        oracle::keeps_secret(&printable(&redact(&planted, &[SECRET]), 4096));
    }
}
