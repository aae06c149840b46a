//! The console's pages of APIs: what each role sees and does, over HTTP.

use gatewright::types::Role;
use serde_json::json;

use kit::browser::Page;
use kit::server::Server;

use super::console_applications::{administrator, send};

const API: &str = "https://api.example/invoices";

/// The path of [`API`]: its identifier in base64url.
const PATH: &str = "/admin/apis/aHR0cHM6Ly9hcGkuZXhhbXBsZS9pbnZvaWNlcw";

async fn invoices(server: &Server) {
    server
        .create_resource_from(json!({
            "id": API,
            "name": "Invoices",
            "scopes": [{ "name": "invoices.read", "text": "Read invoices", "text#de": "Rechnungen lesen" }],
        }))
        .await;
}

const FORM: &[(&str, &str)] = &[
    ("name", "Invoices"),
    ("scope.0", "invoices.read"),
    ("text.0", "Read invoices"),
    ("scope.1", "invoices.pay"),
    ("text.1", "Pay invoices"),
    ("sensitive.1", "true"),
    ("access_token_lifetime", "300"),
];

#[tokio::test]
async fn an_administrator_registers_changes_and_deletes_an_api() {
    let server = Server::start().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let form = ada.open("/admin/apis/new").await;

    let registered = send(&mut ada, &form, &[FORM, &[("id", API)]].concat()).await;

    assert!(
        registered.header("location").ends_with(&format!("{PATH}?done=created")),
        "{registered:?}"
    );
    let page = ada.open(PATH).await;
    let text = &page.response.clone().ok().text;
    assert!(
        text.contains("value=\"invoices.pay\"")
            && text.contains("name=\"sensitive.1\" value=\"true\" checked")
    );
    assert!(text.contains("name=\"access_token_lifetime\" value=\"300\""));
    let changes = [("name", "Bills"), ("scope.0", "invoices.read"), ("text.0", "Read bills")];
    let saved = send(&mut ada, &page, &changes).await;
    assert!(saved.header("location").ends_with("?done=saved"), "{saved:?}");
    let text = ada.open(PATH).await.response.ok().text;
    assert!(text.contains("<bdi>Bills</bdi>") && !text.contains("invoices.pay"), "{text}");
    assert!(
        text.contains("name=\"access_token_lifetime\" value=\"\""),
        "the server's default again"
    );
    let ask = ada.open(&format!("{PATH}/delete")).await;
    assert!(ask.response.text.contains("class=\"consequences\""));
    assert_eq!(send(&mut ada, &ask, &[]).await.status, 303);
    assert_eq!(ada.open(PATH).await.response.status, 404);
    assert_eq!(server.audit_events("resource.deleted").await.len(), 1);
}

#[tokio::test]
async fn a_refused_api_keeps_what_was_typed_and_says_why() {
    let server = Server::start().await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let form = ada.open("/admin/apis/new").await;

    for (wrong, fact) in [
        (("scope.2", "openid"), "<code>scope</code> <code>openid</code>"),
        (("text.2", "A text without a scope"), "role=\"alert\""),
        (("access_token_lifetime", "soon"), "<code>access_token_lifetime</code> <code>soon</code>"),
    ] {
        let mut fields: Vec<_> =
            FORM.iter().copied().filter(|(name, _)| *name != wrong.0).collect();
        fields.extend([("id", API), wrong, ("text.2x", "")]);
        let page = send(&mut ada, &form, &fields).await.ok();
        assert!(page.text.contains(fact), "{wrong:?}: {page:?}");
        assert!(page.text.contains("value=\"invoices.pay\""), "{page:?}");
        assert!(page.text.contains(&format!("value=\"{}\"", wrong.1)), "{wrong:?}");
    }
    assert!(server.audit_events("resource.created").await.is_empty());
}

#[tokio::test]
async fn more_rows_are_added_without_saving() {
    let server = Server::start().await;
    invoices(&server).await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let page = ada.open(PATH).await;

    let more = send(&mut ada, &page, &[FORM, &[("more", "1")]].concat()).await.ok();

    assert!(more.text.contains("name=\"scope.4\"") && more.text.contains("value=\"invoices.pay\""));
    assert!(server.audit_events("resource.updated").await.is_empty());
}

/// THREATS AD-10.
#[tokio::test]
async fn a_stale_form_changes_nothing_and_keeps_what_was_typed() {
    let server = Server::start().await;
    invoices(&server).await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let stale = ada.open(PATH).await;
    server.update_resource(json!({ "id": API, "name": "Bills" })).await;

    let refused = send(&mut ada, &stale, FORM).await.ok();

    assert!(refused.text.contains("Somebody changed this API"), "{refused:?}");
    assert!(refused.text.contains("value=\"invoices.pay\""));
    let text = ada.open(PATH).await.response.ok().text;
    assert!(text.contains("<bdi>Bills</bdi>") && !text.contains("invoices.pay"));
}

#[tokio::test]
async fn a_text_that_stays_keeps_its_translations() {
    let server = Server::start().await;
    invoices(&server).await;
    let mut ada = administrator(&server, "ada", Role::Administrator).await;
    let page = ada.open(PATH).await;

    assert_eq!(send(&mut ada, &page, FORM).await.status, 303);

    let all = gatewright::store::resources::all(server.app().store.db()).await.unwrap();
    let api = all.iter().find(|api| api.id.as_str() == API).unwrap();
    assert_eq!(api.scopes[0].text_in("de"), "Rechnungen lesen");
    assert!(api.scopes[1].sensitive);
}

/// THREATS AD-01, UI-08.
#[tokio::test]
async fn an_auditor_sees_apis_and_cannot_change_them() {
    let server = Server::start().await;
    let hostile = json!({
        "id": API,
        "name": "<script>alert(1)</script>",
        "scopes": [{ "name": "a", "text": "\"><img src=x>" }],
    });
    server.create_resource_from(hostile).await;
    let mut grace = administrator(&server, "grace", Role::Auditor).await;
    let form = administrator(&server, "ada", Role::Owner).await.open(PATH).await;

    for target in ["/admin/apis", PATH] {
        let text = grace.open(target).await.response.ok().text;
        let main = text.split_once("<main").unwrap().1;
        assert!(!main.contains("method=\"post\"") && !main.contains("class=\"button primary\""));
        assert!(!text.contains("<script>") && !text.contains("<img"), "{text}");
    }
    for target in ["/admin/apis/new".to_owned(), PATH.to_owned(), format!("{PATH}/delete")] {
        let page = Page { url: target.clone(), response: form.response.clone() };
        assert_eq!(send(&mut grace, &page, FORM).await.status, 403, "{target}");
    }
    for nothing in ["/admin/apis/aHR0cHM6Ly8", "/admin/apis/!!", "/admin/apis/%2e%2e"] {
        assert_eq!(grace.open(nothing).await.response.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn an_api_is_deleted_after_a_new_sign_in() {
    let server = Server::start().await;
    invoices(&server).await;
    let mut ada = administrator(&server, "ada", Role::Owner).await;
    server.advance_clock(360);

    let login = ada.open(&format!("{PATH}/delete")).await;

    assert!(login.assert_page("/login").url.contains("confirm=1"), "{login:?}");
}
