//! Seed files: TOML that describes what exists when the emulator starts.

mod conditional_access;
mod directory;
mod issuers;
mod lookup;
mod made;
mod managed_identities;
mod problem;
mod tables;

use crate::{
    directory::Directory,
    faults::Fault,
    jobs::JobRule,
    resources::{self, ManagedIdentity, Resources, ResourcesSeed},
    text::visible,
};
use managed_identities::ManagedIdentitiesSeed;
use problem::Problem;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use toml::{Spanned, de::DeTable};
use uuid::Uuid;

pub(crate) use made::{GeneratedSecrets, pem};

/// The directory's part of the default seed.
const DEFAULT_DIRECTORY: &str = include_str!("contoso.toml");
/// The workloads of the default seed: identities that run in Azure, and their roles.
const DEFAULT_WORKLOADS: &str = include_str!("contoso_workloads.toml");
/// The largest accepted file. People write seeds by hand, so real ones are smaller.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The source of the emulator's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seed {
    /// Contoso, with a demo application, a subscription and a workspace.
    #[default]
    Default,
    /// A TOML file.
    File(PathBuf),
    /// TOML as a string, with a name for messages.
    Text {
        /// The name in messages.
        name: String,
        /// The TOML.
        text: String,
    },
}

/// Why a seed is not valid.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The file can't be read.
    #[error("the seed file {} can't be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The text is not TOML, or an entry is not valid.
    #[error("{file}:{line}: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The field if it is known, and what is wrong.
        message: String,
    },
}

/// The content that a seed creates.
pub(crate) struct Content {
    pub(crate) directory: Directory,
    pub(crate) resources: Resources,
    pub(crate) faults: Vec<Fault>,
    pub(crate) jobs: Vec<JobRule>,
    pub(crate) managed_identities: Vec<ManagedIdentity>,
    /// The first tenant in the file, which is shown as the emulator's tenant.
    pub(crate) tenant: Uuid,
    /// A short digest of the text, which tells seeds apart.
    pub(crate) digest: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Rest {
    faults: Vec<Fault>,
    jobs: Vec<JobRule>,
}

/// The tables of the rest.
const REST_TABLES: &[&str] = &["faults", "jobs"];

/// The tables of the resources' part.
const RESOURCE_TABLES: &[&str] = &[
    "management_groups",
    "subscriptions",
    "resource_groups",
    "workspaces",
    "computes",
    "datastores",
    "resources",
    "role_definitions",
    "role_assignments",
    "deny_assignments",
];

impl Seed {
    /// The default seed as the text of a seed file.
    pub fn default_text() -> String {
        format!(
            "{DEFAULT_DIRECTORY}\n{}\n{DEFAULT_WORKLOADS}",
            resources::DEFAULT_SEED
        )
    }

    /// The name and the text.
    fn read(&self) -> Result<(String, String), SeedError> {
        match self {
            Self::Default => Ok(("the default seed".to_owned(), Self::default_text())),
            Self::Text { name, text } => Ok((name.clone(), text.clone())),
            Self::File(path) => read_file(path)
                .map(|text| (path.display().to_string(), text))
                .map_err(|source| SeedError::Unreadable {
                    path: path.clone(),
                    source,
                }),
        }
    }

