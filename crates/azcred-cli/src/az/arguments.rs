//! The command line of `az`, as its parser (Python's argparse) reads it.

use super::{
    output::{self, Format},
    query::Query,
};

/// What the stand-in was asked to do.
#[derive(Debug)]
pub(super) enum Command {
    GetAccessToken(GetAccessToken),
    Show {
        subscription: Option<String>,
    },
    List {
        all: bool,
        refresh: bool,
    },
    Set {
        subscription: String,
    },
    /// `login --identity`, without another identity's name.
    LoginIdentity,
    Version,
    VersionText,
    Help,
    /// Azure CLI's, with its name for messages.
    Other(String),
}

/// The arguments of `account get-access-token`.
#[derive(Debug, Default)]
pub(super) struct GetAccessToken {
    pub(super) resource: Option<String>,
    pub(super) scopes: Vec<String>,
    pub(super) resource_type: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) subscription: Option<String>,
}

/// The options of every command.
#[derive(Debug, Default)]
pub(super) struct Global {
    pub(super) format: Format,
    pub(super) query: Option<Query>,
    pub(super) only_show_errors: bool,
}

/// A command line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) command: Command,
    pub(super) global: Global,
}

/// Azure CLI's names of well-known resources, in the order of its own error.
pub(super) const RESOURCE_TYPES: [&str; 7] = [
    "oss-rdbms",
    "arm",
    "aad-graph",
    "ms-graph",
    "batch",
    "media",
    "data-lake",
];

const IDENTITY: [&str; 2] = ["--identity", "-i"];
const SUBSCRIPTION: [&str; 4] = ["--subscription", "-s", "--name", "-n"];
/// Where Azure CLI explains queries.
pub(super) const QUERY_HELP: &str = "To learn more about --query, please visit: 'https://learn.microsoft.com/cli/azure/query-azure-cli'";

/// Reads a command line. `default` is the format without `--output`.
///
/// # Errors
/// Azure CLI's sentence about what is wrong.
pub(super) fn read(arguments: &[String], default: Format) -> Result<Line, String> {
    let is_option = |argument: &&String| argument.starts_with('-');
    let words: Vec<&str> = arguments
        .iter()
        .take_while(|argument| !is_option(argument))
        .map(String::as_str)
        .collect();
    let rest = &arguments[words.len()..];
    let is_help = rest
        .iter()
        .any(|argument| ["-h", "--help"].contains(&&**argument));
    let is_own = match &words[..] {
        ["account", second, ..] => ["get-access-token", "show", "list", "set"].contains(second),
        ["login"] => !is_help && rest.iter().any(|argument| IDENTITY.contains(&&**argument)),
        _ => false,
    };
    let of = |command| Line {
        command,
        global: Global::default(),
    };
    match &words[..] {
        [] | ["account" | "help"] if is_help || rest.is_empty() => return Ok(of(Command::Help)),
        [] if ["--version", "-v"].contains(&&*rest[0]) => return Ok(of(Command::VersionText)),
        ["version"] => {}
        _ if is_own => {}
        _ => return Ok(of(Command::Other(words.join(" ")))),
    }
    if is_help {
        return Ok(of(Command::Help));
    }
    let mut line = Options {
        name: words[..words.len().min(if words[0] == "version" { 1 } else { 2 })].join(" "),
        rest: rest.iter(),
        global: Global {
            format: default,
            ..Global::default()
        },
        unknown: words
            .iter()
            .skip(2)
            .map(|word| (*word).to_owned())
            .collect(),
    };
    let command = line.command(&words)?;
    if !line.unknown.is_empty() {
        // It signs in as another identity, or in a way that only Azure CLI knows.
        if let Command::LoginIdentity = command {
            return Ok(of(Command::Other(words.join(" "))));
        }
        return Err(format!(
            "unrecognized arguments: {}",
            line.unknown.join(" ")
        ));
    }
    Ok(Line {
        command,
        global: line.global,
    })
}

/// The options of one of the stand-in's own commands.
struct Options<'a> {
    name: String,
    rest: std::slice::Iter<'a, String>,
    global: Global,
    unknown: Vec<String>,
}

