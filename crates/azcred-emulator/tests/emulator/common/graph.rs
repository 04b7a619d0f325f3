//! Requests to Microsoft Graph, as an application and as people.

use super::{Lab, Reply, people, read};
use serde_json::Value;

pub(crate) const SCOPE: &str = "https://graph.microsoft.com/.default";

/// A token of an application of the seed.
pub(crate) async fn app_token(lab: &Lab, name: &str) -> String {
    let identity = lab.identity(name);
    let id = identity.client_id.to_string();
    let secret = identity.secret.clone().unwrap();
    let answer = lab
        .request_token(&[
            ("client_id", &id),
            ("client_secret", &secret),
            ("scope", SCOPE),
        ])
        .await;
    people::text(&answer, "access_token").to_owned()
}

/// A token of a person who signs in with Azure CLI. Without a password, it is the seed's.
pub(crate) async fn token(lab: &Lab, tenant: &str, name: &str, scope: &str) -> String {
    let users = &lab.emulator.info().users;
    let user = users.iter().find(|user| user.user_principal_name == name);
    let password = user.and_then(|user| user.password.clone()).unwrap();
    let answer = people::sign_in(lab, tenant, name, &password).await;
    let more = [("scope", scope)];
    let refresh_token = people::text(&answer, "refresh_token");
    let answer = people::refresh(lab, tenant, refresh_token, &more).await;
    people::text(&answer, "access_token").to_owned()
}

/// A `GET`.
pub(crate) async fn get(lab: &Lab, token: &str, path: &str) -> Reply {
    send(lab, token, reqwest::Method::GET, path, None).await
}

/// A `GET` of an advanced query.
pub(crate) async fn get_eventual(lab: &Lab, token: &str, path: &str) -> Reply {
    let url = format!("{}{path}", lab.emulator.info().graph_url);
    let request = lab.client.get(url).header("ConsistencyLevel", "eventual");
    read(request.bearer_auth(token).send().await.unwrap()).await
}

/// Any request.
pub(crate) async fn send(
    lab: &Lab,
    token: &str,
    method: reqwest::Method,
    path: &str,
    body: Option<Value>,
) -> Reply {
    let url = format!("{}{path}", lab.emulator.info().graph_url);
    let mut request = lab.client.request(method, url).bearer_auth(token);
    if let Some(body) = body {
        request = request.json(&body);
    }
    read(request.send().await.unwrap()).await
}

/// Status, code and message of an error.
pub(crate) fn error(answer: &Reply) -> (u16, &str, &str) {
    let text = |name: &str| answer.body["error"][name].as_str().unwrap_or_default();
    (answer.status, text("code"), text("message"))
}

/// The values of a property in a list.
pub(crate) fn each<'a>(answer: &'a Reply, name: &str) -> Vec<&'a str> {
    let list = answer.body["value"].as_array();
    let list = list.unwrap_or_else(|| panic!("no list: {answer:?}"));
    list.iter()
        .map(|object| object[name].as_str().unwrap_or_default())
        .collect()
}
