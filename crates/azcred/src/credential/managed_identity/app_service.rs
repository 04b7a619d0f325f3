//! App Service, and hosts with its protocol: Functions, Container Apps, Automation.
//!
//! 'How to use managed identities for App Service and Azure Functions', 'REST endpoint reference'.

use super::{
    Asking, Host,
    answer::HostRequest,
    endpoint::{Endpoint, secret, variable},
};
use crate::{
    facts::Result,
    http::{HeaderName, HeaderValue, HttpRequest},
    options::ClientOptions,
    system::{System, is_in_program},
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};

#[derive(Debug)]
pub(super) struct AppService {
    endpoint: Endpoint,
    secret: HeaderValue,
    name: &'static str,
}

/// azcred's own endpoint, in App Service's place.
const OF_AZCRED: &str = "azcred's endpoint";

/// Whose endpoint this is: azcred's leaves one of two marks.
fn whose(system: &dyn System) -> &'static str {
    match is_in_program(system) || system.var("AZCRED_SERVE_SET").is_some() {
        true => OF_AZCRED,
        false => "App Service",
    }
}

const API_VERSION: &str = "2019-08-01";

impl AppService {
    pub(super) fn new(options: &ClientOptions) -> Result<Self> {
        let system = &**options.system();
        let address = variable(system, "IDENTITY_ENDPOINT")?;
        Ok(Self {
            endpoint: Endpoint::from_variable("IDENTITY_ENDPOINT", &address, options)?,
            secret: secret(system, "IDENTITY_HEADER")?,
            name: whose(system),
        })
    }
}

impl Host for AppService {
    fn name(&self) -> &'static str {
        self.name
    }

    fn whereabouts(&self) -> [&[u8]; 2] {
        [self.endpoint.address().as_bytes(), self.secret.as_bytes()]
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>> {
        async move {
            let id = asking.id.parameter("mi_res_id");
            let parameters = [("api-version", API_VERSION), ("resource", asking.resource)];
            let id = id.as_ref().map(|(name, id)| (*name, id.as_str()));
            let request = HttpRequest::get(self.endpoint.url(parameters.into_iter().chain(id)))
                .with_header(HeaderName::from_static("x-identity-header"), self.secret.clone())
                // Automation requires this header; App Service ignores it.
                .with_header(HeaderName::from_static("metadata"), HeaderValue::from_static("true"));
            let asked = HostRequest {
                what: &asking.what,
                resource: asking.resource,
                id: asking.id,
                variable: asking.variable,
                host: self.name(),
                assign: "assign it with `az webapp identity assign --resource-group GROUP --name APP` (with `--identities ID` for one that is user-assigned)",
                secrets: &[self.secret.to_str().unwrap_or_default()],
                now: asking.system.now(),
            };
            let fix = match self.name {
                OF_AZCRED => "start azcred's endpoint again, and the program with the endpoint's new variables",
                _ => "inside the app, restart it, which renews IDENTITY_ENDPOINT and IDENTITY_HEADER; elsewhere, unset both: they only work inside the app that they come from",
            };
            let answer = self.endpoint.request_token(&asked, fix, &request, asking.deadline).await?;
            Ok(answer.token)
        }
        .boxed()
    }
}
