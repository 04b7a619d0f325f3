//! Conditional Access: what a policy requires of which user for which resource.

use crate::common::{
    Lab, Reply,
    browser::TestBrowser,
    claims_of,
    people::{
        ADA, AZURE_CLI, CONFIDENTIAL, CONSENTED, CONTOSO, FABRIKAM, SEED, refresh, request_token,
        sign_in, text,
    },
    refused,
};
use serde_json::{Value, json};

const ML: &str = "https://ml.azure.com/.default offline_access";
const STORAGE: &str = "https://storage.azure.com/.default offline_access";

/// The two tenants, with these policies in Contoso.
async fn lab(policies: &[&str]) -> Lab {
    let mut seed = SEED.to_owned();
    for (at, policy) in policies.iter().enumerate() {
        let head = format!(
            "\n[[conditional_access]]\ntenant = \"contoso.com\"\nid = \"{}\"\n",
            id(at)
        );
        seed.push_str(&head);
        if !policy.contains("name =") {
            seed.push_str(&format!("name = \"policy {at}\"\n"));
        }
        seed.push_str(policy);
    }
    Lab::seeded(&seed).await
}

fn id(at: usize) -> String {
    format!("ca000001-0000-4000-8000-00000000000{at}")
}

async fn sign_in_for(lab: &Lab, name: &str, password: &str, more: &[(&str, &str)]) -> Reply {
    let mut form = vec![
        ("grant_type", "password"),
        ("username", name),
        ("password", password),
    ];
    form.extend(more);
    request_token(lab, CONTOSO, &form).await
}

/// The policies that a refusal names.
fn challenged(answer: &Reply) -> Value {
    let claims: Value = serde_json::from_str(text(answer, "claims")).unwrap();
    let wanted = claims["access_token"]["capolids"].clone();
    assert_eq!(wanted["essential"], true);
    wanted["values"].clone()
}

#[tokio::test]
async fn a_second_factor_is_required_only_if_a_policy_requires_it() {
    let ml = "users = [\"engineers\"]\nresources = [\"https://ml.azure.com\"]\nrequire = \"mfa\"\n";
    let lab = lab(&[ml]).await;
    let ada = |scope| {
        let scope = [("scope", scope)];
        let lab = &lab;
        async move { sign_in_for(lab, "ada@contoso.com", "analytical", &scope).await }
    };
    let refusal = ada(ML).await;
    refused(&refusal, 50076, "invalid_grant", 400);
    assert_eq!(text(&refusal, "suberror"), "basic_action");
    assert_eq!(challenged(&refusal), json!([id(0)]));
    let description = text(&refusal, "error_description");
    assert!(
        description.contains("'18a66f5f-dbdf-4c17-9dd7-1634712a9cbe'"),
        "{description}"
    );
    let storage = ada(STORAGE).await;
    assert_eq!(storage.status, 200, "{storage:?}");
    assert_eq!(storage.claims()["amr"], json!(["pwd"]));
    // A refresh token has the proofs of its sign-in, which are not enough for other resources.
    let token = text(&storage, "refresh_token");
    for name in [
        "https://ml.azure.com/.default",
        "18a66f5f-dbdf-4c17-9dd7-1634712a9cbe/.default",
    ] {
        let ml = refresh(&lab, CONTOSO, token, &[("scope", name)]).await;
        refused(&ml, 50076, "invalid_grant", 400);
    }
    // Grace is not in the group.
    let scope = [("scope", ML)];
    let grace = sign_in_for(&lab, "grace@contoso.com", "nanosecond", &scope).await;
    assert_eq!(grace.status, 200, "{grace:?}");
}

