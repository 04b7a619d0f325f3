//! The Rust code in README.md and docs/library.md, so that it compiles. `tests/docs.rs` compares
//! them.
//!
//! Run the example in the emulator, or where an account is signed in and `AZURE_*` or `HIML_*` name
//! a service principal: `azcred emulator exec -- cargo run --package azcred --example guide`

#[tokio::main]
async fn main() -> azcred::Result<()> {
    with_a_session().await?;
    from_the_environment().await?;
    match by_secret().await {
        Err(error) => explained(&error),
        Ok(expires_on) => println!("expires on {expires_on}"),
    }
    // These need your own files or programs, so they are only compiled.
    if std::env::args().len() > 1 {
        with_your_own_session().await?;
        with_your_own_chain().await?;
        of_a_subscription().await?;
        with_a_managed_identity().await?;
        by_certificate().await?;
        by_assertion().await?;
        by_browser().await?;
        by_code().await?;
        stored_on_disk().await?;
        with_the_current_account().await?;
        with_a_revocable_token().await?;
        at_an_openid_provider().await?;
    }
    Ok(())
}

async fn with_a_session() -> azcred::Result<()> {
    // README
    use azcred::Session;

    let session = Session::open().await?;
    let token = session.token().await?;
    println!("expires on {}", token.expires_on());
    // A second call within the token's life returns the same one, without waiting.
    let again = session.token().await?;
    assert_eq!(token.secret(), again.secret());
    // end
    Ok(())
}

