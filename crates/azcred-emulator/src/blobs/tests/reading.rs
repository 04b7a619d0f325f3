//! Reading: blobs, ranges, conditions and lists.

use super::*;

#[tokio::test]
async fn a_blob_has_the_headers_that_azure_recorded() {
    let azure = azure();
    azure
        .put("/data?restype=container", &[], b"")
        .await
        .done(201);
    let headers = [
        ("x-ms-blob-type", "BlockBlob"),
        ("content-type", "text/plain"),
        ("x-ms-meta-upload_status", "completed"),
    ];
    let put = azure.put("/data/a", &headers, b"hello").await;
    let md5 = "XUFAKrxLKna5cZ2REBfFkg==";
    assert_eq!(put.done(201).header("content-md5"), md5);
    assert!(
        put.header("etag").starts_with("\"0x8D"),
        "{}",
        put.header("etag")
    );
    assert_eq!(put.header("x-ms-request-server-encrypted"), "true");
    assert!(!put.header("x-ms-content-crc64").is_empty());
    let head = azure.call(WRITER, Method::HEAD, "/data/a", &[], b"").await;
    let get = azure.get("/data/a").await;
    assert_eq!((head.text(), get.text()), ("", "hello"));
    for reply in [head.done(200), get.done(200)] {
        for (name, value) in [
            ("content-length", "5"),
            ("content-type", "text/plain"),
            ("content-md5", md5),
            ("accept-ranges", "bytes"),
            ("etag", put.header("etag")),
            ("last-modified", put.header("last-modified")),
            ("x-ms-blob-type", "BlockBlob"),
            ("x-ms-creation-time", put.header("last-modified")),
            ("x-ms-lease-status", "unlocked"),
            ("x-ms-lease-state", "available"),
            ("x-ms-server-encrypted", "true"),
            ("x-ms-access-tier", "Hot"),
            ("x-ms-access-tier-inferred", "true"),
            ("x-ms-meta-upload_status", "completed"),
        ] {
            assert_eq!(reply.header(name), value, "{name}");
        }
    }
}

#[tokio::test]
async fn a_range_is_what_there_is_of_it_and_beyond_the_end_nothing() {
    let azure = azure();
    azure.with_blob("a", b"0123456789").await;
    azure.with_blob("empty", b"").await;
    let get = async |target: &str, header: &str, range: &str| {
        azure
            .call(WRITER, Method::GET, target, &[(header, range)], b"")
            .await
    };
    for (range, text, content) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=0-33554431", "0123456789", "bytes 0-9/10"),
    ] {
        for header in ["range", "x-ms-range"] {
            let reply = get("/data/a", header, range).await;
            assert_eq!(reply.done(206).text(), text);
            assert_eq!(reply.header("content-range"), content);
            assert_eq!(reply.header("content-length"), text.len().to_string());
            // The sum of all of it is not that of the part.
            assert_eq!(reply.header("content-md5"), "");
            assert_eq!(
                reply.header("x-ms-blob-content-md5"),
                "eB5eJF1ptWaXm4bijSPyxw=="
            );
        }
    }
    let reply = get("/data/a", "range", "bytes=10-").await;
    reply.refused(416, "InvalidRange");
    assert_eq!(reply.header("content-range"), "bytes */10");
    get("/data/empty", "x-ms-range", "bytes=0-33554431")
        .await
        .refused(416, "InvalidRange");
    assert_eq!(
        get("/data/a", "range", "bytes=-3").await.done(200).text(),
        "0123456789"
    );
    let both = [
        ("x-ms-range", "bytes=2-4"),
        ("x-ms-range-get-content-md5", "true"),
    ];
    let reply = azure.call(WRITER, Method::GET, "/data/a", &both, b"").await;
    assert_eq!(
        (reply.text(), reply.header("content-md5")),
        ("234", "KJ3/B2adeiPeDviNL3Ep5w==")
    );
}

