//! Applications that are made and changed through Microsoft Graph, and what they can do then.

use crate::common::{
    Assertion, Lab, Reply, TENANT,
    graph::{SCOPE, app_token, each, error, get, send, token},
};
use azcred_emulator::Options;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::Method;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use uuid::Uuid;

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";

/// A lab in which a person changes the directory.
struct Scene {
    lab: Lab,
    token: String,
}

/// An application that was made there.
struct Made {
    /// `/v1.0/applications/{id}`
    path: String,
    app_id: String,
}

impl Scene {
    async fn start() -> Self {
        Self::of(Lab::start().await).await
    }

    async fn of(lab: Lab) -> Self {
        let token = token(&lab, TENANT, "grace@contoso.com", SCOPE).await;
        Self { lab, token }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Reply {
        let body = (!body.is_null()).then_some(body);
        send(&self.lab, &self.token, method, path, body).await
    }

    async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, body).await
    }

    async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, Value::Null).await
    }

    async fn get(&self, path: &str) -> Reply {
        get(&self.lab, &self.token, path).await
    }

    async fn application(&self) -> Made {
        let body = json!({"displayName": "training", "tags": ["azcred"]});
        let made = self.post("/v1.0/applications", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        Made {
            path: format!("/v1.0/applications/{}", text(&made, "id")),
            app_id: text(&made, "appId").to_owned(),
        }
    }

    /// Its service principal, by its path.
    async fn principal(&self, app: &Made) -> String {
        let body = json!({"appId": app.app_id});
        let made = self.post("/v1.0/servicePrincipals", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        format!("/v1.0/servicePrincipals/{}", text(&made, "id"))
    }

    async fn sign_in(&self, app: &Made, secret: &str) -> Reply {
        let credentials = [
            ("client_id", app.app_id.as_str()),
            ("client_secret", secret),
        ];
        self.lab.request_token(&credentials).await
    }
}

fn text<'a>(answer: &'a Reply, name: &str) -> &'a str {
    let found = answer.body[name].as_str();
    found.unwrap_or_else(|| panic!("no {name}: {answer:?}"))
}

#[tokio::test]
async fn a_new_application_signs_in_with_its_secret_until_the_secret_or_it_is_gone() {
    let scene = Scene::start().await;
    let app = scene.application().await;
    let key_id = Uuid::new_v4();
    let add = format!("{}/addPassword", app.path);
    let wanted = json!({"passwordCredential": {"displayName": "ci", "keyId": key_id}});
    let added = scene.post(&add, wanted.clone()).await;
    assert_eq!(added.status, 200, "{added:?}");
    assert_eq!(text(&added, "keyId"), key_id.to_string());
    let secret = text(&added, "secretText").to_owned();
    // In the tenant, an application is its service principal.
    assert_eq!(scene.sign_in(&app, &secret).await.code(), 7_000_229);
    let principal = scene.principal(&app).await;
    let signed_in = scene.sign_in(&app, &secret).await;
    assert_eq!(signed_in.status, 200, "{signed_in:?}");
    assert_eq!(
        signed_in.claims()["oid"],
        principal.rsplit('/').next().unwrap()
    );

    // The id is the client's, and can't be used twice.
    assert_eq!(
        error(&scene.post(&add, wanted).await).1,
        "Request_BadRequest"
    );
    let shown = scene.get(&app.path).await;
    let shown = &shown.body["passwordCredentials"][0];
    assert_eq!(shown["secretText"], Value::Null);
    assert_eq!(shown["hint"], secret[..3]);
    let remove = format!("{}/microsoft.graph.removePassword", app.path);
    let other = scene.post(&add, json!({})).await;
    assert_eq!(
        scene.post(&remove, json!({"keyId": key_id})).await.status,
        204
    );
    assert_eq!(scene.sign_in(&app, &secret).await.code(), 7_000_215);
    assert_eq!(
        error(&scene.post(&remove, json!({"keyId": key_id})).await).0,
        400
    );
    let secret = text(&other, "secretText").to_owned();
    assert_eq!(scene.sign_in(&app, &secret).await.status, 200);

    let off = json!({"accountEnabled": false});
    assert_eq!(scene.patch(&principal, off).await.status, 204);
    assert_eq!(scene.sign_in(&app, &secret).await.code(), 7_000_112);
    assert_eq!(scene.delete(&principal).await.status, 204);
    assert_eq!(scene.sign_in(&app, &secret).await.code(), 7_000_229);
    assert_eq!(scene.delete(&app.path).await.status, 204);
    assert_eq!(scene.sign_in(&app, &secret).await.code(), 700_016);
    assert_eq!(
        error(&scene.get(&app.path).await).1,
        "Request_ResourceNotFound"
    );
}