    /// Parses the seed and creates its content. Secrets that it leaves out come from `made`.
    pub(crate) fn build(
        &self,
        made: &mut GeneratedSecrets,
        now: OffsetDateTime,
    ) -> Result<Content, SeedError> {
        let (file, text) = self.read()?;
        let located = |problem: Problem| SeedError::Invalid {
            file: file.clone(),
            line: line_of(&text, problem.span.as_ref().map_or(0, |span| span.start)),
            // Names and values of the file are in it.
            message: visible(&match problem.field.as_str() {
                "" => problem.message,
                field => format!("{field}: {}", problem.message),
            }),
        };
        let halves = split(&text).map_err(located)?;
        let seed: tables::DirectorySeed = deserialize(halves.directory).map_err(located)?;
        let Some(tenant) = seed.tenants.first().map(|tenant| tenant.get_ref().id) else {
            return Err(located(Problem {
                span: None,
                field: "tenants".to_owned(),
                message: "a seed needs at least one tenant: [[tenants]] with id, name and domains"
                    .into(),
            }));
        };
        let mut directory = seed.build(made, now).map_err(located)?;
        let identities: ManagedIdentitiesSeed = deserialize(halves.identities).map_err(located)?;
        let managed_identities = identities.build(&mut directory).map_err(located)?;
        let resources: ResourcesSeed = deserialize(halves.resources).map_err(located)?;
        let mut resources = resources.build(&directory, now).map_err(|problem| {
            located(Problem {
                span: Some(problem.span),
                field: problem.field,
                message: problem.message,
            })
        })?;
        for tenant in directory.tenants.keys() {
            resources.add_root_management_group(*tenant);
        }
        for identity in &managed_identities {
            let principal = directory.principal(identity.object_id);
            let tenant = principal.map_or(tenant, |found| found.tenant());
            let trusting = directory.identities.get(&identity.client_id);
            let federated = trusting.map_or(&[][..], |found| &found.federated_credentials);
            resources.add_user_assigned(identity, tenant, federated);
        }
        let rest: Rest = deserialize(halves.rest).map_err(located)?;
        Ok(Content {
            directory,
            resources,
            faults: rest.faults,
            jobs: rest.jobs,
            managed_identities,
            tenant,
            digest: digest_of(&text),
        })
    }
}

/// A seed's tables, by the part that reads them.
struct Halves<'t> {
    directory: Spanned<DeTable<'t>>,
    identities: Spanned<DeTable<'t>>,
    resources: Spanned<DeTable<'t>>,
    rest: Spanned<DeTable<'t>>,
}

/// Sorts the tables of a file into the parts that read them, and rejects unknown tables.
/// (Flattening one struct into another would not detect unknown fields, and would lose the line
/// numbers.)
fn split(text: &str) -> Result<Halves<'_>, Problem> {
    let whole = DeTable::parse(text).map_err(of_toml)?;
    let span = whole.span();
    let mut directory = DeTable::new();
    let mut identities = DeTable::new();
    let mut resources = DeTable::new();
    let mut rest = DeTable::new();
    for (key, value) in whole.into_inner() {
        let name = key.get_ref().as_ref();
        let into = match name {
            _ if tables::TABLES.contains(&name) => &mut directory,
            _ if managed_identities::TABLES.contains(&name) => &mut identities,
            _ if RESOURCE_TABLES.contains(&name) => &mut resources,
            _ if REST_TABLES.contains(&name) => &mut rest,
            _ => {
                let known: Vec<&str> = tables::TABLES
                    .iter()
                    .chain(managed_identities::TABLES)
                    .chain(RESOURCE_TABLES)
                    .chain(REST_TABLES)
                    .copied()
                    .collect();
                return Err(Problem {
                    span: Some(key.span()),
                    field: name.to_owned(),
                    message: format!("unknown table; a seed has these: {}", known.join(", ")),
                });
            }
        };
        into.insert(key, value);
    }
    let spanned = |table| Spanned::new(span.clone(), table);
    Ok(Halves {
        directory: spanned(directory),
        identities: spanned(identities),
        resources: spanned(resources),
        rest: spanned(rest),
    })
}

