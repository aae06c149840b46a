//! The pages, as an attacker meets them: THREATS 1.M (UI-01 to UI-24), and the matrices M8 (forged
//! forms), M9 (parameters with foreign URLs) and M10 (steps out of order).

use gatewright::config::Issuer;
use gatewright::render::Kind;
use gatewright::types::Role;
use serde_json::json;

use kit::application::{AuthorizationRequest, STATE};
use kit::browser::{Browser, Page, session_cookie_name};
use kit::server::{Client, ISSUER, PASSWORD, Server};

/// The forms of the pages, each with the fields that a user fills in.
const FORMS: [(&str, &[(&str, &str)]); 8] = [
    ("/login", &[("identifier", "ada"), ("password", PASSWORD)]),
    ("/select-account", &[("answer", "continue")]),
    ("/consent", &[("answer", "allow")]),
    ("/account/sessions/end", &[]),
    ("/account/sessions/end-others", &[]),
    ("/account/applications/withdraw", &[]),
    ("/account/password", &[("current", PASSWORD), ("new", NEW), ("again", NEW)]),
    ("/logout/confirm", &[("answer", "yes")]),
];

const NEW: &str = "another battery staple";

/// Clients send these from their own sites: they change nothing, and lead to pages with forms.
const PROTOCOL: [&str; 2] = ["/authorize", "/logout"];

/// Each is used up by its form: `links.rs` has their tests.
const LINKS: [&str; 2] = ["/invitation", "/recovery"];

/// M8: a new form must be added here.
#[test]
fn the_matrix_covers_every_form() {
    let routes = gatewright::server::routes();
    let pages = routes.iter().filter(|route| route.kind == Kind::Page);
    let mut paths: Vec<_> =
        pages.filter(|route| route.methods().any(|method| method == "POST")).collect();
    paths.retain(|route| !PROTOCOL.contains(&route.path) && !LINKS.contains(&route.path));
    let mut paths: Vec<_> = paths.iter().map(|route| route.path).collect();
    let mut known = FORMS.map(|(path, _)| path);
    paths.sort_unstable();
    known.sort_unstable();

    assert_eq!(paths, known);
}

/// A server with users, and a browser that displays the form.
async fn open_form<'a>(server: &'a Server, client: &Client, path: &str) -> (Browser<'a>, Page) {
    let mut browser = Browser::new(server);
    if path == "/login" {
        let page = browser.open(path).await;
        return (browser, page);
    }
    // A second session, which the forms can end.
    Browser::new(server).sign_in("ada").await;
    browser.sign_in("ada").await;
    let request = AuthorizationRequest::new(client);
    let page = match path {
        "/select-account" => {
            browser.start_authorization(&request.with("prompt", "select_account")).await
        }
        "/consent" => browser.start_authorization(&request).await,
        "/logout/confirm" => browser.open("/logout").await,
        _ => {
            browser.complete_authorization(&request, "ada").await.code();
            browser.open("/account").await
        }
    };
    (browser, page)
}

/// The fields of the form on `page` that goes to `path`.
fn form_fields(page: &Page, path: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let hidden = if path.starts_with("/account/") {
        page.hidden_fields_of(path)
    } else {
        page.hidden_fields()
    };
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    hidden.into_iter().chain(fields).collect()
}

fn encode_with_token(fields: &[(String, String)], token: Option<&str>) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        match (name.as_str(), token) {
            ("csrf", None) => {}
            ("csrf", Some(token)) => drop(form.append_pair(name, token)),
            _ => drop(form.append_pair(name, value)),
        }
    }
    form.finish()
}

