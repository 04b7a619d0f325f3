//! Refresh tokens of users, in their home tenant and as guests.

use crate::common::{
    self, Lab, Reply,
    people::{
        ADA, ADA_IN_FABRIKAM, ARM, CONFIDENTIAL, CONSENTED, CONTOSO, FABRIKAM, POWERSHELL, SEED,
        lab, refresh, sign_in, text,
    },
    refused,
};

#[tokio::test]
async fn a_refresh_token_is_rotated_and_the_old_one_keeps_working() {
    let lab = lab().await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let old = text(&first, "refresh_token");
    assert!(!old.contains("eyJ"), "it is not a JSON Web Token");
    let second = refresh(&lab, CONTOSO, old, &[]).await;
    assert_eq!(second.status, 200, "{second:?}");
    assert_ne!(text(&second, "refresh_token"), old);
    assert_ne!(text(&second, "access_token"), text(&first, "access_token"));
    assert_eq!(second.claims()["oid"], ADA);
    assert_eq!(second.claims()["sid"], first.claims()["sid"]);
    let graph = [("scope", "https://graph.microsoft.com//.default")];
    let third = refresh(&lab, CONTOSO, old, &graph).await;
    assert_eq!(third.claims()["aud"], "https://graph.microsoft.com/");
    assert!(text(&third, "scope").contains("User.Read"));
    // The scope of the sign-in is the default.
    let without = refresh(&lab, "organizations", old, &[("scope", "")]).await;
    assert_eq!(without.claims()["aud"], ARM);
}

#[tokio::test]
async fn a_refresh_token_is_valid_for_its_client_and_its_family_only() {
    let lab = lab().await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&first, "refresh_token");
    let family = refresh(&lab, CONTOSO, token, &[("client_id", POWERSHELL)]).await;
    assert_eq!(family.status, 200, "{family:?}");
    assert_eq!(family.claims()["appid"], POWERSHELL);
    let stranger = refresh(&lab, CONTOSO, token, &[("client_id", CONSENTED)]).await;
    refused(&stranger, 70000, "invalid_grant", 400);
    assert_eq!(text(&stranger, "suberror"), "client_mismatch");
    let no_secret = refresh(&lab, CONTOSO, token, &[("client_id", CONFIDENTIAL)]).await;
    refused(&no_secret, 7_000_218, "invalid_client", 401);
    let at = token.len() - 20;
    let other = if token.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
    let foreign = refresh(&lab, CONTOSO, &changed, &[]).await;
    refused(&foreign, 70000, "invalid_grant", 400);
}

#[tokio::test]
async fn a_refresh_token_works_in_a_tenant_where_its_user_is_a_guest() {
    let lab = lab().await;
    let ada = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let guest = refresh(&lab, FABRIKAM, text(&ada, "refresh_token"), &[]).await;
    assert_eq!(guest.status, 200, "{guest:?}");
    let claims = guest.claims();
    assert_eq!(claims["tid"], FABRIKAM);
    assert_eq!(claims["oid"], ADA_IN_FABRIKAM);
    assert_eq!(claims["idp"], format!("https://sts.windows.net/{CONTOSO}/"));
    assert_eq!(claims["unique_name"], "ada@contoso.com");
    assert!(claims.get("upn").is_none());
    // The account is the same in every tenant: MSAL stores both tokens for it.
    assert_eq!(text(&guest, "client_info"), text(&ada, "client_info"));

    let grace = sign_in(&lab, CONTOSO, "grace@contoso.com", "nanosecond").await;
    let nobody = refresh(&lab, FABRIKAM, text(&grace, "refresh_token"), &[]).await;
    refused(&nobody, 50020, "invalid_grant", 400);
    let said = text(&nobody, "error_description");
    assert!(
        said.contains("'Fabrikam'") && said.contains("(Microsoft Azure CLI)"),
        "{said}"
    );
}

