//! Telling that certificates come to their end: each threshold is crossed once, and whoever crosses it
//! writes the event, the mails and the webhooks in the same transaction.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::census::{Census, STALE, needs_certificate};
use super::inventory::{applicable_thresholds, webhook_json};
use crate::config::{Config, NoticeKind};
use crate::record::notice::{self, Mail};
use crate::record::{Event, Kind, Trace};
use crate::store::certificates::{self, CertificateRow, Life, Origin};
use crate::store::{Store, certificate_warnings, retrying};
use crate::types::{Client, ClientId, Result, Seconds, Timestamp};

/// The end itself.
const EXPIRY: Seconds = Seconds(0);

/// Looks at everything, and tells what was not told yet.
///
/// # Errors
/// When the database does not answer; what was told is told.
pub async fn send_warnings(census: &Census<'_>, store: &Store, trace: &Trace) -> Result<()> {
    let warn_before = &census.config().certificates.warn_before;
    let from = census.now() - STALE;
    for life in census.lives().iter().filter(|life| from <= life.not_after) {
        let crossed = crossed_thresholds(life, warn_before, census.now());
        // The nearest one is told last, so whoever has told it has told all of them.
        let Some(nearest) = crossed.last().copied() else {
            continue;
        };
        if life.told.is_some_and(|told| told <= nearest) {
            send_renewal_notices(census, store, life).await?;
            continue;
        }
        let clients = census.dependents(life).into_iter();
        let clients: Vec<_> =
            clients.map(|client| (client, census.renewal(client, life).is_some())).collect();
        // That the renewal of a short life is late is told of those alone whose it is.
        let is_late = nearest != EXPIRY && !warn_before.contains(&nearest);
        let is_monitored = census.is_monitored(life);
        let has_unrenewed = clients.iter().any(|(_, is_renewed)| !(is_late && *is_renewed));
        if !has_unrenewed && !is_monitored {
            continue;
        }
        // It may have been swept, or revoked.
        let row = certificates::find(store.db(), life.thumbprint).await?;
        let Some(row) = row.filter(|row| row.revoked_at.is_none()) else {
            continue;
        };
        let warning = Warning {
            census,
            life,
            row,
            threshold: nearest,
            is_monitored,
            is_replaced: census.is_replaced(life),
            clients,
        };
        retrying(|| warning.send(store, &crossed, trace)).await?;
    }
    Ok(())
}

/// The thresholds that a certificate has passed, the longest first.
fn crossed_thresholds(life: &Life, warn_before: &[Seconds], now: Timestamp) -> Vec<Seconds> {
    let all = applicable_thresholds(life.length(), warn_before).into_iter().chain([EXPIRY]);
    all.filter(|threshold| life.not_after - now <= *threshold).collect()
}

