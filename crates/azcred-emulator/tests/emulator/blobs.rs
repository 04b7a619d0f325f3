//! Blob Storage over real connections: by names and by a port, large contents, faults, restarts.

use crate::common::{Lab, client};
use azcred_emulator::{Effect, Fault, Options, Service};
use http::Method;
use reqwest::{Response, StatusCode};
use serde_json::json;

const ACCOUNT: &str = "https://stcontosoml.blob.core.windows.net";
const BLOCK: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

/// A client that reaches the account by its name, as azcred-demo.
struct Blobs {
    client: reqwest::Client,
    token: String,
    base: String,
}

impl Blobs {
    async fn by_names(lab: &Lab) -> Self {
        let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
        let client = client(&lab.emulator).proxy(proxy).build().unwrap();
        Self::new(lab, client, ACCOUNT.to_owned()).await
    }

    async fn by_port(lab: &Lab) -> Self {
        let base = format!("{}/stcontosoml", lab.emulator.info().blob_url);
        Self::new(lab, lab.client.clone(), base).await
    }

    async fn new(lab: &Lab, client: reqwest::Client, base: String) -> Self {
        let identity = lab.identity("azcred-demo");
        let answer = lab
            .request_token(&[
                ("client_id", &identity.client_id.to_string()),
                ("client_secret", identity.secret.as_ref().unwrap()),
                ("scope", "https://storage.azure.com/.default"),
            ])
            .await;
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        Self {
            client,
            token,
            base,
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Response {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.token)
            .header("x-ms-version", "2025-05-05")
            .header("content-length", body.len())
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }

    async fn put(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.send(Method::PUT, path, headers, body.to_vec()).await
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    async fn make_container(&self) {
        let made = self.put("/data?restype=container", &[], b"").await;
        assert_eq!(made.status(), 201);
    }
}

fn status(status: u16) -> Fault {
    Fault {
        service: Some(Service::Blob),
        ..Fault::new(Effect::Status {
            status,
            retry_after: Some(1),
        })
    }
}

#[tokio::test]
async fn the_same_blobs_are_at_azures_name_and_at_the_port() {
    let lab = Lab::start().await;
    let (names, port) = (Blobs::by_names(&lab).await, Blobs::by_port(&lab).await);
    names.make_container().await;
    assert_eq!(
        names
            .put("/data/a/b%20c", &[BLOCK], b"hello")
            .await
            .status(),
        201
    );
    assert_eq!(
        port.get("/data/a/b%20c").await.text().await.unwrap(),
        "hello"
    );
    // A name is kept as it is: doubled slashes and case are part of it.
    for path in ["/data//a//b", "/data/A/B%20c"] {
        assert_eq!(port.put(path, &[BLOCK], b"x").await.status(), 201);
    }
    let listed = names
        .get("/data?restype=container&comp=list")
        .await
        .text()
        .await
        .unwrap();
    for name in ["/a//b", "A/B c", "a/b c"] {
        assert!(listed.contains(&format!("<Name>{name}</Name>")), "{listed}");
    }
    let log = lab.emulator.requests().all();
    let served: Vec<_> = log.iter().filter(|one| one.service == "blob").collect();
    assert_eq!(served[0].host, "stcontosoml.blob.core.windows.net");
    assert_eq!(served[0].status, Some(201));
}

#[tokio::test]
async fn a_content_larger_than_other_services_take_passes_both_ways() {
    let lab = Lab::start().await;
    let blobs = Blobs::by_names(&lab).await;
    blobs.make_container().await;
    let large: Vec<u8> = (0..9_000_000_u32).map(|at| at.to_le_bytes()[1]).collect();
    let put = blobs.put("/data/large", &[BLOCK], &large).await;
    assert_eq!(put.status(), 201);
    let got = blobs.get("/data/large").await;
    assert_eq!(got.content_length(), Some(9_000_000));
    assert_eq!(got.headers()["content-md5"], put.headers()["content-md5"]);
    assert!(got.bytes().await.unwrap() == large);
}

#[tokio::test]
async fn a_refused_upload_is_answered_and_the_next_one_works() {
    let lab = Lab::start().await;
    let blobs = Blobs::by_names(&lab).await;
    blobs.make_container().await;
    let large = vec![7; 3_000_000];
    for (path, headers, code) in [
        ("/none/a", vec![BLOCK], "ContainerNotFound"),
        (
            "/data/a",
            vec![("x-ms-blob-type", "NoBlob")],
            "InvalidHeaderValue",
        ),
        ("/data/a", vec![], "MissingRequiredHeader"),
    ] {
        let refused = blobs.put(path, &headers, &large).await;
        assert_eq!(refused.headers()["x-ms-error-code"], code);
        let text = refused.text().await.unwrap();
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
        assert_eq!(blobs.put("/data/b", &[BLOCK], b"x").await.status(), 201);
    }
    let log = lab.emulator.requests().all();
    let first = log.iter().find(|one| one.path == "/none/a").unwrap();
    assert_eq!(first.error.as_deref(), Some("ContainerNotFound"));
}

#[tokio::test]
async fn blobs_and_keys_are_there_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().join("state")),
        ..Options::default()
    };
    let lab = Lab::with(options()).await;
    let blobs = Blobs::by_names(&lab).await;
    blobs.make_container().await;
    let headers = [BLOCK, ("x-ms-meta-k", "v"), ("content-type", "text/plain")];
    let etag = blobs.put("/data/a", &headers, b"hello").await.headers()["etag"].clone();
    assert_eq!(
        blobs
            .put("/data/b?comp=block&blockid=QUE=", &[], b"later")
            .await
            .status(),
        201
    );
    lab.emulator.shutdown().await;

    let lab = Lab::with(options()).await;
    let blobs = Blobs::by_names(&lab).await;
    let got = blobs.get("/data/a").await;
    assert_eq!(
        (&got.headers()["etag"], &got.headers()["x-ms-meta-k"]),
        (&etag, &"v".parse().unwrap())
    );
    assert_eq!(got.headers()["content-type"], "text/plain");
    assert_eq!(got.text().await.unwrap(), "hello");
    let list = b"<BlockList><Latest>QUE=</Latest></BlockList>";
    assert_eq!(
        blobs
            .put("/data/b?comp=blocklist", &[], list)
            .await
            .status(),
        201
    );
    assert_eq!(blobs.get("/data/b").await.text().await.unwrap(), "later");
}

