//! `azcred cache`: lists and removes the tokens that are stored on disk.

use crate::{
    choice::InProfile,
    failure::Failure,
    output::{
        Output,
        style::{DIM, GOOD, paint},
        table, time,
        wrap::Stream,
    },
    sign_in::Place,
};
use azcred::{
    Scope,
    cache::{CacheList, CachedToken},
    printable_path,
};
use clap::{Args, Subcommand};

/// List or remove the tokens that are stored on disk
///
/// azcred stores each token encrypted until it expires, so that `azcred token` in a loop requests
/// it only once. To store no tokens, set AZCRED_CACHE=never.
#[derive(Args)]
#[command(arg_required_else_help = true, subcommand_required = true)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Subcommand)]
enum CacheCommand {
    List(ListTokens),
    Clear(ClearTokens),
}

/// List the stored tokens: account, resource and expiry
///
/// The tokens themselves are not shown.
#[derive(Args)]
#[command(after_help = "\
Examples:
  azcred cache list
  azcred cache list --output json | jq '.tokens[].whose'")]
struct ListTokens {}

/// Remove all stored tokens
///
/// Accounts stay signed in. To sign out, use `azcred logout`.
#[derive(Args)]
struct ClearTokens {}

impl CacheArguments {
    pub(crate) async fn run(self, output: &mut Output) -> Result<u8, Failure> {
        // All profiles share one cache: the key of a token identifies its account.
        let place = Place::here()?;
        let options = place.options(InProfile::default().profile(&*place.system)?)?;
        match self.command {
            CacheCommand::List(_) => {
                let list = azcred::cache::list(&options);
                let list = output.waiting("Looking at the disk", list).await?;
                match output.is_json() {
                    true => output.json(&list),
                    false => tell(&list, output),
                }
            }
            CacheCommand::Clear(_) => {
                let clear = azcred::cache::clear(&options);
                let count = output.waiting("Clearing", clear).await?;
                match output.is_json() {
                    true => output.json(&serde_json::json!({ "removed": count })),
                    false => output.line(format!("{} Removed {}", paint(GOOD, "✓"), tokens(count))),
                }
            }
        }
        Ok(0)
    }
}

fn tell(list: &CacheList, output: &mut Output) {
    if list.tokens.is_empty() {
        output.line("No token is kept.");
    } else {
        let rows: Vec<[String; 5]> = list.tokens.iter().map(row).collect();
        let head = ["whose", "tenant", "for", "by", "ends"];
        for line in table::columns(head, &rows, Stream::Stdout.columns()) {
            output.line(line);
        }
    }
    output.line("");
    let key = match (list.keyring, &list.key_file) {
        (Some(keyring), _) => keyring.to_owned(),
        (None, Some(file)) => format!("{}, which only you can read", printable_path(file)),
        (None, None) => "none yet".to_owned(),
    };
    let rows = [
        ("Kept in", printable_path(&list.folder)),
        ("Key", key),
        ("Size", size(list)),
        ("Sign-ins in", printable_path(&list.sign_ins_folder)),
    ];
    for line in table::pairs(&rows) {
        output.line(line);
    }
}

fn row(token: &CachedToken) -> [String; 5] {
    let scopes: Vec<String> = token
        .scopes
        .iter()
        .map(|scope| {
            Scope::new(scope.raw())
                .map_or_else(|_| scope.to_string(), |scope| scope.resource().to_owned())
        })
        .collect();
    [
        token.whose.to_string(),
        token.tenant.as_deref().unwrap_or_default().to_owned(),
        scopes.join(" "),
        token.credential.to_string(),
        paint(DIM, time::in_time(token.expires_on)),
    ]
}

fn size(list: &CacheList) -> String {
    let files = match list.files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    match list.bytes {
        bytes @ ..10_000 => format!("{files}, {bytes} bytes"),
        bytes => format!("{files}, {} kB", bytes / 1000),
    }
}

fn tokens(count: usize) -> String {
    match count {
        1 => "1 token".to_owned(),
        count => format!("{count} tokens"),
    }
}
