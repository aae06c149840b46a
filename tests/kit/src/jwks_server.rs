//! A server for a client's public keys: `jwks_uri`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Serves a JWK set and counts the requests.
pub struct JwksServer {
    pub address: SocketAddr,
    keys: Arc<Mutex<Option<Value>>>,
    request_count: Arc<AtomicUsize>,
}

impl JwksServer {
    pub async fn start(keys: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            keys: Arc::new(Mutex::new(Some(keys))),
            request_count: Arc::default(),
        };
        let (keys, request_count) = (server.keys.clone(), server.request_count.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                request_count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let response = match keys.lock().await.as_ref() {
                    Some(keys) => {
                        let body = keys.to_string();
                        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n";
                        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
                    }
                    None => "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
                };
                let _ = stream.write_all(response.as_bytes()).await;
            }
        });
        server
    }

    pub fn request_count(&self) -> usize {
        self.request_count.load(Ordering::SeqCst)
    }

    pub async fn publish(&self, keys: Option<Value>) {
        *self.keys.lock().await = keys;
    }
}
