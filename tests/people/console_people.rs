//! The pages of the console about people: what each role sees and may do (THREATS AD-01, AD-05, AD-10, AD-11).

use gatewright::people::account::{self, NewAccount};
use gatewright::people::claims;
use gatewright::store::users;
use gatewright::types::{Role, User, UserId};
use gatewright_store::test_database::execute;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::server::{PASSWORD, Server};

const HOSTILE: &str = "\"><script>alert(1)</script>'";

/// The path of a user's page.
fn path(user: &User) -> String {
    format!("/admin/people/{}", user.id)
}

/// An account with this name and e-mail address, and no password.
async fn person(server: &Server, username: &str, name: &str, email: Option<&str>) -> User {
    let (app, trace) = (server.app(), server.trace());
    let claims = claims::parse(&[format!("name={name}")]).unwrap();
    let new = NewAccount { username, email, email_verified: false, claims, password: None };
    account::create(&app.people(&trace), new).await.unwrap()
}

async fn stored(server: &Server, id: &UserId) -> Option<User> {
    let found = users::with_password(server.app().store.db(), id).await.unwrap();
    found.map(|found| found.user)
}

/// The one-time link on a page.
#[track_caller]
fn link(page: &Page) -> String {
    let text = &page.response.text;
    let start = text.find("/recovery?link=").unwrap_or_else(|| panic!("no link: {page:?}"));
    text[start..].split_once(['<', '"']).unwrap().0.to_owned()
}

/// The names in the list, in its order.
fn listed(page: &Page) -> Vec<String> {
    let rows = page.response.text.split("<td class=\"who-cell\">").skip(1);
    rows.map(|row| row.split_once("<bdi>").unwrap().1.split_once("</bdi>").unwrap().0.to_owned())
        .collect()
}

#[track_caller]
fn assert_denied(page: &Page) {
    assert_eq!(page.response.status, 403, "{page:?}");
}

async fn open_recovery(server: &Server, link: &str) -> u16 {
    Browser::new(server).open(link).await.response.status
}

/// A new person gets a link, sets the password and signs in.
#[tokio::test]
async fn an_administrator_creates_a_person_who_sets_the_password() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let form = admin.open("/admin/people/new").await;
    let typed = [("name", "Ada Marlow"), ("username", "ada"), ("email", "ada@example.org")];

    let page = admin.submit(&form, &typed).await;

    assert!(page.response.text.contains("A link for Ada Marlow"), "{page:?}");
    let mut ada = Browser::new(&server);
    let recovery = ada.open(&link(&page)).await;
    let password = [("new", PASSWORD), ("again", PASSWORD)];
    assert_eq!(ada.submit(&recovery, &password).await.response.status, 200);
    ada.sign_in("ada@example.org").await.assert_page("/account");
}

/// A form that is sent twice creates one account. The link on the later page is valid, the earlier one is not.
#[tokio::test]
async fn a_repeated_form_creates_one_account_and_shows_a_valid_link() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let form = admin.open("/admin/people/new").await;
    let typed = [("name", "Ada"), ("username", "ada"), ("email", "")];

    let first = link(&admin.submit(&form, &typed).await);
    let second = link(&admin.submit(&form, &typed).await);

    assert_ne!(first, second);
    assert_eq!(open_recovery(&server, &first).await, 404);
    assert_eq!(open_recovery(&server, &second).await, 200);
    assert_eq!(listed(&admin.open("/admin/people").await), ["Ada", "root"]);
    let other = [("name", "Grace"), ("username", "grace"), ("email", "")];
    let page = admin.submit(&form, &other).await;
    assert_eq!(page.response.status, 422, "the form has created Ada: {page:?}");
}

/// The identifier in the form is valid only if a page of the session has made it.
#[tokio::test]
async fn a_form_does_not_choose_the_identifier_of_an_account() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let form = admin.open("/admin/people/new").await;
    let chosen = UserId::new();

    let typed = [("id", chosen.as_str()), ("username", "ada"), ("name", ""), ("email", "")];
    link(&admin.submit(&form, &typed).await);

    assert!(stored(&server, &chosen).await.is_none());
}

