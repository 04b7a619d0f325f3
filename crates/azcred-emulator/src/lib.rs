//! A local Azure: Entra ID and Azure Resource Manager on loopback, for tests and demonstrations.
//!
//! ```no_run
//! use azcred_emulator::{Emulator, Options, Persona, Way};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let emulator = Emulator::start(Options::default()).await?;
//! let environment = emulator.info().environment(Persona::ServicePrincipal, Way::RealNames);
//! let mut command = std::process::Command::new("python3");
//! command.arg("train.py").envs(environment.set);
//! environment.unset.into_iter().for_each(|name| {
//!     command.env_remove(name);
//! });
//! command.status()?;
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Real HTTPS by an authority of its own, real signed tokens, Azure's rules for who may do what,
//! and its words when it refuses. The crate knows nothing of azcred's own: it is an independent
//! implementation of the other side, so that a mistake can't cancel itself out.
//!
//! - [`directory`] is who exists, [`resources`] what exists; both are in the [`world::World`] that
//!   all services share.
//! - `entra`, `arm` and `graph` are the services, each an HTTP router; `identity_hosts` are those
//!   that give out tokens of managed identities.
//! - `serve` is the two ways in: a port for each service, and a proxy that answers for Azure's real
//!   names.
//! - [`faults`] make it misbehave; [`seed`] says what is there at the start; `state` keeps it.

pub mod ca;
pub mod clock;
pub mod directory;
pub mod faults;
pub mod issuer;
pub mod request_log;
pub mod resources;
pub mod seed;
pub mod service;
pub mod tokens;
pub mod world;

mod arm;
mod azure_cli_folder;
mod ci;
mod emulator;
mod entra;
mod entra_state;
mod environment;
mod expires_on;
mod graph;
mod identity_hosts;
mod info;
mod ports;
mod projected_token;
mod serve;
mod shared_keys;
mod signing;
mod state;
mod state_error;
mod text;

pub use azure_cli_folder::AzureCliInfo;
pub use ci::{AzurePipelinesInfo, GithubActionsInfo};
pub use emulator::{Emulator, Error, Options};
pub use environment::{Environment, PERSONAS, Persona, WAYS, Way};
pub use expires_on::ExpiresOnFormat;
pub use faults::{Effect, Fault};
pub use identity_hosts::{CertificateError, HostsInfo};
pub use info::{FILE_NAME, FederatedInfo, IdentityInfo, Info, TenantInfo, UserInfo, WorkspaceInfo};
pub use ports::Ports;
pub use projected_token::WorkloadInfo;
pub use request_log::Served;
pub use seed::Seed;
pub use service::{Service, Transport};
pub use state_error::StateError;
