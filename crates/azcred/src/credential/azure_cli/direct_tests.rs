use super::*;
use crate::system::{FileFacts, FileKind, Fixture, Writers};
use proptest::strategy::Strategy;
use serde_json::{Value, json};
use std::time::SystemTime;

const NOW: u64 = 1_800_000_000;
const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
const OTHER_TENANT: &str = "c0a70500-0000-4000-8000-000000000002";
const SCOPE: &str = "https://management.azure.com/.default";
const APP: &str = "a0000001-0000-4000-8000-000000000001";

fn subscription(id: &str, name: &str, is_default: bool, tenant: &str, user: &Value) -> Value {
    json!({
        "id": id, "name": name, "state": "Enabled", "user": user, "isDefault": is_default, "tenantId": tenant,
        "environmentName": "AzureCloud", "homeTenantId": tenant, "managedByTenants": [],
    })
}

fn ada() -> Value {
    json!({"name": "ada@contoso.com", "type": "user"})
}

fn application() -> Value {
    json!({"name": APP, "type": "servicePrincipal"})
}

fn profile(subscriptions: &[Value]) -> String {
    let json = json!({"installationId": "i", "subscriptions": subscriptions});
    format!("\u{feff}{json}")
}

fn token(secret: &str, tenant: &str, client: &str, home: &Value, left: u64) -> (String, Value) {
    let entry = json!({
        "credential_type": "AccessToken", "secret": secret, "home_account_id": home,
        "environment": "login.microsoftonline.com", "client_id": client, "target": SCOPE, "realm": tenant,
        "token_type": "Bearer", "cached_at": "1799990000", "expires_on": (NOW + left).to_string(),
        "extended_expires_on": (NOW + left).to_string(),
    });
    (format!("{secret}-key"), entry)
}

fn cache(left: u64) -> Value {
    let access = [
        token("ada-one", TENANT, AZURE_CLI, &json!("ada.t"), left),
        token("ada-two", OTHER_TENANT, AZURE_CLI, &json!("ada.t"), left),
        token("app-one", TENANT, APP, &json!(null), left),
    ];
    json!({
        "AccessToken": serde_json::Map::from_iter(access),
        "Account": {"k": {
            "home_account_id": "ada.t", "environment": "login.microsoftonline.com", "realm": "t",
            "username": "Ada@contoso.com", "authority_type": "MSSTS", "account_source": "authorization_code",
        }},
        "RefreshToken": {"k": {
            "credential_type": "RefreshToken", "secret": "ada-refresh", "home_account_id": "ada.t",
            "environment": "login.microsoftonline.com", "client_id": AZURE_CLI, "family_id": "1",
        }},
    })
}

fn entries() -> Value {
    json!([{"client_id": APP, "tenant": TENANT, "client_secret": "app-secret"}])
}

/// A laptop where a person and an application are signed in to Azure CLI. The person's subscription
/// is the default.
fn laptop() -> Fixture {
    let subscriptions = [
        subscription("5ec0ffee-1", "Contoso ML", true, TENANT, &ada()),
        subscription("5ec0ffee-2", "Fabrikam", false, OTHER_TENANT, &ada()),
        subscription("5ec0ffee-3", "Robots", false, TENANT, &application()),
        subscription("5ec0ffee-4", "By Domain", false, "contoso.com", &ada()),
        subscription("5ec0ffee-5", "Twice", false, TENANT, &ada()),
        subscription("5ec0ffee-6", "twice", false, TENANT, &ada()),
    ];
    Fixture::new()
        .with_var("HOME", "/home/ada")
        .at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
        .with_file(
            "/home/ada/.azure/azureProfile.json",
            profile(&subscriptions),
        )
        .with_file(
            "/home/ada/.azure/msal_token_cache.json",
            cache(3600).to_string(),
        )
        .with_file(
            "/home/ada/.azure/service_principal_entries.json",
            entries().to_string(),
        )
        .with_file("/home/ada/.azure/config", "[cloud]\nname = AzureCloud\n")
        .with_file(
            "/home/ada/.azure/clouds.config",
            "[AzureCloud]\nsubscription = 5ec0ffee-1\n",
        )
}

fn ask(
    system: &Fixture,
    cloud: &Cloud,
    tenant: Option<&str>,
    subscription: Option<&str>,
) -> Result<Vec<String>, String> {
    let tenant = tenant.map(|tenant| TenantId::new(tenant).unwrap());
    let asked = CliRequest {
        scopes: vec![SCOPE],
        tenant: tenant.as_ref(),
        subscription,
    };
    let found = look(system, cloud, &asked).map_err(|why| why.to_string())?;
    let shown = format!("{found:?}");
    let secrets = exposed(&found).unwrap_or_default();
    for secret in &secrets {
        assert!(!shown.contains(secret), "{shown}");
    }
    Ok(secrets)
}

