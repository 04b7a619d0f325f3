//! A person's sign-in at an OpenID provider or at Entra ID: the provider's document, the device
//! code, the tokens, and who they say signed in.

use crate::{
    input,
    machine::{answered, machine, options},
    oracle,
};
use azcred::{Cloud, Credential, DeviceCodeCredential, Scope, TokenRequest};
use std::time::Duration;

/// The first line is `openid` or `entra`. Responses follow, with `@{…}` for an encoded token.
pub(super) fn run(data: &[u8]) {
    let (provider, rest) = input::head(data);
    let mut options = options(machine());
    if provider == b"openid" {
        let cloud = Cloud::openid_provider("https://id.contoso.com").expect("an issuer");
        options = options.with_cloud(cloud);
    }
    let responses = input::responses(&input::with_tokens(rest));
    let credential = DeviceCodeCredential::new(options).expect("a credential");
    let credential = credential.with_timeout(Duration::from_secs(60));
    let request = TokenRequest::new(Scope::ARM);
    answered(responses, async {
        let signed_in = credential.sign_in(&request).await;
        oracle::outcome(&signed_in);
        if let Ok((_, account)) = &signed_in {
            oracle::shown(&account.who());
        }
        oracle::outcome(&credential.get_token(&request).await);
    });
}
