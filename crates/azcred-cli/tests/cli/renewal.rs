//! A refresh token with one use, and Ctrl-C while it is being redeemed.

use crate::{
    authority::{Authority, Received, response},
    run::{Run, azcred, end},
    terminal::Terminal,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

const TENANT: &str = "0c0ffee0-0000-4000-8000-000000000000";
/// No step takes longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

/// A provider for one user, who enters every code at once. Each refresh token has one use.
struct Provider {
    /// The number of the valid refresh token.
    good: Mutex<u32>,
    /// Signals that a refresh token has come, and waits before it responds.
    hold: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

impl Provider {
    fn answer(&self, request: &Received) -> Vec<u8> {
        let ok = |body: Value| response("200 OK", "", &body.to_string());
        if request.line.contains("/devicecode") {
            return ok(
                json!({"device_code": "d", "user_code": "ABCD-1234", "expires_in": 900, "interval": 1,
                "verification_uri": "https://microsoft.com/devicelogin"}),
            );
        }
        let mut good = self.good.lock().unwrap();
        if let Some(token) = request.field("refresh_token") {
            if token != format!("refresh-{good}") {
                let body = json!({"error": "invalid_grant", "error_codes": [70_000],
                    "error_description": "AADSTS70000: It was used before."});
                return response("400 Bad Request", "", &body.to_string());
            }
            if let Some((has_come, answers)) = self.hold.lock().unwrap().take() {
                has_come.send(()).unwrap();
                answers.recv_timeout(PATIENCE).unwrap();
            }
        }
        *good += 1;
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let claims = json!({"iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": request.field("client_id"),
            "exp": 9_999_999_999_u64, "sub": "s", "oid": "o", "tid": TENANT});
        ok(
            json!({"token_type": "Bearer", "expires_in": 3600, "access_token": "t", "refresh_token": format!("refresh-{good}"),
            "id_token": format!("{}.{}.s", part(json!({"alg": "RS256"})), part(claims)),
            "client_info": part(json!({"uid": "o", "utid": TENANT}))}),
        )
    }
}

#[test]
fn ctrl_c_does_not_lose_a_sign_in_with_one_time_refresh_tokens() {
    let (tells, has_come) = channel();
    let (answers, answered) = channel();
    let provider = Provider {
        good: Mutex::default(),
        hold: Mutex::new(Some((tells, answered))),
    };
    let authority = Authority::answering(move |request| provider.answer(request));
    let home = tempfile::tempdir().expect("a folder");
    let token = |scope: &str, source: &str| -> Run {
        azcred(&["token", "--only", source, "--scope", scope])
            .env("AZURE_AUTHORITY_HOST", &authority.url())
            .env("HOME", &home.path().display().to_string())
    };
    let terminal = Terminal::new(80, 24);
    let said = end(terminal.start(token("https://a.example/.default", "device-code")));
    assert_eq!(said.code, 0, "{said}\n{}", terminal.rest());

    let asking = token("https://b.example/.default", "azcred").start();
    has_come.recv_timeout(PATIENCE).expect("it is asked for");
    let pid = rustix::process::Pid::from_child(&asking);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    answers.send(()).expect("it waits");
    let said = end(asking);
    assert_eq!((said.code, said.stdout.as_str()), (130, ""), "{said}");

    let said = token("https://c.example/.default", "azcred").said();
    assert_eq!(said.code, 0, "{said}");
}
