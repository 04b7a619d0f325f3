//! A GitHub Actions job: GitHub issues an identity token for it, a new one for every request.

use super::{
    client_assertion::{Asserted, Subject},
    federation::{Audience, Requester},
    source::{Kept, credential},
    token_service::{Shared, TokenService, address, bearer},
    variables,
};
use crate::{
    facts::{Error, ErrorKind, Result, Used, UsedKind},
    http::Method,
    options::ClientOptions,
    system::System,
    tenant::{ClientId, TenantId},
};
use std::sync::Arc;

/// Signs in as an application that trusts a GitHub Actions job.
///
/// GitHub's page 'OpenID Connect reference' describes the token service. An identity token lives
/// for some minutes and a job for hours, so each request gets a new one.
///
/// ```yaml
/// permissions:
///   id-token: write
/// env:
///   AZURE_CLIENT_ID: ${{ vars.AZURE_CLIENT_ID }}
///   AZURE_TENANT_ID: ${{ vars.AZURE_TENANT_ID }}
/// ```
pub struct GitHubActionsCredential(Kept<Asserted>);

const NAME: &str = "GitHubActionsCredential";
const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
const PERMISSION: &str = "give the job `permissions: id-token: write` (and `contents: read` if it checks out code); jobs of a \
                          fork's pull request never get it";

impl GitHubActionsCredential {
    /// A credential for `client_id` in `tenant`, in a job that may request identity tokens
    /// (`ACTIONS_ID_TOKEN_REQUEST_URL`, `ACTIONS_ID_TOKEN_REQUEST_TOKEN`), for the audience of
    /// [`ClientOptions::with_federated_audience`]. Requests nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if this is not such a job; [`ErrorKind::Invalid`] if a variable
    /// can't be used, the tenant is `common`, `organizations` or `consumers`, or the cloud is
    /// unknown.
    pub fn new(tenant: TenantId, client_id: ClientId, options: ClientOptions) -> Result<Self> {
        Self::of(tenant, client_id, &[URL, TOKEN], options)
    }

    fn of(
        tenant: TenantId,
        client_id: ClientId,
        names: &[&'static str],
        options: ClientOptions,
    ) -> Result<Self> {
        let system = options.system().clone();
        available(&*system, &[URL, TOKEN])?;
        let audience = Audience::of(&options, Requester::Azcred)?;
        let mut url = variables::read(&*system, URL, address)?;
        url.query_pairs_mut()
            .append_pair("audience", &audience.text);
        let bearer = variables::read(&*system, TOKEN, bearer)?;
        // The address and the token belong to one job.
        let subject = Subject::Of {
            address: url.as_str().into(),
            secret: bearer.clone(),
        };
        let service = Shared::from(TokenService {
            name: NAME,
            method: Method::GET,
            url,
            url_variable: URL,
            bearer,
            headers: &[],
            field: "value",
            unknown: "run it in the job that set ACTIONS_ID_TOKEN_REQUEST_URL and \
                      ACTIONS_ID_TOKEN_REQUEST_TOKEN, while that job runs",
            refused: PERMISSION.to_owned(),
            http: options.http().clone(),
            deadline: options.deadline() / 2,
        });
        let using = Used::new(UsedKind::GitHubActions)
            .from_variables(names.iter().copied().chain(audience.variable()));
        let source = (service, subject, audience);
        let source = Asserted::new(NAME, using, tenant, client_id, source, options)?;
        Ok(Self(Kept::new(Arc::new(source), system)))
    }

    /// The same for the application in `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`.
    ///
    /// # Errors
    /// As [`GitHubActionsCredential::new`]; [`ErrorKind::Unavailable`] if one of these is not set.
    pub fn from_environment(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let names = [URL, TOKEN, "AZURE_CLIENT_ID", "AZURE_TENANT_ID"];
        available(&*system, &names)?;
        let tenant = variables::read(&*system, "AZURE_TENANT_ID", TenantId::new)?;
        let client_id = variables::read(&*system, "AZURE_CLIENT_ID", ClientId::new)?;
        Self::of(tenant, client_id, &names, options)
    }
}

credential!(GitHubActionsCredential);

/// Fails if one of the job's variables is not set.
fn available(system: &dyn System, names: &[&'static str]) -> Result<()> {
    let missing = variables::missing(system, names);
    if missing.is_empty() {
        return Ok(());
    }
    let may_not_ask = missing.contains(&URL) || missing.contains(&TOKEN);
    let told = variables::told(system, names);
    let (azure, why) = if !may_not_ask {
        (missing, told)
    } else if system
        .var("GITHUB_ACTIONS")
        .is_some_and(|value| value.trim() == "true")
    {
        let azure = missing
            .into_iter()
            .filter(|name| ![URL, TOKEN].contains(name));
        (
            azure.collect(),
            format!("this GitHub Actions job may not request an identity token: {told}"),
        )
    } else {
        let why = format!(
            "not in a GitHub Actions job: {}",
            variables::told(system, &[URL, TOKEN])
        );
        return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
            .with_fix("run this program in a GitHub Actions job")
            .absent());
    };
    let mut fix = Vec::new();
    if may_not_ask {
        fix.push(PERMISSION.to_owned());
    }
    if !azure.is_empty() {
        fix.push(format!(
            "set {} in the job's `env:`",
            variables::list(&azure)
        ));
    }
    Err(Error::new(ErrorKind::Unavailable, WHAT, why).with_fix(fix.join("; ")))
}

const WHAT: &str = "GitHubActionsCredential could not find the identity of a job";

#[cfg(test)]
#[path = "github_actions_tests.rs"]
mod tests;
