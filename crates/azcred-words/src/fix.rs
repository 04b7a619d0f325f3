//! A fix as an instruction with the commands that do it.

use azcred::{Fix, GrantRole, PrincipalKind, SignIn, SignInWay, TrustToken};

/// A fix, as an instruction without a full stop.
///
/// `own` has the caller's own words: for its options, and for what it can do without a command.
/// Where it returns `None`, the text names a command of azcred.
pub fn fix(of: &Fix, own: &impl Fn(&Fix) -> Option<String>) -> String {
    if let Some(text) = own(of) {
        return text;
    }
    match of {
        Fix::SignIn(to) => sign_in(to),
        Fix::ChooseAccount => "choose one with `azcred account use`".to_owned(),
        Fix::NameAccount => "`azcred account list` shows the accounts".to_owned(),
        Fix::AskPerson { scope: None } => {
            "run `azcred token` at a terminal, where it asks you to sign in".to_owned()
        }
        Fix::AskPerson { scope: Some(scope) } => format!(
            "sign in for it in a browser: `azcred token --only interactive-browser --scope {scope}`, or with `--only device-code` where \
             no browser can open"
        ),
        Fix::ReadReport => {
            "run `azcred chain`, which shows what each source lacks and how long it takes"
                .to_owned()
        }
        Fix::CheckWorkspaceName { seen } => {
            let list = "`azcred workspace list`";
            match &seen[..] {
                [] => format!("check the name: {list}"),
                seen => format!(
                    "use a workspace that this identity can see: {} ({list} shows all)",
                    seen.join(", ")
                ),
            }
        }
        // Without a domain, the command would need the sign-in that this tenant may be for.
        Fix::FindTenant => {
            "find its id with `azcred tenant DOMAIN`, or in the Azure portal under Microsoft Entra ID, Overview".to_owned()
        }
        Fix::ChooseWorkspace => {
            "choose a workspace with `azcred workspace use`, which writes config.json".to_owned()
        }
        Fix::CheckResourceGroup { subscription } => {
            let of = subscription.as_ref();
            let of = of.map_or_else(String::new, |id| format!(" --subscription {id}"));
            format!("check the resource group with `azcred workspace list{of}`")
        }
        Fix::CheckSubscriptionState => {
            "check the subscription's state with `azcred subscription list`".to_owned()
        }
        Fix::CheckSubscription => {
            "check the id and the tenant with `azcred subscription list`".to_owned()
        }
        Fix::GrantRole(grant) => grant.by_owner(&assign(grant)),
        Fix::NewSecret {
            client_id,
            variable,
        } => match new_secret(client_id, *variable) {
            Some(text) => text,
            None => of.to_string(),
        },
        Fix::TrustToken(token) => match federate(token) {
            Some(command) => format!("run `{command}`"),
            None => of.to_string(),
        },
        Fix::CompareFederation { .. } => {
            "with `--check`, `azcred sp federate` shows what is registered beside the token's issuer and subject"
                .to_owned()
        }
        Fix::If(condition, then) => format!("if {condition}, {}", fix(then, own)),
        Fix::AnyOf(fixes) => join(fixes, "; or ", own),
        Fix::AllOf(fixes) => join(fixes, "; ", own),
        other => other.to_string(),
    }
}

/// Alternative fixes, each as an instruction without a full stop.
pub fn alternatives(of: &Fix, own: &impl Fn(&Fix) -> Option<String>) -> Vec<String> {
    match of {
        Fix::AnyOf(fixes) => {
            let fixes = fixes.iter();
            fixes.flat_map(|fix| alternatives(fix, own)).collect()
        }
        one => vec![fix(one, own)],
    }
}

fn join(fixes: &[Fix], between: &str, own: &impl Fn(&Fix) -> Option<String>) -> String {
    let fixes: Vec<String> = fixes.iter().map(|one| fix(one, own)).collect();
    fixes.join(between)
}

fn assign(grant: &GrantRole) -> String {
    let [object_id, role, scope] = grant.pasteable();
    // With the type, Azure accepts a principal that is so new that not all of Azure knows it yet.
    let kind = match grant.kind {
        PrincipalKind::User => " --type user",
        PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity => {
            " --type service-principal"
        }
        _ => "",
    };
    format!("azcred role assign \"{role}\" --to {object_id}{kind} --scope \"{scope}\"")
}

/// `None` if the variable is not one that azcred writes.
fn new_secret(client_id: &str, variable: Option<&str>) -> Option<String> {
    let purpose = match variable {
        Some("AZURE_CLIENT_SECRET") | None => "azure",
        Some("HIML_SERVICE_PRINCIPAL_PASSWORD") => "himl",
        Some(_) => return None,
    };
    let variable = variable.unwrap_or("AZURE_CLIENT_SECRET");
    Some(format!(
        "make a new secret: `azcred sp rotate --client-id {client_id} --for {purpose} --to FILE`, and use the {variable} that it writes into FILE"
    ))
}