fn one(secret: &str) -> Result<Vec<String>, String> {
    Ok(vec![secret.to_owned()])
}

#[test]
fn the_token_of_the_subscription_that_is_asked_for_is_found() {
    let public = Cloud::PUBLIC;
    for (tenant, subscription, expected) in [
        (None, None, "ada-one"),
        (None, Some("5EC0FFEE-2"), "ada-two"),
        (None, Some("fabrikam"), "ada-two"),
        (None, Some("Robots"), "app-one"),
        (Some(OTHER_TENANT), None, "ada-two"),
        (
            Some("C0A70500-0000-4000-8000-000000000002"),
            None,
            "ada-two",
        ),
    ] {
        assert_eq!(
            ask(&laptop(), &public, tenant, subscription),
            one(expected),
            "{tenant:?} {subscription:?}"
        );
    }
}

#[test]
fn without_a_valid_token_there_is_what_one_can_be_requested_with() {
    let expired = laptop().with_file(
        "/home/ada/.azure/msal_token_cache.json",
        cache(299).to_string(),
    );
    assert_eq!(
        ask(&expired, &Cloud::PUBLIC, None, None),
        one("ada-refresh")
    );
    assert_eq!(
        ask(&expired, &Cloud::PUBLIC, None, Some("Robots")),
        one("app-secret")
    );
}

#[test]
fn secrets_are_sent_only_to_azure_clis_own_address() {
    let alias = crate::Authority::new("https://login.microsoft.com").unwrap();
    let alias = Cloud::with_authority(alias);
    assert_eq!(ask(&laptop(), &alias, None, None), one("ada-one"));
    let expired = laptop().with_file(
        "/home/ada/.azure/msal_token_cache.json",
        cache(299).to_string(),
    );
    for subscription in [None, Some("Robots")] {
        let why = ask(&expired, &alias, None, subscription).unwrap_err();
        assert!(why.contains("another authority"), "{why}");
    }
}

#[test]
fn a_profile_without_subscriptions_means_that_no_account_is_signed_in() {
    for content in ["{}", "{\"subscriptions\": []}", "{\"subscriptions\": null}"] {
        let machine = laptop().with_file("/home/ada/.azure/azureProfile.json", content);
        assert_eq!(ask(&machine, &Cloud::PUBLIC, None, None), Ok(vec![]));
    }
}

#[test]
fn files_that_were_edited_are_read_as_editors_write_them() {
    let expected = ask(&laptop(), &Cloud::PUBLIC, None, None);
    for name in ["azureProfile.json", "msal_token_cache.json", "config"] {
        let path = format!("/home/ada/.azure/{name}");
        let content = laptop().read(path.as_ref(), 1 << 20).unwrap();
        let text = String::from_utf8(content).unwrap();
        let text = text.trim_start_matches('\u{feff}');
        let marked = format!("\u{feff}{text}");
        let utf16: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for file in [marked.into_bytes(), utf16] {
            let machine = laptop().with_file(&path, file);
            assert_eq!(
                ask(&machine, &Cloud::PUBLIC, None, None),
                expected,
                "{name}"
            );
        }
    }
}

#[test]
fn a_variable_can_name_another_folder() {
    let elsewhere = laptop().with_var("AZURE_CONFIG_DIR", "/elsewhere");
    assert!(ask(&elsewhere, &Cloud::PUBLIC, None, None).is_err());
    let mut relative = laptop().with_var("AZURE_CONFIG_DIR", "./.azure");
    assert!(ask(&relative, &Cloud::PUBLIC, None, None).is_err());
    for name in ["azureProfile.json", "msal_token_cache.json"] {
        let path = format!("/home/ada/.azure/{name}");
        let content = relative.read(path.as_ref(), 1 << 20).unwrap();
        relative = relative.with_file(format!("/project/.azure/{name}"), content);
    }
    assert_eq!(
        ask(&relative, &Cloud::PUBLIC, None, None),
        ask(&laptop(), &Cloud::PUBLIC, None, None),
        "a relative path is one in the current folder"
    );
}

