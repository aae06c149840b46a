//! The pages of refused requests.

use gatewright::types::Role;
use kit::server::Server;

/// A request may send anything as its `client_id`: the explanation is not about the client of that name.
#[tokio::test]
async fn a_refusal_is_explained_by_its_reference_and_names_the_right_client() {
    let server = Server::start().await;
    let client = server.web_app().await;
    let name = server.find_client(&client).await.metadata.client_name;
    let form = format!("grant_type=client_credentials&client_id={name}&client_secret=x");
    server.post("/token", &form).await.refused(401, "invalid_client");
    let target = format!(
        "/authorize?client_id={}&response_type=code&redirect_uri=https%3A%2F%2Fevil.example%2F%3Cb%3E",
        client.id
    );
    assert_eq!(server.get(&target).await.status, 400);
    let events = server.audit_events("request.refused").await;
    let mut auditor = server.console("ada", Role::Auditor).await;

    let mut pages = Vec::new();
    for event in &events {
        let reference = event.request_id.as_deref().unwrap();
        pages.push(auditor.open(&format!("/admin/refusals?reference={reference}")).await);
    }

    assert_eq!(pages.len(), 2);
    let link = format!("/admin/applications/{}", client.id);
    let of = |code: &str| {
        let page = pages.iter().find(|page| page.response.text.contains(code)).unwrap();
        assert_eq!(page.response.status, 200, "{page:?}");
        page.response.text.clone()
    };
    assert!(!of("<code>invalid_client</code>").contains(&link), "it is another client");
    let redirect = of("<code>invalid_request</code>");
    assert!(redirect.contains(&link) && redirect.contains("<mark>"), "{redirect}");
    assert!(!redirect.contains("<b>"), "values are text: {redirect}");
    let unknown = auditor.open("/admin/refusals?reference=nothing").await;
    assert!(unknown.response.text.contains("No refused request has this reference"), "{unknown:?}");
}