#[tokio::test]
async fn a_guest_sees_both_tenants_and_the_subscriptions_of_each() {
    let lab = lab().await;
    let ada = sign_in(&lab, "organizations", "ada@contoso.com", "analytical").await;
    let guest = refresh(&lab, FABRIKAM, text(&ada, "refresh_token"), &[]).await;
    let get = |path: &str, token: &str| {
        let url = format!(
            "{}{path}?api-version=2022-12-01",
            lab.emulator.info().arm_url
        );
        let request = lab.client.get(url).bearer_auth(token);
        async { common::read(request.send().await.unwrap()).await }
    };
    let names = |answer: &Reply, field: &str| -> Vec<String> {
        let all = answer.body["value"].as_array().unwrap();
        let names = all
            .iter()
            .map(|one| one[field].as_str().unwrap().to_owned());
        names.collect()
    };
    let tenants = get("/tenants", text(&ada, "access_token")).await;
    assert_eq!(names(&tenants, "tenantId"), [CONTOSO, FABRIKAM]);
    let own = get("/subscriptions", text(&ada, "access_token")).await;
    assert_eq!(names(&own, "displayName"), ["Contoso ML"]);
    let other = get("/subscriptions", text(&guest, "access_token")).await;
    assert_eq!(names(&other, "displayName"), ["Fabrikam ML"]);
}

#[tokio::test]
async fn a_refresh_token_expires_and_can_be_revoked() {
    const DAY: i64 = 24 * 3600;
    let lab = lab().await;
    let world = lab.emulator.world();
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&first, "refresh_token").to_owned();
    world.clock.set_skew(89 * DAY);
    let later = refresh(&lab, CONTOSO, &token, &[]).await;
    assert_eq!(later.status, 200, "{later:?}");
    world.clock.set_skew(91 * DAY);
    let too_late = refresh(&lab, CONTOSO, &token, &[]).await;
    refused(&too_late, 700_082, "invalid_grant", 400);
    assert!(text(&too_late, "error_description").contains("inactive for 90.00:00:00"));
    // The refresh token that came from it was used in time.
    let newer = refresh(&lab, CONTOSO, text(&later, "refresh_token"), &[]).await;
    assert_eq!(newer.status, 200, "{newer:?}");

    let contoso = CONTOSO.parse().unwrap();
    let of_session = |limit| {
        let mut directory = world.directory_mut();
        directory
            .tenants
            .get_mut(&contoso)
            .unwrap()
            .session_lifetime = limit;
    };
    of_session(Some(3600));
    let old_session = refresh(&lab, CONTOSO, text(&newer, "refresh_token"), &[]).await;
    refused(&old_session, 70008, "invalid_grant", 400);
    of_session(None);

    let now = world.clock.now() + time::Duration::seconds(2);
    world
        .directory_mut()
        .revoke_sessions(ADA.parse().unwrap(), now);
    let revoked = refresh(&lab, CONTOSO, text(&newer, "refresh_token"), &[]).await;
    refused(&revoked, 50173, "invalid_grant", 400);
    world.clock.set_skew(91 * DAY + 60);
    let again = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let fresh = refresh(&lab, CONTOSO, text(&again, "refresh_token"), &[]).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");

    let disable = || {
        let mut directory = world.directory_mut();
        directory
            .users
            .get_mut(&ADA.parse().unwrap())
            .unwrap()
            .enabled = false;
    };
    disable();
    let disabled = refresh(&lab, CONTOSO, text(&fresh, "refresh_token"), &[]).await;
    refused(&disabled, 50057, "invalid_grant", 400);
    // Nor as a guest: the other tenant does not know of the revocation.
    let guest = refresh(&lab, FABRIKAM, text(&fresh, "refresh_token"), &[]).await;
    refused(&guest, 50057, "invalid_grant", 400);
}

