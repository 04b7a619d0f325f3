//! Pages about the account: the list of accounts, the sign-in name, the password, the second
//! factor.

use crate::{
    directory::User,
    entra::sign_in::{
        pages::frame::{Page, View, buttons, esc, notice},
        second_factor,
        step::offered,
    },
};
use axum::response::Response;
use std::path::Path;

/// Most accounts in the list. Other names can be entered.
const MAX_LISTED: usize = 12;

impl View<'_> {
    /// 'Pick an account'.
    pub(in crate::entra::sign_in) fn account(&self) -> Response {
        let is_here = |user: &User| self.browser.session_of(user.id).is_some();
        let mut all: Vec<&User> = offered(self.directory, self.transaction).collect();
        all.sort_by_key(|user| !is_here(user));
        let mut list = String::new();
        for user in all.iter().take(MAX_LISTED) {
            let state = match is_here(user) {
                true => r#"<small class="here">signed in</small>"#,
                false => "",
            };
            list += &format!(
                r#"<li><button type="submit" name="account" value="{}" class="choice"><span class="face" aria-hidden="true">{}</span><span><b>{}</b><small>{}</small></span>{state}</button></li>"#,
                user.id,
                esc(&initials(&user.name)),
                esc(&user.name),
                esc(&user.user_principal_name),
            );
        }
        let content = format!(
            r#"<p class="lead">to continue to <b>{}</b></p>
{}
<form method="post" action="/common/login" class="row">
<input type="hidden" name="ctx" value="{}">
{}
</form>"#,
            esc(self.program()),
            self.form(format!(
                r#"<input type="hidden" name="do" value="account"><ul class="choices">{list}</ul>"#
            )),
            esc(self.ctx),
            buttons(&[("another", "Use another account"), ("cancel", "Cancel")]),
        );
        self.respond(&Page {
            place: &self.place(),
            title: "Pick an account",
            content,
        })
    }

    /// 'Sign in': the field for the name.
    pub(in crate::entra::sign_in) fn name(&self) -> Response {
        let request = self.transaction.request();
        let hint = request.and_then(|request| request.login_hint.as_deref());
        let content = self.form(format!(
            r#"<p class="lead">to continue to <b>{}</b></p>
<label for="loginfmt">Email or sign-in name</label>
<input id="loginfmt" name="loginfmt" type="text" inputmode="email" autocapitalize="none" spellcheck="false" required maxlength="256" autofocus value="{}" aria-describedby="notice">
{}
{}
<p class="aside"><button type="submit" name="do" value="list" class="link" formnovalidate>Pick one of the emulator’s accounts</button></p>"#,
            esc(self.program()),
            esc(hint.unwrap_or_default()),
            notice(self.transaction.notice),
            buttons_without_check("name", "Next"),
        ));
        self.respond(&Page {
            place: &self.place(),
            title: "Sign in",
            content,
        })
    }

    /// 'Enter password'. `passwords` is the file that has it.
    pub(in crate::entra::sign_in) fn password(
        &self,
        account: &User,
        passwords: Option<&Path>,
    ) -> Response {
        let file = passwords.map_or_else(
            || "emulator.json".to_owned(),
            |file| file.display().to_string(),
        );
        let content = self.form(format!(
            r#"<input class="unseen" name="loginfmt" type="text" autocomplete="username" value="{}" readonly tabindex="-1" aria-hidden="true">
<label for="passwd">Password</label>
<input id="passwd" name="passwd" type="password" autocomplete="current-password" required maxlength="256" autofocus aria-describedby="notice where">
{}
<p class="aside" id="where">You find it under <code>users</code> in <code>{}</code>.</p>
{}"#,
            esc(&account.user_principal_name),
            notice(self.transaction.notice),
            esc(&file),
            buttons_without_check("password", "Sign in"),
        ));
        self.respond(&Page {
            place: &self.place(),
            title: "Enter password",
            content: self.who(account) + &content,
        })
    }

    /// The second factor. `now` is in Unix seconds.
    pub(in crate::entra::sign_in) fn second_factor(&self, account: &User, now: i64) -> Response {
        let number = second_factor::number(self.directory, account.id, now).unwrap_or_default();
        let content = self.form(format!(
            r#"<p class="phone"><span>The emulator’s authenticator app shows</span> <output id="shown">{}</output></p>
<label for="otc">Number</label>
<input id="otc" name="otc" type="text" inputmode="numeric" autocomplete="one-time-code" required maxlength="16" autofocus aria-describedby="notice">
{}
{}"#,
            esc(&number),
            notice(self.transaction.notice),
            buttons_without_check("second_factor", "Verify"),
        ));
        self.respond(&Page {
            place: &self.place(),
            title: "Enter the number",
            content: self.who(account) + &content,
        })
    }

    /// The account that signs in, with a link to choose another.
    pub(super) fn who(&self, account: &User) -> String {
        self.form(format!(
            r#"<p class="who"><span class="face" aria-hidden="true">{}</span><span>{}</span><button type="submit" name="do" value="list" class="link">Not you?</button></p>"#,
            esc(&initials(&account.name)),
            esc(&account.user_principal_name),
        ))
    }
}

/// The two usual buttons. The second does not require the form to be filled in.
fn buttons_without_check(does: &str, label: &str) -> String {
    buttons(&[(does, label), ("cancel", "Cancel")])
        .replace(r#"value="cancel""#, r#"value="cancel" formnovalidate"#)
}

/// Two initials of a name.
fn initials(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first = words.next().and_then(|word| word.chars().next());
    let last = words.next_back().and_then(|word| word.chars().next());
    first.into_iter().chain(last).collect()
}
