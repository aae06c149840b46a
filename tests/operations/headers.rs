//! The header fields of every response, errors included (THREATS M7, AZ-23, TE-24); which origins may
//! read a response (TE-23); which paths exist (HD-01 to HD-07).

use gatewright::config::{Issuer, Network};
use gatewright::render::Kind;
use serde_json::json;

use kit::http::{Response, send_bytes};
use kit::server::{Client, Server};

/// All responses of the router: each endpoint with each method, and paths without an endpoint.
async fn all_responses(server: &Server) -> Vec<(String, Response)> {
    let mut responses = Vec::new();
    for route in gatewright::server::routes() {
        let path = route.path.replace("{name}", "gatewright.css");
        for method in ["GET", "POST", "HEAD", "PUT", "OPTIONS"] {
            for accept in ["*/*", "text/html,application/xhtml+xml"] {
                let response = server.request(method, &path).header("accept", accept).send().await;
                responses.push((format!("{method} {path} {accept}"), response));
            }
        }
    }
    for accept in ["*/*", "text/html"] {
        let response = server.request("GET", "/nothing").header("accept", accept).send().await;
        responses.push((format!("GET /nothing {accept}"), response));
    }
    responses
}

#[tokio::test]
async fn every_response_of_every_route_has_the_security_headers() {
    let server = Server::start().await;

    for (what, response) in all_responses(&server).await {
        let has = |name, value| assert_eq!(response.header(name), value, "{what}");
        has("x-content-type-options", "nosniff");
        has("x-frame-options", "DENY");
        has("referrer-policy", "same-origin");
        has("cross-origin-opener-policy", "same-origin");
        has("strict-transport-security", "max-age=63072000");
        assert!(response.header("permissions-policy").contains("camera=()"), "{what}");
        let csp = response.header("content-security-policy");
        assert!(csp.starts_with("default-src 'none'"), "{what}: {csp}");
        assert!(!response.header("x-request-id").is_empty(), "{what}");
        assert!(!response.header("cache-control").is_empty(), "{what}");
        assert!(response.status < 500, "{what}: {response:?}");
        assert_eq!(response.headers("server"), [""; 0], "{what}");
        if response.header("content-type").starts_with("text/html") {
            has("cache-control", "no-store");
            for part in ["frame-ancestors 'none'", "base-uri 'none'", "style-src 'self'"] {
                assert!(csp.contains(part), "{what}: {csp}");
            }
            assert!(!csp.contains("unsafe"), "{what}: {csp}");
        }
    }
}

/// HSTS over http would be ignored, and on localhost it would break other servers.
#[tokio::test]
async fn an_http_issuer_on_loopback_sends_no_hsts() {
    let issuer = "http://localhost:8080";
    let server = Server::with(|config| config.issuer = Issuer::parse(issuer).ok().unwrap()).await;

    assert_eq!(server.get("/jwks").await.ok().header("strict-transport-security"), "");
}

/// A page for browsers, JSON for programs.
#[tokio::test]
async fn an_unknown_path_gets_a_page_or_json_by_accept() {
    let server = Server::start().await;

    let page = server.request("GET", "/nothing").header("accept", "text/html").send().await;
    let webhook = server.get("/nothing").await;

    assert_eq!((page.status, webhook.status), (404, 404));
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains(page.header("x-request-id")), "the page contains the request id");
    assert_eq!(webhook.body["error"], "not_found");
}

/// THREATS HD-06: routes match exactly.
#[tokio::test]
async fn a_path_that_would_need_normalization_is_not_found() {
    let server = Server::start().await;

    for target in [
        "//token",
        "/token/",
        "/%74oken",
        "/;a/token",
        "/token;a",
        "/Token",
        "/./token",
        "/jwks/../token",
        "/jwks/..%2ftoken",
        "/token%00",
        "/static/",
        "/static/../Cargo.toml",
        "/static/..%2f..%2fCargo.toml",
        "/static/x/gatewright.css",
        "/metrics",
        "/admin/",
        "/admin/people/",
        "/admin//people",
    ] {
        assert_eq!(server.get(target).await.status, 404, "{target}");
    }
}

/// THREATS AZ-16: where a request may have an effect, HEAD is not treated as GET.
#[tokio::test]
async fn head_requests_for_pages_are_refused() {
    let server = Server::start().await;
    let pages = gatewright::server::routes().into_iter().filter(|route| route.kind == Kind::Page);

    for page in pages {
        let response = server.request("HEAD", page.path).header("accept", "text/html").send().await;
        assert_eq!(response.status, 405, "{}", page.path);
        assert_eq!(response.header("allow"), page.allow());
        assert_eq!(response.headers("set-cookie"), [""; 0]);
    }
}

/// THREATS HD-04, M8: the method is that of the request line.
#[tokio::test]
async fn header_fields_override_neither_method_nor_path() {
    let server = Server::start().await;

    let request = server.request("GET", "/token").header("x-http-method-override", "POST");
    let overridden = request.header("x-original-uri", "/jwks").header("x-rewrite-url", "/jwks");

    assert_eq!(overridden.send().await.status, 405);
}

