//! What every response has, and what is not served.

use super::*;

#[tokio::test]
async fn every_response_has_azures_headers_and_errors_are_xml() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let id = [("x-ms-client-request-id", "mine")];
    let good = azure.call(WRITER, Method::GET, "/data/a", &id, b"").await;
    let bad = azure.call(WRITER, Method::GET, "/data/b", &id, b"").await;
    for reply in [&good, &bad] {
        assert_eq!(
            reply.header("server"),
            "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"
        );
        assert_eq!(reply.header("x-ms-version"), VERSION);
        assert_eq!(reply.header("x-ms-client-request-id"), "mine");
        Uuid::parse_str(reply.header("x-ms-request-id")).unwrap();
    }
    let text = bad.refused(404, "BlobNotFound");
    let id = bad.header("x-ms-request-id");
    let begin = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code><Message>The specified blob does not exist.\nRequestId:{id}\nTime:2"
    );
    assert!(text.starts_with(&begin), "{text}");
    assert!(text.ends_with("Z</Message></Error>"), "{text}");
    assert_eq!(bad.header("content-type"), "application/xml");
    // HEAD has the code, and no body.
    let head = azure.call(WRITER, Method::HEAD, "/data/b", &[], b"").await;
    assert_eq!(head.refused(404, "BlobNotFound"), "");
    assert_eq!(head.header("content-type"), "");
}

#[tokio::test]
async fn a_version_that_does_not_exist_is_refused() {
    let azure = azure();
    for version in ["2099-11-05", "2008-01-01", "latest", "2024-13-01"] {
        let headers = [("x-ms-version", version)];
        let reply = azure.put("/data?restype=container", &headers, b"").await;
        let text = reply.refused(400, "InvalidHeaderValue");
        let detail =
            format!("<HeaderName>x-ms-version</HeaderName><HeaderValue>{version}</HeaderValue>");
        assert!(text.contains(&detail), "{text}");
    }
}

#[tokio::test]
async fn what_is_not_served_says_so_and_nonsense_is_refused() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    for (method, target) in [
        (Method::PUT, "/data/a?comp=snapshot"),
        (Method::PUT, "/data/a?comp=lease"),
        (Method::GET, "/data/a?snapshot=2026-01-01T00:00:00.0000000Z"),
        (Method::PUT, "/data/a?comp=page"),
        (Method::GET, "/?comp=blobs"),
        (Method::PUT, "/?restype=service&comp=other"),
    ] {
        let reply = azure.call(WRITER, method, target, &[], b"").await;
        reply.refused(501, "NotServedByEmulator");
    }
    let reply = azure.call(WRITER, Method::POST, "/data/a", &[], b"").await;
    reply.refused(405, "UnsupportedHttpVerb");
    azure.get("/").await.refused(400, "InvalidUri");
    azure.get("/data/%ff").await.refused(400, "InvalidUri");
}

#[tokio::test]
async fn the_same_account_is_at_a_port_with_its_name_in_the_path() {
    let azure = azure();
    azure.with_blob("a/b%20c", b"hello").await;
    let by_port = async |target: &str| {
        let bearer = format!("Bearer {}", azure.token(WRITER));
        let mut request = request(Method::GET, target, &[("authorization", &bearer)], b"");
        request.extensions_mut().insert(Entrance {
            service: crate::service::Service::Blob,
            cloud: crate::service::Cloud::Public,
            real_name: None,
        });
        let (parts, body) = azure.front_door.answer(request).await.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        (
            parts.status.as_u16(),
            String::from_utf8(body.to_vec()).unwrap(),
        )
    };
    let (status, text) = by_port("/stcontosoml/data/a/b%20c").await;
    assert_eq!((status, text.as_str()), (200, "hello"));
    // Azure takes a backslash for a slash.
    let (status, text) = by_port("/stcontosoml/data/a%5Cb%20c").await;
    assert_eq!((status, text.as_str()), (200, "hello"));
    let (_, text) = by_port("/stcontosoml?comp=list").await;
    assert!(
        text.contains("ServiceEndpoint=\"https://localhost:1005/stcontosoml/\""),
        "{text}"
    );
    assert!(text.contains("<Name>data</Name>"), "{text}");
    assert_eq!(by_port("/stother/data/a").await.0, 404);
}
