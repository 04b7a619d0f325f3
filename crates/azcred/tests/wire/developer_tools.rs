//! Azure CLI, Azure PowerShell and Azure Developer CLI as programs that respond, reject, lie, hang
//! and crash.

use azcred::{
    AzureCliCredential, AzureDeveloperCliCredential, AzurePowerShellCredential, ClientOptions,
    Credential, Error, ErrorKind, Scope, TenantId, TokenRequest, VisualStudioCodeCredential,
    system::{FileFacts, FileKind, Fixture, Program, Writers},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
#[cfg(unix)]
use std::fs;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

/// Must never be in an error: the head of a JWT, and a part of an opaque token.
const CANARY: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJjYW5hcnkiOjF9.c2lnbmF0dXJlLWNhbmFyeQ";
const OPAQUE: &str =
    "1.AXoAcanarycanarycanarycanarycanarycanarycanarycanarycanarycanarycanarycanarycanary";
const NOW: u64 = 1_800_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tool {
    Az,
    Pwsh,
    Azd,
}

use Tool::{Az, Azd, Pwsh};

const ALL: [Tool; 3] = [Az, Pwsh, Azd];

impl Tool {
    fn program(self) -> &'static str {
        match self {
            Az => "az",
            Pwsh => "pwsh",
            Azd => "azd",
        }
    }

    fn credential(self, machine: Fixture) -> Box<dyn Credential> {
        let options = ClientOptions::new(machine.shared());
        match self {
            Az => Box::new(AzureCliCredential::new(options)),
            Pwsh => Box::new(AzurePowerShellCredential::new(options)),
            Azd => Box::new(AzureDeveloperCliCredential::new(options)),
        }
    }

    /// What the tool prints for a token that ends at `end`, in seconds since 1970.
    fn says(self, token: &str, end: u64) -> String {
        let date = time::OffsetDateTime::from_unix_timestamp(i64::try_from(end).unwrap()).unwrap();
        let date = date
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap();
        match self {
            Az => format!(
                "{{\n  \"accessToken\": \"{token}\",\n  \"expiresOn\": \"1999-01-01 00:00:00.000000\",\n  \"expires_on\": {end},\n  \
                 \"subscription\": \"s\",\n  \"tenant\": \"t\",\n  \"tokenType\": \"Bearer\"\n}}\n"
            ),
            Pwsh => format!("azcred%{token}%{end}\n"),
            Azd => format!("{{\"token\":\"{token}\",\"expiresOn\":\"{date}\"}}\n"),
        }
    }
}

fn bare() -> Fixture {
    Fixture::new()
        .with_var("HOME", "/home/ada")
        .at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

fn with(tool: Tool, program: &Program) -> Fixture {
    bare().with_program(tool.program(), program)
}

async fn ask_for(tool: Tool, machine: Fixture, request: TokenRequest) -> Result<String, Error> {
    let token = tool.credential(machine).get_token(&request).await?;
    Ok(token.secret().to_owned())
}

async fn ask(tool: Tool, program: &Program) -> Result<String, Error> {
    let answer = ask_for(tool, with(tool, program), TokenRequest::new(Scope::ARM)).await;
    if let Err(error) = &answer {
        let shown = format!("{error} {error:?}");
        for canary in ["eyJ", "canary", "Y2FuYXJ5"] {
            assert!(!shown.contains(canary), "{tool:?}: {shown}");
        }
        assert!(error.fix().is_some(), "{error}");
    }
    answer
}

#[tokio::test]
async fn a_tool_that_is_not_installed_is_unavailable() {
    for tool in ALL {
        let credential = tool.credential(bare());
        let error = credential
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.why().contains("is not installed"), "{error}");
        let looked = format!("{:?}", credential.prepare());
        assert!(looked.starts_with("Unavailable"), "{looked}");
        let program = Program::dies();
        let machine = with(tool, &program);
        let looked = format!("{:?}", tool.credential(machine.clone()).prepare());
        assert!(looked.starts_with("Possible"), "{looked}");
        assert_eq!(program.runs(), 0, "a look runs nothing");
    }
}

