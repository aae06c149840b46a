//! Expiry warnings: each threshold of a certificate is reported once. The replica that reports it
//! writes the event, the mails and the webhooks in one transaction.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::census::{Census, STALE, needs_certificate};
use super::inventory::{applicable_thresholds, webhook_json};
use crate::config::{Config, NoticeKind};
use crate::record::notice::{self, Mail};
use crate::record::{Context, Event, Kind};
use crate::store::certificates::{self, CertificateLifetime, CertificateRow, Origin};
use crate::store::{certificate_warnings, retrying};
use crate::types::{Client, ClientId, Result, Seconds, Timestamp};

/// The threshold of the expiry itself.
const EXPIRY: Seconds = Seconds(0);

/// Sends the warnings that are due.
///
/// # Errors
/// When the database does not respond; warnings sent until then stay sent.
pub async fn send_warnings(census: &Census<'_>) -> Result<()> {
    let warn_before = &census.config.certificates.warn_before;
    let from = census.now - STALE;
    for life in census.lives().iter().filter(|life| from <= life.not_after) {
        let crossed = crossed_thresholds(life, warn_before, census.now);
        // The nearest threshold is recorded last and implies the longer ones.
        let Some(nearest) = crossed.last().copied() else {
            continue;
        };
        if life.reported.is_some_and(|reported| reported <= nearest) {
            send_renewal_notices(census, life).await?;
            continue;
        }
        let clients = census.dependents(life).into_iter();
        let clients: Vec<_> =
            clients.map(|client| (client, census.renewal(client, life).is_some())).collect();
        // A late renewal of a short-lived certificate is reported only to clients that have not
        // renewed.
        let is_late = nearest != EXPIRY && !warn_before.contains(&nearest);
        let is_monitored = census.is_monitored(life);
        let has_unrenewed = clients.iter().any(|(_, is_renewed)| !(is_late && *is_renewed));
        if !has_unrenewed && !is_monitored {
            continue;
        }
        // It may have been deleted or revoked since.
        let row = certificates::find(census.store.db(), life.thumbprint).await?;
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
        retrying(|| warning.send(&crossed)).await?;
    }
    Ok(())
}

/// The thresholds that a certificate has crossed, the longest first.
fn crossed_thresholds(
    life: &CertificateLifetime,
    warn_before: &[Seconds],
    now: Timestamp,
) -> Vec<Seconds> {
    let all = applicable_thresholds(life.length(), warn_before).into_iter().chain([EXPIRY]);
    all.filter(|threshold| life.not_after - now <= *threshold).collect()
}

