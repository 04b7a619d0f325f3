//! Adds a secret to an application and removes it, so that an interrupted run leaves nothing that
//! is not known: each key is marked on the application before it is added, until it is handed over.

use super::{
    certificate,
    handover::NewProof,
    replication::{Patience, is_early},
};
use crate::failure::Failure;
use azcred::system::ApplicationProof;
use azcred_azure::{
    Application, CertificateChange, Error, ErrorKind, Graph, Key, Marks, NewCertificate, NewSecret,
};
use time::OffsetDateTime;
use uuid::Uuid;

/// What the portal shows as the description of a secret that azcred added.
pub(super) const NAME: &str = "azcred";

/// A key that was added.
pub(super) struct Fresh {
    pub(super) key: Uuid,
    pub(super) ends_on: Option<OffsetDateTime>,
    pub(super) proof: ApplicationProof,
}

impl Fresh {
    /// What is handed over.
    pub(super) fn into_new(self) -> NewProof {
        match self.proof {
            ApplicationProof::Secret(text) => NewProof::Secret(text),
            ApplicationProof::Certificate(pem) => NewProof::Certificate(pem),
        }
    }
}

/// Adds a secret. It is marked as pending until [`settle`] or [`take_back`].
///
/// # Errors
/// If the response was lost, the secret is removed again.
pub(super) async fn add_secret(
    graph: &Graph,
    application: &mut Application,
    ends_on: OffsetDateTime,
    patience: Patience<'_>,
) -> Result<Fresh, Failure> {
    let key = begin(graph, application, patience).await?;
    let new = NewSecret {
        id: key,
        name: NAME,
        ends_on,
    };
    let add = async || graph.add_secret(application.id, &new).await;
    match patience.until("the application", is_early, add).await {
        Ok(secret) => {
            application.secrets.push(secret.key.clone());
            Ok(Fresh {
                key,
                ends_on: secret.key.ends_on,
                proof: ApplicationProof::Secret(secret.text),
            })
        }
        Err(error) => {
            let is_lost = matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Unexpected);
            if is_lost && let Err(error) = graph.remove_secret(application.id, key).await {
                // The mark stays, so that the next run removes it.
                tracing::debug!(%error, "the secret whose response was lost is not removed");
            }
            Err(error.into())
        }
    }
}

/// Makes a key and its certificate, and adds the certificate. It is marked as pending until
/// [`settle`] or [`take_back`].
pub(super) async fn add_certificate(
    graph: &Graph,
    application: &mut Application,
    ends_on: OffsetDateTime,
    patience: Patience<'_>,
) -> Result<Fresh, Failure> {
    let made = certificate::make(&application.name, ends_on)?;
    let key = begin(graph, application, patience).await?;
    let new = NewCertificate {
        id: key,
        name: NAME,
        der: &made.der,
        starts_on: made.starts_on,
        ends_on,
    };
    let id = application.id;
    let change = async || {
        // Graph takes the whole list, which another program may have changed.
        let now = graph.application(id).await?;
        let add = CertificateChange::Add(new);
        graph.change_certificates(&now, add).await?;
        graph.application(id).await
    };
    *application = patience.until("the application", is_early, change).await?;
    Ok(Fresh {
        key,
        ends_on: Some(ends_on),
        proof: ApplicationProof::Certificate(made.pem),
    })
}

/// Marks a key that is to be added.
async fn begin(
    graph: &Graph,
    application: &mut Application,
    patience: Patience<'_>,
) -> Result<Uuid, Failure> {
    let key = Uuid::new_v4();
    let marks = application.marks.clone().with_pending(key);
    mark(graph, application, marks, patience).await?;
    Ok(key)
}

/// Removes one key, and what is marked about it.
pub(super) async fn take_back(
    graph: &Graph,
    application: &mut Application,
    key: Uuid,
    patience: Patience<'_>,
) -> Result<(), Failure> {
    remove(graph, application, key).await?;
    let marks = application.marks.clone().without(key);
    Ok(mark(graph, application, marks, patience).await?)
}

/// What becomes of an application's keys when a run ends.
#[derive(Default)]
pub(super) struct End<'a> {
    /// The key that is handed over now.
    pub(super) kept: Option<Uuid>,
    /// Keys to remove.
    pub(super) removed: &'a [Uuid],
    /// Keys that work until a time, when a later run removes them.
    pub(super) replaced: &'a [(Uuid, OffsetDateTime)],
}

/// Ends a run: removes keys, also those that earlier runs left. Then no mark is left of a key that
/// is gone or handed over. If it is interrupted, the next run ends it.
pub(super) async fn settle(
    graph: &Graph,
    application: &mut Application,
    end: &End<'_>,
    patience: Patience<'_>,
) -> Result<(), Failure> {
    let mut marks = application.marks.clone();
    let mut done: Vec<Uuid> = marks.pending();
    done.extend(end.removed);
    done.sort_unstable();
    done.dedup();
    for key in done {
        if Some(key) != end.kept {
            remove(graph, application, key).await?;
        }
        marks = marks.without(key);
    }
    for (key, time) in end.replaced {
        marks = marks.with_replaced(*key, *time);
    }
    if marks != application.marks {
        mark(graph, application, marks, patience).await?;
    }
    Ok(())
}

/// Removes one key, a secret or a certificate. One that is not there is no error.
async fn remove(graph: &Graph, application: &mut Application, key: Uuid) -> Result<(), Failure> {
    let is_key = |one: &Key| one.id == key;
    if application.certificates.iter().any(is_key) {
        // Graph takes the whole list, which another program may have changed.
        let now = graph.application(application.id).await?;
        let change = CertificateChange::Remove(key);
        graph.change_certificates(&now, change).await?;
        application.certificates.retain(|one| !is_key(one));
        return Ok(());
    }
    let is_known = application.secrets.iter().any(is_key);
    match graph.remove_secret(application.id, key).await {
        Ok(_) => {}
        // One that was marked and never added.
        Err(error) if !is_known && error.kind() == ErrorKind::Invalid => {}
        Err(error) => return Err(error.into()),
    }
    application.secrets.retain(|one| !is_key(one));
    Ok(())
}

async fn mark(
    graph: &Graph,
    application: &mut Application,
    marks: Marks,
    patience: Patience<'_>,
) -> Result<(), Error> {
    let set = async || graph.set_marks(application.id, &marks).await;
    patience.until("the application", is_early, set).await?;
    application.marks = marks;
    Ok(())
}

/// The keys that azcred added and handed over, and that still work.
pub(super) fn own_live<'a>(
    application: &'a Application,
    keys: &'a [Key],
) -> impl Iterator<Item = &'a Key> {
    let pending = application.marks.pending();
    let now = OffsetDateTime::now_utc();
    keys.iter().filter(move |key| {
        key.name.as_deref() == Some(NAME)
            && !pending.contains(&key.id)
            && key.ends_on.is_none_or(|end| end > now)
    })
}
