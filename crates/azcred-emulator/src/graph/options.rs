//! The options of the query, and how they apply to a list ('Use query parameters to customize
//! responses', 'Advanced query capabilities on Microsoft Entra ID objects').

use crate::{
    graph::{
        call::Call,
        expand::Expansion,
        filter::Filter,
        kind::{Kind, Usable},
        objects::Object,
        response::GraphError,
        search::Search,
    },
    text::clip_to,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use std::cmp::Ordering;

/// The size of a page without `$top`.
const PAGE: usize = 100;
/// The largest page.
const MAX_PAGE: usize = 999;

/// Options that Graph has and the emulator does not serve.
const NOT_SERVED: &[&str] = &["deltatoken", "apply", "compute"];
/// All options, without their `$`.
const KNOWN: &[&str] = &[
    "count",
    "expand",
    "filter",
    "format",
    "orderby",
    "search",
    "select",
    "skip",
    "skiptoken",
    "top",
];

/// `$select`.
#[derive(Debug)]
pub(super) struct Selection {
    /// As the tables write the names. Empty: the default properties.
    names: Vec<&'static str>,
}

/// The options of a list.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) selection: Selection,
    pub(super) expansion: Option<Expansion>,
    filter: Option<Filter>,
    search: Option<Search>,
    order: Vec<(&'static str, bool)>,
    top: Option<usize>,
    skip: usize,
    /// The answer says how many objects there are.
    counted: bool,
}

/// A page of a list.
pub(super) struct Page {
    pub(super) objects: Vec<Object>,
    /// How many there are on all pages, if the client wants to know.
    pub(super) count: Option<usize>,
    /// `$skiptoken` of the next page.
    pub(super) next: Option<String>,
}

impl Selection {
    /// The properties of an answer without `$select`.
    pub(super) fn default() -> Self {
        Self { names: Vec::new() }
    }

    /// # Errors
    /// When the kind has no such property, and for options that are not served.
    pub(super) fn of(call: &Call, kind: Kind) -> Result<Self, GraphError> {
        let mut others = NOT_SERVED.iter();
        if let Some(name) = others.find(|name| call.option(name).is_some()) {
            return Err(GraphError::option_not_served(call, &format!("${name}")));
        }
        Self::read(call.option("select").unwrap_or_default(), kind)
    }

    /// The selection in this text.
    ///
    /// # Errors
    /// When the kind has no such property.
    pub(super) fn read(given: &str, kind: Kind) -> Result<Self, GraphError> {
        let mut names = Vec::new();
        for name in given
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
        {
            if name == "*" {
                return Ok(Self { names: Vec::new() });
            }
            let name = name.rsplit('/').next_back().unwrap_or(name);
            let Some(property) = property(kind, name) else {
                return Err(GraphError::bad_request(format!(
                    "Parsing OData Select and Expand failed: {}",
                    no_property(kind, name)
                )));
            };
            if !names.contains(&property) {
                names.push(property);
            }
        }
        Ok(Self { names })
    }

    /// What a context adds to the name of a set: `(id,displayName)`.
    pub(super) fn in_context(&self) -> String {
        self.with_expansion(None)
    }

    /// The same with a relation that is expanded: `(id,members())`.
    pub(super) fn with_expansion(&self, expansion: Option<&Expansion>) -> String {
        let names = self.names.iter().map(|name| (*name).to_owned());
        let all: Vec<String> = names.chain(expansion.map(Expansion::in_context)).collect();
        match all.is_empty() {
            true => String::new(),
            false => format!("({})", all.join(",")),
        }
    }

    /// The selected properties of an object.
    pub(super) fn of_object(&self, mut object: Object) -> Map<String, Value> {
        let mut take = |name: &str| Some((name.to_owned(), object.properties.remove(name)?));
        match self.names.as_slice() {
            [] => object.kind.defaults().filter_map(take).collect(),
            names => names.iter().filter_map(|name| take(name)).collect(),
        }
    }
}

/// The name of a property as the tables write it. Mixed collections have those of all kinds.
fn property(kind: Kind, name: &str) -> Option<&'static str> {
    let own = kind.property(name);
    let mixed = kind
        .is_mixed()
        .then(|| Kind::OBJECTS.iter().find_map(|kind| kind.property(name)));
    own.or(mixed.flatten()).map(|property| property.name)
}

/// The message for a property that does not exist.
pub(super) fn no_property(kind: Kind, name: &str) -> String {
    format!(
        "Could not find a property named '{}' on type 'microsoft.graph.{}'.",
        clip_to(name, 100),
        kind.name()
    )
}

impl Options {
    /// # Errors
    /// 400 for what Graph does not accept of them.
    pub(super) fn of(call: &Call, kind: Kind) -> Result<Self, GraphError> {
        let count = call.option("count");
        let counts = count.is_some_and(|count| count.eq_ignore_ascii_case("true"));
        Self::read(call, kind, call.is_eventual() && counts)
    }

