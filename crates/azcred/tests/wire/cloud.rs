//! Clouds that describe themselves, over real sockets.

use crate::support::{Answer, Server, http};
use azcred::{ClientOptions, Cloud, Error, ErrorKind, system::Fixture};

const DESCRIPTIONS: &str = r#"[
  {"name": "Mars", "resourceManager": "https://arm.mars.example/",
   "authentication": {"loginEndpoint": "https://login.mars.example", "audiences": ["https://mars/arm"]}},
  {"name": "Venus", "resourceManager": "https://arm.venus.example/",
   "authentication": {"loginEndpoint": "https://login.venus.example", "audiences": []}}
]"#;

fn json(body: &str) -> Answer {
    http("200 OK", &["Content-Type: application/json"], body)
}

async fn discover(answer: Answer, variables: &[(&str, &str)]) -> Result<Cloud, Error> {
    let server = Server::start([answer]).await;
    let mut machine = Fixture::new().with_var(
        "ARM_CLOUD_METADATA_URL",
        &format!("http://{}/metadata/endpoints", server.address),
    );
    for (name, value) in variables {
        machine = machine.with_var(name, value);
    }
    discovered(machine).await
}

async fn discovered(machine: Fixture) -> Result<Cloud, Error> {
    let options = ClientOptions::new(machine.shared());
    options.with_discovered_cloud().await?.cloud()
}

#[tokio::test]
async fn a_cloud_is_taken_from_its_description_and_the_authority_from_its_variable() {
    let named = [("AZUREML_CURRENT_CLOUD", "mars")];
    let mars = discover(json(DESCRIPTIONS), &named).await.unwrap();
    assert_eq!(
        (mars.authority().as_str(), mars.resource_manager()),
        ("https://login.mars.example", "https://arm.mars.example")
    );
    let named = [named[0], ("AZURE_AUTHORITY_HOST", "https://localhost:1")];
    let mars = discover(json(DESCRIPTIONS), &named).await.unwrap();
    assert_eq!(
        (mars.authority().as_str(), mars.resource_manager()),
        ("https://localhost:1", "https://arm.mars.example")
    );
}

#[tokio::test]
async fn without_an_address_the_variables_decide_and_no_request_is_sent() {
    let machine = Fixture::new().with_var("AZUREML_CURRENT_CLOUD", "AzureChinaCloud");
    assert_eq!(discovered(machine).await.unwrap(), Cloud::CHINA);
}

#[tokio::test]
async fn an_unusable_value_is_named_and_the_error_keeps_its_kind() {
    let mars = ("AZUREML_CURRENT_CLOUD", "Mars");
    let page = http(
        "200 OK",
        &["Content-Type: text/html"],
        "<html>hotel wifi</html>",
    );
    for (answer, variables, kind, named, says) in [
        (
            json(DESCRIPTIONS),
            vec![mars, ("AZURE_AUTHORITY_HOST", "http://evil.example")],
            ErrorKind::Invalid,
            "AZURE_AUTHORITY_HOST",
            "plain HTTP",
        ),
        (
            json(DESCRIPTIONS),
            vec![("AZUREML_CURRENT_CLOUD", "Pluto")],
            ErrorKind::Invalid,
            "ARM_CLOUD_METADATA_URL",
            "Pluto",
        ),
        (
            json(DESCRIPTIONS),
            vec![],
            ErrorKind::Invalid,
            "ARM_CLOUD_METADATA_URL",
            "several clouds",
        ),
        (
            json(&DESCRIPTIONS.replace("https://arm.mars", "http://arm.mars")),
            vec![mars],
            ErrorKind::Invalid,
            "ARM_CLOUD_METADATA_URL",
            "can't be used",
        ),
        (
            json(&DESCRIPTIONS.replace("login.mars.example", "adfs.mars.example/adfs")),
            vec![mars],
            ErrorKind::Invalid,
            "ARM_CLOUD_METADATA_URL",
            "does not sign in to AD FS",
        ),
        (
            http("401 Unauthorized", &[], "{}"),
            vec![mars],
            ErrorKind::Unexpected,
            "ARM_CLOUD_METADATA_URL",
            "HTTP 401",
        ),
        (
            page,
            vec![mars],
            ErrorKind::Unexpected,
            "ARM_CLOUD_METADATA_URL",
            "web page",
        ),
        (
            http("501 Not Implemented", &[], ""),
            vec![mars],
            ErrorKind::Unreachable,
            "ARM_CLOUD_METADATA_URL",
            "HTTP 501",
        ),
    ] {
        let error = discover(answer, &variables).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(named) && text.contains(says), "{text}");
        assert!(error.fix().is_some(), "{text}");
    }
    let machine = Fixture::new().with_var(
        "ARM_CLOUD_METADATA_URL",
        "http://management.example/metadata",
    );
    let error = discovered(machine).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.to_string().contains("management.example"), "{error}");
}
