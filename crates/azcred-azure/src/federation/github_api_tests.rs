use super::*;
use axum::{Json, Router, extract::State, http::HeaderMap, routing::get};
use azcred::system::{Fixture, Program};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

fn repository() -> GitHubRepository {
    GitHubRepository::new("contoso/ml", None).unwrap()
}

fn ids() -> Value {
    json!({"use_default": true, "use_immutable_subject": false, "sub_claim_prefix": "repo:Contoso@1/ml@2"})
}

/// A server that returns one response, with a status and the header that it got.
async fn server(status: u16, answer: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let respond = move |State(answer): State<Value>, headers: HeaderMap| async move {
        let sent = headers
            .get("authorization")
            .map(|value| value.to_str().unwrap().to_owned());
        let status = axum::http::StatusCode::from_u16(match sent.as_deref() {
            None | Some("Bearer job-token" | "Bearer gh-token") => status,
            Some(_) => 401,
        });
        (status.unwrap(), Json(answer))
    };
    let router = Router::new().fallback(get(respond)).with_state(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn prefix(machine: Fixture) -> Result<(String, PrefixSource)> {
    let github = GitHub::new(&ClientOptions::new(machine.shared()));
    let (prefix, source) = github.prefix(&repository()).await?;
    Ok((prefix.as_str().to_owned(), source))
}

#[test]
fn githubs_own_prefix_decides_and_not_its_flag() {
    // The flag is the repository's own choice; a repository that was made later has ids without it.
    let read = |answer: Value, repository: &GitHubRepository| {
        read(repository, answer.to_string().as_bytes())
    };
    assert_eq!(
        read(ids(), &repository()).unwrap().as_str(),
        "repo:Contoso@1/ml@2"
    );
    let names = json!({"use_default": true, "use_immutable_subject": false, "sub_claim_prefix": "repo:contoso/ml"});
    assert_eq!(
        read(names, &repository()).unwrap().as_str(),
        "repo:contoso/ml"
    );
    let usual = json!({"use_default": false, "include_claim_keys": ["repo", "context"], "sub_claim_prefix": "repo:contoso/ml"});
    assert!(read(usual, &repository()).is_ok());

    for (answer, kind) in [
        (
            json!({"use_default": false, "include_claim_keys": ["repo", "actor"]}),
            ErrorKind::Invalid,
        ),
        (json!({"use_default": false}), ErrorKind::Invalid),
        // Nothing is guessed.
        (json!({"use_default": true}), ErrorKind::Unexpected),
        (
            json!({"use_default": true, "sub_claim_prefix": "repo:fabrikam/ml"}),
            ErrorKind::Unexpected,
        ),
        (
            json!({"use_default": true, "sub_claim_prefix": "repo:contoso@x/ml@2"}),
            ErrorKind::Unexpected,
        ),
        (
            json!({"use_default": true, "sub_claim_prefix": "repo:contoso@1/ml"}),
            ErrorKind::Unexpected,
        ),
        (json!("<html>"), ErrorKind::Unexpected),
    ] {
        let error = read(answer.clone(), &repository()).unwrap_err();
        assert_eq!(error.kind(), kind, "{answer}");
    }
    // A server of one's own has no ids.
    let own = GitHubRepository::new("git.contoso.com/contoso/ml", None).unwrap();
    assert_eq!(
        read(json!({"use_default": true}), &own).unwrap().as_str(),
        "repo:contoso/ml"
    );
}

#[tokio::test]
async fn the_api_is_read_with_the_token_of_a_variable_or_without_one() {
    let address = server(200, ids()).await;
    let machine = || Fixture::new().with_var("GITHUB_API_URL", &address);
    let expected = ("repo:Contoso@1/ml@2".to_owned(), PrefixSource::Api);
    assert_eq!(prefix(machine()).await.unwrap(), expected);
    assert_eq!(
        prefix(machine().with_var("GH_TOKEN", "gh-token"))
            .await
            .unwrap(),
        expected
    );
    let error = prefix(machine().with_var("GITHUB_TOKEN", "canary"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(!error.to_string().contains("canary"), "{error}");

    let plain = Fixture::new().with_var("GITHUB_API_URL", "http://github.contoso.com");
    let error = prefix(plain).await.unwrap_err();
    assert!(error.why().contains("plain HTTP"), "{error}");
}

#[tokio::test]
async fn what_github_does_not_show_is_an_error_with_its_words() {
    let address = server(404, json!({"message": "Not Found"})).await;
    let error = prefix(Fixture::new().with_var("GITHUB_API_URL", &address))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.why(), "GitHub returned HTTP 404: Not Found");
    assert_eq!(
        error.what(),
        "could not find out which subjects contoso/ml has"
    );
}

#[tokio::test]
async fn github_cli_is_used_where_it_is_signed_in() {
    let gh = Program::answers(|arguments| {
        let expected = [
            "api",
            "repos/contoso/ml/actions/oidc/customization/sub",
            "--hostname",
            "github.com",
        ];
        assert_eq!(arguments, expected);
        (0, ids().to_string())
    });
    let signed_in = Fixture::new().with_program("gh", &gh);
    let expected = ("repo:Contoso@1/ml@2".to_owned(), PrefixSource::GitHubCli);
    assert_eq!(prefix(signed_in).await.unwrap(), expected);

    let refused = Program::prints(1, "{}", "gh: Not Found (HTTP 404)\nmore");
    let error = prefix(Fixture::new().with_program("gh", &refused))
        .await
        .unwrap_err();
    assert_eq!(
        error.why(),
        "GitHub CLI could not read it: gh: Not Found (HTTP 404)"
    );

    // Not signed in: the request goes to GitHub itself.
    let signed_out = Program::prints(
        4,
        "",
        "To get started with GitHub CLI, please run:  gh auth login",
    );
    let github = GitHub::new(&ClientOptions::new(
        Fixture::new().with_program("gh", &signed_out).shared(),
    ));
    assert!(github.github_cli(&repository(), "x").await.is_none());
}

#[tokio::test]
async fn in_a_job_of_the_repository_its_own_token_says_it() {
    let token = |subject: &str| {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let claims = json!({"sub": subject, "iss": "https://token.actions.githubusercontent.com"});
        json!({"count": 1, "value": format!("{}.{}.c2ln", part(json!({"alg": "RS256"})), part(claims))})
    };
    let job = |address: &str, of: &str| {
        Fixture::new()
            .with_var("GITHUB_REPOSITORY", of)
            .with_var(
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                &format!("{address}/token?api-version=2.0"),
            )
            .with_var("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job-token")
    };
    let own = server(200, token("repo:Contoso@1/ml@2:environment:EU%3A live")).await;
    assert_eq!(
        prefix(job(&own, "Contoso/ml")).await.unwrap(),
        ("repo:Contoso@1/ml@2".to_owned(), PrefixSource::Job)
    );
    let custom = server(200, token("repository_id:2:environment:live")).await;
    let error = prefix(job(&custom, "contoso/ml")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    // A job of another repository says nothing of this one.
    let api = server(200, ids()).await;
    let other = job(&own, "contoso/other").with_var("GITHUB_API_URL", &api);
    assert_eq!(prefix(other).await.unwrap().1, PrefixSource::Api);
}
