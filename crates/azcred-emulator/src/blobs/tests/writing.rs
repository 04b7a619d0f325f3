//! Writing: blobs, blocks, metadata, copies, batches.

use super::*;
use futures_util::StreamExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

const BLOCK: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

#[tokio::test]
async fn a_blob_that_must_be_new_is_not_replaced() {
    let azure = azure();
    azure.with_blob("a", b"old").await;
    let new = [BLOCK, ("if-none-match", "*")];
    azure
        .put("/data/a", &new, b"new")
        .await
        .refused(409, "BlobAlreadyExists");
    azure.put("/data/b", &new, b"new").await.done(201);
    assert_eq!(azure.get("/data/a").await.text(), "old");
    azure
        .put("/none/a", &[BLOCK], b"x")
        .await
        .refused(404, "ContainerNotFound");
    azure
        .put("/data/a", &[], b"x")
        .await
        .refused(400, "MissingRequiredHeader");
    let page = [("x-ms-blob-type", "PageBlob")];
    azure
        .put("/data/a", &page, b"")
        .await
        .refused(501, "NotServedByEmulator");
    let other = [("x-ms-blob-type", "Other")];
    azure
        .put("/data/a", &other, b"")
        .await
        .refused(400, "InvalidHeaderValue");
}

#[tokio::test]
async fn content_that_is_not_what_was_sent_is_refused_and_not_stored() {
    let azure = azure();
    azure.with_blob("a", b"old").await;
    for (name, value, code) in [
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==", "Md5Mismatch"),
        ("content-md5", "x", "InvalidMd5"),
        ("x-ms-content-crc64", "AAAAAAAAAAA=", "Crc64Mismatch"),
    ] {
        let headers = [BLOCK, (name, value)];
        azure
            .put("/data/a", &headers, b"other")
            .await
            .refused(400, code);
    }
    assert_eq!(azure.get("/data/a").await.text(), "old");
    azure
        .put(
            "/data/a",
            &[BLOCK, ("content-md5", "XUFAKrxLKna5cZ2REBfFkg==")],
            b"hello",
        )
        .await
        .done(201);
}

#[tokio::test]
async fn blocks_become_a_blob_in_the_order_of_their_list() {
    let azure = azure();
    azure.with_blob("other", b"x").await;
    for (id, body) in [("QUE=", "one"), ("QkI=", "two"), ("Q0M=", "lost")] {
        let target = format!("/data/a?comp=block&blockid={id}");
        azure.put(&target, &[], body.as_bytes()).await.done(201);
    }
    azure.get("/data/a").await.refused(404, "BlobNotFound");
    let list = "/data?restype=container&comp=list";
    assert!(!azure.get(list).await.text().contains("<Name>a<"));
    assert!(
        azure
            .get(&format!("{list}&include=uncommittedblobs"))
            .await
            .text()
            .contains("<Name>a<")
    );
    let commit = |body: &'static str| {
        azure.put(
            "/data/a?comp=blocklist",
            &[("x-ms-blob-content-type", "text/x")],
            body.as_bytes(),
        )
    };
    commit("<BlockList><Latest>WFg=</Latest></BlockList>")
        .await
        .refused(400, "InvalidBlockList");
    commit("<BlockList><Latest>")
        .await
        .refused(400, "InvalidXmlDocument");
    commit("<BlockList><Other>QUE=</Other></BlockList>")
        .await
        .refused(400, "InvalidXmlDocument");
    let done = commit("<?xml version='1.0' encoding='utf-8'?>\n<BlockList><Latest>QkI=</Latest><Uncommitted>QUE=</Uncommitted></BlockList>").await;
    done.done(201);
    let reply = azure.get("/data/a").await;
    assert_eq!(
        (reply.text(), reply.header("content-type")),
        ("twoone", "text/x")
    );
    // A blob of blocks has no sum unless the client says it.
    assert_eq!(reply.header("content-md5"), "");
    let ranged = [("range", "bytes=2-3")];
    let part = azure
        .call(WRITER, Method::GET, "/data/a", &ranged, b"")
        .await;
    assert_eq!(part.text(), "oo");
    let blocks = azure.get("/data/a?comp=blocklist&blocklisttype=all").await;
    let expected = "<BlockList><CommittedBlocks><Block><Name>QkI=</Name><Size>3</Size></Block><Block><Name>QUE=</Name><Size>3</Size></Block></CommittedBlocks><UncommittedBlocks /></BlockList>";
    assert!(blocks.text().ends_with(expected), "{}", blocks.text());

    // A committed block can be used again, beside new ones.
    azure
        .put("/data/a?comp=block&blockid=REQ=", &[], b"!")
        .await
        .done(201);
    commit("<BlockList><Committed>QUE=</Committed><Latest>REQ=</Latest></BlockList>")
        .await
        .done(201);
    assert_eq!(azure.get("/data/a").await.text(), "one!");
    commit("<BlockList />").await.done(201);
    assert_eq!(azure.get("/data/a").await.text(), "");
    azure
        .put("/data/a?comp=block&blockid=%25", &[], b"x")
        .await
        .refused(400, "InvalidQueryParameterValue");
    azure
        .put("/data/a?comp=block&blockid=QQ==", &[], b"x")
        .await
        .done(201);
    azure
        .put("/data/a?comp=block&blockid=QUFBQQ==", &[], b"x")
        .await
        .refused(400, "InvalidBlobOrBlock");
}

