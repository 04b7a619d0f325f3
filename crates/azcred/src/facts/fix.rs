//! The fix of an error, as a value.
//!
//! [`Display`](fmt::Display) is text for any program. A program with its own commands can match on
//! the value and name its command instead.

use super::{PrincipalKind, Source};
use crate::untrusted::Seen;
use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    path::PathBuf,
    time::Duration,
};

/// The fix of an error: one step, or several.
///
/// `Display` is an instruction without a full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fix {
    /// Sign in; the sign-in is stored for the next program.
    SignIn(SignIn),
    /// Sign in to another program, such as Azure CLI.
    SignInToTool {
        /// The command that does it.
        command: String,
    },
    /// Install another program, such as Azure CLI.
    InstallTool {
        /// The program's name.
        tool: Cow<'static, str>,
        /// The address with the instructions.
        from: Cow<'static, str>,
        /// Whether the program is there but must be installed again.
        again: bool,
        /// The command that signs in to the program, if that is needed too.
        then: Option<Cow<'static, str>>,
    },
    /// Run a command of another program to read the error that it prints.
    ReadToolError {
        /// The command.
        command: Cow<'static, str>,
    },
    /// Find a tenant's id.
    FindTenant,
    /// Choose which of the accounts that are signed in is the current one.
    ChooseAccount,
    /// Name one of the accounts that are signed in.
    NameAccount,
    /// Store an application's secret in the encrypted file of its account, not in a keyring.
    StoreSecretInFile,
    /// Use the profile or the authority in which the account signed in.
    LookIn {
        /// The profile, if it is not the current one.
        profile: Option<String>,
        /// The authority, if it is not the current one.
        authority: Option<String>,
    },
    /// Request the token in a terminal, where a person can sign in.
    AskPerson {
        /// The scope, if the person must consent to it.
        scope: Option<String>,
    },
    /// Read a chain's report: why each source has no token, and how long it took.
    ReadReport,
    /// Allow a credential to request tokens in a tenant.
    AllowTenant {
        /// The tenant.
        tenant: String,
    },
    /// Exclude a source from a chain.
    Exclude(Source),
    /// Let another program run longer.
    RaiseProcessTimeout,
    /// Set environment variables. The value is `None` if only the reader knows it.
    SetVariables(Vec<Variable>),
    /// Unset an environment variable.
    UnsetVariable(Cow<'static, str>),
    /// Give an identity a role.
    GrantRole(GrantRole),
    /// Check a workspace's name against those that the identity can see.
    CheckWorkspaceName {
        /// Workspaces that the identity can see, each in a few words; empty if they are not known.
        seen: Vec<String>,
    },
    /// Choose a workspace, and name it in a `config.json`.
    ChooseWorkspace,
    /// Check a resource group's name against those that the identity can see.
    CheckResourceGroup {
        /// The id of its subscription, if it is known.
        subscription: Option<String>,
    },
    /// Check a subscription's id and its tenant against those that the identity can see.
    CheckSubscription,
    /// Check whether a subscription is enabled.
    CheckSubscriptionState,
    /// Register a subscription for a resource provider.
    RegisterProvider {
        /// The provider, such as `Microsoft.MachineLearningServices`.
        namespace: Cow<'static, str>,
        /// The subscription's id.
        subscription: String,
    },
    /// Make a new secret for an application.
    NewSecret {
        /// The application.
        client_id: String,
        /// The variable with the secret, if there is one.
        variable: Option<&'static str>,
    },
    /// Make a new certificate for an application.
    NewCertificate {
        /// The application; `None` if it is not known.
        client_id: Option<String>,
        /// The variable that names the file, if there is one.
        variable: Option<&'static str>,
    },
    /// Upload the certificate that an application uses.
    UploadCertificate {
        /// The application.
        client_id: String,
    },
    /// Compare an application's federated credentials with the token that is sent.
    CompareFederation {
        /// The application.
        client_id: String,
    },
    /// Let an application trust tokens such as the one that was sent.
    TrustToken(Box<TrustToken>),
    /// Change the permissions of a file or a folder, so that other users can't read it.
    ChangePermissions {
        /// The file or folder.
        path: PathBuf,
        /// The mode that it should have, such as `0o600`.
        mode: u32,
    },
    /// Set this machine's clock.
    SetClock,
    /// Try again.
    Retry {
        /// After this time, if the other side named one.
        after: Option<Duration>,
    },
    /// This fix on a condition, such as 'the role was assigned just now'.
    If(Cow<'static, str>, Box<Self>),
    /// One of these; any one is enough.
    AnyOf(Vec<Self>),
    /// All of these, in this order.
    AllOf(Vec<Self>),
    /// Anything else, as an instruction without a full stop.
    Text(Cow<'static, str>),
}

/// A federated credential to register: the values of a token. Each is of 600 characters at most,
/// without unseen ones.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustToken {
    /// The application.
    pub client_id: String,
    /// The token's issuer (`iss`).
    pub issuer: String,
    /// The token's subject (`sub`).
    pub subject: String,
    /// The token's audience (`aud`).
    pub audience: String,
    /// Whether the audience is the usual one of the cloud.
    pub has_usual_audience: bool,
}

/// The longest name of a federated credential ('federatedIdentityCredential resource type').
const LONGEST_NAME: usize = 120;

impl TrustToken {
    /// The values of a token, for an application.
    pub fn new(
        client_id: impl Into<String>,
        [issuer, subject, audience]: [&str; 3],
        has_usual_audience: bool,
    ) -> Self {
        Self {
            client_id: client_id.into(),
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audience: audience.to_owned(),
            has_usual_audience,
        }
    }

    /// A name for the federated credential, of characters that Entra ID accepts:
    /// `azcred-repo-contoso-ml-ref-refs-heads-main`.
    fn name(&self) -> String {
        let words = self.subject.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        let mut name = format!("azcred-{}", words.join("-"));
        name.truncate(LONGEST_NAME);
        name.trim_end_matches('-').to_owned()
    }
}

/// Azure CLI's command.
impl fmt::Display for TrustToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = serde_json::json!({
            "name": self.name(),
            "issuer": self.issuer,
            "subject": self.subject,
            "audiences": [self.audience],
        });
        // The issuer of the token chose these values: they must not end the quotes of the pasted
        // command.
        let parameters = parameters
            .to_string()
            .replace('\'', r"\u0027")
            .replace('`', r"\u0060");
        write!(
            f,
            "az ad app federated-credential create --id {} --parameters '{parameters}'",
            self.client_id
        )
    }
}

