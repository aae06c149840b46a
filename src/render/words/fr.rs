//! French.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "fr",
    language: "Français",
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
    },
    login: Login {
        title: "Se connecter",
        title_to: |client| format!("Se connecter à {client}"),
        confirm: "Confirmez votre identité",
        subtitle: |organisation| format!("avec votre compte {organisation}"),
        identifier: "Nom d’utilisateur ou adresse e-mail",
        password: "Mot de passe",
        keep: "Rester connecté",
        keep_detail: "Seulement sur un appareil qui n’appartient qu’à vous.",
        submit: "Se connecter",
        back: |client| format!("Revenir à {client}"),
        wrong: "Cela ne correspond pas. Vérifiez le nom d’utilisateur ou l’adresse e-mail et le mot de passe, puis réessayez.",
        wrong_password: "Ce mot de passe ne correspond pas. Veuillez réessayer.",
        throttled: |wait| {
            format!("Il y a eu trop de tentatives. Vous pourrez réessayer dans {wait}.")
        },
        expired: "Cette page est restée ouverte trop longtemps. Veuillez vous connecter à nouveau.",
        busy: "Beaucoup de personnes se connectent en ce moment. Veuillez réessayer dans un instant.",
        cookies: "Votre navigateur n’a pas renvoyé notre cookie. Autorisez les cookies pour ce site, puis réessayez.",
    },
    select: Select {
        title: "Choisir un compte",
        subtitle: |client| format!("pour continuer vers {client}"),
        other: "Utiliser un autre compte",
    },
    consent: Consent {
        title: |client| format!("Autoriser {client} à utiliser votre compte ?"),
        account: "Connecté en tant que",
        not_you: "Ce n’est pas vous ?",
        asks: |client| format!("{client} souhaite"),
        in_api: |api| format!("Dans {api}"),
        sensitive: "Sensible",
        about: "Voir des informations sur vous",
        claims: |list| format!("Voir ces informations : {list}"),
        offline: "Rester connecté en votre absence",
        offline_detail: "L’accès est conservé lorsque vous n’utilisez pas l’application, jusqu’à ce que vous le retiriez.",
        allow: "Autoriser",
        deny: "Refuser",
        destination: |host| format!("Vous retournerez ensuite sur {host}."),
        withdraw: "Vous pouvez retirer cet accès à tout moment sur la page de votre compte.",
        policy: |client| format!("Confidentialité chez {client}"),
        terms: |client| format!("Conditions de {client}"),
        claim: |name| {
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
        expired: "Quelque chose a changé pendant que cette page était ouverte. Veuillez la relire, puis décider.",
    },
    account: Account {
        title: "Votre compte",
        sign_out: "Se déconnecter",
        sessions: "Où vous êtes connecté",
        sessions_detail: "Si vous ne reconnaissez pas l’une de ces connexions, fermez-la et changez votre mot de passe.",
        this_device: "Cet appareil",
        device: |browser, system| format!("{browser} sur {system}"),
        unknown_device: "Appareil inconnu",
        since: |time| format!("Connecté {time}"),
        active: |time| format!("Actif {time}"),
        end: "Déconnecter",
        end_others: "Déconnecter partout ailleurs",
        applications: "Applications autorisées",
        applications_detail: "Ces applications peuvent utiliser votre compte. Un retrait prend effet immédiatement.",
        no_applications: "Aucune application n’a accès à votre compte.",
        allowed: |time| format!("Autorisée {time}"),
        entered: |time| format!("Connexion {time}"),
        used: |time| format!("Dernière utilisation {time}"),
        offline: "Fonctionne aussi en votre absence",
        more: |n| format!("En afficher {n} de plus"),
        sections: "Sur cette page",
        to_details: "Informations",
        to_applications: "Applications",
        to_activity: "Activité",
        may: "Ce qu’elle peut faire",
        withdraw: "Retirer",
        ended: "Cette connexion a été fermée.",
        ended_others: "Vous êtes déconnecté partout ailleurs.",
        withdrawn: "L’accès a été retiré.",
        password_changed: "Votre mot de passe a été changé, et vous êtes déconnecté partout ailleurs.",
        expired: "Cette page est restée ouverte trop longtemps ; rien n’a été modifié. Veuillez réessayer.",
    },
    details: Details {
        title: "Vos informations",
        detail: |organisation| {
            format!(
                "Ce que {organisation} sait de vous. Si quelque chose est inexact, signalez-le à {organisation} : cela ne se modifie pas ici."
            )
        },
        verified: "vérifié",
        unverified: "non vérifié",
        since: "compte créé le",
    },
    security: Security {
        title: "Sécurité",
        changed: |time| format!("Dernier changement {time}"),
        no_password: "Aucun",
        browsers: "Navigateurs connus",
        browsers_detail: "Vous vous êtes déjà connecté avec eux. Ils restent acceptés même pendant que quelqu’un d’autre essaie de deviner votre mot de passe.",
    },
    activity: Activity {
        title: "Activité récente",
        detail: "Si quelque chose ne vous dit rien, changez votre mot de passe et déconnectez tous les autres appareils.",
        none: "Il ne s’est encore rien passé.",
        times: |n, more| if more { format!("{n} fois ou plus") } else { format!("{n} fois") },
        an_application: "une application",
        signed_in: "Connexion",
        sign_in_failed: "Échec de connexion",
        signed_out: "Déconnexion",
        session_ended: "Un appareil a été déconnecté",
        others_ended: "Tous les autres appareils ont été déconnectés",
        allowed: |client| format!("Accès autorisé : {client}"),
        denied: |client| format!("Accès refusé : {client}"),
        withdrawn: |client| format!("Accès retiré : {client}"),
        password_changed: "Mot de passe changé",
        password_failed: "Mot de passe non changé : l’actuel était faux",
        password_set: "Mot de passe défini par un administrateur",
        created: "Compte créé",
        updated: "Informations modifiées par un administrateur",
        unlocked: "Connexion débloquée par un administrateur",
        disabled: "Compte désactivé par un administrateur",
        enabled: "Compte réactivé par un administrateur",
    },
    password: Password {
        title: "Changer de mot de passe",
        detail: "Vous restez connecté ici et serez déconnecté partout ailleurs.",
        current: "Mot de passe actuel",
        new: "Nouveau mot de passe",
        rule: |least| {
            format!(
                "Au moins {least} caractères. Plusieurs mots à la suite sont faciles à retenir et difficiles à deviner."
            )
        },
        again: "Nouveau mot de passe, encore une fois",
        submit: "Changer le mot de passe",
        wrong: "Ce n’est pas votre mot de passe actuel.",
        unproven: "Saisissez encore une fois votre mot de passe actuel : cela fait trop longtemps.",
        proven: "Votre mot de passe actuel est correct.",
        short: |least| {
            format!(
                "Le nouveau mot de passe est trop court : il lui faut au moins {least} caractères."
            )
        },
        long: "Le nouveau mot de passe est trop long. Veuillez en choisir un plus court.",
        weak: "Ce mot de passe est facile à deviner. Veuillez en choisir un autre.",
        differ: "Les deux nouveaux mots de passe ne sont pas identiques.",
        same: "Le nouveau mot de passe est celui que vous avez déjà.",
    },
    logout: Logout {
        title: |organisation| format!("Se déconnecter de {organisation} ?"),
        asked_by: |client| format!("{client} demande à vous déconnecter."),
        detail: "Il faudra vous reconnecter la prochaine fois que vous utiliserez une application avec ce compte.",
        yes: "Se déconnecter",
        no: "Rester connecté",
        done: "Vous êtes déconnecté",
        done_detail: |organisation| {
            format!("Vous avez quitté votre compte {organisation} sur cet appareil. À bientôt.")
        },
        again: "Se reconnecter",
    },
    home: Home {
        title: |organisation| format!("Votre compte {organisation}"),
        detail: |organisation| {
            format!(
                "Un seul compte pour les applications de {organisation}. Voyez où vous êtes connecté et ce qui y a accès, ou changez de mot de passe."
            )
        },
        account: "Accéder à votre compte",
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
        facts: "Pour qui cherchera la cause",
        code: "Erreur",
        why: "Raison",
        reference: "Référence",
        help: "Obtenir de l’aide",
        subject: |reference| format!("Aide pour l’erreur {reference}"),
        time: "Heure",
    },
    troubles: Troubles {
        unknown_client: Plain {
            title: "Nous ne connaissons pas cette application",
            text: "L’application qui vous a envoyé ici n’est pas enregistrée chez nous, ou a été désactivée.",
            next: "Revenez en arrière et réessayez. Si cela se reproduit, prévenez les responsables de l’application.",
        },
        redirect_uri: Plain {
            title: "Ce lien de connexion n’est pas sûr",
            text: "L’application veut vous renvoyer à une adresse qui n’est pas enregistrée pour elle ; nous nous sommes donc arrêtés ici.",
            next: "N’essayez pas de continuer. Si vous faites confiance à l’application, prévenez ses responsables.",
        },
        bad_request: Plain {
            title: "Cette demande n’a pas été comprise",
            text: "L’application qui vous a envoyé ici a fait une erreur dans sa demande.",
            next: "Revenez en arrière et réessayez. Si cela se reproduit, prévenez les responsables de l’application.",
        },
        expired: Plain {
            title: "Cette connexion a expiré",
            text: "Elle est restée ouverte trop longtemps, ou elle est déjà terminée, peut-être dans un autre onglet.",
            next: "Revenez à l’application et connectez-vous à nouveau depuis celle-ci.",
        },
        foreign_form: Plain {
            title: "Nous n’avons pas accepté ce formulaire",
            text: "Il ne venait pas de l’une de nos pages, ou la page est restée ouverte trop longtemps. Rien n’a été modifié.",
            next: "Revenez en arrière, rechargez la page et réessayez.",
        },
        too_many: Plain {
            title: "Un instant, s’il vous plaît",
            text: "Votre réseau a envoyé plus de demandes que nous n’en acceptons à la fois.",
            next: "Attendez une minute, puis réessayez.",
        },
        busy: Plain {
            title: "Nous revenons tout de suite",
            text: "Nous ne pouvons pas répondre pour le moment. Vous n’y êtes pour rien, et rien n’est perdu.",
            next: "Réessayez dans un instant.",
        },
        broken: Plain {
            title: "Un problème est survenu de notre côté",
            text: "Vous n’y êtes pour rien. L’erreur a été enregistrée afin que nous puissions en chercher la cause.",
            next: "Réessayez dans un instant. Si cela se reproduit, donnez-nous la référence ci-dessous.",
        },
        not_found: Plain {
            title: "Il n’y a rien ici",
            text: "L’adresse est peut-être mal saisie, ou ce qui se trouvait ici n’existe plus.",
            next: "Vérifiez l’adresse, ou revenez d’où vous veniez.",
        },
        bad_logout: Plain {
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