/// > A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message that
/// > lacks a Host header field and to any request message that contains more than one Host header field
/// > line (RFC 9112 §3.2); THREATS HD-01
#[tokio::test]
async fn a_request_must_have_exactly_one_host() {
    let server = Server::start().await;

    for hosts in ["", "host: a\r\nhost: b\r\n", "host: a\r\nhost: a\r\n"] {
        let request = format!("GET /jwks HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
        assert_eq!(send_bytes(server.address, request.as_bytes()).await.status, 400, "{hosts:?}");
    }
    let old = send_bytes(server.address, b"GET /jwks HTTP/1.0\r\n\r\n").await;
    assert_eq!(old.status, 200, "HTTP/1.0 needs no Host");
}

/// DESIGN §9: a request id is accepted from trusted proxies only, and only in a safe format.
#[tokio::test]
async fn a_request_id_is_accepted_from_trusted_proxies_only() {
    let trusting = Server::with(|config| {
        config.http.trusted_proxies = vec![Network::new("127.0.0.1".parse().unwrap(), 32).unwrap()];
    })
    .await;
    let strict = Server::start().await;
    let given = async |server: &Server, id: &str| {
        let response = server.request("GET", "/jwks").header("x-request-id", id).send().await;
        response.header("x-request-id").to_owned()
    };

    assert_eq!(given(&trusting, "abcdefgh-0123").await, "abcdefgh-0123");
    assert_ne!(given(&strict, "abcdefgh-0123").await, "abcdefgh-0123");
    for wrong in ["short", "has a space", "<script>alert</script>", "a_b_c_d_e_f", &"a".repeat(65)]
    {
        assert_ne!(given(&trusting, wrong).await, wrong);
    }
    assert_ne!(given(&strict, "x").await, given(&strict, "x").await, "each request has its own id");
}

/// A single-page application whose scripts run at this origin.
async fn register_spa(server: &Server) -> Client {
    server
        .register(json!({
            "token_endpoint_auth_method": "none",
            "redirect_uris": ["https://app.example/cb"],
            "gw_allowed_origins": ["https://app.example"],
        }))
        .await
}

/// DESIGN §4, THREATS TE-23: only a registered origin of the request's client.
#[tokio::test]
async fn cors_permits_only_the_origins_of_the_requests_client() {
    let server = Server::start().await;
    let (app, service) = (register_spa(&server).await, server.service().await);
    let request_from = async |origin: &str, id: &str| {
        let form = format!("grant_type=authorization_code&code=x&client_id={id}");
        server.request("POST", "/token").header("origin", origin).form(&form).send().await
    };

    let permitted =
        request_from("https://app.example", &app.id).await.refused(400, "invalid_grant");
    assert_eq!(
        permitted.header("access-control-allow-origin"),
        "https://app.example",
        "on errors too"
    );
    assert!(permitted.header("access-control-expose-headers").contains("WWW-Authenticate"));
    assert_eq!(permitted.header("vary"), "Origin");
    assert_eq!(permitted.header("access-control-allow-credentials"), "");

    for (origin, id) in [
        ("https://app.example", service.id.as_str()),
        ("https://app.example", "unknown"),
        ("https://evil.example", &app.id),
        ("https://app.example.evil.example", &app.id),
        ("https://evilapp.example", &app.id),
        ("http://app.example", &app.id),
        ("https://app.example:8443", &app.id),
        ("HTTPS://APP.EXAMPLE", &app.id),
        ("null", &app.id),
        ("*", &app.id),
    ] {
        let response = request_from(origin, id).await;
        assert_eq!(response.headers("access-control-allow-origin"), [""; 0], "{origin} {id}");
        assert_eq!(response.header("vary"), "Origin");
    }
}

/// DESIGN §4: a preflight names no client, so the origins of all clients are accepted.
#[tokio::test]
async fn a_preflight_permits_the_origins_of_all_clients() {
    let server = Server::start().await;
    let preflight = async |path: &str, origin: &str| {
        let request = server.request("OPTIONS", path).header("origin", origin);
        let request = request.header("access-control-request-headers", "authorization");
        request.header("access-control-request-method", "POST").send().await
    };
    let before = preflight("/token", "https://app.example").await;
    assert_eq!(
        before.headers("access-control-allow-origin"),
        [""; 0],
        "no client has this origin yet"
    );
    register_spa(&server).await;

    let response = preflight("/token", "https://app.example").await;

    assert_eq!(response.status, 204);
    assert_eq!(response.header("access-control-allow-origin"), "https://app.example");
    assert_eq!(response.header("access-control-allow-methods"), "POST");
    assert!(response.header("access-control-allow-headers").contains("authorization"));
    assert_eq!(response.header("vary"), "Origin");
    for origin in ["https://evil.example", "null"] {
        let response = preflight("/userinfo", origin).await;
        assert_eq!(response.headers("access-control-allow-origin"), [""; 0], "{origin}");
    }
    assert_eq!(
        preflight("/", "https://app.example").await.status,
        405,
        "pages are not available to other origins"
    );
}

/// Static files are cached without a time limit, under their version.
#[tokio::test]
async fn static_files_of_a_page_are_cached_by_version() {
    let server = Server::start().await;

    let page = server.request("GET", "/").header("accept-language", "de").send().await.ok();
    let style =
        page.text.split('"').find(|text| text.contains("/static/gatewright.css?v=")).unwrap();
    let css = server.get(style).await.ok();

    assert!(page.text.contains("<html lang=\"de\">"));
    assert_eq!(css.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(server.get("/static/unknown.css").await.status, 404);
}
