//! What is wrong with the variables of a service principal, before anything is requested.
//!
//! It is about variables that are set. A machine without any has no fault.

use crate::{
    credential::EnvironmentKind,
    sieve::{edge_of_secret, is_guid, is_placeholder, is_secret, oddity, oddity_of_secret, tidied},
    system::System,
    tenant::{ClientId, TenantId},
};
use std::{borrow::Cow, collections::BTreeSet};

/// Something that is wrong with the variables of a service principal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VariableFault {
    /// Some variables of a service principal are set, and others are missing.
    HalfSet {
        /// The variables that are set; none if only other names are.
        present: Vec<&'static str>,
        /// The variables that are missing.
        missing: Vec<MissingVariable>,
    },
    /// A variable's value is not what the variable is for.
    Odd(OddValue),
}

/// A variable that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingVariable {
    /// The name.
    pub name: &'static str,
    /// A variable that is set and seems to be meant for it: `AZURE_SECRET` for
    /// `AZURE_CLIENT_SECRET`.
    pub instead: Option<String>,
}

/// A value that is not what its variable is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OddValue {
    /// The variable.
    pub name: &'static str,
    /// What is odd.
    pub oddity: Oddity,
    /// The same as a reason: 'it is in quotes'. It shows nothing of a secret.
    pub why: Cow<'static, str>,
    /// Whether the value is a secret, which is sent as it is set.
    pub is_secret: bool,
}

/// What is odd about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// Quotes, white space or unseen characters are around it.
    Surrounded,
    /// Nothing has replaced a placeholder.
    Placeholder,
    /// It is the id of a secret, not the secret.
    SecretId,
    /// It is something else: a token, a certificate, the path of a file, not an id.
    Other,
}

/// The sets of variables. A certificate is a secret's substitute in the first.
const SETS: [EnvironmentKind; 2] = [EnvironmentKind::AzureSecret, EnvironmentKind::Himl];

const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";

/// Names that people give a variable, and those of other tools for the same value.
const OTHER_NAMES: [(&str, &[&str]); 6] = [
    (
        "AZURE_TENANT_ID",
        &[
            "AZURE_TENANT",
            "AZURE_AD_TENANT_ID",
            "AZURE_DIRECTORY_ID",
            "ARM_TENANT_ID",
            "TENANT_ID",
        ],
    ),
    (
        "AZURE_CLIENT_ID",
        &[
            "AZURE_APP_ID",
            "AZURE_APPLICATION_ID",
            "AZURE_CLIENT",
            "ARM_CLIENT_ID",
            "CLIENT_ID",
            "APP_ID",
        ],
    ),
    (
        "AZURE_CLIENT_SECRET",
        &[
            "AZURE_SECRET",
            "AZURE_APP_SECRET",
            "AZURE_CLIENT_PASSWORD",
            "AZURE_CLIENT_KEY",
            "ARM_CLIENT_SECRET",
            "CLIENT_SECRET",
            "APP_SECRET",
        ],
    ),
    ("HIML_TENANT_ID", &["HIML_TENANT"]),
    (
        "HIML_SERVICE_PRINCIPAL_ID",
        &[
            "HIML_SERVICE_PRINCIPAL",
            "HIML_CLIENT_ID",
            "HIML_APP_ID",
            "HIML_SP_ID",
        ],
    ),
    (
        "HIML_SERVICE_PRINCIPAL_PASSWORD",
        &[
            "HIML_SERVICE_PRINCIPAL_SECRET",
            "HIML_CLIENT_SECRET",
            "HIML_PASSWORD",
            "HIML_SECRET",
            "HIML_SP_PASSWORD",
        ],
    ),
];

/// What is wrong with the variables of a service principal. Reads variables only.
pub fn variable_faults(system: &dyn System) -> Vec<VariableFault> {
    let names = system.var_names();
    let half_set = SETS
        .into_iter()
        .filter_map(|set| half_set(set, system, &names));
    let all: BTreeSet<&'static str> = SETS
        .into_iter()
        .flat_map(EnvironmentKind::variables)
        .collect();
    let odd = all
        .into_iter()
        .filter_map(|name| odd(name, system))
        .map(VariableFault::Odd);
    odd.chain(half_set).collect()
}

