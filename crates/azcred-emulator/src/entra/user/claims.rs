//! The claims of a user's tokens: the access token, the `id_token`, and `client_info`.
//!
//! Names and meanings: 'Access token claims reference' and 'ID token claims reference'. Claims that
//! these pages call opaque look like real ones.

use crate::{
    directory::{ARM, Directory, GRAPH, User},
    entra::{
        claims::{opaque, region_scope},
        claims_request::ClaimsRequest,
        resource::TokenResource,
        session::Session,
        user::token_reuse::TokenReuse,
        version::Version,
    },
    service::Cloud,
    tokens::{pairwise_subject, token_id},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// `wids` of a user without a role in the directory.
const NO_DIRECTORY_ROLE: &str = "b79fbf4d-3ef9-4689-8143-76b194e85509";

/// What all tokens of one response have in common.
pub(super) struct Facts<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) directory: &'a Directory,
    pub(super) cloud: Cloud,
    pub(super) now: OffsetDateTime,
    /// How the client proved its identity: `appidacr` and `azpacr`.
    pub(super) client_class: &'static str,
}

impl Facts<'_> {
    fn issuer(&self, version: Version) -> String {
        let tenant = self.session.tenant.id;
        match version {
            Version::V1 => format!("https://{}/{tenant}/", self.cloud.sts_host()),
            Version::V2 => format!("https://{}/{tenant}/v2.0", self.cloud.login_host()),
        }
    }

    /// The claims about the user, which all tokens have. `audience` is a client id.
    fn person(&self, version: Version, audience: Uuid) -> Value {
        let Session {
            account,
            tenant,
            user,
            ..
        } = self.session;
        let issued = self.now.unix_timestamp() - 300;
        let mut claims = json!({
            "iss": self.issuer(version),
            "iat": issued,
            "nbf": issued,
            "name": user.name,
            "oid": user.id,
            "rh": format!("1.A{}.", opaque(&[tenant.id.as_bytes(), audience.as_bytes()], 30)),
            "sid": self.session.id,
            "sub": pairwise_subject(user.id, audience),
            "tid": tenant.id,
            "uti": token_id(self.now),
        });
        if user.guest_of.is_some() {
            claims["idp"] = home_issuer(self.cloud, account).into();
            claims["email"] = account.user_principal_name.as_str().into();
        }
        claims
    }

    /// The access token's claims, in the version that the resource expects.
    pub(super) fn access_token(
        &self,
        resource: &TokenResource,
        scp: &str,
        lifetime: i64,
        requested: &ClaimsRequest,
    ) -> Map<String, Value> {
        let session = self.session;
        let version = match resource.version {
            2 => Version::V2,
            _ => Version::V1,
        };
        let app = session.application;
        let mut claims = self.person(version, resource.app_id);
        let tenant_id = session.tenant.id;
        for (name, value) in [
            ("aud", json!(resource.audience)),
            ("exp", json!(self.now.unix_timestamp() + lifetime)),
            ("aio", json!(TokenReuse::of(session).seal(self.directory))),
            ("scp", json!(scp)),
            (
                "xms_ftd",
                json!(opaque(&[b"ftd", tenant_id.as_bytes()], 32)),
            ),
        ] {
            claims[name] = value;
        }
        match version {
            Version::V1 => {
                let created = 1_577_836_800 + i64::from(tenant_id.as_fields().0 % 100_000_000);
                for (name, value) in [
                    ("acr", json!("1")),
                    ("amr", json!(session.proofs.amr())),
                    ("appid", json!(app.app_id)),
                    ("appidacr", json!(self.client_class)),
                    ("idtyp", json!("user")),
                    ("ipaddr", json!("127.0.0.1")),
                    ("puid", json!(puid(session.user.id))),
                    ("ver", json!("1.0")),
                    ("wids", json!([NO_DIRECTORY_ROLE])),
                    ("xms_idrel", json!("1 2")),
                    ("xms_tcdt", json!(created)),
                ] {
                    claims[name] = value;
                }
                self.add_v1_name(&mut claims);
            }
            // v2.0 tokens lack the basic claims of v1.0 unless an application requests them.
            Version::V2 => {
                claims["azp"] = app.app_id.to_string().into();
                claims["azpacr"] = self.client_class.into();
                claims["preferred_username"] = session.account.user_principal_name.as_str().into();
                claims["ver"] = "2.0".into();
            }
        }
        if !requested.capabilities.is_empty() {
            claims["xms_cc"] = json!(requested.capabilities);
        }
        if !requested.contexts.is_empty() {
            claims["acrs"] = json!(requested.contexts);
        }
        match resource.app_id {
            ARM => self.add_groups(&mut claims),
            GRAPH => {
                claims["app_displayname"] = app.name.as_str().into();
                claims["tenant_region_scope"] = region_scope(&session.tenant.country).into();
            }
            _ => {}
        }
        object(claims)
    }

    /// The claims of an `id_token` in the endpoint's version. As in Entra ID, it is valid for 65
    /// minutes from `iat`.
    pub(super) fn id_token(&self, version: Version, email: bool) -> Map<String, Value> {
        let app = self.session.application.app_id;
        let account = self.session.account;
        let mut claims = self.person(version, app);
        claims["aud"] = app.to_string().into();
        claims["exp"] = (self.now.unix_timestamp() + 3600).into();
        if let Some(nonce) = self.session.nonce {
            claims["nonce"] = nonce.into();
        }
        match version {
            Version::V1 => {
                claims["amr"] = json!(self.session.proofs.amr());
                claims["ipaddr"] = "127.0.0.1".into();
                claims["ver"] = "1.0".into();
                self.add_v1_name(&mut claims);
            }
            Version::V2 => {
                claims["aio"] = opaque(&[b"aio", Uuid::new_v4().as_bytes()], 48).into();
                claims["preferred_username"] = account.user_principal_name.as_str().into();
                claims["puid"] = puid(self.session.user.id).into();
                claims["ver"] = "2.0".into();
                if let Some(claims) = claims.as_object_mut() {
                    claims.remove("sid");
                }
                if email {
                    claims["email"] = account.user_principal_name.as_str().into();
                }
            }
        }
        object(claims)
    }

    /// `groups`, or the URL where they can be requested. More than 200 groups would not fit into a
    /// header ('Groups overage claim').
    fn add_groups(&self, claims: &mut Value) {
        const MAX_GROUPS: usize = 200;
        let user = self.session.user;
        let groups = self.directory.groups_of(user.id);
        if groups.len() > MAX_GROUPS {
            let endpoint = format!(
                "https://graph.windows.net/{}/users/{}/getMemberObjects",
                user.tenant, user.id
            );
            claims["_claim_names"] = json!({"groups": "src1"});
            claims["_claim_sources"] = json!({"src1": {"endpoint": endpoint}});
        } else if !groups.is_empty() {
            claims["groups"] = json!(groups);
        }
    }

    /// The names in v1.0 tokens: `upn` for members only.
    fn add_v1_name(&self, claims: &mut Value) {
        let Session { account, user, .. } = self.session;
        let sign_in = account.user_principal_name.as_str();
        claims["unique_name"] = sign_in.into();
        if user.guest_of.is_none() {
            claims["upn"] = sign_in.into();
        }
        if let Some((given, family)) = user.name.split_once(' ') {
            claims["given_name"] = given.into();
            claims["family_name"] = family.into();
        }
    }
}

/// `client_info`: the ids by which a client tells accounts apart. They are the same in every
/// tenant.
pub(in crate::entra) fn client_info(account: &User) -> String {
    let text = json!({"uid": account.id, "utid": account.tenant}).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

/// `idp`: the home tenant's issuer for a guest.
fn home_issuer(cloud: Cloud, account: &User) -> String {
    format!("https://{}/{}/", cloud.sts_host(), account.tenant)
}

/// `puid`: sixteen hexadecimal digits that begin with 1003.
fn puid(user: Uuid) -> String {
    let (high, low, _, _) = user.as_fields();
    format!("1003{high:08X}{low:04X}")
}

fn object(claims: Value) -> Map<String, Value> {
    match claims {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