fn deserialize<'t, T: Deserialize<'t>>(table: Spanned<DeTable<'t>>) -> Result<T, Problem> {
    T::deserialize(toml::Deserializer::from(table)).map_err(of_toml)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn of_toml(error: toml::de::Error) -> Problem {
    Problem {
        span: error.span(),
        field: String::new(),
        message: error.message().to_owned(),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()
        .iter()
        .take(offset)
        .filter(|b| **b == b'\n')
        .count()
        + 1
}

fn digest_of(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref()[..4]
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

fn read_file(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let mut file = std::fs::File::open(path)?.take(MAX_BYTES + 1);
    file.read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "the file is larger than 4 MiB, the limit for a seed",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(text: &str) -> Result<Content, SeedError> {
        let seed = Seed::Text {
            name: "seed.toml".into(),
            text: text.into(),
        };
        seed.build(&mut GeneratedSecrets::default(), OffsetDateTime::now_utc())
    }

    fn refusal(text: &str) -> String {
        build(text).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn no_name_in_a_seed_reaches_the_terminal_unseen() {
        let said = refusal("[[tenants]]\nid = '1'\n[[\"\\u001b[2J\\u202e\"]]\n");
        assert!(!said.chars().any(crate::text::is_unseen), "{said:?}");
        let said = refusal("[[\"\\u001b\\u202e\"]]\n");
        assert!(
            said.starts_with("seed.toml:1: \u{fffd}\u{fffd}: unknown table"),
            "{said:?}"
        );
    }

    const TENANT: &str = "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n";

    #[test]
    fn the_default_seed_is_a_company_with_a_workspace_and_keeps_its_secrets() {
        let mut made = GeneratedSecrets::default();
        let now = OffsetDateTime::now_utc();
        let first = Seed::Default.build(&mut made, now).unwrap();
        assert!(made.has_changed());
        let secret = |content: &Content| {
            let app = content
                .directory
                .applications
                .values()
                .find(|a| a.name == "azcred-demo");
            app.unwrap().secrets[0].text.clone()
        };
        let again = Seed::Default.build(&mut made, now).unwrap();
        assert!(secret(&again).matches(secret(&first).expose()));
        assert_eq!(made.certificates().count(), 1);
        assert!(first.resources.role_assignments().count() >= 1);
    }

    #[test]
    fn the_error_for_a_seed_names_the_file_the_line_and_the_field() {
        assert!(refusal("x = [").starts_with("seed.toml:1: "));
        let unknown = refusal(&format!("{TENANT}colour = 'red'\n"));
        assert!(
            unknown.starts_with("seed.toml:5: ") && unknown.contains("colour"),
            "{unknown}"
        );
        let table = refusal(&format!("{TENANT}[[tenant]]\n"));
        assert!(
            table.starts_with("seed.toml:5: tenant: ") && table.contains("tenants"),
            "{table}"
        );
        assert!(refusal("").contains("at least one"));
        let app = format!(
            "{TENANT}\n[[applications]]\napp_id = 'a0000001-0000-4000-8000-000000000001'\nname = 'x'\n"
        );
        let tenant = refusal(&format!("{app}tenant = 'b.com'\n"));
        assert!(
            tenant.starts_with("seed.toml:6: applications[0].tenant: "),
            "{tenant}"
        );
        let expiry = refusal(&format!(
            "{app}secrets = [{{ name = 's', expires = 'soon' }}]\n"
        ));
        assert!(
            expiry.contains("applications[0].secrets[0].expires"),
            "{expiry}"
        );
        let certificate = refusal(&format!(
            "{app}certificates = [{{ name = 'c', pem = 'x' }}]\n"
        ));
        assert!(
            certificate.contains("applications[0].certificates[0].pem"),
            "{certificate}"
        );
        let twice = refusal(&format!("{app}{}", app.strip_prefix(TENANT).unwrap()));
        assert!(twice.contains("applications[1].app_id"), "{twice}");
        let fault = refusal(&format!(
            "{TENANT}[[faults]]\neffect = {{ kind = 'explode' }}\n"
        ));
        assert!(
            fault.starts_with("seed.toml:") && fault.contains("explode"),
            "{fault}"
        );
        let job = refusal(&format!("{TENANT}[[jobs]]\noutcome = 'explode'\n"));
        assert!(
            job.starts_with("seed.toml:6: ") && job.contains("`hang`"),
            "{job}"
        );
        let member = refusal(&format!(
            "{TENANT}[[groups]]\nid = 'a0000001-0000-4000-8000-000000000001'\nname = 'g'\nmembers = ['nobody']\n"
        ));
        assert!(
            member.contains("groups[0].members[0]") && member.contains("nobody"),
            "{member}"
        );
        let owner = refusal(&format!("{app}owners = ['nobody']\n"));
        assert!(owner.contains("applications[0].owners[0]"), "{owner}");
        let user = "[[users]]\nid = 'e0000001-0000-4000-8000-000000000001'\nname = 'u'\nuser_principal_name = 'u@a.com'\n";
        let role = refusal(&format!(
            "{TENANT}\n{user}directory_roles = ['User Administrator', 'Kaiser']\n"
        ));
        assert!(
            role.contains("users[0].directory_roles[1]") && role.contains("Groups Administrator"),
            "{role}"
        );
    }

    #[test]
    fn an_invalid_secret_in_a_seed_is_not_shown() {
        let text =
            format!("{TENANT}[[applications]]\nsecrets = [{{ name = 's', value = 'hunter2' }}]\n");
        assert!(!refusal(&text).contains("hunter2"));
    }

    #[test]
    fn a_missing_seed_file_is_named() {
        let seed = Seed::File("/nonexistent/seed.toml".into());
        let error = seed
            .build(&mut GeneratedSecrets::default(), OffsetDateTime::now_utc())
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains("/nonexistent/seed.toml"), "{error}");
    }
}
