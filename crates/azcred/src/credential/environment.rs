//! A service principal from the environment: `AZURE_*` as every Azure SDK reads them, or `HIML_*` as hi-ml does.
//!
//! In order:
//! 1. `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`;
//! 2. `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_CERTIFICATE_PATH`, with `AZURE_CLIENT_CERTIFICATE_PASSWORD` and
//!    `AZURE_CLIENT_SEND_CERTIFICATE_CHAIN` (`1` or `true`) where needed;
//! 3. `HIML_TENANT_ID`, `HIML_SERVICE_PRINCIPAL_ID` and `HIML_SERVICE_PRINCIPAL_PASSWORD`.
//!
//! [`EnvironmentOrder::HimlFirst`] puts the third before the others. The first complete set is used, and what it is
//! refused is final: no other set is tried, so that nobody signs in as somebody else by accident. An incomplete set is
//! no error by itself; where there is no complete one, the error names exactly the variables that are missing.

use super::{
    Availability, ClientCertificateCredential, ClientSecretCredential, Credential, TokenFuture,
};
use crate::{
    entra::certificate::{self, ClientCertificate},
    error::{Error, ErrorKind, Result},
    options::ClientOptions,
    request::TokenRequest,
    system::System,
    tenant::{ClientId, TenantId},
};
use secrecy::SecretString;
use std::{fmt, path::Path};
use zeroize::Zeroizing;

/// Which of the two sets of variables is looked at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EnvironmentOrder {
    /// `AZURE_*`, then `HIML_*`.
    #[default]
    AzureFirst,
    /// `HIML_*`, then `AZURE_*`: hi-ml's rule.
    HimlFirst,
}

/// Which variables make the service principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnvironmentKind {
    /// `AZURE_CLIENT_SECRET` and its kin.
    AzureSecret,
    /// `AZURE_CLIENT_CERTIFICATE_PATH` and its kin.
    AzureCertificate,
    /// `HIML_SERVICE_PRINCIPAL_PASSWORD` and its kin.
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
            .all(|name| system.var(name).is_some())
    }
}

impl EnvironmentOrder {
    fn kinds(self) -> [EnvironmentKind; 3] {
        use EnvironmentKind::{AzureCertificate, AzureSecret, Himl};
        match self {
            Self::AzureFirst => [AzureSecret, AzureCertificate, Himl],
            Self::HimlFirst => [Himl, AzureSecret, AzureCertificate],
        }
    }
}

/// Signs in as the service principal that the environment describes.
pub struct EnvironmentCredential {
    kind: EnvironmentKind,
    passed_over: Vec<EnvironmentKind>,
    using: String,
    credential: Box<dyn Credential>,
}

const NAME: &str = "EnvironmentCredential";
const CERTIFICATE_LIMIT: u64 = 1 << 20;

impl EnvironmentCredential {
    /// Reads the environment, once. Asks nobody yet.
    ///
    /// Where there is a certificate, this reads its file and derives keys from its password without giving way: milliseconds
    /// for ordinary files, some seconds for the worst that is accepted ([`ClientCertificate::from_bytes`]). A server that
    /// does this while it serves puts it into `tokio::task::spawn_blocking`.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where no set of variables is complete, naming those that are missing;
    /// [`ErrorKind::Invalid`] where a complete set can't be used, naming the variable.
    pub fn new(order: EnvironmentOrder, options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let mut complete = order
            .kinds()
            .into_iter()
            .filter(|kind| kind.is_complete(&*system));
        let Some(kind) = complete.next() else {
            return Err(missing(&*system));
        };
        let passed_over: Vec<_> = complete.collect();
        let [tenant, client, proof] = kind.variables();
        let read = |name: &'static str| system.var(name).unwrap_or_default();
        let tenant_id = TenantId::new(&read(tenant)).map_err(|error| named(tenant, &error))?;
        let client_id = ClientId::new(&read(client)).map_err(|error| named(client, &error))?;
        let credential: Box<dyn Credential> = match kind {
            EnvironmentKind::AzureSecret | EnvironmentKind::Himl => Box::new(
                ClientSecretCredential::new(tenant_id, client_id.clone(), read(proof), options)?,
            ),
            EnvironmentKind::AzureCertificate => {
                let path = read(proof);
                let path = Path::new(&path);
                // It holds a private key.
                let bytes = system
                    .read(path, CERTIFICATE_LIMIT)
                    .map(Zeroizing::new)
                    .map_err(|error| certificate::unreadable(path, &error))?;
                let password = system
                    .var("AZURE_CLIENT_CERTIFICATE_PASSWORD")
                    .map(SecretString::from);
                let certificate =
                    ClientCertificate::from_file(&bytes, password.as_ref(), Some(path))?;
                let send_chain = system
                    .var("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN")
                    .is_some_and(|value| {
                        matches!(value.trim().to_ascii_lowercase().as_str(), "1" | "true")
                    });
                Box::new(
                    ClientCertificateCredential::new(
                        tenant_id,
                        client_id.clone(),
                        certificate,
                        options,
                    )?
                    .with_chain(send_chain),
                )
            }
        };
        let mut using = format!("{proof} of the application {client_id}");
        for other in &passed_over {
            using = format!("{using}; {} is set too and not used", other.variables()[2]);
        }
        if !passed_over.is_empty() {
            tracing::info!(
                used = proof,
                "several sets of variables describe a service principal"
            );
        }
        Ok(Self {
            kind,
            passed_over,
            using,
            credential,
        })
    }