#[tokio::test]
async fn a_blocking_policy_wins_over_others() {
    let lab = lab(&[
        "require = \"mfa\"\nusers = [\"ada@contoso.com\"]\n",
        "require = \"block\"\nresources = [\"https://storage.azure.com\"]\n",
        "require = \"compliant_device\"\nresources = [\"https://vault.azure.net\"]\n",
        "require = \"managed_device\"\nresources = [\"api://contoso\"]\n",
    ])
    .await;
    for (scope, code, error, policy) in [
        (STORAGE, 53003, "invalid_grant", 1),
        (
            "https://vault.azure.net/.default",
            53000,
            "interaction_required",
            2,
        ),
        ("api://contoso/.default", 530_003, "interaction_required", 3),
    ] {
        let scope = [("scope", scope)];
        for (name, password) in [
            ("ada@contoso.com", "analytical"),
            ("grace@contoso.com", "nanosecond"),
        ] {
            let answer = sign_in_for(&lab, name, password, &scope).await;
            refused(&answer, code, error, 400);
            assert_eq!(text(&answer, "suberror"), "message_only");
            assert_eq!(challenged(&answer), json!([id(policy)]));
        }
    }
    // The password is checked first: without it, a client must not learn of a policy.
    let scope = [("scope", STORAGE)];
    let wrong = sign_in_for(&lab, "ada@contoso.com", "wrong", &scope).await;
    refused(&wrong, 50126, "invalid_grant", 400);
}

#[tokio::test]
async fn a_policy_applies_to_its_tenant_only_and_can_have_exceptions() {
    let lab = lab(&["require = \"block\"\nexclude_users = [\"grace@contoso.com\"]\n"]).await;
    let ada = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    refused(&ada, 53003, "invalid_grant", 400);
    let grace = sign_in(&lab, CONTOSO, "grace@contoso.com", "nanosecond").await;
    assert_eq!(grace.status, 200, "{grace:?}");
    // Ada is a guest in Fabrikam, which has no policy.
    let guest = sign_in(&lab, FABRIKAM, "ada@contoso.com", "analytical").await;
    assert_eq!(guest.status, 200, "{guest:?}");
}

#[tokio::test]
async fn a_policy_can_apply_to_one_kind_of_program() {
    let lab = lab(&["require = \"block\"\nclient_apps = [\"browser\"]\n"]).await;
    let ada = |more: Vec<(&'static str, &'static str)>| {
        let lab = &lab;
        async move { sign_in_for(lab, "ada@contoso.com", "analytical", &more).await }
    };
    for desktop in [AZURE_CLI, CONSENTED] {
        assert_eq!(ada(vec![("client_id", desktop)]).await.status, 200);
    }
    let web = [("client_id", CONFIDENTIAL), ("client_secret", "its secret")];
    refused(&ada(web.to_vec()).await, 53003, "invalid_grant", 400);
}

#[tokio::test]
async fn a_session_that_is_too_old_needs_a_new_sign_in() {
    let lab = lab(&[
        "sign_in_frequency = 3600\nresources = [\"https://management.azure.com\"]\n",
        "sign_in_frequency = 60\nclient_apps = [\"browser\"]\n",
    ])
    .await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&first, "refresh_token");
    lab.emulator.world().clock.set_skew(3590);
    let in_time = refresh(&lab, CONTOSO, token, &[]).await;
    assert_eq!(in_time.status, 200, "{in_time:?}");
    // A new refresh token does not make the sign-in more recent.
    lab.emulator.world().clock.set_skew(3600);
    let late = refresh(&lab, CONTOSO, text(&in_time, "refresh_token"), &[]).await;
    refused(&late, 70043, "invalid_grant", 400);
    assert_eq!(text(&late, "suberror"), "token_expired");
    assert_eq!(late.body["claims"], json!(null), "{late:?}");
    let storage = refresh(&lab, CONTOSO, token, &[("scope", STORAGE)]).await;
    assert_eq!(storage.status, 200, "{storage:?}");
}

#[tokio::test]
async fn policies_in_a_challenge_apply_whatever_their_conditions() {
    let lab = lab(&["require = \"mfa\"\nusers = [\"grace@contoso.com\"]\n"]).await;
    let claims = json!({"access_token": {"capolids": {"essential": true, "values": [id(0)]}}});
    let claims = claims.to_string();
    let more = [("claims", claims.as_str())];
    let ada = sign_in_for(&lab, "ada@contoso.com", "analytical", &more).await;
    refused(&ada, 50076, "invalid_grant", 400);
    let unknown = claims.replace(&id(0), &id(9));
    let more = [("claims", unknown.as_str())];
    let ada = sign_in_for(&lab, "ada@contoso.com", "analytical", &more).await;
    assert_eq!(ada.status, 200, "{ada:?}");
    // The policy is of another tenant.
    let more = [("claims", claims.as_str())];
    let token = text(&ada, "refresh_token");
    let guest = refresh(&lab, FABRIKAM, token, &more).await;
    assert_eq!(guest.status, 200, "{guest:?}");
}

