//! The raw rates of the hardware and the libraries on one core, each measured in a process of its own on the core of the
//! server.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    ParsedPublicKey, RSA_PKCS1_SHA256, RsaKeyPair,
};
use clap::ValueEnum;
use gatewright::store::{ConnectionLimits, OpenMode, Store, sql};

use crate::server;

/// An operation whose rate bounds a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Limit {
    /// ES256 signatures.
    SignEs256,
    /// RS256 signatures.
    SignRs256,
    /// ES256 verifications, the key parsed once.
    VerifyEs256,
    /// Selects of one row by its key, through the driver.
    Select,
    /// Durable updates of one row by its key, through the driver.
    Commit,
    /// TLS handshakes with client certificates, the part of the server, by rustls without sockets.
    Handshake,
    /// argon2id at the cost of the configuration, the memory kept between hashes.
    Argon2,
}

impl Limit {
    /// Its rate a second on this core, measured now.
    ///
    /// # Errors
    /// When it cannot be measured.
    pub(crate) fn measure(self, config: &Path, core: &str, length: Duration) -> Result<f64> {
        let measured = Command::new("taskset")
            .args(["-c", core])
            .arg(std::env::current_exe()?)
            .arg("limit")
            .arg(self.to_possible_value().context("it has a name")?.get_name())
            .arg(config)
            .arg(length.as_secs_f64().to_string())
            .output()?;
        ensure!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
        Ok(String::from_utf8(measured.stdout)?.trim().parse()?)
    }
}

/// Measures one in this process and prints it.
///
/// # Errors
/// When it cannot be measured.
pub(crate) fn print(limit: Limit, config: &Path, seconds: f64) -> Result<()> {
    let length = Duration::from_secs_f64(seconds);
    // As long as the signed part of an access token.
    let message = [b'a'; 560];
    let rate = match limit {
        Limit::SignEs256 => {
            let random = SystemRandom::new();
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            repeat(length, || key.sign(&random, &message).map(|_| ()).map_err(Into::into))?
        }
        Limit::SignRs256 => {
            let random = SystemRandom::new();
            // Parsed from PKCS #8, as the server does: a key that was just generated signs at half the rate.
            let generated = RsaKeyPair::generate(KeySize::Rsa2048)?;
            let pkcs8: Pkcs8V1Der<'_> = generated.as_der()?;
            let key = RsaKeyPair::from_pkcs8(pkcs8.as_ref())?;
            let mut signature = vec![0; key.public_modulus_len()];
            repeat(length, || {
                Ok(key.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)?)
            })?
        }
        Limit::VerifyEs256 => {
            let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
            let signature = key.sign(&SystemRandom::new(), &message)?;
            let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key())?;
            repeat(length, || Ok(key.verify_sig(&message, signature.as_ref())?))?
        }
        Limit::Select | Limit::Commit => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(database(limit, config, length))?
        }
        Limit::Handshake => crate::certificates::handshakes(length)?,
        Limit::Argon2 => {
            let passwords = server::load(config)?.passwords;
            let params = argon2::Params::new(
                passwords.memory_kib,
                passwords.iterations,
                passwords.parallelism,
                None,
            )
            .map_err(anyhow::Error::msg)?;
            let mut memory = vec![argon2::Block::default(); params.block_count()];
            let argon2 =
                argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
            let mut out = [0; 32];
            repeat(length, || {
                let (password, salt) = (crate::seed::PASSWORD.as_bytes(), [7; 16]);
                argon2
                    .hash_password_into_with_memory(password, &salt, &mut out, &mut memory)
                    .map_err(anyhow::Error::msg)
            })?
        }
    };
    println!("{rate}");
    Ok(())
}

fn repeat(length: Duration, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    let mut count = 0.0;
    while begun.elapsed() < length {
        operation()?;
        count += 1.0;
    }
    Ok(count / begun.elapsed().as_secs_f64())
}

/// The database of a configuration, beside its server.
///
/// # Errors
/// When it cannot be opened.
pub(crate) async fn open(config: &Path) -> Result<Store> {
    let database = server::load(config)?.database;
    let limits = ConnectionLimits {
        connections: database.max_connections,
        acquire: Duration::from_secs(5),
        statement: Duration::from_secs(5),
        has_pooler: false,
    };
    Ok(Store::open(&database.url.0, &limits, OpenMode::Migrate).await?)
}

/// With as many concurrent tasks as there are connections to the server.
async fn database(limit: Limit, config: &Path, length: Duration) -> Result<f64> {
    let store = Arc::new(open(config).await?);
    let done = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..crate::CONNECTIONS {
        let (store, done) = (store.clone(), done.clone());
        tasks.spawn(async move {
            let mut turn = task;
            while begun.elapsed() < length {
                // Among the first thousand rows, which every database has.
                let id = format!("01970000-0000-7000-8000-{:012x}", turn * 31 % 1000);
                if limit == Limit::Commit {
                    sql("UPDATE bench SET n = n + 1 WHERE id = $1")
                        .bind(id)
                        .execute(store.db())
                        .await?;
                } else {
                    sql("SELECT id, n FROM bench WHERE id = $1")
                        .bind(id)
                        .fetch_one::<(String, i64)>(store.db())
                        .await?;
                }
                done.fetch_add(1, Ordering::Relaxed);
                turn += crate::CONNECTIONS;
            }
            Ok::<_, sqlx::Error>(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let rate = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    Ok(rate)
}
