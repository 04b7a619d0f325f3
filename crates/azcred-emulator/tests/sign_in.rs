//! People sign in by a browser, and their programs get codes for it.

mod common;

use common::browser::{Browser, decoded, redeem};
use common::claims_of;
use common::people::{ADA, AZURE_CLI, CONTOSO, lab, refresh, text};

#[tokio::test]
async fn a_person_signs_in_and_the_program_gets_tokens_for_the_code() {
    let lab = lab().await;
    let mut browser = Browser::new(&lab);
    let page = browser.authorize("organizations", &[]).await;
    assert_eq!(page.title(), "Pick an account");
    assert!(page.html.contains("Microsoft Azure CLI"));
    let page = browser.sign_in(&page, ADA, "analytical").await;
    let answer = page.answer();
    assert_eq!(page.status, 302, "{page:?}");
    assert!(
        page.sent_to
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("http://localhost:8400/?code=")
    );
    assert_eq!(answer["state"], "a state");
    assert_eq!(decoded(&answer["client_info"])["uid"], ADA);
    let tokens = redeem(&lab, "organizations", &answer["code"], &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.claims()["oid"], ADA);
    assert_eq!(tokens.claims()["appid"], AZURE_CLI);
    assert_eq!(tokens.claims()["sid"], answer["session_state"]);
    let id_token = claims_of(text(&tokens, "id_token"));
    assert_eq!(id_token["nonce"], "a nonce");
    assert_eq!(id_token["tid"], CONTOSO);
    assert_eq!(decoded(text(&tokens, "client_info"))["utid"], CONTOSO);
    let again = refresh(&lab, CONTOSO, text(&tokens, "refresh_token"), &[]).await;
    assert_eq!(again.claims()["sid"], answer["session_state"]);
}
