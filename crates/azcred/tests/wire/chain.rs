//! The chain with real sockets and programs: how often it requests tokens, which source it keeps
//! to, and what it leaves behind.

use crate::{
    provider::{Provider, Watcher},
    support::{Answer, Server, http, token},
};
use azcred::{
    Authority, ClientOptions, Cloud, Credential, DeviceCodeCredential, ErrorKind, Scope,
    TokenRequest,
    chain::{Chain, Expect, Preset, Source, Verdict},
    system::{Fixture, Program},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Barrier;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// A machine that certainly has no metadata service.
fn desk() -> Fixture {
    Fixture::new().with_var("AZCRED_IMDS", "never")
}

fn service_principal(system: Fixture) -> Fixture {
    system
        .with_var("AZURE_TENANT_ID", TENANT)
        .with_var("AZURE_CLIENT_ID", "app")
        .with_var("AZURE_CLIENT_SECRET", "s3cret")
}

fn options(system: Fixture, server: &Server) -> ClientOptions {
    let authority = Authority::new(&format!("http://{}", server.address)).unwrap();
    ClientOptions::new(system.shared()).with_cloud(Cloud::with_authority(authority))
}

/// What Azure CLI prints for a user's token.
fn az(user: &str) -> String {
    let claims = format!(r#"{{"upn":"{user}","oid":"1","tid":"{TENANT}"}}"#);
    let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    format!(
        r#"{{"accessToken":"{token}","expiresOn":"2100-01-01 00:00:00.000000","expires_on":4102444800,"tenant":"{TENANT}","tokenType":"Bearer"}}"#
    )
}

/// A chain with only the device code source, for a person at this provider.
fn by_code(provider: &Provider) -> (Chain, Watcher) {
    let watcher = Watcher::default();
    let machine = provider.machine().with_terminal();
    let chain = Chain::builder(watcher.at(&machine)).only([Source::DeviceCode]);
    (chain.build(), watcher)
}

async fn at_once(chain: Chain, requests: Vec<TokenRequest>) -> Arc<Chain> {
    let chain = Arc::new(chain);
    let start = Arc::new(Barrier::new(requests.len()));
    let callers: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let (chain, start) = (chain.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                chain.get_token(&request).await.map(drop)
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    chain
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_first_calls_are_one_run_and_one_request() {
    let server = Server::start([token()]).await;
    let chain = Chain::new(options(service_principal(desk()), &server));
    let chain = at_once(chain, vec![TokenRequest::new(Scope::ARM); 10_000]).await;
    assert_eq!(server.requests(), 1);
    assert_eq!(chain.chosen(), Some(Source::Environment));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_first_calls_are_one_process() {
    let program = Program::answers(|_| (0, az("ada@contoso.com")));
    let system = desk().with_program("az", &program);
    let chain = Chain::new(ClientOptions::new(system.shared()));
    let chain = at_once(chain, vec![TokenRequest::new(Scope::ARM); 10_000]).await;
    assert_eq!(program.runs(), 1);
    assert_eq!(chain.chosen(), Some(Source::AzureCli));
}

#[tokio::test]
async fn first_calls_for_several_resources_are_one_run() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // The first possible source has nothing; it is tried once.
    let absent = Program::answers(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        (1, String::new())
    });
    let present = Program::answers(|arguments| {
        assert!(
            arguments
                .iter()
                .any(|argument| argument.starts_with("https://"))
        );
        (
            0,
            format!(
                r#"{{"token":"{}","expiresOn":"2100-01-01T00:00:00Z"}}"#,
                "a.b.c"
            ),
        )
    });
    let system = desk()
        .with_program("az", &absent)
        .with_program("azd", &present);
    let scopes = [Scope::ARM, Scope::STORAGE, Scope::GRAPH, Scope::ML];
    let chain = Chain::builder(ClientOptions::new(system.shared()))
        .preset(Preset::Azure)
        .build();
    let chain = at_once(chain, scopes.clone().map(TokenRequest::new).to_vec()).await;
    assert_eq!(chain.chosen(), Some(Source::AzureDeveloperCli));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert_eq!(present.runs(), scopes.len());
}

#[tokio::test]
async fn a_chain_keeps_its_source_even_if_the_source_fails_later() {
    let server = Server::start([
        token(),
        http(
            "401 Unauthorized",
            &["Content-Type: application/json"],
            r#"{"error":"invalid_client","error_codes":[7000222],"error_description":"AADSTS7000222: expired"}"#,
        ),
    ])
    .await;
    let program = Program::answers(|_| (0, az("eve@contoso.com")));
    let system = service_principal(desk()).with_program("az", &program);
    let chain = Chain::builder(options(system, &server))
        .preset(Preset::Azure)
        .build();
    chain
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap();
    let error = chain
        .get_token(&TokenRequest::new(Scope::STORAGE))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.code()),
        (ErrorKind::Refused, Some(7_000_222))
    );
    assert_eq!(program.runs(), 0);
    assert_eq!(chain.chosen(), Some(Source::Environment));
}

#[tokio::test]
async fn every_token_is_compared_with_the_expectations() {
    let signed_in = Arc::new(std::sync::Mutex::new("ada@contoso.com"));
    let now = signed_in.clone();
    let program = Program::answers(move |_| (0, az(&now.lock().unwrap())));
    let system = desk().with_program("az", &program);
    let chain = Chain::builder(ClientOptions::new(system.shared()))
        .expect(Expect::new("a test").principal("ada@contoso.com").unwrap())
        .build();
    chain
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap();
    *signed_in.lock().unwrap() = "eve@contoso.com";
    let error = chain
        .get_token(&TokenRequest::new(Scope::STORAGE))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongAccount);
    assert!(error.why().contains("eve@contoso.com"), "{error}");
    let (answer, report) = chain.explain(&TokenRequest::new(Scope::ARM)).await;
    assert!(answer.is_err());
    let az = report
        .attempts
        .iter()
        .find(|attempt| attempt.source == Source::AzureCli)
        .unwrap();
    assert_eq!(az.verdict, Verdict::WrongAccount);
}

