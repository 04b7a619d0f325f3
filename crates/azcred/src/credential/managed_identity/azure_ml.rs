//! An Azure Machine Learning compute: App Service's protocol of 2017.

use super::{
    Asking, Host, ManagedIdentityId, NAME,
    answer::HostRequest,
    endpoint::{Endpoint, secret, variable},
};
use crate::{
    facts::{Error, ErrorKind, Result},
    http::{HeaderName, HeaderValue, HttpRequest},
    options::ClientOptions,
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};

#[derive(Debug)]
pub(super) struct AzureMl {
    endpoint: Endpoint,
    secret: HeaderValue,
}

const API_VERSION: &str = "2017-09-01";

impl AzureMl {
    pub(super) fn new(id: &ManagedIdentityId, options: &ClientOptions) -> Result<Self> {
        if !id.is_system() && id.by_client().is_none() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{NAME} could not use {id}"),
                "Azure Machine Learning's compute ignores object ids and resource ids, and could use another identity",
            )
            .with_fix("give the identity's client id: `az identity list --query '[].{name:name, id:clientId}'`"));
        }
        let system = &**options.system();
        let address = variable(system, "MSI_ENDPOINT")?;
        Ok(Self {
            endpoint: Endpoint::from_variable("MSI_ENDPOINT", &address, options)?,
            secret: secret(system, "MSI_SECRET")?,
        })
    }
}

impl Host for AzureMl {
    fn name(&self) -> &'static str {
        "Azure Machine Learning's compute"
    }

    fn whereabouts(&self) -> [&[u8]; 2] {
        [self.endpoint.address().as_bytes(), self.secret.as_bytes()]
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>> {
        async move {
            let parameters = [("api-version", API_VERSION), ("resource", asking.resource)];
            // Here the parameter has no underscore, unlike for other hosts.
            let id = asking.id.by_client().map(|id| ("clientid", id));
            let request = HttpRequest::get(self.endpoint.url(parameters.into_iter().chain(id)))
                .with_header(HeaderName::from_static("secret"), self.secret.clone());
            let asked = HostRequest {
                what: &asking.what,
                resource: asking.resource,
                id: asking.id,
                variable: asking.variable,
                host: self.name(),
                assign: "give the compute an identity with `az ml compute update --name COMPUTE --identity-type SystemAssigned`, or UserAssigned and `--user-assigned-identities ID`",
                secrets: &[self.secret.to_str().unwrap_or_default()],
                now: asking.system.now(),
            };
            let fix = "restart the job, and do not copy MSI_ENDPOINT and MSI_SECRET: they hold on one compute only";
            let answer = self.endpoint.request_token(&asked, fix, &request, asking.deadline).await?;
            Ok(answer.token)
        }
        .boxed()
    }
}
