//! `gatewright cert revoke`.

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use super::super::desk::{self, Desk};
use super::super::exit::Wrong;
use super::super::print::Answer;
use super::find;
use crate::pki::{Certificate, Reason, inventory};
use crate::types::pem;

/// Which certificate is to count no more.
#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// Its SHA-256, in base64url as tokens name it or in hexadecimal, or its serial number.
    #[arg(value_name = "THUMBPRINT|SERIAL", required_unless_present = "file")]
    name: Option<String>,
    /// A file with it (PEM, DER or base64), known to us or not.
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    file: Option<PathBuf>,
    /// Why (RFC 5280 section 5.3.1).
    #[arg(long, value_name = "REASON", default_value = "unspecified", value_parser = reasons())]
    reason: String,
}

/// All but those of a hold, which ends again: what we revoke is revoked for ever.
fn reasons() -> PossibleValuesParser {
    let holds = [Reason::CertificateHold, Reason::RemoveFromCrl];
    let lasting = Reason::ALL.into_iter().filter(|reason| !holds.contains(reason));
    lasting.map(Reason::as_str).collect::<Vec<_>>().into()
}

/// Revokes it.
pub(super) async fn revoke(desk: &Desk, asked: &Revoke) -> anyhow::Result<Answer> {
    let reason = Reason::parse(&asked.reason).unwrap_or_default();
    let row = match (&asked.file, &asked.name) {
        (Some(file), _) => inventory::seen(&read(file)?, desk.now()),
        (None, Some(name)) => find(desk, name).await?.certificate,
        (None, None) => return Err(Wrong("say which certificate".to_owned()).into()),
    };
    let others = super::inventory(desk).revoke(&row, reason, &desk.trace).await?;
    let mut text = format!(
        "the certificate {} is revoked: it proves nobody any more, and tokens that are bound to it \
         count for nothing",
        row.thumbprint
    );
    if others > 0 {
        text.push_str(&format!("; with it end {others} others, of its key or issued by it"));
    }
    let json = json!({ "thumbprint": row.thumbprint, "reason": reason.as_str(), "revoked_with_it": others });
    Ok(Answer::line(text, json))
}

/// The first certificate of a file.
fn read(file: &Path) -> anyhow::Result<Certificate> {
    let found = pem::certificates(&desk::read_bytes(file)?)
        .map_err(|why| Wrong(format!("{} {why}", file.display())))?;
    let first = found.first().map(|der| der.as_ref()).unwrap_or_default();
    let read = Certificate::read(first, &[]);
    Ok(read.map_err(|why| Wrong(format!("{}: {why}", file.display())))?)
}