#[tokio::test]
async fn an_append_blob_grows_at_its_end() {
    let azure = azure();
    azure.with_blob("block", b"x").await;
    let new = [("x-ms-blob-type", "AppendBlob")];
    let made = azure.put("/data/log", &new, b"").await;
    assert_eq!(made.done(201).header("content-md5"), "");
    for (body, offset) in [("one\n", "0"), ("two\n", "4")] {
        let reply = azure
            .put("/data/log?comp=appendblock", &[], body.as_bytes())
            .await;
        assert_eq!(reply.done(201).header("x-ms-blob-append-offset"), offset);
    }
    let at = [("x-ms-blob-condition-appendpos", "4")];
    let reply = azure.put("/data/log?comp=appendblock", &at, b"x").await;
    reply.refused(412, "AppendPositionConditionNotMet");
    let most = [("x-ms-blob-condition-maxsize", "8")];
    let reply = azure.put("/data/log?comp=appendblock", &most, b"x").await;
    reply.refused(412, "MaxBlobSizeConditionNotMet");
    let log = azure.get("/data/log").await;
    assert_eq!(
        (log.text(), log.header("x-ms-blob-type")),
        ("one\ntwo\n", "AppendBlob")
    );
    let reply = azure.put("/data/block?comp=appendblock", &[], b"x").await;
    reply.refused(409, "InvalidBlobType");
    let reply = azure
        .put("/data/log?comp=block&blockid=QUE=", &[], b"x")
        .await;
    reply.refused(409, "InvalidBlobType");
}

#[tokio::test]
async fn metadata_headers_and_tiers_are_replaced() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let before = azure.get("/data/a").await.header("etag").to_owned();
    let set = azure
        .put("/data/a?comp=metadata", &[("x-ms-meta-name", "code")], b"")
        .await;
    let etag = set.done(200).header("etag").to_owned();
    assert_ne!(etag, before);
    let got = azure.get("/data/a?comp=metadata").await;
    assert_eq!(
        (got.header("x-ms-meta-name"), got.header("etag")),
        ("code", etag.as_str())
    );
    azure.put("/data/a?comp=metadata", &[], b"").await.done(200);
    assert_eq!(azure.get("/data/a").await.header("x-ms-meta-name"), "");
    let bad = azure
        .put("/data/a?comp=metadata", &[("x-ms-meta-a-b", "x")], b"")
        .await;
    bad.refused(400, "InvalidMetadata");
    let kind = [("x-ms-blob-content-type", "image/png")];
    azure
        .put("/data/a?comp=properties", &kind, b"")
        .await
        .done(200);
    let got = azure.get("/data/a").await;
    assert_eq!(
        (got.header("content-type"), got.header("content-md5")),
        ("image/png", "")
    );
    let tier = [("x-ms-access-tier", "Cool")];
    azure.put("/data/a?comp=tier", &tier, b"").await.done(200);
    let got = azure.get("/data/a").await;
    assert_eq!(
        (
            got.header("x-ms-access-tier"),
            got.header("x-ms-access-tier-inferred")
        ),
        ("Cool", "")
    );
}

