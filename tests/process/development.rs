//! Applications in development, on the machine of their issuer: decision 0026.

use serde_json::{Value, json};
use url::Url;

use crate::application::Application;
use crate::browser::Browser;
use crate::server::Server;

/// A PKCE challenge; the codes are not redeemed.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// RFC 8252 §8.6, THREATS UI-10: if the issuer is at `http://localhost`, the consent for a local web
/// application is stored, so that silent renewal can be tested. Native applications need consent each
/// time, as everywhere.
#[tokio::test]
async fn a_local_issuer_stores_consent_for_local_web_applications_only() {
    let mut server = Server::start().await;
    let user = server.create_user("ada").await;
    let web = json!({ "application_type": "web" });
    let trusted = json!({ "application_type": "web", "gw_skip_consent": true });
    let native = json!({ "application_type": "native" });
    let trusted_native = json!({ "application_type": "native", "gw_skip_consent": true });

    for (metadata, uri, is_remembered) in [
        (&web, "http://localhost:5173/", true),
        (&web, "http://127.0.0.1:5173/", true),
        (&trusted, "http://localhost:5173/", true),
        (&native, "http://localhost/callback", false),
        (&native, "com.example.notes:/callback", false),
        (&trusted_native, "http://127.0.0.1/callback", false),
    ] {
        let mut metadata: Value = metadata.clone();
        metadata["token_endpoint_auth_method"] = "none".into();
        metadata["redirect_uris"] = json!([uri]);
        let client = Application::from_registration(
            &server.issuer,
            &server.register(metadata.clone()).await,
        );
        let mut request = Url::parse(&format!("{}/authorize", server.issuer)).unwrap();
        request
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", uri)
            .append_pair("scope", "openid")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256");
        let mut silent = request.clone();
        silent.query_pairs_mut().append_pair("prompt", "none");
        let mut browser = Browser::new(&user);
        let answered = |at: &Url, name: &str| {
            at.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
        };

        let agreed = browser.visit(request, uri).await.unwrap();
        let again = browser.visit(silent, uri).await.unwrap();

        assert!(answered(&agreed, "code").is_some(), "{metadata} {agreed}");
        let refused = answered(&again, "error");
        let expected = if is_remembered { None } else { Some("consent_required") };
        assert_eq!(refused.as_deref(), expected, "{metadata} {again}");
    }
    server.stop().await;
}
