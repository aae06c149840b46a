//! The receivers of notifications: a minimal mail server and a minimal webhook endpoint. Both
//! return what they received.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::ca::Identity;

/// A received mail: RFC 5321 envelope, RFC 5322 text.
#[derive(Clone, Debug)]
pub struct ReceivedMail {
    pub from: String,
    pub to: String,
    pub text: String,
}

impl ReceivedMail {
    /// A header field of the mail.
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let mut lines = self.text.lines();
        lines.find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_else(|| {
            panic!("no {name} in {}", self.text);
        })
    }

    /// The text without its line breaks.
    pub fn text_on_one_line(&self) -> String {
        self.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The options of a mail server.
#[derive(Clone, Default)]
pub struct MailServerOptions {
    /// The number of temporary failures before it accepts a mail.
    pub temporary_failures: usize,
    /// The reply that rejects every recipient.
    pub rejection: Option<&'static str>,
    pub tls: Option<(Arc<ServerConfig>, bool)>,
}

impl MailServerOptions {
    /// Uses TLS with this certificate: implicit, or after STARTTLS.
    pub fn with_tls(identity: &Identity, from_the_first_byte: bool) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain.clone(), identity.private_key())
            .unwrap();
        Self { tls: Some((Arc::new(config), from_the_first_byte)), ..Self::default() }
    }
}

/// A mail server.
pub struct MailServer {
    pub port: u16,
    mails: mpsc::UnboundedReceiver<ReceivedMail>,
}

impl MailServer {
    pub async fn start(options: MailServerOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, mails) = mpsc::unbounded_channel();
        let temporary_failures =
            Arc::new(std::sync::atomic::AtomicUsize::new(options.temporary_failures));
        let failures = Failures { temporary_failures, rejection: options.rejection };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (options, sender, failures) =
                    (options.clone(), sender.clone(), failures.clone());
                // A client that rejects the certificate closes the connection.
                tokio::spawn(async move { serve(stream, options, failures, sender).await });
            }
        });
        Self { port, mails }
    }

    /// The next mail.
    pub async fn next(&mut self) -> ReceivedMail {
        let timeout = std::time::Duration::from_secs(60);
        tokio::time::timeout(timeout, self.mails.recv()).await.expect("a mail").unwrap()
    }

    /// Whether no mail is left that [`MailServer::next`] has not returned.
    pub fn is_empty(&mut self) -> bool {
        self.mails.try_recv().is_err()
    }
}

/// The failures that a mail server still has to simulate.
#[derive(Clone)]
struct Failures {
    temporary_failures: Arc<std::sync::atomic::AtomicUsize>,
    rejection: Option<&'static str>,
}

async fn serve(
    stream: TcpStream,
    options: MailServerOptions,
    failures: Failures,
    sender: mpsc::UnboundedSender<ReceivedMail>,
) -> Option<()> {
    match options.tls {
        None => greet(stream, "250 here\r\n", failures, sender).await.map(drop),
        Some((config, true)) => {
            let stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
            greet(stream, "250 here\r\n", failures, sender).await.map(drop)
        }
        Some((config, false)) => {
            let offer = "250-here\r\n250 STARTTLS\r\n";
            let stream = greet(stream, offer, failures.clone(), sender.clone()).await?;
            let stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
            serve_commands(stream, "250 here\r\n", failures, sender).await.map(drop)
        }
    }
}

/// Greets an SMTP client and serves its commands; returns the stream on STARTTLS.
async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    offer: &str,
    failures: Failures,
    sender: mpsc::UnboundedSender<ReceivedMail>,
) -> Option<S> {
    stream.write_all(b"220 sink.example ESMTP\r\n").await.ok()?;
    serve_commands(stream, offer, failures, sender).await
}

async fn serve_commands<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    offer: &str,
    failures: Failures,
    sender: mpsc::UnboundedSender<ReceivedMail>,
) -> Option<S> {
    use std::sync::atomic::Ordering::SeqCst;
    let mut stream = BufReader::new(stream);
    let (mut from, mut to) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let command = line.split([' ', ':', '\r']).next()?.to_ascii_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let reply = match command.as_str() {
            "EHLO" | "HELO" => offer,
            "STARTTLS" => {
                stream.write_all(b"220 go\r\n").await.ok()?;
                return Some(stream.into_inner());
            }
            "MAIL"
                if failures
                    .temporary_failures
                    .fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1))
                    .is_ok() =>
            {
                "451 try again\r\n"
            }
            "MAIL" => {
                from = address();
                "250 well\r\n"
            }
            "RCPT" => {
                to = address();
                failures.rejection.unwrap_or("250 well\r\n")
            }
            "DATA" => {
                stream.write_all(b"354 go\r\n").await.ok()?;
                let mut text = String::new();
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).await.ok()?;
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                // The part of RFC 2045 §6.7 that the server's mails use.
                let text = text.replace("=\r\n", "").replace("=3D", "=");
                let mail = ReceivedMail { from: from.clone(), to: to.clone(), text };
                sender.send(mail).ok()?;
                "250 taken\r\n"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => "250 well\r\n",
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
    }
}

/// A request to a webhook.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    pub head: String,
    pub body: String,
}

impl WebhookRequest {
    /// A header field of the request.
    pub fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_else(|| {
            panic!("no {name} in {}", self.head);
        })
    }
}

/// A webhook endpoint.
pub struct WebhookServer {
    pub address: SocketAddr,
    requests: mpsc::UnboundedReceiver<WebhookRequest>,
}

impl WebhookServer {
    /// Responds with these statuses in order, then always with 204.
    pub async fn start(statuses: Vec<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut statuses = statuses.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                let status = statuses.next().unwrap_or(204);
                if let Some(request) = serve_request(stream, status).await {
                    let _ = sender.send(request);
                }
            }
        });
        Self { address, requests }
    }

    /// The next request.
    pub async fn next(&mut self) -> WebhookRequest {
        let timeout = std::time::Duration::from_secs(60);
        tokio::time::timeout(timeout, self.requests.recv()).await.expect("a request").unwrap()
    }

    /// Whether no request is left that [`WebhookServer::next`] has not returned.
    pub fn is_empty(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

async fn serve_request(stream: TcpStream, status: u16) -> Option<WebhookRequest> {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        stream.read_line(&mut head).await.ok().filter(|read| *read > 0)?;
    }
    let request = WebhookRequest { head, body: String::new() };
    let mut body = vec![0; request.header("content-length").parse().ok()?];
    stream.read_exact(&mut body).await.ok()?;
    let reply = format!("HTTP/1.1 {status} So\r\nlocation: /\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(reply.as_bytes()).await.ok()?;
    Some(WebhookRequest { body: String::from_utf8(body).ok()?, ..request })
}