/// M8, THREATS UI-01, UI-02: a form is accepted only from a page of the server, in this browser, for
/// this purpose. The genuine form works afterwards, so nothing has changed.
#[tokio::test]
async fn forged_forms_are_refused() {
    for (path, input) in FORMS {
        let server = Server::start().await;
        server.user("ada").await;
        let client = server.web_app().await;
        let (browser, page) = open_form(&server, &client, path).await;
        let (_, others) = open_form(&server, &client, path).await;
        let fields = form_fields(&page, path, input);
        let token = |page: &Page| {
            let found = page.hidden_fields().into_iter().find(|(name, _)| name == "csrf");
            found.expect("a token").1
        };
        let csrf = token(&page);
        let target = if path.starts_with("/account/") { path } else { page.url.as_str() };
        let right = encode_with_token(&fields, Some(&csrf));
        let cookie = browser.cookie();
        let request = |method: &str, form: &str| {
            let request = server.request(method, target).header("cookie", &cookie);
            request.header("accept", "text/html").form(form)
        };
        let same = |request: kit::http::RequestBuilder| {
            request.header("origin", ISSUER).header("sec-fetch-site", "same-origin")
        };

        let foreign_token = token(&others);
        let other_purpose = token(&Browser::new(&server).open("/login").await);
        let reversed: String = csrf.chars().rev().collect();
        for wrong in
            [None, Some(""), Some(foreign_token.as_str()), Some(&other_purpose), Some(&reversed)]
        {
            let response = same(request("POST", &encode_with_token(&fields, wrong))).send().await;
            assert_eq!(response.status, 403, "{path} with {wrong:?}: {response:?}");
            assert!(!response.header("set-cookie").contains("session"), "{path}");
        }
        let twice = format!("{right}&csrf={csrf}");
        assert_eq!(same(request("POST", &twice)).send().await.status, 400, "{path}");

        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "none"),
            ("origin", "https://evil.example"),
            ("origin", "https://id.example.org.evil.example"),
            ("origin", "http://id.example.org"),
            ("origin", "null"),
        ] {
            let response = request("POST", &right).header(name, value).send().await;
            assert_eq!(response.status, 403, "{path} from {name}: {value}: {response:?}");
        }
        let cookieless = same(server.request("POST", target).form(&right)).send().await;
        assert!([403, 303].contains(&cookieless.status), "{path} without a cookie: {cookieless:?}");

        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
            let response = same(request(method, &right)).send().await;
            if method != "GET" {
                assert_eq!(response.status, 405, "{method} {path}");
            }
        }
        let overridden = same(request("GET", &right)).header("x-http-method-override", "POST");
        overridden.send().await;
        let target_with_form =
            format!("{target}{}{right}", if target.contains('?') { '&' } else { '?' });
        server.request("GET", &target_with_form).header("cookie", &cookie).send().await;
        for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", ""] {
            let request = server.request("POST", target).header("cookie", &cookie);
            let response =
                same(request.header("content-type", kind).body(right.as_str())).send().await;
            assert_eq!(response.status, 415, "{path} as {kind}");
        }

        let done = same(request("POST", &right)).send().await;
        assert_eq!(done.status, 303, "{path}: the genuine form must still work: {done:?}");
    }
}

/// THREATS UI-01: an old browser sends neither header field; there the token decides.
#[tokio::test]
async fn without_fetch_metadata_the_token_alone_decides() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    let login = browser.open("/login").await;
    let fields = form_fields(&login, "/login", FORMS[0].1);
    let token = &fields.iter().find(|(name, _)| name == "csrf").unwrap().1;
    let post = |form: &str| {
        server.request("POST", "/login").header("cookie", &browser.cookie()).form(form)
    };

    assert_eq!(post(&encode_with_token(&fields, None)).send().await.status, 403);
    assert_eq!(post(&encode_with_token(&fields, Some(token))).send().await.status, 303);
}

/// Values that could lead to another site: THREATS 1.A and UI-07.
const FOREIGN_URLS: [&str; 16] = [
    "https://evil.example",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/evil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "https://id.example.org@evil.example",
    "https://id.example.org.evil.example",
    "javascript:alert('evil.example')",
    "JaVaScRiPt:alert('evil.example')",
    "data:text/html,evil.example",
    "vbscript:evil.example",
    "blob:https://evil.example/x",
    "%2f%2fevil.example",
];

/// M9, THREATS UI-07: no value of a request becomes a `Location`, an `href`, an `action` or a `src`;
/// only registered URLs and those of the server do.
#[tokio::test]
async fn no_parameter_leads_to_another_site() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let routes = gatewright::server::routes();
    let pages: Vec<_> =
        routes.iter().filter(|route| route.kind == Kind::Page).map(|route| route.path).collect();
    let names = [
        "return_to",
        "next",
        "continue",
        "resume",
        "redirect",
        "redirect_uri",
        "post_logout_redirect_uri",
        "url",
        "request",
        "gw_posted",
        "notice",
        "ui_locales",
        "login_hint",
        "state",
        "client_id",
        "logo_uri",
        "id_token_hint",
    ];
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();

    for evil in FOREIGN_URLS {
        let all = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(names.map(|name| (name, evil)))
            .finish();
        for path in &pages {
            for name in names {
                let query = form_urlencoded::Serializer::new(String::new())
                    .append_pair(name, evil)
                    .finish();
                let response =
                    browser.send(server.request("GET", &format!("{path}?{query}"))).await;
                assert_no_open_redirect(&response, path);
            }
            assert_no_open_redirect(
                &browser.send(server.request("GET", &format!("{path}?{all}"))).await,
                path,
            );
            assert_no_open_redirect(
                &browser.send(server.request("POST", path).form(&all)).await,
                path,
            );
        }
    }
    browser.open("/account").await.assert_page("/account");
}

/// Asserts that the response neither redirects nor refers to another site.
#[track_caller]
fn assert_no_open_redirect(response: &kit::http::Response, path: &str) {
    let location = response.header("location");
    let target = location.strip_prefix(ISSUER).unwrap_or(location);
    let is_own = target.starts_with('/') && !target.starts_with("//") && !target.starts_with("/\\");
    assert!(target.is_empty() || is_own, "{path}: {response:?}");
    for attribute in ["href=\"", "src=\"", "action=\""] {
        for link in response.text.split(attribute).skip(1) {
            // A query is data: a link to the same page in another language repeats that of its URL.
            let link = link.split(['"', '?']).next().unwrap();
            assert!(!link.contains("evil"), "{path}: {link}");
            let leads_away = link.contains(':') || link.starts_with("//") || link.starts_with('\\');
            assert!(!leads_away, "{path}: {link}");
        }
    }
    assert!(response.status < 500, "{path}: {response:?}");
}

