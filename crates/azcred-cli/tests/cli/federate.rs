//! `azcred sp federate`: from a person's one command to a job's sign-in.

use crate::{
    authority::{Authority, response},
    azure::Azure,
    run::{Run, Said, assert_seen, azcred},
    sp,
    team::{application, team},
};
use azcred_emulator::{
    Persona, Way,
    issuer::{EXCHANGE_AUDIENCE, mint},
};
use serde_json::{Value, json};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const IDS: &str = "repo:contoso@123456/ml@456789:ref:refs/heads/main";

/// An owner, and an application that trusts no jobs yet.
pub(crate) fn contoso() -> Azure {
    team(&[
        &application(1, "owner", &["Application.ReadWrite.All"]),
        &application(2, "ci-train", &[]),
        ISSUER,
    ])
}

const ISSUER: &str = "\n[[issuers]]\nurl = \"https://token.actions.githubusercontent.com\"\n";

pub(crate) const CI: &str = "a0000001-0000-4000-8000-000000000002";

/// GitHub's API, for a repository with this prefix.
pub(crate) fn github(prefix: &'static str) -> Authority {
    Authority::answering(move |request| {
        let body = json!({"use_default": true, "use_immutable_subject": false, "sub_claim_prefix": prefix});
        match request
            .line
            .contains("/repos/contoso/ml/actions/oidc/customization/sub")
        {
            true => response("200 OK", "", &body.to_string()),
            false => response("404 Not Found", "", r#"{"message": "Not Found"}"#),
        }
    })
}

pub(crate) fn federate(azure: &Azure, api: Option<&Authority>, arguments: &[&str]) -> Run {
    let run = azcred(&["sp", "federate", "--client-id", CI])
        .args(arguments)
        .envs(&azure.application("owner"));
    match api {
        Some(api) => run.env("GITHUB_API_URL", &api.url()),
        // No request leaves this machine.
        None => run.env("GITHUB_API_URL", "http://127.0.0.1:1"),
    }
}

fn document(run: Run) -> Value {
    let said = run.args(&["-o", "json"]).said();
    assert_eq!(said.code, 0, "{said}");
    said.json()
}

/// `azcred whoami` in a job with this subject.
pub(crate) fn job(azure: &Azure, subject: &str) -> Said {
    in_job(azure, &["whoami"], CI, subject)
}

/// A command in a job with this subject, as the application that it names.
fn in_job(azure: &Azure, command: &[&str], client_id: &str, subject: &str) -> Said {
    let world = azure.emulator().world();
    let minted = mint(world, GITHUB, subject, EXCHANGE_AUDIENCE, 600).expect("a token");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, minted).expect("a file");
    let mut set = azure.environment(Persona::NoAccount, Way::RealNames);
    for (name, value) in [
        ("AZURE_TENANT_ID", "c0a70500-0000-4000-8000-000000000001"),
        ("AZURE_CLIENT_ID", client_id),
        ("AZURE_FEDERATED_TOKEN_FILE", &file.display().to_string()),
    ] {
        set.push((name.to_owned(), value.to_owned()));
    }
    azcred(command).envs(&set).said()
}

#[test]
fn one_command_makes_a_proved_identity_for_the_jobs_of_a_branch_and_no_secret() {
    let azure = sp::contoso_with(ISSUER);
    let api = github("repo:contoso@123456/ml@456789");
    let create = |arguments: &[&str]| {
        let arguments = [
            &[
                "create",
                "ci-train",
                "--github",
                "contoso/ml",
                "--branch",
                "main",
            ],
            arguments,
        ]
        .concat();
        sp::sp(&azure, "admin", &arguments).env("GITHUB_API_URL", &api.url())
    };
    let first = create(&[]).said();
    assert_eq!(first.code, 0, "{first}");
    assert_seen!("sp-create-federated", sp::shown(&azure, &first));
    assert_eq!(sp::made(&azure), [("ci-train".to_owned(), 0, 1)]);
    let again = create(&["-o", "json"]).said();
    assert_eq!(again.code, 0, "{again}");
    let again = again.json();
    assert_eq!(again["federatedCredential"]["done"], "nothing");
    assert_eq!(again["federatedCredential"]["credential"]["subject"], IDS);
    assert_eq!(again["secret"], Value::Null);

    let client_id = again["clientId"].as_str().expect("an id");
    let workspace = "/subscriptions/5ec0ffee-0001-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws-team";
    let doctor = ["doctor", "--workspace", workspace];
    let healthy = in_job(&azure, &doctor, client_id, IDS);
    assert_eq!(healthy.code, 0, "{healthy}");
    let other = in_job(
        &azure,
        &doctor,
        client_id,
        "repo:contoso/ml:ref:refs/heads/main",
    );
    assert_eq!(other.code, 4, "{other}");

    // What GitHub does not tell is known before anything is created.
    let unknown = [
        "create",
        "ci-other",
        "--github",
        "contoso/other",
        "--branch",
        "main",
    ];
    let refused = sp::sp(&azure, "admin", &unknown)
        .env("GITHUB_API_URL", &api.url())
        .said();
    assert_eq!(refused.code, 1, "{refused}");
    assert_eq!(sp::made(&azure).len(), 1);
}

