//! `az account show`.

use super::{Trouble, accounts::Accounts, identity::Identity, value::Value};

/// The subscription with this id or name, or the default one.
pub(super) async fn run(subscription: Option<&str>) -> Result<Value, Trouble> {
    let identity = Identity::open(&[], None).await?;
    let accounts = Accounts::load(&identity, false).await?;
    Ok(accounts.find(subscription)?.clone().into())
}