/// THREATS UI-08: names of clients, accounts and scopes may contain anything, and are escaped.
#[tokio::test]
async fn displayed_names_are_escaped() {
    const SCRIPT: &str = "<script>alert(1)</script>";
    let quoted = format!("\"'>{SCRIPT}<img src=x onerror=alert(1)>{{{{7*7}}}}");
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "client_name": quoted,
            "redirect_uris": [Client::REDIRECT_URI],
            "scope": "openid </ul><script>",
            "client_uri": "https://app.example/a'b",
        }))
        .await;
    let mut browser = Browser::new(&server);
    let request = AuthorizationRequest::new(&client).with("scope", "openid </ul><script>");
    let request = request.with("login_hint", &quoted).with("ui_locales", &quoted);

    let login = browser.start_authorization(&request.with("state", SCRIPT)).await;
    let wrong = browser.submit(&login, &[("identifier", &quoted), ("password", SCRIPT)]).await;
    let consent = browser.submit_credentials(&login, "ada").await;
    let choice = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "select_account"))
        .await;
    browser.submit(&consent, &[("answer", "allow")]).await;
    let account = browser.open("/account").await;
    let uri = format!("/logout?client_id={}", client.id);
    let logout = browser.open(&uri).await;
    let error = browser.open(&format!("/authorize?client_id={}", "%3Cscript%3E")).await;

    let mut names = 0;
    for page in [login, wrong, consent, choice, account, logout, error] {
        let text = &page.response.text;
        assert!(!text.contains("<script>") && !text.contains("<img src=x"), "{page:?}");
        assert!(!text.contains("onerror=alert(1)>"), "{page:?}");
        names += usize::from(text.contains("&#60;script&#62;"));
    }
    assert!(names >= 5, "{names}: the names are displayed, escaped");
}

/// THREATS UI-02: the page names the account that consents.
#[tokio::test]
async fn the_consent_page_names_the_client_and_the_user() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let login = browser
        .start_authorization(
            &AuthorizationRequest::new(&client).with("scope", "openid email offline_access"),
        )
        .await;

    let consent = browser.submit_credentials(&login, "ada").await;

    let page = &consent.assert_page("/consent").response.text;
    for expected in ["ada", "Photos", "app.example", "e-mail address", "Recognise you"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(!page.contains("postal"), "a claim that was not requested");
}

/// THREATS UI-03, UI-25: no page can be framed or reached through `opener`, including error pages and
/// pages that do not exist.
#[tokio::test]
async fn no_page_can_be_framed() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let request = AuthorizationRequest::new(&client);
    let mut pages = Vec::new();
    for (path, _) in FORMS {
        pages.push(open_form(&server, &client, path).await.1);
    }
    let posted = request.clone().with("prompt", "none").with("response_mode", "form_post");
    for other in [posted, request.with("client_id", "unknown")] {
        pages.push(other.open_in_new_browser(&server).await);
    }
    for path in ["/", "/signed-out", "/nothing"] {
        pages.push(Browser::new(&server).open(path).await);
    }

    for Page { url, response } in pages {
        let csp = response.header("content-security-policy");
        assert!(csp.contains("frame-ancestors 'none'"), "{url}: {csp}");
        assert_eq!(response.header("x-frame-options"), "DENY", "{url}");
        assert_eq!(response.header("cross-origin-opener-policy"), "same-origin", "{url}");
    }
}

/// THREATS EX-20: cookies of other applications on the host do no harm; a duplicate session cookie is
/// ignored.
#[tokio::test]
async fn foreign_cookies_are_ignored_and_a_duplicate_session_cookie_too() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    for (name, value) in [("displayname", "Jürgen"), ("a", "=;=;\u{1F36A}"), ("zz", "\u{fffd}=")] {
        browser.cookies.insert(name.to_owned(), value.to_owned());
    }

    browser.sign_in("ada").await.assert_page("/account");
    browser.open("/account").await.assert_page("/account");

    let (session, cookie) = (session_cookie_name(ISSUER), browser.cookie());
    let twice = format!("{cookie}; {session}={}", browser.cookies[&session]);
    let response = server.request("GET", "/account").header("cookie", &twice).send().await;
    assert!(response.header("location").ends_with("/login"), "{response:?}");
    let lines = server.request("GET", "/account").header("cookie", &cookie);
    let response = lines.header("cookie", &format!("{session}=x")).send().await;
    assert!(
        response.header("location").ends_with("/login"),
        "also in two header fields: {response:?}"
    );
}

