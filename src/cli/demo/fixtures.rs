//! The data of the demo: users, clients and an API.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::json;

use super::home::{Clients, Credentials, Secrets};
use crate::app::App;
use crate::flow::clients::registration::Registrar;
use crate::flow::clients::resources;
use crate::people::account::{self, NewAccount};
use crate::people::claims;
use crate::record::Trace;
use crate::roles;
use crate::types::client::Metadata;
use crate::types::{Holder, Resource, Role, Secret, secret};

/// The application that users sign in to.
pub(super) const APPLICATION: &str = "Demo application";

/// The scopes that it requests.
pub(super) const SCOPES: [&str; 7] =
    ["openid", "profile", "email", "address", "phone", "invoices.read", "invoices.write"];

/// The services that authenticate with certificates.
const CERTIFIED: &str = "Demo service with a certificate";
const OTHER: &str = "Another service with a certificate";

/// The API.
pub(super) const API: &str = "https://invoices.example/api";

/// A user of the demo.
pub(super) struct Person {
    pub(super) username: &'static str,
    pub(super) email: &'static str,
    email_verified: bool,
    claims: &'static [&'static str],
}

/// The user who administers the demo.
pub(super) const OWNER: &str = "owner";

/// All users of the demo.
pub(super) const PEOPLE: [Person; 4] = [
    Person {
        username: "ada",
        email: "ada.marlow@example.org",
        email_verified: true,
        claims: &[
            "name=Ada Marlow",
            "given_name=Ada",
            "family_name=Marlow",
            "birthdate=1985-12-10",
            "website=https://ada.example.org/",
            "zoneinfo=Europe/London",
            "locale=en-GB",
            "phone_number=+44 20 7946 0958",
            "phone_number_verified=true",
            "address.street_address=12 Weavers Row",
            "address.locality=London",
            "address.postal_code=E2 7RT",
            "address.country=United Kingdom",
        ],
    },
    Person {
        username: "lena",
        email: "lena.vogt@example.org",
        email_verified: false,
        claims: &[
            "name=Lena Vogt",
            "given_name=Lena",
            "family_name=Vogt",
            "birthdate=1992-07-03",
            "zoneinfo=Europe/Berlin",
            "locale=de-DE",
            "address.street_address=Lindenweg 8",
            "address.locality=Potsdam",
            "address.postal_code=14467",
            "address.country=Deutschland",
        ],
    },
    Person {
        username: "tomas",
        email: "tomas.rivera@example.org",
        email_verified: true,
        claims: &[
            "name=Tomás Rivera Solís",
            "given_name=Tomás",
            "family_name=Rivera Solís",
            "nickname=Tom",
            "zoneinfo=Europe/Madrid",
            "locale=es-ES",
            "address.street_address=Calle del Olivo 3, 2.º B",
            "address.locality=Sevilla",
            "address.postal_code=41001",
            "address.country=España",
        ],
    },
    Person {
        username: OWNER,
        email: "owner@example.org",
        email_verified: true,
        claims: &["name=Mina Okafor", "given_name=Mina", "family_name=Okafor", "locale=en-GB"],
    },
];

impl Person {
    /// The full name.
    pub(super) fn name(&self) -> &'static str {
        self.claims.iter().find_map(|claim| claim.strip_prefix("name=")).unwrap_or(self.username)
    }
}

/// A password for each of them.
pub(super) fn passwords() -> BTreeMap<String, String> {
    PEOPLE.iter().map(|person| (person.username.to_owned(), password())).collect()
}

