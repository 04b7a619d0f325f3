//! The variables of proxies, bundles of root certificates, and what proxies answer.

use super::environment::variables;
use crate::{
    input,
    machine::{answered, machine},
    oracle::{self, SECRET},
};
use azcred::http::{Http, HttpRequest, Url};
use std::time::Duration;

/// Variables, one a line, a bundle of certificates, the head of a proxy's answer, and responses.
/// `@:` in a value is a name and a password.
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
    if let Some(head) = parts.get(2) {
        oracle::is_printable(&azcred::fuzz::proxy_answer(head));
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