/// THREATS EX-22: browsers share the cookies of a host between ports, and these cookies between paths.
#[tokio::test]
async fn issuers_on_one_host_do_not_accept_each_others_cookies() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await.assert_page("/account");
    let mut names: Vec<String> = browser.cookies.keys().cloned().collect();

    for issuer in
        ["https://id.example.org/a", "https://id.example.org/b", "https://id.example.org:8443"]
    {
        // The same database, so the secret itself would be valid there.
        let other =
            server.replica_with(|config| config.issuer = Issuer::parse(issuer).ok().unwrap()).await;
        let path = issuer.strip_prefix("https://id.example.org").unwrap();
        let path = if path.starts_with(':') { "" } else { path };
        let request =
            other.request("GET", &format!("{path}/account")).header("cookie", &browser.cookie());
        let response = request.send().await;
        assert!(response.header("location").ends_with("/login"), "{issuer}: {response:?}");
        let page = other.get(&format!("{path}/login")).await;
        let set = page.header("set-cookie");
        assert!(
            set.starts_with("__Host-gatewright-browser-") && set.contains("; Path=/;"),
            "{set}"
        );
        names.push(set.split('=').next().unwrap().to_owned());
        let theirs = format!(
            "{}={}",
            session_cookie_name(issuer),
            browser.cookies[&session_cookie_name(ISSUER)]
        );
        let request = other.request("GET", &format!("{path}/account")).header("cookie", &theirs);
        assert_eq!(
            request.send().await.status,
            200,
            "under the other issuer's cookie name it is accepted"
        );
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

/// THREATS UI-04: the server chooses the identifier of a session, and a new one after each
/// authentication.
#[tokio::test]
async fn the_session_identifier_is_renewed_at_each_authentication() {
    let server = Server::start().await;
    server.user("ada").await;
    let session = &session_cookie_name(ISSUER);
    let mut browser = Browser::new(&server);
    let planted = "A".repeat(43);
    browser.cookies.insert(session.to_owned(), planted.clone());
    browser.sign_in("ada").await.assert_page("/account");
    let first = browser.cookie();
    assert_ne!(browser.cookies[session], planted);

    let request = AuthorizationRequest::new(&server.web_app().await).with("prompt", "login");
    let login = browser.start_authorization(&request).await;
    browser.submit_credentials(&login, "ada").await.assert_page("/consent");

    let old = server.request("GET", "/account").header("cookie", &first).send().await;
    assert!(old.header("location").contains("/login"), "the previous cookie is invalid: {old:?}");
    let change = [("current", PASSWORD), ("new", NEW), ("again", NEW)];
    let second = browser.cookie();
    browser.submit_on_account_page("/account/password", &change).await.assert_page("/account");
    assert_ne!(browser.cookie(), second);
    let old = server.request("GET", "/account").header("cookie", &second).send().await;
    assert!(old.header("location").contains("/login"), "{old:?}");
}

/// THREATS UI-06; the flags are checked with every response that a test's browser receives.
#[tokio::test]
async fn the_session_cookie_is_persistent_only_if_the_user_wants_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let cookie = async |keep: &[(&str, &str)]| {
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let fields = [&[("identifier", "ada"), ("password", PASSWORD)], keep].concat();
        let response = browser.form_request(&login, &fields).send().await;
        let cookies = response.headers("set-cookie");
        let session = cookies.iter().find(|cookie| cookie.contains("-session-")).unwrap();
        assert!(session.len() < 256 && !session.contains("Domain"), "{session}");
        (*session).to_owned()
    };

    assert!(!cookie(&[]).await.contains("Max-Age"));
    assert!(cookie(&[("keep", "on")]).await.contains("; Max-Age=2592000"));
}

/// THREATS UI-10: a consent covers a scope, a client and a user; anything more asks again.
#[tokio::test]
async fn a_request_beyond_the_stored_consent_asks_again() {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let (client, other) = (server.web_app().await, server.web_app().await);
    let mut browser = Browser::new(&server);
    let agreed = AuthorizationRequest::new(&client).with("scope", "openid email");
    browser.complete_authorization(&agreed, "ada").await.code();

    browser.start_authorization(&AuthorizationRequest::new(&client)).await.code();
    browser
        .start_authorization(&agreed.clone().with("scope", "openid profile"))
        .await
        .assert_page("/consent");
    browser
        .start_authorization(&agreed.clone().with("scope", "openid offline_access"))
        .await
        .assert_page("/consent");
    let claims = json!({"userinfo": {"birthdate": null}}).to_string();
    browser
        .start_authorization(&agreed.clone().with("claims", &claims))
        .await
        .assert_page("/consent");
    let claims = json!({"id_token": {"email": null}}).to_string();
    browser.start_authorization(&agreed.clone().with("claims", &claims)).await.code();
    browser.start_authorization(&AuthorizationRequest::new(&other)).await.assert_page("/consent");
    let mut grace = Browser::new(&server);
    grace.sign_in("grace").await;
    grace.start_authorization(&agreed).await.assert_page("/consent");

    browser
        .submit_on_account_page("/account/applications/withdraw", &[("client_id", &client.id)])
        .await;
    browser.start_authorization(&agreed).await.assert_page("/consent");
}

