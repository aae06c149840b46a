//! The demo relying party: an application that knows nothing of its provider but the issuer, signs
//! people in, and shows what it was told.
//!
//! | route             | what it does                                                     |
//! |-------------------|------------------------------------------------------------------|
//! | `GET /`           | the one page                                                     |
//! | `POST /sign-in`   | begins a sign-in: OIDC Core §3.1.2.1                             |
//! | `GET /callback`   | ends it: OIDC Core §3.1.2.5                                      |
//! | `POST /userinfo`  | asks who it is: OIDC Core §5.3                                   |
//! | `POST /refresh`   | asks for new tokens: RFC 6749 §6                                 |
//! | `POST /revoke`    | gives them back: RFC 7009                                        |
//! | `POST /sign-out`  | here, then at the provider: OIDC RP-Initiated Logout 1.0         |
//! | `GET /signed-out` | where the provider sends the browser afterwards                  |

mod inventory;
mod provider;
mod trouble;
mod view;
mod visits;

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template as _;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, ORIGIN, REFERRER_POLICY,
    SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use tokio::sync::{Mutex, MutexGuard};

pub(super) use provider::Registration;
use provider::{Provider, Tokens};
use trouble::Trouble;
use view::{Home, Somebody};
use visits::{Notice, SignedIn, Visit, Visits};

use crate::app::App;
use crate::render::layout::{Accent, Brand, Layout, Look};
use crate::render::words;
use crate::types::Secret;
use crate::types::colour::Colour;

/// Its own colour, so that people see when they leave it: indigo.
const ACCENT: Colour = Colour(0x3d, 0x4b, 0xa6);

const CSS: &str = include_str!("../../../../static/demo.css");

/// Everything that a handler may reach.
#[derive(Debug)]
struct Party {
    /// Where browsers find us: `http://localhost:8081`.
    origin: String,
    provider: Provider,
    visits: Visits,
    look: Look,
    /// The server: not to sign people in, but to show what it knows of certificates, and for the time.
    app: App,
    /// Where operators of the server read what is counted.
    metrics: String,
    policy: HeaderValue,
}

/// The routes of an application at `origin`. The provider must be there already.
///
/// It has the server at hand only to show its inventory of certificates.
///
/// # Errors
/// When the provider cannot be discovered.
pub(super) async fn router(
    name: &str,
    origin: &str,
    registration: Registration,
    app: App,
    metrics: String,
) -> anyhow::Result<Router> {
    let provider = Provider::discover(registration).await?;
    // Browsers apply `form-action` to where a form is redirected to: to sign in and out.
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; \
         frame-ancestors 'none'; base-uri 'none'",
        provider.issuer()
    );
    let party = Arc::new(Party {
        origin: origin.to_owned(),
        policy: HeaderValue::try_from(policy)?,
        provider,
        visits: Visits::new(),
        look: Look::new(Brand { accent: Accent::of(ACCENT), ..Brand::named(name) }, ""),
        app,
        metrics,
    });
    Ok(Router::new()
        .route("/", get(home))
        .route("/sign-in", post(sign_in))
        .route("/callback", get(callback))
        .route("/userinfo", post(userinfo))
        .route("/refresh", post(refresh))
        .route("/revoke", post(revoke))
        .route("/sign-out", post(sign_out))
        .route("/signed-out", get(signed_out))
        .route("/demo.css", get(css))
        .route("/static/{name}", get(file))
        .layer(middleware::from_fn_with_state(party.clone(), guard))
        .with_state(party))
}

/// `GET /`
async fn home(State(party): State<Arc<Party>>, headers: HeaderMap) -> Response {
    let Some(visit) = party.visits.find(&headers) else {
        return party.page(&Visit::default()).await;
    };
    let mut visit = visit.lock().await;
    let page = party.page(&visit).await;
    visit.notice = None;
    page
}

