#![doc = include_str!("../README.md")]

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
    doctor::{CheckId, CheckReport, Doctor, Event, Evidence, Report, Status, Subject},
    domain::{DomainTenant, tenant_of_domain},
    error::{Error, ErrorKind, Result},
    lists::{Tenant, Workspaces},
    locate::{Flags, Located, Source, locate},
    permissions::{Permission, Permissions},
    resource_manager::{
        ManagedByTenant, ResourceManager, Response, Subscription, Workspace, WorkspaceProperties,
        api_version,
    },
    role::BuiltInRole,
    workspace::WorkspaceRef,
};
pub use azcred::{Principal, PrincipalKind, Proof};
