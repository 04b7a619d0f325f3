//! What a request does, and the right that it needs.
//!
//! The actions are those of "Permissions for calling data operations", the letters those of the
//! pages about account, service and user delegation SAS (all Microsoft Learn).

use super::{call::Call, error::BlobError};
use http::{Method, StatusCode};

/// An operation that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    ListContainers,
    GetServiceProperties,
    GetAccountInfo,
    GetUserDelegationKey,
    Batch,
    CreateContainer,
    GetContainer,
    SetContainerMetadata,
    GetContainerAcl,
    SetContainerAcl,
    DeleteContainer,
    ListBlobs,
    PutBlob,
    CopyBlob,
    PutBlock,
    PutBlockList,
    GetBlockList,
    AppendBlock,
    GetBlob,
    GetBlobMetadata,
    SetBlobMetadata,
    SetBlobProperties,
    SetBlobTier,
    GetBlobTags,
    SetBlobTags,
    DeleteBlob,
}

/// What a token's principal needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// Only a token.
    Nothing,
    /// An action of the control plane.
    Control(&'static str),
    /// A data action.
    Data(&'static str),
    /// A data action that writes, or one that only adds.
    WriteOrAdd,
}

/// What an operation needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) right: Right,
    /// Letters of a signature, one of which is needed.
    pub(super) letters: &'static str,
    /// The type of resource of an account's signature: `s`, `c` or `o`.
    pub(super) resource_type: char,
    /// Whether a signature for a container or a blob can allow it.
    pub(super) is_for_service_sas: bool,
}

