//! People at the pages of a local Azure, with policies, revocations and refresh tokens for one use.

use azcred::{
    AzcredCredential, ClientOptions, Credential, DeviceCodeCredential, Error, ErrorKind,
    InteractiveBrowserCredential, Notice, Prompt, Scope, TokenRequest,
    http::Url,
    system::{Fixture, Program},
};
use azcred_emulator::{Emulator, Options, Seed};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::join_all;
use reqwest::header;
use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
};

const ADA: &str = "e0000001-0000-4000-8000-000000000001";
const PASSWORD: &str = "analytical";
/// Far longer than any response here takes, so that a slow machine does not change the result.
const AMPLE: Duration = Duration::from_secs(120);

/// A tenant with one person, who needs a second factor for storage.
const SEED: &str = r#"
[[tenants]]
id = "c0a70500-0000-4000-8000-000000000001"
name = "Contoso"
domains = ["contoso.com"]
device_code_interval = 0
refresh_token_rotation = "one_time"

[[users]]
tenant = "contoso.com"
id = "e0000001-0000-4000-8000-000000000001"
user_principal_name = "ada@contoso.com"
name = "Ada Lovelace"
password = "analytical"

[[conditional_access]]
tenant = "contoso.com"
name = "A second factor for storage"
users = ["ada@contoso.com"]
resources = ["https://storage.azure.com"]
require = "mfa"

[[subscriptions]]
id = "5ec0ffee-0001-4000-8000-000000000001"
tenant = "contoso.com"
name = "Contoso ML"

[[role_assignments]]
principal = "ada@contoso.com"
role = "Reader"
scope = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001"
"#;

/// A local Azure and a machine.
struct Azure {
    emulator: Emulator,
    client: reqwest::Client,
    machine: Fixture,
}

impl Azure {
    async fn start() -> Self {
        let seed = Seed::Text {
            name: "people".into(),
            text: SEED.into(),
        };
        let options = Options {
            seed,
            ..Options::default()
        };
        let emulator = Emulator::start(options).await.unwrap();
        let pem = fs::read(&emulator.info().ca_certificate).unwrap();
        // Another test of this process may have installed it first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        let machine = Fixture::new()
            .with_var("HOME", "/home/ada")
            .with_var("DISPLAY", ":0")
            .with_program("firefox", &Program::prints(0, "", ""))
            .with_var("AZURE_AUTHORITY_HOST", &emulator.info().login_url)
            .with_var("SSL_CERT_FILE", "/ca.pem")
            .with_file("/ca.pem", pem);
        Self {
            emulator,
            client,
            machine,
        }
    }

    /// The options of a process on the machine, and what its person is shown.
    fn process(&self) -> (ClientOptions, UnboundedReceiver<Told>) {
        let (sender, told) = unbounded_channel();
        let options = ClientOptions::new(self.machine.clone().shared())
            .with_prompt(Arc::new(Watching(sender)))
            .with_deadline(AMPLE)
            .with_disk_cache();
        (options, told)
    }

    fn person(&self) -> Person<'_> {
        Person {
            azure: self,
            cookies: BTreeMap::new(),
            steps: Vec::new(),
        }
    }

    /// Ends all sessions of the person, as an administrator can.
    fn revoke(&self) {
        let world = self.emulator.world();
        let now = world.clock.now();
        world
            .directory_mut()
            .revoke_sessions(ADA.parse().unwrap(), now);
    }

    /// Resource Manager's response to a token: the status, and the claims that it demands.
    async fn arm(&self, token: &str) -> (u16, Option<String>) {
        let at = &self.emulator.info().arm_url;
        let request = self
            .client
            .get(format!("{at}/subscriptions?api-version=2022-12-01"))
            .bearer_auth(token);
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE);
        let claims = challenge.and_then(|challenge| {
            let (_, claims) = challenge.to_str().unwrap().split_once("claims=\"")?;
            let claims = claims.split('"').next().unwrap();
            Some(String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap())
        });
        (answer.status().as_u16(), claims)
    }
}

/// What a person is shown.
#[derive(Debug)]
enum Told {
    Browser(Url),
    Code(String, Url),
    Over,
}

#[derive(Debug)]
struct Watching(UnboundedSender<Told>);

impl Prompt for Watching {
    fn show(&self, notice: &Notice<'_>) {
        let told = match notice {
            Notice::Browser { url, .. } => Told::Browser((*url).clone()),
            Notice::DeviceCode(code) => {
                Told::Code(code.user_code.clone(), code.verification_uri.clone())
            }
            Notice::Over => Told::Over,
            _ => return,
        };
        let _ = self.0.send(told);
    }
}

