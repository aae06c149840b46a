//! What no single key of `[tls]`, `[mtls]` and `[acme]` can tell: values that contradict each other.

use super::check::not_there;
use super::{AcmeChallenge, Alias, Config, Domain};

/// Takes the keys that a problem is about, why they cannot stay, and what to do about it.
pub(super) type Refuse<'a> = dyn FnMut(&[&'static str], String, &str) + 'a;

/// What is wrong with the listeners for https, taken together.
pub(super) fn listeners(config: &Config, refuse: &mut Refuse<'_>) {
    let Config { issuer, http, tls, mtls, acme, operations, .. } = config;
    let mut taken: Vec<_> = http.listen.iter().chain(&operations.listen).collect();
    for (key, listen) in [
        ("tls.listen", &tls.listen),
        ("tls.redirect_listen", &tls.redirect_listen),
        ("mtls.listen", &mtls.listen),
    ] {
        if listen.iter().any(|address| address.port() != 0 && taken.contains(&address)) {
            let reason = "names an address and port that another listener has".to_owned();
            refuse(&[key], reason, "give each listener a port of its own");
        }
        taken.extend(listen);
    }
    let files = [
        ("tls.certificate_file", "tls.key_file", &tls.certificate_file, &tls.key_file),
        ("mtls.certificate_file", "mtls.key_file", &mtls.certificate_file, &mtls.key_file),
    ];
    for (certificate_key, key_key, certificate, key) in files {
        let (alone, other) = match (certificate, key) {
            (Some(_), None) => (certificate_key, key_key),
            (None, Some(_)) => (key_key, certificate_key),
            (Some(_), Some(_)) | (None, None) => ("", ""),
        };
        if !alone.is_empty() {
            refuse(&[alone], format!("is given, but {other} is not"), "give both");
        }
        for (name, file) in [(certificate_key, certificate), (key_key, key)] {
            if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
                refuse(&[name], not_there(file), "put it there, as PEM");
            }
        }
    }
    for (key, certificate, file) in [
        ("tls.ocsp_file", &tls.certificate_file, &tls.ocsp_file),
        ("mtls.ocsp_file", &mtls.certificate_file, &mtls.ocsp_file),
    ] {
        if file.is_some() && certificate.is_none() {
            refuse(
                &[key],
                "is given, but its certificate is not".to_owned(),
                "give the certificate too",
            );
        }
    }
    let has_one = tls.certificate_file.is_some() || acme.directory.is_some();
    if !tls.listen.is_empty() && !has_one {
        let reason = "is given, but no certificate is".to_owned();
        refuse(&["tls.listen"], reason, "name tls.certificate_file and tls.key_file");
    }
    if !mtls.listen.is_empty() && mtls.certificate_file.is_none() && !has_one {
        let reason = "is given, but no certificate is".to_owned();
        refuse(&["mtls.listen"], reason, "name mtls.certificate_file and mtls.key_file");
    }
    match &mtls.url {
        None if !mtls.listen.is_empty() => {
            let reason = "is given, but mtls.url, by which clients find it, is not".to_owned();
            refuse(
                &["mtls.listen"],
                reason,
                "give mtls.url, such as \"https://mtls.id.example.org\"",
            );
        }
        Some(url) if url.origin() == issuer.origin() => {
            let reason = "is the address of the issuer, where no certificate is requested";
            refuse(&["mtls.url"], reason.to_owned(), "give it a name or a port of its own");
        }
        Some(url) if config.mtls_shares_a_port() && !url.has_name_other_than(issuer) => {
            let reason = "cannot be distinguished from the issuer on the port that they share";
            refuse(
                &["mtls.url"],
                reason.to_owned(),
                "give it a DNS name of its own, or a port of its own with mtls.listen",
            );
        }
        // The metadata would send clients there with certificates that nobody looks at.
        Some(_)
            if !config
                .sees_client_certificates(!(mtls.listen.is_empty() && tls.listen.is_empty())) =>
        {
            let reason = "is given, but client certificates do not reach this server: there is no \
                          listener for https, and no proxy passes them on";
            refuse(
                &["mtls.url", "http.client_certificate_header"],
                reason.to_owned(),
                "give mtls.listen or tls.listen; where a proxy ends TLS, name the header in which \
                 it passes the certificate on with http.client_certificate_header",
            );
        }
        Some(_) | None => {}
    }
}