#[tokio::test]
async fn conditions_decide_what_is_read() {
    let azure = azure();
    azure.with_blob("a", b"hello").await;
    let etag = azure.get("/data/a").await.header("etag").to_owned();
    let get = async |name: &str, value: &str| {
        azure
            .call(WRITER, Method::GET, "/data/a", &[(name, value)], b"")
            .await
    };
    assert_eq!(
        get("if-none-match", &etag)
            .await
            .refused(304, "ConditionNotMet"),
        ""
    );
    get("if-none-match", "\"0x1\"").await.done(200);
    get("if-match", &etag).await.done(200);
    get("if-match", "\"0x1\"")
        .await
        .refused(412, "ConditionNotMet");
    get("if-modified-since", "yesterday")
        .await
        .refused(400, "InvalidHeaderValue");
}

#[tokio::test]
async fn a_list_has_levels_pages_and_what_is_included() {
    let azure = azure();
    for name in ["a/1", "a/2", "a/b/3", "c", "%C3%A4%26%3C"] {
        azure.with_blob(name, b"x").await;
    }
    azure
        .put("/data/c?comp=metadata", &[("x-ms-meta-k", "v")], b"")
        .await
        .done(200);
    let list = async |query: &str| {
        let target = format!("/data?restype=container&comp=list{query}");
        azure.get(&target).await.done(200).text().to_owned()
    };
    let names = |text: &str| -> Vec<String> {
        let parts = text.split("<Name>").skip(1);
        parts
            .map(|part| part.split("</Name>").next().unwrap().to_owned())
            .collect()
    };
    let all = list("").await;
    assert_eq!(names(&all), ["a/1", "a/2", "a/b/3", "c", "ä&amp;&lt;"]);
    assert!(all.starts_with("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://stcontosoml.blob.core.windows.net/\" ContainerName=\"data\"><Blobs><Blob><Name>a/1</Name><Properties><Creation-Time>"), "{all}");
    assert!(
        all.ends_with("<OrMetadata /></Blob></Blobs><NextMarker /></EnumerationResults>"),
        "{all}"
    );
    assert!(!all.contains("<Metadata"), "{all}");
    let with = list("&prefix=c&include=metadata").await;
    assert!(
        with.contains("<Prefix>c</Prefix>") && with.contains("<Metadata><k>v</k></Metadata>"),
        "{with}"
    );
    let top = list("&delimiter=/").await;
    assert!(
        top.contains("<BlobPrefix><Name>a/</Name></BlobPrefix>"),
        "{top}"
    );
    assert_eq!(names(&top), ["a/", "c", "ä&amp;&lt;"]);
    assert_eq!(
        names(&list("&delimiter=/&prefix=a/").await),
        ["a/1", "a/2", "a/b/"]
    );
    assert_eq!(names(&list("&delimiter=/&prefix=z").await), [""; 0]);

    for query in ["", "&delimiter=/"] {
        let (mut seen, mut marker) = (Vec::new(), String::new());
        loop {
            let page = list(&format!("{query}&maxresults=1&marker={marker}")).await;
            let found = names(&page);
            assert_eq!(found.len(), 1, "{page}");
            seen.extend(found);
            match page.split_once("<NextMarker>") {
                Some((_, rest)) => marker = rest.split('<').next().unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, names(&list(query).await), "{query}");
    }
    let bad = azure
        .get("/data?restype=container&comp=list&maxresults=0")
        .await;
    bad.refused(400, "OutOfRangeQueryParameterValue");
    let bad = azure
        .get("/data?restype=container&comp=list&marker=%25")
        .await;
    bad.refused(400, "InvalidQueryParameterValue");
    let none = azure.get("/none?restype=container&comp=list").await;
    none.refused(404, "ContainerNotFound");
}

#[tokio::test]
async fn containers_are_listed_with_their_metadata() {
    let azure = azure();
    for name in ["one", "two"] {
        let target = format!("/{name}?restype=container");
        azure
            .put(&target, &[("x-ms-meta-k", name)], b"")
            .await
            .done(201);
    }
    let text = azure.get("/?comp=list&include=metadata&maxresults=1").await;
    let text = text.done(200).text();
    assert!(
        text.contains("<Containers><Container><Name>one</Name><Properties><Last-Modified>"),
        "{text}"
    );
    assert!(
        text.contains("<Metadata><k>one</k></Metadata></Container></Containers><NextMarker>"),
        "{text}"
    );
    let properties = azure.get("/one?restype=container").await;
    assert_eq!(properties.done(200).header("x-ms-meta-k"), "one");
}