/// How to sign in. The reader chooses what is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignIn {
    /// Whether the account was signed in before.
    pub again: bool,
    /// The way to sign in.
    pub way: SignInWay,
    /// The tenant: its id or a domain of it.
    pub tenant: Option<String>,
    /// The application to sign in with, if it is not the default.
    pub client_id: Option<String>,
    /// The account to sign in, such as `ada@contoso.com`.
    pub login_hint: Option<String>,
    /// The profile to store it in, if it is not the default.
    pub profile: Option<String>,
}

/// A way to sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignInWay {
    /// The default: a browser, or a code if no browser can be opened.
    #[default]
    Any,
    /// A person, in a browser on this machine.
    Browser,
    /// A person, with a code that is entered in any browser.
    DeviceCode,
    /// A service principal.
    ServicePrincipal,
}

/// A variable to set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// The name.
    pub name: Cow<'static, str>,
    /// The value; `None` if only the reader knows it.
    pub value: Option<String>,
}

/// A role to give to an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantRole {
    /// The role's name.
    pub role: Cow<'static, str>,
    /// The path of the resource, the group or the subscription; `None` if it is not known.
    pub scope: Option<String>,
    /// The identity's object id; `None` if it is not known.
    pub object_id: Option<String>,
    /// The kind of identity.
    pub kind: PrincipalKind,
}

impl Fix {
    /// This fix or the other.
    #[must_use]
    pub fn or(self, other: impl Into<Self>) -> Self {
        let flat = |fix| match fix {
            Self::AnyOf(fixes) => fixes,
            fix => vec![fix],
        };
        joined(flat(self), flat(other.into()), Self::AnyOf)
    }

    /// This fix, then the other.
    #[must_use]
    pub fn and(self, other: impl Into<Self>) -> Self {
        let flat = |fix| match fix {
            Self::AllOf(fixes) => fixes,
            fix => vec![fix],
        };
        joined(flat(self), flat(other.into()), Self::AllOf)
    }

