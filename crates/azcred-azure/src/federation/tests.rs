use super::*;
use crate::applications::{FederatedCredential, MOST_FEDERATED_CREDENTIALS};
use azcred::TenantId;
use proptest::prelude::*;
use uuid::Uuid;

fn audience() -> FederatedAudience {
    FederatedAudience::new("api://AzureADTokenExchange").unwrap()
}

fn repository(text: &str) -> GitHubRepository {
    GitHubRepository::new(text, None).unwrap()
}

fn trust(subject: &str) -> FederatedTrust {
    FederatedTrust::new(
        "https://token.actions.githubusercontent.com",
        subject,
        audience(),
    )
    .unwrap()
}

fn registered(name: &str, of: &FederatedTrust) -> FederatedCredential {
    FederatedCredential {
        id: Uuid::nil(),
        name: name.into(),
        issuer: of.issuer().into(),
        subject: Some(of.subject().into()),
        audiences: vec![of.audience().as_str().into()],
        description: None,
    }
}

#[test]
fn a_github_subject_has_one_of_two_forms_and_what_the_job_runs_for() {
    let repository = repository("contoso/ml-project");
    let names = SubjectPrefix::of_names(&repository);
    let ids = SubjectPrefix::of_ids(&repository, 123_456, 456_789);
    for (run, end) in [
        (GitHubRun::Branch("main".to_owned()), "ref:refs/heads/main"),
        (GitHubRun::Tag("v1".to_owned()), "ref:refs/tags/v1"),
        (
            GitHubRun::Environment("production".to_owned()),
            "environment:production",
        ),
        // Only the colon is replaced.
        (
            GitHubRun::Environment("EU: live/1".to_owned()),
            "environment:EU%3A live/1",
        ),
        (GitHubRun::PullRequest, "pull_request"),
    ] {
        assert_eq!(
            names.subject(&run),
            format!("repo:contoso/ml-project:{end}")
        );
        assert_eq!(
            ids.subject(&run),
            format!("repo:contoso@123456/ml-project@456789:{end}")
        );
    }
}

