//! What the doctor shows at a terminal while something never answers.

use crate::{run::end, terminal::Terminal, troubles::Patient};

#[test]
fn what_is_known_is_shown_while_an_address_never_answers_and_the_doctor_ends() {
    let patient = Patient::new("graph-hangs");
    let mut terminal = Terminal::new(80, 40);
    let child = terminal.start(patient.run(&[]));
    let shown = terminal.until("✓ permissions");
    let last = shown.rfind("waiting for").expect("what is waited for");
    assert!(shown[last..].contains("Microsoft Graph"), "{shown}");
    assert!(shown[last..].contains("✓ workspace"), "{shown}");
    let said = end(child);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("did not respond in time"), "{said}");
}
