//! Serves an emulator until standard input ends, and prints its `emulator.json`: for trying clients
//! against it.
//!
//! `cargo run -p azcred-emulator --example serve [STATE_FOLDER [SEED_FILE]]`

use azcred_emulator::{Emulator, Options, Seed};
use tokio::io::AsyncReadExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let options = Options {
        state_dir: arguments.next().map(Into::into),
        seed: arguments
            .next()
            .map_or(Seed::Default, |path| Seed::File(path.into())),
        ..Options::default()
    };
    let begun = std::time::Instant::now();
    let emulator = Emulator::start(options).await?;
    eprintln!("ready after {:?}", begun.elapsed());
    println!("{}", serde_json::to_string_pretty(emulator.info())?);
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    emulator.shutdown().await;
    Ok(())
}
