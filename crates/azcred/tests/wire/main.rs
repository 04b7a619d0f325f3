//! The library over real sockets: what others send to it and what it sends to them.

mod authority;
mod federated;
mod machine;
#[cfg(feature = "azure_core")]
mod official_sdk;
mod service_principal;
mod support;
