//! RFC 6749 §4.1.3 and §4.1.4, redeeming a code; THREATS 1.B, CO-01 to CO-11, X-02.

use gatewright::types::client::Metadata;
use serde_json::json;
use sqlx::{AssertSqlSafe, Row as _};

use kit::application::{AuthorizationRequest, verify_jwt};
use kit::browser::{Browser, VERIFIER};
use kit::http::Response;
use kit::server::{Client, ISSUER, Server};

/// A server with a user, a client and a code.
async fn issue_code() -> (Server, Client, String) {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let code = Browser::new(&server)
        .complete_authorization(&AuthorizationRequest::new(&client), "ada")
        .await
        .code();
    (server, client, code)
}

/// A valid token request for this code, with these fields replaced.
async fn redeem(server: &Server, client: &Client, fields: &[(&str, &str)]) -> Response {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("redirect_uri", Client::REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    form.retain(|(name, _)| !fields.iter().any(|(other, _)| other == name));
    form.extend(fields);
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    server.post_as(client, "/token", &form).await
}

/// > The authorization server MUST include the HTTP "Cache-Control" response header field with a value
/// > of "no-store" […] (§5.1): token_type, expires_in, scope; OIDC Core §3.1.3.3: id_token
#[tokio::test]
async fn a_code_is_redeemed_for_tokens() {
    let (server, client, code) = issue_code().await;

    let response = server.redeem(&client, &code).await.ok();

    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(response.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(response.body["token_type"], "Bearer");
    assert_eq!(response.body["expires_in"], 300);
    assert_eq!(response.body["scope"], "openid");
    let (header, claims) = verify_jwt(&server, &response.token("access_token")).await;
    assert_eq!(header.typ.as_deref(), Some("at+jwt"), "RFC 9068 §2.1");
    assert_eq!((&claims["iss"], &claims["client_id"]), (&json!(ISSUER), &json!(client.id)));
    assert!(response.token("refresh_token").starts_with("gw_rt_"));
}

/// > The client MUST NOT use the authorization code more than once. If an authorization code is used
/// > more than once, the authorization server MUST deny the request and SHOULD revoke (when possible)
/// > all tokens previously issued based on that authorization code. (§4.1.2); THREATS CO-01
#[tokio::test]
async fn a_replayed_code_revokes_all_tokens_issued_from_it() {
    let (server, client, code) = issue_code().await;
    let tokens = server.redeem(&client, &code).await.ok();
    let refreshed =
        format!("grant_type=refresh_token&refresh_token={}", tokens.token("refresh_token"));
    let second = server.post_as(&client, "/token", &refreshed).await.ok();
    server.advance_clock(30);

    server.redeem(&client, &code).await.refused(400, "invalid_grant");

    for token in [&tokens, &second] {
        assert!(!server.is_active(&client, &token.token("access_token")).await);
        assert!(!server.is_active(&client, &token.token("refresh_token")).await);
        let request = server.request("GET", "/userinfo").bearer(&token.token("access_token"));
        request.send().await.refused(401, "invalid_token");
    }
    let refresh =
        format!("grant_type=refresh_token&refresh_token={}", second.token("refresh_token"));
    server.post_as(&client, "/token", &refresh).await.refused(400, "invalid_grant");
}

/// THREATS CO-02, X-02: of many redemptions at once on two replicas, one succeeds. The others are
/// replays and revoke what it received; none of them is answered with a server error.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_redemptions_one_succeeds_and_its_tokens_are_revoked() {
    let (server, client, code) = issue_code().await;
    let replica = server.replica().await;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", Client::REDIRECT_URI)
        .append_pair("code_verifier", VERIFIER)
        .finish();
    let request = |server: &Server| {
        server.request("POST", "/token").basic(&client.id, &client.secret).form(&form)
    };

    let requests = (0..64).map(|n| request(if n % 2 == 0 { &server } else { &replica }));
    let racing: Vec<_> = requests.map(|request| tokio::spawn(request.send())).collect();
    let mut winners = Vec::new();
    for response in racing {
        let response = response.await.unwrap();
        match response.status {
            200 => winners.push(response),
            _ => drop(response.refused(400, "invalid_grant")),
        }
    }

    assert_eq!(winners.len(), 1);
    for token in ["access_token", "refresh_token"] {
        assert!(!server.is_active(&client, &winners[0].token(token)).await, "{token}");
    }
}

/// > ensure that the authorization code was issued to the authenticated confidential client (§4.1.3);
/// > THREATS CO-03: and it is spent, for it is in the wrong hands
#[tokio::test]
async fn a_code_presented_by_another_client_is_refused_and_consumed() {
    let (server, client, code) = issue_code().await;
    let other = server.web_app().await;

    server.redeem(&other, &code).await.refused(400, "invalid_grant");

    server.redeem(&client, &code).await.refused(400, "invalid_grant");
}

/// > ensure that the "redirect_uri" parameter is present if the "redirect_uri" parameter was included in
/// > the initial authorization request […], and if included ensure that their values are identical.
/// > (§4.1.3); THREATS CO-04
#[tokio::test]
async fn a_code_requires_the_redirect_uri_of_its_authorization_request() {
    let server = Server::start().await;
    server.user("ada").await;
    let uris = [Client::REDIRECT_URI, "https://app.example/other"];
    let client = server.register(json!({"redirect_uris": uris})).await;
    let mut browser = Browser::new(&server);

    for wrong in [uris[1], "https://app.example/cb/", "HTTPS://app.example/cb"] {
        let code =
            browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
        let fields = [("code", code.as_str()), ("redirect_uri", wrong)];
        redeem(&server, &client, &fields).await.refused(400, "invalid_grant");
    }
}

/// Decision 0040: a code that PKCE binds to its client needs no redirect URI in the token request, as
/// in OAuth 2.1; RFC 6749 §4.1.3 applies to all others. THREATS CO-04
#[tokio::test]
async fn the_redirect_uri_may_be_omitted_only_with_a_code_verifier() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server
        .register(json!({ "redirect_uris": [Client::REDIRECT_URI], "gw_require_pkce": false }))
        .await;
    let mut browser = Browser::new(&server);
    let left_out = async |code: &str, verifier: Option<&str>| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code").append_pair("code", code);
        if let Some(verifier) = verifier {
            form.append_pair("code_verifier", verifier);
        }
        server.post_as(&client, "/token", &form.finish()).await
    };

    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    left_out(&code, Some(VERIFIER)).await.ok();

    let code =
        browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    left_out(&code, Some(&VERIFIER.to_uppercase())).await.refused(400, "invalid_grant");
    let bare = AuthorizationRequest::new(&client)
        .without("code_challenge")
        .without("code_challenge_method");
    let bare = bare.with("nonce", "n");
    let code = browser.complete_authorization(&bare, "ada").await.code();
    left_out(&code, None).await.refused(400, "invalid_grant");
}