/// A refused form keeps what was typed.
#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_the_form_is_kept() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    server.user("ada").await;
    let form = admin.open("/admin/people/new").await;

    let typed = [("name", "Ada Again"), ("username", "ADA"), ("email", "ada@example.org")];
    let page = admin.submit(&form, &typed).await;

    assert_eq!(page.response.status, 422);
    for kept in
        ["value=\"Ada Again\"", "value=\"ADA\"", "value=\"ada@example.org\"", "another account"]
    {
        assert!(page.response.text.contains(kept), "{kept}: {page:?}");
    }
}

#[tokio::test]
async fn an_administrator_edits_disables_enables_and_deletes() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let ada = person(&server, "ada", "Ada", Some("ada@example.org")).await;
    let form = admin.open(&format!("{}/edit", path(&ada))).await;
    let typed = [
        ("name", "Ada Marlow"),
        ("given_name", "Ada"),
        ("family_name", ""),
        ("username", "ada.marlow"),
        ("email", "ada@example.org"),
        ("email_verified", "on"),
    ];

    let page = admin.submit(&form, &typed).await;

    assert!(page.response.text.contains("The changes are saved."), "{page:?}");
    let now = stored(&server, &ada.id).await.unwrap();
    assert_eq!((now.display_name(), now.username.as_str()), ("Ada Marlow", "ada.marlow"));
    assert!(now.email_verified && !now.claims.contains_key("family_name"));
    assert_eq!(listed(&admin.open("/admin/people?q=marl").await), ["Ada Marlow"]);

    let page = admin.confirm(&format!("{}/disable", path(&ada))).await;
    assert!(page.response.text.contains("The account is disabled."), "{page:?}");
    assert!(stored(&server, &ada.id).await.unwrap().disabled_at.is_some());
    let refused = admin.confirm(&format!("{}/recover", path(&ada))).await;
    assert!(refused.response.text.contains("the account is disabled"), "{refused:?}");
    admin.confirm(&format!("{}/enable", path(&ada))).await;
    assert!(stored(&server, &ada.id).await.unwrap().disabled_at.is_none());

    let page = admin.confirm(&format!("{}/delete", path(&ada))).await;
    page.assert_page("/admin/people");
    assert!(page.response.text.contains("The account was deleted."), "{page:?}");
    assert!(stored(&server, &ada.id).await.is_none());
    assert_eq!(admin.open(&path(&ada)).await.response.status, 404);
    assert_eq!(listed(&admin.open("/admin/people?q=marl").await), [""; 0]);
}

/// THREATS AD-10: a change that somebody else made is not lost, and neither is what was typed.
#[tokio::test]
async fn a_stale_form_is_refused_and_shows_both_values() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let ada = person(&server, "ada", "Ada", Some("ada@example.org")).await;
    let form = admin.open(&format!("{}/edit", path(&ada))).await;
    // In the same second.
    server.rename_user(&ada, "countess").await;
    let typed = [("name", "Ada Marlow"), ("username", "ada"), ("email", "ada@example.org")];

    let stale = admin.submit(&form, &typed).await;

    assert_eq!(stale.response.status, 409);
    for shown in ["Somebody else changed this person", "value=\"Ada Marlow\"", "Now: countess"] {
        assert!(stale.response.text.contains(shown), "{shown}: {stale:?}");
    }
    assert_eq!(stored(&server, &ada.id).await.unwrap().username, "countess");
    admin.submit(&stale, &typed).await;
    assert_eq!(stored(&server, &ada.id).await.unwrap().username, "ada");
}

