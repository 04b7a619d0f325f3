//! The settings of a machine: its proxies, its root certificates, and its disk.

use crate::{
    authority::{AMPLE, SECRET, ask_at},
    support::{Server, tls, token},
};
use azcred::{
    ClientId, ClientOptions, ClientSecretCredential, Cloud, Credential, ErrorKind, Scope, TenantId,
    TokenRequest,
    chain::Chain,
    http::{Http, HttpRequest, Url},
    system::{FileFacts, FileKind, Fixture, System, Writers},
};
use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::{Duration, SystemTime},
};

/// A disk that responds when the test lets it.
#[derive(Debug)]
struct SlowDisk(Mutex<mpsc::Receiver<()>>);

impl azcred::system::Sealed for SlowDisk {}

impl System for SlowDisk {
    fn var(&self, name: &str) -> Option<String> {
        (name == "SSL_CERT_FILE").then(|| "/mnt/ca.pem".to_owned())
    }
    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        // If the runtime's own thread reads, nothing would release it; so the wait is limited.
        let _ = self.0.lock().unwrap().recv_timeout(AMPLE / 2);
        Err(io::ErrorKind::NotFound.into())
    }
    crate::otherwise_real!();
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[tokio::test]
async fn root_certificates_on_a_disk_that_hangs_block_neither_the_runtime_nor_the_deadline() {
    let (answer, disk) = mpsc::channel();
    let options = ClientOptions::new(Arc::new(SlowDisk(disk.into())))
        .with_cloud(Cloud::PUBLIC)
        .with_deadline(Duration::from_millis(200));
    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c11e").unwrap(),
        SECRET,
        options,
    )
    .unwrap();
    let error = credential
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap_err();
    answer.send(()).unwrap();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.why().contains("could not be read in time"), "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("SSL_CERT_FILE"),
        "{error}"
    );
}

#[tokio::test]
async fn a_chain_with_a_disk_that_hangs_blocks_neither_the_runtime_nor_the_deadline() {
    let (answer, disk) = mpsc::channel::<()>();
    let options = ClientOptions::new(Arc::new(SlowDisk(disk.into())))
        .with_cloud(Cloud::PUBLIC)
        .with_deadline(Duration::from_millis(200));
    let error = Chain::new(options)
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap_err();
    drop(answer);
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.why().contains("could not be read in time"), "{error}");
}

/// A machine whose root certificates appear after its first request.
#[derive(Debug)]
struct Fixed(Mutex<Option<String>>);

impl azcred::system::Sealed for Fixed {}

impl System for Fixed {
    fn var(&self, name: &str) -> Option<String> {
        (name == "SSL_CERT_FILE").then(|| "/ca.pem".to_owned())
    }
    fn read(&self, _: &Path, _: u64) -> io::Result<Vec<u8>> {
        let content = self.0.lock().unwrap().clone();
        content
            .map(String::into_bytes)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    crate::otherwise_real!();
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

#[tokio::test]
async fn corrected_root_certificates_are_read_by_the_next_call() {
    let (root, config) = tls(|_| ());
    let server = Server::start_tls([token()], config).await;
    let machine = Arc::new(Fixed(None.into()));
    let at = format!("https://localhost:{}", server.address.port());
    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c11e").unwrap(),
        SECRET,
        ClientOptions::new(machine.clone())
            .with_cloud(Cloud::with_authority(azcred::Authority::new(&at).unwrap())),
    )
    .unwrap();
    let request = TokenRequest::new(Scope::ARM);
    let error = credential.get_token(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    *machine.0.lock().unwrap() = Some(root);
    assert_eq!(
        credential.get_token(&request).await.unwrap().secret(),
        "the-token"
    );
}

const FOLDER: FileFacts = FileFacts {
    kind: FileKind::Folder,
    len: 0,
    owner: Some(1000),
    writers: Writers::Owner,
    is_readable_by_others: true,
    modified: None,
};

/// A machine that counts how often a variable is read.
#[derive(Debug)]
struct CountedVariables(Fixture, AtomicUsize);

impl azcred::system::Sealed for CountedVariables {}

impl System for CountedVariables {
    fn var(&self, name: &str) -> Option<String> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.var(name)
    }
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.0.read(path, limit)
    }
    crate::otherwise_real!();
    fn now(&self) -> SystemTime {
        self.0.now()
    }
}

#[tokio::test]
async fn variables_are_read_for_the_first_request_and_for_no_other() {
    let server = Server::start([token(), token()]).await;
    let url: Url = format!("http://{}", server.address).parse().unwrap();
    let machine = Arc::new(CountedVariables(Fixture::new(), AtomicUsize::new(0)));
    let http = Http::new(machine.clone());
    let count = || machine.1.load(Ordering::Relaxed);
    assert_eq!(count(), 0);
    let request = HttpRequest::get(url);
    http.send("Asked", &request, AMPLE).await.unwrap();
    let first = count();
    assert!(first > 0);
    http.send("Asked", &request, AMPLE).await.unwrap();
    assert_eq!(count() - first, 0);
}

