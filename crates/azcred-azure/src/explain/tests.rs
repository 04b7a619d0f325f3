use super::*;

const APP: &str = "a0000003-0000-4000-8000-000000000001";
const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
const ID: &str = "11111111-2222-3333-4444-555555555555";

fn first(text: &str) -> Problem {
    let found = explain(text);
    assert!(!found.is_empty(), "{text}");
    found.into_iter().next().unwrap()
}

#[test]
fn what_was_refused_comes_before_what_is_absent() {
    let text = format!(
        "DefaultAzureCredential failed to retrieve a token from the included credentials.\n\
         Attempted credentials:\n\
         \tEnvironmentCredential: Authentication failed: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the \
         request is the client secret value, not the client secret ID, for a secret added to app '{APP}'. Trace ID: {ID} Correlation ID: {ID} \
         Timestamp: 2026-11-30 20:00:00Z\n\
         \tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.\n\
         \tAzureCliCredential: Please run 'az login' to set up an account\n"
    );
    let found = explain(&text);
    let cause = &found[0];
    assert_eq!((&*cause.code, cause.line), ("AADSTS7000215", Some(3)));
    assert_eq!(cause.correlation_id.as_deref(), Some(ID));
    assert_eq!(cause.timestamp.as_deref(), Some("2026-11-30 20:00:00Z"));
    assert!(cause.fix.to_string().contains(APP), "{}", cause.fix);
    assert!(cause.values.contains(&("clientId", APP.to_owned())));
    let others: Vec<&str> = found[1..].iter().map(|one| &*one.code).collect();
    assert_eq!(others, ["AzureCliSignedOut", "CredentialUnavailableError"]);
}

#[test]
fn a_missing_role_names_the_identity_the_action_the_scope_and_the_role() {
    let text = format!(
        "azure.core.exceptions.HttpResponseError: (AuthorizationFailed) The client '{APP}' with object id '{ID}' does not have \
         authorization to perform action 'Microsoft.MachineLearningServices/workspaces/jobs/write' over scope \
         '/subscriptions/{TENANT}/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w' or the scope is invalid."
    );
    let cause = first(&text);
    assert_eq!(cause.code, "AuthorizationFailed");
    assert!(
        cause.meaning.contains("has no role that allows"),
        "{}",
        cause.meaning
    );
    let fix = cause.fix.to_string();
    assert!(
        fix.contains("AzureML Data Scientist") && fix.contains(ID),
        "{fix}"
    );
}

#[test]
fn the_network_s_more_specific_words_come_first() {
    for (text, code) in [
        (
            "HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url: /x (Caused by \
             SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate')))",
            "CERTIFICATE_VERIFY_FAILED",
        ),
        (
            "Error: getaddrinfo ENOTFOUND login.microsoftonline.com",
            "ENOTFOUND",
        ),
        (
            "Max retries exceeded (Caused by ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required')))",
            "ProxyAuthenticationRequired",
        ),
    ] {
        assert_eq!(first(text).code, code, "{text}");
    }
    let absent = "ManagedIdentityCredential: Max retries exceeded with url: http://169.254.169.254/x\nAADSTS700016: Application with identifier";
    assert_eq!(first(absent).code, "AADSTS700016");
}

#[test]
fn a_code_of_several_services_is_that_of_the_one_that_the_text_is_about() {
    let storage = "https://stcontoso.blob.core.windows.net/c\nServer failed to authenticate the request.\nErrorCode:AuthenticationFailed";
    assert_eq!(first(storage).speaker, Speaker::Storage);
    assert_eq!(
        first("(AuthenticationFailed) Authentication failed.").speaker,
        Speaker::ResourceManager
    );
    let vault = "(Forbidden) The user does not have access\nVault: kv-ml;location=westeurope https://kv-ml.vault.azure.net";
    assert_eq!(first(vault).speaker, Speaker::KeyVault);
    assert!(explain("403 Forbidden").is_empty());
}

#[test]
fn a_code_is_known_in_any_form_and_an_unknown_one_has_neighbours() {
    for code in ["AADSTS700024", "aadsts700024", "700024", " 700024 "] {
        let known = explain_code(code);
        assert_eq!(known.len(), 1, "{code}");
        assert_eq!(known[0].code, "AADSTS700024");
    }
    assert_eq!(
        explain_code("authorizationfailed")[0].code,
        "AuthorizationFailed"
    );
    let both: Vec<Speaker> = explain_code("AuthenticationFailed")
        .iter()
        .map(|one| one.speaker)
        .collect();
    assert_eq!(both, [Speaker::ResourceManager, Speaker::Storage]);
    assert_eq!(
        explain_code("Please run 'az login'")[0].code,
        "AzureCliSignedOut"
    );
    assert!(explain_code("AADSTS123456789").is_empty());
    assert!(explain_code("").is_empty());
    let unknown = first("AADSTS9999999: Something new happened.");
    assert!(
        !unknown.is_known && unknown.meaning.contains("Something new"),
        "{unknown:?}"
    );
}

