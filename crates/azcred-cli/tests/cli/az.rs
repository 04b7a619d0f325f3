//! The stand-in for Azure CLI: its own commands, by the name `az`.

use crate::{
    azure::Azure,
    run::{Run, Said, assert_seen, az, azcred},
    subscription::{SEED, seeded},
};
use azcred_emulator::{Persona, Way};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::path::Path;
use tempfile::TempDir;

/// A user's home folder, and variables with an account.
struct Account {
    home: TempDir,
    variables: Vec<(String, String)>,
}

impl Account {
    fn new(variables: Vec<(String, String)>) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        Self { home, variables }
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    fn at(&self, run: Run) -> Run {
        run.envs(&self.variables)
            .env("AZCRED_HOME", self.path().to_str().expect("text"))
            .directory(self.path())
    }

    fn az(&self, line: &str) -> Said {
        self.az_with(line, &[])
    }

    fn az_with(&self, line: &str, variables: &[(&str, &str)]) -> Said {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let run = self.at(az(&arguments));
        let run = variables
            .iter()
            .fold(run, |run, (name, value)| run.env(name, value));
        run.said()
    }
}

/// A service principal that sees two subscriptions, of which one is disabled, and one more.
fn two_subscriptions() -> Azure {
    let subscriptions = [("1", "Alpha"), ("2", "Beta")].map(|(number, name)| {
        format!(
            "[[subscriptions]]\nid = \"5ec0ffee-0000-4000-8000-00000000000{number}\"\nname = \"{name}\"\n\
             tenant = \"contoso.onmicrosoft.com\"\nmanagement_group = \"all\"\n\
             managed_by_tenants = [\"7e4a4700-0000-4000-8000-00000000000{number}\"]\n"
        )
    });
    seeded(format!("{SEED}\n{}", subscriptions.concat()))
}

const ALPHA: &str = "5ec0ffee-0000-4000-8000-000000000001";
const BETA: &str = "5ec0ffee-0000-4000-8000-000000000002";

#[test]
fn a_token_has_azure_clis_members_and_is_azcreds() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::ServicePrincipal, Way::RealNames));
    let said = account.az("account get-access-token");
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    assert_seen!("az-get-access-token", said);
    let token = account.at(azcred(&["token"])).said();
    let only = account.az("account get-access-token --query accessToken -o tsv");
    assert_eq!(only.stdout, token.stdout);
    let with_tenant = account
        .az("account get-access-token --tenant c0a70500-0000-4000-8000-000000000001")
        .json();
    assert!(with_tenant.get("subscription").is_none(), "{with_tenant}");
}

#[test]
fn the_time_of_expiry_is_local_and_the_seconds_are_not() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::ServicePrincipal, Way::RealNames));
    let of = |zone| {
        let said = account.az_with("account get-access-token", &[("TZ", zone)]);
        let json = said.json();
        let local = json["expiresOn"].as_str().expect("text").to_owned();
        (json["expires_on"].as_i64().expect("seconds"), local)
    };
    let (seconds, utc) = of("UTC0");
    let (same, later) = of("XXX-3");
    assert_eq!(seconds, same);
    let hour = |time: &str| time[11..13].parse::<u32>().expect("a number");
    assert_eq!((hour(&utc) + 3) % 24, hour(&later), "{utc} {later}");
    assert!(utc.ends_with(".000000"), "{utc}");
}

#[test]
fn a_token_is_for_the_resource_that_is_named_in_any_way() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::ServicePrincipal, Way::RealNames));
    for (asked, audience) in [
        (
            "--resource https://storage.azure.com",
            "https://storage.azure.com",
        ),
        (
            "--scope https://storage.azure.com/.default",
            "https://storage.azure.com",
        ),
        ("--resource-type ms-graph", "https://graph.microsoft.com/"),
        ("--resource-type arm", "https://management.azure.com"),
    ] {
        let said = account.az(&format!(
            "account get-access-token {asked} --query accessToken -o tsv"
        ));
        assert_eq!(said.code, 0, "{said}");
        let claims = said.stdout.split('.').nth(1).expect("a token");
        let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["aud"], audience, "{asked}");
    }
}

#[test]
fn the_subscriptions_are_listed_once_and_a_choice_stays() {
    let azure = two_subscriptions();
    let account = Account::new(azure.application("lister"));
    assert_seen!("az-account-show", account.az("account show"));
    assert_seen!("az-account-list-table", account.az("account list -o table"));
    // A workspace in the environment is the default before anything is chosen.
    assert_eq!(
        account.az("account show --query name -o tsv").stdout,
        "Alpha\n"
    );
    let said = account.az("account set -s beta");
    assert_eq!(
        (said.code, said.stdout.as_str(), said.stderr.as_str()),
        (0, "", ""),
        "{said}"
    );
    assert_eq!(
        account.az("account show --query id -o tsv").stdout,
        format!("{BETA}\n")
    );
    let token = account.az("account get-access-token").json();
    assert_eq!(token["subscription"], BETA);
    let named = account
        .az("account get-access-token --subscription Alpha")
        .json();
    assert_eq!(named["subscription"], ALPHA);
    let managers = "account list --query [].managedByTenants[].tenantId -o tsv";
    assert_eq!(
        account.az(managers).stdout,
        "7e4a4700-0000-4000-8000-000000000001\n7e4a4700-0000-4000-8000-000000000002\n"
    );
    // The list is in azcred's folder, and is asked for again only when that is wanted.
    assert_eq!(
        std::fs::read_dir(account.path().join("data/az"))
            .expect("a folder")
            .count(),
        1
    );
    let refreshed = account.az("account list --refresh --query [?isDefault].name -o tsv");
    assert_eq!(refreshed.stdout, "Beta\n", "{refreshed}");
}

