//! The principal of a token, read from its claims. They are **not verified**: use them for display,
//! never for a decision.

use super::Claims;
use crate::untrusted::Untrusted;
use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;

/// The kind of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum PrincipalKind {
    /// An application that signed in as itself.
    ServicePrincipal,
    /// An identity that Azure keeps for a resource.
    ManagedIdentity,
    /// A person.
    User,
    /// The token does not say.
    Unknown,
}

/// How an application proved its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Proof {
    /// It did not: a public client, whose user signed in.
    None,
    /// With a client secret.
    Secret,
    /// With a certificate or another signed assertion (a federated token, a managed identity's
    /// own).
    Assertion,
    /// The token does not say.
    Unknown,
}

/// The principal of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Principal {
    /// The kind of principal.
    pub kind: PrincipalKind,
    /// A person's or an application's name, if the token has it.
    pub name: Option<Untrusted>,
    /// A person's sign-in name.
    pub user_name: Option<Untrusted>,
    /// All sign-in names in a person's token: a guest has one here and one at home.
    #[serde(skip)]
    sign_in_names: Vec<Untrusted>,
    /// The application's client id.
    pub application_id: Option<Untrusted>,
    /// The object id, to which roles are assigned.
    pub object_id: Option<Untrusted>,
    /// The tenant's GUID.
    pub tenant_id: Option<Untrusted>,
    /// How the application proved its identity.
    pub proof: Proof,
    /// The resource that the token is for.
    pub audience: Option<Untrusted>,
    /// The issuer.
    pub issuer: Option<Untrusted>,
    /// The Azure resource that a managed identity belongs to.
    pub resource_id: Option<Untrusted>,
    /// When the token was issued, in UTC, by the issuer's clock.
    #[serde(with = "time::serde::rfc3339::option")]
    pub issued_on: Option<OffsetDateTime>,
    /// When the token ends, in UTC, by the issuer's clock.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_on: Option<OffsetDateTime>,
}

impl Principal {
    /// Reads claims. See also [`crate::AccessToken::unverified_claims`].
    pub fn from_claims(claims: &Map<String, Value>) -> Self {
        Self::of(&Claims::from(claims))
    }

    pub(crate) fn of(claims: &Claims<'_>) -> Self {
        let text = |claim: Option<&str>| claim.and_then(Untrusted::some);
        let moment = |seconds: Option<f64>| {
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            let seconds = seconds? as i64;
            OffsetDateTime::from_unix_timestamp(seconds).ok()
        };
        let sign_in_names: Vec<Untrusted> =
            claims.sign_in_names().filter_map(Untrusted::some).collect();
        let user_name = sign_in_names.first().cloned();
        let is_subject = |id: Option<&str>| id.is_some() && id == claims.subject();
        let kind = match claims.kind() {
            Some("user") => PrincipalKind::User,
            _ if claims.is_delegated() => PrincipalKind::User,
            _ if claims.resource_id().is_some() => PrincipalKind::ManagedIdentity,
            Some("app") => PrincipalKind::ServicePrincipal,
            _ if user_name.is_some() => PrincipalKind::User,
            // An application's token has the application as its subject.
            _ if is_subject(claims.object_id()) || is_subject(claims.application_id()) => {
                PrincipalKind::ServicePrincipal
            }
            _ => PrincipalKind::Unknown,
        };
        Self {
            kind,
            name: text(claims.application_name()).or_else(|| text(claims.name())),
            user_name: user_name.filter(|_| kind == PrincipalKind::User),
            sign_in_names,
            application_id: text(claims.application_id()),
            object_id: text(claims.object_id()),
            tenant_id: text(claims.tenant_id()),
            proof: match claims.application_proof() {
                Some("0") => Proof::None,
                Some("1") => Proof::Secret,
                Some("2") => Proof::Assertion,
                _ => Proof::Unknown,
            },
            audience: text(claims.audiences().first().copied()),
            issuer: text(claims.issuer()),
            resource_id: text(claims.resource_id()),
            issued_on: moment(claims.issued()),
            expires_on: moment(claims.expires()),
        }
    }