#[tokio::test]
async fn a_secret_works_between_its_start_and_its_end_and_may_belong_to_the_principal() {
    let scene = Scene::start().await;
    let app = scene.application().await;
    let principal = scene.principal(&app).await;
    let add = async |owner: &str, wanted: Value| {
        let body = json!({"passwordCredential": wanted});
        let added = scene.post(&format!("{owner}/addPassword"), body).await;
        text(&added, "secretText").to_owned()
    };
    let past = json!({"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2021-01-01T02:00:00+02:00"});
    let expired = add(&app.path, past).await;
    assert_eq!(scene.sign_in(&app, &expired).await.code(), 7_000_222);
    let early = add(
        &app.path,
        json!({"startDateTime": "2100-01-01T00:00:00Z", "endDateTime": "2101-01-01T00:00:00Z"}),
    )
    .await;
    assert_eq!(scene.sign_in(&app, &early).await.code(), 7_000_215);
    let of_principal = add(&principal, json!({"displayName": null})).await;
    assert_eq!(scene.sign_in(&app, &of_principal).await.status, 200);
    let shown = scene.get(&app.path).await;
    assert_eq!(
        shown.body["passwordCredentials"][0]["endDateTime"],
        "2021-01-01T00:00:00Z"
    );
    let shown = scene.get(&principal).await;
    assert_eq!(shown.body["passwordCredentials"][0]["hint"], Value::Null);
    let backwards = json!({"passwordCredential": {"startDateTime": "2030-01-01T00:00:00Z", "endDateTime": "2029-01-01T00:00:00Z"}});
    let refused = scene
        .post(&format!("{principal}/addPassword"), backwards)
        .await;
    assert_eq!(error(&refused).0, 400);
}