/// Support recovers people and ends sessions, and nothing else.
#[tokio::test]
async fn support_recovers_people_and_ends_their_sessions() {
    let server = Server::start().await;
    let mut support = server.console("helper", Role::Support).await;
    let ada = server.user("ada").await;
    let client = server.web_app().await;
    let mut browser = Browser::new(&server);
    browser.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();

    let page = support.open(&path(&ada)).await;
    let text = &page.response.text;
    for offered in ["/recover\"", "/sessions/end\"", "/access/revoke?client="] {
        assert!(text.contains(offered), "{offered}: {text}");
    }
    for hidden in ["/edit\"", "/disable\"", "/delete\"", "/unlock\"", "id=\"roles\""] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    for denied in ["edit", "disable", "enable", "unlock", "delete"] {
        assert_denied(&support.open(&format!("{}/{denied}", path(&ada))).await);
    }
    assert_denied(&support.open("/admin/people/new").await);
    assert_denied(&support.open("/admin/administrators").await);

    let revoked =
        support.confirm(&format!("{}/access/revoke?client={}", path(&ada), client.id)).await;
    assert!(revoked.response.text.contains("No application may use this account."), "{revoked:?}");
    let ended = support.confirm(&format!("{}/sessions/end", path(&ada))).await;
    assert!(ended.response.text.contains("Not signed in anywhere."), "{ended:?}");
    browser.open("/account").await.assert_page("/login");
    let link = link(&support.confirm(&format!("{}/recover", path(&ada))).await);
    assert_eq!(open_recovery(&server, &link).await, 200);
}

/// One session is ended, the others stay.
#[tokio::test]
async fn one_session_of_a_person_is_ended() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Support).await;
    let ada = server.user("ada").await;
    let (mut first, mut second) = (Browser::new(&server), Browser::new(&server));
    first.sign_in("ada").await;
    server.advance_clock(60);
    second.sign_in("ada").await;

    // The most recently used session is the first of the list.
    let page = admin.open(&path(&ada)).await;
    let (_, rest) = page.response.text.split_once("/sessions/end?session=").unwrap();
    let id = rest.split_once('"').unwrap().0;
    admin.confirm(&format!("{}/sessions/end?session={id}", path(&ada))).await;

    second.open("/account").await.assert_page("/login");
    first.open("/account").await.assert_page("/account");
}

/// An auditor reads all pages and is offered no change.
#[tokio::test]
async fn an_auditor_sees_and_does_not_change() {
    let server = Server::start().await;
    let mut auditor = server.console("auditor", Role::Auditor).await;
    let ada = server.user("ada").await;
    Browser::new(&server).sign_in("ada").await;

    for page in ["/admin/people".to_owned(), path(&ada), "/admin/administrators".to_owned()] {
        let page = auditor.open(&page).await;
        assert_eq!(page.response.status, 200);
        for offered in ["/new\"", "/edit\"", "/end", "/delete\"", "/grant", "/revoke", "/recover\""]
        {
            assert!(!page.response.text.contains(offered), "{offered}: {page:?}");
        }
    }
    for action in ["edit", "recover", "disable", "delete", "sessions/end", "access/revoke?client=x"]
    {
        assert_denied(&auditor.open(&format!("{}/{action}", path(&ada))).await);
        // The token of another form does not help.
        let target = format!("{}/{action}", path(&ada));
        let request = server.request("POST", &target).form("csrf=x");
        let request = request.header("origin", kit::server::ISSUER);
        let response = auditor.send(request.header("sec-fetch-site", "same-origin")).await;
        assert_eq!(response.status, 403, "{action}");
    }
}

#[tokio::test]
async fn a_user_without_a_role_is_refused() {
    let server = Server::start().await;
    let ada = server.administrator("ada", None).await;
    let mut browser = Browser::new(&server);
    browser.open("/admin/people").await.assert_page("/login");
    browser.sign_in("ada").await;

    for page in ["/admin/people", &path(&ada), "/admin/administrators"] {
        let page = browser.open(page).await;
        assert_denied(&page);
        assert!(page.response.text.contains("does not administer this server"), "{page:?}");
    }
}

