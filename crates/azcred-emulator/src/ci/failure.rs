//! Errors of Azure DevOps, and of GitHub Actions, whose service for jobs has the same format.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::json;

/// An error with the type by which clients tell errors apart.
pub(super) fn failure(status: StatusCode, kind: &str, message: &str) -> Response {
    let body = json!({
        "$id": "1",
        "innerException": null,
        "message": message,
        "typeName": format!("Microsoft.TeamFoundation.Framework.Server.{kind}, Microsoft.TeamFoundation.Framework.Server"),
        "typeKey": kind,
        "errorCode": 0,
        "eventId": 3000,
    });
    (status, Json(body)).into_response()
}

/// The job's token is missing or wrong.
pub(super) fn unauthorized() -> Response {
    let message = "TF400813: The user '' is not authorized to access this resource.";
    let mut response = failure(
        StatusCode::UNAUTHORIZED,
        "UnauthorizedRequestException",
        message,
    );
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        http::HeaderValue::from_static("Bearer"),
    );
    response
}

/// The method is not the one that the path supports.
pub(super) fn wrong_method(method: &http::Method) -> Response {
    let message = format!("The requested resource does not support http method '{method}'.");
    (
        StatusCode::METHOD_NOT_ALLOWED,
        Json(json!({"count": 1, "value": {"Message": message}})),
    )
        .into_response()
}

/// The emulator could not sign the token.
pub(super) fn unavailable() -> Response {
    failure(
        StatusCode::SERVICE_UNAVAILABLE,
        "ServiceUnavailableException",
        "TF400733: The token could not be signed.",
    )
}
