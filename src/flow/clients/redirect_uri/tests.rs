//! What may be registered, and what may be presented instead of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::types::{ClientId, Timestamp};

const REGISTERED: &str = "https://good.example.com/cb";

fn client(application: &str, uris: &[&str]) -> Client {
    let metadata = json!({
        "application_type": application,
        "redirect_uris": uris,
        "post_logout_redirect_uris": uris,
    });
    Client {
        id: ClientId::new(),
        metadata: serde_json::from_value(metadata).unwrap(),
        secrets: Vec::new(),
        created_at: Timestamp(0),
        disabled_at: None,
        ended_at: None,
        version: 1,
    }
}

/// What attackers present instead of [`REGISTERED`].
fn near_misses() -> BTreeSet<String> {
    let mut uris = BTreeSet::new();
    let ends = [
        "/",
        "//",
        "/.",
        "/..",
        "/../",
        "/./",
        "/../cb",
        "/%2e%2e/",
        "/%2E%2E/cb",
        "/%252e%252e/",
        "..;/",
        ";/",
        ";a=b",
        "%2f",
        "%2F..",
        "%5c",
        "\\",
        "\\..",
        "?",
        "?a=b",
        "?code=x",
        "&a=b",
        "#",
        "#frag",
        "#@evil.example",
        "%00",
        "%0a",
        "%0d%0a",
        "\0",
        "\t",
        "\n",
        "\r\n",
        " ",
        "%20",
        "+",
        "%23",
        "%3f",
        ".",
        "..",
        "~",
        "*",
        "x",
        "/evil",
        "@evil.example",
        ":443",
        "\u{200b}",
        "\u{202e}",
        "\u{ff0f}",
        "\u{2044}",
        "%ef%bc%8f",
    ];
    for end in ends {
        uris.insert(format!("{REGISTERED}{end}"));
        uris.insert(format!("https://good.example.com{end}/cb"));
        uris.insert(format!("https://good.example.com/{end}cb"));
    }
    let hosts = [
        "good.example.com@evil.example",
        "a@b@good.example.com",
        "user:pass@good.example.com",
        "evil.example\\@good.example.com",
        "good.example.com.evil.example",
        "goodXexample.com",
        "goodxexample.com",
        "evilgood.example.com",
        "good.example.com.",
        "good.example.com:443",
        "good.example.com:0443",
        "good.example.com:80",
        "good.example.com:",
        "GOOD.example.com",
        "good.example.COM",
        "good.example%2ecom",
        "good%2eexample.com",
        "good.example.com%00",
        "good\u{3002}example.com",
        "good\u{ff0e}example.com",
        "g\u{43e}od.example.com",
        "xn--god-sla.example.com",
        "xn--good-.example.com",
        "good.example.com%2f",
        "[::1]",
        "good.example.com[::1]",
        "[::1%25eth0]",
        "[fe80::1%eth0]",
        "*.example.com",
        "good.example.co",
        "good.example.com.com",
        "good..example.com",
        ".good.example.com",
        "good.example.com\\",
        "good.example.com;",
        "good.example.com,evil.example",
        "good.example.com evil.example",
        "good\u{ad}.example.com",
        "good.example.c\u{1d428}m",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "localhost",
        "",
        "good.example.com&evil.example",
        "good.example.com#",
        "good.example.com?",
    ];
    for host in hosts {
        uris.insert(format!("https://{host}/cb"));
        uris.insert(format!("http://{host}/cb"));
        uris.insert(format!("https:\\\\{host}\\cb"));
    }
    let schemes = [
        "http",
        "HTTPS",
        "Https",
        "javascript",
        "JaVaScRiPt",
        "data",
        "vbscript",
        "file",
        "blob",
        "ftp",
        "ws",
        "wss",
        "about",
        "view-source",
        "intent",
        "com.evil.app",
        "https ",
        " https",
        "ht\ttps",
        "https\n",
        "httpss",
        "",
        "s",
    ];
    for scheme in schemes {
        uris.insert(format!("{scheme}://good.example.com/cb"));
        uris.insert(format!("{scheme}:good.example.com/cb"));
    }
    for path in
        ["/CB", "/Cb", "/c", "/cbb", "/%63b", "/c%62", "/cb%20", "//cb", "/./cb", "/a/../cb"]
    {
        uris.insert(format!("https://good.example.com{path}"));
    }
    uris.extend(
        ["//good.example.com/cb", "/cb", "cb", "", "good.example.com/cb"].map(str::to_owned),
    );
    for end in 0..REGISTERED.len() {
        uris.insert(REGISTERED[..end].to_owned());
    }
    uris
}

