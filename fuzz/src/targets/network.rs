//! The variables of proxies, bundles of root certificates, what proxies answer, and servers'
//! certificates.

use super::environment::variables;
use crate::{
    input,
    machine::{answered, machine},
    oracle::{self, SECRET},
};
use azcred::{
    fuzz::{proxy_answer, server_certificates},
    http::{Http, HttpRequest, Url},
};
use std::time::Duration;

/// Variables, one a line, a bundle of certificates, a proxy's answer, two responses, and the
/// certificates of a server. `@:` in a value is a name and a password, which the proxy's answer may
/// repeat where its last three bytes say.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let bundle = parts.get(1).copied().unwrap_or_default();
    let machine = machine()
        .with_file("/project/bundle", bundle)
        .with_var("SSL_CERT_FILE", "/project/bundle");
    let machine = variables(parts[0])
        .into_iter()
        .fold(machine, |machine, (name, value)| {
            // Only a proxy's address has a password.
            let is_proxy = ["http_proxy", "https_proxy", "all_proxy"]
                .contains(&name.to_ascii_lowercase().as_str());
            let person = if is_proxy {
                format!("://ada:{SECRET}@")
            } else {
                "://".to_owned()
            };
            machine.with_var(&name, &value.replace("://@:", &person))
        });
    let said = parts.get(2).copied().unwrap_or_default();
    // A proxy without a password is sent no secret.
    let planted = input::planted(said).filter(|_| have_passwords(parts[0]));
    for said in [Some(said.to_vec()), planted].into_iter().flatten() {
        answered(Vec::new(), async {
            if let Some(error) = proxy_answer(&machine, &said).await {
                oracle::error(&error);
            }
        });
    }
    let sent = parts.get(5).copied().unwrap_or_default();
    if let Some(error) = server_certificates(&machine, bundle, sent) {
        oracle::error(&error);
    }
    let http = Http::new(machine.shared());
    let responses = parts.iter().skip(3).take(2);
    let responses = responses.map(|part| input::response(part)).collect();
    answered(responses, async {
        for address in ["https://contoso.com/", "http://10.0.0.1/"] {
            let request = HttpRequest::get(Url::parse(address).expect("an address"));
            let sent = http
                .send("could not ask", &request, Duration::from_secs(5))
                .await;
            oracle::outcome(&sent);
        }
    });
}

/// Whether each of these proxies has a password.
fn have_passwords(part: &[u8]) -> bool {
    let mut proxies = variables(part).into_iter();
    proxies.all(|(name, value)| name.eq_ignore_ascii_case("no_proxy") || value.contains("://@:"))
}
