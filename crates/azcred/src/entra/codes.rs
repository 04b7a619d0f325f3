//! What Entra ID's codes mean, and what fixes them.
//!
//! From Microsoft's page 'Microsoft Entra authentication and authorization error codes' and from
//! what the codes turn out to mean in practice. `{client}`, `{tenant}` and `{scope}` are filled in
//! by whoever shows them.

use crate::facts::{Fix, SignIn};

/// What a code means and what fixes it, in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meaning {
    /// The code: the digits of `AADSTS7000215`.
    pub code: u32,
    /// What it means.
    pub means: &'static str,
    /// What fixes it, before the names of a request are filled in.
    remedy: Remedy,
}

/// What fixes a refusal, without the names of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remedy {
    /// See [`Fix::SignIn`].
    SignIn,
    /// See [`Fix::NewSecret`].
    NewSecret,
    /// See [`Fix::UploadCertificate`].
    UploadCertificate,
    /// See [`Fix::CompareFederation`].
    CompareFederation,
    /// See [`Fix::Retry`].
    Retry,
    /// Words that hold for every request.
    Text(&'static str),
    /// Words with names to fill in.
    Template(&'static str),
}

impl Meaning {
    /// What it means for a request by this application, for this tenant and scope.
    pub fn means_for(&self, client_id: &str, tenant: &str, scope: &str) -> String {
        filled(self.means, client_id, tenant, scope)
    }

    /// What it means, where that is the same for every request.
    #[cfg(feature = "developer-tools")]
    pub(crate) fn means_always(&self) -> Option<&'static str> {
        (!self.means.contains('{')).then_some(self.means)
    }

    /// What fixes it for a request by this application, for this tenant and scope.
    pub fn fix_for(&self, client_id: &str, tenant: &str, scope: &str) -> Fix {
        let client = || client_id.to_owned();
        match self.remedy {
            Remedy::SignIn => SignIn::again(tenant).into(),
            Remedy::NewSecret => Fix::NewSecret {
                client_id: client(),
            },
            Remedy::UploadCertificate => Fix::UploadCertificate {
                client_id: client(),
            },
            Remedy::CompareFederation => Fix::CompareFederation {
                client_id: client(),
            },
            Remedy::Retry => Fix::Retry { after: None },
            Remedy::Text(text) => text.into(),
            Remedy::Template(text) => filled(text, client_id, tenant, scope).into(),
        }
    }

    /// What fixes it, where that is the same for every request.
    #[cfg(feature = "developer-tools")]
    pub(crate) fn fix_always(&self) -> Option<Fix> {
        match self.remedy {
            Remedy::Text(text) => Some(text.into()),
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

/// The meaning of a code, where we know it.
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

const CHECK_TENANT: Remedy = Text(
    "compare with `az account show --query tenantId`, or ask the person who gave you the client id for its tenant id",
);
const ISSUER: Remedy = Text(
    "check that ISSUER/.well-known/openid-configuration and the keys that it names can be read from the internet; passing trouble is over in a minute",
);
const ADMINISTRATOR: Remedy = Template("ask an administrator of the tenant {tenant}");

use Remedy::{CompareFederation, NewSecret, Retry, Template, Text, UploadCertificate};

/// Sorted by code.
static MEANINGS: &[Meaning] = &[
    code(
        16_000,
        "silent sign-in can't choose between several sessions",
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
        "the assertion is not one that the tenant can accept: its signature, issuer or audience is wrong",
        Text("fetch a new assertion, and check who signed it"),
    ),
    code(
        50_020,
        "the account belongs to another tenant and is no guest in this one",
        Text("name the account's own tenant, or have the account invited"),
    ),
    code(
        50_027,
        "the assertion is malformed",
        Text(
            "check that the token that is sent is the identity provider's own, whole and unchanged",
        ),
    ),
    code(
        50_034,
        "there is no such user in this tenant",
        Text("check the user name and the tenant"),
    ),
    code(
        50_049,
        "the instance is unknown",
        Text("check AZURE_AUTHORITY_HOST"),
    ),
    code(
        50_053,
        "the account is locked after too many wrong passwords",
        Text("wait, or have it unlocked"),
    ),
    code(
        50_055,
        "the password has expired",
        Text("set a new one at https://mysignins.microsoft.com/security-info"),
    ),
    code(50_057, "the account is disabled", ADMINISTRATOR),
    code(
        50_058,
        "silent sign-in found nobody signed in",
        Remedy::SignIn,
    ),
    code(
        50_059,
        "the tenant can't be told from the request",
        Text("name the tenant"),
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
        "the sign-in took too long, and the page that was filled in had ended",
        Remedy::SignIn,
    ),
    code(
        50_097,
        "the policy asks for a device that proves itself",
        ADMINISTRATOR,
    ),
    code(
        50_105,
        "the account is not assigned to the application",
        Text("have it assigned under Enterprise applications, Users and groups"),
    ),
    code(
        50_126,
        "the user name or the password is wrong",
        Text("check both; federated accounts must sign in interactively"),
    ),
    code(50_128, "there is no such domain", CHECK_TENANT),
    code(
        50_129,
        "the policy asks for a registered device, which this one is not",
        ADMINISTRATOR,
    ),
    code(50_132, "the session is no longer good", Remedy::SignIn),
    code(
        50_133,
        "the session ended with a new or expired password",
        Remedy::SignIn,
    ),
    code(
        50_148,
        "the sign-in's code came without the proof of who asked for it (PKCE), or with one that nobody had announced",
        Remedy::SignIn,
    ),
    code(
        50_158,
        "the provider asks for another proof of who you are",
        Remedy::SignIn,
    ),
    code(
        50_166,
        "Entra ID could not fetch the signing keys of whoever issued the token",
        ISSUER,
    ),
    code(
        50_173,
        "the refresh token was revoked, by a new password for example",
        Remedy::SignIn,
    ),
    code(
        50_194,
        "the application belongs to another tenant and is for that one alone",
        CHECK_TENANT,
    ),
    code(
        50_196,
        "this client asks for the same token over and over",
        Text("cache tokens, and look for the loop"),
    ),
    code(
        53_000,
        "the policy asks for a managed device, which this one is not",
        ADMINISTRATOR,
    ),
    code(
        53_001,
        "the policy asks for a device of the company's domain, which this one is not",
        ADMINISTRATOR,
    ),
    code(
        53_003,
        "a Conditional Access policy forbids it",
        Template(
            "look at the sign-in log of the tenant {tenant}: the policy is named there, under the correlation id",
        ),
    ),
    code(
        53_011,
        "the account is blocked as a risk in its home tenant",
        ADMINISTRATOR,
    ),
    code(
        54_005,
        "the sign-in's code was used before: it is good once",
        Remedy::SignIn,
    ),
    code(
        65_001,
        "nobody has consented to what the application asks for",
        Template(
            "have an administrator consent: `az ad app permission admin-consent --id {client}`",
        ),
    ),
    code(
        65_002,
        "the application {client} may not ask for '{scope}', and no user can allow it",
        Text(
            "check the scope's spelling; sign in with an application of your own where the service is yours",
        ),
    ),
    code(
        65_004,
        "the person declined what the application asks for",
        Text(
            "run it again, and accept in the browser; if it was not you who started it, there is nothing to do",
        ),
    ),
    code(
        70_000,
        "the sign-in's code or the refresh token is none that is good, or it is another application's",
        Remedy::SignIn,
    ),
    code(
        70_003,
        "the application may not use this kind of grant",
        Text("check the grant type"),
    ),
    code(70_008, "the refresh token has expired", Remedy::SignIn),
    code(
        70_011,
        "the scope is malformed or does not exist",
        Text("ask for RESOURCE/.default, such as https://management.azure.com/.default"),
    ),
    code(
        70_016,
        "the device code has not been used yet",
        Text("enter it in the browser"),
    ),
    code(70_018, "the device code is wrong", Text("start again")),
    code(70_019, "the device code has ended", Text("start again")),
    code(70_020, "the device code has expired", Text("start again")),
    code(
        70_021,
        "no federated credential on the application matches the token",
        CompareFederation,
    ),
    code(
        70_025,
        "the application has no federated credential at all",
        CompareFederation,
    ),
    code(
        70_043,
        "the sign-in is older than the policy allows",
        Remedy::SignIn,
    ),
    code(90_002, "there is no such tenant", CHECK_TENANT),
    code(
        90_009,
        "the application asks for a token for itself with an identifier URI",
        Text("name it by its client id"),
    ),
    code(
        90_014,
        "a field is missing from the request",
        Text("report it: we or a proxy left it out"),
    ),
    code(90_033, "Entra ID is in passing trouble", Retry),
    code(
        90_061,
        "Entra ID could not fetch the signing keys of whoever issued the token",
        ISSUER,
    ),
    code(
        90_072,
        "the account belongs to another tenant and is no guest in this one",
        Text("name the account's own tenant, or have the account invited"),
    ),
    code(
        90_094,
        "only an administrator can consent to this",
        ADMINISTRATOR,
    ),
    code(
        100_007,
        "only managed identities may use this way",
        Text("use a federated credential of your own"),
    ),
    code(
        165_000,
        "the page that was filled in is of another tab or an earlier try, as after 'back' or 'reload'",
        Text("start again, and go through the pages in one tab without going back"),
    ),
    code(
        500_011,
        "the resource '{scope}' does not exist in the tenant {tenant}, or nobody has consented to it",
        Text(
            "check its spelling; some services must be registered in the tenant once by an administrator",
        ),
    ),
    code(
        500_111,
        "the redirect address is malformed",
        Text("check it"),
    ),
    code(
        500_112,
        "the sign-in's code was asked for with another redirect address",
        Remedy::SignIn,
    ),
    code(
        501_481,
        "the sign-in's code was asked for by another process: the proof of who asked (PKCE) is not its own",
        Remedy::SignIn,
    ),
    code(
        530_003,
        "the policy asks for a managed device, which this one is not",
        ADMINISTRATOR,
    ),
    code(
        700_005,
        "the sign-in's code is for another tenant than the one that it was sent to",
        Text("name the tenant that the account is to sign in to"),
    ),
    code(
        700_016,
        "the application {client} does not exist in the tenant {tenant}: one of the two ids is wrong",
        Template(
            "check both with `az ad app show --id {client} --query '[displayName, appId]'` and `az account show --query tenantId`",
        ),
    ),
    code(
        700_022,
        "several resources were asked for at once",
        Text("ask for one at a time"),
    ),
    code(
        700_023,
        "the assertion's signature does not match",
        UploadCertificate,
    ),
    code(
        700_024,
        "the assertion is outside its time: a CI token that outlived itself, or a wrong clock",
        Text("fetch a new assertion for every use, and check this machine's clock"),
    ),
    code(
        700_025,
        "the application is a public client, which has no secret",
        Text("use an application that is not marked 'allow public client flows'"),
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
        "the refresh token has expired through lack of use",
        Remedy::SignIn,
    ),
    code(700_084, "the refresh token's life is over", Remedy::SignIn),
    code(
        700_171,
        "the person who was to enter the device code declined the sign-in",
        Text("run it again, and accept; if it was not you who started it, there is nothing to do"),
    ),
    code(
        700_211,
        "no federated credential on the application has the token's issuer",
        CompareFederation,
    ),
    code(
        700_212,
        "no federated credential on the application has the token's audience",
        Text("ask for a token for the audience api://AzureADTokenExchange"),
    ),
    code(
        700_213,
        "no federated credential on the application has the token's subject",
        CompareFederation,
    ),
    code(
        700_222,
        "the token was issued by Entra ID itself, and federation is for other issuers' tokens",
        Text(
            "register a managed identity's token with its own form (issuer https://login.microsoftonline.com/TENANT/v2.0), or use the identity directly",
        ),
    ),
    code(
        700_229,
        "the application has no service principal in the tenant {tenant}",
        Template("create it with `az ad sp create --id {client}`"),
    ),
    code(
        900_023,
        "'{tenant}' is neither a tenant id nor a domain of one",
        CHECK_TENANT,
    ),
    code(
        900_144,
        "a field is missing from the request",
        Text("report it: we or a proxy left it out"),
    ),
    code(
        900_382,
        "confidential clients are not supported across clouds",
        Text("use the authority of the application's own cloud"),
    ),
    code(
        900_612,
        "the signing keys of whoever issued the token can't be read",
        ISSUER,
    ),
    code(
        900_971,
        "there is no redirect address",
        Text("register one on the application"),
    ),
    code(
        1_002_012,
        "client credentials are for a whole resource",
        Text("ask for RESOURCE/.default, such as https://management.azure.com/.default"),
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
        "the client secret is wrong; often the secret's id was copied in place of its value",
        NewSecret,
    ),
    code(
        7_000_216,
        "neither a secret nor an assertion was sent",
        Text("give the application's secret or certificate"),
    ),
    code(
        7_000_218,
        "the application must prove itself with a secret or a certificate",
        Text("give one, or turn on 'allow public client flows' for it"),
    ),
    code(7_000_222, "the client secret has expired", NewSecret),
    code(
        7_000_229,
        "the application has no service principal in the tenant {tenant}",
        Template("create it with `az ad sp create --id {client}`"),
    ),
    code(
        7_002_138,
        "no federated credential on the application matches the token: one differs in upper and lower case only",
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
