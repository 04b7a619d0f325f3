use super::*;

const NAMES: RequestNames<'_> = RequestNames {
    client_id: Some("c"),
    tenant: Some("t"),
    scope: Some("s"),
};

#[test]
fn codes_are_sorted_and_each_says_what_it_means() {
    assert!(MEANINGS.windows(2).all(|pair| pair[0].code < pair[1].code));
    for meaning in MEANINGS {
        let fix = meaning.fix_for("c", "t", "s").to_string();
        let means = meaning.means_for("c", "t", "s");
        assert!(!means.is_empty() && !fix.is_empty(), "{meaning:?}");
        assert!(!fix.ends_with('.') && !means.ends_with('.'), "{meaning:?}");
        for place in ["{client}", "{tenant}", "{scope}"] {
            assert!(
                !fix.contains(place) && !means.contains(place),
                "{meaning:?}"
            );
        }
    }
    assert!(explain(7_000_215).unwrap().means.contains("wrong"));
    assert_eq!(explain(1), None);
}

/// Words that are in the fixes for one proof only.
const OWN: [(SentProof, &[&str]); 5] = [
    (SentProof::Secret, &["the secret", "new secret"]),
    (
        SentProof::Certificate,
        &["certificate's", "the certificate:", "which certificate"],
    ),
    (
        SentProof::FederatedToken,
        &["federated", "the token", "issuer", "new token"],
    ),
    (
        SentProof::Person,
        &[
            "sign in again",
            "sign-in again",
            "mysignins",
            "with a password",
            "browser",
            "the account",
            "smart card",
        ],
    ),
    (SentProof::ManagedIdentity, &["assigned to this host"]),
];

#[test]
fn no_proof_gets_the_fix_of_another() {
    for meaning in MEANINGS {
        for proof in SentProof::ALL {
            let Some(fix) = meaning.fix_with(proof, &NAMES) else {
                assert_eq!(proof, SentProof::Tool, "{meaning:?}");
                continue;
            };
            let text = fix.to_string();
            assert!(!text.is_empty(), "{meaning:?}");
            for (other, words) in OWN {
                for word in words {
                    assert!(
                        other == proof || !text.contains(word),
                        "AADSTS{} for {proof:?}: '{word}' in '{text}'",
                        meaning.code
                    );
                }
            }
        }
    }
}

#[test]
fn a_fix_without_the_names_that_it_needs_is_left_to_the_caller() {
    let nothing = RequestNames::default();
    let of = |code| explain(code).unwrap();
    assert!(
        of(7_000_222)
            .fix_with(SentProof::Secret, &nothing)
            .is_none()
    );
    assert!(of(500_011).means_with(&nothing).is_none());
    let known = RequestNames {
        scope: Some("https://r"),
        ..nothing
    };
    assert!(of(700_016).means_with(&known).is_none());
    assert_eq!(
        of(53_003)
            .fix_with(SentProof::Tool, &nothing)
            .map(|fix| fix.to_string())
            .as_deref(),
        Some(
            "search the sign-in log of the account's tenant for the correlation id: it names the policy"
        )
    );
    assert_eq!(
        of(50_076).means_with(&nothing).as_deref(),
        Some("multi-factor authentication is required")
    );
}

#[test]
fn codes_say_what_recorded_responses_say() {
    let of = |code: u32, proof| {
        let meaning = explain(code).unwrap();
        (
            meaning.means_for("c", "t", "s"),
            meaning.fix_with(proof, &NAMES).unwrap().to_string(),
        )
    };
    let (means, fix) = of(700_023, SentProof::Certificate);
    assert!(
        means.contains("audience") && !fix.contains("upload"),
        "{fix}"
    );
    assert!(of(700_022, SentProof::FederatedToken).0.contains("subject"));
    assert!(
        of(28_000, SentProof::Person)
            .0
            .contains("several resources")
    );
    assert!(
        of(50_053, SentProof::Person)
            .0
            .contains("malicious activity")
    );
    // The codes that were seen most often, and were not in the table.
    for code in [
        9_002_313, 7_002_381, 28_000, 700_231, 7_000_272, 700_236, 700_226, 650_057, 650_052,
        500_014, 530_084, 50_005, 500_133, 90_023, 9_002_327, 9_002_332, 700_003, 7_002_137,
        700_081, 500_021, 700_223, 700_238, 53_005, 50_107, 50_199, 500_208, 392_200, 50_131,
        530_032, 530_035, 50_135, 50_144, 500_212, 500_213,
    ] {
        assert!(explain(code).is_some(), "{code}");
    }
}
