//! The cause of a rejected sign-in in one sentence, with the names of what was used.

use azcred::{Used, UsedKind, chain::Attempt};

/// The cause of an attempt's failure, with the thing and its value: 'the client secret in
/// AZURE_CLIENT_SECRET has expired'. `None` if the error's own reason is as good.
pub(super) fn headline(attempt: &Attempt) -> Option<String> {
    let used = attempt.used.as_ref()?;
    let code = attempt.error.as_ref()?.code()?;
    let thing = thing(used);
    let application = || {
        let id = used.client_id.as_deref()?;
        let variable = variable_of_id(used);
        Some(match variable {
            Some(variable) => format!("the application {id} ({variable})"),
            None => format!("the application {id}"),
        })
    };
    let tenant = || {
        let tenant = used.tenant.as_deref()?;
        Some(match tenant_variable(used) {
            Some(variable) => format!("{tenant} ({variable})"),
            None => tenant.to_owned(),
        })
    };
    Some(match code {
        7_000_215 => format!("{thing} is not a secret of {}", application()?),
        7_000_222 => format!("{thing} has expired"),
        700_016 => format!("the tenant {} does not have {}", tenant()?, application()?),
        7_000_229 => format!(
            "{} has no service principal in the tenant {}",
            application()?,
            tenant()?
        ),
        7_000_112 => format!("{} is disabled", application()?),
        90_002 => format!("the tenant {} does not exist", tenant()?),
        900_023 => format!(
            "the tenant {} is neither an id nor a domain of a tenant",
            tenant()?
        ),
        700_027 => format!("{} does not have {thing}", application()?),
        700_024 => format!("{thing} has expired, or this machine's clock is wrong"),
        70_021 | 70_025 => format!("{} does not trust {thing}", application()?),
        700_211 => format!("{} does not trust the issuer of {thing}", application()?),
        700_212 => format!("{} does not trust the audience of {thing}", application()?),
        700_213 => format!("{} does not trust the subject of {thing}", application()?),
        50_173 => format!("{thing} was revoked"),
        70_008 | 700_082 | 700_084 | 50_078 | 70_043 => format!("{thing} has expired"),
        53_003 => {
            let blocked = application().unwrap_or(thing);
            format!("a Conditional Access policy blocks {blocked}")
        }
        50_074 | 50_076 | 50_079 | 50_158 => format!("{thing} needs a second factor"),
        50_057 => format!("the account of {thing} is disabled"),
        50_055 => format!("the password of {thing} has expired"),
        50_020 | 90_072 => format!("the account of {thing} is not a guest in this tenant"),
        _ => return None,
    })
}

/// What proved the identity.
pub(super) fn thing(used: &Used) -> String {
    match &used.kind {
        UsedKind::ClientSecret {
            variable: Some(name),
        } => format!("the client secret in {name}"),
        UsedKind::ClientSecret { variable: None } => "the client secret".to_owned(),
        UsedKind::ClientCertificate {
            path: Some(path),
            variable: Some(name),
        } => {
            format!("the certificate {path} ({name})")
        }
        UsedKind::ClientCertificate {
            path: Some(path),
            variable: None,
        } => {
            format!("the certificate {path}")
        }
        UsedKind::ClientCertificate { path: None, .. } => "the certificate".to_owned(),
        UsedKind::FederatedToken { path } => format!("the token in {path}"),
        UsedKind::GitHubActions => "GitHub's identity token".to_owned(),
        UsedKind::ServiceConnection { id } => {
            format!("the identity token of the service connection {id}")
        }
        UsedKind::SignIn { account, .. } => format!("the sign-in of {account}"),
        UsedKind::Tool { tool, .. } => format!("the sign-in to {tool}"),
        _ => used.describe(),
    }
}

/// The variable with the client id, among those that were read.
fn variable_of_id(used: &Used) -> Option<&'static str> {
    let mut names = used.variables.iter().copied();
    names.find(|name| name.ends_with("CLIENT_ID") || name.ends_with("_PRINCIPAL_ID"))
}

/// The variable with the tenant, among those that were read.
pub(super) fn tenant_variable(used: &Used) -> Option<&'static str> {
    used.variables
        .iter()
        .copied()
        .find(|name| name.ends_with("TENANT_ID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_named_with_its_variable_its_file_or_its_account() {
        let secret = Some("HIML_SERVICE_PRINCIPAL_PASSWORD");
        for (kind, words) in [
            (
                UsedKind::ClientSecret { variable: secret },
                "the client secret in HIML_SERVICE_PRINCIPAL_PASSWORD",
            ),
            (
                UsedKind::ClientCertificate {
                    variable: Some("AZURE_CLIENT_CERTIFICATE_PATH"),
                    path: Some("/home/ada/c.pem".to_owned()),
                },
                "the certificate /home/ada/c.pem (AZURE_CLIENT_CERTIFICATE_PATH)",
            ),
            (
                UsedKind::SignIn {
                    account: "ada@contoso.com".to_owned(),
                    profile: "default".to_owned(),
                },
                "the sign-in of ada@contoso.com",
            ),
            (
                UsedKind::FederatedToken {
                    path: "/run/token".to_owned(),
                },
                "the token in /run/token",
            ),
        ] {
            assert_eq!(thing(&Used::new(kind)), words);
        }
        let used = Used::new(UsedKind::ClientSecret { variable: secret }).from_variables([
            "HIML_TENANT_ID",
            "HIML_SERVICE_PRINCIPAL_ID",
            "HIML_SERVICE_PRINCIPAL_PASSWORD",
        ]);
        assert_eq!(variable_of_id(&used), Some("HIML_SERVICE_PRINCIPAL_ID"));
        assert_eq!(tenant_variable(&used), Some("HIML_TENANT_ID"));
    }
}