/// What is wrong with the certificates that are ordered.
pub(super) fn acme(config: &Config, refuse: &mut Refuse<'_>) {
    let Config { http, tls, mtls, acme, .. } = config;
    if acme.directory.is_none() {
        return;
    }
    if tls.certificate_file.is_some() {
        let reason = "is given, and so is a certificate in files".to_owned();
        refuse(&["acme.directory", "tls.certificate_file"], reason, "leave one of them out");
    }
    let is_shown =
        !tls.listen.is_empty() || (!mtls.listen.is_empty() && mtls.certificate_file.is_none());
    if !is_shown {
        let reason = "is given, but no listener presents its certificate".to_owned();
        refuse(&["acme.directory", "tls.listen"], reason, "give tls.listen, or leave [acme] out");
    }
    // A proxy that has port 80 may pass the challenge on to `http.listen`; one that nobody has named, and
    // an address that is not for the network, does not look like one.
    let has_port_80 = http.listen.iter().any(|address| address.port() == 80);
    let is_before_http = !http.listen.is_empty() && !http.trusted_proxies.is_empty();
    if acme.challenge == AcmeChallenge::Http01
        && tls.redirect_listen.is_empty()
        && !has_port_80
        && !is_before_http
    {
        let reason = "is http-01, but this server does not respond on port 80".to_owned();
        refuse(
            &["acme.challenge", "tls.redirect_listen"],
            reason,
            "give tls.redirect_listen, such as \"[::]:80\"; where a proxy has that port and passes it \
             on to http.listen, name it in http.trusted_proxies; or use tls-alpn-01",
        );
    }
    if !acme.terms_agreed {
        let reason = "is false, and without it no CA issues a certificate".to_owned();
        refuse(&["acme.terms_agreed"], reason, "read its terms of service, and set it to true");
    }
    if acme.contacts.iter().any(|contact| contact.0.scheme() != "mailto") {
        let reason = "has an item that is not a mail address".to_owned();
        refuse(&["acme.contacts"], reason, "write \"mailto:admin@example.org\"");
    }
    if config.acme_domains().is_empty() {
        let reason = "is empty, and neither the issuer nor mtls.url has a DNS name".to_owned();
        refuse(&["acme.domains"], reason, "name the domains that the certificate is for");
    }
}

impl Config {
    /// Whether the name that asks for client certificates is served on the port of the other one.
    pub fn mtls_shares_a_port(&self) -> bool {
        self.mtls.url.is_some() && self.mtls.listen.is_empty() && !self.tls.listen.is_empty()
    }

