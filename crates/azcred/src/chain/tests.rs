use super::*;
use crate::{
    credential::Credential,
    scope::Scope,
    sieve::tests::misplaced,
    system::{Fixture, NoKeyring, Program, SharedSystem},
};
use std::{path::Path, time::SystemTime};

fn places(
    system: Fixture,
    build: impl FnOnce(ChainBuilder) -> ChainBuilder,
) -> Result<Vec<preset::Place>> {
    let builder = build(Chain::builder(ClientOptions::new(system.shared())));
    preset::places(&builder.0)
}

/// The sources that take part.
fn taking_part(system: Fixture, build: impl FnOnce(ChainBuilder) -> ChainBuilder) -> Vec<Source> {
    places(system, build)
        .unwrap()
        .into_iter()
        .filter(|place| place.excluded.is_none())
        .map(|place| place.source)
        .collect()
}

fn in_table(preset: Preset) -> Vec<Source> {
    preset.table().iter().map(|(source, _)| *source).collect()
}

#[test]
fn a_preset_is_its_table() {
    for preset in Preset::ALL {
        assert_eq!(
            taking_part(Fixture::new(), |chain| chain.preset(preset)),
            in_table(preset)
        );
        assert_eq!(preset.id().parse::<Preset>().unwrap(), preset);
    }
    assert_eq!(in_table(Preset::Azcred), Source::ALL);
    assert_eq!("AZURE".parse::<Preset>().unwrap(), Preset::Azure);
    assert!("dac".parse::<Preset>().is_err());
}

#[test]
fn sources_are_known_by_both_names_in_any_case() {
    for source in Source::ALL {
        for name in [
            source.id().to_uppercase(),
            source.credential_name().to_lowercase(),
        ] {
            assert_eq!(name.parse::<Source>().unwrap(), source);
        }
    }
    let error = "azure".parse::<Source>().unwrap_err();
    assert!(
        error.fix().unwrap().to_string().contains("azure-cli"),
        "{error}"
    );
}

#[test]
fn azure_token_credentials_chooses_as_in_azure_identity() {
    let set = |value: &str| Fixture::new().with_var("AZURE_TOKEN_CREDENTIALS", value);
    let azure = |value: &str| taking_part(set(value), |chain| chain.preset(Preset::Azure));
    assert_eq!(
        azure("prod"),
        [
            Source::Environment,
            Source::WorkloadIdentity,
            Source::ManagedIdentity
        ]
    );
    assert_eq!(
        azure(" DEV "),
        [
            Source::VisualStudioCode,
            Source::AzureCli,
            Source::AzurePowerShell,
            Source::AzureDeveloperCli
        ]
    );
    assert_eq!(azure("azureclicredential"), [Source::AzureCli]);
    let wrong = places(set("AzureCli"), |chain| chain).unwrap_err();
    assert!(
        wrong.to_string().contains("AZURE_TOKEN_CREDENTIALS"),
        "{wrong}"
    );
    // hi-ml does not read the variable, and sources that a caller names come before it.
    assert_eq!(
        taking_part(set("prod"), |chain| chain.preset(Preset::HiMl)),
        in_table(Preset::HiMl)
    );
    assert_eq!(
        taking_part(set("prod"), |chain| chain.only([Source::AzureCli])),
        [Source::AzureCli]
    );
}

#[test]
fn only_and_exclude_choose_within_the_order_and_say_so() {
    let both = taking_part(Fixture::new(), |chain| {
        chain
            .only([Source::AzureCli, Source::Environment])
            .exclude([Source::Environment])
    });
    assert_eq!(both, [Source::AzureCli]);
    let besides = taking_part(Fixture::new(), |chain| {
        chain
            .preset(Preset::HiMl)
            .only([Source::GitHubActions, Source::AzureCli])
    });
    assert_eq!(besides, [Source::AzureCli, Source::GitHubActions]);
    let none = places(Fixture::new(), |chain| {
        chain.only([Source::AzureCli]).exclude([Source::AzureCli])
    });
    assert!(none.unwrap_err().why().contains("every source is excluded"));
    let places = places(Fixture::new(), |chain| chain.exclude([Source::AzureCli])).unwrap();
    let excluded = places
        .iter()
        .find(|place| place.source == Source::AzureCli)
        .unwrap();
    assert_eq!(excluded.excluded, Some(Skipped::Excluded));
}

