//! What all sources have in common: a check, a request, and a cache.

use super::Availability;
#[cfg(feature = "azure_core")]
use crate::azure_core::Requests;
use crate::{
    cache::MemoryCache,
    facts::Result,
    request::TokenRequest,
    system::{SharedSystem, System},
    token::AccessToken,
    token_future::TokenFuture,
};
use futures_util::future::BoxFuture;
use std::{fmt, sync::Arc};

/// A source of tokens without a cache. The credential or the chain that uses it has one.
pub(crate) trait TokenSource: Send + Sync + fmt::Debug + 'static {
    /// The credential's name, such as `AzureCliCredential`.
    fn name(&self) -> &'static str;

    /// See [`super::Credential::prepare`].
    fn look(&self, system: &dyn System) -> Availability;

    /// Requests a token, with the promises of [`super::Credential::get_token`]: cancel-safe and
    /// within the deadline.
    fn fetch(self: Arc<Self>, request: TokenRequest) -> BoxFuture<'static, Result<AccessToken>>;
}

/// A source with a cache of its tokens.
pub(crate) struct Kept<S: ?Sized> {
    cache: MemoryCache,
    #[cfg(feature = "azure_core")]
    official: Requests,
    source: Arc<S>,
}

impl<S: TokenSource + ?Sized> Kept<S> {
    pub(crate) fn new(source: Arc<S>, system: SharedSystem) -> Self {
        Self {
            cache: MemoryCache::new(system),
            #[cfg(feature = "azure_core")]
            official: Requests::default(),
            source,
        }
    }

    pub(crate) fn source(&self) -> &Arc<S> {
        &self.source
    }

    pub(crate) fn look(&self) -> Availability {
        self.source.look(&**self.cache.system())
    }

    #[cfg(feature = "azure_core")]
    pub(crate) fn official(&self) -> &Requests {
        &self.official
    }

    pub(crate) fn get_token<'a>(&'a self, request: &'a TokenRequest) -> TokenFuture<'a> {
        self.cache
            .get(request, |request| self.source.clone().fetch(request))
    }
}

impl<S: TokenSource + Clone> Kept<S> {
    /// The same source with a change and an empty cache.
    pub(crate) fn changed(&self, change: impl FnOnce(&mut S)) -> Self {
        let mut source = S::clone(&self.source);
        change(&mut source);
        Self::new(Arc::new(source), self.cache.system().clone())
    }
}

impl<S: ?Sized + fmt::Debug> fmt::Debug for Kept<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

/// Makes a tuple struct around a [`Kept`] source a public credential, also of the official SDK.
macro_rules! credential {
    ($name:ident) => {
        impl $name {
            /// The source without its cache, for callers with their own.
            #[allow(dead_code, reason = "not every one is a part of another")]
            pub(crate) fn into_source(
                self,
            ) -> ::std::sync::Arc<dyn $crate::credential::source::TokenSource> {
                self.0.source().clone()
            }
        }

        impl $crate::credential::Credential for $name {
            fn name(&self) -> &'static str {
                $crate::credential::source::TokenSource::name(&**self.0.source())
            }

            fn prepare(&self) -> $crate::credential::Availability {
                self.0.look()
            }

            fn get_token<'a>(
                &'a self,
                request: &'a $crate::request::TokenRequest,
            ) -> $crate::token_future::TokenFuture<'a> {
                self.0.get_token(request)
            }
        }

        #[cfg(feature = "azure_core")]
        $crate::azure_core::token_credential!($name, |credential| {
            (credential.0.official(), credential)
        });

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}
pub(crate) use credential;
