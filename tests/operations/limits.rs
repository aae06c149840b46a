//! Limits of requests (THREATS DO-03, DO-04, DO-09, DO-06), and what operators see (HD-07).

use gatewright::render::{Kind, Request, Response, Route};
use gatewright::server::{Running, Sockets, routes};
use gatewright::types::Seconds;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use kit::http::{RequestBuilder, send_bytes};
use kit::server::Server;

/// DO-04: a body whose declared or actual length is too large, and one with too many parameters.
#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let large = format!("grant_type={}", "x".repeat(64 * 1024));

    server.post("/token", &large).await.refused(413, "invalid_request");

    let chunk = format!("{:x}\r\n{large}\r\n", large.len());
    let head =
        "POST /token HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let chunked =
        format!("{head}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{chunk}0\r\n\r\n");
    send_bytes(server.address, chunked.as_bytes()).await.refused(413, "invalid_request");

    let many: String = (0..101).map(|n| format!("p{n}=1&")).collect();
    server.post("/token", &many).await.refused(400, "invalid_request");
    let long = format!("grant_type={}", "x".repeat(8193));
    server.post("/token", &long).await.refused(413, "invalid_request");
}

#[tokio::test]
async fn malformed_text_is_refused_in_recognized_parameters() {
    let server = Server::start().await;
    let service = server.service().await;

    for body in [&b"grant_type=\xff"[..], b"grant_type=%ff", b"grant_type=%"] {
        let request = server.request("POST", "/token").basic(&service.id, &service.secret);
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(body);
        request.send().await.refused(400, "invalid_request");
    }
    // RFC 6749 §3.2: "MUST ignore unrecognized request parameters".
    for unknown in ["x=%ff", "x=%", "%ff=1", "state=50%"] {
        let form = format!("grant_type=client_credentials&{unknown}");
        server.post_as(&service, "/token", &form).await.ok();
    }
}

/// DO-09: 431 for many header fields and for long ones, 414 or 431 for a long target.
#[tokio::test]
async fn too_many_or_too_long_header_fields_are_refused() {
    let server = Server::start().await;
    let mut many = server.request("GET", "/jwks");
    for n in 0..110 {
        many = many.header(&format!("x-{n}"), "1");
    }

    let long = server.request("GET", "/jwks").header("x-long", &"x".repeat(40 * 1024));
    let target = server.request("GET", &format!("/jwks?{}", "x".repeat(40 * 1024)));

    assert_eq!(many.send().await.status, 431);
    assert_eq!(long.send().await.status, 431);
    assert!(matches!(target.send().await.status, 414 | 431));
}

/// HD-05: two lengths, or a length and a transfer coding, are ambiguous.
#[tokio::test]
async fn a_request_of_ambiguous_length_is_refused() {
    let server = Server::start().await;
    let head =
        "POST /token HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n";

    for lengths in [
        "content-length: 3\r\ncontent-length: 4\r\n",
        "content-length: 3, 4\r\n",
        "content-length: +3\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length : 3\r\n",
        "x: a\r\n b: obs-fold\r\ncontent-length: 3\r\n",
    ] {
        let request = format!("{head}{lengths}connection: close\r\n\r\na=b");
        let response = send_bytes(server.address, request.as_bytes()).await;
        assert_eq!(response.status, 400, "{lengths:?}: {response:?}");
    }
}

/// DO-03: a late body gets 408; a connection with a late head is closed.
#[tokio::test]
async fn slow_requests_time_out() {
    let server = Server::with(|config| {
        config.http.request_timeout = Seconds(1);
        config.http.header_timeout = Seconds(1);
    })
    .await;
    let head =
        "POST /token HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-www-form-urlencoded\r\n";

    let half = format!("{head}content-length: 100\r\nconnection: close\r\n\r\ngrant_type=");
    let response = send_bytes(server.address, half.as_bytes()).await;
    response.refused(408, "invalid_request");

    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"POST /token HTT").await.unwrap();
    let mut read = Vec::new();
    silent.read_to_end(&mut read).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&read), "");
}

