//! What a check is.

use super::{case::Case, checks::CheckId, report::Verdict};
use futures_util::future::BoxFuture;
use std::future::Future;

/// One check: what it needs, what it requests, how it can end, and the words for that.
pub(super) trait Check: Send + Sync {
    /// How it can end, as values.
    type Outcome: Send;

    /// Its name for people.
    fn title(&self) -> &'static str;

    /// The checks that have to pass for this one to mean anything. They come before it in the list.
    fn needs(&self) -> &'static [CheckId] {
        &[CheckId::SignIn]
    }

    /// Finds out how it ends. `None` where something that it needs is not there: then the check
    /// that should have found it has failed, and this one is skipped.
    fn examine(&self, case: &Case<'_>) -> impl Future<Output = Option<Self::Outcome>> + Send;

    /// The words for an outcome: the only place where they are.
    fn tell(&self, outcome: Self::Outcome, case: &Case<'_>) -> Verdict;
}

/// A check of any kind, as the list holds it.
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
