//! The hosts of managed identities: what each gives, and how each refuses.

mod common;

use azcred_emulator::HostsInfo;
use common::{Answer, Lab, claims_of, read};
use reqwest::RequestBuilder;
use serde_json::Value;

const ARM: &str = "https://management.azure.com/";
const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers";
const TRAIN: &str = "a0000001-0000-4000-8000-000000000101";
const LOOK: &str = "a0000001-0000-4000-8000-000000000102";
const SPARE: &str = "a0000001-0000-4000-8000-000000000103";
const MACHINE: &str = "a0000001-0000-4000-8000-000000000111";
const ADA: &str = "e0000001-0000-4000-8000-000000000001";

fn hosts(lab: &Lab) -> HostsInfo {
    lab.emulator.info().identity_hosts.clone().unwrap()
}

async fn send(request: RequestBuilder) -> Answer {
    read(request.send().await.unwrap()).await
}

fn token(answer: &Answer) -> &str {
    answer.body["access_token"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer:?}"))
}

/// A URL with parameters.
fn at(url: &str, query: &[(&str, &str)]) -> url::Url {
    url::Url::parse_with_params(url, query).unwrap()
}

/// Parameters behind those that a host always gets.
fn with<'a>(version: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("api-version", version), ("resource", ARM)], more].concat()
}

fn imds(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let url = format!("{}/metadata/identity/oauth2/token", hosts(lab).imds_url);
    lab.client
        .get(at(&url, &with("2018-02-01", query)))
        .header("Metadata", "true")
}

fn app_service(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let hosts = hosts(lab);
    lab.client
        .get(at(&hosts.app_service_endpoint, &with("2019-08-01", query)))
        .header("X-IDENTITY-HEADER", &hosts.app_service_header)
}

/// Azure ML's endpoint, or App Service's old one: they are alike.
fn old(lab: &Lab, endpoint: &str, secret: &str, query: &[(&str, &str)]) -> RequestBuilder {
    lab.client
        .get(at(endpoint, &with("2017-09-01", query)))
        .header("secret", secret)
}

fn ml_compute(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let hosts = hosts(lab);
    old(
        lab,
        &hosts.ml_compute_endpoint,
        &hosts.ml_compute_secret,
        query,
    )
}

/// A client that looks at Service Fabric's certificate by itself.
fn service_fabric(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    let client = common::client(&lab.emulator)
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .build()
        .unwrap();
    client.get(at(&hosts(lab).service_fabric_endpoint, query))
}

fn arc(lab: &Lab, query: &[(&str, &str)]) -> RequestBuilder {
    lab.client
        .get(at(&hosts(lab).arc_endpoint, &with("2020-06-01", query)))
        .header("Metadata", "true")
}

/// The key file that a challenge names.
fn key_file(challenge: &Answer) -> std::path::PathBuf {
    assert_eq!(challenge.status, 401, "{challenge:?}");
    let header = challenge.headers["www-authenticate"].to_str().unwrap();
    header.strip_prefix("Basic realm=").unwrap().into()
}

async fn arc_token(lab: &Lab, query: &[(&str, &str)]) -> Answer {
    let file = key_file(&send(arc(lab, query)).await);
    let key = std::fs::read_to_string(file).unwrap();
    send(arc(lab, query).header("Authorization", format!("Basic {key}"))).await
}

/// What ARM says to a reader of the workspace.
async fn workspace(lab: &Lab, token: &str) -> u16 {
    let url = format!(
        "{}{WORKSPACE}?api-version=2024-04-01",
        lab.emulator.info().arm_url
    );
    send(lab.client.get(url).bearer_auth(token)).await.status
}

