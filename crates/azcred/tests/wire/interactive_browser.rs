//! Browser sign-ins as the browser and the authority see them, and attacks on the port.

use crate::support::{Answer, Server, http};
use azcred::{
    AccessToken, Authority, ClientId, ClientOptions, Cloud, Credential, Error, ErrorKind,
    InteractiveBrowserCredential, Notice, Prompt, Scope, SignInPrompt, TenantId, TokenRequest,
    http::Url,
    system::{Fixture, Program},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

const TENANT: &str = "7a0c1e50-0000-4000-8000-000000000001";
const CODE: &str = "canary-c0de~of+a/sign-in";
/// Far longer than any response here takes, so that a slow machine does not change the result.
const AMPLE: Duration = Duration::from_secs(60);

/// What the person is told.
#[derive(Debug)]
enum Told {
    Browser(Url),
    Strange(String),
    Over,
}

#[derive(Debug)]
struct Watching(UnboundedSender<Told>);

impl Prompt for Watching {
    fn show(&self, notice: &Notice<'_>) {
        let told = match notice {
            Notice::Browser { url, .. } => Told::Browser((*url).clone()),
            Notice::Strange { what } => Told::Strange((*what).to_owned()),
            Notice::Over => Told::Over,
            _ => return,
        };
        let _ = self.0.send(told);
    }
}

/// A laptop, on which Firefox opens.
fn laptop() -> Fixture {
    Fixture::new()
        .with_var("DISPLAY", ":0")
        .with_program("firefox", &Program::prints(0, "", ""))
}

/// An authority that redeems every code. `change` modifies its `id_token`.
struct Entra {
    server: Server,
    /// The query of the authorization request.
    asked: Arc<Mutex<BTreeMap<String, String>>>,
    /// Whether the refresh tokens have ended.
    refuses_refresh: Arc<Mutex<bool>>,
}

impl Entra {
    async fn start(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let seen = asked.clone();
        let refuses_refresh: Arc<Mutex<bool>> = Arc::default();
        let refuses = refuses_refresh.clone();
        let server = Server::answering(move |request| {
            if request.contains("grant_type=refresh_token") && *refuses.lock().unwrap() {
                return http("400 Bad Request", &[], r#"{"error":"invalid_grant","error_codes":[50173]}"#);
            }
            let asked = seen.lock().unwrap();
            let name = asked.get("name").map_or("ada", String::as_str);
            let mut claims = json!({
                "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "tid": TENANT, "sub": "s", "oid": format!("{name}-oid"),
                "aud": asked["client_id"], "nonce": asked["nonce"], "exp": 4_000_000_000_u64, "name": "Ada Lovelace",
                "preferred_username": format!("{name}@contoso.com"),
            });
            change(&mut claims);
            let id_token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
            let body = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "the-token",
                "refresh_token": "the-refresh-token", "id_token": id_token});
            http("200 OK", &["Content-Type: application/json"], &body.to_string())
        })
        .await;
        Self {
            server,
            asked,
            refuses_refresh,
        }
    }

    async fn usual() -> Self {
        Self::start(|_| {}).await
    }

    fn address(&self) -> String {
        format!("http://{}", self.server.address)
    }
}

/// A running sign-in.
struct SignIn {
    /// The authorization request's address.
    url: Url,
    query: BTreeMap<String, String>,
    port: u16,
    told: UnboundedReceiver<Told>,
    token: JoinHandle<Result<AccessToken, Error>>,
}

fn options(at: &str, system: Fixture, watching: Watching) -> ClientOptions {
    ClientOptions::new(system.shared())
        .with_cloud(Cloud::with_authority(Authority::new(at).unwrap()))
        .with_prompt(Arc::new(watching))
}

async fn begin_with(
    at: &str,
    change: impl FnOnce(InteractiveBrowserCredential) -> InteractiveBrowserCredential,
) -> SignIn {
    let (sender, told) = unbounded_channel();
    let options = options(at, laptop(), Watching(sender));
    begin_as(options, told, TokenRequest::new(Scope::ARM), change).await
}

