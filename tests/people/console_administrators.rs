//! The pages of the console about administrators (THREATS AD-01, AD-05, AD-12, AD-14).

use gatewright::store::roles;
use gatewright::types::{ClientId, Holder, Role, User};

use kit::browser::{Browser, Page};
use kit::server::Server;

async fn roles_of(server: &Server, user: &User) -> Vec<Role> {
    let holder = Holder::User(user.id.clone());
    roles::of(server.app().store.db(), &holder).await.unwrap()
}

async fn give(browser: &mut Browser<'_>, who: &str, role: &str) -> Page {
    let form = browser.open("/admin/administrators/grant").await;
    browser.submit(&form, &[("who", who), ("role", role)]).await
}

fn revocation(user: &User, role: &str) -> String {
    format!("/admin/administrators/revoke?kind=user&id={}&role={role}", user.id)
}

#[tokio::test]
async fn an_owner_gives_roles_and_takes_them_away() {
    let server = Server::start().await;
    let mut owner = server.console("owner", Role::Owner).await;
    let ada = server.user("ada").await;
    let client = server.service().await;

    let page = give(&mut owner, " ADA ", "support").await;
    page.assert_page("/admin/administrators");
    assert!(page.response.text.contains("The role was given."), "{page:?}");
    assert_eq!(roles_of(&server, &ada).await, [Role::Support]);
    let page = give(&mut owner, &client.id, "auditor").await;
    assert!(page.response.text.contains("<bdi>Backup</bdi>"), "{page:?}");
    let holder = Holder::Client(ClientId::from_text(&client.id));
    assert_eq!(roles::of(server.app().store.db(), &holder).await.unwrap(), [Role::Auditor]);

    let page = owner.confirm(&revocation(&ada, "support")).await;
    assert!(page.response.text.contains("The role was taken away."), "{page:?}");
    assert_eq!(roles_of(&server, &ada).await, []);
}

#[tokio::test]
async fn an_unknown_name_is_refused_and_kept() {
    let server = Server::start().await;
    let mut owner = server.console("owner", Role::Owner).await;

    let page = give(&mut owner, "nobody", "support").await;

    assert_eq!(page.response.status, 422);
    assert!(page.response.text.contains("value=\"nobody\""), "{page:?}");
    assert!(page.response.text.contains("There is no person"), "{page:?}");
}

/// THREATS AD-12.
#[tokio::test]
async fn the_last_owner_stays() {
    let server = Server::start().await;
    let owner = server.administrator("owner", Some(Role::Owner)).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("owner").await;

    let page = browser.confirm(&revocation(&owner, "owner")).await;

    assert_eq!(page.response.status, 422);
    assert!(page.response.text.contains("the last owner stays"), "{page:?}");
    assert_eq!(roles_of(&server, &owner).await, [Role::Owner]);
}

/// THREATS AD-05: only owners change roles.
#[tokio::test]
async fn other_roles_see_at_most_the_list() {
    let server = Server::start().await;
    let ada = server.administrator("ada", Some(Role::Auditor)).await;
    for (name, role, list) in [
        ("one", Role::Administrator, 200),
        ("two", Role::Operator, 403),
        ("three", Role::Support, 403),
        ("four", Role::Auditor, 200),
    ] {
        let mut browser = server.console(name, role).await;
        let page = browser.open("/admin/administrators").await;
        assert_eq!(page.response.status, list, "{role}");
        assert!(!page.response.text.contains("administrators/grant"), "{role}");
        for target in ["/admin/administrators/grant", &revocation(&ada, "auditor")] {
            assert_eq!(browser.open(target).await.response.status, 403, "{role}");
        }
    }
}

/// THREATS AD-14: a demotion counts with the next request.
#[tokio::test]
async fn a_demotion_counts_with_the_next_request() {
    let server = Server::start().await;
    server.administrator("owner", Some(Role::Owner)).await;
    let ada = server.administrator("ada", Some(Role::Administrator)).await;
    let victim = server.user("victim").await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    let form = browser.open(&format!("/admin/people/{}/disable", victim.id)).await;

    server.take_role(&ada, Role::Administrator).await;

    assert_eq!(browser.submit(&form, &[]).await.response.status, 403);
    assert_eq!(browser.open("/admin/people").await.response.status, 403);
}

/// The sign-in is confirmed before the form is shown, and the form leads back.
#[tokio::test]
async fn giving_a_role_asks_for_a_recent_sign_in() {
    let server = Server::start().await;
    let mut owner = server.console("owner", Role::Owner).await;
    server.advance_clock(300);

    let page = owner.open("/admin/administrators/grant?who=ada").await;

    assert!(page.url.starts_with("/login?") && page.url.ends_with("&confirm=1"), "{page:?}");
    let page = owner.submit_credentials(&page, "owner").await;
    assert_eq!(page.url, "/admin/administrators/grant?who=ada");
    assert!(page.response.text.contains("value=\"ada\""), "{page:?}");
}