/// A requested claim is shown even if no scope is about the user.
#[tokio::test]
async fn a_requested_claim_is_shown_on_the_consent_page() {
    let server = Server::start().await;
    server.user("ada").await;
    let metadata = json!({"redirect_uris": [Client::REDIRECT_URI], "scope": "openid backup"});
    let client = server.register(metadata).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    let claims = json!({"id_token": {"birthdate": null}}).to_string();

    let consent = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("claims", &claims))
        .await;

    assert!(consent.assert_page("/consent").response.text.contains("date of birth"), "{consent:?}");
}

/// DESIGN §8: `gw_skip_consent`.
#[tokio::test]
async fn a_trusted_client_needs_no_consent() {
    let server = Server::start().await;
    server.user("ada").await;
    let metadata = json!({"redirect_uris": [Client::REDIRECT_URI], "gw_skip_consent": true});
    let client = server.register(metadata).await;
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&AuthorizationRequest::new(&client)).await;

    browser.submit_credentials(&login, "ada").await.code();

    browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "none"))
        .await
        .code();
    browser
        .start_authorization(&AuthorizationRequest::new(&client).with("prompt", "consent"))
        .await
        .assert_page("/consent");
}

/// THREATS AD-05: no client administers the server for a user who has not agreed to it.
#[tokio::test]
async fn a_trusted_client_for_the_administration_api_needs_consent() {
    let server = Server::start().await;
    server.administrator("ada", Some(Role::Owner)).await;
    let api = format!("{ISSUER}/api/v1");
    let metadata = json!({
        "redirect_uris": [Client::REDIRECT_URI],
        "gw_skip_consent": true,
        "gw_allowed_resources": [api],
        "scope": "openid users:read",
    });
    let client = server.register(metadata).await;
    let request = AuthorizationRequest::new(&client).with("scope", "openid");
    let administering = AuthorizationRequest::new(&client)
        .with("scope", "openid users:read")
        .with("resource", &api);
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;

    browser.start_authorization(&administering).await.assert_page("/consent");
    browser.start_authorization(&request).await.code();
}

/// Issue: my authorised applications. A trusted client needs no consent, but is listed and can be
/// removed.
#[tokio::test]
async fn a_trusted_client_is_listed_and_can_be_removed() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    server.update_client(&client, |metadata| metadata.gw_skip_consent = true).await;
    let mut browser = Browser::new(&server);
    let login = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("scope", "openid email"))
        .await;
    let code = browser.submit_credentials(&login, "ada").await.code();
    let first = server.redeem(&client, &code).await.ok();
    let code = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("scope", "openid phone"))
        .await
        .code();
    server.redeem(&client, &code).await.ok();

    let page = browser.open("/account").await;
    let text = &page.response.text;
    assert_eq!(text.matches("application-").count(), 2, "one line, with its button: {text}");
    assert!(text.contains("You signed in just now") && !text.contains("Allowed"), "{text}");
    assert!(text.contains("e-mail address") && text.contains("phone number"), "{text}");
    let page = browser.submit_to("/account/applications/withdraw", &page, &[]).await;

    assert!(!page.assert_page("/account").response.text.contains("id=\"application-"), "{page:?}");
    server.userinfo(&first.token("access_token")).await.refused(401, "invalid_token");
    let fields = [("client_id", client.id.as_str())];
    browser
        .submit_on_account_page("/account/applications/withdraw", &fields)
        .await
        .assert_page("/account");
}

/// THREATS UI-11: the consent covers what was displayed, even if the client was changed meanwhile.
#[tokio::test]
async fn consent_is_asked_again_if_the_client_changed() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    let consent = browser.start_authorization(&AuthorizationRequest::new(&client)).await;

    server.update_client(&client, |metadata| metadata.client_name = "Another".to_owned()).await;
    let again = browser.submit(&consent, &[("answer", "allow")]).await;
    assert!(again.assert_page("/consent").response.text.contains("Another"));
    let tampered = [("answer", "allow"), ("shown", "x")];
    browser.submit(&again, &tampered).await.assert_page("/consent");

    browser.submit(&again, &[("answer", "allow")]).await.code();
}

/// THREATS UI-12: the decision in a tab applies to the request of that tab.
#[tokio::test]
async fn the_requests_of_two_tabs_are_independent() {
    let server = Server::start().await;
    server.user("ada").await;
    let (one, two) = (server.web_app().await, server.web_app().await);
    let mut browser = Browser::new(&server);
    let first = browser.start_authorization(&AuthorizationRequest::new(&one)).await;
    let second = browser.start_authorization(&AuthorizationRequest::new(&two)).await;
    let first = browser.submit_credentials(&first, "ada").await;
    let second = browser.open(&second.url).await;
    let mut mixed = first.clone();
    mixed.url = second.url.clone();
    let handle = second.url.split_once("request=").unwrap().1;
    let crossed = browser.submit(&mixed, &[("answer", "allow"), ("request", handle)]).await;
    assert_eq!(crossed.response.status, 403, "{crossed:?}");

    browser
        .submit(second.assert_page("/consent"), &[("answer", "deny")])
        .await
        .refused("access_denied");

    let code = browser.submit(first.assert_page("/consent"), &[("answer", "allow")]).await.code();
    server.redeem(&one, &code).await.ok();
}

