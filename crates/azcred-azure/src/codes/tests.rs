use super::*;
use std::{env, fmt::Write as _, fs, path::Path};

const PLACEHOLDERS: Names<'static> = Names {
    subscription: "{subscription}",
    group: "{group}",
    audience: "{audience}",
    tenant: None,
    account: "{account}",
    vault: "{vault}",
    registry: "{registry}",
    object: "{object}",
};

#[test]
fn every_code_is_listed_once_for_its_speaker_and_has_a_meaning_and_a_fix() {
    let all: Vec<&Row> = rows().collect();
    for (n, row) in all.iter().enumerate() {
        let same = |other: &&&Row| {
            (other.speaker, other.is_of_changes) == (row.speaker, row.is_of_changes)
                && other.code.eq_ignore_ascii_case(row.code)
        };
        assert_eq!(all[..n].iter().find(same).map(|row| row.code), None);
        let means = row.means(&PLACEHOLDERS);
        assert!(!means.is_empty() && !means.ends_with('.'), "{row:?}");
        let fix = row.fix(&PLACEHOLDERS);
        assert!(!fix.to_string().ends_with('.'), "{row:?}");
        assert_eq!(fix.is_empty(), matches!(row.remedy, Remedy::Grant));
        let found = of(row.speaker, &row.code.to_uppercase(), row.is_of_changes).unwrap();
        assert_eq!(found.means(&PLACEHOLDERS), means);
    }
    assert!(of(Speaker::Graph, "", false).is_none());
}

#[test]
fn the_names_of_the_request_are_filled_in() {
    let names = Names {
        subscription: "5ec0",
        group: "rg",
        account: "stcontoso",
        ..Names::default()
    };
    let row = |code: &str| of(Speaker::ResourceManager, code, false).unwrap();
    assert_eq!(
        row("InvalidAuthenticationTokenAudience").fix(&names),
        "request a token for the scope https://management.azure.com/.default".into()
    );
    assert!(matches!(
        row("MissingSubscriptionRegistration").fix(&names),
        Fix::RegisterProvider { subscription, .. } if subscription == "5ec0"
    ));
    assert_eq!(
        row("ResourceGroupNotFound").means(&names),
        "the subscription 5ec0 has no resource group 'rg'"
    );
    let mismatch = of(Speaker::Storage, "AuthorizationPermissionMismatch", false).unwrap();
    let fix = mismatch.fix(&names).to_string();
    assert!(
        fix.contains("$(az storage account show --name stcontoso --query id"),
        "{fix}"
    );
}

/// The part of the page with a speaker's table.
const PARTS: [(Speaker, &str); 7] = [
    (Speaker::ResourceManager, "resource-manager"),
    (Speaker::Graph, "graph"),
    (Speaker::Storage, "storage"),
    (Speaker::MachineLearning, "machine-learning"),
    (Speaker::KeyVault, "key-vault"),
    (Speaker::ContainerRegistry, "container-registry"),
    (Speaker::Sdk, "sdk"),
];

const HEAD: &str = "| code | what it means | what fixes it |\n|---|---|---|\n";

fn cell(text: &str) -> String {
    text.replace('|', r"\|")
}

#[test]
fn every_code_is_in_the_page_with_its_meaning_and_fix() {
    let mut parts: Vec<(&str, String)> = Vec::new();
    for (speaker, part) in PARTS {
        let mut table = HEAD.to_owned();
        for row in rows().filter(|row| row.speaker == speaker) {
            let fix = match row.fix(&PLACEHOLDERS).to_string() {
                fix if fix.is_empty() => {
                    "the command that is printed: it names the identity, the role and the scope"
                        .to_owned()
                }
                fix => fix,
            };
            let means = cell(&row.means(&PLACEHOLDERS));
            writeln!(table, "| {} | {means} | {} |", row.code, cell(&fix)).unwrap();
        }
        parts.push((part, table));
    }
    for (part, sayings) in [
        ("azure-cli", azcred::AZURE_CLI_SAYINGS),
        ("network", azcred::NETWORK_SAYINGS),
    ] {
        let mut table = HEAD.to_owned();
        let speaker = match part {
            "azure-cli" => Speaker::AzureCli,
            _ => Speaker::Network,
        };
        for row in rows().filter(|row| row.speaker == speaker) {
            let fix = row.fix(&PLACEHOLDERS).to_string();
            let (means, fix) = (cell(&row.means(&PLACEHOLDERS)), cell(&fix));
            writeln!(table, "| {} | {means} | {fix} |", row.code).unwrap();
        }
        for saying in sayings {
            let (means, fix) = (cell(saying.means), cell(saying.fix));
            writeln!(table, "| {} | {means} | {fix} |", saying.code).unwrap();
        }
        parts.push((part, table));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
    let mut page = fs::read_to_string(&path).unwrap();
    for (name, table) in parts {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
        let (before, rest) = page.split_once(&begin).unwrap_or_else(|| panic!("{name}"));
        let (part, after) = rest.split_once(&end).unwrap_or_else(|| panic!("{name}"));
        if env::var_os("UPDATE_DOCS").is_some() {
            page = format!("{before}{begin}{table}{end}{after}");
        } else {
            assert!(
                part == table,
                "docs/errors.md differs from the code in {name}; UPDATE_DOCS=1 writes it"
            );
        }
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, page).unwrap();
    }
}
