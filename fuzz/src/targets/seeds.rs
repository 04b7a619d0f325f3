//! Seeds and state files of the emulator, and its pages and lists of what is in them.

use crate::{input, machine::answered, oracle};
use azcred_emulator::{Seed, fuzz::Local};
use http::Request;

/// A line with `seed` or `created`, then the TOML of a seed or the JSON of a state file.
pub(super) fn run(data: &[u8]) {
    let (kind, rest) = input::head(data);
    let started = match kind {
        b"seed" => {
            let seed = Seed::Text {
                name: "seed.toml".to_owned(),
                text: input::text(rest),
            };
            Local::start(&seed, None)
        }
        b"created" => Local::start(&Seed::Default, Some(rest)),
        _ => return,
    };
    match started {
        Err(error) => oracle::is_printable(&error),
        Ok(local) => answered(Vec::new(), show(&local)),
    }
}

/// Requests what shows names of the seed.
async fn show(local: &Local) {
    let client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
    let sign_in = format!(
        "/organizations/oauth2/v2.0/authorize?client_id={client}&response_type=code&scope=openid\
         &redirect_uri=http%3A%2F%2Flocalhost%3A1&prompt=select_account"
    );
    for (to, path) in [
        (
            "login",
            "/organizations/v2.0/.well-known/openid-configuration",
        ),
        ("login", sign_in.as_str()),
        ("login", "/common/oauth2/deviceauth"),
        ("arm", "/metadata/endpoints?api-version=2022-09-01"),
        ("arm", "/subscriptions?api-version=2022-12-01"),
        ("graph", "/v1.0/users"),
        (
            "imds",
            "/metadata/identity/oauth2/token?resource=https%3A%2F%2Fmanagement.azure.com&api-version=2018-02-01",
        ),
    ] {
        let request = Request::get(path)
            .header("host", "localhost")
            .header("metadata", "true")
            .body(Vec::new())
            .expect("a request");
        if let Some(response) = local.send(to, request).await {
            super::emulator::check(&response);
        }
    }
}
