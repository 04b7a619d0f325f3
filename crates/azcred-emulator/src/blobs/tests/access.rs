//! Who may do what.

use super::*;

const GET_BLOB: (Method, &str) = (Method::GET, "/data/a");

#[tokio::test]
async fn a_data_role_decides_and_an_owner_without_one_is_refused() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let put: &[(&str, &str)] = &[("x-ms-blob-type", "BlockBlob")];
    for (method, target, headers, allowed) in [
        (Method::GET, "/data/a", &[][..], &[WRITER, READER][..]),
        (Method::HEAD, "/data/a", &[], &[WRITER, READER]),
        (
            Method::GET,
            "/data?restype=container&comp=list",
            &[],
            &[WRITER, READER],
        ),
        (Method::PUT, "/data/b", put, &[WRITER]),
        (Method::PUT, "/data/a?comp=metadata", &[], &[WRITER]),
        (Method::DELETE, "/data/b", &[], &[WRITER]),
    ] {
        for who in [WRITER, READER, OF_ONE] {
            let reply = azure.call(who, method.clone(), target, headers, b"").await;
            match allowed.contains(&who) {
                true => assert!(reply.status < 300, "{method} {target}: {}", reply.text()),
                false => {
                    assert_eq!(reply.status, 403, "{method} {target}: {}", reply.text());
                    assert_eq!(
                        reply.header("x-ms-error-code"),
                        "AuthorizationPermissionMismatch"
                    );
                }
            }
        }
    }
    // An owner manages the account, and containers, and reads no blob.
    let (method, target) = GET_BLOB;
    let owner = azure.call(OWNER, method, target, &[], b"").await;
    let text = owner.refused(403, "AuthorizationPermissionMismatch");
    assert!(
        text.contains("using this permission.\nRequestId:"),
        "{text}"
    );
    let new = azure
        .call(OWNER, Method::PUT, "/new?restype=container", &[], b"")
        .await;
    new.done(201);
}

#[tokio::test]
async fn a_role_on_one_container_is_good_for_that_container() {
    let azure = azure();
    for name in ["one", "two"] {
        let target = format!("/{name}?restype=container");
        azure.put(&target, &[], b"").await.done(201);
    }
    let blob = [("x-ms-blob-type", "BlockBlob")];
    let put = |target| azure.call(OF_ONE, Method::PUT, target, &blob, b"x");
    put("/one/a").await.done(201);
    put("/two/a")
        .await
        .refused(403, "AuthorizationPermissionMismatch");
    let list = azure
        .call(OF_ONE, Method::GET, "/?comp=list", &[], b"")
        .await;
    list.refused(403, "AuthorizationPermissionMismatch");
}

#[tokio::test]
async fn a_token_that_is_not_for_storage_is_refused_with_where_to_get_one() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let get = async |token: String, headers: &[(&str, &str)]| {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend(headers);
        azure.bare(Method::GET, "/data/a", &all).await
    };
    let account = "https://stcontosoml.blob.core.windows.net";
    for audience in [
        "https://storage.azure.com/",
        account,
        "e406a681-f3d4-42a8-90b6-c2b029497af1",
    ] {
        let token = azure.token_with(WRITER, "aud", json!(audience));
        get(token, &[]).await.done(200);
    }
    for audience in [
        "https://management.azure.com",
        "https://stkeys.blob.core.windows.net",
    ] {
        let token = azure.token_with(WRITER, "aud", json!(audience));
        let reply = get(token, &[]).await;
        let text = reply.refused(401, "InvalidAuthenticationInfo");
        assert!(
            text.contains(
                "<AuthenticationErrorDetail>Audience validation failed. Audience did not match.</"
            ),
            "{text}"
        );
        assert_eq!(
            reply.header("www-authenticate"),
            format!(
                "Bearer authorization_uri=https://login.microsoftonline.com/{CONTOSO}/oauth2/authorize resource_id=https://storage.azure.com"
            )
        );
    }
    let expired = azure.world.clock.unix() - 3600;
    let text = get(azure.token_with(WRITER, "exp", json!(expired)), &[]).await;
    let text = text.refused(401, "InvalidAuthenticationInfo").to_owned();
    assert!(
        text.contains("Lifetime validation failed. The token is expired."),
        "{text}"
    );
    let stranger = get(azure.token(STRANGER), &[]).await;
    assert!(
        stranger
            .refused(401, "InvalidAuthenticationInfo")
            .contains("Issuer did not match")
    );
    // Not a token: refused before Blob Storage, which has a version.
    let garbage = get("garbage".to_owned(), &[]).await;
    garbage.refused(400, "InvalidAuthenticationInfo");
    assert_eq!(garbage.header("server"), "Microsoft-HTTPAPI/2.0");
    assert_eq!(garbage.header("x-ms-version"), "");
    assert_eq!(garbage.header("www-authenticate"), "");
    let old = get(azure.token(WRITER), &[("x-ms-version", "2015-02-21")]).await;
    let text = old.refused(403, "AuthenticationFailed");
    assert!(
        text.contains("Authentication scheme Bearer is not supported in this version."),
        "{text}"
    );
}

