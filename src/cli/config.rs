//! `gatewright config check | show | example | schema`.
//!
//! Each writes to `out` and returns the exit code.

use std::io::{self, Write};

use serde_json::json;

use crate::app::Clock;
use crate::config::{self, Loaded, Problem, Problems};
use crate::pki::anchors;
use crate::server::tls;

/// The configuration is valid.
const VALID: u8 = 0;

/// `EX_CONFIG` of `sysexits.h`: the configuration is invalid, and a retry is useless.
pub const MISCONFIGURED: u8 = 78;

/// Reports all problems that prevent loading the configuration or starting a server with it.
///
/// # Errors
/// `out` cannot be written.
pub fn check(
    loaded: &Result<Loaded, Problems>,
    json: bool,
    out: &mut impl Write,
) -> io::Result<u8> {
    match loaded.as_ref().map(validate) {
        Ok(Ok(())) => {
            let file = loaded.as_ref().ok().and_then(|loaded| loaded.file.as_ref());
            if json {
                let none: [Problem; 0] = [];
                print_json(out, &json!({ "ok": true, "file": file, "problems": none }))?;
            } else if let Some(file) = file {
                writeln!(out, "{} is valid", file.display())?;
            } else {
                writeln!(out, "the environment variables are valid; there is no file")?;
            }
            Ok(VALID)
        }
        Ok(Err(problems)) => refuse(&problems, json, out),
        Err(problems) => refuse(problems, json, out),
    }
}

/// Prints the effective configuration and its sources, without secrets.
///
/// # Errors
/// `out` cannot be written.
pub fn show(loaded: &Result<Loaded, Problems>, json: bool, out: &mut impl Write) -> io::Result<u8> {
    match loaded {
        Ok(loaded) if json => print_json(out, &loaded.show_json())?,
        Ok(loaded) => write!(out, "{}", loaded.show())?,
        Err(problems) => return refuse(problems, json, out),
    }
    Ok(VALID)
}

/// Prints an example file with every key.
///
/// # Errors
/// `out` cannot be written.
pub fn example(out: &mut impl Write) -> io::Result<u8> {
    write!(out, "{}", config::example())?;
    Ok(VALID)
}

/// Prints the JSON Schema of the file.
///
/// # Errors
/// `out` cannot be written.
pub fn schema(out: &mut impl Write) -> io::Result<u8> {
    print_json(out, &config::schema())?;
    Ok(VALID)
}

/// Validates everything that can be validated before a server starts, including the files that the configuration
/// names.
///
/// # Errors
/// All problems.
pub(super) fn validate(loaded: &Loaded) -> Result<(), Problems> {
    let mut others = tls::problems(&loaded.config);
    others.extend(anchors::problems(&loaded.config.client_certificates));
    others.extend(tls::warnings(&loaded.config, Clock::system().now()));
    loaded.ensure_secure(others)
}

fn refuse(problems: &Problems, json: bool, out: &mut impl Write) -> io::Result<u8> {
    if json {
        print_json(out, &json!({ "ok": false, "problems": problems.problems }))?;
    } else {
        writeln!(out, "{problems}")?;
    }
    Ok(MISCONFIGURED)
}

