//! Apache, with a recipe as its configuration.

use std::path::Path;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::{Router, body::Body, response::Response};
use serde_json::{Value, json};
use tokio::process::Command;

use super::program::{Program, recipe};

/// The path of the modules on Debian.
const MODULES: &str = "/usr/lib/apache2/modules";

pub(super) struct Apache {
    /// The module that the recipe is about.
    pub(super) module: &'static str,
    pub(super) recipe: &'static str,
}

impl Apache {
    pub(super) async fn start(
        &self,
        directory: &Path,
        port: u16,
        settings: &[(&str, &str)],
    ) -> Program {
        let here = directory.display();
        let needed = ["mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http"];
        let mut frame = String::new();
        for module in needed.into_iter().chain([self.module]) {
            frame += &format!("LoadModule {module}_module {MODULES}/mod_{module}.so\n");
        }
        // User and Group: Apache does not serve requests as root.
        frame += &format!(
            "ServerRoot {here}\nDefaultRuntimeDir {here}\nPidFile {here}/apache.pid\n\
             ErrorLog /dev/stderr\nServerName localhost\nListen 127.0.0.1:{port}\n\
             User nobody\nGroup nogroup\nInclude {}\n",
            recipe(self.recipe).display(),
        );
        let file = directory.join("apache.conf");
        std::fs::write(&file, frame).unwrap();

        let mut command = Command::new("apache2");
        // In one process: children would survive a killed parent.
        command.args(["-X", "-f"]).arg(file);
        Program::start(command, port, directory, settings).await
    }
}

/// An application behind Apache or another proxy that responds with the claims it receives.
/// Returns its URL.
pub(super) async fn application() -> String {
    let respond = async |headers: HeaderMap| {
        let first_of = |names: [&str; 3]| -> Option<Value> {
            let value = names.into_iter().find_map(|name| headers.get(name));
            value.map(|value| json!(value.to_str().unwrap()))
        };
        let sub = first_of(["oidc_claim_sub", "oauth2_claim_sub", "x-forwarded-user"]);
        let email = first_of(["oidc_claim_email", "oauth2_claim_email", "x-forwarded-email"]);
        let body = json!({ "sub": sub, "email": email }).to_string();
        Response::builder().header(CONTENT_TYPE, "application/json").body(Body::from(body)).unwrap()
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(respond)).await });
    address
}
