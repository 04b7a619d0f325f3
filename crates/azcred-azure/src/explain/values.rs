//! The names and values that a text has: which application, which tenant, which action at which
//! scope. Near the error first, then anywhere in the text.

use super::{flat::Flat, hide::shown_value};
use crate::text::is_guid;

/// How far after an error its message reaches, and how far before it the request is named.
const AFTER: usize = 3000;
const BEFORE: usize = 1500;

/// What a text says of a request.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) client_id: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) object_id: Option<String>,
    pub(super) user: Option<String>,
    pub(super) action: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) subscription: Option<String>,
    pub(super) group: Option<String>,
    pub(super) workspace: Option<String>,
    pub(super) account: Option<String>,
    pub(super) vault: Option<String>,
    pub(super) registry: Option<String>,
    pub(super) host: Option<String>,
    pub(super) correlation_id: Option<String>,
    pub(super) timestamp: Option<String>,
}

impl Values {
    /// The values around an error from `at` on.
    pub(super) fn around(flat: &Flat, at: usize) -> Self {
        let message = flat.part(at, at + AFTER);
        let near = flat.part(at.saturating_sub(BEFORE), at + AFTER);
        let all = &*flat.text;
        let places = [message, near, all];
        let first = |find: &dyn Fn(&str) -> Option<&str>| {
            let found = places.iter().find_map(|place| find(place))?;
            shown_value(found)
        };
        let close = |find: &dyn Fn(&str) -> Option<&str>| {
            let found = [message, near].iter().find_map(|place| find(place))?;
            shown_value(found)
        };
        Self {
            client_id: first(&client_id),
            tenant: first(&tenant),
            object_id: first(&|text| {
                guid_after(text, &["object id '", "oid=", "Object Id: ", "objectId="])
            }),
            user: close(&|text| user(text)),
            action: close(&|text| {
                quoted(text, &["action '", "actions '", "action(s) '", "Action: '"])
            }),
            scope: close(&|text| quoted(text, &["over scope '", "scope '"])),
            resource: close(&resource),
            issuer: close(&|text| quoted(text, &["issuer '", "Issuer: '", "issuer: '"])),
            subject: close(&|text| quoted(text, &["subject '", "Subject: '", "subject: '"])),
            audience: close(&|text| quoted(text, &["audience '", "Audience: '", "audience: '"])),
            subscription: first(&|text| {
                guid_after(
                    text,
                    &[
                        "/subscriptions/",
                        "subscription '",
                        "Subscription '",
                        "access to ",
                    ],
                )
            }),
            group: first(&|text| {
                segment(text, "/resourceGroups/")
                    .or_else(|| segment(text, "/resourcegroups/"))
                    .or_else(|| quoted(text, &["Resource group '", "resource group '"]))
            }),
            workspace: first(&|text| segment(text, "/workspaces/")),
            account: first(&|text| {
                [".blob.core.", ".dfs.core.", ".queue.core.", ".file.core."]
                    .iter()
                    .find_map(|end| label_before(text, end))
            }),
            vault: first(&|text| {
                label_before(text, ".vault.").or_else(|| word_after(text, "vault: "))
            })
            .map(|vault| vault.split(';').next().unwrap_or_default().to_owned()),
            registry: first(&|text| label_before(text, ".azurecr.")),
            host: close(&host),
            correlation_id: close(&correlation_id),
            timestamp: close(&timestamp),
        }
    }

    /// The values that are known, by their names in JSON.
    pub(super) fn named(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("clientId", &self.client_id),
            ("tenant", &self.tenant),
            ("objectId", &self.object_id),
            ("user", &self.user),
            ("action", &self.action),
            ("scope", &self.scope),
            ("resource", &self.resource),
            ("issuer", &self.issuer),
            ("subject", &self.subject),
            ("audience", &self.audience),
            ("subscription", &self.subscription),
            ("resourceGroup", &self.group),
            ("workspace", &self.workspace),
            ("storageAccount", &self.account),
            ("keyVault", &self.vault),
            ("registry", &self.registry),
            ("host", &self.host),
        ];
        let known = all.into_iter();
        known
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect()
    }
}

/// What follows the first of these marks.
fn after<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    let found = marks
        .iter()
        .filter_map(|mark| Some((text.find(mark)?, mark.len())));
    let (at, length) = found.min()?;
    Some(&text[at + length..])
}

/// The text in quotes after the first of these marks, each of which ends in a quote.
fn quoted<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    let rest = after(text, marks)?;
    let end = rest.find(['\'', '"'])?;
    Some(&rest[..end]).filter(|value| !value.is_empty())
}

/// The id after one of these marks.
fn guid_after<'a>(text: &'a str, marks: &[&str]) -> Option<&'a str> {
    marks.iter().find_map(|mark| {
        let mut places = text.match_indices(mark);
        places.find_map(|(at, _)| {
            text.get(at + mark.len()..at + mark.len() + 36)
                .filter(|id| is_guid(id))
        })
    })
}

