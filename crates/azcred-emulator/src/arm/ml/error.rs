//! Azure Machine Learning's refusals. They have a form of their own: the code `UserError`, and the
//! real code in `additionalInfo`.

use crate::{
    arm::error::{ArmError, OwnForm},
    clock,
};
use http::StatusCode;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// A refusal of Azure Machine Learning, or one of Resource Manager.
#[derive(Debug)]
pub(super) enum MlError {
    /// Resource Manager's own form.
    Arm(Box<ArmError>),
    /// Azure Machine Learning's form.
    Problem(Box<Problem>),
    /// 404 without a body, for a compute.
    Nothing,
}

/// A refusal in Azure Machine Learning's form.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// One for each member that is wrong.
    details: Vec<Value>,
    /// The real codes, from the outer one to the inner one.
    inner: Vec<&'static str>,
    /// Whether the message's format is sent too.
    has_format: bool,
}

impl From<ArmError> for MlError {
    fn from(error: ArmError) -> Self {
        Self::Arm(Box::new(error))
    }
}

impl MlError {
    /// `UserError`, with these codes in `InnerError`.
    pub(super) fn user(
        status: StatusCode,
        inner: &[&'static str],
        message: impl Into<String>,
    ) -> Self {
        Self::problem(status, "UserError", inner, message)
    }

    /// 404 with `UserError`.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::user(StatusCode::NOT_FOUND, &["NotFound"], message)
    }

    /// A refusal with this code.
    pub(super) fn problem(
        status: StatusCode,
        code: &'static str,
        inner: &[&'static str],
        message: impl Into<String>,
    ) -> Self {
        Self::Problem(Box::new(Problem {
            status,
            code,
            message: message.into(),
            details: Vec::new(),
            inner: inner.to_vec(),
            has_format: false,
        }))
    }

    /// 400 for a body, with one message for each member that is wrong.
    pub(super) fn invalid(messages: &[String]) -> Self {
        let detail = |message: &String| {
            json!({
                "code": "RequestInvalid",
                "message": message,
                "details": [],
                "additionalInfo": [],
            })
        };
        Self::Problem(Box::new(Problem {
            status: StatusCode::BAD_REQUEST,
            code: "UserError",
            message: "Request is invalid and/or missing fields.".to_owned(),
            details: messages.iter().map(detail).collect(),
            inner: vec!["RequestInvalid"],
            has_format: true,
        }))
    }

    /// The refusal of a workspace in this region.
    pub(super) fn in_region(self, region: &str, now: OffsetDateTime) -> ArmError {
        match self {
            Self::Arm(error) => *error,
            Self::Nothing => ArmError {
                own: Some(Box::new(OwnForm {
                    is_empty: true,
                    ..OwnForm::default()
                })),
                ..ArmError::not_found("NotFound", "")
            },
            Self::Problem(problem) => problem.in_region(region, now),
        }
    }
}

impl Problem {
    fn in_region(self, region: &str, now: OffsetDateTime) -> ArmError {
        let info = |kind: &str, value: Value| json!({"type": kind, "info": {"value": value}});
        let operation = Uuid::new_v4().simple().to_string();
        let request = Uuid::new_v4().simple().to_string();
        let mut more = vec![
            info("ComponentName", "managementfrontend".into()),
            info(
                "Correlation",
                json!({"operation": operation, "request": request[..16]}),
            ),
            info("Environment", region.into()),
            info("Location", region.into()),
            info("Time", clock::ticks(now, "+00:00").into()),
        ];
        let inner = self.inner.iter().rev();
        let inner = inner.fold(
            Value::Null,
            |within, code| json!({"code": code, "innerError": within}),
        );
        if !inner.is_null() {
            more.push(info("InnerError", inner));
        }
        if self.has_format {
            more.push(info("MessageFormat", self.message.clone().into()));
        }
        let mut members = Map::new();
        members.insert("details".to_owned(), self.details.into());
        members.insert("additionalInfo".to_owned(), more.into());
        ArmError {
            own: Some(Box::new(OwnForm {
                members,
                ..OwnForm::default()
            })),
            ..ArmError::new(self.status, self.code, self.message)
        }
    }
}
