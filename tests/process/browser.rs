//! A browser without a screen, and a user who consents to everything: it stores cookies, follows
//! redirects, and submits the forms of the pages.

use std::collections::BTreeMap;

use url::Url;

use crate::application::{RequestError, Response, User};
use crate::server::PASSWORD;

/// The maximum number of requests of a visit.
const MAX_REQUESTS: usize = 20;

/// The values of the buttons that continue.
const CONTINUE_VALUES: [&str; 3] = ["sign-in", "allow", "yes"];

/// The browser of a user.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    http: reqwest::Client,
    user: User,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(user: &User) -> Self {
        Self { http: crate::http(), user: user.clone(), cookies: BTreeMap::new() }
    }

    /// Closes its connections, and keeps its cookies.
    pub(crate) fn reconnect(&mut self) {
        self.http = crate::http();
    }

    /// Opens `url` and submits the forms of the pages, until it is redirected to `destination`; that
    /// URL is not requested but returned.
    pub(crate) async fn visit(&mut self, url: Url, destination: &str) -> Result<Url, RequestError> {
        let (mut at, mut request) = (url.clone(), self.http.get(url));
        for _ in 0..MAX_REQUESTS {
            let response = self.send(request).await?;
            if let Ok(location) = at.join(response.header("location"))
                && response.status == 303
            {
                if location.as_str().starts_with(destination) {
                    return Ok(location);
                }
                request = self.http.get(location.clone());
                at = location;
            } else {
                assert_eq!(response.status, 200, "{at}: {response:?}");
                let fields = fields_of_continue_form(&response.text, &self.user);
                let origin = at.origin().ascii_serialization();
                request = self.http.post(at.clone()).header("origin", origin).form(&fields);
            }
        }
        panic!("still not at {destination} after {MAX_REQUESTS} requests: {at}");
    }

    /// Opens `url` and submits the forms of the pages, until a page has none; returns that one. A form
    /// that contains `press` belongs to the application, and is submitted as it is.
    pub(crate) async fn open(&mut self, url: &str, press: &str) -> Response {
        let mut at = Url::parse(url).unwrap();
        let mut request = self.http.get(at.clone());
        for _ in 0..MAX_REQUESTS {
            let response = self.send(request).await.unwrap();
            let fields;
            if (300..400).contains(&response.status) {
                at = at.join(response.header("location")).unwrap();
                request = self.http.get(at.clone());
                continue;
            } else if forms(&response.text).any(has_continue_button) {
                fields = fields_of_continue_form(&response.text, &self.user);
            } else if let Some(form) = forms(&response.text).find(|form| form.contains(press))
                && !press.is_empty()
            {
                at = at.join(&attribute(form, "action").unwrap()).unwrap();
                fields = fill_in(form, &self.user);
            } else {
                return response;
            }
            let origin = at.origin().ascii_serialization();
            request = self.http.post(at.clone()).header("origin", origin).form(&fields);
        }
        panic!("no end after {MAX_REQUESTS} requests: {at}");
    }

    /// Its cookies, as a header field.
    pub(crate) fn cookies(&self) -> String {
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        cookies.join("; ")
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<Response, RequestError> {
        let request = request.header("accept", "text/html").header("cookie", self.cookies());
        let response = Response::send(request).await?;
        for cookie in response.headers.get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }
}

/// The forms of a page.
fn forms(page: &str) -> impl Iterator<Item = &str> {
    page.split("<form").skip(1).map(|form| form.split("</form>").next().unwrap())
}

/// Whether it has a button that continues.
fn has_continue_button(form: &str) -> bool {
    CONTINUE_VALUES.iter().any(|yes| form.contains(&format!("value=\"{yes}\"")))
}

/// The fields that the button that continues submits, from its form.
fn fields_of_continue_form(page: &str, user: &User) -> Vec<(String, String)> {
    let Some(form) = forms(page).find(|form| has_continue_button(form)) else {
        panic!("a page without a button that continues:\n{page}");
    };
    let yes =
        CONTINUE_VALUES.iter().find(|yes| form.contains(&format!("value=\"{yes}\""))).unwrap();
    let mut fields = vec![("answer".to_owned(), (*yes).to_owned())];
    fields.extend(fill_in(form, user));
    fields
}

/// The fields of a form, filled in.
fn fill_in(form: &str, user: &User) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for input in form.split("<input").skip(1) {
        let tag = input.split('>').next().unwrap();
        let name = attribute(tag, "name").unwrap();
        let value = match (attribute(tag, "type").as_deref(), name.as_str()) {
            (Some("checkbox"), _) if !tag.contains(" checked") => continue,
            (_, "identifier") => user.username.clone(),
            (_, "password") => PASSWORD.to_owned(),
            _ => attribute(tag, "value").unwrap_or_default(),
        };
        fields.push((name, value));
    }
    fields
}

/// An attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
    assert!(!value.contains('&'), "nothing that we hand out has to be escaped: {value}");
    Some(value.to_owned())
}
