//! A provider that signs people in by rules that a test sets: who enters the code, what is revoked,
//! what needs a second factor.

use crate::support::{Answer, Server, http};
use azcred::{ClientOptions, Notice, Prompt, system::Fixture};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard},
    time::{SystemTime, UNIX_EPOCH},
};
use tokio::sync::Semaphore;

pub(crate) const TENANT: &str = "0c0ffee0-0000-4000-8000-000000000000";
/// Azure CLI's application.
pub(crate) const CLIENT: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// What the provider does.
pub(crate) struct Rules {
    /// Who enters codes. Their object id is this name with `-oid`.
    pub(crate) person: &'static str,
    /// How often it responds that the code was not entered yet.
    pub(crate) pending: u32,
    /// Its response to the device code instead of a token.
    pub(crate) refuses_code: Option<(&'static str, u32)>,
    /// Its response to refresh tokens for a resource (a part of its name), with a claims challenge.
    pub(crate) refuses_refresh: Vec<(&'static str, &'static str, u32, Option<&'static str>)>,
    /// Whether a refresh token is valid for one use.
    pub(crate) one_use: bool,
    pub(crate) family: Option<&'static str>,
    /// The application that may not use the family's refresh tokens.
    pub(crate) stranger: Option<&'static str>,
    /// Whether it returns the tokens of the person who enters codes to everyone.
    pub(crate) confuses_people: bool,
    /// What happens elsewhere while a refresh token is redeemed.
    pub(crate) meanwhile: Option<Box<dyn Fn() + Send>>,
    /// Responses to refresh tokens wait for this.
    pub(crate) holds: Option<Arc<Semaphore>>,
    /// The valid refresh tokens, each with its person.
    good: Vec<(String, &'static str)>,
    issued: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            person: "ada",
            pending: 0,
            refuses_code: None,
            refuses_refresh: Vec::new(),
            one_use: false,
            family: None,
            stranger: None,
            confuses_people: false,
            meanwhile: None,
            holds: None,
            good: Vec::new(),
            issued: 0,
        }
    }
}

/// A running provider.
pub(crate) struct Provider {
    server: Server,
    rules: Arc<Mutex<Rules>>,
}

/// A request to the provider: the last part of its path, and its form.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) form: HashMap<String, String>,
}

impl Asked {
    fn read(request: &str) -> Self {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        Self {
            path: head.split(' ').nth(1).unwrap().to_owned(),
            form: url::form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect(),
        }
    }

    pub(crate) fn is_for_code(&self) -> bool {
        self.path.ends_with("/devicecode")
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}

impl Provider {
    pub(crate) async fn start(change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Rules::default();
        change(&mut rules);
        let rules = Arc::new(Mutex::new(rules));
        let answering = rules.clone();
        let server = Server::answering(move |request| {
            answer(&mut answering.lock().unwrap(), &Asked::read(request))
        })
        .await;
        Self { server, rules }
    }

    pub(crate) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap()
    }

    /// Delays responses to refresh tokens until the semaphore has permits.
    pub(crate) fn hold(&self) -> Arc<Semaphore> {
        let until = Arc::new(Semaphore::new(0));
        self.rules().holds = Some(until.clone());
        until
    }