#[test]
fn a_job_signs_in_after_one_command_and_one_of_another_branch_sees_both_sides() {
    let azure = contoso();
    let api = github("repo:contoso@123456/ml@456789");
    let main = ["--github", "contoso/ml", "--branch", "main"];
    assert_eq!(job(&azure, IDS).code, 4);
    let registered = federate(&azure, Some(&api), &main).said();
    assert_eq!(registered.code, 0, "{registered}");
    assert_seen!("sp-federate", registered);
    let compared = |subject: &str| {
        federate(
            &azure,
            None,
            &["--issuer", GITHUB, "--subject", subject, "--check"],
        )
    };
    assert_eq!(compared(IDS).said().code, 0);
    let both = compared("repo:contoso/ml:ref:refs/heads/main").said();
    assert_eq!(both.code, 1, "{both}");
    assert_seen!("sp-federate-check", both);
    let json = compared("repo:contoso/ml:ref:refs/heads/dev")
        .args(&["-o", "json"])
        .said();
    assert_eq!(json.code, 1, "{json}");
    let json = json.json();
    assert_eq!(json["isTrusted"], false);
    assert_eq!(json["registered"][0]["differences"][0]["registered"], IDS);

    let again = federate(&azure, Some(&api), &main).said();
    assert_eq!(again.code, 0, "{again}");
    assert_seen!("sp-federate-again", again);

    let signed_in = job(&azure, IDS);
    assert_eq!(signed_in.code, 0, "{signed_in}");
    for other in [
        "repo:contoso@123456/ml@456789:ref:refs/heads/dev",
        "repo:contoso/ml:ref:refs/heads/main",
    ] {
        let refused = job(&azure, other);
        assert_eq!(refused.code, 4, "{refused}");
        assert!(refused.stderr.contains("AADSTS700213"), "{refused}");
        // The fix is a command that can be run as it is.
        let command = refused.stderr.replace('\n', " ");
        let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
        let wanted =
            format!("azcred sp federate --client-id {CI} --issuer '{GITHUB}' --subject '{other}'");
        assert!(command.contains(&wanted), "{refused}");
    }
    assert_seen!(
        "sp-federate-refused",
        job(&azure, "repo:contoso/ml:ref:refs/heads/main")
    );
}

#[test]
fn both_forms_sign_in_where_github_says_so_and_the_other_one_is_told() {
    let azure = contoso();
    let main = ["--github", "Contoso/ML", "--branch", "main"];
    let names = github("repo:contoso/ml");
    // GitHub's own case counts.
    let names = federate(
        &azure,
        Some(&names),
        &["--github", "contoso/ml", "--branch", "main"],
    );
    let names = names.said();
    assert_seen!("sp-federate-names", names);
    assert_eq!(job(&azure, "repo:contoso/ml:ref:refs/heads/main").code, 0);
    let ids = [
        &main[..],
        &["--owner-id", "123456", "--repository-id", "456789"],
    ]
    .concat();
    let found = document(federate(&azure, None, &ids));
    assert_eq!(found["foundBy"], "ids");
    assert_eq!(
        found["credential"]["subject"],
        "repo:Contoso@123456/ML@456789:ref:refs/heads/main"
    );
    assert_eq!(found["done"], "created");
}

#[test]
fn nothing_is_guessed_if_github_does_not_tell() {
    let azure = contoso();
    let api = github("repo:contoso@123456/ml@456789");
    let private = federate(
        &azure,
        Some(&api),
        &["--github", "contoso/secret", "--branch", "main"],
    );
    let said = private.said();
    assert_eq!(said.code, 1, "{said}");
    assert_seen!("sp-federate-unknown", said);
    let unreachable = federate(
        &azure,
        None,
        &["--github", "contoso/ml", "--branch", "main"],
    )
    .said();
    assert_eq!(unreachable.code, 6, "{unreachable}");
}

