//! Doors for the fuzz targets: the answer of a proxy, and the certificates of a server.

use super::{
    Url, client,
    examine::{NONE, PASSWORD, socks5, tunnel},
    proxy::{Protocol, Proxies},
    proxy_trouble::of_proxy,
    roots::Bundle,
    trouble::{Target, untrusted},
    verifier::Explaining,
};
use crate::{decode, facts::Error, pem, system::System};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier as _},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::{sync::Arc, time::Duration};
use tokio::io::{join, sink};

const WHAT: &str = "could not send a request";
const HOST: &str = "contoso.com";
const ADDRESS: &str = "https://contoso.com/";
/// 2027-01-15.
const NOW: Duration = Duration::from_secs(1_800_000_000);

/// The error if the machine's proxy says this and ends the connection. `None` if it has no proxy,
/// or the proxy works.
pub async fn proxy_answer(system: &dyn System, said: &[u8]) -> Option<Error> {
    let url = Url::parse(ADDRESS).ok()?;
    let proxies = Proxies::read(system);
    let target = Target::of(&url, system, &proxies);
    let setting = target.proxy?;
    let server = setting.server().ok()?;
    let stream = join(said, sink());
    let finding = match (server.protocol, &server.basic) {
        (Protocol::Socks { .. }, None) => socks5(stream, NONE).await,
        (Protocol::Socks { .. }, Some(_)) => socks5(stream, PASSWORD).await,
        _ => tunnel(stream, server, &target.authority, true).await,
    };
    // Any error of the library: which one counts only after a proxy has accepted the sign-in.
    let error = reqwest::Proxy::all("://").err()?;
    let trouble = of_proxy(setting, &finding, &error, &target)?;
    Some(trouble.into_error(WHAT, &target, 1, Duration::ZERO))
}

/// The error if a server sends these certificates to a machine with these roots, both PEM. `None`
/// if the server is trusted, or one side has no certificate.
pub fn server_certificates(system: &dyn System, roots: &[u8], sent: &[u8]) -> Option<Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(Bundle::read(roots).ok()?.certificates);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), client::provider());
    let verifier = Explaining(verifier.build().ok()?);
    let text = decode::ascii(sent);
    let sections = pem::sections(&text).ok()?;
    let sent: Vec<CertificateDer<'_>> = sections
        .iter()
        .map(|section| section.der.as_slice().into())
        .collect();
    let (own, others) = sent.split_first()?;
    let name = ServerName::try_from(HOST).ok()?;
    let now = UnixTime::since_unix_epoch(NOW);
    let verified = verifier.verify_server_cert(own, others, &name, &[], now);
    let url = Url::parse(ADDRESS).ok()?;
    let proxies = Proxies::default();
    let target = Target::of(&url, system, &proxies);
    let trouble = untrusted(&verified.err()?, HOST, &target);
    Some(trouble.into_error(WHAT, &target, 1, Duration::ZERO))
}
