//! Tests the evaluator with cases from Microsoft's pages and against a second, slower
//! implementation.

use super::*;
use proptest::prelude::*;

/// Tries every expansion: each `/*/` is kept or becomes `/`, each `*` matches nothing or one more
/// character. Slow.
fn by_the_book(pattern: &str, action: &str) -> bool {
    fn glob(pattern: &[char], action: &[char]) -> bool {
        match pattern {
            [] => action.is_empty(),
            ['*', rest @ ..] => (0..=action.len()).any(|n| glob(rest, &action[n..])),
            [c, rest @ ..] => action.first() == Some(c) && glob(rest, &action[1..]),
        }
    }
    fn forms(pattern: &str) -> Vec<String> {
        match pattern.find("/*/") {
            None => vec![pattern.to_owned()],
            Some(at) => {
                let (head, tail) = (&pattern[..at], &pattern[at + 2..]);
                forms(tail)
                    .into_iter()
                    .flat_map(|tail| [format!("{head}/*{tail}"), format!("{head}{tail}")])
                    .collect()
            }
        }
    }
    let chars = |text: &str| text.to_lowercase().chars().collect::<Vec<_>>();
    forms(pattern)
        .iter()
        .any(|form| glob(&chars(form), &chars(action)))
}

#[test]
fn a_star_spans_segments_and_matches_nothing_between_slashes() {
    for (pattern, action, covered) in [
        ("*", "Microsoft.X/y/read", true),
        ("*/read", "Microsoft.X/y/z/read", true),
        ("*/read", "Microsoft.X/y/write", false),
        ("*/read", "read", false),
        ("M/workspaces/*/read", "M/workspaces/read", true),
        ("M/workspaces/*/read", "m/WORKSPACES/a/b/Read", true),
        ("M/workspaces/*/read", "M/workspacesX/read", false),
        ("M/workspaces/*/read", "M/workspaces/readers", false),
        (
            "M/workspaces/computes/*",
            "M/workspaces/computes/write",
            true,
        ),
        ("M/workspaces/computes/*", "M/workspaces/computes", false),
        ("M/computes/*/write", "M/computes/write", true),
        ("M/a/*/*/read", "M/a/read", true),
        ("", "", true),
        ("", "a", false),
        ("M/workspaces/read", "M/workspaces/read", true),
        ("M/workspaces/read", "M/workspaces/rea", false),
    ] {
        assert_eq!(matches(pattern, action), covered, "{pattern} on {action}");
    }
}

#[test]
fn not_actions_subtract_within_one_entry_only() {
    let list = |actions: &[&str]| actions.iter().map(|&a| a.to_owned()).collect::<Vec<_>>();
    let narrow = Permission {
        actions: list(&["*"]),
        not_actions: list(&["M/*/write"]),
        ..Permission::default()
    };
    let writer = Permission {
        actions: list(&["M/a/write"]),
        ..Permission::default()
    };
    assert!(!Permissions(vec![narrow.clone()]).allow("M/a/write"));
    assert!(Permissions(vec![narrow, writer]).allow("M/a/write"));
}

#[test]
fn data_actions_are_separate() {
    let all = Permissions(vec![Permission {
        actions: vec!["*".into()],
        ..Permission::default()
    }]);
    assert!(all.allow("M/blobs/read") && !all.allow_data("M/blobs/read"));
    assert!(!all.is_empty() && Permissions(vec![Permission::default()]).is_empty());
}

/// Texts of up to seven of these pieces. Slashes and stars meet far more often than in random
/// letters.
fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_evaluator_agrees_with_the_rules_by_the_book(
        pattern in pieces(&["a", "B", "/", "*", "/*/", "*/"]),
        action in pieces(&["A", "b", "/", "a/b"]),
    ) {
        prop_assert_eq!(matches(&pattern, &action), by_the_book(&pattern, &action));
    }

    #[test]
    fn a_longer_not_actions_list_never_grants_more(
        actions in prop::collection::vec("[ab/*]{1,6}", 0..4),
        not_actions in prop::collection::vec("[ab/*]{1,6}", 0..4),
        more in "[ab/*]{1,6}",
        action in "[ab/]{1,6}",
    ) {
        let before = granted(&actions, &not_actions, &action);
        let mut longer = not_actions;
        longer.push(more);
        prop_assert!(before || !granted(&actions, &longer, &action));
    }

    #[test]
    fn no_pattern_however_odd_makes_it_panic(pattern in ".{0,40}", action in ".{0,40}") {
        let _ = matches(&pattern, &action);
    }
}