impl Operation {
    /// The operation of a request.
    ///
    /// # Errors
    /// When the request makes no sense, or is for what is not served.
    pub(super) fn of(call: &Call) -> Result<Self, BlobError> {
        for parameter in ["snapshot", "versionid"] {
            if call.has(parameter) {
                let what = format!("{}?{parameter}", call.path);
                return Err(BlobError::not_served(call.method.as_str(), &what));
            }
        }
        let (restype, comp) = (call.query("restype"), call.query("comp"));
        let of_blob = restype.is_empty() && !call.blob.is_empty();
        let found = match (of_blob, restype, comp) {
            (_, "account", "properties") => [
                (Method::GET, Self::GetAccountInfo),
                (Method::HEAD, Self::GetAccountInfo),
            ]
            .to_vec(),
            (true, ..) => Self::of_blob(call, comp),
            (false, "container", _) if !call.container.is_empty() => Self::of_container(comp),
            (false, "service" | "", _) if call.container.is_empty() => {
                Self::of_account(restype, comp)
            }
            _ => return Err(Self::unknown(call)),
        };
        if found.is_empty() {
            return Err(Self::unknown(call));
        }
        let known = found.iter().find(|(method, _)| *method == call.method);
        known.map(|(_, operation)| *operation).ok_or_else(|| {
            BlobError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "UnsupportedHttpVerb",
                "The resource doesn't support specified Http Verb.",
            )
        })
    }

    fn of_account(restype: &str, comp: &str) -> Vec<(Method, Self)> {
        match (restype, comp) {
            ("", "list") => vec![(Method::GET, Self::ListContainers)],
            ("", "batch") => vec![(Method::POST, Self::Batch)],
            ("service", "properties") => vec![(Method::GET, Self::GetServiceProperties)],
            ("service", "userdelegationkey") => vec![(Method::POST, Self::GetUserDelegationKey)],
            _ => Vec::new(),
        }
    }

    fn of_container(comp: &str) -> Vec<(Method, Self)> {
        match comp {
            "" => vec![
                (Method::PUT, Self::CreateContainer),
                (Method::GET, Self::GetContainer),
                (Method::HEAD, Self::GetContainer),
                (Method::DELETE, Self::DeleteContainer),
            ],
            "list" => vec![(Method::GET, Self::ListBlobs)],
            "metadata" => vec![
                (Method::GET, Self::GetContainer),
                (Method::HEAD, Self::GetContainer),
                (Method::PUT, Self::SetContainerMetadata),
            ],
            "acl" => vec![
                (Method::GET, Self::GetContainerAcl),
                (Method::HEAD, Self::GetContainerAcl),
                (Method::PUT, Self::SetContainerAcl),
            ],
            "batch" => vec![(Method::POST, Self::Batch)],
            _ => Vec::new(),
        }
    }

    fn of_blob(call: &Call, comp: &str) -> Vec<(Method, Self)> {
        let put = |operation| vec![(Method::PUT, operation)];
        match comp {
            "" => {
                let is_copy = call.header("x-ms-copy-source").is_some();
                let writes = if is_copy {
                    Self::CopyBlob
                } else {
                    Self::PutBlob
                };
                vec![
                    (Method::GET, Self::GetBlob),
                    (Method::HEAD, Self::GetBlob),
                    (Method::PUT, writes),
                    (Method::DELETE, Self::DeleteBlob),
                ]
            }
            // From a URL: not served.
            "block" | "appendblock" if call.header("x-ms-copy-source").is_some() => Vec::new(),
            "block" => put(Self::PutBlock),
            "appendblock" => put(Self::AppendBlock),
            "blocklist" => vec![
                (Method::PUT, Self::PutBlockList),
                (Method::GET, Self::GetBlockList),
            ],
            "metadata" => vec![
                (Method::GET, Self::GetBlobMetadata),
                (Method::HEAD, Self::GetBlobMetadata),
                (Method::PUT, Self::SetBlobMetadata),
            ],
            "properties" => put(Self::SetBlobProperties),
            "tier" => put(Self::SetBlobTier),
            "tags" => vec![
                (Method::GET, Self::GetBlobTags),
                (Method::PUT, Self::SetBlobTags),
            ],
            _ => Vec::new(),
        }
    }

    /// What Azure may know.
    fn unknown(call: &Call) -> BlobError {
        let (restype, comp) = (call.query("restype"), call.query("comp"));
        let is_plain = restype.is_empty() && comp.is_empty();
        if is_plain && call.header("x-ms-copy-source").is_none() {
            return BlobError::invalid_uri();
        }
        let mut what = call.path.clone();
        for (name, value) in [("?restype=", restype), ("?comp=", comp)] {
            if !value.is_empty() {
                what.push_str(name);
                what.push_str(value);
            }
        }
        BlobError::not_served(call.method.as_str(), &what)
    }

    /// What it needs.
    pub(super) fn need(self) -> Need {
        let need = |right, letters, resource_type, is_for_service_sas| Need {
            right,
            letters,
            resource_type,
            is_for_service_sas,
        };
        let account = |right, letters| need(right, letters, 's', false);
        let container = |right, letters| need(right, letters, 'c', false);
        let blob = |right, letters| need(right, letters, 'o', true);
        match self {
            Self::ListContainers => account(Right::Control(READ_CONTAINERS), "l"),
            Self::GetServiceProperties => account(Right::Control(READ_SERVICE), "r"),
            Self::GetAccountInfo => need(Right::Control(ACCOUNT_INFO), "racwdl", 's', true),
            Self::GetUserDelegationKey => account(Right::Control(DELEGATION_KEY), ""),
            // Each of its requests is checked for itself.
            Self::Batch => need(Right::Nothing, "racwdl", 'o', true),
            Self::CreateContainer => container(Right::Control(WRITE_CONTAINERS), "cw"),
            Self::GetContainer => container(Right::Control(READ_CONTAINERS), "r"),
            Self::SetContainerMetadata => container(Right::Control(WRITE_CONTAINERS), "w"),
            // No signature allows it.
            Self::GetContainerAcl => container(Right::Control(GET_ACL), ""),
            Self::SetContainerAcl => container(Right::Control(SET_ACL), ""),
            Self::DeleteContainer => container(Right::Control(DELETE_CONTAINERS), "d"),
            Self::ListBlobs => need(Right::Data(READ), "l", 'c', true),
            Self::PutBlob | Self::CopyBlob | Self::PutBlockList => blob(Right::WriteOrAdd, "cw"),
            Self::PutBlock => blob(Right::Data(WRITE), "cw"),
            Self::AppendBlock => blob(Right::WriteOrAdd, "aw"),
            Self::GetBlob | Self::GetBlobMetadata | Self::GetBlockList => {
                blob(Right::Data(READ), "r")
            }
            Self::SetBlobMetadata | Self::SetBlobProperties | Self::SetBlobTier => {
                blob(Right::Data(WRITE), "w")
            }
            Self::GetBlobTags => blob(Right::Data(READ_TAGS), "t"),
            Self::SetBlobTags => blob(Right::Data(WRITE_TAGS), "t"),
            Self::DeleteBlob => blob(Right::Data(DELETE), "d"),
        }
    }

    /// Whether a container that is open to all can allow it.
    pub(super) fn may_be_public(self, access: &str) -> bool {
        match self {
            Self::GetBlob | Self::GetBlobMetadata | Self::GetBlockList => {
                matches!(access, "blob" | "container")
            }
            Self::ListBlobs | Self::GetContainer => access == "container",
            _ => false,
        }
    }

    /// Whether it only reads.
    pub(super) fn is_reading(self) -> bool {
        matches!(
            self,
            Self::GetBlob
                | Self::GetBlobMetadata
                | Self::GetBlockList
                | Self::ListBlobs
                | Self::GetContainer
        )
    }
}

pub(super) const READ: &str =
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
pub(super) const WRITE: &str =
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write";
pub(super) const ADD: &str =
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action";
const DELETE: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete";
const READ_TAGS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/read";
const WRITE_TAGS: &str =
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/write";
const READ_CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
const WRITE_CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/write";
const DELETE_CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/delete";
const GET_ACL: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/getAcl/action";
const SET_ACL: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/setAcl/action";
const READ_SERVICE: &str = "Microsoft.Storage/storageAccounts/blobServices/read";
const ACCOUNT_INFO: &str = "Microsoft.Storage/storageAccounts/blobServices/getInfo/action";
const DELEGATION_KEY: &str =
    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";
