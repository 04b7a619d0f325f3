//! Traces on standard error, with `-v` or `AZCRED_LOG`. Otherwise they drive a spinner on a
//! terminal.

use crate::{
    failure::{Failure, Kind},
    output::{Asking, CHAIN, Spinner, door::Traces},
};
use azcred::{Fix, printable, tidied};
use std::io::IsTerminal;
use tracing::Level;
use tracing_subscriber::{
    Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Starts tracing if it is requested. Otherwise it costs very little.
///
/// `-v` raises only azcred's own crates: the HTTP library's traces are useless for most people.
/// `AZCRED_LOG` has a level or a list of `target=level`. It is read without `-v`.
pub(crate) fn start(verbose: u8) -> Result<(), Failure> {
    let directives = match verbose {
        0 => match std::env::var("AZCRED_LOG") {
            Ok(directives) if !tidied(&directives).is_empty() => tidied(&directives).to_owned(),
            _ => {
                if Spinner::is_watched() {
                    let chain = Targets::new().with_target(CHAIN, Level::DEBUG);
                    let _ = tracing_subscriber::registry()
                        .with(Asking.with_filter(chain))
                        .try_init();
                }
                return Ok(());
            }
        },
        1 => own("info"),
        2 => own("debug"),
        _ => own("trace"),
    };
    let targets: Targets = directives.trim().parse().map_err(|_| {
        Failure::new(
            Kind::Invalid,
            // It may be a secret that was meant for another variable.
            format!("AZCRED_LOG ('{}') is not valid", printable(&directives, 12)),
            "the value is neither a level nor a list of TARGET=LEVEL",
        )
        .fix(
            Fix::from(
                "set AZCRED_LOG to info, debug, trace, or a list such as azcred=debug,azcred_azure=trace",
            )
            .or(Fix::UnsetVariable("AZCRED_LOG".into())),
        )
    })?;
    let colour = std::io::stderr().is_terminal()
        && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let lines = fmt::layer()
        .with_writer(Traces)
        .with_ansi(colour)
        .with_target(true);
    // This can fail only if there is another subscriber, and there is none.
    let _ = tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .try_init();
    Ok(())
}

fn own(level: &str) -> String {
    format!("azcred={level},azcred_azure={level},azcred_emulator={level},azcred_endpoint={level}")
}