async fn begin_as(
    options: ClientOptions,
    mut told: UnboundedReceiver<Told>,
    request: TokenRequest,
    change: impl FnOnce(InteractiveBrowserCredential) -> InteractiveBrowserCredential,
) -> SignIn {
    let credential = InteractiveBrowserCredential::new(options).unwrap();
    let credential = change(credential.with_timeout(AMPLE));
    let token = tokio::spawn(async move { credential.get_token(&request).await });
    let Some(Told::Browser(url)) = told.recv().await else {
        panic!("no browser: {:?}", token.await.unwrap().unwrap_err());
    };
    let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    let port = Url::parse(&query["redirect_uri"]).unwrap().port().unwrap();
    SignIn {
        url,
        query,
        port,
        told,
        token,
    }
}

async fn begin(entra: &Entra) -> SignIn {
    let sign_in = begin_with(&entra.address(), |credential| credential).await;
    *entra.asked.lock().unwrap() = sign_in.query.clone();
    sign_in
}

impl SignIn {
    fn state(&self) -> &str {
        &self.query["state"]
    }

    /// The query of a successful response.
    fn answer(&self) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", CODE)
            .append_pair("client_info", "e30")
            .append_pair("state", self.state())
            .append_pair("session_state", "x")
            .finish();
        format!("/?{query}")
    }

    /// The request of a browser that follows a redirect.
    fn visit(&self, target: &str) -> String {
        format!(
            "GET {target} HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: Firefox\r\nAccept: text/html\r\nSec-Fetch-Site: cross-site\r\n\
             Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n\r\n",
            self.port
        )
    }

    async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        send(("127.0.0.1", self.port), bytes).await
    }

    async fn strange(&mut self) -> String {
        match self.told.recv().await {
            Some(Told::Strange(what)) => what,
            other => panic!("{other:?}"),
        }
    }

    /// Sends the browser's request; returns the page and the result of the sign-in.
    async fn finish(self) -> (String, Result<AccessToken, Error>) {
        let page = self.send(self.visit(&self.answer())).await;
        (page, self.token.await.unwrap())
    }
}

