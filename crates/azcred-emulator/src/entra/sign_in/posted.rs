//! What a user entered on a page, and what it changes.

use crate::{
    directory::Directory,
    entra::{
        exchange::Exchange,
        form::Form,
        refusal::Refusal,
        sign_in::{
            browser::Browser,
            respond::cancelled,
            second_factor,
            step::{self, Step},
            transaction::{AccountChoice, Purpose, Transaction},
        },
        user,
    },
    entra_state::Proofs,
    world::World,
};
use uuid::Uuid;

/// What happens after a posted page.
pub(super) enum Next {
    /// Show the next page, or the same page with a notice.
    GoOn,
    /// Send the program a refusal.
    GiveUp(Refusal),
}

/// Handles a posted page. The field `do` names the page and the button.
pub(super) fn take(
    world: &World,
    exchange: &Exchange,
    browser: &mut Browser,
    transaction: &mut Transaction,
    form: &Form,
) -> Next {
    transaction.notice = None;
    match form.get("do") {
        Some("cancel") => return Next::GiveUp(cancelled()),
        Some("without_consent") => {
            let directory = world.directory();
            let now = exchange.now.unix_timestamp();
            let step = step::next(world, &directory, browser, transaction, now);
            if let Step::AdminConsent(ready) = step {
                return Next::GiveUp(step::needs_admin(&ready));
            }
        }
        Some("list") => choose_again(transaction, AccountChoice::List),
        Some("another") => choose_again(transaction, AccountChoice::Name),
        Some("account") => {
            let account = form.get("account").and_then(|id| Uuid::try_parse(id).ok());
            let directory = world.directory();
            choose_again(transaction, AccountChoice::Open);
            transaction.account = account.filter(|id| is_account(&directory, *id));
        }
        Some("name") => {
            let name = form.get("loginfmt").unwrap_or_default().trim();
            let directory = world.directory();
            match directory.account(name) {
                Some(account) => {
                    choose_again(transaction, AccountChoice::Open);
                    transaction.account = Some(account.id);
                }
                None => transaction.notice = Some(50034),
            }
        }
        Some("password") => {
            transaction.notice = password(world, exchange, browser, transaction, form);
        }
        Some("second_factor") => {
            transaction.notice = number(world, exchange, browser, transaction, form);
        }
        Some("accept") => accept(world, exchange, browser, transaction),
        Some("confirm") => {
            let directory = world.directory();
            let now = exchange.now.unix_timestamp();
            let step = step::next(world, &directory, browser, transaction, now);
            transaction.confirmed = matches!(step, Step::Confirm(_));
        }
        Some("code") => {
            transaction.notice = code(world, exchange, transaction, form);
        }
        _ => {}
    }
    Next::GoOn
}

/// The user wants another account: what was entered for the present one is discarded.
fn choose_again(transaction: &mut Transaction, choice: AccountChoice) {
    transaction.choice = choice;
    transaction.account = None;
    transaction.is_fresh = false;
    transaction.consented = false;
    transaction.confirmed = false;
}

fn is_account(directory: &Directory, id: Uuid) -> bool {
    let user = directory.users.get(&id);
    user.is_some_and(|user| user.guest_of.is_none())
}

/// Checks the password of the account. Returns the code of an error.
fn password(
    world: &World,
    exchange: &Exchange,
    browser: &mut Browser,
    transaction: &mut Transaction,
    form: &Form,
) -> Option<u32> {
    let directory = world.directory();
    let now = exchange.now.unix_timestamp();
    // The account of the page, which was chosen on an earlier page or follows from the request.
    let Step::Password(account) = step::next(world, &directory, browser, transaction, now) else {
        return None;
    };
    let entered = form.get("passwd").unwrap_or_default();
    match user::check_password(world, exchange.now, account, entered) {
        Ok(()) => {
            (transaction.account, transaction.is_fresh) = (Some(account.id), true);
            browser.sign_in(account.id, Proofs::by_password(now), exchange.now);
            None
        }
        Err(refusal) => Some(refusal.code),
    }
}

/// Checks the number of the authenticator app. Wrong numbers count like wrong passwords.
fn number(
    world: &World,
    exchange: &Exchange,
    browser: &mut Browser,
    transaction: &mut Transaction,
    form: &Form,
) -> Option<u32> {
    let directory = world.directory();
    let now = exchange.now.unix_timestamp();
    let step = step::next(world, &directory, browser, transaction, now);
    let Step::SecondFactor(account) = step else {
        return None;
    };
    let proofs = browser.session_of(account.id)?.proofs;
    let entered = form.get("otc").unwrap_or_default();
    let is_right = second_factor::is_right(&directory, account.id, now, entered);
    match user::count_attempt(world, exchange.now, account, entered, is_right) {
        Ok(()) => {
            transaction.account = Some(account.id);
            let proofs = Proofs {
                mfa: true,
                at: now,
                ..proofs
            };
            browser.sign_in(account.id, proofs, exchange.now);
            None
        }
        Err(refusal) if refusal.code == 50126 => Some(500_121),
        Err(refusal) => Some(refusal.code),
    }
}

/// Consents to exactly the permissions that the page showed.
fn accept(world: &World, exchange: &Exchange, browser: &Browser, transaction: &mut Transaction) {
    let directory = world.directory();
    let now = exchange.now.unix_timestamp();
    let step = step::next(world, &directory, browser, transaction, now);
    let Step::Consent(ready) = step else {
        return;
    };
    let (user, client) = (ready.session.user.id, ready.session.application.app_id);
    let resource = ready.resource.app_id;
    drop(directory);
    world.directory_mut().consents.grant(user, client, resource);
    transaction.consented = true;
}

/// Checks a user code.
fn code(
    world: &World,
    exchange: &Exchange,
    transaction: &mut Transaction,
    form: &Form,
) -> Option<u32> {
    let entered = form.get("otc").unwrap_or_default();
    let now = exchange.now.unix_timestamp();
    let Purpose::Device {
        user_code,
        scope,
        claims,
    } = &mut transaction.purpose
    else {
        return None;
    };
    match world.entra.devices.find(entered, now) {
        Ok(pending) => {
            *user_code = entered.to_owned();
            *scope = pending.scope;
            *claims = pending.claims;
            transaction.client = pending.client;
            transaction.segment = pending.segment;
            None
        }
        Err(_) => Some(70018),
    }
}
