//! Azure AD Graph, which Microsoft retired in 2025: azureml-core still asks it who made a compute
//! instance, and goes on after this refusal.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::json;

/// Its host.
pub(super) const HOST: &str = "graph.windows.net";

/// The response to every request ('Azure AD Graph retirement').
pub(super) fn response() -> Response {
    let message = "Access blocked to AAD Graph API for this application. \
                   https://aka.ms/AzureADGraphMigration.";
    let error = json!({
        "odata.error": {
            "code": "Authentication_Unauthorized",
            "message": {"lang": "en", "value": message},
        },
    });
    (StatusCode::FORBIDDEN, axum::Json(error)).into_response()
}
