//! Servers that can't be trusted, each for its own reason, and servers without TLS.

use crate::{
    authority::{AMPLE, ask_at},
    support::{Answer, Server, tls, tls_of_p521, tls_of_versions, tls_with, token},
};
use azcred::{Error, ErrorKind, system::Fixture};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, NameConstraints, SanType,
};
use rustls::{
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// An authority or a server: its certificate, and what signs with its key.
struct Party {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// Makes a certificate for `localhost` by `by`, or by itself.
fn party(name: &str, by: Option<&Party>, change: impl FnOnce(&mut CertificateParams)) -> Party {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    change(&mut params);
    let certificate = match by {
        Some(by) => params.signed_by(&key, &by.issuer).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    Party {
        certificate,
        issuer: Issuer::new(params, key),
    }
}

fn authority(params: &mut CertificateParams) {
    params.subject_alt_names = Vec::new();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

/// The error of a request to a server that sends these certificates with its own key, on a machine
/// that trusts `root`.
async fn error_of(root: &Party, own: &Party, chain: Vec<CertificateDer<'static>>) -> Error {
    let key = PrivatePkcs8KeyDer::from(own.issuer.key().serialize_der()).into();
    let server = Server::start_tls([token()], tls_with(chain, &key)).await;
    let system = Fixture::new()
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root.certificate.pem());
    let at = format!("https://localhost:{}", server.address.port());
    let error = ask_at(&at, system, AMPLE).await.unwrap_err();
    assert_eq!(server.requests(), 0, "{error}");
    error
}

/// Takes the version out of a certificate, which makes it one of version 1 (RFC 5280 section
/// 4.1.2.1).
fn of_version_1(certificate: &CertificateDer<'_>) -> CertificateDer<'static> {
    const VERSION_3: &[u8] = &[0xa0, 3, 2, 1, 2];
    let mut der = certificate.to_vec();
    assert!(der[..2] == [0x30, 0x82] && der[4..6] == [0x30, 0x82]);
    assert_eq!(&der[8..13], VERSION_3);
    der.drain(8..13);
    for length in [2, 6] {
        let old = u16::from_be_bytes([der[length], der[length + 1]]);
        der[length..length + 2].copy_from_slice(&(old - 5).to_be_bytes());
    }
    der.into()
}

#[tokio::test]
async fn each_fault_of_a_certificate_has_its_own_text() {
    let past = rcgen::date_time_ymd(2001, 1, 1);
    let future = rcgen::date_time_ymd(2999, 1, 1);
    let root = party("Contoso Root", None, authority);
    let usual = |change: fn(&mut CertificateParams)| party("server", Some(&root), change);
    let expired = party("server", Some(&root), |own| own.not_after = past);
    let early = party("server", Some(&root), |own| own.not_before = future);
    let other_name = usual(|own| {
        own.subject_alt_names = vec![SanType::DnsName("other.example".try_into().unwrap())];
    });
    let no_name = usual(|own| own.subject_alt_names = Vec::new());
    let own_authority = usual(|own| own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let for_clients = usual(|own| {
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let extended = usual(|own| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3], vec![5, 0]);
        extension.set_criticality(true);
        own.custom_extensions.push(extension);
    });
    // It is long, so that all lengths in it have two bytes.
    let sound = usual(|own| {
        let long = "Contoso ".repeat(30);
        own.distinguished_name.push(DnType::OrganizationName, long);
    });
    let self_signed = party("server", None, |_| ());
    let self_signed_authority = party("server", None, |own| {
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    for (own, says, fix) in [
        (
            &expired,
            "its certificate has expired: it was valid until 2001-01-01T00:00:00Z, and this machine's clock shows 20",
            "set this machine's clock",
        ),
        (
            &early,
            "its certificate is not valid yet: it is valid from 2999-01-01T00:00:00Z, and this machine's clock shows 20",
            "set this machine's clock",
        ),
        (
            &other_name,
            "its certificate is for another name: other.example",
            "no proxy answers instead",
        ),
        (
            &no_name,
            "names no host as a subject alternative name",
            "subject alternative name",
        ),
        (
            &own_authority,
            "it uses the certificate of an authority (CA:TRUE) as its own",
            "CA:FALSE",
        ),
        (
            &self_signed_authority,
            "it uses the certificate of an authority (CA:TRUE) as its own",
            "CA:FALSE",
        ),
        (
            &for_clients,
            "its certificate is for clients, and not for servers",
            "serverAuth",
        ),
        (
            &extended,
            "a critical extension that azcred does not know",
            "without it",
        ),
        (
            &self_signed,
            "it signed its certificate itself, and this machine does not trust it",
            "add its certificate to the file that SSL_CERT_FILE names",
        ),
    ] {
        let error = error_of(&root, own, vec![own.certificate.der().clone()]).await;
        assert!(error.why().contains(says), "{error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
    }
    let der = sound.certificate.der();
    let cut = CertificateDer::from(der[..der.len() - 9].to_vec());
    for (sent, says) in [
        (of_version_1(der), "is not of X.509 version 3"),
        (cut, "its certificate is damaged, or not encoded as X.509"),
    ] {
        let error = error_of(&root, &sound, vec![sent]).await;
        assert!(error.why().contains(says), "{error}");
    }
    let (root, config) = tls_of_p521();
    let server = Server::start_tls([token()], config).await;
    let system = Fixture::new()
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root);
    let at = format!("https://localhost:{}", server.address.port());
    let error = ask_at(&at, system, AMPLE).await.unwrap_err();
    let says = "its certificate was issued with a P-521 key, and azcred can verify certificates with RSA, P-256, P-384 and Ed25519 keys only";
    assert!(error.why().contains(says), "{error}");
}

#[tokio::test]
async fn each_fault_of_a_chain_has_its_own_text() {
    let root = party("Contoso Root", None, authority);
    let short = party("Contoso Short", Some(&root), |params| {
        authority(params);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let too_deep = party("Contoso Deep", Some(&short), authority);
    let narrow = party("Contoso Narrow", Some(&root), |params| {
        authority(params);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let no_authority = party("Contoso Server", Some(&root), |_| ());
    let usual = party("Contoso Issuing", Some(&root), authority);
    let stranger = party("Fabrikam Root", None, authority);
    let foreign = party("Fabrikam Inspection", Some(&stranger), authority);
    let twin = party("Contoso Root", None, authority);
    let of = |by: &Party| party("server", Some(by), |_| ());
    for (by, between, says, fix) in [
        (
            &too_deep,
            vec![&too_deep, &short],
            "more authorities between its certificate and the root",
            "nearer to the root",
        ),
        (
            &narrow,
            vec![&narrow],
            "may not issue certificates for this name (name constraints)",
            "of an authority that may",
        ),
        (
            &no_authority,
            vec![&no_authority],
            "issued by one that is not an authority's (CA:FALSE)",
            "that an authority issued",
        ),
        (
            &usual,
            vec![],
            "issuer, 'Contoso Issuing', which may be a company's proxy; the server sent no certificate besides its own",
            "let it send its whole chain",
        ),
        (
            &foreign,
            vec![&foreign],
            "this machine does not trust its certificate's issuer, 'Fabrikam Root', which may be",
            "add the root certificate of 'Fabrikam Root' to the file that SSL_CERT_FILE names",
        ),
        (
            &twin,
            vec![],
            "not by the key of the authority that it names",
            "current certificate into the file that SSL_CERT_FILE names",
        ),
    ] {
        let own = of(by);
        let mut chain = vec![own.certificate.der().clone()];
        chain.extend(between.iter().map(|party| party.certificate.der().clone()));
        let error = error_of(&root, &own, chain).await;
        assert!(error.why().contains(says), "{error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
        let is_alone = error.why().contains("no certificate besides its own");
        assert!(!is_alone || between.is_empty(), "{error}");
    }
}

/// A copy of a certificate is worth nothing without its key.
#[tokio::test]
async fn a_server_without_the_key_of_its_certificate_is_rejected() {
    let root = party("Contoso Root", None, authority);
    let own = party("server", Some(&root), |_| ());
    let other = party("other", Some(&root), |_| ());
    let chain = || vec![own.certificate.der().clone()];
    for versions in [&[&TLS12][..], &[&TLS13]] {
        for (key_of, is_accepted) in [(&own, true), (&other, false)] {
            let key = PrivatePkcs8KeyDer::from(key_of.issuer.key().serialize_der()).into();
            let config = tls_of_versions(chain(), &key, versions);
            let server = Server::start_tls([token()], config).await;
            let system = Fixture::new()
                .with_var("SSL_CERT_FILE", "/ca.pem")
                .with_file("/ca.pem", root.certificate.pem());
            let at = format!("https://localhost:{}", server.address.port());
            let answer = ask_at(&at, system, AMPLE).await;
            assert_eq!(answer.is_ok(), is_accepted, "{versions:?}: {answer:?}");
            assert_eq!(server.requests(), usize::from(is_accepted));
        }
    }
}

#[tokio::test]
async fn an_unknown_issuer_is_named_also_where_no_variable_is_set() {
    let (_, config) = tls(|_| ());
    let server = Server::start_tls([token()], config).await;
    let at = format!("https://localhost:{}", server.address.port());
    // The address is AZURE_AUTHORITY_HOST's, as that of a test server often is.
    let system = Fixture::new().with_var("AZURE_AUTHORITY_HOST", &at);
    let error = ask_at(&at, system, AMPLE).await.unwrap_err();
    assert!(
        error.why().contains("issuer, 'Contoso Root', which may be"),
        "{error}"
    );
    let fix = error.fix().unwrap().to_string();
    assert!(fix.contains("SSL_CERT_FILE"), "{error}");
    assert!(fix.contains("unset AZURE_AUTHORITY_HOST"), "{error}");
}

#[tokio::test]
async fn each_end_of_a_handshake_has_its_own_text() {
    for (bytes, says, fix) in [
        (
            &b"\x15\x03\x03\x00\x02\x02\x28"[..],
            "no version, cipher or key in common",
            "P-256",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x46",
            "it has neither TLS 1.2 nor TLS 1.3",
            "enable TLS 1.2 or 1.3",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x70",
            "it does not know this host name",
            "the address is right",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x74",
            "it requires a certificate of its clients",
            "the address is right",
        ),
        (
            b"\x15\x03\x03\x00\x02\x02\x50",
            "it has an internal error",
            "the address is right",
        ),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            "does not speak TLS: it answers in another protocol, such as plain HTTP",
            "sign in to the network's portal",
        ),
        (
            b"<html><title>Wi-Fi</title></html>",
            "does not speak TLS",
            "check the port",
        ),
        (
            b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00",
            "a message of the server is not valid TLS",
            "no proxy breaks TLS",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let serve = async {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let mut hello = [0; 4096];
                let _ = client.read(&mut hello).await;
                let _ = client.write_all(bytes).await;
            }
        };
        let error = tokio::select! {
            error = ask_at(&at, Fixture::new(), AMPLE) => error.unwrap_err(),
            () = serve => unreachable!(),
        };
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert!(!error.why().contains("attempts"), "{error}");
        assert!(error.fix().unwrap().to_string().contains(fix), "{error}");
    }
    let closed = Server::start([Answer::Close]).await;
    let at = format!("https://localhost:{}", closed.address.port());
    drop(closed);
    let error = ask_at(&at, Fixture::new(), AMPLE).await.unwrap_err();
    assert!(error.why().contains("refused the connection"), "{error}");
}
