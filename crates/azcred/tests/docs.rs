//! Compares the documentation with the code: tables of errors, Rust examples, links.
//!
//! `UPDATE_DOCS=1 cargo test -p azcred --test docs` writes the tables again.
#![cfg(feature = "default")]

use azcred::{
    EnvironmentOrder,
    chain::{AfterFailure, Preset, Settings, Source},
    entra::explain,
    system::Fixture,
};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// All of Entra ID's codes are below this.
const CODES_END: u32 = 10_000_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    let text = fs::read_to_string(&path);
    // A checkout on Windows has other line ends.
    text.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        .replace("\r\n", "\n")
}

/// Compares the text between the marks of a generated part with `wanted`.
fn check_part(page: &str, name: &str, wanted: &str) {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let text = read(page);
    let (before, rest) = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("{page} has no {begin}"));
    let (part, after) = rest
        .split_once(&end)
        .unwrap_or_else(|| panic!("{page} has no {end}"));
    if part == wanted {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{before}{begin}{wanted}{end}{after}");
        fs::write(root().join(page), text).unwrap();
        return;
    }
    let line = wanted
        .lines()
        .zip(part.lines().chain(std::iter::repeat("")))
        .find(|(wanted, found)| wanted != found);
    panic!(
        "{page} is not in step with the code; write it anew with UPDATE_DOCS=1. First: {line:#?}"
    );
}

/// The text of a table's cell, without bars, which would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', r"\|")
}

#[test]
fn every_code_of_entra_id_that_is_explained_is_in_the_page_with_its_meaning_and_fix() {
    let mut table = "| code | what it means | what fixes it |\n|---|---|---|\n".to_owned();
    let known: Vec<_> = (0..CODES_END).filter_map(explain).collect();
    assert!(known.len() > 50, "{}", known.len());
    for meaning in known {
        let fix = meaning.fix_for("{client}", "{tenant}", "{scope}");
        // As the command says it.
        let fix = azcred_words::fix(&fix, &|_| None);
        let (means, fix) = (cell(meaning.means), cell(&fix));
        writeln!(table, "| AADSTS{} | {means} | {fix} |", meaning.code).unwrap();
    }
    check_part("docs/errors.md", "entra", &table);
}

/// One cell of the table of presets: the source's position in the preset, and what its failure
/// does.
fn place(preset: Preset, source: Source) -> String {
    let lines = preset.table();
    lines
        .iter()
        .position(|(listed, _)| *listed == source)
        .map_or_else(
            || "–".to_owned(),
            |index| match lines[index].1 {
                AfterFailure::End => format!("{}, ends", index + 1),
                AfterFailure::GoOn => format!("{}, goes on", index + 1),
                AfterFailure::AskPerson => format!("{}, asks a person", index + 1),
            },
        )
}

#[test]
fn every_preset_is_in_the_page_of_the_chain_as_it_is_in_the_code() {
    let row = |title: &str, cell: &dyn Fn(Preset) -> String| {
        let cells: Vec<String> = Preset::ALL.into_iter().map(cell).collect();
        format!("| {title} | {} |\n", cells.join(" | "))
    };
    let mut table = row("source", &|preset| format!("`{preset}`"));
    table += "|---|---|---|---|---|\n";
    for source in Source::ALL {
        let title = format!("`{source}`");
        table += &row(&title, &|preset| place(preset, source));
    }
    table += &row("service principals of the environment", &|preset| {
        match preset.environment() {
            EnvironmentOrder::AzureFirst => "`AZURE_*`, then `HIML_*`",
            EnvironmentOrder::HimlFirst => "`HIML_*`, then `AZURE_*`",
            EnvironmentOrder::AzureOnly => "`AZURE_*`",
            EnvironmentOrder::HimlOnly => "`HIML_*`",
        }
        .to_owned()
    });
    table += &row("`AZURE_TOKEN_CREDENTIALS`", &|preset| {
        match preset.heeds_token_credentials() {
            true => "heeded",
            false => "not known",
        }
        .to_owned()
    });
    check_part("docs/chain.md", "presets", &table);
}

#[test]
fn every_source_is_in_the_page_of_the_chain_in_its_order() {
    let page = read("docs/chain.md");
    let listed: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("`<br>`"))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(listed, Source::ALL.map(Source::id));
    for source in Source::ALL {
        let names = format!("| `{source}`<br>`{}` |", source.credential_name());
        assert!(page.contains(&names), "{names}");
    }
}

