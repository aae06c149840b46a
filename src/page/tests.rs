//! Renders every page with sample data, in every language.
//!
//! The pages are also written to `target/pages/`, for viewing, screenshots and axe.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use askama::Template as _;

use super::account::view::{
    Account, ActivityLine, Application, Detail, Notice, PasswordForm, PasswordProblem, SessionLine,
};
use super::consent::access::{Api, RequestedAccess, ScopeLine};
use super::consent::view::Consent;
use super::home::view::Home;
use super::login::view::{Login, LoginProblem};
use super::logout::view::{Logout, SignedOut};
use super::select_account::view::SelectAccount;
use super::view::{Client, Person};
use crate::people::activity::ActivityKind;
use crate::render::language::Place;
use crate::render::layout::{Brand, Layout, Link, Look, Picture};
use crate::render::support::{Report, Support};
use crate::render::user_agent::Device;
use crate::render::view::{ErrorPage, FormPost};
use crate::render::words::{ErrorKind, LANGUAGES, Words};
use crate::types::{Seconds, Timestamp};

const NOW: Timestamp = Timestamp(1_795_000_000);
const HOSTILE: &str = "\"><script>alert(1)</script>'";

fn look() -> Look {
    let brand = Brand {
        support: Some(Support::at("mailto:help@meadowlark.example")),
        privacy: Some("https://meadowlark.example/privacy".to_owned()),
        imprint: Some("https://meadowlark.example/imprint".to_owned()),
        ..Brand::named("Meadowlark")
    };
    Look::new(brand, "")
}

fn login<'a>(layout: Layout<'a>, name: &'a str) -> Login<'a> {
    Login {
        layout,
        client: Some(Client { name, logo: None }),
        destination: Some("photos.example"),
        person: None,
        other: false,
        identifier: "",
        keep: false,
        csrf: "form-token",
        request: Some("gw_rq_handle"),
        next: None,
        problem: None,
    }
}

fn person(name: &str) -> Person<'_> {
    Person { name, handle: "ada@meadowlark.example" }
}

fn consent<'a>(layout: Layout<'a>, name: &'a str) -> Consent<'a> {
    let standard = |scope| {
        let words = layout.words.scope(scope).unwrap();
        ScopeLine { name: words.name, detail: Some(words.detail), ..ScopeLine::of(scope) }
    };
    Consent {
        layout,
        client: Client { name, logo: None },
        home: Link::to("https://photos.example/start"),
        policy: Link::to("https://photos.example/privacy"),
        terms: Link::to("https://photos.example/terms"),
        destination: Some("photos.example"),
        person: person("Ada Lovelace"),
        access: RequestedAccess {
            about: vec![standard("openid"), standard("profile"), standard("email")],
            claims: vec!["birthdate", "zoneinfo"],
            apis: vec![Api {
                name: "Album",
                scopes: vec![
                    ScopeLine {
                        name: "Delete albums",
                        sensitive: true,
                        ..ScopeLine::of("album:delete")
                    },
                    ScopeLine {
                        name: "Look at your albums",
                        detail: Some("All of them, and the pictures in them."),
                        ..ScopeLine::of("album:read")
                    },
                    ScopeLine {
                        name: "Add pictures to your albums",
                        ..ScopeLine::of("album:write")
                    },
                    ScopeLine {
                        name: "Share albums with others",
                        detail: Some("In your name."),
                        sensitive: true,
                        ..ScopeLine::of("album:share")
                    },
                ],
            }],
            others: vec![ScopeLine::of("album:undeclared")],
            offline: true,
        },

        csrf: "form-token",
        request: "gw_rq_handle",
        content_digest: "digest-of-the-content",
        expired: false,
    }
}

