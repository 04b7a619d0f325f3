//! The services of Azure that azcred calls, and their names in messages.

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    ResourceManager,
    Graph,
}

impl ServiceKind {
    /// The name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResourceManager => "Azure Resource Manager",
            Self::Graph => "Microsoft Graph",
        }
    }

    /// The header with the request's id. The service sends it back, or an id of its own.
    pub(crate) fn id_header(self) -> &'static str {
        match self {
            Self::ResourceManager => "x-ms-correlation-request-id",
            Self::Graph => "client-request-id",
        }
    }
}
