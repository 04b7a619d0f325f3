//! Role assignments: against the emulator, and against a Resource Manager that needs patience.

mod contoso;
mod served;

use axum::{
    http::{Method, StatusCode},
    response::IntoResponse,
};
use azcred_azure::{
    Assigned, ErrorKind, Graph, Made, NewRoleAssignment, ObjectKind, Patience, ResourceManager,
    RoleScope, is_at,
};
use azcred_emulator::Way;
use contoso::{Contoso, sign_in, workspace};
use served::{Given, Requests, Seen, serve};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use uuid::Uuid;

const ADA: &str = "e0000001-0000-4000-8000-000000000001";
const DEMO: &str = "d0000001-0000-4000-8000-000000000001";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const ENGINEERS: &str = "f0000001-0000-4000-8000-000000000001";

/// Tries again at once.
const SHORT: Patience = Patience {
    limit: Duration::from_secs(60),
    pause: Duration::from_millis(1),
};

fn id(text: &str) -> Uuid {
    text.parse().expect("a GUID")
}

fn reader_for(principal: &str) -> NewRoleAssignment<'static> {
    NewRoleAssignment {
        role: id(READER),
        principal: id(principal),
        principal_type: None,
    }
}

fn at_workspace() -> RoleScope {
    RoleScope::new(&workspace().resource_id()).expect("a scope")
}

/// A Resource Manager with these responses, and the requests that it got.
async fn arm<R, F>(answer: F) -> (ResourceManager, Requests)
where
    R: IntoResponse,
    F: Fn(&Seen) -> R + Clone + Send + Sync + 'static,
{
    let (options, requests) = serve(answer).await;
    let manager = ResourceManager::new(&options, Arc::new(Given)).unwrap();
    (manager, requests)
}

fn refused(status: StatusCode, code: &str) -> (StatusCode, String) {
    (
        status,
        format!(r#"{{"error": {{"code": "{code}", "message": "no"}}}}"#),
    )
}

fn made(scope: &str, principal: &str) -> String {
    format!(
        r#"{{"id": "{scope}/providers/Microsoft.Authorization/roleAssignments/{DEMO}", "name": "{DEMO}", "properties":
        {{"scope": "{scope}", "roleDefinitionId": "/x/{READER}", "principalId": "{principal}"}}}}"#
    )
}

#[tokio::test]
async fn a_principal_that_is_not_known_yet_is_waited_for() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let (manager, requests) = arm(move |_| match counted.fetch_add(1, Ordering::Relaxed) {
        0..3 => refused(StatusCode::BAD_REQUEST, "PrincipalNotFound"),
        _ => (StatusCode::CREATED, made(&workspace().resource_id(), ADA)),
    })
    .await;
    let mut told = 0;
    let assigned = manager
        .assign_role(&at_workspace(), &reader_for(ADA), SHORT, || told += 1)
        .await
        .unwrap();
    assert!(matches!(assigned, Made::New(one) if is_at(&one, &at_workspace())));
    assert_eq!((told, tries.load(Ordering::Relaxed)), (3, 4));
    // All tries have one name, so that one whose response was lost makes no second assignment.
    let mut paths: Vec<String> = requests
        .lock()
        .unwrap()
        .iter()
        .map(|one| one.uri.clone())
        .collect();
    paths.dedup();
    assert_eq!(paths.len(), 1, "{paths:?}");
}

#[tokio::test]
async fn patience_with_a_principal_that_does_not_exist_ends() {
    let (manager, requests) = arm(|_| refused(StatusCode::BAD_REQUEST, "PrincipalNotFound")).await;
    let none = Patience {
        limit: Duration::ZERO,
        pause: Duration::ZERO,
    };
    let error = manager
        .assign_role(&at_workspace(), &reader_for(ADA), none, || {})
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some("PrincipalNotFound"));
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_throttled_change_is_repeated_and_every_request_has_an_id() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let (manager, requests) = arm(move |_| {
        let wait = [("retry-after", "0")];
        match counted.fetch_add(1, Ordering::Relaxed) {
            0 => (StatusCode::TOO_MANY_REQUESTS, wait, String::new()),
            _ => (StatusCode::CREATED, wait, made("/", ADA)),
        }
    })
    .await;
    let root = RoleScope::new("/").unwrap();
    let assigned = manager
        .assign_role(&root, &reader_for(ADA), SHORT, || {})
        .await;
    assert!(assigned.is_ok(), "{assigned:?}");
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), 2);
    for one in &*requests {
        assert_eq!(one.method, Method::PUT);
        assert!(
            one.uri
                .starts_with("/providers/Microsoft.Authorization/roleAssignments/"),
            "{one:?}"
        );
        assert!(
            one.id().is_some_and(|id| Uuid::try_parse(id).is_ok()),
            "{one:?}"
        );
    }
    assert_eq!(
        requests[0].id(),
        requests[1].id(),
        "a repetition is the same request"
    );
}

