//! A service principal in variables: `AZURE_*` as every Azure SDK reads them, or `HIML_*` as hi-ml
//! does.
//!
//! In order:
//! 1. `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`;
//! 2. `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_CERTIFICATE_PATH`, with
//!    `AZURE_CLIENT_CERTIFICATE_PASSWORD` and `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN` (`1` or `true`)
//!    where needed;
//! 3. `HIML_TENANT_ID`, `HIML_SERVICE_PRINCIPAL_ID` and `HIML_SERVICE_PRINCIPAL_PASSWORD`.
//!
//! [`EnvironmentOrder::HimlFirst`] puts the third before the others. The first complete set is
//! used. If it is rejected, no other set is tried, so that no program gets another identity by
//! accident. An incomplete set alone is not an error; if no set is complete, the error names the
//! missing variables.

use super::{
    Availability, ClientSecretCredential,
    certificate_file::CertificateFile,
    client_secret::is_about_secret,
    source::{Kept, TokenSource, credential},
    variables,
};
use crate::{
    facts::{Error, ErrorKind, Fix, PassedOver, Result, Used, UsedKind},
    options::ClientOptions,
    request::TokenRequest,
    sieve::{fix_of_path, fix_of_secret, shown_path, tidied, tidied_path},
    system::{FileKind, System, checked_path, home, path},
    tenant::{ClientId, TenantId},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::SecretString;
use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

/// 'Invalid client secret provided' (AADSTS7000215).
const WRONG_SECRET: u32 = 7_000_215;
/// 'The provided client secret keys are expired' (AADSTS7000222).
const EXPIRED_SECRET: u32 = 7_000_222;

/// Variables that are set if a workload or a CI job has its own identity token.
const WORKLOADS: [&str; 3] = [
    "AZURE_FEDERATED_TOKEN_FILE",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "SYSTEM_OIDCREQUESTURI",
];

/// Which of the two sets of variables comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EnvironmentOrder {
    /// `AZURE_*`, then `HIML_*`.
    #[default]
    AzureFirst,
    /// `HIML_*`, then `AZURE_*`: hi-ml's rule.
    HimlFirst,
    /// `AZURE_*` only, as in azure-identity.
    AzureOnly,
    /// `HIML_*` only.
    HimlOnly,
}

/// The variables that describe the service principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvironmentKind {
    /// `AZURE_CLIENT_SECRET` with its tenant and client id.
    AzureSecret,
    /// `AZURE_CLIENT_CERTIFICATE_PATH` with its tenant and client id.
    AzureCertificate,
    /// `HIML_SERVICE_PRINCIPAL_PASSWORD` with its tenant and id.
    Himl,
}

impl EnvironmentKind {
    /// The variables that must all be set.
    pub fn variables(self) -> [&'static str; 3] {
        match self {
            Self::AzureSecret => ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
            Self::AzureCertificate => [
                "AZURE_TENANT_ID",
                "AZURE_CLIENT_ID",
                "AZURE_CLIENT_CERTIFICATE_PATH",
            ],
            Self::Himl => [
                "HIML_TENANT_ID",
                "HIML_SERVICE_PRINCIPAL_ID",
                "HIML_SERVICE_PRINCIPAL_PASSWORD",
            ],
        }
    }

    fn is_complete(self, system: &dyn System) -> bool {
        self.variables()
            .iter()
            .all(|name| system.var_os(name).is_some())
    }
}

impl EnvironmentOrder {
    fn kinds(self) -> &'static [EnvironmentKind] {
        use EnvironmentKind::{AzureCertificate, AzureSecret, Himl};
        match self {
            Self::AzureFirst => &[AzureSecret, AzureCertificate, Himl],
            Self::HimlFirst => &[Himl, AzureSecret, AzureCertificate],
            Self::AzureOnly => &[AzureSecret, AzureCertificate],
            Self::HimlOnly => &[Himl],
        }
    }
}

/// Signs in as the service principal in the variables.
pub struct EnvironmentCredential(Kept<Described>);

/// The service principal in the variables. Files are read at the first use.
pub(crate) struct Described {
    kind: EnvironmentKind,
    passed_over: Vec<EnvironmentKind>,
    using: Used,
    tenant: TenantId,
    client_id: ClientId,
    options: ClientOptions,
    source: OnceLock<Arc<dyn TokenSource>>,
}

const NAME: &str = "EnvironmentCredential";

