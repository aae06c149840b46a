//! `gatewright demo`, as a new user runs it: the command, its output, a browser.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::chromium::Browser;
use crate::{directory, free_port};

/// A running demo.
struct Demo {
    child: Child,
    /// Its output, as JSON.
    output: Value,
}

fn command(home: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatewright"));
    command
        .args(["demo", "--json", "--dir", "demo"])
        .args(more)
        .current_dir(home)
        // Settings that must not affect the demo.
        .env("GATEWRIGHT_ISSUER", "https://elsewhere.example")
        .env("GATEWRIGHT_DATABASE__URL", "postgres://nobody@nowhere.invalid/nothing")
        .env("HTTP_PROXY", "http://nowhere.invalid:1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

impl Demo {
    /// Starts a demo in `home`, and waits until everything runs.
    async fn start(home: &Path, more: &[&str]) -> Self {
        let mut child = command(home, more).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let output = match lines.next_line().await.unwrap() {
            Some(line) => serde_json::from_str(&line).unwrap(),
            None => panic!("{:?}", child.wait_with_output().await.unwrap()),
        };
        Self { child, output }
    }

    fn text(&self, name: &str) -> &str {
        self.output.pointer(name).and_then(Value::as_str).unwrap()
    }

    /// Sends it a signal, and waits for its end.
    async fn stop_by(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        ended.expect("it ends").unwrap()
    }
}

/// A directory of its own with an invalid configuration in it, and five ports.
fn new_home() -> (PathBuf, [String; 10]) {
    let home = directory("demo");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("gatewright.toml"), "this is = no TOML").unwrap();
    let ports = [free_port(), free_port(), free_port(), free_port(), free_port()];
    let [port, client_port, mtls_port, api_port, metrics] = ports.map(|port| port.to_string());
    let options = ["--port", "--client-port", "--mtls-port", "--api-port", "--metrics-port"];
    let [a, b, c, d, e] = options.map(str::to_owned);
    (home, [a, port, b, client_port, c, mtls_port, d, api_port, e, metrics])
}

async fn sign_in(browser: &Browser, username: &str, password: &str) {
    browser.fill("identifier", username).await;
    browser.fill("password", password).await;
    browser.press("button[value=sign-in]").await;
}

/// THREATS UI-09 besides: the policy of the page permits the redirect after its consent form, and the
/// browser follows it.
#[tokio::test]
async fn a_user_signs_in_uses_every_function_and_signs_out() {
    let (home, ports) = new_home();
    let demo = Demo::start(&home, &ports.each_ref().map(String::as_str)).await;
    let (issuer, application) = (demo.text("/issuer"), demo.text("/application"));
    let password = demo.text("/people/ada");
    let browser = Browser::start().await;

    // Denied, then allowed: two submissions of one form, with redirects to another origin.
    browser.open(application).await;
    browser.press("form[action='/sign-in'] button").await;
    sign_in(&browser, "ada", password).await;
    browser.find("button[value=allow]").await;
    assert!(browser.address().await.starts_with(issuer));
    assert!(browser.text().await.contains("See your invoices"));
    browser.press("button[value=deny]").await;
    browser.wait_for_text("[role=alert]", "You are not signed in: the request was declined.").await;
    browser.press("form[action='/sign-in'] button").await;
    browser.press("button[value=allow]").await;

    browser.wait_for_text("[role=status]", "You are signed in.").await;
    assert!(browser.address().await.starts_with(application));
    let cookie = browser.cookie("gw_demo_client").await;
    assert_eq!(cookie.http_only, Some(true));
    browser.wait_for_text("h1", "Ada Marlow").await;
    browser.find(".flow li:nth-child(4).taken").await;
    browser.find(".flow li:nth-child(5):not(.taken)").await;
    assert!(browser.text().await.contains(issuer), "the claims contain the issuer");

    browser.press("form[action='/userinfo'] button").await;
    browser.wait_for_text("[role=status]", "Userinfo has returned the claims.").await;
    assert!(browser.text().await.contains("12 Weavers Row"));
    browser.find(".flow li:nth-child(5).taken").await;

    let before = (browser.read("#access-token").await, browser.read("#refresh-token").await);
    browser.press("form[action='/refresh'] button").await;
    browser.wait_for_text("#refreshed", "once").await;
    let after = (browser.read("#access-token").await, browser.read("#refresh-token").await);
    assert!(before.0 != after.0 && before.1 != after.1, "{before:?} {after:?}");

    browser.press("form[action='/revoke'] button").await;
    browser.find(".badge-bad").await;
    browser.press("form[action='/userinfo'] button").await;
    browser.find("[role=alert]").await;
    let refused = browser.read("[role=alert]").await;
    assert!(refused.starts_with("Userinfo was refused: invalid_token"), "{refused}");
    browser.press("form[action='/refresh'] button").await;
    let refused = browser.read("[role=alert]").await;
    assert!(refused.starts_with("The refresh was refused: invalid_grant"), "{refused}");

    browser.press("form[action='/sign-out'] button").await;
    browser.wait_for_text("[role=status]", "You are signed out, here and at the server.").await;
    browser.press("form[action='/sign-in'] button").await;
    browser.find("input[name=password]").await;
    assert!(browser.address().await.starts_with(issuer), "the session of the server has ended");

    browser.close().await;
    assert!(demo.stop_by("-INT").await.success());
    std::fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn the_data_is_kept_unless_a_fresh_start_is_requested() {
    let (home, ports) = new_home();
    let browser = Browser::start().await;
    let first = Demo::start(&home, &ports.each_ref().map(String::as_str)).await;
    browser.open(first.text("/application")).await;
    browser.press("form[action='/sign-in'] button").await;
    sign_in(&browser, "lena.vogt@example.org", first.text("/people/lena")).await;
    browser.press("button[value=allow]").await;
    browser.wait_for_text("[role=status]", "You are signed in.").await;
    let output = first.output.clone();
    assert!(first.stop_by("-TERM").await.success());

    // The ports are kept too. The client has lost its session; the server's session and consent are
    // still there.
    let again = Demo::start(&home, &[]).await;
    assert_eq!(again.output, output);
    browser.open(again.text("/application")).await;
    browser.press("form[action='/sign-in'] button").await;
    browser.wait_for_text("[role=status]", "You are signed in.").await;
    browser.wait_for_text("h1", "Lena Vogt").await;
    assert!(again.stop_by("-INT").await.success());

    let fresh: Vec<&str> =
        std::iter::once("--fresh").chain(ports.iter().map(String::as_str)).collect();
    let fresh = Demo::start(&home, &fresh).await;
    assert_ne!(fresh.output.pointer("/people"), output.pointer("/people"));
    browser.open(fresh.text("/application")).await;
    browser.press("form[action='/sign-in'] button").await;
    browser.find("input[name=password]").await;
    assert!(fresh.stop_by("-INT").await.success());
    browser.close().await;
    std::fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn a_service_obtains_a_token_and_revokes_it() {
    let (home, ports) = new_home();
    let demo = Demo::start(&home, &ports.each_ref().map(String::as_str)).await;
    let http = crate::http();
    let post = async |path: &str, form: &[(&str, &str)]| {
        let response = http
            .post(format!("{}{path}", demo.text("/issuer")))
            .basic_auth(
                demo.text("/clients/service/client_id"),
                Some(demo.text("/clients/service/client_secret")),
            )
            .form(form)
            .send()
            .await
            .unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_slice::<Value>(&response.bytes().await.unwrap()).unwrap_or_default()
    };

    let form = [("grant_type", "client_credentials"), ("resource", demo.text("/resource"))];
    let tokens = post("/token", &form).await;
    let token = [("token", tokens["access_token"].as_str().unwrap())];
    let before = post("/introspect", &token).await;
    post("/revoke", &token).await;
    let after = post("/introspect", &token).await;

    assert_eq!(before["active"], true);
    assert_eq!(before["scope"], "invoices.read invoices.write");
    assert_eq!(after, serde_json::json!({ "active": false }));
    assert!(demo.stop_by("-INT").await.success());
    std::fs::remove_dir_all(home).unwrap();
}

/// The printed commands, run in a shell in another directory.
#[tokio::test]
async fn the_printed_commands_work() {
    let (home, ports) = new_home();
    // A path with characters that are special in a shell.
    let home = home.join("it's a $HOME");
    std::fs::create_dir(&home).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatewright"));
    command.args(["demo", "--dir", "demo"]).args(&ports).current_dir(&home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    while !printed.last().is_some_and(|line: &String| line.contains("Ctrl-C stops it")) {
        let line = timeout(crate::TIMEOUT, lines.next_line()).await.expect("the whole summary");
        printed.push(line.unwrap().expect("the whole summary"));
    }
    let run = async |first: &str| {
        let commands = printed.iter().skip_while(|line| !line.starts_with(first));
        let commands: Vec<_> = commands.take_while(|line| !line.is_empty()).cloned().collect();
        assert!(commands.len() > 4, "{printed:?}");
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &commands.join("\n")]).current_dir("/").kill_on_drop(true);
        let output = shell.output().await.unwrap();
        assert!(output.status.success(), "{commands:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };

    let service = run("  SERVICE=").await;
    let certified = run("  cd ").await;

    let lines: Vec<_> = service.lines().collect();
    let [token, before, "200", after] = lines[..] else { panic!("{service}") };
    assert_eq!(token.split('.').count(), 3, "{token}");
    let body = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(body(before)["active"], true);
    assert_eq!(body(after), serde_json::json!({ "active": false }));
    let (invoices, refused) = certified.split_once('\n').unwrap();
    assert!(body(invoices)["invoices"].is_array(), "{invoices}");
    let status = refused.lines().next().unwrap();
    assert_eq!(status.split(' ').nth(1), Some("401"), "{refused}");
    assert!(refused.contains("error=\"invalid_token\""), "{refused}");

    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    std::fs::remove_dir_all(home.parent().unwrap()).unwrap();
}

/// THREATS MT-04: with the real `curl`.
#[tokio::test]
async fn a_bound_token_is_refused_over_a_connection_with_another_certificate() {
    let (home, ports) = new_home();
    let demo = Demo::start(&home, &ports.each_ref().map(String::as_str)).await;
    let certificates = home.join(demo.text("/certificates"));
    let curl = async |who: &[&str], more: &[&str]| {
        let mut command = Command::new("curl");
        command.current_dir(&certificates).args(["-s", "-w", "\n%{http_code}"]);
        command.args(["--cacert", "localhost-ca.pem"]).args(who).args(more);
        let response = String::from_utf8(command.output().await.unwrap().stdout).unwrap();
        let (body, status) = response.rsplit_once('\n').unwrap();
        (status.to_owned(), body.to_owned())
    };
    let service = ["--cert", "service.pem", "--key", "service.key"];
    let other = ["--cert", "other.pem", "--key", "other.key"];
    let token_endpoint = format!("{}/token", demo.text("/mtls"));
    // Supported features are advertised (RFC 8705 §2.1.1, §3.3; THREATS JO-22).
    let discovery = format!("{}/.well-known/oauth-authorization-server", demo.text("/issuer"));
    let metadata = crate::http().get(discovery).send().await.unwrap().bytes().await.unwrap();
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    let methods = metadata["token_endpoint_auth_methods_supported"].to_string();
    assert!(methods.contains("\"tls_client_auth\""), "{methods}");
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    assert_eq!(metadata["mtls_endpoint_aliases"]["token_endpoint"], token_endpoint);
    let client = format!("client_id={}", demo.text("/clients/certified"));
    let resource = format!("resource={}", demo.text("/resource"));
    let mut form = vec![token_endpoint.as_str()];
    for pair in ["grant_type=client_credentials", "scope=invoices.read", &client, &resource] {
        form.extend(["-d", pair]);
    }

    let (status, tokens) = curl(&service, &form).await;
    assert_eq!(status, "200", "{tokens}");
    assert_eq!(curl(&other, &form).await.0, "401", "the certificate of another client");
    assert_eq!(curl(&[], &form).await.0, "401", "no certificate");
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    let bearer = format!("Authorization: Bearer {}", tokens["access_token"].as_str().unwrap());
    let call = [demo.text("/api"), "-H", &bearer];

    let (status, invoices) = curl(&service, &call).await;
    assert_eq!(status, "200", "{invoices}");
    assert!(invoices.contains("2026-0117"), "{invoices}");
    let (status, refused) = curl(&other, &call).await;
    assert_eq!(status, "401", "{refused}");
    assert_eq!(curl(&[], &call).await.0, "401");

    let page = crate::http().get(demo.text("/application")).send().await.unwrap();
    let page = String::from_utf8(page.bytes().await.unwrap().to_vec()).unwrap();
    assert!(page.contains("Demo service with a certificate"), "the inventory: {page}");
    assert!(page.contains("one valid token is bound to it"), "{page}");
    assert!(demo.stop_by("-INT").await.success());
    std::fs::remove_dir_all(home).unwrap();
}

#[tokio::test]
async fn conflicts_are_reported_and_nothing_is_overwritten() {
    let (home, ports) = new_home();
    let ports = ports.each_ref().map(String::as_str);
    let listener = std::net::TcpListener::bind(("127.0.0.1", ports[3].parse().unwrap())).unwrap();
    let failed = async |more: &[&str]| {
        let Output { status, stderr, stdout } = command(&home, more).output().await.unwrap();
        assert!(!status.success() && stdout.is_empty());
        String::from_utf8(stderr).unwrap()
    };

    let port_in_use = failed(&ports).await;
    assert!(port_in_use.contains(ports[3]) && port_in_use.contains("--client-port"));
    drop(listener);

    let running = Demo::start(&home, &ports).await;
    let directory_in_use = failed(&["--fresh"]).await;
    assert!(directory_in_use.contains("a demo is running"), "{directory_in_use}");
    assert!(running.stop_by("-TERM").await.success());
    let other_ports = failed(&["--port", ports[3], "--client-port", ports[1]]).await;
    assert!(other_ports.contains("--fresh"), "{other_ports}");

    let secrets = home.join("demo/secrets.json");
    std::fs::remove_file(&secrets).unwrap();
    let of_others = failed(&["--fresh"]).await;
    assert!(of_others.contains("was not created by `gatewright demo`"), "{of_others}");
    assert!(home.join("demo/gatewright.db").exists());
    std::fs::remove_dir_all(home).unwrap();
}

/// If a default port is in use, another one is taken, reported, and kept from then on, because it is
/// registered.
#[tokio::test]
async fn a_default_port_in_use_is_replaced_by_another() {
    let (home, ports) = new_home();
    // The demo may choose the port of the server. If this fails, another process has it.
    let _holder = std::net::TcpListener::bind(("127.0.0.1", 8080));
    let others: Vec<_> = ports[2..].iter().map(String::as_str).collect();

    let first = Demo::start(&home, &others).await;

    let port = first.output["moved_ports"]["8080"].as_u64().unwrap();
    assert_ne!(port, 8080);
    let issuer = format!("http://localhost:{port}");
    assert_eq!(first.text("/issuer"), issuer);
    let http = crate::http();
    let discovery = http.get(format!("{issuer}/.well-known/openid-configuration"));
    assert_eq!(discovery.send().await.unwrap().status(), 200);
    let metrics = http.get(first.text("/metrics")).send().await.unwrap();
    assert!(metrics.text().await.unwrap().contains("gatewright_"));
    assert!(first.stop_by("-TERM").await.success());

    let again = Demo::start(&home, &[]).await;
    assert_eq!(again.text("/issuer"), issuer);
    assert!(again.output["moved_ports"].as_object().unwrap().is_empty());
    assert!(again.stop_by("-TERM").await.success());

    let mut demo = Command::new(env!("CARGO_BIN_EXE_gatewright"));
    demo.args(["demo", "--dir", "other"]).args(&others).current_dir(&home);
    let mut demo = demo.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut output = String::new();
    loop {
        let line = timeout(crate::TIMEOUT, lines.next_line()).await.expect("the list of users");
        let line = line.unwrap().expect("the list of users");
        if line.starts_with("Users") {
            break;
        }
        output.push_str(&line);
    }
    assert!(output.contains("Port 8080 is in use by another program"), "{output}");
    assert!(output.contains("/metrics") && output.contains("/account"), "{output}");
    demo.kill().await.unwrap();
    std::fs::remove_dir_all(home).unwrap();
}

/// Requests that an attacker can make a browser send: a response without a request, a form of another
/// site, a request with another host name.
#[tokio::test]
async fn the_application_accepts_requests_of_its_own_pages_only() {
    let (home, ports) = new_home();
    let demo = Demo::start(&home, &ports.each_ref().map(String::as_str)).await;
    let (application, issuer) = (demo.text("/application"), demo.text("/issuer"));
    let http = crate::http();

    let forged = format!("{application}/callback?code=gw_code_x&state=x&iss={issuer}");
    let forged = http.get(forged).send().await.unwrap();
    let cookie = forged.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let page = http.get(application).header("cookie", cookie).send().await.unwrap();
    let page = String::from_utf8(page.bytes().await.unwrap().to_vec()).unwrap();
    let sign_in = http.post(format!("{application}/sign-in"));
    let cross_site = sign_in.header("origin", "http://evil.example").send().await.unwrap();
    let rebound = http.get(application).header("host", "evil.example").send().await.unwrap();

    assert_eq!(forged.status(), 303);
    assert!(page.contains("This sign-in was begun in another browser"), "{page}");
    assert_eq!(cross_site.status(), 403);
    assert_eq!(rebound.headers()["location"], application);
    assert!(demo.stop_by("-INT").await.success());
    std::fs::remove_dir_all(home).unwrap();
}
