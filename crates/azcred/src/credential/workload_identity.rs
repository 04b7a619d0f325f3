//! A Kubernetes workload: its cluster issues a token in a file and replaces it regularly.

use super::{
    AssertionSource,
    client_assertion::{Asserted, Subject},
    federation::FederatedClaims,
    source::{Kept, credential},
    variables,
};
use crate::{
    facts::{Error, ErrorKind, Result, Used, UsedKind, WEB_TOKEN_LIMIT, is_web_token},
    options::ClientOptions,
    redact::shown_path,
    system::{SharedSystem, System},
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
/// The webhook that sets the variables and mounts the file checks the pod's label and the service
/// account's annotation ('Use Microsoft Entra Workload ID with AKS').
const WEBHOOK: &str = "label the pod `azure.workload.identity/use: \"true\"`, annotate its service account with \
                       `azure.workload.identity/client-id`, and restart the pod";
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
            system: system.clone(),
        };
        let source = (file, Subject::Named);
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
            let fix = if missing.contains(&FILE) {
                format!("in Kubernetes: {WEBHOOK}")
            } else {
                format!("set {}, or {WEBHOOK}", variables::list(&missing))
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
        let path = system.var(FILE).unwrap_or_default().into();
        Self::of(tenant, client_id, path, &NAMES, options)
    }
}

credential!(WorkloadIdentityCredential);

/// The file in which a cluster stores a token.
struct TokenFile {
    path: Arc<Path>,
    system: SharedSystem,
}

impl AssertionSource for TokenFile {
    fn assertion(&self) -> BoxFuture<'static, Result<SecretString>> {
        let (path, system) = (self.path.clone(), self.system.clone());
        async move {
            let what = format!("{NAME} could not read the token file {}", shown_path(&path));
            // The file may be on a disk that hangs, which must not block the runtime or pass the
            // deadline.
            let read = tokio::task::spawn_blocking(move || token(&*system, &path, what)).await;
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

fn token(system: &dyn System, path: &Path, what: String) -> Result<SecretString> {
    let wrong =
        |why: String, fix: String| Err(Error::new(ErrorKind::Invalid, what, why).with_fix(fix));
    let content = match system.read(path, WEB_TOKEN_LIMIT as u64) {
        Ok(content) => Zeroizing::new(content),
        Err(error) => {
            let (why, fix) = unreadable(&error);
            return wrong(why, fix);
        }
    };
    let text = str::from_utf8(&content).unwrap_or("?").trim();
    if text.is_empty() {
        return wrong(
            "it is empty".to_owned(),
            format!("wait until the cluster has written it; or {WEBHOOK}"),
        );
    }
    if !is_web_token(text) {
        return wrong(
            "it does not contain a JSON web token".to_owned(),
            format!("set {FILE} to the file that the cluster mounts"),
        );
    }
    let bound = FederatedClaims::of(text)
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
                .to_owned(),
        );
    }
    Ok(text.to_owned().into())
}

fn unreadable(error: &io::Error) -> (String, String) {
    match error.kind() {
        io::ErrorKind::NotFound => (
            "there is no such file".to_owned(),
            format!(
                "in Kubernetes: {WEBHOOK}; elsewhere: write the token to that file, or unset {FILE}"
            ),
        ),
        io::ErrorKind::PermissionDenied => (
            "this user may not read it".to_owned(),
            "set `securityContext.fsGroup` in the pod, so that its user may read the file"
                .to_owned(),
        ),
        io::ErrorKind::FileTooLarge => (
            format!(
                "it is larger than {} KiB, too large for a token",
                WEB_TOKEN_LIMIT >> 10
            ),
            format!("set {FILE} to the file that the cluster mounts"),
        ),
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => (
            "it is not a file".to_owned(),
            format!("set {FILE} to the file that the cluster mounts"),
        ),
        _ => (
            format!("it can't be read ({})", error.kind()),
            "check its disk: `df -h`".to_owned(),
        ),
    }
}

#[cfg(test)]
#[path = "workload_identity_tests.rs"]
mod tests;