/// THREATS AZ-02, AZ-03, AZ-04.
#[test]
fn a_similar_uri_does_not_match_a_registered_one() {
    let client = client("web", &[REGISTERED]);
    let corpus = near_misses();
    assert!(corpus.len() >= 200, "{} entries", corpus.len());

    assert_eq!(matches(&client, REGISTERED), Ok(()));
    for near in corpus {
        let refused = matches(&client, &near);
        let common = near.bytes().zip(REGISTERED.bytes()).take_while(|(a, b)| a == b).count();
        assert_eq!(refused, Err(Mismatch::At(common + 1)), "{near:?}");
        assert!(matches_after_logout(&client, &near).is_err(), "{near:?}");
    }
}

#[test]
fn the_refusal_names_the_first_difference_from_the_most_similar_uri() {
    let client = client("web", &["https://other.example/cb", "https://good.example.com/callback"]);

    let refused = matches(&client, "https://good.example.com/callbank").unwrap_err();

    let expected = "it differs from the registered one at character 32";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(matches(&self::client("web", &[]), REGISTERED), Err(Mismatch::NoneRegistered));
}

/// THREATS AZ-07, RFC 8252 §7.3:
///
/// > The authorization server MUST allow any port to be specified at the time of the request for
/// > loopback IP redirect URIs
#[test]
fn a_native_application_may_vary_the_port_of_a_loopback_address_and_nothing_else() {
    let native = client(
        "native",
        &[
            "http://127.0.0.1/cb",
            "http://[::1]:5000/cb?a=b",
            "http://localhost:3000/cb",
            "com.example.app:/cb",
        ],
    );
    for allowed in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://[::1]/cb?a=b",
        "http://[::1]:61000/cb?a=b",
        "http://localhost:3000/cb",
        "http://localhost:3001/cb",
        "http://localhost/cb",
        "com.example.app:/cb",
    ] {
        assert_eq!(matches(&native, allowed), Ok(()), "{allowed}");
    }
    for refused in [
        "http://localhost.evil/cb",
        "http://localhost:3000@evil/cb",
        "http://localhost:3000/cc",
        "http://localhost.:3000/cb",
        "http://LOCALHOST:3000/cb",
        "https://localhost:3000/cb",
        "http://localhost6/cb",
        "http://[::1]/cb",
        "http://localhost/cb?a=b",
        "http://127.0.0.1.evil/cb",
        "http://127.0.0.1:80.evil/cb",
        "http://127.0.0.1:80@evil/cb",
        "http://127.0.0.1@evil/cb",
        "http://127.1/cb",
        "http://127.0.0.2/cb",
        "http://0x7f000001/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://[::1%25lo]/cb?a=b",
        "http://[0:0:0:0:0:0:0:1]/cb?a=b",
        "https://127.0.0.1/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:080/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999999999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:+80/cb",
        "http://127.0.0.1:80/cb/",
        "http://127.0.0.1:80/CB",
        "http://127.0.0.1:80/cb?a=b",
        "http://127.0.0.1:80",
        "http://127.0.0.1:80\\cb",
        "http://127.0.0.1:80#/cb",
        "http://127.0.0.1",
        "com.example.app:80/cb",
    ] {
        assert!(matches(&native, refused).is_err(), "{refused}");
    }
    let one = client("native", &["http://127.0.0.1/cb"]);
    assert!(matches(&one, "http://localhost/cb").is_err(), "one host never stands for another");
    let web = client("web", &["http://127.0.0.1:5000/cb", "http://localhost:5000/cb"]);
    assert!(matches(&web, "http://localhost:5001/cb").is_err());
    assert_eq!(matches(&web, "http://127.0.0.1:5000/cb"), Ok(()));
    assert_eq!(matches(&web, "http://127.0.0.1:5001/cb"), Err(Mismatch::At(21)));
    let position = matches(&native, "http://127.0.0.1:61000/cc").unwrap_err();
    assert_eq!(position, Mismatch::At(25), "the port is not what differs");
}

