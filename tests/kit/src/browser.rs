//! A headless browser: it keeps cookies, follows redirects and fills in forms.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::http::{RequestBuilder, Response};
use crate::server::{Client, ISSUER, PASSWORD, Server};

/// A `code_verifier`, and its S256 challenge (RFC 7636 appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A user's browser.
pub struct Browser<'a> {
    server: &'a Server,
    pub cookies: BTreeMap<String, String>,
}

/// The page that a browser has reached.
#[derive(Clone, Debug)]
pub struct Page {
    /// The address: a path of the server, or the URL of another site, which is not requested.
    pub url: String,
    /// The server's last response.
    pub response: Response,
}

/// The name of the session cookie for this issuer (THREATS EX-22).
pub fn session_cookie_name(issuer: &str) -> String {
    let digest = Sha256::digest(issuer);
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("__Host-gatewright-session-{short}")
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        Self { server, cookies: BTreeMap::new() }
    }

    /// The server whose pages it opens.
    pub fn server(&self) -> &'a Server {
        self.server
    }

    /// Opens a page of the server.
    pub async fn open(&mut self, target: &str) -> Page {
        let request = self.server.request("GET", target).header("sec-fetch-site", "none");
        self.follow(target, request).await
    }

    /// Submits a page's form with these fields filled in; a button is a field.
    pub async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        self.send_form(&Form::first_in(&page.response.text), page, fields).await
    }

    /// Submits the form that goes to `action`, on a page with several forms.
    pub async fn submit_to(&mut self, action: &str, page: &Page, fields: &[(&str, &str)]) -> Page {
        self.send_form(&Form::with_action(action, &page.response.text), page, fields).await
    }

    async fn send_form(&mut self, form: &Form, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (target, body) = encode_form(form, page, fields);
        let request = self.server.request("POST", &target).form(&body);
        let request = request.header("origin", ISSUER).header("sec-fetch-site", "same-origin");
        self.follow(&target, request).await
    }

    /// Submits one of the forms of the account page.
    pub async fn submit_on_account_page(&mut self, action: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.open("/account").await;
        let form = Form::first_in(&page.response.text);
        let csrf = form.hidden.iter().find(|(name, _)| name == "csrf").expect("a token");
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair(&csrf.0, &csrf.1)
            .extend_pairs(fields)
            .finish();
        let request = self.server.request("POST", action).form(&body);
        let request = request.header("origin", ISSUER).header("sec-fetch-site", "same-origin");
        self.follow(action, request).await
    }

    /// The request of [`Browser::submit`] with its cookies, not yet sent.
    pub fn form_request(&self, page: &Page, fields: &[(&str, &str)]) -> RequestBuilder {
        let (target, body) = encode_form(&Form::first_in(&page.response.text), page, fields);
        let request = self.server.request("POST", &target).form(&body);
        let request = request.header("origin", ISSUER).header("sec-fetch-site", "same-origin");
        request.header("cookie", &self.cookie())
    }

    /// Submits a form from a page of another site. The POST carries no cookies, because they are
    /// `SameSite=Lax`; the GET that it redirects to does.
    pub async fn post_cross_site(&mut self, target: &str, form: &str) -> Page {
        let request = self.server.request("POST", target).header("origin", "https://app.example");
        let response = request.header("sec-fetch-site", "cross-site").form(form).send().await;
        assert_eq!(response.headers("set-cookie"), [""; 0], "cookies of a cross-site POST");
        match response.header("location").to_owned() {
            url if url.is_empty() => {
                let page = Page { url: target.to_owned(), response };
                if page.is_submitted_by_script() { self.submit(&page, &[]).await } else { page }
            }
            location => {
                let path = location.strip_prefix(ISSUER).unwrap_or(&location);
                let request =
                    self.server.request("GET", path).header("sec-fetch-site", "cross-site");
                self.follow(path, request).await
            }
        }
    }

    /// The `Cookie` header field.
    pub fn cookie(&self) -> String {
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        cookies.join("; ")
    }

    /// Sends the request and follows redirects within the server.
    async fn follow(&mut self, target: &str, request: RequestBuilder) -> Page {
        let (mut url, mut request) = (target.to_owned(), request);
        for _ in 0..10 {
            let response = self.send(request).await;
            let location = response.header("location").to_owned();
            if location.is_empty() {
                let page = Page { url, response };
                if !page.is_submitted_by_script() {
                    return page;
                }
                let (target, body) = encode_form(&Form::first_in(&page.response.text), &page, &[]);
                let post = self.server.request("POST", &target).form(&body);
                request = post.header("origin", ISSUER).header("sec-fetch-site", "same-origin");
                url = target;
                continue;
            }
            assert_eq!(response.status, 303, "THREATS AZ-22: {response:?}");
            let path = location.strip_prefix(ISSUER).unwrap_or(&location).to_owned();
            if !path.starts_with('/') {
                return Page { url: path, response };
            }
            request = self.server.request("GET", &path).header("sec-fetch-site", "same-origin");
            url = path;
        }
        panic!("redirected in circles at {url}");
    }

    /// Sends one request with the stored cookies, and stores those of the response.
    pub async fn send(&mut self, request: RequestBuilder) -> Response {
        let cookie = self.cookie();
        let request = request.header("accept", "text/html,application/xhtml+xml");
        let request = if cookie.is_empty() { request } else { request.header("cookie", &cookie) };
        let response = request.send().await;
        for cookie in response.headers("set-cookie") {
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            for must in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                assert!(attributes.split("; ").any(|one| one.trim() == must), "{cookie}");
            }
            assert!(name.starts_with("__Host-"), "{cookie}");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }
}

