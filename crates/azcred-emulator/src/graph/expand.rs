//! `$expand`: related objects in the answer ('Use query parameters to customize responses').

use crate::{
    graph::{
        call::Call,
        kind::Kind,
        lists::written,
        objects::{Object, Objects},
        options::{Selection, no_property},
        relations,
        response::GraphError,
        target::{Relation, is_known, relation},
    },
    text::clip_to,
};
use serde_json::{Map, Value};

/// Most objects that Graph expands.
const MAX_EXPANDED: usize = 20;

/// The relation to expand.
#[derive(Debug)]
pub(super) struct Expansion {
    name: &'static str,
    relation: Relation,
    selection: Selection,
}

impl Expansion {
    /// # Errors
    /// When the kind has no such relation, for several ones, in an advanced query, and for options
    /// that are not served.
    pub(super) fn of(call: &Call, kind: Kind) -> Result<Option<Self>, GraphError> {
        let Some(text) = call.option("expand").map(str::trim) else {
            return Ok(None);
        };
        let (name, options) = match text.split_once('(') {
            Some((name, options)) => (name, options.strip_suffix(')')),
            None => (text, Some("")),
        };
        if name.contains(',') || options.is_none_or(|options| options.contains("),")) {
            return Err(GraphError::unsupported(
                "Only one property can be expanded in a single query.",
            ));
        }
        let Some((name, relation)) = relation(kind, name.trim()) else {
            return Err(match is_known(kind.name(), name) {
                true => GraphError::option_not_served(call, &format!("$expand={name}")),
                false => GraphError::bad_request(format!(
                    "Parsing OData Select and Expand failed: {}",
                    no_property(kind, name)
                )),
            });
        };
        let options = options.unwrap_or_default();
        let select = options.strip_prefix("$select=").unwrap_or_default();
        if select.is_empty() != options.is_empty() || select.contains(';') {
            let options = clip_to(options, 100);
            return Err(GraphError::option_not_served(
                call,
                &format!("$expand={name}({options})"),
            ));
        }
        Ok(Some(Self {
            name,
            relation,
            selection: Selection::read(select, relations::kind(relation))?,
        }))
    }

    /// What a context adds to the name of a set.
    pub(super) fn in_context(&self) -> String {
        let selected = self.selection.in_context();
        format!(
            "{}{}",
            self.name,
            if selected.is_empty() { "()" } else { &selected }
        )
    }

    /// Adds the related objects.
    pub(super) fn add(
        &self,
        objects: &Objects<'_>,
        object: &Object,
        written_object: &mut Map<String, Value>,
    ) {
        let is_mixed = relations::kind(self.relation) == Kind::DirectoryObject;
        let related = relations::related(objects, object, self.relation)
            .into_iter()
            .take(MAX_EXPANDED)
            .map(|one| Value::Object(written(one, &self.selection, is_mixed)));
        written_object.insert(self.name.to_owned(), related.collect());
    }
}
