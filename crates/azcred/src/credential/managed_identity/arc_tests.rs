//! Tests of the files that an Arc challenge may name.

use super::*;
use crate::system::{FileFacts, Fixture};

const FOLDER: &str = "/var/opt/azcmagent/tokens";
const KEY: &str = "/var/opt/azcmagent/tokens/a-key.key";
const HIMDS: u32 = 998;

fn asked() -> HostRequest<'static> {
    HostRequest {
        what: "Asked",
        resource: "https://r",
        id: &crate::ManagedIdentityId::SYSTEM,
        variable: None,
        host: "Azure Arc's agent",
        assign: "",
        secrets: &[],
        now: std::time::SystemTime::UNIX_EPOCH,
    }
}

fn facts(kind: FileKind, len: u64, owner: u32) -> FileFacts {
    FileFacts {
        kind,
        len,
        owner: Some(owner),
        writers: Writers::Owner,
        is_readable_by_others: false,
        modified: None,
    }
}

fn server() -> Fixture {
    Fixture::new().with_facts(FOLDER, facts(FileKind::Folder, 0, HIMDS), "")
}

fn read(machine: &Fixture, challenge: &str) -> Result<String> {
    let path = named_file(&asked(), Some(challenge), machine)?;
    read_key(&asked(), &path, machine).map(|key| key.to_string())
}

#[test]
fn a_key_of_the_agents_is_read() {
    for owner in [HIMDS, 0] {
        let machine = server().with_facts(KEY, facts(FileKind::File, 9, owner), "the-key-1\n");
        for challenge in [
            format!("Basic realm={KEY}"),
            format!("basic Realm=\"{KEY}\""),
        ] {
            assert_eq!(read(&machine, &challenge).unwrap(), "the-key-1");
        }
    }
}

#[test]
fn an_agent_without_variables_that_returns_no_token_is_unavailable() {
    let options = ClientOptions::new(Fixture::new().shared());
    let found = super::Arc::installed(&options).unwrap();
    let said = super::Arc {
        is_said: true,
        ..super::Arc::installed(&options).unwrap()
    };
    for (kind, left) in [
        (ErrorKind::Unreachable, ErrorKind::Unavailable),
        (ErrorKind::Invalid, ErrorKind::Unavailable),
        (ErrorKind::Refused, ErrorKind::Refused),
        (ErrorKind::Unexpected, ErrorKind::Unexpected),
    ] {
        let error = || Error::new(kind, "Asked", "nobody is there").with_fix("start it");
        let softened = found.failed(error());
        assert_eq!(softened.kind(), left);
        assert!(softened.why().contains("nobody is there"), "{softened}");
        assert_eq!(softened.fix().unwrap().to_string(), "start it");
        assert_eq!(said.failed(error()).kind(), kind);
    }
}

