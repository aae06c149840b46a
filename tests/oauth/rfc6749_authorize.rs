//! RFC 6749 §3.1 and §4.1.1 to §4.1.2.1, the authorization endpoint; THREATS 1.A, AZ-01 to AZ-26.

use serde_json::json;

use kit::application::AuthorizationRequest;
use kit::browser::Browser;
use kit::server::{Client, ISSUER, PASSWORD, Server};

/// > If the request fails due to a missing, invalid, or mismatching redirection URI, or if the client
/// > identifier is missing or invalid, the authorization server SHOULD inform the resource owner of the
/// > error and MUST NOT automatically redirect the user-agent (§4.1.2.1); THREATS AZ-01
#[tokio::test]
async fn an_unknown_client_and_a_disabled_client_get_the_same_error_page() {
    let server = Server::start().await;
    let disabled = server.web_app().await;
    server.disable_client(&disabled).await;
    let authorize =
        async |request: AuthorizationRequest| request.open_in_new_browser(&server).await.response;
    let request = AuthorizationRequest::new(&disabled);

    let off = authorize(request.clone()).await;
    let unknown = authorize(request.clone().with("client_id", "unknown")).await;
    for id in ["", " ", &disabled.id.to_uppercase(), &format!("{}%", disabled.id)] {
        authorize(request.clone().with("client_id", id)).await.assert_error_page(400);
    }
    authorize(request.without("client_id")).await.assert_error_page(400);

    let text = unknown.assert_error_page(400).text_without_reference();
    assert_eq!(
        text,
        off.assert_error_page(400).text_without_reference(),
        "both error pages are identical"
    );
}

/// > the authorization server MUST compare and match the value received against at least one of the
/// > registered redirection URIs (§3.1.2.3); THREATS AZ-02, AZ-03, AZ-04, AZ-07
///
/// The corpus: every character removed, doubled, in the other case and percent-encoded, and the
/// variants that attackers use.
#[tokio::test]
async fn a_redirect_uri_is_compared_byte_by_byte() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let uri = Client::REDIRECT_URI;
    let mut corpus = Vec::new();
    for at in 0..uri.len() {
        let (before, after) = (&uri[..at], &uri[at + 1..]);
        let one = uri.as_bytes()[at] as char;
        corpus.push(format!("{before}{after}"));
        corpus.push(format!("{before}{one}{one}{after}"));
        corpus.push(format!("{before}%{:02x}{after}", one as u8));
        corpus.push(format!("{before}{one}\t{after}"));
        corpus.push(format!("{before}{one}\\{after}"));
        corpus.push(format!("{before}{one}%00{after}"));
        if one.is_ascii_alphabetic() {
            corpus.push(format!("{before}{}{after}", one.to_ascii_uppercase()));
        }
    }
    for end in ["/", "/..", "/%2e%2e/", "..;/", "%2f", "?", "?a=b", "#", "#x", " ", "\n", "@evil"] {
        corpus.push(format!("{uri}{end}"));
    }
    for other in [
        "https://app.example@evil.example/cb",
        "https://user@app.example/cb",
        "https://a@b@app.example/cb",
        "https://app.example.evil.example/cb",
        "https://evilapp.example/cb",
        "https://appXexample/cb",
        "https://app.example./cb",
        "https://app.example:443/cb",
        "https://app.example:8443/cb",
        "https://app.example//cb",
        "https://app.example/cb/../cb",
        "https:app.example/cb",
        "https:\\\\app.example\\cb",
        "//app.example/cb",
        "/cb",
        "http://app.example/cb",
        "http://127.0.0.1/cb",
        "javascript:alert(1)//https://app.example/cb",
        "data:text/html,https://app.example/cb",
        "https://xn--pp-7ka.example/cb",
        "https://\u{430}pp.example/cb",
    ] {
        corpus.push(other.to_owned());
    }
    assert!(corpus.len() >= 180, "{}", corpus.len());

    for wrong in corpus {
        let page = AuthorizationRequest::new(&client)
            .with("redirect_uri", &wrong)
            .open_in_new_browser(&server)
            .await;
        page.response.assert_error_page(400);
        let certificate = page.response.text_without_reference();
        assert!(
            !certificate.contains("evil"),
            "the page must not repeat the redirect URI: {wrong}"
        );
    }
}