async fn send(to: (&str, u16), bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    // A client that is rejected early may not be able to send everything.
    let _ = stream.write_all(bytes.as_ref()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn is_closed(port: u16) -> bool {
    let mut closed = true;
    for address in ["127.0.0.1", "::1"] {
        closed &= TcpStream::connect((address, port)).await.is_err();
    }
    closed
}

fn form(request: &str) -> BTreeMap<String, String> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

#[tokio::test]
async fn a_person_signs_in_by_the_protocol_and_sees_the_account() {
    let entra = Entra::usual().await;
    let mut sign_in = begin(&entra).await;
    let query = sign_in.query.clone();
    assert!(
        sign_in.url.as_str().starts_with(&format!(
            "{}/organizations/oauth2/v2.0/authorize?",
            entra.address()
        )),
        "{}",
        sign_in.url
    );
    for (name, value) in [
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("response_type", "code"),
        (
            "redirect_uri",
            &format!("http://localhost:{}", sign_in.port),
        ),
        (
            "scope",
            "https://management.azure.com/.default openid profile offline_access",
        ),
        ("code_challenge_method", "S256"),
        ("client_info", "1"),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(query[name].len(), 43, "256 bits: {name}");
    }
    for absent in ["prompt", "login_hint", "claims", "response_mode"] {
        assert!(!query.contains_key(absent), "{absent}");
    }

    let page = sign_in.send(sign_in.visit(&sign_in.answer())).await;
    assert_eq!(
        (&mut sign_in.token).await.unwrap().unwrap().secret(),
        "the-token"
    );
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(
        page.contains("You are signed in as ada@contoso.com."),
        "{page}"
    );
    let (head, body) = page.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for header in [
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "cache-control: no-store",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "content-type: text/html; charset=utf-8",
        "connection: close",
    ] {
        assert!(head.contains(header), "{header} is not in {head}");
    }
    assert!(!head.contains("set-cookie") && !body.contains(CODE) && !body.contains("the-token"));
    assert!(matches!(sign_in.told.recv().await, Some(Told::Over)));
    assert!(is_closed(sign_in.port).await);

    let asked = form(&entra.server.seen()[0]);
    assert_eq!(asked["grant_type"], "authorization_code");
    assert_eq!(asked["code"], CODE);
    assert_eq!(asked["redirect_uri"], query["redirect_uri"]);
    let digest = ring::digest::digest(&ring::digest::SHA256, asked["code_verifier"].as_bytes());
    assert_eq!(URL_SAFE_NO_PAD.encode(digest), query["code_challenge"]);
    assert_eq!(entra.server.requests(), 1);
}

#[tokio::test]
async fn the_browser_may_come_back_to_either_address_of_this_machine() {
    for host in ["127.0.0.1", "::1"] {
        if std::net::TcpListener::bind((host, 0)).is_err() {
            continue; // This machine has no such address.
        }
        let entra = Entra::usual().await;
        let sign_in = begin(&entra).await;
        let written = if host == "::1" { "[::1]" } else { host };
        let visit = sign_in
            .visit(&sign_in.answer())
            .replace("localhost", written);
        let page = send((host, sign_in.port), visit).await;
        assert!(page.contains("You are signed in as"), "{page}");
        sign_in.token.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn the_options_reach_the_authority() {
    let entra = Entra::usual().await;
    let (sender, told) = unbounded_channel();
    let options = options(&entra.address(), laptop(), Watching(sender));
    let request = TokenRequest::new(Scope::ML).with_claims(r#"{"access_token":{"acrs":{}}}"#);
    let sign_in = begin_as(options, told, request, |credential| {
        credential
            .with_tenant(TenantId::new("contoso.com").unwrap())
            .with_client_id(ClientId::new("c11e").unwrap())
            .with_login_hint("ada@contoso.com")
            .with_sign_in_prompt(SignInPrompt::SelectAccount)
    })
    .await;
    assert!(sign_in.url.path().starts_with("/contoso.com/"));
    for (name, value) in [
        ("client_id", "c11e"),
        ("login_hint", "ada@contoso.com"),
        ("prompt", "select_account"),
        ("claims", r#"{"access_token":{"acrs":{}}}"#),
    ] {
        assert_eq!(sign_in.query[name], value, "{name}");
    }
    sign_in.token.abort();
}

#[tokio::test]
async fn other_requests_are_rejected_and_the_sign_in_continues() {
    let entra = Entra::usual().await;
    let mut sign_in = begin(&entra).await;
    let good = sign_in.answer();
    let state = sign_in.state().to_owned();
    let visit = |target: &str| sign_in.visit(target);
    let other = URL_SAFE_NO_PAD.encode([7; 32]);
    let with = |name: &str, value: &str| {
        visit(&good).replace("User-Agent: Firefox", &format!("{name}: {value}"))
    };
    let host = format!("Host: localhost:{}", sign_in.port);
    let as_host = |other: &str| visit(&good).replace(&host, other);
    let cases: Vec<(String, u16)> = vec![
        (visit("/"), 400),
        (visit("/?"), 400),
        (visit("/?code=x"), 400),
        (visit(&format!("/?code=x&state={other}")), 400),
        (visit(&format!("/?code=x&state={}", &state[..42])), 400),
        (visit(&format!("/?code=x&state={state}x")), 400),
        (visit("/?code=x&state="), 400),
        (visit(&format!("/?error=access_denied&state={other}")), 400),
        (visit("/?error=access_denied"), 400),
        (visit(&format!("/?code=x&code=y&state={state}")), 400),
        (visit(&format!("/?code=x&state={state}&state={other}")), 400),
        (visit(&format!("/?code=x&error=y&state={state}")), 400),
        (visit(&format!("/?code=&state={state}")), 400),
        (visit(&format!("/?code=x%0d%0ay&state={state}")), 400),
        (visit(&format!("/?error=&state={state}")), 400),
        (visit(&format!("/?state={state}")), 400),
        (visit(&good.replace("/?", "/x?")), 404),
        (visit(&good.replace("/?", "//?")), 404),
        (visit(&good.replace("/?", "/callback?")), 404),
        (visit(&format!("http://evil.example{good}")), 400),
        (as_host("Host: evil.example"), 400),
        (
            as_host(&format!("Host: evil.example:{}", sign_in.port)),
            400,
        ),
        (as_host("Host: localhost"), 400),
        (as_host("Host: localhost:1"), 400),
        (
            as_host(&format!("Host: localhost.evil.example:{}", sign_in.port)),
            400,
        ),
        (as_host(&format!("{host}\r\nHost: evil.example")), 400),
        (as_host("X: y"), 400),
        (with("Origin", "https://evil.example"), 403),
        (with("Origin", "null"), 403),
        (visit(&good).replace("Mode: navigate", "Mode: cors"), 403),
        (visit(&good).replace("Mode: navigate", "Mode: no-cors"), 403),
        (visit(&good).replace("Dest: document", "Dest: iframe"), 403),
        (visit(&good).replace("Dest: document", "Dest: image"), 403),
        (visit(&good).replace("GET ", "POST "), 405),
        (visit(&good).replace("GET ", "HEAD "), 405),
        (visit(&good).replace("GET ", "OPTIONS "), 405),
        (visit(&good).replace("GET ", "DELETE "), 405),
        (
            format!(
                "CONNECT localhost:{} HTTP/1.1\r\n{host}\r\n\r\n",
                sign_in.port
            ),
            405,
        ),
        (with("X", &"x".repeat(20 << 10)), 431),
        (
            visit(&format!("/?code={}&state={state}", "x".repeat(20 << 10))),
            431,
        ),
        ("junk\r\n\r\n".to_owned(), 400),
        ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}".to_owned(), 400),
    ];
    for (request, status) in &cases {
        let answer = send(("127.0.0.1", sign_in.port), request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{status} for {}: {answer}",
            &request[..request.len().min(200)]
        );
        assert!(!answer.contains(&state) && !answer.contains("canary"));
    }
    let icon = send(("127.0.0.1", sign_in.port), sign_in.visit("/favicon.ico")).await;
    assert!(icon.starts_with("HTTP/1.1 404 "), "{icon}");
    assert_eq!(entra.server.requests(), 0, "nothing of it went on");
    assert!(!sign_in.token.is_finished());

    // Each kind was reported once.
    let mut told = Vec::new();
    while let Ok(Told::Strange(what)) = sign_in.told.try_recv() {
        told.push(what);
    }
    for what in [
        "an answer to another sign-in",
        "a request for another host",
        "a request from another page",
        "a request from within another page",
    ] {
        assert_eq!(
            told.iter().filter(|one| *one == what).count(),
            1,
            "{told:?}"
        );
    }
    let (page, token) = sign_in.finish().await;
    assert!(page.contains("You are signed in as"), "{page}");
    token.unwrap();
}

#[tokio::test]
async fn rejected_requests_are_reported_to_the_person() {
    let entra = Entra::usual().await;
    let mut sign_in = begin(&entra).await;
    sign_in.send(sign_in.visit("/?code=x&state=y")).await;
    assert_eq!(sign_in.strange().await, "an answer to another sign-in");
    sign_in.send("\u{16}\u{3}\u{1}junk\r\n\r\n").await;
    assert_eq!(sign_in.strange().await, "something that is not a browser");
    sign_in.token.abort();
}

#[tokio::test]
async fn a_response_is_accepted_once() {
    let (asked, mut is_asked) = unbounded_channel();
    let server = Server::answering(move |_| {
        let _ = asked.send(());
        Answer::Hang
    })
    .await;
    let sign_in = begin_with(&format!("http://{}", server.address), |credential| {
        credential
    })
    .await;
    let mut first = TcpStream::connect(("127.0.0.1", sign_in.port))
        .await
        .unwrap();
    let visit = sign_in.visit(&sign_in.answer());
    first.write_all(visit.as_bytes()).await.unwrap();
    // While the first is redeemed: the same query again, another code, a rejection.
    is_asked.recv().await.unwrap();
    let again = sign_in.send(&visit).await;
    assert!(again.starts_with("HTTP/1.1 409 "), "{again}");
    assert!(again.contains("already used"));
    for answer in ["code=another", "error=access_denied"] {
        let target = format!("/?{answer}&state={}", sign_in.state());
        let page = sign_in.send(sign_in.visit(&target)).await;
        assert!(page.starts_with("HTTP/1.1 409 "), "{page}");
    }
    assert!(!sign_in.token.is_finished());
    assert_eq!(server.requests(), 1);
    sign_in.token.abort();
    let _ = sign_in.token.await;
    assert!(is_closed(sign_in.port).await);
}

#[tokio::test]
async fn a_rejection_is_shown_in_plain_words_here_and_in_the_browser() {
    let entra = Entra::usual().await;
    for (query, says, code) in [
        (
            "error=access_denied&error_subcode=cancel&error_description=AADSTS65004%3a+User+declined+to+consent.%0d%0aTrace+ID%3a+t%0d%0a\
             Correlation+ID%3a+c0ffee%0d%0aTimestamp%3a+2026-11-22+02%3a00%3a00Z",
            "",
            Some(65_004),
        ),
        ("error=access_denied", "was cancelled in the browser", None),
        (
            "error=weird&error_description=%3Cscript%3Ealert(1)%3C%2Fscript%3E%1b%5b31m",
            "<script>",
            None,
        ),
        ("error=login_required", "`prompt=none`", None),
    ] {
        let sign_in = begin(&entra).await;
        let target = format!("/?{query}&state={}", sign_in.state());
        let page = sign_in.send(sign_in.visit(&target)).await;
        let error = sign_in.token.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.to_string().contains('\u{1b}'), "{error}");
        if code.is_some() {
            let refusal = error.refusal().unwrap();
            assert_eq!(refusal.correlation_id.as_deref(), Some("c0ffee"));
            assert_eq!(refusal.timestamp.as_deref(), Some("2026-11-22 02:00:00Z"));
            assert!(
                page.contains("AADSTS65004, correlation id c0ffee"),
                "{page}"
            );
        }
        assert!(page.contains("You are not signed in"), "{page}");
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(is_closed(sign_in.port).await);
    }
    assert_eq!(entra.server.requests(), 0);
}

#[tokio::test]
async fn a_failure_of_the_authority_is_not_a_rejection() {
    let entra = Entra::usual().await;
    let sign_in = begin(&entra).await;
    let target = format!("/?error=temporarily_unavailable&state={}", sign_in.state());
    sign_in.send(sign_in.visit(&target)).await;
    let error = sign_in.token.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn a_rejected_code_is_shown_in_the_browser_too() {
    let body = format!(
        r#"{{"error":"invalid_grant","error_description":"AADSTS54005: the code {CODE} was redeemed","error_codes":[54005]}}"#
    );
    let server = Server::start([http("400 Bad Request", &[], &body)]).await;
    let sign_in = begin_with(&format!("http://{}", server.address), |credential| {
        credential
    })
    .await;
    let (state, challenge) = (
        sign_in.state().to_owned(),
        sign_in.query["code_challenge"].clone(),
    );
    let (page, token) = sign_in.finish().await;
    let error = token.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert!(page.contains("You are not signed in"), "{page}");
    let verifier = form(&server.seen()[0])["code_verifier"].clone();
    for shown in [page, format!("{error} {error:?}")] {
        for secret in [CODE, &state, &challenge, &verifier, "canary"] {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
    }
}

#[tokio::test]
async fn the_id_token_of_another_sign_in_is_rejected() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 5] = [
        (|claims| claims["nonce"] = json!("n"), "another sign-in"),
        (|claims| claims["nonce"] = Value::Null, "another sign-in"),
        (|claims| claims["aud"] = json!("x"), "another application"),
        (
            |claims| claims["iss"] = json!("https://evil.example/"),
            "is from",
        ),
        (|claims| claims["exp"] = json!(1), "has expired"),
    ];
    for (change, says) in changes {
        let entra = Entra::start(change).await;
        let (page, token) = begin(&entra).await.finish().await;
        let error = token.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert!(page.contains("You are not signed in"), "{page}");
    }
    let server = Server::start([crate::support::token()]).await;
    let sign_in = begin_with(&format!("http://{}", server.address), |credential| {
        credential
    })
    .await;
    let error = sign_in.finish().await.1.unwrap_err();
    assert!(error.why().contains("no id token"), "{error}");
}

#[tokio::test]
async fn a_person_who_is_not_expected_is_not_told_that_they_are_signed_in() {
    let entra = Entra::usual().await;
    let (sender, told) = unbounded_channel();
    let told = Arc::new(tokio::sync::Mutex::new(told));
    let credential =
        InteractiveBrowserCredential::new(options(&entra.address(), laptop(), Watching(sender)));
    let credential = Arc::new(credential.unwrap().with_timeout(AMPLE));
    let mut last = None;
    for (name, scope) in [("ada", Scope::ARM), ("eve", Scope::ML)] {
        let asking = credential.clone();
        let token = tokio::spawn(async move { asking.get_token(&TokenRequest::new(scope)).await });
        let mut told = told.lock().await;
        let url = loop {
            if let Some(Told::Browser(url)) = told.recv().await {
                break url;
            }
        };
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let mut asked = query.clone();
        asked.insert("name".into(), name.into());
        *entra.asked.lock().unwrap() = asked;
        let port = Url::parse(&query["redirect_uri"]).unwrap().port().unwrap();
        let visit = format!(
            "GET /?code=c&state={} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
            query["state"]
        );
        let page = send(("127.0.0.1", port), visit).await;
        last = Some((page, token.await.unwrap()));
        // Without a refresh token, the person has to be asked.
        *entra.refuses_refresh.lock().unwrap() = true;
    }
    let (page, token) = last.unwrap();
    let error = token.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongAccount, "{error}");
    assert!(page.contains("You are not signed in"), "{page}");
    assert!(!page.contains("You are signed in"), "{page}");
    assert!(
        page.contains("Eve@contoso.com signed in instead."),
        "{page}"
    );
}

#[tokio::test]
async fn no_number_of_idle_connections_keeps_the_browser_out() {
    let entra = Entra::usual().await;
    let sign_in = begin(&entra).await;
    let mut idle = Vec::new();
    for number in 0..100 {
        let mut stream = TcpStream::connect(("127.0.0.1", sign_in.port))
            .await
            .unwrap();
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").await;
        }
        idle.push(stream);
    }
    let (page, token) = sign_in.finish().await;
    assert!(page.contains("You are signed in as"), "{page}");
    token.unwrap();
    drop(idle);
}

#[tokio::test]
async fn two_sign_ins_at_once_do_not_accept_each_others_responses() {
    let entra = Entra::usual().await;
    let (one, other) = (begin(&entra).await, begin(&entra).await);
    assert_ne!(one.port, other.port);
    let crossed = one.send(one.visit(&other.answer())).await;
    assert!(crossed.starts_with("HTTP/1.1 400 "), "{crossed}");
    // The authority knows only the second sign-in's nonce.
    other.finish().await.1.unwrap();
    one.token.abort();
}

#[tokio::test]
async fn a_cancelled_sign_in_closes_the_port_at_once() {
    let entra = Entra::usual().await;
    let mut sign_in = begin(&entra).await;
    let mut idle = TcpStream::connect(("127.0.0.1", sign_in.port))
        .await
        .unwrap();
    sign_in.token.abort();
    assert!((&mut sign_in.token).await.unwrap_err().is_cancelled());
    assert!(is_closed(sign_in.port).await);
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    assert!(matches!(sign_in.told.recv().await, Some(Told::Over)));
}

#[tokio::test]
async fn the_wait_for_a_person_is_limited() {
    let (sender, mut told) = unbounded_channel();
    let credential = InteractiveBrowserCredential::new(options(
        "http://127.0.0.1:9",
        laptop(),
        Watching(sender),
    ))
    .unwrap()
    .with_timeout(Duration::from_millis(50));
    let error = credential
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.why().contains("was not finished within"), "{error}");
    let Some(Told::Browser(url)) = told.recv().await else {
        panic!("no browser");
    };
    let (_, back) = url
        .query_pairs()
        .find(|(name, _)| name == "redirect_uri")
        .unwrap();
    assert!(is_closed(Url::parse(&back).unwrap().port().unwrap()).await);
}

#[tokio::test]
async fn without_a_browser_the_error_comes_before_anything_is_done() {
    let server = Server::start([Answer::Hang]).await;
    for (machine, says) in [
        (laptop().with_var("SSH_CONNECTION", "a 1 b 22"), "over SSH"),
        (Fixture::new(), "no display"),
        (Fixture::new().with_file("/.dockerenv", ""), "container"),
    ] {
        let (sender, mut told) = unbounded_channel();
        let at = format!("http://{}", server.address);
        let credential =
            InteractiveBrowserCredential::new(options(&at, machine, Watching(sender))).unwrap();
        let error = credential
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("device code"),
            "{error}"
        );
        assert!(told.try_recv().is_err());
    }
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn the_browser_that_opens_is_given_the_address_as_one_argument() {
    let entra = Entra::usual().await;
    let machine = laptop();
    let (sender, told) = unbounded_channel();
    let options = options(&entra.address(), machine.clone(), Watching(sender));
    let sign_in = begin_as(options, told, TokenRequest::new(Scope::ARM), |it| it).await;
    assert_eq!(
        machine.started(),
        [["/usr/bin/firefox", sign_in.url.as_str()]]
    );
    sign_in.token.abort();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (sender, _told) = unbounded_channel();
    let credential = InteractiveBrowserCredential::new(options(
        "http://127.0.0.1:9",
        laptop(),
        Watching(sender),
    ))
    .unwrap()
    .with_redirect_port(port);
    let error = credential
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.why().contains(&port.to_string()), "{error}");
}