#[tokio::test]
async fn a_rejection_ends_the_chain_before_another_source_is_used() {
    let server = Server::start([http(
        "401 Unauthorized",
        &["Content-Type: application/json"],
        r#"{"error":"invalid_client","error_codes":[7000215],"error_description":"AADSTS7000215: wrong"}"#,
    )])
    .await;
    let program = Program::answers(|_| (0, az("eve@contoso.com")));
    for preset in Preset::ALL {
        let mut system = service_principal(desk()).with_program("az", &program);
        if preset == Preset::HiMl {
            system = system
                .with_var("HIML_TENANT_ID", TENANT)
                .with_var("HIML_SERVICE_PRINCIPAL_ID", "app")
                .with_var("HIML_SERVICE_PRINCIPAL_PASSWORD", "s3cret");
        }
        let chain = Chain::builder(options(system, &server))
            .preset(preset)
            .build();
        let error = chain
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some(7_000_215), "{preset}: {error}");
        let report = error.report().unwrap();
        assert_eq!(report.attempts[0].verdict, Verdict::Refused, "{preset}");
    }
    assert_eq!(program.runs(), 0);
}

#[tokio::test]
async fn an_authority_that_never_responds_is_waited_for_until_the_chains_deadline() {
    let server = Server::start([Answer::Hang]).await;
    let options =
        options(service_principal(desk()), &server).with_deadline(Duration::from_millis(300));
    let (answer, report) = Chain::new(options)
        .explain(&TokenRequest::new(Scope::ARM))
        .await;
    assert_eq!(answer.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(report.attempts[0].verdict, Verdict::Failed);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_cancelled_chain_leaves_no_program_behind() {
    let folder = std::env::temp_dir().join(format!("azcred-chain-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let script = folder.join("az");
    let text = format!(
        "sleep 600 & echo $! > {0}/new; mv {0}/new {0}/child; wait",
        folder.display()
    );
    azcred_scripts::shell_script(&script, &text).unwrap();
    let system = desk()
        .with_var("PATH", "/usr/bin:/bin")
        .with_program("az", &Program::real(script));
    let chain = Chain::new(ClientOptions::new(system.shared()));
    let request = TokenRequest::new(Scope::ARM);
    let child = folder.join("child");
    let id = tokio::select! {
        answer = chain.get_token(&request) => panic!("{answer:?}"),
        id = async {
            loop {
                match std::fs::read_to_string(&child) {
                    Ok(id) => break id,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        } => id,
    };
    let runs = || {
        std::fs::read_to_string(format!("/proc/{}/stat", id.trim()))
            .is_ok_and(|stat| !stat.contains(") Z "))
    };
    while runs() {
        tokio::task::yield_now().await;
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn an_unattended_chain_does_not_ask_a_person_for_the_next_token_either() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine().with_terminal();
    let options = || Watcher::default().at(&machine).with_disk_cache();
    let signs_in = DeviceCodeCredential::new(options()).unwrap();
    let arm = TokenRequest::new(Scope::ARM);
    signs_in.sign_in(&arm).await.unwrap();
    let chain = Chain::builder(options())
        .only([Source::DeviceCode])
        .unattended()
        .build();
    chain.get_token(&arm).await.unwrap();
    assert_eq!(chain.chosen(), Some(Source::DeviceCode));
    // The service demands more, and the provider needs the person.
    provider.rules().refuses_refresh = vec![("", "interaction_required", 50_076, Some("{}"))];
    let error = chain.get_token(&arm.with_claims("{}")).await.unwrap_err();
    assert_eq!(error.code(), Some(50_076), "{error}");
    assert_eq!(provider.codes(), 1);
}

#[tokio::test]
async fn callers_that_waited_while_the_person_declined_do_not_ask_again_by_the_chain_either() {
    let declines = ("authorization_declined", 70_017);
    let provider = Provider::start(|rules| rules.refuses_code = Some(declines)).await;
    let (chain, _) = by_code(&provider);
    let (arm, storage) = (
        TokenRequest::new(Scope::ARM),
        TokenRequest::new(Scope::STORAGE),
    );
    let (one, other) = tokio::join!(chain.get_token(&arm), chain.get_token(&storage));
    for error in [one.unwrap_err(), other.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.why().contains("declined"), "{error}");
    }
    assert_eq!(provider.codes(), 1);
    // A later call signs the person in.
    provider.rules().refuses_code = None;
    chain.get_token(&arm).await.unwrap();
    assert_eq!(provider.codes(), 2);
}

#[tokio::test]
async fn after_an_unexpected_person_another_can_sign_in() {
    let provider = Provider::start(|_| {}).await;
    let machine = provider.machine().with_terminal();
    let chain = Chain::builder(Watcher::default().at(&machine))
        .only([Source::DeviceCode])
        .expect(Expect::new("a test").sources([Source::AzureCli]))
        .build();
    for codes in 1..3 {
        let answer = chain.get_token(&TokenRequest::new(Scope::ARM)).await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::WrongAccount);
        assert_eq!(provider.codes(), codes);
    }
}

/// Moves the clock by a second and runs everything that can run. The runtime is never idle
/// meanwhile, so its clock does not move by itself.
async fn passes_a_second() {
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_person_is_asked_once_for_all_callers() {
    let provider = Provider::start(|rules| rules.pending = u32::MAX).await;
    let (chain, watcher) = by_code(&provider);
    let chain = Arc::new(chain);
    let asking = |scope| {
        let chain = chain.clone();
        tokio::spawn(async move {
            let token = chain.get_token(&TokenRequest::new(scope)).await;
            token.map(|token| token.secret().to_owned())
        })
    };
    let first = asking(Scope::ARM);
    while watcher.saw().is_empty() {
        tokio::task::yield_now().await;
    }
    let second = asking(Scope::STORAGE);
    for _ in 0..60 {
        passes_a_second().await;
    }
    provider.rules().pending = 0;
    while !first.is_finished() || !second.is_finished() {
        passes_a_second().await;
    }
    for token in [first.await.unwrap(), second.await.unwrap()] {
        assert!(token.unwrap().contains("-of-ada-"));
    }
    assert_eq!(provider.codes(), 1);
}
