//! A command line that clap rejected, as a failure: what is wrong, and what to type instead.

use crate::{
    failure::{Failure, Kind},
    given::without_secrets,
    words,
};
use azcred::Fix;
use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::ffi::OsString;

/// The fix for a command line with a secret.
const SECRET_FIX: &str = "give a secret on standard input (`azcred login --service-principal … < FILE`), and a token or a \
                          certificate as the path of a file that only you can read";

/// clap's error as a failure, without the secrets among `arguments`. `root` has all commands.
pub(crate) fn failure(
    error: &Error,
    root: &clap::Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Failure {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let (why, has_secret) = without_secrets(&why(error), arguments.iter().cloned());
    let command = command(root, &arguments, error);
    let help = format!("`{command} --help` shows what it takes");
    let failure = Failure::new(Kind::Usage, "could not read the command line", why)
        .titled(format!("wrong usage of `{command}`"));
    if has_secret {
        return failure.fix(format!(
            "other users can see the arguments of a command: {SECRET_FIX}"
        ));
    }
    let other = other_command(error, &command, &arguments).map(Fix::from);
    let fixes = other.into_iter().chain(suggested(error));
    let fixes = fixes.chain([Fix::from(help)]);
    match fixes.reduce(Fix::or) {
        Some(fix) => {
            let (text, _) = without_secrets(&words::fix(&fix), arguments);
            match text == words::fix(&fix) {
                true => failure.fix(fix),
                false => failure.fix(text),
            }
        }
        None => failure,
    }
}

/// The command that was given, such as `azcred account use`, up to a name that no command has.
fn command(root: &clap::Command, arguments: &[OsString], error: &Error) -> String {
    let mut at = root;
    let mut names = vec![root.get_name()];
    let no_command = match error.kind() {
        ErrorKind::InvalidSubcommand => strings(error, ContextKind::InvalidSubcommand),
        _ => Vec::new(),
    };
    let is_end = |one: &OsString| *one == "--" || no_command.iter().any(|name| *one == **name);
    for argument in arguments.iter().skip(1).take_while(|one| !is_end(one)) {
        if let Some(inner) = argument.to_str().and_then(|name| at.find_subcommand(name)) {
            at = inner;
            names.push(inner.get_name());
        }
    }
    names.join(" ")
}

/// The command that does what was meant, where two of them are alike.
fn other_command(error: &Error, command: &str, arguments: &[OsString]) -> Option<&'static str> {
    let unknown = strings(error, ContextKind::InvalidArg);
    match command {
        "azcred serve" if arguments.iter().any(|one| one == "--") => {
            Some("run one program with `azcred exec -- PROGRAM`")
        }
        "azcred exec" if unknown.iter().any(|one| option(one) == "--for") => {
            Some("serve tokens for a time with `azcred serve --for 2h`")
        }
        _ => None,
    }
}

/// What is wrong, as one sentence.
fn why(error: &Error) -> String {
    let argument = option(&strings(error, ContextKind::InvalidArg).join(", "));
    let value = strings(error, ContextKind::InvalidValue).join(", ");
    match error.kind() {
        ErrorKind::InvalidValue | ErrorKind::ValueValidation if value.is_empty() => {
            format!("{argument} needs a value{}", possible(error))
        }
        ErrorKind::InvalidValue => format!("{argument} can't be '{value}'{}", possible(error)),
        ErrorKind::ValueValidation => {
            format!("{argument} can't be '{value}'{}", reason(error))
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            format!("there is no option {argument}")
        }
        ErrorKind::UnknownArgument => format!("it takes no argument '{argument}'"),
        ErrorKind::InvalidSubcommand => {
            let name = strings(error, ContextKind::InvalidSubcommand).join(" ");
            format!("there is no command '{name}'")
        }
        ErrorKind::MissingSubcommand => {
            let names = strings(error, ContextKind::ValidSubcommand).join(", ");
            format!("it needs one of these commands: {names}")
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = strings(error, ContextKind::InvalidArg);
            format!("it needs {}", missing.join(" and "))
        }
        ErrorKind::ArgumentConflict => {
            let others = strings(error, ContextKind::PriorArg);
            let others: Vec<String> = others.iter().map(|one| option(one)).collect();
            // A command, or an argument in its place.
            let inner = strings(error, ContextKind::InvalidSubcommand).join(" ");
            if argument.is_empty() {
                return format!("'{inner}' can't be used with {}", others.join(", "));
            }
            match others.iter().all(|other| *other == argument) {
                true => format!("{argument} can be given only once"),
                false => format!("{argument} can't be used with {}", others.join(", ")),
            }
        }
        ErrorKind::TooManyValues => format!("{argument} takes no further value '{value}'"),
        ErrorKind::NoEquals => format!("{argument} takes its value after an equals sign"),
        ErrorKind::InvalidUtf8 => "an argument is not valid UTF-8".to_owned(),
        _ => first_paragraph(&error.to_string()),
    }
}

