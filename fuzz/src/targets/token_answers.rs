//! Responses of a token endpoint to an application.

use crate::{
    input,
    machine::{answered_by, machine, options},
    oracle::{self, SECRET},
};
use azcred::{ClientId, ClientSecretCredential, Credential, Scope, TenantId, TokenRequest};

/// Responses, with the application's secret in them.
pub(super) fn run(data: &[u8]) {
    one(data);
    if let Some(planted) = input::planted(data) {
        one(&planted);
    }
}

fn one(data: &[u8]) {
    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.com").expect("a tenant"),
        ClientId::new("a0000001-0000-4000-8000-000000000001").expect("an id"),
        SECRET,
        options(machine()),
    )
    .expect("a credential");
    answered_by(data, async {
        let outcome = credential.get_token(&TokenRequest::new(Scope::ARM)).await;
        oracle::outcome(&outcome);
        if let Err(error) = &outcome {
            // What a program reads of it.
            if let Some(refusal) = error.refusal() {
                oracle::shown(refusal);
                for text in [&refusal.error, &refusal.description] {
                    oracle::shown(text);
                }
                if let Some(claims) = &refusal.claims {
                    oracle::shown(claims);
                }
            }
            if let Some(fix) = error.fix() {
                oracle::shown(fix);
            }
        }
    });
}
