//! A form body (RFC 6749 appendix B): each parameter at most once. An empty parameter counts as
//! missing.

use crate::{entra::refusal::Refusal, text::clip};
use http::{HeaderMap, header};
use std::collections::BTreeMap;
use zeroize::Zeroize as _;

/// The parameters of a token request. They include secrets, so there is no `Debug`, and they are
/// wiped when dropped.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a request's body. A body that is not a form has no parameters, so the first required
    /// one is reported as missing.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) fn of_request(headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok());
        let is_form = content_type.is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        Self::read(if is_form { body } else { &[] })
    }

    /// Reads a body.
    ///
    /// # Errors
    /// AADSTS9000411 for a parameter that occurs twice.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let mut form = Self(BTreeMap::new());
        for (name, value) in url::form_urlencoded::parse(body) {
            if form.0.contains_key(&*name) {
                return Err(Refusal::invalid_request(
                    9_000_411,
                    format!(
                        "The request is not properly formatted. The parameter '{}' is duplicated.",
                        clip(&name)
                    ),
                ));
            }
            form.0.insert(name.into_owned(), value.into_owned());
        }
        Ok(form)
    }

    /// A parameter, unless it is missing or empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A required parameter.
    ///
    /// # Errors
    /// AADSTS900144 if it is missing.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name)
            .ok_or_else(|| Refusal::missing_parameter(name))
    }
}

impl Drop for Form {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            value.zeroize();
        }
    }
}
