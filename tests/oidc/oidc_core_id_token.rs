//! OpenID Connect Core 1.0 §2, §3.1.3.3, §3.1.3.6, §8 and §12.2: the ID token. THREATS JO-16, JO-23.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatewright::people::account::{self, NewAccount};
use gatewright::types::{Algorithm, Secret};
use serde_json::{Value, json};
use sha2::Digest as _;

use kit::application::{AuthorizationRequest, id_token_claims, verify_jwt};
use kit::browser::Browser;
use kit::http::Response;
use kit::server::{Client, ISSUER, PASSWORD, START_TIME, Server};

/// > iss, sub, aud, exp, iat: REQUIRED […] (§2); THREATS JO-16
#[tokio::test]
async fn the_id_token_has_the_required_and_authentication_claims() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let request = AuthorizationRequest::new(&client).with("nonce", "n-0S6_WzA2Mj \"\u{e4}");
    let code = browser.complete_authorization(&request, "ada").await.code();
    server.advance_clock(5);

    let response = server.redeem(&client, &code).await.ok();

    let (header, claims) = verify_jwt(&server, &response.token("id_token")).await;
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256, "the default of OIDC Registration §2");
    assert_eq!(claims["iss"], ISSUER);
    assert_eq!(claims["sub"], user.id.to_string());
    assert_eq!(claims["aud"], client.id, "a single audience is a string");
    assert_eq!(claims["iat"], START_TIME + 5);
    assert_eq!(claims["exp"], START_TIME + 5 + 300);
    assert_eq!(claims["auth_time"], START_TIME);
    assert_eq!(claims["nonce"], "n-0S6_WzA2Mj \"\u{e4}", "unmodified");
    assert_eq!((&claims["acr"], &claims["amr"]), (&json!("pwd"), &json!(["pwd"])));
    assert!(claims["sid"].is_string());
    assert_eq!(claims["at_hash"], left_half(&response.token("access_token")));
    assert_eq!(claims["c_hash"], left_half(&code));
    assert_eq!(claims["email"], Value::Null);
}

/// > the base64url encoding of the left-most half of the hash of the octets of the ASCII representation
/// > of the access_token value (§3.1.3.6): of SHA-256, 16 octets
fn left_half(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&sha2::Sha256::digest(text.as_bytes())[..16])
}

/// OIDC Registration §2: `id_token_signed_response_alg`; `at_hash` follows its hash (§3.1.3.6).
#[tokio::test]
async fn the_id_token_is_signed_with_the_registered_algorithm() {
    let algorithms =
        [Algorithm::Es256, Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es384, Algorithm::EdDsa];
    let server = Server::with(|config| config.keys.algorithms = algorithms.to_vec()).await;
    server.user("ada").await;

    for algorithm in algorithms {
        let client = server
            .register(json!({
                "redirect_uris": [Client::REDIRECT_URI],
                "id_token_signed_response_alg": algorithm,
            }))
            .await;
        let response = server.obtain_tokens("ada", &client, "openid").await;
        let (header, claims) = verify_jwt(&server, &response.token("id_token")).await;

        assert_eq!(json!(header.alg), json!(algorithm));
        let access = response.token("access_token");
        let hash = match algorithm {
            Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => {
                URL_SAFE_NO_PAD.encode(&sha2::Sha384::digest(&access)[..24])
            }
            Algorithm::Rs512
            | Algorithm::Ps512
            | Algorithm::Es512
            | Algorithm::EdDsa
            | Algorithm::Ed25519 => URL_SAFE_NO_PAD.encode(&sha2::Sha512::digest(&access)[..32]),
            Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Hs256 => {
                left_half(&access)
            }
        };
        assert_eq!(claims["at_hash"], hash, "{algorithm:?}");
    }
}

/// > openid REQUIRED […] If the openid scope value is not present, the behavior is entirely unspecified.
/// > (§3.1.2.1)
///
/// The request is then plain OAuth.
#[tokio::test]
async fn without_the_openid_scope_no_id_token_is_issued() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;

    let response = server.obtain_tokens("ada", &client, "email").await;

    assert_eq!(response.body["id_token"], Value::Null);
}

