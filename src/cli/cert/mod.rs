//! `gatewright cert`: the certificate inventory.

mod forecast;
mod issue;
mod list;
mod revoke;
mod show;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;
use super::print::Output;
use crate::config::{RawValue, Value as _};
use crate::pki::inventory::Entry;
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
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        match self {
            Self::List(options) => options.run(context).await,
            Self::Forecast(options) => options.run(context).await,
            Self::Show(options) => options.run(context).await,
            Self::Revoke(options) => options.run(context).await,
            Self::Issue(options) => options.run(context).await,
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
