//! The texts of the page of a client's secrets.

use crate::render::words::{Translations, With};

/// The texts of the page of a client's secrets.
#[derive(Debug)]
pub(super) struct Words {
    /// What secrets are for.
    pub(super) detail: &'static str,
    /// The heading if there is none.
    pub(super) none: &'static str,
    /// Why there is none; the authentication method follows.
    pub(super) none_detail: &'static str,
    /// Column: secret.
    pub(super) secret: &'static str,
    /// Column: validity.
    pub(super) validity: &'static str,
    /// The secret in use.
    pub(super) current: &'static str,
    /// The one before it.
    pub(super) previous: &'static str,
    /// It does not expire.
    pub(super) unlimited: &'static str,
    /// It expires; the argument is the remaining time.
    pub(super) until: With,
    /// The heading of the form.
    pub(super) new: &'static str,
    /// How a secret is replaced.
    pub(super) new_detail: &'static str,
    /// The question for the overlap.
    pub(super) overlap: &'static str,
    /// A number of days.
    pub(super) days: fn(i64) -> String,
    /// No overlap.
    pub(super) overlap_none: &'static str,
    /// The button to the confirmation.
    pub(super) go_on: &'static str,
    /// The question; the argument is the name of the client.
    pub(super) rotate_title: With,
    /// Consequence: the new secret is shown once.
    pub(super) shown_once: &'static str,
    /// Consequence: the present one ends.
    pub(super) ends_now: &'static str,
    /// Consequence: the present one ends later; the argument is the time.
    pub(super) ends_in: With,
    /// Consequence: an older one ends.
    pub(super) older_ends: &'static str,
    /// The button.
    pub(super) rotate: &'static str,
    /// The heading of the result; the argument is the name of the client.
    pub(super) issued: With,
    /// The previous secret is not valid any more.
    pub(super) ended: &'static str,
    /// It is, for the time of the argument.
    pub(super) ends_later: With,
    /// The link back.
    pub(super) back: &'static str,
    /// The notice if the form was sent twice.
    pub(super) repeated: &'static str,
}

