//! `gatewright ca`: the built-in CA for client certificates.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::cert;
use super::desk::{self, Desk};
use super::exit::{Absent, Wrong};
use super::named;
use super::print::Output;
use crate::flow::keys::kek;
use crate::jose::Kek;
use crate::pki::ca::{BuiltInCa, ImportedCa, split_chain, subject_text};
use crate::pki::{Certificate, pem};
use crate::store::authorities::{self, AuthorityRow};
use crate::store::certificates::{self, Revoked};
use crate::types::{self, Seconds, Thumbprint};

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
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Output> {
        match self {
            Self::List => return list(desk).await,
            Self::Show(which) => return show(desk, which.id.as_deref()).await,
            Self::Init(_) | Self::Renew(_) | Self::ExportRootKey(_) | Self::Enrol(_) => {}
        }
        let kek = kek::open(&desk.config.keys, &desk.store).await?;
        let authority = authority(desk, &kek);
        match self {
            Self::Init(Init { imported }) => {
                match imported.read()? {
                    Some(given) => authority.import(&given).await?,
                    None => authority.init().await?,
                }
                list(desk).await
            }
            Self::Renew(Renew { imported, root_key }) => {
                match imported.read()? {
                    Some(given) => authority.renew_by(&given).await?,
                    None => {
                        let root_key = root_key.as_deref().map(private_key).transpose()?;
                        authority.renew(root_key.as_ref().map(|key| key.as_slice())).await?;
                    }
                }
                list(desk).await
            }
            Self::ExportRootKey(wish) => export(&authority, &wish).await,
            Self::Enrol(wish) => enrol(desk, &authority, wish).await,
            Self::List | Self::Show(_) => list(desk).await,
        }
    }
}

fn authority<'a>(desk: &'a Desk, kek: &'a Kek) -> BuiltInCa<'a> {
    BuiltInCa { context: desk.context(), kek }
}

impl Imported {
    fn read(&self) -> anyhow::Result<Option<ImportedCa>> {
        let (Some(intermediate), Some(key)) = (&self.intermediate, &self.key) else {
            return Ok(None);
        };
        let mut found = certificates(intermediate)?.into_iter();
        let nothing = || Wrong(format!("{} contains no certificate", intermediate.display()));
        let certificate = found.next().ok_or_else(nothing)?;
        let mut chain: Vec<_> = found.collect();
        if let Some(file) = &self.chain {
            chain.extend(certificates(file)?);
        }
        Ok(Some(ImportedCa { certificate, chain, key: private_key(key)? }))
    }
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = types::pem::certificates(&desk::read_bytes(file)?);
    Ok(read.map_err(|why| Wrong(format!("{} {why}", file.display())))?)
}

fn private_key(file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let read = types::pem::private_key(&desk::read_bytes(file)?);
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
async fn export(authority: &BuiltInCa<'_>, wish: &ExportRootKey) -> anyhow::Result<Output> {
    let path = &wish.out;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Before the key is exported: if the file cannot be created, nothing has happened.
    let mut file = options
        .open(path)
        .map_err(|error| Wrong(format!("cannot create {}: {error}", path.display())))?;
    let written = match authority.export_root_key().await {
        Ok(key) => file
            .write_all(pem::private_key(&key).as_bytes())
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
    if wish.remove {
        authority.remove_root_key().await?;
        text.push_str(" and deleted it from the database");
    }
    Ok(Output::line(text, json!({ "file": path, "removed": wish.remove })))
}

/// Syncs the directory entry, so that the file survives a power failure.
fn sync_entry(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

async fn enrol(desk: &Desk, authority: &BuiltInCa<'_>, wish: Enrol) -> anyhow::Result<Output> {
    let client = named::client(desk, &wish.client).await?.id;
    let token = authority.create_enrolment_token(&client, wish.valid).await?;
    let expires_at = authority.trace.now() + wish.valid;
    // No other command prints enrolment tokens.
    let token = token.0.expose();
    Ok(Output::line(
        token,
        json!({ "client_id": client, "token": token, "expires_at": expires_at }),
    ))
}

async fn list(desk: &Desk) -> anyhow::Result<Output> {
    let all = authorities::all(desk.store.db()).await?;
    let revoked = certificates::revoked(desk.store.db()).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|row| {
            vec![
                row.id.clone(),
                subject_text(&row.certificate),
                if row.is_root { "root" } else { "issuing" }.to_owned(),
                state(row, &revoked, desk).to_owned(),
                row.not_after.to_string(),
                if row.sealed.is_some() { "stored" } else { "external" }.to_owned(),
            ]
        })
        .collect();
    let headings = ["ID", "SUBJECT", "KIND", "STATE", "UNTIL", "KEY"];
    let none = "there is no built-in CA; create it with gatewright ca init";
    Ok(Output::table(
        &headings,
        &rows,
        none,
        all.iter().map(|row| in_json(row, &revoked, desk)).collect(),
    ))
}

async fn show(desk: &Desk, id: Option<&str>) -> anyhow::Result<Output> {
    let found = match id {
        Some(id) => authorities::find(desk.store.db(), id).await?,
        None => authorities::current(desk.store.db(), false).await?,
    };
    let row = found.ok_or_else(|| match id {
        Some(id) => Absent(format!("the built-in CA has no certificate {id}: gatewright ca list")),
        None => Absent("there is no built-in CA; create it with gatewright ca init".to_owned()),
    })?;
    let text = format!("{}{}", pem::certificate(&row.certificate), chain(&row));
    let revoked = certificates::revoked(desk.store.db()).await?;
    Ok(Output::line(text.trim_end(), in_json(&row, &revoked, desk)))
}

fn chain(row: &AuthorityRow) -> String {
    split_chain(&row.chain).iter().map(|one| pem::certificate(one)).collect()
}

fn state(row: &AuthorityRow, revoked: &Revoked, desk: &Desk) -> &'static str {
    let read = Certificate::parse(&row.certificate, &[]);
    if read.is_ok_and(|one| revoked.has(one.thumbprint, one.public_key)) {
        "revoked"
    } else if row.not_after < desk.now() {
        "expired"
    } else if row.superseded_at.is_some() {
        "superseded"
    } else {
        "present"
    }
}

fn in_json(row: &AuthorityRow, revoked: &Revoked, desk: &Desk) -> Value {
    let below = |path: &str| {
        (!row.is_root).then(|| format!("{}/{}", desk.config.issuer.endpoint(path), row.id))
    };
    json!({
        "id": row.id,
        "subject": subject_text(&row.certificate),
        "is_root": row.is_root,
        "state": state(row, revoked, desk),
        "thumbprint": Thumbprint::of(&row.certificate).to_string(),
        "not_after": row.not_after,
        "created_at": row.created_at,
        "superseded_at": row.superseded_at,
        "has_key": row.sealed.is_some(),
        "certificate": pem::certificate(&row.certificate),
        "chain": chain(row),
        "crl": below("/ca/crl"),
        "address": below("/ca/certificate"),
    })
}
