//! The document in which a cloud describes itself.

use crate::{
    input,
    machine::{answered_by, machine},
    oracle,
};
use azcred::session::Session;

/// The first line is the wanted cloud, or empty; the second the authority, or empty. Responses
/// follow.
pub(super) fn run(data: &[u8]) {
    let (wanted, rest) = input::head(data);
    let (authority, rest) = input::head(rest);
    let mut machine = machine().with_var("ARM_CLOUD_METADATA_URL", "https://arm.contoso.com/m");
    for (name, value) in [
        ("AZUREML_CURRENT_CLOUD", wanted),
        ("AZURE_AUTHORITY_HOST", authority),
    ] {
        if !value.is_empty() {
            machine = machine.with_var(name, &input::text(value));
        }
    }
    let session = Session::builder()
        .at(machine.shared(), "/project")
        .unattended();
    answered_by(rest, async {
        let session = session.open().await;
        match &session {
            Err(error) => oracle::error(error),
            Ok(session) => {
                oracle::debug(&session.options());
                let cloud = session.options().cloud().expect("it opened");
                oracle::debug(&cloud);
                oracle::shown(&session.scope());
                // A secret goes to the authority: only by HTTPS, or on this machine.
                let authority = url::Url::parse(cloud.authority().as_str()).expect("an address");
                let host = authority.host_str().unwrap_or_default();
                let is_here = matches!(host, "localhost" | "[::1]") || host.starts_with("127.");
                assert!(authority.scheme() == "https" || is_here, "{authority}");
            }
        }
    });
}