/// Notifies once the clients that were warned and have renewed since.
async fn send_renewal_notices(census: &Census<'_>, life: &CertificateLifetime) -> Result<()> {
    let (Some(threshold), false) = (life.reported, life.warned.is_empty()) else {
        return Ok(());
    };
    let renewed =
        |id: &&ClientId| census.client(id).is_none_or(|one| census.renewal(one, life).is_some());
    let (relieved, still): (Vec<_>, Vec<_>) = life.warned.iter().partition(renewed);
    if relieved.is_empty() {
        return Ok(());
    }
    let still: Vec<_> = still.into_iter().cloned().collect();
    // Clients that were deleted or disabled are not notified.
    let renewals = relieved.into_iter().filter_map(|id| {
        let client = census.client(id)?;
        Some((client, census.renewal(client, life)?))
    });
    let mails: Vec<_> = renewals
        .flat_map(|(client, next)| {
            let mail = renewal_mail(census.config, client, life, next);
            contacts(census.config, client).into_iter().map(move |to| (to, mail.clone()))
        })
        .collect();
    retrying(|| async {
        let mut tx = census.store.write().await?;
        let (thumbprint, warned) = (life.thumbprint, &life.warned);
        if certificate_warnings::record_relief(&mut tx, thumbprint, threshold, warned, &still)
            .await?
        {
            for (to, mail) in &mails {
                mail.post(&mut tx, census.config, to, census.now).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// The recipients of mail about a client's certificates.
fn contacts(config: &Config, client: &Client) -> Vec<String> {
    match client.metadata.contacts.as_slice() {
        [] => operators(config),
        contacts => contacts.to_vec(),
    }
}

fn operators(config: &Config) -> Vec<String> {
    config.certificates.notify.iter().map(|to| to.0.to_string()).collect()
}

/// A warning about a certificate.
#[derive(Debug)]
struct Warning<'a> {
    census: &'a Census<'a>,
    life: &'a CertificateLifetime,
    row: CertificateRow,
    threshold: Seconds,
    /// Whether operators are responsible for it.
    is_monitored: bool,
    is_replaced: bool,
    /// The clients that depend on it, and whether they have another one.
    clients: Vec<(&'a Client, bool)>,
}

impl Warning<'_> {
    /// Of several replicas, one sends the warning. If several thresholds were crossed since the
    /// last run, only the nearest is reported.
    async fn send(&self, crossed: &[Seconds]) -> Result<()> {
        let Context { store, config, trace, now } = **self.census;
        let thumbprint = self.row.thumbprint;
        let mut tx = store.write().await?;
        let mut is_first = false;
        for threshold in crossed {
            is_first =
                certificate_warnings::record_crossing(&mut tx, thumbprint, *threshold, now).await?;
        }
        if !is_first {
            // Another replica was faster and sends the warning.
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
            certificate_warnings::record_recipients(&mut tx, thumbprint, self.threshold, &warned)
                .await?;
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

    /// Whether no action is needed.
    fn is_renewed(&self) -> bool {
        self.unrenewed().next().is_none() && (!self.is_monitored || self.is_replaced)
    }

    /// The clients without another certificate.
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

    /// The mails and their recipients. Clients that have renewed get none.
    fn mails(&self) -> Vec<(String, Mail)> {
        let config = self.census.config;
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

    /// A mail about a client's certificate, or to the operators.
    fn mail(&self, client: Option<&Client>) -> Mail {
        let whose = match client {
            Some(client) => format!("The certificate of {}", display_name(client)),
            None => self.operator_subject().to_owned(),
        };
        let (day, time) = (day(self.row.not_after), date_and_time(self.row.not_after));
        let left = time_left(self.row.not_after - self.census.now);
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
        text.push_str("\nEach warning threshold is reported once.\n");
        Mail { subject, text }
    }

    fn has_expired(&self) -> bool {
        self.threshold == EXPIRY
    }

    fn issuer(&self) -> &str {
        self.census.config.issuer.as_str()
    }

    /// The consequence for a client.
    fn consequence(&self, client: &Client) -> String {
        let (name, issuer) = (display_name(client), self.issuer());
        match (needs_certificate(client), self.has_expired()) {
            (true, false) => {
                format!("From then on {name} can no longer authenticate with it at {issuer}.")
            }
            (true, true) => format!("{name} can no longer authenticate with it at {issuer}."),
            // RFC 7517 §4.7 does not tie the validity of a key to the dates of its `x5c`.
            (false, _) => format!(
                "Nothing stops working at {issuer}: {name} authenticates there with {}, which does not depend on \
                 the dates of the certificate. Other servers may refuse it.",
                client.metadata.token_endpoint_auth_method.as_str()
            ),
        }
    }

    fn remedy(&self, client: &Client) -> &'static str {
        match (needs_certificate(client), self.has_expired()) {
            (true, false) => {
                "What to do: get a new certificate, register it if the old one was registered by value, \
                 and configure it in the application. Both certificates are accepted while they are valid, so \
                 nothing stops working."
            }
            (true, true) => {
                "What to do: get a new certificate, register it if the old one was registered by value, \
                 and configure it in the application."
            }
            (false, _) => {
                "What to do: get a new certificate and register it instead of the old one, or \
                 register the key without a certificate (jwks without x5c)."
            }
        }
    }

    /// The certificate's name for operators.
    fn operator_subject(&self) -> &'static str {
        match (self.census.ca_role(self.life), self.life.origin) {
            (Some(role), _) if role.is_root => "The root certificate of the sign-in server's CA",
            (Some(_), _) => "The issuing certificate of the sign-in server",
            (None, Origin::Anchor) => "A trust anchor for client certificates",
            (None, Origin::Intermediate) => "An intermediate certificate of clients",
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
                    "{from_then}{issuer} issues no certificates, and accepts none that it issued."
                )
            }
            (None, Origin::Anchor | Origin::Intermediate) => format!(
                "{from_then}{issuer} accepts no certificate whose chain includes it: gatewright cert forecast \
                 says which clients stop."
            ),
            (None, Origin::Own | Origin::Issued | Origin::Registered | Origin::Seen) => {
                if self.has_expired() {
                    format!("Clients of {issuer} no longer accept it.")
                } else {
                    format!("From then on clients of {issuer} do not accept it.")
                }
            }
        }
    }

    fn own_remedy(&self) -> &'static str {
        match (self.census.ca_role(self.life), self.life.origin) {
            (Some(role), _) if role.is_root => {
                "What to do: a root is not renewed. gatewright ca renew --intermediate replaces the issuing \
                 certificate by one of another CA."
            }
            (Some(_), _) => {
                "What to do: gatewright ca renew, with --root-key if the key of the root is stored \
                 elsewhere, with --intermediate if another CA issued the current one."
            }
            (None, Origin::Anchor) => {
                "What to do: add the CA's next certificate to the file of this one \
                 (client_certificates.anchors); it is read without a restart."
            }
            (None, Origin::Intermediate) => {
                "What to do: the clients that send it need a chain, or certificates, of the CA's next \
                 intermediate certificate."
            }
            (None, Origin::Own | Origin::Issued | Origin::Registered | Origin::Seen) => {
                if self.has_expired() {
                    "What to do: replace it by a new certificate; it is read without a restart."
                } else {
                    "What to do: replace it by the new certificate; it is read without a restart."
                }
            }
        }
    }
}

/// The mail that follows a warning once the certificate was renewed.
fn renewal_mail(
    config: &Config,
    client: &Client,
    life: &CertificateLifetime,
    next: &CertificateLifetime,
) -> Mail {
    let name = display_name(client);
    let subject = format!("The certificate of {name} has been renewed");
    let text = format!(
        "{subject}: {name} has another one at {}, which is valid until\n{}. No action is needed for the \
         one that you were warned about.\n\n  client_id   {}\n  subject     {}\n  SHA-256     \
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

/// The name of a client in mails.
fn display_name(client: &Client) -> String {
    match client.metadata.client_name.as_str() {
        "" => client.id.to_string(),
        name => name.to_owned(),
    }
}

/// The details of a certificate in a mail.
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

/// A duration for people, rounded up.
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
