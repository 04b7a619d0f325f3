//! The hosts of managed identities in `interop/recorded/entra.jsonl`.

use crate::common::{
    Lab, Reply,
    hosts::{self, SPARE, TRAIN, at, hosts as info, send},
};
use reqwest::RequestBuilder;
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
        "App Service" | "App Service / Container Apps" => app_service(lab, line)?,
        "Cloud Shell" => {
            let form = [("resource", text("resource"))];
            let url = info(lab).cloud_shell_endpoint;
            lab.client.post(url).header("Metadata", "true").form(&form)
        }
        "Azure ML compute instance" if text("url").ends_with('/') => {
            lab.client.get(info(lab).ml_compute_endpoint)
        }
        "Azure ML compute instance" => {
            let query = [
                ("api-version", "2017-09-01"),
                ("resource", "https://storage.azure.com"),
            ];
            let url = at(&info(lab).ml_compute_endpoint, &query);
            lab.client
                .get(url)
                .header("secret", info(lab).ml_compute_secret)
        }
        host if host.starts_with("Azure ML compute, no identity") => {
            hosts::ml_compute(lab, &[("clientid", SPARE)])
        }
        _ => return None,
    };
    Some(send(request).await)
}

fn app_service(lab: &Lab, line: &Value) -> Option<RequestBuilder> {
    let text = |name: &str| line["request"][name].as_str().unwrap_or_default();
    let hosts = info(lab);
    let old = |version: &str, more: &[(&str, &str)]| {
        let query = [("api-version", version), ("resource", hosts::ARM)];
        let url = at(&hosts.app_service_endpoint, &[&query, more].concat());
        lab.client
            .get(url)
            .header("secret", &hosts.app_service_header)
    };
    Some(match (text("query"), text("resource")) {
        ("2017-09-01", _) => old("2017-09-01", &[("clientid", SPARE)]),
        ("2019-08-01", _) => hosts::app_service(lab, &[("client_id", SPARE)]),
        (query, _) if query.contains("old variables") => old("2019-08-01", &[("clientid", TRAIN)]),
        (_, "nobody's") => {
            let query = [
                ("api-version", "2019-08-01"),
                ("resource", "https://nobody.example"),
            ];
            let url = at(&hosts.app_service_endpoint, &query);
            lab.client
                .get(url)
                .header("X-IDENTITY-HEADER", &hosts.app_service_header)
        }
        _ => return None,
    })
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