/// `POST /sign-in`
async fn sign_in(State(party): State<Arc<Party>>, headers: HeaderMap) -> Response {
    let (url, sign_in) = party.provider.begin();
    let to_the_provider = Redirect::to(url.as_str()).into_response();
    if let Some(visit) = party.visits.find(&headers) {
        visit.lock().await.begin(sign_in);
        return to_the_provider;
    }
    let mut visit = Visit::default();
    visit.begin(sign_in);
    party.kept(&headers, Arc::new(Mutex::new(visit)), to_the_provider)
}

/// `GET /callback`
async fn callback(State(party): State<Arc<Party>>, headers: HeaderMap, uri: Uri) -> Response {
    let known = party.visits.find(&headers);
    let visit = known.clone().unwrap_or_default();
    let came = party.finish(&mut *visit.lock().await, &uri).await;
    let is_new = known.is_none() || came.is_ok();
    visit.lock().await.notice = Some(match came {
        Ok(()) => Notice::Done("You are signed in."),
        Err(trouble) => Notice::Trouble(trouble),
    });
    if is_new { party.kept(&headers, visit, to_the_page()) } else { to_the_page() }
}

/// `POST /userinfo`
async fn userinfo(State(party): State<Arc<Party>>, headers: HeaderMap) -> Response {
    party
        .act(&headers, async |signed_in| {
            signed_in.userinfo = None;
            signed_in.userinfo = Some(party.provider.userinfo(&signed_in.tokens).await?);
            Ok("Userinfo has answered.")
        })
        .await
}

/// `POST /refresh`
async fn refresh(State(party): State<Arc<Party>>, headers: HeaderMap) -> Response {
    party
        .act(&headers, async |signed_in| {
            signed_in.tokens =
                party.provider.refresh(&signed_in.tokens, party.app.clock.now()).await?;
            signed_in.refreshed += 1;
            Ok("There are new tokens.")
        })
        .await
}

/// `POST /revoke`
async fn revoke(State(party): State<Arc<Party>>, headers: HeaderMap) -> Response {
    party
        .act(&headers, async |signed_in| {
            party.provider.revoke(&signed_in.tokens).await?;
            signed_in.revoked = true;
            Ok("The tokens are revoked. Call userinfo or refresh, and you will be refused.")
        })
        .await
}

/// `POST /sign-out`
async fn sign_out(State(party): State<Arc<Party>>, headers: HeaderMap) -> Response {
    let Some(visit) = party.visits.find(&headers) else { return to_the_page() };
    let visit = &mut *visit.lock().await;
    let Some(SignedIn { tokens: Tokens { id_token, .. }, .. }) = visit.signed_in.take() else {
        return to_the_page();
    };
    let state = Secret::generate().expose().to_owned();
    let url = party.provider.sign_out(&id_token, &state);
    visit.leaving = Some(state);
    Redirect::to(url.as_str()).into_response()
}

/// `GET /signed-out`
async fn signed_out(State(party): State<Arc<Party>>, headers: HeaderMap, uri: Uri) -> Response {
    if let Some(visit) = party.visits.find(&headers) {
        let visit = &mut *visit.lock().await;
        if visit.leaving.is_some() && visit.leaving == parameters(&uri).remove("state") {
            visit.leaving = None;
            visit.notice = Some(Notice::Done("You are signed out, here and at the server."));
        }
    }
    to_the_page()
}

/// `GET /demo.css`
async fn css() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], CSS).into_response()
}

/// `GET /static/{name}`
async fn file(
    State(party): State<Arc<Party>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    party.look.assets.serve(&name, &uri, &headers)
}

