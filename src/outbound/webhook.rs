//! Webhooks: a signed `POST`, in the form of [Standard Webhooks].
//!
//! [Standard Webhooks]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::{Outbound, OutboundError};
use crate::types::Timestamp;

/// A webhook call.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// `webhook-id`, by which receivers recognize duplicates.
    pub id: &'a str,
    /// `webhook-timestamp`: the time of this attempt, against replays.
    pub at: Timestamp,
    /// JSON.
    pub body: &'a str,
}

impl Message<'_> {
    /// `webhook-signature`: HMAC-SHA256 of identifier, time and body.
    pub fn signature(&self, key: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signed = format!("{}.{}.{}", self.id, self.at.0, self.body);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, signed.as_bytes())))
    }
}

impl Outbound {
    /// Sends a call signed with `key`.
    ///
    /// # Errors
    /// See [`OutboundError`]; [`OutboundError::Unreachable`] for an unsuccessful response.
    pub async fn call(
        &self,
        url: &str,
        message: Message<'_>,
        key: &[u8],
    ) -> Result<(), OutboundError> {
        let headers = [
            ("webhook-id", message.id.to_owned()),
            ("webhook-timestamp", message.at.0.to_string()),
            ("webhook-signature", message.signature(key)),
        ];
        match self.post_json(url, &headers, message.body).await? {
            200..=299 => Ok(()),
            status => {
                tracing::info!(host = host(url), status, "a webhook did not accept its message");
                Err(OutboundError::Unreachable)
            }
        }
    }
}

/// The part of its URL that may be logged: the whole URL is often a credential.
pub fn host(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn a_message_is_signed_as_the_standard_does() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at: Timestamp(1_614_265_330),
            body: r#"{"test": 2432232314}"#,
        };

        let signature = message.signature(&key);

        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
