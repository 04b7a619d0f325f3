//! Container Registry over real connections: challenges, tokens by rights, images, restarts.

use crate::common::{Lab, Reply, client, read};
use azcred_emulator::{Options, Seed};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Method;
use serde_json::{Value, json};

const SERVER: &str = "crcontosoml.azurecr.io";
pub(crate) const HOST: &str = "https://crcontosoml.azurecr.io";
const REGISTRY: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.ContainerRegistry/registries/crcontosoml";

/// The default seed, with a role of azcred-demo at the registry.
fn with_role(role: &str) -> String {
    format!(
        "{}\n[[role_assignments]]\nprincipal = 'azcred-demo'\nrole = '{role}'\nscope = '{REGISTRY}'\n",
        Seed::default_text()
    )
}

/// A client that reaches the registry by its name, as an application.
pub(crate) struct Registry {
    pub(crate) client: reqwest::Client,
    token: String,
}

impl Registry {
    pub(crate) async fn of(lab: &Lab, name: &str) -> Self {
        Self::with(lab, name, "https://containerregistry.azure.net/.default").await
    }

    async fn with(lab: &Lab, name: &str, scope: &str) -> Self {
        let identity = lab.identity(name);
        let answer = lab
            .request_token(&[
                ("client_id", &identity.client_id.to_string()),
                ("client_secret", identity.secret.as_ref().unwrap()),
                ("scope", scope),
            ])
            .await;
        let token = answer.body["access_token"].as_str().unwrap().to_owned();
        let proxy = reqwest::Proxy::all(&lab.emulator.info().proxy_url).unwrap();
        let client = client(&lab.emulator).proxy(proxy).build().unwrap();
        Self { client, token }
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        let request = self.client.post(format!("{HOST}{path}")).form(form);
        read(request.send().await.unwrap()).await
    }

    async fn exchange(&self) -> Reply {
        self.post(
            "/oauth2/exchange",
            &[
                ("grant_type", "access_token"),
                ("service", SERVER),
                ("access_token", &self.token),
            ],
        )
        .await
    }

    async fn access(&self, scope: &str) -> Reply {
        let refresh = self.exchange().await;
        let refresh = refresh.body["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        self.post(
            "/oauth2/token",
            &[
                ("grant_type", "refresh_token"),
                ("service", SERVER),
                ("scope", scope),
                ("refresh_token", &refresh),
            ],
        )
        .await
    }

