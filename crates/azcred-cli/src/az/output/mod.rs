//! Azure CLI's output formats. `knack.output` of Microsoft's package knack decides the details.

mod json;
mod table;
mod tsv;
mod yaml;

use super::value::Value;

/// The formats, by the names of `--output`. Those in colour are printed without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Json,
    Yaml,
    Table,
    Tsv,
    None,
}

/// The names, in the order of Azure CLI's own error.
pub(super) const NAMES: [&str; 7] = ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"];

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "json" | "jsonc" => Self::Json,
            "yaml" | "yamlc" => Self::Yaml,
            "table" => Self::Table,
            "tsv" => Self::Tsv,
            "none" => Self::None,
            _ => return None,
        })
    }

    /// The result in this format, with the ends of its lines. `is_sorted`: a table sorts its
    /// columns by name.
    pub(super) fn show(self, value: &Value, is_sorted: bool) -> String {
        match self {
            _ if *value == Value::Null => String::new(),
            Self::Json => json::show(value),
            Self::Yaml => yaml::show(value),
            Self::Table => table::show(value, is_sorted),
            Self::Tsv => tsv::show(value),
            Self::None => String::new(),
        }
    }
}

/// A value as Python's `str` shows it, without what is in lists and objects.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(values) => values.len().to_string(),
        Value::Object(_) => String::new(),
    }
}