    /// Polls `asking` until the provider has received a refresh token.
    pub(crate) async fn is_refreshing<T: Debug>(
        &self,
        mut asking: impl Future<Output = T> + Unpin,
    ) {
        let refresh = |asked: &Asked| asked.get("grant_type") == "refresh_token";
        while !self.asked().iter().any(refresh) {
            tokio::select! {
                answer = &mut asking => panic!("{answer:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
    }

    /// Revokes all refresh tokens.
    pub(crate) fn revoke(&self) {
        self.rules().good.clear();
    }

    /// Revokes one refresh token.
    pub(crate) fn revoke_one(&self, token: &str) {
        self.rules().good.retain(|(good, _)| good != token);
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server
            .seen()
            .iter()
            .map(|one| Asked::read(one))
            .collect()
    }

    /// The number of requests for a code.
    pub(crate) fn codes(&self) -> usize {
        self.asked().iter().filter(|one| one.is_for_code()).count()
    }

    /// A machine that signs in at this provider.
    pub(crate) fn machine(&self) -> Fixture {
        Fixture::new().with_var("HOME", "/home/ada").with_var(
            "AZURE_AUTHORITY_HOST",
            &format!("http://{}", self.server.address),
        )
    }
}

fn refused(error: &str, code: u32, claims: Option<&str>) -> Answer {
    let mut body = serde_json::json!({
        "error": error,
        "error_description": format!("AADSTS{code}: Words of the provider. Trace ID: t"),
        "error_codes": [code],
        "correlation_id": "c0",
    });
    if let Some(claims) = claims {
        body["claims"] = claims.into();
    }
    http("400 Bad Request", &[], &body.to_string())
}

fn answer(rules: &mut Rules, asked: &Asked) -> Answer {
    if asked.is_for_code() {
        let body = serde_json::json!({
            "device_code": "canary-device-code",
            "user_code": "ABCD-1234",
            "verification_uri": "https://microsoft.com/devicelogin",
            "expires_in": 900,
            "interval": 1,
        });
        return http("200 OK", &[], &body.to_string());
    }
    match asked.get("grant_type") {
        "urn:ietf:params:oauth:grant-type:device_code" => {
            if rules.pending > 0 {
                rules.pending -= 1;
                return refused("authorization_pending", 70_016, None);
            }
            match rules.refuses_code {
                Some((error, code)) => refused(error, code, None),
                None => tokens(rules, asked, rules.person),
            }
        }
        "refresh_token" => {
            let token = asked.get("refresh_token");
            let Some(&(_, person)) = rules.good.iter().find(|(good, _)| good == token) else {
                return refused("invalid_grant", 50_173, None);
            };
            if rules.stranger == Some(asked.get("client_id")) {
                let body = r#"{"error":"invalid_grant","suberror":"client_mismatch","error_description":"AADSTS70000: No.","error_codes":[70000]}"#;
                return http("400 Bad Request", &[], body);
            }
            let rule = rules
                .refuses_refresh
                .iter()
                .find(|(resource, ..)| asked.get("scope").contains(resource));
            if let Some((_, error, code, claims)) = rule {
                return refused(error, *code, *claims);
            }
            if let Some(happens) = &rules.meanwhile {
                happens();
            }
            if rules.one_use {
                rules.good.retain(|(good, _)| good != token);
            }
            let person = if rules.confuses_people {
                rules.person
            } else {
                person
            };
            match (rules.holds.clone(), tokens(rules, asked, person)) {
                (Some(until), Answer::Bytes(bytes)) => Answer::Held(until, bytes),
                (_, answer) => answer,
            }
        }
        "client_credentials" => http(
            "200 OK",
            &[],
            r#"{"token_type":"Bearer","expires_in":3600,"access_token":"token-of-an-application"}"#,
        ),
        other => refused("unsupported_grant_type", 70_003, Some(other)),
    }
}

fn tokens(rules: &mut Rules, asked: &Asked, person: &'static str) -> Answer {
    rules.issued += 1;
    let number = rules.issued;
    let refresh = format!("canary-refresh-{number}");
    rules.good.push((refresh.clone(), person));
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let claims = serde_json::json!({
        "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "aud": asked.get("client_id"),
        "exp": now.as_secs() + 3600,
        "sub": format!("{person}-sub"),
        "oid": format!("{person}-oid"),
        "tid": TENANT,
        "preferred_username": format!("{person}@contoso.com"),
        "name": person,
    });
    let mut body = serde_json::json!({
        "token_type": "Bearer",
        "expires_in": 3600,
        "access_token": format!("token-{number}-of-{person}-for-{}", asked.get("scope").split(' ').next().unwrap()),
        "refresh_token": refresh,
        "id_token": format!("{}.{}.s", part(serde_json::json!({"alg": "RS256"})), part(claims)),
        "client_info": part(serde_json::json!({"uid": format!("{person}-oid"), "utid": TENANT})),
    });
    if let Some(family) = rules.family {
        body["foci"] = family.into();
    }
    http("200 OK", &[], &body.to_string())
}

/// Records what a person is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watcher(Arc<Mutex<Vec<String>>>);

impl Prompt for Watcher {
    fn show(&self, notice: &Notice<'_>) {
        let text = match notice {
            Notice::DeviceCode(code) => {
                format!("code {} at {}", code.user_code, code.verification_uri)
            }
            Notice::AnotherProcess => "another process".to_owned(),
            Notice::Over => "over".to_owned(),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

impl Watcher {
    pub(crate) fn saw(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The options of a process on a machine, whose person this is.
    pub(crate) fn at(&self, machine: &Fixture) -> ClientOptions {
        ClientOptions::new(machine.clone().shared()).with_prompt(Arc::new(self.clone()))
    }
}
