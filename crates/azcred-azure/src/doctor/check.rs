//! The contract of a check.

use super::{case::Case, checks::CheckId, report::Verdict};
use futures_util::future::BoxFuture;
use std::future::Future;

/// A check: what it needs, what it requests, its outcomes, and their words.
pub(super) trait Check: Send + Sync {
    /// The ways in which the check can end, as values.
    type Outcome: Send;

    /// The name, as the report shows it.
    fn title(&self) -> &'static str;

    /// The checks that have to pass before this one has a meaning. They come before it in the list.
    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn]
    }

    /// Determines the outcome. `None` if something that the check needs is missing: then an earlier
    /// check has failed, and this one is skipped.
    fn examine(&self, case: &Case<'_>) -> impl Future<Output = Option<Self::Outcome>> + Send;

    /// The words for an outcome. No other place has them.
    fn tell(&self, outcome: Self::Outcome, case: &Case<'_>) -> Verdict;
}

/// A check of any type, for the list of checks.
pub(super) trait AnyCheck: Send + Sync {
    fn title(&self) -> &'static str;
    fn needs(&self) -> &'static [CheckId];
    fn run<'a>(&'a self, case: &'a Case<'_>) -> BoxFuture<'a, Option<Verdict>>;
}

impl<C: Check> AnyCheck for C {
    fn title(&self) -> &'static str {
        Check::title(self)
    }

    fn needs(&self) -> &'static [CheckId] {
        Check::needs(self)
    }

    fn run<'a>(&'a self, case: &'a Case<'_>) -> BoxFuture<'a, Option<Verdict>> {
        Box::pin(async move {
            let outcome = self.examine(case).await?;
            Some(self.tell(outcome, case))
        })
    }
}