impl<'a> Options<'a> {
    fn command(&mut self, words: &[&str]) -> Result<Command, String> {
        match words {
            ["account", "get-access-token", ..] => {
                let mut asked = GetAccessToken::default();
                self.each(|option, line| {
                    match option.name {
                        "--resource" => asked.resource = Some(line.value(&option)?),
                        "--scope" => asked.scopes = line.values(&option),
                        "--resource-type" => {
                            let value = line.value(&option)?;
                            line.choice("--resource-type", &value, &RESOURCE_TYPES)?;
                            asked.resource_type = Some(value);
                        }
                        "--tenant" | "-t" => asked.tenant = Some(line.value(&option)?),
                        name if SUBSCRIPTION.contains(&name) => {
                            asked.subscription = Some(line.value(&option)?);
                        }
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Ok(Command::GetAccessToken(asked))
            }
            ["account", "show", ..] => {
                let subscription = self.subscription()?;
                Ok(Command::Show { subscription })
            }
            ["account", "set", ..] => {
                let subscription = self.subscription()?;
                let subscription = subscription
                    .ok_or("the following arguments are required: --subscription/-s/--name/-n")?;
                Ok(Command::Set { subscription })
            }
            ["account", "list", ..] => {
                let (mut all, mut refresh) = (false, false);
                self.each(|option, _| {
                    match option.name {
                        "--all" => all = true,
                        "--refresh" => refresh = true,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Ok(Command::List { all, refresh })
            }
            ["login"] => {
                self.each(|option, _| {
                    Ok(
                        IDENTITY.contains(&option.name)
                            || option.name == "--allow-no-subscriptions",
                    )
                })?;
                Ok(Command::LoginIdentity)
            }
            _ => {
                self.each(|_, _| Ok(false))?;
                Ok(Command::Version)
            }
        }
    }

    fn subscription(&mut self) -> Result<Option<String>, String> {
        let mut subscription = None;
        self.each(|option, line| {
            let is_it = SUBSCRIPTION.contains(&option.name);
            if is_it {
                subscription = Some(line.value(&option)?);
            }
            Ok(is_it)
        })?;
        Ok(subscription)
    }

    /// Reads each option: as `own` does, or as one of every command.
    fn each(
        &mut self,
        mut own: impl FnMut(Given<'a>, &mut Self) -> Result<bool, String>,
    ) -> Result<(), String> {
        while let Some(argument) = self.rest.next() {
            let option = Given::of(argument);
            if !own(option, self)? && !self.global(option)? {
                self.unknown.push(argument.clone());
            }
        }
        Ok(())
    }

    fn global(&mut self, option: Given<'a>) -> Result<bool, String> {
        match option.name {
            "--output" | "-o" => {
                let value = self.value(&option)?;
                let format = Format::named(&value);
                self.choice("--output", &value, &output::NAMES)?;
                self.global.format = format.unwrap_or_default();
            }
            "--query" => {
                let value = self.value(&option)?;
                self.global.query = Some(Query::new(&value).ok_or_else(|| {
                    format!(
                        "argument --query: invalid jmespath_type value: '{value}'\n{QUERY_HELP}"
                    )
                })?);
            }
            "--only-show-errors" => self.global.only_show_errors = true,
            "--debug" | "--verbose" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn choice(&self, option: &str, value: &str, allowed: &[&str]) -> Result<(), String> {
        if allowed.contains(&value.to_lowercase().as_str()) {
            return Ok(());
        }
        Err(format!(
            "az {}: '{value}' is not a valid value for '{option}'. Allowed values: {}.",
            self.name,
            allowed.join(", ")
        ))
    }

    /// The value of an option: after `=`, directly after its letter, or the next argument.
    fn value(&mut self, option: &Given<'a>) -> Result<String, String> {
        if let Some(value) = option.value {
            return Ok(value.to_owned());
        }
        let next = self.rest.as_slice().first();
        match next.filter(|next| !next.starts_with('-') || next.contains(' ')) {
            Some(value) => {
                self.rest.next();
                Ok(value.clone())
            }
            None => Err(format!("argument {}: expected one argument", option.name)),
        }
    }

    /// The values of an option that takes several: all up to the next option.
    fn values(&mut self, option: &Given<'a>) -> Vec<String> {
        let mut values: Vec<String> = option.value.map(str::to_owned).into_iter().collect();
        while values.is_empty() || option.value.is_none() {
            match self.rest.as_slice().first() {
                Some(next) if !next.starts_with('-') => {
                    values.extend(self.rest.next().cloned());
                }
                _ => break,
            }
        }
        values
    }
}

/// An option as it was typed.
#[derive(Clone, Copy)]
struct Given<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl<'a> Given<'a> {
    fn of(argument: &'a str) -> Self {
        if argument.starts_with("--") {
            return match argument.split_once('=') {
                Some((name, value)) => Self {
                    name,
                    value: Some(value),
                },
                None => Self {
                    name: argument,
                    value: None,
                },
            };
        }
        match argument.char_indices().nth(2) {
            // `-ojson` and `-o=json`.
            Some((at, _)) if argument.starts_with('-') => Self {
                name: &argument[..at],
                value: Some(argument[at..].strip_prefix('=').unwrap_or(&argument[at..])),
            },
            _ => Self {
                name: argument,
                value: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Line, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        super::read(&arguments, Format::default())
    }

    #[test]
    fn the_command_lines_of_the_sdks_are_read() {
        for line in [
            "account get-access-token --output json --resource https://x --tenant t --subscription s",
            "account get-access-token -o json --resource=https://x -t t -s s",
            "account get-access-token --resource https://x --tenant=t --name s -o=json",
            "account get-access-token -n s -tt -ojson --resource https://x --only-show-errors --debug",
        ] {
            let Ok(Line {
                command: Command::GetAccessToken(asked),
                global,
            }) = read(line)
            else {
                panic!("{line}");
            };
            assert_eq!(asked.resource.as_deref(), Some("https://x"), "{line}");
            assert_eq!(asked.tenant.as_deref(), Some("t"), "{line}");
            assert_eq!(asked.subscription.as_deref(), Some("s"), "{line}");
            assert_eq!(global.format, Format::Json, "{line}");
        }
    }

    #[test]
    fn several_scopes_end_at_the_next_option() {
        let line = read("account get-access-token --scope a b -o tsv --tenant t").unwrap();
        let Command::GetAccessToken(asked) = line.command else {
            panic!("{line:?}");
        };
        assert_eq!(asked.scopes, ["a", "b"]);
        assert_eq!(line.global.format, Format::Tsv);
    }

    #[test]
    fn what_is_wrong_is_said_in_azs_words() {
        for (line, wrong) in [
            ("account show --bogus", "unrecognized arguments: --bogus"),
            ("account show x y", "unrecognized arguments: x y"),
            (
                "account set",
                "the following arguments are required: --subscription/-s/--name/-n",
            ),
            (
                "account get-access-token --resource",
                "argument --resource: expected one argument",
            ),
            (
                "account list --output bogus",
                "az account list: 'bogus' is not a valid value for '--output'. Allowed values: json, jsonc, yaml, yamlc, table, tsv, none.",
            ),
        ] {
            assert_eq!(read(line).unwrap_err(), wrong, "{line}");
        }
    }

    #[test]
    fn a_sign_in_as_the_machines_own_identity_is_known() {
        for line in [
            "login --identity",
            "login -i --allow-no-subscriptions -o none",
        ] {
            let read = read(line).unwrap().command;
            assert!(matches!(read, Command::LoginIdentity), "{line}: {read:?}");
        }
    }

    #[test]
    fn every_other_command_is_azure_clis() {
        for (line, name) in [
            ("storage blob list -o json", "storage blob list"),
            ("account clear", "account clear"),
            ("login", "login"),
            ("login --identity --client-id x", "login"),
            ("login --identity --help", "login"),
            ("version extra", "version extra"),
        ] {
            match read(line).unwrap().command {
                Command::Other(own) => assert_eq!(own, name),
                other => panic!("{line}: {other:?}"),
            }
        }
        for line in ["", "--help", "account -h", "account show --help", "account"] {
            assert!(
                matches!(read(line).unwrap().command, Command::Help),
                "{line}"
            );
        }
    }
}
