//! Connections to servers of the user's, with TLS where a route's URL says so.

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::aws_lc_rs as provider,
    server::ParsedCertificate,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject as _};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::Url;

/// The longest time to connect, and the longest TLS handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the servers of routes are reached. Without TLS unless it was asked for.
#[derive(Default)]
pub(super) struct Upstream {
    tls: Option<Arc<ClientConfig>>,
}

/// The certificates that should be trusted can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct InvalidAuthorities(String);

/// A connection to a server.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<IO: AsyncRead + AsyncWrite + Unpin + Send> Stream for IO {}

impl Upstream {
    /// Trusts the system's authorities and these, in PEM.
    pub(super) fn new(
        with_tls: bool,
        authorities: Option<&str>,
    ) -> Result<Self, InvalidAuthorities> {
        let failed = |why: String| InvalidAuthorities(why);
        let pem = authorities.unwrap_or_default().as_bytes();
        let given: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|error| failed(format!("the certificates are not valid PEM: {error}")))?;
        if given.is_empty() && authorities.is_some() {
            return Err(failed("no certificate in PEM is in them".to_owned()));
        }
        if !with_tls {
            return Ok(Self::default());
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        for certificate in &given {
            roots
                .add(certificate.clone())
                .map_err(|error| failed(format!("a certificate can't be used: {error}")))?;
        }
        let provider = Arc::new(provider::default_provider());
        // Without any root, no server is trusted, which is what its error then says.
        let authorities =
            WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
                .build()
                .map_err(|_| {
                    failed("no certificate authority is trusted on this machine".to_owned())
                })?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Trust { authorities, given }))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: Some(config.into()),
        })
    }

    /// Connects to the server of a URL.
    ///
    /// # Errors
    /// What did not work, and what to do.
    pub(super) async fn connect(&self, url: &Url) -> Result<Box<dyn Stream>, String> {
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        let connected = timeout(PATIENCE, TcpStream::connect((host.as_str(), port))).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                return Err(format!(
                    "no connection to {host} port {port}: {error}. Start that server, or correct the URL."
                ));
            }
            Err(_) => {
                return Err(format!(
                    "no connection to {host} port {port} within 10 seconds. Correct the URL."
                ));
            }
        };
        let _ = stream.set_nodelay(true);
        if url.scheme() != "https" {
            return Ok(Box::new(stream));
        }
        let config = self.tls.clone().ok_or("TLS is not set up.")?;
        let name = ServerName::try_from(host.clone())
            .map_err(|_| format!("'{host}' can't be a name in a certificate."))?;
        match timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(not_trusted(&host, &error)),
            Err(_) => Err(format!(
                "{host} did not end the TLS handshake within 10 seconds."
            )),
        }
    }
}

fn not_trusted(host: &str, error: &io::Error) -> String {
    let cause = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => format!(
            "the server's certificate is not for '{host}'. Use a name that it is for in the URL."
        ),
        Some(Error::InvalidCertificate(why)) => format!(
            "the server's certificate is not trusted ({why}). Give its authority, or the certificate itself, with --route-ca FILE."
        ),
        _ => format!("the TLS handshake failed: {error}. Does the server speak HTTPS?"),
    }
}

/// Trusts the authorities, and a certificate that was given as the server's own: one that a person
/// made with `openssl req -x509` is an authority and a server's at once, which the rules of
/// authorities forbid.
#[derive(Debug)]
struct Trust {
    authorities: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.given.iter().any(|given| given == certificate) {
            verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        self.authorities
            .verify_server_cert(certificate, others, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
