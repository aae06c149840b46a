//! `gatewright cert issue`: a certificate of the built-in CA.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::desk::{self, Desk};
use crate::cli::exit::Wrong;
use crate::cli::named;
use crate::cli::print::Output;
use crate::flow::keys::kek;
use crate::pki::ca::BuiltInCa;
use crate::pki::issue::Right;
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
    pub(in crate::cli) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
        let request = CertificationRequest::parse(&desk::read_bytes(&self.csr)?)
            .map_err(|why| Wrong(format!("{}: {why}", self.csr.display())))?;
        let kek = kek::open(&desk.config.keys, &desk.store).await?;
        let authority = BuiltInCa { context: desk.context(), kek: &kek };
        let client = named::client(desk, &self.client).await?.id;
        let issued = authority.issue(Some(&client), &request, Right::Proven).await?;
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