    /// The options of `COLLECTION/$count`.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn counting(call: &Call, kind: Kind) -> Result<Self, GraphError> {
        Self::read(call, kind, call.is_eventual())
    }

    fn read(call: &Call, kind: Kind, is_advanced: bool) -> Result<Self, GraphError> {
        let selection = Selection::of(call, kind)?;
        let expansion = Expansion::of(call, kind)?;
        if expansion.is_some() && is_advanced {
            return Err(GraphError::not_advanced());
        }
        let filter = call.option("filter");
        let filter = filter
            .map(|text| Filter::of(text, kind, is_advanced))
            .transpose()?;
        let search = match call.option("search") {
            Some(_) if !call.is_eventual() => {
                return Err(GraphError::unsupported(
                    "Request with $search query parameter only works through MSGraph with a special request header: \
                     'ConsistencyLevel: eventual'",
                ));
            }
            Some(text) => Some(Search::of(text, kind)?),
            None => None,
        };
        if call.option("skip").is_some() {
            return Err(GraphError::rejected(
                "'$skip' is not supported by the service.",
            ));
        }
        let is_known = |name: &str| KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name));
        if let Some(unknown) = call.options().find(|name| !is_known(name)) {
            return Err(GraphError::bad_request(format!(
                "The query parameter '${}' is not supported.",
                clip_to(unknown, 100)
            )));
        }
        let order = order(call, kind, is_advanced, filter.is_some())?;
        let page = |text: &str| {
            let size = text.parse().ok();
            size.filter(|size| (1..=MAX_PAGE).contains(size)).ok_or_else(|| {
                GraphError::unsupported(format!(
                    "Invalid page size specified: '{}'. Must be between 1 and {MAX_PAGE} inclusive.",
                    clip_to(text, 20)
                ))
            })
        };
        Ok(Self {
            selection,
            expansion,
            filter,
            search,
            order,
            top: call.option("top").map(page).transpose()?,
            skip: call.option("skiptoken").map_or(Ok(0), read_token)?,
            counted: is_advanced,
        })
    }

    /// The objects that the filter and the search let through.
    pub(super) fn select(&self, mut objects: Vec<Object>) -> Vec<Object> {
        objects.retain(|object| {
            self.filter
                .as_ref()
                .is_none_or(|filter| filter.lets_through(object))
                && self
                    .search
                    .as_ref()
                    .is_none_or(|search| search.finds(object))
        });
        objects
    }

    /// The page of a list.
    pub(super) fn page(&self, objects: Vec<Object>) -> Page {
        let mut objects = self.select(objects);
        objects.sort_by(|one, other| {
            let mut by = self.order.iter().map(|(name, descending)| {
                let order = compare(&one.properties[*name], &other.properties[*name]);
                if *descending { order.reverse() } else { order }
            });
            by.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        let count = objects.len();
        let size = self.top.unwrap_or(PAGE);
        let end = self.skip.saturating_add(size);
        Page {
            objects: objects.into_iter().skip(self.skip).take(size).collect(),
            count: self.counted.then_some(count),
            next: (end < count).then(|| token(end)),
        }
    }
}

fn order(
    call: &Call,
    kind: Kind,
    is_advanced: bool,
    is_filtered: bool,
) -> Result<Vec<(&'static str, bool)>, GraphError> {
    let mut found = Vec::new();
    let given = call.option("orderby").unwrap_or_default();
    for part in given
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let (name, way) = part.split_once(' ').unwrap_or((part, "asc"));
        let descending = match way.trim().to_ascii_lowercase().as_str() {
            "asc" => false,
            "desc" => true,
            _ => {
                return Err(GraphError::bad_request(format!(
                    "Invalid orderby clause: Syntax error at position {} in '{}'.",
                    part.len(),
                    clip_to(part, 100)
                )));
            }
        };
        let Some(property) = kind.property(name) else {
            return Err(GraphError::bad_request(no_property(kind, name)));
        };
        match property.usable("sort") {
            Usable::Always if is_advanced || !is_filtered => {}
            Usable::Advanced if is_advanced => {}
            Usable::Never => {
                return Err(GraphError::unsupported(format!(
                    "Unsupported sort property '{}' for '{}'.",
                    property.name,
                    kind.title()
                )));
            }
            Usable::Always => {
                return Err(GraphError::unsupported(
                    "Sorting not supported for current query.",
                ));
            }
            Usable::Advanced => return Err(GraphError::not_advanced()),
        }
        found.push((property.name, descending));
    }
    Ok(found)
}

/// The order of two values: texts without regard to case, nothing first.
fn compare(one: &Value, other: &Value) -> Ordering {
    let text = |value: &Value| value.as_str().map(str::to_lowercase);
    text(one).cmp(&text(other))
}

const TOKEN: &str = "from:";

/// `$skiptoken` of the page that begins after this many objects.
fn token(skipped: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{TOKEN}{skipped}"))
}

fn read_token(token: &str) -> Result<usize, GraphError> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        text.strip_prefix(TOKEN)?.parse().ok()
    };
    read().ok_or_else(|| GraphError::rejected("The specified page token is not valid."))
}
