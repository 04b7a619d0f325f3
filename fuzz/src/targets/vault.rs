//! What is stored on the disk: the key file, sealed entries, and the tokens and accounts in them.

use crate::{
    input,
    machine::{answered_by, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    AzcredCredential, ClientOptions, Credential, Scope, TokenRequest,
    account::Accounts,
    cache,
    fuzz::{keep_account, keep_token, kept_token},
    system::{Fixture, System},
};
use std::path::{Path, PathBuf};

/// The first line is what the rest is. An account is followed by responses.
pub(super) fn run(data: &[u8]) {
    let (kind, rest) = input::head(data);
    match kind {
        b"account" => account(rest),
        b"token" => token(rest),
        b"sealed" => sealed(rest),
        b"key" => key(rest),
        _ => {}
    }
}

fn home() -> (Fixture, ClientOptions) {
    let home = machine().with_var("AZCRED_HOME", "/azcred");
    let folder = azcred::system::FileFacts {
        kind: azcred::system::FileKind::Folder,
        len: 0,
        owner: Some(1000),
        writers: azcred::system::Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    };
    let home = ["/azcred", "/azcred/data", "/azcred/cache"]
        .into_iter()
        .fold(home, |home, path| home.with_facts(path, folder, ""));
    let options = options(home.clone()).with_disk_cache();
    (home, options)
}

fn account(rest: &[u8]) {
    const ID: &str = "0123456789abcdef";
    let parts = input::parts(rest);
    let record = input::text(parts[0]).replace("\"token\":\"", &format!("\"token\":\"{SECRET}"));
    let (_, options) = home();
    keep_account(&options, ID, record.as_bytes()).expect("a vault");
    let responses = rest.get(parts[0].len() + 3..).unwrap_or_default();
    answered_by(&input::with_tokens(responses), async {
        let accounts = Accounts::new(&options).expect("accounts");
        let list = accounts.list().await;
        oracle::outcome(&list);
        for account in list.iter().flatten() {
            oracle::shown(&account.who());
        }
        oracle::outcome(&accounts.current().await);
        oracle::outcome(&accounts.find("ada").await);
        let credential = AzcredCredential::new(options.clone());
        oracle::outcome(&credential);
        if let Ok(credential) = credential {
            oracle::debug(&credential.prepare());
            oracle::outcome(&credential.get_token(&TokenRequest::new(Scope::ARM)).await);
        }
    });
}

fn token(content: &[u8]) {
    let (_, options) = home();
    keep_token(&options, content).expect("a vault");
    let kept = kept_token(&options).expect("a vault");
    assert_eq!(
        kept.as_deref(),
        Some(content),
        "what is stored is read again"
    );
    list(&options);
}

/// Puts other bytes in the place of a sealed entry.
fn sealed(content: &[u8]) {
    let (machine, options) = home();
    keep_token(&options, b"good").expect("a vault");
    let place = file_below(&machine, "/azcred/cache/tokens/v1/file");
    machine.write(&place, content).expect("a fixture");
    assert_eq!(
        kept_token(&options).ok().flatten(),
        None,
        "it was sealed by no key"
    );
    list(&options);
}

/// Puts other bytes in the place of the key.
fn key(content: &[u8]) {
    let (machine, made) = home();
    keep_token(&made, b"good").expect("a vault");
    let place = Path::new("/azcred/data/key-1");
    let good = machine.read(place, 1024).expect("a key file");
    machine.write(place, content).expect("a fixture");
    let options = options(machine.clone()).with_disk_cache();
    let kept = kept_token(&options);
    oracle::outcome(&kept.as_ref().map(drop).map_err(Clone::clone));
    if let Ok(Some(_)) = kept {
        assert_eq!(
            content.trim_ascii(),
            good.trim_ascii(),
            "another key opens nothing"
        );
    }
    list(&options);
}

fn list(options: &ClientOptions) {
    answered_by(b"", async {
        let list = cache::list(options).await;
        oracle::outcome(&list);
    });
}

fn file_below(machine: &Fixture, folder: &str) -> PathBuf {
    let folder = Path::new(folder);
    let names = machine.list(folder).expect("an entry");
    folder.join(names.first().expect("an entry"))
}
