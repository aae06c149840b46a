//! The `sub` claim: OIDC Core §8.

use crate::flow::keys::Keys;
use crate::jose::base64url;
use crate::types::client::SubjectType;
use crate::types::{Client, UserId};

/// The `sub` of a user for one client.
///
/// A pairwise subject is a MAC over sector and user under a sealed salt (the second example of OIDC Core §8.1, keyed): it
/// cannot be reversed, and clients of different sectors cannot link their users.
pub fn for_client(keys: &Keys, client: &Client, user: &UserId) -> String {
    match client.metadata.subject_type {
        SubjectType::Public => user.to_string(),
        SubjectType::Pairwise => {
            let message = format!("{}\0{user}", sector(client));
            base64url::encode(keys.pairwise.sign(message.as_bytes()))
        }
    }
}

/// > the host component of the sector_identifier_uri; if there is none, the host component of the
/// > registered redirect_uri (OIDC Core §8.1)
///
/// Registration ensures that there is only one host.
fn sector(client: &Client) -> String {
    let uri = client.metadata.sector_identifier_uri.as_ref();
    let uri = uri.or_else(|| client.metadata.redirect_uris.first());
    uri.and_then(|uri| url::Url::parse(uri).ok())
        .and_then(|uri| uri.host_str().map(str::to_owned))
        .unwrap_or_else(|| client.id.to_string())
}
