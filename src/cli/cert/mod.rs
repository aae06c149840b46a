//! `gatewright cert`: the certificate inventory.

mod forecast;
mod issue;
mod list;
mod revoke;
mod show;

use clap::Subcommand;
use serde_json::{Value, json};

use super::desk::Desk;
use super::exit::{Absent, Wrong};
use super::print::Output;
use crate::config::{RawValue, Value as _};
use crate::pki::inventory::{Entry, Inventory};
use crate::types::Seconds;

/// `gatewright cert …`
#[derive(Debug, Subcommand)]
pub(super) enum CertCommand {
    /// List all known certificates and the signing keys, by expiry.
    #[command(after_help = "\
Examples:
  gatewright cert list
  gatewright cert list --expiring 30d
  gatewright cert list --client 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f --state all
  gatewright --json cert list --state revoked | jq -r '.[].thumbprint'

Expired certificates are omitted unless --state includes them. TOKENS counts the valid access tokens bound to
the certificate, and the grants of public clients bound to its key.")]
    List(list::List),
    /// Forecast which clients will stop working because their certificates expire, and when.
    #[command(after_help = "\
Examples:
  gatewright cert forecast
  gatewright cert forecast --days 365
  gatewright --json cert forecast | jq -r '.[] | [.day, .client_name, .contacts[0]] | @tsv'

A client that authenticates with certificates stops working when the last valid one expires; a client that has
already renewed its certificate is not listed for the old one. A day in the past means that the client has
already stopped working.")]
    Forecast(forecast::Forecast),
    /// Show a certificate: its state, clients, bound tokens and revocation status.
    #[command(after_help = "\
Examples:
  gatewright cert show bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2
  gatewright cert show \"$(openssl x509 -in client.pem -noout -fingerprint -sha256 | cut -d= -f2)\"
  gatewright --json cert show 5f3a01c2 | jq -r '.pem' | openssl x509 -text")]
    Show(show::Show),
    /// Revoke a certificate, immediately and permanently: it no longer authenticates clients, and tokens
    /// bound to it are rejected.
    #[command(after_help = "\
Examples:
  gatewright cert revoke bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2 --reason keyCompromise
  gatewright cert revoke --file leaked.pem --reason keyCompromise

--file also revokes a certificate that the server has not seen yet. Revoke certificates of another CA there as
well: this revocation applies to this server only. Revoking a CA certificate invalidates all certificates below
it. Revoking a certificate of the built-in CA, or one with reason keyCompromise, also revokes the certificates
that it issued. The reason can later be raised to keyCompromise.")]
    Revoke(revoke::Revoke),
    /// Issue a certificate to a client from a PKCS #10 request.
    #[command(after_help = "\
Examples:
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout client.key \\
      -subj / -out client.csr
  gatewright cert issue --client 0198c2f0-… --csr client.csr > client.pem
  gatewright --json cert issue --client 0198c2f0-… --csr - < client.csr

Prints the certificate and its chain up to the root as PEM. Only the public key of the request is used; the
subject comes from the client's registration. The certificate is valid for ca.lifetime; other certificates of
the client stay valid.")]
    Issue(issue::Issue),
}

impl CertCommand {
    /// Runs the command.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
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
            Err(Wrong(format!("several certificates have that serial number; name one of {all}"))
                .into())
        }
    }
}

/// Parses a duration in the format of the configuration.
pub(super) fn parse_duration(text: &str) -> Result<Seconds, String> {
    Seconds::read(&RawValue::Text(text)).map_err(|_| format!("expected {}", Seconds::FORM))
}

/// The clients that a certificate authenticates.
fn clients(entry: &Entry) -> String {
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