#[tokio::test]
async fn a_token_is_read_with_its_end() {
    for tool in ALL {
        let program = Program::prints(0, tool.says("the-token", NOW + 1234), "WARNING: something");
        let token = tool
            .credential(with(tool, &program))
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_or_else(|error| panic!("{tool:?}: {error}"));
        assert_eq!(token.secret(), "the-token");
        let end = i64::try_from(NOW + 1234).unwrap();
        assert_eq!(token.expires_on().unix_timestamp(), end, "{tool:?}");
    }
}

#[tokio::test]
async fn an_old_azure_clis_date_is_read_as_the_time_zone_that_it_is_run_in() {
    let said = "{\"accessToken\": \"t\", \"expiresOn\": \"2027-01-15 08:20:00.123456\", \"tokenType\": \"Bearer\"}";
    let token = AzureCliCredential::new(ClientOptions::new(
        with(Az, &Program::prints(0, said, "")).shared(),
    ))
    .get_token(&TokenRequest::new(Scope::ARM))
    .await
    .unwrap();
    assert_eq!(token.expires_on().unix_timestamp(), 1_800_001_200);
}

#[tokio::test]
async fn an_output_without_a_token_is_unexpected_and_not_repeated() {
    for tool in ALL {
        let good = tool.says(CANARY, NOW + 3600);
        let outputs = [
            String::new(),
            format!("<!DOCTYPE html><html>{CANARY}</html>"),
            CANARY.to_owned(),
            "{}".to_owned(),
            format!("[\"{CANARY}\", {}]", NOW + 3600),
            "{\"accessToken\": 7, \"token\": 7}".to_owned(),
            tool.says(&format!("{CANARY} {OPAQUE}"), NOW + 3600),
            tool.says("", NOW + 3600),
            tool.says("caf\u{e9}", NOW + 3600),
            tool.says(OPAQUE, NOW - 1),
            good[..good.len() / 2].to_owned(),
            format!("{good}{good}"),
        ];
        for output in outputs {
            let error = ask(tool, &Program::prints(0, output.clone(), "")).await;
            let error = error.expect_err(&format!("{tool:?}: {output}"));
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{tool:?}: {output}");
        }
    }
}

#[tokio::test]
async fn news_colours_and_marks_around_the_one_token_do_not_matter() {
    for tool in ALL {
        let good = tool.says(CANARY, NOW + 3600);
        for output in [
            format!("notice\n{good}"),
            format!("{good}\nnotice {CANARY}"),
            format!("\u{feff}{good}"),
            format!("\u{1b}[33mWARNING: {{x}}\u{1b}[0m\r\n{good}\u{1b}[0m"),
            format!("{{\"level\": \"warn\"}}\n{good}"),
        ] {
            let token = ask(tool, &Program::prints(0, output.clone(), ""))
                .await
                .unwrap_or_else(|error| panic!("{tool:?}: {output:?}: {error}"));
            assert_eq!(token, CANARY, "{tool:?}: {output:?}");
        }
    }
}

