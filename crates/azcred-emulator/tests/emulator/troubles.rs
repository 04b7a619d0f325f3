//! Every trouble, as a plain client sees it: the program of [`Program`], which knows nothing of
//! azcred.

mod program;

use azcred_emulator::{
    Emulator, Options, Persona, Seed, Way,
    troubles::{self, Area, Trouble, TroubleError},
};
use program::{
    Program,
    See::{self, *},
};
use std::collections::BTreeSet;

const WORKSPACE: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg-contoso-ml/providers/\
                         Microsoft.MachineLearningServices/workspaces/ws-contoso-ml";
const PROVIDER: &str = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/providers/\
                        Microsoft.MachineLearningServices";

/// Each trouble: where a client sees it, what it sees there on a healthy machine, and in trouble.
const SEEN: &[(&str, See, &str, &str)] = &[
    ("clock-behind", Clock, "0 hours", "1 hours"),
    ("clock-ahead", Clock, "0 hours", "-1 hours"),
    ("unknown-authority", Authority, "200", "name not found"),
    ("proxy-gone", SignIn, "token", "refused"),
    ("proxy-password", SignIn, "token", "wants a password"),
    ("proxy-silent", SignIn, "token", "no response"),
    ("proxy-forbids", SignIn, "token", "proxy forbids"),
    (
        "proxy-swallows-metadata",
        Metadata,
        "token",
        "can't connect",
    ),
    ("tls-intercepted", SignIn, "token", "unknown authority"),
    ("bundle-incomplete", SignIn, "token", "unknown authority"),
    ("bundle-missing", SignIn, "token", "no bundle"),
    ("sign-in-hangs", SignIn, "token", "no response"),
    (
        "resource-manager-hangs",
        Arm(WORKSPACE),
        "200",
        "no response",
    ),
    ("graph-hangs", Graph, "401", "no response"),
    ("mlflow-hangs", Mlflow, "200", "no response"),
    ("storage-hangs", Blobs, "200", "no response"),
    ("vault-hangs", Vault, "403", "no response"),
    ("registry-hangs", Registry, "401", "no response"),
    (
        "captive-portal",
        SignIn,
        "token",
        "<h1>Network sign-in</h1>",
    ),
    ("throttled", Arm(WORKSPACE), "200", "429"),
    ("no-account", SignIn, "token", "no account"),
    (
        "half-set-variables",
        SignIn,
        "token",
        "no AZURE_CLIENT_SECRET",
    ),
    ("tenant-not-set", SignIn, "token", "no AZURE_TENANT_ID"),
    ("secret-in-quotes", SignIn, "token", "AADSTS7000215"),
    ("secret-with-line-end", SignIn, "token", "AADSTS7000215"),
    ("client-id-with-spaces", SignIn, "token", "AADSTS"),
    ("client-id-with-unseen-character", SignIn, "token", "AADSTS"),
    ("placeholder-left", SignIn, "token", "AADSTS900023"),
    ("wrong-secret", SignIn, "token", "AADSTS7000215"),
    ("secret-id-for-value", SignIn, "token", "AADSTS7000215"),
    ("expired-secret", SignIn, "token", "AADSTS7000222"),
    ("unknown-application", SignIn, "token", "AADSTS700016"),
    ("unknown-tenant", SignIn, "token", "AADSTS90002"),
    ("wrong-tenant", SignIn, "token", "AADSTS700016"),
    ("disabled-application", SignIn, "token", "AADSTS7000112"),
    ("no-service-principal", SignIn, "token", "AADSTS7000229"),
    ("conditional-access-block", SignIn, "token", "AADSTS53003"),
    ("mfa-required", SignIn, "token", "AADSTS50076"),
    ("revoked-sign-in", SignIn, "token", "AADSTS50173"),
    ("disabled-account", SignIn, "token", "AADSTS50057"),
    ("no-federated-credential", SignIn, "token", "AADSTS700213"),
    ("expired-assertion", SignIn, "token", "AADSTS700024"),
    ("assertion-file-missing", SignIn, "token", "no token file"),
    ("unregistered-certificate", SignIn, "token", "AADSTS700027"),
    (
        "expired-certificate",
        SignIn,
        "token",
        "key used is expired",
    ),
    (
        "certificate-ends-soon",
        Variable("AZURE_CLIENT_CERTIFICATE_PATH"),
        "certificate-a0000001",
        "certificate-ends-soon/certificate.pem",
    ),
    ("certificate-without-key", SignIn, "token", "no key"),
    (
        "certificate-missing",
        SignIn,
        "token",
        "no certificate file",
    ),
    (
        "identity-not-assigned",
        SignIn,
        "token",
        "Identity not found",
    ),
    (
        "metadata-switched-off",
        Variable("AZCRED_IMDS"),
        "not set",
        "never",
    ),
    (
        "two-identities",
        Variable("HIML_SERVICE_PRINCIPAL_ID"),
        "not set",
        "a0000001-0000-4000-8000-000000000009",
    ),
    ("wrong-account", File("azcred.toml"), "no file", "[expect]"),
    ("config-missing", Configured, "200", "no config.json"),
    ("config-malformed", Configured, "200", "not JSON"),
    (
        "config-other-workspace",
        Configured,
        "200",
        "AuthorizationFailed",
    ),
    (
        "config-other-group",
        Configured,
        "200",
        "AuthorizationFailed",
    ),
    (
        "config-other-tenant",
        Configured,
        "200",
        "InvalidAuthenticationTokenTenant",
    ),
    ("subscription-disabled", Job, "201", "Disabled"),
    (
        "provider-not-registered",
        Arm(PROVIDER),
        "\"registrationState\":\"Registered\"",
        "\"registrationState\":\"NotRegistered\"",
    ),
    (
        "workspace-deleting",
        Arm(WORKSPACE),
        "\"provisioningState\":\"Succeeded\"",
        "\"provisioningState\":\"Deleting\"",
    ),
    (
        "workspace-failed",
        Arm(WORKSPACE),
        "\"provisioningState\":\"Succeeded\"",
        "\"provisioningState\":\"Failed\"",
    ),
    (
        "workspace-gone",
        Arm(WORKSPACE),
        "200",
        "AuthorizationFailed",
    ),
    (
        "workspace-private",
        Arm(WORKSPACE),
        "\"publicNetworkAccess\":\"Enabled\"",
        "\"publicNetworkAccess\":\"Disabled\"",
    ),
    ("storage-gone", Blobs, "200", "404"),
    ("storage-firewall", Blobs, "200", "AuthorizationFailure"),
    ("storage-private", Blobs, "200", "AuthorizationFailure"),
    ("vault-gone", Vault, "403", "404"),
    (
        "vault-firewall",
        Vault,
        "ForbiddenByRbac",
        "ForbiddenByFirewall",
    ),
    (
        "vault-private",
        Vault,
        "ForbiddenByRbac",
        "ForbiddenByConnection",
    ),
    ("registry-gone", Registry, "401", "404"),
    ("registry-private", Registry, "401", "403"),
    ("no-role", Arm(WORKSPACE), "200", "AuthorizationFailed"),
    ("reader-only", Job, "201", "AuthorizationFailed"),
    ("metrics-only", Arm(WORKSPACE), "200", "AuthorizationFailed"),
    (
        "no-data-role",
        Blobs,
        "200",
        "AuthorizationPermissionMismatch",
    ),
    ("jobs-denied", Job, "201", "deny assignment"),
    ("computes-denied", Computes, "200", "deny assignment"),
    (
        "data-reads-denied",
        Denials,
        "\"value\":[]",
        "data/versions/read",
    ),
    (
        "data-writes-denied",
        Denials,
        "\"value\":[]",
        "data/versions/write",
    ),
    (
        "blobs-denied",
        Blobs,
        "200",
        "AuthorizationPermissionMismatch",
    ),
    (
        "secrets-denied",
        Vault,
        "DeniedWithNoValidRBAC",
        "DeniedByDenyAssignment",
    ),
    (
        "az-other-account",
        Variable("AZURE_CONFIG_DIR"),
        "not set",
        "azure-cli-names",
    ),
    (
        "terraform-other-account",
        Variable("ARM_CLIENT_ID"),
        "not set",
        "a0000001-0000-4000-8000-000000000009",
    ),
    (
        "az-profile-damaged",
        AzureCli("azureProfile.json"),
        "JSON",
        "damaged",
    ),
    (
        "az-cache-damaged",
        AzureCli("msal_token_cache.json"),
        "JSON",
        "damaged",
    ),
    (
        "himl-half-set",
        Variable("HIML_SERVICE_PRINCIPAL_ID"),
        "not set",
        "a0000001-0000-4000-8000-000000000001",
    ),
    (
        "user-variables",
        Variable("AZURE_USERNAME"),
        "not set",
        "ada@contoso.com",
    ),
    (
        "empty-msi-endpoint",
        Variable("MSI_ENDPOINT"),
        "not set",
        "''",
    ),
];

