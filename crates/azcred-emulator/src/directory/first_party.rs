//! Microsoft's own programs with which users sign in. They exist in every tenant and need no
//! consent.
//!
//! Client ids: 'Verify first-party Microsoft applications in sign-in reports'. The family comes
//! from `foci` in the live service's responses. Members of a family can use each other's refresh
//! tokens.

use super::application::{Application, Audience, NATIVE_REDIRECT_URIS};
use uuid::{Uuid, uuid};

/// The tenant that registers Microsoft's applications ('Microsoft Services').
pub const MICROSOFT_SERVICES: Uuid = uuid!("f8cdef31-a31e-4b4a-93e4-5f571e91255a");

/// Azure CLI. Azure Developer CLI and azure-identity use its client id too.
pub const AZURE_CLI: Uuid = uuid!("04b07795-8ddb-461a-bbee-02f9e1bf7b46");

/// Public clients: client id, name.
const PUBLIC_CLIENTS: &[(Uuid, &str)] = &[
    (AZURE_CLI, "Microsoft Azure CLI"),
    (
        uuid!("1950a258-227b-4e31-a9cf-717495945fc2"),
        "Microsoft Azure PowerShell",
    ),
    (
        uuid!("aebc6443-996d-45c2-90f0-388ff96faa56"),
        "Visual Studio Code",
    ),
    (
        uuid!("872cd9fa-d31f-45e0-9eab-6e460a02d1f1"),
        "Visual Studio",
    ),
];

/// The applications, all of the family `1`.
pub(super) fn applications() -> impl Iterator<Item = Application> {
    PUBLIC_CLIENTS.iter().map(|(app_id, name)| Application {
        object_id: *app_id,
        audience: Audience::MultipleTenants,
        public_client: true,
        consented: true,
        family: Some("1".to_owned()),
        redirect_uris: NATIVE_REDIRECT_URIS
            .iter()
            .map(|&uri| uri.to_owned())
            .collect(),
        ..Application::new(*app_id, MICROSOFT_SERVICES, *name)
    })
}