impl Party {
    /// Ends a sign-in with what the browser brings back.
    async fn finish(&self, visit: &mut Visit, uri: &Uri) -> Result<(), Trouble> {
        let mut answer = parameters(uri);
        // The answer must be to a question of ours, asked by this browser (RFC 6749 §10.12), …
        let state = answer.remove("state").unwrap_or_default();
        let sign_in = visit.take(&state).ok_or(Trouble::NotOurs)?;
        // … and from whom it was asked (RFC 9207 §2.4).
        if answer.remove("iss").as_deref() != Some(self.provider.issuer()) {
            return Err(Trouble::Untrusted("it is from another issuer"));
        }
        if let Some(error) = answer.remove("error") {
            return Err(match error.as_str() {
                "access_denied" => Trouble::Declined,
                code => {
                    let why = answer.remove("error_description");
                    Trouble::refused("The sign-in was refused", code, why.as_deref())
                }
            });
        }
        let code = answer.remove("code").ok_or(Trouble::Odd("there is no code in it"))?;
        let tokens = self.provider.redeem(sign_in, code, self.app.clock.now()).await?;
        visit.signed_in = Some(SignedIn { tokens, refreshed: 0, revoked: false, userinfo: None });
        Ok(())
    }

    /// Does something for whoever is signed in, and says on the page what came of it.
    async fn act(
        &self,
        headers: &HeaderMap,
        what: impl AsyncFnOnce(&mut SignedIn) -> Result<&'static str, Trouble>,
    ) -> Response {
        if let Some(visit) = self.visits.find(headers) {
            let mut visit: MutexGuard<'_, Visit> = visit.lock().await;
            let Visit { signed_in, notice, .. } = &mut *visit;
            if let Some(signed_in) = signed_in {
                *notice = Some(match what(signed_in).await {
                    Ok(done) => Notice::Done(done),
                    Err(trouble) => Notice::Trouble(trouble),
                });
            }
        }
        to_the_page()
    }

    /// Keeps a visit under a new cookie.
    fn kept(
        &self,
        headers: &HeaderMap,
        visit: Arc<Mutex<Visit>>,
        mut answer: Response,
    ) -> Response {
        match self.visits.keep(headers, visit) {
            Ok(cookie) => {
                answer.headers_mut().append(SET_COOKIE, cookie);
                answer
            }
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    async fn page(&self, visit: &Visit) -> Response {
        let now = self.app.clock.now();
        let Ok(certificates) = inventory::certificates(&self.app).await else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        let page = Home {
            layout: Layout {
                look: &self.look,
                words: words::choose(Some("en"), None),
                now,
                place: None,
            },
            issuer: self.provider.issuer(),
            metrics: &self.metrics,
            notice: visit.notice.as_ref(),
            certificates,
            somebody: visit.signed_in.as_ref().map(|signed_in| Somebody::new(signed_in, now)),
        };
        match page.render() {
            Ok(page) => Html(page).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// The page, by a GET: reloading it does nothing twice.
fn to_the_page() -> Response {
    Redirect::to("/").into_response()
}

/// The parameters of a query. One that stands twice is none: RFC 6749 §3.1.
fn parameters(uri: &Uri) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    let mut twice = Vec::new();
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if parameters.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            twice.push(name);
        }
    }
    for name in twice {
        parameters.remove(&*name);
    }
    parameters
}

/// What holds for every request and every answer.
async fn guard(State(party): State<Arc<Party>>, request: Request, next: Next) -> Response {
    let mut answer = match refused(&request, &party.origin) {
        Some(answer) => answer,
        None => next.run(request).await,
    };
    let headers = answer.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert_with(|| party.policy.clone());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// We are `localhost` and nothing else: any other name for this machine is one that somebody else may
/// have given it, and cookies go by names. What changes something comes from our own page.
fn refused(request: &Request, origin: &str) -> Option<Response> {
    let said = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    if said(HOST) != Some(origin.trim_start_matches("http://").as_bytes()) {
        return Some(Redirect::to(origin).into_response());
    }
    if request.method() == Method::POST && said(ORIGIN) != Some(origin.as_bytes()) {
        let why = "This form is not one of ours.\n";
        return Some((StatusCode::FORBIDDEN, why).into_response());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_that_stands_twice_is_none() {
        let read = parameters(&"/callback?code=a&state=b&code=c&iss=d%20e".parse().unwrap());

        let read: std::collections::BTreeMap<_, _> = read.into_iter().collect();
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("iss".to_owned(), "d e".to_owned()), ("state".to_owned(), "b".to_owned()),]
        );
    }
}
