//! Lists of containers and blobs, in pages.

use super::{
    answer::Answer,
    call::Call,
    error::BlobError,
    signature::http_date,
    xml::{element, escape, is_xml},
};
use crate::{
    storage::{Blob, Container},
    world::World,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{collections::BTreeMap, fmt::Write as _, ops::ControlFlow};

/// Most entries of a page.
const MOST: usize = 5000;

/// What both lists have: the query's parameters, and where a page begins and ends.
struct Page<'a> {
    call: &'a Call,
    prefix: &'a str,
    delimiter: &'a str,
    /// The name with which the page begins.
    from: String,
    most: usize,
    /// What the client wants to know of each entry.
    include: Vec<&'a str>,
}

impl<'a> Page<'a> {
    fn of(call: &'a Call) -> Result<Self, BlobError> {
        let (marker, most) = (call.query("marker"), call.query("maxresults"));
        let from = URL_SAFE_NO_PAD.decode(marker).ok();
        let from = from.and_then(|bytes| String::from_utf8(bytes).ok());
        let most = match most {
            "" => MOST,
            text => match text.parse::<usize>() {
                Ok(0) | Err(_) => {
                    return Err(BlobError::bad(
                        "OutOfRangeQueryParameterValue",
                        "One of the query parameters specified in the request URI is outside the permissible range.",
                    )
                    .detail("QueryParameterName", "maxresults")
                    .detail("QueryParameterValue", text)
                    .detail("MinimumAllowed", "1")
                    .detail("MaximumAllowed", "2147483647"));
                }
                Ok(most) => most.min(MOST),
            },
        };
        Ok(Self {
            call,
            prefix: call.query("prefix"),
            delimiter: call.query("delimiter"),
            from: from.ok_or_else(|| {
                BlobError::invalid_query("marker", marker, "It is not one of this service.")
            })?,
            most,
            include: call.query("include").split(',').collect(),
        })
    }

    fn includes(&self, what: &str) -> bool {
        self.include.contains(&what)
    }

    /// The document around the entries.
    fn answer(&self, world: &World, entries: &str, next: Option<&str>) -> Answer {
        let endpoint = self.call.endpoint(&world.urls().blob);
        let mut text = format!(
            "<EnumerationResults ServiceEndpoint=\"{}\"",
            escape(&endpoint)
        );
        if !self.call.container.is_empty() {
            let _ = write!(text, " ContainerName=\"{}\"", escape(&self.call.container));
        }
        text.push('>');
        for (element_name, parameter) in [
            ("Prefix", "prefix"),
            ("Marker", "marker"),
            ("MaxResults", "maxresults"),
            ("Delimiter", "delimiter"),
        ] {
            if self.call.has(parameter) {
                text.push_str(&element(element_name, self.call.query(parameter)));
            }
        }
        text.push_str(entries);
        let next = next.map(|name| URL_SAFE_NO_PAD.encode(name));
        text.push_str(&element("NextMarker", next.as_deref().unwrap_or_default()));
        text.push_str("</EnumerationResults>");
        Answer::xml(StatusCode::OK, &text)
    }
}

/// The containers of an account.
pub(super) fn containers(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let page = Page::of(call)?;
    let all = world.storage().containers(&call.account)?;
    let mut rest = all
        .iter()
        .filter(|one| one.name.starts_with(page.prefix) && one.name >= page.from);
    let entries: String = rest
        .by_ref()
        .take(page.most)
        .map(|one| container(&page, one))
        .collect();
    let next = rest.next().map(|one| one.name.as_str());
    let entries = match entries.as_str() {
        "" => "<Containers />".to_owned(),
        entries => format!("<Containers>{entries}</Containers>"),
    };
    Ok(page.answer(world, &entries, next))
}

fn container(page: &Page<'_>, one: &Container) -> String {
    let modified = http_date(one.modified);
    let access = one.public_access.as_deref();
    let access = access.map_or_else(String::new, |access| element("PublicAccess", access));
    let metadata = match page.includes("metadata") {
        true => self::metadata(&one.metadata),
        false => String::new(),
    };
    format!(
        "<Container>{}<Properties><Last-Modified>{modified}</Last-Modified><Etag>\"{}\"</Etag>\
         <LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>{access}\
         <DefaultEncryptionScope>$account-encryption-key</DefaultEncryptionScope>\
         <DenyEncryptionScopeOverride>false</DenyEncryptionScopeOverride>\
         <HasImmutabilityPolicy>false</HasImmutabilityPolicy><HasLegalHold>false</HasLegalHold>\
         <ImmutableStorageWithVersioningEnabled>false</ImmutableStorageWithVersioningEnabled>\
         </Properties>{metadata}</Container>",
        element("Name", &one.name),
        one.etag,
    )
}

