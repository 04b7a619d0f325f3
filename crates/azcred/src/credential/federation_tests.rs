use super::*;
use crate::{
    cloud::Cloud,
    facts::{Refusal, WEB_TOKEN_LIMIT},
    system::Fixture,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

fn token(claims: &Value) -> String {
    let part = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
    let claims = claims.to_string();
    format!(
        "{}.{}.{}",
        part(b"{}"),
        part(claims.as_bytes()),
        part(b"signed")
    )
}

fn main_branch() -> Value {
    serde_json::json!({
        "iss": "https://token.actions.githubusercontent.com",
        "sub": "repo:contoso/ml:ref:refs/heads/main",
        "aud": "api://AzureADTokenExchange",
        "jti": "canary",
    })
}

fn refused(code: u32) -> Error {
    Error::new(ErrorKind::Refused, "Asked", "no match")
        .with_fix("compare")
        .with_refusal(Refusal {
            code: Some(code),
            correlation_id: Some("c0".to_owned()),
            ..Refusal::default()
        })
}

fn shown(code: u32, assertion: &str) -> Error {
    let client_id = ClientId::new("c11e").unwrap();
    let options = ClientOptions::new(Fixture::new().shared());
    let audience = Audience::of(&options, Requester::Other).unwrap();
    with_both_sides(refused(code), &client_id, &audience, assertion, None)
}

#[test]
fn each_cloud_has_its_audience() {
    for (cloud, wanted) in [
        (Cloud::PUBLIC, "api://AzureADTokenExchange"),
        (Cloud::US_GOVERNMENT, "api://AzureADTokenExchangeUSGov"),
        (Cloud::CHINA, "api://AzureADTokenExchangeChina"),
    ] {
        assert_eq!(cloud.federated_audience(), wanted);
    }
}

#[test]
fn the_program_and_then_the_variable_choose_the_audience_that_is_requested() {
    let machine = || Fixture::new().with_var(AUDIENCE, " \"https://github.com/contoso\" ");
    let options = || ClientOptions::new(machine().shared()).with_cloud(Cloud::CHINA);
    let of = |options: &ClientOptions, requester| {
        let audience = Audience::of(options, requester).unwrap();
        (audience.text.to_string(), audience.origin)
    };
    for requester in [Requester::Azcred, Requester::Other] {
        assert_eq!(
            of(&options(), requester),
            ("https://github.com/contoso".to_owned(), Origin::Variable)
        );
        let own = FederatedAudience::new("api://own").unwrap();
        assert_eq!(
            of(&options().with_federated_audience(own), requester),
            ("api://own".to_owned(), Origin::Program)
        );
    }
    // Azure Pipelines has no parameter for it.
    assert_eq!(
        of(&options(), Requester::Service),
        ("api://AzureADTokenExchangeChina".to_owned(), Origin::Cloud)
    );
    let odd = Fixture::new()
        .with_var(AUDIENCE, "api://a api://b")
        .shared();
    let error = Audience::of(&ClientOptions::new(odd), Requester::Azcred).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(
        error.what(),
        "AZCRED_FEDERATED_AUDIENCE ('api://a api://b') is not valid"
    );
}

#[test]
fn a_wrong_audience_that_azcred_requested_has_its_variable_as_the_fix() {
    let client_id = ClientId::new("c11e").unwrap();
    let default = || ClientOptions::new(Fixture::new().shared());
    let by_variable = ClientOptions::new(Fixture::new().with_var(AUDIENCE, "api://x").shared());
    let by_program = default().with_federated_audience(FederatedAudience::new("api://x").unwrap());
    for (options, wanted) in [
        (
            default(),
            "if the federated credential has another audience, set AZCRED_FEDERATED_AUDIENCE to it",
        ),
        (
            by_variable,
            "set AZCRED_FEDERATED_AUDIENCE to the audience of the federated credential, or unset it",
        ),
        (
            by_program,
            "give `with_federated_audience` the audience of the federated credential",
        ),
    ] {
        let shown = |code, requester| {
            let audience = Audience::of(&options, requester).unwrap();
            let mut claims = main_branch();
            claims["aud"] = audience.text.as_ref().into();
            let assertion = token(&claims);
            let error = with_both_sides(refused(code), &client_id, &audience, &assertion, None);
            let sent = format!("its audience (aud) '{}'", audience.text);
            assert!(error.why().contains(&sent), "{error}");
            error.fix().unwrap().to_string()
        };
        for code in [700_212, 700_023] {
            let fix = shown(code, Requester::Azcred);
            assert!(fix.starts_with(wanted), "{code}: {fix}");
        }
        let fix = shown(700_213, Requester::Azcred);
        assert!(!fix.contains(wanted), "{fix}");
        for requester in [Requester::Service, Requester::Other] {
            let fix = shown(700_212, requester);
            assert!(!fix.contains(wanted), "{fix}");
        }
    }
}

#[test]
fn a_token_that_no_credential_matches_is_shown_with_the_command_that_registers_it() {
    for code in [70_021, 70_025, 700_211, 700_212, 700_213, 7_002_138] {
        let error = shown(code, &token(&main_branch()));
        assert_eq!(
            error.why(),
            "no match; the token's issuer (iss) is 'https://token.actions.githubusercontent.com', its subject (sub) \
             'repo:contoso/ml:ref:refs/heads/main', its audience (aud) 'api://AzureADTokenExchange'; the subject has \
             GitHub's form with names alone, and a federated credential with GitHub's form with ids \
             (repo:OWNER@ID/REPOSITORY@ID:…) does not match it"
        );
        let fix = error.fix().unwrap().to_string();
        assert!(
            fix.starts_with("if the application should trust this token, run `az "),
            "{fix}"
        );
        let command = fix.split('`').nth(1).unwrap();
        let (command, parameters) = command.split_once(" --parameters ").unwrap();
        assert_eq!(command, "az ad app federated-credential create --id c11e");
        let parameters: Value = serde_json::from_str(parameters.trim_matches('\'')).unwrap();
        assert_eq!(
            parameters,
            serde_json::json!({
                "name": "azcred-repo-contoso-ml-ref-refs-heads-main",
                "issuer": "https://token.actions.githubusercontent.com",
                "subject": "repo:contoso/ml:ref:refs/heads/main",
                "audiences": ["api://AzureADTokenExchange"],
            })
        );
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Refused, Some(code))
        );
        assert_eq!(
            error.refusal().unwrap().correlation_id.as_deref(),
            Some("c0")
        );
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn for_another_audience_the_first_fix_is_a_new_token() {
    let mut claims = main_branch();
    claims["aud"] = serde_json::json!(["https://github.com/contoso", "sts.amazonaws.com"]);
    let error = shown(700_212, &token(&claims));
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .starts_with("request the token for the audience api://AzureADTokenExchange; "),
        "{error}"
    );
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains(r#""audiences":["https://github.com/contoso"]"#),
        "{error}"
    );
    assert!(
        error
            .why()
            .contains("(aud) 'https://github.com/contoso sts.amazonaws.com'"),
        "{error}"
    );
}