/// An OpenID provider with the endpoints of `entra`.
async fn provider(entra: &Entra, discovery: Option<Value>) -> Server {
    let (asked, at) = (entra.asked.clone(), Arc::new(Mutex::new(String::new())));
    let own = at.clone();
    let server = Server::answering(move |request| {
        let at = own.lock().unwrap().clone();
        if request.starts_with("GET /realms/ml/.well-known/openid-configuration ") {
            let usual = json!({"issuer": format!("{at}/realms/ml"), "authorization_endpoint": format!("{at}/auth?x=1"),
                "token_endpoint": format!("{at}/the-token")});
            let body = discovery.clone().unwrap_or(usual);
            return http("200 OK", &[], &body.to_string());
        }
        assert!(request.starts_with("POST /the-token "), "{request}");
        let asked = asked.lock().unwrap();
        let claims = json!({"iss": format!("{at}/realms/ml"), "sub": "accountant", "aud": asked["client_id"],
            "nonce": asked["nonce"], "exp": 4_000_000_000_u64});
        let id_token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let body = json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "the-token", "id_token": id_token});
        http("200 OK", &[], &body.to_string())
    })
    .await;
    *at.lock().unwrap() = format!("http://{}", server.address);
    server
}

fn at_provider(server: &SocketAddr, watching: Watching) -> ClientOptions {
    let cloud = Cloud::openid_provider(&format!("http://{server}/realms/ml")).unwrap();
    ClientOptions::new(laptop().shared())
        .with_cloud(cloud)
        .with_prompt(Arc::new(watching))
}

