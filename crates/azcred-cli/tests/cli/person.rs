//! A person with a browser: opens the emulator's pages, follows redirects, fills in forms.

use crate::azure::Azure;
use std::collections::BTreeMap;
use url::Url;

/// A browser with its cookies.
pub(crate) struct BrowserUser<'a> {
    azure: &'a Azure,
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
    name: &'a str,
}

/// The page that it shows.
#[derive(Clone)]
struct Page {
    address: Url,
    html: String,
}

impl<'a> BrowserUser<'a> {
    /// A user of the seed, such as `ada@contoso.com`.
    pub(crate) fn new(azure: &'a Azure, name: &'a str) -> Self {
        // Another test of this process may have set it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pem = std::fs::read(&azure.info().ca_certificate).expect("the emulator wrote it");
        let root = reqwest::Certificate::from_pem(&pem).expect("a certificate");
        let client = reqwest::Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        Self {
            azure,
            client: client.build().expect("a client"),
            cookies: BTreeMap::new(),
            name,
        }
    }

    /// Enters a user code, signs in, and confirms.
    pub(crate) fn enters(mut self, code: &str) {
        let azure = self.azure;
        azure.block_on(async {
            let address = format!("{}/common/oauth2/deviceauth", azure.info().login_url);
            let page = self.open(&address).await;
            let page = self.press(&page, "code", &[("otc", code)]).await;
            let page = self.signs_in(&page).await;
            let page = self.press(&page, "confirm", &[]).await;
            assert!(page.html.contains("You are signed in"), "{}", page.html);
        });
    }

    /// Enters a user code, and then declines.
    pub(crate) fn declines(mut self, code: &str) {
        let azure = self.azure;
        azure.block_on(async {
            let address = format!("{}/common/oauth2/deviceauth", azure.info().login_url);
            let page = self.open(&address).await;
            let page = self.press(&page, "code", &[("otc", code)]).await;
            let page = self.signs_in(&page).await;
            self.press(&page, "cancel", &[]).await;
        });
    }

    /// Signs in at the URL with which a browser was started. Returns the last page.
    pub(crate) fn visits(mut self, address: &str) -> String {
        let azure = self.azure;
        azure.block_on(async {
            let page = self.open(address).await;
            self.signs_in(&page).await.html
        })
    }

    async fn signs_in(&mut self, page: &Page) -> Page {
        let info = self.azure.info();
        let user = info
            .users
            .iter()
            .find(|user| user.user_principal_name == self.name);
        let user = user.expect("the seed has them");
        let id = user.object_id.to_string();
        // If the request has a hint, the page for the name is skipped.
        let named = page.html.contains(r#"name="passwd""#);
        let page = match named {
            true => page.clone(),
            false => self.press(page, "account", &[("account", &id)]).await,
        };
        let password = user.password.as_deref().expect("no guest");
        let page = self.press(&page, "password", &[("passwd", password)]).await;
        match page.html.split_once(r#"<output id="shown">"#) {
            Some((_, rest)) => {
                let number = rest.split('<').next().unwrap_or_default().to_owned();
                self.press(&page, "second_factor", &[("otc", &number)])
                    .await
            }
            None => page,
        }
    }

    async fn open(&mut self, address: &str) -> Page {
        let address = Url::parse(address).expect("an address");
        let request = self.client.get(address.clone());
        self.follow(request, address).await
    }

    /// Presses a button of a page, with these fields filled in.
    async fn press(&mut self, page: &Page, button: &str, fields: &[(&str, &str)]) -> Page {
        let wanted = format!(r#"name="do" value="{button}""#);
        let mut forms = page.html.split("<form ").skip(1);
        let form = forms
            .find(|form| form.contains(&wanted))
            .unwrap_or_else(|| panic!("no button '{button}': {}", page.html));
        let form = form.split("</form>").next().unwrap_or_default();
        let mut all: Vec<(String, String)> = form
            .split("<input ")
            .skip(1)
            .filter(|input| input.contains(r#"type="hidden""#))
            .map(|input| (attribute(input, "name"), attribute(input, "value")))
            .filter(|(name, _)| name != "do")
            .collect();
        all.push(("do".to_owned(), button.to_owned()));
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        all.extend(fields);
        let action = page
            .address
            .join(&attribute(form, "action"))
            .expect("an address");
        let request = self.client.post(action.clone()).form(&all);
        self.follow(request, action).await
    }

    async fn follow(&mut self, request: reqwest::RequestBuilder, address: Url) -> Page {
        let (mut request, mut address) = (request, address);
        // A service with a redirect loop fails the test.
        for _ in 0..6 {
            let cookies: Vec<String> = self
                .cookies
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            let response = request
                .header("cookie", cookies.join("; "))
                .header("sec-fetch-mode", "navigate")
                .header("sec-fetch-dest", "document")
                .send()
                .await
                .expect("an answer");
            for cookie in response.headers().get_all("set-cookie") {
                let cookie = cookie.to_str().expect("text");
                let pair = cookie
                    .split(';')
                    .next()
                    .and_then(|pair| pair.split_once('='));
                let (name, value) = pair.expect("a cookie");
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let location = response.headers().get("location").cloned();
            let Some(location) = location else {
                let html = response.text().await.expect("a page");
                return Page { address, html };
            };
            address = address
                .join(location.to_str().expect("text"))
                .expect("an address");
            request = self.client.get(address.clone());
        }
        panic!("the service sends a browser in circles");
    }
}

fn attribute(html: &str, name: &str) -> String {
    let start = format!("{name}=\"");
    let rest = html.split_once(&start).map_or("", |(_, rest)| rest);
    let value = rest.split('"').next().unwrap_or_default();
    value
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
