//! A Kubernetes workload: its cluster issues a token in a file and replaces it regularly.

use super::{
    AssertionSource,
    client_assertion::{Asserted, Subject},
    federation::{Audience, FederatedClaims, Requester},
    source::{Kept, credential},
    variables,
};
use crate::{
    decode,
    facts::{Error, ErrorKind, Fix, Result, Used, UsedKind, WEB_TOKEN_LIMIT},
    options::ClientOptions,
    sieve::{shown_path, tidied},
    system::{self, SharedSystem, checked_path},
    tenant::{ClientId, TenantId},
};
use futures_util::{FutureExt, future::BoxFuture};
use secrecy::SecretString;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// Signs in as an application (or a user-assigned managed identity) that trusts a Kubernetes
/// service account, with the token that the cluster stores in a file (Microsoft Entra Workload ID).
///
/// The file is read for every request, since the cluster replaces it about every hour. It may have
/// at most 64 KiB.
pub struct WorkloadIdentityCredential(Kept<Asserted>);

const NAME: &str = "WorkloadIdentityCredential";
const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const NAMES: [&str; 3] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", FILE];
const WHAT: &str =
    "WorkloadIdentityCredential could not find a workload identity in the environment";
/// The variable that Kubernetes sets in each pod ('The Pod environment').
const IN_POD: &str = "KUBERNETES_SERVICE_HOST";
/// The audience of tokens that AKS exchanges inside the cluster ('Identity bindings'). Entra ID
/// accepts them only from AKS.
const BINDING: &str = "api://AKSIdentityBinding";

impl WorkloadIdentityCredential {
    /// A credential for `client_id` in `tenant` with the token in `token_file`. Reads and requests
    /// nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the tenant is `common`, `organizations` or `consumers`, or the
    /// cloud is unknown. The file is checked at every use.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        token_file: impl Into<PathBuf>,
        options: ClientOptions,
    ) -> Result<Self> {
        Self::of(tenant, client_id, token_file.into(), &[], options)
    }

    fn of(
        tenant: TenantId,
        client_id: ClientId,
        path: PathBuf,
        variables: &[&'static str],
        options: ClientOptions,
    ) -> Result<Self> {
        let system = options.system().clone();
        let kind = UsedKind::FederatedToken {
            path: shown_path(&path),
        };
        let using = Used::new(kind).from_variables(variables.iter().copied());
        let file = TokenFile {
            path: path.into(),
            client_id: client_id.clone(),
            system: system.clone(),
        };
        let audience = Audience::of(&options, Requester::Other)?;
        let source = (file, Subject::Named, audience);
        let source = Asserted::new(NAME, using, tenant, client_id, source, options)?;
        Ok(Self(Kept::new(Arc::new(source), system)))
    }

    /// The same with `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_FEDERATED_TOKEN_FILE`, which a
    /// cluster sets in its pods.
    ///
    /// # Errors
    /// As [`WorkloadIdentityCredential::new`]; [`ErrorKind::Unavailable`] if one of these is not
    /// set.
    pub fn from_environment(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let missing = variables::missing(&*system, &NAMES);
        if !missing.is_empty() {
            let why = variables::told(&*system, &NAMES);
            let fix = match missing.contains(&FILE) {
                true => set_up(None),
                false => Fix::set(missing.iter().copied()).or(set_up(None)),
            };
            let error = Error::new(ErrorKind::Unavailable, WHAT, why).with_fix(fix);
            // The other two variables are also a service principal's.
            return Err(match missing.contains(&FILE) {
                true => error.absent(),
                false => error,
            });
        }
        let tenant = variables::read(&*system, "AZURE_TENANT_ID", TenantId::new)?;
        let client_id = variables::read(&*system, "AZURE_CLIENT_ID", ClientId::new)?;
        let path = checked_path(&*system, FILE)?.unwrap_or_default();
        Self::of(tenant, client_id, path, &NAMES, options)
    }
}

credential!(WorkloadIdentityCredential);

/// The file in which a cluster stores a token.
#[derive(Clone)]
struct TokenFile {
    path: Arc<Path>,
    client_id: ClientId,
    system: SharedSystem,
}

impl AssertionSource for TokenFile {
    fn assertion(&self) -> BoxFuture<'static, Result<SecretString>> {
        let file = self.clone();
        async move {
            // The file may be on a disk that hangs, which must not block the runtime or pass the
            // deadline.
            let read = tokio::task::spawn_blocking(move || file.token()).await;
            read.unwrap_or_else(|_| {
                let why = "the runtime is shutting down";
                Err(Error::new(
                    ErrorKind::Invalid,
                    "could not read the token file",
                    why,
                ))
            })
        }
        .boxed()
    }
}

