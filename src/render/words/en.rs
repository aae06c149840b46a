//! English.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "en",
    language: Language::English,
    endonym: "English",
    common: Common {
        support: "Help",
        privacy: "Privacy",
        imprint: "Legal notice",
        title: |what, place| format!("{what} – {place}"),
        problem: "Error: ",
        footer: "More information",
        language: "Language",
        new_tab: "opens in a new tab",
        show_password: "Show password",
        caps_lock: "Caps Lock is on.",
        copy: "Copy",
        copied: "Copied",
        back_to: |client| format!("Back to {client}"),
        password: "Password",
        signed_in_as: "Signed in as",
        not_you: "Not you?",
        your_account: "Your account",
        sign_out: "Sign out",
        to_continue_to: |client| format!("to continue to {client}"),
    },
    claims: Claims {
        name: |name| {
            Some(match name {
                "name" => "name",
                "given_name" => "first name",
                "family_name" => "last name",
                "middle_name" => "middle name",
                "nickname" => "nickname",
                "preferred_username" => "username",
                "profile" => "profile page",
                "picture" => "picture",
                "website" => "website",
                "email" => "e-mail address",
                "email_verified" => "whether your e-mail address is confirmed",
                "gender" => "gender",
                "birthdate" => "date of birth",
                "zoneinfo" => "time zone",
                "locale" => "language",
                "phone_number" => "phone number",
                "phone_number_verified" => "whether your phone number is confirmed",
                "address" => "postal address",
                "updated_at" => "when your details last changed",
                _ => return None,
            })
        },
        see: |list| format!("See these details: {list}"),
    },
    form_post: FormPost {
        title: |client| format!("Taking you to {client}"),
        detail: "This should take only a moment. If nothing happens, go on yourself:",
        submit: "Continue",
    },
    scopes: Scopes {
        openid: ScopeWords {
            short: None,
            name: "Recognise you",
            detail: "By a lasting identifier, so that it knows you the next time.",
        },
        profile: ScopeWords {
            short: Some("profile"),
            name: "See your profile",
            detail: "Your name, picture, language and similar details.",
        },
        email: ScopeWords {
            short: Some("e-mail address"),
            name: "See your e-mail address",
            detail: "And whether it has been confirmed.",
        },
        address: ScopeWords {
            short: Some("postal address"),
            name: "See your postal address",
            detail: "Street, town, postcode and country.",
        },
        phone: ScopeWords {
            short: Some("phone number"),
            name: "See your phone number",
            detail: "And whether it has been confirmed.",
        },
        offline_access: ScopeWords {
            short: None,
            name: "Stay connected while you are away",
            detail: "It keeps its access when you are not using it.",
        },
    },
    error: ErrorPage {
        next: "What you can do",
        facts: "Details for support",
        code: "Error",
        why: "Reason",
        reference: "Reference",
        help: "Get help",
        subject: |reference| format!("Help with error {reference}"),
        time: "Time",
    },
    error_kinds: ErrorTexts {
        unknown_client: ErrorText {
            title: "We do not know this application",
            text: "The application that sent you here is not registered with us, or has been switched off.",
            next: "Go back and try again. If it keeps happening, contact the operators of the application.",
        },
        redirect_uri: ErrorText {
            title: "This sign-in link is not safe to follow",
            text: "The application wants you to return to an address that is not registered for it, so we stopped here.",
            next: "Do not try to go on. If you trust the application, contact its operators.",
        },
        bad_request: ErrorText {
            title: "That request was not understood",
            text: "The application that sent you here made a mistake in its request.",
            next: "Go back and try again. If it keeps happening, contact the operators of the application.",
        },
        expired: ErrorText {
            title: "This sign-in has expired",
            text: "It was open for too long, or has already been finished, perhaps in another tab.",
            next: "Go back to the application and sign in from there again.",
        },
        foreign_form: ErrorText {
            title: "We did not accept that form",
            text: "It did not come from one of our own pages, or the page had been open for too long. Nothing has been changed.",
            next: "Go back, reload the page and try again.",
        },
        too_many: ErrorText {
            title: "One moment, please",
            text: "More requests came from your network than we take on at once.",
            next: "Wait a minute, then try again.",
        },
        busy: ErrorText {
            title: "We will be right back",
            text: "We cannot answer just now. It is not your fault, and nothing has been lost.",
            next: "Try again in a moment.",
        },
        broken: ErrorText {
            title: "Something went wrong on our side",
            text: "It is not your fault. It has been recorded, so that we can look into it.",
            next: "Try again in a moment. If it keeps happening, tell us the reference below.",
        },
        not_found: ErrorText {
            title: "There is nothing here",
            text: "The address may be mistyped, or what was here is gone.",
            next: "Check the address, or go back to where you came from.",
        },
        bad_logout: ErrorText {
            title: "We could not sign you out this way",
            text: "The application’s request to sign you out could not be verified, so nothing was changed.",
            next: "You can sign out on your account page.",
        },
    },
    times: Times {
        just_now: "just now",
        ago: |length| format!("{length} ago"),
        on: |date| format!("on {date}"),
        seconds: |n| count(n, "second", "seconds"),
        minutes: |n| count(n, "minute", "minutes"),
        hours: |n| count(n, "hour", "hours"),
        days: |n| count(n, "day", "days"),
        date: |day, month, year| format!("{day} {month} {year}"),
        months: [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
    },
};

fn count(n: i64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