impl Browser<'_> {
    /// Runs an authorization request to its end: the user signs in and consents if asked to.
    pub async fn authorize(
        &mut self,
        username: &str,
        client: &Client,
        scope: &str,
        more: &str,
    ) -> Page {
        let target = authorize_target(client, scope) + more;
        let mut page = self.open(&target).await;
        if page.url.starts_with("/login") {
            let typed = [("identifier", username), ("password", PASSWORD), ("answer", "sign-in")];
            page = self.submit(&page, &typed).await;
        }
        if page.url.starts_with("/consent") {
            let mut ticked = checked_boxes(&page.response.text);
            ticked.push(("answer".to_owned(), "allow".to_owned()));
            let ticked: Vec<_> = ticked.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            page = self.submit(&page, &ticked).await;
        }
        page
    }
}

/// A valid authorization request.
pub fn authorize_target(client: &Client, scope: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.id)
        .append_pair("redirect_uri", Client::REDIRECT_URI)
        .append_pair("scope", scope)
        .append_pair("state", "state of the client")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .finish();
    format!("/authorize?{query}")
}

/// The target and the body of a submitted form.
fn encode_form(form: &Form, page: &Page, fields: &[(&str, &str)]) -> (String, String) {
    let target = form.action.clone().unwrap_or_else(|| page.url.clone());
    let mut values: Vec<(&str, &str)> =
        form.hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    values.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    values.extend(fields);
    (target, form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish())
}

impl Page {
    /// Whether this is the form with which the server's script submits a request that is too long for a
    /// URL.
    fn is_submitted_by_script(&self) -> bool {
        self.response.text.contains("form_post.js") && self.response.text.contains("name=\"show\"")
    }

    /// The hidden fields of the first form.
    pub fn hidden_fields(&self) -> Vec<(String, String)> {
        Form::first_in(&self.response.text).hidden
    }

    /// The hidden fields of the form that goes to `action`.
    pub fn hidden_fields_of(&self, action: &str) -> Vec<(String, String)> {
        Form::with_action(action, &self.response.text).hidden
    }

    /// A parameter of the authorization response.
    #[track_caller]
    pub fn parameter(&self, name: &str) -> String {
        let url = url::Url::parse(&self.url).unwrap_or_else(|_| panic!("not a redirect: {self:?}"));
        let found = url.query_pairs().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("no {name} in {}", self.url)).1.into_owned()
    }
}

/// The checked boxes of a page.
fn checked_boxes(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input").skip(1).map(|input| input.split_once('>').unwrap().0);
    let ticked = inputs.filter(|input| {
        attribute(input, "type").as_deref() == Some("checkbox") && input.contains(" checked")
    });
    let named = |input| Some((attribute(input, "name")?, attribute(input, "value")?));
    ticked.filter_map(named).collect()
}

/// A form of a page.
struct Form {
    action: Option<String>,
    hidden: Vec<(String, String)>,
}

impl Form {
    fn first_in(page: &str) -> Self {
        Self::parse(page.split_once("<form").expect("a form").1)
    }

    /// The first form whose action is `action`.
    fn with_action(action: &str, page: &str) -> Self {
        let mut forms = page.split("<form").skip(1).map(Self::parse);
        let to = forms.find(|form| form.action.as_deref() == Some(action));
        to.unwrap_or_else(|| panic!("no form to {action} in {page}"))
    }

    fn parse(form: &str) -> Self {
        let form = form.split_once("</form>").expect("the end of the form").0;
        let (tag, rest) = form.split_once('>').unwrap();
        let inputs = rest.split("<input").skip(1).map(|input| input.split_once('>').unwrap().0);
        let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        Self {
            action: attribute(tag, "action").filter(|action| !action.is_empty()),
            hidden: hidden
                .map(|input| {
                    let value = attribute(input, "value").unwrap_or_default();
                    (attribute(input, "name").unwrap(), value)
                })
                .collect(),
        }
    }
}

/// An attribute of a tag, with its character references decoded.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, entity)) = rest.split_once('&') {
        let (name, after) = entity.split_once(';').expect("the end of an entity");
        text.push_str(before);
        text.push_str(match name {
            "#34" | "quot" => "\"",
            "#38" | "amp" => "&",
            "#39" => "'",
            "#60" | "lt" => "<",
            "#62" | "gt" => ">",
            other => panic!("{other}"),
        });
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}
