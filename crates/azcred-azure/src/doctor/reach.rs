//! Does an address respond? Any response counts, also a rejection: it shows that the name resolves,
//! that the network leads there, and that the certificate is trusted.

use super::{case::Case, report::Verdict};
use azcred::{
    ClientOptions, Error, ErrorKind, Fix,
    http::{HttpRequest, Presented, Retry, TrustingFile, Url},
    printable_path,
    system::{SharedSystem, System},
};
use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long an address may take to respond. It is far below the deadline of a run, so that an
/// address that never responds is reported, and everything else too.
const BOUND: Duration = Duration::from_secs(15);
/// How long the response to another check's request is waited for, before an address gets a request
/// of its own.
const GRACE: Duration = Duration::from_secs(1);
/// The pause before a failed request is sent once more: a connection may break by chance.
const PAUSE: Duration = Duration::from_millis(300);
/// A file with at least as many certificates has all usual roots, and may replace the system's.
const WHOLE_BUNDLE: usize = 20;

/// An address of Azure.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// What is there, such as `the sign-in service`.
    pub(super) what: &'static str,
    pub(super) url: Url,
}

impl Address {
    /// `None` if the text is not an address.
    pub(super) fn new(what: &'static str, url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        Some(Self { what, url })
    }

    /// The host, and the port if it is not the usual one.
    pub(super) fn host(&self) -> String {
        host(&self.url)
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Why an address gave no response.
#[derive(Clone, Debug)]
pub(super) struct Unreached {
    pub(super) host: String,
    pub(super) error: Error,
    /// The certificate whose issuer is not trusted, if that is why.
    pub(super) presented: Option<Presented>,
    /// A file on this machine with which it would be trusted.
    trusting: Option<TrustingFile>,
    /// A variable that can name this file, and names no other.
    variable: &'static str,
    /// Whether the host is one of Microsoft's, so that the issuer is a proxy between.
    is_microsofts: bool,
}

/// The limit of one address, by the time that is left.
pub(super) fn bound(case: &Case<'_>) -> Duration {
    BOUND.min(case.end.saturating_duration_since(Instant::now()) / 2)
}

/// Waits a moment for `other`, whose requests may show that an address responds.
pub(super) async fn grace<T>(case: &Case<'_>, other: impl Future<Output = T>) {
    let moment = GRACE.min(bound(case) / 2);
    let _ = timeout(moment, other).await;
}

/// Whether an address responds: to any request so far, or else to one without a token.
pub(super) async fn reach(
    case: &Case<'_>,
    options: &ClientOptions,
    address: &Address,
) -> Result<(), Box<Unreached>> {
    if options.http().last_response(&address.url).is_some() {
        return Ok(());
    }
    fetch(case, options, address).await.map(|_| ())
}

/// The body that an address returns without a token; `None` if its response has none that can be
/// read.
pub(super) async fn fetch(
    case: &Case<'_>,
    options: &ClientOptions,
    address: &Address,
) -> Result<Option<Vec<u8>>, Box<Unreached>> {
    let http = options.http();
    let what = format!("could not reach {}", address.what);
    let request = HttpRequest::get(address.url.clone()).with_retry(Retry::NEVER);
    let end = Instant::now() + bound(case);
    let mut is_first = true;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let error = match http.send(&what, &request, left).await {
            Ok(response) => return Ok(Some(response.body.to_vec())),
            Err(error) => error,
        };
        // A redirect or a response that is too long is one too.
        if http.last_response(&address.url).is_some() {
            return Ok(None);
        }
        let may_pass = error.kind() == ErrorKind::Unreachable && Presented::of(&error).is_none();
        if !may_pass || !is_first || Instant::now() + PAUSE >= end {
            let unreached = Unreached::of(error, &address.url, options.system()).await;
            return Err(Box::new(unreached));
        }
        is_first = false;
        sleep(PAUSE).await;
    }
}

/// The variable for a file of certificates. A whole bundle may replace the system's roots. The
/// others add to them.
fn variable(system: &dyn System, certificates: usize) -> &'static str {
    if certificates >= WHOLE_BUNDLE {
        return "SSL_CERT_FILE";
    }
    let adding = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];
    let unset = adding
        .into_iter()
        .find(|name| system.var_os(name).is_none());
    unset.unwrap_or("CURL_CA_BUNDLE")
}