/// > The Claims requested by the profile, email, address, and phone scope values are returned from the
/// > UserInfo Endpoint […] when a response_type value is used that results in an Access Token being
/// > issued (§5.4); §5.5: single claims in the ID token, by the `claims` parameter
#[tokio::test]
async fn the_claims_parameter_adds_claims_about_the_user() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let claims = json!({
        "id_token": {"preferred_username": {"essential": true}, "birthdate": null, "unknown": null},
        "userinfo": {"nickname": null},
    });
    let request = AuthorizationRequest::new(&client)
        .with("scope", "openid email")
        .with("claims", &claims.to_string());
    let mut browser = Browser::new(&server);
    let code = browser.complete_authorization(&request, "ada").await.code();

    let claims = id_token_claims(&server, &server.redeem(&client, &code).await.ok()).await;

    assert_eq!(claims["preferred_username"], "ada");
    for not_there in ["birthdate", "unknown", "nickname", "email", "email_verified", "name"] {
        assert_eq!(claims.get(not_there), None, "{not_there}");
    }
}

/// > its iss Claim Value MUST be the same […], its sub Claim Value MUST be the same […], its iat Claim
/// > MUST represent the time that the new ID Token is issued, […] its auth_time Claim MUST represent the
/// > time of the original authentication […] it SHOULD NOT have a nonce Claim (§12.2)
#[tokio::test]
async fn the_id_token_of_a_refresh_has_the_original_authentication() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let code = browser
        .complete_authorization(&AuthorizationRequest::new(&client).with("nonce", "n"), "ada")
        .await
        .code();
    let first = server.redeem(&client, &code).await.ok();
    let before = id_token_claims(&server, &first).await;
    server.advance_clock(60);

    let form = format!("grant_type=refresh_token&refresh_token={}", first.token("refresh_token"));
    let second = server.post_as(&client, "/token", &form).await.ok();

    let after = id_token_claims(&server, &second).await;
    for same in ["iss", "sub", "aud", "auth_time", "acr", "amr", "sid"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(after["iat"], START_TIME + 60);
    assert_eq!(after.get("nonce"), None);
    assert_eq!(after["at_hash"], left_half(&second.token("access_token")));
}

/// > When pairwise Subject Identifiers are used, the OpenID Provider MUST calculate a unique sub
/// > (subject) value for each Sector Identifier. The Subject Identifier value MUST NOT be reversible by
/// > any party other than the OpenID Provider. […] (§8.1); THREATS JO-23
#[tokio::test]
async fn a_pairwise_subject_differs_in_each_sector() {
    let server = Server::start().await;
    let user = server.user("ada").await;
    let pairwise = async |uri: &str| {
        let metadata =
            json!({"redirect_uris": [uri], "subject_type": "pairwise", "scope": "openid"});
        let client = server.register(metadata).await;
        let request = AuthorizationRequest::new(&client).with("redirect_uri", uri);
        let code =
            Browser::new(&server).complete_authorization(&request, "ada").await.parameter("code");
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", &code)
            .append_pair("redirect_uri", uri)
            .append_pair("code_verifier", kit::browser::VERIFIER)
            .finish();
        let response = server.post_as(&client, "/token", &form).await.ok();
        let token = response.token("access_token");
        let (_, access) = verify_jwt(&server, &token).await;
        let userinfo = server.request("GET", "/userinfo").bearer(&token).send().await.ok().body;
        let id = id_token_claims(&server, &response).await;
        assert_eq!(id["sub"], userinfo["sub"], "OIDC Core §5.3.2: the same in userinfo");
        assert_eq!(id["sub"], access["sub"], "the access token has the pairwise subject too");
        id["sub"].as_str().unwrap().to_owned()
    };

    let one = pairwise("https://one.example/cb").await;
    let same = pairwise("https://one.example/other").await;
    let two = pairwise("https://two.example/cb").await;

    assert_eq!(one, same, "one host is one sector");
    assert_ne!(one, two);
    assert!(!one.contains(user.id.as_str()) && one.len() <= 255);
}

