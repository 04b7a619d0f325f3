//! The codes, in order.
//!
//! From Microsoft's page 'Microsoft Entra authentication and authorization error codes', from
//! recorded responses and from practice.

use super::{
    Meaning, OfRefreshToken,
    Remedy::{
        self, CheckSecret, CheckTenant, CompareFederation, For, NewSecret, Retry, SignIn, Text,
        UploadCertificate,
    },
    SentProof::{Certificate, FederatedToken, ManagedIdentity, Person, Secret},
};

const fn code(code: u32, means: &'static str, remedy: Remedy) -> Meaning {
    Meaning {
        code,
        means,
        remedy,
        is_quoted: false,
        of_refresh_token: OfRefreshToken::NotSaid,
    }
}

/// A code of which only Entra ID's own text says what it saw.
const fn quoted(code: u32, means: &'static str, remedy: Remedy) -> Meaning {
    Meaning {
        code,
        means,
        remedy,
        is_quoted: true,
        of_refresh_token: OfRefreshToken::NotSaid,
    }
}

impl Meaning {
    const fn ended(self) -> Self {
        self.with(OfRefreshToken::Ended)
    }

    const fn too_old(self) -> Self {
        self.with(OfRefreshToken::TooOld)
    }

    const fn not_in_tenant(self) -> Self {
        self.with(OfRefreshToken::NotInTenant)
    }

    const fn not_by_person(self) -> Self {
        self.with(OfRefreshToken::NotByPerson)
    }

    const fn with(mut self, says: OfRefreshToken) -> Self {
        self.of_refresh_token = says;
        self
    }
}

const ISSUER: Remedy = For(&[(
    FederatedToken,
    Text(
        "try again in a minute; then check that ISSUER/.well-known/openid-configuration and the keys that it names are public",
    ),
)]);
/// A policy is named in the log only.
const POLICY: Remedy = Text(
    "ask an administrator of the tenant {tenant} to search the sign-in log for the correlation id: it names the policy",
);
const ENABLE_ACCOUNT: Remedy = For(&[(
    Person,
    Text("ask an administrator of the tenant {tenant} to enable the account"),
)]);
const CONSENT: Remedy =
    Text("ask an administrator to run `az ad app permission admin-consent --id {client}`");
const GUEST: Remedy = For(&[(
    Person,
    Text("use the account's own tenant, or ask an administrator to invite the account"),
)]);
const NEW_PASSWORD: Remedy = For(&[(
    Person,
    Text("set a new one at https://mysignins.microsoft.com/security-info"),
)]);
const DEVICE_CODE: Remedy = For(&[(Person, Text("start the sign-in again"))]);
const REPORT: Remedy = Text("report it as a bug of azcred, unless a proxy changes requests");
const WHOLE_RESOURCE: Remedy =
    Text("request RESOURCE/.default, such as https://management.azure.com/.default");
const PRINCIPAL: Remedy = Text("create it: `az ad sp create --id {client}`");
const DECLINED: Remedy = For(&[(
    Person,
    Text("run it again, and accept in the browser; if you did not start it, do nothing"),
)]);
const PUBLIC_CLIENT: Remedy = For(&[
    (
        Person,
        Text(
            "register the redirect address for desktop programs: `az ad app update --id {client} --public-client-redirect-uris http://localhost`",
        ),
    ),
    (Secret, NOT_PUBLIC),
    (Certificate, NOT_PUBLIC),
    (FederatedToken, NOT_PUBLIC),
]);
const NOT_PUBLIC: Remedy = Text(
    "switch off 'Allow public client flows': `az ad app update --id {client} --is-fallback-public-client false`",
);
/// Tokens of Entra ID itself as federated tokens.
const OF_MANAGED_IDENTITY: Remedy = For(&[(
    FederatedToken,
    Text(
        "send a managed identity's token, with the issuer https://login.microsoftonline.com/{tenant}/v2.0, or a token of another issuer",
    ),
)]);
const FEDERATION_POLICY: Remedy = For(&[(
    FederatedToken,
    Text(
        "ask an administrator of the tenant {tenant} to allow the token's issuer for federated credentials, or sign in in another way",
    ),
)]);

