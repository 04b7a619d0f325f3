//! Consent: whether a program may act for a user at a resource.

use crate::{
    directory::Directory,
    entra::{refusal::Refusal, resource::TokenResource, session::Session},
};

/// Checks that the client has consent for this account and resource.
///
/// # Errors
/// 65001 without consent.
pub(super) fn check_consent(
    directory: &Directory,
    session: &Session<'_>,
    resource: &TokenResource,
) -> Result<(), Refusal> {
    let application = session.application;
    let (client, resource) = (application.app_id, resource.app_id);
    if application.consented
        || client == resource
        || directory.consents.has(session.user.id, client, resource)
    {
        return Ok(());
    }
    Err(Refusal {
        suberror: Some("consent_required"),
        ..Refusal::invalid_grant(
            65001,
            format!(
                "The user or administrator has not consented to use the application with ID '{}' named '{}'. Send an \
                 interactive authorization request for this user and resource.",
                application.app_id, application.name
            ),
        )
    })
}
