#![doc = include_str!("../README.md")]
//!
//! # Where to look
//!
//! - [`Emulator`] starts and stops it, [`Options`] say how, [`Info`] says what it serves.
//! - [`Seed`] is what exists at the start: a TOML file, or the built-in tenant Contoso.
//! - [`World`](world::World) is what all services share: the [`directory`] (tenants, users,
//!   applications) and the [`resources`] (subscriptions, workspaces, roles). A test reads and
//!   changes both through [`Emulator::world`].
//! - [`faults`] make services misbehave; the [`request_log`] keeps what was requested.
//! - [`jobs`] of Azure Machine Learning: what was submitted, and what becomes of it.
//! - [`issuer`] mints the tokens of a CI system or a Kubernetes cluster.

pub mod ca;
pub mod clock;
pub mod directory;
pub mod faults;
pub mod issuer;
pub mod jobs;
pub mod request_log;
pub mod resources;
pub mod seed;
pub mod service;
pub mod tokens;
mod trust_store;
pub mod world;

mod admin_client;
mod arm;
mod azure_cli_folder;
mod blobs;
mod ci;
mod emulator;
mod entra;
mod entra_state;
mod environment;
mod expires_on;
mod front_door;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
mod graph;
mod homes;
mod identity_hosts;
mod info;
mod job_files;
mod ml_services;
mod not_served;
mod odata;
mod ports;
mod projected_token;
mod replication;
mod routes;
mod serve;
mod shared_keys;
mod signing;
mod state;
mod state_error;
mod storage;
mod text;

pub use admin_client::Routed;
pub use azure_cli_folder::AzureCliInfo;
pub use ci::{AzurePipelinesInfo, GithubActionsInfo};
pub use emulator::{Emulator, Error, Options};
pub use environment::{
    BuiltIn, Environment, Inherited, Isolated, Lifetime, PERSONAS, Persona, WAYS, Way,
};
pub use expires_on::ExpiresOnFormat;
pub use faults::{Effect, Fault};
pub use homes::users_folder;
pub use identity_hosts::{CertificateError, HostsInfo, SiteInfo};
pub use info::{FILE_NAME, FederatedInfo, IdentityInfo, Info, TenantInfo, UserInfo, WorkspaceInfo};
pub use ports::Ports;
pub use projected_token::WorkloadInfo;
pub use request_log::Served;
pub use routes::{InvalidRoute, Route};
pub use seed::{Seed, SeedError};
pub use service::{Service, Transport};
pub use state_error::StateError;
