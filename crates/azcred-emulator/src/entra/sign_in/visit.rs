//! The endpoints for browsers: a request for a code, a posted page, the page for user codes,
//! sign-out.

use crate::{
    directory::Directory,
    entra::{
        exchange::Exchange,
        form::Form,
        refusal::Refusal,
        sign_in::{
            browser::Browser,
            finish, pages,
            posted::{self, Next},
            request::{AuthorizationRequest, Failure},
            respond,
            step::{self, Step},
            transaction::{Purpose, Transaction},
        },
        version::Version,
    },
    world::World,
};
use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    response::Response,
};
use http::{HeaderMap, StatusCode, header};
use std::sync::Arc;
use uuid::Uuid;

/// `/{tenant}/oauth2/authorize`, by GET or POST.
pub(in crate::entra) async fn authorize_v1(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parameters = parameters(query, &headers, &body);
    authorize(
        &world,
        exchange,
        &headers,
        &tenant,
        Version::V1,
        &parameters,
    )
}

/// `/{tenant}/oauth2/v2.0/authorize`, by GET or POST.
pub(in crate::entra) async fn authorize_v2(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    exchange: Exchange,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parameters = parameters(query, &headers, &body);
    authorize(
        &world,
        exchange,
        &headers,
        &tenant,
        Version::V2,
        &parameters,
    )
}

/// OpenID Connect Core section 3.1.2.1: by GET in the query, by POST in a form.
fn parameters(query: Option<String>, headers: &HeaderMap, body: &Bytes) -> Vec<u8> {
    match is_form(headers) && !body.is_empty() {
        true => body.to_vec(),
        false => query.unwrap_or_default().into_bytes(),
    }
}

fn authorize(
    world: &World,
    mut exchange: Exchange,
    headers: &HeaderMap,
    segment: &str,
    version: Version,
    parameters: &[u8],
) -> Response {
    // A program can't add a header to a browser's request, so its id is a parameter.
    let id = url::form_urlencoded::parse(parameters).find(|(name, _)| name == "client-request-id");
    if let Some(id) = id.and_then(|(_, id)| Uuid::try_parse(&id).ok()) {
        exchange.correlation_id = id;
    }
    let directory = world.directory();
    let Some(browser) = browser(world, &directory, &exchange, headers) else {
        return pages::refused(&exchange, &Refusal::unavailable(), None);
    };
    let read = AuthorizationRequest::read(&directory, segment, version, parameters);
    let transaction = match read {
        Ok((client, request)) => {
            let purpose = Purpose::Code(Box::new(request));
            Transaction::begin(&browser, &exchange, segment, client, purpose)
        }
        Err(Failure::Page(refusal)) => return pages::refused(&exchange, &refusal, None),
        Err(Failure::Answer(answer)) => {
            let (back, refusal) = *answer;
            return back.refuse(&exchange, &refusal);
        }
    };
    show(world, &directory, &exchange, &browser, &transaction)
}

/// `GET /common/reprocess`: the next page after a posted form.
pub(in crate::entra) async fn reprocess(
    State(world): State<Arc<World>>,
    mut exchange: Exchange,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let directory = world.directory();
    let Some(browser) = browser(&world, &directory, &exchange, &headers) else {
        return pages::refused(&exchange, &Refusal::unavailable(), None);
    };
    let query = query.unwrap_or_default();
    let form = match Form::read(query.as_bytes()) {
        Ok(form) => form,
        Err(refusal) => return pages::refused(&exchange, &refusal, None),
    };
    match Transaction::open(&directory, &browser, &mut exchange, form.get("ctx")) {
        Ok(transaction) => show(&world, &directory, &exchange, &browser, &transaction),
        Err(refusal) => pages::refused(&exchange, &refusal, None),
    }
}

/// `POST /common/login`: what a user entered on a page.
pub(in crate::entra) async fn login(
    State(world): State<Arc<World>>,
    mut exchange: Exchange,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let directory = world.directory();
    let Some(mut browser) = browser(&world, &directory, &exchange, &headers) else {
        return pages::refused(&exchange, &Refusal::unavailable(), None);
    };
    let form = Form::read(if is_form(&headers) { &body } else { &[] });
    let opened = form.and_then(|form| {
        let ctx = form.get("ctx");
        let transaction = Transaction::open(&directory, &browser, &mut exchange, ctx)?;
        Ok((form, transaction))
    });
    let (form, mut transaction) = match opened {
        Ok(opened) => opened,
        Err(refusal) => return pages::refused(&exchange, &refusal, None),
    };
    // The input may be a consent, which changes the directory.
    drop(directory);
    let next = posted::take(&world, &exchange, &mut browser, &mut transaction, &form);
    let directory = world.directory();
    let mut response = match next {
        Next::GoOn => match transaction.seal(&directory) {
            // The next page is loaded by GET, so that 'back' and 'reload' in the browser work as
            // usual.
            Some(ctx) => respond::redirect(&exchange, &format!("/common/reprocess?ctx={ctx}")),
            None => pages::refused(&exchange, &Refusal::unavailable(), None),
        },
        Next::GiveUp(refusal) => {
            finish::give_up(&world, &directory, &exchange, &transaction, &refusal)
        }
    };
    if response.status() == StatusCode::FOUND {
        // The browser must not post the form again to the next URL (RFC 9110 section 15.4.4).
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    browser.add_headers(&directory, &mut response);
    response
}

/// `GET /common/oauth2/deviceauth`: the page for a user code. The parameter `otc` fills it in.
pub(in crate::entra) async fn device(
    State(world): State<Arc<World>>,
    exchange: Exchange,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let directory = world.directory();
    let Some(browser) = browser(&world, &directory, &exchange, &headers) else {
        return pages::refused(&exchange, &Refusal::unavailable(), None);
    };
    let purpose = Purpose::Device {
        user_code: String::new(),
        scope: String::new(),
        claims: None,
    };
    let transaction = Transaction::begin(&browser, &exchange, "common", Uuid::nil(), purpose);
    let query = query.unwrap_or_default();
    let code = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "otc")
        .map(|(_, code)| code.into_owned());
    let mut response = match transaction.seal(&directory) {
        Some(ctx) => pages::code(&exchange, &ctx, code.as_deref(), None),
        None => pages::refused(&exchange, &Refusal::unavailable(), None),
    };
    browser.add_headers(&directory, &mut response);
    response
}