#[tokio::test]
async fn an_openid_providers_endpoints_are_requested() {
    let entra = Entra::usual().await;
    let server = provider(&entra, None).await;
    let (sender, told) = unbounded_channel();
    let options = at_provider(&server.address, Watching(sender));
    let request = TokenRequest::new(Scope::new("openid").unwrap());
    let mut sign_in = begin_as(options, told, request, |it| it).await;
    *entra.asked.lock().unwrap() = sign_in.query.clone();
    assert_eq!(sign_in.url.path(), "/auth");
    assert_eq!(
        sign_in.query["x"], "1",
        "what an endpoint has of a query stays"
    );
    assert_eq!(sign_in.query["scope"], "openid profile offline_access");
    // Without consent, a provider returns no refresh token (OpenID Connect Core 1.0 section 11).
    assert_eq!(sign_in.query["prompt"], "consent");
    assert!(!sign_in.query.contains_key("client_info"));
    // Another provider's response, marked by RFC 9207.
    let mixed = format!("{}&iss=https%3A%2F%2Fevil.example", sign_in.answer());
    let page = sign_in.send(sign_in.visit(&mixed)).await;
    assert!(page.starts_with("HTTP/1.1 400 "), "{page}");
    assert_eq!(sign_in.strange().await, "an answer from another provider");
    let own = url::form_urlencoded::byte_serialize(
        format!("http://{}/realms/ml", server.address).as_bytes(),
    )
    .collect::<String>();
    let answer = format!("{}&iss={own}", sign_in.answer());
    let page = sign_in.send(sign_in.visit(&answer)).await;
    assert!(page.contains("You are signed in as accountant."), "{page}");
    assert_eq!(sign_in.token.await.unwrap().unwrap().secret(), "the-token");
    assert_eq!(server.requests(), 2, "it was asked for its endpoints once");
}

