//! Signs a person in at any OpenID provider, then gets a second token without the person.
//!
//! `cargo run --package azcred --example sign_in -- --issuer https://id.example --client-id ID
//! --flow browser|device [--scope S] [--refresh]`
//!
//! The application must be a public client of the provider (without a secret). For the browser
//! flow, it needs the redirect address `http://localhost` on any port.

use azcred::{
    ClientId, ClientOptions, Cloud, Credential, DeviceCodeCredential, InteractiveBrowserCredential,
    Scope, TokenRequest,
};

struct Arguments {
    issuer: String,
    client_id: ClientId,
    flow: String,
    scope: Scope,
    refresh: bool,
}

const USAGE: &str =
    "usage: sign_in --issuer URL --client-id ID --flow browser|device [--scope S] [--refresh]";

#[tokio::main]
async fn main() {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    if let Err(error) = sign_in(arguments).await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn arguments() -> Option<Arguments> {
    let (mut issuer, mut client_id, mut flow) = (None, None, None);
    let (mut scope, mut refresh) = ("openid".to_owned(), false);
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        match name.as_str() {
            "--issuer" => issuer = given.next(),
            "--client-id" => client_id = given.next(),
            "--flow" => flow = given.next(),
            "--scope" => scope = given.next()?,
            "--refresh" => refresh = true,
            _ => return None,
        }
    }
    Some(Arguments {
        issuer: issuer?,
        client_id: client_id?.parse().ok()?,
        flow: flow.filter(|flow| flow == "browser" || flow == "device")?,
        scope: scope.parse().ok()?,
        refresh,
    })
}

async fn sign_in(arguments: Arguments) -> azcred::Result<()> {
    let options = ClientOptions::default().with_cloud(Cloud::openid_provider(&arguments.issuer)?);
    let request = TokenRequest::new(arguments.scope);
    let client_id = arguments.client_id;
    let credential: Box<dyn Credential>;
    let (first, account) = if arguments.flow == "browser" {
        let browser = InteractiveBrowserCredential::new(options)?.with_client_id(client_id);
        let signed_in = browser.sign_in(&request).await?;
        credential = Box::new(browser);
        signed_in
    } else {
        let device = DeviceCodeCredential::new(options)?.with_client_id(client_id);
        let signed_in = device.sign_in(&request).await?;
        credential = Box::new(device);
        signed_in
    };
    println!("signed in: {}", account.who());
    println!("first token: good until {}", first.expires_on());
    if arguments.refresh {
        // The person is not asked again: the refresh token is enough.
        let second = credential.get_token(&request).await?;
        let kind = if second.secret() == first.secret() {
            "the same as the first"
        } else {
            "another"
        };
        println!("second token: {kind}, good until {}", second.expires_on());
    }
    Ok(())
}