/// THREATS AD-05: the reason is on the page.
#[tokio::test]
async fn an_administrator_does_not_act_on_an_owner() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let owner = server.administrator("owner", Some(Role::Owner)).await;
    server.administrator("other", Some(Role::Owner)).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("owner").await;

    for action in ["recover", "disable", "enable", "unlock", "delete", "sessions/end"] {
        let page = admin.confirm(&format!("{}/{action}", path(&owner))).await;
        assert_eq!(page.response.status, 422, "{action}");
        let why = "this administrator may do more than you may";
        assert!(page.response.text.contains(why), "{action}: {page:?}");
    }
    let form = admin.open(&format!("{}/edit", path(&owner))).await;
    let typed = [("name", ""), ("username", "mine"), ("email", "mine@example.org")];
    assert_eq!(admin.submit(&form, &typed).await.response.status, 422);

    browser.open("/account").await.assert_page("/account");
    assert_eq!(stored(&server, &owner.id).await.unwrap().username, "owner");
}

/// THREATS AD-12.
#[tokio::test]
async fn the_last_owner_is_neither_disabled_nor_deleted() {
    let server = Server::start().await;
    let owner = server.administrator("owner", Some(Role::Owner)).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("owner").await;

    for action in ["disable", "delete"] {
        let page = browser.confirm(&format!("{}/{action}", path(&owner))).await;
        assert_eq!(page.response.status, 422);
        assert!(page.response.text.contains("the last owner stays"), "{action}: {page:?}");
    }
}

/// THREATS AD-11, UI-01: a form of another site, of another session, and one without token.
#[tokio::test]
async fn a_foreign_form_is_refused() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let mut other = server.console("other", Role::Administrator).await;
    let ada = server.user("ada").await;
    let target = format!("{}/disable", path(&ada));
    let own = admin.open(&target).await.hidden_fields().swap_remove(0).1;
    let foreign = other.open(&target).await.hidden_fields().swap_remove(0).1;

    for (token, site) in
        [(own.as_str(), "cross-site"), (&foreign, "same-origin"), ("", "same-origin")]
    {
        let form =
            form_urlencoded::Serializer::new(String::new()).append_pair("csrf", token).finish();
        let request = server.request("POST", &target).form(&form).header("sec-fetch-site", site);
        assert_eq!(admin.send(request).await.status, 403, "{site}");
    }

    assert!(stored(&server, &ada.id).await.unwrap().disabled_at.is_none());
}

/// THREATS UI-08: names and devices are text.
#[tokio::test]
async fn hostile_names_are_text() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Owner).await;
    let ada = person(&server, "ada", HOSTILE, None).await;
    server.give_role(&ada, Role::Support).await;

    for page in [
        "/admin/people".to_owned(),
        "/admin/people?q=%22%3E%3Cscript%3E".to_owned(),
        path(&ada),
        format!("{}/edit", path(&ada)),
        format!("{}/delete", path(&ada)),
        "/admin/administrators".to_owned(),
        "/admin/administrators/grant?who=%22%3E%3Cscript%3E".to_owned(),
        format!("/admin/administrators/revoke?kind=user&id={}&role=support", ada.id),
    ] {
        let page = admin.open(&page).await;
        assert_eq!(page.response.status, 200, "{page:?}");
        assert!(!page.response.text.contains("<script>alert"), "{page:?}");
        assert!(!page.response.text.contains("\"><script>"), "{page:?}");
    }
}

/// By the beginning of any word, without case and diacritics; several words must all match.
#[tokio::test]
async fn people_are_found_by_the_beginnings_of_words() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Auditor).await;
    person(&server, "soren", "Søren Müller", Some("s.mueller@example.org")).await;
    person(&server, "jose", "José María Muñoz", Some("jm@muellerwerk.example")).await;
    person(&server, "layla", "ليلى الأمين", None).await;

    for (typed, found) in [
        ("mull", &["Søren Müller"][..]),
        ("MÜL", &["Søren Müller"]),
        ("muell", &["José María Muñoz", "Søren Müller"]),
        ("mar jos", &["José María Muñoz"]),
        ("mu%C3%B1oz", &["José María Muñoz"]),
        ("s.mueller@example.org", &["Søren Müller"]),
        ("muell jose mu maria jm", &["José María Muñoz"]),
        ("%D8%A7%D9%84%D8%A3%D9%85", &["ليلى الأمين"]),
        ("ller", &[]),
        ("soren jose", &[]),
        ("%25", &[]),
        ("_", &[]),
    ] {
        let typed = typed.replace(' ', "+").replace('Ü', "%C3%9C");
        let page = admin.open(&format!("/admin/people?q={typed}")).await;
        let mut names = listed(&page);
        names.sort();
        assert_eq!(names, found, "{typed}");
    }
}

