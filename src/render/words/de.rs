//! German.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "de",
    language: Language::German,
    endonym: "Deutsch",
    common: Common {
        support: "Hilfe",
        privacy: "Datenschutz",
        imprint: "Impressum",
        title: |what, place| format!("{what} – {place}"),
        problem: "Fehler: ",
        footer: "Weitere Informationen",
        language: "Sprache",
        new_tab: "öffnet einen neuen Tab",
        show_password: "Passwort anzeigen",
        caps_lock: "Die Feststelltaste ist aktiv.",
        copy: "Kopieren",
        copied: "Kopiert",
        back_to: |client| format!("Zurück zu {client}"),
        password: "Passwort",
        signed_in_as: "Angemeldet als",
        not_you: "Nicht Sie?",
        your_account: "Ihr Konto",
        sign_out: "Abmelden",
        to_continue_to: |client| format!("um mit {client} fortzufahren"),
    },
    claims: Claims {
        name: |name| {
            Some(match name {
                "name" => "Name",
                "given_name" => "Vorname",
                "family_name" => "Nachname",
                "middle_name" => "zweiter Vorname",
                "nickname" => "Rufname",
                "preferred_username" => "Benutzername",
                "profile" => "Profilseite",
                "picture" => "Bild",
                "website" => "Website",
                "email" => "E-Mail-Adresse",
                "email_verified" => "ob Ihre E-Mail-Adresse bestätigt ist",
                "gender" => "Geschlecht",
                "birthdate" => "Geburtsdatum",
                "zoneinfo" => "Zeitzone",
                "locale" => "Sprache",
                "phone_number" => "Telefonnummer",
                "phone_number_verified" => "ob Ihre Telefonnummer bestätigt ist",
                "address" => "Postanschrift",
                "updated_at" => "wann sich Ihre Angaben zuletzt geändert haben",
                _ => return None,
            })
        },
        see: |list| format!("Diese Angaben sehen: {list}"),
    },
    form_post: FormPost {
        title: |client| format!("Weiter zu {client}"),
        detail: "Das dauert nur einen Augenblick. Falls nichts geschieht, gehen Sie selbst weiter:",
        submit: "Weiter",
    },
    scopes: Scopes {
        openid: ScopeWords {
            short: None,
            name: "Sie wiedererkennen",
            detail: "An einer bleibenden Kennung, damit die Anwendung Sie beim nächsten Mal kennt.",
        },
        profile: ScopeWords {
            short: Some("Profil"),
            name: "Ihr Profil sehen",
            detail: "Name, Bild, Sprache und ähnliche Angaben.",
        },
        email: ScopeWords {
            short: Some("E-Mail-Adresse"),
            name: "Ihre E-Mail-Adresse sehen",
            detail: "Und ob sie bestätigt ist.",
        },
        address: ScopeWords {
            short: Some("Postanschrift"),
            name: "Ihre Postanschrift sehen",
            detail: "Straße, Ort, Postleitzahl und Land.",
        },
        phone: ScopeWords {
            short: Some("Telefonnummer"),
            name: "Ihre Telefonnummer sehen",
            detail: "Und ob sie bestätigt ist.",
        },
        offline_access: ScopeWords {
            short: None,
            name: "Verbunden bleiben, wenn Sie nicht da sind",
            detail: "Der Zugriff bleibt, auch wenn Sie die Anwendung nicht benutzen.",
        },
    },
    error: ErrorPage {
        next: "Was Sie tun können",
        facts: "Angaben für den Support",
        code: "Fehler",
        why: "Grund",
        reference: "Kennung",
        help: "Hilfe holen",
        subject: |reference| format!("Hilfe bei Fehler {reference}"),
        time: "Zeit",
    },
    error_kinds: ErrorTexts {
        unknown_client: ErrorText {
            title: "Diese Anwendung kennen wir nicht",
            text: "Die Anwendung, die Sie hierher geschickt hat, ist bei uns nicht eingetragen oder abgeschaltet.",
            next: "Gehen Sie zurück, und versuchen Sie es noch einmal. Wenn es wieder geschieht, sagen Sie den Betreibern der Anwendung Bescheid.",
        },
        redirect_uri: ErrorText {
            title: "Diesem Anmeldelink zu folgen ist nicht sicher",
            text: "Die Anwendung will, dass Sie zu einer Adresse zurückkehren, die für sie nicht eingetragen ist. Darum haben wir hier angehalten.",
            next: "Versuchen Sie nicht, weiterzugehen. Wenn Sie der Anwendung vertrauen, sagen Sie ihren Betreibern Bescheid.",
        },
        bad_request: ErrorText {
            title: "Diese Anfrage war nicht zu verstehen",
            text: "Die Anwendung, die Sie hierher geschickt hat, hat in ihrer Anfrage einen Fehler gemacht.",
            next: "Gehen Sie zurück, und versuchen Sie es noch einmal. Wenn es wieder geschieht, sagen Sie den Betreibern der Anwendung Bescheid.",
        },
        expired: ErrorText {
            title: "Diese Anmeldung ist abgelaufen",
            text: "Sie war zu lange offen, oder sie ist schon abgeschlossen, vielleicht in einem anderen Tab.",
            next: "Gehen Sie zurück zur Anwendung, und melden Sie sich von dort aus neu an.",
        },
        foreign_form: ErrorText {
            title: "Dieses Formular haben wir nicht angenommen",
            text: "Es kam nicht von einer unserer Seiten, oder die Seite war zu lange geöffnet. Es wurde nichts geändert.",
            next: "Gehen Sie zurück, laden Sie die Seite neu, und versuchen Sie es noch einmal.",
        },
        too_many: ErrorText {
            title: "Einen Augenblick, bitte",
            text: "Aus Ihrem Netz kamen mehr Anfragen, als wir auf einmal annehmen.",
            next: "Warten Sie eine Minute, und versuchen Sie es dann noch einmal.",
        },
        busy: ErrorText {
            title: "Wir sind gleich wieder da",
            text: "Im Moment können wir nicht antworten. Es liegt nicht an Ihnen, und nichts ist verloren.",
            next: "Versuchen Sie es gleich noch einmal.",
        },
        broken: ErrorText {
            title: "Bei uns ist etwas schiefgegangen",
            text: "Es liegt nicht an Ihnen. Der Fehler ist festgehalten, damit wir ihm nachgehen können.",
            next: "Versuchen Sie es gleich noch einmal. Wenn es wieder geschieht, nennen Sie uns die Kennung unten.",
        },
        not_found: ErrorText {
            title: "Hier ist nichts",
            text: "Vielleicht ist die Adresse vertippt, oder was hier war, gibt es nicht mehr.",
            next: "Prüfen Sie die Adresse, oder gehen Sie dorthin zurück, woher Sie kamen.",
        },
        bad_logout: ErrorText {
            title: "So konnten wir Sie nicht abmelden",
            text: "Der Wunsch der Anwendung, Sie abzumelden, ließ sich nicht überprüfen. Darum wurde nichts geändert.",
            next: "Auf Ihrer Kontoseite können Sie sich abmelden.",
        },
    },
    times: Times {
        just_now: "gerade eben",
        ago: |length| format!("vor {length}"),
        on: |date| format!("am {date}"),
        seconds: |n| count(n, "Sekunde", "Sekunden"),
        minutes: |n| count(n, "Minute", "Minuten"),
        hours: |n| count(n, "Stunde", "Stunden"),
        days: |n| count(n, "Tag", "Tagen"),
        date: |day, month, year| format!("{day}. {month} {year}"),
        months: [
            "Januar",
            "Februar",
            "März",
            "April",
            "Mai",
            "Juni",
            "Juli",
            "August",
            "September",
            "Oktober",
            "November",
            "Dezember",
        ],
    },
};

fn count(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
