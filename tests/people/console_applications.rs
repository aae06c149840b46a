//! The console's pages of applications: what each role sees and does, over HTTP.

use gatewright::admin::{Administrator, Authority, role};
use gatewright::store::sql;
use gatewright::types::{ClientId, Holder, Role};
use serde_json::json;

use kit::browser::{Browser, Page};
use kit::http::Response;
use kit::server::{Client, ISSUER, Server};

const MINUTE: i64 = 60;

/// The browser of a user with this role, signed in.
pub(crate) async fn administrator<'a>(server: &'a Server, name: &str, role: Role) -> Browser<'a> {
    let user = server.user(name).await;
    let operator = Administrator::new(Authority::Operator, server.trace());
    let call = server.app().administration(&operator);
    role::grant(&call, &Holder::User(user.id), role).await.unwrap();
    let mut browser = Browser::new(server);
    browser.sign_in(name).await.assert_page("/account");
    browser
}

/// The value of a hidden field.
fn hidden(page: &Page, name: &str) -> Option<String> {
    let text = &page.response.text;
    let value = text.split_once(&format!("name=\"{name}\" value=\""))?.1;
    Some(value.split_once('"').unwrap().0.to_owned())
}

/// Sends the form of a page with these fields, to the address of the page.
pub(crate) async fn send(
    browser: &mut Browser<'_>,
    page: &Page,
    fields: &[(&str, &str)],
) -> Response {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for name in ["csrf", "form", "version", "seen"] {
        if let Some(value) = hidden(page, name) {
            form.append_pair(name, &value);
        }
    }
    let body = form.extend_pairs(fields).finish();
    let request = browser.server().request("POST", &page.url).form(&body);
    let request = request.header("origin", ISSUER).header("sec-fetch-site", "same-origin");
    browser.send(request).await
}

/// The settings of [`Server::web_app`], as its form has them.
const SETTINGS: &[(&str, &str)] = &[
    ("client_name", "Photos"),
    ("redirect_uris", Client::REDIRECT_URI),
    ("grant_types", "authorization_code"),
    ("grant_types", "refresh_token"),
    ("scope", "openid profile email address phone offline_access"),
    ("token_endpoint_auth_method", "client_secret_basic"),
    ("gw_require_pkce", "true"),
    ("gw_id_token_claims", "requested"),
];

/// [`SETTINGS`] with another value of a field.
fn settings<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = SETTINGS.iter().copied().filter(|(other, _)| *other != name);
    others.chain([(name, value)]).collect()
}

fn path(client: &Client, page: &str) -> String {
    format!("/admin/applications/{}{page}", client.id)
}

/// The text after a label of the page with new credentials.
fn value(page: &Response, label: &str) -> String {
    let rest = page.text.split_once(&format!("<dt>{label}</dt>")).expect(label).1;
    let rest = rest.split_once("<code class=\"whole\">").unwrap().1;
    rest.split_once("</code>").unwrap().0.to_owned()
}

#[tokio::test]
async fn an_administrator_registers_an_application_that_works() {
    let server = Server::start().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let kinds = ada.open("/admin/applications/new").await;
    assert!(kinds.assert_page("/admin/applications/new").response.text.contains("?kind=service"));
    let form = ada.open("/admin/applications/new?kind=service").await;

    let fields = [("client_name", "Nightly"), ("scope", "invoices.read")];
    let registered = send(&mut ada, &form, &fields).await.ok();

    assert_eq!(
        value(&registered, "Discovery URL"),
        format!("{ISSUER}/.well-known/openid-configuration")
    );
    let client =
        Client { id: value(&registered, "client_id"), secret: value(&registered, "client_secret") };
    assert!(!server.client_credentials_token(&client).await.is_empty());
    let list = ada.open("/admin/applications?q=night").await;
    assert!(list.response.text.contains(&client.id), "found by the beginning of the name");
    let list = ada.open(&format!("/admin/applications?q={}", client.id)).await;
    assert!(list.response.text.contains("<bdi>Nightly</bdi>"), "found by the client_id");
    let detail = ada.open(&path(&client, "/integrate")).await;
    assert!(detail.response.text.contains(&format!("--user {}", client.id)));
    assert!(!detail.response.text.contains(&client.secret), "THREATS AD-06");
}

