//! The summary that the demo prints once it runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::api;
use super::certificates::Certificates;
use super::fixtures::{API, APPLICATION, OWNER, PEOPLE};
use super::home::{Clients, Credentials, Secrets};

/// What the summary contains.
pub(super) struct Summary<'a> {
    pub(super) issuer: &'a str,
    pub(super) application: &'a str,
    pub(super) mtls: &'a str,
    pub(super) api: &'a str,
    pub(super) metrics: &'a str,
    /// Default ports that were in use, with their replacements.
    pub(super) moved: &'a [(u16, u16)],
    pub(super) certificates: &'a Certificates,
    pub(super) secrets: &'a Secrets,
    pub(super) clients: &'a Clients,
    pub(super) file: &'a Path,
}

impl Summary<'_> {
    /// As text.
    pub(super) fn text(&self) -> String {
        let Self { issuer, application, mtls, api, metrics, file, .. } = self;
        let file = file.display();
        format!(
            "\
Gatewright is running, reachable from this machine only.
{}
  {APPLICATION}   {application}   sign in here
  Server             {issuer}
  Account            {issuer}/account   the users' account page
  Console            {issuer}/admin   for administrators: sign in as {OWNER}
  Discovery          {issuer}/.well-known/openid-configuration
  Metrics            {metrics}
  Mutual TLS         {mtls}   for clients that authenticate with certificates
  API                {api}/invoices   verifies access tokens locally

Users, with their passwords:

{}
A service requests a token, an API introspects it, and the token is revoked. Try it in another terminal:

{}
Another service authenticates with a certificate, and its token is bound to that certificate. The API accepts the
token over a connection with the same certificate, and rejects it with another one:

{}
Passwords and secrets are in {file}, all other data beside it. The next start uses the same
data; --fresh deletes it and starts over. Ctrl-C stops it.
",
            self.moved(),
            self.people(),
            self.commands(),
            self.certified_commands(),
        )
    }

    /// The default ports that were replaced.
    fn moved(&self) -> String {
        let mut text = String::new();
        for (usual, taken) in self.moved {
            // Writing to a String does not fail.
            let _ =
                writeln!(text, "Port {usual} is in use by another program; using {taken} instead.");
        }
        text
    }

    fn people(&self) -> String {
        let mut text = String::new();
        for person in &PEOPLE {
            let password = self.secrets.people.get(person.username).map_or("", String::as_str);
            // Writing to a String does not fail.
            let _ = writeln!(
                text,
                "  {:<7} {password}   {}, {}",
                person.username,
                person.name(),
                person.email
            );
        }
        text
    }

    /// Commands for a POSIX shell.
    fn commands(&self) -> String {
        let issuer = self.issuer;
        let Credentials { client_id, client_secret } = &self.clients.service;
        format!(
            r#"  SERVICE='{client_id}:{client_secret}'
  TOKEN=$(curl -s -u "$SERVICE" {issuer}/token -d grant_type=client_credentials \
      -d scope=invoices.read -d resource={API} | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  echo "$TOKEN"
  curl -s -w '\n' -u "$SERVICE" {issuer}/introspect -d token="$TOKEN"
  curl -s -w '%{{http_code}}\n' -u "$SERVICE" {issuer}/revoke -d token="$TOKEN"
  curl -s -w '\n' -u "$SERVICE" {issuer}/introspect -d token="$TOKEN"
"#
        )
    }

    /// Commands with client certificates.
    fn certified_commands(&self) -> String {
        let Self { mtls, api, certificates, clients, .. } = self;
        // Absolute, because the other terminal has another working directory; quoted for the shell.
        let at = std::path::absolute(&certificates.0).unwrap_or_else(|_| certificates.0.clone());
        let at = at.display().to_string().replace('\'', r"'\''");
        let id = &clients.certified;
        format!(
            r#"  cd '{at}'
  TOKEN=$(curl -s --cacert localhost-ca.pem --cert service.pem --key service.key {mtls}/token \
      -d grant_type=client_credentials -d client_id={id} -d scope=invoices.read -d resource={API} \
      | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -s -w '\n' --cacert localhost-ca.pem --cert service.pem --key service.key \
      {api}/invoices -H "Authorization: Bearer $TOKEN"
  curl -i --cacert localhost-ca.pem --cert other.pem --key other.key \
      {api}/invoices -H "Authorization: Bearer $TOKEN"
"#
        )
    }

    /// As JSON.
    pub(super) fn json(&self) -> Value {
        json!({
            "issuer": self.issuer,
            "application": self.application,
            "console": format!("{}/admin", self.issuer),
            "people": self.secrets.people,
            "clients": self.clients,
            "resource": API,
            "mtls": self.mtls,
            "api": format!("{}{}", self.api, api::PATH),
            "metrics": self.metrics,
            "moved_ports": self.moved.iter().map(|(usual, taken)| (usual.to_string(), *taken)).collect::<BTreeMap<_, _>>(),
            "certificates": self.certificates.0,
            "secrets_file": self.file,
        })
    }
}