impl EnvironmentCredential {
    /// Reads the variables once. Requests nothing yet.
    ///
    /// With a certificate, the function blocks: it reads the file and derives keys from its
    /// password, in milliseconds for ordinary files, some seconds for the slowest that is accepted
    /// ([`from_bytes`](crate::ClientCertificate::from_bytes)). A server calls it in
    /// `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if no set of variables is complete; the error names the missing
    /// ones. [`ErrorKind::Invalid`] if a complete set can't be used; the error names the variable.
    pub fn new(order: EnvironmentOrder, options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let described = Described::new(order, options)?;
        described.source()?;
        Ok(Self(Kept::new(Arc::new(described), system)))
    }

    /// The variables that are used.
    pub fn kind(&self) -> EnvironmentKind {
        self.0.source().kind
    }

    /// The other complete sets of variables, which are not used.
    pub fn passed_over(&self) -> &[EnvironmentKind] {
        &self.0.source().passed_over
    }

    /// What is used, and what is set but ignored.
    pub fn using(&self) -> &Used {
        &self.0.source().using
    }
}

credential!(EnvironmentCredential);

impl Described {
    /// Reads the variables. No file is read yet.
    ///
    /// # Errors
    /// As [`EnvironmentCredential::new`], for the variables only.
    pub(crate) fn new(order: EnvironmentOrder, options: ClientOptions) -> Result<Self> {
        let system = &**options.system();
        let mut complete = order
            .kinds()
            .iter()
            .copied()
            .filter(|kind| kind.is_complete(system));
        let Some(kind) = complete.next() else {
            return Err(missing(order, system));
        };
        let passed_over: Vec<_> = complete.collect();
        let [tenant, client, proof] = kind.variables();
        let tenant_id = variables::read(system, tenant, TenantId::new)?;
        let client_id = variables::read(system, client, ClientId::new)?;
        let mut using = Used::new(match kind {
            EnvironmentKind::AzureCertificate => UsedKind::ClientCertificate {
                variable: Some(proof),
                path: checked_path(system, proof)?.map(|path| shown_path(&path)),
            },
            EnvironmentKind::AzureSecret | EnvironmentKind::Himl => UsedKind::ClientSecret {
                variable: Some(proof),
            },
        })
        .of_application(&client_id, &tenant_id)
        .from_variables(kind.variables());
        using.passed_over = passed_over
            .iter()
            .map(|other| PassedOver {
                variable: other.variables()[2],
            })
            .collect();
        if !passed_over.is_empty() {
            tracing::info!(
                used = proof,
                "several service principals are set; the first one is used"
            );
        }
        Ok(Self {
            kind,
            passed_over,
            using,
            tenant: tenant_id,
            client_id,
            options,
            source: OnceLock::new(),
        })
    }

    /// The credential itself, made at the first call. A failure is not stored, so that a corrected
    /// file is read again.
    fn source(&self) -> Result<&Arc<dyn TokenSource>> {
        if let Some(source) = self.source.get() {
            return Ok(source);
        }
        let made = self.make()?;
        Ok(self.source.get_or_init(|| made))
    }

    fn make(&self) -> Result<Arc<dyn TokenSource>> {
        let system = &**self.options.system();
        let [_, _, proof] = self.kind.variables();
        let value = system.var(proof).unwrap_or_default();
        if self.kind != EnvironmentKind::AzureCertificate {
            check_secret(system, proof, &value)?;
        }
        let (tenant, client_id) = (self.tenant.clone(), self.client_id.clone());
        let options = self.options.clone();
        if self.kind != EnvironmentKind::AzureCertificate {
            let credential = ClientSecretCredential::new(tenant, client_id, value, options)?;
            return Ok(credential.called(NAME).into_source());
        }
        let path = path(system, proof).unwrap_or_default();
        let file = CertificateFile {
            path: &path,
            variable: Some(proof),
            password: system
                .var("AZURE_CLIENT_CERTIFICATE_PASSWORD")
                .map(SecretString::from),
            send_chain: system
                .var("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
                .is_some_and(|value| {
                    matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true")
                }),
        };
        file.source(NAME, tenant, client_id, options)
    }

    /// Names the variable with the wrong secret.
    fn with_variable(&self, error: Error) -> Error {
        let [_, _, variable] = self.kind.variables();
        let value = self.options.system().var(variable).unwrap_or_default();
        if self.kind != EnvironmentKind::AzureCertificate
            && is_about_secret(&error)
            && let Some(fix) = fix_of_secret(&value, Some(variable))
        {
            return error.with_fix(fix);
        }
        let new = Fix::NewSecret {
            client_id: self.client_id.to_string(),
            variable: Some(variable),
        };
        if self.kind == EnvironmentKind::AzureCertificate {
            return error;
        }
        match error.code() {
            Some(WRONG_SECRET) => error.with_fix(
                Fix::from(format!(
                    "check {variable}: it must be the secret's Value in the Azure portal, not its Secret ID"
                ))
                .or(new),
            ),
            Some(EXPIRED_SECRET) => error.with_fix(new),
            _ => error,
        }
    }
}

/// Fails if the value of a variable with a secret is the path of a file that exists.
fn check_secret(system: &dyn System, variable: &'static str, value: &str) -> Result<()> {
    let bare = tidied(value);
    if !bare.starts_with('~') && !Path::new(bare).is_absolute() {
        return Ok(());
    }
    let path = tidied_path(value, home(system).as_deref());
    if !system
        .look(&path)
        .is_ok_and(|facts| facts.kind != FileKind::Folder)
    {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        format!("{variable} is not valid"),
        format!(
            "it must be the secret itself, but it is the path of a file ({})",
            shown_path(&path)
        ),
    )
    .with_fix(fix_of_path(variable)))
}

