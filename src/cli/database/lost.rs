//! Reads the log of the servers for revocations that a failover may have lost.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::database::Revoked;
use crate::cli::exit::Absent;
use crate::record::WITHDRAWAL;
use crate::types::{ClientId, GrantId, SessionId, Timestamp, UserId};

/// The longest line that is parsed; longer ones are not from a server.
const LONGEST: u64 = 1024 * 1024;

/// A logged revocation.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Lost {
    message: String,
    /// When, in Unix milliseconds.
    pub(super) at_ms: i64,
    /// The kind of the audit event.
    pub(super) kind: String,
    outcome: String,
    /// The client it concerns.
    pub(super) client_id: Option<String>,
    /// The user.
    pub(super) user_id: Option<String>,
    /// The session.
    pub(super) session_id: Option<String>,
    /// The grant.
    pub(super) grant_id: Option<String>,
    /// Further facts, as JSON.
    facts: String,
}

/// Reads the revocations of a period, in the order of the log.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn read(log: &Path, from: Timestamp, to: Timestamp) -> anyhow::Result<Vec<Lost>> {
    let input: Box<dyn Read> = if log == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(log)
            .map_err(|error| Absent(format!("{} cannot be read: {error}", log.display())))?;
        Box::new(file)
    };
    let lost = lines(BufReader::new(input), from, to);
    lost.with_context(|| format!("{} cannot be read", log.display()))
}

fn lines(mut input: impl BufRead, from: Timestamp, to: Timestamp) -> io::Result<Vec<Lost>> {
    let (mut all, mut line) = (Vec::<Lost>::new(), Vec::new());
    loop {
        line.clear();
        if (&mut input).take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(all);
        }
        // A log collector may have added a prefix to each line.
        let Some(start) = line.iter().position(|byte| *byte == b'{') else { continue };
        let json = line.get(start..).unwrap_or_default();
        let Ok(lost) = serde_json::from_slice::<Lost>(json) else { continue };
        let at = Timestamp(lost.at_ms.div_euclid(1000));
        let is_within = from <= at && at <= to;
        if lost.message == WITHDRAWAL && lost.outcome != "wrong" && is_within {
            all.push(lost);
        }
    }
}

impl Lost {
    fn fact(&self, name: &str) -> Option<String> {
        let facts: Value = serde_json::from_str(&self.facts).ok()?;
        facts.get(name)?.as_str().map(str::to_owned)
    }

    /// What can be revoked again automatically. An event that names a grant revoked it.
    pub(super) fn revoked(&self) -> Option<Revoked> {
        if let Some(grant) = &self.grant_id {
            return Some(Revoked::Grant(GrantId::from_text(grant)));
        }
        let user = || self.user_id.as_deref().map(UserId::from_text);
        if let Some(session) = &self.session_id
            && matches!(self.kind.as_str(), "sign_out" | "session.ended")
        {
            return Some(Revoked::Session(user()?, SessionId::from_text(session)));
        }
        if self.kind == "consent.withdrawn" {
            let client = ClientId::from_text(self.client_id.as_deref()?);
            return Some(Revoked::Consent(user()?, client));
        }
        if self.kind == "token.revoked" {
            return self.fact("jti").map(Revoked::Token);
        }
        None
    }