/// The laptop with something else at the path of a file.
fn instead(name: &str, kind: FileKind, owner: u32) -> Fixture {
    let path = format!("/home/ada/.azure/{name}");
    let system: &dyn System = &laptop();
    let content = system.read(path.as_ref(), 1 << 20).unwrap_or_default();
    let facts = FileFacts {
        kind,
        len: content.len() as u64,
        owner: Some(owner),
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    };
    laptop().with_facts(path, facts, content)
}

#[test]
fn a_file_of_another_user_or_a_link_is_not_trusted() {
    for name in [
        "azureProfile.json",
        "msal_token_cache.json",
        "config",
        "clouds.config",
    ] {
        for (kind, owner, expected) in [
            (FileKind::File, 1001, Some("belongs to another user")),
            (FileKind::Link, 1000, Some("is a link")),
            (FileKind::Link, 1001, Some("is a link")),
            (FileKind::Folder, 1000, Some("is not a regular file")),
            (FileKind::Other, 1000, Some("is not a regular file")),
            (FileKind::File, 0, None),
        ] {
            let got = ask(&instead(name, kind, owner), &Cloud::PUBLIC, None, None);
            match expected {
                Some(why) => assert_eq!(got, Err(format!("{name} {why}"))),
                None => assert_eq!(got, one("ada-one")),
            }
        }
    }
    let folder = FileFacts {
        kind: FileKind::Folder,
        len: 0,
        owner: Some(1001),
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    };
    let machine = laptop().with_facts("/home/ada/.azure", folder, "");
    let why = ask(&machine, &Cloud::PUBLIC, None, None).unwrap_err();
    assert!(why.contains("folder belongs to another user"), "{why}");
    let empty =
        Fixture::new()
            .with_var("HOME", "/home/ada")
            .with_facts("/home/ada/.azure", folder, "");
    let why = ask(&empty, &Cloud::PUBLIC, None, None).unwrap_err();
    assert!(why.contains("folder belongs to another user"), "{why}");
}

#[test]
fn a_file_or_a_folder_that_others_may_write_to_is_not_trusted() {
    let facts = |kind, writers| FileFacts {
        kind,
        len: 0,
        owner: Some(1000),
        writers,
        is_readable_by_others: false,
        modified: None,
    };
    for writers in [Writers::Group, Writers::Anybody] {
        let cache = "/home/ada/.azure/msal_token_cache.json";
        for (path, kind, what) in [
            (cache, FileKind::File, "msal_token_cache.json"),
            ("/home/ada/.azure", FileKind::Folder, "Azure CLI's folder"),
        ] {
            let content = System::read(&laptop(), cache.as_ref(), 1 << 20).unwrap();
            let machine = laptop().with_facts(path, facts(kind, writers), content);
            assert_eq!(
                ask(&machine, &Cloud::PUBLIC, None, None),
                Err(format!("{what} may be written to by others"))
            );
        }
    }
}

#[test]
fn a_file_far_larger_than_any_of_azure_clis_is_not_read() {
    for name in ["azureProfile.json", "msal_token_cache.json", "config"] {
        let facts = FileFacts {
            kind: FileKind::File,
            len: 1 << 30,
            owner: Some(1000),
            writers: Writers::Owner,
            is_readable_by_others: false,
            modified: None,
        };
        let machine = laptop().with_facts(format!("/home/ada/.azure/{name}"), facts, "{}");
        assert_eq!(
            ask(&machine, &Cloud::PUBLIC, None, None),
            Err(format!("{name} is too large"))
        );
    }
}

#[test]
fn an_application_with_another_credential_is_left_to_azure_cli() {
    let entry = |more: Value| {
        let mut entry = entries()[0].clone();
        for (name, value) in more.as_object().unwrap() {
            entry[name] = value.clone();
        }
        let machine = laptop().with_file(
            "/home/ada/.azure/service_principal_entries.json",
            json!([entry]).to_string(),
        );
        ask(&machine, &Cloud::PUBLIC, None, Some("Robots"))
    };
    assert_eq!(entry(json!({})), one("app-one"));
    // An entry of another tenant is used too, as by Azure CLI.
    assert_eq!(entry(json!({"tenant": OTHER_TENANT})), one("app-one"));
    for more in [
        json!({"certificate": "/c.pem"}),
        json!({"client_assertion": "eyJ"}),
        json!({"client_secret": null}),
        json!({"client_id": "other"}),
    ] {
        assert!(entry(more.clone()).is_err(), "{more}");
    }
}