#[tokio::test]
async fn each_kind_has_the_safe_settings_that_fit_it() {
    let server = Server::start().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let people = [("redirect_uris", "https://app.example/cb"), ("scope", "openid")];
    let spa = [people[0], people[1], ("gw_allowed_origins", "https://app.example")];
    let native = [("redirect_uris", "org.example.app:/cb"), ("scope", "openid")];
    for (kind, fields, method, grants) in [
        ("web", &people[..], "client_secret_basic", "authorization_code refresh_token"),
        ("spa", &spa[..], "none", "authorization_code refresh_token"),
        ("native", &native[..], "none", "authorization_code refresh_token"),
        ("service", &[], "client_secret_basic", "client_credentials"),
    ] {
        let form = ada.open(&format!("/admin/applications/new?kind={kind}")).await;
        let fields = [fields, &[("client_name", kind)]].concat();

        let page = send(&mut ada, &form, &fields).await.ok();

        let client = Client { id: value(&page, "client_id"), secret: String::new() };
        let metadata = server.find_client(&client).await.metadata;
        assert_eq!(metadata.token_endpoint_auth_method.as_str(), method, "{kind}");
        let have: Vec<_> = metadata.grant_types.iter().map(|grant| grant.as_str()).collect();
        assert_eq!(have.join(" "), grants, "{kind}");
        assert!(metadata.gw_require_pkce, "{kind}");
        assert_eq!(page.text.contains("client_secret"), method != "none", "{kind}");
    }
}

#[tokio::test]
async fn a_refused_registration_keeps_what_was_typed_and_says_why() {
    let server = Server::start().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let form = ada.open("/admin/applications/new?kind=web").await;

    let fields = [
        ("client_name", "Photos"),
        ("redirect_uris", "http://photos.example/cb"),
        ("scope", "openid"),
    ];
    let page = send(&mut ada, &form, &fields).await.ok();

    assert!(page.text.contains("role=\"alert\""), "{page:?}");
    assert!(page.text.contains("<code>redirect_uri</code> <code>http://photos.example/cb</code>"));
    assert!(page.text.contains("name=\"client_name\" value=\"Photos\""), "{page:?}");
    assert!(server.audit_events("client.created").await.is_empty());
}

#[tokio::test]
async fn a_second_click_registers_nothing_twice() {
    let server = Server::start().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let form = ada.open("/admin/applications/new?kind=service").await;
    let fields = [("client_name", "Nightly")];
    send(&mut ada, &form, &fields).await.ok();

    let second = send(&mut ada, &form, &fields).await;

    assert_eq!(second.status, 303);
    assert!(second.header("location").contains("/admin/applications?done=repeated&q=Nightly"));
    assert_eq!(server.audit_events("client.created").await.len(), 1);
}

#[tokio::test]
async fn an_administrator_changes_the_settings() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let page = ada.open(&path(&client, "")).await;
    assert!(page.response.text.contains(Client::REDIRECT_URI));

    let new = "https://app.example/cb\r\nhttps://new.example/cb";
    let saved = send(&mut ada, &page, &settings("redirect_uris", new)).await;

    assert!(saved.header("location").ends_with("?done=saved"), "{saved:?}");
    server.app().confirm().await.unwrap();
    let changed = server.find_client(&client).await;
    assert_eq!(
        changed.metadata.redirect_uris,
        ["https://app.example/cb", "https://new.example/cb"]
    );
    assert_eq!(changed.metadata.client_name, "Photos", "the rest stays");
    let history = ada.open(&path(&client, "/history")).await.response.text;
    assert!(
        history.contains("client.updated") && history.contains("<td><bdi>ada</bdi></td>"),
        "{history}"
    );
}

/// RFC 7591 §2.1: the response types follow from the grant types, which the form has a field for.
#[tokio::test]
async fn a_service_becomes_an_application_with_users() {
    let server = Server::start().await;
    let client = server.service().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let page = ada.open(&path(&client, "")).await;

    let saved = send(&mut ada, &page, SETTINGS).await;

    assert!(saved.header("location").ends_with("?done=saved"), "{saved:?}");
}