#[tokio::test]
async fn every_host_gives_a_token_that_arm_takes() {
    let lab = Lab::start().await;
    let hosts = hosts(&lab);
    let fabric = service_fabric(
        &lab,
        &[("api-version", "2019-07-01-preview"), ("resource", ARM)],
    )
    .header("Secret", &hosts.service_fabric_header);
    let old_app = old(
        &lab,
        &hosts.app_service_endpoint,
        &hosts.app_service_header,
        &[],
    );
    let obo = lab
        .client
        .get(at(&hosts.ml_obo_endpoint, &[("resource", ARM)]));
    let shell = lab
        .client
        .post(&hosts.cloud_shell_endpoint)
        .header("Metadata", "true")
        .form(&[("resource", ARM)]);
    for (host, answer) in [
        ("imds", send(imds(&lab, &[])).await),
        ("app service", send(app_service(&lab, &[])).await),
        ("app service, old", send(old_app).await),
        ("service fabric", send(fabric).await),
        ("arc", arc_token(&lab, &[]).await),
        ("ml compute", send(ml_compute(&lab, &[])).await),
        ("ml on behalf of", send(obo).await),
        ("cloud shell", send(shell).await),
    ] {
        assert_eq!(answer.status, 200, "{host}: {answer:?}");
        assert_eq!(answer.body["resource"], ARM, "{host}");
        assert_eq!(answer.body["token_type"], "Bearer", "{host}");
        assert_eq!(workspace(&lab, token(&answer)).await, 200, "{host}");
        let claims = answer.claims();
        let is_user = host == "cloud shell" || host == "ml on behalf of";
        let kind = if is_user { "user" } else { "app" };
        assert_eq!(claims["idtyp"], kind, "{host}: {claims}");
        assert_eq!(claims["oid"] == ADA, is_user, "{host}: {claims}");
        assert_eq!(claims.get("xms_mirid").is_none(), is_user, "{host}");
        let expires = &answer.body["expires_on"];
        let said = match host {
            "ml compute" | "ml on behalf of" => expires.as_i64(),
            "app service, old" => {
                let date = expires.as_str().unwrap();
                assert!(date.ends_with(" +00:00") && date.len() == 26, "{date}");
                claims["exp"].as_i64()
            }
            _ => expires.as_str().and_then(|text| text.parse().ok()),
        };
        assert_eq!(said, claims["exp"].as_i64(), "{host}: {expires}");
    }
}

#[tokio::test]
async fn a_machines_token_says_who_it_is_and_all_of_imds_numbers_are_texts() {
    let lab = Lab::start().await;
    let answer = send(imds(&lab, &[])).await;
    let claims = answer.claims();
    let body = &answer.body;
    for (name, expected) in [
        ("appid", MACHINE.to_owned()),
        ("oid", "d0000001-0000-4000-8000-000000000111".to_owned()),
        ("tid", common::TENANT.to_owned()),
        ("aud", ARM.to_owned()),
        ("ver", "1.0".to_owned()),
        ("appidacr", "2".to_owned()),
        (
            "xms_mirid",
            format!("{GROUP}/Microsoft.Compute/virtualMachines/vm-contoso-train"),
        ),
    ] {
        assert_eq!(claims[name], expected, "{name}");
    }
    assert_eq!(body["client_id"], MACHINE);
    assert_eq!(body["expires_in"], "86400");
    assert_eq!(body["ext_expires_in"], "86400");
    for (name, claim) in [("expires_on", "exp"), ("not_before", "nbf")] {
        assert_eq!(body[name], claims[claim].to_string(), "{name}");
    }
}

