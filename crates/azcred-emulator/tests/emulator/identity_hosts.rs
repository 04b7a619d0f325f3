//! The tokens that hosts of managed identities issue.

use crate::common::{
    self, Lab,
    hosts::{
        ADA, ARM, GROUP, LOOK, MACHINE, SPARE, TRAIN, WORKSPACE, app_service, arc_token, at, hosts,
        imds, ml_compute, old, send, service_fabric, token, workspace,
    },
};

#[tokio::test]
async fn every_host_returns_a_token_that_arm_accepts() {
    let lab = Lab::start().await;
    let hosts = hosts(&lab);
    let fabric = service_fabric(
        &lab,
        &[("api-version", "2019-07-01-preview"), ("resource", ARM)],
    )
    .header("Secret", &hosts.service_fabric_header);
    let old_app = old(
        &lab,
        &hosts.app_service_endpoint,
        &hosts.app_service_header,
        &[],
    );
    let obo = lab
        .client
        .get(at(&hosts.ml_obo_endpoint, &[("resource", ARM)]));
    let shell = lab
        .client
        .post(&hosts.cloud_shell_endpoint)
        .header("Metadata", "true")
        .form(&[("resource", ARM)]);
    for (host, answer) in [
        ("imds", send(imds(&lab, &[])).await),
        ("app service", send(app_service(&lab, &[])).await),
        ("app service, old", send(old_app).await),
        ("service fabric", send(fabric).await),
        ("arc", arc_token(&lab, &[]).await),
        ("ml compute", send(ml_compute(&lab, &[])).await),
        ("ml on behalf of", send(obo).await),
        ("cloud shell", send(shell).await),
    ] {
        assert_eq!(answer.status, 200, "{host}: {answer:?}");
        // The agent of Azure Arc leaves it empty.
        let resource = if host == "arc" { "" } else { ARM };
        assert_eq!(answer.body["resource"], resource, "{host}");
        assert_eq!(answer.body["token_type"], "Bearer", "{host}");
        assert_eq!(workspace(&lab, token(&answer)).await, 200, "{host}");
        let claims = answer.claims();
        let is_user = host == "cloud shell" || host == "ml on behalf of";
        let kind = if is_user { "user" } else { "app" };
        assert_eq!(claims["idtyp"], kind, "{host}: {claims}");
        assert_eq!(claims["oid"] == ADA, is_user, "{host}: {claims}");
        assert_eq!(claims.get("xms_mirid").is_none(), is_user, "{host}");
        let expires = &answer.body["expires_on"];
        let said = match host {
            "ml compute" | "ml on behalf of" | "service fabric" => expires.as_i64(),
            "app service, old" => {
                let date = expires.as_str().unwrap();
                assert!(date.ends_with(" +00:00") && date.len() == 26, "{date}");
                claims["exp"].as_i64()
            }
            _ => expires.as_str().and_then(|text| text.parse().ok()),
        };
        assert_eq!(said, claims["exp"].as_i64(), "{host}: {expires}");
    }
}

#[tokio::test]
async fn a_machines_token_names_the_machine_and_imds_writes_numbers_as_strings() {
    let lab = Lab::start().await;
    let answer = send(imds(&lab, &[])).await;
    let claims = answer.claims();
    let body = &answer.body;
    for (name, expected) in [
        ("appid", MACHINE.to_owned()),
        ("oid", "d0000001-0000-4000-8000-000000000111".to_owned()),
        ("tid", common::TENANT.to_owned()),
        ("aud", ARM.to_owned()),
        ("ver", "1.0".to_owned()),
        ("appidacr", "2".to_owned()),
        (
            "xms_mirid",
            // One word in lower case, as Entra ID writes it.
            format!("{GROUP}/Microsoft.Compute/virtualMachines/vm-contoso-train")
                .replace("/resourceGroups/", "/resourcegroups/"),
        ),
        ("xms_act_fct", "3 9".to_owned()),
        ("xms_idrel", "7 4".to_owned()),
        ("xms_sub_fct", "9 3".to_owned()),
    ] {
        assert_eq!(claims[name], expected, "{name}");
    }
    assert_eq!(body["client_id"], MACHINE);
    assert_eq!(body["expires_in"], "86399");
    assert_eq!(body["ext_expires_in"], "86399");
    for (name, claim) in [("expires_on", "exp"), ("not_before", "nbf")] {
        assert_eq!(body[name], claims[claim].to_string(), "{name}");
    }
}

