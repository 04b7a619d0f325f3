use super::*;

const GUID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// Values as people put them: the same value in every dress that means nothing.
pub(crate) fn dresses(value: &str) -> Vec<String> {
    let mut all = vec![
        format!("\"{value}\""),
        format!("'{value}'"),
        format!("`{value}`"),
        format!("\u{201c}{value}\u{201d}"),
        format!("\u{2018}{value}\u{2019}"),
        format!("\u{201e}{value}\u{201c}"),
        format!("\u{ab}{value}\u{bb}"),
        format!("\u{ab} {value} \u{bb}"),
        format!("'\"{value}\"'"),
        format!("\" {value}\n\" "),
    ];
    for edge in [
        " ", "\t", "\n", "\r\n", "\r", "\u{a0}", "\u{feff}", "\u{200b}", "\u{200e}", "\u{202a}",
        "\u{2060}", "\u{3000}", "\u{ad}", "\u{b}", "\0",
    ] {
        all.push(format!("{edge}{value}"));
        all.push(format!("{value}{edge}"));
        all.push(format!("{edge}{edge}{value}{edge}"));
    }
    all
}

#[test]
fn what_surrounds_a_value_by_accident_is_taken_away() {
    for value in [GUID, "contoso.com", "https://a.example/x", "/a b/c", "x"] {
        assert_eq!(tidied(value), value);
        for dressed in dresses(value) {
            assert_eq!(tidied(&dressed), value, "{dressed:?}");
        }
    }
    for whole in ["a\"b", "'a' 'b'", "\"a", "a'", "\"a\" b"] {
        assert_eq!(tidied(whole), whole);
    }
    for nothing in ["", "\"\"", "' '", "\u{feff}", "\"\u{200b}\""] {
        assert_eq!(tidied(nothing), "", "{nothing:?}");
    }
    assert_eq!(tidied_id(&format!(" \"{{{GUID}}}\"")), GUID);
    assert_eq!(tidied_id("{tenant}"), "{tenant}");
}

#[test]
fn a_path_may_begin_with_a_tilde_or_be_a_file_address() {
    let home = Path::new("/home/ada");
    for (written, path) in [
        ("~/cert.pem", "/home/ada/cert.pem"),
        ("\"~/cert.pem\"", "/home/ada/cert.pem"),
        ("~", "/home/ada"),
        ("~ada/cert.pem", "~ada/cert.pem"),
        ("file:///a/b%20c.pem", "/a/b c.pem"),
        ("FILE://localhost/a", "/a"),
        ("'/a b/c'\n", "/a b/c"),
        ("file", "file"),
    ] {
        assert_eq!(
            tidied_path(written, Some(home)),
            Path::new(path),
            "{written}"
        );
    }
    assert_eq!(tidied_path("~/a", None), Path::new("~/a"));
}

/// Secrets as people paste them into the wrong place. Each has `TopSecret` in it, or its base64.
pub(crate) fn misplaced() -> Vec<(&'static str, Misplaced)> {
    vec![
        ("eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s", Misplaced::WebToken),
        (
            "\"eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s\"",
            Misplaced::WebToken,
        ),
        (
            "Bearer eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
            Misplaced::WebToken,
        ),
        (
            "\u{feff}eyJhbGciOiJSUzI1NiJ9.TopSecretValue",
            Misplaced::WebToken,
        ),
        (
            "ZXlKaGJHY2lPaUpTVXpJMU5pSjkuTopSecretValue",
            Misplaced::WebToken,
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nTopSecretValue\n-----END PRIVATE KEY-----",
            Misplaced::PrivateKey,
        ),
        (
            "-----BEGIN RSA PRIVATE KEY-----\\nTopSecretValue",
            Misplaced::PrivateKey,
        ),
        ("-----BEGIN CERTIFICATE----- TopSecretValue", Misplaced::Pem),
        ("MIIJqQIBAzCCCW8GTopSecretValue", Misplaced::Base64File),
        (
            "LS0tLS1CRUdJTiBQUklWQVRFTopSecretValue",
            Misplaced::Base64File,
        ),
        (
            "kX8Q~TopSecretValue0123456789abcdefghijk",
            Misplaced::Random,
        ),
        (
            "kX28Q~TopSecretValue0123456789abcdefghij",
            Misplaced::Random,
        ),
        (
            "abc8Q~TopSecretValue.0123456789-abcdefgh",
            Misplaced::ClientSecret,
        ),
        (
            "'abc8Q~TopSecretValue.0123456789-abcdefgh'\n",
            Misplaced::ClientSecret,
        ),
        (
            "https://user:TopSecretValue@proxy.example:8080",
            Misplaced::AddressWithPassword,
        ),
        (
            "aB3dE5TopSecretValue7hI9jK1lM3nO5pQ7rS9tU1v=",
            Misplaced::Random,
        ),
    ]
}