/// M10: the server determines the next step, whatever page the browser displays.
#[tokio::test]
async fn pages_out_of_order_redirect_to_the_step_that_is_due() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&AuthorizationRequest::new(&client)).await;
    for page in ["/consent", "/select-account", "/login"] {
        browser.open(&login.url.replace("/login", page)).await.assert_page("/login");
    }
    let consent = browser.submit_credentials(&login, "ada").await;
    for page in ["/login", "/select-account", "/consent"] {
        browser.open(&consent.url.replace("/consent", page)).await.assert_page("/consent");
    }
    browser.submit_credentials(&login, "ada").await.assert_page("/consent");

    // A form without a button's value is not a consent.
    let empty = browser.open(&consent.url).await;
    browser.submit(&empty, &[]).await.refused("access_denied");

    for page in ["/login", "/select-account", "/consent"] {
        browser.open(&consent.url.replace("/consent", page)).await.response.assert_error_page(400);
    }
    for broken in ["", "x", "%00", "gw_req_", &"A".repeat(43)] {
        for page in ["/consent", "/select-account"] {
            browser.open(&format!("{page}?request={broken}")).await.response.assert_error_page(400);
        }
    }
    browser.open("/consent").await.response.assert_error_page(400);
}

/// M10: the session is valid even if the authorization request is refused.
#[tokio::test]
async fn a_session_is_created_although_the_request_is_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server.web_app().await;
    let ada = server.obtain_tokens("ada", &client, "openid").await.token("id_token");
    let request = AuthorizationRequest::new(&client).with("id_token_hint", &ada);
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&request).await;

    browser.submit_credentials(&login, "grace").await.refused("login_required");

    browser.open("/account").await.assert_page("/account");
}

/// The sign-in page names the client and the host of its redirect URI. An error appears at the field
/// that it is about, or above all fields.
#[tokio::test]
async fn the_sign_in_page_names_its_destination_and_errors_at_their_field() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);

    let page = browser.start_authorization(&AuthorizationRequest::new(&client)).await;
    let wrong = browser.submit(&page, &[("identifier", "ada"), ("password", "wrong")]).await;
    let stale = browser.submit(&page, &[("csrf", "another"), ("identifier", "ada")]).await;

    let host = "<p class=\"soft host\">app.example</p>";
    assert!(page.assert_page("/login").response.text.contains(host), "{page:?}");
    let before_password = |page: &Page| {
        let text = &page.response.text;
        let problem = text.find("id=\"problem\"").expect("a message");
        problem < text.find("name=\"password\"").expect("a field")
    };
    assert!(!before_password(&wrong), "{wrong:?}");
    assert!(before_password(&stale), "{stale:?}");
    let fields = wrong.response.text.matches("aria-invalid=\"true\" aria-describedby=\"problem\"");
    assert_eq!(fields.count(), 2);
}

