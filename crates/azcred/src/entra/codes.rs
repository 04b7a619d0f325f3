//! What Entra ID's codes mean, and what fixes them.
//!
//! From Microsoft's page 'Microsoft Entra authentication and authorization error codes' and from
//! practice. `{client}`, `{tenant}` and `{scope}` are placeholders for the names of a request.

use crate::facts::{Fix, SignIn};

/// What an error code means and what fixes the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meaning {
    /// The digits of the code: 7000215 for `AADSTS7000215`.
    pub code: u32,
    /// What the code means, with placeholders.
    pub means: &'static str,
    /// What fixes the error, before the names of a request are filled in.
    remedy: Remedy,
}

/// What fixes an error, without the names of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// See [`Fix::SignIn`].
    SignIn,
    /// See [`Fix::NewSecret`].
    NewSecret,
    /// Check the secret first, then [`Fix::NewSecret`].
    CheckSecret,
    /// See [`Fix::UploadCertificate`].
    UploadCertificate,
    /// See [`Fix::CompareFederation`].
    CompareFederation,
    /// See [`Fix::FindTenant`].
    CheckTenant,
    /// See [`Fix::Retry`].
    Retry,
    /// A text without placeholders.
    Text(&'static str),
    /// A text with placeholders.
    Template(&'static str),
}

impl Meaning {
    /// What the code means for a request by this application for this tenant and scope.
    pub fn means_for(&self, client_id: &str, tenant: &str, scope: &str) -> String {
        filled(self.means, client_id, tenant, scope)
    }

    /// What the code means, if that is the same for every request.
    #[cfg(feature = "developer-tools")]
    pub(crate) fn means_always(&self) -> Option<&'static str> {
        (!self.means.contains('{')).then_some(self.means)
    }

    /// What fixes the error for a request by this application for this tenant and scope.
    pub fn fix_for(&self, client_id: &str, tenant: &str, scope: &str) -> Fix {
        let client = || client_id.to_owned();
        match self.remedy {
            Remedy::SignIn => SignIn::again(tenant).into(),
            Remedy::NewSecret => Fix::NewSecret {
                client_id: client(),
                variable: None,
            },
            Remedy::CheckSecret => Fix::from(CHECK_SECRET).or(Fix::NewSecret {
                client_id: client(),
                variable: None,
            }),
            Remedy::UploadCertificate => Fix::UploadCertificate {
                client_id: client(),
            },
            Remedy::CompareFederation => Fix::CompareFederation {
                client_id: client(),
            },
            Remedy::CheckTenant => Fix::FindTenant.or(COMPARE_TENANT),
            Remedy::Retry => Fix::Retry { after: None },
            Remedy::Text(text) => text.into(),
            Remedy::Template(text) => filled(text, client_id, tenant, scope).into(),
        }
    }

    /// What fixes the error, if that is the same for every request.
    #[cfg(feature = "developer-tools")]
    pub(crate) fn fix_always(&self) -> Option<Fix> {
        match self.remedy {
            Remedy::Text(text) => Some(text.into()),
            Remedy::CheckTenant => Some(Fix::FindTenant.or(COMPARE_TENANT)),
            Remedy::Retry => Some(Fix::Retry { after: None }),
            _ => None,
        }
    }
}

fn filled(text: &str, client_id: &str, tenant: &str, scope: &str) -> String {
    text.replace("{client}", client_id)
        .replace("{tenant}", tenant)
        .replace("{scope}", scope)
}

/// The meaning of a code; `None` for codes that are not in the table.
pub fn explain(code: u32) -> Option<&'static Meaning> {
    MEANINGS
        .binary_search_by_key(&code, |meaning| meaning.code)
        .ok()
        .map(|place| &MEANINGS[place])
}

const fn code(code: u32, means: &'static str, remedy: Remedy) -> Meaning {
    Meaning {
        code,
        means,
        remedy,
    }
}

/// Beside [`Fix::FindTenant`].
const COMPARE_TENANT: &str = "ask for the tenant id where you got the client id";
const ISSUER: Remedy = Text(
    "try again in a minute; then check that ISSUER/.well-known/openid-configuration and the keys that it names are public",
);
/// The portal's columns are 'Value' and 'Secret ID'.
const CHECK_SECRET: &str = "check that the secret is its Value, not its Secret ID";
const ADMINISTRATOR: Remedy = Template("ask an administrator of the tenant {tenant}");