fn account<'a>(layout: Layout<'a>, name: &'a str) -> Account<'a> {
    let session = |id, user_agent, address, since, active| SessionLine {
        id,
        device: Device::from_user_agent(user_agent),
        address,
        since: NOW - Seconds(since),
        active: NOW - Seconds(active),
        is_current: id == "here",
    };
    let application = |name, since, needed_consent: bool, may: Vec<&'static str>| Application {
        id: if name == "Ledger" { "ledger" } else { "photos" },
        client: Client { name, logo: None },
        home: needed_consent.then(|| Link::to("https://photos.example/start")).flatten(),
        host: (!needed_consent).then_some("ledger.meadowlark.example"),
        since: NOW - Seconds(since),
        needed_consent,
        used: Some(NOW - Seconds(since / 9)),
        offline: needed_consent,
        may: may.into_iter().map(Into::into).collect(),
    };
    let detail = |name, value: &'static str, verified| Detail {
        name: (layout.words.claims.name)(name).unwrap(),
        value: value.into(),
        verified,
    };
    let happened = |kind, client: Option<&'a str>, count, is_current, since| ActivityLine {
        kind,
        client: client.map(Into::into),
        device: (count == 1).then(|| Device::from_user_agent("Firefox/145.0 Linux")),
        address: (count == 1).then_some("198.51.100.24"),
        at: NOW - Seconds(since),
        count,
        is_current,
    };
    Account {
        layout,
        person: person("Ada Lovelace"),
        details: vec![
            detail("name", "Ada Lovelace", None),
            detail("preferred_username", "ada", None),
            detail("email", "ada@meadowlark.example", Some(true)),
            detail("phone_number", "+44 20 7946 0000", Some(false)),
            detail("address", "12 St James's Square\nSW1Y 4JH London", None),
        ],
        csrf: "form-token",
        form: "form",
        notice: None,
        sessions: vec![
            session("here", "Firefox/145.0 Linux", "198.51.100.24", 5400, 3),
            session("phone", "Safari/604.1 iPhone", "2001:db8:85a3::8a2e:370:7334", 864_000, 7300),
            session("other", "something", "203.0.113.7", 3_000_000, 90_000),
        ],
        applications: vec![
            application(name, 6_000_000, true, vec!["See your profile", "See your e-mail address"]),
            application("Ledger", 40_000, false, vec!["Recognise you"]),
        ],
        password_set_at: Some(NOW - Seconds(7_000_000)),
        browsers: 3,
        activity: vec![
            happened(ActivityKind::SignedIn, None, 1, true, 5400),
            happened(ActivityKind::SignInFailed, None, 20, false, 9000),
            happened(ActivityKind::Allowed, Some(name), 1, true, 6_000_000),
            happened(ActivityKind::Withdrawn, None, 1, false, 6_100_000),
        ],
        least: 12,
        password: PasswordForm::default(),
    }
}

