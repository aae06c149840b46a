//! `[outbound]`, `[mail]` and `[webhooks]`: the servers that this server calls.

use std::path::PathBuf;

use crate::amount::Bytes;
use crate::notices::{Mailbox, Password, Webhook};
use crate::problem::{Contradictions, not_a_file};
use crate::table::{optional, table};
use crate::text::MailTls;
use crate::types::Seconds;

table! {
    /// Requests of this server: to `jwks_uri`, `sector_identifier_uri`, logos, CRLs, OCSP
    /// responders.
    outbound: Outbound {
        /// Whether private and loopback addresses may be fetched from: for development, tests and
        /// intranets. Registering a client then makes this server call any address that it can
        /// reach (SSRF).
        allow_private_networks: bool = false;
        /// Files with CA certificates (PEM) to trust, in addition to those of the system.
        ca_files: Vec<PathBuf> = Vec::new();
        /// How long a fetch may take.
        timeout: Seconds = Seconds(5), within Seconds(1), Seconds::minutes(1);
        /// The largest response that is read.
        max_bytes: Bytes = Bytes::mib(1), within Bytes::kib(16), Bytes::mib(16);
    }
}

table! {
    /// The mail server that delivers the server's mails. Without one no mail is sent.
    mail: Mail {
        /// Its host name.
        host: Option<String> = None, such as "smtp.example.org";
        /// Its port: usually 587 for `starttls`, 465 for `required`, 25 for `none`.
        port: u16 = 587, within 1, 65_535;
        /// How the connection is protected: `starttls`, `required` (TLS from the first byte on), or
        /// `none`, which is for a mail server on this machine only.
        tls: MailTls = MailTls::StartTls;
        /// The user name, if the mail server requires authentication.
        username: Option<String> = None, such as "gatewright";
        /// The password for it.
        password: Option<Password> = None, such as "…", or password_file;
        /// The sender of the mails.
        from: Option<Mailbox> = None, such as "Gatewright <gatewright@example.org>";
    }
}

table! {
    /// Programs that are notified of events, by a signed `POST`.
    webhooks: Webhooks {
        /// A table each: `url`; `secret`, `whsec_` and 24 to 64 random bytes in base64, or
        /// `secret_file`; and `events`, those of `certificate.expiring`, `certificate.expired`,
        /// `certificate.revoked` to be sent; all where none is named.
        endpoints: Vec<Webhook> = Vec::new();
    }
}

impl Outbound {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        for file in self.ca_files.iter().filter(|file| !file.is_file()) {
            let remedy = "put the certificates there, as PEM";
            contradictions.add(&["outbound.ca_files"], not_a_file(file), remedy);
        }
    }
}

impl Mail {
    pub(super) fn check(&self, contradictions: &mut Contradictions) {
        if let Some(host) = &self.host {
            const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
            if self.tls == MailTls::None && !LOOPBACK.contains(&host.as_str()) {
                contradictions.add(
                    &["mail.tls", "mail.host"],
                    "sends mails and the password in clear text",
                    "write \"starttls\" or \"required\", or let a mail server on this machine send",
                );
            }
            if self.from.is_none() {
                let reason = "is missing, but a mail needs a sender";
                contradictions.add(&["mail.from"], reason, "write a mail address");
            }
        }
        if self.username.is_some() != self.password.is_some() {
            let reason = "is only one of user name and password";
            contradictions.add(
                &["mail.username", "mail.password"],
                reason,
                "give both, or neither",
            );
        }
    }
}

impl Webhooks {
    pub(super) fn check(&self, outbound: &Outbound, contradictions: &mut Contradictions) {
        for webhook in &self.endpoints {
            if webhook.url.scheme() == "http" && !outbound.allow_private_networks {
                let reason = "has a url that is plain http";
                let remedy = "write https; http is for outbound.allow_private_networks alone";
                contradictions.add(&["webhooks.endpoints"], reason, remedy);
            }
            if let Err(wrong) = webhook.secret.key() {
                let remedy = wrong.remedy.unwrap_or_default();
                contradictions.add(&["webhooks.endpoints"], wrong.reason, &remedy);
            }
        }
    }
}
