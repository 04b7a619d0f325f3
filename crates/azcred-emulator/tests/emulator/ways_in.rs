//! The two ways: each service by its port, and Azure's real names through the proxy.

use crate::common::{self, ARM_SCOPE, DEMO, Lab, TENANT, client};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// A client that uses the emulator's proxy.
fn proxied(lab: &Lab) -> reqwest::Client {
    let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
    // `no_proxy` in the common builder only turns off the machine's own proxies.
    client(&lab.emulator).proxy(proxy).build().unwrap()
}

fn port_of(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}

/// Sends text to a port and reads the response to its end.
async fn raw(url: &str, text: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port_of(url)))
        .await
        .unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn json(client: &reqwest::Client, url: &str) -> Value {
    let response = client.get(url).send().await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    response.json().await.unwrap()
}

#[tokio::test]
async fn every_real_name_of_the_sign_in_service_has_its_own_certificate() {
    let lab = Lab::start().await;
    let client = proxied(&lab);
    for host in [
        "login.microsoftonline.com",
        "login.microsoft.com",
        "westeurope.login.microsoft.com",
        "login.windows.net",
        "sts.windows.net",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.chinacloudapi.cn",
    ] {
        let url = format!("https://{host}/{TENANT}/v2.0/.well-known/openid-configuration");
        let configuration = json(&client, &url).await;
        let token = configuration["token_endpoint"].as_str().unwrap();
        assert_eq!(token, format!("https://{host}/{TENANT}/oauth2/v2.0/token"));
    }
}

#[tokio::test]
async fn a_token_from_a_real_name_works_at_arms_real_name() {
    let lab = Lab::start().await;
    let client = proxied(&lab);
    let secret = lab.identity("azcred-demo").secret.clone().unwrap();
    let answer = client
        .post(format!(
            "https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
        ))
        .form(&[
            ("grant_type", "client_credentials"),
            ("client_id", DEMO),
            ("client_secret", &secret),
            ("scope", ARM_SCOPE),
        ])
        .send()
        .await
        .unwrap();
    let answer = common::read(answer).await;
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    let subscriptions = "https://management.azure.com/subscriptions?api-version=2022-12-01";
    let with = client
        .get(subscriptions)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(with.status(), 200);
    let without = client.get(subscriptions).send().await.unwrap();
    assert_eq!(without.status(), 401);
}

#[tokio::test]
async fn discovery_by_a_port_returns_urls_of_that_port() {
    let lab = Lab::start().await;
    let login = lab.emulator.info().login_url.clone();
    for (path, token, keys, issuer) in [
        (
            format!("/{TENANT}/v2.0/.well-known/openid-configuration"),
            format!("{login}/{TENANT}/oauth2/v2.0/token"),
            format!("{login}/{TENANT}/discovery/v2.0/keys"),
            format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        ),
        (
            "/contoso.com/.well-known/openid-configuration".to_owned(),
            format!("{login}/{TENANT}/oauth2/token"),
            format!("{login}/common/discovery/keys"),
            format!("https://sts.windows.net/{TENANT}/"),
        ),
        (
            "/common/v2.0/.well-known/openid-configuration".to_owned(),
            format!("{login}/common/oauth2/v2.0/token"),
            format!("{login}/common/discovery/v2.0/keys"),
            "https://login.microsoftonline.com/{tenantid}/v2.0".to_owned(),
        ),
    ] {
        let body = lab.get(&path).await.body;
        assert_eq!(body["token_endpoint"], token, "{path}");
        assert_eq!(body["jwks_uri"], keys, "{path}");
        assert_eq!(body["issuer"], issuer, "{path}");
    }
}

#[tokio::test]
async fn the_published_key_is_the_one_that_signs() {
    let lab = Lab::start().await;
    let token = lab.request_token_as("azcred-demo").await.body["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header: Value =
        serde_json::from_slice(&engine.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(header["alg"], "RS256");
    let v2 = lab
        .get(&format!("/{TENANT}/discovery/v2.0/keys"))
        .await
        .body;
    let v1 = lab.get("/common/discovery/keys").await.body;
    let of = |keys: &Value| {
        let all = keys["keys"].as_array().unwrap();
        all.iter()
            .find(|key| key["kid"] == header["kid"])
            .unwrap()
            .clone()
    };
    assert_eq!(of(&v1)["n"], of(&v2)["n"]);
    assert_eq!(
        of(&v2)["issuer"],
        format!("https://login.microsoftonline.com/{TENANT}/v2.0")
    );
    let part = |name: &str| engine.decode(of(&v2)[name].as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    aws_lc_rs::signature::RsaPublicKeyComponents {
        n: part("n"),
        e: part("e"),
    }
    .verify(
        &aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &engine.decode(signature).unwrap(),
    )
    .unwrap();
}

#[tokio::test]
async fn instance_discovery_knows_azures_authorities_and_its_own_port_and_no_others() {
    let lab = Lab::start().await;
    let request_token = async |authority: &str, version: &str| {
        let endpoint = format!("https://{authority}/{TENANT}/oauth2/v2.0/authorize");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("api-version", version),
                ("authorization_endpoint", &endpoint),
            ])
            .finish();
        lab.get(&format!("/common/discovery/instance?{query}"))
            .await
    };
    let known = request_token("login.microsoftonline.com", "1.1").await;
    assert_eq!(
        known.body["tenant_discovery_endpoint"],
        format!("https://login.microsoftonline.com/{TENANT}/v2.0/.well-known/openid-configuration")
    );
    assert_eq!(
        known.body["metadata"][0]["preferred_cache"],
        "login.windows.net"
    );
    let own = lab
        .emulator
        .info()
        .login_url
        .strip_prefix("https://")
        .unwrap()
        .to_owned();
    assert_eq!(request_token(&own, "1.0").await.status, 200);
    for stranger in [
        "example.com",
        "login.microsoftonline.com.example.com",
        "localhost:1",
    ] {
        let answer = request_token(stranger, "1.1").await;
        assert_eq!((answer.status, answer.code()), (400, 50049), "{stranger}");
        assert_eq!(answer.body["error"], "invalid_instance");
    }
}

/// As programs without a proxy reach it, where Azure's names lead to the proxy's port.
#[tokio::test]
async fn tls_to_the_proxys_port_is_served_by_the_name_that_the_client_sends() {
    let lab = Lab::start().await;
    let proxy = port_of(&lab.emulator.info().proxy_url);
    let at = |host: &str| {
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], proxy));
        let client = client(&lab.emulator).resolve(host, address);
        client.build().unwrap()
    };
    for host in [
        "login.microsoftonline.com",
        "westeurope.login.microsoft.com",
    ] {
        let url = format!("https://{host}/{TENANT}/v2.0/.well-known/openid-configuration");
        let configuration = json(&at(host), &url).await;
        let token = configuration["token_endpoint"].as_str().unwrap();
        assert_eq!(token, format!("https://{host}/{TENANT}/oauth2/v2.0/token"));
    }
    let misdirected = at("management.azure.com").get("https://management.azure.com/");
    let misdirected = misdirected.header("Host", "graph.microsoft.com");
    assert_eq!(misdirected.send().await.unwrap().status(), 421);
    // The authority could vouch for these, but the emulator does not serve them.
    for host in ["kv-contoso.vault.azure.net", "azure.com"] {
        let refused = at(host).get(format!("https://{host}/")).send().await;
        assert!(refused.unwrap_err().is_connect(), "{host}");
        let log = lab.emulator.requests().all();
        let last = log.last().unwrap();
        let shown = (last.service.as_str(), last.host.as_str(), last.status);
        assert_eq!(shown, ("proxy", host, None));
    }
}