#[test]
fn every_known_code_is_found_in_a_text_that_has_it() {
    for meaning in entra::meanings() {
        let text = format!("ERROR: AADSTS{}: it failed.", meaning.code);
        let cause = first(&text);
        assert_eq!(cause.code, format!("AADSTS{}", meaning.code));
        assert!(!cause.fix.is_empty() && !cause.meaning.is_empty(), "{text}");
    }
    for row in codes::rows() {
        for words in row.words() {
            let about = match row.speaker {
                Speaker::Storage => "stcontoso.blob.core.windows.net",
                Speaker::KeyVault => "kv.vault.azure.net",
                Speaker::ContainerRegistry => "cr.azurecr.io",
                _ => "it",
            };
            let found = explain(&format!("{about} said: {words} and more"));
            assert!(
                found.iter().any(|one| one.code == row.code),
                "{words}: {found:?}"
            );
        }
    }
    for saying in AZURE_CLI_SAYINGS.iter().chain(NETWORK_SAYINGS) {
        for words in saying.says {
            let found = explain(&format!("Azure CLI said: {words} and more"));
            assert!(
                found.iter().any(|one| one.code == saying.code),
                "{words}: {found:?}"
            );
        }
    }
}

#[test]
fn a_federated_credential_that_is_missing_is_written_with_the_subject_of_the_text() {
    let text = format!(
        "AADSTS700213: No matching federated identity record found for presented assertion subject 'repo:contoso/ml:ref:refs/heads/main'. \
         client_id={APP}"
    );
    let fix = first(&text).fix.to_string();
    assert!(
        fix.contains("repo:contoso/ml:ref:refs/heads/main") && fix.contains(APP),
        "{fix}"
    );
}

#[test]
fn the_rest_of_a_message_that_was_cut_is_not_repeated() {
    let text = "(AuthorizationFailed) The client 'ada@contoso.com' with\n\
                Authorization: Bearer kX8Q~p7Zq3-canary_9vLw2TfB.6hRd";
    let problem = first(text);
    assert_eq!(problem.code, "AuthorizationFailed");
    assert!(!format!("{problem:?}").contains("canary"), "{problem:?}");
    assert!(!problem.fix.is_empty(), "{problem:?}");
}

#[test]
fn no_secret_of_a_text_is_shown() {
    let secret = "kX8Q~p7Zq3-canary_9vLw2TfB.6hRd";
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJlLWNhbmFyeQ";
    for text in [
        format!(
            "client_secret={secret}&x=1 AADSTS7000215: client_secret={secret} is wrong: {token}."
        ),
        format!(
            "AADSTS700016: Application with identifier '{secret}' was not found in the directory '{token}'."
        ),
        format!(
            "(AuthorizationFailed) The client '{secret}' with object id '{token}' does not have authorization to perform action '{secret}' over scope '{token}'"
        ),
        format!(
            "Authorization: Bearer {token}\nErrorCode:AuthorizationPermissionMismatch AccountKey={secret}"
        ),
        format!("AADSTS700213: subject '{secret}' issuer '{token}'"),
        format!("Max retries exceeded host='{secret}' https://u:{secret}@proxy"),
    ] {
        let shown = format!("{:?}", explain(&text));
        for piece in ["canary", "eyJ0eXAi", "c2lnbm"] {
            assert!(!shown.contains(piece), "{text}\n{shown}");
        }
    }
}

#[test]
fn a_long_text_is_read_at_its_end() {
    let mut text = "x é ".repeat(TEXT_LIMIT / 4);
    text.push_str("AADSTS50076: use multi-factor authentication");
    assert_eq!(first(&text).code, "AADSTS50076");
}

#[test]
fn a_text_that_repeats_one_problem_has_it_once() {
    let text = "Status_InteractionRequired 169.254.169.254 Connection refused AADSTS50076\n"
        .repeat(20_000);
    let codes: Vec<String> = explain(&text).into_iter().map(|one| one.code).collect();
    assert_eq!(
        codes,
        ["Status_InteractionRequired", "AADSTS50076", "ECONNREFUSED"]
    );
    let unknown: String = (0..20_000)
        .map(|n| format!("AADSTS{}\n", 90_000_000 + n))
        .collect();
    assert!(explain(&unknown).len() <= 12);
}

#[test]
fn a_word_is_a_code_only_where_a_label_is_followed_by_it() {
    let of_node = "ChainedTokenCredential authentication failed.\n\
                   Visual Studio Code Authentication is not available.";
    assert_eq!(first(of_node).code, "NoCredential");
    for text in [
        "Code: BrandNewThing\nMessage: something",
        r#"{"error": {"code": "BrandNewThing", "message": "something"}}"#,
        "<Error><Code>BrandNewThing</Code><Message>something</Message></Error>",
        "ErrorCode:BrandNewThing",
    ] {
        let problem = first(text);
        assert_eq!(
            (&*problem.code, problem.is_known),
            ("BrandNewThing", false),
            "{text}"
        );
    }
}
