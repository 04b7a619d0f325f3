//! An Azure Pipelines job: Azure DevOps issues an identity token for its service connection, a new
//! one for every request.

use super::{
    client_assertion::{Asserted, Subject},
    federation::{Audience, Requester},
    source::{Kept, credential},
    token_service::{Shared, TokenService, address, bearer},
    variables,
};
use crate::{
    facts::{Error, ErrorKind, Result, Used, UsedKind},
    http::{Method, Url},
    options::ClientOptions,
    sieve::{invalid, is_guid, tidied_id},
    system::System,
    tenant::{ClientId, TenantId},
};
use secrecy::SecretString;
use std::sync::Arc;

/// Signs in as the application of an Azure Pipelines service connection with workload identity
/// federation.
///
/// Azure DevOps's page 'Oidctoken - Create' describes the token service. An identity token lives
/// for some minutes and a job for hours, so each request gets a new one. A program has
/// `SYSTEM_ACCESSTOKEN` only if its task maps it:
///
/// ```yaml
/// - task: AzureCLI@2
///   inputs: { azureSubscription: my-connection, scriptType: bash, … }
///   env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }
/// ```
pub struct AzurePipelinesCredential(Kept<Asserted>);

const NAME: &str = "AzurePipelinesCredential";
const URI: &str = "SYSTEM_OIDCREQUESTURI";
const TOKEN: &str = "SYSTEM_ACCESSTOKEN";
/// Tasks with a service connection (`AzureCLI@2`, `AzurePowerShell@5`) set these for their program.
const CLIENT: &str = "AZURESUBSCRIPTION_CLIENT_ID";
const TENANT: &str = "AZURESUBSCRIPTION_TENANT_ID";
const CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";
const MAP: &str =
    "add `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }` to the task that runs this";
/// The API version that azure-identity uses.
const API_VERSION: &str = "7.1";

impl AzurePipelinesCredential {
    /// A credential for `client_id` in `tenant` with a service connection of this job's project.
    /// The service connection's id is `resourceId` in its page's address. Requests nothing yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if this is not an Azure Pipelines job or its token is not mapped;
    /// [`ErrorKind::Invalid`] if a variable or the id can't be used, the tenant is `common`,
    /// `organizations` or `consumers`, or the cloud is unknown.
    pub fn new(
        tenant: TenantId,
        client_id: ClientId,
        service_connection_id: &str,
        options: ClientOptions,
    ) -> Result<Self> {
        let application = (tenant, client_id);
        Self::of(application, service_connection_id, &[URI, TOKEN], options)
    }