#[test]
fn a_secret_in_the_wrong_place_is_recognised_and_never_shown() {
    for (value, kind) in misplaced() {
        let found = Misplaced::of(value).unwrap_or_else(|| panic!("{value} is not recognised"));
        if kind != Misplaced::Random {
            assert_eq!(found, kind, "{value}");
        }
        let error = invalid("the tenant", value, "a tenant is a GUID");
        for text in [
            shown(value),
            shown_path(Path::new(value)),
            format!("{error} {error:?}"),
        ] {
            assert!(!text.contains("TopSecret"), "{text}");
        }
    }
}

#[test]
fn a_value_that_is_no_secret_is_shown_whole_with_what_can_not_be_seen() {
    for (value, text) in [
        ("contoso", "'contoso'"),
        ("a/b.com", "'a/b.com'"),
        ("con\u{200b}toso.com", "'con<U+200B>toso.com'"),
        ("contoso.com\n", "'contoso.com<U+000A>'"),
        ("\"contoso", "'\"contoso'"),
        ("$(TENANT_ID)", "'$(TENANT_ID)'"),
        (
            "contosodevelopment20241205.onmicrosoft.com",
            "'contosodevelopment20241205.onmicrosoft.com'",
        ),
        (
            "72f988bf-86f1-41af-91ab-2d7cd011db4",
            "'72f988bf-86f1-41af-91ab-2d7cd011db4'",
        ),
        ("http://169.254.169.254/x", "'http://169.254.169.254/x'"),
        (
            "72f988bf86f141af91ab2d7cd011db47",
            "(32 characters, not shown)",
        ),
        (
            "TopSecretValueInTheWrongPlace",
            "(29 characters, not shown)",
        ),
        ("kX8Q~this IsAVerySecretValue", "(28 characters, not shown)"),
        ("Pa$$w0rd1", "(9 characters, not shown)"),
    ] {
        assert_eq!(shown(value), text);
    }
    for path in [
        "/var/run/secrets/azure/tokens/azure-identity-token",
        "/var/lib/kubelet/pods/72f988bf-86f1-41af-91ab-2d7cd011db47/..2026_11_29/token",
        r"C:\Users\Ada Lovelace\MyProject2024CertificateFile.pfx",
        "MyProject2024CertificateFile.pem",
        "/run/d/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08/x",
        "token",
    ] {
        assert_eq!(shown_path(Path::new(path)), path);
    }
    assert_eq!(shown_path(Path::new("/a\u{202e}b")), "/a<U+202E>b");
    for (path, text) in [
        (
            "TopSecretValueInTheWrongPlace",
            "(29 characters, not shown)",
        ),
        // A relative path that was made absolute.
        (
            "/project/https:/user:TopSecretValue@proxy.example",
            "(an address with a user name or a password, not shown)",
        ),
        (
            "/project/eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s",
            "(a token, not shown)",
        ),
        (
            "/run/aB3dE5TopSecretValue7hI9jK1lM3nO5pQ7rS9tU1v/key",
            "/run/…/key",
        ),
    ] {
        assert_eq!(shown_path(Path::new(path)), text);
    }
}

#[test]
fn a_file_may_have_a_name_that_looks_like_a_secret_but_not_like_a_token() {
    let of = |value: &str, exists| Misplaced::in_place_of(value.as_ref(), || exists);
    const RANDOM: &str = "aB3dE5TopSecretValue7hI9jK1lM3nO5pQ7rS9tU1v";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.TopSecretValue.s";
    assert_eq!(of(RANDOM, false), Some(Misplaced::Random));
    assert_eq!(of(RANDOM, true), None);
    assert_eq!(of(TOKEN, true), Some(Misplaced::WebToken));
}

