use super::*;
use serde_json::{Value, json};

const HOME: &str = "oid.tid";
const CLIENT: &str = "cli";
const HOST: &str = "login.microsoftonline.com";
const SCOPE: &str = "https://management.azure.com/.default";
const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

fn whose() -> Whose<'static> {
    Whose {
        client_id: CLIENT,
        environment: HOST,
        home_account_id: Some(HOME),
    }
}

/// An access token that ends `left` seconds from now, with changed members.
fn access(secret: &str, left: i64, changes: &Value) -> Value {
    let mut entry = json!({
        "credential_type": "AccessToken", "secret": secret, "home_account_id": HOME, "environment": HOST,
        "client_id": CLIENT, "target": format!("{SCOPE} https://management.azure.com/user_impersonation"), "realm": "tid",
        "token_type": "Bearer", "cached_at": "1799999000",
        "expires_on": (i64::try_from(NOW).unwrap() + left).to_string(),
        "extended_expires_on": "1800009999",
    });
    for (name, value) in changes.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry
}

/// A cache with these access tokens in this order. The members' names don't matter.
fn cache_of(entries: &[Value]) -> String {
    let members: Vec<String> = entries
        .iter()
        .enumerate()
        .map(|(place, entry)| format!("\"{}-{place}\": {entry}", 9 - place))
        .collect();
    format!("{{\"AccessToken\": {{{}}}}}", members.join(","))
}

fn found(json: &str) -> Option<String> {
    let cache = TokenCache::parse(json.as_bytes()).unwrap();
    let found = cache.access(whose(), "tid", &[SCOPE], now()).unwrap();
    found.map(|token| token.secret.to_owned())
}

#[test]
fn the_first_token_for_these_scopes_with_five_minutes_left_is_taken() {
    let none = json!({});
    for (entries, expected) in [
        (vec![], None),
        (vec![access("a", 3600, &none)], Some("a")),
        (vec![access("a", 300, &none)], Some("a")),
        (vec![access("a", 299, &none)], None),
        (vec![access("a", -1, &none)], None),
        (
            vec![
                access("a", 200, &none),
                access("b", 900, &none),
                access("c", 9000, &none),
            ],
            Some("b"),
        ),
        (
            vec![access(
                "a",
                3600,
                &json!({"target": "https://graph.microsoft.com/.default"}),
            )],
            None,
        ),
        (vec![access("a", 3600, &json!({"target": ""}))], None),
        (vec![access("a", 3600, &json!({"realm": "other"}))], None),
        (
            vec![access("a", 3600, &json!({"client_id": "other"}))],
            None,
        ),
        (
            vec![access(
                "a",
                3600,
                &json!({"environment": "login.microsoftonline.us"}),
            )],
            None,
        ),
        (
            vec![access("a", 3600, &json!({"home_account_id": null}))],
            None,
        ),
        (
            vec![
                access("a", 3600, &json!({"ext_cache_key": "k"})),
                access("b", 3600, &none),
            ],
            Some("b"),
        ),
        (
            vec![access("a", 3600, &json!({"expires_on": NOW + 600}))],
            Some("a"),
        ),
    ] {
        assert_eq!(
            found(&cache_of(&entries)).as_deref(),
            expected,
            "{entries:?}"
        );
    }
}

#[test]
fn the_token_under_the_exact_name_goes_before_an_earlier_one() {
    let (early, exact) = (
        access("early", 3600, &json!({})),
        access("exact", 3600, &json!({ "target": SCOPE })),
    );
    let name = format!("{HOME}-{HOST}-accesstoken-{CLIENT}-tid-{SCOPE}");
    let json = format!("{{\"AccessToken\": {{\"x\": {early}, \"{name}\": {exact}}}}}");
    assert_eq!(found(&json).as_deref(), Some("exact"));
}

#[test]
fn an_applications_own_token_has_no_account() {
    let json = cache_of(&[
        access("person's", 3600, &json!({})),
        access("own", 3600, &json!({ "home_account_id": null })),
    ]);
    let cache = TokenCache::parse(json.as_bytes()).unwrap();
    let whose = Whose {
        home_account_id: None,
        ..whose()
    };
    let found = cache.access(whose, "tid", &[SCOPE], now()).unwrap();
    assert_eq!(found.unwrap().secret, "own");
}

#[test]
fn a_token_past_its_refresh_time_is_due_and_still_returned() {
    for (refresh_on, is_due, refresh_in) in [
        (NOW - 1, true, None),
        (NOW, false, Some(0)),
        (NOW + 60, false, Some(60)),
    ] {
        let json = cache_of(&[access(
            "a",
            3600,
            &json!({"refresh_on": refresh_on.to_string()}),
        )]);
        let cache = TokenCache::parse(json.as_bytes()).unwrap();
        let found = cache
            .access(whose(), "tid", &[SCOPE], now())
            .unwrap()
            .unwrap();
        assert_eq!(found.is_due, is_due, "{refresh_on}");
        assert_eq!(found.refresh_in, refresh_in.map(Duration::from_secs));
        assert_eq!(found.lifetime, Duration::from_secs(3600));
    }
}

