//! An access token: its secret, its times and its claims.

use crate::{
    facts::{Claims, Error, ErrorKind, Principal, Result},
    moment,
};
use secrecy::{ExposeSecret, SecretString};
use std::{
    fmt,
    ops::Deref,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};
use time::OffsetDateTime;

/// A bearer token. Clones share the secret. Dropping the last clone wipes it from memory. `Debug`
/// hides it.
#[derive(Clone)]
pub struct AccessToken(pub(crate) Arc<Handle>);

/// One shared reference to a token, with its own count of clones. Each count has its own cache
/// lines, so that processors that clone different handles don't wait for each other. 128 bytes: x86
/// fetches two lines of 64 together, and Apple's processors have lines of 128.
#[repr(align(128))]
pub(crate) struct Handle(Arc<TokenInner>);

impl Deref for Handle {
    type Target = TokenInner;

    fn deref(&self) -> &TokenInner {
        &self.0
    }
}

/// Each time has the type in which it is read most: every call compares `SystemTime`, and every
/// call of the official SDK reads `OffsetDateTime`.
pub(crate) struct TokenInner {
    secret: SecretString,
    ends: OffsetDateTime,
    refresh_on: SystemTime,
    /// From this time on the token is not returned: a request with it could arrive after its end.
    useless_from: SystemTime,
    /// The token can't be older than this. If the clock says so, it was set back, and the token's
    /// end means nothing.
    not_before: SystemTime,
    /// What the token's claims say of its principal, read when it is first wanted.
    principal: OnceLock<Option<Box<Principal>>>,
}

/// A token is refreshed this long before its end, unless the provider says otherwise.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);
/// Tokens that live longer than this are refreshed at half their life, as Entra ID's own
/// `refresh_in` does.
const LONG_LIFE: Duration = Duration::from_secs(2 * 60 * 60);

/// A token that ends sooner than this is not returned.
const USABLE: Duration = Duration::from_secs(10);
/// Ordinary corrections of a clock are smaller than this.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

impl TokenInner {
    /// Valid and not due for refresh.
    #[inline]
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        now < self.refresh_on && now < self.useless_from && self.not_before <= now
    }

    /// Valid, even if it is due for refresh.
    pub(crate) fn is_usable(&self, now: SystemTime) -> bool {
        now < self.useless_from && self.not_before <= now
    }

    /// When the token was obtained. A clock that shows an earlier time was set back.
    pub(crate) fn obtained(&self) -> SystemTime {
        self.not_before + CLOCK_SLACK
    }

    pub(crate) fn useless_from(&self) -> SystemTime {
        self.useless_from
    }
}

impl AccessToken {
    /// A token obtained at `now` that lives for `lifetime`. It is due for refresh after
    /// `refresh_in` if the provider said so.
    pub fn new(
        secret: impl Into<SecretString>,
        now: SystemTime,
        lifetime: Duration,
        refresh_in: Option<Duration>,
    ) -> Self {
        let refresh_in = refresh_in
            .filter(|after| *after < lifetime)
            .unwrap_or_else(|| {
                if lifetime > LONG_LIFE {
                    lifetime / 2
                } else {
                    lifetime.saturating_sub(REFRESH_AHEAD)
                }
            });
        Self::counted(Arc::new(TokenInner {
            secret: secret.into(),
            ends: moment::date(moment::after(now, lifetime)),
            refresh_on: moment::after(now, refresh_in),
            useless_from: moment::after(now, lifetime.saturating_sub(USABLE)),
            not_before: now
                .checked_sub(CLOCK_SLACK)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            principal: OnceLock::new(),
        }))
    }

    /// The same token with a separate count of clones.
    pub(crate) fn counted_apart(&self) -> Self {
        Self::counted(self.0.0.clone())
    }

    fn counted(inner: Arc<TokenInner>) -> Self {
        Self(Arc::new(Handle(inner)))
    }

    /// The token's text, for the header `Authorization: Bearer …`. Never show it.
    pub fn secret(&self) -> &str {
        self.0.secret.expose_secret()
    }

    /// When the token ends, in UTC, by this machine's clock.
    pub fn expires_on(&self) -> OffsetDateTime {
        self.0.ends
    }

    /// When the token should be refreshed, in UTC. It is valid until [`AccessToken::expires_on`].
    pub fn refresh_on(&self) -> OffsetDateTime {
        moment::date(self.0.refresh_on)
    }

    /// The token's claims, **not verified**: use them for display and diagnosis, never to decide
    /// about permissions.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the token is not a JWT. Providers may issue tokens of another
    /// form.
    pub fn unverified_claims(&self) -> Result<serde_json::Map<String, serde_json::Value>> {
        Ok(self.claims()?.into_map())
    }

