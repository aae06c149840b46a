//! Telling that certificates come to their end: each threshold is crossed once, and whoever crosses it
//! writes the event, the mails and the webhooks in the same transaction.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::census::Census;
use super::inventory::{thresholds, told};
use crate::config::{Config, NoticeKind};
use crate::record::notice::{self, Mail};
use crate::record::{Event, Kind, Trace};
use crate::store::certificates::CertificateRow;
use crate::store::{Store, certificate_warnings, retrying};
use crate::types::{Client, Result, Seconds, Timestamp};

/// What ended longer ago than this is told to nobody any more: we were not running then.
const STALE: Seconds = Seconds::days(7);

/// The end itself.
const END: Seconds = Seconds(0);

/// Looks at everything, and tells what was not told yet.
///
/// # Errors
/// When the database does not answer; what was told is told.
pub async fn look(census: &Census<'_>, store: &Store, trace: &Trace) -> Result<()> {
    let now = census.now();
    let warn_before = &census.config().certificates.warn_before;
    let longest = warn_before.iter().copied().max().unwrap_or(END);
    let (from, to) = (now - STALE, now + longest);
    let given = certificate_warnings::crossed(store.db(), from, to).await?;
    let rows = census.rows().iter().filter(|row| from <= row.not_after && row.not_after <= to);
    for row in rows.filter(|row| row.revoked_at.is_none()) {
        let crossed = crossed(row, warn_before, now);
        let is_given = |threshold: &Seconds| given.contains(&(row.thumbprint, *threshold));
        // The nearest one is told last, so whoever has told it has told all of them.
        let Some(nearest) = crossed.last().filter(|nearest| !is_given(nearest)) else {
            continue;
        };
        let warning = Warning::of(census, row, *nearest);
        if !warning.clients.is_empty() || warning.is_own {
            retrying(|| warning.give(store, &crossed, trace)).await?;
        }
    }
    Ok(())
}

/// The thresholds that a certificate has passed, the longest first.
fn crossed(row: &CertificateRow, warn_before: &[Seconds], now: Timestamp) -> Vec<Seconds> {
    let all = thresholds(row, warn_before).into_iter().chain([END]);
    all.filter(|threshold| row.not_after - now <= *threshold).collect()
}

/// What is to be told of a certificate.
#[derive(Debug)]
struct Warning<'a> {
    config: &'a Config,
    row: &'a CertificateRow,
    threshold: Seconds,
    now: Timestamp,
    is_own: bool,
    /// Who depends on it, and whether they have another by now.
    clients: Vec<(&'a Client, bool)>,
    is_own_renewed: bool,
}

impl<'a> Warning<'a> {
    fn of(census: &'a Census<'_>, row: &'a CertificateRow, threshold: Seconds) -> Self {
        let renewed = |client: &'a Client| (client, census.is_renewed(client, row));
        Self {
            config: census.config(),
            row,
            threshold,
            now: census.now(),
            is_own: census.is_own(row),
            clients: census.dependants(row).into_iter().map(renewed).collect(),
            is_own_renewed: census.is_own_renewed(row),
        }
    }

