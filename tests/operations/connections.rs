//! Connections: how long they are kept open, and how many an address may have (RFC 9112 §9; DESIGN §8).

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use gatewright::config::Network;
use gatewright::types::Seconds;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use kit::http::{RequestBuilder, send_bytes_over};
use kit::server::Server;
use kit::tls_client::{HOST, MTLS_HOST, TlsClient};
use kit::wait::{TIMEOUT, wait_until};

/// Longer than the shortest time limit that can be configured.
const MORE_THAN_THE_LIMIT: Duration = Duration::from_millis(2500);

fn request_bytes(host: &str) -> Vec<u8> {
    format!("GET /jwks HTTP/1.1\r\nhost: {host}\r\n\r\n").into_bytes()
}

/// Sends a request, and reads the response.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), host: &str) -> String {
    stream.write_all(&request_bytes(host)).await.unwrap();
    let mut response = Vec::new();
    let head = loop {
        response.push(stream.read_u8().await.unwrap());
        if response.ends_with(b"\r\n\r\n") {
            break String::from_utf8(response).unwrap().to_lowercase();
        }
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    head
}

/// Reads until the server closes the connection.
async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<usize> {
    tokio::time::timeout(TIMEOUT, stream.read_to_end(&mut Vec::new())).await.expect("it is closed")
}

/// The number of connections that were closed for this reason.
async fn closed_connections(server: &Server, reason: &str) -> u64 {
    let text =
        RequestBuilder::new(server.operations.unwrap(), "GET", "/metrics").send().await.ok().text;
    let name = format!("gatewright_connections_cut_total{{reason=\"{reason}\"}} ");
    let found = text.lines().find_map(|line| line.strip_prefix(&name));
    found.map_or(0, |count| count.parse().unwrap())
}

/// Sends requests and reads no response, until the connection is closed.
async fn send_without_reading(mut stream: impl AsyncWrite + Unpin, host: &str) {
    let many = request_bytes(host).repeat(100);
    let error = tokio::time::timeout(TIMEOUT, async {
        loop {
            if let Err(error) = stream.write_all(&many).await {
                return error;
            }
        }
    });
    let error = error.await.expect("a client that reads nothing is disconnected");
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
}

/// THREATS EX-09: a client that does not read its responses keeps no connection slot, at any listener.
#[tokio::test]
async fn a_client_that_reads_no_response_is_disconnected() {
    let server = Server::with_tls(|config| {
        config.operations.listen = "127.0.0.1:0".parse().ok();
        config.http.request_timeout = Seconds(1);
    })
    .await;
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let plain = TcpStream::connect(server.address).await.unwrap();
    let operations = TcpStream::connect(server.operations.unwrap()).await.unwrap();
    let tls = tls_client.connect(server.addresses().tls[0], HOST).await.unwrap();
    let mtls = tls_client.connect(server.addresses().mtls[0], MTLS_HOST).await.unwrap();

    tokio::join!(
        send_without_reading(plain, HOST),
        send_without_reading(operations, HOST),
        send_without_reading(tls, HOST),
        send_without_reading(mtls, MTLS_HOST),
    );

    wait_until("all are counted", async || closed_connections(&server, "not_read").await == 4)
        .await;
}

/// A connection from an address of the loopback network.
async fn connect_from(last: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(address).await.unwrap()
}

