#![doc = include_str!("../README.md")]

mod access;
mod applications;
mod arm_codes;
mod authorization;
mod doctor;
mod domain;
mod error;
mod federation;
mod graph;
mod graph_codes;
mod lists;
mod locate;
mod long_operation;
mod operations;
mod permissions;
mod preflight;
mod rbac;
mod rbac_values;
mod refusal;
mod resource_manager;
mod role;
mod role_scope;
mod service;
mod service_kind;
mod text;
mod workspace;

pub use crate::{
    access::{Access, Capability},
    applications::{
        Application, CertificateChange, FederatedCredential, Key, MOST_FEDERATED_CREDENTIALS,
        Marks, NewApplication, NewCertificate, NewFederatedCredential, NewSecret, Secret,
        ServicePrincipal, TAG,
    },
    authorization::{Assigned, Made, NewRoleAssignment, Patience, is_at},
    doctor::{CheckId, CheckReport, Doctor, Event, Evidence, Report, Status, Subject},
    domain::{DomainTenant, tenant_of_domain},
    error::{Error, ErrorKind, Result},
    federation::{
        Caution, CredentialName, DevOpsConnection, Difference, FederatedTrust, GitHub,
        GitHubRepository, GitHubRun, GitLabProject, GitLabRef, KubernetesAccount, Part, Plan,
        PrefixSource, SubjectPrefix, UserAssignedIdentity, differences, nearest, other_form_of,
        plan,
    },
    graph::{DirectoryObject, Graph, ObjectKind},
    lists::{Tenant, Workspaces},
    locate::{Flags, Located, Source, locate},
    permissions::{Permission, Permissions},
    preflight::{Caller, DirectoryRights, DirectoryRole, Ground, May, Obstacle},
    rbac::{Action, At, Decision, Grant, RoleAccess, Verdict, Who},
    rbac_values::{DenyAssignment, RoleAssignment, RoleDefinition},
    resource_manager::{
        ManagedByTenant, ResourceManager, Subscription, Workspace, WorkspaceProperties, api_version,
    },
    role::BuiltInRole,
    role_scope::{RoleScope, describe as describe_scope},
    service::Response,
    workspace::WorkspaceRef,
};
pub use azcred::{Principal, PrincipalKind, Proof};
