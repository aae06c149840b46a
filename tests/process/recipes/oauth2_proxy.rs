//! oauth2-proxy in front of an application.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE as BASE64;
use serde_json::json;
use tokio::process::Command;

use crate::application::{Application, Response};
use crate::browser::Browser;
use crate::server::Server;

use super::apache;
use super::issuer::{AUDIENCE, Issuer, forge, with, without};
use super::program::{Program, recipe};

#[tokio::test]
async fn oauth2_proxy_for_people() {
    let mut server = Server::start().await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let proxy = start(&server, &server.issuer).await;

    let page = browser.open(&proxy.url, "").await;

    assert_eq!(page.status, 200, "{page:?}\n{}", proxy.output());
    assert_eq!(page.body["email"], "ada@example.org", "{page:?}");
    proxy.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn oauth2_proxy_for_programs() {
    let issuer = Issuer::start().await;
    let proxy = start(&issuer.server, &issuer.url).await;
    let call = async |token: &str| {
        let request = crate::http().get(format!("{}/invoices", proxy.url)).bearer_auth(token);
        Response::send(request).await.unwrap()
    };
    let (head, claims) = issuer.valid_token();
    let now = claims["iat"].as_i64().unwrap();
    let other = json!("https://other.example");

    let ours = call(&issuer.token(Some(AUDIENCE)).await).await;
    assert_eq!(ours.status, 200, "{ours:?}\n{}", proxy.output());
    let right = call(&issuer.sign(&head, &claims)).await;
    assert_eq!((right.status, &right.body["sub"]), (200, &json!("ada")), "{right:?}");

    for (what, token) in [
        ("not a token", "gw_at_junk".to_owned()),
        ("a token for userinfo", issuer.token(None).await),
        ("another issuer's", issuer.sign(&head, &with(&claims, "iss", other))),
        ("an expired one", issuer.sign(&head, &with(&claims, "exp", (now - 600).into()))),
        ("one that never expires", issuer.sign(&head, &without(&claims, "exp"))),
        ("one signed with another key", forge(&head, &claims)),
    ] {
        let refused = call(&token).await;
        assert_eq!(refused.status, 401, "{what}: {refused:?}\n{}", proxy.output());
    }
    proxy.stop().await;
}

async fn start(server: &Server, issuer: &str) -> Program {
    let port = crate::free_port();
    let redirect_uri = format!("http://localhost:{port}/oauth2/callback");
    let metadata = json!({ "client_name": "Recipe", "redirect_uris": [redirect_uri] });
    let client = Application::from_registration(issuer, &server.register(metadata).await);
    let settings = [
        ("OAUTH2_PROXY_OIDC_ISSUER_URL", issuer),
        ("OAUTH2_PROXY_CLIENT_ID", &client.id),
        ("OAUTH2_PROXY_CLIENT_SECRET", &client.secret),
        ("OAUTH2_PROXY_REDIRECT_URL", &redirect_uri),
        ("OAUTH2_PROXY_COOKIE_SECRET", &BASE64.encode([7; 32])),
        // Plain http, on loopback.
        ("OAUTH2_PROXY_COOKIE_SECURE", "false"),
        ("OAUTH2_PROXY_EXTRA_JWT_ISSUERS", &format!("{issuer}={AUDIENCE}")),
        ("OAUTH2_PROXY_UPSTREAMS", &format!("{}/", apache::application().await)),
        ("OAUTH2_PROXY_HTTP_ADDRESS", &format!("127.0.0.1:{port}")),
    ];
    let mut command = Command::new("oauth2-proxy");
    command.arg("--config").arg(recipe("oauth2-proxy.cfg"));
    Program::start(command, port, &server.installation.directory, &settings).await
}
