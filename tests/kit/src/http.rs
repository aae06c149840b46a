//! A small HTTP/1.1 client: it sends requests as given, valid or not, each over its own connection,
//! with or without TLS.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::tls_client::TlsClient;

/// A request that is being built.
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    pub address: SocketAddr,
    line: String,
    host: String,
    head: String,
    body: Vec<u8>,
    tls: Option<(TlsClient, String)>,
}

impl RequestBuilder {
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        let line = format!("{method} {target} HTTP/1.1");
        let host = "id.example.org".to_owned();
        Self { address, line, host, head: String::new(), body: Vec::new(), tls: None }
    }

    /// Sets the `Host` header field.
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// Sends over TLS to this address, with this server name.
    pub fn over_tls(mut self, client: &TlsClient, address: SocketAddr, name: &str) -> Self {
        self.address = address;
        self.tls = Some((client.clone(), name.to_owned()));
        self.host(name)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        write!(self.head, "{name}: {value}\r\n").unwrap();
        self
    }

    /// Adds the credentials of RFC 6749 §2.3.1 without encoding them.
    pub fn basic(self, id: &str, secret: &str) -> Self {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        self.header("authorization", &format!("Basic {text}"))
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// RFC 9449 §4.1.
    pub fn dpop(self, proof: &str) -> Self {
        self.header("dpop", proof)
    }

    pub fn form(self, form: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").body(form)
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        let length = self.body.len();
        self.header("content-length", &length.to_string())
    }

    pub async fn send(self) -> Response {
        Response::read(&self.exchange().await)
    }

    /// Sends the request, and returns the body of the response as bytes.
    pub async fn send_for_bytes(self) -> Vec<u8> {
        let response = self.exchange().await;
        let end = response.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        response[end + 4..].to_vec()
    }

    async fn exchange(self) -> Vec<u8> {
        let Self { address, line, host, head, body, tls } = self;
        let text = format!("{line}\r\nhost: {host}\r\n{head}connection: close\r\n\r\n");
        let bytes = [text.as_bytes(), &body].concat();
        match tls {
            None => exchange(TcpStream::connect(address).await.unwrap(), &bytes).await,
            Some((client, name)) => {
                exchange(client.connect(address, &name).await.unwrap(), &bytes).await
            }
        }
    }
}

/// Sends these bytes and reads the response.
pub async fn send_bytes(address: SocketAddr, bytes: &[u8]) -> Response {
    send_bytes_over(TcpStream::connect(address).await.unwrap(), bytes).await
}

/// The same over an existing connection.
pub async fn send_bytes_over(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    bytes: &[u8],
) -> Response {
    Response::read(&exchange(stream, bytes).await)
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, bytes: &[u8]) -> Vec<u8> {
    // The server may respond and close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let mut chunk = [0; 16 * 1024];
    while let Ok(n) = stream.read(&mut chunk).await
        && n > 0
    {
        read.extend_from_slice(&chunk[..n]);
    }
    read
}

/// A response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub text: String,
    /// The body as JSON; null if it is not JSON.
    pub body: Value,
}

impl Response {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("0");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.parse().unwrap(),
            headers: headers.map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect(),
            text: body.to_owned(),
            body: serde_json::from_str(body).unwrap_or_default(),
        }
    }

    /// A header field; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    /// The values of all header fields with this name.
    pub fn headers(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(other, _)| other == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }

    /// Asserts this error response in the format of RFC 6749 §5.2, with `no-store` (THREATS TE-24).
    #[track_caller]
    pub fn refused(self, status: u16, error: &str) -> Self {
        assert_eq!((self.status, self.body["error"].as_str()), (status, Some(error)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(self.header("cache-control"), "no-store");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        self
    }

    /// A string member of the JSON body.
    #[track_caller]
    pub fn token(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }
}
