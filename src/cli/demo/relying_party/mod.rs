//! The demo relying party: an application that is configured with an issuer and its own registration, signs users in,
//! and displays the tokens and claims that it receives.
//!
//! | route             | what it does                                                     |
//! |-------------------|------------------------------------------------------------------|
//! | `GET /`           | the one page                                                     |
//! | `POST /sign-in`   | sends an authentication request: OIDC Core §3.1.2.1              |
//! | `GET /callback`   | receives the response: OIDC Core §3.1.2.5                        |
//! | `POST /userinfo`  | requests the claims about the user: OIDC Core §5.3               |
//! | `POST /refresh`   | requests new tokens: RFC 6749 §6                                 |
//! | `POST /revoke`    | revokes the tokens: RFC 7009                                     |
//! | `POST /sign-out`  | ends both sessions: OIDC RP-Initiated Logout 1.0                 |
//! | `GET /signed-out` | `post_logout_redirect_uri`                                       |

mod error;
mod inventory;
mod provider;
mod sessions;
mod view;

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

use error::Error;
pub(super) use provider::Registration;
use provider::{Provider, Tokens};
use sessions::{Notice, Session, Sessions, SignedIn};
use view::{Home, SignedInUser};

use crate::app::App;
use crate::render::layout::{Accent, Brand, Layout, Look};
use crate::render::words;
use crate::types::Secret;
use crate::types::colour::Colour;

/// Indigo: another colour than that of the server, so that users notice when they leave the application.
const ACCENT: Colour = Colour(0x3d, 0x4b, 0xa6);

const CSS: &str = include_str!("../../../../static/demo.css");

/// The state of the handlers.
#[derive(Debug)]
struct RelyingParty {
    /// The origin of the application: `http://localhost:8081`.
    origin: String,
    provider: Provider,
    sessions: Sessions,
    look: Look,
    /// The server, for its inventory of certificates and its clock. Sign-ins use HTTP only.
    app: App,
    /// The URL of the metrics.
    metrics: String,
    policy: HeaderValue,
}

/// The routes of an application at `origin`. The provider must be running already.
///
/// `app` is the server: used only for its inventory of certificates and its clock.
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
    // Browsers apply `form-action` also to the redirects after a form: those of sign-in and sign-out.
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {}; \
         frame-ancestors 'none'; base-uri 'none'",
        provider.issuer()
    );
    let relying_party = Arc::new(RelyingParty {
        origin: origin.to_owned(),
        policy: HeaderValue::try_from(policy)?,
        provider,
        sessions: Sessions::new(),
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
        .layer(middleware::from_fn_with_state(relying_party.clone(), check_request))
        .with_state(relying_party))
}

/// `GET /`
async fn home(State(relying_party): State<Arc<RelyingParty>>, headers: HeaderMap) -> Response {
    let Some(session) = relying_party.sessions.find(&headers) else {
        return relying_party.page(&Session::default()).await;
    };
    let mut session = session.lock().await;
    let page = relying_party.page(&session).await;
    session.notice = None;
    page
}

/// `POST /sign-in`
async fn sign_in(State(relying_party): State<Arc<RelyingParty>>, headers: HeaderMap) -> Response {
    let (url, sign_in) = relying_party.provider.begin();
    let redirect = Redirect::to(url.as_str()).into_response();
    if let Some(session) = relying_party.sessions.find(&headers) {
        session.lock().await.begin(sign_in);
        return redirect;
    }
    let mut session = Session::default();
    session.begin(sign_in);
    relying_party.with_cookie(&headers, Arc::new(Mutex::new(session)), redirect)
}

/// `GET /callback`
async fn callback(
    State(relying_party): State<Arc<RelyingParty>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let known = relying_party.sessions.find(&headers);
    let session = known.clone().unwrap_or_default();
    let result = relying_party.redeem(&mut *session.lock().await, &uri).await;
    let is_new = known.is_none() || result.is_ok();
    session.lock().await.notice = Some(match result {
        Ok(()) => Notice::Done("You are signed in."),
        Err(error) => Notice::Failed(error),
    });
    if is_new {
        relying_party.with_cookie(&headers, session, redirect_home())
    } else {
        redirect_home()
    }
}

/// `POST /userinfo`
async fn userinfo(State(relying_party): State<Arc<RelyingParty>>, headers: HeaderMap) -> Response {
    relying_party
        .run(&headers, async |signed_in| {
            signed_in.userinfo = None;
            signed_in.userinfo = Some(relying_party.provider.userinfo(&signed_in.tokens).await?);
            Ok("Userinfo has returned the claims.")
        })
        .await
}

/// `POST /refresh`
async fn refresh(State(relying_party): State<Arc<RelyingParty>>, headers: HeaderMap) -> Response {
    relying_party
        .run(&headers, async |signed_in| {
            signed_in.tokens = relying_party
                .provider
                .refresh(&signed_in.tokens, relying_party.app.clock.now())
                .await?;
            signed_in.refreshed += 1;
            Ok("The tokens were refreshed.")
        })
        .await
}

/// `POST /revoke`
async fn revoke(State(relying_party): State<Arc<RelyingParty>>, headers: HeaderMap) -> Response {
    relying_party
        .run(&headers, async |signed_in| {
            relying_party.provider.revoke(&signed_in.tokens).await?;
            signed_in.revoked = true;
            Ok("The tokens are revoked. Userinfo and refresh will be refused.")
        })
        .await
}