/// Every page, with an application and users of this name.
fn pages(look: &Look, words: &'static Words, name: &str) -> Vec<(String, String)> {
    let layout = Layout { look, words, now: NOW, place: Some(Place::default()) };
    let client = Client { name, logo: None };
    let user_name = if name == HOSTILE { HOSTILE } else { "Ada Lovelace" };
    let mut pages = Vec::new();
    let mut add = |page: &str, html: askama::Result<String>| {
        pages.push((page.to_owned(), html.unwrap()));
    };

    add("home", Home { layout }.render());
    add("login", login(layout, name).render());
    let own = Login { client: None, destination: None, request: None, ..login(layout, name) };
    add("login-account", own.render());
    let confirms = || Login {
        person: Some(person(user_name)),
        identifier: "ada@meadowlark.example",
        ..login(layout, name)
    };
    add("login-confirm", confirms().render());
    let wrong = Login { problem: Some(LoginProblem::Wrong), ..confirms() };
    add("login-confirm-wrong", wrong.render());
    let again = |problem| Login {
        identifier: "ada@meadowlark.example",
        keep: true,
        problem: Some(problem),
        ..login(layout, name)
    };
    add("login-wrong", again(LoginProblem::Wrong).render());
    add("login-throttled", again(LoginProblem::Throttled(Seconds(250))).render());
    add("login-expired", again(LoginProblem::Expired).render());
    add("login-busy", again(LoginProblem::Busy).render());
    add("login-cookies", again(LoginProblem::Cookies).render());
    let destination = Some("photos.example");
    let select = SelectAccount {
        layout,
        client,
        destination,
        person: person(user_name),
        csrf: "t",
        request: "r",
    };
    add("select-account", select.render());
    add("consent", consent(layout, name).render());
    let short = Consent {
        access: RequestedAccess {
            claims: Vec::new(),
            apis: Vec::new(),
            others: Vec::new(),
            offline: false,
            ..consent(layout, name).access
        },
        home: None,
        terms: None,

        expired: true,
        ..consent(layout, name)
    };
    add("consent-again", short.render());
    add("account", account(layout, name).render());
    for notice in Notice::ALL {
        let page = Account { notice: Some(notice), ..account(layout, name) };
        add(&format!("account-{}", notice.as_str()), page.render());
    }
    let empty = Account {
        applications: Vec::new(),
        activity: Vec::new(),
        password_set_at: None,
        ..account(layout, name)
    };
    add("account-empty", Account { sessions: empty.sessions[..1].to_vec(), ..empty }.render());
    let problems = [
        ("wrong", PasswordProblem::Wrong),
        ("unproven", PasswordProblem::Unproven),
        ("short", PasswordProblem::Short(12)),
        ("long", PasswordProblem::Long),
        ("weak", PasswordProblem::Weak),
        ("differ", PasswordProblem::Differ),
        ("same", PasswordProblem::Same),
        ("throttled", PasswordProblem::Throttled(Seconds(70))),
        ("busy", PasswordProblem::Busy),
    ];
    for (page, problem) in problems {
        let proof = matches!(page, "short" | "differ").then_some("sealed");
        let password = PasswordForm { problem: Some(problem), proof };
        let account = Account { password, ..account(layout, name) };
        add(&format!("account-password-{page}"), account.render());
    }
    let person = person("Ada Lovelace");
    let logout = Logout { layout, client: Some(client), person, csrf: "t" };
    add("logout", logout.render());
    add("signed-out", SignedOut { layout, home: None }.render());
    let home = Link::to("https://photos.example/start").map(|link| (name.into(), link));
    add("signed-out-by", SignedOut { layout, home }.render());
    for kind in ErrorKind::ALL {
        let error = ErrorPage {
            layout,
            kind: *kind,
            code: "invalid_request",
            why: Some("redirect_uri is not registered for this client"),
            reference: "0199c1f2-7b54-7c1e-9d0a-4f1f3c8b2a61",
            home: matches!(kind, ErrorKind::Expired | ErrorKind::RedirectUri)
                .then(|| Some((name.into(), Link::to("https://photos.example/")?)))
                .flatten(),
            support: look.brand.support.as_ref().map(|support| {
                let (about, reference) = ((words.error.subject)("0199c1f2"), "0199c1f2");
                support.about(&Report { about, reference, code: "invalid_request", at: NOW })
            }),
            account: "/account",
        };
        add(&format!("error-{kind:?}").to_lowercase(), error.render());
    }
    let fields = [("code", "gw_code_0"), ("state", name), ("iss", "https://id.example")];
    let action = "https://photos.example/callback";
    add("form-post", FormPost { layout, client: name, action, fields: &fields }.render());
    pages
}

/// The values of an attribute, in order.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_page_is_written_to_a_file() {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    let look = look();
    for words in LANGUAGES {
        let folder = target.join(words.lang);
        std::fs::create_dir_all(&folder).unwrap();
        for (page, html) in pages(&look, words, "Photos") {
            // Pages that are opened as files find their style sheets by a relative path.
            let html = html.replace("/static/", "../static/");
            std::fs::write(folder.join(format!("{page}.html")), html).unwrap();
        }
    }
    let files: PathBuf = target.join("static");
    std::fs::create_dir_all(&files).unwrap();
    for name in ["gatewright.css", "icon.svg", "form_post.js", "page.js"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("static").join(name);
        std::fs::copy(from, files.join(name)).unwrap();
    }
    std::fs::write(files.join("brand.css"), look.brand.css()).unwrap();
}

/// The Content-Security-Policy forbids them.
#[test]
fn no_page_has_inline_styles_or_scripts() {
    for (page, html) in pages(&look(), LANGUAGES[0], "Photos") {
        for forbidden in ["<style", " style=", "javascript:", " onclick", " onload"] {
            assert!(!html.contains(forbidden), "{page} has {forbidden}");
        }
        let script = if page == "form-post" { "form_post.js" } else { "page.js" };
        assert_eq!(html.matches("<script").count(), 1, "{page}");
        assert!(html.contains(&format!("<script src=\"/static/{script}?v=")), "{page}");
    }
}