/// The images of `[brand]` are served unchanged, and those not configured do not exist.
#[tokio::test]
async fn the_images_of_the_brand_are_served() {
    let folder = std::env::temp_dir().join(format!("gatewright-brand-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let picture = |name: &str| {
        let file = folder.join(name);
        std::fs::write(&file, format!("<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{name}\"/>"))
            .unwrap();
        Some(file)
    };
    let server = Server::with(|config| {
        config.brand.logo = picture("logo.svg");
        config.brand.logo_dark = picture("dark.svg");
    })
    .await;

    let page = Browser::new(&server).open("/").await;
    let dark = page.response.text.split("srcset=\"").nth(1).unwrap().split('"').next().unwrap();
    let response = server.request("GET", dark).send().await.ok();

    assert!(response.text.contains("id=\"dark.svg\""), "{response:?}");
    assert_eq!(response.header("content-type"), "image/svg+xml");
    assert!(response.header("content-security-policy").contains("sandbox"));
    assert!(
        server.request("GET", "/brand/logo").send().await.ok().text.contains("id=\"logo.svg\"")
    );
    for nothing in ["/brand/icon", "/brand/", "/brand/logo.svg", "/brand/page.js"] {
        assert_eq!(server.request("GET", nothing).send().await.status, 404, "{nothing}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// A name in a right-to-left script is isolated in sentences (Unicode Standard Annex 9), so it does not
/// affect the text around it.
#[tokio::test]
async fn a_right_to_left_name_is_isolated_in_sentences() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({
            "client_name": "الصور",
            "redirect_uris": [Client::REDIRECT_URI],
        }))
        .await;
    let mut browser = Browser::new(&server);

    let page = browser.start_authorization(&AuthorizationRequest::new(&client)).await;

    let text = &page.assert_page("/login").response.text;
    assert!(text.contains("<h1>Sign in to \u{2068}الصور\u{2069}</h1>"), "{text}");
    assert!(text.contains("Back to \u{2068}الصور\u{2069}</button>"), "{text}");
}

/// THREATS UI-14: the responses for unknown, disabled and existing accounts are identical.
#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_response() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    server.user("eve").await;
    server.disable_user(&ada).await;
    let sign_in_as = async |name: &str| {
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let page = browser.submit(&login, &[("identifier", name), ("password", "x")]).await;
        let token = page.hidden_fields().into_iter().find(|(name, _)| name == "csrf").unwrap().1;
        let text = page.response.text_without_reference().replace(&token, "…");
        (page.response.status, text.replace(&format!("value=\"{name}\""), "…"))
    };

    let known = sign_in_as("eve").await;

    assert_eq!(known.0, 422);
    for other in ["ada", "bob", "bob@example.org", "\u{202e}eve"] {
        assert_eq!(sign_in_as(other).await, known, "{other}");
    }
}

/// THREATS UI-17, UI-18, UI-19: ten attempts per account, in whatever notation its name is typed and
/// whatever address a client claims.
#[tokio::test]
async fn password_attempts_for_an_account_are_limited() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let sign_in_with = async |name: &str, password: &str| {
        let mut browser = Browser::new(&server);
        let login = browser.open("/login").await;
        let request = browser.form_request(&login, &[("identifier", name), ("password", password)]);
        request.header("x-forwarded-for", &format!("192.0.2.{}", name.len())).send().await
    };
    for name in ["ada", "ADA", "Ada", " ada", "ada ", "\u{ff41}da", "ada", "aDa", "adA", "ADa"] {
        assert_eq!(sign_in_with(name, "wrong").await.status, 422, "{name}");
    }

    let full = sign_in_with("ada", PASSWORD).await;

    assert_eq!(full.status, 429);
    assert!(full.header("retry-after").parse::<u64>().unwrap() > 0);
    let events = server.audit_events("request.refused").await;
    let last = events.last().unwrap();
    assert!(last.facts.contains(ada.id.as_str()), "the event names the account: {}", last.facts);
    server.advance_clock(601);
    assert_eq!(sign_in_with("ada", PASSWORD).await.status, 303);
}

/// THREATS UI-20: browsers do not store pages with personal data.
#[tokio::test]
async fn pages_with_personal_data_are_not_stored_by_the_browser() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    let account = browser.sign_in("ada").await;
    assert_eq!(account.assert_page("/account").response.header("cache-control"), "no-store");
    let confirm = browser.open("/logout").await;

    let request = browser.form_request(&confirm, &[("answer", "yes")]);

    assert_eq!(request.send().await.header("clear-site-data"), "\"cache\"");
}

/// THREATS UI-21; DESIGN §8: a session ends after half an hour without use, and after twelve hours in
/// any case, on every replica.
#[tokio::test]
async fn a_session_ends_when_idle_and_after_twelve_hours() {
    let server = Server::start().await;
    server.user("ada").await;
    let replica = server.replica().await;
    let live = async |server: &Server, browser: &Browser<'_>| {
        let response =
            server.request("GET", "/account").header("cookie", &browser.cookie()).send().await;
        response.status == 200
    };
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    server.advance_clock(29 * 60);
    assert!(live(&replica, &browser).await);
    server.advance_clock(29 * 60);
    assert!(live(&server, &browser).await, "its use extended the session");
    server.advance_clock(30 * 60);
    assert!(!live(&server, &browser).await && !live(&replica, &browser).await);

    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    for _ in 0..35 {
        server.advance_clock(20 * 60);
        assert!(live(&server, &browser).await);
    }
    server.advance_clock(20 * 60);
    assert!(!live(&server, &browser).await, "the session ends after twelve hours");
}

/// THREATS UI-22: users see and end only their own sessions.
#[tokio::test]
async fn users_see_and_end_only_their_own_sessions() {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server.web_app().await;
    let (mut ada, mut other_browser) = (Browser::new(&server), Browser::new(&server));
    let mut grace = Browser::new(&server);
    ada.sign_in("ada").await;
    other_browser.sign_in("ada").await;
    grace.complete_authorization(&AuthorizationRequest::new(&client), "grace").await.code();
    let mut more = Browser::new(&server);
    more.sign_in("grace").await;
    let end = "/account/sessions/end";
    let of_grace = grace.open("/account").await.hidden_fields_of(end);
    let session = of_grace.iter().find(|(name, _)| name == "session").unwrap().1.clone();

    let page = ada.open("/account").await;
    assert!(!page.response.text.contains(&session) && !page.response.text.contains("grace"));
    for other in [session.as_str(), "x"] {
        ada.submit_on_account_page(end, &[("session", other)]).await.assert_page("/account");
    }
    ada.submit_on_account_page(end, &[("session", "%00")]).await.assert_page("/account");
    let not_hers = [("client_id", client.id.as_str())];
    ada.submit_on_account_page("/account/applications/withdraw", &not_hers)
        .await
        .assert_page("/account");
    ada.submit_on_account_page("/account/sessions/end-others", &[]).await.assert_page("/account");

    assert!(other_browser.open("/account").await.url.starts_with("/login"));
    more.open("/account").await.assert_page("/account");
    let page = grace.open("/account").await;
    grace.submit_to(end, &page, &[]).await.assert_page("/account");
    assert!(more.open("/account").await.url.starts_with("/login"));
    grace.start_authorization(&AuthorizationRequest::new(&client)).await.code();
}

