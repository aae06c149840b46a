//! The texts of the page of the signing keys.

use crate::render::words::{Translations, With};

/// The texts of the page of the signing keys.
#[derive(Debug)]
pub(super) struct Words {
    /// What the keys are for.
    pub(super) detail: &'static str,
    /// Column: key.
    pub(super) key: &'static str,
    /// Column: state.
    pub(super) state: &'static str,
    /// Column: published.
    pub(super) published: &'static str,
    /// Column: signs since.
    pub(super) signs: &'static str,
    /// State: published and waiting.
    pub(super) pending: &'static str,
    /// State: signs.
    pub(super) active: &'static str,
    /// State: its tokens are still valid.
    pub(super) retiring: &'static str,
    /// State: no longer published.
    pub(super) retired: &'static str,
    /// State: its tokens are rejected.
    pub(super) compromised: &'static str,
    /// The button.
    pub(super) rotate: &'static str,
    /// The question; the argument is the algorithm.
    pub(super) rotate_title: With,
    /// What a rotation does.
    pub(super) rotate_consequences: [&'static str; 3],
    /// The notice after a rotation.
    pub(super) rotated: &'static str,
    /// The button of a compromised key.
    pub(super) retire: &'static str,
    /// The question; the argument is the key.
    pub(super) retire_title: With,
    /// What it does.
    pub(super) retire_consequences: [&'static str; 3],
    /// The notice after it.
    pub(super) retired_now: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "Keys rotate by themselves. The next key of each algorithm is published before it signs, so that every application has it in time.",
        key: "Key",
        state: "State",
        published: "Published",
        signs: "Signs since",
        pending: "Next",
        active: "Signs",
        retiring: "Verifies old tokens",
        retired: "Retired",
        compromised: "Compromised",
        rotate: "Rotate now",
        rotate_title: |algorithm| format!("Rotate the {algorithm} key now?"),
        rotate_consequences: [
            "The next key signs all new tokens at once.",
            "The present key stays published until the last token that it signed has expired.",
            "Nobody is signed out. Applications that cache the keys longer than our Cache-Control allows may reject new tokens until they fetch the keys again.",
        ],
        rotated: "The next key signs now.",
        retire: "Declare compromised",
        retire_title: |key| format!("Declare the key {key} compromised?"),
        retire_consequences: [
            "Every token that it signed is rejected by this server within a minute, and the key leaves the JWKS.",
            "The next key of the algorithm signs at once. People stay signed in; applications get new tokens at their next refresh.",
            "It is permanent. APIs that verify tokens locally accept old ones until they fetch the keys again.",
        ],
        retired_now: "The key is out of use, and its tokens are rejected.",
    },
    de: Words {
        detail: "Schlüssel wechseln von selbst. Der nächste Schlüssel jedes Verfahrens wird veröffentlicht, bevor er signiert, sodass jede Anwendung ihn rechtzeitig hat.",
        key: "Schlüssel",
        state: "Zustand",
        published: "Veröffentlicht",
        signs: "Signiert seit",
        pending: "Nächster",
        active: "Signiert",
        retiring: "Prüft alte Token",
        retired: "Ausgemustert",
        compromised: "Kompromittiert",
        rotate: "Jetzt wechseln",
        rotate_title: |algorithm| format!("Den {algorithm}-Schlüssel jetzt wechseln?"),
        rotate_consequences: [
            "Der nächste Schlüssel signiert sofort alle neuen Token.",
            "Der jetzige bleibt veröffentlicht, bis das letzte von ihm signierte Token abgelaufen ist.",
            "Niemand wird abgemeldet. Anwendungen, die die Schlüssel länger behalten, als unser Cache-Control erlaubt, weisen neue Token vielleicht ab, bis sie die Schlüssel neu abrufen.",
        ],
        rotated: "Der nächste Schlüssel signiert jetzt.",
        retire: "Als kompromittiert melden",
        retire_title: |key| format!("Den Schlüssel {key} als kompromittiert melden?"),
        retire_consequences: [
            "Dieser Server weist binnen einer Minute jedes Token ab, das er signiert hat, und der Schlüssel verlässt das JWKS.",
            "Der nächste Schlüssel des Verfahrens signiert sofort. Personen bleiben angemeldet; Anwendungen bekommen beim nächsten Erneuern neue Token.",
            "Das ist endgültig. APIs, die Token selbst prüfen, nehmen alte an, bis sie die Schlüssel neu abrufen.",
        ],
        retired_now: "Der Schlüssel ist außer Gebrauch, seine Token werden abgewiesen.",
    },
    fr: Words {
        detail: "Les clés changent d’elles-mêmes. La clé suivante de chaque algorithme est publiée avant de signer, pour que chaque application l’ait à temps.",
        key: "Clé",
        state: "État",
        published: "Publiée",
        signs: "Signe depuis",
        pending: "Suivante",
        active: "Signe",
        retiring: "Vérifie les anciens jetons",
        retired: "Retirée",
        compromised: "Compromise",
        rotate: "Changer maintenant",
        rotate_title: |algorithm| format!("Changer la clé {algorithm} maintenant ?"),
        rotate_consequences: [
            "La clé suivante signe aussitôt tous les nouveaux jetons.",
            "La clé actuelle reste publiée jusqu’à l’expiration du dernier jeton qu’elle a signé.",
            "Personne n’est déconnecté. Les applications qui gardent les clés plus longtemps que notre Cache-Control ne le permet peuvent refuser de nouveaux jetons jusqu’à la prochaine récupération des clés.",
        ],
        rotated: "La clé suivante signe désormais.",
        retire: "Déclarer compromise",
        retire_title: |key| format!("Déclarer la clé {key} compromise ?"),
        retire_consequences: [
            "Ce serveur refuse sous une minute tout jeton qu’elle a signé, et la clé quitte le JWKS.",
            "La clé suivante de l’algorithme signe aussitôt. Les personnes restent connectées ; les applications reçoivent de nouveaux jetons au prochain rafraîchissement.",
            "C’est définitif. Les API qui vérifient les jetons elles-mêmes acceptent les anciens jusqu’à la prochaine récupération des clés.",
        ],
        retired_now: "La clé n’est plus utilisée, et ses jetons sont refusés.",
    },
    es: Words {
        detail: "Las claves cambian solas. La siguiente clave de cada algoritmo se publica antes de firmar, para que todas las aplicaciones la tengan a tiempo.",
        key: "Clave",
        state: "Estado",
        published: "Publicada",
        signs: "Firma desde",
        pending: "Siguiente",
        active: "Firma",
        retiring: "Verifica tokens antiguos",
        retired: "Retirada",
        compromised: "Comprometida",
        rotate: "Cambiar ahora",
        rotate_title: |algorithm| format!("¿Cambiar ahora la clave {algorithm}?"),
        rotate_consequences: [
            "La siguiente clave firma de inmediato todos los tokens nuevos.",
            "La clave actual sigue publicada hasta que caduque el último token que firmó.",
            "No se cierra ninguna sesión. Las aplicaciones que guardan las claves más tiempo del que permite nuestro Cache-Control pueden rechazar tokens nuevos hasta que vuelvan a obtenerlas.",
        ],
        rotated: "Ahora firma la siguiente clave.",
        retire: "Declarar comprometida",
        retire_title: |key| format!("¿Declarar comprometida la clave {key}?"),
        retire_consequences: [
            "Este servidor rechaza en un minuto todo token que haya firmado, y la clave sale del JWKS.",
            "La siguiente clave del algoritmo firma de inmediato. Las personas siguen con la sesión iniciada; las aplicaciones reciben tokens nuevos en la próxima renovación.",
            "Es definitivo. Las API que verifican los tokens por sí mismas aceptan los antiguos hasta que vuelvan a obtener las claves.",
        ],
        retired_now: "La clave está fuera de uso y sus tokens se rechazan.",
    },
};
