//! `gatewright cert issue`: a certificate of the built-in CA.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::admin::{cert, client};
use crate::cli::context::Context;
use crate::cli::exit::Wrong;
use crate::cli::input;
use crate::cli::print::Output;
use crate::pki::pem;
use crate::pki::request::CertificationRequest;

/// `gatewright cert issue`
#[derive(Debug, Args)]
pub(in crate::cli) struct Issue {
    /// The client_id or name of the client.
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The PKCS #10 request, PEM or DER, or - for standard input.
    #[arg(long, value_name = "FILE")]
    csr: PathBuf,
}

impl Issue {
    /// Issues the certificate.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let request = CertificationRequest::parse(&input::read_bytes(&self.csr)?)
            .map_err(|why| Wrong(format!("{}: {why}", self.csr.display())))?;
        let call = context.call();
        let client = client::find(&call, &self.client).await?.id;
        let issued = cert::issue(&call, &client, &request).await?.result;
        let certificate = pem::certificate(&issued.certificate);
        let chain: String = issued.chain.iter().map(|one| pem::certificate(one)).collect();
        let text = format!("{certificate}{chain}").trim_end().to_owned();
        Ok(Output::line(
            text,
            json!({
                "client_id": issued.client_id,
                "thumbprint": issued.thumbprint.to_string(),
                "serial": issued.serial,
                "not_after": issued.not_after,
                "certificate": certificate,
                "chain": chain,
            }),
        ))
    }
}