    /// This fix on a condition, such as 'the role was assigned just now'.
    #[must_use]
    pub fn when(self, condition: impl Into<Cow<'static, str>>) -> Self {
        match self.is_empty() {
            true => self,
            false => Self::If(condition.into(), Box::new(self)),
        }
    }

    /// Sets variables whose values the reader knows.
    pub fn set(names: impl IntoIterator<Item = &'static str>) -> Self {
        let variable = |name| Variable {
            name: Cow::Borrowed(name),
            value: None,
        };
        Self::SetVariables(names.into_iter().map(variable).collect())
    }

    /// Sets a variable to a value.
    pub fn set_to(name: &'static str, value: impl Into<String>) -> Self {
        Self::SetVariables(vec![Variable {
            name: Cow::Borrowed(name),
            value: Some(value.into()),
        }])
    }

    /// Whether the fix has no text.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::AnyOf(fixes) | Self::AllOf(fixes) => fixes.iter().all(Self::is_empty),
            _ => false,
        }
    }
}

/// The steps of both, each once, without empty ones.
fn joined(first: Vec<Fix>, then: Vec<Fix>, make: fn(Vec<Fix>) -> Fix) -> Fix {
    let mut all: Vec<Fix> = Vec::new();
    for fix in first.into_iter().chain(then) {
        if !fix.is_empty() && !all.contains(&fix) {
            all.push(fix);
        }
    }
    match <[Fix; 1]>::try_from(all) {
        Ok([one]) => one,
        Err(all) => make(all),
    }
}

impl SignIn {
    /// Signs in again, to this tenant.
    pub fn again(tenant: impl Into<String>) -> Self {
        Self {
            again: true,
            tenant: Some(tenant.into()),
            ..Self::default()
        }
    }

    /// Signs in in this way.
    pub fn by(way: SignInWay) -> Self {
        Self {
            way,
            ..Self::default()
        }
    }

    /// The text without details: 'sign in again with a device code'.
    pub fn verb(&self) -> String {
        let again = if self.again { " again" } else { "" };
        let way = match self.way {
            SignInWay::Any => "",
            SignInWay::Browser => " in a browser",
            SignInWay::DeviceCode => " with a device code",
            SignInWay::ServicePrincipal => " as the service principal",
        };
        format!("sign in{again}{way}")
    }
}

impl GrantRole {
    /// Assigns `role` at `scope` to the identity `object_id`.
    pub fn new(
        role: impl Into<Cow<'static, str>>,
        scope: Option<String>,
        object_id: Option<String>,
        kind: PrincipalKind,
    ) -> Self {
        Self {
            role: role.into(),
            scope,
            object_id,
            kind,
        }
    }

    /// The object id, the role and the scope, as they can be pasted into a shell between double
    /// quotes. A value that can't be is a word in capitals, which the reader replaces.
    pub fn pasteable(&self) -> [&str; 3] {
        let is_guid = |id: &&str| id.len() == 36 && uuid::Uuid::try_parse(id).is_ok();
        let object_id = self.object_id.as_deref().filter(is_guid);
        let role = Some(&*self.role).filter(|role| is_pasteable(role));
        let scope = self.scope.as_deref().filter(|scope| is_pasteable(scope));
        [
            object_id.unwrap_or("OBJECT_ID"),
            role.unwrap_or("ROLE"),
            scope.unwrap_or("SCOPE"),
        ]
    }

    /// Who can assign the role, and by which command.
    pub fn by_owner(&self, command: &str) -> String {
        let of = self.scope.as_deref().map_or("the resource", kind_of);
        format!("ask an owner of {of} to run `{command}`")
    }

    /// Azure CLI's command that assigns the role, of [pasteable](Self::pasteable) values.
    pub fn command(&self) -> String {
        let [object_id, role, scope] = self.pasteable();
        // With the type, Azure accepts a principal that is so new that not all of Azure knows it
        // yet.
        let kind = match self.kind {
            PrincipalKind::User => " --assignee-principal-type User",
            PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity => {
                " --assignee-principal-type ServicePrincipal"
            }
            PrincipalKind::Unknown => "",
        };
        format!(
            "az role assignment create --assignee-object-id {object_id}{kind} --role \"{role}\" --scope \"{scope}\""
        )
    }
}

