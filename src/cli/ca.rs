//! `gatewright ca`: our own authority for client certificates.

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
use super::print::Answer;
use crate::flow::kek;
use crate::jose::Kek;
use crate::pki::authority::{Authority, Given, name, split};
use crate::pki::{Certificate, pem};
use crate::store::authorities::{self, AuthorityRow};
use crate::store::certificates::{self, Revoked};
use crate::types::{self, Seconds, Thumbprint};

/// What can be done with the authority.
#[derive(Debug, Subcommand)]
pub(super) enum CaCommand {
    /// Make the authority: a root and an issuing certificate, or one that another authority has issued.
    #[command(after_help = "\
Examples:
  gatewright ca init
  gatewright ca export-root-key --out root.key --remove

  gatewright ca init --intermediate issuing.pem --key issuing.key --chain company-root.pem

The keys are on P-256 and are sealed in the database. An imported certificate needs CA:TRUE, keyCertSign and
cRLSign; its key is PKCS #8 as PEM (openssl pkcs8 -topk8 -nocrypt makes it so) and stays where it is, too.")]
    Init(Init),
    /// Put a new issuing certificate in the place of the present one, which counts until it expires.
    #[command(after_help = "\
Examples:
  gatewright ca renew
  gatewright ca renew --root-key root.key
  gatewright ca renew --intermediate issuing-2.pem --key issuing-2.key --chain company-root.pem")]
    Renew(Renew),
    /// List the certificates of the authority.
    #[command(after_help = "\
Examples:
  gatewright ca list
  gatewright --json ca list | jq -r '.[] | select(.is_root) | .certificate' > root.pem")]
    List,
    /// Print the present issuing certificate, or another one, and what stands above it.
    #[command(after_help = "\
Examples:
  gatewright ca show > ca.pem
  gatewright --json ca show | jq -r .crl")]
    Show(Show),
    /// Write the key of the root into a file, to be kept where no network leads to.
    #[command(after_help = "\
Examples:
  gatewright ca export-root-key --out /media/safe/root.key
  gatewright ca export-root-key --out /media/safe/root.key --remove

With --remove it is not here any more: the issuing certificate goes on issuing, and ca renew asks for
--root-key. Backups of the database that were made before still hold it, sealed.")]
    ExportRootKey(ExportRootKey),
    /// Make a token with which a client enrols once, over EST; it is printed once.
    #[command(after_help = "\
Examples:
  gatewright ca enrol --client 0198c2f0-5a3e-7d10-8b1e-3f2a9c4d5e6f
  gatewright --json ca enrol --client 0198c2f0-… --valid 15m | jq -r .token

The machine then asks with its request (docs/certificates.md shows all of it):
  curl -u 0198c2f0-…:gw_en_… --data-binary @client.b64 -H 'Content-Type: application/pkcs10' \\
      https://id.example.org/.well-known/est/simpleenroll")]
    Enrol(Enrol),
}

/// What another authority has issued; nothing: both certificates are made here.
#[derive(Debug, Args)]
pub(super) struct Imported {
    /// The issuing certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "key")]
    intermediate: Option<PathBuf>,
    /// Its private key, PKCS #8 as PEM.
    #[arg(long, value_name = "FILE", requires = "intermediate")]
    key: Option<PathBuf>,
    /// What stands above it, nearest first, as PEM.
    #[arg(long, value_name = "FILE", requires = "intermediate")]
    chain: Option<PathBuf>,
}

/// A new authority.
#[derive(Debug, Args)]
pub(super) struct Init {
    #[command(flatten)]
    imported: Imported,
}

/// A new issuing certificate.
#[derive(Debug, Args)]
pub(super) struct Renew {
    #[command(flatten)]
    imported: Imported,
    /// The key of the root, where it is not kept here: PKCS #8 as PEM.
    #[arg(long, value_name = "FILE", conflicts_with = "intermediate")]
    root_key: Option<PathBuf>,
}

/// Which certificate of the authority.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// Its identifier, as ca list shows it.
    id: Option<String>,
}

/// Where the key goes.
#[derive(Debug, Args)]
pub(super) struct ExportRootKey {
    /// A file that is not there yet; nobody but its owner will be able to read it.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Keep it here no longer.
    #[arg(long)]
    remove: bool,
}

/// Who may enrol.
#[derive(Debug, Args)]
pub(super) struct Enrol {
    /// The client_id or the name of the client.
    #[arg(long, value_name = "ID")]
    client: String,
    /// How long the token waits to be used: 30s, 15m, 1h, 7d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = cert::length)]
    valid: Seconds,
}