#[test]
fn whatever_is_unexpected_is_left_to_azure_cli_with_the_reason() {
    let file =
        |name: &str, content: &str| laptop().with_file(format!("/home/ada/.azure/{name}"), content);
    let with_user = |user: Value| {
        let one = subscription("s", "S", true, TENANT, &user);
        file("azureProfile.json", &profile(&[one]))
    };
    let public = Cloud::PUBLIC;
    for (machine, cloud, subscription, why) in [
        (Fixture::new(), &public, None, "folder does not exist"),
        (
            Fixture::new().with_var("HOME", "/root"),
            &public,
            None,
            "azureProfile.json does not exist",
        ),
        (
            file("azureProfile.json", "[]"),
            &public,
            None,
            "has an unknown format",
        ),
        (
            file("azureProfile.json", "<html>"),
            &public,
            None,
            "has an unknown format",
        ),
        (
            file("msal_token_cache.json", "\u{1}\u{2}"),
            &public,
            None,
            "has an unknown format",
        ),
        (
            file("config", "[core]\nencrypt_token_cache = true\n"),
            &public,
            None,
            "encrypted",
        ),
        (
            laptop().with_var("AZURE_CORE_ENCRYPT_TOKEN_CACHE", "1"),
            &public,
            None,
            "encrypted",
        ),
        (
            laptop()
                .with_os("windows")
                .with_var("USERPROFILE", "/home/ada"),
            &public,
            None,
            "encrypted",
        ),
        (
            file("config", "nonsense"),
            &public,
            None,
            "has an unknown format",
        ),
        (
            file("config", "[cloud]\nname = AzureUSGovernment\n"),
            &public,
            None,
            "AzureUSGovernment, not AzureCloud",
        ),
        (
            laptop().with_var("AZURE_CLOUD_NAME", "AzureStack"),
            &public,
            None,
            "a custom cloud",
        ),
        (laptop(), &Cloud::CHINA, None, "not AzureChinaCloud"),
        (
            file(
                "clouds.config",
                "[AzureCloud]\nendpoint_active_directory = https://evil.example\n",
            ),
            &public,
            None,
            "changed in clouds.config",
        ),
        (
            laptop().with_var("ARM_CLOUD_METADATA_URL", "https://a"),
            &public,
            None,
            "ARM_CLOUD_METADATA_URL",
        ),
        (
            laptop().with_var("ACC_CLOUD", "PROD"),
            &public,
            None,
            "Cloud Shell",
        ),
        (
            laptop().with_var("COPILOT_AGENT_SESSION_ID", "s"),
            &public,
            None,
            "COPILOT_AGENT_SESSION_ID",
        ),
        (
            with_user(json!({"name": "systemAssignedIdentity", "type": "servicePrincipal"})),
            &public,
            None,
            "managed identity",
        ),
        (
            with_user(json!({"name": "a@b", "type": "user", "cloudShellID": true})),
            &public,
            None,
            "Cloud Shell",
        ),
        (
            with_user(json!({"name": "a@b", "type": "robot"})),
            &public,
            None,
            "unknown kind",
        ),
        (
            with_user(json!({"name": "", "type": "user"})),
            &public,
            None,
            "no name",
        ),
        (
            with_user(json!({"name": "bob@contoso.com", "type": "user"})),
            &public,
            None,
            "not in the token cache",
        ),
        (
            laptop(),
            &public,
            Some("none such"),
            "does not list this subscription",
        ),
        (laptop(), &public, Some("TWICE"), "several subscriptions"),
        (laptop(), &public, Some("By Domain"), "named by a domain"),
    ] {
        let got = ask(&machine, cloud, None, subscription).unwrap_err();
        assert!(got.contains(why), "{got}, and expected {why}");
    }
}

#[test]
fn a_custom_cloud_is_read_if_its_host_is_the_one_in_use() {
    let own =
        Cloud::with_authority(crate::Authority::new("https://login.contoso.example").unwrap());
    let machine = |config: &str, clouds: &str| {
        let text = cache(3600)
            .to_string()
            .replace("login.microsoftonline.com", "login.contoso.example");
        let mut one = subscription("s", "S", true, TENANT, &ada());
        one["environmentName"] = json!("Stack");
        laptop()
            .with_file("/home/ada/.azure/azureProfile.json", profile(&[one]))
            .with_file("/home/ada/.azure/msal_token_cache.json", text)
            .with_file(
                "/home/ada/.azure/config",
                format!("[cloud]\nname = Stack\n{config}"),
            )
            .with_file("/home/ada/.azure/clouds.config", clouds)
    };
    let trusting = "[core]\ninstance_discovery = false\n";
    let at = |host: &str| format!("[Stack]\nendpoint_active_directory = https://{host}/\n");
    assert_eq!(
        ask(&machine(trusting, ""), &own, None, None),
        one("ada-one")
    );
    let same = machine(trusting, &at("login.contoso.example"));
    assert_eq!(ask(&same, &own, None, None), one("ada-one"));
    for (machine, cloud) in [
        (machine("", ""), &own),
        (machine(trusting, &at("login.evil.example")), &own),
        (machine(trusting, ""), &Cloud::PUBLIC),
    ] {
        assert!(ask(&machine, cloud, None, None).is_err());
    }
}

