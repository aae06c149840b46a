//! The `sid` claim: OIDC Front-Channel Logout 1.0 §3, Back-Channel Logout 1.0 §2.4.

use crate::flow::keys::Keys;
use crate::jose::base64url;
use crate::types::secret::same;
use crate::types::{ClientId, SessionId};

/// The `sid` of a session for one client.
///
/// > Session ID - String identifier for a Session. […] Different sid values are used to identify distinct
/// > sessions at an OP.
///
/// It is a MAC over client and session, under a key that is never replaced: constant for the lifetime of the
/// session, and different for each client, so that clients cannot link their users (THREATS EX-18).
pub fn for_client(keys: &Keys, client: &ClientId, session: &SessionId) -> String {
    let message = format!("{client}\0{session}");
    base64url::encode(keys.sid.sign(message.as_bytes()))
}

/// Whether the `sid` of an ID token for this client is that of this session.
///
/// Earlier releases used the identifier of the session itself; their ID tokens are accepted until the session
/// ends.
pub fn matches(sid: &str, keys: &Keys, client: &ClientId, session: &SessionId) -> bool {
    let current = for_client(keys, client, session);
    same(sid.as_bytes(), current.as_bytes()) || same(sid.as_bytes(), session.as_str().as_bytes())
}
