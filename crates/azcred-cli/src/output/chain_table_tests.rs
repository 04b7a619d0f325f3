use super::*;

/// A laptop on which Azure CLI returned a token after other sources were ruled out, one of them
/// late.
fn laptop() -> Vec<Row<'static>> {
    use Verdict::{Chosen, Excluded, NotNeeded, Unavailable};
    let look = |source, verdict, reason: &'static str, micros| Row {
        source,
        verdict,
        reason: reason.into(),
        started: None,
        took: Duration::from_micros(micros),
        asks_person: false,
        is_absent: false,
        is_unwanted: false,
        switched_off_by: None,
        is_shown: false,
    };
    let asked = |source, verdict, reason: &'static str, started, took| Row {
        source,
        verdict,
        reason: reason.into(),
        started: Some(Duration::from_millis(started)),
        took: Duration::from_millis(took),
        asks_person: false,
        is_absent: false,
        is_unwanted: false,
        switched_off_by: None,
        is_shown: false,
    };
    vec![
        look(
            "environment",
            Unavailable,
            "AZURE_TENANT_ID and AZURE_CLIENT_ID are set and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH is not",
            12,
        ),
        look(
            "workload-identity",
            Unavailable,
            "AZURE_FEDERATED_TOKEN_FILE is not set",
            3,
        ),
        look(
            "github-actions",
            Unavailable,
            "not in a GitHub Actions job",
            1,
        ),
        look("azure-pipelines", Excluded, "it was excluded", 0),
        look(
            "azureml-on-behalf-of",
            Unavailable,
            "OBO_ENDPOINT is not set",
            1,
        ),
        asked(
            "managed-identity",
            Unavailable,
            "nobody answered at 169.254.169.254",
            0,
            300,
        ),
        look(
            "visual-studio-code",
            Unavailable,
            "nobody is signed in: sign in with the command `Azure: Sign In`",
            90,
        ),
        asked(
            "azure-cli",
            Chosen,
            "/usr/bin/az, as ada@contoso.com",
            250,
            412,
        ),
        look(
            "azure-powershell",
            NotNeeded,
            "a source before it decided",
            5,
        ),
        look(
            "azure-developer-cli",
            NotNeeded,
            "a source before it decided",
            4,
        ),
    ]
}

const WHOLE: Duration = Duration::from_millis(662);

fn plain(lines: &[String]) -> String {
    anstream::adapter::strip_str(&lines.join("\n")).to_string()
}

fn shown(columns: usize, unicode: bool) -> String {
    plain(&table(&laptop(), WHOLE, Screen::of_width(columns, unicode)))
}

fn assert_shown(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// The same machine without any sign-in.
fn not_signed_in() -> Vec<Row<'static>> {
    let mut rows = laptop();
    for row in &mut rows {
        row.started = None;
        row.took = Duration::from_micros(20);
        row.verdict = Verdict::Unavailable;
    }
    rows[3].reason = "not in an Azure Pipelines job".into();
    rows[7].reason = "Azure CLI is not installed: there is no `az` on PATH".into();
    rows[8].reason = "Azure PowerShell is not installed: there is no `pwsh` on PATH".into();
    rows[9].reason = "Azure Developer CLI is not installed: there is no `azd` on PATH".into();
    rows
}

/// A service principal in the variables, which decides before all others.
fn first(verdict: Verdict, reason: &'static str) -> Vec<Row<'static>> {
    let mut rows = not_signed_in();
    for row in &mut rows[1..] {
        row.verdict = Verdict::NotNeeded;
        row.reason = "a source before it decided".into();
    }
    rows[0] = Row {
        source: "environment",
        verdict,
        reason: reason.into(),
        started: Some(Duration::from_millis(1)),
        took: Duration::from_millis(180),
        asks_person: false,
        is_absent: false,
        is_unwanted: false,
        switched_off_by: None,
        is_shown: false,
    };
    rows
}

/// The same machine, on which a person would be prompted next.
fn person() -> Vec<Row<'static>> {
    let mut rows = not_signed_in();
    rows.push(Row {
        source: "interactive-browser",
        verdict: Verdict::WouldAsk,
        reason: "the browser that xdg-open opens".into(),
        started: None,
        took: Duration::from_micros(90),
        asks_person: false,
        is_absent: false,
        is_unwanted: false,
        switched_off_by: None,
        is_shown: false,
    });
    rows.push(Row {
        source: "device-code",
        verdict: Verdict::NotNeeded,
        reason: "a source before it decided".into(),
        started: None,
        took: Duration::from_micros(2),
        asks_person: false,
        is_absent: false,
        is_unwanted: false,
        switched_off_by: None,
        is_shown: false,
    });
    rows
}

#[test]
fn the_deciding_source_is_marked_at_both_widths() {
    let drift = "/home/ada/project/azcred.toml expects the tenant \
                 72f988bf-86f1-41af-91ab-2d7cd011db47, but the token from environment belongs to the tenant \
                 c0a70500-0000-4000-8000-000000000001";
    let mut shown = String::new();
    for (title, rows) in [
        ("nobody", not_signed_in()),
        (
            "a refusal",
            first(Verdict::Refused, "the client secret has expired"),
        ),
        ("drift", first(Verdict::WrongAccount, drift)),
        ("a person", person()),
    ] {
        for columns in [80, 120] {
            let screen = Screen::of_width(columns, true);
            let lines = table(&rows, Duration::from_millis(181), screen);
            shown.push_str(&format!("{title}, {columns}\n{}\n\n", plain(&lines)));
        }
    }
    assert_shown("table-decided", &shown);
}