fn half_set(set: EnvironmentKind, system: &dyn System, names: &[String]) -> Option<VariableFault> {
    let is_set = |name: &str| system.var_os(name).is_some();
    let has_certificate = set == EnvironmentKind::AzureSecret && is_set(CERTIFICATE);
    let all = set.variables();
    let secret = all[2];
    let (mut present, absent): (Vec<_>, Vec<_>) = all.into_iter().partition(|name| is_set(name));
    present.extend(has_certificate.then_some(CERTIFICATE));
    let missing: Vec<MissingVariable> = absent
        .into_iter()
        .filter(|name| !(has_certificate && *name == secret))
        .map(|name| MissingVariable {
            name,
            instead: instead(name, system, names),
        })
        .collect();
    let is_begun = !present.is_empty()
        || missing
            .iter()
            .any(|one| one.name == secret && one.instead.is_some());
    (is_begun && !missing.is_empty()).then_some(VariableFault::HalfSet { present, missing })
}

/// A variable that is set and seems to be meant for `name`.
fn instead(name: &'static str, system: &dyn System, names: &[String]) -> Option<String> {
    let known = OTHER_NAMES.into_iter().find(|(one, _)| *one == name);
    let known = known.map_or(&[][..], |(_, others)| others);
    let mut known = known.iter().filter(|other| system.var_os(other).is_some());
    if let Some(other) = known.next() {
        return Some((*other).to_owned());
    }
    let is_own = |other: &str| OTHER_NAMES.iter().any(|(one, _)| *one == other);
    let misspelt = names
        .iter()
        .filter(|other| !is_own(other) && is_near(name, other));
    misspelt.min().cloned()
}

/// Whether a name is another with at most two letters changed, added or left out.
fn is_near(name: &str, other: &str) -> bool {
    const MOST: usize = 2;
    if name.len().abs_diff(other.len()) > MOST {
        return false;
    }
    let other = other.to_ascii_uppercase();
    // Wagner and Fischer's distance, one row at a time.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in name.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = number + 1;
        for (place, its) in other.bytes().enumerate() {
            let change = diagonal + usize::from(letter != its);
            diagonal = row[place + 1];
            row[place + 1] = change.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row.last().is_some_and(|distance| *distance <= MOST)
}

fn odd(name: &'static str, system: &dyn System) -> Option<OddValue> {
    let value = system.var_as_set(name)?;
    let bare = tidied(&value);
    if bare.is_empty() {
        return None;
    }
    let is_secret = is_secret(name);
    let found = |oddity, why: Cow<'static, str>| {
        Some(OddValue {
            name,
            oddity,
            why,
            is_secret,
        })
    };
    if is_left_in(bare) {
        let why = "it is a placeholder that nothing has replaced";
        return found(Oddity::Placeholder, why.into());
    }
    if bare.len() != value.len() {
        let why = edge_of_secret(&value);
        return found(
            Oddity::Surrounded,
            why.unwrap_or("there is something around it".into()),
        );
    }
    if is_secret {
        return match oddity_of_secret(&value) {
            Some(why) if is_guid(&value) => found(Oddity::SecretId, why),
            Some(why) => found(Oddity::Other, why),
            None => None,
        };
    }
    let (is_valid, form) = match name.ends_with("TENANT_ID") {
        true => (
            TenantId::new(bare).is_ok(),
            "a tenant is a GUID or a domain name",
        ),
        false => (ClientId::new(bare).is_ok(), "a client id is a GUID"),
    };
    match is_valid {
        true => None,
        false => found(Oddity::Other, oddity(bare).unwrap_or(form.into())),
    }
}

