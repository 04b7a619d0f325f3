//! Faults on the hosts of managed identities, as a client sees them, and in the log.

use crate::common::{Lab, Reply, read};
use azcred_emulator::{Effect, ExpiresOnFormat, Fault, Service};

const ARM: &str = "https://management.azure.com/";

fn request(lab: &Lab, service: Service, client_id: &str) -> reqwest::RequestBuilder {
    let hosts = lab.emulator.info().identity_hosts.as_ref().unwrap();
    let (url, name, value, version, id) = match service {
        Service::Imds => (
            format!("{}/metadata/identity/oauth2/token", hosts.imds_url),
            "Metadata",
            "true",
            "2018-02-01",
            "client_id",
        ),
        _ => (
            hosts.ml_compute_endpoint.clone(),
            "secret",
            hosts.ml_compute_secret.as_str(),
            "2017-09-01",
            "clientid",
        ),
    };
    let mut query = vec![("api-version", version), ("resource", ARM)];
    if !client_id.is_empty() {
        query.push((id, client_id));
    }
    let url = url::Url::parse_with_params(&url, query).unwrap();
    lab.client.get(url).header(name, value)
}

async fn request_token(lab: &Lab, service: Service) -> Reply {
    read(request(lab, service, "").send().await.unwrap()).await
}

fn arm(lab: &Lab, service: Service, count: u32, effect: Effect) {
    let fault = Fault::new(effect).on(service).times(count);
    lab.emulator.faults().arm(fault).unwrap();
}

fn status(status: u16) -> Effect {
    Effect::Status {
        status,
        retry_after: Some(3),
    }
}

#[tokio::test]
async fn imds_is_unavailable_for_a_while_and_comes_back() {
    let lab = Lab::start().await;
    arm(&lab, Service::Imds, 2, status(410));
    for expected in [410, 410, 200] {
        let answer = request_token(&lab, Service::Imds).await;
        assert_eq!(answer.status, expected, "{answer:?}");
        assert_eq!(answer.headers.contains_key("retry-after"), expected == 410);
    }
    // A fault of one host does not affect another.
    arm(&lab, Service::Imds, 1, status(500));
    assert_eq!(request_token(&lab, Service::MlCompute).await.status, 200);
    assert_eq!(request_token(&lab, Service::Imds).await.status, 500);
}

#[tokio::test]
async fn docker_desktops_proxy_reports_an_unreachable_network_in_place_of_imds() {
    let lab = Lab::start().await;
    arm(&lab, Service::Imds, 1, status(403));
    let answer = request(&lab, Service::Imds, "").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    let text = answer.text().await.unwrap();
    assert!(
        text.starts_with("connecting to 169.254.169.254:80"),
        "{text}"
    );
    assert!(text.contains("unreachable network"), "{text}");
}

#[tokio::test]
async fn each_hosts_errors_have_its_own_format() {
    let lab = Lab::start().await;
    arm(&lab, Service::Imds, 1, status(429));
    let imds = request_token(&lab, Service::Imds).await;
    assert_eq!(imds.status, 429);
    assert!(imds.body["error"].is_string() && imds.body["error_description"].is_string());
    arm(&lab, Service::MlCompute, 1, status(429));
    let compute = request_token(&lab, Service::MlCompute).await;
    assert_eq!(compute.status, 429);
    assert_eq!(compute.headers["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test]
async fn faults_can_replace_a_hosts_response() {
    let lab = Lab::start().await;
    let location = "http://127.0.0.1:9/".to_owned();
    arm(
        &lab,
        Service::Imds,
        1,
        Effect::Redirect {
            status: 302,
            location: location.clone(),
        },
    );
    let answer = request_token(&lab, Service::Imds).await;
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (302, &location.parse().unwrap())
    );
    arm(&lab, Service::Imds, 1, Effect::Html);
    let page = request(&lab, Service::Imds, "").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().starts_with("<!DOCTYPE html>"));
    arm(&lab, Service::Imds, 1, Effect::TruncatedJson);
    let half = request_token(&lab, Service::Imds).await;
    assert_eq!((half.status, half.body.is_null()), (200, true));
    arm(&lab, Service::Imds, 1, Effect::Reset);
    assert!(request(&lab, Service::Imds, "").send().await.is_err());
    arm(&lab, Service::Imds, 1, Effect::CutOff);
    let cut = request(&lab, Service::Imds, "").send().await.unwrap();
    assert!(cut.bytes().await.is_err());
    assert_eq!(request_token(&lab, Service::Imds).await.status, 200);
}

#[tokio::test]
async fn a_fault_makes_a_compute_write_dates_like_the_old_app_service() {
    let lab = Lab::start().await;
    let number = request_token(&lab, Service::MlCompute).await;
    assert!(number.body["expires_on"].is_i64(), "{number:?}");
    for (format, form) in [
        (ExpiresOnFormat::Text, "n"),
        (ExpiresOnFormat::Date, "nn/nn/nnnn nn:nn:nn +nn:nn"),
        (ExpiresOnFormat::DateAmPm, "M +nn:nn"),
    ] {
        arm(&lab, Service::MlCompute, 1, Effect::ExpiresOn { format });
        let answer = request_token(&lab, Service::MlCompute).await;
        let said = answer.body["expires_on"].as_str().unwrap().to_owned();
        let shape: String = said
            .chars()
            .map(|c| if c.is_ascii_digit() { 'n' } else { c })
            .collect();
        assert!(shape.ends_with(form), "{said}");
        let number = answer.claims()["exp"].to_string();
        assert_eq!(said == number, format == ExpiresOnFormat::Text, "{said}");
    }
}

#[tokio::test]
async fn the_log_names_host_client_and_error_and_has_no_secret() {
    let lab = Lab::start().await;
    let spare = "a0000001-0000-4000-8000-000000000103";
    for service in [Service::Imds, Service::MlCompute] {
        request(&lab, service, spare).send().await.unwrap();
    }
    let fault = Fault::new(Effect::Html).on(Service::Imds).client(spare);
    lab.emulator.faults().arm(fault).unwrap();
    assert!(request_token(&lab, Service::Imds).await.body["access_token"].is_string());
    request(&lab, Service::Imds, spare).send().await.unwrap();
    let log = lab.emulator.requests().all();
    let seen: Vec<_> = log
        .iter()
        .map(|served| {
            (
                served.service.as_str(),
                served.status.unwrap(),
                served.client_id.as_deref(),
                served.fault.as_deref(),
                served.error.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("imds", 400, Some(spare), None, Some("invalid_request")),
            ("ml_compute", 404, Some(spare), None, None),
            ("imds", 200, None, None, None),
            ("imds", 200, Some(spare), Some("html"), None),
        ]
    );
    let hosts = lab.emulator.info().identity_hosts.as_ref().unwrap();
    assert!(
        !serde_json::to_string(&log)
            .unwrap()
            .contains(&hosts.ml_compute_secret)
    );
}

#[tokio::test]
async fn a_shifted_clock_is_shifted_for_hosts_too() {
    let lab = Lab::start().await;
    let seconds = -7200;
    lab.emulator
        .faults()
        .arm(Fault::new(Effect::ClockSkew { seconds }))
        .unwrap();
    let early = request_token(&lab, Service::Imds).await;
    lab.emulator.faults().clear();
    let right = request_token(&lab, Service::Imds).await;
    let expires = |answer: &Reply| answer.claims()["exp"].as_i64().unwrap();
    assert!(expires(&right) - expires(&early) >= 7200);
}
