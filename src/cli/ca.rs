//! `gatewright ca`: the built-in CA for client certificates.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use zeroize::Zeroizing;

use super::cert;
use super::context::Context;
use super::exit::Wrong;
use super::input;
use super::print::Output;
use crate::admin::ca::{self, CaCertificate, ImportedCa, Renewal};
use crate::admin::client;
use crate::pki::pem;
use crate::types::{self, Seconds};

/// `gatewright ca …`
#[derive(Debug, Subcommand)]
pub(super) enum CaCommand {
    /// Create the built-in CA: a root and an issuing CA, or an issuing CA certified by another CA.
    #[command(after_help = "\
Examples:
  gatewright ca init
  gatewright ca export-root-key --out root.key --remove

  gatewright ca init --intermediate issuing.pem --key issuing.key --chain company-root.pem

Keys are on P-256 and encrypted in the database. An imported certificate needs CA:TRUE, keyCertSign and
cRLSign. Its key is read from a PKCS #8 PEM file (openssl pkcs8 -topk8 -nocrypt converts others); the file
itself is not deleted.")]
    Init(Init),
    /// Replace the issuing CA certificate. The previous one stays valid until it expires.
    #[command(after_help = "\
Examples:
  gatewright ca renew
  gatewright ca renew --root-key root.key
  gatewright ca renew --intermediate issuing-2.pem --key issuing-2.key --chain company-root.pem")]
    Renew(Renew),
    /// List the certificates of the built-in CA.
    #[command(after_help = "\
Examples:
  gatewright ca list
  gatewright --json ca list | jq -r '.[] | select(.is_root) | .certificate' > root.pem")]
    List,
    /// Print the current issuing CA certificate, or the one named, with its chain, as PEM.
    #[command(after_help = "\
Examples:
  gatewright ca show > ca.pem
  gatewright --json ca show | jq -r .crl")]
    Show(Show),
    /// Export the private key of the root CA to a file, for offline storage.
    #[command(after_help = "\
Examples:
  gatewright ca export-root-key --out /media/safe/root.key
  gatewright ca export-root-key --out /media/safe/root.key --remove

--remove then deletes the key from the database: the issuing CA continues to work, and ca renew needs
--root-key. Earlier backups of the database still contain the encrypted key.")]
    ExportRootKey(ExportRootKey),
    /// Create a one-time token for a client to enrol over EST; it is printed once.
    #[command(after_help = "\
Examples:
  gatewright ca enrol --client 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright --json ca enrol --client 0198c2f0-… --valid 15m | jq -r .token

The client then enrols with a certification request (see docs/certificates.md):
  curl -u 0198c2f0-…:gw_en_… --data-binary @client.b64 -H 'Content-Type: application/pkcs10' \\
      https://id.example.org/.well-known/est/simpleenroll")]
    Enrol(Enrol),
}

/// An issuing CA certified by another CA. Without these options, root and issuing CA are created here.
#[derive(Debug, Args)]
pub(super) struct Imported {
    /// The issuing CA certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires = "key")]
    intermediate: Option<PathBuf>,
    /// Its private key, a PKCS #8 PEM file.
    #[arg(long, value_name = "FILE", requires = "intermediate")]
    key: Option<PathBuf>,
    /// The CA certificates above it, nearest first, a PEM file.
    #[arg(long, value_name = "FILE", requires = "intermediate")]
    chain: Option<PathBuf>,
}

/// `gatewright ca init`
#[derive(Debug, Args)]
pub(super) struct Init {
    #[command(flatten)]
    imported: Imported,
}

/// `gatewright ca renew`
#[derive(Debug, Args)]
pub(super) struct Renew {
    #[command(flatten)]
    imported: Imported,
    /// The private key of the root CA, if it is not in the database: a PKCS #8 PEM file.
    #[arg(long, value_name = "FILE", conflicts_with = "intermediate")]
    root_key: Option<PathBuf>,
}

/// `gatewright ca show`
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The identifier of the CA certificate, from gatewright ca list.
    id: Option<String>,
}

/// `gatewright ca export-root-key`
#[derive(Debug, Args)]
pub(super) struct ExportRootKey {
    /// The file to create, readable by its owner only; it must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Delete the key from the database after the export.
    #[arg(long)]
    remove: bool,
}

/// `gatewright ca enrol`
#[derive(Debug, Args)]
pub(super) struct Enrol {
    /// The client_id or name of the client.
    #[arg(long, value_name = "ID")]
    client: String,
    /// How long the token is valid: 30s, 15m, 1h, 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = cert::parse_duration)]
    valid: Seconds,
}

