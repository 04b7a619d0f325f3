//! A path is the same one in any case, with doubled slashes and with a slash at its end, as at
//! Azure's front doors.

use crate::common::{
    self, Lab, TENANT,
    hosts::{ADA, ARM, WORKSPACE, hosts},
};
use azcred_emulator::{Persona, Service, Way};
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeSet;

/// Resource Manager's paths are those of its resources.
const RESOURCES: [&str; 18] = [
    "/metadata/endpoints",
    "/tenants",
    "/subscriptions",
    "/subscriptions/{subscription}",
    "/subscriptions/{subscription}/locations",
    "/subscriptions/{subscription}/resourceGroups/{group}",
    "/subscriptions/{subscription}/resources",
    "/subscriptions/{subscription}/tagNames",
    "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Resources/deployments",
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Authorization/locks",
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities",
    "/providers/Microsoft.Management/managementGroups",
    "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices",
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces",
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}",
    "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments",
    "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Authorization/permissions",
];

/// Graph reads its paths itself.
const GRAPH: [&str; 14] = [
    "/v1.0/me",
    "/v1.0/users",
    "/beta/users",
    "/v1.0/users/$count",
    "/v1.0/users/{user}",
    "/v1.0/users('e0000001-0000-4000-8000-000000000001')",
    "/v1.0/users/{id}/memberOf",
    "/v1.0/users/{id}/transitiveMemberOf/microsoft.graph.group",
    "/v1.0/users/{id}/displayName",
    "/v1.0/users/{id}/getMemberGroups",
    "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')",
    "/v1.0/organization",
    "/v1.0/directoryObjects/getByIds",
    "/v1.0/$batch",
];

/// So do Azure Machine Learning's own services.
const ML: [&str; 4] = [
    "/discovery",
    "/history/v1.0{own}/runs/nowhere",
    "/history/v1.0{own}/experiments/Default/runs/nowhere/details",
    "/history/v1.0{own}/runs/nowhere/children",
];
const OWN: &str = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/\
                   {workspace}";