#[test]
fn an_account_of_ad_fs_is_named_and_left_to_az() {
    let hub = |cloud: &str, endpoint: &str| {
        let mut one = subscription("s", "S", true, "adfs", &ada());
        one["environmentName"] = json!(cloud);
        laptop()
            .with_file("/home/ada/.azure/azureProfile.json", profile(&[one]))
            .with_file(
                "/home/ada/.azure/config",
                format!("[cloud]\nname = {cloud}\n[core]\ninstance_discovery = false\n"),
            )
            .with_file(
                "/home/ada/.azure/clouds.config",
                format!("[{cloud}]\n{endpoint}"),
            )
    };
    let authority = "endpoint_active_directory = https://adfs.local.azurestack.external/adfs\n";
    let own = crate::Authority::new("https://adfs.local.azurestack.external").unwrap();
    for (machine, cloud) in [
        (hub("Hub", authority), Cloud::PUBLIC),
        (hub("Hub", authority), Cloud::with_authority(own.clone())),
        (hub("Hub", ""), Cloud::with_authority(own)),
        (hub("AzureCloud", ""), Cloud::PUBLIC),
    ] {
        let got = ask(&machine, &cloud, None, None).unwrap_err();
        assert_eq!(got, "Azure CLI is signed in to AD FS");
    }
}

#[test]
fn azs_own_token_is_used_for_resource_managers_other_name() {
    const OLDER: &str = "https://management.core.windows.net//user_impersonation https://management.core.windows.net//.default";
    let with = |keep_newer: bool| {
        let mut content = cache(3600);
        let older = {
            let mut entry = content["AccessToken"]["ada-one-key"].clone();
            entry["secret"] = json!("az-own");
            entry["target"] = json!(OLDER);
            entry
        };
        let access = content["AccessToken"].as_object_mut().unwrap();
        if !keep_newer {
            access.remove("ada-one-key");
        }
        access.insert("older".to_owned(), older);
        laptop().with_file(
            "/home/ada/.azure/msal_token_cache.json",
            content.to_string(),
        )
    };
    assert_eq!(ask(&with(false), &Cloud::PUBLIC, None, None), one("az-own"));
    assert_eq!(ask(&with(true), &Cloud::PUBLIC, None, None), one("ada-one"));
    for scope in [
        "https://storage.azure.com/.default",
        "https://graph.microsoft.com/.default",
    ] {
        assert_eq!(
            resource_manager_by_its_other_name(&Cloud::PUBLIC, &[scope]),
            None
        );
    }
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_file_causes_a_panic_or_shows_a_secret(
        (name, content) in proptest::prop_oneof![
            crate::hostile::spoilt(cache(3600).to_string()).prop_map(|bytes| ("msal_token_cache.json", bytes)),
            crate::hostile::spoilt(profile(&[subscription("s", "S", true, TENANT, &ada())])).prop_map(|bytes| ("azureProfile.json", bytes)),
            crate::hostile::spoilt(entries().to_string()).prop_map(|bytes| ("service_principal_entries.json", bytes)),
            crate::hostile::spoilt("[cloud]\nname = AzureCloud\n[core]\nencrypt_token_cache = no\n").prop_map(|bytes| ("config", bytes)),
            crate::hostile::spoilt("[AzureCloud]\nsubscription = s\nendpoint_x = y\n").prop_map(|bytes| ("clouds.config", bytes)),
        ],
        subscription in proptest::sample::select(vec![None, Some("Robots")]),
    ) {
        let machine = laptop().with_file(format!("/home/ada/.azure/{name}"), content);
        let asked = CliRequest { scopes: vec![SCOPE], tenant: None, subscription };
        let found = look(&machine, &Cloud::PUBLIC, &asked);
        let shown = format!("{found:?} {}", found.as_ref().err().map_or(String::new(), ToString::to_string));
        for secret in ["ada-one", "ada-two", "app-one", "ada-refresh", "app-secret"] {
            proptest::prop_assert!(!shown.contains(secret), "{shown}");
        }
    }
}