    /// Which variables are used.
    pub fn kind(&self) -> EnvironmentKind {
        self.kind
    }

    /// Which complete sets of variables are there too, and not used.
    pub fn passed_over(&self) -> &[EnvironmentKind] {
        &self.passed_over
    }

    /// What is used, in a few words, and what is not though it could be.
    pub fn using(&self) -> &str {
        &self.using
    }
}

/// An error about a value, with the name of its variable.
fn named(variable: &str, error: &Error) -> Error {
    Error::new(
        error.kind(),
        format!("Read {variable}"),
        error.why().to_owned(),
    )
    .with_mend(error.mend().to_owned())
}

/// No set is complete: the one that somebody began is what they meant.
fn missing(system: &dyn System) -> Error {
    let set = |name: &&str| system.var(name).is_some();
    let mut incomplete = Vec::new();
    // AZURE_CLIENT_ID and AZURE_TENANT_ID alone belong to managed and workload identities as well; they are named all the same,
    // as 'unavailable' is no reproach.
    for (kind, proof) in [
        (
            EnvironmentKind::AzureSecret,
            "AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
        ),
        (EnvironmentKind::Himl, "HIML_SERVICE_PRINCIPAL_PASSWORD"),
    ] {
        let variables = kind.variables();
        let has_certificate =
            kind == EnvironmentKind::AzureSecret && set(&"AZURE_CLIENT_CERTIFICATE_PATH");
        if !has_certificate && !variables.iter().any(set) {
            continue;
        }
        let absent: Vec<&str> = variables
            .into_iter()
            .filter(|name| !set(name))
            .filter(|name| !(has_certificate && *name == "AZURE_CLIENT_SECRET"))
            .map(|name| if name == variables[2] { proof } else { name })
            .collect();
        let present: Vec<&str> = variables
            .into_iter()
            .chain(has_certificate.then_some("AZURE_CLIENT_CERTIFICATE_PATH"))
            .filter(set)
            .collect();
        incomplete.push((list(&present), list(&absent)));
    }
    let what = "EnvironmentCredential looked for a service principal in the environment";
    if incomplete.is_empty() {
        return Error::new(ErrorKind::Unavailable, what, "none of its variables is set").with_mend(
            "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or HIML_TENANT_ID, \
             HIML_SERVICE_PRINCIPAL_ID and HIML_SERVICE_PRINCIPAL_PASSWORD)",
        );
    }
    let why: Vec<String> = incomplete
        .iter()
        .map(|(present, absent)| {
            format!(
                "{present} {} set and {absent} {} not",
                is(present),
                is(absent)
            )
        })
        .collect();
    let absent: Vec<&str> = incomplete
        .iter()
        .map(|(_, absent)| absent.as_str())
        .collect();
    Error::new(ErrorKind::Unavailable, what, why.join("; "))
        .with_mend(format!("set {}", absent.join("; or ")))
}

fn is(names: &str) -> &'static str {
    if names.contains(" and ") { "are" } else { "is" }
}

fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl Credential for EnvironmentCredential {
    fn name(&self) -> &'static str {
        NAME
    }

    fn prepare(&self, _: &dyn System) -> Availability {
        Availability::Ready {
            using: self.using.clone(),
        }
    }

    fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.credential.get_token(request)
    }
}

impl fmt::Debug for EnvironmentCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(NAME)
            .field("kind", &self.kind)
            .field("credential", &self.credential)
            .finish()
    }
}

#[cfg(test)]
#[path = "environment_tests.rs"]
mod tests;
