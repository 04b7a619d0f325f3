//! Azure CLI's output formats. `knack.output` of Microsoft's package knack decides the details.

mod colors;
mod json;
mod table;
mod tsv;
mod yaml;

use super::value::Value;
use colors::Colors;

/// The formats, by the names of `--output`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    #[default]
    Json,
    Jsonc,
    Yaml,
    Yamlc,
    Table,
    Tsv,
    None,
}

/// The names, in the order of Azure CLI's own error.
pub(super) const NAMES: [&str; 7] = ["json", "jsonc", "yaml", "yamlc", "table", "tsv", "none"];

impl Format {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name.to_lowercase().as_str() {
            "json" => Self::Json,
            "jsonc" => Self::Jsonc,
            "yaml" => Self::Yaml,
            "yamlc" => Self::Yamlc,
            "table" => Self::Table,
            "tsv" => Self::Tsv,
            "none" => Self::None,
            _ => return None,
        })
    }

    /// The format for a program, which gets no colours.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Jsonc => Self::Json,
            Self::Yamlc => Self::Yaml,
            other => other,
        }
    }

    /// The result in this format, with the ends of its lines. `is_sorted`: a table sorts its
    /// columns by name.
    pub(super) fn show(self, value: &Value, is_sorted: bool) -> String {
        match self {
            _ if *value == Value::Null => String::new(),
            Self::Json | Self::Jsonc => json::show(value, Colors(self == Self::Jsonc)),
            Self::Yaml | Self::Yamlc => yaml::show(value, Colors(self == Self::Yamlc)),
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