/// Whether a value was to be replaced: a placeholder of a shell, a template or a CI system, or what
/// instructions have in its place.
fn is_left_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_crossed = lower.len() >= 3
        && (lower.bytes().all(|b| b == b'x' || b == b'-') || lower.bytes().all(|b| b == b'.'));
    let is_nil = lower.bytes().all(|b| b == b'0' || b == b'-') && lower.len() == 36;
    let says = [
        "your-",
        "your_",
        "my-tenant-id",
        "my-client-",
        "changeme",
        "replace-me",
        "todo",
    ];
    is_placeholder(value)
        || is_crossed
        || is_nil
        || says.iter().any(|start| lower.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Fixture;

    const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";
    const CLIENT: &str = "a0000001-0000-4000-8000-000000000001";

    fn machine(variables: &[(&str, &str)]) -> Fixture {
        let set = variables.iter();
        set.fold(Fixture::new(), |machine, (name, value)| {
            machine.with_var(name, value)
        })
    }

    fn only_odd(name: &str, value: &str) -> (Oddity, String) {
        let mut variables = vec![
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", CLIENT),
            ("AZURE_CLIENT_SECRET", "abc8Q~TopSecret"),
        ];
        variables.retain(|(one, _)| *one != name);
        variables.push((name, value));
        match &variable_faults(&machine(&variables))[..] {
            [VariableFault::Odd(odd)] => {
                assert_eq!(odd.name, name);
                assert!(!odd.why.contains("TopSecret"));
                (odd.oddity, odd.why.to_string())
            }
            other => panic!("{name}={value}: {other:?}"),
        }
    }

    #[test]
    fn a_complete_set_has_no_fault_and_neither_has_an_empty_machine() {
        assert_eq!(variable_faults(&Fixture::new()), []);
        let complete = machine(&[
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", CLIENT),
            ("AZURE_CLIENT_CERTIFICATE_PATH", "/home/ada/cert.pem"),
        ]);
        assert_eq!(variable_faults(&complete), []);
    }

    #[test]
    fn what_is_around_a_value_and_what_is_left_in_it_is_named() {
        for (name, value, oddity, why) in [
            (
                "AZURE_CLIENT_SECRET",
                "\"abc8Q~TopSecret\"",
                Oddity::Surrounded,
                "it is in quotes",
            ),
            (
                "AZURE_CLIENT_SECRET",
                "abc8Q~TopSecret\n",
                Oddity::Surrounded,
                "it ends with a line end",
            ),
            (
                "AZURE_CLIENT_SECRET",
                " abc8Q~TopSecret",
                Oddity::Surrounded,
                "it begins with a space",
            ),
            (
                "AZURE_TENANT_ID",
                "'contoso.com'",
                Oddity::Surrounded,
                "it is in quotes",
            ),
            (
                "AZURE_CLIENT_SECRET",
                CLIENT,
                Oddity::SecretId,
                "it is a GUID, as the id of a secret is, not its value",
            ),
            (
                "AZURE_TENANT_ID",
                "contoso",
                Oddity::Other,
                "a tenant is a GUID or a domain name",
            ),
        ] {
            assert_eq!(
                only_odd(name, value),
                (oddity, why.to_owned()),
                "{name}={value:?}"
            );
        }
        assert_eq!(
            only_odd("AZURE_CLIENT_SECRET", "\u{feff}abc8Q~TopSecret").0,
            Oddity::Surrounded
        );
        for placeholder in [
            "<your-tenant-id>",
            "xxxx",
            "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
            "${{ secrets.X }}",
            "$(VAR)",
            "%X%",
            "your-tenant-id",
            "00000000-0000-0000-0000-000000000000",
            "\"$(VAR)\"",
        ] {
            for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"] {
                assert_eq!(
                    only_odd(name, placeholder).0,
                    Oddity::Placeholder,
                    "{name}={placeholder}"
                );
            }
        }
    }

    #[test]
    fn a_half_set_group_names_what_is_set_what_is_missing_and_what_seems_to_be_meant() {
        let missing = |variables: &[(&str, &str)]| match &variable_faults(&machine(variables))[..] {
            [VariableFault::HalfSet { present, missing }] => {
                let missing = missing.iter();
                let missing =
                    missing.map(|one| (one.name, one.instead.clone().unwrap_or_default()));
                (present.clone(), missing.collect::<Vec<_>>())
            }
            other => panic!("{other:?}"),
        };
        let ids = [("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)];
        for instead in [
            "AZURE_SECRET",
            "ARM_CLIENT_SECRET",
            "CLIENT_SECRET",
            "AZURE_CLIENT_SECRT",
            "Azure_Client_Secret_",
        ] {
            let (present, absent) = missing(&[ids[0], ids[1], (instead, "abc")]);
            assert_eq!(present, ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"]);
            assert_eq!(absent, [("AZURE_CLIENT_SECRET", instead.to_owned())]);
        }
        let (present, absent) = missing(&[
            ("AZURE_APP_ID", CLIENT),
            ("AZURE_CLIENT_SECRET", "abc"),
            ids[0],
        ]);
        assert_eq!(present, ["AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"]);
        assert_eq!(absent, [("AZURE_CLIENT_ID", "AZURE_APP_ID".to_owned())]);
        let (present, absent) = missing(&[
            ("HIML_SERVICE_PRINCIPAL_SECRET", "abc"),
            ("HIML_TENANT_ID", TENANT),
        ]);
        assert_eq!(present, ["HIML_TENANT_ID"]);
        assert_eq!(absent.len(), 2);
        // A certificate needs no secret.
        let (_, absent) = missing(&[ids[0], ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")]);
        assert_eq!(absent, [("AZURE_CLIENT_ID", String::new())]);
    }

    #[test]
    fn names_of_other_things_are_not_near() {
        for (name, other) in [
            ("AZURE_CLIENT_ID", "AZURE_TENANT_ID"),
            ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_ID"),
            ("HIML_TENANT_ID", "AZURE_TENANT_ID"),
        ] {
            assert!(!is_near(name, other), "{name} {other}");
        }
    }
}