#[tokio::test]
async fn a_firewall_refuses_also_who_has_a_role_and_a_key() {
    let azure = azure();
    let host = "stclosed.blob.core.windows.net";
    let bearer = format!("Bearer {}", azure.token(WRITER));
    let with = |authorization: &str| {
        let headers = [("authorization", authorization)];
        request(Method::GET, "/?comp=list", &headers, b"")
    };
    let reply = azure.send(host, with(&bearer)).await;
    let text = reply.refused(403, "AuthorizationFailure");
    assert!(
        text.contains("This request is not authorized to perform this operation.\n"),
        "{text}"
    );
    // A wrong credential is reported first.
    let reply = azure.send(host, with("Bearer garbage")).await;
    reply.refused(400, "InvalidAuthenticationInfo");
}

#[tokio::test]
async fn without_a_credential_a_client_is_told_where_to_sign_in() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let reply = azure.bare(Method::GET, "/data/a", &[]).await;
    reply.refused(401, "NoAuthenticationInformation");
    assert!(
        reply
            .header("www-authenticate")
            .contains(&CONTOSO.to_string())
    );
    // Clients of old versions, such as browsers, which send none.
    let old = [("x-ms-version", "2015-02-21")];
    let reply = azure.bare(Method::GET, "/data/a", &old).await;
    reply.refused(409, "PublicAccessNotPermitted");
    let reply = azure.bare(Method::PUT, "/data/a", &old).await;
    reply.refused(404, "ResourceNotFound");
    // A container can't be opened where the account does not allow it.
    let open = [("x-ms-blob-public-access", "container")];
    let reply = azure.put("/open?restype=container", &open, b"").await;
    reply.refused(409, "PublicAccessNotPermitted");
}

#[tokio::test]
async fn an_open_container_is_read_by_all_and_written_by_none() {
    let azure = azure();
    let host = "stkeys.blob.core.windows.net";
    let bearer = format!("Bearer {}", azure.token(WRITER));
    let signed = ("authorization", bearer.as_str());
    let blob = ("x-ms-blob-type", "BlockBlob");
    for (name, access) in [("open", "container"), ("names", "blob"), ("closed", "")] {
        let mut headers = vec![signed];
        if !access.is_empty() {
            headers.push(("x-ms-blob-public-access", access));
        }
        let target = format!("/{name}?restype=container");
        azure
            .send(host, request(Method::PUT, &target, &headers, b""))
            .await
            .done(201);
        let target = format!("/{name}/a");
        azure
            .send(host, request(Method::PUT, &target, &[signed, blob], b"x"))
            .await
            .done(201);
    }
    let get = |target: &'static str| azure.send(host, request(Method::GET, target, &[], b""));
    get("/open/a").await.done(200);
    get("/open?restype=container&comp=list").await.done(200);
    get("/names/a").await.done(200);
    let reply = get("/names?restype=container&comp=list").await;
    reply.refused(401, "NoAuthenticationInformation");
    get("/closed/a")
        .await
        .refused(401, "NoAuthenticationInformation");
    let put = request(Method::PUT, "/open/b", &[blob], b"x");
    azure
        .send(host, put)
        .await
        .refused(401, "NoAuthenticationInformation");
}

#[tokio::test]
async fn an_account_that_does_not_exist_is_named() {
    let azure = azure();
    let reply = azure
        .send(
            "stother.blob.core.windows.net",
            request(Method::GET, "/?comp=list", &[], b""),
        )
        .await;
    let text = reply.refused(404, "ResourceNotFound");
    assert!(
        text.contains("This emulator has no storage account 'stother'."),
        "{text}"
    );
}