impl CaCommand {
    /// Runs the command.
    pub(super) async fn run(self, context: &Context) -> Result<Output> {
        let call = context.call();
        match self {
            Self::List => {}
            Self::Show(which) => return show(context, which.id.as_deref()).await,
            Self::Init(Init { imported }) => {
                ca::init(&call, imported.read()?.as_ref()).await?;
            }
            Self::Renew(Renew { imported, root_key }) => {
                let renewal = match (imported.read()?, root_key) {
                    (Some(imported), _) => Renewal::Imported(imported),
                    (None, Some(file)) => Renewal::RootKey(private_key(&file)?),
                    (None, None) => Renewal::Root,
                };
                ca::renew(&call, &renewal).await?;
            }
            Self::ExportRootKey(options) => return export(context, &options).await,
            Self::Enrol(options) => return enrol(context, &options).await,
        }
        list(context).await
    }
}

impl Imported {
    fn read(&self) -> Result<Option<ImportedCa>> {
        let (Some(intermediate), Some(key)) = (&self.intermediate, &self.key) else {
            return Ok(None);
        };
        let mut file = certificates(intermediate)?.into_iter();
        let nothing = || Wrong(format!("{} contains no certificate", intermediate.display()));
        let certificate = file.next().ok_or_else(nothing)?;
        let mut chain: Vec<_> = file.collect();
        if let Some(file) = &self.chain {
            chain.extend(certificates(file)?);
        }
        Ok(Some(ImportedCa { certificate, chain, key: private_key(key)? }))
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let read = types::pem::certificates(&input::read_bytes(file)?);
    Ok(read.map_err(|why| Wrong(format!("{} {why}", file.display())))?)
}

fn private_key(file: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let read = types::pem::private_key(&input::read_bytes(file)?);
    match read.map_err(|why| Wrong(format!("{} {why}", file.display())))? {
        PrivateKeyDer::Pkcs8(key) => Ok(Zeroizing::new(key.secret_pkcs8_der().to_vec())),
        PrivateKeyDer::Pkcs1(_) | PrivateKeyDer::Sec1(_) | _ => Err(Wrong(format!(
            "{} contains a key that is not PKCS #8: convert it with openssl pkcs8 -topk8 -nocrypt -in KEY",
            file.display()
        ))
        .into()),
    }
}

/// Writes the file completely before the key is deleted from the database.
async fn export(context: &Context, options: &ExportRootKey) -> Result<Output> {
    let path = &options.out;
    let mut creation = OpenOptions::new();
    creation.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut creation, 0o600);
    // Before the key is exported: if the file cannot be created, nothing has happened.
    let mut file = creation
        .open(path)
        .map_err(|error| Wrong(format!("cannot create {}: {error}", path.display())))?;
    let written = match ca::export_root_key(&context.call()).await {
        Ok(key) => file
            .write_all(pem::private_key(&key.result).as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_entry(path))
            .with_context(|| format!("{} cannot be written", path.display())),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = written {
        // Do not leave a partial file.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    let mut text = format!("exported the private key of the root CA to {}", path.display());
    if options.remove {
        ca::remove_root_key(&context.call()).await?;
        text.push_str(" and deleted it from the database");
    }
    Ok(Output::line(text, json!({ "file": path, "removed": options.remove })))
}

/// Syncs the directory entry, so that the file survives a power failure.
fn sync_entry(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

async fn enrol(context: &Context, options: &Enrol) -> Result<Output> {
    let call = context.call();
    let client = client::find(&call, &options.client).await?.id;
    let enrolment = ca::enrol(&call, &client, options.valid).await?.result;
    // No other command prints enrolment tokens.
    let token = enrolment.token.0.expose();
    Ok(Output::line(
        token,
        json!({ "client_id": client, "token": token, "expires_at": enrolment.expires_at }),
    ))
}

async fn list(context: &Context) -> Result<Output> {
    let all = ca::list(&context.call()).await?;
    let rows: Vec<_> = all.iter().map(cells).collect();
    let headings = ["ID", "SUBJECT", "KIND", "STATE", "UNTIL", "KEY"];
    let none = "there is no built-in CA; create it with gatewright ca init";
    let json = all.iter().map(CaCertificate::document).collect();
    Ok(Output::table(&headings, &rows, none, json))
}

fn cells(certificate: &CaCertificate) -> Vec<String> {
    let row = &certificate.row;
    vec![
        row.id.clone(),
        certificate.subject.clone(),
        if row.is_root { "root" } else { "issuing" }.to_owned(),
        certificate.state.to_owned(),
        row.not_after.to_string(),
        if row.sealed.is_some() { "stored" } else { "external" }.to_owned(),
    ]
}

async fn show(context: &Context, id: Option<&str>) -> Result<Output> {
    let certificate = ca::find(&context.call(), id).await?;
    let text = format!("{}{}", certificate.pem(), certificate.chain());
    Ok(Output::line(text.trim_end(), certificate.document()))
}
