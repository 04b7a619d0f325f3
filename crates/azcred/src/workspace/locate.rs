//! Finds the workspace of a folder where MLClient and hi-ml find it.
//!
//! 1. what the caller names; each part replaces the same part of the first of the following that
//!    exists:
//! 2. `AZUREML_ARM_SUBSCRIPTION`, `AZUREML_ARM_RESOURCEGROUP`, `AZUREML_ARM_WORKSPACE_NAME`: set
//!    inside every Azure ML job;
//! 3. `config.json`, in the order of azure-ai-ml's `MLClient.from_config`: in a folder `.azureml`,
//!    here or in a folder above; in a folder `aml_config`; in the folder itself. Each may also be
//!    called `project.json`. (hi-ml reads only `config.json` in the folder itself.)
//! 4. `HIML_SUBSCRIPTION_ID`, `HIML_RESOURCE_GROUP`, `HIML_WORKSPACE_NAME`: hi-ml's own variables,
//!    which hi-ml also reads last.

use super::WorkspaceRef;
use crate::{
    decode,
    facts::{Error, ErrorKind, Fix, Result},
    system::{System, read_if_seen},
    untrusted::{printable, printable_path},
};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::{
    array, fmt, io,
    path::{Path, PathBuf},
};

/// The parts of a workspace's name that the caller knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Named {
    /// The subscription's id.
    pub subscription: Option<String>,
    /// The resource group.
    pub resource_group: Option<String>,
    /// The workspace: its name, or its whole resource id, which contains the other parts.
    pub workspace: Option<String>,
    /// What errors call the three parts.
    pub labels: Labels,
}

/// What errors call the parts of a workspace's name, such as a command's options: subscription,
/// resource group, workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels(pub [&'static str; 3]);

impl Default for Labels {
    fn default() -> Self {
        Self([
            "the subscription",
            "the resource group",
            "the workspace's name",
        ])
    }
}

/// Where a part of a workspace's name was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The caller named it. The label is what the caller calls this part, such as `--workspace`.
    Named(&'static str),
    /// In this variable.
    Variable(&'static str),
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(label) => f.write_str(label),
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => f.write_str(&printable_path(path)),
        }
    }
}

/// A workspace and where its name was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Located {
    /// The workspace.
    pub workspace: WorkspaceRef,
    /// Where the subscription was found.
    pub subscription_source: Source,
    /// Where the resource group was found.
    pub resource_group_source: Source,
    /// Where the workspace's name was found.
    pub source: Source,
    /// The `config.json` in the folder itself, if it names another workspace: hi-ml uses that one,
    /// MLClient uses `workspace`.
    pub other: Option<(PathBuf, WorkspaceRef)>,
}

/// The number of folders that MLClient climbs.
const LEVELS: usize = 20;
/// A larger file is not read as a configuration, in bytes.
const LIMIT: u64 = 1 << 20;
const FOLDERS: [&str; 3] = [".azureml", "aml_config", ""];
const NAMES: [&str; 2] = ["config.json", "project.json"];

/// The three parts, each with the place where it was found.
struct Names {
    place: NamePlace,
    labels: [&'static str; 3],
    values: [Option<String>; 3],
}

/// A place in which all parts are found together.
enum NamePlace {
    Caller,
    /// Variables with this prefix.
    Variables(&'static str),
    File(PathBuf),
}

impl Names {
    /// The caller as the place; its values follow.
    fn of_caller(labels: Labels) -> Self {
        Self {
            place: NamePlace::Caller,
            labels: labels.0,
            values: [None, None, None],
        }
    }

    /// Where the part with this label was found.
    fn source(&self, label: &'static str) -> Source {
        match &self.place {
            NamePlace::Caller => Source::Named(label),
            NamePlace::Variables(_) => Source::Variable(label),
            NamePlace::File(path) => Source::File(path.clone()),
        }
    }
}

impl fmt::Display for NamePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caller => f.write_str("the command line"),
            Self::Variables(names) => f.write_str(names),
            Self::File(path) => f.write_str(&printable_path(path)),
        }
    }
}