#[tokio::test]
async fn a_certificate_signs_in_as_long_as_it_is_in_the_list() {
    let scene = Scene::start().await;
    let app = scene.application().await;
    scene.principal(&app).await;
    // Some certificate: another application's.
    let pem = scene
        .lab
        .identity("azcred-certificate")
        .certificate_path
        .clone()
        .unwrap();
    let der = CertificateDer::from_pem_file(&pem).unwrap();
    let broken: Vec<String> = STANDARD
        .encode(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let sign_in = async || {
        let assertion = Assertion::new(&pem, &app.app_id).sign();
        scene
            .lab
            .request_by_assertion(&app.app_id, &assertion)
            .await
    };
    assert_eq!(sign_in().await.code(), 700_027);
    let key = json!({
        "@odata.type": "#microsoft.graph.keyCredential",
        "key": broken.join("\n"),
        "keyId": Uuid::new_v4(),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    });
    let list = |keys: &[&Value]| json!({ "keyCredentials": keys });
    assert_eq!(scene.patch(&app.path, list(&[&key])).await.status, 204);
    assert_eq!(sign_in().await.status, 200);
    let shown = scene.get(&app.path).await.body["keyCredentials"][0].clone();
    assert_eq!(shown["key"], Value::Null);
    assert!(
        shown["displayName"].as_str().unwrap().starts_with("CN="),
        "{shown}"
    );
    // As a client read it: without its content, it stays.
    assert_eq!(scene.patch(&app.path, list(&[&shown])).await.status, 204);
    assert_eq!(sign_in().await.status, 200);
    let mut ended = key.clone();
    ended["endDateTime"] = "2021-01-01T00:00:00Z".into();
    assert_eq!(scene.patch(&app.path, list(&[&ended])).await.status, 204);
    assert_eq!(sign_in().await.code(), 700_027);
    assert_eq!(scene.patch(&app.path, list(&[])).await.status, 204);
    assert_eq!(sign_in().await.code(), 700_027);
    for (name, value) in [
        ("key", json!("AAAA")),
        ("key", Value::Null),
        ("usage", json!("Sign")),
    ] {
        let mut wrong = key.clone();
        wrong[name] = value;
        let refused = scene.patch(&app.path, list(&[&wrong])).await;
        assert_eq!(error(&refused).1, "Request_BadRequest", "{name}");
    }
}

#[tokio::test]
async fn a_federated_credential_takes_effect_and_is_unique() {
    let scene = Scene::start().await;
    let app = scene.application().await;
    scene.principal(&app).await;
    let list = format!(
        "/beta/applications(appId='{}')/federatedIdentityCredentials",
        app.app_id
    );
    let sign_in = async |subject: &str| {
        let world = scene.lab.emulator.world();
        let audience = "api://AzureADTokenExchange";
        let token =
            azcred_emulator::issuer::mint(world, "https://ci.example", subject, audience, 60);
        scene
            .lab
            .request_by_assertion(&app.app_id, &token.unwrap())
            .await
    };
    let new = |name: &str, subject: &str| {
        json!({
            "name": name, "issuer": "https://ci.example", "subject": subject,
            "audiences": ["api://AzureADTokenExchange"],
        })
    };
    let made = scene.post(&list, new("ci", "main")).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(sign_in("main").await.status, 200);
    assert_eq!(sign_in("other").await.code(), 700_213);

    let by_id = format!("{list}/{}", text(&made, "id"));
    let by_name = format!("{list}(name='ci')");
    assert_eq!(scene.get(&by_id).await.body["subject"], "main");
    let changed = json!({"subject": "other", "description": "for CI"});
    assert_eq!(scene.patch(&by_name, changed).await.status, 204);
    assert_eq!(sign_in("other").await.status, 200);
    let shown = scene.get(&by_id).await;
    assert_eq!(shown.body["description"], "for CI");

    let same_name = scene.post(&list, new("ci", "third")).await;
    assert_eq!(error(&same_name).0, 409);
    let same_subject = scene.post(&list, new("ci-2", "other")).await;
    assert_eq!(
        error(&same_subject).1,
        "InvalidFederatedIdentityCredentialValue"
    );
    let mut two = new("ci-2", "second");
    two["audiences"] = json!(["a", "b"]);
    assert_eq!(error(&scene.post(&list, two).await).0, 400);
    assert_eq!(
        error(&scene.patch(&by_id, json!({"name": "new"})).await).0,
        400
    );
    for n in 1..20 {
        let (name, subject) = (format!("n{n}"), format!("s{n}"));
        assert_eq!(
            scene.post(&list, new(&name, &subject)).await.status,
            201,
            "{n}"
        );
    }
    let too_many = scene.post(&list, new("n20", "s20")).await;
    assert_eq!(error(&too_many).0, 400, "{too_many:?}");

    assert_eq!(scene.delete(&format!("{list}/ci")).await.status, 204);
    assert_eq!(sign_in("other").await.code(), 700_213);
    assert_eq!(error(&scene.delete(&by_id).await).0, 404);
}

#[tokio::test]
async fn an_assigned_role_works_for_a_new_principal_with_its_tags() {
    let scene = Scene::start().await;
    let app = scene.application().await;
    let principal = scene.principal(&app).await;
    let tags = json!({"tags": ["own"]});
    assert_eq!(scene.patch(&principal, tags).await.status, 204);
    let found = scene
        .get("/v1.0/servicePrincipals?$filter=tags/any(t:t eq 'azcred')")
        .await;
    assert_eq!(each(&found, "displayName"), ["training"]);
    assert_eq!(found.body["value"][0]["tags"], json!(["own", "azcred"]));

    let added = scene
        .post(&format!("{}/addPassword", app.path), json!({}))
        .await;
    let signed_in = scene.sign_in(&app, text(&added, "secretText")).await;
    let own = text(&signed_in, "access_token").to_owned();
    let arm = &scene.lab.emulator.info().arm_url;
    let url = format!("{arm}{WORKSPACE}?api-version=2024-10-01");
    let read = async || {
        let request = scene.lab.client.get(&url).bearer_auth(&own);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(read().await, 403);
    let owner = token(
        &scene.lab,
        TENANT,
        "ada@contoso.com",
        "https://management.azure.com/.default",
    )
    .await;
    let role =
        "/providers/Microsoft.Authorization/roleDefinitions/f6c7c914-8db3-469d-8ca1-694a8f32e121";
    let id = Uuid::new_v4();
    let assign = format!(
        "{arm}{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{id}?api-version=2022-04-01"
    );
    let body = json!({"properties": {"roleDefinitionId": role, "principalId": principal.rsplit('/').next()}});
    let assigned = scene
        .lab
        .client
        .put(assign)
        .bearer_auth(&owner)
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(assigned.status(), 201);
    assert_eq!(read().await, 200);
}

#[tokio::test]
async fn what_is_written_is_read_and_what_can_not_be_written_is_refused() {
    let scene = Scene::start().await;
    let app = scene.application().await;
    let change = json!({
        "displayName": "scoring", "notes": "by the ML team", "web": {"homePageUrl": "https://a.example"},
    });
    assert_eq!(scene.patch(&app.path, change).await.status, 204);
    let more = json!({
        "web": {"redirectUris": ["https://a.example/back"]}, "notes": null,
        "api": {"requestedAccessTokenVersion": 2}, "isFallbackPublicClient": true,
    });
    assert_eq!(scene.patch(&app.path, more).await.status, 204);
    let shown = scene.get(&app.path).await.body;
    assert_eq!(shown["displayName"], "scoring");
    assert_eq!(shown["web"]["homePageUrl"], "https://a.example");
    assert_eq!(
        shown["web"]["redirectUris"],
        json!(["https://a.example/back"])
    );
    assert_eq!(shown["publicClient"]["redirectUris"], json!([]));
    assert_eq!(shown["notes"], Value::Null);
    assert_eq!(shown["api"]["requestedAccessTokenVersion"], 2);
    assert_eq!(shown["tags"], json!(["azcred"]));

    for (body, code) in [
        (json!({"dragons": 1}), "BadRequest"),
        (json!({"appId": app.app_id}), "Request_BadRequest"),
        (json!({"tags": "one"}), "Request_BadRequest"),
        (json!({"displayName": 7}), "Request_BadRequest"),
        (json!({"signInAudience": "Everyone"}), "Request_BadRequest"),
        (
            json!({"signInAudience": "PersonalMicrosoftAccount"}),
            "NotServedByEmulator",
        ),
        (
            json!({"identifierUris": ["api://azcred-api"]}),
            "Request_BadRequest",
        ),
        (
            json!({"passwordCredentials": [{"displayName": "x"}]}),
            "Request_BadRequest",
        ),
        (json!([]), "BadRequest"),
    ] {
        let refused = scene.patch(&app.path, body.clone()).await;
        assert_eq!(error(&refused).1, code, "{body}: {refused:?}");
    }
    let nameless = scene.post("/v1.0/applications", json!({})).await;
    assert_eq!(error(&nameless).0, 400);
    for (app_id, status) in [
        (app.app_id.as_str(), 201),
        (app.app_id.as_str(), 409),
        (TENANT, 400),
        ("x", 400),
    ] {
        let made = scene
            .post("/v1.0/servicePrincipals", json!({"appId": app_id}))
            .await;
        assert_eq!(made.status, status, "{app_id}: {made:?}");
    }
}

#[tokio::test]
async fn what_was_created_and_deleted_is_so_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        state_dir: Some(folder.path().join("state")),
        ..Options::default()
    };
    let first = Scene::of(Lab::with(options.clone()).await).await;
    let app = first.application().await;
    first.principal(&app).await;
    let added = first
        .post(&format!("{}/addPassword", app.path), json!({}))
        .await;
    let secret = text(&added, "secretText").to_owned();
    let ada = token(&first.lab, TENANT, "ada@contoso.com", SCOPE).await;
    let gone = "/v1.0/applications(appId='a0000001-0000-4000-8000-000000000007')";
    let deleted = send(&first.lab, &ada, Method::DELETE, gone, None).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let before = first.lab.emulator.info().identities[0].name.clone();
    first.lab.emulator.shutdown().await;

    let second = Scene::of(Lab::with(options).await).await;
    assert_eq!(second.sign_in(&app, &secret).await.status, 200);
    assert_eq!(error(&second.get(gone).await).0, 404);
    // The seed's stay the first ones.
    assert_eq!(second.lab.emulator.info().identities[0].name, before);
    second.lab.emulator.shutdown().await;
}

