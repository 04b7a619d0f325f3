//! Creates applications and credentials while the emulator runs, for a test or a tool.

use super::{
    Application, Certificate, Directory, FederatedCredential, Issuer, IssuerKeys, Secret,
    SecretText, ServicePrincipal,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Why something could not be created in the directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The tenant does not exist.
    #[error("no tenant has the id {0}")]
    NoTenant(Uuid),
    /// The application does not exist.
    #[error("no application has the client id {0}")]
    NoApplication(Uuid),
    /// The certificate can't be parsed.
    #[error("this is not an X.509 certificate in DER")]
    NotACertificate,
    /// The system returned no random bytes for a secret.
    #[error("the system returned no random bytes")]
    Randomness,
}

impl Directory {
    /// Registers an application with its service principal. Returns the client id and the
    /// principal's object id.
    ///
    /// # Errors
    /// When the tenant does not exist.
    pub fn create_application(
        &mut self,
        tenant: Uuid,
        name: &str,
    ) -> Result<(Uuid, Uuid), CreateError> {
        if !self.tenants.contains_key(&tenant) {
            return Err(CreateError::NoTenant(tenant));
        }
        let (app_id, id) = (Uuid::new_v4(), Uuid::new_v4());
        self.applications
            .insert(app_id, Application::new(app_id, tenant, name));
        self.service_principals
            .insert(id, ServicePrincipal::new(id, tenant, app_id, name));
        Ok((app_id, id))
    }

    /// Adds a new secret to an application and returns its value, which is valid until `expires`.
    ///
    /// # Errors
    /// When the application does not exist, or the system returns no random bytes.
    pub fn add_secret(
        &mut self,
        app_id: Uuid,
        expires: OffsetDateTime,
    ) -> Result<SecretText, CreateError> {
        let text = SecretText::generate_for_client().map_err(|_| CreateError::Randomness)?;
        let secret = Secret {
            id: Uuid::new_v4(),
            name: Some("created".to_owned()),
            text: text.clone(),
            starts: None,
            expires,
        };
        self.application_mut(app_id)?.secrets.push(secret);
        Ok(text)
    }

    /// Registers a certificate (DER) for an application.
    ///
    /// # Errors
    /// When the application does not exist, or the certificate can't be parsed.
    pub fn add_certificate(&mut self, app_id: Uuid, der: &[u8]) -> Result<(), CreateError> {
        x509_parser::parse_x509_certificate(der).map_err(|_| CreateError::NotACertificate)?;
        let certificate = Certificate::new(der.to_vec());
        self.application_mut(app_id)?.certificates.push(certificate);
        Ok(())
    }

    /// Adds a federated credential to an application. For an unknown issuer, the emulator becomes
    /// the issuer and signs its tokens, see [`crate::issuer::mint`].
    ///
    /// # Errors
    /// When the application does not exist.
    pub fn add_federated_credential(
        &mut self,
        app_id: Uuid,
        credential: FederatedCredential,
    ) -> Result<(), CreateError> {
        let url = credential.issuer.clone();
        self.application_mut(app_id)?
            .federated_credentials
            .push(credential);
        self.host_issuer(url);
        Ok(())
    }

    /// Signs for an issuer, if the directory does not know it yet.
    pub(crate) fn host_issuer(&mut self, url: String) {
        self.issuers.entry(url.clone()).or_insert(Issuer {
            url,
            keys: IssuerKeys::Hosted,
            request_token: None,
        });
    }

    fn application_mut(&mut self, app_id: Uuid) -> Result<&mut Application, CreateError> {
        self.applications
            .get_mut(&app_id)
            .ok_or(CreateError::NoApplication(app_id))
    }
}