/// `POST /sign-out`
async fn sign_out(State(relying_party): State<Arc<RelyingParty>>, headers: HeaderMap) -> Response {
    let Some(session) = relying_party.sessions.find(&headers) else { return redirect_home() };
    let session = &mut *session.lock().await;
    let Some(SignedIn { tokens: Tokens { id_token, .. }, .. }) = session.signed_in.take() else {
        return redirect_home();
    };
    let state = Secret::generate().expose().to_owned();
    let url = relying_party.provider.sign_out(&id_token, &state);
    session.logout_state = Some(state);
    Redirect::to(url.as_str()).into_response()
}

/// `GET /signed-out`
async fn signed_out(
    State(relying_party): State<Arc<RelyingParty>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    if let Some(session) = relying_party.sessions.find(&headers) {
        let session = &mut *session.lock().await;
        if session.logout_state.is_some()
            && session.logout_state == parameters(&uri).remove("state")
        {
            session.logout_state = None;
            session.notice = Some(Notice::Done("You are signed out, here and at the server."));
        }
    }
    redirect_home()
}

/// `GET /demo.css`
async fn css() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], CSS).into_response()
}

/// `GET /static/{name}`
async fn file(
    State(relying_party): State<Arc<RelyingParty>>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    relying_party.look.assets.serve(&name, &uri, &headers)
}

impl RelyingParty {
    /// Validates the authentication response and redeems its code.
    async fn redeem(&self, session: &mut Session, uri: &Uri) -> Result<(), Error> {
        let mut response = parameters(uri);
        // The state must be that of a request from this browser (RFC 6749 §10.12),
        let state = response.remove("state").unwrap_or_default();
        let sign_in = session.take(&state).ok_or(Error::UnknownState)?;
        // and the issuer the one that the request was sent to (RFC 9207 §2.4).
        if response.remove("iss").as_deref() != Some(self.provider.issuer()) {
            return Err(Error::Invalid("iss is another issuer"));
        }
        if let Some(error) = response.remove("error") {
            return Err(match error.as_str() {
                "access_denied" => Error::AccessDenied,
                code => {
                    let why = response.remove("error_description");
                    Error::refused("The sign-in was refused", code, why.as_deref())
                }
            });
        }
        let code = response.remove("code").ok_or(Error::Malformed("the code is missing"))?;
        let tokens = self.provider.redeem(sign_in, code, self.app.clock.now()).await?;
        session.signed_in = Some(SignedIn { tokens, refreshed: 0, revoked: false, userinfo: None });
        Ok(())
    }

    /// Runs an action if a user is signed in, and stores its result as the notice on the page.
    async fn run(
        &self,
        headers: &HeaderMap,
        action: impl AsyncFnOnce(&mut SignedIn) -> Result<&'static str, Error>,
    ) -> Response {
        if let Some(session) = self.sessions.find(headers) {
            let mut session: MutexGuard<'_, Session> = session.lock().await;
            let Session { signed_in, notice, .. } = &mut *session;
            if let Some(signed_in) = signed_in {
                *notice = Some(match action(signed_in).await {
                    Ok(done) => Notice::Done(done),
                    Err(error) => Notice::Failed(error),
                });
            }
        }
        redirect_home()
    }

    /// Stores a session under a new cookie, and sets the cookie in the response.
    fn with_cookie(
        &self,
        headers: &HeaderMap,
        session: Arc<Mutex<Session>>,
        mut response: Response,
    ) -> Response {
        match self.sessions.insert(headers, session) {
            Ok(cookie) => {
                response.headers_mut().append(SET_COOKIE, cookie);
                response
            }
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }

    async fn page(&self, session: &Session) -> Response {
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
            notice: session.notice.as_ref(),
            certificates,
            user: session.signed_in.as_ref().map(|signed_in| SignedInUser::new(signed_in, now)),
        };
        match page.render() {
            Ok(page) => Html(page).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Redirects to the page with a GET, so that a reload repeats nothing.
fn redirect_home() -> Response {
    Redirect::to("/").into_response()
}

/// The parameters of a query. Repeated ones are ignored: RFC 6749 §3.1.
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

/// Checks every request, and sets the security headers of every response.
async fn check_request(
    State(relying_party): State<Arc<RelyingParty>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match refused(&request, &relying_party.origin) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert_with(|| relying_party.policy.clone());
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Refuses other host names than `localhost`: another site could resolve its name to this machine (DNS rebinding), and
/// cookies are scoped by name. Refuses forms of other origins.
fn refused(request: &Request, origin: &str) -> Option<Response> {
    let field = |name: HeaderName| request.headers().get(name).map(HeaderValue::as_bytes);
    if field(HOST) != Some(origin.trim_start_matches("http://").as_bytes()) {
        return Some(Redirect::to(origin).into_response());
    }
    if request.method() == Method::POST && field(ORIGIN) != Some(origin.as_bytes()) {
        let why = "This form is from another origin.\n";
        return Some((StatusCode::FORBIDDEN, why).into_response());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parameters_are_ignored() {
        let read = parameters(&"/callback?code=a&state=b&code=c&iss=d%20e".parse().unwrap());

        let read: std::collections::BTreeMap<_, _> = read.into_iter().collect();
        assert_eq!(
            read.into_iter().collect::<Vec<_>>(),
            [("iss".to_owned(), "d e".to_owned()), ("state".to_owned(), "b".to_owned()),]
        );
    }
}
