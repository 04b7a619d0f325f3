//! A lab for the tests: an emulator, a client that trusts it, and signed assertions.

pub(crate) mod browser;
pub(crate) mod graph;
pub(crate) mod hosts;
pub(crate) mod people;

use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair},
};
use azcred_emulator::{Emulator, IdentityInfo, Options, Seed};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};
use std::path::Path;

pub(crate) const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
pub(crate) const DEMO: &str = "a0000001-0000-4000-8000-000000000001";
pub(crate) const ARM_SCOPE: &str = "https://management.azure.com/.default";
pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An emulator and a client.
pub(crate) struct Lab {
    pub(crate) emulator: Emulator,
    pub(crate) client: reqwest::Client,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    /// The AADSTS code, or 0.
    pub(crate) fn code(&self) -> u64 {
        self.body["error_codes"][0].as_u64().unwrap_or(0)
    }

    /// The claims of the access token, unverified.
    pub(crate) fn claims(&self) -> Value {
        let token = self.body["access_token"].as_str().expect("an access token");
        claims_of(token)
    }
}

/// The payload of a token, unverified.
pub(crate) fn claims_of(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A client that trusts only this emulator, and uses no proxy of the machine.
pub(crate) fn client(emulator: &Emulator) -> reqwest::ClientBuilder {
    // Another test of this process may have set it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let pem = std::fs::read(&emulator.info().ca_certificate).unwrap();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn seeded(text: &str) -> Self {
        let seed = Seed::Text {
            name: "test".into(),
            text: text.into(),
        };
        Self::with(Options {
            seed,
            ..Options::default()
        })
        .await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let emulator = Emulator::start(options).await.unwrap();
        let client = client(&emulator).build().unwrap();
        Self { emulator, client }
    }

    pub(crate) fn identity(&self, name: &str) -> &IdentityInfo {
        self.emulator.info().identity(name).unwrap()
    }

    pub(crate) fn login(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.info().login_url)
    }

    /// Requests a token by client credentials from Contoso's v2.0 endpoint. The parameters come on
    /// top.
    pub(crate) async fn request_token(&self, parameters: &[(&str, &str)]) -> Reply {
        let mut form = vec![("grant_type", "client_credentials"), ("scope", ARM_SCOPE)];
        form.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
        form.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
        self.post(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
            .await
    }

    /// Requests a token as an application of the seed, with its secret.
    pub(crate) async fn request_token_as(&self, name: &str) -> Reply {
        let identity = self.identity(name);
        let id = identity.client_id.to_string();
        self.request_token(&[
            ("client_id", &id),
            ("client_secret", identity.secret.as_ref().unwrap()),
        ])
        .await
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        read(
            self.client
                .post(self.login(path))
                .form(form)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        read(self.client.get(self.login(path)).send().await.unwrap()).await
    }

    /// Requests a token with an assertion.
    pub(crate) async fn request_by_assertion(&self, client_id: &str, assertion: &str) -> Reply {
        self.request_token(&[
            ("client_id", client_id),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", assertion),
        ])
        .await
    }
}

pub(crate) async fn read(response: reqwest::Response) -> Reply {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let body = response.bytes().await.unwrap();
    Reply {
        status,
        headers,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

/// An assertion, to be signed with the key of a certificate.
pub(crate) struct Assertion {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    key: RsaKeyPair,
}

impl Assertion {
    /// An assertion that Entra ID would accept: RS256, `x5t`, ten minutes.
    pub(crate) fn new(pem: &Path, client_id: &str) -> Self {
        let text = std::fs::read(pem).unwrap();
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from_pem_slice(&text).unwrap();
        let certificate = rustls_pki_types::CertificateDer::from_pem_slice(&text).unwrap();
        let now = time::OffsetDateTime::now_utc().unix_timestamp();
        let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        let sha256 = digest::digest(&digest::SHA256, &certificate);
        let header = json!({
            "typ": "JWT", "alg": "RS256",
            "x5t": URL_SAFE_NO_PAD.encode(sha1),
            "x5t#S256": URL_SAFE_NO_PAD.encode(sha256),
            "x5c": [STANDARD.encode(&certificate)],
        });
        let claims = json!({
            "aud": format!("https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"),
            "iss": client_id, "sub": client_id, "jti": uuid::Uuid::new_v4(),
            "iat": now, "nbf": now, "exp": now + 600,
        });
        let map = |value: Value| value.as_object().unwrap().clone();
        Self {
            header: map(header),
            claims: map(claims),
            key: RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.claims, name, value.into());
        self
    }

    pub(crate) fn sign(&self) -> String {
        let encode = |map: &Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(Value::Object(map.clone()).to_string())
        };
        let signed = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let done = match self.header["alg"].as_str() {
            Some("PS256") => {
                self.key
                    .sign(&RSA_PSS_SHA256, &random, signed.as_bytes(), &mut signature)
            }
            _ => self.key.sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            ),
        };
        done.unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Sets a member. `null` removes it.
fn set(map: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        map.remove(name);
    } else {
        map.insert(name.to_owned(), value);
    }
}

/// Checks code, OAuth error, status and the format of a refusal.
#[track_caller]
pub(crate) fn refused(answer: &Reply, code: u64, error: &str, status: u16) {
    assert_eq!(answer.code(), code, "{answer:?}");
    assert_eq!(answer.body["error"], error, "{answer:?}");
    assert_eq!(answer.status, status, "{answer:?}");
    let text = |name: &str| answer.body[name].as_str().unwrap_or_default().to_owned();
    let description = text("error_description");
    assert!(
        description.starts_with(&format!("AADSTS{code}: ")),
        "{description}"
    );
    let tail = format!(
        " Trace ID: {} Correlation ID: {} Timestamp: {}",
        text("trace_id"),
        text("correlation_id"),
        text("timestamp")
    );
    assert!(description.ends_with(&tail), "{description}");
    assert!(text("timestamp").ends_with('Z') && text("timestamp").len() == 20);
    // Some codes have no page.
    let page = format!("https://login.microsoftonline.com/error?code={code}");
    let has_page = ![54005, 65001, 70011, 70043, 700_211, 700_213, 7_000_218].contains(&code);
    assert_eq!(
        text("error_uri"),
        if has_page { page } else { String::new() }
    );
    assert_eq!(
        answer.headers["content-type"],
        "application/json; charset=utf-8"
    );
    assert!(answer.headers.contains_key("x-ms-request-id"));
}