/// THREATS EX-09: an address has a limited number of connections at a listener; other addresses are not
/// affected.
#[tokio::test]
async fn connections_per_address_are_limited() {
    let server = Server::with_tls(|config| {
        config.operations.listen = "127.0.0.1:0".parse().ok();
        config.http.header_timeout = Seconds::minutes(5);
        config.http.max_connections = 8;
        config.http.max_connections_per_address = 2;
        config.http.trusted_proxies = vec![Network::new([127, 0, 0, 3].into(), 32).unwrap()];
    })
    .await;
    let address = server.addresses().tls[0];
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let mut silent = Vec::new();
    for last in [1, 1, 3, 3, 3] {
        silent.push(connect_from(last, address).await);
    }

    // A connection that is closed before it sends anything reads an end.
    let mut third = connect_from(1, address).await;
    assert_eq!(read_to_end(&mut third).await.unwrap_or(0), 0);
    assert_eq!(closed_connections(&server, "address").await, 1);

    let last =
        [request_bytes(HOST).strip_suffix(b"\r\n").unwrap(), b"connection: close\r\n\r\n"].concat();
    for other in [2, 3] {
        let stream = connect_from(other, address).await;
        let stream = tls_client.connect_over(stream, HOST).await.unwrap();
        assert_eq!(send_bytes_over(stream, &last).await.status, 200, "127.0.0.{other}");
    }
    server.get("/jwks").await.ok();
    let nothing = server.mtls_request(None, "GET", "/").send().await;
    assert_eq!(nothing.status, 404, "other listeners respond");

    drop(silent.remove(0));
    wait_until("the slot is free again", async || {
        let mut stream = connect_from(1, address).await;
        // A connection with a slot is not closed at once: this one is, because it is not TLS.
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.is_ok()
            && stream.read_to_end(&mut Vec::new()).await.is_ok_and(|alert| alert > 0)
    })
    .await;
}

/// RFC 9112 §9.3: the limit for a head does not apply to the wait for the next request.
#[tokio::test]
async fn an_idle_connection_is_kept_for_the_next_request() {
    let server = Server::with_tls(|config| {
        config.http.header_timeout = Seconds(1);
        config.http.keep_alive = Seconds(600);
    })
    .await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let mut tls = tls_client.connect(server.addresses().tls[0], HOST).await.unwrap();

    for _ in 0..2 {
        let heads = [exchange(&mut plain, HOST).await, exchange(&mut tls, HOST).await];
        assert!(heads.iter().all(|head| !head.contains("connection: close")), "{heads:?}");
        tokio::time::sleep(MORE_THAN_THE_LIMIT).await;
    }
    exchange(&mut plain, HOST).await;
    exchange(&mut tls, HOST).await;
}

/// RFC 9112 §9.8: over TLS, a `close_notify` announces the end.
#[tokio::test]
async fn an_idle_connection_is_closed_cleanly() {
    let server = Server::with_tls(|config| config.http.keep_alive = Seconds(1)).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let mut tls = tls_client.connect(server.addresses().tls[0], HOST).await.unwrap();

    exchange(&mut plain, HOST).await;
    exchange(&mut tls, HOST).await;

    assert_eq!(read_to_end(&mut plain).await.unwrap(), 0);
    // Without a `close_notify` this is an error.
    assert_eq!(read_to_end(&mut tls).await.unwrap(), 0);
}

/// THREATS DO-03: a head that has begun must be completed in time, however long the connection was idle
/// before; the first head, from the beginning of the connection.
#[tokio::test]
async fn a_request_head_must_complete_in_time() {
    let server = Server::with_tls(|config| {
        config.operations.listen = "127.0.0.1:0".parse().ok();
        config.http.header_timeout = Seconds(1);
        config.http.keep_alive = Seconds(600);
    })
    .await;
    let tls_client = TlsClient::new(&server.certificate_files().ca, None);
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    let mut tls = tls_client.connect(server.addresses().tls[0], HOST).await.unwrap();

    exchange(&mut plain, HOST).await;
    exchange(&mut tls, HOST).await;
    plain.write_all(b"GET /jw").await.unwrap();
    tls.write_all(b"GET /jw").await.unwrap();

    assert_eq!(read_to_end(&mut silent).await.unwrap(), 0);
    assert_eq!(read_to_end(&mut plain).await.unwrap(), 0);
    assert!(read_to_end(&mut tls).await.is_err(), "the end is not announced");
    assert_eq!(closed_connections(&server, "head").await, 3);
}
