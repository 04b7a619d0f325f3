//! What Entra ID's codes mean, and what fixes them.
//!
//! From Microsoft's page 'Microsoft Entra authentication and authorization error codes' and from
//! what the codes turn out to mean in practice. `{client}`, `{tenant}` and `{scope}` are filled in
//! by whoever shows them.

/// What a code means and what fixes it, in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The code: the digits of `AADSTS7000215`.
    pub code: u32,
    /// What it means.
    pub means: &'static str,
    /// What fixes it: a command or a click. Empty where only the provider's own words help.
    pub fix: &'static str,
}

/// The meaning of a code, where we know it.
pub fn explain(code: u32) -> Option<&'static Meaning> {
    MEANINGS
        .binary_search_by_key(&code, |meaning| meaning.code)
        .ok()
        .map(|place| &MEANINGS[place])
}

/// Whether what a code means is fixed by signing in again, to whatever signed in before.
pub(crate) fn is_fixed_by_signing_in(code: u32) -> bool {
    explain(code).is_some_and(|meaning| meaning.fix == SIGN_IN)
}

const fn code(code: u32, means: &'static str, fix: &'static str) -> Meaning {
    Meaning { code, means, fix }
}

const NEW_SECRET: &str = "make a new secret with `az ad app credential reset --id {client} --append` and use its password, not its id";
const CHECK_TENANT: &str = "compare with `az account show --query tenantId`, or ask whoever gave you the client id for its tenant id";
const FEDERATION: &str = "compare with `az ad app federated-credential list --id {client}`: issuer, subject and audience must be equal to the letter";
const ISSUER: &str = "check that ISSUER/.well-known/openid-configuration and the keys that it names can be read from the internet; what passes is over in a minute";
const SIGN_IN: &str = "sign in again: `azcred login --tenant {tenant}`";
const START_AGAIN: &str = "start the sign-in again: `azcred login --tenant {tenant}`";
const ADMINISTRATOR: &str = "ask an administrator of the tenant {tenant}";