impl CaCommand {
    /// Does what was asked.
    pub(super) async fn run(self, desk: &Desk) -> anyhow::Result<Answer> {
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

fn authority<'a>(desk: &'a Desk, kek: &'a Kek) -> Authority<'a> {
    Authority { store: &desk.store, kek, config: &desk.config, trace: &desk.trace }
}

impl Imported {
    fn read(&self) -> anyhow::Result<Option<Given>> {
        let (Some(intermediate), Some(key)) = (&self.intermediate, &self.key) else {
            return Ok(None);
        };
        let mut found = certificates(intermediate)?.into_iter();
        let nothing = || Wrong(format!("{} holds no certificate", intermediate.display()));
        let certificate = found.next().ok_or_else(nothing)?;
        let mut chain: Vec<_> = found.collect();
        if let Some(file) = &self.chain {
            chain.extend(certificates(file)?);
        }
        Ok(Some(Given { certificate, chain, key: private_key(key)? }))
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
            "{} holds a key in an older form than PKCS #8: openssl pkcs8 -topk8 -nocrypt -in KEY makes it so",
            file.display()
        ))
        .into()),
    }
}

/// The file is there before the key is gone from here.
async fn export(authority: &Authority<'_>, wish: &ExportRootKey) -> anyhow::Result<Answer> {
    let path = &wish.out;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // Before the key is given out: where no file can be, nothing has happened.
    let mut file = options
        .open(path)
        .map_err(|error| Wrong(format!("{} cannot be made: {error}", path.display())))?;
    let written = match authority.export_root_key().await {
        Ok(key) => file
            .write_all(pem::private_key(&key).as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_entry(path))
            .with_context(|| format!("{} cannot be written", path.display())),
        Err(error) => Err(error.into()),
    };
    if let Err(error) = written {
        // An empty or a half file is of no use to anybody.
        let _ = std::fs::remove_file(path);
        return Err(error);
    }
    let mut text = format!("the key of the root is in {}", path.display());
    if wish.remove {
        authority.remove_root_key().await?;
        text.push_str(", and not here any more");
    }
    Ok(Answer::line(text, json!({ "file": path, "removed": wish.remove })))
}

/// A file outlives a loss of power when the directory that names it does.
fn sync_entry(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

async fn enrol(desk: &Desk, authority: &Authority<'_>, wish: Enrol) -> anyhow::Result<Answer> {
    let client = named::client(desk, &wish.client).await?.id;
    let token = authority.invite(&client, wish.valid).await?;
    let expires_at = authority.trace.now() + wish.valid;
    // The one place where an enrolment token leaves the house.
    let token = token.0.expose();
    Ok(Answer::line(
        token,
        json!({ "client_id": client, "token": token, "expires_at": expires_at }),
    ))
}

async fn list(desk: &Desk) -> anyhow::Result<Answer> {
    let all = authorities::all(desk.store.db()).await?;
    let revoked = certificates::revoked(desk.store.db()).await?;
    let rows: Vec<_> = all
        .iter()
        .map(|row| {
            vec![
                row.id.clone(),
                name(&row.certificate),
                if row.is_root { "root" } else { "issuing" }.to_owned(),
                state(row, &revoked, desk).to_owned(),
                row.not_after.to_string(),
                if row.sealed.is_some() { "here" } else { "elsewhere" }.to_owned(),
            ]
        })
        .collect();
    let headings = ["ID", "SUBJECT", "KIND", "STATE", "UNTIL", "KEY"];
    let none = "there is no authority: gatewright ca init makes one";
    Ok(Answer::table(
        &headings,
        &rows,
        none,
        all.iter().map(|row| in_json(row, &revoked, desk)).collect(),
    ))
}

async fn show(desk: &Desk, id: Option<&str>) -> anyhow::Result<Answer> {
    let found = match id {
        Some(id) => authorities::find(desk.store.db(), id).await?,
        None => authorities::present(desk.store.db(), false).await?,
    };
    let row = found.ok_or_else(|| match id {
        Some(id) => Absent(format!("the authority has no certificate {id}: gatewright ca list")),
        None => Absent("there is no authority: gatewright ca init makes one".to_owned()),
    })?;
    let text = format!("{}{}", pem::certificate(&row.certificate), chain(&row));
    let revoked = certificates::revoked(desk.store.db()).await?;
    Ok(Answer::line(text.trim_end(), in_json(&row, &revoked, desk)))
}

fn chain(row: &AuthorityRow) -> String {
    split(&row.chain).iter().map(|one| pem::certificate(one)).collect()
}

fn state(row: &AuthorityRow, revoked: &Revoked, desk: &Desk) -> &'static str {
    let read = Certificate::read(&row.certificate, &[]);
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
        "subject": name(&row.certificate),
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