#[test]
fn a_repository_is_read_as_people_have_it_and_its_host_decides_the_issuer() {
    for (text, host, issuer) in [
        (
            "contoso/ml",
            "github.com",
            "https://token.actions.githubusercontent.com",
        ),
        (
            "https://github.com/contoso/ml.git",
            "github.com",
            "https://token.actions.githubusercontent.com",
        ),
        (
            "git@github.com:contoso/ml.git",
            "github.com",
            "https://token.actions.githubusercontent.com",
        ),
        (
            "Contoso.ghe.com/contoso/ml",
            "contoso.ghe.com",
            "https://token.actions.contoso.ghe.com",
        ),
        (
            "git.contoso.com/contoso/ml",
            "git.contoso.com",
            "https://git.contoso.com/_services/token",
        ),
    ] {
        let read = repository(text);
        assert_eq!(
            (&*read.host, &*read.owner, &*read.name),
            (host, "contoso", "ml")
        );
        assert_eq!(read.issuer(), issuer, "{text}");
    }
    let other = GitHubRepository::new("contoso/ml", Some("git.contoso.com")).unwrap();
    assert_eq!(other.host, "git.contoso.com");
    for wrong in [
        "",
        "ml",
        "a/b/c/d",
        "contoso/",
        "con toso/ml",
        "contoso/..",
        "c*/ml",
        "contoso/m:l",
        "a@1/b@2",
    ] {
        let error = GitHubRepository::new(wrong, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{wrong}");
    }
}

#[test]
fn gitlab_kubernetes_and_azure_devops_have_their_own_subjects() {
    let on_gitlab = GitLabProject::new("contoso/team/ml").unwrap();
    let branch = GitLabRef::Branch("main".to_owned());
    let of = on_gitlab.trust(&branch, audience()).unwrap();
    assert_eq!(
        (of.issuer(), of.subject()),
        (
            "https://gitlab.com",
            "project_path:contoso/team/ml:ref_type:branch:ref:main"
        )
    );
    let own = GitLabProject::new("https://gitlab.contoso.com/contoso/ml/").unwrap();
    let of = own
        .trust(&GitLabRef::Tag("v1".to_owned()), audience())
        .unwrap();
    assert_eq!(
        (of.issuer(), of.subject()),
        (
            "https://gitlab.contoso.com",
            "project_path:contoso/ml:ref_type:tag:ref:v1"
        )
    );
    for wrong in [
        "",
        "ml",
        "https://gitlab.contoso.com",
        "contoso/../ml",
        "http://a/b/c",
    ] {
        assert!(GitLabProject::new(wrong).is_err(), "{wrong}");
    }

    let organization_id: Uuid = "0b1ec700-0000-4000-8000-000000000001".parse().unwrap();
    let path = DevOpsConnection::path("contoso/ML models/azure").unwrap();
    let names = DevOpsConnection::Names {
        organization_id,
        path,
    };
    let of = names.trust(audience()).unwrap();
    assert_eq!(
        (of.issuer(), of.subject()),
        (
            "https://vstoken.dev.azure.com/0b1ec700-0000-4000-8000-000000000001",
            "sc://contoso/ML models/azure"
        )
    );
    assert!(DevOpsConnection::path("contoso/azure").is_err());
    // Microsoft's own tenant, as subjects that Microsoft publishes have it.
    let tenant = TenantId::new("72f988bf-86f1-41af-91ab-2d7cd011db47").unwrap();
    let ids = DevOpsConnection::Ids {
        tenant: DevOpsConnection::tenant(&tenant).unwrap(),
        organization_id,
        connection_id: "0b5e55ed-0000-4000-8000-000000000002".parse().unwrap(),
    };
    let of = ids.trust(audience()).unwrap();
    assert_eq!(
        of.issuer(),
        "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"
    );
    assert_eq!(
        of.subject(),
        "/eid1/c/pub/t/v4j5cvGGr0GRqy180BHbRw/a/rISbSSETf0KqFyZ8ppdXmA/sc/0b1ec700-0000-4000-8000-000000000001/0b5e55ed-0000-4000-8000-000000000002"
    );
    assert!(DevOpsConnection::tenant(&TenantId::new("contoso.com").unwrap()).is_err());

    let account = KubernetesAccount::new("training/runner").unwrap();
    let of = account
        .trust("https://oidc.contoso.com/c1/", audience())
        .unwrap();
    assert_eq!(of.subject(), "system:serviceaccount:training:runner");
    assert!(
        account
            .trust("http://oidc.contoso.com", audience())
            .is_err()
    );
    for wrong in ["runner", "a/b/c", "Training/runner", "a b/c", "/x"] {
        assert!(KubernetesAccount::new(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn values_that_entra_id_would_reject_are_errors() {
    let long = format!("https://{}", "x".repeat(600));
    for issuer in [
        "",
        "token.contoso.com",
        "http://a",
        "https://",
        "https:///x",
        "https://a/?b",
        " https://a",
        &long,
    ] {
        assert!(
            FederatedTrust::new(issuer, "s", audience()).is_err(),
            "{issuer}"
        );
    }
    for subject in [
        "",
        " s",
        "s\n",
        "a\u{200b}b",
        "a\u{1b}[31mb",
        &"s".repeat(601),
    ] {
        assert!(
            FederatedTrust::new("https://a", subject, audience()).is_err(),
            "{subject}"
        );
    }
    assert!(FederatedTrust::new("https://a", &"s".repeat(600), audience()).is_ok());
    for name in ["ab", "-abc", "a.b", "a b", "äbc", "", &"a".repeat(121)] {
        assert!(CredentialName::new(name).is_err(), "{name}");
    }
    for name in ["abc", "1_a", &"a".repeat(120)] {
        assert!(CredentialName::new(name).is_ok(), "{name}");
    }
}

#[test]
fn a_wildcard_names_alone_and_pull_requests_are_said() {
    for (subject, cautions) in [
        ("repo:contoso@1/ml@2:ref:refs/heads/main", vec![]),
        (
            "repo:contoso/ml:environment:live",
            vec![Caution::NamesAlone],
        ),
        (
            "repo:contoso@1/ml@2:ref:refs/heads/release/*",
            vec![Caution::Wildcard],
        ),
        (
            "repo:contoso/ml:pull_request",
            vec![Caution::NamesAlone, Caution::EveryPullRequest],
        ),
        // The name of a branch.
        ("repo:contoso@1/ml@2:ref:refs/heads/pull_request", vec![]),
    ] {
        assert_eq!(trust(subject).cautions(), cautions, "{subject}");
    }
}

#[test]
fn what_differs_is_shown_with_both_values_and_the_form_of_each() {
    let presented = trust("repo:contoso@1/ml@2:ref:refs/heads/main");
    let differs = |subject: &str| {
        let one = registered("one", &trust(subject));
        let [one] = &differences(&one, &presented)[..] else {
            panic!("{subject}")
        };
        assert_eq!(
            (one.part, &*one.registered, &*one.presented),
            (Part::Subject, subject, presented.subject())
        );
        one.reason.clone().unwrap_or_default()
    };
    assert_eq!(
        differs("repo:contoso/ml:ref:refs/heads/main"),
        "the federated credential has GitHub's form with names alone, the token GitHub's form with ids"
    );
    assert!(
        differs("repo:contoso/ml:ref:refs/heads/dev")
            .ends_with("with ids; what follows differs too")
    );
    assert_eq!(differs("repo:contoso@1/ml@2:ref:refs/heads/dev"), "");
    assert!(differs("repo:Contoso@1/ml@2:ref:refs/heads/main").starts_with("only the case"));
    assert!(differs("repo:contoso@1/ml@2:ref:refs/heads/*").contains("'*'"));

    let mut other = registered("one", &presented);
    other.issuer = "https://token.actions.githubusercontent.com/".into();
    other.audiences = vec!["https://github.com/contoso".into()];
    let found = differences(&other, &presented);
    let parts: Vec<Part> = found.iter().map(|one| one.part).collect();
    assert_eq!(parts, [Part::Issuer, Part::Audience]);
    assert!(found[0].reason.as_deref().unwrap().contains("slash"));
}

#[test]
fn the_nearest_credential_is_the_one_with_the_fewest_differences() {
    let all = [
        registered("other", &trust("repo:fabrikam/x:pull_request")),
        registered("dev", &trust("repo:contoso/ml:ref:refs/heads/dev")),
        registered("old", &trust("repo:contoso/ml:ref:refs/heads/main")),
    ];
    let presented = trust("repo:contoso@1/ml@2:ref:refs/heads/main");
    let (near, differences) = nearest(&all, &presented).unwrap();
    assert_eq!((near.name.as_str(), differences.len()), ("old", 1));
    assert!(nearest(&[], &presented).is_none());
}

#[test]
fn the_same_jobs_in_the_other_form_are_found() {
    let all = [
        registered("dev", &trust("repo:contoso/ml:ref:refs/heads/dev")),
        registered("old", &trust("repo:contoso/ml:ref:refs/heads/main")),
        registered("new", &trust("repo:contoso@1/ml@2:ref:refs/heads/main")),
    ];
    let name = |trust: &FederatedTrust| other_form_of(&all, trust).map(|one| one.name.to_string());
    let ids = trust("repo:contoso@1/ml@2:ref:refs/heads/main");
    assert_eq!(name(&ids).as_deref(), Some("old"));
    let names = trust("repo:contoso/ml:ref:refs/heads/main");
    assert_eq!(name(&names).as_deref(), Some("new"));
    assert_eq!(name(&trust("repo:contoso@1/ml@2:pull_request")), None);
}

#[test]
fn the_plan_finds_what_is_there_and_refuses_the_twenty_first() {
    let wanted = trust("repo:contoso@1/ml@2:ref:refs/heads/main");
    let name = CredentialName::new("github-main").unwrap();
    assert_eq!(
        plan(&[], &wanted, Some(&name)).unwrap(),
        Plan::Make(name.clone())
    );
    let there = [registered("any", &wanted)];
    assert_eq!(
        plan(&there, &wanted, Some(&name)).unwrap(),
        Plan::Nothing(&there[0])
    );

    // The same pair with another audience, and another subject under the same name.
    let mut other_audience = registered("any", &wanted);
    other_audience.audiences = vec!["api://other".into()];
    let pair = [other_audience];
    assert_eq!(plan(&pair, &wanted, None).unwrap(), Plan::Change(&pair[0]));
    let named = [registered(
        "GitHub-Main",
        &trust("repo:contoso/ml:pull_request"),
    )];
    assert_eq!(
        plan(&named, &wanted, Some(&name)).unwrap(),
        Plan::Change(&named[0])
    );

    // A name that was not given is a free one.
    let suggested = wanted.suggested_name();
    assert_eq!(
        suggested.as_str(),
        "repo-contoso-1-ml-2-ref-refs-heads-main"
    );
    let taken = [registered(
        suggested.as_str(),
        &trust("repo:contoso/ml:pull_request"),
    )];
    let Plan::Make(chosen) = plan(&taken, &wanted, None).unwrap() else {
        panic!("it is free");
    };
    assert_eq!(chosen.as_str(), "repo-contoso-1-ml-2-ref-refs-heads-main-2");

    let full: Vec<FederatedCredential> = (0..MOST_FEDERATED_CREDENTIALS)
        .map(|number| registered(&format!("n{number}"), &trust(&format!("s{number}"))))
        .collect();
    assert!(plan(&full[1..], &wanted, None).is_ok());
    let error = plan(&full, &wanted, None).unwrap_err();
    assert!(error.to_string().contains("20 already"), "{error}");
    // What is there is found all the same.
    assert!(matches!(
        plan(&full, &trust("s7"), None),
        Ok(Plan::Nothing(_))
    ));
}

proptest! {
    #[test]
    fn every_subject_has_a_valid_name_and_matches_itself_alone(subject in "[ -~]{1,600}", other in "[ -~]{1,80}") {
        prop_assume!(subject.trim() == subject && other.trim() == other);
        let of = trust(&subject);
        prop_assert!(CredentialName::new(of.suggested_name().as_str()).is_ok());
        prop_assert!(differences(&registered("one", &of), &of).is_empty());
        let is_same = subject == other;
        prop_assert_eq!(differences(&registered("one", &trust(&other)), &of).is_empty(), is_same);
        prop_assert_eq!(matches!(plan(&[registered("one", &trust(&other))], &of, None), Ok(Plan::Nothing(_))), is_same);
    }

    #[test]
    fn the_form_of_a_github_subject_is_that_of_its_prefix(owner in "[a-zA-Z0-9-]{1,39}", name in "[a-zA-Z0-9._-]{3,100}", id in 1_u64.., other in 1_u64.., value in "[ -~&&[^*]]{1,60}") {
        let repository = repository(&format!("{owner}/{name}"));
        let run = GitHubRun::Environment(value);
        let names = SubjectPrefix::of_names(&repository);
        let ids = SubjectPrefix::of_ids(&repository, id, other);
        prop_assert_eq!(SubjectForm::of(&names.subject(&run)), SubjectForm::GitHubNames);
        prop_assert_eq!(SubjectForm::of(&ids.subject(&run)), SubjectForm::GitHubIds);
        prop_assert_eq!(super::compare::without_ids(&ids.subject(&run)), names.subject(&run));
        for prefix in [&names, &ids] {
            // No value can end the subject early: a colon would begin another part.
            prop_assert_eq!(prefix.subject(&run).matches(':').count(), 3);
            prop_assert_eq!(SubjectPrefix::read(prefix.as_str(), &repository), Some(prefix.clone()));
        }
    }
}