/// THREATS AD-08, AD-09: pages of fifty; a forged position shows no error.
#[tokio::test]
async fn long_lists_have_pages() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Auditor).await;
    for n in 0..60 {
        person(&server, &format!("user{n:02}"), &format!("Anna Anders{n:02}"), None).await;
    }

    for start in ["/admin/people?", "/admin/people?q=an", "/admin/people?q=and+anna"] {
        let (mut target, mut all) = (start.to_owned(), Vec::new());
        loop {
            let page = admin.open(&target).await;
            let names = listed(&page);
            assert!(names.len() <= 50, "{}", names.len());
            all.extend(names);
            let Some((_, rest)) = page.response.text.split_once("rel=\"next\" href=\"") else {
                break;
            };
            target = rest.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
        }
        all.retain(|name| name.starts_with("Anna"));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!((count, all.len()), (60, 60), "{start}");
    }
    for forged in ["x", ".", "%00", "..", "_w.g", "QQ.%27"] {
        for query in ["", "q=an&"] {
            let page = admin.open(&format!("/admin/people?{query}after={forged}")).await;
            assert!([200, 400].contains(&page.response.status), "{forged}: {page:?}");
        }
    }
}

/// The job `words` makes accounts of an earlier release findable.
#[tokio::test]
async fn accounts_of_an_earlier_release_become_findable() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Auditor).await;
    person(&server, "ada", "Ada Marlow", None).await;
    let app = server.app();
    let forget = "DELETE FROM user_words; UPDATE users SET words_at = NULL";
    execute(&app.store, forget).await.unwrap();
    assert_eq!(listed(&admin.open("/admin/people?q=marlow").await), [""; 0]);

    while gatewright::people::search::fill(&app.store, server.trace().now()).await.unwrap() {}

    assert_eq!(listed(&admin.open("/admin/people?q=marlow").await), ["Ada Marlow"]);
}

/// Sensitive: after five minutes the password is asked for again.
#[tokio::test]
async fn a_deletion_asks_for_a_recent_sign_in() {
    let server = Server::start().await;
    let mut admin = server.console("root", Role::Administrator).await;
    let ada = server.user("ada").await;
    let form = admin.open(&format!("{}/delete", path(&ada))).await;
    server.advance_clock(301);

    let page = admin.submit(&form, &[]).await;

    assert!(page.url.starts_with("/login?") && page.url.ends_with("&confirm=1"), "{page:?}");
    assert!(stored(&server, &ada.id).await.is_some());
    let page = admin.open(&format!("{}/delete", path(&ada))).await;
    assert!(page.url.starts_with("/login?") && page.url.ends_with("&confirm=1"), "{page:?}");
    let page = admin.submit_credentials(&page, "root").await;
    assert_eq!(page.url, format!("{}/delete", path(&ada)));
    admin.submit(&page, &[]).await;
    assert!(stored(&server, &ada.id).await.is_none());
}

/// THREATS AD-05: recovering an administrator is as sensitive as giving the role. The form stays, with a link.
#[tokio::test]
async fn recovering_an_administrator_asks_for_a_recent_sign_in() {
    let server = Server::start().await;
    let mut owner = server.console("root", Role::Owner).await;
    let helper = server.administrator("helper", Some(Role::Support)).await;
    let recover = format!("{}/recover", path(&helper));
    server.advance_clock(301);

    let refused = owner.confirm(&recover).await;

    assert_eq!(refused.response.status, 422, "{refused:?}");
    let target = "/login?confirm=1&amp;next=/admin\"";
    assert!(refused.response.text.contains(target), "{refused:?}");
    let login = owner.open("/login?confirm=1&next=/admin").await;
    owner.submit_credentials(&login, "root").await.assert_page("/admin");
    let page = owner.confirm(&recover).await;
    assert_eq!(open_recovery(&server, &link(&page)).await, 200);
}
