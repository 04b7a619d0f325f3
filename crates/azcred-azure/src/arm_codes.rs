//! Azure Resource Manager's error codes: what each means, and its fix.
//!
//! From Microsoft's pages 'Troubleshoot common Azure deployment errors', 'Troubleshoot Azure RBAC'
//! and the resource providers' own. `{subscription}`, `{group}` and `{audience}` are placeholders
//! for the names of the request.

use crate::error::ErrorKind;
use azcred::Fix;

/// What an error code means and what fixes the error.
#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) code: &'static str,
    pub(crate) kind: ErrorKind,
    /// With placeholders.
    means: &'static str,
    remedy: Remedy,
}

/// What fixes an error, before the names of the request are filled in.
#[derive(Clone, Copy, Debug)]
enum Remedy {
    /// A role; which one and for which identity, the message says.
    Grant,
    /// See [`Fix::CheckResourceGroup`].
    CheckResourceGroup,
    /// See [`Fix::CheckSubscription`].
    CheckSubscription,
    /// See [`Fix::CheckSubscriptionState`].
    CheckSubscriptionState,
    /// See [`Fix::CheckWorkspaceName`].
    CheckWorkspaceName,
    /// See [`Fix::RegisterProvider`], for Azure Machine Learning.
    Register,
    /// See [`Fix::SetClock`].
    SetClock,
    /// See [`Fix::Retry`].
    Wait,
    /// A text with placeholders.
    Text(&'static str),
}

/// The names of a request.
pub(crate) struct Names<'a> {
    pub(crate) subscription: &'a str,
    pub(crate) group: &'a str,
    /// Resource Manager's own resource, without a slash at the end.
    pub(crate) audience: &'a str,
}

impl Names<'_> {
    fn fill(&self, text: &str) -> String {
        text.replace("{subscription}", self.subscription)
            .replace("{group}", self.group)
            .replace("{audience}", self.audience)
    }
}

impl Meaning {
    /// What the code means for a request with these names.
    pub(crate) fn means(&self, names: &Names<'_>) -> String {
        names.fill(self.means)
    }

    /// What fixes the error; empty where only the message says which role is missing.
    pub(crate) fn fix(&self, names: &Names<'_>) -> Fix {
        match self.remedy {
            Remedy::Grant => Fix::default(),
            Remedy::CheckResourceGroup => Fix::CheckResourceGroup {
                subscription: Some(names.subscription.to_owned()),
            },
            Remedy::CheckSubscription => Fix::CheckSubscription,
            Remedy::CheckSubscriptionState => Fix::CheckSubscriptionState,
            Remedy::CheckWorkspaceName => Fix::CheckWorkspaceName { seen: Vec::new() },
            Remedy::Register => Fix::RegisterProvider {
                namespace: "Microsoft.MachineLearningServices".into(),
                subscription: names.subscription.to_owned(),
            },
            Remedy::SetClock => Fix::SetClock,
            Remedy::Wait => Fix::Retry { after: None }.and(OUTAGES),
            Remedy::Text(text) => names.fill(text).into(),
        }
    }
}

/// The meaning of a code; upper and lower case are equal.
pub(crate) fn explain(code: &str) -> Option<&'static Meaning> {
    MEANINGS
        .iter()
        .find(|meaning| meaning.code.eq_ignore_ascii_case(code))
}

const fn code(code: &'static str, kind: ErrorKind, means: &'static str, remedy: Remedy) -> Meaning {
    Meaning {
        code,
        kind,
        means,
        remedy,
    }
}

const REPORT: Remedy =
    Text("report it as a bug of azcred: this cloud does not support its request");
const OUTAGES: &str = "https://azure.status.microsoft shows outages";

use ErrorKind::{Invalid, NotFound, NotPermitted, Unauthenticated, Unreachable};
use Remedy::{
    CheckResourceGroup, CheckSubscription, CheckSubscriptionState, CheckWorkspaceName, Grant,
    Register, SetClock, Text, Wait,
};

