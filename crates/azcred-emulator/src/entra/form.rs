//! A form body (RFC 6749 appendix B): each parameter at most once, empty ones as if they were not
//! there.

use crate::{entra::refusal::Refusal, text::clip};
use http::{HeaderMap, header};
use std::collections::BTreeMap;
use zeroize::Zeroize as _;

/// The parameters of a token request. It holds secrets: no `Debug`, and it is wiped when dropped.
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a request's body. What is not a form has no parameters, so the first one that is
    /// looked for is missing.
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
    /// AADSTS9000411 for a parameter that is there twice.
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

    /// A parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    /// AADSTS900144 where it is missing.
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
