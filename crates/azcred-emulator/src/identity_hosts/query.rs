//! The parameters of a request to a host, from its query or its form.

use crate::identity_hosts::identity::IdentityChoice;

/// Parameters by name. If a name occurs several times, the first value counts.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Parses `name=value&…`.
    pub(super) fn read(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// The parameters in a URL's query.
    pub(super) fn of(uri: &http::Uri) -> Self {
        Self::read(uri.query().unwrap_or_default().as_bytes())
    }

    /// A parameter, even if it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter, unless it is empty.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The chosen identity, by IMDS's names of the parameters. The resource id has two names.
    pub(super) fn choice(&self) -> IdentityChoice<'_> {
        IdentityChoice {
            client_id: self.get("client_id"),
            object_id: self.get("object_id"),
            resource_id: self.get("msi_res_id").or_else(|| self.get("mi_res_id")),
        }
    }
}
