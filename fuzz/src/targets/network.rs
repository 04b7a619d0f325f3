//! The variables of proxies, and bundles of root certificates.

use super::environment::variables;
use crate::{
    input,
    machine::{answered, machine},
    oracle::{self, SECRET},
};
use azcred::http::{Http, HttpRequest, Url};
use std::time::Duration;

/// Variables, one a line, and a bundle of certificates. `@:` in a value is a name and a password.
pub(super) fn run(data: &[u8]) {
    let parts = input::parts(data);
    let bundle = parts.get(1).copied().unwrap_or_default();
    let machine = machine()
        .with_file("/work/bundle", bundle)
        .with_var("SSL_CERT_FILE", "/work/bundle");
    let machine = variables(parts[0])
        .into_iter()
        .fold(machine, |machine, (name, value)| {
            machine.with_var(&name, &value.replace("://@:", &format!("://ada:{SECRET}@")))
        });
    let http = Http::new(machine.shared());
    answered(Vec::new(), async {
        for address in ["https://contoso.com/", "http://10.0.0.1/"] {
            let request = HttpRequest::get(Url::parse(address).expect("an address"));
            let sent = http
                .send("could not ask", &request, Duration::from_secs(5))
                .await;
            oracle::outcome(&sent);
        }
    });
}
