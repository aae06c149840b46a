//! `[tls]`, `[mtls]` and `[acme]`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Http, Operations};
use crate::acme::{AcmeDirectory, Domain};
use crate::issuer::Issuer;
use crate::mtls_url::MtlsUrl;
use crate::problem::{Contradictions, not_a_file};
use crate::table::{optional, table};
use crate::text::{AcmeChallenge, CertificateHeader, Link};

table! {
    /// HTTPS, where this server ends TLS itself, without a proxy: TLS 1.3 and 1.2, forward secrecy
    /// only.
    tls: Tls {
        /// Addresses and ports for https: one, or several.
        listen: Vec<SocketAddr> = Vec::new();
        /// The certificate of the issuer's host, followed by its intermediate certificates, as PEM.
        certificate_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/fullchain.pem";
        /// The private key of the certificate, as PEM, readable only by the server. Both files are
        /// read again when they change, and on SIGHUP.
        key_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/privkey.pem";
        /// An OCSP response for the certificate (DER), stapled in the handshake. It is read again
        /// when it changes, and left out when it is not good or no longer current. Not set, the
        /// response is fetched from the OCSP responder that the certificate names, if it names one.
        ocsp_file: Option<PathBuf> = None, such as "/etc/gatewright/tls/ocsp.der";
        /// Addresses and ports, mostly port 80, where plain http is redirected to https for
        /// browsers and refused for clients. ACME's http-01 challenge is answered there too.
        redirect_listen: Vec<SocketAddr> = Vec::new();
    }
}

table! {
    /// The host name at which client certificates are requested (RFC 8705). It serves the endpoints
    /// of clients and no pages, so that a browser never asks a user for a certificate.
    mtls: Mtls {
        /// Its URL: the metadata names it for the endpoints that accept a certificate
        /// (`mtls_endpoint_aliases`, RFC 8705 §5). Not set, this server requests no client
        /// certificates. It receives them by `mtls.listen` or `tls.listen`, or from a proxy that
        /// passes them on (`http.client_certificate_header`).
        url: Option<MtlsUrl> = None, such as "https://mtls.id.example.org";
        /// Addresses and ports for it. Not set, it shares `tls.listen` and is recognised by the
        /// host name in the TLS handshake (SNI), which must then be another one than the issuer's.
        listen: Vec<SocketAddr> = Vec::new();
        /// Its certificate, in the form of `tls.certificate_file`. Not set, that one serves both
        /// host names.
        certificate_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/fullchain.pem";
        /// The private key of its certificate.
        key_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/privkey.pem";
        /// An OCSP response for its certificate (DER), as for `tls.ocsp_file`.
        ocsp_file: Option<PathBuf> = None, such as "/etc/gatewright/mtls/ocsp.der";
    }
}

table! {
    /// The certificate of `[tls]` from a certification authority that speaks ACME (RFC 8555),
    /// instead of files. It is stored in the database, its private key sealed; one replica orders
    /// and renews it, all of them use it.
    acme: Acme {
        /// The directory URL of the certification authority (RFC 8555 §7.1.1). Not set,
        /// certificates are files.
        directory: Option<AcmeDirectory> = None,
            such as "https://acme-v02.api.letsencrypt.org/directory";
        /// Whether you agree to the terms of service of the certification authority, as it requires
        /// (RFC 8555 §7.3).
        terms_agreed: bool = false;
        /// Addresses at which the certification authority reaches you, as `mailto:` URLs.
        contacts: Vec<Link> = Vec::new();
        /// The host names in the certificate. Empty: the hosts of the issuer and of `mtls.url`.
        domains: Vec<Domain> = Vec::new();
        /// The challenge that validates the host names: `tls-alpn-01`, on port 443 of each (RFC
        /// 8737), or `http-01`, on port 80 of each (RFC 8555 §8.3): by `tls.redirect_listen`, or by
        /// a proxy in front of `http.listen`.
        challenge: AcmeChallenge = AcmeChallenge::TlsAlpn01;
    }
}

/// An address and port belongs to one listener.
pub(super) fn check_ports(
    http: &Http,
    tls: &Tls,
    mtls: &Mtls,
    operations: &Operations,
    contradictions: &mut Contradictions,
) {
    let mut taken: Vec<_> = http.listen.iter().chain(&operations.listen).collect();
    for (key, listen) in [
        ("tls.listen", &tls.listen),
        ("tls.redirect_listen", &tls.redirect_listen),
        ("mtls.listen", &mtls.listen),
    ] {
        if listen.iter().any(|address| address.port() != 0 && taken.contains(&address)) {
            let reason = "names an address and port that another listener has";
            contradictions.add(&[key], reason, "give each listener a port of its own");
        }
        taken.extend(listen);
    }
}

