//! The account page: a user's stored data, the applications with access, the activity, and nothing
//! about other users.

use gatewright::people::account::{self, NewAccount};
use gatewright::people::claims;
use gatewright::store::sweep;
use gatewright::types::Secret;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::server::{Client, PASSWORD, Server};

const HOUR: i64 = 3600;

/// One section of the page.
fn section(page: &Page, id: &str) -> String {
    let text = &page.assert_page("/account").response.text;
    let start = text.find(&format!("<section class=\"card\" id=\"{id}\"")).expect(id);
    text[start..].split_once("</section>").unwrap().0.to_owned()
}

/// A failed sign-in, from a browser with this user agent.
async fn fail_sign_in(server: &Server, name: &str, user_agent: &str) -> u16 {
    let mut browser = Browser::new(server);
    let login = browser.open("/login").await;
    let request =
        browser.form_request(&login, &[("identifier", name), ("password", "a wrong guess")]);
    request.header("user-agent", user_agent).send().await.status
}

/// Users see all data that applications can get about them.
#[tokio::test]
async fn users_see_the_data_stored_about_them() {
    let server = Server::start().await;
    let (app, trace) = (server.app(), server.trace());
    let password = Secret::new(PASSWORD);
    let texts = [
        "name=ليلى الأمين",
        "birthdate=1990-12-10",
        "address.locality=Donaudampfschifffahrtsgesellschaftsstadt",
    ];
    let new = NewAccount {
        username: "layla",
        email: Some("layla@example.org"),
        email_verified: true,
        claims: claims::parse(&texts).unwrap(),
        password: Some(&password),
    };
    account::create(&app.people(&trace), new).await.unwrap();
    let mut browser = Browser::new(&server);

    let details = section(&browser.sign_in("layla").await, "details");

    for expected in [
        "<bdi>ليلى الأمين</bdi>",
        "<bdi>1990-12-10</bdi>",
        "<bdi>Donaudampfschifffahrtsgesellschaftsstadt</bdi>",
        "<bdi>layla@example.org</bdi> <span class=\"badge badge-good\">verified</span>",
        "<dt>account since</dt>",
    ] {
        assert!(details.contains(expected), "{expected}: {details}");
    }
    assert!(!details.contains("<input"), "the section is read-only");
}

/// The activity is described in words, with device and address, for the owner of the account only.
#[tokio::test]
async fn users_see_the_activity_of_their_own_account() {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let client = server.web_app().await;
    let mut ada = Browser::new(&server);
    ada.complete_authorization(&AuthorizationRequest::new(&client), "ada").await.code();
    ada.submit_on_account_page("/account/applications/withdraw", &[("client_id", &client.id)])
        .await;
    let login = ada.start_authorization(&AuthorizationRequest::new(&client)).await;
    ada.submit(login.assert_page("/consent"), &[("answer", "deny")]).await;
    assert_eq!(
        fail_sign_in(&server, "ada", "Mozilla/5.0 (Windows NT 10.0) Firefox/145.0").await,
        422
    );

    let page = ada.open("/account").await;
    let activity = section(&page, "activity");

    let mut rest = activity.as_str();
    for expected in [
        "Failed sign-in",
        "<span>Firefox on Windows</span>",
        "<span class=\"address\">127.0.0.1</span>",
        "Access denied to Photos",
        "Access withdrawn from Photos",
        "Access allowed to Photos",
        "Signed in <span class=\"badge badge-good\">This device</span>",
        "Account created",
    ] {
        let Some((_, after)) = rest.split_once(expected) else { panic!("{expected}: {activity}") };
        rest = after;
    }
    for hidden in ["sign_in", "consent.decided", "access_denied", "scope", "wrong", &client.id] {
        assert!(!activity.contains(hidden), "{hidden}: {activity}");
    }
    let of_grace = section(&Browser::new(&server).sign_in("grace").await, "activity");
    assert!(!of_grace.contains("Failed") && !of_grace.contains("Photos"), "{of_grace}");
}

