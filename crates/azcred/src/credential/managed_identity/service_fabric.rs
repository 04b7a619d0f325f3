//! Service Fabric: each application has an identity, and the endpoint is verified by its
//! certificate's thumbprint.
//!
//! 'How to leverage a Service Fabric application's managed identity to access Azure services'.

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
pub(super) struct ServiceFabric {
    endpoint: Endpoint,
    secret: HeaderValue,
}

const API_VERSION: &str = "2019-07-01-preview";

impl ServiceFabric {
    pub(super) fn new(id: &ManagedIdentityId, options: &ClientOptions) -> Result<Self> {
        if !id.is_system() {
            return Err(Error::new(
                ErrorKind::Invalid,
                format!("{NAME} could not use {id}"),
                "on Service Fabric, the application's manifest chooses the identity",
            )
            .with_fix(
                "unset AZURE_CLIENT_ID, and name the identity in the manifest's ManagedIdentities",
            ));
        }
        let system = &**options.system();
        let thumbprint = variable(system, "IDENTITY_SERVER_THUMBPRINT")?;
        let thumbprint = read_thumbprint(&thumbprint).ok_or_else(|| {
            Error::new(
                ErrorKind::Invalid,
                "IDENTITY_SERVER_THUMBPRINT is not valid",
                "it is not a SHA-1 thumbprint of 40 hexadecimal digits",
            )
            .with_fix("pass IDENTITY_SERVER_THUMBPRINT on unchanged, as Service Fabric set it")
        })?;
        let address = variable(system, "IDENTITY_ENDPOINT")?;
        Ok(Self {
            endpoint: Endpoint::pinned("IDENTITY_ENDPOINT", &address, thumbprint, options)?,
            secret: secret(system, "IDENTITY_HEADER")?,
        })
    }
}

/// Parses hexadecimal digits in upper or lower case, with or without colons and spaces.
fn read_thumbprint(text: &str) -> Option<[u8; 20]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_ascii_whitespace() && *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .filter_map(|pair| Some(pair[0] << 4 | pair.get(1)?))
        .collect();
    // An odd digit at the end was dropped above.
    (digits.len() == 40)
        .then(|| bytes.try_into().ok())
        .flatten()
}

impl Host for ServiceFabric {
    fn name(&self) -> &'static str {
        "Service Fabric"
    }

    fn whereabouts(&self) -> [&[u8]; 2] {
        [self.endpoint.address().as_bytes(), self.secret.as_bytes()]
    }

    fn request_token<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<AccessToken>> {
        async move {
            let parameters = [("api-version", API_VERSION), ("resource", asking.resource)];
            let request = HttpRequest::get(self.endpoint.url(parameters))
                .with_header(HeaderName::from_static("secret"), self.secret.clone());
            let asked = HostRequest {
                what: &asking.what,
                resource: asking.resource,
                id: asking.id,
                variable: asking.variable,
                host: self.name(),
                assign: "give the application an identity in its manifest and its resource: https://aka.ms/servicefabricmi",
                secrets: &[self.secret.to_str().unwrap_or_default()],
                now: asking.system.now(),
            };
            let fix = "check that the cluster's managed identity token service runs, and restart the application, which renews IDENTITY_ENDPOINT and IDENTITY_SERVER_THUMBPRINT";
            let answer = self.endpoint.request_token(&asked, fix, &request, asking.deadline).await?;
            Ok(answer.token)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::read_thumbprint;

    #[test]
    fn a_thumbprint_is_forty_digits_however_they_are_set_apart() {
        let plain = "0123456789abcdef0123456789ABCDEF01234567";
        let read = read_thumbprint(plain).unwrap();
        assert_eq!((read[0], read[7], read[19]), (0x01, 0xef, 0x67));
        let parts: Vec<&str> = (0..20).map(|i| &plain[2 * i..2 * i + 2]).collect();
        for apart in [parts.join(":"), parts.join(" ")] {
            assert_eq!(read_thumbprint(&apart), Some(read), "{apart}");
        }
        for bad in [
            "",
            &plain[1..],
            &format!("{plain}0"),
            &plain.replace('7', "g"),
            "é",
        ] {
            assert_eq!(read_thumbprint(bad), None, "{bad}");
        }
    }
}
