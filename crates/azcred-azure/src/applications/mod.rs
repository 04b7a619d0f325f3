//! Applications in the directory: what they are, and the marks that azcred leaves on them.
//!
//! The requests are methods of [`Graph`](crate::Graph), a file for each kind of object. Facts are
//! from Microsoft's pages of Graph v1.0 ('application resource type', 'addPassword', …).

mod application;
mod federated_credential;
mod key;
mod marks;
mod owned;
mod principal;

pub use self::{
    application::{Application, NewApplication},
    federated_credential::{
        FederatedCredential, MOST_FEDERATED_CREDENTIALS, NewFederatedCredential,
    },
    key::{CertificateChange, Key, NewCertificate, NewSecret, Secret},
    marks::{Marks, TAG},
    principal::ServicePrincipal,
};

use crate::error::{Error, ErrorKind, Result};

/// Whether the object was there, by the result of the request that removes it.
fn was_there<T>(removed: Result<T>) -> Result<bool> {
    match removed {
        Ok(_) => Ok(true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_absent(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && error.status() == Some(404)
}