/// Issue: withdraw an application, which revokes its tokens.
#[tokio::test]
async fn withdrawing_an_application_revokes_its_tokens() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let request = AuthorizationRequest::new(&client).with("scope", "openid offline_access");
    let code = browser.complete_authorization(&request, "ada").await.code();
    let tokens = server.redeem(&client, &code).await.ok();
    let pending = browser.start_authorization(&request).await.code();

    let page = browser.open("/account").await;
    assert!(page.response.text.contains("Photos"));
    let page = browser.submit_to("/account/applications/withdraw", &page, &[]).await;

    assert!(!page.assert_page("/account").response.text.contains("id=\"application-"), "{page:?}");
    server.userinfo(&tokens.token("access_token")).await.refused(401, "invalid_token");
    let refreshed = server.refresh(&client, &tokens.token("refresh_token"), "").await;
    refreshed.refused(400, "invalid_grant");
    server.redeem(&client, &pending).await.refused(400, "invalid_grant");
}

/// Issue: a new password ends all other sessions; a refused one is explained, and changes nothing.
#[tokio::test]
async fn changing_a_password_requires_the_current_one() {
    let server = Server::start().await;
    server.user("ada").await;
    let (mut browser, mut other) = (Browser::new(&server), Browser::new(&server));
    browser.sign_in("ada").await;
    other.sign_in("ada").await;
    let change = async |browser: &mut Browser<'_>, current: &str, new: &str, again: &str| {
        let fields = [("current", current), ("new", new), ("again", again)];
        browser.submit_on_account_page("/account/password", &fields).await.response.status
    };

    for (current, new, again) in [
        ("wrong", NEW, NEW),
        (PASSWORD, NEW, "different"),
        (PASSWORD, PASSWORD, PASSWORD),
        (PASSWORD, "short", "short"),
        (PASSWORD, "", ""),
        (PASSWORD, "passwordpassword", "passwordpassword"),
    ] {
        assert_eq!(change(&mut browser, current, new, again).await, 422, "{new}");
    }
    other.open("/account").await.assert_page("/account");

    assert_eq!(change(&mut browser, PASSWORD, NEW, NEW).await, 200);

    browser.open("/account").await.assert_page("/account");
    assert!(other.open("/account").await.url.starts_with("/login"));
    let login = other.open("/login").await;
    assert_eq!(
        other.submit_credentials(&login, "ada").await.response.status,
        422,
        "the old password is wrong"
    );
}

/// THREATS UI-23: there is no registration and no password reset.
#[tokio::test]
async fn there_is_no_self_registration() {
    let server = Server::start().await;

    for path in ["/register", "/signup", "/account/new", "/login/new", "/reset", "/account/email"] {
        let response = server.post(path, "username=eve&password=x").await;
        assert_eq!(response.status, 404, "{path}");
    }
}

/// A form with an expired token is displayed again, with a valid one.
#[tokio::test]
async fn an_expired_form_is_displayed_again() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&AuthorizationRequest::new(&client)).await;
    let stale = [("identifier", "ada"), ("password", PASSWORD), ("csrf", "old")];

    let again = browser.submit(&login, &stale).await;

    assert_eq!(again.response.status, 403);
    assert!(
        !again.response.text.contains(PASSWORD) && again.response.text.contains("value=\"ada\"")
    );
    // Values from a form of another site are not displayed.
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(stale.iter().chain(&[("request", "")]))
            .finish();
        let request = server.request("POST", "/login").header(name, value).form(&form);
        let response = request.header("cookie", &browser.cookie()).send().await;
        assert_eq!(response.status, 403, "{response:?}");
        assert!(!response.text.contains("value=\"ada\""), "{response:?}");
    }
    let consent = browser.submit_credentials(&again, "ada").await;
    let done = browser.submit(consent.assert_page("/consent"), &[("answer", "allow")]).await;
    assert_eq!(done.parameter("state"), STATE);
}

/// A browser without cookies gets an explanation, and no redirect loop.
#[tokio::test]
async fn a_browser_without_cookies_gets_an_explanation() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    let login =
        browser.start_authorization(&AuthorizationRequest::new(&server.web_app().await)).await;
    browser.cookies.clear();

    let page = browser.submit_credentials(&login, "ada").await;

    assert_eq!(page.response.status, 403);
    assert!(page.response.text.contains("cookies"), "{page:?}");
}
