//! Fuzz targets: one for each family of parsers that read what others wrote.
//!
//! - [`TARGETS`] lists them. A target gets bytes of a fuzzer's choice and fails by a panic. It is
//!   deterministic, ends soon, and leaves nothing behind.
//! - [`oracle`] says what must hold: no panic, nothing unprintable and no piece of a secret in what
//!   is shown, no markup of others in a page.
//! - `corpus/TARGET` has inputs that reach different code, among them every input that once failed.
//!   The test `replay` runs all of them. `dictionaries/TARGET.dict` has words for the fuzzer.
//!
//! `cargo xtask fuzz` runs the targets under libFuzzer.

mod input;
mod machine;
pub mod oracle;
mod targets;

pub use targets::{TARGETS, Target};

/// Runs a target, and fails if it is unknown, or if the log has a secret. An input that has a piece
/// of the secret by itself proves nothing, and is not run: a fuzzer learns such pieces from
/// comparisons.
///
/// # Panics
/// If the target fails.
pub fn run(name: &str, data: &[u8]) {
    static LOGGED: std::sync::Once = std::sync::Once::new();
    LOGGED.call_once(|| {
        // Only the first of a process is taken, and there is no other.
        let _ = tracing::subscriber::set_global_default(machine::Log);
        machine::watch_background();
    });
    if oracle::has_piece_of_secret(data) {
        return;
    }
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = target.expect("a known target");
    machine::forget_log();
    target(data);
    machine::check_background();
    machine::check_log();
}
