//! The texts of the questions before a client is disabled, enabled or deleted.

use crate::render::words::{Translations, With};

/// The texts of the questions.
#[derive(Debug)]
pub(super) struct Words {
    /// Before it is disabled.
    pub(super) disable: Question,
    /// Before it is enabled.
    pub(super) enable: Question,
    /// Before it is deleted.
    pub(super) delete: Question,
}

/// A question.
#[derive(Debug)]
pub(super) struct Question {
    /// The question; the argument is the name of the client.
    pub(super) title: With,
    /// What will happen.
    pub(super) consequences: [&'static str; 3],
    /// The button.
    pub(super) submit: &'static str,
    /// Whether the action takes something away.
    pub(super) is_danger: bool,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        disable: Question {
            title: |name| format!("Disable {name}?"),
            consequences: [
                "Its requests are refused, and nobody can sign in to it, until it is enabled again.",
                "All of its tokens end at once, and stay ended when it is enabled again. People sign in to it anew; their consent is kept.",
                "Certificates that the built-in CA issued for it are revoked for good.",
            ],
            submit: "Disable",
            is_danger: true,
        },
        enable: Question {
            title: |name| format!("Enable {name}?"),
            consequences: [
                "Its requests are accepted again, with the same client_id, secrets and settings.",
                "Tokens that ended when it was disabled stay ended.",
                "Certificates that were revoked stay revoked: it needs new ones.",
            ],
            submit: "Enable",
            is_danger: false,
        },
        delete: Question {
            title: |name| format!("Delete {name} for good?"),
            consequences: [
                "Its registration, its secrets and its roles are deleted, and people's consents to it.",
                "All of its tokens end at once. Nobody can sign in to it any more.",
                "This cannot be undone: registered anew, it gets another client_id. To stop it for a while, disable it instead.",
            ],
            submit: "Delete for good",
            is_danger: true,
        },
    },
    de: Words {
        disable: Question {
            title: |name| format!("{name} sperren?"),
            consequences: [
                "Ihre Anfragen werden abgelehnt, und niemand kann sich bei ihr anmelden, bis sie wieder aktiviert wird.",
                "Alle ihre Token enden sofort und bleiben ungültig, auch wenn sie wieder aktiviert wird. Menschen melden sich neu bei ihr an; ihre Einwilligung bleibt erhalten.",
                "Zertifikate, die die eingebaute CA für sie ausgestellt hat, werden endgültig widerrufen.",
            ],
            submit: "Sperren",
            is_danger: true,
        },
        enable: Question {
            title: |name| format!("{name} wieder aktivieren?"),
            consequences: [
                "Ihre Anfragen werden wieder angenommen, mit derselben client_id, denselben Geheimnissen und Einstellungen.",
                "Token, die beim Sperren endeten, bleiben ungültig.",
                "Widerrufene Zertifikate bleiben widerrufen: Sie braucht neue.",
            ],
            submit: "Aktivieren",
            is_danger: false,
        },
        delete: Question {
            title: |name| format!("{name} endgültig löschen?"),
            consequences: [
                "Ihre Registrierung, ihre Geheimnisse und ihre Rollen werden gelöscht, ebenso die Einwilligungen der Menschen.",
                "Alle ihre Token enden sofort. Niemand kann sich mehr bei ihr anmelden.",
                "Das lässt sich nicht rückgängig machen: Neu registriert erhält sie eine andere client_id. Um sie eine Zeit lang anzuhalten, sperren Sie sie.",
            ],
            submit: "Endgültig löschen",
            is_danger: true,
        },
    },
    fr: Words {
        disable: Question {
            title: |name| format!("Désactiver {name} ?"),
            consequences: [
                "Ses requêtes sont refusées et personne ne peut s’y connecter, jusqu’à sa réactivation.",
                "Tous ses jetons prennent fin aussitôt et le restent après sa réactivation. Les personnes s’y reconnectent ; leur consentement est conservé.",
                "Les certificats émis pour elle par l’autorité intégrée sont révoqués définitivement.",
            ],
            submit: "Désactiver",
            is_danger: true,
        },
        enable: Question {
            title: |name| format!("Activer {name} ?"),
            consequences: [
                "Ses requêtes sont de nouveau acceptées, avec les mêmes client_id, secrets et paramètres.",
                "Les jetons qui ont pris fin à la désactivation ne redeviennent pas valables.",
                "Les certificats révoqués le restent : il lui en faut de nouveaux.",
            ],
            submit: "Activer",
            is_danger: false,
        },
        delete: Question {
            title: |name| format!("Supprimer {name} définitivement ?"),
            consequences: [
                "Son enregistrement, ses secrets et ses rôles sont supprimés, ainsi que les consentements des personnes.",
                "Tous ses jetons prennent fin aussitôt. Plus personne ne peut s’y connecter.",
                "C’est irréversible : enregistrée de nouveau, elle reçoit un autre client_id. Pour l’arrêter un temps, désactivez-la.",
            ],
            submit: "Supprimer définitivement",
            is_danger: true,
        },
    },
    es: Words {
        disable: Question {
            title: |name| format!("¿Desactivar {name}?"),
            consequences: [
                "Sus peticiones se rechazan y nadie puede iniciar sesión en ella hasta que se vuelva a activar.",
                "Todos sus tokens terminan de inmediato y siguen así al activarla de nuevo. Las personas vuelven a iniciar sesión; su consentimiento se conserva.",
                "Los certificados que la CA integrada emitió para ella se revocan definitivamente.",
            ],
            submit: "Desactivar",
            is_danger: true,
        },
        enable: Question {
            title: |name| format!("¿Activar {name}?"),
            consequences: [
                "Sus peticiones se aceptan de nuevo, con el mismo client_id, los mismos secretos y ajustes.",
                "Los tokens que terminaron al desactivarla siguen sin ser válidos.",
                "Los certificados revocados siguen revocados: necesita otros nuevos.",
            ],
            submit: "Activar",
            is_danger: false,
        },
        delete: Question {
            title: |name| format!("¿Eliminar {name} para siempre?"),
            consequences: [
                "Se eliminan su registro, sus secretos y sus roles, y los consentimientos de las personas.",
                "Todos sus tokens terminan de inmediato. Nadie puede volver a iniciar sesión en ella.",
                "No se puede deshacer: si se registra de nuevo, recibe otro client_id. Para detenerla un tiempo, desactívela.",
            ],
            submit: "Eliminar para siempre",
            is_danger: true,
        },
    },
};