fn print_json(out: &mut impl Write, value: &serde_json::Value) -> io::Result<()> {
    writeln!(out, "{value:#}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    fn loaded(issuer: &str, listen: &str) -> Result<Loaded, Problems> {
        loaded_behind(issuer, listen, &[("GATEWRIGHT_HTTP__TRUSTED_PROXIES", "127.0.0.1")])
    }

    fn loaded_behind(
        issuer: &str,
        listen: &str,
        proxies: &[(&str, &str)],
    ) -> Result<Loaded, Problems> {
        let env = [
            ("GATEWRIGHT_ISSUER", issuer),
            ("GATEWRIGHT_DATABASE__URL", "postgres://gw:hunter2@db/gw"),
            ("GATEWRIGHT_HTTP__LISTEN", listen),
        ];
        let env = env
            .iter()
            .chain(proxies)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::load(Path::new("a-file-that-does-not-exist.toml"), false, env)
    }

    fn checked(loaded: &Result<Loaded, Problems>) -> (u8, serde_json::Value) {
        let mut out = Vec::new();
        let code = check(loaded, true, &mut out).unwrap();
        (code, serde_json::from_slice(&out).unwrap())
    }

    #[test]
    fn the_exit_code_distinguishes_valid_invalid_and_insecure() {
        let (code, report) = checked(&loaded("https://id.example.org", "127.0.0.1:8080"));
        assert_eq!((code, &report["ok"]), (VALID, &true.into()));

        let (code, report) = checked(&loaded("id.example.org", "8080"));
        assert_eq!((code, &report["ok"]), (MISCONFIGURED, &false.into()));
        assert_eq!(report["problems"].as_array().unwrap().len(), 2);
        assert_eq!(report["problems"][0]["variable"], "GATEWRIGHT_HTTP__LISTEN");

        for (listen, key) in
            [("0.0.0.0:8080", "http.listen"), ("127.0.0.1:8080", "http.trusted_proxies")]
        {
            let (code, report) = checked(&loaded_behind("https://id.example.org", listen, &[]));
            assert_eq!((code, &report["ok"]), (MISCONFIGURED, &false.into()));
            assert_eq!(report["problems"][0]["key"], key);
        }
    }

    /// A server presents it all the same, so that clients report the error; the check reports it earlier.
    #[test]
    fn a_certificate_for_another_host_is_reported() {
        let directory = std::env::temp_dir().join(format!("gatewright_{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&directory).unwrap();
        let (chain, key) = (directory.join("chain.pem"), directory.join("key.pem"));
        let generated = rcgen::generate_simple_self_signed(["www.example.org".to_owned()]).unwrap();
        std::fs::write(&chain, generated.cert.pem()).unwrap();
        std::fs::write(&key, generated.signing_key.serialize_pem()).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let with_issuer = |issuer: &str| {
            let env = [
                ("GATEWRIGHT_ISSUER", issuer),
                ("GATEWRIGHT_DATABASE__URL", "postgres://gw:hunter2@db/gw"),
                ("GATEWRIGHT_HTTP__LISTEN", "127.0.0.1:8080"),
                ("GATEWRIGHT_TLS__LISTEN", "127.0.0.1:8443"),
                ("GATEWRIGHT_TLS__CERTIFICATE_FILE", chain.to_str().unwrap()),
                ("GATEWRIGHT_TLS__KEY_FILE", key.to_str().unwrap()),
            ];
            let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Config::load(Path::new("a-file-that-does-not-exist.toml"), false, env.into_iter())
        };

        let (code, report) = checked(&with_issuer("https://id.example.org"));
        assert_eq!(code, MISCONFIGURED);
        assert_eq!(report["problems"][0]["key"], "tls.certificate_file");
        let reason = report["problems"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("not for id.example.org, but for DNS:www.example.org"), "{reason}");
        let remedy = report["problems"][0]["remedy"].as_str().unwrap();
        assert!(remedy.contains("id.example.org"), "{remedy}");

        let (code, report) = checked(&with_issuer("https://www.example.org"));
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(code, VALID, "{report}");
    }

    #[test]
    fn show_hides_secrets_and_reports_problems_instead_of_an_invalid_configuration() {
        let mut out = Vec::new();
        assert_eq!(
            show(&loaded("https://id.example.org", "[::1]:1"), false, &mut out).unwrap(),
            VALID
        );
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("postgres://gw:…@db/gw"));
        assert!(!text.contains("hunter2"));

        let mut out = Vec::new();
        assert_eq!(show(&loaded("x", "[::1]:1"), false, &mut out).unwrap(), MISCONFIGURED);
        assert!(String::from_utf8(out).unwrap().contains("is not a complete URL"));
    }

    #[test]
    fn the_example_is_toml_and_the_schema_json() {
        let (mut toml, mut json) = (Vec::new(), Vec::new());
        assert_eq!(example(&mut toml).unwrap(), VALID);
        assert_eq!(schema(&mut json).unwrap(), VALID);
        String::from_utf8(toml).unwrap().parse::<toml_edit::DocumentMut>().unwrap();
        serde_json::from_slice::<serde_json::Value>(&json).unwrap();
    }
}