/// DO-06: a panic affects only its own request.
#[tokio::test]
async fn a_panic_is_a_500_of_one_request() {
    async fn panicking(_: Request) -> Response {
        panic!("a defect");
    }
    async fn endless(_: Request) -> Response {
        std::future::pending().await
    }
    let server = Server::with(|config| config.http.request_timeout = Seconds(1)).await;
    let mut routes = routes();
    routes.push(Route::new(Kind::Machine, "/panic").get(panicking));
    routes.push(Route::new(Kind::Page, "/panic/page").get(panicking));
    routes.push(Route::new(Kind::Machine, "/endless").get(endless));
    let http = vec![TcpListener::bind("127.0.0.1:0").await.unwrap()];
    let sockets = Sockets { http, ..Sockets::default() };
    let defective = Running::start(server.app().clone(), routes, sockets).await.unwrap();
    let get = |path| RequestBuilder::new(defective.addresses().http[0], "GET", path).send();

    get("/panic").await.refused(500, "server_error");
    let page = get("/panic/page").await;
    let late = get("/endless").await.refused(503, "temporarily_unavailable");

    assert_eq!((page.status, page.header("content-type")), (500, "text/html; charset=utf-8"));
    assert!(!page.text.contains("defect"), "THREATS LG-03");
    assert_eq!(late.header("retry-after"), "1");
    assert_eq!(get("/jwks").await.status, 200, "the server still works");
}

/// DESIGN §9.
#[tokio::test]
async fn health_endpoints_respond() {
    let server = Server::start().await;

    assert_eq!(server.get("/healthz").await.ok().text, "alive\n");
    assert_eq!(server.get("/readyz").await.ok().text, "ready\n");
}

/// HD-07; the metrics have no label whose value a client could choose.
#[tokio::test]
async fn metrics_are_served_at_the_operations_listener_only() {
    let server = Server::with(|config| config.operations.listen = "127.0.0.1:0".parse().ok()).await;
    let client = server.service().await;
    server.client_credentials_token(&client).await;
    server.post("/token", "grant_type=x").await;
    server.get("/made-up-by-a-client").await;

    let metrics =
        RequestBuilder::new(server.operations.unwrap(), "GET", "/metrics").send().await.ok();

    assert_eq!(server.get("/metrics").await.status, 404);
    for line in [
        "gatewright_http_requests_total{endpoint=\"/token\",status=\"200\"} 1",
        "gatewright_http_requests_total{endpoint=\"unknown\",status=\"404\"} 1",
        "gatewright_tokens_issued_total{grant_type=\"client_credentials\"} 1",
        "gatewright_refusals_total{error=\"invalid_client\"} 1",
        "gatewright_database_connections{state=\"open\"}",
        "# EOF",
    ] {
        assert!(metrics.text.contains(line), "{line} is not in {}", metrics.text);
    }
    assert!(!metrics.text.contains("made-up"));
    assert_eq!(
        RequestBuilder::new(server.operations.unwrap(), "GET", "/token").send().await.status,
        404
    );
}

/// Graceful shutdown: requests in progress are completed, and no new ones are accepted.
#[tokio::test(flavor = "multi_thread")]
async fn shutdown_completes_requests_in_progress() {
    let server = Server::start().await;
    let client = server.service().await;
    let address = server.address;
    let form = "grant_type=client_credentials";
    let credentials = {
        use base64::Engine as _;
        let text = format!("{}:{}", client.id, client.secret);
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut started = [0; 12];
    idle.read_exact(&mut started).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: a\r\nauthorization: Basic {credentials}\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        form.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut wanted = [0; 25];
    stream.read_exact(&mut wanted).await.unwrap();
    assert_eq!(&wanted, b"HTTP/1.1 100 Continue\r\n\r\n", "the handler waits for the body");

    let stopping = tokio::spawn(server.stop());
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    stream.write_all(form.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    stopping.await.unwrap();

    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert!(response.contains("access_token"));
    assert!(TcpStream::connect(address).await.is_err(), "the listener is closed");
}
