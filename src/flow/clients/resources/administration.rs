//! The built-in resource: the administration API. Its scopes are the areas and levels of administration.
//!
//! The server registers it itself, in its own words, and administrators can neither change nor delete it.

use crate::config::Issuer;
use crate::record::Trace;
use crate::store::{Store, resources, retrying, versions};
use crate::types::administration::{Area, Level, Permission};
use crate::types::language::{LanguageTag, Translations};
use crate::types::resource::DeclaredScope;
use crate::types::{Error, Resource, ResourceId, Result};

/// The path of the API below the issuer identifier.
pub const PATH: &str = "/api/v1";

/// The identifier of the resource, and the audience of its tokens.
pub fn id(issuer: &Issuer) -> ResourceId {
    ResourceId::from_text(issuer.endpoint(PATH))
}

/// Registers the resource, or updates its registration.
///
/// # Errors
/// If the database does not respond.
pub async fn settle(store: &Store, issuer: &Issuer, trace: &Trace) -> Result<()> {
    let resource = resource(issuer);
    if resources::all(store.db()).await?.contains(&resource) {
        return Ok(());
    }
    retrying(|| async {
        let mut tx = store.write().await?;
        versions::bump(&mut tx, versions::Kind::Resources).await?;
        if !resources::update(&mut tx, &resource, trace.now()).await? {
            resources::insert(&mut tx, &resource, trace.now()).await?;
        }
        tx.commit().await?;
        Ok::<_, Error>(())
    })
    .await
}

fn resource(issuer: &Issuer) -> Resource {
    let scopes = Area::ALL.iter().flat_map(|area| {
        Level::ALL.iter().map(|level| scope(Permission { area: *area, level: *level }))
    });
    Resource {
        id: id(issuer),
        name: "Administration of this server".to_owned(),
        scopes: scopes.collect(),
        access_token_format: None,
        access_token_lifetime: None,
        translations: translated(
            "name",
            [
                ("de", "Verwaltung dieses Servers".to_owned()),
                ("fr", "Administration de ce serveur".to_owned()),
                ("es", "Administración de este servidor".to_owned()),
            ],
        ),
    }
}

fn scope(permission: Permission) -> DeclaredScope {
    let [en, de, fr, es] = area(permission.area);
    let [in_en, in_de, in_fr, in_es] = level(permission.level);
    DeclaredScope {
        name: permission.scope(),
        text: format!("{in_en}: {en}"),
        sensitive: permission.level > Level::Read,
        translations: translated(
            "text",
            [
                ("de", format!("{in_de}: {de}")),
                ("fr", format!("{in_fr} : {fr}")),
                ("es", format!("{in_es}: {es}")),
            ],
        ),
    }
}

fn translated(member: &'static str, texts: [(&str, String); 3]) -> Translations {
    let mut translations = Translations::default();
    for (tag, text) in texts {
        if let Some(tag) = LanguageTag::parse(tag) {
            translations.set(member, tag, &text);
        }
    }
    translations
}

/// English, German, French, Spanish.
const fn area(area: Area) -> [&'static str; 4] {
    match area {
        Area::Clients => ["applications", "Anwendungen", "applications", "aplicaciones"],
        Area::Resources => ["APIs", "APIs", "API", "API"],
        Area::Users => ["users", "Benutzer", "utilisateurs", "usuarios"],
        Area::Recoveries => [
            "links for new passwords",
            "Links für neue Passwörter",
            "liens pour de nouveaux mots de passe",
            "enlaces para nuevas contraseñas",
        ],
        Area::Sessions => [
            "sessions and access of applications",
            "Sitzungen und Zugriffe von Anwendungen",
            "sessions et accès des applications",
            "sesiones y accesos de aplicaciones",
        ],
        Area::Keys => ["signing keys", "Signaturschlüssel", "clés de signature", "claves de firma"],
        Area::Certificates => ["certificates", "Zertifikate", "certificats", "certificados"],
        Area::Audit => {
            ["the audit trail", "das Audit-Protokoll", "journal d’audit", "registro de auditoría"]
        }
        Area::Administrators => [
            "roles of administrators",
            "Rollen der Administratoren",
            "rôles des administrateurs",
            "roles de los administradores",
        ],
    }
}

/// English, German, French, Spanish.
const fn level(level: Level) -> [&'static str; 4] {
    match level {
        Level::Read => ["Read", "Lesen", "Lire", "Leer"],
        Level::Write => {
            ["Read and change", "Lesen und ändern", "Lire et modifier", "Leer y modificar"]
        }
        Level::Sensitive => [
            "Read, change, delete and give access",
            "Lesen, ändern, löschen und Zugang geben",
            "Lire, modifier, supprimer et donner accès",
            "Leer, modificar, eliminar y dar acceso",
        ],
    }
}
