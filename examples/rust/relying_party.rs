//! A web application that signs users in, with `openidconnect` and axum: `/` starts a sign-in,
//! `/callback` shows the claims.

use std::collections::HashMap;
use std::env::var;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, anyhow};
use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Router, routing::get};
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreUserInfoClaims};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndSessionUrl, EndpointMaybeSet as Maybe,
    EndpointNotSet as Unset, EndpointSet as Set, HttpRequest, HttpResponse, IssuerUrl,
    LogoutRequest, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    ProviderMetadataWithLogout, RedirectUrl, Scope, TokenResponse as _, url::Url,
};
use reqwest::redirect::Policy;

const HOME: &str = "http://localhost:8090";

struct App {
    client: CoreClient<Set, Unset, Unset, Unset, Maybe, Maybe>,
    end_session: EndSessionUrl,
    http: reqwest::Client,
    /// Pending sign-ins, by their `state`, which is also in a cookie of the browser.
    pending: Mutex<HashMap<String, (Nonce, PkceCodeVerifier)>>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Fails only if another provider was installed before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // No redirects: following them allows server-side request forgery.
    let http = reqwest::Client::builder().redirect(Policy::none()).build()?;
    // Everything else comes from the issuer's discovery document.
    let issuer = IssuerUrl::new(var("ISSUER").context("ISSUER")?)?;
    let fetch = |request| send(http.clone(), request);
    let metadata = ProviderMetadataWithLogout::discover_async(issuer, &fetch).await?;
    let end_session = metadata.additional_metadata().end_session_endpoint.clone();
    let end_session = end_session.context("the issuer has no end_session_endpoint")?;
    let id = ClientId::new(var("CLIENT_ID").context("CLIENT_ID")?);
    let secret = ClientSecret::new(var("CLIENT_SECRET").context("CLIENT_SECRET")?);
    let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
        .set_redirect_uri(RedirectUrl::new(format!("{HOME}/callback"))?);

    let app = App { client, end_session, http, pending: Mutex::default() };
    let routes = Router::new().route("/", get(login)).route("/callback", get(callback));
    println!("open {HOME}");
    let listener = tokio::net::TcpListener::bind("localhost:8090").await?;
    Ok(axum::serve(listener, routes.with_state(Arc::new(app))).await?)
}

async fn login(State(app): State<Arc<App>>) -> Response {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let (url, state, nonce) = app
        .client
        .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
        .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .url();
    let cookie = format!("state={}; HttpOnly; SameSite=Lax; Path=/callback", state.secret());
    let mut pending = app.pending.lock().unwrap_or_else(PoisonError::into_inner);
    pending.insert(state.into_secret(), (nonce, verifier));
    ([(SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response()
}

async fn callback(State(app): State<Arc<App>>, headers: HeaderMap, uri: Uri) -> Response {
    let result = async {
        let response = Url::parse(HOME)?.join(&uri.to_string())?;
        let response: HashMap<_, _> = response.query_pairs().into_owned().collect();
        // The state must be that of a request from this browser, which prevents login CSRF.
        let state = response.get("state").filter(|state| cookie(&headers) == Some(state));
        let state = state.context("this browser did not begin this sign-in")?;
        let pending = app.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(state);
        let (nonce, verifier) = pending.context("this sign-in has ended")?;
        let code = response.get("code").ok_or_else(|| anyhow!("{:?}", response.get("error")))?;

        let http = app.http.clone();
        let fetch = move |request| send(http.clone(), request);
        let request = app.client.exchange_code(AuthorizationCode::new(code.clone()))?;
        let tokens = request.set_pkce_verifier(verifier).request_async(&fetch).await?;
        let id_token = tokens.id_token().context("no ID token")?;
        let claims = id_token.claims(&app.client.id_token_verifier(), &nonce)?;
        let subject = Some(claims.subject().clone());
        let request = app.client.user_info(tokens.access_token().clone(), subject)?;
        let user_claims: CoreUserInfoClaims = request.request_async(&fetch).await?;

        let logout = LogoutRequest::from(app.end_session.clone()).set_id_token_hint(id_token);
        let user_claims = serde_json::to_string_pretty(&user_claims)?.replace('<', "&lt;");
        let logout = logout.http_get_url().to_string().replace('&', "&amp;");
        anyhow::Ok(format!("<pre>{user_claims}</pre><a href=\"{logout}\">Sign out</a>"))
    };
    match result.await {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            eprintln!("{error:#}");
            (StatusCode::BAD_REQUEST, "The sign-in failed; see the log.").into_response()
        }
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix("state="))
}

/// Adapts reqwest to `openidconnect`.
async fn send(http: reqwest::Client, request: HttpRequest) -> reqwest::Result<HttpResponse> {
    let response = http.execute(request.try_into()?).await?;
    let mut converted = HttpResponse::new(Vec::new());
    *converted.status_mut() = response.status();
    *converted.headers_mut() = response.headers().clone();
    *converted.body_mut() = response.bytes().await?.into();
    Ok(converted)
}
