//! `gatewright cert revoke`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::super::desk::{self, Desk};
use super::super::exit::Wrong;
use super::super::print::Output;
use super::find;
use crate::pki::{Certificate, Reason, inventory};
use crate::types::pem;

/// `gatewright cert revoke`
#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// The SHA-256 thumbprint, in base64url (x5t#S256) or hexadecimal, or the serial number.
    #[arg(value_name = "THUMBPRINT|SERIAL", required_unless_present = "file")]
    name: Option<String>,
    /// A file with the certificate (PEM, DER or base64), which need not be in the inventory.
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    file: Option<PathBuf>,
    /// The revocation reason (RFC 5280 section 5.3.1).
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reasons())]
    reason: String,
}

/// All reasons except those of a hold: revocation is permanent.
fn reasons() -> PossibleValuesParser {
    let holds = [Reason::CertificateHold, Reason::RemoveFromCrl];
    let lasting = Reason::ALL.iter().copied().filter(|reason| !holds.contains(reason));
    lasting.map(Reason::as_str).collect::<Vec<_>>().into()
}

/// Revokes the certificate.
pub(super) async fn revoke(desk: &Desk, asked: &Revoke) -> anyhow::Result<Output> {
    let reason = Reason::parse(&asked.reason).unwrap_or_default();
    let row = match (&asked.file, &asked.name) {
        (Some(file), _) => inventory::seen_row(&read(file)?, desk.now()),
        (None, Some(name)) => find(desk, name).await?.certificate,
        (None, None) => return Err(Wrong("no certificate is named".to_owned()).into()),
    };
    let others = super::inventory(desk).revoke(&row, reason, &desk.trace).await?;
    let mut text = format!(
        "revoked certificate {}; it no longer authenticates clients, and tokens bound to it are rejected",
        row.thumbprint
    );
    if others > 0 {
        text.push_str(&format!("; also revoked {others} certificates of its key or issued by it"));
    }
    let json = json!({ "thumbprint": row.thumbprint, "reason": reason.as_str(), "revoked_with_it": others });
    Ok(Output::line(text, json))
}

/// The first certificate of a file.
fn read(file: &Path) -> anyhow::Result<Certificate> {
    let found = pem::certificates(&desk::read_bytes(file)?)
        .map_err(|why| Wrong(format!("{} {why}", file.display())))?;
    let first = found.first().map(|der| der.as_ref()).unwrap_or_default();
    let read = Certificate::parse(first, &[]);
    Ok(read.map_err(|why| Wrong(format!("{}: {why}", file.display())))?)
}
