//! `azcred serve env`: the variables with which a program uses a running endpoint.

use super::{
    mask,
    running::{self, Running},
    usage::Usage,
};
use crate::{
    failure::{Failure, Kind},
    output::{
        Output,
        style::{DIM, paint},
    },
    shell::Shell,
    sign_in::Place,
};
use azcred_guest::{Class, class_of, direct_to, known};
use clap::Args;
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};
use url::Url;

/// Print the variables with which a program uses a running `azcred serve`
///
/// The lines set the address of the endpoint and its secret. They unset the variables of other
/// accounts, and keep their values for --undo. Comments show the way back, and how programs in
/// containers and pods use this endpoint.
#[derive(Args)]
#[command(after_help = "\
Examples:
  # sh, bash, zsh
  eval \"$(azcred serve env)\"
  eval \"$(azcred serve env --undo)\"

  # fish, and PowerShell
  azcred serve env --shell fish | source
  azcred serve env --shell powershell | Out-String | Invoke-Expression

  # the steps of a GitHub job that follow
  azcred serve env --github >> \"$GITHUB_ENV\"

  # the lines for containers, as comments
  azcred serve env | grep '^#'")]
pub(super) struct Env {
    /// The endpoint on this port, if several run
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,

    /// Print the lines that restore the variables as they were
    #[arg(long, conflicts_with = "port")]
    undo: bool,

    /// Print lines for the file that GITHUB_ENV names: the steps of the GitHub job that follow have
    /// the variables
    #[arg(long, conflicts_with_all = ["undo", "shell"])]
    github: bool,

    /// Write the lines for sh (bash, zsh), fish, powershell or json [default: your shell]
    #[arg(long, value_name = "SHELL", value_enum, hide_possible_values = true)]
    shell: Option<Shell>,
}

/// The variables that `env` has set, for `--undo`.
const SET: &str = "AZCRED_SERVE_SET";
/// The beginning of the variable that keeps the value of another.
const KEPT: &str = "AZCRED_SERVE_KEPT_";
/// The output of `--output json` and `--shell json`.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Changes {
    /// Variables to set.
    set: BTreeMap<String, String>,
    /// Variables to unset.
    unset: BTreeSet<String>,
    /// How programs use the endpoint.
    #[serde(flatten)]
    usage: Option<Usage>,
}

impl Env {
    pub(super) fn run(self, output: &mut Output) -> Result<u8, Failure> {
        let here: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let shell = self.shell.unwrap_or_else(Shell::current);
        let changes = match self.undo {
            true => back(&here),
            false => {
                let place = Place::here()?;
                let endpoint = chosen(running::list(&place.system)?, self.port)?;
                mask(&*place.system, endpoint.variables.values());
                let mut changes = to(&here, &endpoint.variables);
                changes.usage = Some(Usage::of(&endpoint, own_id(), shell));
                changes
            }
        };
        if self.github {
            output.script(&for_github(&here, &changes)?);
            return Ok(0);
        }
        if output.is_json() || shell == Shell::Json {
            output.json(&changes);
            return Ok(0);
        }
        let mut lines = shell.lines(&changes.set, &changes.unset);
        if let Some(usage) = &changes.usage {
            lines.push_str(&usage.comments());
        }
        output.script(lines.trim_end());
        if output.is_terminal() && !self.undo {
            let line = shell.set_by("azcred serve env");
            output.note(paint(DIM, format!("\nTo set them in this shell: {line}")));
        }
        Ok(0)
    }
}

/// The id of this user.
fn own_id() -> Option<u32> {
    #[cfg(unix)]
    return Some(rustix::process::getuid().as_raw());
    #[cfg(not(unix))]
    None
}

