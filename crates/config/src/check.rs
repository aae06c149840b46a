//! Configurations that are valid but insecure: the server refuses to run with them.

use std::path::{Path, PathBuf};

use super::load::Loaded;
use super::notices::{Webhook, WebhookSecret};
use super::problem::{Origin, Problem, Problems};
use super::tables::Config;
use gatewright_base::access::{Exposure, exposure, mode};

impl Config {
    /// Valid settings that would expose passwords, tokens or keys (THREATS SU-06). An http issuer is
    /// not among them, because loading refuses it.
    pub fn insecurities(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |key: &str, reason: String, remedy: String| {
            problems.push(Problem::new(key, reason, remedy));
        };
        let exposed = self.http.listen.iter().find(|address| !address.ip().is_loopback());
        if let Some(address) = exposed
            && self.issuer.is_https()
            && self.http.trusted_proxies.is_empty()
        {
            refuse(
                "http.listen",
                format!(
                    "serves plain http on {address}, while the issuer is https and no proxy in front \
                     of it is known"
                ),
                "name the proxies that end TLS in http.trusted_proxies, and block all other access to \
                 this port; or listen on 127.0.0.1 beside the proxy; or serve https with tls.listen"
                    .to_owned(),
            );
        }
        // Behind an unknown proxy every client has the address of the proxy, so the failed sign-ins of an
        // attacker would throttle all users (THREATS EX-16).
        if exposed.is_none()
            && self.issuer.is_https()
            && self.tls.listen.is_empty()
            && self.http.trusted_proxies.is_empty()
        {
            refuse(
                "http.trusted_proxies",
                "is empty, while the issuer is https and a proxy in front of this server must end TLS: \
                 all clients would have its address, and one attacker could lock out all users"
                    .to_owned(),
                "name the addresses of the proxies (http.trusted_proxies = \"127.0.0.1\" for one on this \
                 machine); or serve https here, with tls.listen"
                    .to_owned(),
            );
        }
        if let Some(network) = self.http.trusted_proxies.iter().find(|n| n.covers_all()) {
            refuse(
                "http.trusted_proxies",
                format!("trusts every address ({network}), so any client can forge its address"),
                "name only the addresses of the proxies".to_owned(),
            );
        }
        let of_webhooks = self.webhooks.endpoints.iter().map(|webhook| {
            let file = match &webhook.secret {
                WebhookSecret::File(file) => Some(file.as_path()),
                WebhookSecret::Given(_) => None,
            };
            ("webhooks.endpoints", file)
        });
        let secrets = [
            ("database.url_file", self.database.url_file.as_deref()),
            ("keys.encryption_key_file", self.keys.encryption_key_file.as_deref()),
            ("tls.key_file", self.tls.key_file.as_deref()),
            ("mtls.key_file", self.mtls.key_file.as_deref()),
            ("mail.password_file", self.mail.password_file.as_deref()),
        ];
        let secrets = secrets.into_iter().chain(of_webhooks);
        for (key, file) in secrets {
            if let Some(open) = file.and_then(exposure) {
                refuse(key, open.reason, open.remedy);
            }
        }
        for exposure in exposed_keys(&self.keys.dir) {
            refuse("keys.dir", exposure.reason, exposure.remedy);
        }
        problems
    }
}

impl Loaded {
    /// Refuses a configuration with [`Loaded::insecurities`], before the server listens. `others` are
    /// problems of the files that the configuration names.
    ///
    /// # Errors
    /// All of them at once.
    pub fn ensure_secure(&self, others: Vec<Problem>) -> Result<(), Problems> {
        let mut problems = self.insecurities();
        problems.extend(others.into_iter().map(|problem| problem.located(&self.origins)));
        if problems.is_empty() { Ok(()) } else { Err(Problems::of(problems)) }
    }