fn with(variables: &[(&str, &str)]) -> Fixture {
    variables
        .iter()
        .fold(Fixture::new(), |machine, (name, value)| {
            machine.with_var(name, value)
        })
}

#[tokio::test]
async fn a_proxy_is_used_as_the_variables_say() {
    let proxy = Server::start([token()]).await;
    let via = format!("http://{}", proxy.address);
    let elsewhere = Url::parse("http://azure.invalid/").unwrap();
    for (variables, through) in [
        (&[("HTTP_PROXY", via.as_str())][..], true),
        (&[("http_proxy", &via)], true),
        (&[("ALL_PROXY", &via)], true),
        (&[("HTTPS_PROXY", &via)], false),
        (
            &[("http_proxy", &via), ("NO_PROXY", "azure.invalid")],
            false,
        ),
        (&[("HTTP_PROXY", &via), ("REQUEST_METHOD", "GET")], false),
    ] {
        let before = proxy.requests();
        let answer = Http::new(with(variables).shared())
            .send("Asked", &HttpRequest::get(elsewhere.clone()), AMPLE)
            .await;
        assert_eq!(answer.is_ok(), through, "{variables:?}: {answer:?}");
        assert_eq!(
            proxy.requests() - before,
            usize::from(through),
            "{variables:?}"
        );
    }
}

#[tokio::test]
async fn a_secret_for_this_machine_never_goes_through_a_proxy() {
    let proxy = Server::start([token()]).await;
    let server = Server::start([token()]).await;
    let via = format!("http://{}", proxy.address);
    for host in ["127.0.0.1", "localhost"] {
        let at = format!("http://{host}:{}", server.address.port());
        for variables in [
            &[("HTTP_PROXY", via.as_str())][..],
            &[("ALL_PROXY", &via), ("NO_PROXY", "intranet.example")],
        ] {
            ask_at(&at, with(variables), AMPLE).await.unwrap();
        }
    }
    assert_eq!((proxy.requests(), server.requests()), (0, 4));
}

#[tokio::test]
async fn an_application_requests_no_token_in_a_shared_tenant() {
    let server = Server::start([token()]).await;
    let at = format!("http://{}", server.address);
    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.com").unwrap(),
        ClientId::new("c11e").unwrap(),
        SECRET,
        ClientOptions::new(Fixture::new().shared())
            .with_cloud(Cloud::with_authority(azcred::Authority::new(&at).unwrap()))
            .with_any_tenant(),
    )
    .unwrap();
    let request = TokenRequest::new(Scope::ARM).with_tenant(TenantId::new("common").unwrap());
    let error = credential.get_token(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.why().contains("any tenant"), "{error}");
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn roots_are_found_in_folders_too_and_an_empty_one_is_named() {
    let (root, config) = tls(|_| ());
    let server = Server::start_tls([token()], config).await;
    let url: Url = format!("https://localhost:{}", server.address.port())
        .parse()
        .unwrap();
    let list = std::env::join_paths(["/ca/empty", "/ca/full"]).unwrap();
    for (variable, value, found) in [
        ("SSL_CERT_DIR", list.as_os_str(), true),
        ("REQUESTS_CA_BUNDLE", "/ca/full".as_ref(), true),
        ("SSL_CERT_DIR", "/ca/empty".as_ref(), false),
        ("REQUESTS_CA_BUNDLE", "/ca/empty".as_ref(), false),
    ] {
        let system = Fixture::new()
            .with_var_os(variable, value)
            // The name is the one that `openssl rehash` gives.
            .with_file("/ca/full/0a1b2c3d.0", root.clone())
            .with_file("/ca/empty/README", "")
            .with_facts("/ca/empty", FOLDER, "")
            .with_facts("/ca/full", FOLDER, "");
        let outcome = Http::new(system.shared())
            .send("Asked", &HttpRequest::get(url.clone()), AMPLE)
            .await;
        if found {
            assert_eq!(outcome.unwrap().status, 200, "{variable}");
            continue;
        }
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.what().contains(variable), "{error}");
        assert!(error.why().contains("no certificate"), "{error}");
    }
    // The file and the folders count together.
    let (other, _) = tls(|_| ());
    let system = Fixture::new()
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", other)
        .with_var("SSL_CERT_DIR", "/ca/full")
        .with_file("/ca/full/0a1b2c3d.0", root)
        .with_facts("/ca/full", FOLDER, "");
    let both = Http::new(system.shared())
        .send("Asked", &HttpRequest::get(url), AMPLE)
        .await;
    assert_eq!(both.unwrap().status, 200);
}

