//! `gatewright cert show`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::super::desk::Desk;
use super::super::print::{Answer, plain};
use super::{find, in_json};
use crate::pki::inventory::Entry;
use crate::types::Timestamp;

/// Which certificate is asked for.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// Its SHA-256, in base64url as tokens name it or in hexadecimal, or its serial number.
    #[arg(value_name = "THUMBPRINT|SERIAL")]
    name: String,
}

/// Tells everything about it.
pub(super) async fn show(desk: &Desk, asked: &Show) -> anyhow::Result<Answer> {
    let entry = find(desk, &asked.name).await?;
    let pem = pem(&entry.certificate.der);
    let mut json = in_json(&entry);
    if let Some(object) = json.as_object_mut() {
        object.insert("pem".to_owned(), pem.as_str().into());
    }
    Ok(Answer::line(in_words(&entry, &pem), json))
}

fn in_words(entry: &Entry, pem: &str) -> String {
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
        let used = at(holder.last_used_at);
        lines.push(("client", format!("{}{registered}, last used: {used}", holder.client_id)));
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
