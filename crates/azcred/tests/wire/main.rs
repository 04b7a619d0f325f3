//! The library over real sockets.

#[cfg(feature = "default")]
mod accounts;
mod authority;
#[cfg(feature = "default")]
mod azure_cli;
#[cfg(feature = "default")]
mod canary;
mod certificates;
#[cfg(feature = "default")]
mod chain;
mod cloud;
#[cfg(feature = "default")]
mod developer_tools;
#[cfg(feature = "default")]
mod device_code;
#[cfg(feature = "default")]
mod disk_cache;
mod federated;
#[cfg(feature = "default")]
mod interactive_browser;
#[cfg(feature = "default")]
mod machine;
mod managed_identity;
mod network;
#[cfg(feature = "azure_core")]
mod official_sdk;
#[cfg(feature = "default")]
mod people;
#[cfg(feature = "default")]
mod provider;
#[cfg(feature = "default")]
mod service_principal;
#[cfg_attr(not(feature = "default"), allow(dead_code))]
mod support;
