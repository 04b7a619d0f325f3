//! Actions that answer with ids: the groups of an object, and objects by their ids.

use crate::graph::{
    access::Reach,
    key::Key,
    kind::Kind,
    lists::{Reading, written},
    options::Selection,
    relations,
    response::{Answer, GraphError},
    target::Action,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most ids of one `checkMemberGroups`.
const MAX_CHECKED: usize = 20;
/// Most ids of one `getByIds`.
const MAX_IDS: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    /// Security groups only, as all groups are, and no directory roles.
    security_enabled_only: bool,
}

#[derive(Deserialize)]
struct Checked {
    #[serde(alias = "groupIds")]
    ids: Vec<String>,
}

#[derive(Deserialize)]
struct ByIds {
    ids: Vec<String>,
    #[serde(default)]
    types: Vec<String>,
}

impl Reading<'_> {
    /// `getMemberGroups` and its relatives.
    pub(super) fn membership(
        &self,
        kind: Kind,
        key: &Key,
        action: Action,
    ) -> Result<Answer, GraphError> {
        let object = self.find(kind, key)?;
        let groups = self.objects.directory.groups_of(object.id);
        let with_roles = || relations::with_roles(&self.objects, object.id, &groups);
        let found: BTreeSet<Uuid> = match action {
            Action::CheckMemberGroups | Action::CheckMemberObjects => {
                let checked: Checked = self.call.json()?;
                let ids = ids(&checked.ids, MAX_CHECKED)?;
                let all = match action {
                    Action::CheckMemberObjects => with_roles(),
                    _ => groups,
                };
                all.intersection(&ids).copied().collect()
            }
            _ => {
                let wanted: Wanted = self.call.json()?;
                match action == Action::GetMemberObjects && !wanted.security_enabled_only {
                    true => with_roles(),
                    false => groups,
                }
            }
        };
        Ok(Answer::of_action(
            self.call,
            json!({
                "@odata.context": self.call.context("Collection(Edm.String)"),
                "value": found,
            }),
        ))
    }

    /// `directoryObjects/getByIds`: those of the objects that exist.
    pub(super) fn by_ids(&self) -> Result<Answer, GraphError> {
        self.caller.may_read(Kind::DirectoryObject, Reach::One)?;
        let selection = Selection::of(self.call, Kind::DirectoryObject)?;
        let wanted: ByIds = self.call.json()?;
        let ids = ids(&wanted.ids, MAX_IDS)?;
        let is_wanted = |kind: Kind| {
            let mut types = wanted.types.iter();
            wanted.types.is_empty()
                || types.any(|name| {
                    name.eq_ignore_ascii_case(kind.name())
                        || name.eq_ignore_ascii_case("directoryObject")
                })
        };
        let found: Vec<Value> = self
            .objects
            .with_ids(&ids)
            .into_iter()
            .filter(|object| is_wanted(object.kind) && self.objects.sees(object))
            .map(|object| Value::Object(written(object, &selection, true)))
            .collect();
        let what = format!("directoryObjects{}", selection.in_context());
        Ok(Answer::of_action(
            self.call,
            json!({ "@odata.context": self.call.context(&what), "value": found }),
        ))
    }
}

fn ids(given: &[String], most: usize) -> Result<BTreeSet<Uuid>, GraphError> {
    if given.len() > most {
        return Err(GraphError::rejected(format!(
            "The number of ids is {}, and at most {most} are allowed.",
            given.len()
        )));
    }
    let id = |text: &String| Uuid::try_parse(text).map_err(|_| GraphError::invalid_guid(text));
    given.iter().map(id).collect()
}