/// The texts in each language.
pub(super) static WORDS: Translations<Words> = Translations {
    en: Words {
        detail: "The application proves with its secret who it is. Only a digest is stored, so a secret cannot be shown again.",
        none: "This application has no secret",
        none_detail: "It does not authenticate with one:",
        secret: "Secret",
        validity: "Validity",
        current: "Current",
        previous: "Previous",
        unlimited: "Does not expire",
        until: |time| format!("Valid for {time}"),
        new: "Issue a new secret",
        new_detail: "Both secrets are valid during the overlap, so that you can configure the application without an interruption. After a leak, choose no overlap.",
        overlap: "How long does the current secret stay valid?",
        days: |days| format!("{days} days"),
        overlap_none: "It ends at once",
        go_on: "Go on",
        rotate_title: |name| format!("Issue a new secret for {name}?"),
        shown_once: "The new secret is shown once, on the next page.",
        ends_now: "The current secret ends at once: the application gets no tokens until it is configured with the new one.",
        ends_in: |time| format!("The current secret stays valid for {time}."),
        older_ends: "A secret that was replaced earlier ends at once. Tokens that were issued already stay valid.",
        rotate: "Issue a new secret",
        issued: |name| format!("The new secret of {name}"),
        ended: "The previous secret is not valid any more. Configure the application with the new one now.",
        ends_later: |time| {
            format!(
                "The previous secret stays valid for {time}. Configure the application with the new one before it ends."
            )
        },
        back: "I have stored it",
        repeated: "No secret was issued: the application was changed after you had opened the form, or the form was sent twice. If you have not copied the secret of the first answer, issue another one.",
    },
    de: Words {
        detail: "Mit ihrem Geheimnis weist sich die Anwendung aus. Gespeichert ist nur ein Hash, deshalb lässt sich ein Geheimnis nicht noch einmal anzeigen.",
        none: "Diese Anwendung hat kein Geheimnis",
        none_detail: "Sie weist sich anders aus:",
        secret: "Geheimnis",
        validity: "Gültigkeit",
        current: "Jetziges",
        previous: "Voriges",
        unlimited: "Läuft nicht ab",
        until: |time| format!("Noch {time} gültig"),
        new: "Neues Geheimnis ausstellen",
        new_detail: "Während der Überlappung gelten beide, sodass Sie die Anwendung ohne Unterbrechung umstellen können. Wenn ein Geheimnis bekannt wurde, wählen Sie keine Überlappung.",
        overlap: "Wie lange gilt das jetzige Geheimnis noch?",
        days: |days| format!("{days} Tage"),
        overlap_none: "Es endet sofort",
        go_on: "Weiter",
        rotate_title: |name| format!("Neues Geheimnis für {name} ausstellen?"),
        shown_once: "Das neue Geheimnis wird einmal angezeigt, auf der nächsten Seite.",
        ends_now: "Das jetzige Geheimnis endet sofort: Die Anwendung erhält keine Token, bis sie das neue hat.",
        ends_in: |time| format!("Das jetzige Geheimnis gilt noch {time}."),
        older_ends: "Ein früher ersetztes Geheimnis endet sofort. Schon ausgestellte Token bleiben gültig.",
        rotate: "Neues Geheimnis ausstellen",
        issued: |name| format!("Das neue Geheimnis von {name}"),
        ended: "Das vorige Geheimnis gilt nicht mehr. Richten Sie die Anwendung jetzt mit dem neuen ein.",
        ends_later: |time| {
            format!(
                "Das vorige Geheimnis gilt noch {time}. Richten Sie die Anwendung vorher mit dem neuen ein."
            )
        },
        back: "Ich habe es gespeichert",
        repeated: "Es wurde kein Geheimnis ausgestellt: Die Anwendung wurde geändert, nachdem Sie das Formular geöffnet hatten, oder das Formular wurde zweimal gesendet. Wenn Sie das Geheimnis der ersten Antwort nicht kopiert haben, stellen Sie ein weiteres aus.",
    },
    fr: Words {
        detail: "L’application prouve son identité avec son secret. Seule une empreinte est enregistrée : un secret ne peut pas être affiché de nouveau.",
        none: "Cette application n’a pas de secret",
        none_detail: "Elle s’authentifie autrement :",
        secret: "Secret",
        validity: "Validité",
        current: "Actuel",
        previous: "Précédent",
        unlimited: "N’expire pas",
        until: |time| format!("Valable encore {time}"),
        new: "Créer un nouveau secret",
        new_detail: "Les deux secrets sont valables pendant le chevauchement, pour que vous puissiez configurer l’application sans interruption. Après une fuite, choisissez de ne pas en avoir.",
        overlap: "Combien de temps le secret actuel reste-t-il valable ?",
        days: |days| format!("{days} jours"),
        overlap_none: "Il prend fin aussitôt",
        go_on: "Continuer",
        rotate_title: |name| format!("Créer un nouveau secret pour {name} ?"),
        shown_once: "Le nouveau secret est affiché une fois, à la page suivante.",
        ends_now: "Le secret actuel prend fin aussitôt : l’application n’obtient plus de jetons tant qu’elle n’a pas le nouveau.",
        ends_in: |time| format!("Le secret actuel reste valable pendant {time}."),
        older_ends: "Un secret remplacé plus tôt prend fin aussitôt. Les jetons déjà émis restent valables.",
        rotate: "Créer un nouveau secret",
        issued: |name| format!("Le nouveau secret de {name}"),
        ended: "Le secret précédent n’est plus valable. Configurez l’application avec le nouveau maintenant.",
        ends_later: |time| {
            format!(
                "Le secret précédent reste valable pendant {time}. Configurez l’application avec le nouveau avant."
            )
        },
        back: "Je l’ai enregistré",
        repeated: "Aucun secret n’a été créé : l’application a été modifiée après l’ouverture du formulaire, ou le formulaire a été envoyé deux fois. Si vous n’avez pas copié le secret de la première réponse, créez-en un autre.",
    },
    es: Words {
        detail: "La aplicación demuestra quién es con su secreto. Solo se guarda un resumen, así que un secreto no puede volver a mostrarse.",
        none: "Esta aplicación no tiene secreto",
        none_detail: "Se autentica de otra manera:",
        secret: "Secreto",
        validity: "Validez",
        current: "Actual",
        previous: "Anterior",
        unlimited: "No caduca",
        until: |time| format!("Válido durante {time}"),
        new: "Emitir un secreto nuevo",
        new_detail: "Los dos secretos son válidos durante el solapamiento, para que pueda configurar la aplicación sin interrupción. Tras una filtración, elija que no lo haya.",
        overlap: "¿Cuánto tiempo sigue siendo válido el secreto actual?",
        days: |days| format!("{days} días"),
        overlap_none: "Termina de inmediato",
        go_on: "Continuar",
        rotate_title: |name| format!("¿Emitir un secreto nuevo para {name}?"),
        shown_once: "El secreto nuevo se muestra una vez, en la página siguiente.",
        ends_now: "El secreto actual termina de inmediato: la aplicación no obtiene tokens hasta que tenga el nuevo.",
        ends_in: |time| format!("El secreto actual sigue siendo válido durante {time}."),
        older_ends: "Un secreto sustituido antes termina de inmediato. Los tokens ya emitidos siguen siendo válidos.",
        rotate: "Emitir un secreto nuevo",
        issued: |name| format!("El secreto nuevo de {name}"),
        ended: "El secreto anterior ya no es válido. Configure ahora la aplicación con el nuevo.",
        ends_later: |time| {
            format!(
                "El secreto anterior sigue siendo válido durante {time}. Configure la aplicación con el nuevo antes de que termine."
            )
        },
        back: "Lo he guardado",
        repeated: "No se emitió ningún secreto: la aplicación se cambió después de que usted abriera el formulario, o el formulario se envió dos veces. Si no copió el secreto de la primera respuesta, emita otro.",
    },
};
