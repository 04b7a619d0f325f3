//! The page about consent: the program and the permissions that it requests.

use crate::{
    directory::first_party_title,
    entra::{
        delegated_scope::RequestedScope,
        sign_in::{
            pages::frame::{Page, View, buttons, esc},
            step::Ready,
        },
    },
};
use axum::response::Response;
use uuid::Uuid;

impl View<'_> {
    /// 'Permissions requested'.
    pub(in crate::entra::sign_in) fn consent(&self, ready: &Ready<'_>) -> Response {
        let content = format!(
            r#"{}<p class="lead"><b>{}</b> would like to:</p>
{}
<p class="aside">If you accept, this program can use these permissions until you or an administrator revokes them.</p>
{}"#,
            self.who(ready.session.account),
            esc(&ready.session.application.name),
            self.permissions(ready),
            self.form(buttons(&[("accept", "Accept"), ("cancel", "Cancel")])),
        );
        self.respond(&Page {
            place: &ready.session.tenant.name,
            title: "Permissions requested",
            content,
        })
    }

    /// 'Need admin approval'.
    pub(in crate::entra::sign_in) fn admin_consent(&self, ready: &Ready<'_>) -> Response {
        let content = format!(
            r#"{}<p class="lead"><b>{}</b> needs permissions in {} that only an administrator can grant:</p>
{}
<p>Ask an administrator to grant these permissions. <small>AADSTS90094</small></p>
{}"#,
            self.who(ready.session.account),
            esc(&ready.session.application.name),
            esc(&ready.session.tenant.name),
            self.permissions(ready),
            self.form(buttons(&[
                ("without_consent", "Return to the program without consent"),
                ("list", "Sign in with another account"),
            ])),
        );
        self.respond(&Page {
            place: &ready.session.tenant.name,
            title: "Need admin approval",
            content,
        })
    }

    /// 'Are you trying to sign in to …?'.
    pub(in crate::entra::sign_in) fn confirm(&self, ready: &Ready<'_>) -> Response {
        let name = &ready.session.application.name;
        let content = format!(
            r#"{}<p>A program on another device will be signed in as you. Continue only if you started this sign-in yourself. Cancel if another person sent you the code.</p>
{}"#,
            self.who(ready.session.account),
            self.form(buttons(&[("confirm", "Continue"), ("cancel", "Cancel")])),
        );
        self.respond(&Page {
            place: &ready.session.tenant.name,
            title: &format!("Are you trying to sign in to {name}?"),
            content,
        })
    }

    /// The requested permissions, in the user's words.
    fn permissions(&self, ready: &Ready<'_>) -> String {
        let resource = self.resource_name(ready.resource.app_id);
        let RequestedScope {
            openid,
            email,
            offline,
            ..
        } = ready.requested;
        let named = ready.requested.permissions();
        let mut all = Vec::new();
        if named.is_empty() {
            all.push((
                format!("Access {resource} as you"),
                format!("{}/.default", ready.requested.resource),
            ));
        }
        for name in named {
            all.push((
                format!("{name} in {resource}, as you"),
                format!("{}/{name}", ready.requested.resource),
            ));
        }
        for (is_requested, text, name) in [
            (
                openid,
                "Sign you in and read your profile",
                "openid profile",
            ),
            (email, "View your email address", "email"),
            (
                offline,
                "Maintain access to data you have given it access to",
                "offline_access",
            ),
        ] {
            if is_requested {
                all.push((text.to_owned(), name.to_owned()));
            }
        }
        let items: String = all
            .iter()
            .map(|(text, name)| format!("<li>{}<small>{}</small></li>", esc(text), esc(name)))
            .collect();
        format!(r#"<ul class="permissions">{items}</ul>"#)
    }

    fn resource_name(&self, app_id: Uuid) -> String {
        if let Some(title) = first_party_title(app_id) {
            return title.to_owned();
        }
        match self.directory.applications.get(&app_id) {
            Some(application) => application.name.clone(),
            None => app_id.to_string(),
        }
    }
}