    /// The names that the certificate from ACME is for, in order.
    pub fn acme_domains(&self) -> Vec<Domain> {
        let hosts = [self.issuer.url().host_str(), self.mtls.url.as_ref().map(Alias::host)];
        let mut domains = if self.acme.domains.is_empty() {
            hosts.into_iter().flatten().filter_map(Domain::parse).collect()
        } else {
            self.acme.domains.clone()
        };
        domains.sort();
        domains.dedup();
        domains
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;

    #[test]
    fn a_listener_for_https_has_a_certificate_and_an_address_of_its_own() {
        let scratch = Scratch::new();
        scratch.write("chain.pem", "");
        let pair = "certificate_file = \"chain.pem\", key_file = \"chain.pem\"";
        let shared = format!("tls = {{ listen = \"[::]:443\", {pair} }}");
        let own =
            format!("{{ url = \"https://mtls.id.example.org\", listen = \"[::]:444\", {pair} }}");
        let behind_proxy = |text: &str| {
            let http = "trusted_proxies = \"10.0.0.1\", client_certificate_header = \"nginx\"";
            format!("http = {{ {http} }}\n{text}")
        };

        for (text, problem) in [
            ("http.listen = []", "http.listen: is empty"),
            ("tls.listen = \"[::]:443\"", "tls.listen: is given, but no certificate is"),
            ("mtls.listen = \"[::]:443\"", "mtls.listen: is given, but no certificate is"),
            ("mtls.listen = \"[::]:443\"", "mtls.listen: is given, but mtls.url, by which"),
            ("tls.listen = \"127.0.0.1:8080\"", "tls.listen: names an address and port that"),
            ("tls.certificate_file = \"chain.pem\"", "is given, but tls.key_file is not"),
            ("mtls.key_file = \"chain.pem\"", "is given, but mtls.certificate_file is not"),
            ("mtls.key_file = \"no.pem\"", "names no.pem, which is not a file"),
            ("mtls.url = \"https://id.example.org\"", "mtls.url: is the address of the issuer"),
            (
                "mtls.url = \"https://id.example.org:8443\"",
                "mtls.url: is given, but client certificates do not",
            ),
            (
                "mtls.url = \"http://localhost:8443\"",
                "mtls.url: is http, where clients cannot present a",
            ),
            (&behind_proxy("mtls.url = \"https://id.example.org:8443\""), ""),
            (&behind_proxy(""), ""),
            (
                &format!("{shared}\nmtls.url = \"https://id.example.org:1\""),
                "cannot be distinguished",
            ),
            (&format!("{shared}\nmtls.url = \"https://192.0.2.1\""), "cannot be distinguished"),
            (&format!("{shared}\nmtls.url = \"https://mtls.id.example.org\""), ""),
            (&format!("{shared}\nhttp.listen = []"), ""),
            (&format!("mtls = {own}"), ""),
        ] {
            tells(&scratch, text, problem);
        }
    }

    /// The listeners of an issuer, and what is said of them: nothing, or this among others.
    fn tells(scratch: &Scratch, text: &str, problem: &str) {
        let file =
            format!("issuer = \"https://id.example.org\"\ndatabase.url = \"sqlite:g.db\"\n{text}");
        let loaded = scratch.load(&file, &[]);
        let told = loaded.err().map(|problems| problems.to_string()).unwrap_or_default();
        let told = told.replace(&format!("{}/", scratch.0.display()), "");
        assert_eq!(told.is_empty(), problem.is_empty(), "{text}: {told}");
        assert!(told.contains(problem), "{text}: {told}");
    }

    /// RFC 8555 §8.3, RFC 8737 §3: else an authority is asked again and again, and never gives one.
    #[test]
    fn a_certificate_is_ordered_where_its_name_can_be_proven_and_somebody_shows_it() {
        let scratch = Scratch::new();
        scratch.write("chain.pem", "");
        let acme = |more: &str| {
            format!(
                "acme = {{ directory = \"https://ca.example/dir\", terms_agreed = true{more} }}"
            )
        };
        let (alpn, http) = (acme(""), acme(", challenge = \"http-01\""));
        let tls = "tls.listen = \"[::]:443\"";
        let mtls = "url = \"https://mtls.id.example.org\", listen = \"[::]:443\"";
        let pair = "certificate_file = \"chain.pem\", key_file = \"chain.pem\"";
        let unshown = "acme.directory: is given, but no listener presents its certificate";
        let unproven = "acme.challenge: is http-01, but this server does not respond on port 80";

        for (text, problem) in [
            (alpn.clone(), unshown),
            (format!("{alpn}\nmtls = {{ {mtls}, {pair} }}"), unshown),
            (format!("{alpn}\nmtls = {{ {mtls} }}"), ""),
            (format!("{alpn}\n{tls}"), ""),
            (format!("{http}\n{tls}"), unproven),
            (format!("{http}\n{tls}\nhttp.listen = []"), unproven),
            (
                format!("{http}\n{tls}\nhttp = {{ listen = [], trusted_proxies = \"10.0.0.1\" }}"),
                unproven,
            ),
            (format!("{http}\n{tls}\ntls.redirect_listen = \"[::]:8080\""), ""),
            (format!("{http}\n{tls}\nhttp.listen = \"127.0.0.1:80\""), ""),
            (format!("{http}\n{tls}\nhttp.trusted_proxies = \"10.0.0.1\""), ""),
        ] {
            tells(&scratch, &text, problem);
        }
    }
}