    fn of(
        (tenant, client_id): (TenantId, ClientId),
        service_connection_id: &str,
        names: &[&'static str],
        options: ClientOptions,
    ) -> Result<Self> {
        let system = options.system().clone();
        available(&*system, &[URI, TOKEN])?;
        let connection = connection(service_connection_id)?;
        let mut url: Url = variables::read(&*system, URI, address)?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        url.query_pairs_mut()
            .append_pair("api-version", API_VERSION)
            .append_pair("serviceConnectionId", connection);
        let bearer = variables::read(&*system, TOKEN, access_token)?;
        // The address and the token belong to one job.
        let subject = Subject::Of {
            address: url.as_str().into(),
            secret: bearer.clone(),
        };
        let service = Shared::from(TokenService {
            name: NAME,
            method: Method::POST,
            url,
            url_variable: URI,
            bearer,
            headers: &[
                ("content-type", "application/json"),
                // Azure DevOps returns 411 if a POST does not declare that it is empty.
                ("content-length", "0"),
                // Without this header, a wrong token is answered with a redirect to a sign-in page.
                ("x-tfs-fedauthredirect", "Suppress"),
            ],
            field: "oidcToken",
            unknown: "add `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }` to this job's task: the \
                      value is wrong or from another job",
            refused: format!(
                "check that the service connection {connection} exists in this project, is of the kind 'workload identity \
                 federation', and that this pipeline may use it (Project settings, Service connections)"
            ),
            http: options.http().clone(),
            deadline: options.deadline() / 2,
        });
        let kind = UsedKind::ServiceConnection {
            id: connection.to_owned(),
        };
        let using = Used::new(kind).from_variables(names.iter().copied());
        let audience = Audience::of(&options, Requester::Service)?;
        let source = (service, subject, audience);
        let source = Asserted::new(NAME, using, tenant, client_id, source, options)?;
        Ok(Self(Kept::new(Arc::new(source), system)))
    }

    /// The same for the service connection of the task that runs this program
    /// (`AZURESUBSCRIPTION_CLIENT_ID`, `AZURESUBSCRIPTION_TENANT_ID`,
    /// `AZURESUBSCRIPTION_SERVICE_CONNECTION_ID`).
    ///
    /// # Errors
    /// As [`AzurePipelinesCredential::new`]; [`ErrorKind::Unavailable`] if one of these is not set.
    pub fn from_environment(options: ClientOptions) -> Result<Self> {
        let system = options.system().clone();
        let names = [URI, TOKEN, CLIENT, TENANT, CONNECTION];
        available(&*system, &names)?;
        let tenant = variables::read(&*system, TENANT, TenantId::new)?;
        let client_id = variables::read(&*system, CLIENT, ClientId::new)?;
        let id = variables::read(&*system, CONNECTION, |id| connection(id).map(str::to_owned))?;
        Self::of((tenant, client_id), &id, &names, options)
    }
}

credential!(AzurePipelinesCredential);

/// A service connection's id: a GUID.
fn connection(id: &str) -> Result<&str> {
    let given = id;
    let id = tidied_id(given);
    if is_guid(id) {
        return Ok(id);
    }
    Err(invalid(
        "the service connection id",
        given,
        "the id of a service connection is a GUID, not its name",
    )
    .with_fix("copy `resourceId` from the address of the service connection's page"))
}

/// The job's token. A macro that was not expanded, because its name is wrong or the place expands
/// none, is an error.
fn access_token(text: &str) -> Result<SecretString> {
    if text.trim().starts_with("$(") {
        return Err(Error::new(
            ErrorKind::Invalid,
            "could not read a token",
            "it contains a macro that was not expanded",
        )
        .with_fix(MAP));
    }
    bearer(text)
}

/// Fails if one of the job's variables is not set.
fn available(system: &dyn System, names: &[&'static str]) -> Result<()> {
    let missing = variables::missing(system, names);
    if missing.is_empty() {
        return Ok(());
    }
    if system.var("TF_BUILD").is_none() && missing.contains(&URI) {
        let why = format!(
            "not in an Azure Pipelines job: {}",
            variables::told(system, &[URI, TOKEN])
        );
        return Err(Error::new(ErrorKind::Unavailable, WHAT, why)
            .with_fix("run this program in an Azure Pipelines job")
            .absent());
    }
    let mut fix = Vec::new();
    if missing.contains(&TOKEN) {
        fix.push(format!(
            "programs of a job do not get its token by default: {MAP}"
        ));
    }
    if missing.contains(&URI) {
        fix.push("update the agent: newer ones set SYSTEM_OIDCREQUESTURI".to_owned());
    }
    let connection: Vec<&str> = missing
        .into_iter()
        .filter(|name| [CLIENT, TENANT, CONNECTION].contains(name))
        .collect();
    if !connection.is_empty() {
        fix.push(format!(
            "run this in a task with a service connection (AzureCLI@2 or AzurePowerShell@5, `azureSubscription:`), which sets {}",
            variables::list(&connection)
        ));
    }
    Err(
        Error::new(ErrorKind::Unavailable, WHAT, variables::told(system, names))
            .with_fix(fix.join("; ")),
    )
}

const WHAT: &str = "AzurePipelinesCredential could not find the identity of a job";

#[cfg(test)]
#[path = "azure_pipelines_tests.rs"]
mod tests;