/// > A maximum authorization code lifetime of 10 minutes is RECOMMENDED. (§4.1.2); ours live 60 seconds.
/// > THREATS CO-05
#[tokio::test]
async fn a_code_expires_after_60_seconds() {
    let (server, client, code) = issue_code().await;
    server.advance_clock(59);
    server.redeem(&client, &code).await.ok();

    let (server, client, code) = issue_code().await;
    server.advance_clock(60);
    server.redeem(&client, &code).await.refused(400, "invalid_grant");
}

/// THREATS CO-06: other tokens are not accepted as codes, and stay valid.
#[tokio::test]
async fn tokens_of_other_kinds_are_not_accepted_as_codes() {
    let (server, client, code) = issue_code().await;
    let tokens = server.redeem(&client, &code).await.ok();

    for name in ["refresh_token", "access_token", "id_token"] {
        let fields = [("code", tokens.token(name))];
        let fields = fields.each_ref().map(|(n, v)| (*n, v.as_str()));
        redeem(&server, &client, &fields).await.refused(400, "invalid_grant");
    }
    let fields = [("grant_type", "refresh_token"), ("refresh_token", code.as_str())];
    redeem(&server, &client, &fields).await.refused(400, "invalid_grant");

    assert!(server.is_active(&client, &tokens.token("refresh_token")).await);
    assert!(server.is_active(&client, &tokens.token("access_token")).await);
}

/// THREATS CO-07, M1: a code is invalid once something that it depends on has ended.
#[tokio::test]
async fn a_code_is_invalid_once_its_user_client_consent_or_session_ended() {
    let between = async |change: &str| {
        let server = Server::start().await;
        let user = server.user("ada").await;
        let client = server.web_app().await;
        let mut browser = Browser::new(&server);
        let code =
            browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
        match change {
            "nothing" => {}
            "user disabled" => server.disable_user(&user).await,
            "client disabled" => server.disable_client(&client).await,
            "grant type taken away" => {
                let change = |metadata: &mut Metadata| {
                    metadata.grant_types.clear();
                    metadata.response_types.clear();
                    metadata.redirect_uris.clear();
                };
                server.update_client(&client, change).await;
            }
            "consent withdrawn" => {
                let form = [("client_id", client.id.as_str())];
                browser.submit_on_account_page("/account/applications/withdraw", &form).await;
            }
            "signed out" => {
                let confirm = browser.open("/logout").await;
                browser.submit(&confirm, &[("answer", "yes")]).await;
            }
            "signed out elsewhere" => server.end_sessions(&user).await,
            "password set" => server.set_password(&user, "another battery staple").await,
            other => panic!("{other}"),
        }
        server.redeem(&client, &code).await
    };

    between("nothing").await.ok();
    for change in
        ["user disabled", "consent withdrawn", "signed out", "signed out elsewhere", "password set"]
    {
        between(change).await.refused(400, "invalid_grant");
    }
    between("client disabled").await.refused(401, "invalid_client");
    between("grant type taken away").await.refused(400, "unauthorized_client");
}