#[tokio::test]
async fn an_identity_is_chosen_by_client_object_or_resource_id() {
    let lab = Lab::start().await;
    let object = LOOK.replacen('a', "d", 1);
    let resource =
        format!("{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/ID-contoso-look");
    for choice in [
        ("client_id", LOOK),
        ("object_id", &object),
        ("mi_res_id", &resource),
        ("msi_res_id", &resource),
    ] {
        for answer in [
            send(imds(&lab, &[choice])).await,
            send(app_service(&lab, &[choice])).await,
        ] {
            assert_eq!(answer.claims()["appid"], LOOK, "{choice:?}: {answer:?}");
            assert_eq!(answer.body["client_id"], LOOK);
        }
        let arc = arc_token(&lab, &[choice]).await;
        assert_eq!(arc.claims()["appid"], LOOK, "{choice:?}: {arc:?}");
    }
    // A client of Azure Arc rejects a token whose response does not confirm the choice.
    let confirmed = arc_token(&lab, &[("object_id", &object)]).await;
    assert_eq!(confirmed.body["object_id"], object);
    let confirmed = arc_token(&lab, &[("msi_res_id", &resource)]).await;
    assert_eq!(confirmed.body["msi_res_id"], resource);
    // The old protocol has only one parameter for the choice.
    let chosen = send(ml_compute(&lab, &[("clientid", TRAIN)])).await;
    assert_eq!(chosen.claims()["appid"], TRAIN);
    for (query, at) in [("clientid", 404), ("client_id", 200)] {
        let answer = send(ml_compute(&lab, &[(query, SPARE)])).await;
        assert_eq!(answer.status, at, "{query}: {answer:?}");
    }
}

#[tokio::test]
async fn an_identitys_roles_decide_what_it_may_do() {
    let lab = Lab::start().await;
    let delete = |token: String| {
        let url = format!(
            "{}{WORKSPACE}/onlineEndpoints/e?api-version=2024-04-01",
            lab.emulator.info().arm_url
        );
        lab.client.delete(url).bearer_auth(token)
    };
    let look = send(imds(&lab, &[("client_id", LOOK)])).await;
    assert_eq!(workspace(&lab, token(&look)).await, 200);
    let refused = send(delete(token(&look).to_owned())).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert_eq!(refused.body["error"]["code"], "AuthorizationFailed");
    let train = send(imds(&lab, &[("client_id", TRAIN)])).await;
    let allowed = send(delete(token(&train).to_owned())).await;
    assert_ne!(allowed.status, 403, "{allowed:?}");
    // An administrator disables it.
    let id = "d0000001-0000-4000-8000-000000000102".parse().unwrap();
    let disabled = |on| {
        let mut directory = lab.emulator.world().directory_mut();
        directory.service_principals.get_mut(&id).unwrap().enabled = on;
    };
    disabled(false);
    let off = send(imds(&lab, &[("client_id", LOOK)])).await;
    assert_eq!((off.status, off.code()), (400, 7_000_112), "{off:?}");
}

#[tokio::test]
async fn service_fabrics_certificate_has_the_announced_thumbprint() {
    let lab = Lab::start().await;
    let response = service_fabric(&lab, &[]).send().await.unwrap();
    let shown = response
        .extensions()
        .get::<reqwest::tls::TlsInfo>()
        .unwrap();
    let der = shown.peer_certificate().unwrap();
    let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, der);
    let thumbprint: String = sha1.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    assert_eq!(thumbprint, hosts(&lab).service_fabric_thumbprint);
    // No authority signed it, not even the emulator's.
    let trusting = lab.client.get(hosts(&lab).service_fabric_endpoint);
    assert!(trusting.send().await.is_err());
}
