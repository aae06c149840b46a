//! Web applications with sign-in.

use serde_json::{Value, json};
use tokio::process::Command;

use crate::application::{Application, Response};
use crate::browser::Browser;
use crate::server::Server;

use super::apache::{self, Apache};
use super::program::{Program, go, java, node, python};

#[tokio::test]
async fn requests_oauthlib_for_python() {
    check_sign_in(python("python/requests_oauthlib_app.py"), "/callback", json!({}), "").await;
}

#[tokio::test]
async fn mozilla_django_oidc_for_python() {
    check_sign_in(python("python/django_app.py"), "/oidc/callback/", json!({}), "").await;
}

#[tokio::test]
async fn passport_openidconnect_for_javascript() {
    let metadata = json!({
        "token_endpoint_auth_method": "client_secret_post",
        "gw_require_pkce": false,
    });
    check_sign_in(node("node/passport.mjs"), "/callback", metadata, "").await;
}

#[tokio::test]
async fn express_openid_connect_for_javascript() {
    check_sign_in(node("node/express-openid-connect.mjs"), "/callback", json!({}), "").await;
}

#[tokio::test]
async fn auth_js_for_javascript() {
    let callback = "/auth/callback/gatewright";
    check_sign_in(node("node/auth-js.mjs"), callback, json!({}), "/auth/signin/gatewright").await;
}

#[tokio::test]
async fn spring_boot_for_java() {
    let callback = "/login/oauth2/code/gatewright";
    check_sign_in(java("java/SpringClient.java"), callback, json!({}), "").await;
}

#[tokio::test]
async fn go_oidc_for_go() {
    check_sign_in(go("oidc").await, "/callback", json!({}), "").await;
}

#[tokio::test]
async fn goth_for_go() {
    let metadata = json!({ "gw_require_pkce": false, "gw_require_nonce": false });
    check_sign_in(go("goth").await, "/callback", metadata, "").await;
}

/// Apache authenticates the user and passes the claims to the application behind it.
#[tokio::test]
async fn mod_auth_openidc_for_apache() {
    let mut server = Server::start().await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let port = crate::free_port();
    let origin = format!("http://localhost:{port}");
    let client = register(&server, json!({}), &format!("{origin}/callback")).await;
    let settings = [
        ("ISSUER", &*server.issuer),
        ("CLIENT_ID", &client.id),
        ("CLIENT_SECRET", &client.secret),
        ("ORIGIN", &origin),
        ("PASSPHRASE", "what nobody guesses"),
        ("UPSTREAM", &apache::application().await),
    ];
    let apache = Apache { module: "auth_openidc", recipe: "apache/mod_auth_openidc.conf" };
    let apache = apache.start(&server.installation.directory, port, &settings).await;

    let page = browser.open(&apache.url, "").await;

    assert_eq!(page.status, 200, "{page:?}\n{}", apache.output());
    assert_eq!(page.body["email"], "ada@example.org", "{page:?}");
    let spoofing = crate::http().get(&apache.url).header("cookie", browser.cookies());
    let spoofing = spoofing.header("OIDC_CLAIM_email", "root@example.org");
    let page = Response::send(spoofing).await.unwrap();
    assert_eq!(page.body["email"], "ada@example.org", "{page:?}");
    apache.stop().await;
    server.stop().await;
}

/// Signs a user in to an application that displays the claims at `/`. `press` occurs in the form with
/// which the application starts the sign-in, if it has one.
async fn check_sign_in(recipe: Command, callback: &str, metadata: Value, press: &str) {
    let mut server = Server::start().await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let port = crate::free_port();
    let redirect_uri = format!("http://localhost:{port}{callback}");
    let client = register(&server, metadata, &redirect_uri).await;
    let settings =
        [("ISSUER", &*server.issuer), ("CLIENT_ID", &client.id), ("CLIENT_SECRET", &client.secret)];
    let directory = &server.installation.directory;
    let application = Program::start(recipe, port, directory, &settings).await;

    for visit in ["the first", "a later"] {
        let page = browser.open(&application.url, press).await;

        assert_eq!(page.status, 200, "{visit}: {page:?}\n{}", application.output());
        assert_eq!(page.body["email"], "ada@example.org", "{visit}: {page:?}");
    }
    application.stop().await;
    server.stop().await;
}

/// Registers a client with this redirect URI.
async fn register(server: &Server, mut metadata: Value, redirect_uri: &str) -> Application {
    metadata["client_name"] = "Recipe".into();
    metadata["redirect_uris"] = json!([redirect_uri]);
    metadata["grant_types"] = json!(["authorization_code", "refresh_token"]);
    Application::from_registration(&server.issuer, &server.register(metadata).await)
}
