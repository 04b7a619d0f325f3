//! Tests of which cloud is taken from a description.

use super::*;

fn described(json: &str) -> Vec<CloudDescription> {
    match serde_json::from_str(json).unwrap() {
        Document::Many(entries) => entries,
        Document::One(entry) => vec![*entry],
    }
}

const LIST: &str = r#"[
  {"name": "AzureCloud", "resourceManager": "https://management.azure.com/", "portal": "https://portal.azure.com",
   "authentication": {"loginEndpoint": "https://login.microsoftonline.com/", "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"]}},
  {"name": "Mars", "resourceManager": "https://arm.mars.example/", "authentication": {"loginEndpoint": "https://login.mars.example", "audiences": ["https://mars/arm"]}}
]"#;

fn chosen(json: &str, wanted: Option<&str>, authority: Option<&str>, from: &str) -> Option<String> {
    let authority = authority.map(|host| Authority::new(host).unwrap());
    let entries = described(json);
    choose(
        &entries,
        wanted,
        authority.as_ref(),
        &Url::parse(from).unwrap(),
    )
    .map(|entry| entry.name.clone().unwrap_or_default())
}

#[test]
fn the_cloud_is_chosen_by_name_then_by_authority_then_by_address_then_because_it_is_the_only_one() {
    let elsewhere = "https://elsewhere.example/metadata";
    assert_eq!(
        chosen(LIST, Some("mars"), None, elsewhere).as_deref(),
        Some("Mars")
    );
    assert_eq!(
        chosen(
            LIST,
            Some("Venus"),
            Some("https://login.mars.example"),
            elsewhere
        ),
        None,
        "a name that is not there is no wish for another"
    );
    assert_eq!(
        chosen(LIST, None, Some("https://login.mars.example/"), elsewhere).as_deref(),
        Some("Mars")
    );
    assert_eq!(
        chosen(
            LIST,
            None,
            None,
            "https://management.azure.com/metadata/endpoints"
        )
        .as_deref(),
        Some("AzureCloud")
    );
    assert_eq!(chosen(LIST, None, None, elsewhere), None);
    let one =
        r#"{"name": "Mars", "authentication": {"loginEndpoint": "https://login.mars.example"}}"#;
    assert_eq!(chosen(one, None, None, elsewhere).as_deref(), Some("Mars"));
}

#[test]
fn a_clouds_own_audience_is_preferred_and_the_oldest_form_is_its_own_resource_manager() {
    let from =
        Url::parse("https://arm.mars.example/metadata/endpoints?api-version=2015-01-01").unwrap();
    let list = described(LIST);
    let public = cloud(&list[0], None, &from).unwrap();
    assert_eq!(public.name(), "AzureCloud");
    assert_eq!(
        public.resource_manager_audience(),
        "https://management.azure.com"
    );
    let mars = cloud(&list[1], None, &from).unwrap();
    assert_eq!(
        (mars.resource_manager(), mars.resource_manager_audience()),
        ("https://arm.mars.example", "https://mars/arm")
    );
    let oldest = described(
        r#"{"graphEndpoint": "https://g", "authentication": {"loginEndpoint": "https://login.mars.example/", "audiences": []}}"#,
    );
    let oldest = cloud(&oldest[0], None, &from).unwrap();
    assert_eq!(
        (
            oldest.resource_manager(),
            oldest.resource_manager_audience()
        ),
        ("https://arm.mars.example", "https://arm.mars.example")
    );
    assert_eq!(oldest.graph(), "https://graph.microsoft.com");
    let newest = described(
        r#"{"resourceManager": "https://arm.mars.example", "microsoftGraphResourceId": "https://graph.mars.example/",
        "authentication": {"loginEndpoint": "https://login.mars.example/"}}"#,
    );
    let newest = cloud(&newest[0], None, &from).unwrap();
    assert_eq!(newest.graph(), "https://graph.mars.example");
}

#[test]
fn neither_the_address_nor_what_it_describes_may_be_plain_http_to_elsewhere() {
    for good in [
        "https://a.example/x?api-version=1",
        "http://localhost:1/x",
        "http://127.0.0.1/x",
    ] {
        assert!(address(good).is_some(), "{good}");
    }
    for bad in [
        "http://a.example/x",
        "https://user:pw@a.example/x",
        "file:///etc/passwd",
        "x",
        "",
    ] {
        assert!(address(bad).is_none(), "{bad}");
    }
    let from = Url::parse("https://a.example").unwrap();
    for hostile in [
        r#"{"resourceManager": "http://a.example", "authentication": {"loginEndpoint": "https://login.a.example"}}"#,
        r#"{"resourceManager": "https://a.example", "authentication": {"loginEndpoint": "http://login.a.example"}}"#,
        r#"{"resourceManager": "https://a.example", "microsoftGraphResourceId": "http://graph.a.example",
            "authentication": {"loginEndpoint": "https://login.a.example"}}"#,
    ] {
        assert!(
            cloud(&described(hostile)[0], None, &from).is_err(),
            "{hostile}"
        );
    }
}