#[test]
fn azure_token_credentials_does_not_reach_the_browser_that_kedro_opens_whatever_it_chooses() {
    let kedro = |value: &str| {
        let system = Fixture::new().with_var("AZURE_TOKEN_CREDENTIALS", value);
        taking_part(system, |chain| chain.preset(Preset::Kedro))
    };
    let person = [Source::Azcred, Source::InteractiveBrowser];
    assert_eq!(
        kedro("AzureCliCredential"),
        [&[Source::AzureCli][..], &person].concat()
    );
    let deployed = [
        Source::Environment,
        Source::WorkloadIdentity,
        Source::ManagedIdentity,
    ];
    assert_eq!(kedro("prod"), [&deployed[..], &person].concat());
    assert_eq!(kedro("InteractiveBrowserCredential"), person);
    let nobody = |chain: ChainBuilder| chain.preset(Preset::Kedro).exclude([Source::AzureCli]);
    let system = Fixture::new().with_var("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential");
    let error = places(system, nobody).unwrap_err();
    assert!(error.why().contains("every source is excluded"), "{error}");
}

#[test]
fn kedros_rule_leaves_managed_identity_out_on_a_compute() {
    let compute = || Fixture::new().with_var("MSI_ENDPOINT", "http://localhost:1/token");
    let kedro = taking_part(compute(), |chain| chain.preset(Preset::Kedro));
    assert!(!kedro.contains(&Source::ManagedIdentity));
    assert!(
        taking_part(compute(), |chain| chain.preset(Preset::Azure))
            .contains(&Source::ManagedIdentity)
    );
}

const PROJECT: &str = "
[chain]
preset = 'kedro'
exclude = ['AzurePowerShellCredential']
[expect]
tenant = '72f988bf-86f1-41af-91ab-2d7cd011db47'
principal = 'ada@contoso.com'
sources = ['azure-cli']
";

fn desk() -> Fixture {
    Fixture::new().with_var("HOME", "/home/ada")
}

#[test]
fn the_nearest_project_file_and_the_users_own_are_read() {
    let system = desk()
        .with_file("/code/azcred.toml", "[chain]\npreset = 'hi-ml'")
        .with_file("/code/project/azcred.toml", PROJECT)
        .with_file(
            "/home/ada/.config/azcred/config.toml",
            "[chain]\npreset = 'azure'\nonly = ['azure-cli', 'environment']\n[expect]\ntenant = '72f988bf-86f1-41af-91ab-2d7cd011db47'",
        );
    let settings = Settings::find(&system, Path::new("/code/project/src")).unwrap();
    assert_eq!(
        settings.preset,
        Some(Preset::Kedro),
        "the project's is first"
    );
    assert_eq!(
        settings.only,
        Some(vec![Source::AzureCli, Source::Environment])
    );
    assert_eq!(settings.exclude, [Source::AzurePowerShell]);
    assert_eq!(settings.expect.len(), 2, "both expectations hold");
    assert_eq!(settings.files.len(), 2);
    let chain = Chain::builder(ClientOptions::new(system.shared()))
        .preset(Preset::Azcred)
        .settings(&settings);
    assert_eq!(
        chain.0.preset(),
        Preset::Azcred,
        "what the caller said is stronger"
    );
    let none = Settings::find(&desk(), Path::new("/elsewhere")).unwrap();
    assert!(none.files.is_empty() && none.expect.is_empty());
}

#[test]
fn settings_are_read_as_people_write_their_files_and_their_values() {
    let utf16 = |text: &str| -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let dressed = "[chain]\npreset = ' Kedro\u{200b}'\nonly = ['\"azure-cli\"']\n[expect]\ntenant = '{72f988bf-86f1-41af-91ab-2d7cd011db47} '";
    for content in [
        dressed.as_bytes().to_vec(),
        format!("\u{feff}{}", dressed.replace('\n', "\r\n")).into_bytes(),
        utf16(dressed),
    ] {
        let system = desk().with_file("/code/azcred.toml", content);
        let settings = Settings::find(&system, Path::new("/code")).unwrap();
        assert_eq!(settings.preset, Some(Preset::Kedro));
        assert_eq!(settings.only, Some(vec![Source::AzureCli]));
        assert_eq!(settings.expect.len(), 1);
    }
    for (content, says) in [
        (&b"caf\xe9"[..], "Windows-1252"),
        (b"PK\x03\x04", "ZIP archive"),
    ] {
        let system = desk().with_file("/code/azcred.toml", content);
        let error = Settings::find(&system, Path::new("/code")).unwrap_err();
        assert!(error.why().contains(says), "{error}");
    }
}

