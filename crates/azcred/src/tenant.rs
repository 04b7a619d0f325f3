//! Ids of tenants and applications. An invalid id can't exist.

use crate::{
    facts::{Error, Fix, Result},
    sieve::{Misplaced, invalid, is_guid, tidied_id},
    text::checked_text,
};
use std::sync::Arc;

/// A Microsoft Entra tenant: its GUID, one of its verified domain names, or one of the shared
/// endpoints `common`, `organizations` and `consumers`. Valid by construction, so that it can be
/// part of a URL's path.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

/// The endpoints that are not one tenant's.
const SHARED: [&str; 3] = ["common", "organizations", "consumers"];

impl TenantId {
    /// Parses a tenant. White space, quotes and unseen characters around it are ignored.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the text is not a GUID, a domain name or a shared endpoint.
    pub fn new(tenant: &str) -> Result<Self> {
        let id = tidied_id(tenant);
        if is_ad_fs(id) {
            return Err(invalid("the tenant", tenant, NO_AD_FS).with_fix(instead_of_ad_fs()));
        }
        let is_domain = is_domain(id) && Misplaced::of(id).is_none();
        if SHARED.contains(&id) || is_guid(id) || is_domain {
            return Ok(Self(id.into()));
        }
        Err(invalid(
            "the tenant",
            tenant,
            "a tenant is a GUID (72f988bf-86f1-41af-91ab-2d7cd011db47) or a domain name (contoso.onmicrosoft.com)",
        )
        .with_fix(Fix::FindTenant))
    }

    /// The tenant as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the tenant is `common`, `organizations` or `consumers`. An application can't sign in
    /// as itself there.
    pub fn is_shared(&self) -> bool {
        SHARED.contains(&self.as_str())
    }
}

/// Whether a tenant, or a part of an authority's path, means AD FS. Tools for Azure write `adfs`
/// where Microsoft Entra ID has the tenant.
pub(crate) fn is_ad_fs(part: &str) -> bool {
    part.trim_matches('/').eq_ignore_ascii_case("adfs")
}

/// The cause wherever AD FS is named.
pub(crate) const NO_AD_FS: &str =
    "azcred does not sign in to AD FS or to an Azure Stack Hub with AD FS";

/// What signs in to AD FS.
pub(crate) fn instead_of_ad_fs() -> Fix {
    Fix::from("sign in with Azure CLI: `az cloud register`, `az cloud set`, `az login --service-principal --tenant adfs`")
        .or("use azure-identity with `disable_instance_discovery=True`, AZURE_TENANT_ID=adfs and AZURE_AUTHORITY_HOST=https://HOST")
}

/// An application's client id. In Entra ID it is a GUID. Other providers may use other text of
/// letters, digits and `-._~:/@+=|`. Valid by construction; a secret in its place is an error.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// Parses a client id. White space, quotes and unseen characters around it are ignored.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] if the text is empty, longer than 256 bytes, has other
    /// characters, or is a secret.
    pub fn new(client_id: &str) -> Result<Self> {
        let id = tidied_id(client_id);
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/@+=|".contains(&b);
        let is_secret = Misplaced::of(id).is_some_and(|secret| {
            // Some providers make ids of random letters and digits.
            secret != Misplaced::Random || !id.bytes().all(|b| b.is_ascii_alphanumeric())
        });
        if id.is_empty() || id.len() > 256 || !id.bytes().all(fits) || is_secret {
            return Err(not_an_id(client_id));
        }
        Ok(Self(id.into()))
    }

    /// Rejects a secret of letters and digits alone, which can't be the id of an application in
    /// Entra ID: that is a GUID, or the URI of the application (`http://NAME`), as Azure CLI once
    /// named them. In other providers such an id is usual.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for what looks like a secret.
    pub(crate) fn in_entra(&self) -> Result<()> {
        match Misplaced::of(&self.0) {
            Some(_) => Err(not_an_id(&self.0)),
            None => Ok(()),
        }
    }

    /// The client id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn not_an_id(client_id: &str) -> Error {
    invalid(
        "the client id",
        client_id,
        "a client id is the application's GUID (also called application id)",
    )
    .with_fix("find it with `az ad app list --show-mine --query '[].{name:displayName, id:appId}'`")
}

checked_text!(TenantId);
checked_text!(ClientId);

/// A DNS name of at least two labels (RFC 1035 section 2.3.1, digits allowed first as in RFC 1123).
fn is_domain(s: &str) -> bool {
    s.len() <= 253
        && s.contains('.')
        && s.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ErrorKind;

    #[test]
    fn a_tenant_is_a_guid_a_domain_or_a_shared_endpoint() {
        for good in [
            "72f988bf-86f1-41af-91ab-2d7cd011db47",
            " contoso.onmicrosoft.com\n",
            "organizations",
            "1st.example",
        ] {
            assert!(TenantId::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "contoso",
            "a/b.com",
            "a.b/../c.d",
            "-a.com",
            "a..b",
            "a b.com",
            "72f988bf86f141af91ab2d7cd011db47",
            "é.com",
        ] {
            let error = TenantId::new(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
            assert!(error.fix().unwrap().to_string().contains("az account show"));
        }
    }

    #[test]
    fn ad_fs_is_refused_by_name() {
        for named in ["adfs", "ADFS", " \"adfs\" ", "/adfs/", "adfs/"] {
            let error = TenantId::new(named).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{named}");
            assert!(error.why().contains("does not sign in to AD FS"), "{error}");
            let fix = error.fix().unwrap().to_string();
            assert!(fix.contains("--tenant adfs"), "{fix}");
            assert!(fix.contains("disable_instance_discovery"), "{fix}");
        }
        for other in ["adfs.contoso.com", "contoso-adfs.onmicrosoft.com"] {
            assert!(TenantId::new(other).is_ok(), "{other}");
        }
    }

    #[test]
    fn a_secret_of_letters_and_digits_is_no_id_of_an_application_in_entra_id() {
        let secret = "kX8QthisIsAVerySecretValue12345q9";
        let id = ClientId::new(secret).expect("other providers have such ids");
        let error = id.in_entra().unwrap_err();
        assert!(!error.to_string().contains("VerySecret"), "{error}");
        assert!(error.why().contains("GUID"), "{error}");
        for good in [
            "72f988bf-86f1-41af-91ab-2d7cd011db47",
            "http://azure-cli-2016-08-05-14-31-15",
            "api://72f988bf-86f1-41af-91ab-2d7cd011db47",
        ] {
            ClientId::new(good).unwrap().in_entra().unwrap();
        }
    }

    #[test]
    fn a_secret_pasted_as_tenant_or_client_id_is_not_repeated_in_full() {
        let secret = "kX8Q~thisIsAVerySecretValue_12345 ";
        for error in [
            TenantId::new(secret).unwrap_err(),
            ClientId::new("kX8Q~this IsAVerySecretValue").unwrap_err(),
        ] {
            assert!(!error.to_string().contains("VerySecret"), "{error}");
        }
    }
}
