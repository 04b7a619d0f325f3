//! Stores a person's sign-in, together with what earlier sign-ins left.

use super::{
    record::{Person, Record, RefreshToken, StoredProof, id_of, new_session, seconds},
    store::Store,
};
use crate::{cloud::Authority, entra::SignedIn, facts::Result, profile::Profile, tenant::TenantId};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Whether a stored sign-in becomes the current one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Current {
    Always,
    /// If there is no other.
    IfNone,
}

/// Stores a sign-in, with the refresh tokens that the same account has for other applications.
/// Returns the stored record.
pub(crate) async fn keep(store: &Store, mut record: Record, current: Current) -> Result<Record> {
    const KEEPING: Duration = Duration::from_secs(20);
    let end = Instant::now() + KEEPING;
    let lock = match store.lock(&record.id, end).await {
        Ok(lock) => lock,
        Err(error) => {
            tracing::debug!(%error, "a sign-in is stored without a lock");
            None
        }
    };
    store
        .off_thread(end, move |store| {
            let _until_kept = lock;
            let before = store.read(&record.id)?;
            if let Some(before) = &before {
                store.forget_old_tokens(before);
            }
            if let (Some(new), Some(old)) = (record.person_mut(), before) {
                merge(new, &old);
            }
            store.write(&record)?;
            if current == Current::Always || store.current()?.is_none() {
                store.make_current(&record.id)?;
            }
            Ok(record)
        })
        .await
}

/// Adds what an older sign-in of the same person left for other applications and tenants.
fn merge(new: &mut Person, old: &Record) {
    const MOST: usize = 16;
    let Some(old) = old.person() else {
        return;
    };
    let others = old.refresh.iter().filter(|other| {
        !new.refresh
            .iter()
            .any(|one| one.client_id.eq_ignore_ascii_case(&other.client_id))
    });
    let others: Vec<_> = others.cloned().collect();
    new.refresh.extend(others);
    new.refresh.truncate(MOST);
    for tenant in &old.tenants {
        if !new.tenants.contains(tenant) {
            new.tenants.push(tenant.clone());
        }
    }
    new.tenants.truncate(MOST);
    for (id, name) in &old.tenant_names {
        let name = || name.clone();
        new.tenant_names.entry(id.clone()).or_insert_with(name);
    }
    new.not_of_family.clone_from(&old.not_of_family);
    new.username = new.username.take().or_else(|| old.username.clone());
    new.name = new.name.take().or_else(|| old.name.clone());
}

/// The record of a person's sign-in.
pub(crate) fn of_person(
    profile: &Profile,
    authority: &Authority,
    tenant: &TenantId,
    client_id: &str,
    signed_in: &SignedIn,
    now: SystemTime,
) -> Record {
    let SignedIn { tokens, claims } = signed_in;
    let authority = authority.as_str().to_ascii_lowercase();
    let here = claims.object_id.as_deref().zip(claims.tenant.as_deref());
    let home_account_id = tokens
        .home_account_id
        .clone()
        .or_else(|| here.map(|(object_id, tenant)| format!("{object_id}.{tenant}")));
    let home_tenant = home_account_id
        .as_deref()
        .and_then(|id| id.split_once('.'))
        .map(|(_, tenant)| tenant);
    let signed_in_to = claims
        .tenant
        .as_deref()
        .or(Some(tenant.as_str()).filter(|_| !tenant.is_shared()))
        .or(home_tenant)
        .unwrap_or(tenant.as_str());
    let id = match &home_account_id {
        Some(id) => id_of(&["person", &authority, &id.to_ascii_lowercase()]),
        // A provider may use another id of the person for each client (OpenID Connect Core 1.0
        // section 8). Its case counts.
        None => {
            let client_id = client_id.to_ascii_lowercase();
            id_of(&["subject", &authority, &client_id, &claims.subject])
        }
    };
    let refresh = tokens.refresh.iter().map(|token| RefreshToken {
        client_id: client_id.to_owned(),
        family: tokens.family.clone(),
        token: token.clone(),
    });
    Record {
        profile: profile.name().to_owned(),
        authority,
        id,
        tenant: signed_in_to.to_owned(),
        client_id: Some(client_id.to_owned()),
        signed_in_on: seconds(now),
        session: new_session(),
        proof: StoredProof::Person(Box::new(Person {
            username: claims.username.clone(),
            name: claims.name.clone(),
            tenants: vec![signed_in_to.to_owned()],
            refresh: refresh.collect(),
            home_account_id,
            object_id: claims.object_id.clone(),
            ..Person::default()
        })),
    }
}