#[tokio::test]
async fn imds_refuses_in_its_own_words() {
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
    let answer = send(bare(&unknown).header("Metadata", "true")).await;
    common::refused(
        &Answer {
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

/// Entra ID's own headers stay with the host.
fn dressed(answer: &Answer) -> http::HeaderMap {
    assert!(!answer.headers.contains_key("x-ms-request-id"));
    let mut headers = answer.headers.clone();
    headers.insert("x-ms-request-id", http::HeaderValue::from_static("x"));
    headers
}

#[tokio::test]
async fn an_identity_is_chosen_by_client_object_or_resource_id() {
    let lab = Lab::start().await;
    let object = LOOK.replacen('a', "d", 1);
    let resource =
        format!("{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/ID-contoso-look");
    for choice in [
        ("client_id", LOOK),
        ("object_id", &object),
        ("mi_res_id", &resource),
        ("msi_res_id", &resource),
    ] {
        for answer in [
            send(imds(&lab, &[choice])).await,
            send(app_service(&lab, &[choice])).await,
            arc_token(&lab, &[choice]).await,
        ] {
            assert_eq!(answer.claims()["appid"], LOOK, "{choice:?}: {answer:?}");
            assert_eq!(answer.body["client_id"], LOOK);
        }
    }
    // A client of Azure Arc's takes no token that does not confirm what it chose.
    let confirmed = arc_token(&lab, &[("object_id", &object)]).await;
    assert_eq!(confirmed.body["object_id"], object);
    let confirmed = arc_token(&lab, &[("msi_res_id", &resource)]).await;
    assert_eq!(confirmed.body["msi_res_id"], resource);
    // The old protocol knows one way to choose.
    let chosen = send(ml_compute(&lab, &[("clientid", TRAIN)])).await;
    assert_eq!(chosen.claims()["appid"], TRAIN);
    for (query, at) in [("clientid", 400), ("client_id", 200)] {
        let answer = send(ml_compute(&lab, &[(query, SPARE)])).await;
        assert_eq!(answer.status, at, "{query}: {answer:?}");
    }
}

#[tokio::test]
async fn what_an_identity_may_do_its_roles_decide() {
    let lab = Lab::start().await;
    let delete = |token: String| {
        let url = format!(
            "{}{WORKSPACE}/onlineEndpoints/e?api-version=2024-04-01",
            lab.emulator.info().arm_url
        );
        lab.client.delete(url).bearer_auth(token)
    };
    let look = send(imds(&lab, &[("client_id", LOOK)])).await;
    assert_eq!(workspace(&lab, token(&look)).await, 200);
    let refused = send(delete(token(&look).to_owned())).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(refused.body["error"]["code"], "AuthorizationFailed");
    let train = send(imds(&lab, &[("client_id", TRAIN)])).await;
    let allowed = send(delete(token(&train).to_owned())).await;
    assert_ne!(allowed.status, 403, "{allowed:?}");
    // An administrator switches it off.
    let id = "d0000001-0000-4000-8000-000000000102".parse().unwrap();
    let disabled = |on| {
        let mut directory = lab.emulator.world().directory_mut();
        directory.service_principals.get_mut(&id).unwrap().enabled = on;
    };
    disabled(false);
    let off = send(imds(&lab, &[("client_id", LOOK)])).await;
    assert_eq!((off.status, off.code()), (400, 7_000_112), "{off:?}");
}

#[tokio::test]
async fn a_wrong_secret_is_refused_by_each_host_in_its_own_words() {
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
            // The secret of another host, and in the header of the other version.
            get(&hosts.app_service_endpoint, &new).header("secret", &hosts.app_service_header),
            "message",
        ),
        (
            get(&hosts.app_service_endpoint, &old).header("secret", &hosts.ml_compute_secret),
            "Message",
        ),
        (get(&hosts.ml_compute_endpoint, &old), "Message"),
        (
            get(&hosts.ml_compute_endpoint, &old).header("secret", ""),
            "Message",
        ),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.body[message].is_string(), "{answer:?}");
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
}

#[tokio::test]
async fn service_fabric_shows_the_certificate_whose_thumbprint_is_told() {
    let lab = Lab::start().await;
    let response = service_fabric(&lab, &[]).send().await.unwrap();
    let shown = response
        .extensions()
        .get::<reqwest::tls::TlsInfo>()
        .unwrap();
    let der = shown.peer_certificate().unwrap();
    let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, der);
    let thumbprint: String = sha1.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    assert_eq!(thumbprint, hosts(&lab).service_fabric_thumbprint);
    // Nobody's authority stands for it, the emulator's neither.
    let trusting = lab.client.get(hosts(&lab).service_fabric_endpoint);
    assert!(trusting.send().await.is_err());
}

#[tokio::test]
async fn arc_wants_the_content_of_a_file_that_it_made_for_this_request() {
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
async fn a_host_without_identities_has_none_and_one_with_several_wants_a_choice() {
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
        // Nobody is signed in there either.
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
async fn a_seed_that_gives_a_host_what_it_cannot_have_is_refused_by_name() {
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
            format!("{first}{}", first),
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
async fn a_request_with_too_much_in_it_is_refused_and_the_host_goes_on() {
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
