//! A stored sign-in: JSON with a version. A newer version may add members, which an older one
//! ignores.

use crate::{facts::Refusal, json};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};
use zeroize::Zeroizing;

const VERSION: u32 = 1;

/// The content of an entry.
#[derive(Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A sign-in.
    Account(Box<Record>),
    /// The current sign-in of a profile at an authority.
    Current {
        profile: String,
        authority: String,
        id: String,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    #[serde(flatten)]
    entry: &'a Entry,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// A sign-in: whose it is, where, and what it left.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) profile: String,
    /// The authority's address.
    pub(crate) authority: String,
    pub(crate) id: String,
    /// The tenant of tokens, unless a request names another.
    pub(crate) tenant: String,
    /// The client id; a managed identity has none.
    pub(crate) client_id: Option<String>,
    /// Seconds since 1970.
    pub(crate) signed_in_on: u64,
    /// A new value for each sign-in. Tokens that were cached for one sign-in are not returned after
    /// the next.
    pub(crate) session: String,
    pub(crate) proof: StoredProof,
}

/// What tokens are requested with.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum StoredProof {
    Person(Box<Person>),
    ClientSecret {
        #[serde(default)]
        secret: KeptSecret,
    },
    ClientCertificate {
        path: String,
        /// Whether a password for the certificate is stored.
        has_password: bool,
        #[serde(default)]
        password: KeptSecret,
    },
    FederatedToken {
        path: String,
    },
    ManagedIdentity {
        /// The parameter that selects the identity, and its value; `None` for the machine's own.
        named: Option<(String, String)>,
    },
}

/// Where a secret is stored.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "snake_case")]
pub(crate) enum KeptSecret {
    /// In the keyring, as older versions stored it: under the same name for all data folders.
    #[default]
    OldItem,
    /// In the keyring, in an item of this data folder.
    Item,
    /// In this record.
    Here {
        #[serde(serialize_with = "expose", deserialize_with = "hide")]
        secret: SecretString,
    },
}

/// A person who signed in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Person {
    /// `OBJECT-ID.TENANT-ID` of the account at home, if the provider returns it.
    pub(crate) home_account_id: Option<String>,
    /// The person's object id in the tenant of the tokens. A guest has another one at home.
    #[serde(default)]
    pub(crate) object_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) name: Option<String>,
    /// The tenants that the person signed in to, the latest first.
    pub(crate) tenants: Vec<String>,
    /// The names of tenants, by id.
    #[serde(default)]
    pub(crate) tenant_names: BTreeMap<String, String>,
    /// One refresh token for each application, the latest first.
    pub(crate) refresh: Vec<RefreshToken>,
    /// Applications that the provider rejected as not of the family of these refresh tokens.
    #[serde(default)]
    pub(crate) not_of_family: Vec<String>,
    /// Why there is no refresh token any more.
    #[serde(default)]
    pub(crate) ended: Option<Ended>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    pub(crate) client_id: String,
    /// The family of applications that may use the refresh token.
    pub(crate) family: Option<String>,
    #[serde(serialize_with = "expose", deserialize_with = "hide")]
    pub(crate) token: SecretString,
}

/// How the provider ended a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// The application whose sign-in ended.
    pub(crate) client_id: String,
    pub(crate) why: String,
    pub(crate) error: String,
    pub(crate) code: Option<u32>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) timestamp: Option<String>,
}

impl Ended {
    pub(crate) fn new(client_id: &str, why: &str, refusal: &Refusal) -> Self {
        Self {
            client_id: client_id.to_owned(),
            why: why.to_owned(),
            error: refusal.error.clone(),
            code: refusal.code,
            correlation_id: refusal.correlation_id.clone(),
            timestamp: refusal.timestamp.clone(),
        }
    }

    /// The provider's response, as far as it was stored.
    pub(crate) fn refusal(&self) -> Refusal {
        Refusal {
            status: 400,
            error: self.error.clone(),
            code: self.code,
            correlation_id: self.correlation_id.clone(),
            timestamp: self.timestamp.clone(),
            ..Refusal::default()
        }
    }
}