/// The issuer was sent the secret, and Entra ID quotes the subject.
#[test]
fn claims_that_repeat_what_the_issuer_was_sent_are_not_shown() {
    const SENT: &str = "s3cret-of-the-job";
    let hex: String = SENT.bytes().map(|byte| format!("{byte:02x}")).collect();
    let client_id = ClientId::new("c11e").unwrap();
    let options = ClientOptions::new(Fixture::new().shared());
    let audience = Audience::of(&options, Requester::Azcred).unwrap();
    for claim in ["iss", "sub", "aud"] {
        for form in [SENT, &hex, "S3CRET of the"] {
            let quoted = format!("no match for '{form}'");
            let error = Error::new(ErrorKind::Refused, "Asked", quoted.clone())
                .with_fix("compare")
                .with_refusal(Refusal {
                    code: Some(700_213),
                    description: quoted,
                    ..Refusal::default()
                });
            let mut claims = main_branch();
            claims[claim] = format!("repo:{form}:x").into();
            let error = with_both_sides(error, &client_id, &audience, &token(&claims), Some(SENT));
            let shown = format!("{error} {error:?} {:?}", error.refusal());
            assert!(!shown.contains(form), "{claim}: {shown}");
            assert_eq!(error.code(), Some(700_213));
        }
    }
    let error = with_both_sides(
        refused(700_213),
        &client_id,
        &audience,
        &token(&main_branch()),
        Some(SENT),
    );
    assert!(error.why().contains("(sub) 'repo:"), "{error}");
}

#[test]
fn nothing_in_a_token_ends_the_quotes_of_the_pasted_command() {
    let mut claims = main_branch();
    claims["sub"] = "x'; rm -rf ~ #`id`$(id)\"".into();
    let error = shown(700_213, &token(&claims));
    let fix = error.fix().unwrap().to_string();
    let quoted = fix.split(" --parameters ").nth(1).unwrap();
    let (quoted, _) = quoted[1..].split_once('\'').unwrap();
    let parameters: Value = serde_json::from_str(quoted).unwrap();
    assert_eq!(parameters["subject"], claims["sub"]);
    assert!(!quoted.contains('`'), "{quoted}");
}

#[test]
fn what_cannot_be_registered_is_shown_without_a_command() {
    let mut unseen = main_branch();
    unseen["sub"] = "repo:a\u{202e}b\u{1b}[31m".into();
    let mut long = main_branch();
    long["sub"] = "x".repeat(601).into();
    let mut nobody = main_branch();
    nobody["aud"] = Value::Null;
    for claims in [unseen, long, nobody] {
        let error = shown(700_213, &token(&claims));
        assert!(
            !error.fix().unwrap().to_string().contains("create"),
            "{error}"
        );
        assert!(
            error.fix().unwrap().to_string().contains("compare"),
            "{error}"
        );
        assert!(error.why().contains("iss"), "{error}");
        let text = error.to_string();
        assert!(
            !text.contains('\u{1b}') && !text.contains('\u{202e}'),
            "{text}"
        );
        assert!(text.len() < 2000, "{text}");
    }
}

