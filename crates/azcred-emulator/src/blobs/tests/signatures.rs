//! Shared keys, and shared access signatures.

use super::*;
use crate::storage::{Delegate, Sign};
use time::Duration;

const KEYS: &str = "stkeys.blob.core.windows.net";

fn sign(permissions: &str) -> Sign<'_> {
    let now = OffsetDateTime::now_utc();
    Sign {
        permissions,
        start: Some(now - Duration::minutes(10)),
        expiry: now + Duration::hours(1),
    }
}

/// The account with keys, whose container `data` has a blob `a`.
async fn with_keys() -> TestBlobs {
    let azure = azure();
    let storage = azure.world.storage();
    storage.ensure_container("stkeys", "data").unwrap();
    storage
        .put("stkeys", "data", "a", "text/plain", b"hello")
        .unwrap();
    azure
}

impl TestBlobs {
    async fn signed(&self, method: Method, target: &str, sas: &str) -> Reply {
        let and = if target.contains('?') { '&' } else { '?' };
        let target = format!("{target}{and}{sas}");
        let headers = [("x-ms-blob-type", "BlockBlob")];
        self.send(KEYS, request(method, &target, &headers, b""))
            .await
    }
}

#[tokio::test]
async fn a_service_sas_allows_its_permissions_in_its_container() {
    let azure = with_keys().await;
    let storage = azure.world.storage();
    let sas = storage
        .container_sas("stkeys", "data", &sign("rl"))
        .unwrap();
    azure.signed(Method::GET, "/data/a", &sas).await.done(200);
    let list = "/data?restype=container&comp=list";
    azure.signed(Method::GET, list, &sas).await.done(200);
    let reply = azure.signed(Method::PUT, "/data/b", &sas).await;
    reply.refused(403, "AuthorizationPermissionMismatch");
    let reply = azure.signed(Method::GET, "/other/a", &sas).await;
    let text = reply.refused(403, "AuthenticationFailed");
    assert!(
        text.contains("Signature did not match. String to sign used was rl\n"),
        "{text}"
    );
    // No such signature allows what is done with a container itself.
    let reply = azure
        .signed(Method::GET, "/data?restype=container", &sas)
        .await;
    reply.refused(403, "AuthorizationFailure");
}

#[tokio::test]
async fn a_permission_to_create_does_not_replace() {
    let azure = with_keys().await;
    let storage = azure.world.storage();
    let sas = storage.container_sas("stkeys", "data", &sign("c")).unwrap();
    azure.signed(Method::PUT, "/data/b", &sas).await.done(201);
    for target in ["/data/b", "/data/a"] {
        let reply = azure.signed(Method::PUT, target, &sas).await;
        reply.refused(403, "UnauthorizedBlobOverwrite");
    }
}

#[tokio::test]
async fn an_account_sas_is_for_its_services_and_types() {
    let azure = with_keys().await;
    let storage = azure.world.storage();
    let sas = |services, types| storage.account_sas("stkeys", services, types, &sign("rwl"));
    let good = sas("b", "sco").unwrap();
    azure.signed(Method::GET, "/data/a", &good).await.done(200);
    azure
        .signed(Method::GET, "/?comp=list", &good)
        .await
        .done(200);
    azure
        .signed(Method::PUT, "/new?restype=container", &good)
        .await
        .done(201);
    let reply = azure.signed(Method::DELETE, "/data/a", &good).await;
    reply.refused(403, "AuthorizationPermissionMismatch");
    let objects = sas("b", "o").unwrap();
    let reply = azure.signed(Method::GET, "/?comp=list", &objects).await;
    reply.refused(403, "AuthorizationResourceTypeMismatch");
    let queues = sas("q", "sco").unwrap();
    let reply = azure.signed(Method::GET, "/data/a", &queues).await;
    reply.refused(403, "AuthorizationServiceMismatch");
    assert_eq!(reply.header("server"), "Microsoft-HTTPAPI/2.0");
}

