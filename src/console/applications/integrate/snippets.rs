//! Settings of common libraries, filled with the values of a client. `docs/integration.md` has the same, tested.
//!
//! Values are written as JSON strings, which YAML, TOML and JavaScript read too, and quoted for shells.

use super::super::kind::Kind;
use crate::types::Client;
use crate::types::client::AuthMethod;

/// The settings of a library.
#[derive(Debug)]
pub(super) struct Snippet {
    /// The library.
    pub(super) name: &'static str,
    /// The file, if it has one.
    pub(super) file: &'static str,
    /// The text.
    pub(super) text: String,
}

/// What snippets are filled with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registration<'a> {
    /// The client.
    pub(super) client: &'a Client,
    /// The issuer.
    pub(super) issuer: &'a str,
    /// The token endpoint.
    pub(super) token: &'a str,
}

/// The snippets that fit a client.
pub(super) fn snippets(registration: &Registration<'_>) -> Vec<Snippet> {
    match Kind::of(&registration.client.metadata) {
        Kind::WebServer => {
            vec![registration.spring(), registration.auth_js(), registration.oauth2_proxy()]
        }
        Kind::SinglePage => vec![registration.oidc_client_ts()],
        Kind::Native => Vec::new(),
        Kind::Service => vec![registration.curl()],
    }
}