#[tokio::test]
async fn the_default_seed_has_users_to_challenge_and_to_block() {
    let lab = Lab::start().await;
    let sign_in = |name: &'static str, scope: &'static str| {
        let lab = &lab;
        async move {
            let user = lab.emulator.info().user(name).unwrap();
            let password = user.password.clone().unwrap();
            sign_in_for(lab, name, &password, &[("scope", scope)]).await
        }
    };
    const ARM: &str = "https://management.azure.com/.default";
    for (name, scope, code) in [
        ("katherine@contoso.com", ARM, 50076),
        ("katherine@contoso.com", ML, 50076),
        ("katherine@contoso.com", STORAGE, 0),
        ("dorothy@contoso.com", ML, 53003),
        ("dorothy@contoso.com", ARM, 0),
        ("dorothy@contoso.com", STORAGE, 0),
        ("ada@contoso.com", ML, 0),
    ] {
        assert_eq!(sign_in(name, scope).await.code(), code, "{name} {scope}");
    }
    let needs = |name| lab.emulator.info().user(name).unwrap().mfa_required;
    assert!(needs("katherine@contoso.com") && !needs("dorothy@contoso.com"));
    let ml = sign_in("ada@contoso.com", ML).await;
    let claims = claims_of(text(&ml, "access_token"));
    assert_eq!(claims["aud"], "https://ml.azure.com");
}

#[tokio::test]
async fn an_invalid_policy_is_reported_with_its_line() {
    for (policy, words) in [
        ("users = [\"nobody\"]\nrequire = \"mfa\"\n", "users[0]"),
        (
            "resources = [\"https://nobody.example\"]\nrequire = \"mfa\"\n",
            "resources[0]",
        ),
        ("users = [\"ada@contoso.com\"]\n", "require"),
        ("require = \"hope\"\n", "hope"),
        (
            "exclude_users = [\"confidential\"]\nrequire = \"mfa\"\n",
            "exclude_users[0]",
        ),
        (
            "name = \"A second factor\"\nid = 5\nrequire = \"mfa\"\n",
            "id",
        ),
        (
            "name = \"x\"\nid = \"ca000001-0000-4000-8000-000000000000\"\nrequire = \"mfa\"\n[[conditional_access]]\nname = \"y\"\ntenant = \"contoso.com\"\nid = \"ca000001-0000-4000-8000-000000000000\"\nrequire = \"mfa\"\n",
            "another policy already has this id",
        ),
    ] {
        let head = "\n[[conditional_access]]\ntenant = \"contoso.com\"\n";
        let name = if policy.contains("name =") {
            ""
        } else {
            "name = \"x\"\n"
        };
        let seed = azcred_emulator::Seed::Text {
            name: "seed.toml".into(),
            text: format!("{SEED}{head}{name}{policy}"),
        };
        let options = azcred_emulator::Options {
            seed,
            ..azcred_emulator::Options::default()
        };
        let error = azcred_emulator::Emulator::start(options).await.unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("seed.toml:") && error.contains(words),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_second_factor_that_is_too_old_is_required_again() {
    let policy = "users = [\"ada@contoso.com\"]\nrequire = \"mfa\"\nsign_in_frequency = 3600\n";
    let lab = lab(&[policy]).await;
    let form = [("client_id", AZURE_CLI), ("scope", ML)];
    let path = "/organizations/oauth2/v2.0/devicecode";
    let begun = lab.post(path, &form).await;
    let page = TestBrowser::new(&lab)
        .approve_device(text(&begun, "user_code"), ADA, "analytical")
        .await;
    assert_eq!(page.title(), "You are signed in", "{page:?}");
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", text(&begun, "device_code")),
    ];
    let answer = request_token(&lab, CONTOSO, &form).await;
    assert_eq!(answer.claims()["amr"], json!(["pwd", "mfa"]), "{answer:?}");
    let token = text(&answer, "refresh_token");
    lab.emulator.world().clock.set_skew(3000);
    let in_time = refresh(&lab, CONTOSO, token, &[]).await;
    assert_eq!(in_time.status, 200, "{in_time:?}");
    lab.emulator.world().clock.set_skew(3601);
    let late = refresh(&lab, CONTOSO, token, &[]).await;
    refused(&late, 50078, "invalid_grant", 400);
    assert_eq!(challenged(&late), json!([id(0)]));
}
