//! A service of Azure with given responses, and the requests that it got.

use axum::{
    Router,
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, Method},
    response::IntoResponse,
};
use azcred::{
    AccessToken, Authority, Availability, ClientOptions, Cloud, Credential, TokenFuture,
    TokenRequest, system::Fixture,
};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// A credential with one token.
#[derive(Debug)]
pub(crate) struct Given;

impl Credential for Given {
    fn name(&self) -> &'static str {
        "Given"
    }
    fn prepare(&self) -> Availability {
        Availability::Ready {
            using: "a token".into(),
        }
    }
    fn get_token<'a>(&'a self, _: &'a TokenRequest) -> TokenFuture<'a> {
        let token = AccessToken::new(
            "canary-token",
            SystemTime::now(),
            Duration::from_secs(3600),
            None,
        );
        TokenFuture::ready(Ok(token))
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    #[allow(dead_code, reason = "each test file uses its own part")]
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    #[allow(dead_code, reason = "each test file uses its own part")]
    pub(crate) body: String,
}

impl Seen {
    /// The id by which the service's support finds the request.
    #[allow(dead_code, reason = "each test file uses its own part")]
    pub(crate) fn id(&self) -> Option<&str> {
        let names = ["x-ms-correlation-request-id", "client-request-id"];
        let mut ids = names.into_iter().filter_map(|name| self.headers.get(name));
        ids.next()?.to_str().ok()
    }
}

pub(crate) type Requests = Arc<Mutex<Vec<Seen>>>;

/// A service with these responses, in a cloud where it is both Resource Manager and Graph.
pub(crate) async fn serve<R, F>(answer: F) -> (ClientOptions, Requests)
where
    R: IntoResponse,
    F: Fn(&Seen) -> R + Clone + Send + Sync + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests: Requests = Arc::default();
    let seen = requests.clone();
    let router = Router::new().fallback(move |request: Request| {
        let (answer, seen) = (answer.clone(), seen.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let one = Seen {
                method: parts.method,
                uri: parts.uri.to_string(),
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let response = answer(&one).into_response();
            seen.lock().unwrap().push(one);
            response
        }
    });
    // The server ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, router).await });
    let cloud = Cloud::with_authority(Authority::new(&address).unwrap())
        .with_resource_manager(&address, "https://management.azure.com")
        .and_then(|cloud| cloud.with_graph(&address))
        .unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    let root = root.self_signed(&key).unwrap();
    let machine = Fixture::new()
        .with_var("SSL_CERT_FILE", "/roots")
        .with_file("/roots", root.pem());
    let options = ClientOptions::new(machine.shared())
        .with_cloud(cloud)
        .with_deadline(Duration::from_secs(20));
    (options, requests)
}