/// A person at a browser without scripts, who fills in each page.
struct Person<'a> {
    azure: &'a Azure,
    cookies: BTreeMap<String, String>,
    /// The buttons that the person pressed.
    steps: Vec<&'static str>,
}

impl Person<'_> {
    /// Opens what the person is shown and continues until a page has no form. Returns that page.
    async fn does_what(&mut self, told: &mut UnboundedReceiver<Told>) -> String {
        let (address, user_code) = match told.recv().await.unwrap() {
            Told::Browser(url) => (url, String::new()),
            Told::Code(code, url) => (url, code),
            Told::Over => panic!("it is over"),
        };
        let login = Url::parse(&self.azure.emulator.info().login_url).unwrap();
        let client = &self.azure.client;
        let mut page = self.follow(client.get(address), &login).await;
        while let Some((button, form)) = asked_for(&page) {
            self.steps.push(button);
            assert!(self.steps.len() < 20, "in circles: {page}");
            let mut fields = hidden(form);
            fields.retain(|(name, _)| name != "do");
            fields.push(("do".to_owned(), button.to_owned()));
            let (name, value) = match button {
                "code" => ("otc", user_code.clone()),
                "account" => ("account", ADA.to_owned()),
                "password" => ("passwd", PASSWORD.to_owned()),
                "second_factor" => (
                    "otc",
                    between(&page, r#"<output id="shown">"#, "</output>").to_owned(),
                ),
                _ => ("", String::new()),
            };
            fields.retain(|(other, _)| other != name);
            if !name.is_empty() {
                fields.push((name.to_owned(), value));
            }
            let action = login.join(between(form, "action=\"", "\"")).unwrap();
            page = self.follow(client.post(action).form(&fields), &login).await;
        }
        page
    }

    async fn follow(&mut self, request: reqwest::RequestBuilder, login: &Url) -> String {
        let mut request = request;
        for _ in 0..8 {
            let cookies = self.cookies.iter().map(|(n, v)| format!("{n}={v}"));
            let cookies: Vec<String> = cookies.collect();
            let with_cookies = request.header(header::COOKIE, cookies.join("; "));
            let answer = with_cookies.send().await.unwrap();
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let (pair, _) = cookie.to_str().unwrap().split_once(';').unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(to) = answer.headers().get(header::LOCATION) else {
                return answer.text().await.unwrap();
            };
            let to = login.join(to.to_str().unwrap()).unwrap();
            request = self.azure.client.get(to);
        }
        panic!("sent in circles");
    }
}

