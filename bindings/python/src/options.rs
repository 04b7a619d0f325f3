//! What Python names, as the options of a session.

use crate::words;
use azcred::{
    ClientOptions, Error, ErrorKind, Profile, Result, Scope, TenantId, TokenRequest,
    chain::{Expect, Preset, Source},
    session::SessionBuilder,
    system::{EmbeddedSystem, System},
};
use pyo3::{exceptions::PyValueError, prelude::*};
use std::{sync::Arc, time::Duration};

/// The options of `azcred.Credential`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    preset: Option<String>,
    only: Option<Vec<String>>,
    exclude: Vec<String>,
    profile: Option<String>,
    tenant: Option<String>,
    additionally_allowed_tenants: Vec<String>,
    expect_tenant: Option<String>,
    expect_principal: Option<String>,
    expect_source: Option<Vec<String>>,
    process_timeout: Option<f64>,
    unattended: bool,
    /// Whether a person is here; `None` if the terminal decides.
    attended: Option<bool>,
    cache: bool,
}

impl Options {
    /// The builder of a session with these options.
    pub(crate) fn builder(&self) -> Result<SessionBuilder> {
        let sources = |names: &[String]| {
            let sources = names.iter().map(|name| name.parse::<Source>());
            sources.collect::<Result<Vec<_>>>()
        };
        let mut builder = SessionBuilder::default().exclude(sources(&self.exclude)?);
        if let Some(preset) = &self.preset {
            builder = builder.preset(preset.parse::<Preset>()?);
        }
        if let Some(only) = &self.only {
            builder = builder.only(sources(only)?);
        }
        if let Some(profile) = &self.profile {
            builder = builder.profile(Profile::new(profile)?);
        }
        if let Some(tenant) = &self.tenant {
            builder = builder.tenant(TenantId::new(tenant)?);
        }
        for tenant in &self.additionally_allowed_tenants {
            builder = match tenant.as_str() {
                "*" => builder.allow_any_tenant(),
                tenant => builder.allow_tenants([TenantId::new(tenant)?]),
            };
        }
        if let Some(tenant) = &self.expect_tenant {
            builder = builder.expect(Expect::new("expect_tenant").tenant(tenant)?);
        }
        if let Some(principal) = &self.expect_principal {
            builder = builder.expect(Expect::new("expect_principal").principal(principal)?);
        }
        if let Some(names) = &self.expect_source {
            builder = builder.expect(Expect::new("expect_source").sources(sources(names)?));
        }
        if let Some(seconds) = self.process_timeout {
            builder = builder.process_timeout(process_timeout(seconds)?);
        }
        if self.unattended {
            builder = builder.unattended();
        }
        let mut system = EmbeddedSystem::now();
        if let Some(is_here) = self.attended {
            system = system.with_person(is_here);
        }
        // Without a folder, the session says so when it is opened.
        if let Some(folder) = system.current_folder() {
            builder = builder.at(Arc::new(system), folder);
        }
        if !self.cache {
            builder = builder.without_cached_tokens();
        }
        Ok(builder)
    }
}

fn process_timeout(seconds: f64) -> Result<Duration> {
    let longest = ClientOptions::LONGEST_PROCESS_TIMEOUT;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|timeout| !timeout.is_zero() && *timeout <= longest)
        .ok_or_else(|| {
            let why = format!("it can't be {seconds} seconds");
            Error::new(ErrorKind::Invalid, "process_timeout is not valid", why)
                .with_fix(format!("give at most {} seconds", longest.as_secs()))
        })
}

/// A request for a token.
pub(crate) fn request(
    scopes: &[String],
    claims: Option<String>,
    tenant: Option<&str>,
    cae: bool,
) -> Result<Option<TokenRequest>> {
    let Some((first, others)) = scopes.split_first() else {
        return Ok(None);
    };
    let mut request = TokenRequest::new(first.parse::<Scope>()?);
    for other in others {
        request = request.and_scope(other.parse()?);
    }
    if let Some(tenant) = tenant {
        request = request.with_tenant(TenantId::new(tenant)?);
    }
    if let Some(claims) = claims {
        request = request.with_claims(claims);
    }
    if cae {
        request = request.with_cae();
    }
    Ok(Some(request))
}

/// The exception for an argument whose value can't be used.
pub(crate) fn unusable(error: &Error) -> PyErr {
    PyValueError::new_err(words::in_python(error, "azcred.Credential").to_string())
}
