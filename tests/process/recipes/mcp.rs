//! An MCP client, and the MCP server that it calls.

use serde_json::json;

use crate::application::Application;
use crate::browser::Browser;
use crate::server::Server;

use super::program::{Program, node};

/// The client discovers the issuer through the server (RFC 9728), sends the user to sign in with the
/// browser, requests the server as `resource`, and calls its tool.
#[tokio::test]
async fn the_mcp_client_for_javascript() {
    let mut server = Server::start().await;
    let mut browser = Browser::new(&server.create_user("ada").await);
    let (port, tool_port) = (crate::free_port(), crate::free_port());
    let resource = format!("http://localhost:{tool_port}/mcp");
    let create = ["resource", "create", &resource, "--name", "Invoices"];
    server.installation.json(&[&create[..], &["--scope", "invoices.read=See them"]].concat()).await;
    let metadata = json!({
        "client_name": "Recipe",
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "invoices.read",
        "gw_allowed_resources": [resource],
    });
    let client = Application::from_registration(&server.issuer, &server.register(metadata).await);
    let directory = &server.installation.directory;
    let settings =
        [("ISSUER", &*server.issuer), ("CLIENT_ID", &client.id), ("MCP_SERVER", &resource)];
    let tools = Program::start(node("node/mcp-server.mjs"), tool_port, directory, &settings).await;

    let client = Program::start(node("node/mcp-client.mjs"), port, directory, &settings).await;
    let opened = client.wait_for_line("Open ").await;
    let page = browser.open(&opened, "").await;
    let invoices = client.wait_for_line("No invoices for ").await;

    assert_eq!(page.text, "You can close this window.");
    assert_eq!(invoices.len(), "01a22bb8-502d-7390-9302-cbddb5e7df5b.".len(), "{invoices}");
    client.stop().await;
    tools.stop().await;
    server.stop().await;
}