/// Why the value's own parser rejected it.
fn reason(error: &Error) -> String {
    let Some(source) = std::error::Error::source(error) else {
        return String::new();
    };
    match source.downcast_ref::<azcred::Error>() {
        Some(error) => format!(": {}", error.why()),
        None => format!(": {source}"),
    }
}

/// The values that an option takes.
fn possible(error: &Error) -> String {
    match &strings(error, ContextKind::ValidValue)[..] {
        [] => String::new(),
        values => format!("; its values are {}", values.join(", ")),
    }
}

/// What to type instead, as far as it is known.
fn suggested(error: &Error) -> impl Iterator<Item = Fix> {
    let of_value = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<azcred::Error>())
        .and_then(azcred::Error::fix)
        .cloned();
    let similar = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    let similar = similar
        .into_iter()
        .flat_map(|kind| strings(error, kind))
        .map(|name| Fix::from(format!("you may mean `{name}`")));
    of_value.into_iter().chain(similar)
}

/// An argument's name without the placeholder of its value: `--store` of `--store <PLACE>`.
fn option(argument: &str) -> String {
    match argument.split_once(" <") {
        Some((name, _)) if argument.starts_with('-') => name.to_owned(),
        _ => argument.to_owned(),
    }
}

/// The texts that clap keeps of one kind.
fn strings(error: &Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => vec![text.clone()],
        Some(ContextValue::Strings(texts)) => texts.clone(),
        _ => Vec::new(),
    }
}