#[tokio::test]
async fn a_provider_that_announced_to_name_itself_must() {
    let entra = Entra::usual().await;
    let at = Arc::new(Mutex::new(String::new()));
    let own = at.clone();
    let server = Server::answering(move |_| {
        let at = own.lock().unwrap().clone();
        let body = json!({"issuer": format!("{at}/realms/ml"), "authorization_endpoint": format!("{at}/auth"),
            "token_endpoint": format!("{at}/the-token"), "authorization_response_iss_parameter_supported": true});
        http("200 OK", &[], &body.to_string())
    })
    .await;
    *at.lock().unwrap() = format!("http://{}", server.address);
    let (sender, told) = unbounded_channel();
    let options = at_provider(&server.address, Watching(sender));
    let request = TokenRequest::new(Scope::new("openid").unwrap());
    let mut sign_in = begin_as(options, told, request, |it| it).await;
    *entra.asked.lock().unwrap() = sign_in.query.clone();
    let page = sign_in.send(sign_in.visit(&sign_in.answer())).await;
    assert!(page.starts_with("HTTP/1.1 400 "), "{page}");
    assert_eq!(
        sign_in.strange().await,
        "an answer that does not name its provider"
    );
    assert_eq!(server.requests(), 1, "nothing but its configuration");
    sign_in.token.abort();
}

#[tokio::test]
async fn a_provider_with_another_issuer_is_not_opened() {
    let entra = Entra::usual().await;
    for (discovery, says) in [
        (
            json!({"issuer": "https://evil.example", "authorization_endpoint": "https://evil.example/a",
                "token_endpoint": "https://evil.example/t"}),
            "names itself https://evil.example",
        ),
        (json!({"error": "no"}), "not return an OpenID configuration"),
    ] {
        let server = provider(&entra, Some(discovery)).await;
        let (sender, mut told) = unbounded_channel();
        let options = at_provider(&server.address, Watching(sender));
        let error = InteractiveBrowserCredential::new(options)
            .unwrap()
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.why().contains(says), "{error}");
        assert!(told.try_recv().is_err(), "no browser was opened");
    }
}
