use super::*;
use serde_json::{Value, json};

const APP: &str = "a0000001-0000-4000-8000-000000000001";

fn app(kind: UsedKind) -> Used {
    Used::new(kind).of_application(APP, "contoso.com")
}

fn machine(address: Option<&str>, evidence: Option<Evidence>) -> Used {
    Used::new(UsedKind::ManagedIdentity {
        host: if address.is_some() {
            "IMDS"
        } else {
            "App Service"
        },
        address: address.map(str::to_owned),
        object_id: None,
        resource_id: None,
        evidence,
    })
}

fn tool(program: Option<&str>, files: Option<ToolFiles>) -> Used {
    Used::new(UsedKind::Tool {
        tool: "Azure CLI",
        program: program.map(str::to_owned),
        files,
    })
}

#[test]
fn each_kind_has_its_words_and_its_json() {
    let of = |kind: &str, more: Value| {
        let mut all = json!({"kind": kind, "clientId": APP, "tenant": "contoso.com"});
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    let secret = "AZURE_CLIENT_SECRET";
    let certificate = |variable, path: Option<&str>| {
        let path = path.map(str::to_owned);
        app(UsedKind::ClientCertificate { variable, path })
    };
    let with = "AZURE_CLIENT_CERTIFICATE_PATH";
    for (used, words, value) in [
        (
            app(UsedKind::ClientSecret {
                variable: Some(secret),
            }),
            "AZURE_CLIENT_SECRET of the application APP",
            of("clientSecret", json!({"variable": secret})),
        ),
        (
            app(UsedKind::ClientSecret { variable: None }),
            "the secret of the application APP",
            of("clientSecret", json!({})),
        ),
        (
            certificate(Some(with), Some("/run/app.pem")),
            "AZURE_CLIENT_CERTIFICATE_PATH (/run/app.pem) of the application APP",
            of(
                "clientCertificate",
                json!({"variable": with, "path": "/run/app.pem"}),
            ),
        ),
        (
            certificate(None, Some("/run/app.pem")),
            "the certificate /run/app.pem of the application APP",
            of("clientCertificate", json!({"path": "/run/app.pem"})),
        ),
        (
            certificate(None, None),
            "the certificate of the application APP",
            of("clientCertificate", json!({})),
        ),
        (
            app(UsedKind::ClientAssertion),
            "an assertion for the application APP",
            of("clientAssertion", json!({})),
        ),
        (
            app(UsedKind::FederatedToken {
                path: "/var/run/token".into(),
            }),
            "the token in /var/run/token for the application APP",
            of("federatedToken", json!({"path": "/var/run/token"})),
        ),
        (
            app(UsedKind::GitHubActions),
            "GitHub's identity token of this job for the application APP",
            of("gitHubActions", json!({})),
        ),
        (
            app(UsedKind::ServiceConnection { id: "c-1".into() }),
            "Azure DevOps's identity token of the service connection c-1 for the application APP",
            of("serviceConnection", json!({"id": "c-1"})),
        ),
        (
            UsedKind::AzureMlUser.into(),
            "the user on whose behalf this Azure Machine Learning job runs",
            json!({"kind": "azureMlUser"}),
        ),
        (
            UsedKind::CloudShellUser.into(),
            "the user whose Cloud Shell this is",
            json!({"kind": "cloudShellUser"}),
        ),
        (
            UsedKind::SignIn {
                account: "ada@contoso.com".into(),
                profile: "default".into(),
            }
            .into(),
            "the sign-in of ada@contoso.com",
            json!({"kind": "signIn", "account": "ada@contoso.com", "profile": "default"}),
        ),
        (
            tool(None, Some(ToolFiles::Readable)),
            "the account that is signed in to Azure CLI, from its files",
            json!({"kind": "tool", "tool": "Azure CLI", "files": "readable"}),
        ),
        (
            tool(Some("/usr/bin/az"), Some(ToolFiles::Encrypted)),
            "the account that is signed in to Azure CLI, by running /usr/bin/az, as its token cache is encrypted",
            json!({"kind": "tool", "tool": "Azure CLI", "program": "/usr/bin/az", "files": "encrypted"}),
        ),
        (
            tool(Some("/usr/bin/az"), Some(ToolFiles::NoAccount)),
            "the account that is signed in to Azure CLI, by running /usr/bin/az",
            json!({"kind": "tool", "tool": "Azure CLI", "program": "/usr/bin/az", "files": "noAccount"}),
        ),
        (
            tool(Some("/usr/bin/az"), None),
            "the account that is signed in to Azure CLI, by running /usr/bin/az",
            json!({"kind": "tool", "tool": "Azure CLI", "program": "/usr/bin/az"}),
        ),
        (
            UsedKind::Browser {
                opener: "xdg-open".into(),
            }
            .into(),
            "the browser that xdg-open opens",
            json!({"kind": "browser", "opener": "xdg-open"}),
        ),
        (
            UsedKind::DeviceCode.into(),
            "a code that a person enters in a browser",
            json!({"kind": "deviceCode"}),
        ),
        (
            UsedKind::Chain {
                preset: Preset::HiMl,
                source: None,
            }
            .into(),
            "the chain 'hi-ml'",
            json!({"kind": "chain", "preset": "hi-ml"}),
        ),
        (
            UsedKind::Chain {
                preset: Preset::HiMl,
                source: Some(Source::AzureCli),
            }
            .into(),
            "AzureCliCredential",
            json!({"kind": "chain", "preset": "hi-ml", "source": "azure-cli"}),
        ),
        (
            "a token".into(),
            "a token",
            json!({"kind": "other", "text": "a token"}),
        ),
    ] {
        assert_eq!(used.to_string(), words.replace("APP", APP));
        assert_eq!(serde_json::to_value(&used).unwrap(), value, "{words}");
    }
}

#[test]
fn a_managed_identity_is_named_as_it_was_and_its_application_can_be_left_out() {
    let own = machine(None, None);
    assert_eq!(
        own.to_string(),
        "its own managed identity, from App Service"
    );
    let mut by_client = own.clone().from_variables(["AZURE_CLIENT_ID"]);
    by_client.client_id = Some(APP.to_owned());
    assert_eq!(
        by_client.to_string(),
        format!("the managed identity with the client id {APP}, from App Service")
    );
    assert_eq!(
        by_client.without_application(),
        "a user-assigned managed identity, from App Service"
    );
    assert_eq!(
        serde_json::to_value(&by_client).unwrap(),
        json!({
            "kind": "managedIdentity", "host": "App Service", "clientId": APP, "variables": ["AZURE_CLIENT_ID"],
        })
    );
    for (object_id, resource_id, words) in [
        (Some("o-1"), None, "with the object id o-1"),
        (None, Some("/subscriptions/s/id"), "/subscriptions/s/id"),
    ] {
        let named = Used::new(UsedKind::ManagedIdentity {
            host: "App Service",
            address: None,
            object_id: object_id.map(str::to_owned),
            resource_id: resource_id.map(str::to_owned),
            evidence: None,
        });
        let words = format!("the managed identity {words}, from App Service");
        assert_eq!(named.to_string(), words);
        let value = serde_json::to_value(&named).unwrap();
        assert_eq!(value["objectId"].as_str(), object_id);
        assert_eq!(value["resourceId"].as_str(), resource_id);
    }
}

#[test]
fn what_speaks_against_a_metadata_service_is_a_doubt_and_what_speaks_for_it_is_not() {
    let at = Some("169.254.169.254");
    let begin = "its own managed identity, from IMDS at 169.254.169.254";
    for (evidence, is_azure, words, value) in [
        (
            Evidence::Address,
            Some(true),
            ": AZURE_POD_IDENTITY_AUTHORITY_HOST names its address",
            json!({"kind": "address"}),
        ),
        (
            Evidence::AzureAssetTag,
            Some(true),
            ": the firmware has Azure's chassis asset tag",
            json!({"kind": "azureAssetTag"}),
        ),
        (
            Evidence::HyperV,
            None,
            ": this is a virtual machine on Hyper-V, in Azure or elsewhere",
            json!({"kind": "hyperV"}),
        ),
        (
            Evidence::Nothing,
            None,
            ": neither the firmware nor the processor shows where this machine runs",
            json!({"kind": "nothing"}),
        ),
        (
            Evidence::MacOs,
            Some(false),
            ", though this is macOS, which Azure does not host",
            json!({"kind": "macOs"}),
        ),
        (
            Evidence::Wsl,
            Some(false),
            ", though this is WSL on a Windows computer",
            json!({"kind": "wsl"}),
        ),
        (
            Evidence::OtherAssetTag("EC2".into()),
            Some(false),
            ", though the firmware's chassis asset tag is 'EC2', which is not Azure's",
            json!({"kind": "otherAssetTag", "value": "EC2"}),
        ),
        (
            Evidence::OwnHardware,
            Some(false),
            ", though this machine runs on its own hardware",
            json!({"kind": "ownHardware"}),
        ),
        (
            Evidence::HyperVHost,
            Some(false),
            ", though this is a Hyper-V host, not a virtual machine",
            json!({"kind": "hyperVHost"}),
        ),
        (
            Evidence::OtherHypervisor("KVM".into()),
            Some(false),
            ", though the hypervisor is 'KVM', not Hyper-V as in Azure",
            json!({"kind": "otherHypervisor", "value": "KVM"}),
        ),
    ] {
        assert_eq!(evidence.is_azure(), is_azure, "{evidence}");
        let used = machine(at, Some(evidence.clone()));
        assert_eq!(used.to_string(), format!("{begin}{words}"));
        assert_eq!(used.doubt().is_some(), is_azure == Some(false));
        let shown = serde_json::to_value(&used).unwrap();
        assert_eq!(
            (&shown["evidence"], &shown["address"]),
            (&value, &json!("169.254.169.254"))
        );
    }
}

#[test]
fn what_was_passed_over_comes_last_and_by_itself() {
    let mut used = app(UsedKind::ClientSecret {
        variable: Some("AZURE_CLIENT_SECRET"),
    })
    .from_variables(["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"]);
    let variable = "HIML_SERVICE_PRINCIPAL_PASSWORD";
    used.passed_over = vec![PassedOver { variable }];
    let proof = "AZURE_CLIENT_SECRET";
    assert_eq!(used.without_application(), proof);
    let described = format!("{proof} of the application {APP}");
    assert_eq!(used.describe(), described);
    assert_eq!(
        used.to_string(),
        format!("{described}; {variable} is set too but not used")
    );
    assert_eq!(
        serde_json::to_value(&used).unwrap(),
        json!({
            "kind": "clientSecret",
            "variable": proof,
            "clientId": APP,
            "tenant": "contoso.com",
            "variables": ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
            "passedOver": [{"variable": variable}],
        })
    );
}
