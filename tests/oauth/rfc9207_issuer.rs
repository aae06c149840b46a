//! RFC 9207, Authorization Server Issuer Identification; THREATS AZ-21.

use gatewright::config::Issuer;
use serde_json::json;

use kit::application::AuthorizationRequest;
use kit::browser::Browser;
use kit::server::{ISSUER, Server};

/// > In authorization responses to the client, including error responses, an authorization server
/// > supporting this specification MUST indicate its identity by including the "iss" parameter (§2)
#[tokio::test]
async fn every_authorization_response_includes_the_issuer() {
    let server = Server::start().await;
    server.user("ada").await;
    let request = AuthorizationRequest::new(&server.web_app().await);
    let mut browser = Browser::new(&server);
    browser
        .start_authorization(&request.clone().with("prompt", "none"))
        .await
        .refused("login_required");
    browser.start_authorization(&request.clone().with("scope", "x")).await.refused("invalid_scope");
    browser.complete_authorization(&request, "ada").await.code();

    for mode in ["query", "fragment", "form_post"] {
        let page = browser.start_authorization(&request.clone().with("response_mode", mode)).await;
        let issuer = match mode {
            "query" => page.parameter("iss"),
            "fragment" => {
                let fragment = page.url.split_once('#').unwrap().1;
                let pairs = form_urlencoded::parse(fragment.as_bytes());
                pairs.into_owned().find(|(name, _)| name == "iss").unwrap().1
            }
            _ => page.hidden_fields().into_iter().find(|(name, _)| name == "iss").unwrap().1,
        };
        assert_eq!(issuer, ISSUER, "{mode}");
    }
}

/// > The issuer identifier included in the server's metadata value "issuer" MUST be identical to the
/// > "iss" parameter's value. (§2.3); THREATS AZ-21
#[tokio::test]
async fn the_iss_parameter_equals_the_issuer_of_the_metadata() {
    let issuer = "https://id.example.org/tenant";
    let server = Server::with(|config| config.issuer = Issuer::parse(issuer).ok().unwrap()).await;
    let request = AuthorizationRequest::new(&server.web_app().await).with("prompt", "none");
    let target = format!("/tenant{}", request.target());

    let metadata = server.get("/tenant/.well-known/openid-configuration").await.ok().body;
    let page = Browser::new(&server).open(&target).await;

    assert_eq!(metadata["issuer"], json!(page.parameter("iss")));
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], json!(true));
}