#[test]
fn a_secret_in_a_setting_is_refused_and_not_shown() {
    for (secret, _) in misplaced() {
        for key in ["expect]\ntenant", "expect]\nprincipal", "chain]\npreset"] {
            let text = format!("[{key} = {secret:?}\n");
            let system = desk().with_file("/code/azcred.toml", text);
            let error = Settings::find(&system, Path::new("/code")).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("TopSecret"), "{shown}");
        }
        for key in ["chain]\nonly", "chain]\nexclude", "expect]\nsources"] {
            let text = format!("[{key} = [{secret:?}]\n");
            let system = desk().with_file("/code/azcred.toml", text);
            let error = Settings::find(&system, Path::new("/code")).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("TopSecret"), "{shown}");
        }
    }
}

#[test]
fn a_misspelt_expectation_is_rejected_with_its_line() {
    for (text, why) in [
        ("[expect]\ntennant = 'x'", "line 2: unknown field `tennant`"),
        ("[expect]\ntenant = 'contoso.com'", "not the id of a tenant"),
        ("[expect]\ntenant = 'adfs'", "does not sign in to AD FS"),
        (
            "[chain]\nexclude = ['azz']",
            "there is no source with this name",
        ),
        (
            "[chain]\npreset = 'best'",
            "there is no preset with this name",
        ),
        ("chain = ", "line 1"),
        ("\u{0}", "the file is not text"),
        ("caf\u{e9}", "line 1"),
    ] {
        let system = desk().with_file("/code/azcred.toml", text);
        let error = Settings::find(&system, Path::new("/code")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(why), "{text}: {error}");
        assert!(error.to_string().contains("/code/azcred.toml"), "{error}");
    }
    let large = desk().with_file("/code/azcred.toml", vec![b'#'; 1 << 20]);
    assert!(Settings::find(&large, Path::new("/code")).is_err());
}

#[test]
fn the_name_of_a_projects_folder_does_not_reach_the_terminal_as_it_is() {
    let folder = "/code/x\u{1b}[31mred\u{1b}]0;owned\u{7}\u{9b}1m\u{202e}y";
    for text in [
        "[expect]\ntennant = 'x'",
        "[expect]\ntenant = 'contoso.com'",
    ] {
        let system = desk().with_file(format!("{folder}/azcred.toml"), text);
        let error = Settings::find(&system, Path::new(folder)).unwrap_err();
        let shown = error.to_string();
        assert!(
            !shown.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']),
            "{shown:?}"
        );
        assert!(shown.contains("/code/x [31mred"), "{shown}");
    }
}

fn chain(system: SharedSystem) -> Chain {
    Chain::new(ClientOptions::new(system))
}

#[tokio::test]
async fn a_chain_without_any_credential_says_what_each_source_lacks() {
    let system = Fixture::new()
        .with_var("AZCRED_IMDS", "never")
        .with_var("HOME", "/home/ada");
    let chain = chain(system.shared());
    assert!(chain.report().is_none() && chain.chosen().is_none());
    let error = chain
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    let report = error.report().unwrap();
    assert_eq!(report.attempts.len(), Source::ALL.len());
    for attempt in &report.attempts {
        assert_eq!(attempt.verdict, Verdict::Unavailable, "{attempt:?}");
        assert!(!attempt.reason().is_empty());
    }
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("sign in to azcred"),
        "{error}"
    );
    let json = serde_json::to_value(&**report).unwrap();
    assert_eq!(json["chosen"], serde_json::Value::Null);
    assert_eq!(json["attempts"][0]["source"], "environment");
    assert_eq!(json["attempts"][0]["verdict"], "unavailable");
}

#[tokio::test]
async fn a_malformed_variable_fails_only_its_own_source() {
    let system = Fixture::new()
        .with_var("AZURE_TENANT_ID", "not/a/tenant")
        .with_var("AZURE_CLIENT_ID", "app")
        .with_var("AZURE_CLIENT_SECRET", "s3cret")
        .with_var("AZCRED_IMDS", "never");
    let chain = chain(system.shared());
    let (answer, report) = chain.explain(&TokenRequest::new(Scope::ARM)).await;
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("AZURE_TENANT_ID"), "{error}");
    assert_eq!(report.attempts[0].verdict, Verdict::Failed);
    assert_eq!(report.attempts[1].verdict, Verdict::Unavailable);
}

