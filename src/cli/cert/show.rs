//! `gatewright cert show`.

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};

use crate::admin::cert::{self, Found};
use crate::cli::context::Context;
use crate::cli::print::{Output, plain};
use crate::config::Config;
use crate::pki::inventory::Entry;
use crate::pki::ocsp::Status;
use crate::pki::revocation::CachedStatus;
use crate::store::signing_keys::SigningKeyRow;
use crate::types::Timestamp;

/// `gatewright cert show`
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The SHA-256 thumbprint, in base64url (x5t#S256) or hexadecimal, or the serial number; or the kid of
    /// a signing key.
    #[arg(value_name = "THUMBPRINT|SERIAL|KID")]
    name: String,
}

impl Show {
    /// Shows the certificate or the signing key.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        let (entry, statuses) = match cert::show(&call, &self.name).await? {
            Found::Key(key) => {
                return Ok(Output::line(
                    key_as_text(&context.config, &key),
                    cert::key_document(&context.config, &key),
                ));
            }
            Found::Certificate(entry, statuses) => (entry, statuses),
        };
        let pem = pem(&entry.certificate.der);
        let mut json = cert::document(&entry);
        if let Some(object) = json.as_object_mut() {
            object.insert("said".to_owned(), statuses.iter().map(status_as_json).collect());
            object.insert("pem".to_owned(), pem.as_str().into());
        }
        Ok(Output::line(as_text(&entry, &statuses, &pem), json))
    }
}

/// The last known revocation status, as JSON.
fn status_as_json(cached: &CachedStatus) -> Value {
    let revoked = match cached.status {
        Status::Revoked { at, reason } => Some((at, reason.as_str())),
        Status::Good | Status::Unknown => None,
    };
    json!({
        "source": cached.kind,
        "place": cached.source_url,
        "status": cached.status.as_str(),
        "revoked_at": revoked.map(|(at, _)| at),
        "reason": revoked.map(|(_, reason)| reason),
        "fetched_at": cached.fetched_at,
        "expires_at": cached.expires_at,
    })
}

fn status_as_text(cached: &CachedStatus) -> String {
    let CachedStatus { kind, source_url, status, fetched_at, expires_at } = cached;
    let status = match status {
        Status::Revoked { at, reason } => format!("revoked {at}, {reason}"),
        Status::Good | Status::Unknown => status.as_str().to_owned(),
    };
    format!("{status} ({kind} from {source_url}, fetched {fetched_at}, valid until {expires_at})")
}

/// A signing key has no certificate, but is part of the inventory.
fn key_as_text(config: &Config, key: &SigningKeyRow) -> String {
    let at = |time: Option<Timestamp>| time.map_or("not yet".to_owned(), |at| at.to_string());
    let lines = [
        ("kid", key.id.clone()),
        ("kind", format!("signing key, {}", key.alg)),
        ("state", cert::key_state(key).as_str().to_owned()),
        ("published", key.published_at.to_string()),
        ("signs since", at(key.activated_at)),
        ("signs until", at(cert::ends_at(config, key))),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<11} {value}"));
    format!("{}\n\n{}", lines.join("\n"), key.public_jwk)
}

fn as_text(entry: &Entry, statuses: &[CachedStatus], pem: &str) -> String {
    let row = &entry.certificate;
    let at = |time: Option<Timestamp>| time.map_or("never".to_owned(), |at| at.to_string());
    let mut lines = vec![
        ("subject", row.subject.clone()),
        ("issuer", row.issuer.clone()),
        ("serial", row.serial.clone()),
        ("thumbprint", row.thumbprint.to_string()),
        ("key", format!("{}, {} bits", row.key_type, row.key_bits)),
        ("valid", format!("{} to {}", row.not_before, row.not_after)),
        ("state", entry.state.as_str().to_owned()),
        ("origin", row.origin.as_str().to_owned()),
        ("first seen", row.first_seen_at.to_string()),
        ("last used", at(row.last_used_at)),
    ];
    lines.extend(row.names.iter().map(|name| ("name", name.clone())));
    if let Some(client) = &row.client_id
        && entry.holders.is_empty()
    {
        lines.push(("client", client.to_string()));
    }
    for holder in &entry.holders {
        let registered = holder.registered_at.map_or("", |_| ", registered");
        let shares = entry.sharing.contains(&holder.client_id);
        let shares = if shares { ", shares its certificate name" } else { "" };
        let used = at(holder.last_used_at);
        lines.push((
            "client",
            format!("{}{registered}{shares}, last used: {used}", holder.client_id),
        ));
    }
    let tokens = &entry.tokens;
    lines.push((
        "bound",
        format!(
            "{} JWT access tokens, {} opaque ones, {} grants",
            tokens.jwt, tokens.opaque, tokens.grants
        ),
    ));
    if let Some(revoked_at) = row.revoked_at {
        let reason = row.reason.as_deref().unwrap_or("unspecified");
        lines.push(("revoked", format!("{revoked_at}, {reason}")));
    }
    lines.extend(statuses.iter().map(|cached| ("said", status_as_text(cached))));
    let lines = lines.iter().map(|(name, value)| format!("{name:<11} {}\n", plain(value)));
    format!("{}\n{}", lines.collect::<String>(), pem.trim_end())
}

/// RFC 7468 §5.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(c);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}