/// Whether a host is one of Microsoft's names, whose certificates all machines trust.
fn is_microsofts(url: &Url) -> bool {
    const DOMAINS: [&str; 14] = [
        "microsoft.com",
        "microsoftonline.com",
        "microsoftonline.us",
        "microsoftonline.cn",
        "microsoft.us",
        "azure.com",
        "azure.net",
        "azure.us",
        "azure.cn",
        "azureml.ms",
        "azureml.net",
        "windows.net",
        "usgovcloudapi.net",
        "chinacloudapi.cn",
    ];
    let host = url.host_str().unwrap_or_default();
    let is_below = |domain: &&str| {
        host.strip_suffix(*domain)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    DOMAINS.iter().any(is_below)
}

impl Unreached {
    /// Of the error of a request to this address.
    pub(super) async fn of(error: Error, url: &Url, system: &SharedSystem) -> Self {
        let presented = Presented::of(&error);
        let mut trusting = None;
        if let Some(presented) = presented.clone() {
            let system = system.clone();
            // Reads files.
            let look = tokio::task::spawn_blocking(move || presented.trusted_by(&*system));
            trusting = look.await.ok().flatten();
        }
        Self {
            host: host(url),
            error,
            presented,
            variable: variable(
                &**system,
                trusting.as_ref().map_or(0, |file| file.certificates),
            ),
            trusting,
            is_microsofts: is_microsofts(url),
        }
    }

    /// The cause, in a sentence.
    pub(super) fn reason(&self) -> String {
        let error = &self.error;
        let Some(presented) = &self.presented else {
            return match error.kind() {
                // The cause does not name the setting.
                ErrorKind::Invalid => format!("{}: {}", error.what(), error.why()),
                _ => error.why().to_owned(),
            };
        };
        let host = &self.host;
        match &presented.issuer {
            _ if presented.is_self_signed => format!(
                "{host} presents a certificate that it signed itself, and this machine does not \
                 trust it"
            ),
            Some(issuer) if self.is_microsofts => format!(
                "TLS interception by '{issuer}': it presents its own certificate for {host}, and \
                 this machine does not trust it"
            ),
            Some(issuer) => format!(
                "this machine does not trust '{issuer}', which issued the certificate of {host}"
            ),
            None => error.why().to_owned(),
        }
    }

    /// Adds the fix and the evidence to a verdict.
    pub(super) fn explain(&self, verdict: Verdict) -> Verdict {
        let mut verdict = verdict;
        if let Some(Presented {
            subject, issuer, ..
        }) = &self.presented
        {
            let subject = subject.as_deref().unwrap_or("no name");
            let issuer = issuer.as_deref().unwrap_or("no name");
            let value = format!("for '{subject}', issued by '{issuer}'");
            verdict = verdict.evidence("certificate", value);
        }
        let Some(file) = &self.trusting else {
            return verdict.fix(self.error.fix().cloned().unwrap_or_default());
        };
        let path = printable_path(&file.path);
        verdict = verdict
            .fix(Fix::set_to(self.variable, path.clone()))
            .evidence("trusted by", path.clone());
        if path.starts_with("/usr/local/share/ca-certificates/") {
            verdict = verdict.fix("for other programs too: `sudo update-ca-certificates`");
        } else if path.starts_with("/etc/pki/ca-trust/source/anchors/") {
            verdict = verdict.fix("for other programs too: `sudo update-ca-trust`");
        }
        verdict
    }

    /// The failure, in words.
    pub(super) fn tell(&self) -> Verdict {
        let detail = format!("{} not reached", self.host);
        self.explain(Verdict::failed(
            self.error.kind().into(),
            detail,
            self.reason(),
        ))
    }

    /// The same, for an address that is not needed now. `but` says what works without it.
    pub(super) fn tell_warning(&self, but: &str) -> Verdict {
        let detail = format!("{} not reached", self.host);
        self.explain(Verdict::warning(
            detail,
            format!("{}; {but}", self.reason()),
        ))
    }
}

#[cfg(test)]
#[path = "reach_tests.rs"]
pub(super) mod tests;
