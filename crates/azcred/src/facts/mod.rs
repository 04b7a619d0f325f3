//! Facts as values: errors and their fixes, names of sources and presets, principals, what a source
//! used, the report of a chain.
//!
//! This is the lowest part. It imports no other part but [`crate::redact`], and makes no request.

mod claims;
mod error;
mod fix;
mod preset;
mod principal;
mod report;
mod source;
mod subject_form;
mod used;

pub(crate) use claims::{Claims, WEB_TOKEN_LIMIT, is_web_token};
pub use error::{Error, ErrorKind, Refusal, Result};
pub use fix::{Fix, GrantRole, SignIn, SignInWay, TrustToken, Variable};
pub use preset::{AfterFailure, Preset};
pub use principal::{Principal, PrincipalKind, Proof};
pub use report::{Attempt, Report, Skipped, Verdict};
pub use source::Source;
pub use subject_form::SubjectForm;
pub use used::{Evidence, PassedOver, ToolFiles, Used, UsedKind};