    /// Of many who try, one tells. Several thresholds that were crossed since somebody looked are told as
    /// one, the nearest.
    async fn give(&self, store: &Store, crossed: &[Seconds], trace: &Trace) -> Result<()> {
        let mut tx = store.write().await?;
        let mut is_first = false;
        for threshold in crossed {
            is_first =
                certificate_warnings::cross(&mut tx, self.row.thumbprint, *threshold, self.now)
                    .await?;
        }
        if !is_first {
            // Another replica was quicker, and has written the rest too.
            return Ok(());
        }
        let (kind, notice) = if self.threshold == END {
            (Kind::CertificateExpired, NoticeKind::CertificateExpired)
        } else {
            (Kind::CertificateExpiring, NoticeKind::CertificateExpiring)
        };
        self.event(kind).write(&mut tx, trace).await?;
        notice::call(&mut tx, self.config, notice, &self.data(), self.now).await?;
        for (to, mail) in self.mails() {
            mail.post(&mut tx, self.config, &to, self.now).await?;
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
        self.clients.iter().all(|(_, renewed)| *renewed) && (!self.is_own || self.is_own_renewed)
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
            "certificate": told(self.row),
            "threshold": self.threshold,
            "renewed": self.is_renewed(),
            "clients": clients,
        })
    }

    /// Who is written to, and what. Whoever has renewed in time is left in peace.
    fn mails(&self) -> Vec<(String, Mail)> {
        let operators: Vec<String> =
            self.config.certificates.notify.iter().map(|to| to.0.to_string()).collect();
        let mut mails = Vec::new();
        for (client, _) in self.clients.iter().filter(|(_, renewed)| !renewed) {
            let contacts = &client.metadata.contacts;
            let to = if contacts.is_empty() { &operators } else { contacts };
            let mail = self.mail(Some(client));
            mails.extend(to.iter().map(|to| (to.clone(), mail.clone())));
        }
        if self.is_own && !self.is_own_renewed {
            let mail = self.mail(None);
            mails.extend(operators.iter().map(|to| (to.clone(), mail.clone())));
        }
        mails
    }

    /// The words of a mail about a client's certificate, or about ours.
    fn mail(&self, client: Option<&Client>) -> Mail {
        let row = self.row;
        let name = client.map(|client| match client.metadata.client_name.as_str() {
            "" => client.id.to_string(),
            name => name.to_owned(),
        });
        let whose = match &name {
            Some(name) => format!("The certificate of {name}"),
            None => "A certificate of the sign-in server".to_owned(),
        };
        let (day, time) = (day(row.not_after), moment(row.not_after));
        let left = left(row.not_after - self.now);
        let issuer = self.config.issuer.as_str();
        let (subject, verb) = if self.threshold == END {
            (format!("{whose} has expired"), format!("expired on {time}"))
        } else {
            (
                format!("{whose} expires on {day}, in {left}"),
                format!("expires on {time}, in {left}"),
            )
        };
        let (what, remedy) = match (&name, self.threshold == END) {
            (Some(name), false) => (
                format!("From then on {name} can no longer prove itself with it at {issuer}."),
                "What to do: get a new certificate, register it if the old one was registered by value, \
                 and let the application use it. Old and new work side by side, so nothing stops \
                 meanwhile.",
            ),
            (Some(name), true) => (
                format!("{name} can no longer prove itself with it at {issuer}."),
                "What to do: get a new certificate, register it if the old one was registered by value, \
                 and let the application use it.",
            ),
            (None, false) => (
                format!("From then on nobody accepts it at {issuer}."),
                "What to do: put the new certificate in its place; it is read without a restart.",
            ),
            (None, true) => (
                format!("Nobody accepts it any more at {issuer}."),
                "What to do: put a new certificate in its place; it is read without a restart.",
            ),
        };
        let mut text = format!("{whose} {verb}.\n{what}\n\n{}\n\n", wrapped(remedy));
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
        let _ = writeln!(text, "\nSent once for each step that the end comes closer.");
        Mail { subject, text }
    }
}

/// `2026-12-01`
fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..10).unwrap_or(&text).to_owned()
}

/// `2026-12-01 at 12:00 UTC`
fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} at {time} UTC"),
        (Some(_) | None, _) => text,
    }
}

/// How long that is, for people; rounded up, for a day that has begun is one to act in.
fn left(length: Seconds) -> String {
    let of = |unit: i64| (length.0 + unit - 1).div_euclid(unit);
    match (of(86_400), of(3600)) {
        (_, 1) => "1 hour".to_owned(),
        (days, hours) if days <= 2 => format!("{hours} hours"),
        (days, _) => format!("{days} days"),
    }
}

/// Lines of at most 76 characters.
fn wrapped(text: &str) -> String {
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
            assert_eq!(left(Seconds(seconds)), words);
        }
    }
}