/// Finds the workspace; returns `None` if nothing names one. `directory` must be an absolute path.
/// The search for a file begins there.
///
/// # Errors
/// [`ErrorKind::Invalid`] if a name that was found can't be used. The error names the file or the
/// variable, and the field.
pub fn locate(system: &dyn System, directory: &Path, named: &Named) -> Result<Option<Located>> {
    if let Some(id) = named.workspace.as_deref().filter(|id| id.contains('/')) {
        let Labels([.., label]) = named.labels;
        return Ok(Some(Located {
            workspace: WorkspaceRef::from_resource_id(id)?,
            subscription_source: Source::Named(label),
            resource_group_source: Source::Named(label),
            source: Source::Named(label),
            other: None,
        }));
    }
    let given = [&named.subscription, &named.resource_group, &named.workspace];
    let by_caller = || Names::of_caller(named.labels);
    let base = if given.iter().all(|value| value.is_some()) {
        by_caller()
    } else {
        match base(system, directory)? {
            Some(base) => base,
            None if given.iter().any(|value| value.is_some()) => by_caller(),
            None => return Ok(None),
        }
    };
    let values: Vec<Option<&str>> = given
        .iter()
        .zip(&base.values)
        .map(|(given, value)| given.as_deref().or(value.as_deref()))
        .collect();
    let what = || format!("could not read the workspace from {}", base.place);
    let [Some(subscription), Some(group), Some(name)] = values[..] else {
        return Err(incomplete(&base, &values, what()));
    };
    let workspace = WorkspaceRef::new(subscription, group, name).map_err(|error| {
        Error::new(
            error.kind(),
            format!("{}: {}", what(), lower(error.what())),
            error.why().to_owned(),
        )
        .with_fix_of(&error)
    })?;
    let other = match &base.place {
        NamePlace::File(path) => rival(system, directory, path, &workspace),
        _ => None,
    };
    let source = |part: usize| match given[part] {
        Some(_) => Source::Named(named.labels.0[part]),
        None => base.source(base.labels[part]),
    };
    Ok(Some(Located {
        workspace,
        subscription_source: source(0),
        resource_group_source: source(1),
        source: source(2),
        other,
    }))
}

/// The error for a name with missing parts.
fn incomplete(base: &Names, values: &[Option<&str>], what: String) -> Error {
    let absent: Vec<&'static str> = base
        .labels
        .iter()
        .zip(values)
        .filter(|(_, value)| value.is_none())
        .map(|(label, _)| *label)
        .collect();
    let absent_names = absent.join(" and ");
    let verb = if absent.len() > 1 { "are" } else { "is" };
    let (state, fix) = match base.place {
        NamePlace::Caller => ("given", format!("add {absent_names}").into()),
        NamePlace::Variables(_) => ("there", Fix::set(absent)),
        NamePlace::File(_) => ("there", format!("add {absent_names} to the file").into()),
    };
    Error::new(
        ErrorKind::Invalid,
        what,
        format!("{absent_names} {verb} not {state}"),
    )
    .with_fix(fix)
}

/// The first place that names any part, complete or not.
fn base(system: &dyn System, directory: &Path) -> Result<Option<Names>> {
    let variables = |title, labels: [&'static str; 3]| {
        let values = labels.map(|name| system.var(name));
        values.iter().any(Option::is_some).then_some(Names {
            place: NamePlace::Variables(title),
            labels,
            values,
        })
    };
    if let Some(found) = variables(
        "AZUREML_ARM_*",
        [
            "AZUREML_ARM_SUBSCRIPTION",
            "AZUREML_ARM_RESOURCEGROUP",
            "AZUREML_ARM_WORKSPACE_NAME",
        ],
    ) {
        return Ok(Some(found));
    }
    for folder in FOLDERS {
        for name in NAMES {
            if let Some((path, bytes)) = upward(system, directory, folder, name)? {
                return read(path, &bytes).map(Some);
            }
        }
    }
    Ok(variables(
        "HIML_*",
        [
            "HIML_SUBSCRIPTION_ID",
            "HIML_RESOURCE_GROUP",
            "HIML_WORKSPACE_NAME",
        ],
    ))
}

/// The nearest file with this name, here or in a folder above.
fn upward(
    system: &dyn System,
    directory: &Path,
    folder: &str,
    name: &str,
) -> Result<Option<(PathBuf, Vec<u8>)>> {
    for level in directory.ancestors().take(LEVELS + 1) {
        let path = level.join(folder).join(name);
        match read_if_seen(system, &path, LIMIT) {
            // Programs of other kinds have files of these names too, such as models.
            Ok(Some(bytes)) if folder.is_empty() && !is_workspaces(&bytes) => {
                tracing::info!(
                    file = printable_path(&path),
                    "the file does not name a workspace, so the search goes on"
                );
            }
            Ok(Some(bytes)) => return Ok(Some((path, bytes))),
            Ok(None) => {}
            // A folder with that name is not a configuration.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => {}
            Err(error) => {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    format!("could not read {}", printable_path(&path)),
                    error.to_string(),
                )
                .with_fix(
                    "make it readable for this user, or give subscription, resource group and workspace",
                ));
            }
        }
    }
    Ok(None)
}