#[tokio::test]
async fn the_proxy_rejects_other_hosts_and_says_so() {
    let lab = Lab::start().await;
    let proxy = &lab.emulator.info().proxy_url;
    let connect = |host: &str| {
        format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    };
    for host in [
        "example.com:443",
        "azure.com:443",
        "localhost:443",
        "127.0.0.1:443",
    ] {
        let answer = raw(proxy, &connect(host)).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        let name = host.split(':').next().unwrap();
        assert!(
            answer.contains(&format!("'{name}'")) && answer.contains("NO_PROXY"),
            "{answer}"
        );
    }
    let port = raw(proxy, &connect("login.microsoftonline.com:80")).await;
    assert!(
        port.starts_with("HTTP/1.1 403 ") && port.contains("443 only"),
        "{port}"
    );
    let plain =
        "GET http://example.com/a HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n";
    let plain = raw(proxy, plain).await;
    assert!(
        plain.starts_with("HTTP/1.1 403 ") && plain.contains("plain"),
        "{plain}"
    );
    let direct = raw(
        proxy,
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        direct.starts_with("HTTP/1.1 400 ") && direct.contains("HTTPS_PROXY"),
        "{direct}"
    );
    let log = lab.emulator.requests().all();
    let refused: Vec<_> = log
        .iter()
        .filter(|served| served.service == "proxy")
        .collect();
    assert_eq!(refused.len(), 7, "{log:?}");
    assert_eq!(refused[0].host, "example.com:443");
    assert_eq!(refused[0].status, Some(403));
}

#[tokio::test]
async fn a_request_for_another_host_in_a_tunnel_is_rejected() {
    let lab = Lab::start().await;
    let client = proxied(&lab);
    let answer = client
        .get(format!(
            "https://login.microsoftonline.com/{TENANT}/discovery/v2.0/keys"
        ))
        .header("host", "management.azure.com")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 421);
}

#[tokio::test]
async fn the_error_for_plain_http_says_to_use_https() {
    let lab = Lab::start().await;
    let answer = raw(
        &lab.emulator.info().login_url,
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("https://"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_authority_gets_no_response() {
    let lab = Lab::start().await;
    let stranger = reqwest::Client::builder().no_proxy().build().unwrap();
    let error = stranger
        .get(lab.login("/common/discovery/keys"))
        .send()
        .await
        .unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(lab.emulator.requests().all().is_empty());
}

#[tokio::test]
async fn too_large_bodies_and_headers_are_rejected() {
    let lab = Lab::start().await;
    let url = lab.login(&format!("/{TENANT}/oauth2/v2.0/token"));
    for size in [200 * 1024, 5 * 1024 * 1024] {
        let sent = lab.client.post(&url).body("x".repeat(size)).send().await;
        // The server may close the connection before it has read the whole request.
        if let Ok(response) = sent {
            assert_eq!(response.status(), 413, "{size}");
        }
    }
    let sent = lab
        .client
        .get(&url)
        .header("x-long", "y".repeat(100 * 1024))
        .send()
        .await;
    if let Ok(response) = sent {
        assert!([400, 431].contains(&response.status().as_u16()));
    }
    assert_eq!(lab.request_token_as("azcred-demo").await.status, 200);
}

#[tokio::test]
async fn the_log_names_the_client_and_has_no_secret() {
    let lab = Lab::start().await;
    lab.request_token(&[("client_id", DEMO), ("client_secret", "canary-hunter2")])
        .await;
    let log = lab.emulator.requests().all();
    let served = log.last().unwrap();
    assert_eq!(served.client_id.as_deref(), Some(DEMO));
    assert_eq!(served.error.as_deref(), Some("AADSTS7000215"));
    assert_eq!((served.method.as_str(), served.status), ("POST", Some(401)));
    assert!(!serde_json::to_string(&log).unwrap().contains("canary"));
}
