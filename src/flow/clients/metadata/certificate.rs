//! The registered name of a client's certificate: [RFC 8705 §2.1.2].
//!
//! [RFC 8705 §2.1.2]: https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2

use super::{invalid, must};
use crate::flow::clients::uri;
use crate::pki::Name;
use crate::types::client::{AuthMethod, Metadata};
use crate::types::{Failure, Refusal, Thumbprint};

/// > A client using the "tls_client_auth" authentication method MUST use exactly one of the below
/// > metadata parameters to indicate the certificate subject value that the authorization server is to
/// > expect when authenticating the respective client.
///
/// Without any it is the name that the built-in CA issues. `Registrar` adds it, because it creates the identifier of a
/// new client.
pub(super) fn validate(metadata: &Metadata) -> Result<(), Refusal> {
    let Metadata {
        tls_client_auth_subject_dn: subject,
        tls_client_auth_san_dns: dns,
        tls_client_auth_san_uri: uri,
        tls_client_auth_san_ip: ip,
        tls_client_auth_san_email: mail,
        ..
    } = metadata;
    let named = [subject.is_some(), dns.is_some(), uri.is_some(), ip.is_some(), mail.is_some()];
    let named = named.into_iter().filter(|is_present| *is_present).count();
    if metadata.token_endpoint_auth_method == AuthMethod::TlsClientAuth {
        must(
            named <= 1,
            "token_endpoint_auth_method is tls_client_auth, which takes no more than one of tls_client_auth_subject_dn, tls_client_auth_san_dns, tls_client_auth_san_uri, tls_client_auth_san_ip and tls_client_auth_san_email",
        )?;
    } else {
        must(
            named == 0,
            "a name of a certificate (tls_client_auth_…) is present, and token_endpoint_auth_method is not tls_client_auth",
        )?;
    }
    must(
        !metadata.gw_shared_certificate_name || named == 1,
        "gw_shared_certificate_name is present, and there is no name of a certificate (tls_client_auth_…) to share",
    )?;
    if let Some(subject) = subject {
        Name::parse(subject).map_err(|reason| {
            invalid("tls_client_auth_subject_dn is not a name as RFC 4514 writes it, such as CN=Backup,O=Example,C=DE")
                .with("reason", reason)
        })?;
    }
    if let Some(dns) = dns {
        must(
            is_host(dns),
            "tls_client_auth_san_dns is not a host name, without wildcards, international ones as xn--",
        )?;
    }
    if let Some(san) = uri {
        uri::must_be_absolute(san).map_err(|reason| {
            invalid("tls_client_auth_san_uri is not an absolute URI").with("reason", reason)
        })?;
    }
    if let Some(mail) = mail {
        must(
            is_mail(mail),
            "tls_client_auth_san_email is not a mail address of plain ASCII, as certificates have them (RFC 5280 section 4.2.1.6)",
        )?;
    }
    Ok(())
}

/// The certificate name that authenticates this client, in the form in which names are compared: two names are equal
/// if one certificate can have both. `None` if the client has none.
///
/// # Errors
/// When what was registered cannot be read.
pub(in crate::flow) fn compared_name(metadata: &Metadata) -> Result<Option<String>, Failure> {
    let (kind, name) = if let Some(subject) = &metadata.tls_client_auth_subject_dn {
        ("subject", Name::parse(subject).map_err(Failure::internal)?.comparison_key())
    } else if let Some(dns) = &metadata.tls_client_auth_san_dns {
        ("dns", dns.to_ascii_lowercase().into_bytes())
    } else if let Some(uri) = &metadata.tls_client_auth_san_uri {
        ("uri", uri.clone().into_bytes())
    } else if let Some(ip) = &metadata.tls_client_auth_san_ip {
        ("ip", ip.to_string().into_bytes())
    } else if let Some(mail) = &metadata.tls_client_auth_san_email {
        let (local, domain) = mail.rsplit_once('@').unwrap_or(("", mail));
        ("email", format!("{local}@{}", domain.to_ascii_lowercase()).into_bytes())
    } else {
        return Ok(None);
    };
    // A digest, because a name may be too long for an index.
    Ok(Some(format!("{kind}:{}", Thumbprint::of(&name))))
}

/// A name in the form of RFC 1034 §3.5, each label a letter-digit-hyphen label (RFC 5890 §2.3.1).
fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// An addr-spec without quoting and comments.
fn is_mail(mail: &str) -> bool {
    let is_atom = |atom: &str| {
        let fits =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        !atom.is_empty() && atom.bytes().all(fits)
    };
    mail.len() <= 254
        && mail.rsplit_once('@').is_some_and(|(local, domain)| {
            local.len() <= 64 && local.split('.').all(is_atom) && is_host(domain)
        })
}