    /// The option or command that repeats it.
    pub(super) fn repeated_by(&self) -> String {
        if self.revoked().is_some() {
            return "--revoke".to_owned();
        }
        let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "…".to_owned());
        let (client, user) = (id(&self.client_id), id(&self.user_id));
        let fact = |name: &str| self.fact(name).unwrap_or_else(|| "…".to_owned());
        match self.kind.as_str() {
            "user.disabled" => format!("gatewright user disable {user}"),
            "user.deleted" => format!("gatewright user delete {user}"),
            "user.updated" => format!("gatewright user update {user} …"),
            "password.changed" | "session.ended" => {
                format!("gatewright user disable {user} && gatewright user enable {user}")
            }
            "client.disabled" => format!("gatewright client disable {client}"),
            "client.deleted" => format!("gatewright client delete {client}"),
            "client.updated" => format!("gatewright client update {client} …"),
            "client.secret_rotated" => format!("gatewright client rotate-secret {client}"),
            "resource.deleted" => format!("gatewright resource delete {}", fact("resource")),
            "key.retired" => format!("gatewright key retire {}", fact("kid")),
            "key.compromised" => format!("gatewright key retire {} --compromised", fact("kid")),
            "secret.compromised" | "grants.revoked" => {
                "gatewright key rotate --secrets --compromised".to_owned()
            }
            "certificate.revoked" => {
                let (thumbprint, reason) = (fact("thumbprint"), fact("reason"));
                format!("gatewright cert revoke {thumbprint} --reason {reason}")
            }
            other => format!("by hand: {other}"),
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "at_ms": self.at_ms,
            "kind": self.kind,
            "client_id": self.client_id,
            "user_id": self.user_id,
            "session_id": self.session_id,
            "grant_id": self.grant_id,
            "facts": serde_json::from_str::<Value>(&self.facts).unwrap_or_default(),
            "again": self.repeated_by(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"{"message":"listening","at_ms":1000}
docker | {"message":"taken away","at_ms":20000,"kind":"grant.revoked","outcome":"success","grant_id":"g","facts":"{}"}
not JSON
{"message":"taken away","at_ms":20000,"kind":"grant.revoked","outco
{"message":"another","at_ms":20000,"kind":"session.ended","outcome":"success","user_id":"u","session_id":"s","facts":"{}"}
{"message":"taken away","at_ms":9999,"kind":"grant.revoked","outcome":"success","grant_id":"before","facts":"{}"}
{"message":"taken away","at_ms":10000,"kind":"session.ended","outcome":"success","user_id":"u","session_id":"s","facts":"{}"}
{"message":"taken away","at_ms":31000,"kind":"grant.revoked","outcome":"success","grant_id":"after","facts":"{}"}
{"message":"taken away","at_ms":30999,"kind":"user.disabled","outcome":"success","user_id":"u","facts":"{}"}
{"message":"taken away","at_ms":20000,"kind":"password.changed","outcome":"wrong","user_id":"u","facts":"{}"}
{"message":"taken away","at_ms":20000,"kind":"token.revoked","outcome":"success","client_id":"c","facts":"{\"jti\":\"j\"}"}
{"message":"taken away","at_ms":20000,"kind":"consent.withdrawn","outcome":"success","client_id":"c","user_id":"u","facts":"{}"}
{"message":"taken away","at_ms":20000,"kind":"key.compromised","outcome":"success","facts":"{\"kid\":\"k\"}"}
{"message":"taken away","at_ms":20000,"kind":"session.ended","outcome":"success","user_id":"u","facts":"{\"ended\":3}"}"#;

    #[test]
    fn the_revocations_of_a_period_are_found_in_the_log() {
        let lost = lines(LOG.as_bytes(), Timestamp(10), Timestamp(30)).unwrap();

        let (user, client) = (UserId::from_text("u"), ClientId::from_text("c"));
        let expected = [
            (Some(Revoked::Grant(GrantId::from_text("g"))), "--revoke"),
            (Some(Revoked::Session(user.clone(), SessionId::from_text("s"))), "--revoke"),
            (None, "gatewright user disable u"),
            (Some(Revoked::Token("j".to_owned())), "--revoke"),
            (Some(Revoked::Consent(user, client)), "--revoke"),
            (None, "gatewright key retire k --compromised"),
            (None, "gatewright user disable u && gatewright user enable u"),
        ];
        let result: Vec<_> = lost.iter().map(|lost| (lost.revoked(), lost.repeated_by())).collect();
        assert_eq!(result, expected.map(|(revoked, again)| (revoked, again.to_owned())));
    }
}
