//! APIs that verify access tokens locally: RFC 9068 §4.

use gatewright::jose::base64url;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::application::Response;

use super::apache::{self, Apache};
use super::issuer::{AUDIENCE, Issuer, forge, with, without};
use super::program::{Program, go, java, node, python};

#[tokio::test]
async fn pyjwt_for_python() {
    ApiCheck::STRICT.run(python("python/pyjwt_api.py")).await;
}

#[tokio::test]
async fn joserfc_for_python() {
    ApiCheck::STRICT.run(python("python/joserfc_api.py")).await;
}

#[tokio::test]
async fn fastapi_for_python() {
    ApiCheck::STRICT.run(python("python/fastapi_api.py")).await;
}

#[tokio::test]
async fn spring_boot_for_java() {
    ApiCheck::STRICT.run(java("java/SpringApi.java")).await;
}

#[tokio::test]
async fn nimbus_for_java() {
    ApiCheck::STRICT.run(java("java/NimbusApi.java")).await;
}

#[tokio::test]
async fn go_oidc_for_go() {
    ApiCheck::STRICT.run(go("api").await).await;
}

/// A tool call is a POST: a GET with a valid token gets 405.
#[tokio::test]
async fn the_mcp_server_for_javascript() {
    let check = ApiCheck { path: "/mcp", allowed: 405, ..ApiCheck::STRICT };
    check.run(node("node/mcp-server.mjs")).await;
}

/// The module has one response for all refusals, and recognizes ID tokens by their claims.
#[tokio::test]
async fn mod_oauth2_for_apache() {
    let issuer = Issuer::start().await;
    let upstream = apache::application().await;
    let settings = [("ISSUER", &*issuer.url), ("AUDIENCE", AUDIENCE), ("UPSTREAM", &upstream)];
    let apache = Apache { module: "oauth2", recipe: "apache/mod_oauth2.conf" };
    let port = crate::free_port();
    let api = apache.start(&issuer.server.installation.directory, port, &settings).await;
    let check = ApiCheck {
        distinguished_by: DistinguishedBy::Claims,
        has_challenges: false,
        too_narrow: 401,
        ..ApiCheck::STRICT
    };

    check.check_all_tokens(&issuer, &api).await;

    let (head, claims) = issuer.valid_token();
    let token = issuer.sign(&head, &claims);
    let spoofing = crate::http().get(format!("{}/invoices", api.url)).bearer_auth(token);
    let spoofed =
        Response::send(spoofing.header("OAUTH2_CLAIM_email", "root@example.org")).await.unwrap();
    assert_eq!((spoofed.status, &spoofed.body["email"]), (200, &Value::Null), "{spoofed:?}");
    api.stop().await;
}

/// The way in which an API distinguishes an access token from an ID token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DistinguishedBy {
    /// `typ` in the header.
    Type,
    /// `client_id`.
    Claims,
}

/// The behaviour that is expected of an API.
#[derive(Clone, Copy, Debug)]
struct ApiCheck {
    path: &'static str,
    /// The status for a valid token.
    allowed: u16,
    distinguished_by: DistinguishedBy,
    /// Whether a refusal includes `WWW-Authenticate`.
    has_challenges: bool,
    /// The status for a valid token with an insufficient scope.
    too_narrow: u16,
}

impl ApiCheck {
    /// All requirements of RFC 9068 and RFC 6750.
    const STRICT: Self = Self {
        path: "/invoices",
        allowed: 200,
        distinguished_by: DistinguishedBy::Type,
        has_challenges: true,
        too_narrow: 403,
    };

    /// Starts the API of this recipe, and sends it every kind of token.
    async fn run(self, recipe: Command) {
        let issuer = Issuer::start().await;
        let (port, directory) = (crate::free_port(), &issuer.server.installation.directory);
        let settings = [("ISSUER", &*issuer.url), ("AUDIENCE", AUDIENCE)];
        let api = Program::start(recipe, port, directory, &settings).await;

        self.check_all_tokens(&issuer, &api).await;

        api.stop().await;
    }

    /// Sends every kind of token that an API must distinguish.
    async fn check_all_tokens(self, issuer: &Issuer, api: &Program) {
        let url = format!("{}{}", api.url, self.path);
        let call = async |token: &str| {
            let request = crate::http().get(&url);
            let request = if token.is_empty() { request } else { request.bearer_auth(token) };
            Response::send(request).await.unwrap()
        };
        let (head, claims) = issuer.valid_token();
        let claiming = |name: &str, value: Value| issuer.sign(&head, &with(&claims, name, value));
        let now = claims["iat"].as_i64().unwrap();
        let unsigned = [&with(&head, "alg", "none".into()), &claims]
            .map(|part| base64url::encode(part.to_string()))
            .join(".");
        let id_token = match self.distinguished_by {
            DistinguishedBy::Type => claims.clone(),
            DistinguishedBy::Claims => without(&claims, "client_id"),
        };

        let ours = call(&issuer.token(Some(AUDIENCE)).await).await;
        assert_eq!(ours.status, self.allowed, "{ours:?}\n{}", api.output());
        let right = call(&issuer.sign(&head, &claims)).await;
        assert_eq!(right.status, self.allowed, "{right:?}");
        assert!(right.body.is_null() || right.body["sub"] == "ada", "{right:?}");
        let among = call(&claiming("aud", json!(["https://other.example", AUDIENCE]))).await;
        assert_eq!(among.status, self.allowed, "one of several audiences: {among:?}");

        for (what, token) in [
            ("no token", String::new()),
            ("not a token", "gw_at_junk".to_owned()),
            ("a token for userinfo", issuer.token(None).await),
            ("an ID token", issuer.sign(&with(&head, "typ", "JWT".into()), &id_token)),
            ("a token for another API", claiming("aud", "https://other.example".into())),
            ("another issuer's", claiming("iss", "https://other.example".into())),
            ("an expired one", claiming("exp", (now - 600).into())),
            ("one that never expires", issuer.sign(&head, &without(&claims, "exp"))),
            ("one of no client", issuer.sign(&head, &without(&claims, "client_id"))),
            ("one that is bound to a key", claiming("cnf", json!({ "jkt": "0ZcOCORZNYy" }))),
            ("one that is bound to a certificate", claiming("cnf", json!({ "x5t#S256": "bwcK0" }))),
            ("one signed with another key", forge(&head, &claims)),
            ("an unsigned one", format!("{unsigned}.")),
        ] {
            let refused = call(&token).await;
            assert_eq!(refused.status, 401, "{what}: {refused:?}\n{}", api.output());
            let challenge = refused.header("www-authenticate");
            assert!(challenge.starts_with("Bearer") || !self.has_challenges, "{what}: {refused:?}");
        }
        let narrow = call(&claiming("scope", "invoices.readers".into())).await;
        assert_eq!(narrow.status, self.too_narrow, "{narrow:?}");
        let challenge = narrow.header("www-authenticate");
        assert!(challenge.contains("insufficient_scope") || !self.has_challenges, "{narrow:?}");
    }
}
