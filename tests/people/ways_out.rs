//! Every error page has a way on, and no link leads where an attacker chooses (DESIGN §4; THREATS
//! UI-07, M9).

use gatewright::config::Link;
use url::Url;

use kit::application::AuthorizationRequest;
use kit::browser::{Browser, Page};
use kit::server::{Client, Server};

const HOME: &str = "https://photos.example/start";

/// A client with a home page, and one without.
async fn register_clients(server: &Server) -> [Client; 2] {
    let [one, other] = [server.web_app().await, server.web_app().await];
    server.update_client(&one, |metadata| metadata.client_uri = Some(HOME.to_owned())).await;
    [one, other]
}

/// The links to other sites.
fn external_links(page: &Page) -> Vec<&str> {
    let links = page.response.text.split("href=\"").skip(1);
    let mut links: Vec<_> = links.map(|link| link.split('"').next().unwrap()).collect();
    links.retain(|link| !link.starts_with(['/', '?', '#']));
    links
}

#[tokio::test]
async fn an_error_page_links_only_to_registered_urls() {
    let server = Server::start().await;
    server.user("ada").await;
    let [with, without] = register_clients(&server).await;
    for evil in ["https://evil.example/", "https://app.example.evil.example/cb", "//evil.example"] {
        let presented = async |client: &Client| {
            AuthorizationRequest::new(client)
                .with("redirect_uri", evil)
                .open_in_new_browser(&server)
                .await
        };
        assert_eq!(external_links(&presented(&with).await), [HOME]);
        assert_eq!(external_links(&presented(&without).await), [""; 0]);
    }
    let unknown = AuthorizationRequest::new(&with).with("client_id", "unknown");
    assert_eq!(external_links(&unknown.open_in_new_browser(&server).await), [""; 0]);

    // Client and redirect URI were validated: without a home page, the link leads to the origin of the
    // redirect URI.
    for (client, home) in [(&with, HOME), (&without, "https://app.example/")] {
        let mut browser = Browser::new(&server);
        let login = browser.start_authorization(&AuthorizationRequest::new(client)).await;
        let consent = browser.submit_credentials(&login, "ada").await;
        browser.submit(&consent, &[("answer", "deny")]).await.refused("access_denied");
        let over = browser.open(&consent.url).await;
        assert_eq!((over.response.status, external_links(&over)), (400, vec![home]));
    }
}

/// After a failure of the server, the user can retry or go back.
#[tokio::test]
async fn a_server_failure_links_back_to_the_application() {
    let server = Server::start().await;
    server.user("ada").await;
    let [client, _] = register_clients(&server).await;
    let mut browser = Browser::new(&server);
    browser.sign_in("ada").await;
    browser.start_authorization(&AuthorizationRequest::new(&client)).await.assert_page("/consent");
    server.app().store.close().await;

    let broken = browser.start_authorization(&AuthorizationRequest::new(&client)).await;

    assert_eq!((broken.response.status, external_links(&broken)), (503, vec![HOME]), "{broken:?}");
}

/// Support links contain the reference of the error, and it can be copied.
#[tokio::test]
async fn support_links_contain_the_reference_of_the_error() {
    let at = |link: &str| {
        let url = Url::parse(link).unwrap();
        Server::with(move |config| config.brand.support_url = Some(Link(url)))
    };
    let mail = at("mailto:help@example.org").await;
    let page = Browser::new(&mail).open("/authorize").await;
    let reference = page.response.header("x-request-id").to_owned();
    let text = &page.response.text;
    let subject = format!("mailto:help@example.org?subject=Help%20with%20error%20{reference}&");
    assert!(text.replace("&#38;", "&").contains(&subject), "{text}");
    let copy = format!("data-copy=\"{reference}\" data-copied=\"Copied\" hidden");
    assert!(text.contains(&copy), "{text}");

    let web = at("https://help.example/new?ref={reference}").await;
    let page = Browser::new(&web).open("/authorize").await;
    let reference = page.response.header("x-request-id").to_owned();
    let filled = format!("https://help.example/new?ref={reference}");
    assert!(external_links(&page).contains(&filled.as_str()), "{page:?}");
    let home = Browser::new(&web).open("/").await;
    assert!(
        external_links(&home).contains(&"https://help.example/new?ref="),
        "a page without an error has no reference: {home:?}"
    );
}

