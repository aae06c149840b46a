//! German.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "de",
    language: "Deutsch",
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
    },
    login: Login {
        title: "Anmelden",
        title_to: |client| format!("Bei {client} anmelden"),
        confirm: "Bestätigen Sie, dass Sie es sind",
        subtitle: |organisation| format!("mit Ihrem Konto bei {organisation}"),
        identifier: "Benutzername oder E-Mail-Adresse",
        password: "Passwort",
        keep: "Angemeldet bleiben",
        keep_detail: "Nur auf einem Gerät, das Ihnen allein gehört.",
        submit: "Anmelden",
        back: |client| format!("Zurück zu {client}"),
        wrong: "Das hat nicht zusammengepasst. Bitte prüfen Sie Benutzername oder E-Mail-Adresse und Passwort, und versuchen Sie es noch einmal.",
        wrong_password: "Dieses Passwort hat nicht gestimmt. Bitte versuchen Sie es noch einmal.",
        throttled: |wait| {
            format!("Das waren zu viele Versuche. Sie können es in {wait} wieder versuchen.")
        },
        expired: "Diese Seite war zu lange geöffnet. Bitte melden Sie sich noch einmal an.",
        busy: "Gerade melden sich viele Menschen an. Bitte versuchen Sie es gleich noch einmal.",
        cookies: "Ihr Browser hat unser Cookie nicht zurückgeschickt. Bitte erlauben Sie Cookies für diese Seite, und versuchen Sie es noch einmal.",
    },
    select: Select {
        title: "Konto wählen",
        subtitle: |client| format!("um mit {client} fortzufahren"),
        other: "Ein anderes Konto verwenden",
    },
    consent: Consent {
        title: |client| format!("Darf {client} Ihr Konto verwenden?"),
        account: "Angemeldet als",
        not_you: "Nicht Sie?",
        asks: |client| format!("{client} möchte"),
        also: |client| format!("{client} möchte nun auch"),
        in_api: |api| format!("In {api}"),
        optional: "freiwillig",
        claims: |list| format!("Diese Angaben sehen: {list}"),
        offline: "Verbunden bleiben, wenn Sie nicht da sind",
        offline_detail: "Der Zugriff bleibt bestehen, auch wenn Sie die Anwendung nicht benutzen, bis Sie ihn zurücknehmen.",
        allow: "Erlauben",
        deny: "Ablehnen",
        destination: |host| format!("Danach geht es weiter zu {host}."),
        withdraw: "Sie können das jederzeit auf Ihrer Kontoseite zurücknehmen.",
        policy: |client| format!("Datenschutz bei {client}"),
        terms: |client| format!("Bedingungen von {client}"),
        claim: |name| {
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
        expired: "Während diese Seite offen war, hat sich etwas geändert. Bitte sehen Sie noch einmal hin, und entscheiden Sie dann.",
    },
    account: Account {
        title: "Ihr Konto",
        sign_out: "Abmelden",
        sessions: "Wo Sie angemeldet sind",
        sessions_detail: "Wenn Sie etwas davon nicht kennen, melden Sie es ab, und ändern Sie Ihr Passwort.",
        this_device: "Dieses Gerät",
        device: |browser, system| format!("{browser} auf {system}"),
        unknown_device: "Unbekanntes Gerät",
        since: |time| format!("Angemeldet {time}"),
        active: |time| format!("Aktiv {time}"),
        end: "Abmelden",
        end_others: "Überall sonst abmelden",
        applications: "Anwendungen mit Zugriff",
        applications_detail: "Diese können Ihr Konto verwenden. Wenn Sie das zurücknehmen, gilt es sofort.",
        no_applications: "Keine Anwendung hat Zugriff auf Ihr Konto.",
        allowed: |time| format!("Erlaubt {time}"),
        entered: |time| format!("Sie haben sich {time} angemeldet"),
        used: |time| format!("Zuletzt benutzt {time}"),
        offline: "Arbeitet auch, wenn Sie nicht da sind",
        more: |n| format!("{n} weitere anzeigen"),
        sections: "Auf dieser Seite",
        may: "Was sie darf",
        withdraw: "Zurücknehmen",
        ended: "Die Sitzung wurde beendet.",
        ended_others: "Sie sind überall sonst abgemeldet.",
        withdrawn: "Der Zugriff wurde zurückgenommen.",
        password_changed: "Ihr Passwort ist geändert, und Sie sind überall sonst abgemeldet.",
        expired: "Diese Seite war zu lange geöffnet, darum wurde nichts geändert. Bitte versuchen Sie es noch einmal.",
    },
    details: Details {
        title: "Ihre Angaben",
        detail: |organisation| {
            format!(
                "Das weiß {organisation} über Sie. Wenn etwas nicht stimmt, sagen Sie {organisation} Bescheid: Hier lässt es sich nicht ändern."
            )
        },
        verified: "bestätigt",
        unverified: "nicht bestätigt",
        since: "Konto seit",
    },
    security: Security {
        title: "Sicherheit",
        changed: |time| format!("Zuletzt geändert {time}"),
        no_password: "Keines gesetzt",
        browsers: "Bekannte Browser",
        browsers_detail: "Mit ihnen haben Sie sich schon angemeldet. Sie kommen auch hinein, während jemand anderes Ihr Passwort zu erraten versucht.",
    },
    activity: Activity {
        title: "Letzte Aktivitäten",
        detail: "Wenn Sie etwas davon nicht kennen, ändern Sie Ihr Passwort, und melden Sie sich überall sonst ab.",
        none: "Bisher ist nichts geschehen.",
        times: |n, more| if more { format!("{n}-mal oder öfter") } else { format!("{n}-mal") },
        an_application: "eine Anwendung",
        signed_in: "Angemeldet",
        sign_in_failed: "Anmeldung fehlgeschlagen",
        signed_out: "Abgemeldet",
        session_ended: "Ein Gerät wurde abgemeldet",
        others_ended: "Überall sonst abgemeldet",
        allowed: |client| format!("Zugriff erlaubt: {client}"),
        denied: |client| format!("Zugriff abgelehnt: {client}"),
        withdrawn: |client| format!("Zugriff zurückgenommen: {client}"),
        password_changed: "Passwort geändert",
        password_failed: "Passwort nicht geändert: Das jetzige war falsch",
        password_set: "Passwort durch die Verwaltung gesetzt",
        created: "Konto angelegt",
        updated: "Angaben durch die Verwaltung geändert",
        unlocked: "Anmeldung durch die Verwaltung freigegeben",
        disabled: "Konto durch die Verwaltung gesperrt",
        enabled: "Konto durch die Verwaltung wieder geöffnet",
    },
    password: Password {
        title: "Passwort ändern",
        detail: "Hier bleiben Sie angemeldet, überall sonst werden Sie abgemeldet.",
        current: "Jetziges Passwort",
        new: "Neues Passwort",
        rule: |least| {
            format!(
                "Mindestens {least} Zeichen. Mehrere Wörter hintereinander sind leicht zu merken und schwer zu erraten."
            )
        },
        again: "Neues Passwort, noch einmal",
        submit: "Passwort ändern",
        wrong: "Das ist nicht Ihr jetziges Passwort.",
        short: |least| {
            format!("Das neue Passwort ist zu kurz: Es braucht mindestens {least} Zeichen.")
        },
        long: "Das neue Passwort ist zu lang. Bitte wählen Sie ein kürzeres.",
        weak: "Dieses Passwort ist leicht zu erraten. Bitte wählen Sie ein anderes.",
        differ: "Die beiden neuen Passwörter sind nicht gleich.",
        same: "Das neue Passwort ist das, das Sie schon haben.",
    },
    logout: Logout {
        title: |organisation| format!("Bei {organisation} abmelden?"),
        asked_by: |client| format!("{client} möchte Sie abmelden."),
        detail: "Wenn Sie das nächste Mal eine Anwendung mit diesem Konto benutzen, melden Sie sich wieder an.",
        yes: "Abmelden",
        no: "Angemeldet bleiben",
        done: "Sie sind abgemeldet",
        done_detail: |organisation| {
            format!("Ihr Konto bei {organisation} ist auf diesem Gerät abgemeldet. Bis bald.")
        },
        again: "Wieder anmelden",
    },
    home: Home {
        title: |organisation| format!("Ihr Konto bei {organisation}"),
        detail: |organisation| {
            format!(
                "Ein Konto für die Anwendungen von {organisation}. Sehen Sie, wo Sie angemeldet sind und was Zugriff hat, oder ändern Sie Ihr Passwort."
            )
        },
        account: "Zu Ihrem Konto",
    },
    form_post: FormPost {
        title: |client| format!("Weiter zu {client}"),
        detail: "Das dauert nur einen Augenblick. Falls nichts geschieht, gehen Sie selbst weiter:",
        submit: "Weiter",
    },
    scopes: Scopes {
        openid: ScopeWords {
            name: "Sie wiedererkennen",
            detail: "An einer bleibenden Kennung, damit die Anwendung Sie beim nächsten Mal kennt.",
        },
        profile: ScopeWords {
            name: "Ihr Profil sehen",
            detail: "Name, Bild, Sprache und ähnliche Angaben.",
        },
        email: ScopeWords {
            name: "Ihre E-Mail-Adresse sehen",
            detail: "Und ob sie bestätigt ist.",
        },
        address: ScopeWords {
            name: "Ihre Postanschrift sehen",
            detail: "Straße, Ort, Postleitzahl und Land.",
        },
        phone: ScopeWords {
            name: "Ihre Telefonnummer sehen", detail: "Und ob sie bestätigt ist."
        },
        offline_access: ScopeWords {
            name: "Verbunden bleiben, wenn Sie nicht da sind",
            detail: "Der Zugriff bleibt, auch wenn Sie die Anwendung nicht benutzen.",
        },
    },
    error: ErrorPage {
        next: "Was Sie tun können",
        facts: "Für alle, die der Sache nachgehen",
        code: "Fehler",
        why: "Grund",
        reference: "Kennung",
        time: "Zeit",
    },
    troubles: Troubles {
        unknown_client: Plain {
            title: "Diese Anwendung kennen wir nicht",
            text: "Die Anwendung, die Sie hierher geschickt hat, ist bei uns nicht eingetragen oder abgeschaltet.",
            next: "Gehen Sie zurück, und versuchen Sie es noch einmal. Wenn es wieder geschieht, sagen Sie den Betreibern der Anwendung Bescheid.",
        },
        redirect_uri: Plain {
            title: "Diesem Anmeldelink zu folgen ist nicht sicher",
            text: "Die Anwendung will, dass Sie zu einer Adresse zurückkehren, die für sie nicht eingetragen ist. Darum haben wir hier angehalten.",
            next: "Versuchen Sie nicht, weiterzugehen. Wenn Sie der Anwendung vertrauen, sagen Sie ihren Betreibern Bescheid.",
        },
        bad_request: Plain {
            title: "Diese Anfrage war nicht zu verstehen",
            text: "Die Anwendung, die Sie hierher geschickt hat, hat in ihrer Anfrage einen Fehler gemacht.",
            next: "Gehen Sie zurück, und versuchen Sie es noch einmal. Wenn es wieder geschieht, sagen Sie den Betreibern der Anwendung Bescheid.",
        },
        expired: Plain {
            title: "Diese Anmeldung ist abgelaufen",
            text: "Sie war zu lange offen, oder sie ist schon abgeschlossen, vielleicht in einem anderen Tab.",
            next: "Gehen Sie zurück zur Anwendung, und melden Sie sich von dort aus neu an.",
        },
        foreign_form: Plain {
            title: "Dieses Formular haben wir nicht angenommen",
            text: "Es kam nicht von einer unserer Seiten, oder die Seite war zu lange geöffnet. Es wurde nichts geändert.",
            next: "Gehen Sie zurück, laden Sie die Seite neu, und versuchen Sie es noch einmal.",
        },
        too_many: Plain {
            title: "Einen Augenblick, bitte",
            text: "Aus Ihrem Netz kamen mehr Anfragen, als wir auf einmal annehmen.",
            next: "Warten Sie eine Minute, und versuchen Sie es dann noch einmal.",
        },
        busy: Plain {
            title: "Wir sind gleich wieder da",
            text: "Im Moment können wir nicht antworten. Es liegt nicht an Ihnen, und nichts ist verloren.",
            next: "Versuchen Sie es gleich noch einmal.",
        },
        broken: Plain {
            title: "Bei uns ist etwas schiefgegangen",
            text: "Es liegt nicht an Ihnen. Der Fehler ist festgehalten, damit wir ihm nachgehen können.",
            next: "Versuchen Sie es gleich noch einmal. Wenn es wieder geschieht, nennen Sie uns die Kennung unten.",
        },
        not_found: Plain {
            title: "Hier ist nichts",
            text: "Vielleicht ist die Adresse vertippt, oder was hier war, gibt es nicht mehr.",
            next: "Prüfen Sie die Adresse, oder gehen Sie dorthin zurück, woher Sie kamen.",
        },
        bad_logout: Plain {
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
