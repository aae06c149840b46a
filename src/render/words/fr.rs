//! French.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "fr",
    language: Language::French,
    endonym: "Français",
    common: Common {
        support: "Aide",
        privacy: "Confidentialité",
        imprint: "Mentions légales",
        title: |what, place| format!("{what} – {place}"),
        problem: "Erreur : ",
        footer: "Plus d’informations",
        language: "Langue",
        new_tab: "s’ouvre dans un nouvel onglet",
        show_password: "Afficher le mot de passe",
        caps_lock: "Le verrouillage des majuscules est activé.",
        copy: "Copier",
        copied: "Copié",
        back_to: |client| format!("Revenir à {client}"),
        password: "Mot de passe",
        signed_in_as: "Connecté en tant que",
        not_you: "Ce n’est pas vous ?",
        your_account: "Votre compte",
        sign_out: "Se déconnecter",
        to_continue_to: |client| format!("pour continuer vers {client}"),
    },
    claims: Claims {
        name: |name| {
            Some(match name {
                "name" => "nom",
                "given_name" => "prénom",
                "family_name" => "nom de famille",
                "middle_name" => "deuxième prénom",
                "nickname" => "surnom",
                "preferred_username" => "nom d’utilisateur",
                "profile" => "page de profil",
                "picture" => "photo",
                "website" => "site web",
                "email" => "adresse e-mail",
                "email_verified" => "si votre adresse e-mail est confirmée",
                "gender" => "genre",
                "birthdate" => "date de naissance",
                "zoneinfo" => "fuseau horaire",
                "locale" => "langue",
                "phone_number" => "numéro de téléphone",
                "phone_number_verified" => "si votre numéro de téléphone est confirmé",
                "address" => "adresse postale",
                "updated_at" => "date de la dernière modification de vos informations",
                _ => return None,
            })
        },
        see: |list| format!("Voir ces informations : {list}"),
    },
    form_post: FormPost {
        title: |client| format!("Vers {client}"),
        detail: "Cela ne prend qu’un instant. Si rien ne se passe, continuez vous-même :",
        submit: "Continuer",
    },
    scopes: Scopes {
        openid: ScopeWords {
            short: None,
            name: "Vous reconnaître",
            detail: "Par un identifiant durable, afin de vous retrouver la prochaine fois.",
        },
        profile: ScopeWords {
            short: Some("profil"),
            name: "Voir votre profil",
            detail: "Votre nom, photo, langue et autres informations de ce genre.",
        },
        email: ScopeWords {
            short: Some("adresse e-mail"),
            name: "Voir votre adresse e-mail",
            detail: "Et si elle est confirmée.",
        },
        address: ScopeWords {
            short: Some("adresse postale"),
            name: "Voir votre adresse postale",
            detail: "Rue, ville, code postal et pays.",
        },
        phone: ScopeWords {
            short: Some("numéro de téléphone"),
            name: "Voir votre numéro de téléphone",
            detail: "Et s’il est confirmé.",
        },
        offline_access: ScopeWords {
            short: None,
            name: "Rester connecté en votre absence",
            detail: "L’accès est conservé lorsque vous n’utilisez pas l’application.",
        },
    },
    error: ErrorPage {
        next: "Ce que vous pouvez faire",
        facts: "Détails pour l’assistance",
        code: "Erreur",
        why: "Raison",
        reference: "Référence",
        help: "Obtenir de l’aide",
        subject: |reference| format!("Aide pour l’erreur {reference}"),
        time: "Heure",
    },
    error_kinds: ErrorTexts {
        unknown_client: ErrorText {
            title: "Nous ne connaissons pas cette application",
            text: "L’application qui vous a envoyé ici n’est pas enregistrée chez nous, ou a été désactivée.",
            next: "Revenez en arrière et réessayez. Si cela se reproduit, prévenez les responsables de l’application.",
        },
        redirect_uri: ErrorText {
            title: "Ce lien de connexion n’est pas sûr",
            text: "L’application veut vous renvoyer à une adresse qui n’est pas enregistrée pour elle ; nous nous sommes donc arrêtés ici.",
            next: "N’essayez pas de continuer. Si vous faites confiance à l’application, prévenez ses responsables.",
        },
        bad_request: ErrorText {
            title: "Cette demande n’a pas été comprise",
            text: "L’application qui vous a envoyé ici a fait une erreur dans sa demande.",
            next: "Revenez en arrière et réessayez. Si cela se reproduit, prévenez les responsables de l’application.",
        },
        expired: ErrorText {
            title: "Cette connexion a expiré",
            text: "Elle est restée ouverte trop longtemps, ou elle est déjà terminée, peut-être dans un autre onglet.",
            next: "Revenez à l’application et connectez-vous à nouveau depuis celle-ci.",
        },
        foreign_form: ErrorText {
            title: "Nous n’avons pas accepté ce formulaire",
            text: "Il ne venait pas de l’une de nos pages, ou la page est restée ouverte trop longtemps. Rien n’a été modifié.",
            next: "Revenez en arrière, rechargez la page et réessayez.",
        },
        too_many: ErrorText {
            title: "Un instant, s’il vous plaît",
            text: "Votre réseau a envoyé plus de demandes que nous n’en acceptons à la fois.",
            next: "Attendez une minute, puis réessayez.",
        },
        busy: ErrorText {
            title: "Nous revenons tout de suite",
            text: "Nous ne pouvons pas répondre pour le moment. Vous n’y êtes pour rien, et rien n’est perdu.",
            next: "Réessayez dans un instant.",
        },
        broken: ErrorText {
            title: "Un problème est survenu de notre côté",
            text: "Vous n’y êtes pour rien. L’erreur a été enregistrée afin que nous puissions en chercher la cause.",
            next: "Réessayez dans un instant. Si cela se reproduit, donnez-nous la référence ci-dessous.",
        },
        not_found: ErrorText {
            title: "Il n’y a rien ici",
            text: "L’adresse est peut-être mal saisie, ou ce qui se trouvait ici n’existe plus.",
            next: "Vérifiez l’adresse, ou revenez d’où vous veniez.",
        },
        bad_logout: ErrorText {
            title: "Nous n’avons pas pu vous déconnecter ainsi",
            text: "La demande de déconnexion de l’application n’a pas pu être vérifiée ; rien n’a été modifié.",
            next: "Vous pouvez vous déconnecter sur la page de votre compte.",
        },
    },
    times: Times {
        just_now: "à l’instant",
        ago: |length| format!("il y a {length}"),
        on: |date| format!("le {date}"),
        seconds: |n| count(n, "seconde", "secondes"),
        minutes: |n| count(n, "minute", "minutes"),
        hours: |n| count(n, "heure", "heures"),
        days: |n| count(n, "jour", "jours"),
        date: |day, month, year| {
            if day == 1 { format!("1er {month} {year}") } else { format!("{day} {month} {year}") }
        },
        months: [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
    },
};

/// In French, nothing is singular.
fn count(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n < 2 { one } else { many })
}