#[test]
fn the_times_in_the_pages_are_those_of_the_code() {
    let chain = read("docs/chain.md");
    for (file, constant, told) in [
        (
            "chain/resolve.rs",
            "HEDGE: Duration = Duration::from_millis(250)",
            "for 250 ms",
        ),
        (
            "chain/mod.rs",
            "DEADLINE: Duration = Duration::from_secs(100)",
            "takes 100 s at most",
        ),
        (
            "options.rs",
            "DEADLINE: Duration = Duration::from_secs(30)",
            "| 30 s |",
        ),
        (
            "credential/developer_tool.rs",
            "DEADLINE: Duration = Duration::from_secs(10)",
            "`azd` | 10 s |",
        ),
        (
            "credential/managed_identity/imds.rs",
            "DEADLINE: Duration = Duration::from_secs(80)",
            "| 80 s |",
        ),
        (
            "credential/managed_identity/probe.rs",
            "TIME: Duration = Duration::from_secs(1)",
            "| 1 s; ",
        ),
        (
            "credential/managed_identity/probe.rs",
            "TIME_IN_AZURE: Duration = Duration::from_secs(2)",
            "; 2 s where",
        ),
        (
            "credential/managed_identity/probe.rs",
            "UNDECIDED: Duration = Duration::from_secs(10 * 60)",
            "for ten minutes",
        ),
    ] {
        let source = read(format!("crates/azcred/src/{file}"));
        assert!(source.contains(constant), "{file}: {constant}");
        assert!(chain.contains(told), "{told}");
    }
}

#[test]
fn the_settings_in_the_pages_can_be_read_and_every_key_is_documented() {
    let page = read("docs/settings.md");
    let shown = blocks(&page, "toml");
    assert_eq!(shown.len(), 2);
    let machine = Fixture::new()
        .with_var("HOME", "/home/ada")
        .with_file("/home/ada/project/azcred.toml", shown[0].as_str())
        .with_file("/home/ada/.config/azcred/config.toml", shown[1].as_str());
    let settings = Settings::find(&machine, Path::new("/home/ada/project/src")).unwrap();
    assert_eq!(settings.files.len(), 2);
    assert_eq!(settings.preset, Some(Preset::Kedro));
    assert_eq!(
        settings.exclude,
        [Source::AzurePowerShell, Source::AzureDeveloperCli]
    );
    assert_eq!(settings.expect.len(), 2);

    let source = read("crates/azcred/src/chain/settings.rs");
    let mut keys = 0;
    for (table, name) in [("ChainTable", "chain"), ("ExpectTable", "expect")] {
        let (_, fields) = source.split_once(&format!("struct {table} {{\n")).unwrap();
        let (fields, _) = fields.split_once("\n}").unwrap();
        for field in fields.lines().filter_map(|line| line.split_once(": ")) {
            let key = format!("| `{name}.{}` |", field.0.trim());
            assert!(page.contains(&key), "{key}");
            keys += 1;
        }
    }
    assert_eq!(keys, 7);

    for block in blocks(&read("docs/local-development.md"), "toml") {
        let machine = Fixture::new().with_file("/azcred.toml", block.as_str());
        let settings = Settings::find(&machine, Path::new("/")).unwrap();
        assert_eq!(settings.only, Some(vec![Source::AzureCli]));
    }

    let misspelt = Fixture::new().with_file(
        "/home/ada/project/azcred.toml",
        "[expect]\ntennant = \"72f988bf-86f1-41af-91ab-2d7cd011db47\"\n",
    );
    let error = Settings::find(&misspelt, Path::new("/home/ada/project")).unwrap_err();
    for part in [error.what(), error.why(), &error.fix().unwrap().to_string()] {
        assert!(page.contains(part), "{part}");
    }
}

/// The code blocks of a page in this language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if info == language {
                blocks.push(block.join("\n"));
            }
        }
    }
    blocks
}

#[test]
fn the_rust_in_the_pages_is_part_of_an_example_that_compiles() {
    let example: Vec<String> = read("crates/azcred/examples/guide.rs")
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line).to_owned())
        .collect();
    let example = example.join("\n");
    let mut shown = 0;
    for page in ["README.md", "docs/library.md"] {
        for block in blocks(&read(page), "rust") {
            assert!(
                example.contains(&block),
                "{page} shows Rust that examples/guide.rs has not:\n{block}"
            );
            shown += 1;
        }
    }
    assert!(shown > 5, "{shown}");
}

fn pages() -> Vec<String> {
    let mut pages: Vec<String> = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ]
    .map(str::to_owned)
    .into();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    pages
}

/// The text outside of code.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for part in line.split('`').step_by(2) {
                prose.push_str(part);
            }
            prose.push('\n');
        }
    }
    prose
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    text.lines()
        .filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced && line.starts_with('#')
        })
        .map(|heading| {
            heading
                .trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_link_within_the_documentation_leads_somewhere() {
    let mut followed = 0;
    for page in pages() {
        let text = read(&page);
        for link in prose(&text).split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => root().join(&page),
                file => root().join(&page).parent().unwrap().join(file),
            };
            assert!(
                target.exists(),
                "{page} links to {link}, which is not there"
            );
            if !anchor.is_empty() {
                let there = anchors(&fs::read_to_string(&target).unwrap());
                assert!(there.contains(anchor), "{page} links to {link}: {there:?}");
            }
            followed += 1;
        }
    }
    assert!(followed > 20, "{followed}");
}