impl Registration<'_> {
    fn spring(&self) -> Snippet {
        let scope = self.scopes().join(",");
        let method = match self.method() {
            AuthMethod::ClientSecretPost => {
                "\n            client-authentication-method: client_secret_post"
            }
            AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretJwt
            | AuthMethod::PrivateKeyJwt
            | AuthMethod::TlsClientAuth
            | AuthMethod::SelfSignedTlsClientAuth
            | AuthMethod::None => "",
        };
        let text = format!(
            "spring:
  security:
    oauth2:
      client:
        provider:
          gatewright:
            issuer-uri: {issuer}
            user-name-attribute: sub
        registration:
          gatewright:
            client-id: {id}
            client-secret: ${{CLIENT_SECRET}}
            redirect-uri: {redirect}
            scope: {scope}{method}
",
            issuer = quoted(self.issuer),
            id = quoted(self.client.id.as_str()),
            redirect = quoted(self.redirect_uri()),
            scope = quoted(&scope),
        );
        Snippet { name: "Spring Boot", file: "application.yml", text }
    }

    fn auth_js(&self) -> Snippet {
        let method = match self.method() {
            AuthMethod::ClientSecretPost => {
                "\n  client: { token_endpoint_auth_method: 'client_secret_post' },"
            }
            AuthMethod::ClientSecretBasic
            | AuthMethod::ClientSecretJwt
            | AuthMethod::PrivateKeyJwt
            | AuthMethod::TlsClientAuth
            | AuthMethod::SelfSignedTlsClientAuth
            | AuthMethod::None => "",
        };
        let text = format!(
            "const gatewright = {{
  id: 'gatewright',
  name: 'Gatewright',
  type: 'oidc',
  issuer: {issuer},
  clientId: {id},
  clientSecret: process.env.CLIENT_SECRET,
  authorization: {{ params: {{ scope: {scope} }} }},
  checks: ['pkce', 'state', 'nonce'],
  idToken: false, // read names from userinfo{method}
}}
",
            issuer = quoted(self.issuer),
            id = quoted(self.client.id.as_str()),
            scope = quoted(&self.scopes().join(" ")),
        );
        Snippet { name: "Auth.js", file: "auth.js", text }
    }

    fn oauth2_proxy(&self) -> Snippet {
        let text = format!(
            "provider = \"oidc\"
oidc_issuer_url = {issuer}
client_id = {id}
client_secret_file = \"/etc/oauth2-proxy/client-secret\"
redirect_url = {redirect}
scope = {scope}
code_challenge_method = \"S256\"
email_domains = [\"*\"]
",
            issuer = quoted(self.issuer),
            id = quoted(self.client.id.as_str()),
            redirect = quoted(self.redirect_uri()),
            scope = quoted(&self.scopes().join(" ")),
        );
        Snippet { name: "oauth2-proxy", file: "oauth2-proxy.cfg", text }
    }

    fn oidc_client_ts(&self) -> Snippet {
        let text = format!(
            "const users = new UserManager({{
  authority: {issuer},
  client_id: {id},
  redirect_uri: {redirect},
  scope: {scope},
  loadUserInfo: true, // the ID token has no names by default
}})
",
            issuer = quoted(self.issuer),
            id = quoted(self.client.id.as_str()),
            redirect = quoted(self.redirect_uri()),
            scope = quoted(&self.scopes().join(" ")),
        );
        Snippet { name: "oidc-client-ts", file: "", text }
    }

    fn curl(&self) -> Snippet {
        let id = self.client.id.as_str();
        let authentication = match self.method() {
            AuthMethod::ClientSecretBasic => format!("--user {}", shell(id)),
            AuthMethod::ClientSecretPost => format!(
                "--data-urlencode {} \\\n  --data-urlencode client_secret@client-secret.txt",
                shell(&format!("client_id={id}"))
            ),
            AuthMethod::ClientSecretJwt | AuthMethod::PrivateKeyJwt => format!(
                "--data-urlencode {} \\\n  --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n  --data-urlencode client_assertion@assertion.jwt",
                shell(&format!("client_id={id}"))
            ),
            AuthMethod::TlsClientAuth | AuthMethod::SelfSignedTlsClientAuth | AuthMethod::None => {
                format!(
                    "--cert client.pem --key client.key \\\n  --data-urlencode {}",
                    shell(&format!("client_id={id}"))
                )
            }
        };
        let mut text = format!(
            "curl {token} \\\n  {authentication} \\\n  --data grant_type=client_credentials",
            token = shell(self.token),
        );
        if !self.scopes().is_empty() {
            let scope = shell(&format!("scope={}", self.scopes().join(" ")));
            text.push_str(&format!(" \\\n  --data-urlencode {scope}"));
        }
        if let Some(resource) = self.client.metadata.gw_allowed_resources.first() {
            let resource = shell(&format!("resource={resource}"));
            text.push_str(&format!(" \\\n  --data-urlencode {resource}"));
        }
        text.push('\n');
        Snippet { name: "curl", file: "", text }
    }

    const fn method(&self) -> AuthMethod {
        self.client.metadata.token_endpoint_auth_method
    }

    fn scopes(&self) -> Vec<&str> {
        let scope = self.client.metadata.scope.split(' ');
        scope.filter(|token| !token.is_empty()).collect()
    }

    fn redirect_uri(&self) -> &str {
        self.client.metadata.redirect_uris.first().map(String::as_str).unwrap_or_default()
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A word of a shell.
fn shell(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/=@".contains(&byte);
    if text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn client(metadata: serde_json::Value) -> Client {
        Client {
            id: crate::types::ClientId::from_text("photos"),
            metadata: serde_json::from_value(metadata).unwrap(),
            secrets: Vec::new(),
            created_at: crate::types::Timestamp(0),
            disabled_at: None,
            ended_at: None,
            version: 1,
        }
    }

    fn texts(client: &Client) -> Vec<String> {
        let token = "https://id.example/token";
        let registration = Registration { client, issuer: "https://id.example", token };
        snippets(&registration).into_iter().map(|snippet| snippet.text).collect()
    }

    /// THREATS UI-08: a registered value cannot add a line of configuration or a command.
    #[test]
    fn values_are_quoted_for_their_language() {
        let web = client(json!({ "redirect_uris": ["https://a.example/cb?x='${HOME}'"] }));
        for text in texts(&web).iter().filter(|text| text.contains("a.example")) {
            assert!(text.contains(r#""https://a.example/cb?x='${HOME}'""#), "{text}");
        }
        let service = client(json!({
            "grant_types": ["client_credentials"],
            "scope": "it's $(reboot)",
        }));
        let [curl] = &texts(&service)[..] else { panic!() };
        assert!(curl.contains(r"'scope=it'\''s $(reboot)'"), "{curl}");
    }

    #[test]
    fn a_service_gets_the_command_for_its_authentication() {
        let service = |method: &str| {
            let metadata = json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": method, "scope": "" });
            texts(&client(metadata)).concat()
        };

        assert!(service("client_secret_basic").contains("--user photos"));
        assert!(service("client_secret_post").contains("client_secret@client-secret.txt"));
        assert!(service("private_key_jwt").contains("client_assertion@assertion.jwt"));
        assert!(service("tls_client_auth").contains("--cert client.pem"));
    }
}