async fn with_your_own_session() -> azcred::Result<()> {
    // session
    use azcred::{
        Scope, Session,
        chain::{Expect, Preset, Source},
    };

    let session = Session::builder()
        .preset(Preset::Azure)
        .exclude([Source::AzurePowerShell])
        .expect(Expect::new("train.rs").tenant("72f988bf-86f1-41af-91ab-2d7cd011db47")?)
        .scope(Scope::ML)
        .open()
        .await?;
    let token = session.token().await?;
    // end
    // decided
    for setting in session.decided_by() {
        println!("{:?} {}", setting.kind, setting.name);
    }
    if let Some(located) = session.workspace()? {
        println!("{}, from {}", located.workspace, located.source);
    }
    // end
    // report
    if let Err(error) = session.token().await {
        for attempt in error.report().iter().flat_map(|report| &report.attempts) {
            let (source, verdict) = (attempt.source.id(), attempt.verdict.describe());
            println!("{source:<22} {verdict:<12} {}", attempt.reason());
        }
        return Err(error);
    }
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn with_your_own_chain() -> azcred::Result<()> {
    // chain
    use azcred::{
        ClientOptions, Credential, Scope, TokenRequest,
        chain::{Chain, Source},
    };

    let chain = Chain::builder(ClientOptions::default())
        .only([Source::Environment, Source::ManagedIdentity])
        .build();
    let request = TokenRequest::new(Scope::ARM);
    let token = chain.get_token(&request).await?;
    let source = chain.chosen().expect("a source was chosen");
    println!("by {source}, expires on {}", token.expires_on());
    // end
    Ok(())
}

async fn of_a_subscription() -> azcred::Result<()> {
    // azure-cli
    use azcred::{AzureCliCredential, ClientOptions, Credential, Scope, TokenRequest};

    let credential =
        AzureCliCredential::new(ClientOptions::default()).with_subscription("Contoso ML")?;
    let token = credential.get_token(&TokenRequest::new(Scope::ML)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn with_a_managed_identity() -> azcred::Result<()> {
    // managed identity
    use azcred::{
        ClientId, ClientOptions, Credential, ManagedIdentityCredential, ManagedIdentityId, Scope,
        TokenRequest,
    };

    let training = ClientId::new("a0000001-0000-4000-8000-000000000101")?;
    let credential = ManagedIdentityCredential::new(
        ManagedIdentityId::client(training),
        ClientOptions::default(),
    )?;
    let token = credential.get_token(&TokenRequest::new(Scope::ML)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn from_the_environment() -> azcred::Result<()> {
    // environment
    use azcred::{ClientOptions, Credential, EnvironmentCredential, Scope, TokenRequest};

    let credential = EnvironmentCredential::new(Default::default(), ClientOptions::default())?;
    let request = TokenRequest::new(Scope::ARM);
    let token = credential.get_token(&request).await?;
    println!("{}: expires on {}", credential.using(), token.expires_on());
    // end
    Ok(())
}

async fn by_secret() -> azcred::Result<impl std::fmt::Display> {
    let secret_from_your_vault = "not-a-secret".to_owned();
    // secret
    use azcred::{
        ClientId, ClientOptions, ClientSecretCredential, Credential, Scope, TenantId, TokenRequest,
    };
    use std::time::Duration;

    let credential = ClientSecretCredential::new(
        TenantId::new("contoso.onmicrosoft.com")?,
        ClientId::new("a0000001-0000-4000-8000-000000000001")?,
        secret_from_your_vault,
        ClientOptions::default().with_deadline(Duration::from_secs(10)),
    )?;
    let token = credential
        .get_token(&TokenRequest::new(Scope::STORAGE))
        .await?;
    // end
    Ok(token.expires_on())
}

fn explained(error: &azcred::Error) {
    // errors
    use azcred::ErrorKind;

    match error.kind() {
        ErrorKind::Unavailable => println!("nothing to sign in with: {error}"),
        ErrorKind::Refused => println!("{} said no: {}", error.what(), error.why()),
        ErrorKind::Unreachable => println!("try again later: {}", error.why()),
        _ => println!("{error}"),
    }
    if let (Some(code), Some(refusal)) = (error.code(), error.refusal()) {
        println!("AADSTS{code} at {:?}", refusal.timestamp);
    }
    // end
}

async fn by_certificate() -> azcred::Result<()> {
    // certificate
    use azcred::{
        ClientCertificate, ClientCertificateCredential, ClientId, ClientOptions, Credential, Scope,
        SecretString, TenantId, TokenRequest,
    };

    let file = std::fs::read("training.pfx").expect("a PEM or PFX file");
    let password = SecretString::from("the file's password");
    let credential = ClientCertificateCredential::new(
        TenantId::new("contoso.onmicrosoft.com")?,
        ClientId::new("a0000001-0000-4000-8000-000000000002")?,
        ClientCertificate::from_bytes(&file, Some(&password))?,
        ClientOptions::default(),
    )?;
    let token = credential.get_token(&TokenRequest::new(Scope::ML)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn by_assertion() -> azcred::Result<()> {
    // assertion
    use azcred::{
        ClientAssertionCredential, ClientId, ClientOptions, Credential, Error, ErrorKind, Scope,
        SecretString, TenantId, TokenRequest,
    };

    let credential = ClientAssertionCredential::new(
        TenantId::new("contoso.onmicrosoft.com")?,
        ClientId::new("a0000001-0000-4000-8000-000000000005")?,
        // Called for every token: read a file that another program updates, or call a CI system.
        || async {
            std::fs::read_to_string("/var/run/secrets/token")
                .map(SecretString::from)
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Unavailable,
                        "could not read the token file",
                        error.to_string(),
                    )
                })
        },
        ClientOptions::default(),
    )?;
    let token = credential.get_token(&TokenRequest::new(Scope::ARM)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn by_browser() -> azcred::Result<()> {
    // browser
    use azcred::{ClientOptions, Credential, InteractiveBrowserCredential, Scope, TokenRequest};

    let options = ClientOptions::default().with_disk_cache();
    let credential = InteractiveBrowserCredential::new(options)?.with_login_hint("ada@contoso.com");
    let token = credential.get_token(&TokenRequest::new(Scope::ML)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn by_code() -> azcred::Result<()> {
    // prompt
    use azcred::{
        ClientOptions, Credential, DeviceCodeCredential, Notice, Prompt, Scope, TokenRequest,
    };
    use std::sync::Arc;

    #[derive(Debug)]
    struct InTheLog;

    impl Prompt for InTheLog {
        fn show(&self, notice: &Notice<'_>) {
            match notice {
                Notice::DeviceCode(code) => {
                    println!("enter {} at {}", code.user_code, code.verification_uri);
                }
                Notice::Over => println!("thank you"),
                _ => {}
            }
        }
    }

    let options = ClientOptions::default().with_prompt(Arc::new(InTheLog));
    let credential = DeviceCodeCredential::new(options)?;
    let token = credential.get_token(&TokenRequest::new(Scope::ML)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn stored_on_disk() -> azcred::Result<()> {
    // disk
    use azcred::{ClientOptions, Credential, Scope, TokenRequest, chain::Chain};

    let options = ClientOptions::default().with_disk_cache();
    let chain = Chain::new(options.clone());
    let token = chain.get_token(&TokenRequest::new(Scope::ML)).await?;
    if let Some(trouble) = options.cache_trouble() {
        eprintln!("nothing is kept for the next process: {trouble}");
    }
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn with_the_current_account() -> azcred::Result<()> {
    // accounts
    use azcred::{
        AzcredCredential, ClientOptions, Credential, Profile, Scope, TokenRequest,
        account::Accounts,
    };

    let options = ClientOptions::default()
        .with_disk_cache()
        .with_profile(Profile::new("work")?);
    let accounts = Accounts::new(&options)?;
    for account in accounts.list().await? {
        let mark = if account.is_current { '*' } else { ' ' };
        println!("{mark} {} {}", account.who(), account.id);
    }
    // The account that is current now. In this process it stays the same.
    let credential = AzcredCredential::new(options)?;
    let token = credential.get_token(&TokenRequest::new(Scope::ML)).await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

async fn with_a_revocable_token() -> azcred::Result<()> {
    // challenge
    use azcred::{ClientOptions, Credential, Scope, TokenRequest, chain::Chain};

    let chain = Chain::new(ClientOptions::default());
    let request = TokenRequest::new(Scope::ARM).with_cae();
    let mut token = chain.get_token(&request).await?;
    if let Some(claims) = claims_of_a_401(token.secret()) {
        token = chain.get_token(&request.with_claims(claims)).await?;
    }
    // end
    println!("{}", token.expires_on());
    Ok(())
}

/// The claims in the service's 401 response.
fn claims_of_a_401(_token: &str) -> Option<String> {
    None
}

async fn at_an_openid_provider() -> azcred::Result<()> {
    // openid
    use azcred::{
        ClientId, ClientOptions, Cloud, Credential, InteractiveBrowserCredential, TokenRequest,
    };

    let options =
        ClientOptions::default().with_cloud(Cloud::openid_provider("https://id.example.org")?);
    let credential = InteractiveBrowserCredential::new(options)?
        .with_client_id(ClientId::new("a0000001-0000-4000-8000-000000000001")?);
    let token = credential
        .get_token(&TokenRequest::new("openid".parse()?))
        .await?;
    // end
    println!("{}", token.expires_on());
    Ok(())
}

/// For every client of the official SDK.
#[cfg(feature = "azure_core")]
#[expect(dead_code, reason = "shown, and compiled")]
fn for_the_official_sdk() {
    // azure_core
    use azcred::{ClientOptions, chain::Chain};
    use std::sync::Arc;

    let credential: Arc<dyn azure_core::credentials::TokenCredential> =
        Arc::new(Chain::new(ClientOptions::default()));
    // end
    drop(credential);
}

/// A machine that exists only in a test.
#[expect(dead_code, reason = "shown, and compiled")]
async fn on_a_fixture() {
    // fixture
    use azcred::{
        ClientOptions, Credential, Scope, TokenRequest,
        chain::{Chain, Source, Verdict},
        system::Fixture,
    };

    let machine = Fixture::new()
        .with_var("GITHUB_ACTIONS", "true")
        .with_var("AZCRED_IMDS", "never");
    let chain = Chain::new(ClientOptions::new(machine.shared()));
    let request = TokenRequest::new(Scope::ARM);
    let error = chain.get_token(&request).await.unwrap_err();
    assert!(error.is_unavailable());
    let report = error.report().expect("a chain's error has one");
    let github = &report.attempts[2];
    assert_eq!(github.source, Source::GitHubActions);
    assert_eq!(github.verdict, Verdict::Unavailable);
    assert!(github.reason().contains("ACTIONS_ID_TOKEN_REQUEST_URL"));
    // end
}

/// A custom cloud.
#[expect(dead_code, reason = "shown, and compiled")]
fn in_another_cloud() -> azcred::Result<()> {
    // cloud
    use azcred::{Authority, ClientOptions, Cloud};

    let china = ClientOptions::default().with_cloud(Cloud::CHINA);
    let mine = ClientOptions::default().with_cloud(
        Cloud::with_authority(Authority::new("https://localhost:8443")?)
            .with_resource_manager("https://localhost:8444", "https://management.azure.com")?,
    );
    // end
    drop((china, mine));
    Ok(())
}
