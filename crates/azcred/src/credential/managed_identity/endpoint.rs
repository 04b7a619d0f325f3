//! A host's token endpoint, and the HTTP client that reaches it.

use super::answer::{self, HostRequest, HostToken};
use crate::{
    facts::{Error, ErrorKind, Result},
    http::{HeaderValue, Http, HttpRequest, HttpResponse, Url, near},
    options::ClientOptions,
    sieve::{edge_of_secret, in_brackets, oddity, tidied},
    system::System,
};
use std::time::Duration;

/// Reads a variable that describes a host.
///
/// # Errors
/// [`ErrorKind::Unavailable`] if it is not set.
pub(super) fn variable(system: &dyn System, name: &str) -> Result<String> {
    system.var(name).ok_or_else(|| {
        Error::new(
            ErrorKind::Unavailable,
            format!("{name} is not valid"),
            "it is not set",
        )
    })
}

/// Reads a secret variable as a header value that is not printed.
///
/// # Errors
/// [`ErrorKind::Invalid`] if the value can't be a header's; [`ErrorKind::Unavailable`] if the
/// variable is not set.
pub(super) fn secret(system: &dyn System, name: &str) -> Result<HeaderValue> {
    let value = variable(system, name)?;
    let value = value.trim();
    let odd = edge_of_secret(value);
    let printable = odd.is_none() && value.bytes().all(|byte| byte.is_ascii_graphic());
    match HeaderValue::from_str(value) {
        Ok(mut value) if printable => {
            value.set_sensitive(true);
            Ok(value)
        }
        _ => Err(Error::new(
            ErrorKind::Invalid,
            format!("{name} is not valid"),
            odd.unwrap_or("it contains characters that a header can't have".into()),
        )
        .with_fix(format!("pass {name} on unchanged, as the host set it"))),
    }
}

/// A host's token endpoint.
#[derive(Debug)]
pub(super) struct Endpoint {
    url: Url,
    http: Http,
    /// The variable that names the address, if one does.
    variable: Option<&'static str>,
}

impl Endpoint {
    /// The endpoint in a variable. Plain HTTP is sent directly, and only to this machine or its own
    /// network; a host name is judged by its addresses when it is resolved. HTTPS is sent as every
    /// other request.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]; the error names the variable.
    pub(super) fn from_variable(
        variable: &'static str,
        value: &str,
        options: &ClientOptions,
    ) -> Result<Self> {
        let url = read(variable, value)?;
        let http = match url.scheme() {
            "http" => near::client(&url, options.system()).ok_or_else(|| {
                let why = "it is plain HTTP to a public address, which would expose the token";
                invalid(variable, value, why)
                    .with_fix(near::trust(url.host_str().unwrap_or_default(), variable))
            })?,
            _ => options.http().clone(),
        };
        Ok(Self {
            url,
            http,
            variable: Some(variable),
        })
    }

    /// As [`Endpoint::from_variable`], for a server whose own certificate is known by its
    /// thumbprint.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`]; the error names the variable.
    pub(super) fn pinned(
        variable: &str,
        value: &str,
        thumbprint: [u8; 20],
        options: &ClientOptions,
    ) -> Result<Self> {
        let url = read(variable, value)?;
        if url.scheme() != "https" {
            return Err(invalid(variable, value, "it is not an HTTPS address"));
        }
        let http = Http::pinned(options.system().clone(), thumbprint);
        Ok(Self {
            url,
            http,
            variable: None,
        })
    }

    /// An endpoint with a fixed plain HTTP address.
    pub(super) fn fixed(url: Url, options: &ClientOptions) -> Self {
        let http = Http::direct(options.system().clone());
        Self {
            url,
            http,
            variable: None,
        }
    }

    /// The same endpoint with another path.
    pub(super) fn with_path(mut self, path: &str) -> Self {
        let whole = format!("{}{path}", self.url.path().trim_end_matches('/'));
        self.url.set_path(&whole);
        self
    }

