//! `az account list`.

use super::{
    Trouble,
    accounts::{Accounts, Keeper},
    identity::Identity,
    value::{Object, Value},
};

/// The subscriptions, and what to tell the user.
pub(super) struct List {
    pub(super) value: Value,
    pub(super) warnings: Vec<&'static str>,
}

/// The subscriptions. `all`: also those that are not enabled, and those of other clouds. `None`:
/// Azure CLI keeps the list, and must refresh it.
pub(super) async fn run(all: bool, refresh: bool) -> Result<Option<List>, Trouble> {
    let identity = Identity::open(&[], None).await?;
    let accounts = Accounts::load(&identity, refresh).await?;
    if refresh && matches!(accounts.keeper, Keeper::AzureCli(_)) {
        return Ok(None);
    }
    let is_listed = |one: &&Object| all || one.text("environmentName") == accounts.cloud;
    let listed: Vec<&Object> = accounts.list.iter().filter(is_listed).collect();
    let is_enabled = |one: &&&Object| all || one.text("state") == "Enabled";
    let shown: Vec<Value> = listed
        .iter()
        .filter(is_enabled)
        .map(|one| {
            let mut one = (*one).clone();
            if let Some(name) = one.remove("environmentName") {
                one.set("cloudName", name);
            }
            one.into()
        })
        .collect();
    let mut warnings = Vec::new();
    if shown.len() != listed.len() {
        warnings.push(
            "A few accounts are skipped as they don't have 'Enabled' state. Use '--all' to display them.",
        );
    }
    Ok(Some(List {
        value: Value::List(shown),
        warnings,
    }))
}

/// All subscriptions, as Azure Resource Manager lists them now and `az login` prints them.
pub(super) async fn after_login() -> Result<Value, Trouble> {
    let identity = Identity::open(&[], None).await?;
    let list = Accounts::load(&identity, true).await?.list;
    Ok(Value::List(list.into_iter().map(Value::from).collect()))
}

/// The columns of a table.
pub(super) fn table(list: &Value) -> Value {
    let Value::List(list) = list else {
        return list.clone();
    };
    let row = |one: &Value| {
        let Value::Object(one) = one else {
            return one.clone();
        };
        let member = |name| one.get(name).cloned().unwrap_or(Value::Null);
        Object::of([
            ("Name", member("name")),
            ("CloudName", member("cloudName")),
            ("SubscriptionId", member("id")),
            ("TenantId", member("tenantId")),
            ("State", member("state")),
            ("IsDefault", member("isDefault")),
        ])
        .into()
    };
    Value::List(list.iter().map(row).collect())
}
