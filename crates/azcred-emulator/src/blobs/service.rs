//! The account: its settings, what it is, and keys for user delegation.

use super::{
    access::{Access, account},
    answer::Answer,
    body,
    call::Call,
    error::BlobError,
    xml::{element, leaves},
};
use crate::{
    storage::{Delegate, DelegationKey, parse_time},
    world::World,
};
use axum::body::Body;
use http::StatusCode;
use time::Duration;

/// The longest life of a key ("Get User Delegation Key").
const LONGEST: Duration = Duration::days(7);

/// The settings of a new account.
pub(super) fn properties() -> Answer {
    let none = "<RetentionPolicy><Enabled>false</Enabled></RetentionPolicy>";
    let off = format!("<Version>1.0</Version><Enabled>false</Enabled>{none}");
    let text = format!(
        "<StorageServiceProperties>\
         <Logging><Version>1.0</Version><Read>false</Read><Write>false</Write><Delete>false</Delete>{none}</Logging>\
         <HourMetrics>{off}</HourMetrics><MinuteMetrics>{off}</MinuteMetrics><Cors />\
         <DeleteRetentionPolicy><Enabled>false</Enabled></DeleteRetentionPolicy>\
         <StaticWebsite><Enabled>false</Enabled></StaticWebsite></StorageServiceProperties>"
    );
    Answer::xml(StatusCode::OK, &text)
}

/// What the account is.
pub(super) fn account_info(world: &World, call: &Call) -> Result<Answer, BlobError> {
    let resources = world.resources();
    let account = account(&resources, call)?.0;
    let sku = account.sku.as_ref().map_or("Standard_LRS", |sku| &sku.name);
    let kind = account.kind.as_deref().unwrap_or("StorageV2");
    Ok(Answer::new(StatusCode::OK)
        .with("x-ms-sku-name", sku)
        .with("x-ms-account-kind", kind)
        .with("x-ms-is-hns-enabled", "false"))
}

/// A key with which the caller can sign. The same request gets the same key.
pub(super) async fn delegation_key(
    world: &World,
    call: &Call,
    access: &Access,
    body: &mut Body,
) -> Result<Answer, BlobError> {
    let document = leaves(&body::document(body).await?)?;
    let value = |name: &str| {
        let path = format!("KeyInfo/{name}");
        let found = document.iter().find(|(known, _)| *known == path);
        found.map_or("", |(_, value)| value.as_str())
    };
    let invalid = |name: &str, value: &str, reason: &str| {
        BlobError::bad(
            "InvalidXmlNodeValue",
            "The value for one of the XML nodes is not in the correct format.",
        )
        .detail("XmlNodeName", name)
        .detail("XmlNodeValue", value)
        .detail("Reason", reason)
    };
    let time = |name: &str| {
        let text = value(name);
        parse_time(text).ok_or_else(|| invalid(name, text, "It is not a date."))
    };
    let expiry = time("Expiry")?;
    let start = match value("Start") {
        "" => call.now,
        _ => time("Start")?,
    };
    if expiry <= start.max(call.now) {
        let reason = "The expiry is before the start, or in the past.";
        return Err(invalid("Expiry", value("Expiry"), reason));
    }
    if expiry - call.now > LONGEST + Duration::minutes(15) {
        let reason = "The expiry is more than 7 days ahead.";
        return Err(invalid("Expiry", value("Expiry"), reason));
    }
    let Some((object_id, tenant)) = access.principal else {
        return Err(BlobError::authorization_failure());
    };
    let delegate = Delegate { object_id, tenant };
    let version = call.header("x-ms-version").unwrap_or_default();
    let key = DelegationKey::between(delegate, start, expiry, version);
    let secret = world.storage().keys(&call.account)?.delegation_value(&key);
    let text = [
        ("SignedOid", object_id.to_string()),
        ("SignedTid", tenant.to_string()),
        ("SignedStart", key.start),
        ("SignedExpiry", key.expiry),
        ("SignedService", key.service),
        ("SignedVersion", key.version),
        ("Value", secret),
    ]
    .map(|(name, value)| element(name, &value))
    .concat();
    let text = format!("<UserDelegationKey>{text}</UserDelegationKey>");
    Ok(Answer::xml(StatusCode::OK, &text))
}