/// THREATS AD-05: nobody changes, or gets a secret of, a client that may do more than they may.
#[tokio::test]
async fn an_administrator_cannot_touch_the_client_of_an_owner() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let operator = Administrator::new(Authority::Operator, server.trace());
    let holder = Holder::Client(ClientId::from_text(&client.id));
    let call = server.app().administration(&operator);
    role::grant(&call, &holder, Role::Owner).await.unwrap();
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let settings_page = ada.open(&path(&client, "")).await;
    let version = hidden(&settings_page, "version").unwrap();
    let rotation = path(&client, &format!("/secrets/new?overlap=0&version={version}"));

    for (target, fields) in [
        (path(&client, ""), settings("client_name", "Mine")),
        (path(&client, "/disable"), Vec::new()),
        (path(&client, "/delete"), Vec::new()),
        (rotation, Vec::new()),
    ] {
        let page = ada.open(&target).await;
        let refused = send(&mut ada, &page, &fields).await.ok();
        assert!(refused.text.contains("role=\"alert\""), "{target}: {refused:?}");
        assert!(!refused.text.contains("client_secret</dt>"), "{target}");
    }
    assert_eq!(server.find_client(&client).await.version, 1);
    assert!(server.audit_events("client.deleted").await.is_empty());
}

/// THREATS AD-04: a form that changes nothing is no change.
#[tokio::test]
async fn settings_that_are_stored_already_are_not_saved_again() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let before = server.find_client(&client).await.version;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let page = ada.open(&path(&client, "")).await;
    let scope = server.find_client(&client).await.metadata.scope;

    let saved = send(&mut ada, &page, &settings("scope", &scope)).await;

    assert!(saved.header("location").ends_with("?done=unchanged"), "{saved:?}");
    server.app().confirm().await.unwrap();
    assert_eq!(server.find_client(&client).await.version, before);
    assert!(server.audit_events("client.updated").await.is_empty());
}

/// THREATS AD-10: a form from before another change adds nothing back, and loses nothing that was typed.
#[tokio::test]
async fn a_stale_form_changes_nothing_and_keeps_what_was_typed() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let mut grace = administrator(&server, "grace", Role::Administrator).await;
    let stale = ada.open(&path(&client, "")).await;
    let page = grace.open(&path(&client, "")).await;
    let saved = send(&mut grace, &page, &settings("redirect_uris", "https://new.example/cb")).await;
    assert_eq!(saved.status, 303);

    let refused = send(&mut ada, &stale, &settings("client_name", "Albums")).await.ok();
    let again = Page { url: stale.url.clone(), response: refused.clone() };
    let refused_again = send(&mut ada, &again, &settings("client_name", "Albums")).await.ok();

    for page in [&refused, &refused_again] {
        assert!(page.text.contains("Somebody changed this application"), "{page:?}");
        assert!(page.text.contains("name=\"client_name\" value=\"Albums\""));
        let stored = "<code>redirect_uris</code> <code>https://new.example/cb</code>";
        assert!(page.text.contains(stored), "what is stored now is named");
    }
    server.app().confirm().await.unwrap();
    let metadata = server.find_client(&client).await.metadata;
    assert_eq!(metadata.client_name, "Photos");
    assert_eq!(metadata.redirect_uris, ["https://new.example/cb"]);
}