/// Sorted by code.
pub(super) static MEANINGS: &[Meaning] = &[
    code(
        16_000,
        "several accounts are signed in, and silent sign-in can't choose one",
        SignIn,
    ),
    code(
        28_000,
        "the requested scopes are of several resources",
        Text("request one resource at a time, as RESOURCE/.default"),
    ).not_by_person(),
    code(50_005, "the policy does not allow this platform", POLICY).not_by_person(),
    code(
        50_011,
        "the redirect address is not registered on the application",
        For(&[(
            Person,
            Text(
                "register it: `az ad app update --id {client} --public-client-redirect-uris http://localhost`",
            ),
        )]),
    ),
    quoted(
        50_013,
        "the assertion's signature, issuer or audience is wrong",
        For(&[
            (
                FederatedToken,
                Text("get a new token, and check its issuer"),
            ),
            (Certificate, UploadCertificate),
        ]),
    ),
    code(
        50_020,
        "the account belongs to another tenant and is not a guest in this one",
        GUEST,
    ).not_in_tenant(),
    code(
        50_027,
        "the assertion is malformed",
        For(&[
            (
                FederatedToken,
                Text("check that the sent token is complete and unchanged"),
            ),
            (Certificate, REPORT),
        ]),
    ),
    code(
        50_034,
        "the user does not exist in this tenant",
        For(&[(Person, Text("check the user name and the tenant"))]),
    ).not_in_tenant(),
    code(
        50_049,
        "the authority is unknown",
        Text("check AZURE_AUTHORITY_HOST"),
    ),
    code(
        50_053,
        "the account is locked after too many wrong passwords, or the sign-in came from an address with malicious activity",
        For(&[(
            Person,
            Text(
                "wait, or try from another network; an administrator of the tenant {tenant} sees in the sign-in log which of the two it is",
            ),
        )]),
    ),
    code(50_055, "the password has expired", NEW_PASSWORD),
    code(50_057, "the account is disabled", ENABLE_ACCOUNT).not_by_person(),
    code(50_058, "no account is signed in for silent sign-in", SignIn),
    code(
        50_059,
        "the request does not name a tenant",
        Text("give the tenant's id"),
    ),
    code(
        50_072,
        "multi-factor authentication must be set up first",
        SignIn,
    ),
    code(50_074, "multi-factor authentication is required", SignIn),
    code(50_076, "multi-factor authentication is required", SignIn),
    code(50_078, "multi-factor authentication has expired", SignIn),
    code(
        50_079,
        "multi-factor authentication must be set up first",
        SignIn,
    ),
    code(
        50_089,
        "the sign-in took too long, and its page had expired",
        SignIn,
    ),
    code(
        50_097,
        "the policy requires a device that identifies itself",
        POLICY,
    ),
    code(
        50_105,
        "the identity is not assigned to the application",
        Text("ask an administrator to assign it: Enterprise applications, Users and groups"),
    ).not_by_person(),
    quoted(
        50_107,
        "the tenant does not know the token's issuer",
        For(&[
            (
                FederatedToken,
                Text(
                    "request the token from the issuer that the application trusts; an issuer https://sts.windows.net/ means a token of Entra ID's version 1, which can't be used",
                ),
            ),
            (
                Person,
                Text(
                    "ask an administrator of the tenant {tenant} to check the domain's federation",
                ),
            ),
        ]),
    ),
    code(
        50_126,
        "the user name or the password is wrong",
        For(&[(Person, Text("check both, or sign in in a browser"))]),
    ),
    code(50_128, "the domain does not exist", CheckTenant).not_by_person(),
    code(50_129, "the policy requires a registered device", POLICY).not_by_person(),
    code(
        50_131,
        "a Conditional Access policy blocks the sign-in: the device, the place or the activity",
        POLICY,
    ).not_by_person(),
    code(50_132, "the session is no longer valid", SignIn).ended(),
    code(
        50_133,
        "the session ended because the password changed or expired",
        SignIn,
    ).ended(),
    code(
        50_135,
        "the password must be changed, because the account is at risk",
        NEW_PASSWORD,
    ),
    code(
        50_144,
        "the password in the company's own directory has expired",
        For(&[(
            Person,
            Text(
                "set a new password on a computer of the company, or ask an administrator of the tenant {tenant} for one",
            ),
        )]),
    ),
    code(
        50_148,
        "the PKCE proof of the sign-in's code is missing or was not expected",
        SignIn,
    ),
    code(50_158, "another proof of your identity is required", SignIn),
    code(
        50_166,
        "Entra ID could not get the signing keys of the token's issuer",
        ISSUER,
    ),
    code(
        50_173,
        "the refresh token was revoked, for example by a new password",
        SignIn,
    ).ended(),
    code(
        50_177,
        "a policy of this tenant demands more of the account, which is not a guest in it",
        GUEST,
    )
    .not_in_tenant(),
    code(
        50_194,
        "the application belongs to another tenant and can be used only there",
        CheckTenant,
    ).not_by_person(),
    code(
        50_196,
        "this client requests the same token too often",
        Text("cache tokens, and look for a loop in the program"),
    ).not_by_person(),
    code(50_199, "the person has to confirm the sign-in", SignIn),
    code(53_000, "the policy requires a managed device", POLICY).not_by_person(),
    code(
        53_001,
        "the policy requires a device of the company's domain",
        POLICY,
    ).not_by_person(),
    code(
        53_002,
        "Conditional Access allows approved applications only, and this is not one",
        POLICY,
    )
    .not_by_person(),
    code(
        53_003,
        "a Conditional Access policy blocks the sign-in",
        Text(
            "search the sign-in log of the tenant {tenant} for the correlation id: it names the policy",
        ),
    ).not_by_person(),
    code(
        53_005,
        "the policy requires an app with Intune's protection, which azcred is not",
        POLICY,
    ),
    code(
        53_011,
        "the account's home tenant blocks it as a risk",
        For(&[(
            Person,
            Text("ask an administrator of the account's own tenant to dismiss the risk"),
        )]),
    ).not_by_person(),
    code(54_005, "the sign-in's code was already used", SignIn),
    code(
        65_001,
        "no user or administrator has consented to the application's permissions",
        CONSENT,
    ),
    code(
        65_002,
        "the application {client} may not request '{scope}', and users can't allow it",
        Text(
            "check the scope's spelling; if the service is yours, sign in with your own application",
        ),
    ).not_by_person(),
    code(
        65_004,
        "the person declined the permissions of the application",
        DECLINED,
    ),
    code(
        70_000,
        "the sign-in's code or the refresh token is not valid, or belongs to another application",
        SignIn,
    ).ended(),
    code(
        70_003,
        "the application may not use this grant type",
        Text("check the grant type"),
    ).not_by_person(),
    code(70_008, "the refresh token has expired", SignIn).ended(),
    code(
        70_011,
        "the scope is malformed or does not exist",
        WHOLE_RESOURCE,
    ).not_by_person(),
    code(
        70_016,
        "the device code has not been entered yet",
        For(&[(Person, Text("enter the code in the browser"))]),
    ),
    code(70_018, "the device code is wrong", DEVICE_CODE),
    code(70_019, "the device code is no longer valid", DEVICE_CODE),
    code(70_020, "the device code has expired", DEVICE_CODE),
    quoted(
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
        SignIn,
    ).too_old(),
    code(90_002, "the tenant does not exist", CheckTenant).not_by_person(),
    code(
        90_009,
        "the application requests a token for itself by its identifier URI",
        Text("use its client id as the resource"),
    ),
    code(90_014, "a field is missing from the request", REPORT),
    code(
        90_023,
        "the application is registered for another kind of program",
        PUBLIC_CLIENT,
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
        GUEST,
    ).not_in_tenant(),
    code(
        90_094,
        "only an administrator can consent to these permissions",
        CONSENT,
    ).not_by_person(),
    code(
        100_007,
        "only managed identities may use this issuer",
        OF_MANAGED_IDENTITY,
    ),
    code(
        165_000,
        "the submitted page is from another tab or an earlier try, as after 'back' or 'reload'",
        For(&[(
            Person,
            Text("start the sign-in again, and stay in one tab without going back"),
        )]),
    ),
    code(
        392_200,
        "the authority expects a TLS client certificate in the connection",
        For(&[(
            Person,
            Text("sign in in a browser that has your certificate or smart card"),
        )]),
    ),
    code(
        500_011,
        "the resource '{scope}' does not exist in the tenant {tenant}, or no administrator has consented to it",
        Text("check its spelling; an administrator must register some services in the tenant once"),
    ).not_by_person(),
    code(
        500_014,
        "the resource '{scope}' is disabled in the tenant {tenant}: its subscription ended, or an administrator disabled it",
        Text(
            "ask an administrator of the tenant {tenant} to enable it: Enterprise applications, Properties, 'Enabled for users to sign-in'",
        ),
    ).not_by_person(),
    code(
        500_021,
        "a proxy on the way allows only some tenants, and {tenant} is not one of them",
        Text(
            "use another network, or ask its administrators to allow the tenant {tenant} (tenant restrictions)",
        ),
    ).not_by_person(),
    code(
        500_111,
        "the redirect address is malformed",
        For(&[(Person, Text("check the redirect address"))]),
    ),
    code(
        500_112,
        "the sign-in's code was requested with another redirect address",
        SignIn,
    ),
    code(
        500_133,
        "the token on whose behalf the request is has expired",
        Text("request a new one, and check this machine's clock"),
    ),
    code(
        500_208,
        "the account is not of a kind that may sign in here",
        For(&[(
            Person,
            Text("use a work or school account, and check the domain in its name"),
        )]),
    ),
    code(
        500_212,
        "the account's own tenant does not allow the tenant {tenant}",
        For(&[(
            Person,
            Text(
                "ask an administrator of the account's own tenant to allow the tenant {tenant}: Cross-tenant access settings, outbound",
            ),
        )]),
    ).not_by_person(),
    code(
        500_213,
        "the tenant {tenant} does not allow the account's own tenant",
        For(&[(
            Person,
            Text(
                "ask an administrator of the tenant {tenant} to allow the account's own tenant: Cross-tenant access settings, inbound",
            ),
        )]),
    ).not_by_person(),
    code(
        501_481,
        "the sign-in's code belongs to another process (PKCE)",
        SignIn,
    ),
    code(530_003, "the policy requires a managed device", POLICY).not_by_person(),
    code(
        530_032,
        "a security policy of the tenant blocks the request",
        POLICY,
    ).not_by_person(),
    code(
        530_035,
        "the tenant's security defaults block this way to sign in",
        For(&[
            (Person, Text("sign in in a browser, not with a password")),
            (Secret, POLICY),
            (Certificate, POLICY),
            (FederatedToken, POLICY),
        ]),
    ),
    code(
        530_084,
        "a policy requires a token that is bound to the device (token protection)",
        For(&[
            (
                Person,
                Text(
                    "on Windows, run `az login`, whose broker binds tokens, and use the source azure-cli; or ask an administrator of the tenant {tenant} about the policy",
                ),
            ),
            (Secret, POLICY),
            (Certificate, POLICY),
            (FederatedToken, POLICY),
        ]),
    ).not_by_person(),
    quoted(
        650_052,
        "the tenant {tenant} has no service principal of the service that the application uses",
        Text(
            "ask an administrator of the tenant {tenant} to run `az ad sp create --id SERVICE-ID`, with the service's id in Entra ID's text",
        ),
    ).not_by_person(),
    quoted(
        650_057,
        "the application {client} has no permission for the resource '{scope}' in its registration",
        Text(
            "add one: `az ad app permission add --id {client} --api RESOURCE-ID --api-permissions PERMISSION-ID=Scope`; `az ad sp show --id RESOURCE-ID --query oauth2PermissionScopes` lists them",
        ),
    ).not_by_person(),
    code(
        700_003,
        "the device was deleted from the tenant {tenant}",
        For(&[(
            Person,
            Text(
                "connect the device again: on Windows, Settings, Accounts, Access work or school; elsewhere, the Company Portal",
            ),
        )]),
    ),
    code(
        700_005,
        "the sign-in's code is for another tenant",
        For(&[(Person, Text("give the tenant that the account signs in to"))]),
    ),
    code(
        700_016,
        "the application {client} does not exist in the tenant {tenant}: one of the two ids is wrong",
        Text(
            "check both ids: `az ad app show --id {client} --query '[displayName, appId]'` and `az account show --query tenantId`",
        ),
    ).not_by_person(),
    code(
        700_022,
        "the assertion has no subject (sub)",
        For(&[
            (
                FederatedToken,
                Text(
                    "let the token's issuer write a subject (sub), and register it on the application",
                ),
            ),
            (Certificate, REPORT),
        ]),
    ).not_by_person(),
    quoted(
        700_023,
        "the assertion's audience (aud) is not the one that the tenant {tenant} accepts: the audience or the tenant is wrong",
        For(&[
            (
                FederatedToken,
                Text(
                    "request the token for the audience of the application's federated credential (`az ad app federated-credential list --id {client}`), and check the tenant {tenant}",
                ),
            ),
            (
                Certificate,
                Text("check the tenant {tenant} and AZURE_AUTHORITY_HOST"),
            ),
        ]),
    ),
    quoted(
        700_024,
        "the assertion has expired or is not valid yet",
        For(&[
            (
                FederatedToken,
                Text("get a new token for every request, and check this machine's clock"),
            ),
            (Certificate, Text("check this machine's clock")),
        ]),
    ),
    code(
        700_025,
        "the application is a public client, which may send neither a secret nor an assertion",
        For(&[
            (Secret, NOT_PUBLIC),
            (Certificate, NOT_PUBLIC),
            (FederatedToken, NOT_PUBLIC),
        ]),
    ).not_by_person(),
    quoted(
        700_027,
        "the assertion's key is not registered on the application, or its signature does not match",
        For(&[
            (Certificate, UploadCertificate),
            (FederatedToken, CompareFederation),
        ]),
    ),
    code(
        700_030,
        "the certificate's subject is not allowed",
        For(&[(
            Certificate,
            Text(
                "ask an administrator of the tenant {tenant} which certificate authorities and subjects the application {client} allows",
            ),
        )]),
    ),
    code(
        700_081,
        "the refresh token has reached its maximum lifetime",
        SignIn,
    ).ended(),
    code(
        700_082,
        "the refresh token has expired because it was not used",
        SignIn,
    ).ended(),
    code(700_084, "the refresh token has reached its end", SignIn).ended(),
    code(
        700_171,
        "the person with the device code declined the sign-in",
        For(&[(
            Person,
            Text("run it again, and accept; if you did not start it, do nothing"),
        )]),
    ),
    quoted(
        700_211,
        "no federated credential on the application has the token's issuer",
        CompareFederation,
    ),
    quoted(
        700_212,
        "no federated credential on the application has the token's audience",
        CompareFederation,
    ),
    quoted(
        700_213,
        "no federated credential on the application has the token's subject",
        CompareFederation,
    ),
    code(
        700_222,
        "Entra ID itself issued the token, and does not accept it as a federated token",
        OF_MANAGED_IDENTITY,
    ),
    quoted(
        700_223,
        "a policy of the tenant {tenant} does not allow this federated credential",
        FEDERATION_POLICY,
    ),
    code(
        700_226,
        "Entra ID itself issued the token, and it is not a managed identity's",
        OF_MANAGED_IDENTITY,
    ),
    code(
        700_229,
        "the application has no service principal in the tenant {tenant}",
        PRINCIPAL,
    ),
    code(
        700_231,
        "the federated token was itself got with a federated token, and Entra ID accepts no chain of them",
        For(&[(
            FederatedToken,
            Text("send the first token, that of the CI system or the cluster"),
        )]),
    ),
    quoted(
        700_236,
        "Entra ID itself issued the token, and the tenant {tenant} does not accept its tokens as federated tokens",
        FEDERATION_POLICY,
    ),
    quoted(
        700_238,
        "a policy of the tenant {tenant} does not allow federated tokens of this issuer",
        FEDERATION_POLICY,
    ),
    code(
        900_023,
        "'{tenant}' is neither a tenant id nor a domain of a tenant",
        CheckTenant,
    ).not_by_person(),
    code(900_144, "a field is missing from the request", REPORT),
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
        For(&[(
            Person,
            Text(
                "register one: `az ad app update --id {client} --public-client-redirect-uris http://localhost`",
            ),
        )]),
    ),
    code(
        1_002_012,
        "an application requests tokens for a whole resource",
        WHOLE_RESOURCE,
    ),
    code(
        7_000_012,
        "the refresh token was issued for another tenant",
        SignIn,
    )
    .ended(),
    code(
        7_000_112,
        "the application is disabled",
        Text(
            "ask an administrator to enable it: Enterprise applications, Properties, 'Enabled for users to sign-in'",
        ),
    ).not_by_person(),
    code(
        7_000_215,
        "the client secret is wrong; often its id was copied instead of its value",
        CheckSecret,
    ),
    code(
        7_000_216,
        "the request has neither a secret nor an assertion",
        REPORT,
    ),
    code(
        7_000_218,
        "the application needs a secret or a certificate",
        For(&[(
            Person,
            Text(
                "let people sign in with the application: `az ad app update --id {client} --is-fallback-public-client true`",
            ),
        )]),
    ).not_by_person(),
    code(7_000_222, "the client secret has expired", NewSecret),
    code(
        7_000_229,
        "the application has no service principal in the tenant {tenant}",
        PRINCIPAL,
    ),
    quoted(
        7_000_272,
        "Entra ID does not know the key that signed the token: the issuer changed its keys, or no longer publishes this one",
        For(&[(
            FederatedToken,
            Text(
                "wait half an hour, until Entra ID reads the issuer's keys again; then check that ISSUER/.well-known/openid-configuration leads to that key",
            ),
        )]),
    ),
    quoted(
        7_002_137,
        "the subject of the application's federated credential has a placeholder that was not replaced",
        For(&[(
            FederatedToken,
            Text(
                "replace it in the subject that `az ad app federated-credential list --id {client}` shows: `az ad app federated-credential update`",
            ),
        )]),
    ),
    quoted(
        7_002_138,
        "no federated credential on the application matches the token: one differs only in upper and lower case",
        CompareFederation,
    ),
    quoted(
        7_002_381,
        "the tenant {tenant} accepts GitHub's tokens only from repositories of named enterprises",
        For(&[(
            FederatedToken,
            Text(
                "run this in a repository of that enterprise, or ask an administrator of the tenant {tenant} to allow this one",
            ),
        )]),
    ),
    code(
        9_002_313,
        "the request is malformed, such as by a damaged code or refresh token",
        For(&[
            (Person, SignIn),
            (Secret, REPORT),
            (Certificate, REPORT),
            (FederatedToken, REPORT),
            (ManagedIdentity, REPORT),
        ]),
    ),
    code(
        9_002_327,
        "the application is registered for pages in a browser (single-page application)",
        PUBLIC_CLIENT,
    ),
    code(
        9_002_332,
        "the application is for work and school accounts, and 'consumers' was requested",
        Text("give the tenant's id or domain"),
    ).not_by_person(),
];
