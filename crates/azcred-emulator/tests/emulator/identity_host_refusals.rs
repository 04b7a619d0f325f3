//! Errors of each host of managed identities.

use crate::common::{
    self, Lab, Reply, claims_of,
    hosts::{
        ARM, GROUP, SPARE, TRAIN, WORKSPACE, app_service, arc, at, hosts, imds, key_file, send,
        service_fabric, token,
    },
};
use serde_json::Value;

#[tokio::test]
async fn imds_returns_its_own_errors() {
    let lab = Lab::start().await;
    let url = format!("{}/metadata/identity/oauth2/token", hosts(&lab).imds_url);
    let bare = |query: &[(&str, &str)]| lab.client.get(at(&url, query));
    let full = [("api-version", "2018-02-01"), ("resource", ARM)];
    let header = "Required metadata header not specified";
    for (request, description) in [
        (bare(&full), header),
        (bare(&full).header("Metadata", "false"), header),
        (bare(&[]), header),
        (
            imds(&lab, &[]).header("X-Forwarded-For", "10.0.0.4"),
            "Request must not contain the X-Forwarded-For header",
        ),
        (
            bare(&full[..1]).header("Metadata", "true"),
            "Required query variable 'resource' is missing",
        ),
        (imds(&lab, &[("client_id", SPARE)]), "Identity not found"),
        (imds(&lab, &[("client_id", "x")]), "Identity not found"),
        (imds(&lab, &[("object_id", TRAIN)]), "Identity not found"),
        (
            imds(&lab, &[("msi_res_id", WORKSPACE)]),
            "Identity not found",
        ),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.body["error"], "invalid_request", "{answer:?}");
        assert_eq!(answer.body["error_description"], description, "{answer:?}");
    }
    for (query, why) in [
        (&[][..], "api-version was not specified in the request"),
        (&[("api-version", "1066-10-14")], "api-version is invalid"),
    ] {
        let answer = send(bare(query).header("Metadata", "true")).await;
        assert_eq!(answer.status, 400);
        let error = answer.body["error"].as_str().unwrap();
        assert!(error.contains(why), "{error}");
        assert!(
            !answer.body["newest-versions"]
                .as_array()
                .unwrap()
                .is_empty()
        );
    }
    let unknown = [
        ("api-version", "2018-02-01"),
        ("resource", "https://nobody.example"),
    ];
    let mut answer = send(bare(&unknown).header("Metadata", "true")).await;
    // The host asked Entra ID's host of its region.
    let uri = answer.body["error_uri"].as_str().unwrap();
    assert!(
        uri.starts_with("https://westeurope.login.microsoft.com/"),
        "{uri}"
    );
    let usual = uri.replace(
        "westeurope.login.microsoft.com",
        "login.microsoftonline.com",
    );
    answer.body["error_uri"] = usual.into();
    common::refused(
        &Reply {
            headers: dressed(&answer),
            ..answer
        },
        500_011,
        "invalid_resource",
        400,
    );
    // The probe that azure-identity sends first.
    let probe = send(
        lab.client
            .get(format!("{}/metadata/instance", hosts(&lab).imds_url)),
    )
    .await;
    assert_eq!(probe.status, 400);
    let posted = send(lab.client.post(&url).header("Metadata", "true")).await;
    assert_eq!(posted.status, 405);
}

/// The host does not pass on Entra ID's own headers.
fn dressed(answer: &Reply) -> http::HeaderMap {
    assert!(!answer.headers.contains_key("x-ms-request-id"));
    let mut headers = answer.headers.clone();
    headers.insert("x-ms-request-id", http::HeaderValue::from_static("x"));
    headers
}

