//! Ending: what is in flight is finished, what never comes is not waited for.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::place::Place;
use crate::server::Server;

/// A form of 29 bytes that no client is known for: 401.
const FORM: &str = "grant_type=client_credentials";

async fn connect(server: &Server) -> std::io::Result<TcpStream> {
    TcpStream::connect(server.issuer.strip_prefix("http://").unwrap()).await
}

/// A request whose body the server has begun to wait for: it has answered `100 Continue`.
async fn in_flight(server: &Server) -> TcpStream {
    let mut stream = connect(server).await.unwrap();
    let head = format!(
        "POST /token HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        FORM.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&FORM.as_bytes()[..10]).await.unwrap();
    stream
}

/// What comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // One that is reset has told what it had to tell.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

async fn accepts_nobody(server: &Server) {
    crate::until("nobody is let in", async || connect(server).await.is_err()).await;
}

#[tokio::test]
async fn sigterm_finishes_what_is_in_flight_and_lets_nobody_in() {
    let mut server = Server::start().await;
    let idle = connect(&server).await.unwrap();
    let mut slow = in_flight(&server).await;

    server.signal("TERM").await;
    accepts_nobody(&server).await;
    slow.write_all(&FORM.as_bytes()[10..]).await.unwrap();

    let answer = rest(slow).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(answer.contains("invalid_client"), "{answer}");
    assert_eq!(rest(idle).await, "", "nothing is owed to whoever asked nothing");
    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(server.log().last().unwrap()["message"], "stopped");
}

/// Reads the head of an answer whose body is empty.
async fn answer(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(text).unwrap().to_lowercase()
}

/// RFC 9112 §9.6: what is asked over connections that are kept open is answered after SIGTERM too, with
/// the word that it was the last; those over which nothing more is asked are closed after a moment.
#[tokio::test]
async fn what_is_asked_over_open_connections_is_still_answered() {
    const ASK: &[u8] = b"HEAD /jwks HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut place = Place::make().await;
    place.set("HTTP__SHUTDOWN_GRACE", "60");
    place.set("HTTP__SHUTDOWN_TIMEOUT", "600");
    let mut server = Server::at(place).await;
    let mut asking = connect(&server).await.unwrap();
    let mut fresh = connect(&server).await.unwrap();
    asking.write_all(ASK).await.unwrap();
    let before = answer(&mut asking).await;
    assert!(!before.contains("connection: close"), "{before}");

    server.signal("TERM").await;
    accepts_nobody(&server).await;

    for stream in [&mut asking, &mut fresh] {
        stream.write_all(ASK).await.unwrap();
        let after = answer(stream).await;
        assert!(after.starts_with("http/1.1 200"), "{after}");
        assert!(after.contains("connection: close"), "{after}");
    }
    assert_eq!((rest(asking).await, rest(fresh).await), (String::new(), String::new()));
    assert_eq!(server.ended().await.code(), Some(0), "nobody is left to wait for");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut place = Place::make().await;
    place.set("HTTP__REQUEST_TIMEOUT", "600");
    place.set("HTTP__SHUTDOWN_TIMEOUT", "600");
    let mut server = Server::at(place).await;
    let slow = in_flight(&server).await;

    server.signal("INT").await;
    accepts_nobody(&server).await;
    server.signal("TERM").await;

    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(rest(slow).await, "");
}

#[tokio::test]
async fn what_never_ends_is_cut_off() {
    let mut place = Place::make().await;
    place.set("HTTP__REQUEST_TIMEOUT", "600");
    place.set("HTTP__SHUTDOWN_TIMEOUT", "1");
    let mut server = Server::at(place).await;
    let slow = in_flight(&server).await;

    server.signal("TERM").await;

    assert_eq!(server.ended().await.code(), Some(0));
    assert_eq!(rest(slow).await, "");
    let log = server.log();
    assert!(log.iter().any(|line| line["message"] == "requests in flight were cut off"));
}

/// THREATS DO-03.
#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let mut place = Place::make().await;
    place.set("HTTP__HEADER_TIMEOUT", "1");
    place.set("HTTP__REQUEST_TIMEOUT", "2");
    let mut server = Server::at(place).await;

    let silent = connect(&server).await.unwrap();
    let mut half_head = connect(&server).await.unwrap();
    half_head.write_all(b"POST /token HTTP/1.1\r\nhost: local").await.unwrap();
    let half_body = in_flight(&server).await;

    assert_eq!(rest(silent).await, "");
    assert_eq!(rest(half_head).await, "");
    let answer = rest(half_body).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    server.stop().await;
}