#[tokio::test]
async fn a_clock_an_hour_off_is_named_with_the_times() {
    let azure = with_keys().await;
    let storage = azure.world.storage();
    let sas = storage.container_sas("stkeys", "data", &sign("r")).unwrap();
    for skew in [3600, -3600] {
        azure.world.clock.set_skew(skew);
        let reply = azure.signed(Method::GET, "/data/a", &sas).await;
        let text = reply.refused(403, "AuthenticationFailed");
        assert!(
            text.contains("<AuthenticationErrorDetail>Signature not valid in the specified time frame: Start ["),
            "{text}"
        );
        assert!(text.contains(" GMT] - Current ["), "{text}");
    }
}

#[tokio::test]
async fn a_signature_with_a_field_that_is_missing_or_wrong_says_which() {
    let azure = with_keys().await;
    let storage = azure.world.storage();
    let good = storage.container_sas("stkeys", "data", &sign("r")).unwrap();
    let without = |name: &str| {
        let all = good.split('&');
        let all = all.filter(|pair| !pair.starts_with(&format!("{name}=")));
        all.collect::<Vec<_>>().join("&")
    };
    for (sas, detail) in [
        (without("se"), "se is mandatory. Cannot be empty"),
        (without("sp"), "sp is mandatory. Cannot be empty"),
        (without("sv"), "sv is mandatory. Cannot be empty"),
        (without("sr"), "sr is mandatory. Cannot be empty"),
        (good.replace("sr=c", "sr=x"), "sr is invalid"),
        (
            without("se") + "&se=tomorrow",
            "Signature fields not well formed",
        ),
        (good.replace("sp=r", "sp=rw"), "Signature did not match"),
    ] {
        let reply = azure.signed(Method::GET, "/data/a", &sas).await;
        let text = reply.refused(403, "AuthenticationFailed");
        assert!(text.contains(detail), "{detail}: {text}");
    }
    // Without `sig`, the other parameters mean nothing.
    let reply = azure.signed(Method::GET, "/data/a", &without("sig")).await;
    reply.refused(401, "NoAuthenticationInformation");
    let reply = azure
        .signed(Method::GET, "/data/a", &(good + "&si=policy"))
        .await;
    reply.refused(501, "NotServedByEmulator");
}

#[tokio::test]
async fn what_a_key_has_signed_is_refused_where_keys_are_switched_off() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let storage = azure.world.storage();
    let account = "stcontosoml";
    let service = storage.container_sas(account, "data", &sign("rl")).unwrap();
    let whole = storage
        .account_sas(account, "b", "sco", &sign("rl"))
        .unwrap();
    for sas in [service, whole] {
        let reply = azure
            .bare(Method::GET, &format!("/data/a?{sas}"), &[])
            .await;
        let text = reply.refused(403, "KeyBasedAuthenticationNotPermitted");
        assert!(
            text.contains("Key based authentication is not permitted on this storage account.")
        );
    }
    let delegate = |object_id| Delegate {
        object_id,
        tenant: CONTOSO,
    };
    let delegated =
        |who| storage.delegated_container_sas(account, "data", delegate(who), &sign("rw"));
    let good = delegated(WRITER).unwrap();
    azure
        .bare(Method::GET, &format!("/data/a?{good}"), &[])
        .await
        .done(200);
    // It allows no more than its principal's roles.
    let put = [("x-ms-blob-type", "BlockBlob")];
    let readers = format!("/data/a?{}", delegated(READER).unwrap());
    azure.bare(Method::GET, &readers, &[]).await.done(200);
    let reply = azure.bare(Method::PUT, &readers, &put).await;
    reply.refused(403, "AuthorizationPermissionMismatch");
    let owners = format!("/data/a?{}", delegated(OWNER).unwrap());
    let reply = azure.bare(Method::GET, &owners, &[]).await;
    reply.refused(403, "AuthorizationPermissionMismatch");
}

