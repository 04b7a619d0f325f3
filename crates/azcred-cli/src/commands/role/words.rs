//! Patterns of actions in words.

/// What a pattern such as `Microsoft.Storage/*/read` grants, as a verb with its object.
pub(super) fn pattern(pattern: &str) -> String {
    let parts: Vec<&str> = pattern.split('/').collect();
    match &parts[..] {
        ["*"] => "do everything".to_owned(),
        ["*", verb] => format!("{} everything", verb_of(verb)),
        [.., "action"] | [.., "Action"] if parts.len() > 2 => {
            let of = &parts[..parts.len() - 2];
            match parts[parts.len() - 2] {
                "*" => format!("do every other operation of {}", kind(of)),
                verb => format!("{}: {}", kind(of), spaced(verb)),
            }
        }
        [of @ .., "*", verb] => format!("{} {}, and what is in them", verb_of(verb), kind(of)),
        [of @ .., "*"] => format!("do everything with {}", kind(of)),
        [of @ .., verb] => format!("{} {}", verb_of(verb), kind(of)),
        [] => String::new(),
    }
}

fn verb_of(verb: &str) -> &str {
    match verb.to_ascii_lowercase().as_str() {
        "read" => "read",
        "write" => "create and change",
        "delete" => "delete",
        _ => "do",
    }
}

/// A resource type in words: its last two names, and the provider if there is no other.
fn kind(parts: &[&str]) -> String {
    let names: Vec<String> = parts
        .iter()
        .skip(1)
        .filter(|part| **part != "*")
        .map(|part| spaced(part))
        .collect();
    match &names[..] {
        [] => format!("what {} has", parts.first().copied().unwrap_or("Azure")),
        [one] => one.clone(),
        [.., of, one] => format!("{one} in {of}"),
    }
}

/// `listKeys` as `list keys`.
fn spaced(name: &str) -> String {
    let mut words = String::new();
    let mut is_after_small = false;
    for c in name.chars() {
        if c.is_uppercase() && is_after_small {
            words.push(' ');
        }
        is_after_small = c.is_lowercase();
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_verb_and_its_object() {
        const ML: &str = "Microsoft.MachineLearningServices/workspaces";
        for (given, words) in [
            ("*".to_owned(), "do everything"),
            ("*/read".to_owned(), "read everything"),
            (
                "Microsoft.Authorization/*".to_owned(),
                "do everything with what Microsoft.Authorization has",
            ),
            (format!("{ML}/write"), "create and change workspaces"),
            (
                format!("{ML}/*/read"),
                "read workspaces, and what is in them",
            ),
            (
                format!("{ML}/*/action"),
                "do every other operation of workspaces",
            ),
            (
                format!("{ML}/computes/*/write"),
                "create and change computes in workspaces, and what is in them",
            ),
            (
                format!("{ML}/computes/*"),
                "do everything with computes in workspaces",
            ),
            (
                format!("{ML}/computes/listKeys/action"),
                "computes in workspaces: list keys",
            ),
            (
                "Microsoft.Authorization/elevateAccess/Action".to_owned(),
                "what Microsoft.Authorization has: elevate access",
            ),
        ] {
            assert_eq!(pattern(&given), words, "{given}");
        }
    }
}
