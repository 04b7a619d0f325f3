//! The names of accounts, containers and blobs ("Naming and referencing containers, blobs, and
//! metadata", Microsoft Learn).

/// Whether this is an account's name: 3 to 24 lower-case letters and digits.
pub(crate) fn is_account_name(name: &str) -> bool {
    (3..=24).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Whether this is a container's name: 3 to 63 lower-case letters, digits and single dashes, or one
/// of the three special containers.
pub(crate) fn is_container_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_usual = (3..=63).contains(&name.len())
        && name.bytes().all(|b| is_plain(b) || b == b'-')
        && name.bytes().next().is_some_and(is_plain)
        && name.bytes().last().is_some_and(is_plain)
        && !name.contains("--");
    is_usual || matches!(name, "$root" | "$web" | "$logs")
}

/// Whether this is a blob's name: 1 to 1,024 characters.
pub(crate) fn is_blob_name(name: &str) -> bool {
    !name.is_empty() && name.chars().count() <= 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_azure_accepts_become_folders() {
        assert!(is_account_name("stcontosoml"));
        for bad in ["", "ab", "Upper", "a-b", "../x", "a/b", "a.b.c"] {
            assert!(!is_account_name(bad), "{bad}");
        }
        for good in ["abc", "a-b", "azureml-blobstore-5ec0ffee", "$root", "123"] {
            assert!(is_container_name(good), "{good}");
        }
        for bad in [
            "ab", "-ab", "ab-", "a--b", "A-B", "a/b", "..", "a.b", "$logs2", "ä-b",
        ] {
            assert!(!is_container_name(bad), "{bad}");
        }
    }
}