#[test]
fn reasons_are_in_the_table_on_a_wide_screen_and_below_on_a_narrow_one() {
    assert_shown("table-120", &shown(120, true));
    assert_shown("table-80", &shown(80, true));
    assert_shown("table-ascii", &shown(80, false));
    assert!(shown(80, false).is_ascii());
}

#[test]
fn no_line_is_wider_than_the_screen_and_no_word_is_missing() {
    let words = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = text
            .split_whitespace()
            .filter(|word| word.chars().any(char::is_alphabetic))
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words
    };
    let everything: Vec<String> = laptop().iter().flat_map(|row| words(&row.reason)).collect();
    for columns in 48..160 {
        let shown = shown(columns, true);
        for line in shown.lines() {
            let width = line.chars().count();
            assert!(width <= columns, "{width} of {columns}: {line}");
        }
        let there = words(&shown);
        for word in &everything {
            assert!(there.contains(word), "{word} at {columns}\n{shown}");
        }
    }
}

#[test]
fn without_a_screen_each_source_is_one_line() {
    let shown = shown(usize::MAX, true);
    assert_eq!(shown.lines().count(), 11, "{shown}");
}

#[test]
fn colours_change_nothing_but_colours() {
    let coloured = table(&laptop(), WHOLE, Screen::of_width(80, true));
    assert!(
        coloured.iter().all(|line| !line.contains("\u{1b}[38")),
        "a theme's own colours only"
    );
    assert_eq!(coloured.len(), plain(&coloured).lines().count());
    let words = plain(&coloured);
    assert!(
        words.contains("✓ azure-cli") && words.contains("chosen"),
        "{words}"
    );
}

#[test]
fn a_bar_starts_and_ends_with_its_source() {
    let bar_of = |started, took| {
        let row = Row {
            source: "s",
            verdict: Verdict::Chosen,
            reason: "".into(),
            started: Some(Duration::from_millis(started)),
            took: Duration::from_millis(took),
            asks_person: false,
            is_absent: false,
            is_unwanted: false,
            switched_off_by: None,
            is_shown: false,
        };
        bar(&row, Duration::from_millis(800), 8, true)
    };
    assert_eq!(bar_of(0, 800), "████████");
    assert_eq!(bar_of(400, 200), "    ██");
    assert_eq!(bar_of(100, 50), " ▌");
    assert_eq!(bar_of(0, 0), "▏", "it was there");
    assert_eq!(bar_of(800, 0), "       █", "at the end");
    assert_eq!(
        bar_of(900, 900).chars().count(),
        8,
        "never out of its columns"
    );
    let in_no_time = Row {
        started: Some(Duration::ZERO),
        ..laptop()[0].clone()
    };
    let columns = bar(&in_no_time, Duration::ZERO, 8, true).chars().count();
    assert!((1..=8).contains(&columns));
}

#[test]
fn the_tried_sources_are_listed_below_an_error() {
    let mut rows = laptop();
    rows.truncate(8);
    rows[7].verdict = Verdict::Refused;
    rows[7].reason = "the password has expired; sign in with `az login`".into();
    assert_shown("short-80", &plain(&short_rows(&rows, 70, true)));
    // The table does not repeat the error above.
    rows[7].is_shown = true;
    let above = short_rows(&rows, 70, true);
    assert_eq!(
        plain(&above).lines().last(),
        Some("azure-cli             refused")
    );
    let person = plain(&short_rows(&person(), 70, true));
    assert_eq!(
        person.lines().last(),
        Some("interactive-browser   would ask: the browser that xdg-open opens")
    );
    // For a single source, the error says the same.
    assert!(short_rows(&rows[..1], 70, true).is_empty());
    rows[0].verdict = Verdict::Refused;
    rows[1..]
        .iter_mut()
        .for_each(|row| row.verdict = Verdict::NotNeeded);
    assert!(short_rows(&rows, 70, true).is_empty());
}

#[test]
fn reasons_of_every_script_fit_the_screen() {
    let mut rows = laptop();
    for row in &mut rows {
        row.reason = "サインインしているアカウントは ありません: 証明書の ファイル が 見つかりません でした 🚀".into();
    }
    for columns in [60, 80, 120] {
        for line in table(&rows, WHOLE, Screen::of_width(columns, true)) {
            assert!(width_of(&line) <= columns, "{columns}: {line}");
        }
    }
    let rows: Vec<Row<'_>> = rows.into_iter().collect();
    for line in short_rows(&rows, 50, true) {
        assert!(width_of(&line) <= 50, "{line}");
    }
}

#[test]
fn sources_that_were_not_requested_have_no_row_and_excluded_ones_share_a_line() {
    let mut rows = laptop();
    let count = rows.len();
    for row in &mut rows[..count - 2] {
        *row = Row {
            verdict: Verdict::Excluded,
            is_unwanted: true,
            ..row.clone()
        };
    }
    for row in &mut rows[count - 2..] {
        *row = Row {
            verdict: Verdict::Excluded,
            reason: "it was excluded".into(),
            ..row.clone()
        };
    }
    let names = [rows[count - 2].source, rows[count - 1].source];
    let (left, lines) = folded(rows, 200);
    assert!(left.is_empty(), "{left:?}");
    let words = plain(&lines);
    assert!(
        words.contains(&format!(
            "excluded, as it was excluded: {}",
            names.join(", ")
        )),
        "{words}"
    );
    assert_eq!(lines.len(), 2, "and how to see more: {words}");
}