/// > If multiple redirection URIs have been registered […] the client MUST include a redirection URI
/// > with the authorization request (§3.1.2.3); OIDC Core §3.1.2.1: REQUIRED. THREATS AZ-10
#[tokio::test]
async fn an_authorization_request_must_include_a_redirect_uri() {
    let server = Server::start().await;
    let one = server.web_app().await;
    let two = server
        .register(json!({"redirect_uris": [Client::REDIRECT_URI, "https://app.example/other"]}))
        .await;

    for client in [one, two] {
        let page = AuthorizationRequest::new(&client)
            .without("redirect_uri")
            .open_in_new_browser(&server)
            .await;
        page.response.assert_error_page(400);
        let page = AuthorizationRequest::new(&client)
            .with("redirect_uri", "")
            .open_in_new_browser(&server)
            .await;
        page.response.assert_error_page(400);
    }
}

/// THREATS AZ-08: the client is validated first, then its redirect URI, then everything else.
#[tokio::test]
async fn client_and_redirect_uri_are_validated_before_all_other_parameters() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let wrong = |name, value| AuthorizationRequest::new(&client).with(name, value);

    for (name, value) in [
        ("response_type", "token"),
        ("response_mode", "jwt"),
        ("scope", "everything"),
        ("code_challenge_method", "plain"),
        ("prompt", "none"),
        ("max_age", "x"),
        ("claims", "x"),
        ("resource", "x"),
        ("request", "x"),
        ("id_token_hint", "x"),
    ] {
        let request = wrong(name, value);
        let evil = request.clone().with("redirect_uri", "https://evil.example/cb");
        evil.open_in_new_browser(&server).await.response.assert_error_page(400);
        let unknown_client = request.clone().with("client_id", "nobody");
        unknown_client.open_in_new_browser(&server).await.response.assert_error_page(400);
        let proven = request.open_in_new_browser(&server).await;
        assert!(!proven.parameter("error").is_empty(), "{name}");
    }
}

/// > Request and response parameters MUST NOT be included more than once. (§3.1); THREATS AZ-09
#[tokio::test]
async fn a_duplicate_parameter_is_refused() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let request = AuthorizationRequest::new(&client).with("nonce", "n").with("unknown", "u");

    for name in request.names() {
        for value in ["x", ""] {
            let page = request.clone().append(&name, value).open_in_new_browser(&server).await;

            match name.as_str() {
                "client_id" | "redirect_uri" => drop(page.response.assert_error_page(400)),
                "state" => {
                    assert_eq!(page.parameter("error"), "invalid_request");
                    assert!(
                        !page.url.contains("state="),
                        "a duplicate state is not returned: {page:?}"
                    );
                }
                _ => drop(page.refused("invalid_request")),
            }
        }
    }
}

/// > The authorization server MUST ignore unrecognized request parameters. (§3.1)
/// > Parameters sent without a value MUST be treated as if they were omitted from the request. (§3.1)
#[tokio::test]
async fn unrecognized_and_empty_parameters_are_ignored() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let mut request =
        AuthorizationRequest::new(&client).with("foo", "bar").with("display", "popup");
    for name in ["prompt", "max_age", "claims", "resource", "request", "nonce", "response_mode"] {
        request = request.with(name, "");
    }

    request.open_in_new_browser(&server).await.assert_page("/login");
    AuthorizationRequest::new(&client)
        .with("scope", "")
        .open_in_new_browser(&server)
        .await
        .refused("invalid_scope");
}

/// > If an authorization request is missing the "response_type" parameter, or if the response type is
/// > not understood, the authorization server MUST return an error response (§3.1.1); THREATS AZ-11
#[tokio::test]
async fn code_is_the_only_supported_response_type() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let authorize = async |kind: &str| {
        AuthorizationRequest::new(&client)
            .with("response_type", kind)
            .open_in_new_browser(&server)
            .await
    };

    for kind in [
        "token",
        "id_token",
        "id_token token",
        "code token",
        "token code",
        "code id_token token",
        "none",
        "Code",
        "code ",
        " code",
        "code code",
        "unknown",
    ] {
        authorize(kind).await.refused("unsupported_response_type");
    }
    authorize("").await.refused("invalid_request");
}