const MEANINGS: &[Meaning] = &[
    code(
        "AuthenticationFailed",
        Unauthenticated,
        "the request arrived without its token: a proxy may have removed the header",
        Text("let the proxy pass the Authorization header, or list Azure's hosts in NO_PROXY"),
    ),
    code(
        "InvalidAuthenticationToken",
        Unauthenticated,
        "Azure can't read the token, or does not trust its issuer",
        Text(
            "check that the authority belongs to this cloud (AZURE_AUTHORITY_HOST, ARM_CLOUD_METADATA_URL)",
        ),
    ),
    code(
        "InvalidAuthenticationTokenAudience",
        Unauthenticated,
        "the token is for another service",
        Text("request a token for the scope {audience}/.default"),
    ),
    code(
        "ExpiredAuthenticationToken",
        Unauthenticated,
        "the token has expired, or this machine's clock is wrong",
        SetClock,
    ),
    code(
        "InvalidAuthenticationTokenTenant",
        Unauthenticated,
        "the subscription belongs to another tenant than the token",
        Text("sign in to the subscription's own tenant"),
    ),
    code(
        "AuthorizationFailed",
        NotPermitted,
        "the identity has no role that allows this; a new role takes some minutes to count",
        Grant,
    ),
    code(
        "LinkedAuthorizationFailed",
        NotPermitted,
        "the identity may do this here, but not on another resource that it needs",
        Grant,
    ),
    code(
        "DenyAssignmentAuthorizationFailed",
        NotPermitted,
        "a role allows this, but a deny assignment forbids it",
        Text(
            "ask the owner of the managed application or deployment stack that made it; no role overrides a deny assignment",
        ),
    ),
    code(
        "RequestDisallowedByPolicy",
        NotPermitted,
        "an Azure Policy forbids it",
        Text("ask the administrator of the subscription's policies"),
    ),
    code(
        "ScopeLocked",
        NotPermitted,
        "a lock on the resource forbids changes",
        Text("ask an owner to remove the lock: `az lock list --resource-group \"{group}\"`"),
    ),
    code(
        "SubscriptionNotFound",
        NotFound,
        "this tenant has no subscription {subscription} that the identity can see; often the sign-in is to the wrong tenant",
        CheckSubscription,
    ),
    code(
        "InvalidSubscriptionId",
        Invalid,
        "this is not the id of a subscription",
        CheckSubscription,
    ),
    code(
        "MissingSubscription",
        Invalid,
        "the request named no subscription",
        REPORT,
    ),
    code(
        "ResourceGroupNotFound",
        NotFound,
        "the subscription {subscription} has no resource group '{group}'",
        CheckResourceGroup,
    ),
    code(
        "ResourceNotFound",
        NotFound,
        "the resource group '{group}' has no resource of this name",
        CheckWorkspaceName,
    ),
    code(
        "ParentResourceNotFound",
        NotFound,
        "the resource that this one belongs to does not exist",
        Text("check the names of the resources above it"),
    ),
    code(
        "PrincipalNotFound",
        NotFound,
        "Entra ID does not know the principal; a new one takes some minutes",
        Text(
            "wait a minute and try again; with the type of the principal, Azure accepts a new service principal at once",
        ),
    ),
    code(
        "RoleAssignmentExists",
        Invalid,
        "the principal has this role here already",
        Text("nothing is to be done"),
    ),
    code(
        "RoleDefinitionDoesNotExist",
        NotFound,
        "this tenant has no role of this name",
        Text("check the name: `az role definition list --query '[].roleName'`"),
    ),
    code(
        "MissingSubscriptionRegistration",
        Invalid,
        "the subscription is not registered for Azure Machine Learning",
        Register,
    ),
    code(
        "SubscriptionNotRegistered",
        Invalid,
        "the subscription is not registered for Azure Machine Learning",
        Register,
    ),
    code(
        "ReadOnlyDisabledSubscription",
        NotPermitted,
        "the subscription is disabled, so Azure rejects changes in it",
        Text("ask its owner to enable it again"),
    ),
    code(
        "DisallowedOperation",
        NotPermitted,
        "the subscription's state does not allow this",
        CheckSubscriptionState,
    ),
    code(
        "InvalidApiVersionParameter",
        Invalid,
        "Azure does not know the API version of the request",
        REPORT,
    ),
    code(
        "MissingApiVersionParameter",
        Invalid,
        "the request arrived without its API version: a proxy may have removed the query",
        REPORT,
    ),
    code(
        "NoRegisteredProviderFound",
        Invalid,
        "this cloud does not offer this kind of resource in the request's API version",
        REPORT,
    ),
    code(
        "InvalidResourceType",
        Invalid,
        "this cloud does not know this kind of resource",
        REPORT,
    ),
    code(
        "InvalidResourceNamespace",
        Invalid,
        "this cloud does not offer Azure Machine Learning",
        Text("check the cloud (AZURE_AUTHORITY_HOST, AZUREML_CURRENT_CLOUD)"),
    ),
    code(
        "HttpMethodNotSupported",
        Invalid,
        "the resource does not accept this kind of request",
        REPORT,
    ),
    code(
        "TooManyRequests",
        Unreachable,
        "there are too many requests",
        Wait,
    ),
    code(
        "SubscriptionRequestsThrottled",
        Unreachable,
        "there are too many requests for this subscription",
        Wait,
    ),
    code(
        "ServerTimeout",
        Unreachable,
        "Azure did not respond in time",
        Wait,
    ),
    code(
        "InternalServerError",
        Unreachable,
        "Azure has a problem of its own",
        Wait,
    ),
    code(
        "ServiceUnavailable",
        Unreachable,
        "Azure has a problem of its own",
        Wait,
    ),
    code(
        "GatewayTimeout",
        Unreachable,
        "Azure did not respond in time",
        Wait,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fmt::Write as _, fs, path::Path};

    const PLACEHOLDERS: Names<'static> = Names {
        subscription: "{subscription}",
        group: "{group}",
        audience: "{audience}",
    };

    #[test]
    fn every_code_is_listed_once_has_a_meaning_and_is_found_in_any_case() {
        for (n, meaning) in MEANINGS.iter().enumerate() {
            assert!(
                MEANINGS[..n].iter().all(|other| other.code != meaning.code),
                "{meaning:?}"
            );
            assert!(
                !meaning.means.is_empty() && !meaning.means.ends_with('.'),
                "{meaning:?}"
            );
            let fix = meaning.fix(&PLACEHOLDERS);
            assert!(!fix.to_string().ends_with('.'), "{meaning:?}");
            assert_eq!(fix.is_empty(), matches!(meaning.remedy, Grant));
            assert_eq!(
                explain(&meaning.code.to_uppercase()).map(|found| found.code),
                Some(meaning.code)
            );
        }
        assert!(explain("").is_none());
    }

    #[test]
    fn the_names_of_the_request_are_filled_in() {
        let names = Names {
            subscription: "5ec0",
            group: "rg",
            audience: "https://management.azure.com",
        };
        let fix = |code: &str| explain(code).unwrap().fix(&names);
        assert_eq!(
            fix("InvalidAuthenticationTokenAudience"),
            "request a token for the scope https://management.azure.com/.default".into()
        );
        assert!(matches!(
            fix("MissingSubscriptionRegistration"),
            Fix::RegisterProvider { subscription, .. } if subscription == "5ec0"
        ));
        let meaning = explain("ResourceGroupNotFound").unwrap();
        assert_eq!(
            meaning.means(&names),
            "the subscription 5ec0 has no resource group 'rg'"
        );
    }

    #[test]
    fn every_code_is_in_the_page_with_its_meaning_and_fix() {
        let mut table = "| code | what it means | what fixes it |\n|---|---|---|\n".to_owned();
        for meaning in MEANINGS {
            let fix = match meaning.fix(&PLACEHOLDERS).to_string() {
                fix if fix.is_empty() => {
                    "the command that is printed: it names the identity, the role and the scope"
                        .to_owned()
                }
                fix => fix,
            };
            let means = meaning.means(&PLACEHOLDERS);
            let [means, fix] = [means, fix].map(|text| text.replace('|', r"\|"));
            writeln!(table, "| {} | {means} | {fix} |", meaning.code).unwrap();
        }
        let (begin, end) = ("<!-- resource-manager -->\n", "<!-- /resource-manager -->");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(begin).unwrap();
        let (part, after) = rest.split_once(end).unwrap();
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(path, format!("{before}{begin}{table}{end}{after}")).unwrap();
        } else {
            assert!(
                part == table,
                "docs/errors.md differs from the code; UPDATE_DOCS=1 writes it"
            );
        }
    }
}
