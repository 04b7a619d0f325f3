//! The directory's part of a seed, and how it becomes a [`Directory`].

use crate::{
    directory::{
        Application, Audience, Certificate, DIRECTORY_ROLES, Directory, DirectoryRole, GRAPH,
        Group, IssuerKeys, LoopLimit, NATIVE_REDIRECT_URIS, Secret, SecretText, ServicePrincipal,
        ServicePrincipalKind, Tenant, User,
    },
    seed::{
        conditional_access, issuers,
        lookup::find_member,
        made::GeneratedSecrets,
        problem::{Problem, problem},
        tables::{ApplicationSeed, DirectorySeed, FederatedSeed, RotationSeed, UserSeed},
    },
};
use std::collections::BTreeSet;
use time::OffsetDateTime;
use toml::Spanned;
use uuid::Uuid;

impl DirectorySeed {
    /// Creates the directory. Secrets and certificates that the seed leaves out come from `made`.
    pub(super) fn build(
        &self,
        made: &mut GeneratedSecrets,
        now: OffsetDateTime,
    ) -> Result<Directory, Problem> {
        let mut directory = Directory::with_first_party();
        let secret = made.refresh_secret();
        directory.refresh_secret = Some(secret.map_err(|message| Problem {
            span: None,
            field: String::new(),
            message,
        })?);
        for (at, entry) in self.tenants.iter().enumerate() {
            let given = entry.get_ref();
            let tenant = Tenant {
                id: given.id,
                name: given.name.clone(),
                domains: given.domains.clone(),
                country: given.country.clone(),
                loop_limit: given.loop_limit.as_ref().map(|l| LoopLimit {
                    requests: l.requests,
                    seconds: l.seconds,
                }),
                access_token_lifetime: given.access_token_lifetime,
                refresh_token_inactivity: given.refresh_token_inactivity,
                session_lifetime: given.session_lifetime,
                refresh_tokens_once: matches!(given.refresh_token_rotation, RotationSeed::OneTime),
                mfa_for_changes: given.mfa_for_changes,
                users_may_create_applications: given.users_may_create_applications,
                users_may_create_groups: given.users_may_create_groups,
                device_code_lifetime: given.device_code_lifetime,
                device_code_interval: given.device_code_interval,
            };
            if given.id.is_nil() || directory.tenants.insert(given.id, tenant).is_some() {
                let field = format!("tenants[{at}].id");
                return Err(problem(
                    entry,
                    field,
                    format!("'{}' is empty, or the id of another tenant", given.id),
                ));
            }
        }
        for (at, entry) in self.applications.iter().enumerate() {
            self.add_application(&mut directory, made, now, at, entry)?;
        }
        for (at, entry) in self.service_principals.iter().enumerate() {
            let given = entry.get_ref();
            let field = |name: &str| format!("service_principals[{at}].{name}");
            let tenant =
                self.tenant(&directory, entry, &field("tenant"), given.tenant.as_deref())?;
            let principal = ServicePrincipal {
                kind: match given.managed_identity {
                    true => ServicePrincipalKind::ManagedIdentity,
                    false => ServicePrincipalKind::Application,
                },
                enabled: given.enabled,
                blocked_by_conditional_access: given.blocked_by_conditional_access,
                app_roles: graph_roles(&given.graph_permissions),
                ..ServicePrincipal::new(given.id, tenant, given.app_id, &given.name)
            };
            unused(&directory, entry, field("id"), given.id)?;
            directory.service_principals.insert(given.id, principal);
        }
        for (at, entry) in self.users.iter().enumerate() {
            self.add_user(&mut directory, made, at, entry)?;
        }
        self.add_groups(&mut directory)?;
        for (at, entry) in self.conditional_access.iter().enumerate() {
            let given = entry.get_ref().tenant.as_deref();
            let field = format!("conditional_access[{at}].tenant");
            let tenant = self.tenant(&directory, entry, &field, given)?;
            conditional_access::add(&mut directory, at, entry, tenant)?;
        }
        for (at, entry) in self.issuers.iter().enumerate() {
            let mut issuer = issuers::read(entry.get_ref())
                .map_err(|message| problem(entry, format!("issuers[{at}].jwks"), message))?;
            if matches!(issuer.keys, IssuerKeys::Hosted) {
                let token = made.request_token(&issuer.url);
                let token = token.map_err(|e| problem(entry, format!("issuers[{at}]"), e))?;
                issuer.request_token = Some(token);
            }
            directory.issuers.insert(issuer.url.clone(), issuer);
        }
        Ok(directory)
    }

    /// The tenant that an entry names, or the only one.
    fn tenant<T>(
        &self,
        directory: &Directory,
        entry: &Spanned<T>,
        field: &str,
        given: Option<&str>,
    ) -> Result<Uuid, Problem> {
        match (given, self.tenants.as_slice()) {
            (Some(given), _) => directory
                .tenant(given)
                .map(|tenant| tenant.id)
                .ok_or_else(|| {
                    let message = format!("no tenant in this seed has the id or domain '{given}'");
                    problem(entry, field.to_owned(), message)
                }),
            (None, [only]) => Ok(only.get_ref().id),
            (None, all) => {
                let message = format!("name the tenant: the seed has {}", all.len());
                Err(problem(entry, field.to_owned(), message))
            }
        }
    }

