//! Sends the ACME client's requests with our HTTP client: its roots, its timeouts, no redirects.

use std::future::Future;
use std::pin::Pin;

use axum::http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};

/// The largest response; a chain of certificates fits in.
const MAX_BYTES: usize = 256 * 1024;

/// The HTTP client.
pub(super) struct Client(pub(super) reqwest::Client);

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<axum::body::Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = match body.collect().await {
                Ok(body) => body.to_bytes(),
                Err(never) => match never {},
            };
            let request = reqwest::Request::try_from(Request::from_parts(parts, body));
            let answer = client.execute(request.map_err(other)?).await.map_err(other)?;
            let (parts, body) = Response::<reqwest::Body>::from(answer).into_parts();
            let body = Limited::new(body, MAX_BYTES).collect().await.map_err(Error::Other)?;
            Ok(BytesResponse { parts, body: Box::new(body.to_bytes()) })
        })
    }
}

fn other(error: reqwest::Error) -> Error {
    // The last cause is the specific one.
    let causes =
        std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    Error::Other(causes.last().map(ToString::to_string).unwrap_or_default().into())
}