fn sign_in(to: &SignIn) -> String {
    let mut command = "azcred login".to_owned();
    let mut add = |option: &str, value: &Option<String>| {
        if let Some(value) = value {
            command = format!("{command} --{option} {value}");
        }
    };
    add("tenant", &to.tenant);
    add("client-id", &to.client_id);
    add("login-hint", &to.login_hint);
    add("profile", &to.profile);
    command.push_str(match to.way {
        SignInWay::Browser => " --browser",
        SignInWay::DeviceCode => " --device-code",
        SignInWay::ServicePrincipal => " --service-principal",
        _ => "",
    });
    format!("{}: `{command}`", to.verb())
}

/// The command that lets an application trust a token; `None` if a value can't be quoted in the
/// same way for every shell.
fn federate(token: &TrustToken) -> Option<String> {
    let quoted = |value: &str| match value.contains(['\'', '`', '"', '$', '\\', '!']) {
        true => None,
        false => Some(format!("'{value}'")),
    };
    let TrustToken {
        client_id,
        issuer,
        subject,
        audience,
        has_usual_audience,
        ..
    } = token;
    let mut command = format!(
        "azcred sp federate --client-id {client_id} --issuer {} --subject {}",
        quoted(issuer)?,
        quoted(subject)?
    );
    if !has_usual_audience {
        command = format!("{command} --audience {}", quoted(audience)?);
    }
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &Fix) -> Option<String> {
        None
    }

    #[test]
    fn a_fix_names_the_command_that_does_it() {
        let mut again = SignIn::again("contoso.com");
        again.profile = Some("work".to_owned());
        for (value, text) in [
            (
                Fix::from(again),
                "sign in again: `azcred login --tenant contoso.com --profile work`",
            ),
            (
                Fix::from(SignIn::by(SignInWay::DeviceCode)).or("wait"),
                "sign in with a device code: `azcred login --device-code`; or wait",
            ),
            ("wait".into(), "wait"),
            (
                Fix::NewSecret {
                    client_id: "c11e".to_owned(),
                    variable: Some("HIML_SERVICE_PRINCIPAL_PASSWORD"),
                },
                "make a new secret: `azcred sp rotate --client-id c11e --for himl --to FILE`, and use the HIML_SERVICE_PRINCIPAL_PASSWORD \
                 that it writes into FILE",
            ),
            (
                Fix::GrantRole(GrantRole::new(
                    "Reader",
                    Some("/subscriptions/5ec0".to_owned()),
                    Some("d0000001-0000-4000-8000-000000000001".to_owned()),
                    PrincipalKind::ManagedIdentity,
                )),
                "ask an owner of the subscription to run `azcred role assign \"Reader\" --to d0000001-0000-4000-8000-000000000001 --type \
                 service-principal --scope \"/subscriptions/5ec0\"`",
            ),
            (
                Fix::GrantRole(GrantRole::new(
                    "$(x)",
                    None,
                    Some("x; y".to_owned()),
                    PrincipalKind::Unknown,
                )),
                "ask an owner of the resource to run `azcred role assign \"ROLE\" --to OBJECT_ID --scope \"SCOPE\"`",
            ),
            (
                Fix::CheckResourceGroup {
                    subscription: Some("5ec0".to_owned()),
                }
                .or(Fix::ChooseWorkspace),
                "check the resource group with `azcred workspace list --subscription 5ec0`; or choose a workspace with \
                 `azcred workspace use`, which writes config.json",
            ),
        ] {
            assert_eq!(fix(&value, &none), text);
        }
    }

    #[test]
    fn a_token_is_trusted_by_a_command_if_its_values_can_be_quoted() {
        let token = |subject, has_usual_audience| {
            let values = ["https://ci.contoso.com", subject, "api://own"];
            Fix::TrustToken(Box::new(TrustToken::new(
                "c11e",
                values,
                has_usual_audience,
            )))
        };
        let of = |token: &Fix| fix(token, &none);
        assert_eq!(
            of(&token("repo:contoso@1/ml@2:ref:refs/heads/main", true)),
            "run `azcred sp federate --client-id c11e --issuer 'https://ci.contoso.com' --subject \
             'repo:contoso@1/ml@2:ref:refs/heads/main'`"
        );
        assert!(of(&token("job:1", false)).ends_with("--subject 'job:1' --audience 'api://own'`"));
        for odd in ["a'; rm -rf ~ #", "a`id`", "$(id)", "a\"b"] {
            assert!(
                of(&token(odd, true)).starts_with("run `az ad app "),
                "{odd}"
            );
        }
    }

    #[test]
    fn each_alternative_is_an_instruction_of_its_own() {
        let any = Fix::from("wait")
            .or("go on")
            .or(Fix::SetClock.and("try again"));
        let [wait, go_on, all] = &alternatives(&any, &none)[..] else {
            panic!("{any:?}")
        };
        assert_eq!([wait, go_on], ["wait", "go on"]);
        assert!(all.ends_with("; try again"), "{all}");
    }

    #[test]
    fn a_caller_has_its_own_words_within_other_fixes_too() {
        let own = |of: &Fix| match of {
            Fix::ReadReport => Some("read it".to_owned()),
            _ => None,
        };
        let within = Fix::ReadReport
            .when("it is long")
            .or(Fix::ReadReport.and(Fix::ChooseAccount));
        let text = "if it is long, read it; or read it; choose one with `azcred account use`";
        assert_eq!(fix(&within, &own), text);
        assert_eq!(alternatives(&within, &own).join("; or "), text);
    }
}
