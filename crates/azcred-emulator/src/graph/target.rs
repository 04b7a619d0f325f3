//! What a path names ('OData Version 4.01 Part 2: URL Conventions', section 4), in any case.

use crate::graph::{
    call::Call,
    key::{Key, is_qualified, split_key, unqualified},
    kind::{Kind, Property},
    response::GraphError,
};

/// The target of a request.
#[derive(Debug)]
pub(super) enum Target {
    Batch,
    Collection(Collection),
    /// `COLLECTION/$count`
    Count(Collection),
    /// One object: `users/ID`, `users('ID')`, `applications(appId='ID')`, `me`.
    Object(Kind, Key),
    /// `users/ID/displayName`
    Property(Kind, Key, &'static Property),
    /// `applications/ID/federatedIdentityCredentials/ID`
    FederatedCredential(Key, String),
    /// `directoryObjects/getByIds`
    ByIds,
    /// `users/ID/getMemberGroups`
    Action(Kind, Key, Action),
    /// `groups/ID/members/$ref`, and `groups/ID/members/ID/$ref`
    Reference(Kind, Key, Relation, Option<String>),
}

/// Objects of one kind, or of several.
#[derive(Debug)]
pub(super) struct Collection {
    pub(super) source: Source,
    /// `…/microsoft.graph.group`: only the objects of this kind.
    pub(super) cast: Option<Kind>,
}

#[derive(Debug)]
pub(super) enum Source {
    Set(Kind),
    Related(Kind, Key, Relation),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    MemberOf,
    TransitiveMemberOf,
    Members,
    TransitiveMembers,
    Owners,
    OwnedObjects,
    FederatedCredentials,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    GetMemberGroups,
    GetMemberObjects,
    CheckMemberGroups,
    CheckMemberObjects,
    ChangePassword,
    RevokeSignInSessions,
    AddPassword,
    RemovePassword,
    Restore,
}

const RELATIONS: &[(&str, Relation, &[Kind])] = &[
    ("memberOf", Relation::MemberOf, MEMBERS),
    ("transitiveMemberOf", Relation::TransitiveMemberOf, MEMBERS),
    (
        "members",
        Relation::Members,
        &[Kind::Group, Kind::DirectoryRole],
    ),
    (
        "transitiveMembers",
        Relation::TransitiveMembers,
        &[Kind::Group],
    ),
    (
        "owners",
        Relation::Owners,
        &[Kind::Group, Kind::Application, Kind::ServicePrincipal],
    ),
    (
        "ownedObjects",
        Relation::OwnedObjects,
        &[Kind::User, Kind::ServicePrincipal],
    ),
    (
        "federatedIdentityCredentials",
        Relation::FederatedCredentials,
        &[Kind::Application],
    ),
];

/// What a group can have as a member.
const MEMBERS: &[Kind] = &[Kind::User, Kind::Group, Kind::ServicePrincipal];

/// What every object of the directory is.
const ANY: &[Kind] = &[
    Kind::User,
    Kind::Group,
    Kind::ServicePrincipal,
    Kind::Application,
    Kind::DirectoryObject,
    Kind::Organization,
];

const ACTIONS: &[(&str, Action, &[Kind])] = &[
    ("getMemberGroups", Action::GetMemberGroups, ANY),
    ("getMemberObjects", Action::GetMemberObjects, ANY),
    ("checkMemberGroups", Action::CheckMemberGroups, ANY),
    ("checkMemberObjects", Action::CheckMemberObjects, ANY),
    ("changePassword", Action::ChangePassword, &[Kind::User]),
    (
        "revokeSignInSessions",
        Action::RevokeSignInSessions,
        &[Kind::User],
    ),
    ("addPassword", Action::AddPassword, CLIENTS),
    ("removePassword", Action::RemovePassword, CLIENTS),
    ("restore", Action::Restore, &[Kind::DeletedItem]),
];

/// What can have secrets.
const CLIENTS: &[Kind] = &[Kind::Application, Kind::ServicePrincipal];

/// What Graph has and the emulator does not serve.
const KNOWN: &str = include_str!("known.txt");

/// Why a path has no target.
enum Missing {
    /// Graph has no such segment.
    Segment(String),
    /// Graph has it.
    NotServed,
}

impl Target {
    /// # Errors
    /// When Graph has no such path, and when the emulator does not serve it.
    pub(super) fn of(call: &Call) -> Result<Self, GraphError> {
        Self::parse(&call.path).map_err(|missing| match missing {
            Missing::Segment(segment) => GraphError::no_segment(&segment),
            Missing::NotServed => GraphError::not_served(call),
        })
    }

    fn parse(path: &[String]) -> Result<Self, Missing> {
        let Some((first, rest)) = path.split_first() else {
            // The list of all sets.
            return Err(Missing::NotServed);
        };
        if first.eq_ignore_ascii_case("$batch") && rest.is_empty() {
            return Ok(Self::Batch);
        }
        if first.eq_ignore_ascii_case("me") {
            return object(Kind::User, Key::Me, rest);
        }
        let Some((kind, words)) = Kind::of_set(path, |segment| split_key(segment).0) else {
            return Err(missing("/", first));
        };
        let (set, rest) = path.split_at(words);
        let key = set.last().and_then(|last| split_key(last).1);
        if kind == Kind::AuthorizationPolicy {
            return object(kind, Key::Id(kind.name().to_owned()), without_itself(rest));
        }
        match (key, rest) {
            (Some(key), rest) => object(kind, key, rest),
            (None, []) => Ok(Self::collection(Source::Set(kind), None)),
            (None, [one, after @ ..]) => match (Kind::of_type(unqualified(one)), after) {
                (Some(cast), after) if is_qualified(one) => {
                    narrowed(Source::Set(kind), Some(cast), after)
                }
                (_, []) if one.eq_ignore_ascii_case("$count") => {
                    narrowed(Source::Set(kind), None, rest)
                }
                (_, []) if unqualified(one).eq_ignore_ascii_case("getByIds") => Ok(Self::ByIds),
                _ if is_known(kind.name(), one) => Err(Missing::NotServed),
                _ => object(kind, Key::Id(one.clone()), after),
            },
        }
    }