/// A certificate, its private key and its OCSP response, each with the name of its key.
struct Files<'a> {
    certificate: (&'static str, &'a Option<PathBuf>),
    key: (&'static str, &'a Option<PathBuf>),
    ocsp: (&'static str, &'a Option<PathBuf>),
}

impl Files<'_> {
    fn check(&self, contradictions: &mut Contradictions) {
        let alone = match (self.certificate, self.key) {
            ((alone, Some(_)), (other, None)) | ((other, None), (alone, Some(_))) => {
                Some((alone, other))
            }
            ((_, Some(_)), (_, Some(_))) | ((_, None), (_, None)) => None,
        };
        if let Some((alone, other)) = alone {
            contradictions.add(&[alone], format!("is given, but {other} is not"), "give both");
        }
        for (name, file) in [self.certificate, self.key] {
            if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
                contradictions.add(&[name], not_a_file(file), "put it there, as PEM");
            }
        }
        if self.ocsp.1.is_some() && self.certificate.1.is_none() {
            let reason = "is given, but its certificate is not";
            contradictions.add(&[self.ocsp.0], reason, "give the certificate too");
        }
    }
}

impl Tls {
    pub(super) fn check(&self, acme: &Acme, contradictions: &mut Contradictions) {
        let files = Files {
            certificate: ("tls.certificate_file", &self.certificate_file),
            key: ("tls.key_file", &self.key_file),
            ocsp: ("tls.ocsp_file", &self.ocsp_file),
        };
        files.check(contradictions);
        if !self.listen.is_empty() && !self.has_certificate(acme) {
            let remedy = "name tls.certificate_file and tls.key_file";
            contradictions.add(&["tls.listen"], "is given, but no certificate is", remedy);
        }
    }

    /// Whether there is a certificate, from files or from ACME.
    fn has_certificate(&self, acme: &Acme) -> bool {
        self.certificate_file.is_some() || acme.directory.is_some()
    }
}

impl Mtls {
    pub(super) fn check(
        &self,
        issuer: &Issuer,
        http: &Http,
        tls: &Tls,
        acme: &Acme,
        contradictions: &mut Contradictions,
    ) {
        let files = Files {
            certificate: ("mtls.certificate_file", &self.certificate_file),
            key: ("mtls.key_file", &self.key_file),
            ocsp: ("mtls.ocsp_file", &self.ocsp_file),
        };
        files.check(contradictions);
        let has_one = self.certificate_file.is_some() || tls.has_certificate(acme);
        if !self.listen.is_empty() && !has_one {
            let remedy = "name mtls.certificate_file and mtls.key_file";
            contradictions.add(&["mtls.listen"], "is given, but no certificate is", remedy);
        }
        let listens_for_https = !(self.listen.is_empty() && tls.listen.is_empty());
        match &self.url {
            None if !self.listen.is_empty() => contradictions.add(
                &["mtls.listen"],
                "is given, but mtls.url, by which clients find it, is not",
                "give mtls.url, such as \"https://mtls.id.example.org\"",
            ),
            Some(url) if url.origin() == issuer.origin() => contradictions.add(
                &["mtls.url"],
                "is the address of the issuer, where no certificate is requested",
                "give it a name or a port of its own",
            ),
            Some(url) if self.shares_a_port(tls) && !url.has_name_other_than(issuer) => contradictions.add(
                &["mtls.url"],
                "cannot be distinguished from the issuer on the port that they share",
                "give it a DNS name of its own, or a port of its own with mtls.listen",
            ),
            // Clients would follow the metadata and send certificates that do not reach this server.
            Some(_) if !sees_client_certificates(http, self, listens_for_https) => contradictions.add(
                &["mtls.url", "http.client_certificate_header"],
                "is given, but client certificates do not reach this server: there is no listener for \
                 https, and no proxy passes them on",
                "give mtls.listen or tls.listen; where a proxy ends TLS, name the header in which it \
                 passes the certificate on with http.client_certificate_header",
            ),
            Some(_) | None => {}
        }
    }

    pub(super) fn shares_a_port(&self, tls: &Tls) -> bool {
        self.url.is_some() && self.listen.is_empty() && !tls.listen.is_empty()
    }
}

/// See [`super::Config::sees_client_certificates`].
pub(super) fn sees_client_certificates(http: &Http, mtls: &Mtls, listens_for_https: bool) -> bool {
    let is_requested_here = mtls.url.is_some() && listens_for_https;
    is_requested_here || http.client_certificate_header != CertificateHeader::None
}