/// An empty text.
impl Default for Fix {
    fn default() -> Self {
        Self::Text(Cow::Borrowed(""))
    }
}

impl From<SignIn> for Fix {
    fn from(sign_in: SignIn) -> Self {
        Self::SignIn(sign_in)
    }
}

impl From<GrantRole> for Fix {
    fn from(grant: GrantRole) -> Self {
        Self::GrantRole(grant)
    }
}

impl From<&'static str> for Fix {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Fix {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Fix {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

/// Values in it may come from outside.
impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(&mut Seen(f))
    }
}

impl Fix {
    fn write(&self, f: &mut Seen<'_, '_>) -> fmt::Result {
        match self {
            Self::SignIn(sign_in) => write!(f, "{sign_in}"),
            Self::SignInToTool { command } => write!(f, "run `{command}`"),
            Self::InstallTool {
                tool,
                from,
                again,
                then,
            } => {
                let again = if *again { " again" } else { "" };
                write!(f, "install {tool}{again} ({from})")?;
                match then {
                    Some(command) => write!(f, " and run `{command}`"),
                    None => Ok(()),
                }
            }
            Self::ReadToolError { command } => write!(f, "run `{command}` and read its error"),
            Self::FindTenant => f.write_str(
                "find the id of your tenant with `az account show --query tenantId`, or in the Azure portal under Microsoft Entra ID, Overview",
            ),
            Self::ChooseAccount => f.write_str("choose the current account"),
            Self::NameAccount => f.write_str("give one of the accounts that are signed in"),
            Self::StoreSecretInFile => {
                f.write_str("store the secret in the account's encrypted file")
            }
            Self::LookIn { profile, authority } => {
                f.write_str("try again")?;
                if let Some(profile) = profile {
                    write!(f, " with the profile '{profile}'")?;
                }
                match (profile, authority) {
                    (_, None) => Ok(()),
                    (None, Some(authority)) => write!(f, " with AZURE_AUTHORITY_HOST={authority}"),
                    (Some(_), Some(authority)) => {
                        write!(f, " and AZURE_AUTHORITY_HOST={authority}")
                    }
                }
            }
            Self::AskPerson { scope: None } => {
                f.write_str("run it in a terminal, where a person can sign in")
            }
            Self::AskPerson { scope: Some(scope) } => {
                write!(
                    f,
                    "sign in in a browser, or with a device code, for {scope}"
                )
            }
            Self::ReadReport => {
                f.write_str("read the chain's report: it says what each source lacks")
            }
            Self::AllowTenant { .. } => {
                f.write_str("if it should be allowed, call `ClientOptions::with_allowed_tenants`")
            }
            Self::Exclude(source) => write!(f, "exclude the source {source}"),
            Self::RaiseProcessTimeout => {
                f.write_str("let it run longer: raise the process timeout")
            }
            Self::SetVariables(variables) => {
                f.write_str("set ")?;
                for (number, variable) in variables.iter().enumerate() {
                    let before = match number {
                        0 => "",
                        _ if number + 1 == variables.len() => " and ",
                        _ => ", ",
                    };
                    write!(f, "{before}{}", variable.name)?;
                    if let Some(value) = &variable.value {
                        write!(f, "={value}")?;
                    }
                }
                Ok(())
            }
            Self::UnsetVariable(name) => write!(f, "unset {name}"),
            Self::GrantRole(grant) => write!(f, "{grant}"),
            Self::CheckWorkspaceName { seen } => {
                f.write_str("check the workspace's name")?;
                match &seen[..] {
                    [] => Ok(()),
                    seen => write!(f, ": this identity can see {}", seen.join(" and ")),
                }
            }
            Self::ChooseWorkspace => f.write_str(
                "download config.json from Azure Machine Learning studio (the workspace's menu at the top right, 'Download config file')",
            ),
            Self::CheckResourceGroup { subscription } => {
                let of = subscription.as_ref();
                let of = of.map_or_else(String::new, |id| format!(" --subscription {id}"));
                write!(
                    f,
                    "check the resource group's name: `az group list{of} --query '[].name'`"
                )
            }
            Self::CheckSubscription => f.write_str(
                "check the subscription's id and its tenant: `az account list --all --query '[].{name:name, id:id, tenant:tenantId}' --output table`",
            ),
            Self::CheckSubscriptionState => f.write_str(
                "check the subscription's state: `az account list --all --query '[].{name:name, state:state}' --output table`",
            ),
            Self::RegisterProvider {
                namespace,
                subscription,
            } => write!(
                f,
                "register it once: `az provider register --namespace {namespace} --subscription {subscription}`"
            ),
            Self::NewSecret {
                client_id,
                variable,
            } => {
                write!(
                    f,
                    "make a new secret: `az ad app credential reset --id {client_id} --append`, and "
                )?;
                match variable {
                    Some(variable) => write!(f, "set {variable} to the `password` that it prints"),
                    None => f.write_str("use the `password` that it prints"),
                }
            }
            Self::NewCertificate {
                client_id,
                variable,
            } => {
                let client_id = client_id.as_deref().unwrap_or("CLIENT_ID");
                write!(
                    f,
                    "make a new certificate: `az ad app credential reset --id {client_id} --create-cert --append`, and "
                )?;
                match variable {
                    Some(variable) => write!(f, "set {variable} to the file that it prints"),
                    None => f.write_str("use the file that it prints"),
                }?;
                f.write_str(" (fileWithCertAndPrivateKey)")
            }
            Self::UploadCertificate { client_id } => write!(
                f,
                "upload the certificate: `az ad app credential reset --id {client_id} --cert @cert.pem --append`"
            ),
            Self::CompareFederation { client_id } => write!(
                f,
                "run `az ad app federated-credential list --id {client_id}`: issuer, subject and audience must be exactly those of the token"
            ),
            Self::TrustToken(token) => write!(
                f,
                "run `{token}` (for a managed identity, `az identity federated-credential create` with the same values)"
            ),
            Self::ChangePermissions { path, mode } => write!(
                f,
                "let only yourself read it: `chmod {mode:o} '{}'`",
                crate::sieve::shown_path(path)
            ),
            Self::SetClock => {
                f.write_str("set this machine's clock: `sudo timedatectl set-ntp true`")
            }
            Self::Retry { after: None } => f.write_str("try again in a minute"),
            Self::Retry { after: Some(after) } => {
                write!(f, "try again in {} s", after.as_secs().max(1))
            }
            Self::If(condition, fix) => write!(f, "if {condition}, {fix}"),
            Self::AnyOf(fixes) => list(f, fixes, "; or "),
            Self::AllOf(fixes) => list(f, fixes, "; "),
            Self::Text(text) => f.write_str(text),
        }
    }
}

