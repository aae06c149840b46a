//! Texts that only we can have written: HMAC-SHA-256 ([RFC 2104]).
//!
//! [RFC 2104]: https://www.rfc-editor.org/rfc/rfc2104

use std::collections::BTreeMap;

use aws_lc_rs::hmac;

/// A key made ready to compute and to check MACs of one purpose.
///
/// It has no `Debug`, and there is no way back to the key.
pub struct Mac(hmac::Key);

impl Mac {
    /// Makes `key` ready for one purpose. What is computed for one never passes for another, so
    /// that one key can serve several.
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

    /// Whether `tag` is the MAC of `message`, in a time that does not depend on where they differ.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }
}

/// MACs under a secret that has versions: the newest one makes, all of them check.
///
/// What it makes names the version, so that it can be replaced while what it has made is in use. Version 1
/// is older than versions and is not named.
pub struct VersionedMac {
    newest: u32,
    versions: BTreeMap<u32, Mac>,
}

/// Why a message was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// We have not written it, or not with a version that is still read.
    NotOurs,
    /// It names a version later than the newest one here: another replica may have made that.
    Later,
}

/// The length of a MAC.
const TAG: usize = 32;

/// The length of the number of a version.
const VERSION: usize = 4;

impl VersionedMac {
    /// Makes the versions of a key ready for one purpose; `None` without any.
    pub fn new<'a>(
        keys: impl IntoIterator<Item = (u32, &'a [u8; 32])>,
        purpose: &'static str,
    ) -> Option<Self> {
        let keys = keys.into_iter().map(|(version, key)| (version, Mac::new(key, purpose)));
        let versions: BTreeMap<_, _> = keys.collect();
        Some(Self { newest: *versions.keys().next_back()?, versions })
    }

    /// The message with its MAC behind it, and before it the version, if it is not the first.
    #[expect(
        clippy::missing_panics_doc,
        reason = "`new` sees to it that there is a newest version"
    )]
    #[expect(clippy::expect_used, reason = "`new` sees to it that there is a newest version")]
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

    /// The message of so many bytes, if [`VersionedMac::seal`] made it with a version that is still there.
    ///
    /// # Errors
    /// See [`Unread`].
    pub fn open<'a>(&self, sealed: &'a [u8], length: usize) -> Result<&'a [u8], Unread> {
        let (said, tag) =
            sealed.split_at_checked(sealed.len().saturating_sub(TAG)).ok_or(Unread::NotOurs)?;
        let (version, message) = if said.len() == length {
            (1, said)
        } else {
            let (version, message) = said.split_first_chunk::<VERSION>().ok_or(Unread::NotOurs)?;
            (u32::from_be_bytes(*version), message)
        };
        // Version 1 is written in one way only.
        if message.len() != length || (version == 1 && said.len() != length) {
            return Err(Unread::NotOurs);
        }
        if version > self.newest {
            return Err(Unread::Later);
        }
        let mac = self.versions.get(&version).ok_or(Unread::NotOurs)?;
        if mac.verify(said, tag) { Ok(message) } else { Err(Unread::NotOurs) }
    }

    /// The MAC of `message` under each version, the newest first: the first one is what is made now, the
    /// others are what may have been made before the secret was replaced.
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

    /// THREATS EX-17: an upgrade ends nothing, a replaced key is read until it is dropped.
    #[test]
    fn a_replaced_key_is_read_as_long_as_it_is_there() {
        let (first, both) = (versions(&[(1, &OLD)]), versions(&[(1, &OLD), (2, &NEW)]));
        let (old, new) = (first.seal(b"grant 1"), both.seal(b"grant 1"));
        let tag = Mac::new(&OLD, "refresh token").sign(b"grant 1");
        assert_eq!(old, [b"grant 1".as_slice(), &tag].concat(), "as it was before versions");

        assert_eq!(both.open(&old, 7), Ok(b"grant 1".as_slice()));
        assert_eq!(both.open(&new, 7), Ok(b"grant 1".as_slice()));
        assert_eq!(first.open(&new, 7), Err(Unread::Later));
        let compromised = versions(&[(2, &NEW)]);
        assert_eq!(compromised.open(&new, 7), Ok(b"grant 1".as_slice()));
        assert_eq!(compromised.open(&old, 7), Err(Unread::NotOurs));
        assert_eq!(both.each(b"grant 1").count(), 2);
    }

    /// THREATS JO-24.
    #[test]
    fn no_version_passes_for_another() {
        let both = versions(&[(1, &OLD), (2, &NEW)]);
        let new = both.seal(b"grant 1");

        for at in 0..new.len() {
            let mut changed = new.clone();
            changed[at] ^= 1;
            assert!(both.open(&changed, 7).is_err(), "byte {at}");
            assert!(both.open(&new[..at], 7).is_err(), "cut at {at}");
        }
        let mac = Mac::new(&OLD, "refresh token");
        for named in [0_u32, 1, 2] {
            let said = [named.to_be_bytes().as_slice(), b"grant 1"].concat();
            let forged = [said.as_slice(), &mac.sign(&said)].concat();
            assert_eq!(both.open(&forged, 7), Err(Unread::NotOurs), "version {named}");
        }
        assert!(VersionedMac::new([], "refresh token").is_none());
    }

    /// THREATS JO-24.
    #[test]
    fn only_the_whole_mac_of_the_same_purpose_passes() {
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
