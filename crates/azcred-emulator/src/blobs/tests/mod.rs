//! Blob Storage as a client sees it: requests through the front door, to Contoso's account and to
//! some with other settings.

use crate::{
    directory::{Directory, ServicePrincipal, Tenant},
    front_door::FrontDoor,
    resources::{DEFAULT_SEED, ResourcesSeed},
    service::{Entrance, Urls},
    shared_keys,
    tokens::{Keys, SigningKey},
    world::World,
};
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request};
use serde_json::json;
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::{Uuid, uuid};

mod access;
mod protocol;
mod reading;
mod signatures;
mod writing;

const CONTOSO: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000001");
const FABRIKAM: Uuid = uuid!("aaaaaaaa-0000-4000-8000-000000000002");
const GROUP: &str =
    "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml";
const VERSION: &str = "2025-05-05";

/// The callers, by object id: one who may write, readers, an owner without data roles, one of
/// another tenant.
const WRITER: Uuid = Uuid::from_u128(0xde);
const READER: Uuid = Uuid::from_u128(0x0e);
const OF_ONE: Uuid = Uuid::from_u128(0x1c);
const OWNER: Uuid = Uuid::from_u128(0x0f);
const STRANGER: Uuid = Uuid::from_u128(0x57);

struct TestBlobs {
    world: Arc<World>,
    front_door: FrontDoor,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    #[track_caller]
    fn done(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body of a refusal.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> &str {
        let found = (self.status, self.header("x-ms-error-code"));
        assert_eq!(found, (status, code), "{}", self.text());
        self.text()
    }
}

fn key() -> SigningKey {
    let (pkcs8, certificate) = shared_keys::key_for("blobs").unwrap();
    SigningKey::from_der(&pkcs8, &certificate).unwrap()
}

fn azure() -> TestBlobs {
    let mut directory = Directory::default();
    for (id, name, domain) in [
        (CONTOSO, "Contoso", "contoso.onmicrosoft.com"),
        (FABRIKAM, "Fabrikam", "fabrikam.onmicrosoft.com"),
    ] {
        directory.tenants.insert(id, Tenant::new(id, name, domain));
    }
    for (id, tenant, name) in [
        (WRITER, CONTOSO, "azcred-demo"),
        (Uuid::from_u128(0xce), CONTOSO, "azcred-certificate"),
        (Uuid::from_u128(0xfe), CONTOSO, "azcred-federated"),
        (Uuid::from_u128(0xc0), CONTOSO, "azcred-contributor"),
        (READER, CONTOSO, "reader"),
        (OF_ONE, CONTOSO, "of-one"),
        (OWNER, CONTOSO, "owner"),
        (STRANGER, FABRIKAM, "stranger"),
    ] {
        let app_id = Uuid::from_u128(id.as_u128() + 0x1000);
        let principal = ServicePrincipal::new(id, tenant, app_id, name);
        directory.service_principals.insert(id, principal);
    }
    let group = crate::directory::Group::new(Uuid::from_u128(0xe), CONTOSO, "ML engineers");
    directory.groups.insert(group.id, group);
    let ada =
        crate::directory::User::new(Uuid::from_u128(0xada), CONTOSO, "ada@contoso.com", "Ada");
    directory.users.insert(ada.id, ada);
    let storage = format!("{GROUP}/providers/Microsoft.Storage/storageAccounts");
    let mut more = DEFAULT_SEED.to_owned();
    for (name, properties) in [
        ("stkeys", "allowBlobPublicAccess = true"),
        ("stclosed", "networkAcls = { defaultAction = 'Deny' }"),
    ] {
        more.push_str(&format!(
            "\n[[resources]]\nid = '{storage}/{name}'\nlocation = 'westeurope'\nproperties = {{ {properties} }}\n"
        ));
    }
    for (principal, role, scope) in [
        ("owner", "Owner", GROUP.to_owned()),
        ("reader", "Storage Blob Data Reader", GROUP.to_owned()),
        (
            "of-one",
            "Storage Blob Data Contributor",
            format!("{storage}/stcontosoml/blobServices/default/containers/one"),
        ),
        (
            "azcred-demo",
            "Storage Blob Data Contributor",
            format!("{storage}/stkeys"),
        ),
        (
            "azcred-demo",
            "Storage Blob Data Contributor",
            format!("{storage}/stclosed"),
        ),
    ] {
        more.push_str(&format!(
            "\n[[role_assignments]]\nprincipal = '{principal}'\nrole = '{role}'\nscope = '{scope}'\n"
        ));
    }
    let seed: ResourcesSeed = toml::from_str(&more).expect("the seed");
    let resources = seed
        .build(&directory, OffsetDateTime::now_utc())
        .unwrap_or_else(|problem| panic!("{problem}"));
    let keys = Keys {
        entra: key(),
        issuer: key(),
    };
    let world = Arc::new(World::new(directory, resources, keys));
    world.set_urls(Urls {
        login: "https://localhost:1001".into(),
        blob: "https://localhost:1005".into(),
        ..Urls::default()
    });
    TestBlobs {
        front_door: super::front_door(Arc::clone(&world)),
        world,
    }
}

impl TestBlobs {
    fn token(&self, who: Uuid) -> String {
        self.token_with(who, "aud", json!("https://storage.azure.com"))
    }

