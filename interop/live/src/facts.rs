//! The GETs of the recorded facts, sent to Azure.

use crate::redact::Redaction;
use anyhow::{Context as _, Result};
use azcred::{
    AccessToken, Credential as _, Scope, Session, TokenRequest,
    http::{Http, HttpRequest, Retry, Url},
    workspace::WorkspaceRef,
};
use azcred_recorded::{
    ARM, Answer, Difference, ENTRA, GRAPH, differences, entra_differences, filled,
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// The longest wait for one answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// A built-in role of Azure: Reader.
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// How many facts did what.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) same: usize,
    pub(crate) different: usize,
    pub(crate) not_tried: usize,
}

/// A service with a file of facts.
struct Service {
    facts: &'static str,
    base: String,
    /// The scope of its tokens; `None` for documents that need no token.
    scope: Option<Scope>,
    compare: fn(&Value, &Answer<'_>) -> Vec<Difference>,
}

/// What requests need to know of the tenant.
pub(crate) struct Tenant<'a> {
    session: &'a Session,
    http: &'a Http,
    services: Vec<Service>,
    values: BTreeMap<&'static str, String>,
}

impl<'a> Tenant<'a> {
    /// `whoami` is the answer of `azcred whoami`.
    pub(crate) fn new(
        session: &'a Session,
        workspace: &WorkspaceRef,
        whoami: &Value,
    ) -> Result<Self> {
        let cloud = session.options().cloud()?;
        let arm = cloud.resource_manager_audience();
        let services = vec![
            Service {
                facts: ENTRA,
                base: cloud.authority().as_str().to_owned(),
                scope: None,
                compare: entra_differences,
            },
            Service {
                facts: ARM,
                base: cloud.resource_manager().to_owned(),
                scope: Some(Scope::from_resource(arm)?),
                compare: differences,
            },
            Service {
                facts: GRAPH,
                base: cloud.graph().to_owned(),
                scope: Some(Scope::from_resource(cloud.graph())?),
                compare: differences,
            },
        ];
        let mut values = BTreeMap::from([
            ("sub", workspace.subscription().to_owned()),
            ("rg", workspace.resource_group().to_owned()),
            ("workspace", workspace.name().to_owned()),
            ("built-in role", READER.to_owned()),
        ]);
        for (name, member) in [
            ("tenant", "tenantId"),
            ("user", "objectId"),
            ("upn", "userName"),
        ] {
            let value = whoami[member].as_str();
            values.extend(value.map(|value| (name, value.to_owned())));
        }
        Ok(Self {
            session,
            http: session.options().http(),
            services,
            values,
        })
    }

    /// A text of a request with its values; `None` if this tenant may lack one.
    fn filled(&self, text: &str) -> Option<String> {
        filled(text, |name| match name {
            "new id" => Some(Uuid::new_v4().to_string()),
            "new name" => Some(format!("azcred-{}", Uuid::new_v4())),
            _ => self.values.get(name).cloned(),
        })
    }

    /// The address of a line's request; `None` if it writes, or can't be sent here.
    fn address(&self, service: &Service, request: &Value) -> Option<Url> {
        if ["host", "token", "by", "situation", "headers"]
            .iter()
            .any(|name| request.get(name).is_some())
        {
            return None;
        }
        // What has to exist, beside what the request names.
        self.filled(request["given"].as_str().unwrap_or_default())?;
        let path = match (request["method"].as_str(), request["endpoint"].as_str()) {
            (Some("GET"), _) => request["path"].as_str()?,
            (None, Some("openid-configuration")) => {
                "/<new name>/v2.0/.well-known/openid-configuration"
            }
            _ => return None,
        };
        let query = match &request["query"] {
            Value::String(query) => self.filled(query)?,
            Value::Object(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(name, value)| Some(format!("{name}={}", self.filled(value.as_str()?)?)));
                pairs.collect::<Option<Vec<_>>>()?.join("&")
            }
            _ => String::new(),
        };
        let base = service.base.trim_end_matches('/');
        let path = self.filled(path)?;
        let mut url = Url::parse(&format!("{base}{path}")).ok()?;
        url.set_query((!query.is_empty()).then_some(&query));
        Some(url)
    }

    async fn token(&self, service: &Service) -> Result<Option<AccessToken>> {
        let Some(scope) = &service.scope else {
            return Ok(None);
        };
        let mut request = TokenRequest::new(scope.clone());
        if let Some(tenant) = self.session.request().tenant() {
            request = request.with_tenant(tenant.clone());
        }
        Ok(Some(self.session.get_token(&request).await?))
    }
}

/// Sends each GET, prints what differs, and hands on what was found as a fact.
pub(crate) async fn compare(
    tenant: &Tenant<'_>,
    redaction: &Redaction,
    line: &mut impl FnMut(&Value) -> Result<()>,
) -> Result<Tally> {
    let mut tally = Tally::default();
    for service in &tenant.services {
        let token = tenant.token(service).await?;
        for fact in service.facts.lines() {
            let fact: Value = serde_json::from_str(fact).context("a recorded fact")?;
            let address = tenant.address(service, &fact["request"]);
            let address = address.filter(|_| fact["superseded"] != true);
            let Some(address) = address else {
                tally.not_tried += 1;
                continue;
            };
            let mut request = HttpRequest::get(address).with_retry(Retry::NEVER);
            if let Some(token) = &token {
                request = request
                    .with_bearer(token)
                    .context("the token has characters that a header may not have")?;
            }
            let got = tenant
                .http
                .send("no answer from Azure", &request, DEADLINE)
                .await?;
            let body = serde_json::from_slice(&got.body).unwrap_or_default();
            // This client sends no correlation id, so Azure makes one.
            let expected = fact.to_string();
            let expected = expected
                .replace("<Resource Manager>", service.base.trim_end_matches('/'))
                .replace("<Graph>", service.base.trim_end_matches('/'))
                .replace("<sent>", "<guid>");
            let expected: Value = serde_json::from_str(&expected).context("a recorded fact")?;
            let header = |name: &str| got.header(name);
            let answer = Answer {
                status: got.status,
                header: &header,
                body: &body,
            };
            let found = (service.compare)(&expected, &answer);
            let found: Vec<_> = found.iter().map(|one| redaction.difference(one)).collect();
            print(&fact["request"], &found);
            match found.is_empty() {
                true => tally.same += 1,
                false => tally.different += 1,
            }
            line(&json!({
                "source": "azcred",
                "request": fact["request"],
                "status": got.status,
                "headers": headers(&expected, &answer, redaction),
                "response": redaction.value(&body, Some(&expected["response"])),
                "differences": found,
            }))?;
        }
    }
    Ok(tally)
}

fn print(request: &Value, found: &[String]) {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let what = match text("path") {
        "" => text("endpoint"),
        path => path,
    };
    println!("  GET {what} {}", text("query"));
    for difference in found {
        println!("    {difference}");
    }
}

/// The answer's headers that a fact names.
fn headers(fact: &Value, got: &Answer<'_>, redaction: &Redaction) -> Value {
    let named = fact["headers"].as_object().into_iter().flatten();
    let all = named.map(|(name, recorded)| {
        let ours = (got.header)(name).map_or(Value::Null, Value::from);
        (name.clone(), redaction.value(&ours, Some(recorded)))
    });
    Value::Object(all.collect::<Map<_, _>>())
}
