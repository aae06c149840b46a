//! Shutdown: requests in progress are completed, and clients that send nothing are not waited for.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::installation::Installation;
use crate::server::Server;

/// A form of 29 bytes without a known client: 401.
const FORM: &str = "grant_type=client_credentials";

async fn connect(server: &Server) -> std::io::Result<TcpStream> {
    TcpStream::connect(server.issuer.strip_prefix("http://").unwrap()).await
}

/// A request whose body the server is waiting for: it has responded with `100 Continue`.
async fn send_head(server: &Server) -> TcpStream {
    let mut stream = connect(server).await.unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        FORM.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 25];
    stream.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&FORM.as_bytes()[..10]).await.unwrap();
    stream
}

/// Reads until the server closes the connection.
async fn read_to_end(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset connection has delivered what it had.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

async fn refuses_connections(server: &Server) {
    crate::wait_until("new connections are refused", async || connect(server).await.is_err()).await;
}

#[tokio::test]
async fn sigterm_completes_requests_in_progress_and_refuses_connections() {
    let mut server = Server::start().await;
    let idle = connect(&server).await.unwrap();
    let mut slow = send_head(&server).await;

    server.signal("TERM").await;
    refuses_connections(&server).await;
    slow.write_all(&FORM.as_bytes()[10..]).await.unwrap();

    let response = read_to_end(slow).await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    assert!(response.contains("invalid_client"), "{response}");
    assert_eq!(read_to_end(idle).await, "", "a connection without a request gets no response");
    assert_eq!(server.wait_for_exit().await.code(), Some(0));
    assert_eq!(server.log().last().unwrap()["message"], "stopped");
}

/// Reads the head of a response without a body.
async fn read_head(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap().to_lowercase()
}

/// RFC 9112 §9.6: requests on persistent connections are served after SIGTERM too, with `Connection:
/// close`. Idle connections are closed after a moment.
#[tokio::test]
async fn requests_on_open_connections_are_still_served() {
    const HEAD_REQUEST: &[u8] = b"HEAD /jwks HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut installation = Installation::new().await;
    installation.set("HTTP__SHUTDOWN_GRACE", "60");
    installation.set("HTTP__SHUTDOWN_TIMEOUT", "600");
    let mut server = Server::start_in(installation).await;
    let mut open = connect(&server).await.unwrap();
    let mut fresh = connect(&server).await.unwrap();
    open.write_all(HEAD_REQUEST).await.unwrap();
    let before = read_head(&mut open).await;
    assert!(!before.contains("connection: close"), "{before}");

    server.signal("TERM").await;
    refuses_connections(&server).await;

    for stream in [&mut open, &mut fresh] {
        stream.write_all(HEAD_REQUEST).await.unwrap();
        let after = read_head(stream).await;
        assert!(after.starts_with("http/1.1 200"), "{after}");
        assert!(after.contains("connection: close"), "{after}");
    }
    assert_eq!((read_to_end(open).await, read_to_end(fresh).await), (String::new(), String::new()));
    assert_eq!(server.wait_for_exit().await.code(), Some(0), "no connection is left");
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut installation = Installation::new().await;
    installation.set("HTTP__REQUEST_TIMEOUT", "600");
    installation.set("HTTP__SHUTDOWN_TIMEOUT", "600");
    let mut server = Server::start_in(installation).await;
    let slow = send_head(&server).await;

    server.signal("INT").await;
    refuses_connections(&server).await;
    server.signal("TERM").await;

    assert_eq!(server.wait_for_exit().await.code(), Some(0));
    assert_eq!(read_to_end(slow).await, "");
}

#[tokio::test]
async fn requests_that_never_complete_are_aborted() {
    let mut installation = Installation::new().await;
    installation.set("HTTP__REQUEST_TIMEOUT", "600");
    installation.set("HTTP__SHUTDOWN_TIMEOUT", "1");
    let mut server = Server::start_in(installation).await;
    let slow = send_head(&server).await;

    server.signal("TERM").await;

    assert_eq!(server.wait_for_exit().await.code(), Some(0));
    assert_eq!(read_to_end(slow).await, "");
    let log = server.log();
    assert!(log.iter().any(|line| line["message"] == "requests in flight were cut off"));
}

/// THREATS DO-03.
#[tokio::test]
async fn slow_requests_time_out() {
    let mut installation = Installation::new().await;
    installation.set("HTTP__HEADER_TIMEOUT", "1");
    installation.set("HTTP__REQUEST_TIMEOUT", "2");
    let mut server = Server::start_in(installation).await;

    let silent = connect(&server).await.unwrap();
    let mut half_head = connect(&server).await.unwrap();
    half_head.write_all(b"POST /token HTTP/1.1\r\nhost: local").await.unwrap();
    let half_body = send_head(&server).await;

    assert_eq!(read_to_end(silent).await, "");
    assert_eq!(read_to_end(half_head).await, "");
    let response = read_to_end(half_body).await;
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    server.stop().await;
}
