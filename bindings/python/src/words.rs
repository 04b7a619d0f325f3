//! Texts for the library's fixes, with the package's options and the command's name in them.

use azcred::{Error, Fix};

/// The error with its fix in words that can be carried out from Python. `made_by` is the function
/// whose options they name.
pub(crate) fn in_python(error: &Error, made_by: &str) -> Error {
    match error.fix() {
        Some(fix) => {
            let text = azcred_words::fix(fix, &|of| own(of, made_by));
            error.clone().with_fix(text)
        }
        None => error.clone(),
    }
}

fn own(of: &Fix, made_by: &str) -> Option<String> {
    Some(match of {
        Fix::AskPerson { scope: None } => "sign in at a terminal: `azcred login`".to_owned(),
        Fix::LookIn {
            profile: Some(profile),
            authority,
        } => {
            let with = format!("try again with `{made_by}(profile=\"{profile}\")`");
            match authority {
                Some(authority) => format!("{with} and AZURE_AUTHORITY_HOST={authority}"),
                None => with,
            }
        }
        Fix::AllowTenant { tenant } => format!(
            "if it should be allowed: `{made_by}(additionally_allowed_tenants=\"{tenant}\")`"
        ),
        Fix::RaiseProcessTimeout => format!(
            "let it run longer: `{made_by}(process_timeout=60)`, or `process_timeout = 60` below [chain] in azcred.toml"
        ),
        Fix::Exclude(source) => format!("leave the source out: `{made_by}(exclude=\"{source}\")`"),
        _ => return None,
    })
}