/// The form that continues the sign-in, and its button.
fn asked_for(page: &str) -> Option<(&'static str, &str)> {
    let buttons = [
        "code",
        "account",
        "password",
        "second_factor",
        "confirm",
        "accept",
    ];
    buttons.into_iter().find_map(|button| {
        let wanted = format!(r#"name="do" value="{button}""#);
        let forms = page.split("<form ").skip(1);
        let mut forms = forms.filter_map(|form| form.split("</form>").next());
        Some((button, forms.find(|form| form.contains(&wanted))?))
    })
}

fn hidden(form: &str) -> Vec<(String, String)> {
    let inputs = form.split("<input ").skip(1);
    inputs
        .filter_map(|input| input.split('>').next())
        .filter(|input| input.contains(r#"type="hidden""#))
        .map(|input| {
            let part = |name: &str| between(input, &format!("{name}=\""), "\"").to_owned();
            (part("name"), part("value"))
        })
        .collect()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split_once(end).map_or("", |(found, _)| found)
}

fn asking(
    credential: impl Credential + 'static,
    request: TokenRequest,
) -> JoinHandle<Result<String, Error>> {
    tokio::spawn(async move { Ok(credential.get_token(&request).await?.secret().to_owned()) })
}

/// The token that the next process gets without asking the person.
async fn silently(azure: &Azure, request: &TokenRequest) -> Result<String, Error> {
    let (options, _told) = azure.process();
    let credential = AzcredCredential::new(options).unwrap();
    Ok(credential.get_token(request).await?.secret().to_owned())
}

fn claim(token: &str, name: &str) -> serde_json::Value {
    let payload = token.split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .unwrap();
    serde_json::from_slice::<serde_json::Value>(&payload).unwrap()[name].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_asks_for_a_second_factor_once_if_a_policy_needs_it() {
    let azure = Azure::start().await;
    let browser = |options| InteractiveBrowserCredential::new(options).unwrap();
    let mut person = azure.person();

    let (options, mut told) = azure.process();
    let token = asking(browser(options), TokenRequest::new(Scope::ARM));
    let page = person.does_what(&mut told).await;
    assert!(
        page.contains("You are signed in as ada@contoso.com."),
        "{page}"
    );
    assert_eq!(person.steps, ["account", "password"]);
    let token = token.await.unwrap().unwrap();
    assert_eq!(azure.arm(&token).await.0, 200);

    // A token for storage needs the person; the error says so.
    let storage = TokenRequest::new(Scope::STORAGE);
    let error = silently(&azure, &storage).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(50_076))
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("sign in in a browser"),
        "{error}"
    );
    let (options, mut told) = azure.process();
    let token = asking(browser(options), storage.clone());
    let page = person.does_what(&mut told).await;
    assert!(page.contains("You are signed in as"), "{page}");
    assert!(
        person.steps.contains(&"second_factor"),
        "{:?}",
        person.steps
    );
    let token = token.await.unwrap().unwrap();
    assert!(claim(&token, "amr").to_string().contains("mfa"), "{token}");

    // After that, the person is not asked for any token.
    for request in [storage, TokenRequest::new(Scope::ML)] {
        silently(&azure, &request).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_sign_in_asks_for_a_second_factor_too() {
    let azure = Azure::start().await;
    let mut person = azure.person();
    let code = |options| DeviceCodeCredential::new(options).unwrap();

    let (options, mut told) = azure.process();
    let token = asking(code(options), TokenRequest::new(Scope::ARM));
    person.does_what(&mut told).await;
    assert_eq!(person.steps, ["code", "account", "password", "confirm"]);
    token.await.unwrap().unwrap();

    let (options, mut told) = azure.process();
    let token = asking(code(options), TokenRequest::new(Scope::STORAGE));
    person.steps.clear();
    person.does_what(&mut told).await;
    assert!(
        person.steps.contains(&"second_factor"),
        "{:?}",
        person.steps
    );
    let token = token.await.unwrap().unwrap();
    assert!(claim(&token, "amr").to_string().contains("mfa"), "{token}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_for_one_use_serve_simultaneous_processes() {
    let azure = Azure::start().await;
    let (options, mut told) = azure.process();
    let browser = InteractiveBrowserCredential::new(options).unwrap();
    let token = asking(browser, TokenRequest::new(Scope::ARM));
    azure.person().does_what(&mut told).await;
    token.await.unwrap().unwrap();
    for _ in 0..2 {
        azcred::cache::clear(&azure.process().0).await.unwrap();
        let requests: Vec<TokenRequest> = [Scope::ARM, Scope::ML, Scope::GRAPH, Scope::KEY_VAULT]
            .into_iter()
            .cycle()
            .take(16)
            .map(TokenRequest::new)
            .collect();
        let all = join_all(requests.iter().map(|request| silently(&azure, request))).await;
        for token in all {
            token.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_sign_in_is_reported_once_by_the_api_and_then_in_one_sentence() {
    let azure = Azure::start().await;
    let (options, mut told) = azure.process();
    let browser = InteractiveBrowserCredential::new(options).unwrap();
    let request = TokenRequest::new(Scope::ARM).with_cae();
    let first = asking(browser, request.clone());
    let mut person = azure.person();
    person.does_what(&mut told).await;
    let first = first.await.unwrap().unwrap();
    assert_eq!(azure.arm(&first).await, (200, None));

    azure.revoke();
    let (status, claims) = azure.arm(&first).await;
    assert_eq!(status, 401);
    // The token that answers the challenge is not on the disk, and needs the person.
    let challenged = request.clone().with_claims(claims.unwrap());
    azure.emulator.requests().clear();
    let error = silently(&azure, &challenged).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(50_173))
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("sign in again to the tenant "),
        "{error}"
    );
    assert_eq!(azure.emulator.requests().all().len(), 1);
    // Whether the rejection was because of the claims is checked once. Then the dead refresh token
    // is not sent again.
    for _ in 0..3 {
        let again = silently(&azure, &TokenRequest::new(Scope::ML)).await;
        let again = again.unwrap_err();
        assert_eq!(again.code(), Some(50_173), "{again}");
        assert_eq!(azure.emulator.requests().all().len(), 2);
    }

    // The person signs in again, and the service accepts the token.
    let (options, mut told) = azure.process();
    let browser = InteractiveBrowserCredential::new(options).unwrap();
    let token = asking(browser, challenged);
    person.does_what(&mut told).await;
    let token = token.await.unwrap().unwrap();
    assert_eq!(azure.arm(&token).await, (200, None));
    assert_eq!(silently(&azure, &request).await.unwrap(), token);
}
