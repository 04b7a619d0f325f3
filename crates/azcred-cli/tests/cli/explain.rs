//! `azcred explain`: a code or a pasted text, without the network.

use crate::run::{Said, assert_seen, azcred};

const APP: &str = "a0000003-0000-4000-8000-000000000001";
const ID: &str = "11111111-2222-3333-4444-555555555555";

fn code(code: &str) -> Said {
    azcred(&["explain", code]).said()
}

fn text(text: &[u8], arguments: &[&str]) -> Said {
    let line = [&["explain", "-"], arguments].concat();
    azcred(&line).input(text).said()
}

fn chain() -> String {
    format!(
        "DefaultAzureCredential failed to retrieve a token from the included credentials.\n\
         Attempted credentials:\n\
         \tEnvironmentCredential: Authentication failed: AADSTS7000222: The provided client secret keys for app '{APP}' are expired. \
         Trace ID: {ID} Correlation ID: {ID} Timestamp: 2026-11-30 20:00:00Z\n\
         \tManagedIdentityCredential: ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint.\n\
         \tAzureCliCredential: Please run 'az login' to set up an account\n"
    )
}

#[test]
fn a_code_is_explained_with_its_fix() {
    let said = code("700024");
    assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{said}");
    assert_seen!("explain-code", said);
    assert_eq!(code("aadsts700024").stdout, said.stdout);
    assert_seen!("explain-code-of-two", code("AuthenticationFailed"));
}

#[test]
fn an_unknown_code_is_not_found_and_the_nearest_is_named() {
    let said = code("AutorizationFailed");
    assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
    assert_seen!("explain-unknown", said);
    let said = code("xyz");
    assert!(
        said.code == 1 && said.stderr.contains("azcred explain -"),
        "{said}"
    );
}

#[test]
fn the_cause_in_a_text_comes_first_with_its_values() {
    assert_seen!("explain-text", text(chain().as_bytes(), &[]));
    assert_seen!(
        "explain-text-json",
        text(chain().as_bytes(), &["-o", "json"])
    );
}

#[test]
fn a_text_is_read_in_any_encoding_and_of_any_length() {
    let mut utf16: Vec<u8> = vec![0xff, 0xfe];
    utf16.extend(chain().encode_utf16().flat_map(u16::to_le_bytes));
    let mut latin = b"caf\xe9 \xff\n".to_vec();
    latin.extend(chain().bytes());
    let mut long = vec![b'x'; 12 << 20];
    long.push(b'\n');
    long.extend(chain().bytes());
    for bytes in [utf16, latin, long] {
        let said = text(&bytes, &["-o", "json"]);
        assert_eq!(said.code, 0, "{said}");
        assert_eq!(said.json()["code"], "AADSTS7000222", "{said}");
    }
}

#[test]
fn a_text_without_a_known_error_is_said_to_be_one() {
    for (given, why) in [("", "is empty"), ("all is well\n", "are known")] {
        let said = text(given.as_bytes(), &[]);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said}");
        assert!(said.stderr.contains(why), "{said}");
    }
    let said = text(b"AADSTS9999999: Something new happened.", &[]);
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("explain-text-unknown", said);
}

/// A log has what its program sent.
#[test]
fn no_secret_of_a_text_reaches_a_stream() {
    let secret = "kX8Q~p7Zq3-canary_9vLw2TfB.6hRd";
    let token = "eyJ0eXAiOiJKV1QifQ.eyJhIjoiY2FuYXJ5In0.c2lnbmF0dXJl";
    let log = format!(
        "POST client_id={APP}&client_secret={secret}\nAuthorization: Bearer {token}\n\u{1b}]0;x\u{7}\u{202e}{}password='{secret} x'\n\
         AADSTS7000215: client_secret={secret} {token}",
        chain()
    );
    for arguments in [&[][..], &["-o", "json"], &["-vvv"]] {
        let said = text(log.as_bytes(), arguments);
        assert_eq!(said.code, 0, "{said}");
        let all = format!("{}{}", said.stdout, said.stderr);
        for piece in [
            "canary", "eyJ0eXAi", "eyJhIjoi", "c2lnbm", "\u{202e}", "\u{1b}",
        ] {
            assert!(!all.contains(piece), "{piece:?}: {said}");
        }
    }
}