    /// A token with one claim changed.
    fn token_with(&self, who: Uuid, name: &str, value: serde_json::Value) -> String {
        let directory = self.world.directory();
        let principal = directory.service_principals.get(&who).expect("a principal");
        let now = self.world.clock.unix();
        let mut claims = json!({
            "aud": "https://storage.azure.com",
            "iss": format!("https://sts.windows.net/{}/", principal.tenant),
            "iat": now, "nbf": now, "exp": now + 3600,
            "oid": who, "tid": principal.tenant, "appid": principal.app_id, "idtyp": "app",
        });
        claims[name] = value;
        let claims = claims.as_object().expect("an object");
        self.world.keys.entra.sign(claims).expect("signed")
    }

    async fn send(&self, host: &str, mut request: Request<Body>) -> Reply {
        let entrance = Entrance::by_name(host).expect("a host");
        request.extensions_mut().insert(entrance);
        let (parts, body) = self.front_door.answer(request).await.into_parts();
        let body = to_bytes(body, 64 << 20).await.expect("a body").to_vec();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// A request to Contoso's account, without a credential.
    async fn bare(&self, method: Method, target: &str, headers: &[(&str, &str)]) -> Reply {
        let request = request(method, target, headers, b"");
        self.send("stcontosoml.blob.core.windows.net", request)
            .await
    }

    /// A request to Contoso's account, with a token.
    async fn call(
        &self,
        who: Uuid,
        method: Method,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let bearer = format!("Bearer {}", self.token(who));
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        let request = request(method, target, &all, body);
        self.send("stcontosoml.blob.core.windows.net", request)
            .await
    }

    async fn get(&self, target: &str) -> Reply {
        self.call(WRITER, Method::GET, target, &[], b"").await
    }

    async fn put(&self, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.call(WRITER, Method::PUT, target, headers, body).await
    }

    /// The container `data`, with this blob.
    async fn with_blob(&self, name: &str, body: &[u8]) {
        let container = self.put("/data?restype=container", &[], b"").await;
        assert!(
            matches!(container.status, 201 | 409),
            "{}",
            container.text()
        );
        let blob = [("x-ms-blob-type", "BlockBlob")];
        self.put(&format!("/data/{name}"), &blob, body)
            .await
            .done(201);
    }
}

fn request(method: Method, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| *name == "x-ms-version") {
        request = request.header("x-ms-version", VERSION);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .header("content-length", body.len())
        .body(Body::from(body.to_vec()))
        .expect("a request")
}