#[test]
fn a_cache_that_is_no_cache_is_left_to_azure_cli() {
    for bad in [
        String::new(),
        "[]".to_owned(),
        "{\"AccessToken\": []}".to_owned(),
        format!("{} x", cache_of(&[])),
        format!("{}{}", "[".repeat(5000), "]".repeat(5000)),
    ] {
        assert!(TokenCache::parse(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn an_odd_entry_is_skipped_and_the_others_are_used() {
    for odd in [
        access("odd", 9000, &json!({"expires_on": "soon"})),
        access("odd", 9000, &json!({"expires_on": "99999999999999999999"})),
        access("odd", 9000, &json!({"expires_on": null})),
        access("odd", 9000, &json!({"secret": 7})),
        access("odd", 9000, &json!({"target": ["x"]})),
        access("o\"dd", 9000, &json!({})),
        access("o dd", 9000, &json!({})),
        access("odd", 9000, &json!({"token_type": "pop"})),
        json!("text"),
        json!([1, 2]),
        json!(null),
    ] {
        assert_eq!(found(&cache_of(std::slice::from_ref(&odd))), None, "{odd}");
        let good = access("good", 3600, &json!({}));
        let both = cache_of(&[odd.clone(), good.clone()]);
        assert_eq!(found(&both).as_deref(), Some("good"), "{odd}");
        // In the other parts too.
        let rest = json!({
            "AccessToken": {"a": good, "odd": odd.clone()},
            "Account": {"odd": odd.clone()}, "RefreshToken": {"odd": 7}, "AppMetadata": {"odd": odd},
        });
        assert_eq!(found(&rest.to_string()).as_deref(), Some("good"));
    }
}

fn account(home: &str, realm: &str, name: &str, source: &Value) -> (String, Value) {
    let entry = json!({
        "home_account_id": home, "environment": HOST, "realm": realm, "local_account_id": "x", "username": name,
        "authority_type": "MSSTS", "account_source": source,
    });
    (format!("{home}-{HOST}-{realm}"), entry)
}

#[test]
fn a_person_is_found_once_however_many_tenants_they_are_in() {
    let person = |accounts: Vec<(String, Value)>| {
        let json = json!({"Account": serde_json::Map::from_iter(accounts)}).to_string();
        let found = TokenCache::parse(json.as_bytes())
            .unwrap()
            .person(HOST, "Ada@Contoso.com");
        found
            .map(|person| (person.home_account_id, person.is_brokers))
            .map_err(|why| why.to_string())
    };
    let password = || json!("password");
    let ada = |realm| account("ada.t1", realm, "ada@contoso.com", &password());
    assert_eq!(
        person(vec![ada("t1"), ada("t2")]),
        Ok(("ada.t1".to_owned(), false))
    );
    let brokers = account("ada.t1", "t1", "ADA@contoso.com", &json!("broker"));
    assert_eq!(person(vec![brokers]), Ok(("ada.t1".to_owned(), true)));
    let namesake = account("other.t9", "t9", "ada@contoso.com", &password());
    assert!(person(vec![ada("t1"), namesake]).is_err());
    assert!(
        person(vec![account(
            "bob.t1",
            "t1",
            "bob@contoso.com",
            &json!(null)
        )])
        .is_err()
    );
}

#[test]
fn refresh_tokens_are_tried_as_msal_does() {
    let token = |secret: &str, client: &str, family: Value, at: Value| {
        json!({
            "credential_type": "RefreshToken", "secret": secret, "home_account_id": HOME, "environment": HOST,
            "client_id": client, "target": "x", "last_modification_time": at, "family_id": family,
        })
    };
    let order = |metadata: Value, tokens: &[Value]| {
        let tokens: serde_json::Map<String, Value> = tokens
            .iter()
            .enumerate()
            .map(|(place, token)| (format!("k{place}"), token.clone()))
            .collect();
        let json = json!({"RefreshToken": tokens, "AppMetadata": metadata}).to_string();
        let cache = TokenCache::parse(json.as_bytes()).unwrap();
        cache.refresh(whose()).join(" ")
    };
    let all = [
        token("own-old", CLIENT, json!(null), json!("100")),
        token("own-new", CLIENT, json!(null), json!("200")),
        token("family-old", "vscode", json!("1"), json!("100")),
        token("family-new", "powershell", json!("1"), json!("300")),
        token("stranger", "other", json!(null), json!("900")),
    ];
    let name = format!("appmetadata-{HOST}-{CLIENT}");
    let member = json!({ &name: {"client_id": CLIENT, "environment": HOST, "family_id": "1"} });
    let orphan = json!({ &name: {"client_id": CLIENT, "environment": HOST} });
    assert_eq!(order(member, &all), "family-new family-old own-new own-old");
    assert_eq!(
        order(json!({}), &all),
        "family-new family-old own-new own-old"
    );
    assert_eq!(order(orphan, &all), "own-new own-old");
    let others = token("hers", CLIENT, json!("1"), json!("1"));
    let mut others = others;
    others["home_account_id"] = json!("somebody.else");
    assert_eq!(order(json!({}), &[others]), "");
}