#[tokio::test]
async fn each_host_rejects_a_wrong_secret_with_its_own_message() {
    let lab = Lab::start().await;
    let hosts = hosts(&lab);
    let get = |url: &str, query: &[(&str, &str)]| {
        lab.client
            .get(at(url, &[query, &[("resource", ARM)]].concat()))
    };
    let new = [("api-version", "2019-08-01")];
    let old = [("api-version", "2017-09-01")];
    for (request, message) in [
        (get(&hosts.app_service_endpoint, &new), "message"),
        (
            get(&hosts.app_service_endpoint, &new).header("X-IDENTITY-HEADER", "wrong"),
            "message",
        ),
        (
            // The header of the old version, which is then the one that responds.
            get(&hosts.app_service_endpoint, &new).header("secret", "wrong"),
            "Message",
        ),
        (
            get(&hosts.app_service_endpoint, &old).header("secret", &hosts.ml_compute_secret),
            "Message",
        ),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.body[message].is_string(), "{answer:?}");
    }
    let right = hosts.ml_compute_secret.as_str();
    for (secret, query, status, text) in [
        (None, &old[..], 401, "InternalError - :"),
        (Some(""), &old, 401, "status code: 401"),
        (Some(hosts.app_service_header.as_str()), &old, 401, "401"),
        (
            Some(right),
            &new,
            400,
            "SSO failure: unable to retrieve a token.",
        ),
        (
            Some(right),
            &[],
            400,
            "SSO failure: unable to retrieve a token.",
        ),
    ] {
        let mut request = get(&hosts.ml_compute_endpoint, query);
        if let Some(secret) = secret {
            request = request.header("secret", secret);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{query:?}");
        assert_eq!(
            answer.headers()["content-type"],
            "text/plain; charset=utf-8"
        );
        assert!(answer.text().await.unwrap().contains(text), "{query:?}");
    }
    let version = ("api-version", "2019-07-01-preview");
    let right = hosts.service_fabric_header.as_str();
    for (secret, query, status, code) in [
        (
            None,
            &[version, ("resource", ARM)][..],
            400,
            "SecretHeaderNotFound",
        ),
        (
            Some("wrong"),
            &[version, ("resource", ARM)],
            404,
            "ManagedIdentityNotFound",
        ),
        (Some(right), &[("resource", ARM)], 400, "InvalidApiVersion"),
        (Some(right), &[version], 400, "ArgumentNullOrEmpty"),
        (
            Some(right),
            &[version, ("resource", "https://nobody.example")],
            500,
            "InternalServerError",
        ),
    ] {
        let mut request = service_fabric(&lab, query);
        if let Some(secret) = secret {
            request = request.header("Secret", secret);
        }
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{code}: {answer:?}");
        assert_eq!(answer.body["error"]["code"], code, "{answer:?}");
    }
    let plain = lab.client.post(&hosts.cloud_shell_endpoint);
    let no_header = send(plain.form(&[("resource", ARM)])).await;
    assert_eq!(no_header.status, 400, "{no_header:?}");
    let plain = lab.client.post(&hosts.cloud_shell_endpoint);
    let foreign = plain
        .header("Metadata", "true")
        .form(&[("resource", "https://ml.azure.com")]);
    let foreign = send(foreign).await;
    assert_eq!(foreign.body["error"]["code"], "AudienceNotSupported");
    let message = foreign.body["error"]["message"].as_str().unwrap();
    let (_, names) = message.split_once(".Supported audiences:").unwrap();
    assert_eq!(names.split(',').count(), 30, "{message}");
}

#[tokio::test]
async fn arc_requires_the_content_of_its_key_file() {
    let lab = Lab::start().await;
    let missing = send(lab.client.get(hosts(&lab).arc_endpoint)).await;
    assert_eq!(missing.status, 400, "{missing:?}");
    let challenge = send(arc(&lab, &[])).await;
    let file = key_file(&challenge);
    assert_eq!(challenge.body["error"], "unauthorized_client");
    let key = std::fs::read_to_string(&file).unwrap();
    for wrong in ["x", "", file.to_str().unwrap()] {
        let header = format!("Basic {wrong}");
        let again = send(arc(&lab, &[]).header("Authorization", header)).await;
        assert_ne!(key_file(&again), file, "{again:?}");
    }
    let right = format!("Basic {key}");
    let answer = send(arc(&lab, &[]).header("Authorization", &right)).await;
    assert_eq!(
        answer.claims()["appid"],
        "a0000001-0000-4000-8000-000000000114"
    );
    let used = send(arc(&lab, &[]).header("Authorization", &right)).await;
    let left = key_file(&used);
    assert!(left.exists() && !file.exists());
    lab.emulator.shutdown().await;
    assert!(!left.exists());
}

