//! A request of a browser: its session, its browser state, and the origin of its forms.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::http::Method;
use axum::http::header::{LOCATION, ORIGIN, SET_COOKIE, USER_AGENT};

use super::browser::{Browser, BrowserState};
use super::cookies::Cookie;
use super::layout::{Layout, Link, isolated};
use super::page::{self, Csp};
use super::redirect::see_other;
use super::view::FormPost;
use super::words::Words;
use super::{Head, Request, Response};
use crate::app::App;
use crate::flow::authorize::interaction::{self, Waiting};
use crate::flow::authorize::{AuthorizationError, Home, Next};
use crate::flow::{Call, logout};
use crate::people::{People, device, session};
use crate::store::sessions::SignedIn;
use crate::types::token::{DeviceSecret, SessionSecret};
use crate::types::{Client, ClientId, Code, Params, Refusal, Result, Seconds, Timestamp};

/// The maximum length of a query. With the rest of the request line, it is less than the 8 KiB that proxies accept.
const LONGEST_QUERY: usize = 4 * 1024;

/// A request of a browser.
#[derive(Debug)]
pub struct Visit {
    /// The head of the request.
    pub head: Arc<Head>,
    state: BrowserState,
}

impl Visit {
    /// The visit of a request.
    pub fn of(request: &Request) -> Self {
        let head = request.head.clone();
        Self { state: BrowserState::of(&head), head }
    }

    /// The dependencies of handlers.
    pub fn app(&self) -> &App {
        self.head.app()
    }

    /// The time of the request.
    pub fn now(&self) -> Timestamp {
        self.head.trace.now()
    }