use Remedy::{
    CheckSecret, CheckTenant, CompareFederation, NewSecret, Retry, Template, Text,
    UploadCertificate,
};

/// Sorted by code.
static MEANINGS: &[Meaning] = &[
    code(
        16_000,
        "several accounts are signed in, and silent sign-in can't choose one",
        Remedy::SignIn,
    ),
    code(
        50_011,
        "the redirect address is not registered on the application",
        Template(
            "register it: `az ad app update --id {client} --public-client-redirect-uris http://localhost`",
        ),
    ),
    code(
        50_013,
        "the assertion's signature, issuer or audience is wrong",
        Text("get a new assertion, and check its issuer"),
    ),
    code(
        50_020,
        "the account belongs to another tenant and is not a guest in this one",
        Text("use the account's own tenant, or ask an administrator to invite the account"),
    ),
    code(
        50_027,
        "the assertion is malformed",
        Text("check that the sent token is complete and unchanged"),
    ),
    code(
        50_034,
        "the user does not exist in this tenant",
        Text("check the user name and the tenant"),
    ),
    code(
        50_049,
        "the authority is unknown",
        Text("check AZURE_AUTHORITY_HOST"),
    ),
    code(
        50_053,
        "the account is locked after too many wrong passwords",
        Text("wait, or ask an administrator to unlock it"),
    ),
    code(
        50_055,
        "the password has expired",
        Text("set a new one at https://mysignins.microsoft.com/security-info"),
    ),
    code(50_057, "the account is disabled", ADMINISTRATOR),
    code(
        50_058,
        "no account is signed in for silent sign-in",
        Remedy::SignIn,
    ),
    code(
        50_059,
        "the request does not name a tenant",
        Text("give the tenant's id"),
    ),
    code(
        50_072,
        "multi-factor authentication must be set up first",
        Remedy::SignIn,
    ),
    code(
        50_074,
        "multi-factor authentication is required",
        Remedy::SignIn,
    ),
    code(
        50_076,
        "multi-factor authentication is required",
        Remedy::SignIn,
    ),
    code(
        50_078,
        "multi-factor authentication has expired",
        Remedy::SignIn,
    ),
    code(
        50_079,
        "multi-factor authentication must be set up first",
        Remedy::SignIn,
    ),
    code(
        50_089,
        "the sign-in took too long, and its page had expired",
        Remedy::SignIn,
    ),
    code(
        50_097,
        "the policy requires a device that identifies itself",
        ADMINISTRATOR,
    ),
    code(
        50_105,
        "the account is not assigned to the application",
        Text("ask an administrator to assign it: Enterprise applications, Users and groups"),
    ),
    code(
        50_126,
        "the user name or the password is wrong",
        Text("check both; federated accounts must sign in interactively"),
    ),
    code(50_128, "the domain does not exist", CheckTenant),
    code(
        50_129,
        "the policy requires a registered device",
        ADMINISTRATOR,
    ),
    code(50_132, "the session is no longer valid", Remedy::SignIn),
    code(
        50_133,
        "the session ended because the password changed or expired",
        Remedy::SignIn,
    ),
    code(
        50_148,
        "the PKCE proof of the sign-in's code is missing or was not expected",
        Remedy::SignIn,
    ),
    code(
        50_158,
        "another proof of your identity is required",
        Remedy::SignIn,
    ),
    code(
        50_166,
        "Entra ID could not get the signing keys of the token's issuer",
        ISSUER,
    ),
    code(
        50_173,
        "the refresh token was revoked, for example by a new password",
        Remedy::SignIn,
    ),
    code(
        50_194,
        "the application belongs to another tenant and can be used only there",
        CheckTenant,
    ),
    code(
        50_196,
        "this client requests the same token too often",
        Text("cache tokens, and look for a loop in the program"),
    ),
    code(
        53_000,
        "the policy requires a managed device",
        ADMINISTRATOR,
    ),
    code(
        53_001,
        "the policy requires a device of the company's domain",
        ADMINISTRATOR,
    ),
    code(
        53_003,
        "a Conditional Access policy blocks the sign-in",
        Template(
            "search the sign-in log of the tenant {tenant} for the correlation id: it names the policy",
        ),
    ),
    code(
        53_011,
        "the account's home tenant blocks it as a risk",
        ADMINISTRATOR,
    ),
    code(
        54_005,
        "the sign-in's code was already used",
        Remedy::SignIn,
    ),
    code(
        65_001,
        "no user or administrator has consented to the application's permissions",
        Template("ask an administrator to run `az ad app permission admin-consent --id {client}`"),
    ),
    code(
        65_002,
        "the application {client} may not request '{scope}', and users can't allow it",
        Text(
            "check the scope's spelling; if the service is yours, sign in with your own application",
        ),
    ),
    code(
        65_004,
        "the person declined the permissions of the application",
        Text("run it again, and accept in the browser; if you did not start it, do nothing"),
    ),
    code(
        70_000,
        "the sign-in's code or the refresh token is not valid, or belongs to another application",
        Remedy::SignIn,
    ),
    code(
        70_003,
        "the application may not use this grant type",
        Text("check the grant type"),
    ),
    code(70_008, "the refresh token has expired", Remedy::SignIn),
    code(
        70_011,
        "the scope is malformed or does not exist",
        Text("request RESOURCE/.default, such as https://management.azure.com/.default"),
    ),
    code(
        70_016,
        "the device code has not been entered yet",
        Text("enter the code in the browser"),
    ),
    code(
        70_018,
        "the device code is wrong",
        Text("start the sign-in again"),
    ),
    code(
        70_019,
        "the device code is no longer valid",
        Text("start the sign-in again"),
    ),
    code(
        70_020,
        "the device code has expired",
        Text("start the sign-in again"),
    ),
    code(
        70_021,
        "no federated credential on the application matches the token",
        CompareFederation,
    ),
    code(
        70_025,
        "the application has no federated credential",
        CompareFederation,
    ),
    code(
        70_043,
        "the sign-in is older than the policy allows",
        Remedy::SignIn,
    ),
    code(90_002, "the tenant does not exist", CheckTenant),
    code(
        90_009,
        "the application requests a token for itself by its identifier URI",
        Text("use its client id as the resource"),
    ),
    code(
        90_014,
        "a field is missing from the request",
        Text("report it as a bug of azcred, unless a proxy changes requests"),
    ),
    code(90_033, "Entra ID is temporarily unavailable", Retry),
    code(
        90_061,
        "Entra ID could not get the signing keys of the token's issuer",
        ISSUER,
    ),
    code(
        90_072,
        "the account belongs to another tenant and is not a guest in this one",
        Text("use the account's own tenant, or ask an administrator to invite the account"),
    ),
    code(
        90_094,
        "only an administrator can consent to these permissions",
        ADMINISTRATOR,
    ),
    code(
        100_007,
        "only managed identities may use this issuer",
        Text("use your own federated credential"),
    ),
    code(
        165_000,
        "the submitted page is from another tab or an earlier try, as after 'back' or 'reload'",
        Text("start the sign-in again, and stay in one tab without going back"),
    ),
    code(
        500_011,
        "the resource '{scope}' does not exist in the tenant {tenant}, or no administrator has consented to it",
        Text("check its spelling; an administrator must register some services in the tenant once"),
    ),
    code(
        500_111,
        "the redirect address is malformed",
        Text("check the redirect address"),
    ),
    code(
        500_112,
        "the sign-in's code was requested with another redirect address",
        Remedy::SignIn,
    ),
    code(
        501_481,
        "the sign-in's code belongs to another process (PKCE)",
        Remedy::SignIn,
    ),
    code(
        530_003,
        "the policy requires a managed device",
        ADMINISTRATOR,
    ),
    code(
        700_005,
        "the sign-in's code is for another tenant",
        Text("give the tenant that the account signs in to"),
    ),
    code(
        700_016,
        "the application {client} does not exist in the tenant {tenant}: one of the two ids is wrong",
        Template(
            "check both ids: `az ad app show --id {client} --query '[displayName, appId]'` and `az account show --query tenantId`",
        ),
    ),
    code(
        700_022,
        "several resources were requested at once",
        Text("request one resource at a time"),
    ),
    code(
        700_023,
        "the assertion's signature does not match",
        UploadCertificate,
    ),
    code(
        700_024,
        "the assertion has expired or is not valid yet: an old CI token, or a wrong clock",
        Text("get a new assertion for every request, and check this machine's clock"),
    ),
    code(
        700_025,
        "the application is a public client, which has no secret",
        Text("use an application without 'Allow public client flows'"),
    ),
    code(
        700_027,
        "the certificate is not registered on the application, or its signature does not match",
        UploadCertificate,
    ),
    code(
        700_030,
        "the certificate's subject is not allowed",
        ADMINISTRATOR,
    ),
    code(
        700_082,
        "the refresh token has expired because it was not used",
        Remedy::SignIn,
    ),
    code(
        700_084,
        "the refresh token has reached its end",
        Remedy::SignIn,
    ),
    code(
        700_171,
        "the person with the device code declined the sign-in",
        Text("run it again, and accept; if you did not start it, do nothing"),
    ),
    code(
        700_211,
        "no federated credential on the application has the token's issuer",
        CompareFederation,
    ),
    code(
        700_212,
        "no federated credential on the application has the token's audience",
        Text("request the token for the audience api://AzureADTokenExchange"),
    ),
    code(
        700_213,
        "no federated credential on the application has the token's subject",
        CompareFederation,
    ),
    code(
        700_222,
        "Entra ID itself issued the token; a federated credential is for tokens of other issuers",
        Text(
            "for a managed identity, register the issuer https://login.microsoftonline.com/TENANT/v2.0, or use the identity directly",
        ),
    ),
    code(
        700_229,
        "the application has no service principal in the tenant {tenant}",
        Template("create it: `az ad sp create --id {client}`"),
    ),
    code(
        900_023,
        "'{tenant}' is neither a tenant id nor a domain of a tenant",
        CheckTenant,
    ),
    code(
        900_144,
        "a field is missing from the request",
        Text("report it as a bug of azcred, unless a proxy changes requests"),
    ),
    code(
        900_382,
        "confidential clients are not supported across clouds",
        Text("use the authority of the application's own cloud"),
    ),
    code(
        900_612,
        "the signing keys of the token's issuer can't be read",
        ISSUER,
    ),
    code(
        900_971,
        "the application has no redirect address",
        Text("register one on the application"),
    ),
    code(
        1_002_012,
        "an application requests tokens for a whole resource",
        Text("request RESOURCE/.default, such as https://management.azure.com/.default"),
    ),
    code(
        7_000_112,
        "the application is disabled",
        Text(
            "ask an administrator to enable it: Enterprise applications, Properties, 'Enabled for users to sign-in'",
        ),
    ),
    code(
        7_000_215,
        "the client secret is wrong; often its id was copied instead of its value",
        CheckSecret,
    ),
    code(
        7_000_216,
        "the request has neither a secret nor an assertion",
        Text("give the secret or the certificate of the application"),
    ),
    code(
        7_000_218,
        "the application needs a secret or a certificate",
        Text("give one, or switch on 'Allow public client flows' of the application"),
    ),
    code(7_000_222, "the client secret has expired", NewSecret),
    code(
        7_000_229,
        "the application has no service principal in the tenant {tenant}",
        Template("create it: `az ad sp create --id {client}`"),
    ),
    code(
        7_002_138,
        "no federated credential on the application matches the token: one differs only in upper and lower case",
        CompareFederation,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_each_says_what_it_means() {
        assert!(MEANINGS.windows(2).all(|pair| pair[0].code < pair[1].code));
        for meaning in MEANINGS {
            let fix = meaning.fix_for("c", "t", "s").to_string();
            assert!(!meaning.means.is_empty() && !fix.is_empty(), "{meaning:?}");
            assert!(
                !fix.ends_with('.') && !meaning.means.ends_with('.'),
                "{meaning:?}"
            );
            let has_holes = |text: &str| text.contains('{');
            match meaning.remedy {
                Text(text) => assert!(!has_holes(text), "{meaning:?}"),
                Template(text) => assert!(has_holes(text) && !has_holes(&fix), "{meaning:?}"),
                _ => {}
            }
        }
        assert!(explain(7_000_215).unwrap().means.contains("wrong"));
        assert_eq!(explain(1), None);
    }
}