/// OIDC RP-Initiated Logout 1.0 §2: an ID token identifies the requesting client; a `client_id`, which
/// is public, does not.
#[tokio::test]
async fn the_signed_out_page_links_to_the_client_of_a_valid_hint() {
    let server = Server::start().await;
    server.user("ada").await;
    let [client, other] = register_clients(&server).await;
    let mut browser = Browser::new(&server);
    let hint = |response: kit::http::Response| response.token("id_token");
    let id_token_for = async |browser: &mut Browser<'_>, client: &Client| {
        let page = browser.authorize("ada", client, "openid", "").await;
        hint(server.redeem(client, &page.parameter("code")).await.ok())
    };
    let id_token = id_token_for(&mut browser, &client).await;
    let id_token_of_other = id_token_for(&mut browser, &other).await;

    let named = browser.open(&format!("/logout?client_id={}", client.id)).await;
    let named = browser.submit(named.assert_page("/logout/confirm"), &[("answer", "yes")]).await;
    assert_eq!(
        external_links(named.assert_page("/signed-out")),
        [""; 0],
        "a client_id is not enough"
    );
    id_token_for(&mut browser, &client).await;

    // The hint is of another session, so a confirmation is asked first.
    let confirmation = browser.open(&format!("/logout?id_token_hint={id_token}")).await;
    let signed_out =
        browser.submit(confirmation.assert_page("/logout/confirm"), &[("answer", "yes")]).await;
    assert_eq!(external_links(signed_out.assert_page("/signed-out")), [HOME], "{signed_out:?}");
    assert!(!signed_out.url.contains(&id_token), "the ID token is not in the URL");
    assert!(signed_out.response.text.contains("Back to Photos"));
    let again = browser.open(&format!("/logout?id_token_hint={id_token}")).await;
    assert_eq!(external_links(again.assert_page("/signed-out")), [HOME], "without a session");
    let again = browser.open(&format!("/logout?id_token_hint={id_token_of_other}")).await;
    assert_eq!(
        external_links(again.assert_page("/signed-out")),
        [""; 0],
        "the client has no home page"
    );

    let foreign_uri = "post_logout_redirect_uri=https://evil.example/";
    let wrong = browser.open(&format!("/logout?id_token_hint={id_token}&{foreign_uri}")).await;
    assert_eq!((wrong.response.status, external_links(&wrong)), (400, vec![HOME]), "{wrong:?}");
    let wrong = browser.open(&format!("/logout?client_id={}&{foreign_uri}", client.id)).await;
    assert_eq!((wrong.response.status, external_links(&wrong)), (400, vec![]), "{wrong:?}");

    let third = server.web_app().await;
    server
        .update_client(&third, |metadata| {
            metadata.client_uri = Some("https://third.example/".into())
        })
        .await;
    let mut new_browser = Browser::new(&server);
    new_browser.open("/login").await;
    assert_eq!(
        external_links(&new_browser.open(&signed_out.url).await),
        [""; 0],
        "the page of another browser"
    );
    for forged in [
        signed_out.url.replace(&client.id, &third.id),
        signed_out.url.split("&proof").next().unwrap().to_owned(),
        format!("{}x", signed_out.url),
    ] {
        assert_eq!(external_links(&browser.open(&forged).await), [""; 0], "{forged}");
    }
    server.disable_client(&client).await;
    assert_eq!(
        external_links(&browser.open(&signed_out.url).await),
        [""; 0],
        "the client is disabled"
    );
}
