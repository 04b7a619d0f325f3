//! What a virtual machine's metadata service says besides tokens.

use crate::common::{
    Lab, Reply, TENANT,
    hosts::{GROUP, MACHINE, hosts, imds, send},
};
use serde_json::json;

async fn get(lab: &Lab, path: &str) -> reqwest::Response {
    let url = format!("{}{path}", hosts(lab).imds_url);
    let request = lab.client.get(url).header("Metadata", "true");
    request.send().await.unwrap()
}

async fn text(lab: &Lab, path: &str) -> String {
    let response = get(lab, path).await;
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    response.text().await.unwrap()
}

async fn object(lab: &Lab, path: &str) -> Reply {
    crate::common::read(get(lab, path).await).await
}

#[tokio::test]
async fn the_machine_is_described_whole_by_element_and_as_text() {
    let lab = Lab::start().await;
    let whole = object(&lab, "/metadata/instance?api-version=2021-02-01").await;
    assert_eq!(whole.status, 200);
    assert_eq!(
        whole.headers["content-type"],
        "application/json; charset=utf-8"
    );
    assert!(
        whole.headers["server"]
            .to_str()
            .unwrap()
            .starts_with("IMDS/150.870.65.")
    );
    let compute = &whole.body["compute"];
    let id = format!("{GROUP}/Microsoft.Compute/virtualMachines/vm-contoso-train");
    for (name, value) in [
        ("azEnvironment", "AzurePublicCloud"),
        ("location", "westeurope"),
        ("name", "vm-contoso-train"),
        ("osType", "Linux"),
        ("provider", "Microsoft.Compute"),
        ("resourceGroupName", "rg-contoso-ml"),
        ("resourceId", &id),
        ("subscriptionId", "5ec0ffee-0001-4000-8000-000000000001"),
        ("vmScaleSetName", ""),
    ] {
        assert_eq!(compute[name], value, "{name}");
    }
    let at = |path: &str| format!("/metadata/instance{path}?api-version=2021-02-01");
    let part = object(&lab, &at("/compute/osProfile")).await;
    assert_eq!(part.body, compute["osProfile"]);
    let interface = object(&lab, &at("/network/interface/0/ipv4")).await;
    assert_eq!(
        interface.body["ipAddress"][0]["privateIpAddress"],
        "10.0.0.4"
    );
    let as_text = |path: &str| format!("{}&format=text", at(path));
    assert_eq!(text(&lab, &as_text("")).await, "compute/\nnetwork/");
    assert_eq!(
        text(&lab, &as_text("/compute/vmId")).await,
        compute["vmId"].as_str().unwrap()
    );
    assert_eq!(
        text(&lab, &as_text("/Compute/VMID/")).await,
        compute["vmId"].as_str().unwrap()
    );
    assert_eq!(text(&lab, &as_text("/network/interface")).await, "0/");
    let mac = as_text("/network/interface/0/macAddress");
    assert_eq!(text(&lab, &mac).await, "000D3A1B2C3D");
    for (path, status) in [
        (at("/compute/vmId"), 400),
        (at("/compute/nothing"), 404),
        (at("/network/interface/1"), 404),
        ("/metadata/instance?api-version=1066-10-14".to_owned(), 400),
        ("/metadata/instance?api-version=2017-08-01".to_owned(), 200),
    ] {
        assert_eq!(object(&lab, &path).await.status, status, "{path}");
    }
    // Two emulators of one seed are the same machine.
    let other = object(&Lab::start().await, &at("")).await;
    assert_eq!(other.body["compute"]["vmId"], compute["vmId"]);
}

#[tokio::test]
async fn versions_and_the_tenant_are_said_and_what_is_not_served_says_so() {
    let lab = Lab::start().await;
    let versions = object(&lab, "/metadata/versions").await;
    let versions = versions.body["apiVersions"].as_array().unwrap().clone();
    for version in ["2017-08-01", "2018-02-01", "2021-02-01"] {
        assert!(versions.contains(&version.into()), "{version}");
    }
    let newest = object(&lab, "/metadata/instance").await;
    let last: Vec<_> = versions.iter().rev().take(3).cloned().collect();
    assert_eq!(newest.body["newest-versions"].as_array(), Some(&last));
    let info = object(&lab, "/metadata/identity/info?api-version=2018-02-01").await;
    assert_eq!(info.body, json!({ "tenantId": TENANT }));
    // Identities are newer than the service.
    assert_eq!(send(imds(&lab, &[])).await.body["client_id"], MACHINE);
    let old = object(&lab, "/metadata/identity/info?api-version=2017-08-01").await;
    assert_eq!(old.status, 400);
    for path in ["attested/document", "scheduledevents", "loadbalancer"] {
        let missing = object(&lab, &format!("/metadata/{path}?api-version=2021-02-01")).await;
        assert_eq!(missing.status, 501, "{path}");
        assert_eq!(missing.body["error"], "NotServedByEmulator", "{path}");
    }
    for path in [
        "versions",
        "identity/info",
        "instance/compute",
        "attested/document",
    ] {
        let url = format!("{}/metadata/{path}", hosts(&lab).imds_url);
        let bare = send(lab.client.get(url)).await;
        let why = "Required metadata header not specified";
        assert_eq!(bare.body["error_description"], why, "{path}");
    }
}
