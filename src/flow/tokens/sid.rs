//! The `sid` claim: OIDC Front-Channel Logout 1.0 §3, Back-Channel Logout 1.0 §2.4.

use crate::flow::keys::Keys;
use crate::jose::base64url;
use crate::types::secret::same;
use crate::types::{ClientId, SessionId};

/// What a client calls a sign-in.
///
/// > Session ID - String identifier for a Session. […] Different sid values are used to identify distinct
/// > sessions at an OP.
///
/// It is a MAC over client and session, under a key that is never replaced: constant for the session's
/// life, and no two clients can tell by it that they speak of the same person (THREATS EX-18).
pub fn of(keys: &Keys, client: &ClientId, session: &SessionId) -> String {
    let message = format!("{client}\0{session}");
    base64url::encode(keys.sid.sign(message.as_bytes()))
}

/// Whether `sid`, in an ID token that we signed for this client, is of this sign-in.
///
/// Before there was that key, the identifier of the session itself stood there. We signed that as well, and
/// such tokens lose their meaning with the sessions that they name.
pub fn is_of(sid: &str, keys: &Keys, client: &ClientId, session: &SessionId) -> bool {
    let ours = of(keys, client, session);
    same(sid.as_bytes(), ours.as_bytes()) || same(sid.as_bytes(), session.as_str().as_bytes())
}