/// THREATS UI-08: values are escaped.
#[test]
fn values_are_escaped() {
    for (page, html) in pages(&look(), LANGUAGES[0], HOSTILE) {
        assert!(!html.contains("<script>"), "{page}");
        assert!(!html.contains(HOSTILE), "{page}");
    }
}

/// One `h1`, one `main`, unique ids, and no dangling reference.
#[test]
fn every_page_has_an_accessible_structure() {
    for (page, html) in pages(&look(), LANGUAGES[0], "Photos") {
        assert_eq!(html.matches("<h1>").count(), 1, "{page}");
        assert_eq!(html.matches("<main>").count(), 1, "{page}");
        let ids = values(&html, "id");
        let unique: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), unique.len(), "{page}: {ids:?}");
        for attribute in ["for", "aria-describedby", "aria-labelledby", "form"] {
            for target in values(&html, attribute).iter().flat_map(|list| list.split(' ')) {
                assert!(unique.contains(target), "{page}: {attribute}={target}");
            }
        }
    }
}

#[test]
fn every_page_declares_its_language() {
    let look = look();
    for words in LANGUAGES {
        for (page, html) in pages(&look, words, "Photos") {
            assert!(html.contains(&format!("<html lang=\"{}\">", words.lang)), "{page}");
            assert!(!html.contains("  </title>") && !html.contains("<title></title>"), "{page}");
        }
    }
}

#[test]
fn a_wrong_password_keeps_the_other_fields_and_is_explained() {
    let look = look();
    let layout =
        Layout { look: &look, words: LANGUAGES[0], now: NOW, place: Some(Place::default()) };
    let page = Login {
        identifier: "ada@example.org",
        keep: true,
        problem: Some(LoginProblem::Wrong),
        ..login(layout, "Photos")
    };

    let html = page.render().unwrap();

    assert!(html.contains("<title>Error: Sign in to Photos – Meadowlark</title>"), "{html}");
    assert!(html.contains("role=\"alert\""));
    assert!(html.contains("value=\"ada@example.org\""));
    assert!(html.contains("value=\"on\" aria-describedby=\"keep-detail\" checked"));
    assert_eq!(html.matches("aria-invalid=\"true\" aria-describedby=\"problem\"").count(), 2);
}

/// The decisions are buttons of one form. Consent is for everything that is listed: there are no checkboxes.
#[test]
fn consent_can_be_given_and_refused() {
    let look = look();
    let layout =
        Layout { look: &look, words: LANGUAGES[0], now: NOW, place: Some(Place::default()) };

    let html = consent(layout, "Photos").render().unwrap();

    let answers: Vec<&str> = values(&html, "value")
        .into_iter()
        .filter(|value| ["allow", "deny", "other"].contains(value))
        .collect();
    assert_eq!(answers, ["other", "deny", "allow"]);
    assert!(!html.contains("type=\"checkbox\""));
    assert!(html.contains("See these details: date of birth, time zone"));
}

/// A logo lies on a light plate in the dark scheme, unless there is one for that scheme.
#[test]
fn a_logo_is_visible_in_both_schemes() {
    let picture = |name: &str| {
        let bytes = format!("<svg>{name}</svg>").into();
        Some(Picture { bytes, media_type: "image/svg+xml" })
    };
    let page = |brand: Brand| {
        let look = Look::new(brand, "/id");
        let place = Some(Place::default());
        Home { layout: Layout { look: &look, words: LANGUAGES[0], now: NOW, place } }
            .render()
            .unwrap()
    };
    let brand = Brand { logo: picture("logo"), ..Brand::named("Meadowlark") };

    let plated = page(brand.clone());
    let both = page(Brand { logo_dark: picture("dark"), icon: picture("icon"), ..brand });

    assert!(plated.contains("<img class=\"brand-logo plate\" src=\"/id/brand/logo?v="), "{plated}");
    assert!(plated.contains("<link rel=\"icon\" href=\"/id/brand/logo?v="), "{plated}");
    let dark = "<picture><source srcset=\"/id/brand/logo-dark?v=";
    assert!(
        both.contains(dark) && both.contains("media=\"(prefers-color-scheme: dark)\""),
        "{both}"
    );
    assert!(both.contains("<img class=\"brand-logo\" src=\"/id/brand/logo?v="), "{both}");
    assert!(both.contains("<link rel=\"icon\" href=\"/id/brand/icon?v="), "{both}");
}