#[tokio::test]
async fn a_sign_in_whose_keyring_hangs_is_not_skipped_for_another_identity() {
    let az = Program::answers(|_| {
        let expires_on = u64::MAX >> 31;
        let answer = format!(r#"{{"accessToken":"t","expires_on":{expires_on}}}"#);
        (0, answer)
    });
    let desk = Fixture::new()
        .with_var("HOME", "/home/ada")
        .with_var("AZCRED_IMDS", "never")
        .with_program("az", &az)
        .with_keyring(None);
    let accounts = crate::account::Accounts::new(&ClientOptions::new(desk.clone().shared()));
    let added = accounts.unwrap().add_managed_identity(None).await;
    added.unwrap();
    let with = |trouble| chain(desk.clone().with_keyring(Some(trouble)).shared());
    let arm = TokenRequest::new(Scope::ARM);
    let hangs = NoKeyring::Failed("it gave no answer within 2 s".into());
    for trouble in [hangs, NoKeyring::Locked] {
        let (answer, report) = with(trouble).explain(&arm).await;
        let error = answer.unwrap_err();
        assert!(!error.is_unavailable(), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("the keyring")
                || error.fix().unwrap().to_string().contains("unlock")
        );
        let mut attempts = report.attempts.iter();
        let azcred = attempts.find(|attempt| attempt.source == Source::Azcred);
        assert_eq!(azcred.unwrap().verdict, Verdict::Failed);
        assert_eq!(az.runs(), 0);
    }
    // Over SSH there is no keyring, and no sign-in in it is expected.
    let token = with(NoKeyring::Absent("no session bus".into()))
        .get_token(&arm)
        .await;
    assert_eq!(token.unwrap().secret(), "t");
}

#[test]
fn a_runtime_that_stands_still_during_a_run_does_not_block_others() {
    let az = Program::answers(|_| {
        let expires_on = u64::MAX >> 31;
        let answer = format!(r#"{{"accessToken":"t","expires_on":{expires_on}}}"#);
        (0, answer)
    });
    let system = Fixture::new().with_program("az", &az).shared();
    let chain = Arc::new(Chain::builder(ClientOptions::new(system)).build());
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap()
    };
    let stands_still = runtime();
    let first = chain.clone();
    stands_still.block_on(async {
        // The task starts, and is never polled again.
        tokio::spawn(async move { first.get_token(&TokenRequest::new(Scope::ARM)).await });
        tokio::task::yield_now().await;
    });
    let other = TokenRequest::new(Scope::new("https://storage.azure.com/.default").unwrap());
    let token = runtime().block_on(chain.get_token(&other)).unwrap();
    assert_eq!(token.secret(), "t");
    assert_eq!(chain.chosen(), Some(Source::AzureCli));
}

/// A person who signs in whenever they are asked, after some time.
#[derive(Debug)]
struct SlowPerson(Duration);

impl TokenSource for SlowPerson {
    fn name(&self) -> &'static str {
        "Person"
    }
    fn look(&self, _: &dyn System) -> Availability {
        let using = "a fixture".into();
        Availability::Possible { using }
    }
    fn fetch(self: Arc<Self>, _: TokenRequest) -> BoxFuture<'static, Result<AccessToken>> {
        async move {
            tokio::time::sleep(self.0).await;
            let hour = Duration::from_secs(3600);
            Ok(AccessToken::new("t", SystemTime::now(), hour, None))
        }
        .boxed()
    }
}

/// A chain with a person as its only source.
fn by_person(takes: Duration) -> Chain {
    let chain = chain(Fixture::new().shared());
    let winner = Winner {
        source: Source::DeviceCode,
        token_source: Arc::new(SlowPerson(takes)),
    };
    assert!(chain.0.source().winner.set(winner).is_ok());
    chain
}