#[tokio::test]
async fn what_is_lost_in_a_folder_of_roots_is_said_as_in_a_file() {
    let (root, _) = tls(|_| ());
    let (_, config) = tls(|_| ());
    let server = Server::start_tls([], config).await;
    let url: Url = format!("https://localhost:{}", server.address.port())
        .parse()
        .unwrap();
    let half = format!("{root}-----BEGIN CERTIFICATE-----\nMII");
    let list = std::env::join_paths(["/ca", "/no/such/folder"]).unwrap();
    for (variable, value, place) in [
        (
            "SSL_CERT_DIR",
            list.as_os_str(),
            "in a folder that SSL_CERT_DIR names",
        ),
        (
            "CURL_CA_BUNDLE",
            "/ca".as_ref(),
            "which CURL_CA_BUNDLE names",
        ),
    ] {
        let system = Fixture::new()
            .with_var_os(variable, value)
            .with_file("/ca/0a1b2c3d.0", half.clone())
            .with_file("/ca/secret.pem", "")
            .with_facts("/ca", FOLDER, "");
        let http = Http::new(system.shared());
        let error = http
            .send("Asked", &HttpRequest::get(url.clone()), AMPLE)
            .await
            .unwrap_err();
        assert!(error.why().contains("can't be trusted"), "{error}");
        assert!(
            error
                .why()
                .starts_with("azcred can't use the certificate on line "),
            "{error}"
        );
        assert!(error.why().contains(place), "{error}");
        let about = |text: &str| http.notes().iter().any(|note| note.contains(text));
        assert!(about("/ca/0a1b2c3d.0"), "{:?}", http.notes());
        assert!(about("/ca/secret.pem (it is empty)"), "{:?}", http.notes());
        assert_eq!(
            about("can't read the folder /no/such/folder"),
            variable == "SSL_CERT_DIR",
            "{:?}",
            http.notes()
        );
    }
}

#[tokio::test]
async fn a_missing_ssl_cert_dir_beside_a_good_ssl_cert_file_is_a_note() {
    let (root, config) = tls(|_| ());
    let server = Server::start_tls([token()], config).await;
    let url: Url = format!("https://localhost:{}", server.address.port())
        .parse()
        .unwrap();
    let system = Fixture::new()
        .with_var("SSL_CERT_DIR", "/usr/lib/ssl/no-such-folder")
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", root);
    let http = Http::new(system.shared());
    assert!(http.notes().is_empty());
    let answer = http.send("Asked", &HttpRequest::get(url), AMPLE).await;
    assert_eq!(answer.unwrap().status, 200);
    let [note] = http.notes() else {
        panic!("{:?}", http.notes());
    };
    assert!(note.contains("SSL_CERT_DIR"), "{note}");
    assert!(note.contains("/usr/lib/ssl/no-such-folder"), "{note}");
}

#[tokio::test]
async fn a_root_that_can_not_be_used_is_a_note_and_said_first_where_the_issuer_is_not_trusted() {
    let (root, _) = tls(|_| ());
    let (_, config) = tls(|_| ());
    let server = Server::start_tls([], config).await;
    let url: Url = format!("https://localhost:{}", server.address.port())
        .parse()
        .unwrap();
    let broken = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
    let system = Fixture::new()
        .with_var("SSL_CERT_FILE", "/ca.pem")
        .with_file("/ca.pem", format!("{broken}{root}"));
    let http = Http::new(system.shared());
    let error = http
        .send("Asked", &HttpRequest::get(url), AMPLE)
        .await
        .unwrap_err();
    let lost = "azcred can't use the certificate on line 1 (it is damaged, or not a certificate) in /ca.pem, which SSL_CERT_FILE names";
    assert_eq!(http.notes(), [lost]);
    assert!(error.why().starts_with(lost), "{error}");
    assert!(error.why().contains("can't be trusted"), "{error}");
}

#[tokio::test]
async fn an_entry_of_no_proxy_that_matches_nothing_is_a_note() {
    let proxy = Server::start([token()]).await;
    let system = Fixture::new()
        .with_var("HTTP_PROXY", &format!("http://{}", proxy.address))
        .with_var(
            "no_proxy",
            "https://user:hunter2@azure.invalid/, azure.example",
        );
    let http = Http::new(system.shared());
    let url = Url::parse("http://azure.invalid/").unwrap();
    http.send("Asked", &HttpRequest::get(url), AMPLE)
        .await
        .unwrap();
    assert_eq!(proxy.requests(), 1);
    let [note] = http.notes() else {
        panic!("{:?}", http.notes());
    };
    assert!(
        note.contains("'https://***@azure.invalid/' of no_proxy matches no host"),
        "{note}"
    );
    assert!(
        note.ends_with("write only the host, azure.invalid"),
        "{note}"
    );
}