#[tokio::test]
async fn a_token_from_a_program_that_failed_is_not_used() {
    for tool in ALL {
        for stderr in ["", CANARY, OPAQUE] {
            let program = Program::prints(1, tool.says(CANARY, NOW + 3600), stderr);
            let error = ask(tool, &program).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
            assert!(error.why().contains("exit code 1"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_and_crashing_programs_are_distinguished() {
    for tool in ALL {
        let error = ask(tool, &Program::hangs()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        assert!(error.why().contains("within 10 s"), "{error}");
        let error = ask(tool, &Program::dies()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{error}");
        assert!(error.why().contains("signal"), "{error}");
    }
    let options = ClientOptions::new(with(Az, &Program::hangs()).shared())
        .with_deadline(Duration::from_secs(4));
    for (credential, seconds) in [
        (AzureCliCredential::new(options.clone()), "within 4 s"),
        (
            AzureCliCredential::new(options).with_process_deadline(Duration::from_secs(2)),
            "within 2 s",
        ),
    ] {
        let error = credential
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert!(error.why().contains(seconds), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn real_programs_that_can_not_run_or_print_without_end_are_distinguished() {
    let folder = std::env::temp_dir().join(format!("azcred-tools-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&folder).unwrap();
    let script = |name: &str, text: &str, mode| {
        let path = folder.join(name);
        azcred_scripts::write(&path, text, mode).unwrap();
        Program::real(path)
    };
    let mut outcomes = Vec::new();
    for (program, kind, why) in [
        (
            script("a", "#!/bin/sh\necho\n", 0o600),
            ErrorKind::Unavailable,
            "can't be started",
        ),
        (
            script("b", "#!/no/such/python\n", 0o700),
            ErrorKind::Unavailable,
            "can't be started",
        ),
        (
            script("c", "#!/bin/sh\nexec /no/such/python -m azure.cli\n", 0o700),
            ErrorKind::Unavailable,
            "program that it starts is missing",
        ),
        (
            script("d", "#!/bin/sh\nwhile :; do echo eyJcanary; done\n", 0o700),
            ErrorKind::Unexpected,
            "printed too much",
        ),
        (
            script("e", "#!/bin/sh\nkill -9 $$\n", 0o700),
            ErrorKind::Unexpected,
            "signal",
        ),
    ] {
        outcomes.push((ask(Az, &program).await.unwrap_err(), kind, why));
    }
    fs::remove_dir_all(folder).unwrap();
    for (error, kind, why) in outcomes {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.why().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_missing_account_is_unavailable_and_a_code_of_entra_id_is_a_rejection() {
    let aadsts = format!(
        "ERROR: AADSTS700082: The refresh token {CANARY} has expired due to inactivity. It was issued on 2026-01-01. Trace ID: \
         3f2504e0-4f89-41d3-9a0c-0305e82c3301 Correlation ID: 7d444840-9dc0-11d1-b245-5ffdce74fad2 Timestamp: 2026-11-21 \
         20:00:00Z\nRun the command below to authenticate interactively:\naz login --tenant \"contoso.com\" --scope \"x\"\n"
    );
    for (tool, stderr, kind, why, fix) in [
        (
            Az,
            "ERROR: Please run 'az login' to setup account.\n",
            ErrorKind::Unavailable,
            "no account is signed in",
            "`az login`",
        ),
        (
            Az,
            "ERROR: No subscription found. Run 'az account set' to select a subscription.\n",
            ErrorKind::Unavailable,
            "no account is signed in",
            "`az login`",
        ),
        (
            Az,
            aadsts.as_str(),
            ErrorKind::Refused,
            "has expired because it was not used",
            "`az login --tenant contoso.com`",
        ),
        (
            Az,
            "ERROR: AADSTS99999: Something new. Trace ID: x\nDo az login\n",
            ErrorKind::Refused,
            "Something new",
            "`az login`",
        ),
        (
            Az,
            "ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries exceeded with url\n",
            ErrorKind::Unreachable,
            "could not reach",
            "network",
        ),
        (
            Az,
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Max retries exceeded\n",
            ErrorKind::Unreachable,
            "does not trust",
            "REQUESTS_CA_BUNDLE",
        ),
        (
            Az,
            "ERROR: Subscription 'x' not found. Check the spelling and casing and try again.\n",
            ErrorKind::Invalid,
            "does not have this subscription",
            "az account list",
        ),
        (
            Az,
            "ModuleNotFoundError: No module named 'azure'\n",
            ErrorKind::Unavailable,
            "incomplete",
            "install Azure CLI again",
        ),
        (
            Pwsh,
            "#< CLIXML\n<S S=\"Error\">Run Connect-AzAccount to login.</S>\n",
            ErrorKind::Unavailable,
            "no account is signed in",
            "`Connect-AzAccount`",
        ),
        (
            Pwsh,
            "AuthorizationManager check failed.\n",
            ErrorKind::Unavailable,
            "execution policy",
            "Set-ExecutionPolicy",
        ),
        (
            Azd,
            "{\"type\":\"consoleMessage\",\"data\":{\"message\":\"\\nERROR: not logged in, run `azd auth login` to login\\n\"}}\n",
            ErrorKind::Unavailable,
            "no account is signed in",
            "`azd auth login`",
        ),
        (
            Azd,
            "{\"error\":\"fetching token: AADSTS50076: Due to a change you must use MFA. Trace ID: x\\r\\nmore\"}\n",
            ErrorKind::Refused,
            "multi-factor",
            "`azd auth login`",
        ),
        (
            Azd,
            "dial tcp: lookup login.microsoftonline.com: no such host\n",
            ErrorKind::Unreachable,
            "could not reach",
            "network",
        ),
    ] {
        let error = ask(tool, &Program::prints(1, "", stderr))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{stderr}: {error}");
        assert!(error.why().contains(why), "{stderr}: {error}");
        assert!(
            error.fix().unwrap().to_string().contains(fix),
            "{stderr}: {error}"
        );
    }
    let error = ask(Az, &Program::prints(1, "", aadsts)).await.unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.code, Some(700_082));
    assert_eq!(
        refusal.correlation_id.as_deref(),
        Some("7d444840-9dc0-11d1-b245-5ffdce74fad2")
    );
}

#[tokio::test]
async fn a_powershell_without_the_module_is_unavailable() {
    let program = Program::prints(0, "Welcome!\nazcred%no-module\n", "");
    let error = ask(Pwsh, &program).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error
            .fix()
            .unwrap()
            .to_string()
            .contains("Install-Module Az.Accounts"),
        "{error}"
    );
}

/// A program that records its arguments.
fn spy(tool: Tool) -> (Program, Arc<Mutex<Vec<Vec<String>>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let program = Program::answers(move |args| {
        log.lock().unwrap().push(args.to_vec());
        (0, tool.says("t", NOW + 3600))
    });
    (program, seen)
}

#[tokio::test]
async fn each_tool_gets_the_resource_and_the_tenant_in_its_own_way() {
    let tenant = || TenantId::new("contoso.com").unwrap();
    let request = TokenRequest::new(Scope::ARM);
    let (program, seen) = spy(Az);
    let options = ClientOptions::new(with(Az, &program).shared());
    let az = AzureCliCredential::new(options.clone()).with_tenant(tenant());
    az.get_token(&request).await.unwrap();
    let other = Scope::new("https://a.example/Read").unwrap();
    az.get_token(&TokenRequest::new(other)).await.unwrap();
    let by_subscription = AzureCliCredential::new(options)
        .with_subscription("Contoso ML")
        .unwrap();
    by_subscription.get_token(&request).await.unwrap();
    let joined: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|args| args.join(" "))
        .collect();
    assert_eq!(
        joined,
        [
            "account get-access-token --output json --resource https://management.azure.com --tenant contoso.com",
            "account get-access-token --output json --scope https://a.example/Read --tenant contoso.com",
            "account get-access-token --output json --resource https://management.azure.com --subscription Contoso ML",
        ]
    );

    let (program, seen) = spy(Azd);
    AzureDeveloperCliCredential::new(ClientOptions::new(with(Azd, &program).shared()))
        .with_tenant(tenant())
        .get_token(&request.clone().with_claims("{}"))
        .await
        .unwrap();
    assert_eq!(
        seen.lock().unwrap()[0].join(" "),
        "auth token --output json --no-prompt --scope https://management.azure.com/.default --tenant-id contoso.com --claims e30="
    );

    let (program, seen) = spy(Pwsh);
    AzurePowerShellCredential::new(ClientOptions::new(with(Pwsh, &program).shared()))
        .with_tenant(tenant())
        .get_token(&request)
        .await
        .unwrap();
    let args = seen.lock().unwrap()[0].clone();
    assert_eq!(
        args[..3],
        ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
    );
    let units: Vec<u16> = STANDARD
        .decode(&args[3])
        .unwrap()
        .chunks(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let script = String::from_utf16(&units).unwrap();
    assert!(
        script.contains("ResourceUrl = 'https://management.azure.com' }"),
        "{script}"
    );
    assert!(script.contains("$ask.TenantId = 'contoso.com'"), "{script}");
}

#[tokio::test]
async fn an_azd_that_does_not_know_an_option_is_run_without_it() {
    let program = Program::answers(|args| {
        if args.iter().any(|arg| arg == "--no-prompt") {
            (1, "ERROR: unknown flag: --no-prompt\n".to_owned())
        } else {
            (0, Azd.says("t", NOW + 3600))
        }
    });
    assert_eq!(ask(Azd, &program).await.unwrap(), "t");
    assert_eq!(program.runs(), 2);
}

#[tokio::test]
async fn what_could_be_another_argument_or_a_script_runs_nothing() {
    for tool in ALL {
        let (program, _) = spy(tool);
        for scope in ["--debug", "a'b", "$(id)", "a&b", "a;b", "%PATH%", "a`b"] {
            let request = TokenRequest::new(Scope::new(scope).unwrap());
            let error = ask_for(tool, with(tool, &program), request)
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{scope}: {error}");
        }
        let foreign =
            TokenRequest::new(Scope::ARM).with_tenant(TenantId::new("evil.example").unwrap());
        let error = ask_for(tool, with(tool, &program), foreign)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert_eq!(program.runs(), 0);
    }
    for subscription in ["", "--debug", "a&b", "a\"b", "a\nb", "\u{e9}"] {
        let options = ClientOptions::new(bare().shared());
        let error = AzureCliCredential::new(options).with_subscription(subscription);
        assert_eq!(
            error.unwrap_err().kind(),
            ErrorKind::Invalid,
            "{subscription}"
        );
    }
}

#[tokio::test]
async fn a_challenge_names_the_command_that_answers_it() {
    for (tool, command) in [
        (
            Az,
            "`az login --scope https://management.azure.com/.default --claims-challenge eyJhIjoxfQ==`",
        ),
        (Pwsh, "`Connect-AzAccount -ClaimsChallenge eyJhIjoxfQ==`"),
    ] {
        let program = Program::dies();
        let request = TokenRequest::new(Scope::ARM).with_claims("{\"a\":1}");
        let error = ask_for(tool, with(tool, &program), request)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(
            error.fix().unwrap().to_string().contains(command),
            "{error}"
        );
        assert_eq!(program.runs(), 0);
    }
}

const RECORD: &str = "/home/ada/.azure/ms-azuretools.vscode-azureresourcegroups/authRecord.json";

#[tokio::test]
async fn visual_studio_code_names_the_records_account_and_why_it_can_not_be_used() {
    let good = "{\"username\": \"ada@contoso.com\", \"authority\": \"login.microsoftonline.com\", \"homeAccountId\": \"o.t\", \
                \"tenantId\": \"c0a70500-0000-4000-8000-000000000001\", \"clientId\": \"aebc6443-996d-45c2-90f0-388ff96faa56\", \
                \"version\": \"1.0\"}";
    let folder = FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: None,
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    };
    for (machine, why) in [
        (Fixture::new(), "home folder is not known"),
        (bare(), "no account is signed in"),
        (
            bare().with_file(RECORD, good),
            "ada@contoso.com is signed in",
        ),
        (
            bare().with_file(RECORD.replace("/.azure", "/.Azure"), good),
            "ada@contoso.com is signed in",
        ),
        (bare().with_facts(RECORD, folder, ""), "is not a file"),
        (bare().with_file(RECORD, "x".repeat(10 << 11)), "too large"),
        (
            bare().with_file(RECORD, "<canary>"),
            "has an unknown format",
        ),
        (
            bare().with_file(RECORD, good.replace("aebc6443", "canary00")),
            "has an unknown format",
        ),
        (
            bare().with_file(RECORD, good.replace("ada@", "\\u001b[31mcanary run `rm`@")),
            "has an unknown format",
        ),
    ] {
        let credential =
            VisualStudioCodeCredential::new(ClientOptions::new(machine.clone().shared()));
        let error = credential
            .get_token(&TokenRequest::new(Scope::ARM))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.why().contains(why), "{error}");
        assert!(
            error.fix().unwrap().to_string().contains("az login"),
            "{error}"
        );
        assert!(!format!("{error}").contains("canary"), "{error}");
        let looked = format!("{:?}", credential.prepare());
        assert!(looked.starts_with("Unavailable"), "{looked}");
    }
}

/// Where an account is signed in to Azure CLI.
fn signed_in_to(cloud: &str) -> Fixture {
    let profile = format!(
        r#"{{"subscriptions":[{{"id":"s","name":"n","isDefault":true,"tenantId":"c0a70500-0000-4000-8000-000000000001","environmentName":"{cloud}","user":{{"name":"ada@contoso.com","type":"user"}}}}]}}"#
    );
    bare().with_file("/home/ada/.azure/azureProfile.json", profile)
}

/// What is known is said, and no fix repeats what was done: `az login` where an account is signed
/// in and something else is wrong, or the installation of a program that was found.
#[tokio::test]
async fn what_is_known_of_azure_cli_is_said_and_no_fix_repeats_it() {
    const FOLDER: &str = "/home/ada/.azure";
    let other_cloud = signed_in_to("AzureUSGovernment").with_file(
        format!("{FOLDER}/config"),
        "[cloud]\nname = AzureUSGovernment\n",
    );
    let another = FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: Some(4711),
        writers: Writers::Owner,
        is_readable_by_others: true,
        modified: None,
    };
    let foreign = signed_in_to("AzureCloud").with_facts(FOLDER, another, "");
    let windows = signed_in_to("AzureCloud")
        .with_file(format!("{FOLDER}/msal_token_cache.bin"), [1, 0, 0, 0]);
    let says_login = "ERROR: Please run 'az login' to setup account.";
    for (machine, said, runs, why, fix) in [
        (
            other_cloud,
            says_login,
            0,
            "Azure CLI uses the cloud AzureUSGovernment, not AzureCloud",
            "AZURE_AUTHORITY_HOST=https://login.microsoftonline.us",
        ),
        (
            foreign,
            says_login,
            1,
            "belongs to another user (uid 4711), whose account it is",
            "run this as that user",
        ),
        (
            windows,
            says_login,
            1,
            "is encrypted, for Windows",
            "set AZURE_CONFIG_DIR to a folder of your own on this system",
        ),
        (
            signed_in_to("AzureCloud"),
            "Max retries exceeded with url\nTo re-authenticate, please run:\naz login",
            1,
            "could not reach the identity provider",
            "check the network",
        ),
        (
            signed_in_to("AzureCloud"),
            "certificate verify failed\nPlease run: az login",
            1,
            "does not trust the server's certificate",
            "REQUESTS_CA_BUNDLE",
        ),
        (
            signed_in_to("AzureCloud"),
            "AADSTS53003: Access has been blocked by Conditional Access policies.\naz login --scope x",
            1,
            "Conditional Access",
            "sign-in log",
        ),
    ] {
        let program = Program::prints(1, "", said);
        let machine = machine.with_program("az", &program);
        let request = TokenRequest::new(Scope::ARM);
        let error = ask_for(Az, machine, request).await.unwrap_err();
        let shown = error.fix().unwrap().to_string();
        assert!(error.why().contains(why), "{said}: {error}");
        assert!(shown.contains(fix), "{said}: {error}");
        assert_eq!(program.runs(), runs, "{said}");
        assert!(!shown.contains("install Azure CLI"), "{shown}");
        assert!(!shown.starts_with("run `az login"), "{shown}");
    }
}
