//! What operators see: the log, the metrics, and the details of a refusal.

use serde_json::Value;

use crate::application::Response;
use crate::installation::Installation;
use crate::server::Server;

async fn get(url: String) -> Response {
    Response::send(crate::http().get(url)).await.unwrap()
}

/// DESIGN §7: the request id on the error page identifies the log line and the audit event with the
/// reason of the refusal. The log is JSON, one object a line.
#[tokio::test]
async fn the_request_id_of_a_refusal_finds_its_log_line_and_event() {
    let mut installation = Installation::new().await;
    installation.set("LOG", "info,gatewright::access=debug");
    let mut server = Server::start_in(installation).await;
    let photos = server.application("Photos").await;

    let wrong = "https://client.example.org/callbacK";
    let url = format!(
        "{}/authorize?response_type=code&client_id={}&redirect_uri={wrong}&scope=openid",
        server.issuer, photos.id
    );
    let response =
        Response::send(crate::http().get(url).header("accept", "text/html")).await.unwrap();
    assert_eq!(response.status, 400);
    let id = response.header("x-request-id").to_owned();
    assert!(response.text.contains(&id), "the page contains the request id");
    // After a clean shutdown everything is written.
    server.stop().await;

    let log = server.log();
    let lines: Vec<&Value> = log.iter().filter(|line| line["request_id"] == id.as_str()).collect();
    let line_with = |message: &str| lines.iter().find(|line| line["message"] == message).unwrap();
    assert!(line_with("refused").to_string().contains(wrong));
    assert_eq!(line_with("answered")["status"], 400);
    assert_eq!(line_with("answered")["path"], "/authorize");
    let events = server.installation.json(&["audit", "list", "--request", &id]).await;
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(events[0]["kind"], "request.refused");
    assert!(events[0]["facts"].to_string().contains(wrong), "{events}");
}

/// THREATS HD-07.
#[tokio::test]
async fn metrics_are_served_at_the_operations_listener_only() {
    let mut installation = Installation::new().await;
    let operations = format!("127.0.0.1:{}", crate::free_port());
    installation.set("OPERATIONS__LISTEN", &operations);
    let mut server = Server::start_in(installation).await;
    let service = server.service("Backup").await;
    let http = crate::http();
    service.client_credentials(&http).await.unwrap().tokens();
    let refused = service.refresh(&http, "no refresh token").await.unwrap();
    assert!(refused.is_refusal("unauthorized_client"));

    assert_eq!(get(format!("{}/metrics", server.issuer)).await.status, 404);
    let metrics = get(format!("http://{operations}/metrics")).await;

    assert_eq!(metrics.status, 200);
    for line in [
        "gatewright_tokens_issued_total{grant_type=\"client_credentials\"} 1",
        "gatewright_refusals_total{error=\"unauthorized_client\"} 1",
        "gatewright_http_requests_total{endpoint=\"/token\",status=\"200\"} 1",
        "gatewright_http_requests_total{endpoint=\"/token\",status=\"400\"} 1",
    ] {
        assert!(metrics.text.lines().any(|other| other == line), "{line}:\n{}", metrics.text);
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(format!("http://{operations}{path}")).await.status, 200);
    }
    assert_eq!(get(format!("http://{operations}/token")).await.status, 404);
    server.stop().await;
}
