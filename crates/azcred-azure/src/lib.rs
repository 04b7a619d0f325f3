//! What an identity may do in Azure, and what stands in its way: the control plane as `azcred` sees
//! it.
//!
//! In the order in which a sign-in is followed to the end:
//! 1. [`Principal`]: who a token says it is.
//! 2. [`WorkspaceRef`] and [`locate`]: which workspace is meant, from flags, variables or
//!    `config.json`.
//! 3. [`ResourceManager`]: Azure Resource Manager, asked with a deadline and answered in plain
//!    words: tenants, subscriptions, workspaces. [`tenant_of_domain`] needs no sign-in.
//! 4. [`Permissions`] and [`Capability`]: what the identity may do there, and the least role that
//!    would give the rest.
//! 5. [`Doctor`]: all of it, as checks that explain themselves.
//!
//! Nothing here changes anything in Azure.

mod access;
mod arm_codes;
mod doctor;
mod domain;
mod error;
mod lists;
mod locate;
mod permissions;
mod refusal;
mod resource_manager;
mod role;
mod text;
mod workspace;

pub use crate::{
    access::{Access, Capability},
    doctor::{CheckId, CheckReport, Doctor, Event, Evidence, Report, SignedIn, Status, Subject},
    domain::{DomainTenant, tenant_of_domain},
    error::{Error, ErrorKind, Result},
    lists::{Tenant, Workspaces},
    locate::{Flags, Located, Source, locate},
    permissions::{Permission, Permissions},
    resource_manager::{
        Answer, ResourceManager, Subscription, Workspace, WorkspaceProperties, api_version,
    },
    role::BuiltInRole,
    workspace::WorkspaceRef,
};
pub use azcred::{Principal, PrincipalKind, Proof};