/// THREATS AZ-12; OAuth 2.0 Multiple Response Types §2.1.
#[tokio::test]
async fn the_response_uses_the_requested_response_mode() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let authorize = async |mode: &str| {
        let request =
            AuthorizationRequest::new(&client).with("prompt", "none").with("response_mode", mode);
        request.open_in_new_browser(&server).await
    };

    authorize("query").await.refused("login_required");
    let fragment = authorize("fragment").await.url;
    let (uri, response) = fragment.split_once('#').unwrap();
    assert_eq!(uri, Client::REDIRECT_URI);
    assert!(response.starts_with("error=login_required&"), "{fragment}");
    for unknown in ["jwt", "query.jwt", "web_message", "Query", "form-post"] {
        authorize(unknown).await.refused("invalid_request");
    }
}

/// OAuth 2.0 Form Post Response Mode §2; THREATS AZ-13: values from the request are escaped, and the
/// page runs only the server's own script.
#[tokio::test]
async fn a_form_post_response_escapes_the_values_of_the_request() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;

    for state in [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "</form><form action=https://evil.example>",
        "&quot;&#34;&amp;\u{2028}\u{fffe}",
        "javascript:alert(1)",
    ] {
        let request = AuthorizationRequest::new(&client)
            .with("response_mode", "form_post")
            .with("state", state);
        let mut browser = Browser::new(&server);
        let page = browser.complete_authorization(&request, "ada").await;
        let response = &page.response;

        assert_eq!((response.status, response.header("location")), (200, ""));
        let fields = page.hidden_fields();
        let field = |name: &str| fields.iter().find(|(other, _)| other == name).unwrap().1.clone();
        assert_eq!((field("state"), field("iss")), (state.to_owned(), ISSUER.to_owned()));
        assert!(field("code").starts_with("gw_code_"), "{fields:?}");
        assert_eq!(response.text.matches("<form").count(), 1);
        assert!(response.text.contains(&format!("action=\"{}\"", Client::REDIRECT_URI)));
        assert_eq!(response.text.matches("<script").count(), 1, "only the server's own script");
        assert!(!response.text.contains("<img src=x"));
        let csp = response.header("content-security-policy");
        assert!(csp.contains("script-src 'self'") && !csp.contains("unsafe"), "{csp}");
    }
}

/// > REQUIRED if the "state" parameter was present in the client authorization request. The exact value
/// > received from the client. (§4.1.2); THREATS AZ-14
#[tokio::test]
async fn the_state_is_returned_byte_for_byte() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let authorize = async |state: &str| {
        let request =
            AuthorizationRequest::new(&client).with("prompt", "none").with("state", state);
        request.open_in_new_browser(&server).await
    };

    for state in
        ["a b+c%20", "%0d%0aSet-Cookie:x", "ä→\u{1f510}", "a&code=x&iss=y", "#?/\\\"'<>", "=;,"]
    {
        assert_eq!(authorize(state).await.parameter("state"), state);
    }
    for state in ["a\r\nSet-Cookie: x=y", "a\nb", "\u{7f}", "\u{85}"] {
        let page = authorize(state).await;
        assert_eq!(page.parameter("error"), "invalid_request", "{state:?}");
        assert!(!page.url.contains("state="), "{page:?}");
        assert_eq!(page.response.header("set-cookie"), "");
    }
    let stateless = AuthorizationRequest::new(&client).with("prompt", "none").without("state");
    assert!(!stateless.open_in_new_browser(&server).await.url.contains("state="));
}