fn list(f: &mut Seen<'_, '_>, fixes: &[Fix], between: &str) -> fmt::Result {
    for (number, fix) in fixes.iter().enumerate() {
        let before = if number == 0 { "" } else { between };
        write!(f, "{before}{fix}")?;
    }
    Ok(())
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Seen(f);
        f.write_str(&self.verb())?;
        if self.tenant.is_none() && self.way == SignInWay::Any {
            f.write_str(" to azcred")?;
        }
        if let Some(who) = &self.login_hint {
            write!(f, " as {who}")?;
        }
        if let Some(tenant) = &self.tenant {
            write!(f, " to the tenant {tenant}")?;
        }
        if let Some(client_id) = &self.client_id {
            write!(f, " with the application {client_id}")?;
        }
        if let Some(profile) = &self.profile {
            write!(f, ", in the profile '{profile}'")?;
        }
        Ok(())
    }
}

impl fmt::Display for GrantRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = Seen(f);
        write!(f, "{}", self.by_owner(&self.command()))
    }
}

/// The kind of a scope, by its path.
fn kind_of(scope: &str) -> &'static str {
    let names: Vec<&str> = scope.split('/').filter(|name| !name.is_empty()).collect();
    let is = |place: usize, name: &str| {
        names
            .len()
            .checked_sub(place)
            .and_then(|place| names.get(place))
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    match names.len() {
        2 if is(2, "subscriptions") => "the subscription",
        4 if is(2, "resourceGroups") => "the resource group",
        8 if is(2, "workspaces") => "the workspace",
        _ => "the resource",
    }
}

