//! Which application is meant: by its name, if azcred made it, or by its client id.

use crate::failure::{Failure, Kind};
use azcred_azure::{Application, Graph};
use uuid::Uuid;

/// The application with a client id, or else the one of a name that azcred made. `None` if the
/// directory has no application of this name.
///
/// # Errors
/// Also if the name is that of an application that azcred did not make, or of several that it made.
pub(super) async fn find(
    graph: &Graph,
    name: Option<&str>,
    client_id: Option<Uuid>,
) -> Result<Option<Application>, Failure> {
    if let Some(client_id) = client_id {
        let Some(found) = graph.application_of(client_id).await? else {
            return Err(Failure::new(
                Kind::NotFound,
                format!("could not find the application {client_id}"),
                "this tenant has no application with this client id",
            )
            .fix("check the id; `--tenant` names another tenant"));
        };
        return match name {
            Some(name) if *found.name.raw() != *name => Err(Failure::new(
                Kind::Invalid,
                format!("could not use the application {client_id}"),
                format!("its name is '{}', and not '{name}'", found.name),
            )
            .fix("give its name, or the client id of the application that you mean")),
            _ => Ok(Some(found)),
        };
    }
    let name = name.unwrap_or_default();
    meant(name, graph.applications_named(name).await?)
}

/// As [`find`]; an application that is not there is an error.
pub(super) async fn existing(
    graph: &Graph,
    name: Option<&str>,
    client_id: Option<Uuid>,
) -> Result<Application, Failure> {
    let found = find(graph, name, client_id).await?;
    found.ok_or_else(|| {
        absent(name.unwrap_or_default(), "this tenant has no application of this name")
            .fix("check the name: `azcred sp list --all` lists those that azcred made and those that you own")
    })
}

/// The failure for a name that no application has.
pub(super) fn absent(name: &str, why: &'static str) -> Failure {
    let what = format!("could not find the application '{name}'");
    Failure::new(Kind::NotFound, what, why)
}

/// The application of a name that azcred made, among all of this name.
fn meant(name: &str, found: Vec<Application>) -> Result<Option<Application>, Failure> {
    let (mut own, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.marks.is_own());
    let ids = |applications: &[Application]| {
        let ids: Vec<String> = applications
            .iter()
            .take(5)
            .map(|one| one.app_id.to_string())
            .collect();
        ids.join(" or ")
    };
    match (&own[..], &others[..]) {
        ([], []) => Ok(None),
        ([_], _) => Ok(own.pop()),
        ([], others) => Err(Failure::new(
            Kind::Invalid,
            format!("could not use the name '{name}'"),
            "the directory has an application of this name that azcred did not make, and names are not unique",
        )
        .fix(format!(
            "if you mean that application, give its client id: `--client-id {}`; else choose another name",
            ids(others)
        ))),
        (several, _) => Err(Failure::new(
            Kind::Invalid,
            format!("could not find the application '{name}'"),
            format!("azcred made {} applications of this name", several.len()),
        )
        .fix(format!(
            "add the client id of the one that you mean: `--client-id {}`",
            ids(several)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(id: u128, tags: &str) -> Application {
        let id = Uuid::from_u128(id);
        let json =
            format!(r#"{{"id": "{id}", "appId": "{id}", "displayName": "ci", "tags": [{tags}]}}"#);
        serde_json::from_str(&json).expect("it is one")
    }

    #[test]
    fn only_an_application_with_azcreds_mark_is_found_by_its_name() {
        let own = application(1, r#""azcred""#);
        let other = application(2, r#""azcred-cli", "x""#);
        assert_eq!(meant("ci", Vec::new()).unwrap(), None);
        let both = vec![other.clone(), own.clone()];
        assert_eq!(meant("ci", both).unwrap(), Some(own.clone()));
        let refused = meant("ci", vec![other]).unwrap_err();
        assert!(
            refused.why.contains("azcred did not make"),
            "{}",
            refused.why
        );
        let twice = meant("ci", vec![own.clone(), own]).unwrap_err();
        assert!(twice.why.contains("2 applications"), "{}", twice.why);
    }
}