#[test]
fn an_identity_without_a_subscription_has_the_tenant() {
    let azure = Azure::shared();
    let account = Account::new(azure.application("azcred-noroles"));
    let said = account.az("account show");
    assert_eq!(said.json()["name"], "N/A(tenant level account)", "{said}");
    assert_eq!(said.json()["id"], said.json()["tenantId"], "{said}");
}

#[test]
fn a_managed_identity_has_azure_clis_name() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::AppService, Way::RealNames));
    let said = account.az("account show --query user");
    assert_seen!("az-managed-identity", said);
}

#[test]
fn a_custom_cloud_is_the_one_that_azure_cli_has_set() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::Laptop, Way::Ports));
    let said = account.az("account show --query user.name -o tsv");
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "ada@contoso.com\n"),
        "{said}"
    );
}

#[test]
fn azure_clis_account_is_read_from_its_folder_and_nothing_is_written() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::Laptop, Way::RealNames));
    let folder = account
        .variables
        .iter()
        .find(|(name, _)| name == "AZURE_CONFIG_DIR")
        .map(|(_, folder)| folder.clone())
        .expect("it has one");
    let profile = || std::fs::read(Path::new(&folder).join("azureProfile.json")).expect("a file");
    let before = profile();
    let said = account.az("account show --query user.name -o tsv");
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "ada@contoso.com\n"),
        "{said}"
    );
    assert_seen!(
        "az-set-without-azure-cli",
        account.az("account set -s 5ec0ffee-0001-4000-8000-000000000001")
    );
    assert_eq!(account.az("account list --refresh").code, 1);
    assert_eq!(before, profile());
    assert!(!account.path().join("data/az").exists());
}

#[test]
fn without_an_account_the_error_has_the_sentence_that_sdks_search_for() {
    let azure = Azure::shared();
    let account = Account::new(azure.environment(Persona::NoAccount, Way::RealNames));
    for line in [
        "account get-access-token",
        "account show",
        "account list",
        "account set -s x",
    ] {
        let said = account.az(line);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
        assert!(
            said.stderr
                .starts_with("ERROR: Please run 'az login' to setup account.\n"),
            "{said}"
        );
        assert!(!said.stderr.contains("AADSTS"), "{said}");
    }
    assert_seen!("az-not-signed-in", account.az("account get-access-token"));
}

#[test]
fn a_rejected_secret_is_no_missing_account() {
    let azure = Azure::shared();
    let mut variables = azure.environment(Persona::ServicePrincipal, Way::RealNames);
    let secret = variables
        .iter_mut()
        .find(|(name, _)| name == "AZURE_CLIENT_SECRET");
    secret.expect("it has one").1 = "wrong".to_owned();
    let said = Account::new(variables).az("account get-access-token");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert!(said.stderr.contains("AADSTS7000215"), "{said}");
    assert_seen!("az-rejected", said);
}

#[test]
fn what_is_wrong_with_a_subscription_is_said_in_azure_clis_words() {
    let azure = two_subscriptions();
    let account = Account::new(azure.application("lister"));
    for (line, wrong) in [
        (
            "account show -s nope",
            "ERROR: Subscription 'nope' not found. Check the spelling and casing and try again.\n",
        ),
        (
            "account get-access-token -s nope",
            "ERROR: Subscription 'nope' not found. Check the spelling and casing and try again.\n",
        ),
        (
            "account set -s Nope",
            "ERROR: The subscription of 'nope' doesn't exist in cloud 'AzureCloud'.\n",
        ),
        (
            "account get-access-token -s x -t y",
            "ERROR: Please specify only one of subscription and tenant, not both\n",
        ),
    ] {
        let said = account.az(line);
        assert_eq!((said.code, said.stderr.as_str()), (1, wrong), "{said}");
    }
    let said = account.az("account show --bogus");
    assert_eq!(
        (said.code, said.stderr.as_str()),
        (2, "ERROR: unrecognized arguments: --bogus\n")
    );
    let said = account.az("account show --query nothing(@)");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
}

#[test]
fn the_version_is_one_that_terraform_accepts_and_names_azcred() {
    let account = Account::new(Vec::new());
    let json = account.az("version -o=json").json();
    let version = json["azure-cli"].as_str().expect("text");
    assert!(version.starts_with("2."), "{version}");
    assert_eq!(json["extensions"]["azcred"], env!("CARGO_PKG_VERSION"));
    assert!(account.az("--version").stdout.starts_with("azure-cli  "));
}

#[test]
fn the_format_can_be_set_for_every_command() {
    let account = Account::new(Vec::new());
    let tsv = account.az_with(
        "version --query \"azure-cli-telemetry\"",
        &[("AZURE_CORE_OUTPUT", "tsv")],
    );
    assert_eq!(tsv.stdout, "1.1.0\n", "{tsv}");
    assert_eq!(
        account
            .az_with("version -o none", &[("AZURE_CORE_OUTPUT", "tsv")])
            .stdout,
        ""
    );
}

#[test]
fn the_help_says_what_this_az_is() {
    let account = Account::new(Vec::new());
    let said = account.az("--help");
    assert_seen!("az-help", said);
    assert_eq!(
        account.az("account get-access-token -h").stdout,
        said.stdout
    );
    assert_eq!(account.az("").stdout, said.stdout);
}
