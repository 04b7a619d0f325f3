//! Shared access signatures: made, read and checked.
//!
//! The texts that are signed are those of "Create a service SAS", "Create a user delegation SAS"
//! and "Create an account SAS" (Microsoft Learn). They depend on the version `sv`.

use super::keys::{AccountKeys, DelegationKey};
use std::collections::BTreeMap;
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use uuid::Uuid;

/// The version with which this emulator signs.
const VERSION: &str = "2022-11-02";
/// The oldest version that is read: older texts had no services, addresses or protocols.
const OLDEST: &str = "2015-04-05";

/// A principal that signs with a delegation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delegate {
    pub(crate) object_id: Uuid,
    pub(crate) tenant: Uuid,
}

/// What a new shared access signature allows, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sign<'a> {
    /// The letters in Azure's order: `rcwl` (read, create, write, list), `racwdl`.
    pub(crate) permissions: &'a str,
    /// From when. `None`: at once.
    pub(crate) start: Option<OffsetDateTime>,
    pub(crate) expiry: OffsetDateTime,
}

/// What a shared access signature is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Services (`bfqt`) and types of resources (`sco`) of the account.
    Account { services: String, types: String },
    /// A container or a blob, signed with a key of the account.
    Service,
    /// A container or a blob, signed by a principal.
    Delegated(DelegationKey),
}

/// Why a shared access signature is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A field that each one has is missing.
    Missing(&'static str),
    /// A field's value can't be read.
    Malformed(&'static str),
    /// A field that this emulator does not check.
    NotServed(&'static str),
    /// The signature is not that of this text.
    NotSigned(String),
    /// It begins later, or has ended.
    Time {
        start: Option<OffsetDateTime>,
        expiry: OffsetDateTime,
    },
    /// The delegation key begins later, or has ended.
    KeyTime {
        start: OffsetDateTime,
        expiry: OffsetDateTime,
    },
}

/// A shared access signature in a request's query.
#[derive(Clone)]
pub(crate) struct Sas {
    fields: BTreeMap<String, String>,
    pub(crate) scope: Scope,
    start: Option<OffsetDateTime>,
    expiry: OffsetDateTime,
}

impl std::fmt::Debug for Sas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sas").finish_non_exhaustive()
    }
}

/// The query's parameters that belong to a shared access signature, in the order in which Azure ML
/// writes those that it uses.
const FIELDS: &[&str] = &[
    "skoid", "sktid", "skt", "ske", "sks", "skv", "sv", "st", "se", "srt", "ss", "sr", "sp", "sip",
    "spr", "si", "ses", "sig", "saoid", "suoid", "scid", "skdutid", "sduoid", "sdd", "srh", "srq",
    "rscc", "rscd", "rsce", "rscl", "rsct", "snapshot",
];

impl Sas {
    /// The one in these parameters, which are decoded. `None` without `sig`.
    pub(crate) fn of<'a>(
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Result<Self, Problem>> {
        let known = query.into_iter().filter(|(name, _)| FIELDS.contains(name));
        let fields: BTreeMap<_, _> = known
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        fields.contains_key("sig").then(|| Self::read(fields))
    }