impl Entry {
    /// Reads an entry; `None` for one of a newer version, and for bytes that are not an entry.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let Version { version } = json::object(bytes)?;
        (version == VERSION).then(|| json::object(bytes))?
    }

    pub(super) fn written(&self) -> Zeroizing<Vec<u8>> {
        // The capacity is enough for all: a vector that grows leaves copies of secrets in memory.
        let secrets: usize = match self {
            Self::Account(record) => record.secrets().map(str::len).sum(),
            Self::Current { .. } => 0,
        };
        let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024 + 2 * secrets));
        let written = Written {
            version: VERSION,
            entry: self,
        };
        // Serialization can't fail: all keys of maps are names.
        let done = serde_json::to_writer(&mut *bytes, &written);
        debug_assert!(done.is_ok());
        bytes
    }
}

impl Record {
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let refresh = self.person().map_or(&[][..], |person| &person.refresh);
        let own = match &self.proof {
            StoredProof::ClientSecret {
                secret: KeptSecret::Here { secret },
            }
            | StoredProof::ClientCertificate {
                password: KeptSecret::Here { secret },
                ..
            } => Some(secret),
            _ => None,
        };
        let refresh = refresh.iter().map(|one| &one.token);
        refresh.chain(own).map(SecretString::expose_secret)
    }

    pub(crate) fn person(&self) -> Option<&Person> {
        match &self.proof {
            StoredProof::Person(person) => Some(person),
            _ => None,
        }
    }

    pub(crate) fn person_mut(&mut self) -> Option<&mut Person> {
        match &mut self.proof {
            StoredProof::Person(person) => Some(person),
            _ => None,
        }
    }

    pub(crate) fn signed_in_on(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.signed_in_on.min(1 << 36))
    }
}

/// An id made of these parts, short enough to type and unlikely to be another's. Case counts, so
/// parts without case are passed in lower case.
pub(crate) fn id_of(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let hash = digest(&SHA256, &bytes);
    hash.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A value that no other sign-in has.
pub(crate) fn new_session() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Seconds since 1970.
pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

fn expose<S: Serializer>(token: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose_secret())
}

fn hide<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            profile: "default".into(),
            authority: "https://login.microsoftonline.com".into(),
            id: id_of(&["person", "o.t"]),
            tenant: "t".into(),
            client_id: Some("c".into()),
            signed_in_on: 7,
            session: new_session(),
            proof: StoredProof::Person(Box::new(Person {
                refresh: vec![RefreshToken {
                    client_id: "c".into(),
                    family: Some("1".into()),
                    token: "canary\"\\".to_owned().into(),
                }],
                ..Person::default()
            })),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let written = Entry::Account(Box::new(record())).written();
        let Some(Entry::Account(read)) = Entry::read(&written) else {
            panic!("{}", String::from_utf8_lossy(&written));
        };
        let person = read.person().unwrap();
        assert_eq!(person.refresh[0].token.expose_secret(), "canary\"\\");
        assert_eq!(person.refresh[0].family.as_deref(), Some("1"));
        assert_eq!(read.id, record().id);
    }

    #[test]
    fn a_secret_of_an_older_version_is_in_the_item_that_it_had() {
        let old = r#"{"kind":"client_secret"}"#;
        let Ok(StoredProof::ClientSecret { secret }) = serde_json::from_str(old) else {
            panic!("it is read");
        };
        assert!(matches!(secret, KeptSecret::OldItem));
        let old = r#"{"kind":"client_certificate","path":"/c.pem","has_password":true}"#;
        let Ok(StoredProof::ClientCertificate { password, .. }) = serde_json::from_str(old) else {
            panic!("it is read");
        };
        assert!(matches!(password, KeptSecret::OldItem));
    }

    #[test]
    fn entries_of_a_newer_version_and_damaged_ones_are_skipped() {
        let written = Entry::Account(Box::new(record())).written();
        let text = String::from_utf8(written.to_vec()).unwrap();
        let newer = text.replacen("\"version\":1", "\"version\":2", 1);
        assert_ne!(newer, text);
        let more = text.replacen('{', "{\"later\":[],", 1);
        assert!(Entry::read(more.as_bytes()).is_some());
        for bad in [&newer, "", "[]", "{\"version\":1}", &text[1..]] {
            assert!(Entry::read(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn an_id_is_of_all_its_parts() {
        assert_ne!(id_of(&["A", "b"]), id_of(&["a", "b"]));
        assert_ne!(id_of(&["ab", ""]), id_of(&["a", "b"]));
        assert_eq!(id_of(&[]).len(), 16);
    }
}
