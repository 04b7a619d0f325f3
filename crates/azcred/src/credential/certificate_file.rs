//! A service principal with a certificate in a file.

use super::source::TokenSource;
use crate::{
    facts::Result,
    options::ClientOptions,
    tenant::{ClientId, TenantId},
};
use secrecy::SecretString;
use std::{path::Path, sync::Arc};

/// The file, and how it is used.
pub(super) struct CertificateFile<'a> {
    pub(super) path: &'a Path,
    /// The variable that names the file, if there is one.
    pub(super) variable: Option<&'static str>,
    pub(super) password: Option<SecretString>,
    /// Whether the certificate's chain is sent too.
    pub(super) send_chain: bool,
}

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

        /// A certificate with its key and chain is smaller.
        const LIMIT: u64 = 1 << 20;

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