/// Sorted by code.
static MEANINGS: &[Meaning] = &[
    code(
        16_000,
        "silent sign-in can't choose between several sessions",
        SIGN_IN,
    ),
    code(
        50_011,
        "the redirect address is not registered on the application",
        "register it: `az ad app update --id {client} --public-client-redirect-uris http://localhost`",
    ),
    code(
        50_013,
        "the assertion is not one that the tenant can accept: its signature, issuer or audience is wrong",
        "fetch a new assertion, and check who signed it",
    ),
    code(
        50_020,
        "the account belongs to another tenant and is no guest in this one",
        "name the account's own tenant, or have the account invited",
    ),
    code(
        50_027,
        "the assertion is malformed",
        "check that the token that is sent is the identity provider's own, whole and unchanged",
    ),
    code(
        50_034,
        "there is no such user in this tenant",
        "check the user name and the tenant",
    ),
    code(
        50_049,
        "the instance is unknown",
        "check AZURE_AUTHORITY_HOST",
    ),
    code(
        50_053,
        "the account is locked after too many wrong passwords",
        "wait, or have it unlocked",
    ),
    code(
        50_055,
        "the password has expired",
        "set a new one at https://mysignins.microsoft.com/security-info",
    ),
    code(50_057, "the account is disabled", ADMINISTRATOR),
    code(50_058, "silent sign-in found nobody signed in", SIGN_IN),
    code(
        50_059,
        "the tenant can't be told from the request",
        "name the tenant",
    ),
    code(
        50_072,
        "multi-factor authentication must be set up first",
        SIGN_IN,
    ),
    code(50_074, "multi-factor authentication is required", SIGN_IN),
    code(50_076, "multi-factor authentication is required", SIGN_IN),
    code(50_078, "multi-factor authentication has expired", SIGN_IN),
    code(
        50_079,
        "multi-factor authentication must be set up first",
        SIGN_IN,
    ),
    code(
        50_089,
        "the sign-in took too long, and the page that was filled in had ended",
        START_AGAIN,
    ),
    code(
        50_097,
        "the policy asks for a device that proves itself",
        ADMINISTRATOR,
    ),
    code(
        50_105,
        "the account is not assigned to the application",
        "have it assigned under Enterprise applications, Users and groups",
    ),
    code(
        50_126,
        "the user name or the password is wrong",
        "check both; federated accounts must sign in interactively",
    ),
    code(50_128, "there is no such domain", CHECK_TENANT),
    code(
        50_129,
        "the policy asks for a registered device, which this one is not",
        ADMINISTRATOR,
    ),
    code(50_132, "the session is no longer good", SIGN_IN),
    code(
        50_133,
        "the session ended with a new or expired password",
        SIGN_IN,
    ),
    code(
        50_148,
        "the sign-in's code came without the proof of who asked for it (PKCE), or with one that nobody had announced",
        START_AGAIN,
    ),
    code(
        50_158,
        "the provider asks for another proof of who you are",
        SIGN_IN,
    ),
    code(
        50_166,
        "Entra ID could not fetch the signing keys of whoever issued the token",
        ISSUER,
    ),
    code(
        50_173,
        "the refresh token was revoked, by a new password for example",
        SIGN_IN,
    ),
    code(
        50_194,
        "the application belongs to another tenant and is for that one alone",
        CHECK_TENANT,
    ),
    code(
        50_196,
        "this client asks for the same token over and over",
        "cache tokens, and look for the loop",
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
        "look at the sign-in log of the tenant {tenant}: the policy is named there, under the correlation id",
    ),
    code(
        53_011,
        "the account is blocked as a risk in its home tenant",
        ADMINISTRATOR,
    ),
    code(
        54_005,
        "the sign-in's code was used before: it is good once",
        START_AGAIN,
    ),
    code(
        65_001,
        "nobody has consented to what the application asks for",
        "have an administrator consent: `az ad app permission admin-consent --id {client}`",
    ),
    code(
        65_002,
        "the application {client} may not ask for '{scope}', and no user can allow it",
        "check the scope's spelling; sign in with an application of your own where the service is yours",
    ),
    code(
        65_004,
        "the person declined what the application asks for",
        "run it again, and accept in the browser; if it was not you who started it, there is nothing to do",
    ),
    code(
        70_000,
        "the sign-in's code or the refresh token is none that is good, or it is another application's",
        SIGN_IN,
    ),
    code(
        70_003,
        "the application may not use this kind of grant",
        "check the grant type",
    ),
    code(70_008, "the refresh token has expired", SIGN_IN),
    code(
        70_011,
        "the scope is malformed or does not exist",
        "ask for RESOURCE/.default, such as https://management.azure.com/.default",
    ),
    code(
        70_016,
        "the device code has not been used yet",
        "enter it in the browser",
    ),
    code(70_018, "the device code is wrong", "start again"),
    code(70_019, "the device code has ended", "start again"),
    code(70_020, "the device code has expired", "start again"),
    code(
        70_021,
        "no federated credential on the application matches the token",
        FEDERATION,
    ),
    code(
        70_025,
        "the application has no federated credential at all",
        FEDERATION,
    ),
    code(
        70_043,
        "the sign-in is older than the policy allows",
        SIGN_IN,
    ),
    code(90_002, "there is no such tenant", CHECK_TENANT),
    code(
        90_009,
        "the application asks for a token for itself with an identifier URI",
        "name it by its client id",
    ),
    code(
        90_014,
        "a field is missing from the request",
        "report it: we or a proxy left it out",
    ),
    code(
        90_033,
        "Entra ID is in passing trouble",
        "try again in a minute",
    ),
    code(
        90_061,
        "Entra ID could not fetch the signing keys of whoever issued the token",
        ISSUER,
    ),
    code(
        90_072,
        "the account belongs to another tenant and is no guest in this one",
        "name the account's own tenant, or have the account invited",
    ),
    code(
        90_094,
        "only an administrator can consent to this",
        ADMINISTRATOR,
    ),
    code(
        100_007,
        "only managed identities may use this way",
        "use a federated credential of your own",
    ),
    code(
        165_000,
        "the page that was filled in is of another tab or an earlier try, as after 'back' or 'reload'",
        "start again, and go through the pages in one tab without going back",
    ),
    code(
        500_011,
        "the resource '{scope}' does not exist in the tenant {tenant}, or nobody has consented to it",
        "check its spelling; some services must be registered in the tenant once by an administrator",
    ),
    code(500_111, "the redirect address is malformed", "check it"),
    code(
        500_112,
        "the sign-in's code was asked for with another redirect address",
        START_AGAIN,
    ),
    code(
        501_481,
        "the sign-in's code was asked for by another process: the proof of who asked (PKCE) is not its own",
        START_AGAIN,
    ),
    code(
        530_003,
        "the policy asks for a managed device, which this one is not",
        ADMINISTRATOR,
    ),
    code(
        700_005,
        "the sign-in's code is for another tenant than the one that it was sent to",
        "name the tenant: `azcred login --tenant TENANT`",
    ),
    code(
        700_016,
        "the application {client} does not exist in the tenant {tenant}: one of the two ids is wrong",
        "check both with `az ad app show --id {client} --query '[displayName, appId]'` and `az account show --query tenantId`",
    ),
    code(
        700_022,
        "several resources were asked for at once",
        "ask for one at a time",
    ),
    code(
        700_023,
        "the assertion's signature does not match",
        "upload the certificate that is used: `az ad app credential reset --id {client} --cert @cert.pem --append`",
    ),
    code(
        700_024,
        "the assertion is outside its time: a CI token that outlived itself, or a wrong clock",
        "fetch a new assertion for every use, and check this machine's clock",
    ),
    code(
        700_025,
        "the application is a public client, which has no secret",
        "use an application that is not marked 'allow public client flows'",
    ),
    code(
        700_027,
        "the certificate is not registered on the application, or its signature does not match",
        "upload the certificate that is used: `az ad app credential reset --id {client} --cert @cert.pem --append`",
    ),
    code(
        700_030,
        "the certificate's subject is not allowed",
        ADMINISTRATOR,
    ),
    code(
        700_082,
        "the refresh token has expired through lack of use",
        SIGN_IN,
    ),
    code(700_084, "the refresh token's life is over", SIGN_IN),
    code(
        700_171,
        "the person who was to enter the device code declined the sign-in",
        "run it again, and accept; if it was not you who started it, there is nothing to do",
    ),
    code(
        700_211,
        "no federated credential on the application has the token's issuer",
        FEDERATION,
    ),
    code(
        700_212,
        "no federated credential on the application has the token's audience",
        "ask for a token for the audience api://AzureADTokenExchange",
    ),
    code(
        700_213,
        "no federated credential on the application has the token's subject",
        FEDERATION,
    ),
    code(
        700_222,
        "the token was issued by Entra ID itself, and federation is for other issuers' tokens",
        "register a managed identity's token with its own form (issuer https://login.microsoftonline.com/TENANT/v2.0), or use the identity directly",
    ),
    code(
        700_229,
        "the application has no service principal in the tenant {tenant}",
        "create it with `az ad sp create --id {client}`",
    ),
    code(
        900_023,
        "'{tenant}' is neither a tenant id nor a domain of one",
        CHECK_TENANT,
    ),
    code(
        900_144,
        "a field is missing from the request",
        "report it: we or a proxy left it out",
    ),
    code(
        900_382,
        "confidential clients are not supported across clouds",
        "use the authority of the application's own cloud",
    ),
    code(
        900_612,
        "the signing keys of whoever issued the token can't be read",
        ISSUER,
    ),
    code(
        900_971,
        "there is no redirect address",
        "register one on the application",
    ),
    code(
        1_002_012,
        "client credentials are for a whole resource",
        "ask for RESOURCE/.default, such as https://management.azure.com/.default",
    ),
    code(
        7_000_112,
        "the application is disabled",
        "ask an administrator to enable it: Enterprise applications, Properties, 'Enabled for users to sign-in'",
    ),
    code(
        7_000_215,
        "the client secret is wrong; often the secret's id was copied in place of its value",
        NEW_SECRET,
    ),
    code(
        7_000_216,
        "neither a secret nor an assertion was sent",
        "give the application's secret or certificate",
    ),
    code(
        7_000_218,
        "the application must prove itself with a secret or a certificate",
        "give one, or turn on 'allow public client flows' for it",
    ),
    code(7_000_222, "the client secret has expired", NEW_SECRET),
    code(
        7_000_229,
        "the application has no service principal in the tenant {tenant}",
        "create it with `az ad sp create --id {client}`",
    ),
    code(
        7_002_138,
        "no federated credential on the application matches the token: one differs in upper and lower case only",
        FEDERATION,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_each_says_what_it_means() {
        assert!(MEANINGS.windows(2).all(|pair| pair[0].code < pair[1].code));
        for meaning in MEANINGS {
            assert!(
                !meaning.means.is_empty() && !meaning.fix.is_empty(),
                "{meaning:?}"
            );
            assert!(
                !meaning.fix.ends_with('.') && !meaning.means.ends_with('.'),
                "{meaning:?}"
            );
        }
        assert!(explain(7_000_215).unwrap().means.contains("wrong"));
        assert_eq!(explain(1), None);
    }
}
