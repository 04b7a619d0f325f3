//! The hosts of managed identities in `interop/recorded/entra.jsonl`.

use crate::common::{
    Lab, Reply,
    hosts::{self, SPARE, TRAIN, at, hosts as info, send},
};
use serde_json::Value;

/// Sends a line's request. `None` if this test does not know the situation.
pub(super) async fn answer(lab: &Lab, line: &Value) -> Option<Reply> {
    let request = &line["request"];
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let request = match text("host") {
        "Arc" if text("query").contains("client_id") => return None,
        "Arc" if request.get("header").is_some() => return Some(hosts::arc_token(lab, &[]).await),
        "Arc" => hosts::arc(lab, &[]),
        "Service Fabric" => {
            let query = [
                ("api-version", "2019-07-01-preview"),
                ("resource", "https://vault.azure.net"),
            ];
            let secret = info(lab).service_fabric_header;
            hosts::service_fabric(lab, &query).header("Secret", secret)
        }
        "IMDS" => return imds(lab, line).await,
        _ => return None,
    };
    Some(send(request).await)
}

async fn imds(lab: &Lab, line: &Value) -> Option<Reply> {
    let text = |name: &str| line["request"][name].as_str().unwrap_or_default();
    let of = |resource: &str, more: &[(&str, &str)]| {
        let url = format!("{}/metadata/identity/oauth2/token", info(lab).imds_url);
        let query = [("api-version", "2018-02-01"), ("resource", resource)];
        lab.client.get(at(&url, &[&query, more].concat()))
    };
    let with_header = |resource: &str| of(resource, &[]).header("Metadata", "true");
    let request = match (text("header"), text("why"), text("resource")) {
        ("no Metadata", ..) => of(hosts::ARM, &[("client_id", TRAIN)]),
        ("Metadata: true", ..) => {
            let own = [("client_id", TRAIN)];
            of("https://management.azure.com", &own).header("Metadata", "true")
        }
        (_, "identity not assigned", _) => hosts::imds(lab, &[("client_id", SPARE)]),
        (_, _, "an own application's") => {
            // The identity's id is in tokens for Microsoft's own resources only.
            let reply = send(with_header("api://azcred-api")).await;
            let mut reply = reply;
            let has_id = reply.claims().get("xms_mirid").is_some();
            let said = "only in tokens for Microsoft's own resources";
            reply.body["xms_mirid"] = if has_id { Value::Null } else { said.into() };
            return Some(reply);
        }
        (_, _, "user.read") => with_header("user.read"),
        (_, _, resource) if resource.starts_with("https://") => with_header(resource),
        _ => return None,
    };
    Some(send(request).await)
}