#[test]
fn the_form_of_the_subject_is_named_beside_the_other_form_of_its_system() {
    let why = |code, subject: &str| {
        let mut claims = main_branch();
        claims["sub"] = subject.into();
        shown(code, &token(&claims)).why().to_owned()
    };
    for (subject, end) in [
        (
            "repo:contoso@123456/ml@456789:ref:refs/heads/main",
            "the subject has GitHub's form with ids, and a federated credential with GitHub's form with names alone \
             (repo:OWNER/REPOSITORY:…) does not match it",
        ),
        (
            "repo:contoso/ml:environment:live",
            "the subject has GitHub's form with names alone, and a federated credential with GitHub's form with ids \
             (repo:OWNER@ID/REPOSITORY@ID:…) does not match it",
        ),
        (
            "/eid1/c/pub/t/AA/a/BB/sc/1/2",
            "the subject has Entra ID's form for a service connection, and a federated credential with Azure DevOps' form \
             with names (sc://ORGANIZATION/PROJECT/CONNECTION) does not match it",
        ),
    ] {
        for code in [70_021, 700_211, 700_213] {
            let why = why(code, subject);
            assert!(why.ends_with(end), "{why}");
        }
        // A token that is too old has the right subject.
        assert!(
            !why(700_024, subject).contains("the subject has"),
            "{subject}"
        );
    }
    assert!(!why(700_213, "system:serviceaccount:a:b").contains("the subject has"));
}

#[test]
fn the_fix_says_whether_the_audience_is_the_usual_one() {
    let trust = |options: ClientOptions, sent: &str| {
        let mut claims = main_branch();
        claims["aud"] = sent.into();
        let audience = Audience::of(&options, Requester::Azcred).unwrap();
        let client_id = ClientId::new("c11e").unwrap();
        let error = with_both_sides(
            refused(700_213),
            &client_id,
            &audience,
            &token(&claims),
            None,
        );
        let Some(Fix::AllOf(all)) = error.fix() else {
            panic!("{error}")
        };
        let found = all.iter().find_map(|fix| match fix {
            Fix::If(_, fix) => match &**fix {
                Fix::TrustToken(trust) => Some(trust.has_usual_audience),
                _ => None,
            },
            _ => None,
        });
        found.unwrap()
    };
    let machine = || ClientOptions::new(Fixture::new().shared());
    let public = "api://AzureADTokenExchange";
    assert!(trust(machine(), public));
    assert!(!trust(machine().with_cloud(Cloud::CHINA), public));
    assert!(trust(
        machine().with_cloud(Cloud::CHINA),
        "api://AzureADTokenExchangeChina"
    ));
    let own = machine().with_federated_audience(FederatedAudience::new("api://own").unwrap());
    assert!(!trust(own, "api://own"));
}

#[test]
fn every_rejection_of_a_federated_token_shows_what_was_sent() {
    for code in [700_023, 700_024, 7_000_272, 53_003] {
        let error = shown(code, &token(&main_branch()));
        assert!(
            error
                .why()
                .contains("its subject (sub) 'repo:contoso/ml:ref:refs/heads/main'"),
            "{error}"
        );
        assert_eq!(error.fix(), refused(code).fix());
        assert_eq!(error.code(), Some(code));
    }
}

#[test]
fn rejections_of_assertions_without_claims_are_unchanged() {
    for (code, assertion) in [
        (700_213, "opaque".to_owned()),
        (700_213, "a.b.c".to_owned()),
        (700_213, token(&serde_json::json!({"iss": 5, "sub": "x"}))),
        (700_213, token(&serde_json::json!(["iss"]))),
        (700_213, format!("e30.{}.e30", "A".repeat(WEB_TOKEN_LIMIT))),
    ] {
        assert_eq!(
            shown(code, &assertion).to_string(),
            refused(code).to_string()
        );
    }
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_claims_cause_a_panic_or_a_command_that_runs_another(
        claims in crate::hostile::spoilt(main_branch().to_string())
    ) {
        let assertion = format!("e30.{}.Y2FuYXJ5", URL_SAFE_NO_PAD.encode(claims));
        let error = shown(700_213, &assertion);
        let told = format!("{error}");
        proptest::prop_assert!(!told.contains("Y2FuYXJ5"), "{told}");
        proptest::prop_assert!(!told.contains(['\u{1b}', '\u{202e}', '\n']), "{told:?}");
        if let Some((_, command)) = error.fix().unwrap().to_string().split_once("--parameters ") {
            // Pasted, the value is one quoted word.
            let word = command.split_once('`').map_or(command, |(word, _)| word);
            let inner = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\''));
            proptest::prop_assert!(inner.is_some_and(|inner| !inner.contains('\'')), "{word}");
        }
    }
}