fn trouble(name: &str) -> &'static Trouble {
    troubles::named(name).unwrap_or_else(|| panic!("{name} is in the table"))
}

async fn emulator() -> Emulator {
    Emulator::start(Options::default()).await.unwrap()
}

#[test]
fn each_trouble_has_a_name_a_sentence_and_a_fix_of_its_own() {
    assert!(troubles::ALL.len() >= 40);
    let mut names = BTreeSet::new();
    let mut last = Area::Machine;
    for one in troubles::ALL {
        let is_plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(one.name.chars().all(is_plain), "{}", one.name);
        assert!(names.insert(one.name), "{} is there twice", one.name);
        assert!(one.sentence.ends_with('.'), "{}", one.name);
        let words = one.sentence.split_whitespace().count();
        assert!(words <= 20, "{} has {words} words", one.name);
        assert!(!one.cure.sentence().is_empty() && !one.personas.is_empty());
        assert!(last <= one.area, "{} is not among its area's", one.name);
        last = one.area;
    }
    let seen: Vec<&str> = SEEN.iter().map(|(name, ..)| *name).collect();
    let all: Vec<&str> = troubles::ALL.iter().map(|one| one.name).collect();
    assert_eq!(
        seen, all,
        "each trouble has a line in the table of this test"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_client_sees_each_trouble_until_it_is_repaired() {
    let emulator = emulator().await;
    let info = emulator.info();
    let mut wrong = Vec::new();
    for (name, see, healthy, broken) in SEEN {
        let trouble = trouble(name);
        let persona = trouble.personas[0];
        let program = Program::new(info, persona, Way::RealNames);
        let expect = async |when: &str, program: &Program, expected: &str| {
            let seen = program.sees(*see, expected == "no response").await;
            let seen: String = seen.chars().take(3000).collect();
            (!seen.contains(expected))
                .then(|| format!("{name} {when}: expected {expected:?}, seen {seen}"))
        };
        wrong.extend(expect("before", &program, healthy).await);
        // Again: what is broken already is broken once.
        for _ in 0..2 {
            let change = info.break_(trouble, persona, Way::RealNames).unwrap();
            let hurt = program.with(&change);
            wrong.extend(expect("in trouble", &hurt, broken).await);
        }
        assert_eq!(info.troubles().unwrap(), [*name]);
        let repaired = info.repair(Some(trouble)).unwrap();
        assert_eq!(repaired[0].name, *name);
        wrong.extend(expect("after the repair", &program, healthy).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(info.troubles().unwrap(), Vec::<String>::new());
}

/// All that a trouble can break, as the emulator would store it.
fn content(emulator: &Emulator) -> String {
    let world = emulator.world();
    let directory = world.directory();
    let resources = world.resources();
    let mut assignments: Vec<_> = resources.role_assignments().map(|one| one.id).collect();
    assignments.sort();
    let faults = world.faults.all();
    let resources: Vec<_> = resources.resources().collect();
    format!("{directory:#?}{resources:#?}{assignments:#?}{faults:#?}")
}

/// Compares two texts, and shows the first line that differs.
#[track_caller]
fn same(before: &str, after: &str, what: &str) {
    let mut lines = before.lines().zip(after.lines()).enumerate();
    let other = lines.find(|(_, (one, other))| one != other);
    assert!(before == after, "{what}: {other:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_troubles_are_repaired_in_any_order() {
    let emulator = emulator().await;
    let info = emulator.info();
    let before = content(&emulator);
    let pairs = [
        ("storage-firewall", "storage-gone"),
        ("storage-gone", "workspace-gone"),
        ("no-role", "reader-only"),
        ("no-role", "workspace-gone"),
        ("expired-secret", "no-service-principal"),
        ("disabled-application", "no-service-principal"),
        ("clock-behind", "clock-ahead"),
        ("wrong-tenant", "config-other-tenant"),
        ("unregistered-certificate", "expired-certificate"),
    ];
    for (one, other) in pairs {
        for first in [one, other] {
            for name in [one, other] {
                let trouble = trouble(name);
                let made = info.break_(trouble, trouble.personas[0], Way::RealNames);
                // The other one's subject is gone with it.
                if made.is_err() {
                    assert!(
                        other.ends_with("gone") || other.starts_with("no-"),
                        "{name}"
                    );
                }
            }
            info.repair(Some(trouble(first))).unwrap();
            info.repair(None).unwrap();
            assert_eq!(
                content(&emulator),
                before,
                "{one} and {other}, {first} first"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_fixed_stays_after_a_repair() {
    let emulator = emulator().await;
    let info = emulator.info();
    let persona = Persona::ServicePrincipal;
    let expired = trouble("expired-secret");
    info.break_(expired, persona, Way::RealNames).unwrap();
    let client = info.service_principal().unwrap().0.client_id;
    let secrets = || {
        let directory = emulator.world().directory();
        directory.applications[&client].secrets.clone()
    };
    let mut new = secrets()[0].clone();
    new.id = uuid::Uuid::new_v4();
    {
        let mut directory = emulator.world().directory_mut();
        let application = directory.applications.get_mut(&client).unwrap();
        application.secrets.push(new.clone());
    }
    info.repair(None).unwrap();
    let now = time::OffsetDateTime::now_utc();
    let kept = secrets();
    assert_eq!(kept.len(), 2);
    assert!(kept[0].expires > now, "the old secret is valid again");
    assert_eq!(kept[1].id, new.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trouble_lasts_beyond_a_restart_and_is_repaired_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        state_dir: Some(folder.path().join("state")),
        ..Options::default()
    };
    let names = ["expired-secret", "throttled", "mfa-required", "no-role"];
    let first = Emulator::start(options()).await.unwrap();
    for name in names {
        let trouble = trouble(name);
        let made = first
            .info()
            .break_(trouble, trouble.personas[0], Way::RealNames);
        made.unwrap();
    }
    first.shutdown().await;
    let second = Emulator::start(options()).await.unwrap();
    let info = second.info();
    assert_eq!(info.troubles().unwrap(), names);
    let see = async |persona, see| {
        let program = Program::new(info, persona, Way::RealNames);
        program.sees(see, false).await
    };
    let expired = see(Persona::ServicePrincipal, SignIn).await;
    assert!(expired.contains("AADSTS7000222"), "{expired}");
    assert_eq!(second.faults().all().len(), 1);
    assert_eq!(info.repair(None).unwrap().len(), names.len());
    assert!(second.faults().all().is_empty());
    let seen = see(Persona::ServicePrincipal, Arm(WORKSPACE)).await;
    assert!(seen.starts_with("200"), "{seen}");
    let seen = see(Persona::Laptop, SignIn).await;
    assert_eq!(seen, "token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trouble_is_not_made_for_an_account_that_it_is_not_about() {
    let emulator = emulator().await;
    let info = emulator.info();
    let revoked = trouble("revoked-sign-in");
    let refused = info.break_(revoked, Persona::ServicePrincipal, Way::RealNames);
    assert!(matches!(refused, Err(TroubleError::Persona)));
    let error = info.repair(Some(revoked)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(info.repair(None).unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seed_without_a_workspace_has_no_trouble_with_one() {
    let text = "[[tenants]]\nid = 'c0a70500-0000-4000-8000-000000000001'\nname = 'A'\ndomains = ['a.com']\n";
    let options = Options {
        seed: Seed::Text {
            name: "small".into(),
            text: text.into(),
        },
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.unwrap();
    let info = emulator.info();
    for one in troubles::ALL {
        let persona = one.personas[0];
        match info.break_(one, persona, Way::RealNames) {
            Ok(_) | Err(TroubleError::Missing(_)) => {}
            Err(error) => panic!("{}: {error}", one.name),
        }
    }
    let gone = info.break_(
        trouble("workspace-gone"),
        Persona::ServicePrincipal,
        Way::RealNames,
    );
    let said = gone.unwrap_err().to_string();
    assert_eq!(said, "this emulator's seed has no workspace");
}

/// The table of the documentation.
fn documented() -> String {
    let mut text = String::new();
    for area in Area::ALL {
        text += &format!(
            "\n**{}**\n\n| trouble | what is broken | who fixes it | how |\n|---|---|---|---|\n",
            area.title()
        );
        for one in troubles::ALL.iter().filter(|one| one.area == area) {
            let who = match one.cure.by() {
                "here" => "you",
                "signIn" => "you, by a sign-in",
                "owner" => "an owner",
                _ => "others",
            };
            let sentence = one.sentence.replace('*', "\\*");
            let (name, how) = (one.name, one.cure.sentence().replace('*', "\\*"));
            text += &format!("| `{name}` | {sentence} | {who} | {how} |\n");
        }
    }
    text
}

#[test]
fn the_documentation_has_every_trouble() {
    const BEGIN: &str = "<!-- troubles -->\n";
    const END: &str = "\n<!-- /troubles -->";
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/emulator.md");
    let text = std::fs::read_to_string(page).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let expected = documented();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(page, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    assert!(
        table == expected,
        "docs/emulator.md differs from the table of troubles: update it with UPDATE_DOCS=1"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_trouble_is_made_and_repaired_for_each_of_its_accounts() {
    let emulator = emulator().await;
    let info = emulator.info();
    let before = content(&emulator);
    for one in troubles::ALL {
        for persona in one.personas {
            for way in [Way::RealNames, Way::Ports] {
                let change = info.break_(one, *persona, way).unwrap_or_else(|error| {
                    panic!("{} for {persona:?} by {way:?}: {error}", one.name)
                });
                let inside = |path: &std::path::PathBuf| path.starts_with(&info.state_dir);
                assert!(change.files.iter().all(inside), "{}", one.name);
                assert!(change.directory.iter().all(inside), "{}", one.name);
                info.repair(Some(one)).unwrap();
                assert!(change.files.iter().all(|path| !path.exists()));
            }
        }
        same(&before, &content(&emulator), one.name);
    }
}
