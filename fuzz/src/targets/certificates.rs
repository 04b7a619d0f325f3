//! Files of certificates and keys: PEM, DER, PKCS#12, and what people make of them.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle::{self, SECRET},
};
use azcred::{
    ClientCertificate, Credential, EnvironmentCredential, EnvironmentOrder, Scope, SecretString,
    TokenRequest,
};

/// The first line is the password, `@` for the secret, or empty. The file follows.
pub(super) fn run(data: &[u8]) {
    let (password, file) = input::head(data);
    let password = match password {
        b"" => None,
        b"@" => Some(SECRET.to_owned()),
        other => Some(input::text(other)),
    };
    let secret = password.clone().map(SecretString::from);
    let read = ClientCertificate::from_bytes(file, secret.as_ref());
    oracle::outcome(&read);
    if let Ok(certificate) = &read {
        oracle::is_printable(certificate.subject());
        assert_eq!(certificate.thumbprint_sha1().len(), 40);
        assert_eq!(certificate.thumbprint_sha256().len(), 64);
        assert!(certificate.chain_len() < file.len());
    }
    let mut machine = machine()
        .with_var("AZURE_TENANT_ID", "contoso.com")
        .with_var("AZURE_CLIENT_ID", "a0000001-0000-4000-8000-000000000001")
        .with_var("AZURE_CLIENT_CERTIFICATE_PATH", "/project/certificate")
        .with_file("/project/certificate", file);
    if let Some(password) = &password {
        machine = machine.with_var("AZURE_CLIENT_CERTIFICATE_PASSWORD", password);
    }
    let response = input::response(b"200\n\n{\"token_type\":\"Bearer\",\"access_token\":\"t\"}");
    answered(vec![response], async {
        let credential = EnvironmentCredential::new(EnvironmentOrder::AzureFirst, options(machine));
        oracle::outcome(&credential);
        if let Ok(credential) = credential {
            oracle::debug(&credential.prepare());
            oracle::outcome(&credential.get_token(&TokenRequest::new(Scope::ARM)).await);
        }
    });
}