#[test]
fn the_redirect_uris_of_known_applications_can_be_registered() {
    use ApplicationType::{Native, Web};
    for (application, uri) in [
        (Web, "https://rp.example"),
        (Web, "https://rp.example/"),
        (Web, "https://rp.example:8443/cb?tenant=a%20b"),
        (Web, "https://intranet/cb"),
        (Web, "https://192.0.2.1/cb"),
        (Web, "https://[2001:db8::1]/cb"),
        (Web, "https://xn--bcher-kva.example/cb"),
        (Web, "http://localhost:8081/callback"),
        (Web, "http://127.0.0.1:8081/callback"),
        (Native, "http://127.0.0.1/cb"),
        (Native, "http://[::1]/cb"),
        (Native, "https://app.example.com/cb"),
        (Native, "com.example.app:/oauth2redirect"),
        (Native, "com.example.app://callback"),
        (Native, "com.example-2.app:/"),
        (Native, "com.googleusercontent.apps.123-abc:/oauth2redirect"),
        (Native, "com.1password.app:/cb"),
    ] {
        assert!(
            register(uri, application, &[]).is_ok(),
            "{uri}: {:?}",
            register(uri, application, &[])
        );
    }
}

/// Decision 0040; THREATS AZ-06: a scheme without a dot is allowed by its name, to a native application.
#[test]
fn a_scheme_without_a_dot_must_be_permitted_for_the_client() {
    use ApplicationType::{Native, Web};
    let allowed = ["vscode", "cursor", "javascript", "http", "data"].map(str::to_owned);
    for uri in ["vscode://vscode.github-authentication/did-authenticate", "cursor://anysphere/cb"] {
        assert!(register(uri, Native, &allowed).is_ok(), "{uri}");
        assert!(register(uri, Native, &[]).is_err(), "{uri}");
        assert!(register(uri, Native, &["zed".to_owned()]).is_err(), "{uri}");
        assert!(register(uri, Web, &allowed).is_err(), "{uri}");
    }
    for uri in [
        "javascript://cb/%0aalert(1)",
        "javascript:/alert(1)",
        "data:/text/html,x",
        "http://rp.example/cb",
        "vscode:cb",
        "VSCode://cb/x",
        "vscode://user@host/cb",
        "vscode://host/cb#x",
        "vscode-insiders://host/cb",
    ] {
        assert!(register(uri, Native, &allowed).is_err(), "{uri}");
    }
    for scheme in
        ["javascript", "data", "file", "https", "JavaScript", "Zed", "", "1a", "a b", "a:"]
    {
        assert!(!may_be_allowed(scheme), "{scheme}");
    }
    let native = client("native", &["vscode://app/cb"]);
    assert!(matches(&native, "vscode://app:80/cb").is_err());
}