#[tokio::test]
async fn only_owners_administrators_and_programs_with_the_permission_change_applications() {
    let scene = Scene::start().await;
    let demo = "/v1.0/applications(appId='a0000001-0000-4000-8000-000000000001')";
    let note = || json!({"notes": "x"});
    let stranger = app_token(&scene.lab, "azcred-demo").await;
    let program = app_token(&scene.lab, "azcred-contributor").await;
    let status = async |token: &str, path: &str, body: Value| {
        send(&scene.lab, token, Method::PATCH, path, Some(body))
            .await
            .status
    };
    assert_eq!(status(&scene.token, demo, note()).await, 403);
    assert_eq!(status(&program, demo, note()).await, 403);
    let create = async |token: &str| {
        let body = json!({"displayName": "x"});
        send(
            &scene.lab,
            token,
            Method::POST,
            "/v1.0/applications",
            Some(body),
        )
        .await
    };
    assert_eq!(
        error(&create(&stranger).await).1,
        "Authorization_RequestDenied"
    );
    // Application.ReadWrite.OwnedBy: what a program creates is its own.
    let own = create(&program).await;
    let own = format!("/v1.0/applications/{}", text(&own, "id"));
    assert_eq!(status(&program, &own, note()).await, 204);
    assert_eq!(status(&scene.token, &own, note()).await, 403);
    let ada = token(&scene.lab, TENANT, "ada@contoso.com", SCOPE).await;
    assert_eq!(status(&ada, demo, note()).await, 204);
    // A managed identity belongs to its resource.
    let identity = "/v1.0/servicePrincipals/d0000001-0000-4000-8000-000000000101";
    assert_eq!(status(&ada, identity, note()).await, 403);
    let app = scene.application().await;
    assert_eq!(
        each(
            &scene.get(&format!("{}/owners", app.path)).await,
            "userPrincipalName"
        ),
        ["grace@contoso.com"]
    );

    let off = |yes| {
        let mut directory = scene.lab.emulator.world().directory_mut();
        let tenant = directory.tenants.values_mut().next().unwrap();
        tenant.users_may_create_applications = yes;
    };
    off(false);
    let body = json!({"displayName": "x"});
    assert_eq!(
        scene.post("/v1.0/applications", body.clone()).await.status,
        403
    );
    let grace: Uuid = "e0000001-0000-4000-8000-000000000002".parse().unwrap();
    let role = azcred_emulator::directory::APPLICATION_DEVELOPER.id;
    scene
        .lab
        .emulator
        .world()
        .directory_mut()
        .directory_roles
        .insert((grace, role));
    assert_eq!(scene.post("/v1.0/applications", body).await.status, 201);
    // A developer changes their own applications only.
    assert_eq!(status(&scene.token, demo, note()).await, 403);
}
