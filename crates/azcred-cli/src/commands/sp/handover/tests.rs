//! Each place, on a machine with the programs that the place needs.

use super::*;
use crate::{output::Format, words};
use azcred::system::{Fixture, NoKeyring};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const SECRET: &str = "abc8Q~d.e_f-g~hijklmnopqrstuvwxyz0123456";
const NAME: &str = "training";
const CLIENT: &str = "a0000001-0000-4000-8000-000000000001";
const TENANT: &str = "c0a70500-0000-4000-8000-000000000001";

/// A folder with a machine around it.
struct Desk {
    folder: TempDir,
    place: Place,
    output: Output,
}

impl Desk {
    fn new() -> Self {
        Self::of(|system, _| system)
    }

    fn of(system: impl FnOnce(Fixture, &Path) -> Fixture) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(folder.path()).unwrap();
        let fixture = Fixture::new().with_var("HOME", path.join("home").to_str().unwrap());
        let fixture = fixture.with_var_os("PATH", std::env::var_os("PATH").unwrap());
        Self {
            place: Place {
                system: system(fixture, &path).shared(),
                folder: path,
            },
            folder,
            output: Output::new(Format::Text, false, true),
        }
    }

    /// A desk in a git repository that ignores these files.
    fn in_git(ignored: &str) -> Self {
        let this = Self::new();
        this.git(&["init", "--quiet"]);
        fs::write(this.path(".gitignore"), ignored).unwrap();
        this
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        let ended = git
            .arg("-C")
            .arg(self.folder.path())
            .args(arguments)
            .output();
        let ended = ended.expect("git is installed");
        assert!(ended.status.success(), "{ended:?}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    async fn check(
        &self,
        options: &HandoverOptions,
        proof: ProofKind,
    ) -> Result<Handover, Failure> {
        let expected = Expected {
            name: NAME,
            client_id: None,
            proof,
        };
        options.check(&expected, &self.place, &self.output).await
    }

    async fn deliver(&mut self, options: &HandoverOptions, new: &NewCredential) -> Delivered {
        let handover = self.check(options, new.proof.kind()).await.unwrap();
        let again = handover.deliver(new, &self.place, &mut self.output).await;
        let first = again.unwrap();
        // A run that is repeated after the delivery changes nothing.
        let second = handover.deliver(new, &self.place, &mut self.output).await;
        assert_eq!(first, second.unwrap());
        first
    }
}

fn options(purpose: Option<Purpose>, to: Option<&str>) -> HandoverOptions {
    HandoverOptions {
        purpose,
        to: to.map(|to| target::parse(to).unwrap()),
    }
}

fn new(proof: NewProof) -> NewCredential {
    NewCredential {
        client_id: ClientId::new(CLIENT).unwrap(),
        tenant: TenantId::new(TENANT).unwrap(),
        name: NAME.to_owned(),
        proof,
        expires_on: None,
        workspace: Some(
            WorkspaceRef::new("5ec0ffee-0001-4000-8000-000000000001", "rg", "ws-1").unwrap(),
        ),
    }
}

