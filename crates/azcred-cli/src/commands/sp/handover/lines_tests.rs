use super::*;
use azcred::{ClientId, SecretString, TenantId};
use time::OffsetDateTime;

fn new(secret: &str) -> NewCredential {
    NewCredential {
        client_id: ClientId::new("a0000001-0000-4000-8000-000000000001").unwrap(),
        tenant: TenantId::new("c0a70500-0000-4000-8000-000000000001").unwrap(),
        name: "training".to_owned(),
        proof: NewProof::Secret(SecretString::from(secret)),
        expires_on: Some(OffsetDateTime::UNIX_EPOCH),
        workspace: None,
    }
}

const SECRET: &str = "abc8Q~d.e_f-g~hijklmnopqrstuvwxyz0123456";

fn own(purpose: Purpose) -> String {
    text(purpose, &new(SECRET)).unwrap().to_string()
}

#[test]
fn each_program_gets_its_own_names() {
    assert_eq!(
        own(Purpose::Azure),
        format!(
            "# azcred: the service principal training\n\
             # The secret ends on 1970-01-01.\n\
             AZURE_TENANT_ID=c0a70500-0000-4000-8000-000000000001\n\
             AZURE_CLIENT_ID=a0000001-0000-4000-8000-000000000001\n\
             AZURE_CLIENT_SECRET={SECRET}\n\
             # azcred: end\n"
        )
    );
    let himl = own(Purpose::Himl);
    for line in [
        "HIML_TENANT_ID=c0a70500-0000-4000-8000-000000000001\n",
        "HIML_SERVICE_PRINCIPAL_ID=a0000001-0000-4000-8000-000000000001\n",
        &format!("HIML_SERVICE_PRINCIPAL_PASSWORD={SECRET}\n"),
    ] {
        assert!(himl.contains(line), "{himl}");
    }
}

/// A quote would be a part of the value for `docker run --env-file`, and a shell needs one: no line
/// with such a value is read alike by all.
#[test]
fn a_value_that_readers_would_read_differently_is_refused() {
    for secret in [
        "", "~abc", "a b", "a'b", "a$b", "a#b", "a\nb", "a\"b", "a\\b", "ä",
    ] {
        assert!(text(Purpose::Azure, &new(secret)).is_err(), "{secret}");
    }
}

#[test]
fn all_other_lines_stay_as_they_are() {
    let names = AZURE;
    for (before, after) in [
        ("", ""),
        ("A=1\n", ""),
        ("A=1", ""),
        ("A='x\ny'\r\n# AZURE_CLIENT_ID=commented\n", ""),
    ] {
        let file = format!("{before}{after}");
        let first = around(&file, "training", &names).unwrap();
        assert!(!first.has_own);
        let written = first.with(&own(Purpose::Azure));
        assert!(written.starts_with(before), "{written:?}");
        // A second time, with a new secret, only its line changes.
        let later = format!("{}B=2\n", *written);
        let second = around(&later, "training", &names).unwrap();
        assert!(second.has_own);
        let newer = text(Purpose::Azure, &new("newer-secret")).unwrap();
        assert_eq!(
            *second.with(&newer),
            later.replace(SECRET, "newer-secret"),
            "{later:?}"
        );
    }
}

#[test]
fn a_line_of_the_users_is_never_overridden() {
    for line in [
        "AZURE_CLIENT_ID=mine",
        "export AZURE_CLIENT_SECRET='mine'",
        "  AZURE_TENANT_ID = mine",
    ] {
        let file = format!("A=1\n{line}\n");
        let (number, _) = around(&file, "training", &AZURE).unwrap_err().unwrap();
        assert_eq!(number, 2, "{line}");
        // Also after azcred's own lines, and as another application's.
        let file = format!("{}{line}\n", own(Purpose::Azure));
        assert!(around(&file, "training", &AZURE).is_err(), "{line}");
    }
    assert!(around(&own(Purpose::Azure), "other", &AZURE).is_err());
    assert!(around(&own(Purpose::Himl), "other", &AZURE).is_ok());
}

#[test]
fn lines_without_an_end_are_left_alone() {
    let file = own(Purpose::Azure).replace("# azcred: end\n", "MINE=1\n");
    assert_eq!(around(&file, "training", &AZURE), Err(None));
}

#[test]
fn a_name_never_ends_its_line() {
    let mut new = new(SECRET);
    new.name = "a\nAZURE_CLIENT_ID=b".to_owned();
    let text = text(Purpose::Azure, &new).unwrap();
    assert_eq!(text.lines().count(), 6);
    let found = around(&text, &new.name, &AZURE).unwrap();
    assert!(found.has_own);
}
