//! Texts for the library's fixes, with this binary's commands and options in them.

use azcred::Fix;
use serde::Serializer;

/// A fix, as an instruction without a full stop.
pub(crate) fn fix(of: &Fix) -> String {
    azcred_words::fix(of, &own)
}

/// Alternative fixes, each as an instruction without a full stop.
pub(crate) fn alternatives(of: &Fix) -> Vec<String> {
    azcred_words::alternatives(of, &own)
}

/// A fix as JSON, if there is one.
pub(crate) fn serialize<S: Serializer>(
    known: &Option<Box<Fix>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&known.as_deref().map(fix).unwrap_or_default())
}

/// What an option of this binary does.
fn own(of: &Fix) -> Option<String> {
    Some(match of {
        Fix::StoreSecretInFile => {
            "add `--store file`, which stores the secret in the account's encrypted file".to_owned()
        }
        Fix::LookIn {
            profile: Some(profile),
            authority: None,
        } => format!("run it again with `--profile {profile}`"),
        Fix::LookIn {
            profile: Some(profile),
            authority: Some(authority),
        } => format!(
            "run it again with `--profile {profile}` and with AZURE_AUTHORITY_HOST={authority}"
        ),
        Fix::RaiseProcessTimeout => {
            "let it run longer: `--process-timeout 60`, or `process_timeout = 60` below [chain] in azcred.toml".to_owned()
        }
        Fix::Exclude(source) => format!("leave the source out: `--exclude {source}`"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use azcred::chain::Source;

    #[test]
    fn a_fix_names_the_option_that_does_it() {
        let look_in = Fix::LookIn {
            profile: Some("work".to_owned()),
            authority: None,
        };
        for (of, text) in [
            (look_in, "run it again with `--profile work`"),
            (
                Fix::Exclude(Source::AzureCli),
                "leave the source out: `--exclude azure-cli`",
            ),
            (Fix::ChooseAccount, "choose one with `azcred account use`"),
        ] {
            assert_eq!(fix(&of), text);
        }
    }
}