/// A pairwise subject in a hint is mapped back to the user of the client's sector.
#[tokio::test]
async fn a_hint_with_a_pairwise_subject_is_accepted_in_its_sector() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({"redirect_uris": [Client::REDIRECT_URI], "subject_type": "pairwise"}))
        .await;
    let mut browser = Browser::new(&server);
    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    let hint = server.redeem(&client, &code).await.ok().token("id_token");

    let request =
        AuthorizationRequest::new(&client).with("prompt", "none").with("id_token_hint", &hint);

    browser.start_authorization(&request).await.code();
}

/// `gw_id_token_claims`: the claims of ID tokens for clients that read nothing else. The granted scopes
/// still limit them. THREATS EX-18
#[tokio::test]
async fn gw_id_token_claims_adds_claims_within_the_granted_scopes() {
    let server = Server::start().await;
    let new_account = NewAccount {
        username: "ada",
        email: Some("ada@example.org"),
        email_verified: true,
        claims: json!({ "name": "Ada", "birthdate": "1985-12-10" }).as_object().unwrap().clone(),
        password: Some(&Secret::new(PASSWORD)),
    };
    account::create(&server.app().people(&server.trace()), new_account).await.unwrap();
    let names_of_claims = async |wanted: Value, scope: &str, requested: &str| {
        let client = server
            .register(json!({
                "redirect_uris": [Client::REDIRECT_URI],
                "grant_types": ["authorization_code", "refresh_token"],
                "scope": "openid profile email",
                "gw_id_token_claims": wanted,
            }))
            .await;
        let mut request = AuthorizationRequest::new(&client).with("scope", scope);
        if !requested.is_empty() {
            request = request.with("claims", requested);
        }
        let code = Browser::new(&server).complete_authorization(&request, "ada").await.code();
        let first = server.redeem(&client, &code).await.ok();
        let again = server.refresh(&client, &first.token("refresh_token"), "").await.ok();
        let narrow = server.refresh(&client, &again.token("refresh_token"), "&scope=openid").await;
        let claim_names = async |response: &Response| {
            let claims = id_token_claims(&server, response).await;
            let personal = ["name", "preferred_username", "birthdate", "email", "email_verified"];
            personal.into_iter().filter(|name| claims.get(name).is_some()).collect::<Vec<_>>()
        };
        let (first, again) = (claim_names(&first).await, claim_names(&again).await);
        assert_eq!(first, again, "the same after a refresh");
        (first, claim_names(&narrow.ok()).await)
    };
    let by_name = json!({ "id_token": { "birthdate": null } }).to_string();
    let at_userinfo = json!({ "userinfo": { "name": null } }).to_string();
    let profile = ["name", "preferred_username", "birthdate"];
    let all = ["name", "preferred_username", "birthdate", "email", "email_verified"];

    for (wanted, scope, requested, first, narrow) in [
        (json!("requested"), "openid profile email", "", &[][..], &[][..]),
        (json!("requested"), "openid profile", &*by_name, &["birthdate"], &["birthdate"]),
        (json!("scopes"), "openid", "", &[], &[]),
        (json!("scopes"), "openid profile", "", &profile, &[]),
        (json!("scopes"), "openid profile email", "", &all, &[]),
        (
            json!("scopes"),
            "openid email",
            &*by_name,
            &["birthdate", "email", "email_verified"],
            &["birthdate"],
        ),
        (json!(["name", "email"]), "openid profile email", "", &["name", "email"], &[]),
        (json!(["name", "email"]), "openid email", "", &["email"], &[]),
        (json!(["name", "email"]), "openid", "", &[], &[]),
        (json!(["name", "email"]), "openid", &*at_userinfo, &["name"], &["name"]),
    ] {
        let what = format!("{wanted} {scope} {requested}");
        assert_eq!(
            names_of_claims(wanted, scope, requested).await,
            (first.to_vec(), narrow.to_vec()),
            "{what}"
        );
    }
}
