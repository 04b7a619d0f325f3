//! A service principal with a certificate in a file.

use super::source::TokenSource;
use crate::{
    facts::Result,
    options::ClientOptions,
    system::System,
    tenant::{ClientId, TenantId},
};
use secrecy::SecretString;
use std::{path::Path, sync::Arc};
use time::OffsetDateTime;

/// The file, and how it is used.
pub(super) struct CertificateFile<'a> {
    pub(super) path: &'a Path,
    /// The variable that names the file, if there is one.
    pub(super) variable: Option<&'static str>,
    pub(super) password: Option<SecretString>,
    /// Whether the certificate's chain is sent too.
    pub(super) send_chain: bool,
}

/// Until when the certificate in `AZURE_CLIENT_CERTIFICATE_PATH` can be used; `None` if there is
/// none that can be read. It blocks as [`EnvironmentCredential::new`](super::EnvironmentCredential::new).
#[cfg(feature = "certificates")]
pub(crate) fn certificate_end(system: &dyn System) -> Option<OffsetDateTime> {
    let path = crate::system::path(system, "AZURE_CLIENT_CERTIFICATE_PATH")?;
    let password = system.var("AZURE_CLIENT_CERTIFICATE_PASSWORD");
    let password = password.map(SecretString::from);
    let bytes = system
        .read(&path, LIMIT)
        .map(zeroize::Zeroizing::new)
        .ok()?;
    let read = crate::entra::certificate::ClientCertificate::from_bytes(&bytes, password.as_ref());
    Some(read.ok()?.not_after())
}

/// A program without certificates reads none.
#[cfg(not(feature = "certificates"))]
pub(crate) fn certificate_end(_: &dyn System) -> Option<OffsetDateTime> {
    None
}

/// A certificate with its key and chain is smaller, in bytes.
#[cfg(feature = "certificates")]
const LIMIT: u64 = 1 << 20;

#[cfg(feature = "certificates")]
impl CertificateFile<'_> {
    /// Reads the file and returns the service principal. Errors are about the credential `name`.
    pub(super) fn source(
        self,
        name: &'static str,
        tenant: TenantId,
        client_id: ClientId,
        options: ClientOptions,
    ) -> Result<Arc<dyn TokenSource>> {
        use super::ClientCertificateCredential;
        use crate::entra::certificate::{ClientCertificate, NamedFile, unreadable};
        use zeroize::Zeroizing;

        // The file has a private key.
        let bytes = options
            .system()
            .read(self.path, LIMIT)
            .map(Zeroizing::new)
            .map_err(|error| unreadable(self.path, self.variable, &error))?;
        let named = NamedFile {
            path: self.path,
            variable: self.variable,
            client_id: &client_id,
        };
        let password = self.password.as_ref();
        let certificate = ClientCertificate::from_file(&bytes, password, Some(&named))?;
        let credential = ClientCertificateCredential::new(tenant, client_id, certificate, options)?;
        let credential = credential.called(name);
        Ok(match self.send_chain {
            true => credential.with_chain(),
            false => credential,
        }
        .into_source())
    }
}

#[cfg(not(feature = "certificates"))]
impl CertificateFile<'_> {
    /// The error of a program without certificates.
    pub(super) fn source(
        self,
        _: &'static str,
        _: TenantId,
        _: ClientId,
        _: ClientOptions,
    ) -> Result<Arc<dyn TokenSource>> {
        let Self {
            path,
            variable: _,
            password: _,
            send_chain: _,
        } = self;
        Err(crate::Error::new(
            crate::ErrorKind::Invalid,
            format!(
                "could not read the client certificate '{}'",
                crate::sieve::shown_path(path)
            ),
            "this program was built without the feature `certificates` of the crate azcred",
        )
        .with_fix("build it with that feature, or use a secret or a federated token"))
    }
}