    /// How the path names the object that it begins with.
    pub(super) fn key(&self) -> Option<&Key> {
        match self {
            Self::Batch | Self::ByIds => None,
            Self::Collection(collection) | Self::Count(collection) => match &collection.source {
                Source::Set(_) => None,
                Source::Related(_, key, _) => Some(key),
            },
            Self::Object(_, key)
            | Self::Property(_, key, _)
            | Self::FederatedCredential(key, _)
            | Self::Action(_, key, _)
            | Self::Reference(_, key, _, _) => Some(key),
        }
    }

    fn collection(source: Source, cast: Option<Kind>) -> Self {
        Self::Collection(Collection { source, cast })
    }
}

/// In beta, the policy is the only one of its own set.
fn without_itself(rest: &[String]) -> &[String] {
    match rest {
        [first, rest @ ..] if first.eq_ignore_ascii_case(Kind::AuthorizationPolicy.name()) => rest,
        rest => rest,
    }
}

/// What follows an object.
fn object(kind: Kind, key: Key, rest: &[String]) -> Result<Target, Missing> {
    let Some((first, rest)) = rest.split_first() else {
        return Ok(Target::Object(kind, key));
    };
    let (name, inner) = split_key(unqualified(first));
    if let Some((_, relation)) = relation(kind, name) {
        let source = Source::Related(kind, key.clone(), relation);
        return match (relation, inner, rest) {
            (Relation::FederatedCredentials, Some(Key::Id(id) | Key::Other(_, id)), []) => {
                Ok(Target::FederatedCredential(key, id))
            }
            (Relation::FederatedCredentials, None, [id]) if id != "$count" => {
                Ok(Target::FederatedCredential(key, id.clone()))
            }
            (_, None, [cast, after @ ..]) if is_qualified(cast) => {
                match Kind::of_type(unqualified(cast)) {
                    Some(cast) => narrowed(source, Some(cast), after),
                    None => Err(Missing::NotServed),
                }
            }
            (Relation::Members | Relation::Owners, None, [reference]) if is_ref(reference) => {
                Ok(Target::Reference(kind, key, relation, None))
            }
            (Relation::Members | Relation::Owners, None, [id, reference]) if is_ref(reference) => {
                Ok(Target::Reference(kind, key, relation, Some(id.clone())))
            }
            (_, None, rest) => narrowed(source, None, rest),
            _ => Err(Missing::NotServed),
        };
    }
    if let Some(action) = action(kind, name) {
        return match rest.first() {
            None => Ok(Target::Action(kind, key, action)),
            Some(more) => Err(Missing::Segment(more.clone())),
        };
    }
    match (kind.property(name), rest) {
        (Some(property), []) => Ok(Target::Property(kind, key, property)),
        (Some(_), [value, ..]) if value.eq_ignore_ascii_case("$value") => Err(Missing::NotServed),
        (Some(_), [more, ..]) => Err(Missing::Segment(more.clone())),
        (None, _) => Err(missing(kind.name(), first)),
    }
}

fn is_ref(segment: &str) -> bool {
    segment.eq_ignore_ascii_case("$ref")
}

/// A collection, and what follows it.
fn narrowed(source: Source, cast: Option<Kind>, rest: &[String]) -> Result<Target, Missing> {
    let collection = Collection { source, cast };
    match rest {
        [] => Ok(Target::Collection(collection)),
        [count] if count.eq_ignore_ascii_case("$count") => Ok(Target::Count(collection)),
        // Objects and references by their key.
        _ => Err(Missing::NotServed),
    }
}

/// The relation of a kind with this name, and the name as Graph writes it.
pub(super) fn relation(kind: Kind, name: &str) -> Option<(&'static str, Relation)> {
    let mut all = RELATIONS.iter();
    all.find(|(known, _, kinds)| known.eq_ignore_ascii_case(name) && kinds.contains(&kind))
        .map(|(name, relation, _)| (*name, *relation))
}

fn action(kind: Kind, name: &str) -> Option<Action> {
    let mut all = ACTIONS.iter();
    all.find(|(known, _, kinds)| known.eq_ignore_ascii_case(name) && kinds.contains(&kind))
        .map(|(_, action, _)| *action)
}

fn missing(after: &str, segment: &str) -> Missing {
    match is_known(after, segment) {
        true => Missing::NotServed,
        false => Missing::Segment(segment.to_owned()),
    }
}

/// Whether Graph has this segment after a kind of objects.
pub(super) fn is_known(after: &str, segment: &str) -> bool {
    let name = unqualified(segment);
    let name = name.split_once('(').map_or(name, |(name, _)| name);
    let lines = KNOWN.lines().filter_map(|line| line.split_once('|'));
    lines
        .filter(|(kind, _)| kind.trim() == after)
        .flat_map(|(_, names)| names.split_ascii_whitespace())
        .any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
