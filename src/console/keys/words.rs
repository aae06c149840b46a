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
    },
};
