//! The values that a shell's completion offers: what is stored on this machine. No request is sent,
//! and a person is never asked.

use azcred::{
    Session,
    account::{Account, Accounts},
    system::RealSystem,
};
#[cfg(feature = "emulator")]
use azcred_emulator::Ports;
use clap_complete::{CompletionCandidate, PathCompleter, engine::ValueCompleter};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::Path,
    sync::Arc,
    time::Duration,
};

/// A keyring that takes longer, because it asks the user for example, is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The accounts, by their names; those that share a name by their ids.
pub(crate) fn accounts() -> Vec<CompletionCandidate> {
    let all = stored();
    let name = |account: &Account| {
        let name = account.username.as_ref().or(account.client_id.as_ref());
        name.map(ToString::to_string)
    };
    let is_clear = |wanted: &String| {
        let same = all
            .iter()
            .filter(|other| name(other).as_ref() == Some(wanted));
        same.count() == 1
    };
    let candidate = |account: &Account| {
        let value = name(account).filter(is_clear);
        let value = value.unwrap_or_else(|| account.id.to_string());
        let tenant = account.tenant.as_deref().map(|tenant| {
            let name = account.tenant_names.get(&tenant.to_lowercase());
            name.map_or(tenant, |name| name.as_str()).to_owned()
        });
        let about = format!(
            "{}, profile {}",
            tenant.unwrap_or(account.who()),
            account.profile
        );
        CompletionCandidate::new(value).help(Some(about.into()))
    };
    all.iter().map(candidate).collect()
}

/// The profiles that have accounts, and the default one.
pub(crate) fn profiles() -> Vec<CompletionCandidate> {
    let mut counts = BTreeMap::from([(azcred::Profile::default().to_string(), 0)]);
    for account in stored() {
        *counts.entry(account.profile).or_default() += 1;
    }
    let candidate = |(profile, count): (String, usize)| {
        let about = match count {
            0 => "no accounts".to_owned(),
            1 => "1 account".to_owned(),
            count => format!("{count} accounts"),
        };
        CompletionCandidate::new(profile).help(Some(about.into()))
    };
    counts.into_iter().map(candidate).collect()
}

/// The tenants of the accounts.
pub(crate) fn tenants() -> Vec<CompletionCandidate> {
    let mut names = BTreeMap::new();
    for account in stored() {
        for tenant in account.tenant.iter().chain(&account.tenants) {
            let name = account.tenant_names.get(&tenant.to_lowercase());
            names.insert(tenant.to_string(), name.map(ToString::to_string));
        }
    }
    let candidate = |(id, name): (String, Option<String>)| {
        CompletionCandidate::new(id).help(name.map(Into::into))
    };
    names.into_iter().map(candidate).collect()
}

/// The services of the emulator, for `SERVICE=PORT`.
#[cfg(feature = "emulator")]
pub(crate) fn ports() -> Vec<CompletionCandidate> {
    let candidate = |name| CompletionCandidate::new(format!("{name}="));
    Ports::names().map(candidate).collect()
}

/// The words of a command: programs whose names begin like this for the first, files for the
/// others.
pub(crate) fn programs(current: &OsStr) -> Vec<CompletionCandidate> {
    let has_folder = Path::new(current).components().count() > 1;
    match current.to_str() {
        _ if has_folder || !is_first_word() => PathCompleter::any().complete(current),
        // All programs of a machine would fill the screen.
        Some("") | None => Vec::new(),
        Some(start) => on_path(start),
    }
}

/// Whether a command's first word is completed. clap does not say. The shell passes the words of
/// the line behind `--`, and the number of this one in a variable.
fn is_first_word() -> bool {
    let words = std::env::args_os().skip_while(|word| word != "--").skip(1);
    let words: Vec<_> = words.collect();
    let number = std::env::var("_CLAP_COMPLETE_INDEX").ok();
    let number = number.and_then(|number| number.parse().ok());
    let number: usize = number.unwrap_or_else(|| words.len().saturating_sub(1));
    let before = number.checked_sub(1).and_then(|before| words.get(before));
    before.is_some_and(|word| word == "--" || word == "exec")
}

fn on_path(start: &str) -> Vec<CompletionCandidate> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let entries = folders
        .filter_map(|folder| folder.read_dir().ok())
        .flatten()
        .flatten();
    let names: BTreeSet<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.starts_with(start) && !name.chars().any(azcred::is_unseen))
        .collect();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The stored accounts; none if they can't be read.
fn stored() -> Vec<Account> {
    let read = || {
        let folder = std::env::current_dir().ok()?;
        let session = Session::builder().at(Arc::new(RealSystem), &folder);
        let accounts = Accounts::new(&session.options().ok()?).ok()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .ok()?;
        let listed =
            runtime.block_on(async { tokio::time::timeout(PATIENCE, accounts.list_all()).await });
        runtime.shutdown_background();
        listed.ok()?.ok()
    };
    read().unwrap_or_default()
}