    /// The address with these parameters.
    pub(super) fn url<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> Url {
        let mut url = self.url.clone();
        let mut parameters = parameters.into_iter().peekable();
        if parameters.peek().is_some() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    /// The address itself.
    pub(super) fn address(&self) -> &str {
        self.url.as_str()
    }

    /// The address for errors.
    pub(super) fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Requests a token and reads the response. `fix` is for a request without a response.
    pub(super) async fn request_token(
        &self,
        asked: &HostRequest<'_>,
        fix: &'static str,
        request: &HttpRequest,
        deadline: Duration,
    ) -> Result<HostToken> {
        let response = self.send(asked.what, fix, request, deadline).await?;
        answer::read(asked, &response)
    }

    /// As [`Http::send`]. Without a response, the fix is `fix`, not one for the network in general.
    pub(super) async fn send(
        &self,
        what: &str,
        fix: &'static str,
        request: &HttpRequest,
        deadline: Duration,
    ) -> Result<HttpResponse> {
        let sent = self.http.send(what, request, deadline).await;
        sent.map_err(|error| match (error.kind(), self.variable) {
            (ErrorKind::Unreachable, _) => error.with_fix(fix),
            (_, Some(variable)) => near::explained(error, &self.url, variable),
            _ => error,
        })
    }
}

fn invalid(variable: &str, value: &str, why: &'static str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!("{variable} {} is not valid", in_brackets(value)),
        oddity(value).unwrap_or(why.into()),
    )
    .with_fix(format!(
        "unset {variable} if this is not an Azure host; else set it to the address that the host gave"
    ))
}

fn read(variable: &str, value: &str) -> Result<Url> {
    let value = tidied(value);
    let mut url =
        Url::parse(value).map_err(|_| invalid(variable, value, "it is not an address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(invalid(variable, value, "it is not an HTTP address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(
            variable,
            value,
            "it contains a user name or a password, which messages would show",
        ));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    fn from(value: &str) -> Result<Endpoint> {
        let options = ClientOptions::new(Fixture::new().shared());
        Endpoint::from_variable("IDENTITY_ENDPOINT", value, &options)
    }

    #[test]
    fn plain_http_goes_to_this_machine_its_link_and_private_networks_only() {
        for good in [
            "http://localhost:42356/msi/token",
            "http://127.0.0.1:41000/",
            "http://[::1]:80/",
            "http://169.254.130.4:8081/msi/token",
            "http://10.0.0.4/",
            "http://172.16.3.4/",
            "http://192.168.0.1/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://[::ffff:127.0.0.1]/",
            // Names are judged when they are resolved.
            "http://localhost./",
            "http://host.docker.internal:8081/",
            "http://identity.example/",
            "https://identity.example/",
        ] {
            assert!(from(good).is_ok(), "{good}");
        }
        for bad in [
            "http://8.8.8.8/",
            "http://100.64.0.1/",
            "http://[2001:db8::1]/",
            "http://[::ffff:8.8.8.8]/",
        ] {
            let error = from(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
            assert!(error.why().contains("plain HTTP"), "{error}");
            let fix = error.fix().unwrap().to_string();
            assert!(fix.contains("AZCRED_IDENTITY_HOSTS="), "{fix}");
        }
    }

    #[test]
    fn a_variable_that_is_not_an_address_is_named_without_its_value() {
        for bad in [
            "local host",
            "localhost:80",
            "ftp://localhost/",
            "file:///etc/shadow",
            "http://",
            "http://u:TopSecret@localhost/",
            "TopSecretValueInTheWrongPlace",
        ] {
            let error = from(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{bad}");
            assert!(error.what().contains("IDENTITY_ENDPOINT"), "{error}");
            assert!(!error.to_string().contains("TopSecretValue"), "{error}");
            assert!(!error.to_string().contains("Secret@"), "{error}");
        }
    }

    #[test]
    fn parameters_join_those_that_an_address_has() {
        let endpoint = from("http://localhost:1/msi?a=b#c").unwrap();
        assert_eq!(
            endpoint.url([("resource", "https://x/ y")]).as_str(),
            "http://localhost:1/msi?a=b&resource=https%3A%2F%2Fx%2F+y"
        );
        let endpoint = from("http://localhost:1/base/")
            .unwrap()
            .with_path("/metadata");
        assert_eq!(endpoint.url([]).path(), "/base/metadata");
        assert_eq!(endpoint.place(), "localhost:1");
    }
}