#[test]
fn a_file_elsewhere_is_not_read() {
    let file = facts(FileKind::File, 9, 0);
    for path in [
        "/etc/shadow",
        "/etc/shadow.key",
        "/var/opt/azcmagent/tokens/../../../../etc/shadow.key",
        "/var/opt/azcmagent/tokens/..",
        "/var/opt/azcmagent/tokens/sub/a.key",
        "/var/opt/azcmagent/tokens//a.key",
        "/var/opt/azcmagent/tokens-of-mine/a.key",
        "/var/opt/azcmagent/tokens",
        "/var/opt/azcmagent/tokens/",
        "/var/opt/azcmagent/tokens/.key",
        "/var/opt/azcmagent/tokens/a.key.txt",
        "/var/opt/azcmagent/tokens/a\\b.key",
        "/var/opt/azcmagent/tokens/a\u{1b}.key",
        "/VAR/opt/azcmagent/tokens/a.key",
        "tokens/a.key",
        "~/a.key",
        "",
    ] {
        let machine = server().with_facts(path, file, "the-key-1");
        let error = read(&machine, &format!("Basic realm={path}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{path}");
        assert!(
            error
                .why()
                .contains("the files /var/opt/azcmagent/tokens/*.key"),
            "{path}: {error}"
        );
        assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    }
}

#[test]
fn a_challenge_without_a_file_is_rejected() {
    for challenge in [
        None,
        Some(""),
        Some("Basic"),
        Some("Bearer realm=/x"),
        Some("Basic charset=/x"),
    ] {
        let error = named_file(&asked(), challenge, &server()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{challenge:?}");
        assert!(error.why().contains("did not name the file"), "{error}");
    }
}

#[test]
fn the_agents_key_must_be_a_small_regular_file() {
    for (facts, why) in [
        (facts(FileKind::Link, 9, 0), "not a regular file"),
        (facts(FileKind::Other, 0, 0), "not a regular file"),
        (facts(FileKind::Folder, 0, 0), "not a regular file"),
        (facts(FileKind::File, 4097, 0), "larger than"),
        (facts(FileKind::File, 1 << 30, 0), "larger than"),
        (facts(FileKind::File, 9, 1000), "neither to root nor"),
    ] {
        let machine = server().with_facts(KEY, facts, "the-key-1");
        let error = read(&machine, &format!("Basic realm={KEY}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{facts:?}");
        assert!(error.why().contains(why), "{error}");
        assert!(!error.to_string().contains("the-key-1"), "{error}");
    }
    let link = Fixture::new()
        .with_facts(FOLDER, facts(FileKind::Link, 9, 0), "")
        .with_file(KEY, "the-key-1");
    let error = read(&link, &format!("Basic realm={KEY}")).unwrap_err();
    assert!(error.why().contains("its folder is a link"), "{error}");
}

#[test]
fn a_key_that_another_user_could_have_written_is_not_read() {
    let open = |facts| FileFacts {
        writers: Writers::Anybody,
        ..facts
    };
    let key = facts(FileKind::File, 9, HIMDS);
    let folder = facts(FileKind::Folder, 0, HIMDS);
    for (folder, key) in [(open(folder), key), (folder, open(key))] {
        let machine =
            Fixture::new()
                .with_facts(FOLDER, folder, "")
                .with_facts(KEY, key, "the-key-1");
        let error = read(&machine, &format!("Basic realm={KEY}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
        assert!(error.why().contains("anybody may write"), "{error}");
    }
}

#[test]
fn a_key_that_a_header_can_not_have_is_rejected() {
    for content in ["", " \n", "a b", "a\r\nX-Evil: 1", "\u{e9}"] {
        let machine = server().with_facts(KEY, facts(FileKind::File, 9, 0), content);
        let error = read(&machine, &format!("Basic realm={KEY}")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{content:?}");
        assert!(!error.to_string().contains("Evil"), "{error}");
    }
    let binary = server().with_facts(KEY, facts(FileKind::File, 2, 0), [0xff, 0xfe]);
    assert!(read(&binary, &format!("Basic realm={KEY}")).is_err());
}

#[test]
fn a_missing_key_has_a_fix() {
    let error = read(&server(), &format!("Basic realm={KEY}")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert!(
        error.fix().unwrap().to_string().contains("azcmagent show"),
        "{error}"
    );
}

#[test]
fn the_agents_folder_is_known_on_linux_and_windows_only() {
    let windows = Fixture::new()
        .with_os("windows")
        .with_var("ProgramData", r"C:\ProgramData\");
    let name = |path: &str| named_file(&asked(), Some(&format!("Basic realm={path}")), &windows);
    let folder = r"C:\ProgramData\AzureConnectedMachineAgent\Tokens";
    let good = format!(r"{folder}\a.key");
    assert_eq!(name(&good).unwrap(), good);
    assert!(
        name(&good.to_lowercase()).is_ok(),
        "the system knows no case"
    );
    for bad in [
        format!(r"{folder}\..\a.key"),
        format!("{folder}/a.key"),
        format!(r"{folder}\a.key:x.key"),
        format!(r"{folder}\sub\a.key"),
        r"C:\Windows\a.key".to_owned(),
    ] {
        assert!(name(&bad).is_err(), "{bad}");
    }
    for machine in [
        Fixture::new().with_os("macos"),
        Fixture::new().with_os("windows"),
    ] {
        let error = named_file(&asked(), Some("Basic realm=/x"), &machine).unwrap_err();
        assert!(error.is_unavailable(), "{error}");
    }
}

proptest::proptest! {
    #![proptest_config(crate::hostile::cases())]

    #[test]
    fn no_damaged_challenge_leads_out_of_the_agents_folder(
        challenge in crate::hostile::spoilt(format!("Basic realm=\"{KEY}\"")),
        windows in proptest::bool::ANY,
    ) {
        let challenge = String::from_utf8_lossy(&challenge).into_owned();
        let (machine, folder) = if windows {
            let machine = Fixture::new().with_os("windows").with_var("ProgramData", "/var/opt");
            (machine, r"/var/opt\AzureConnectedMachineAgent\Tokens\".to_owned())
        } else {
            (server(), format!("{FOLDER}/"))
        };
        match named_file(&asked(), Some(&challenge), &machine) {
            Ok(path) => {
                let name = path.strip_prefix(&folder);
                proptest::prop_assert!(name.is_some_and(|name| !name.contains(['/', '\\', ':', '\0'])), "{path}");
            }
            Err(error) => {
                let shown = format!("{error}");
                proptest::prop_assert!(!shown.contains(['\u{1b}', '\u{202e}', '\n']), "{shown:?}");
            }
        }
    }
}
