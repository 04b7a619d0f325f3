//! A browser for sign-ins: cookies, pages and their forms, without scripts.

use super::Lab;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use std::collections::BTreeMap;
use url::Url;

/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const REDIRECT: &str = "http://localhost:8400";

/// A browser with its cookies.
pub(crate) struct TestBrowser<'a> {
    lab: &'a Lab,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// The page that a browser shows, or the URL to which it was redirected.
#[derive(Debug)]
pub(crate) struct ShownPage {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// A URL outside the service.
    pub(crate) sent_to: Option<Url>,
    pub(crate) html: String,
}

impl<'a> TestBrowser<'a> {
    pub(crate) fn new(lab: &'a Lab) -> Self {
        Self {
            lab,
            cookies: BTreeMap::new(),
        }
    }

    /// Opens a URL of the service.
    pub(crate) async fn open(&mut self, path: &str) -> ShownPage {
        let url = self.lab.login(path);
        self.follow(self.lab.client.get(url)).await
    }

    /// Opens the authorize endpoint with azure-identity's parameters. The given ones replace them;
    /// empty ones are left out.
    pub(crate) async fn authorize(
        &mut self,
        tenant: &str,
        parameters: &[(&str, &str)],
    ) -> ShownPage {
        let query = query(parameters);
        self.open(&format!("/{tenant}/oauth2/v2.0/authorize?{query}"))
            .await
    }

    /// Presses a button of a page, with these fields filled in.
    pub(crate) async fn press(
        &mut self,
        page: &ShownPage,
        button: &str,
        fields: &[(&str, &str)],
    ) -> ShownPage {
        let form = page.form_with(button);
        let mut all: Vec<(String, String)> = hidden(form);
        all.retain(|(name, _)| name != "do" && !fields.iter().any(|(other, _)| other == name));
        all.push(("do".to_owned(), button.to_owned()));
        all.extend(
            fields
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        let action = attribute(form, "action");
        self.post(&action, &all).await
    }

    /// Posts a form.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(String, String)]) -> ShownPage {
        let request = self.lab.client.post(self.lab.login(path)).form(fields);
        self.follow(request).await
    }

    async fn follow(&mut self, request: reqwest::RequestBuilder) -> ShownPage {
        let mut request = request;
        // A service with a redirect loop fails the test.
        for _ in 0..5 {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            let request_now = request.header(header::COOKIE, cookies.join("; "));
            let response = request_now.send().await.unwrap();
            let status = response.status().as_u16();
            let headers = response.headers().clone();
            self.keep(&headers);
            let location = headers
                .get(header::LOCATION)
                .map(|value| value.to_str().unwrap().to_owned());
            let html = unstyled(&response.text().await.unwrap());
            match location {
                Some(to) if to.starts_with('/') => {
                    request = self.lab.client.get(self.lab.login(&to));
                }
                Some(to) => {
                    return ShownPage {
                        status,
                        headers,
                        sent_to: Some(Url::parse(&to).unwrap()),
                        html,
                    };
                }
                None => {
                    return ShownPage {
                        status,
                        headers,
                        sent_to: None,
                        html,
                    };
                }
            }
        }
        panic!("the service sends a browser in circles");
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            for wanted in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
                assert!(attributes.contains(wanted), "{cookie}");
            }
            let (name, value) = pair.split_once('=').unwrap();
            assert!(name.starts_with("__Host-") && !cookie.contains("Domain"));
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
    }

    /// Signs in, from the page that lists the accounts to the page after the password.
    pub(crate) async fn sign_in(
        &mut self,
        page: &ShownPage,
        account: &str,
        password: &str,
    ) -> ShownPage {
        let page = self.press(page, "account", &[("account", account)]).await;
        assert_eq!(page.title(), "Enter password", "{page:?}");
        self.press(&page, "password", &[("passwd", password)]).await
    }
}

impl TestBrowser<'_> {
    /// Enters a user code, up to the page that lists the accounts.
    pub(crate) async fn enter_code(&mut self, user_code: &str) -> ShownPage {
        let page = self.open("/common/oauth2/deviceauth").await;
        self.press(&page, "code", &[("otc", user_code)]).await
    }

    /// Enters the number that the page shows.
    pub(crate) async fn enter_number(&mut self, page: &ShownPage) -> ShownPage {
        let number = page.number();
        self.press(page, "second_factor", &[("otc", &number)]).await
    }

    /// Signs a device in: the code, the account, the password, the second factor if required, and
    /// the confirmation.
    pub(crate) async fn approve_device(
        &mut self,
        user_code: &str,
        account: &str,
        password: &str,
    ) -> ShownPage {
        let page = self.enter_code(user_code).await;
        let mut page = self.sign_in(&page, account, password).await;
        if page.title() == "Enter the number" {
            page = self.enter_number(&page).await;
        }
        self.press(&page, "confirm", &[]).await
    }

    /// Signs in for a device, and then declines.
    pub(crate) async fn decline_device(
        &mut self,
        user_code: &str,
        account: &str,
        password: &str,
    ) -> ShownPage {
        let page = self.enter_code(user_code).await;
        let page = self.sign_in(&page, account, password).await;
        self.press(&page, "cancel", &[]).await
    }
}