fn metadata(all: &BTreeMap<String, String>) -> String {
    let all: String = all
        .iter()
        .map(|(name, value)| element(name, value))
        .collect();
    match all.as_str() {
        "" => "<Metadata />".to_owned(),
        all => format!("<Metadata>{all}</Metadata>"),
    }
}

/// The blobs of a container: all, or those of one level of names and the levels below it.
pub(super) fn blobs(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let page = Page::of(call)?;
    let (mut entries, mut count, mut next) = (String::new(), 0, None);
    let mut level: Option<String> = None;
    let visit = |blob: &Blob| {
        if level
            .as_ref()
            .is_some_and(|level| blob.name.starts_with(level.as_str()))
            || !(blob.is_committed || page.includes("uncommittedblobs"))
        {
            return ControlFlow::Continue(());
        }
        if count == page.most {
            next = Some(blob.name.clone());
            return ControlFlow::Break(());
        }
        count += 1;
        match level_of(&page, &blob.name) {
            Some(name) => {
                let _ = write!(entries, "<BlobPrefix>{}</BlobPrefix>", name_of(&name));
                level = Some(name);
            }
            None => entries.push_str(&entry(&page, blob)),
        }
        ControlFlow::Continue(())
    };
    // A page may begin inside a level that the page before has: markers are names of blobs after
    // it, so it does not.
    let from = page.from.as_str().max(call.query("startFrom"));
    world
        .storage()
        .visit_blobs(&call.account, &call.container, page.prefix, from, visit)?;
    let entries = match entries.as_str() {
        "" => "<Blobs />".to_owned(),
        entries => format!("<Blobs>{entries}</Blobs>"),
    };
    Ok(page.answer(world, &entries, next.as_deref()))
}

/// The level below the prefix in which a name is.
fn level_of(page: &Page<'_>, name: &str) -> Option<String> {
    if page.delimiter.is_empty() {
        return None;
    }
    let below = name.get(page.prefix.len()..)?;
    let end = below.find(page.delimiter)? + page.delimiter.len();
    name.get(..page.prefix.len() + end).map(str::to_owned)
}

/// A name, which may have characters that XML can't have.
fn name_of(name: &str) -> String {
    match name.chars().all(is_xml) {
        true => element("Name", name),
        false => format!(
            "<Name Encoded=\"true\">{}</Name>",
            utf8_percent_encode(name, NON_ALPHANUMERIC)
        ),
    }
}

fn entry(page: &Page<'_>, blob: &Blob) -> String {
    let mut text = format!("<Blob>{}<Properties>", name_of(&blob.name));
    let headers = &blob.headers;
    let own = |value: &Option<String>| value.clone().unwrap_or_default();
    let pairs = [
        ("Creation-Time", http_date(blob.created)),
        ("Last-Modified", http_date(blob.modified)),
        ("Etag", blob.etag.clone()),
        ("Content-Length", blob.size().to_string()),
        ("Content-Type", own(&headers.content_type)),
        ("Content-Encoding", own(&headers.content_encoding)),
        ("Content-Language", own(&headers.content_language)),
        ("Content-CRC64", String::new()),
        ("Content-MD5", own(&headers.content_md5)),
        ("Cache-Control", own(&headers.cache_control)),
        ("Content-Disposition", own(&headers.content_disposition)),
        ("BlobType", blob.kind.name().to_owned()),
    ];
    for (name, value) in pairs {
        text.push_str(&element(name, &value));
    }
    if blob.kind == crate::storage::Kind::Block {
        text.push_str(&element(
            "AccessTier",
            blob.tier.as_deref().unwrap_or("Hot"),
        ));
        if blob.tier.is_none() {
            text.push_str("<AccessTierInferred>true</AccessTierInferred>");
        }
    }
    text.push_str("<LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>");
    if let Some(copy) = blob.copy.as_ref().filter(|_| page.includes("copy")) {
        let size = blob.size();
        for (name, value) in [
            ("CopyId", copy.id.clone()),
            ("CopySource", copy.source.clone()),
            ("CopyStatus", "success".to_owned()),
            ("CopyProgress", format!("{size}/{size}")),
            ("CopyCompletionTime", http_date(copy.completed)),
        ] {
            text.push_str(&element(name, &value));
        }
    }
    text.push_str("<ServerEncrypted>true</ServerEncrypted>");
    if !blob.tags.is_empty() {
        text.push_str(&element("TagCount", &blob.tags.len().to_string()));
    }
    text.push_str("</Properties>");
    if page.includes("metadata") {
        text.push_str(&metadata(&blob.metadata));
    }
    if page.includes("tags") && !blob.tags.is_empty() {
        text.push_str(&super::properties::tags_xml(&blob.tags));
    }
    text.push_str("<OrMetadata /></Blob>");
    text
}