#[test]
fn every_page_of_the_book_is_in_its_table_of_contents() {
    let contents = read("docs/SUMMARY.md");
    for page in pages() {
        if let Some(name) = page
            .strip_prefix("docs/")
            .filter(|name| *name != "SUMMARY.md")
        {
            assert!(contents.contains(&format!("]({name})")), "{name}");
        }
    }
}

#[test]
fn every_option_of_the_command_line_is_in_the_page_of_commands() {
    let page = read("docs/commands.md");
    let mut looked_at = 0;
    for entry in fs::read_dir(root().join("crates/azcred-cli/tests/cli/snapshots")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.starts_with("help") || !name.ends_with(".snap") {
            continue;
        }
        let help = read(format!("crates/azcred-cli/tests/cli/snapshots/{name}"));
        for line in help.lines() {
            // `-h, --help` and `    --seed <FILE>`, but no example.
            let line = line.trim_start();
            let short = line.starts_with('-') && line.get(2..4) == Some(", ");
            let line = if short { &line[4..] } else { line };
            if let Some(option) = line.split([' ', '.']).next()
                && option.starts_with("--")
                && option.len() > 3
            {
                assert!(page.contains(&format!("`{option}")), "{name}: {option}");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

/// The source files of a crate without its tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "fixture.rs" {
            found.push(path);
        }
    }
}

/// The source text of all crates with messages, with every string on one line.
fn all_sources() -> String {
    let mut files = Vec::new();
    for name in ["azcred", "azcred-azure", "azcred-endpoint", "azcred-cli"] {
        sources(&root().join("crates").join(name).join("src"), &mut files);
    }
    let mut all = String::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            // A string that continues on the next line (Rust reference, 'String continuation
            // escapes').
            let mut whole = line.to_owned();
            while let Some(part) = whole.strip_suffix('\\') {
                whole = format!("{part}{}", lines.next().unwrap_or_default().trim_start());
            }
            all.push_str(&whole);
            all.push('\n');
        }
    }
    all
}

#[test]
fn every_message_that_the_troubleshooting_page_quotes_is_in_the_code() {
    let said = all_sources();
    let page = read("docs/troubleshooting.md");
    let mut quoted = 0;
    for seen in page.lines().filter_map(|line| line.strip_prefix("| ")) {
        let seen = seen.split(" | ").next().unwrap_or_default();
        for message in seen.split('`').skip(1).step_by(2) {
            // Placeholders for names and numbers are left out.
            let is_gap = |c: char| c == '…' || c.is_ascii_digit();
            for part in message.split(is_gap).map(str::trim) {
                if part.contains(' ') && !part.starts_with("az ") {
                    assert!(said.contains(part), "{part}");
                    quoted += 1;
                }
            }
        }
    }
    assert!(quoted > 20, "{quoted}");
}

/// Texts that look like variables' names in the sources but are not.
const NO_VARIABLES: [&str; 6] = [
    // Of the build.
    "AZCRED_VERSION",
    "CA_BUNDLE",
    "CLIENT_ID",
    "MY_SECRET",
    "OBJECT_ID",
    "TOKEN_FILE",
];

#[test]
fn every_variable_that_is_read_is_in_the_page_of_variables() {
    let page = read("docs/variables.md");
    let mut files = Vec::new();
    for name in ["azcred", "azcred-azure", "azcred-endpoint", "azcred-cli"] {
        sources(&root().join("crates").join(name).join("src"), &mut files);
    }
    let mut found = BTreeSet::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap().replace("\r\n", "\n");
        let source = source.split("#[cfg(test)]\nmod").next().unwrap();
        // Names of one word can't be told from other words.
        let is_name = |text: &&str| {
            text.len() > 3
                && text.contains('_')
                && !text.starts_with('_')
                // The start of several names.
                && !text.ends_with('_')
                && text
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        found.extend(source.split('"').filter(is_name).map(str::to_owned));
        for one in [
            "HOME",
            "USERPROFILE",
            "APPDATA",
            "LOCALAPPDATA",
            "PATH",
            "SHELL",
            "TERM",
            "LANG",
        ] {
            if source.contains(&format!("\"{one}\"")) {
                found.insert(one.to_owned());
            }
        }
    }
    assert!(found.len() > 70, "{found:?}");
    for name in found {
        if name.starts_with("CARGO_") || NO_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        let there = [format!("`{name}`"), format!("`%{name}%`")];
        assert!(there.iter().any(|form| page.contains(form)), "{name}");
    }
}
