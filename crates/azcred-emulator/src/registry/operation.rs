//! What a request wants, and the scope that it needs.

use super::{call::Call, error::RegistryError, scope::Scope};
use crate::images::Digest;
use http::Method;
use uuid::Uuid;

/// An operation on a registry. The first text is the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `/v2/`: whether the token is valid.
    Check,
    Catalog,
    Tags(String),
    GetManifest(String, Reference),
    PutManifest(String, Reference),
    DeleteManifest(String, Reference),
    GetBlob(String, Digest),
    DeleteBlob(String, Digest),
    BeginUpload(String),
    UploadState(String, Uuid),
    Append(String, Uuid),
    Finish(String, Uuid),
    Cancel(String, Uuid),
    /// The properties of a repository.
    Repository(String),
    DeleteRepository(String),
    TagProperties(String, Option<String>),
    DeleteTag(String, String),
    ManifestProperties(String, Option<Digest>),
}

/// How a request names a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl Reference {
    fn parse(text: &str) -> Result<Self, RegistryError> {
        if let Some(digest) = Digest::parse(text) {
            return Ok(Self::Digest(digest));
        }
        let is_tag = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let is_valid = (1..=128).contains(&text.len())
            && text.chars().all(is_tag)
            && !text.starts_with(['.', '-']);
        match is_valid {
            true => Ok(Self::Tag(text.to_owned())),
            false => Err(RegistryError::manifest_invalid("invalid tag or digest")),
        }
    }
}

impl Operation {
    /// Recognizes a request.
    ///
    /// # Errors
    /// 400 for a name that is not valid; 501 for what the emulator does not serve.
    pub(super) fn of(call: &Call) -> Result<Self, RegistryError> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        let found = match path.as_slice() {
            ["v2", rest @ ..] => by_protocol(&call.method, rest)?,
            ["acr", "v1", rest @ ..] => by_azure(&call.method, rest)?,
            _ => None,
        };
        found.ok_or_else(|| {
            RegistryError::not_served(&call.method, &format!("/{}", call.path.join("/")))
        })
    }

    /// What the request's token must allow.
    pub(super) fn scope(&self) -> Option<Scope> {
        let scope = |name: &str, actions: &[&str]| Some(Scope::repository(name, actions));
        match self {
            Self::Check => None,
            Self::Catalog => Some(Scope::catalog()),
            Self::Tags(name)
            | Self::Repository(name)
            | Self::TagProperties(name, _)
            | Self::ManifestProperties(name, _) => scope(name, &["metadata_read"]),
            Self::GetManifest(name, _) | Self::GetBlob(name, _) => scope(name, &["pull"]),
            Self::PutManifest(name, _)
            | Self::BeginUpload(name)
            | Self::UploadState(name, _)
            | Self::Append(name, _)
            | Self::Finish(name, _)
            | Self::Cancel(name, _) => scope(name, &["pull", "push"]),
            Self::DeleteManifest(name, _)
            | Self::DeleteBlob(name, _)
            | Self::DeleteRepository(name)
            | Self::DeleteTag(name, _) => scope(name, &["delete"]),
        }
    }
}

/// The paths of the OCI distribution specification.
fn by_protocol(method: &Method, path: &[&str]) -> Result<Option<Operation>, RegistryError> {
    use Operation::{
        Append, BeginUpload, Cancel, Catalog, Check, DeleteBlob, DeleteManifest, Finish, GetBlob,
        GetManifest, PutManifest, Tags, UploadState,
    };
    let is_read = method == Method::GET || method == Method::HEAD;
    Ok(match path {
        [] if is_read => Some(Check),
        ["_catalog"] if is_read => Some(Catalog),
        [name @ .., "tags", "list"] if is_read => Some(Tags(repository(name)?)),
        [name @ .., "manifests", reference] => {
            let (name, reference) = (repository(name)?, Reference::parse(reference)?);
            match *method {
                Method::GET | Method::HEAD => Some(GetManifest(name, reference)),
                Method::PUT => Some(PutManifest(name, reference)),
                Method::DELETE => Some(DeleteManifest(name, reference)),
                _ => None,
            }
        }
        [name @ .., "blobs", "uploads"] if method == Method::POST => {
            Some(BeginUpload(repository(name)?))
        }
        [name @ .., "blobs", "uploads", id] => {
            let name = repository(name)?;
            let id = id
                .parse::<Uuid>()
                .map_err(|_| RegistryError::upload_unknown())?;
            match *method {
                Method::GET => Some(UploadState(name, id)),
                Method::PATCH => Some(Append(name, id)),
                Method::PUT => Some(Finish(name, id)),
                Method::DELETE => Some(Cancel(name, id)),
                _ => None,
            }
        }
        [name @ .., "blobs", digest] => {
            let name = repository(name)?;
            let digest =
                Digest::parse(digest).ok_or_else(|| RegistryError::digest_invalid(digest))?;
            match *method {
                Method::GET | Method::HEAD => Some(GetBlob(name, digest)),
                Method::DELETE => Some(DeleteBlob(name, digest)),
                _ => None,
            }
        }
        _ => None,
    })
}

/// The paths of Azure's own interface ('Azure Container Registry REST API reference').
fn by_azure(method: &Method, path: &[&str]) -> Result<Option<Operation>, RegistryError> {
    use Operation::{
        Catalog, DeleteRepository, DeleteTag, ManifestProperties, Repository, TagProperties,
    };
    let is_read = method == Method::GET;
    let is_delete = method == Method::DELETE;
    Ok(match path {
        ["_catalog"] if is_read => Some(Catalog),
        [name @ .., "_tags"] if is_read => Some(TagProperties(repository(name)?, None)),
        [name @ .., "_tags", tag] if is_read => {
            Some(TagProperties(repository(name)?, Some((*tag).to_owned())))
        }
        [name @ .., "_tags", tag] if is_delete => {
            Some(DeleteTag(repository(name)?, (*tag).to_owned()))
        }
        [name @ .., "_manifests"] if is_read => Some(ManifestProperties(repository(name)?, None)),
        [name @ .., "_manifests", digest] if is_read => {
            let found =
                Digest::parse(digest).ok_or_else(|| RegistryError::digest_invalid(digest))?;
            Some(ManifestProperties(repository(name)?, Some(found)))
        }
        name if !name.iter().any(|part| part.starts_with('_')) => match *method {
            Method::GET => Some(Repository(repository(name)?)),
            Method::DELETE => Some(DeleteRepository(repository(name)?)),
            _ => None,
        },
        _ => None,
    })
}

/// A repository's name: words in lower case, with slashes between ('OCI Distribution
/// Specification', section 'Pulling manifests').
fn repository(parts: &[&str]) -> Result<String, RegistryError> {
    let name = parts.join("/");
    let is_inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_part = |part: &&str| {
        part.starts_with(is_inside)
            && part.ends_with(is_inside)
            && part
                .chars()
                .all(|c| is_inside(c) || matches!(c, '.' | '_' | '-'))
    };
    let is_valid = !parts.is_empty() && name.len() <= 256 && parts.iter().all(is_part);
    match is_valid {
        true => Ok(name),
        false => Err(RegistryError::name_invalid(&name)),
    }
}