#[tokio::test(start_paused = true)]
async fn a_chosen_person_always_has_as_much_time_as_at_first() {
    let chain = by_person(PERSON - Duration::from_secs(1));
    let request = TokenRequest::new(Scope::ARM);
    assert_eq!(chain.get_token(&request).await.unwrap().secret(), "t");
    let chain = by_person(PERSON + Duration::from_secs(1));
    let error = chain.get_token(&request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert!(error.why().contains("within 960 s"), "{error}");
}

#[tokio::test]
async fn of_two_runs_at_once_the_first_with_a_token_decides_the_identity() {
    let this = Arc::<OnceLock<Arc<Chain>>>::default();
    let in_az = this.clone();
    let az = Program::answers(move |_| {
        // While this run waits, another run gets a token from the same source.
        let token_source = Arc::new(SlowPerson(Duration::ZERO));
        let source = Source::AzureCli;
        let resolver = in_az.get().unwrap().0.source();
        assert!(
            resolver
                .winner
                .set(Winner {
                    source,
                    token_source
                })
                .is_ok()
        );
        let expires_on = u64::MAX >> 31;
        (
            0,
            format!(r#"{{"accessToken":"other","expires_on":{expires_on}}}"#),
        )
    });
    let system = Fixture::new().with_program("az", &az).shared();
    let chain = this.get_or_init(|| Arc::new(chain(system)));
    let token = chain
        .get_token(&TokenRequest::new(Scope::ARM))
        .await
        .unwrap();
    assert_eq!(token.secret(), "t");
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_settings_cause_a_panic(content in crate::hostile::spoilt(PROJECT)) {
        let system = desk().with_file("/code/azcred.toml", content);
        if let Err(error) = Settings::find(&system, Path::new("/code")) {
            let shown = format!("{error}");
            proptest::prop_assert!(shown.contains("/code/azcred.toml"), "{shown}");
            proptest::prop_assert!(!shown.contains(['\u{1b}', '\u{202e}', '\n']), "{shown:?}");
        }
    }
}

#[tokio::test]
async fn without_a_token_the_fix_is_the_one_of_the_place() {
    for (variables, step) in [
        (&[][..], "sign in to azcred"),
        (&[("GITHUB_ACTIONS", "true")][..], "id-token: write"),
        (&[("TF_BUILD", "True")][..], "SYSTEM_ACCESSTOKEN"),
        (
            &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")][..],
            "azure.workload.identity/use",
        ),
        (&[("AZURE_CLIENT_ID", "app")][..], "set AZURE_TENANT_ID"),
    ] {
        let nowhere = Fixture::new()
            .with_var("AZCRED_IMDS", "never")
            .with_var("HOME", "/home/ada");
        let system = variables.iter().fold(nowhere, |system, (name, value)| {
            system.with_var(name, value)
        });
        let error = chain(system.shared())
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert!(
            error.fix().unwrap().to_string().contains(step),
            "{variables:?}: {error}"
        );
    }
}

#[test]
fn the_fix_of_a_wrong_account_is_a_sign_in_that_the_chain_uses() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = URL_SAFE_NO_PAD.encode(r#"{"idtyp":"user","upn":"ada@contoso.com","oid":"o"}"#);
    let token = format!("h.{claims}.s");
    let token = AccessToken::new(token, SystemTime::now(), Duration::from_secs(3600), None);
    let fix = |build: fn(ChainBuilder) -> ChainBuilder, source| {
        let options = ClientOptions::new(Fixture::new().shared());
        let grace = Expect::new("a test")
            .principal("grace@contoso.com")
            .unwrap();
        let builder = build(Chain::builder(options).expect(grace));
        let error = expect::check(&builder.0, source, &token).unwrap_err();
        assert!(
            error.why().ends_with("belongs to ada@contoso.com"),
            "{error}"
        );
        error.fix().unwrap().to_string()
    };
    let azcred = "sign in to azcred as grace@contoso.com";
    let az = "run `az login`; sign in there as grace@contoso.com";
    let own: fn(ChainBuilder) -> ChainBuilder = |builder| builder;
    for (build, source, step) in [
        (own, Source::AzureCli, azcred),
        (own, Source::Azcred, azcred),
        // Azure CLI comes before azcred, or azcred does not take part.
        (|builder| builder.preset(Preset::HiMl), Source::AzureCli, az),
        (
            |builder| builder.exclude([Source::Azcred]),
            Source::AzureCli,
            az,
        ),
        (own, Source::Environment, "exclude the source environment"),
    ] {
        let fix = fix(build, source);
        assert!(fix.starts_with(step), "{source}: {fix}");
        assert!(
            fix.ends_with("if ada@contoso.com is the right account, change what a test expects"),
            "{fix}"
        );
    }
}

#[tokio::test]
async fn no_selection_of_sources_leaves_an_error_without_a_fix() {
    let places: [fn() -> Fixture; 3] = [
        || Fixture::new().with_var("CI", "true"),
        || Fixture::new().with_var("CI", "true").with_terminal(),
        Fixture::new,
    ];
    for machine in places {
        for one in Source::ALL {
            for other in Source::ALL {
                let machine = machine().with_var("AZCRED_IMDS", "never").shared();
                let chain = Chain::builder(ClientOptions::new(machine)).only([one, other]);
                let asked = chain.unattended().build();
                let asked = asked.get_token(&TokenRequest::new(Scope::ARM)).await;
                let error = asked.unwrap_err();
                let fix = error.fix().map(ToString::to_string).unwrap_or_default();
                assert!(!fix.is_empty(), "{one}, {other}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn the_first_step_is_one_that_works_here() {
    let nowhere = || {
        Fixture::new()
            .with_var("AZCRED_IMDS", "never")
            .with_var("HOME", "/home/ada")
    };
    let ci = || nowhere().with_var("CI", "true");
    for (system, steps) in [
        (
            nowhere(),
            &[
                "if you have a terminal, sign in to azcred",
                "if you have a service principal, set AZURE_TENANT_ID",
            ][..],
        ),
        (
            nowhere().with_terminal(),
            &[
                "sign in to azcred",
                "if you have a service principal, set AZURE_TENANT_ID",
            ],
        ),
        (
            ci(),
            &["if you have a service principal, set AZURE_TENANT_ID"],
        ),
        (
            nowhere()
                .with_var("AZURE_TENANT_ID", "contoso.com")
                .with_var("AZURE_CLIENT_ID", "c11e"),
            &[
                "set AZURE_CLIENT_SECRET",
                "set AZURE_CLIENT_CERTIFICATE_PATH",
                "if you have a terminal, sign in to azcred",
            ],
        ),
    ] {
        let options = ClientOptions::new(system.shared());
        let chain = Chain::builder(options).unattended().build();
        let asked = chain.get_token(&TokenRequest::new(Scope::ARM)).await;
        let error = asked.unwrap_err();
        let Some(Fix::AnyOf(fixes)) = error.fix() else {
            let [step] = steps else { panic!("{error}") };
            assert!(
                error.fix().unwrap().to_string().starts_with(step),
                "{error}"
            );
            continue;
        };
        let fixes: Vec<String> = fixes.iter().map(ToString::to_string).collect();
        assert_eq!(fixes.len(), steps.len(), "{fixes:?}");
        for (fix, step) in fixes.iter().zip(steps) {
            assert!(fix.starts_with(step), "{fixes:?}");
        }
    }
}

#[tokio::test]
async fn a_person_is_asked_only_at_a_terminal_and_not_in_a_ci_job_or_by_a_check() {
    let nowhere = || Fixture::new().with_var("AZCRED_IMDS", "never");
    let desk = || nowhere().with_terminal();
    let of = |system: Fixture| Chain::builder(ClientOptions::new(system.shared()));
    let reason = async |chain: Chain| {
        let (answer, report) = chain.explain(&TokenRequest::new(Scope::ARM)).await;
        assert!(answer.is_err_and(|error| error.is_unavailable()));
        let mut attempts = report.attempts.iter();
        let device_code = attempts.find(|attempt| attempt.source == Source::DeviceCode);
        device_code.unwrap().reason().into_owned()
    };
    let why = reason(of(nowhere()).build()).await;
    assert!(why.contains("there is no terminal"), "{why}");
    for variable in ["CI", "GITHUB_ACTIONS", "TF_BUILD"] {
        let why = reason(of(desk().with_var(variable, "true")).build()).await;
        assert!(why.contains(variable), "{why}");
        // The same if the caller names the source.
        let named = of(desk().with_var(variable, "true")).only([Source::DeviceCode]);
        let why = reason(named.build()).await;
        assert!(why.contains(variable), "{why}");
    }
    assert!(Source::DeviceCode.make(&of(desk()).0, false).is_ok());
    // `CI=false` and the like mean that this is not a job.
    let no = ["false", "False", "0", " no "].map(|no| desk().with_var("CI", no));
    for no in no {
        assert!(Source::DeviceCode.make(&of(no.clone()).0, false).is_ok());
        let job = of(no.with_var("TF_BUILD", "True"));
        assert!(Source::DeviceCode.make(&job.0, false).is_err());
    }
    let (answer, report) = of(desk().with_var("HOME", "/home/ada"))
        .unattended()
        .build()
        .explain(&TokenRequest::new(Scope::ARM))
        .await;
    let error = answer.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("sign in to azcred"),
        "{error}"
    );
    // Without a display, no browser can be opened.
    let attempt = report.attempts.last().unwrap();
    assert_eq!(
        (attempt.source, attempt.verdict),
        (Source::DeviceCode, Verdict::WouldAsk)
    );
}