#[test]
fn one_that_differs_is_shown_beside_the_new_one_and_changed_on_request_alone() {
    let azure = contoso();
    let api = github("repo:contoso@123456/ml@456789");
    let of = |branch: &'static str| {
        [
            "--github",
            "contoso/ml",
            "--branch",
            branch,
            "--credential-name",
            "github",
        ]
    };
    assert_eq!(federate(&azure, Some(&api), &of("main")).said().code, 0);
    let refused = federate(&azure, Some(&api), &of("dev")).said();
    assert_eq!(refused.code, 1, "{refused}");
    assert_seen!("sp-federate-differs", refused);
    assert_eq!(job(&azure, IDS).code, 0);
    let replaced = federate(
        &azure,
        Some(&api),
        &[&of("dev")[..], &["--replace"]].concat(),
    )
    .said();
    assert_eq!(replaced.code, 0, "{replaced}");
    assert_eq!(job(&azure, IDS).code, 4);
    assert_eq!(
        job(&azure, "repo:contoso@123456/ml@456789:ref:refs/heads/dev").code,
        0
    );
}

#[test]
fn what_can_never_match_or_trusts_too_many_is_said() {
    let azure = contoso();
    let api = github("repo:contoso@123456/ml@456789");
    let cautions = |arguments: &[&str]| {
        let arguments = [&["--github", "contoso/ml"], arguments].concat();
        document(federate(&azure, Some(&api), &arguments))["cautions"].clone()
    };
    assert_eq!(cautions(&["--branch", "release/*"]), json!(["wildcard"]));
    assert_eq!(cautions(&["--pull-request"]), json!(["everyPullRequest"]));
    assert_eq!(cautions(&["--environment", "EU: live"]), json!([]));
    assert_eq!(
        job(
            &azure,
            "repo:contoso@123456/ml@456789:environment:EU%3A live"
        )
        .code,
        0
    );
}

#[test]
fn other_systems_have_their_own_options() {
    let azure = contoso();
    let of = |arguments: &[&str]| {
        let credential = document(federate(&azure, None, arguments))["credential"].clone();
        [credential["issuer"].clone(), credential["subject"].clone()]
    };
    assert_eq!(
        of(&["--gitlab", "contoso/ml", "--tag", "v1"]),
        [
            "https://gitlab.com",
            "project_path:contoso/ml:ref_type:tag:ref:v1"
        ]
    );
    let organization = "0b1ec700-0000-4000-8000-00000000000d";
    let connection = [
        "--azure-pipelines",
        "contoso/ml/azure",
        "--organization-id",
        organization,
    ];
    assert_eq!(
        of(&connection),
        [
            &*format!("https://vstoken.dev.azure.com/{organization}"),
            "sc://contoso/ml/azure"
        ]
    );
    let id = "0b1ec700-0000-4000-8000-00000000000e";
    let [issuer, subject] = of(&[&connection[..], &["--connection-id", id]].concat());
    assert_eq!(
        issuer,
        "https://login.microsoftonline.com/c0a70500-0000-4000-8000-000000000001/v2.0"
    );
    assert!(
        subject
            .as_str()
            .is_some_and(|text| text.ends_with(&format!("/sc/{organization}/{id}")))
    );
    assert_eq!(
        of(&[
            "--kubernetes",
            "https://oidc.contoso.com/c1/",
            "training/runner"
        ]),
        [
            "https://oidc.contoso.com/c1/",
            "system:serviceaccount:training:runner"
        ]
    );
    let own = [
        "--issuer",
        "https://ci.contoso.com",
        "--subject",
        "job:1",
        "--audience",
        "api://own",
    ];
    assert_eq!(of(&own), ["https://ci.contoso.com", "job:1"]);
}

#[test]
fn the_twenty_first_is_refused_before_it_is_sent() {
    let azure = contoso();
    for number in 0..20 {
        let subject = format!("job:{number}");
        let one = ["--issuer", "https://ci.contoso.com", "--subject", &subject];
        assert_eq!(document(federate(&azure, None, &one))["done"], "created");
    }
    let one = ["--issuer", "https://ci.contoso.com", "--subject", "job:20"];
    let refused = federate(&azure, None, &one).said();
    assert_eq!(refused.code, 1, "{refused}");
    assert_seen!("sp-federate-full", refused);
}

#[test]
fn a_command_line_that_names_no_jobs_is_refused() {
    let azure = contoso();
    for arguments in [
        &[][..],
        &["--github", "contoso/ml"],
        &["--branch", "main"],
        &["--gitlab", "contoso/ml"],
        &[
            "--github",
            "contoso/ml",
            "--branch",
            "main",
            "--gitlab",
            "a/b",
        ],
        &["--github", "contoso/ml", "--branch", "a", "--tag", "b"],
        &["--issuer", "https://a"],
        &["--azure-pipelines", "a/b/c"],
    ] {
        let said = federate(&azure, None, arguments).said();
        assert_eq!(said.code, 2, "{said}");
    }
}
