//! The texts of the pages of certificates.

use crate::pki::inventory::State;
use crate::render::words::{Translations, With};

/// The texts of the pages of certificates.
#[derive(Debug)]
pub(super) struct Words {
    /// What the list shows.
    pub(super) detail: &'static str,
    /// Filter: all but expired ones.
    pub(super) usual: &'static str,
    /// Filter: they expire within 30 days.
    pub(super) soon: &'static str,
    /// Filter: all.
    pub(super) all: &'static str,
    /// State: valid.
    pub(super) valid: &'static str,
    /// State: its validity has not begun.
    pub(super) pending: &'static str,
    /// State: expires soon.
    pub(super) expiring: &'static str,
    /// State: expired.
    pub(super) expired: &'static str,
    /// State: revoked.
    pub(super) revoked: &'static str,
    /// Column: subject.
    pub(super) subject: &'static str,
    /// Column: issuer.
    pub(super) issuer: &'static str,
    /// Column: state.
    pub(super) state: &'static str,
    /// Column: expiry.
    pub(super) expires: &'static str,
    /// Column: applications.
    pub(super) clients: &'static str,
    /// Label: names in the certificate.
    pub(super) names: &'static str,
    /// Label: key.
    pub(super) key: &'static str,
    /// Label: serial number.
    pub(super) serial: &'static str,
    /// Label: thumbprint.
    pub(super) thumbprint: &'static str,
    /// Label: last used.
    pub(super) used: &'static str,
    /// It was never used.
    pub(super) never: &'static str,
    /// Label: bound tokens.
    pub(super) tokens: &'static str,
    /// There are no certificates.
    pub(super) none: &'static str,
    /// How certificates get here.
    pub(super) none_detail: &'static str,
    /// The button.
    pub(super) revoke: &'static str,
    /// The question; the argument is the subject.
    pub(super) revoke_title: With,
    /// How many applications it authenticates.
    pub(super) revoke_clients: fn(usize) -> String,
    /// How many tokens are bound to it.
    pub(super) revoke_tokens: fn(i64) -> String,
    /// That it is permanent.
    pub(super) revoke_permanent: &'static str,
    /// The notice after a revocation.
    pub(super) revoked_now: &'static str,
}