    fn read(fields: BTreeMap<String, String>) -> Result<Self, Problem> {
        let required = |name: &'static str| {
            let value = fields.get(name).filter(|value| !value.is_empty());
            value.cloned().ok_or(Problem::Missing(name))
        };
        let time =
            |name: &'static str| parse_time(&required(name)?).ok_or(Problem::Malformed(name));
        if required("sv")?.as_str() < OLDEST {
            return Err(Problem::Malformed("sv"));
        }
        for not_served in ["si", "srh", "srq", "snapshot"] {
            if required(not_served).is_ok() {
                return Err(Problem::NotServed(not_served));
            }
        }
        let expiry = time("se")?;
        required("sp")?;
        let start = match fields.get("st").map(String::as_str) {
            None | Some("") => None,
            Some(_) => Some(time("st")?),
        };
        let scope = if fields.contains_key("srt") || fields.contains_key("ss") {
            Scope::Account {
                services: required("ss")?,
                types: required("srt")?,
            }
        } else if required("sr")? != "b" && !matches!(required("sr")?.as_str(), "c" | "d") {
            return Err(Problem::Malformed("sr"));
        } else if fields.contains_key("skoid") {
            let id = |name| {
                required(name)?
                    .parse()
                    .map_err(|_| Problem::Malformed(name))
            };
            time("skt")?;
            time("ske")?;
            Scope::Delegated(DelegationKey {
                delegate: Delegate {
                    object_id: id("skoid")?,
                    tenant: id("sktid")?,
                },
                start: required("skt")?,
                expiry: required("ske")?,
                service: required("sks")?,
                version: required("skv")?,
            })
        } else {
            Scope::Service
        };
        Ok(Self {
            fields,
            scope,
            start,
            expiry,
        })
    }

    #[cfg(test)]
    pub(super) fn fields(&self) -> &BTreeMap<String, String> {
        &self.fields
    }

    /// The value of a field; empty if it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// Whether it has one of these permissions.
    pub(crate) fn permits(&self, any_of: &str) -> bool {
        let has = self.get("sp");
        any_of.chars().any(|letter| has.contains(letter))
    }

    /// Checks the signature, and then the times.
    ///
    /// # Errors
    /// When another key or another text was signed, and when it is too early or too late.
    pub(crate) fn check(
        &self,
        account: &str,
        container: &str,
        blob: &str,
        keys: &AccountKeys,
        now: OffsetDateTime,
    ) -> Result<(), Problem> {
        let text = self.string_to_sign(account, container, blob);
        let signature = self.get("sig");
        let is_signed = match &self.scope {
            Scope::Delegated(key) => keys.delegate_has_signed(key, &text, signature),
            _ => keys.have_signed(&text, signature),
        };
        if !is_signed {
            return Err(Problem::NotSigned(text));
        }
        if self.start.is_some_and(|start| now < start) || now >= self.expiry {
            return Err(Problem::Time {
                start: self.start,
                expiry: self.expiry,
            });
        }
        if let Scope::Delegated(key) = &self.scope
            && let (Some(start), Some(expiry)) = (parse_time(&key.start), parse_time(&key.expiry))
            && !(start..expiry).contains(&now)
        {
            return Err(Problem::KeyTime { start, expiry });
        }
        Ok(())
    }

    /// The text that was signed, for a request to this container and blob (empty without one).
    fn string_to_sign(&self, account: &str, container: &str, blob: &str) -> String {
        let since = |version: &str, names: &'static [&'static str]| {
            let names = if self.get("sv") >= version {
                names
            } else {
                &[]
            };
            names.iter().map(|name| self.get(name))
        };
        let resource = self.resource(account, container, blob);
        let begin = ["sp", "st", "se"].map(|name| self.get(name));
        let connection = ["sip", "spr", "sv"].map(|name| self.get(name));
        let replies = ["rscc", "rscd", "rsce", "rscl", "rsct"].map(|name| self.get(name));
        let mut parts: Vec<&str> = Vec::new();
        match &self.scope {
            Scope::Account { services, types } => {
                parts.extend([account, self.get("sp"), services.as_str(), types.as_str()]);
                parts.extend(["st", "se"].map(|name| self.get(name)));
                parts.extend(connection);
                parts.extend(since("2020-12-06", &["ses"]));
                // It ends with a line's end.
                parts.push("");
            }
            Scope::Service => {
                parts.extend(begin);
                parts.extend([resource.as_str(), self.get("si")]);
                parts.extend(connection);
                parts.extend(since("2018-11-09", &["sr", "snapshot"]));
                parts.extend(since("2020-12-06", &["ses"]));
                parts.extend(replies);
            }
            Scope::Delegated(_) => {
                parts.extend(begin);
                parts.push(&resource);
                let key = ["skoid", "sktid", "skt", "ske", "sks", "skv"];
                parts.extend(key.map(|name| self.get(name)));
                parts.extend(since("2020-02-10", &["saoid", "suoid", "scid"]));
                parts.extend(since("2025-07-05", &["skdutid", "sduoid"]));
                parts.extend(connection);
                parts.extend(["sr", "snapshot"].map(|name| self.get(name)));
                parts.extend(since("2020-12-06", &["ses"]));
                parts.extend(since("2026-04-06", &["srh", "srq"]));
                parts.extend(replies);
            }
        }
        parts.join("\n")
    }

    /// The resource that is signed, for a request to this container and blob.
    fn resource(&self, account: &str, container: &str, blob: &str) -> String {
        let below = match self.get("sr") {
            "b" => format!("/{blob}"),
            "d" => {
                let depth = self.get("sdd").parse().unwrap_or(0);
                blob.split('/')
                    .take(depth)
                    .fold(String::new(), |path, part| path + "/" + part)
            }
            _ => String::new(),
        };
        format!("/blob/{account}/{container}{below}")
    }

    /// A new one with these fields and no signature.
    fn unsigned(scope: Scope, sign: &Sign<'_>, others: &[(&str, &str)]) -> Self {
        let mut fields = BTreeMap::from([
            ("sv".to_owned(), VERSION.to_owned()),
            ("sp".to_owned(), sign.permissions.to_owned()),
            ("se".to_owned(), iso(sign.expiry)),
        ]);
        if let Some(start) = sign.start {
            fields.insert("st".to_owned(), iso(start));
        }
        let others = others
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        fields.extend(others);
        Self {
            fields,
            scope,
            start: sign.start,
            expiry: sign.expiry,
        }
    }

    /// As a query, without `?`.
    fn query(&self, signature: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let known = FIELDS.iter().filter(|name| **name != "sig");
        let written = known.filter_map(|name| Some((*name, self.fields.get(*name)?)));
        query.extend_pairs(written);
        query.append_pair("sig", signature);
        query.finish()
    }
}