#[tokio::test]
async fn faults_work_for_it_in_its_own_words() {
    let lab = Lab::start().await;
    let blobs = Blobs::by_names(&lab).await;
    blobs.make_container().await;
    for (number, code) in [
        (503, "ServerBusy"),
        (500, "InternalError"),
        (403, "AuthorizationFailure"),
    ] {
        lab.emulator.faults().arm(status(number)).unwrap();
        let failed = blobs.get("/data?restype=container&comp=list").await;
        assert_eq!(failed.status(), StatusCode::from_u16(number).unwrap());
        assert_eq!(failed.headers()["x-ms-error-code"], code);
        assert_eq!(failed.headers()["retry-after"], "1");
        lab.emulator.faults().clear();
    }
    // A content that ends early is not stored as a blob, and one that is cut off is not whole.
    assert_eq!(blobs.put("/data/a", &[BLOCK], b"hello").await.status(), 201);
    let cut: Fault = serde_json::from_value(
        json!({"service": "blob", "effect": {"kind": "cut_off"}, "count": 1}),
    )
    .unwrap();
    lab.emulator.faults().arm(cut).unwrap();
    assert!(blobs.get("/data/a").await.bytes().await.is_err());
    assert_eq!(blobs.get("/data/a").await.text().await.unwrap(), "hello");
}
