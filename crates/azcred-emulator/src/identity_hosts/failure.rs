//! Each host's response for an error status of a fault.

use crate::{
    identity_hosts::{imds, ml_compute, service_fabric},
    service::Service,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::json;
use uuid::Uuid;

/// The response of Docker Desktop's proxy, which can't reach IMDS: the only 403 from that address.
const DOCKER_DESKTOP: &str = "connecting to 169.254.169.254:80: connecting to 169.254.169.254:80: dial tcp \
                              169.254.169.254:80: connectex: A socket operation was attempted to an unreachable network.";

/// A host's response with this status.
pub(crate) fn failure(host: Service, status: StatusCode) -> Response {
    let (code, message) = match status.as_u16() {
        404 => ("not_found", "Resource not found"),
        410 => (
            "gone",
            "The resource is being updated, try again in a while",
        ),
        429 => ("too_many_requests", "Too many requests"),
        500.. => (
            "internal_error",
            "Failed to retrieve token from the upstream service",
        ),
        _ => (
            "invalid_request",
            "A fault of the emulator rejected the request",
        ),
    };
    match host {
        Service::Imds if status == StatusCode::FORBIDDEN => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (status, headers, DOCKER_DESKTOP).into_response()
        }
        Service::MlCompute => ml_compute::error(status),
        Service::AppService => {
            let body = json!({
                "statusCode": status.as_u16(),
                "message": message,
                "correlationId": Uuid::new_v4(),
            });
            (status, Json(body)).into_response()
        }
        Service::ServiceFabric | Service::CloudShell => {
            service_fabric::error(status, code, message)
        }
        _ => imds::error(status, code, message),
    }
}
