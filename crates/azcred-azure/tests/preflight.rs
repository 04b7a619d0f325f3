//! What an account may do with applications: the requests and what becomes of the responses.

mod served;

use axum::http::StatusCode;
use azcred_azure::{Caller, DirectoryRights, ErrorKind, Graph, Ground, May, Obstacle};
use served::{Given, Seen, serve};
use std::sync::Arc;

const ROLES: &str = "/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole";

fn refused(status: u16, code: &str) -> (StatusCode, String) {
    let body = format!(r#"{{"error": {{"code": "{code}", "message": "no"}}}}"#);
    (StatusCode::from_u16(status).unwrap(), body)
}

fn ok(body: &str) -> (StatusCode, String) {
    (StatusCode::OK, body.to_owned())
}

/// A member of a tenant that lets administrators only make applications.
fn member(request: &Seen) -> (StatusCode, String) {
    match request.uri.split('?').next().unwrap() {
        "/v1.0/me" => ok(r#"{"userType": "Member"}"#),
        "/v1.0/policies/authorizationPolicy" => {
            ok(r#"{"defaultUserRolePermissions": {"allowedToCreateApps": false}}"#)
        }
        ROLES => ok(r#"{"value": []}"#),
        other => panic!("{other}"),
    }
}

async fn rights<F>(answer: F) -> (azcred_azure::Result<DirectoryRights>, Vec<Seen>)
where
    F: Fn(&Seen) -> (StatusCode, String) + Clone + Send + Sync + 'static,
{
    let (options, requests) = serve(answer).await;
    let graph = Graph::new(&options, Arc::new(Given)).unwrap();
    let rights = graph.directory_rights().await;
    let requests = requests.lock().unwrap().clone();
    (rights, requests)
}

#[tokio::test]
async fn a_tenants_setting_and_an_accounts_roles_are_read_by_three_requests() {
    let (read, requests) = rights(member).await;
    let read = read.unwrap();
    assert_eq!(read.caller, Caller::Member);
    assert_eq!(
        read.make_applications(),
        May::No(Obstacle::AdministratorsOnly)
    );
    assert_eq!(requests.len(), 3);
    let roles = requests.iter().find(|one| one.uri.starts_with(ROLES));
    let roles = roles.unwrap();
    assert!(roles.uri.contains("%24count=true"), "{}", roles.uri);
    assert_eq!(roles.headers["consistencylevel"], "eventual");

    let (read, _) = rights(|request| match request.uri.starts_with(ROLES) {
        true => ok(
            r#"{"value": [{"displayName": "Application Developer", "roleTemplateId": "cf1c38e5-3621-4004-a7cb-879624dced7c"}]}"#,
        ),
        false => member(request),
    })
    .await;
    assert_eq!(
        read.unwrap().make_applications(),
        May::Yes(Ground::Role("Application Developer".into()))
    );

    let (read, _) = rights(|request| match request.uri.starts_with("/v1.0/me?") {
        true => ok(r#"{"userType": "Guest"}"#),
        false => member(request),
    })
    .await;
    assert_eq!(read.unwrap().make_applications(), May::No(Obstacle::Guest));
}

#[tokio::test]
async fn what_can_not_be_read_is_left_out_and_a_rejected_token_is_an_error() {
    for (status, code) in [
        (400, "Request_BadRequest"),
        (403, "Authorization_RequestDenied"),
        (404, "Request_ResourceNotFound"),
    ] {
        let (read, _) = rights(move |_| refused(status, code)).await;
        let read = read.unwrap();
        assert_eq!((read.members_create, &read.roles), (None, &None));
        assert_eq!(read.make_applications(), May::Unknown);
    }
    let (read, _) = rights(|request| match request.uri.starts_with(ROLES) {
        true => refused(401, "InvalidAuthenticationToken"),
        false => member(request),
    })
    .await;
    assert_eq!(read.unwrap_err().kind(), ErrorKind::Unauthenticated);
}