#[tokio::test]
async fn a_blob_is_copied_with_its_metadata() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    azure
        .put("/data/a?comp=metadata", &[("x-ms-meta-k", "v")], b"")
        .await
        .done(200);
    let source = "https://stcontosoml.blob.core.windows.net/data/a";
    let copy = azure
        .put("/data/b", &[("x-ms-copy-source", source)], b"")
        .await;
    assert_eq!(copy.done(202).header("x-ms-copy-status"), "success");
    azure
        .call(WRITER, Method::DELETE, "/data/a", &[], b"")
        .await
        .done(202);
    let got = azure.get("/data/b").await;
    assert_eq!((got.text(), got.header("x-ms-meta-k")), ("hello", "v"));
    assert_eq!(got.header("x-ms-copy-source"), source);
    let missing = azure
        .put("/data/c", &[("x-ms-copy-source", source)], b"")
        .await;
    missing.refused(404, "BlobNotFound");
    // Another account's needs a signature.
    azure
        .world
        .storage()
        .ensure_container("stkeys", "data")
        .unwrap();
    let other = "https://stkeys.blob.core.windows.net/data/a";
    let copy = azure
        .put("/data/c", &[("x-ms-copy-source", other)], b"")
        .await;
    copy.refused(404, "CannotVerifyCopySource");
    let foreign = azure
        .put(
            "/data/c",
            &[("x-ms-copy-source", "https://example.com/a?sig=secret")],
            b"",
        )
        .await;
    let text = foreign.refused(501, "NotServedByEmulator");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_batch_answers_each_request_for_itself() {
    let azure = azure();
    azure.with_blob("a", b"x").await;
    azure.with_blob("b", b"x").await;
    let batch = async |who, requests: &[(&str, Uuid)]| {
        let mut body = String::new();
        for (at, (line, who)) in requests.iter().enumerate() {
            let token = azure.token(*who);
            body.push_str(&format!("--xyz\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: {at}\r\n\r\n{line} HTTP/1.1\r\nauthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n\r\n"));
        }
        body.push_str("--xyz--\r\n");
        let kind = [("content-type", "multipart/mixed; boundary=xyz")];
        azure
            .call(who, Method::POST, "/?comp=batch", &kind, body.as_bytes())
            .await
    };
    let requests = [
        ("DELETE /data/a?", WRITER),
        ("DELETE /data/missing", WRITER),
        ("DELETE /data/b", READER),
    ];
    let reply = batch(WRITER, &requests).await;
    let text = reply.done(202).text();
    assert!(
        reply
            .header("content-type")
            .starts_with("multipart/mixed; boundary=batchresponse_")
    );
    for line in [
        "Content-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\n",
        "Content-ID: 1\r\n\r\nHTTP/1.1 404 The specified blob does not exist.\r\n",
        "Content-ID: 2\r\n\r\nHTTP/1.1 403 This request is not authorized to perform this operation using this permission.\r\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    azure.get("/data/b").await.done(200);
    batch(WRITER, &[("GET /data/b", WRITER)])
        .await
        .refused(400, "InvalidInput");
    batch(WRITER, &[]).await.refused(400, "InvalidInput");
}

#[tokio::test]
async fn containers_come_and_go_with_their_blobs() {
    let azure = azure();
    azure.with_blob("a", b"x").await;
    azure
        .put("/data?restype=container", &[], b"")
        .await
        .refused(409, "ContainerAlreadyExists");
    let long = "a".repeat(64);
    for (name, code) in [
        ("A_B", "InvalidResourceName"),
        ("a--b", "InvalidResourceName"),
        ("ab", "OutOfRangeInput"),
        (long.as_str(), "OutOfRangeInput"),
    ] {
        let target = format!("/{name}?restype=container");
        let reply = azure.put(&target, &[], b"").await;
        reply.refused(400, code);
    }
    let metadata = [("x-ms-meta-k", "v")];
    azure
        .put("/data?restype=container&comp=metadata", &metadata, b"")
        .await
        .done(200);
    assert_eq!(
        azure
            .get("/data?restype=container")
            .await
            .header("x-ms-meta-k"),
        "v"
    );
    let delete = azure
        .call(WRITER, Method::DELETE, "/data?restype=container", &[], b"")
        .await;
    delete.done(202);
    azure.get("/data/a").await.refused(404, "ContainerNotFound");
    azure
        .put("/data?restype=container", &[], b"")
        .await
        .done(201);
    azure.get("/data/a").await.refused(404, "BlobNotFound");
}

#[tokio::test]
async fn tags_are_kept_beside_a_blob() {
    let azure = azure();
    azure
        .put("/data?restype=container", &[], b"")
        .await
        .done(201);
    let tagged = [BLOCK, ("x-ms-tags", "a=1&b%20c=2")];
    azure.put("/data/a", &tagged, b"x").await.done(201);
    assert_eq!(azure.get("/data/a").await.header("x-ms-tag-count"), "2");
    let list = azure
        .get("/data?restype=container&comp=list&include=tags")
        .await;
    let expected = "<Tags><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b c</Key><Value>2</Value></Tag></TagSet></Tags>";
    assert!(list.text().contains(expected), "{}", list.text());
    let bad = [BLOCK, ("x-ms-tags", "a=%26")];
    azure
        .put("/data/a", &bad, b"x")
        .await
        .refused(400, "InvalidTag");
    // No role of a contributor covers tags.
    azure
        .get("/data/a?comp=tags")
        .await
        .refused(403, "AuthorizationPermissionMismatch");
}

/// A client that still sends could not use its connection again.
#[tokio::test]
async fn a_refused_body_is_read_to_its_end_unless_the_client_waits() {
    let azure = azure();
    azure.with_blob("a", b"x").await;
    let bearer = format!("Bearer {}", azure.token(WRITER));
    let signed = ("authorization", bearer.as_str());
    for (target, headers, expected) in [
        ("/none/a", vec![signed, BLOCK], 3),
        ("/data/a", vec![signed, ("x-ms-blob-type", "Other")], 3),
        ("/data/a", vec![BLOCK], 3),
        ("/data/a", vec![BLOCK, ("expect", "100-continue")], 0),
    ] {
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let pieces = futures_util::stream::iter(0..3).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(vec![7; 10])
        });
        let request = request(Method::PUT, target, &headers, b"");
        let request = request.map(|_| Body::from_stream(pieces));
        let refused = azure
            .send("stcontosoml.blob.core.windows.net", request)
            .await;
        assert!(refused.status >= 400, "{target}");
        assert_eq!(
            read.load(Ordering::Relaxed),
            expected,
            "{target} {headers:?}"
        );
    }
}
