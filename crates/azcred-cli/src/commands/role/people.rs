//! Principals: which one a text means, and their names.

use crate::{
    commands::reader::Reader,
    failure::{Failure, Kind},
};
use azcred_azure::{DirectoryObject, Error, ErrorKind, ObjectKind, PrincipalKind, RoleAssignment};
use serde::Serialize;
use std::collections::HashMap;
use uuid::Uuid;

/// A principal, as far as it is known.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Person {
    /// The object id.
    pub(in crate::commands) id: Uuid,
    /// The name; `null` if it is not known.
    pub(super) name: Option<String>,
    /// `User`, `Group` or `ServicePrincipal`; `null` if it is not known.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

impl Person {
    /// The principal with this id, of which nothing else is known.
    fn unknown(id: Uuid) -> Self {
        Self {
            id,
            name: None,
            kind: None,
        }
    }

    pub(in crate::commands) fn of(object: &DirectoryObject) -> Self {
        let name = match &object.user_name {
            Some(user_name) if !user_name.is_empty() => user_name,
            _ => &object.name,
        };
        Self {
            id: object.id,
            name: Some(name.to_string()).filter(|name| !name.is_empty()),
            kind: Some(object.kind.principal_type().to_owned()),
        }
    }

    /// The kind in a word, and the name: `the group ML engineers`.
    pub(in crate::commands) fn described(&self) -> String {
        let kind = match self.kind.as_deref() {
            Some("User") => "the user ",
            Some("Group") => "the group ",
            Some("ServicePrincipal") => "the service principal ",
            _ if self.name.is_none() => "the principal ",
            _ => "",
        };
        match &self.name {
            Some(name) => format!("{kind}{name}"),
            None => format!("{kind}{}", self.id),
        }
    }

    /// The description, with the id.
    pub(super) fn with_id(&self) -> String {
        match &self.name {
            Some(name) => format!("{name} ({})", self.id),
            None => self.id.to_string(),
        }
    }
}

/// The principal of a text, and why its name could not be read.
pub(in crate::commands) struct Meant {
    pub(in crate::commands) person: Person,
    /// Whether it is the identity that is signed in.
    pub(super) is_self: bool,
    /// Why the directory could not be read.
    pub(super) trouble: Option<Error>,
}

/// The identity that is signed in.
pub(in crate::commands) fn own(reader: &Reader) -> Result<Person, Failure> {
    let principal = reader.principal.as_ref();
    let id = principal
        .and_then(|principal| principal.object_id.as_deref())
        .and_then(|id| Uuid::try_parse(id).ok());
    let (Some(principal), Some(id)) = (principal, id) else {
        return Err(Failure::new(
            Kind::Unexpected,
            "could not find the object id of the identity",
            "its token does not have one",
        )
        .fix("name the principal by its object id"));
    };
    Ok(Person {
        id,
        name: Some(match &principal.user_name {
            Some(name) => name.to_string(),
            None => principal.describe().to_string(),
        }),
        kind: match principal.kind {
            PrincipalKind::User => Some("User".to_owned()),
            PrincipalKind::Unknown => None,
            _ => Some("ServicePrincipal".to_owned()),
        },
    })
}

/// The principal that a text means: `me`, an object id, a client id, a sign-in name or a name.
pub(in crate::commands) async fn meant(reader: &Reader, text: &str) -> Result<Meant, Failure> {
    let is_own = reader
        .principal
        .as_ref()
        .is_some_and(|principal| principal.is_called(text));
    if text.eq_ignore_ascii_case("me") || is_own {
        return Ok(Meant {
            person: own(reader)?,
            is_self: true,
            trouble: None,
        });
    }
    let id = Uuid::try_parse(text).ok();
    let found = match (reader.graph.find(text).await, id) {
        (Ok(found), _) => found,
        // With the object id, roles can be read and assigned all the same.
        (Err(error), Some(id)) => {
            return Ok(Meant {
                person: Person::unknown(id),
                is_self: false,
                trouble: Some(error),
            });
        }
        (Err(error), None) if error.kind() == ErrorKind::NotPermitted => {
            return Err(Failure::from(error).fix(
                "give the object id in place of the name: the directory is not needed for that",
            ));
        }
        (Err(error), None) => return Err(error.into()),
    };
    match (&found[..], id) {
        ([one], _) => Ok(Meant {
            person: Person::of(one),
            is_self: false,
            trouble: None,
        }),
        // A principal that was made a moment ago may not be seen here yet.
        ([], Some(id)) => Ok(Meant {
            person: Person::unknown(id),
            is_self: false,
            trouble: None,
        }),
        ([], None) => Err(Failure::new(
            Kind::NotFound,
            format!("could not find the principal '{text}'"),
            "the directory has no user, group or service principal of this name",
        )
        .fix("check the spelling, or give the object id")),
        (several, _) => {
            let all: Vec<String> = several
                .iter()
                .take(5)
                .map(|one| format!("{} {}", one.kind.word(), one.id))
                .collect();
            Err(Failure::new(
                Kind::Invalid,
                format!("could not find the principal '{text}'"),
                format!(
                    "the directory has {} principals of this name",
                    several.len()
                ),
            )
            .fix(format!(
                "give the object id of the one you mean: {}",
                all.join(" or ")
            )))
        }
    }
}

/// Names of principals by their object ids.
pub(in crate::commands) struct Names {
    known: HashMap<Uuid, Person>,
    /// Why names could not be read.
    pub(super) trouble: Option<Error>,
}

impl Names {
    /// Reads the names of the assignments' principals. Names are only for display: if they can't be
    /// read, ids are shown.
    pub(in crate::commands) async fn of(reader: &Reader, assignments: &[RoleAssignment]) -> Self {
        let mut known: HashMap<Uuid, Person> = assignments
            .iter()
            .map(|one| {
                let kind = Some(one.principal_type.to_string()).filter(|kind| !kind.is_empty());
                let id = one.principal_id;
                let person = Person {
                    id,
                    name: None,
                    kind,
                };
                (id, person)
            })
            .collect();
        let mut ids: Vec<Uuid> = known.keys().copied().collect();
        ids.sort_unstable();
        let mut trouble = None;
        if !ids.is_empty() {
            match reader.graph.objects(&ids).await {
                Ok(objects) => {
                    let people = objects.iter().map(|one| (one.id, Person::of(one)));
                    known.extend(people);
                }
                Err(error) => trouble = Some(error),
            }
        }
        // The token has the identity's own name.
        if let Ok(own) = own(reader)
            && let Some(one) = known.get_mut(&own.id)
            && one.name.is_none()
        {
            *one = own;
        }
        Self { known, trouble }
    }

    /// The principal with an id.
    pub(in crate::commands) fn person(&self, id: Uuid) -> Person {
        let known = self.known.get(&id).cloned();
        known.unwrap_or_else(|| Person::unknown(id))
    }
}

/// Says why ids are shown in place of names.
pub(super) fn without_names(error: &Error) -> String {
    let fix = error.fix().map(ToString::to_string).unwrap_or_default();
    let fix = match fix.is_empty() {
        true => fix,
        false => format!(". To see names, {fix}"),
    };
    format!(
        "ids are shown without names, as Microsoft Graph could not be read: {}{fix}",
        error.why()
    )
}

/// The kind of principal that `--type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum GivenKind {
    User,
    Group,
    ServicePrincipal,
}

impl GivenKind {
    pub(super) fn principal_type(self) -> &'static str {
        match self {
            Self::User => ObjectKind::User,
            Self::Group => ObjectKind::Group,
            Self::ServicePrincipal => ObjectKind::ServicePrincipal,
        }
        .principal_type()
    }
}
