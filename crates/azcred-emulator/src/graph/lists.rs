//! What a `GET` answers: lists, numbers of objects, one object, one property.

use crate::{
    graph::{
        access::{Caller, Reach},
        call::Call,
        expand::Expansion,
        key::Key,
        kind::{Kind, Property},
        objects::{Object, Objects},
        options::{Options, Selection},
        relations,
        response::{Answer, GraphError},
        target::{Collection, Source},
    },
    world::World,
};
use serde_json::{Map, Value, json};

/// Who sends a request, and the objects that it is about.
pub(super) struct Reading<'a> {
    pub(super) world: &'a World,
    pub(super) call: &'a Call,
    pub(super) caller: &'a Caller,
    pub(super) objects: Objects<'a>,
}

impl Reading<'_> {
    /// A list.
    pub(super) fn list(&self, collection: &Collection) -> Result<Answer, GraphError> {
        let (kind, objects) = self.collection(collection)?;
        let options = Options::of(self.call, kind)?;
        let page = options.page(objects);
        let expansion = options.expansion.as_ref();
        let selected = options.selection.with_expansion(expansion);
        let what = format!("{}{selected}", self.set(collection));
        let is_mixed = is_mixed(collection);
        let value: Vec<Value> = page
            .objects
            .into_iter()
            .map(|object| {
                Value::Object(self.expanded(object, &options.selection, expansion, is_mixed))
            })
            .collect();
        let mut body = json!({ "@odata.context": self.call.context(&what), "value": value });
        if let Some(count) = page.count {
            body["@odata.count"] = count.into();
        }
        if let Some(next) = page.next {
            body["@odata.nextLink"] = self.call.url_with(self.world, "skiptoken", &next).into();
        }
        Ok(Answer::json(body))
    }

    /// The number of objects in a list.
    pub(super) fn count(&self, collection: &Collection) -> Result<Answer, GraphError> {
        let (kind, objects) = self.collection(collection)?;
        if !self.call.is_eventual() {
            return Err(GraphError::rejected("$count is not currently supported."));
        }
        let options = Options::counting(self.call, kind)?;
        Ok(Answer::text(options.select(objects).len().to_string()))
    }

    /// One object.
    pub(super) fn object(&self, kind: Kind, key: &Key) -> Result<Answer, GraphError> {
        let selection = Selection::of(self.call, kind)?;
        let expansion = Expansion::of(self.call, kind)?;
        let expansion = expansion.as_ref();
        let object = self.find(kind, key)?;
        let is_mixed = kind.is_mixed();
        let selected = selection.with_expansion(expansion);
        let what = format!("{}{selected}/$entity", kind.set());
        self.entity(
            &what,
            self.expanded(object, &selection, expansion, is_mixed),
        )
    }

    /// An object as the answer has it, with what is expanded.
    fn expanded(
        &self,
        object: Object,
        selection: &Selection,
        expansion: Option<&Expansion>,
        is_mixed: bool,
    ) -> Map<String, Value> {
        let Some(expansion) = expansion else {
            return written(object, selection, is_mixed);
        };
        let mut done = written(object.clone(), selection, is_mixed);
        expansion.add(&self.objects, &object, &mut done);
        done
    }

    /// One federated credential of an application.
    pub(super) fn federated_credential(&self, key: &Key, id: &str) -> Result<Answer, GraphError> {
        let selection = Selection::of(self.call, Kind::FederatedCredential)?;
        let application = self.find(Kind::Application, key)?;
        let mut all = self
            .objects
            .federated_credentials(application.id)
            .into_iter();
        let found = all.find(|one| {
            let name = one.properties.get("name").and_then(Value::as_str);
            one.id.to_string().eq_ignore_ascii_case(id) || name == Some(id)
        });
        let found = found
            .filter(|found| self.objects.sees(found))
            .ok_or_else(|| GraphError::not_found(id))?;
        let set = federated_credentials_set(&application);
        let what = format!("{set}{}/$entity", selection.in_context());
        self.entity(&what, written(found, &selection, false))
    }

    /// One property of an object.
    pub(super) fn property(
        &self,
        kind: Kind,
        key: &Key,
        property: &Property,
    ) -> Result<Answer, GraphError> {
        let object = self.find(kind, key)?;
        let value = object.properties.get(property.name).cloned();
        let value = value.unwrap_or_default();
        if value.is_null() {
            return Ok(Answer::empty());
        }
        let what = format!("{}('{}')/{}", kind.set(), object.id, property.name);
        let context = self.call.context(&what);
        Ok(Answer::json(match value {
            Value::Object(mut members) => {
                members.insert("@odata.context".to_owned(), context.into());
                Value::Object(members)
            }
            value => json!({ "@odata.context": context, "value": value }),
        }))
    }

    /// The object that a path names, if the caller may read it.
    pub(super) fn find(&self, kind: Kind, key: &Key) -> Result<Object, GraphError> {
        let is_own = *key == Key::Me || *key == Key::Id(self.caller.object_id.to_string());
        let reach = if is_own { Reach::Me } else { Reach::One };
        self.caller.may_read(kind, reach)?;
        self.objects.find(kind, key, self.caller.object_id)
    }

    fn entity(&self, what: &str, mut object: Map<String, Value>) -> Result<Answer, GraphError> {
        let context = self.call.context(what).into();
        object.insert("@odata.context".to_owned(), context);
        Ok(Answer::json(Value::Object(object)))
    }

    /// The objects of a collection, if the caller may read them, with the kind that their
    /// properties are of.
    fn collection(&self, collection: &Collection) -> Result<(Kind, Vec<Object>), GraphError> {
        let (kind, mut objects) = match &collection.source {
            Source::Set(kind) => {
                self.caller.may_read(*kind, Reach::All)?;
                (*kind, self.objects.all(*kind))
            }
            Source::Related(kind, key, relation) => {
                let object = self.find(*kind, key)?;
                let related = relations::related(&self.objects, &object, *relation);
                (relations::kind(*relation), related)
            }
        };
        objects.retain(|object| self.objects.sees(object));
        match collection.cast {
            Some(cast) => {
                objects.retain(|object| object.kind == cast);
                Ok((cast, objects))
            }
            None => Ok((kind, objects)),
        }
    }

    /// The name of the set in a context.
    fn set(&self, collection: &Collection) -> String {
        match (&collection.source, collection.cast) {
            (Source::Set(kind), None) => kind.set().to_owned(),
            (Source::Related(kind, key, relation), None)
                if relations::kind(*relation) == Kind::FederatedCredential =>
            {
                let application = self.find(*kind, key);
                application.map_or_else(|_| String::new(), |app| federated_credentials_set(&app))
            }
            (Source::Related(..), None) => Kind::DirectoryObject.set().to_owned(),
            (_, Some(cast)) => cast.set().to_owned(),
        }
    }
}

fn federated_credentials_set(application: &Object) -> String {
    format!(
        "applications('{}')/federatedIdentityCredentials",
        application.id
    )
}

/// Whether the objects can be of several kinds.
fn is_mixed(collection: &Collection) -> bool {
    let kind = match &collection.source {
        Source::Set(kind) => *kind,
        Source::Related(_, _, relation) => relations::kind(*relation),
    };
    collection.cast.is_none() && kind.is_mixed()
}

/// An object as the answer has it. In a mixed collection, it says its type.
pub(super) fn written(object: Object, selection: &Selection, is_mixed: bool) -> Map<String, Value> {
    let kind = object.kind.name();
    let mut written = selection.of_object(object);
    if is_mixed {
        let kind = format!("#microsoft.graph.{kind}");
        written.insert("@odata.type".to_owned(), kind.into());
    }
    written
}
