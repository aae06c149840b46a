//! What is printed when everything runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::api;
use super::cast::{API, APPLICATION, PEOPLE};
use super::certificates::Drawer;
use super::home::{Clients, Credentials, Secrets};

/// Everything that there is to say.
pub(super) struct Guide<'a> {
    pub(super) issuer: &'a str,
    pub(super) application: &'a str,
    pub(super) mtls: &'a str,
    pub(super) api: &'a str,
    pub(super) metrics: &'a str,
    /// Ports that were in use, each with the one that was taken in its place.
    pub(super) moved: &'a [(u16, u16)],
    pub(super) drawer: &'a Drawer,
    pub(super) secrets: &'a Secrets,
    pub(super) clients: &'a Clients,
    pub(super) file: &'a Path,
}

impl Guide<'_> {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { issuer, application, mtls, api, metrics, file, .. } = self;
        let file = file.display();
        format!(
            "\
Gatewright runs, for this machine alone.
{}
  {APPLICATION}   {application}   sign in here
  Server             {issuer}   where people are signed in
  Account            {issuer}/account   what people see of themselves
  Discovery          {issuer}/.well-known/openid-configuration
  Metrics            {metrics}
  Certificates       {mtls}   where services prove themselves with theirs
  API                {api}/invoices   verifies tokens by itself

People, their passwords, and what else is known of them:

{}
A service fetches a token, an API asks what it is worth, and it is revoked. For another terminal:

{}
Another service proves itself with a certificate, to which its token is bound. The API takes it; over a
connection with the certificate of somebody else, or with none, it does not:

{}
Passwords and secrets are in {file}, everything else beside it. Start again, and it is all
still there; with --fresh, it starts over. Ctrl-C stops it.
",
            self.moved(),
            self.people(),
            self.commands(),
            self.certified_commands(),
        )
    }

    /// Which ports are others than usual.
    fn moved(&self) -> String {
        let mut text = String::new();
        for (usual, taken) in self.moved {
            // Writing to a String does not fail.
            let _ =
                writeln!(text, "Port {usual} is in use by another program; this is at {taken}.");
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

    /// Commands with certificates.
    fn certified_commands(&self) -> String {
        let Self { mtls, api, drawer, clients, .. } = self;
        // From wherever that other terminal is, and whatever is in the path.
        let at = std::path::absolute(&drawer.0).unwrap_or_else(|_| drawer.0.clone());
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

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "issuer": self.issuer,
            "application": self.application,
            "people": self.secrets.people,
            "clients": self.clients,
            "resource": API,
            "mtls": self.mtls,
            "api": format!("{}{}", self.api, api::PATH),
            "metrics": self.metrics,
            "moved_ports": self.moved.iter().map(|(usual, taken)| (usual.to_string(), *taken)).collect::<BTreeMap<_, _>>(),
            "certificates": self.drawer.0,
            "secrets_file": self.file,
        })
    }
}