impl TokenSource for Described {
    fn name(&self) -> &'static str {
        NAME
    }

    fn look(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: self.using.clone(),
        }
    }

    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            let source = match self.source.get() {
                Some(source) => source.clone(),
                None if self.kind == EnvironmentKind::AzureCertificate => {
                    // Deriving keys from the password takes time and must not block the runtime.
                    let this = self.clone();
                    let made = tokio::task::spawn_blocking(move || this.source().cloned()).await;
                    made.map_err(|_| {
                        let why = "the runtime is shutting down";
                        Error::new(ErrorKind::Invalid, "could not read the certificate", why)
                    })??
                }
                None => self.source()?.clone(),
            };
            let fetched = source.fetch(request).await;
            fetched.map_err(|error| self.with_variable(error))
        }
        .boxed()
    }
}

impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("kind", &self.kind)
            .field("tenant", &self.tenant)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// No set is complete: the error is about the set that was begun.
fn missing(order: EnvironmentOrder, system: &dyn System) -> Error {
    let set = |name: &&str| system.var_os(name).is_some();
    let mut incomplete = Vec::new();
    // AZURE_CLIENT_ID and AZURE_TENANT_ID alone are also set for managed and workload identities.
    // The error still names them: it is only 'unavailable'.
    for kind in [EnvironmentKind::AzureSecret, EnvironmentKind::Himl] {
        if !order.kinds().contains(&kind) {
            continue;
        }
        let names = kind.variables();
        let has_certificate =
            kind == EnvironmentKind::AzureSecret && set(&"AZURE_CLIENT_CERTIFICATE_PATH");
        if !has_certificate && !names.iter().any(set) {
            continue;
        }
        let absent: Vec<&str> = names
            .into_iter()
            .filter(|name| !set(name))
            .filter(|name| !(has_certificate && *name == "AZURE_CLIENT_SECRET"))
            .collect();
        let present: Vec<&str> = names
            .into_iter()
            .chain(has_certificate.then_some("AZURE_CLIENT_CERTIFICATE_PATH"))
            .filter(set)
            .collect();
        incomplete.push((present, absent));
    }
    let what = "EnvironmentCredential could not find a service principal in the environment";
    if incomplete.is_empty() {
        let azure = || Fix::set(EnvironmentKind::AzureSecret.variables());
        let himl = || Fix::set(EnvironmentKind::Himl.variables());
        let fix = match order {
            // Few programs use the other variables; those that do have set one of them.
            EnvironmentOrder::AzureFirst | EnvironmentOrder::AzureOnly => azure(),
            EnvironmentOrder::HimlFirst => himl().or(azure()),
            EnvironmentOrder::HimlOnly => himl(),
        };
        return Error::new(
            ErrorKind::Unavailable,
            what,
            "none of its environment variables is set",
        )
        .with_fix(fix)
        .absent();
    }
    let why: Vec<String> = incomplete
        .iter()
        .map(|(present, absent)| {
            format!(
                "{} {} not set, but {} {}",
                variables::list(absent),
                variables::are(absent),
                variables::list(present),
                variables::are(present)
            )
        })
        .collect();
    let fix = incomplete
        .into_iter()
        .map(|(_, absent)| match absent[..] {
            ["AZURE_CLIENT_SECRET"] => Fix::set(absent).or(
                "set AZURE_CLIENT_CERTIFICATE_PATH to a PEM or PFX file with the certificate and its private key",
            ),
            _ => Fix::set(absent),
        })
        .reduce(Fix::or)
        .unwrap_or_default();
    let error = Error::new(ErrorKind::Unavailable, what, why.join("; ")).with_fix(fix);
    // The other two belong to the identity of a workload or of a CI job.
    let is_workload = WORKLOADS.iter().any(set)
        && !set(&"AZURE_CLIENT_SECRET")
        && !set(&"AZURE_CLIENT_CERTIFICATE_PATH")
        && !EnvironmentKind::Himl.variables().iter().any(set);
    match is_workload {
        true => error.absent(),
        false => error,
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
