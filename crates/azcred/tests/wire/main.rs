//! The library over real sockets: what others send to it and what it sends to them.

mod accounts;
mod authority;
mod azure_cli;
mod canary;
mod chain;
mod cloud;
mod developer_tools;
mod device_code;
mod disk_cache;
mod federated;
mod interactive_browser;
mod machine;
mod managed_identity;
#[cfg(feature = "azure_core")]
mod official_sdk;
mod people;
mod provider;
mod service_principal;
mod support;