/// 64 random bits as syllables, easy to read and type.
fn password() -> String {
    const CONSONANTS: &[char; 16] =
        &['b', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z'];
    const VOWELS: &[char; 4] = &['a', 'i', 'o', 'u'];
    let mut bytes = [0; 8];
    secret::entropy(&mut bytes);
    let word = |[a, b]: [u8; 2]| {
        let bits = usize::from(u16::from_be_bytes([a, b]));
        let consonant = |shift: u32| CONSONANTS.iter().cycle().nth((bits >> shift) & 15);
        let vowel = |shift: u32| VOWELS.iter().cycle().nth((bits >> shift) & 3);
        [consonant(12), vowel(10), consonant(6), vowel(4), consonant(0)].into_iter().flatten()
    };
    let (words, _) = bytes.as_chunks::<2>();
    words.iter().map(|pair| word(*pair).collect()).collect::<Vec<String>>().join("-")
}

/// Registers users, clients and the API in an empty database.
///
/// # Errors
/// A rule refuses, or the database fails.
pub(super) async fn register(
    app: &App,
    application: &str,
    secrets: &Secrets,
) -> anyhow::Result<Clients> {
    let trace = Trace::of_command(app.clock.now_ms());
    for person in &PEOPLE {
        let password = secrets.people.get(person.username).map(Secret::new);
        let account = NewAccount {
            username: person.username,
            email: Some(person.email),
            email_verified: person.email_verified,
            claims: claims::parse(person.claims)?,
            password: password.as_ref(),
        };
        let user = account::create(&app.people(&trace), account).await?;
        if person.username == OWNER {
            roles::grant(&app.context(&trace), &Holder::User(user.id), Role::Owner).await?;
        }
    }
    resources::create(&app.store, &app.config.issuer, &api()?, &trace).await?;
    let registrar = Registrar { context: app.context(&trace), outbound: &app.outbound, kek: None };
    let web = create(
        &registrar,
        json!({
            "client_name": APPLICATION,
            "client_name#de": "Demo-Anwendung",
            "client_name#es": "Aplicación de demostración",
            "client_name#fr": "Application de démonstration",
            "redirect_uris": [format!("{application}/callback")],
            "post_logout_redirect_uris": [format!("{application}/signed-out")],
            "grant_types": ["authorization_code", "refresh_token"],
            "scope": SCOPES.join(" "),
            "gw_allowed_resources": [API],
        }),
    );
    let service = json!({
        "client_name": "Demo service",
        "grant_types": ["client_credentials"],
        "scope": "invoices.read invoices.write",
        "gw_allowed_resources": [API],
        "gw_resources": [API],
    });
    let (web, service) = (web.await?, create(&registrar, service).await?);
    let certified = enrolled(&registrar, CERTIFIED).await?;
    let other = enrolled(&registrar, OTHER).await?;
    Ok(Clients { web, service, certified, other })
}

/// Registers a service that authenticates with a certificate of the built-in CA, to which its tokens are bound.
async fn enrolled(registrar: &Registrar<'_>, name: &str) -> anyhow::Result<String> {
    let metadata = json!({
        "client_name": name,
        "grant_types": ["client_credentials"],
        "scope": "invoices.read",
        "token_endpoint_auth_method": "tls_client_auth",
        "tls_client_certificate_bound_access_tokens": true,
        "gw_allowed_resources": [API],
    });
    let registered = registrar.create(serde_json::from_value::<Metadata>(metadata)?).await?;
    Ok(registered.client.id.to_string())
}

async fn create(
    registrar: &Registrar<'_>,
    metadata: serde_json::Value,
) -> anyhow::Result<Credentials> {
    let registered = registrar.create(serde_json::from_value::<Metadata>(metadata)?).await?;
    let secret = registered.secret.context("a confidential client has a secret")?;
    Ok(Credentials {
        client_id: registered.client.id.to_string(),
        client_secret: secret.0.expose().to_owned(),
    })
}

/// The API, in the languages of the pages, with a sensitive scope.
fn api() -> anyhow::Result<Resource> {
    Ok(serde_json::from_value(json!({
        "id": API,
        "name": "Invoices",
        "name#de": "Rechnungen",
        "name#es": "Facturas",
        "name#fr": "Factures",
        "scopes": [
            {
                "name": "invoices.read",
                "text": "See your invoices",
                "text#de": "Ihre Rechnungen sehen",
                "text#es": "Ver sus facturas",
                "text#fr": "Voir vos factures",
            },
            {
                "name": "invoices.write",
                "text": "Write and send invoices in your name",
                "text#de": "In Ihrem Namen Rechnungen schreiben und verschicken",
                "text#es": "Escribir y enviar facturas en su nombre",
                "text#fr": "Rédiger et envoyer des factures en votre nom",
                "sensitive": true,
            },
        ],
    }))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_can_be_typed_and_is_never_the_same() {
        let (one, other) = (password(), password());

        assert_ne!(one, other);
        assert_eq!(one.len(), 23);
        assert!(one.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{one}");
    }

    #[test]
    fn the_claims_of_the_users_are_valid() {
        for person in &PEOPLE {
            assert_eq!(claims::parse(person.claims).unwrap()["name"], person.name());
        }
    }
}