#[test]
fn the_value_of_a_variable_is_shown_unless_it_is_a_secret_and_a_secret_in_an_id_has_its_place() {
    const SECRET: &str = "abc8Q~TopSecretValue.0123456789-abcdefgh";
    let cause = invalid("the id", "x y", "an id has no blanks").with_fix("correct it");
    let id = in_variable("AZURE_CLIENT_ID", "x y", &cause);
    assert_eq!(id.what(), "AZURE_CLIENT_ID ('x y') is not valid");
    assert_eq!(id.fix().unwrap().to_string(), "correct it");
    let header = in_variable("IDENTITY_HEADER", "x y", &cause);
    assert_eq!(header.what(), "IDENTITY_HEADER is not valid");
    let misplaced = in_variable("AZURE_CLIENT_ID", SECRET, &cause);
    assert_eq!(
        misplaced.fix().unwrap().to_string(),
        "set AZURE_CLIENT_ID to the id; a secret belongs in AZURE_CLIENT_SECRET"
    );
    assert!(!misplaced.to_string().contains("TopSecret"), "{misplaced}");
}

#[test]
fn each_odd_secret_has_its_own_fix() {
    for (secret, fix) in [
        (GUID, "its Secret ID"),
        (
            "/run/secrets/TopSecret",
            "AZURE_CLIENT_SECRET=\"$(cat FILE)\"",
        ),
        (
            "eyJhbGciOiJSUzI1NiJ9.TopSecret.x",
            "AZURE_FEDERATED_TOKEN_FILE",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\\nTopSecret",
            "AZURE_CLIENT_CERTIFICATE_PATH",
        ),
        ("$(TopSecret)", "the name of a variable"),
        ("\"TopSecret\"", "without anything around it"),
    ] {
        let said = fix_of_secret(secret, Some("AZURE_CLIENT_SECRET")).unwrap();
        assert!(said.contains(fix), "{secret}: {said}");
        assert!(!said.contains("TopSecret"), "{said}");
    }
    assert_eq!(fix_of_secret("hunter2", None), None);
}

#[test]
fn what_is_odd_about_a_value_is_said() {
    let odd = |value| oddity(value).unwrap_or_default();
    assert!(odd("con\u{200b}toso.com").contains("U+200B"));
    for placeholder in [
        "$(clientId)",
        "${CLIENT_ID}",
        "${{ secrets.CLIENT_ID }}",
        "%CLIENT_ID%",
        "<client-id>",
        "{client-id}",
        "$CLIENT_ID",
        "$env:CLIENT_ID",
    ] {
        assert!(odd(placeholder).contains("placeholder"), "{placeholder}");
    }
    assert!(odd("a\nb").contains("several lines"));
    assert!(odd("\"a").contains("quote"));
    assert_eq!(oddity("contoso"), None);
}

#[test]
fn what_is_odd_about_a_secret_is_said_without_any_of_it() {
    for (secret, says) in [
        ("\"TopSecret\"", "in quotes"),
        ("'TopSecret'", "in quotes"),
        ("\u{201c}TopSecret\u{201d}", "in quotes"),
        ("\"TopSecret", "begins with a quote"),
        ("TopSecret'", "ends with a quote"),
        (" TopSecret", "begins with a space"),
        ("TopSecret\t", "ends with a space"),
        ("TopSecret\n", "ends with a line end"),
        ("TopSecret\r\n", "ends with a line end"),
        ("\u{feff}TopSecret", "begins with the character U+FEFF"),
        ("TopSecret\u{200b}", "ends with the character U+200B"),
        ("TopSecret\u{a0}", "ends with the character U+00A0"),
        ("Top\u{200b}Secret", "contains the character U+200B"),
        ("Top\nSecret", "several lines"),
        (GUID, "is a GUID"),
        ("$(TopSecret)", "placeholder"),
        ("/run/secrets/TopSecret", "path of a file"),
        ("eyJhbGciOiJSUzI1NiJ9.TopSecret.x", "a token"),
        (
            "-----BEGIN PRIVATE KEY-----\\nTopSecret",
            "certificate file",
        ),
    ] {
        let oddity = oddity_of_secret(secret).unwrap_or_else(|| panic!("{secret:?} is not odd"));
        assert!(oddity.contains(says), "{secret:?}: {oddity}");
        assert!(!oddity.contains("TopSecret"), "{oddity}");
    }
    for plain in [
        "abc8Q~TopSecretValue.0123456789-abcdefgh",
        "hunter2",
        "a+/b=",
    ] {
        assert_eq!(oddity_of_secret(plain), None, "{plain}");
    }
    assert_eq!(oddity_of_secret(""), None);
}
