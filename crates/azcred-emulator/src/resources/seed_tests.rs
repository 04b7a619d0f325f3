//! Seeds that are not valid, and the messages for their authors.

use super::*;
use crate::directory::{Directory, Tenant, User};
use time::OffsetDateTime;
use uuid::Uuid;

const SUBSCRIPTION: &str = "
[[subscriptions]]
id = '11111111-1111-1111-1111-111111111111'
tenant = 'contoso.com'
name = 'ML'
";
const GROUP: &str = "
[[resource_groups]]
subscription = '11111111-1111-1111-1111-111111111111'
name = 'rg'
location = 'westeurope'
";

fn directory() -> Directory {
    let tenant = Uuid::from_u128(1);
    let mut directory = Directory::default();
    directory
        .tenants
        .insert(tenant, Tenant::new(tenant, "Contoso", "contoso.com"));
    for (id, sign_in) in [
        (2, "ada@contoso.com"),
        (3, "twin@contoso.com"),
        (4, "twin@contoso.com"),
    ] {
        let id = Uuid::from_u128(id);
        directory
            .users
            .insert(id, User::new(id, tenant, sign_in, "somebody"));
    }
    directory
}

fn build(text: &str) -> Result<Resources, SeedProblem> {
    toml::from_str::<ResourcesSeed>(text)
        .unwrap_or_else(|error| panic!("{error}"))
        .build(&directory(), OffsetDateTime::UNIX_EPOCH)
}

fn assignment(role: &str, principal: &str) -> String {
    format!(
        "{SUBSCRIPTION}
[[role_assignments]]
role = '{role}'
principal = '{principal}'
scope = '/subscriptions/11111111-1111-1111-1111-111111111111'
"
    )
}

#[test]
fn roles_and_principals_are_found_by_name_and_by_id() {
    for (role, principal) in [
        ("reader", "ADA@contoso.com"),
        (
            "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "00000000-0000-0000-0000-000000000002",
        ),
    ] {
        let made =
            build(&assignment(role, principal)).unwrap_or_else(|problem| panic!("{problem}"));
        let one = made.role_assignments().next().expect("an assignment");
        assert_eq!(one.principal, Uuid::from_u128(2));
        assert_eq!(one.principal_type, PrincipalType::User);
        // The derived id is the same after every start.
        let again = build(&assignment(role, principal)).expect("the same");
        assert_eq!(again, made);
    }
}

#[test]
fn an_unknown_name_in_a_seed_is_reported_with_its_field_and_position() {
    let workspace = format!(
        "{SUBSCRIPTION}
[[workspaces]]
subscription = '11111111-1111-1111-1111-111111111111'
resource_group = 'rg'
name = 'ws'
location = 'westeurope'
workspace_id = '00000000-0000-0000-0000-0000000000ff'
"
    );
    for (text, field, words) in [
        (
            SUBSCRIPTION.replace("contoso.com", "fabrikam.com"),
            "subscriptions[0].tenant",
            "the id or domain 'fabrikam.com'",
        ),
        (
            format!("{SUBSCRIPTION}{SUBSCRIPTION}"),
            "subscriptions[1].id",
            "already in this seed",
        ),
        (
            GROUP.to_owned(),
            "resource_groups[0].subscription",
            "no subscription",
        ),
        (
            format!("{SUBSCRIPTION}{GROUP}{GROUP}"),
            "resource_groups[1].name",
            "already in this seed",
        ),
        (
            workspace,
            "workspaces[0]",
            "/resourceGroups/rg' is not in this seed",
        ),
        (
            assignment("Nonsense", "ada@contoso.com"),
            "role_assignments[0].role",
            "no role has the name or id 'Nonsense'",
        ),
        (
            assignment("Reader", "bob@contoso.com"),
            "role_assignments[0].principal",
            "no principal 'bob@contoso.com'",
        ),
        (
            assignment("Reader", "twin@contoso.com"),
            "role_assignments[0].principal",
            "2 principals are called",
        ),
        (
            format!(
                "{SUBSCRIPTION}\n[[resources]]\nid = '/subscriptions/11111111-1111-1111-1111-111111111111'\n"
            ),
            "resources[0].id",
            "not the id of a resource",
        ),
        (
            SUBSCRIPTION.replace("name = 'ML'", "name = 'ML'\nmanagement_group = 'none'"),
            "subscriptions[0].management_group",
            "no management group 'none'",
        ),
    ] {
        let problem = build(&text).expect_err(field);
        assert_eq!(problem.field, field);
        assert!(problem.message.contains(words), "{problem}");
        let table = field.split('[').next().unwrap_or_default();
        // The position is that of the last entry of its kind.
        let last = text.rfind(&format!("[[{table}]]")).expect("a table");
        assert!(problem.span.end > last, "{problem}");
    }
}

#[test]
fn unknown_fields_and_malformed_ids_are_rejected() {
    for text in [
        SUBSCRIPTION.replace("name", "nome"),
        SUBSCRIPTION.replace("11111111-1111", "x"),
        assignment("Reader", "ada@contoso.com")
            .replace("scope = '/subscriptions", "scope = 'subscriptions"),
        "[[subscription]]\n".to_owned(),
    ] {
        assert!(toml::from_str::<ResourcesSeed>(&text).is_err(), "{text}");
    }
}

#[test]
fn a_workspaces_own_identity_may_use_the_blobs_of_its_storage_account() {
    let workspace = |identity: &str| {
        format!(
            "{SUBSCRIPTION}{GROUP}
[[resources]]
id = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stone'
[[workspaces]]
subscription = '11111111-1111-1111-1111-111111111111'
resource_group = 'rg'
name = 'ws'
location = 'westeurope'
workspace_id = '00000000-0000-0000-0000-0000000000ff'
storage_account = 'stone'
{identity}"
        )
    };
    let own = "principal_id = '00000000-0000-0000-0000-0000000000fe'";
    let made = build(&workspace(own)).unwrap_or_else(|problem| panic!("{problem}"));
    let granted: Vec<_> = made.role_assignments().collect();
    assert_eq!(granted.len(), 1);
    assert_eq!(granted[0].principal, Uuid::from_u128(0xfe));
    assert_eq!(granted[0].scope.name(), "stone");
    let without = build(&workspace("")).unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!(without.role_assignments().count(), 0);
}