/// A service's port, and what its clients send.
struct Port {
    service: Service,
    base: String,
    query: String,
    header: (&'static str, String),
}

async fn ports(lab: &Lab) -> Vec<Port> {
    let info = lab.emulator.info();
    let hosts = hosts(lab);
    let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
    let mut tokens = Vec::new();
    for scope in [common::ARM_SCOPE, "https://graph.microsoft.com/.default"] {
        let identity = lab.identity("azcred-contributor");
        let id = identity.client_id.to_string();
        let answer = lab
            .request_token(&[
                ("client_id", &id),
                ("client_secret", identity.secret.as_ref().unwrap()),
                ("scope", scope),
            ])
            .await;
        tokens.push(bearer(answer.body["access_token"].as_str().unwrap()));
    }
    let [arm, graph] = <[_; 2]>::try_from(tokens).unwrap();
    let ml = arm.clone();
    let of = |persona: Persona, name: &str| {
        let set = info.environment(persona, Way::Ports).set;
        let found = set.into_iter().find(|(own, _)| own == name);
        found.unwrap_or_else(|| panic!("{name}")).1
    };
    let github = |name| of(Persona::Github, name);
    let pipelines = |name| of(Persona::AzurePipelines, name);
    let metadata = ("metadata", "true".to_owned());
    let none = ("accept", "*/*".to_owned());
    let origin = |url: &str| url::Url::parse(url).unwrap().origin().ascii_serialization();
    let query = |version: &str| format!("api-version={version}&resource={ARM}");
    [
        (
            Service::Login,
            info.login_url.clone(),
            String::new(),
            none.clone(),
        ),
        (
            Service::Arm,
            info.arm_url.clone(),
            "api-version=2022-12-01".into(),
            arm,
        ),
        (Service::Graph, info.graph_url.clone(), String::new(), graph),
        (Service::Ml, info.ml_url.clone(), String::new(), ml),
        (
            Service::Imds,
            hosts.imds_url.clone(),
            query("2021-02-01"),
            metadata.clone(),
        ),
        (
            Service::AppService,
            hosts.app_service_endpoint,
            query("2019-08-01"),
            ("x-identity-header", hosts.app_service_header),
        ),
        (
            Service::ServiceFabric,
            hosts.service_fabric_endpoint,
            query("2019-07-01-preview"),
            ("secret", hosts.service_fabric_header),
        ),
        (
            Service::Arc,
            hosts.arc_endpoint,
            query("2020-06-01"),
            metadata.clone(),
        ),
        (
            Service::MlCompute,
            hosts.ml_compute_endpoint,
            query("2017-09-01"),
            ("secret", hosts.ml_compute_secret),
        ),
        (
            Service::MlObo,
            hosts.ml_obo_endpoint,
            query("2018-02-01"),
            none,
        ),
        (
            Service::CloudShell,
            hosts.cloud_shell_endpoint,
            String::new(),
            metadata,
        ),
        (
            Service::GithubActions,
            github("ACTIONS_ID_TOKEN_REQUEST_URL"),
            "api-version=2.0".into(),
            bearer(&github("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
        ),
        (
            Service::AzurePipelines,
            pipelines("SYSTEM_OIDCREQUESTURI"),
            "api-version=7.1".into(),
            bearer(&pipelines("SYSTEM_ACCESSTOKEN")),
        ),
    ]
    .map(|(service, url, query, header)| Port {
        service,
        base: origin(&url),
        query,
        header,
    })
    .into()
}

/// A path with its parameters replaced. Words, but not parameters, are changed by `word`.
fn path(template: &str, word: fn(&str) -> String) -> String {
    let workspace: Vec<&str> = WORKSPACE.split('/').collect();
    let segment = |segment: &str| match segment {
        "{tenant}" => TENANT.to_owned(),
        "{user}" => "ada@contoso.com".to_owned(),
        "{id}" => ADA.to_owned(),
        "{*element}" => "compute/osProfile".to_owned(),
        "{subscription}" => workspace[2].to_owned(),
        "{group}" => workspace[4].to_owned(),
        "{workspace}" => workspace[8].to_owned(),
        other => word(other),
    };
    template
        .split('/')
        .map(segment)
        .collect::<Vec<_>>()
        .join("/")
}

/// What a client can branch on: the status, and the names and codes in the body.
async fn answer(lab: &Lab, port: &Port, method: &Method, path: &str) -> String {
    let client = common::client(&lab.emulator)
        // Service Fabric's clients compare its thumbprint.
        .tls_danger_accept_invalid_certs(true)
        .build()
        .unwrap();
    let url = format!("{}{path}?{}", port.base, port.query);
    let (name, value) = &port.header;
    let request = client.request(method.clone(), url).header(*name, value);
    let response = request.send().await.unwrap();
    let status = response.status();
    let kind = response.headers().get("content-type").cloned();
    let body = response.bytes().await.unwrap();
    let names = match serde_json::from_slice::<Value>(&body) {
        Ok(body) => {
            let mut names = BTreeSet::new();
            collect("", &body, &mut names);
            format!("{names:?}")
        }
        Err(_) => format!("empty: {}", body.is_empty()),
    };
    format!("{status} {kind:?} {names}")
}

fn collect(at: &str, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                collect(&format!("{at}.{name}"), value, names);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(at, value, names)),
        Value::String(text) if at.ends_with("code") || at.ends_with(".error") => {
            names.insert(format!("{at}={text}"));
        }
        Value::Number(number) if at.contains("code") => {
            names.insert(format!("{at}={number}"));
        }
        _ => {
            names.insert(at.to_owned());
        }
    }
}

#[tokio::test]
async fn every_path_of_every_service_is_the_same_in_every_form() {
    let lab = Lab::start().await;
    let mut walked = 0;
    for port in ports(&lab).await {
        let mut templates: Vec<String> = lab.emulator.paths(port.service).collect();
        match port.service {
            Service::Arm => templates.extend(RESOURCES.map(str::to_owned)),
            Service::Graph => templates.extend(GRAPH.map(str::to_owned)),
            Service::Ml => templates.extend(ML.iter().map(|path| path.replace("{own}", OWN))),
            _ => {}
        }
        assert!(!templates.is_empty(), "{:?}", port.service);
        for template in templates {
            let mut is_known = false;
            for method in [Method::GET, Method::POST] {
                let plain = path(&template, str::to_owned);
                let expected = answer(&lab, &port, &method, &plain).await;
                let nowhere =
                    answer(&lab, &port, &method, &format!("{plain}/nowhere/at/all")).await;
                is_known |= expected != nowhere;
                for form in [
                    path(&template, str::to_uppercase),
                    path(&template, str::to_lowercase),
                    plain.replace('/', "//"),
                    format!("{plain}/"),
                    format!("/{}//", path(&template, str::to_uppercase)),
                ] {
                    let seen = answer(&lab, &port, &method, &form).await;
                    assert_eq!(seen, expected, "{:?}: {method} {form}", port.service);
                }
            }
            assert!(is_known, "{:?}: {template}", port.service);
            walked += 1;
        }
    }
    assert!(walked > 50, "{walked} paths");
}
