//! Third-party clients, unmodified: see tests/interop/README.md.

use std::path::Path;
use std::process::Stdio;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gatewright::jose::base64url;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::application::Application;
use crate::installation::Installation;
use crate::server::{PASSWORD, Server};

/// openid-client, a certified relying party.
#[tokio::test]
async fn openid_client_for_javascript() {
    let web = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let service = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    run("node", "node/openid-client.mjs", web, service, None).await;
}

/// oauth4webapi, which follows each RFC strictly.
#[tokio::test]
async fn oauth4webapi_for_javascript() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "x": base64url::encode(&point[1..33]),
        "y": base64url::encode(&point[33..65]),
    });
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(pkcs8.as_ref())
    );
    let web = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let service = json!({
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
        "jwks": { "keys": [jwk] },
    });
    run("node", "node/oauth4webapi.mjs", web, service, Some(pem)).await;
}

/// Authlib, in a Flask application and with its sessions.
#[tokio::test]
async fn authlib_for_python() {
    let web = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let service = json!({ "token_endpoint_auth_method": "client_secret_post" });
    run("python3", "python/authlib_client.py", web, service, None).await;
}

/// Runs a program against a server of its own, with a user, a web client and a service.
async fn run(
    interpreter: &str,
    program: &str,
    mut web: Value,
    mut service: Value,
    key: Option<String>,
) {
    let mut installation = Installation::new().await;
    // It affects only requests with a DPoP proof.
    installation.set("DPOP__NONCE", "required");
    let mut server = Server::start_in(installation).await;
    let user = server.create_user("ada").await;
    web["client_name"] = "Photos".into();
    web["redirect_uris"] = json!([Application::REDIRECT_URI]);
    web["post_logout_redirect_uris"] = json!([Application::SIGNED_OUT]);
    web["grant_types"] = json!(["authorization_code", "refresh_token"]);
    service["client_name"] = "Backup".into();
    service["grant_types"] = json!(["client_credentials"]);
    let web = Application::from_registration(&server.issuer, &server.register(web).await);
    let service = Application::from_registration(&server.issuer, &server.register(service).await);
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(program);

    let mut command = Command::new(interpreter);
    command
        .arg(program)
        .env("INTEROP_ISSUER", &server.issuer)
        .env("INTEROP_USERNAME", &user.username)
        .env("INTEROP_PASSWORD", PASSWORD)
        .env("INTEROP_EMAIL", format!("{}@example.org", user.username))
        .env("INTEROP_CLIENT_ID", &web.id)
        .env("INTEROP_CLIENT_SECRET", &web.secret)
        .env("INTEROP_REDIRECT_URI", Application::REDIRECT_URI)
        .env("INTEROP_POST_LOGOUT_REDIRECT_URI", Application::SIGNED_OUT)
        .env("INTEROP_SERVICE_ID", &service.id)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    // Proxy settings of the machine must not apply to localhost.
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    match key {
        Some(key) => command.env("INTEROP_SERVICE_KEY", key),
        None => command.env("INTEROP_SERVICE_SECRET", &service.secret),
    };
    let output = command.output().await.expect("scripts/setup installs it");

    let printed = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{complained}");
    assert!(printed.lines().count() >= 11, "every step prints a line:\n{printed}");
    assert!(printed.lines().all(|line| line.starts_with("ok ")), "{printed}");
    server.stop().await;
}