    /// The principal that the token names, **not verified**, as its claims are. `None` if the token
    /// is not a JWT. All clones of a token share it.
    pub fn principal(&self) -> Option<&Principal> {
        let read = || {
            let claims = self.claims().ok()?;
            Some(Box::new(Principal::of(&claims)))
        };
        self.0.principal.get_or_init(read).as_deref()
    }

    fn claims(&self) -> Result<Claims<'static>> {
        Claims::of(self.secret()).ok_or_else(|| {
            Error::new(
                ErrorKind::Unexpected,
                "could not read the token's claims",
                "the token is not a JSON web token",
            )
        })
    }
}

impl Principal {
    /// The principal that a token names. **Not verified**, as its claims are.
    ///
    /// # Errors
    /// [`ErrorKind::Unexpected`] if the token is not a JWT.
    pub fn from_token(token: &AccessToken) -> Result<Self> {
        Ok(Self::of(&token.claims()?))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("secret", &"****")
            .field("expires_on", &self.expires_on())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seconds: u64, refresh_in: Option<u64>) -> Duration {
        let now = SystemTime::UNIX_EPOCH;
        let token = AccessToken::new(
            "t",
            now,
            Duration::from_secs(seconds),
            refresh_in.map(Duration::from_secs),
        );
        token.0.refresh_on.duration_since(now).unwrap()
    }

    #[test]
    fn a_token_is_refreshed_when_its_provider_says_or_before_its_end() {
        assert_eq!(lasting(3600, None).as_secs(), 3300);
        assert_eq!(lasting(86_400, None).as_secs(), 43_200);
        assert_eq!(lasting(86_400, Some(600)).as_secs(), 600);
        assert_eq!(
            lasting(100, None).as_secs(),
            0,
            "a short token is due at once, and still given out"
        );
        assert_eq!(
            lasting(3600, Some(9999)).as_secs(),
            3300,
            "a refresh after the end is nonsense"
        );
    }

    #[test]
    fn a_token_in_the_last_year_of_the_calendar_ends_with_it() {
        let day = Duration::from_secs(24 * 3600);
        let last = SystemTime::UNIX_EPOCH + moment::LAST;
        for now in [last - day / 48, last, last + day] {
            for lifetime in [day, Duration::MAX] {
                let token = AccessToken::new("t", now, lifetime, Some(day / 2));
                assert_eq!(token.expires_on().year(), 9999);
                assert_eq!(token.refresh_on().year(), 9999);
                assert_eq!(token.0.is_usable(now), now < last);
            }
        }
        let before = SystemTime::UNIX_EPOCH
            .checked_sub(day)
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let token = AccessToken::new("t", before, day * 2, None);
        assert_eq!(token.expires_on().year(), 1970);
    }

    #[test]
    fn clones_share_the_principal_and_a_token_that_is_no_jwt_has_none() {
        let lasts = Duration::from_secs(1);
        // {"alg":"none"} and {"oid":"o","idtyp":"app"}
        let text = "eyJhbGciOiJub25lIn0.eyJvaWQiOiJvIiwiaWR0eXAiOiJhcHAifQ.";
        let token = AccessToken::new(text, SystemTime::now(), lasts, None);
        let (clone, apart) = (token.clone(), token.counted_apart());
        let own = token.principal().unwrap();
        assert_eq!(Some(own), Principal::from_token(&token).as_ref().ok());
        for other in [clone, apart] {
            assert!(std::ptr::eq(own, other.principal().unwrap()));
        }
        let opaque = AccessToken::new("opaque", SystemTime::now(), lasts, None);
        assert_eq!(opaque.principal(), None);
    }

    #[test]
    fn debug_hides_the_token() {
        let token = AccessToken::new("canary", SystemTime::now(), Duration::from_secs(1), None);
        assert!(!format!("{token:?}").contains("canary"));
    }

    #[test]
    fn claims_are_read_from_a_jwt_and_from_nothing_else() {
        let make = |s: &str| AccessToken::new(s, SystemTime::now(), Duration::from_secs(1), None);
        // {"oid":"o"}
        let jwt = make("h.eyJvaWQiOiJvIn0.s");
        assert_eq!(jwt.unverified_claims().unwrap()["oid"], "o");
        assert_eq!(
            Principal::from_token(&jwt).unwrap().object_id.as_deref(),
            Some("o")
        );
        let opaque = make("opaque");
        assert!(opaque.unverified_claims().is_err() && Principal::from_token(&opaque).is_err());
    }
}
