//! `az account set`.

use super::{
    Trouble,
    accounts::{Accounts, Keeper},
    identity::Identity,
};

/// Makes a subscription, given by id or name, the default one. Returns whether that is done: for
/// Azure CLI's own account, Azure CLI must do it.
pub(super) async fn run(subscription: &str) -> Result<bool, Trouble> {
    let identity = Identity::open(&[], None).await?;
    let mut accounts = Accounts::load(&identity, false).await?;
    accounts.choose(subscription)?;
    if matches!(accounts.keeper, Keeper::AzureCli(_)) {
        return Ok(false);
    }
    accounts.keep(identity.system())?;
    Ok(true)
}