/// `GET /devicelogin` of `microsoft.com`: redirects to the sign-in service.
pub(in crate::entra) async fn device_login(
    State(world): State<Arc<World>>,
    exchange: Exchange,
    RawQuery(query): RawQuery,
) -> Response {
    let login = match &exchange.entrance.real_name {
        Some(_) => format!("https://{}", exchange.cloud().login_host()),
        None => exchange.login_url(&world),
    };
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    respond::redirect(
        &exchange,
        &format!("{login}/common/oauth2/deviceauth{query}"),
    )
}

/// `/{tenant}/oauth2/v2.0/logout`: signs out all accounts of this browser.
///
/// 'Single sign-out' of OpenID Connect: the browser is redirected to `post_logout_redirect_uri` if
/// the program has registered it. `id_token_hint` or `client_id` names the program.
pub(in crate::entra) async fn logout(
    State(world): State<Arc<World>>,
    exchange: Exchange,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let directory = world.directory();
    let Some(mut browser) = browser(&world, &directory, &exchange, &headers) else {
        return pages::refused(&exchange, &Refusal::unavailable(), None);
    };
    let parameters = parameters(query, &headers, &body);
    let form = match Form::read(&parameters) {
        Ok(form) => form,
        Err(refusal) => return pages::refused(&exchange, &refusal, None),
    };
    browser.sign_out();
    let mut response = match finish::after_logout(&directory, &form) {
        Some(to) => respond::redirect(&exchange, &to),
        None => pages::signed_out(&exchange),
    };
    browser.add_headers(&directory, &mut response);
    response
}

/// `/common/oauth2/nativeclient`: the redirect URI of programs with an embedded browser, which read
/// its URL.
pub(in crate::entra) async fn native_client(exchange: Exchange) -> Response {
    pages::native_client(&exchange)
}

/// Another method at the URL of the forms: AADSTS900561.
pub(in crate::entra) async fn only_post(exchange: Exchange, method: http::Method) -> Response {
    let refusal = Refusal::invalid_request(
        900_561,
        format!("The endpoint only accepts POST requests. Received a {method} request."),
    );
    pages::refused(&exchange, &refusal, None)
}

fn browser(
    world: &World,
    directory: &Directory,
    exchange: &Exchange,
    headers: &HeaderMap,
) -> Option<Browser> {
    Browser::read(directory, exchange, &world.urls().login, headers)
}

/// Shows the page of the next step, or ends the sign-in.
fn show(
    world: &World,
    directory: &Directory,
    exchange: &Exchange,
    browser: &Browser,
    transaction: &Transaction,
) -> Response {
    let now = exchange.now.unix_timestamp();
    let Some(ctx) = transaction.seal(directory) else {
        return pages::refused(exchange, &Refusal::unavailable(), None);
    };
    let notice = transaction.notice;
    let view = pages::View {
        exchange,
        directory,
        browser,
        transaction,
        ctx: &ctx,
    };
    let mut response = match step::next(world, directory, browser, transaction, now) {
        Step::Code => pages::code(exchange, &ctx, None, notice),
        Step::Account => view.account(),
        Step::Name => view.name(),
        Step::Password(account) => view.password(account, world.passwords()),
        Step::SecondFactor(account) => view.second_factor(account, now),
        Step::Consent(ready) => view.consent(&ready),
        Step::AdminConsent(ready) => view.admin_consent(&ready),
        Step::Confirm(ready) => view.confirm(&ready),
        Step::Page(refusal) => pages::refused(exchange, &refusal, Some(&view)),
        Step::Answer(refusal) => finish::give_up(world, directory, exchange, transaction, &refusal),
        Step::Done(ready) => finish::grant(world, exchange, transaction, &ready),
    };
    browser.add_headers(directory, &mut response);
    response
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}