    /// A request with a token for a scope.
    pub(crate) async fn send(
        &self,
        scope: &str,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> reqwest::Response {
        let token = self.access(scope).await;
        let token = token.body["access_token"].as_str().expect("a token");
        let url = format!("{HOST}{path}");
        let request = self.client.request(method, url).bearer_auth(token);
        request.body(body).send().await.unwrap()
    }

    /// Pushes a blob in two pieces.
    pub(crate) async fn push_blob(&self, name: &str, content: &[u8]) -> String {
        let scope = format!("repository:{name}:pull,push");
        let begun = self
            .send(
                &scope,
                Method::POST,
                &format!("/v2/{name}/blobs/uploads/"),
                "",
            )
            .await;
        assert_eq!(begun.status(), 202);
        let mut place = begun.headers()["location"].to_str().unwrap().to_owned();
        let (first, second) = content.split_at(content.len() / 2);
        for piece in [first, second] {
            let sent = self
                .send(&scope, Method::PATCH, &place, piece.to_vec())
                .await;
            assert_eq!(sent.status(), 202);
            place = sent.headers()["location"].to_str().unwrap().to_owned();
        }
        let digest = digest(content);
        let ended = self
            .send(&scope, Method::PUT, &format!("{place}&digest={digest}"), "")
            .await;
        assert_eq!(ended.status(), 201);
        assert_eq!(ended.headers()["docker-content-digest"], digest.as_str());
        digest
    }

    pub(crate) async fn put_manifest(
        &self,
        name: &str,
        tag: &str,
        manifest: &str,
    ) -> reqwest::Response {
        let scope = format!("repository:{name}:pull,push");
        let path = format!("/v2/{name}/manifests/{tag}");
        // Without a type in the request, the manifest's own counts.
        self.send(&scope, Method::PUT, &path, manifest.to_owned())
            .await
    }

    /// Closes the registry's firewall, as Azure's Resource Manager does for a contributor.
    pub(crate) async fn close(&self, lab: &Lab) {
        let token = lab.request_token_as("azcred-contributor").await.body;
        let url = format!(
            "{}{REGISTRY}?api-version=2023-07-01",
            lab.emulator.info().arm_url
        );
        let rules = json!({"properties": {"networkRuleSet": {"defaultAction": "Deny"}}});
        let request = lab.client.patch(url).json(&rules);
        let request = request.bearer_auth(token["access_token"].as_str().unwrap());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

/// The type of a manifest of Docker's.
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn digest(content: &[u8]) -> String {
    use std::fmt::Write as _;
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let mut text = String::from("sha256:");
    for byte in sum.as_ref() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

pub(crate) fn manifest(config: &str, layer: &str) -> String {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest": config},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "size": 7, "digest": layer}],
    })
    .to_string()
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn code(reply: &Reply) -> (u16, &str) {
    let code = reply.body["errors"][0]["code"].as_str().unwrap_or_default();
    (reply.status, code)
}

#[tokio::test]
async fn a_request_without_a_token_is_told_where_to_get_one() {
    let lab = Lab::start().await;
    let registry = Registry::of(&lab, "azcred-demo").await;
    let actions = |actions: &[&str]| {
        let all = actions.iter();
        let all = all.map(|one| json!({"Type": "repository", "Name": "a/b", "Action": one}));
        all.collect::<Value>()
    };
    for (method, path, scope, detail) in [
        (Method::GET, "/v2/", "", Value::Null),
        (
            Method::GET,
            "/v2/a/b/manifests/latest",
            ",scope=\"repository:a/b:pull\"",
            actions(&["pull"]),
        ),
        (
            Method::POST,
            "/v2/a/b/blobs/uploads/",
            ",scope=\"repository:a/b:pull,push\"",
            actions(&["pull", "push"]),
        ),
        (
            Method::GET,
            "/acr/v1/a%2Fb/_tags",
            ",scope=\"repository:a/b:metadata_read\"",
            actions(&["metadata_read"]),
        ),
        (
            Method::DELETE,
            "/acr/v1/a%2Fb",
            ",scope=\"repository:a/b:delete\"",
            actions(&["delete"]),
        ),
    ] {
        let request = registry.client.request(method, format!("{HOST}{path}"));
        let reply = read(request.send().await.unwrap()).await;
        assert_eq!(code(&reply), (401, "UNAUTHORIZED"), "{path}");
        assert_eq!(reply.body["errors"][0]["detail"], detail, "{path}");
        let challenge = reply.headers["www-authenticate"].to_str().unwrap();
        let expected = format!("Bearer realm=\"{HOST}/oauth2/token\",service=\"{SERVER}\"{scope}");
        assert_eq!(challenge, expected, "{path}");
        assert_eq!(
            reply.headers["docker-distribution-api-version"],
            "registry/2.0"
        );
    }
    let none = registry.client.get("https://crnone.azurecr.io/v2/");
    assert_eq!(none.send().await.unwrap().status(), 404);

    // By a port: the first registry, or that in the path.
    let base = &lab.emulator.info().registry_url;
    for path in ["", "/crcontosoml"] {
        let reply = lab.client.get(format!("{base}{path}/v2/"));
        let reply = reply.send().await.unwrap();
        assert_eq!(reply.status(), 401);
        let challenge = reply.headers()["www-authenticate"].to_str().unwrap();
        let realm = format!("realm=\"{base}{path}/oauth2/token\"");
        assert!(challenge.contains(&realm), "{challenge}");
    }
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn each_role_gets_tokens_for_what_its_actions_say() {
    let scope = "repository:a/b:pull,push,delete,metadata_read registry:catalog:*";
    let (pull, push) = (
        &["pull", "metadata_read"][..],
        &["pull", "push", "metadata_read"][..],
    );
    let everything = &["pull", "push", "delete", "metadata_read"][..];
    for (role, granted) in [
        ("AcrPull", pull),
        ("Reader", pull),
        ("AcrPush", push),
        ("AcrDelete", &["delete"][..]),
        ("Contributor", everything),
        ("Owner", everything),
        ("Key Vault Administrator", &[]),
    ] {
        let lab = Lab::seeded(&with_role(role)).await;
        let registry = Registry::of(&lab, "azcred-demo").await;
        let exchanged = registry.exchange().await;
        if granted.is_empty() {
            assert_eq!(code(&exchanged), (401, "UNAUTHORIZED"), "{role}");
            lab.emulator.shutdown().await;
            continue;
        }
        let refresh = claims(exchanged.body["refresh_token"].as_str().unwrap());
        assert_eq!(
            (&refresh["aud"], &refresh["grant_type"]),
            (&json!(SERVER), &json!("refresh_token"))
        );
        let reply = registry.access(scope).await;
        let access = claims(reply.body["access_token"].as_str().unwrap())["access"].clone();
        let mut expected = vec![json!({"Type": "repository", "Name": "a/b", "Actions": granted})];
        if granted.contains(&"pull") {
            expected.push(json!({"Type": "registry", "Name": "catalog", "Actions": ["*"]}));
        }
        assert_eq!(access, json!(expected), "{role}");
        lab.emulator.shutdown().await;
    }
}

#[tokio::test]
async fn only_tokens_of_the_tenant_for_registries_are_exchanged() {
    let lab = Lab::seeded(&with_role("AcrPull")).await;
    for (scope, status) in [
        ("https://containerregistry.azure.net/.default", 200),
        ("https://management.azure.com/.default", 200),
        ("https://vault.azure.net/.default", 401),
    ] {
        let registry = Registry::with(&lab, "azcred-demo", scope).await;
        assert_eq!(registry.exchange().await.status, status, "{scope}");
    }
    let registry = Registry::of(&lab, "azcred-demo").await;
    let token = registry.token.as_str();
    for (form, status) in [
        (
            vec![("grant_type", "access_token"), ("access_token", token)],
            400,
        ),
        (
            vec![("grant_type", "access_token"), ("service", SERVER)],
            400,
        ),
        (vec![("grant_type", "x"), ("service", SERVER)], 400),
        (
            vec![
                ("grant_type", "access_token"),
                ("service", SERVER),
                ("access_token", "x"),
            ],
            401,
        ),
        (
            vec![
                ("grant_type", "access_token"),
                ("service", "other.azurecr.io"),
                ("access_token", token),
            ],
            401,
        ),
    ] {
        let reply = registry.post("/oauth2/exchange", &form).await;
        assert_eq!(reply.status, status, "{:?}", reply.body);
    }
    // A token of Entra ID, or a refresh token, is not an access token.
    let refresh = registry.exchange().await.body;
    for token in [token, refresh["refresh_token"].as_str().unwrap()] {
        let request = registry
            .client
            .get(format!("{HOST}/v2/"))
            .bearer_auth(token);
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    // A login with the refresh token as a password.
    let url = format!("{HOST}/oauth2/token?service={SERVER}&scope=repository:a:pull");
    let user = "00000000-0000-0000-0000-000000000000";
    let password = refresh["refresh_token"].as_str();
    for (user, password, status) in [
        (user, password, 200),
        ("x", password, 401),
        (user, None, 401),
    ] {
        let request = registry.client.get(&url).basic_auth(user, password);
        assert_eq!(request.send().await.unwrap().status(), status);
    }
    // Without any login.
    assert_eq!(
        registry.client.get(&url).send().await.unwrap().status(),
        401
    );
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn an_image_is_pushed_listed_pulled_and_deleted() {
    let lab = Lab::seeded(&with_role("Contributor")).await;
    let registry = Registry::of(&lab, "azcred-demo").await;
    let (config, layer) = (
        registry.push_blob("team/hello", b"{}").await,
        registry.push_blob("team/hello", b"a layer").await,
    );
    let text = manifest(&config, &layer);
    let put = registry.put_manifest("team/hello", "v1", &text).await;
    assert_eq!(put.status(), 201);
    let named = digest(text.as_bytes());
    assert_eq!(put.headers()["docker-content-digest"], named.as_str());

    let pull = "repository:team/hello:pull";
    for reference in ["v1", &named] {
        let path = format!("/v2/team/hello/manifests/{reference}");
        let got = registry.send(pull, Method::GET, &path, "").await;
        assert_eq!(got.headers()["content-type"], MANIFEST);
        assert_eq!(got.text().await.unwrap(), text);
        let head = registry.send(pull, Method::HEAD, &path, "").await;
        assert_eq!(
            head.headers()["content-length"],
            text.len().to_string().as_str()
        );
    }
    let path = format!("/v2/team/hello/blobs/{layer}");
    let got = registry.send(pull, Method::GET, &path, "").await;
    assert_eq!(got.bytes().await.unwrap(), "a layer");
    let token = registry.access(pull).await.body;
    let part = registry
        .client
        .get(format!("{HOST}{path}"))
        .header("range", "bytes=2-100");
    let part = part
        .bearer_auth(token["access_token"].as_str().unwrap())
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            part.status().as_u16(),
            part.headers()["content-range"].to_str().unwrap()
        ),
        (206, "bytes 2-6/7")
    );
    assert_eq!(part.bytes().await.unwrap(), "layer");

    let lists = "registry:catalog:* repository:team/hello:metadata_read";
    let catalog = read(registry.send(lists, Method::GET, "/v2/_catalog", "").await).await;
    assert_eq!(catalog.body, json!({"repositories": ["team/hello"]}));
    let tags = read(
        registry
            .send(lists, Method::GET, "/v2/team/hello/tags/list", "")
            .await,
    )
    .await;
    assert_eq!(tags.body, json!({"name": "team/hello", "tags": ["v1"]}));
    let path = "/acr/v1/team%2Fhello/_manifests";
    let manifests = read(registry.send(lists, Method::GET, path, "").await)
        .await
        .body;
    assert_eq!(manifests["manifests"][0]["digest"], named);
    assert_eq!(manifests["manifests"][0]["tags"], json!(["v1"]));

    let delete = "repository:team/hello:delete";
    let path = format!("/v2/team/hello/manifests/{named}");
    let gone = registry.send(delete, Method::DELETE, &path, "").await;
    assert_eq!(gone.status(), 202);
    let got = read(
        registry
            .send(pull, Method::GET, "/v2/team/hello/manifests/v1", "")
            .await,
    )
    .await;
    assert_eq!(code(&got), (404, "MANIFEST_UNKNOWN"));
    let gone = registry
        .send(delete, Method::DELETE, "/acr/v1/team%2Fhello", "")
        .await;
    assert_eq!(gone.status(), 202);
    let tags = read(
        registry
            .send(lists, Method::GET, "/v2/team/hello/tags/list", "")
            .await,
    )
    .await;
    assert_eq!(code(&tags), (404, "NAME_UNKNOWN"));
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn what_a_role_or_the_content_does_not_allow_is_refused() {
    let lab = Lab::seeded(&with_role("AcrPull")).await;
    let owner = Registry::of(&lab, "azcred-contributor").await;
    let reader = Registry::of(&lab, "azcred-demo").await;
    let layer = owner.push_blob("hello", b"a layer").await;

    // A token that lacks the right: the registry says so in the challenge.
    let push = "repository:hello:pull,push";
    let begun = reader
        .send(push, Method::POST, "/v2/hello/blobs/uploads/", "")
        .await;
    let challenge = begun.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        challenge.ends_with("scope=\"repository:hello:pull,push\",error=\"insufficient_scope\""),
        "{challenge}"
    );
    assert_eq!(code(&read(begun).await), (401, "UNAUTHORIZED"));
    let path = format!("/v2/hello/blobs/{layer}");
    let got = reader
        .send("repository:other:pull", Method::GET, &path, "")
        .await;
    assert_eq!(got.status(), 401);

    let none = digest(b"nothing");
    let put = owner
        .put_manifest("hello", "v1", &manifest(&none, &layer))
        .await;
    assert_eq!(code(&read(put).await), (404, "MANIFEST_BLOB_UNKNOWN"));
    let put = owner.put_manifest("hello", "v1", "not JSON").await;
    assert_eq!(code(&read(put).await), (400, "MANIFEST_INVALID"));
    let begun = owner
        .send(push, Method::POST, "/v2/hello/blobs/uploads/", "")
        .await;
    let place = begun.headers()["location"].to_str().unwrap().to_owned();
    let ended = owner
        .send(
            push,
            Method::PUT,
            &format!("{place}&digest={none}"),
            "other",
        )
        .await;
    assert_eq!(code(&read(ended).await), (400, "DIGEST_INVALID"));
    for (method, path, expected) in [
        (
            Method::GET,
            format!("/v2/hello/blobs/{none}"),
            (404, "BLOB_UNKNOWN"),
        ),
        (
            Method::GET,
            "/v2/hello/blobs/sha256:x".into(),
            (400, "DIGEST_INVALID"),
        ),
        (
            Method::GET,
            "/v2/Hello/manifests/v1".into(),
            (400, "NAME_INVALID"),
        ),
        (
            Method::GET,
            "/v2/../manifests/v1".into(),
            (501, "NotServedByEmulator"),
        ),
        (
            Method::GET,
            format!("/v2/hello/referrers/{none}"),
            (501, "NotServedByEmulator"),
        ),
        (
            Method::PATCH,
            format!("/v2/hello/blobs/uploads/{}", uuid::Uuid::nil()),
            (404, "BLOB_UPLOAD_UNKNOWN"),
        ),
    ] {
        let got = read(owner.send(push, method, &path, "").await).await;
        assert_eq!(code(&got), expected, "{path}");
    }
    // A blob is visible where it was pushed, until another repository mounts it.
    let scope = "repository:hello:pull repository:other:pull,push";
    let path = format!("/v2/other/blobs/{layer}");
    assert_eq!(
        owner.send(scope, Method::GET, &path, "").await.status(),
        404
    );
    let mount = format!("/v2/other/blobs/uploads/?mount={layer}&from=hello");
    assert_eq!(
        owner.send(scope, Method::POST, &mount, "").await.status(),
        201
    );
    assert_eq!(
        owner.send(scope, Method::GET, &path, "").await.status(),
        200
    );
    lab.emulator.shutdown().await;
}

#[tokio::test]
async fn images_are_there_after_a_restart_and_go_with_their_registry() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().join("state")),
        ..Options::default()
    };
    let lab = Lab::with(options()).await;
    let registry = Registry::of(&lab, "azcred-contributor").await;
    let layer = registry.push_blob("hello", b"a layer").await;
    // An upload that does not end.
    let scope = "repository:hello:pull,push";
    registry
        .send(scope, Method::POST, "/v2/hello/blobs/uploads/", "")
        .await;
    lab.emulator.shutdown().await;

    let lab = Lab::with(options()).await;
    let registry = Registry::of(&lab, "azcred-contributor").await;
    let path = format!("/v2/hello/blobs/{layer}");
    let got = registry.send(scope, Method::GET, &path, "").await;
    assert_eq!(got.bytes().await.unwrap(), "a layer");
    let files = |folder: &str| {
        let state = std::fs::read_dir(lab.emulator.info().state_dir.clone()).unwrap();
        let mut kept = state.map(|one| one.unwrap().path());
        let kept = kept
            .find(|one| one.to_str().unwrap().contains("registries-"))
            .unwrap();
        std::fs::read_dir(kept.join(folder))
            .map(Iterator::count)
            .ok()
    };
    assert_eq!(files("crcontosoml/uploads"), Some(0));

    let token = lab.request_token_as("azcred-contributor").await.body;
    let url = format!(
        "{}{REGISTRY}?api-version=2023-07-01",
        lab.emulator.info().arm_url
    );
    let bearer = token["access_token"].as_str().unwrap();
    let found = lab
        .client
        .get(&url)
        .bearer_auth(bearer)
        .send()
        .await
        .unwrap();
    let found = read(found).await.body;
    assert_eq!(found["properties"]["loginServer"], SERVER);
    assert_eq!(found["sku"]["name"], "Standard");
    registry.close(&lab).await;
    let refused = read(
        registry
            .client
            .get(format!("{HOST}/v2/"))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(code(&refused), (403, "DENIED"));
    let message = "client with IP '127.0.0.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
    assert_eq!(refused.body["errors"][0]["message"], message);
    let gone = lab
        .client
        .delete(&url)
        .bearer_auth(bearer)
        .send()
        .await
        .unwrap();
    assert_eq!(gone.status(), 200);
    assert_eq!(files("crcontosoml"), None);
    lab.emulator.shutdown().await;
}
