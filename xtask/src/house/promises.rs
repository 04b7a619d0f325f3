//! Every promise in the tables of `SECURITY.md` names its tests, and the tests exist.

use super::source::File;
use std::collections::BTreeMap;

/// The page with the promises.
pub(super) const PAGE: &str = "SECURITY.md";

/// The head of a table of promises: what is attacked, how azcred defends it, and the tests.
const HEAD: [&str; 3] = ["against", "by", "tests"];

/// A test's name, and the files that have a test of that name.
pub(super) type Tests = BTreeMap<String, Vec<String>>;

/// Adds the tests of a Rust file: functions with an attribute that ends in `test`.
pub(super) fn add_rust(tests: &mut Tests, file: &File) {
    let mut is_test = false;
    for line in file.text.lines().map(str::trim) {
        if let Some(attribute) = line.strip_prefix("#[") {
            let end = |c: char| !c.is_alphanumeric() && c != ':' && c != '_';
            let name = attribute.split(end).next().unwrap_or("");
            is_test |= name.rsplit("::").next() == Some("test");
            continue;
        }
        let declaration = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = declaration.strip_prefix("fn ") {
            if is_test {
                add(tests, rest, &file.path.display().to_string());
            }
            is_test = false;
        }
    }
}

/// Adds the tests of a Python file: functions whose name begins with `test_`.
pub(super) fn add_python(tests: &mut Tests, path: &str, text: &str) {
    for line in text.lines() {
        let declaration = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = declaration.strip_prefix("def ")
            && rest.starts_with("test_")
        {
            add(tests, rest, path);
        }
    }
}

fn add(tests: &mut Tests, declaration: &str, path: &str) {
    let name = declaration.split(['(', '<']).next().unwrap_or("");
    tests
        .entry(name.to_owned())
        .or_default()
        .push(path.to_owned());
}

/// Promises without a test, and tests that don't exist or whose name several tests have.
pub(super) fn check(page: &str, tests: &Tests) -> Vec<String> {
    let mut findings = Vec::new();
    let mut in_table = false;
    let mut promises = 0;
    for (at, line) in page.lines().enumerate() {
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        if !line.trim_start().starts_with('|') {
            in_table = false;
        } else if cells == HEAD {
            in_table = true;
        } else if cells.first() == Some(&HEAD[0]) {
            findings.push(format!(
                "{PAGE}:{}: the table has no column `tests`",
                at + 1
            ));
        } else if in_table && !cells[0].starts_with("---") {
            promises += 1;
            findings.extend(promise(at + 1, &cells, tests));
        }
    }
    if promises == 0 {
        findings.push(format!("{PAGE}: no table of promises"));
    }
    findings
}

fn promise(line: usize, cells: &[&str], tests: &Tests) -> Vec<String> {
    let place = format!("{PAGE}:{line}");
    // The odd pieces are between two backticks.
    let named = cells.get(2).copied().unwrap_or("").split('`');
    let named: Vec<&str> = named.skip(1).step_by(2).collect();
    if named.is_empty() {
        return vec![format!("{place}: this promise names no test")];
    }
    let mut findings = Vec::new();
    for name in named {
        match tests.get(name).map_or(&[][..], Vec::as_slice) {
            [] => findings.push(format!("{place}: no test has the name `{name}`")),
            [_] => {}
            several => findings.push(format!(
                "{place}: {} tests have the name `{name}`: {}",
                several.len(),
                several.join(", ")
            )),
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests() -> Tests {
        let mut tests = Tests::new();
        let rust = "#[test]\nfn one() {}\n#[tokio::test(flavor = \"multi_thread\")]\n#[cfg(unix)]\n\
                    async fn two() {}\nfn helper() {}\nproptest! {\n #[test]\n fn three(a in 0..2) {}\n}\n\
                    #[cfg(test)]\nfn fixture() {}";
        add_rust(
            &mut tests,
            &File::parse("a.rs".into(), rust.into()).unwrap(),
        );
        add_python(
            &mut tests,
            "b.py",
            "def test_four(az):\n    pass\ndef helper(): pass",
        );
        tests
    }

    fn page(rows: &str) -> Vec<String> {
        check(
            &format!("# Security\n\n| against | by | tests |\n|---|---|---|\n{rows}\n"),
            &tests(),
        )
    }

    #[test]
    fn tests_are_found_in_rust_and_python() {
        let names: Vec<String> = tests().into_keys().collect();
        assert_eq!(names, ["one", "test_four", "three", "two"]);
    }

    #[test]
    fn a_promise_with_its_tests_passes() {
        assert_eq!(page("| a | b | `one` `two`, `test_four` |"), [""; 0]);
    }

    #[test]
    fn a_promise_without_a_test_or_with_one_that_is_gone_is_found() {
        for (row, finding) in [
            ("| a | b |", "SECURITY.md:5: this promise names no test"),
            (
                "| a | b | the unit tests |",
                "SECURITY.md:5: this promise names no test",
            ),
            (
                "| a | b | `one` `helper` |",
                "SECURITY.md:5: no test has the name `helper`",
            ),
        ] {
            assert_eq!(page(row), [finding], "{row}");
        }
        let old = check("| against | by |\n|---|---|\n| a | b |", &tests());
        assert_eq!(
            old,
            [
                "SECURITY.md:1: the table has no column `tests`",
                "SECURITY.md: no table of promises"
            ]
        );
    }

    #[test]
    fn a_name_that_two_tests_have_is_found() {
        let mut two = tests();
        add_python(&mut two, "c.py", "def test_four(): pass");
        let found = check(
            "| against | by | tests |\n|---|---|---|\n| a | b | `test_four` |",
            &two,
        );
        assert_eq!(
            found,
            ["SECURITY.md:3: 2 tests have the name `test_four`: b.py, c.py"]
        );
    }
}
