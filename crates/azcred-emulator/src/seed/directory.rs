//! The directory's half of a seed: what can be written there, and how it becomes a [`Directory`].

use crate::{
    directory::{
        Application, Audience, Certificate, Directory, EXCHANGE_AUDIENCE, FederatedCredential,
        GRAPH, Group, IssuerKeys, LoopLimit, NATIVE_REDIRECT_URIS, Secret, SecretText,
        ServicePrincipal, ServicePrincipalKind, Tenant, User,
    },
    seed::{
        conditional_access, issuers,
        lookup::find_member,
        made::Made,
        problem::{Problem, problem},
        tables::{ApplicationSeed, DirectorySeed, RotationSeed, UserSeed},
    },
};
use time::OffsetDateTime;
use toml::Spanned;
use uuid::Uuid;

impl DirectorySeed {
    /// Makes what the seed says. Secrets and certificates that it leaves out come from `made`.
    pub(super) fn build(&self, made: &mut Made, now: OffsetDateTime) -> Result<Directory, Problem> {
        let mut directory = Directory::with_first_party();
        let secret = made.refresh_secret();
        directory.refresh_secret = Some(secret.map_err(|message| Problem {
            span: None,
            field: String::new(),
            message,
        })?);
        for (at, entry) in self.tenants.iter().enumerate() {
            let said = entry.get_ref();
            let tenant = Tenant {
                id: said.id,
                name: said.name.clone(),
                domains: said.domains.clone(),
                country: said.country.clone(),
                loop_limit: said.loop_limit.as_ref().map(|l| LoopLimit {
                    requests: l.requests,
                    seconds: l.seconds,
                }),
                access_token_lifetime: said.access_token_lifetime,
                refresh_token_inactivity: said.refresh_token_inactivity,
                session_lifetime: said.session_lifetime,
                refresh_tokens_once: matches!(said.refresh_token_rotation, RotationSeed::OneTime),
                mfa_for_changes: said.mfa_for_changes,
                device_code_lifetime: said.device_code_lifetime,
                device_code_interval: said.device_code_interval,
            };
            if said.id.is_nil() || directory.tenants.insert(said.id, tenant).is_some() {
                let field = format!("tenants[{at}].id");
                return Err(problem(
                    entry,
                    field,
                    format!("'{}' is empty, or the id of another tenant", said.id),
                ));
            }
        }
        for (at, entry) in self.applications.iter().enumerate() {
            self.add_application(&mut directory, made, now, at, entry)?;
        }
        for (at, entry) in self.service_principals.iter().enumerate() {
            let said = entry.get_ref();
            let field = |name: &str| format!("service_principals[{at}].{name}");
            let principal = ServicePrincipal {
                id: said.id,
                tenant: self.tenant(&directory, entry, &field("tenant"), said.tenant.as_deref())?,
                app_id: said.app_id,
                name: said.name.clone(),
                kind: match said.managed_identity {
                    true => ServicePrincipalKind::ManagedIdentity,
                    false => ServicePrincipalKind::Application,
                },
                enabled: said.enabled,
                blocked_by_conditional_access: said.blocked_by_conditional_access,
                app_roles: graph_roles(&said.graph_permissions),
            };
            unused(&directory, entry, field("id"), said.id)?;
            directory.service_principals.insert(said.id, principal);
        }
        for (at, entry) in self.users.iter().enumerate() {
            self.add_user(&mut directory, made, at, entry)?;
        }
        self.add_groups(&mut directory)?;
        for (at, entry) in self.conditional_access.iter().enumerate() {
            let said = entry.get_ref().tenant.as_deref();
            let field = format!("conditional_access[{at}].tenant");
            let tenant = self.tenant(&directory, entry, &field, said)?;
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

    /// The tenant an entry names, or the only one.
    fn tenant<T>(
        &self,
        directory: &Directory,
        entry: &Spanned<T>,
        field: &str,
        said: Option<&str>,
    ) -> Result<Uuid, Problem> {
        match (said, self.tenants.as_slice()) {
            (Some(said), _) => directory
                .tenant(said)
                .map(|tenant| tenant.id)
                .ok_or_else(|| {
                    let message = format!("no tenant in this seed has the id or domain '{said}'");
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
        made: &mut Made,
        at: usize,
        entry: &Spanned<UserSeed>,
    ) -> Result<(), Problem> {
        let said = entry.get_ref();
        let field = |name: &str| format!("users[{at}].{name}");
        let tenant = self.tenant(directory, entry, &field("tenant"), said.tenant.as_deref())?;
        unused(directory, entry, field("id"), said.id)?;
        let guest_of = match &said.guest_of {
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
        let password = match (&said.password, guest_of) {
            (Some(_), Some(_)) => {
                let message =
                    "a guest signs in with the password of its home account: leave this out";
                return Err(problem(entry, field("password"), message));
            }
            (None, Some(_)) => None,
            (Some(given), None) => Some(SecretText::new(given)),
            (None, None) => Some(
                made.secret(said.id, "password")
                    .map_err(|e| problem(entry, field("password"), e))?,
            ),
        };
        let user = User {
            enabled: said.enabled,
            password,
            password_expired: said.password_expired,
            locked: said.locked,
            guest_of,
            sessions_valid_from: said
                .sessions_valid_from
                .as_deref()
                .map(|text| {
                    time_of(text).map_err(|e| problem(entry, field("sessions_valid_from"), e))
                })
                .transpose()?,
            ..User::new(said.id, tenant, &said.user_principal_name, &said.name)
        };
        directory.users.insert(said.id, user);
        Ok(())
    }

    fn add_application(
        &self,
        directory: &mut Directory,
        made: &mut Made,
        now: OffsetDateTime,
        at: usize,
        entry: &Spanned<ApplicationSeed>,
    ) -> Result<(), Problem> {
        let said = entry.get_ref();
        let field = |name: &str| format!("applications[{at}].{name}");
        let tenant = self.tenant(directory, entry, &field("tenant"), said.tenant.as_deref())?;
        let version = said.access_token_version.unwrap_or(1);
        if !(1..=2).contains(&version) {
            return Err(problem(
                entry,
                field("access_token_version"),
                "the version is 1 or 2",
            ));
        }
        let mut application = Application {
            object_id: said.object_id.unwrap_or_else(Uuid::new_v4),
            audience: match said.multiple_tenants {
                true => Audience::MultipleTenants,
                false => Audience::SingleTenant,
            },
            identifier_uris: said.identifier_uris.clone(),
            access_token_version: version,
            public_client: said.public_client,
            consented: said.consented,
            admin_consent_required: said.admin_consent_required,
            redirect_uris: redirect_uris(said)
                .map_err(|message| problem(entry, field("redirect_uris"), message))?,
            ..Application::new(said.app_id, tenant, &said.name)
        };
        for (n, secret) in said.secrets.iter().enumerate() {
            let expires = match &secret.expires {
                None => now + time::Duration::days(730),
                Some(text) => time_of(text)
                    .map_err(|e| problem(entry, field(&format!("secrets[{n}].expires")), e))?,
            };
            let text = match &secret.value {
                Some(value) => SecretText::new(value),
                None => made
                    .secret(said.app_id, &secret.name)
                    .map_err(|e| problem(entry, field(&format!("secrets[{n}]")), e))?,
            };
            application.secrets.push(Secret {
                id: secret.id.unwrap_or_else(Uuid::new_v4),
                name: secret.name.clone(),
                text,
                expires,
            });
        }
        for (n, certificate) in said.certificates.iter().enumerate() {
            let der = match &certificate.pem {
                Some(pem) => super::made::certificate_of_pem(pem),
                None => made.certificate(said.app_id, &certificate.name),
            }
            .map_err(|e| problem(entry, field(&format!("certificates[{n}].pem")), e))?;
            application.certificates.push(Certificate {
                id: Uuid::new_v4(),
                der,
            });
        }
        for federated in &said.federated_credentials {
            application.federated_credentials.push(FederatedCredential {
                name: federated.name.clone(),
                issuer: federated.issuer.clone(),
                subject: federated.subject.clone(),
                audiences: vec![
                    federated
                        .audience
                        .clone()
                        .unwrap_or_else(|| EXCHANGE_AUDIENCE.to_owned()),
                ],
            });
        }
        if let Some(own) = &said.service_principal {
            unused(directory, entry, field("service_principal.id"), own.id)?;
            directory.service_principals.insert(
                own.id,
                ServicePrincipal {
                    id: own.id,
                    tenant,
                    app_id: said.app_id,
                    name: said.name.clone(),
                    kind: ServicePrincipalKind::Application,
                    enabled: own.enabled,
                    blocked_by_conditional_access: own.blocked_by_conditional_access,
                    app_roles: graph_roles(&own.graph_permissions),
                },
            );
        }
        if directory
            .applications
            .insert(said.app_id, application)
            .is_some()
        {
            let message = format!(
                "another application already has the client id '{}'",
                said.app_id
            );
            return Err(problem(entry, field("app_id"), message));
        }
        Ok(())
    }

    fn add_groups(&self, directory: &mut Directory) -> Result<(), Problem> {
        for (at, entry) in self.groups.iter().enumerate() {
            let said = entry.get_ref();
            let field = |name: &str| format!("groups[{at}].{name}");
            let tenant = self.tenant(directory, entry, &field("tenant"), said.tenant.as_deref())?;
            unused(directory, entry, field("id"), said.id)?;
            let group = Group {
                id: said.id,
                tenant,
                name: said.name.clone(),
                members: std::collections::BTreeSet::new(),
            };
            directory.groups.insert(said.id, group);
        }
        // Members come last: a group may name one that comes later in the file.
        for (at, entry) in self.groups.iter().enumerate() {
            let said = entry.get_ref();
            for (n, member) in said.members.iter().enumerate() {
                let id = find_member(directory, member).ok_or_else(|| {
                    let message = format!("no user, application or group '{member}' in this seed");
                    problem(entry, format!("groups[{at}].members[{n}]"), message)
                })?;
                if let Some(group) = directory.groups.get_mut(&said.id) {
                    group.members.insert(id);
                }
            }
        }
        Ok(())
    }
}

/// The addresses for codes that are said, or those of any desktop program.
fn redirect_uris(said: &ApplicationSeed) -> Result<Vec<String>, String> {
    let Some(uris) = &said.redirect_uris else {
        let native = NATIVE_REDIRECT_URIS.iter().filter(|_| said.public_client);
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

/// Permissions for Microsoft Graph, by its client id.
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
