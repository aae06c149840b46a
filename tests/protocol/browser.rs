//! A browser without a screen: it keeps cookies, follows redirects and fills in forms.

use std::collections::BTreeMap;

use crate::http::{Answer, Ask};
use crate::server::{ISSUER, Server};

/// A person's browser.
pub(crate) struct Browser<'a> {
    server: &'a Server,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// Where a browser has come to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The address: a path of ours, or the URL of somebody else, which is not asked.
    pub(crate) at: String,
    /// What we answered last.
    pub(crate) answer: Answer,
}

impl<'a> Browser<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        Self { server, cookies: BTreeMap::new() }
    }

    /// Opens an address of ours.
    pub(crate) async fn open(&mut self, target: &str) -> Place {
        let ask = self.server.ask("GET", target).header("sec-fetch-site", "none");
        self.go(target, ask).await
    }

    /// Sends a page's form, with these fields as a person filled them in; a button is a field.
    pub(crate) async fn submit(&mut self, place: &Place, fields: &[(&str, &str)]) -> Place {
        let form = Form::of(&place.answer.text);
        let target = form.action.clone().unwrap_or_else(|| place.at.clone());
        let mut values: Vec<(&str, &str)> =
            form.hidden.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        values.extend(fields);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(values).finish();
        let ask = self.server.ask("POST", &target).form(&body);
        let ask = ask.header("origin", ISSUER).header("sec-fetch-site", "same-origin");
        self.go(&target, ask).await
    }

    /// Asks, and goes where the answer leads, as long as that is with us.
    async fn go(&mut self, target: &str, ask: Ask) -> Place {
        let (mut at, mut ask) = (target.to_owned(), ask);
        for _ in 0..10 {
            let answer = self.send(ask).await;
            let location = answer.header("location").to_owned();
            if location.is_empty() {
                return Place { at, answer };
            }
            assert_eq!(answer.status, 303, "THREATS AZ-22: {answer:?}");
            let own = location.strip_prefix(ISSUER).unwrap_or(&location).to_owned();
            if !own.starts_with('/') {
                return Place { at: own, answer };
            }
            ask = self.server.ask("GET", &own).header("sec-fetch-site", "same-origin");
            at = own;
        }
        panic!("redirected in circles at {at}");
    }

    /// Sends one request with the cookies, and keeps those of the answer.
    pub(crate) async fn send(&mut self, ask: Ask) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let ask = ask.header("accept", "text/html,application/xhtml+xml");
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", &cookies.join("; ")) };
        let answer = ask.send().await;
        for cookie in answer.headers("set-cookie") {
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
        answer
    }
}

/// The first form of a page.
struct Form {
    action: Option<String>,
    hidden: Vec<(String, String)>,
}

impl Form {
    fn of(page: &str) -> Self {
        let form = page.split_once("<form").expect("a form").1;
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

/// An attribute of a tag, as a browser reads it.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split_once(&format!(" {name}=\""))?.1.split_once('"')?.0;
    let mut text = value.to_owned();
    for (entity, character) in [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    Some(text)
}