/// Failed attempts are summarized, so that they do not displace successful sign-ins.
#[tokio::test]
async fn failed_attempts_do_not_displace_other_activity() {
    let server = Server::start().await;
    server.user("ada").await;
    for _ in 0..3 {
        for _ in 0..10 {
            assert_eq!(fail_sign_in(&server, "ada", "<script>").await, 422);
        }
        server.advance_clock(601);
    }

    let activity = section(&Browser::new(&server).sign_in("ada").await, "activity");

    assert!(activity.contains("20 times or more"), "{activity}");
    assert_eq!(activity.matches("Failed sign-in").count(), 1, "{activity}");
    assert!(activity.contains("Account created") && activity.contains("Signed in"), "{activity}");
    assert!(!activity.contains("<script>"), "{activity}");
}

/// The access of an application, its web site, its last use, and whether it works offline: while the
/// consent is stored, not only while a token is valid.
#[tokio::test]
async fn applications_are_listed_with_their_last_use() {
    let server = Server::start().await;
    server.user("ada").await;
    let (client, other) = (server.web_app().await, server.web_app().await);
    server
        .update_client(&client, |metadata| {
            metadata.client_uri = Some("https://photos.example/".into())
        })
        .await;
    server.update_client(&other, |metadata| metadata.client_name = "Ledger".to_owned()).await;
    let with = async |client: &Client, scope: &str| {
        let mut browser = Browser::new(&server);
        let page = browser.authorize("ada", client, scope, "").await;
        server.redeem(client, &page.parameter("code")).await.ok()
    };
    with(&other, "openid offline_access").await;
    server.advance_clock(1);
    let tokens = with(&client, "openid email").await;
    server.advance_clock(10 * 60);
    server.refresh(&client, &tokens.token("refresh_token"), "").await.ok();
    server.advance_clock(5 * 60);

    let mut browser = Browser::new(&server);
    let applications = section(&browser.sign_in("ada").await, "applications");

    let (ledger, photos) = applications.split_once("Photos").unwrap();
    assert!(ledger.contains("Works while you are away"), "{ledger}");
    assert!(ledger.contains("Last used 15 minutes ago"), "{ledger}");
    assert!(!photos.contains("Works while you are away"), "{photos}");
    assert!(photos.contains("Last used 5 minutes ago"), "{photos}");
    assert!(
        photos.contains("<a class=\"plain-link\" href=\"https://photos.example/\">"),
        "{photos}"
    );
    assert!(photos.contains("app.example</span>"), "the host of the redirect URI: {photos}");

    server.advance_clock(20 * HOUR);
    sweep::once(&server.app().store, server.trace().now()).await.unwrap();
    let applications = section(&browser.sign_in("ada").await, "applications");
    let (_, photos) = applications.split_once("Photos").unwrap();
    assert!(photos.contains("Last used 20 hours ago"), "{photos}");
}

/// A trusted application is marked as such, and its offline access is shown.
#[tokio::test]
async fn a_trusted_application_with_offline_access_is_listed_as_such() {
    let server = Server::start().await;
    server.user("ada").await;
    let client = server.web_app().await;
    server.update_client(&client, |metadata| metadata.gw_skip_consent = true).await;
    let mut browser = Browser::new(&server);
    let page = browser.authorize("ada", &client, "openid offline_access", "").await;
    server.redeem(&client, &page.parameter("code")).await.ok();

    let applications = section(&browser.open("/account").await, "applications");

    for expected in ["Photos", "Works while you are away", "Last used just now", "You signed in"] {
        assert!(applications.contains(expected), "{expected}: {applications}");
    }
}

/// The age of the password and the number of known browsers, of this user.
#[tokio::test]
async fn users_see_the_age_of_their_password_and_their_known_browsers() {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    Browser::new(&server).sign_in("grace").await;
    Browser::new(&server).sign_in("ada").await;
    server.advance_clock(2 * 24 * HOUR);

    let security = section(&Browser::new(&server).sign_in("ada").await, "security");

    assert!(security.contains("Last changed 2 days ago"), "{security}");
    assert!(security.contains("<dd>2 <span"), "{security}");
}

const NEW: &str = "another battery staple";
const TYPO: &str = "another battery stable";

/// The fields of the form that changes the password, as a user fills them in.
fn password_fields<'a>(current: &'a str, new: &'a str, again: &'a str) -> [(&'a str, &'a str); 3] {
    [("current", current), ("new", new), ("again", again)]
}