#[tokio::test]
async fn an_id_in_a_list_that_is_not_an_assignment_is_not_deleted() {
    let (manager, requests) = arm(|_| (StatusCode::OK, "{}".to_owned())).await;
    for (scope, wrong) in [
        ("/", "/subscriptions/x".to_owned()),
        (
            "/",
            "/providers/Microsoft.Authorization/roleAssignments/x".to_owned(),
        ),
        (
            "/",
            format!("/x/providers/Microsoft.Authorization/roleAssignments/{DEMO}"),
        ),
        (
            "/a/b",
            format!("/a/c/providers/Microsoft.Authorization/roleAssignments/{DEMO}"),
        ),
        (
            "/a",
            format!("/a/../b/providers/Microsoft.Authorization/roleAssignments/{DEMO}"),
        ),
    ] {
        let mut list: serde_json::Value = serde_json::from_str(&made(scope, ADA)).unwrap();
        list["id"] = wrong.clone().into();
        let one = serde_json::from_value(list).unwrap();
        let error = manager.remove_role_assignment(&one).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{wrong}");
    }
    assert!(requests.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_are_assigned_found_and_removed() {
    let contoso = Contoso::start().await;
    // Graph shows it the directory. It can't assign roles.
    let (options, credential) = sign_in(contoso.laptop("azcred-contributor", Way::RealNames)).await;
    let credential = credential.unwrap();
    let manager = ResourceManager::new(&options, credential.clone()).unwrap();
    let scope = at_workspace();
    let error = manager
        .assign_role(&scope, &reader_for(ADA), SHORT, || {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotPermitted);
    assert!(error.correlation_id().is_some());
    let fix = error.fix().unwrap().to_string();
    assert!(fix.contains(&format!("--scope \"{scope}\"")), "{fix}");

    let all = manager
        .role_assignments(&scope, Assigned::To(id(ADA)))
        .await
        .unwrap()
        .value;
    let principals: Vec<Uuid> = all.iter().map(|one| one.principal_id).collect();
    assert!(
        principals.contains(&id(ADA)) && principals.contains(&id(ENGINEERS)),
        "{all:?}"
    );
    let own = manager
        .role_assignments(&scope, Assigned::DirectlyTo(id(ADA)))
        .await
        .unwrap()
        .value;
    assert!(own.iter().all(|one| one.principal_id == id(ADA)), "{own:?}");
    let roles = manager
        .roles_named(&scope, "azureml data scientist")
        .await
        .unwrap();
    assert_eq!(roles.value.len(), 1);
    let one = manager
        .role_definition(&scope, roles.value[0].id)
        .await
        .unwrap();
    assert_eq!(one.value, roles.value[0]);

    let graph = Graph::new(&options, credential).unwrap();
    assert!(
        graph
            .groups_of(id(ADA))
            .await
            .unwrap()
            .contains(&id(ENGINEERS))
    );
    let found = graph
        .objects(&[id(ADA), id(DEMO), id(ENGINEERS), id(READER)])
        .await
        .unwrap();
    let mut kinds: Vec<(ObjectKind, String)> = found
        .iter()
        .map(|one| (one.kind, one.name.to_string()))
        .collect();
    kinds.sort_by_key(|(_, name)| name.clone());
    let names = ["Ada Lovelace", "ML engineers", "azcred-demo"].map(str::to_owned);
    let expected = [
        ObjectKind::User,
        ObjectKind::Group,
        ObjectKind::ServicePrincipal,
    ];
    assert_eq!(kinds, expected.into_iter().zip(names).collect::<Vec<_>>());
    for text in ["azcred-demo", DEMO, "a0000001-0000-4000-8000-000000000001"] {
        let found = graph.find(text).await.unwrap();
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].id, id(DEMO), "{text}");
    }
    let ada = graph.find("ada@contoso.com").await.unwrap();
    assert_eq!((ada.len(), ada[0].id), (1, id(ADA)));
    assert!(graph.find("o'brien").await.unwrap().is_empty());
    contoso.emulator.shutdown().await;
}