    /// The names that identify the principal: sign-in names, the object id and, for an application,
    /// its client id. A person's token also has a client id: that of the application they signed in
    /// with, which does not identify them.
    pub fn called(&self) -> impl Iterator<Item = &str> {
        let is_application = matches!(
            self.kind,
            PrincipalKind::ServicePrincipal | PrincipalKind::ManagedIdentity
        );
        let application = self.application_id.as_ref().filter(|_| is_application);
        let ids = self.object_id.iter().chain(application);
        self.sign_in_names.iter().chain(ids).map(Untrusted::as_str)
    }

    /// Whether the principal has this sign-in name, object id or client id. Case does not matter.
    pub fn is_called(&self, name: &str) -> bool {
        self.called().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The kind and the name in a few words: `service principal 0123…`.
    pub fn describe(&self) -> String {
        let (kind, id) = match self.kind {
            PrincipalKind::ServicePrincipal => ("service principal", &self.application_id),
            PrincipalKind::ManagedIdentity => ("managed identity", &self.application_id),
            PrincipalKind::User => ("user", &self.user_name),
            PrincipalKind::Unknown => ("principal", &self.object_id),
        };
        let id = self
            .name
            .as_ref()
            .or(id.as_ref())
            .or(self.object_id.as_ref());
        match id {
            Some(id) => format!("{kind} {id}"),
            None => format!("a {kind} that the token does not name"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(claims: Value) -> Principal {
        let Value::Object(claims) = claims else {
            unreachable!()
        };
        Principal::from_claims(&claims)
    }

    #[test]
    fn applications_managed_identities_and_people_are_distinguished() {
        let app = read(
            json!({"idtyp": "app", "appid": "a", "appidacr": "1", "oid": "o", "sub": "o", "tid": "t", "exp": 0}),
        );
        assert_eq!(
            (app.kind, app.proof),
            (PrincipalKind::ServicePrincipal, Proof::Secret)
        );
        assert_eq!(app.expires_on, Some(OffsetDateTime::UNIX_EPOCH));
        let v2 =
            read(json!({"azp": "a", "azpacr": "2", "oid": "o", "sub": "o", "aud": ["x", "y"]}));
        assert_eq!(
            (v2.kind, v2.proof),
            (PrincipalKind::ServicePrincipal, Proof::Assertion)
        );
        assert_eq!(v2.audience.as_deref(), Some("x"));
        let machine = read(json!({"idtyp": "app", "appid": "a", "xms_mirid": "/subscriptions/1"}));
        assert_eq!(machine.kind, PrincipalKind::ManagedIdentity);
        let person = read(
            json!({"upn": "ada@contoso.com", "name": "Ada", "scp": "user_impersonation", "appidacr": "0"}),
        );
        assert_eq!(
            (person.kind, person.proof),
            (PrincipalKind::User, Proof::None)
        );
        assert_eq!(person.describe(), "user Ada");
        assert_eq!(read(json!({})).kind, PrincipalKind::Unknown);
    }

    /// The claims of each kind of token. The columns are expectations: a sign-in name here, one at
    /// home, the object id, the application's client id.
    #[test]
    fn an_expectation_is_met_by_the_principal_and_not_by_the_application_it_signed_in_with() {
        let member = json!({"upn": "ada@contoso.com", "oid": "O", "appid": "X", "scp": "user_impersonation", "sub": "s"});
        let member_v2 = json!({"preferred_username": "ada@contoso.com", "oid": "O", "azp": "X", "scp": "openid", "sub": "s"});
        let no_scope = json!({"upn": "ada@contoso.com", "oid": "O", "appid": "X", "sub": "s"});
        let guest = json!({
            "upn": "ada_fabrikam.com#EXT#@contoso.com", "unique_name": "ada@fabrikam.com", "oid": "O", "appid": "X", "scp": "s", "sub": "s"
        });
        let v1 = json!({"appid": "X", "oid": "O", "sub": "O", "idtyp": "app"});
        let v1_bare = json!({"appid": "X", "oid": "O", "sub": "O"});
        let v2 = json!({"azp": "X", "oid": "O", "sub": "O"});
        let system =
            json!({"appid": "X", "oid": "O", "sub": "O", "xms_mirid": "/subscriptions/1/vm"});
        let user_assigned =
            json!({"appid": "X", "oid": "O", "idtyp": "app", "xms_mirid": "/subscriptions/1/id"});
        let b2c = json!({"azp": "X", "sub": "s", "scp": "read", "name": "Ada"});
        let other_provider = json!({"azp": "X", "sub": "X"});
        let silent = json!({"azp": "X", "sub": "s"});
        let member_is = [true, false, true, false];
        let application_is = [false, false, true, true];
        for (kind, claims, is) in [
            ("a member", member, member_is),
            ("a member, v2", member_v2, member_is),
            ("a member without scopes", no_scope, member_is),
            ("a guest", guest, [false, true, true, false]),
            ("a service principal", v1, application_is),
            (
                "a service principal, without idtyp",
                v1_bare,
                application_is,
            ),
            ("a service principal, v2", v2, application_is),
            ("a system-assigned identity", system, application_is),
            ("a user-assigned identity", user_assigned, application_is),
            ("a person of another kind of tenant", b2c, [false; 4]),
            (
                "an application elsewhere",
                other_provider,
                [false, false, false, true],
            ),
            ("a token that does not tell", silent, [false; 4]),
        ] {
            let principal = read(claims);
            let expected = ["ADA@contoso.com", "ada@fabrikam.com", "o", "x"];
            assert_eq!(expected.map(|one| principal.is_called(one)), is, "{kind}");
        }
    }

    /// Each rule alone: the other claims of the token point to another kind, or to none.
    #[test]
    fn each_rule_decides_the_kind_by_itself() {
        use PrincipalKind::{ManagedIdentity, ServicePrincipal, Unknown, User};
        for (claims, kind) in [
            (json!({"idtyp": "user", "oid": "O", "sub": "O"}), User),
            (json!({"scp": "read", "oid": "O", "sub": "O"}), User),
            (json!({"scp": ["read"], "azp": "X", "sub": "X"}), User),
            (json!({"scp": "read", "idtyp": "app"}), User),
            (
                json!({"xms_mirid": "/r", "oid": "O", "sub": "O"}),
                ManagedIdentity,
            ),
            (json!({"idtyp": "app", "azp": "X"}), ServicePrincipal),
            (json!({"idtyp": "app", "upn": "x@y"}), ServicePrincipal),
            (json!({"upn": "ada@y", "oid": "O", "sub": "O"}), User),
            (json!({"oid": "O", "sub": "O"}), ServicePrincipal),
            (json!({"azp": "X", "sub": "X"}), ServicePrincipal),
            (json!({"oid": "O", "azp": "X", "sub": "s"}), Unknown),
            (json!({"oid": "O", "azp": "X"}), Unknown),
        ] {
            assert_eq!(read(claims.clone()).kind, kind, "{claims}");
        }
    }

    #[test]
    fn a_name_is_the_applications_or_the_persons_and_a_sign_in_name_only_a_persons() {
        let app = read(json!({
            "idtyp": "app", "app_displayname": "training", "name": "n", "upn": "u@y", "appid": "", "azp": "X", "azpacr": "1"
        }));
        assert_eq!(app.name.as_deref(), Some("training"));
        assert_eq!(app.user_name, None);
        assert_eq!(app.application_id.as_deref(), Some("X"));
        assert_eq!(app.proof, Proof::Secret);
        let person = read(json!({
            "scp": "s", "name": "Ada", "email": "e@y", "unique_name": "n@y", "upn": "u@y", "preferred_username": "p@y"
        }));
        assert_eq!(person.name.as_deref(), Some("Ada"));
        assert_eq!(person.user_name.as_deref(), Some("p@y"));
        // An address that its owner can set identifies no one.
        assert_eq!(person.called().collect::<Vec<_>>(), ["p@y", "u@y", "n@y"]);
    }

    #[test]
    fn claims_of_odd_types_and_with_terminal_sequences_do_no_harm() {
        let odd = read(
            json!({"oid": 7, "tid": null, "exp": "soon", "aud": [], "name": "\u{1b}[2Jx", "iat": i64::MAX}),
        );
        assert_eq!(odd.name.as_deref(), Some("[2Jx"));
        assert!(odd.object_id.is_none() && odd.expires_on.is_none() && odd.issued_on.is_none());
    }
}
