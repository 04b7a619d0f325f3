//! Cloud Shell: returns tokens of the user whose shell it is.

use super::{
    Asking, Host, ManagedIdentityId, NAME,
    answer::HostRequest,
    endpoint::{Endpoint, variable},
};
use crate::{
    credential::Availability,
    facts::{Error, ErrorKind, Result, Used, UsedKind},
    http::{HeaderName, HeaderValue, HttpRequest},
    options::ClientOptions,
    system::System,
    token::AccessToken,
};
use futures_util::{FutureExt, future::BoxFuture};

#[derive(Debug)]
pub(super) struct CloudShell {
    endpoint: Endpoint,
}

impl CloudShell {
    pub(super) fn new(id: &ManagedIdentityId, options: &ClientOptions) -> Result<Self> {
        if !id.is_system() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{NAME} could not use {id}"),
                "Cloud Shell has only the identity of its user",
            )
            .with_fix("unset AZURE_CLIENT_ID, or run this where the identity is assigned"));
        }
        let address = variable(&**options.system(), "MSI_ENDPOINT")?;
        let endpoint = Endpoint::from_variable("MSI_ENDPOINT", &address, options)?;
        Ok(Self { endpoint })
    }
}

impl Host for CloudShell {
    fn name(&self) -> &'static str {
        "Cloud Shell"
    }

    fn whereabouts(&self) -> [&[u8]; 2] {
        [self.endpoint.address().as_bytes(), b""]
    }

    fn look(&self, _: Used, _: &dyn System) -> Availability {
        Availability::Ready {
            using: UsedKind::CloudShellUser.into(),
        }
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>> {
        async move {
            let url = self.endpoint.url([]);
            let request = HttpRequest::post_form(url, &[("resource", asking.resource.into())])
                .with_header(
                    HeaderName::from_static("metadata"),
                    HeaderValue::from_static("true"),
                );
            let asked = HostRequest {
                what: &asking.what,
                resource: asking.resource,
                id: asking.id,
                variable: asking.variable,
                host: self.name(),
                assign: "sign in with `az login`",
                secrets: &[],
                now: asking.system.now(),
            };
            let fix = "restart Cloud Shell; outside of it, unset MSI_ENDPOINT";
            let answer = self
                .endpoint
                .request_token(&asked, fix, &request, asking.deadline)
                .await?;
            Ok(answer.token)
        }
        .boxed()
    }
}