impl Acme {
    pub(super) fn check(
        &self,
        issuer: &Issuer,
        http: &Http,
        tls: &Tls,
        mtls: &Mtls,
        contradictions: &mut Contradictions,
    ) {
        if self.directory.is_none() {
            return;
        }
        if tls.certificate_file.is_some() {
            let reason = "is given, and so is a certificate in files";
            let keys = ["acme.directory", "tls.certificate_file"];
            contradictions.add(&keys, reason, "leave one of them out");
        }
        let is_presented =
            !tls.listen.is_empty() || (!mtls.listen.is_empty() && mtls.certificate_file.is_none());
        if !is_presented {
            let reason = "is given, but no listener presents its certificate";
            let keys = ["acme.directory", "tls.listen"];
            contradictions.add(&keys, reason, "give tls.listen, or leave [acme] out");
        }
        // A proxy that listens on port 80 may forward the challenge to `http.listen`, if it is known.
        let has_port_80 = http.listen.iter().any(|address| address.port() == 80);
        let is_behind_proxy = !http.listen.is_empty() && !http.trusted_proxies.is_empty();
        if self.challenge == AcmeChallenge::Http01
            && tls.redirect_listen.is_empty()
            && !has_port_80
            && !is_behind_proxy
        {
            contradictions.add(
                &["acme.challenge", "tls.redirect_listen"],
                "is http-01, but this server does not respond on port 80",
                "give tls.redirect_listen, such as \"[::]:80\"; where a proxy has that port and passes \
                 it on to http.listen, name it in http.trusted_proxies; or use tls-alpn-01",
            );
        }
        if !self.terms_agreed {
            let reason = "is false, and without it no CA issues a certificate";
            let remedy = "read its terms of service, and set it to true";
            contradictions.add(&["acme.terms_agreed"], reason, remedy);
        }
        if self.contacts.iter().any(|contact| contact.0.scheme() != "mailto") {
            let reason = "has an item that is not a mail address";
            contradictions.add(&["acme.contacts"], reason, "write \"mailto:admin@example.org\"");
        }
        if self.effective_domains(issuer, mtls.url.as_ref()).is_empty() {
            let reason = "is empty, and neither the issuer nor mtls.url has a DNS name";
            contradictions.add(
                &["acme.domains"],
                reason,
                "name the domains that the certificate is for",
            );
        }
    }

    pub(super) fn effective_domains(&self, issuer: &Issuer, mtls: Option<&MtlsUrl>) -> Vec<Domain> {
        let hosts = [issuer.url().host_str(), mtls.map(MtlsUrl::host)];
        let mut domains = if self.domains.is_empty() {
            hosts.into_iter().flatten().filter_map(Domain::parse).collect()
        } else {
            self.domains.clone()
        };
        domains.sort();
        domains.dedup();
        domains
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::Scratch;

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
            assert_problem(&scratch, text, problem);
        }
    }

    /// Loads these listeners of an issuer: no problem, or this one among others.
    fn assert_problem(scratch: &Scratch, text: &str, problem: &str) {
        let file =
            format!("issuer = \"https://id.example.org\"\ndatabase.url = \"sqlite:g.db\"\n{text}");
        let loaded = scratch.load(&file, &[]);
        let problems = loaded.err().map(|problems| problems.to_string()).unwrap_or_default();
        let problems = problems.replace(&format!("{}/", scratch.0.display()), "");
        assert_eq!(problems.is_empty(), problem.is_empty(), "{text}: {problems}");
        assert!(problems.contains(problem), "{text}: {problems}");
    }

    /// RFC 8555 §8.3, RFC 8737 §3: otherwise every order would fail.
    #[test]
    fn acme_needs_a_listener_and_a_challenge_that_can_succeed() {
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
        let unused = "acme.directory: is given, but no listener presents its certificate";
        let unreachable = "acme.challenge: is http-01, but this server does not respond on port 80";

        for (text, problem) in [
            (alpn.clone(), unused),
            (format!("{alpn}\nmtls = {{ {mtls}, {pair} }}"), unused),
            (format!("{alpn}\nmtls = {{ {mtls} }}"), ""),
            (format!("{alpn}\n{tls}"), ""),
            (format!("{http}\n{tls}"), unreachable),
            (format!("{http}\n{tls}\nhttp.listen = []"), unreachable),
            (
                format!("{http}\n{tls}\nhttp = {{ listen = [], trusted_proxies = \"10.0.0.1\" }}"),
                unreachable,
            ),
            (format!("{http}\n{tls}\ntls.redirect_listen = \"[::]:8080\""), ""),
            (format!("{http}\n{tls}\nhttp.listen = \"127.0.0.1:80\""), ""),
            (format!("{http}\n{tls}\nhttp.trusted_proxies = \"10.0.0.1\""), ""),
        ] {
            assert_problem(&scratch, &text, problem);
        }
    }
}