impl Words {
    pub(super) const fn state(&self, state: State) -> &'static str {
        match state {
            State::Pending => self.pending,
            State::Valid => self.valid,
            State::Expiring => self.expiring,
            State::Expired => self.expired,
            State::Revoked => self.revoked,
        }
    }
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Certificates that authenticate applications: registered, issued by our own authority, or seen in connections.",
        usual: "Not expired",
        soon: "Expire within 30 days",
        all: "All",
        valid: "Valid",
        pending: "Not yet valid",
        expiring: "Expires soon",
        expired: "Expired",
        revoked: "Revoked",
        subject: "Subject",
        issuer: "Issuer",
        state: "State",
        expires: "Expires",
        clients: "Applications",
        names: "Names",
        key: "Key",
        serial: "Serial number",
        thumbprint: "SHA-256 thumbprint",
        used: "Last used",
        never: "never",
        tokens: "Tokens bound to it",
        none: "No certificates",
        none_detail: "A certificate appears here when an application registers one, presents one, or gets one from our own authority (gatewright ca init).",
        revoke: "Revoke",
        revoke_title: |subject| format!("Revoke the certificate {subject}?"),
        revoke_clients: |count| match count {
            0 => "No application is known to use it.".to_owned(),
            1 => "One application uses it, and can no longer authenticate with it.".to_owned(),
            count => {
                format!("{count} applications use it, and can no longer authenticate with it.")
            }
        },
        revoke_tokens: |count| match count {
            0 => "No valid token is bound to it.".to_owned(),
            1 => "One token or grant is bound to it, and is rejected from now on.".to_owned(),
            count => {
                format!("{count} tokens and grants are bound to it, and are rejected from now on.")
            }
        },
        revoke_permanent: "A revocation is permanent.",
        revoked_now: "The certificate is revoked.",
    },
    de: Words {
        detail: "Zertifikate, mit denen sich Anwendungen authentifizieren: registriert, von der eigenen Stelle ausgestellt oder in Verbindungen gesehen.",
        usual: "Nicht abgelaufen",
        soon: "Laufen in 30 Tagen ab",
        all: "Alle",
        valid: "Gültig",
        pending: "Noch nicht gültig",
        expiring: "Läuft bald ab",
        expired: "Abgelaufen",
        revoked: "Widerrufen",
        subject: "Inhaber",
        issuer: "Aussteller",
        state: "Zustand",
        expires: "Läuft ab",
        clients: "Anwendungen",
        names: "Namen",
        key: "Schlüssel",
        serial: "Seriennummer",
        thumbprint: "SHA-256-Fingerabdruck",
        used: "Zuletzt benutzt",
        never: "nie",
        tokens: "Daran gebundene Token",
        none: "Keine Zertifikate",
        none_detail: "Ein Zertifikat erscheint hier, wenn eine Anwendung eines registriert, vorzeigt oder von der eigenen Stelle bekommt (gatewright ca init).",
        revoke: "Widerrufen",
        revoke_title: |subject| format!("Das Zertifikat {subject} widerrufen?"),
        revoke_clients: |count| match count {
            0 => "Keine Anwendung ist bekannt, die es benutzt.".to_owned(),
            1 => "Eine Anwendung benutzt es und kann sich damit nicht mehr authentifizieren."
                .to_owned(),
            count => format!(
                "{count} Anwendungen benutzen es und können sich damit nicht mehr authentifizieren."
            ),
        },
        revoke_tokens: |count| match count {
            0 => "Kein gültiges Token ist daran gebunden.".to_owned(),
            1 => {
                "Ein Token oder Grant ist daran gebunden und wird von nun an abgewiesen.".to_owned()
            }
            count => format!(
                "{count} Token und Grants sind daran gebunden und werden von nun an abgewiesen."
            ),
        },
        revoke_permanent: "Ein Widerruf ist endgültig.",
        revoked_now: "Das Zertifikat ist widerrufen.",
    },
    fr: Words {
        detail: "Les certificats qui authentifient des applications : enregistrés, émis par notre propre autorité ou vus dans des connexions.",
        usual: "Non expirés",
        soon: "Expirent sous 30 jours",
        all: "Tous",
        valid: "Valide",
        pending: "Pas encore valide",
        expiring: "Expire bientôt",
        expired: "Expiré",
        revoked: "Révoqué",
        subject: "Sujet",
        issuer: "Émetteur",
        state: "État",
        expires: "Expire",
        clients: "Applications",
        names: "Noms",
        key: "Clé",
        serial: "Numéro de série",
        thumbprint: "Empreinte SHA-256",
        used: "Dernier usage",
        never: "jamais",
        tokens: "Jetons qui y sont liés",
        none: "Aucun certificat",
        none_detail: "Un certificat apparaît ici quand une application en enregistre un, en présente un, ou en reçoit un de notre propre autorité (gatewright ca init).",
        revoke: "Révoquer",
        revoke_title: |subject| format!("Révoquer le certificat {subject} ?"),
        revoke_clients: |count| match count {
            0 => "Aucune application connue ne l’utilise.".to_owned(),
            1 => "Une application l’utilise et ne pourra plus s’authentifier avec lui.".to_owned(),
            count => format!(
                "{count} applications l’utilisent et ne pourront plus s’authentifier avec lui."
            ),
        },
        revoke_tokens: |count| match count {
            0 => "Aucun jeton valide n’y est lié.".to_owned(),
            1 => "Un jeton ou une autorisation y est lié, et sera désormais refusé.".to_owned(),
            count => {
                format!("{count} jetons et autorisations y sont liés, et seront désormais refusés.")
            }
        },
        revoke_permanent: "Une révocation est définitive.",
        revoked_now: "Le certificat est révoqué.",
    },
    es: Words {
        detail: "Certificados que autentican aplicaciones: registrados, emitidos por nuestra propia autoridad o vistos en conexiones.",
        usual: "No caducados",
        soon: "Caducan en 30 días",
        all: "Todos",
        valid: "Válido",
        pending: "Aún no válido",
        expiring: "Caduca pronto",
        expired: "Caducado",
        revoked: "Revocado",
        subject: "Sujeto",
        issuer: "Emisor",
        state: "Estado",
        expires: "Caduca",
        clients: "Aplicaciones",
        names: "Nombres",
        key: "Clave",
        serial: "Número de serie",
        thumbprint: "Huella SHA-256",
        used: "Último uso",
        never: "nunca",
        tokens: "Tokens vinculados",
        none: "Ningún certificado",
        none_detail: "Un certificado aparece aquí cuando una aplicación registra uno, presenta uno, o lo recibe de nuestra propia autoridad (gatewright ca init).",
        revoke: "Revocar",
        revoke_title: |subject| format!("¿Revocar el certificado {subject}?"),
        revoke_clients: |count| match count {
            0 => "No se conoce ninguna aplicación que lo use.".to_owned(),
            1 => "Una aplicación lo usa y ya no podrá autenticarse con él.".to_owned(),
            count => format!("{count} aplicaciones lo usan y ya no podrán autenticarse con él."),
        },
        revoke_tokens: |count| match count {
            0 => "Ningún token válido está vinculado a él.".to_owned(),
            1 => "Un token o una autorización está vinculado a él y se rechazará desde ahora."
                .to_owned(),
            count => format!(
                "{count} tokens y autorizaciones están vinculados a él y se rechazarán desde ahora."
            ),
        },
        revoke_permanent: "Una revocación es definitiva.",
        revoked_now: "El certificado está revocado.",
    },
};