fn secret() -> NewCredential {
    new(NewProof::Secret(SecretString::from(SECRET)))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn fix(failure: &Failure) -> String {
    failure.fix.as_deref().map(words::fix).unwrap_or_default()
}

#[tokio::test]
async fn a_file_with_a_secret_is_private_and_keeps_its_other_lines() {
    let mut desk = Desk::in_git(".env\n");
    fs::write(desk.path(".env"), "MINE=1\n").unwrap();
    fs::set_permissions(desk.path(".env"), fs::Permissions::from_mode(0o644)).unwrap();
    let dotenv = options(Some(Purpose::Dotenv), None);
    let delivered = desk.deliver(&dotenv, &secret()).await;
    assert_eq!(
        delivered.place().unwrap(),
        "in .env, which only you can read"
    );
    assert_eq!(delivered.command(), Some("set -a; . ./.env; set +a"));
    let written = desk.read(".env");
    assert!(written.starts_with("MINE=1\n\n# azcred:"), "{written}");
    assert!(written.contains(&format!("\nAZURE_CLIENT_SECRET={SECRET}\n")));
    assert_eq!(mode(&desk.path(".env")), 0o600);
    assert_eq!(desk.names(), [".env", ".git", ".gitignore"]);
    // The next secret takes the place of this one.
    let next = new(NewProof::Secret(SecretString::from("another")));
    desk.deliver(&dotenv, &next).await;
    assert_eq!(desk.read(".env"), written.replace(SECRET, "another"));
}

#[tokio::test]
async fn a_shell_and_each_program_read_back_what_was_written() {
    let mut desk = Desk::new();
    let himl = options(Some(Purpose::Himl), Some("himl.env"));
    let delivered = desk.deliver(&himl, &secret()).await;
    let script = format!(
        "{}; printf %s \"$HIML_SERVICE_PRINCIPAL_ID $HIML_SERVICE_PRINCIPAL_PASSWORD $HIML_TENANT_ID\"",
        delivered.command().unwrap()
    );
    let said = Command::new("sh")
        .args(["-c", &script])
        .current_dir(desk.folder.path())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(said.stdout).unwrap(),
        format!("{CLIENT} {SECRET} {TENANT}")
    );
    let json = options(Some(Purpose::Json), Some("sp.json"));
    desk.deliver(&json, &secret()).await;
    let document: serde_json::Value = serde_json::from_str(&desk.read("sp.json")).unwrap();
    assert_eq!(
        document,
        serde_json::json!({"appId": CLIENT, "displayName": NAME, "password": SECRET, "tenant": TENANT})
    );
    let pipelines = options(Some(Purpose::AzurePipelines), Some("connection.json"));
    desk.deliver(&pipelines, &secret()).await;
    let document: serde_json::Value = serde_json::from_str(&desk.read("connection.json")).unwrap();
    assert_eq!(
        document["authorization"]["parameters"]["serviceprincipalkey"],
        SECRET
    );
    for file in ["himl.env", "sp.json", "connection.json"] {
        assert_eq!(mode(&desk.path(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_file_that_git_would_commit_takes_no_secret() {
    let desk = Desk::in_git("ignored.env\n");
    let check = |to| {
        let options = options(None, Some(to));
        let desk = &desk;
        async move { desk.check(&options, ProofKind::Secret).await }
    };
    assert!(check("ignored.env").await.is_ok());
    let refused = check("plain.env").await.unwrap_err();
    assert!(
        refused.why.contains("git does not ignore it"),
        "{refused:?}"
    );
    assert!(
        fix(&refused).contains("`echo plain.env >> .gitignore`"),
        "{refused:?}"
    );
    // A file that is in the repository already is committed, whatever is ignored.
    fs::write(desk.path("ignored.env"), "").unwrap();
    desk.git(&["add", "--force", "ignored.env"]);
    assert!(check("ignored.env").await.is_err());
    // Also in a folder below, which a link leads to.
    fs::create_dir(desk.path("below")).unwrap();
    assert!(check("below/x.env").await.is_err());
    let outside = Desk::new();
    std::os::unix::fs::symlink(desk.path("below"), outside.path("link")).unwrap();
    let options = options(None, Some("link/x.env"));
    assert!(outside.check(&options, ProofKind::Secret).await.is_err());
    assert_eq!(desk.names(), [".git", ".gitignore", "below", "ignored.env"]);
}

#[tokio::test]
async fn without_git_a_file_in_a_repository_takes_no_secret() {
    let desk = Desk::of(|system, _| system.with_var("PATH", "/nonexistent"));
    let options = options(None, Some("x.env"));
    assert!(desk.check(&options, ProofKind::Secret).await.is_ok());
    fs::create_dir(desk.path(".git")).unwrap();
    let refused = desk.check(&options, ProofKind::Secret).await.unwrap_err();
    assert!(refused.why.contains("git is not installed"), "{refused:?}");
}

#[tokio::test]
async fn nothing_of_another_file_is_lost() {
    let desk = Desk::new();
    fs::write(desk.path("mine.env"), "A=1\nAZURE_CLIENT_ID=mine\n").unwrap();
    fs::write(
        desk.path("mine.json"),
        r#"{"appId": "x", "displayName": "other"}"#,
    )
    .unwrap();
    fs::write(desk.path("binary"), b"\xff\xfe\xff").unwrap();
    fs::create_dir(desk.path("folder")).unwrap();
    std::os::unix::fs::symlink("mine.env", desk.path("link")).unwrap();
    let before = desk.read("mine.env");
    for (purpose, to, why) in [
        (Purpose::Azure, "mine.env", "line 2 sets AZURE_CLIENT_ID"),
        (Purpose::Json, "mine.json", "would be lost"),
        (Purpose::Json, "mine.env", "would be lost"),
        (Purpose::Azure, "binary", "not text"),
        (Purpose::Azure, "folder", "not a file"),
        (Purpose::Azure, "link", "a link"),
        (Purpose::Azure, "missing/x.env", "folder"),
    ] {
        let options = options(Some(purpose), Some(to));
        let refused = desk.check(&options, ProofKind::Secret).await.unwrap_err();
        assert!(refused.why.contains(why), "{to}: {refused:?}");
        assert!(!fix(&refused).is_empty(), "{to}");
    }
    let pem = options(None, Some("mine.env"));
    let refused = desk.check(&pem, ProofKind::Certificate).await.unwrap_err();
    assert!(refused.why.contains("would be lost"), "{refused:?}");
    assert_eq!(desk.read("mine.env"), before);
    assert_eq!(
        desk.names(),
        ["binary", "folder", "link", "mine.env", "mine.json"]
    );
}

#[tokio::test]
async fn a_file_that_changed_since_the_check_is_left_alone() {
    let mut desk = Desk::new();
    let json = options(Some(Purpose::Json), Some("sp.json"));
    let handover = desk.check(&json, ProofKind::Secret).await.unwrap();
    fs::write(desk.path("sp.json"), "theirs").unwrap();
    let refused = handover
        .deliver(&secret(), &desk.place, &mut desk.output)
        .await;
    assert!(refused.unwrap_err().why.contains("would be lost"));
    assert_eq!(desk.read("sp.json"), "theirs");
}

#[tokio::test]
async fn an_account_in_the_keyring_is_the_profiles_own() {
    let mut desk = Desk::of(|system, _| system.with_keyring(None));
    let delivered = desk.deliver(&options(None, None), &secret()).await;
    assert_eq!(
        delivered.command(),
        Some("azcred exec --profile training -- COMMAND")
    );
    assert_eq!(
        delivered.place().unwrap(),
        "in the keyring, as an account of the profile training"
    );
    // Another application of the same name would take its place unseen.
    let refused = desk.check(&options(None, None), ProofKind::Secret).await;
    let refused = refused.unwrap_err();
    assert!(refused.why.contains(CLIENT), "{refused:?}");
    assert!(fix(&refused).contains("azcred logout --profile training"));
    let own = ClientId::new(CLIENT).unwrap();
    let expected = Expected {
        name: NAME,
        client_id: Some(&own),
        proof: ProofKind::Secret,
    };
    let options = options(None, None);
    let again = options.check(&expected, &desk.place, &desk.output).await;
    assert!(again.is_ok());
}

#[tokio::test]
async fn without_a_keyring_nothing_is_made_and_the_other_places_are_named() {
    let mut desk =
        Desk::of(|system, _| system.with_keyring(Some(NoKeyring::Absent("no bus".to_owned()))));
    let refused = desk.check(&options(None, None), ProofKind::Secret).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.what, "could not store a secret of training");
    for place in ["--to encrypted-file", "--to FILE"] {
        assert!(fix(&refused).contains(place), "{refused:?}");
    }
    let file = options(None, Some("encrypted-file"));
    let delivered = desk.deliver(&file, &secret()).await;
    assert_eq!(delivered.to, "encrypted-file");
}

#[tokio::test]
async fn a_certificate_is_a_private_file_and_an_account() {
    let mut desk = Desk::new();
    let pem = "-----BEGIN PRIVATE KEY-----\nkey\n-----END PRIVATE KEY-----\n";
    let certificate = new(NewProof::Certificate(SecretString::from(pem)));
    let delivered = desk
        .deliver(&options(None, Some("sp.pem")), &certificate)
        .await;
    assert_eq!(desk.read("sp.pem"), pem);
    assert_eq!(mode(&desk.path("sp.pem")), 0o600);
    assert_eq!(delivered.profile.as_deref(), Some(NAME));
    // Its key would be lost.
    let pem = options(None, Some("sp.pem"));
    assert!(desk.check(&pem, ProofKind::Certificate).await.is_err());
}

/// A machine with a `gh` that records each call, and what it could see of it.
fn with_gh(script: &str) -> Desk {
    let desk = Desk::of(|system, folder| {
        let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
        system.with_var("PATH", &path)
    });
    fs::create_dir(desk.path("bin")).unwrap();
    let seen = desk.path("seen");
    fs::create_dir(&seen).unwrap();
    let seen = seen.display();
    let script = format!(
        r#"n=$(ls '{seen}' | wc -l)
printf '%s\n' "$@" > '{seen}/'$n.arguments
env > '{seen}/'$n.environment
tr '\0' ' ' < /proc/$$/cmdline > '{seen}/'$n.cmdline 2>/dev/null
input=$(cat)
printf %s "$input" > '{seen}/'$n.input
{script}"#
    );
    azcred_scripts::shell_script(desk.path("bin/gh"), &script).unwrap();
    desk
}

const ADMIN: &str = r#"case "$1 $2" in
"repo view") echo '{"nameWithOwner": "contoso/train", "viewerPermission": "ADMIN", "url": "https://git.contoso.com/contoso/train"}';;
esac"#;

#[tokio::test]
async fn gh_reads_the_secret_from_its_standard_input_and_nothing_else_shows_it() {
    // A folder's repository may be on a server of the user's own.
    for (to, of) in [
        (None, "git.contoso.com/contoso/train"),
        (Some("gh:contoso/train"), "contoso/train"),
    ] {
        let mut desk = with_gh(ADMIN);
        let delivered = desk
            .deliver(&options(Some(Purpose::Github), to), &secret())
            .await;
        assert_eq!(
            delivered.place().unwrap(),
            "in the repository contoso/train"
        );
        let mut set = Vec::new();
        for entry in fs::read_dir(desk.path("seen")).unwrap() {
            let file = entry.unwrap().path();
            let text = fs::read_to_string(&file).unwrap();
            match file.extension().and_then(|one| one.to_str()) {
                Some("input") if !text.is_empty() => {
                    let of = fs::read_to_string(file.with_extension("arguments")).unwrap();
                    set.push(format!("{}< {text}", of.replace('\n', " ")));
                }
                Some("input") => {}
                _ => assert!(!text.contains(SECRET), "{file:?} has the secret"),
            }
        }
        set.sort();
        set.dedup();
        assert_eq!(
            set,
            [
                format!("secret set AZURE_CLIENT_SECRET --repo {of} < {SECRET}"),
                format!("variable set AZURE_CLIENT_ID --repo {of} < {CLIENT}"),
                format!("variable set AZURE_TENANT_ID --repo {of} < {TENANT}"),
            ]
        );
    }
}

#[tokio::test]
async fn what_gh_says_is_passed_on_without_the_secret() {
    for (script, why) in [
        (
            "echo 'To get started: gh auth login' >&2; exit 4",
            "gh auth login",
        ),
        ("echo nonsense", "can't be read"),
        (
            r#"echo '{"nameWithOwner": "contoso/train", "viewerPermission": "READ", "url": "https://github.com/contoso/train"}'"#,
            "secrets need WRITE",
        ),
    ] {
        let desk = with_gh(script);
        let github = options(Some(Purpose::Github), None);
        let refused = desk.check(&github, ProofKind::Secret).await.unwrap_err();
        assert!(refused.why.contains(why), "{refused:?}");
    }
    let mut desk = with_gh(&format!(
        "{ADMIN}\ncase \"$2\" in set) echo \"HTTP 403: $input\" >&2; exit 1;; esac"
    ));
    let github = options(Some(Purpose::Github), None);
    let handover = desk.check(&github, ProofKind::Secret).await.unwrap();
    let refused = handover
        .deliver(&secret(), &desk.place, &mut desk.output)
        .await;
    let refused = refused.unwrap_err();
    assert!(
        refused
            .why
            .contains("AZURE_TENANT_ID was not set: gh said: HTTP 403: ****"),
        "{refused:?}"
    );
    let without = Desk::of(|system, _| system.with_var("PATH", "/nonexistent"));
    let refused = without.check(&github, ProofKind::Secret).await.unwrap_err();
    assert!(
        fix(&refused).contains("https://cli.github.com"),
        "{refused:?}"
    );
}