impl ShownPage {
    /// The heading.
    pub(crate) fn title(&self) -> String {
        between(&self.html, "<h1>", "</h1>")
    }

    /// The AADSTS code on the page, or 0.
    pub(crate) fn code(&self) -> u32 {
        let code: String = match self.html.split_once("AADSTS") {
            Some((_, rest)) => rest.chars().take_while(char::is_ascii_digit).collect(),
            None => return 0,
        };
        code.parse().unwrap()
    }

    /// The response that the program got at its redirect URI.
    #[track_caller]
    pub(crate) fn answer(&self) -> BTreeMap<String, String> {
        let url = self.sent_to.as_ref().unwrap_or_else(|| panic!("{self:?}"));
        url.query_pairs()
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect()
    }

    /// The authorization code that the program got.
    #[track_caller]
    pub(crate) fn authorization_code(&self) -> String {
        let answer = self.answer();
        answer
            .get("code")
            .unwrap_or_else(|| panic!("{answer:?}"))
            .clone()
    }

    /// Checks that the program got this error, with this AADSTS code.
    #[track_caller]
    pub(crate) fn error(&self, error: &str, code: u32) -> BTreeMap<String, String> {
        let answer = self.answer();
        assert_eq!(answer["error"], error, "{answer:?}");
        let start = format!("AADSTS{code}: ");
        assert!(
            answer["error_description"].starts_with(&start),
            "{answer:?}"
        );
        let page = answer.get("error_uri");
        let is_page = |uri: &String| uri.ends_with(&format!("/error?code={code}"));
        assert!(page.is_none_or(is_page), "{answer:?}");
        assert_eq!(page.is_none(), [65001, 70011].contains(&code), "{answer:?}");
        assert!(!answer.contains_key("code"));
        answer
    }

    /// The first form with this button or field.
    #[track_caller]
    pub(crate) fn form_with(&self, button: &str) -> &str {
        let wanted = format!(r#"name="do" value="{button}""#);
        let forms = self.html.split("<form ").skip(1);
        forms
            .filter_map(|form| form.split("</form>").next())
            .find(|form| form.contains(&wanted))
            .unwrap_or_else(|| panic!("no button '{button}': {self:?}"))
    }

    /// A hidden field of the first form.
    pub(crate) fn ctx(&self) -> String {
        let fields = hidden(&self.html);
        fields
            .into_iter()
            .find(|(name, _)| name == "ctx")
            .unwrap()
            .1
    }

    /// All hidden fields.
    pub(crate) fn fields(&self) -> BTreeMap<String, String> {
        hidden(&self.html).into_iter().collect()
    }

    /// The number that the authenticator app shows.
    pub(crate) fn number(&self) -> String {
        between(&self.html, r#"<output id="shown">"#, "</output>")
    }
}

/// The parameters of an authorization request.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let mut all = vec![
        ("client_id", super::people::AZURE_CLI),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", super::people::SCOPE),
        ("state", "a state"),
        ("nonce", "a nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("client_info", "1"),
    ];
    all.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
    all.extend(parameters.iter().filter(|(_, value)| !value.is_empty()));
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(all)
        .finish()
}

/// Redeems a code. The parameters replace azure-identity's.
pub(crate) async fn redeem(
    lab: &Lab,
    tenant: &str,
    code: &str,
    parameters: &[(&str, &str)],
) -> super::Reply {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    form.retain(|(name, _)| !parameters.iter().any(|(other, _)| other == name));
    form.extend(parameters);
    super::people::request_token(lab, tenant, &form).await
}

/// The JSON in a base64url text.
pub(crate) fn decoded(text: &str) -> serde_json::Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn hidden(form: &str) -> Vec<(String, String)> {
    let inputs = form.split("<input ").skip(1);
    inputs
        .filter_map(|input| input.split('>').next())
        .filter(|input| input.contains(r#"type="hidden""#))
        .map(|input| (attribute(input, "name"), attribute(input, "value")))
        .collect()
}

/// A page without its style sheet, to keep the output of a failed test short.
fn unstyled(html: &str) -> String {
    match (html.split_once("<style>"), html.split_once("</style>")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => html.to_owned(),
    }
}

fn attribute(html: &str, name: &str) -> String {
    unescape(&between(html, &format!("{name}=\""), "\""))
}

fn between(text: &str, start: &str, end: &str) -> String {
    let rest = text.split_once(start).map_or("", |(_, rest)| rest);
    rest.split_once(end)
        .map_or("", |(found, _)| found)
        .to_owned()
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
