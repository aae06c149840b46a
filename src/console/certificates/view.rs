//! The pages of certificates, as their templates see them.

use askama::Template;

use super::words::{self, Words};
use crate::console::layout::Navigation;
use crate::pki::inventory::{Entry, State};
use crate::types::Timestamp;

/// `templates/console/certificates.html`.
#[derive(Debug, Template)]
#[template(path = "console/certificates.html")]
pub(in crate::console) struct Certificates<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The chosen filter.
    pub(in crate::console) chosen: &'a str,
    /// The certificates, by expiry.
    pub(in crate::console) certificates: Vec<CertificateLine<'a>>,
    /// Where the next page begins.
    pub(in crate::console) next: Option<String>,
    /// Whether it is the first page.
    pub(in crate::console) is_first: bool,
}

/// `templates/console/certificate.html`.
#[derive(Debug, Template)]
#[template(path = "console/certificate.html")]
pub(in crate::console) struct Shown<'a> {
    /// The frame.
    pub(in crate::console) navigation: Navigation<'a>,
    /// The certificate, as the list shows it.
    pub(in crate::console) line: CertificateLine<'a>,
    /// The certificate.
    pub(in crate::console) entry: &'a Entry,
    /// Whether it can be revoked.
    pub(in crate::console) may_revoke: bool,
    /// Whether it was just revoked.
    pub(in crate::console) is_revoked_now: bool,
}

/// A certificate in a list.
#[derive(Debug)]
pub(in crate::console) struct CertificateLine<'a> {
    /// Its SHA-256 thumbprint.
    pub(in crate::console) thumbprint: String,
    /// Its subject.
    pub(in crate::console) subject: &'a str,
    /// Its issuer.
    pub(in crate::console) issuer: &'a str,
    /// Its state.
    pub(in crate::console) state: State,
    /// When it expires.
    pub(in crate::console) not_after: Timestamp,
    /// The clients that it authenticates.
    pub(in crate::console) clients: Vec<&'a str>,
}

impl<'a> CertificateLine<'a> {
    pub(super) fn of(entry: &'a Entry) -> Self {
        let row = &entry.certificate;
        let holders = entry.holders.iter().map(|holder| holder.client_id.as_str());
        Self {
            thumbprint: row.thumbprint.to_string(),
            subject: if row.subject.is_empty() { &row.serial } else { &row.subject },
            issuer: &row.issuer,
            state: entry.state,
            not_after: row.not_after,
            clients: holders.collect(),
        }
    }

    const fn class(&self) -> &'static str {
        match self.state {
            State::Valid => "state state-good",
            State::Pending | State::Expired => "state",
            State::Expiring => "state state-care",
            State::Revoked => "state state-bad",
        }
    }
}

/// The filters: the value in the query, and the text.
type Filters = [(&'static str, &'static str); 6];

impl Certificates<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn filters(&self) -> Filters {
        let words = self.words();
        [
            ("", words.usual),
            ("soon", words.soon),
            ("valid", words.valid),
            ("revoked", words.revoked),
            ("expired", words.expired),
            ("all", words.all),
        ]
    }

    fn state(&self, line: &CertificateLine<'_>) -> &'static str {
        self.words().state(line.state)
    }
}

impl Shown<'_> {
    fn words(&self) -> &'static Words {
        words::WORDS.in_language(self.navigation.layout.words.language)
    }

    fn state(&self) -> &'static str {
        self.words().state(self.line.state)
    }

    fn notice_text(&self) -> Option<&'static str> {
        self.is_revoked_now.then_some(self.words().revoked_now)
    }
}