    fn add_user(
        &self,
        directory: &mut Directory,
        made: &mut GeneratedSecrets,
        at: usize,
        entry: &Spanned<UserSeed>,
    ) -> Result<(), Problem> {
        let given = entry.get_ref();
        let field = |name: &str| format!("users[{at}].{name}");
        let tenant = self.tenant(directory, entry, &field("tenant"), given.tenant.as_deref())?;
        unused(directory, entry, field("id"), given.id)?;
        let guest_of = match &given.guest_of {
            None => None,
            Some(home) => {
                let found = match Uuid::try_parse(home) {
                    Ok(id) => directory.users.get(&id),
                    Err(_) => directory.account(home),
                };
                let found = found.filter(|user| user.guest_of.is_none() && user.tenant != tenant);
                Some(found.map(|user| user.id).ok_or_else(|| {
                    let message = format!(
                        "no account of another tenant, further up in this seed, is '{home}'"
                    );
                    problem(entry, field("guest_of"), message)
                })?)
            }
        };
        let password = match (&given.password, guest_of) {
            (Some(_), Some(_)) => {
                let message =
                    "a guest signs in with the password of its home account: leave this out";
                return Err(problem(entry, field("password"), message));
            }
            (None, Some(_)) => None,
            (Some(given), None) => Some(SecretText::new(given)),
            (None, None) => Some(
                made.secret(given.id, "password")
                    .map_err(|e| problem(entry, field("password"), e))?,
            ),
        };
        let user = User {
            enabled: given.enabled,
            password,
            password_expired: given.password_expired,
            locked: given.locked,
            guest_of,
            sessions_valid_from: given
                .sessions_valid_from
                .as_deref()
                .map(|text| {
                    time_of(text).map_err(|e| problem(entry, field("sessions_valid_from"), e))
                })
                .transpose()?,
            ..User::new(given.id, tenant, &given.user_principal_name, &given.name)
        };
        directory.users.insert(given.id, user);
        add_roles(
            directory,
            entry,
            &field("directory_roles"),
            given.id,
            &given.directory_roles,
        )
    }

    fn add_application(
        &self,
        directory: &mut Directory,
        made: &mut GeneratedSecrets,
        now: OffsetDateTime,
        at: usize,
        entry: &Spanned<ApplicationSeed>,
    ) -> Result<(), Problem> {
        let given = entry.get_ref();
        let field = |name: &str| format!("applications[{at}].{name}");
        let tenant = self.tenant(directory, entry, &field("tenant"), given.tenant.as_deref())?;
        let version = given.access_token_version.unwrap_or(1);
        if !(1..=2).contains(&version) {
            return Err(problem(
                entry,
                field("access_token_version"),
                "the version is 1 or 2",
            ));
        }
        let new = Application::new(given.app_id, tenant, &given.name);
        let mut application = Application {
            object_id: given.object_id.unwrap_or_else(Uuid::new_v4),
            audience: match given.multiple_tenants {
                true => Audience::MultipleTenants,
                false => Audience::SingleTenant,
            },
            identifier_uris: given.identifier_uris.clone(),
            access_token_version: version,
            public_client: given.public_client,
            consented: given.consented,
            admin_consent_required: given.admin_consent_required,
            redirect_uris: redirect_uris(given)
                .map_err(|message| problem(entry, field("redirect_uris"), message))?,
            scopes: given.scopes.clone().unwrap_or(new.scopes),
            ..new
        };
        for (n, secret) in given.secrets.iter().enumerate() {
            let expires = match &secret.expires {
                None => now + time::Duration::days(730),
                Some(text) => time_of(text)
                    .map_err(|e| problem(entry, field(&format!("secrets[{n}].expires")), e))?,
            };
            let text = match &secret.value {
                Some(value) => SecretText::new(value),
                None => made
                    .secret(given.app_id, &secret.name)
                    .map_err(|e| problem(entry, field(&format!("secrets[{n}]")), e))?,
            };
            application.secrets.push(Secret {
                id: secret.id.unwrap_or_else(Uuid::new_v4),
                name: Some(secret.name.clone()),
                text,
                starts: None,
                expires,
            });
        }
        for (n, certificate) in given.certificates.iter().enumerate() {
            let der = match &certificate.pem {
                Some(pem) => super::made::certificate_of_pem(pem),
                None => made.certificate(given.app_id, &certificate.name),
            }
            .map_err(|e| problem(entry, field(&format!("certificates[{n}].pem")), e))?;
            application.certificates.push(Certificate::new(der));
        }
        let federated = given.federated_credentials.iter();
        application.federated_credentials = federated.map(FederatedSeed::credential).collect();
        if let Some(own) = &given.service_principal {
            unused(directory, entry, field("service_principal.id"), own.id)?;
            let roles = field("service_principal.directory_roles");
            add_roles(directory, entry, &roles, own.id, &own.directory_roles)?;
            directory.service_principals.insert(
                own.id,
                ServicePrincipal {
                    enabled: own.enabled,
                    blocked_by_conditional_access: own.blocked_by_conditional_access,
                    app_roles: graph_roles(&own.graph_permissions),
                    ..ServicePrincipal::new(own.id, tenant, given.app_id, &given.name)
                },
            );
        }
        if directory
            .applications
            .insert(given.app_id, application)
            .is_some()
        {
            let message = format!(
                "another application already has the client id '{}'",
                given.app_id
            );
            return Err(problem(entry, field("app_id"), message));
        }
        Ok(())
    }

