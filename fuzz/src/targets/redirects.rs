//! What comes to the port of a sign-in by the browser, and the page that the browser gets.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle,
};
use azcred::fuzz::{redirected, welcome};

/// A request, as bytes, with `{state}` for the sign-in's own state. Responses of the token endpoint
/// follow. Or a line with `page`, and the person's user name, full name and tenant, one a line.
pub(super) fn run(data: &[u8]) {
    if let (b"page", texts) = input::head(data) {
        let texts = input::text(texts);
        let mut texts = texts.split('\n');
        let page = welcome([(); 3].map(|()| texts.next().unwrap_or_default()));
        return oracle::has_no_markup(&page);
    }
    let parts = input::parts(data);
    let responses = parts[1..].iter().take(4);
    let responses = responses.map(|part| input::response(&input::with_tokens(part)));
    answered(responses.collect(), async {
        let (page, outcome) = redirected(options(machine()), parts[0])
            .await
            .expect("it depends on no input");
        if let Some(outcome) = outcome {
            oracle::outcome(&outcome);
        }
        let page = input::text(&page);
        if let Some((_, html)) = page.split_once("\r\n\r\n") {
            oracle::has_no_markup(html);
        }
    });
}