/// M1: a scope that was removed from the client's registration is not issued.
#[tokio::test]
async fn a_scope_removed_from_the_client_before_redemption_is_not_granted() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let request = AuthorizationRequest::new(&client).with("scope", "openid email");
    let code = Browser::new(&server).complete_authorization(&request, "ada").await.code();
    server.update_client(&client, |metadata| metadata.scope = "openid".to_owned()).await;

    let response = server.redeem(&client, &code).await.ok();

    assert_eq!(response.body["scope"], "openid");
}

/// THREATS CO-11: codes are compared byte for byte.
#[tokio::test]
async fn malformed_codes_are_rejected() {
    let (server, client, code) = issue_code().await;
    let mut almost = vec![
        format!("{code} "),
        format!(" {code}"),
        format!("{code}="),
        format!("{code}A"),
        code.to_lowercase(),
        code.to_uppercase(),
        code.replace("gw_code_", ""),
        code.replace("gw_code_", "gw_rt_"),
        code.replacen('c', "\u{441}", 1),
    ];
    almost.extend((0..code.len()).map(|at| code[..at].to_owned()).filter(|code| !code.is_empty()));
    for at in 8..code.len() {
        let other = if &code[at..=at] == "A" { "B" } else { "A" };
        almost.push(format!("{}{other}{}", &code[..at], &code[at + 1..]));
    }

    for wrong in almost {
        redeem(&server, &client, &[("code", &wrong)]).await.refused(400, "invalid_grant");
    }
    redeem(&server, &client, &[("code", "")]).await.refused(400, "invalid_request");

    server.redeem(&client, &code).await.ok();
}

/// THREATS CO-10: a copy of the database contains no usable credential.
#[tokio::test]
async fn the_database_contains_no_usable_credential() {
    let (server, client, code) = issue_code().await;
    let mut browser = Browser::new(&server);
    browser.start_authorization(&AuthorizationRequest::new(&client)).await.assert_page("/login");
    let waiting = browser.start_authorization(&AuthorizationRequest::new(&client)).await;
    let tokens = server.redeem(&client, &code).await.ok();
    server.app().recorder.flush().await;
    let mut secrets = vec![code, client.secret.clone(), waiting.url.replace("/login?request=", "")];
    secrets.extend(["access_token", "refresh_token", "id_token"].map(|name| tokens.token(name)));
    secrets.extend(browser.cookies.values().cloned());
    secrets.push(kit::server::PASSWORD.to_owned());

    let dump = dump_database(&server).await;

    assert!(dump.contains(&client.id), "it is the whole of it");
    for secret in secrets {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!dump.contains(&secret) && !dump.contains(&hex), "{secret}");
    }
}

/// The whole content of the database, as text.
async fn dump_database(server: &Server) -> String {
    let url = server.app().config.database.url.0.clone();
    let url = url.expose();
    if let Some(file) = url.strip_prefix("sqlite:") {
        let files = [file.to_owned(), format!("{file}-wal")];
        let read = files.map(|file| std::fs::read(file).unwrap_or_default()).concat();
        return String::from_utf8_lossy(&read).into_owned();
    }
    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let tables = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'";
    let mut text = String::new();
    for table in sqlx::raw_sql(tables).fetch_all(&pool).await.unwrap() {
        let table: String = table.get("name");
        let rows = format!("SELECT coalesce(string_agg(t::text, ' '), '') AS rows FROM {table} t");
        for row in sqlx::raw_sql(AssertSqlSafe(rows)).fetch_all(&pool).await.unwrap() {
            text.push_str(&row.get::<String, _>("rows"));
        }
    }
    pool.close().await;
    text
}

/// THREATS LG-04: a replay is recorded, with the client that sent it.
#[tokio::test]
async fn a_replayed_code_is_recorded_with_the_client_that_sent_it() {
    let (server, client, code) = issue_code().await;
    let other = server.web_app().await;
    server.redeem(&client, &code).await.ok();

    server.redeem(&other, &code).await.refused(400, "invalid_grant");

    let events = server.audit_events("code.replayed").await;
    assert_eq!(events.len(), 1);
    assert!(events[0].facts.contains(&other.id), "{events:?}");
}
