//! The real binary, running `serve`.

use std::fs::File;
use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::application::{Application, User};
use crate::installation::Installation;

/// The password of every user.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A server and its installation. It can be stopped, killed and started again.
pub(crate) struct Server {
    pub(crate) installation: Installation,
    pub(crate) issuer: String,
    child: Option<Child>,
}

impl Server {
    /// A server in a new installation.
    pub(crate) async fn start() -> Self {
        Self::start_in(Installation::new().await).await
    }

    /// A server in this installation.
    pub(crate) async fn start_in(installation: Installation) -> Self {
        let mut server = Self::new(installation);
        server.launch().await;
        server
    }

    /// A server that does not run yet.
    pub(crate) fn new(mut installation: Installation) -> Self {
        let port = crate::free_port();
        let issuer = format!("http://localhost:{port}");
        installation.set("ISSUER", &issuer);
        installation.set("HTTP__LISTEN", &format!("127.0.0.1:{port}"));
        Self { installation, issuer, child: None }
    }

    /// Starts it, and waits until it is ready.
    pub(crate) async fn launch(&mut self) {
        let command = self.with_log(self.installation.command(&["serve"]));
        self.launch_with(command).await;
    }

    /// Starts it, without waiting.
    pub(crate) fn launch_without_waiting(&mut self) {
        let command = self.with_log(self.installation.command(&["serve"]));
        self.spawn(command);
    }

    /// A command whose standard error is the log.
    pub(crate) fn with_log(&self, mut command: Command) -> Command {
        let log = self.installation.directory.join("log");
        let log = File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command
    }

    /// Starts it with this command, and waits until it is ready.
    pub(crate) async fn launch_with(&mut self, command: Command) {
        self.spawn(command);
        self.wait_until_ready().await;
    }

    /// Waits until it is ready.
    pub(crate) async fn wait_until_ready(&mut self) {
        let (http, ready) = (crate::http(), format!("{}/readyz", self.issuer));
        let child = self.child.as_mut().unwrap();
        crate::wait_until("the server is ready", async || {
            let ended = child.try_wait().unwrap();
            assert_eq!(ended, None, "the server did not start");
            http.get(&ready).send().await.is_ok_and(|response| response.status() == 200)
        })
        .await;
    }

    /// Starts it with this command, without waiting.
    pub(crate) fn spawn(&mut self, mut command: Command) {
        self.child = Some(command.spawn().unwrap());
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id().unwrap()
    }

    /// Kills it, as a crash would.
    pub(crate) async fn kill(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }

    /// Sends it a signal: `TERM`, `INT`.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.pid().to_string();
        let kill = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(kill.await.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn wait_for_exit(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let mut status = None;
        crate::wait_until("the server ends", async || {
            status = child.try_wait().unwrap();
            status.is_some()
        })
        .await;
        status.unwrap()
    }

    /// Shuts it down.
    pub(crate) async fn stop(&mut self) {
        self.signal("TERM").await;
        assert_eq!(self.wait_for_exit().await.code(), Some(0));
    }

    /// Its log so far, one object a line.
    pub(crate) fn log(&self) -> Vec<Value> {
        let log = std::fs::read_to_string(self.installation.directory.join("log")).unwrap();
        // The last line may be incomplete.
        let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let read = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        whole.lines().map(read).collect()
    }

    /// The status of the response at this path.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        let response = crate::http().get(format!("{}{path}", self.issuer)).send().await;
        response.unwrap().status().as_u16()
    }

    /// Whether the log contains a line with this text.
    pub(crate) fn has_logged(&self, text: &str) -> bool {
        self.log().iter().any(|line| line.to_string().contains(text))
    }

    /// Creates a user with [`PASSWORD`] and the address `NAME@example.org`, while the server runs.
    pub(crate) async fn create_user(&self, username: &str) -> User {
        let email = format!("{username}@example.org");
        let create = ["user", "create", "--username", username, "--email", &email];
        let create = [&create[..], &["--email-verified", "--password-stdin"]].concat();
        self.installation.json_with(&create, PASSWORD).await;
        User { username: username.to_owned() }
    }

    /// Registers a client with metadata of RFC 7591, while the server runs.
    pub(crate) async fn register(&self, metadata: Value) -> Value {
        let create = ["client", "create", "--metadata", "-"];
        self.installation.json_with(&create, &metadata.to_string()).await
    }

    /// A web application with refresh tokens.
    pub(crate) async fn application(&self, name: &str) -> Application {
        let metadata = json!({
            "client_name": name,
            "redirect_uris": [Application::REDIRECT_URI],
            "post_logout_redirect_uris": [Application::SIGNED_OUT],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        Application::from_registration(&self.issuer, &self.register(metadata).await)
    }

    /// A service with the client credentials grant.
    pub(crate) async fn service(&self, name: &str) -> Application {
        let metadata = json!({ "client_name": name, "grant_types": ["client_credentials"] });
        Application::from_registration(&self.issuer, &self.register(metadata).await)
    }
}
