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

/// What keeps Chromium from doing anything but what it is told.
const ARGUMENTS: [&str; 7] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How long something may take to show, and how often it is looked for.
const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(25);

/// A browser that knows nobody yet.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: WebDriver,
    _chromedriver: Chromedriver,
}

/// What drives it, and what ends with it: the test may fall over.
#[derive(Debug)]
struct Chromedriver {
    child: Child,
    /// Held, or it writes into a broken pipe.
    said: Lines<BufReader<ChildStdout>>,
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
        driver.set_poller(Arc::new(ElementPollerWithTimeout::new(PATIENCE, STEP)));
        Self { driver, _chromedriver: chromedriver }
    }

    /// Gives its window the inside of a screen of this size, in CSS pixels.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true });
        let command = "Emulation.setDeviceMetricsOverride";
        self.driver.cdp().send_raw(command, metrics).await.unwrap();
    }

    /// What a script returns that is run in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Types an address.
    pub(crate) async fn open(&self, address: &str) {
        self.driver.goto(address).await.unwrap();
    }

    /// The first element that fits, as soon as there is one.
    pub(crate) async fn find(&self, css: &str) -> WebElement {
        match self.driver.query(By::Css(css)).first().await {
            Ok(element) => element,
            Err(_) => panic!("there is no {css} on this page:\n{}", self.text().await),
        }
    }

    /// Waits until an element says this.
    pub(crate) async fn see(&self, css: &str, text: &'static str) {
        let found = self
            .driver
            .query(By::Css(css))
            .with_text(StringMatch::new(text).partial())
            .exists()
            .await
            .unwrap();
        assert!(found, "no {css} says {text:?} on this page:\n{}", self.text().await);
    }

    /// What an element says.
    pub(crate) async fn read(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Types into a field.
    pub(crate) async fn fill(&self, name: &str, text: &str) {
        self.find(&format!("input[name={name}]")).await.send_keys(text).await.unwrap();
    }

    /// Presses a button that leads to another page, and waits until this one is gone: what is looked
    /// for next must not be found here.
    pub(crate) async fn press(&self, css: &str) {
        let button = self.find(css).await;
        button.click().await.unwrap();
        let gone = button.wait_until().wait(PATIENCE, STEP).stale().await;
        assert!(gone.is_ok(), "{css} leads nowhere:\n{}", self.text().await);
    }

    /// Presses a button twice, as fast as people do who are used to it.
    pub(crate) async fn double_click(&self, css: &str) {
        // A page that has only just come may be replaced by itself: then its button is another one.
        crate::until("the button is pressed", async || {
            let button = self.find(css).await;
            self.driver.action_chain().double_click_element(&button).perform().await.is_ok()
        })
        .await;
    }

    /// Goes back to the page before.
    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    /// Where it is.
    pub(crate) async fn address(&self) -> String {
        self.driver.current_url().await.unwrap().to_string()
    }

    /// A cookie of the page.
    pub(crate) async fn cookie(&self, name: &str) -> thirtyfour::Cookie {
        self.driver.get_named_cookie(name).await.unwrap()
    }

    /// Everything that the page says.
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
            // With Chromium, which outlives a chromedriver that is killed.
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed by scripts/setup");
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, said, profile: directory("chromium") }
    }

    async fn port(&mut self) -> u16 {
        loop {
            let line = self.said.next_line().await.unwrap().expect("chromedriver says its port");
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
