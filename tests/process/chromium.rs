//! A browser: headless Chromium, driven through chromedriver.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::extensions::query::ElementPollerWithTimeout;
use thirtyfour::prelude::*;
use thirtyfour::stringmatch::StringMatch;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use crate::{directory, install_tls};

/// Switches off everything that Chromium does by itself.
const ARGUMENTS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How long to wait for an element, and the polling interval.
const TIMEOUT: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(25);

/// A browser without cookies.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: WebDriver,
    _chromedriver: Chromedriver,
}

/// The driver process; it ends with the browser, even if the test panics.
#[derive(Debug)]
struct Chromedriver {
    child: Child,
    /// Kept open, because the process would fail to write otherwise.
    output: Lines<BufReader<ChildStdout>>,
    profile: PathBuf,
}

impl Browser {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        install_tls();
        let mut chromedriver = Chromedriver::start();
        let port = chromedriver.port().await;
        let mut capabilities = DesiredCapabilities::chrome();
        let profile = format!("--user-data-dir={}", chromedriver.profile.display());
        for argument in ARGUMENTS.into_iter().chain([profile.as_str()]) {
            capabilities.add_arg(argument).unwrap();
        }
        let driver =
            WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.unwrap();
        driver.set_poller(Arc::new(ElementPollerWithTimeout::new(TIMEOUT, STEP)));
        Self { driver, _chromedriver: chromedriver }
    }

    /// Sets the viewport to this size, in CSS pixels.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        let command = "Emulation.setDeviceMetricsOverride";
        self.driver.cdp().send_raw(command, metrics).await.unwrap();
    }

    /// The result of a script that runs in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Opens a URL.
    pub(crate) async fn open(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    /// The first matching element, as soon as there is one.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        match self.driver.query(By::Css(css)).first().await {
            Ok(element) => element,
            Err(_) => panic!("there is no {css} on this page:\n{}", self.text().await),
        }
    }

    /// Waits until an element contains this text.
    pub(crate) async fn wait_for_text(&self, css: &str, text: &'static str) {
        let found = self
            .driver
            .query(By::Css(css))
            .with_text(StringMatch::new(text).partial())
            .exists()
            .await
            .unwrap();
        assert!(found, "no {css} says {text:?} on this page:\n{}", self.text().await);
    }

    /// The text of an element.
    pub(crate) async fn read(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        self.find(&format!("input[name={name}]")).await.send_keys(text).await.unwrap();
    }

    /// Presses a button that leads to another page, and waits until this page is replaced, so that the
    /// next element is not found here.
    pub(crate) async fn press(&self, css: &str) {
        let button = self.find(css).await;
        button.click().await.unwrap();
        let replaced = button.wait_until().wait(TIMEOUT, STEP).stale().await;
        assert!(replaced.is_ok(), "{css} leads nowhere:\n{}", self.text().await);
    }

    /// Double-clicks a button.
    pub(crate) async fn double_click(&self, css: &str) {
        // A page that has just loaded may replace itself, and its button with it.
        crate::wait_until("the button is pressed", async || {
            let button = self.find(css).await;
            self.driver.action_chain().double_click_element(&button).perform().await.is_ok()
        })
        .await;
    }

    /// Goes back to the page before.
    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// The current URL.
    pub(crate) async fn address(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// A cookie of the page.
    pub(crate) async fn cookie(&self, name: &str) -> thirtyfour::Cookie {
        self.driver.get_named_cookie(name).await.unwrap()
    }

    /// The URL and the text of the page.
    pub(crate) async fn text(&self) -> String {
        let body = self.driver.find(By::Tag("body")).await.unwrap();
        format!("{}\n{}", self.address().await, body.text().await.unwrap())
    }

    /// Closes it.
    pub(crate) async fn close(self) {
        self.driver.clone().quit().await.unwrap();
    }
}

impl Chromedriver {
    fn start() -> Self {
        let mut child = tokio::process::Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Its own process group includes Chromium, which outlives a killed chromedriver.
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed by scripts/setup");
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, output, profile: directory("chromium") }
    }

    async fn port(&mut self) -> u16 {
        loop {
            let line = self.output.next_line().await.unwrap().expect("chromedriver says its port");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            let group = format!("-{id}");
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