#[tokio::test]
async fn a_delegation_key_is_the_same_for_the_same_request_and_signs() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let day = |days: i64| {
        crate::text::iso(azure.world.clock.unix() + days * 86_400).replace(".0000000", "")
    };
    let ask = |expiry: String| {
        let start = day(0);
        let body = format!(
            "<?xml version='1.0' encoding='utf-8'?>\n<KeyInfo><Start>{start}</Start><Expiry>{expiry}</Expiry></KeyInfo>"
        );
        let azure = &azure;
        async move {
            let target = "/?restype=service&comp=userdelegationkey";
            azure
                .call(READER, Method::POST, target, &[], body.as_bytes())
                .await
        }
    };
    let first = ask(day(1)).await;
    let text = first.done(200).text();
    assert!(
        text.starts_with(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey><SignedOid>"
        ),
        "{text}"
    );
    assert!(
        text.contains(
            "<SignedService>b</SignedService><SignedVersion>2025-05-05</SignedVersion><Value>"
        ),
        "{text}"
    );
    assert_eq!(ask(day(1)).await.text(), text);
    assert_ne!(ask(day(2)).await.text(), text);
    ask(day(8)).await.refused(400, "InvalidXmlNodeValue");
    ask(day(-1)).await.refused(400, "InvalidXmlNodeValue");
    ask("soon".to_owned())
        .await
        .refused(400, "InvalidXmlNodeValue");
    // Another key of the same principal does not sign the same.
    assert_ne!(
        azure.world.storage().keys("stkeys").unwrap().both(),
        azure.world.storage().keys("stcontosoml").unwrap().both()
    );
}

/// The example of "Authorize with Shared Key" (Microsoft Learn), as the service reads it.
#[tokio::test]
async fn a_shared_key_signs_the_method_the_headers_and_the_resource() {
    let azure = with_keys().await;
    let keys = azure.world.storage().keys("stkeys").unwrap();
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let text = format!(
        "GET\n\n\n\n\n\n\n\n\n\n\nbytes=0-1\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/stkeys/data\ncomp:list\nprefix:a\nrestype:container"
    );
    let get = async |scheme: &str, signature: &str, date: &str, version: &str| {
        let authorization = format!("{scheme} stkeys:{signature}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-ms-date", date),
            ("x-ms-version", version),
            ("range", "bytes=0-1"),
        ];
        let target = "/data?restype=container&comp=list&prefix=a";
        azure
            .send(KEYS, request(Method::GET, target, &headers, b""))
            .await
    };
    let signature = keys.sign(&text);
    get("SharedKey", &signature, &date, VERSION).await.done(200);
    let reply = get("SharedKey", &signature, &date, "2024-05-04").await;
    let refused = reply.refused(403, "AuthenticationFailed");
    assert!(refused.contains("is not the same as any computed signature. Server used following string to sign: 'GET\n"), "{refused}");
    let lite =
        format!("GET\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/stkeys/data?comp=list");
    get("SharedKeyLite", &keys.sign(&lite), &date, VERSION)
        .await
        .done(200);
    let old = httpdate::fmt_http_date(
        std::time::SystemTime::now() - std::time::Duration::from_secs(3600),
    );
    let text = text.replace(&date, &old);
    let reply = get("SharedKey", &keys.sign(&text), &old, VERSION).await;
    assert!(
        reply
            .refused(403, "AuthenticationFailed")
            .contains("The Date header in the request is incorrect.")
    );
    get("SharedKey", "x", "today", VERSION)
        .await
        .refused(403, "AuthenticationFailed");
    // A key allows all, but signs no delegation.
    let target = "/?restype=service&comp=userdelegationkey";
    let text = format!(
        "POST\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:{VERSION}\n/stkeys/\ncomp:userdelegationkey\nrestype:service"
    );
    let authorization = format!("SharedKey stkeys:{}", keys.sign(&text));
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-ms-date", date.as_str()),
    ];
    let reply = azure
        .send(KEYS, request(Method::POST, target, &headers, b""))
        .await;
    assert!(
        reply
            .refused(403, "AuthenticationFailed")
            .contains("<AuthenticationErrorDetail>Only authentication scheme Bearer is supported<")
    );
}