#[tokio::test]
async fn all_metadata_can_be_replaced_except_what_the_server_sets() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let page = ada.open(&path(&client, "/metadata")).await;
    let document = |member: &str, value: serde_json::Value| {
        let mut metadata =
            json!({ "redirect_uris": [Client::REDIRECT_URI], "software_version": "2" });
        metadata[member] = value;
        metadata.to_string()
    };

    for (member, value) in [
        ("client_id", json!(client.id)),
        ("gw_secrets", json!([])),
        ("client_id_issued_at", json!(0)),
        ("client_secret", json!("x")),
        ("is_admin", json!(true)),
    ] {
        let text = document(member, value);
        let refused = send(&mut ada, &page, &[("document", &text)]).await.ok();
        assert!(refused.text.contains("role=\"alert\""), "THREATS AD-03 {member}: {refused:?}");
        assert!(refused.text.contains("software_version"), "what was typed is kept");
    }
    let text = document("client_name", json!("Albums"));
    let saved = send(&mut ada, &page, &[("document", &text)]).await;

    assert!(saved.header("location").ends_with("?done=saved"), "{saved:?}");
    server.app().confirm().await.unwrap();
    let metadata = server.find_client(&client).await.metadata;
    assert_eq!(metadata.client_name, "Albums");
    assert_eq!(metadata.software_version.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_new_secret_is_shown_once_and_the_old_one_ends_after_the_overlap() {
    let server = Server::start().await;
    let client = server.service().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let secrets = ada.open(&path(&client, "/secrets")).await;
    let version = hidden(&secrets, "version").unwrap();
    let target = path(&client, &format!("/secrets/new?overlap=3600&version={version}"));
    let ask = ada.open(&target).await;
    assert!(ask.response.text.contains("stays valid for 1 hour"), "{ask:?}");

    let page = send(&mut ada, &ask, &[]).await.ok();
    let second_click = send(&mut ada, &ask, &[]).await;

    let rotated = Client { secret: value(&page, "client_secret"), ..client.clone() };
    assert!(second_click.header("location").ends_with("/secrets?done=repeated"));
    assert_eq!(server.audit_events("client.secret_rotated").await.len(), 1);
    server.app().confirm().await.unwrap();
    server.client_credentials_token(&client).await;
    server.client_credentials_token(&rotated).await;
    server.advance_clock(3600);
    server.client_credentials_token(&rotated).await;
    let old = server.post_as(&client, "/token", "grant_type=client_credentials").await;
    old.refused(401, "invalid_client");
}

#[tokio::test]
async fn an_application_is_disabled_enabled_and_deleted_after_a_question() {
    let server = Server::start().await;
    let client = server.service().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let mut confirm = async |page: &str| {
        let ask = ada.open(&path(&client, page)).await;
        assert!(ask.response.text.contains("class=\"consequences\""), "{ask:?}");
        let done = send(&mut ada, &ask, &[]).await;
        assert_eq!(done.status, 303, "{done:?}");
        server.app().confirm().await.unwrap();
        server.post_as(&client, "/token", "grant_type=client_credentials").await.status
    };

    assert_eq!(confirm("/disable").await, 401);
    assert_eq!(confirm("/enable").await, 200);
    assert_eq!(confirm("/delete").await, 401);

    assert_eq!(ada.open(&path(&client, "")).await.response.status, 404);
}

/// THREATS AD-01: an auditor reads everything and changes nothing.
#[tokio::test]
async fn an_auditor_sees_applications_and_cannot_change_them() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let mut grace = administrator(&server, "grace", Role::Auditor).await;

    for page in ["", "/metadata", "/integrate", "/secrets", "/refusals", "/history"] {
        let page = grace.open(&path(&client, page)).await;
        let text = page.response.clone().ok().text;
        let (_, main) = text.split_once("<main").unwrap();
        assert!(!main.contains("method=\"post\""), "{page:?}");
        assert!(!main.contains("class=\"button primary\""), "{page:?}");
    }
    let list = grace.open("/admin/applications").await.response.ok().text;
    assert!(list.contains(&client.id) && !list.contains("/admin/applications/new"));
    let csrf = administrator(&server, "ada", Role::Owner).await.open(&path(&client, "")).await;
    for page in ["", "/metadata", "/disable", "/enable", "/delete", "/secrets/new?overlap=0"] {
        let target = Page { url: path(&client, page), response: csrf.response.clone() };
        assert_eq!(send(&mut grace, &target, SETTINGS).await.status, 403, "{page}");
    }
    for page in ["/disable", "/enable", "/delete", "/secrets/new?overlap=0"] {
        assert_eq!(grace.open(&path(&client, page)).await.response.status, 403, "{page}");
    }
    assert_eq!(grace.open("/admin/applications/new").await.response.status, 403);
    assert_eq!(server.find_client(&client).await.version, 1);
}

#[tokio::test]
async fn a_user_without_a_role_is_refused_and_a_stranger_signs_in() {
    let server = Server::start().await;
    let client = server.web_app().await;
    server.user("eve").await;
    let mut eve = Browser::new(&server);
    let login = eve.open("/admin/applications").await;
    login.assert_page("/login");

    eve.sign_in("eve").await.assert_page("/account");

    for page in ["/admin/applications", "/admin/applications/new", &path(&client, "")] {
        let denied = eve.open(page).await;
        assert_eq!(denied.response.status, 403);
        assert!(!denied.response.text.contains(&client.id), "THREATS AD-01");
    }
}

/// THREATS AD-11, UI-01.
#[tokio::test]
async fn a_foreign_form_is_refused() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let mut ada = administrator(&server, "ada", Role::Owner).await;
    let mut grace = administrator(&server, "grace", Role::Owner).await;
    let page = ada.open(&path(&client, "/disable")).await;
    let csrf = hidden(&page, "csrf").unwrap();

    let mut refused = Vec::new();
    for (origin, site) in [("https://evil.example", "cross-site"), (ISSUER, "same-site")] {
        let request = server.request("POST", &page.url).form(&format!("csrf={csrf}"));
        let request = request.header("origin", origin).header("sec-fetch-site", site);
        refused.push(ada.send(request).await);
    }
    refused.push(send(&mut grace, &page, &[]).await);
    let request = server.request("POST", &page.url).form("csrf=");
    refused.push(ada.send(request.header("sec-fetch-site", "same-origin")).await);

    assert_eq!(refused.iter().map(|page| page.status).collect::<Vec<_>>(), [403; 4]);
    assert!(server.audit_events("client.disabled").await.is_empty());
}

