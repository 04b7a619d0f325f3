//! The future of a token.

use crate::{
    facts::{Error, ErrorKind, Result},
    token::AccessToken,
};
use futures_util::future::BoxFuture;
use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// The result of [`crate::Credential::get_token`]: ready, or a running request.
#[must_use = "a future does nothing until it is awaited"]
pub struct TokenFuture<'a>(FutureState<'a>);

enum FutureState<'a> {
    Ready(Option<Result<AccessToken>>),
    Pending(BoxFuture<'a, Result<AccessToken>>),
}

impl<'a> TokenFuture<'a> {
    /// A result that is ready. Allocates nothing.
    pub fn ready(answer: Result<AccessToken>) -> Self {
        Self(FutureState::Ready(Some(answer)))
    }

    /// The result if it is ready; otherwise the future, unchanged.
    pub fn try_ready(mut self) -> std::result::Result<Result<AccessToken>, Self> {
        match &mut self.0 {
            FutureState::Ready(answer) => answer.take().ok_or(self),
            FutureState::Pending(_) => Err(self),
        }
    }

    /// A result that a future returns.
    pub fn pending(future: impl Future<Output = Result<AccessToken>> + Send + 'a) -> Self {
        Self(FutureState::Pending(Box::pin(future)))
    }
}

impl Future for TokenFuture<'_> {
    type Output = Result<AccessToken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            FutureState::Ready(answer) => Poll::Ready(answer.take().unwrap_or_else(|| {
                Err(Error::new(
                    ErrorKind::Invalid,
                    "could not get a token",
                    "its future was polled after it had finished",
                ))
            })),
            FutureState::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for TokenFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            FutureState::Ready(_) => "TokenFuture::Ready",
            FutureState::Pending(_) => "TokenFuture::Pending",
        })
    }
}
