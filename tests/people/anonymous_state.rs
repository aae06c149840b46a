//! Requests before sign-in store nothing on the server (DESIGN §4, decision 35); THREATS EX-10, EX-11.

use gatewright::store::sql;
use sqlx_macros::FromRow;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page, authorize_target};
use kit::http::Response;
use kit::server::{Client, ISSUER, PASSWORD, Server};

/// Rows that users and clients can cause.
async fn count_rows(server: &Server) -> i64 {
    #[derive(FromRow)]
    struct Count {
        rows: i64,
    }
    server.app().recorder.flush().await;
    let count = "SELECT (SELECT count(*) FROM decisions) + (SELECT count(*) FROM codes)
                      + (SELECT count(*) FROM sessions) + (SELECT count(*) FROM grants)
                      + (SELECT count(*) FROM sign_in_tries) + (SELECT count(*) FROM audit_events) AS rows";
    let count: Option<Count> = sql(count).fetch_optional(server.app().store.db()).await.unwrap();
    count.unwrap().rows
}

/// A browser with a session and a stored consent for the client.
async fn browser_with_consent<'a>(server: &'a Server, client: &Client) -> Browser<'a> {
    let mut browser = Browser::new(server);
    browser.authorize("ada", client, "openid", "").await.code();
    browser
}

/// A request that the browser sends for a page of another site.
async fn request_subresource(
    browser: &mut Browser<'_>,
    server: &Server,
    target: &str,
    dest: &str,
) -> Response {
    let request = server.request("GET", target).header("sec-fetch-site", "cross-site");
    browser.send(request.header("sec-fetch-mode", "no-cors").header("sec-fetch-dest", dest)).await
}

/// THREATS EX-10, DO-11: an unlimited number of authorization requests stores nothing, and does not
/// affect pages that are open.
#[tokio::test]
async fn anonymous_authorization_requests_store_nothing() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let target = AuthorizationRequest::new(&client).target();
    let mut ada = Browser::new(&server);
    let page = ada.open(&target).await;
    let before = count_rows(&server).await;

    for _ in 0..500 {
        let response = server.get(&target).await;
        assert_eq!(response.status, 303, "{response:?}");
        assert!(response.header("location").contains("/login?request="), "{response:?}");
    }
    let mut same = Browser::new(&server);
    for _ in 0..50 {
        same.open(&target).await.assert_page("/login");
        same.post_cross_site("/authorize", &AuthorizationRequest::new(&client).form()).await;
    }

    assert_eq!(count_rows(&server).await, before, "no row was written");
    let consent = ada.submit_credentials(&page, "ada").await;
    ada.submit(&consent, &[("answer", "allow")]).await.code();
}

/// THREATS EX-11: a hundred images, objects or scripts in another site's page cause no state, no cookie
/// and no code, with a session or without.
#[tokio::test]
async fn subresource_requests_of_other_sites_get_neither_state_nor_code() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut ada = browser_with_consent(&server, &client).await;
    let mut new_browser = Browser::new(&server);
    let before = count_rows(&server).await;
    let request = AuthorizationRequest::new(&client);

    for target in [
        request.target(),
        request.with("prompt", "none").target(),
        "/login".to_owned(),
        "/account".to_owned(),
        "/logout".to_owned(),
        format!("/logout?client_id={}", client.id),
    ] {
        for dest in [
            "image",
            "object",
            "embed",
            "script",
            "style",
            "font",
            "video",
            "empty",
            "worker",
            "manifest",
            "report",
            "x",
            "",
            "document, image",
        ] {
            for browser in [&mut ada, &mut new_browser] {
                let response = request_subresource(browser, &server, &target, dest).await;
                assert_eq!(response.status, 403, "{dest} of {target}: {response:?}");
                assert_eq!(response.headers("set-cookie"), [""; 0], "{dest} of {target}");
            }
        }
    }
    for _ in 0..100 {
        request_subresource(&mut ada, &server, &authorize_target(&client, "openid"), "image").await;
    }

    assert_eq!(count_rows(&server).await, before, "the audit trail is unchanged too");
    ada.open("/account").await.assert_page("/account");
}