    /// [`Config::insecurities`] with their origins, and a configuration file with secrets that other
    /// users can read.
    pub fn insecurities(&self) -> Vec<Problem> {
        let mut problems = self.config.insecurities();
        let in_file = |key: &str| matches!(self.origins.get(key), Some(Origin::File { .. }));
        let has_given = |webhook: &Webhook| matches!(webhook.secret, WebhookSecret::Given(_));
        let secret = if in_file("database.url") && self.config.database.url.has_password() {
            Some("database.url")
        } else if self.config.webhooks.endpoints.iter().any(has_given) {
            Some("webhooks.endpoints")
        } else {
            ["keys.encryption_key", "mail.password"].into_iter().find(|key| in_file(key))
        };
        if let (Some(key), Some(file)) = (secret, &self.file)
            && let Some(open) = exposure(file)
        {
            let file =
                if key == "webhooks.endpoints" { "secret_file" } else { &format!("{key}_file") };
            let remedy = format!("{}, or move the secret into a file with {file}", open.remedy);
            problems.push(Problem::new(key, format!("is a secret, and {}", open.reason), remedy));
        }
        problems.into_iter().map(|problem| problem.located(&self.origins)).collect()
    }
}

/// The key directory: only its owner may write to it or read the keys. Its README and `.gitignore`
/// are not keys.
fn exposed_keys(directory: &Path) -> Vec<Exposure> {
    let mut exposures = Vec::new();
    if let Some((mode, group_mode)) = mode(directory)
        && mode & 0o022 & !(group_mode & 0o020) != 0
    {
        exposures.push(Exposure::new(directory, "can be written by others than its owner", "700"));
    }
    let files = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = files.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let secret = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.starts_with('.') && !name.ends_with(".md")
    };
    exposures.extend(files.iter().filter(secret).filter_map(|path| exposure(path)));
    exposures
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::tests::{SMALLEST, Scratch};
    use crate::{Bytes, Issuer};

    #[test]
    fn values_that_contradict_each_other_are_reported_together() {
        let problems = Scratch::new().problems(
            r#"
issuer = "https://id.example.org"
database.url = "sqlite:gatewright.db"
http.listen = ["127.0.0.1:8080"]
operations.listen = "127.0.0.1:8080"
keys.algorithms = ["EdDSA"]
tokens.refresh_idle = "100d"
sessions.idle = "13h"
sessions.remember_idle = "31d"
throttle.account_attempts = 200
outbound.ca_files = "ca.pem"
brand.logo = "logo.gif"
"#,
            &[],
        );

        assert_snapshot!(problems.replace(&std::env::temp_dir().display().to_string(), ""), @r#"
        the configuration has 9 problems:
          gatewright.toml:5: operations.listen: is also in http.listen; use another port, which only operators reach
          gatewright.toml:6: keys.algorithms: lacks RS256, which OIDC Discovery §3 requires; add "RS256"
          gatewright.toml:7: tokens.refresh_idle: is more than tokens.refresh_absolute; lower it, or raise the other
          gatewright.toml:8: sessions.idle: is more than sessions.absolute; lower it, or raise the other
          gatewright.toml:9: sessions.remember_idle: is more than sessions.remember_absolute; lower it, or raise the other
          gatewright.toml:10: throttle.account_attempts: is more than throttle.network_attempts; lower it, or raise the other
          gatewright.toml:11: outbound.ca_files: names ca.pem, which is not a file; put the certificates there, as PEM
          gatewright.toml:12: brand.logo: has no file extension of a supported image format; name a .png, .svg, .jpg or .webp
          tokens.access_token_alg: is not among keys.algorithms; add it there, or choose one of those
        "#);
    }

    #[test]
    fn a_logo_must_exist() {
        let problems = Scratch::new().problems(SMALLEST, &[("GATEWRIGHT_BRAND__LOGO", "no.svg")]);

        assert_snapshot!(problems, @r#"
        the configuration has a problem:
          GATEWRIGHT_BRAND__LOGO: brand.logo: names no.svg, which is not a file; put the picture there, or leave it out
        "#);
    }

    #[test]
    fn a_logo_for_the_dark_scheme_needs_one_for_the_light_scheme() {
        let scratch = Scratch::new();
        scratch.write("dark.svg", "<svg/>");
        let dark = scratch.0.join("dark.svg").display().to_string();

        let problems = scratch.problems(SMALLEST, &[("GATEWRIGHT_BRAND__LOGO_DARK", &dark)]);

        assert_snapshot!(problems, @r#"
        the configuration has a problem:
          GATEWRIGHT_BRAND__LOGO_DARK: brand.logo_dark: is the logo for the dark scheme, but there is none for the light one; name the logo in brand.logo too
        "#);
    }

    #[test]
    fn plain_http_is_limited_to_loopback_unless_a_proxy_is_known() {
        let mut config = Config::with_defaults(Issuer::parse("https://id.example.org").unwrap());
        let listening = |config: &Config| {
            config.insecurities().iter().filter(|p| p.key == "http.listen").count()
        };
        assert_eq!(listening(&config), 0);

        config.http.listen = vec!["0.0.0.0:8080".parse().unwrap()];
        assert_eq!(listening(&config), 1);

        config.http.trusted_proxies = vec![crate::Network::new([10, 0, 0, 1].into(), 32).unwrap()];
        assert_eq!(listening(&config), 0);
    }

    /// THREATS EX-16: with the issuer of README and no proxy, all users would share one address.
    #[test]
    fn the_proxy_in_front_of_an_https_issuer_is_known_or_the_server_ends_tls() {
        let scratch = Scratch::new();
        let file = "issuer = \"https://id.example.org\"\ndatabase.url = \"sqlite:gatewright.db\"";

        let problems = scratch.load(file, &[]).unwrap().ensure_secure(Vec::new()).unwrap_err();

        assert_eq!(problems.problems.len(), 1);
        assert_eq!(problems.problems[0].key, "http.trusted_proxies");
        assert!(problems.problems[0].remedy.contains("http.trusted_proxies = \"127.0.0.1\""));
        for (name, value) in [
            ("GATEWRIGHT_HTTP__TRUSTED_PROXIES", "127.0.0.1"),
            ("GATEWRIGHT_ISSUER", "http://localhost:8080"),
        ] {
            let loaded = scratch.load(file, &[(name, value)]).unwrap();
            assert!(loaded.ensure_secure(Vec::new()).is_ok(), "{name}");
        }
        let mut config = Config::with_defaults(Issuer::parse("https://id.example.org").unwrap());
        config.tls.listen = vec!["[::]:443".parse().unwrap()];
        assert!(config.insecurities().is_empty(), "TLS ends here");
    }

    #[test]
    fn trusting_every_address_is_refused() {
        let scratch = Scratch::new();
        for everybody in ["0.0.0.0/0", "::/0"] {
            let env = [("GATEWRIGHT_HTTP__TRUSTED_PROXIES", everybody)];

            let problems =
                scratch.load(SMALLEST, &env).unwrap().ensure_secure(Vec::new()).unwrap_err();

            assert_eq!(problems.problems.len(), 1);
            let variable = "GATEWRIGHT_HTTP__TRUSTED_PROXIES".to_owned();
            assert_eq!(problems.problems[0].origin, Origin::Environment { variable });
        }
    }

    #[test]
    fn bounds_hold_at_their_edges() {
        let scratch = Scratch::new();
        for (value, fits) in [("16383", false), ("16KiB", true), ("16MiB", true), ("17MiB", false)]
        {
            let loaded = scratch.load(SMALLEST, &[("GATEWRIGHT_HTTP__MAX_BODY", value)]);
            assert_eq!(loaded.is_ok(), fits, "{value}");
        }
        assert_eq!(Bytes::mib(1), Bytes::kib(1024));
    }

    #[cfg(unix)]
    mod permissions {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt as _;

        use super::*;

        fn allow(path: &Path, mode: u32) {
            std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        }

        /// The reasons of a load that succeeds.
        fn reasons(scratch: &Scratch, file: &str) -> Vec<String> {
            let problems = scratch.load(file, &[]).unwrap().insecurities();
            problems.into_iter().map(|problem| problem.reason).collect()
        }

        #[test]
        fn a_key_that_others_can_read_or_replace_is_refused() {
            let scratch = Scratch::new();
            let keys = scratch.0.join("keys");
            std::fs::create_dir(&keys).unwrap();
            allow(&keys, 0o755);
            allow(&scratch.write("keys/README.md", ""), 0o644);
            allow(&scratch.write("keys/.gitignore", ""), 0o644);
            let key = scratch.write("keys/encryption.key", "");
            allow(&key, 0o600);
            assert_eq!(reasons(&scratch, SMALLEST), [""; 0], "others may know that it is there");

            allow(&key, 0o604);
            assert!(
                reasons(&scratch, SMALLEST)[0].ends_with("is open to every user of this machine")
            );

            allow(&key, 0o660);
            assert!(reasons(&scratch, SMALLEST)[0].ends_with("is open to its group"));

            allow(&key, 0o600);
            allow(&keys, 0o777);
            assert!(reasons(&scratch, SMALLEST)[0].ends_with("written by others than its owner"));
        }

        #[test]
        fn a_secret_file_that_others_can_read_is_refused_with_the_command_that_fixes_it() {
            let scratch = Scratch::new();
            let secret = scratch.write("url", "sqlite:gatewright.db");
            let file = "issuer = \"https://id.example.org\"\ndatabase.url_file = \"url\"\n\
                        http.trusted_proxies = \"127.0.0.1\"";

            allow(&secret, 0o644);
            let problems = scratch.load(file, &[]).unwrap().ensure_secure(Vec::new()).unwrap_err();
            assert_eq!(problems.problems[0].key, "database.url_file");
            assert!(problems.problems[0].remedy.starts_with("run `chmod 600 "));

            allow(&secret, 0o600);
            assert!(scratch.load(file, &[]).unwrap().ensure_secure(Vec::new()).is_ok());
        }

        /// As container engines and `LoadCredential` store secrets: in a private directory.
        #[test]
        fn a_secret_in_a_private_directory_is_private() {
            let scratch = Scratch::new();
            let directory = scratch.0.join("secrets");
            std::fs::create_dir(&directory).unwrap();
            let secret = scratch.write("secrets/url", "sqlite:gatewright.db");
            let file = "issuer = \"https://id.example.org\"\ndatabase.url_file = \"secrets/url\"\n\
                        http.trusted_proxies = \"127.0.0.1\"";

            allow(&secret, 0o444);
            allow(&directory, 0o700);
            assert_eq!(reasons(&scratch, file), [""; 0]);

            // The group can enter the directory, and read the file like any user.
            allow(&directory, 0o750);
            assert!(reasons(&scratch, file)[0].ends_with("is open to every user of this machine"));

            allow(&directory, 0o711);
            assert!(reasons(&scratch, file)[0].ends_with("is open to every user of this machine"));

            allow(&directory, 0o700);
            allow(&secret, 0o446);
            assert!(reasons(&scratch, file)[0].ends_with("is open to every user of this machine"));
        }

        #[test]
        fn the_key_of_a_certificate_is_readable_only_by_the_server() {
            let scratch = Scratch::new();
            let key = scratch.write("key.pem", "");
            allow(&scratch.write("chain.pem", ""), 0o644);
            let file = format!(
                "{SMALLEST}\n[tls]\nlisten = \"[::]:443\"\ncertificate_file = \"chain.pem\"\n\
                 key_file = \"key.pem\""
            );
            allow(&key, 0o644);
            assert!(reasons(&scratch, &file)[0].ends_with("is open to every user of this machine"));

            allow(&key, 0o600);
            assert_eq!(reasons(&scratch, &file), [""; 0]);
        }

        #[test]
        fn a_password_may_be_in_the_file_only_if_the_file_is_private() {
            let scratch = Scratch::new();
            let file = "issuer = \"https://id.example.org\"\n\
                        http.trusted_proxies = \"127.0.0.1\"\n\
                        database.url = \"postgres://gw:hunter2@db/gw\"";
            scratch.load(file, &[]).unwrap();
            let path = scratch.0.join("gatewright.toml");

            allow(&path, 0o644);
            assert!(reasons(&scratch, file)[0].starts_with("is a secret, and "));
            assert_eq!(reasons(&scratch, SMALLEST), [""; 0], "there is no secret in it");

            allow(&path, 0o600);
            assert_eq!(reasons(&scratch, file), [""; 0]);
        }
    }
}
