//! The parameter `claims` (OpenID Connect Core section 5.5): the client's capabilities, and what a
//! service requires of the next token.
//!
//! 'Claims challenges, claims requests and client capabilities': a service that rejects a token
//! sends a JSON text to its client. The client sends it to Entra ID unchanged, together with its
//! own capabilities.

use crate::entra::refusal::Refusal;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The supported parts of a request's `claims`. All of them concern the access token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClaimsRequest {
    /// `xms_cc`: `CP1` if the client can handle a challenge.
    pub(super) capabilities: Vec<String>,
    /// `capolids`: Conditional Access policies that must be satisfied, whatever their conditions.
    pub(super) policies: Vec<Uuid>,
    /// `acrs`: a service requires an authentication context that its token lacks. In the emulator,
    /// every context means a second factor.
    pub(super) contexts: Vec<String>,
    /// `nbf` in Unix seconds: the sign-in must not be older.
    pub(super) not_before: Option<i64>,
}

/// Most policies in a challenge: a tenant can't have more ('Conditional Access service limits').
const MAX_POLICIES: usize = 195;

/// Most contexts: a tenant has 99, `c1` to `c99`, and Resource Manager has `p1`.
const MAX_CONTEXTS: usize = 100;

/// The id of an authentication context: a letter and a number.
fn is_context(value: &str) -> bool {
    let digits = value.strip_prefix(['c', 'p']).unwrap_or_default();
    (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

impl ClaimsRequest {
    /// Reads the parameter. Like Entra ID, it ignores what it does not know.
    ///
    /// # Errors
    /// 90023 if the value is not a JSON object.
    pub(super) fn read(claims: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = claims else {
            return Ok(Self::default());
        };
        let parsed = serde_json::from_str::<Map<String, Value>>(text).map_err(|_| {
            Refusal::invalid_request(
                90023,
                "The authentication service request is not valid: the 'claims' parameter is not a JSON object.",
            )
        })?;
        let wanted = |name: &str| parsed.get("access_token")?.get(name);
        let values = |name: &str| {
            let many = wanted(name).and_then(|claim| claim.get("values")?.as_array());
            many.into_iter().flatten().filter_map(Value::as_str)
        };
        Ok(Self {
            capabilities: values("xms_cc")
                .filter(|value| value.eq_ignore_ascii_case("cp1"))
                .map(str::to_uppercase)
                .take(1)
                .collect(),
            policies: values("capolids")
                .filter_map(|id| Uuid::try_parse(id).ok())
                .take(MAX_POLICIES)
                .collect(),
            contexts: values("acrs")
                .chain(wanted("acrs").and_then(|claim| claim.get("value")?.as_str()))
                .filter(|value| is_context(value))
                .map(str::to_owned)
                .take(MAX_CONTEXTS)
                .collect(),
            not_before: wanted("nbf").and_then(|claim| match claim.get("value")? {
                Value::String(text) => text.parse().ok(),
                number => number.as_i64(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_and_requirements_are_parsed_from_one_text() {
        let read = |text| ClaimsRequest::read(Some(text));
        let both = r#"{"access_token": {"xms_cc": {"values": ["cp1", "CP1", "other"]},
            "nbf": {"essential": true, "value": "1603742800"},
            "capolids": {"essential": true, "values": ["c0ffee00-0000-4000-8000-000000000001", "x", 5]}}}"#;
        let claims = read(both).unwrap();
        assert_eq!(claims.capabilities, ["CP1"]);
        assert_eq!(claims.not_before, Some(1_603_742_800));
        assert_eq!(claims.policies.len(), 1);
        let contexts = read(
            r#"{"access_token": {"acrs": {"values": ["p1", "x1", "c", "c100"], "value": "c25"}}}"#,
        );
        assert_eq!(contexts.unwrap().contexts, ["p1", "c25"]);
        let number = read(r#"{"access_token": {"nbf": {"value": 5}}}"#).unwrap();
        assert_eq!(number.not_before, Some(5));
        for nothing in [
            "{}",
            r#"{"access_token": null}"#,
            r#"{"access_token": {"nbf": {"value": "soon"}, "xms_cc": ["CP1"]}}"#,
            r#"{"id_token": {"xms_cc": {"values": ["CP1"]}}}"#,
        ] {
            assert_eq!(read(nothing), Ok(ClaimsRequest::default()), "{nothing}");
        }
        for malformed in ["no JSON", "[]", "5", "{"] {
            assert_eq!(read(malformed).unwrap_err().code, 90023, "{malformed}");
        }
        assert_eq!(ClaimsRequest::read(None), Ok(ClaimsRequest::default()));
    }
}