/// The first paragraph of clap's own text, on one line.
fn first_paragraph(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    let lines: Vec<&str> = lines.map(str::trim).collect();
    lines.join(" ").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::Arguments,
        output::failure::{Sources, text},
    };
    use clap::{CommandFactory, Parser};

    /// The failure as a screen and a script show it.
    fn shown(error: &Error, arguments: impl IntoIterator<Item = OsString>) -> String {
        let failure = failure(error, &Arguments::command(), arguments);
        let screen = text(&failure, 80, Sources::Whole);
        format!("{screen}\n{}", serde_json::to_string(&failure).unwrap())
    }

    /// Secrets as people paste them into a command line.
    const SECRETS: [&str; 7] = [
        "eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
        "Bearer eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
        "-----BEGIN PRIVATE KEY-----\nTopSecretValue\n-----END PRIVATE KEY-----",
        "MIIJqQIBAzCCCW8GTopSecretValue",
        "abc8Q~TopSecretValue.0123456789-abcdefgh",
        "kX8Q~TopSecretValue0123456789abcdefghijk",
        "https://user:TopSecretValue@proxy.example:8080",
    ];

    /// Each value of each command, as a command line up to it and the option's name.
    fn values_of(command: &clap::Command, line: &[String]) -> Vec<(Vec<String>, String)> {
        // A program inside the emulator has its own arguments.
        let own = command
            .get_arguments()
            .filter(|one| one.get_action().takes_values() && !one.is_trailing_var_arg_set());
        let mut found: Vec<_> = own
            .map(|one| {
                let option = one
                    .get_long()
                    .map_or(String::new(), |long| format!("--{long}"));
                (line.to_vec(), option)
            })
            .collect();
        for inner in command.get_subcommands() {
            if inner.get_name() != "help" {
                let line = [line, &[inner.get_name().to_owned()]].concat();
                found.extend(values_of(inner, &line));
            }
        }
        found
    }

    #[test]
    fn a_wrong_command_is_not_taken_for_one_of_its_arguments() {
        let arguments = ["azcred", "emulatr", "exec", "--", "x"].map(OsString::from);
        let error = Arguments::try_parse_from(&arguments).err().unwrap();
        let shown = shown(&error, arguments);
        assert!(
            shown.contains("wrong usage of `azcred`") && !shown.contains("azcred exec"),
            "{shown}"
        );
        assert!(shown.contains("no command 'emulatr'"), "{shown}");
    }

    #[test]
    fn a_secret_in_place_of_any_value_is_refused_and_not_shown() {
        let mut command = Arguments::command();
        command.build();
        let found = values_of(&command, &["azcred".to_owned()]);
        assert!(found.len() > 60, "{}", found.len());
        let (mut refused, mut paths) = (0, 0);
        for (line, option) in found {
            for secret in SECRETS {
                let spellings = match option.as_str() {
                    "" => vec![vec![secret.to_owned()]],
                    option => vec![
                        vec![option.to_owned(), secret.to_owned()],
                        vec![format!("{option}={secret}")],
                    ],
                };
                for spelling in spellings {
                    let line = [&line[..], &spelling].concat();
                    let Err(error) = Arguments::try_parse_from(&line) else {
                        // It may be the name of something: only its form is random.
                        assert!(secret.starts_with("kX8Q"), "{line:?} is accepted");
                        continue;
                    };
                    refused += 1;
                    let arguments = line.iter().map(OsString::from);
                    let text = shown(&error, arguments);
                    assert!(!text.contains("TopSecret"), "{line:?}: {text}");
                    if text.contains("must be the path of a file") {
                        paths += 1;
                        assert!(text.contains("standard input"), "{line:?}: {text}");
                    }
                }
            }
        }
        assert!(refused > 500, "{refused}");
        assert!(paths > 40, "{paths}");
    }

    #[test]
    fn a_secret_of_an_option_that_does_not_exist_is_not_shown() {
        for secret in SECRETS {
            for line in [
                &[secret][..],
                &["login", secret],
                &["login", &format!("--password={secret}")],
                &["login", &format!("-p{secret}")],
                &["token", "--only", &format!("azure-cli,{secret}")],
            ] {
                let line = [&["azcred"], line].concat();
                let error = Arguments::try_parse_from(&line).err().expect("it is wrong");
                let arguments = line.iter().map(OsString::from);
                let text = shown(&error, arguments);
                assert!(!text.contains("TopSecret"), "{line:?}: {text}");
            }
        }
    }

    /// The headline, the cause and the fixes of an invalid command line.
    fn of(line: &str) -> [String; 3] {
        let error = Arguments::try_parse_from(line.split(' '))
            .err()
            .expect("it is wrong");
        let failure = failure(
            &error,
            &Arguments::command(),
            line.split(' ').map(OsString::from),
        );
        let fix = failure.fix.as_deref().map(words::fix);
        [
            failure.headline().into_owned(),
            failure.why,
            fix.unwrap_or_default(),
        ]
    }

    #[test]
    fn every_kind_of_wrong_usage_says_what_is_wrong_and_what_to_type() {
        for (line, headline, why, fix) in [
            (
                "azcred tokne",
                "azcred",
                "there is no command 'tokne'",
                "you may mean `token`; or `azcred --help` shows what it takes",
            ),
            (
                "azcred token --resouce x",
                "azcred token",
                "there is no option --resouce",
                "you may mean `--resource`; or `azcred token --help` shows what it takes",
            ),
            (
                "azcred whoami ada",
                "azcred whoami",
                "it takes no argument 'ada'",
                "`azcred whoami --help` shows what it takes",
            ),
            (
                "azcred login --service-principal",
                "azcred login",
                "it needs --client-id <ID> and --tenant <TENANT>",
                "`azcred login --help` shows what it takes",
            ),
            (
                "azcred login --store fle",
                "azcred login",
                "--store can't be 'fle'; its values are keyring, file",
                "you may mean `file`; or `azcred login --help` shows what it takes",
            ),
            (
                "azcred token --preset x",
                "azcred token",
                "--preset can't be 'x'; its values are azcred, azure, kedro, hi-ml",
                "`azcred token --help` shows what it takes",
            ),
            (
                "azcred token --tenant",
                "azcred token",
                "--tenant needs a value",
                "`azcred token --help` shows what it takes",
            ),
            (
                "azcred token --resource https://a --scope https://b/.default",
                "azcred token",
                "--resource can't be used with --scope",
                "`azcred token --help` shows what it takes",
            ),
            (
                "azcred token --tenant a.example --tenant b.example",
                "azcred token",
                "--tenant can be given only once",
                "`azcred token --help` shows what it takes",
            ),
            (
                "azcred token --process-timeout 0",
                "azcred token",
                "--process-timeout can't be '0': it is a number from 1 to 90",
                "`azcred token --help` shows what it takes",
            ),
            (
                "azcred serve --for 1h --allow all extra",
                "azcred serve",
                "'extra' can't be used with --for, --allow",
                "`azcred serve --help` shows what it takes",
            ),
            (
                "azcred serve -- python x.py",
                "azcred serve",
                "there is no command 'python'",
                "run one program with `azcred exec -- PROGRAM`; or `azcred serve --help` shows what it takes",
            ),
            (
                "azcred exec --for 2h -- python x.py",
                "azcred exec",
                "there is no option --for",
                "serve tokens for a time with `azcred serve --for 2h`; or `azcred exec --help` shows what it takes",
            ),
            (
                "azcred serve --listen localhost:8400",
                "azcred serve",
                "--listen can't be 'localhost:8400': 'localhost' is a name; give its address, such as 127.0.0.1:8400",
                "`azcred serve --help` shows what it takes",
            ),
            (
                "azcred serve --listen 172.17.0.1",
                "azcred serve",
                "--listen can't be '172.17.0.1': the port is missing, as in 172.17.0.1:8400",
                "`azcred serve --help` shows what it takes",
            ),
            (
                "azcred token --no-input=yes",
                "azcred token",
                "--no-input takes no further value 'yes'",
                "`azcred token --help` shows what it takes",
            ),
        ] {
            assert_eq!(
                of(line),
                [
                    format!("wrong usage of `{headline}`"),
                    why.to_owned(),
                    fix.to_owned()
                ],
                "{line}"
            );
        }
    }

    #[test]
    fn the_fix_of_a_value_is_the_one_of_its_own_error() {
        let [_, why, fix] = of("azcred token --tenant con%toso");
        assert!(
            why.starts_with("--tenant can't be 'con%toso': a tenant is a GUID"),
            "{why}"
        );
        assert!(
            fix.starts_with("find its id with `azcred tenant DOMAIN`"),
            "{fix}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn an_argument_that_is_not_utf_8_is_said() {
        use std::os::unix::ffi::OsStringExt;
        let line = ["azcred", "token", "--tenant"].map(OsString::from);
        let line = [&line[..], &[OsString::from_vec(b"\xff".to_vec())]].concat();
        let error = Arguments::try_parse_from(&line).err().expect("it is wrong");
        assert_eq!(
            failure(&error, &Arguments::command(), line).why,
            "an argument is not valid UTF-8"
        );
    }
}
