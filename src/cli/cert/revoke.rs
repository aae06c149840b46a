//! `gatewright cert revoke`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;

use crate::admin::cert;
use crate::cli::context::Context;
use crate::cli::exit::Wrong;
use crate::cli::input;
use crate::cli::print::Output;
use crate::pki::{Certificate, Reason};
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

impl Revoke {
    /// Revokes the certificate.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        let reason = Reason::parse(&self.reason).unwrap_or_default();
        let row = match (&self.file, &self.name) {
            (Some(file), _) => cert::row_of(&call, &read(file)?),
            (None, Some(name)) => cert::find(&call, name).await?.certificate,
            (None, None) => return Err(Wrong("no certificate is named".to_owned()).into()),
        };
        let others = cert::revoke(&call, &row, reason).await?.result;
        let mut text = format!(
            "revoked certificate {}; it no longer authenticates clients, and tokens bound to it are rejected",
            row.thumbprint
        );
        if others > 0 {
            text.push_str(&format!(
                "; also revoked {others} certificates of its key or issued by it"
            ));
        }
        Ok(Output::line(
            text,
            json!({ "thumbprint": row.thumbprint, "reason": reason.as_str(), "revoked_with_it": others }),
        ))
    }
}

/// The first certificate of a file.
fn read(file: &Path) -> Result<Certificate> {
    let found = pem::certificates(&input::read_bytes(file)?)
        .map_err(|why| Wrong(format!("{} {why}", file.display())))?;
    let first = found.first().map(|der| der.as_ref()).unwrap_or_default();
    let read = Certificate::parse(first, &[]);
    Ok(read.map_err(|why| Wrong(format!("{}: {why}", file.display())))?)
}
