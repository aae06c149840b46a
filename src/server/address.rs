//! The client address of a request, from the connection or from trusted proxies.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::config::Network;

/// The maximum number of forwarded addresses that are examined (THREATS HD-02).
const HOPS: usize = 32;

/// The rightmost address of `X-Forwarded-For` that is not a trusted proxy. Each proxy appends the address of its
/// peer; everything further left may be forged (THREATS HD-03).
///
/// If a trusted proxy forwards something that is not an address, the address of that proxy is used, so that
/// rules about addresses still apply.
pub(super) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address| is_proxy(address, trusted);
    if !is_trusted(peer) {
        return peer;
    }
    let fields = headers.get_all("x-forwarded-for").iter().rev();
    // As bytes: forged text at the left must not hide what a trusted proxy appended at the right.
    let hops = fields.flat_map(|field| field.as_bytes().rsplit(|byte| *byte == b','));
    let mut client = peer;
    for hop in hops.take(HOPS) {
        let Some(address) = parse(hop) else {
            return client;
        };
        client = address;
        if !is_trusted(address) {
            return address;
        }
    }
    client
}

/// Whether this is a trusted proxy.
pub(super) fn is_proxy(peer: IpAddr, trusted: &[Network]) -> bool {
    trusted.iter().any(|network| network.contains(peer))
}

/// Parses an address, which may have a port, and brackets around IPv6.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop.trim_ascii()).ok()?;
    let address = hop.parse().ok().or_else(|| {
        let with_port: std::net::SocketAddr = hop.parse().ok()?;
        Some(with_port.ip())
    });
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client_of(peer: &str, forwarded: &[&str]) -> String {
        let trusted = [
            Network::new("10.0.0.0".parse().unwrap(), 8).unwrap(),
            Network::new("::1".parse().unwrap(), 128).unwrap(),
        ];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    /// THREATS HD-03.
    #[test]
    fn only_addresses_from_trusted_proxies_are_used() {
        assert_eq!(client_of("192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "not a trusted proxy");
        assert_eq!(client_of("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            client_of("10.0.0.1", &["1.1.1.1, 203.0.113.9"]),
            "203.0.113.9",
            "1.1.1.1 is a claim"
        );
        assert_eq!(client_of("10.0.0.1", &["1.1.1.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client_of("::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(client_of("::1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(client_of("::1", &["203.0.113.9:80"]), "203.0.113.9");
    }

    /// THREATS HD-02.
    #[test]
    fn an_invalid_address_falls_back_to_the_proxy() {
        for broken in ["a", "", ",", "203.0.113.9, a", "fe80::1%eth0", "203.0.113", "é"] {
            let headers = [broken];
            assert_eq!(client_of("10.0.0.1", &headers), "10.0.0.1", "{broken}");
        }
        assert_eq!(
            client_of("10.0.0.1", &["Jürgen, 203.0.113.9"]),
            "203.0.113.9",
            "nor the address to the left of it"
        );
        let many = vec!["10.0.0.9"; 1000].join(", ");
        assert_eq!(client_of("10.0.0.1", &[&format!("203.0.113.9, {many}")]), "10.0.0.9");
    }
}