/// THREATS AZ-04, AZ-06.
#[test]
fn an_ambiguous_uri_is_not_registered() {
    use ApplicationType::{Native, Web};
    for uri in near_misses().iter().filter(|uri| Url::parse(uri).is_err()) {
        assert!(register(uri, Web, &[]).is_err(), "{uri:?}");
        assert!(register(uri, Native, &[]).is_err(), "{uri:?}");
    }
    for uri in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "javascript://rp.example/%0aalert(1)",
        "data:text/html,x",
        "DATA:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://rp.example/1",
        "about:blank",
        "myapp:/cb",
        "myapp://cb",
        "http.:/cb",
        ".http:/cb",
        "com..app:/cb",
        "1com.app:/cb",
        "com.-app:/cb",
        "com.example.app:cb",
        "com.example.app://user@host/cb",
        "COM.example.app:/cb",
        "http://rp.example/cb",
        "http://127.0.0.1.rp.example/cb",
        "http://127.0.0.2/cb",
        "http://127.1/cb",
        "http://[::ffff:127.0.0.1]/cb",
        "http://127.0.0.1:0/cb",
        "https://rp.example/cb#",
        "https://rp.example/cb#frag",
        "https://user@rp.example/cb",
        "https://:pass@rp.example/cb",
        "https://@rp.example/cb",
        "https://*.example/cb",
        "https://rp.example/*",
        "https://rp.example/cb?*",
        "https://RP.example/cb",
        "HTTPS://rp.example/cb",
        "https://rp.example:443/cb",
        "https://rp.example:/cb",
        "https://rp.example./cb",
        "https://rp..example/cb",
        "https://-rp.example/cb",
        "https://r_p.example/cb",
        "https://rp.example/a/../cb",
        "https://rp.example/a/%2e%2e/cb",
        "https://rp.example/./cb",
        "https://rp.example\\cb",
        "https:\\\\rp.example\\cb",
        "https:rp.example/cb",
        "https:///rp.example/cb",
        "//rp.example/cb",
        "/cb",
        "",
        "https://",
        "https://b\u{fc}cher.example/cb",
        "https://xn--rp-.example/cb",
        "https://xn--a.example/cb",
        "https://xn--example-.org/cb",
        "https://0x7f.1/cb",
        "https://2130706433/cb",
        "https://rp.example/c b",
        "https://rp.example/cb\n",
        " https://rp.example/cb",
        "https://rp.example/cb?code=x",
        "https://rp.example/cb?a=b&st%61te=x",
        "https://rp.example/<script>",
        "https://rp.example/%",
        "https://rp.example/cb?%zz",
        "https://rp.example/[::1]",
    ] {
        assert!(register(uri, Web, &[]).is_err(), "{uri:?}");
        assert!(register(uri, Native, &[]).is_err(), "{uri:?}");
    }
    assert!(register("com.example.app:/cb", Web, &[]).is_err());
    assert!(register(&format!("https://rp.example/{}", "a".repeat(2048)), Web, &[]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// THREATS AZ-05: a URI that matches has the scheme and host of the registered one.
    #[test]
    fn a_matching_uri_has_the_same_scheme_and_host(
        scheme in "https?|com\\.example",
        host in "127\\.0\\.0\\.1|\\[::1\\]|localhost|[a-z0-9.@:%-]{1,12}",
        rest in "(:[0-9]{0,6})?[/?#@\\\\a-c.%:]{0,8}",
    ) {
        let presented = format!("{scheme}://{host}{rest}");
        let native = client("native", &["http://127.0.0.1:80/a", "http://[::1]/a", "https://a/b"]);
        if matches(&native, &presented).is_ok() {
            let there = Url::parse(&presented).unwrap();
            let same = native.metadata.redirect_uris.iter().any(|uri| {
                let registered = Url::parse(uri).unwrap();
                registered.scheme() == there.scheme()
                    && registered.host() == there.host()
                    && registered.path() == there.path()
                    && there.username().is_empty()
                    && (uri::is_loopback(&there) || registered.port() == there.port())
            });
            prop_assert!(same, "{presented}");
        }
    }

    /// A registered URI matches itself, and nothing shorter or longer.
    #[test]
    fn a_registered_uri_matches_itself(uri in "https://[a-z.]{1,10}(:[0-9]{1,5})?(/[a-z./%0-9]{0,8})?(\\?[a-z=&]{0,8})?") {
        if register(&uri, ApplicationType::Web, &[]).is_ok() {
            let client = client("web", &[&uri]);
            prop_assert_eq!(matches(&client, &uri), Ok(()));
            let longer = format!("{uri}a");
            prop_assert!(matches(&client, &longer).is_err());
            prop_assert!(matches(&client, &uri[..uri.len() - 1]).is_err());
            prop_assert!(Url::parse(&uri).is_ok_and(|url| url.as_str().starts_with(&uri)));
        }
    }
}
