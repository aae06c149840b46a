//! Authenticated texts: HMAC-SHA-256 ([RFC 2104]).
//!
//! [RFC 2104]: https://www.rfc-editor.org/rfc/rfc2104

use std::collections::BTreeMap;

use aws_lc_rs::hmac;

/// A MAC key for one purpose. It has no `Debug` and does not expose the key.
pub struct Mac(hmac::Key);

impl Mac {
    /// Derives the key for one purpose, so one key can serve several. MACs for different purposes
    /// never match.
    pub fn new(key: &[u8; 32], purpose: &'static str) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, key);
        let derived = hmac::sign(&root, purpose.as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The MAC of `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.0, message).as_ref());
        tag
    }

    /// Whether `tag` is the MAC of `message`, in constant time.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

/// MACs under a versioned secret: the newest version signs, all versions verify.
///
/// A sealed message names its version, so the secret can be replaced while messages are in use.
/// Version 1 predates versions and is not named.
pub struct VersionedMac {
    newest: u32,
    versions: BTreeMap<u32, Mac>,
}

/// Why a message is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Not written by this server, or with a version that is no longer accepted.
    Invalid,
    /// It names a version newer than the newest one here: another replica may have created it.
    NewerVersion,
}

/// Length of a MAC.
const TAG: usize = 32;

/// Length of a version number.
const VERSION: usize = 4;

impl VersionedMac {
    /// Derives all versions for one purpose; `None` without any.
    pub fn new<'a>(
        keys: impl IntoIterator<Item = (u32, &'a [u8; 32])>,
        purpose: &'static str,
    ) -> Option<Self> {
        let keys = keys.into_iter().map(|(version, key)| (version, Mac::new(key, purpose)));
        let versions: BTreeMap<_, _> = keys.collect();
        Some(Self { newest: *versions.keys().next_back()?, versions })
    }

    /// The message followed by its MAC, and preceded by the version unless that is 1.
    #[expect(clippy::missing_panics_doc, reason = "`new` ensures that there is a newest version")]
    #[expect(clippy::expect_used, reason = "`new` ensures that there is a newest version")]
    pub fn seal(&self, message: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(VERSION + message.len() + TAG);
        if self.newest > 1 {
            sealed.extend_from_slice(&self.newest.to_be_bytes());
        }
        sealed.extend_from_slice(message);
        let newest = self.versions.get(&self.newest).expect("the newest version");
        let tag = newest.sign(&sealed);
        sealed.extend_from_slice(&tag);
        sealed
    }

    /// The message of this length, if [`VersionedMac::seal`] created it with a known version.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open<'a>(&self, sealed: &'a [u8], length: usize) -> Result<&'a [u8], OpenError> {
        let (signed, tag) =
            sealed.split_at_checked(sealed.len().saturating_sub(TAG)).ok_or(OpenError::Invalid)?;
        let (version, message) = if signed.len() == length {
            (1, signed)
        } else {
            let (version, message) =
                signed.split_first_chunk::<VERSION>().ok_or(OpenError::Invalid)?;
            (u32::from_be_bytes(*version), message)
        };
        // Version 1 has only one encoding.
        if message.len() != length || (version == 1 && signed.len() != length) {
            return Err(OpenError::Invalid);
        }
        if version > self.newest {
            return Err(OpenError::NewerVersion);
        }
        let mac = self.versions.get(&version).ok_or(OpenError::Invalid)?;
        if mac.verify(signed, tag) { Ok(message) } else { Err(OpenError::Invalid) }
    }

    /// The MAC of `message` under each version, newest first: the first is the current one, the
    /// others may have been created before the secret was replaced.
    pub fn each(&self, message: &[u8]) -> impl Iterator<Item = [u8; 32]> {
        self.versions.values().rev().map(move |mac| mac.sign(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [u8; 32] = [7; 32];
    const NEW: [u8; 32] = [8; 32];

    fn versions(keys: &[(u32, &[u8; 32])]) -> VersionedMac {
        VersionedMac::new(keys.iter().copied(), "refresh token").unwrap()
    }

    /// THREATS EX-17: an upgrade invalidates nothing; a replaced key verifies until it is removed.
    #[test]
    fn a_replaced_key_verifies_until_it_is_removed() {
        let (first, both) = (versions(&[(1, &OLD)]), versions(&[(1, &OLD), (2, &NEW)]));
        let (old, new) = (first.seal(b"grant 1"), both.seal(b"grant 1"));
        let tag = Mac::new(&OLD, "refresh token").sign(b"grant 1");
        assert_eq!(old, [b"grant 1".as_slice(), &tag].concat(), "as it was before versions");

        assert_eq!(both.open(&old, 7), Ok(b"grant 1".as_slice()));
        assert_eq!(both.open(&new, 7), Ok(b"grant 1".as_slice()));
        assert_eq!(first.open(&new, 7), Err(OpenError::NewerVersion));
        let compromised = versions(&[(2, &NEW)]);
        assert_eq!(compromised.open(&new, 7), Ok(b"grant 1".as_slice()));
        assert_eq!(compromised.open(&old, 7), Err(OpenError::Invalid));
        assert_eq!(both.each(b"grant 1").count(), 2);
    }

    /// THREATS JO-24.
    #[test]
    fn no_version_is_accepted_as_another() {
        let both = versions(&[(1, &OLD), (2, &NEW)]);
        let new = both.seal(b"grant 1");

        for at in 0..new.len() {
            let mut changed = new.clone();
            changed[at] ^= 1;
            assert!(both.open(&changed, 7).is_err(), "byte {at}");
            assert!(both.open(&new[..at], 7).is_err(), "cut at {at}");
        }
        let mac = Mac::new(&OLD, "refresh token");
        for version in [0_u32, 1, 2] {
            let signed = [version.to_be_bytes().as_slice(), b"grant 1"].concat();
            let forged = [signed.as_slice(), &mac.sign(&signed)].concat();
            assert_eq!(both.open(&forged, 7), Err(OpenError::Invalid), "version {version}");
        }
        assert!(VersionedMac::new([], "refresh token").is_none());
    }

    /// THREATS JO-24.
    #[test]
    fn only_the_whole_mac_of_the_same_purpose_is_accepted() {
        let mac = Mac::new(&[7; 32], "refresh token");
        let tag = mac.sign(b"grant 1, generation 2");

        assert!(mac.verify(b"grant 1, generation 2", &tag));
        assert!(!mac.verify(b"grant 1, generation 3", &tag));
        assert!(!mac.verify(b"grant 1, generation 2", &[]));
        assert!(!Mac::new(&[7; 32], "form").verify(b"grant 1, generation 2", &tag));
        assert!(!Mac::new(&[8; 32], "refresh token").verify(b"grant 1, generation 2", &tag));
        for bit in 0..256 {
            let mut flipped = tag;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!mac.verify(b"grant 1, generation 2", &flipped), "bit {bit}");
        }
        for length in 0..32 {
            assert!(!mac.verify(b"grant 1, generation 2", &tag[..length]), "{length} bytes");
        }
    }
}
