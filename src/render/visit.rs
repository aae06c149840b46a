//! A browser's visit: who is signed in, which browser it is, and whether a form came from our own page.

use std::borrow::Cow;
use std::sync::Arc;

use askama::Template;
use axum::http::header::{LOCATION, ORIGIN, SET_COOKIE, USER_AGENT};

use super::browser::{Browser, Browsers};
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

/// As long as what is carried in an address may be: with the rest of the line, less than the 8 KiB that
/// proxies take.
const ADDRESS: usize = 4 * 1024;

/// A request that a browser makes.
#[derive(Debug)]
pub struct Visit {
    /// The head of the request.
    pub head: Arc<Head>,
    browsers: Browsers,
}

impl Visit {
    /// The visit that a request is.
    pub fn of(request: &Request) -> Self {
        let head = request.head.clone();
        Self { browsers: Browsers::of(&head), head }
    }

    /// What a handler may reach.
    pub fn app(&self) -> &App {
        self.head.app()
    }

    /// When it came.
    pub fn now(&self) -> Timestamp {
        self.head.trace.now()
    }

    /// What the rules may reach.
    pub fn call(&self) -> Call<'_> {
        self.app().call(self.head.trace.clone())
    }

    /// What the rules about people may reach.
    pub fn people(&self) -> People<'_> {
        self.app().people(&self.head.trace)
    }

    /// What the browser calls itself.
    pub fn user_agent(&self) -> String {
        self.head.list(USER_AGENT)
    }

    /// The words of the reader's language.
    pub fn words(&self, ui_locales: Option<&str>) -> &'static Words {
        ui_locales.map_or_else(|| self.head.words(), |asked| self.head.words_for(Some(asked)))
    }

    /// What every page carries.
    pub fn layout(&self, ui_locales: Option<&str>) -> Layout<'_> {
        self.head.layout(self.words(ui_locales))
    }

    /// Who is signed in, and what they have agreed to for this client.
    ///
    /// # Errors
    /// When the store fails: never "nobody" because nobody could be asked.
    pub async fn signed_in(&self, client: Option<&ClientId>) -> Result<Option<SignedIn>> {
        let Some(cookie) = self.head.site.cookies.read(&self.head.headers, Cookie::Session) else {
            return Ok(None);
        };
        let app = self.app();
        session::live(&app.store, &app.config.sessions, cookie, client, self.now()).await
    }

    /// The browser, if it has been here before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn known_browser(&self) -> Result<Option<Browser>> {
        self.browsers.known().await
    }

    /// The browser; one that has not been here before is given a cookie with the answer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn browser(&self) -> Result<Browser> {
        self.browsers.known_or_new(self.now()).await
    }

    /// Keeps in the browser that this form has just been taken.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_done(&self, form: &str) -> Result<()> {
        self.browsers.note_done(form, self.now()).await
    }

    /// Whether this form was taken a moment ago: it is the same one, sent twice.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_done(&self, form: &str) -> Result<bool> {
        self.browsers.is_done(form, self.now()).await
    }

    /// The token of a form: for this browser and this purpose alone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn csrf(&self, purpose: &str) -> Result<String> {
        Ok(self.browser().await?.token(purpose))
    }

    /// Proves that a form came from our own page, in this browser.
    ///
    /// `Sec-Fetch-Site: same-origin`, else an `Origin` equal to the issuer's; where a browser sends
    /// neither, the form token alone decides (DESIGN §4, THREATS UI-01).
    ///
    /// # Errors
    /// 403 for a foreign form.
    pub async fn must_be_ours(&self, form: &Params, purpose: &str) -> Result<()> {
        let browser = self.must_be_at_home().await?;
        must_have_token(&browser, form, purpose)
    }

    /// Proves that a form came from our own origin, in a browser that is known: the first half of
    /// [`Visit::must_be_ours`].
    ///
    /// # Errors
    /// 403 for a foreign form.
    pub async fn must_be_at_home(&self) -> Result<Browser> {
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

    /// Whether the browser itself says that a form came from our own origin.
    pub fn is_proven_at_home(&self) -> bool {
        self.head.text("sec-fetch-site").is_some() || self.head.headers.contains_key(ORIGIN)
    }

    /// The request that waits, for this browser.
    ///
    /// # Errors
    /// When there is none that is ours.
    pub async fn waiting(&self, params: &Params) -> Result<Waiting, AuthorizationError> {
        let text = params.one("request")?.ok_or_else(interaction::gone)?;
        let browser = self.known_browser().await?.map(|browser| browser.digest());
        interaction::resume(&self.call(), text, browser).await
    }

    /// Where we serve a client's logo, if it has one.
    pub fn logo_of(&self, client: &Client) -> Option<String> {
        client.metadata.logo_uri.as_ref()?;
        Some(format!("{}/logos/{}", self.head.site.look.base, client.id))
    }

    /// A page.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page(&self, page: &impl Template, csp: Csp) -> Result<Response> {
        self.keep(page::html(page, csp)).await
    }

    /// Sends the browser to a page of ours.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn go(&self, path: &str) -> Result<Response> {
        let to = format!("{}{path}", self.head.site.look.base);
        self.keep(see_other(&self.head, &to)).await
    }

    /// The page of a step of a request that waits.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn step(&self, next: Next, waiting: &Waiting) -> Result<Response> {
        let page = match next {
            Next::SignIn | Next::Confirm | Next::Issue | Next::IssueTrusted => "/login",
            Next::SelectAccount => "/select-account",
            Next::Consent => "/consent",
        };
        let sealed = waiting.kept.seal(&self.call())?;
        self.carry(page, &[("request", sealed.0.expose())]).await
    }

    /// Sends the browser to a page of ours with what it has to bring there: in the address, or where that
    /// would be longer than every proxy takes, in a form that a script sends.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn carry(&self, path: &str, fields: &[(&str, &str)]) -> Result<Response> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        if query.len() <= ADDRESS {
            return self.go(&format!("{path}?{query}")).await;
        }
        let shown = [("show", "1")];
        let page = FormPost {
            layout: Layout { place: None, ..self.layout(None) },
            client: &self.head.site.look.brand.name,
            action: &format!("{}{path}", self.head.site.look.base),
            fields: &[fields, &shown].concat(),
        };
        self.page(&page, Csp::Leaving).await
    }

    /// Ends the sign-in, and tells the browser so.
    ///
    /// # Errors
    /// When it could not be written: never a success that is not one.
    pub async fn sign_out(
        &self,
        request: &logout::Request,
        signed_in: &SignedIn,
    ) -> Result<Response> {
        let client = request.client.as_ref().map(|client| &client.id);
        session::sign_out(&self.app().store, &self.head.trace, &signed_in.session, client).await?;
        self.signed_out(request).await
    }

    /// Signed out: the cookie is taken away, and the browser goes where the client registered that it
    /// may, or to a page of ours, which leads back to a client that is proven.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signed_out(&self, request: &logout::Request) -> Result<Response> {
        let own = format!("{}/signed-out", self.head.site.look.base);
        let has_home = |client: &&Client| client.metadata.client_uri.is_some();
        let proven = request.proven_client().filter(has_home);
        let to = match (&request.return_to, proven) {
            (Some(registered), _) => registered.clone(),
            (None, None) => own,
            (None, Some(client)) => {
                let proof = self.csrf(&behind(&client.id)).await?;
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair("client_id", client.id.as_str())
                    .append_pair("proof", &proof)
                    .finish();
                format!("{own}?{query}")
            }
        };
        let mut response = see_other(&self.head, &to);
        // What did not come is not taken away: a foreign page can ask here without the cookie
        // (THREATS LO-01).
        let came = self.head.site.cookies.read(&self.head.headers, Cookie::Session).is_some();
        if came
            && response.headers().contains_key(LOCATION)
            && let Some(cookie) = self.head.site.cookies.forget(Cookie::Session)
        {
            response.headers_mut().append(SET_COOKIE, cookie);
            // What the browser's cache holds of our pages goes too (THREATS UI-20).
            let cache = axum::http::HeaderValue::from_static("\"cache\"");
            response.headers_mut().insert("clear-site-data", cache);
        }
        self.keep(response).await
    }

    /// The client that one was signed out by, if the address of the page says so in this browser's words: nobody
    /// else can make it up.
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
        if !browser.is_some_and(|browser| browser.is_token(proof, &behind(&id))) {
            return Ok(None);
        }
        let client = self.app().cache.client(&id).await?;
        let client = client.filter(|client| client.disabled_at.is_none());
        Ok(client.as_ref().map(Home::of))
    }

    /// By what accounts know the browser, if any does.
    pub fn device(&self) -> Option<DeviceSecret> {
        let cookie = self.head.site.cookies.read(&self.head.headers, Cookie::Device)?;
        DeviceSecret::read(cookie)
    }

    /// Gives the browser its device cookie.
    pub fn with_device(&self, mut response: Response, secret: &DeviceSecret) -> Response {
        let kept = Some(device::KNOWN);
        if let Some(cookie) = self.head.site.cookies.keep(Cookie::Device, &secret.0, kept) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// Gives the browser the cookie of a sign-in; one that is not to be kept goes when the browser is
    /// closed.
    pub fn with_session(
        &self,
        mut response: Response,
        secret: &SessionSecret,
        kept: Option<Seconds>,
    ) -> Response {
        if let Some(cookie) = self.head.site.cookies.keep(Cookie::Session, &secret.0, kept) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    /// Keeps what is now known of the browser, and gives it its cookie.
    async fn keep(&self, mut response: Response) -> Result<Response> {
        if let Some(id) = self.browsers.save().await?
            && let Some(cookie) = self.head.site.cookies.keep(Cookie::Browser, &id, None)
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// What the address of the page after a sign-out is for.
fn behind(client: &ClientId) -> String {
    format!("signed out by {client}")
}

/// Proves that a form is the one that this browser was given for this purpose.
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
    let refusal =
        Code::ForeignForm.because("this form was not sent from our own page, or is too old");
    refusal.with("reason", reason)
}

/// What people who read these words call a client, for use inside a sentence.
pub fn name_of<'a>(client: &'a Client, words: &Words) -> Cow<'a, str> {
    isolated(client.name_in(words.lang))
}

/// What an application is called inside a sentence, and where it is at home, if that is on the web.
pub fn way_back<'a>(home: &'a Home, words: &Words) -> Option<(Cow<'a, str>, Link<'a>)> {
    let uri = home.client.metadata.client_uri_in(words.lang).or(home.origin.as_deref())?;
    Some((name_of(&home.client, words), Link::to(uri)?))
}

/// A link out of the house, if it is one.
pub fn link(url: Option<&str>) -> Option<Link<'_>> {
    url.and_then(Link::to)
}
