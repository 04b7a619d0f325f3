//! The first segment of every path: the tenant, or the kind of tenants, of a request.

use crate::{
    directory::{Directory, Tenant},
    entra::refusal::Refusal,
    text::clip,
};
use uuid::Uuid;

/// The meaning of the tenant segment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Authority<'a> {
    /// One tenant.
    Tenant(&'a Tenant),
    /// `common`, `organizations` or `consumers`: the user's home tenant.
    Any(&'static str),
}

impl<'a> Authority<'a> {
    /// Parses a segment.
    pub(crate) fn resolve(directory: &'a Directory, segment: &str) -> Result<Self, Refusal> {
        for name in ["common", "organizations", "consumers"] {
            if segment.eq_ignore_ascii_case(name) {
                return Ok(Self::Any(name));
            }
        }
        if let Ok(id) = Uuid::try_parse(segment)
            && id.is_nil()
        {
            return Err(Refusal::invalid_request(
                900_021,
                format!(
                    "Requested tenant identifier '{segment}' is not valid. Tenant identifiers may not be an empty GUID."
                ),
            ));
        }
        if let Some(tenant) = directory.tenant(segment) {
            return Ok(Self::Tenant(tenant));
        }
        if Uuid::try_parse(segment).is_err() && !is_domain(segment) {
            return Err(Refusal::invalid_request(
                900_023,
                format!(
                    "Specified tenant identifier '{}' is neither a valid DNS name, nor a valid external domain.",
                    clip(segment)
                ),
            ));
        }
        Err(unknown_tenant(segment))
    }
}

/// No tenant has this id or name: AADSTS90002.
pub(super) fn unknown_tenant(segment: &str) -> Refusal {
    Refusal::invalid_request(
        90002,
        format!(
            "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing into the correct \
             cloud. Check with your subscription administrator, this may happen if there are no active subscriptions \
             for the tenant.",
            clip(segment)
        ),
    )
}

/// Whether this may be a DNS name: at least two labels of letters, digits and inner hyphens.
fn is_domain(text: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(segment: &str) -> u32 {
        let mut directory = Directory::default();
        let id = Uuid::from_u128(5);
        directory
            .tenants
            .insert(id, Tenant::new(id, "Contoso", "contoso.com"));
        Authority::resolve(&directory, segment).map_or_else(|r| r.code, |_| 0)
    }

    #[test]
    fn a_tenant_segment_is_known_unknown_or_malformed() {
        assert_eq!(code("contoso.com"), 0);
        assert_eq!(code("Organizations"), 0);
        assert_eq!(code("fabrikam.com"), 90002);
        assert_eq!(code("11111111-1111-1111-1111-111111111111"), 90002);
        assert_eq!(code("00000000-0000-0000-0000-000000000000"), 900_021);
        for malformed in ["contoso", "a b.com", "-a.com", "..", "a..com", "%", "é.com"] {
            assert_eq!(code(malformed), 900_023, "{malformed}");
        }
    }
}