fn client_id(text: &str) -> Option<&str> {
    guid_after(
        text,
        &[
            "pplication with identifier '",
            "for app '",
            "to app '",
            "pplication '",
            "client application ",
            "pplication with ID '",
            "the application ",
            "app Id '",
            "app ID ",
            "appid=",
            "client_id=",
            "client_id\": \"",
            "client_id\":\"",
            "client_id': '",
            "AZURE_CLIENT_ID=",
            "client id ",
            "The client '",
        ],
    )
}

/// An id or a domain.
fn tenant(text: &str) -> Option<&str> {
    let of_message = guid_after(
        text,
        &[
            "directory '",
            "tenant '",
            "Tenant '",
            "in the tenant ",
            "must match the tenant 'https://sts.windows.net/",
        ],
    );
    of_message
        .or_else(|| segment(text, "login.microsoftonline.com/").filter(|tenant| is_tenant(tenant)))
        .or_else(|| segment(text, "login.microsoftonline.us/").filter(|tenant| is_tenant(tenant)))
        .or_else(|| word_after(text, "--tenant \"").filter(|tenant| is_tenant(tenant)))
        .or_else(|| word_after(text, "--tenant ").filter(|tenant| is_tenant(tenant)))
        .or_else(|| word_after(text, "AZURE_TENANT_ID=").filter(|tenant| is_tenant(tenant)))
        .or_else(|| {
            quoted(text, &["Tenant '", "tenant identifier '", "tenant named "])
                .filter(|tenant| is_tenant(tenant))
        })
}

fn is_tenant(text: &str) -> bool {
    let is_domain = text.contains('.')
        && text.len() <= 253
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    is_guid(text) || is_domain
}

fn user(text: &str) -> Option<&str> {
    let found = quoted(
        text,
        &[
            "User account '",
            "The client '",
            "The user account '",
            "User '",
        ],
    );
    found.filter(|user| user.contains('@'))
}

/// The resource for which a token was wanted.
fn resource(text: &str) -> Option<&str> {
    let of_message =
        after(text, &["resource principal named "]).and_then(|rest| rest.split(" was").next());
    of_message
        .or_else(|| quoted(text, &["for resource '", "Resource value from request: '"]))
        .or_else(|| {
            after(text, &["Resource value from request: "]).and_then(|rest| rest.split(". ").next())
        })
        .filter(|resource| resource.len() < 200)
}

/// The part of a path or an address after a mark.
fn segment<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_.()".contains(c)));
    let found = &rest[..end.unwrap_or(rest.len())];
    Some(found.trim_end_matches(['.', ')'])).filter(|found| !found.is_empty())
}

/// The word after a mark.
fn word_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest.find(|c: char| c.is_whitespace() || "\"',;".contains(c));
    Some(&rest[..end.unwrap_or(rest.len())]).filter(|word| !word.is_empty())
}

/// The label of a host name before its suffix.
fn label_before<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let before = &text[..text.find(suffix)?];
    let is_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let begin = before.rfind(|c: char| !is_label(c)).map_or(0, |at| at + 1);
    before.get(begin..).filter(|label| !label.is_empty())
}

/// The host that was not reached.
fn host(text: &str) -> Option<&str> {
    let found = quoted(text, &["host='", "Failed to resolve '", "(host='"]);
    found
        .or_else(|| {
            [
                "ENOTFOUND ",
                "EAI_AGAIN ",
                "ECONNREFUSED ",
                "lookup ",
                "resolve host: ",
            ]
            .iter()
            .find_map(|mark| word_after(text, mark))
            .map(|host| host.split(':').next().unwrap_or(host))
        })
        .or_else(|| segment(text, "https://"))
        .filter(|host| host.contains(['.', 'l']))
}

/// The id of the request: Entra ID's, Resource Manager's or that of storage.
fn correlation_id(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    let marks = [
        "correlation id",
        "correlation_id",
        "correlationid",
        "x-ms-correlation-request-id",
        "requestid",
        "x-ms-request-id",
        "request-id",
        "request id",
    ];
    marks.iter().find_map(|mark| {
        let mut places = lower.match_indices(mark);
        places.find_map(|(at, _)| {
            let rest = &text[at + mark.len()..];
            let value = rest.trim_start_matches(['"', '\'', ':', '=', ' ']);
            value
                .get(..36)
                .filter(|id| is_guid(id) && rest.len() - value.len() <= 8)
        })
    })
}

/// The other side's time, such as `2026-11-30 20:00:00Z`.
fn timestamp(text: &str) -> Option<&str> {
    let rest = after(
        text,
        &["Timestamp: ", "timestamp\": \"", "timestamp\":\"", "Time:"],
    )?;
    let rest = rest.trim_start();
    let end = rest.find('Z')? + 1;
    let is_date = |text: &&str| {
        let is_part = |b: u8| b.is_ascii_digit() || b"-: .TZ".contains(&b);
        (17..=32).contains(&text.len()) && text.bytes().all(is_part)
    };
    Some(&rest[..end]).filter(is_date)
}