/// Each error is shown at its field and marked; the first empty field has the focus.
#[tokio::test]
async fn after_a_refused_new_password_the_current_one_is_not_asked_again() {
    let server = Server::start().await;
    server.user("ada").await;
    let mut browser = Browser::new(&server);
    let page = browser.sign_in("ada").await;
    let change = "/account/password";

    let wrong = browser.submit_to(change, &page, &password_fields("a wrong guess", NEW, NEW)).await;
    let differ = browser.submit_to(change, &wrong, &password_fields(PASSWORD, NEW, TYPO)).await;
    let short = [("new", "short"), ("again", "short")];
    let short = browser.submit_to(change, &differ, &short).await;

    for (page, field, focus) in
        [(&wrong, "current", "current"), (&differ, "again", "new"), (&short, "new", "new")]
    {
        let text = &page.response.text;
        assert_eq!(page.response.status, 422, "{text}");
        assert_eq!(text.matches("aria-invalid").count(), 1, "{text}");
        assert!(text.contains(&format!("id=\"{field}-problem\" role=\"alert\"")), "{text}");
        let focused = text.split(" autofocus").next().unwrap();
        assert!(focused.rsplit("<input id=\"").next().unwrap().starts_with(focus), "{text}");
        for password in [PASSWORD, NEW, TYPO, "a wrong guess"] {
            assert!(!text.contains(password), "a page never contains a password: {text}");
        }
    }
    assert!(wrong.response.text.contains("id=\"current\""));
    for page in [&differ, &short] {
        assert!(!page.response.text.contains("id=\"current\""), "{page:?}");
        assert!(page.response.text.contains("Your current password was right."), "{page:?}");
    }
    let done = browser.submit_to(change, &short, &[("new", NEW), ("again", NEW)]).await;
    assert!(
        done.assert_page("/account").response.text.contains("Your password has been changed"),
        "{done:?}"
    );
}

/// THREATS PW-06: the proof that replaces the current password is bound to one session and to that
/// password.
#[tokio::test]
async fn the_proof_of_the_current_password_is_bound_to_its_session() {
    let server = Server::start().await;
    server.user("ada").await;
    server.user("grace").await;
    let change = "/account/password";
    let proven = async |browser: &mut Browser<'_>| {
        let page = browser.open("/account").await;
        let page = browser.submit_to(change, &page, &password_fields(PASSWORD, NEW, TYPO)).await;
        let field = page.hidden_fields_of(change).into_iter().find(|(name, _)| name == "proof");
        field.expect("a proof").1
    };
    let (mut ada, mut other_browser) = (Browser::new(&server), Browser::new(&server));
    let mut grace = Browser::new(&server);
    ada.sign_in("ada").await;
    other_browser.sign_in("ada").await;
    grace.sign_in("grace").await;
    let (own_proof, other, proof_of_grace) =
        (proven(&mut ada).await, proven(&mut other_browser).await, proven(&mut grace).await);
    let refused = async |browser: &mut Browser<'_>, proof: &str| {
        let page = browser.open("/account").await;
        let fields = [("proof", proof), ("new", NEW), ("again", NEW)];
        let page = browser.submit_to(change, &page, &fields).await;
        assert_eq!(page.response.status, 422, "{proof}: {page:?}");
        assert!(page.response.text.contains("once more"), "{proof}: {page:?}");
        assert!(page.response.text.contains("id=\"current\""), "{proof}: {page:?}");
    };

    let mut truncated = own_proof.clone();
    truncated.pop();
    for proof in [other.as_str(), &proof_of_grace, &truncated, "", "x", &"A".repeat(80), PASSWORD] {
        refused(&mut ada, proof).await;
    }
    server.advance_clock(5 * 60);
    refused(&mut ada, &own_proof).await;
    let own_proof = proven(&mut ada).await;
    ada.submit_on_account_page(change, &password_fields(PASSWORD, NEW, NEW))
        .await
        .assert_page("/account");
    refused(&mut ada, &own_proof).await;

    let mut new = Browser::new(&server);
    let login = new.open("/login").await;
    new.submit(&login, &[("identifier", "ada"), ("password", NEW)]).await.assert_page("/account");
    refused(&mut new, &own_proof).await;
}
