//! ARM as a client sees it: requests through the router, to a small Contoso and a Fabrikam.

use crate::{
    directory::{Directory, Group, ServicePrincipal, Tenant, User},
    front_door::FrontDoor,
    resources::{
        DEFAULT_SEED, DenyAssignment, EVERYONE, Permission, PrincipalType, ResourcesSeed,
        RoleAssignment,
    },
    service::{Cloud, Entrance, Service, Urls},
    tokens::{Keys, SigningKey},
    world::World,
};
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};
use time::OffsetDateTime;
use uuid::{Uuid, uuid};

const CONTOSO: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000001");
const FABRIKAM: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000002");
const SUBSCRIPTION: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001";
const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml";
const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const ML: &str = "api-version=2024-10-01";
const ARM: &str = "api-version=2022-12-01";
const RBAC: &str = "api-version=2022-04-01";

mod lists;
mod ml;
mod not_served;
mod paths;
mod protocol;
mod rights;
mod roles;
mod storage_accounts;
mod tokens;
mod workspaces;

/// The callers, by object id.
const DEMO: Uuid = Uuid::from_u128(0xde);
const OWNER: Uuid = Uuid::from_u128(0x0f);
const WITHOUT_ROLE: Uuid = Uuid::from_u128(0x0b);
const STRANGER: Uuid = Uuid::from_u128(0x57);
const ANNA: Uuid = Uuid::from_u128(0xa);
const ADA: Uuid = Uuid::from_u128(0xada);
const TEAM: Uuid = Uuid::from_u128(0x7);
const ENGINEERS: Uuid = Uuid::from_u128(0xe);

struct TestArm {
    world: Arc<World>,
    front_door: FrontDoor,
}

struct ArmReply {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl ArmReply {
    fn code(&self) -> &str {
        self.body["error"]["code"].as_str().unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.body["error"]["message"].as_str().unwrap_or_default()
    }

    fn names(&self) -> Vec<&str> {
        let items = self.body["value"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item["name"].as_str())
            .collect()
    }

    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &str {
        assert_eq!(
            (self.status.as_u16(), self.code()),
            (status, code),
            "{}",
            self.body
        );
        self.message()
    }

    #[track_caller]
    fn done(&self, status: u16) -> &Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        &self.body
    }
}

/// Keys for these tests only, made once: in a debug build, one RSA key takes a second.
fn keys() -> Keys {
    static MADE: LazyLock<(Vec<u8>, Vec<u8>)> = LazyLock::new(|| {
        let (key, pkcs8) = SigningKey::generate().expect("a key");
        (pkcs8.to_vec(), key.certificate().to_vec())
    });
    let read = || SigningKey::from_der(&MADE.0, &MADE.1).expect("the same key");
    Keys {
        entra: read(),
        issuer: read(),
    }
}

fn azure() -> TestArm {
    let mut directory = Directory::default();
    for (id, name, domain) in [
        (CONTOSO, "Contoso", "contoso.onmicrosoft.com"),
        (FABRIKAM, "Fabrikam", "fabrikam.onmicrosoft.com"),
    ] {
        directory.tenants.insert(id, Tenant::new(id, name, domain));
    }
    for (id, tenant, name) in [
        (DEMO, CONTOSO, "azcred-demo"),
        (Uuid::from_u128(0xce), CONTOSO, "azcred-certificate"),
        (Uuid::from_u128(0xfe), CONTOSO, "azcred-federated"),
        (Uuid::from_u128(0xc0), CONTOSO, "azcred-contributor"),
        (OWNER, CONTOSO, "owner"),
        (WITHOUT_ROLE, CONTOSO, "nobody"),
        (STRANGER, FABRIKAM, "stranger"),
    ] {
        let app_id = Uuid::from_u128(id.as_u128() + 0x1000);
        let principal = ServicePrincipal::new(id, tenant, app_id, name);
        directory.service_principals.insert(id, principal);
    }
    directory.users.insert(
        ANNA,
        User::new(ANNA, CONTOSO, "anna@contoso.onmicrosoft.com", "Anna"),
    );
    directory
        .users
        .insert(ADA, User::new(ADA, CONTOSO, "ada@contoso.com", "Ada"));
    for (id, name, member) in [(TEAM, "Team", ANNA), (ENGINEERS, "ML engineers", ADA)] {
        let group = Group {
            members: [member].into(),
            ..Group::new(id, CONTOSO, name)
        };
        directory.groups.insert(id, group);
    }
    let more = format!(
        "{DEFAULT_SEED}
[[role_assignments]]
principal = 'owner'
role = 'Owner'
scope = '{SUBSCRIPTION}'
[[role_assignments]]
principal = 'Team'
role = 'Reader'
scope = '{GROUP}'
[[subscriptions]]
id = '5ec0ffee-0001-4000-8000-000000000009'
tenant = 'fabrikam.onmicrosoft.com'
name = 'Fabrikam'
state = 'Disabled'
[[role_assignments]]
principal = 'stranger'
role = 'Owner'
scope = '/subscriptions/5ec0ffee-0001-4000-8000-000000000009'
"
    );
    let seed: ResourcesSeed = toml::from_str(&more).expect("the seed");
    let resources = seed
        .build(&directory, OffsetDateTime::now_utc())
        .unwrap_or_else(|problem| panic!("{problem}"));
    let world = Arc::new(World::new(directory, resources, keys()));
    world.set_urls(Urls {
        login: "https://localhost:1001".into(),
        arm: "https://localhost:1002".into(),
        graph: "https://localhost:1003".into(),
        ml: "https://localhost:1004".into(),
        blob: "https://localhost:1005".into(),
    });
    TestArm {
        front_door: super::front_door(Arc::clone(&world)),
        world,
    }
}

impl TestArm {
    fn claims(&self, who: Uuid) -> Map<String, Value> {
        let directory = self.world.directory();
        let principal = directory.principal(who).expect("a principal");
        let tenant = principal.tenant();
        let now = self.world.clock.unix();
        let mut claims = json!({
            "aud": "https://management.azure.com",
            "iss": format!("https://sts.windows.net/{tenant}/"),
            "iat": now, "nbf": now, "exp": now + 3600,
            "oid": who, "tid": tenant,
        });
        if let Some(app) = directory.service_principals.get(&who) {
            claims["appid"] = json!(app.app_id);
            claims["idtyp"] = json!("app");
        }
        if let Some(user) = directory.users.get(&who) {
            claims["upn"] = json!(user.user_principal_name);
        }
        claims.as_object().expect("an object").clone()
    }

    fn token(&self, who: Uuid) -> String {
        self.sign(&self.claims(who))
    }

    fn sign(&self, claims: &Map<String, Value>) -> String {
        self.world.keys.entra.sign(claims).expect("signed")
    }

    async fn send(&self, request: Request<Body>) -> ArmReply {
        let response = self.front_door.answer(request).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 16 << 20).await.expect("a body");
        ArmReply {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    async fn call(&self, who: Uuid, method: Method, path: &str, body: Option<Value>) -> ArmReply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token(who)))
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .expect("a request");
        self.send(request).await
    }

    async fn get(&self, who: Uuid, path: &str) -> ArmReply {
        self.call(who, Method::GET, path, None).await
    }

    async fn get_with(&self, authorization: Option<&str>, path: &str) -> ArmReply {
        let mut request = Request::get(path);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Body::empty()).expect("a request"))
            .await
    }
}