/// Whether a file names a workspace, or seems to have done so before it was damaged.
fn is_workspaces(bytes: &[u8]) -> bool {
    let Ok(text) = decode::text(bytes) else {
        return true;
    };
    match serde_json::from_str::<Fields>(&text) {
        Ok(fields) => fields.0.iter().any(Option::is_some),
        // Programs of other kinds allow comments. Anything else may have been meant as one.
        Err(_) if text.contains("//") || text.contains("/*") => {
            FIELDS.iter().any(|field| text.contains(field))
        }
        Err(_) => serde_json::from_str::<Value>(&text).is_err(),
    }
}

/// The whole id, in the older form.
const SCOPE: &str = "Scope";
const FIELDS: [&str; 3] = ["subscription_id", "resource_group", "workspace_name"];

/// The values of [`FIELDS`] and of [`SCOPE`] in a JSON object. As in Python, the last of several
/// with one name counts, and other fields may have values that are not of use here: numbers out of
/// range, halves of surrogates.
struct Fields([Option<Value>; 4]);

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0[place(name)?].as_ref()
    }
}

fn place(name: &str) -> Option<usize> {
    FIELDS
        .iter()
        .chain([&SCOPE])
        .position(|field| *field == name)
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Found;
        impl<'de> Visitor<'de> for Found {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<Fields, A::Error> {
                let mut fields = Fields(array::from_fn(|_| None));
                while let Some(name) = map.next_key::<String>()? {
                    match place(&name) {
                        Some(place) => fields.0[place] = Some(map.next_value()?),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Found)
    }
}

fn read(path: PathBuf, bytes: &[u8]) -> Result<Names> {
    let damaged = |why: String| {
        Error::new(ErrorKind::Invalid, format!("could not read the workspace from {}", printable_path(&path)), why).with_fix(
            "download it again: in Azure Machine Learning studio, top right, 'Download config file'",
        )
    };
    let text = decode::text(bytes).map_err(|kind| damaged(format!("the file is {kind}")))?;
    let fields: Fields = serde_json::from_str(&text).map_err(|error| {
        damaged(format!(
            "it is not a JSON object: {}",
            printable(&error.to_string(), 120)
        ))
    })?;
    // The older form has one id instead of the three names.
    let values = match fields
        .get(SCOPE)
        .and_then(Value::as_str)
        .filter(|scope| !scope.is_empty())
    {
        Some(scope) => {
            let workspace = WorkspaceRef::from_resource_id(scope)
                .map_err(|_| damaged("its field Scope is not the id of a workspace".to_owned()))?;
            [
                workspace.subscription(),
                workspace.resource_group(),
                workspace.name(),
            ]
            .map(|part| Some(part.to_owned()))
        }
        None => {
            if let Some(field) = FIELDS
                .iter()
                .find(|field| fields.get(field).is_some_and(|value| !value.is_string()))
            {
                return Err(damaged(format!("its field {field} is not text")));
            }
            FIELDS.map(|field| {
                let value = fields.get(field)?.as_str()?;
                (!value.trim().is_empty()).then(|| value.to_owned())
            })
        }
    };
    Ok(Names {
        place: NamePlace::File(path),
        labels: FIELDS,
        values,
    })
}

/// The file that hi-ml would read instead, if it names another workspace.
fn rival(
    system: &dyn System,
    directory: &Path,
    used: &Path,
    workspace: &WorkspaceRef,
) -> Option<(PathBuf, WorkspaceRef)> {
    let (path, bytes) = upward(system, directory, "", NAMES[0]).ok().flatten()?;
    if path == used {
        return None;
    }
    let [Some(subscription), Some(group), Some(name)] = read(path.clone(), &bytes).ok()?.values
    else {
        return None;
    };
    let other = WorkspaceRef::new(&subscription, &group, &name).ok()?;
    (!other
        .resource_id()
        .eq_ignore_ascii_case(&workspace.resource_id()))
    .then_some((path, other))
}

fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(chars).collect()
    })
}

#[cfg(test)]
#[path = "locate_tests.rs"]
mod tests;