/// THREATS AZ-14: NUL, invalid UTF-8, incomplete escapes. Once client and redirect URI are validated,
/// the error is sent to the client. The value of an unrecognized parameter is ignored (RFC 6749 §3.1).
#[tokio::test]
async fn malformed_text_is_refused_in_every_recognized_parameter() {
    let server = Server::start().await;
    let client = server.web_app().await;

    for broken in ["%00", "a%00b", "%ff", "%c3%28", "%ed%a0%80", "%", "%2", "%zz", "50%"] {
        let authorize = async |name: &str| {
            let request = AuthorizationRequest::new(&client).without(name);
            Browser::new(&server).open(&format!("{}&{name}={broken}", request.target())).await
        };
        for name in ["client_id", "redirect_uri"] {
            authorize(name).await.response.assert_error_page(400);
        }
        for name in ["nonce", "login_hint", "scope", "prompt", "resource"] {
            authorize(name).await.refused("invalid_request");
        }
        let stateless = authorize("state").await;
        assert_eq!(stateless.parameter("error"), "invalid_request");
        assert!(!stateless.url.contains("state="), "{stateless:?}");
        authorize("unknown").await.assert_page("/login");
        let nameless = format!("{}&{broken}=1", AuthorizationRequest::new(&client).target());
        Browser::new(&server).open(&nameless).await.assert_page("/login");
        // The same holds for POST.
        let form = format!(
            "{}&state={broken}",
            AuthorizationRequest::new(&client).without("state").form()
        );
        let posted = Browser::new(&server).post_cross_site("/authorize", &form).await;
        assert_eq!(posted.parameter("error"), "invalid_request");
    }
}

/// RFC 6749 §3.1.2: "which MUST be retained when adding additional query parameters"; the query begins
/// at the first `?`.
#[tokio::test]
async fn response_parameters_are_appended_to_the_query_of_the_redirect_uri() {
    let server = Server::start().await;
    for (uri, joined) in [
        ("https://app.example/cb?", "https://app.example/cb?error="),
        ("https://app.example/cb?a=what?", "https://app.example/cb?a=what?&error="),
        ("https://app.example/cb??", "https://app.example/cb??&error="),
        ("https://app.example/cb?a=b&", "https://app.example/cb?a=b&error="),
        ("https://app.example/cb?a=b", "https://app.example/cb?a=b&error="),
    ] {
        let client = server
            .register(json!({ "redirect_uris": [uri], "post_logout_redirect_uris": [uri] }))
            .await;
        let request =
            AuthorizationRequest::new(&client).with("redirect_uri", uri).with("prompt", "none");

        let page = request.open_in_new_browser(&server).await;

        assert!(page.url.starts_with(joined), "{}", page.url);
        assert_eq!(page.parameter("error"), "login_required");
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &client.id)
            .append_pair("post_logout_redirect_uri", uri)
            .append_pair("state", "s")
            .finish();
        let left = Browser::new(&server).open(&format!("/logout?{query}")).await;
        assert_eq!(left.url, joined.replace("error=", "state=s"));
    }
}

/// THREATS AZ-15: the length of cookies and URLs does not depend on it, so that proxies accept them.
#[tokio::test]
async fn a_state_of_8192_bytes_is_returned_and_a_longer_one_is_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let with = |length| AuthorizationRequest::new(&client).with("state", &"s".repeat(length));
    let mut browser = Browser::new(&server);

    let page = browser.complete_authorization(&with(8192), "ada").await;

    assert_eq!(page.parameter("state").len(), 8192);
    assert!(browser.cookies.values().all(|cookie| cookie.len() < 500), "{:?}", browser.cookies);
    with(8193).open_in_new_browser(&server).await.response.assert_error_page(413);
    let huge = server.post("/authorize", &with(1 << 20).form()).await;
    assert_eq!((huge.status, huge.header("location")), (413, ""));
}

/// THREATS AZ-16: where GET may issue a code, HEAD is not accepted.
#[tokio::test]
async fn head_requests_to_the_authorization_flow_are_refused() {
    let server = Server::start().await;
    server.user("ada").await;
    let request = AuthorizationRequest::new(&server.web_app().await);
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&request, "ada").await.code();

    for target in [request.target(), "/consent".to_owned(), "/login".to_owned()] {
        let response = browser.send(server.request("HEAD", &target)).await;
        assert_eq!((response.status, response.header("location")), (405, ""), "{target}");
    }
}