fn chosen(mut running: Vec<Running>, port: Option<u16>) -> Result<Running, Failure> {
    let place = running
        .iter()
        .position(|one| port.is_none_or(|port| one.port == Some(port)));
    match place {
        Some(place) if port.is_some() || running.len() == 1 => Ok(running.swap_remove(place)),
        None if running.is_empty() => Err(Failure::new(
            Kind::NotFound,
            "could not find a running endpoint",
            "no `azcred serve` of yours runs on this computer",
        )
        .titled("no endpoint is running")
        .fix("start one with `azcred serve`")),
        _ => {
            let (kind, what) = match port {
                Some(port) => (
                    Kind::NotFound,
                    format!("could not find an endpoint on the port {port}"),
                ),
                None => (Kind::Usage, "could not choose an endpoint".to_owned()),
            };
            let all: Vec<_> = running.iter().map(Running::place).collect();
            let why = match &all[..] {
                [only] => format!("one of yours runs: {only}"),
                all => format!("{} of yours run: {}", all.len(), all.join(", ")),
            };
            let failure = Failure::new(kind, what, why);
            let other = running.iter().find_map(|one| one.port);
            Err(match other {
                _ if running.len() == 1 => failure.fix("use that one: `azcred serve env`"),
                Some(port) => failure.fix(format!("choose one: `azcred serve env --port {port}`")),
                None => failure.fix("end all but one of them"),
            })
        }
    }
}

/// The way to an endpoint: its variables are set, and those of other identities are unset.
fn to(here: &BTreeMap<String, String>, endpoint: &BTreeMap<String, String>) -> Changes {
    let mut changes = Changes {
        set: endpoint.clone(),
        unset: known(|class| class == Class::Identity)
            .map(str::to_owned)
            .collect(),
        usage: None,
    };
    let others = here
        .keys()
        .filter(|name| class_of(name) == Some(Class::Identity));
    changes.unset.extend(others.cloned());
    let host = host(endpoint);
    let direct = direct_to(&host, |name| here.get(name).map(OsStr::new)).into_iter();
    let text = |(name, value): (&str, OsString)| Some((name.to_owned(), value.into_string().ok()?));
    changes.set.extend(direct.filter_map(text));
    changes.unset.retain(|name| !changes.set.contains_key(name));
    // A second call keeps what was there before the first.
    let own: BTreeSet<&str> = here
        .get(SET)
        .map_or(BTreeSet::new(), |own| own.split(' ').collect());
    let is_changed = |name: &str| changes.set.contains_key(name) || changes.unset.contains(name);
    let before = here
        .iter()
        .filter(|(name, _)| is_changed(name) && !own.contains(name.as_str()));
    let kept: Vec<_> = before
        .map(|(name, value)| (format!("{KEPT}{name}"), value.clone()))
        .collect();
    let names: BTreeSet<&str> = changes.set.keys().map(String::as_str).chain(own).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(" ");
    changes.set.extend(kept);
    changes.set.insert(SET.to_owned(), names);
    changes
}

