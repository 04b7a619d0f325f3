//! Proof Key for Code Exchange (RFC 7636): only the client that requested a code can redeem it.

use crate::{entra::refusal::Refusal, entra_state::Challenge};
use http::StatusCode;

/// Reads a request's challenge. The default method is `plain`.
///
/// # Errors
/// 501491 for a wrong size, 50149 for an unknown method.
pub(super) fn read(
    value: Option<&str>,
    method: Option<&str>,
) -> Result<Option<Challenge>, Refusal> {
    let method = match method {
        None | Some("plain") => Challenge::Plain,
        Some("S256") => Challenge::S256,
        Some(_) => {
            return Err(Refusal::invalid_request(
                50149,
                "Invalid Code_Challenge_method parameter.",
            ));
        }
    };
    let Some(value) = value else {
        return Ok(None);
    };
    // RFC 7636 section 4.2.
    if !(43..=128).contains(&value.len()) || !value.bytes().all(is_unreserved) {
        return Err(Refusal::invalid_request(
            501_491,
            "Invalid size of Code_Challenge parameter.",
        ));
    }
    Ok(Some(method(value.to_owned())))
}

/// Checks the verifier that came with a code against the challenge of the code's request.
///
/// # Errors
/// 501481 for a wrong verifier, 50148 if the verifier is missing, or if there is no challenge for
/// it.
pub(super) fn check(challenge: Option<&Challenge>, verifier: Option<&str>) -> Result<(), Refusal> {
    let refuse = |code, message: &str| {
        Err(Refusal::new(
            code,
            "invalid_grant",
            StatusCode::BAD_REQUEST,
            message,
        ))
    };
    match (challenge, verifier) {
        (None, None) => Ok(()),
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => Ok(()),
        (Some(_), Some(_)) => refuse(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ),
        // RFC 9700 section 4.8.2: a verifier without a challenge may mean that an attacker removed
        // the challenge.
        (Some(_), None) | (None, Some(_)) => refuse(
            50148,
            "The code_verifier does not match the code_challenge supplied in the authorization request for PKCE.",
        ),
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn challenge(value: &str, method: Option<&str>) -> Option<Challenge> {
        read(Some(value), method).unwrap()
    }

    #[test]
    fn only_the_verifier_of_a_challenge_is_accepted() {
        let code = |challenge: &Option<Challenge>, verifier| {
            check(challenge.as_ref(), verifier).map_err(|refusal| refusal.code)
        };
        let hashed = challenge(CHALLENGE, Some("S256"));
        assert_eq!(code(&hashed, Some(VERIFIER)), Ok(()));
        assert_eq!(code(&hashed, Some(CHALLENGE)), Err(501_481));
        assert_eq!(code(&hashed, None), Err(50148));
        for plain in [
            challenge(VERIFIER, Some("plain")),
            challenge(VERIFIER, None),
        ] {
            assert_eq!(code(&plain, Some(VERIFIER)), Ok(()));
            assert_eq!(code(&plain, Some("another")), Err(501_481));
            assert_eq!(code(&plain, None), Err(50148));
        }
        assert_eq!(code(&None, None), Ok(()));
        assert_eq!(code(&None, Some(VERIFIER)), Err(50148));
    }

    #[test]
    fn a_challenge_with_a_wrong_size_or_method_is_rejected() {
        let code = |value: &str, method| read(Some(value), method).unwrap_err().code;
        assert_eq!(code(&CHALLENGE[1..], Some("S256")), 501_491);
        assert_eq!(code(&"a".repeat(129), None), 501_491);
        assert_eq!(code(&"=".repeat(43), None), 501_491);
        assert_eq!(code(CHALLENGE, Some("s256")), 50149);
        assert_eq!(read(None, Some("S256")).unwrap(), None);
    }
}