#[tokio::test]
async fn a_generated_password_and_a_sign_in_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || azcred_emulator::Options {
        state_dir: Some(folder.path().join("state")),
        ..azcred_emulator::Options::default()
    };
    let password = |lab: &Lab| {
        let directory = lab.emulator.world().directory();
        let ada = directory.account("ada@contoso.com").unwrap();
        ada.password.as_ref().unwrap().expose().to_owned()
    };
    let lab = Lab::with(options()).await;
    let made = password(&lab);
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", &made).await;
    let token = text(&first, "refresh_token").to_owned();
    lab.emulator.shutdown().await;
    let lab = Lab::with(options()).await;
    assert_eq!(password(&lab), made);
    let next = refresh(&lab, CONTOSO, &token, &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
}

#[tokio::test]
async fn a_tenant_can_limit_refresh_tokens_to_one_use() {
    let domain = "domains = [\"contoso.com\"]\n";
    let once = format!("{domain}refresh_token_rotation = \"one_time\"\n");
    let lab = Lab::seeded(&SEED.replace(domain, &once)).await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&first, "refresh_token");
    // A token is not used up by a request without `offline_access`, or by one that is rejected.
    let arm_only = [("scope", "https://management.azure.com/.default")];
    for _ in 0..2 {
        let kept = refresh(&lab, CONTOSO, token, &arm_only).await;
        assert_eq!(kept.status, 200, "{kept:?}");
        assert!(kept.body.get("refresh_token").is_none());
    }
    let nobody = [("scope", "https://nobody.example/.default offline_access")];
    let unknown = refresh(&lab, CONTOSO, token, &nobody).await;
    refused(&unknown, 500_011, "invalid_resource", 400);
    // Of several requests at once, one succeeds.
    let (a, b, c) = tokio::join!(
        refresh(&lab, CONTOSO, token, &[]),
        refresh(&lab, CONTOSO, token, &[]),
        refresh(&lab, CONTOSO, token, &[]),
    );
    let (won, lost): (Vec<_>, Vec<_>) = [a, b, c].into_iter().partition(|one| one.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 2));
    for one in &lost {
        refused(one, 70000, "invalid_grant", 400);
    }
    let next = refresh(&lab, CONTOSO, text(&won[0], "refresh_token"), &[]).await;
    assert_eq!(next.status, 200, "{next:?}");
    // The other tenant behaves like Entra ID.
    let guest = refresh(&lab, FABRIKAM, text(&next, "refresh_token"), &[]).await;
    let again = refresh(&lab, FABRIKAM, text(&next, "refresh_token"), &[]).await;
    assert_eq!((guest.status, again.status), (200, 200));
}

#[tokio::test]
async fn a_seed_can_revoke_tokens_issued_before_a_time() {
    let password = "password = \"analytical\"\n";
    let later = format!("{password}sessions_valid_from = \"2999-01-01T00:00:00Z\"\n");
    let lab = Lab::seeded(&SEED.replace(password, &later)).await;
    let first = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    assert_eq!(first.status, 200, "{first:?}");
    let revoked = refresh(&lab, CONTOSO, text(&first, "refresh_token"), &[]).await;
    refused(&revoked, 50173, "invalid_grant", 400);
    let said = text(&revoked, "error_description");
    assert!(said.contains("'2999-01-01T00:00:00"), "{said}");
}

#[tokio::test]
async fn a_tenant_can_end_its_guests_sessions_and_no_others() {
    let lab = lab().await;
    let ada = sign_in(&lab, CONTOSO, "ada@contoso.com", "analytical").await;
    let token = text(&ada, "refresh_token");
    let world = lab.emulator.world();
    let now = world.clock.now();
    let guest = ADA_IN_FABRIKAM.parse().unwrap();
    world.directory_mut().revoke_sessions(guest, now);
    let revoked = refresh(&lab, FABRIKAM, token, &[]).await;
    refused(&revoked, 50173, "invalid_grant", 400);
    assert_eq!(refresh(&lab, CONTOSO, token, &[]).await.status, 200);
}
