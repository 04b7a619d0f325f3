//! The personas of service principals with a secret or a certificate.

use crate::{
    environment::pairs::Pairs,
    info::{IdentityInfo, Info},
};

/// In `AZURE_*`, which every Azure SDK reads ('EnvironmentCredential').
pub(super) fn service_principal(info: &Info) -> Option<Pairs> {
    let (identity, secret) = info.service_principal()?;
    Some(vec![
        ("AZURE_TENANT_ID", identity.tenant_id.to_string()),
        ("AZURE_CLIENT_ID", identity.client_id.to_string()),
        ("AZURE_CLIENT_SECRET", secret.to_owned()),
    ])
}

/// In `HIML_*`, which hi-ml reads.
pub(super) fn himl(info: &Info) -> Option<Pairs> {
    let (identity, secret) = info.service_principal()?;
    Some(vec![
        ("HIML_TENANT_ID", identity.tenant_id.to_string()),
        ("HIML_SERVICE_PRINCIPAL_ID", identity.client_id.to_string()),
        ("HIML_SERVICE_PRINCIPAL_PASSWORD", secret.to_owned()),
    ])
}

/// The first application with a certificate that the emulator made.
pub(super) fn certificate(info: &Info) -> Option<Pairs> {
    info.identities.iter().find_map(|identity| {
        let path = identity.certificate_path.as_ref()?;
        Some(vec![
            ("AZURE_TENANT_ID", identity.tenant_id.to_string()),
            ("AZURE_CLIENT_ID", identity.client_id.to_string()),
            ("AZURE_CLIENT_CERTIFICATE_PATH", path.display().to_string()),
        ])
    })
}

impl Info {
    /// The service principal of the persona `service-principal`, with its secret: the first
    /// application that has both.
    pub fn service_principal(&self) -> Option<(&IdentityInfo, &str)> {
        self.identities
            .iter()
            .filter(|i| i.enabled && i.object_id.is_some() && !i.secret_expired)
            .find_map(|i| Some((i, i.secret.as_deref()?)))
    }
}