/// Whether a text can be in double quotes in sh, PowerShell and cmd, and is not an option. Azure's
/// ids are such texts.
fn is_pasteable(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 1024
        && !text.starts_with('-')
        && text.chars().all(|c| {
            c.is_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '(' | ')' | '@' | ' ')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_is_an_instruction_that_does_not_name_azcred() {
        let again = SignIn {
            profile: Some("work".into()),
            login_hint: Some("ada@contoso.com".into()),
            ..SignIn::again("contoso.com")
        };
        for (fix, text) in [
            (
                Fix::from(again),
                "sign in again as ada@contoso.com to the tenant contoso.com, in the profile 'work'",
            ),
            (
                SignIn::by(SignInWay::DeviceCode).into(),
                "sign in with a device code",
            ),
            (
                Fix::set(["A", "B", "C"]).or(Fix::UnsetVariable("D".into())),
                "set A, B and C; or unset D",
            ),
            (Fix::set_to("A", "x"), "set A=x"),
            (
                Fix::Retry { after: None }.when("the role was assigned just now"),
                "if the role was assigned just now, try again in a minute",
            ),
            (
                GrantRole::new("Reader", None, Some("$(a)".into()), PrincipalKind::User).into(),
                "ask an owner of the resource to run `az role assignment create --assignee-object-id OBJECT_ID --assignee-principal-type User --role \
                 \"Reader\" --scope \"SCOPE\"`",
            ),
            (
                Fix::InstallTool {
                    tool: "Azure CLI".into(),
                    from: "https://aka.ms/azure-cli".into(),
                    again: false,
                    then: Some("az login".into()),
                },
                "install Azure CLI (https://aka.ms/azure-cli) and run `az login`",
            ),
            (
                Fix::NewCertificate {
                    client_id: None,
                    variable: None,
                }
                .or(Fix::SetClock),
                "make a new certificate: `az ad app credential reset --id CLIENT_ID --create-cert --append`, and use the file that it \
                 prints (fileWithCertAndPrivateKey); or set this machine's clock: `sudo timedatectl set-ntp true`",
            ),
        ] {
            assert_eq!(fix.to_string(), text);
        }
    }

    #[test]
    fn the_owner_who_grants_a_role_is_the_scopes() {
        for (scope, owner) in [
            ("/subscriptions/1", "an owner of the subscription "),
            (
                "/subscriptions/1/resourceGroups/rg",
                "an owner of the resource group ",
            ),
            (
                "/subscriptions/1/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws",
                "an owner of the workspace ",
            ),
            (
                "/subscriptions/1/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/sa",
                "an owner of the resource ",
            ),
            ("", "an owner of the resource "),
        ] {
            let grant = GrantRole::new("Reader", Some(scope.into()), None, PrincipalKind::User);
            assert!(grant.to_string().contains(owner), "{grant}");
        }
    }

    #[test]
    fn the_same_step_is_named_once_and_an_empty_one_never() {
        let fix = Fix::from("").or("a").or(Fix::from("b").or("a"));
        assert_eq!(fix.to_string(), "a; or b");
        assert_eq!(Fix::from("").or("a"), "a".into());
    }

    #[test]
    fn nothing_that_a_shell_would_run_is_pasteable() {
        assert!(is_pasteable("/subscriptions/1/resourceGroups/rg_(a).b"));
        for bad in [
            "",
            "$(reboot)",
            "`x`",
            "a\"b",
            "a;b",
            "a\nb",
            "-rf",
            "a\\b",
            "%PATH%",
            "a'b",
        ] {
            assert!(!is_pasteable(bad), "{bad}");
        }
    }

    #[test]
    fn a_federated_credential_has_a_name_that_entra_id_takes() {
        for subject in [
            "é".repeat(300),
            "ab:".repeat(90),
            "-".to_owned(),
            "x".repeat(600),
        ] {
            let token = TrustToken {
                client_id: "c11e".to_owned(),
                issuer: "https://a".to_owned(),
                subject,
                audience: "api://a".to_owned(),
                has_usual_audience: false,
            };
            let name = token.name();
            assert!((3..=LONGEST_NAME).contains(&name.len()), "{name}");
            let is_good = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            assert!(name.bytes().all(is_good), "{name}");
            assert!(!name.ends_with('-'), "{name}");
        }
    }
}