/// > The authorization server MUST support the use of the HTTP "GET" method for the authorization
/// > endpoint and MAY support the use of the "POST" method as well. (§3.1); OIDC Core §3.1.2.1: MUST.
/// > THREATS AZ-22: a POST goes on as a GET, with 303.
#[tokio::test]
async fn an_authorization_request_may_be_sent_by_post() {
    let server = Server::start().await;
    server.user("ada").await;
    let request = AuthorizationRequest::new(&server.web_app().await);
    let mut browser = Browser::new(&server);
    let page = browser.post_cross_site("/authorize", &request.form()).await;
    let page = browser.submit_credentials(&page, "ada").await;
    browser.submit(&page, &[("answer", "allow")]).await.code();

    let again = browser.post_cross_site("/authorize", &request.form()).await;

    again.code();
    let wrong = request.clone().with("redirect_uri", "https://evil.example/cb");
    let response = server.post("/authorize", &wrong.form()).await;
    response.assert_error_page(400);
}

/// The URL to which a POST is redirected is valid for ten minutes and any number of uses. Only the
/// server can seal such a URL.
#[tokio::test]
async fn a_posted_request_continues_at_a_sealed_url_for_ten_minutes() {
    let server = Server::start().await;
    let request = AuthorizationRequest::new(&server.web_app().await);
    let posted = server.post("/authorize", &request.form()).await;
    let location = posted.header("location");
    let target = location.strip_prefix(ISSUER).unwrap_or(location);

    Browser::new(&server).open(target).await.assert_page("/login");

    Browser::new(&server).open(target).await.assert_page("/login");
    for broken in ["x", "gw_posted", &target["/authorize?gw_posted=".len()..target.len() - 1]] {
        let target = format!("/authorize?gw_posted={broken}");
        Browser::new(&server).open(&target).await.response.assert_error_page(400);
    }
    server.advance_clock(600);
    Browser::new(&server).open(target).await.response.assert_error_page(400);
}

/// A request that is longer than a URL may be is kept in the form of the page: from GET up to the size
/// of a request head, from POST up to the size of a body.
#[tokio::test]
async fn a_request_too_long_for_a_url_survives_sign_in_and_consent() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let long = |names: &[&str]| {
        let request = AuthorizationRequest::new(&client).with("prompt", "login consent");
        names.iter().fold(request, |request, name| request.with(name, &"x".repeat(7_500)))
    };
    let longest = long(&["state", "nonce", "unknown", "login_hint"]);
    for by_post in [false, true] {
        let mut browser = Browser::new(&server);
        let login = if by_post {
            browser.post_cross_site("/authorize", &longest.form()).await
        } else {
            browser.start_authorization(&longest).await
        };
        assert!(login.url.len() < 4_200, "{}", login.url.len());
        let typed = [("identifier", "ada"), ("password", PASSWORD)];
        let consent = browser.submit(login.assert_page("/login"), &typed).await;
        assert!(consent.url.len() < 4_200, "{}", consent.url.len());

        let page = browser.submit(consent.assert_page("/consent"), &[("answer", "allow")]).await;

        assert_eq!(page.parameter("state").len(), 7_500);
        assert!(page.url.contains("code="), "{page:?}");
    }
    let more = long(&["state", "nonce", "a", "b", "c", "d"]);
    Browser::new(&server).post_cross_site("/authorize", &more.form()).await.url.contains("error");
}

/// RFC 6749 §3.3; THREATS AZ-24.
#[tokio::test]
async fn a_scope_that_the_client_is_not_registered_for_is_refused() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let authorize = async |scope: &str| {
        AuthorizationRequest::new(&client).with("scope", scope).open_in_new_browser(&server).await
    };
    let many: Vec<_> = (0..800).map(|n| format!("s{n}")).collect();

    for scope in
        ["unknown", "openid admin", "openid \"", "openid \\", "open\u{ef}d", &many.join(" ")]
    {
        authorize(scope).await.refused("invalid_scope");
    }
    authorize("openid openid  profile").await.assert_page("/login");
}

/// > unauthorized_client: The client is not authorized to request an authorization code using this
/// > method. (§4.1.2.1)
#[tokio::test]
async fn a_client_without_the_authorization_code_grant_gets_an_error_page() {
    let server = Server::start().await;
    let service = server.service().await;

    AuthorizationRequest::new(&service)
        .open_in_new_browser(&server)
        .await
        .response
        .assert_error_page(400);
}