/// THREATS EX-11: in a frame, a request is treated as `prompt=none`, also after a form was submitted in
/// it, and whatever its parameters are. No page is displayed in a frame.
#[tokio::test]
async fn requests_in_frames_get_a_response_without_a_page() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut ada = browser_with_consent(&server, &client).await;
    let mut new_browser = Browser::new(&server);
    let authorization = AuthorizationRequest::new(&client);
    let before = count_rows(&server).await;
    let redirect =
        |response: Response| Page { url: response.header("location").to_owned(), response };

    for _ in 0..100 {
        let response =
            request_subresource(&mut new_browser, &server, &authorization.target(), "iframe").await;
        redirect(response).refused("login_required");
        let request = server.request("POST", "/authorize").header("sec-fetch-site", "cross-site");
        let posted =
            request.header("sec-fetch-dest", "iframe").form(&authorization.form()).send().await;
        let location = posted.header("location");
        let target = location.strip_prefix(ISSUER).unwrap_or(location).to_owned();
        assert!(target.starts_with("/authorize?gw_posted="), "{target}");
        redirect(request_subresource(&mut new_browser, &server, &target, "iframe").await)
            .refused("login_required");
    }
    assert!(new_browser.cookies.is_empty());
    assert!(count_rows(&server).await <= before + 100, "refusals in the audit trail are bounded");

    for (prompt, error) in [
        ("login", "login_required"),
        ("select_account", "login_required"),
        ("consent", "consent_required"),
        ("login consent", "login_required"),
    ] {
        for dest in ["iframe", "frame", "fencedframe"] {
            let target = authorization.clone().with("prompt", prompt).target();
            redirect(request_subresource(&mut ada, &server, &target, dest).await).refused(error);
        }
    }
    let more = authorization.clone().with("scope", "openid email").target();
    redirect(request_subresource(&mut ada, &server, &more, "iframe").await)
        .refused("consent_required");
    for page in ["/login", "/account", "/consent", "/select-account", "/logout/confirm"] {
        assert_eq!(
            request_subresource(&mut ada, &server, page, "iframe").await.status,
            403,
            "{page}"
        );
    }
    let logout = request_subresource(&mut ada, &server, "/logout", "iframe").await;
    let target =
        logout.header("location").strip_prefix(ISSUER).unwrap_or("/logout/confirm").to_owned();
    assert_eq!(request_subresource(&mut ada, &server, &target, "iframe").await.status, 403);
    let request = server.request("POST", "/login").header("sec-fetch-site", "cross-site");
    let form = request.header("sec-fetch-dest", "iframe").form("identifier=ada&password=x");
    assert_eq!(form.send().await.status, 403);
    ada.open("/account").await.assert_page("/account");
}

/// Silent renewal as in oidc-client-ts: a hidden frame of a site whose requests include the cookies.
#[tokio::test]
async fn silent_renewal_in_a_frame_works() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut ada = browser_with_consent(&server, &client).await;

    for _ in 0..3 {
        let target = AuthorizationRequest::new(&client).with("prompt", "none").target();
        let request = server.request("GET", &target).header("sec-fetch-site", "same-site");
        let request =
            request.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "iframe");
        let response = ada.send(request).await;
        let page = Page { url: response.header("location").to_owned(), response };
        server.redeem(&client, &page.code()).await.ok();
    }
}

/// THREATS EX-11: a prefetched or prerendered page is not a request of the user.
#[tokio::test]
async fn prefetch_requests_get_neither_state_nor_code() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut ada = browser_with_consent(&server, &client).await;
    let before = count_rows(&server).await;
    let authorization = AuthorizationRequest::new(&client);
    for target in [authorization.target(), "/login".to_owned(), "/logout".to_owned()] {
        for (field, value) in [
            ("sec-purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("purpose", "prefetch"),
            ("x-moz", "prefetch"),
        ] {
            let request = server.request("GET", &target).header("sec-fetch-dest", "document");
            let response = ada.send(request.header(field, value)).await;
            assert_eq!(
                (response.status, response.header("location")),
                (403, ""),
                "{field}: {value}"
            );
            assert_eq!(response.headers("set-cookie"), [""; 0]);
        }
    }

    assert_eq!(count_rows(&server).await, before);
    ada.start_authorization(&authorization).await.code();
    let request = server.request("GET", "/jwks").header("sec-fetch-dest", "empty");
    assert_eq!(
        request.header("sec-purpose", "prefetch").send().await.status,
        200,
        "public documents may be prefetched"
    );
}

/// DESIGN §2, SECURITY.md: stored data contains no usable credential. Neither the secret of a browser
/// nor parameters of a request (an `id_token_hint`, a `login_hint`) are in the database.
#[tokio::test]
async fn no_secret_of_a_browser_or_a_request_is_stored() {
    let server = Server::start().await;
    let url = server.app().config.database.url.0.expose().to_owned();
    let Some(file) = url.strip_prefix("sqlite:") else {
        return; // Schema and SQL are the same for PostgreSQL.
    };
    server.user("ada").await;
    let client = server.web_app().await;
    let mut ada = browser_with_consent(&server, &client).await;
    let hint = server.obtain_tokens("ada", &client, "openid").await.token("id_token");
    let login = ada
        .start_authorization(
            &AuthorizationRequest::new(&client)
                .with("prompt", "login consent")
                .with("id_token_hint", &hint),
        )
        .await;
    let consent = ada.submit_credentials(&login, "ada").await;
    let code = ada.submit(&consent, &[("answer", "allow")]).await.code();

    let mut secrets = vec![hint, code];
    for page in [&login, &consent] {
        secrets
            .push(page.hidden_fields().into_iter().find(|(name, _)| name == "request").unwrap().1);
    }
    secrets.extend(ada.cookies.values().cloned());
    for name in [file.to_owned(), format!("{file}-wal")] {
        let bytes = std::fs::read(&name).unwrap_or_default();
        for secret in &secrets {
            // Neither part of a two-part cookie.
            for part in secret.split('.').filter(|part| part.len() > 16) {
                let found = bytes.windows(part.len()).any(|window| window == part.as_bytes());
                assert!(!found, "{part} is in {name}");
            }
        }
    }
    assert!(ada.cookies.len() >= 2 && !PASSWORD.is_empty());
}