    fn add_groups(&self, directory: &mut Directory) -> Result<(), Problem> {
        for (at, entry) in self.groups.iter().enumerate() {
            let given = entry.get_ref();
            let field = |name: &str| format!("groups[{at}].{name}");
            let tenant =
                self.tenant(directory, entry, &field("tenant"), given.tenant.as_deref())?;
            unused(directory, entry, field("id"), given.id)?;
            let group = Group::new(given.id, tenant, &given.name);
            directory.groups.insert(given.id, group);
        }
        // Members come last: a group may name another group that comes later in the file.
        for (at, entry) in self.groups.iter().enumerate() {
            let given = entry.get_ref();
            let members = find_all(directory, entry, "groups", at, "members", &given.members)?;
            let owners = find_all(directory, entry, "groups", at, "owners", &given.owners)?;
            if let Some(group) = directory.groups.get_mut(&given.id) {
                group.members = members;
                group.owners = owners;
            }
        }
        for (at, entry) in self.applications.iter().enumerate() {
            let given = entry.get_ref();
            let owners = find_all(
                directory,
                entry,
                "applications",
                at,
                "owners",
                &given.owners,
            )?;
            if let Some(application) = directory.applications.get_mut(&given.app_id) {
                application.owners = owners;
            }
        }
        Ok(())
    }
}

/// The object ids of all that a list of a seed names.
fn find_all<T>(
    directory: &Directory,
    entry: &Spanned<T>,
    table: &str,
    at: usize,
    list: &str,
    names: &[String],
) -> Result<BTreeSet<Uuid>, Problem> {
    names
        .iter()
        .enumerate()
        .map(|(n, name)| {
            find_member(directory, name).ok_or_else(|| {
                let message = format!("no user, application or group '{name}' in this seed");
                problem(entry, format!("{table}[{at}].{list}[{n}]"), message)
            })
        })
        .collect()
}

/// Gives a principal the directory roles with these names.
fn add_roles<T>(
    directory: &mut Directory,
    entry: &Spanned<T>,
    field: &str,
    principal: Uuid,
    names: &[String],
) -> Result<(), Problem> {
    for (n, name) in names.iter().enumerate() {
        let role = DirectoryRole::named(name).ok_or_else(|| {
            let known: Vec<&str> = DIRECTORY_ROLES.iter().map(|role| role.name).collect();
            let message = format!(
                "no directory role is '{name}'; these are: {}",
                known.join(", ")
            );
            problem(entry, format!("{field}[{n}]"), message)
        })?;
        directory.directory_roles.insert((principal, role.id));
    }
    Ok(())
}

/// The redirect URIs of the seed, or those of any desktop program.
fn redirect_uris(given: &ApplicationSeed) -> Result<Vec<String>, String> {
    let Some(uris) = &given.redirect_uris else {
        let native = NATIVE_REDIRECT_URIS.iter().filter(|_| given.public_client);
        return Ok(native.map(|&uri| uri.to_owned()).collect());
    };
    for uri in uris {
        let url = url::Url::parse(uri).map_err(|e| format!("'{uri}' is not an address: {e}"))?;
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1"));
        if url.fragment().is_some() || (url.scheme() == "http" && !is_here) {
            return Err(format!(
                "'{uri}' is not allowed: use https, or http on localhost, without a '#'"
            ));
        }
    }
    Ok(uris.clone())
}

/// A time in RFC 3339.
fn time_of(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339)
        .map_err(|e| format!("'{text}' is not a time such as 2026-01-31T00:00:00Z: {e}"))
}

/// Permissions for Microsoft Graph.
fn graph_roles(names: &[String]) -> Vec<(Uuid, String)> {
    names.iter().map(|name| (GRAPH, name.clone())).collect()
}

/// Object ids are unique over all kinds of principals.
fn unused<T>(
    directory: &Directory,
    entry: &Spanned<T>,
    field: String,
    id: Uuid,
) -> Result<(), Problem> {
    match directory.principal(id) {
        None => Ok(()),
        Some(taken) => {
            let message = format!("'{id}' is already the id of '{}'", taken.name());
            Err(problem(entry, field, message))
        }
    }
}