/// OIDC Core §6: the server does not support request objects, and must not ignore them.
#[tokio::test]
async fn a_request_object_is_refused() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let authorize = async |name: &str| {
        AuthorizationRequest::new(&client)
            .with(name, "https://app.example/x")
            .open_in_new_browser(&server)
            .await
    };

    authorize("request").await.refused("request_not_supported");
    authorize("request_uri").await.refused("request_uri_not_supported");
}

/// > access_denied: The resource owner or authorization server denied the request. (§4.1.2.1)
#[tokio::test]
async fn cancelling_sign_in_or_denying_consent_returns_access_denied() {
    let server = Server::start().await;
    server.user("ada").await;
    let request = AuthorizationRequest::new(&server.web_app().await);
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&request).await;
    browser.submit(&login, &[("answer", "cancel")]).await.refused("access_denied");

    let login = browser.start_authorization(&request).await;
    let consent = browser.submit_credentials(&login, "ada").await;
    browser.submit(&consent, &[("answer", "deny")]).await.refused("access_denied");

    browser.submit(&consent, &[("answer", "allow")]).await.response.assert_error_page(400);
    browser.start_authorization(&request).await.assert_page("/consent");
}

/// THREATS AZ-26, UI-05: the URL of a page is of no use in another browser.
#[tokio::test]
async fn an_authorization_request_is_bound_to_the_browser_that_sent_it() {
    let server = Server::start().await;
    server.user("ada").await;
    let request = AuthorizationRequest::new(&server.web_app().await);
    let mut victim = Browser::new(&server);
    victim.sign_in("ada").await;
    let mut attacker = Browser::new(&server);
    let theirs = attacker.start_authorization(&request).await;

    for page in ["/login", "/consent", "/select-account"] {
        let target = theirs.url.replace("/login", page);
        victim.open(&target).await.response.assert_error_page(400);
        Browser::new(&server).open(&target).await.response.assert_error_page(400);
    }
    // The form of the attacker's page, submitted by the victim's browser.
    victim.submit(&theirs, &[("answer", "cancel")]).await.response.assert_error_page(400);

    let consent = attacker.submit_credentials(&theirs, "ada").await;
    attacker.submit(&consent, &[("answer", "allow")]).await.code();
}

/// THREATS X-01, EX-21: of 64 submissions of one consent form, one issues a code, and all are
/// redirected to the client with it.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_racing_submissions_of_a_consent_form_all_get_the_same_code() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let login = browser.start_authorization(&AuthorizationRequest::new(&client)).await;
    let consent = browser.submit_credentials(&login, "ada").await;
    let request = browser.form_request(&consent, &[("answer", "allow")]);

    let racing: Vec<_> = (0..64).map(|_| tokio::spawn(request.clone().send())).collect();
    let mut codes = std::collections::BTreeSet::new();
    for response in racing {
        let response = response.await.unwrap();
        assert_eq!(response.status, 303, "{response:?}");
        assert!(response.header("location").contains("code=gw_code_"), "{response:?}");
        codes.insert(response.header("location").to_owned());
    }

    assert_eq!(codes.len(), 1);
}

/// THREATS AZ-23: the pages load nothing from other origins, so no code appears in a `Referer` header.
#[tokio::test]
async fn no_page_of_the_authorization_flow_loads_from_another_origin() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    let login = browser
        .start_authorization(&AuthorizationRequest::new(&client).with("response_mode", "form_post"))
        .await;
    let consent = browser.submit_credentials(&login, "ada").await;
    let form = browser.submit(&consent, &[("answer", "allow")]).await;

    for page in [login, consent, form] {
        let html = &page.response.text;
        for link in html.split([' ', '\n']).filter_map(|word| word.strip_prefix("src=\"")) {
            assert!(link.starts_with('/') && !link.starts_with("//"), "{link}");
        }
        for tag in html.split("<link ").skip(1) {
            assert!(tag.split('>').next().unwrap().contains("href=\"/"), "{tag}");
        }
        assert_eq!(page.response.header("referrer-policy"), "same-origin");
    }
}