    /// The dependencies of the protocol rules.
    pub fn call(&self) -> Call<'_> {
        self.app().call(&self.head.trace)
    }

    /// The dependencies of the rules about accounts.
    pub fn people(&self) -> People<'_> {
        self.app().people(&self.head.trace)
    }

    /// Whether the request only reads.
    pub fn is_read(&self) -> bool {
        self.head.method == Method::GET
    }

    /// The `User-Agent`.
    pub fn user_agent(&self) -> String {
        self.head.list(USER_AGENT)
    }

    /// The shared texts in the language of the user.
    pub fn words(&self, ui_locales: Option<&str>) -> &'static Words {
        ui_locales.map_or_else(|| self.head.words(), |tags| self.head.words_for(Some(tags)))
    }

    /// The data of every page.
    pub fn layout(&self, ui_locales: Option<&str>) -> Layout<'_> {
        self.head.layout(self.words(ui_locales))
    }

    /// The session of the user, with their consent for this client.
    ///
    /// # Errors
    /// When the store fails: a failure is never reported as "not signed in".
    pub async fn signed_in(&self, client: Option<&ClientId>) -> Result<Option<SignedIn>> {
        let Some(cookie) = self.head.site.cookies.read(&self.head.headers, Cookie::Session) else {
            return Ok(None);
        };
        let app = self.app();
        session::live(&app.store, &app.config.sessions, cookie, client, self.now()).await
    }

    /// The browser, if it has a browser cookie.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known_browser(&self) -> Result<Option<Browser>> {
        self.state.known().await
    }

    /// The browser. A new one gets its cookie with the response.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn browser(&self) -> Result<Browser> {
        self.state.known_or_new(self.now()).await
    }

    /// Stores in the browser state that this form was just processed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_processed(&self, form: &str) -> Result<()> {
        self.state.set_processed(form, self.now()).await
    }

    /// Whether this form was processed within the last minute: it was sent twice.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_processed(&self, form: &str) -> Result<bool> {
        self.state.is_processed(form, self.now()).await
    }

    /// The CSRF token of a form, for this browser and this purpose only.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn csrf(&self, purpose: &str) -> Result<String> {
        Ok(self.browser().await?.token(purpose))
    }

    /// Checks that a form came from a page of this server, in this browser.
    ///
    /// Requires `Sec-Fetch-Site: same-origin`, else an `Origin` equal to the issuer's. If the browser sends neither,
    /// the form token alone decides (DESIGN §4, THREATS UI-01).
    ///
    /// # Errors
    /// 403 for a foreign form.
    pub async fn must_be_own_form(&self, form: &Params, purpose: &str) -> Result<()> {
        let browser = self.must_be_same_origin().await?;
        must_have_token(&browser, form, purpose)
    }

    /// Checks that a form came from the origin of this server, in a known browser: the first half of
    /// [`Visit::must_be_own_form`].
    ///
    /// # Errors
    /// 403 for a foreign form.
    pub async fn must_be_same_origin(&self) -> Result<Browser> {
        let is_same_origin = match (self.head.text("sec-fetch-site"), self.head.headers.get(ORIGIN))
        {
            (Some(site), _) => site == "same-origin",
            (None, Some(origin)) => {
                origin.as_bytes() == self.app().config.issuer.origin().as_bytes()
            }
            (None, None) => true,
        };
        if !is_same_origin {
            return Err(foreign("another site").into());
        }
        Ok(self.known_browser().await?.ok_or_else(|| foreign("no cookie"))?)
    }

    /// Whether the browser sends the origin of forms.
    pub fn sends_origin(&self) -> bool {
        self.head.text("sec-fetch-site").is_some() || self.head.headers.contains_key(ORIGIN)
    }

    /// The waiting authorization request of this browser.
    ///
    /// # Errors
    /// When there is none.
    pub async fn waiting(&self, params: &Params) -> Result<Waiting, AuthorizationError> {
        let text = params.one("request")?.ok_or_else(interaction::gone)?;
        let browser = self.known_browser().await?.map(|browser| browser.digest());
        interaction::resume(&self.call(), text, browser).await
    }

    /// The URL of a client's logo, if it has one.
    pub fn logo_of(&self, client: &Client) -> Option<String> {
        client.metadata.logo_uri.as_ref()?;
        Some(format!("{}/logos/{}", self.head.site.look.base, client.id))
    }

    /// The response with a page.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page(&self, page: &impl Template, csp: Csp) -> Result<Response> {
        self.with_browser_cookie(page::html(page, csp)).await
    }

    /// Redirects the browser to a page of this server.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn redirect(&self, path: &str) -> Result<Response> {
        let to = format!("{}{path}", self.head.site.look.base);
        self.with_browser_cookie(see_other(&self.head, &to)).await
    }

    /// Redirects to the page of the next step of a waiting request.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn redirect_to_step(&self, next: Next, waiting: &Waiting) -> Result<Response> {
        let page = match next {
            Next::SignIn | Next::Confirm | Next::Issue | Next::IssueTrusted => "/login",
            Next::SelectAccount => "/select-account",
            Next::Consent => "/consent",
        };
        let sealed = waiting.pending.seal(&self.call())?;
        self.redirect_with(page, &[("request", sealed.0.expose())]).await
    }

    /// Sends the browser to a page of this server with these parameters: by a redirect, or if the query would be too
    /// long for proxies, by a form that a script submits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn redirect_with(&self, path: &str, fields: &[(&str, &str)]) -> Result<Response> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        if query.len() <= LONGEST_QUERY {
            return self.redirect(&format!("{path}?{query}")).await;
        }
        let show = [("show", "1")];
        let page = FormPost {
            layout: Layout { place: None, ..self.layout(None) },
            client: &self.head.site.look.brand.name,
            action: &format!("{}{path}", self.head.site.look.base),
            fields: &[fields, &show].concat(),
        };
        self.page(&page, Csp::Leaving).await
    }

    /// Ends the session and removes its cookie.
    ///
    /// # Errors
    /// When the store fails: no success is reported before the commit.
    pub async fn sign_out(
        &self,
        request: &logout::Request,
        signed_in: &SignedIn,
    ) -> Result<Response> {
        let client = request.client.as_ref().map(|client| &client.id);
        session::sign_out(&self.app().store, &self.head.trace, &signed_in.session, client).await?;
        self.signed_out(request).await
    }

    /// The response after a sign-out: removes the cookie, and redirects to the registered URI of the client, or to a
    /// page of this server that links to a verified client.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signed_out(&self, request: &logout::Request) -> Result<Response> {
        let own = format!("{}/signed-out", self.head.site.look.base);
        let has_home = |client: &&Client| client.metadata.client_uri.is_some();
        let proven = request.verified_client().filter(has_home);
        let to = match (&request.return_to, proven) {
            (Some(registered), _) => registered.clone(),
            (None, None) => own,
            (None, Some(client)) => {
                let proof = self.csrf(&signed_out_purpose(&client.id)).await?;
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("client_id", client.id.as_str())
                    .append_pair("proof", &proof)
                    .finish();
                format!("{own}?{query}")
            }
        };
        let mut response = see_other(&self.head, &to);
        // Only a cookie that was sent is removed: a foreign page can cause this request without the cookie (THREATS
        // LO-01).
        let came = self.head.site.cookies.read(&self.head.headers, Cookie::Session).is_some();
        if came
            && response.headers().contains_key(LOCATION)
            && let Some(cookie) = self.head.site.cookies.remove(Cookie::Session)
        {
            response.headers_mut().append(SET_COOKIE, cookie);
            // The browser also removes the pages from its cache (THREATS UI-20).
            let cache = axum::http::HeaderValue::from_static("\"cache\"");
            response.headers_mut().insert("clear-site-data", cache);
        }
        self.with_browser_cookie(response).await
    }

    /// The client that requested the sign-out, if the query names it with a valid token of this browser, which others
    /// cannot forge.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signed_out_by(&self) -> Result<Option<Home>> {
        let query = self.head.query()?;
        let (Some(id), Some(proof)) = (query.one("client_id")?, query.one("proof")?) else {
            return Ok(None);
        };
        let id = ClientId::from_text(id);
        let browser = self.known_browser().await?;
        if !browser.is_some_and(|browser| browser.is_token(proof, &signed_out_purpose(&id))) {
            return Ok(None);
        }
        let client = self.app().cache.client(&id).await?;
        let client = client.filter(|client| client.disabled_at.is_none());
        Ok(client.as_ref().map(Home::of))
    }

    /// The secret in the device cookie, if any.
    pub fn device(&self) -> Option<DeviceSecret> {
        let cookie = self.head.site.cookies.read(&self.head.headers, Cookie::Device)?;
        DeviceSecret::parse(cookie)
    }

    /// Adds the device cookie to a response.
    pub fn with_device_cookie(&self, mut response: Response, secret: &DeviceSecret) -> Response {
        let age = Some(device::KNOWN);
        if let Some(cookie) = self.head.site.cookies.set(Cookie::Device, &secret.0, age) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// Adds the session cookie to a response. Without an age, it is removed when the browser is closed.
    pub fn with_session_cookie(
        &self,
        mut response: Response,
        secret: &SessionSecret,
        age: Option<Seconds>,
    ) -> Response {
        if let Some(cookie) = self.head.site.cookies.set(Cookie::Session, &secret.0, age) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// Adds the browser cookie to a response, if the state has changed.
    async fn with_browser_cookie(&self, mut response: Response) -> Result<Response> {
        if let Some(value) = self.state.save().await?
            && let Some(cookie) = self.head.site.cookies.set(Cookie::Browser, &value, None)
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// The purpose of the token in the URL of the page after a sign-out.
fn signed_out_purpose(client: &ClientId) -> String {
    format!("signed out by {client}")
}

/// Checks that a form has the token of this browser for this purpose.
///
/// # Errors
/// 403 for another one.
pub fn must_have_token(browser: &Browser, form: &Params, purpose: &str) -> Result<()> {
    if browser.is_token(form.one("csrf")?.unwrap_or_default(), purpose) {
        return Ok(());
    }
    Err(foreign("another token").into())
}

fn foreign(reason: &'static str) -> Refusal {
    let refusal = Code::ForeignForm
        .because("this form was not sent from a page of this server, or has expired");
    refusal.with("reason", reason)
}

/// The name of a client in the language of these texts, for use within a sentence.
pub fn name_of<'a>(client: &'a Client, words: &Words) -> Cow<'a, str> {
    isolated(client.name_in(words.lang))
}

/// The name of an application for use within a sentence, and the link to its home page, if it has one.
pub fn home_link<'a>(home: &'a Home, words: &Words) -> Option<(Cow<'a, str>, Link<'a>)> {
    let uri = home.client.metadata.client_uri_in(words.lang).or(home.origin.as_deref())?;
    Some((name_of(&home.client, words), Link::to(uri)?))
}

/// A link to another site, if `url` is an http or https URL.
pub fn link(url: Option<&str>) -> Option<Link<'_>> {
    url.and_then(Link::to)
}
