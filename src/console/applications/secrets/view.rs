//! The secrets of a client, as their template sees them.

use askama::Template;

use super::words::{WORDS, Words};
use crate::console::applications::frame::Frame;
use crate::console::layout::Navigation;
use crate::render::layout::Layout;
use crate::types::client::AuthMethod;
use crate::types::{Client, Seconds, Timestamp};

/// How long the previous secret may stay valid: what the form offers.
pub(super) const OVERLAPS: [Seconds; 4] =
    [Seconds(0), Seconds::hours(1), Seconds::hours(24), Seconds::days(7)];

/// `templates/console/application_secrets.html`.
#[derive(Debug, Template)]
#[template(path = "console/application_secrets.html")]
pub(super) struct Secrets<'a> {
    /// The frame of the console.
    pub(super) navigation: Navigation<'a>,
    /// The frame of the client.
    pub(super) frame: Frame<'a>,
    /// The valid secrets, the newest first.
    pub(super) secrets: Vec<SecretLine>,
    /// Whether a new one can be issued.
    pub(super) may_rotate: bool,
    /// Whether the form was sent twice.
    pub(super) is_repeated: bool,
}

/// A valid secret.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecretLine {
    /// When it expires.
    pub(super) expires_at: Option<Timestamp>,
}

impl SecretLine {
    /// The secrets of a client that are valid now.
    pub(super) fn valid(client: &Client, now: Timestamp) -> Vec<Self> {
        let secrets = client.secrets.iter().map(|secret| Self { expires_at: secret.expires_at });
        secrets.filter(|secret| secret.expires_at.is_none_or(|at| at > now)).collect()
    }
}

impl Secrets<'_> {
    fn words(&self) -> &'static Words {
        WORDS.in_language(self.navigation.layout.words.language)
    }

    const fn method(&self) -> AuthMethod {
        self.frame.client.metadata.token_endpoint_auth_method
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.is_repeated.then(|| self.words().repeated)
    }

    /// The overlaps to choose from, and what each means.
    fn overlaps(&self) -> impl Iterator<Item = (Seconds, String)> {
        OVERLAPS.into_iter().map(|overlap| {
            let text = match overlap {
                Seconds(0) => self.words().overlap_none.to_owned(),
                Seconds(_) => length(&self.navigation.layout, overlap),
            };
            (overlap, text)
        })
    }

    /// The time until a secret expires.
    fn remaining(&self, at: &Timestamp) -> String {
        length(&self.navigation.layout, *at - self.navigation.layout.now)
    }
}

/// A length of time, in the largest unit of which there are several.
pub(super) fn length(layout: &Layout<'_>, Seconds(length): Seconds) -> String {
    let words = layout.words;
    match length {
        172_800.. => (WORDS.in_language(words.language).days)(length / 86_400),
        ..172_800 if length % 3600 == 0 => (words.times.hours)(length / 3600),
        ..172_800 => words.length(Seconds(length)),
    }
}
