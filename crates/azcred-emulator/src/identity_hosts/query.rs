//! The parameters of a request to a host, from its query or its form.

use crate::identity_hosts::identity::IdentityChoice;

/// Parameters by name; of several with one name the first counts.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `name=value&…`.
    pub(super) fn read(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The parameters behind the question mark.
    pub(super) fn of(uri: &http::Uri) -> Self {
        Self::read(uri.query().unwrap_or_default().as_bytes())
    }

    /// A parameter that is there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter that says something.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Which identity is meant, in the names of IMDS. A resource id has two.
    pub(super) fn choice(&self) -> IdentityChoice<'_> {
        IdentityChoice {
            client_id: self.get("client_id"),
            object_id: self.get("object_id"),
            resource_id: self.get("msi_res_id").or_else(|| self.get("mi_res_id")),
        }
    }
}