/// THREATS UI-08, AD-11: what others register cannot act in the page of an administrator.
#[tokio::test]
async fn a_hostile_name_is_shown_as_text() {
    let server = Server::start().await;
    let name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let client = server.web_app_with(json!({ "client_name": name })).await;
    let mut ada = administrator(&server, "ada", Role::Owner).await;

    for target in [
        "/admin/applications".to_owned(),
        "/admin/applications?q=%22%3E%3Cscript%3E".to_owned(),
        path(&client, ""),
        path(&client, "/metadata"),
        path(&client, "/integrate"),
        path(&client, "/history"),
        path(&client, "/delete"),
    ] {
        let text = ada.open(&target).await.response.ok().text;
        assert!(!text.contains("<script>"), "{target}: {text}");
        assert!(!text.contains("<img src"), "{target}");
    }
    let text = ada.open(&path(&client, "")).await.response.text;
    assert!(text.contains("<h1><bdi>&#60;script&#62;"), "{text}");
}

/// THREATS AD-11: a sensitive action needs a sign-in of the last five minutes, before anything is typed.
#[tokio::test]
async fn a_sensitive_action_asks_for_a_new_sign_in() {
    let server = Server::start().await;
    let client = server.service().await;
    let mut ada = administrator(&server, "ada", Role::Owner).await;
    let ask = ada.open(&path(&client, "/delete")).await;
    server.advance_clock(6 * MINUTE);

    for page in ["/delete", "/secrets/new?overlap=0"] {
        let login = ada.open(&path(&client, page)).await;
        assert!(login.assert_page("/login").url.contains("confirm=1"), "{login:?}");
    }
    let late = send(&mut ada, &ask, &[]).await;
    assert!(
        late.header("location").contains("/login?")
            && late.header("location").contains("confirm=1")
    );

    assert!(server.audit_events("client.deleted").await.is_empty());
    ada.open(&path(&client, "/disable")).await.response.ok();
}

/// Lists are read by page, sorted by name, whatever the number of applications.
#[tokio::test]
async fn applications_are_listed_by_name_a_page_at_a_time() {
    let server = Server::start().await;
    for number in (0..60).rev() {
        let name = if number % 2 == 0 { "Äpfel" } else { "äpfel" };
        server.web_app_with(json!({ "client_name": format!("{name} {number:02}") })).await;
    }
    server.web_app_with(json!({ "client_name": "Zebra" })).await;
    let mut ada = administrator(&server, "ada", Role::Auditor).await;
    let names = |text: &str| {
        let names = text.split("<a class=\"main\"").skip(1);
        let name = |rest: &str| {
            rest.split_once("<bdi>").unwrap().1.split_once("</bdi>").unwrap().0.to_lowercase()
        };
        names.map(name).collect::<Vec<_>>()
    };
    let expected: Vec<_> = (0..60).map(|number| format!("äpfel {number:02}")).collect();

    let first = ada.open("/admin/applications?q=%C3%A4PFEL").await.response.ok().text;
    let next = first.split_once("rel=\"next\"").unwrap().0.rsplit_once("href=\"?").unwrap().1;
    let next = next.split_once('"').unwrap().0.replace("&#38;", "&");
    let second = ada.open(&format!("/admin/applications?{next}")).await.response.ok().text;

    assert_eq!(names(&first), expected[..50]);
    assert_eq!(names(&second), expected[50..]);
    assert!(!second.contains("rel=\"next\""));
    let nothing = ada.open("/admin/applications?q=%25").await.response.ok().text;
    assert!(nothing.contains("No application was found"), "THREATS AD-08");
}

/// A replica of an older version registers applications without the sorted name.
#[tokio::test]
async fn applications_of_an_older_replica_are_listed_too() {
    let server = Server::start().await;
    let client = server.web_app().await;
    sql("UPDATE clients SET name_key = NULL").execute(server.app().store.db()).await.unwrap();
    let mut ada = administrator(&server, "ada", Role::Auditor).await;

    let list = ada.open("/admin/applications?q=photos").await.response.ok().text;

    assert!(list.contains(&client.id), "{list}");
}