impl TokenFile {
    fn token(&self) -> Result<SecretString> {
        let wrong = |why: String, fix: Fix| {
            // An azcred account names its file itself.
            let variable = system::path(&*self.system, FILE);
            let variable = variable.filter(|path| path == &*self.path);
            let from = variable.map_or("", |_| " (from AZURE_FEDERATED_TOKEN_FILE)");
            let what = format!(
                "could not read the token file {}{from}",
                shown_path(&self.path)
            );
            Err(Error::new(ErrorKind::Invalid, what, why).with_fix(fix))
        };
        let content = match self.system.read(&self.path, WEB_TOKEN_LIMIT as u64) {
            Ok(content) => Zeroizing::new(content),
            Err(error) => {
                let (why, fix) = self.unreadable(&error);
                return wrong(why, fix);
            }
        };
        if decode::text(&content).is_ok_and(|text| tidied(&text).is_empty()) {
            return wrong(
                "the file is empty".to_owned(),
                Fix::from("wait until the cluster has written it")
                    .or(set_up(Some(&self.client_id))),
            );
        }
        let text = match decode::web_token(&content) {
            Ok(text) => text,
            Err(why) => return wrong(why, set_file()),
        };
        let bound = FederatedClaims::of(&text)
            .is_some_and(|claims| claims.audiences.iter().any(|one| one == BINDING));
        if bound {
            return wrong(
                format!(
                    "its token is for {BINDING}: only the cluster's own token proxy (AKS identity binding) accepts it, \
                     not Entra ID"
                ),
                "remove the annotation `azure.workload.identity/use-identity-binding` from the pod, and let the application trust the \
                 service account: `az identity federated-credential create --identity-name NAME --resource-group GROUP --name NAME \
                 --issuer \"$(az aks show --name CLUSTER --resource-group GROUP --query oidcIssuerProfile.issuerUrl --output tsv)\" \
                 --subject system:serviceaccount:NAMESPACE:ACCOUNT`"
                    .into(),
            );
        }
        Ok(text.as_str().to_owned().into())
    }

    fn unreadable(&self, error: &io::Error) -> (String, Fix) {
        match error.kind() {
            io::ErrorKind::NotFound if self.system.var(IN_POD).is_some() => (
                "the file does not exist in this pod".to_owned(),
                set_up(Some(&self.client_id)),
            ),
            io::ErrorKind::NotFound => (
                format!(
                    "the file does not exist. Kubernetes writes it for a pod, but this program does not run in a pod ({IN_POD} is not set)"
                ),
                Fix::from(format!(
                    "to use a client secret, unset {FILE} and set AZURE_CLIENT_SECRET"
                ))
                .or(format!(
                    "to sign in as a person, unset {FILE} and run `az login`"
                ))
                .or(set_up(Some(&self.client_id))),
            ),
            io::ErrorKind::PermissionDenied => (
                "this user may not read the file".to_owned(),
                "set `securityContext.fsGroup` in the pod, so that its user may read the file"
                    .into(),
            ),
            io::ErrorKind::FileTooLarge => (
                format!(
                    "the file is larger than {} KiB, too large for a token",
                    WEB_TOKEN_LIMIT >> 10
                ),
                set_file(),
            ),
            io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => {
                ("it is not a file".to_owned(), set_file())
            }
            _ => (
                format!("the file can't be read ({})", error.kind()),
                "check its disk: `df -h`".into(),
            ),
        }
    }
}

fn set_file() -> Fix {
    format!("set {FILE} to the file that the cluster mounts").into()
}

/// The webhook that sets the variables and mounts the file looks at the pod's label and at the
/// service account's annotation ('Use Microsoft Entra Workload ID with AKS').
fn set_up(client_id: Option<&ClientId>) -> Fix {
    let client_id = client_id.map_or("CLIENT-ID", ClientId::as_str);
    format!(
        "to use the identity of a Kubernetes pod, run `kubectl annotate serviceaccount SERVICE_ACCOUNT \
         azure.workload.identity/client-id={client_id}`, add the label `azure.workload.identity/use: \"true\"` to the pod, \
         and start the pod again"
    )
    .into()
}

#[cfg(test)]
#[path = "workload_identity_tests.rs"]
mod tests;
