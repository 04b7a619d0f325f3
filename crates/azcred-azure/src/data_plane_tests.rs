//! Tests of the addresses to which tokens are sent, and of what answers mean.

use super::*;

fn answer(status: u16, code: &str, inner: &str, message: &str) -> Answer {
    Answer {
        status,
        code: code.to_owned(),
        inner: inner.to_owned(),
        message: message.to_owned(),
        id: None,
    }
}

#[test]
fn a_token_is_sent_to_the_clouds_own_domain_only() {
    let public = Cloud::PUBLIC;
    let address = |told| {
        let address = Kind::Blob.address(&public, "st", told);
        address.map(|url| url.to_string())
    };
    let own = Some("https://st.blob.core.windows.net/".to_owned());
    assert_eq!(address(None), own);
    for hostile in [
        "https://evil.example/",
        "https://st.blob.core.windows.net.evil.example/",
        "https://evilblob.core.windows.net/",
        "http://st.blob.core.windows.net/",
        "nonsense",
    ] {
        assert_eq!(address(Some(hostile)), own, "{hostile}");
    }
    let zoned = "https://st.z6.blob.core.windows.net/";
    assert_eq!(address(Some(zoned)).as_deref(), Some(zoned));
    assert_eq!(Kind::Blob.address(&public, "st/../x", None), None);
    let government = Cloud::US_GOVERNMENT;
    let of = |kind: Kind| {
        kind.address(&government, "x", None)
            .map(|url| url.to_string())
    };
    assert_eq!(
        of(Kind::Vault).as_deref(),
        Some("https://x.vault.usgovcloudapi.net/")
    );
    assert_eq!(of(Kind::Registry).as_deref(), Some("https://x.azurecr.us/"));
}

#[test]
fn in_a_custom_cloud_the_address_is_beside_resource_manager_or_not_known() {
    let own = Cloud::PUBLIC
        .with_resource_manager("https://localhost:4443", "https://localhost:4443")
        .unwrap();
    let address = |told| {
        let address = Kind::Blob.address(&own, "st", told);
        address.map(|url| url.to_string())
    };
    let told = "https://localhost:5555/st";
    assert_eq!(address(Some(told)).as_deref(), Some(told));
    assert_eq!(address(None), None, "a name would lead out of the cloud");
    assert_eq!(address(Some("https://st.blob.core.windows.net/")), None);
}

#[test]
fn a_firewall_a_missing_right_and_a_missing_service_differ() {
    assert_eq!(of_blob(answer(200, "", "", "")), Reach::Yes);
    let of = |status, code| of_blob(answer(status, code, "", ""));
    assert!(matches!(
        of(403, "AuthorizationFailure"),
        Reach::Firewall(_, None)
    ));
    assert!(matches!(
        of(403, "AuthorizationPermissionMismatch"),
        Reach::NoRight(_)
    ));
    assert!(matches!(
        of(404, "ContainerNotFound"),
        Reach::NoContainer(_)
    ));
    assert!(matches!(of(404, "ResourceNotFound"), Reach::Gone(_)));
    assert!(matches!(
        of(401, "InvalidAuthenticationInfo"),
        Reach::Rejected(_)
    ));

    let message = "Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.7\r\nCaller: appid=x";
    let blocked = of_vault(answer(403, "Forbidden", "ForbiddenByFirewall", message));
    assert!(matches!(blocked, Reach::Firewall(_, Some(ip)) if ip == "203.0.113.7"));
    let no_role = of_vault(answer(
        403,
        "Forbidden",
        "ForbiddenByRbac",
        "Caller is not authorized",
    ));
    assert!(matches!(no_role, Reach::NoRight(_)));

    let message =
        "client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall";
    let blocked = of_registry(answer(403, "DENIED", "", message));
    assert!(matches!(blocked, Reach::Firewall(_, Some(ip)) if ip == "203.0.113.7"));
    assert!(matches!(
        of_registry(answer(401, "UNAUTHORIZED", "", "")),
        Reach::NoRight(_)
    ));
}

#[test]
fn an_address_in_a_message_is_an_address_and_nothing_else() {
    assert_eq!(address_in("203.0.113.7 x").as_deref(), Some("203.0.113.7"));
    assert_eq!(
        address_in("2001:db8::1\r\n").as_deref(),
        Some("2001:db8::1")
    );
    assert_eq!(address_in("$(id)"), None);
    assert_eq!(address_in(""), None);
}
