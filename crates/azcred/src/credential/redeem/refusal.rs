//! What the rejection of a refresh token means: whether the person has to be asked, and whether the
//! token is still valid.

use crate::{
    entra::{Meaning, OfRefreshToken, explain},
    facts::{Error, ErrorKind},
};

/// The consequence of a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// The sign-in has ended; the refresh token is useless.
    Ended,
    /// The person has to sign in again or prove more for this request; the refresh token stays
    /// valid for others.
    AskPerson,
    /// The application is not in the family of the refresh token.
    NotOfFamily,
    /// The requested tenant does not know the account.
    NotInTenant,
    /// Another sign-in would have the same result.
    Nothing,
}

pub(super) fn follows(error: &Error) -> Follows {
    let Some(refusal) = error
        .refusal()
        .filter(|_| error.kind() == ErrorKind::Refused)
    else {
        return Follows::Nothing;
    };
    let says = refusal.code.and_then(explain);
    let says = says.map_or(OfRefreshToken::NotSaid, Meaning::of_refresh_token);
    if refusal.suberror.as_deref() == Some("client_mismatch") {
        return Follows::NotOfFamily;
    }
    match says {
        OfRefreshToken::NotInTenant => return Follows::NotInTenant,
        OfRefreshToken::NotByPerson => return Follows::Nothing,
        OfRefreshToken::NotSaid | OfRefreshToken::Ended | OfRefreshToken::TooOld => {}
    }
    if refusal.claims.is_some() || says == OfRefreshToken::TooOld {
        return Follows::AskPerson;
    }
    // As MSAL reads them ('Handle errors and exceptions in MSAL', classification).
    match refusal.suberror.as_deref() {
        Some("message_only") => return Follows::Nothing,
        Some("basic_action" | "additional_action" | "consent_required") => {
            return Follows::AskPerson;
        }
        Some("bad_token" | "token_expired") => return Follows::Ended,
        _ => {}
    }
    match refusal.error.as_str() {
        // RFC 6749 section 5.2: the refresh token is 'invalid, expired, revoked'. Entra ID also
        // uses this error for a missing second factor; its codes distinguish the two.
        "invalid_grant" if refusal.code.is_none() || says == OfRefreshToken::Ended => {
            Follows::Ended
        }
        // OpenID Connect Core 1.0 section 3.1.2.6; Entra ID also returns these errors from this
        // endpoint.
        "invalid_grant"
        | "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => Follows::AskPerson,
        _ => Follows::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Refusal;

    fn refused(error: &str, code: Option<u32>) -> Refusal {
        Refusal {
            status: 400,
            error: error.into(),
            code,
            ..Refusal::default()
        }
    }

    fn of(refusal: Refusal) -> Follows {
        follows(&Error::new(ErrorKind::Refused, "a", "b").with_refusal(refusal))
    }

    #[test]
    fn a_revoked_token_has_ended_and_a_missing_factor_needs_the_person() {
        for code in [50_173, 70_008, 700_082, 700_084] {
            assert_eq!(of(refused("invalid_grant", Some(code))), Follows::Ended);
        }
        for code in [50_076, 50_079, 50_078, 50_158, 65_001, 50_074] {
            assert_eq!(
                of(refused("invalid_grant", Some(code))),
                Follows::AskPerson,
                "{code}"
            );
        }
        assert_eq!(of(refused("invalid_grant", None)), Follows::Ended);
        assert_eq!(
            of(refused("interaction_required", None)),
            Follows::AskPerson
        );
    }

    #[test]
    fn the_person_is_not_asked_for_what_they_can_not_change() {
        for (error, code) in [
            ("invalid_grant", Some(53_003)),
            ("interaction_required", Some(53_000)),
            ("invalid_grant", Some(50_105)),
            ("invalid_client", Some(7_000_218)),
            ("invalid_scope", Some(70_011)),
            ("unauthorized_client", None),
        ] {
            assert_eq!(
                of(refused(error, code)),
                Follows::Nothing,
                "{error} {code:?}"
            );
        }
        let passing = Error::new(ErrorKind::Unreachable, "a", "b")
            .with_refusal(refused("invalid_grant", None));
        assert_eq!(follows(&passing), Follows::Nothing);
    }

    #[test]
    fn an_application_outside_the_family_differs_from_an_account_outside_the_tenant() {
        let stranger = Refusal {
            suberror: Some("client_mismatch".into()),
            ..refused("invalid_grant", Some(70_000))
        };
        assert_eq!(of(stranger), Follows::NotOfFamily);
        let told = |suberror: &str| Refusal {
            suberror: Some(suberror.into()),
            ..refused("invalid_grant", Some(1))
        };
        assert_eq!(of(told("message_only")), Follows::Nothing);
        assert_eq!(of(told("bad_token")), Follows::Ended);
        assert_eq!(of(told("basic_action")), Follows::AskPerson);
        assert_eq!(
            of(refused("invalid_grant", Some(50_020))),
            Follows::NotInTenant
        );
    }

    #[test]
    fn a_sign_in_that_is_too_old_for_one_resource_stays_good_for_others() {
        let too_old = Refusal {
            suberror: Some("token_expired".into()),
            ..refused("invalid_grant", Some(70_043))
        };
        assert_eq!(of(too_old), Follows::AskPerson);
    }

    #[test]
    fn a_claims_challenge_is_the_persons_to_answer() {
        let challenge = Refusal {
            claims: Some("{}".into()),
            ..refused("invalid_client", None)
        };
        assert_eq!(of(challenge), Follows::AskPerson);
    }
}
