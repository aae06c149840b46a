//! `gatewright cert`: the certificates that clients prove themselves with, and our own.

mod forecast;
mod issue;
mod list;
mod revoke;
mod show;

use clap::Subcommand;
use serde_json::{Value, json};

use super::desk::Desk;
use super::exit::{Absent, Wrong};
use super::print::Answer;
use crate::config::{Raw, Value as _};
use crate::pki::inventory::{Entry, Inventory};
use crate::types::Seconds;

/// What can be done with certificates.
#[derive(Debug, Subcommand)]
pub(super) enum CertCommand {
    /// List the certificates that we know of, and the signing keys; what expires first comes first.
    #[command(after_help = "\
Examples:
  gatewright cert list
  gatewright cert list --expiring 30d
  gatewright cert list --client 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f --state all
  gatewright --json cert list --state revoked | jq -r '.[].thumbprint'

Those whose time is over are left out unless --state says otherwise. TOKENS counts what is alive and
bound to the certificate: access tokens, and grants of public clients that are bound to its key.")]
    List(list::List),
    /// Tell which clients stop working on which day, unless something is done.
    #[command(after_help = "\
Examples:
  gatewright cert forecast
  gatewright cert forecast --days 365
  gatewright --json cert forecast | jq -r '.[] | [.day, .client_name, .contacts[0]] | @tsv'

A client that needs a certificate stops when the last one expires that it can prove itself with: one that
has been renewed already is not listed for its old certificate. A day in the past: it has stopped.")]
    Forecast(forecast::Forecast),
    /// Tell everything about a certificate.
    #[command(after_help = "\
Examples:
  gatewright cert show bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2
  gatewright cert show \"$(openssl x509 -in client.pem -noout -fingerprint -sha256 | cut -d= -f2)\"
  gatewright --json cert show 5f3a01c2 | jq -r '.pem' | openssl x509 -text")]
    Show(show::Show),
    /// Revoke a certificate, at once and for ever: it proves nobody any more, and tokens that are bound
    /// to it count for nothing.
    #[command(after_help = "\
Examples:
  gatewright cert revoke bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2 --reason keyCompromise
  gatewright cert revoke --file leaked.pem --reason keyCompromise

A file revokes a certificate that we may not have met yet. Those of another authority should be revoked
there as well: this counts for us alone. A certificate of an authority proves nobody below it any more; with
one of our own authority, and with one whose key somebody else has (keyCompromise), the certificates are
revoked that it has issued. What was revoked for another reason can be raised to keyCompromise.")]
    Revoke(revoke::Revoke),
    /// Issue a certificate to a client, from a PKCS #10 request.
    #[command(after_help = "\
Examples:
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key \\
      -subj / -out client.csr
  gatewright cert issue --client 0198c2f0-… --csr client.csr > client.pem
  gatewright --json cert issue --client 0198c2f0-… --csr - < client.csr

Prints the certificate and what stands above it up to the root, as PEM. Of the request nothing but the
public key is used: whose the certificate is, comes from the registration. It lives for ca.lifetime;
those that the client has already go on working.")]
    Issue(issue::Issue),
}

impl CertCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
        match self {
            Self::List(asked) => list::list(desk, &asked).await,
            Self::Forecast(asked) => forecast::forecast(desk, &asked).await,
            Self::Show(asked) => show::show(desk, &asked).await,
            Self::Revoke(asked) => revoke::revoke(desk, &asked).await,
            Self::Issue(issue) => issue.run(desk).await,
        }
    }
}

const fn inventory(desk: &Desk) -> Inventory<'_> {
    Inventory { store: &desk.store, config: &desk.config, now: desk.now() }
}

/// The one certificate of this name.
async fn find(desk: &Desk, name: &str) -> anyhow::Result<Entry> {
    let mut found = inventory(desk).find(name).await?;
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(Absent(format!("there is no certificate {name}")).into()),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            let all = found.iter().chain([&last]);
            let all: Vec<_> = all.map(|one| one.certificate.thumbprint.to_string()).collect();
            let all = all.join(", ");
            Err(Wrong(format!("several issuers use that serial number: say which of {all}")).into())
        }
    }
}

/// A length of time, as the configuration writes it.
pub(super) fn length(text: &str) -> Result<Seconds, String> {
    Seconds::read(&Raw::Text(text)).map_err(|_| format!("write {}", Seconds::FORM))
}

/// Whom a certificate proves, in a few words.
fn whose(entry: &Entry) -> String {
    let mut clients: Vec<_> = entry.holders.iter().map(|one| one.client_id.to_string()).collect();
    if clients.is_empty() {
        clients.extend(entry.certificate.client_id.as_ref().map(ToString::to_string));
    }
    clients.join(" ")
}

fn in_json(entry: &Entry) -> Value {
    let row = &entry.certificate;
    let clients: Vec<_> = entry
        .holders
        .iter()
        .map(|holder| {
            json!({
                "client_id": holder.client_id,
                "registered_at": holder.registered_at,
                "last_used_at": holder.last_used_at,
                "shares_name": entry.sharing.contains(&holder.client_id),
            })
        })
        .collect();
    json!({
        "kind": "certificate",
        "thumbprint": row.thumbprint,
        "public_key": row.public_key,
        "origin": row.origin.as_str(),
        "state": entry.state,
        "issued_to": row.client_id,
        "clients": clients,
        "subject": row.subject,
        "names": row.names,
        "issuer": row.issuer,
        "serial": row.serial,
        "key_type": row.key_type,
        "key_bits": row.key_bits,
        "not_before": row.not_before,
        "not_after": row.not_after,
        "first_seen_at": row.first_seen_at,
        "last_used_at": row.last_used_at,
        "tokens": entry.tokens,
        "revoked_at": row.revoked_at,
        "reason": row.reason,
    })
}