/// Writes once to those who were warned and have renewed since: whoever was called wants to know that it
/// is over.
async fn send_renewal_notices(census: &Census<'_>, store: &Store, life: &Life) -> Result<()> {
    let (Some(threshold), false) = (life.told, life.warned.is_empty()) else {
        return Ok(());
    };
    let renewed =
        |id: &&ClientId| census.client(id).is_none_or(|one| census.renewal(one, life).is_some());
    let (relieved, still): (Vec<_>, Vec<_>) = life.warned.iter().partition(renewed);
    if relieved.is_empty() {
        return Ok(());
    }
    let still: Vec<_> = still.into_iter().cloned().collect();
    // Who is gone or disabled meanwhile needs no mail.
    let renewals = relieved.into_iter().filter_map(|id| {
        let client = census.client(id)?;
        Some((client, census.renewal(client, life)?))
    });
    let mails: Vec<_> = renewals
        .flat_map(|(client, next)| {
            let mail = renewal_mail(census.config(), client, life, next);
            contacts(census.config(), client).into_iter().map(move |to| (to, mail.clone()))
        })
        .collect();
    retrying(|| async {
        let mut tx = store.write().await?;
        let (thumbprint, warned) = (life.thumbprint, &life.warned);
        if certificate_warnings::relieve(&mut tx, thumbprint, threshold, warned, &still).await? {
            for (to, mail) in &mails {
                mail.post(&mut tx, census.config(), to, census.now()).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Who is written to about the certificates of a client.
fn contacts(config: &Config, client: &Client) -> Vec<String> {
    match client.metadata.contacts.as_slice() {
        [] => operators(config),
        contacts => contacts.to_vec(),
    }
}

fn operators(config: &Config) -> Vec<String> {
    config.certificates.notify.iter().map(|to| to.0.to_string()).collect()
}

/// What is to be told of a certificate.
#[derive(Debug)]
struct Warning<'a> {
    census: &'a Census<'a>,
    life: &'a Life,
    row: CertificateRow,
    threshold: Seconds,
    /// Whether operators have to see to it.
    is_monitored: bool,
    is_replaced: bool,
    /// Who depends on it, and whether they have another by now.
    clients: Vec<(&'a Client, bool)>,
}

impl Warning<'_> {
    /// Of many who try, one tells. Several thresholds that were crossed since somebody looked are told as
    /// one, the nearest.
    async fn send(&self, store: &Store, crossed: &[Seconds], trace: &Trace) -> Result<()> {
        let mut tx = store.write().await?;
        let (thumbprint, now, config) =
            (self.row.thumbprint, self.census.now(), self.census.config());
        let mut is_first = false;
        for threshold in crossed {
            is_first = certificate_warnings::cross(&mut tx, thumbprint, *threshold, now).await?;
        }
        if !is_first {
            // Another replica was quicker, and has written the rest too.
            return Ok(());
        }
        let (kind, notice) = if self.threshold == EXPIRY {
            (Kind::CertificateExpired, NoticeKind::CertificateExpired)
        } else {
            (Kind::CertificateExpiring, NoticeKind::CertificateExpiring)
        };
        self.event(kind).write(&mut tx, trace).await?;
        notice::call(&mut tx, config, notice, &self.data(), now).await?;
        for (to, mail) in self.mails() {
            mail.post(&mut tx, config, &to, now).await?;
        }
        let warned: Vec<_> = self.unrenewed().map(|client| client.id.clone()).collect();
        if !warned.is_empty() {
            certificate_warnings::warn(&mut tx, thumbprint, self.threshold, &warned).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    fn event(&self, kind: Kind) -> Event {
        let clients: Vec<_> = self.clients.iter().map(|(client, _)| client.id.as_str()).collect();
        let mut event = Event::success(kind)
            .fact("thumbprint", self.row.thumbprint.to_string())
            .fact("subject", self.row.subject.as_str())
            .fact("not_after", self.row.not_after.0)
            .fact("threshold", self.threshold.0)
            .fact("renewed", self.is_renewed());
        if let [(client, _)] = self.clients.as_slice() {
            event = event.client(&client.id);
        } else {
            event = event.fact("clients", clients);
        }
        event
    }

    /// Whether nobody has to do anything.
    fn is_renewed(&self) -> bool {
        self.unrenewed().next().is_none() && (!self.is_monitored || self.is_replaced)
    }

    /// Those who have no other certificate by now.
    fn unrenewed(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter().filter(|(_, renewed)| !renewed).map(|(client, _)| *client)
    }

    fn data(&self) -> Value {
        let clients: Vec<_> = self
            .clients
            .iter()
            .map(|(client, renewed)| {
                json!({
                    "client_id": client.id,
                    "client_name": client.metadata.client_name,
                    "contacts": client.metadata.contacts,
                    "renewed": renewed,
                })
            })
            .collect();
        json!({
            "certificate": webhook_json(&self.row),
            "threshold": self.threshold,
            "renewed": self.is_renewed(),
            "clients": clients,
        })
    }

    /// Who is written to, and what. Whoever has renewed in time is left in peace.
    fn mails(&self) -> Vec<(String, Mail)> {
        let config = self.census.config();
        let mut mails = Vec::new();
        for client in self.unrenewed() {
            let mail = self.mail(Some(client));
            mails.extend(contacts(config, client).into_iter().map(|to| (to, mail.clone())));
        }
        if self.is_monitored && !self.is_replaced {
            let mail = self.mail(None);
            mails.extend(operators(config).into_iter().map(|to| (to, mail.clone())));
        }
        mails
    }

    /// The words of a mail about a client's certificate, or about one that operators have to see to.
    fn mail(&self, client: Option<&Client>) -> Mail {
        let whose = match client {
            Some(client) => format!("The certificate of {}", display_name(client)),
            None => self.operator_subject().to_owned(),
        };
        let (day, time) = (day(self.row.not_after), date_and_time(self.row.not_after));
        let left = time_left(self.row.not_after - self.census.now());
        let (subject, verb) = if self.has_expired() {
            (format!("{whose} has expired"), format!("expired on {time}"))
        } else {
            (
                format!("{whose} expires on {day}, in {left}"),
                format!("expires on {time}, in {left}"),
            )
        };
        let (what, remedy) = match client {
            Some(client) => (self.consequence(client), self.remedy(client)),
            None => (self.own_consequence(), self.own_remedy()),
        };
        let mut text = format!("{whose} {verb}.\n{}\n\n{}\n\n", wrap(&what), wrap(remedy));
        text.push_str(&certificate_lines(&self.row, client));
        text.push_str("\nSent once for each step that the end comes closer.\n");
        Mail { subject, text }
    }

    fn has_expired(&self) -> bool {
        self.threshold == EXPIRY
    }

    fn issuer(&self) -> &str {
        self.census.config().issuer.as_str()
    }

    /// What becomes of a client.
    fn consequence(&self, client: &Client) -> String {
        let (name, issuer) = (display_name(client), self.issuer());
        match (needs_certificate(client), self.has_expired()) {
            (true, false) => {
                format!("From then on {name} can no longer prove itself with it at {issuer}.")
            }
            (true, true) => format!("{name} can no longer prove itself with it at {issuer}."),
            // RFC 7517 §4.7 says what `x5c` is, and nobody that its dates end the key beside it.
            (false, _) => format!(
                "Nothing stops at {issuer}: {name} proves itself there by {}, for which nobody looks at the \
                 dates of a certificate. Other servers that it is shown to may refuse it.",
                client.metadata.token_endpoint_auth_method.as_str()
            ),
        }
    }

    fn remedy(&self, client: &Client) -> &'static str {
        match (needs_certificate(client), self.has_expired()) {
            (true, false) => {
                "What to do: get a new certificate, register it if the old one was registered by value, \
                 and let the application use it. Old and new work side by side, so nothing stops \
                 meanwhile."
            }
            (true, true) => {
                "What to do: get a new certificate, register it if the old one was registered by value, \
                 and let the application use it."
            }
            (false, _) => {
                "What to do: get a new certificate and register it in the place of the old one, or \
                 register the key without a certificate (jwks without x5c)."
            }
        }
    }

    /// What operators know it as.
    fn operator_subject(&self) -> &'static str {
        match (self.census.ca_role(self.life), self.life.origin) {
            (Some(role), _) if role.is_root => "The root of the authority of the sign-in server",
            (Some(_), _) => "The issuing certificate of the sign-in server",
            (None, Origin::Anchor) => "An authority that is believed about clients",
            (None, Origin::Intermediate) => "A certificate between clients and their authority",
            (None, Origin::Own | Origin::Issued | Origin::Registered | Origin::Seen) => {
                "A certificate of the sign-in server"
            }
        }
    }

    fn own_consequence(&self) -> String {
        let issuer = self.issuer();
        let from_then = if self.has_expired() { "" } else { "From then on " };
        match (self.census.ca_role(self.life), self.life.origin) {
            (Some(_), _) => {
                format!(
                    "{from_then}{issuer} issues no certificates, and accepts none of those below it."
                )
            }
            (None, Origin::Anchor | Origin::Intermediate) => format!(
                "{from_then}{issuer} accepts no certificate that leads to it: gatewright cert forecast \
                 says which clients stop."
            ),
            (None, Origin::Own | Origin::Issued | Origin::Registered | Origin::Seen) => {
                if self.has_expired() {
                    format!("Nobody accepts it any more at {issuer}.")
                } else {
                    format!("From then on nobody accepts it at {issuer}.")
                }
            }
        }
    }

    fn own_remedy(&self) -> &'static str {
        match (self.census.ca_role(self.life), self.life.origin) {
            (Some(role), _) if role.is_root => {
                "What to do: nobody renews a root. gatewright ca renew --intermediate puts an issuing \
                 certificate of another authority in the place of the present one."
            }
            (Some(_), _) => {
                "What to do: gatewright ca renew, with --root-key where the key of the root is kept \
                 elsewhere, with --intermediate where another authority has made the present one."
            }
            (None, Origin::Anchor) => {
                "What to do: put the authority's next certificate beside this one into its file \
                 (client_certificates.anchors); it is read without a restart."
            }
            (None, Origin::Intermediate) => {
                "What to do: the clients that send it need a chain, or certificates, of the authority's \
                 next one."
            }
            (None, Origin::Own | Origin::Issued | Origin::Registered | Origin::Seen) => {
                if self.has_expired() {
                    "What to do: put a new certificate in its place; it is read without a restart."
                } else {
                    "What to do: put the new certificate in its place; it is read without a restart."
                }
            }
        }
    }
}

/// The words of a mail to whom one about this certificate went before.
fn renewal_mail(config: &Config, client: &Client, life: &Life, next: &Life) -> Mail {
    let name = display_name(client);
    let subject = format!("The certificate of {name} has been renewed");
    let text = format!(
        "{subject}: {name} has another one at {}, which counts until\n{}. Nothing more has to be done \
         about the one of which you were told.\n\n  client_id   {}\n  subject     {}\n  SHA-256     \
         {} (the old one)\n              {} (the new one)\n",
        config.issuer.as_str(),
        date_and_time(next.ends_at()),
        client.id,
        next.subject,
        life.thumbprint,
        next.thumbprint,
    );
    Mail { subject, text }
}

/// What people call a client.
fn display_name(client: &Client) -> String {
    match client.metadata.client_name.as_str() {
        "" => client.id.to_string(),
        name => name.to_owned(),
    }
}

/// What a mail says of a certificate, line by line.
fn certificate_lines(row: &CertificateRow, client: Option<&Client>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {name:<11} {value}");
    };
    if let Some(client) = client {
        line("client_id", client.id.as_str());
    }
    line("subject", &row.subject);
    row.names.iter().for_each(|name| line("name", name));
    line("issuer", &row.issuer);
    line("serial", &row.serial);
    line("SHA-256", &row.thumbprint.to_string());
    line("valid", &format!("{} to {}", row.not_before, row.not_after));
    text
}

/// `2026-12-01`
fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..10).unwrap_or(&text).to_owned()
}

/// `2026-12-01 at 12:00 UTC`
fn date_and_time(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} at {time} UTC"),
        (Some(_) | None, _) => text,
    }
}

/// How long that is, for people; rounded up, for a day that has begun is one to act in.
fn time_left(length: Seconds) -> String {
    let of = |unit: i64| (length.0 + unit - 1).div_euclid(unit);
    match (of(86_400), of(3600)) {
        (_, 1) => "1 hour".to_owned(),
        (days, hours) if days <= 2 => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}

/// Lines of at most 76 characters.
fn wrap(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= 76 => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_rounded_up() {
        for (seconds, words) in [
            (1, "1 hour"),
            (3600, "1 hour"),
            (3601, "2 hours"),
            (86_400, "24 hours"),
            (2 * 86_400, "48 hours"),
            (2 * 86_400 + 1, "3 days"),
            (7 * 86_400, "7 days"),
            (7 * 86_400 - 30, "7 days"),
        ] {
            assert_eq!(time_left(Seconds(seconds)), words);
        }
    }
}