pub(super) fn for_container(
    account: &str,
    container: &str,
    sign: &Sign<'_>,
    keys: &AccountKeys,
) -> String {
    let sas = Sas::unsigned(Scope::Service, sign, &[("sr", "c")]);
    sas.query(&keys.sign(&sas.string_to_sign(account, container, "")))
}

#[cfg(test)]
pub(super) fn for_blob(
    account: &str,
    container: &str,
    blob: &str,
    sign: &Sign<'_>,
    keys: &AccountKeys,
) -> String {
    let sas = Sas::unsigned(Scope::Service, sign, &[("sr", "b")]);
    sas.query(&keys.sign(&sas.string_to_sign(account, container, blob)))
}

pub(super) fn for_account(
    account: &str,
    services: &str,
    types: &str,
    sign: &Sign<'_>,
    keys: &AccountKeys,
) -> String {
    let scope = Scope::Account {
        services: services.to_owned(),
        types: types.to_owned(),
    };
    let sas = Sas::unsigned(scope, sign, &[("ss", services), ("srt", types)]);
    sas.query(&keys.sign(&sas.string_to_sign(account, "", "")))
}

pub(super) fn for_delegate(
    account: &str,
    container: &str,
    delegate: Delegate,
    sign: &Sign<'_>,
    keys: &AccountKeys,
) -> String {
    // A key's life and that of its signature can be the same.
    let start = sign.start.unwrap_or(sign.expiry - time::Duration::days(7));
    let key = DelegationKey::between(delegate, start, sign.expiry, VERSION);
    let (oid, tid) = (delegate.object_id.to_string(), delegate.tenant.to_string());
    let sas = Sas::unsigned(
        Scope::Delegated(key.clone()),
        sign,
        &[
            ("sr", "c"),
            ("skoid", &oid),
            ("sktid", &tid),
            ("skt", &key.start),
            ("ske", &key.expiry),
            ("sks", &key.service),
            ("skv", &key.version),
        ],
    );
    sas.query(&keys.sign_as_delegate(&key, &sas.string_to_sign(account, container, "")))
}

/// A time as signatures have it: `2026-01-01T00:00:00Z`.
pub(crate) fn iso(time: OffsetDateTime) -> String {
    let whole = time.to_offset(UtcOffset::UTC).replace_nanosecond(0);
    whole.unwrap_or(time).format(&Rfc3339).unwrap_or_default()
}

/// A time in one of the forms of "Formatting DateTime values" (Microsoft Learn): a date, with hours
/// and minutes, seconds, decimals.
pub(crate) fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let full = match (text.len(), text.strip_suffix('Z')) {
        (10, None) => format!("{text}T00:00:00Z"),
        (17, Some(minutes)) => format!("{minutes}:00Z"),
        _ => text.to_owned(),
    };
    OffsetDateTime::parse(&full, &Rfc3339).ok()
}
