//! English.

use super::*;

pub(super) const WORDS: Words = Words {
    lang: "en",
    common: Common {
        support: "Help",
        privacy: "Privacy",
        imprint: "Legal notice",
        title: |what, place| format!("{what} – {place}"),
        problem: "Error: ",
        footer: "More information",
        new_tab: "opens in a new tab",
        show_password: "Show password",
        caps_lock: "Caps Lock is on.",
        copy: "Copy",
        copied: "Copied",
    },
    login: Login {
        title: "Sign in",
        title_to: |client| format!("Sign in to {client}"),
        confirm: "Confirm that it is you",
        subtitle: |organisation| format!("with your {organisation} account"),
        identifier: "Username or e-mail address",
        password: "Password",
        keep: "Keep me signed in",
        keep_detail: "Only on a device that is yours alone.",
        submit: "Sign in",
        back: |client| format!("Back to {client}"),
        wrong: "That did not match. Check the username or e-mail address and the password, and try again.",
        wrong_password: "That password did not match. Try again.",
        throttled: |wait| format!("There have been too many tries. You can try again in {wait}."),
        expired: "This page had been open for too long. Please sign in again.",
        busy: "Many people are signing in just now. Please try again in a moment.",
        cookies: "Your browser did not send back our cookie. Allow cookies for this site, then try again.",
    },
    select: Select {
        title: "Choose an account",
        subtitle: |client| format!("to continue to {client}"),
        other: "Use another account",
    },
    consent: Consent {
        title: |client| format!("Allow {client} to use your account?"),
        account: "Signed in as",
        not_you: "Not you?",
        asks: |client| format!("{client} would like to"),
        also: |client| format!("{client} would now also like to"),
        in_api: |api| format!("In {api}"),
        optional: "optional",
        claims: |list| format!("See these details: {list}"),
        offline: "Stay connected while you are away",
        offline_detail: "It keeps this access when you are not using it, until you withdraw it.",
        allow: "Allow",
        deny: "Deny",
        destination: |host| format!("Afterwards you return to {host}."),
        withdraw: "You can withdraw this at any time on your account page.",
        policy: |client| format!("Privacy policy of {client}"),
        terms: |client| format!("Terms of {client}"),
        claim: |name| {
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
        expired: "Something changed while this page was open. Please look at it again, then decide.",
    },
    account: Account {
        title: "Your account",
        sign_out: "Sign out",
        sessions: "Where you are signed in",
        sessions_detail: "If you do not recognise one of these, sign it out and change your password.",
        this_device: "This device",
        device: |browser, system| format!("{browser} on {system}"),
        unknown_device: "Unknown device",
        since: |time| format!("Signed in {time}"),
        active: |time| format!("Active {time}"),
        end: "Sign out",
        end_others: "Sign out everywhere else",
        applications: "Applications with access",
        applications_detail: "These can use your account. Withdrawing takes effect at once.",
        no_applications: "No application has access to your account.",
        allowed: |time| format!("Allowed {time}"),
        entered: |time| format!("You signed in {time}"),
        may: "What it may do",
        withdraw: "Withdraw",
        ended: "That session has been ended.",
        ended_others: "You have been signed out everywhere else.",
        withdrawn: "Access has been withdrawn.",
        password_changed: "Your password has been changed, and you have been signed out everywhere else.",
        expired: "This page had been open for too long, so nothing was changed. Please try again.",
    },
    password: Password {
        title: "Change your password",
        detail: "You stay signed in here, and are signed out everywhere else.",
        current: "Current password",
        new: "New password",
        rule: |least| {
            format!(
                "At least {least} characters. Several words in a row are easy to remember and hard to guess."
            )
        },
        again: "New password, once more",
        submit: "Change password",
        wrong: "This is not your current password.",
        short: |least| {
            format!("The new password is too short: it needs at least {least} characters.")
        },
        long: "The new password is too long. Please choose a shorter one.",
        weak: "This password is easy to guess. Please choose another.",
        differ: "The two new passwords are not the same.",
        same: "The new password is the one you already have.",
    },
    logout: Logout {
        title: |organisation| format!("Sign out of {organisation}?"),
        asked_by: |client| format!("{client} has asked to sign you out."),
        detail: "You will have to sign in again the next time you use an application with this account.",
        yes: "Sign out",
        no: "Stay signed in",
        done: "You are signed out",
        done_detail: |organisation| {
            format!("You have left your {organisation} account on this device. See you soon.")
        },
        again: "Sign in again",
    },
    home: Home {
        title: |organisation| format!("Your {organisation} account"),
        detail: |organisation| {
            format!(
                "One account for the applications of {organisation}. See where you are signed in and what has access, or change your password."
            )
        },
        account: "Go to your account",
    },
    form_post: FormPost {
        title: |client| format!("Taking you to {client}"),
        detail: "This should take only a moment. If nothing happens, go on yourself:",
        submit: "Continue",
    },
    scopes: Scopes {
        openid: ScopeWords {
            name: "Recognise you",
            detail: "By a lasting identifier, so that it knows you the next time.",
        },
        profile: ScopeWords {
            name: "See your profile",
            detail: "Your name, picture, language and similar details.",
        },
        email: ScopeWords {
            name: "See your e-mail address",
            detail: "And whether it has been confirmed.",
        },
        address: ScopeWords {
            name: "See your postal address",
            detail: "Street, town, postcode and country.",
        },
        phone: ScopeWords {
            name: "See your phone number",
            detail: "And whether it has been confirmed.",
        },
        offline_access: ScopeWords {
            name: "Stay connected while you are away",
            detail: "It keeps its access when you are not using it.",
        },
    },
    error: ErrorPage {
        next: "What you can do",
        facts: "For whoever looks into this",
        code: "Error",
        why: "Reason",
        reference: "Reference",
        time: "Time",
    },
    troubles: Troubles {
        unknown_client: Plain {
            title: "We do not know this application",
            text: "The application that sent you here is not registered with us, or has been switched off.",
            next: "Go back and try again. If it keeps happening, tell the people who run the application.",
        },
        redirect_uri: Plain {
            title: "This sign-in link is not safe to follow",
            text: "The application wants you to return to an address that is not registered for it, so we stopped here.",
            next: "Do not try to go on. If you trust the application, tell the people who run it.",
        },
        bad_request: Plain {
            title: "That request was not understood",
            text: "The application that sent you here made a mistake in its request.",
            next: "Go back and try again. If it keeps happening, tell the people who run the application.",
        },
        expired: Plain {
            title: "This sign-in has expired",
            text: "It was open for too long, or has already been finished, perhaps in another tab.",
            next: "Go back to the application and sign in from there again.",
        },
        foreign_form: Plain {
            title: "We did not accept that form",
            text: "It did not come from one of our own pages, or the page had been open for too long. Nothing has been changed.",
            next: "Go back, reload the page and try again.",
        },
        too_many: Plain {
            title: "One moment, please",
            text: "More requests came from your network than we take on at once.",
            next: "Wait a minute, then try again.",
        },
        busy: Plain {
            title: "We will be right back",
            text: "We cannot answer just now. It is not your fault, and nothing has been lost.",
            next: "Try again in a moment.",
        },
        broken: Plain {
            title: "Something went wrong on our side",
            text: "It is not your fault. It has been recorded, so that we can look into it.",
            next: "Try again in a moment. If it keeps happening, tell us the reference below.",
        },
        not_found: Plain {
            title: "There is nothing here",
            text: "The address may be mistyped, or what was here is gone.",
            next: "Check the address, or go back to where you came from.",
        },
        bad_logout: Plain {
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