#[tokio::test]
async fn a_host_without_identities_returns_an_error_and_one_with_several_requires_a_choice() {
    let tenant = "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n";
    let identity = |n: u8| {
        format!(
            "[[managed_identities]]\nid = 'd0000001-0000-4000-8000-00000000000{n}'\n\
             client_id = 'a0000001-0000-4000-8000-00000000000{n}'\nname = 'id-{n}'\nhosts = ['imds', 'app_service']\n\
             resource_id = '{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-{n}'\n"
        )
    };
    for (seed, expected) in [
        (tenant.to_owned(), "Identity not found"),
        (
            format!("{tenant}{}{}", identity(1), identity(2)),
            "Multiple user assigned identities exist",
        ),
    ] {
        let lab = Lab::seeded(&seed).await;
        let answer = send(imds(&lab, &[])).await;
        assert_eq!(answer.status, 400);
        let said = answer.body["error_description"].as_str().unwrap();
        assert!(said.starts_with(expected), "{said}");
        let answer = send(app_service(&lab, &[])).await;
        assert_eq!(
            answer.body["message"],
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
        );
        // There is no signed-in user either.
        let answer = send(
            lab.client
                .get(at(&hosts(&lab).ml_obo_endpoint, &[("resource", ARM)])),
        )
        .await;
        assert_eq!(answer.code(), 50034, "{answer:?}");
    }
    let lab = Lab::seeded(&format!("{tenant}{}", identity(1))).await;
    let only = send(imds(&lab, &[])).await;
    assert_eq!(
        claims_of(token(&only))["oid"],
        "d0000001-0000-4000-8000-000000000001"
    );
}

#[tokio::test]
async fn a_seed_with_an_invalid_managed_identity_is_rejected_with_its_name() {
    let start = "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n";
    let identity = |n: u8, resource: &str, host: &str| {
        format!(
            "[[managed_identities]]\nid = 'd0000001-0000-4000-8000-00000000000{n}'\n\
             client_id = 'a0000001-0000-4000-8000-00000000000{n}'\nname = 'n'\nhosts = ['{host}']\n\
             resource_id = '{resource}'\n"
        )
    };
    let machine = format!("{GROUP}/Microsoft.Compute/virtualMachines/vm");
    let first = identity(1, &machine, "imds");
    for (text, field, part) in [
        (
            identity(1, &machine, "cloud_shell"),
            "managed_identities[0].hosts",
            "imds, app_service",
        ),
        (identity(1, &machine, "toaster"), "", "toaster"),
        (
            identity(
                1,
                "/subscriptions/5ec0ffee-0001-4000-8000-000000000001",
                "imds",
            ),
            "managed_identities[0].resource_id",
            "not the id of a resource",
        ),
        (
            format!("{first}{}", identity(2, &machine, "imds")),
            "managed_identities[1].hosts",
            "user-assigned",
        ),
        (
            format!(
                "{first}federated_credentials = [{{ name = 'f', issuer = 'i', subject = 's' }}]"
            ),
            "managed_identities[0].federated_credentials",
            "user-assigned",
        ),
        (
            format!("{first}{first}"),
            "managed_identities[1].id",
            "already",
        ),
    ] {
        let options = azcred_emulator::Options {
            seed: azcred_emulator::Seed::Text {
                name: "test".into(),
                text: format!("{start}{text}"),
            },
            ..azcred_emulator::Options::default()
        };
        let error = azcred_emulator::Emulator::start(options)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(field) && error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn too_large_requests_are_rejected_and_the_host_continues() {
    let lab = Lab::start().await;
    let shell = lab
        .client
        .post(hosts(&lab).cloud_shell_endpoint)
        .header("Metadata", "true")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("resource=".to_owned() + &"x".repeat(100_000));
    assert_eq!(send(shell).await.status, 413);
    let long = "x".repeat(30_000);
    let answer = send(imds(&lab, &[("client_id", &long)])).await;
    assert!(
        answer.status == 400 && answer.body != Value::Null,
        "{answer:?}"
    );
    assert_eq!(send(imds(&lab, &[])).await.status, 200);
}
