//! RFC 6750, Bearer Token Usage, at the protected resource of the server itself.

use kit::server::Server;

/// > If the request lacks any authentication information […], the resource server SHOULD NOT include an
/// > error code or other error information. (§3.1)
#[tokio::test]
async fn a_request_without_a_token_gets_a_challenge_without_an_error() {
    let server = Server::start().await;

    for response in [server.get("/userinfo").await, server.post("/userinfo", "a=b").await] {
        assert_eq!((response.status, response.text.as_str()), (401, ""));
        assert_eq!(response.header("www-authenticate"), "Bearer realm=\"gatewright\"");
        assert_eq!(response.header("cache-control"), "no-store");
    }
}

/// > invalid_token: The access token provided is expired, revoked, malformed, or invalid for other
/// > reasons. The resource SHOULD respond with the HTTP 401 (Unauthorized) status code. (§3.1)
#[tokio::test]
async fn malformed_tokens_are_refused_as_invalid_token() {
    let server = Server::start().await;
    let client = server.service().await;

    for junk in ["x", "a.b.c", "gw_at_x", "gw_rt_x", &client.secret, &"x".repeat(20_000)] {
        let response = server.request("GET", "/userinfo").bearer(junk).send().await;
        let challenge = response.header("www-authenticate").to_owned();
        assert!(challenge.starts_with("Bearer realm=\"gatewright\", error=\"invalid_token\""));
        response.refused(401, "invalid_token");
    }
}

/// > Clients MUST NOT use more than one method to transmit the token in each request. (§2); THREATS JO-21
#[tokio::test]
async fn a_token_sent_in_the_query_or_in_two_ways_is_refused() {
    let server = Server::start().await;

    let query = server.get("/userinfo?access_token=x").await;
    let both = server.request("GET", "/userinfo?access_token=x").bearer("x").send().await;
    let twice = server.request("GET", "/userinfo").bearer("x").bearer("x").send().await;
    let ways = server.request("POST", "/userinfo").bearer("x").form("access_token=x").send().await;
    let basic = server.request("GET", "/userinfo").basic("a", "b").send().await;
    let doubled = server.post("/userinfo", "access_token=x&access_token=x").await;

    for response in [query, both, twice, ways, basic, doubled] {
        assert!(response.header("www-authenticate").contains("error=\"invalid_request\""));
        response.refused(400, "invalid_request");
    }
}

/// RFC 6750 §3: a challenge contains neither quotes nor line breaks of a request, so it is always one
/// header field.
#[tokio::test]
async fn a_body_of_another_media_type_is_refused() {
    let server = Server::start().await;

    for kind in ["application/json", "multipart/form-data; boundary=x"] {
        let request = server.request("POST", "/userinfo").header("content-type", kind);
        request.body("access_token=x").send().await.refused(415, "invalid_request");
    }
}
