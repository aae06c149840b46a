//! One-time links: the invitation of an owner, and the recovery of an account.

use gatewright::people::links;
use gatewright::store::roles;
use gatewright::types::{Holder, Role};
use kit::browser::{Browser, Page};
use kit::server::{ISSUER, Server};

const NEW: &str = "another battery staple";
const PASSWORDS: [(&str, &str); 2] = [("new", NEW), ("again", NEW)];

async fn invitation(server: &Server) -> String {
    let trace = server.trace();
    let link = links::invite(&server.app().context(&trace)).await.unwrap();
    format!("/invitation?link={}", link.secret.0.expose())
}

async fn recovery(server: &Server, name: &str) -> String {
    let trace = server.trace();
    let user = server.user(name).await;
    let link =
        links::start_recovery(&server.app().people(&trace), &user.id, || Ok(())).await.unwrap();
    format!("/recovery?link={}", link.secret.0.expose())
}

fn assert_invalid(page: &Page) {
    assert_eq!(page.response.status, 404, "{page:?}");
    assert!(page.response.text.contains("no longer valid"), "{page:?}");
}

/// THREATS AD-12: the link dies on use, and only on use.
#[tokio::test]
async fn an_invitation_makes_a_new_user_owner_and_signs_them_in() {
    let server = Server::start().await;
    let link = invitation(&server).await;
    let mut ada = Browser::new(&server);
    let form = ada.open(&link).await;
    let account = [("name", "Ada <Marlow>"), ("username", "ada"), ("email", "ada@example.org")];
    let short = [account.as_slice(), &[("new", "short"), ("again", "short")]].concat();

    let again = ada.submit(&form, &short).await;

    assert_eq!(again.response.status, 422, "{again:?}");
    assert!(again.response.text.contains("value=\"Ada &#60;Marlow&#62;\""), "{again:?}");
    let page = ada.submit(&again, &[account.as_slice(), &PASSWORDS].concat()).await;
    page.assert_page("/admin");
    assert_eq!(page.response.status, 200, "{page:?}");
    assert_invalid(&Browser::new(&server).open(&link).await);
}

#[tokio::test]
async fn an_invitation_makes_a_signed_in_user_owner() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let link = invitation(&server).await;
    let mut browser = Browser::new(&server);
    let next: String = form_urlencoded::byte_serialize(link.as_bytes()).collect();
    let login = browser.open(&format!("/login?next={next}")).await;
    let credentials = [("identifier", "ada"), ("password", kit::server::PASSWORD)];

    let form = browser.submit(&login, &credentials).await;

    form.assert_page("/invitation");
    browser.submit(&form, &[]).await.assert_page("/admin");
    let held = roles::of(server.app().store.db(), &Holder::User(ada.id)).await.unwrap();
    assert_eq!(held, [Role::Owner]);
}

/// THREATS AD-12: the page named an account; another one is signed in now.
#[tokio::test]
async fn an_invitation_makes_owner_only_the_account_that_the_page_named() {
    let server = Server::start().await;
    let bob = server.user("bob").await;
    let ada = server.user("ada").await;
    let link = invitation(&server).await;
    let mut browser = Browser::new(&server);
    let unnamed = browser.open(&link).await;
    browser.sign_in("ada").await;
    let of_ada = browser.open(&link).await;
    server.end_sessions(&ada).await;
    browser.sign_in("bob").await;

    for page in [&unnamed, &of_ada] {
        let refused = browser.submit(page, &[]).await;
        assert_eq!(refused.response.status, 403, "{refused:?}");
    }

    let owner = roles::has_owner(server.app().store.db(), "").await.unwrap();
    assert!(!owner);
    let page = browser.open(&link).await;
    assert!(page.response.text.contains("bob"), "{page:?}");
    browser.submit(&page, &[]).await.assert_page("/admin");
    let held = roles::of(server.app().store.db(), &Holder::User(bob.id)).await.unwrap();
    assert_eq!(held, [Role::Owner]);
}

#[tokio::test]
async fn a_recovery_link_sets_a_password_once() {
    let server = Server::start().await;
    let link = recovery(&server, "ada").await;
    let mut browser = Browser::new(&server);
    let form = browser.open(&link).await;
    let differ = browser.submit(&form, &[("new", NEW), ("again", "x")]).await;
    assert_eq!(differ.response.status, 422, "{differ:?}");
    assert!(!differ.response.text.contains(NEW));

    assert_eq!(browser.submit(&differ, &PASSWORDS).await.response.status, 200);

    assert_invalid(&browser.open(&link).await);
    let login = browser.open("/login").await;
    let page = browser.submit(&login, &[("identifier", "ada"), ("password", NEW)]).await;
    page.assert_page("/account");
}

/// M8, THREATS UI-01: neither a page of another site nor a form of another browser uses the link.
#[tokio::test]
async fn a_forged_form_does_not_use_a_link() {
    let server = Server::start().await;
    for link in [invitation(&server).await, recovery(&server, "ada").await] {
        let mut browser = Browser::new(&server);
        let page = browser.open(&link).await;
        let foreign = Browser::new(&server).open("/login").await;
        let fields = [("name", ""), ("username", "eve"), ("email", ""), PASSWORDS[0], PASSWORDS[1]];
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]
        {
            let request = browser.form_request(&page, &fields).header(name, value);
            assert_eq!(browser.send(request).await.status, 403, "{link} from {name}");
        }
        let csrf = |page: &Page| {
            page.hidden_fields().into_iter().find(|(name, _)| name == "csrf").unwrap().1
        };
        for token in ["", &csrf(&foreign)] {
            let body = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(page.hidden_fields().iter().filter(|(name, _)| name != "csrf"))
                .extend_pairs(fields)
                .append_pair("csrf", token)
                .finish();
            let request = server
                .request("POST", &link)
                .header("cookie", &browser.cookie())
                .header("origin", ISSUER)
                .header("sec-fetch-site", "same-origin")
                .form(&body);
            assert_eq!(request.send().await.status, 403, "{link} with {token:?}");
        }
        assert_eq!(browser.open(&link).await.response.status, 200, "{link} is still valid");
    }
}

/// THREATS UI-07: the sign-in leads to pages of this server alone.
#[tokio::test]
async fn a_sign_in_does_not_lead_to_another_site() {
    let server = Server::start().await;
    server.user("ada").await;
    for next in
        ["https://evil.example/admin", "//evil.example", "/admin//evil.example", "/\\evil.example"]
    {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let mut browser = Browser::new(&server);
        let login = browser.open(&format!("/login?next={next}")).await;
        let credentials = [("identifier", "ada"), ("password", kit::server::PASSWORD)];
        browser.submit(&login, &credentials).await.assert_page("/account");
    }
}