/// The variables for the steps of a GitHub job that follow. GitHub can't unset a variable, and an
/// empty one counts as set for SDKs. So another account in the job is an error.
fn for_github(here: &BTreeMap<String, String>, changes: &Changes) -> Result<String, Failure> {
    // The endpoint rejects a client id that is not its account's. GitHub's own are for each step.
    let is_harmless = |name: &str| name == "AZURE_CLIENT_ID" || name.starts_with("ACTIONS_");
    let others: Vec<_> = changes
        .unset
        .iter()
        .filter(|name| here.contains_key(*name) && !is_harmless(name))
        .map(String::as_str)
        .collect();
    if !others.is_empty() {
        return Err(Failure::new(
            Kind::Usage,
            "could not set the variables of the steps that follow",
            format!(
                "the job has {}, with which programs sign in as another account; GitHub can't unset a variable",
                others.join(", ")
            ),
        )
        .fix("remove them from `env` in the workflow, or use `azcred exec -- PROGRAM` in the steps"));
    }
    // What is kept for --undo may be a secret. Nothing is undone here: the job ends.
    let set = changes.set.iter();
    let set = set.filter(|(name, _)| *name != SET && !name.starts_with(KEPT));
    // No value has a line break: the endpoint makes its own, and NO_PROXY is a list of hosts.
    let lines = set.map(|(name, value)| format!("{name}={value}").replace(['\n', '\r'], " "));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// The host of an endpoint, as NO_PROXY has it.
fn host(endpoint: &BTreeMap<String, String>) -> String {
    let address = endpoint.get("IDENTITY_ENDPOINT");
    let url = address.and_then(|address| Url::parse(address).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("127.0.0.1");
    host.trim_matches(['[', ']']).to_owned()
}

/// The way back: what [`to`] has set and unset is as it was.
fn back(here: &BTreeMap<String, String>) -> Changes {
    let own = here.get(SET).map_or("", String::as_str).split_whitespace();
    let mut changes = Changes {
        set: BTreeMap::new(),
        unset: own.chain([SET]).map(str::to_owned).collect(),
        usage: None,
    };
    for (name, value) in here {
        if let Some(kept) = name.strip_prefix(KEPT) {
            changes.unset.remove(kept);
            changes.unset.insert(name.clone());
            changes.set.insert(kept.to_owned(), value.clone());
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    /// The variables after a shell has run the lines.
    fn after(mut here: BTreeMap<String, String>, changes: &Changes) -> BTreeMap<String, String> {
        here.retain(|name, _| !changes.unset.contains(name));
        here.extend(changes.set.clone());
        here
    }

    #[test]
    fn the_steps_of_a_github_job_have_the_endpoint_and_no_other_account() {
        let endpoint = variables(&[("IDENTITY_ENDPOINT", "e"), ("IDENTITY_HEADER", "s")]);
        let lines = |pairs: &[(&str, &str)]| {
            let here = variables(pairs);
            for_github(&here, &to(&here, &endpoint))
        };
        let job = [
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "t"),
            ("AZURE_CLIENT_ID", "c"),
            ("IDENTITY_HEADER", "of another endpoint"),
            ("http_proxy", "http://proxy"),
            ("no_proxy", "a\nPATH=b"),
        ];
        assert_eq!(
            lines(&job).unwrap(),
            "IDENTITY_ENDPOINT=e\nIDENTITY_HEADER=s\nno_proxy=a PATH=b,127.0.0.1"
        );
        let other = lines(&[("AZURE_CLIENT_SECRET", "c"), ("HIML_TENANT_ID", "")]);
        let other = format!("{:?}", other.unwrap_err());
        assert!(other.contains("AZURE_CLIENT_SECRET"), "{other}");
    }

    #[test]
    fn the_way_to_an_endpoint_on_another_address_goes_past_a_proxy() {
        let here = variables(&[("http_proxy", "http://proxy")]);
        for (address, host) in [
            ("http://172.17.0.1:8400/msi/token", "172.17.0.1"),
            ("http://[fd00::1]:8400/msi/token", "fd00::1"),
            ("http://localhost/msi/token", "localhost"),
        ] {
            let changes = to(&here, &variables(&[("IDENTITY_ENDPOINT", address)]));
            assert_eq!(changes.set["no_proxy"], host);
        }
    }

    #[test]
    fn the_way_back_restores_every_variable_also_after_two_calls() {
        let one = variables(&[
            ("IDENTITY_ENDPOINT", "http://127.0.0.1:1"),
            ("IDENTITY_HEADER", "s"),
        ]);
        let two = variables(&[
            ("IDENTITY_ENDPOINT", "http://127.0.0.1:2"),
            ("IDENTITY_HEADER", "t"),
        ]);
        for before in [
            variables(&[("HOME", "/h")]),
            variables(&[
                ("AZURE_CLIENT_ID", "c"),
                ("AZURE_CLIENT_SECRET", "x y"),
                ("AZURE_TENANT_ID", "t"),
                ("IDENTITY_HEADER", "of another host"),
                ("MSI_ENDPOINT", "http://10.0.0.4"),
                ("http_proxy", "http://proxy"),
                ("no_proxy", "10.0.0.0/8"),
            ]),
        ] {
            let inside = after(before.clone(), &to(&before, &one));
            assert_eq!(inside["IDENTITY_HEADER"], "s");
            assert_eq!(inside.get("AZURE_CLIENT_SECRET"), None);
            assert_eq!(inside.get("MSI_ENDPOINT"), None);
            assert_eq!(inside.get("AZURE_TENANT_ID"), before.get("AZURE_TENANT_ID"));
            if before.contains_key("no_proxy") {
                assert_eq!(inside["no_proxy"], "10.0.0.0/8,127.0.0.1");
            }
            let again = after(inside.clone(), &to(&inside, &two));
            assert_eq!(again["IDENTITY_HEADER"], "t");
            for inside in [inside, again] {
                assert_eq!(after(inside.clone(), &back(&inside)), before);
            }
        }
    }
}
